"""Terms of the instruments, switched on where the data ask for them: L_s, gains, edges, delays, first states.

A jump of the drive happened somewhere between the last sample of the old level and the first of the new one;
where that matters against the noise, its time is fitted. Every other term is tried by its score: the fall of
chi2 that the linearised problem promises when the term is added. Only terms that promise a large fall are
fitted, and only those that keep the promise stay.

A sweep is taken for a staircase where that describes it far better: most source-measure units hold each
level, wait, and
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import ImpedanceSpectrum, IVSweep, Record
from memfit.fitting.minimum.least_squares import NEEDED, again, minimise
from memfit.fitting.minimum.linear import falls_of_chi2, marginal_root
from memfit.fitting.minimum.problem import FitState, Problem
from memfit.fitting.minimum.unknowns import (
    Unknown,
    Unknowns,
    initial_unknowns,
    physical_unknowns,
    term_unknown,
)
from memfit.fitting.plan import KINDS, WIRING, FitPlan, Term
from memfit.fitting.prediction.drives import (
    as_staircase,
    begins_anywhere,
    drive_of,
    drive_of_timed,
    free_start,
    is_ramp,
    sample_before,
)
from memfit.fitting.prediction.instrument import INITIAL, Instrument
from memfit.fitting.prediction.predict import Predictor, measured
from memfit.model import Parameters, activation, junction_voltage
from memfit.noise_estimate import correlation
from memfit.protocols import Drive

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """Numbers that steer which terms are tried, and which stay."""

    noticeable: float = 1.0
    """Squared effect, in standard deviations, of not knowing when within a sample a jump happened."""
    most_edges: int = 4
    """Jumps of a record with times of their own; where there are more, the record has a delay."""
    gain: float = 0.03
    """Standard deviation that is expected of a gain: a good instrument's calibration is known to 1 %."""
    one_source: float = 1.5
    """Weight of the promise of one gain of the drive against those of all meters together."""
    samples_of_delay: float = 3.0
    beside: float = 1e-3
    """Of a sample: distance from its bound of an edge that begins where it was."""
    equal: float = 1.0
    """Rise of chi2 up to which a search has arrived at the same place."""
    sure: float = float(np.log(20.0))
    """Logarithm of the odds that let all jumps lie on their samples."""
    far_better: float = 0.5
    """chi2 of a sweep as a staircase, relative to that as a ramp, that decides."""
    structure: float = 0.3
    """Lag-1 autocorrelation of residuals below which a ramp leaves nothing to explain."""


SETTINGS = Settings()
_INSIDE = 1e-3
"""Distance of a first value of f from 0 and 1: a search that begins on a bound moves slowly."""


def add_needed_terms(state: FitState, plan: FitPlan) -> FitState:
    """The fit with the terms of the instruments that the data ask for, the most needed kind first.

    Parameters
    ----------
    state : FitState
    plan : FitPlan
        Terms that it switches on are fitted first, and stay unless chi2 rises.
    """
    kinds, known = state.problem.kinds, set(state.unknowns.names)
    present = [kind for kind in KINDS if kind in kinds and kind != "paired_pulse"]  # a ratio has no gain
    offers: list[tuple[str, list[Unknown]]] = []
    if plan.delays != "off":
        offers.append(("on", _edges(state)))
    if plan.inductance != "off" and "impedance" in kinds:
        offers.append((plan.inductance, physical_unknowns(plan, WIRING)))
    if plan.gains != "off":
        offers.append((plan.gains, [gain_term(kind) for kind in present[1:]]))
    if plan.gains == "auto":
        offers.append(("auto", drive_gain_terms(state.problem)))
    if plan.offsets != "off":
        offers.append((plan.offsets, offset_terms(state.problem)))
    if plan.delays != "off":
        offers.append((plan.delays, delay_terms(state.problem)))
    waiting = []
    for asked, terms in offers:
        fresh = [term for term in terms if term.name not in known]
        if fresh and asked == "on":
            state = _kept_if_worth(state, fresh, forced=True)
        elif fresh:
            waiting.append(fresh)
    while waiting:
        promised = [_scores(state, terms) for terms in waiting]
        best = int(np.argmax([_weight(terms) * sum(p) for terms, p in zip(waiting, promised, strict=True)]))
        terms, promises = waiting.pop(best), promised[best]
        wanted = [t for t, fall in zip(terms, promises, strict=True) if fall > NEEDED]
        if wanted:
            state = _kept_if_worth(state, terms if terms[0].record is None else wanted, forced=False)
    return _with_needed_states(_with_staircases(state), plan)


def _weight(terms: Sequence[Unknown]) -> float:
    """What a promise counts: one source that is wrong comes before several meters that are."""
    alone = len(terms) == 1 and terms[0].term is not None and terms[0].term.kind == "drive_gain"
    return SETTINGS.one_source if alone else 1.0


