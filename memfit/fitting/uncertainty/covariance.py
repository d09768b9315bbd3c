"""Standard errors, intervals and verdicts from the exact Jacobian: the one normal approximation at a minimum.

The covariance is (J^T J)^-1 with every residual divided by its estimated noise. Residuals that follow each
other carry less information than their number: a lag-1 autocorrelation rho leaves n (1 - rho)/(1 + rho)
effective points (Bartlett 1946 for a first-order autoregression), and the rows of that record are weighted
down accordingly before the covariance is formed.

The noise itself is an estimate, so that records count by weights that are a little wrong: the parameters
scatter more than the covariance says, and it is a little too small besides. Kenward & Roger (Biometrics 1997,
53, 983) correct for both, as Meier (Biometrics 1953, 9, 59) does for a mean: by 1 to 2 % of a standard error
where several records tell a value, by more where few points do, whose noise is the floor of a sweep.

Bounds that are facts tell something too: a jump lies between its samples, a resistance is not negative. Where
the data alone leave such an unknown wider than its bounds, the distribution of all unknowns is a normal one
cut off at them. Expectation propagation replaces each cut by a normal factor with the same mean and variance
(Minka, UAI 2001, 17, 362; Cunningham, Hennig & Lacoste-Julien, arXiv:1111.6832 for boxes): a precision that
is added to the information of the data. Variances are taken about the minimum, where the mean is not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from memfit.arrays import BoolArray, FloatArray
from memfit.confidence import TAILS, Z
from memfit.datasets import ImpedanceSpectrum
from memfit.fitting.minimum.linear import triangle
from memfit.fitting.minimum.problem import UNSEEN, FitState
from memfit.fitting.minimum.unknowns import Unknown, Unknowns
from memfit.fitting.plan import CORE, unit_of_length
from memfit.fitting.results.findings import SampleEstimate
from memfit.fitting.results.result import Estimate, EstimateStatus
from memfit.model import PARAMETERS
from memfit.noise_estimate import correlation


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the approximation."""

    weak: float = 0.2
    """Standard error of a logarithm, or of V_T in units of V_m, beyond which a value is weak ..."""
    undetermined: float = 1.0
    """... and beyond which it is not determined."""
    open: float = 0.1
    """Part of a direction without information from which an unknown counts as along it."""
    singular: float = 1e-9
    """Smallest singular value of the scaled Jacobian, relative to the largest, that counts as information."""
    unbounded: float = 600.0
    """Half width of an interval of a logarithm at which it is cut: numbers end there."""
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
    seen: float = 1e-6
    """Of the information on the two parts of a record's noise, relative: less tells one of them only."""
    tail: float = 50.0
    """Standard deviations beyond which the far tail of a normal distribution is an exponential."""
    narrow: float = 1e-2
    """Width, in standard deviations, of a box in which a normal distribution is uniform."""


SETTINGS = Settings()


@dataclass(frozen=True)
class NormalApproximation:
    """The normal distribution that a root R of the information describes: its covariance is (R^T R)^-1.

    By singular values R = U S V^T of the columns in units of `scale`, so that what the data say nothing of is
    told from rounding, and stiffened or left out as is needed.
    """

    scale: FloatArray
    """(m,)."""
    singular: FloatArray
    """(k,) S, falling."""
    directions: FloatArray
    """(k, m) V^T."""

    @classmethod
    def of(cls, root: FloatArray, scale: FloatArray | None = None) -> "NormalApproximation":
        """The approximation by a root of the information.

        Parameters
        ----------
        root : (k, m) array
            A Jacobian of the residuals, a triangle of it, rows of a prior below.
        scale : (m,) array, optional
            Divides the columns; by default their lengths.
        """
        if scale is None:
            length = np.linalg.norm(root, axis=0)
            scale = np.where(length > UNSEEN, length, 1.0)
        _, singular, directions = np.linalg.svd(root / scale, full_matrices=False)
        return cls(scale, singular, directions)

    @property
    def known(self) -> BoolArray:
        """(k,) Whether the data say anything of a direction."""
        result: BoolArray = self.singular > SETTINGS.singular * float(np.max(self.singular, initial=1e-300))
        return result

    def covariance(self) -> FloatArray:
        """(m, m) covariance along the directions that are known."""
        root = self.known_root()
        result: FloatArray = root @ root.T
        return result

    def known_root(self) -> FloatArray:
        """(m, k) root S of that covariance S S^T."""
        known = self.known
        result: FloatArray = self.directions[known].T / self.singular[known] / self.scale[:, None]
        return result

    def root(self, softest: float = 0.0) -> FloatArray:
        """(m, k) root S of the covariance S S^T.

        Parameters
        ----------
        softest : float
            Singular values are taken to be at least this share of the largest.
        """
        soft = np.hypot(self.singular, softest * self.singular.max(initial=1e-300))
        result: FloatArray = self.directions.T / soft / self.scale[:, None]
        return result


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


