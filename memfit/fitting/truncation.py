"""What bounds tell that are facts: a jump lies between its samples, a resistance is not negative.

Where the data alone leave such an unknown wider than its bounds, the distribution of all unknowns is a normal
one cut off at them. Expectation propagation replaces each cut by a normal factor with the same mean and
variance (Minka, UAI 2001, 17, 362; Cunningham, Hennig & Lacoste-Julien, arXiv:1111.6832 for boxes): a
precision that is added to the information of the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from memfit.arrays import BoolArray, FloatArray
from memfit.fitting.residuals import UNSEEN
from memfit.fitting.unknowns import Unknown

_ROUNDS, _SETTLED = 50, 1e-4
"""Sweeps over all bounds, and the change of a precision, relative, at which they end."""
_RIDGE = 1e-10
"""Added to the diagonal of the information, whose diagonal is 1: directions that the data leave open."""
_ON_IT = 1e-3
"""Distance from a bound, in standard errors with all else known, that is none."""
_NEAR = 4.0
"""Standard errors within which a bound tells anything."""
_TAIL = 50.0
"""Standard deviations beyond which the far tail of a normal distribution is an exponential."""
_NARROW = 1e-2
"""Width, in standard deviations, of a box in which a normal distribution is uniform."""


@dataclass(frozen=True)
class Told:
    """Normal factors in place of bounds."""

    precision: FloatArray
    """(m,) to be added to the diagonal of the information; 0 where no bound is near."""
    shift: FloatArray
    """(m,) from the minimum to the mean."""


def with_bounds(
    root: FloatArray, residuals: FloatArray, unknowns: Sequence[Unknown], x: FloatArray
) -> FloatArray:
    """(k + m, m) a root of the information of data and bounds; arguments as of `told_by_bounds`."""
    told = told_by_bounds(root, residuals, unknowns, x)
    return np.vstack([root, np.diag(np.sqrt(told.precision))])


def told_by_bounds(
    root: FloatArray, residuals: FloatArray, unknowns: Sequence[Unknown], x: FloatArray
) -> Told:
    """Precision from the bounds of the instruments' terms, R_s and L_s.

    Parameters
    ----------
    root : (k, m) array
        Jacobian of the residuals, or a root of the information.
    residuals : (k,) array
        At the minimum.
    unknowns : sequence of Unknown
    x : (m,) array
        The minimum.
    """
    length = np.linalg.norm(root, axis=0)
    scale = np.where(length > UNSEEN, length, 1.0)
    low, high = np.array([_facts(u) for u in unknowns]).reshape(-1, 2).T
    low, high = (low - x) * scale, (high - x) * scale
    bounded = (np.isfinite(low) | np.isfinite(high)) & (length > UNSEEN)
    if not bounded.any():
        return Told(np.zeros(x.size), np.zeros(x.size))
    information = (root / scale).T @ (root / scale) + _RIDGE * np.eye(x.size)
    pull = -(root / scale).T @ residuals  # zero but where a bound holds against it
    held = bounded & (((low > -_ON_IT) & (pull < 0)) | ((high < _ON_IT) & (pull > 0)))
    precision, shift = _cut(information, np.where(held, pull, 0.0), low, high, bounded)
    return Told(precision * scale**2, shift / scale)


def _facts(unknown: Unknown) -> tuple[float, float]:
    """Bounds that are facts, not the width of a search."""
    if unknown.name in ("R_s", "L_s"):
        return 0.0, np.inf
    edge_or_activation = unknown.name.startswith(("edge_", "f_0_"))
    return unknown.inner_bounds if edge_or_activation else (-np.inf, np.inf)


def _cut(
    information: FloatArray, pull: FloatArray, low: FloatArray, high: FloatArray, bounded: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Precisions (m,) that replace the bounds, and the mean (m,), by expectation propagation."""
    precision, tilt = np.zeros((2, pull.size))
    covariance = np.linalg.inv(information)
    mean = covariance @ pull
    spread = _NEAR * np.sqrt(np.diag(covariance))
    near = np.flatnonzero(bounded & ((mean - spread < low) | (mean + spread > high)))
    for _ in range(_ROUNDS):
        before = precision.copy()
        for j in near:
            variance = covariance[j, j]
            cavity = 1.0 / max(1.0 / variance - precision[j], _RIDGE)
            centre = cavity * (mean[j] / variance - tilt[j])
            inside, width = _moments(low[j], high[j], centre, cavity)
            precision[j] = max(1.0 / width - 1.0 / cavity, 0.0)
            tilt[j] = inside * (precision[j] + 1.0 / cavity) - centre / cavity
            covariance = np.linalg.inv(information + np.diag(precision))
            mean = covariance @ (pull + tilt)
        if np.all(np.abs(precision - before) <= _SETTLED * precision):
            break
    return precision, mean


def _moments(low: float, high: float, mean: float, variance: float) -> tuple[float, float]:
    """Mean and variance of a normal distribution within bounds."""
    sd = float(np.sqrt(variance))
    below, above, width = (low - mean) / sd, (high - mean) / sd, (high - low) / sd
    if below + above < 0.0:  # the mirror image: the tail is taken on the side where it is small
        first, second = _standard_moments(-above, width)
        return mean - sd * first, variance * second
    first, second = _standard_moments(below, width)
    return mean + sd * first, variance * second


def _standard_moments(a: float, width: float) -> tuple[float, float]:
    """Mean and variance of the standard normal distribution from a to a + width, whose middle is positive."""
    b = a + width
    if width * (1.0 + abs(a)) < _NARROW:
        return a + 0.5 * width, width**2 / 12.0
    if a > _TAIL:  # exp(-a^2/2 - a (z - a))
        left = np.exp(-a * width) if np.isfinite(width) else 0.0
        cut = width / (1.0 - left) if left > 0 else 0.0
        return a + 1.0 / a - cut * left, 1.0 / a**2 - cut**2 * left
    log_a, log_b = float(log_ndtr(-a)), float(log_ndtr(-b))
    log_mass = log_a + np.log1p(-np.exp(log_b - log_a)) + 0.5 * np.log(2.0 * np.pi)
    at_a, at_b = np.exp(-0.5 * a**2 - log_mass), np.exp(-0.5 * b**2 - log_mass)
    mean = at_a - at_b
    return mean, 1.0 + a * at_a - (b * at_b if np.isfinite(b) else 0.0) - mean**2
