"""What sampled curves look like: which one was driven, whether it sweeps, where loops begin.

A driven quantity is cleaner than the response, or stands on few levels; a sweep moves in many small steps.
"""

import math
from itertools import pairwise
from typing import Literal

import numpy as np

from memfit.arrays import FloatArray
from memfit.noise_estimate import distance_from_neighbours, typical
from memfit.protocols import Control, Drive

_LEVELS = 200
"""Bins across the range in which the levels of a curve are counted."""
_CLEANER = 10.0
"""A curve this many times less noisy than the other, relative to its range, is the driven one."""
_LEAST_STEPS, _ONE_SIZE = 6, 0.01
"""Steps of a sweep whose sizes are compared, and by how much they may differ, relative."""
_RUN = 5
"""Rows that must repeat others together."""
_BLOCKS = 8
"""Parts, ever longer, in which the course before the first change of a drive is judged."""
_STANDARD_ERRORS = 8.0

TimeFault = Literal["", "constant", "coarse"]


def relative_noise(values: FloatArray) -> float:
    """Median scatter of a curve about its neighbours, as a share of its range (0 for a constant).

    Parameters
    ----------
    values : (n,) array
        In the order in which they were measured, any unit.
    """
    span = float(np.ptp(values))
    if values.size < 3 or span == 0:
        return 0.0
    return typical(distance_from_neighbours(values, reach=1)) / span


def _occupied_levels(values: FloatArray) -> int:
    """Number of bins of the curve's range that hold more than one in a thousand samples."""
    span = float(np.ptp(values))
    if span == 0:
        return 1
    counts, _ = np.histogram(values, bins=_LEVELS)
    return int(np.count_nonzero(counts > values.size / 1000))


def find_control(voltage: FloatArray, current: FloatArray) -> Control | None:
    """Which of the two was driven; None if the curves do not tell.

    The cleaner one; where both are clean, the one on fewer levels.

    Parameters
    ----------
    voltage, current : (n,) array, V and A
    """
    if np.ptp(voltage) == 0 or np.ptp(current) == 0:
        if np.ptp(voltage) == np.ptp(current) == 0:
            return None
        return "voltage" if np.ptp(voltage) == 0 else "current"
    noise_v, noise_i = relative_noise(voltage), relative_noise(current)
    floor = 1e-7
    if max(noise_v, noise_i) > _CLEANER * max(min(noise_v, noise_i), floor):
        return "voltage" if noise_v < noise_i else "current"
    levels_v, levels_i = _occupied_levels(voltage), _occupied_levels(current)
    if max(levels_v, levels_i) >= 2 * min(levels_v, levels_i):
        return "voltage" if levels_v < levels_i else "current"
    return None


