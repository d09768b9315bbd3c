"""The joint fit: one set of parameters for everything measured on a device.

First values from the data; fit of everything from several distinct starts; noise of each record from its
residuals, isolated outliers out; terms of the instruments where the data ask for them; errors, verdict,
result.

Do the kinds of data agree? The fit is repeated without each kind, and the parameters are compared. An
estimate from part of the data and one from all of it differ with covariance C_part - C_all if both see the
same device (Hausman, Econometrica 1978, 46, 1251). Shifts beyond that say that the kinds disagree.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import Device, ImpedanceSpectrum
from memfit.errors import InputError
from memfit.fitting.exploration import explore
from memfit.fitting.identifiability import with_identifiability
from memfit.fitting.instrument_terms import (
    add_needed_terms,
    driven_alike,
    with_jumps_on_samples,
    without_idle_terms,
)
from memfit.fitting.least_squares import again
from memfit.fitting.model_selection import alternatives_of, compare_models
from memfit.fitting.noise import find_outliers, prepare, with_noise_of
from memfit.fitting.plan import CORE, FitPlan, free_parameters, plan_for, unit_of_length
from memfit.fitting.predict import bias_of
from memfit.fitting.problem import FitState, triangle
from memfit.fitting.result import Conflict, FitResult, FittedRecord
from memfit.fitting.search import find_minima
from memfit.fitting.starting_values import StartingValues
from memfit.fitting.summary import fitted_records, summarise
from memfit.fitting.uncertainty.covariance import Covariance, covariance_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the fit from its minimum to its result."""

    rounds: int = 6
    """In which fit, noise and outliers are brought into agreement, at most."""
    settled: float = 0.02
    """Change of every record's noise, relative, at which they agree."""
    more_minima: int = 3
    """How often the search may begin again from a lower place that was found while looking around."""
    alarm: float = 5.0
    """Shift, in its standard errors, of a parameter that counts as a disagreement of kinds of data."""
    known: float = 0.5
    """Largest standard error, in units of length, of a parameter whose shift is worth a look."""
    least_shift: float = 0.01
    """Smallest shift, in units of length, that matters to anyone."""
    least_gain: float = 0.05
    """Share of the variance that a kind of data is taken to remove at least: rounding must not make
    alarms."""


SETTINGS = Settings()


@dataclass(frozen=True)
class JointFit:
    """A result, and every record beside the model."""

    result: FitResult
    fitted: tuple[FittedRecord, ...]


@dataclass(frozen=True)
class _Settled:
    """A settled fit on the way to a result."""

    state: FitState
    rivals: tuple[FitState, ...]
    """Other minima of the search."""
    first: StartingValues


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
    plan = plan or plan_for(device.settings)
    if not device.records:
        raise InputError(f"{device.name}: there is no record to fit; expected spectra, sweeps or transients.")
    for record in device.records:
        if isinstance(record, ImpedanceSpectrum):
            bias_of(record)
    if plan.model == "auto":
        return _choose_model(device, plan)
    return _finish(device, plan, plan.model, _find(device, plan, plan.model))


def _choose_model(device: Device, plan: FitPlan) -> JointFit:
    """Fit the 3D model, and a 2D model instead if it describes the same points as well."""
    full = _find(device, plan, "3d")
    comparison = compare_models(full.state, covariance_of(full.state), plan)
    choice, chosen = comparison.choice, full
    others = alternatives_of(comparison, full.state)
    if choice.chosen != "3d":
        simple = replace(comparison.nested[choice.chosen], problem=full.state.problem)
        chosen = _Settled(settle(simple, plan), (), full.first)
    joint = _finish(device, plan, choice.chosen, chosen)
    result = replace(
        joint.result,
        model_choice=choice,
        warnings=(*joint.result.warnings, choice.sentence),
        alternatives=(*joint.result.alternatives, *others),
    )
    return JointFit(result, joint.fitted)


