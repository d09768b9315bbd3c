"""The memory channel: a current i_c that follows the activation f with a delay.

tau_d di_c/dt = i_c0 f - i_c                               (11)
i_c           = i_c0 f_ss(u) in a steady state             (5)
1/R_a         = i_c0 f_ss (1 - f_ss)/V_m                   (7)
Y             = 1/(R_a (1 + s tau_d)(1 + s tau_f))         (13, 14), tau_f = tau_k f_ss(u)

It is a chemical inductor: L_d = tau_d R_a (8), L_k = tau_f R_a (15).
Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import COLUMN, Parameters
from memfit.model.parts.activation import (
    activation,
    activation_slope,
    activation_time,
    add_shape_derivatives,
    deactivation,
)

PART = "channel"
STATE = "i_c"


def steady_current(p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
    """i_c0 f_ss(u), A, Eq. 5; with a resistance (ohm) the voltage that drops across it, V.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    resistance : float, ohm
        That the current flows through; 1 for the current itself.
    """
    return resistance * p.i_c0 * activation(p, u)


def conductance(p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
    """1/R_a = i_c0 f_ss (1 - f_ss)/V_m, S, Eq. 7; with a resistance (ohm) R/R_a.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    resistance : float, ohm
        That the current flows through; 1 for the current itself.
    """
    return resistance * p.i_c0 * activation_slope(p, u)


def limits(p: Parameters) -> tuple[float, float]:
    """Least and most steady current, A."""
    return 0.0, p.i_c0


def add_current_derivatives(p: Parameters, u: FloatArray, by: FloatArray) -> None:
    """Add to (n, p) the derivatives of the steady current by the parameters at fixed u (n,)."""
    by[:, COLUMN["i_c0"]] += activation(p, u)
    add_shape_derivatives(p, u, conductance(p, u), by)


def admittance(p: Parameters, s: ComplexArray, u: ArrayLike) -> ComplexArray:
    """1/(R_a (1 + s tau_d)(1 + s tau_f)), S, Eqs. 13 and 14.

    Parameters
    ----------
    p : Parameters
    s : array, rad/s
        i omega.
    u : array, V, across the junction
    """
    lag = (1.0 + s * p.tau_d) * (1.0 + s * activation_time(p, u))
    return np.asarray(conductance(p, u) / lag, dtype=np.complex128)


def add_admittance(
    p: Parameters, s: ComplexArray, u: FloatArray, u_by_p: FloatArray, k: np.ndarray, by: ComplexArray
) -> ComplexArray:
    """Y at s (n,) and the bias u[k]; adds to `by` (n, p) its derivatives, those through u (m, p) included."""
    f, slope = activation(p, u), activation_slope(p, u)
    f_by_p = slope[:, None] * u_by_p
    add_shape_derivatives(p, u, slope, f_by_p)
    g = p.i_c0 * slope  # 1/R_a
    g_by_p = (p.i_c0 * (1.0 - 2.0 * f) / p.V_m)[:, None] * f_by_p
    g_by_p[:, COLUMN["i_c0"]] += slope
    g_by_p[:, COLUMN["V_m"]] -= g / p.V_m

    lag_d = 1.0 / (1.0 + s * p.tau_d)
    lag_f = 1.0 / (1.0 + s * (p.tau_k * f)[k])
    Y: ComplexArray = g[k] * lag_d * lag_f
    slowing = Y * lag_f * s  # -dY/dtau_f
    by += (lag_d * lag_f)[:, None] * g_by_p[k]
    by -= (slowing * p.tau_k)[:, None] * f_by_p[k]
    by[:, COLUMN["tau_d"]] -= Y * lag_d * s
    by[:, COLUMN["tau_k"]] -= slowing * f[k]
    return Y


def current(p: Parameters, state: Mapping[str, FloatArray]) -> FloatArray:
    """i_c, A."""
    return state["i_c"]


def current_slopes(p: Parameters, state: Mapping[str, FloatArray]) -> dict[str, float]:
    """Derivatives of the current by u and the states."""
    return {"i_c": 1.0}


def rate(p: Parameters, state: Mapping[str, FloatArray]) -> FloatArray:
    """di_c/dt = (i_c0 f - i_c)/tau_d, A/s, Eq. 11."""
    return (p.i_c0 * state["f"] - state["i_c"]) / p.tau_d


def rate_slopes(p: Parameters, state: Mapping[str, FloatArray]) -> dict[str, float]:
    """Derivatives of di_c/dt by i_c and f."""
    return {"i_c": -1.0 / p.tau_d, "f": p.i_c0 / p.tau_d}


def loop_gain(p: Parameters, u: ArrayLike, resistance: float) -> FloatArray:
    """R/R_a = R i_c0 f (1 - f)/V_m of a junction whose other conductors have the resistance R (ohm).

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    resistance : float, ohm
        Of all other conductors in parallel.
    """
    return resistance * p.i_c0 / p.V_m * activation(p, u) * deactivation(p, u)


def lags(p: Parameters, u: ArrayLike) -> tuple[float, FloatArray]:
    """tau_d and tau_f = tau_k f_ss(u), s: delays of the loop besides the charging of the junction.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    return p.tau_d, activation_time(p, u)
