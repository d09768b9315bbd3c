"""Fits of one member on the way to another: with a part more, with some taken out, without terms."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.datasets import Record
from memfit.fitting.choice.diagnosis import Promise
from memfit.fitting.minimum.least_squares import again, minimise
from memfit.fitting.minimum.problem import FitState, Problem
from memfit.fitting.minimum.unknowns import least_thresholds, physical_unknowns
from memfit.fitting.plan import FitPlan
from memfit.fitting.prediction.drives import free_start
from memfit.fitting.prediction.instrument import INITIAL
from memfit.fitting.prediction.predict import Predictor
from memfit.fitting.starts.part_starts import without_part
from memfit.model import EXTENSIONS


@dataclass(frozen=True)
class Settings:
    """Numbers that steer a fit with one part more."""

    evaluations: int = 25
    tolerance: float = 1e-5


SETTINGS = Settings()


def with_part(state: FitState, plan: FitPlan, offer: Promise) -> FitState:
    """The fit with one part more, from where the promise says.

    Parameters
    ----------
    state : FitState
        At its minimum, which the promise was made of.
    plan : FitPlan
        Bounds and fixed values of the new parameters.
    offer : Promise
    """
    unknowns = state.unknowns.plus(physical_unknowns(plan, EXTENSIONS[offer.part]))
    if "kappa" in unknowns.names:
        unknowns = unknowns.above(least_thresholds(unknowns.names))
    if offer.part == "photocurrent":  # what one source makes alike is not fitted twice
        unknowns = unknowns.without([u.name for u in unknowns.free if u.term and u.term.kind == "offset"])
    start = unknowns.encode({**state.unknowns.values(state.x), **offer.values})
    found = minimise(
        unhurried(state.problem), unknowns, start, tolerance=SETTINGS.tolerance, most=SETTINGS.evaluations
    )
    return replace(found, problem=state.problem)


def started_without(state: FitState, parts: Collection[str]) -> FitState:
    """A fit with some of its parts taken out, before it is fitted again.

    Parameters
    ----------
    state : FitState
    parts : collection of str
    """
    values = {**state.parameters.as_dict(), **state.unknowns.values(state.x)}
    for part in parts:
        values = without_part(values, part)
    nulls = {name: values[name] for part in parts for name in EXTENSIONS[part]}
    unknowns = state.unknowns.without(list(nulls), **nulls)
    return replace(state, unknowns=unknowns, minimum=replace(state.minimum, x=unknowns.encode(values)))


def without_terms(state: FitState, records: Sequence[Record]) -> FitState:
    """The fit without terms of the instruments; itself where it has none.

    Parameters
    ----------
    state : FitState
    records : sequence of Record
        As they were read.
    """
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


def unhurried(problem: Problem, most: float = np.inf) -> Problem:
    """The problem with an effort of its own; a trial ends by itself.

    Parameters
    ----------
    problem : Problem
    most : float
        Evaluations that it may take.
    """
    return replace(problem, effort=problem.effort.whole_fit.part(most))
