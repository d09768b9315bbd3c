"""What cannot be used: exit 1, one sentence with file and place, nothing half-written."""

from pathlib import Path

import pytest

NAN_ROWS = "Frequency (Hz),Z_real (ohm),Z_imag (ohm)\n" + "".join(
    f"{10.0 ** (4 - k)},{100 + k},{'NaN' if k == 2 else -5}\n" for k in range(5)
)
GOOD = "# bias: 0.5 V\nFrequency (Hz),Z_real (ohm),Z_imag (ohm)\n100,10,-1\n10,12,-2\n1,15,-1\n"

FILES = {
    "empty file": ("eis.csv", "", ["eis.csv"]),
    "header without units": ("eis.csv", "Frequency,Z_real,Z_imag\n1,2,3\n2,3,4\n3,4,5\n", ["eis.csv", "Hz"]),
    "no table": ("eis.csv", "Dear colleague,\nplease find the data on my desk.\nYours\n", ["eis.csv"]),
    "missing column": ("eis.csv", "Frequency (Hz),Z_real (ohm)\n1,2\n2,3\n3,4\n", ["eis.csv", "Z"]),
    "unknown unit": ("iv.csv", "Voltage (furlong),Current (A)\n0,1\n1,2\n2,3\n", ["iv.csv", "furlong", "mV"]),
    "no bias": ("eis.csv", GOOD.replace("# bias: 0.5 V\n", ""), ["eis.csv", "bias"]),
}


def check(ran, words: list[str], out: Path) -> None:
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.count("\n") == 1, ran.err
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err, ran.err
    assert not out.exists()


@pytest.mark.parametrize("fault", FILES)
def test_a_bad_file(run, tmp_path, fault):
    name, text, words = FILES[fault]
    path = tmp_path / "data" / name
    path.parent.mkdir()
    path.write_text(text)
    out = tmp_path / "out"
    check(run("fit", path, "-o", out, "--quiet"), words, out)
    check(run("fit", path.parent, "-o", out, "--quiet"), words, out)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data"]


def test_rows_without_numbers_are_named(run, tmp_path):
    path = tmp_path / "eis_0.5V.csv"
    path.write_text(NAN_ROWS)
    ran = run("inspect", path)
    named = ran.err if ran.code else ran.out
    assert ran.code in (0, 1)
    assert "4" in named  # the line of the fault, counted from 1
    assert "eis_0.5V.csv" in named


def test_nothing_usable(run, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "photo.png").write_bytes(b"\x89PNG")
    check(run("fit", data, "-o", tmp_path / "out"), ["data", "photo.png", "device.toml"], tmp_path / "out")


def test_nothing_there(run, tmp_path):
    check(run("fit", tmp_path / "absent", "-o", tmp_path / "out"), ["absent"], tmp_path / "out")


def test_all_mistakes_of_a_manifest_at_once(run, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "eis.csv").write_text(GOOD)
    (data / "device.toml").write_text(
        '[devise]\nname = "A"\n[[measurement]]\nfile = "eis.csv"\nbais = "0.5 V"\n[fit]\nfix = { R_S = 20 }\n'
    )
    words = ["device.toml", "'device'", "'bias'", "'R_s'"]
    check(run("fit", data, "-o", tmp_path / "out"), words, tmp_path / "out")


def test_a_folder_that_cannot_be_written(run, small_device, tmp_path):
    (tmp_path / "file").write_text("")
    ran = run("fit", small_device, "-o", tmp_path / "file" / "out", "--quiet")
    assert ran.code == 1
    assert "cannot be written" in ran.err


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "other"}', '{"schema": "memfit/fit-result/1"}'])
@pytest.mark.parametrize("command", ["stability", "report"])
def test_a_result_that_is_none(run, tmp_path, text, command):
    path = tmp_path / "result.json"
    path.write_text(text)
    ran = run(command, path)
    assert ran.code == 1
    assert str(path) in ran.err
    assert ran.err.count("\n") == 1


def test_a_bad_params_file(run, tmp_path):
    path = tmp_path / "params.toml"
    path.write_text("[parameters]\nR_b = '1 V'\n")
    check(
        run("simulate", path, "-o", tmp_path / "out"),
        ["params.toml", "R_b (line 2)", "C_m"],
        tmp_path / "out",
    )
    check(run("stability", path), ["params.toml"], tmp_path / "out")
    check(
        run("simulate", tmp_path / "absent.toml", "-o", tmp_path / "out"), ["absent.toml"], tmp_path / "out"
    )
