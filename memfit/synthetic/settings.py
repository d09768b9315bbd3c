"""PARAMS.toml: the truth of a synthetic device, its noise and what to measure on it.

    seed = 7
    [device]                              # optional, as in device.toml
    name = "MAPbI3 A"
    [parameters]                          # SI numbers, or texts with units
    R_b = "200 kohm"
    C_m = "200 nF"
    ...
    [noise]                               # optional; see `memfit.synthetic.measurements.Noise`
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

    [[measurement]]
    kind = "transient"
    control = "voltage"
    protocol = "paired_pulses"            # see `memfit.datasets.standard_protocols`
    amplitude = "0.8 V"
    width = "10 ms"
    interval = ["10 ms", "100 ms"]        # one record each

    [[measurement]]
    kind = "paired_pulse"                 # or potentiation, retention: the reads only
    protocol = { pulse = "0.8 V", width = "10 ms" }     # as in device.toml
    between = ["10 ms", "3 s"]            # intervals; of a retention times after the pulse

All mistakes of a file are reported at once. Which parameters there are, of which dimension and sign, is the
table's (`memfit.model.parameters`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from memfit.datasets import Kind
from memfit.datasets.programmes import play, play_pairs
from memfit.datasets.standard_protocols import BUILDERS, DIMENSIONS, protocol, settings_of
from memfit.errors import InputError, ParameterError
from memfit.files import printable
from memfit.loaders.manifest import DEVICE
from memfit.loaders.protocol_setting import read_protocol
from memfit.loaders.raw import CONTROLS, TECHNIQUES
from memfit.loaders.settings_file import Checker, Key, read_toml
from memfit.model import NAMES, NEEDED, PARAMETERS, Parameters
from memfit.model.limits import DIMENSION_OF
from memfit.protocols import Control, Drive, pulse_train
from memfit.synthetic.export import FORMATS, STYLES, Format, Style, usual_format
from memfit.synthetic.keys import FILE, INITIAL, POINTS, levels, whole_number
from memfit.synthetic.measurements import (
    PULSE_POINTS,
    READS,
    SPECTRUM_POINTS,
    SWEEP_POINTS,
    Measurement,
    Noise,
    Recording,
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
_PULSES = ("amplitude", "base", "on", "width", "period", "count", "end")
_PROTOCOLS = tuple(key for key in DIMENSIONS if key not in _PULSES)
"""What protocols by name are set by besides."""
KEYS: Mapping[str, tuple[str, ...]] = {
    "impedance": (*_COMMON, "bias", "frequency"),
    "iv": (*_COMMON, "vertices", "scan_rate", "initial"),
    "transient": (*_COMMON, *_PULSES, "waveform", "initial", "protocol", *_PROTOCOLS),
    "potentiation": (*_COMMON, "protocol"),
    **dict.fromkeys(("retention", "paired_pulse"), (*_COMMON, "protocol", "between")),
}
_NOISE_DIMENSIONS = {
    "impedance": "ratio",
    "current": "ratio",
    "current_floor": "current",
    "voltage": "voltage",
    "correlation": "ratio",
    "outliers": "ratio",
    "outlier_size": "ratio",
}


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

    Raises
    ------
    ManifestError
        Lists all mistakes: unknown keys, bad quantities, missing parameters.
    """
    content, text = read_toml(path)
    check = Checker(path.name, text)
    tables = check.table(content, "", ("seed", "device", "parameters", "noise", "files", "measurement"))
    device = check.table(tables.get("device", {}), "device", tuple(DEVICE))
    values = _parameters(check, tables.get("parameters"))
    noise = _noise(check, tables.get("noise", {}))
    seed = whole_number(check, tables.get("seed", 0), "seed", 0)
    files = check.table(tables.get("files", {}), "files", ("format",))
    style = check.word(files.get("format", "generic"), "files, format", STYLES) or "generic"
    measurements = _measurements(check, tables["measurement"], style) if "measurement" in tables else None
    known = {"name": printable(path.stem), **check.keys(device, "device", DEVICE)}
    check.finish()
    try:
        parameters = Parameters.from_mapping(values)
    except ParameterError as problem:
        check.mistake("parameters", str(problem).removesuffix("."))
        check.finish()
        raise
    if measurements is None and style != "generic":
        measurements = in_style(default_measurements(parameters), style)
    return Simulation(parameters=parameters, noise=noise, seed=seed, measurements=measurements, **known)


