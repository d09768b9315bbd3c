"""The equations of the model: states u (V), i_c (A), f (0..1).

C_m du/dt     = I - u/R_b - i_c                       (1)
tau_d di_c/dt = i_c0 f - i_c                          (11)
tau_k df/dt   = (1 - f) - exp(-(u - V_T)/V_m) f       (12)
V             = u + R_s I                             (10)
f_ss(u)       = 1/(1 + exp(-(u - V_T)/V_m))           (4)

Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789; equation numbers are theirs.
Current into the device is positive.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from memfit.arrays import FloatArray
from memfit.model.parameters import Parameters


def activation(p: Parameters, u: ArrayLike) -> FloatArray:
    """f_ss(u) = 1/(1 + exp(-(u - V_T)/V_m)), Eq. 4; `u` in V, any shape."""
    result: FloatArray = expit((np.asarray(u, dtype=np.float64) - p.V_T) / p.V_m)
    return result


def activation_slope(p: Parameters, u: ArrayLike) -> FloatArray:
    """df_ss/du = f_ss (1 - f_ss)/V_m, 1/V, without cancellation far above V_T."""
    x = (np.asarray(u, dtype=np.float64) - p.V_T) / p.V_m
    result: FloatArray = expit(x) * expit(-x) / p.V_m
    return result


def steady_current(p: Parameters, u: ArrayLike) -> FloatArray:
    """I(u) = u/R_b + i_c0 f_ss(u), A, Eq. 5."""
    return np.asarray(u, dtype=np.float64) / p.R_b + p.i_c0 * activation(p, u)


def inverse_resistance_a(p: Parameters, u: ArrayLike) -> FloatArray:
    """1/R_a = i_c0 f_ss (1 - f_ss)/V_m, S, Eq. 7."""
    return p.i_c0 * activation_slope(p, u)


def dc_resistance(p: Parameters, u: ArrayLike) -> FloatArray:
    """Differential resistance R_dc = (1/R_b + 1/R_a)^-1, ohm, Eq. 9 (without R_s)."""
    return 1.0 / (1.0 / p.R_b + inverse_resistance_a(p, u))


def activation_time(p: Parameters, u: ArrayLike) -> FloatArray:
    """Relaxation time of f, tau_k f_ss(u), s: what stands as f tau_k in Eqs. 13-15."""
    return p.tau_k * activation(p, u)


def vector_field(p: Parameters, state: ArrayLike, current: ArrayLike) -> FloatArray:
    """Time derivatives of (u, i_c, f) at a terminal current, Eqs. 1, 11, 12.

    Parameters
    ----------
    p : Parameters
        tau_d and tau_k greater than 0.
    state : (3, ...) array
        u (V), i_c (A), f.
    current : array, A

    Returns
    -------
    (3, ...) array
        du/dt (V/s), di_c/dt (A/s), df/dt (1/s).
    """
    u, i_c, f = np.asarray(state, dtype=np.float64)
    with np.errstate(over="ignore"):
        f_dot = ((1.0 - f) - np.exp(np.minimum(-(u - p.V_T) / p.V_m, 600.0)) * f) / p.tau_k
    return np.stack(
        np.broadcast_arrays(
            (np.asarray(current) - u / p.R_b - i_c) / p.C_m, (p.i_c0 * f - i_c) / p.tau_d, f_dot
        )
    )


def jacobian(p: Parameters, state: ArrayLike, resistance: float = np.inf) -> FloatArray:
    """(3, 3) derivative of the vector field by (u, i_c, f).

    Parameters
    ----------
    p : Parameters
        tau_d and tau_k greater than 0.
    state : (3,) array
        u (V), i_c (A), f.
    resistance : float, ohm
        Resistance through which a voltage source drives the device; infinite is current control.
    """
    u, _, f = np.asarray(state, dtype=np.float64)
    decay = np.exp(min(-(u - p.V_T) / p.V_m, 600.0))
    return np.array(
        [
            [-(1.0 / p.R_b + 1.0 / resistance) / p.C_m, -1.0 / p.C_m, 0.0],
            [0.0, -1.0 / p.tau_d, p.i_c0 / p.tau_d],
            [decay * f / (p.V_m * p.tau_k), 0.0, -(1.0 + decay) / p.tau_k],
        ]
    )
