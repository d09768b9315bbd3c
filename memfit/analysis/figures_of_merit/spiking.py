"""Figures of merit of a device that spikes under a constant current: threshold, frequency, amplitude, energy.

The plainest model has its limit cycles from shooting (`memfit.analysis.cycles`); they are found once, and
followed to the neighbouring devices that intervals ask for. Members with further parts are followed in time
from rest, and read as a measured trace is.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.integrate import trapezoid

from memfit.analysis.cycles import (
    BifurcationDiagram,
    LimitCycle,
    bifurcation_diagram,
    cycle_near,
    cycles_at,
    find_oscillation,
    frequency_near,
    slopes_of,
)
from memfit.analysis.figures_of_merit import loops
from memfit.analysis.figures_of_merit.synapse import Piece
from memfit.analysis.stability import Circuit, find_hopf_points
from memfit.arrays import FloatArray
from memfit.model import Parameters, steady_current
from memfit.model.stability import hopf_points
from memfit.model.transient import simulate
from memfit.protocols import Drive

SOURCE = Circuit(control="current")


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the search."""

    periods: float = 60.0
    """Of the Hopf point, for which a member is followed,"""
    per_period: int = 150
    """with so many samples each."""
    tolerance: float = 1e-8
    settled: float = 0.3
    """Part of a constant current after which a trace is read,"""
    fewest: int = 64
    """and samples without which it is not."""
    peak: float = 6.0
    """Width of the parabola at an extreme, in samples of the trace."""
    curve: int = 12
    """Currents of the frequency-current curve."""
    inside: float = 0.05
    """Part of the range of oscillation at its ends that the curve leaves out."""


SETTINGS = Settings()
NOTHING = (np.nan, np.nan, np.nan)
SPIKES = ("spiking_frequency", "spike_amplitude", "energy_per_spike")
"""Figures of a limit cycle, in the order of `Spiking.at`."""


def threshold_current(p: Parameters) -> float:
    """Least constant current (A) at which the steady state is unstable; NaN without a Hopf point.

    Parameters
    ----------
    p : Parameters
    """
    if p.parts:
        points = hopf_points(p, np.inf)
        currents = [float(steady_current(p, np.array(point.u))) for point in points]
        return min(currents) if currents else np.nan
    if not SOURCE.can_oscillate(p):
        return np.nan
    found = find_hopf_points(p, SOURCE)
    return min(point.I for point in found) if found else np.nan


@dataclass(frozen=True)
class Spiking:
    """The spiking of a device and of its neighbours."""

    p: Parameters
    diagram: BifurcationDiagram | None
    """None for members with further parts."""
    range: tuple[float, float] | None
    """Currents (A) with a stable cycle; None where there is none."""
    _known: dict[float, LimitCycle | None] = field(default_factory=dict)
    _slopes: dict[float, FloatArray | None] = field(default_factory=dict)

    @classmethod
    def of(cls, p: Parameters) -> "Spiking":
        """Of a device."""
        if not p.parts:
            if not SOURCE.can_oscillate(p):
                return cls(p, None, None)
            diagram = bifurcation_diagram(p, SOURCE)
            return cls(p, diagram, diagram.oscillating_range)
        points = [float(steady_current(p, np.array(point.u))) for point in hopf_points(p, np.inf)]
        return cls(p, None, (min(points), max(points)) if len(points) > 1 else None)

    def currents(self) -> FloatArray:
        """Currents of the curve, A; none where the device does not spike."""
        if self.range is None:
            return np.empty(0)
        low, high = self.range
        return np.linspace(
            low + SETTINGS.inside * (high - low), high - SETTINGS.inside * (high - low), SETTINGS.curve
        )

    def usual(self) -> float | None:
        """A current in the middle of the range, as one would type it, A."""
        return None if self.range is None else float(f"{0.5 * sum(self.range):.1e}")

    def at(self, p: Parameters, current: float) -> tuple[float, float, float]:
        """Frequency (Hz), amplitude (V) and energy (J) of the spiking of a device like this one; NaN without.

        Parameters
        ----------
        p : Parameters
            The device, or a neighbour.
        current : float, A
        """
        if self.range is not None and self.diagram is None:
            return _followed(p, current)
        cycle = self._own(current)
        if cycle is not None and p is not self.p:
            cycle = cycle_near(p, SOURCE, current, np.array(cycle.unknowns))
        if cycle is None:
            return NOTHING
        return cycle.frequency_Hz, cycle.V[1] - cycle.V[0], cycle.energy

    def frequency(self, p: Parameters, current: float) -> float:
        """Frequency (Hz) alone, which costs less.

        Parameters
        ----------
        p : Parameters
        current : float, A
        """
        cycle = self._own(current)
        if cycle is None or p is self.p or self.diagram is None:
            return self.at(p, current)[0]
        if current not in self._slopes:
            self._slopes[current] = slopes_of(self.p, SOURCE, np.array(cycle.unknowns))
        return frequency_near(p, SOURCE, current, np.array(cycle.unknowns), self._slopes[current])

    def _own(self, current: float) -> LimitCycle | None:
        """The largest stable limit cycle of the device itself."""
        if self.diagram is None:
            return None
        if current not in self._known:
            stable = [c for c in cycles_at(self.p, self.diagram, current) if c.stable]
            self._known[current] = max(stable, key=lambda c: c.V[1] - c.V[0], default=None)
        return self._known[current]


