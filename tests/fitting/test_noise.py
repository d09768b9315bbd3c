"""Noise estimates on noise that is known; isolated outliers found, structure left in."""

import numpy as np
import pytest
from devices import TRUTH, device, exact, pulses, spectra, sweeps
from hypothesis import given, settings
from hypothesis import strategies as st

from memfit.datasets import ImpedanceSpectrum, IVSweep, PulseTransient
from memfit.fitting.noise import first_noise, fit_noise
from memfit.fitting.prediction.predict import measured
from memfit.noise_estimate import NoiseLevel, distance_from_neighbours
from memfit.protocols import Drive
from memfit.synthetic.measurements import Noise as Added

MANY = 4000


def _pulse_record(response, time=None):
    time = np.linspace(0.0, 1.0, response.size) if time is None else time
    drive = Drive("current", [0.0, 1.0], [1e-6, 1e-6])
    return PulseTransient(name="p", time=time, voltage=response, current=None, drive=drive)


def _sweep_record(current):
    voltage = np.linspace(0.0, 1.0, current.size)
    return IVSweep(name="s", voltage=voltage, current=current)


def _spectrum_record(n, relative, rng):
    Z = 1e3 * np.exp(1j * np.linspace(0, -1.5, n)) * np.geomspace(1, 100, n)
    noise = relative * np.abs(Z) * (rng.standard_normal(n) + 1j * rng.standard_normal(n))
    return ImpedanceSpectrum(name="z", frequency=np.geomspace(1e6, 1e-2, n), impedance=Z + noise), Z


@pytest.mark.parametrize("relative", [1e-4, 0.01, 0.1])
def test_level_of_residuals_of_a_spectrum(relative):
    record, Z = _spectrum_record(MANY, relative, np.random.default_rng(0))
    model = np.concatenate([Z.real, Z.imag])
    keep = np.ones(model.size, bool)
    found = fit_noise(record, measured(record) - model, keep, model, float(model.size))
    assert found.floor == 0.0
    assert found.relative == pytest.approx(relative, rel=0.02)


@pytest.mark.parametrize("sigma", [1e-6, 1e-3, 1.0])
def test_level_of_residuals_of_a_transient(sigma):
    rng = np.random.default_rng(1)
    record = _pulse_record(1.0 + sigma * rng.standard_normal(MANY))
    keep = np.ones(MANY, bool)
    found = fit_noise(record, record.response - 1.0, keep, np.ones(MANY), float(MANY))
    assert found.relative == 0.0
    assert found.floor == pytest.approx(sigma, rel=0.03)


@pytest.mark.parametrize("floor", [1e-9, 1e-8, 1e-7])
def test_fraction_and_floor_of_a_sweep(floor):
    rng = np.random.default_rng(2)
    model = np.geomspace(1e-10, 1e-4, MANY)
    residual = np.hypot(0.01 * model, floor) * rng.standard_normal(MANY)
    record = _sweep_record(model + residual)
    found = fit_noise(record, residual, np.ones(MANY, bool), model, float(MANY))
    assert found.relative == pytest.approx(0.01, rel=0.05)
    assert found.floor == pytest.approx(floor, rel=0.1)


def test_one_level_for_degrees_of_freedom_spent():
    rng = np.random.default_rng(3)
    record = _pulse_record(1.0 + 0.1 * rng.standard_normal(100))
    residual, keep = record.response - 1.0, np.ones(100, bool)
    free = fit_noise(record, residual, keep, np.ones(100), 100.0)
    spent = fit_noise(record, residual, keep, np.ones(100), 50.0)
    assert spent.floor == pytest.approx(free.floor * np.sqrt(2.0), rel=1e-9)


@given(st.integers(0, 10_000), st.floats(0.0, 0.03), st.floats(10.0, 1e6))
@settings(max_examples=25)
def test_outliers_move_the_level_little(seed, share, size):
    rng = np.random.default_rng(seed)
    residual = rng.standard_normal(2000)
    wild = rng.random(2000) < share
    residual = np.where(wild, size * np.sign(residual), residual)
    record = _pulse_record(residual)
    found = fit_noise(record, residual, np.ones(2000, bool), np.zeros(2000), 2000.0)
    assert 0.9 < found.floor < 1.35


@pytest.mark.parametrize("kind", ["impedance", "iv", "transient"])
def test_noise_seen_without_a_model(kind):
    planned = {
        "impedance": spectra(biases=(-3.0,), frequency=np.geomspace(3e4, 0.05, 120)),
        "iv": sweeps(rates=(0.05,), points=600),
        "transient": pulses(levels=(1.0,), points=1200),
    }[kind]
    levels = []
    for seed in range(8):
        noise = Added(impedance=0.01, current=0.01, current_floor=0.0, voltage=0.003)
        levels.append(first_noise(device(planned, noise=noise, seed=seed).records[0]))
    true = 0.003 if kind == "transient" else 0.01
    found = [level.floor if kind == "transient" else level.relative for level in levels]
    assert np.median(found) == pytest.approx(true, rel=0.25)


def test_exact_data_have_a_smallest_noise():
    for record in exact([*spectra(), *sweeps(), *pulses()]).records:
        level = first_noise(record)
        size = np.abs(measured(record)).max()
        assert max(level.relative * size, level.floor) >= 1e-6 * size


@pytest.mark.parametrize("points", [1, 2, 3, 4, 5])
def test_few_points_have_a_noise_all_the_same(points):
    record = _pulse_record(np.ones(points), np.arange(points, dtype=float))
    assert np.isfinite(first_noise(record).floor)
    assert first_noise(record).floor > 0


def test_a_cubic_has_no_local_noise():
    t = np.sort(np.random.default_rng(0).uniform(0, 1, 60))
    record = _pulse_record(1 + t - 3 * t**2 + 2 * t**3, t)
    distance = distance_from_neighbours(record.response, record.time)
    assert np.count_nonzero(np.isfinite(distance)) > 5
    assert np.nanmax(np.abs(distance)) < 1e-10


def test_ends_of_a_record_have_no_distance():
    distance = distance_from_neighbours(np.ones(9))
    assert list(np.isnan(distance)) == [True, True, *[False] * 5, True, True]


def test_floor_of_a_loop_is_seen_although_its_ends_are_the_zeros():
    """The only currents near zero are the first and the last: without neighbours they say nothing."""
    floors = [
        first_noise(device(sweeps(rates=(0.05,), points=80), seed=seed).records[0]).floor
        for seed in range(20)
    ]
    true = 5e-4 * np.abs(exact(sweeps(rates=(0.05,))).records[0].current).max()
    assert 0.2 * true < np.median(floors) < 5 * true


@given(st.floats(1e-6, 0.5), st.floats(1e-9, 1.0), st.floats(1e-3, 1e3))
def test_noise_scales_with_its_two_numbers_and_is_the_larger_at_least(relative, floor, factor):
    sizes = np.array([0.0, 1e-3, 1.0, 50.0])
    sigma = NoiseLevel(relative, floor).sigma(sizes)
    scaled = NoiseLevel(factor * relative, factor * floor).sigma(sizes)
    np.testing.assert_allclose(scaled, factor * sigma, rtol=1e-12)
    assert np.all(sigma >= np.maximum(relative * sizes, floor) * (1 - 1e-12))


def test_truth_of_the_devices():
    assert TRUTH.R_b * TRUTH.i_c0 / (4 * TRUTH.V_m) == pytest.approx(6.25)
