"""The linearised model against the reference file, numpy's eigenvalues and differences."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memfit.model.equations import activation, jacobian
from memfit.model.linear import (
    coefficients,
    effective_parameters,
    eigenvalues,
    loop_gain,
)
from memfit.model.parameters import Parameters

REFERENCE = Path(__file__).parents[1] / "reference" / "model_values.json"
DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)


def sorted_spectrum(values):
    """Eigenvalues by falling real part, pairs with positive frequency first."""
    values = np.asarray(values, dtype=complex)
    return values[np.lexsort((-values.imag, -np.round(values.real, 6)))]


def reference_eigenvalues():
    """(parameters, u, eigenvalues) of the reference file."""
    sets = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return [
        pytest.param((Parameters(**s["parameters"]), e["u"], np.array(e["re"]) + 1j * np.array(e["im"])))
        for s in sets.values()
        for e in s["eigenvalues"]
    ]


@pytest.mark.parametrize("case", reference_eigenvalues())
def test_eigenvalues_of_the_reference(case):
    p, u, expected = case
    np.testing.assert_allclose(eigenvalues(p, u), sorted_spectrum(expected), rtol=1e-9)


def times():
    """A time constant anywhere in nine decades, s."""
    return st.floats(-6.0, 3.0).map(lambda e: 10.0**e)


@given(tau_m=times(), tau_d=times(), tau_k=times(), gain=st.floats(0.0, 6.0), x=st.floats(-6.0, 6.0))
def test_eigenvalues_are_those_of_the_jacobian(tau_m, tau_d, tau_k, gain, x):
    p = Parameters(R_b=1.0, C_m=tau_m, i_c0=10.0**gain, V_T=0.0, V_m=1.0, tau_d=tau_d, tau_k=tau_k)
    f = float(activation(p, x))
    matrix = jacobian(p, np.array([x, p.i_c0 * f, f]))
    found = eigenvalues(p, x)
    # Elementary symmetric functions are well conditioned where the eigenvalues are not.
    assert np.sum(found).real == pytest.approx(np.trace(matrix), rel=1e-12)
    assert -np.prod(found).real == pytest.approx(float(coefficients(p, x).c0), rel=1e-12)
    assert np.sum(1.0 / found).real == pytest.approx(-coefficients(p, x).c1 / coefficients(p, x).c0, rel=1e-9)
    np.testing.assert_allclose(np.sort(found.real), np.sort(np.roots(np.poly(found)).real), rtol=1e-3)


def test_coefficients_are_those_of_the_jacobian_in_a_circuit():
    u, resistance, extra = 0.66, 2e4, 3e-8
    f = float(activation(DEVICE, u))
    matrix = jacobian(DEVICE.replace(C_m=DEVICE.C_m + extra), np.array([u, 0.0, f]), resistance)
    c2, c1, c0, printed = coefficients(DEVICE, u, resistance=resistance, capacitance=extra)
    np.testing.assert_allclose([c2, c1, c0], np.poly(matrix)[1:], rtol=1e-12)
    gain = loop_gain(DEVICE, u, resistance)
    assert printed / c0 == pytest.approx(gain / (1.0 + gain), rel=1e-13)


def test_lags_that_follow_at_once_are_the_limit_of_fast_ones():
    u = np.array([0.4, 0.7, 0.9])
    for name in ("tau_d", "tau_k"):
        exact = eigenvalues(DEVICE.replace(**{name: 0.0}), u)
        limit = eigenvalues(DEVICE.replace(**{name: 1e-13}), u)[..., :2]
        assert exact.shape == (3, 2)
        np.testing.assert_allclose(exact, limit, rtol=1e-6)
    alone = eigenvalues(DEVICE.replace(tau_d=0.0, tau_k=0.0), u)
    np.testing.assert_allclose(alone[:, 0], -(1.0 + loop_gain(DEVICE, u)) / DEVICE.tau_m, rtol=1e-14)


def test_far_below_threshold_the_slow_eigenvalues_are_those_of_two_lags():
    found = eigenvalues(DEVICE, DEVICE.V_T - 50.0 * DEVICE.V_m)
    np.testing.assert_allclose(found[:2].real, [-1.0 / DEVICE.tau_m, -1.0 / DEVICE.tau_d], rtol=1e-9)
    assert np.all(np.isfinite(eigenvalues(DEVICE, [-1e4, 1e4])))


def test_a_shape_of_voltages_is_kept():
    u = np.linspace(0.5, 0.9, 6).reshape(2, 3)
    assert eigenvalues(DEVICE, u).shape == (2, 3, 3)
    assert coefficients(DEVICE, u).c1.shape == (2, 3)


def test_an_effective_device_has_the_parallel_resistance():
    p = effective_parameters(DEVICE, DEVICE.R_b, 1e-7)
    assert p.R_b == pytest.approx(DEVICE.R_b / 2.0)
    assert p.C_m == pytest.approx(2e-7)
    assert effective_parameters(DEVICE) == DEVICE
