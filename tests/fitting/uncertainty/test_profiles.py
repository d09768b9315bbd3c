"""Profiles on request where they are known: linear problems, and data that leave a parameter open."""

from dataclasses import replace

import numpy as np
import pytest
from devices import TRUTH, device, pulses, spectra, sweeps
from linear import linear_state

from memfit.analysis.intervals import with_profiles
from memfit.confidence import CHI2_1, Z
from memfit.fitting.joint import fit
from memfit.fitting.uncertainty.profile_likelihood import Target
from memfit.fitting.uncertainty.profiles import Profiled, profile
from memfit.fitting.uncertainty.refit import Checkpoint, rebuild_problem
from memfit.model import NAMES


def test_of_a_linear_problem_the_profile_is_the_linear_interval():
    state, covariance = linear_state()
    found = profile(state).profiles
    assert list(found) == ["R_b", "C_m"]
    for j, p in enumerate(found.values()):
        half = Z * np.sqrt(covariance[j, j])
        np.testing.assert_allclose(np.log(p.ci95), state.x[j] + np.array([-half, half]), atol=2e-6)
        np.testing.assert_allclose(p.linear_ci95, p.ci95, rtol=1e-5)
        away = np.log(np.array(p.value)) - state.x[j]
        np.testing.assert_allclose(p.rise, away**2 / covariance[j, j], atol=1e-6)
        np.testing.assert_allclose(p.slope, 2 * away / covariance[j, j], atol=1e-3)
        assert p.kind == "determined"
        assert p.agrees
        assert p.complete


def test_of_a_linear_function_too():
    """R_b C_m has the variance of the sum of its logarithms."""
    state, covariance = linear_state()

    def condition(p, c):
        slopes = np.zeros(len(NAMES))
        slopes[:2] = 1.0 / p.R_b, 1.0 / p.C_m
        return np.log(p.R_b * p.C_m) - c, slopes, -1.0

    product = Target(unit="s", best=lambda p: p.R_b * p.C_m, condition=condition, logarithmic=True)
    p = profile(state, {"tau": product}, names=[]).profiles["tau"]
    half = Z * np.sqrt(covariance.sum())
    np.testing.assert_allclose(np.log(p.ci95), state.x.sum() + np.array([-half, half]), atol=2e-6)
    assert p.unit == "s"


@pytest.fixture(scope="module")
def one_bias():
    measured = device(spectra(biases=(1.0,)))
    return measured, fit(measured).result


def test_one_bias_does_not_determine_the_activation(one_bias):
    measured, result = one_bias
    found = profile(rebuild_problem(result, measured)).profiles
    for name in ("i_c0", "V_T", "V_m", "tau_k"):
        assert found[name].kind != "determined", name
    assert None in found["tau_k"].ci95
    for name in ("R_b", "C_m"):
        assert found[name].kind == "determined"
        assert found[name].ci95[0] < getattr(TRUTH, name) < found[name].ci95[1]
    # the two times can change places: both orders lie in the interval
    times = sorted((TRUTH.tau_d, TRUTH.tau_k / (1 + np.exp(-1.0))))
    assert found["tau_d"].ci95[0] < times[0] < times[1] < found["tau_d"].ci95[1]


def test_what_is_not_determined_keeps_no_value_but_its_limits(one_bias):
    measured, result = one_bias
    told = with_profiles(result, measured, profile(rebuild_problem(result, measured)))
    tau_k = told.parameters["tau_k"]
    assert (tau_k.value, tau_k.status) == (None, "undetermined")
    assert tau_k.ci95[0] < TRUTH.tau_k
    assert told.status.code == "not_identifiable"
    assert type(told).from_json(told.to_json()) == told


def test_full_data_agree_with_the_linear_interval(joint, noisy):
    found = profile(rebuild_problem(joint.result, noisy))
    assert found.deeper == 0
    told = with_profiles(joint.result, noisy, found)
    for name, p in found.profiles.items():
        assert p.kind == "determined", name
        assert told.parameters[name].ci95 == p.ci95
        if name != "R_s":  # the one that a bound cuts
            np.testing.assert_allclose(p.ci95, joint.result.parameters[name].ci95, rtol=0.02)
    assert told.status == joint.result.status


def test_correlated_residuals_raise_the_threshold():
    state, _ = linear_state(n=400)
    t = np.arange(400)
    slow = 0.25 * np.sin(2 * np.pi * t / 40)
    slow -= state.problem.predictor.A @ np.linalg.lstsq(state.problem.predictor.A, slow, rcond=None)[0]
    state.problem.predictor._y = state.problem.predictor.A @ state.x + slow
    state = replace(state, minimum=replace(state.minimum, chi2=float(np.sum(slow**2)) / 0.09))
    p = profile(state).profiles["R_b"]
    assert p.threshold > 10 * CHI2_1
    assert p.agrees  # with the linear interval, which counts fewer points too


def test_a_deeper_minimum_becomes_the_result(joint, noisy):
    """As if the fit had ended elsewhere: what a profile found takes its place."""
    state = rebuild_problem(joint.result, noisy)
    worse = replace(joint.result, goodness=replace(joint.result.goodness, chi2=state.minimum.chi2 + 25.0))
    told = with_profiles(worse, noisy, Profiled({}, state, 1))
    assert told.goodness.chi2 == pytest.approx(state.minimum.chi2)
    assert told.alternatives[0].chi2 == worse.goodness.chi2
    assert any("deeper minimum" in said for said in told.warnings)
    for name, e in told.parameters.items():
        assert e.value == pytest.approx(joint.result.parameters[name].value, rel=1e-3)
        assert e.reason == joint.result.parameters[name].reason


def test_an_interrupted_run_goes_on(tmp_path):
    state, _ = linear_state()
    whole = profile(state).profiles
    path = tmp_path / "unfinished.json"

    def stop(what, done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        profile(state, progress=stop, checkpoint=Checkpoint(path, {"data": 1}))
    again = Checkpoint(path, {"data": 1})
    assert again.resumed
    seen = []
    found = profile(state, progress=lambda *told: seen.append(told), checkpoint=again).profiles
    assert found == whole
    other = Checkpoint(path, {"data": 2})
    assert not other.resumed


def test_records_in_time_only():
    """Two pulses: the intervals are no parabolas, and the truth lies within."""
    measured = device(pulses())
    result = fit(measured).result
    found = profile(rebuild_problem(result, measured)).profiles
    for name, p in found.items():
        low, high = p.ci95
        assert (low or 0.0) < getattr(TRUTH, name) < (high or np.inf), name


def test_a_slow_sweep_gives_limits():
    measured = device(sweeps(rates=(0.05,)), seed=2)
    result = fit(measured).result
    found = profile(rebuild_problem(result, measured)).profiles
    assert found["tau_k"].kind in ("bounded_above", "flat")
    for name in ("R_b", "i_c0", "V_T", "V_m", "tau_d"):
        low, high = found[name].ci95
        assert (low or 0.0) < getattr(TRUTH, name) < (high or np.inf), name
