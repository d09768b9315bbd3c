"""Tables against time into transients: what was driven, the drive, segments where the clock restarts."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import PulseTransient, Record
from memfit.loaders.apart import differing
from memfit.loaders.curves import begins_unsteady, find_control, time_fault
from memfit.loaders.pulses import begins_inside, pulse_starts
from memfit.loaders.raw import RawTable, Reading, select_used
from memfit.loaders.sweeps import pick_current
from memfit.protocols import Control, Drive, drive_from_samples

_MIN_POINTS = 3
_SOON = 0.01
"""Of a record's length: a first sample so soon after t = 0 belongs to what began at t = 0."""
_ROUNDED = 0.05
"""Share of repeated times beyond which a note says that the clock is coarse."""
_DISCHARGE = re.compile(
    r"(?:cc|cv|cccv|cp|cr)?(?:d|dis|dch|dchg|disch|dischg|discharg(?:e|ed|ing)|entlad(?:en|ung)|d[ée]charge|"
    r"descarga|scarica)"
)
"""How cyclers call the rows in which the device discharges, without what is no letter."""
_DIRECTION = re.compile(r"direction|sweep|branch|richtung", re.IGNORECASE)
"""A column in which D may be down."""
_MOST_STATES = 12
"""Different words of a column that says what a cycler does."""
_UNSTEADY = (
    "The response moves from the first sample on, while the drive stands still: the state at the start is "
    'fitted. If the device had rested without a drive, say initial = "rest".'
)


def make_transients(reading: Reading) -> Iterator[Record]:
    """Transients of a table, one per run of the clock.

    Parameters
    ----------
    reading : Reading

    Raises
    ------
    FileFormatError
        The time or the measured quantity is missing, or what was driven cannot be told.
    """
    table, settings = reading.table, reading.settings
    time, notes = _time(reading)
    voltage = next((table.columns[r] for r in ("voltage", "applied_voltage") if r in table.columns), None)
    current = None
    if {"current", "applied_current", "current_density"} & table.columns.keys():
        current, more = pick_current(reading)
        notes += more
    control, more = _control(reading, voltage, current)
    notes = [*table.notes, *notes, *more]
    edges = [0, *_restarts(reading, time), time.size]
    runs = [(a, b) for a, b in pairwise(edges) if b - a >= _MIN_POINTS]
    short = len(edges) - 1 - len(runs)
    if not runs:
        raise reading.error(f"expected at least {_MIN_POINTS} samples in time, found {time.size}.")
    if short:
        notes.append(f"{short} runs of the clock with fewer than {_MIN_POINTS} samples were left out.")
    unit = "V" if control == "voltage" else "A"
    driven, measured = (voltage, current) if control == "voltage" else (current, voltage)
    if measured is None:
        raise reading.error(
            f"expected a column of the {'current' if control == 'voltage' else 'voltage'}, which is what is "
            f"measured under {control} control."
        )
    attributes = differing(table, [np.arange(first, last) for first, last in runs])
    for number, (first, last) in enumerate(runs, start=1):
        rows = slice(first, last)
        clock = time[rows] + settings.time_offset
        drive = _drive(reading, control, clock, None if driven is None else driven[rows], measured[rows])
        unsteady = drive.initial == "free" and not (settings.initial or table.initial)
        begun = begins_inside(drive)
        inside = () if begun is None else (f"The record begins inside a pulse, at {begun.level:.4g} {unit}.",)
        transient = PulseTransient(
            name=reading.record_name,
            origin=reading.origin(f"segment {number} of {len(runs)}" if len(runs) > 1 else ""),
            metadata={**table.metadata, **attributes[number - 1]},
            notes=(*notes, *inside, *((_UNSTEADY,) if unsteady else ())),
            time=clock,
            voltage=None if voltage is None else voltage[rows],
            current=None if current is None else current[rows],
            drive=drive,
        )
        whole = select_used(transient, settings, "transient")
        starts = pulse_starts(whole.drive, whole.time) if isinstance(whole, PulseTransient) else []
        if isinstance(whole, PulseTransient) and starts and settings.split is True:
            yield from _pulse_by_pulse(whole, starts)
        elif starts:
            note = (
                f"A program of {len(starts) + 1} pulses, kept in one record because the device remembers; "
                "`split = true` in device.toml parts it."
            )
            yield replace(whole, notes=(*whole.notes, note))
        else:
            yield whole


def with_sign(table: RawTable) -> RawTable:
    """A cycler's table with discharging currents negative, where it prints magnitudes and a word for it.

    Parameters
    ----------
    table : RawTable
    """
    current = table.columns.get("current")
    if current is None or not current.size or np.min(current) < 0:
        return table
    for label, cells in table.others.items():
        words = {cell: re.sub(r"[^a-zé]", "", cell.lower()) for cell in set(cells)}
        if len(words) > _MOST_STATES or not all(words.values()) or _DIRECTION.search(label):
            continue
        out = np.array([_DISCHARGE.fullmatch(words[cell]) is not None for cell in cells])
        if len(words) > 1 and np.any(current[out] > 0):
            shown = sorted({cell for cell, is_out in zip(cells, out, strict=True) if is_out})
            note = (
                f"The current is printed without a sign: in {np.count_nonzero(out)} rows in which {label!r} "
                f"says {', '.join(map(repr, shown[:4]))} it discharges and is read as negative."
            )
            signed = {**table.columns, "current": np.where(out, -current, current)}
            return replace(table, columns=signed, notes=(*table.notes, note))
    return table


