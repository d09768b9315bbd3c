"""Which folders are parts of a device, what is asked, and how device.toml answers."""

import numpy as np
import pytest

from memfit.errors import InputError
from memfit.loaders.device import files_of, load_device
from memfit.loaders.folders import is_part, look_below
from memfit.loaders.registry import is_measurement


def spectrum(bias="# bias: 0.5 V\n", seed=0):
    noise = 1 + 1e-3 * np.random.default_rng(seed).standard_normal(12)
    rows = zip(np.geomspace(1e4, 1, 12).tolist(), noise.tolist(), strict=True)
    return f"{bias}f (Hz),Z' (ohm),Z'' (ohm)\n" + "".join(
        f"{f!r},{100 * n / (1 + f)!r},{-f!r}\n" for f, n in rows
    )


def sweep(head="", seed=0):
    volts = np.linspace(0, 1, 30)
    noise = 1e-9 * np.random.default_rng(seed).standard_normal(30)
    rows = "\n".join(f"{v!r},{(1e-6 * v + n)!r}" for v, n in zip(volts.tolist(), noise.tolist(), strict=True))
    return f"{head}Voltage (V),Current (A)\n{rows}\n"


def fill(root, **files):
    for number, (name, text) in enumerate(files.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text or (spectrum(seed=number) if "eis" in name.lower() else sweep(seed=number)))
    return root


@pytest.mark.parametrize(
    "name",
    [
        "EIS",
        "IV",
        "Pulse",
        "pulses",
        "01_EIS",
        "EIS 2",
        "IV curves",
        "impedance data",
        "raw data",
        "0.5V",
        "0p50 V",
        "-300mV",
        "50mVs",
        "IV_100 mVps",
        "EISdata",
        "rawData",
        "7B_EIS",
        "Kennlinien",
        "eis_2024-05-01",
        "Bias 0.8V",
        "PEIS at 0.8 V",
        "J-V",
        "Current-Voltage",
        "Cyclic Voltammetry",
        "slow IV",
        "Pulse trains",
        "impedance spectroscopy",
        "C-V",
    ],
)
def test_names_of_parts(name):
    assert is_part(name, "Device 7B")


@pytest.mark.parametrize(
    "name",
    ["A", "7C", "1", "2024-05-01", "sample 3", "dark", "300K", "MAPbI3", "run1", "batch 4", "pixel2", "Vera"],
)
def test_names_that_may_be_devices(name):
    assert not is_part(name, "Device 7B")


PARTS = [
    {"EIS/eis_0.5V.csv": "", "IV/iv_500mVs.csv": ""},
    {"Impedance/eis.csv": "", "J-V/50mVs.csv": "", "Pulse/README.md": "nothing"},
    {"eis_a.csv": "", "IV/iv.csv": ""},
    {"raw data/EIS/0.5V/eis.csv": "", "raw data/IV/iv.csv": ""},
    {"0.5V/eis.csv": "", "0.6V/iv.csv": ""},
]


@pytest.mark.parametrize("files", PARTS)
def test_one_device_in_several_folders(tmp_path, files):
    folder = fill(tmp_path / "Device 7B", **files)
    device = load_device(folder)
    assert device.name == "Device 7B"
    assert {record.kind for record in device.records} == {"impedance", "iv"}
    measured = {name for name in files if not name.endswith(".md")}
    assert {record.origin.file for record in device.records} == measured
    assert {path.relative_to(folder).as_posix() for path in files_of(folder)} == measured


def test_the_folder_states_bias_and_scan_rate(tmp_path):
    text = spectrum(bias="")
    folder = fill(
        tmp_path / "7B", **{"0.5V/a.csv": text, "-0.25 V/a.csv": spectrum("", 1), "IV 50mVs/iv.csv": ""}
    )
    device = load_device(folder)
    assert sorted(s.bias_voltage for s in device.spectra) == [-0.25, 0.5]
    assert any("the folder name '0.5V'" in note for s in device.spectra for note in s.notes)
    assert device.sweeps[0].scan_rate == 0.05


UNCLEAR = [
    {"A/eis.csv": "", "B/iv.csv": ""},
    {"EIS/A1.csv": spectrum(), "EIS/A2.csv": spectrum(seed=1), "IV/A1.csv": "", "IV/A2.csv": ""},
    {"EIS/A/eis.csv": "", "IV/A/iv.csv": ""},
    {"EIS/x.csv": "# device: one\n" + spectrum(), "IV/x.csv": sweep("# device: two\n")},
]


@pytest.mark.parametrize("files", UNCLEAR)
def test_what_is_unclear_is_asked_and_can_be_answered(tmp_path, files):
    folder = fill(tmp_path / "root", **files)
    with pytest.raises(InputError, match=r"subfolders = true.*memfit batch"):
        load_device(folder)
    (folder / "device.toml").write_text("[device]\nsubfolders = true\n")
    assert len(load_device(folder).records) == len(files)


def test_folders_that_were_not_read_are_named(tmp_path):
    folder = fill(tmp_path / "root", **{"eis.csv": "", "other/iv.csv": "", "results/residuals.csv": "1,2"})
    device = load_device(folder)
    assert len(device.records) == 1
    assert any("The folders below were not read: other." in note for note in device.notes)
    (folder / "device.toml").write_text("[device]\nsubfolders = false\n")
    assert not any("not read" in note for note in load_device(folder).notes)


def test_results_hidden_folders_and_other_devices_are_no_parts(tmp_path):
    folder = fill(
        tmp_path / "7B",
        **{"eis.csv": "", ".git/iv.csv": "", "IV/result.json": "{}", "IV/iv.csv": "", "EIS/device.toml": "x"},
    )
    fill(folder, **{"EIS/eis.csv": ""})
    below = look_below(folder, is_measurement, True)
    assert [path.name for path in below.files] == ["eis.csv"]
    assert [path.name for path in below.strangers] == ["EIS"]


def test_a_link_that_leads_back_is_not_followed(tmp_path):
    folder = fill(tmp_path / "7B", **{"EIS/eis.csv": ""})
    try:
        (folder / "EIS" / "data").symlink_to(folder, target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    assert len(load_device(folder).records) == 1
