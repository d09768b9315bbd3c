"""A result with what its profiles say: intervals from the profile, verdicts that follow, a deeper minimum.

Quantities whose profile can be followed: a fitted quantity itself, or any function of the parameters.

A target says when it has the value c by a condition h(x; c) = 0. For a fitted quantity h is x_j - c, for a
function g it is g(x) - c; what is defined implicitly, such as a Hopf voltage, has a condition of its own.

One profile followed from the minimum outward: the least chi2 for each value of one quantity.

From the minimum to either side the quantity c is moved, all other unknowns are minimised again from where the
tangent of the curve leads, and the slope of the profile is the partial derivative there, as the envelope
theorem says (the multiplier of the condition). In zeta = sqrt(rise/threshold) the profile of a linear
problem is a straight line, so Newton's method on zeta = 1 with the exact slope finds the end of the interval
in one or two steps (Bates & Watts, Nonlinear Regression Analysis, 1988, ch. 6; Venzon & Moolgavkar, Appl.
Stat. 1988, 37, 87). A side is open where a bound comes first, where the curve levels off, or where the search
ends.

Profile likelihood: what the data say about one quantity when all others follow as they like.

The interval of a quantity holds the values at which the least chi2 over all other unknowns stays below its
minimum plus a threshold: 3.84, the 95 % point of chi-square with one degree of freedom (Wilks, Ann. Math.
Stat. 1938, 9, 60). Where residuals follow each other chi2 rises too fast; the threshold is then raised by the
ratio of the variance with the effective number of points to the variance without (the vertical adjustment of
Chandler & Bate, Biometrika 2007, 94, 167), so that for a linear problem profile and linear interval are one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from memfit.arrays import FloatArray
from memfit.confidence import CHI2_1, Z
from memfit.datasets.device import Device
from memfit.fitting.findings import Ends, Profile, ProfileClass
from memfit.fitting.identifiability.explore import explore
from memfit.fitting.identifiability.verdict import with_identifiability
from memfit.fitting.least_squares import Box, Evaluate, Point, Solution, Surface, evaluator, gauss_newton
from memfit.fitting.plan import FitPlan, free_parameters, unit_of
from memfit.fitting.problem import FitState, Unknowns
from memfit.fitting.refit import Checkpoint, settled
from memfit.fitting.result import Alternative, Estimate, FitResult, Status
from memfit.fitting.serialise import from_plain, to_plain
from memfit.fitting.starting_values import StartingValues
from memfit.fitting.summary import summarise
from memfit.fitting.uncertainty.covariance import covariance_of
from memfit.model.parameters import NAMES, Parameters
from memfit.progress import Progress, silent

_TOWARD_TWIN = 0.25
"""Longest step, of the distance to the twin: none must lead across what parts them."""

Slopes = tuple[float, FloatArray, float]
"""h, its (9,) derivatives by the values of `NAMES`, and its derivative by c."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A function of the parameters to follow.

    `condition` takes the parameters and c; c is the value, or its natural logarithm where `logarithmic`.
    """

    unit: str
    best: Callable[[Parameters], float | None]
    """Value for a set of parameters, SI; None where it does not exist."""
    condition: Callable[[Parameters, float], Slopes]
    logarithmic: bool = False
    twin: Callable[[Parameters], float | None] | None = None
    """Value of a twin that it may meet, and vanish: the profile ends where it falls again, or at the twin."""


@dataclass(frozen=True, kw_only=True)
class Followed:
    """A target as the search sees it: in the vector of unknowns."""

    name: str
    unit: str
    best: float
    """c at the minimum."""
    surface: Callable[[FloatArray, float], tuple[Surface, float]]
    """h with its gradient by the vector, and its derivative by c."""
    logarithmic: bool
    lower: float
    upper: float
    """Bounds of c."""
    longest: float
    """First limit to a step of c."""
    may_merge: bool = False

    def outer(self, c: float) -> float:
        """The value, SI."""
        return float(np.exp(c) if self.logarithmic else c)


def follow_unknown(unknowns: Unknowns, name: str, x: FloatArray) -> Followed:
    """A fitted quantity."""
    j = unknowns.names.index(name)
    unknown = unknowns.free[j]
    gradient = np.zeros(len(unknowns.free))
    gradient[j] = 1.0
    low, high = unknown.inner_bounds
    if unknown.logarithmic:
        longest = float(np.log(10.0))
    else:
        longest = 2.0 * unknowns.parameters(x).V_m if name == "V_T" else np.inf
    return Followed(
        name=name,
        unit="",
        best=float(x[j]),
        surface=lambda x, c: (Surface(float(x[j]) - c, gradient), -1.0),
        logarithmic=unknown.logarithmic,
        lower=low,
        upper=high,
        longest=longest,
    )


def follow_function(unknowns: Unknowns, name: str, target: Target, x: FloatArray) -> Followed | None:
    """A function of the parameters; None where it does not exist at the minimum."""
    value = target.best(unknowns.parameters(x))
    if value is None:
        return None

    def surface(x: FloatArray, c: float) -> tuple[Surface, float]:
        h, slopes, by_c = target.condition(unknowns.parameters(x), c)
        return Surface(h, by_vector(unknowns, slopes, x)), by_c

    twin = target.twin(unknowns.parameters(x)) if target.twin else None
    longest = float(np.log(10.0)) if target.logarithmic else np.inf
    return Followed(
        name=name,
        unit=target.unit,
        best=float(np.log(value)) if target.logarithmic else value,
        surface=surface,
        logarithmic=target.logarithmic,
        lower=twin if twin is not None and twin < value else -np.inf,
        upper=twin if twin is not None and twin > value else np.inf,
        longest=longest if twin is None else _TOWARD_TWIN * abs(twin - value),
        may_merge=twin is not None,
    )


def by_vector(unknowns: Unknowns, slopes: FloatArray, x: FloatArray) -> FloatArray:
    """(m,) derivatives by the vector of unknowns, from (9,) derivatives by the values of `NAMES`."""
    return np.array(
        [
            slopes[NAMES.index(u.name)] * (u.outer(float(v)) if u.logarithmic else 1.0)
            if u.name in NAMES
            else 0.0
            for u, v in zip(unknowns.free, x, strict=True)
        ]
    )


_MARKS = (0.5, 1.0)
"""Values of zeta aimed at on the way out."""
_BEYOND = 0.2
"""How far beyond the end in zeta the picture goes."""
_END = 2e-3
"""Error of zeta at the end of an interval, before the last step of Newton's method."""
_MOST_POINTS, _MOST_BISECTIONS, _MOST_RETREATS = 40, 20, 6
_FIRST_STEP = 2.0
"""Longest first step, in distances at which a parabola would reach the threshold."""
_RETREAT = 0.4
_LEVEL, _LEVEL_STEPS = 0.02, 2
"""Rise of zeta^2 over a wide step below which the curve is level, and how many such steps end it."""
_DEEPER = 0.1
"""Fall of chi2 below the minimum, in thresholds, that makes another minimum."""
_GROWTH = 2.0
"""Of the longest step after each."""
_SOFTEST = (1e-6, 1e-4, 1e-2, 1.0)
"""Singular values are taken to be at least this share of the largest when the tangent is computed."""

