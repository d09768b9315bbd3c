"""Where devices lie on a wafer or a chip, as their attributes say it.

x, y                          lengths or numbers; also wafer_x, die_y, x_mm, ...
column, row                   numbers, rows downward; also col
position = "B3"               a letter for the row, a number for the column; also die, cell, site, place
position = "3, 4"             column and row
position = "R2C5"             row and column
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import UnitError
from memfit.units import parse_quantity

_BEFORE = re.compile(r"^(?:wafer|die|chip|device|position|pos|grid|sample)[ _.-]+")
_AFTER = re.compile(r"[ _.-]*(?:\[|\()?(mm|um|µm|cm|m)?(?:\]|\))?$")
_PAIRS = (("x", "y", False), ("column", "row", True), ("col", "row", True))
"""Names of the two attributes, and whether the second runs downward."""
_WHOLE = ("position", "pos", "die", "cell", "site", "place", "well")
_FEWEST = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Positions:
    """Of n devices."""

    x: FloatArray
    y: FloatArray
    """(n,) NaN where a device says nothing."""
    titles: tuple[str, str]
    """Of the axes."""
    downward: bool
    """Whether y grows downward, as rows do."""


def positions_of(attributes: Sequence[Mapping[str, str | float]]) -> Positions | None:
    """Positions of devices; None where fewer than three have one, or all have the same.

    Parameters
    ----------
    attributes : sequence of mapping
        Of each device, as device.toml has them.
    """
    for first, second, downward in _PAIRS:
        found = [_pair(one, first, second) for one in attributes]
        made = _positions(found, (first, second), downward=downward)
        if made is not None:
            return made
    found = [next(filter(None, (_whole(one.get(name)) for name in _WHOLE)), None) for one in attributes]
    lettered = any(
        isinstance(one.get(name), str)
        and str(one[name]).strip()[:1].isalpha()
        and str(one[name]).strip()[1:].isdigit()
        for one in attributes
        for name in _WHOLE
    )
    return _positions(found, ("column", "row, A is 1" if lettered else "row"), downward=True)


def _positions(
    found: Sequence[tuple[float, float, str] | None], titles: tuple[str, str], *, downward: bool
) -> Positions | None:
    """Places as arrays."""
    known = {one for one in found if one is not None}
    if sum(one is not None for one in found) < _FEWEST or len({one[:2] for one in known}) < 2:
        return None
    unit = next(iter(known))[2]
    x, y = (np.array([np.nan if one is None else one[k] for one in found]) for k in (0, 1))
    named = [f"{title} ({unit})" if unit else title for title in titles]
    return Positions(x=x, y=y, titles=(named[0], named[1]), downward=downward)


def _pair(attributes: Mapping[str, str | float], first: str, second: str) -> tuple[float, float, str] | None:
    """The values of two attributes."""
    found: dict[str, tuple[float, str]] = {}
    for (name, value), wanted in product(attributes.items(), (first, second)):
        bare = _BEFORE.sub("", name.strip().lower())
        unit = _AFTER.search(bare)
        if bare == wanted or (unit is not None and unit[1] and bare[: unit.start()] == wanted):
            read = _number(value, unit[1] if unit is not None and bare != wanted else None)
            if read is not None:
                found.setdefault(wanted, read)
    if len(found) < 2:
        return None
    return found[first][0], found[second][0], found[first][1]


def _number(value: str | float, unit: str | None) -> tuple[float, str] | None:
    """A coordinate: a number as it is, a length in mm."""
    if isinstance(value, int | float):
        return (
            (float(value), "") if unit is None else (1e3 * parse_quantity(f"{value} {unit}", "length"), "mm")
        )
    try:
        return float(value), ""
    except ValueError:
        pass
    try:
        return 1e3 * parse_quantity(value, "length"), "mm"
    except UnitError:
        return None


def _whole(value: str | float | None) -> tuple[float, float, str] | None:
    """Column and row out of one word."""
    if not isinstance(value, str):
        return None
    text = value.strip().strip("()[]")
    for pattern, row, column in (
        (r"([A-Za-z])\s*-?\s*(\d+)", 1, 2),
        (r"[Rr]\s*(\d+)[\s_,-]*[Cc]\s*(\d+)", 1, 2),
        (r"[Xx]\s*(-?\d+)[\s_,-]*[Yy]\s*(-?\d+)", 2, 1),
        (r"(-?\d+)\s*[,;/ ]\s*(-?\d+)", 2, 1),
    ):
        found = re.fullmatch(pattern, text)
        if found:
            word = found[row]
            return float(found[column]), float(ord(word.upper()) - 64 if word.isalpha() else word), ""
    return None
