"""From first values to the global minimum: polish in closed form, then fit everything from several starts.

Spectra and the slowest sweep, as a steady curve, have a closed form, by which first values are polished. Then
all records are fitted from the most promising ones, and from random ones around them where nothing describes
the data.
"""

import itertools
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets import ImpedanceSpectrum, IVSweep, PulseTransient, Record
from memfit.fitting.instrument_terms import add_needed_terms, with_initial_states
from memfit.fitting.minimum.effort import SETTINGS as EFFORT
from memfit.fitting.minimum.effort import Effort
from memfit.fitting.minimum.least_squares import minimise
from memfit.fitting.minimum.problem import FitState, Problem
from memfit.fitting.minimum.unknowns import Unknowns, physical_unknowns, term_unknown
from memfit.fitting.plan import CORE, FitPlan, Term, unit_of_length
from memfit.fitting.prediction.predict import Predictor, measured, modulus
from memfit.fitting.starts.part_starts import with_parts
from memfit.fitting.starts.starting_values import StartingValues, distinct, guess, swapped
from memfit.fitting.starts.steady_start import slowest_sweep, zero_errors
from memfit.fitting.ties import Ties
from memfit.model import LEFT_OUT, NAMES, PARAMETERS, Parameters
from memfit.noise_estimate import NoiseLevel
from memfit.progress import told

log = logging.getLogger(__name__)

