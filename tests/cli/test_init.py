"""`memfit init`: what it writes can be fitted as it is."""

import json
import shutil

import numpy as np
import pytest
from small_device import TRUTH

from memfit.synthetic.export import write_device
from memfit.synthetic.measurements import loop, simulate_device, spectrum


@pytest.fixture
def in_parts(tmp_path):
    """One device in EIS and IV, without a device.toml."""
    folder, made = tmp_path / "Device 7B", tmp_path / "made"
    made.mkdir()
    frequency = np.geomspace(1e5, 0.1, 20)
    planned = [*(spectrum(bias, frequency) for bias in (0.5, 0.66)), loop([0.0, 0.9, 0.0], 0.5, points=61)]
    write_device(simulate_device(TRUTH, planned, seed=3, name="small"), TRUTH, made)
    for path in made.glob("*.csv"):
        part = folder / ("EIS" if "eis" in path.name else "IV")
        part.mkdir(parents=True, exist_ok=True)
        shutil.move(path, part / path.name)
    return folder


def test_a_device_in_parts_is_fitted_with_and_without_what_init_writes(run, in_parts, tmp_path):
    plain = run("fit", in_parts, "--json", "--quiet")
    assert plain.code == 0, plain.err
    written = run("init", in_parts)
    assert written.code == 0, written.err
    assert written.out.strip() == str(in_parts / "device.toml")
    assert "3 files listed. Then: memfit fit" in written.err
    listed = run("fit", in_parts, "--json", "--quiet")
    one, other = json.loads(plain.out), json.loads(listed.out)
    assert one["device"] == other["device"]
    assert {item["kind"] for item in one["inputs"]} == {"impedance", "iv"}
    for name, value in one["parameters"].items():
        assert other["parameters"][name]["value"] == pytest.approx(value["value"], rel=1e-3)


def test_the_next_command_can_be_pasted(run, in_parts):
    folder = in_parts.rename(in_parts.with_name("Gerät 7 (neu)"))
    assert f"Then: memfit fit '{folder}'" in run("init", folder).err


def test_init_says_what_is_missing_and_keeps_what_is_there(run, in_parts):
    (in_parts / "EIS" / "x.csv").write_text(
        "f (Hz),Z' (ohm),Z'' (ohm)\n" + "".join(f"{10**k},{50 + k},-{k + 1}\n" for k in range(5))
    )
    first = run("init", in_parts)
    assert "EIS/x.csv: its dc bias is missing" in first.err
    assert "1 thing to complete" in first.err
    target = in_parts / "device.toml"
    target.write_text(target.read_text().replace('# bias = "0.50 V"', 'bias = "0.5 V"'))
    again = run("init", in_parts)
    assert again.code == 1
    assert "--overwrite" in again.err
    assert 'bias = "0.5 V"' in target.read_text()
    assert run("init", in_parts, "--overwrite").code == 0
    assert 'bias = "0.5 V"\n' not in target.read_text().replace("# bias", "")


def test_init_needs_a_folder_with_measurements(run, tmp_path):
    for path in (tmp_path, tmp_path / "nowhere", tmp_path / "a.csv"):
        (tmp_path / "a.md").write_text("x")
        ran = run("init", path)
        assert ran.code == 1
        assert "expected" in ran.err
        assert not (tmp_path / "device.toml").exists()


def test_folders_of_devices_are_asked_for(run, tmp_path, in_parts):
    root = tmp_path / "root"
    for name in ("A", "B"):
        shutil.copytree(in_parts / "IV", root / name)
    for words in (("fit", root), ("init", root), ("inspect", root)):
        ran = run(*words)
        assert ran.code == 1
        assert "subfolders = true" in ran.err
    assert run("init", root, "--subfolders").code == 0