def has_equal_steps(values: FloatArray) -> bool:
    """Whether a quantity moves by steps of one size, as a source that sweeps does.

    Parameters
    ----------
    values : (n,) array
        In the order in which they were measured, any unit.
    """
    steps = np.abs(np.diff(values))
    moving = steps[steps > 1e-3 * steps.max(initial=0.0)]
    if moving.size < max(_LEAST_STEPS, steps.size // 2):
        return False
    return bool(np.ptp(moving) < _ONE_SIZE * float(np.median(moving)))


def _small_step_share(values: FloatArray) -> float:
    """Share of the whole up-and-down that is made in steps below a tenth of the range."""
    steps = np.abs(np.diff(values))
    total = float(steps.sum())
    if total == 0:
        return 0.0
    noise = 3 * relative_noise(values) * float(np.ptp(values))
    moving = steps[steps > noise]
    return float(moving[moving < 0.1 * np.ptp(values)].sum() / max(moving.sum(), np.finfo(float).tiny))


def is_sweep(voltage: FloatArray, current: FloatArray) -> bool | None:
    """True for a sweep, False for pulses or steps, None if the curves do not tell.

    Parameters
    ----------
    voltage, current : (n,) array, V and A
    """
    if min(voltage.size, current.size) < 4:
        return None
    driven = find_control(voltage, current)
    for control, values in (("current", current), ("voltage", voltage)):
        if driven in (control, None) and _on_few_levels(values):
            return False
    drive = voltage if driven != "current" else current
    moved = np.count_nonzero(np.abs(np.diff(drive)) > 1e-3 * np.ptp(drive) / drive.size)
    if _small_step_share(drive) > 0.9 and moved > 0.5 * drive.size:
        return True
    steps = np.abs(np.diff(drive))  # a coarse ramp: all of one size, a quarter of the range or less
    equal = steps.min() > 0.99 * steps.max() and steps.max() <= 0.2501 * np.ptp(drive)
    return True if equal else None


def _on_few_levels(values: FloatArray) -> bool:
    """True for a curve that jumps between plateaus."""
    if np.ptp(values) == 0:
        return True
    few = _occupied_levels(values) <= min(20, values.size // 4)
    return few and _small_step_share(values) < 0.3


def turning_points(values: FloatArray, threshold: float) -> list[int]:
    """Indices of the extremes that stand out, the ends included.

    Parameters
    ----------
    values : (n,) array
    threshold : float
        In the unit of the values: less is scatter.
    """
    turns = [0]
    low = high = 0
    direction = 0
    for i in range(1, values.size):
        if values[i] > values[high]:
            high = i
        if values[i] < values[low]:
            low = i
        if direction >= 0 and values[high] - values[i] > threshold:
            if high > turns[-1]:
                turns.append(high)
            direction, low, high = -1, i, i
        elif direction <= 0 and values[i] - values[low] > threshold:
            if low > turns[-1]:
                turns.append(low)
            direction, low, high = 1, i, i
    return [*turns, values.size - 1] if turns[-1] < values.size - 1 else turns


def loop_starts(values: FloatArray) -> list[int]:
    """Indices at which a swept quantity comes back to its start value in its first direction.

    Parameters
    ----------
    values : (n,) array

    Returns
    -------
    list of int
        The first sample of every loop, 0 included.
    """
    span = float(np.ptp(values))
    if values.size < 8 or span == 0:
        return [0]
    turns = turning_points(values, 0.05 * span)
    start, first = values[0], np.sign(values[turns[1]] - values[0]) if len(turns) > 1 else 0
    tolerance = max(1e-6 * span, 0.5 * float(np.median(np.abs(np.diff(values)))))
    starts = [0]
    for a, b in pairwise(turns[1:]):
        if np.sign(values[b] - values[a]) != first:
            continue
        inside = np.flatnonzero((values[a : b + 1] - start) * first >= -tolerance)
        if inside.size == 0 or (values[a] - start) * first > 0.25 * span:
            continue
        at = a + int(inside[0])
        while at < b and abs(values[at + 1] - values[at]) < 0.01 * tolerance:
            at += 1
        if at - starts[-1] >= 6 and values.size - at >= max(6, 0.1 * (at - starts[-1])):
            starts.append(at)
    return starts


def repeated_rows(*columns: FloatArray) -> int:
    """How many rows repeat earlier ones, in the same order and to the last digit, five or more together.

    Parameters
    ----------
    *columns : (n,) arrays
    """
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    seen: set[tuple[tuple[float, ...], ...]] = set()
    again: set[int] = set()
    for i in range(len(rows) - _RUN + 1):
        run = tuple(rows[i : i + _RUN])
        if run in seen and len(set(run)) == _RUN:
            again.update(range(i, i + _RUN))
        seen.add(run)
    return len(again)


def time_fault(time: FloatArray) -> TimeFault:
    """Whether a time column was destroyed by rounding: constant, or most steps zero.

    Parameters
    ----------
    time : (n,) array, s

    Returns
    -------
    {"", "constant", "coarse"}
        Empty where nothing is wrong, and below three points.
    """
    if time.size < 3:
        return ""
    if np.ptp(time) == 0:
        return "constant"
    still = np.count_nonzero(np.diff(time) == 0)
    return "coarse" if still > 0.5 * time.size else ""


def begins_unsteady(drive: Drive, time: FloatArray, response: FloatArray) -> bool:
    """Whether the response moves, beyond its noise, before the drive changes for the first time.

    Compared are the medians of blocks whose lengths double, so that fast and slow relaxation both show.

    Parameters
    ----------
    drive : Drive
    time, response : (n,) array, s and A or V
    """
    level = float(np.ptp(drive.value)) or abs(float(drive.value[0])) or 1.0
    moved = np.flatnonzero(np.abs(drive.value - drive.value[0]) > 0.01 * level)
    end = int(np.searchsorted(time, drive.time[moved[0] - 1])) if moved.size else time.size
    still = response[:end]
    if still.size < 2 * _BLOCKS:
        return False
    noise = relative_noise(still) * float(np.ptp(still))
    cuts = np.unique(np.geomspace(2, still.size, _BLOCKS).astype(int))
    blocks = [still[a:b] for a, b in pairwise([0, *cuts]) if b - a >= 2]
    last, least = float(np.median(blocks[-1])), 1e-3 * float(np.ptp(response))
    return any(
        abs(float(np.median(block)) - last)
        > max(_STANDARD_ERRORS * 1.2533 * noise / math.sqrt(block.size), least)
        for block in blocks[:-1]
    )
