"""Profile likelihood: what the data say about one quantity when all others follow as they like.

The interval of a quantity holds the values at which the least chi2 over all other unknowns stays below its
minimum plus a threshold: 3.84, the 95 % point of chi-square with one degree of freedom (Wilks, Ann. Math.
Stat. 1938, 9, 60). Where residuals follow each other chi2 rises too fast; the threshold is then raised by the
ratio of the variance with the effective number of points to the variance without (the vertical adjustment of
Chandler & Bate, Biometrika 2007, 94, 167), so that for a linear problem profile and linear interval are one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.checkpoint import Checkpoint, nothing_kept, plain
from memfit.fitting.curve import DeeperMinimum, Ending, Origin, Side, follow
from memfit.fitting.descent import Box, Evaluate, Point, evaluator
from memfit.fitting.intervals import Ends, Profile, ProfileClass, profile_from
from memfit.fitting.progress import Progress, silent
from memfit.fitting.restore import settled
from memfit.fitting.state import State
from memfit.fitting.targets import Followed, Target, follow_function, follow_unknown
from memfit.fitting.uncertainty import Z95, covariance_of, unit_of
from memfit.model.parameters import NAMES

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
    state: State
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
    state: State,
    targets: Mapping[str, Target] | None = None,
    *,
    names: Sequence[str] | None = None,
    progress: Progress = silent,
    checkpoint: Checkpoint | None = None,
) -> Profiled:
    """Profiles of the physical parameters and of functions of them.

    Parameters
    ----------
    state : State
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
    kept = checkpoint or nothing_kept()
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
    state: State,
    wanted: Sequence[str],
    targets: Mapping[str, Target],
    kept: Checkpoint,
    progress: Progress,
) -> dict[str, Profile]:
    """Every profile, those of an interrupted run as they were kept.

    One after the other: they take some tenth of a second each, and threads would only wait for each other.
    """
    stage = f"profiles {state.minimum.chi2:.9g}"
    done = {name: profile_from(item) for name, item in (kept.get(stage) or {}).items()}
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
                kept.put(stage, lambda: plain(done))
    except KeyboardInterrupt:
        kept.put(stage, lambda: plain(done), now=True)
        raise
    kept.put(stage, lambda: plain(done), now=True)
    progress("profiles", len(followed), len(followed))
    return done


def linearise(state: State) -> Linear:
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


def _side(state: State, at: Linear, item: Followed, direction: int) -> Side:
    """One side of one profile."""
    naive, ratio = _errors(at, item)
    origin = Origin(at.point, state.minimum.chi2, Z95**2 * ratio, naive)
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
        threshold=float(Z95**2 * ratio),
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
    low = max(item.best - Z95 * error, item.lower)
    high = min(item.best + Z95 * error, item.upper)
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
