"""The drive of a record, as a fit may take it: as read, in steps, from an unknown state.

When the model is asked, and what is made of its answers, where the record is a ratio.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memfit.arrays import FloatArray, IntArray
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, Record
from memfit.errors import InputError
from memfit.protocols import Drive, held_until_sampled

if TYPE_CHECKING:
    from memfit.model.transient import Response


def drive_of(record: Record) -> Drive | None:
    """The drive of a record in time; None for spectra and quasi-steady sweeps."""
    return None if isinstance(record, ImpedanceSpectrum) else record.drive


def drive_of_timed(record: Record) -> Drive:
    """The drive of a record in time.

    Raises
    ------
    InputError
        The record has none.
    """
    drive = drive_of(record)
    if drive is None:
        raise InputError(f"{record.name}: expected a record in time, found one without a drive.")
    return drive


def sample_before(record: Record, jump: float) -> float:
    """Interval (s) between the sample at a jump and the one before; 0 where no sample lies on the jump."""
    if isinstance(record, ImpedanceSpectrum) or record.time is None:
        return 0.0
    i = int(np.searchsorted(record.time, jump))
    on_jump = 0 < i < record.points and record.time[i] == jump
    return float(record.time[i] - record.time[i - 1]) if on_jump else 0.0


def free_start(record: Record) -> bool:
    """Whether the record begins in an unknown state."""
    drive = drive_of(record)
    return drive is not None and drive.initial == "free"


def is_ramp(record: Record) -> bool:
    """Whether a sweep is driven by lines on which many samples lie, of ten at least."""
    return (
        isinstance(record, IVSweep)
        and record.time is not None
        and record.drive is not None
        and record.points >= 10
        and record.drive.jumps.size < record.points // 2
    )


def is_staircase(record: Record) -> bool:
    """Whether the drive of a sweep steps with its samples."""
    drive = drive_of(record)
    return isinstance(record, IVSweep) and drive is not None and drive.jumps.size >= record.points - 1


def as_staircase(record: Record) -> Record:
    """The sweep with a drive that steps after each of its samples; any other record as it is."""
    if not is_ramp(record) or not isinstance(record, IVSweep) or record.time is None or record.drive is None:
        return record
    driven = record.voltage if record.control == "voltage" else record.current
    drive = held_until_sampled(record.control, record.time, driven, initial=record.drive.initial)
    return replace(record, drive=drive)


def begins_anywhere(record: Record) -> Record:
    """The record with an initial state that is not known."""
    drive = drive_of(record)
    if drive is None or isinstance(record, ImpedanceSpectrum):
        return record
    return replace(record, drive=replace(drive, initial="free"))


@dataclass(frozen=True)
class Jumping:
    """A record whose drive jumps on samples."""

    record: int
    gaps: tuple[float, ...]
    """Of each jump: time, s, between the sample on it and the one before; 0 where no sample lies on it."""
    shifts_whole: bool
    """Whether its drive is nothing but these jumps, so that moving all of them is a shift in time."""

    @classmethod
    def of(cls, k: int, record: Record) -> "Jumping":
        """Record k."""
        drive = drive_of_timed(record)
        gaps = tuple(sample_before(record, float(jump)) for jump in drive.jumps)
        flat = not np.any(np.diff(drive.value)[np.diff(drive.time) > 0])
        return cls(k, gaps, bool(flat and drive.initial == "steady" and all(gaps)))

    def gap(self, e: int) -> float:
        """The gap of jump e if it has to be moved by itself, else 0."""
        by_itself = e < len(self.gaps) - self.shifts_whole
        return self.gaps[e] if by_itself else 0.0


@dataclass(frozen=True)
class Pairs:
    """Both responses of each pair of pulses, and their ratio."""

    first: FloatArray
    """(n,) A or V."""
    ratio: FloatArray
    """(n,) the second over the first."""

    @classmethod
    def of(cls, record: Record, values: FloatArray) -> "Pairs | None":
        """Those of paired pulses; None for any other record.

        Parameters
        ----------
        record : Record
        values : (2 n,) array, A or V
            At the times of `sampled_at`: the first and the second of each pair by turns.
        """
        if record.kind != "paired_pulse":
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            return cls(values[0::2], values[1::2] / values[0::2])

    def slopes(self, by: FloatArray) -> FloatArray:
        """(n, ...) derivatives of the ratio from those of the responses, (2 n, ...)."""
        across = (-1, *[1] * (by.ndim - 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            result: FloatArray = (by[1::2] - self.ratio.reshape(across) * by[0::2]) / self.first.reshape(
                across
            )
        return result


def sampled_at(record: Record, time: FloatArray) -> FloatArray:
    """Times, s, at which the model is asked: of paired pulses those of both responses.

    Parameters
    ----------
    record : Record
    time : (n,) array, s
        Of the record.
    """
    first = getattr(record, "first", None)
    return time if first is None else np.column_stack([first, time]).ravel()


def rows_of(
    response: "Response", offsets: IntArray, records: Sequence[Record], slopes: bool
) -> tuple[FloatArray, ...]:
    """Values at the points of some records, and their derivatives: of paired pulses those of the ratio.

    Parameters
    ----------
    response : Response
        At the times of `sampled_at`.
    offsets : (r + 1,) array
        Where each record begins in it.
    records : sequence of Record
    slopes : bool
        Whether derivatives by parameters, first states and time are wanted as well.
    """
    columns: tuple[FloatArray, ...] = (response.values,)
    if slopes:
        columns += response.by_parameters, response.by_initial, response.by_time
    if all(record.kind != "paired_pulse" for record in records):
        return columns
    rows = []
    for record, begin, end in zip(records, offsets[:-1], offsets[1:], strict=True):
        first, *others = (column[begin:end] for column in columns)
        pairs = Pairs.of(record, first)
        rows.append((first, *others) if pairs is None else (pairs.ratio, *map(pairs.slopes, others)))
    return tuple(np.concatenate(column) for column in zip(*rows, strict=True))
