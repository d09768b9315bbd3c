"""device.toml: what is known of a device, which files belong to it, what the fit may do.

All mistakes of a file are found and reported at once, each with its place and, for a misspelt word, the
right one. `Checker` serves every settings file written in TOML. The keys are listed in docs/formats.md.

What device.toml says of a record that is whole already, because it comes from a tidy table.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar, get_args

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.device import FitSettings
from memfit.datasets.fit_options import FitOptions
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, PulseTransient, Record
from memfit.errors import FileFormatError, ManifestError, UnitError, meant
from memfit.loaders.raw import NO_SETTINGS, ROLES, FileSettings
from memfit.loaders.tables.metadata import CONTROLS, INITIALS, TECHNIQUES
from memfit.model.parameters import NAMES, UNITS
from memfit.protocols import Control, Drive, drive_from_samples
from memfit.units import DIMENSIONS, parse_quantity


def apply_settings(record: Record, settings: FileSettings) -> Record:
    """The record with everything that device.toml states of its file.

    Raises
    ------
    FileFormatError
        The kind is another one, or `use` leaves no point.
    """
    if replace(settings, device_area=None) == NO_SETTINGS:
        return record
    if settings.kind is not None and settings.kind != record.kind:
        raise FileFormatError(
            f"expected the kind {settings.kind!r} that device.toml states; the table holds {record.kind!r}.",
            file=record.origin.file,
        )
    metadata = dict(record.metadata)
    if settings.series_resistance is not None:
        metadata["series_resistance"] = f"{settings.series_resistance!r} ohm"
    if settings.temperature is not None:
        metadata["temperature"] = f"{settings.temperature!r} K"
    named = replace(record, name=settings.name or record.name, metadata=metadata)
    if isinstance(named, ImpedanceSpectrum):
        return _select(_spectrum(named, settings), settings)
    return _select(_course(named, settings), settings)


def _spectrum(record: ImpedanceSpectrum, settings: FileSettings) -> ImpedanceSpectrum:
    """Bias, control and amplitude."""
    stated = settings.bias is not None or settings.bias_current is not None
    note = ("The bias is the one that device.toml states.",) if stated else ()
    return replace(
        record,
        bias_voltage=record.bias_voltage if settings.bias is None else settings.bias,
        bias_current=record.bias_current if settings.bias_current is None else settings.bias_current,
        control=settings.control or record.control,
        amplitude=record.amplitude if settings.amplitude is None else settings.amplitude,
        notes=(*record.notes, *note),
    )


def _course(record: IVSweep | PulseTransient, settings: FileSettings) -> IVSweep | PulseTransient:
    """Control, drive, first state and times."""
    control = settings.control or record.control
    if record.time is None or record.drive is None:
        if isinstance(record, IVSweep):
            return replace(record, control=control, scan_rate=settings.scan_rate or record.scan_rate)
        return record
    drive = record.drive
    if settings.waveform:
        at, value = np.array(settings.waveform, dtype=np.float64).T
        drive = Drive(control, at, value, drive.initial)
    elif control != drive.control:
        drive = _from_samples(record, record.time, control, drive)
    initial = settings.initial or drive.initial
    drive = Drive(drive.control, drive.time + settings.time_offset, drive.value, initial)
    time = record.time + settings.time_offset
    if isinstance(record, IVSweep):
        rate = settings.scan_rate or record.scan_rate
        return replace(record, control=control, time=time, drive=drive, scan_rate=rate)
    return replace(record, time=time, drive=drive)


def _from_samples(
    record: IVSweep | PulseTransient, time: FloatArray, control: Control, drive: Drive
) -> Drive:
    """The drive of the other quantity, from its samples."""
    driven = record.voltage if control == "voltage" else record.current
    if driven is None:
        raise FileFormatError(
            f"expected a column of the {control}, which device.toml says was applied.",
            file=record.origin.file,
        )
    return drive_from_samples(control, time, driven, initial=drive.initial)


def _select(record: Record, settings: FileSettings) -> Record:
    """Only the points that `use` asks for."""
    columns: dict[str, FloatArray | None]
    if isinstance(record, ImpedanceSpectrum):
        columns = {"frequency": record.frequency}
    else:
        columns = {"time": record.time, "voltage": record.voltage, "current": record.current}
    keep = np.ones(record.points, dtype=bool)
    for role, (low, high) in settings.use.items():
        values = columns.get(role)
        if values is not None:
            keep &= (values >= low) & (values <= high)
    if keep.all():
        return record
    if not keep.any():
        raise FileFormatError("`use` in device.toml leaves no point of this record.", file=record.origin.file)
    return record.select(
        keep, f"{np.count_nonzero(~keep)} points were left out as `use` in device.toml asks."
    )


MANIFEST = "device.toml"

DIMENSION_OF: Mapping[str, str] = {
    name: next(key for key, (_, unit, _) in DIMENSIONS.items() if unit == UNITS[name]) for name in NAMES
}
"""Dimension of each model parameter, a key of `memfit.units.DIMENSIONS`."""

_TABLES = ("device", "measurement", "fit")
_DEVICE_KEYS = ("name", "area", "temperature", "attributes")
_MEASUREMENT_KEYS = (
    "file", "kind", "bias", "control", "initial", "use", "scan_rate", "amplitude", "area", "time_offset",
    "series_resistance", "temperature", "waveform", "columns", "sense_resistance", "compliance", "split",
    "name",
)  # fmt: skip
_FIT_KEYS = ("model", "fix", "bounds", "start", *(option.name for option in fields(FitOptions)))
_USE = {"frequency": "frequency", "time": "time", "voltage": "voltage", "current": "current"}

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """One [[measurement]]."""

    file: str
    settings: FileSettings


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The whole device.toml, in SI units."""

    name: str | None = None
    area: float | None = None
    """m^2."""
    temperature: float | None = None
    """K."""
    attributes: Mapping[str, str | float] = field(default_factory=dict)
    measurements: tuple[FileEntry, ...] = ()
    fit: FitSettings = field(default_factory=FitSettings)


