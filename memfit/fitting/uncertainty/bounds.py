"""What bounds tell that are facts: normal factors in place of them.

A jump lies between its samples, a resistance is not negative. Where
the data alone leave such an unknown wider than its bounds, the distribution of all unknowns is a normal one
cut off at them. Expectation propagation replaces each cut by a normal factor with the same mean and variance
(Minka, UAI 2001, 17, 362; Cunningham, Hennig & Lacoste-Julien, arXiv:1111.6832 for boxes): a precision that
is added to the information of the data. Variances are taken about the minimum, where the mean is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from memfit.arrays import BoolArray, FloatArray
from memfit.fitting.minimum.linear import UNSEEN
from memfit.fitting.minimum.unknowns import Unknown
from memfit.model import PARAMETERS


@dataclass(frozen=True)
class Settings:
    """Numbers that steer it."""

    rounds: int = 50
    """Sweeps over all bounds, at most ..."""
    settled: float = 1e-4
    """... and the change of a precision, relative, at which they end."""
    ridge: float = 1e-10
    """Added to the diagonal of the information, whose diagonal is 1: directions that the data leave open."""
    on_bound: float = 1e-3
    """Distance from a bound, in standard errors with all else known, that is none."""
    near: float = 4.0
    """Standard errors within which a bound tells anything."""
    farthest: float = 1e6
    """Standard deviations beyond a bound that count, at most: so far away nothing is normal."""
    tail: float = 50.0
    """Standard deviations beyond which the far tail of a normal distribution is an exponential."""
    narrow: float = 1e-2
    """Width, in standard deviations, of a box in which a normal distribution is uniform."""


SETTINGS = Settings()


@dataclass(frozen=True)
class BoundInformation:
    """Normal factors in place of bounds."""

    precision: FloatArray
    """(m,) to be added to the diagonal of the information; 0 where no bound is near."""
    shift: FloatArray
    """(m,) from the minimum to the mean."""


def with_bounds(
    root: FloatArray, residuals: FloatArray, unknowns: Sequence[Unknown], x: FloatArray
) -> FloatArray:
    """(k + m, m) a root of the information of data and bounds.

    Parameters
    ----------
    root, residuals, unknowns, x
        As of `bound_information`.
    """
    bounds = bound_information(root, residuals, unknowns, x)
    return np.vstack([root, np.diag(np.sqrt(bounds.precision))])


def bound_information(
    root: FloatArray, residuals: FloatArray, unknowns: Sequence[Unknown], x: FloatArray
) -> BoundInformation:
    """What the bounds of the instruments' terms, R_s and L_s tell.

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
    facts = np.full((x.size, 2), [-np.inf, np.inf])  # the other bounds are the width of a search
    for fact, unknown in zip(facts, unknowns, strict=True):
        row = PARAMETERS.get(unknown.name)
        if row is not None and row.scale == "linear" and row.domain == "non_negative":
            fact[:] = 0.0, np.inf
        elif unknown.term is not None and unknown.term.kind in ("edge", "f_0"):
            fact[:] = unknown.inner_bounds
    low, high = facts.T
    expected = np.array([u.prior for u in unknowns]) ** -2.0  # 0 without a prior
    low, high = (low - x) * scale, (high - x) * scale
    bounded = (np.isfinite(low) | np.isfinite(high)) & (length > UNSEEN)
    if not bounded.any():
        return BoundInformation(expected, np.zeros(x.size))
    information = (root / scale).T @ (root / scale) + SETTINGS.ridge * np.eye(x.size)
    pull = -(root / scale).T @ residuals  # zero but where a bound holds against it
    on_low, on_high = low > -SETTINGS.on_bound, high < SETTINGS.on_bound
    held = bounded & ((on_low & (pull < 0)) | (on_high & (pull > 0)))
    pull = np.clip(np.where(held, pull, 0.0), -SETTINGS.farthest, SETTINGS.farthest)
    precision, shift = _bounded_normal(information, pull, low, high, bounded)
    return BoundInformation(precision * scale**2 + expected, shift / scale)


def _bounded_normal(
    information: FloatArray, pull: FloatArray, low: FloatArray, high: FloatArray, bounded: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Precisions (m,) that replace the bounds, and the mean (m,), by expectation propagation."""
    precision, tilt = np.zeros((2, pull.size))
    covariance = np.linalg.inv(information)
    mean = covariance @ pull
    spread = SETTINGS.near * np.sqrt(np.diag(covariance))
    near = np.flatnonzero(bounded & ((mean - spread < low) | (mean + spread > high)))
    for _ in range(SETTINGS.rounds):
        before = precision.copy()
        for j in near:
            variance = covariance[j, j]
            cavity = 1.0 / max(1.0 / variance - precision[j], SETTINGS.ridge)
            centre = cavity * (mean[j] / variance - tilt[j])
            sd = float(np.sqrt(cavity))
            below, above, span = (low[j] - centre) / sd, (high[j] - centre) / sd, (high[j] - low[j]) / sd
            mirrored = below + above < 0.0  # the tail is taken on the side where it is small
            nearest = min(-above if mirrored else below, SETTINGS.farthest)
            first, second = standard_moments(nearest, span)
            inside = min(max(centre + (-sd if mirrored else sd) * first, low[j]), high[j])
            width = cavity * second
            more, precision[j] = -precision[j], max(1.0 / width - 1.0 / cavity, 0.0)
            more += precision[j]
            tilt[j] = inside * (precision[j] + 1.0 / cavity) - centre / cavity
            column = covariance[:, j].copy()
            if (scale := 1.0 + more * column[j]) > SETTINGS.ridge:  # Sherman & Morrison
                covariance -= more / scale * np.outer(column, column)
            else:  # nothing is left of it but rounding
                covariance = np.linalg.inv(information + np.diag(precision))
            mean = covariance @ (pull + tilt)
        covariance = np.linalg.inv(information + np.diag(precision))
        mean = covariance @ (pull + tilt)
        if np.all(np.abs(precision - before) <= SETTINGS.settled * precision):
            break
    return precision, mean


def standard_moments(a: float, width: float) -> tuple[float, float]:
    """Mean and variance of the standard normal distribution between a and a + width.

    Parameters
    ----------
    a, width : float
        The middle is positive; the width may be infinite.
    """
    b = a + width
    if width * (1.0 + abs(a)) < SETTINGS.narrow:
        return a + 0.5 * width, width**2 / 12.0
    if a > SETTINGS.tail:  # exp(-a^2/2 - a (z - a))
        left = np.exp(-a * width) if np.isfinite(width) else 0.0
        cut = width / (1.0 - left) if left > 0 else 0.0
        return a + 1.0 / a - cut * left, 1.0 / a**2 - cut**2 * left
    log_a, log_b = float(log_ndtr(-a)), float(log_ndtr(-b))
    log_mass = log_a + np.log1p(-np.exp(log_b - log_a)) + 0.5 * np.log(2.0 * np.pi)
    at_a, at_b = np.exp(-0.5 * a**2 - log_mass), np.exp(-0.5 * b**2 - log_mass)
    mean = at_a - at_b
    return mean, 1.0 + a * at_a - (b * at_b if np.isfinite(b) else 0.0) - mean**2
