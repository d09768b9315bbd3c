"""One quantity over many devices: whether it is the same in all, its mean, and how far the devices spread.

Device i has the value y_i with the variance v_i of its fit. With X a column of ones, or the attributes of the
devices, the mixed-effects model is

    y_i = X_i beta + b_i + e_i,    b_i ~ N(0, tau^2),    e_i ~ N(0, v_i).

tau^2 is the maximum of the restricted likelihood (REML); Q is Cochran's statistic with the weights 1/v_i;
I^2 is tau^2 beside a typical v_i (Higgins & Thompson, Stat. Med. 2002, 21, 1539); the interval of tau^2 is
the Q-profile (Viechtbauer, Stat. Med. 2007, 26, 37); intervals of beta are those of Knapp & Hartung (Stat.
Med. 2003, 22, 2693), never narrower than with the known weights. Names and formulas are those of
Viechtbauer, J. Stat. Softw. 2010, 36(3).

Differences between any two devices, with the covariances of both fits.

Fits are independent, so the difference of two parameter vectors has the sum of their covariances. Each
parameter is tested by itself (Wald), and all parameters of a pair together: d^T (S_i + S_j)^-1 d is chi-
square. p-values are corrected for their number by Holm's step-down method (Scand. J. Stat. 1979, 6, 65),
over all pairs and parameters for the single tests, and over all pairs for the joint ones.

Devices that do not belong: the generalised extreme studentised deviate test with known variances.

Rosner (Technometrics 1983, 25, 165) takes the most extreme value away, again and again, so that outliers
cannot hide each other behind the spread they make. Here the deviation of device j is measured against what
the others say, (y_j - mean)/sqrt(v_j + tau^2 + stderr^2), with mean and tau^2 by REML without it, and
compared with Student's t after Bonferroni over the devices that are left.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar
from scipy.special import chdtrc, chdtri, ndtr, stdtr, stdtrit

from memfit.arrays import BoolArray, FloatArray, IntArray
from memfit.confidence import TAILS

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


Interval = tuple[float, float]

_GRID = np.concatenate([[0.0], np.logspace(-8.0, 1.5, 58)])
"""Between-device variances tried first, in units of the variance of the residuals."""
_TOLERANCE = 1e-9  # of log tau^2
_LARGEST_VARIANCE = 1e12  # of the variance of the residuals: where an upper end of tau^2 is open
_RANK = 1e-10  # singular values of the attributes below this share of the largest are none


@dataclass(frozen=True, kw_only=True, eq=False)
class MixedFit:
    """A mixed-effects regression over devices."""

    coefficients: FloatArray
    """(p,) beta."""
    covariance: FloatArray
    """(p, p) of beta, with tau^2 taken as known."""
    inflation: float
    """Factor on the covariance of Knapp and Hartung, at least 1."""
    dof: int
    """Devices minus coefficients."""
    tau2: float
    """Variance between devices that X leaves."""
    Q: float
    """Cochran's statistic; chi-square with `dof` where nothing but the errors of the fits is left."""
    p_heterogeneity: float
    I2: float
    """Share of the variance left that is between devices, 0 to 1."""

    @property
    def stderr(self) -> FloatArray:
        """(p,) standard errors of the coefficients, with tau^2 taken as known."""
        result: FloatArray = np.sqrt(np.diag(self.covariance))
        return result

    @property
    def careful_stderr(self) -> FloatArray:
        """(p,) standard errors after Knapp and Hartung."""
        result: FloatArray = self.stderr * np.sqrt(self.inflation)
        return result

    def interval95(self) -> FloatArray:
        """(p, 2) intervals of the coefficients, by Student's t."""
        half = stdtrit(self.dof, TAILS[1]) * self.careful_stderr
        return np.column_stack([self.coefficients - half, self.coefficients + half])

    def p_values(self, expected: FloatArray | float = 0.0) -> FloatArray:
        """(p,) two-sided p-values of the coefficients against `expected`."""
        result: FloatArray = 2.0 * stdtr(
            self.dof, -np.abs(self.coefficients - expected) / self.careful_stderr
        )
        return result


@dataclass(frozen=True, kw_only=True)
class Pooled:
    """One quantity over all devices, in the scale in which it is fitted."""

    devices: int
    mean: float
    """Pooled mean; of the natural logarithm for positive quantities."""
    stderr: float
    mean_ci95: Interval
    tau: float
    """Standard deviation between devices."""
    tau_ci95: Interval
    predicted95: Interval
    """Where another device of the same kind would lie."""
    Q: float
    dof: int
    p_heterogeneity: float
    I2: float


