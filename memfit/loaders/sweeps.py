"""Tables of current against voltage into sweeps: time and scan rate, loops, compliance.

Time is the file's column; else |dV| / scan rate; else the curve is quasi-steady, with a warning.

Long programs: the pulses of a drive, and plateaus where an instrument held its limit.

A pulse is a stretch in which the drive is away from where it began. A limit that no file states shows as a
plateau of the measured quantity that begins with a kink while the drive goes on: a device that saturates
comes to its plateau smoothly, and its leakage goes on rising.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets.records import IVSweep
from memfit.loaders.raw import Reading, Stated
from memfit.loaders.tables.shapes import loop_starts, time_fault
from memfit.protocols import Control, Drive, Initial, drive_from_samples
from memfit.units import format_quantity

_AWAY = 0.05
"""Share of the drive's range that counts as away from the base."""
_FLAT = 1e-3
"""Largest difference from the limit, relative, on a plateau."""
_KINK = 0.02
"""Least step, relative to the limit, with which a plateau is reached."""
_LEAST_POINTS = 5
_LEAST_REST = 0.1
"""Rest between pulses, relative to their length, below which a drive is a wave."""


@dataclass(frozen=True)
class Pulse:
    """A stretch in which a drive is away from its base."""

    start: float
    """s."""
    end: float
    """s."""
    level: float
    """The value farthest from the base, A or V."""


def find_pulses(drive: Drive) -> tuple[Pulse, ...]:
    """The pulses of a drive, in order; one that is still on at the end counts.

    Parameters
    ----------
    drive : Drive
    """
    base, span = float(drive.value[0]), float(np.ptp(drive.value))
    if span == 0.0:
        return ()
    away = np.abs(drive.value - base) > _AWAY * span
    edges = np.flatnonzero(np.diff(np.concatenate([[False], away, [False]]).astype(np.int8)))
    found = []
    for first, behind in zip(edges[::2], edges[1::2], strict=True):
        values = drive.value[first:behind]
        level = float(values[np.argmax(np.abs(values - base))])
        end = drive.time[behind] if behind < drive.time.size else drive.time[-1]
        found.append(Pulse(float(drive.time[max(first - 1, 0)]), float(end), level))
    return tuple(found)


def is_pulse_program(drive: Drive) -> bool:
    """Whether a drive is several pulses with rests between, and not a wave that never rests."""
    pulses = find_pulses(drive)
    if len(pulses) < 2:
        return False
    rests = [after.start - before.end for before, after in pairwise(pulses)]
    usual = float(np.median([pulse.end - pulse.start for pulse in pulses]))
    return min(rests) > _LEAST_REST * usual


def pulse_starts(drive: Drive, time: FloatArray) -> list[int]:
    """Index of the last sample before each pulse but the first: there a program can be parted."""
    starts = [pulse.start for pulse in find_pulses(drive)[1:]]
    return [max(int(np.searchsorted(time, start, side="left")) - 1, 0) for start in starts]


def held_at_limit(driven: FloatArray, measured: FloatArray) -> tuple[BoolArray, float]:
    """Samples at which an instrument seems to have held the measured quantity, and that limit.

    Parameters
    ----------
    driven, measured : (n,) array
        Of a sweep, in order of time.

    Returns
    -------
    held : (n,) bool
    limit : float
        Modulus; 0 where nothing was held.
    """
    held = np.zeros(measured.size, dtype=bool)
    limit = float(np.max(np.abs(measured))) if measured.size else 0.0
    if measured.size < 3 * _LEAST_POINTS or limit == 0.0:
        return held, 0.0
    flat = np.abs(measured) >= (1.0 - _FLAT) * limit
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(np.int8)))
    for first, behind in zip(edges[::2], edges[1::2], strict=True):
        if _is_held(driven, measured, int(first), int(behind)):
            held[first:behind] = True
    return held, limit if held.any() else 0.0


def _is_held(driven: FloatArray, measured: FloatArray, first: int, behind: int) -> bool:
    """Whether samples first..behind - 1 are a plateau with a kink at its beginning or end."""
    if behind - first < _LEAST_POINTS:
        return False
    moved = float(np.ptp(driven[first:behind])) > _KINK * float(np.ptp(driven))
    size = float(np.max(np.abs(measured)))
    beside = [(first, first - 1), (first - 1, first - 2), (behind - 1, behind), (behind, behind + 1)]
    steps = [abs(measured[i] - measured[j]) / size for i, j in beside if 0 <= j < measured.size > i]
    return moved and any(step > _KINK for step in steps)


_RATE_AGREES = 1.5
"""Stated scan rate and that of the times may differ by this ratio (staircases, rests) before a note warns."""

