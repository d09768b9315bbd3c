"""The Kramers-Kronig test: no false alarm on what obeys the relations, an alarm on what does not."""

import numpy as np
import pytest
from paths import DATA, for_real_files

from memfit.datasets.kramers_kronig import BAD_POINT, estimate_noise, kramers_kronig
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, PulseTransient
from memfit.loaders.registry import read_file
from memfit.model import Parameters, impedance
from memfit.protocols import pulse

FREQUENCY = np.geomspace(1e5, 1e-2, 50)


def spectrum(z, frequency=FREQUENCY):
    return ImpedanceSpectrum(name="x", frequency=frequency, impedance=z)


def device(**changes):
    values = {
        "R_b": 1e4, "C_m": 1e-7, "i_c0": 4e-4, "V_T": 0.6, "V_m": 0.05, "tau_d": 0.1, "tau_k": 0.3,
        "R_s": 50.0, "L_s": 1e-6,
    }  # fmt: skip
    return Parameters(**{**values, **changes})


@pytest.mark.parametrize("u", [0.4, 0.5, 0.55, 0.6, 0.65, 0.8])
@pytest.mark.parametrize("noise", [0.0, 3e-3])
@pytest.mark.parametrize("gain", [0.1, 1.0, 4.0])
def test_spectra_of_the_model_pass_inductive_ones_too(u, noise, gain):
    z = impedance(device(i_c0=4e-4 * gain), FREQUENCY, u)
    rng = np.random.default_rng(7)
    z = z * (1 + noise * (rng.standard_normal(z.size) + 1j * rng.standard_normal(z.size)))
    verdict = kramers_kronig(spectrum(z))
    assert verdict.passed, verdict.sentence
    assert verdict.usable == (FREQUENCY.min(), FREQUENCY.max())


def test_the_spectra_of_that_test_are_inductive_and_some_negative():
    z = impedance(device(i_c0=16e-4), FREQUENCY, 0.6)
    assert z.imag.max() > 0
    assert z.real.min() < 0


def test_near_instability_the_control_says_which_of_z_and_y_must_obey():
    """Unstable under current control: Z has poles in the right half-plane, Y has none."""
    z = impedance(device(i_c0=16e-4, tau_d=3e-3, tau_k=5e-3), FREQUENCY, 0.6)
    held = ImpedanceSpectrum(name="x", frequency=FREQUENCY, impedance=z, control="voltage")
    verdict = kramers_kronig(held)
    assert verdict.passed
    assert verdict.rms_Y < 1e-3 < 0.01 < verdict.rms_Z
    assert "Only Y obeys them" in verdict.sentence
    assert "as it must under voltage control" in verdict.sentence
    wrong = kramers_kronig(ImpedanceSpectrum(name="x", frequency=FREQUENCY, impedance=z, control="current"))
    assert "check which of the two was held" in wrong.sentence


def test_simple_circuits_pass():
    s = 2j * np.pi * FREQUENCY
    for z in (
        10 + 1000 / (1 + s * 1e-3),
        5 + 1e-6 * s + 1 / (1e-6 * s),
        100 + 500 / (1 + (s * 0.01) ** 0.8),
        10 - 5 / (1 + s * 0.1),
    ):
        assert kramers_kronig(spectrum(z)).passed


def test_a_drift_is_flagged():
    s = 2j * np.pi * FREQUENCY
    resistance = 1000 * (1 + 0.5 * np.linspace(0, 1, FREQUENCY.size) ** 2)
    z = 10 + resistance / (1 + s * 0.05 * resistance / 1000)
    verdict = kramers_kronig(spectrum(z))
    assert not verdict.passed


def test_a_wrong_sign_of_the_imaginary_part_is_flagged():
    s = 2j * np.pi * FREQUENCY
    z = 10 + 1000 / (1 + s * 1e-2) + 300 / (1 + s)
    mixed = np.where(FREQUENCY > 1, z, z.conj())
    assert not kramers_kronig(spectrum(mixed)).passed


def test_an_outlier_is_a_suspect_and_does_not_end_the_band():
    s = 2j * np.pi * FREQUENCY
    z = 10 + 1000 / (1 + s * 1e-2)
    z[20] *= 1.4
    verdict = kramers_kronig(spectrum(z))
    assert verdict.status == "noisy"
    assert verdict.suspect[20]
    assert verdict.worst > BAD_POINT
    assert verdict.worst_frequency == FREQUENCY[20]
    assert verdict.usable is not None
    assert verdict.usable[1] / verdict.usable[0] > 1e5


