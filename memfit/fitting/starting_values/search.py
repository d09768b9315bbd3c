"""From first values to the global minimum: polish in closed form, then fit everything from several starts.

First values from the data alone, each with its reason.

The steady state gives V_T, V_m, R_b and i_c0; the spectra, or else the records in time, give the rest.
Pulses alone show too little of the steady state for that.

Long transients with fewer samples, for the search: the minimum is found on thousands, settled on all.

The noise of every point stays that of the whole record.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from memfit.arrays import BoolArray
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, PulseTransient, Record
from memfit.fitting.initial_state import with_initial_states
from memfit.fitting.instrument_terms import add_needed_terms
from memfit.fitting.noise import Noise
from memfit.fitting.plan import FitPlan
from memfit.fitting.predict import Predictor, measured, modulus
from memfit.fitting.problem import FitState, Problem, solve
from memfit.fitting.starting_values.closed_form import (
    Candidate,
    SteadyCurve,
    candidates_from_spectra,
    distinct,
    rough_curve,
    series_resistances,
    steady_curves,
    steady_rows,
    swapped,
)
from memfit.fitting.starting_values.transients import candidates_from_pulses, candidates_from_time
from memfit.fitting.unknowns import Unknowns, physical_unknowns
from memfit.model.parameters import NAMES, Parameters


def guess(records: Sequence[Record], fix: Mapping[str, float], count: int = 12) -> list[Candidate]:
    """Distinct first values for a joint fit, the most promising first.

    Parameters
    ----------
    records : sequence of Record
    fix : mapping
        Parameters that are known (SI).
    count : int
        How many candidates at most.
    """
    if all(isinstance(r, PulseTransient) for r in records) and (
        drawn := candidates_from_pulses(records, fix)
    ):
        return drawn[:count]
    spectra = [r for r in records if isinstance(r, ImpedanceSpectrum)]
    steady = [
        (curve, fix.get("R_s", series.value), series.reason)
        for series in series_resistances(records)
        for curve in _fixed_curves(_curves(records, fix.get("R_s", series.value)), fix)
    ]
    found = (
        [candidates_from_spectra(spectra, curve, R_s, fix) for curve, R_s, _ in steady]
        if spectra
        else candidates_from_time(records, [(curve, R_s) for curve, R_s, _ in steady], fix)
    )
    candidates = [
        Candidate({**c.values, **fix}, c.misfit, {**c.reasons, "R_s": reason, **dict.fromkeys(fix, "fixed")})
        for (_, _, reason), some in zip(steady, found, strict=True)
        for c in some
    ]
    candidates.sort(key=lambda c: c.misfit)
    return distinct(candidates, count)


def _curves(records: Sequence[Record], R_s: float) -> Sequence[SteadyCurve]:
    """Steady curves that the records show, or a rough one."""
    return steady_curves(steady_rows(records, R_s)) or [rough_curve(records)]


def _fixed_curves(curves: Sequence[SteadyCurve], fix: Mapping[str, float]) -> list[SteadyCurve]:
    """The same curves with known values put in."""
    return [
        SteadyCurve(
            fix.get("V_T", c.V_T),
            fix.get("V_m", c.V_m),
            fix.get("R_b", c.R_b),
            fix.get("i_c0", c.i_c0),
            c.misfit,
            c.source,
        )
        for c in curves
    ]


_LONG, _KEPT = 6000, 2500
"""Samples beyond which a record is long, and how many of them are kept, evenly spaced."""
_JUMPS, _AFTER, _BESIDE = 40, 120, 8
"""Jumps looked after, samples kept after each of them (ever wider apart), and all those next to it."""


def thinned(problem: Problem) -> Problem:
    """The same problem with the telling samples of its long transients."""
    predictor = problem.predictor
    masks = [_telling(record) for record in predictor.records]
    if all(mask.all() for mask in masks):
        return problem
    chosen = np.concatenate(
        [np.tile(m, 2) if r.kind == "impedance" else m for r, m in zip(predictor.records, masks, strict=True)]
    )
    records = [
        r if m.all() else r.select(m, "thinned for the search")
        for r, m in zip(predictor.records, masks, strict=True)
    ]
    return replace(
        problem,
        predictor=Predictor(records, predictor.tolerance),
        sigma=problem.sigma[chosen],
        keep=problem.keep[chosen],
    )


def _telling(record: Record) -> np.ndarray:
    """(n,) bool, the samples to keep."""
    n = record.points
    if n <= _LONG or not isinstance(record, PulseTransient):  # the samples of a sweep may be its drive
        return np.ones(n, dtype=bool)
    mask = np.zeros(n, dtype=bool)
    mask[np.linspace(0, n - 1, _KEPT).astype(int)] = True
    for jump in record.drive.jumps[:_JUMPS]:
        first = int(np.searchsorted(record.time, jump))
        mask[max(first - _BESIDE, 0) : first + _BESIDE] = True
        if first < n:
            mask[first + np.geomspace(1, n - first, _AFTER).astype(int) - 1] = True
    return mask


log = logging.getLogger(__name__)

_POLISH_NOISE = 0.03
"""Relative noise assumed while polishing: more than any instrument's, so that no record rules the others."""
_CANDIDATES, _STARTS, _EXTRA_STARTS = 6, 3, 10
_RIVAL = 4.0
"""Candidates worse than the best by this factor after polishing wait until all else fails."""
_GOOD = 4.0
"""Typical misfit, against the noise seen without a model, below which no further starts are tried."""
_SPREAD = 0.7
"""Standard deviation, in the logarithm, of additional starts around the best ones."""
_SAME = 0.05
"""Difference of every unknown below which two minima are one."""
_HOPELESS = 10.0
"""Ratio of chi2 to that of the best start beyond which no term of the instruments is tried."""
_EQUAL = 1e-4
"""Relative difference of chi2 below which two starts ended at one minimum, where terms were tried before."""
_WINDOWS = (0.08, 0.3)
"""Parts of the records in time that are fitted first where no spectrum holds the phase of an oscillation."""
_ROUGH = 1e-5
"""Tolerance while starts still compete."""


