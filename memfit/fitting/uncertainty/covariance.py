"""Standard errors, intervals and verdicts from the exact Jacobian: the one normal approximation at a minimum.

The covariance is (J^T J)^-1 with every residual divided by its estimated noise. Residuals that follow each
other carry less information than their number: a lag-1 autocorrelation rho leaves n (1 - rho)/(1 + rho)
effective points (Bartlett 1946 for a first-order autoregression), and the rows of that record are weighted
down accordingly before the covariance is formed.

The noise itself is an estimate, so that records count by weights that are a little wrong: the parameters
scatter more than the covariance says, and it is a little too small besides. Kenward & Roger (Biometrics 1997,
53, 983) correct for both, as Meier (Biometrics 1953, 9, 59) does for a mean: by 1 to 2 % of a standard error
where several records tell a value, by more where few points do, whose noise is the floor of a sweep.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.confidence import TAILS, Z
from memfit.datasets import ImpedanceSpectrum
from memfit.fitting.minimum.linear import UNSEEN, triangle
from memfit.fitting.minimum.problem import FitState
from memfit.fitting.minimum.unknowns import Unknowns
from memfit.fitting.plan import CORE, unit_of_length
from memfit.fitting.results.findings import SampleEstimate
from memfit.fitting.results.result import Estimate, EstimateStatus
from memfit.fitting.uncertainty.bounds import bound_information
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
    seen: float = 1e-6
    """Of the information on the two parts of a record's noise, relative: less tells one of them only."""


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
    correlations = correlations_of(state, r)
    weight = row_weights(state, [count for _, count in correlations])
    rows = np.column_stack([jacobian, r]) * weight[:, None]
    own = state.problem.residuals(state.unknowns).own_rows(state.x)
    weighted = triangle(np.vstack([rows, own]))
    root = weighted[:, :-1]
    bounds = bound_information(root, weighted[:, -1], state.unknowns.free, state.x)
    root = np.vstack([root, np.diag(np.sqrt(bounds.precision))])
    length = np.linalg.norm(root, axis=0)
    scale = np.where(length > UNSEEN, length, 1.0)
    normal = NormalApproximation.of(triangle(root / scale), np.ones(scale.size))
    spread = normal.known_root() / scale[:, None]
    added = _by_estimated_noise(state, rows[:, :-1], weight, spread)
    matrix = spread @ (np.eye(spread.shape[1]) + added) @ spread.T
    return Covariance(
        matrix + np.outer(bounds.shift, bounds.shift),
        normal.directions[~normal.known],
        tuple(rho for rho, _ in correlations),
        tuple(n for _, n in correlations),
    )


def correlations_of(state: FitState, residuals: FloatArray) -> list[tuple[float, float]]:
    """Lag-1 autocorrelation and effective points of each record.

    Parameters
    ----------
    state : FitState
    residuals : (k,) array
        Of the points kept (`FitState.linearised`).
    """
    record = state.problem.record_of_row
    return [
        correlation(residuals[record == k], isinstance(data, ImpedanceSpectrum))
        for k, data in enumerate(state.problem.predictor.records)
    ]


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
            status = "determined" if error < 0.5 * abs(value) else "weak"
            if PARAMETERS[unknown.name].extension and covariance.is_open(j):
                status = "undetermined"
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
