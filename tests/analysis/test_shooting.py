"""One orbit: its balance of power, its multipliers, and starts from which there is none."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp, trapezoid

from memfit.analysis.cycles import (
    bifurcation_diagram,
    cycle_near,
    cycles_at,
    frequencies_near,
    orbits_of,
    slopes_of,
)
from memfit.analysis.orbits import Orbits
from memfit.analysis.shooting import correct, course, extremes, small_orbit
from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.hopf import find_hopf_points
from memfit.model import Parameters, steady_current

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)


SUBCRITICAL = Parameters(R_b=1.0, C_m=1.0, i_c0=100.0, V_T=1.0, V_m=0.05, tau_d=1.0, tau_k=0.1)


def test_the_power_is_the_mean_of_the_branches():
    # Over a period the mean current through C_m vanishes: mean u / R_b + mean i_c = I.
    current = 4e-5
    (cycle,) = cycles_at(DEVICE, bifurcation_diagram(DEVICE, Circuit()), current)
    orbits = Orbits(DEVICE.replace(R_s=0.0))
    time, states = course(orbits, np.array(cycle.unknowns))
    mean_u, mean_i, mean_f = trapezoid(states, time, axis=0) / cycle.period
    assert mean_u / DEVICE.R_b + mean_i == pytest.approx(current, rel=1e-6)
    assert mean_i == pytest.approx(DEVICE.i_c0 * mean_f, rel=1e-6)
    expected = (mean_u + DEVICE.R_s * current) * current * cycle.period
    assert cycle.energy == pytest.approx(expected, rel=1e-9)


def test_multipliers_obey_liouville():
    # Their product is exp of the integrated divergence of the flow.
    p = DEVICE.replace(R_s=0.0, tau_k=0.02, i_c0=2e-4)
    found = bifurcation_diagram(p, Circuit())
    cycle = found.cycles[3]
    time, states = course(Orbits(p), np.array(cycle.unknowns))
    decay = (1.0 + np.exp(-(states[:, 0] - p.V_T) / p.V_m)) / p.tau_k
    expected = np.exp(-(1.0 / p.tau_m + 1.0 / p.tau_d) * cycle.period - trapezoid(decay, time))
    product = cycle.multipliers[0] * cycle.multipliers[1]
    assert product.real == pytest.approx(expected, abs=1e-6)


def test_multipliers_against_the_variational_equation():
    p, gain = SUBCRITICAL, SUBCRITICAL.R_b * SUBCRITICAL.i_c0 / SUBCRITICAL.V_m
    current = float(steady_current(p, p.V_T - 2.15 * p.V_m))
    for cycle in cycles_at(p, bifurcation_diagram(p, Circuit()), current):
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


def test_a_start_far_from_any_orbit_does_not_converge():
    point = find_hopf_points(DEVICE, Circuit())[0]
    orbits = Orbits(DEVICE.replace(R_s=0.0))
    hopf, direction = small_orbit(orbits, (point.u - DEVICE.V_T) / DEVICE.V_m, point.omega)
    assert correct(orbits, hopf + np.array([0.0, 8.0, -8.0, 1.0]), direction, 0.05) is None


def test_the_steady_state_is_no_orbit():
    """It returns after any time: what is followed to it has no cycle, and no frequency."""
    circuit = Circuit()
    x = (find_hopf_points(DEVICE, circuit)[0].u - DEVICE.V_T) / DEVICE.V_m - 1.0
    orbits = orbits_of(DEVICE, circuit)
    near = np.append(orbits.at_rest(x), np.log(0.3)) + np.array([0.0, 0.1, -0.1, 0.0])
    source = float(orbits.steady(near)[1])
    orbit, _ = correct(orbits, near, np.eye(4)[0], 0.2, differences=False)
    assert orbit[:3] == pytest.approx(orbits.at_rest(x), abs=1e-6)
    assert cycle_near(DEVICE, circuit, source, near) is None
    slopes = slopes_of(DEVICE, circuit, near)
    found = frequencies_near(DEVICE, circuit, np.array([source]), near[None, :], slopes[None, :, :])
    assert np.isnan(found).all()


def test_the_smallest_orbits_have_the_frequency_and_the_plane_of_the_hopf_point():
    """A step along the eigenvector is an orbit but for the square of its size."""
    point = find_hopf_points(DEVICE, Circuit())[0]
    orbits = Orbits(DEVICE.replace(R_s=0.0))
    hopf, direction = small_orbit(orbits, (point.u - DEVICE.V_T) / DEVICE.V_m, point.omega)
    assert np.exp(hopf[3]) == pytest.approx(1.0 / point.frequency_Hz)
    misses = [
        np.mean([np.linalg.norm(orbits.residual(hopf + way * direction)[0]) for way in (size, -size)])
        for size in (0.005, 0.01)
    ]
    assert misses[1] / misses[0] == pytest.approx(4.0, rel=0.05)


def test_extremes_lie_between_the_samples():
    """Of a sampled sine they are those of the sine, though no sample is there."""
    p = DEVICE.replace(R_s=0.0)
    diagram = bifurcation_diagram(p, Circuit())
    z = np.array(diagram.cycles[len(diagram.cycles) // 2].unknowns)
    orbits = Orbits(p)
    time, states = course(orbits, z)
    coarse = extremes(orbits, z, time[::16], states[::16])
    fine = extremes(orbits, z, time, states)
    assert np.all(fine[:, 0] <= states.min(axis=0))
    assert np.all(fine[:, 1] >= states.max(axis=0))
    np.testing.assert_allclose(coarse, fine, atol=2e-3 * np.ptp(fine, axis=1).max(), rtol=2e-3)


def test_one_course_an_iteration_leads_to_the_same_orbit(monkeypatch):
    # Broyden's updates stand in for derivatives by differences, which take seven courses each.
    diagram = bifurcation_diagram(DEVICE, Circuit())
    known = np.array(diagram.cycles[len(diagram.cycles) // 2].unknowns)
    orbits, counted = Orbits(DEVICE.replace(R_s=0.0, tau_d=1.02 * DEVICE.tau_d)), []
    followed = Orbits.run

    def counting(self, starts, currents, times):
        counted.append(len(starts))
        return followed(self, starts, currents, times)

    monkeypatch.setattr(Orbits, "run", counting)
    fixed = np.array([1.0, 0.0, 0.0, 0.0])
    by_differences, _ = correct(orbits, known, fixed, 1.0)
    many, counted[:] = sum(counted), []
    by_updates, _ = correct(orbits, known, fixed, 1.0, differences=False)
    assert by_updates == pytest.approx(by_differences, abs=1e-7)
    assert not np.allclose(by_updates, known, atol=1e-4)
    assert sum(counted) < 0.7 * many
