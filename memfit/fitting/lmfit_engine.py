"""The one room that knows lmfit: least squares with the exact Jacobian, inside bounds.

lmfit hands the problem to scipy's trust-region reflective method (Branch, Coleman & Li, SIAM J. Sci. Comput.
1999, 21, 1), which keeps to bounds without distorting the problem inside them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.unknowns import Unknown

NEEDED = 16.0
"""Fall of chi2 that a term of the instruments must bring, each: four standard errors."""
_BOUND_MARGIN = 1e-6
MAX_EVALUATIONS = 200
_NOTHING, _SHORT = 1e-5, 20
"""Relative fall of chi2 that is none, and how many evaluations without any are a standstill."""


class Problem(Protocol):
    """What is minimised: the sum of squares of `residuals`."""

    def residuals(self, x: FloatArray, /) -> FloatArray:
        """(k,) residuals."""

    def jacobian(self, x: FloatArray, /) -> FloatArray:
        """(k, m) derivatives of the residuals."""


@dataclass(frozen=True)
class Minimum:
    """Where the minimiser stopped."""

    x: FloatArray
    """(m,) the vector."""
    chi2: float
    """Sum of squared residuals."""
    converged: bool
    message: str
    evaluations: int
    at_bound: tuple[str, ...]
    """Names of unknowns that ended on a bound."""

    @classmethod
    def at(cls, x: FloatArray, unknowns: Sequence[Unknown]) -> "Minimum":
        """A place that nothing is known of but which unknowns lie on a bound."""
        on_bound = tuple(u.name for u, v in zip(unknowns, x, strict=True) if _on_bound(u, float(v)))
        return cls(x=x, chi2=np.nan, converged=False, message="", evaluations=0, at_bound=on_bound)


def minimise(
    problem: Problem,
    unknowns: Sequence[Unknown],
    start: FloatArray,
    *,
    tolerance: float = 1e-10,
    max_evaluations: int = MAX_EVALUATIONS,
) -> Minimum:
    """Least squares from one start.

    Parameters
    ----------
    problem : Problem
    unknowns : sequence of Unknown
        Names and bounds, in the order of the vector.
    start : (m,) array
    tolerance : float
        Relative change of chi2 and of the vector at which to stop.
    max_evaluations : int
        Of the residuals.
    """
    parameters = to_lmfit(unknowns, start)
    names = [unknown.name for unknown in unknowns]

    history: list[float] = []

    def remembered(x: FloatArray) -> FloatArray:
        residuals = problem.residuals(x)
        history.append(float(residuals @ residuals))
        return residuals

    def at(function: Callable[[FloatArray], FloatArray]) -> Callable[..., FloatArray]:
        def wrapped(p: Any, **_: Any) -> FloatArray:
            return function(np.array([p[name].value for name in names]))

        return wrapped

    minimizer = _lmfit().Minimizer(at(remembered), parameters, calc_covar=False, nan_policy="raise")
    with np.errstate(
        invalid="ignore", over="ignore", divide="ignore"
    ):  # lmfit's own errors of undetermined values; ours are made elsewhere
        outcome = minimizer.minimize(
            method="least_squares",
            jac=at(problem.jacobian),
            x_scale="jac",
            ftol=tolerance,
            xtol=tolerance,
            gtol=1e-12,
            max_nfev=max_evaluations,
        )
    x = np.array([outcome.params[name].value for name in names])
    residuals = problem.residuals(x)
    return replace(
        Minimum.at(x, unknowns),
        chi2=float(residuals @ residuals),
        converged=(bool(outcome.success) and not outcome.aborted) or _stands_still(history),
        message=str(outcome.message),
        evaluations=int(outcome.nfev),
    )


def fall_of_chi2(r: FloatArray, jacobian: FloatArray) -> float:
    """Fall of chi2 that residuals (k,) and their Jacobian (k, m) promise."""
    length = np.linalg.norm(jacobian, axis=0)
    scaled = jacobian / np.where(length > 0, length, 1.0)
    remaining = r - scaled @ np.linalg.lstsq(scaled, r, rcond=1e-12)[0]
    return float(r @ r - remaining @ remaining)


def _stands_still(history: Sequence[float]) -> bool:
    """Whether the second half of a search gained next to nothing.

    Along a direction that the data do not determine the minimiser may walk for ever.
    """
    half = len(history) // 2
    return half > _SHORT and min(history[:half]) - min(history) <= _NOTHING * min(history)


def to_lmfit(unknowns: Sequence[Unknown], x: FloatArray) -> Any:
    """Lmfit Parameters of the vector, with the bounds as the minimiser sees them."""
    parameters = _lmfit().Parameters()
    for unknown, value in zip(unknowns, x, strict=True):
        low, high = unknown.inner_bounds
        inset = 1e-9 * (high - low)
        parameters.add(
            unknown.name, value=float(np.clip(value, low + inset, high - inset)), min=low, max=high
        )
    return parameters


def _lmfit() -> Any:
    """The library, imported when first needed: it takes a second, and only who fits shall wait for it."""
    return import_module("lmfit")


def _on_bound(unknown: Unknown, x: float) -> bool:
    """Whether the value lies on its lower or upper bound."""
    low, high = unknown.inner_bounds
    return min(x - low, high - x) <= _BOUND_MARGIN * (high - low)