def _followed(p: Parameters, current: float) -> tuple[float, float, float]:
    """The same from the course after rest."""
    points = hopf_points(p, np.inf)
    if not points:
        return NOTHING
    period = 2.0 * np.pi / min(point.omega for point in points)
    end = SETTINGS.periods * period
    time = np.linspace(0.0, end, int(SETTINGS.periods * SETTINGS.per_period))
    drive = Drive("current", np.array([0.0, end]), np.array([current, current]), "rest")
    course = simulate(p, drive, time, tolerance=SETTINGS.tolerance)
    if not course.outcome.ok:
        return NOTHING
    return spikes_of(time, course.voltage, course.current, Piece(0.0, end, current))


def spikes_of(
    time: FloatArray, voltage: FloatArray, current: FloatArray, held: Piece
) -> tuple[float, float, float]:
    """Frequency (Hz), amplitude (V) and energy (J) of the spikes of a trace; NaN where it has none.

    Parameters
    ----------
    time, voltage, current : (n,) arrays, s, V, A
    held : Piece
        The constant current under which the device spikes; its beginning is left out.
    """
    inside = (time > held.start + SETTINGS.settled * held.width) & (time < held.end)
    if np.count_nonzero(inside) < SETTINGS.fewest:
        return NOTHING
    found = find_oscillation(time[inside], voltage[inside])
    if found is None:
        return NOTHING
    t, power = time[inside], voltage[inside] * current[inside]
    whole = t >= t[-1] - np.floor((t[-1] - t[0]) / found.period) * found.period
    mean = float(trapezoid(power[whole], t[whole]) / (t[whole][-1] - t[whole][0]))
    low, high = _extremes(t / found.period, voltage[inside])
    return 1.0 / found.period, high - low, mean * found.period


def _extremes(phase: FloatArray, voltage: FloatArray) -> tuple[float, float]:
    """Least and greatest voltage of the spikes laid over each other: parabolas through the samples there.

    The largest of many noisy samples would be too large, and the largest of few samples too small.
    """
    step = float(np.median(np.diff(phase)))
    width = SETTINGS.peak * step
    order = np.argsort(np.mod(phase, 1.0), kind="stable")
    x, y = np.mod(phase, 1.0)[order], voltage[order]
    x, y = np.concatenate([x - 1.0, x, x + 1.0]), np.tile(y, 3)
    at = np.arange(0.0, 1.0, step)
    smooth = loops.straight_lines(x, y, at, width)[0]
    found = []
    for sign in (-1.0, 1.0):
        k = int(np.nanargmax(sign * smooth))
        near = np.abs(x - at[k]) < 0.5 * width
        bend, slope, value = np.polyfit((x[near] - at[k]) / width, y[near], 2).tolist()
        inside = sign * bend < 0.0 and abs(slope) <= abs(bend)  # the vertex lies in the window
        found.append(value - 0.25 * slope * slope / bend if inside else float(smooth[k]))
    return found[0], found[1]
