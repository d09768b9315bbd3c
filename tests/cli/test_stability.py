"""`memfit stability`: the readable report, its page, and what it says of input that allows no verdict."""

import json

import numpy as np
import pytest


@pytest.fixture
def changed_result(sample_fits, tmp_path):
    """A stored result of mapbi3_c with some of its entries replaced."""

    def change(**entries):
        stored = json.loads((sample_fits["mapbi3_c"].out / "result.json").read_text(encoding="utf-8"))
        path = tmp_path / "result.json"
        path.write_text(json.dumps({**stored, **entries}), encoding="utf-8")
        return stored, path

    return change


def lines_of(text, head):
    """The lines of a table after its caption, up to the next blank line."""
    return text[text.index(head) :].partition("\n\n")[0].splitlines()[2:]


def test_report_of_a_device_that_oscillates(run, sample_fits):
    ran = run("stability", sample_fits["mapbi3_c"].out, "--control", "current")
    assert ran.code == 0
    block = json.loads(run("stability", sample_fits["mapbi3_c"].out, "--json").out)["current"]
    margins = lines_of(ran.out, "How near it is")
    assert any(f"{block['gain_margin_min']:.4g}" in line for line in margins if "Gain margin" in line)
    assert any("Phase margin" in line and "−" in line for line in margins)  # unstable: below zero
    assert sum("supercritical" in line for line in lines_of(ran.out, "Hopf points:")) == 2
    recipe = lines_of(ran.out, "What would stop it")
    for name, factor in block["changes_to_hopf"].items():
        line = next(line for line in recipe if line.split()[0] == name)
        assert f"× {factor:.3g}" in line
    external = next(line for line in recipe if line.split()[0] == "C_external")
    assert external.endswith(f"{1e9 * block['values_to_hopf']['C_external']:.0f} nF")
    distance = block["nearest_boundary"]["decades"]["distance"]
    assert any(f"{distance:.3g} decades" in line for line in lines_of(ran.out, "The nearest point"))
    for word in ("Period", "Start-up", "Largest swing of V"):
        assert word in ran.out
    assert "Voltage control" not in ran.out


def test_report_of_a_stable_device_says_what_would_make_it_spike(run, sample_data):
    ran = run("stability", sample_data / "truth" / "mapbi3_b.toml", "--load", "1 Gohm")
    assert "What would make it oscillate" in ran.out
    assert "Period" not in ran.out
    assert any(line.split()[0] == "R_load" for line in lines_of(ran.out, "What would make"))


def test_two_loads_are_an_error(run, sample_data):
    truth = sample_data / "truth" / "mapbi3_c.toml"
    ran = run("stability", truth, "--load", "1 kohm", "--load", "2 kohm")
    assert (ran.code, ran.out) == (2, "")
    assert "argument --load: given twice; once is enough" in ran.err


@pytest.mark.parametrize("load", ["0", "-5", "0 kohm", "-1 Gohm"])
def test_a_load_must_be_positive(run, sample_data, load):
    ran = run("stability", sample_data / "truth" / "mapbi3_c.toml", "--load", load)
    assert (ran.code, ran.out) == (1, "")
    assert "Expected a load greater than 0 ohm" in ran.err
    assert ran.err.count("\n") == 1


def test_both_names_of_the_capacitance(run, sample_data):
    truth = sample_data / "truth" / "mapbi3_c.toml"
    found = [
        run("stability", truth, name, "10 nF", "--json").out
        for name in ("--capacitance", "--external-capacitance")
    ]
    assert found[0] == found[1] != run("stability", truth, "--json").out


def test_without_covariance_no_number_is_invented(run, changed_result):
    _, path = changed_result(covariance=[], covariance_names=[], logarithmic=[])
    ran = run("stability", path)
    assert ran.code == 0
    assert "There is no covariance here" in ran.out
    chance = next(line for line in ran.out.splitlines() if "Probability" in line)
    assert chance.split()[-2:] == ["–", "–"]
    block = json.loads(run("stability", path, "--json").out)["current"]
    assert block["gain_margin_ci95"] is None
    assert block["nearest_boundary"]["standard_errors"] is None


