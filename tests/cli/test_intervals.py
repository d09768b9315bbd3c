"""`memfit fit --profile --bootstrap --mcmc`: what is written, told, kept, and gone on with."""

import csv
import json
import re
from importlib.util import find_spec

import pytest

import memfit as mf
from memfit.cli.console import Meter, duration
from memfit.fitting import FitResult

needs_emcee = pytest.mark.skipif(find_spec("emcee") is None, reason="emcee is not installed")
NAMES = ("R_b", "C_m", "i_c0", "V_T", "V_m", "tau_d", "tau_k", "R_s")


def text_of(path):
    return path.read_text(encoding="utf-8")


@needs_emcee
def test_everything_at_once(run, small_device, tmp_path):
    out = tmp_path / "out"
    words = ("--profile", "--bootstrap", 15, "--mcmc", "--mcmc-steps", 40)
    ran = run("fit", small_device, "-o", out, *words)
    assert ran.code == 0
    for stage, total in (("profiles", 10), ("bootstrap", 15), ("posterior", 40)):
        assert f"{stage}: {total} of {total}" in ran.err
    result = FitResult.from_json(text_of(out / "result.json"))
    assert result.to_json() == text_of(out / "result.json")
    assert tuple(result.profiles)[:8] == NAMES
    assert set(result.profiles) - set(NAMES) == {"current.gain_margin", "voltage.gain_margin"}
    for name in NAMES:
        assert result.parameters[name].ci95 == result.profiles[name].ci95
    assert len(result.bootstrap.samples) == 15
    assert result.posterior.status == "not_converged"  # forty steps are few
    assert any(said.startswith("Posterior: ") for said in result.warnings)
    assert "Bootstrap: 15 refits" in ran.out
    assert re.search(r"Linear +Profile +Bootstrap +Posterior +The profile is", ran.out)
    assert result.stability["current"]["uncertainty_from"] == "covariance"  # 15 refits are few
    assert not (out / "unfinished.json").exists()
    rows = list(csv.DictReader(text_of(out / "samples.csv").splitlines()))
    kinds = [row["kind"] for row in rows]
    assert kinds.count("residual") == 15
    assert kinds.count("posterior") == len(result.posterior.samples)
    first = [float(rows[0][name]) for name in result.bootstrap.names]
    assert first == pytest.approx(result.bootstrap.samples[0], rel=1e-8)
    points = list(csv.DictReader(text_of(out / "profiles.csv").splitlines()))
    assert {row["quantity"] for row in points} == set(result.profiles)
    page = text_of(out / "report.html")
    for word in ("Intervals by other methods", "Profile", "Bootstrap", "Posterior", "R-hat"):
        assert word in page
    assert (out / "figures" / "profile_tau_k.svg").is_file()


def test_without_them_nothing_is_added(run, small_device, tmp_path):
    ran = run("fit", small_device, "-o", tmp_path / "out")
    plain = json.loads(text_of(tmp_path / "out" / "result.json"))
    assert (plain["profiles"], plain["bootstrap"], plain["posterior"]) == ({}, None, None)
    assert plain["stability"]["current"]["uncertainty_from"] == "covariance"
    assert not (tmp_path / "out" / "profiles.csv").exists()
    assert "profiles" not in ran.err
    assert "Intervals by other methods" not in text_of(tmp_path / "out" / "report.html")


def test_an_interrupted_run_goes_on_to_the_same_bytes(run, small_device, tmp_path, monkeypatch):
    words = ("fit", small_device, "--profile", "--bootstrap", 12)
    run(*words, "-o", tmp_path / "whole")

    def interrupting(self, what, done, total, told=Meter.__call__):
        told(self, what, done, total)
        if (what, done) == ("bootstrap", 5):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Meter, "__call__", interrupting)
        ran = run(*words, "-o", tmp_path / "out")
    assert ran.code == 130
    assert "the same command goes on from there" in ran.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["unfinished.json"]
    again = run(*words, "-o", tmp_path / "out")
    assert again.code == 0
    assert "Going on from an interrupted run" in again.err
    assert "5 of 12 from an interrupted run" in again.err
    assert not (tmp_path / "out" / "unfinished.json").exists()
    for name in ("samples.csv", "profiles.csv", "parameters.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    results = [json.loads(text_of(tmp_path / folder / "result.json")) for folder in ("out", "whole")]
    for result in results:
        del result["environment"], result["digest"]
    assert results[0] == results[1]
    refused = run(*words, "-o", tmp_path / "out")  # now it is a finished folder as any other
    assert refused.code == 1
    assert "--overwrite" in refused.err


def test_another_command_does_not_go_on_from_there(run, small_device, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "unfinished.json").write_text('{"belongs_to": "another", "stages": {"bootstrap": {}}}')
    ran = run("fit", small_device, "-o", out, "--bootstrap", 5)
    assert ran.code == 0
    assert "Going on" not in ran.err


def test_without_emcee_it_is_told_before_the_fit(run, small_device, tmp_path, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr("memfit.fitting.uncertainty.mcmc.import_module", absent)
    ran = run("fit", small_device, "-o", tmp_path / "out", "--mcmc")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert 'pip install "memfit[mcmc]"' in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", [["--bootstrap", "1"], ["--bootstrap", "x"], ["--bootstrap-kind", "wild"]])
def test_mistakes_in_usage(run, small_device, words):
    ran = run("fit", small_device, *words)
    assert ran.code == 2
    assert ran.err.startswith("memfit")
    assert ran.err.count("\n") == 1


def test_from_python(small_device):
    device = mf.load(small_device)
    result = mf.fit(device)
    with_both = mf.bootstrap(mf.profile(result, device), device, 100, kind="parametric", seed=3)
    assert result.profiles == {}
    assert with_both.bootstrap.seed == 3
    assert with_both.bootstrap.kind == "parametric"
    assert with_both.profiles["R_b"].agrees
    assert with_both.stability["current"]["uncertainty_from"] == "bootstrap"
    assert with_both.stability["current"]["gain_margin_by"] == "profile"
    with pytest.raises(mf.MemfitError, match="at least 2 refits"):
        mf.bootstrap(result, device, 1)


def test_a_meter_tells_how_far_and_how_long(capsys):
    now = iter([0.0, 5.0, 12.0, 20.0, 21.0])
    meter = Meter(quiet=False, clock=lambda: next(now))
    for done in (0, 10, 30, 50):
        meter("bootstrap", done, 50)
    meter("posterior", 25, 100)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "  bootstrap: 0 of 50",
        "  bootstrap: 30 of 50, about 8 s left",
        "  bootstrap: 50 of 50, 20 s",
        "  posterior: 25 of 100 from an interrupted run, 75 left",
    ]
    Meter(quiet=True)("bootstrap", 1, 2)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("seconds", "words"), [(8.4, "8 s"), (200, "3 min 20 s"), (7510, "2 h 5 min")])
def test_durations(seconds, words):
    assert duration(seconds) == words
