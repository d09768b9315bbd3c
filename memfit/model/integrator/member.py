"""A device of the family as the general compiled step sees it, and the memory of a run.

The numbers are those of `memfit.model.terms`. Under current control the unknown is x = u, under voltage
control x = I, with u = a(t) + b x as in `memfit.model.integrator.equation`:

    C(u) (a' + b x') + j(u) + sum_l y_l (alpha_l + beta_l u) = I,      I = x or the drive

so that what is measured is integrated itself, and R_s = 0 needs no other code.
"""

import math
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.model.integrator.equation import POINTS, STAGES, compile_part
from memfit.model.terms import ACTIVATION, GROWING, LAG, SINGLE

LARGEST_EXPONENT = 300.0
"""Of u/w: beyond, an exponential would leave the range of numbers."""
CLIP = 36.0
"""Of (u - V_T)/V_m in the activation time: beyond, f or 1 - f is below rounding."""
FREE = 3
"""Initial values of which a record can begin with any: u, and activation and lag 0."""


GROWINGS, ACTIVATIONS, LAGS, COLUMNS = 24, 8, 32, 32
"""At most: a device with a ladder over 14 decades, derivatives by all there is; parts of no amplitude."""
_NUMBERS = SINGLE + GROWING * GROWINGS + ACTIVATION * ACTIVATIONS + LAG * LAGS
_COUNTS = ("currents", "capacitances", "activations", "lags", "at_capacitances", "at_activations", "at_lags")

MEMBER = np.dtype(
    [("voltage", np.bool_), ("b", np.float64), ("columns", np.int64)]
    + [(name, np.int64) for name in _COUNTS]
    + [("numbers", np.float64, (_NUMBERS,)), ("by", np.float64, (_NUMBERS, COLUMNS))]
    + [("signs", np.float64, (ACTIVATIONS,)), ("sources", np.int64, (LAGS,))]
)
"""A device: how many terms it has of each kind, its numbers, where each kind begins among them, and their
derivatives by the parameters (and zeros by 3 initial values, where a record begins with any)."""

_P, _A, _L, _N = POINTS, ACTIVATIONS, LAGS, COLUMNS
WORK = np.dtype(
    [(name, np.float64, (_P,)) for name in ("x", "u", "x_rate", "offset", "residual", "slope", "weights")]
    + [(name, np.float64, (_A, _P)) for name in ("f", "f_rate", "h_residual", "E")]
    + [(name, np.float64, (_L, _P)) for name in ("y", "y_rate", "y_free", "weight")]
    + [(name, np.float64, (_P, _P)) for name in ("K", "A")]
    + [(name, np.float64, (_A, _P, _P)) for name in ("T", "X")]
    + [("Q", np.float64, (_L, _P, _P)), ("powers", np.float64, (1 + _A, _P))]
    + [(name, np.float64, (_P, _N)) for name in ("x_p", "u_p", "right")]
    + [(name, np.float64, (_A, _P, _N)) for name in ("f_p", "f_right")]
    + [(name, np.float64, (_L, _P, _N)) for name in ("y_p", "y_free_p")]
    + [("shares", np.float64, (STAGES,)), ("known", np.float64, (6,))]
)
"""Memory of a run, a record of arrays whose sizes the compiler knows; of points, 0 is the start of the step.

x, u, f, y: values at the points, with their rates. Q: resolvents of the lags; K: current of the lags behind
u, by u. A: balance of currents by x, reduced to its Schur complement, in factors; T: activations by
themselves, in factors; X: how they follow x, with the other sign. slope, E: balance and activations by u;
weight: alpha + beta u. u_p: explicit derivative of u. known: the next step (s), those of the matrices and of
the last polynomials (`powers`), the scales of x and of current, how far the matrices are from the stages.
"""

H, H_MATRICES, H_KNOWN, X_SCALE, C_SCALE, STALE = range(6)
"""Places in `known`."""


def fits(shape: np.ndarray, columns: int) -> bool:
    """Whether there is room for so many terms (`Terms.shape`) and derivatives by so many parameters.

    Parameters
    ----------
    shape : (4,) array of int
    columns : int
    """
    currents, capacitances, activations, lags = (int(n) for n in shape)
    few = currents + capacitances <= GROWINGS and activations <= ACTIVATIONS
    return few and lags <= LAGS and columns + FREE <= COLUMNS


@compile_part
def set_member(
    eq: Any,
    voltage: bool,
    numbers: FloatArray,
    by: FloatArray,
    signs: FloatArray,
    sources: np.ndarray,
    shape: np.ndarray,
) -> None:
    """A device under one kind of control."""
    eq.voltage, eq.b = voltage, -numbers[0] if voltage else 1.0
    eq.columns = by.shape[1]
    eq.currents, eq.capacitances, eq.activations, eq.lags = shape[0], shape[1], shape[2], shape[3]
    eq.at_capacitances = SINGLE + GROWING * shape[0]
    eq.at_activations = eq.at_capacitances + GROWING * shape[1]
    eq.at_lags = eq.at_activations + ACTIVATION * shape[2]
    for k in range(numbers.size):
        eq.numbers[k] = numbers[k]
        for m in range(by.shape[1]):
            eq.by[k, m] = by[k, m]
    for k in range(signs.size):
        eq.signs[k] = signs[k]
    for k in range(sources.size):
        eq.sources[k] = sources[k]


@compile_part
def at_once(eq: Any, u: float) -> tuple[float, float]:
    """j(u) and dj/du."""
    p = eq.numbers
    total, slope = p[1] + p[2] * u, p[2]
    for e in range(eq.currents):
        k = SINGLE + GROWING * e
        part = p[k] * math.exp(min(u / p[k + 1], LARGEST_EXPONENT))
        total += part
        slope += part / p[k + 1]
    return total, slope


@compile_part
def capacitance(eq: Any, u: float) -> tuple[float, float]:
    """C(u) and dC/du."""
    p = eq.numbers
    total, slope = p[3], 0.0
    for e in range(eq.capacitances):
        k = eq.at_capacitances + GROWING * e
        part = p[k] * math.exp(min(u / p[k + 1], LARGEST_EXPONENT))
        total += part
        slope += part / p[k + 1]
    return total, slope


@compile_part
def activation(eq: Any, k: int, u: float) -> tuple[float, float, float, float, float, float]:
    """f_ss, tau, z = (sign u - V_T)/V_m, derivatives of f_ss and tau by z, and whether tau follows z."""
    p, at = eq.numbers, eq.at_activations + ACTIVATION * k
    z = (eq.signs[k] * u - p[at]) / p[at + 1]
    e = math.exp(-abs(z))
    large = 1.0 / (1.0 + e)
    small = e * large
    f, rest = (large, small) if z >= 0.0 else (small, large)
    inside = 1.0 if abs(z) <= CLIP else 0.0
    log_f, log_rest = logarithms(z)
    tau = p[at + 2] * math.exp(p[at + 3] * log_f + p[at + 4] * log_rest)
    tau_z = inside * tau * (p[at + 3] * rest - p[at + 4] * f)
    return f, tau, z, f * rest, tau_z, inside


@compile_part
def logarithms(z: float) -> tuple[float, float]:
    """Log f and log(1 - f) at the clipped z."""
    clipped = min(max(z, -CLIP), CLIP)
    soft = math.log1p(math.exp(-abs(clipped)))
    return min(clipped, 0.0) - soft, -max(clipped, 0.0) - soft


@compile_part
def voltage_at(eq: Any, level: float, x: float) -> float:
    """U = a + b x."""
    return level + eq.b * x if eq.voltage else x
