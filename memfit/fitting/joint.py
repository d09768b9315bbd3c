"""The joint fit: one set of parameters for everything measured on a device.

First values from the data; polish on spectra and steady curve; fit of everything from several distinct
starts; noise of each record from its residuals, isolated outliers out; terms of the instruments where the
data ask for them; errors, verdict, result.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np

from memfit.datasets.device import Device
from memfit.datasets.records import ImpedanceSpectrum
from memfit.errors import InputError
from memfit.fitting.conflict import conflicts_between_kinds, with_conflicts
from memfit.fitting.identifiability.explore import explore
from memfit.fitting.identifiability.verdict import with_identifiability
from memfit.fitting.initial_state import driven_alike
from memfit.fitting.instrument_terms import (
    add_needed_terms,
    with_jumps_on_samples,
    without_idle_terms,
)
from memfit.fitting.least_squares import solve_again
from memfit.fitting.model_selection import alternatives_of, compare_models
from memfit.fitting.outliers import find_outliers
from memfit.fitting.plan import FitPlan, free_parameters, plan_for
from memfit.fitting.predict import bias_of
from memfit.fitting.problem import FitState, Problem
from memfit.fitting.result import FitResult, FittedRecord
from memfit.fitting.starting_values.closed_form import Candidate
from memfit.fitting.starting_values.search import find_minima
from memfit.fitting.summary import fitted_records, summarise
from memfit.fitting.uncertainty.covariance import covariance_of

log = logging.getLogger(__name__)

_ROUNDS = 6
_SETTLED = 0.02
"""Change of every record's noise, relative, at which noise and fit agree."""


_MORE_MINIMA = 3
"""How often the search may begin again from a lower place that was found while looking around the minimum."""


@dataclass(frozen=True)
class JointFit:
    """A result, and every record beside the model."""

    result: FitResult
    fitted: tuple[FittedRecord, ...]


def fit(device: Device, plan: FitPlan | None = None) -> JointFit:
    """Fit the model to all records of a device.

    Parameters
    ----------
    device : Device
    plan : FitPlan, optional
        What to fit and how; by default what the device's own settings ask for.

    Returns
    -------
    JointFit
        A numerical failure is a status of the result, with a sentence.

    Raises
    ------
    InputError
        There is nothing to fit, or a spectrum has no bias.
    """
    plan = plan or plan_for(device)
    if not device.records:
        raise InputError(f"{device.name}: there is no record to fit; expected spectra, sweeps or transients.")
    for record in device.records:
        if isinstance(record, ImpedanceSpectrum):
            bias_of(record)
    if plan.model == "auto":
        return _choose_model(device, plan)
    return _finish(device, plan, plan.model, _find(device, plan, plan.model))


@dataclass(frozen=True)
class _Found:
    """A settled fit on the way to a result."""

    settled: FitState
    rivals: tuple[FitState, ...]
    """Other minima of the search."""
    first: Candidate


def _choose_model(device: Device, plan: FitPlan) -> JointFit:
    """Fit the 3D model, and a 2D model instead if it describes the same points as well."""
    found = _find(device, plan, "3d")
    comparison = compare_models(found.settled, covariance_of(found.settled), plan)
    choice = comparison.choice
    others = alternatives_of(comparison, found.settled)
    if choice.chosen != "3d":
        simple = settle(replace(comparison.nested[choice.chosen], problem=found.settled.problem), plan)
        found = _Found(simple, (), found.first)
    joint = _finish(device, plan, choice.chosen, found)
    result = replace(
        joint.result,
        model_choice=choice,
        warnings=(*joint.result.warnings, choice.sentence),
        alternatives=(*joint.result.alternatives, *others),
    )
    return JointFit(result, joint.fitted)


def _find(device: Device, plan: FitPlan, model: str) -> _Found:
    """The settled fit of one model."""
    problem = Problem.prepare(device.records, plan.robust)
    minima, first = find_minima(problem, plan, free_parameters(model))
    settled = settle(replace(minima[0], problem=driven_alike(problem, minima[0].problem)), plan, rounds=1)
    settled = settle(add_needed_terms(settled, plan), plan)
    clocked = with_jumps_on_samples(settled)
    settled = without_idle_terms(settled if clocked is settled else settle(clocked, plan), plan)
    return _Found(settled, tuple(minima[1:]), first)


def _finish(device: Device, plan: FitPlan, model: str, found: _Found) -> JointFit:
    """From a settled fit to a result: what the data cannot tell, conflicts, errors, verdict."""
    settled = found.settled
    covariance = covariance_of(settled)
    explored = explore(settled, covariance, found.rivals)
    for _ in range(_MORE_MINIMA):
        if explored.better is None:
            break
        settled = settle(explored.better, plan)
        covariance = covariance_of(settled)
        explored = explore(settled, covariance)
    conflicts = conflicts_between_kinds(settled) if plan.conflict_test else ()
    result = summarise(device, plan, free_parameters(model), [settled, *found.rivals], found.first)
    result = with_identifiability(with_conflicts(result, conflicts), settled, covariance, explored)
    return JointFit(result, fitted_records(settled))


def settle(state: FitState, plan: FitPlan, rounds: int = _ROUNDS) -> FitState:
    """Bring the fit, the noise of every record and the list of outliers into agreement."""
    for _ in range(rounds):
        problem = state.problem.with_noise_of(state)
        judged = replace(state, problem=problem)
        outliers = find_outliers(judged) if plan.screen else ~problem.keep
        changed = np.any(outliers == problem.keep)
        ratio = problem.sigma / state.problem.sigma
        problem = replace(problem, keep=~outliers)
        state = solve_again(state, problem)
        if not changed and np.max(np.abs(np.log(ratio))) < _SETTLED and state.minimum.converged:
            break
    return state