def find_minima(problem: Problem, plan: FitPlan, names: Sequence[str]) -> tuple[list[FitState], Candidate]:
    """Distinct minima of the joint fit, the best first, and the first values that led to the best.

    Parameters
    ----------
    problem : Problem
    plan : FitPlan
    names : sequence of str
        Physical parameters of the model that may be free.
    """
    records = problem.predictor.records
    known = {**{time: 0.0 for time in ("tau_d", "tau_k") if time not in names}, **plan.fix}
    candidates = [replace_start(c, plan.start) for c in guess(records, known)]
    polished = polish(records, plan, names, candidates)
    search = thinned(replace(problem, robust=True))
    found: list[tuple[FitState, Candidate]] = []
    bare: list[FitState] = []

    def attempt(candidate: Candidate) -> bool:
        """Fit from one start, terms of the instruments included; True when nothing is left to explain."""
        state = _fit_everything(search, plan, names, candidate)
        bare.append(state)
        if state.typical_misfit() > _GOOD and _worth_terms(bare):
            state = add_needed_terms(state, plan)
        found.append((state, candidate))
        log.info("start %d: misfit of the worst record %.4g", len(found), state.typical_misfit())
        return state.typical_misfit() < _GOOD

    tried = list(_in_turn(polished))
    good = [attempt(candidate) for candidate in tried]
    if not any(good):
        best = min(found, key=lambda item: item[0].minimum.chi2)
        any(attempt(c) for c in _more_starts(best, polished, len(tried), names, plan.seed))
    found.sort(key=lambda item: item[0].minimum.chi2)
    return _distinct_minima([state for state, _ in found]), found[0][1]


def _worth_terms(bare: Sequence[FitState]) -> bool:
    """Whether the last of some minima without terms of the instruments may win with them and is new."""
    state, chi2 = bare[-1], bare[-1].minimum.chi2
    hopeless = chi2 > _HOPELESS * min(other.minimum.chi2 for other in bare)
    known = any(abs(chi2 - other.minimum.chi2) < _EQUAL * chi2 for other in bare[:-1])
    return not hopeless and not known and state.resembles_data()


def replace_start(candidate: Candidate, start: Mapping[str, float]) -> Candidate:
    """The candidate with the values that the user gave."""
    reasons = {**candidate.reasons, **dict.fromkeys(start, "given")}
    return Candidate({**candidate.values, **start}, candidate.misfit, reasons)


