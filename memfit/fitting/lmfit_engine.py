"""The one engine of lmfit: a patient search for a minimum.

lmfit hands the problem to scipy's trust-region reflective method (Branch, Coleman & Li, SIAM J. Sci. Comput.
1999, 21, 1) with the exact Jacobian; it keeps to bounds without distorting the problem inside them. lmfit is
imported where it is used: that takes a second, and only who fits shall wait for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from memfit.arrays import FloatArray

_NOTHING, _SHORT = 1e-5, 20
"""Relative fall of chi2 that is none, and how many evaluations without any are a standstill."""
_INSET = 1e-9
"""Of a range: distance from its bounds of a start, for lmfit takes none on them."""


class Residuals(Protocol):
    """What is minimised: the sum of squares of `residuals`."""

    def residuals(self, x: FloatArray, /) -> FloatArray:
        """(k,) residuals."""

    def jacobian(self, x: FloatArray, /) -> FloatArray:
        """(k, m) derivatives of the residuals."""


@dataclass(frozen=True)
class Stop:
    """Where a search stopped."""

    x: FloatArray
    """(m,)."""
    chi2: float
    """Sum of squared residuals."""
    converged: bool
    message: str
    evaluations: int


def trust_region(
    problem: Residuals,
    names: Sequence[str],
    start: FloatArray,
    bounds: FloatArray,
    *,
    tolerance: float = 1e-10,
    most: int = 200,
) -> Stop:
    """Least squares from one start, by lmfit.

    Parameters
    ----------
    problem : Residuals
    names : sequence of str
        m names, for lmfit.
    start : (m,) array
    bounds : (m, 2) array
        Lowest and highest value.
    tolerance : float
        Relative change of chi2 and of the vector at which to stop.
    most : int
        Evaluations of the residuals.
    """
    import lmfit  # noqa: PLC0415 - takes a second

    parameters = lmfit.Parameters()
    for name, value, (low, high) in zip(names, start, bounds, strict=True):
        inset = _INSET * (high - low)
        parameters.add(name, value=float(np.clip(value, low + inset, high - inset)), min=low, max=high)
    history: list[float] = []

    def remembered(x: FloatArray) -> FloatArray:
        residuals = problem.residuals(x)
        history.append(float(residuals @ residuals))
        return residuals

    def at(function: Callable[[FloatArray], FloatArray]) -> Callable[..., FloatArray]:
        return lambda p, **_: function(np.array([p[name].value for name in names]))

    minimizer = lmfit.Minimizer(at(remembered), parameters, calc_covar=False, nan_policy="raise")
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # lmfit's own errors of open values
        outcome = minimizer.minimize(
            method="least_squares",
            jac=at(problem.jacobian),
            x_scale="jac",
            ftol=tolerance,
            xtol=tolerance,
            gtol=1e-12,
            max_nfev=most,
        )
    x = np.array([outcome.params[name].value for name in names])
    residuals = problem.residuals(x)
    half = len(history) // 2  # along a direction that the data do not determine it may walk for ever
    still = half > _SHORT and min(history[:half]) - min(history) <= _NOTHING * min(history)
    return Stop(
        x=x,
        chi2=float(residuals @ residuals),
        converged=(bool(outcome.success) and not outcome.aborted) or still,
        message=str(outcome.message),
        evaluations=int(outcome.nfev),
    )
