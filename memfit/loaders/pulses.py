"""The pulses of a drive: stretches away from its base, and within them every level of its own.

The base is the level at which the drive begins; but the last one where the drive jumps to it from a first
that is farther from zero, so that a record which begins inside a pulse shows that pulse.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.protocols import Drive

_AWAY = 0.05
"""Share of the drive's range that counts as away from the base, or as another level."""
_LEAST_REST = 0.1
"""Rest between pulses, relative to their length, below which a drive is a wave."""


@dataclass(frozen=True)
class Pulse:
    """A stretch in which a drive is away from its base, at one level or in one course."""

    start: float
    """s."""
    end: float
    """s."""
    level: float
    """The value farthest from the base, A or V."""


def stretches(mask: BoolArray) -> list[tuple[int, int]]:
    """First index of each run of True and the index behind it.

    Parameters
    ----------
    mask : (n,) array of bool
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _base(drive: Drive) -> float:
    """The level of rest (A or V)."""
    first, last, span = float(drive.value[0]), float(drive.value[-1]), float(np.ptp(drive.value))
    if not abs(last) < abs(first) - _AWAY * span:
        return first
    held = int(np.argmax(np.abs(drive.value - first) > _AWAY * span))  # the first vertex at another level
    jumps = drive.time[held] == drive.time[held - 1]
    return last if jumps and abs(drive.value[held] - last) <= _AWAY * span else first


def _excursions(drive: Drive) -> list[tuple[int, int]]:
    """First vertex of each stretch away from the base, and the one behind it."""
    span = float(np.ptp(drive.value))
    return [] if span == 0.0 else stretches(np.abs(drive.value - _base(drive)) > _AWAY * span)


def _pulse(drive: Drive, first: int, behind: int) -> Pulse:
    """The pulse of some vertices."""
    values = drive.value[first:behind]
    level = float(values[np.argmax(np.abs(values - _base(drive)))])
    end = drive.time[behind] if behind < drive.time.size else drive.time[-1]
    return Pulse(float(drive.time[max(first - 1, 0)]), float(end), level)


def find_pulses(drive: Drive) -> tuple[Pulse, ...]:
    """The pulses of a drive, in order; one that is still on at the end counts.

    A set that is followed by a reset is two pulses, and so are two levels with a jump between them.

    Parameters
    ----------
    drive : Drive
    """
    away = drive.value - _base(drive)
    jump = np.append(False, (np.diff(drive.time) == 0) & (np.abs(np.diff(away)) > _AWAY * np.ptp(away)))
    turned = np.append(False, away[1:] * away[:-1] < 0)
    parts = [
        cut
        for first, behind in _excursions(drive)
        for cut in pairwise([first, *(k for k in range(first + 1, behind) if jump[k] or turned[k]), behind])
    ]
    return tuple(_pulse(drive, *part) for part in parts)


def begins_inside(drive: Drive) -> Pulse | None:
    """The pulse in which a drive begins, if it does.

    Parameters
    ----------
    drive : Drive
    """
    first = next(iter(find_pulses(drive)), None)
    return first if first is not None and _excursions(drive)[0][0] == 0 else None


def pulse_starts(drive: Drive, time: FloatArray) -> list[int]:
    """Index of the last sample before each pulse but the first, where a program of pulses can be parted.

    Parameters
    ----------
    drive : Drive
    time : (n,) array, s
        Of the samples.

    Returns
    -------
    list of int
        Empty where the drive is one pulse, or a wave that never rests.
    """
    pulses = [_pulse(drive, *part) for part in _excursions(drive)]
    if len(pulses) < 2:
        return []
    rests = [after.start - before.end for before, after in pairwise(pulses)]
    usual = float(np.median([pulse.end - pulse.start for pulse in pulses]))
    if min(rests) <= _LEAST_REST * usual:
        return []
    return [max(int(np.searchsorted(time, pulse.start, side="left")) - 1, 0) for pulse in pulses[1:]]
