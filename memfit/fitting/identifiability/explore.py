"""How far a parameter can go while the others make up for it: what a Jacobian at the minimum may not see.

Where data say nothing about a parameter, the minimiser ends where it fits a trace of the noise, and there
the Jacobian looks fine. So the doubtful parameters go on excursions. The exact symmetry of one spectrum,
tau_d <-> f tau_k, is tried as well (Eqs. 13 and 14 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13,
3789), and so are the other minima of the search and the simpler devices within the model.

Intervals beside open parameters: along a valley of chi2 that bends, where linear theory is straight.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.confidence import CHI2_1
from memfit.datasets.records import ImpedanceSpectrum
from memfit.fitting.findings import Ends
from memfit.fitting.identifiability.constrained import (
    ALLOWED,
    BETTER,
    CORE,
    DOUBTFUL,
    EVALUATIONS,
    LEANING,
    ON_BOUND,
    STEPS,
    Excursion,
    excursion,
    linear_theory,
    minimised,
    moved,
    simpler_devices,
    unit_of_length,
    with_values,
)
from memfit.fitting.least_squares import again
from memfit.fitting.predict import Predictor, bias_of, junction_at
from memfit.fitting.problem import FitState, JointResiduals, Problem, Unknowns
from memfit.fitting.uncertainty.covariance import Covariance
from memfit.model.equations import activation, inverse_resistance_a
from memfit.model.parameters import NAMES
from memfit.protocols import Control

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
    base: FitState, excursions: Sequence[Excursion], others: Sequence[FloatArray]
) -> dict[str, Ends]:
    """95 % intervals, SI, of the parameters that are not open; None at an open end.

    Each end is searched from the place that is nearest to it.

    Parameters
    ----------
    base : FitState
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
    allowed = [base.x, *(x for x in points if _chi2(residuals, x) < base.minimum.chi2 + CHI2_1)]
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


def _end_of_valley(base: FitState, e: Excursion) -> FloatArray:
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
        if chi2 > base.minimum.chi2 + CHI2_1:
            step *= 0.5
            continue
        here, slope, step = x, (x - here) / (target - here[j]), _GROWTH * step
    return here


def _outset(base: FitState, j: int, x: FloatArray) -> _Outset:
    """A place from which an unknown goes further out."""
    linear = linear_theory(replace(base, minimum=replace(base.minimum, x=x)))
    length = unit_of_length(base.unknowns.free[j], base.unknowns.parameters(x).V_m)
    return _Outset(x, linear.follow[j], 2.0 * float(linear.errors[j]) * length)


def _chi2(residuals: JointResiduals, x: FloatArray) -> float:
    """Sum of squares at a place."""
    r = residuals.residuals(x)
    return float(r @ r)


