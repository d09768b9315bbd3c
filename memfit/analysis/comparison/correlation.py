"""How two parameters go together across devices, told apart from the correlation of their errors in a fit.

The values of device i scatter around the mean by b_i ~ N(0, T), which is physics, and by e_i ~ N(0, S_i),
which the fit knows. For each pair of parameters T = [[t1^2, r t1 t2], [r t1 t2, t2^2]] is estimated by the
restricted likelihood of the bivariate random-effects model (van Houwelingen, Arends & Stijnen, Stat. Med.
2002, 21, 589), so that r is free of the errors. Its interval is that of Fisher's z with Student's t: the
curvature of the likelihood, widened by (k - 1)/(k - 3) so that it is Fisher's 1/(k - 3) where the errors
vanish.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import stdtr, stdtrit

from memfit.analysis.comparison.pooling import Interval, holm, restricted_maximum
from memfit.arrays import FloatArray
from memfit.confidence import TAILS

_FEWEST = 4
"""Devices without which there is no interval of a correlation."""
_NO_SPREAD = 0.1
"""Standard deviation between devices, in typical errors of the fits, that leaves nothing to correlate."""
_LARGEST_Z = 6.0  # atanh of a correlation of 0.99999
_STEP = 1e-3


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
    between: float | None
    """Of the devices, free of the errors; None where it cannot be told."""
    ci95: Interval | None
    p_value: float | None
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
        Values in the scale of the fit, NaN where a device has none.
    covariance : (n, q, q) array
    """
    found = []
    for i, first in enumerate(names):
        for j, second in enumerate(names[:i]):
            both = np.isfinite(x[:, i]) & np.isfinite(x[:, j])
            if np.count_nonzero(both) >= 3:
                places = np.array([j, i])
                block = covariance[both][:, places][:, :, places]
                found.append(_pair(second, first, x[both][:, places], block))
    corrected = holm([np.nan if one.p_value is None else one.p_value for one in found])
    return tuple(
        BetweenCorrelation(**{**vars(one), "p_value": None if np.isnan(p) else float(p)})
        for one, p in zip(found, corrected, strict=True)
    )


def _pair(first: str, second: str, x: FloatArray, S: FloatArray) -> BetweenCorrelation:
    """One pair of quantities over (k, 2) values with (k, 2, 2) covariances."""
    k = len(x)
    typical = np.sqrt(np.median(S[:, [0, 1], [0, 1]], axis=0))
    errors = S[:, 0, 1] / np.sqrt(S[:, 0, 0] * S[:, 1, 1])
    known = {
        "first": first,
        "second": second,
        "devices": k,
        "observed": _observed(x),
        "within": float(np.mean(errors)),
    }
    spread = np.array([_spread(x[:, c], S[:, c, c]) for c in (0, 1)])
    if k < _FEWEST:
        return _unknown(known, f"it takes at least {_FEWEST} devices")
    flat = [name for name, t, s in zip((first, second), spread, typical, strict=True) if t <= _NO_SPREAD * s]
    if flat:
        return _unknown(known, f"{' and '.join(flat)} do not spread beyond the errors of the fits")
    return _estimated(known, (x - x.mean(axis=0)) / spread, S / np.outer(spread, spread), k)


def _estimated(known: dict[str, object], x: FloatArray, S: FloatArray, k: int) -> BetweenCorrelation:
    """Correlation, interval and p-value from the restricted likelihood, in units of the spreads."""
    deviance = _deviance(x, S)
    limit = (-_LARGEST_Z, _LARGEST_Z)
    start = float(np.arctanh(np.clip(_observed(x), -0.95, 0.95)))
    tried = [
        minimize(deviance, [0.0, 0.0, z], method="L-BFGS-B", bounds=[(-7.0, 7.0), (-7.0, 7.0), limit])
        for z in (start, 0.0)
    ]
    best = min(tried, key=lambda one: float(one.fun))
    z = float(best.x[2])
    widening = float(np.sqrt((k - 1.0) / (k - 3.0)))
    if abs(z) > 0.99 * _LARGEST_Z:
        return _at_the_end(known, deviance, np.asarray(best.x), float(best.fun), k)
    variance = _curvature(deviance, best.x)
    if variance is None or min(best.x[:2]) < -6.0:
        return _unknown(known, "the likelihood has no clear maximum; there are too few devices")
    error = float(np.sqrt(variance)) * widening
    half = error * float(stdtrit(k - 2, TAILS[1]))
    return BetweenCorrelation(
        **known,  # type: ignore[arg-type]
        between=float(np.tanh(z)),
        ci95=(float(np.tanh(z - half)), float(np.tanh(z + half))),
        p_value=float(2.0 * stdtr(k - 2, -abs(z) / error)),
    )


