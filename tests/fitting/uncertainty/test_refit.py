"""A fit under way again from its stored result."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from devices import TRUTH, device, pulses, seen_late, spectra, sweeps

from memfit.datasets import Device
from memfit.errors import InputError
from memfit.fitting.joint import fit
from memfit.fitting.minimum.problem import FitState, Minimum
from memfit.fitting.minimum.unknowns import Unknowns, term_unknown
from memfit.fitting.noise import prepare
from memfit.fitting.plan import Term
from memfit.fitting.results.findings import Excluded
from memfit.fitting.results.result import FitResult
from memfit.fitting.uncertainty.covariance import row_weights
from memfit.fitting.uncertainty.refit import model_curves, rebuild_problem


def test_the_minimum_is_found_again(joint, noisy):
    result = FitResult.from_json(joint.result.to_json())
    state = rebuild_problem(result, noisy)
    assert state.minimum.chi2 == pytest.approx(result.goodness.chi2, rel=1e-4)
    errors = np.sqrt(np.diag(np.array(result.covariance)))
    values = {name: e.value for name, e in {**result.parameters, **result.nuisance}.items()}
    assert np.all(np.abs(state.x - state.unknowns.encode(values)) < 0.05 * errors)
    assert state.unknowns.names == result.covariance_names
    for unknown in state.unknowns.free:
        assert unknown.lower < unknown.outer(float(np.mean(unknown.inner_bounds))) < unknown.upper


def test_a_result_of_an_older_program_has_no_minimum(joint, noisy):
    """Its values lead there all the same."""
    plain = joint.result.to_dict()
    for key in ("minimum", "profiles", "bootstrap", "posterior"):
        del plain[key]
    old = FitResult.from_dict(plain)
    assert (old.minimum, old.profiles, old.bootstrap, old.posterior) == (None, {}, None, None)
    assert rebuild_problem(old, noisy).minimum.chi2 == pytest.approx(joint.result.goodness.chi2, rel=1e-4)


def test_the_order_of_the_records_does_not_matter(joint, noisy):
    turned = replace(noisy, records=noisy.records[::-1])
    again = rebuild_problem(joint.result, turned)
    np.testing.assert_array_equal(again.x, rebuild_problem(joint.result, noisy).x)


def test_points_that_were_left_out_stay_out(joint, noisy):
    name = noisy.spectra[0].name
    without = replace(joint.result, excluded=(Excluded(file=name, index=3, at="", reason=""),))
    kept = rebuild_problem(without, noisy).problem.keep
    assert np.count_nonzero(~kept) == 2  # Re and Im


def test_other_data_are_refused(joint, noisy):
    with pytest.raises(InputError, match="missing from"):
        rebuild_problem(joint.result, Device(name="x", records=noisy.records[1:]))
    other = replace(noisy.records[0], impedance=1.01 * noisy.records[0].impedance)
    edited = replace(noisy, records=(other, *noisy.records[1:]))
    with pytest.raises(InputError, match="changed since"):
        rebuild_problem(joint.result, edited)


def test_terms_of_the_instruments_come_back():
    measured = seen_late(device([*spectra(), *pulses()]))
    found = fit(measured).result
    state = rebuild_problem(found, measured)
    assert any(name.startswith("edge_") for name in state.unknowns.names)
    for unknown in state.unknowns.free:
        if unknown.name.startswith("edge_"):
            assert unknown.lower < 0.0 == unknown.upper


def test_rows_count_as_many_points_as_are_independent(joint, noisy):
    state = rebuild_problem(joint.result, noisy)
    record = state.problem.predictor.record_of_point[state.problem.keep]
    effective = np.linspace(10.0, 20.0, len(noisy.records))
    weight = row_weights(state, effective)
    np.testing.assert_allclose(np.bincount(record, weights=weight**2), effective)


def test_bands_of_more_unknowns_than_curves_have_the_spread_of_the_covariance():
    measured = device(sweeps(rates=np.geomspace(0.05, 1.0, 120), points=12))
    problem = prepare(measured.records)
    terms = [term_unknown(Term("offset", k)) for k in range(len(measured.records))]
    unknowns = Unknowns(terms, TRUTH, problem.kinds)
    x = np.zeros(len(terms))
    state = FitState(problem, unknowns, Minimum.at(x, unknowns.free))
    known = SimpleNamespace(posterior=None, bootstrap=None, covariance=1e-14 * np.eye(x.size))
    assert np.std(model_curves(state, known), axis=0) == pytest.approx(1e-7, rel=0.25)
