"""The level of confidence at which memfit speaks, and the quantiles that follow from it: the only place.

Every interval, region and limit is at `LEVEL`. Another level is another number here.
"""

from functools import lru_cache
from statistics import NormalDist

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
