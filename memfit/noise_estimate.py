"""How rough a curve is, seen without a model: distances of its points from their neighbours."""

import numpy as np

from memfit.arrays import FloatArray

TO_SIGMA = 1.4826
"""Of the median of the modulus of a normal distribution."""


def distance_from_neighbours(at: FloatArray, values: FloatArray) -> FloatArray:
    """Distance of each value from the cubic through its two neighbours on either side.

    Scaled to the noise of one value. From the line through one neighbour on either side where there are fewer
    than five points; NaN where there are none on both sides, or too unevenly spaced ones.

    Parameters
    ----------
    at, values : (n,) array
        Any order.
    """
    n = values.size
    order = np.argsort(at, kind="stable")
    x, y = at[order], values[order]
    result = np.full(n, np.nan)
    reach = 2 if n >= 5 else 1
    if n < 3:
        return result
    offsets = np.array([k for k in range(-reach, reach + 1) if k != 0])
    middle = np.arange(reach, n - reach)
    around = x[middle[:, None] + offsets] - x[middle][:, None]
    around += 1e-12 * max(float(np.ptp(x)), 1e-30) * offsets  # repeated coordinates
    weight = np.ones(around.shape)
    for j in range(offsets.size):
        for k in range(offsets.size):
            if k != j:
                weight[:, j] *= around[:, k] / (around[:, k] - around[:, j])
    wild = np.abs(weight).sum(axis=1) > 8.0  # unevenly spaced neighbours: the cubic says nothing
    gap = y[middle] - np.sum(weight * y[middle[:, None] + offsets], axis=1)
    scaled = gap / np.sqrt(1.0 + np.sum(weight**2, axis=1))
    result[order[middle]] = np.where(wild, np.nan, scaled)
    return result


def local_roughness(at: FloatArray, values: FloatArray, window: int = 15) -> FloatArray:
    """(n,) standard deviation of the noise around each of n >= 3 points, by the median in a window."""
    distance = np.abs(distance_from_neighbours(at, values))
    known = np.flatnonzero(np.isfinite(distance))
    if not known.size:
        return np.zeros(values.size)
    distance = np.interp(np.arange(values.size), known, distance[known])
    half = min(window // 2, (values.size - 1) // 2)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(distance, half, mode="reflect"), 2 * half + 1)
    result: FloatArray = TO_SIGMA * np.median(around, axis=1)
    return result


def noise_of_differences(*curves: FloatArray) -> float:
    """Standard deviation of the noise of curves that are parabolas between neighbours, by the median.

    Third differences of independent noise have 20 times its variance.

    Parameters
    ----------
    *curves : (n,) arrays
        Values in order, at about even steps; all with the same noise.
    """
    rough = np.concatenate([np.diff(curve, 3) for curve in curves])
    return float(np.median(np.abs(rough)) / 0.6745 / np.sqrt(20.0))
