"""Self-sustained oscillation: limit cycles of a device in a circuit, the way there, and what a trace shows.

The orbits come from `memfit.analysis.shooting`, for every member of the family; here they get their meaning:
source, period, frequency, extremes of what can be measured, stability, energy. A channel that drifts is that
of the first record. The start-up from the unstable steady state is
exponential: the time to grow by a factor follows from the real part of the leading eigenvalue. In a measured
trace under a constant source, period and extremes are read from its late part, from where it crosses the
middle of its own range.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import trapezoid

from memfit.analysis.orbits import Orbits
from memfit.analysis.shooting import (
    correct,
    course,
    extremes,
    floquet_multipliers,
    follow,
    follow_branch,
    is_point,
)
from memfit.analysis.stability import Circuit, HopfPoint, find_hopf_points, operating_points
from memfit.arrays import FloatArray, Interval
from memfit.errors import InputError
from memfit.model import Parameters
from memfit.noise_estimate import noise_of_differences


@dataclass(frozen=True)
class Settings:
    """Numbers by which an oscillation is known, and followed."""

    fewest_periods: int = 2
    """A trace with fewer whole periods is not called an oscillation."""
    largest_jitter: float = 0.2
    """Standard deviation of the periods, relative to their mean, beyond which a trace is irregular."""
    largest_decay: float = 0.5
    """An oscillation whose last swing is smaller than this share of its first one is ringing."""
    noise_factor: float = 8.0
    """Range of a trace over its noise that can be an oscillation."""
    rounding: float = 1e-9
    """Range of a trace over its size that is rounding, as of a model that stays where it is."""
    fewest_points: int = 16
    """Points of a trace without which nothing can be said."""
    most_periods: int = 400
    """Periods for which the start from rest is followed."""
    swing_reached: float = 0.1
    """Deviation from the swing of the limit cycle, relative, at which it counts as reached."""
    reach: float = 1.0
    """Of the coordinates, between neighbours on the branch."""
    ladder_below: float = 30.0
    """How far below the lowest frequency of the Hopf points dispersion is followed,"""
    ladder_above: float = 300.0
    """and above the highest."""


SETTINGS = Settings()


@dataclass(frozen=True, kw_only=True)
class LimitCycle:
    """One periodic orbit of a device in a circuit."""

    source: float
    """What the source holds: current (A) or voltage (V)."""
    steady_u: float
    """Voltage across the junction of the steady state inside the orbit, V."""
    period: float
    """s."""
    u: Interval
    """Least and greatest voltage across the junction, V."""
    i_c: Interval
    """Of the channel current, A."""
    f: Interval
    """Of the activation."""
    V: Interval
    """Of the terminal voltage of the device, V."""
    I: Interval  # noqa: E741 - the field's symbol
    """Of the current of the device, A."""
    multipliers: tuple[complex, ...]
    """Nontrivial Floquet multipliers, the largest first."""
    stable: bool
    """Whether all multipliers are inside the unit circle: what an experiment settles on."""
    energy: float
    """Taken from the source by the device in one period, J."""
    unknowns: tuple[float, ...]
    """Where the orbit starts, as `memfit.analysis.shooting` has it."""

    @property
    def frequency_Hz(self) -> float:
        """One over the period."""
        return 1.0 / self.period


@dataclass(frozen=True, kw_only=True)
class BifurcationDiagram:
    """The branch of limit cycles of one device in one circuit."""

    circuit: Circuit
    hopf_points: tuple[HopfPoint, ...]
    cycles: tuple[LimitCycle, ...]
    """From the lower to the upper Hopf point along the branch; of a member, branch after branch."""
    folds: tuple[int, ...]
    """Indices of the cycles next to which the branch turns around in the source."""
    complete: bool
    """Whether the branch was followed to the upper Hopf point."""
    message: str
    """How the continuation ended."""
    begins: tuple[int, ...] = (0,)
    """Indices of the cycles with which the branches begin."""

    @property
    def oscillating_range(self) -> Interval | None:
        """Least and greatest source with a stable cycle; wider than the window where there is hysteresis."""
        sources = [cycle.source for cycle in self.cycles if cycle.stable]
        return (min(sources), max(sources)) if sources else None


@lru_cache(maxsize=8)
def bifurcation_diagram(p: Parameters, circuit: Circuit) -> BifurcationDiagram:
    """The limit cycles of a device in a circuit, from one Hopf point to the other.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    """
    points = find_hopf_points(p, circuit)
    nothing = BifurcationDiagram(
        circuit=circuit,
        hopf_points=points,
        cycles=(),
        folds=(),
        complete=not points,
        message="There is no Hopf point in this circuit, so no oscillation is born.",
    )
    if len(points) % 2:
        message = f"There is no second Hopf point to {points[-1].u:.4g} V: a branch of cycles has no end."
        return replace(nothing, message=message)
    if not points:
        return nothing
    orbits = orbits_of(p, circuit)
    cycles, folds, begins, messages = list[LimitCycle](), list[int](), list[int](), dict[str, bool]()
    for low, high in zip(points[::2], points[1::2], strict=True):
        x = (low.u - p.V_T) / p.V_m, (high.u - p.V_T) / p.V_m
        middle = (circuit.most_critical(p, (low.u, high.u)) - p.V_T) / p.V_m
        branch, complete, message = follow_branch(orbits, x, (low.omega, high.omega), middle)
        found = [cycle for z in branch if (cycle := _describe(p, circuit, orbits, z)) is not None]
        steps = np.diff([cycle.source for cycle in found])
        folds += [len(cycles) + int(i) + 1 for i in np.flatnonzero(steps[:-1] * steps[1:] < 0.0)]
        begins.append(len(cycles))
        cycles += found
        messages[message] = messages.get(message, True) and complete
    return BifurcationDiagram(
        circuit=circuit,
        hopf_points=points,
        cycles=tuple(cycles),
        folds=tuple(folds),
        complete=all(messages.values()),
        message=" ".join(messages),
        begins=tuple(begins),
    )


def cycles_at(p: Parameters, diagram: BifurcationDiagram, source: float) -> tuple[LimitCycle, ...]:
    """The limit cycles at one setting of the source, in the order of the branch; none, one, or more.

    Parameters
    ----------
    p : Parameters
        Of the device whose diagram it is.
    diagram : BifurcationDiagram
    source : float, A or V
        Current of a current source, voltage of a voltage source.
    """
    circuit = diagram.circuit
    distance = np.array([cycle.source for cycle in diagram.cycles]) - source
    between = np.flatnonzero(distance[:-1] * distance[1:] <= 0.0)
    cycles = []
    for i in between:
        if i + 1 in diagram.begins:
            continue
        before, after = (np.array(diagram.cycles[k].unknowns) for k in (i, i + 1))
        guess = before + distance[i] / (distance[i] - distance[i + 1]) * (after - before)
        cycle = cycle_near(p, circuit, source, guess)
        if cycle is not None:
            cycles.append(cycle)
    return tuple(cycles)


def cycle_near(p: Parameters, circuit: Circuit, source: float, unknowns: FloatArray) -> LimitCycle | None:
    """The limit cycle at one setting of the source that is near a known one; None where there is none.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    source : float, A or V
    unknowns : (n + 1,) array
        Of the known cycle, also that of a device like this one (`LimitCycle.unknowns`).
    """
    orbits, orbit = _orbit_near(p, circuit, source, unknowns)
    return None if orbit is None else _describe(p, circuit, orbits, orbit)


def slopes_of(p: Parameters, circuit: Circuit, unknowns: FloatArray) -> FloatArray:
    """(n, n + 1) derivatives at a known cycle, by which those of like devices are found at less cost; or NaN.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    unknowns : (n + 1,) array
        Of the cycle.
    """
    found = orbits_of(p, circuit).residual(unknowns)
    return np.full((unknowns.size - 1, unknowns.size), np.nan) if found is None else found[1]


def frequencies_near(
    p: Parameters, circuit: Circuit, sources: FloatArray, unknowns: FloatArray, slopes: FloatArray
) -> FloatArray:
    """Frequencies (Hz) of the limit cycles near known ones, and no more; NaN where devices differ too much.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    sources : (m,) array, A or V
    unknowns : (m, n + 1) array
        Of known cycles of a device like this one (`LimitCycle.unknowns`).
    slopes : (m, n, n + 1) array
        At the known cycles (`slopes_of`).
    """
    guesses = _guesses(p, circuit, sources, unknowns)
    found: FloatArray = np.exp(-follow(orbits_of(p, circuit), guesses, slopes)[:, -1])
    return found


def orbits_of(p: Parameters, circuit: Circuit) -> Orbits:
    """Orbits of the effective device, whose terminals are the junction.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    """
    if "dispersion" not in p.parts:
        return Orbits(circuit.effective(p).replace(R_s=0.0))  # a series resistance is part of the circuit
    capacitance, bare = circuit.external_capacitance, replace(circuit, external_capacitance=0.0)
    omegas = [point.omega for point in find_hopf_points(p, circuit)] or [1.0 / p.tau_d]
    band = min(omegas) / SETTINGS.ladder_below, max(omegas) * SETTINGS.ladder_above
    return Orbits(bare.effective(p).replace(R_s=0.0), capacitance, band)


def _guesses(p: Parameters, circuit: Circuit, sources: ArrayLike, unknowns: FloatArray) -> FloatArray:
    """(m, n + 1) known orbits at the steady states of a device at m settings of the source."""
    guesses = np.array(unknowns)
    guesses[:, 0] = (circuit.junction_voltage(p, sources) - p.V_T) / p.V_m
    return guesses


def _orbit_near(
    p: Parameters, circuit: Circuit, source: float, unknowns: FloatArray
) -> tuple[Orbits, FloatArray | None]:
    """Unknowns of the orbit at one setting of the source that is near a known one."""
    orbits, (guess,) = orbits_of(p, circuit), _guesses(p, circuit, source, unknowns[None, :])
    orbit = correct(orbits, guess, np.eye(guess.size)[0], SETTINGS.reach, differences=False)
    return orbits, None if orbit is None or is_point(orbits, orbit[0]) else orbit[0]


def _describe(p: Parameters, circuit: Circuit, orbits: Orbits, z: FloatArray) -> LimitCycle | None:
    """The limit cycle with these unknowns; None where the integrator fails."""
    traced, multipliers = course(orbits, z), floquet_multipliers(orbits, z)
    if traced is None or multipliers is None:
        return None
    time, states = traced
    steady_u = float(orbits.steady(z)[0])
    source = float(circuit.source(p, steady_u))

    def through(u: FloatArray) -> FloatArray:
        """Current through the terminals while the junction is at u, A."""
        if circuit.control == "current":
            return np.full(u.shape, source)
        return (source - u) / circuit.resistance(p)

    (u_low, u_high), i_c, f = extremes(orbits, z, time, states).tolist()
    currents = [float(through(np.array(u))) for u in (u_low, u_high)]
    least, most = sorted(currents)
    low, high = sorted(u + p.R_s * own for u, own in zip((u_low, u_high), currents, strict=True))
    current = through(states[:, 0])
    power = (states[:, 0] + p.R_s * current) * current
    return LimitCycle(
        source=source,
        steady_u=steady_u,
        period=float(np.exp(z[-1])),
        u=(u_low, u_high),
        i_c=(i_c[0], i_c[1]),
        f=(f[0], f[1]),
        V=(low, high),
        I=(least, most),
        multipliers=multipliers,
        stable=abs(multipliers[0]) < 1.0,
        energy=float(trapezoid(power, time)),
        unknowns=tuple(z.tolist()),
    )


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
    t, y = np.asarray(time, dtype=np.float64), np.asarray(trace, dtype=np.float64)
    if t.ndim != 1 or t.shape != y.shape or t.size < SETTINGS.fewest_points:
        raise InputError(
            f"Expected at least {SETTINGS.fewest_points} times with a value each; "
            f"found shapes {t.shape} and {y.shape}."
        )
    if not (np.all(np.isfinite(t)) and np.all(np.isfinite(y)) and np.all(np.diff(t) > 0.0)):
        raise InputError("Times and values must be finite, and time must rise from point to point.")
    t, y = t[t.size // 4 :], y[t.size // 4 :]  # the first quarter is given to the start
    low, high = (float(value) for value in np.quantile(y, (0.005, 0.995)))
    if high - low < max(SETTINGS.noise_factor * noise_of_differences(y), SETTINGS.rounding * abs(high + low)):
        return None
    # Rises through the middle of the range count after the trace was well below.
    middle, reset = 0.5 * (low + high), low + 0.25 * (high - low)
    rises, armed = list[float](), False
    for k in range(1, y.size):
        armed = armed or y[k - 1] < reset
        if armed and y[k - 1] < middle <= y[k]:
            share = (middle - y[k - 1]) / (y[k] - y[k - 1])
            rises.append(t[k - 1] + share * (t[k] - t[k - 1]))
            armed = False
    if len(rises) < SETTINGS.fewest_periods + 1:
        return None
    periods = np.diff(rises)
    jitter = float(periods.std(ddof=1))
    each = [y[(t >= a) & (t < b)] for a, b in pairwise(rises)]
    lows, highs = np.array([part.min() for part in each]), np.array([part.max() for part in each])
    swings = highs - lows
    if jitter > SETTINGS.largest_jitter * periods.mean() or swings[-1] < SETTINGS.largest_decay * swings[0]:
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
    where rest or another steady state attracts instead, or takes more than `Settings.most_periods` periods.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    cycle : LimitCycle
        A stable one, at the setting of the source that is switched on.
    """
    time, u = from_rest(p, circuit, cycle.source, SETTINGS.most_periods * cycle.period)
    if u is None:
        return None
    turns = np.flatnonzero(np.diff(np.sign(np.diff(u))) != 0) + 1
    swings = np.abs(np.diff(u[turns]))
    wanted = cycle.u[1] - cycle.u[0]
    far = np.flatnonzero(np.abs(swings - wanted) > SETTINGS.swing_reached * wanted)
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
    orbits, resistance = orbits_of(p, circuit), 1.0 if circuit.control == "current" else circuit.resistance(p)
    rest = orbits.at_rest((float(circuit.junction_voltage(p, 0.0)[0]) - p.V_T) / p.V_m)
    time = np.linspace(0.0, duration, points)
    states = orbits.run(orbits.state(rest)[None, :], np.array([source / resistance]), [time])
    return time, None if states is None else states[:, 0]
