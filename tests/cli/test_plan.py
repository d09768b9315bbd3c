"""`memfit plan` end to end."""

import json

import numpy as np
from small_device import TRUTH

from memfit.synthetic.export import write_device
from memfit.synthetic.measurements import simulate_device, spectrum


def _one_bias(folder):
    folder.mkdir()
    planned = [spectrum(0.62, np.geomspace(1e4, 0.1, 24))]
    write_device(simulate_device(TRUTH, planned, seed=4, name="one bias"), TRUTH, folder)
    return folder


def test_plan_of_one_bias(run, tmp_path):
    data, out = _one_bias(tmp_path / "data"), tmp_path / "out"
    fitted = run("fit", data, "-o", out)
    assert fitted.code == 3
    assert "What the data can and cannot tell" in fitted.out
    assert "1/R_a at 620 mV" in fitted.out
    ran = run("plan", out)
    assert ran.code == 0
    assert ran.err == ""
    assert "Not determined now: i_c0, V_T, V_m, tau_d and tau_k." in ran.out
    assert "- Measure " in ran.out
    assert "Left out (" in ran.out
    plan = json.loads(run("plan", out / "result.json", "--json", "--data", data).out)
    assert plan["undetermined"] == ["i_c0", "V_T", "V_m", "tau_d", "tau_k"]
    assert plan["forecasts"][0]["stderr"].keys() == plan["now"].keys()
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "What the data can and cannot tell" in page
    assert (out / "result.json").read_text(encoding="utf-8").count("equivalent") == 0


def test_model_choice_is_told(run, small_device, tmp_path):
    out = tmp_path / "out"
    ran = run("fit", small_device, "--model", "simplest", "-o", out)
    assert ran.code == 0
    choice = json.loads((out / "result.json").read_text(encoding="utf-8"))["model_choice"]
    assert [c["model"] for c in choice["candidates"]] == ["3d", "2d", "2d-mirror"]
    assert choice["sentence"].split(".")[0] in " ".join(ran.out.split())
    assert "mirror two-dimensional model" in (out / "report.html").read_text(encoding="utf-8")


def test_plan_needs_a_result(run, tmp_path):
    ran = run("plan", tmp_path / "nothing")
    assert ran.code == 1
    assert "memfit plan:" in ran.err