def _parameters(check: Checker, value: object) -> dict[str, float]:
    """The [parameters], in SI units, by the dimensions and domains of the table."""
    if value is None:
        check.mistake("parameters", f"expected a table [parameters] with {', '.join(NEEDED)}, found none")
        return {}
    table = check.table(value, "parameters", NAMES)
    _needs(check, table, "parameters", NEEDED)
    read: Mapping[str, Callable[..., float | None]] = {
        "any": Checker.quantity,
        "non_negative": Checker.not_negative,
        "positive": Checker.positive,
        "fraction": Checker.not_negative,
    }
    known = {name: Key("", read[PARAMETERS[name].domain], (DIMENSION_OF[name],)) for name in table}
    return check.keys(table, "parameters", known)


def _noise(check: Checker, value: object) -> Noise:
    """The [noise]; the default where there are mistakes."""
    table = check.table(value, "noise", (*_NOISE_DIMENSIONS, "gain"))
    gain = table.pop("gain", {})
    sizes = check.quantities(table, "noise", _NOISE_DIMENSIONS)
    table = check.table(gain, "noise, gain", tuple(KEYS))
    gains = check.keys(table, "noise, gain", {kind: Key("", Checker.positive, ("ratio",)) for kind in table})
    try:
        return Noise(**sizes, gain={TECHNIQUES[kind]: factor for kind, factor in gains.items()})
    except InputError as problem:
        check.mistake("noise", str(problem).removeprefix("Noise: "))
        return Noise()


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


def _needs(check: Checker, table: Mapping[str, object], place: str, keys: Sequence[str]) -> bool:
    """Whether all keys are there; if not, a mistake."""
    missing = [key for key in keys if key not in table]
    if missing:
        check.mistake(place, f"expected {', '.join(missing)} too")
    return not missing


def _spectra(check: Checker, table: dict[str, Any], place: str, control: Control) -> Sequence[Measurement]:
    """One spectrum a bias."""
    if not _needs(check, table, place, ("bias", "frequency")):
        return ()
    several = isinstance(table["bias"], list) and len(table["bias"]) > 1
    keys = {
        "bias": Key("one, or a list", levels, (control,)),
        "frequency": Key("lowest and highest", Checker.range, ("frequency",)),
        "points": POINTS,
        "file": FILE,
    }
    read = {"file": "", **check.keys({"points": SPECTRUM_POINTS, **table}, place, keys)}
    if read["file"] and several:
        check.mistake(f"{place}, file", "expected no `file` where there are several biases")
    if "frequency" not in read:
        return ()
    if read["frequency"][0] <= 0:
        check.mistake(f"{place}, frequency", "expected frequencies above 0 Hz")
        return ()
    lowest, highest = read["frequency"]
    frequency = log_frequencies(lowest, highest, read["points"])
    biases = read.get("bias", ())
    return [spectrum(bias, frequency, control=control, file=read["file"]) for bias in biases]


def _loops(check: Checker, table: dict[str, Any], place: str, control: Control) -> Sequence[Measurement]:
    """One sweep."""
    if not _needs(check, table, place, ("vertices", "scan_rate")):
        return ()
    if not isinstance(table["vertices"], list) or len(table["vertices"]) < 2:
        check.mistake(f"{place}, vertices", 'expected two or more, such as ["0 V", "1 V", "0 V"]')
        table["vertices"] = table["vertices"] if isinstance(table["vertices"], list) else []
    keys = {
        "vertices": Key("of the drive", levels, (control,)),
        "scan_rate": Key("from vertex to vertex", Checker.positive, (f"{control}_rate",)),
        "points": POINTS,
        "initial": INITIAL,
        "file": FILE,
    }
    read = {"file": "", **check.keys({"points": SWEEP_POINTS, "initial": "steady", **table}, place, keys)}
    if not keys.keys() <= read.keys() or len(read["vertices"]) < 2:
        return ()
    vertices, rate = read.pop("vertices"), read.pop("scan_rate")
    return [loop(vertices, rate, control=control, **read)]


def _transients(check: Checker, table: dict[str, Any], place: str, control: Control) -> Sequence[Measurement]:
    """Responses to pulses, to a waveform or to a protocol by its name."""
    if "protocol" in table:
        return _by_name(check, table, place, control)
    keys = {"points": POINTS, "file": FILE, "initial": INITIAL}
    read = {"file": "", **check.keys({"points": PULSE_POINTS, "initial": "steady", **table}, place, keys)}
    drive = (_waveform if "waveform" in table else _pulses)(check, table, place, control)
    if drive is None or "initial" not in read:
        return ()
    started = Drive(control, drive.time, drive.value, read["initial"])
    return [transient(started, points=read["points"], file=read["file"])]


