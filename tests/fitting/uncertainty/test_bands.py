"""Bands of the model curve: their width is that of the covariance, or of the sample."""

from dataclasses import replace

import numpy as np

from memfit.fitting.uncertainty.bootstrap import bootstrap
from memfit.fitting.uncertainty.refit import model_curves, rebuild_problem, with_bands


def test_linear_bands_have_the_propagated_standard_error(joint, noisy):
    state = rebuild_problem(joint.result, noisy)
    curves = model_curves(state, joint.result)
    prediction = state.problem.residuals(state.unknowns).prediction(state.x)
    jacobian = state.unknowns.jacobian(state.x, prediction, state.problem.predictor.record_of_point)
    variance = np.einsum("ij,jk,ik->i", jacobian, np.array(joint.result.covariance), jacobian)
    np.testing.assert_allclose(np.std(curves, axis=0), np.sqrt(variance), rtol=1e-3, atol=1e-12)
    np.testing.assert_allclose(np.mean(curves, axis=0), prediction.values, rtol=1e-6)


def test_bands_of_a_sample_are_those_of_its_curves(joint, noisy):
    sampled = replace(joint.result, bootstrap=bootstrap(rebuild_problem(joint.result, noisy), 60, seed=1))
    linear = with_bands(joint.result, joint.fitted)
    drawn = with_bands(sampled, joint.fitted)
    for a, b in zip(linear, drawn, strict=True):
        assert len(a.curves) == 200
        assert len(b.curves) == 60
        ratio = np.std(b.curves, axis=0) / np.std(a.curves, axis=0)
        assert 0.5 < np.median(ratio) < 2.0
        assert (a.record.kind == "impedance") == np.iscomplexobj(a.curves)


def test_without_data_or_covariance_there_is_none(joint):
    assert with_bands(joint.result, ()) == ()
    bare = replace(joint.result, covariance=())
    assert all(item.curves is None for item in with_bands(bare, joint.fitted))


def test_a_model_that_fails_has_no_band(joint):
    failed = replace(joint.result, status=replace(joint.result.status, code="poor_fit"))
    assert all(item.curves is None for item in with_bands(failed, joint.fitted))