def test_a_gain_left_open_gives_a_reason_and_no_table(run, changed_result):
    stored, path = changed_result()
    _, path = changed_result(covariance=(1e9 * np.array(stored["covariance"])).tolist())
    ran = run("stability", path, "--control", "current")
    assert ran.code == 0
    said = " ".join(ran.out.split())
    assert "by itself is the spectrum of a device that is unstable under current control" in said
    assert "The data leave the gain margin open" in said
    assert "Hopf" not in ran.out
    assert "× " not in ran.out


def test_a_parameter_that_is_not_determined(run, changed_result):
    stored, _ = changed_result()
    undetermined = {**stored["parameters"]["tau_k"], "value": None, "status": "undetermined"}
    _, path = changed_result(parameters={**stored["parameters"], "tau_k": undetermined})
    ran = run("stability", path)
    assert ran.code == 0
    assert "do not determine tau_k" in ran.out
    assert "Gain margin" not in ran.out


def test_the_2d_model_cannot_oscillate(run, tmp_path):
    path = tmp_path / "flat.toml"
    path.write_text(
        "[parameters]\nR_b = '1 kohm'\nC_m = '1 uF'\ni_c0 = '1 mA'\nV_T = 0.6\nV_m = 0.05\ntau_d = '1 ms'\n"
    )
    ran = run("stability", path, "--control", "current")
    said = " ".join(ran.out.split())
    assert ran.code == 0
    assert "The 2D model has two lags at most and cannot oscillate" in said
    assert "damping ratio" in said
    assert "covariance" not in said


def test_data_beside_the_model(run, sample_fits):
    fit = sample_fits["mapbi3_c"]
    ran = run("stability", fit.out, "--data", fit.data, "--control", "current")
    rows = [line.split() for line in ran.out.splitlines() if line.strip().startswith("eis_")]
    assert len(rows) == 8
    assert sum(row.count("unstable") == 2 for row in rows) == 3  # the model and the spectrum agree
    assert "! " not in ran.out
    pulses = [line for line in ran.out.splitlines() if line.strip().startswith("pulse_")]
    assert [line.split()[0] for line in pulses] == ["pulse_12uA.csv", "pulse_26uA.csv"]


def test_data_that_contradict_the_model(run, sample_data):
    """Measurements of a device that oscillates, beside the parameters of one that does not."""
    stable = sample_data / "truth" / "mapbi3_a.toml"
    ran = run("stability", stable, "--data", sample_data / "mapbi3_c", "--control", "current")
    warnings = " ".join(ran.out.split()).split("! ")[1:]
    assert sum("fitted model is stable at this bias" in one for one in warnings) == 3
    assert sum("no stable limit cycle" in one for one in warnings) == 2


def test_page_with_figures(run, sample_data, tmp_path):
    truth, out = sample_data / "truth" / "mapbi3_c.toml", tmp_path / "out"
    ran = run("stability", truth, "-o", out)
    assert ran.code == 0
    assert f"Written to {out / 'stability.html'}" in ran.err
    drawn = {path.stem for path in (out / "figures").glob("*.svg")}
    assert {"current_bifurcation", "current_cycle_frequency", "current_load_map", "current_gain_map"} <= drawn
    page = (out / "stability.html").read_text(encoding="utf-8")
    assert all(f'id="figure-{name}"' in page for name in drawn)
    header, *rows = (out / "figures" / "data" / "current_bifurcation.csv").read_text().splitlines()
    assert header.startswith("source_A,steady_u_V,period_s")
    assert len(rows) > 10
    again = run("stability", truth, "-o", out)
    assert again.code == 1
    assert "--overwrite" in again.err
    assert run("stability", truth, "-o", out, "--overwrite", "--quiet").err == ""


