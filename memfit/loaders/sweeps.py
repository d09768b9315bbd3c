"""Tables of current against voltage into sweeps: time and scan rate, loops, compliance.

Time is the file's column; else |dV| / scan rate; else the curve is quasi-steady, with a warning.

A limit that no file states shows as a
plateau of the measured quantity that begins with a kink while the drive goes on: a device that saturates
comes to its plateau smoothly, and its leakage goes on rising.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets import IVSweep, Record
from memfit.loaders.apart import differing
from memfit.loaders.curves import has_equal_steps, loop_starts, repeated_rows, time_fault
from memfit.loaders.pulses import stretches
from memfit.loaders.raw import Reading, select_used
from memfit.protocols import Control, drive_from_samples
from memfit.units import format_quantity

_NAME_RATE = re.compile(
    r"(?:^|[_ =-])(?P<value>\d+(?:[.,p]\d+)?)[ _]?(?P<unit>mV|V)[ _]?(?:/|per|p)?[ _]?s(?=$|[_ .)-])"
)


@dataclass(frozen=True)
class Settings:
    """What tells plateaus and scan rates."""

    flat: float = 1e-3
    """Largest difference from the limit, relative, on a plateau."""
    kink: float = 0.02
    """Least step, relative to the limit, with which a plateau is reached."""
    least_points: int = 5
    """Of a plateau."""
    at_limit: float = 0.998
    """Part of a stated limit from which a point is at it."""
    rate_agrees: float = 1.5
    """Stated scan rate and that of the times may differ by this ratio (staircases, rests)."""


SETTINGS = Settings()


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
    if measured.size < 3 * SETTINGS.least_points or limit == 0.0:
        return held, 0.0
    for first, behind in stretches(np.abs(measured) >= (1.0 - SETTINGS.flat) * limit):
        if behind - first < SETTINGS.least_points:
            continue
        moved = float(np.ptp(driven[first:behind])) > SETTINGS.kink * float(np.ptp(driven))
        beside = [(first, first - 1), (first - 1, first - 2), (behind - 1, behind), (behind, behind + 1)]
        steps = [abs(measured[i] - measured[j]) / limit for i, j in beside if 0 <= j < measured.size > i]
        if moved and any(step > SETTINGS.kink for step in steps):
            held[first:behind] = True
    return held, limit if held.any() else 0.0


def make_sweeps(reading: Reading) -> Iterator[Record]:
    """Sweeps of a table, one per loop.

    Parameters
    ----------
    reading : Reading

    Raises
    ------
    FileFormatError
        Voltage or current is missing, or there are fewer than three points.
    """
    table, settings = reading.table, reading.settings
    voltage = next(
        (table.columns[r] for r in ("voltage", "applied_voltage", "bias_voltage") if r in table.columns), None
    )
    if voltage is None:
        raise reading.error(
            f"expected a column of the voltage; found {', '.join(sorted(table.columns)) or 'none'}."
        )
    current, notes = pick_current(reading)
    if voltage.size < 3:
        raise reading.error(f"expected at least 3 points of a sweep, found {voltage.size}.")
    control, control_notes = _control(reading, voltage, current)
    driven, measured = (voltage, current) if control == "voltage" else (current, voltage)
    keep, limit_notes = _below_limit(reading, driven, measured, control)
    time, time_notes = _time(reading, driven)
    notes += [*table.notes, *_repeated(voltage, current), *control_notes, *limit_notes, *time_notes]
    starts = loop_starts(driven) if settings.split is not False and table.drive is None else [0]
    loops = list(pairwise([*starts, driven.size]))
    attributes = differing(table, [np.arange(first, last) for first, last in loops])
    for number, (first, last) in enumerate(loops, start=1):
        rows = slice(first, last)
        later = (
            ("This loop follows another without a pause: its first state is fitted.",) if number > 1 else ()
        )
        clock = None if time is None else time[rows] - time[first] + settings.time_offset
        drive = table.drive
        if clock is not None and drive is None:
            initial = settings.initial or table.initial or ("steady" if number == 1 else "free")
            drive = drive_from_samples(control, clock, driven[rows], initial=initial)
        sweep = IVSweep(
            name=reading.record_name,
            origin=reading.origin(f"loop {number} of {len(starts)}" if len(starts) > 1 else ""),
            metadata={**table.metadata, **attributes[number - 1]},
            notes=(*notes, *later),
            voltage=voltage[rows],
            current=current[rows],
            time=clock,
            drive=None if clock is None else drive,
            control=control,
            scan_rate=_rate(reading, clock, driven[rows]),
        )
        yield select_used(sweep if keep[rows].all() else sweep.select(keep[rows]), settings, "sweep")


def pick_current(reading: Reading) -> tuple[FloatArray, list[str]]:
    """The current, from a density and the area where needed, and a note of that.

    Parameters
    ----------
    reading : Reading

    Returns
    -------
    current : (n,) array, A
    notes : list of str

    Raises
    ------
    FileFormatError
        There is no such column, or no area.
    """
    columns = reading.table.columns
    for role in ("current", "applied_current"):
        if role in columns:
            return columns[role], []
    if "current_density" not in columns:
        raise reading.error(
            f"expected a column of the current; found {', '.join(sorted(columns)) or 'none'}."
        )
    area = reading.area
    if area is None:
        raise reading.error(
            "expected an area to turn the current density into a current; add `area` to device.toml or a "
            "line `# area: 0.04 cm^2`."
        )
    note = f"The current is the current density times the area of {area * 1e4:g} cm^2."
    return columns["current_density"] * area, [note]


def _repeated(voltage: FloatArray, current: FloatArray) -> list[str]:
    """A word where rows repeat earlier ones."""
    count = repeated_rows(voltage, current)
    note = f"{count} rows repeat earlier ones to the last digit: if they were pasted twice remove them."
    return [note] if count else []


def _is_swept(values: FloatArray) -> bool:
    """Whether a quantity moves by equal steps, or by equal steps of its logarithm."""
    size = np.abs(values)
    return has_equal_steps(values) or (float(np.min(size)) > 0 and has_equal_steps(np.log(size)))


def _control(reading: Reading, voltage: FloatArray, current: FloatArray) -> tuple[Control, list[str]]:
    """What was swept: as stated, else the voltage, but the current where it alone moves by equal steps."""
    stated = reading.settings.control or reading.table.control
    if stated is not None:
        return stated, []
    if _is_swept(current) and not _is_swept(voltage):
        return "current", ["Taken as current-controlled, because the current moves by equal steps."]
    return "voltage", []


def _time(reading: Reading, driven: FloatArray) -> tuple[FloatArray | None, list[str]]:
    """Time of every sample, s from the first, and notes on where it comes from."""
    notes: list[str] = []
    time = reading.table.columns.get("time")
    stated, source = _scan_rate(reading)
    fault = "" if time is None else time_fault(time)
    if time is not None and not fault:
        back = np.flatnonzero(np.diff(time) < 0)
        if back.size:
            raise reading.error(
                f"expected times that run forward; sample {back[0] + 2} is at {time[back[0] + 1]:g} s "
                f"after {time[back[0]]:g} s."
            )
        steps, gaps = np.abs(np.diff(driven)), np.diff(time)
        moving = (steps > 0) & (gaps > 0)
        if stated is not None and stated > 0 and np.count_nonzero(moving) >= 3:
            rate = float(np.median(steps[moving] / gaps[moving]))
            if max(rate / stated, stated / rate) >= SETTINGS.rate_agrees:  # one of the two has another unit
                said, timed = format_quantity(stated, "V/s"), format_quantity(rate, "V/s")
                notes.append(
                    f"{source[:1].upper() + source[1:]} says a scan rate of {said}, but by the times it is "
                    f"{timed}; the times hold. Check their unit."
                )
        return time - time[0], notes
    if time is not None:
        notes.append(
            f"The time column is {'constant' if fault == 'constant' else 'rounded to mostly zero steps'} "
            f"(near {time[0]:.6g} s), so the times are lost and it was not used."
        )
    if stated is not None and stated > 0:
        notes.append(
            f"No time column: the times are the voltage steps over the scan rate of "
            f"{format_quantity(stated, 'V/s')} ({source})."
        )
        return np.concatenate([[0.0], np.cumsum(np.abs(np.diff(driven)))]) / stated, notes
    notes.append("Neither times nor a scan rate are known: the curve is taken as quasi-steady.")
    return None, notes


def _rate(reading: Reading, time: FloatArray | None, driven: FloatArray) -> float | None:
    """Scan rate (V/s or A/s) of a sweep: as stated, unless the times of the file say another."""
    stated = _scan_rate(reading)[0]
    span = 0.0 if time is None else float(time[-1] - time[0])
    measured = float(np.sum(np.abs(np.diff(driven)))) / span if span > 0 else None
    if time is None:
        return stated
    by_file = "time" in reading.table.columns
    unstated = reading.settings.scan_rate is None and reading.table.scan_rate is None
    doubted = stated and measured and max(stated / measured, measured / stated) > SETTINGS.rate_agrees
    return measured if stated is None or (by_file and (unstated or doubted)) else stated


def _scan_rate(reading: Reading) -> tuple[float | None, str]:
    """Scan rate (V/s) and where it is stated: device.toml, the file, its name or that of its folder."""
    if reading.settings.scan_rate is not None:
        return reading.settings.scan_rate, "device.toml"
    if reading.table.scan_rate is not None:
        return reading.table.scan_rate.value, reading.table.scan_rate.source
    for name, what in reading.source.names:
        named = list(_NAME_RATE.finditer(name))
        if len(named) == 1:
            value = float(named[0]["value"].replace(",", ".").replace("p", "."))
            return value / 1000 if named[0]["unit"] == "mV" else value, f"the {what} {name!r}"
    return None, ""


def _below_limit(
    reading: Reading, driven: FloatArray, measured: FloatArray, control: Control
) -> tuple[BoolArray, list[str]]:
    """Points to keep: those below the limit of the measured quantity, stated or plain to see."""
    every = np.ones(measured.size, dtype=bool)
    unit = "A" if control == "voltage" else "V"
    limit = reading.settings.compliance or reading.table.compliance
    if limit is None or limit <= 0:
        held, level = held_at_limit(driven, measured)
        if not held.any():
            return every, []
        note = (
            f"{np.count_nonzero(held)} points on a plateau at {format_quantity(level, unit)} look like the "
            "compliance and were left out; state `compliance` in device.toml (a larger one keeps them)."
        )
        return ~held, [note]
    hit = np.abs(measured) >= SETTINGS.at_limit * limit
    count = int(np.count_nonzero(hit))
    if count == 0:
        return every, []
    shown = format_quantity(limit, unit)
    if measured.size - count < 3:
        return every, [f"Nearly all points are at the limit of {shown}."]
    return ~hit, [f"{count} points at the limit of {shown} were left out."]