def fit_mixed(y: FloatArray, v: FloatArray, X: FloatArray) -> MixedFit:
    """The mixed-effects regression of values with known variances.

    Parameters
    ----------
    y : (k,) array
    v : (k,) array
        Variances, above 0.
    X : (k, p) array
        Of full rank, with p < k.
    """
    basis, triangle = np.linalg.qr(X)
    fixed = basis @ (basis.T @ y)
    residual = y - fixed  # the restricted likelihood does not see what X explains: better conditioned
    tau2 = restricted_maximum(residual, v, basis)
    gamma, covariance, left = _weighted(residual, v + tau2, basis)
    dof = len(y) - X.shape[1]
    inverse = np.linalg.inv(triangle)
    Q = _weighted(residual, v, basis)[2]
    return MixedFit(
        coefficients=inverse @ (basis.T @ y + gamma),
        covariance=inverse @ covariance @ inverse.T,
        inflation=max(1.0, left / dof),
        dof=dof,
        tau2=tau2,
        Q=Q,
        p_heterogeneity=float(chdtrc(dof, Q)),
        I2=tau2 / (tau2 + _typical_variance(v, basis, dof)),
    )


def pool(y: FloatArray, v: FloatArray) -> Pooled:
    """Mean, spread and heterogeneity of one quantity over at least two devices.

    Parameters
    ----------
    y : (k,) array
    v : (k,) array
        Variances, above 0.
    """
    ones = np.ones((y.size, 1))
    found = fit_mixed(y, v, ones)
    spread = np.sqrt(_profile_interval(y - y.mean(), v, ones / np.sqrt(y.size), found.dof))
    mean, half = float(found.coefficients[0]), float(stdtrit(found.dof, TAILS[1]))
    ahead = half * float(np.hypot(np.sqrt(found.tau2), found.careful_stderr[0]))
    low, high = found.interval95()[0]
    return Pooled(
        devices=y.size,
        mean=mean,
        stderr=float(found.stderr[0]),
        mean_ci95=(float(low), float(high)),
        tau=float(np.sqrt(found.tau2)),
        tau_ci95=(float(spread[0]), float(spread[1])),
        predicted95=(mean - ahead, mean + ahead),
        Q=found.Q,
        dof=found.dof,
        p_heterogeneity=found.p_heterogeneity,
        I2=found.I2,
    )


def has_full_rank(X: FloatArray) -> bool:
    """Whether the columns of X can be told apart."""
    singular = np.linalg.svd(X / np.maximum(np.linalg.norm(X, axis=0), 1e-300), compute_uv=False)
    return bool(singular[-1] > _RANK * singular[0])


def restricted_maximum(residual: FloatArray, v: FloatArray, basis: FloatArray) -> float:
    """tau^2 at the maximum of the restricted likelihood; 0 where it falls from there.

    Parameters
    ----------
    residual : (k,) array
        What the regression without weights leaves.
    v : (k,) array
        Variances.
    basis : (k, p) array
        Orthonormal columns that span the attributes.
    """
    size = float(residual @ residual) / max(residual.size - basis.shape[1], 1)
    if size == 0.0:
        return 0.0
    tried = size * _GRID
    likelihood = restricted_likelihood(tried, residual, v, basis)
    best = int(np.argmax(likelihood))
    low, high = max(best - 1, 1), min(best + 1, tried.size - 1)
    found = minimize_scalar(
        lambda log_tau2: -restricted_likelihood(np.exp([log_tau2]), residual, v, basis)[0],
        bounds=(float(np.log(tried[low])), float(np.log(tried[high]))),
        method="bounded",
        options={"xatol": _TOLERANCE},
    )
    return float(np.exp(found.x)) if -found.fun > likelihood[0] else 0.0


def restricted_likelihood(
    tau2: FloatArray, residual: FloatArray, v: FloatArray, basis: FloatArray
) -> FloatArray:
    """(g,) restricted log-likelihoods, up to a constant, at (g,) values of tau^2.

    -1/2 (sum log(v + tau^2) + log det X^T W X + r^T P r) with W = 1/(v + tau^2).
    """
    w = 1.0 / (v + tau2[:, None])
    p = basis.shape[1]
    products = (basis[:, :, None] * basis[:, None, :]).reshape(v.size, p * p)
    information = (w @ products).reshape(-1, p, p)
    pull = w @ (basis * residual[:, None])
    explained = np.einsum("gp,gp->g", pull, np.linalg.solve(information, pull[..., None])[..., 0])
    quadratic = w @ residual**2 - explained
    determinant = np.linalg.slogdet(information)[1]
    result: FloatArray = -0.5 * (-np.sum(np.log(w), axis=1) + determinant + quadratic)
    return result