_TIMID = 0.1
"""Share of the longest step that an unknown makes which no stiffness holds back."""

Ending = Literal["closed", "bound", "level", "lost", "merged"]


@dataclass(frozen=True)
class CurvePoint:
    """One point of a profile."""

    c: float
    rise: float
    slope: float
    """Derivative of the rise by c."""
    zeta: float
    """sqrt(rise/threshold)."""
    by_c: float
    """Its derivative by c, outward positive."""
    bottom: Solution


@dataclass(frozen=True)
class Side:
    """One side of a profile."""

    points: tuple[CurvePoint, ...]
    """By c, rising, without the minimum."""
    end: float | None
    """c at which the rise reaches the threshold; None where it does not."""
    ending: Ending


class DeeperMinimum(Exception):  # noqa: N818 - it is a find, not an error
    """A point below the minimum from which the profile started."""

    def __init__(self, x: FloatArray, chi2: float) -> None:
        super().__init__(f"chi2 {chi2:g}")
        self.x = x
        self.chi2 = chi2


@dataclass(frozen=True)
class Origin:
    """The minimum from which profiles start."""

    point: Point
    chi2: float
    threshold: float
    """Rise of chi2 at the ends of the interval."""
    error: float
    """Standard error of c by the linearised problem, from the same chi2; 0 where it has none."""


