"""Sweeps that climb in steps: most source-measure units hold each level, wait, and measure at its end.

The samples of such a sweep look like those of a ramp, but the charging current of C_m has died away. A sweep
is taken for a staircase where that describes it far better.

Records that begin in an unknown state: u, i_c and f at their first sample are unknowns of the fit.

A record is one of them where its drive says so (initial = "free"), or where the fit asks for it: a sweep
taken right after another one does not begin in the steady state of its first value.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.records import IVSweep, Record
from memfit.fitting.least_squares import solve_nearby
from memfit.fitting.lmfit_engine import NEEDED, fall_of_chi2
from memfit.fitting.plan import FitPlan
from memfit.fitting.predict import (
    Instrument,
    Predictor,
    as_staircase,
    begins_anywhere,
    drive_of,
    drive_of_timed,
    free_start,
    is_ramp,
    measured,
)
from memfit.fitting.problem import FitState, Problem, solve
from memfit.fitting.uncertainty.covariance import correlation
from memfit.fitting.unknowns import Unknown, Unknowns, initial_unknowns
from memfit.model.equations import activation
from memfit.model.parameters import Parameters
from memfit.model.steady import junction_voltage
from memfit.protocols import Drive

log = logging.getLogger(__name__)

_INSIDE = 1e-3
"""Distance of a first value of f from 0 and 1: a search that begins on a bound moves slowly."""


def with_initial_states(
    problem: Problem, unknowns: Unknowns, values: Mapping[str, float]
) -> tuple[Unknowns, dict[str, float]]:
    """The unknowns with the initial states of all records that begin anywhere, and first values for them.

    Parameters
    ----------
    problem : Problem
    unknowns : Unknowns
        The physical ones.
    values : mapping
        First values of these (SI).
    """
    records = problem.predictor.records
    terms = [term for k, record in enumerate(records) if free_start(record) for term in _terms(k, record)]
    if not terms:
        return unknowns, dict(values)
    p = unknowns.parameters(unknowns.encode(values))
    extended = Unknowns([*unknowns.free, *terms], unknowns.base, unknowns.kinds)
    return extended, {**values, **_first_states(problem.predictor, p, terms)}


def add_needed_states(state: FitState, plan: FitPlan) -> FitState:
    """The fit with the initial states among its unknowns that the data ask for.

    Each record in time is offered its own; only those stay that lower chi2 by four standard errors a term.
    """
    if plan.initial_states == "off":
        return state
    records, known = state.problem.predictor.records, state.unknowns.names
    timed = [
        k
        for k, r in enumerate(records)
        if drive_of(r) and not free_start(r) and f"delay_{k}" not in known  # its clock would start anew
    ]
    wanted = timed if plan.initial_states == "on" else _promising(state, timed)
    if not wanted:
        return state
    start = _freed(state, wanted)
    again = solve_nearby(start.problem, start.unknowns, start.x)
    count = len(start.unknowns.free) - len(state.unknowns.free)
    gained = state.minimum.chi2 - again.minimum.chi2
    if plan.initial_states != "on" and gained <= NEEDED * count:
        return state
    log.info("initial states of %d records added: chi2 falls by %.4g", len(wanted), gained)
    return replace(again, failures=state.failures + again.failures)


def _promising(state: FitState, chosen: Sequence[int]) -> list[int]:
    """Those records whose initial state the linearised problem gains enough from, each by itself."""
    if not chosen:
        return []
    freed, known = _freed(state, chosen), len(state.unknowns.free)
    residuals = freed.problem.residuals(freed.unknowns)
    r, jacobian = residuals.residuals(freed.x), residuals.jacobian(freed.x)
    found = []
    for k in chosen:
        own = [j for j, unknown in enumerate(freed.unknowns.free[known:], start=known) if unknown.record == k]
        gained = fall_of_chi2(r, jacobian[:, [*range(known), *own]])
        if gained > NEEDED * len(own):
            found.append(k)
    return found


def _freed(state: FitState, chosen: Sequence[int]) -> FitState:
    """The same fit, not yet minimised, with the initial states of some records as unknowns."""
    predictor = state.problem.predictor
    records = tuple(begins_anywhere(r) if k in chosen else r for k, r in enumerate(predictor.records))
    problem = replace(state.problem, predictor=Predictor(records, predictor.tolerance))
    terms = [term for k in chosen for term in _terms(k, records[k])]
    unknowns = Unknowns([*state.unknowns.free, *terms], state.unknowns.base, state.unknowns.kinds)
    p = state.unknowns.parameters(state.x)
    values = dict(state.unknowns.values(state.x))
    for k in chosen:
        drive = drive_of_timed(predictor.records[k])
        before = 0.0 if drive.initial == "rest" else float(drive.value[0])
        values.update(_named(k, _steady(p, drive, before)))
    minimum = replace(state.minimum, x=unknowns.encode(values))
    return replace(state, problem=problem, unknowns=unknowns, minimum=minimum)


def _terms(k: int, record: Record) -> list[Unknown]:
    """Unknowns of the initial state of one record."""
    return initial_unknowns(k, drive_of_timed(record).control)


def _steady(p: Parameters, drive: Drive, value: float) -> FloatArray:
    """(3,) u, i_c, f of the steady state under a drive of this value."""
    u = float(junction_voltage(p, drive.control, np.array([value]))[0])
    f = float(activation(p, u))
    return np.array([u, p.i_c0 * f, f])


def _first_states(predictor: Predictor, p: Parameters, terms: Sequence[Unknown]) -> dict[str, float]:
    """First values of the initial states: of rest or of the first drive value, whichever is nearer the data.

    Under current control the junction voltage is read off the first sample.
    """
    chosen = sorted({term.record for term in terms if term.record is not None})
    misfits, states = [], []
    for share in (0.0, 1.0):
        instrument = Instrument.ideal(len(predictor.records))
        for k in chosen:
            drive, first = drive_of_timed(predictor.records[k]), measured(predictor.records[k])[0]
            instrument.initial[k] = _steady(p, drive, share * float(drive.value[0]))
            if drive.control == "current":
                instrument.initial[k, 0] = first - p.R_s * drive.value[0]
        distance = np.abs(predictor(p, instrument).values - predictor.data())
        distance = np.where(np.isfinite(distance), distance, 1e30)
        misfits.append([float(np.mean(distance[predictor.slices[k]])) for k in chosen])
        states.append(instrument.initial)
    nearest = np.argmin(misfits, axis=0)
    return {
        name: value for j, k in zip(nearest, chosen, strict=True) for name, value in _named(k, states[j][k])
    }


def _named(k: int, state: FloatArray) -> list[tuple[str, float]]:
    """Names and first values of an initial state."""
    u, i_c, f = (float(value) for value in state)
    return [(f"u_0_{k}", u), (f"i_0_{k}", i_c), (f"f_0_{k}", min(max(f, _INSIDE), 1.0 - _INSIDE))]


_FAR_BETTER = 0.5
"""chi2 of a sweep as a staircase, relative to that as a ramp, that decides."""
_STRUCTURE = 0.3
"""Lag-1 autocorrelation of residuals below which a ramp leaves nothing to explain."""


def with_staircases(state: FitState) -> FitState:
    """The fit with those sweeps as staircases that are described far better so."""
    predictor = state.problem.predictor
    ramps = [k for k, record in enumerate(predictor.records) if is_ramp(record)]
    if not _any_structure(state, ramps):
        return state
    stepped = tuple(as_staircase(record) for record in predictor.records)
    as_ramps = _misfits(state, predictor)
    as_steps = _misfits(state, Predictor(stepped, predictor.tolerance))
    better = [k for k in ramps if as_steps[k] < _FAR_BETTER * as_ramps[k]]
    if not better:
        return state
    records = tuple(stepped[k] if k in better else r for k, r in enumerate(predictor.records))
    problem = replace(state.problem, predictor=Predictor(records, predictor.tolerance))
    again = solve(problem, state.unknowns, state.x)
    if again.minimum.chi2 >= state.minimum.chi2:
        return state
    log.info(
        "%d sweeps are staircases: chi2 falls by %.4g", len(better), state.minimum.chi2 - again.minimum.chi2
    )
    return replace(again, failures=state.failures + again.failures)


def driven_alike(problem: Problem, other: Problem) -> Problem:
    """The problem with its drives read as in another one, of the same records or of samples of them."""
    own = problem.predictor
    records = tuple(
        _driven_alike(r, like) for r, like in zip(own.records, other.predictor.records, strict=True)
    )
    if all(new is old for new, old in zip(records, own.records, strict=True)):
        return problem
    return replace(problem, predictor=Predictor(records, own.tolerance))


def _driven_alike(record: Record, like: Record) -> Record:
    """The record as a staircase and beginning anywhere, where the other one does."""
    if is_ramp(record) and not is_ramp(like):
        record = as_staircase(record)
    return begins_anywhere(record) if free_start(like) and not free_start(record) else record


def is_staircase(record: Record) -> bool:
    """Whether the drive of a sweep steps with its samples."""
    drive = drive_of(record)
    return isinstance(record, IVSweep) and drive is not None and drive.jumps.size >= record.points - 1


def _any_structure(state: FitState, records: Sequence[int]) -> bool:
    """Whether the residuals of any of these records follow each other."""
    record = state.problem.predictor.record_of_point[state.problem.keep]
    r, _ = state.linearised()
    return any(correlation(r[record == k], two_parts=False)[0] > _STRUCTURE for k in records)


def _misfits(state: FitState, predictor: Predictor) -> list[float]:
    """chi2 of each record at the present values."""
    unknowns, problem = state.unknowns, state.problem
    values = predictor(unknowns.parameters(state.x), unknowns.instrument(state.x)).values
    scaled = np.where(problem.keep, (values - predictor.data()) / problem.sigma, 0.0)
    squares = np.where(np.isfinite(scaled), scaled, 1e6) ** 2
    return [float(np.sum(squares[here])) for here in predictor.slices]
