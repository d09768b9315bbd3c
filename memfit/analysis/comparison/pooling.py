"""One quantity over many devices: whether it is the same in all, its mean, their spread, and who stands out.

Device i has the value y_i with the variance v_i of its fit. With X a column of ones, or the attributes of the
devices, the mixed-effects model is

    y_i = X_i beta + b_i + e_i,    b_i ~ N(0, tau^2),    e_i ~ N(0, v_i).

tau^2 is the maximum of the restricted likelihood (REML); Q is Cochran's statistic with the weights 1/v_i;
I^2 is tau^2 beside a typical v_i (Higgins & Thompson, Stat. Med. 2002, 21, 1539); the interval of tau^2 is
the Q-profile (Viechtbauer, Stat. Med. 2007, 26, 37); intervals of beta are those of Knapp & Hartung (Stat.
Med. 2003, 22, 2693), never narrower than with the known weights. Names and formulas are those of
Viechtbauer, J. Stat. Softw. 2010, 36(3).

Devices that do not belong are found by the generalised extreme studentised deviate test (Rosner,
Technometrics 1983, 25, 165), which takes the most extreme value away, again and again, so that outliers
cannot hide each other. With known variances the deviation of device j is measured against what the others
say, (y_j - mean)/sqrt(v_j + tau^2 + stderr^2), with mean and tau^2 by REML without it, and compared with
Student's t after Bonferroni over the devices that are left.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import chdtrc, chdtri, stdtr, stdtrit

from memfit.arrays import BoolArray, FloatArray, Interval
from memfit.confidence import TAILS


@dataclass(frozen=True)
class Settings:
    """Numbers behind pooled values and outliers."""

    tolerance: float = 1e-9
    """Of log tau^2."""
    largest_variance: float = 1e12
    """Of the variance of the residuals: where an upper end of tau^2 is open."""
    rank: float = 1e-10
    """Singular values of the attributes below this share of the largest are none."""
    outlying_level: float = 0.01
    """Corrected p-values below which a device is outlying; 0.05 would find one in every tenth comparison."""
    fewest: int = 4
    """Devices without which nothing can be called outlying."""
    share: int = 5
    """At most one device in so many is called outlying,"""
    most: int = 40
    """and no more than these."""
    patience: int = 10
    """Rounds without an outlier after which no more are looked for."""


SETTINGS = Settings()

_GRID = np.concatenate([[0.0], np.logspace(-8.0, 1.5, 58)])
"""Between-device variances tried first, in units of the variance of the residuals."""


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
        score = np.abs(self.coefficients - expected) / self.careful_stderr
        result: FloatArray = 2.0 * stdtr(self.dof, -score)
        return result


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
    tau2 = _restricted_maximum(residual, v, basis)
    gamma, covariance, left = _weighted(residual, v + tau2, basis)
    dof = len(y) - X.shape[1]
    inverse = np.linalg.inv(triangle)
    Q = _weighted(residual, v, basis)[2]
    w = 1.0 / v
    information = (basis.T * w) @ basis
    trace = float(np.sum(w) - np.trace(np.linalg.solve(information, (basis.T * w**2) @ basis)))
    typical = dof / trace  # the v of Higgins and Thompson: dof over the trace of P at tau^2 = 0
    return MixedFit(
        coefficients=inverse @ (basis.T @ y + gamma),
        covariance=inverse @ covariance @ inverse.T,
        inflation=max(1.0, left / dof),
        dof=dof,
        tau2=tau2,
        Q=Q,
        p_heterogeneity=float(chdtrc(dof, Q)),
        I2=tau2 / (tau2 + typical),
    )


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


def pool(y: FloatArray, v: FloatArray) -> Pooled:
    """Mean, spread and heterogeneity of one quantity over at least two devices.

    Parameters
    ----------
    y : (k,) array
    v : (k,) array
        Variances, above 0.
    """
    ones = np.ones((y.size, 1))
    constant = fit_mixed(y, v, ones)
    residual, basis = y - y.mean(), ones / np.sqrt(y.size)

    def limit(quantile: float) -> float:
        """The tau at which the weighted sum of squares falls to a quantile; 0 where it starts below."""
        wanted = float(chdtri(constant.dof, quantile))

        def excess(tau2: float) -> float:
            return _weighted(residual, v + tau2, basis)[2] - wanted

        if excess(0.0) <= 0.0:
            return 0.0
        high = float(residual @ residual) + float(v.max())
        largest = SETTINGS.largest_variance * high
        while excess(high) > 0.0 and high < largest:
            high *= 4.0
        tau2 = float(brentq(excess, 0.0, high, xtol=1e-300, rtol=1e-10)) if high < largest else high
        return float(np.sqrt(tau2))

    mean, half = float(constant.coefficients[0]), float(stdtrit(constant.dof, TAILS[1]))
    ahead = half * float(np.hypot(np.sqrt(constant.tau2), constant.careful_stderr[0]))
    low, high = constant.interval95()[0]
    return Pooled(
        devices=y.size,
        mean=mean,
        stderr=float(constant.stderr[0]),
        mean_ci95=(float(low), float(high)),
        tau=float(np.sqrt(constant.tau2)),
        tau_ci95=(limit(TAILS[0]), limit(TAILS[1])),
        predicted95=(mean - ahead, mean + ahead),
        Q=constant.Q,
        dof=constant.dof,
        p_heterogeneity=constant.p_heterogeneity,
        I2=constant.I2,
    )


def has_full_rank(X: FloatArray) -> bool:
    """Whether the columns of X can be told apart.

    Parameters
    ----------
    X : (k, p) array
    """
    singular = np.linalg.svd(X / np.maximum(np.linalg.norm(X, axis=0), 1e-300), compute_uv=False)
    return bool(singular[-1] > SETTINGS.rank * singular[0])


def spread_between(y: FloatArray, v: FloatArray) -> float:
    """Standard deviation between devices of values with known variances, by REML.

    Parameters
    ----------
    y : (k,) array
    v : (k,) array
        Variances, above 0.
    """
    basis = np.full((y.size, 1), 1.0 / np.sqrt(y.size))
    return float(np.sqrt(_restricted_maximum(y - y.mean(), v, basis)))


def _restricted_maximum(residual: FloatArray, v: FloatArray, basis: FloatArray) -> float:
    """tau^2 at the maximum of the restricted likelihood; 0 where it falls from there.

    `residual` is what the regression without weights leaves, `basis` (k, p) spans the attributes and is
    orthonormal. With W = 1/(v + tau^2) the likelihood is, up to a constant,
    -1/2 (sum log(v + tau^2) + log det X^T W X + r^T P r).
    """
    p = basis.shape[1]
    size = float(residual @ residual) / max(residual.size - p, 1)
    if size == 0.0:
        return 0.0
    products = (basis[:, :, None] * basis[:, None, :]).reshape(v.size, p * p)

    def likelihood(tau2: FloatArray) -> FloatArray:
        w = 1.0 / (v + tau2[:, None])
        information = (w @ products).reshape(-1, p, p)
        pull = w @ (basis * residual[:, None])
        explained = np.einsum("gp,gp->g", pull, np.linalg.solve(information, pull[..., None])[..., 0])
        quadratic = w @ residual**2 - explained
        result: FloatArray = -0.5 * (
            -np.sum(np.log(w), axis=1) + np.linalg.slogdet(information)[1] + quadratic
        )
        return result

    tried = size * _GRID
    values = likelihood(tried)
    best = int(np.argmax(values))
    low, high = max(best - 1, 1), min(best + 1, tried.size - 1)
    maximum = minimize_scalar(
        lambda log_tau2: -likelihood(np.exp([log_tau2]))[0],
        bounds=(float(np.log(tried[low])), float(np.log(tried[high]))),
        method="bounded",
        options={"xatol": SETTINGS.tolerance},
    )
    return float(np.exp(maximum.x)) if -maximum.fun > values[0] else 0.0


def _weighted(y: FloatArray, variance: FloatArray, X: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Coefficients, their covariance, and the weighted sum of squares left."""
    w = 1.0 / variance
    covariance = np.asarray(np.linalg.inv((X.T * w) @ X), dtype=np.float64)
    coefficients = covariance @ (X.T @ (w * y))
    left = y - X @ coefficients
    return coefficients, covariance, float(w @ left**2)


