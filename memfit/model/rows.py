"""What a row of the table of parameters says: all that is known of a parameter besides its value."""

import math
from dataclasses import dataclass
from typing import Literal

Domain = Literal["positive", "non_negative", "fraction", "any"]
Scale = Literal["log", "linear", "in V_m"]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A row of the table: all that is known of a parameter besides its value."""

    name: str
    unit: str
    """SI unit, "" for a number."""
    symbol: tuple[str, str]
    """Letter and subscript, as printed."""
    meaning: str
    domain: Domain
    """Which values make sense: greater than 0, 0 and greater, 0 to 1, or all."""
    scale: Scale
    """How it is fitted: as its logarithm, as it is, or as it is with lengths in units of V_m."""
    bounds: tuple[float, float]
    """SI; far outside anything measured: to end a runaway of a fit, not to guide it."""
    usual: tuple[float, float]
    """SI; what halide perovskites are known to have."""
    null: float | None
    """Value at which its part vanishes; None where a device has to have one."""
    part: str
    """Part of the device, of the circuit or of the wiring that it belongs to."""
    area_exponent: int | None
    """Power of the area by which a uniform junction scales; None where it does not."""
    in_time: bool = True
    """Whether the response in time depends on it."""
    optional: bool = False
    """Whether a fit leaves it at its null value unless the data or the plan ask for it."""
    extension: bool = False
    """Whether its part is one that the plainest device does without."""

    @property
    def logarithmic(self) -> bool:
        """Whether it is fitted as its logarithm."""
        return self.scale == "log"

    @property
    def typical(self) -> float:
        """Middle of the usual range (SI), of the logarithm where it is fitted so."""
        low, high = self.usual
        return math.sqrt(low * high) if self.logarithmic else 0.5 * (low + high)

    def complaint(self, value: float) -> str:
        """What is wrong with a value (SI), in words; "" where it is within the domain or null.

        Parameters
        ----------
        value : float
            In SI units.
        """
        if value == self.null:
            return ""
        if not math.isfinite(value):
            return f"{self.name} must be finite, found {value:g}"
        if self.domain == "fraction":
            return "" if 0.0 <= value <= 1.0 else f"{self.name} must lie between 0 and 1, found {value:g}"
        if value > 0.0 or self.domain == "any" or (value == 0.0 and self.domain == "non_negative"):
            return ""
        if self.domain == "positive":
            return f"{self.name} must be greater than 0 {self.unit}, found {value:g}"
        return f"{self.name} must not be negative, found {value:g} {self.unit}".rstrip()
