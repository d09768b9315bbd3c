"""One bias: the kind of the steady state, its margins, and the probability that it is unstable."""

import numpy as np
import pytest

from memfit.analysis.stability.assess import assess
from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.hopf import find_hopf_points, stability_at
from memfit.analysis.stability.sampling import uncertainty_of
from memfit.errors import InputError, ParameterError
from memfit.model.equations import steady_current
from memfit.model.parameters import Parameters

DEVICE = Parameters(
    R_b=1.2e5, C_m=2.5e-7, i_c0=2.8e-5, V_T=0.65, V_m=0.062, tau_d=0.026, tau_k=0.048, R_s=60.0
)
NAMES = ("R_b", "C_m", "i_c0", "V_T", "V_m", "tau_d", "tau_k")
LOG = ("R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k")
KNOWN = uncertainty_of(DEVICE, np.diag([0.01, 0.02, 0.01, 0.002, 0.01, 0.03, 0.02]) ** 2, NAMES, LOG)


@pytest.mark.parametrize("place", [0, 1])
def test_at_a_hopf_point_it_is_as_likely_as_not(place):
    """The bias is the same for all devices of the sample, their junction voltages are not."""
    point = find_hopf_points(DEVICE, Circuit())[place]
    for bias, quantity in ((point.V, "voltage"), (point.I, "current")):
        found = stability_at(DEVICE, Circuit(), bias, quantity, uncertainty=KNOWN)
        assert found.u == pytest.approx(point.u, abs=1e-9)
        assert found.gain_margin == pytest.approx(1.0, abs=1e-6)
        assert found.phase_margin == pytest.approx(0.0, abs=1e-3)
        assert found.frequency_Hz == pytest.approx(point.frequency_Hz, rel=1e-6)
        assert found.probability_unstable == pytest.approx(0.5, abs=0.06)
        assert found.gain_margin_ci95[0] < 1.0 < found.gain_margin_ci95[1]


def test_inside_and_outside_the_window():
    low, high = find_hopf_points(DEVICE, Circuit())
    inside = stability_at(DEVICE, Circuit(), 0.5 * (low.V + high.V), uncertainty=KNOWN)
    assert (inside.kind, inside.probability_unstable) == ("unstable focus", 1.0)
    outside = stability_at(DEVICE, Circuit(), low.V - 0.1, uncertainty=KNOWN)
    assert (outside.kind, outside.probability_unstable) == ("stable focus", 0.0)
    assert stability_at(DEVICE, Circuit(), low.V).probability_unstable is None
    assert pytest.approx(float(steady_current(DEVICE, outside.u))) == outside.I
    assert pytest.approx(low.V - 0.1, rel=1e-12) == outside.V


def test_draws_of_the_same_spread_say_the_same():
    """A chain replaces the covariance: for a small normal spread both agree."""
    rng = np.random.default_rng(5)
    sigma = dict(zip(NAMES, np.sqrt(np.diag(KNOWN.covariance)), strict=True))
    draws = {
        name: getattr(DEVICE, name) * np.exp(sigma[name] * rng.standard_normal(20_000))
        if name in LOG
        else DEVICE.V_T + sigma[name] * rng.standard_normal(20_000)
        for name in NAMES
    }
    point = find_hopf_points(DEVICE, Circuit())[0]
    chain = stability_at(DEVICE, Circuit(), point.V, draws=draws)
    normal = stability_at(DEVICE, Circuit(), point.V, uncertainty=KNOWN)
    assert chain.probability_unstable == pytest.approx(normal.probability_unstable, abs=0.03)
    assert chain.gain_margin_ci95 == pytest.approx(normal.gain_margin_ci95, rel=0.01)
    quiet = DEVICE.replace(i_c0=DEVICE.i_c0 * 0.6)
    drawn = {**draws, "i_c0": 0.6 * draws["i_c0"], "lnprob": np.zeros(20_000)}
    whole = assess(quiet, Circuit(), draws=drawn)
    reference = assess(quiet, Circuit(), KNOWN.covariance, NAMES, LOG)
    assert whole.probability_oscillates == pytest.approx(reference.probability_oscillates, abs=0.03)
    assert whole.gain_margin_ci95 == pytest.approx(reference.gain_margin_ci95, rel=0.01)
    assert whole.nearest_in_errors.distance == pytest.approx(reference.nearest_in_errors.distance, rel=0.05)


@pytest.mark.parametrize(
    "draws",
    [{}, {"lnprob": np.ones(500)}, {"R_b": np.ones(50)}, {"R_b": np.ones(500), "C_m": np.ones(400)},
     {"R_b": np.full(500, -1.0)}, {"i_c0": np.full(500, np.nan)}, {"R_b": np.ones((500, 2))}],
)  # fmt: skip
def test_draws_that_cannot_be_used(draws):
    with pytest.raises(ParameterError, match="Expected"):
        assess(DEVICE, Circuit(), draws=draws)


def test_absurd_biases_and_pinned_voltages():
    with pytest.raises(ParameterError, match="at most 1000 V"):
        stability_at(DEVICE, Circuit(), 1e9)
    with pytest.raises(InputError, match="holds the junction"):
        stability_at(DEVICE.replace(R_s=0.0), Circuit(control="voltage"), 0.6)
    far = stability_at(DEVICE, Circuit(), 200.0, uncertainty=KNOWN)
    assert (far.gain_margin, far.kind, far.probability_unstable) == (None, "stable node", None)
    flat = stability_at(DEVICE.replace(tau_k=0.0), Circuit(), 0.66, uncertainty=KNOWN)
    assert (flat.gain_margin, flat.probability_unstable) == (None, None)
    assert len(flat.eigenvalues) == 2
