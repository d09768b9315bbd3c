"""The joint fit: one set of parameters for everything measured on a device.

First values from the data; fit of everything from several distinct starts; noise of each record from its
residuals, isolated outliers out; terms of the instruments where the data ask for them; errors, verdict,
result.

"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from memfit.datasets import (
    Device,
    ImpedanceSpectrum,
    Record,
    in_session,
    ranked,
    silent,
    times_of_session,
)
from memfit.errors import InputError
from memfit.fitting.checks.contradictions import conflicts_between_kinds, moving_values, repeats_that_differ
from memfit.fitting.checks.misfit import measure, misfit_of, with_misfit
from memfit.fitting.checks.mistakes import Mistake, find_mistake, stand_out
from memfit.fitting.choice.choice import Chosen, choose_parts, diagnose, with_given_parts
from memfit.fitting.choice.nested_models import alternatives, compare_models
from memfit.fitting.instrument_terms import driven_alike
from memfit.fitting.minimum.effort import SETTINGS as EFFORT
from memfit.fitting.minimum.effort import SPENT, Effort, usual_work
from memfit.fitting.minimum.least_squares import again
from memfit.fitting.minimum.problem import FitState
from memfit.fitting.minimum.unknowns import physical_unknowns
from memfit.fitting.noise import prepare
from memfit.fitting.plan import WIRING, FitPlan, free_parameters, plan_for
from memfit.fitting.prediction.long_records import telling
from memfit.fitting.prediction.predict import bias_of
from memfit.fitting.results.result import FitResult, FittedRecord
from memfit.fitting.search import describes, find_minima, in_phase
from memfit.fitting.settling import (
    on_all_samples,
    settle,
    settled_with_terms,
    with_all_records,
    with_one_misfit,
)
from memfit.fitting.starts.starting_values import StartingValues
from memfit.fitting.summary import fitted_records, summarise
from memfit.fitting.uncertainty.covariance import covariance_of
from memfit.fitting.uncertainty.exploration import explore
from memfit.fitting.uncertainty.identifiability import with_identifiability
from memfit.model import EXTENSIONS


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the fit from its minimum to its result."""

    much_lower: float = 0.9
    """Of chi2: a place that is so much lower is asked anew which parts are missing."""
    more_minima: int = 3
    """How often the search may begin again from a lower place that was found while looking around."""


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
    device = ranked(device)
    if not device.records:
        raise InputError(f"{device.name}: there is no record to fit; expected spectra, sweeps or transients.")
    for record in device.records:
        if nothing := silent(record):
            raise InputError(f"{record.name}: {nothing}, so there is nothing to fit: leave this record out.")
        if isinstance(record, ImpedanceSpectrum):
            bias_of(record)
    joint, described = _fit(device, _told(device), plan)
    if described and joint.result.misfit and joint.result.misfit.large:  # the beginning did not tell it
        joint, _ = _fit(device, _told(device, begun=False), plan)
    return joint


