"""The level of confidence at which memfit speaks, and the quantiles that follow from it: the only place.

Every interval, region and limit is at `LEVEL`. Another level is another number here.
"""

import math
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memfit.arrays import FloatArray

LEVEL = 0.95
"""Share of intervals that hold the truth."""

Z = round(NormalDist().inv_cdf(0.5 + 0.5 * LEVEL), 15)
"""Half an interval of a normal variable, in standard deviations: 1.960."""

CHI2_1 = Z * Z
"""Rise of chi2 at the ends of the interval of one parameter: 3.841."""

TAILS = (round(0.5 - 0.5 * LEVEL, 15), round(0.5 + 0.5 * LEVEL, 15))
"""Quantiles between which an interval lies: 0.025 and 0.975."""


@lru_cache
def chi2_quantile(dof: int, level: float = LEVEL) -> float:
    """Value that chi2 of `dof` degrees of freedom stays below with a probability.

    Parameters
    ----------
    dof : int
        Degrees of freedom, 1 or more.
    level : float
        The probability, 0 to 1.
    """
    from scipy.special import gammaincinv  # noqa: PLC0415 - the command line starts without scipy

    return float(2.0 * gammaincinv(0.5 * dof, level))


def confidence_region(
    center: "FloatArray", covariance: "FloatArray", points: int
) -> "tuple[FloatArray, FloatArray]":
    """Outline of the region that holds two normal variables at the level of confidence.

    Parameters
    ----------
    center : (2,) array
    covariance : (2, 2) array
    points : int
        Of the outline, first and last alike.
    """
    import numpy as np  # noqa: PLC0415 - the command line starts without numpy

    variances, axes = np.linalg.eigh(covariance)
    angle = np.linspace(0.0, 2.0 * np.pi, points)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    steps = np.sqrt(chi2_quantile(2)) * (axes * np.sqrt(np.maximum(variances, 0.0))) @ circle
    return center[0] + steps[0], center[1] + steps[1]


def probability_below_0(value: float, error: float) -> float:
    """That a normal quantity is below 0.

    Parameters
    ----------
    value, error : float
        And its standard error.
    """
    if error == 0.0:
        return float(value < 0.0)
    return 0.5 * math.erfc(value / (math.sqrt(2.0) * error))
