"""Profile likelihood: the least chi2 for each value of one quantity, all others as they like.

The one engine that follows it: constrained refits from a minimum outward. The quantity, a fitted parameter or
any smooth function of the parameters, is held at c by a condition h(x; c) = 0 (x_j - c, g(x) - c, or one of
its own, as a Hopf voltage has), and all unknowns are minimised again from where the tangent leads. The slope
of the profile there is the multiplier of the condition, as the envelope theorem says. In
zeta = sqrt(rise/threshold) the profile of a linear problem is a straight line, so that Newton's method on
zeta = 1 with the exact slope finds the limit of an interval in one or two steps (Bates & Watts, Nonlinear
Regression Analysis, 1988, ch. 6; Venzon & Moolgavkar, Appl. Stat. 1988, 37, 87). A side is open where a bound
comes first, where the curve levels off, or where the search ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.fitting.minimum.least_squares import Box, Evaluate, Point, Solution, Surface, gauss_newton
from memfit.fitting.minimum.unknowns import Unknowns
from memfit.fitting.plan import CORE
from memfit.fitting.uncertainty.covariance import NormalApproximation
from memfit.model import NAMES, Parameters


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the engine."""

    marks: tuple[float, ...] = (0.5, 1.0)
    """Values of zeta aimed at on the way out."""
    beyond: float = 0.2
    """How far beyond the limit in zeta the picture goes."""
    at_limit: float = 2e-3
    """Error of zeta at the limit of an interval, before the last step of Newton's method."""
    most_refits: int = 40
    most_bisections: int = 20
    most_retreats: int = 6
    first_step: float = 2.0
    """Longest first step, in distances at which a parabola would reach the threshold."""
    retreat: float = 0.4
    """Share of a step that is tried after one that led nowhere."""
    growth: float = 2.0
    """Of the longest step after each."""
    level: float = 0.02
    """Rise of zeta^2 over a wide step below which the curve is level ..."""
    level_steps: int = 2
    """... and how many such steps end it."""
    deeper: float = 0.1
    """Fall of chi2 below the minimum, in thresholds, that makes another minimum."""
    loose: float = 0.02
    """In strides, where less will do: fall of chi2 at which a refit ends, as a share of the threshold ..."""
    loose_most: int = 25
    """... and evaluations of a refit, at most."""
    softest: tuple[float, ...] = (1e-6, 1e-4, 1e-2, 1.0)
    """Singular values are taken to be at least this share of the largest when the tangent is computed."""
    timid: float = 0.1
    """Share of the longest step that an unknown makes which no stiffness holds back."""
    seen: float = 1e-3
    """Change of the residuals, in standard deviations, by a longest step that is seen at all."""
    toward_twin: float = 0.25
    """Longest step, of the distance to the twin: none must lead across what parts them."""
    wide: float = float(np.log(10.0))
    """First limit to a step of a logarithm: a decade."""
    wide_in_V_m: float = 2.0
    """The same of a voltage that is measured in V_m."""


SETTINGS = Settings()

Slopes = tuple[float, FloatArray, float]
"""h, its (n,) derivatives by the values of `NAMES`, and its derivative by c."""
Ending = Literal["closed", "bound", "level", "lost", "merged"]


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
class Constraint:
    """A quantity that is held at c, in the vector of unknowns."""

    name: str
    unit: str
    best: float
    """c where the ridge begins."""
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


@dataclass(frozen=True)
class Refit:
    """One constrained refit: a point of the profile."""

    c: float
    rise: float
    slope: float
    """Derivative of the rise by c."""
    zeta: float
    """sqrt(rise/threshold)."""
    by_c: float
    """Its derivative by c, outward positive."""
    solution: Solution


@dataclass(frozen=True)
class Side:
    """One side of a profile."""

    refits: tuple[Refit, ...]
    """By c, rising, without the place where it began."""
    limit: float | None
    """c at which the rise reaches the threshold; None where it does not."""
    ending: Ending
    last: FloatArray
    """(m,) the place furthest out whose rise stays below the threshold."""


