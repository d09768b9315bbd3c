"""The circuit a device works in: stability is always stated for one.

A current source leaves the device to itself. A voltage source acts through the series resistance of the
device and a load; a capacitance can stand in parallel. Both are exactly the current-controlled device with
another leakage and another capacitance (`memfit.model.linear.effective_parameters`), whose current is V/R.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import FloatArray
from memfit.errors import ParameterError
from memfit.model.equations import steady_current
from memfit.model.linear import effective_parameters
from memfit.model.parameters import Parameters
from memfit.units import format_quantity


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """What drives the device.

    Raises
    ------
    ParameterError
        An unknown control, or a load or capacitance that is negative or not finite.
    """

    control: Literal["current", "voltage"] = "current"
    """What the source holds."""
    load: float = 0.0
    """Resistance between a voltage source and the device, ohm; adds to R_s. No matter to a current source."""
    external_capacitance: float = 0.0
    """Capacitance soldered across the device, F; taken as across the junction, which holds while its charging
    time through R_s is short beside the oscillation."""

    def __post_init__(self) -> None:
        """Check the values, once."""
        if self.control not in ("current", "voltage"):
            raise ParameterError(f'Expected the control "current" or "voltage", found {self.control!r}.')
        for name, value, unit in (
            ("load", self.load, "ohm"),
            ("external capacitance", self.external_capacitance, "F"),
        ):
            if not (np.isfinite(value) and value >= 0.0):
                raise ParameterError(
                    f"The {name} must be a finite number of at least 0 {unit}, found {value:g}."
                )

    @property
    def name(self) -> str:
        """How a sentence calls it."""
        parts = [f"{self.control} control"]
        if self.control == "voltage" and self.load > 0.0:
            parts.append(f"through {format_quantity(self.load, 'ohm')}")
        if self.external_capacitance > 0.0:
            parts.append(f"with {format_quantity(self.external_capacitance, 'F')} in parallel")
        return " ".join(parts)

    def resistance(self, p: Parameters) -> float:
        """Total resistance between the source and the junction, ohm: infinite for a current source."""
        return np.inf if self.control == "current" else p.R_s + self.load

    def pins_voltage(self, p: Parameters) -> bool:
        """Whether nothing lies between a voltage source and the junction, so that u cannot move by itself."""
        return self.resistance(p) == 0.0

    def effective(self, p: Parameters) -> Parameters:
        """The device that does the same under current control; not for a pinned voltage."""
        return effective_parameters(p, self.resistance(p), self.external_capacitance)

    def source(self, p: Parameters, u: ArrayLike) -> FloatArray:
        """What the source supplies at the steady state u (V): current (A) or voltage (V)."""
        current = steady_current(p, u)
        if self.control == "current":
            return current
        return np.asarray(u, dtype=np.float64) + self.resistance(p) * current
