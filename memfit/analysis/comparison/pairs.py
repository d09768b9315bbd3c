"""Two at a time: differences between any two devices, and correlations between any two quantities.

Fits are independent, so the difference of two parameter vectors has the sum of their covariances. Each
parameter is tested by itself (Wald), and all parameters of a pair together: d^T (S_i + S_j)^-1 d is chi-
square. p-values are corrected for their number by Holm's step-down method (Scand. J. Stat. 1979, 6, 65),
over all pairs and parameters for the single tests, and over all pairs for the joint ones.

Correlations are told apart from those of the errors in a fit. The values of device i scatter around the mean
by b_i ~ N(0, T), which is physics, and by e_i ~ N(0, S_i), which the fit knows. For each pair of quantities
T = [[t1^2, r t1 t2], [r t1 t2, t2^2]] is estimated by the restricted likelihood of the bivariate
random-effects model (van Houwelingen, Arends & Stijnen, Stat. Med. 2002, 21, 589), so that r is free of the
errors. Its interval is that of Fisher's z with Student's t: the curvature of the likelihood, widened by
(k - 1)/(k - 3) so that it is Fisher's 1/(k - 3) where the errors vanish.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize
from scipy.special import chdtrc, ndtr, stdtr, stdtrit

from memfit.analysis.comparison.pooling import spread_between
from memfit.arrays import BoolArray, FloatArray, IntArray, Interval
from memfit.confidence import TAILS


@dataclass(frozen=True)
class Settings:
    """Numbers behind differences and correlations."""

    level: float = 0.05
    """Corrected p-values below which two devices differ."""
    most_pairs: int = 50_000
    """Pairs that are examined; with more devices than that, the spread is what matters."""
    fewest: int = 3
    """Devices without which a correlation is not even named."""
    fewest_correlated: int = 4
    """Devices without which it has no interval."""
    no_spread: float = 0.1
    """Standard deviation between devices, in typical errors of the fits, that leaves nothing to correlate."""
    largest_z: float = 6.0
    """atanh of a correlation of 0.99999."""
    step: float = 1e-3
    """Of the logarithms and of atanh r, for the curvature of the likelihood."""


SETTINGS = Settings()


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """All pairs of devices; (m,) pairs and (q,) quantities."""

    names: tuple[str, ...]
    """Of the quantities."""
    first: IntArray
    """(m,) places of the devices."""
    second: IntArray
    difference: FloatArray
    """(m, q) first minus second, in the scale of the comparison; NaN where one of them has no value."""
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
        result: BoolArray = self.p_value < SETTINGS.level
        return result


def holm(p_values: ArrayLike) -> FloatArray:
    """p-values corrected for their number, in the shape given; NaN is no test and stays.

    The smallest is multiplied by the number of tests, the next by one less, and so on; none may fall below
    the one before it.

    Parameters
    ----------
    p_values : array
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
        Values in the scale of the comparison, NaN where a device has none.
    covariance : (n, q, q) array
        Of each device, NaN where it has no value.
    """
    count = len(x)
    if count * (count - 1) // 2 > SETTINGS.most_pairs:
        return None
    first, second = np.triu_indices(count, 1)
    difference = x[first] - x[second]
    total = covariance[first] + covariance[second]
    stderr = np.sqrt(np.diagonal(total, axis1=1, axis2=2))
    known = np.isfinite(difference)
    both = known[:, :, None] & known[:, None, :]
    scale = np.where(known, stderr, 1.0)
    # What is missing becomes an independent quantity without a difference: it adds nothing.
    unit = np.where(both, total / (scale[:, :, None] * scale[:, None, :]), np.eye(len(names)))
    d = np.where(known, difference / scale, 0.0)
    joint = np.maximum(np.einsum("mq,mq->m", d, np.linalg.solve(unit, d[..., None])[..., 0]), 0.0)
    dof = known.sum(axis=1)
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


@dataclass(frozen=True, kw_only=True)
class BetweenCorrelation:
    """How two parameters go together across devices."""

    first: str
    second: str
    devices: int
    observed: float
    """Of the fitted values as they are, errors included."""
    within: float
    """Mean correlation of the errors in the fits."""
    between: float | None = None
    """Of the devices, free of the errors; None where it cannot be told."""
    ci95: Interval | None = None
    p_value: float | None = None
    """Of no correlation between devices, after Holm's correction over all pairs."""
    reason: str = ""
    """Why there is none."""


def correlate(
    names: tuple[str, ...], x: FloatArray, covariance: FloatArray
) -> tuple[BetweenCorrelation, ...]:
    """All pairs of quantities.

    Parameters
    ----------
    names : tuple of q str
    x : (n, q) array
        Values in the scale of the comparison, NaN where a device has none.
    covariance : (n, q, q) array
    """
    pairs = []
    for i, first in enumerate(names):
        for j, second in enumerate(names[:i]):
            both = np.isfinite(x[:, i]) & np.isfinite(x[:, j])
            if np.count_nonzero(both) >= SETTINGS.fewest:
                places = np.array([j, i])
                block = covariance[both][:, places][:, :, places]
                pairs.append(_correlation(second, first, x[both][:, places], block))
    corrected = holm([np.nan if one.p_value is None else one.p_value for one in pairs])
    return tuple(
        replace(one, p_value=None if np.isnan(p) else float(p))
        for one, p in zip(pairs, corrected, strict=True)
    )


