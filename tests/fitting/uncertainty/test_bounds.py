"""Normal distributions that bounds cut off: moments, drawn devices, and what tells nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import truncnorm

from memfit.fitting.minimum.unknowns import Unknown, term_unknown
from memfit.fitting.plan import Term
from memfit.fitting.uncertainty.bounds import bound_information, standard_moments

R_S = Unknown("R_s", False, 0.0, 1e9)
V_T = Unknown("V_T", False, -10.0, 10.0)


@given(a=st.floats(-8.0, 25.0), width=st.floats(0.02, 50.0))
@settings(deadline=None)
def test_moments_of_a_cut_normal(a, width):
    a = max(a, -0.5 * width)
    expected = truncnorm(a, a + width)
    mean, variance = standard_moments(a, width)
    assert_allclose(mean, expected.mean(), rtol=1e-4, atol=1e-8)
    assert_allclose(variance, expected.var(), rtol=1e-3)


@pytest.mark.parametrize("width", [0.01, 0.1, 1.0, np.inf])
def test_far_tail_goes_on_smoothly(width):
    near, far = (standard_moments(a, width) for a in (49.99, 50.01))
    assert_allclose(near, far, rtol=5e-3)
    assert near[1] > 0


def _spread(root, told):
    return np.sqrt(np.diag(np.linalg.inv(root.T @ root + np.diag(told.precision))))


def test_sum_of_two_bounded_unknowns_against_drawing():
    """A jump shows R_s less the time of the edge; neither can be negative, so that both are known."""
    unknowns = [R_S, term_unknown(Term("edge", 0, 0), 5.0), V_T]
    root = np.array([[100.0, -100.0, 0.0], [60.0, 0.0, 20.0], [0.0, 40.0, 20.0], [0.0, 0.0, 2.0]])
    x, r = np.array([0.0, -1e-4, 0.0]), np.array([0.3, 0.0, 0.0, 0.0])
    told = bound_information(root, r, unknowns, x)

    information = root.T @ root
    pull = np.array([-(root.T @ r)[0], 0.0, 0.0])  # at its bound only R_s is held
    rng = np.random.default_rng(1)
    half = np.linalg.cholesky(np.linalg.inv(information))
    drawn = np.linalg.solve(information, pull) + rng.standard_normal((4_000_000, 3)) @ half.T
    inside = drawn[(drawn[:, 0] >= 0) & (x[1] + drawn[:, 1] <= 0) & (x[1] + drawn[:, 1] >= -5)]
    assert len(inside) > 5_000
    assert_allclose(_spread(root, told), inside.std(axis=0), rtol=0.06)
    assert_allclose(told.shift, inside.mean(axis=0), rtol=0.06, atol=1e-3)
    linear = np.sqrt(np.diag(np.linalg.inv(information)))
    assert linear[0] > 10 * inside.std(axis=0)[0]


def test_an_edge_that_the_data_do_not_see_is_uniform_between_its_samples():
    told = bound_information(
        np.array([[1e-6, 0.0], [0.0, 1.0]]),
        np.zeros(2),
        [term_unknown(Term("edge", 0, 0), 2.0), V_T],
        np.array([-0.7, 0.0]),
    )
    assert_allclose(told.precision[0], 12.0 / 2.0**2, rtol=1e-3)
    assert_allclose(told.shift[0], -0.3, rtol=1e-3)  # to the middle of the sample


def test_bounds_far_away_and_those_of_the_search_tell_nothing():
    root, r = np.diag([10.0, 10.0, 1e-9]), np.zeros(3)
    unknowns = [R_S, term_unknown(Term("edge", 0, 0), 5.0), V_T]
    told = bound_information(root, r, unknowns, np.array([20.0, -2.5, 10.0]))
    assert_allclose(told.precision, 0.0)
    assert_allclose(told.shift, 0.0)


def test_a_bound_that_holds_against_a_far_better_place():
    told = bound_information(
        np.eye(1), np.array([-1e6]), [term_unknown(Term("edge", 0, 0), 1e-9)], np.array([0.0])
    )
    assert_allclose(told.precision, 12.0 / 1e-9**2, rtol=1e-3)


@given(power=st.integers(0, 150), sign=st.sampled_from([-1.0, 1.0]))
@settings(deadline=None)
def test_far_from_any_minimum_it_stays_a_number(power, sign):
    root = np.array([[1.0, 0.3, 0.1], [0.0, 1.0, 0.2], [0.0, 0.0, 1e-3]])
    unknowns = [R_S, term_unknown(Term("edge", 0, 0), 5.0), V_T]
    pull = np.array([1.0, sign, 0.0]) * 10.0**power
    told = bound_information(root, pull, unknowns, np.array([0.0, 0.0, 0.0]))
    assert np.all(np.isfinite(told.precision))
    assert np.all(np.isfinite(told.shift))


def test_directions_that_nothing_limits_do_no_harm():
    root = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    unknowns = [R_S, term_unknown(Term("edge", 0, 0), 5.0), V_T]
    told = bound_information(root, np.zeros(2), unknowns, np.array([0.0, -1.0, 0.0]))
    assert np.all(np.isfinite(told.precision))
    assert np.all(np.isfinite(told.shift))
    assert_allclose(told.precision[1:], 0.0)
