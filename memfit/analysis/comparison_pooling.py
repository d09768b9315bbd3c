"""One quantity over many devices: whether it is the same in all, its mean, and how far the devices spread.

Device i has the value y_i with the variance v_i of its fit. With X a column of ones, or the attributes of the
devices, the mixed-effects model is

    y_i = X_i beta + b_i + e_i,    b_i ~ N(0, tau^2),    e_i ~ N(0, v_i).

tau^2 is the maximum of the restricted likelihood (REML); Q is Cochran's statistic with the weights 1/v_i;
I^2 is tau^2 beside a typical v_i (Higgins & Thompson, Stat. Med. 2002, 21, 1539); the interval of tau^2 is
the Q-profile (Viechtbauer, Stat. Med. 2007, 26, 37); intervals of beta are those of Knapp & Hartung (Stat.
Med. 2003, 22, 2693), never narrower than with the known weights. Names and formulas are those of
Viechtbauer, J. Stat. Softw. 2010, 36(3).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import chdtrc, chdtri, stdtr, stdtrit

from memfit.arrays import FloatArray

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
        half = stdtrit(self.dof, 0.975) * self.careful_stderr
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
    mean, half = float(found.coefficients[0]), float(stdtrit(found.dof, 0.975))
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
    low, high = (_where_left_is(float(chdtri(dof, q)), residual, v, basis) for q in (0.025, 0.975))
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
