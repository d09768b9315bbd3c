"""Settings files written in TOML: one `Checker` reads every value and reports all mistakes at once.

A mistake has its place and its line and, for a misspelt word, the right one. Quantities are texts with units
or SI numbers; a number that would be far from what a laboratory has (an area of 400 cm^2) is asked for its
unit. It serves device.toml and PARAMS.toml.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from memfit.errors import ManifestError, UnitError, meant
from memfit.loaders.plausible import doubt
from memfit.protocols import Control
from memfit.units import DIMENSIONS, parse_quantity

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

    def quantity(self, value: object, place: str, dimension: str, *, asked: bool = True) -> float | None:
        """A quantity in SI units from a string with its unit or an SI number.

        `asked`: whether a number without a unit that nobody means in SI is a mistake.
        """
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            unit = DIMENSIONS[dimension].unit
            self.mistake(place, f'expected a quantity such as "1 {unit}", found {value!r}')
            return None
        question = doubt(value, dimension, place.rpartition(", ")[2]) if asked else ""
        if question:
            self.mistake(place, question)
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
        low, high = (self.quantity(item, place, dimension, asked=False) for item in value)
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
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text), text
    except OSError as error:
        raise ManifestError(f"{path.name}: the file cannot be read: {error.strerror or error}.") from error
    except tomllib.TOMLDecodeError as error:
        said = _backslash(text, str(error)) or f"expected TOML; {error}. Texts stand in quotes."
        raise ManifestError(f"{path.name}: {said}") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path.name}: expected TOML in UTF-8; {error}.") from error


def _backslash(text: str, problem: str) -> str:
    """What to say where the line of a mistake has a path with backslashes in double quotes; else ""."""
    place = re.search(r"at line (\d+)", problem)
    number = int(place[1]) if place else 0
    line = text.split("\n")[number - 1] if number else ""
    found = re.search(r'"(?P<path>[^"]*\\[^"]*)"', line)
    if found is None:
        return ""
    path = found["path"]
    plain = re.sub(r"\\+", "/", path)
    return (
        f"line {number}: a backslash in double quotes begins an escape; write \"{plain}\", or '{path}' in "
        "single quotes."
    )