def test_json_is_the_contract_with_or_without_a_page(run, sample_data, tmp_path):
    truth = sample_data / "truth" / "mapbi3_b.toml"
    alone = run("stability", truth, "--json").out
    assert run("stability", truth, "--json", "-o", tmp_path / "out").out == alone
    assert (tmp_path / "out" / "stability.html").is_file()
    assert {"verdict", "probability_oscillates", "hopf_points", "gain_margin_min", "changes_to_hopf"} <= set(
        json.loads(alone)["current"]
    )


def test_a_bias_asked_for(run, sample_fits):
    out = sample_fits["mapbi3_c"].out
    for words, current in (("0.65 V", None), ("20 uA", 20e-6)):
        block = json.loads(run("stability", out, "--at", words, "--json").out)
        at = block["current"]["at"]
        assert (at["kind"], at["probability_unstable"]) == ("unstable focus", 1.0)
        assert at["I"] == pytest.approx(current or at["I"], rel=1e-9)
        assert block["voltage"]["at"]["kind"].startswith("stable")
    text = run("stability", out, "--at", "0.65 V", "--control", "current").out
    assert any("unstable focus" in line for line in lines_of(text, "At the bias asked for"))


def test_a_bias_of_the_2d_model(run, tmp_path):
    params = tmp_path / "p.toml"
    params.write_text(
        "[parameters]\nR_b=2e5\nC_m=1.5e-7\ni_c0=4.5e-6\nV_T=0.62\nV_m=0.058\ntau_d=0.18\ntau_k=0\nR_s=40\n"
    )
    ran = run("stability", params, "--at", "0.62 V", "--control", "current")
    assert "cannot oscillate" in ran.out
    assert "damping ratio" in ran.out
    assert any("stable focus" in line for line in lines_of(ran.out, "At the bias asked for"))


def test_draws_replace_the_covariance(run, sample_data, tmp_path):
    rng = np.random.default_rng(2)
    chain = tmp_path / "chain.csv"
    values = 310e3 * np.exp(0.1 * rng.standard_normal(2000))
    chain.write_text("R_b,lnprob\n" + "".join(f"{value!r},-1.0\n" for value in values.tolist()))
    truth = sample_data / "truth" / "mapbi3_b.toml"
    block = json.loads(run("stability", truth, "--draws", chain, "--json").out)["current"]
    assert 0.1 < block["probability_oscillates"] < 0.45
    factor = block["changes_to_hopf"]["R_b"]
    assert block["probability_oscillates"] == pytest.approx(np.mean(values > 310e3 * factor), abs=1e-12)


def test_axes_of_the_map(run, sample_data, tmp_path):
    truth = sample_data / "truth" / "mapbi3_b.toml"
    for number, axes in enumerate(("tau_d,tau_k", "R_load,C_external")):
        out = tmp_path / str(number)
        assert run("stability", truth, "--control", "current", "--map", axes, "-o", out, "--quiet").code == 0
        names = (out / "figures/data/current_gain_map.csv").read_text().splitlines()[0]
        assert names == axes
        for figure in ("window_spectra", "circuit_coefficients", "root_locus", "time_courses"):
            assert (out / f"figures/current_{figure}.svg").stat().st_size > 3000


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("--at", "3", "expected a bias"), ("--at", "5 ohm", "expected a bias"), ("--at", "1e9 V", "at most"),
     ("--map", "R_b", "two different axes"), ("--map", "R_b,R_b", "two different axes"),
     ("--map", "R_b,x", "two different axes"), ("--draws", "nowhere.csv", "nowhere.csv")],
)  # fmt: skip
def test_what_cannot_be_asked(run, sample_data, option, value, words):
    ran = run("stability", sample_data / "truth" / "mapbi3_b.toml", option, value)
    assert (ran.code, ran.out) == (1, "")
    assert words in ran.err
    assert ran.err.count("\n") == 1
