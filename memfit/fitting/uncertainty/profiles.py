"""Profiles on request: intervals from the profile likelihood, beside the linear ones.

The interval of a quantity holds the values at which the least chi2 over all other unknowns stays below its
minimum plus a threshold: 3.84, the 95 % point of chi-square with one degree of freedom (Wilks, Ann. Math.
Stat. 1938, 9, 60). Where residuals follow each other chi2 rises too fast; the threshold is then raised by the
ratio of the variance with the effective number of points to the variance without (the vertical adjustment of
Chandler & Bate, Biometrika 2007, 94, 167), so that for a linear problem profile and linear interval are one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.confidence import CHI2_1, Z
from memfit.fitting.minimum.least_squares import Box, Point, evaluator, settled
from memfit.fitting.minimum.problem import FitState
from memfit.fitting.results.findings import Profile, ProfileClass
from memfit.fitting.serialise import from_plain, to_plain
from memfit.fitting.uncertainty.covariance import NormalApproximation, covariance_of
from memfit.fitting.uncertainty.profile_likelihood import (
    Constraint,
    DeeperMinimum,
    Ending,
    Origin,
    Side,
    Target,
    follow,
    hold_function,
    hold_unknown,
)
from memfit.fitting.uncertainty.refit import Checkpoint
from memfit.model import NAMES
from memfit.progress import Progress, silent


@dataclass(frozen=True)
class Settings:
    """Numbers that steer profiles on request."""

    restarts: int = 3
    """How often all profiles begin again from a deeper minimum."""
    agree: float = 0.25
    """Difference of a limit, relative to half the linear interval, up to which two intervals say the same."""
    tolerated: float = 1.2
    """How much more a variance may grow than that of the record with the fewest effective points."""
    unbounded: float = 300.0
    """Half width of an interval of a logarithm beyond which it is none."""


SETTINGS = Settings()


@dataclass(frozen=True)
class Profiled:
    """Profiles, and the minimum they start from."""

    profiles: Mapping[str, Profile]
    state: FitState
    """The fit; at a deeper minimum than before where one was found."""
    deeper: int
    """How many times a deeper minimum was found."""


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
    functions = targets or {}
    wanted = [n for n in state.unknowns.names if n in NAMES] if names is None else list(names)
    kept = checkpoint or Checkpoint()
    for deeper in range(SETTINGS.restarts + 1):
        try:
            done = _profile_all(state, wanted, functions, kept, progress)
        except DeeperMinimum as place:
            if deeper < SETTINGS.restarts:
                state = settled(replace(state, minimum=replace(state.minimum, x=place.x, chi2=place.chi2)))
            continue
        in_order = {name: done[name] for name in [*wanted, *functions] if name in done}
        return Profiled(in_order, state, deeper)
    return Profiled({}, state, SETTINGS.restarts)


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
    evaluate, box = evaluator(state), Box.of(state)
    linear = _Linear(state, evaluate(state.x))
    held = [hold_unknown(state.unknowns, name, state.x) for name in wanted]
    functions = (hold_function(state.unknowns, name, t, state.x) for name, t in targets.items())
    held += [constraint for constraint in functions if constraint is not None]
    try:
        for count, constraint in enumerate(held):
            progress("profiles", count, len(held))
            if constraint.name not in done:
                error, ratio = linear.error_of(constraint)
                origin = Origin(linear.point, state.minimum.chi2, CHI2_1 * ratio, error)
                low, high = (
                    follow(evaluate, box, constraint, origin, direction, picture=True)
                    for direction in (-1, 1)
                )
                done[constraint.name] = _record(constraint, low, high, error, ratio)
                kept.put(stage, lambda: to_plain(done))
    except KeyboardInterrupt:
        kept.put(stage, lambda: to_plain(done), now=True)
        raise
    kept.put(stage, lambda: to_plain(done), now=True)
    progress("profiles", len(held), len(held))
    return done


class _Linear:
    """The linearised problem at a minimum, with all points and with the effective ones."""

    def __init__(self, state: FitState, point: Point) -> None:
        self.point = point
        self.naive = NormalApproximation.of(point.jacobian).covariance()
        covariance = covariance_of(state)
        self.known = covariance.matrix
        effective = np.maximum(np.asarray(covariance.effective), 1.0)
        record = state.problem.predictor.record_of_point[state.problem.keep]
        count = np.maximum(np.bincount(record, minlength=effective.size), 1)
        self.largest = SETTINGS.tolerated * float(np.max(count / effective))
        self.mean = float(count.sum() / effective.sum())

    def error_of(self, constraint: Constraint) -> tuple[float, float]:
        """Standard error of c from chi2 alone, and how much larger its variance is with effective points."""
        surface, by_c = constraint.surface(self.point.x, constraint.best)
        a = surface.gradient / -by_c if by_c else np.zeros(self.point.x.size)
        naive, known = float(a @ self.naive @ a), float(a @ self.known @ a)
        if not (np.isfinite(naive) and naive > 0.0):
            return 0.0, self.mean
        return float(np.sqrt(naive)), float(np.clip(known / naive, 1.0, self.largest))


_CLASS_TEXT: Mapping[ProfileClass, str] = {
    "determined": "The profile is closed on both sides",
    "bounded_below": "The data give a lower limit only",
    "bounded_above": "The data give an upper limit only",
    "flat": "The data give no limit on either side",
}
_ENDING_TEXT: Mapping[Ending, str] = {
    "closed": "",
    "bound": "{side} chi2 stays below the threshold to the bound",
    "level": "{side} chi2 levels off below the threshold",
    "lost": "{side} the search ended before chi2 reached the threshold",
    "merged": "{side} the two Hopf points may merge and vanish",
}


def _record(constraint: Constraint, low: Side, high: Side, naive: float, ratio: float) -> Profile:
    """Both sides as one record, beside the linear interval."""
    error = naive * float(np.sqrt(ratio))
    first, last = ends = (
        None if low.limit is None else constraint.outer(low.limit),
        None if high.limit is None else constraint.outer(high.limit),
    )
    kind: ProfileClass
    if first is None:
        kind = "flat" if last is None else "bounded_above"
    else:
        kind = "bounded_below" if last is None else "determined"
    linear, best, reach = None, constraint.best, Z * error  # by the covariance, inside the bounds
    below, above = max(best - reach, constraint.lower), min(best + reach, constraint.upper)
    endless = constraint.logarithmic and max(above - best, best - below) > SETTINGS.unbounded
    if error > 0.0 and not endless:
        linear = constraint.outer(below), constraint.outer(above)
    agrees = linear is not None and all(
        end is not None and abs(end - by_covariance) <= SETTINGS.agree * 0.5 * (linear[1] - linear[0])
        for end, by_covariance in zip(ends, linear, strict=True)
    )
    head = _CLASS_TEXT[kind]
    if kind == "determined":
        head += ", as the linear interval says" if agrees else ", but not where the linear interval ends"
    sides = ((low, "below"), (high, "above"))
    said = (_ENDING_TEXT[side.ending].format(side=where) for side, where in sides)
    points = [*((r.c, r.rise, r.slope) for r in low.refits), (constraint.best, 0.0, 0.0)]
    points += [(r.c, r.rise, r.slope) for r in high.refits]
    return Profile(
        unit=constraint.unit,
        best=constraint.outer(constraint.best),
        ci95=ends,
        linear_ci95=linear,
        kind=kind,
        threshold=float(CHI2_1 * ratio),
        logarithmic=constraint.logarithmic,
        value=tuple(constraint.outer(c) for c, _, _ in points),
        rise=tuple(rise for _, rise, _ in points),
        slope=tuple(slope for _, _, slope in points),
        linear_error=error if error > 0.0 else None,
        complete="lost" not in (low.ending, high.ending),
        agrees=agrees,
        message="; ".join([head, *filter(None, said)]) + ".",
    )
