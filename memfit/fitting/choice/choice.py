"""The data choose the model: which parts, beside those of the plainest device, do they ask for.

Forward from the plainest model: every part says what it promises (`memfit.fitting.choice.diagnosis`), the
best is fitted, beginning at the present minimum with the part as small as the promise says, and stays where
BIC on effective points falls.

Where the model misses the data by much a linear promise is no measure, and the minimum of a model that lacks
two parts says little of either. There the widest model is searched from first values on, without terms of
the instruments, which may stand in for what is missing; in it a search is seldom caught. Backward from its
minimum, what the data do not need goes, one part or two at a time.

Two members are compared by the likelihood with the scale of the residuals unknown, for each kind of data,
n log(chi2/n) with n effective points: where a member describes the data this is chi2, and where none does,
the size of the misfit counts by its logarithm and no kind of data rules the others. Below half the noise that
is seen without a model nothing counts.
"""

import logging
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import Record
from memfit.fitting.checks.misfit import is_large, is_seen, measure
from memfit.fitting.choice.diagnosis import PROBES, Promise, Reach, asked_for, promises
from memfit.fitting.choice.part_fits import SETTINGS as PART_FITS
from memfit.fitting.choice.part_fits import started_without, unhurried, with_part, without_terms
from memfit.fitting.instrument_terms import add_needed_terms, driven_alike
from memfit.fitting.minimum.effort import SETTINGS as EFFORT
from memfit.fitting.minimum.effort import Effort
from memfit.fitting.minimum.least_squares import again, linear_promise, minimise
from memfit.fitting.minimum.problem import FitState, Problem
from memfit.fitting.noise import noise_without_model, prepare, sigma_as_measured
from memfit.fitting.plan import KINDS, FitPlan, free_parameters
from memfit.fitting.results.findings import Diagnosis, Member, PartFound
from memfit.fitting.search import describes, find_minima
from memfit.fitting.settling import settled_with_terms, with_one_misfit
from memfit.fitting.uncertainty.covariance import correlations_of, covariance_of
from memfit.model import EXTENSIONS
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
    followed: float = 240.0
    """Of the fit without terms of the instruments where a search ended."""
    far: float = 20.0
    """Times the noise of a record by which it is missed, however few per cent that is: then it is no end that
    no part promises anything."""
    nowhere: float = 100.0
    """Per cent by which a search misses a record where it is not dispersion that it lacks."""
    taken_out: int = 2
    """Parts (and pairs) that are tried to be done without, those first that seem least needed."""
    floor: float = 0.5
    """Of the noise seen without a model, squared: residuals below count no more."""


SETTINGS = Settings()
_SLOW_IN_TIME = "dispersion"
"""No part of the widest model where sweeps or pulses are fitted, as long as it does without."""


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
    missed: bool
    """Whether the misfit of any record stands out of its noise ..."""
    large: bool
    """... and is large."""
    worst: float
    """Per cent by which the record is missed that is missed most, ..."""
    told: float
    """... and the largest misfit of a record in times of its noise."""


def choose_parts(state: FitState, plan: FitPlan, records: Sequence[Record], *, widest: bool = True) -> Chosen:
    """The member of the family that the data ask for.

    Parameters
    ----------
    state : FitState
        The settled fit of the plainest model (with the parts of the plan).
    plan : FitPlan
        Parts that it names stay.
    records : sequence of Record
        As they were read.
    widest : bool
        Whether the widest model is searched where no part by its promise mends a misfit that is large.
    """
    given = tuple(part for part, names in EXTENSIONS.items() if set(names) & set(plan.asked))
    search = _Choice(plan, records, given, SETTINGS.floor * _seen_noise(state.problem) ** 2)
    plainest = search.judged(given, state)
    current, left = search.forward(plainest)
    several = len(current.parts) > len(given) + 1  # one that was not tried may do what they do
    far = current.large or current.told > SETTINGS.far
    if widest and (far or (plainest.large and several)):
        everything = search.widest(state)
        if everything.worst <= SETTINGS.nowhere:  # else no part fewer, and none more, leads to the data
            fewer = search.backward(everything)
            fewer, promised = search.forward(search.judged(fewer.parts, search.settled(fewer.state)))
            if search.rise(fewer, current) < 0.0:
                current, left = fewer, promised
    current = search.backward(current)
    if not current.large:
        current = search.exchanged(current)
    if current.large and current.parts != given:
        anew = search.searched(current.parts, state.problem.effort)
        if search.rise(anew, current) < 0.0:
            current = search.judged(current.parts, search.settled(anew.state))
    found = tuple(search.evidence(current, part) for part in current.parts if part not in given)
    return Chosen(current.state, current.parts, found, search.members(current), left)


