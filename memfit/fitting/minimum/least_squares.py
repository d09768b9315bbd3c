"""Least squares inside bounds: Gauss-Newton steps, and a patient search where they do not arrive.

`minimise` is the one entry for a fit. One evaluation gives residuals and exact Jacobian, already reduced to a
triangle; what follows is linear algebra on a few numbers. Each Gauss-Newton step solves the linearised
problem with its bounds and, for profiles, one constraint; where a step does not keep what it promised it is
shortened (Levenberg, Quart. Appl. Math. 1944, 2, 164). The last step, too small to be worth an evaluation, is
taken by the linearised problem alone. The patient search is in `memfit.fitting.minimum.trust_region`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.fitting.minimum.effort import Effort
from memfit.fitting.minimum.linear import UNSEEN, least_squares, triangle
from memfit.fitting.minimum.problem import FitState, Minimum, Problem
from memfit.fitting.minimum.trust_region import trust_region
from memfit.fitting.minimum.unknowns import Unknowns
from memfit.fitting.plan import CORE, unit_of_length

NEEDED = 16.0
"""Fall of chi2 that a term of the instruments must bring, each: four standard errors."""


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the Gauss-Newton steps."""

    tolerance: float = 1e-3
    """Fall of chi2 still promised at which a search ends: a thousandth of what matters to an interval."""
    most: int = 40
    """Evaluations, at most."""
    fine: float = 1e-6
    """Tolerance of a fit that is reported."""
    nearby: int = 15
    """Evaluations after which the start of a fit was not so near."""
    off_sample: float = 1e-9
    """Part of the range of a record's term that steps keep away from its bounds: on them an edge changes
    sides with its sample."""
    off_zero: float = 1e-15
    """The same of any other unknown."""
    first_damping: float = 1e-3
    most_damping: float = 1e8
    last_damping: float = 1e-6
    """Of the last step: it must not wander where the data say nothing."""
    kept: float = 0.1
    """Share of the promised fall that a step must bring."""
    rank: float = 1e-10
    """Singular values below this share of the largest are none."""
    longest: float = 2.0
    """Longest step of a logarithm, and of V_T in units of V_m."""
    rounding: float = 1e-12
    """Distance from the constraint, and over a bound in standard errors, that is none."""
    slowest: float = 10.0
    """Times as long as usual that an evaluation may take from the start on; nothing that was sampled is
    followed where a device oscillates more wildly than that."""


SETTINGS = Settings()
_ENDED = "the search was ended after the time that it may take"


def minimise(
    problem: Problem,
    unknowns: Unknowns,
    start: FloatArray,
    *,
    near: bool = True,
    tolerance: float = 1e-10,
    most: int = 200,
    failures: int = 0,
) -> FitState:
    """The minimum of chi2 from one start.

    Parameters
    ----------
    problem : Problem
        Its engine "lmfit" takes the patient search alone.
    unknowns : Unknowns
    start : (m,) array
    near : bool
        Whether the start is a good one: Gauss-Newton steps come first, which need a fifth of the evaluations
        on bounds, where edges of pulses often end.
    tolerance : float
        Of the patient search: relative change of chi2 and of the vector at which to stop.
    most : int
        Evaluations of the patient search; one that takes as long as several counts as several.
    failures : int
        Trials that could not be integrated before, to be counted on.
    """
    effort = problem.effort.part(said=_ENDED)
    timed = replace(problem, effort=effort)
    residuals = timed.residuals(unknowns)
    if near and problem.engine == "memfit":
        state = FitState(problem, unknowns, Minimum.at(start, unknowns.free), failures)
        evaluate, box = evaluator(replace(state, problem=timed)), Box.of(state)
        first = evaluate(box.clip(start))
        effort.most = SETTINGS.nearby * _usual(effort)
        end = gauss_newton(evaluate, start, box, tolerance=SETTINGS.fine, most=SETTINGS.nearby, first=first)
        if end.converged and not end.failed:
            chi2, used = evaluate(end.x).chi2, end.evaluations + 1
            minimum = Minimum.at(end.x, unknowns.free)
            return replace(state, minimum=replace(minimum, chi2=chi2, converged=True, evaluations=used))
        if over := problem.effort.over:
            minimum = replace(Minimum.at(end.x, unknowns.free), message=over, evaluations=end.evaluations)
            return replace(state, minimum=replace(minimum, chi2=end.chi2))
        start = start if end.failed else end.x
    before, effort.most = effort.used, np.inf
    residuals.residuals(start)
    effort.most = before + most * _usual(effort, before)
    found = trust_region(
        residuals.residuals,
        residuals.jacobian,
        start,
        np.array([unknown.inner_bounds for unknown in unknowns.free]).reshape(-1, 2),
        tolerance=tolerance,
        most=most,
        over=lambda: effort.over,
        by_lmfit=problem.engine == "lmfit",
    )
    x, r = found.x, residuals.residuals(found.x)
    bounds = Minimum.at(x, unknowns.free).at_bound
    minimum = Minimum(x, float(r @ r), found.converged, found.message, found.evaluations, bounds)
    return FitState(problem, unknowns, minimum, failures + residuals.failures)


