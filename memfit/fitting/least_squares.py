"""Gauss-Newton steps from a good start, inside bounds and along one constraint.

One evaluation gives residuals and exact Jacobian, already reduced to a triangle; what follows is linear
algebra on a few numbers. Each step solves the linearised problem with its bounds and its constraint; where a
step does not keep what it promised it is shortened (Levenberg, Quart. Appl. Math. 1944, 2, 164). The last
step, too small to be worth an evaluation, is taken by the linearised problem alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.fitting.lmfit_engine import Minimum
from memfit.fitting.problem import FitState, Problem, solve
from memfit.fitting.residuals import triangle
from memfit.fitting.unknowns import Unknown, Unknowns

TOLERANCE = 1e-3
"""Fall of chi2 still promised at which a search ends: a thousandth of what matters to an interval."""
MAX_EVALUATIONS = 40
_FINE, _NEARBY = 1e-6, 15
"""Tolerance of a fit that is reported, and evaluations after which its start was not so near."""
_OFF_SAMPLE, _OFF_ZERO = 1e-9, 1e-15
"""Part of the range of an unknown that steps keep away from its bounds."""
_FIRST_DAMPING, _MOST_DAMPING = 1e-3, 1e8
_LAST_DAMPING = 1e-6
"""Of the last step: it must not wander where the data say nothing."""
_KEPT = 0.1
"""Share of the promised fall that a step must bring."""
_RANK = 1e-10
"""Singular values below this share of the largest are none."""
_LONGEST = 2.0
"""Longest step of a logarithm, and of V_T in units of V_m."""
_ON_IT = _ROUNDING = 1e-12
"""Distance from the condition, and over a bound in standard errors, that is rounding."""


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

    @property
    def chi2(self) -> float:
        """Sum of squares."""
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
        """The bounds of a fit."""
        bounds = np.array([_reached(u) for u in state.unknowns.free]).reshape(-1, 2)
        V_m = state.unknowns.parameters(state.x).V_m
        limits = {"V_T": _LONGEST * V_m}
        longest = np.array(
            [_LONGEST if u.logarithmic else limits.get(u.name, np.inf) for u in state.unknowns.free]
        )
        return cls(bounds[:, 0], bounds[:, 1], longest)

    def clip(self, x: FloatArray) -> FloatArray:
        """The nearest vector inside."""
        result: FloatArray = np.clip(x, self.low, self.high)
        return result


def _reached(unknown: Unknown) -> tuple[float, float]:
    """Bounds that steps may reach: on the bound itself an edge changes sides with its sample."""
    low, high = unknown.inner_bounds
    inset = (_OFF_SAMPLE if unknown.record is not None else _OFF_ZERO) * (high - low)
    return low + inset, high - inset


@dataclass(frozen=True)
class Surface:
    """A condition h(x) = 0, linearised at a point."""

    h: float
    gradient: FloatArray
    """(m,)."""


Condition = Callable[[FloatArray], Surface]


@dataclass(frozen=True)
class Solution:
    """Where a search ended."""

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
            reduced = triangle(np.column_stack([slopes * weight[:, None], rows * weight]))
            r, jacobian = reduced[:, -1], reduced[:, :-1]
        return Point(x, r, jacobian, residuals.failures > before)

    return evaluate


def gauss_newton(
    evaluate: Evaluate,
    start: FloatArray,
    box: Box,
    condition: Condition | None = None,
    *,
    tolerance: float = TOLERANCE,
    most: int = MAX_EVALUATIONS,
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
    damping, used, weight = 0.0, 1, 0.0
    surface = condition(point.x) if condition else None
    while True:
        step = _step(point, box, damping, surface)
        weight = max(weight, 2.0 * abs(step.multiplier))
        gap = abs(surface.h) if surface else 0.0
        fall = point.chi2 - step.chi2 + weight * gap
        on_it = surface is None or gap * max(abs(step.multiplier), 1.0) <= tolerance
        if on_it and abs(point.chi2 - step.chi2) <= tolerance and damping <= _FIRST_DAMPING:
            last = _step(point, box, max(damping, _LAST_DAMPING), surface)
            return _solution(point, last, surface, used, converged=True)
        if fall < -tolerance and gap <= _ON_IT and damping < _MOST_DAMPING:
            damping = max(10.0 * damping, _FIRST_DAMPING)  # bounds cut the step: a shorter one meets fewer
            continue
        if used >= most or damping > _MOST_DAMPING:
            return _solution(point, step, surface, used, converged=False)
        trial = evaluate(box.clip(point.x + step.d))
        used += 1
        ahead = condition(trial.x) if condition else None
        lost = abs(ahead.h) if ahead else 0.0
        gain = point.chi2 - trial.chi2 + weight * (gap - lost)
        if (
            np.isfinite(gain)
            and gain >= _KEPT * max(fall, 0.0) - tolerance
            and not (trial.failed and not point.failed)
        ):
            point, surface = trial, ahead
            damping = damping / 10.0 if damping > 0.1 * _FIRST_DAMPING else 0.0
        else:
            damping = max(10.0 * damping, _FIRST_DAMPING)


def _solution(
    point: Point, step: "_Step", surface: Surface | None, used: int, *, converged: bool
) -> Solution:
    """The end of a search, one last step by the linearised problem included where it is small."""
    if not converged:
        return Solution(point.x, point.chi2, step.multiplier, False, point.failed, used, point)
    x = point.x + step.d
    return Solution(x, step.chi2, step.multiplier if surface else 0.0, True, point.failed, used, point)


def solve_nearby(problem: Problem, unknowns: Unknowns, start: FloatArray) -> FitState:
    """The minimum near a good start; by the patient search of `solve` where these steps do not arrive.

    On bounds, where edges of pulses often end, they need a fifth of the evaluations.
    """
    state = FitState(problem, unknowns, Minimum.at(start, unknowns.free))
    evaluate = evaluator(state)
    found = gauss_newton(evaluate, start, Box.of(state), tolerance=_FINE, most=_NEARBY)
    if not found.converged or found.failed:
        return solve(problem, unknowns, start if found.failed else found.x)
    minimum = Minimum.at(found.x, unknowns.free)
    chi2, used = evaluate(found.x).chi2, found.evaluations + 1
    return replace(state, minimum=replace(minimum, chi2=chi2, converged=True, evaluations=used))


def solve_again(state: FitState, problem: Problem) -> FitState:
    """Minimise a changed problem from where the last one ended."""
    again = solve_nearby(problem, state.unknowns, state.x)
    return replace(again, failures=state.failures + again.failures)


@dataclass(frozen=True)
class _Step:
    """A step of the linearised problem."""

    d: FloatArray
    chi2: float
    """Where it leads, if the problem were linear."""
    multiplier: float


def _step(point: Point, box: Box, damping: float, surface: Surface | None) -> _Step:
    """The step d that minimises |r + J d|^2 inside the box with h + gradient d = 0."""
    length = np.linalg.norm(point.jacobian, axis=0)
    scale = np.where(length > 0, length, 1.0)
    low = np.maximum(box.low - point.x, -box.longest) * scale
    high = np.minimum(box.high - point.x, box.longest) * scale
    J = point.jacobian / scale
    a = surface.gradient / scale if surface else np.zeros(scale.size)
    gap = -surface.h if surface else 0.0
    d = np.zeros(scale.size)
    free, released = np.ones((2, scale.size), dtype=bool) & [[True], [False]]
    for _ in range(3 * scale.size):
        fixed = d * ~free
        d = fixed.copy()
        d[free] = _on_plane(J[:, free], point.r + J @ fixed, a[free], gap - float(a @ fixed), damping)
        over = np.where(free, np.maximum(low - d, d - high), -np.inf)
        worst = int(np.argmax(over))
        if over[worst] > _ROUNDING:
            if surface is not None and not np.any(a[free & (np.arange(d.size) != worst)]):
                break
            d[worst] = low[worst] if d[worst] < low[worst] else high[worst]
            free[worst] = False
            continue
        inward = _pull(J.T @ (point.r + J @ d), a, d <= low, free | released)
        back = int(np.argmax(inward))
        if inward[back] <= _ROUNDING:
            break
        free[back] = released[back] = True
    d = np.clip(d, low, high)
    ahead = point.r + J @ d
    multiplier = _multiplier(2.0 * (J.T @ ahead), a, free)
    return _Step(d / scale, float(ahead @ ahead), multiplier)


def _pull(slope: FloatArray, a: FloatArray, at_low: BoolArray, settled: BoolArray) -> FloatArray:
    """(n,) how steeply the sum of squares falls from each bound inwards: there a bound was one too many."""
    along = slope - _multiplier(slope, a, settled) * a
    result: FloatArray = np.where(settled, -np.inf, np.where(at_low, -along, along))
    return result


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
    rows, target = J @ along, -(r + J @ onto)
    if damping > 0.0:
        rows = np.concatenate([rows, np.sqrt(damping) * along])
        target = np.concatenate([target, np.zeros(a.size)])
    result: FloatArray = onto + along @ np.linalg.lstsq(rows, target, rcond=_RANK)[0]
    return result


def _multiplier(gradient: FloatArray, a: FloatArray, free: BoolArray) -> float:
    """The factor in gradient = multiplier * a, over the free unknowns."""
    size = float(a[free] @ a[free])
    return float(a[free] @ gradient[free]) / size if size > 0.0 else 0.0
