"""A parameter moved away from a minimum while all others make up for it.

A doubtful parameter is moved a factor e, and further while that costs little, and everything else is fitted
again: a few points of its profile likelihood.

Simpler devices within the model, at which a search from the minimum may never arrive.

Where data describe one of them as well, what it does without is open: an activation that stands still, a
channel without current or with one that does not move, one that is fully on, or seen by its tail alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.least_squares import minimise
from memfit.fitting.predict import drive_of, junction_at
from memfit.fitting.problem import UNSEEN, FitState, Problem, Unknown, Unknowns
from memfit.fitting.uncertainty.covariance import with_bounds
from memfit.model.equations import activation
from memfit.model.parameters import NAMES

CORE = NAMES[:7]
ALLOWED = 16.0
"""Rise of chi2, on independent points, that chance and the search for the lowest place explain together: so
that a parameter is open where it can go four units of length far, which is a standard error of one."""
STEPS = (1.0, 2.0, 3.0, 4.0)
"""Distances of a parameter, in the logarithm; V_T in units of 2 V_m."""
_NEAR_LIMIT = 2.0
"""Largest such distance at which a rise of chi2 is taken for a limit of the data, not of the search."""
DOUBTFUL = 0.1
"""Standard error of linear theory, in the same units, from which it is not believed: noise that is taken for
a signal has a significance of a few standard errors."""
LEANING = 0.5
"""Share of what is known that may come from one point: noise of one sample is taken for a signal at once."""
ON_BOUND = 1e-3
"""Distance, in the same units, at which there is no room to move."""
_PRIOR = 5.0
"""Standard deviation in the same units beyond which nothing is believed."""
_PATIENT = 1e-8
"""Tolerance of a search that must not stop early."""
BETTER = 1.0
"""Fall of chi2 that makes another place the better minimum."""
EVALUATIONS = 25
"""Of a search for a place, at most."""


@dataclass(frozen=True)
class Excursion:
    """One parameter moved from the minimum, everything else fitted again."""

    name: str
    upward: bool
    x: FloatArray
    """(m,) where it got to within `ALLOWED`; the minimum itself where it could not move."""
    far: bool
    """Whether it got all the way, or to its bound."""
    limit: float | None
    """Where chi2 stopped it, in its own unit; None if nothing did, or only far away."""
    chi2: float
    """There, if lower than at the minimum."""


def unit_of_length(unknown: Unknown, V_m: float) -> float:
    """What counts as a factor e: 1 in the logarithm, 2 V_m for V_T."""
    return 2.0 * V_m if unknown.name == "V_T" else 1.0


@dataclass(frozen=True)
class LinearTheory:
    """What the Jacobian at a minimum says of the unknowns, with a weak prior that makes all of it finite."""

    errors: FloatArray
    """(m,) standard errors, in units of length for the parameters of the model."""
    follow: FloatArray
    """(m, m) in row j how all unknowns follow when unknown j is moved by one."""
    leaning: FloatArray
    """(m,) share of what is known of an unknown that comes from one point."""


def linear_theory(base: FitState) -> LinearTheory:
    """Errors, and what they rest on."""
    r, rows = base.linearised()
    jacobian = with_bounds(rows, r, base.unknowns.free, base.x)
    V_m = base.unknowns.parameters(base.x).V_m
    length = np.linalg.norm(jacobian, axis=0)
    spread = np.array(
        [
            _PRIOR * unit_of_length(u, V_m) if u.name in CORE else 1e3 / float(size) if size > UNSEEN else 1.0
            for u, size in zip(base.unknowns.free, length, strict=True)
        ]
    )
    scaled = np.vstack([jacobian * spread, np.eye(spread.size)])
    _, singular, directions = np.linalg.svd(scaled, full_matrices=False)
    covariance = spread[:, None] * ((directions.T / singular**2) @ directions) * spread
    variance = np.diag(covariance)
    lengths = np.array([unit_of_length(u, V_m) for u in base.unknowns.free])
    leaning = np.max((rows @ covariance) ** 2, axis=0, initial=0.0) / variance
    return LinearTheory(np.sqrt(variance) / lengths, covariance / variance[:, None], leaning)


def excursion(
    base: FitState, follow: FloatArray, j: int, direction: float, *, patient: bool = False
) -> Excursion:
    """Move one unknown step by step, everything else following; a patient search tries harder."""
    unknown = base.unknowns.free[j]
    low, high = unknown.inner_bounds
    length = unit_of_length(unknown, base.unknowns.parameters(base.x).V_m)
    allowed = base.minimum.chi2 + ALLOWED
    here, slope = base.x, follow[j]
    for step in STEPS:
        target = float(np.clip(base.x[j] + direction * step * length, low, high))
        if abs(target - here[j]) < ON_BOUND * length:
            break
        chi2, x = moved(base, j, target, here, slope)
        if chi2 > allowed and patient:
            _, halfway = moved(base, j, 0.5 * (target + here[j]), here, slope)
            way = (halfway - here) / (halfway[j] - here[j])
            chi2, x = moved(base, j, target, halfway, way, tolerance=_PATIENT)
        if chi2 > allowed:
            limit = unknown.outer(target) if step <= _NEAR_LIMIT else None
            return Excursion(unknown.name, direction > 0, here, False, limit, base.minimum.chi2)
        if chi2 < base.minimum.chi2 - BETTER:
            return Excursion(unknown.name, direction > 0, x, True, None, chi2)
        here, slope = x, (x - here) / (target - here[j])
    far = bool(abs(here[j] - base.x[j]) > 0.99 * STEPS[0] * length)
    return Excursion(unknown.name, direction > 0, here, far, None, base.minimum.chi2)


def moved(
    base: FitState,
    j: int,
    value: float,
    here: FloatArray,
    slope: FloatArray,
    *,
    tolerance: float | None = None,
) -> tuple[float, FloatArray]:
    """chi2 and vector with unknown j moved to a value and everything else fitted, from the better guess.

    Everything else follows along `slope`, or stays.
    """
    held = base.unknowns.free[j]
    free = [u for k, u in enumerate(base.unknowns.free) if k != j]
    anchor = base.unknowns.base.replace(**{held.name: held.outer(value)})
    unknowns = Unknowns(free, anchor, base.problem.kinds)
    low, high = (np.array(ends) for ends in zip(*(u.inner_bounds for u in free), strict=True))
    guesses = (here + (value - here[j]) * slope, here)
    starts = [np.clip(np.delete(x, j), low, high) for x in guesses]
    residuals = base.problem.residuals(unknowns)
    squares = [float(np.sum(residuals.residuals(x) ** 2)) for x in starts]
    best = starts[int(np.argmin(squares))]
    found = minimised(base.problem, unknowns, best, tolerance=tolerance, chi2=min(squares))
    return found.minimum.chi2, np.insert(found.x, j, value)


def minimised(
    problem: Problem,
    unknowns: Unknowns,
    x: FloatArray,
    *,
    most: int = EVALUATIONS,
    tolerance: float | None = None,
    chi2: float | None = None,
) -> FitState:
    """Minimise to a small part of what chi2, as it is at the start, may rise, or to a tolerance."""
    if tolerance is None:
        chi2 = float(np.sum(problem.residuals(unknowns).residuals(x) ** 2)) if chi2 is None else chi2
        tolerance = float(np.clip(0.02 * ALLOWED / max(chi2, 1e-300), 1e-10, 1e-3))
    return minimise(problem, unknowns, x, near=False, tolerance=tolerance, most=most)


def with_values(base: FitState, values: Mapping[str, float]) -> FloatArray:
    """The minimum with other values of some unknowns."""
    x = base.x.copy()
    for name, value in values.items():
        j = base.unknowns.names.index(name)
        x[j] = base.unknowns.free[j].inner(value)
    return x


_LIMITS = (("tau_k", True), ("i_c0", False), ("tau_d", True))
"""Simpler devices within the model: an activation that stands still, no channel, a current that does."""
_TAIL = 9.0
"""Distance from V_T, in widths V_m, at which nothing but the tail of the activation is seen."""


def simpler_devices(base: FitState) -> list[Excursion]:
    """The simpler devices that describe the data as well, as excursions that went far.

    Parameters
    ----------
    base : FitState
        The minimum.
    """
    found, starts = [], (_half_activated(base), base.x)
    for name, upward in _LIMITS:
        if name in base.unknowns.names:
            j = base.unknowns.names.index(name)
            bound = base.unknowns.free[j].inner_bounds[int(upward)]
            found += _reached(base, j, upward, bound, starts)
    if "V_T" in base.unknowns.names:
        j = base.unknowns.names.index("V_T")
        for upward, start in _saturated_and_tail(base):
            found += _reached(base, j, upward, float(start[j]), [start])
    return found


def _reached(
    base: FitState, j: int, upward: bool, value: float, starts: Sequence[FloatArray]
) -> list[Excursion]:
    """The place with one unknown held at a value, from the first start that describes the data as well."""
    for start in starts:
        chi2, x = moved(base, j, value, start, np.zeros(start.size))
        if chi2 < base.minimum.chi2 + ALLOWED:
            name = base.unknowns.names[j]
            return [Excursion(name, upward, x, True, None, min(chi2, base.minimum.chi2))]
    return []


def _saturated_and_tail(base: FitState) -> list[tuple[bool, FloatArray]]:
    """The same channel current under the largest drive by full activation, and by its tail.

    A full activation shows i_c0 alone, a tail i_c0 exp(-V_T/V_m) and V_m.
    """
    names = base.unknowns.names
    drives = [drive for r in base.problem.predictor.records if (drive := drive_of(r)) is not None]
    if not drives or not {"V_T", "V_m", "i_c0"} <= set(names):
        return []
    p = base.unknowns.parameters(base.x)
    ends = [junction_at(p, (d.control, float(d.value[np.argmax(np.abs(d.value))]))) for d in drives]
    u = max(ends, key=abs)
    current = p.i_c0 * max(float(activation(p, u)), 1e-12)
    width = abs(u) / _TAIL
    places = (
        (False, {"V_T": u - 2 * _TAIL * width, "V_m": width / 2, "i_c0": current}),
        (True, {"V_T": u + _TAIL * width, "V_m": width, "i_c0": current * float(np.exp(_TAIL))}),
    )
    return [(upward, with_values(base, values)) for upward, values in places]


def _half_activated(base: FitState) -> FloatArray:
    """The same channel current before the first drive, by half the activation: where V_T leaves a trace.

    An activation that stands still shows i_c0 f of its start alone; where f is 1, nothing tells i_c0 from it.
    """
    names = base.unknowns.names
    drives = [drive for r in base.problem.predictor.records if (drive := drive_of(r)) is not None]
    if not drives or "V_T" not in names or "i_c0" not in names:
        return base.x
    p = base.unknowns.parameters(base.x)
    u = junction_at(p, (drives[0].control, float(drives[0].value[0])))
    return with_values(base, {"V_T": u, "i_c0": 2.0 * p.i_c0 * max(float(activation(p, u)), 1e-12)})
