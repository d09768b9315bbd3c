"""`memfit fit`: what it prints, writes and returns."""

import json
import re
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from small_device import TRUTH

import memfit as mf
from memfit.fitting import FitResult
from memfit.fitting.results.reproduce import reevaluate
from memfit.loaders.device import load_device
from memfit.model import steady_response
from memfit.model.limits import DIMENSION_OF
from memfit.units import parse_quantity


def test_folder_of_results(sample_fits):
    fit = sample_fits["mapbi3_a"]
    assert {"result.json", "report.html", "parameters.csv", "residuals.csv", "figures"} <= {
        path.name for path in fit.out.iterdir()
    }
    assert not [path for path in fit.out.parent.iterdir() if path.name.startswith(".")]
    result = FitResult.from_json((fit.out / "result.json").read_text(encoding="utf-8"))
    assert result.to_json() == (fit.out / "result.json").read_text(encoding="utf-8")
    assert len(result.inputs) == 14
    assert all(re.fullmatch("[0-9a-f]{64}", item.sha256) for item in result.inputs)
    assert {"python", "packages", "platform", "started", "seconds"} <= set(result.environment)
    assert result.memfit_version
    assert set(result.stability) == {"current", "voltage"}


@pytest.fixture
def steady(tmp_path):
    """A folder with a steady curve of a device with a leak."""
    voltage = np.linspace(0.0, 1.2, 41)
    current = steady_response(TRUTH.replace(I_l=1e-7, V_l=0.15), "voltage", voltage)[0]
    noise = 1.0 + 0.005 * np.random.default_rng(2).standard_normal(voltage.size)
    folder = tmp_path / "steady"
    folder.mkdir()
    table = np.column_stack([voltage, current * noise])
    np.savetxt(folder / "iv.csv", table, delimiter=",", header="Voltage (V),Current (A)", comments="")
    return folder


def test_parts_are_those_of_the_command_of_device_toml_or_of_python(run, steady, tmp_path):
    out = tmp_path / "out"
    assert run("fit", steady, "-o", out, "--model", "3d", "--parts", "leak", "--quiet").code in (0, 3)
    asked = json.loads((out / "result.json").read_text("utf-8"))
    by_python = mf.fit(mf.load(steady), model="3d", parts=["leak"])
    (steady / "device.toml").write_text(
        '[[measurement]]\nfile = "iv.csv"\n[fit]\nmodel = "3d"\nparts = ["leak"]\n', encoding="utf-8"
    )
    assert run("fit", steady, "-o", out, "--overwrite", "--quiet").code in (0, 3)
    settled = json.loads((out / "result.json").read_text("utf-8"))
    assert asked["parts"] == settled["parts"] == list(by_python.parts) == ["leak"]
    assert {"I_l", "V_l"} <= asked["parameters"].keys()
    for name, estimate in asked["parameters"].items():
        assert settled["parameters"][name]["value"] == estimate["value"], name
        assert by_python.parameters[name].value == estimate["value"], name


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (["leek"], "'leek'; did you mean 'leak'?"),
        (["symmetric", "second_polarity"], "take one"),
        (["drift", "membrane"], "membrane"),
    ],
)
def test_parts_that_are_none_or_exclude_each_other(run, steady, tmp_path, parts, said):
    by_words = run("fit", steady, "-o", tmp_path / "out", "--parts", ",".join(parts), "--quiet")
    (steady / "device.toml").write_text(
        f'[[measurement]]\nfile = "iv.csv"\n[fit]\nparts = {json.dumps(parts)}\n', encoding="utf-8"
    )
    for ran in (by_words, run("fit", steady, "-o", tmp_path / "out", "--quiet")):
        assert ran.code == 1
        assert ran.err.count("\n") == 1
        assert said.replace("'leek'", "leek") in ran.err.replace("'leek'", "leek")
    assert not (tmp_path / "out").exists()


def test_what_is_printed(run, small_device, tmp_path):
    ran = run("fit", small_device, "-o", tmp_path / "out")
    assert ran.code == 0
    assert ran.out.startswith("small\n")
    for word in (
        "R_b",
        "tau_k",
        "A_max",
        "95 % interval",
        "determined",
        "Can I trust them?",
        "Will it spike?",
    ):
        assert word in ran.out
    assert "3 spectra, 1 sweep, 0 transients, 171 points" in ran.err
    assert f"Written to {tmp_path / 'out'}" in ran.err


def test_verbose_and_quiet(run, small_device):
    verbose = run("fit", small_device, "-v")
    quiet = run("fit", small_device, "--quiet")
    assert "First values" in verbose.err
    assert "eis_0.4V.csv" in verbose.err
    assert quiet.err == ""
    assert quiet.out == verbose.out


def test_json_is_the_result_and_nothing_else(run, small_device, tmp_path):
    ran = run("fit", small_device, "--json", "-o", tmp_path / "out")
    assert ran.out == (tmp_path / "out" / "result.json").read_text(encoding="utf-8")
    assert json.loads(ran.out)["schema"] == "memfit/fit-result/1"


def test_the_same_seed_gives_the_same_result(run, small_device):
    first, second = (json.loads(run("fit", small_device, "--json", "--seed", 3).out) for _ in range(2))
    for result in (first, second):
        assert result.pop("environment")["seconds"] > 0
        assert len(result.pop("digest")) == 64
    assert first == second
    assert first["plan"]["seed"] == 3


