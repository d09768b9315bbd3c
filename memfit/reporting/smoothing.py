"""A smooth line through values one step apart, which does not swing beside a corner.

Between two neighbours the line is the cubic with the values and the slopes at both ends; a slope is the
mean of the chords on its two sides, weighted by how little the line bends there. H. Akima, J. ACM 1970, 17,
589.
"""

import numpy as np

from memfit.arrays import FloatArray


def smooth_line(values: FloatArray, finer: int) -> FloatArray:
    """Akima's line through values at 0, 1, 2, ..., at `finer` steps from one to the next.

    Parameters
    ----------
    values : (n,) array
        Three or more.
    finer : int

    Returns
    -------
    (finer * (n - 1) + 1,) array
    """
    slopes = _slopes(values)
    t = np.arange(finer)[:, None] / finer
    first, last = values[:-1], values[1:]
    lines = (
        (1 + 2 * t) * (1 - t) ** 2 * first
        + t**2 * (3 - 2 * t) * last
        + t * (1 - t) ** 2 * slopes[:-1]
        + t**2 * (t - 1) * slopes[1:]
    )
    return np.append(lines.T.ravel(), values[-1])


def _slopes(values: FloatArray) -> FloatArray:
    """(n,) slopes; beyond the ends the chords go on as a parabola."""
    chords = np.diff(values)
    start, end = chords[0] - chords[1], chords[-1] - chords[-2]
    ahead, beyond = chords[0] + start * np.array([2, 1]), chords[-1] + end * np.array([1, 2])
    chords = np.concatenate([ahead, chords, beyond])
    bends = np.abs(np.diff(chords))
    before, after = bends[:-2], bends[2:]
    both = before + after
    straight = both <= 1e-9 * both.max(initial=0.0)
    weight = np.where(straight, 0.5, after / np.where(straight, 1.0, both))
    slopes: FloatArray = weight * chords[1:-2] + (1.0 - weight) * chords[2:-1]
    return slopes