_MEDIAN_SQUARE = 0.4549
"""Median of the square of a standard normal variable."""


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the search."""

    polish_noise: float = 0.03
    """Relative noise assumed while polishing: more than any instrument's, so that no record rules the
    others."""
    polishing: int = 25
    """Evaluations of one polish, at most: where the spectra are described it ends after ten."""
    polished: int = 6
    """Distinct sets of first values after polishing."""
    starts: int = 3
    """Of them tried in any case."""
    extra_starts: int = 10
    """Random ones, where the first ones do not describe the data."""
    rival: float = 4.0
    """Sets worse than the best by this factor after polishing wait until all else fails."""
    good: float = 4.0
    """Typical misfit, against the noise seen without a model, below which no further starts are tried."""
    spread: float = 0.7
    """Standard deviation, in units of length, of additional starts around the best ones."""
    same: float = 0.05
    """Difference of every unknown below which two minima are one."""
    hopeless: float = 10.0
    """Ratio of chi2 to that of the best start beyond which no term of the instruments is tried."""
    equal: float = 1e-4
    """Relative difference of chi2 below which two starts ended at one minimum, where terms were tried
    before."""
    windows: tuple[float, ...] = (0.08, 0.3)
    """Parts of the records in time that are fitted first where no spectrum holds the phase of an
    oscillation."""
    window_tolerance: float = 1e-3
    rough: float = 1e-5
    """Tolerance while starts still compete ..."""
    most: int = 200
    """... and evaluations from each, at most."""
    missed: float = 10.0
    """Standard deviations by which a sample on an edge is missed, where the model jumps too early or late,"""
    met: float = 5.0
    """and by which it may be off once it is met."""
    edge_starts: int = 8
    """Starts from where such samples are left out, ..."""
    edge_most: int = 40
    """... and evaluations from each, at most."""


SETTINGS = Settings()


def find_minima(
    problem: Problem, plan: FitPlan, names: Sequence[str], *, patient: bool = True, terms: bool = True
) -> tuple[list[FitState], StartingValues]:
    """Distinct minima of the joint fit, the best first, and the first values that led to the best.

    Parameters
    ----------
    problem : Problem
    plan : FitPlan
    names : sequence of str
        Physical parameters of the model that may be free.
    patient : bool
        Whether random starts are tried where no other describes the data.
    terms : bool
        Whether terms of the instruments are tried, for every start anew.
    """
    known = {**{time: 0.0 for time in LEFT_OUT.values() if time not in names}, **plan.fix}
    usual = {name: PARAMETERS[name].typical for name in plan.asked if not PARAMETERS[name].extension}

    def first_values(zeros: Mapping[int, float]) -> list[StartingValues]:
        """Polished first values, those of sweeps with these offsets."""
        records = [
            replace(record, current=record.current - zeros[k])
            if isinstance(record, IVSweep) and k in zeros
            else record
            for k, record in enumerate(problem.predictor.records)
        ]
        starts = []
        told("first values", 0, SETTINGS.polished)
        for start in guess(records, known):
            reasons = {**start.reasons, **dict.fromkeys(plan.start, "given")}
            values = with_parts({**usual, **start.values, **plan.start}, plan.asked)
            starts.append(StartingValues(values, start.misfit, reasons))
        return polish(records, plan, names, starts, problem.effort)

    effort = problem.effort.part(EFFORT.search)
    search = replace(problem, robust=True, effort=effort)
    minima: list[tuple[FitState, StartingValues]] = []
    bare: list[float] = []
    """chi2 of what was found before terms of the instruments came."""

    def attempt(start: StartingValues, zeros: Mapping[int, float] | None = None) -> bool:
        """Fit from one start, terms of the instruments included; True when nothing is left to explain."""
        state = _on_edges(_fit_everything(search, plan, names, start, zeros), plan.seed)
        misfits = enumerate(_typical_misfits(state))
        state = in_phase(state, [k for k, misfit in misfits if misfit > SETTINGS.good])
        chi2 = state.minimum.chi2
        known = any(abs(chi2 - other) < SETTINGS.equal * chi2 for other in bare)
        bare.append(chi2)
        hopeless = chi2 > SETTINGS.hopeless * min(bare)
        tried = terms and not (known or hopeless)
        if tried and _typical_misfit(state) > SETTINGS.good and state.resembles_data():
            state = add_needed_terms(state, plan)
        minima.append((state, start))
        misfit = _typical_misfit(state)
        log.info("start %d: misfit of the worst record %.4g", len(minima), misfit)
        told("fits from first values", len(minima), max(len(minima), len(first)))
        return misfit < SETTINGS.good

    def first_of(polished: Sequence[StartingValues]) -> list[StartingValues]:
        """The most promising."""
        return [s for s in polished[: SETTINGS.starts] if s.misfit <= SETTINGS.rival * polished[0].misfit]

    def all_of(starts: Iterable[StartingValues], zeros: Mapping[int, float] | None = None) -> bool:
        """Fit from all of them, while there is effort left; True when one explains everything."""
        found = False
        for start in starts:
            if not minima or not effort.over:
                found = attempt(start, zeros) or found
        return found

    records = problem.predictor.records
    first: list[StartingValues] = []
    plain = {} if plan.offsets == "off" else zero_errors(records, alike=True)
    good = False
    if plain:  # without them a search may spend itself on what no device does
        first = first_of(first_values(plain))
        good = all_of(first, plain)
    polished = first
    if not good and not (minima and effort.over):
        polished = first_values({})
        first = first_of(polished)
        told("fits from first values", 0, len(first))
        good = all_of(first)
        zeros = {} if good or plan.offsets == "off" else zero_errors(records)
        if zeros and zeros != plain and not effort.over:
            good = all_of(first_of(first_values(zeros)), zeros)
    if not good and patient:
        best = min(minima, key=lambda item: item[0].minimum.chi2)
        more = _more_starts(best, polished, len(first), names, plan.seed)
        any(attempt(start) for start in itertools.takewhile(lambda _: not effort.over, more))
    minima.sort(key=lambda item: item[0].minimum.chi2)
    kept: list[FitState] = []
    for state, _ in minima:
        pairs = zip(state.unknowns.names, state.x, strict=True)
        here = {name: value for name, value in pairs if name in NAMES}
        others = [dict(zip(other.unknowns.names, other.x, strict=True)) for other in kept]
        if all(any(abs(v - o.get(n, np.inf)) > SETTINGS.same for n, v in here.items()) for o in others):
            kept.append(state)
    return kept, minima[0][1]


def _on_edges(state: FitState, seed: int) -> FitState:
    """The fit begun anew where all is described but samples on steep edges, which jump too early or too late.

    Beyond an edge the misfit of a sample no longer says which way to go, and the search ends. What is left
    without those samples allows a range of places: from some of these the edges are met.
    """
    if not _missed_edges(state, SETTINGS.missed).any() or not describes(state):
        return state
    missed = _missed_edges(state, SETTINGS.met)
    generator, best, keep = np.random.default_rng(seed), state, state.problem.keep.copy()
    keep[np.flatnonzero(keep)[missed]] = False
    rest = minimise(
        replace(state.problem, keep=keep), state.unknowns, state.x, near=False, tolerance=SETTINGS.rough
    )
    _, spread, axes = np.linalg.svd(rest.linearised()[1], full_matrices=False)
    errors = axes.T / np.maximum(spread, 1e-6 * spread[0])
    low, high = np.array([unknown.inner_bounds for unknown in state.unknowns.free]).T
    for k in range(SETTINGS.edge_starts):
        shift = errors @ generator.standard_normal(spread.size) if k > 0 else 0.0
        begun = np.clip(rest.x + shift, low, high)
        other = minimise(
            state.problem,
            state.unknowns,
            begun,
            near=False,
            tolerance=SETTINGS.rough,
            most=SETTINGS.edge_most,
        )
        best = other if other.minimum.chi2 < best.minimum.chi2 else best
        if state.problem.effort.over or not _missed_edges(best, SETTINGS.met).any():
            break
    return best


def _missed_edges(state: FitState, far: float) -> BoolArray:
    """(k,) samples in time, of those kept, that are so far off although the model is there a sample off."""
    problem, model = state.problem, state.model_values()
    data, missed = problem.predictor.data(), np.zeros(problem.keep.size, dtype=bool)
    for record, here in zip(problem.predictor.records, problem.predictor.slices, strict=True):
        if isinstance(record, ImpedanceSpectrum):
            continue
        y, m, sigma = data[here], model[here], problem.sigma[here]
        near = np.stack([np.r_[m[0], m[:-1]], m, np.r_[m[1:], m[-1]]])
        between = (y >= near.min(axis=0) - sigma) & (y <= near.max(axis=0) + sigma)
        missed[here] = between & (np.abs(y - m) > far * sigma)
    return missed[problem.keep]


def in_phase(state: FitState, missed: Collection[int]) -> FitState:
    """The fit begun anew from the beginnings of the transients, where those alone are missed.

    The frequency that spectra tell lets an oscillation come a period too early or late in the end, and from
    there no small step leads to the right one.

    Parameters
    ----------
    state : FitState
    missed : collection of int
        Numbers of the records that are not described.
    """
    kinds = state.problem.kinds
    if {kinds[k] for k in missed} != {"transient"} or "impedance" not in kinds:
        return state
    x = _begun_at_jumps(state.problem, state.unknowns, state.x)
    other = minimise(state.problem, state.unknowns, x, near=False, tolerance=SETTINGS.rough)
    return other if other.minimum.chi2 < state.minimum.chi2 else state


def describes(state: FitState) -> bool:
    """Whether a place that was found leaves little to explain.

    Parameters
    ----------
    state : FitState
        With the noise that is seen without the model.
    """
    return _typical_misfit(state) < SETTINGS.good


def _typical_misfit(state: FitState) -> float:
    """That of the worst record."""
    return max(_typical_misfits(state))


def _typical_misfits(state: FitState) -> list[float]:
    """Median squared residual of every record, 1 for normal noise: blind to outliers only."""
    r, _ = state.linearised()
    record = state.problem.record_of_row
    return [float(np.median(r[record == k] ** 2)) / _MEDIAN_SQUARE for k in np.unique(record)]


def polish(
    records: Sequence[Record],
    plan: FitPlan,
    names: Sequence[str],
    starts: Sequence[StartingValues],
    effort: Effort | None = None,
) -> list[StartingValues]:
    """Fit what has a closed form: the spectra, and the slowest sweep as a steady curve.

    Parameters
    ----------
    records : sequence of Record
    plan : FitPlan
    names : sequence of str
        Physical parameters that may be free.
    starts : sequence of StartingValues
    effort : Effort, optional
        Of which this is a part.
    """
    closed: list[Record] = [r for r in records if isinstance(r, ImpedanceSpectrum)]
    if not closed:
        return list(starts)
    noise = [NoiseLevel(SETTINGS.polish_noise, 0.0)] * len(closed)
    if (slowest := slowest_sweep(records)) is not None:
        thin = slowest.select(np.arange(slowest.points) % max(1, slowest.points // 100) == 0)
        closed.append(replace(thin, time=None, drive=None))
        noise.append(NoiseLevel(2 * SETTINGS.polish_noise, 0.0))
    predictor = Predictor(closed)
    sizes = [modulus(r, measured(r)) for r in closed]
    sigma = [level.sigma(size + 1e-3 * float(np.max(size))) for level, size in zip(noise, sizes, strict=True)]
    every = np.ones(predictor.size, dtype=bool)
    counted = effort or Effort(predictor.size)
    problem = Problem(predictor, tuple(noise), np.concatenate(sigma), every, True, plan.engine, counted)
    both = set(LEFT_OUT.values()) <= set(names)
    swaps = [StartingValues(swapped(s.values), s.misfit, s.reasons) for s in starts[:2] if both]
    results: list[StartingValues] = []
    for start in [*starts, *swaps]:
        told("first values", len(results), len(starts) + len(swaps))
        if results and counted.stopped:
            break
        state = _fit_everything(problem, plan, names, start, most=SETTINGS.polishing)
        values = {**start.values, **state.unknowns.values(state.x)}
        results.append(StartingValues(values, state.minimum.chi2, start.reasons))
    results.sort(key=lambda result: result.misfit)
    return distinct(results, SETTINGS.polished)


def physical_start(
    plan: FitPlan, names: Sequence[str], values: Mapping[str, float], kinds: Sequence[str]
) -> Unknowns:
    """Unknowns of the physical model on top of a set of values.

    Parameters
    ----------
    plan : FitPlan
    names : sequence of str
        Physical parameters that may be free.
    values : mapping
        SI, of all that have to have a value.
    kinds : sequence of str
        Kind of each record.
    """
    base = {name: value for name, value in values.items() if name in NAMES}
    free = physical_unknowns(plan, names)
    within = {u.name: u.outer(u.inner(base[u.name])) for u in free if u.name in base}
    known, ties = {**base, **within, **plan.fix}, Ties(plan.ties)
    if tied := [name for name in plan.ties if name in known]:  # a first value of its own counts for nothing
        following = ties.values(Parameters(**known))
        known |= {name: following[name][0] for name in tied}
    return Unknowns(free, Parameters.from_mapping(known), kinds, ties)


def _fit_everything(
    problem: Problem,
    plan: FitPlan,
    names: Sequence[str],
    start: StartingValues,
    zeros: Mapping[int, float] | None = None,
    *,
    most: int = SETTINGS.most,
) -> FitState:
    """Least squares on a problem from one set of first values, offsets of some sweeps among them.

    Where no spectrum holds the phase of an oscillation, the first part of each transient after its first jump
    comes first.
    """
    unknowns = physical_start(plan, names, start.values, problem.kinds)
    unknowns, values = with_initial_states(problem, unknowns, start.values)
    offsets = {Term("offset", k): value for k, value in (zeros or {}).items()}
    unknowns = unknowns.plus([replace(term_unknown(term), start=value) for term, value in offsets.items()])
    x = unknowns.encode(values)
    if "impedance" not in problem.kinds:
        x = _begun_at_jumps(problem, unknowns, x)
    return minimise(problem, unknowns, x, near=False, tolerance=SETTINGS.rough, most=most)


def _begun_at_jumps(problem: Problem, unknowns: Unknowns, x: FloatArray) -> FloatArray:
    """Unknowns by what comes soon after the jumps of the drives, where the phase is known, then by more."""
    for share in SETTINGS.windows:
        keep = problem.keep.copy()
        for record, here in zip(problem.predictor.records, problem.predictor.slices, strict=True):
            if isinstance(record, PulseTransient):
                drive = record.drive.time
                jumps = drive[:-1][np.diff(drive) == 0]
                began = jumps[0] if jumps.size else record.time[0]
                keep[here] &= record.time <= began + share * (record.time[-1] - began)
        part = replace(problem, keep=keep)
        x = minimise(part, unknowns, x, near=False, tolerance=SETTINGS.window_tolerance).x
    return x


def _more_starts(
    best: tuple[FitState, StartingValues],
    polished: Sequence[StartingValues],
    tried: int,
    names: Sequence[str],
    seed: int,
) -> Iterator[StartingValues]:
    """The remaining first values, then random ones around the best fit and the best of them."""
    yield from polished[tried:]
    generator = np.random.default_rng(seed)
    state, start = best
    lowest = StartingValues({**start.values, **state.unknowns.values(state.x)}, 0.0, start.reasons)
    sources = [lowest, *polished]
    for k in range(SETTINGS.extra_starts):
        source = sources[k % len(sources)]
        values = dict(source.values)
        for name in (name for name in names if name in CORE):
            length = unit_of_length(name, values["V_m"])
            shift = SETTINGS.spread * length * generator.standard_normal()
            if PARAMETERS[name].logarithmic:
                values[name] *= float(np.exp(shift))
            else:
                values[name] += shift
        reasons = dict.fromkeys(source.reasons, "drawn around the best fit so far")
        yield StartingValues(values, source.misfit, reasons)
