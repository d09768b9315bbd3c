"""Honest verdicts, each by a case made for it."""

from dataclasses import replace

import numpy as np
import pytest
from devices import FREQUENCY, TRUTH, device, pulses, spectra, sweeps

from memfit.fitting.joint import fit
from memfit.fitting.minimum.least_squares import minimise
from memfit.fitting.minimum.unknowns import Unknowns, physical_unknowns
from memfit.fitting.noise import prepare
from memfit.fitting.plan import FitPlan
from memfit.fitting.starts.starting_values import guess
from memfit.fitting.summary import summarise
from memfit.fitting.uncertainty.covariance import covariance_of
from memfit.model import NAMES
from memfit.synthetic.measurements import Noise


def test_full_data_are_ok(joint):
    assert joint.result.status.code == "ok"
    assert joint.result.status.usable
    core = [joint.result.parameters[name].status for name in NAMES[:7]]
    assert core == ["determined"] * 7


def test_bound_that_cuts_the_answer_off():
    result = fit(device([*spectra(), *sweeps()]), FitPlan(model="3d", bounds={"V_m": (0.02, 0.05)})).result
    assert result.status.code == "at_bound"
    assert "V_m" in result.status.message
    assert result.parameters["V_m"].status == "at_bound"
    assert result.parameters["V_m"].value == pytest.approx(0.05, rel=1e-3)


@pytest.mark.parametrize("bias", [-1.0, 0.0, 1.0])
def test_one_bias_does_not_identify(bias):
    result = fit(device(spectra(biases=(bias,)))).result
    assert result.status.code == "not_identifiable"
    assert not result.status.usable
    open_ones = [n for n, e in result.parameters.items() if e.status == "undetermined"]
    assert open_ones
    for name in open_ones:
        assert name in result.status.message
        assert result.parameters[name].value is None
        assert result.parameters[name].stderr is None


def test_a_wrong_fixed_value_is_told_even_where_it_leaves_the_rest_open():
    wrong = FitPlan(model="3d", fix={"R_b": TRUTH.R_b / 60})
    result = fit(device([*spectra(), *sweeps()]), wrong).result
    assert result.status.code in ("not_identifiable", "at_bound", "poor_fit")
    said = " ".join([result.status.message, *result.warnings])
    assert "does not describe this device: it misses the s" in said


def test_no_data_above_threshold():
    result = fit(device(spectra(biases=(-9.9, -9.0, -8.0)))).result
    assert result.status.code == "not_identifiable"
    assert {"V_T", "tau_d", "tau_k"} & {n for n, e in result.parameters.items() if e.value is None}
    assert result.parameters["C_m"].value == pytest.approx(TRUTH.C_m, rel=0.05)
    assert result.minimum.places[0].values["R_b"] == pytest.approx(TRUTH.R_b, rel=0.05)
    if result.parameters["R_b"].value is None:  # a channel that conducts evenly could be all of it
        assert result.identifiability.open["R_b"].reach == "above"


def test_slow_loop_alone_knows_the_steady_state_only():
    result = fit(device(sweeps(rates=(0.002,)))).result
    assert result.status.code == "not_identifiable"
    assert result.parameters["tau_d"].value is None
    assert result.parameters["V_T"].value == pytest.approx(TRUTH.V_T, rel=0.02)


def test_record_of_another_device_is_a_poor_fit():
    other = TRUTH.replace(tau_d=0.3, C_m=1e-6)
    strange = spectra(other, biases=(0.4,), frequency=FREQUENCY)
    record = replace(device(strange, other).records[0], name="strange.csv")
    mixed = device([*spectra(), *sweeps()])
    result = fit(replace(mixed, records=(*mixed.records, record)), FitPlan(model="3d")).result
    assert result.status.code == "poor_fit"


def test_too_few_evaluations_are_not_converged():
    measured = device([*spectra(), *sweeps()])
    problem = prepare(measured.records)
    first = guess(measured.records, {})[0]
    unknowns = Unknowns(physical_unknowns(FitPlan(model="3d"), NAMES[:8]), TRUTH, problem.kinds)
    x = unknowns.encode(TRUTH.replace(tau_d=1.0, tau_k=1e-3, V_T=0.5).as_dict())
    state = minimise(problem, unknowns, x, near=False, most=3)
    assert not state.minimum.converged
    covariance = covariance_of(state)
    result = summarise(measured, FitPlan(model="3d"), NAMES[:8], [state], first, covariance=covariance)
    assert result.status.code == "not_converged"
    assert "start values" in result.status.message


def test_fixed_parameters_are_called_fixed():
    result = fit(device([*spectra(), *sweeps()]), FitPlan(model="3d", fix={"R_s": 40.0, "V_m": 0.08})).result
    assert result.parameters["R_s"].status == result.parameters["V_m"].status == "fixed"
    assert result.parameters["V_m"].value == 0.08
    assert result.parameters["V_m"].stderr is None
    assert "V_m" not in result.covariance_names


@pytest.mark.parametrize(
    "planned",
    [spectra(), sweeps(rates=(0.05, 0.5, 5.0)), pulses(levels=(-1.0, 0.5, 2.0)), sweeps()[:1], pulses()[:1]],
    ids=["spectra", "sweeps", "pulses", "one loop", "one pulse"],
)
def test_one_kind_alone(planned):
    result = fit(device(planned)).result
    assert result.status.code in ("ok", "not_identifiable")
    assert result.goodness.chi2_reduced == pytest.approx(1.0, abs=0.1)
    for name in ("V_T", "V_m"):
        estimate = result.parameters[name]
        if estimate.status == "determined":
            assert abs(estimate.value - getattr(TRUTH, name)) < 5 * estimate.stderr + 1e-3


def test_device_of_the_2d_model_is_not_given_a_tau_k():
    flat = TRUTH.replace(tau_k=0.0)
    result = fit(device([*spectra(flat), *sweeps(flat)], flat), FitPlan(model="simplest")).result
    assert result.model == "2d"
    assert "tau_k" not in result.parameters
    assert result.parameters["tau_d"].value == pytest.approx(flat.tau_d, rel=0.05)
    assert any("BIC" in w for w in result.warnings)


def test_device_of_the_3d_model_keeps_its_tau_k():
    result = fit(device([*spectra(), *sweeps()]), FitPlan(model="simplest")).result
    assert result.model == "3d"
    assert result.parameters["tau_k"].value == pytest.approx(TRUTH.tau_k, rel=0.1)


def test_correlated_noise_is_told_and_widens_the_intervals():
    noise = {"impedance": 0.01, "current": 0.01, "voltage": 0.004}
    planned = [*spectra(), *sweeps(points=300)]
    white = fit(device(planned, noise=Noise(**noise))).result
    coloured = fit(device(planned, noise=Noise(**noise, correlation=0.7))).result
    assert any("effective points" in w for w in coloured.warnings)
    ratio = [coloured.parameters[n].stderr / white.parameters[n].stderr for n in ("V_T", "V_m", "i_c0")]
    assert np.median(ratio) > 1.5