def follow(evaluate: Evaluate, box: Box, target: Followed, origin: Origin, direction: int) -> Side:
    """One side of the profile of a quantity.

    Parameters
    ----------
    evaluate : callable
    box : Box
    target : Followed
    origin : Origin
    direction : {-1, 1}

    Raises
    ------
    DeeperMinimum
        The profile found a lower chi2 than the minimum.
    """
    way = _Way(evaluate, box, target, origin, direction)
    ending = way.go_out()
    end = way.find_end() if ending == "closed" else None
    if end is not None:
        way.go_beyond(end)
    points = tuple(sorted(way.points, key=lambda point: point.c))
    return Side(points, end, ending if end is not None or ending != "closed" else "lost")


class _Way:
    """The way from the minimum to one side."""

    def __init__(
        self, evaluate: Evaluate, box: Box, target: Followed, origin: Origin, direction: int
    ) -> None:
        self.evaluate, self.box, self.target, self.origin = evaluate, box, target, origin
        self.direction = direction
        full = origin.error * np.sqrt(origin.threshold)
        self.wide = target.longest if np.isfinite(target.longest) else 10.0 * full or 1.0
        self.longest = min(_FIRST_STEP * full, self.wide) if full > 0.0 else 0.2 * self.wide
        self.limit = target.upper if direction > 0 else target.lower
        start = Solution(origin.point.x, origin.chi2, 0.0, True, False, 0, origin.point)
        outward = 1.0 / full if full > 0.0 else 0.0
        self.inner = CurvePoint(target.best, 0.0, 0.0, 0.0, outward, start)
        self.outer: CurvePoint | None = None
        self.points: list[CurvePoint] = []

    def go_out(self) -> Ending:
        """From point to point until the rise reaches the threshold, or the side proves open."""
        level, retreats = 0, 0
        while len(self.points) < _MOST_POINTS:
            goal, limited = self._next()
            here = self._at(goal)
            if here is None:
                retreats += 1
                self.longest = _RETREAT * abs(goal - self.inner.c)
                if retreats > _MOST_RETREATS:
                    return "lost"
                continue
            if here.zeta >= 1.0 - _END:
                self.outer = here
                return "closed"
            if self.target.may_merge and (here.by_c <= 0.0 or goal == self.limit):
                return "merged"
            if goal == self.limit:
                return "bound"
            wide = limited and self.longest >= self.wide
            level = level + 1 if wide and here.zeta**2 - self.inner.zeta**2 < _LEVEL else 0
            if level >= _LEVEL_STEPS:
                return "level"
            self.longest *= _GROWTH if limited else 1.0
            self.inner = here
        return "lost"

    def _next(self) -> tuple[float, bool]:
        """Where zeta should be at its next mark, and whether the longest step came first."""
        mark = next(m for m in _MARKS if m > self.inner.zeta + 0.1 or m == _MARKS[-1])
        step = (mark - self.inner.zeta) / self.inner.by_c if self.inner.by_c > 0.0 else np.inf
        goal = self.inner.c + self.direction * min(step, self.longest)
        if (goal - self.limit) * self.direction >= 0.0:
            return self.limit, False
        return goal, step > self.longest

    def find_end(self) -> float | None:
        """The c at which the rise is the threshold: Newton's method inside a bracket."""
        for _ in range(_MOST_BISECTIONS):
            outer = self.outer
            if outer is None:
                return None
            for known in (outer, self.inner):
                if abs(known.zeta - 1.0) <= _END and known.by_c > 0.0:
                    return known.c + self.direction * (1.0 - known.zeta) / known.by_c
            nearest = min((outer, self.inner), key=lambda point: abs(point.zeta - 1.0))
            guess = nearest.c
            if nearest.by_c > 0.0:
                guess += self.direction * (1.0 - nearest.zeta) / nearest.by_c
            inside = (guess - self.inner.c) * (guess - outer.c) < 0.0
            here = self._at(guess if inside else 0.5 * (self.inner.c + outer.c))
            if here is None:
                return None
            if here.zeta >= 1.0:
                self.outer = here
            else:
                self.inner = here
        return None if self.outer is None else self.outer.c

    def go_beyond(self, end: float) -> None:
        """A point outside of the interval, for the picture."""
        if any(point.zeta > 1.0 + 0.5 * _BEYOND for point in self.points):
            return
        last = max(self.points, key=lambda point: point.zeta)
        c = end + self.direction * _BEYOND / last.by_c if last.by_c > 0.0 else end
        self._at(self.limit if (c - self.limit) * self.direction > 0.0 else c)

    def _at(self, c: float) -> CurvePoint | None:
        """The point of the profile at c; None where it cannot be computed."""
        nearest = min([self.inner, *self.points], key=lambda point: abs(point.c - c)).bottom
        found = gauss_newton(
            self.evaluate,
            nearest.x + self._tangent(nearest, c),
            self.box,
            lambda x: self.target.surface(x, c)[0],
        )
        enough = found.chi2 - self.origin.chi2 < self.origin.threshold  # even if not at its least
        if found.failed or not np.isfinite(found.chi2) or not (found.converged or enough):
            return None
        rise = found.chi2 - self.origin.chi2
        if rise < -_DEEPER * self.origin.threshold:
            raise DeeperMinimum(found.x, found.chi2)
        rise = max(rise, 0.0)
        slope = -found.multiplier * self.target.surface(found.x, c)[1]
        zeta = float(np.sqrt(rise / self.origin.threshold))
        by_c = self.direction * slope / (2.0 * self.origin.threshold * zeta) if zeta > 0.0 else 0.0
        here = CurvePoint(c, rise, slope, zeta, by_c, found)
        self.points.append(here)
        return here

    def _tangent(self, known: Solution, c: float) -> FloatArray:
        """The way from a point on the curve to where the quantity is c, other unknowns minimised again.

        Directions that the data do not know are stiffened until no step is too long.
        """
        surface, _ = self.target.surface(known.x, c)
        jacobian = known.point.jacobian
        length = np.linalg.norm(jacobian, axis=0)
        scale = np.where(length > 0, length, 1.0)
        _, singular, rows = np.linalg.svd(jacobian / scale, full_matrices=False)
        a = surface.gradient / scale
        step = np.zeros(a.size)
        for softest in _SOFTEST:
            spread = rows.T / np.hypot(singular, softest * singular.max(initial=1e-300))
            way = spread @ (spread.T @ a)
            size = float(a @ way)
            if not (size > 0.0 and np.isfinite(surface.h)):
                break
            step = way * (-surface.h / size) / scale
            if np.all((np.abs(step) <= self.box.longest) | (surface.gradient != 0.0)):
                break
        held = np.clip(step, -_TIMID * self.box.longest, _TIMID * self.box.longest)
        far = (np.abs(step) > self.box.longest) & (surface.gradient == 0.0)
        return np.where(far, held, step)


