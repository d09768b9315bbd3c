"""Folders, device.toml and lists of files to a device."""

import numpy as np
import pytest

from memfit.errors import InputError, MemfitError
from memfit.loaders.device import load_device, load_readable, located, places_of

SPECTRUM = "# bias: {bias} V\nf (Hz),Z' (ohm),Z'' (ohm)\n" + "".join(
    f"{f!r},{100 / (1 + f)!r},{-f!r}\n" for f in np.geomspace(1e4, 1, 12).tolist()
)
SWEEP = "Voltage (V),J (mA/cm2)\n" + "\n".join(f"{v!r},{v!r}" for v in np.linspace(0, 1, 30).tolist()) + "\n"


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "device_7"
    (path / "truth").mkdir(parents=True)
    (path / "truth" / "x.csv").write_text("no")
    (path / "eis_2.csv").write_text(SPECTRUM.format(bias=0.2))
    (path / "eis_1.csv").write_text(SPECTRUM.format(bias=0.1))
    (path / "README.md").write_text("hello")
    (path / "photo.png").write_bytes(b"\x89PNG")
    (path / "comment.txt").write_text("measured by Ana on a Monday\n")
    return path


def test_a_folder_without_device_toml(folder):
    device = load_device(folder)
    assert device.name == "device_7"
    assert [record.name for record in device.records] == ["eis_1.csv", "eis_2.csv"]
    assert [record.bias_voltage for record in device.spectra] == [0.1, 0.2]
    assert len(device.notes) == 3
    assert any(note.startswith("Left out: comment.txt") for note in device.notes)


def test_a_file_that_cannot_be_read_can_be_left_out(folder):
    (folder / "empty.csv").write_text("")
    with pytest.raises(InputError, match=r"empty file.*list the others in device.toml, as `memfit init"):
        load_device(folder)
    (folder / "device.toml").write_text('[[measurement]]\nfile = "eis_*.csv"\n')
    device = load_device(folder)
    assert [record.name for record in device.records] == ["eis_1.csv", "eis_2.csv"]
    assert "empty.csv is not listed in device.toml and was not read." in device.notes


def test_a_device_toml_says_what_belongs(folder):
    (folder / "jv.csv").write_text(SWEEP)
    (folder / "device.toml").write_text(
        '[device]\nname = "seven"\narea = "0.04 cm^2"\n[[measurement]]\nfile = "jv.csv"\n'
        'scan_rate = "50 mV/s"\n'
        '[[measurement]]\nfile = "eis_1.csv"\nbias = "0.11 V"\n[fit]\nmodel = "2d"\n'
    )
    for path in (folder, folder / "device.toml"):
        device = load_device(path)
        assert (device.name, device.area, device.settings.model) == ("seven", 4e-6, "2d")
        assert [record.name for record in device.records] == ["jv.csv", "eis_1.csv"]
        assert device.spectra[0].bias_voltage == 0.11
        np.testing.assert_allclose(device.sweeps[0].current.max(), 10 * 4e-6)
        assert any("eis_2.csv is not listed" in note for note in device.notes)


def test_a_device_toml_without_measurements_discovers(folder):
    (folder / "device.toml").write_text('[device]\nname = "seven"\n')
    assert len(load_device(folder).records) == 2
    assert not any("device.toml" in note for note in load_device(folder).notes)


def test_files(folder):
    device = load_device([folder / "eis_2.csv", folder / "eis_1.csv"])
    assert [record.name for record in device.records] == ["eis_1.csv", "eis_2.csv"]
    assert load_device(str(folder / "eis_1.csv")).name == "eis_1"


def test_files_of_one_name_are_told_apart(folder, tmp_path):
    other = tmp_path / "b" / "eis_1.csv"
    other.parent.mkdir()
    other.write_text(SPECTRUM.format(bias=0.3))
    names = [record.name for record in load_device([folder / "eis_1.csv", other]).records]
    assert sorted(names) == ["b/eis_1.csv", "device_7/eis_1.csv"]


def test_the_device_name_in_the_metadata(folder):
    for path in folder.glob("eis_*.csv"):
        path.write_text("# device: cell 9\n" + path.read_text())
    assert load_device(folder).name == "cell 9"


def test_a_broken_measurement_is_an_error_and_not_left_out(folder):
    (folder / "eis_3.csv").write_text(SPECTRUM.format(bias=0.3).replace(",50.0,", ",nan,"))
    with pytest.raises(InputError, match=r"eis_3.csv, line \d+, column"):
        load_device(folder)


@pytest.mark.parametrize("content", [{}, {"README.md": "x"}, {"a.txt": "words only\n", "b.txt": "more\n"}])
def test_a_folder_with_nothing_usable(tmp_path, content):
    for name, text in content.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match="expected measurements") as caught:
        load_device(tmp_path)
    for name in content:
        assert name in str(caught.value)


@pytest.mark.parametrize("paths", [[], ["nowhere"], ["."], ["device.toml", "x.csv"]])
def test_wrong_paths(tmp_path, paths):
    with pytest.raises(MemfitError):
        load_device([tmp_path / path for path in paths])


def course(path, time, response, *lines):
    """A transient file under a constant current of 1 uA."""
    rows = "\n".join(f"{t!r},{v!r},1e-6" for t, v in zip(time.tolist(), response.tolist(), strict=True))
    head = "\n".join(
        ["# technique: transient", "# control: current", *lines, "Time (s),Voltage (V),Current (A)"]
    )
    path.write_text(f"{head}\n{rows}\n", encoding="utf-8")
    return load_device(path).records[0]