@dataclass(frozen=True)
class Covariance:
    """Covariance of the unknowns as the minimiser sees them, and how many points it rests on."""

    matrix: FloatArray
    """(m, m)."""
    open_directions: FloatArray
    """(k, m) unit vectors, in scaled unknowns, along which the data say nothing."""
    lag1: tuple[float, ...]
    """Lag-1 autocorrelation of each record's residuals."""
    effective: tuple[float, ...]
    """Effective points of each record."""

    def is_open(self, j: int) -> bool:
        """Whether unknown j lies along a direction of which the data say nothing."""
        return bool(np.any(np.abs(self.open_directions[:, j]) > SETTINGS.open))


def covariance_of(state: FitState) -> Covariance:
    """Covariance at the minimum, corrected for correlated residuals.

    Parameters
    ----------
    state : FitState
        A fit at its minimum.
    """
    r, jacobian = state.linearised()
    record = state.problem.record_of_row
    correlations, weight = [], np.ones(r.size)
    for k, data in enumerate(state.problem.predictor.records):
        here = record == k
        correlations.append(correlation(r[here], isinstance(data, ImpedanceSpectrum)))
        weight[here] = np.sqrt(correlations[-1][1] / max(int(np.count_nonzero(here)), 1))
    own = state.problem.residuals(state.unknowns).own_rows(state.x)
    weighted = triangle(np.vstack([np.column_stack([jacobian, r]) * weight[:, None], own]))
    root = weighted[:, :-1]
    bounds = bound_information(root, weighted[:, -1], state.unknowns.free, state.x)
    root = np.vstack([root, np.diag(np.sqrt(bounds.precision))])
    length = np.linalg.norm(root, axis=0)
    scale = np.where(length > UNSEEN, length, 1.0)
    normal = NormalApproximation.of(triangle(root / scale), np.ones(scale.size))
    spread = normal.known_root() / scale[:, None]
    added = _by_estimated_noise(state, jacobian * weight[:, None], weight, spread)
    matrix = spread @ (np.eye(spread.shape[1]) + added) @ spread.T
    return Covariance(
        matrix + np.outer(bounds.shift, bounds.shift),
        normal.directions[~normal.known],
        tuple(rho for rho, _ in correlations),
        tuple(n for _, n in correlations),
    )


def _by_estimated_noise(
    state: FitState, jacobian: FloatArray, weight: FloatArray, spread: FloatArray
) -> FloatArray:
    """(k, k) what the errors of the noise add to a covariance S S^T, which is then S (1 + added) S^T.

    Every record has up to two variances, of its fraction and of its floor; what they contribute to the
    variance of a point are its shares e. In units of S, with rows B of the Jacobian, the correction is
    2 sum W_kl (B^T e_k e_l B - B^T e_k B B^T e_l B), W the covariance of the logarithms of the variances.

    Parameters
    ----------
    state : FitState
    jacobian : (n, m) array
        Of residuals over noise, its rows weighted.
    weight : (n,) array
        Of the rows.
    spread : (m, k) array
        S.
    """
    problem, record = state.problem, state.problem.record_of_row
    sigma = problem.sigma[problem.keep]
    added: FloatArray = np.zeros((spread.shape[1], spread.shape[1]))
    for k, level in enumerate(problem.noise):
        here = np.flatnonzero(record == k)
        rows = jacobian[here]
        active = np.any(rows != 0.0, axis=0)
        if not active.any():
            continue
        floor = np.minimum((level.floor / sigma[here]) ** 2, 1.0)
        shares = np.array([1.0 - floor, floor])
        seen = np.linalg.pinv(0.5 * (shares * weight[here] ** 2) @ shares.T, SETTINGS.seen, hermitian=True)
        basis, small = np.linalg.qr(spread[active].T)
        rows = rows[:, active] @ small.T
        by_share = np.array([(rows * share[:, None]).T @ rows for share in shares])
        twice = (rows * np.einsum("kn,kl,ln->n", shares, seen, shares)[:, None]).T @ rows
        added += basis @ (twice - np.einsum("kij,kl,ljm->im", by_share, seen, by_share)) @ basis.T
    return 2.0 * added


