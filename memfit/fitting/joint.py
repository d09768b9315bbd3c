"""The joint fit: one set of parameters for everything measured on a device.

First values from the data; fit of everything from several distinct starts; noise of each record from its
residuals, isolated outliers out; terms of the instruments where the data ask for them; errors, verdict,
result.

Do the kinds of data agree? The fit is repeated without each kind, and the parameters are compared. An
estimate from part of the data and one from all of it differ with covariance C_part - C_all if both see the
same device (Hausman, Econometrica 1978, 46, 1251). Shifts beyond that say that the kinds disagree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import Device, ImpedanceSpectrum, Record, in_session, silent
from memfit.errors import InputError
from memfit.fitting.choice import Chosen, choose_parts, diagnose
from memfit.fitting.effort import SETTINGS as EFFORT
from memfit.fitting.effort import SPENT, Effort
from memfit.fitting.exploration import explore
from memfit.fitting.findings import Conflict
from memfit.fitting.identifiability import with_identifiability
from memfit.fitting.instrument_terms import driven_alike
from memfit.fitting.least_squares import again, linear_step
from memfit.fitting.long_records import on_all_samples, telling
from memfit.fitting.misfit import Misfit, measure, misfit_of, with_misfit
from memfit.fitting.mistakes import are_turned_round, find_mistake
from memfit.fitting.nested_models import alternatives, compare_models
from memfit.fitting.noise import prepare
from memfit.fitting.plan import CORE, WIRING, FitPlan, free_parameters, plan_for, unit_of_length
from memfit.fitting.predict import bias_of, usual_work
from memfit.fitting.problem import FitState, physical_unknowns
from memfit.fitting.result import FitResult, FittedRecord
from memfit.fitting.search import describes, find_minima
from memfit.fitting.settling import settle, settled_with_terms, with_one_misfit
from memfit.fitting.starting_values import StartingValues
from memfit.fitting.summary import fitted_records, summarise
from memfit.fitting.uncertainty.covariance import Covariance, covariance_of


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the fit from its minimum to its result."""

    much_lower: float = 0.9
    """Of chi2: a place that is so much lower is asked anew which parts are missing."""
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
    if "d_i" in plan.asked:
        device = in_session(device)
    if not device.records:
        raise InputError(f"{device.name}: there is no record to fit; expected spectra, sweeps or transients.")
    for record in device.records:
        if nothing := silent(record):
            raise InputError(f"{record.name}: {nothing}, so there is nothing to fit: leave this record out.")
        if isinstance(record, ImpedanceSpectrum):
            bias_of(record)
    joint, described = _fit(device, [telling(record) for record in device.records], plan)
    if described and joint.result.misfit and joint.result.misfit.large:  # the beginning did not tell it
        joint, _ = _fit(device, [telling(record, begun=False) for record in device.records], plan)
    return joint


def _fit(device: Device, records: Sequence[Record], plan: FitPlan) -> tuple[JointFit, bool]:
    """The fit, searched on these records; and whether the search described them."""
    effort = Effort(usual_work(records))
    if plan.model == "auto":
        return _fit_chosen(device, records, plan, effort)
    if plan.model != "simplest":
        held = _find(records, plan, plan.model, effort)
        joint, described = _finish(device, plan, plan.model, held)
        diagnosis = diagnose(held.state) if joint.result.misfit and joint.result.misfit.certain else ()
        return JointFit(replace(joint.result, diagnosis=diagnosis), joint.fitted), described
    full = _find(records, plan, "3d", effort)
    comparison = compare_models(full.state, covariance_of(full.state), plan)
    choice, chosen = comparison.choice, full
    others = alternatives(comparison, full.state)
    if choice.chosen != "3d":  # fitted to the same points, and settled on its own
        simple = replace(comparison.nested[choice.chosen], problem=full.state.problem)
        chosen = _Settled(settle(simple, plan), (), full.first)
    joint, described = _finish(device, plan, choice.chosen, chosen)
    result = replace(
        joint.result,
        model_choice=choice,
        warnings=(*joint.result.warnings, choice.sentence),
        alternatives=(*joint.result.alternatives, *others),
    )
    return JointFit(result, joint.fitted), described


