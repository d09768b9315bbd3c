"""What a spectrum says by itself, against the eigenvalues of the device that made it."""

import numpy as np
import pytest

from memfit.analysis.stability.circuit import Circuit, operating_points_at
from memfit.analysis.stability.nyquist import check_spectrum, disagreement, spectra_alone
from memfit.datasets import ImpedanceSpectrum
from memfit.errors import InputError
from memfit.fitting import FittedRecord
from memfit.model import Parameters, eigenvalues

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
SPIKING = Parameters(R_b=1e4, C_m=1e-6, i_c0=1e-3, V_T=1.0, V_m=0.05, tau_d=0.01, tau_k=0.02, R_s=20.0)
FREQUENCY = np.geomspace(1e6, 1e-2, 65)


def spectrum(p, u, noise=0.0, seed=0):
    """Impedance of a device at u, with relative noise."""
    point = operating_points_at(p, Circuit(), u)
    s = 2j * np.pi * FREQUENCY
    memory = point.loop_gain[0] / p.R_b / ((1.0 + s * p.tau_d) * (1.0 + s * point.f[0] * p.tau_k))
    Z = p.R_s + 1.0 / (p.C_m * s + 1.0 / p.R_b + memory)
    deviations = np.random.default_rng(seed).standard_normal((2, Z.size))
    return Z + noise * np.abs(Z) * (deviations[0] + 1j * deviations[1])


@pytest.mark.parametrize("p", [DEVICE, SPIKING])
def test_the_winding_counts_the_unstable_eigenvalues(p):
    for u in p.V_T + p.V_m * np.linspace(-6.0, 6.0, 13):
        found = check_spectrum(FREQUENCY, spectrum(p, u), noise=1e-4)
        poles = int(np.sum(eigenvalues(p, u).real > 0.0))
        assert found.unstable_poles in (poles, None)
        if poles and found.unstable_poles:
            assert found.resistance_at_crossing < 0.0
            assert found.probability_unstable == 1.0


def test_the_crossing_is_the_load_where_oscillation_starts():
    found = check_spectrum(FREQUENCY, spectrum(DEVICE, 0.64), noise=1e-4)
    load = -found.resistance_at_crossing
    below = eigenvalues(DEVICE, 0.64, resistance=DEVICE.R_s + 0.98 * load)
    above = eigenvalues(DEVICE, 0.64, resistance=DEVICE.R_s + 1.02 * load)
    assert below[0].real < 0.0 < above[0].real
    assert above[0].imag / (2 * np.pi) == pytest.approx(found.crossing_frequency_Hz, rel=0.02)


@pytest.mark.parametrize(
    ("p", "u"),
    [(DEVICE, 0.52), (DEVICE, 0.55), (DEVICE, 0.64), (DEVICE, 0.73), (SPIKING, 0.95), (SPIKING, 1.05)],
)
def test_the_gain_margin_is_that_of_the_loop(p, u):
    truth = operating_points_at(p, Circuit(), u).gain_margin[0]
    exact = check_spectrum(FREQUENCY, spectrum(p, u), series_resistance=p.R_s, noise=1e-4)
    assert exact.gain_margin == pytest.approx(truth, rel=0.02)
    inside = 0
    for seed in range(5):
        noisy = check_spectrum(FREQUENCY, spectrum(p, u, 0.01, seed), series_resistance=p.R_s)
        assert noisy.noise == pytest.approx(0.01, rel=0.6)
        if noisy.gain_margin_ci95 is not None:
            low, high = noisy.gain_margin_ci95
            assert low < noisy.gain_margin < high
            inside += low < truth < high
        else:
            inside += 1
    assert inside >= 3


def test_negative_resistance_alone_is_not_enough():
    u = 0.73
    found = check_spectrum(FREQUENCY, spectrum(DEVICE, u), noise=1e-4)
    assert found.least_real_part < 0.0
    assert found.unstable_poles == 0
    assert "not enough to oscillate" in found.message


