"""First values of tau_m, tau_d and tau_k from records in time, given the steady state: simulate many."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.records import IVSweep, PulseTransient, Record
from memfit.fitting.candidates import Candidate, distinct
from memfit.fitting.guess_steady import SteadyCurve
from memfit.fitting.predict import free_start
from memfit.model.parameters import Parameters
from memfit.model.transient import DriveSet

_TRIALS_LOG2 = 10
_TOLERANCE = 1e-4
"""Of the integrator: a scan needs the shape."""
_SAMPLES = 160
"""Samples kept of each record."""
_KEPT = 8


def candidates_from_time(
    records: Sequence[Record], curve: SteadyCurve, R_s: float, fix: Mapping[str, float]
) -> list[Candidate]:
    """Simulate what was measured in time for a coarse set of tau_m, tau_d, tau_k."""
    timed = [r for r in records if isinstance(r, (IVSweep, PulseTransient)) and r.time is not None]
    reasons = {
        **dict.fromkeys(("R_b", "i_c0", "V_T", "V_m"), f"scan of the steady state: {curve.source}"),
        **dict.fromkeys(("C_m", "tau_d", "tau_k"), "simulation of the records in time on a coarse grid"),
    }
    base = {"R_b": curve.R_b, "i_c0": curve.i_c0, "V_T": curve.V_T, "V_m": curve.V_m, "R_s": R_s}
    shortest, longest = _time_range(timed)
    if not timed:
        middle = {"C_m": 1e-3 / curve.R_b, "tau_d": 1e-2, "tau_k": 1e-2}
        return [Candidate({**base, **middle}, curve.misfit, reasons)]
    runs, data, weight = _thinned(timed)
    low, high = np.log(shortest), np.log(longest)
    qmc = import_module("scipy.stats.qmc")  # half a second to import, and only these data need it
    points = qmc.scale(qmc.Sobol(3, scramble=False).random_base2(_TRIALS_LOG2), [low] * 3, [high] * 3)
    result = []
    for tau_m, tau_d, tau_k in np.exp(points):
        values = {
            **base,
            "C_m": fix.get("C_m", float(tau_m) / curve.R_b),
            "tau_d": fix.get("tau_d", float(tau_d)),
            "tau_k": fix.get("tau_k", float(tau_k)),
        }
        response = runs.respond(Parameters.from_mapping(values), tolerance=_TOLERANCE).values
        misfit = float(np.sum(np.minimum(np.abs((response - data) * weight), 1.0) ** 2))
        if np.isfinite(misfit):
            result.append(Candidate(values, misfit, reasons))
    result.sort(key=lambda c: c.misfit)
    return distinct(result, _KEPT)


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
