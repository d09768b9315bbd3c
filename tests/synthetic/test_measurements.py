"""The default set shows what a device does, whatever its parameters; a device is the model plus noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memfit.errors import InputError
from memfit.fitting.prediction.predict import Predictor
from memfit.model import Parameters, junction_voltage
from memfit.protocols import Drive
from memfit.synthetic.measurements import (
    NOISELESS,
    Noise,
    Recording,
    Spectroscopy,
    check_files,
    default_measurements,
    loop,
    simulate_device,
    spectrum,
    transient,
)

decades = st.floats(-1.5, 1.5)


@st.composite
def devices(draw: st.DrawFn) -> Parameters:
    return Parameters(
        R_b=1e5 * 10 ** draw(decades),
        C_m=1e-7 * 10 ** draw(decades),
        i_c0=1e-5 * 10 ** draw(decades),
        V_T=draw(st.floats(0.1, 2.0)),
        V_m=draw(st.floats(0.02, 0.2)),
        tau_d=0.1 * 10 ** draw(decades),
        tau_k=0.1 * 10 ** draw(decades),
        R_s=draw(st.floats(0.0, 100.0)),
    )


@given(devices())
def test_default_set_covers_the_opening_of_the_channel(p):
    planned = default_measurements(p)
    check_files(planned)
    spectra = [item for item in planned if isinstance(item, Spectroscopy)]
    loops = [item for item in planned if isinstance(item, Recording) and item.kind == "iv"]
    pulses = [item for item in planned if isinstance(item, Recording) and item.kind == "transient"]
    assert (len(spectra), len(loops), len(pulses)) == (8, 3, 3)
    u = junction_voltage(p, "voltage", np.array([item.protocol.bias for item in spectra]))
    x = (u - p.V_T) / p.V_m
    assert x.min() < -1.5
    assert x.max() > 3.0
    assert np.all(np.diff(x) > 0)
    assert np.count_nonzero(np.abs(x) < 2.0) >= 2
    frequency = spectra[0].protocol.frequency
    assert frequency.min() >= 1e-2
    assert frequency.max() <= 1e6
    slowest = max(p.tau_m, p.tau_d, p.tau_k)
    assert 2 * np.pi * frequency.min() * slowest < 0.2 or frequency.min() == 1e-2
    assert loops[0].time[-1] > 100 * slowest


@given(devices())
def test_every_jump_of_a_drive_is_sampled(p):
    for item in default_measurements(p):
        if isinstance(item, Recording):
            assert np.all(np.diff(item.time) > 0)
            nearest = np.min(np.abs(item.drive.time[:, None] - item.time[None, :]), axis=1)
            assert np.all(nearest <= 1e-6 * item.time[-1])


def test_files_are_named_by_what_they_hold():
    assert spectrum(0.55, [1.0, 10.0]).file == "eis_0.55V.csv"
    assert spectrum(2e-6, [1.0, 10.0], control="current").file == "eis_2uA.csv"
    assert loop([0.0, 1.0, 0.0], 0.05).file == "iv_50mVs.csv"
    assert transient(Drive("current", [0.0, 1.0], [0.0, 3e-6])).file == "pulse_3uA.csv"


def test_two_measurements_need_two_files():
    with pytest.raises(InputError, match=r"iv_50mVs\.csv"):
        check_files([loop([0.0, 1.0], 0.05), loop([0.0, 2.0], 0.05)])


def test_pulses_of_a_leaky_device_are_told_apart():
    """Where the leakage hides the channel, the three currents differ in the second or third digit only."""
    p = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-6, V_T=0.96875, V_m=0.0234375, tau_d=0.1, tau_k=0.1)
    planned = default_measurements(p)
    check_files(planned)
    amplitudes = {item.drive.value.max() for item in planned if item.file.startswith("pulse")}
    assert len(amplitudes) == 3


def test_without_noise_the_fit_sees_the_truth(truth):
    device = simulate_device(truth, noise=NOISELESS, seed=0)
    predictor = Predictor(device.records, tolerance=1e-8)
    predicted, data = predictor(truth).values, predictor.data()
    for record, here in zip(device.records, predictor.slices, strict=True):
        assert np.max(np.abs(predicted[here] - data[here])) < 1e-6 * np.ptp(data[here]), record.name


def test_noise_has_the_stated_size(truth):
    noise = Noise(impedance=0.02, current=0.01, current_floor=1e-8, voltage=5e-3)
    clean = simulate_device(truth, noise=NOISELESS, seed=0)
    noisy = simulate_device(truth, noise=noise, seed=4)
    for pure, record in zip(clean.spectra, noisy.spectra, strict=True):
        relative = (record.impedance - pure.impedance) / np.abs(pure.impedance)
        assert np.std(np.concatenate([relative.real, relative.imag])) == pytest.approx(0.02, rel=0.25)
    for pure, record in zip(clean.sweeps, noisy.sweeps, strict=True):
        sigma = np.hypot(0.01 * pure.current, 1e-8)
        assert np.std((record.current - pure.current) / sigma) == pytest.approx(1.0, rel=0.15)
        assert np.array_equal(record.voltage, pure.voltage)
    for pure, record in zip(clean.transients, noisy.transients, strict=True):
        assert np.std(record.voltage - pure.voltage) == pytest.approx(5e-3, rel=0.15)


def test_the_seed_decides_and_records_do_not_disturb_each_other(truth):
    frequency = np.geomspace(1e4, 1.0, 20)
    planned = [spectrum(0.5, frequency), loop([0.0, 0.8, 0.0], 0.1)]
    first = simulate_device(truth, planned, seed=3)
    again = simulate_device(truth, [*planned, spectrum(0.6, frequency)], seed=3)
    other = simulate_device(truth, planned, seed=4)
    assert np.array_equal(first.sweeps[0].current, again.sweeps[0].current)
    assert np.array_equal(first.spectra[0].impedance, again.spectra[0].impedance)
    assert not np.array_equal(first.sweeps[0].current, other.sweeps[0].current)


def test_correlated_noise_and_outliers(truth):
    planned = [loop([0.0, 0.8, 0.0], 0.1, points=4001)]
    pure = simulate_device(truth, planned, NOISELESS, seed=0).sweeps[0].current
    flat = {"current": 0.0, "current_floor": 1e-8}
    correlated = (
        simulate_device(truth, planned, Noise(**flat, correlation=0.8), seed=1).sweeps[0].current - pure
    )
    assert np.corrcoef(correlated[1:], correlated[:-1])[0, 1] == pytest.approx(0.8, abs=0.05)
    assert np.std(correlated) == pytest.approx(1e-8, rel=0.15)
    wild = simulate_device(truth, planned, Noise(**flat, outliers=0.05), seed=1).sweeps[0].current - pure
    assert np.mean(np.abs(wild) > 8e-8) == pytest.approx(0.05, abs=0.015)


def test_instruments_disagree_by_their_gain(truth):
    planned = [spectrum(0.5, [10.0, 1.0]), loop([0.0, 0.8, 0.0], 0.1)]
    exact = {"impedance": 0.0, "current": 0.0, "current_floor": 0.0, "voltage": 0.0}
    pure = simulate_device(truth, planned, NOISELESS, seed=0)
    scaled = simulate_device(truth, planned, Noise(**exact, gain={"iv": 1.05}), seed=0)
    assert scaled.sweeps[0].current == pytest.approx(1.05 * pure.sweeps[0].current)
    assert np.array_equal(scaled.spectra[0].impedance, pure.spectra[0].impedance)


def test_wiring_inductance_shows_in_the_spectra_only(truth):
    planned = [spectrum(0.5, [1e6, 1.0]), loop([0.0, 0.8, 0.0], 0.1)]
    without = simulate_device(truth.replace(L_s=0.0), planned, NOISELESS, seed=0)
    with_it = simulate_device(truth, planned, NOISELESS, seed=0)
    added = with_it.spectra[0].impedance - without.spectra[0].impedance
    assert added == pytest.approx(2j * np.pi * np.array([1e6, 1.0]) * truth.L_s, abs=1e-9)
    assert np.array_equal(without.sweeps[0].current, with_it.sweeps[0].current)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"impedance": -0.1}, "impedance must be"),
        ({"voltage": float("nan")}, "voltage must be"),
        ({"correlation": 1.0}, "between -1 and 1"),
        ({"outliers": 1.5}, "below 1"),
        ({"gain": {"iv": 0.0}}, "gain of iv"),
    ],
)
def test_noise_that_makes_no_sense(settings, said):
    with pytest.raises(InputError, match=said):
        Noise(**settings)