def _scores(state: FitState, terms: Sequence[Unknown]) -> list[float]:
    """Fall of chi2 promised by the linearised problem when one term alone is added, for each of them.

    Before they are fitted the terms change nothing, so that one linearisation serves all.
    """
    unknowns = state.unknowns.plus(terms)
    residuals = state.problem.residuals(unknowns)
    x = unknowns.encode(state.unknowns.values(state.x))
    r, jacobian = residuals.residuals(x), residuals.jacobian(x)
    known = len(state.unknowns.free)
    return falls_of_chi2(r, jacobian[:, :known], [jacobian[:, [known + k]] for k in range(len(terms))])


def _kept_if_worth(state: FitState, terms: Sequence[Unknown], *, forced: bool) -> FitState:
    """The fit with these terms if they keep their promise, else as it was.

    Edges begin in the middle of their samples. That may throw an oscillation so far out of phase that the
    search ends elsewhere; then they begin where they were. An edge that ends on its sample stays an unknown:
    where in between it was is still not known.
    """
    unknowns = state.unknowns.plus(terms)
    extended = again(state, unknowns=unknowns)
    if extended.minimum.chi2 > state.minimum.chi2:
        edges = {t.name: SETTINGS.beside * t.lower for t in terms if t.term and t.term.kind == "edge"}
        start = unknowns.encode({**edges, **state.unknowns.values(state.x)})
        other = minimise(state.problem, unknowns, start, failures=state.failures)
        extended = min(extended, other, key=lambda end: end.minimum.chi2)
    gained = state.minimum.chi2 - extended.minimum.chi2
    if gained <= (-SETTINGS.equal if forced else NEEDED * len(terms)):
        return state
    log.info("added %s: chi2 falls by %.4g", ", ".join(t.name for t in terms), gained)
    return extended


def _edges(state: FitState) -> list[Unknown]:
    """Times of the jumps that the sampling leaves open and that the noise does not hide."""
    terms = [t for k in range(len(state.problem.kinds)) for t in _edges_of(state.problem, k)]
    if not terms:
        return []
    unknowns = state.unknowns.plus(terms)
    x = unknowns.encode(state.unknowns.values(state.x))
    _, jacobian = state.problem.residuals(unknowns).all_rows(x)
    effect = np.sum(jacobian[:, -len(terms) :] ** 2, axis=0) * np.array([t.lower for t in terms]) ** 2 / 12.0
    return [t for t, size in zip(terms, effect, strict=True) if size > SETTINGS.noticeable]


def _edges_of(problem: Problem, k: int) -> list[Unknown]:
    """The jumps of one record that fall between samples; none where there are many (then: a delay)."""
    record = problem.predictor.records[k]
    drive = drive_of(record)
    if drive is None or not 0 < drive.jumps.size <= SETTINGS.most_edges:
        return []
    gaps = [sample_before(record, float(jump)) for jump in drive.jumps]
    return [term_unknown(Term("edge", k, j), gap) for j, gap in enumerate(gaps) if gap > 0]


def gain_term(instrument: str) -> Unknown:
    """The factor of an instrument, which is expected to be near 1.

    Parameters
    ----------
    instrument : str
        Kind of data, a key of `KINDS`.
    """
    return replace(term_unknown(Term("gain", instrument=instrument)), prior=SETTINGS.gain)


def drive_gain_terms(problem: Problem) -> list[Unknown]:
    """The factor of the current that pulses applied, where spectra or sweeps say how much it should be.

    Parameters
    ----------
    problem : Problem
    """
    pulses = [record for record in problem.predictor.records if record.kind == "transient"]
    alone = len(pulses) == len(problem.kinds)
    if not pulses or alone or any(record.control != "current" for record in pulses):
        return []
    return [replace(term_unknown(Term("drive_gain", instrument="transient")), prior=SETTINGS.gain)]


def offset_terms(problem: Problem) -> list[Unknown]:
    """A constant added to the response of each sweep.

    Parameters
    ----------
    problem : Problem
    """
    sweeps = [k for k, record in enumerate(problem.predictor.records) if isinstance(record, IVSweep)]
    return [term_unknown(Term("offset", k)) for k in sweeps]