def _fit_chosen(
    device: Device, records: Sequence[Record], plan: FitPlan, effort: Effort
) -> tuple[JointFit, bool]:
    """The fit of the member of the family that the data ask for."""

    def choice(found: _Settled) -> Chosen:
        """What the data ask for beside the plainest device."""
        part = replace(found.state.problem, effort=effort.part(EFFORT.choice))
        return choose_parts(with_one_misfit(replace(found.state, problem=part)), plan, records)

    plainest = _find(records, plan, "3d", effort, patient=False)
    misfit = measure(plainest.state)
    turned = misfit.large and are_turned_round(records)
    if turned and _mistake_in(plainest.state, misfit, plan, "3d"):
        return _finish(device, plan, "3d", _find(records, plan, "3d", effort))
    chosen = choice(plainest)
    if measure(chosen.state).large:
        # no part is to explain a wrong unit; of records turned round it was asked before
        if not turned and _mistake_in(plainest.state, misfit, plan, "3d"):
            return _finish(device, plan, "3d", _find(records, plan, "3d", effort))
        if not chosen.found:  # before a model fails, its minimum is looked for at length
            before, plainest = plainest.state, _find(records, plan, "3d", effort)
            wired = set(WIRING) & {*plainest.state.unknowns.names} - {*before.unknowns.names}
            if wired or _squares(plainest.state) < SETTINGS.much_lower * _squares(before):
                chosen = choice(plainest)
    parts = tuple(dict.fromkeys((*plan.parts, *chosen.parts)))
    settled = plainest
    if chosen.parts != plainest.state.parameters.parts:
        settled = _Settled(chosen.state, (), plainest.first)
    joint, described = _finish(device, replace(plan, parts=parts), "3d", settled)
    result = replace(joint.result, plan=plan.to_dict(), parts_found=chosen.found, members=chosen.members)
    return JointFit(replace(result, diagnosis=chosen.diagnosis), joint.fitted), described


def _find(
    records: Sequence[Record], plan: FitPlan, model: str, effort: Effort, *, patient: bool = True
) -> _Settled:
    """The settled fit of one model; where nothing describes the records it has to be content soon."""
    problem = prepare(records, robust=plan.robust, engine=plan.engine, effort=effort)
    minima, first = find_minima(problem, plan, free_parameters(model, plan.asked), patient=patient)
    problem = driven_alike(problem, minima[0].problem)
    begun = replace(minima[0], problem=problem)
    if not describes(minima[0]):
        if not patient:
            return _Settled(begun, tuple(minima[1:]), first)
        begun = replace(begun, problem=replace(problem, effort=effort.part(EFFORT.settling)))
    state = settled_with_terms(settle(begun, plan, rounds=1), plan)
    if "impedance" not in state.problem.kinds and "R_s" in state.unknowns.names and measure(state).certain:
        state = state if effort.stopped else _or_without_series_resistance(state, plan, model)
    if state.minimum.message == SPENT and not measure(state).large:  # the terms made up for it
        state = settle(replace(state, problem=replace(state.problem, effort=effort)), plan)
    return _Settled(state, tuple(minima[1:]), first)


def _or_without_series_resistance(state: FitState, plan: FitPlan, model: str) -> FitState:
    """The fit that begins without R_s, where that describes the records better.

    Where no spectrum shows R_s, a source without any is a corner of the parameters from which and to which no
    search leads: the charging of C_m is then shorter than a sample.
    """
    held = replace(
        plan, fix={**plan.fix, "R_s": 0.0}, bounds={k: v for k, v in plan.bounds.items() if k != "R_s"}
    )
    records, effort = state.problem.predictor.records, state.problem.effort
    without = _find(records, held, model, effort.part(EFFORT.some), patient=False).state
    freed = again(without, unknowns=without.unknowns.plus(physical_unknowns(plan, ["R_s"])))
    best = min((state, freed, without), key=_squares)
    return state if best is state else settle(best, plan)


def _squares(state: FitState) -> float:
    """Sum of squared residuals over the noise that is seen without the model: the same for every fit."""
    records = state.problem.predictor.records
    return float(sum(m.ratio**2 * r.points for m, r in zip(measure(state).records, records, strict=True)))


def _finish(device: Device, plan: FitPlan, model: str, settled: _Settled) -> tuple[JointFit, bool]:
    """From a settled fit to a result: what the data cannot tell, conflicts, errors, verdict.

    The second value says whether the fit described all records that were searched, but these were not whole.
    """
    state = on_all_samples(settled.state, device.records, plan)
    covariance = covariance_of(state)
    failed = measure(state).large
    explored = explore(state, covariance, settled.rivals, profiles=not failed)
    for _ in range(SETTINGS.more_minima):
        if explored.better is None:
            break
        state = settle(explored.better, plan)
        covariance = covariance_of(state)
        explored = explore(state, covariance, profiles=not failed)
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
    result = with_identifiability(result, state, covariance, explored)
    misfit = misfit_of(state, covariance.effective)
    result = with_misfit(result, state, misfit, _mistake_in(state, misfit, plan, model))
    surprised = state is not settled.state and not measure(settled.state).large
    return JointFit(result, fitted_records(state)), surprised


def _mistake_in(state: FitState, misfit: Misfit, plan: FitPlan, model: str) -> str:
    """Which records the others contradict, and what would mend them; empty where there are none."""
    more = plan.conflict_test and len(misfit.records) > 1 and not state.problem.effort.stopped
    if not (misfit.large and more):
        return ""
    effort = state.problem.effort.whole_fit.part(EFFORT.mistakes)

    def described(some: Sequence[Record]) -> FitState:
        few = [telling(record) for record in some]
        return _find(few, plan, model, effort.part(EFFORT.some), patient=False).state

    mistake = find_mistake(state, misfit, described, effort)
    return mistake.sentence if mistake else ""


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
        if _alarms(state, covariance.matrix, part, linear_step(part), kind):
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
