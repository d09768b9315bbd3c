"""The sample devices: made by the program, near enough to a laboratory's, and fitted back to their truth."""

from collections import Counter

import numpy as np
import pytest

from memfit.loaders.device import load_device
from memfit.loaders.inspection import inspect_file
from memfit.synthetic.measurements import simulate_device
from memfit.synthetic.settings import read_simulation
from memfit.workflow.reading import read_result

SAMPLES = ("mapbi3_a", "mapbi3_b", "mapbi3_c", "mapbi3_d_instruments")
TWINS = ("mapbi3_b", "mapbi3_d_instruments")


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
    ("name", "verdict"), [*zip(SAMPLES, ("stable", "near", "oscillates", "near"), strict=True)]
)
def test_every_verdict_is_right(sample_fits, name, verdict):
    stability = read_result(sample_fits[name].out).stability
    assert stability["current"]["verdict"] == verdict
    assert stability["voltage"]["verdict"] == "stable"


def test_the_files_of_instruments_give_the_same_fit(sample_fits):
    generic, instruments = (read_result(sample_fits[name].out) for name in TWINS)
    assert instruments.status.code == generic.status.code
    for key, estimate in generic.parameters.items():
        twin = instruments.parameters[key]
        assert abs(twin.value - estimate.value) < 0.01 * estimate.stderr, key
        assert twin.stderr == pytest.approx(estimate.stderr, rel=1e-3), key
        assert twin.status == estimate.status


def test_the_twins_have_one_truth(sample_data):
    generic, instruments = (read_simulation(sample_data / "truth" / f"{name}.toml") for name in TWINS)
    for key in ("parameters", "noise", "seed", "area", "temperature", "attributes"):
        assert getattr(instruments, key) == getattr(generic, key), key


def test_inspect_names_the_formats(sample_data):
    names = {
        ".mpt": "BioLogic EC-Lab text",
        ".txt": "Autolab NOVA text",
        "iv": "Keithley 4200",
        "pulse": "oscilloscope CSV",
    }
    files = [path for path in (sample_data / TWINS[1]).iterdir() if path.suffix in {".mpt", ".txt", ".csv"}]
    seen = Counter(inspect_file(path).format for path in files)
    assert seen == dict(zip(names.values(), (4, 4, 3, 3), strict=True))
    for path in files:
        wanted = names.get(path.suffix) or names[path.stem.partition("_")[0]]
        assert f"{path.name}: {wanted}," in inspect_file(path).lines()[0]


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
    assert (stored.name, stored.area) == (wanted.name, wanted.area)
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
    assert sum(path.stat().st_size for path in sample_data.rglob("*") if path.is_file()) < 4_000_000