_AGREE = 0.25
"""Difference of an end, relative to half the linear interval, up to which the two intervals say the same."""
_SINGULAR = 1e-9
"""Smallest singular value of the scaled Jacobian, relative to the largest, that counts as information."""
_TOLERATED = 1.2
"""How much more a variance may grow than that of the record with the fewest effective points."""
_RESTARTS = 3


@dataclass(frozen=True)
class Profiled:
    """Profiles, and the minimum they start from."""

    profiles: Mapping[str, Profile]
    state: FitState
    """The fit; at a deeper minimum than before where one was found."""
    deeper: int
    """How many times a deeper minimum was found."""


@dataclass(frozen=True)
class Linear:
    """The linearised problem at a minimum."""

    point: Point
    naive: FloatArray
    """(m, m) covariance from the same chi2 that is profiled."""
    known: FloatArray
    """(m, m) covariance with effective points."""
    largest_ratio: float
    """No variance is larger by more than this with effective points."""
    mean_ratio: float


def profile(
    state: FitState,
    targets: Mapping[str, Target] | None = None,
    *,
    names: Sequence[str] | None = None,
    progress: Progress = silent,
    checkpoint: Checkpoint | None = None,
) -> Profiled:
    """Profiles of the physical parameters and of functions of them.

    Parameters
    ----------
    state : FitState
        A fit at its minimum.
    targets : mapping of str to Target, optional
        Functions of the parameters to profile too.
    names : sequence of str, optional
        Fitted quantities; by default the physical parameters among them.
    progress : callable
        Told after every profile.
    checkpoint : Checkpoint, optional
        Where finished profiles are kept.
    """
    wanted = [n for n in state.unknowns.names if n in NAMES] if names is None else list(names)
    kept = checkpoint or Checkpoint()
    for found in range(_RESTARTS + 1):
        try:
            done = _profile_all(state, wanted, targets or {}, kept, progress)
        except DeeperMinimum as deeper:
            if found == _RESTARTS:
                break
            state = settled(replace(state, minimum=replace(state.minimum, x=deeper.x, chi2=deeper.chi2)))
            continue
        return Profiled(_in_order(done, wanted, targets or {}), state, found)
    return Profiled({}, state, _RESTARTS)


