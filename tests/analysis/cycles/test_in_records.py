"""Oscillation read from traces: sines, ringing, noise, and the device beside its limit cycle."""

import numpy as np
import pytest

from memfit.analysis.cycles.bifurcation import bifurcation_diagram, cycles_at
from memfit.analysis.cycles.in_records import (
    find_oscillation,
    from_rest,
    growth_time,
    start_up_time,
)
from memfit.analysis.stability.circuit import Circuit, operating_points
from memfit.errors import InputError
from memfit.model.parameters import Parameters
from memfit.model.transient import simulate
from memfit.protocols import Drive

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
TIME = np.linspace(0.0, 1.0, 4001)


def noise(size):
    """Normal noise of a given size."""
    return size * np.random.default_rng(0).standard_normal(TIME.size)


@pytest.mark.parametrize("size", [0.0, 0.02])
def test_a_sine_is_read(size):
    found = find_oscillation(TIME, 2.0 + np.sin(2 * np.pi * 17.0 * TIME) + noise(size))
    assert found.period == pytest.approx(1.0 / 17.0, rel=2e-3)
    assert found.low == pytest.approx(1.0, abs=4 * size + 1e-3)
    assert found.high == pytest.approx(3.0, abs=4 * size + 1e-3)
    assert found.periods >= 11


def test_what_is_no_oscillation():
    ringing = np.exp(-8.0 * TIME) * np.sin(2 * np.pi * 17.0 * TIME)
    assert find_oscillation(TIME, ringing + noise(1e-4)) is None
    assert find_oscillation(TIME, 1.0 - np.exp(-5.0 * TIME)) is None
    assert find_oscillation(TIME, 1.0 + noise(0.1)) is None
    assert find_oscillation(TIME, np.sin(2 * np.pi * (3.0 * TIME + 40.0 * TIME**4))) is None


def test_the_measured_beside_the_predicted():
    current = 4e-5
    diagram = bifurcation_diagram(DEVICE, Circuit())
    (cycle,) = cycles_at(DEVICE, diagram, current)
    time = np.linspace(0.0, 40.0 * cycle.period, 8001)
    drive = Drive("current", np.array([0.0, 1e-9]), np.array([0.9 * current, current]))
    trace = simulate(DEVICE, drive, time).voltage
    noisy = trace + 1e-3 * np.random.default_rng(1).standard_normal(trace.size)
    found = find_oscillation(time, noisy)
    assert found.period == pytest.approx(cycle.period, rel=2e-3)
    assert found.low == pytest.approx(cycle.V[0], abs=5e-3)
    assert found.high == pytest.approx(cycle.V[1], abs=5e-3)


def test_growth_is_that_of_the_integrated_device():
    current, factor = 4e-5, 10.0
    time_needed = growth_time(DEVICE, Circuit(), current, factor)
    frequency = operating_points(DEVICE, Circuit(), current).frequency_Hz[0]
    periods = np.round(time_needed * frequency)
    times = np.array([0.0, 1.0]) * periods / frequency + 3.0 / frequency
    drive = Drive("current", np.array([0.0, 1e-9]), np.array([current * (1 - 1e-4), current]))
    fine = (times[:, None] + np.linspace(0.0, 1.0, 200) / frequency).ravel()
    swing = np.ptp(simulate(DEVICE, drive, fine).u.reshape(2, -1), axis=1)
    grown = np.exp(np.log(factor) * (periods / frequency) / time_needed)
    assert swing[1] / swing[0] == pytest.approx(grown, rel=0.05)
    assert growth_time(DEVICE, Circuit(), 1e-6) is None


@pytest.mark.parametrize(
    ("time", "trace", "said"),
    [
        ([0.0, 1.0], [0.0, 1.0], "at least 16 times"),
        (np.arange(20.0), [np.nan] * 20, "finite"),
        (np.zeros(20), np.zeros(20), "must rise"),
    ],
)
def test_bad_traces_are_named(time, trace, said):
    with pytest.raises(InputError, match=said):
        find_oscillation(time, trace)


def test_start_up_from_rest_is_seen_in_the_trace():
    """After that time every swing is within a tenth of the limit cycle's, before it not all are."""
    p = Parameters(
        R_b=1.2e5, C_m=2.5e-7, i_c0=2.8e-5, V_T=0.65, V_m=0.062, tau_d=0.026, tau_k=0.048, R_s=60.0
    )
    for circuit in (Circuit(), Circuit(control="voltage", load=1e6)):
        diagram = bifurcation_diagram(p, circuit)
        low, high = (point.I if circuit.control == "current" else None for point in diagram.hopf_points)
        sources = [cycle.source for cycle in diagram.cycles]
        source = 0.3 * max(sources) + 0.7 * min(sources) if low is None else 0.7 * low + 0.3 * high
        (cycle,) = cycles_at(p, diagram, source)
        needed = start_up_time(p, circuit, cycle)
        time, u = from_rest(p, circuit, source, needed + 30 * cycle.period)
        late = u[time > needed + cycle.period]
        assert np.ptp(late) == pytest.approx(cycle.u[1] - cycle.u[0], rel=0.12)
        assert needed > 0.0
