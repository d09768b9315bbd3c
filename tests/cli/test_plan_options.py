"""Options that change the plan of a fit or choose among its measurements."""

import json

import pytest


@pytest.fixture
def fitted(run, small_device):
    """Result of `memfit fit --json` with some words."""

    def fit(*words):
        ran = run("fit", small_device, "--json", *words)
        assert ran.code in (0, 3), ran.err
        return json.loads(ran.out)

    return fit


def test_first_values_and_bounds(fitted):
    found = fitted("--start", "tau_d=0.1 s", "--bounds", "R_s=1..1 kohm", "--bounds", "V_T=0.5 V..0.7 V")
    assert found["plan"]["start"] == {"tau_d": 0.1}
    assert found["plan"]["bounds"] == {"R_s": [1.0, 1000.0], "V_T": [0.5, 0.7]}


def test_some_records_only(fitted):
    files = [one["file"] for one in fitted("--only", "impedance", "--exclude", "eis_0.7*")["inputs"]]
    assert files == ["eis_0.4V.csv", "eis_0.6V.csv"]
    files = [one["file"] for one in fitted("--exclude", "eis_0.4V.csv")["inputs"]]
    assert files == ["eis_0.6V.csv", "eis_0.7V.csv", "iv_50mVs.csv"]


def test_a_bias_that_was_said(run, fitted, tmp_path):
    found = fitted("--bias", "eis_0.4V.csv=410 mV", "--only", "impedance")
    assert [one["bias_V"] for one in found["inputs"]] == pytest.approx([0.41, 0.6, 0.7])
    assert "The bias is the one of --bias." in found["inputs"][0]["warnings"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--bounds", "R_x=1..2"], 1, "--bounds: unknown parameter 'R_x'; did you mean 'R_s'?"),
        (["--bounds", "R_s=1"], 2, "expected NAME=LOW..HIGH"),
        (["--bounds", "R_s=2..1"], 1, "lowest < highest"),
        (["--start", "tau_d"], 2, "expected NAME=VALUE"),
        (["--start", "tau_d=1 V"], 1, "--start tau_d: expected a unit of time"),
        (["--only", "eis_0.5V.csv"], 1, "--only: no record is called 'eis_0.5V.csv'; did you mean 'eis_0."),
        (["--exclude", "*"], 1, "no record would be left"),
        (["--bias", "0.5"], 1, "--bias: expected a bias such as"),
        (["--bias", "0.5 V"], 1, "no spectrum lacks a bias"),
        (["--seed", "1", "--seed", "2"], 2, "--seed: given twice; once is enough"),
    ],
)
def test_mistakes_are_told(run, small_device, words, code, said):
    ran = run("fit", small_device, *words)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) <= 2


def test_a_plan_that_is_run_again_takes_no_changes(run, small_device):
    ran = run("fit", "--from", "result.json", "--only", "iv", "--bounds", "R_s=1..2")
    assert ran.code == 2
    assert "leave --bounds, --only out" in ran.err


def test_what_is_not_saved_is_said(run, small_device):
    ran = run("fit", small_device, "--only", "impedance")
    assert ran.code == 0
    assert (
        f"Nothing was saved. With a folder for the result and its report: memfit fit {small_device}"
        in ran.err
    )
    assert ran.err.rstrip().endswith("--only impedance -o results")
