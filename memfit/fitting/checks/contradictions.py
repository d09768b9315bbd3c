"""Parts of the data that contradict each other: kinds of data, repeats, values that move with time or order.

Do the kinds of data agree? The fit is repeated without each kind, and the parameters are compared. An
estimate from part of the data and one from all of it differ with covariance C_part - C_all if both see the
same device (Hausman, Econometrica 1978, 46, 1251). Shifts beyond that say that the kinds disagree.

Two records of one measurement - spectra at one bias, sweeps or transients under one drive - must agree within
their noise, whatever the device is: no model is asked. Where start times or the order of the records are
known, the earlier and the later half are fitted apart, and what differs between them is named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import Device, ImpedanceSpectrum, Record, times_of_session
from memfit.fitting.checks.misfit import measure
from memfit.fitting.minimum.least_squares import again, linear_step
from memfit.fitting.minimum.problem import FitState
from memfit.fitting.noise import clipped_mean, noise_without_model
from memfit.fitting.plan import CORE, KINDS, unit_of_length
from memfit.fitting.prediction.predict import bias_of, measured, modulus
from memfit.fitting.results.findings import Conflict
from memfit.fitting.uncertainty.covariance import Covariance, covariance_of
from memfit.model import PARAMETERS
from memfit.units import format_quantity, two_digits


@dataclass(frozen=True)
class Settings:
    """Numbers that steer what is told."""

    same: float = 2e-3
    """Relative difference of biases and drives that are one; of biases at least so many volt."""
    fewest: int = 5
    """Points that two records must share."""
    times_noise: float = 3.0
    """Root mean square of a difference over its noise ..."""
    percent: float = 2.0
    """... and of it over the values, per cent, from which repeats differ."""
    factor: float = 1.15
    """Of the resistance at the lowest frequency between first and last, from which it is said as a factor."""
    share: float = 0.5
    """Of the squared misfit of all records that is left where both halves are fitted apart, at most."""
    fewest_records: int = 3
    """Of each half."""
    sure: float = 5.0
    """Standard errors, with the misfit that is left, by which a value has to move, ..."""
    apart: float = 0.1
    """Spread of the times, of all that passed, that neither the kinds of data nor their biases explain."""
    least: float = 0.02
    """... and so far, in the logarithm (of V_T in units of V_m)."""
    as_factor: float = 1.5
    """Factor from which it is said as one, not in per cent."""
    most_told: int = 3
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


def repeats_that_differ(device: Device) -> tuple[str, ...]:
    """A sentence for every measurement that was repeated and did not come out the same, with size and time.

    Parameters
    ----------
    device : Device
    """
    session = times_of_session(device)
    said = []
    for group in _repeats(device.records):
        order = group
        if session is not None:
            began = np.asarray(session[0])[group]
            order = [group[k] for k in np.argsort(began, kind="stable")]
        records = [device.records[k] for k in order]
        ratio, percent = _difference(records[0], records[-1])
        if len(records) > 2:  # neighbours may agree, and the first and the last as well
            pairs = [_difference(records[0], other) for other in records[1:]]
            ratio, percent = max(pairs, key=lambda pair: pair[0])
        if ratio < SETTINGS.times_noise or percent < SETTINGS.percent:
            continue
        over = _duration(session, order[0], order[-1])
        said.append(_sentence(records, ratio, percent, over))
    return tuple(said[: SETTINGS.most_told])


def _repeats(records: Sequence[Record]) -> list[list[int]]:
    """Numbers of the records of one measurement each, groups of two and more."""
    groups: list[list[int]] = []
    for k, record in enumerate(records):
        own = next((group for group in groups if _same_measurement(records[group[0]], record)), None)
        if own is None:
            groups.append([k])
        else:
            own.append(k)
    return [group for group in groups if len(group) > 1]


def _same_measurement(one: Record, other: Record) -> bool:
    """Whether two records should agree: one bias, or one drive."""
    if one.kind != other.kind or one.control != other.control:
        return False
    if isinstance(one, ImpedanceSpectrum) and isinstance(other, ImpedanceSpectrum):
        (control, bias), (_, again) = bias_of(one), bias_of(other)
        least = SETTINGS.same if control == "voltage" else 0.0
        return abs(bias - again) <= max(least, SETTINGS.same * max(abs(bias), abs(again)))
    if isinstance(one, ImpedanceSpectrum) or isinstance(other, ImpedanceSpectrum):
        return False
    if one.time is None or other.time is None or one.drive is None or other.drive is None:
        return False
    if "free" in (one.drive.initial, other.drive.initial):
        return False  # their states at the start may differ
    end, size = float(one.time[-1] - one.time[0]), float(np.max(np.abs(one.drive.value)))
    if abs(float(other.time[-1] - other.time[0]) - end) > SETTINGS.same * end:
        return False
    at = np.linspace(0.0, end, 64)
    driven = one.drive.at(one.time[0] + at) - other.drive.at(other.time[0] + at)
    return bool(np.mean(np.abs(driven)) <= SETTINGS.same * size)


def _difference(one: Record, other: Record) -> tuple[float, float]:
    """How far two records of one measurement are apart: over their noise, and per cent; 0 if not known."""
    parts = 2 if isinstance(one, ImpedanceSpectrum) else 1
    at, again = (_axis(record) for record in (one, other))
    order, their = np.argsort(at), np.argsort(again)
    inside = (at[order] >= again[their][0]) & (at[order] <= again[their][-1])
    if np.count_nonzero(inside) < SETTINGS.fewest:
        return 0.0, 0.0
    place = at[order][inside]
    columns, sigmas = [], []
    for record, own, ranks in ((one, at, order), (other, again, their)):
        values = measured(record)
        sigma = noise_without_model(record).sigma(modulus(record, values))
        columns.append([np.interp(place, own[ranks], v[ranks]) for v in np.split(values, parts)])
        sigmas.append([np.interp(place, own[ranks], s[ranks]) for s in np.split(sigma, parts)])
    difference = np.concatenate(columns[0]) - np.concatenate(columns[1])
    noise = np.hypot(np.concatenate(sigmas[0]), np.concatenate(sigmas[1]))
    size = np.hypot(*columns[0]) if parts == 2 else np.full(place.size, np.ptp(columns[0][0]))
    scale = np.tile(np.maximum(size, 1e-300), parts)
    ratio = float(np.sqrt(clipped_mean((difference / np.maximum(noise, 1e-300)) ** 2)))
    return ratio, 100.0 * float(np.sqrt(clipped_mean((difference / scale) ** 2)))


def _axis(record: Record) -> FloatArray:
    """(n,) what a record is measured over: log frequency, or time from its start."""
    if isinstance(record, ImpedanceSpectrum):
        return np.log(record.frequency)
    time: FloatArray = np.zeros(0) if record.time is None else record.time - record.time[0]
    return time


def _sentence(records: Sequence[Record], ratio: float, percent: float, over: str) -> str:
    """What differs, by how much, from when to when."""
    first, last = records[0], records[-1]
    names = f"{first.name} and {last.name}"
    if len(records) > 2:
        names = f"{len(records)} {KINDS[first.kind]} of one measurement ({first.name} to {last.name})"
    if isinstance(first, ImpedanceSpectrum) and isinstance(last, ImpedanceSpectrum):
        control, bias = bias_of(first)
        where = f", all at {format_quantity(bias, 'V' if control == 'voltage' else 'A', digits=3)},"
        where = where.replace("all", "both") if len(records) == 2 else where
        frequency = max(float(first.frequency.min()), float(last.frequency.min()))
        R = [
            float(np.interp(np.log(frequency), np.log(r.frequency[o]), r.impedance.real[o]))
            for r in (first, last)
            for o in [np.argsort(r.frequency)]
        ]
        moved = R[1] / R[0] if min(R) > 0.0 else 1.0
        if max(moved, 1.0 / moved) > SETTINGS.factor:
            by, way = two_digits(max(moved, 1.0 / moved)), "rises" if moved > 1.0 else "falls"
            at = format_quantity(frequency, "Hz", digits=2)
            return (
                f"{names}{where} contradict each other: R at {at} {way} by a factor {by}{over}, "
                f"{two_digits(ratio)} times the noise. Is it one device, in one state?"
            )
        of = "|Z|"
    else:
        where, of = ", under one drive,", "the span"
    return (
        f"{names}{where} differ by {two_digits(percent)} % of {of}{over}, {two_digits(ratio)} times their "
        "noise. Is it one device, in one state?"
    )


def moving_values(
    state: FitState, device: Device, describe: Callable[[Sequence[Record]], FitState]
) -> tuple[str, ...]:
    """The parameter that moves with the time or the order of the records, where that explains the misfit.

    The earlier and the later half of the records are fitted apart: what moves differs between them, and each
    is described better.

    Parameters
    ----------
    state : FitState
        Of all records, which it misses for certain.
    device : Device
        The same, with times.
    describe : callable
        Fits some of them.
    """
    session = times_of_session(device)
    if session is None or not np.ptp(session[0]) > 0.0:
        return ()
    since = (session[0] - session[0].min()) / np.ptp(session[0])
    if np.sqrt(np.mean(_beside_bias(since, device.records) ** 2)) < SETTINGS.apart:
        return ()
    order = np.argsort(since, kind="stable")
    halves = [sorted(order[: order.size // 2].tolist()), sorted(order[order.size // 2 :].tolist())]
    if min(map(len, halves)) < SETTINGS.fewest_records:
        return ()
    ends, squares = [], 0.0
    for half in halves:
        end = describe([device.records[k] for k in half])
        ends.append(end)
        squares += sum(m.ratio**2 for m in measure(end).records)
    if squares > SETTINGS.share * sum(m.ratio**2 for m in measure(state).records):
        return ()
    moved = _moved(ends)
    if moved is None:
        return ()
    name, shift = moved
    first, last = int(order[0]), int(order[-1])
    way, by = "rises" if shift > 0.0 else "falls", format_quantity(abs(shift), "V", digits=2)
    if PARAMETERS[name].logarithmic:
        factor = float(np.exp(abs(shift)))
        percent = 100.0 * (factor - 1.0 if shift > 0.0 else 1.0 - 1.0 / factor)
        by = f"a factor {two_digits(factor)}" if factor > SETTINGS.as_factor else f"{two_digits(percent)} %"
    hint = " --parts drift fits a device so." if name == "i_c0" else ""
    during = _duration(session, first, last).replace(" over", ", of")
    text = f"{name} {way} by {by} from the earlier to the later half of the records{during} in all: "
    return (f"{text}each half is described better by itself.{hint}",)


def _moved(ends: Sequence[FitState]) -> tuple[str, float] | None:
    """The parameter that moved furthest between two fits, for certain, and its shift; of V_T in V."""
    found = []
    errors = [np.sqrt(np.maximum(np.diag(covariance_of(end).matrix), 0.0)) for end in ends]
    worse = max(max(m.ratio for m in measure(end).records) for end in ends)
    for name in CORE:
        if any(name not in end.unknowns.names for end in ends):
            continue
        places = [end.unknowns.names.index(name) for end in ends]
        shift = float(ends[1].x[places[1]] - ends[0].x[places[0]])
        length = unit_of_length(name, ends[0].parameters.V_m)
        error = float(np.hypot(*(e[j] for e, j in zip(errors, places, strict=True)))) * max(worse, 1.0)
        if abs(shift) > max(SETTINGS.sure * error, SETTINGS.least * length):
            found.append((abs(shift) / length, name, shift))
    return max(found)[1:] if found else None


def _beside_bias(time: FloatArray, records: Sequence[Record]) -> FloatArray:
    """(r,) times without what the kind of a record, and its bias or its largest response, tells of them.

    Where one bias comes after the other, what goes with the time may go with the bias: a law, not a drift.
    """
    left = np.zeros(time.size)
    kinds = np.array([record.kind for record in records])
    for kind in dict.fromkeys(kinds.tolist()):
        here = np.flatnonzero(kinds == kind)
        level = [_level(records[int(k)]) for k in here]
        columns = np.column_stack([np.ones(here.size), *(np.power(level, n) for n in (1, 2))])
        columns = columns[:, : max(1, min(3, np.unique(level).size))]
        columns /= np.maximum(np.max(np.abs(columns), axis=0), 1e-300)
        left[here] = time[here] - columns @ np.linalg.lstsq(columns, time[here], rcond=None)[0]
    return left


def _level(record: Record) -> float:
    """The bias of a spectrum, V or A, or how far the response of another record goes."""
    return bias_of(record)[1] if isinstance(record, ImpedanceSpectrum) else float(np.ptp(measured(record)))


def _duration(session: tuple[FloatArray, str] | None, first: int, last: int) -> str:
    """How long it was between two records, in words; empty where it is not known."""
    if session is None:
        return ""
    times, unit = session
    passed = float(abs(times[last] - times[first]))
    if unit == "s":
        told = f"{passed / 3600.0:.3g} h" if passed >= 3600.0 else format_quantity(passed, "s", digits=3)
        return f" over {told}"
    return f" over {int(passed) + 1} records"


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
