"""Settings files written in TOML: one `Checker` reads every value and reports all mistakes at once.

A mistake has its place and its line and, for a misspelt word, the right one. Quantities are texts with units
or SI numbers; a number that would be far from what a laboratory has (an area of 400 cm^2) is asked for its
unit. It serves device.toml and PARAMS.toml.
"""

import math
import re
import sys
import tomllib
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from memfit.errors import ManifestError, UnitError, meant, shown
from memfit.loaders.plausible import doubt
from memfit.protocols import Control
from memfit.units import DIMENSIONS, parse_quantity

MEASURABLE: Mapping[str, tuple[float, float]] = {
    "area": (1e-18, 1e2),
    "temperature": (1.0, 3000.0),
    "voltage": (1e-12, 1e5),
    "current": (1e-18, 1e5),
    "voltage_rate": (1e-12, 1e12),
    "resistance": (1e-6, 1e15),
    "time": (1e-15, 1e10),
    "frequency": (1e-9, 1e15),
}
"""Smallest and largest size (SI) of what can be measured or set, by dimension; nobody gets beyond it."""
_MOST_TOLD = 100
"""Mistakes that are told one by one."""
_MOST_WHOLE = 2**63 - 1

_HEAD = re.compile(r"\s*\[+\s*([\w-]+)\s*\]")
_KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*=""")

T = TypeVar("T")


class Checker:
    """Collects the mistakes of a settings file, to raise them all at once.

    Its methods read one value each; a mistake is noted with its place, such as "measurement 2, bias", and
    gives None or an empty value.
    """

    def __init__(self, file: str, text: str = "") -> None:
        self.file = file
        self._lines = text.split("\n")
        self._mistakes: list[tuple[str, str]] = []
        self._untold = 0

    @property
    def is_full(self) -> bool:
        """Whether more mistakes were found than anybody reads: then they are only counted."""
        return len(self._mistakes) >= _MOST_TOLD

    def mistake(self, place: str, message: str) -> None:
        """Note a mistake at its place, such as "measurement 2, bias"."""
        if self.is_full:
            self._untold += 1
        else:
            self._mistakes.append((place, message))

    def _lines_of(self, places: Sequence[str]) -> list[int | None]:
        """The line of each place: the key's first line behind the header of its table."""
        heads: dict[str, list[int]] = {}
        keys: dict[str, list[int]] = {}
        for number, line in enumerate(self._lines, start=1):
            if head := _HEAD.match(line):
                heads.setdefault(head[1], []).append(number)
            elif key := _KEY.match(line):
                keys.setdefault(key[1], []).append(number)
        found: list[int | None] = []
        for place in places:
            table, *words = place.split(", ")
            name, _, count = table.partition(" ")
            start, known = 0, heads.get(name, [])
            if count.isdigit():
                start = known[int(count) - 1] if len(known) >= int(count) else 0
            lines = [keys.get(word, []) for word in (words[:1] + words[1:][-1:])] if words else [known]
            later = ((those, bisect_left(those, start)) for those in lines)
            found.append(next((those[k] for those, k in later if k < len(those)), None))
        return found

    def finish(self) -> None:
        """Raise if there was any mistake.

        Raises
        ------
        ManifestError
            Lists all mistakes; of more than a hundred, the number of the others.
        """
        if not self._mistakes:
            return
        count = len(self._mistakes) + self._untold
        head = "a mistake" if count == 1 else f"{count} mistakes"
        lines = self._lines_of([place for place, _ in self._mistakes])
        told = [
            f"{place}{f' (line {line})' if line else ''}: {message.rstrip('.')}"
            for (place, message), line in zip(self._mistakes, lines, strict=True)
        ]
        listed = "; ".join([*told, f"and {self._untold} more"] if self._untold else told)
        raise ManifestError(f"{self.file}: {head}: {listed}{'' if listed.endswith('?') else '.'}")

    def table(self, value: object, place: str, known: Sequence[str] | None) -> dict[str, object]:
        """A table whose keys must be known (None: any)."""
        if not isinstance(value, dict):
            self.mistake(place, f"expected a table, found {shown(value)}")
            return {}
        for key in value:
            if known is not None and key not in known:
                near = "" if self.is_full else meant(key, known)  # which takes its time
                where = f"{place}, {shown(key)[1:-1]}" if place else shown(key)[1:-1]
                self.mistake(where, f"unknown key {shown(key)}; {near}")
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
            self.mistake(place, f'expected a quantity such as "1 {unit}", found {shown(value)}')
            return None
        try:
            number = parse_quantity(value, dimension)
        except UnitError as error:
            self.mistake(place, str(error))
            return None
        question = doubt(value, dimension, place.rpartition(", ")[2]) if asked else ""
        if question:
            self.mistake(place, question)
            return None
        return number

    def measured(self, value: object, place: str, dimension: str) -> float | None:
        """A quantity, of a size that exists."""
        number = self.quantity(value, place, dimension)
        most = MEASURABLE.get(dimension, (0.0, math.inf))[1]
        if number is not None and abs(number) > most:
            unit = DIMENSIONS[dimension].unit
            self.mistake(place, f"expected at most {most:g} {unit}, found {shown(value)}")
            return None
        return number

    def not_negative(self, value: object, place: str, dimension: str) -> float | None:
        """A quantity, zero or above."""
        number = self.measured(value, place, dimension)
        if number is not None and number < 0:
            self.mistake(place, f"expected a value of at least 0, found {shown(value)}")
            return None
        return number

    def positive(self, value: object, place: str, dimension: str) -> float | None:
        """A quantity above zero."""
        number = self.measured(value, place, dimension)
        if number is None:
            return None
        if number <= 0:
            self.mistake(place, f"expected a value above 0, found {shown(value)}")
            return None
        least = MEASURABLE.get(dimension, (0.0, math.inf))[0]
        if number < least:
            unit = DIMENSIONS[dimension].unit
            self.mistake(place, f"expected at least {least:g} {unit}, found {shown(value)}")
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
            self.mistake(place, f"expected the lower value first, found {shown(value[0])}, {shown(value[1])}")
            return None
        return low, high

    def word(self, value: object, place: str, words: Mapping[str, T]) -> T | None:
        """One of a few words."""
        if isinstance(value, str) and value.lower() in words:
            return words[value.lower()]
        spelt = list(dict.fromkeys(str(word) for word in words.values()))
        text = meant(value, spelt) if isinstance(value, str) else f"expected one of {', '.join(spelt)}"
        self.mistake(place, f"found {shown(value)}; {text}")
        return None

    def text(self, value: object, place: str) -> str | None:
        """A string that is not empty."""
        if isinstance(value, str) and value.strip():
            return value
        self.mistake(place, f"expected a text in quotes, found {shown(value)}")
        return None

    def words(self, value: object, place: str, known: Mapping[str, T]) -> tuple[T, ...] | None:
        """A list of some of a few words."""
        if not isinstance(value, list):
            self.mistake(place, f"expected a list of names in brackets, found {shown(value)}")
            return None
        found = [self.word(item, place, known) for item in value]
        return tuple(item for item in found if item is not None)

    def flag(self, value: object, place: str) -> bool:
        """True or false."""
        if not isinstance(value, bool):
            self.mistake(place, f"expected true or false, found {shown(value)}")
            return True
        return value

    def whole(self, value: object, place: str) -> object:
        """A whole number that is not negative."""
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_WHOLE:
            self.mistake(place, f"expected a whole number of at least 0, found {shown(value)}")
            return None
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
        vertices = [(self.measured(t, place, "time"), self.measured(v, place, control)) for t, v in value]
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
            elif isinstance(item, bool) or not isinstance(item, int | float):
                self.mistake(f"{place}, {key}", f"expected a text or a number, found {shown(item)}")
            elif not abs(item) <= sys.float_info.max:
                self.mistake(
                    f"{place}, {key}", f"{shown(item)} is too large or no number; a text may be anything"
                )
            else:
                known[key] = float(item)
        return known


