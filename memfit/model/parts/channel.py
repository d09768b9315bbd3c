"""The memory channel: a current i_c that follows the activation f with a delay.

i_p           = i_c w(u),  w = 1 - kappa + kappa u/V_T     (kappa = 0: i_c itself)
tau_d di_c/dt = i_c0 f - i_c                               (11)
i_c           = i_c0 f_ss(u) in a steady state             (5)
1/R_a         = i_c0 f_ss (1 - f_ss) w/V_m                 (7)
Y = kappa i_c/V_T + 1/(R_a (1 + s tau_d)(1 + s tau_f))     (13, 14), tau_f = tau_k f_ss(u)

w and other laws of tau_f are in the files `conductance` and `activation_time`. It is a chemical inductor:
L_d = tau_d R_a (8), L_k = tau_f R_a (15).
Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import COLUMN, Parameters
from memfit.model.parts.activation import STATE as ACTIVATION
from memfit.model.parts.activation import (
    activation,
    activation_slope,
    activation_time,
    add_shape_derivatives,
    deactivation,
)
from memfit.model.parts.activation_time import add_shape_powers, is_plain, shape, shape_slope
from memfit.model.parts.conductance import add_factor_derivatives, factor, factor_slope
from memfit.model.terms import Number, Terms

PART = "channel"
STATE = "i_c"


def steady_current(p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
    """i_c0 f_ss(u) w(u), A, Eq. 5; with a resistance (ohm) the voltage that drops across it, V.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    resistance : float, ohm
        That the current flows through; 1 for the current itself.
    """
    current: FloatArray = resistance * p.i_c0 * activation(p, u)
    return current if p.kappa == 0.0 else current * factor(p, u)


def conductance(p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
    """1/R_a + kappa i_c/V_T = d(i_c0 f_ss w)/du, S, Eq. 7; with a resistance (ohm) R times that.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    resistance : float, ohm
        That the current flows through; 1 for the current itself.
    """
    late: FloatArray = resistance * p.i_c0 * activation_slope(p, u)
    if p.kappa == 0.0:
        return late
    return late * factor(p, u) + resistance * p.i_c0 * activation(p, u) * factor_slope(p)


def limits(p: Parameters) -> tuple[float, float]:
    """Least and most steady current, A; with kappa > 0 least where u >= 0, most where u <= 0."""
    return 0.0, p.i_c0


def is_bounded(p: Parameters) -> bool:
    """Between its limits, but with kappa > 0 it grows with u."""
    return p.kappa == 0.0


def least_conductance(p: Parameters) -> float:
    """No conductance, S, is below it: that where w < 0, and f' < exp((u - V_T)/V_m)/V_m."""
    if p.kappa == 0.0:
        return 0.0
    return -p.i_c0 * p.kappa / p.V_T * math.exp(-1.0 - p.V_T / p.V_m) if p.V_T > 0.0 else -math.inf


def add_current_derivatives(p: Parameters, u: FloatArray, by: FloatArray) -> None:
    """Add to (n, p) the derivatives of the steady current by the parameters at fixed u (n,)."""
    f = activation(p, u)
    if p.kappa == 0.0:
        by[:, COLUMN["i_c0"]] += f
        add_shape_derivatives(p, u, conductance(p, u), by)
        return
    w = factor(p, u)
    by[:, COLUMN["i_c0"]] += f * w
    add_shape_derivatives(p, u, p.i_c0 * activation_slope(p, u) * w, by)
    add_factor_derivatives(p, u, p.i_c0 * f, by)


def loop_admittance(p: Parameters, s: ComplexArray, u: ArrayLike) -> ComplexArray:
    """1/(R_a (1 + s tau_d)(1 + s tau_f)), S, Eqs. 13 and 14: what answers late.

    Parameters
    ----------
    p : Parameters
    s : array, rad/s
        i omega.
    u : array, V, across the junction
    """
    lag = (1.0 + s * p.tau_d) * (1.0 + s * activation_time(p, u))
    return np.asarray(p.i_c0 * activation_slope(p, u) * factor(p, u) / lag, dtype=np.complex128)