def _at_the_end(
    known: dict[str, object],
    deviance: Callable[[FloatArray], float],
    best: FloatArray,
    least: float,
    k: int,
) -> BetweenCorrelation:
    """A correlation of 1 or -1: the interval ends where the profile of the likelihood has fallen enough."""
    sign, dof, widening = float(np.sign(best[2])), k - 2, float(np.sqrt((k - 1.0) / (k - 3.0)))

    def steps(z: float) -> float:
        """Standard errors from the maximum to a value of atanh r."""

        def profile(t: FloatArray) -> float:
            return deviance(np.array([t[0], t[1], sign * z]))

        found = minimize(profile, [best[0], best[1]], method="L-BFGS-B", bounds=[(-7.0, 7.0), (-7.0, 7.0)])
        return float(np.sqrt(max(float(found.fun) - least, 0.0))) / widening

    wanted = float(stdtrit(dof, TAILS[1]))
    open_end = steps(-_LARGEST_Z) <= wanted
    inner = -1.0 if open_end else float(np.tanh(brentq(lambda z: steps(z) - wanted, -_LARGEST_Z, _LARGEST_Z)))
    ends = sorted((sign * inner, sign))
    return BetweenCorrelation(
        **known,  # type: ignore[arg-type]
        between=sign,
        ci95=(ends[0], ends[1]),
        p_value=float(2.0 * stdtr(dof, -steps(0.0))),
    )


def _deviance(x: FloatArray, S: FloatArray) -> Callable[[FloatArray], float]:
    """Minus twice the restricted log-likelihood, as a function of (log t1, log t2, atanh r)."""
    u, w = x.T
    s11, s22, s12 = S[:, 0, 0], S[:, 1, 1], S[:, 0, 1]

    def deviance(theta: FloatArray) -> float:
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

    return deviance


def _curvature(deviance: Callable[[FloatArray], float], at: FloatArray) -> float | None:
    """Variance of atanh r from the inverse of the Hessian; None where it is not positive."""
    steps = np.eye(3) * _STEP
    hessian = np.array(
        [
            [
                deviance(at + a + b) - deviance(at + a - b) - deviance(at - a + b) + deviance(at - a - b)
                for b in steps
            ]
            for a in steps
        ]
    ) / (4.0 * _STEP**2)
    if not np.all(np.isfinite(hessian)) or np.linalg.eigvalsh(hessian)[0] <= 0.0:
        return None
    return float(2.0 * np.linalg.inv(hessian)[2, 2])


def _spread(y: FloatArray, v: FloatArray) -> float:
    """Between-device standard deviation of one quantity by REML."""
    basis = np.full((y.size, 1), 1.0 / np.sqrt(y.size))
    return float(np.sqrt(restricted_maximum(y - y.mean(), v, basis)))


def _observed(x: FloatArray) -> float:
    """Correlation of the values as they are; 0 where one does not vary."""
    d = x - x.mean(axis=0)
    size = float(np.sqrt((d[:, 0] @ d[:, 0]) * (d[:, 1] @ d[:, 1])))
    return float(d[:, 0] @ d[:, 1]) / size if size > 0.0 else 0.0


def _unknown(known: dict[str, object], reason: str) -> BetweenCorrelation:
    """No estimate, with the reason."""
    return BetweenCorrelation(**known, between=None, ci95=None, p_value=None, reason=reason)  # type: ignore[arg-type]
