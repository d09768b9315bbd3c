"""The kind of the channel: how its current grows with voltage besides the activation.

w(u) = 1 - kappa + kappa u/V_T,  i_p = i_c w(u)

kappa = 0 is a current source (Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789), kappa = 1 a
conductance i_c0/V_T that the activation opens, as in Bisquert's later conductance models and as pinched loops
show. It changes the channel's formulas and has none of its own.
"""

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import FloatArray
from memfit.model.parameters import COLUMN, Parameters

PART = "conductance"


def factor(p: Parameters, u: ArrayLike) -> FloatArray | float:
    """w(u), exactly 1 for kappa = 0.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    return 1.0 if p.kappa == 0.0 else 1.0 + p.kappa * (np.asarray(u, dtype=np.float64) / p.V_T - 1.0)


def factor_slope(p: Parameters) -> float:
    """dw/du = kappa/V_T, 1/V."""
    return 0.0 if p.kappa == 0.0 else p.kappa / p.V_T


def add_factor_derivatives(p: Parameters, u: FloatArray, amount: FloatArray, by: FloatArray) -> None:
    """Add `amount` (n,) times the derivatives of w at fixed u (n,) by the parameters to `by` (n, p)."""
    if p.kappa > 0.0:
        by[:, COLUMN["kappa"]] += amount * (u / p.V_T - 1.0)
        by[:, COLUMN["V_T"]] -= amount * p.kappa * u / p.V_T**2