def with_given_parts(
    state: FitState, plan: FitPlan, records: Sequence[Record], parts: Sequence[str]
) -> FitState | None:
    """The fit with certain parts, added one by one by what they promise; None where one promises nothing.

    Parameters
    ----------
    state : FitState
        The fit without them.
    plan : FitPlan
        Of the fit with them.
    records : sequence of Record
        As they were read.
    parts : sequence of str
    """
    given = state.parameters.parts
    search = _Choice(plan, records, given, SETTINGS.floor * _seen_noise(state.problem) ** 2)
    current = search.judged(given, with_one_misfit(state))
    while left := [part for part in parts if part not in current.parts]:
        offer = next((offer for offer in _offers(current) if offer.part in left), None)
        if offer is None:
            return None
        added = search.added(current, offer)
        current = search.judged(added.parts, search.settled(added.state))
    return current.state


class _Choice:
    """The members that were fitted to the records of one device, and how they compare.

    Parameters
    ----------
    plan : FitPlan
    records : sequence of Record
        As they were read.
    given : tuple of str
        Parts that stay.
    floor : (n,) array
        Squared residual of every point below which nothing counts.
    """

    def __init__(
        self, plan: FitPlan, records: Sequence[Record], given: tuple[str, ...], floor: FloatArray
    ) -> None:
        self.plan, self.records, self.given, self.floor = plan, records, given, floor
        self.seen: dict[frozenset[str], _Fitted] = {}

    def judged(self, parts: Sequence[str], state: FitState) -> _Fitted:
        """A member with what comparisons need; the last fit of a member is the one that counts."""
        fitted = _fitted(parts, state)
        self.seen[frozenset(parts)] = fitted
        return fitted

    def rise(self, one: _Fitted, other: _Fitted) -> float:
        """BIC of one member above that of another."""
        return _rise(one, other, self.floor)

    def settled(self, state: FitState) -> FitState:
        """A fit brought into agreement with its noise, and with the terms of the instruments it needs."""
        if not measure(state).large:  # what describes the data has as much effort again
            state = replace(state, problem=unhurried(state.problem, EFFORT.choice))
        return settled_with_terms(without_terms(state, self.records), self.plan)

    def widest(self, state: FitState) -> _Fitted:
        """The fit of all parts that the records can show, from first values on.

        In the wider model there are fewer places where a search can be caught than in one that misses a part.
        """
        p, reach = state.parameters, Reach.of(state.problem.predictor.records)
        shown = [part for part in PROBES if any(True for _ in PROBES[part](p, reach))]
        everything = tuple(dict.fromkeys((*self.given, *shown)))
        if _SLOW_IN_TIME in self.given or set(state.problem.kinds) == {"impedance"}:
            return self.searched(everything, state.problem.effort)
        quick = self.searched(tuple(p for p in everything if p != _SLOW_IN_TIME), state.problem.effort)
        if not quick.missed or quick.worst > SETTINGS.nowhere or _SLOW_IN_TIME not in everything:
            return quick
        return min(quick, self.searched(everything, state.problem.effort), key=lambda one: one.worst)

    def searched(self, parts: tuple[str, ...], effort: Effort) -> _Fitted:
        """The fit of some parts from first values on."""
        plan, closed = replace(self.plan, parts=parts), {r.kind for r in self.records} == {"impedance"}
        part = effort.whole_fit.part(EFFORT.widest * (EFFORT.closed if closed else 1.0))
        problem = prepare(self.records, robust=plan.robust, engine=plan.engine, effort=part, own=plan.own)
        names = free_parameters("3d", plan.asked)
        minima, _ = find_minima(problem, plan, names, patient=False, terms=False)
        place = minima[0]
        if not describes(place) and place.resembles_data():
            place = add_needed_terms(place, plan)
        # a search that ended far from the data is not followed for long
        problem = replace(problem, effort=effort.whole_fit.part(SETTINGS.followed))
        problem = driven_alike(problem, place.problem)
        found = with_one_misfit(without_terms(again(place, problem), self.records))
        fitted = _fitted(parts, replace(found, problem=replace(found.problem, effort=effort)))
        log.info("%s: misfit of the worst record %.3g %%", parts, fitted.worst)
        return fitted

    def backward(self, current: _Fitted) -> _Fitted:
        """Parts taken out that the data do not need: one by one, and two that make up for each other."""
        while parts := [part for part in current.parts if part not in self.given]:
            for number in (1, 2):
                starts = {some: started_without(current.state, some) for some in combinations(parts, number)}
                needed = sorted(starts, key=lambda some: linear_promise(starts[some]))
                tries = (self.without(current, some, starts[some]) for some in needed[: SETTINGS.taken_out])
                fewer = next((fit for fit in tries if self.rise(current, fit) > -SETTINGS.margin), None)
                if fewer is not None:
                    break
            if fewer is None:
                return current
            current = fewer
        return current

    def without(self, current: _Fitted, parts: Collection[str], start: FitState | None = None) -> _Fitted:
        """The fit without some of the parts."""
        others = tuple(part for part in current.parts if part not in parts)
        start = start or started_without(current.state, parts)
        found = again(start)
        if found.problem.effort.over:  # no part is to stay because nothing was left to look without it
            found = minimise(unhurried(found.problem), found.unknowns, found.x, most=PART_FITS.evaluations)
        fitted = self.judged(others, found)
        log.info("without %s: BIC %+.1f", ", ".join(parts), self.rise(fitted, current))
        return fitted

    def forward(self, current: _Fitted) -> tuple[_Fitted, tuple[Diagnosis, ...]]:
        """Parts added, one by one, by what they promise; and what parts promise that were not tried."""
        while len(current.parts) - len(self.given) < SETTINGS.most_parts:
            offers = [offer for offer in _offers(current) if offer.fall > _least(current, offer.part)]
            better: _Fitted | None = None
            for offer in offers[: SETTINGS.tried]:
                if better is not None and not (current.large and better.large):
                    break
                fitted = self.added(current, offer)
                rise = self.rise(fitted, current)
                log.info("with %s: BIC %+.1f", offer.part, rise)
                if rise < -SETTINGS.margin and (better is None or self.rise(fitted, better) < 0.0):
                    better = fitted
            if better is None:
                return current, tuple(offer.found() for offer in offers[SETTINGS.tried :])
            current = self.judged(better.parts, self.settled(better.state))
        return current, ()

    def added(self, current: _Fitted, offer: Promise) -> _Fitted:
        """The fit with one part more."""
        return self.judged((*current.parts, offer.part), with_part(current.state, self.plan, offer))

    def exchanged(self, current: _Fitted) -> _Fitted:
        """The fit with another part in place of one that was found, where that is better.

        What was added first may stand in for what is there; the others get their say at the place it led to.
        """
        for part in current.parts:
            if part not in self.given:
                start = started_without(current.state, [part])
                without = _fitted([one for one in current.parts if one != part], start)
                offers = [offer for offer in _offers(without) if offer.part not in current.parts]
                fits = [self.added(without, one) for one in offers[: SETTINGS.tried]]
                best = min(fits, key=lambda one: self.rise(one, current), default=current)
                log.info("%s in place of %s: BIC %+.1f", best.parts, part, self.rise(best, current))
                if self.rise(best, current) < 0.0:
                    return self.backward(self.judged(best.parts, self.settled(best.state)))
        return current

    def evidence(self, current: _Fitted, part: str) -> PartFound:
        """What a part that was found does, in words."""
        without = self.seen.get(frozenset(current.parts) - {part}) or self.without(current, [part])
        return _part_found(part, without, current, self.floor)

    def members(self, best: _Fitted) -> tuple[Member, ...]:
        """What the data allow, the best first, with their shares of the probability."""
        return _members(best, self.seen.values(), self.floor)


