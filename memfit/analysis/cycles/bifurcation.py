"""Self-sustained oscillation: the limit cycles of a device in a circuit, and its bifurcation diagram.

The orbits come from `memfit.analysis.cycles.shooting`; here they get their meaning: source, period,
frequency, extremes of what can be measured, stability, energy.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from memfit.analysis.cycles.shooting import (
    Orbits,
    correct,
    course,
    extremes,
    floquet_multipliers,
    follow_branch,
)
from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.hopf import HopfPoint, find_hopf_points
from memfit.arrays import FloatArray
from memfit.model.parameters import Parameters
from memfit.model.steady import junction_voltage

Interval = tuple[float, float]

_REACH = 1.0  # of the coordinates, between neighbours on the branch


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
    multipliers: tuple[complex, complex]
    """Nontrivial Floquet multipliers, the larger first."""
    stable: bool
    """Whether both multipliers are inside the unit circle: what an experiment settles on."""
    energy: float
    """Taken from the source by the device in one period, J."""
    unknowns: tuple[float, float, float, float]
    """Where the orbit starts, as `memfit.analysis.cycles.shooting` has it."""

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
    """From the lower to the upper Hopf point along the branch."""
    folds: tuple[int, ...]
    """Indices of the cycles next to which the branch turns around in the source."""
    complete: bool
    """Whether the branch was followed to the upper Hopf point."""
    message: str
    """How the continuation ended."""

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
    if not points:
        return BifurcationDiagram(
            circuit=circuit,
            hopf_points=(),
            cycles=(),
            folds=(),
            complete=True,
            message="There is no Hopf point in this circuit, so no oscillation is born.",
        )
    orbits = _orbits(p, circuit)
    low, high = points
    branch = follow_branch(
        orbits,
        ((low.u - p.V_T) / p.V_m, (high.u - p.V_T) / p.V_m),
        (low.omega, high.omega),
    )
    cycles = tuple(cycle for z in branch.unknowns if (cycle := _describe(p, circuit, orbits, z)) is not None)
    return BifurcationDiagram(
        circuit=circuit,
        hopf_points=points,
        cycles=cycles,
        folds=_folds(np.array([cycle.source for cycle in cycles])),
        complete=branch.complete,
        message=branch.message,
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
    orbits = _orbits(p, diagram.circuit)
    distance = np.array([cycle.source for cycle in diagram.cycles]) - source
    found = []
    for i in np.flatnonzero(distance[:-1] * distance[1:] <= 0.0):
        before, after = (np.array(diagram.cycles[k].unknowns) for k in (i, i + 1))
        share = distance[i] / (distance[i] - distance[i + 1])
        z = _at_source(p, diagram.circuit, orbits, source, before + share * (after - before))
        cycle = None if z is None else _describe(p, diagram.circuit, orbits, z)
        if cycle is not None:
            found.append(cycle)
    return tuple(found)


def _orbits(p: Parameters, circuit: Circuit) -> Orbits:
    """Orbits of the effective device; its own series resistance is part of the circuit."""
    return Orbits(circuit.effective(p).replace(R_s=0.0))


def _describe(p: Parameters, circuit: Circuit, orbits: Orbits, z: FloatArray) -> LimitCycle | None:
    """The limit cycle with these unknowns; None where the integrator fails."""
    traced, multipliers = course(orbits, z), floquet_multipliers(orbits, z)
    if traced is None or multipliers is None:
        return None
    time, states = traced
    u, i_c, f = (tuple(map(float, pair)) for pair in extremes(orbits, z, time, states))
    steady_u = float(orbits.steady(z)[0])
    source = float(circuit.source(p, steady_u))
    current = _device_current(p, circuit, source, states[:, 0])
    ends = sorted(float(_device_current(p, circuit, source, np.array(value))) for value in u)
    voltages = sorted(
        value + p.R_s * float(_device_current(p, circuit, source, np.array(value))) for value in u
    )
    power = (states[:, 0] + p.R_s * current) * current
    return LimitCycle(
        source=source,
        steady_u=steady_u,
        period=float(np.exp(z[3])),
        u=(u[0], u[1]),
        i_c=(i_c[0], i_c[1]),
        f=(f[0], f[1]),
        V=(voltages[0], voltages[1]),
        I=(ends[0], ends[1]),
        multipliers=multipliers,
        stable=abs(multipliers[0]) < 1.0,
        energy=float(np.trapezoid(power, time)),
        unknowns=(float(z[0]), float(z[1]), float(z[2]), float(z[3])),
    )


def _device_current(p: Parameters, circuit: Circuit, source: float, u: FloatArray) -> FloatArray:
    """Current through the terminals while the junction is at u, A."""
    if circuit.control == "current":
        return np.full(u.shape, source)
    return (source - u) / circuit.resistance(p)


def _folds(source: FloatArray) -> tuple[int, ...]:
    """Indices where the source turns around."""
    steps = np.diff(source)
    return tuple(int(i) + 1 for i in np.flatnonzero(steps[:-1] * steps[1:] < 0.0))


def _at_source(
    p: Parameters, circuit: Circuit, orbits: Orbits, source: float, guess: FloatArray
) -> FloatArray | None:
    """The orbit at exactly this source, near `guess`."""
    with_load = p if circuit.control == "current" else p.replace(R_s=circuit.resistance(p))
    u = float(junction_voltage(with_load, circuit.control, [source])[0])
    fixed = guess.copy()
    fixed[0] = (u - p.V_T) / p.V_m
    found = correct(orbits, fixed, np.array([1.0, 0.0, 0.0, 0.0]), _REACH)
    return None if found is None else found[0]