def row_weights(state: FitState, effective: Sequence[float]) -> FloatArray:
    """(k,) factors on the rows of the points kept: a record counts as many points as are independent.

    Parameters
    ----------
    state : FitState
    effective : sequence of float
        Effective points of each record.
    """
    record = state.problem.record_of_row
    count = np.bincount(record, minlength=len(effective))
    share = np.asarray(effective) / np.maximum(count, 1)
    result: FloatArray = np.sqrt(share)[record]
    return result


def estimates(state: FitState, covariance: Covariance, starts: Mapping[str, float]) -> dict[str, Estimate]:
    """Every unknown with its standard error, interval and verdict.

    Parameters
    ----------
    state : FitState
    covariance : Covariance
        Of it.
    starts : mapping of str to float
        First values, SI.
    """
    result = {}
    for j, unknown in enumerate(state.unknowns.free):
        value = min(max(unknown.outer(float(state.x[j])), unknown.lower), unknown.upper)
        error = float(np.sqrt(max(covariance.matrix[j, j], 0.0)))
        length = unit_of_length(unknown.name, state.parameters.V_m)
        status: EstimateStatus = "determined"
        if unknown.term is None and unknown.name not in CORE:  # if 0, its upper limit says something
            status = "determined" if error < 0.5 * value else "weak"
        elif unknown.name in state.minimum.at_bound:
            status = "at_bound"
        elif unknown.term is None:
            known = np.isfinite(error) and not covariance.is_open(j)
            status = "weak" if error / length > SETTINGS.weak else "determined"
            if not known or error / length > SETTINGS.undetermined:
                status = "undetermined"
        unit, start = unknown.unit, starts.get(unknown.name)
        if status == "undetermined":
            result[unknown.name] = Estimate(value=None, unit=unit, status=status, start=start)
            continue
        low, high = value - Z * error, value + Z * error
        if unknown.logarithmic:
            half = min(Z * error, SETTINGS.unbounded)
            low, high = value * np.exp(-half), value * np.exp(half)
        result[unknown.name] = Estimate(
            value=value,
            unit=unit,
            stderr=float(value * error if unknown.logarithmic else error),
            ci95=(float(max(low, unknown.lower)), float(min(high, unknown.upper))),
            status=status,
            start=start,
        )
    return result


SAMPLE_DIGITS = 10
"""Significant digits that are kept of every sampled value."""


def rounded(unknowns: Unknowns, vectors: FloatArray) -> tuple[tuple[float, ...], ...]:
    """Vectors of the minimiser as values, SI, with as many digits as mean something.

    Parameters
    ----------
    unknowns : Unknowns
    vectors : (k, m) array
    """
    logarithmic = np.array([u.logarithmic for u in unknowns.free], dtype=bool)
    values = np.where(logarithmic, np.exp(np.where(logarithmic, vectors, 0.0)), vectors)
    return tuple(tuple(float(f"{v:.{SAMPLE_DIGITS}g}") for v in row) for row in values.tolist())


def sample_estimates(unknowns: Unknowns, vectors: FloatArray) -> dict[str, SampleEstimate]:
    """Median, standard deviation and central interval of every unknown.

    Parameters
    ----------
    unknowns : Unknowns
    vectors : (k, m) array
        The sample, as the minimiser sees it; of fewer than two nothing is said.
    """
    if len(vectors) < 2:
        return {}
    summaries = {}
    for unknown, column in zip(unknowns.free, np.array(rounded(unknowns, vectors)).T, strict=True):
        low, median, high = (float(v) for v in np.quantile(column, (TAILS[0], 0.5, TAILS[1])))
        summaries[unknown.name] = SampleEstimate(
            unit=unknown.unit, median=median, stderr=float(np.std(column, ddof=1)), ci95=(low, high)
        )
    return summaries