def test_noise_is_not_called_a_violation():
    rng = np.random.default_rng(3)
    s = 2j * np.pi * FREQUENCY
    z = 10 + 1000 / (1 + s * 1e-2)
    z = z * (1 + 0.08 * (rng.standard_normal(z.size) + 1j * rng.standard_normal(z.size)))
    assert kramers_kronig(spectrum(z)).status == "noisy"


def test_the_order_of_the_points_does_not_matter():
    z = impedance(device(), FREQUENCY, 0.6)
    z[10] *= 1.1
    order = np.random.default_rng(0).permutation(z.size)
    a, b = kramers_kronig(spectrum(z)), kramers_kronig(spectrum(z[order], FREQUENCY[order]))
    assert a.status == b.status
    np.testing.assert_allclose(a.residual[order], b.residual, atol=1e-6)


def test_few_points_are_not_tested():
    verdict = kramers_kronig(spectrum(np.ones(5) + 0j, FREQUENCY[:5]))
    assert verdict.status == "too few points"
    assert not verdict.passed
    assert kramers_kronig(spectrum(np.zeros(50) + 0j)).status == "too few points"


@pytest.mark.parametrize("absurd", [0.0, 1e-200, 1e200])
def test_absurd_moduli_are_not_tested(absurd):
    z = device_like()
    z[7] = absurd
    assert kramers_kronig(spectrum(z)).status == "too few points"
    assert estimate_noise(spectrum(z)).level == 0.0


def device_like():
    return 10 + 1000 / (1 + 2j * np.pi * FREQUENCY * 1e-3)


@pytest.mark.parametrize("level", [1e-3, 1e-2])
def test_noise_levels_are_found(level):
    rng = np.random.default_rng(5)
    s = 2j * np.pi * FREQUENCY
    z = 10 + 1000 / (1 + (s * 1e-2) ** 0.9)
    z = z * (1 + level * (rng.standard_normal(z.size) + 1j * rng.standard_normal(z.size)))
    noise = estimate_noise(spectrum(z))
    assert noise.unit == "relative"
    assert 0.5 * level < noise.level < 4 * level
    t = np.linspace(0, 1, 1000)
    drive = pulse("current", 1e-3, on=0.2, off=0.5, end=1.0)
    volts = np.where(t > 0.2, np.exp(-t), 0.0) + level * rng.standard_normal(t.size)
    noise = estimate_noise(PulseTransient(name="p", time=t, voltage=volts, current=drive.at(t), drive=drive))
    assert noise.unit == "V"
    assert noise.level == pytest.approx(level, rel=0.15)
    amps = 1e-3 * t + 1e-3 * level * rng.standard_normal(t.size)
    noise = estimate_noise(IVSweep(name="s", voltage=t, current=amps))
    assert noise.unit == "A"
    assert noise.level == pytest.approx(1e-3 * level, rel=0.15)


def test_noise_of_two_points_is_not_known():
    assert estimate_noise(IVSweep(name="s", voltage=[0, 1], current=[0, 1])).level == 0
    assert estimate_noise(spectrum(np.ones(3) + 0j, FREQUENCY[:3])).level == 0


@for_real_files(
    "file, status",
    [
        ("eis/zahner/zhit_drift.ism", "inconsistent"),
        ("eis/biologic/yadg_peis.mpt", "noisy"),
        ("eis/zahner/300_mvdc.ism", "consistent"),
        ("eis/zahner/000_mvdc.ism", "consistent"),
        ("eis/zahner/li-ion-battery.ism", "consistent"),
        ("eis/biologic/speis_Hem1_EIS_dark.mpt", "consistent"),
        ("eis/generic/impedancepy_exampleData.csv", "consistent"),
        ("eis/gamry/hybriddrt_EISGALV_EISTest3.DTA", "consistent"),
    ],
)
def test_measured_spectra(file, status):
    verdict = kramers_kronig(read_file(DATA / file)[0])
    assert verdict.status == status, verdict.sentence
    if file.endswith("yadg_peis.mpt"):
        assert verdict.usable is not None
        assert verdict.usable[0] > 60