def admittance(p: Parameters, s: ComplexArray, u: ArrayLike) -> ComplexArray:
    """What answers late, and kappa i_c/V_T, S.

    Parameters
    ----------
    p : Parameters
    s : array, rad/s
        i omega.
    u : array, V, across the junction
    """
    late = loop_admittance(p, s, u)
    return late if p.kappa == 0.0 else late + p.i_c0 * activation(p, u) * factor_slope(p)


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
    at_once: FloatArray | float = 0.0
    if p.kappa > 0.0:
        g, g_by_p = _with_factor(p, u, u_by_p, g, g_by_p)
        at_once = p.i_c0 * f * factor_slope(p)
        _add_at_once(p, f, f_by_p, k, by)
        at_once = at_once[k]
    kinetic, kinetic_by_p = _shape_with_derivatives(p, u, u_by_p, f, f_by_p)

    lag_d = 1.0 / (1.0 + s * p.tau_d)
    lag_f = 1.0 / (1.0 + s * (p.tau_k * kinetic)[k])
    Y: ComplexArray = g[k] * lag_d * lag_f
    slowing = Y * lag_f * s  # -dY/dtau_f
    by += (lag_d * lag_f)[:, None] * g_by_p[k]
    by -= (slowing * p.tau_k)[:, None] * kinetic_by_p[k]
    by[:, COLUMN["tau_d"]] -= Y * lag_d * s
    by[:, COLUMN["tau_k"]] -= slowing * kinetic[k]
    return Y if p.kappa == 0.0 else Y + at_once


def _with_factor(
    p: Parameters, u: FloatArray, u_by_p: FloatArray, g: FloatArray, g_by_p: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Conductance g w and its derivatives."""
    w = np.asarray(factor(p, u))
    by = w[:, None] * g_by_p + (g * factor_slope(p))[:, None] * u_by_p
    add_factor_derivatives(p, u, g, by)
    return g * w, by


def _add_at_once(p: Parameters, f: FloatArray, f_by_p: FloatArray, k: np.ndarray, by: ComplexArray) -> None:
    """Add the derivatives of kappa i_c0 f/V_T."""
    own = p.i_c0 * factor_slope(p) * f_by_p
    own[:, COLUMN["i_c0"]] += f * factor_slope(p)
    own[:, COLUMN["kappa"]] += p.i_c0 * f / p.V_T
    own[:, COLUMN["V_T"]] -= p.i_c0 * f * factor_slope(p) / p.V_T
    by += own[k]


def _shape_with_derivatives(
    p: Parameters, u: FloatArray, u_by_p: FloatArray, f: FloatArray, f_by_p: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """tau_f/tau_k and its derivatives, those through u included."""
    if is_plain(p):
        return f, f_by_p
    rest, z = deactivation(p, u), (u - p.V_T) / p.V_m
    value, slope = shape(p, f, rest), shape_slope(p, f, rest) / p.V_m
    by = slope[:, None] * u_by_p
    add_shape_derivatives(p, u, slope, by)
    add_shape_powers(p, value, z, by)
    return value, by


def current(p: Parameters, state: Mapping[str, FloatArray]) -> FloatArray:
    """i_c w(u), A."""
    return state["i_c"] if p.kappa == 0.0 else state["i_c"] * factor(p, state["u"])


def current_slopes(p: Parameters, state: Mapping[str, FloatArray]) -> dict[str, FloatArray | float]:
    """Derivatives of the current by u and the states."""
    if p.kappa == 0.0:
        return {"i_c": 1.0}
    return {"i_c": factor(p, state["u"]), "u": state["i_c"] * factor_slope(p)}


def rest(p: Parameters, u: ArrayLike) -> FloatArray:
    """i_c in a steady state, A."""
    return p.i_c0 * activation(p, u)


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
    gain: FloatArray = resistance * p.i_c0 / p.V_m * activation(p, u) * deactivation(p, u)
    return gain if p.kappa == 0.0 else gain * factor(p, u)


def lags(p: Parameters, u: ArrayLike) -> tuple[float, FloatArray]:
    """tau_d and tau_f = tau_k f_ss(u), s: delays of the loop besides the charging of the junction.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    return p.tau_d, activation_time(p, u)


def in_time(p: Parameters, terms: Terms) -> None:
    """Add an activation, and a lag i_c behind it that carries i_c w(u)."""
    k = terms.add_activation(
        ACTIVATION,
        1.0,
        Number(p.V_T, {"V_T": 1.0}),
        Number(p.V_m, {"V_m": 1.0}),
        Number(p.tau_k, {"tau_k": 1.0}),
        Number(p.p_k, {"p_k": 1.0}),
        Number(p.q_k, {"q_k": 1.0}),
    )
    slope = factor_slope(p)
    by_threshold = -slope / p.V_T if p.kappa > 0.0 else 0.0
    terms.add_lag(
        STATE,
        k,
        Number(p.tau_d, {"tau_d": 1.0}),
        Number(p.i_c0, {"i_c0": 1.0}),
        Number(1.0 - p.kappa, {"kappa": -1.0}),
        Number(slope, {"kappa": 1.0 / p.V_T if p.V_T != 0.0 else 0.0, "V_T": by_threshold}),
    )
