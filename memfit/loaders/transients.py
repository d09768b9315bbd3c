"""Tables against time into transients: what was driven, the drive, segments where the clock restarts."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.records import PulseTransient
from memfit.loaders.raw import Reading
from memfit.loaders.sweeps import is_pulse_program, pick_current, pulse_starts
from memfit.loaders.tables.shapes import begins_unsteady, find_control, time_fault
from memfit.protocols import Control, Drive, Initial, drive_from_samples

_MIN_POINTS = 3
_SOON = 0.01
"""Of a record's length: a first sample so soon after t = 0 belongs to what began at t = 0."""
_UNSTEADY = (
    "The response moves from the first sample on, while the drive stands still: the state at the start is "
    'fitted. If the device had rested without a drive, say initial = "rest".'
)
_ROUNDED = 0.05
"""Share of repeated times beyond which a note says that the clock is coarse."""


def make_transients(reading: Reading) -> Iterator[PulseTransient]:
    """Transients of a table, one per run of the clock.

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
    for number, (first, last) in enumerate(runs, start=1):
        rows = slice(first, last)
        part = f"segment {number} of {len(runs)}" if len(runs) > 1 else ""
        whole = _make(
            reading,
            part=part,
            control=control,
            notes=notes,
            time=time[rows] + settings.time_offset,
            voltage=None if voltage is None else voltage[rows],
            current=None if current is None else current[rows],
        )
        yield from _pulse_by_pulse(reading, whole) if is_pulse_program(whole.drive) else (whole,)


def _pulse_by_pulse(reading: Reading, whole: PulseTransient) -> Iterator[PulseTransient]:
    """The pulses of a program where device.toml asks for them; else the whole, and a note."""
    starts = pulse_starts(whole.drive, whole.time)
    count = len(starts) + 1
    if reading.settings.split is not True:
        note = (
            f"A program of {count} pulses, kept in one record because the device remembers; "
            "`split = true` in device.toml parts it."
        )
        yield replace(whole, notes=(*whole.notes, note))
        return
    edges = [0, *starts, whole.points - 1]
    for number, (first, last) in enumerate(pairwise(edges), start=1):
        rows = np.arange(first, last + 1)
        if rows.size < _MIN_POINTS:
            continue
        drive = _between(whole.drive, float(whole.time[first]), float(whole.time[last]), first=number == 1)
        notes = whole.notes
        if number > 1:
            notes = (*notes, "What the pulse before left behind is unknown: the first state is fitted.")
        part = ", ".join(word for word in (whole.origin.part, f"pulse {number} of {count}") if word)
        yield replace(
            whole, drive=drive, notes=notes, origin=replace(whole.origin, part=part), time=whole.time[rows],
            voltage=None if whole.voltage is None else whole.voltage[rows],
            current=None if whole.current is None else whole.current[rows],
        )  # fmt: skip


def _between(drive: Drive, start: float, end: float, *, first: bool) -> Drive:
    """A drive from one time to another; but for the first part nothing is known of the state before."""
    inside = (drive.time > start) & (drive.time < end)
    time = np.concatenate([[start], drive.time[inside], [end]])
    value = np.concatenate([drive.at([start]), drive.value[inside], drive.at([end])])
    return Drive(drive.control, time, value, drive.initial if first else "free")


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


def _make(
    reading: Reading,
    *,
    part: str,
    control: Control,
    time: FloatArray,
    voltage: FloatArray | None,
    current: FloatArray | None,
    notes: list[str],
) -> PulseTransient:
    """One transient with its drive, then only the points that device.toml asks for."""
    settings = reading.settings
    measured = current if control == "voltage" else voltage
    if measured is None:
        word = "current" if control == "voltage" else "voltage"
        raise reading.error(
            f"expected a column of the {word}, which is what is measured under {control} control."
        )
    drive = _drive(reading, control, time, voltage if control == "voltage" else current, measured)
    if drive.initial == "free" and not (settings.initial or reading.table.initial):
        notes = [*notes, _UNSTEADY]
    transient = PulseTransient(
        name=reading.record_name,
        origin=reading.origin(part),
        metadata=dict(reading.table.metadata),
        notes=tuple(notes),
        time=time,
        voltage=voltage,
        current=current,
        drive=drive,
    )
    keep = np.ones(time.size, dtype=bool)
    for role, (low, high) in settings.use.items():
        values = {"time": time, "voltage": voltage, "current": current}.get(role)
        if values is not None:
            keep &= (values >= low) & (values <= high)
    if keep.all():
        return transient
    if not keep.any():
        raise reading.error("`use` in device.toml leaves no point of this transient.")
    left_out = int(np.count_nonzero(~keep))
    return transient.select(keep, f"{left_out} points were left out as `use` in device.toml asks.")


def _drive(
    reading: Reading,
    control: Control,
    time: FloatArray,
    driven: FloatArray | None,
    response: FloatArray,
) -> Drive:
    """What was applied: device.toml's waveform, the file's statement, or the samples."""
    table, settings = reading.table, reading.settings
    stated = settings.initial or table.initial
    if settings.waveform:
        at, value = np.array(settings.waveform, dtype=np.float64).T
        return _with_start(Drive(control, at + settings.time_offset, value), stated, time, response)
    if table.drive is not None:
        stated = stated or table.drive.initial
        return Drive(control, table.drive.time + settings.time_offset, table.drive.value, stated)
    applied = table.columns.get(f"applied_{control}")
    if applied is not None and applied.size == time.size:
        driven = applied
    if driven is None:
        raise reading.error(
            f"expected a column of the {control} that was applied, or `waveform` in device.toml."
        )
    return _with_start(drive_from_samples(control, time, driven), stated, time, response)


def _with_start(drive: Drive, stated: Initial | None, time: FloatArray, response: FloatArray) -> Drive:
    """The drive with the state in which the record begins.

    A device cannot be steady while its response moves under a drive that stands still: such a record begins
    anywhere. A record from rest whose first sample is just after t = 0 was switched on at t = 0.
    """
    if stated is None:
        stated = "free" if begins_unsteady(drive, time, response) else "steady"
    first, gap = float(drive.time[0]), float(time[1] - time[0])
    if stated == "rest" and 0.0 < first <= max(_SOON * float(time[-1] - time[0]), 1.5 * gap):
        return Drive(
            drive.control, np.append(0.0, drive.time), np.append(drive.value[0], drive.value), stated
        )
    return replace(drive, initial=stated)


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
    if voltage is None or current is None:
        raise reading.error(
            "expected `control` (current or voltage) in device.toml or a line `# control: voltage`, because "
            f"only the {'current' if voltage is None else 'voltage'} is recorded."
        )
    found = find_control(voltage, current)
    if found is None:
        raise reading.error(
            "expected `control` (current or voltage) in device.toml or a line `# control: voltage`: the "
            "columns do not show which of the two was driven."
        )
    return found, [f"Taken as {found}-controlled, because the {found} is the one that looks driven."]
