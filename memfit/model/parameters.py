"""The parameters of the model, as one frozen record in SI units."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import ParameterError

NAMES = ("R_b", "C_m", "i_c0", "V_T", "V_m", "tau_d", "tau_k", "R_s", "L_s")
"""Names of all parameters; the order of every derivative's last axis."""

UNITS = {
    "R_b": "ohm",
    "C_m": "F",
    "i_c0": "A",
    "V_T": "V",
    "V_m": "V",
    "tau_d": "s",
    "tau_k": "s",
    "R_s": "ohm",
    "L_s": "H",
}

_POSITIVE = ("R_b", "C_m", "i_c0", "V_m")
_NOT_NEGATIVE = ("tau_d", "tau_k", "R_s", "L_s")


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """One device (Bisquert & Guerrero 2022, Eqs. 1-15).

    A time constant of zero means that its variable follows at once: `tau_k = 0` is the 2D model
    (f = f_ss(u)), `tau_d = 0` its mirror image (i_c = i_c0 f).

    Raises
    ------
    ParameterError
        A value is not finite or out of range; the message names all of them.
    """

    R_b: float
    """Resistance of the leakage path, ohm, > 0."""
    C_m: float
    """Capacitance, F, > 0."""
    i_c0: float
    """Saturation current of the memory channel, A, > 0."""
    V_T: float
    """Threshold voltage of the activation, V."""
    V_m: float
    """Width of the activation in voltage, V, > 0."""
    tau_d: float
    """Relaxation time of the channel current, s, >= 0."""
    tau_k: float = 0.0
    """Kinetic time of the activation, s, >= 0; 0 is the 2D model."""
    R_s: float = 0.0
    """Series resistance, ohm, >= 0."""
    L_s: float = 0.0
    """Inductance of the wiring, H, >= 0; seen by impedance only."""

    def __post_init__(self) -> None:
        """Check the ranges, once."""
        wrong = []
        for field in fields(self):
            value = float(getattr(self, field.name))
            object.__setattr__(self, field.name, value)
            if not np.isfinite(value):
                wrong.append(f"{field.name} must be finite, found {value:g}")
            elif field.name in _POSITIVE and value <= 0:
                wrong.append(f"{field.name} must be greater than 0 {UNITS[field.name]}, found {value:g}")
            elif field.name in _NOT_NEGATIVE and value < 0:
                wrong.append(f"{field.name} must not be negative, found {value:g} {UNITS[field.name]}")
        if wrong:
            raise ParameterError("; ".join(wrong) + ".")

    @classmethod
    def from_mapping(cls, values: Mapping[str, float]) -> "Parameters":
        """Parameters from names and SI values; a missing or unknown name is an error.

        Raises
        ------
        ParameterError
            A name is missing or unknown.
        """
        unknown = sorted(set(values) - set(NAMES))
        missing = [name for name in NAMES[:6] if name not in values]
        if unknown or missing:
            raise ParameterError(
                f"Expected the parameters {', '.join(NAMES)}; "
                + "; ".join(
                    part
                    for part in (
                        f"unknown: {', '.join(unknown)}" if unknown else "",
                        f"missing: {', '.join(missing)}" if missing else "",
                    )
                    if part
                )
                + "."
            )
        return cls(**{name: float(value) for name, value in values.items()})

    @property
    def model(self) -> str:
        """Name: "2d" where the activation follows at once, "2d-mirror" where the channel does, else "3d"."""
        return "2d" if self.tau_k == 0.0 else "2d-mirror" if self.tau_d == 0.0 else "3d"

    @property
    def tau_m(self) -> float:
        """Charging time R_b C_m, s."""
        return self.R_b * self.C_m

    def as_array(self) -> FloatArray:
        """(9,) values in the order of `NAMES`."""
        return np.array([getattr(self, name) for name in NAMES])

    def as_dict(self) -> dict[str, float]:
        """Names and SI values."""
        return {name: float(getattr(self, name)) for name in NAMES}

    def replace(self, **changes: float) -> "Parameters":
        """A copy with some values changed."""
        return replace(self, **changes)