def _weighted(y: FloatArray, variance: FloatArray, X: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Coefficients, their covariance, and the weighted sum of squares left."""
    w = 1.0 / variance
    covariance = np.asarray(np.linalg.inv((X.T * w) @ X), dtype=np.float64)
    coefficients = covariance @ (X.T @ (w * y))
    left = y - X @ coefficients
    return coefficients, covariance, float(w @ left**2)


def _typical_variance(v: FloatArray, X: FloatArray, dof: int) -> float:
    """The v of Higgins and Thompson: dof over the trace of P at tau^2 = 0."""
    w = 1.0 / v
    information = (X.T * w) @ X
    trace = float(np.sum(w) - np.trace(np.linalg.solve(information, (X.T * w**2) @ X)))
    return dof / trace


def _profile_interval(residual: FloatArray, v: FloatArray, basis: FloatArray, dof: int) -> Interval:
    """The tau^2 at which the weighted sum of squares has a tail of 2.5 % on either side."""
    low, high = (_where_left_is(float(chdtri(dof, q)), residual, v, basis) for q in TAILS)
    return low, high


def _where_left_is(wanted: float, residual: FloatArray, v: FloatArray, basis: FloatArray) -> float:
    """The tau^2 at which the weighted sum of squares falls to a value; 0 where it starts below."""

    def excess(tau2: float) -> float:
        return _weighted(residual, v + tau2, basis)[2] - wanted

    if excess(0.0) <= 0.0:
        return 0.0
    high = float(residual @ residual) + float(v.max())
    limit = _LARGEST_VARIANCE * high
    while excess(high) > 0.0 and high < limit:
        high *= 4.0
    return float(brentq(excess, 0.0, high, xtol=1e-300, rtol=1e-10)) if high < limit else high


_LEVEL = 0.01
"""Corrected p-values below which a device is outlying; 0.05 would find one in every tenth comparison."""
_FEWEST = 4
"""Devices without which nothing can be called outlying."""
_SHARE, _MOST = 5, 40
"""At most one device in five is called outlying, and no more than 40."""
_PATIENCE = 10
"""Rounds without an outlier after which no more are looked for."""


@dataclass(frozen=True, kw_only=True)
class Outlier:
    """A device that one quantity sets apart."""

    device: int
    """Its place among the devices given."""
    deviation: float
    """From the mean of the others, in the scale of the fit."""
    score: float
    """The same in its standard deviations."""
    p_value: float
    """After Bonferroni."""


def find_outliers(y: FloatArray, v: FloatArray) -> tuple[Outlier, ...]:
    """The outlying devices of one quantity, the most extreme first.

    Parameters
    ----------
    y : (k,) array
    v : (k,) array
        Variances, above 0.
    """
    if y.size < _FEWEST:
        return ()
    left = np.ones(y.size, dtype=bool)
    mean, tau2, _ = _mean_of(y, v, left)
    found: list[Outlier] = []
    outlying = idle = 0
    for _ in range(min(max(y.size // _SHARE, 1), _MOST, y.size - _FEWEST + 1)):
        score = np.where(left, np.abs(y - mean) / np.sqrt(v + tau2), -1.0)
        worst = int(np.argmax(score))
        left[worst] = False
        mean, tau2, stderr = _mean_of(y, v, left)
        spread = float(np.sqrt(v[worst] + tau2 + stderr**2))
        one = _against(worst, float(y[worst] - mean), spread, int(np.count_nonzero(left)))
        found.append(one)
        outlying, idle = (len(found), 0) if one.p_value < _LEVEL else (outlying, idle + 1)
        if idle >= _PATIENCE:
            break
    return tuple(found[:outlying])


def _against(worst: int, deviation: float, spread: float, others: int) -> Outlier:
    """One device against what the others say."""
    score = deviation / spread
    p = 2.0 * float(stdtr(others - 1, -abs(score))) * (others + 1)
    return Outlier(device=worst, deviation=deviation, score=score, p_value=min(p, 1.0))


def _mean_of(y: FloatArray, v: FloatArray, which: BoolArray) -> tuple[float, float, float]:
    """Mean, tau^2 and standard error over some devices."""
    found = fit_mixed(y[which], v[which], np.ones((int(np.count_nonzero(which)), 1)))
    return float(found.coefficients[0]), found.tau2, float(found.careful_stderr[0])
