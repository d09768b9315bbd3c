"""Differences between any two devices, with the covariances of both fits.

Fits are independent, so the difference of two parameter vectors has the sum of their covariances. Each
parameter is tested by itself (Wald), and all parameters of a pair together: d^T (S_i + S_j)^-1 d is chi-
square. p-values are corrected for their number by Holm's step-down method (Scand. J. Stat. 1979, 6, 65),
over all pairs and parameters for the single tests, and over all pairs for the joint ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr

from memfit.arrays import BoolArray, FloatArray, IntArray

LEVEL = 0.05
"""Corrected p-values below which two devices differ."""
MOST_PAIRS = 50_000
"""Pairs that are examined; with more devices than that, the spread is what matters."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """All pairs of devices; (m,) pairs and (q,) quantities."""

    names: tuple[str, ...]
    """Of the quantities."""
    first: IntArray
    """(m,) places of the devices."""
    second: IntArray
    difference: FloatArray
    """(m, q) first minus second, in the scale of the fit; NaN where one of them has no value."""
    stderr: FloatArray
    """(m, q)."""
    p_value: FloatArray
    """(m, q) after Holm's correction."""
    joint: FloatArray
    """(m,) Wald statistic of all quantities both have."""
    joint_dof: IntArray
    """(m,) how many those are."""
    joint_p_value: FloatArray
    """(m,) after Holm's correction."""

    @property
    def differ(self) -> BoolArray:
        """(m, q) where the devices differ."""
        result: BoolArray = self.p_value < LEVEL
        return result


def holm(p_values: ArrayLike) -> FloatArray:
    """p-values corrected for their number, in the shape given; NaN is no test and stays.

    The smallest is multiplied by the number of tests, the next by one less, and so on; none may fall below
    the one before it.
    """
    p = np.asarray(p_values, dtype=np.float64)
    flat = p.ravel()
    tested = np.flatnonzero(np.isfinite(flat))
    order = tested[np.argsort(flat[tested], kind="stable")]
    steps = flat[order] * np.arange(order.size, 0, -1)
    result = np.full(flat.shape, np.nan)
    result[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if order.size else steps
    return result.reshape(p.shape)


def compare_pairs(names: tuple[str, ...], x: FloatArray, covariance: FloatArray) -> Pairs | None:
    """Every device against every other; None where there are too many pairs.

    Parameters
    ----------
    names : tuple of q str
    x : (n, q) array
        Values in the scale of the fit, NaN where a device has none.
    covariance : (n, q, q) array
        Of each device, NaN where it has no value.
    """
    count = len(x)
    if count * (count - 1) // 2 > MOST_PAIRS:
        return None
    first, second = np.triu_indices(count, 1)
    difference = x[first] - x[second]
    total = covariance[first] + covariance[second]
    stderr = np.sqrt(np.diagonal(total, axis1=1, axis2=2))
    joint, dof = _joint(difference, total)
    return Pairs(
        names=names,
        first=first,
        second=second,
        difference=difference,
        stderr=stderr,
        p_value=holm(2.0 * ndtr(-np.abs(difference) / stderr)),
        joint=joint,
        joint_dof=dof,
        joint_p_value=holm(np.where(dof > 0, chdtrc(np.maximum(dof, 1), joint), np.nan)),
    )


def _joint(difference: FloatArray, total: FloatArray) -> tuple[FloatArray, IntArray]:
    """Wald statistics over the quantities that both devices of a pair have, and their number."""
    known = np.isfinite(difference)
    both = known[:, :, None] & known[:, None, :]
    scale = np.sqrt(np.where(known, np.diagonal(total, axis1=1, axis2=2), 1.0))
    # What is missing becomes an independent quantity without a difference: it adds nothing.
    unit = np.where(both, total / (scale[:, :, None] * scale[:, None, :]), np.eye(known.shape[1]))
    d = np.where(known, difference / scale, 0.0)
    solved = np.linalg.solve(unit, d[..., None])[..., 0]
    return np.maximum(np.einsum("mq,mq->m", d, solved), 0.0), known.sum(axis=1)
