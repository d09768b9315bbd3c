"""Dispersion of the constant capacitance: a constant phase element in its place.

Y = C_m w_r (s/w_r)^n,  w_r = 2 pi 1 kHz;  this part is what that has more than s C_m

At 1 kHz |Y| is that of C_m whatever n is; n = 1 is the plain capacitance.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import COLUMN, Parameters

PART = "dispersion"
REFERENCE = 2.0 * math.pi * 1e3
"""w_r, rad/s."""


def _ratio(s: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """s/w_r and its logarithm; a steady signal has none."""
    x = np.asarray(s, dtype=np.complex128) / REFERENCE
    return x, np.log(np.where(x == 0.0, 1.0, x))


def admittance(p: Parameters, s: ComplexArray, u: ArrayLike) -> ComplexArray:
    """C_m (w_r (s/w_r)^n - s), S."""
    x, log = _ratio(s)
    power = np.where(x == 0.0, 0.0, np.exp(p.n * log))
    return np.asarray(p.C_m * REFERENCE * (power - x), dtype=np.complex128)


def add_admittance(
    p: Parameters, s: ComplexArray, u: FloatArray, u_by_p: FloatArray, k: np.ndarray, by: ComplexArray
) -> ComplexArray:
    """Y at s (n,); adds to `by` (n, p) its derivatives by the parameters."""
    _, log = _ratio(s)
    Y = admittance(p, s, u)
    by[:, COLUMN["C_m"]] += Y / p.C_m
    by[:, COLUMN["n"]] += (Y + p.C_m * s) * log
    return Y