class Checker:
    """Collects the mistakes of a settings file, to raise them all at once."""

    def __init__(self, file: str, text: str = "") -> None:
        self.file = file
        self._lines = text.split("\n")
        self._mistakes: list[str] = []

    def mistake(self, place: str, message: str) -> None:
        """Note a mistake at a place such as "measurement 2, bias"."""
        line = self._line(place)
        self._mistakes.append(f"{place}{f' (line {line})' if line else ''}: {message}")

    def finish(self) -> None:
        """Raise if there was any mistake.

        Raises
        ------
        ManifestError
            Lists all mistakes.
        """
        if not self._mistakes:
            return
        count = len(self._mistakes)
        head = "a mistake" if count == 1 else f"{count} mistakes"
        told = "; ".join(text.rstrip(".") for text in self._mistakes)
        raise ManifestError(f"{self.file}: {head}: {told}{'' if told.endswith('?') else '.'}")

    def table(self, value: object, place: str, known: Sequence[str] | None) -> dict[str, object]:
        """A table whose keys must be known (None: any)."""
        if not isinstance(value, dict):
            self.mistake(place, f"expected a table, found {value!r}")
            return {}
        for key in value:
            if known is not None and key not in known:
                self.mistake(f"{place}, {key}" if place else key, f"unknown key {key!r}; {meant(key, known)}")
        return {str(key): item for key, item in value.items() if known is None or key in known}

    def quantity(self, value: object, place: str, dimension: str) -> float | None:
        """A quantity in SI units from a string with its unit or an SI number."""
        return self.attempt(place, lambda: _quantity(value, dimension))

    def positive(self, value: object, place: str, dimension: str) -> float | None:
        """A quantity above zero."""
        found = self.quantity(value, place, dimension)
        if found is not None and found <= 0:
            self.mistake(place, f"expected a value above 0, found {value!r}")
            return None
        return found

    def range(self, value: object, place: str, dimension: str) -> tuple[float, float] | None:
        """A pair [lowest, highest]."""
        if not isinstance(value, list) or len(value) != 2:
            self.mistake(
                place, f'expected [lowest, highest], such as ["0.1 {DIMENSIONS[dimension][1]}", ...]'
            )
            return None
        low, high = (self.quantity(item, place, dimension) for item in value)
        if low is None or high is None:
            return None
        if not low < high:
            self.mistake(place, f"expected the lower value first, found {value[0]!r}, {value[1]!r}")
            return None
        return low, high

    def word(self, value: object, place: str, words: Mapping[str, T]) -> T | None:
        """One of a few words."""
        if isinstance(value, str) and value.lower() in words:
            return words[value.lower()]
        shown = list(dict.fromkeys(str(word) for word in words.values()))
        text = meant(value, shown) if isinstance(value, str) else f"expected one of {', '.join(shown)}"
        self.mistake(place, f"found {value!r}; {text}")
        return None

    def text(self, value: object, place: str) -> str | None:
        """A string that is not empty."""
        if isinstance(value, str) and value.strip():
            return value
        self.mistake(place, f"expected a text in quotes, found {value!r}")
        return None

    def attempt(self, place: str, read: Callable[[], T]) -> T | None:
        """The value of a reader, or None and a mistake."""
        try:
            return read()
        except (UnitError, ValueError) as error:
            self.mistake(place, str(error))
            return None

    def _line(self, place: str) -> int | None:
        """Line of a place in the text: the key's first line behind the header of its table."""
        words = place.split(", ")
        numbered = re.fullmatch(r"(\w+) (\d+)", words[0])
        start = 0
        if numbered:
            heads = [
                i for i, line in enumerate(self._lines) if re.match(rf"\s*\[\[\s*{numbered[1]}\s*\]\]", line)
            ]
            start = heads[int(numbered[2]) - 1] if len(heads) >= int(numbered[2]) else 0
        for i, line in enumerate(self._lines[start:], start=start + 1):
            if len(words) > 1 and re.match(rf"""\s*["']?{re.escape(words[1])}["']?\s*=""", line):
                return i
            if len(words) == 1 and re.match(rf"\s*\[+\s*{re.escape(words[0])}\s*\]", line):
                return i
        return None


