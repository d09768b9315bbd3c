"""The nearest boundary lies on the boundary, is perpendicular to the way there, and nothing is nearer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.distance import (
    CHANGEABLE,
    changes_to_hopf,
    nearest_in_decades,
    nearest_in_errors,
)
from memfit.analysis.stability.sampling import uncertainty_of
from memfit.model.hopf_boundary import (
    Loop,
    least_log_gain_margin,
    least_log_gain_margin_derivatives,
)
from memfit.model.parameters import NAMES, Parameters

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
decades = st.tuples(
    st.floats(3.0, 6.0),
    st.floats(-8.0, -5.0),
    st.floats(-5.0, -2.0),
    st.floats(-5.0, 1.0),
    st.floats(-5.0, 1.0),
)


def device(exponents):
    """A device from powers of ten."""
    R_b, C_m, i_c0, tau_d, tau_k = 10.0 ** np.array(exponents)
    return DEVICE.replace(R_b=R_b, C_m=C_m, i_c0=i_c0, tau_d=tau_d, tau_k=tau_k)


def moved(p, factors):
    """A device with its parameters multiplied."""
    return p.replace(**{name: getattr(p, name) * factor for name, factor in factors.items()})


def log_margin(p, circuit):
    """Smallest log gain margin of a device in a circuit."""
    return float(least_log_gain_margin(Loop.of(circuit.effective(p))))


@settings(deadline=None, max_examples=20)
@given(decades, st.sampled_from([Circuit(), Circuit(control="voltage", load=1e4)]))
def test_the_way_is_perpendicular_and_shortest(exponents, circuit):
    p = device(exponents)
    found = nearest_in_decades(p, circuit)
    assert found is not None
    there = moved(p, found.factors)
    assert log_margin(there, circuit) == pytest.approx(0.0, abs=1e-6)
    way = np.log10(list(found.factors.values()))
    assert np.linalg.norm(way) == pytest.approx(found.distance, rel=1e-9)
    slopes = least_log_gain_margin_derivatives(there, circuit.resistance(there))
    normal = np.array([slopes[NAMES.index(name)] * getattr(there, name) for name in CHANGEABLE])
    if found.distance > 1e-3:
        cosine = way @ normal / np.linalg.norm(way) / np.linalg.norm(normal)
        assert abs(cosine) == pytest.approx(1.0, abs=1e-6)
    changes = changes_to_hopf(p, circuit)
    for factor in (changes[name] for name in CHANGEABLE):
        assert factor is None or found.distance <= abs(np.log10(factor)) * (1.0 + 1e-9)
    for direction in np.random.default_rng(0).standard_normal((60, len(CHANGEABLE))):
        nearer = 0.99 * found.distance * direction / np.linalg.norm(direction)
        factors = dict(zip(CHANGEABLE, 10.0**nearer, strict=True))
        assert log_margin(moved(p, factors), circuit) * log_margin(p, circuit) > 0.0


def test_in_errors_a_single_parameter_gives_its_own_factor():
    sigma = 0.1
    uncertainty = uncertainty_of(DEVICE, [[sigma**2]], ["i_c0"], ["i_c0"])
    found = nearest_in_errors(DEVICE, Circuit(), uncertainty)
    factor = changes_to_hopf(DEVICE, Circuit())["i_c0"]
    assert found.factors["i_c0"] == pytest.approx(factor, rel=1e-9)
    assert found.distance == pytest.approx(abs(np.log(factor)) / sigma, rel=1e-9)
    assert found.factors["R_b"] == 1.0


def test_correlated_errors_keep_the_way_within_what_the_data_allow():
    covariance = np.array([[0.04, -0.0399], [-0.0399, 0.04]])
    uncertainty = uncertainty_of(DEVICE, covariance, ["tau_d", "tau_k"], ["tau_d", "tau_k"])
    found = nearest_in_errors(DEVICE, Circuit(), uncertainty)
    way = np.log([found.factors["tau_d"], found.factors["tau_k"]])
    assert found.distance == pytest.approx(np.sqrt(way @ np.linalg.solve(covariance, way)), rel=1e-6)
    assert log_margin(moved(DEVICE, found.factors), Circuit()) == pytest.approx(0.0, abs=1e-6)


def test_there_is_none_without_a_loop_or_without_errors():
    assert nearest_in_decades(DEVICE.replace(tau_k=0.0), Circuit()) is None
    assert nearest_in_decades(DEVICE.replace(R_s=0.0), Circuit(control="voltage")) is None
    exact = uncertainty_of(DEVICE, [[1e-4]], ["V_T"], [])
    assert nearest_in_errors(DEVICE, Circuit(), exact) is None