class DeeperMinimum(Exception):  # noqa: N818 - it is a find, not an error
    """A point below the minimum from which the profile started."""

    def __init__(self, x: FloatArray, chi2: float) -> None:
        super().__init__(f"chi2 {chi2:g}")
        self.x = x
        self.chi2 = chi2


@dataclass(frozen=True)
class Origin:
    """Where a ridge begins: the minimum, or another place below the threshold."""

    point: Point
    chi2: float
    """Of the minimum: what the rise is counted from."""
    threshold: float
    """Rise of chi2 at the limits of the interval."""
    error: float
    """Standard error of c by the linearised problem, from the same chi2; 0 where it has none."""
    rise: float = 0.0
    """At the place itself."""
    stride: float | None = None
    """First step where neither slopes nor errors are believed: then steps only grow, across narrow wells that
    noise makes, refits may stop early, and what is beyond the threshold is not narrowed down. No limit is
    searched so: a refit that stops early brings it too near."""


def hold_unknown(unknowns: Unknowns, name: str, x: FloatArray) -> Constraint:
    """A fitted quantity, by its name, as the one that is held; x (m,) is where the ridge begins."""
    j = unknowns.names.index(name)
    unknown = unknowns.free[j]
    gradient = np.zeros(len(unknowns.free))
    gradient[j] = 1.0
    low, high = unknown.inner_bounds
    in_V_m = name in CORE and not unknown.logarithmic
    wide = SETTINGS.wide_in_V_m * unknowns.parameters(x).V_m if in_V_m else np.inf
    return Constraint(
        name=name,
        unit=unknown.unit,
        best=float(x[j]),
        surface=lambda x, c: (Surface(float(x[j]) - c, gradient), -1.0),
        logarithmic=unknown.logarithmic,
        lower=low,
        upper=high,
        longest=SETTINGS.wide if unknown.logarithmic else wide,
    )


def hold_function(unknowns: Unknowns, name: str, target: Target, x: FloatArray) -> Constraint | None:
    """A function of the parameters as the quantity that is held; None where it does not exist at x (m,)."""
    value = target.best(unknowns.parameters(x))
    if value is None:
        return None
    columns = [(j, NAMES.index(u.name), u) for j, u in enumerate(unknowns.free) if u.name in NAMES]

    def surface(x: FloatArray, c: float) -> tuple[Surface, float]:
        h, slopes, by_c = target.condition(unknowns.parameters(x), c)
        gradient = np.zeros(x.size)
        for j, k, unknown in columns:
            gradient[j] = slopes[k] * (unknown.outer(float(x[j])) if unknown.logarithmic else 1.0)
        return Surface(h, gradient), by_c

    twin = target.twin(unknowns.parameters(x)) if target.twin else None
    longest = SETTINGS.wide if target.logarithmic else np.inf
    return Constraint(
        name=name,
        unit=target.unit,
        best=float(np.log(value)) if target.logarithmic else value,
        surface=surface,
        logarithmic=target.logarithmic,
        lower=twin if twin is not None and twin < value else -np.inf,
        upper=twin if twin is not None and twin > value else np.inf,
        longest=longest if twin is None else SETTINGS.toward_twin * abs(twin - value),
        may_merge=twin is not None,
    )


def constrained_refit(
    evaluate: Evaluate,
    box: Box,
    constraint: Constraint,
    c: float,
    start: FloatArray,
    *,
    threshold: float | None = None,
) -> Solution:
    """Everything minimised again while one quantity is held.

    Parameters
    ----------
    evaluate : callable
    box : Box
    constraint : Constraint
    c : float
        What the quantity is held at: its value, or the logarithm of it.
    start : (m,) array
        Should nearly satisfy the constraint.
    threshold : float, optional
        Rise of chi2 that matters, where the refit need not be better than it takes to tell.
    """

    def condition(x: FloatArray) -> Surface:
        return constraint.surface(x, c)[0]

    first = evaluate(box.clip(start))
    stays = _unseen(first, box, condition(first.x))
    held = replace(box, low=np.where(stays, first.x, box.low), high=np.where(stays, first.x, box.high))
    if threshold is None:
        return gauss_newton(evaluate, start, held, condition, first=first)
    tolerance, most = SETTINGS.loose * threshold, SETTINGS.loose_most
    return gauss_newton(evaluate, start, held, condition, tolerance=tolerance, most=most, first=first)


