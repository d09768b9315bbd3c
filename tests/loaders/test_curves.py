"""What sampled curves look like, on curves whose answer is known."""

import numpy as np
import pytest

from memfit.loaders.curves import (
    begins_unsteady,
    find_control,
    is_sweep,
    loop_starts,
    relative_noise,
    time_fault,
    turning_points,
)
from memfit.protocols import pulse, sweep

TIME = np.linspace(0.0, 10.0, 401)
RAMP = sweep("voltage", [0.0, 1.0, -1.0, 0.0], rate=0.4).at(TIME)
STEP = np.where((TIME > 2) & (TIME < 5), 1.0, 0.0)
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("sigma", [1e-4, 1e-3, 1e-2])
def test_noise_relative_to_the_range(sigma):
    noisy = RAMP + sigma * RNG.standard_normal(TIME.size)
    assert relative_noise(noisy) == pytest.approx(sigma / np.ptp(noisy), rel=0.25)
    assert relative_noise(np.ones(9)) == 0.0


def test_the_cleaner_curve_was_driven():
    response = 1e-3 * RAMP**3 + 1e-5 * RNG.standard_normal(TIME.size)
    assert find_control(RAMP, response) == "voltage"
    assert find_control(response, RAMP) == "current"
    assert find_control(np.ones(9), np.arange(9.0)) == "voltage"
    assert find_control(np.ones(9), np.ones(9)) is None


def test_the_curve_on_fewer_levels_was_driven():
    response = STEP * (1 - np.exp(-np.maximum(TIME - 2, 0)))
    assert find_control(STEP, response) == "voltage"


def test_sweeps_and_pulses():
    assert is_sweep(RAMP, RAMP**3) is True
    assert is_sweep(STEP, STEP * (1 - np.exp(-np.maximum(TIME - 2, 0)))) is False
    assert is_sweep(np.arange(3.0), np.arange(3.0)) is None


def test_turning_points_are_the_vertices():
    turns = turning_points(RAMP, 0.1)
    np.testing.assert_allclose(TIME[turns], [0.0, 2.5, 7.5, 10.0], atol=0.05)


@pytest.mark.parametrize("loops", [1, 2, 3])
def test_loops_begin_where_the_first_value_comes_again(loops):
    time = np.linspace(0.0, 10.0 * loops, 400 * loops + 1)
    voltage = sweep("voltage", [0.0, *[1.0, -1.0, 0.0] * loops], rate=0.4).at(time)
    np.testing.assert_allclose(time[loop_starts(voltage)], 10.0 * np.arange(loops), atol=0.05)


def test_a_clock_that_rounding_destroyed():
    assert time_fault(TIME) == ""
    assert time_fault(np.full(9, 1.7e9)) == "constant"
    assert time_fault(np.round(TIME)) == "coarse"


def test_a_response_that_moves_before_the_drive_does_began_anywhere():
    drive = pulse("voltage", 1.0, on=5.0, off=7.0, end=10.0)
    still = 1e-3 * RNG.standard_normal(TIME.size)
    assert not begins_unsteady(drive, TIME, still + drive.at(TIME))
    assert begins_unsteady(drive, TIME, still + drive.at(TIME) + np.exp(-TIME))
