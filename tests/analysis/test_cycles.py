"""Limit cycles against the reference file and the plain integrator; oscillation read from traces."""

import json
from pathlib import Path

import numpy as np
import pytest

from memfit.analysis.cycles import (
    bifurcation_diagram,
    cycles_at,
    find_oscillation,
    from_rest,
    growth_time,
    start_up_time,
)
from memfit.analysis.stability.circuit import Circuit, operating_points
from memfit.errors import InputError
from memfit.model import Parameters, steady_current
from memfit.model.transient import simulate
from memfit.protocols import Drive

REFERENCE = Path(__file__).parents[1] / "reference" / "model_values.json"
DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
SUBCRITICAL = Parameters(R_b=1.0, C_m=1.0, i_c0=100.0, V_T=1.0, V_m=0.05, tau_d=1.0, tau_k=0.1)


def reference_sets():
    """Parameter sets of the reference file."""
    sets = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return [pytest.param(value, id=name) for name, value in sets.items()]


@pytest.fixture(scope="module")
def diagram():
    return bifurcation_diagram(DEVICE, Circuit())


@pytest.fixture(scope="module")
def subcritical():
    return bifurcation_diagram(SUBCRITICAL, Circuit())


@pytest.mark.parametrize("case", reference_sets())
def test_the_cycle_of_the_reference(case):
    p, known = Parameters(**case["parameters"]), case["limit_cycle"]
    found = bifurcation_diagram(p, Circuit())
    assert found.complete
    (cycle,) = cycles_at(p, found, known["I_app"])
    assert cycle.period == pytest.approx(known["period"], rel=1e-6)
    span = known["u_max"] - known["u_min"]
    assert cycle.u[0] == pytest.approx(known["u_min"], abs=1e-4 * span)
    assert cycle.u[1] == pytest.approx(known["u_max"], abs=1e-4 * span)
    assert cycle.stable


def test_a_supercritical_branch_joins_the_hopf_points(diagram):
    assert diagram.complete
    assert diagram.folds == ()
    assert all(cycle.stable for cycle in diagram.cycles)
    low, high = diagram.hopf_points
    first, last = diagram.cycles[0], diagram.cycles[-1]
    assert first.frequency_Hz == pytest.approx(low.frequency_Hz, rel=2e-3)
    assert last.frequency_Hz == pytest.approx(high.frequency_Hz, rel=2e-3)
    least, greatest = diagram.oscillating_range
    assert low.I < least < greatest < high.I
    assert least == pytest.approx(low.I, rel=0.01)
    assert greatest == pytest.approx(high.I, rel=0.01)


def test_amplitude_grows_as_the_square_root_with_the_slope_of_the_lyapunov_coefficient(diagram):
    low = diagram.hopf_points[0]
    near = diagram.cycles[:3]
    amplitude2 = np.array([(cycle.u[1] - cycle.u[0]) ** 2 for cycle in near])
    distance = np.array([cycle.source for cycle in near]) - low.I
    np.testing.assert_allclose(amplitude2 / distance, amplitude2[0] / distance[0], rtol=0.1)


def test_a_cycle_is_what_the_device_settles_on(diagram):
    current = 4e-5
    (cycle,) = cycles_at(DEVICE, diagram, current)
    time = np.linspace(0.0, 60.0 * cycle.period, 60_001)
    drive = Drive("current", np.array([0.0, 1e-9]), np.array([0.9 * current, current]))
    late = simulate(DEVICE, drive, time).voltage[-3000:]
    assert late.max() == pytest.approx(cycle.V[1], rel=1e-4)
    assert late.min() == pytest.approx(cycle.V[0], rel=1e-4)
    trace = late - late.mean()
    rising = np.flatnonzero((trace[:-1] < 0.0) & (trace[1:] >= 0.0))
    assert np.diff(rising).mean() * (time[1] - time[0]) == pytest.approx(cycle.period, rel=1e-3)


def test_a_subcritical_branch_turns_around_a_fold(subcritical):
    assert subcritical.complete
    assert subcritical.hopf_points[0].criticality == "subcritical"
    (fold,) = subcritical.folds
    stable = [cycle.stable for cycle in subcritical.cycles]
    assert not any(stable[: fold - 1])
    assert all(stable[fold + 2 : -5])  # the last ellipses are small: their multiplier is 1 but for rounding
    least = subcritical.oscillating_range[0]
    hopf = subcritical.hopf_points[0].I
    assert least < 0.95 * hopf
    between = cycles_at(SUBCRITICAL, subcritical, 0.5 * (least + hopf))
    assert [cycle.stable for cycle in between] == [False, True]
    assert between[0].multipliers[0].real > 1.0


def test_a_load_line_oscillates_as_the_effective_device():
    circuit = Circuit(control="voltage", load=5e5, external_capacitance=2e-8)
    found = bifurcation_diagram(DEVICE, circuit)
    assert found.complete
    effective = circuit.effective(DEVICE).replace(R_s=0.0)
    source = 0.5 * sum(found.oscillating_range)
    (cycle,) = cycles_at(DEVICE, found, source)
    bare = bifurcation_diagram(effective, Circuit())
    (same,) = cycles_at(effective, bare, source / circuit.resistance(DEVICE))
    assert cycle.period == pytest.approx(same.period, rel=1e-8)
    assert cycle.u == pytest.approx(same.u, rel=1e-8)
    assert cycle.I[0] == pytest.approx((source - cycle.u[1]) / circuit.resistance(DEVICE))
    assert cycle.V[0] == pytest.approx(cycle.u[0] + DEVICE.R_s * cycle.I[1])
    assert steady_current(DEVICE, cycle.steady_u) == pytest.approx(
        (source - cycle.steady_u) / circuit.resistance(DEVICE), rel=1e-9
    )


def test_there_is_no_cycle_outside_the_window(diagram):
    assert cycles_at(DEVICE, diagram, 1e-6) == ()
    none = bifurcation_diagram(DEVICE, Circuit(control="voltage"))
    assert none.cycles == ()
    assert none.oscillating_range is None
    assert "no Hopf point" in none.message
    assert cycles_at(DEVICE, none, 1.0) == ()


def test_a_branch_that_cannot_be_followed_says_so():
    # Charging is 200 times faster than the rest: the orbits explode within a hair's breadth.
    p = Parameters(R_b=2.45e6, C_m=1.26e-8, i_c0=5.79e-5, V_T=1.0, V_m=0.0617, tau_d=6.72, tau_k=24.3)
    found = bifurcation_diagram(p, Circuit())
    assert not found.complete
    assert "gap" in found.message or "not found" in found.message
    sources = [cycle.source for cycle in found.cycles]
    low, high = found.hopf_points
    assert all(low.I < source < high.I for source in sources)


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
    assert find_oscillation(TIME, 1.0 + 1e-14 * np.sin(2 * np.pi * 17.0 * TIME)) is None  # rounding
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
