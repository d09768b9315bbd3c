"""A patient search for the minimum: scipy's trust-region reflective method, by itself or as lmfit calls it.

It keeps to bounds without distorting the problem inside them (Branch, Coleman & Li, SIAM J. Sci. Comput.
1999, 21, 1). lmfit hands the same problem to it, and takes as long to import as a fit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from memfit.arrays import FloatArray


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the search."""

    inset: float = 1e-9
    """Of a range: distance of the start from its bounds."""
    gradient: float = 1e-12
    """Of chi2, scaled, at which to stop."""
    step: float = 1e-8
    """Of the vector, at which to stop: exact data determine it to 1e-4, and a search in a bent valley goes
    on from much shorter steps."""
    nothing: float = 1e-5
    """Relative fall of chi2 that is none ..."""
    standstill: int = 20
    """... and evaluations without any at which a search counts as ended: along a direction that the data do
    not determine it may walk for ever."""


SETTINGS = Settings()


Function = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class End:
    """Where a search ended."""

    x: FloatArray
    """(m,) the vector."""
    converged: bool
    message: str
    evaluations: int


class _EndedError(Exception):
    """No further evaluation may be made."""


def trust_region(
    residuals: Function,
    jacobian: Function,
    start: FloatArray,
    bounds: FloatArray,
    *,
    tolerance: float,
    most: int,
    over: Callable[[], str],
    by_lmfit: bool = False,
) -> End:
    """The minimum of chi2 from one start.

    Parameters
    ----------
    residuals, jacobian : callable
        Of the vector, (k,) and (k, m).
    start : (m,) array
    bounds : (m, 2) array
    tolerance : float
        Relative change of chi2 at which to stop.
    most : int
        Evaluations.
    over : callable
        Why no further evaluation may be made; "" where one may.
    by_lmfit : bool
        Whether lmfit calls the method.
    """
    from scipy.optimize import least_squares  # noqa: PLC0415 - a report need not wait for it

    low, high = bounds.T
    inset = SETTINGS.inset * (high - low)
    inside = np.clip(start, low + inset, high - inset)
    history: list[float] = []
    lowest: list[FloatArray] = [inside]

    def stands_still() -> bool:
        """Whether the second half of the evaluations brought nothing."""
        half = len(history) // 2
        fallen = min(history[:half], default=np.inf) - min(history)
        return half > SETTINGS.standstill and fallen <= SETTINGS.nothing * min(history)

    def remembered(x: FloatArray) -> FloatArray:
        """The residuals, the lowest place kept."""
        if len(history) >= most:
            raise _EndedError(f"the search was ended after {most} evaluations")
        r = residuals(x)
        if float(r @ r) < min(history, default=np.inf):
            lowest[:] = [x.copy()]
        history.append(float(r @ r))
        if reason := over() or ("the search stood still" if stands_still() else ""):
            raise _EndedError(reason)
        return r

    settings: dict[str, Any] = {
        "x_scale": "jac",
        "ftol": tolerance,
        "xtol": min(tolerance, SETTINGS.step),
        "gtol": SETTINGS.gradient,
    }
    try:
        if inside.size == 0:  # of no gradient numpy before 2 has no norm, which scipy asks for
            remembered(inside)
            x, message, converged = inside, "nothing is free", True
        elif by_lmfit:
            x, message, converged = _by_lmfit(remembered, jacobian, inside, bounds, settings)
        else:
            settings["max_nfev"] = most + 1
            found = least_squares(remembered, inside, jacobian, bounds=(low, high), **settings)
            x, message, converged = found.x, str(found.message), bool(found.success)
    except _EndedError as end:
        x, message, converged = lowest[0], str(end), False
    return End(x, converged or stands_still(), message, len(history))


def _by_lmfit(
    residuals: Function, jacobian: Function, start: FloatArray, bounds: FloatArray, settings: dict[str, Any]
) -> tuple[FloatArray, str, bool]:
    """The end, the message and whether it converged, by lmfit."""
    import lmfit  # noqa: PLC0415 - takes as long as a fit, and only who asks for it shall wait

    parameters, names = lmfit.Parameters(), [f"x{j}" for j in range(start.size)]
    for name, value, (low, high) in zip(names, start, bounds, strict=True):
        parameters.add(name, value=float(value), min=float(low), max=float(high))

    def vector(p: Any) -> FloatArray:
        return np.array([p[name].value for name in names])

    minimizer = lmfit.Minimizer(
        lambda p, **_: residuals(vector(p)), parameters, calc_covar=False, nan_policy="raise"
    )
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # lmfit's errors of open values
        outcome = minimizer.minimize(
            method="least_squares", jac=lambda p, **_: jacobian(vector(p)), **settings
        )
    return vector(outcome.params), str(outcome.message), bool(outcome.success) and not outcome.aborted
