"""Functions of a question that SQLite may lack: None where there is no value, never an error."""

import math
from collections.abc import Callable


def functions() -> dict[str, tuple[int, Callable[..., float | None]]]:
    """Functions that SQLite needs for a condition, by name, with the number of their arguments."""
    return {"memfit_log10": (1, _log10), "memfit_sqrt": (1, _sqrt), "memfit_power": (2, _power)}


def _log10(value: float | None) -> float | None:
    """Decadic logarithm; None where there is none."""
    return math.log10(value) if value is not None and value > 0 else None


def _sqrt(value: float | None) -> float | None:
    """Square root; None where there is none."""
    return math.sqrt(value) if value is not None and value >= 0 else None


def _power(base: float | None, exponent: float | None) -> float | None:
    """A power; None where there is none."""
    if base is None or exponent is None:
        return None
    try:
        found = float(base) ** float(exponent)
    except (OverflowError, ZeroDivisionError):
        return None
    return found if isinstance(found, float) and math.isfinite(found) else None
