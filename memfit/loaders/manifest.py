"""device.toml: what is known of a device, which files belong to it, what the fit may do.

The keys are rows of tables (`DEVICE`, `MEASUREMENT`, `FIT`): how a value is read, its dimension or words,
what it means. One `Checker` walks them; all mistakes of a file are reported at once, each with its place
and, for a misspelt word, the right one. It serves every settings file written in TOML. docs/formats.md
shows the keys in use.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, get_args

from memfit.errors import ManifestError, UnitError, meant
from memfit.fit_options import FitOptions, FitSettings
from memfit.loaders.raw import CONTROLS, INITIALS, ROLES, TECHNIQUES, FileSettings
from memfit.model import PARAMETERS
from memfit.protocols import Control
from memfit.units import DIMENSIONS, parse_quantity

MANIFEST = "device.toml"

DIMENSION_OF: Mapping[str, str] = {
    name: next(key for key, dimension in DIMENSIONS.items() if dimension.unit == row.unit)
    for name, row in PARAMETERS.items()
}
"""Dimension of each model parameter, a key of `memfit.units.DIMENSIONS`."""

T = TypeVar("T")


class Checker:
    """Collects the mistakes of a settings file, to raise them all at once.

    Its methods read one value each; a mistake is noted with its place, such as "measurement 2, bias", and
    gives None or an empty value.
    """

    def __init__(self, file: str, text: str = "") -> None:
        self.file = file
        self._lines = text.split("\n")
        self._mistakes: list[str] = []

    def mistake(self, place: str, message: str) -> None:
        """Note a mistake, with the line of its place: the key's first line behind the header of its table."""
        words = place.split(", ")
        numbered = re.fullmatch(r"(\w+) (\d+)", words[0])
        start = 0
        if numbered:
            head = re.compile(rf"\s*\[\[\s*{numbered[1]}\s*\]\]")
            heads = [i for i, line in enumerate(self._lines) if head.match(line)]
            start = heads[int(numbered[2]) - 1] if len(heads) >= int(numbered[2]) else 0
        if len(words) > 1:
            pattern = re.compile(rf"""\s*["']?{re.escape(words[1])}["']?\s*=""")
        else:
            pattern = re.compile(rf"\s*\[+\s*{re.escape(words[0])}\s*\]")
        lines = enumerate(self._lines[start:], start=start + 1)
        line = next((number for number, text in lines if pattern.match(text)), None)
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
        listed = "; ".join(text.rstrip(".") for text in self._mistakes)
        raise ManifestError(f"{self.file}: {head}: {listed}{'' if listed.endswith('?') else '.'}")

    def table(self, value: object, place: str, known: Sequence[str] | None) -> dict[str, object]:
        """A table whose keys must be known (None: any)."""
        if not isinstance(value, dict):
            self.mistake(place, f"expected a table, found {value!r}")
            return {}
        for key in value:
            if known is not None and key not in known:
                self.mistake(f"{place}, {key}" if place else key, f"unknown key {key!r}; {meant(key, known)}")
        return {str(key): item for key, item in value.items() if known is None or key in known}

    def keys(
        self, table: Mapping[str, object], place: str, known: Mapping[str, "Key"], names: Sequence[str] = ()
    ) -> dict[str, Any]:
        """What the keys of a table say; only those that are there and without a mistake.

        Parameters
        ----------
        table : mapping
        place : str
            Of the table.
        known : mapping of str to Key
        names : sequence of str
            Keys to read, in this order; by default all that are known.
        """
        read = {
            name: known[name].read(self, table[name], f"{place}, {name}", *known[name].of)
            for name in names or known
            if name in table
        }
        return {name: value for name, value in read.items() if value is not None}

    def quantity(self, value: object, place: str, dimension: str) -> float | None:
        """A quantity in SI units from a string with its unit or an SI number."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            unit = DIMENSIONS[dimension].unit
            self.mistake(place, f'expected a quantity such as "1 {unit}", found {value!r}')
            return None
        try:
            return parse_quantity(value, dimension)
        except UnitError as error:
            self.mistake(place, str(error))
            return None

    def positive(self, value: object, place: str, dimension: str) -> float | None:
        """A quantity above zero."""
        number = self.quantity(value, place, dimension)
        if number is not None and number <= 0:
            self.mistake(place, f"expected a value above 0, found {value!r}")
            return None
        return number

    def range(self, value: object, place: str, dimension: str) -> tuple[float, float] | None:
        """A pair [lowest, highest]."""
        if not isinstance(value, list) or len(value) != 2:
            self.mistake(
                place, f'expected [lowest, highest], such as ["0.1 {DIMENSIONS[dimension].unit}", ...]'
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

    def flag(self, value: object, place: str) -> bool:
        """True or false."""
        if not isinstance(value, bool):
            self.mistake(place, f"expected true or false, found {value!r}")
            return True
        return value

    def whole(self, value: object, place: str) -> object:
        """A whole number that is not negative."""
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.mistake(place, f"expected a whole number of at least 0, found {value!r}")
        return value

    def quantities(self, value: object, place: str, dimensions: Mapping[str, str]) -> dict[str, float]:
        """A table of quantities, each of its own dimension."""
        given = self.table(value, place, tuple(dimensions))
        return self.keys(
            given, place, {name: Key("", Checker.quantity, (dimensions[name],)) for name in given}
        )

    def ranges(
        self, value: object, place: str, dimensions: Mapping[str, str]
    ) -> dict[str, tuple[float, float]]:
        """A table of ranges, each of its own dimension."""
        given = self.table(value, place, tuple(dimensions))
        return self.keys(given, place, {name: Key("", Checker.range, (dimensions[name],)) for name in given})

    def columns(self, value: object, place: str) -> Mapping[str, str] | tuple[str, ...]:
        """Labels by role, or a header for a table without one."""
        if isinstance(value, list | tuple):
            if all(isinstance(item, str) for item in value):
                return tuple(str(item) for item in value)
            self.mistake(place, 'expected a list of labels, such as ["Voltage (V)", "Current (uA)"]')
            return ()
        table = self.table(value, place, tuple(ROLES))
        if not all(isinstance(item, str) for item in table.values()):
            self.mistake(place, 'expected labels of columns, such as { voltage = "CH1", current = "CH2" }')
            return {}
        return {role: str(label) for role, label in table.items()}

    def waveform(self, value: object, place: str, control: Control | None) -> tuple[tuple[float, float], ...]:
        """Vertices [time, value] of what was applied."""
        if value == []:
            return ()
        if control is None:
            self.mistake(place, "expected `control` beside a waveform, to say what it is of")
            return ()
        if not isinstance(value, list) or not all(
            isinstance(item, list) and len(item) == 2 for item in value
        ):
            self.mistake(
                place, 'expected a list of [time, value], such as [["0 s", "0 V"], ["1 ms", "0.5 V"]]'
            )
            return ()
        vertices = [(self.quantity(t, place, "time"), self.quantity(v, place, control)) for t, v in value]
        known = tuple((t, v) for t, v in vertices if t is not None and v is not None)
        if any(later[0] < earlier[0] for earlier, later in pairwise(known)):
            self.mistake(place, "expected times that do not run backward")
            return ()
        return known

    def attributes(self, value: object, place: str) -> dict[str, str | float]:
        """Free attributes: texts and numbers."""
        known: dict[str, str | float] = {}
        for key, item in self.table(value, place, None).items():
            if isinstance(item, str):
                known[key] = item
            elif isinstance(item, int | float) and not isinstance(item, bool):
                known[key] = float(item)
            else:
                self.mistake(f"{place}, {key}", f"expected a text or a number, found {item!r}")
        return known


@dataclass(frozen=True)
class Key:
    """A key of a settings file."""

    doc: str
    read: Callable[..., Any]
    """A method of `Checker`."""
    of: tuple[Any, ...] = ()
    """Its dimension, or its words."""


def _option(option: Field[Any]) -> Key:
    """A field of `FitOptions`: a flag, a whole number, or one of a few words."""
    doc = "a field of `FitOptions`"
    if option.type is bool:
        return Key(doc, Checker.flag)
    if option.type is int:
        return Key(doc, Checker.whole)
    return Key(doc, Checker.word, ({word: word for word in get_args(option.type)},))


_USE = ({"frequency": "frequency", "time": "time", "voltage": "voltage", "current": "current"},)

DEVICE: Mapping[str, Key] = {
    "name": Key("of the device", Checker.text),
    "area": Key("of the electrodes", Checker.positive, ("area",)),
    "temperature": Key("of the device", Checker.positive, ("temperature",)),
    "attributes": Key("anything that tells devices apart: texts and numbers", Checker.attributes),
}
MEASUREMENT: Mapping[str, Key] = {
    "file": Key("the path, relative to device.toml", Checker.text),
    "kind": Key("impedance, iv or transient", Checker.word, (TECHNIQUES,)),
    "bias": Key("dc bias: a voltage or, by its unit, a current", Checker.quantity, ("voltage",)),
    "control": Key("what the instrument set", Checker.word, (CONTROLS,)),
    "initial": Key("state in which the record begins", Checker.word, (INITIALS,)),
    "use": Key("lowest and highest frequency, time, voltage or current", Checker.ranges, _USE),
    "scan_rate": Key("where there are no times", Checker.positive, ("voltage_rate",)),
    "amplitude": Key("of the sine: of what was set", Checker.positive, ("voltage",)),
    "area": Key("of this file's contact", Checker.positive, ("area",)),
    "time_offset": Key("added to the times", Checker.quantity, ("time",)),
    "series_resistance": Key("of the circuit", Checker.quantity, ("resistance",)),
    "temperature": Key("during this measurement", Checker.positive, ("temperature",)),
    "waveform": Key("vertices [time, value] of what was set", Checker.waveform, (None,)),
    "columns": Key("labels by role, or the header of a table without one", Checker.columns),
    "sense_resistance": Key("over which the current was measured", Checker.positive, ("resistance",)),
    "compliance": Key("limit of what was measured", Checker.positive, ("current",)),
    "split": Key("part a program into its loops or pulses", Checker.flag),
    "name": Key("of the record", Checker.text),
}
FIT: Mapping[str, Key] = {
    "model": Key(
        "2d, 2d-mirror, 3d or auto", Checker.word, ({w: w for w in ("2d", "2d-mirror", "3d", "auto")},)
    ),
    "fix": Key("parameters held at a value", Checker.quantities, (DIMENSION_OF,)),
    "bounds": Key("lowest and highest value of parameters", Checker.ranges, (DIMENSION_OF,)),
    "start": Key("first values of parameters", Checker.quantities, (DIMENSION_OF,)),
    **{option.name: _option(option) for option in fields(FitOptions)},
}


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


def read_toml(path: Path) -> tuple[dict[str, object], str]:
    """Content and text of a TOML file.

    Parameters
    ----------
    path : Path

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
    tables = check.table(content, "", ("device", "measurement", "fit"))
    device = check.table(tables.get("device", {}), "device", tuple(DEVICE))
    measurements = tables.get("measurement", [])
    if not isinstance(measurements, list):
        check.mistake("measurement", "expected [[measurement]] with two brackets for each file")
        measurements = []
    entries = [_measurement(check, item, f"measurement {i}") for i, item in enumerate(measurements, start=1)]
    listed = tuple(entry for entry in entries if entry is not None)
    known = check.keys(device, "device", DEVICE)
    fit = check.table(tables.get("fit", {}), "fit", tuple(FIT))
    options = check.keys(fit, "fit", FIT, ("bounds", *(name for name in FIT if name != "bounds")))
    stated = {name: options.pop(name) for name in ("model", "fix", "bounds", "start") if name in options}
    if whole:
        seen: set[tuple[str, str]] = set()
        folder = path.parent
        there = sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
        for number, entry in enumerate(listed, start=1):
            place = f"measurement {number}, file"
            if not (folder / entry.file).is_file():
                near = meant(entry.file, there, "the paths are relative to device.toml.")
                check.mistake(place, f"there is no file {entry.file!r}; {near}")
            elif (entry.file, entry.settings.name) in seen:
                check.mistake(place, f"{entry.file!r} is listed twice; give each its own `name`")
            seen.add((entry.file, entry.settings.name))
    check.finish()
    return Manifest(**known, measurements=listed, fit=FitSettings(**stated, options=options))


def _measurement(check: Checker, value: object, place: str) -> FileEntry | None:
    """One [[measurement]] table; what was set and what was measured depend on its control."""
    table = check.table(value, place, tuple(MEASUREMENT))
    if "file" not in table:
        check.mistake(place, "expected the key `file`")
        return None
    settings = check.keys(table, place, MEASUREMENT, ("file", "control"))
    file, control = settings.pop("file", None), settings.get("control")
    bias = table.pop("bias", None)
    if bias is not None:
        current = control == "current"  # a string says by its unit which it is
        if isinstance(bias, str):
            try:
                parse_quantity(bias, "current", unit_required=control != "current")
                current = True
            except UnitError:
                current = False
        number = check.quantity(bias, f"{place}, bias", "current" if current else "voltage")
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
    return FileEntry(file=file, settings=FileSettings(**settings)) if file is not None else None
