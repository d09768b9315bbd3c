"""PARAMS.toml: the truth of a synthetic device, its noise and what to measure on it.

    seed = 7
    [device]                              # optional, as in device.toml
    name = "MAPbI3 A"
    [parameters]                          # SI numbers, or texts with units
    R_b = "200 kohm"
    C_m = "200 nF"
    ...
    [noise]                               # optional; see `memfit.synthetic.device.Noise`
    impedance = "0.5 %"
    voltage = "1 mV"
    gain = { iv = 1.02 }
    [files]                               # optional
    format = "instrument"                 # EC-Lab, NOVA, Keithley, oscilloscope; by default "generic"
    [[measurement]]                       # optional; by default `default_measurements`
    kind = "impedance"
    bias = ["0.5 V", "0.6 V"]             # one spectrum each
    frequency = ["0.1 Hz", "1 MHz"]
    format = "nova"                       # optional: of these files
    [[measurement]]
    kind = "iv"
    vertices = ["0 V", "1 V", "0 V"]
    scan_rate = "50 mV/s"
    [[measurement]]
    kind = "transient"
    control = "current"
    amplitude = "5 uA"
    on = "0.1 s"
    width = "1 s"
    end = "2 s"

All mistakes of a file are reported at once. Which parameters there are, of which dimension and sign, is the
table's (`memfit.model.parameters`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from memfit.datasets import Kind
from memfit.errors import InputError
from memfit.loaders.manifest import DIMENSION_OF, Checker, read_toml
from memfit.loaders.raw import CONTROLS, INITIALS, TECHNIQUES
from memfit.model import NAMES, NEEDED, PARAMETERS, Parameters
from memfit.protocols import Control, Drive, pulse_train
from memfit.synthetic.device import Noise
from memfit.synthetic.export import FORMATS, STYLES, Format, Style, usual_format
from memfit.synthetic.measurements import (
    PULSE_POINTS,
    SPECTRUM_POINTS,
    SWEEP_POINTS,
    Measurement,
    check_files,
    default_measurements,
    in_format,
    in_style,
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
_TABLES = ("seed", "device", "parameters", "noise", "files", "measurement")
_DEVICE = ("name", "area", "temperature", "attributes")
_NOISE_DIMENSIONS = {
    "impedance": "ratio",
    "current": "ratio",
    "current_floor": "current",
    "voltage": "voltage",
    "correlation": "ratio",
    "outliers": "ratio",
    "outlier_size": "ratio",
}
_MOST_POINTS = 1_000_000
_LARGEST_INTEGER = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """A whole PARAMS.toml, in SI units."""

    parameters: Parameters
    noise: Noise = field(default_factory=Noise)
    seed: int = 0
    measurements: tuple[Measurement, ...] | None = None
    """None: the default set."""
    name: str = "synthetic device"
    area: float | None = None
    """m^2."""
    temperature: float | None = None
    """K."""
    attributes: Mapping[str, str | float] = field(default_factory=dict)

    @property
    def formats(self) -> Mapping[str, Format]:
        """Formats by file."""
        return {item.file: item.format for item in self.measurements or ()}


def read_simulation(path: Path) -> Simulation:
    """Read PARAMS.toml.

    Parameters
    ----------
    path : Path
        Of the PARAMS.toml.

    Raises
    ------
    ManifestError
        Lists all mistakes: unknown keys, bad quantities, missing parameters.
    """
    content, text = read_toml(path)
    check = Checker(path.name, text)
    tables = check.table(content, "", _TABLES)
    device = check.table(tables.get("device", {}), "device", _DEVICE)
    values = _parameters(check, tables.get("parameters"))
    noise = _noise(check, tables.get("noise", {}))
    seed = _whole_number(check, tables.get("seed", 0), "seed", least=0)
    files = check.table(tables.get("files", {}), "files", ("format",))
    style = check.word(files.get("format", "generic"), "files, format", STYLES) or "generic"
    measurements = _measurements(check, tables["measurement"], style) if "measurement" in tables else None
    name = check.text(device["name"], "device, name") if "name" in device else path.stem
    area = check.positive(device["area"], "device, area", "area") if "area" in device else None
    temperature = (
        check.positive(device["temperature"], "device, temperature", "temperature")
        if "temperature" in device
        else None
    )
    attributes = _attributes(check, device.get("attributes", {}))
    check.finish()
    parameters = Parameters.from_mapping(values)
    if measurements is None and style != "generic":
        measurements = in_style(default_measurements(parameters), style)
    return Simulation(
        parameters=parameters,
        noise=noise,
        seed=seed,
        measurements=measurements,
        name=name or path.stem,
        area=area,
        temperature=temperature,
        attributes=attributes,
    )


def _parameters(check: Checker, value: object) -> dict[str, float]:
    """The [parameters], in SI units, by the dimensions and domains of the table."""
    if value is None:
        check.mistake("parameters", f"expected a table [parameters] with {', '.join(NEEDED)}, found none")
        return {}
    table = check.table(value, "parameters", NAMES)
    missing = [name for name in NEEDED if name not in table]
    if missing:
        check.mistake("parameters", f"expected {', '.join(missing)} too")
    read: Mapping[str, Callable[[object, str, str], float | None]] = {
        "any": check.quantity,
        "non_negative": partial(_not_negative, check),
        "positive": check.positive,
    }
    values = {
        name: read[PARAMETERS[name].domain](item, f"parameters, {name}", DIMENSION_OF[name])
        for name, item in table.items()
    }
    return {name: number for name, number in values.items() if number is not None}


def _noise(check: Checker, value: object) -> Noise:
    """The [noise]; the default where there are mistakes."""
    table = check.table(value, "noise", (*_NOISE_DIMENSIONS, "gain"))
    sizes: dict[str, float] = {}
    for name, item in table.items():
        if name in _NOISE_DIMENSIONS:
            number = check.quantity(item, f"noise, {name}", _NOISE_DIMENSIONS[name])
            if number is not None:
                sizes[name] = number
    gains = check.table(table.get("gain", {}), "noise, gain", tuple(KEYS))
    factors = {
        TECHNIQUES[kind]: check.positive(item, f"noise, gain, {kind}", "ratio")
        for kind, item in gains.items()
    }
    known = {kind: factor for kind, factor in factors.items() if factor is not None}
    try:
        return Noise(**sizes, gain=known)
    except InputError as problem:
        check.mistake("noise", str(problem).removeprefix("Noise: "))
        return Noise()


def _attributes(check: Checker, value: object) -> dict[str, str | float]:
    """Free attributes of the device: texts and numbers."""
    table = check.table(value, "device, attributes", None)
    found: dict[str, str | float] = {}
    for key, item in table.items():
        if isinstance(item, str) or (isinstance(item, (int, float)) and not isinstance(item, bool)):
            found[key] = item
        else:
            check.mistake(f"device, attributes, {key}", f"expected a text or a number, found {item!r}")
    return found


def _measurements(check: Checker, value: object, style: Style) -> tuple[Measurement, ...]:
    """All [[measurement]] tables; `style` gives the format of those that state none."""
    if not isinstance(value, list):
        check.mistake("measurement", "expected [[measurement]] with two brackets for each")
        return ()
    planned: list[Measurement] = []
    for number, item in enumerate(value, start=1):
        place = f"measurement {number}"
        try:
            planned += _measurement(check, item, place, style, [old.kind for old in planned])
        except InputError as problem:
            check.mistake(place, str(problem))
    try:
        check_files(planned)
    except InputError as problem:
        check.mistake("measurement", str(problem))
    return tuple(planned)


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
    usual: Control = "current" if kind == "transient" else "voltage"
    control = check.word(table.get("control", usual), f"{place}, control", CONTROLS)
    if control is None:
        return ()
    made = _PLANS[kind](check, table, place, control)
    return [
        in_format(item, stated or usual_format(kind, style, number), rename="file" not in table)
        for number, item in enumerate(made, start=before.count(kind))
    ]


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
    read = _waveform if "waveform" in table else _pulses
    drive = read(check, table, place, control)
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
    on = _not_negative(check, table["on"], f"{place}, on", "time")
    width = check.positive(table["width"], f"{place}, width", "time")
    end = check.positive(table["end"], f"{place}, end", "time")
    period = _not_negative(check, table.get("period", 0.0), f"{place}, period", "time")
    count = _whole_number(check, table.get("count", 1), f"{place}, count", least=1)
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


_PLANS = {"impedance": _spectra, "iv": _loops, "transient": _transients}
"""What reads the table of each kind of measurement."""


def _whole_number(check: Checker, value: object, place: str, *, least: int) -> int:
    """A whole number."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= _LARGEST_INTEGER:
        return value
    check.mistake(place, f"expected a whole number of at least {least}, found {value!r}")
    return least


def _points(check: Checker, table: Mapping[str, object], place: str, usual: int, least: int) -> int:
    """How many points to measure."""
    points = _whole_number(check, table.get("points", usual), f"{place}, points", least=least)
    if points > _MOST_POINTS:
        check.mistake(f"{place}, points", f"expected at most {_MOST_POINTS}, found {points}")
        return least
    return points


def _not_negative(check: Checker, value: object, place: str, dimension: str) -> float | None:
    """A quantity of zero or more."""
    number = check.quantity(value, place, dimension)
    if number is not None and number < 0:
        check.mistake(place, f"expected a value of at least 0, found {value!r}")
        return None
    return number
