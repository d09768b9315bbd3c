"""Covariance and correlation of residuals against what is known of them."""

from dataclasses import replace

import numpy as np
import pytest
from devices import TRUTH, device, exact, spectra, sweeps
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from memfit.fitting.least_squares import minimise
from memfit.fitting.noise import prepare, with_noise_of
from memfit.fitting.plan import FitPlan, unit_of
from memfit.fitting.problem import FitState, Minimum, Unknowns, physical_unknowns
from memfit.fitting.uncertainty.covariance import correlation, covariance_of, estimates
from memfit.model.parameters import NAMES


@given(st.integers(0, 1000), st.sampled_from([0.0, 0.3, 0.6, 0.9]))
@settings(max_examples=40)
def test_effective_points_of_an_autoregression(seed, rho):
    n = 4000
    white = np.random.default_rng(seed).standard_normal(n)
    r = lfilter([1.0], [1.0, -rho], white)
    found, effective = correlation(r, two_parts=False)
    assert found == pytest.approx(rho, abs=0.07)
    assert effective == pytest.approx(n * (1 - rho) / (1 + rho), rel=0.35)
    assert effective <= n


def test_alternating_residuals_are_not_worth_more_points():
    found, effective = correlation(np.tile([1.0, -1.0], 50), two_parts=False)
    assert found < -0.9
    assert effective == 100


def test_parts_of_a_spectrum_do_not_follow_each_other():
    r = np.concatenate([np.full(50, 3.0), np.full(50, -3.0)])
    whole, _ = correlation(r, two_parts=False)
    parts, _ = correlation(r, two_parts=True)
    assert parts > whole


def test_no_residuals_at_all():
    assert correlation(np.zeros(10), two_parts=False) == (0.0, 10.0)


@pytest.fixture(scope="module")
def state():
    records = device([*spectra(), *sweeps()]).records
    problem = prepare(records)
    unknowns = Unknowns(physical_unknowns(FitPlan(), NAMES[:8]), TRUTH, problem.kinds)
    return minimise(problem, unknowns, unknowns.encode(TRUTH.as_dict()), near=False)


def test_covariance_is_the_inverse_of_the_normal_matrix(state):
    found = covariance_of(state)
    _, j = state.linearised()
    if all(abs(rho) < 0.1 for rho in found.lag1):
        np.testing.assert_allclose(found.matrix, np.linalg.inv(j.T @ j), rtol=1e-6)
    np.testing.assert_allclose(found.matrix, found.matrix.T, rtol=1e-9)
    assert np.linalg.eigvalsh(found.matrix).min() > 0
    assert found.open_directions.shape == (0, 8)


def test_twice_the_noise_is_twice_the_error(state):
    louder = replace(state.problem, sigma=2.0 * state.problem.sigma)
    doubled = covariance_of(replace(state, problem=louder))
    np.testing.assert_allclose(doubled.matrix, 4.0 * covariance_of(state).matrix, rtol=1e-6)


def test_scatter_of_estimates_is_the_covariance():
    """Forty devices that differ by their noise: their errors are as large as they say."""
    z = []
    for seed in range(40):
        problem = prepare(device([*spectra(), *sweeps()], seed=seed).records)
        unknowns = Unknowns(physical_unknowns(FitPlan(), NAMES[:8]), TRUTH, problem.kinds)
        truth = unknowns.encode(TRUTH.as_dict())
        found = minimise(problem, unknowns, truth, near=False)
        for _ in range(2):
            found = minimise(with_noise_of(found), unknowns, found.x, near=False)
        z.append((found.x - truth) / np.sqrt(np.diag(covariance_of(found).matrix)))
    size = np.sqrt(np.mean(np.square(z)))
    assert 0.85 < size < 1.15
    assert np.mean(np.abs(z) < 1.96) > 0.9


def test_direction_without_information_is_open():
    """Far below threshold nothing depends on the channel."""
    records = exact(spectra(biases=(-9.9, -9.5))).records
    problem = prepare(records)
    far = TRUTH.replace(V_T=60.0)
    unknowns = Unknowns(physical_unknowns(FitPlan(bounds={"V_T": (-5, 100)}), NAMES[:8]), far, problem.kinds)
    x = unknowns.encode(far.as_dict())
    state = FitState(problem, unknowns, Minimum(x, 0.0, True, "", 1, ()))
    found = covariance_of(state)
    assert len(found.open_directions) >= 4
    said = estimates(state, found, {})
    assert all(said[n].status == "undetermined" for n in ("i_c0", "V_m", "tau_d", "tau_k"))
    assert all(said[n].value is None and said[n].ci95 is None for n in ("i_c0", "V_m"))
    assert np.all(np.isfinite(found.matrix))


@pytest.mark.parametrize(
    ("name", "unit"),
    [("R_b", "ohm"), ("L_s", "H"), ("gain_iv", ""), ("delay_3", "s"), ("edge_3_1", "s"), ("u_0_2", "V")],
)
def test_units(name, unit):
    assert unit_of(name) == unit