def _unseen(point: Point, box: Box, surface: Surface) -> BoolArray:
    """(m,) Unknowns of which the data see nothing: they stay, for a step could only make numerical noise."""
    longest = np.where(np.isfinite(box.longest), box.longest, 0.0)
    seen = np.linalg.norm(point.jacobian, axis=0) * longest
    result: BoolArray = (longest > 0.0) & (seen < SETTINGS.seen) & (surface.gradient == 0.0)
    return result


def follow(
    evaluate: Evaluate,
    box: Box,
    constraint: Constraint,
    origin: Origin,
    direction: int,
    *,
    picture: bool = False,
) -> Side:
    """One side of the profile ridge of a quantity.

    Parameters
    ----------
    evaluate : callable
    box : Box
    constraint : Constraint
    origin : Origin
    direction : {-1, 1}
    picture : bool
        Whether a point beyond the limit is wanted too.

    Raises
    ------
    DeeperMinimum
        The profile found a lower chi2 than the minimum.
    """
    ridge = _Ridge(evaluate, box, constraint, origin, direction)
    ending = ridge.go_out()
    limit = None
    if ending == "closed" and origin.stride is None:
        limit = ridge.find_limit()
        ending = "lost" if limit is None else "closed"
    elif ridge.outer is not None:
        limit = ridge.outer.c
    last = ridge.inner.solution.x
    if picture and limit is not None:
        ridge.go_beyond(limit)
    return Side(tuple(sorted(ridge.refits, key=lambda refit: refit.c)), limit, ending, last)


