"""A leak that grows with voltage, beside the ohmic one.

i = I_l sinh(u/V_l),  Y = (I_l/V_l) cosh(u/V_l)

The law of hopping and of thermally activated transport in a field, met in loops of oxide and polymer
memristors.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import COLUMN, Parameters
from memfit.model.terms import Number, Terms

PART = "leak"
LARGEST = 600.0
"""Of u/V_l: beyond, the current would leave the range of numbers."""


def _reduced(p: Parameters, u: ArrayLike) -> FloatArray:
    """u/V_l, within what an exponential bears."""
    return np.clip(np.asarray(u, dtype=np.float64) / p.V_l, -LARGEST, LARGEST)


def steady_current(p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
    """I_l sinh(u/V_l), A; with a resistance (ohm) the voltage that drops across it, V."""
    return np.asarray(resistance * p.I_l * np.sinh(_reduced(p, u)), dtype=np.float64)


def conductance(p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
    """(I_l/V_l) cosh(u/V_l), S; times the resistance (ohm)."""
    return np.asarray(resistance * p.I_l / p.V_l * np.cosh(_reduced(p, u)), dtype=np.float64)


def limits(p: Parameters) -> tuple[float, float]:
    """Least current where u >= 0, most where u <= 0, A."""
    return 0.0, 0.0


def is_bounded(p: Parameters) -> bool:
    """It rises without limit."""
    return False


def least_conductance(p: Parameters) -> float:
    """It does not fall."""
    return 0.0


def add_current_derivatives(p: Parameters, u: FloatArray, by: FloatArray) -> None:
    """Add to (n, p) the derivatives of the steady current by the parameters at fixed u (n,)."""
    by[:, COLUMN["I_l"]] += np.sinh(_reduced(p, u))
    by[:, COLUMN["V_l"]] -= conductance(p, u) * u / p.V_l


def admittance(p: Parameters, s: ComplexArray, u: ArrayLike) -> ComplexArray:
    """(I_l/V_l) cosh(u/V_l), S."""
    return np.asarray(conductance(p, u), dtype=np.complex128)


def add_admittance(
    p: Parameters, s: ComplexArray, u: FloatArray, u_by_p: FloatArray, k: np.ndarray, by: ComplexArray
) -> ComplexArray:
    """Y at s (n,) about u[k]; adds to `by` (n, p) its derivatives, those through u (m, p) included."""
    x = _reduced(p, u)
    g, slope = conductance(p, u), p.I_l / p.V_l**2 * np.sinh(x)
    g_by_p = slope[:, None] * u_by_p
    g_by_p[:, COLUMN["I_l"]] += np.cosh(x) / p.V_l
    g_by_p[:, COLUMN["V_l"]] -= (g + slope * u) / p.V_l
    by += g_by_p[k]
    Y: ComplexArray = g[k].astype(np.complex128)
    return Y


def current(p: Parameters, state: Mapping[str, FloatArray]) -> FloatArray:
    """I_l sinh(u/V_l), A."""
    return steady_current(p, state["u"])


def current_slopes(p: Parameters, state: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Derivatives of the current by u and the states."""
    return {"u": conductance(p, state["u"])}


def in_time(p: Parameters, terms: Terms) -> None:
    """Add I_l sinh(u/V_l), as two exponentials."""
    for sign in (1.0, -1.0):
        half, width = Number(0.5 * sign * p.I_l, {"I_l": 0.5 * sign}), Number(sign * p.V_l, {"V_l": sign})
        terms.growing_currents.append((half, width))
