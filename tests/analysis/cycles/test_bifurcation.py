"""Limit cycles against the reference file, against the plain integrator, and around a fold."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from memfit.analysis.cycles.bifurcation import bifurcation_diagram, cycles_at
from memfit.analysis.cycles.shooting import Orbits, correct, course, small_orbit
from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.hopf import find_hopf_points
from memfit.model.equations import steady_current
from memfit.model.parameters import Parameters
from memfit.model.transient import simulate
from memfit.protocols import Drive

REFERENCE = Path(__file__).parents[2] / "reference" / "model_values.json"
DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
SUBCRITICAL = Parameters(R_b=1.0, C_m=1.0, i_c0=100.0, V_T=1.0, V_m=0.05, tau_d=1.0, tau_k=0.1)


def reference_sets():
    """Parameter sets of the reference file, or a skipped case where it is absent."""
    if not REFERENCE.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="no reference file beside the checkout"))]
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


def test_the_power_is_the_mean_of_the_branches(diagram):
    # Over a period the mean current through C_m vanishes: mean u / R_b + mean i_c = I.
    current = 4e-5
    (cycle,) = cycles_at(DEVICE, diagram, current)
    orbits = Orbits(DEVICE.replace(R_s=0.0))
    time, states = course(orbits, np.array(cycle.unknowns))
    mean_u, mean_i, mean_f = np.trapezoid(states, time, axis=0) / cycle.period
    assert mean_u / DEVICE.R_b + mean_i == pytest.approx(current, rel=1e-6)
    assert mean_i == pytest.approx(DEVICE.i_c0 * mean_f, rel=1e-6)
    expected = (mean_u + DEVICE.R_s * current) * current * cycle.period
    assert cycle.energy == pytest.approx(expected, rel=1e-9)


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


def test_multipliers_obey_liouville(diagram):
    # Their product is exp of the integrated divergence of the flow.
    p = DEVICE.replace(R_s=0.0, tau_k=0.02, i_c0=2e-4)
    found = bifurcation_diagram(p, Circuit())
    cycle = found.cycles[3]
    time, states = course(Orbits(p), np.array(cycle.unknowns))
    decay = (1.0 + np.exp(-(states[:, 0] - p.V_T) / p.V_m)) / p.tau_k
    expected = np.exp(-(1.0 / p.tau_m + 1.0 / p.tau_d) * cycle.period - np.trapezoid(decay, time))
    product = cycle.multipliers[0] * cycle.multipliers[1]
    assert product.real == pytest.approx(expected, abs=1e-6)


def test_multipliers_against_the_variational_equation(subcritical):
    p, gain = SUBCRITICAL, SUBCRITICAL.R_b * SUBCRITICAL.i_c0 / SUBCRITICAL.V_m
    current = float(steady_current(p, p.V_T - 2.15 * p.V_m))
    for cycle in cycles_at(p, subcritical, current):
        z = np.array(cycle.unknowns)

        def flow(_, y, x=z[0]):
            (v, i, f), matrix, fall = y[:3], y[3:].reshape(3, 3), np.exp(-y[0])
            rate = [x + gain / (1 + np.exp(-x)) - v - gain * i, f - i, ((1 - f) - fall * f) / p.tau_k]
            slopes = np.array([[-1, -gain, 0], [0, -1, 1], [fall * f / p.tau_k, 0, -(1 + fall) / p.tau_k]])
            return np.concatenate([rate, (slopes @ matrix).ravel()])

        start = np.concatenate([[z[0]], 1.0 / (1.0 + np.exp(-z[1:3])), np.eye(3).ravel()])
        end = solve_ivp(flow, (0.0, cycle.period), start, method="Radau", rtol=1e-9, atol=1e-12).y[:, -1]
        np.testing.assert_allclose(end[:3], start[:3], rtol=1e-6)
        values = np.linalg.eigvals(end[3:].reshape(3, 3))
        first = np.delete(values, np.argmin(abs(values - 1.0)))
        assert cycle.multipliers[0].real == pytest.approx(first[np.argmax(abs(first))].real, rel=1e-6)


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


def test_a_start_far_from_any_orbit_does_not_converge():
    point = find_hopf_points(DEVICE, Circuit())[0]
    orbits = Orbits(DEVICE.replace(R_s=0.0))
    hopf, direction = small_orbit(orbits.p, (point.u - DEVICE.V_T) / DEVICE.V_m, point.omega)
    assert correct(orbits, hopf + np.array([0.0, 8.0, -8.0, 1.0]), direction, 0.05) is None


def test_a_branch_that_cannot_be_followed_says_so():
    # Charging is 200 times faster than the rest: the orbits explode within a hair's breadth.
    p = Parameters(R_b=2.45e6, C_m=1.26e-8, i_c0=5.79e-5, V_T=1.0, V_m=0.0617, tau_d=6.72, tau_k=24.3)
    found = bifurcation_diagram(p, Circuit())
    assert not found.complete
    assert "gap" in found.message or "not found" in found.message
    sources = [cycle.source for cycle in found.cycles]
    low, high = found.hopf_points
    assert all(low.I < source < high.I for source in sources)
