"""Devices that do not belong: the generalised extreme studentised deviate test with known variances.

Rosner (Technometrics 1983, 25, 165) takes the most extreme value away, again and again, so that outliers
cannot hide each other behind the spread they make. Here the deviation of device j is measured against what
the others say, (y_j - mean)/sqrt(v_j + tau^2 + stderr^2), with mean and tau^2 by REML without it, and
compared with Student's t after Bonferroni over the devices that are left.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from memfit.analysis.comparison_pooling import fit_mixed
from memfit.arrays import BoolArray, FloatArray

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
