"""One profile followed from the minimum outward: the least chi2 for each value of one quantity.

From the minimum to either side the quantity c is moved, all other unknowns are minimised again from where the
tangent of the curve leads, and the slope of the profile is the partial derivative there, as the envelope
theorem says (the multiplier of the condition). In zeta = sqrt(rise/threshold) the profile of a linear
problem is a straight line, so Newton's method on zeta = 1 with the exact slope finds the end of the interval
in one or two steps (Bates & Watts, Nonlinear Regression Analysis, 1988, ch. 6; Venzon & Moolgavkar, Appl.
Stat. 1988, 37, 87). A side is open where a bound comes first, where the curve levels off, or where the search
ends.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.descent import Bottom, Box, Evaluate, Point, descend
from memfit.fitting.targets import Followed

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
    bottom: Bottom


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
        start = Bottom(origin.point.x, origin.chi2, 0.0, True, False, 0, origin.point)
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
        found = descend(
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

    def _tangent(self, known: Bottom, c: float) -> FloatArray:
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