def _usual(effort: Effort, before: float = 0.0) -> float:
    """Time of the first evaluation of a search, in usual ones: `slowest` at most, or where it was kept."""
    used = effort.used - before
    return min(max(used, 1.0), SETTINGS.slowest) if used > 0.0 else SETTINGS.slowest


def again(state: FitState, problem: Problem | None = None, unknowns: Unknowns | None = None) -> FitState:
    """The minimum near that of a fit when its problem or its unknowns are changed.

    Parameters
    ----------
    state : FitState
    problem : Problem, optional
    unknowns : Unknowns, optional
        What the fit does not know starts where its unknown says.
    """
    start = state.x if unknowns is None else unknowns.encode(state.unknowns.values(state.x))
    return minimise(problem or state.problem, unknowns or state.unknowns, start, failures=state.failures)


def settled(state: FitState) -> FitState:
    """The fit at its minimum, found by Gauss-Newton steps from where it is.

    Parameters
    ----------
    state : FitState
        Near its minimum.
    """
    end = gauss_newton(evaluator(state), state.x, Box.of(state))
    minimum = replace(
        state.minimum, x=end.x, chi2=end.chi2, converged=end.converged, evaluations=end.evaluations
    )
    return replace(state, minimum=minimum)


def linear_step(state: FitState) -> FloatArray:
    """(m,) the step from where a fit is to the minimum of the linearised problem.

    Parameters
    ----------
    state : FitState
    """
    reduced, scale = _reduced(state)
    step: FloatArray = -np.linalg.lstsq(reduced[:, :-1], reduced[:, -1], rcond=1e-9)[0] / scale
    return step


def linear_promise(state: FitState) -> float:
    """chi2 at the minimum of the linearised problem.

    Parameters
    ----------
    state : FitState
        Anywhere.
    """
    reduced, _ = _reduced(state)
    jacobian, r = reduced[:, :-1], reduced[:, -1]
    left = r - jacobian @ np.linalg.lstsq(jacobian, r, rcond=1e-9)[0]
    return float(left @ left)


def _reduced(state: FitState) -> tuple[FloatArray, FloatArray]:
    """Triangle of the Jacobian, its columns of length one, beside the residuals; and their lengths."""
    own = state.problem.residuals(state.unknowns).own_rows(state.x)
    rows = np.vstack([np.column_stack(state.linearised()[::-1]), own])
    length = np.linalg.norm(rows[:, :-1], axis=0)
    scale = np.where(length > UNSEEN, length, np.inf)  # what no data see stays
    return triangle(rows / np.append(scale, 1.0)), scale


def bounded_step(state: FitState) -> FloatArray:
    """(m,) the same as `linear_step` inside the bounds, and no longer than a step of a search.

    Parameters
    ----------
    state : FitState
    """
    return _step(evaluator(state)(state.x), Box.of(state), SETTINGS.first_damping, None).d


@dataclass(frozen=True)
class Point:
    """Residuals and Jacobian at one vector, reduced: sums of squares and gradients are those of all rows."""

    x: FloatArray
    """(m,)."""
    r: FloatArray
    """(k,) residuals."""
    jacobian: FloatArray
    """(k, m)."""
    failed: bool = False
    """Whether a record could not be integrated."""
    last: bool = False
    """Whether no further evaluation may follow."""

    @property
    def chi2(self) -> float:
        """Sum of squares; inf where it is no number."""
        with np.errstate(over="ignore"):
            return float(self.r @ self.r)