def _pulse_by_pulse(whole: PulseTransient, starts: list[int]) -> Iterator[PulseTransient]:
    """The pulses of a program; but for the first nothing is known of the state before."""
    edges = [0, *starts, whole.points - 1]
    for number, (first, last) in enumerate(pairwise(edges), start=1):
        rows = slice(first, last + 1)
        if last + 1 - first < _MIN_POINTS:
            continue
        old, start, end = whole.drive, float(whole.time[first]), float(whole.time[last])
        inside = (old.time > start) & (old.time < end)
        drive = Drive(
            old.control,
            np.concatenate([[start], old.time[inside], [end]]),
            np.concatenate([old.at([start]), old.value[inside], old.at([end])]),
            old.initial if number == 1 else "free",
        )
        unknown = ("What the pulse before left behind is unknown: the first state is fitted.",)
        part = f"pulse {number} of {len(starts) + 1}"
        yield replace(
            whole,
            drive=drive,
            notes=whole.notes if number == 1 else (*whole.notes, *unknown),
            origin=replace(whole.origin, part=", ".join(filter(None, (whole.origin.part, part)))),
            time=whole.time[rows],
            voltage=None if whole.voltage is None else whole.voltage[rows],
            current=None if whole.current is None else whole.current[rows],
        )


def _restarts(reading: Reading, time: FloatArray) -> list[int]:
    """Samples at which the clock starts again near where it began; any other step back is an error."""
    starts: list[int] = []
    begin = 0
    for back in np.flatnonzero(np.diff(time) < 0):
        i = int(back) + 1
        if time[i] - time[begin] > 0.1 * (time[i - 1] - time[begin]):
            raise reading.error(
                f"expected times that run forward; sample {i + 1} is at {time[i]:g} s after "
                f"{time[i - 1]:g} s."
            )
        starts.append(i)
        begin = i
    return starts


def _drive(
    reading: Reading, control: Control, time: FloatArray, driven: FloatArray | None, response: FloatArray
) -> Drive:
    """What was applied (device.toml's waveform, the file's statement, the samples), with the first state.

    A device cannot be steady while its response moves under a drive that stands still: such a record begins
    anywhere. A record from rest whose first sample is just after t = 0 was switched on at t = 0.
    """
    table, settings = reading.table, reading.settings
    initial = settings.initial or table.initial
    if settings.waveform:
        at, value = np.array(settings.waveform, dtype=np.float64).T
        drive = Drive(control, at + settings.time_offset, value)
    elif table.drive is not None:
        stated = table.drive
        return Drive(control, stated.time + settings.time_offset, stated.value, initial or stated.initial)
    else:
        applied = table.columns.get(f"applied_{control}")
        if applied is not None and applied.size == time.size:
            driven = applied
        if driven is None:
            raise reading.error(
                f"expected a column of the {control} that was applied, or `waveform` in device.toml."
            )
        drive = drive_from_samples(control, time, driven)
    if initial is None:
        initial = "free" if begins_unsteady(drive, time, response) else "steady"
    first, gap = float(drive.time[0]), float(time[1] - time[0])
    if initial == "rest" and 0.0 < first <= max(_SOON * float(time[-1] - time[0]), 1.5 * gap):
        return Drive(control, np.append(0.0, drive.time), np.append(drive.value[0], drive.value), initial)
    return replace(drive, initial=initial)


def _time(reading: Reading) -> tuple[FloatArray, list[str]]:
    """The time column, counted from its first sample where it is a clock."""
    table = reading.table
    time = table.columns.get("time")
    if time is None:
        raise reading.error(f"expected a column of the time; found {', '.join(sorted(table.columns))}.")
    if time_fault(time):
        raise reading.error(
            f"expected times that tell the samples apart; the column stays at {time[0]:.6g} s (rounded?)."
        )
    notes = []
    twice = int(np.count_nonzero(np.diff(time) == 0))
    if twice > _ROUNDED * time.size:
        notes.append(
            f"{twice} of {time.size} samples have the time of the one before: the times are rounded."
        )
    first, span = float(time[0]), float(np.ptp(time))
    if first > span > 0:
        notes.append(f"Times are counted from the first sample, which the file puts at {first:.10g} s.")
        return time - first, notes
    return time, notes


def _control(
    reading: Reading, voltage: FloatArray | None, current: FloatArray | None
) -> tuple[Control, list[str]]:
    """What was driven, and a note where it had to be found."""
    table = reading.table
    stated = reading.settings.control or table.control
    if stated is not None:
        return stated, []
    if "applied_voltage" in table.columns or "applied_current" in table.columns:
        return ("voltage" if "applied_voltage" in table.columns else "current"), []
    if voltage is None and current is None:
        raise reading.error(
            "expected columns of the voltage and the current beside the time, such as Voltage (V) and "
            f"Current (A); found {', '.join(sorted(table.columns))}."
        )
    wanted = "expected `control` (current or voltage) in device.toml or a line `# control: voltage`"
    if voltage is None or current is None:
        recorded = "current" if voltage is None else "voltage"
        raise reading.error(f"{wanted}, because only the {recorded} is recorded.")
    for name, values in (("voltage", voltage), ("current", current)):
        if not np.any(values):
            raise reading.error(
                f"the {name} is exactly 0 in all {values.size} rows: an open contact, or a column that the "
                f'export left empty. If it was held at 0 on purpose say control = "{name}" in device.toml.'
            )
    driven = find_control(voltage, current)
    if driven is None:
        raise reading.error(f"{wanted}: the columns do not show which of the two was driven.")
    return driven, [f"Taken as {driven}-controlled, because the {driven} is the one that looks driven."]