def delay_terms(problem: Problem) -> list[Unknown]:
    """A shift of each record whose drive jumps and whose jumps have no times of their own.

    By a few samples at most. The clock of a record that begins anywhere starts with the state that is fitted.

    Parameters
    ----------
    problem : Problem
    """
    terms = []
    for k, record in enumerate(problem.predictor.records):
        drive = drive_of(record)
        if (
            isinstance(record, ImpedanceSpectrum)
            or drive is None
            or record.time is None
            or free_start(record)
        ):
            continue
        own_times = drive.jumps.size <= SETTINGS.most_edges and _edges_of(problem, k)
        if own_times or record.points <= 10:
            continue
        beside = np.clip(np.searchsorted(record.time, drive.jumps) - 1, 0, record.points - 2)
        sample = float(np.max(np.diff(record.time)[np.unique(beside)], initial=0.0))
        if sample > 0:
            terms.append(term_unknown(Term("delay", k), SETTINGS.samples_of_delay * sample))
    return terms


def without_idle_terms(state: FitState, plan: FitPlan) -> FitState:
    """The fit without an inductance that ended at zero, and offsets that are none, if nobody asked for them.

    Parameters
    ----------
    state : FitState
    plan : FitPlan
    """
    offsets = [u.name for u in state.unknowns.free if u.term and u.term.kind == "offset"]
    for name in offsets if plan.offsets == "auto" else ():
        bare = again(state, unknowns=state.unknowns.without([name]))
        state = bare if bare.minimum.chi2 < state.minimum.chi2 + NEEDED else state
    idle = [name for name in WIRING if name in state.minimum.at_bound]
    if plan.inductance != "auto" or not idle:
        return state
    bare = again(state, unknowns=state.unknowns.without(idle, **dict.fromkeys(idle, 0.0)))
    return state if bare.minimum.chi2 > state.minimum.chi2 + SETTINGS.equal else bare


def with_jumps_on_samples(state: FitState) -> FitState:
    """The fit with every jump on the first sample that shows it, where that is no coincidence.

    A source that clocks the sampling jumps on samples, any other anywhere between. The odds of the first
    against the second, whose times are evenly distributed over the samples, are the ratio of the likelihoods,
    integrated over the times. An integral over the times is never more than their range: where data do not
    tell them, nothing is won.

    Parameters
    ----------
    state : FitState
    """
    edges = [u for u in state.unknowns.free if u.term and u.term.kind == "edge"]
    if not edges:
        return state
    clocked = again(state, unknowns=state.unknowns.without([edge.name for edge in edges]))
    rise = clocked.minimum.chi2 - state.minimum.chi2
    _, jacobian = state.linearised()
    wanted = [state.unknowns.names.index(edge.name) for edge in edges]
    known = np.abs(np.diag(marginal_root(jacobian, wanted)))  # inverse standard errors, one after the other
    ranges = np.array([-edge.lower for edge in edges])
    log_odds = float(np.sum(np.log(np.maximum(known * ranges / np.sqrt(2.0 * np.pi), 1.0))))
    if not log_odds - 0.5 * rise > SETTINGS.sure:
        return state
    log.info("jumps lie on samples: chi2 rises by %.4g", rise)
    return clocked


def with_initial_states(
    problem: Problem, unknowns: Unknowns, values: Mapping[str, float]
) -> tuple[Unknowns, dict[str, float]]:
    """The unknowns with the initial states of all records that begin anywhere, and first values for them.

    Those of rest or of the first drive value, whichever is nearer the data. Under current control the
    junction voltage is read off the first sample.

    Parameters
    ----------
    problem : Problem
    unknowns : Unknowns
        The physical ones.
    values : mapping
        First values of these (SI).
    """
    predictor = problem.predictor
    chosen = [k for k, record in enumerate(predictor.records) if free_start(record)]
    if not chosen:
        return unknowns, dict(values)
    p = unknowns.parameters(unknowns.encode(values))
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
    found = dict(values)
    for j, k in zip(np.argmin(misfits, axis=0), chosen, strict=True):
        found |= _named(k, states[j][k])
    return unknowns.plus(_states_of(chosen, predictor.records)), found


def _with_needed_states(state: FitState, plan: FitPlan) -> FitState:
    """The fit with the initial states among its unknowns that the data ask for.

    Each record in time is offered its own; only those stay that lower chi2 by four standard errors a term. A
    record with a delay is not: its clock would start anew.
    """
    delayed = {u.record for u in state.unknowns.free if u.term and u.term.kind == "delay"}
    wanted = [
        k
        for k, record in enumerate(state.problem.predictor.records)
        if drive_of(record) and not free_start(record) and k not in delayed and record.kind != "paired_pulse"
    ]
    if plan.initial_states == "off" or not wanted:
        return state
    if plan.initial_states == "auto":  # those from which the linearised problem gains enough, each by itself
        problem, unknowns, x = _freed(state, wanted)
        residuals, known = problem.residuals(unknowns), len(state.unknowns.free)
        r, jacobian = residuals.residuals(x), residuals.jacobian(x)
        own = [[j for j, u in enumerate(unknowns.free) if j >= known and u.record == k] for k in wanted]
        falls = falls_of_chi2(r, jacobian[:, :known], [jacobian[:, columns] for columns in own])
        enough = [fall > NEEDED * len(columns) for fall, columns in zip(falls, own, strict=True)]
        wanted = [k for k, needed in zip(wanted, enough, strict=True) if needed]
        if not wanted:
            return state
    problem, unknowns, x = _freed(state, wanted)
    freed = minimise(problem, unknowns, x, failures=state.failures)
    gained = state.minimum.chi2 - freed.minimum.chi2
    if plan.initial_states == "auto" and gained <= NEEDED * (len(unknowns.free) - len(state.unknowns.free)):
        return state
    log.info("initial states of %d records added: chi2 falls by %.4g", len(wanted), gained)
    return freed


