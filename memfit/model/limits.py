"""Which values and bounds of parameters make sense: what people set, and what a stored result claims.

The one place that holds them against the table: device.toml, plans and results are checked by it.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from memfit.errors import UnitError
from memfit.model.parameters import EXTENSIONS, PARAMETERS
from memfit.model.rows import Parameter
from memfit.units import DIMENSIONS, parse_quantity

T = TypeVar("T")

_ROUNDING = 1e-6
"""Relative difference that is none: between a value and a bound, or between two bounds."""
_FAR, _FURTHER = 1e10, 10.0
"""How far bounds that someone sets may reach beyond those of the table, as a factor: of parameters that are
fitted as their logarithm, and of the others. Beyond that no arithmetic holds."""

SYMMETRIC = "symmetric"
"""Name of the second polarity where it is as the first, so that it has no parameters of its own."""
SYMMETRIC_TIES: Mapping[str, str] = MappingProxyType(
    {name: name.removesuffix("n") for name in EXTENSIONS["second_polarity"]}
)
"""Then each of its parameters follows from that of the first."""
PART_NAMES = (*EXTENSIONS, SYMMETRIC)
"""What a device may have besides the parts of the plainest one."""


DIMENSION_OF: Mapping[str, str] = {
    name: next(key for key, dimension in DIMENSIONS.items() if dimension.unit == (row.unit or "1"))
    for name, row in PARAMETERS.items()
}
"""Dimension of each parameter, a key of `memfit.units.DIMENSIONS`."""


def beyond(row: Parameter, value: float, *, wide: bool = False) -> str:
    """What is wrong with a value, in words; "" where it is within its domain and the bounds of the table.

    Parameters
    ----------
    row : Parameter
    value : float
        In SI units.
    wide : bool
        Whether it may lie as far beyond as bounds that someone sets for a fit.
    """
    low, high = row.bounds
    if wide:
        further = _FURTHER * max(abs(low), abs(high))
        low, high = (low / _FAR, high * _FAR) if row.logarithmic else (low - further, high + further)
    wrong, slack = row.complaint(value), _ROUNDING * max(abs(low), abs(high)) * (not row.logarithmic)
    vanishes = value in (0.0, row.null) and row.domain != "positive"
    if wrong or vanishes or low * (1.0 - _ROUNDING) - slack <= value <= high * (1.0 + _ROUNDING) + slack:
        return wrong
    return f"{row.name} must lie between {low:g} and {high:g}{_unit(row)}, found {value:g}"


def in_si(group: str, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Values or bounds that someone set, texts with units among them, in SI units.

    Parameters
    ----------
    group : {"fix", "bounds", "start"}
        Bounds are pairs.
    values : mapping
        By name of the parameter: numbers in SI, or texts such as "42 ohm". Names that are unknown stay.

    Returns
    -------
    dict
        The same in SI; without what cannot be read.
    list of str
        What cannot be read, a sentence each.
    """
    known: dict[str, Any] = {}
    wrong = []
    for name, value in values.items():
        read = _pair if group == "bounds" else _number
        try:
            known[name] = read(value, DIMENSION_OF[name]) if name in DIMENSION_OF else value
        except UnitError as problem:
            said = str(problem).rstrip(".")
            wrong.append(f"{group} of {name}: {said[:1].lower()}{said[1:]}")
    return known, wrong


def _number(value: Any, dimension: str) -> float:
    """A quantity in SI units; a number of another library counts as one of Python."""
    return parse_quantity(value if isinstance(value, str | bool) else _plain(value, float), dimension)


def _pair(value: Any, dimension: str) -> tuple[float, float]:
    """Lowest and highest value in SI units."""
    both = value if isinstance(value, str) else _plain(value, tuple)
    if not isinstance(both, tuple) or len(both) != 2:
        raise UnitError(f"Expected the lowest and the highest value, found {value!r}.")
    return _number(both[0], dimension), _number(both[1], dimension)


def _plain(value: Any, kind: Callable[[Any], T]) -> T | Any:
    """The value as a number or tuple of Python, or as it is where it is none."""
    try:
        return kind(value)
    except (TypeError, ValueError):
        return value


def setting_faults(
    fix: Mapping[str, float], bounds: Mapping[str, tuple[float, float]], start: Mapping[str, float]
) -> list[tuple[str, str]]:
    """What is wrong with values and bounds that someone set: the place ("fix, R_b") and a sentence.

    Every value has to lie within the bounds of the table, or within those that are set instead, which may
    reach beyond; bounds need some width. Names that are unknown are passed over.

    Parameters
    ----------
    fix, start : mapping of str to float
        By name of the parameter, SI.
    bounds : mapping of str to (lowest, highest)
        By name of the parameter, SI.
    """
    faults = []
    for group, values in (("fix", fix), ("start", start)):
        for name, value in values.items():
            wrong = _value_fault(name, value, bounds.get(name), wide=group == "start" and name in bounds)
            faults += [(f"{group}, {name}", wrong)] if wrong else []
    for name, (low, high) in bounds.items():
        wrong = _bounds_fault(name, low, high)
        faults += [(f"bounds, {name}", wrong)] if wrong else []
    return faults


def _value_fault(name: str, value: float, bounds: tuple[float, float] | None, *, wide: bool) -> str:
    """What is wrong with a value that is held or begun with."""
    row = PARAMETERS.get(name)
    if row is None:
        return ""
    wrong = beyond(row, value, wide=wide)
    if not wrong and row.logarithmic and not value > 0:
        return f"{name} must be greater than 0 {row.unit}, found {value:g}"
    low, high = bounds or (-math.inf, math.inf)
    if not wrong and not low <= value <= high:
        return f"{name} must lie within its bounds of {low:g} and {high:g}{_unit(row)}, found {value:g}"
    return wrong


def _bounds_fault(name: str, low: float, high: float) -> str:
    """What is wrong with bounds that are set."""
    row = PARAMETERS.get(name)
    if row is None:
        return ""
    if not low < high or (row.logarithmic and not low > 0) or (row.domain == "non_negative" and low < 0):
        zero = "0 < " if row.logarithmic else "0 <= " if row.domain == "non_negative" else ""
        return f"expected {zero}lowest < highest, found {low:g} and {high:g}"
    least, most = row.bounds
    if high < least or low > most:
        return f"{name} lies between {least:g} and {most:g}{_unit(row)}, found {low:g} and {high:g}"
    wrong = beyond(row, low, wide=True) or beyond(row, high, wide=True)
    if not wrong and high - low <= _ROUNDING * max(abs(low), abs(high)):
        return f"the bounds {low!r} and {high!r} have no width; to hold it say fix = {{ {name} = {low:g} }}"
    return wrong


def _unit(row: Parameter) -> str:
    """The unit behind a number."""
    return f" {row.unit}" if row.unit else ""