def polish(
    records: Sequence[Record], plan: FitPlan, names: Sequence[str], candidates: Sequence[Candidate]
) -> list[Candidate]:
    """Fit what has a closed form: the spectra, and the slowest sweep as a steady curve."""
    closed: list[Record] = [r for r in records if isinstance(r, ImpedanceSpectrum)]
    if not closed:
        return list(candidates)
    sweeps = [r for r in records if isinstance(r, IVSweep)]
    if sweeps:
        slowest = max(sweeps, key=lambda r: np.inf if r.time is None else float(r.time[-1] - r.time[0]))
        step = max(1, slowest.points // 100)
        thin = slowest.select(np.arange(slowest.points) % step == 0)
        closed.append(replace(thin, time=None, drive=None))
    predictor = Predictor(closed)
    noise = [Noise(_POLISH_NOISE, 0.0)] * len(spectra_of(closed)) + [Noise(2 * _POLISH_NOISE, 0.0)]
    sigma = np.concatenate(
        [
            n.sigma(modulus(r, measured(r)) + 1e-3 * float(np.max(modulus(r, measured(r)))))
            for n, r in zip(noise, closed, strict=False)
        ]
    )
    problem = Problem(predictor, tuple(noise), sigma, np.ones(predictor.size, dtype=bool), robust=True)
    both = {"tau_d", "tau_k"} <= set(names)
    swaps = [Candidate(swapped(c.values), c.misfit, c.reasons) for c in candidates[:2] if both]
    results = []
    for candidate in [*candidates, *swaps]:
        state = _fit_everything(problem, plan, names, candidate)
        values = {**candidate.values, **state.unknowns.values(state.x)}
        results.append(Candidate(values, state.minimum.chi2, candidate.reasons))
    results.sort(key=lambda c: c.misfit)
    return distinct(results, _CANDIDATES)


def spectra_of(records: Sequence[Record]) -> list[ImpedanceSpectrum]:
    """The spectra among the records."""
    return [r for r in records if isinstance(r, ImpedanceSpectrum)]


def physical_start(
    plan: FitPlan, names: Sequence[str], values: Mapping[str, float], kinds: Sequence[str]
) -> Unknowns:
    """Unknowns of the physical model on top of a set of values."""
    base = {name: value for name, value in values.items() if name in NAMES}
    return Unknowns(physical_unknowns(plan, names), Parameters.from_mapping({**base, **plan.fix}), kinds)


def _fit_everything(problem: Problem, plan: FitPlan, names: Sequence[str], candidate: Candidate) -> FitState:
    """Least squares on a problem from one candidate."""
    unknowns = physical_start(plan, names, candidate.values, problem.kinds)
    unknowns, values = with_initial_states(problem, unknowns, candidate.values)
    x = unknowns.encode(values)
    if not spectra_of(problem.predictor.records):
        for share in _WINDOWS:
            x = solve(replace(problem, keep=_window(problem, share)), unknowns, x, tolerance=1e-3).x
    return solve(problem, unknowns, x, tolerance=_ROUGH)


def _window(problem: Problem, share: float) -> BoolArray:
    """(n,) the points kept that lie in the first part of each transient after its first jump."""
    keep = problem.keep.copy()
    for record, here in zip(problem.predictor.records, problem.predictor.slices, strict=True):
        if isinstance(record, PulseTransient):
            drive = record.drive.time
            jumps = drive[:-1][np.diff(drive) == 0]
            start = jumps[0] if jumps.size else record.time[0]
            keep[here] &= record.time <= start + share * (record.time[-1] - start)
    return keep


def _in_turn(polished: Sequence[Candidate]) -> Iterator[Candidate]:
    """The candidates that the closed forms cannot tell from the best."""
    for candidate in polished[:_STARTS]:
        if candidate.misfit <= _RIVAL * polished[0].misfit:
            yield candidate


def _more_starts(
    best: tuple[FitState, Candidate],
    polished: Sequence[Candidate],
    tried: int,
    names: Sequence[str],
    seed: int,
) -> Iterator[Candidate]:
    """The remaining candidates, then random ones around the best fit and the best candidates."""
    yield from polished[tried:]
    generator = np.random.default_rng(seed)
    state, candidate = best
    sources = [
        Candidate({**candidate.values, **state.unknowns.values(state.x)}, 0.0, candidate.reasons),
        *polished,
    ]
    for k in range(_EXTRA_STARTS):
        source = sources[k % len(sources)]
        values = dict(source.values)
        for name in names:
            if name == "V_T":
                values[name] += _SPREAD * values["V_m"] * generator.standard_normal()
            elif name not in ("R_s", "L_s"):
                values[name] *= float(np.exp(_SPREAD * generator.standard_normal()))
        reasons = dict.fromkeys(source.reasons, "drawn around the best fit so far")
        yield Candidate(values, source.misfit, reasons)


def _distinct_minima(states: Sequence[FitState]) -> list[FitState]:
    """Minima whose physical parameters differ by more than the tolerance of the search."""
    kept: list[FitState] = []
    for state in states:
        here = dict(zip(state.unknowns.names, state.x, strict=True))
        others = [dict(zip(o.unknowns.names, o.x, strict=True)) for o in kept]
        if all(any(abs(here[n] - o.get(n, np.inf)) > _SAME for n in here if n in NAMES) for o in others):
            kept.append(state)
    return kept