def _part_found(part: str, without: _Fitted, fitted: _Fitted, floor: FloatArray) -> PartFound:
    """A part in words, with its shape, the kind of data that needs it, and what it changes."""
    fall = _rise(without, fitted, floor)
    then, now = (_deviance(one.state, fitted, floor) for one in (without, fitted))
    kind = max(then, key=lambda one: then[one] - now[one])
    misfit = (without.worst, fitted.worst)
    missed = [two_digits(percent) for percent in misfit]
    asks = asked_for(part, fitted.state.parameters.as_dict())
    sentence = (
        f"The {KINDS[kind]} ask for {asks}: BIC falls by {fall:.0f}, and the record that is "
        f"missed most is missed by {missed[1]} % in place of {missed[0]} %."
    )
    return PartFound(part=part, bic_fall=fall, misfit=misfit, sentence=sentence)


def diagnose(state: FitState) -> tuple[Diagnosis, ...]:
    """What parts that a fit does not have promise, where they are worth their parameters.

    Parameters
    ----------
    state : FitState
        At its minimum.
    """
    current = _fitted(state.parameters.parts, state)
    worth = [offer for offer in _offers(current) if offer.fall > _least(current, offer.part)]
    worth = [offer for offer in worth if offer.per_point[1] < offer.per_point[0]]
    return tuple(offer.found() for offer in worth[: SETTINGS.tried])


