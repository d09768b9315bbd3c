"""device.toml: what is known of a device, which files belong to it, what the fit may do.

The keys are rows of tables (`DEVICE`, `MEASUREMENT`, `FIT`): how a value is read, its dimension or words,
what it means. A `file` may be a pattern ("EIS/*.csv", "*" for all others): a file that is listed by its own
name is not taken by a pattern as well. docs/formats.md shows the keys in use.
"""

import glob
import os
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args

from memfit.errors import UnitError, meant, shown
from memfit.files import is_file
from memfit.fit_options import MODELS, FitOptions, FitSettings
from memfit.loaders.columns_setting import read_columns, read_sheets, read_units
from memfit.loaders.folders import is_other
from memfit.loaders.protocol_setting import read_protocol
from memfit.loaders.raw import CONTROLS, INITIALS, TECHNIQUES, FileSettings
from memfit.loaders.settings_file import Checker, Key, read_toml
from memfit.model import PART_NAMES
from memfit.model.limits import DIMENSION_OF, setting_faults
from memfit.units import parse_quantity


def _option(option: Field[Any]) -> Key:
    """A field of `FitOptions`: a flag, a whole number, or one of a few words."""
    doc = "a field of `FitOptions`"
    if option.type is bool:
        return Key(doc, Checker.flag)
    if option.type is int:
        return Key(doc, Checker.whole)
    if option.name == "ties":
        return Key("expressions by name of the parameter", Checker.attributes)
    if option.name == "parts":
        return Key("names of parts", Checker.words, ({part: part for part in PART_NAMES},))
    return Key(doc, Checker.word, ({word: word for word in get_args(option.type)},))


def _points(check: Checker, value: object, place: str) -> dict[str, tuple[int, ...]] | None:
    """Numbers of points, 1 being the first: a list for every record of the file, or a table by part."""
    lists: dict[Any, Any] = value if isinstance(value, dict) else {"": value}
    for numbers in lists.values():
        if not isinstance(numbers, list) or not all(type(one) is int and one > 0 for one in numbers):
            check.mistake(place, f"expected numbers of points such as [3, 17], found {shown(numbers)}")
            return None
    return {str(part): tuple(numbers) for part, numbers in lists.items()}


_USE = ({"frequency": "frequency", "time": "time", "voltage": "voltage", "current": "current"},)

DEVICE: Mapping[str, Key] = {
    "name": Key("of the device", Checker.text),
    "area": Key("of the electrodes", Checker.positive, ("area",)),
    "temperature": Key("of the device", Checker.positive, ("temperature",)),
    "attributes": Key("anything that tells devices apart: texts and numbers", Checker.attributes),
}
_FOLDER = {"subfolders": Key("whether what lies in folders below is of this device", Checker.flag)}
MEASUREMENT: Mapping[str, Key] = {
    "file": Key("the path, relative to device.toml", Checker.text),
    "kind": Key(
        "impedance, iv, transient, potentiation, retention or paired_pulse", Checker.word, (TECHNIQUES,)
    ),
    "bias": Key("dc bias: a voltage or, by its unit, a current", Checker.measured, ("voltage",)),
    "control": Key("what the instrument set", Checker.word, (CONTROLS,)),
    "initial": Key("state in which the record begins", Checker.word, (INITIALS,)),
    "use": Key("lowest and highest frequency, time, voltage or current", Checker.ranges, _USE),
    "leave_out": Key("numbers of points, or a table of them by part of the file", _points),
    "scan_rate": Key("where there are no times", Checker.positive, ("voltage_rate",)),
    "amplitude": Key("of the sine: of what was set", Checker.positive, ("voltage",)),
    "area": Key("of this file's contact", Checker.positive, ("area",)),
    "time_offset": Key("added to the times", Checker.measured, ("time",)),
    "series_resistance": Key("of the circuit", Checker.not_negative, ("resistance",)),
    "temperature": Key("during this measurement", Checker.positive, ("temperature",)),
    "waveform": Key("vertices [time, value] of what was set", Checker.waveform, (None,)),
    "protocol": Key("pulses and reads that were applied, where the file holds the reads only", read_protocol),
    "columns": Key("labels by role, perhaps with units, or the header of a table without one", read_columns),
    "sheet": Key("which sheets of a workbook to read", read_sheets),
    "sense_resistance": Key("over which the current was measured", Checker.positive, ("resistance",)),
    "compliance": Key("limit of what was measured", Checker.positive, ("current",)),
    "split": Key("part a program into its loops or pulses", Checker.flag),
    "name": Key("of the record", Checker.text),
}
FIT: Mapping[str, Key] = {
    "model": Key(", ".join(MODELS), Checker.word, ({word: word for word in MODELS},)),
    "fix": Key("parameters held at a value", Checker.quantities, (DIMENSION_OF,)),
    "bounds": Key("lowest and highest value of parameters", Checker.ranges, (DIMENSION_OF,)),
    "start": Key("first values of parameters", Checker.quantities, (DIMENSION_OF,)),
    **{option.name: _option(option) for option in fields(FitOptions)},
}


