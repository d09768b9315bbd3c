"""First values where all that is known of the steady state is a few plateaus of pulses: everything is drawn.

A few plateaus, perhaps of an oscillation, leave V_T, V_m, R_b and i_c0 open; whoever solves for them gets
values of any size. So the steady state is drawn together with the times, on the scale that the largest
plateau sets: R_b is not below the largest ratio of voltage to current, for the channel only adds to the
current, and i_c0 is what the largest current leaves to the channel.

First values of tau_m, tau_d and tau_k from records in time, given the steady state: simulate many.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np
from scipy.special import expit

from memfit.arrays import FloatArray
from memfit.datasets.records import IVSweep, PulseTransient, Record
from memfit.fitting.predict import free_start
from memfit.fitting.starting_values.closed_form import Candidate, SteadyCurve, SteadyRows, distinct, plateaus
from memfit.model.parameters import Parameters
from memfit.model.transient import DriveSet

_TRIALS = 1024
_TOLERANCE = 1e-4
"""Of the integrator: a scan needs the shape."""
_SAMPLES = 160
"""Samples kept of each record."""
_KEPT = 8
_FEW, _BEST_STATES = 128, 3
"""Times tried with every steady state, and how many of the best steady states see all times."""
_MOST_VERTICES = 80
"""Of a drive: what follows, in a long train of pulses, is left out of the scan."""


@dataclass(frozen=True)
class Scan:
    """Records in time, thinned, and the time constants to try on them."""

    runs: DriveSet
    data: FloatArray
    weight: FloatArray
    """(n,) one over the span of each record."""
    times: FloatArray
    """(t, 3) tau_m, tau_d, tau_k, s; every beginning of the list covers their ranges evenly."""

    def misfit(self, values: Mapping[str, float]) -> float:
        """Mean squared distance from the data, in spans of each record; not finite where none comes out."""
        response = self.runs.respond(Parameters.from_mapping(values), tolerance=_TOLERANCE).values
        return float(np.sum(np.minimum(np.abs((response - self.data) * self.weight), 1.0) ** 2))


def candidates_from_time(
    records: Sequence[Record], steady: Sequence[tuple[SteadyCurve, float]], fix: Mapping[str, float]
) -> list[list[Candidate]]:
    """Candidates for each steady state (a curve and a series resistance, ohm), most promising first.

    What was measured in time is simulated for a coarse set of tau_m, tau_d, tau_k: a few of them with every
    steady state, all of them with the best steady states.
    """
    timed = [r for r in records if isinstance(r, (IVSweep, PulseTransient)) and r.time is not None]
    if not timed:
        return [[_without_times(curve, R_s)] for curve, R_s in steady]
    scan, _ = scan_of(timed, _TRIALS)
    few = [_tried(scan, curve, R_s, fix, slice(0, _FEW)) for curve, R_s in steady]
    ranked = sorted(range(len(steady)), key=lambda k: min((c.misfit for c in few[k]), default=np.inf))
    for k in ranked[:_BEST_STATES]:
        few[k] += _tried(scan, *steady[k], fix, slice(_FEW, None))
    return [distinct(sorted(found, key=lambda c: c.misfit), _KEPT) for found in few]


def scan_of(timed: Sequence[IVSweep | PulseTransient], trials: int, more: int = 0) -> tuple[Scan, FloatArray]:
    """The records with fewer samples, a Sobol sequence over the ranges of the times, and (t, more) in 0..1.

    Parameters
    ----------
    timed : sequence of record
        With a time.
    trials : int
        t, a power of two.
    more : int
        Dimensions of the sequence besides the three times.
    """
    shortest, longest = _time_range(timed)
    qmc = import_module("scipy.stats.qmc")  # half a second to import, and only these data need it
    sequence = qmc.Sobol(3 + more, scramble=False).random(trials)
    times = np.exp(qmc.scale(sequence[:, :3], [np.log(shortest)] * 3, [np.log(longest)] * 3))
    return Scan(*_thinned(timed), times), sequence[:, 3:]


def _tried(
    scan: Scan, curve: SteadyCurve, R_s: float, fix: Mapping[str, float], rows: slice
) -> list[Candidate]:
    """One steady state with some of the times; what cannot be integrated is left out."""
    result = []
    for tau_m, tau_d, tau_k in scan.times[rows]:
        values = {
            **_steady_values(curve, R_s),
            "C_m": fix.get("C_m", float(tau_m) / curve.R_b),
            "tau_d": fix.get("tau_d", float(tau_d)),
            "tau_k": fix.get("tau_k", float(tau_k)),
        }
        misfit = scan.misfit(values)
        if np.isfinite(misfit):
            result.append(Candidate(values, misfit, _reasons(curve)))
    return result


def _steady_values(curve: SteadyCurve, R_s: float) -> dict[str, float]:
    """What the steady state says."""
    return {"R_b": curve.R_b, "i_c0": curve.i_c0, "V_T": curve.V_T, "V_m": curve.V_m, "R_s": R_s}


def _without_times(curve: SteadyCurve, R_s: float) -> Candidate:
    """A candidate where nothing was measured in time: the times are those of a typical device."""
    middle = {"C_m": 1e-3 / curve.R_b, "tau_d": 1e-2, "tau_k": 1e-2}
    return Candidate({**_steady_values(curve, R_s), **middle}, curve.misfit, _reasons(curve))


def _reasons(curve: SteadyCurve) -> dict[str, str]:
    """Where the values come from."""
    return {
        **dict.fromkeys(("R_b", "i_c0", "V_T", "V_m"), f"scan of the steady state: {curve.source}"),
        **dict.fromkeys(("C_m", "tau_d", "tau_k"), "simulation of the records in time on a coarse grid"),
    }


def _time_range(timed: Sequence[IVSweep | PulseTransient]) -> tuple[float, float]:
    """Time constants that records in time can show: from half a sample to three times their length."""
    steps, lengths = [], []
    for record in timed:
        if record.time is not None and record.time[-1] > record.time[0]:
            steps.append(float(np.median(np.diff(record.time))))
            lengths.append(float(record.time[-1] - record.time[0]))
    if not steps:
        return 1e-4, 1.0
    return max(0.5 * min(steps), 1e-6 * max(lengths)), 3.0 * max(lengths)


def _thinned(timed: Sequence[IVSweep | PulseTransient]) -> tuple[DriveSet, FloatArray, FloatArray]:
    """Records in time with fewer samples: drives, data and weights (one over the span of each record)."""
    drives, times, data, weights = [], [], [], []
    for record in timed:
        if record.time is None or record.drive is None:
            continue
        kept = _telling_samples(record)
        kept = kept[record.time[kept] <= record.drive.time[:_MOST_VERTICES][-1]]
        response = record.response[kept]
        drives.append(replace(record.drive, initial="rest") if free_start(record) else record.drive)
        times.append(record.time[kept])
        data.append(response)
        span = max(float(np.ptp(record.response)), 1e-30)
        weights.append(np.full(response.size, 1.0 / (span * np.sqrt(response.size))))
    return DriveSet(drives, times), np.concatenate(data), np.concatenate(weights)


def _telling_samples(record: IVSweep | PulseTransient) -> np.ndarray:
    """Indices of few samples: even along a sweep, ever wider apart after each jump of a pulse.

    So all time constants have their say, and the late phase of an oscillation does not drown the rest.
    """
    n, time = record.points, record.time
    if isinstance(record, IVSweep) or time is None:
        return np.arange(0, n, max(1, n // _SAMPLES))
    drive = record.drive.time
    jumps = np.unique(np.searchsorted(time, drive[:-1][np.diff(drive) == 0]))
    starts = [0, *(int(i) for i in jumps if 0 < i < n)]
    chosen = [np.array([n - 1])]
    for start, stop in itertools.pairwise([*starts, n]):
        steps = np.geomspace(1, max(stop - start, 1), max(_SAMPLES // len(starts), 8)) - 1
        chosen.append(start + np.unique(np.minimum(steps.astype(int), max(stop - start - 1, 0))))
    return np.unique(np.concatenate(chosen))


_TRIALS_GUESS_PULSES = 2048
_KEPT_GUESS_PULSES = 8
_R_B = (0.7, 30.0)
"""Of the largest ratio of voltage to current."""
_V_M = (0.02, 0.3)
"""Of the largest voltage."""
_ABOVE = (-4.0, 4.0)
"""Units of V_m that the largest voltage lies above V_T."""
_LEAST_SHARE = 0.05
"""Of the largest current that is left to the channel at least."""
_REASON = "drawn on the scale of the plateaus, and simulated"


def candidates_from_pulses(records: Sequence[Record], fix: Mapping[str, float]) -> list[Candidate]:
    """Candidates from transients alone, the most promising first.

    Parameters
    ----------
    records : sequence of Record
    fix : mapping
        Parameters that are known (SI).
    """
    timed = [r for r in records if isinstance(r, PulseTransient)]
    ends = plateaus(records, fix.get("R_s", 0.0))
    if ends is None or not np.any(ends.u * ends.value > 0):
        return []
    scan, drawn = scan_of(timed, _TRIALS_GUESS_PULSES, 3)
    found = []
    for times, share in zip(scan.times, drawn, strict=True):
        values = {**_steady_state(ends, share), **fix}
        tau_m, tau_d, tau_k = (float(t) for t in times)
        values = {"C_m": tau_m / values["R_b"], "tau_d": tau_d, "tau_k": tau_k, **values}
        misfit = scan.misfit(values)
        if np.isfinite(misfit):
            found.append(Candidate(values, misfit, dict.fromkeys(values, _REASON)))
    return distinct(sorted(found, key=lambda c: c.misfit), _KEPT_GUESS_PULSES)


def _steady_state(ends: SteadyRows, share: FloatArray) -> dict[str, float]:
    """V_T, V_m, R_b and i_c0 for three numbers between 0 and 1."""
    k = int(np.argmax(np.abs(ends.value)))
    u, current = abs(float(ends.u[k])), abs(float(ends.value[k]))
    ratio = float(np.max(np.abs(ends.u / ends.value)))
    R_b = ratio * _between(_R_B, share[0])
    V_m = u * _between(_V_M, share[1])
    above = _ABOVE[0] + (_ABOVE[1] - _ABOVE[0]) * float(share[2])
    left = max(current - u / R_b, _LEAST_SHARE * current)
    return {
        "R_b": R_b,
        "i_c0": left / float(expit(above)),
        "V_T": u - above * V_m,
        "V_m": V_m,
        "R_s": 0.0,
    }


def _between(ends: tuple[float, float], share: float) -> float:
    """A share of the way between two ends, in the logarithm."""
    low, high = ends
    return float(low * (high / low) ** share)