def _in_order(
    done: Mapping[str, Profile], wanted: Sequence[str], targets: Mapping[str, Target]
) -> dict[str, Profile]:
    """Profiles in the order of the parameters, whichever was ready first."""
    return {name: done[name] for name in [*wanted, *targets] if name in done}


def _profile_all(
    state: FitState,
    wanted: Sequence[str],
    targets: Mapping[str, Target],
    kept: Checkpoint,
    progress: Progress,
) -> dict[str, Profile]:
    """Every profile, those of an interrupted run as they were kept.

    One after the other: they take some tenth of a second each, and threads would only wait for each other.
    """
    stage = f"profiles {state.minimum.chi2:.9g}"
    done = {name: from_plain(Profile, item) for name, item in (kept.get(stage) or {}).items()}
    at = linearise(state)
    followed = [follow_unknown(state.unknowns, name, state.x) for name in wanted]
    functions = (follow_function(state.unknowns, name, t, state.x) for name, t in targets.items())
    followed += [item for item in functions if item is not None]
    try:
        for count, item in enumerate(followed):
            progress("profiles", count, len(followed))
            if item.name not in done:
                low, high = (_side(state, at, item, direction) for direction in (-1, 1))
                done[item.name] = _summary(item, low, high, at)
                kept.put(stage, lambda: to_plain(done))
    except KeyboardInterrupt:
        kept.put(stage, lambda: to_plain(done), now=True)
        raise
    kept.put(stage, lambda: to_plain(done), now=True)
    progress("profiles", len(followed), len(followed))
    return done


def linearise(state: FitState) -> Linear:
    """The linearised problem at the minimum of a fit."""
    point = evaluator(state)(state.x)
    length = np.linalg.norm(point.jacobian, axis=0)
    scale = np.where(length > 0, length, 1.0)
    _, singular, rows = np.linalg.svd(point.jacobian / scale, full_matrices=False)
    seen = singular > _SINGULAR * float(singular.max(initial=1e-300))
    inverse = np.where(seen, 1.0 / np.where(seen, singular, 1.0) ** 2, 0.0)
    naive = (rows.T * inverse) @ rows / np.outer(scale, scale)
    covariance = covariance_of(state)
    effective = np.maximum(np.asarray(covariance.effective), 1.0)
    record = state.problem.predictor.record_of_point[state.problem.keep]
    count = np.maximum(np.bincount(record, minlength=effective.size), 1)
    return Linear(
        point,
        naive,
        covariance.matrix,
        _TOLERATED * float(np.max(count / effective)),
        float(count.sum() / effective.sum()),
    )


