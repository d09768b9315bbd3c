"""The data choose the model: which parts, beside those of the plainest device, do they ask for.

Forward from the plainest model: every part says what it promises (`memfit.fitting.diagnosis`), the best is
fitted, beginning at the present minimum with the part as small as the promise says, and stays where BIC on
effective points falls. Where the model misses the data by much a linear promise is no measure, and the best
three are fitted. Backward once at the end: what is no longer needed goes. Gains and other terms of the
instruments may have stood in for what is missing: where the data are not described in the end, all of it is
done again from a fit without them.

Two members are compared by the likelihood with the scale of the residuals unknown, for each kind of data,
n log(chi2/n) with n effective points: where a member describes the data this is chi2, and where none does,
the size of the misfit counts by its logarithm and no kind of data rules the others. Below half the noise that
is seen without a model nothing counts.
"""

import logging
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import ImpedanceSpectrum, Record
from memfit.fitting.diagnosis import PROBES, Promise, asked_for, promises
from memfit.fitting.drives import free_start
from memfit.fitting.effort import SETTINGS as EFFORT
from memfit.fitting.findings import Diagnosis, Member, PartFound
from memfit.fitting.instrument import INITIAL
from memfit.fitting.least_squares import again, minimise
from memfit.fitting.misfit import is_large, measure
from memfit.fitting.noise import noise_without_model
from memfit.fitting.part_starts import with_parts
from memfit.fitting.plan import KINDS, FitPlan
from memfit.fitting.predict import Predictor, measured, modulus
from memfit.fitting.problem import FitState, Problem, physical_unknowns
from memfit.fitting.search import polish
from memfit.fitting.settling import settled_with_terms
from memfit.fitting.starting_values import StartingValues, guess
from memfit.fitting.uncertainty.covariance import covariance_of
from memfit.model import EXTENSIONS, NAMES, PARAMETERS
from memfit.units import two_digits

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the choice."""

    margin: float = 4.0
    """Fall of BIC, besides being one, that a part must bring: several parts in several shapes are tried."""
    alike: float = 10.0
    """Rise of BIC up to which another member is told beside the best."""
    tried: int = 3
    """Parts fitted in one round, where promises are no measure or are not kept."""
    least: float = 0.1
    """Promised fall without which no part is fitted even so."""
    most_parts: int = 5
    evaluations: int = 25
    """Of a fit with one part more."""
    tolerance: float = 1e-5
    guesses: int = 4
    """First values of the device that are polished with a part, where misfits are large ..."""
    cold: int = 1
    """... and of them fitted."""
    floor: float = 0.5
    """Of the noise seen without a model, squared: residuals below count no more."""
    least_V_T: float = 2e-3
    """V, with a channel that conducts as u/V_T."""


SETTINGS = Settings()


@dataclass(frozen=True)
class Chosen:
    """The member that the data ask for, and what they say of the others."""

    state: FitState
    parts: tuple[str, ...]
    found: tuple[PartFound, ...]
    members: tuple[Member, ...]
    diagnosis: tuple[Diagnosis, ...]


@dataclass(frozen=True)
class _Fitted:
    """One member on the way."""

    parts: tuple[str, ...]
    state: FitState
    effective: tuple[float, ...]
    """Independent points of each record; records of a kind have the same share of theirs."""
    large: bool
    """Whether any record is missed by much."""
    worst: float
    """Per cent by which the worst record is missed."""


def choose_parts(state: FitState, plan: FitPlan, records: Sequence[Record]) -> Chosen:
    """The member of the family that the data ask for.

    Parameters
    ----------
    state : FitState
        The settled fit of the plainest model (with the parts of the plan).
    plan : FitPlan
        Parts that it names stay.
    records : sequence of Record
        As they were read.
    """
    chosen = _forward(state, plan, records)
    if not measure(chosen.state).large or (bare := _without_terms(state, records)) is state:
        return chosen
    # gains and the like may have stood in for what is missing, and hide it
    effort = state.problem.effort.whole_fit.part(EFFORT.choice)
    other = _forward(replace(bare, problem=replace(bare.problem, effort=effort)), plan, records)
    worst = [max(m.percent for m in measure(one.state).records) for one in (chosen, other)]
    return other if worst[1] < worst[0] else chosen


def _forward(state: FitState, plan: FitPlan, records: Sequence[Record]) -> Chosen:
    """Parts added from a fit on, one by one, and those that are no longer needed taken out."""
    given = tuple(part for part, names in EXTENSIONS.items() if set(names) & set(plan.asked))
    floor = SETTINGS.floor * _seen_noise(state.problem) ** 2
    first = _fitted(given, state)
    seen, current = {frozenset(given): first}, first
    guesses = guess(state.problem.predictor.records, plan.fix)[: SETTINGS.guesses] if first.large else []
    found: list[PartFound] = []
    diagnosis: tuple[Diagnosis, ...] = ()
    while len(current.parts) - len(given) < SETTINGS.most_parts:
        offers = [offer for offer in _offers(current) if offer.fall > _least(current, offer.part)]
        better, asked, fall = None, None, 0.0
        for k, offer in enumerate(offers[: SETTINGS.tried]):
            if better is not None and not (current.large and better.large):
                break
            fitted = _with_part(current, plan, offer, guesses)
            seen[frozenset(fitted.parts)] = fitted
            rise = _rise(fitted, current, floor)
            log.info("%s: BIC %+.1f (promise %d)", fitted.parts, rise, k + 1)
            if rise < -SETTINGS.margin and (better is None or _rise(fitted, better, floor) < 0.0):
                better, asked, fall = fitted, offer, -rise
        if better is None or asked is None:
            diagnosis = tuple(offer.found() for offer in offers[SETTINGS.tried :])
            break
        before = current.worst
        current = _fitted(better.parts, settled_with_terms(_without_terms(better.state, records), plan))
        found.append(_part_found(asked, current.state, fall, (before, current.worst)))
        seen[frozenset(current.parts)] = current
    for part in [part for part in current.parts if part not in given] if len(current.parts) > 1 else []:
        fitted = _without_part(current, part)
        seen.setdefault(frozenset(fitted.parts), fitted)
        if _rise(current, fitted, floor) > -SETTINGS.margin:
            current = fitted
    kept = tuple(one for one in found if one.part in current.parts)
    members = _members(current, list(seen.values()), floor)
    return Chosen(current.state, current.parts, kept, members, diagnosis)


def _part_found(offer: Promise, state: FitState, fall: float, misfit: tuple[float, float]) -> PartFound:
    """A part that was added, in words, with the shape that was fitted."""
    asks = asked_for(offer.part, state.parameters.as_dict())
    before, after = map(two_digits, misfit)
    sentence = (
        f"The {KINDS[offer.kind]} ask for {asks}: BIC falls by {fall:.0f}, and the record that is "
        f"missed most is missed by {after} % in place of {before} %."
    )
    return PartFound(part=offer.part, bic_fall=fall, misfit=misfit, sentence=sentence)


def diagnose(state: FitState) -> tuple[Diagnosis, ...]:
    """What parts that a fit does not have promise, where they are worth their parameters.

    Parameters
    ----------
    state : FitState
        At its minimum.
    """
    current = _fitted(state.parameters.parts, state)
    worth = [offer for offer in _offers(current) if offer.fall > _least(current, offer.part)]
    return tuple(offer.found() for offer in worth[: SETTINGS.tried])


def _offers(current: _Fitted) -> list[Promise]:
    """What the parts that a member does not have promise."""
    state = current.state
    share = state.independent_share(current.effective)
    others = [part for part in PROBES if part not in current.parts]
    return promises(state, share, _seen_noise(state.problem), others)


def _least(current: _Fitted, part: str) -> float:
    """Promised fall that makes a part worth a fit: what its parameters cost, or next to nothing."""
    if current.large:
        return SETTINGS.least
    return len(EXTENSIONS[part]) * math.log(max(sum(current.effective), 2.0)) + SETTINGS.margin


def _fitted(parts: Sequence[str], state: FitState) -> _Fitted:
    """A member with what the comparison needs."""
    effective, kinds = covariance_of(state).effective, state.problem.kinds
    count = np.bincount(state.problem.record_of_row, minlength=len(kinds))
    share = {
        kind: sum(n for n, k in zip(effective, kinds, strict=True) if k == kind)
        / max(sum(n for n, k in zip(count, kinds, strict=True) if k == kind), 1)
        for kind in dict.fromkeys(kinds)
    }
    even = tuple(float(share[kind] * n) for kind, n in zip(kinds, count, strict=True))
    records = measure(state).records
    missed, worst = [is_large(m) for m in records], max(m.percent for m in records)
    return _Fitted(tuple(parts), state, even, any(missed), worst)


def _without_terms(state: FitState, records: Sequence[Record]) -> FitState:
    """The fit without terms of the instruments, its records as they were read; itself where it has none."""
    free = {k for k, record in enumerate(records) if free_start(record)}
    terms = [
        u.name
        for u in state.unknowns.free
        if u.term is not None and not (u.term.kind in INITIAL and u.term.record in free)
    ]
    if not terms:
        return state
    bare = replace(state.problem, predictor=Predictor(records, state.problem.predictor.tolerance))
    return again(state, bare, state.unknowns.without(terms))


def _with_part(current: _Fitted, plan: FitPlan, offer: Promise, guesses: Sequence[StartingValues]) -> _Fitted:
    """The fit with one part more, from where the promise says.

    Where the present minimum misses a record by much it may be far from that of the wider model: then
    also from first values of the whole device, polished on what has a closed form.
    """
    state, parts = current.state, (*current.parts, offer.part)
    unknowns = state.unknowns.plus(physical_unknowns(plan, EXTENSIONS[offer.part]))
    if "kappa" in unknowns.names:
        unknowns = unknowns.above(dict.fromkeys(("V_T", "V_Tn"), SETTINGS.least_V_T))
    if offer.part == "photocurrent":  # what one source makes alike is not fitted twice
        unknowns = unknowns.without([u.name for u in unknowns.free if u.term and u.term.kind == "offset"])
    values = state.unknowns.values(state.x)
    starts = [{**values, **offer.values}]
    if current.large:
        starts += _cold_starts(current, replace(plan, parts=parts), starts[0], unknowns.names, guesses)
    ends = [
        minimise(
            state.problem,
            unknowns,
            unknowns.encode({**values, **start}),
            tolerance=SETTINGS.tolerance,
            most=SETTINGS.evaluations,
        )
        for start in starts
    ]
    return _fitted(parts, min(ends, key=lambda end: end.minimum.chi2))


def _cold_starts(
    current: _Fitted,
    plan: FitPlan,
    warm: Mapping[str, float],
    names: Collection[str],
    guesses: Sequence[StartingValues],
) -> list[dict[str, float]]:
    """The best first values of the device by its records that have a closed form; none without spectra."""
    records = current.state.problem.predictor.records
    if not any(isinstance(record, ImpedanceSpectrum) for record in records):
        return []
    base = current.state.parameters.as_dict()
    physical = [name for name in NAMES if name in names]
    several = [{**base, **warm}, *(with_parts({**base, **g.values}, plan.asked) for g in guesses)]
    starts = [StartingValues({k: v for k, v in values.items() if k in NAMES}, 0.0, {}) for values in several]
    effort = current.state.problem.effort.whole_fit.part(EFFORT.polishing)
    polished = polish(records, plan, physical, starts, effort)
    return [dict(start.values) for start in polished[: SETTINGS.cold]]


def _without_part(current: _Fitted, part: str) -> _Fitted:
    """The fit without one of its parts."""
    state = current.state
    nulls = {name: PARAMETERS[name].null or 0.0 for name in EXTENSIONS[part]}
    unknowns = state.unknowns.without(list(nulls), **nulls)
    return _fitted([p for p in current.parts if p != part], again(state, unknowns=unknowns))


def _seen_noise(problem: Problem) -> FloatArray:
    """(n,) standard deviation of every point, as seen without a model."""
    records = problem.predictor.records
    sizes = [modulus(r, measured(r)) for r in records]
    levels = [noise_without_model(record) for record in records]
    return np.concatenate([level.sigma(size) for level, size in zip(levels, sizes, strict=True)])


def _deviance(state: FitState, judge: "_Fitted", floor: FloatArray) -> float:
    """-2 log likelihood of a fit with the scale of its residuals unknown, for each kind of data."""
    sigma, effective = judge.state.problem.sigma, judge.effective
    problem, keep = state.problem, judge.state.problem.keep
    squares = np.where(keep, (problem.predictor.data() - state.model_values()) ** 2, 0.0)
    squares = np.where(np.isfinite(squares), np.minimum(squares, 1e12 * sigma**2), 1e12 * sigma**2)
    share = state.independent_share(effective) * keep
    kinds, total = np.array(problem.kinds)[problem.predictor.record_of_point], 0.0
    for kind in dict.fromkeys(problem.kinds):
        here = kinds == kind
        n = max(float(np.sum(share[here])), 1e-12)
        chi2 = float(np.sum((share * squares / sigma**2)[here]))
        least = float(np.sum((share * floor / sigma**2)[here]))
        total += n * math.log(max(chi2, least, 1e-300) / n)
    return total


def _rise(one: _Fitted, other: _Fitted, floor: FloatArray) -> float:
    """BIC of one member above that of another, by the weights and effective points of the larger one."""
    judge = max((one, other), key=lambda member: len(member.state.unknowns.free))
    a, b = (_deviance(member.state, judge, floor) for member in (one, other))
    more = len(one.state.unknowns.free) - len(other.state.unknowns.free)
    return a - b + more * math.log(max(sum(judge.effective), 2.0))


def _members(best: _Fitted, seen: Collection[_Fitted], floor: FloatArray) -> tuple[Member, ...]:
    """What the data allow, the best first, with their shares of the probability."""
    others = [one for one in seen if set(one.parts) != set(best.parts)]
    rises = [(0.0, best), *((max(_rise(one, best, floor), 0.0), one) for one in others)]
    rises = [(rise, one) for rise, one in rises if rise < SETTINGS.alike]
    rises.sort(key=lambda pair: (pair[1] is not best, pair[0], len(pair[1].parts)))
    weights = np.exp([-0.5 * rise for rise, _ in rises])
    weights /= weights.sum()
    result = []
    for (rise, one), weight in zip(rises, weights, strict=True):
        covariance = covariance_of(one.state)
        result.append(
            Member(
                parts=one.parts,
                bic=rise,
                weight=float(weight),
                status="poor_fit" if one.large else "ok",
                parameters=one.state.parameters.as_dict(),
                covariance_names=one.state.unknowns.names,
                covariance=tuple(tuple(float(v) for v in row) for row in covariance.matrix),
                logarithmic=tuple(u.name for u in one.state.unknowns.free if u.logarithmic),
            )
        )
    return tuple(result)
