"""inspect, convert, simulate, stability and report, each from end to end."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from memfit.loaders.device import load_device


def test_every_command_has_help(run):
    root = run("--help")
    assert root.code == 0
    for command in ("fit", "inspect", "convert", "simulate", "stability", "report"):
        assert f"\n  {command} " in root.out
        one = run(command, "--help")
        assert one.code == 0
        assert f"usage: memfit {command}" in one.out
        assert "--quiet" in one.out


def test_version(run):
    assert run("--version").out.startswith("memfit 0.")


def test_python_dash_m_and_a_closed_pipe(sample_data):
    """As a user starts it, in a process of its own, with a reader that leaves."""
    command = [sys.executable, "-m", "memfit", "inspect", str(sample_data / "mapbi3_a")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 0
    assert said == b""


def test_a_terminal_of_few_letters(sample_data):
    command = [sys.executable, "-m", "memfit", "stability", str(sample_data / "truth" / "mapbi3_c.toml")]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 0
    assert b"?A" in done.stdout  # for the µ of µA


def test_inspect(run, sample_data):
    ran = run("inspect", sample_data / "mapbi3_a")
    assert ran.code == 0
    assert ran.out.count("  impedance: ") == 8
    assert ran.out.count("  iv: ") == 3
    assert ran.out.count("  transient: ") == 3
    assert ran.out.count("obeys the Kramers-Kronig relations") == 8
    assert "Between the records:\n  At 0.33 V Z(0) of eis_0.33V.csv is " in ran.out
    assert ran.out.count("they agree") == 7  # one of the eight cannot show it
    given = json.loads(run("inspect", sample_data / "mapbi3_a", "--json").out)["identities"]
    assert {one["quantity"] for one in given} == {"Z(0)"}
    assert all(one["agrees"] for one in given)


def test_inspect_as_json(run, small_device):
    files = json.loads(run("inspect", small_device, "--json").out)["files"]
    assert [one["file"] for one in files] == ["eis_0.4V.csv", "eis_0.6V.csv", "eis_0.7V.csv", "iv_50mVs.csv"]
    (record,) = files[0]["records"]
    assert (record["kind"], record["bias_V"], record["control"]) == ("impedance", 0.4, "voltage")
    assert record["kramers_kronig"] == "consistent"
    assert len(files[0]["sha256"]) == 64
    (small_device / "device.toml").unlink()
    assert json.loads(run("inspect", small_device, "--json").out)["files"][3]["records"][0]["kind"] == "iv"


def test_inspect_goes_on_behind_a_file_that_cannot_be_read(run, small_device):
    (small_device / "absorbance.csv").write_text("Wavelength (nm),Absorbance\n400,0.1\n500,0.2\n", "utf-8")
    (small_device / "device.toml").unlink()
    ran = run("inspect", small_device)
    assert ran.code == 1
    assert ran.out.count("  impedance: ") == 3
    first, last = ran.err.splitlines()
    assert first.startswith("memfit inspect: absorbance.csv, line 1: expected columns")
    assert last.startswith("A fit would stop here: mend the files")
    given = json.loads(run("inspect", small_device / "absorbance.csv", small_device, "--json").out)
    assert (len(given["files"]), len(given["faults"])) == (4, 2)
    assert run("inspect", small_device / "absorbance.csv").out == ""


def test_inspect_names_what_a_fit_leaves_out(run, small_device):
    (small_device / "remarks.txt").write_text("warm day\n", "utf-8")
    (small_device / "device.toml").unlink()
    ran = run("inspect", small_device)
    assert ran.code == 0
    assert "Left out: remarks.txt, line 1: expected a table" in ran.err


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_inspect_draws_a_picture(run, small_device, tmp_path, kind):
    picture = tmp_path / f"what.{kind}"
    ran = run("inspect", small_device, "--plot", picture)
    assert (ran.code, ran.err) == (0, f"Drawn to {picture}\n")
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind]
    assert picture.read_bytes().startswith(start)
    assert run("inspect", small_device, "--plot", picture).code == 1
    assert run("inspect", small_device, "--plot", picture, "--overwrite", "--quiet").err == ""


def test_inspect_draws_a_recording_that_waits_for_device_toml(run, tmp_path):
    file, picture = tmp_path / "scope.csv", tmp_path / "scope.svg"
    rows = "".join(f"{i * 1e-3:.4g},{i % 7},{i % 5},\n" for i in range(60))
    file.write_text(f"X,CH1,CH2,\nSecond,Volt,Volt,\n{rows}")
    ran = run("inspect", file, "--plot", picture)
    assert ran.code == 0
    assert "say in device.toml which is which" in ran.out
    assert picture.read_text().count("M ") > 60  # dots


@pytest.mark.parametrize("name", ["picture", "picture.docx", "folder/none/x.png"])
def test_a_picture_that_cannot_be_written(run, small_device, tmp_path, name):
    ran = run("inspect", small_device, "--plot", tmp_path / name)
    assert ran.code == 1
    assert len(ran.err.strip().splitlines()) == 1


def test_inspect_says_bias_source_and_pulses(run, small_device, sample_data):
    spectrum = next(small_device.glob("eis_0.4*"))
    assert "bias: 400 mV (from the file's metadata)" in run("inspect", spectrum).out
    assert (
        "pulses: 26 uA from 120 ms to 800 ms" in run("inspect", sample_data / "mapbi3_c/pulse_26uA.csv").out
    )


def test_convert_keeps_every_number(run, small_device, tmp_path):
    out = tmp_path / "tidy"
    ran = run("convert", small_device, "-o", out)
    assert ran.code == 0
    assert sorted(ran.out.split()) == sorted(str(path) for path in out.iterdir())
    before, after = load_device(small_device), load_device(out)
    for old in before.records:
        new = next(record for record in after.records if record.name == old.name)
        assert new.kind == old.kind
        if old.kind == "impedance":
            assert np.array_equal(new.impedance, old.impedance)
            assert new.bias_voltage == old.bias_voltage
        else:
            assert np.array_equal(new.response, old.response)
            assert np.array_equal(new.drive.value, old.drive.value)


def test_converted_files_have_names_of_their_own(run, tmp_path):
    """Two files of the same name are told apart by their folders."""
    for folder, slope in (("one", 1e-6), ("two", 2e-6)):
        loop = "".join(f"{v:g},{slope * v:g}\n" for v in [0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0])
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "iv 50mVs.txt").write_text(f"Voltage (V),Current (A)\n{loop}")
    ran = run("convert", *sorted(tmp_path.glob("*/iv*.txt")), "-o", tmp_path / "tidy")
    assert ran.code == 0
    assert sorted(path.name for path in (tmp_path / "tidy").iterdir()) == [
        "one_iv_50mVs.csv",
        "two_iv_50mVs.csv",
    ]


def test_convert_overwrites_nothing_unless_told(run, small_device, tmp_path):
    out = tmp_path / "tidy"
    assert run("convert", small_device, "-o", out).code == 0
    again = run("convert", small_device, "-o", out)
    assert again.code == 1
    assert "--overwrite" in again.err
    assert run("convert", small_device, "-o", out, "--overwrite").code == 0


def test_simulate_makes_a_device_that_can_be_read(run, sample_data, tmp_path):
    truth = sample_data / "truth" / "mapbi3_b.toml"
    ran = run("simulate", truth, "-o", tmp_path / "b")
    assert ran.code == 0
    assert "14 synthetic measurements" in ran.err
    for path in (sample_data / "mapbi3_b").glob("eis*.csv"):
        assert (tmp_path / "b" / path.name).is_file()
    assert run("simulate", truth, "-o", tmp_path / "b").code == 1
    assert run("simulate", truth, "-o", tmp_path / "other", "--seed", 99, "--quiet").err == ""
    one, other = (load_device(tmp_path / name).spectra[0].impedance for name in ("b", "other"))
    assert not np.array_equal(one, other)


def test_the_example_of_the_help_works(run, tmp_path):
    example = run("simulate", "--help").out.partition("may say more:")[2]
    (tmp_path / "params.toml").write_text(example)
    assert run("simulate", tmp_path / "params.toml", "-o", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "iv_50mVs.csv").is_file()


def test_stability_of_parameters(run, sample_data):
    truth = sample_data / "truth" / "mapbi3_c.toml"
    text = run("stability", truth)
    assert text.code == 0
    assert "Under current control the device oscillates" in text.out
    assert "Hopf point" in text.out
    blocks = json.loads(run("stability", truth, "--json").out)
    assert set(blocks) == {"current", "voltage"}
    assert blocks["current"]["verdict"] == "oscillates"
    assert blocks["current"]["probability_oscillates"] is None
    assert len(blocks["current"]["hopf_points"]) == 2


def test_stability_in_a_circuit(run, sample_data):
    truth = sample_data / "truth" / "mapbi3_c.toml"
    blocks = json.loads(run("stability", truth, "--load", "1e9", "--json").out)
    assert list(blocks) == ["voltage"]
    assert blocks["voltage"]["verdict"] == "oscillates"  # nearly a current source
    damped = json.loads(
        run("stability", truth, "--control", "current", "--capacitance", "1e-3", "--json").out
    )
    assert damped["current"]["verdict"] == "stable"
    assert run("stability", truth, "--control", "current", "--load", "10").code == 1
    by_unit = json.loads(run("stability", truth, "--load", "1 Gohm", "--json").out)
    assert by_unit == blocks
    for words in (["--load", "-1"], ["--load", "1 F"], ["--capacitance", "x"]):
        assert run("stability", truth, *words).code == 1


def test_stability_of_a_result_is_what_the_fit_said(run, sample_fits):
    out = sample_fits["mapbi3_c"].out
    stored = json.loads((out / "result.json").read_text(encoding="utf-8"))["stability"]
    assert json.loads(run("stability", out, "--json").out) == stored
    assert json.loads(run("stability", out / "result.json", "--json").out) == stored


def test_report_again_with_data(run, sample_fits, tmp_path):
    fit = sample_fits["mapbi3_c"]
    ran = run("report", fit.out, "-o", tmp_path / "again", "--data", fit.data, "--format", "html,md")
    assert ran.code == 0
    assert (tmp_path / "again" / "report.md").is_file()
    assert (tmp_path / "again" / "result.json").read_bytes() == (fit.out / "result.json").read_bytes()
    lines = [
        len((folder / "residuals.csv").read_text().splitlines()) for folder in (fit.out, tmp_path / "again")
    ]
    assert lines[0] == lines[1] > 3000


def files_of(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_report_made_later_is_that_of_the_fit(run, sample_fits, tmp_path):
    """Without being told where the data are, and byte for byte; only the way to the data may differ."""
    fit = sample_fits["mapbi3_c"]
    ran = run("report", fit.out / "result.json", "-o", tmp_path / "again")
    assert ran.code == 0
    again, first = files_of(tmp_path / "again"), files_of(fit.out)
    assert again.pop(Path("result.json")) != b""
    first.pop(Path("result.json"))
    assert again == first


def copied(sample_fits, sample_data, tmp_path):
    """Result and data that moved together, the original place forgotten."""
    data, out = tmp_path / "data", tmp_path / "results"
    shutil.copytree(sample_data / "mapbi3_c", data)
    out.mkdir()
    result = json.loads((sample_fits["mapbi3_c"].out / "result.json").read_text(encoding="utf-8"))
    result["data"] = {"paths": [str(tmp_path / "gone")], "relative": ["../data"]}
    result.pop("digest")
    (out / "result.json").write_text(json.dumps(result), encoding="utf-8")
    return data, out


def test_data_gone_or_changed_are_named_and_the_rest_is_drawn(run, sample_fits, sample_data, tmp_path):
    data, out = copied(sample_fits, sample_data, tmp_path)
    with (data / "iv_50mVs.csv").open("a") as file:
        file.write("36.1,0,1e-9\n")
    (data / "eis_0.5V.csv").unlink()
    ran = run("report", out, "-o", tmp_path / "new")
    assert ran.code == 0
    page = (tmp_path / "new" / "report.html").read_text(encoding="utf-8")
    for text in (ran.err, page):
        assert "2 of 14 records" in text
        assert "iv_50mVs.csv: it has changed since the fit" in text
        assert "eis_0.5V.csv" in text
    assert page.count('id="figure-nyquist_each_') == 7
    assert page.count('id="figure-iv_') == 2
    before = files_of(out)
    (out / "residuals.csv").write_text("of the fit")
    kept = run("report", out, "--overwrite")
    assert kept.code == 1
    assert "would lose them" in kept.err
    assert files_of(out) == {**before, Path("residuals.csv"): b"of the fit"}


def test_without_any_data_the_report_has_no_curves_and_says_so(run, sample_fits, sample_data, tmp_path):
    data, out = copied(sample_fits, sample_data, tmp_path)
    shutil.rmtree(data)
    ran = run("report", out, "--overwrite")
    assert ran.code == 0
    assert "14 of 14 records" in ran.err
    assert 'id="impedance"' not in (out / "report.html").read_text(encoding="utf-8")


def test_report_with_the_data_of_another_fit(run, sample_fits, sample_data, tmp_path):
    ran = run(
        "report", sample_fits["mapbi3_c"].out, "-o", tmp_path / "out", "--data", sample_data / "mapbi3_a"
    )
    assert ran.code == 1
    assert "none of its records" in ran.err
    assert not (tmp_path / "out").exists()


def test_data_next_to_the_result_are_found(run, sample_fits, sample_data, tmp_path):
    data, out = copied(sample_fits, sample_data, tmp_path)
    (out / "result.json").rename(data / "result.json")
    ran = run("report", data, "-o", tmp_path / "new")
    assert (ran.code, ran.err.count("\n")) == (0, 1)


def test_the_same_fit_again(run, sample_fits, tmp_path):
    first = sample_fits["mapbi3_c"].out
    ran = run("fit", "--from", first, "-o", tmp_path / "again")
    assert ran.code == 0
    assert "The same fit again: all" in ran.err
    then, now = (
        json.loads((p / "result.json").read_text(encoding="utf-8")) for p in (first, tmp_path / "again")
    )
    assert now["parameters"] == then["parameters"]
    assert "--from" in now["environment"]["command"]


def test_a_fit_again_says_what_differs(run, sample_fits, sample_data, tmp_path):
    data, out = copied(sample_fits, sample_data, tmp_path)
    text = (out / "result.json").read_text(encoding="utf-8")
    changed = json.loads(text)
    changed["environment"]["packages"]["numpy"] = "1.0"
    changed["plan"]["later"] = True
    (out / "result.json").write_text(json.dumps(changed), encoding="utf-8")
    lines = (data / "iv_50mVs.csv").read_text(encoding="utf-8").splitlines()
    (data / "iv_50mVs.csv").write_text("\n".join(lines[:-40]) + "\n", encoding="utf-8")
    ran = run("fit", "--from", out)
    assert ran.code == 0
    assert "The numbers differ from those of the first fit" in ran.err
    assert "iv_50mVs.csv differs: SHA-256" in ran.err
    assert "numpy differs: 1.0 then" in ran.err
    assert "The plan differs in later: True then, nothing now." in ran.err
    (data / "iv_5Vs.csv").unlink()
    gone = run("fit", "--from", out)
    assert gone.code == 1
    assert "iv_5Vs.csv cannot be found" in gone.err


@pytest.mark.parametrize("words", [["--seed", "1"], ["--model", "2d"], ["--fix", "R_s=1"], ["--robust"]])
def test_a_fit_again_takes_no_other_plan(run, sample_fits, words):
    ran = run("fit", "--from", sample_fits["mapbi3_c"].out, *words)
    assert ran.code == 2
    assert f"leave {words[0]} out" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fitt", "x"], "memfit: unknown command 'fitt'; did you mean 'fit'? `memfit --help` tells more.\n"),
        (["fit", "x", "--modle", "2d"], "memfit fit: unknown option '--modle'; did you mean '--model'?"),
        (["plan", "x", "--zzzz=3"], "memfit plan: unknown option '--zzzz'; there is none like it."),
        (["query", "x", "R_b", ">", "1"], "memfit query: '>' is one word too many"),
    ],
)
def test_a_misspelt_word_is_told_with_the_one_that_was_meant(run, words, said):
    ran = run(*words)
    assert ran.code == 2
    assert ran.err.startswith(said)
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stability", "x.toml", "--load", "10k"], "--load: expected a unit of resistance"),
        (["stability", "x.toml", "--capacitance", "1 V"], "--external-capacitance: expected a unit of"),
    ],
)
def test_a_quantity_that_cannot_be_read_names_its_option(run, words, said):
    ran = run(*words)
    assert ran.code == 1
    assert said in ran.err


def test_a_result_is_no_measurement(run, sample_fits):
    out = sample_fits["mapbi3_c"].out
    for path in (out, out / "result.json"):
        ran = run("fit", path)
        assert ran.code == 1
        assert "expected measurements, found a result. `memfit fit --from RESULT`" in ran.err
        assert ran.err.count("\n") == 1


def test_folders_of_devices_are_no_device(run, small_device, tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "one").symlink_to(small_device, target_is_directory=True)
    ran = run("fit", tmp_path / "root")
    assert ran.code == 1
    assert "found folders of devices: one." in ran.err
    assert "give one of them, or fit all with `memfit batch" in ran.err


def test_simulate_says_that_the_device_has_no_activation_time(run, tmp_path):
    text = "[parameters]\nR_b = 1e4\nC_m = 1e-7\ni_c0 = 1e-5\nV_T = 0.6\nV_m = 0.05\ntau_d = 0.01\n"
    text += '[[measurement]]\nkind = "impedance"\nbias = "0.6 V"\nfrequency = ["1 Hz", "1 kHz"]\n'
    (tmp_path / "p.toml").write_text(text, "utf-8")
    ran = run("simulate", tmp_path / "p.toml", "-o", tmp_path / "sim")
    assert ran.code == 0
    assert "p.toml: tau_k is not given or 0, which is the 2D model" in ran.err


def test_simulate_says_that_there_may_be_several_steady_states(run, tmp_path):
    text = (
        "[parameters]\nR_b = 1\nC_m = 1\ni_c0 = 40\nV_T = 0.05\nV_m = 0.05\ntau_d = 1\ntau_k = 1\nkappa = 1\n"
    )
    text += '[[measurement]]\nkind = "impedance"\nbias = "0.1 V"\nfrequency = ["1 Hz", "1 kHz"]\n'
    (tmp_path / "p.toml").write_text(text, "utf-8")
    ran = run("simulate", tmp_path / "p.toml", "-o", tmp_path / "sim")
    assert ran.code == 0
    assert "the steady current falls between u = -0.3783 and -0.05659 V" in ran.err
    assert "the stable one on its path is taken" in ran.err
