"""Drives: values, slopes, and what is found of a drive in noisy samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memfit.errors import InputError
from memfit.protocols import Drive, drive_from_samples, pulse, pulse_train, staircase, sweep


def test_a_drive_holds_its_ends_and_takes_the_new_value_at_a_jump():
    drive = pulse("current", 2.0, on=1.0, off=3.0, end=5.0, base=0.5)
    np.testing.assert_array_equal(
        drive.at([-1, 0, 0.999, 1, 2, 3, 4, 9]), [0.5, 0.5, 0.5, 2, 2, 0.5, 0.5, 0.5]
    )


def test_texts_with_units_are_as_good_as_numbers():
    for by_text, by_number in (
        (
            pulse("current", "20 uA", on="50 ms", off=0.4, end="0.8 s", base="1 uA"),
            pulse("current", 20e-6, on=0.05, off=0.4, end=0.8, base=1e-6),
        ),
        (
            pulse_train("voltage", "1 V", on="1 ms", width="1 ms", period="5 ms", count=3, end="20 ms"),
            pulse_train("voltage", 1.0, on=1e-3, width=1e-3, period=5e-3, count=3, end=0.02),
        ),
        (sweep("voltage", [0, "900 mV", "0 V"], rate="50 mV/s"), sweep("voltage", [0, 0.9, 0], rate=0.05)),
        (staircase("current", (0, "2 uA"), dwell="1 ms"), staircase("current", [0, 2e-6], dwell=1e-3)),
    ):
        np.testing.assert_allclose(by_text.time, by_number.time, rtol=1e-12)
        np.testing.assert_allclose(by_text.value, by_number.value, rtol=1e-12)
    for wrong, said in (
        (lambda: pulse("current", "1 V", on=0, off=1, end=2), "Expected a unit of current"),
        (lambda: sweep("voltage", [0, 1], rate="1 V"), "Expected a unit of voltage rate"),
        (lambda: pulse("volt", 1.0, on=0, off=1, end=2), "controlled by"),
    ):
        with pytest.raises(InputError, match=said):
            wrong()


def test_a_ramp_is_linear_and_has_its_slope():
    drive = sweep("voltage", [0, 1, -1], rate=0.5)
    np.testing.assert_allclose(drive.at([0, 1, 2, 4, 6]), [0, 0.5, 1, 0, -1])
    np.testing.assert_allclose(drive.rate([0, 1.9, 2, 5, 6, 7, -1]), [0.5, 0.5, -0.5, -0.5, 0, 0, 0])


def test_a_staircase_holds_each_level():
    drive = staircase("voltage", [0.1, 0.2, 0.3], dwell=2.0)
    np.testing.assert_allclose(drive.at([0, 1.9, 2.0, 3.9, 4.0, 6.0]), [0.1, 0.1, 0.2, 0.2, 0.3, 0.3])


def test_a_pulse_train_repeats():
    drive = pulse_train("voltage", 1.0, on=1, width=0.5, period=2, count=3, end=8)
    np.testing.assert_array_equal(drive.at([0.9, 1.2, 1.6, 3.2, 3.6, 5.2, 5.6]), [0, 1, 0, 1, 0, 1, 0])


@pytest.mark.parametrize(
    ("control", "time", "value", "initial", "words"),
    [
        ("gravity", [0, 1], [0, 1], "steady", "controlled by"),
        ("voltage", [0, 1], [0, 1], "warm", "initial state"),
        ("voltage", [0, 1], [0], "steady", "as many times"),
        ("voltage", [], [], "steady", "at least one"),
        ("voltage", [0, np.nan], [0, 1], "steady", "finite"),
        ("voltage", [1, 0], [0, 1], "steady", "run backward"),
    ],
)
def test_a_wrong_drive_is_refused(control, time, value, initial, words):
    with pytest.raises(InputError, match=words):
        Drive(control, time, value, initial)


@pytest.mark.parametrize(("count", "width", "period"), [(0, 1, 2), (1, 0, 2), (2, 3, 2)])
def test_a_wrong_pulse_train_is_refused(count, width, period):
    with pytest.raises(InputError, match="pulse train"):
        pulse_train("voltage", 1.0, on=0, width=width, period=period, count=count, end=9)


def test_a_sweep_needs_a_rate():
    with pytest.raises(InputError, match="scan rate"):
        sweep("voltage", [0, 1], rate=0)


def test_the_drive_of_a_clean_pulse_has_its_jumps_and_nothing_else():
    t = np.arange(600) * 1e-3
    samples = np.where((t >= 0.1) & (t < 0.3), 1e-3, 0.0)
    drive = drive_from_samples("current", t, samples)
    np.testing.assert_allclose(drive.at(t), samples, atol=1e-12)
    assert drive.time.size <= 8


@pytest.mark.parametrize("seed", range(5))
def test_noise_of_the_read_back_does_not_enter_the_drive_of_a_pulse(seed):
    rng = np.random.default_rng(seed)
    t = np.arange(2000) * 1e-3
    truth = np.where((t >= 0.5) & (t < 1.2), 1.0, 0.2)
    drive = drive_from_samples("voltage", t, truth + 1e-3 * rng.standard_normal(t.size))
    np.testing.assert_allclose(drive.at(t), truth, atol=3e-4)
    assert drive.time.size <= 12


@pytest.mark.parametrize("seed", range(5))
def test_the_drive_of_a_noisy_triangle_has_its_corners(seed):
    rng = np.random.default_rng(seed)
    truth = sweep("voltage", [0, 1, -1, 0], rate=0.1)
    t = np.linspace(0, 40, 1601)
    drive = drive_from_samples("voltage", t, truth.at(t) + 5e-4 * rng.standard_normal(t.size))
    np.testing.assert_allclose(drive.at(t), truth.at(t), atol=1e-3)
    assert drive.time.size <= 30


def test_a_staircase_of_many_samples_keeps_its_steps():
    t = np.arange(400) * 0.01
    levels = np.floor(t / 0.5) * 0.1
    drive = drive_from_samples("voltage", t, levels)
    np.testing.assert_allclose(drive.at(t), levels, atol=1e-9)


def test_constant_samples_are_a_constant_drive():
    drive = drive_from_samples("voltage", np.arange(50.0), np.full(50, 0.3))
    assert drive.time.size == 2
    np.testing.assert_array_equal(drive.at(np.arange(50.0)), 0.3)


def test_a_given_tolerance_decides():
    t = np.linspace(0, 1, 101)
    wave = 0.01 * np.sin(20 * t)
    assert drive_from_samples("voltage", t, wave, tolerance=0.05).time.size == 2
    assert drive_from_samples("voltage", t, wave, tolerance=1e-4).time.size > 10


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(-1e3, 1e3)), min_size=1, max_size=60),
    st.sampled_from(["steady", "rest", "free"]),
)
def test_any_samples_give_a_drive_over_their_times(samples, initial):
    t = np.cumsum([gap for gap, _ in samples])
    v = np.array([value for _, value in samples])
    drive = drive_from_samples("current", t, v, initial=initial)
    assert (drive.control, drive.initial) == ("current", initial)
    assert drive.time[0] == t[0]
    assert drive.time[-1] == t[-1]
    assert np.isfinite(drive.at(t)).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=3, max_size=40), st.floats(1e-3, 1))
def test_the_drive_stays_near_its_samples(values, tolerance):
    t = np.arange(len(values), dtype=float)
    drive = drive_from_samples("voltage", t, values, tolerance=tolerance)
    # the vertices are then fitted, which may carry them a little beyond the tolerance
    assert np.max(np.abs(drive.at(t) - values)) <= 4 * tolerance + 1e-9


@pytest.mark.parametrize("noise", [0.0, 1e-3])
@pytest.mark.parametrize("digits", [6, 12])
def test_a_sweep_over_decades_keeps_its_small_values(noise, digits):
    up = np.geomspace(1e-9, 1e-3, 61)
    exact = np.concatenate([up, up[-2::-1]])
    time = np.linspace(0.0, 60.0, exact.size)
    read = exact * (1 + noise * np.random.default_rng(0).standard_normal(exact.size))
    drive = drive_from_samples("current", time, [float(f"{value:.{digits}g}") for value in read])
    np.testing.assert_allclose(drive.at(time), exact, rtol=1e-5 + 5 * noise)


def test_rounding_makes_no_vertices():
    time = np.linspace(0.0, 1.0, 463)
    value = np.interp(time, [0.0, 0.4137, 1.0], [0.0, 1.0141, -0.43])
    drive = drive_from_samples("voltage", time, [float(f"{v:.7g}") for v in value])
    assert drive.time.size <= 6
