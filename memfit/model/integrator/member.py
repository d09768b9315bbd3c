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


BLOCK, BLOCKS = 8, 4
"""Derivatives come in blocks of columns, of a length that the compiler knows; so many blocks at most."""
GROWINGS, ACTIVATIONS, LAGS, COLUMNS = 24, 8, 32, BLOCK * BLOCKS
"""At most: a device with a ladder over 14 decades, derivatives by all there is; parts of no amplitude."""
_NUMBERS = SINGLE + GROWING * GROWINGS + ACTIVATION * ACTIVATIONS + LAG * LAGS
_COUNTS = ("currents", "capacitances", "activations", "lags", "at_capacitances", "at_activations", "at_lags")

MEMBER = np.dtype(
    [("voltage", np.bool_), ("b", np.float64), ("columns", np.int64), ("blocks", np.int64)]
    + [("plain", np.bool_)]
    + [(name, np.int64) for name in _COUNTS]
    + [("numbers", np.float64, (_NUMBERS,)), ("by", np.float64, (BLOCKS, _NUMBERS, BLOCK))]
    + [("signs", np.float64, (ACTIVATIONS,)), ("sources", np.int64, (LAGS,))]
)
"""A device: how many terms it has of each kind, its numbers, where each kind begins among them, and their
derivatives by the parameters (and zeros by 3 initial values, where a record begins with any), in blocks. It
is plain where every activation time is tau_k f and stays so."""

