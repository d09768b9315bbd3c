"""Oscillation in a measured trace, and how fast a device gets there: what stands beside a limit cycle.

Period and extremes are read from the late part of a trace under a constant source, from where it crosses the
middle of its own range. The start-up from the unstable steady state is exponential: the time to grow by a
factor follows from the real part of the leading eigenvalue.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from memfit.analysis.cycles.bifurcation import LimitCycle
from memfit.analysis.stability.circuit import Circuit, operating_points
from memfit.arrays import FloatArray
from memfit.errors import InputError
from memfit.model.parameters import Parameters
from memfit.model.transient import simulate
from memfit.protocols import Drive

FEWEST_PERIODS = 2
"""A trace with fewer whole periods is not called an oscillation."""

LARGEST_JITTER = 0.2
"""Standard deviation of the periods, relative to their mean, beyond which a trace is irregular."""

LARGEST_DECAY = 0.5
"""An oscillation whose last swing is smaller than this share of its first one is ringing that dies out."""

MOST_PERIODS = 400
"""Periods for which the start from rest is followed."""
_SWING_REACHED = 0.1

_NOISE_FACTOR = 8.0  # range of a trace over its noise that can be an oscillation
_FEWEST_POINTS = 16


@dataclass(frozen=True, kw_only=True)
class MeasuredOscillation:
    """Self-sustained oscillation in a trace."""

    period: float
    """Mean, s."""
    period_stderr: float
    """Standard error of the mean from the scatter of the periods, s."""
    low: float
    """Median of the least values of the periods, in the unit of the trace."""
    high: float
    """Median of the greatest values."""
    periods: int
    """Whole periods seen."""


def find_oscillation(time: ArrayLike, trace: ArrayLike) -> MeasuredOscillation | None:
    """The oscillation of a trace under a constant source; None where it settles, rings out or is irregular.

    Parameters
    ----------
    time : (n,) array, s
        Rising.
    trace : (n,) array
        Voltage (V) or current (A).

    Raises
    ------
    InputError
        Fewer than 16 points, values that are not finite, or time that does not rise.
    """
    t, y = _checked(time, trace)
    late = slice(t.size // 4, None)  # the first quarter is given to the start
    t, y = t[late], y[late]
    low, high = (float(value) for value in np.quantile(y, (0.005, 0.995)))
    if high - low < _NOISE_FACTOR * _noise(y):
        return None
    rises = _rises(t, y, low, high)
    if rises.size < FEWEST_PERIODS + 1:
        return None
    periods = np.diff(rises)
    jitter = float(periods.std(ddof=1))
    each = [y[(t >= a) & (t < b)] for a, b in pairwise(rises)]
    lows, highs = np.array([part.min() for part in each]), np.array([part.max() for part in each])
    swings = highs - lows
    if jitter > LARGEST_JITTER * periods.mean() or swings[-1] < LARGEST_DECAY * swings[0]:
        return None
    return MeasuredOscillation(
        period=float(periods.mean()),
        period_stderr=jitter / np.sqrt(periods.size),
        low=float(np.median(lows)),
        high=float(np.median(highs)),
        periods=int(periods.size),
    )


def growth_time(p: Parameters, circuit: Circuit, source: float, factor: float = 1e3) -> float | None:
    """Time in which a small deviation from the steady state grows by `factor`, s; None if it does not.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    source : float, A or V
        Current of a current source, voltage of a voltage source.
    factor : float, > 1
        A thousand is from 1e-3 of the window to all of it.
    """
    rate = float(operating_points(p, circuit, source).eigenvalues[0, 0].real)
    return float(np.log(factor)) / rate if rate > 0.0 else None


def start_up_time(p: Parameters, circuit: Circuit, cycle: LimitCycle) -> float | None:
    """Time from rest until the oscillation has its swing, s: the source is switched on at time 0.

    Rest is the steady state at a source of zero. The swing counts as reached when that of u between two
    neighbouring extremes stays within a tenth of the limit cycle's. None where it does not come so far, as
    where rest or another steady state attracts instead, or takes more than `MOST_PERIODS` periods.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    cycle : LimitCycle
        A stable one, at the setting of the source that is switched on.
    """
    time, u = from_rest(p, circuit, cycle.source, MOST_PERIODS * cycle.period)
    if u is None:
        return None
    turns = np.flatnonzero(np.diff(np.sign(np.diff(u))) != 0) + 1
    swings = np.abs(np.diff(u[turns]))
    wanted = cycle.u[1] - cycle.u[0]
    far = np.flatnonzero(np.abs(swings - wanted) > _SWING_REACHED * wanted)
    first = int(far[-1]) + 1 if far.size else 0
    return float(time[turns[first]]) if first < swings.size else None


def from_rest(
    p: Parameters, circuit: Circuit, source: float, duration: float, points: int = 40_000
) -> tuple[FloatArray, FloatArray | None]:
    """Junction voltage after the source is switched on from zero; None where the integrator fails.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    source : float, A or V
        Current of a current source, voltage of a voltage source.
    duration : float, s
    points : int

    Returns
    -------
    time : (points,) array, s
    u : (points,) array, V, or None
    """
    device = circuit.effective(p).replace(R_s=0.0)
    resistance = 1.0 if circuit.control == "current" else circuit.resistance(p)
    drive = Drive("current", np.array([0.0, 0.0]), np.array([0.0, source / resistance]), "steady")
    time = np.linspace(0.0, duration, points)
    found = simulate(device, drive, time)
    return time, found.u if found.outcome.ok else None


def _checked(time: ArrayLike, trace: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Time and trace as arrays."""
    t, y = np.asarray(time, dtype=np.float64), np.asarray(trace, dtype=np.float64)
    if t.ndim != 1 or t.shape != y.shape or t.size < _FEWEST_POINTS:
        raise InputError(
            f"Expected at least {_FEWEST_POINTS} times with a value each; "
            f"found shapes {t.shape} and {y.shape}."
        )
    if not (np.all(np.isfinite(t)) and np.all(np.isfinite(y)) and np.all(np.diff(t) > 0.0)):
        raise InputError("Times and values must be finite, and time must rise from point to point.")
    return t, y


def _noise(y: FloatArray) -> float:
    """Standard deviation of the noise, from third differences, which hold 20 times its variance."""
    return float(np.median(np.abs(np.diff(y, 3))) / 0.6745 / np.sqrt(20.0))


def _rises(t: FloatArray, y: FloatArray, low: float, high: float) -> FloatArray:
    """Times at which the trace rises through the middle of its range, having been well below before."""
    middle, reset = 0.5 * (low + high), low + 0.25 * (high - low)
    found, armed = [], False
    for k in range(1, y.size):
        armed = armed or y[k - 1] < reset
        if armed and y[k - 1] < middle <= y[k]:
            share = (middle - y[k - 1]) / (y[k] - y[k - 1])
            found.append(t[k - 1] + share * (t[k] - t[k - 1]))
            armed = False
    return np.array(found)
