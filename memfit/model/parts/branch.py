"""The ionic branch: a resistance and a capacitance in series, across the junction.

R_1 C_1 dv/dt = u - v,  i = (u - v)/R_1,  Y = s C_1/(1 + s R_1 C_1)

The second capacitive arc of perovskite spectra. It carries no steady current.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import COLUMN, Parameters
from memfit.model.terms import AT_VOLTAGE, Number, Terms

PART = "branch"
STATE = "v"


def steady_current(p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
    """None."""
    return np.zeros(np.shape(u))


def conductance(p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
    """None."""
    return np.zeros(np.shape(u))


def limits(p: Parameters) -> tuple[float, float]:
    """Least and most steady current, A."""
    return 0.0, 0.0


def is_bounded(p: Parameters) -> bool:
    """It stays between its limits."""
    return True


def least_conductance(p: Parameters) -> float:
    """It does not fall."""
    return 0.0


def add_current_derivatives(p: Parameters, u: FloatArray, by: FloatArray) -> None:
    """No parameter moves the steady current."""


def admittance(p: Parameters, s: ComplexArray, u: ArrayLike) -> ComplexArray:
    """Y = s C_1/(1 + s R_1 C_1), S."""
    return np.asarray(s * p.C_1 / (1.0 + s * (p.R_1 * p.C_1)), dtype=np.complex128)


def add_admittance(
    p: Parameters, s: ComplexArray, u: FloatArray, u_by_p: FloatArray, k: np.ndarray, by: ComplexArray
) -> ComplexArray:
    """Y at s (n,); adds to `by` (n, p) its derivatives by the parameters."""
    Y = s * p.C_1 / (1.0 + s * (p.R_1 * p.C_1))
    by[:, COLUMN["R_1"]] -= Y * Y
    by[:, COLUMN["C_1"]] += s / (1.0 + s * (p.R_1 * p.C_1)) ** 2
    return Y


def current(p: Parameters, state: Mapping[str, FloatArray]) -> FloatArray:
    """(u - v)/R_1, A."""
    return (state["u"] - state["v"]) / p.R_1


def current_slopes(p: Parameters, state: Mapping[str, FloatArray]) -> dict[str, float]:
    """Derivatives of the current by u and the states."""
    return {"u": 1.0 / p.R_1, "v": -1.0 / p.R_1}


def rest(p: Parameters, u: ArrayLike) -> FloatArray:
    """Voltage v = u in a steady state."""
    return np.asarray(u, dtype=np.float64)


def rate(p: Parameters, state: Mapping[str, FloatArray]) -> FloatArray:
    """dv/dt = (u - v)/(R_1 C_1), V/s."""
    return (state["u"] - state["v"]) / (p.R_1 * p.C_1)


def rate_slopes(p: Parameters, state: Mapping[str, FloatArray]) -> dict[str, float]:
    """Derivatives of dv/dt by u and v."""
    return {"u": 1.0 / (p.R_1 * p.C_1), "v": -1.0 / (p.R_1 * p.C_1)}


def in_time(p: Parameters, terms: Terms) -> None:
    """Add u/R_1 to what answers at once, and a lag v that carries -v/R_1."""
    conductance, by = 1.0 / p.R_1, -1.0 / p.R_1**2
    terms.conductance += Number(conductance, {"R_1": by})
    tau = Number(p.R_1 * p.C_1, {"R_1": p.C_1, "C_1": p.R_1})
    terms.add_lag(STATE, AT_VOLTAGE, tau, Number(1.0), Number(-conductance, {"R_1": -by}), Number(0.0))
