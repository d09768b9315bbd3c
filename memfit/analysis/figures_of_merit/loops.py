"""Figures of merit of a current-voltage loop: set, reset, on and off, area, lobes, hysteresis.

A loop is taken apart where the modulus of the voltage is largest: the rising branch leads there, the falling
one back (through zero to the other extreme, if the loop goes there). Every figure is one function of the
samples, the same for a measured loop and for a predicted one at the same times.

Set and reset are where |d ln|I/V|/dV| is largest: the steepest change of the chord conductance. (Of ln|I|
itself the largest slope of any ohmic conductor is at 0 V, 1/V, and says nothing.) Slopes are those of
straight lines through the samples in a window of the voltage, so that noise does not decide.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.integrate import trapezoid

from memfit.arrays import BoolArray, FloatArray


@dataclass(frozen=True)
class Settings:
    """Numbers of the definitions."""

    window: float = 0.15
    """Width of the straight lines, of the largest voltage of the loop."""
    least_voltage: float = 0.2
    """Of it, below which neither set nor reset is looked for: there I/V is noise and displacement current."""
    least_current: float = 1e-3
    """Of the largest current: ln|I| of less says nothing."""
    fewest: int = 5
    """Samples of a straight line,"""
    spread: float = 1e-3
    """and their least variance in half widths."""
    lobe: float = 0.05
    """Part of the area between the branches that makes a lobe."""
    grid: int = 81
    """Voltages at which the branches are compared."""
    fine: int = 9
    """Places around the steepest one."""
    closed: float = 0.02
    """Of the span: how far the ends of a loop may lie apart."""


SETTINGS = Settings()


@dataclass(frozen=True, kw_only=True, eq=False)
class Loop:
    """One closed loop, by its branches in the order of time."""

    rising_voltage: FloatArray
    rising_current: FloatArray
    falling_voltage: FloatArray
    falling_current: FloatArray
    rising_time: FloatArray

    @property
    def amplitude(self) -> float:
        """Largest modulus of the voltage, V."""
        return float(np.max(np.abs(self.rising_voltage)))

    @property
    def sign(self) -> float:
        """Polarity of the branch that rises."""
        return float(np.sign(self.rising_voltage[-1]))


def split(time: FloatArray, voltage: FloatArray, current: FloatArray) -> Loop | None:
    """A loop taken apart; None where there are not two branches over the same voltages.

    Parameters
    ----------
    time, voltage, current : (n,) arrays, s, V, A
        Of one cycle.
    """
    if voltage.size < 4 * SETTINGS.fewest:
        return None
    top = int(np.argmax(np.abs(voltage)))
    sign, span = float(np.sign(voltage[top])), float(np.ptp(voltage))
    if span == 0.0 or min(top, voltage.size - 1 - top) < 2 * SETTINGS.fewest:
        return None
    start = top - int(np.argmin((sign * voltage[: top + 1])[::-1]))
    end = top + int(np.argmin(sign * voltage[top:]))
    low = max(sign * voltage[start], sign * voltage[end])
    if low > sign * voltage[top] - 0.5 * span:
        return None
    return Loop(
        rising_voltage=voltage[start : top + 1],
        rising_current=current[start : top + 1],
        falling_voltage=voltage[top : end + 1],
        falling_current=current[top : end + 1],
        rising_time=time[start : top + 1],
    )


def cycles(time: FloatArray, voltage: FloatArray, current: FloatArray) -> list[Loop]:
    """All loops of a record that repeats its drive, one after the other.

    Parameters
    ----------
    time, voltage, current : (n,) arrays, s, V, A
    """
    first = voltage[0]
    near = np.abs(voltage - first) <= SETTINGS.closed * np.ptp(voltage)
    starts = np.flatnonzero(near[1:] & ~near[:-1]) + 1
    edges = [0, *starts.tolist()]
    if len(edges) < 3:
        whole = split(time, voltage, current)
        return [whole] if whole is not None else []
    # a loop through both polarities passes its first value twice: there the drive runs on
    parts = [slice(a, b + 1) for a, b in pairwise(edges)]
    found = [split(time[part], voltage[part], current[part]) for part in parts]
    same = [loop for loop in found if loop is not None]
    signs = {loop.sign for loop in same}
    if len(signs) > 1:
        whole = split(time, voltage, current)
        return [whole] if whole is not None else []
    return same


def straight_lines(
    x: FloatArray, y: FloatArray, at: FloatArray, width: float
) -> tuple[FloatArray, FloatArray]:
    """Value and slope, at chosen places, of the straight line through the samples of a window around each.

    Samples count by (1 - d^3)^3, d their distance in half widths: so that lines move smoothly with the place.

    Parameters
    ----------
    x, y : (n,) arrays
    at : (m,) array
    width : float
        Of the window.

    Returns
    -------
    values, slopes : (m,) arrays
        NaN where there are too few samples.
    """
    if x[-1] < x[0]:
        x, y = x[::-1], y[::-1]
    if np.any(np.diff(x) < 0.0):
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
    first, last = np.searchsorted(x, at - 0.5 * width), np.searchsorted(x, at + 0.5 * width)
    place = first[:, None] + np.arange(max(int(np.max(last - first)), 1))
    there = place < last[:, None]
    place = np.minimum(place, x.size - 1)
    away, near = (x[place] - at[:, None]) / (0.5 * width), y[place]
    fall = 1.0 - np.abs(away * away * away)
    weight = np.where(there, fall * fall * fall, 0.0)
    tilted = weight * away
    n, sx, sy = weight.sum(axis=1), tilted.sum(axis=1), (weight * near).sum(axis=1)
    sxx, sxy = (tilted * away).sum(axis=1), (tilted * near).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = sxx - sx * sx / n
        slope = (sxy - sx * sy / n) / spread
        value = (sy - slope * sx) / n
    few = (last - first < SETTINGS.fewest) | ~(spread > SETTINGS.spread * n)
    return np.where(few, np.nan, value), np.where(few, np.nan, slope / (0.5 * width))


def steepest(loop: Loop, *, falling: bool) -> float:
    """Voltage (V) at which |d ln|I/V|/dV| of a branch is largest; NaN where that is not inside the branch.

    Parameters
    ----------
    loop : Loop
    falling : bool
        Which branch.
    """
    V = loop.falling_voltage if falling else loop.rising_voltage
    current = loop.falling_current if falling else loop.rising_current
    kept: BoolArray = (np.abs(V) >= SETTINGS.least_voltage * loop.amplitude) & (
        np.abs(current) >= SETTINGS.least_current * np.max(np.abs(current))
    )
    if np.count_nonzero(kept) < 4 * SETTINGS.fewest:
        return np.nan
    width, least = SETTINGS.window * loop.amplitude, SETTINGS.least_voltage * loop.amplitude
    logs = np.log(np.abs(current[kept] / V[kept]))
    at = np.linspace(float(V[kept].min()) + 0.5 * width, float(V[kept].max()) - 0.5 * width, SETTINGS.grid)
    for _ in range(2):  # once over the branch, and once, finer, around the top
        at = at[np.abs(at) >= least]
        slope = np.abs(straight_lines(V[kept], logs, at, width)[1])
        if at.size < 3 or not np.any(np.isfinite(slope)):
            return np.nan
        k = int(np.nanargmax(slope))
        if k in (0, at.size - 1) or not np.all(np.isfinite(slope[k - 1 : k + 2])):
            return np.nan
        left, top, right = slope[k - 1 : k + 2]
        step = float(at[k + 1] - at[k])
        place = float(at[k] + 0.5 * step * (left - right) / (left - 2.0 * top + right))
        at = np.linspace(at[k] - step, at[k] + step, SETTINGS.fine)
    return place


def currents_at(loop: Loop, voltages: FloatArray, *, falling: bool) -> FloatArray:
    """(n,) currents (A) of a branch at some voltages; NaN where it does not reach there.

    Parameters
    ----------
    loop : Loop
    voltages : (n,) array, V
    falling : bool
        Which branch.
    """
    V = loop.falling_voltage if falling else loop.rising_voltage
    current = loop.falling_current if falling else loop.rising_current
    found = straight_lines(V, current, voltages, SETTINGS.window * loop.amplitude)[0]
    return np.where((voltages >= V.min()) & (voltages <= V.max()), found, np.nan)


def area(loop: Loop) -> float:
    """Area of the loop, W: the integral of I dV along the time; positive for a capacitance.

    Parameters
    ----------
    loop : Loop
    """
    return float(
        trapezoid(loop.rising_current, loop.rising_voltage)
        + trapezoid(loop.falling_current, loop.falling_voltage)
    )


def branches(loop: Loop) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Voltages that both branches pass, and the currents of the rising and of the falling one there, A.

    Parameters
    ----------
    loop : Loop
    """
    low = max(loop.rising_voltage.min(), loop.falling_voltage.min())
    high = min(loop.rising_voltage.max(), loop.falling_voltage.max())
    at = np.linspace(low, high, SETTINGS.grid)
    up, down = (currents_at(loop, at, falling=falling) for falling in (False, True))
    kept = np.isfinite(up) & np.isfinite(down)
    return at[kept], up[kept], down[kept]