def _reads(check: Checker, table: dict[str, Any], place: str, control: Control) -> Sequence[Measurement]:
    """The reads of a programme of pulses."""
    kind = TECHNIQUES[str(table["kind"]).lower()]
    if not _needs(check, table, place, [key for key in KEYS[kind] if key not in _COMMON]):
        return ()
    keys = {
        "points": POINTS,
        "file": FILE,
        "between": Key("shortest and longest", Checker.range, ("time",)),
        "protocol": Key("pulses and reads", read_protocol),
    }
    read = check.keys({"points": READS, "file": f"{kind}.csv", **table}, place, keys)
    programme = read.get("protocol")
    if programme is None or ("between" in table and "between" not in read):
        return ()
    if programme.control != CONTROLS.get(str(table.get("control", programme.control)), control):
        check.mistake(f"{place}, control", f"expected that of the protocol, {programme.control}")
        return ()
    low, high = read.get("between", (1.0, 1.0))
    if low <= 0.0:
        check.mistake(f"{place}, between", "expected times above 0 s")
        return ()
    along = log_frequencies(low, high, read["points"])[::-1] if "between" in read else None
    if kind == "paired_pulse" and along is not None:
        played = play_pairs(programme, along)
    elif along is not None:
        played = play(replace(programme, count=(1,) if programme.pulse else ()), along.size, along)
    else:
        played = play(programme, len(programme.pulses(read["points"])))
    drive, time = played.drive, played.time
    return [Recording(file=read["file"], kind=played.kind, drive=drive, time=time, played=played)]


def _by_name(check: Checker, table: dict[str, Any], place: str, control: Control) -> Sequence[Measurement]:
    """A protocol of the field; where one of its settings is a list, a record for each."""
    name = check.word(table["protocol"], f"{place}, protocol", {one: one for one in BUILDERS})
    if name is None:
        return ()
    known = settings_of(name)
    table = check.table(table, place, ("kind", "control", "protocol", "file", *known))
    if not _needs(check, table, place, [key for key, needed in known.items() if needed]):
        return ()
    lists = [key for key in known if isinstance(table.get(key), list)]
    if len(lists) > 1:
        check.mistake(place, f"expected a list for one setting only, found lists for {', '.join(lists)}")
        return ()
    file, made = check.keys(table, place, {"file": FILE}).get("file", "") if "file" in table else "", []
    varied = lists[0] if lists else None
    listed = table.get(varied) if varied is not None else None
    values = listed if isinstance(listed, list) else [None]
    for turn, value in enumerate(values):
        given = {key: value if key == varied else table[key] for key in known if key in table}
        numbers = {key: _setting(check, one, f"{place}, {key}", key, control) for key, one in given.items()}
        if any(number is None for number in numbers.values()):
            return ()
        planned = protocol(name, control=control, **{k: v for k, v in numbers.items() if v is not None})
        number = f"_{turn + 1}" if varied is not None else ""
        stem = Path(file).stem or name
        suffix = Path(file).suffix or ".csv"
        made.append(
            Recording(
                file=f"{stem}{number}{suffix}", kind="transient", drive=planned.drive, time=planned.time
            )
        )
    return made


def _setting(check: Checker, value: object, place: str, key: str, control: Control) -> float | None:
    """One setting of a protocol, SI."""
    dimension = DIMENSIONS[key]
    if dimension == "number":
        return float(whole_number(check, value, place, 1))
    named = {"control": control, "control rate": f"{control}_rate"}
    return check.quantity(value, place, named.get(dimension, dimension))


def _pulses(check: Checker, table: Mapping[str, Any], place: str, control: Control) -> Drive | None:
    """Rectangular pulses."""
    if not _needs(check, table, place, ("amplitude", "on", "width", "end")):
        return None
    keys = {
        "amplitude": Key("of the pulses", Checker.quantity, (control,)),
        "base": Key("between them", Checker.quantity, (control,)),
        "on": Key("start of the first", Checker.not_negative, ("time",)),
        "width": Key("of each", Checker.positive, ("time",)),
        "end": Key("of the record", Checker.positive, ("time",)),
        "period": Key("from start to start", Checker.not_negative, ("time",)),
        "count": Key("of the pulses", whole_number, (1,)),
    }
    read = check.keys({"base": 0.0, "period": 0.0, "count": 1, **table}, place, keys)
    if len(read) < len(keys):
        return None
    end = read["end"]
    if end < read["on"] + (read["count"] - 1) * read["period"] + read["width"]:
        check.mistake(
            f"{place}, end", f"expected a time at or after the end of the last pulse, found {end:g} s"
        )
        return None
    return pulse_train(control, read.pop("amplitude"), **read)


def _waveform(check: Checker, table: Mapping[str, Any], place: str, control: Control) -> Drive | None:
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


_PLANS = {
    "impedance": _spectra, "iv": _loops, "transient": _transients,
    **dict.fromkeys(("potentiation", "retention", "paired_pulse"), _reads),
}  # fmt: skip
"""What reads the table of each kind of measurement."""