Evaluate = Callable[[FloatArray], Point]
"""Residuals and Jacobian at a vector."""


@dataclass(frozen=True)
class Box:
    """Bounds of the unknowns as the minimiser sees them, and how far one step may go."""

    low: FloatArray
    high: FloatArray
    longest: FloatArray
    """(m,) longest step."""

    @classmethod
    def of(cls, state: FitState) -> "Box":
        """The bounds of a fit, and steps of a few lengths of each parameter at most."""
        free, V_m = state.unknowns.free, state.parameters.V_m
        bounds = np.array([unknown.inner_bounds for unknown in free]).reshape(-1, 2)
        inset = np.array([SETTINGS.off_zero if u.record is None else SETTINGS.off_sample for u in free])
        inset *= bounds[:, 1] - bounds[:, 0]
        longest = [SETTINGS.longest * unit_of_length(u.name, V_m) if u.name in CORE else np.inf for u in free]
        return cls(bounds[:, 0] + inset, bounds[:, 1] - inset, np.array(longest))

    def clip(self, x: FloatArray) -> FloatArray:
        """The nearest vector inside."""
        result: FloatArray = np.clip(x, self.low, self.high)
        return result


@dataclass(frozen=True)
class Surface:
    """A condition h(x) = 0, linearised at a point."""

    h: float
    gradient: FloatArray
    """(m,)."""


Condition = Callable[[FloatArray], Surface]


@dataclass(frozen=True)
class Solution:
    """Where Gauss-Newton steps ended."""

    x: FloatArray
    """(m,)."""
    chi2: float
    """Least sum of squares there."""
    multiplier: float
    """Derivative of the least chi2 by the constraint's h, if h were let go from zero."""
    converged: bool
    failed: bool
    """Whether a record could not be integrated there."""
    evaluations: int
    point: Point
    """The last evaluation."""


def evaluator(state: FitState, weight: FloatArray | None = None) -> Evaluate:
    """Residuals and Jacobian of a fit; each thread needs its own.

    Parameters
    ----------
    state : FitState
    weight : (k,) array, optional
        Factor on every row of the points kept; by default 1.
    """
    residuals = state.problem.residuals(state.unknowns)

    def evaluate(x: FloatArray) -> Point:
        before = residuals.failures
        if weight is None:
            r, jacobian = residuals.residuals(x), residuals.jacobian(x)
        else:
            rows, slopes = residuals.all_rows(x)
            every = np.vstack([np.column_stack([slopes, rows]) * weight[:, None], residuals.own_rows(x)])
            r, jacobian = (reduced := triangle(every))[:, -1], reduced[:, :-1]
        return Point(x, r, jacobian, residuals.failures > before, bool(state.problem.effort.over))

    return evaluate


def gauss_newton(
    evaluate: Evaluate,
    start: FloatArray,
    box: Box,
    condition: Condition | None = None,
    *,
    tolerance: float = SETTINGS.tolerance,
    most: int = SETTINGS.most,
    first: Point | None = None,
) -> Solution:
    """Least squares from a good start.

    Parameters
    ----------
    evaluate : callable
    start : (m,) array
    box : Box
    condition : callable, optional
        h(x) = 0 to be kept; the start should nearly be on it.
    tolerance : float
        Fall of chi2 at which to stop.
    most : int
        Evaluations.
    first : Point, optional
        What is known at the start.
    """
    point = first or evaluate(box.clip(start))
    damping, used, weight, last = 0.0, 1, 0.0, point.last
    surface = condition(point.x) if condition else None
    while True:
        step = _step(point, box, damping, surface)
        weight = max(weight, 2.0 * abs(step.multiplier))
        gap = abs(surface.h) if surface else 0.0
        fall = point.chi2 - step.chi2 + weight * gap
        on_it = surface is None or gap * max(abs(step.multiplier), 1.0) <= tolerance
        if on_it and abs(point.chi2 - step.chi2) <= tolerance and damping <= SETTINGS.first_damping:
            final = _step(point, box, max(damping, SETTINGS.last_damping), surface)
            multiplier = final.multiplier if surface else 0.0
            return Solution(point.x + final.d, final.chi2, multiplier, True, point.failed, used, point)
        if fall < -tolerance and gap <= SETTINGS.rounding and damping < SETTINGS.most_damping:
            # bounds cut the step: a shorter one meets fewer
            damping = max(10.0 * damping, SETTINGS.first_damping)
            continue
        if used >= most or damping > SETTINGS.most_damping or last:
            return Solution(point.x, point.chi2, step.multiplier, False, point.failed, used, point)
        trial = evaluate(box.clip(point.x + step.d))
        used, last = used + 1, trial.last
        ahead = condition(trial.x) if condition else None
        lost = abs(ahead.h) if ahead else 0.0
        gain = point.chi2 - trial.chi2 + weight * (gap - lost)
        kept = np.isfinite(gain) and gain >= SETTINGS.kept * max(fall, 0.0) - tolerance
        if kept and not (trial.failed and not point.failed):
            point, surface = trial, ahead
            damping = damping / 10.0 if damping > 0.1 * SETTINGS.first_damping else 0.0
        else:
            damping = max(10.0 * damping, SETTINGS.first_damping)