def _end_of_interval(base: FitState, j: int, direction: float, outset: _Outset) -> float | None:
    """Where the least chi2 of an unknown reaches its 95 % threshold; None if nowhere near.

    The profile is followed in growing steps, for it may bend where linear theory at the minimum is straight.

    Parameters
    ----------
    base : FitState
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
        if above > CHI2_1:
            share = (np.sqrt(CHI2_1) - np.sqrt(rise)) / (np.sqrt(above) - np.sqrt(rise))
            return float(here[j] + share * (target - here[j]))
        here, slope, rise = x, (x - here) / (target - here[j]), max(above, 0.0)
        step = min(_GROWTH * step, length)
    return float(here[j])


_ALLOWED_ORDER = 9.0
"""The same between two minima of which one is the truth: three standard errors."""
_FIRST_LOOK = 10
"""Evaluations after which another minimum may be given up."""
_HOPELESS = 300.0
"""Rise of chi2 after a first look at which another minimum is given up."""
_DIFFERENT = 0.1
"""Distance of two times, in the logarithm, below which it does not matter which is which."""


@dataclass(frozen=True)
class Exploration:
    """Places that the data allow as well as the minimum."""

    excursions: tuple[Excursion, ...]
    others: tuple[FloatArray, ...]
    """Other minima that are as good."""
    swap: FloatArray | None
    """The minimum with tau_d and f tau_k exchanged, where the data allow it."""
    better: FitState | None
    """A lower minimum, where one was found on the way."""
    ends: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """Beside open parameters: 95 % intervals, SI, of those that did not go far; None at an open end."""

    @property
    def points(self) -> list[FloatArray]:
        """All places away from the minimum."""
        swapped = [] if self.swap is None else [self.swap]
        return [*swapped, *self.others, *(e.x for e in self.excursions)]


def explore(state: FitState, covariance: Covariance, rivals: Sequence[FitState] = ()) -> Exploration:
    """Move every parameter of the model, and try the other minima.

    Parameters
    ----------
    state : FitState
        The settled fit.
    covariance : Covariance
        Of it; says how many points of each record are independent.
    rivals : sequence of FitState
        Other minima of the search for the same data.
    """
    base = _on_independent_points(state, covariance)
    carried = [_second_minimum(base, _carried(base, rival)) for rival in rivals]
    others = [found for found in carried if found is not None]
    swap = _second_minimum(base, exchanged(base)) if _spectra_allow_exchange(base) else None
    if swap is not None and not _other_order(base, swap):
        others, swap = [*others, swap], None
    better = _lower(state, base, [(s.minimum.chi2, s.x) for s in (*others, swap) if s is not None])
    if better is not None:
        return Exploration((), (), None, better)
    excursions = _excursions(base)
    limits = simpler_devices(base) if any(e.far for e in excursions) else []
    excursions += [e for limit in limits for e in _onwards(base, limit, excursions)]
    better = _lower(state, base, [(e.chi2, e.x) for e in (*limits, *excursions)])
    places = [*limits, *excursions]
    return Exploration(
        ends=intervals_beside(base, places, [other.x for other in others])
        if better is None and any(e.far for e in places)
        else {},
        excursions=tuple(excursions),
        others=(*(other.x for other in others), *(limit.x for limit in limits)),
        swap=None if swap is None else swap.x,
        better=better,
    )


def _lower(state: FitState, base: FitState, found: Sequence[tuple[float, FloatArray]]) -> FitState | None:
    """The fit begun again from the lowest place, if that is lower than the minimum."""
    chi2, x = min(found, key=lambda item: item[0], default=(np.inf, base.x))
    if chi2 > base.minimum.chi2 - BETTER:
        return None
    return again(replace(state, minimum=replace(state.minimum, x=x)), state.problem)


def _excursions(base: FitState) -> list[Excursion]:
    """Those of doubtful parameters, and if one of them goes far, those of all."""
    linear = linear_theory(base)
    core = [j for j, unknown in enumerate(base.unknowns.free) if unknown.name in CORE]
    doubtful = [
        j
        for j in core
        if linear.errors[j] > DOUBTFUL
        or linear.leaning[j] > LEANING
        or base.unknowns.free[j].name in base.minimum.at_bound
    ]
    found = [excursion(base, linear.follow, j, side, patient=True) for j in doubtful for side in (-1.0, 1.0)]
    if not any(e.far for e in found):
        return found
    rest = [j for j in core if j not in doubtful]
    return found + [excursion(base, linear.follow, j, side) for j in rest for side in (-1.0, 1.0)]


def _onwards(base: FitState, limit: Excursion, known: Sequence[Excursion]) -> list[Excursion]:
    """Excursions from a limit that go far, of doubtful parameters that could not from the minimum."""
    there = replace(base, minimum=replace(base.minimum, x=limit.x))
    linear = linear_theory(there)
    far = {(e.name, e.upward) for e in known if e.far}
    sides = [
        (j, side)
        for j, unknown in enumerate(base.unknowns.free)
        for side in (-1.0, 1.0)
        if unknown.name in CORE and unknown.name != limit.name and (unknown.name, side > 0) not in far
    ]
    found = [excursion(there, linear.follow, j, side) for j, side in sides if linear.errors[j] > DOUBTFUL]
    return [e for e in found if e.far]


def independent_share(state: FitState, covariance: Covariance) -> FloatArray:
    """(n,) how much of an independent point every point is worth."""
    predictor = state.problem.predictor
    share = np.ones(predictor.size)
    for here, effective in zip(predictor.slices, covariance.effective, strict=True):
        share[here] = effective / max(int(np.count_nonzero(state.problem.keep[here])), 1)
    return np.maximum(share, 1e-6)


def telling_bias(state: FitState) -> tuple[Control, float] | None:
    """Terminal bias of the spectrum that sees most of the channel; None without spectra."""
    p = state.unknowns.parameters(state.x)
    biases = [bias_of(r) for r in state.problem.predictor.records if isinstance(r, ImpedanceSpectrum)]
    return max(biases, key=lambda bias: float(inverse_resistance_a(p, junction_at(p, bias))), default=None)


def exchanged(state: FitState) -> FloatArray | None:
    """The minimum with tau_d and f tau_k exchanged at the most telling bias, or at half activation."""
    names = state.unknowns.names
    if "tau_d" not in names or "tau_k" not in names:
        return None
    p = state.unknowns.parameters(state.x)
    bias = telling_bias(state)
    f = 0.5 if bias is None else max(float(activation(p, junction_at(p, bias))), 1e-12)
    return with_values(state, {"tau_d": f * p.tau_k, "tau_k": p.tau_d / f})


def _on_independent_points(state: FitState, covariance: Covariance) -> FitState:
    """The fit with every point weighted by its share of an independent one."""
    share = independent_share(state, covariance)
    if np.all(share > 0.99):
        return state
    problem = replace(state.problem, sigma=state.problem.sigma / np.sqrt(share))
    return minimised(problem, state.unknowns, state.x)


def _carried(base: FitState, rival: FitState) -> FloatArray:
    """The vector of another minimum in the unknowns of this one."""
    x = base.x.copy()
    for name, value in zip(rival.unknowns.names, rival.x, strict=True):
        if name in base.unknowns.names:
            x[base.unknowns.names.index(name)] = value
    return x


def _second_minimum(base: FitState, start: FloatArray | None) -> FitState | None:
    """The minimum near a start, if it is another one and as good."""
    if start is None or _near(base, start):
        return None
    found = minimised(base.problem, base.unknowns, start, most=_FIRST_LOOK)
    if found.minimum.chi2 > base.minimum.chi2 + _HOPELESS:
        return None
    found = minimised(base.problem, base.unknowns, found.x, most=2 * EVALUATIONS)
    if found.minimum.chi2 > base.minimum.chi2 + ALLOWED or _near(base, found.x):
        return None
    return found


def _spectra_allow_exchange(base: FitState) -> bool:
    """Whether the spectra alone, which cost nothing, allow tau_d and f tau_k to be exchanged.

    Not where a search from there leads back.
    """
    predictor = base.problem.predictor
    spectra = [k for k, r in enumerate(predictor.records) if isinstance(r, ImpedanceSpectrum)]
    start = exchanged(base)
    if not spectra or start is None:
        return True
    points = np.isin(predictor.record_of_point, spectra)
    problem = Problem(
        Predictor([predictor.records[k] for k in spectra]),
        tuple(base.problem.noise[k] for k in spectra),
        base.problem.sigma[points],
        base.problem.keep[points],
    )
    free = [u for u in base.unknowns.free if u.name in NAMES]
    columns = [base.unknowns.names.index(u.name) for u in free]
    unknowns = Unknowns(free, base.unknowns.base, problem.kinds)
    r = problem.residuals(unknowns).residuals(base.x[columns])
    found = minimised(problem, unknowns, start[columns], most=2 * EVALUATIONS)
    here = replace(found, minimum=replace(found.minimum, x=base.x[columns]))
    return found.minimum.chi2 <= float(r @ r) + _HOPELESS and not _near(here, found.x)


def _other_order(base: FitState, found: FitState) -> bool:
    """Whether tau_d is another one, at a cost that leaves the choice open."""
    j = base.unknowns.names.index("tau_d")
    moved = abs(found.x[j] - base.x[j]) > _DIFFERENT
    return bool(moved and found.minimum.chi2 < base.minimum.chi2 + _ALLOWED_ORDER)


def _near(base: FitState, x: FloatArray) -> bool:
    """Whether no parameter of the model differs enough to matter."""
    V_m = base.unknowns.parameters(base.x).V_m
    return all(
        abs(x[j] - base.x[j]) < _DIFFERENT * unit_of_length(u, V_m)
        for j, u in enumerate(base.unknowns.free)
        if u.name in CORE
    )
