"""The [[measurement]] tables of PARAMS.toml: what to measure on a synthetic device, in SI units."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from memfit.datasets.records import Kind
from memfit.errors import InputError
from memfit.loaders.manifest import Checker
from memfit.loaders.metadata import CONTROLS, INITIALS, TECHNIQUES
from memfit.protocols import Control, Drive, pulse_train
from memfit.synthetic.formats import FORMATS, Style, usual_format
from memfit.synthetic.measurements import (
    PULSE_POINTS,
    SPECTRUM_POINTS,
    SWEEP_POINTS,
    Measurement,
    check_files,
    in_format,
    log_frequencies,
    loop,
    spectrum,
    transient,
)

_COMMON = ("kind", "file", "format", "control", "points")
KEYS: Mapping[str, tuple[str, ...]] = {
    "impedance": (*_COMMON, "bias", "frequency"),
    "iv": (*_COMMON, "vertices", "scan_rate", "initial"),
    "transient": (
        *_COMMON,
        "amplitude",
        "base",
        "on",
        "width",
        "period",
        "count",
        "end",
        "waveform",
        "initial",
    ),
}
_MOST_POINTS = 1_000_000
_LARGEST_INTEGER = 2**63 - 1


def read_measurements(check: Checker, value: object, style: Style = "generic") -> tuple[Measurement, ...]:
    """All [[measurement]] tables; `style` gives the format of those that state none."""
    if not isinstance(value, list):
        check.mistake("measurement", "expected [[measurement]] with two brackets for each")
        return ()
    found: list[Measurement] = []
    for number, item in enumerate(value, start=1):
        place = f"measurement {number}"
        try:
            found += _measurement(check, item, place, style, [old.kind for old in found])
        except InputError as problem:
            check.mistake(place, str(problem))
    try:
        check_files(found)
    except InputError as problem:
        check.mistake("measurement", str(problem))
    return tuple(found)


def _measurement(
    check: Checker, value: object, place: str, style: Style, before: Sequence[Kind]
) -> Sequence[Measurement]:
    """What one [[measurement]] asks for, after those of the kinds `before`; nothing where it has mistakes."""
    table = check.table(value, place, None)
    if "kind" not in table:
        check.mistake(place, f"expected the key `kind` with one of {', '.join(KEYS)}")
        return ()
    kind = check.word(table["kind"], f"{place}, kind", TECHNIQUES)
    if kind is None:
        return ()
    table = check.table(table, place, KEYS[kind])
    stated = check.word(table["format"], f"{place}, format", FORMATS[kind]) if "format" in table else None
    made = _planned(check, table, place, kind)
    return [
        in_format(item, stated or usual_format(kind, style, number), rename="file" not in table)
        for number, item in enumerate(made, start=before.count(kind))
    ]


def _planned(check: Checker, table: Mapping[str, object], place: str, kind: Kind) -> Sequence[Measurement]:
    """The measurements of one table, whatever they are written in."""
    control: Control | None = "current" if kind == "transient" else "voltage"
    if "control" in table:
        control = check.word(table["control"], f"{place}, control", CONTROLS)
    if control is None:
        return ()
    if kind == "impedance":
        return _spectra(check, table, place, control)
    return _loops(check, table, place, control) if kind == "iv" else _transients(check, table, place, control)


def _file(check: Checker, table: Mapping[str, object], place: str) -> str:
    """Name of the file, "" for the usual one."""
    if "file" not in table:
        return ""
    name = check.text(table["file"], f"{place}, file") or ""
    if name != Path(name).name or name.startswith("."):
        check.mistake(f"{place}, file", f"expected the plain name of a file, found {name!r}")
        return ""
    return name


def _needs(check: Checker, table: Mapping[str, object], place: str, keys: Sequence[str]) -> bool:
    """Whether all keys are there; if not, a mistake."""
    missing = [key for key in keys if key not in table]
    if missing:
        check.mistake(place, f"expected {', '.join(missing)} too")
    return not missing


def _spectra(
    check: Checker, table: Mapping[str, object], place: str, control: Control
) -> Sequence[Measurement]:
    """One spectrum a bias."""
    if not _needs(check, table, place, ("bias", "frequency")):
        return ()
    stated = table["bias"] if isinstance(table["bias"], list) else [table["bias"]]
    biases = [check.quantity(item, f"{place}, bias", control) for item in stated]
    limits = check.range(table["frequency"], f"{place}, frequency", "frequency")
    points = _points(check, table, place, SPECTRUM_POINTS, least=3)
    file = _file(check, table, place)
    if file and len(biases) > 1:
        check.mistake(f"{place}, file", "expected no `file` where there are several biases")
    if limits is None:
        return ()
    if limits[0] <= 0:
        check.mistake(f"{place}, frequency", "expected frequencies above 0 Hz")
        return ()
    frequency = log_frequencies(*limits, points)
    return [spectrum(bias, frequency, control=control, file=file) for bias in biases if bias is not None]


def _loops(
    check: Checker, table: Mapping[str, object], place: str, control: Control
) -> Sequence[Measurement]:
    """One sweep."""
    if not _needs(check, table, place, ("vertices", "scan_rate")):
        return ()
    stated = table["vertices"] if isinstance(table["vertices"], list) else []
    if len(stated) < 2:
        check.mistake(f"{place}, vertices", 'expected two or more, such as ["0 V", "1 V", "0 V"]')
    vertices = [check.quantity(item, f"{place}, vertices", control) for item in stated]
    rate = check.positive(table["scan_rate"], f"{place}, scan_rate", f"{control}_rate")
    points = _points(check, table, place, SWEEP_POINTS, least=3)
    initial = check.word(table.get("initial", "steady"), f"{place}, initial", INITIALS)
    file = _file(check, table, place)
    known = [vertex for vertex in vertices if vertex is not None]
    if len(known) < max(2, len(vertices)) or rate is None or initial is None:
        return ()
    return [loop(known, rate, points=points, control=control, initial=initial, file=file)]


def _transients(
    check: Checker, table: Mapping[str, object], place: str, control: Control
) -> Sequence[Measurement]:
    """One response to pulses or to a waveform."""
    points = _points(check, table, place, PULSE_POINTS, least=3)
    file = _file(check, table, place)
    initial = check.word(table.get("initial", "steady"), f"{place}, initial", INITIALS)
    drive = (
        _waveform(check, table, place, control)
        if "waveform" in table
        else _pulses(check, table, place, control)
    )
    if drive is None or initial is None:
        return ()
    started = Drive(control, drive.time, drive.value, initial)
    return [transient(started, points=points, file=file)]


def _pulses(check: Checker, table: Mapping[str, object], place: str, control: Control) -> Drive | None:
    """Rectangular pulses."""
    if not _needs(check, table, place, ("amplitude", "on", "width", "end")):
        return None
    amplitude = check.quantity(table["amplitude"], f"{place}, amplitude", control)
    base = check.quantity(table.get("base", 0.0), f"{place}, base", control)
    on = not_negative(check, table["on"], f"{place}, on", "time")
    width = check.positive(table["width"], f"{place}, width", "time")
    end = check.positive(table["end"], f"{place}, end", "time")
    period = not_negative(check, table.get("period", 0.0), f"{place}, period", "time")
    count = whole_number(check, table.get("count", 1), f"{place}, count", least=1)
    if amplitude is None or base is None or on is None or width is None or end is None or period is None:
        return None
    if end < on + (count - 1) * period + width:
        check.mistake(
            f"{place}, end", f"expected a time at or after the end of the last pulse, found {end:g} s"
        )
        return None
    return pulse_train(control, amplitude, on=on, width=width, period=period, count=count, end=end, base=base)


def _waveform(check: Checker, table: Mapping[str, object], place: str, control: Control) -> Drive | None:
    """Any piecewise-linear drive."""
    value, place = table["waveform"], f"{place}, waveform"
    pairs = isinstance(value, list) and all(isinstance(item, list) and len(item) == 2 for item in value)
    if not isinstance(value, list) or not pairs or len(value) < 2:
        check.mistake(
            place, 'expected [time, value] twice or more, such as [["0 s", "0 V"], ["1 ms", "0.5 V"]]'
        )
        return None
    times = [check.quantity(time, place, "time") for time, _ in value]
    levels = [check.quantity(level, place, control) for _, level in value]
    if None in times or None in levels:
        return None
    return Drive(control, np.array(times, dtype=np.float64), np.array(levels, dtype=np.float64))


def whole_number(check: Checker, value: object, place: str, *, least: int) -> int:
    """A whole number."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= _LARGEST_INTEGER:
        return value
    check.mistake(place, f"expected a whole number of at least {least}, found {value!r}")
    return least


def _points(check: Checker, table: Mapping[str, object], place: str, usual: int, least: int) -> int:
    """How many points to measure."""
    points = whole_number(check, table.get("points", usual), f"{place}, points", least=least)
    if points > _MOST_POINTS:
        check.mistake(f"{place}, points", f"expected at most {_MOST_POINTS}, found {points}")
        return least
    return points


def not_negative(check: Checker, value: object, place: str, dimension: str) -> float | None:
    """A quantity of zero or more."""
    number = check.quantity(value, place, dimension)
    if number is not None and number < 0:
        check.mistake(place, f"expected a value of at least 0, found {value!r}")
        return None
    return number
