"""Intervals beside open parameters: along a valley of chi2 that bends, where linear theory is straight."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.excursions import CORE, ON_BOUND, STEPS, Excursion, linear_theory, moved, unit_of_length
from memfit.fitting.intervals import Ends
from memfit.fitting.residuals import JointResiduals
from memfit.fitting.state import State
from memfit.fitting.uncertainty import Z95

THRESHOLD = Z95**2
"""Rise of chi2 at the ends of a 95 % interval."""
_MOST_STEPS, _GROWTH = 15, 1.6
"""Along a valley, and how much longer each is than the one before."""


@dataclass(frozen=True)
class _Outset:
    """Where the search for the end of an interval begins."""

    x: FloatArray
    """(m,) a place below the threshold."""
    follow: FloatArray
    """(m,) how all unknowns follow there."""
    step: float
    """First step: twice the standard error there, say."""


def intervals_beside(
    base: State, excursions: Sequence[Excursion], others: Sequence[FloatArray]
) -> dict[str, Ends]:
    """95 % intervals, SI, of the parameters that are not open; None at an open end.

    Each end is searched from the place that is nearest to it.

    Parameters
    ----------
    base : State
        The minimum.
    excursions : sequence of Excursion
        Some of which went far.
    others : sequence of (m,) arrays
        Other minima that are as good.
    """
    open_ones = {e.name for e in excursions if e.far}
    valleys = [_end_of_valley(base, e) for e in excursions if e.far and e.name == "V_T"]
    residuals = base.problem.residuals(base.unknowns)
    points = [*valleys, *others, *(e.x for e in excursions)]
    allowed = [base.x, *(x for x in points if _chi2(residuals, x) < base.minimum.chi2 + THRESHOLD)]
    found: dict[str, Ends] = {}
    for j, unknown in enumerate(base.unknowns.free):
        if unknown.name not in CORE or unknown.name in open_ones or unknown.name in base.minimum.at_bound:
            continue
        values = [float(x[j]) for x in allowed]
        low = _end_of_interval(base, j, -1.0, _outset(base, j, allowed[int(np.argmin(values))]))
        high = _end_of_interval(base, j, 1.0, _outset(base, j, allowed[int(np.argmax(values))]))
        found[unknown.name] = (
            None if low is None else unknown.outer(low),
            None if high is None else unknown.outer(high),
        )
    return found


def _end_of_valley(base: State, e: Excursion) -> FloatArray:
    """The last place of an excursion that goes on until chi2 stops it: there the others bend away."""
    j = base.unknowns.names.index(e.name)
    unknown = base.unknowns.free[j]
    low, high = unknown.inner_bounds
    length = unit_of_length(unknown, base.unknowns.parameters(base.x).V_m)
    way, step = (1.0 if e.upward else -1.0), 2.0 * length
    here, slope = e.x, (e.x - base.x) / ((e.x[j] - base.x[j]) or 1.0)
    for _ in range(_MOST_STEPS):
        target = float(np.clip(here[j] + way * step, low, high))
        if step < 0.5 * length or target == here[j]:
            break
        chi2, x = moved(base, j, target, here, slope)
        if chi2 > base.minimum.chi2 + THRESHOLD:
            step *= 0.5
            continue
        here, slope, step = x, (x - here) / (target - here[j]), _GROWTH * step
    return here


def _outset(base: State, j: int, x: FloatArray) -> _Outset:
    """A place from which an unknown goes further out."""
    linear = linear_theory(replace(base, minimum=replace(base.minimum, x=x)))
    length = unit_of_length(base.unknowns.free[j], base.unknowns.parameters(x).V_m)
    return _Outset(x, linear.follow[j], 2.0 * float(linear.errors[j]) * length)


def _chi2(residuals: JointResiduals, x: FloatArray) -> float:
    """Sum of squares at a place."""
    r = residuals.residuals(x)
    return float(r @ r)


def _end_of_interval(base: State, j: int, direction: float, outset: _Outset) -> float | None:
    """Where the least chi2 of an unknown reaches its 95 % threshold; None if nowhere near.

    The profile is followed in growing steps, for it may bend where linear theory at the minimum is straight.

    Parameters
    ----------
    base : State
        The minimum.
    j : int
        The unknown.
    direction : {-1, 1}
    outset : _Outset
    """
    unknown = base.unknowns.free[j]
    low, high = unknown.inner_bounds
    length = unit_of_length(unknown, base.unknowns.parameters(base.x).V_m)
    here, slope, step, rise = outset.x, outset.follow, min(outset.step, length), 0.0
    for _ in range(_MOST_STEPS):
        target = float(np.clip(here[j] + direction * step, low, high))
        if abs(target - base.x[j]) > STEPS[-1] * length or abs(target - here[j]) < ON_BOUND * step:
            return None
        chi2, x = moved(base, j, target, here, slope)
        above = chi2 - base.minimum.chi2
        if above > THRESHOLD:
            share = (np.sqrt(THRESHOLD) - np.sqrt(rise)) / (np.sqrt(above) - np.sqrt(rise))
            return float(here[j] + share * (target - here[j]))
        here, slope, rise = x, (x - here) / (target - here[j]), max(above, 0.0)
        step = min(_GROWTH * step, length)
    return float(here[j])