@dataclass(frozen=True)
class _Step:
    """A step of the linearised problem."""

    d: FloatArray
    chi2: float
    """Where it leads, if the problem were linear."""
    multiplier: float


def _step(point: Point, box: Box, damping: float, surface: Surface | None) -> _Step:
    """The step d that minimises |r + J d|^2 inside the box with h + gradient d = 0.

    Unknowns are held on the bounds that the step would cross, the worst first, and let go again where the sum
    of squares falls inwards.
    """
    length = np.linalg.norm(point.jacobian, axis=0)
    seen = length > UNSEEN
    scale = np.where(seen, length, 1.0)
    low = np.maximum(box.low - point.x, -box.longest) * scale
    high = np.minimum(box.high - point.x, box.longest) * scale
    J = np.where(seen, point.jacobian / scale, 0.0)
    a = surface.gradient / scale if surface else np.zeros(scale.size)
    gap = -surface.h if surface else 0.0
    d = np.zeros(scale.size)
    free, released = np.ones((2, scale.size), dtype=bool) & [[True], [False]]
    for _ in range(3 * scale.size):
        d = d * ~free
        d[free] = _on_plane(J[:, free], point.r + J @ d, a[free], gap - float(a @ d), damping)
        over = np.where(free, np.maximum(low - d, d - high), -np.inf)
        worst = int(np.argmax(over))
        if over[worst] > SETTINGS.rounding:
            if surface is not None and not np.any(a[free & (np.arange(d.size) != worst)]):
                break
            d[worst] = low[worst] if d[worst] < low[worst] else high[worst]
            free[worst] = False
            continue
        settled, slope = free | released, J.T @ (point.r + J @ d)
        along = slope - _multiplier(slope, a, settled) * a
        # where the sum of squares falls inwards a bound was one too many
        inward = np.where(settled, -np.inf, np.where(d <= low, -along, along))
        back = int(np.argmax(inward))
        if inward[back] <= SETTINGS.rounding:
            break
        free[back] = released[back] = True
    d = np.clip(d, low, high)
    ahead = point.r + J @ d
    return _Step(d / scale, float(ahead @ ahead), _multiplier(2.0 * (J.T @ ahead), a, free))


def _on_plane(J: FloatArray, r: FloatArray, a: FloatArray, gap: float, damping: float) -> FloatArray:
    """(n,) d that minimises |r + J d|^2 + damping |d|^2 on the plane a d = gap (everywhere, if a is zero)."""
    size = float(a @ a)
    if size > 0.0:
        onto = a * (gap / size)
        along = np.linalg.qr(a[:, None], mode="complete")[0][:, 1:]
    else:
        onto, along = np.zeros(a.size), np.eye(a.size)
    if along.shape[1] == 0:
        return onto
    rows, target = (J @ along if size > 0.0 else J), -(r + J @ onto)
    if damping > 0.0:
        rows = np.concatenate([rows, np.sqrt(damping) * along])
        target = np.concatenate([target, np.zeros(a.size)])
    result: FloatArray = onto + along @ least_squares(rows, target, SETTINGS.rank)
    return result


def _multiplier(gradient: FloatArray, a: FloatArray, free: BoolArray) -> float:
    """The factor in gradient = multiplier * a, over the free unknowns."""
    size = float(a[free] @ a[free])
    return float(a[free] @ gradient[free]) / size if size > 0.0 else 0.0
