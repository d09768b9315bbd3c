"""Texts of a comparison: p-values, areas, values, intervals and spreads, names of devices."""

from collections.abc import Sequence

import numpy as np

from memfit.analysis.comparison_sample import ComparedDevice, Quantity
from memfit.reporting.comparisonwords import COLUMNS
from memfit.reporting.content import Column, ColumnKind
from memfit.reporting.numbers import MISSING, interval, quantity, quantity_digits

LEVEL = 0.05
"""p-value below which something is beyond chance."""
CM2 = 1e4  # cm^2 in a m^2
_SMALLEST_P = 1e-4
_AREA_UNITS = {"ohm m²": ("Ω cm²", CM2), "F/m²": ("µF/cm²", 1e6 / CM2), "A/m²": ("mA/cm²", 1e3 / CM2)}


def titled(*keys: tuple[str, ColumnKind]) -> tuple[Column, ...]:
    """Columns by the key of their title."""
    return tuple(Column(COLUMNS[key], kind) for key, kind in keys)


def p_text(p: float | None) -> str:
    """A p-value without digits that mean nothing."""
    if p is None or not np.isfinite(p):
        return MISSING
    return "< 0.0001" if p < _SMALLEST_P else quantity_digits(p, "1", 2)


def area_text(area: float | None) -> str:
    """An area in cm²."""
    return MISSING if area is None else f"{quantity(area * CM2)} cm²"


def shown_unit(unit: str) -> tuple[str, float]:
    """Unit as printed and the factor to it, for quantities of unit area; others stay."""
    return _AREA_UNITS.get(unit, (unit or "1", 1.0))


def value_text(one: Quantity, value: float, error: float | None = None) -> str:
    """A value in SI as text; `error` is in the scale of the fit."""
    unit, factor = shown_unit(one.unit)
    stderr = None if error is None else error * (abs(value) if one.logarithmic else 1.0) * factor
    return quantity(value * factor, unit, stderr)


def interval_text(one: Quantity, ends: tuple[float, float]) -> str:
    """An interval from the scale of the fit, as text; each end by itself where it is wide."""
    unit, factor = shown_unit(one.unit)
    low, high = (one.outer(end) * factor for end in ends)
    if one.logarithmic and high > 3.0 * low > 0.0:
        return f"{quantity_digits(low, unit)} to {quantity_digits(high, unit)}"
    return interval((low, high), unit)


def spread_text(one: Quantity, tau: float) -> str:
    """A spread between devices: a factor for logarithms, else in the unit."""
    if tau <= 0.0:
        return "none"
    if not one.logarithmic:
        return f"± {quantity_digits(tau, one.unit, 2)}"
    if tau < 0.1:
        return f"± {quantity_digits(100.0 * tau, '1', 2)} %"
    return f"×/÷ {quantity_digits(one.outer(tau), '1', 3)}"


def named(devices: Sequence[ComparedDevice], most: int = 5) -> str:
    """Names of devices in a sentence, the first few where there are many."""
    labels = [device.label for device in devices]
    if len(labels) > most:
        return f"{', '.join(labels[:most])} and {len(labels) - most} more"
    return f"{', '.join(labels[:-1])} and {labels[-1]}" if len(labels) > 1 else "".join(labels)
