"""What a device of given parameters does: its course, its impedance, its steady state at a bias."""

from dataclasses import replace

import numpy as np
import pytest

import memfit as mf
from memfit.model import Parameters, dc_resistance, junction_voltage
from memfit.protocols import pulse

TRUTH = Parameters(R_b=2e5, C_m=1.5e-7, i_c0=5e-6, V_T=0.6, V_m=0.06, tau_d=0.1, tau_k=0.02, R_s=40.0)


def test_simulate_over_the_whole_drive():
    drive = pulse("current", 5e-6, on=0.1, off=0.5, end=1.0)
    course = mf.simulate(TRUTH, drive)
    assert course.time[[0, -1]] == pytest.approx([0.0, 1.0])
    assert course.current[course.time == 0.3] == pytest.approx(5e-6)
    few = mf.simulate(TRUTH, drive, [0.0, 0.3, 1.0])
    whole = np.interp([0.0, 0.3, 1.0], course.time, course.voltage)
    assert few.voltage == pytest.approx(whole, abs=1e-6)


def test_impedance_at_low_frequency_is_the_slope_of_the_steady_state():
    u = junction_voltage(TRUTH, "voltage", np.array([0.62]))
    (low,) = mf.impedance(TRUTH, [1e-6], 0.62)
    assert low.real == pytest.approx(TRUTH.R_s + dc_resistance(TRUTH, u)[0], rel=1e-6)
    current = float((0.62 - u[0]) / TRUTH.R_s)
    (same,) = mf.impedance(TRUTH, [1e-6], current, control="current")
    assert same == pytest.approx(low, rel=1e-6)


def test_the_steady_state_at_a_bias_is_said_where_it_was_asked_for_and_can_be_said():
    """A voltage source without any resistance holds the junction: it has no steady state of its own."""
    assert all("at" not in block for block in mf.stability(TRUTH).values())
    blocks = mf.stability(TRUTH, at=0.5)
    assert {name: block["at"]["V"] for name, block in blocks.items()} == pytest.approx(
        {"current": 0.5, "voltage": 0.5}
    )
    pinned = mf.stability(replace(TRUTH, R_s=0.0), at=0.5)
    assert pinned["voltage"]["at"] is None
    assert pinned["current"]["at"]["kind"].startswith("stable")