def _side(state: FitState, at: Linear, item: Followed, direction: int) -> Side:
    """One side of one profile."""
    naive, ratio = _errors(at, item)
    origin = Origin(at.point, state.minimum.chi2, CHI2_1 * ratio, naive)
    evaluate: Evaluate = evaluator(state)
    return follow(evaluate, Box.of(state), item, origin, direction)


def _errors(at: Linear, item: Followed) -> tuple[float, float]:
    """Standard error of c from chi2 alone, and how much larger its variance is with effective points."""
    surface, by_c = item.surface(at.point.x, item.best)
    a = surface.gradient / -by_c if by_c else np.zeros(at.point.x.size)
    naive, known = float(a @ at.naive @ a), float(a @ at.known @ a)
    if not (np.isfinite(naive) and naive > 0.0):
        return 0.0, at.mean_ratio
    return float(np.sqrt(naive)), float(np.clip(known / naive, 1.0, at.largest_ratio))


def _summary(item: Followed, low: Side, high: Side, at: Linear) -> Profile:
    """Both sides as one record."""
    naive, ratio = _errors(at, item)
    error = naive * float(np.sqrt(ratio))
    ends = tuple(None if side.end is None else item.outer(side.end) for side in (low, high))
    beside = _linear_interval(item, error)
    agrees = _agree(ends, beside)
    points = [*((p.c, p.rise, p.slope) for p in low.points), (item.best, 0.0, 0.0)]
    points += [(p.c, p.rise, p.slope) for p in high.points]
    kind = _class_of(ends)
    return Profile(
        unit=item.unit or unit_of(item.name),
        best=item.outer(item.best),
        ci95=(ends[0], ends[1]),
        linear_ci95=beside,
        kind=kind,
        threshold=float(CHI2_1 * ratio),
        logarithmic=item.logarithmic,
        value=tuple(item.outer(c) for c, _, _ in points),
        rise=tuple(rise for _, rise, _ in points),
        slope=tuple(slope for _, _, slope in points),
        linear_error=error if error > 0.0 else None,
        complete="lost" not in (low.ending, high.ending),
        agrees=agrees,
        message=_sentence(kind, low.ending, high.ending, agrees),
    )


def _linear_interval(item: Followed, error: float) -> Ends | None:
    """The interval by the covariance, inside the bounds; None where there is none."""
    if error <= 0.0:
        return None
    low = max(item.best - Z * error, item.lower)
    high = min(item.best + Z * error, item.upper)
    if item.logarithmic and max(high - item.best, item.best - low) > _UNBOUNDED:
        return None
    return item.outer(low), item.outer(high)


_UNBOUNDED = 300.0
"""Half width of an interval of a logarithm beyond which it is none."""


def _agree(ends: Sequence[float | None], linear: Ends | None) -> bool:
    """Whether two intervals say the same, measured by the width of the linear one."""
    if linear is None or linear[0] is None or linear[1] is None:
        return False
    half = 0.5 * (linear[1] - linear[0])
    return all(
        a is not None and b is not None and abs(a - b) <= _AGREE * half
        for a, b in zip(ends, linear, strict=True)
    )


def _class_of(ends: Sequence[float | None]) -> ProfileClass:
    """Closed on both sides, on one, or on none."""
    low, high = ends
    if low is None:
        return "flat" if high is None else "bounded_above"
    return "bounded_below" if high is None else "determined"


_CLASS_WORDS: Mapping[ProfileClass, str] = {
    "determined": "The profile is closed on both sides",
    "bounded_below": "The data give a lower limit only",
    "bounded_above": "The data give an upper limit only",
    "flat": "The data give no limit on either side",
}
_ENDING_WORDS: Mapping[Ending, str] = {
    "closed": "",
    "bound": "{side} chi2 stays below the threshold to the bound",
    "level": "{side} chi2 levels off below the threshold",
    "lost": "{side} the search ended before chi2 reached the threshold",
    "merged": "{side} the two Hopf points may merge and vanish",
}


