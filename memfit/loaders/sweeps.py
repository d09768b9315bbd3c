"""Tables of current against voltage into sweeps: time and scan rate, loops, compliance.

Time is the file's column; else |dV| / scan rate; else the curve is quasi-steady, with a warning.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets.records import IVSweep
from memfit.loaders.raw import Reading, Stated
from memfit.loaders.shapes import loop_starts, time_fault
from memfit.protocols import Control, Drive, Initial, drive_from_samples
from memfit.units import format_quantity

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
    keep, limit_notes = _below_limit(reading, current if control == "voltage" else voltage, control)
    notes += [*table.notes, *limit_notes]
    time, time_notes = _time(reading, voltage if control == "voltage" else current)
    driven = voltage if control == "voltage" else current
    starts = loop_starts(driven) if settings.split and table.drive is None else [0]
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
        if rate is None or (
            settings.scan_rate is None and table.scan_rate is None and "time" in table.columns
        ):
            rate = measured_rate(time, driven)
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
            return time - time[0], notes
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


def _below_limit(reading: Reading, measured: FloatArray, control: Control) -> tuple[BoolArray, list[str]]:
    """Points to keep: those below the stated limit of the measured quantity."""
    keep = np.ones(measured.size, dtype=bool)
    limit = reading.settings.compliance or reading.table.compliance
    if limit is None or limit <= 0:
        return keep, []
    hit = np.abs(measured) >= 0.998 * limit
    count = int(np.count_nonzero(hit))
    if count == 0:
        return keep, []
    shown = format_quantity(limit, "A" if control == "voltage" else "V")
    if measured.size - count < 3:
        return keep, [f"Nearly all points are at the limit of {shown}."]
    return ~hit, [f"{count} points at the limit of {shown} were left out."]