_NAME_RATE = re.compile(
    r"(?:^|[_ =-])(?P<value>\d+(?:[.,p]\d+)?)[ _]?(?P<unit>mV|V)[ _]?(?:/|per|p)?[ _]?s(?=$|[_ .)-])"
)


def make_sweeps(reading: Reading) -> Iterator[IVSweep]:
    """Sweeps of a table, one per loop.

    Raises
    ------
    FileFormatError
        Voltage or current is missing, or there are fewer than three points.
    """
    table, settings = reading.table, reading.settings
    control = settings.control or table.control or "voltage"
    voltage = pick_voltage(reading)
    current, notes = pick_current(reading)
    if voltage.size < 3:
        raise reading.error(f"expected at least 3 points of a sweep, found {voltage.size}.")
    keep, limit_notes = _below_limit(reading, voltage, current, control)
    notes += [*table.notes, *limit_notes]
    time, time_notes = _time(reading, voltage if control == "voltage" else current)
    driven = voltage if control == "voltage" else current
    starts = loop_starts(driven) if settings.split is not False and table.drive is None else [0]
    edges = [*starts, driven.size]
    for number, (first, last) in enumerate(pairwise(edges), start=1):
        rows = np.arange(first, last)
        part = f"loop {number} of {len(starts)}" if len(starts) > 1 else ""
        loop_notes = [*notes, *time_notes]
        if number > 1:
            loop_notes.append("This loop follows another without a pause: its first state is fitted.")
        yield _make(
            reading,
            part=part, control=control, voltage=voltage[rows], current=current[rows],
            time=None if time is None else time[rows] - time[first], keep=keep[rows], notes=loop_notes,
            initial=settings.initial or table.initial or ("steady" if number == 1 else "free"),
        )  # fmt: skip


def _make(
    reading: Reading,
    *,
    part: str,
    control: Control,
    voltage: FloatArray,
    current: FloatArray,
    time: FloatArray | None,
    keep: BoolArray,
    notes: list[str],
    initial: Initial,
) -> IVSweep:
    """One sweep with its drive, then only the points that may be used."""
    table, settings = reading.table, reading.settings
    drive: Drive | None = None
    rate = _scan_rate(reading)[0]
    driven = voltage if control == "voltage" else current
    if time is not None:
        time = time + settings.time_offset
        drive = table.drive or drive_from_samples(control, time, driven, initial=initial)
        measured = measured_rate(time, driven)
        unstated = settings.scan_rate is None and table.scan_rate is None and "time" in table.columns
        doubted = rate and measured and max(rate / measured, measured / rate) > _RATE_AGREES
        if rate is None or unstated or (doubted and "time" in table.columns):
            rate = measured
    sweep = IVSweep(
        name=reading.record_name,
        origin=reading.origin(part),
        metadata=dict(table.metadata),
        notes=tuple(notes),
        voltage=voltage,
        current=current,
        time=time,
        drive=drive,
        control=control,
        scan_rate=rate,
    )
    if not keep.all():
        sweep = sweep.select(keep)
    return _selected(reading, sweep)


def _selected(reading: Reading, sweep: IVSweep) -> IVSweep:
    """Only the points that device.toml asks for, by time, voltage or current."""
    keep = np.ones(sweep.points, dtype=bool)
    for role, (low, high) in reading.settings.use.items():
        values = {"time": sweep.time, "voltage": sweep.voltage, "current": sweep.current}.get(role)
        if values is not None:
            keep &= (values >= low) & (values <= high)
    if keep.all():
        return sweep
    if not keep.any():
        raise reading.error("`use` in device.toml leaves no point of this sweep.")
    left_out = int(np.count_nonzero(~keep))
    return sweep.select(keep, f"{left_out} points were left out as `use` in device.toml asks.")


def pick_voltage(reading: Reading) -> FloatArray:
    """The terminal voltage: measured where there is a column of it, else set."""
    table = reading.table
    for role in ("voltage", "applied_voltage", "bias_voltage"):
        if role in table.columns:
            return table.columns[role]
    raise reading.error(
        f"expected a column of the voltage; found {', '.join(sorted(table.columns)) or 'none'}."
    )


def pick_current(reading: Reading) -> tuple[FloatArray, list[str]]:
    """The current, from a density and the area where needed, and a note of that."""
    table = reading.table
    for role in ("current", "applied_current"):
        if role in table.columns:
            return table.columns[role], []
    if "current_density" in table.columns:
        area = reading.area
        if area is None:
            raise reading.error(
                "expected an area to turn the current density into a current; add `area` to device.toml or a "
                "line `# area: 0.04 cm^2`."
            )
        return table.columns["current_density"] * area, [
            f"The current is the current density times the area of {area * 1e4:g} cm^2."
        ]
    raise reading.error(
        f"expected a column of the current; found {', '.join(sorted(table.columns)) or 'none'}."
    )