def test_fixed_parameters_and_model(run, small_device):
    ran = run("fit", small_device, "--json", "--fix", "R_s=40 ohm", "--fix", "tau_d=0.1", "--model", "3d")
    parameters = json.loads(ran.out)["parameters"]
    assert parameters["R_s"]["status"] == parameters["tau_d"]["status"] == "fixed"
    assert parameters["R_s"]["value"] == 40.0
    two = json.loads(run("fit", small_device, "--json", "--model", "2d").out)
    assert two["model"] == "2d"
    assert "tau_k" not in two["parameters"]


def test_files_and_a_manifest_are_as_good_as_a_folder(run, small_device):
    by_folder = json.loads(run("fit", small_device, "--json").out)
    by_manifest = json.loads(run("fit", small_device / "device.toml", "--json").out)
    by_files = json.loads(run("fit", *sorted(small_device.glob("*.csv")), "--json").out)
    assert by_manifest["parameters"] == by_folder["parameters"]
    for name, estimate in by_folder["parameters"].items():
        assert by_files["parameters"][name]["value"] == pytest.approx(estimate["value"], rel=1e-6)


def test_no_overwriting_unless_told(run, small_device, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    refused = run("fit", small_device, "-o", out)
    assert refused.code == 1
    assert "--overwrite" in refused.err
    assert [path.name for path in out.iterdir()] == ["mine.txt"]
    allowed = run("fit", small_device, "-o", out, "--overwrite")
    assert allowed.code == 0
    assert (out / "mine.txt").read_text() == "mine"
    assert (out / "result.json").is_file()


def test_without_a_usable_result_the_code_is_3(run, small_device, tmp_path):
    """One spectrum at one bias cannot tell the parameters apart."""
    ran = run("fit", small_device / "eis_0.6V.csv", "-o", tmp_path / "out")
    result = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert result["status"]["code"] == "not_identifiable"
    assert ran.code == 3
    assert "NaN" not in (tmp_path / "out" / "result.json").read_text(encoding="utf-8")


def test_an_interruption_leaves_nothing(run, small_device, tmp_path, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("memfit.workflow.fitting.fit_records", interrupt)
    ran = run("fit", small_device, "-o", tmp_path / "out")
    assert ran.code == 130
    assert "interrupted" in ran.err
    assert not (tmp_path / "out").exists()


def test_a_time_limit_gives_the_best_so_far_and_says_so(run, small_device, tmp_path):
    ran = run("fit", small_device, "--time-limit", "1 us", "-o", tmp_path / "out")
    result = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert ran.code == 3
    assert result["status"]["code"] == "not_converged"
    assert "time limit of 1e-06 s" in result["status"]["message"]
    assert "best values so far" in ran.out.replace("\n  ", " ")


def test_what_a_fit_does_is_told_while_it_does_it(run, small_device):
    ran = run("fit", small_device)
    assert "first values" in ran.err
    assert "fits from first values" in ran.err
    assert "fits from first values" not in run("fit", small_device, "--quiet").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fix", "R_S=20"], "did you mean 'R_s'?"),
        (["--fix", "R_s=20 F"], "--fix R_s: expected a unit of resistance"),
        (["--fix", "R_b=-1"], "R_b must be greater than 0"),
        (["--format", "docx"], "found 'docx'"),
    ],
)
def test_settings_that_make_no_sense(run, small_device, tmp_path, words, said):
    ran = run("fit", small_device, "-o", tmp_path / "out", *words)
    assert ran.code == 1
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words", [["--fix", "R_s"], ["--seed", "-1"], ["--seed", "x"], ["--model", "4d"], ["--bad"]]
)
def test_mistakes_in_usage(run, small_device, words):
    ran = run("fit", small_device, *words)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("memfit")
    assert ran.err.count("\n") == 1


def test_a_result_finds_its_data_again(sample_fits):
    """The curves drawn from a stored result are those of the fit."""
    fit = sample_fits["mapbi3_c"]
    result = FitResult.from_json((fit.out / "result.json").read_text(encoding="utf-8"))
    again = reevaluate(result, load_device(fit.data))
    for item, known in zip(again, result.goodness.datasets, strict=True):
        scaled = item.residuals[item.used]
        chi2 = float((abs(scaled) ** 2).sum())
        count = scaled.size * (2 if item.record.kind == "impedance" else 1)
        assert chi2 / count == pytest.approx(known.chi2_reduced, rel=0.02), known.file


@pytest.mark.parametrize(("kind", "known"), [("eis", 8), ("iv", 6), ("pulse", 6)])
def test_a_folder_of_one_kind(run, tmp_path, kind, known):
    """Spectra, loops or pulses alone: the truth within the errors, and no value where nothing is known."""
    samples = Path(__file__).parents[2] / "sample_data"
    folder = tmp_path / "one_kind"
    folder.mkdir()
    for path in (samples / "mapbi3_a").glob(f"{kind}_*"):
        shutil.copy(path, folder)
    ran = run("fit", folder, "--json", "--quiet")
    assert ran.code == 0
    truth = tomllib.loads((samples / "truth" / "mapbi3_a.toml").read_text(encoding="utf-8"))["parameters"]
    parameters = json.loads(ran.out)["parameters"]
    determined = [name for name, e in parameters.items() if e["status"] == "determined"]
    assert len(determined) >= known
    for name in determined:
        true = parse_quantity(truth[name], DIMENSION_OF[name])
        assert abs(parameters[name]["value"] - true) < 4.0 * parameters[name]["stderr"]
