"""Figures of loops against loops whose figures are known."""

import numpy as np
import pytest

from memfit.analysis.figures_of_merit import loops

T = np.linspace(0.0, 2.0, 801)
V = 1.0 - np.abs(T - 1.0)


def conductance(V, threshold, width=0.03, off=1e-6, on=1e-4):
    """A step of ln G at a threshold."""
    share = 1.0 / (1.0 + np.exp(-(V - threshold) / width))
    return off * (on / off) ** share


@pytest.fixture
def switching():
    """Set at 0.7 V, reset at 0.4 V."""
    G = np.where(T <= 1.0, conductance(V, 0.7), conductance(V, 0.4))
    return loops.split(T, V, G * V)


def test_set_and_reset(switching):
    assert loops.steepest(switching, falling=False) == pytest.approx(0.7, abs=1e-4)
    assert loops.steepest(switching, falling=True) == pytest.approx(0.4, abs=1e-4)


def test_an_ohmic_device_has_neither():
    loop = loops.split(T, V, V / 1e5)
    found = loops.steepest(loop, falling=False)
    assert np.isnan(found) or loops.area(loop) == pytest.approx(0.0, abs=1e-12)
    assert loops.index_of_areas(loop) == pytest.approx(0.0, abs=1e-12)


def test_resistances_of_the_states(switching):
    up, down = (loops.currents_at(switching, np.array([0.55]), falling=f)[0] for f in (False, True))
    assert 0.55 / up == pytest.approx(1.0 / conductance(0.55, 0.7), rel=0.05)
    assert 0.55 / down == pytest.approx(1.0 / conductance(0.55, 0.4), rel=0.05)
    assert np.isnan(loops.currents_at(switching, np.array([1.2]), falling=False)[0])


def test_a_capacitance_has_its_area():
    """Integral of C dV/dt dV: C times the square of the rate times the time; positive."""
    loop = loops.split(T, V, 1e-6 * np.where(T < 1.0, 1.0, -1.0))
    assert loops.area(loop) == pytest.approx(2e-6, rel=0.01)


def test_a_memory_that_opens_has_a_negative_area(switching):
    assert loops.area(switching) < 0.0
    assert loops.index_of_areas(switching) > 0.0


def test_lobes_and_crossing():
    rising, falling = V * (1.0 + 0.5 * (V - 0.6)), V * (1.0 - 0.5 * (V - 0.6))
    loop = loops.split(T, V, np.where(T <= 1.0, rising, falling))
    (found,) = loops.crossings(*loops.branches(loop))
    assert found == pytest.approx(0.6, abs=0.01)


def test_energy_up_to_a_voltage():
    loop = loops.split(T, V, V / 10.0)
    assert loops.energy_up_to(loop, 0.5) == pytest.approx(0.5**3 / 30.0, rel=1e-3)
    assert np.isnan(loops.energy_up_to(loop, np.nan))


def test_cycles_are_told_apart():
    three = np.concatenate([T, 2.0 + T[1:], 4.0 + T[1:]])
    voltage = np.concatenate([V, V[1:], V[1:]])
    assert len(loops.cycles(three, voltage, voltage / 1e3)) == 3


def test_a_loop_through_both_polarities_is_one():
    t = np.linspace(0.0, 4.0, 1601)
    v = np.interp(t, [0, 1, 3, 4], [0, 1, -1, 0])
    (loop,) = loops.cycles(t, v, v / 1e3)
    assert loop.falling_voltage.min() == pytest.approx(-1.0)


def test_what_is_no_loop():
    assert loops.split(T, T, T) is None
    assert loops.split(T, np.ones_like(T), T) is None
    assert loops.cycles(T[:9], V[:9], V[:9]) == []


def test_straight_lines_are_exact_for_straight_lines():
    x = np.sort(np.random.default_rng(1).uniform(0.0, 1.0, 200))
    value, slope = loops.straight_lines(x[::-1], 3.0 + 2.0 * x[::-1], np.array([0.3, 0.7]), 0.2)
    np.testing.assert_allclose(value, [3.6, 4.4])
    np.testing.assert_allclose(slope, 2.0)