def _find(device: Device, plan: FitPlan, model: str) -> _Settled:
    """The settled fit of one model."""
    problem = prepare(device.records, robust=plan.robust, engine=plan.engine)
    minima, first = find_minima(problem, plan, free_parameters(model, plan.asked))
    state = settle(replace(minima[0], problem=driven_alike(problem, minima[0].problem)), plan, rounds=1)
    state = settle(add_needed_terms(state, plan), plan)
    clocked = with_jumps_on_samples(state)
    state = without_idle_terms(state if clocked is state else settle(clocked, plan), plan)
    return _Settled(state, tuple(minima[1:]), first)


def _finish(device: Device, plan: FitPlan, model: str, settled: _Settled) -> JointFit:
    """From a settled fit to a result: what the data cannot tell, conflicts, errors, verdict."""
    state = settled.state
    covariance = covariance_of(state)
    explored = explore(state, covariance, settled.rivals)
    for _ in range(SETTINGS.more_minima):
        if explored.better is None:
            break
        state = settle(explored.better, plan)
        covariance = covariance_of(state)
        explored = explore(state, covariance)
    conflicts = conflicts_between_kinds(state, covariance) if plan.conflict_test else ()
    minima = [state, *settled.rivals]
    result = summarise(
        device,
        plan,
        free_parameters(model, plan.asked),
        minima,
        settled.first,
        covariance=covariance,
        conflicts=conflicts,
    )
    return JointFit(with_identifiability(result, state, covariance, explored), fitted_records(state))


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
        state = again(state, replace(problem, keep=~outliers))
        agreed = not changed and np.max(np.abs(np.log(ratio))) < SETTINGS.settled
        if agreed and state.minimum.converged:
            break
    return state


def conflicts_between_kinds(state: FitState, covariance: Covariance) -> tuple[Conflict, ...]:
    """Shifts of the physical parameters when one kind of data is left out, largest first.

    Only shifts that are too large for chance are listed. The fit is repeated where the linearised one raises
    an alarm.

    Parameters
    ----------
    state : FitState
    covariance : Covariance
        Of it.
    """
    kinds = list(dict.fromkeys(state.problem.kinds))
    if len(kinds) < 2:
        return ()
    conflicts: list[Conflict] = []
    for kind in kinds:
        others = np.array([k != kind for k in state.problem.kinds])[state.problem.predictor.record_of_point]
        kept = state.problem.keep & others
        if np.count_nonzero(kept) < 2 * len(state.unknowns.free):
            continue
        part = replace(state, problem=replace(state.problem, keep=kept))
        r, jacobian = part.linearised()
        scale = np.maximum(np.linalg.norm(jacobian, axis=0), 1e-300)
        reduced = triangle(np.column_stack([jacobian / scale, r]))
        step = -np.linalg.lstsq(reduced[:, :-1], reduced[:, -1], rcond=1e-9)[0] / scale
        if _alarms(state, covariance.matrix, part, step, kind):
            part = again(state, part.problem)
            conflicts += _alarms(state, covariance.matrix, part, part.x - state.x, kind)
    return tuple(sorted(conflicts, key=lambda c: -abs(c.shift)))


def _alarms(
    state: FitState, everything: FloatArray, part: FitState, step: FloatArray, kind: str
) -> list[Conflict]:
    """Parameters that move by `step` further than chance allows."""
    covariance = covariance_of(part)
    V_m = state.parameters.V_m
    alarms = []
    for j, name in enumerate(state.unknowns.names):
        if name not in CORE:
            continue
        length, variance = unit_of_length(name, V_m), covariance.matrix[j, j]
        if covariance.is_open(j) or variance > (SETTINGS.known * length) ** 2:
            continue
        spread = float(np.sqrt(max(variance - everything[j, j], SETTINGS.least_gain * variance, 1e-30)))
        if abs(step[j]) > max(SETTINGS.least_shift * length, SETTINGS.alarm * spread):
            alarms.append(Conflict(left_out=kind, parameter=name, shift=float(-step[j] / spread)))
    return alarms