def test_a_margin_that_is_mostly_noise_is_not_read():
    far = DEVICE.V_T - 10 * DEVICE.V_m
    found = check_spectrum(FREQUENCY, spectrum(DEVICE, far, 0.01), series_resistance=DEVICE.R_s)
    assert found.gain_margin is None
    assert found.unstable_poles == 0


def test_the_order_of_frequencies_does_not_matter():
    Z = spectrum(DEVICE, 0.64, 0.01)
    shuffled = np.random.default_rng(0).permutation(Z.size)
    assert check_spectrum(FREQUENCY, Z) == check_spectrum(FREQUENCY[shuffled], Z[shuffled])


def test_disagreement_is_said():
    unstable = check_spectrum(FREQUENCY, spectrum(DEVICE, 0.64, 0.01))
    assert disagreement(unstable, model_unstable=True) is None
    assert "that of a device that is unstable" in disagreement(unstable, model_unstable=False)
    stable = check_spectrum(FREQUENCY, spectrum(DEVICE, 0.4, 0.01))
    assert "the fitted model is unstable" in disagreement(stable, model_unstable=True)


def test_too_few_frequencies_leave_the_winding_open():
    few = slice(None, None, 12)
    found = check_spectrum(FREQUENCY[few], spectrum(DEVICE, 0.64)[few], noise=0.01)
    assert found.gain_margin is None


@pytest.mark.parametrize(
    ("frequency", "impedance", "said"),
    [
        ([1.0, 2.0], [1.0, 2.0], "at least 5 frequencies"),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, np.nan], "finite and positive"),
        ([0, 2, 3, 4, 5], [1, 2, 3, 4, 5], "finite and positive"),
        ([1, 2, 2, 4, 5], [1, 2, 3, 4, 5], "occurs twice"),
    ],
)
def test_bad_spectra_are_named(frequency, impedance, said):
    with pytest.raises(InputError, match=said):
        check_spectrum(frequency, impedance)


def beside(data, model, used=True):
    """A spectrum beside a model, as a fit has it."""
    record = ImpedanceSpectrum(name="eis.csv", frequency=FREQUENCY, impedance=data, bias_voltage=0.64)
    mask = np.full(FREQUENCY.size, used)
    return FittedRecord(record=record, predicted=model, sigma=1e-3 * np.abs(data), used=mask)


def test_a_spectrum_goes_before_a_model_that_says_the_opposite():
    stable, unstable = spectrum(DEVICE, 0.3, 1e-3), spectrum(DEVICE, 0.64, 1e-3)
    (found,) = spectra_alone([beside(unstable, spectrum(DEVICE, 0.3))])
    assert (found.unstable, found.model_unstable, found.contradicts) == (True, False, True)
    assert "unstable under current control at 640 mV" in found.sentence
    assert found.sentence.endswith(
        "the fitted model is stable there. What was measured goes before the model."
    )
    (found,) = spectra_alone([beside(stable, spectrum(DEVICE, 0.64))])
    assert (found.unstable, found.model_unstable) == (False, True)


def test_a_model_that_agrees_with_its_spectra_is_not_contradicted():
    unstable = spectrum(DEVICE, 0.64, 1e-3)
    (found,) = spectra_alone([beside(unstable, spectrum(DEVICE, 0.64))])
    assert not found.contradicts
    assert spectra_alone([beside(spectrum(DEVICE, 0.3, 1e-3), spectrum(DEVICE, 0.3))]) == ()
    assert spectra_alone([beside(unstable, spectrum(DEVICE, 0.3), used=False)]) == ()


def test_a_spectrum_near_the_threshold_says_nothing_for_certain():
    low, high = 0.3, 0.64
    for _ in range(40):
        middle = 0.5 * (low + high)
        poles = check_spectrum(FREQUENCY, spectrum(DEVICE, middle), noise=1e-6, replicas=1).unstable_poles
        low, high = (low, middle) if poles else (middle, high)
    data = spectrum(DEVICE, high, 0.01)
    for u in (0.3, 0.64):
        assert all(not one.contradicts for one in spectra_alone([beside(data, spectrum(DEVICE, u))]))