@dataclass(frozen=True)
class Key:
    """A key of a settings file."""

    doc: str
    read: Callable[..., Any]
    """A method of `Checker`."""
    of: tuple[Any, ...] = ()
    """Its dimension, or its words."""


def read_toml(path: Path, text: str | None = None) -> tuple[dict[str, object], str]:
    """Content and text of a TOML file.

    Parameters
    ----------
    path : Path
    text : str, optional
        What is or shall be in it; by default it is read.

    Raises
    ------
    ManifestError
        It cannot be read or is no TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig") if text is None else text
        return _parsed(text), text
    except OSError as error:
        raise ManifestError(f"{path.name}: the file cannot be read: {error.strerror or error}.") from error
    except tomllib.TOMLDecodeError as error:
        said = _backslash(text or "", str(error)) or f"expected TOML; {error}. Texts stand in quotes."
        raise ManifestError(f"{path.name}: {said}") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path.name}: expected TOML in UTF-8; {error}.") from error
    except RecursionError as error:
        raise ManifestError(
            f"{path.name}: expected tables and lists a few deep, found them nested too deep."
        ) from error
    except ValueError as error:  # Python reads no number of thousands of digits
        raise ManifestError(f"{path.name}: {_long_number(text or '')}") from error


_DEEP_KEY = re.compile(
    r"""(?:^|[\[{,])[ \t]*(?:[\w"'-][ \t]*\.[ \t]*(?=[\w"'-])[\w"'-]*){100}""", re.MULTILINE
)
_LONG_NUMBER = re.compile(r"(?:([\w.\"'-]+)\s*=)?[^=\n]*?(\d[\d_]{4000,})")


def _parsed(text: str) -> dict[str, object]:
    """The content of TOML, which takes a time that grows as the text does."""
    if _DEEP_KEY.search(text):  # tomllib would take minutes to find that out
        raise RecursionError("a key of a hundred parts")
    return tomllib.loads(text)


def _long_number(text: str) -> str:
    """Where a number stands that is too long to be read."""
    for line, words in enumerate(text.split("\n"), start=1):
        if len(words) > sys.get_int_max_str_digits() and (found := _LONG_NUMBER.search(words)):
            return (
                f"{found[1] or 'a number'} (line {line}): a number of {len(found[2])} digits is too large; "
                "shorten it, or put it in quotes."
            )
    return "a number is too large; shorten it, or put it in quotes."


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