class _Ridge:
    """The way from the minimum to one side."""

    def __init__(
        self, evaluate: Evaluate, box: Box, constraint: Constraint, origin: Origin, direction: int
    ) -> None:
        self.evaluate, self.box, self.constraint, self.origin = evaluate, box, constraint, origin
        self.direction = direction
        full = origin.error * np.sqrt(origin.threshold)
        longest = constraint.longest
        self.wide = longest if np.isfinite(longest) else 10.0 * full or 1.0
        self.longest = min(SETTINGS.first_step * full, self.wide) if full > 0.0 else 0.2 * self.wide
        self.longest = self.longest if origin.stride is None else origin.stride
        self.limit = constraint.upper if direction > 0 else constraint.lower
        start = Solution(origin.point.x, origin.chi2 + origin.rise, 0.0, True, False, 0, origin.point)
        zeta = float(np.sqrt(origin.rise / origin.threshold))
        self.inner = Refit(constraint.best, origin.rise, 0.0, zeta, 1.0 / full if full > 0.0 else 0.0, start)
        """The furthest out below the threshold."""
        self.outer: Refit | None = None
        """The nearest one above it."""
        self.refits: list[Refit] = []

    def go_out(self) -> Ending:
        """From refit to refit until the rise reaches the threshold, or the side proves open."""
        level, retreats = 0, 0
        while len(self.refits) < SETTINGS.most_refits:
            # where zeta should be at its next mark, or as far as the longest step leads
            inner = self.inner
            mark = next((m for m in SETTINGS.marks if m > inner.zeta + 0.1), SETTINGS.marks[-1])
            believed = inner.by_c > 0.0 and self.origin.stride is None
            step = (mark - inner.zeta) / inner.by_c if believed else np.inf
            goal, limited = inner.c + self.direction * min(step, self.longest), step > self.longest
            if (goal - self.limit) * self.direction >= 0.0:
                goal, limited = self.limit, False
            here = self.refit_at(goal)
            if here is None:
                retreats += 1
                self.longest = SETTINGS.retreat * abs(goal - self.inner.c)
                if retreats > SETTINGS.most_retreats:
                    return "lost"
                continue
            if here.zeta >= 1.0 - SETTINGS.at_limit:
                self.outer = here
                return "closed"
            if self.constraint.may_merge and (here.by_c <= 0.0 or goal == self.limit):
                return "merged"
            wide = limited and self.longest >= self.wide and self.origin.stride is None
            level = level + 1 if wide and here.zeta**2 - self.inner.zeta**2 < SETTINGS.level else 0
            self.inner = here
            if goal == self.limit:
                return "bound"
            if level >= SETTINGS.level_steps:
                return "level"
            self.longest *= SETTINGS.growth if limited else 1.0
        return "lost"

    def find_limit(self) -> float | None:
        """The c at which the rise is the threshold: Newton's method inside a bracket."""
        for _ in range(SETTINGS.most_bisections):
            outer = self.outer
            if outer is None:
                return None
            for known in (outer, self.inner):
                if abs(known.zeta - 1.0) <= SETTINGS.at_limit and known.by_c > 0.0:
                    step, width = (1.0 - known.zeta) / known.by_c, abs(outer.c - self.inner.c)
                    return known.c + self.direction * min(max(step, -width), width)
            nearest = min((outer, self.inner), key=lambda refit: abs(refit.zeta - 1.0))
            guess = nearest.c
            if nearest.by_c > 0.0:
                guess += self.direction * (1.0 - nearest.zeta) / nearest.by_c
            inside = (guess - self.inner.c) * (guess - outer.c) < 0.0
            here = self.refit_at(guess if inside else 0.5 * (self.inner.c + outer.c))
            if here is None:
                return None
            if here.zeta >= 1.0:
                self.outer = here
            else:
                self.inner = here
        return None if self.outer is None else self.outer.c

    def go_beyond(self, limit: float) -> None:
        """A refit outside of the interval, for the picture."""
        if any(refit.zeta > 1.0 + 0.5 * SETTINGS.beyond for refit in self.refits):
            return
        last = max(self.refits, key=lambda refit: refit.zeta)
        c = limit + self.direction * SETTINGS.beyond / last.by_c if last.by_c > 0.0 else limit
        self.refit_at(self.limit if (c - self.limit) * self.direction > 0.0 else c)

    def refit_at(self, c: float) -> Refit | None:
        """The point of the profile at c; None where it cannot be computed."""
        origin = self.origin
        nearest = min([self.inner, *self.refits], key=lambda refit: abs(refit.c - c)).solution
        start = nearest.x + self._tangent(nearest, c)
        striding = origin.stride is not None
        threshold = origin.threshold if striding else None
        solution = constrained_refit(self.evaluate, self.box, self.constraint, c, start, threshold=threshold)
        enough = solution.chi2 - origin.chi2 < origin.threshold  # even if not at its least
        arrived = solution.converged or enough or striding
        if solution.failed or not np.isfinite(solution.chi2) or not arrived:
            return None
        rise = solution.chi2 - origin.chi2
        if rise < -SETTINGS.deeper * origin.threshold:
            raise DeeperMinimum(solution.x, solution.chi2)
        rise = max(rise, 0.0)
        slope = -solution.multiplier * self.constraint.surface(solution.x, c)[1]
        zeta = float(np.sqrt(rise / origin.threshold))
        by_c = self.direction * slope / (2.0 * origin.threshold * zeta) if zeta > 0.0 else 0.0
        self.refits.append(Refit(c, rise, slope, zeta, by_c, solution))
        return self.refits[-1]

    def _tangent(self, known: Solution, c: float) -> FloatArray:
        """The way from a place on the ridge to where the quantity is c, other unknowns minimised again.

        Directions that the data do not know are stiffened until no step is too long.
        """
        surface, _ = self.constraint.surface(known.x, c)
        normal = NormalApproximation.of(known.point.jacobian)
        step = np.zeros(known.x.size)
        for softest in SETTINGS.softest:
            root = normal.root(softest)
            along = surface.gradient @ root
            size = float(along @ along)
            if not (size > 0.0 and np.isfinite(surface.h)):
                break
            step = root @ along * (-surface.h / size)
            if np.all((np.abs(step) <= self.box.longest) | (surface.gradient != 0.0)):
                break
        timid = SETTINGS.timid * self.box.longest
        far = (np.abs(step) > self.box.longest) & (surface.gradient == 0.0)
        step = np.where(far, np.clip(step, -timid, timid), step)
        return np.where(_unseen(known.point, self.box, surface), 0.0, step)
