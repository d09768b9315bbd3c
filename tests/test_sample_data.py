"""The sample devices: made by the program, near enough to a laboratory's, and fitted back to their truth."""

import numpy as np
import pytest

from memfit.loaders.device import load_device
from memfit.synthetic.device import simulate_device
from memfit.synthetic.settings import read_simulation
from memfit.workflow import read_result

SAMPLES = ("mapbi3_a", "mapbi3_b", "mapbi3_c")


@pytest.mark.parametrize("name", SAMPLES)
def test_every_true_parameter_is_found(sample_fits, name):
    fit = sample_fits[name]
    result = read_result(fit.out)
    truth = read_simulation(fit.truth).parameters.as_dict()
    assert fit.code == 0
    assert result.status.code == "ok"
    assert set(result.parameters) >= set(truth) - {"L_s"}
    for key, estimate in result.parameters.items():
        assert abs(estimate.value - truth[key]) < 4 * estimate.stderr, key
        if estimate.status == "determined":
            assert estimate.value == pytest.approx(truth[key], rel=0.05), key
        low, high = estimate.ci95
        assert low < estimate.value < high


@pytest.mark.parametrize(
    ("name", "verdict"), [("mapbi3_a", "stable"), ("mapbi3_b", "near"), ("mapbi3_c", "oscillates")]
)
def test_every_verdict_is_right(sample_fits, name, verdict):
    stability = read_result(sample_fits[name].out).stability
    assert stability["current"]["verdict"] == verdict
    assert stability["voltage"]["verdict"] == "stable"


def test_device_c_oscillates_in_its_pulses(sample_data):
    """The voltage keeps swinging to the end of a pulse; that of device A comes to rest."""

    def swing(name: str) -> float:
        ranges = []
        for record in load_device(sample_data / name).transients:
            last = record.drive.time[record.drive.value > 0.5 * record.drive.value.max()].max()
            late = (record.time > 0.7 * last) & (record.time < 0.98 * last)
            ranges.append(np.ptp(record.voltage[late]) / np.ptp(record.voltage))
        return max(ranges)

    assert swing("mapbi3_c") > 0.1
    assert swing("mapbi3_a") < 0.02


@pytest.mark.parametrize("name", SAMPLES)
def test_the_program_makes_them_again(sample_data, name):
    wanted = read_simulation(sample_data / "truth" / f"{name}.toml")
    made = simulate_device(wanted.parameters, wanted.measurements, wanted.noise, seed=wanted.seed)
    stored = load_device(sample_data / name)
    assert (len(stored.spectra), len(stored.sweeps), len(stored.transients)) == (8, 3, 3)
    assert stored.notes == ()
    for new, old in zip(made.records, stored.records, strict=True):
        assert new.name == old.name
        if new.kind == "impedance":
            assert old.impedance == pytest.approx(new.impedance, rel=1e-5)
        else:
            assert old.response == pytest.approx(new.response, rel=1e-5, abs=1e-6 * np.ptp(new.response))


def test_the_folders_say_that_they_are_synthetic(sample_data):
    for folder in (sample_data, *(sample_data / name for name in SAMPLES)):
        assert "Nobody measured th" in (folder / "README.md").read_text(encoding="utf-8")


def test_they_stay_small(sample_data):
    assert sum(path.stat().st_size for path in sample_data.rglob("*") if path.is_file()) < 3_000_000
