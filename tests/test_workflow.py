"""The calls of the workflow: what they add to the rooms below, and what they refuse."""

import json

import numpy as np
import pytest

import memfit as mf
from memfit.analysis.stability import Circuit
from memfit.errors import InputError, OutputError, ParameterError
from memfit.fitting import FitPlan
from memfit.model import Parameters
from memfit.synthetic.measurements import loop, simulate_device, spectrum
from memfit.workflow.fitting import first_values

TRUTH = Parameters(R_b=2e5, C_m=1.5e-7, i_c0=5e-6, V_T=0.6, V_m=0.06, tau_d=0.1, tau_k=0.02, R_s=40.0)


@pytest.fixture(scope="module")
def device():
    frequency = np.geomspace(1e5, 0.1, 30)
    planned = [
        *(spectrum(bias, frequency) for bias in (0.4, 0.6, 0.7)),
        loop([0.0, 0.9, 0.0], 0.05, points=81),
    ]
    return simulate_device(TRUTH, planned, seed=2, name="small")


@pytest.fixture(scope="module")
def result(device):
    return mf.fit(device)


def test_a_fit_is_analysed_and_says_how_it_was_made(result):
    assert result.status.code == "ok"
    assert result.stability["current"]["verdict"] == "stable"
    assert result.memfit_version
    assert set(result.environment["packages"]) >= {"numpy", "lmfit", "numba"}
    assert result.environment["seconds"] > 0


def test_settings_or_a_plan(device):
    held = mf.fit(device, fix={"R_s": 40.0})
    assert held.parameters["R_s"].status == "fixed"
    assert mf.fit(device, FitPlan(fix={"R_s": 40.0})).parameters == held.parameters
    with pytest.raises(InputError, match="found both"):
        mf.fit(device, FitPlan(), model="2d")


def test_stability_of_a_result_and_of_parameters(result):
    by_result = mf.stability(result)["current"]
    by_values = mf.stability(result.values())["current"]
    assert by_result == result.stability["current"]
    assert json.loads(json.dumps(by_result)) == by_result
    assert by_values["gain_margin_min"] == pytest.approx(by_result["gain_margin_min"])
    assert by_values["gain_margin_ci95"] is None
    loaded = mf.stability(result, {"load": Circuit(control="voltage", load=1e5)})
    assert list(loaded) == ["load"]


def test_a_report_appears_whole_and_is_read_back(result, device, tmp_path):
    out = mf.write_report(result, tmp_path / "out", device)
    assert mf.read_result(out) == result
    assert mf.read_result(out / "result.json") == result
    assert len((out / "residuals.csv").read_text().splitlines()) == 1 + 2 * 90 + 81
    with pytest.raises(OutputError, match="not empty"):
        mf.write_report(result, out, device)


def test_a_report_of_another_device_is_refused(result, device, tmp_path):
    other = simulate_device(TRUTH, [spectrum(0.4, [1.0, 10.0, 100.0])], seed=2)
    with pytest.raises(InputError, match="has changed since the fit"):
        mf.write_report(result, tmp_path / "out", other)
    assert not (tmp_path / "out").exists()


def test_a_path_is_no_device():
    with pytest.raises(InputError, match=r"Expected a device as memfit\.load gives it, found 'data/D'"):
        mf.fit("data/D")


def test_values_are_texts_with_units_too(device):
    held = mf.fit(device, fix={"R_s": "40 ohm"}, bounds={"R_b": ("1 kohm", "1 Gohm")})
    assert held.plan["fix"] == {"R_s": 40.0}
    assert held.plan["bounds"] == {"R_b": [1e3, 1e9]}
    with pytest.raises(ParameterError, match="fix of R_s: expected a unit of resistance"):
        mf.fit(device, fix={"R_s": "40 V"})
    with pytest.raises(ParameterError, match="unknown setting 'modell': did you mean 'model'"):
        mf.fit(device, modell="2d")
    with pytest.raises(ParameterError, match="unknown parameter tau; "):
        mf.fit(device, start={"tau": 1.0})


def test_a_fit_goes_on_from_a_result(device, result):
    again = mf.fit(device, start=result)
    assert set(again.plan["start"]) == set(result.parameters)
    assert again.goodness.chi2 == pytest.approx(result.goodness.chi2, rel=1e-6)
    assert first_values(TRUTH) == {n: v for n, v in TRUTH.as_dict().items() if v}
    assert first_values({"R_b": "1 kohm"}) == {"R_b": "1 kohm"}


def test_a_fit_takes_parameters_of_lmfit(device, result):
    parameters = result.to_lmfit()
    parameters["R_s"].set(value=40.0, vary=False)
    parameters["V_T"].set(min=0.4, max=0.8)
    held = mf.fit(device, parameters=parameters)
    assert held.parameters["R_s"].status == "fixed"
    assert held.plan["bounds"] == {"V_T": [0.4, 0.8]}
    with pytest.raises(InputError, match="found both"):
        mf.fit(device, parameters=parameters, fix={"R_s": 1.0})
    with pytest.raises(ParameterError, match=r"Expected lmfit\.Parameters"):
        mf.fit(device, parameters=7)


def test_a_fit_says_how_far_it_is(device):
    heard = []
    mf.fit(device, fix={"R_s": 40.0}, progress=lambda *words: heard.append(words))
    assert "fits from first values" in {what for what, _, _ in heard}
    assert all(0 <= done <= total for _, done, total in heard)


def test_numbers_for_other_packages(result):
    correlation, covariance = result.correlation_frame(), result.covariance_frame()
    assert correlation.loc["tau_d", "tau_k"] == pytest.approx(correlation.loc["tau_k", "tau_d"])
    for name in ("R_b", "V_T"):
        assert np.sqrt(covariance.loc[name, name]) == pytest.approx(result.parameters[name].stderr, rel=0.05)
    assert result.covariance_frame(logarithmic=True).to_numpy() == pytest.approx(np.array(result.covariance))
    numbers = result.to_uncertainties()
    tau_m = numbers["R_b"] * numbers["C_m"]
    assert tau_m.nominal_value == pytest.approx(result.derived["tau_m"].value)
    assert tau_m.std_dev == pytest.approx(result.derived["tau_m"].stderr, rel=0.01)
