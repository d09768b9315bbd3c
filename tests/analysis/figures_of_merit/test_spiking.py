"""Spiking: threshold, frequency, amplitude and energy against the course in time."""

import devices
import numpy as np
import pytest

from memfit.analysis.figures_of_merit.spiking import Spiking, spikes_of, threshold_current
from memfit.analysis.figures_of_merit.synapse import Piece
from memfit.model import Parameters
from memfit.model.transient import simulate
from memfit.protocols import Drive

P = Parameters(R_b=1e5, C_m=1e-7, i_c0=4e-5, V_T=0.6, V_m=0.05, tau_d=0.02, tau_k=0.02, R_s=20.0)


def test_the_cycle_is_what_a_trace_settles_on():
    spiking = Spiking.of(P)
    current = spiking.usual()
    frequency, amplitude, energy = spiking.at(P, current)
    end = 60.0 / frequency
    time = np.linspace(0.0, end, 20_001)
    course = simulate(P, Drive("current", [0.0, end], [current, current], "rest"), time)
    read = spikes_of(time, course.voltage, course.current, Piece(0.0, end, current))
    assert read == pytest.approx((frequency, amplitude, energy), rel=2e-3)


def test_a_neighbour_is_followed():
    spiking = Spiking.of(P)
    current = spiking.usual()
    near = P.replace(tau_d=1.01 * P.tau_d)
    assert spiking.at(near, current)[0] == pytest.approx(Spiking.of(near).at(near, current)[0], rel=1e-6)
    found = spiking.frequencies(near, spiking.currents())
    assert found == pytest.approx([spiking.at(near, one)[0] for one in spiking.currents()], rel=1e-9)


def test_the_threshold_is_a_hopf_point():
    threshold = threshold_current(P)
    assert Spiking.of(P).currents()[0] > threshold
    assert threshold_current(P.replace(kappa=1e-9)) == pytest.approx(threshold, rel=1e-3)


def test_a_device_too_far_to_be_followed_has_its_own_cycle():
    spiking = Spiking.of(P)
    far = P.replace(tau_d=3.0 * P.tau_d, V_T=0.7)
    current = Spiking.of(far).usual()
    own = Spiking.of(far).at(far, current)
    assert spiking.at(far, current) == pytest.approx(own, rel=1e-6)
    assert spiking.frequencies(far, np.array([current])) == pytest.approx(own[:1], rel=1e-6)


@pytest.mark.parametrize(
    "part",
    [
        {"R_1": 3e5, "C_1": 2e-6},
        {"C_0": 5e-9, "V_c": 0.25},
        {"I_l": 1e-8, "V_l": 0.3},
        {"p_k": 0.2, "q_k": 0.1},
        {"kappa": 1e-3},
    ],
    ids="_".join,
)
def test_a_member_has_the_cycle_that_its_trace_settles_on(part):
    member = P.replace(**part)
    spiking = Spiking.of(member)
    current = spiking.usual()
    found = spiking.at(member, current)
    end = 400.0 / found[0]
    time = np.linspace(0.0, end, 60_001)
    course = simulate(member, Drive("current", [0.0, end], [current, current], "rest"), time)
    late = Piece(0.8 * end, end, current)
    assert spikes_of(time, course.voltage, course.current, late) == pytest.approx(found, rel=2e-3)


def test_a_device_that_does_not_spike():
    quiet = Spiking.of(devices.TRUTH)
    assert quiet.usual() is None
    assert np.all(np.isnan(quiet.at(devices.TRUTH, 1e-5)))
    assert np.isnan(threshold_current(devices.TRUTH))


def test_noise_does_not_enlarge_spikes():
    spiking = Spiking.of(P)
    current = spiking.usual()
    frequency, amplitude, _ = spiking.at(P, current)
    end = 40.0 / frequency
    time = np.linspace(0.0, end, 6001)
    course = simulate(P, Drive("current", [0.0, end], [current, current], "rest"), time)
    noise = 0.01 * amplitude * np.random.default_rng(3).standard_normal(time.size)
    read = spikes_of(time, course.voltage + noise, course.current, Piece(0.0, end, current))
    assert read[1] == pytest.approx(amplitude, rel=3e-3)  # the largest samples are 2 % too large
