"""Standard errors and intervals from the exact Jacobian.

The covariance is (J^T J)^-1 with every residual divided by its estimated noise. Residuals that follow each
other carry less information than their number: a lag-1 autocorrelation rho leaves n (1 - rho)/(1 + rho)
effective points (Bartlett 1946 for a first-order autoregression), and the rows of that record are weighted
down accordingly before the covariance is formed. Bounds that are facts add what they tell (`truncation`);
variances are taken about the minimum, where the mean is not.

What bounds tell that are facts: a jump lies between its samples, a resistance is not negative.

Where the data alone leave such an unknown wider than its bounds, the distribution of all unknowns is a normal
one cut off at them. Expectation propagation replaces each cut by a normal factor with the same mean and
variance (Minka, UAI 2001, 17, 362; Cunningham, Hennig & Lacoste-Julien, arXiv:1111.6832 for boxes): a
precision that is added to the information of the data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from memfit.arrays import BoolArray, FloatArray
from memfit.confidence import Z
from memfit.datasets.records import ImpedanceSpectrum
from memfit.fitting.plan import CORE
from memfit.fitting.problem import UNSEEN, FitState, Unknown, triangle
from memfit.fitting.result import Estimate, EstimateStatus

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
    if unknown.term is None:
        return (-np.inf, np.inf) if unknown.name in CORE else (0.0, np.inf)
    return unknown.inner_bounds if unknown.term.kind in ("edge", "f_0") else (-np.inf, np.inf)


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


_SINGULAR = 1e-9
"""Smallest singular value of the scaled Jacobian, relative to the largest, that counts as information."""
WEAK, UNDETERMINED = 0.2, 1.0
"""Standard errors of a logarithm beyond which a value is weak, and beyond which it is not determined."""


@dataclass(frozen=True)
class Covariance:
    """Covariance of the unknowns as the minimiser sees them."""

    matrix: FloatArray
    """(m, m)."""
    open_directions: FloatArray
    """(k, m) unit vectors, in scaled unknowns, along which the data say nothing."""
    lag1: tuple[float, ...]
    """Lag-1 autocorrelation of each record's residuals."""
    effective: tuple[float, ...]
    """Effective points of each record."""


def covariance_of(state: FitState) -> Covariance:
    """Covariance at the minimum, corrected for correlated residuals."""
    r, jacobian = state.linearised()
    lag1, effective, weight = _independent_points(state, r)
    weighted = triangle(np.column_stack([jacobian, r]) * weight[:, None])
    root = weighted[:, :-1]
    told = told_by_bounds(root, weighted[:, -1], state.unknowns.free, state.x)
    root = np.vstack([root, np.diag(np.sqrt(told.precision))])
    length = np.linalg.norm(root, axis=0)
    scale = np.where(length > UNSEEN, length, 1.0)
    _, singular, directions = np.linalg.svd(triangle(root / scale))
    known = singular > _SINGULAR * float(np.max(singular, initial=1e-300))
    inverse = np.where(known, 1.0 / np.where(known, singular, 1.0) ** 2, 0.0)
    matrix = (directions.T * inverse) @ directions / np.outer(scale, scale)
    about_minimum = matrix + np.outer(told.shift, told.shift)
    return Covariance(about_minimum, directions[~known], lag1, effective)


def _independent_points(
    state: FitState, r: FloatArray
) -> tuple[tuple[float, ...], tuple[float, ...], FloatArray]:
    """Lag-1 autocorrelation and effective points of each record, and the weight (k,) of every residual."""
    record = state.problem.predictor.record_of_point[state.problem.keep]
    found, weight = [], np.ones(r.size)
    for k, data in enumerate(state.problem.predictor.records):
        here = record == k
        found.append(correlation(r[here], isinstance(data, ImpedanceSpectrum)))
        weight[here] = np.sqrt(found[-1][1] / max(int(np.count_nonzero(here)), 1))
    return tuple(rho for rho, _ in found), tuple(n for _, n in found), weight


def correlation(r: FloatArray, two_parts: bool) -> tuple[float, float]:
    """Lag-1 autocorrelation of residuals and the effective number of points.

    Values within the scatter of uncorrelated noise, 2/sqrt(n), count as zero, and so do negative ones.
    """
    n = r.size
    parts = np.split(r, 2) if two_parts and n % 2 == 0 else [r]
    over = sum(float(part[1:] @ part[:-1]) for part in parts)
    under = sum(float(part @ part) for part in parts)
    rho = over / under if under > 0 else 0.0
    rho = float(np.clip(rho, -0.999, 0.999))
    excess = rho if rho > 2.0 / np.sqrt(max(n, 1)) else 0.0
    return rho, n * (1.0 - excess) / (1.0 + excess)


def estimates(state: FitState, covariance: Covariance, starts: Mapping[str, float]) -> dict[str, Estimate]:
    """Every unknown with its standard error, 95 % interval and verdict."""
    result = {}
    for j, unknown in enumerate(state.unknowns.free):
        value = min(max(unknown.outer(float(state.x[j])), unknown.lower), unknown.upper)
        error = float(np.sqrt(max(covariance.matrix[j, j], 0.0)))
        opened = bool(np.any(np.abs(covariance.open_directions[:, j]) > 0.1))
        status = _verdict(state, j, value, error, opened)
        unit = unknown.unit
        start = starts.get(unknown.name)
        if status == "undetermined":
            result[unknown.name] = Estimate(value=None, unit=unit, status=status, start=start)
            continue
        stderr = value * error if unknown.logarithmic else error
        half = min(Z * error, 600.0) if unknown.logarithmic else Z * error
        low, high = (
            (value * np.exp(-half), value * np.exp(half))
            if unknown.logarithmic
            else (value - half, value + half)
        )
        interval = (float(max(low, unknown.lower)), float(min(high, unknown.upper)))
        result[unknown.name] = Estimate(
            value=value, unit=unit, stderr=float(stderr), ci95=interval, status=status, start=start
        )
    return result


def _verdict(state: FitState, j: int, value: float, error: float, opened: bool) -> EstimateStatus:
    """How far a value can be trusted."""
    unknown = state.unknowns.free[j]
    if unknown.term is None and unknown.name not in CORE:  # may be zero: its upper limit means something
        return "determined" if error < 0.5 * value else "weak"
    if unknown.name in state.minimum.at_bound:
        return "at_bound"
    if unknown.term is not None:
        return "determined"
    if unknown.name == "V_T":
        error = error / state.unknowns.parameters(state.x).V_m / 2.0
    if opened or not np.isfinite(error) or error > UNDETERMINED:
        return "undetermined"
    return "weak" if error > WEAK else "determined"
