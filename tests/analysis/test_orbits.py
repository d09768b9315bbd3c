"""Coordinates and rates of every member, and courses from any state."""

import numpy as np
import pytest
from member_equations import CURRENT, DEVICE, MEMBERS, Equations

from memfit.analysis.cycles import orbits_of
from memfit.analysis.orbits import Orbits
from memfit.model import Parameters
from memfit.model.equations import states, steady_state, vector_field
from memfit.model.transient import simulate
from memfit.protocols import Drive

PLAIN = DEVICE.replace(R_s=0.0)


def orbits(name):
    changes, circuit = MEMBERS[name]
    return orbits_of(DEVICE.replace(**changes), circuit)


@pytest.mark.parametrize("name", MEMBERS)
def test_coordinates_and_states_there_and_back(name):
    one = orbits(name)
    for x in (-2.5, 0.3, 1.7):
        rest = one.at_rest(x)
        state = one.state(rest)
        assert rest.size == state.size == one.size
        np.testing.assert_allclose(one.coordinates(state), rest, rtol=1e-9, atol=1e-9)
        current = one.steady(rest)[1]
        moved = one.state(rest + 0.1)
        scale = np.abs(one.rates(moved, current))
        assert np.all(np.abs(one.rates(state, current)) < 1e-9 * scale.max())  # at rest nothing moves


def test_the_plainest_device_is_at_x_x_x():
    np.testing.assert_allclose(Orbits(PLAIN).at_rest(-1.3), -1.3, rtol=1e-14)


@pytest.mark.parametrize("name", [name for name in MEMBERS if name != "dispersion"])
def test_rates_are_those_of_the_equations(name):
    one = orbits(name)
    p, generator = one.p, np.random.default_rng(1)
    order = {"u": 0, "i_c": 1, "f": 2}
    later = ["f_n"] if p.i_c0n > 0 else []
    names = [*order, *later, *(n for n in states(p) if n not in {*order, *later, "i_cn"})]
    names += ["i_cn"] if p.i_c0n > 0 else []
    place = [names.index(n) for n in states(p)]
    for _ in range(5):
        z = one.at_rest(generator.uniform(-3, 3)) + generator.normal(size=one.size)
        state = one.state(z)
        lags_of_v = state[place]
        found = one.rates(state, np.array(3e-5))[place]
        np.testing.assert_allclose(found, vector_field(p, lags_of_v, 3e-5), rtol=1e-7)


def test_the_order_of_lags():
    """Of a device with a second polarity and a branch: u, i_c, f, f_n, i_cn, v."""
    p = DEVICE.replace(i_c0n=0.8e-4, V_Tn=0.6, V_mn=0.05, R_1=3e5, C_1=1e-7)
    one = orbits_of(p, CURRENT)
    u = -0.6  # where the second polarity is half open
    state = one.state(one.at_rest((u - p.V_T) / p.V_m))
    known = dict(zip(states(p), steady_state(p, u), strict=True))
    expected = [known[name] for name in ("u", "i_c", "f", "f_n", "i_cn", "v")]
    np.testing.assert_allclose(state, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", MEMBERS)
def test_the_direction_is_the_critical_eigenvector(name):
    """Where u falls: the real part of i q, q the eigenvector with u = 1."""
    one, omega = orbits(name), 200.0
    changes, circuit = MEMBERS[name]
    x, step = -0.8, 1e-6
    found = one.direction(x, omega)
    assert found[0] == 0.0
    rest = one.at_rest(x)
    if name in {"second polarity", "dispersion"}:
        return  # whose states stand in another order
    flow = Equations(DEVICE.replace(**changes), circuit, 0.0)
    u = one.steady(rest)[0]
    flow.source = float(circuit.source(DEVICE.replace(**changes), u))
    J = flow.jacobian(u)
    q = np.linalg.solve(1j * omega * np.eye(one.size)[1:, 1:] - J[1:, 1:], J[1:, 0])
    slopes = (one.state(rest + step) - one.state(rest - step)) / (2 * step)  # of the states by coordinates
    np.testing.assert_allclose(found[1:], -(q * slopes[0] / slopes[1:]).imag, rtol=1e-5)


@pytest.mark.parametrize("name", ["branch", "dispersion", "several"])
def test_a_course_from_any_state_is_that_of_the_equations(name):
    changes, _ = MEMBERS[name]
    one = orbits_of(DEVICE.replace(**changes), CURRENT)
    rest = one.at_rest(-0.5)
    begun = one.state(rest + 0.2 * np.sin(np.arange(one.size)))
    time = np.linspace(0.0, 1e-9 if name == "dispersion" else 1e-6, 3)
    found = one.run(begun[None, :], np.array([3e-5]), [time])
    rate = (found[2] - found[0]) / time[2]  # the middle of so short a course
    np.testing.assert_allclose(
        rate, one.rates(found[1], np.array(3e-5)), rtol=1e-4, atol=1e-6 * np.abs(rate).max()
    )
    np.testing.assert_allclose(found[0], begun, rtol=1e-12)


def test_a_course_from_rest_is_that_of_the_drive():
    p = PLAIN.replace(R_1=3e5, C_1=1e-7)
    one, time = orbits_of(p, CURRENT), np.linspace(0.0, 0.3, 301)
    u = float(CURRENT.junction_voltage(p, 0.0)[0])
    rest = one.at_rest((u - p.V_T) / p.V_m)
    found = one.run(one.state(rest)[None, :], np.array([3e-5]), [time])
    drive = Drive("current", np.zeros(2), np.array([0.0, 3e-5]), "steady")
    course = simulate(p, drive, time, tolerance=1e-10)
    np.testing.assert_allclose(found[:, 0], course.u, atol=1e-6)


def test_what_cannot_be_integrated_is_none():
    p = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, I_l=1e-9, V_l=1e-3)
    one = Orbits(p)
    start = one.state(one.at_rest(0.0))
    assert one.run(np.full((1, 3), np.nan), np.array([1e-5]), [np.array([0.1])]) is None
    assert np.all(np.isfinite(start))
