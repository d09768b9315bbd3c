"""Figures of merit of a device that spikes under a constant current: threshold, frequency, amplitude, energy.

Limit cycles come from shooting (`memfit.analysis.cycles`), for every member of the family; they are found
once, and followed to the neighbouring devices that intervals ask for.
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
    frequencies_near,
    slopes_of,
)
from memfit.analysis.figures_of_merit import loops
from memfit.analysis.figures_of_merit.synapse import Piece
from memfit.analysis.stability import Circuit, find_hopf_points
from memfit.arrays import FloatArray, Interval
from memfit.model import Parameters

SOURCE = Circuit(control="current")


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the search."""

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
    found = find_hopf_points(p, SOURCE)
    return min(point.I for point in found) if found else np.nan


@dataclass(frozen=True)
class Spiking:
    """The spiking of a device and of its neighbours."""

    p: Parameters
    diagram: BifurcationDiagram | None
    """None where its cycles are not asked for."""
    _known: dict[float, LimitCycle | None] = field(default_factory=dict)
    _slopes: dict[float, FloatArray] = field(default_factory=dict)
    """Derivatives at the cycles of the device."""

    @classmethod
    def of(cls, p: Parameters) -> "Spiking":
        """Of a device."""
        return cls(p, bifurcation_diagram(p, SOURCE))

    @property
    def range(self) -> Interval | None:
        """Currents (A) with a stable cycle; None where there is none."""
        return None if self.diagram is None else self.diagram.oscillating_range

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
        cycle = self._own(current)
        if cycle is not None and p is not self.p:
            # where it is too far to be followed, its own branch is
            cycle = cycle_near(p, SOURCE, current, np.array(cycle.unknowns)) or Spiking.of(p)._own(current)
        if cycle is None:
            return NOTHING
        return cycle.frequency_Hz, cycle.V[1] - cycle.V[0], cycle.energy

    def frequencies(self, p: Parameters, currents: FloatArray) -> FloatArray:
        """(m,) frequencies (Hz) alone, which cost less.

        Parameters
        ----------
        p : Parameters
        currents : (m,) array, A
        """
        found = np.full(currents.size, np.nan)
        own = [(k, cycle) for k, at in enumerate(currents.tolist()) if (cycle := self._own(at)) is not None]
        if own and p is not self.p:
            for _, cycle in own:
                if cycle.source not in self._slopes:
                    self._slopes[cycle.source] = slopes_of(self.p, SOURCE, np.array(cycle.unknowns))
            places = [k for k, _ in own]
            unknowns = np.array([cycle.unknowns for _, cycle in own])
            slopes = np.array([self._slopes[cycle.source] for _, cycle in own])
            found[places] = frequencies_near(p, SOURCE, currents[places], unknowns, slopes)
        left = np.isnan(found)
        found[left] = [self.at(p, current)[0] for current in currents[left].tolist()]
        return found

    def _own(self, current: float) -> LimitCycle | None:
        """The largest stable limit cycle of the device itself."""
        if self.diagram is None:
            return None
        if current not in self._known:
            stable = [c for c in cycles_at(self.p, self.diagram, current) if c.stable]
            self._known[current] = max(stable, key=lambda c: c.V[1] - c.V[0], default=None)
        return self._known[current]


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