def _freed(state: FitState, chosen: Sequence[int]) -> tuple[Problem, Unknowns, FloatArray]:
    """Problem, unknowns and start (m,) of the same fit with the initial states of some records unknown."""
    predictor = state.problem.predictor
    records = tuple(begins_anywhere(r) if k in chosen else r for k, r in enumerate(predictor.records))
    unknowns = state.unknowns.plus(_states_of(chosen, records))
    values = dict(state.unknowns.values(state.x))
    for k in chosen:
        drive = drive_of_timed(predictor.records[k])
        before = 0.0 if drive.initial == "rest" else float(drive.value[0])
        values |= _named(k, _steady(state.parameters, drive, before))
    problem = replace(state.problem, predictor=Predictor(records, predictor.tolerance))
    return problem, unknowns, unknowns.encode(values)


def _states_of(chosen: Sequence[int], records: Sequence[Record]) -> list[Unknown]:
    """Unknowns of the initial states of some records."""
    return [term for k in chosen for term in initial_unknowns(k, drive_of_timed(records[k]).control)]


def _steady(p: Parameters, drive: Drive, value: float) -> FloatArray:
    """(3,) u, i_c, f of the steady state under a drive of this value."""
    u = float(junction_voltage(p, drive.control, np.array([value]))[0])
    f = float(activation(p, u))
    return np.array([u, p.i_c0 * f, f])


def _named(k: int, state: FloatArray) -> dict[str, float]:
    """Names and first values of an initial state (3,)."""
    u, i_c, f = (float(value) for value in state)
    values = (u, i_c, min(max(f, _INSIDE), 1.0 - _INSIDE))
    return {Term(kind, k).name: value for kind, value in zip(INITIAL, values, strict=True)}


def _with_staircases(state: FitState) -> FitState:
    """The fit with those sweeps as staircases that are described far better so."""
    problem, predictor = state.problem, state.problem.predictor
    ramps = [k for k, record in enumerate(predictor.records) if is_ramp(record)]
    if not ramps:
        return state
    record_of_row, (r, _) = problem.record_of_row, state.linearised()
    follow = [correlation(r[record_of_row == k], two_parts=False)[0] for k in ramps]
    if not any(rho > SETTINGS.structure for rho in follow):
        return state
    stepped = tuple(as_staircase(record) for record in predictor.records)
    chi2 = []
    for either in (predictor, Predictor(stepped, predictor.tolerance)):
        values = either(state.parameters, state.unknowns.instrument(state.x)).values
        scaled = np.where(problem.keep, (values - predictor.data()) / problem.sigma, 0.0)
        squares = np.where(np.isfinite(scaled), scaled, 1e6) ** 2
        chi2.append([float(np.sum(squares[here])) for here in predictor.slices])
    as_ramps, as_steps = chi2
    better = [k for k in ramps if as_steps[k] < SETTINGS.far_better * as_ramps[k]]
    if not better:
        return state
    records = tuple(stepped[k] if k in better else r for k, r in enumerate(predictor.records))
    problem = replace(problem, predictor=Predictor(records, predictor.tolerance))
    with_steps = minimise(problem, state.unknowns, state.x, near=False, failures=state.failures)
    gained = state.minimum.chi2 - with_steps.minimum.chi2
    if gained <= 0.0:
        return state
    log.info("%d sweeps are staircases: chi2 falls by %.4g", len(better), gained)
    return with_steps


def driven_alike(problem: Problem, other: Problem) -> Problem:
    """The problem with its drives read as in another one, of the same records or of samples of them.

    Parameters
    ----------
    problem, other : Problem
    """
    own, records = problem.predictor, []
    for record, like in zip(own.records, other.predictor.records, strict=True):
        alike = as_staircase(record) if is_ramp(record) and not is_ramp(like) else record
        records.append(begins_anywhere(alike) if free_start(like) and not free_start(alike) else alike)
    if all(new is old for new, old in zip(records, own.records, strict=True)):
        return problem
    return replace(problem, predictor=Predictor(records, own.tolerance))
