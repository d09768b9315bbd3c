"""The ohmic leak: an resistance across the junction.

i = u/R_b,  Y = 1/R_b        (Eqs. 1 and 6 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789)
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import COLUMN, Parameters
from memfit.model.terms import Number, Terms

PART = "resistance"


def resistance(p: Parameters) -> float:
    """R_b, ohm."""
    return p.R_b


def steady_current(p: Parameters, u: ArrayLike) -> FloatArray:
    """u/R_b, A."""
    return np.asarray(u, dtype=np.float64) / p.R_b


def conductance(p: Parameters, u: ArrayLike) -> float:
    """1/R_b, S."""
    return 1.0 / p.R_b


def add_current_derivatives(p: Parameters, u: FloatArray, by: FloatArray) -> None:
    """Add to (n, p) the derivatives of the steady current by the parameters at fixed u (n,)."""
    by[:, COLUMN["R_b"]] -= u / p.R_b**2


def admittance(p: Parameters, s: ComplexArray, u: ArrayLike) -> float:
    """1/R_b, S."""
    return 1.0 / p.R_b


def add_admittance(
    p: Parameters, s: ComplexArray, u: FloatArray, u_by_p: FloatArray, k: np.ndarray, by: ComplexArray
) -> float:
    """Y; adds to `by` (n, p) its derivatives by the parameters."""
    by[:, COLUMN["R_b"]] -= 1.0 / p.R_b**2
    return 1.0 / p.R_b


def current(p: Parameters, state: Mapping[str, FloatArray]) -> FloatArray:
    """u/R_b, A, Eq. 1."""
    return state["u"] / p.R_b


def current_slopes(p: Parameters, state: Mapping[str, FloatArray]) -> dict[str, float]:
    """Derivatives of the current by u and the states."""
    return {"u": 1.0 / p.R_b}


def in_time(p: Parameters, terms: Terms) -> None:
    """Add u/R_b to what answers at once."""
    terms.conductance += Number(1.0 / p.R_b, {"R_b": -1.0 / p.R_b**2})