@dataclass(frozen=True, kw_only=True)
class Outlying:
    """A device that one quantity sets apart from the others."""

    device: int
    """Its place among the devices."""
    quantity: str = ""
    deviation: float
    """From the mean of the others, in the scale of the comparison."""
    score: float
    """The same in standard deviations of what the others predict."""
    p_value: float
    """After Bonferroni's correction over the devices."""


def find_outliers(y: FloatArray, v: FloatArray) -> tuple[Outlying, ...]:
    """The outlying devices of one quantity, the most extreme first.

    Parameters
    ----------
    y : (k,) array
    v : (k,) array
        Variances, above 0.
    """
    if y.size < SETTINGS.fewest:
        return ()
    left = np.ones(y.size, dtype=bool)
    mean, tau2, _ = _mean_of(y, v, left)
    extreme: list[Outlying] = []
    outlying = idle = 0
    for _ in range(min(max(y.size // SETTINGS.share, 1), SETTINGS.most, y.size - SETTINGS.fewest + 1)):
        worst = int(np.argmax(np.where(left, np.abs(y - mean) / np.sqrt(v + tau2), -1.0)))
        left[worst] = False
        mean, tau2, stderr = _mean_of(y, v, left)
        spread = float(np.sqrt(v[worst] + tau2 + stderr**2))
        others, deviation = int(np.count_nonzero(left)), float(y[worst] - mean)
        score = deviation / spread
        p = min(2.0 * float(stdtr(others - 1, -abs(score))) * (others + 1), 1.0)
        extreme.append(Outlying(device=worst, deviation=deviation, score=score, p_value=p))
        outlying, idle = (len(extreme), 0) if p < SETTINGS.outlying_level else (outlying, idle + 1)
        if idle >= SETTINGS.patience:
            break
    return tuple(extreme[:outlying])


def _mean_of(y: FloatArray, v: FloatArray, which: BoolArray) -> tuple[float, float, float]:
    """Mean, tau^2 and standard error over some devices."""
    constant = fit_mixed(y[which], v[which], np.ones((int(np.count_nonzero(which)), 1)))
    return float(constant.coefficients[0]), constant.tau2, float(constant.careful_stderr[0])
