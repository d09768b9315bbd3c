"""Covariance and correlation of residuals against what is known; bounds against moments and drawing."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from devices import TRUTH, device, exact, spectra, sweeps
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.signal import lfilter

from memfit.fitting.minimum.least_squares import minimise
from memfit.fitting.minimum.problem import FitState, Minimum
from memfit.fitting.minimum.unknowns import Unknowns, physical_unknowns
from memfit.fitting.noise import prepare, with_noise_of
from memfit.fitting.plan import FitPlan
from memfit.fitting.uncertainty import covariance as covariance_module
from memfit.fitting.uncertainty.covariance import (
    NormalApproximation,
    correlation,
    covariance_of,
    estimates,
)
from memfit.model import NAMES
from memfit.noise_estimate import NoiseLevel


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
    unknowns = Unknowns(physical_unknowns(FitPlan(model="3d"), NAMES[:8]), TRUTH, problem.kinds)
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
        unknowns = Unknowns(physical_unknowns(FitPlan(model="3d"), NAMES[:8]), TRUTH, problem.kinds)
        truth = unknowns.encode(TRUTH.as_dict())
        found = minimise(problem, unknowns, truth, near=False)
        for _ in range(2):
            found = minimise(with_noise_of(found), unknowns, found.x, near=False)
        z.append((found.x - truth) / np.sqrt(np.diag(covariance_of(found).matrix)))
    size = np.sqrt(np.mean(np.square(z)))
    assert 0.85 < size < 1.15
    assert np.mean(np.abs(z) < 1.96) > 0.9


def _of_estimated_noise(rows, record, sigma, floors, weight):
    """Covariance of the parameters of a linear model, whose noise was estimated."""
    noise = [NoiseLevel(0.01, floor) for floor in floors]
    problem = SimpleNamespace(noise=noise, record_of_row=record, sigma=sigma, keep=np.ones(sigma.size, bool))
    weighted = rows / sigma[:, None] * weight[:, None]
    root = np.linalg.cholesky(np.linalg.inv(weighted.T @ weighted))
    added = covariance_module._by_estimated_noise(SimpleNamespace(problem=problem), weighted, weight, root)
    return root @ (np.eye(len(root)) + added) @ root.T


def test_a_mean_with_estimated_weights_is_that_of_meier():
    sizes, sigma = np.array([12, 40]), np.array([1.0, 3.0])
    record = np.repeat([0, 1], sizes)
    found = _of_estimated_noise(np.ones((52, 1)), record, sigma[record], [0.0, 0.0], np.ones(52))
    information = sizes / sigma**2
    share = information / information.sum()
    assert_allclose(found, (1.0 + 4.0 * np.sum(share * (1.0 - share) / sizes)) / information.sum())


def test_scatter_of_a_mean_whose_weights_are_estimated():
    rng, size = np.random.default_rng(4), 10
    data = rng.normal(size=(100_000, 2, size)) * np.array([1.0, 1.5])[:, None]
    variance = data.var(axis=2, ddof=1)
    weight = size / variance
    means = np.sum(weight * data.mean(axis=2), axis=1) / weight.sum(axis=1)
    share = weight / weight.sum(axis=1, keepdims=True)
    corrected = (1.0 + 4.0 * np.sum(share * (1.0 - share) / (size - 1), axis=1)) / weight.sum(axis=1)
    assert np.var(means) / np.mean(1.0 / weight.sum(axis=1)) > 1.15  # without the correction
    assert np.var(means) == pytest.approx(np.mean(corrected), rel=0.03)


def test_few_points_at_the_floor_tell_less():
    x = np.r_[np.zeros(4), np.linspace(1.0, 10.0, 60)]  # an offset and a slope
    rows = np.column_stack([np.ones(64), x])
    sigma = np.hypot(0.01 * x, 0.002)
    plain = np.linalg.inv((rows / sigma[:, None]).T @ (rows / sigma[:, None]))
    found = _of_estimated_noise(rows, np.zeros(64, dtype=int), sigma, [0.002], np.ones(64))
    factor = np.diag(found) / np.diag(plain)
    assert factor[0] > 1.0 + 3.0 * (factor[1] - 1.0)
    half = _of_estimated_noise(rows, np.zeros(64, dtype=int), sigma, [0.002], np.full(64, np.sqrt(0.5)))
    assert_allclose(np.diag(half) / np.diag(plain) / 2.0 - 1.0, 2.0 * (factor - 1.0))


def test_direction_without_information_is_open():
    """Far below threshold nothing depends on the channel."""
    records = exact(spectra(biases=(-9.9, -9.5))).records
    problem = prepare(records)
    far = TRUTH.replace(V_T=60.0)
    unknowns = Unknowns(
        physical_unknowns(FitPlan(model="3d", bounds={"V_T": (-5, 100)}), NAMES[:8]), far, problem.kinds
    )
    x = unknowns.encode(far.as_dict())
    state = FitState(problem, unknowns, Minimum(x, 0.0, True, "", 1, ()))
    found = covariance_of(state)
    assert len(found.open_directions) >= 4
    said = estimates(state, found, {})
    assert all(said[n].status == "undetermined" for n in ("i_c0", "V_m", "tau_d", "tau_k"))
    assert all(said[n].value is None and said[n].ci95 is None for n in ("i_c0", "V_m"))
    assert np.all(np.isfinite(found.matrix))


def test_the_normal_approximation_is_the_inverse_of_the_information():
    root = np.random.default_rng(3).standard_normal((9, 4)) * [1.0, 1e3, 1e-4, 10.0]
    normal = NormalApproximation.of(root)
    exact_inverse = np.linalg.inv(root.T @ root)
    assert_allclose(normal.covariance(), exact_inverse, rtol=1e-9)
    assert_allclose(normal.root() @ normal.root().T, exact_inverse, rtol=1e-9)
    assert normal.known.all()


def test_what_the_data_do_not_see_is_left_out_or_stiffened():
    """Two unknowns of which only the sum is seen."""
    normal = NormalApproximation.of(np.array([[2.0, 2.0], [0.0, 0.0]]))
    assert list(normal.known) == [True, False]
    assert_allclose(normal.covariance(), np.full((2, 2), 1 / 16))
    soft, stiff = (np.linalg.norm(normal.root(softest)) for softest in (1e-6, 1.0))
    assert stiff < 1.0 < 1e4 < soft


def test_a_threshold_is_weak_and_undetermined_in_units_of_its_width(state):
    """As a factor of any other parameter: by 0.2 and by 1."""
    said = []
    for errors in (0.1, 0.5, 1.5):
        j = state.unknowns.names.index("V_T")
        matrix = np.diag(np.full(8, 1e-8))
        matrix[j, j] = (errors * state.unknowns.parameters(state.x).V_m) ** 2
        said.append(estimates(state, replace(covariance_of(state), matrix=matrix), {})["V_T"].status)
    assert said == ["determined", "weak", "undetermined"]
