"""The sample has the covariance it was asked for; probabilities are right where the margin is linear."""

import numpy as np
import pytest
from scipy.stats import norm

from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.sampling import (
    draw,
    interval95,
    probability_of_oscillation,
    uncertainty_of,
)
from memfit.errors import ParameterError
from memfit.model.hopf_boundary import Loop, least_log_gain_margin
from memfit.model.parameters import Parameters

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
NAMES = ("R_b", "C_m", "V_T", "gain of the scope", "tau_d")
LOG = ("R_b", "C_m", "tau_d")


def covariance():
    """A covariance with correlations."""
    root = np.random.default_rng(3).normal(0.0, 0.02, (5, 5))
    return root @ root.T


def test_the_sample_has_the_mean_and_the_covariance():
    uncertainty = uncertainty_of(DEVICE, covariance(), NAMES, LOG)
    sample = draw(DEVICE, Circuit(), uncertainty, seed=1)
    logs = np.stack(
        [
            np.log(sample.values["R_b"] / DEVICE.R_b),
            np.log(sample.values["C_m"] / DEVICE.C_m),
            sample.values["V_T"] - DEVICE.V_T,
            np.log(sample.values["tau_d"] / DEVICE.tau_d),
        ]
    )
    kept = np.ix_([0, 1, 2, 4], [0, 1, 2, 4])
    np.testing.assert_allclose(logs.mean(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(logs @ logs.T / logs.shape[1], covariance()[kept], rtol=1e-9)
    assert np.ptp(sample.values["V_m"]) == 0.0


def test_the_same_seed_draws_the_same():
    uncertainty = uncertainty_of(DEVICE, covariance(), NAMES, LOG)
    first, second, third = (draw(DEVICE, Circuit(), uncertainty, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.values["R_b"], second.values["R_b"])
    assert np.any(first.values["R_b"] != third.values["R_b"])


def test_a_covariance_of_values_becomes_one_of_logarithms():
    of_values = uncertainty_of(DEVICE, [[1e8]], ["R_b"], [])
    assert of_values.covariance[0, 0] == pytest.approx(0.01)
    assert of_values.additive == frozenset()
    assert uncertainty_of(DEVICE, [[4.0]], ["R_s"], []).additive == {"R_s"}
    assert uncertainty_of(DEVICE, [[4.0]], ["R_s"], ["R_s"]).additive == frozenset()


def test_a_series_resistance_never_becomes_negative():
    circuit = Circuit(control="voltage")
    uncertainty = uncertainty_of(DEVICE, [[1e4]], ["R_s"], [])
    sample = draw(DEVICE, circuit, uncertainty, seed=0)
    assert sample.values["R_s"].min() == 0.0
    assert np.all(np.isfinite(least_log_gain_margin(sample.loop)))


@pytest.mark.parametrize("distance", [-9.0, -1.0, 0.3, 1.5, 9.0])
def test_probability_where_the_margin_is_linear(distance):
    # The margin is exactly 1/i_c0: the distribution of its logarithm is normal.
    sigma = 0.05
    margin = float(least_log_gain_margin(Loop.of(DEVICE)))
    p = DEVICE.replace(i_c0=DEVICE.i_c0 * np.exp(margin - distance * sigma))
    uncertainty = uncertainty_of(p, [[sigma**2]], ["i_c0"], ["i_c0"])
    sample = draw(p, Circuit(), uncertainty, seed=5)
    found = probability_of_oscillation(p, Circuit(), uncertainty, sample)
    assert found == pytest.approx(norm.cdf(-distance), abs=0.01)
    low, high = interval95(least_log_gain_margin(sample.loop))
    assert low == pytest.approx((distance - 1.96) * sigma, abs=0.1 * sigma)
    assert high == pytest.approx((distance + 1.96) * sigma, abs=0.1 * sigma)


def test_without_spread_the_probability_is_certain():
    uncertainty = uncertainty_of(DEVICE, [[0.01]], ["V_T"], [])
    sample = draw(DEVICE, Circuit(), uncertainty, seed=0)
    assert probability_of_oscillation(DEVICE, Circuit(), uncertainty, sample) == 1.0


@pytest.mark.parametrize("matrix", [np.eye(2), [[np.nan]], [1.0]])
def test_a_covariance_that_does_not_fit_is_named(matrix):
    with pytest.raises(ParameterError, match="finite 1 x 1 covariance for the fitted quantities R_b"):
        uncertainty_of(DEVICE, matrix, ["R_b"], [])
