"""Intervals of what follows from the parameters: against what is exact for products of powers."""

from dataclasses import replace

import devices
import numpy as np
import pytest

from memfit.analysis.intervals import bootstrap
from memfit.confidence import Z
from memfit.fitting.results.propagation import (
    SETTINGS,
    Knowledge,
    Uncertainty,
    draw_values,
    knowledge_of,
    propagate,
)

P = devices.TRUTH


@pytest.fixture(scope="module")
def fitted(joint):
    return joint.result


def known(sigma: float) -> Knowledge:
    """A device of which two parameters are known so far, with a correlation."""
    covariance = sigma**2 * np.array([[1.0, 0.6], [0.6, 1.0]])
    uncertainty = Uncertainty(names=("R_b", "C_m"), covariance=covariance, additive=frozenset())
    return Knowledge(best=P, uncertainty=uncertainty, source="linear")


def charging_time(p):
    return np.array([p.R_b * p.C_m])


def test_a_product_of_powers_is_exact():
    found = propagate(known(0.1), charging_time, logarithmic=np.array([True]))
    size = 0.1 * np.sqrt(2.0 + 1.2)
    value = P.R_b * P.C_m
    assert found.stderr[0] == pytest.approx(value * size)
    assert (found.low[0], found.high[0]) == pytest.approx(
        (value * np.exp(-Z * size), value * np.exp(Z * size))
    )
    assert found.methods == ("linear",)


def test_what_bends_is_read_from_a_sample():
    found = propagate(known(0.5), charging_time)  # taken as normal, which it is not
    assert found.methods == ("sample of the covariance",)
    truth = P.R_b * P.C_m * np.exp(np.array([-Z, Z]) * 0.5 * np.sqrt(3.2))
    assert found.low[0] == pytest.approx(truth[0], rel=0.25)
    assert found.high[0] == pytest.approx(truth[1], rel=0.25)


def test_a_sample_has_the_covariance_exactly():
    drawn = draw_values(P, known(0.1).uncertainty, seed=1, size=50)
    steps = np.log([drawn["R_b"] / P.R_b, drawn["C_m"] / P.C_m])
    np.testing.assert_allclose(steps @ steps.T / 50, [[0.01, 0.006], [0.006, 0.01]], rtol=1e-9)


def test_what_too_many_devices_do_not_have_has_no_interval():
    def sometimes(p):
        return np.array([1.0 if P.R_b * 0.95 < p.R_b < P.R_b * 1.05 else np.nan])

    found = propagate(known(0.5), sometimes)
    assert found.value[0] == 1.0
    assert np.isnan(found.low[0])
    assert np.isnan(found.high[0])


def test_nothing_known_of_the_errors():
    found = propagate(knowledge_of(P), charging_time)
    assert found.methods == ("none",)
    assert found.value[0] == P.R_b * P.C_m
    assert np.isnan(found.stderr[0])


def test_a_fit_is_taken_as_it_is(fitted):
    found = knowledge_of(fitted)
    assert found.source == "linear"
    assert not found.conditional
    assert found.open == ()
    alone = propagate(found, lambda p: np.array([p.tau_d]), logarithmic=np.array([True]))
    assert alone.stderr[0] == pytest.approx(fitted.parameters["tau_d"].stderr, rel=1e-6)
    poor = replace(fitted, status=replace(fitted.status, code="poor_fit"))
    assert knowledge_of(poor).conditional


def test_open_parameters_are_named(fitted):
    without = {**fitted.parameters, "tau_d": replace(fitted.parameters["tau_d"], value=None)}
    found = knowledge_of(replace(fitted, parameters=without))
    assert found.open == ("tau_d",)
    assert found.best.tau_d == fitted.fitted_values["tau_d"]


def test_a_bootstrap_replaces_the_covariance(fitted):
    drawn = bootstrap(fitted, devices.device(), 40)
    found = knowledge_of(drawn)
    assert found.source == "bootstrap"
    assert len(found.draws) == min(40, SETTINGS.sample)
    spread = propagate(found, lambda p: np.array([p.R_b]))
    assert spread.stderr[0] == pytest.approx(fitted.parameters["R_b"].stderr, rel=0.5)
