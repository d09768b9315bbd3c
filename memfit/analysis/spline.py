"""Cubic splines through many curves at the same abscissae, drawn finer.

Between two neighbours the curve is the cubic with given values and slopes at both ends; the slopes are those
that make the second derivative continuous, the third one too at the second and the last but one abscissa
("not a knot"). C. de Boor, A Practical Guide to Splines, 1978, chapter IV.
"""

from typing import TypeVar

import numpy as np

from memfit.arrays import ComplexArray, FloatArray

Values = TypeVar("Values", FloatArray, ComplexArray)


def finer_spline(x: FloatArray, y: Values, finer: int) -> Values:
    """The spline through every row, at even steps between each two of its points.

    Parameters
    ----------
    x : (n,) array
        Rising; four or more.
    y : (r, n) array
    finer : int
        Steps from one point to the next.

    Returns
    -------
    (r, finer * (n - 1) + 1) array
    """
    width, slopes = np.diff(x), y @ _slopes_of(x).T
    t = np.arange(finer) / finer
    basis = np.stack(
        [(1 + 2 * t) * (1 - t) ** 2, t**2 * (3 - 2 * t), t * (1 - t) ** 2, t**2 * (t - 1)]
    )  # Hermite's: of the values at both ends, then of the slopes
    ends = np.stack([y[:, :-1], y[:, 1:], width * slopes[:, :-1], width * slopes[:, 1:]], axis=-1)
    inside = (ends @ basis).reshape(len(y), -1)
    return np.concatenate([inside, y[:, -1:]], axis=1)


def _slopes_of(x: FloatArray) -> FloatArray:
    """(n, n) matrix that makes the slopes of the spline from its values."""
    n, h = x.size, np.diff(x)
    system, right = np.zeros((n, n)), np.zeros((n, n - 1))
    inner = np.arange(1, n - 1)
    system[inner, inner - 1], system[inner, inner + 1] = h[1:], h[:-1]
    system[inner, inner] = 2.0 * (h[:-1] + h[1:])
    right[inner, inner - 1], right[inner, inner] = 3.0 * h[1:], 3.0 * h[:-1]
    system[0, :2], right[0, :2] = _end(h[0], h[1])
    system[-1, :-3:-1], right[-1, :-3:-1] = _end(h[-1], h[-2])
    chords = (np.eye(n)[1:] - np.eye(n)[:-1]) / h[:, None]
    return np.asarray(np.linalg.solve(system, right @ chords), dtype=np.float64)


def _end(outer: float, next_: float) -> tuple[list[float], list[float]]:
    """The row of an end, from the widths of its interval and of the next one."""
    both = outer + next_
    return [next_, both], [(outer + 2.0 * both) * next_ / both, outer**2 / both]
