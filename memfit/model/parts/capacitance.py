"""A capacitance that grows with voltage, beside the constant one.

C(u) = C_0 exp(u/V_c), which is dQ/du of the charge C_0 V_c (exp(u/V_c) - 1);  Y = s C(u)

The diffusion (chemical) capacitance of illuminated perovskite cells.
"""

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import COLUMN, Parameters
from memfit.model.terms import Number, Terms

PART = "capacitance"
_LARGEST = 600.0  # of u/V_c


def capacitance(p: Parameters, u: ArrayLike) -> FloatArray:
    """C_0 exp(u/V_c), F."""
    x = np.clip(np.asarray(u, dtype=np.float64) / p.V_c, -_LARGEST, _LARGEST)
    return np.asarray(p.C_0 * np.exp(x), dtype=np.float64)


def admittance(p: Parameters, s: ComplexArray, u: ArrayLike) -> ComplexArray:
    """Y = s C_0 exp(u/V_c), S."""
    return np.asarray(s * capacitance(p, u), dtype=np.complex128)


def add_admittance(
    p: Parameters, s: ComplexArray, u: FloatArray, u_by_p: FloatArray, k: np.ndarray, by: ComplexArray
) -> ComplexArray:
    """Y at s (n,) about u[k]; adds to `by` (n, p) its derivatives, those through u (m, p) included."""
    C = capacitance(p, u)
    C_by_p = (C / p.V_c)[:, None] * u_by_p
    C_by_p[:, COLUMN["C_0"]] += np.exp(np.clip(u / p.V_c, -_LARGEST, _LARGEST))
    C_by_p[:, COLUMN["V_c"]] -= C * u / p.V_c**2
    by += s[:, None] * C_by_p[k]
    Y: ComplexArray = s * C[k]
    return Y


def in_time(p: Parameters, terms: Terms) -> None:
    """Add C_0 exp(u/V_c)."""
    terms.growing_capacitances.append((Number(p.C_0, {"C_0": 1.0}), Number(p.V_c, {"V_c": 1.0})))