def _offers(current: _Fitted) -> list[Promise]:
    """What the parts that a member does not have promise."""
    state = current.state
    share, others = state.independent_share(current.effective), [p for p in PROBES if p not in current.parts]
    return promises(state, share, _seen_noise(state.problem), others)


def _least(current: _Fitted, part: str) -> float:
    """Promised fall that makes a part worth a fit: what its parameters cost, or next to nothing."""
    if current.large:
        return SETTINGS.least
    return len(EXTENSIONS[part]) * math.log(max(sum(current.effective), 2.0)) + SETTINGS.margin


def _fitted(parts: Sequence[str], state: FitState) -> _Fitted:
    """A member with what the comparison needs."""
    kinds, residuals = state.problem.kinds, state.linearised()[0]
    effective = [points for _, points in correlations_of(state, residuals)]
    count = np.bincount(state.problem.record_of_row, minlength=len(kinds))
    share = {
        kind: sum(n for n, k in zip(effective, kinds, strict=True) if k == kind)
        / max(sum(n for n, k in zip(count, kinds, strict=True) if k == kind), 1)
        for kind in dict.fromkeys(kinds)
    }
    even = tuple(float(share[kind] * n) for kind, n in zip(kinds, count, strict=True))
    records = measure(state).records
    return _Fitted(
        tuple(parts),
        state,
        even,
        missed=any(map(is_seen, records)),
        large=any(map(is_large, records)),
        worst=max(m.percent for m in records),
        told=max(m.ratio for m in records),
    )


def _seen_noise(problem: Problem) -> FloatArray:
    """(n,) standard deviation of every point, as seen without a model."""
    records = problem.predictor.records
    return sigma_as_measured(records, [noise_without_model(record) for record in records])


def _deviance(state: FitState, judge: "_Fitted", floor: FloatArray) -> dict[str, float]:
    """-2 log likelihood of a fit with the scale of its residuals unknown, of each kind of data."""
    sigma, effective = judge.state.problem.sigma, judge.effective
    problem, keep = state.problem, judge.state.problem.keep
    squares = np.where(keep, (problem.predictor.data() - state.model_values()) ** 2, 0.0)
    squares = np.where(np.isfinite(squares), np.minimum(squares, 1e12 * sigma**2), 1e12 * sigma**2)
    share = state.independent_share(effective) * keep
    kinds, result = np.array(problem.kinds)[problem.predictor.record_of_point], {}
    for kind in dict.fromkeys(problem.kinds):
        here = kinds == kind
        n = max(float(np.sum(share[here])), 1e-12)
        chi2 = float(np.sum((share * squares / sigma**2)[here]))
        least = float(np.sum((share * floor / sigma**2)[here]))
        result[kind] = n * math.log(max(chi2, least, 1e-300) / n)
    return result


def _rise(one: _Fitted, other: _Fitted, floor: FloatArray) -> float:
    """BIC of one member above that of another, by the weights and effective points of the larger one."""
    judge = max((one, other), key=lambda member: len(member.state.unknowns.free))
    a, b = (sum(_deviance(member.state, judge, floor).values()) for member in (one, other))
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
