"""How the activation time depends on voltage: tau_f(u) = tau_k f_ss(u)^p_k (1 - f_ss(u))^q_k.

p_k, q_k = 1, 0 is Eq. 12 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789; 0, 0 a constant;
1/2, 1/2 the bell of Hodgkin & Huxley, J. Physiol. 1952, 117, 500; 0, 1 the mirror of the first. It changes
the activation's formulas and has none of its own.
"""

import numpy as np

from memfit.arrays import FloatArray
from memfit.model.parameters import COLUMN, Parameters

PART = "activation_time"


def is_plain(p: Parameters) -> bool:
    """Whether the time is tau_k f_ss(u)."""
    return p.p_k == 1.0 and p.q_k == 0.0


def shape(p: Parameters, f: FloatArray, rest: FloatArray) -> FloatArray:
    """tau_f/tau_k at the activations f and rest = 1 - f.

    Parameters
    ----------
    p : Parameters
    f, rest : array
    """
    return f if is_plain(p) else np.asarray(f**p.p_k * rest**p.q_k, dtype=np.float64)


def shape_slope(p: Parameters, f: FloatArray, rest: FloatArray) -> FloatArray:
    """Derivative of `shape` by z = (u - V_T)/V_m."""
    return shape(p, f, rest) * (p.p_k * rest - p.q_k * f)


def add_shape_powers(p: Parameters, amount: FloatArray, z: FloatArray, by: FloatArray) -> None:
    """Add `amount` (n,) times the derivatives of log(tau_f/tau_k) by p_k and q_k to `by` (n, p).

    Parameters
    ----------
    p : Parameters
    amount : (n,) array
    z : (n,) array
        (u - V_T)/V_m.
    by : (n, p) array
    """
    by[:, COLUMN["p_k"]] -= amount * np.logaddexp(0.0, -z)
    by[:, COLUMN["q_k"]] -= amount * np.logaddexp(0.0, z)
