"""The capacitance of the junction, which the terminal current charges.

i = C_m du/dt,  Y = s C_m    (Eqs. 1 and 6 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789)
"""

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import COLUMN, Parameters
from memfit.model.terms import Number, Terms

PART = "membrane"


def capacitance(p: Parameters, u: ArrayLike) -> float:
    """C_m, F."""
    return p.C_m


def admittance(p: Parameters, s: ComplexArray, u: ArrayLike) -> ComplexArray:
    """Y = s C_m, S."""
    return p.C_m * s


def add_admittance(
    p: Parameters, s: ComplexArray, u: FloatArray, u_by_p: FloatArray, k: np.ndarray, by: ComplexArray
) -> ComplexArray:
    """Y at s (n,); adds to `by` (n, p) its derivatives by the parameters."""
    by[:, COLUMN["C_m"]] += s
    return s * p.C_m


def in_time(p: Parameters, terms: Terms) -> None:
    """Add C_m."""
    terms.capacitance += Number(p.C_m, {"C_m": 1.0})
