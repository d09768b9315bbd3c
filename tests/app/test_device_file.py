"""device.toml as the page edits it is what the command line reads."""

import pytest

from memfit.app.device_file import DeviceFile, device_file_of, write_device_file
from memfit.errors import InputError, ManifestError
from memfit.loaders.device import load_device

IV = "Voltage (V), Current (A)\n0, 0\n0.1, 1e-6\n0.2, 3e-6\n0.3, 5e-6\n"


def write(folder, **files):
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_without_one_every_file_is_listed(tmp_path):
    write(tmp_path, a__csv=IV, b__csv=IV.replace("5e-6", "6e-6"), README__md="x")
    file = device_file_of(tmp_path)
    assert [entry.file for entry in file.entries()] == ["a.csv", "b.csv"]
    before = load_device(tmp_path)
    write_device_file(tmp_path, file.using(1, used=False), None)
    after = load_device(tmp_path)
    assert [record.name for record in before.records] == ["a.csv", "b.csv"]
    assert [record.name for record in after.records] == ["a.csv"]
    assert [entry.file for entry in file.entries()] == ["a.csv", "b.csv"]


def test_comments_stay_and_patterns_become_files(tmp_path):
    write(tmp_path, a__csv=IV, b__csv=IV, c__txt=IV)
    text = '# mine\n[device]\nname = "X" # so\n[[measurement]]\nfile = "*.csv"\nscan_rate = "1 V/s"\n'
    text += '[[measurement]]\nfile = "c.txt"\n'
    (tmp_path / "device.toml").write_text(text)
    file = device_file_of(tmp_path)
    assert "# mine" in file.text
    assert 'name = "X" # so' in file.text
    entries = file.entries()
    assert [entry.file for entry in entries] == ["a.csv", "b.csv", "c.txt"]
    assert [entry.settings.scan_rate for entry in entries] == [1.0, 1.0, None]


def test_an_edit_is_checked_as_the_command_line_checks_it(tmp_path):
    write(tmp_path, a__csv=IV)
    file = device_file_of(tmp_path).with_measurement(0, "scan_rate", "50 mV/s")
    assert file.entries()[0].settings.scan_rate == 0.05
    with pytest.raises(ManifestError, match=r"measurement 1, scan_rate"):
        file.with_measurement(0, "scan_rate", "fast")
    assert file.with_measurement(0, "scan_rate", None).entries()[0].settings.scan_rate is None
    with pytest.raises(ManifestError, match="R_b"):
        file.with_table("fit", {"fix": {"R_b": "-1 ohm"}})
    fixed = file.with_table("fit", {"fix": {"R_b": "10 kohm"}, "start": {}})
    assert 'fix = {R_b = "10 kohm"}' in fixed.written


def test_what_was_there_is_kept_once_and_nobody_is_overruled(tmp_path):
    write(tmp_path, a__csv=IV)
    mine = '[device]\nname = "mine"\n'
    (tmp_path / "device.toml").write_text(mine)
    file = device_file_of(tmp_path).with_table("device", {"name": "new"})
    written = write_device_file(tmp_path, file, mine)
    assert (tmp_path / "device.toml.bak").read_text() == mine
    assert load_device(tmp_path).name == "new"
    (tmp_path / "device.toml").write_text(mine + "# by hand\n")
    with pytest.raises(InputError, match="another tab or program"):
        write_device_file(tmp_path, file.with_table("device", {"name": "newer"}), written)
    assert "# by hand" in (tmp_path / "device.toml").read_text()


def test_the_list_may_be_missing():
    file = DeviceFile('[device]\nname = "x"\n').with_file("a.csv")
    assert [entry.file for entry in file.entries()] == ["a.csv"]
