"""Terms of the instruments, switched on where the data ask for them: R_s, L_s, gains, edges, delays.

A jump of the drive happened somewhere between the last sample of the old level and the first of the new one;
where that matters against the noise, its time is fitted. Every other term is tried by its score: the fall of
chi2 that the linearised problem promises when the term is added. Only terms that promise a large fall are
fitted, and only those that keep the promise stay.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from memfit.datasets.records import ImpedanceSpectrum
from memfit.fitting.initial_state import add_needed_states, with_staircases
from memfit.fitting.least_squares import solve_nearby
from memfit.fitting.lmfit_engine import NEEDED, fall_of_chi2
from memfit.fitting.plan import FitPlan
from memfit.fitting.predict import drive_of, free_start, sample_before
from memfit.fitting.problem import FitState, Problem
from memfit.fitting.residuals import marginal_root
from memfit.fitting.unknowns import (
    Unknown,
    Unknowns,
    delay_unknown,
    edge_unknown,
    gain_unknown,
    physical_unknowns,
)

log = logging.getLogger(__name__)

_NOTICEABLE = 1.0
"""Squared effect, in standard deviations, of not knowing when within a sample a jump happened."""
_MOST_EDGES = 4
_SAMPLES_OF_DELAY = 3.0
_BESIDE = 1e-3
"""Of a sample: distance from its bound of an edge that begins where it was."""
_EQUAL = 1.0
"""Rise of chi2 up to which a search has arrived at the same place."""
_SURE = float(np.log(20.0))
"""Logarithm of the odds that let all jumps lie on their samples."""


def add_needed_terms(state: FitState, plan: FitPlan) -> FitState:
    """The fit with the terms of the instruments that the data ask for, the most needed kind first."""
    offers = (
        _edges(state, plan),
        _inductance(state, plan),
        _gains(state, plan),
        _delays(state, plan),
    )
    known = set(state.unknowns.names)
    fresh = [([t for t in terms if t.name not in known], forced) for terms, forced in offers]
    for terms in (terms for terms, forced in fresh if terms and forced):
        state = _kept_if_worth(state, terms, forced=True)
    waiting = [terms for terms, forced in fresh if terms and not forced]
    while waiting:
        promised = [scores(state, terms) for terms in waiting]
        best = int(np.argmax([sum(some) for some in promised]))
        terms, promises = waiting.pop(best), promised[best]
        wanted = [t for t, fall in zip(terms, promises, strict=True) if fall > NEEDED]
        if wanted:
            state = _kept_if_worth(state, terms if terms[0].record is None else wanted, forced=False)
    return add_needed_states(with_staircases(state), plan)


def without_idle_terms(state: FitState, plan: FitPlan) -> FitState:
    """The fit without an inductance that ended at zero, unless it was asked for."""
    if plan.inductance != "auto" or "L_s" not in state.minimum.at_bound:
        return state
    free = [unknown for unknown in state.unknowns.free if unknown.name != "L_s"]
    base = state.unknowns.base.replace(L_s=0.0)
    unknowns = Unknowns(free, base, state.problem.kinds)
    again = solve_nearby(state.problem, unknowns, unknowns.encode(state.unknowns.values(state.x)))
    needed = again.minimum.chi2 > state.minimum.chi2 + _EQUAL
    return state if needed else replace(again, failures=state.failures + again.failures)


def with_jumps_on_samples(state: FitState) -> FitState:
    """The fit with every jump on the first sample that shows it, where that is no coincidence.

    A source that clocks the sampling jumps on samples, any other anywhere between. The odds of the first
    against the second, whose times are evenly distributed over the samples, are the ratio of the likelihoods,
    integrated over the times.
    """
    edges = [u for u in state.unknowns.free if u.name.startswith("edge_")]
    if not edges:
        return state
    free = [u for u in state.unknowns.free if u not in edges]
    unknowns = Unknowns(free, state.unknowns.base, state.problem.kinds)
    again = solve_nearby(state.problem, unknowns, unknowns.encode(state.unknowns.values(state.x)))
    rise = again.minimum.chi2 - state.minimum.chi2
    if not _log_odds(state, edges) - 0.5 * rise > _SURE:
        return state
    log.info("jumps lie on samples: chi2 rises by %.4g", rise)
    return replace(again, failures=state.failures + again.failures)


def _log_odds(state: FitState, edges: Sequence[Unknown]) -> float:
    """Logarithm of how much more likely one time for each jump is than all times of a sample, as normal ones.

    An integral over the times is never more than their range: where data do not tell them, nothing is won.
    """
    _, jacobian = state.linearised()
    wanted = [state.unknowns.names.index(edge.name) for edge in edges]
    known = np.abs(np.diag(marginal_root(jacobian, wanted)))  # inverse standard errors, one after the other
    ranges = np.array([-edge.lower for edge in edges])
    return float(np.sum(np.log(np.maximum(known * ranges / np.sqrt(2.0 * np.pi), 1.0))))


def _kept_if_worth(state: FitState, terms: Sequence[Unknown], forced: bool) -> FitState:
    """The fit with these terms if they keep their promise, else as it was.

    An edge that ends on its sample stays an unknown: where in between it was is still not known.
    """
    extended = _with(state, terms)
    gained = state.minimum.chi2 - extended.minimum.chi2
    if gained <= (-_EQUAL if forced else NEEDED * len(terms)):
        return state
    log.info("added %s: chi2 falls by %.4g", ", ".join(t.name for t in terms), gained)
    return extended


def scores(state: FitState, terms: Sequence[Unknown]) -> list[float]:
    """Fall of chi2 promised by the linearised problem when one term alone is added, for each of them.

    Before they are fitted the terms change nothing, so that one linearisation serves all.
    """
    unknowns = Unknowns([*state.unknowns.free, *terms], state.unknowns.base, state.problem.kinds)
    residuals = state.problem.residuals(unknowns)
    x = unknowns.encode(state.unknowns.values(state.x))
    r, jacobian = residuals.residuals(x), residuals.jacobian(x)
    known = len(state.unknowns.free)
    return [fall_of_chi2(r, jacobian[:, [*range(known), known + k]]) for k in range(len(terms))]


def _with(state: FitState, terms: Sequence[Unknown]) -> FitState:
    """Minimise again with more unknowns.

    Edges begin in the middle of their samples. That may throw an oscillation so far out of phase that the
    search ends elsewhere; then they begin where they were.
    """
    unknowns = Unknowns([*state.unknowns.free, *terms], state.unknowns.base, state.problem.kinds)
    values = state.unknowns.values(state.x)
    again = solve_nearby(state.problem, unknowns, unknowns.encode(values))
    if again.minimum.chi2 > state.minimum.chi2:
        edges = {t.name: _BESIDE * t.lower for t in terms if t.name.startswith("edge_")}
        other = solve_nearby(state.problem, unknowns, unknowns.encode({**edges, **values}))
        again = min(again, other, key=lambda found: found.minimum.chi2)
    return replace(again, failures=state.failures + again.failures)


def _inductance(state: FitState, plan: FitPlan) -> tuple[list[Unknown], bool]:
    """Wiring inductance, where there are spectra."""
    spectra = any(isinstance(r, ImpedanceSpectrum) for r in state.problem.predictor.records)
    if not spectra or plan.inductance == "off" or "L_s" in plan.fix:
        return [], False
    return physical_unknowns(plan, ["L_s"]), plan.inductance == "on"


def _gains(state: FitState, plan: FitPlan) -> tuple[list[Unknown], bool]:
    """A factor for every kind of instrument but the first of impedance, iv, transient."""
    present = [kind for kind in ("impedance", "iv", "transient") if kind in state.problem.kinds]
    if plan.gains == "off":
        return [], False
    return [gain_unknown(kind) for kind in present[1:]], plan.gains == "on"


def _edges(state: FitState, plan: FitPlan) -> tuple[list[Unknown], bool]:
    """Times of the jumps that the sampling leaves open and that the noise does not hide."""
    if plan.delays == "off":
        return [], False
    terms = [t for k in range(len(state.problem.kinds)) for t in _edges_of(state.problem, k)]
    if not terms:
        return [], False
    unknowns = Unknowns([*state.unknowns.free, *terms], state.unknowns.base, state.problem.kinds)
    x = unknowns.encode(state.unknowns.values(state.x))
    _, jacobian = state.problem.residuals(unknowns).all_rows(x)
    effect = np.sum(jacobian[:, -len(terms) :] ** 2, axis=0) * np.array([t.lower for t in terms]) ** 2 / 12.0
    return [t for t, size in zip(terms, effect, strict=True) if size > _NOTICEABLE], True


def _edges_of(problem: Problem, k: int) -> list[Unknown]:
    """The jumps of one record that fall between samples; none where there are many (then: a delay)."""
    record = problem.predictor.records[k]
    drive = drive_of(record)
    if drive is None or not 0 < drive.jumps.size <= _MOST_EDGES:
        return []
    gaps = [sample_before(record, float(jump)) for jump in drive.jumps]
    return [edge_unknown(k, j, gap) for j, gap in enumerate(gaps) if gap > 0]


def _delays(state: FitState, plan: FitPlan) -> tuple[list[Unknown], bool]:
    """A shift of each record whose drive jumps, by a few samples at most."""
    if plan.delays == "off":
        return [], False
    return delay_terms(state.problem), plan.delays == "on"


def delay_terms(problem: Problem) -> list[Unknown]:
    """A shift of each record whose drive jumps and whose jumps have no times of their own."""
    terms = []
    for k, record in enumerate(problem.predictor.records):
        drive = drive_of(record)
        if isinstance(record, ImpedanceSpectrum) or drive is None or record.time is None:
            continue
        if free_start(record):  # its clock starts with the state that is fitted
            continue
        if (drive.jumps.size > _MOST_EDGES or not _edges_of(problem, k)) and record.points > 10:
            sample = float(np.max(np.diff(record.time)[_near_jumps(record.time, drive.jumps)], initial=0.0))
            if sample > 0:
                terms.append(delay_unknown(k, _SAMPLES_OF_DELAY * sample))
    return terms


def _near_jumps(time: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Indices of the sampling intervals that hold the edges of a drive."""
    return np.unique(np.clip(np.searchsorted(time, edges) - 1, 0, time.size - 2))
