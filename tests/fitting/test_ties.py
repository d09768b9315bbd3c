"""Parameters that follow from others: exact derivatives, checked text, errors that move together."""

from dataclasses import replace

import lmfit
import numpy as np
import pytest
from devices import TRUTH, device, spectra, sweeps

import memfit as mf
from memfit.errors import InputError, ParameterError
from memfit.fitting import FitPlan
from memfit.fitting.ties import Ties, names_in
from memfit.loaders.manifest import read_manifest
from memfit.model import NAMES, Parameters

EXPRESSIONS = {
    "tau_k": "0.5 * tau_d",
    "R_s": "1e-4*R_b - 2 + -(-3)",
    "C_m": "1e-9 * exp(V_T / V_m) ** 0.5",
    "i_c0": "sqrt(V_m) * log(R_b) / 1e6",
}


@pytest.mark.parametrize(("name", "text"), EXPRESSIONS.items())
def test_derivatives_are_those_of_the_expression(name, text):
    ties = Ties({name: text})
    value, slopes = ties.values(TRUTH)[name]
    functions = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt}
    assert value == pytest.approx(eval(text, functions, TRUTH.as_dict()))
    assert set(slopes) == names_in(text)
    for other, slope in slopes.items():
        step = 1e-6 * getattr(TRUTH, other)
        up, down = (
            ties.values(TRUTH.replace(**{other: getattr(TRUTH, other) + s}))[name][0] for s in (step, -step)
        )
        assert slope == pytest.approx((up - down) / (2 * step), rel=1e-5)
    chained = ties.chained(np.eye(len(NAMES)), TRUTH)
    other = next(iter(slopes))
    assert chained[NAMES.index(name), NAMES.index(other)] == pytest.approx(slopes[other])


@pytest.mark.parametrize(
    ("ties", "message"),
    [
        ({"tau_k": "__import__('os').system('true')"}, "holds more than parameters"),
        ({"tau_k": "tau_d.__class__"}, "holds more than"),
        ({"tau_k": "(lambda: tau_d)()"}, "holds more than"),
        ({"tau_k": "[tau_d for i in R_b]"}, "unknown parameter i|holds more than"),
        ({"tau_k": "tau_d if V_T else R_b"}, "holds more than"),
        ({"tau_k": "exp(tau_d, tau_d)"}, "holds more than"),
        ({"tau_k": "tau_d +"}, "expected an expression"),
        ({"tau_k": "tau_d" * 100}, "expected an expression"),
        ({"tau_k": "+".join(["R_b"] * 70)}, "parts"),
        ({"tau_k": "2 * tau_x"}, "unknown parameter tau_x; did you mean 'tau_"),
        ({"tau_k": "True * tau_d"}, "holds more than"),
        ({"tau_k": "0.5"}, "names no parameter"),
        ({"tau_k": "tau_d", "tau_d": "R_b * C_m"}, "which is tied itself"),
        ({"tau_kk": "tau_d"}, "did you mean 'tau_k'"),
        ({"R_s": "0.01 * R_b"}, "not both"),
    ],
)
def test_what_is_no_expression_of_parameters(ties, message):
    with pytest.raises(ParameterError, match=message):
        FitPlan(ties=ties, fix={"R_s": 1.0})


def test_a_model_without_the_parameter():
    with pytest.raises(ParameterError, match="may be without it"):
        FitPlan(model="2d", ties={"tau_k": "tau_d"})


@pytest.fixture(scope="module")
def measured():
    return device([*spectra(), *sweeps()])


@pytest.fixture(scope="module")
def tied(measured):
    return mf.fit(measured, ties={"tau_k": "5 / 3 * tau_d"})  # which is true


def test_a_tied_fit_finds_the_truth(tied):
    assert tied.status.code == "ok"
    tau_d, tau_k = tied.parameters["tau_d"], tied.parameters["tau_k"]
    assert tau_k.value == pytest.approx(5 / 3 * tau_d.value)
    assert tau_k.stderr == pytest.approx(5 / 3 * tau_d.stderr)
    assert tau_k.reason == "tied: 5 / 3 * tau_d"
    assert tau_d.value == pytest.approx(TRUTH.tau_d, abs=4 * tau_d.stderr)
    assert tied.correlation_frame().loc["tau_d", "tau_k"] == pytest.approx(1.0)


def test_a_true_tie_says_more_than_none(tied, measured):
    free = mf.fit(measured)
    assert tied.goodness.dof == free.goodness.dof + 1
    assert tied.parameters["tau_d"].stderr < free.parameters["tau_d"].stderr
    assert tied.goodness.chi2 == pytest.approx(free.goodness.chi2, abs=12.0)


def test_what_follows_moves_together(tied):
    numbers = tied.to_uncertainties()
    assert (numbers["tau_k"] / numbers["tau_d"]).std_dev < 1e-6
    assert tied.stability["current"]["verdict"] == "stable"
    assert mf.FitResult.from_json(tied.to_json()) == tied


def test_what_needs_independent_unknowns_is_refused(tied, measured):
    for ask in (lambda: mf.profile(tied, measured), lambda: mf.plan_next(tied)):
        with pytest.raises(InputError, match="where parameters are tied"):
            ask()


def test_ties_come_from_lmfit_and_from_device_toml(tied, measured, tmp_path):
    parameters = lmfit.Parameters()
    for name, value in TRUTH.as_dict().items():
        if value:
            parameters.add(name, value=value, min=0.0 if name != "V_T" else -np.inf)
    parameters["tau_k"].set(expr="5 / 3 * tau_d")
    again = mf.fit(measured, parameters=parameters)
    assert again.parameters["tau_k"].value == pytest.approx(tied.parameters["tau_k"].value, rel=1e-4)
    (tmp_path / "device.toml").write_text('[fit]\nties = { tau_k = "5 / 3 * tau_d" }\n')
    assert read_manifest(tmp_path / "device.toml").fit.options == {"ties": {"tau_k": "5 / 3 * tau_d"}}
    same = mf.fit(replace(measured, settings=read_manifest(tmp_path / "device.toml").fit))
    assert same.parameters == tied.parameters


def test_a_tied_derived_quantity(measured):
    found = mf.fit(measured, ties={"C_m": "0.01 / R_b"})
    assert found.derived["tau_m"].value == pytest.approx(0.01)
    assert found.derived["tau_m"].stderr < 1e-8
    assert isinstance(found.values(), Parameters)