class _Known:
    """Fits of some of the records of one device to one model, each with the evaluations that it took."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, ...], tuple[Sequence[Record], FitState, float]] = {}

    def get(self, records: Sequence[Record]) -> tuple[FitState, float] | None:
        """A fit that was made, and what it took."""
        found = self._made.get(tuple(map(id, records)))
        return found and found[1:]

    def keep(self, records: Sequence[Record], state: FitState, used: float) -> None:
        """Remember a fit; its records are held with it, so that no other can take their place."""
        self._made[tuple(map(id, records))] = records, state, used


def _told(device: Device, *, begun: bool = True) -> Device:
    """The device by what a search needs of its records."""
    return replace(device, records=tuple(telling(record, begun=begun) for record in device.records))


def _fit(device: Device, searched: Device, plan: FitPlan) -> tuple[JointFit, bool]:
    """The fit, searched on what some records tell; and whether that was described where the whole is not."""
    effort = Effort(usual_work(searched.records))
    if plan.model == "auto":
        return _fit_chosen(device, searched, plan, effort)
    if plan.model != "simplest":
        return _fit_held(device, searched, plan, effort)
    full = _find(searched.records, plan, "3d", effort)
    comparison = compare_models(full.state, covariance_of(full.state), plan)
    choice, chosen = comparison.choice, full
    others = alternatives(comparison, full.state)
    if choice.chosen != "3d":  # fitted to the same points, and settled on its own
        simple = replace(comparison.nested[choice.chosen], problem=full.state.problem)
        chosen = _Settled(settle(simple, plan), (), full.first)
    mistake = _mistake_in(chosen.state, searched.records, plan, choice.chosen)
    joint, described = _finish(device, plan, choice.chosen, chosen, mistake)
    result = replace(
        joint.result,
        model_choice=choice,
        warnings=(*joint.result.warnings, choice.sentence),
        alternatives=(*joint.result.alternatives, *others),
    )
    return JointFit(result, joint.fitted), described


def _fit_chosen(device: Device, searched: Device, plan: FitPlan, effort: Effort) -> tuple[JointFit, bool]:
    """The fit of the member of the family that the data ask for."""
    settled, chosen, mistake, moved = _choose(searched, plan, effort)
    if mistake and (rest := mistake.rest(searched.records)):
        part = replace(searched, records=tuple(searched.records[k] for k in rest))
        settled, chosen, _, moved = _choose(part, plan, effort)
        settled = _Settled(with_all_records(settled.state, searched.records, rest), (), settled.first)
    parts = tuple(dict.fromkeys((*plan.parts, *(chosen.parts if chosen else ()))))
    joint, described = _finish(device, replace(plan, parts=parts), "3d", settled, mistake, moved=moved)
    result = replace(joint.result, plan=plan.to_dict())
    if chosen:
        result = replace(result, parts_found=chosen.found, members=chosen.members, diagnosis=chosen.diagnosis)
    return JointFit(result, joint.fitted), described


def _choose(
    device: Device, plan: FitPlan, effort: Effort
) -> tuple[_Settled, Chosen | None, Mistake | None, Sequence[str]]:
    """The settled fit with the parts that the data ask for, or beside a mistake, and what moved."""
    records = device.records

    def choice(found: _Settled, *, widest: bool = True) -> Chosen:
        """What the data ask for beside the plainest device."""
        problem = found.state.problem
        most = EFFORT.choice * (EFFORT.closed if set(problem.kinds) == {"impedance"} else 1.0)
        begun = replace(found.state, problem=replace(problem, effort=effort.part(most)))
        return choose_parts(with_one_misfit(begun), plan, records, widest=widest)

    plainest = _find(records, plan, "3d", effort, patient=False)
    mistake, known = None, _Known()
    asked = measure(plainest.state).large and stand_out(records)
    if asked:  # no part is to explain a wrong unit
        mistake = _mistake_in(plainest.state, records, plan, "3d", known)
        if mistake and mistake.column:
            return plainest, None, mistake, ()
    if moved := _moved_in(plainest.state, device, plan, "3d", known):  # which no part is to explain
        return _find(records, plan, "3d", effort), None, None, moved
    chosen = choice(plainest)
    if measure(chosen.state).large:  # before a model fails, its minimum is looked for at length
        before, patient = plainest.state, _find(records, plan, "3d", effort)
        wired = set(WIRING) & {*patient.state.unknowns.names} - {*before.unknowns.names}
        lower = _squares(patient.state) < SETTINGS.much_lower * _squares(chosen.state)
        if lower or (not chosen.found and wired):
            plainest, chosen = patient, choice(patient, widest=False)  # which is as it was
        elif not chosen.found and _squares(patient.state) < _squares(before):
            plainest = patient
    misfit = measure(chosen.state)
    # a record turned round looks nearly like a channel of the other polarity
    if misfit.large or (misfit.certain and "second_polarity" in chosen.parts):
        mistake = mistake if asked else _mistake_in(plainest.state, records, plan, "3d", known)
        if mistake:
            return plainest, None, mistake, ()
    state = chosen.state
    if state.minimum.message == SPENT and not measure(state).large:  # what was missing made up for it
        more = effort.part(EFFORT.choice)
        state = settle(replace(state, problem=replace(state.problem, effort=more)), plan)
    # the way through wider models may end at a lower place of the plainest, or at one that misses less
    other = chosen.parts != plainest.state.parameters.parts
    less = measure(plainest.state).large and not measure(state).large
    if other or less or _squares(state) < SETTINGS.much_lower * _squares(plainest.state):
        plainest = _Settled(state, (), plainest.first)
    return plainest, chosen, None, ()


def _fit_held(device: Device, searched: Device, plan: FitPlan, effort: Effort) -> tuple[JointFit, bool]:
    """The fit of one model, whatever the data ask for."""
    records, model = searched.records, plan.model
    settled = _part_by_part(_find(records, plan, model, effort), plan, model)
    moved = _moved_in(settled.state, searched, plan, model)
    mistake = None if moved else _mistake_in(settled.state, records, plan, model)
    if mistake and (rest := mistake.rest(records)):
        other = _find([records[k] for k in rest], plan, model, effort)
        settled = _Settled(with_all_records(other.state, records, rest), (), other.first)
    joint, described = _finish(device, plan, model, settled, mistake, moved=moved)
    misfit = joint.result.misfit
    asked = diagnose(settled.state) if misfit and misfit.certain and not misfit.mistake else ()
    return JointFit(replace(joint.result, diagnosis=asked), joint.fitted), described


def _part_by_part(settled: _Settled, plan: FitPlan, model: str) -> _Settled:
    """The fit whose parts are added one by one to the model without them, where that describes more.

    First values of a device say little where its parts shape what they are read from.
    """
    problem, bare = settled.state.problem, replace(plan, parts=())
    parts = [part for part, names in EXTENSIONS.items() if {*names} <= {*plan.asked} - {*bare.asked}]
    if not parts or not measure(settled.state).certain:
        return settled
    records, effort = problem.predictor.records, problem.effort.whole_fit
    without = _find(records, bare, model, effort, patient=False)
    state = with_given_parts(without.state, plan, records, parts)
    if state is None or _squares(state) >= _squares(settled.state):
        return settled
    return _Settled(state, (settled.state, *settled.rivals), settled.first)


def _find(
    records: Sequence[Record], plan: FitPlan, model: str, effort: Effort, *, patient: bool = True
) -> _Settled:
    """The settled fit of one model; where nothing describes the records it has to be content soon."""
    problem = prepare(records, robust=plan.robust, engine=plan.engine, effort=effort, own=plan.own)
    minima, first = find_minima(problem, plan, free_parameters(model, plan.asked), patient=patient)
    problem = driven_alike(problem, minima[0].problem)
    begun = replace(minima[0], problem=problem)
    if not describes(minima[0]):
        if not patient:
            return _Settled(begun, tuple(minima[1:]), first)
        begun = replace(begun, problem=replace(problem, effort=effort.part(EFFORT.settling)))
    state = settled_with_terms(settle(begun, plan, rounds=1), plan)
    missed = [k for k, misfit in enumerate(measure(state).records) if misfit.certain]
    if (again_in_phase := in_phase(state, missed)) is not state:
        state = settled_with_terms(settle(again_in_phase, plan), plan)
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


def _finish(
    device: Device,
    plan: FitPlan,
    model: str,
    settled: _Settled,
    mistake: Mistake | None,
    *,
    moved: Sequence[str] = (),
) -> tuple[JointFit, bool]:
    """From a settled fit to a result: what the data cannot tell, conflicts, errors, verdict.

    The second value says whether the fit described all records that were searched, but these were not whole.
    """
    state = on_all_samples(settled.state, device.records, plan)
    covariance = covariance_of(state)
    failed = measure(state).large
    effort = state.problem.effort.part(EFFORT.explored)
    explored = explore(state, covariance, settled.rivals, profiles=not failed, effort=effort)
    for _ in range(SETTINGS.more_minima):
        if explored.better is None:
            break
        state = settle(explored.better, plan)
        covariance = covariance_of(state)
        explored = explore(state, covariance, profiles=not failed, effort=effort)
    tested = plan.conflict_test and not mistake
    conflicts = conflicts_between_kinds(state, covariance) if tested else ()
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
    if explored.unfollowed and not effort.stopped:
        sentence = (
            f"What the data allow was followed for {effort.used:.0f} evaluations and no further; "
            f"{', '.join(explored.unfollowed)} count as not determined for that reason."
        )
        result = replace(result, warnings=(*result.warnings, sentence))
    misfit = misfit_of(state, covariance.effective)
    moved = [*repeats_that_differ(device), *moved]
    if mistake and mistake.doubtful:  # it may as well be the model
        moved, mistake = [mistake.sentence, *moved], None
    result = with_misfit(result, state, misfit, mistake.sentence if mistake else "", moved)
    surprised = state is not settled.state and not measure(settled.state).large
    return JointFit(result, fitted_records(state)), surprised


def _moved_in(
    state: FitState, device: Device, plan: FitPlan, model: str, known: _Known | None = None
) -> tuple[str, ...]:
    """What moved while the device was measured, where the model misses it for certain."""
    effort = state.problem.effort.whole_fit
    if not measure(state).certain or effort.stopped or repeats_that_differ(device):
        return ()
    by_order = (times_of_session(device) or ("", ""))[1] == "records"
    if by_order and _mistake_in(
        state, device.records, plan, model, known
    ):  # two groups in order are no drift
        return ()

    def described(some: Sequence[Record]) -> FitState:
        return _find(some, plan, model, effort.part(EFFORT.some), patient=False).state

    return moving_values(state, device, described)


def _mistake_in(
    state: FitState, records: Sequence[Record], plan: FitPlan, model: str, known: _Known | None = None
) -> Mistake | None:
    """Which records the others contradict, and what would mend them."""
    misfit = measure(state)
    more = plan.conflict_test and len(misfit.records) > 1 and not state.problem.effort.stopped
    if not (misfit.large and more):
        return None
    effort = state.problem.effort.whole_fit.part(EFFORT.mistakes)
    known = known if known is not None else _Known()

    def described(some: Sequence[Record]) -> FitState:
        part, found = effort.part(EFFORT.some), known.get(some)
        if found is None:
            fitted = _find(some, plan, model, part, patient=False).state
            if not effort.over:
                known.keep(some, fitted, part.used)
            return fitted
        effort.used += found[1]  # as if it were made again: what is looked at does not depend on it
        return found[0]

    return find_mistake(state, records, misfit, described, effort)