def _correlation(first: str, second: str, x: FloatArray, S: FloatArray) -> BetweenCorrelation:
    """One pair of quantities over (k, 2) values with (k, 2, 2) covariances, in units of their spreads."""
    k = len(x)
    errors = S[:, 0, 1] / np.sqrt(S[:, 0, 0] * S[:, 1, 1])
    pair = BetweenCorrelation(
        first=first, second=second, devices=k, observed=_plain_correlation(x), within=float(np.mean(errors))
    )
    if k < SETTINGS.fewest_correlated:
        return replace(pair, reason=f"it takes at least {SETTINGS.fewest_correlated} devices")
    spread = np.array([spread_between(x[:, c], S[:, c, c]) for c in (0, 1)])
    flat = spread <= SETTINGS.no_spread * np.sqrt(np.median(S[:, [0, 1], [0, 1]], axis=0))
    if flat.any():
        names = " and ".join(name for name, is_flat in zip((first, second), flat, strict=True) if is_flat)
        return replace(pair, reason=f"{names} do not spread beyond the errors of the fits")
    x = (x - x.mean(axis=0)) / spread
    u, w = x.T
    s11, s22, s12 = (S / np.outer(spread, spread))[:, [0, 1, 0], [0, 1, 1]].T

    def deviance(theta: FloatArray) -> float:
        """Minus twice the restricted log-likelihood at (log t1, log t2, atanh r)."""
        t1, t2, r = np.exp(theta[0]), np.exp(theta[1]), np.tanh(theta[2])
        a, b, c = s11 + t1 * t1, s22 + t2 * t2, s12 + r * t1 * t2
        determinant = a * b - c * c
        p, q, o = b / determinant, a / determinant, -c / determinant  # the inverse of each covariance
        P, Q, cross = p.sum(), q.sum(), o.sum()
        g, h = (p * u + o * w).sum(), (o * u + q * w).sum()
        information = P * Q - cross * cross
        explained = (Q * g * g - 2.0 * cross * g * h + P * h * h) / information
        quadratic = (p * u * u + 2.0 * o * u * w + q * w * w).sum() - explained
        return float(np.log(determinant).sum() + np.log(information) + quadratic)

    log_t, limit = [(-7.0, 7.0)] * 2, SETTINGS.largest_z
    tried = [
        minimize(deviance, [0.0, 0.0, z], method="L-BFGS-B", bounds=[*log_t, (-limit, limit)])
        for z in (float(np.arctanh(np.clip(_plain_correlation(x), -0.95, 0.95))), 0.0)
    ]
    best = min(tried, key=lambda one: float(one.fun))
    z, half = float(best.x[2]), float(stdtrit(k - 2, TAILS[1]))
    widening = float(np.sqrt((k - 1.0) / (k - 3.0)))
    if abs(z) > 0.99 * limit:
        # A correlation of 1 or -1: the interval ends where the profile of the likelihood has fallen enough.
        sign = float(np.sign(z))

        def steps(at: float) -> float:
            """Standard errors from the maximum to a value of atanh r."""

            def held(t: FloatArray) -> float:
                return deviance(np.array([t[0], t[1], sign * at]))

            profile = minimize(held, [best.x[0], best.x[1]], method="L-BFGS-B", bounds=log_t)
            return float(np.sqrt(max(float(profile.fun) - float(best.fun), 0.0))) / widening

        inner = -1.0
        if steps(-limit) > half:
            inner = float(np.tanh(brentq(lambda at: steps(at) - half, -limit, limit)))
        low, high = sorted((sign * inner, sign))
        p_value = float(2.0 * stdtr(k - 2, -steps(0.0)))
        return replace(pair, between=sign, ci95=(low, high), p_value=p_value)
    sides = SETTINGS.step * np.eye(3)

    def mixed(a: FloatArray, b: FloatArray) -> float:
        """Second difference of the deviance along two steps."""
        at = best.x
        return deviance(at + a + b) - deviance(at + a - b) - deviance(at - a + b) + deviance(at - a - b)

    hessian = np.array([[mixed(a, b) for b in sides] for a in sides]) / (4.0 * SETTINGS.step**2)
    curved = bool(np.all(np.isfinite(hessian))) and np.linalg.eigvalsh(hessian)[0] > 0.0
    if not curved or min(best.x[:2]) < -6.0:
        return replace(pair, reason="the likelihood has no clear maximum; there are too few devices")
    error = float(np.sqrt(2.0 * np.linalg.inv(hessian)[2, 2])) * widening
    return replace(
        pair,
        between=float(np.tanh(z)),
        ci95=(float(np.tanh(z - error * half)), float(np.tanh(z + error * half))),
        p_value=float(2.0 * stdtr(k - 2, -abs(z) / error)),
    )


def _plain_correlation(x: FloatArray) -> float:
    """Correlation of (k, 2) values as they are; 0 where one does not vary."""
    d = x - x.mean(axis=0)
    size = float(np.sqrt((d[:, 0] @ d[:, 0]) * (d[:, 1] @ d[:, 1])))
    return float(d[:, 0] @ d[:, 1]) / size if size > 0.0 else 0.0
