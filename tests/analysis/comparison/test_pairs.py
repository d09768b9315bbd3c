"""Differences of pairs with Holm's correction, and correlations between devices free of errors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from memfit.analysis.comparison.pairs import SETTINGS, compare_pairs, correlate, holm


def test_holm_by_hand():
    """Four tests: 0.01 x 4, 0.02 x 3, 0.03 x 2, 0.04 x 1, and none below the one before it."""
    assert_allclose(holm([0.04, 0.01, 0.03, 0.02]), [0.06, 0.04, 0.06, 0.06])
    assert_allclose(holm([0.5, 0.9]), [1.0, 1.0])


def test_holm_beside_statsmodels():
    multiple = pytest.importorskip("statsmodels.stats.multitest").multipletests
    p = np.random.default_rng(2).uniform(size=50) ** 3
    assert_allclose(holm(p), multiple(p, method="holm")[1], rtol=1e-12)


def test_holm_leaves_out_what_was_not_tested():
    p = holm([[0.01, np.nan], [0.04, np.nan]])
    assert_allclose(p[:, 0], [0.02, 0.04])
    assert np.isnan(p[:, 1]).all()
    assert holm([]).size == 0


def test_a_difference_and_its_joint_test_by_hand():
    x = np.array([[1.0, 2.0], [1.3, 2.1]])
    S = np.array([[[0.02, 0.01], [0.01, 0.03]], [[0.04, -0.01], [-0.01, 0.02]]])
    pairs = compare_pairs(("a", "b"), x, S)
    assert_allclose(pairs.difference, [[-0.3, -0.1]])
    assert_allclose(pairs.stderr, [[np.sqrt(0.06), np.sqrt(0.05)]])
    d = np.array([-0.3, -0.1])
    assert pairs.joint[0] == pytest.approx(d @ np.linalg.solve(S.sum(axis=0), d))
    assert pairs.joint_dof[0] == 2


def test_covariance_decides_where_single_parameters_do_not():
    """Two parameters whose errors go together: a difference along them is nothing, across them it is much."""
    S = np.array([[[1.0, 0.99], [0.99, 1.0]]] * 2) / 2.0
    along = compare_pairs(("a", "b"), np.array([[0.0, 0.0], [1.5, 1.5]]), S)
    across = compare_pairs(("a", "b"), np.array([[0.0, 0.0], [1.5, -1.5]]), S)
    assert_allclose(along.p_value, across.p_value)
    assert along.joint_p_value[0] > 0.1
    assert across.joint_p_value[0] < 1e-6
    assert not across.differ.any()


def test_a_missing_parameter_costs_only_itself():
    x = np.array([[1.0, np.nan], [2.0, 5.0], [1.0, 5.5]])
    S = np.tile(0.01 * np.eye(2), (3, 1, 1))
    S[0, 1, :] = S[0, :, 1] = np.nan
    pairs = compare_pairs(("a", "b"), x, S)
    assert pairs.joint_dof.tolist() == [1, 1, 2]
    assert np.isnan(pairs.p_value[:2, 1]).all()
    assert pairs.differ[:, 0].tolist() == [True, False, True]
    assert pairs.joint[0] == pytest.approx(1.0 / 0.02)


def test_too_many_pairs_are_not_examined():
    count = int(np.sqrt(2 * SETTINGS.most_pairs)) + 2
    assert compare_pairs(("a",), np.zeros((count, 1)), np.ones((count, 1, 1))) is None


def devices(count, between, within, noise, seed):
    """Values of two parameters, correlated by `between` over devices and by `within` in their errors."""
    rng = np.random.default_rng(seed)
    T = np.array([[1.0, between], [between, 1.0]])
    S = noise**2 * np.array([[1.0, within], [within, 1.0]])
    x = rng.multivariate_normal([0, 0], T, count) + rng.multivariate_normal([0, 0], S, count)
    return x, np.tile(S, (count, 1, 1))


@pytest.mark.parametrize(("between", "within"), [(0.0, -0.9), (0.7, -0.9), (-0.6, 0.8)])
def test_the_correlation_of_the_errors_is_taken_out(between, within):
    x, S = devices(400, between, within, 0.9, 5)
    (found,) = correlate(("a", "b"), x, S)
    assert found.within == pytest.approx(within)
    assert found.between == pytest.approx(between, abs=0.1)
    assert abs(found.observed - between) > 0.3
    assert found.ci95[0] < between < found.ci95[1]


def test_intervals_hold_the_truth():
    held = 0
    for seed in range(40):
        (found,) = correlate(("a", "b"), *devices(25, 0.5, -0.8, 0.4, seed))
        held += found.ci95[0] < 0.5 < found.ci95[1]
    assert held >= 34


def test_a_correlation_at_its_end_has_an_interval_on_one_side():
    (found,) = correlate(("a", "b"), *devices(25, 0.5, -0.8, 0.4, 16))
    assert found.between == 1.0
    assert found.ci95[1] == 1.0
    assert -1.0 < found.ci95[0] < 1.0
    assert found.p_value < 0.01


def test_without_errors_it_is_fishers_z():
    x, S = devices(12, 0.6, 0.0, 1e-6, 1)
    (found,) = correlate(("a", "b"), x, S)
    r = np.corrcoef(x.T)[0, 1]
    assert found.between == pytest.approx(r, abs=1e-5)
    half = 2.2281388520 / np.sqrt(12 - 3)  # Student's t with 10 degrees of freedom in the place of 1.96
    assert_allclose(np.arctanh(found.ci95), [np.arctanh(r) - half, np.arctanh(r) + half], rtol=1e-3)


def test_no_correlation_where_nothing_spreads():
    rng = np.random.default_rng(1)
    S = np.tile(np.eye(2), (10, 1, 1))
    (found,) = correlate(("a", "b"), 0.3 * rng.normal(size=(10, 2)), S)
    assert found.between is None
    assert "do not spread" in found.reason


def test_too_few_devices():
    (found,) = correlate(
        ("a", "b"), np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]), np.tile(np.eye(2), (3, 1, 1))
    )
    assert found.between is None
    assert "at least 4 devices" in found.reason
    assert correlate(("a", "b"), np.zeros((2, 2)), np.tile(np.eye(2), (2, 1, 1))) == ()
