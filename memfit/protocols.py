"""What the instrument applied: a bias with its frequencies, or any piecewise-linear drive.

A drive is a polygon through (time, value); a repeated time is a jump, and at the jump the new value
holds (right-continuous). Before the first time and after the last one the end values hold.
Signs: current into the device positive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from memfit.arrays import FloatArray, frozen_floats
from memfit.errors import InputError
from memfit.noise_estimate import distance_from_neighbours, local_roughness, typical
from memfit.units import as_si

Control = Literal["current", "voltage"]
"""What the instrument sets: the current through, or the terminal voltage across the device."""

Initial = Literal["steady", "rest", "free"]
"""The state at the start: steady at the first drive value, steady at zero drive, or unknown (fitted)."""

Values = npt.NDArray[Any] | Sequence[float | str]
"""Of what the instrument sets: numbers in A or V, or texts with their units."""
_NO_CONTROL = 'A drive is controlled by "current" or "voltage", not by {!r}.'


@dataclass(frozen=True, eq=False)
class Drive:
    """A piecewise-linear drive of current (A) or terminal voltage (V).

    Parameters
    ----------
    control : {"current", "voltage"}
    time : (n,) array, s
        Break points, non-decreasing; the same time twice is a jump.
    value : (n,) array, A or V
    initial : {"steady", "rest", "free"}
        State of the device at the first time.

    Raises
    ------
    InputError
        Lengths differ, values are not finite, or time runs backward.
    """

    control: Control
    time: FloatArray
    value: FloatArray
    initial: Initial = "steady"

    def __post_init__(self) -> None:
        """Freeze the arrays and check them."""
        object.__setattr__(self, "time", frozen_floats(self.time))
        object.__setattr__(self, "value", frozen_floats(self.value))
        if self.control not in ("current", "voltage"):
            raise InputError(_NO_CONTROL.format(self.control))
        if self.initial not in ("steady", "rest", "free"):
            raise InputError(f'The initial state is "steady", "rest" or "free", not {self.initial!r}.')
        if self.time.ndim != 1 or self.time.shape != self.value.shape or self.time.size == 0:
            raise InputError(
                "A drive needs as many times as values, at least one of each; "
                f"found {self.time.shape} times and {self.value.shape} values."
            )
        bad = np.flatnonzero(~(np.isfinite(self.time) & np.isfinite(self.value)))
        if bad.size:
            raise InputError(
                f"A drive needs finite times and values; point {bad[0] + 1} is "
                f"({self.time[bad[0]]}, {self.value[bad[0]]})."
            )
        back = np.flatnonzero(np.diff(self.time) < 0)
        if back.size:
            i = int(back[0])
            raise InputError(
                f"The time of a drive must not run backward; point {i + 2} is at {self.time[i + 1]:g} s "
                f"after {self.time[i]:g} s."
            )

    def at(self, time: npt.ArrayLike) -> FloatArray:
        """The drive, A or V; at a jump the new value.

        Parameters
        ----------
        time : array, s
        """
        time = np.asarray(time, dtype=np.float64)
        left = np.clip(np.searchsorted(self.time, time, side="right") - 1, 0, self.time.size - 1)
        right = np.minimum(left + 1, self.time.size - 1)
        span = self.time[right] - self.time[left]
        inside = (span > 0) & (time > self.time[left])
        fraction = np.where(inside, (time - self.time[left]) / np.where(span > 0, span, 1.0), 0.0)
        result: FloatArray = self.value[left] + fraction * (self.value[right] - self.value[left])
        return result

    def rate(self, time: npt.ArrayLike) -> FloatArray:
        """The slope just after each time, A/s or V/s; zero outside the polygon.

        Parameters
        ----------
        time : array, s
        """
        time = np.asarray(time, dtype=np.float64)
        left = np.searchsorted(self.time, time, side="right") - 1
        inside = (left >= 0) & (left < self.time.size - 1)
        left = np.clip(left, 0, max(self.time.size - 2, 0))
        right = np.minimum(left + 1, self.time.size - 1)
        span = self.time[right] - self.time[left]
        slope = (self.value[right] - self.value[left]) / np.where(span > 0, span, 1.0)
        result: FloatArray = np.where(inside & (span > 0), slope, 0.0)
        return result

    @property
    def jumps(self) -> FloatArray:
        """(j,) times (s) at which the drive jumps."""
        result: FloatArray = self.time[1:][(np.diff(self.time) == 0) & (np.diff(self.value) != 0)]
        return result


@dataclass(frozen=True)
class SmallSignal:
    """Frequencies (Hz) of a small sine on top of a dc bias: terminal voltage (V) or current (A)."""

    control: Control
    bias: float
    frequency: FloatArray


def pulse(
    control: Control,
    amplitude: float | str,
    *,
    on: float | str,
    off: float | str,
    end: float | str,
    base: float | str = 0.0,
    start: float | str = 0.0,
) -> Drive:
    """A rectangular pulse: pulse("current", "20 uA", on="50 ms", off="0.4 s", end="0.8 s").

    Parameters
    ----------
    control : {"current", "voltage"}
    amplitude, base : float, A or V, or text with unit
        During the pulse, and before and after it.
    on, off : float, s, or text with unit
        When it begins and ends.
    start, end : float, s, or text with unit
        When the record does.
    """
    begin, width = as_si(on, "time"), as_si(off, "time") - as_si(on, "time")
    return pulse_train(
        control, amplitude, on=begin, width=width, period=0.0, count=1, end=end, base=base, start=start
    )


def pulse_train(
    control: Control,
    amplitude: float | str,
    *,
    on: float | str,
    width: float | str,
    period: float | str,
    count: int,
    end: float | str,
    base: float | str = 0.0,
    start: float | str = 0.0,
) -> Drive:
    """Rectangular pulses, all alike.

    Parameters
    ----------
    control : {"current", "voltage"}
    amplitude, base : float, A or V, or text with unit
        During the pulses, and before, between and after them.
    on : float, s, or text with unit
        When the first one begins.
    width, period : float, s, or text with unit
        Of a pulse, and from one to the next.
    count : int
    start, end : float, s, or text with unit
        When the record begins and ends.

    Raises
    ------
    InputError
        There is no pulse, or they overlap.
    """
    on, width, period, start, end = (as_si(one, "time") for one in (on, width, period, start, end))
    amplitude, base = _values(control, [amplitude, base])
    if count < 1 or width <= 0 or (count > 1 and period < width):
        raise InputError(
            "A pulse train needs count >= 1, width > 0 and period >= width; "
            f"found count={count}, width={width:g} s, period={period:g} s."
        )
    rise = on + period * np.arange(count)
    edges = np.column_stack([rise, rise, rise + width, rise + width]).ravel()
    levels = np.tile([base, amplitude, amplitude, base], count)
    return Drive(control, np.concatenate([[start], edges, [end]]), np.concatenate([[base], levels, [base]]))


def sweep(control: Control, vertices: Values, *, rate: float | str, start: float | str = 0.0) -> Drive:
    """Linear sweeps from vertex to vertex, as in an I-V loop.

    Parameters
    ----------
    control : {"current", "voltage"}
    vertices : (n,) array, A or V, or texts with unit
    rate : float, A/s or V/s, or text with unit
    start : float, s, or text with unit

    Raises
    ------
    InputError
        The rate is not above zero.
    """
    corners = _values(control, vertices)
    rate, start = as_si(rate, f"{control}_rate"), as_si(start, "time")
    if not rate > 0:
        raise InputError(f"A scan rate must be positive; found {rate:g}.")
    time = start + np.concatenate([[0.0], np.cumsum(np.abs(np.diff(corners)))]) / rate
    return Drive(control, time, corners)


def staircase(control: Control, levels: Values, *, dwell: float | str, start: float | str = 0.0) -> Drive:
    """Constant levels with jumps between them.

    Parameters
    ----------
    control : {"current", "voltage"}
    levels : (n,) array, A or V, or texts with unit
    dwell : float, s, or text with unit
        How long each is held.
    start : float, s, or text with unit
    """
    values = _values(control, levels)
    edges = as_si(start, "time") + as_si(dwell, "time") * np.arange(values.size + 1)
    return Drive(control, np.repeat(edges, 2)[1:-1], np.repeat(values, 2))


def _values(control: Control, values: Values) -> FloatArray:
    """(n,) values of what the instrument sets, texts with units among them, A or V."""
    if control not in ("current", "voltage"):
        raise InputError(_NO_CONTROL.format(control))
    if isinstance(values, list | tuple):
        values = [as_si(one, control) if isinstance(one, str) else one for one in values]
    return np.asarray(values, dtype=np.float64)


def drive_from_samples(
    control: Control,
    time: npt.ArrayLike,
    value: npt.ArrayLike,
    *,
    tolerance: float | None = None,
    initial: Initial = "steady",
) -> Drive:
    """The simplest drive that explains sampled values of the controlled quantity.

    A step between two samples becomes a jump at the first sample that shows the new level (when in
    between it happened is not in the data). Between jumps the samples are thinned to the fewest
    vertices that stay within `tolerance`, and the values at the vertices are fitted by least squares,
    so that the noise of a read-back source does not enter the drive.

    Parameters
    ----------
    control : {"current", "voltage"}
    time : (n,) array, s
        Non-decreasing.
    value : (n,) array, A or V
    tolerance : float, optional
        Largest distance (A or V) of a sample from the drive. By default five times the noise of the samples,
        or of those around a sample where that is far less: in a sweep over decades.
    initial : {"steady", "rest", "free"}

    Raises
    ------
    InputError
        As for `Drive`.
    """
    sampled = Drive(control, frozen_floats(time), frozen_floats(value), initial)
    t, v = sampled.time, sampled.value
    if t.size < 3 or np.ptp(v) == 0.0:
        return sampled if np.ptp(v) > 0.0 else Drive(control, t[[0, -1]], v[[0, -1]], initial)
    if tolerance is None:
        quantile = 0.25 if t.size < _FEW_SAMPLES else 0.5
        noise = typical(distance_from_neighbours(v, t, reach=1), quantile)
        coarse = max(5.0 * noise, 1e-9 * float(np.ptp(v)))
    else:
        coarse = tolerance
    fine = _local_tolerance(t, v, coarse) if tolerance is None else np.full(t.size, tolerance)
    times: list[FloatArray] = []
    values: list[FloatArray] = []
    edges = _jumps(t, v, coarse)
    for first, last in zip([0, *edges], [*edges, t.size], strict=True):
        at, level = _polygon(t[first:last], v[first:last], fine[first:last])
        if last < t.size:  # hold the old course until the jump
            slope = (level[-1] - level[-2]) / (at[-1] - at[-2]) if at.size > 1 and at[-1] > at[-2] else 0.0
            times.append(np.append(at, t[last]))
            values.append(np.append(level, level[-1] + slope * (t[last] - at[-1])))
        else:
            times.append(at)
            values.append(level)
    return Drive(control, np.concatenate(times), np.concatenate(values), initial)


_AFTER_SAMPLE = 0.02
"""Of the time between two samples: when, after the first, a stepping source takes its next level."""


def held_until_sampled(
    control: Control, time: npt.ArrayLike, value: npt.ArrayLike, *, initial: Initial = "steady"
) -> Drive:
    """The staircase of a source that sets a level, waits, measures, and steps on.

    Parameters
    ----------
    control : {"current", "voltage"}
    time : (n,) array, s
        Of the samples, one at the end of each step; non-decreasing.
    value : (n,) array, A or V
    initial : {"steady", "rest", "free"}

    Raises
    ------
    InputError
        As for `Drive`.
    """
    t, v = np.asarray(time, dtype=np.float64), np.asarray(value, dtype=np.float64)
    step = t[:-1] + _AFTER_SAMPLE * np.diff(t)
    times = np.concatenate([t[:1], np.repeat(step, 2), t[-1:]])
    return Drive(control, times, np.repeat(v, 2), initial)


_FEW_SAMPLES = 64
"""With fewer, most samples may lie beside a jump, and the lower quartile of the distances tells the noise."""


def _jumps(t: FloatArray, v: FloatArray, tolerance: float) -> list[int]:
    """Indices of the first samples after a jump: steps ten times steeper than the courses beside them."""
    step, gap = np.diff(v), np.diff(t) / (float(t[-1] - t[0]) or 1.0)
    slope = np.abs(step) / np.maximum(gap, 1e-15)  # two samples at one time are a jump, of finite slope
    beside = np.zeros_like(slope)
    quiet = np.where(np.abs(step) > 2 * tolerance, slope, 0.0)
    beside[1:] = quiet[:-1]
    beside[:-1] = np.maximum(beside[:-1], quiet[1:])
    return [int(i) + 1 for i in np.flatnonzero((np.abs(step) > 4 * tolerance) & (slope > 10 * beside))]


def _local_tolerance(t: FloatArray, v: FloatArray, coarse: float) -> FloatArray:
    """(n,) distance of each sample from the drive that counts as none."""
    rounding = np.maximum(_DIGITS * np.abs(v), 1e-9 * float(np.ptp(v)))
    around = 5.0 * local_roughness(v, t)
    result: FloatArray = np.maximum(np.where(around < _DECADES * coarse, around, coarse), rounding)
    return result


_DECADES = 0.2
"""Part of the noise of all samples below which that around a sample shows a sweep over decades."""


_DIGITS = 2e-6
"""Part of a value that is rounding: some instruments write six digits."""
_BLOCK = 8192
"""Samples that are thinned together."""


def _polygon(t: FloatArray, v: FloatArray, tolerance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Fewest vertices within `tolerance` of the samples (Douglas-Peucker), values by least squares."""
    from scipy.linalg import solveh_banded  # noqa: PLC0415 - half of the time that a result takes to be read

    starts = [*range(0, t.size - 1, _BLOCK), t.size - 1]  # in blocks, because the search is quadratic
    keep = set(starts) | {0}
    stack = list(pairwise(starts))
    while stack:
        a, b = stack.pop()
        if b - a < 2:
            continue
        width = t[b] - t[a]
        chord = v[a] + (v[b] - v[a]) * ((t[a : b + 1] - t[a]) / width if width > 0 else 0.0)
        beyond = (np.abs(v[a : b + 1] - chord) - tolerance[a : b + 1])[1:-1]
        worst = a + 1 + int(np.argmax(beyond))
        if beyond[worst - a - 1] > 0.0:
            keep.add(worst)
            stack += [(a, worst), (worst, b)]
    vertices = np.array(sorted(keep))
    knots = t[vertices]
    if vertices.size == t.size or np.any(np.diff(knots) <= 0):
        return knots, v[vertices]
    interval = np.clip(np.searchsorted(knots, t, side="right") - 1, 0, knots.size - 2)
    share = (t - knots[interval]) / (knots[interval + 1] - knots[interval])
    banded = np.zeros((2, knots.size))  # normal equations of the hat functions: tridiagonal
    right = np.zeros(knots.size)
    np.add.at(banded[1], interval, (1 - share) ** 2)
    np.add.at(banded[1], interval + 1, share**2)
    np.add.at(banded[0], interval + 1, share * (1 - share))
    np.add.at(right, interval, (1 - share) * v)
    np.add.at(right, interval + 1, share * v)
    return knots, solveh_banded(banded, right)
