"""Sweeps that climb in steps: most source-measure units hold each level, wait, and measure at its end.

The samples of such a sweep look like those of a ramp, but the charging current of C_m has died away. A sweep
is taken for a staircase where that describes it far better.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from memfit.datasets.records import IVSweep, Record
from memfit.fitting.initial import begins_anywhere
from memfit.fitting.predict import Predictor, drive_of, free_start
from memfit.fitting.state import Problem, State, solve
from memfit.fitting.uncertainty import correlation
from memfit.protocols import held_until_sampled

log = logging.getLogger(__name__)

_FAR_BETTER = 0.5
"""chi2 of a sweep as a staircase, relative to that as a ramp, that decides."""
_STRUCTURE = 0.3
"""Lag-1 autocorrelation of residuals below which a ramp leaves nothing to explain."""
_STEPS = 10
"""Least number of samples for which the question makes sense."""


def as_staircase(record: Record) -> Record:
    """The sweep with a drive that steps after each of its samples; any other record as it is."""
    if not _is_ramp(record) or not isinstance(record, IVSweep) or record.time is None or record.drive is None:
        return record
    driven = record.voltage if record.control == "voltage" else record.current
    drive = held_until_sampled(record.control, record.time, driven, initial=record.drive.initial)
    return replace(record, drive=drive)


def with_staircases(state: State) -> State:
    """The fit with those sweeps as staircases that are described far better so."""
    predictor = state.problem.predictor
    ramps = [k for k, record in enumerate(predictor.records) if _is_ramp(record)]
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
    if _is_ramp(record) and not _is_ramp(like):
        record = as_staircase(record)
    return begins_anywhere(record) if free_start(like) and not free_start(record) else record


def is_staircase(record: Record) -> bool:
    """Whether the drive of a sweep steps with its samples."""
    drive = drive_of(record)
    return isinstance(record, IVSweep) and drive is not None and drive.jumps.size >= record.points - 1


def _is_ramp(record: Record) -> bool:
    """Whether a sweep is driven by lines on which many samples lie."""
    return (
        isinstance(record, IVSweep)
        and record.time is not None
        and record.drive is not None
        and record.points >= _STEPS
        and record.drive.jumps.size < record.points // 2
    )


def _any_structure(state: State, records: Sequence[int]) -> bool:
    """Whether the residuals of any of these records follow each other."""
    record = state.problem.predictor.record_of_point[state.problem.keep]
    r, _ = state.linearised()
    return any(correlation(r[record == k], two_parts=False)[0] > _STRUCTURE for k in records)


def _misfits(state: State, predictor: Predictor) -> list[float]:
    """chi2 of each record at the present values."""
    unknowns, problem = state.unknowns, state.problem
    values = predictor(unknowns.parameters(state.x), unknowns.instrument(state.x)).values
    scaled = np.where(problem.keep, (values - predictor.data()) / problem.sigma, 0.0)
    squares = np.where(np.isfinite(scaled), scaled, 1e6) ** 2
    return [float(np.sum(squares[here])) for here in predictor.slices]
