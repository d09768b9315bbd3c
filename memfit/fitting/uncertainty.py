"""Standard errors and intervals from the exact Jacobian.

The covariance is (J^T J)^-1 with every residual divided by its estimated noise. Residuals that follow each
other carry less information than their number: a lag-1 autocorrelation rho leaves n (1 - rho)/(1 + rho)
effective points (Bartlett 1946 for a first-order autoregression), and the rows of that record are weighted
down accordingly before the covariance is formed. Bounds that are facts add what they tell (`truncation`);
variances are taken about the minimum, where the mean is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.records import ImpedanceSpectrum
from memfit.fitting.residuals import UNSEEN, triangle
from memfit.fitting.result import Estimate, EstimateStatus
from memfit.fitting.state import State
from memfit.fitting.truncation import told_by_bounds
from memfit.model.parameters import UNITS

Z95 = 1.959963984540054
"""Half width of a normal 95 % interval, in standard deviations."""
_SINGULAR = 1e-9
"""Smallest singular value of the scaled Jacobian, relative to the largest, that counts as information."""
_INSTRUMENT_UNITS = {"delay": "s", "edge": "s", "u_0": "V", "i_0": "A"}
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


def covariance_of(state: State) -> Covariance:
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
    state: State, r: FloatArray
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


def estimates(state: State, covariance: Covariance, starts: Mapping[str, float]) -> dict[str, Estimate]:
    """Every unknown with its standard error, 95 % interval and verdict."""
    result = {}
    for j, unknown in enumerate(state.unknowns.free):
        value = min(max(unknown.outer(float(state.x[j])), unknown.lower), unknown.upper)
        error = float(np.sqrt(max(covariance.matrix[j, j], 0.0)))
        opened = bool(np.any(np.abs(covariance.open_directions[:, j]) > 0.1))
        status = _verdict(state, j, value, error, opened)
        unit = unit_of(unknown.name)
        start = starts.get(unknown.name)
        if status == "undetermined":
            result[unknown.name] = Estimate(value=None, unit=unit, status=status, start=start)
            continue
        stderr = value * error if unknown.logarithmic else error
        half = min(Z95 * error, 600.0) if unknown.logarithmic else Z95 * error
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


def unit_of(name: str) -> str:
    """SI unit of an unknown."""
    return UNITS.get(
        name, next((unit for key, unit in _INSTRUMENT_UNITS.items() if name.startswith(f"{key}_")), "")
    )


def _verdict(state: State, j: int, value: float, error: float, opened: bool) -> EstimateStatus:
    """How far a value can be trusted."""
    unknown = state.unknowns.free[j]
    if unknown.name in ("R_s", "L_s"):  # may be zero: their upper limit means something all the same
        return "determined" if error < 0.5 * value else "weak"
    if unknown.name in state.minimum.at_bound:
        return "at_bound"
    if unknown.record is not None or unknown.name.startswith("gain_"):
        return "determined"
    if unknown.name == "V_T":
        error = error / state.unknowns.parameters(state.x).V_m / 2.0
    if opened or not np.isfinite(error) or error > UNDETERMINED:
        return "undetermined"
    return "weak" if error > WEAK else "determined"