def crossings(at: FloatArray, up: FloatArray, down: FloatArray) -> list[float]:
    """Voltages (V) at which the branches cross, between lobes that are large enough to count.

    Parameters
    ----------
    at, up, down : (n,) arrays
        As `branches` gives them.
    """
    between = down - up
    if at.size < 3:
        return []
    change = np.flatnonzero(between[:-1] * between[1:] < 0.0)
    edges = [0, *(change + 1).tolist(), at.size]
    sizes = [float(np.sum(between[a:b])) for a, b in pairwise(edges)]
    whole = float(np.sum(np.abs(between)))
    found: list[float] = []
    sign = 0.0
    for k, size in enumerate(sizes):
        if abs(size) < SETTINGS.lobe * whole:
            continue
        if sign * size < 0.0:
            i = edges[k] - 1
            share = between[i] / (between[i] - between[i + 1])
            found.append(float(at[i] + share * (at[i + 1] - at[i])))
        sign = float(np.sign(size))
    return found


def index_of_areas(loop: Loop) -> float:
    """(falling - rising)/(falling + rising) of the areas under the branches.

    Parameters
    ----------
    loop : Loop
    """
    up = abs(float(trapezoid(np.abs(loop.rising_current), loop.rising_voltage)))
    down = abs(float(trapezoid(np.abs(loop.falling_current), loop.falling_voltage)))
    return (down - up) / (down + up) if down + up > 0.0 else np.nan


def index_of_span(loop: Loop, up: FloatArray, down: FloatArray) -> float:
    """Area of the loop over the rectangle around its branches.

    Parameters
    ----------
    loop : Loop
    up, down : (n,) arrays
        As `branches` gives them: the largest of many noisy samples is too large.
    """
    rectangle = np.ptp(loop.rising_voltage) * np.ptp(np.concatenate([up, down]))
    return area(loop) / float(rectangle) if rectangle > 0.0 else np.nan


def energy_up_to(loop: Loop, voltage: float) -> float:
    """Energy (J) taken up from the start of the loop to a voltage of the rising branch; NaN for none.

    Parameters
    ----------
    loop : Loop
    voltage : float, V
    """
    if not np.isfinite(voltage):
        return np.nan
    V, power = loop.rising_voltage, loop.rising_voltage * loop.rising_current
    work = np.concatenate([[0.0], np.cumsum(0.5 * (power[1:] + power[:-1]) * np.diff(loop.rising_time))])
    rising = np.maximum.accumulate(loop.sign * V)
    return float(np.interp(loop.sign * voltage, rising, work))