def _time(reading: Reading, driven: FloatArray) -> tuple[FloatArray | None, list[str]]:
    """Time of every sample, s from the first, and notes on where it comes from."""
    notes: list[str] = []
    time = reading.table.columns.get("time")
    if time is not None:
        fault = time_fault(time)
        if fault:
            notes.append(
                f"The time column is {'constant' if fault == 'constant' else 'rounded to mostly zero steps'} "
                f"(near {time[0]:.6g} s), so the times are lost and it was not used."
            )
        else:
            back = np.flatnonzero(np.diff(time) < 0)
            if back.size:
                raise reading.error(
                    f"expected times that run forward; sample {back[0] + 2} is at {time[back[0] + 1]:g} s "
                    f"after {time[back[0]]:g} s."
                )
            return time - time[0], [*notes, *_rate_doubts(reading, time, driven)]
    rate, source_of_rate = _scan_rate(reading)
    if rate is not None and rate > 0:
        steps = np.abs(np.diff(driven))
        notes.append(
            f"No time column: the times are the voltage steps over the scan rate of "
            f"{format_quantity(rate, 'V/s')} ({source_of_rate})."
        )
        return np.concatenate([[0.0], np.cumsum(steps)]) / rate, notes
    notes.append("Neither times nor a scan rate are known: the curve is taken as quasi-steady.")
    return None, notes


def _rate_doubts(reading: Reading, time: FloatArray, driven: FloatArray) -> list[str]:
    """A word where the stated scan rate is not that of the times: one of the two has another unit."""
    stated, source = _scan_rate(reading)
    steps, gaps = np.abs(np.diff(driven)), np.diff(time)
    moving = (steps > 0) & (gaps > 0)
    if stated is None or stated <= 0 or np.count_nonzero(moving) < 3:
        return []
    found = float(np.median(steps[moving] / gaps[moving]))
    if max(found / stated, stated / found) < _RATE_AGREES:
        return []
    note = (
        f"{source[:1].upper() + source[1:]} says a scan rate of {format_quantity(stated, 'V/s')}, but by the "
        f"times it is {format_quantity(found, 'V/s')}; the times hold. Check their unit."
    )
    return [note]


def _scan_rate(reading: Reading) -> tuple[float | None, str]:
    """Scan rate (V/s) and where it is stated."""
    if reading.settings.scan_rate is not None:
        return reading.settings.scan_rate, "device.toml"
    stated = reading.table.scan_rate or rate_from_name(reading.source.name)
    return (stated.value, stated.source) if stated else (None, "")


def rate_from_name(name: str) -> Stated | None:
    """The scan rate that a file name states: "iv_50mVs.txt", "cv_0.1V_s.csv"."""
    found = list(_NAME_RATE.finditer(name))
    if len(found) != 1:
        return None
    value = float(found[0]["value"].replace(",", ".").replace("p", "."))
    return Stated(value / 1000 if found[0]["unit"] == "mV" else value, f"the file name {name!r}")


def measured_rate(time: FloatArray, driven: FloatArray) -> float | None:
    """Median speed of a sweep, V/s or A/s."""
    span = float(time[-1] - time[0])
    if span <= 0:
        return None
    return float(np.sum(np.abs(np.diff(driven)))) / span


def _below_limit(
    reading: Reading, voltage: FloatArray, current: FloatArray, control: Control
) -> tuple[BoolArray, list[str]]:
    """Points to keep: those below the limit of the measured quantity, stated or plain to see."""
    driven, measured = (voltage, current) if control == "voltage" else (current, voltage)
    keep = np.ones(measured.size, dtype=bool)
    limit = reading.settings.compliance or reading.table.compliance
    if limit is None or limit <= 0:
        held, level = held_at_limit(driven, measured)
        if not held.any():
            return keep, []
        shown = format_quantity(level, "A" if control == "voltage" else "V")
        note = (
            f"{np.count_nonzero(held)} points on a plateau at {shown} look like the compliance and were left "
            "out; state `compliance` in device.toml (a larger one keeps them)."
        )
        return ~held, [note]
    hit = np.abs(measured) >= 0.998 * limit
    count = int(np.count_nonzero(hit))
    if count == 0:
        return keep, []
    shown = format_quantity(limit, "A" if control == "voltage" else "V")
    if measured.size - count < 3:
        return keep, [f"Nearly all points are at the limit of {shown}."]
    return ~hit, [f"{count} points at the limit of {shown} were left out."]