_MOST_MEASUREMENTS = 10_000
"""Of one device."""
_ESCAPES = {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r"}
"""What a path in double quotes was written with."""


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """One [[measurement]]."""

    file: str
    """With slashes, relative to device.toml."""
    settings: FileSettings
    pattern: str = ""
    """By which the file was found; "" if it is listed by its own name."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The whole device.toml, in SI units."""

    name: str | None = None
    area: float | None = None
    """m^2."""
    temperature: float | None = None
    """K."""
    attributes: Mapping[str, str | float] = field(default_factory=dict)
    subfolders: bool | None = None
    """Whether what lies in folders below is of this device; None: where their names say so."""
    measurements: tuple[FileEntry, ...] = ()
    fit: FitSettings = field(default_factory=FitSettings)


def read_manifest(path: Path, *, whole: bool = True, text: str | None = None) -> Manifest:
    """Read device.toml.

    Parameters
    ----------
    path : Path
    whole : bool
        Whether all files that are listed must be there.
    text : str, optional
        What is or shall be in it; by default it is read.

    Raises
    ------
    ManifestError
        Lists all mistakes: unknown keys, bad quantities, missing files.
    """
    content, text = read_toml(path, text)
    check = Checker(path.name, text)
    tables = check.table(content, "", ("device", "measurement", "fit"))
    of_device = {**DEVICE, **_FOLDER}
    device = check.table(tables.get("device", {}), "device", tuple(of_device))
    measurements = tables.get("measurement", [])
    if not isinstance(measurements, list):
        check.mistake("measurement", "expected [[measurement]] with two brackets for each file")
        measurements = []
    if len(measurements) > _MOST_MEASUREMENTS:
        found = len(measurements)
        check.mistake("measurement", f"expected at most {_MOST_MEASUREMENTS} measurements, found {found}")
        measurements = []
    entries = [
        _measurement(check, item, f"measurement {i}", path.parent)
        for i, item in enumerate(measurements, start=1)
    ]
    known = check.keys(device, "device", of_device)
    fit = check.table(tables.get("fit", {}), "fit", tuple(FIT))
    options = check.keys(fit, "fit", FIT, ("bounds", *(name for name in FIT if name != "bounds")))
    stated = {name: options.pop(name) for name in ("model", "fix", "bounds", "start") if name in options}
    for place, message in setting_faults(*(stated.get(group, {}) for group in ("fix", "bounds", "start"))):
        check.mistake(f"fit, {place}", message)
    listed = _found(check, entries, path.parent, whole=whole)
    check.finish()
    return Manifest(**known, measurements=listed, fit=FitSettings(**stated, options=options))


def _found(
    check: Checker, entries: Sequence[FileEntry | None], folder: Path, *, whole: bool
) -> tuple[FileEntry, ...]:
    """The files that are listed: those of a pattern one by one, each once and, if `whole`, each there."""
    numbered = [(number, entry) for number, entry in enumerate(entries, start=1) if entry is not None]
    named = {entry.file for _, entry in numbered if not _is_pattern(entry.file, folder)}
    listed: list[FileEntry] = []
    there: list[str] | None = None
    seen: set[tuple[str, str]] = set()
    for number, entry in numbered:
        place = f"measurement {number}, file"
        found = [entry]
        if _is_pattern(entry.file, folder):
            files = [name for name in _matching(entry.file, folder) if name not in named]
            found = [replace(entry, file=name, pattern=entry.file) for name in files]
            if whole and not found:
                check.mistake(place, f"no other file is found by {shown(entry.file)} below {folder.name}")
            elif len(found) > 1 and entry.settings.name:
                check.mistake(
                    place, f"{len(found)} files are found by {shown(entry.file)}: leave out their `name`"
                )
        elif whole and not is_file(folder / entry.file):
            if there is None:
                there = sorted(one.name for one in folder.iterdir() if one.is_file())
            at_hand = [] if check.is_full else there  # to look for a like name takes its time
            near = meant(entry.file, at_hand, "the paths are relative to device.toml.")
            check.mistake(place, f"there is no file {shown(entry.file)}; {near}")
        for one in found:
            if whole and (one.file, one.settings.name) in seen:
                check.mistake(place, f"{shown(one.file)} is listed twice; give each its own `name`")
            seen.add((one.file, one.settings.name))
        listed += found
    return tuple(listed)


def _is_pattern(file: str, folder: Path) -> bool:
    """Whether a `file` stands for several; brackets may be part of a name."""
    return glob.has_magic(file) and not is_file(folder / file)


def _matching(pattern: str, folder: Path) -> list[str]:
    """Files that a pattern finds and that may be measurements, with slashes, by name."""
    found = sorted(glob.glob(pattern, root_dir=folder, recursive=True))  # noqa: PTH207 - may lead upward
    files = [name.replace(os.sep, "/") for name in found if is_file(folder / name)]
    return [os.path.normpath(name).replace(os.sep, "/") for name in files if not is_other(Path(name))]


def _plain_path(check: Checker, file: str | None, place: str, folder: Path) -> str | None:
    """A path with slashes: backslashes are those of Windows, unless a file is called so."""
    if file is None:
        return None
    if not file.isprintable():
        written = "".join(_ESCAPES.get(sign, sign) for sign in file)
        plain = written.replace("\\", "/")
        check.mistake(
            f"{place}, file",
            "a backslash in double quotes begins an escape; write "
            f"\"{plain}\", or '{written}' in single quotes",
        )
        return None
    if "\\" in file and not is_file(folder / file):
        file = file.replace("\\", "/")
    return os.path.normpath(file).replace(os.sep, "/")


def _measurement(check: Checker, value: object, place: str, folder: Path) -> FileEntry | None:
    """One [[measurement]] table; what was set and what was measured depend on its control."""
    table = check.table(value, place, tuple(MEASUREMENT))
    if "file" not in table:
        check.mistake(place, "expected the key `file`")
        return None
    file = _plain_path(check, check.keys(table, place, MEASUREMENT, ("file",)).get("file"), place, folder)
    settings = read_settings(check, table, place)
    return FileEntry(file=file, settings=settings) if file is not None else None


def read_settings(check: Checker, table: dict[str, object], place: str) -> FileSettings:
    """What a [[measurement]] says of its file.

    Parameters
    ----------
    check : Checker
        Notes the mistakes.
    table : dict
        By key, known ones only.
    place : str
        Such as "measurement 2".
    """
    settings = check.keys(table, place, MEASUREMENT, ("control",))
    control = settings.get("control")
    bias = table.pop("bias", None)
    if bias is not None:
        current = control == "current"  # a string says by its unit which it is
        if isinstance(bias, str):
            try:
                parse_quantity(bias, "current", unit_required=control != "current")
                current = True
            except UnitError:
                current = False
        number = check.measured(bias, f"{place}, bias", "current" if current else "voltage")
        settings["bias_current" if current else "bias"] = number
    driven = {
        **MEASUREMENT,
        "amplitude": replace(MEASUREMENT["amplitude"], of=(control or "voltage",)),
        "waveform": replace(MEASUREMENT["waveform"], of=(control,)),
        "compliance": replace(
            MEASUREMENT["compliance"], of=("voltage" if control == "current" else "current",)
        ),
    }
    rest = [name for name in MEASUREMENT if name not in ("file", "control", "bias")]
    settings |= check.keys(table, place, driven, rest)
    settings["units"] = read_units(check, table.get("columns"), f"{place}, columns")
    return FileSettings(**settings)