def read_toml(path: Path) -> tuple[dict[str, object], str]:
    """Content and text of a TOML file.

    Raises
    ------
    ManifestError
        It cannot be read or is no TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text), text
    except OSError as error:
        raise ManifestError(f"{path.name}: the file cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path.name}: expected TOML; {error}. Texts stand in quotes.") from error


def read_manifest(path: Path, *, whole: bool = True) -> Manifest:
    """Read device.toml.

    Parameters
    ----------
    path : Path
    whole : bool
        Whether all files that are listed must be there.

    Raises
    ------
    ManifestError
        Lists all mistakes: unknown keys, bad quantities, missing files.
    """
    content, text = read_toml(path)
    check = Checker(path.name, text)
    tables = check.table(content, "", _TABLES)
    device = check.table(tables.get("device", {}), "device", _DEVICE_KEYS)
    measurements = tables.get("measurement", [])
    if not isinstance(measurements, list):
        check.mistake("measurement", "expected [[measurement]] with two brackets for each file")
        measurements = []
    entries = [_measurement(check, item, f"measurement {i}") for i, item in enumerate(measurements, start=1)]
    manifest = Manifest(
        name=check.text(device["name"], "device, name") if "name" in device else None,
        area=check.positive(device["area"], "device, area", "area") if "area" in device else None,
        temperature=check.positive(device["temperature"], "device, temperature", "temperature")
        if "temperature" in device
        else None,
        attributes=_attributes(check, device.get("attributes", {})),
        measurements=tuple(entry for entry in entries if entry is not None),
        fit=read_fit_settings(check, tables.get("fit", {})),
    )
    if whole:
        _check_files(check, manifest, path.parent)
    check.finish()
    return manifest


def read_fit_settings(check: Checker, value: object, place: str = "fit") -> FitSettings:
    """The [fit] table: model, fixed parameters, bounds, first values, terms of the instruments."""
    fit = check.table(value, place, _FIT_KEYS)
    bounds = check.table(fit.get("bounds", {}), f"{place}, bounds", NAMES)
    ranges = {
        name: check.range(item, f"{place}, bounds, {name}", DIMENSION_OF[name])
        for name, item in bounds.items()
    }
    models = {word: word for word in ("2d", "2d-mirror", "3d", "auto")}
    return FitSettings(
        model=check.word(fit["model"], f"{place}, model", models) if "model" in fit else None,
        fix=_parameter_values(check, fit.get("fix", {}), f"{place}, fix"),
        bounds={name: found for name, found in ranges.items() if found is not None},
        start=_parameter_values(check, fit.get("start", {}), f"{place}, start"),
        options=_fit_options(check, fit, place),
    )


def _parameter_values(check: Checker, value: object, place: str) -> dict[str, float]:
    """Values of parameters in SI units."""
    given = check.table(value, place, NAMES)
    values = {
        name: check.quantity(item, f"{place}, {name}", DIMENSION_OF[name]) for name, item in given.items()
    }
    return {name: found for name, found in values.items() if found is not None}


def _fit_options(check: Checker, fit: Mapping[str, object], place: str) -> dict[str, object]:
    """The fields of `FitOptions` that are given: flags, whole numbers, one of a few words."""
    options: dict[str, object] = {}
    for option in fields(FitOptions):
        if option.name not in fit:
            continue
        value, where = fit[option.name], f"{place}, {option.name}"
        if option.type is bool:
            options[option.name] = _flag(check, value, where)
        elif option.type is int:
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                check.mistake(where, f"expected a whole number of at least 0, found {value!r}")
            options[option.name] = value
        else:
            options[option.name] = check.word(value, where, {word: word for word in get_args(option.type)})
    return options


def _measurement(check: Checker, value: object, place: str) -> FileEntry | None:
    """One [[measurement]] table."""
    table = check.table(value, place, _MEASUREMENT_KEYS)
    if "file" not in table:
        check.mistake(place, "expected the key `file`")
        return None
    file = check.text(table["file"], f"{place}, file")
    control = check.word(table["control"], f"{place}, control", CONTROLS) if "control" in table else None
    bias, bias_current = _bias(check, table, place, control)
    optional = _Optional(check, table, place)
    settings = FileSettings(
        kind=optional.word("kind", TECHNIQUES),
        bias=bias,
        bias_current=bias_current,
        control=control,
        initial=optional.word("initial", INITIALS),
        use=_use(check, table.get("use", {}), place),
        scan_rate=optional.positive("scan_rate", "voltage_rate"),
        amplitude=optional.positive("amplitude", control or "voltage"),
        area=optional.positive("area", "area"),
        time_offset=optional.quantity("time_offset", "time") or 0.0,
        series_resistance=optional.quantity("series_resistance", "resistance"),
        temperature=optional.positive("temperature", "temperature"),
        waveform=_waveform(check, table.get("waveform", []), place, control),
        columns=_columns(check, table.get("columns", ()), place),
        sense_resistance=optional.positive("sense_resistance", "resistance"),
        compliance=optional.positive("compliance", "voltage" if control == "current" else "current"),
        split=_flag(check, table["split"], f"{place}, split") if "split" in table else None,
        name=(check.text(table["name"], f"{place}, name") or "") if "name" in table else "",
    )
    return FileEntry(file=file, settings=settings) if file is not None else None


@dataclass(frozen=True)
class _Optional:
    """Readers of keys that may be absent."""

    check: Checker
    table: Mapping[str, object]
    place: str

    def quantity(self, key: str, dimension: str) -> float | None:
        """A quantity."""
        return (
            self.check.quantity(self.table[key], f"{self.place}, {key}", dimension)
            if key in self.table
            else None
        )

    def positive(self, key: str, dimension: str) -> float | None:
        """A quantity above zero."""
        return (
            self.check.positive(self.table[key], f"{self.place}, {key}", dimension)
            if key in self.table
            else None
        )

    def word(self, key: str, words: Mapping[str, T]) -> T | None:
        """One of a few words."""
        return self.check.word(self.table[key], f"{self.place}, {key}", words) if key in self.table else None


def _quantity(value: object, dimension: str) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UnitError(f'expected a quantity such as "1 {DIMENSIONS[dimension][1]}", found {value!r}')
    return parse_quantity(value, dimension)


def _bias(
    check: Checker, table: Mapping[str, object], place: str, control: Control | None
) -> tuple[float | None, float | None]:
    """The bias as a voltage or as a current, by its unit."""
    if "bias" not in table:
        return None, None
    value = table["bias"]
    current = control == "current"
    if isinstance(value, str):
        try:
            return None, parse_quantity(value, "current", unit_required=not current)
        except UnitError:
            current = False
    found = check.quantity(value, f"{place}, bias", "current" if current else "voltage")
    return (None, found) if current else (found, None)


def _use(check: Checker, value: object, place: str) -> dict[str, tuple[float, float]]:
    """Ranges of the points to use."""
    table = check.table(value, f"{place}, use", tuple(_USE))
    ranges = {key: check.range(item, f"{place}, use, {key}", _USE[key]) for key, item in table.items()}
    return {key: found for key, found in ranges.items() if found is not None}


def _waveform(
    check: Checker, value: object, place: str, control: Control | None
) -> tuple[tuple[float, float], ...]:
    """Vertices [time, value] of what was applied."""
    if value == []:
        return ()
    place = f"{place}, waveform"
    if control is None:
        check.mistake(place, "expected `control` beside a waveform, to say what it is of")
        return ()
    if not isinstance(value, list) or not all(isinstance(item, list) and len(item) == 2 for item in value):
        check.mistake(place, 'expected a list of [time, value], such as [["0 s", "0 V"], ["1 ms", "0.5 V"]]')
        return ()
    vertices = [(check.quantity(t, place, "time"), check.quantity(v, place, control)) for t, v in value]
    found = tuple((t, v) for t, v in vertices if t is not None and v is not None)
    if any(later[0] < earlier[0] for earlier, later in pairwise(found)):
        check.mistake(place, "expected times that do not run backward")
        return ()
    return found


def _columns(check: Checker, value: object, place: str) -> Mapping[str, str] | tuple[str, ...]:
    """Labels by role, or a header for a table without one."""
    place = f"{place}, columns"
    if isinstance(value, list | tuple):
        if all(isinstance(item, str) for item in value):
            return tuple(str(item) for item in value)
        check.mistake(place, 'expected a list of labels, such as ["Voltage (V)", "Current (uA)"]')
        return ()
    table = check.table(value, place, tuple(ROLES))
    if not all(isinstance(item, str) for item in table.values()):
        check.mistake(place, 'expected labels of columns, such as { voltage = "CH1", current = "CH2" }')
        return {}
    return {role: str(label) for role, label in table.items()}


def _flag(check: Checker, value: object, place: str) -> bool:
    if not isinstance(value, bool):
        check.mistake(place, f"expected true or false, found {value!r}")
        return True
    return value


def _attributes(check: Checker, value: object) -> dict[str, str | float]:
    """Free attributes: texts and numbers."""
    table = check.table(value, "device, attributes", None)
    found: dict[str, str | float] = {}
    for key, item in table.items():
        if isinstance(item, str):
            found[key] = item
        elif isinstance(item, int | float) and not isinstance(item, bool):
            found[key] = float(item)
        else:
            check.mistake(f"device, attributes, {key}", f"expected a text or a number, found {item!r}")
    return found


def _check_files(check: Checker, manifest: Manifest, folder: Path) -> None:
    """Every file must exist; the same file twice needs two names."""
    seen: set[tuple[str, str]] = set()
    there = sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    for number, entry in enumerate(manifest.measurements, start=1):
        place = f"measurement {number}, file"
        if not (folder / entry.file).is_file():
            check.mistake(place, f"there is no file {entry.file!r}; {_near_file(entry.file, there)}")
        elif (entry.file, entry.settings.name) in seen:
            check.mistake(place, f"{entry.file!r} is listed twice; give each its own `name`")
        seen.add((entry.file, entry.settings.name))


def _near_file(name: str, there: Sequence[str]) -> str:
    return meant(name, there, "the paths are relative to device.toml.")
