"""The sample has the covariance it was asked for; probabilities are right, of any bias and of one."""

import numpy as np
import pytest
from scipy.stats import norm

from memfit.analysis.stability.assess import assess
from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.hopf import find_hopf_points
from memfit.analysis.stability.sampling import draw, interval95, probability_of_oscillation, stability_at
from memfit.errors import InputError, ParameterError
from memfit.fitting.results.propagation import uncertainty_of
from memfit.model import Loop, Parameters, least_log_gain_margin, steady_current

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


SPIKING = Parameters(
    R_b=1.2e5, C_m=2.5e-7, i_c0=2.8e-5, V_T=0.65, V_m=0.062, tau_d=0.026, tau_k=0.048, R_s=60.0
)
FITTED = ("R_b", "C_m", "i_c0", "V_T", "V_m", "tau_d", "tau_k")
LOG_FITTED = ("R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k")
KNOWN = uncertainty_of(SPIKING, np.diag([0.01, 0.02, 0.01, 0.002, 0.01, 0.03, 0.02]) ** 2, FITTED, LOG_FITTED)


@pytest.mark.parametrize("place", [0, 1])
def test_at_a_hopf_point_it_is_as_likely_as_not(place):
    """The bias is the same for all devices of the sample, their junction voltages are not."""
    point = find_hopf_points(SPIKING, Circuit())[place]
    for bias, quantity in ((point.V, "voltage"), (point.I, "current")):
        found = stability_at(SPIKING, Circuit(), bias, quantity, uncertainty=KNOWN)
        assert found.u == pytest.approx(point.u, abs=1e-9)
        assert found.gain_margin == pytest.approx(1.0, abs=1e-6)
        assert found.phase_margin == pytest.approx(0.0, abs=1e-3)
        assert found.frequency_Hz == pytest.approx(point.frequency_Hz, rel=1e-6)
        assert found.probability_unstable == pytest.approx(0.5, abs=0.06)
        assert found.gain_margin_ci95[0] < 1.0 < found.gain_margin_ci95[1]


def test_inside_and_outside_the_window():
    low, high = find_hopf_points(SPIKING, Circuit())
    inside = stability_at(SPIKING, Circuit(), 0.5 * (low.V + high.V), uncertainty=KNOWN)
    assert (inside.kind, inside.probability_unstable) == ("unstable focus", 1.0)
    outside = stability_at(SPIKING, Circuit(), low.V - 0.1, uncertainty=KNOWN)
    assert (outside.kind, outside.probability_unstable) == ("stable focus", 0.0)
    assert stability_at(SPIKING, Circuit(), low.V).probability_unstable is None
    assert pytest.approx(float(steady_current(SPIKING, outside.u))) == outside.I
    assert pytest.approx(low.V - 0.1, rel=1e-12) == outside.V


def test_draws_of_the_same_spread_say_the_same():
    """A chain replaces the covariance: for a small normal spread both agree."""
    rng = np.random.default_rng(5)
    sigma = dict(zip(FITTED, np.sqrt(np.diag(KNOWN.covariance)), strict=True))
    draws = {
        name: getattr(SPIKING, name) * np.exp(sigma[name] * rng.standard_normal(20_000))
        if name in LOG_FITTED
        else SPIKING.V_T + sigma[name] * rng.standard_normal(20_000)
        for name in FITTED
    }
    point = find_hopf_points(SPIKING, Circuit())[0]
    chain = stability_at(SPIKING, Circuit(), point.V, draws=draws)
    normal = stability_at(SPIKING, Circuit(), point.V, uncertainty=KNOWN)
    assert chain.probability_unstable == pytest.approx(normal.probability_unstable, abs=0.03)
    assert chain.gain_margin_ci95 == pytest.approx(normal.gain_margin_ci95, rel=0.01)
    quiet = SPIKING.replace(i_c0=SPIKING.i_c0 * 0.6)
    drawn = {**draws, "i_c0": 0.6 * draws["i_c0"], "lnprob": np.zeros(20_000)}
    whole = assess(quiet, Circuit(), draws=drawn)
    reference = assess(quiet, Circuit(), KNOWN.covariance, FITTED, LOG_FITTED)
    assert whole.probability_oscillates == pytest.approx(reference.probability_oscillates, abs=0.03)
    assert whole.gain_margin_ci95 == pytest.approx(reference.gain_margin_ci95, rel=0.01)
    assert whole.nearest_boundary.standard_errors.distance == pytest.approx(
        reference.nearest_boundary.standard_errors.distance, rel=0.05
    )


@pytest.mark.parametrize(
    "draws",
    [{}, {"lnprob": np.ones(500)}, {"R_b": np.ones(50)}, {"R_b": np.ones(500), "C_m": np.ones(400)},
     {"R_b": np.full(500, -1.0)}, {"i_c0": np.full(500, np.nan)}, {"R_b": np.ones((500, 2))}],
)  # fmt: skip
def test_draws_that_cannot_be_used(draws):
    with pytest.raises(ParameterError, match="Expected"):
        assess(SPIKING, Circuit(), draws=draws)


def test_absurd_biases_and_pinned_voltages():
    with pytest.raises(ParameterError, match="at most 1000 V"):
        stability_at(SPIKING, Circuit(), 1e9)
    with pytest.raises(InputError, match="holds the junction"):
        stability_at(SPIKING.replace(R_s=0.0), Circuit(control="voltage"), 0.6)
    far = stability_at(SPIKING, Circuit(), 200.0, uncertainty=KNOWN)
    assert (far.gain_margin, far.kind, far.probability_unstable) == (None, "stable node", None)
    flat = stability_at(SPIKING.replace(tau_k=0.0), Circuit(), 0.66, uncertainty=KNOWN)
    assert (flat.gain_margin, flat.probability_unstable) == (None, None)
    assert len(flat.eigenvalues) == 2
