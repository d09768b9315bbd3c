"""The model as the compiled integrator sees it, and the memory of a run.

Unknowns. Under current control x = u, the junction voltage; under voltage control x = I, the terminal current
that is measured. Both obey one linear equation, with u in the same breath:

    eps x' = s(t) - kappa x + sigma i_c,     u = a(t) + b x

    current:  eps = C_m,      s = I(t),                    kappa = 1/R_b,        sigma = -1,  a = 0,     b = 1
    voltage:  eps = R_s C_m,  s = C_m V'(t) + V(t)/R_b,    kappa = 1 + R_s/R_b,  sigma = +1,  a = V(t),  b =
    -R_s

so R_s = 0 (eps = 0) needs no other code, and what is measured is integrated itself, not a small difference.
"""

import math
from typing import Any, NamedTuple

import numba
import numpy as np

from memfit.arrays import FloatArray
from memfit.model.integrator.radau import radau_iia

STAGES = 7
"""Order 13 at the ends of steps; 7 stages were the fastest of 5, 7 and 9 at tolerances of 1e-6 to 1e-10."""
POINTS = STAGES + 1
BLOCK = 8
"""Derivatives are carried in blocks of 8 columns: by R_b .. R_s, and by the initial u, i_c, f (5 unused)."""
TABLEAU = radau_iia(STAGES)

_MATRICES = ("P", "Q", "G", "M")
_VALUES = ("x", "c", "f", "u", "x_free", "c_free", "drift", "offset", "f_ss", "slope", "f_rate", "delta")
_MORE_VALUES = ("x_rate", "c_rate", "f_powers", "weights")
_TANGENTS = ("x_p", "c_p", "f_p")
_SCALARS = ("h", "h_matrices", "h_known", "stale")

WORK = np.dtype(
    [(name, np.float64, (POINTS, POINTS)) for name in _MATRICES]
    + [(name, np.float64, (POINTS,)) for name in _VALUES + _MORE_VALUES]
    + [(name, np.float64, (2, POINTS, BLOCK)) for name in _TANGENTS]
    + [("right", np.float64, (POINTS, BLOCK)), ("shares", np.float64, (3, STAGES))]
    + [(name, np.float64) for name in _SCALARS]
)
"""Memory of one run: a record of arrays whose sizes the compiler knows, 7 kB.

x, c, f: values at the points of the step. P, Q, G, M: matrices [i, j], of point j on point i. h: next step,
s; h_matrices, h_known: those of P, Q, G and of the last polynomial of f (`f_powers`); stale: how far M is
from the accepted stages.
"""


def compile_part(function: Any) -> Any:
    """Compile as part of the entry in `memfit.model.integrator.entry`, which alone is kept on disk.

    Division is NumPy's (no exception), multiplication and addition may fuse; NaN and infinity keep their
    meaning.
    """
    return numba.njit(nogil=True, error_model="numpy", fastmath={"contract"})(function)


def inline_part(function: Any) -> Any:
    """Compile into the body of its one caller, so that the whole is not optimised again at every level."""
    return numba.njit(nogil=True, error_model="numpy", fastmath={"contract"}, inline="always")(function)


class Equation(NamedTuple):
    """Coefficients of the model as the step needs them."""

    voltage: bool
    R_b: float
    C_m: float
    i_c0: float
    V_T: float
    V_m: float
    tau_d: float
    tau_k: float
    R_s: float
    eps: float
    kappa: float
    sigma: float
    b: float


@compile_part
def equation(p: FloatArray, voltage: bool) -> Equation:
    """Coefficients for one control mode; p is R_b .. R_s."""
    if voltage:
        eps, kappa, sigma, b = p[7] * p[1], 1.0 + p[7] / p[0], 1.0, -p[7]
    else:
        eps, kappa, sigma, b = p[1], 1.0 / p[0], -1.0, 1.0
    return Equation(voltage, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], eps, kappa, sigma, b)


@compile_part
def activation(eq: Equation, u: float) -> tuple[float, float]:
    """f_ss(u) and df_ss/du without overflow or cancellation."""
    z = (u - eq.V_T) / eq.V_m
    e = math.exp(-abs(z))
    large = 1.0 / (1.0 + e)
    small = e * large
    return (large if z >= 0 else small), large * small / eq.V_m


@compile_part
def source(eq: Equation, level: float, slope: float) -> float:
    """The source s of the equation of x, at a drive `level` (A or V) that rises with `slope`."""
    return eq.C_m * slope + level / eq.R_b if eq.voltage else level