def _sentence(kind: ProfileClass, low: Ending, high: Ending, agrees: bool) -> str:
    """What the profile says."""
    said = [_ENDING_WORDS[ending].format(side=side) for ending, side in ((low, "below"), (high, "above"))]
    head = _CLASS_WORDS[kind]
    if kind == "determined":
        head += ", as the linear interval says" if agrees else ", but not where the linear interval ends"
    return "; ".join([head, *(part for part in said if part)]) + "."


_CORE = NAMES[:7]


def with_profiles(result: FitResult, device: Device, profiled: Profiled) -> FitResult:
    """The result with its profiles, and with their ends as the 95 % intervals of the parameters.

    Parameters
    ----------
    result : FitResult
    device : Device
        The data of the fit.
    profiled : Profiled
    """
    if profiled.deeper:
        result = _at_deeper_minimum(result, device, profiled.state)
    parameters = {
        name: _told_by(profiled.profiles[name], e) if name in profiled.profiles else e
        for name, e in result.parameters.items()
    }
    differ = [
        name for name, p in profiled.profiles.items() if not p.agrees and name in parameters and p.linear_ci95
    ]
    warnings = result.warnings
    if differ:
        said = f"Profile and linear interval of {', '.join(differ)} differ; the profiles' are given."
        warnings = (*warnings, said)
    return replace(
        result,
        parameters=parameters,
        profiles=dict(profiled.profiles),
        status=_status(result.status, parameters),
        warnings=warnings,
    )


def _told_by(profile: Profile, e: Estimate) -> Estimate:
    """An estimate with the interval of its profile, and the verdict that follows.

    What the linear verdict calls undetermined keeps no value, but may have limits.
    """
    if profile.kind == "flat" and profile.complete:
        return replace(e, value=None, stderr=None, ci95=None, status="undetermined")
    if e.status in ("undetermined", "at_bound"):
        return replace(e, ci95=profile.ci95)
    one_sided = profile.kind != "determined"
    return replace(e, ci95=profile.ci95, status="weak" if one_sided else e.status)


def _status(status: Status, parameters: Mapping[str, Estimate]) -> Status:
    """The verdict on the fit, once the profiles have found what is not determined."""
    lost = [name for name in _CORE if name in parameters and parameters[name].status == "undetermined"]
    if not lost or status.code in ("not_identifiable", "not_converged"):
        return status
    return Status(
        code="not_identifiable",
        message=f"By their profiles the data do not determine {', '.join(lost)}; the others hold as far as "
        "their intervals say. Add a spectrum at another bias, a sweep through V_T or a longer pulse, or fix "
        "what is known.",
    )


def _at_deeper_minimum(result: FitResult, device: Device, state: FitState) -> FitResult:
    """The result at the minimum that a profile came upon; the old one becomes an alternative."""
    order = {item.file: k for k, item in enumerate(result.inputs)}
    sorted_device = replace(device, records=tuple(sorted(device.records, key=lambda r: order[r.name])))
    first = StartingValues(
        {n: e.start for n, e in result.parameters.items() if e.start is not None},
        0.0,
        {n: e.reason for n, e in result.parameters.items()},
    )
    plan = FitPlan.from_dict(result.plan)
    new = summarise(sorted_device, plan, free_parameters(result.model), [state], first)
    covariance = covariance_of(state)
    new = with_identifiability(new, state, covariance, explore(state, covariance))
    old = Alternative(
        parameters={n: e.value for n, e in result.parameters.items() if e.value is not None},
        chi2=result.goodness.chi2,
        note="the minimum at which the fit had ended",
    )
    fall = result.goodness.chi2 - state.minimum.chi2
    said = f"A profile came upon a deeper minimum, chi2 lower by {fall:.3g}; everything starts from there."
    return replace(
        new,
        alternatives=(old, *result.alternatives),
        conflicts=result.conflicts,
        warnings=(*result.warnings, said),
        stability=result.stability,
        environment=result.environment,
        memfit_version=result.memfit_version,
    )
