"""Long programs: the pulses of a drive, and plateaus where an instrument held its limit.

A pulse is a stretch in which the drive is away from where it began. A limit that no file states shows as a
plateau of the measured quantity that begins with a kink while the drive goes on: a device that saturates
comes to its plateau smoothly, and its leakage goes on rising.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.protocols import Drive

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
