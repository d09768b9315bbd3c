"""A minimum brought into agreement with the noise, the outliers and the terms of the instruments."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.datasets import Record
from memfit.fitting.checks.misfit import is_large, is_seen, measure
from memfit.fitting.instrument_terms import (
    add_needed_terms,
    driven_alike,
    with_jumps_on_samples,
    without_idle_terms,
)
from memfit.fitting.minimum.effort import SETTINGS as EFFORT
from memfit.fitting.minimum.effort import usual_work
from memfit.fitting.minimum.least_squares import again
from memfit.fitting.minimum.problem import FitState
from memfit.fitting.minimum.unknowns import Unknowns
from memfit.fitting.noise import (
    noise_without_model,
    prepare,
    sigma_as_measured,
    with_common_misfit,
    with_noise_of,
)
from memfit.fitting.outliers import find_outliers
from memfit.fitting.plan import FitPlan
from memfit.fitting.prediction.predict import Predictor


@dataclass(frozen=True)
class Settings:
    """Numbers that steer it."""

    rounds: int = 6
    """In which fit, noise and outliers are brought into agreement, at most."""
    settled: float = 0.02
    """Change of every record's noise, relative, at which they agree."""
    still: float = 1.0
    """Change of chi2 at which a search that does not end has arrived: what chance does to one parameter."""
    misfit_rounds: int = 3
    """In which the size of a misfit and the fit are brought into agreement."""
    nearer: float = 0.5
    """Of the misfit of the worst record: what has to be left of it where few records are missed."""


SETTINGS = Settings()


def settle(state: FitState, plan: FitPlan, rounds: int = SETTINGS.rounds) -> FitState:
    """Bring the fit, the noise of every record and the list of outliers into agreement.

    Parameters
    ----------
    state : FitState
    plan : FitPlan
        Says whether outliers are looked for.
    rounds : int
        At most.
    """
    for _ in range(rounds):
        problem = with_noise_of(state)
        outliers = find_outliers(replace(state, problem=problem)) if plan.screen else ~problem.keep
        changed = np.any(outliers == problem.keep)
        ratio = problem.sigma / state.problem.sigma
        before, state = state.minimum.chi2, again(state, replace(problem, keep=~outliers))
        agreed = not changed and np.max(np.abs(np.log(ratio))) < SETTINGS.settled
        still = state.minimum.converged or abs(state.minimum.chi2 - before) < SETTINGS.still
        if (agreed and still) or state.problem.effort.over:
            break
    return state


def settled_with_terms(state: FitState, plan: FitPlan) -> FitState:
    """The settled fit with the terms of the instruments that the data ask for.

    Parameters
    ----------
    state : FitState
    plan : FitPlan
    """
    state = settle(add_needed_terms(state, plan), plan)
    clocked = with_jumps_on_samples(state)
    state = without_idle_terms(state if clocked is state else settle(clocked, plan), plan)
    gains = [u.name for u in state.unknowns.free if u.term and u.term.kind in ("gain", "drive_gain")]
    if gains and plan.gains == "auto" and measure(state).large:  # no calibration explains what a model misses
        state = settle(again(state, unknowns=state.unknowns.without(gains)), plan)
    return with_one_misfit(state)


def with_one_misfit(state: FitState) -> FitState:
    """The fit with one relative misfit for all records of a kind, where the model misses records by much.

    Records that a wrong model misses most would count least, and the fit describe the others only. But those
    that are missed may be the ones that are wrong: where they are few, all records have one misfit only if
    that brings the worst of them much nearer.

    Parameters
    ----------
    state : FitState
    """
    records = measure(state).records
    missed = sum(map(is_seen, records))
    if not any(map(is_large, records)) or state.problem.effort.over:
        return state
    even = state
    for _ in range(SETTINGS.misfit_rounds):
        even = again(even, with_common_misfit(even))
    worst, other = (max(m.percent for m in some) for some in (records, measure(even).records))
    return even if missed > len(records) / 2 or other < SETTINGS.nearer * worst else state


def with_all_records(state: FitState, records: Sequence[Record], rest: Sequence[int]) -> FitState:
    """The fit of some records as one of all of them, of which the others do not count at any point.

    Parameters
    ----------
    state : FitState
        Of the rest.
    records : sequence of Record
        All of them.
    rest : sequence of int
        Numbers of those that were fitted.
    """
    fitted = dict(zip(rest, state.problem.predictor.records, strict=True))
    predictor = Predictor(tuple(fitted.get(k, record) for k, record in enumerate(records)))
    free = []
    for unknown in state.unknowns.free:
        term = unknown.term
        if term is not None and term.record is not None:
            term = replace(term, record=rest[term.record])
            unknown = replace(unknown, term=term, name=term.name)  # noqa: PLW2901 - the same, renumbered
        free.append(unknown)
    kinds = [record.kind for record in records]
    levels = dict(zip(rest, state.problem.noise, strict=True))
    noise = tuple(levels.get(k) or noise_without_model(record) for k, record in enumerate(records))
    sigma = sigma_as_measured(predictor.records, noise)
    keep = np.zeros(predictor.size, dtype=bool)
    for k, here in zip(rest, state.problem.predictor.slices, strict=True):
        keep[predictor.slices[k]] = state.problem.keep[here]
        sigma[predictor.slices[k]] = state.problem.sigma[here]
    problem = replace(
        state.problem, predictor=predictor, noise=noise, sigma=np.maximum(sigma, 1e-300), keep=keep
    )
    unknowns = Unknowns(free, state.unknowns.base, kinds, state.unknowns.ties)
    return FitState(problem, unknowns, state.minimum, state.failures)


def on_all_samples(state: FitState, records: Sequence[Record], plan: FitPlan) -> FitState:
    """The fit of telling samples, settled on the whole of the records; itself where it was of all of them.

    Parameters
    ----------
    state : FitState
        A settled fit.
    records : sequence of Record
        The same, as they were read.
    plan : FitPlan
    """
    searched = state.problem.predictor.records
    if all(few.points == all_of.points for few, all_of in zip(searched, records, strict=True)):
        return state
    missed = measure(state).large
    effort = state.problem.effort.part(EFFORT.all_samples if missed else np.inf, usual_work(records))
    problem = prepare(records, robust=plan.robust, engine=plan.engine, effort=effort, own=plan.own)
    begun = replace(state, problem=driven_alike(problem, state.problem))
    if missed:
        return with_one_misfit(settle(begun, plan, rounds=2))
    return settled_with_terms(settle(begun, plan), plan)