_P, _A, _L, _B, _N = POINTS, ACTIVATIONS, LAGS, BLOCKS, BLOCK
WORK = np.dtype(
    [(name, np.float64, (_P,)) for name in ("x", "u", "x_rate", "u_rate", "offset", "residual", "slope")]
    + [(name, np.float64, (_P,)) for name in ("C", "weights")]
    + [("growth", np.float64, (GROWINGS, _P))]
    + [(name, np.float64, (_A, _P)) for name in ("z", "shape", "log_f", "log_rest")]
    + [(name, np.float64, (_A, _P)) for name in ("f", "f_rate", "h_residual", "E")]
    + [(name, np.float64, (_L, _P)) for name in ("y", "y_rate", "y_free", "weight")]
    + [(name, np.float64, (_P, _P)) for name in ("K", "A")]
    + [(name, np.float64, (_A, _P, _P)) for name in ("T", "X")]
    + [("Q", np.float64, (_L, _P, _P)), ("powers", np.float64, (1 + _A, _P))]
    + [("x_p", np.float64, (_B, _P, _N)), ("f_p", np.float64, (_A, _B, _P, _N))]
    + [("y_p", np.float64, (_L, _B, _P, _N))]
    + [(name, np.float64, (_P, _N)) for name in ("u_p", "right", "product")]
    + [("f_right", np.float64, (_A, _P, _N)), ("y_free_p", np.float64, (_L, _P, _N))]
    + [("shares", np.float64, (STAGES,)), ("known", np.float64, (6,))]
)
"""Memory of a run, a record of arrays whose sizes the compiler knows; of points, 0 is the start of the step.

x, u, f, y: values at the points, with their rates. Q: resolvents of the lags; K: current of the lags behind
u, by u. A: balance of currents by x, reduced to its Schur complement, in factors; T: activations by
themselves, in factors; X: how they follow x, with the other sign. slope, E: balance and activations by u;
weight: alpha + beta u. u_p: explicit derivative of u; C, growth, z, shape, log_f, log_rest: what derivatives
need of each stage. known: the next step (s), those of the matrices and of the last polynomials (`powers`),
the scales of x and of current, how far the matrices are from the stages.
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
    eq.blocks = (by.shape[1] + BLOCK - 1) // BLOCK
    eq.currents, eq.capacitances, eq.activations, eq.lags = shape[0], shape[1], shape[2], shape[3]
    eq.at_capacitances = SINGLE + GROWING * shape[0]
    eq.at_activations = eq.at_capacitances + GROWING * shape[1]
    eq.at_lags = eq.at_activations + ACTIVATION * shape[2]
    for k in range(numbers.size):
        eq.numbers[k] = numbers[k]
        for m in range(by.shape[1]):
            eq.by[m // BLOCK, k, m % BLOCK] = by[k, m]
    eq.plain = True
    for k in range(signs.size):
        eq.signs[k] = signs[k]
        p, q = eq.at_activations + ACTIVATION * k + 3, eq.at_activations + ACTIVATION * k + 4
        eq.plain = eq.plain and numbers[p] == 1.0 and numbers[q] == 0.0
        for m in range(by.shape[1]):
            eq.plain = eq.plain and by[p, m] == 0.0 and by[q, m] == 0.0
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
def activation(eq: Any, k: int, u: float) -> tuple[float, float, float, float, float, float, float]:
    """f_ss, tau/tau_k, z = (sign u - V_T)/V_m, derivatives of the first two by z, log f and log(1 - f).

    The logarithms are those at the clipped z, and 0 where nothing depends on them.
    """
    p, at = eq.numbers, eq.at_activations + ACTIVATION * k
    z = (eq.signs[k] * u - p[at]) / p[at + 1]
    e = math.exp(-abs(z))
    large = 1.0 / (1.0 + e)
    small = e * large
    f, rest = (large, small) if z >= 0.0 else (small, large)
    if eq.plain:
        return f, f, z, f * rest, f * rest, 0.0, 0.0
    inside = 1.0 if abs(z) <= CLIP else 0.0
    soft = math.log1p(e if abs(z) <= CLIP else math.exp(-CLIP))
    log_f, log_rest = min(max(z, -CLIP), 0.0) - soft, -max(min(z, CLIP), 0.0) - soft
    shape = math.exp(p[at + 3] * log_f + p[at + 4] * log_rest)
    return f, shape, z, f * rest, inside * shape * (p[at + 3] * rest - p[at + 4] * f), log_f, log_rest


@compile_part
def voltage_at(eq: Any, level: float, x: float) -> float:
    """U = a + b x."""
    return level + eq.b * x if eq.voltage else x


@compile_part
def product(matrix: FloatArray, rows: FloatArray, out: FloatArray) -> None:
    """The stages of a matrix times those of a block of columns.

    The columns are named one by one: so the compiler keeps them in registers, which takes half the time.
    """
    for i in range(1, POINTS):
        a, b, c, d, e, f, g, h = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(1, POINTS):
            s = matrix[i, j]
            a += s * rows[j, 0]
            b += s * rows[j, 1]
            c += s * rows[j, 2]
            d += s * rows[j, 3]
            e += s * rows[j, 4]
            f += s * rows[j, 5]
            g += s * rows[j, 6]
            h += s * rows[j, 7]
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = a, b, c, d
        out[i, 4], out[i, 5], out[i, 6], out[i, 7] = e, f, g, h


@compile_part
def solve_block(M: FloatArray, r: FloatArray) -> None:
    """Solve in place for the columns of a block, with the factors of M."""
    for k in range(2, 2 * POINTS - 1):  # forward over the stages 2 to the last, then back
        i = k if k < POINTS else 2 * POINTS - 1 - k
        first, end = (1, i) if k < POINTS else (i + 1, POINTS)
        a, b, c, d = r[i, 0], r[i, 1], r[i, 2], r[i, 3]
        e, f, g, h = r[i, 4], r[i, 5], r[i, 6], r[i, 7]
        for j in range(first, end):
            s = M[i, j]
            a -= s * r[j, 0]
            b -= s * r[j, 1]
            c -= s * r[j, 2]
            d -= s * r[j, 3]
            e -= s * r[j, 4]
            f -= s * r[j, 5]
            g -= s * r[j, 6]
            h -= s * r[j, 7]
        s = 1.0 if k < POINTS else M[i, i]
        r[i, 0], r[i, 1], r[i, 2], r[i, 3] = s * a, s * b, s * c, s * d
        r[i, 4], r[i, 5], r[i, 6], r[i, 7] = s * e, s * f, s * g, s * h
