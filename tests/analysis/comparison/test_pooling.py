"""Pooling, meta-regression and outliers against published values and in their limits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import t

from memfit.analysis.comparison.pooling import find_outliers, fit_mixed, has_full_rank, pool

# BCG vaccine against tuberculosis, Colditz et al., JAMA 1994, 271, 698: the data set dat.bcg of metafor.
CASES = np.array([4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27])
OTHERS = np.array([119, 300, 228, 13536, 5036, 1361, 2537, 87886, 7470, 1699, 50448, 2493, 16886])
CONTROL_CASES = np.array([11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29])
CONTROL_OTHERS = np.array([128, 274, 209, 12619, 5761, 1079, 619, 87892, 7232, 1600, 27197, 2338, 17825])
LATITUDE = np.array([44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33])
YEAR = np.array([1948, 1949, 1960, 1977, 1973, 1953, 1973, 1980, 1968, 1961, 1974, 1969, 1976])


@pytest.fixture
def vaccine():
    """Log relative risks and their variances."""
    n, m = CASES + OTHERS, CONTROL_CASES + CONTROL_OTHERS
    return np.log(CASES / n / (CONTROL_CASES / m)), 1 / CASES - 1 / n + 1 / CONTROL_CASES - 1 / m


def test_random_effects_as_published(vaccine):
    """Viechtbauer, J. Stat. Softw. 2010, 36(3), section 3: rma(yi, vi) and confint() for dat.bcg, by REML."""
    found = pool(*vaccine)
    assert found.tau**2 == pytest.approx(0.3132, abs=5e-5)
    assert found.mean == pytest.approx(-0.7145, abs=5e-5)
    assert found.stderr == pytest.approx(0.1798, abs=5e-5)
    assert pytest.approx(152.233, abs=5e-4) == found.Q
    assert found.dof == 12
    assert pytest.approx(92.22, abs=5e-3) == 100 * found.I2
    assert_allclose(np.square(found.tau_ci95), [0.1197, 1.1115], atol=5e-5)


def test_meta_regression_as_published(vaccine):
    """The same paper: rma(yi, vi, mods = cbind(ablat, year)); its search for tau^2 ends at 1e-5."""
    y, v = vaccine
    found = fit_mixed(y, v, np.column_stack([np.ones(13), LATITUDE, YEAR]))
    assert_allclose(found.coefficients, [-3.5455, -0.0280, 0.0019], atol=2e-4)
    assert_allclose(found.stderr, [29.0959, 0.0102, 0.0147], rtol=2e-5, atol=5e-5)
    assert found.tau2 == pytest.approx(0.1108, abs=5e-5)
    assert pytest.approx(28.3251, abs=5e-5) == found.Q
    assert pytest.approx(71.98, abs=5e-3) == 100 * found.I2
    assert 100 * (1 - found.tau2 / pool(y, v).tau ** 2) == pytest.approx(64.63, abs=5e-3)


def test_weighted_regression_beside_statsmodels(vaccine):
    """With tau^2 known the coefficients are those of weighted least squares."""
    wls = pytest.importorskip("statsmodels.regression.linear_model").WLS
    y, v = vaccine
    X = np.column_stack([np.ones(13), LATITUDE])
    found = fit_mixed(y, v, X)
    other = wls(y, X, weights=1 / (v + found.tau2)).fit()
    assert_allclose(found.coefficients, other.params, rtol=1e-8)
    assert_allclose(found.stderr, other.bse / np.sqrt(other.scale), rtol=1e-8)
    # the ratio of Knapp and Hartung is the scale of the weighted regression
    assert found.inflation == pytest.approx(max(1.0, other.scale), rel=1e-8)


def test_without_errors_it_is_the_plain_mean_and_deviation():
    y = np.array([1.0, 2.0, 4.0, 4.5, 7.0])
    found = pool(y, np.full(5, 1e-12))
    assert found.mean == pytest.approx(y.mean())
    assert found.tau == pytest.approx(y.std(ddof=1), rel=1e-6)
    assert found.stderr == pytest.approx(y.std(ddof=1) / np.sqrt(5), rel=1e-6)
    half = 2.7764451052 * y.std(ddof=1) / np.sqrt(5)  # Student's t, 4 degrees of freedom
    assert found.mean_ci95[1] - found.mean == pytest.approx(half, rel=1e-6)


def test_without_spread_it_is_the_weighted_mean():
    y, v = np.array([1.00, 1.01, 0.99, 1.002]), np.array([0.01, 0.02, 0.04, 0.01])
    found = pool(y, v)
    assert found.tau == 0.0
    assert found.I2 == 0.0
    assert found.mean == pytest.approx(np.average(y, weights=1 / v))
    assert found.stderr == pytest.approx(1 / np.sqrt(np.sum(1 / v)))
    assert found.p_heterogeneity > 0.99


def test_equal_values_are_no_trouble():
    found = pool(np.full(3, 2.0), np.array([0.1, 0.2, 0.3]))
    assert (found.mean, found.tau) == (pytest.approx(2.0), 0.0)


@pytest.mark.parametrize("seed", range(5))
def test_order_shift_and_scale(seed):
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.01, 1.0, 9)
    y = rng.normal(size=9)
    found, order = pool(y, v), rng.permutation(9)
    again = pool(y[order], v[order])
    assert_allclose([again.mean, again.tau, again.Q], [found.mean, found.tau, found.Q], rtol=1e-6, atol=1e-9)
    moved = pool(1e3 * y - 7e5, 1e6 * v)
    assert_allclose([moved.mean, moved.tau], [1e3 * found.mean - 7e5, 1e3 * found.tau], rtol=1e-6, atol=1e-5)
    assert pytest.approx(found.I2, abs=1e-6) == moved.I2


def test_a_known_spread_is_recovered():
    """Over seeds: the spread on average, and 95 % intervals that hold the truth about that often."""
    tau, held, mean_held, taus = 0.2, 0, 0, []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        v = rng.uniform(0.05, 0.2, 15) ** 2
        found = pool(1.0 + tau * rng.normal(size=15) + np.sqrt(v) * rng.normal(size=15), v)
        taus.append(found.tau**2)
        held += found.tau_ci95[0] <= tau <= found.tau_ci95[1]
        mean_held += found.mean_ci95[0] <= 1.0 <= found.mean_ci95[1]
    assert np.mean(taus) == pytest.approx(tau**2, rel=0.2)  # 120 seeds know it to 5 %
    assert 106 <= held <= 120  # 95 % of 120 is 114, within 3 standard deviations
    assert 106 <= mean_held <= 120


def test_rank():
    one = np.ones(4)
    assert has_full_rank(np.column_stack([one, [0.0, 1.0, 2.0, 3.0]]))
    assert not has_full_rank(np.column_stack([one, 2 * one]))


def test_outliers_that_would_hide_each_other():
    rng = np.random.default_rng(3)
    y = rng.normal(0.0, 0.1, 30)
    y[[4, 17, 20]] = [3.0, 3.2, -2.5]
    found = find_outliers(y, np.full(30, 1e-4))
    assert {one.device for one in found} == {4, 17, 20}
    assert all(one.p_value < 0.01 for one in found)
    assert {one.device: np.sign(one.deviation) for one in found} == {4: 1.0, 17: 1.0, 20: -1.0}


def test_a_wide_error_is_no_outlier():
    y, v = np.array([0.0, 0.1, -0.1, 0.05, -0.05, 5.0]), np.array([0.01, 0.01, 0.01, 0.01, 0.01, 9.0])
    assert find_outliers(y, v) == ()
    v[-1] = 0.01
    assert [one.device for one in find_outliers(y, v)] == [5]


def test_one_far_device_among_others_without_errors_is_the_exact_t_test():
    """Student's t of one against three: (x - mean)/(s sqrt(1 + 1/3)), 2 degrees of freedom, times 4."""
    others = np.array([1.0, 1.2, 1.4])
    (found,) = find_outliers(np.array([*others, 50.0]), np.full(4, 1e-12))
    score = (50.0 - others.mean()) / (others.std(ddof=1) * np.sqrt(4 / 3))
    assert found.score == pytest.approx(score, rel=1e-6)
    assert found.p_value == pytest.approx(4 * 2 * t.sf(score, 2), rel=1e-5)


def test_few_false_alarms():
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        v = rng.uniform(0.02, 0.2, 20) ** 2
        alarms += bool(find_outliers(0.1 * rng.normal(size=20) + np.sqrt(v) * rng.normal(size=20), v))
    assert alarms <= 5


def test_three_devices_have_no_outlier():
    assert find_outliers(np.array([0.0, 0.0, 100.0]), np.full(3, 1e-6)) == ()
