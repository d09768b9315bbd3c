"""The activation f of the memory channel: which share of it is open at a voltage, and how fast it follows.

f_ss(u)   = 1/(1 + exp(-(u - V_T)/V_m))                    (4)
tau_k f'  = (1 - f) - exp(-(u - V_T)/V_m) f                (12), which is (f_ss(u) - f)/f_ss(u)

About a steady state f follows within tau_f = tau_k f_ss(u) (f tau_k in Eqs. 13-15), or by another law of
`activation_time`, tau_f f' = f_ss(u) - f. It carries no current.
Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import FloatArray
from memfit.model.parameters import COLUMN, Parameters
from memfit.model.parts.activation_time import is_plain, shape, shape_slope

PART = "activation"
STATE = "f"

_LARGEST_EXPONENT = 600.0  # of a rate: its square root is still a number
_CLIP = 36.0  # of (u - V_T)/V_m in a law of the activation time: beyond, f or 1 - f is below rounding


def _logistic(x: FloatArray) -> FloatArray:
    """1/(1 + exp(-x)) without overflow."""
    from scipy.special import expit  # noqa: PLC0415 - a third of a second that reading a result need not wait

    result: FloatArray = expit(x)
    return result


def activation(p: Parameters, u: ArrayLike) -> FloatArray:
    """f_ss(u) = 1/(1 + exp(-(u - V_T)/V_m)), Eq. 4.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    return _logistic((np.asarray(u, dtype=np.float64) - p.V_T) / p.V_m)


def deactivation(p: Parameters, u: ArrayLike) -> FloatArray:
    """1 - f_ss(u), without cancellation far above V_T.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    return _logistic(-(np.asarray(u, dtype=np.float64) - p.V_T) / p.V_m)


def activation_slope(p: Parameters, u: ArrayLike) -> FloatArray:
    """df_ss/du = f_ss (1 - f_ss)/V_m, 1/V, without cancellation far above V_T.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    x = (np.asarray(u, dtype=np.float64) - p.V_T) / p.V_m
    return _logistic(x) * _logistic(-x) / p.V_m


def activation_time(p: Parameters, u: ArrayLike) -> FloatArray:
    """Relaxation time tau_f of f, s: tau_k f_ss(u), f tau_k in Eqs. 13-15, where no other law is given.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    if is_plain(p):
        return p.tau_k * activation(p, u)
    return p.tau_k * shape(p, activation(p, u), deactivation(p, u))


def rest(p: Parameters, u: ArrayLike) -> FloatArray:
    """Activation f in a steady state."""
    return activation(p, u)


def add_shape_derivatives(p: Parameters, u: FloatArray, slope: FloatArray, by: FloatArray) -> None:
    """Add the derivatives, at fixed u, of what depends on u by (u - V_T)/V_m only.

    Parameters
    ----------
    p : Parameters
    u : (n,) array, V
    slope : (n,) array
        Its derivative by u.
    by : (n, p) array
        Derivatives by the parameters, in the order of `NAMES`.
    """
    by[:, COLUMN["V_T"]] -= slope
    by[:, COLUMN["V_m"]] -= slope * (u - p.V_T) / p.V_m


def rate(p: Parameters, state: Mapping[str, FloatArray]) -> FloatArray:
    """df/dt = (f_ss(u) - f)/tau_f(u), 1/s, for tau_f = tau_k f_ss as in Eq. 12."""
    u, f = state["u"], state["f"]
    if not is_plain(p):
        inside = _clipped(p, u)
        return (activation(p, inside) - f) / activation_time(p, inside)
    with np.errstate(over="ignore"):
        return ((1.0 - f) - np.exp(np.minimum(-(u - p.V_T) / p.V_m, _LARGEST_EXPONENT)) * f) / p.tau_k


def rate_slopes(p: Parameters, state: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Derivatives of df/dt by u and f."""
    u, f = state["u"], state["f"]
    if not is_plain(p):
        inside = _clipped(p, u)
        f_ss, tau = activation(p, inside), activation_time(p, inside)
        log_slope = shape_slope(p, f_ss, deactivation(p, inside)) * p.tau_k / (tau * p.V_m)
        by_u = (activation_slope(p, inside) - (f_ss - f) * log_slope) / tau
        return {"u": np.where(inside == u, by_u, 0.0), "f": -1.0 / tau}
    decay = np.exp(np.minimum(-(u - p.V_T) / p.V_m, _LARGEST_EXPONENT))
    return {"u": decay * f / (p.V_m * p.tau_k), "f": -(1.0 + decay) / p.tau_k}


def _clipped(p: Parameters, u: FloatArray) -> FloatArray:
    """Voltage u no further from V_T than the law of the activation time is followed."""
    return np.clip(u, p.V_T - _CLIP * p.V_m, p.V_T + _CLIP * p.V_m)