def test_a_response_that_moves_under_a_drive_that_stands_still_begins_anywhere(tmp_path):
    time = np.linspace(0.0, 1.0, 200)
    noise = 1e-3 * np.random.default_rng(1).standard_normal(200)
    moving = course(tmp_path / "a.csv", time, 0.5 - 0.3 * np.exp(-time / 0.2) + noise)
    assert moving.drive.initial == "free"
    assert any("the state at the start is fitted" in note for note in moving.notes)
    assert course(tmp_path / "b.csv", time, 0.5 + noise).drive.initial == "steady"
    stated = course(tmp_path / "c.csv", time, 0.5 - 0.3 * np.exp(-time / 0.2) + noise, "# initial: rest")
    assert stated.drive.initial == "rest"


def test_a_record_from_rest_was_switched_on_at_zero(tmp_path):
    time = np.geomspace(1e-4, 1.0, 200)
    record = course(tmp_path / "a.csv", time, 0.5 - 0.3 * np.exp(-time / 0.2), "# initial: rest")
    assert (record.drive.time[0], record.drive.value[0]) == (0.0, 1e-6)
    late = course(tmp_path / "b.csv", time + 0.5, 0.5 - 0.3 * np.exp(-time / 0.2), "# initial: rest")
    assert late.drive.time[0] == time[0] + 0.5


THREE_POINTS = "# bias: 0.5 V\nFrequency (Hz),Z_real (ohm),Z_imag (ohm)\n100,10,-1\n10,12,-2\n1,15,-1\n"


def test_the_way_from_a_result_to_its_data(tmp_path):
    stored = located([str(tmp_path / "data" / "a")], tmp_path / "results" / "x")
    assert stored == {"paths": [str(tmp_path / "data" / "a")], "relative": ["../../data/a"]}


def test_order_of_the_places(tmp_path):
    result, moved, old = (tmp_path / name for name in ("moved/result", "moved/data", "old/data"))
    for folder in (result, moved, old):
        folder.mkdir(parents=True)
        (folder / "eis.csv").write_text(THREE_POINTS)
    stored = {"relative": ["../data"], "paths": [str(old)]}
    found = list(places_of(stored, result, ["eis.csv", "eis.csv [2]", "absent.csv"]))
    assert found == [[moved], [old], [result / "eis.csv"]]
    (result / "device.toml").write_text("")
    assert [result / "device.toml"] in list(places_of(stored, result, ["eis.csv"]))


def test_what_an_edited_result_says_of_places_is_no_error(tmp_path):
    assert list(places_of({"relative": 5, "paths": [None, 7, "nowhere"]}, tmp_path, ["a.csv"])) == []


def test_what_can_be_read_of_a_device(tmp_path):
    (tmp_path / "good.csv").write_text(THREE_POINTS)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "device.toml").write_text(
        "".join(f'[[measurement]]\nfile = "{name}.csv"\n' for name in ("good", "empty", "gone"))
    )
    records, faults = load_readable([tmp_path])
    assert [record.name for record in records] == ["good.csv"]
    assert "empty" in faults["empty.csv"]
    assert "gone.csv" in faults
    assert load_readable([tmp_path / "nowhere"]) == ((), {"nowhere": "it is not there"})


def test_a_copied_file_counts_once(folder):
    copy = folder / "Copy of eis_1.csv"
    copy.write_bytes((folder / "eis_1.csv").read_bytes())
    device = load_device(folder)
    assert [record.name for record in device.records] == [copy.name, "eis_2.csv"]
    assert f"eis_1.csv holds the same numbers as {copy.name}: counted once." in device.notes


def test_the_same_rows_in_another_format_count_once(folder):
    rows = (folder / "eis_1.csv").read_text().splitlines()
    columns = [line.split(",") for line in rows[2:]]
    table = "\n".join("\t".join(f"{float(x):.6g}" for x in row) for row in reversed(columns))
    (folder / "same.txt").write_text(f"# bias: 100 mV\nFrequency/Hz\tRe(Z)/Ohm\tIm(Z)/Ohm\n{table}\n")
    device = load_device(folder)
    assert [record.name for record in device.records] == ["eis_1.csv", "eis_2.csv"]
    assert any(note.startswith("same.txt holds the same numbers as eis_1.csv") for note in device.notes)


@pytest.mark.parametrize("other", ["./eis_1.csv", "x/../eis_1.csv", "'.\\eis_1.csv'"])
def test_one_file_under_two_spellings_is_listed_twice(folder, other):
    quoted = other if other.startswith("'") else f'"{other}"'
    (folder / "device.toml").write_text(
        f'[[measurement]]\nfile = "eis_1.csv"\n[[measurement]]\nfile = {quoted}\n'
    )
    with pytest.raises(InputError, match=r"'eis_1\.csv' is listed twice"):
        load_device(folder)


def test_a_spectrum_pasted_twice_counts_once(folder):
    text = (folder / "eis_1.csv").read_text()
    (folder / "eis_1.csv").write_text(text + text.split("\n", 2)[2])
    device = load_device(folder)
    assert len(device.records) == 2
    assert any("holds the same numbers" in note for note in device.notes)
