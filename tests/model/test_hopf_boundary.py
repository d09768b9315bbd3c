"""The boundary of oscillation: known numbers, bisection on eigenvalues, convexity, derivatives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import bisect

from memfit.model.hopf_boundary import (
    LOOP_NAMES,
    Loop,
    hopf_bias_derivatives,
    hopf_biases,
    hopf_frequency,
    hopf_voltage_derivatives,
    least_log_gain_margin,
    least_log_gain_margin_derivatives,
    least_margin_bias,
    log_gain_margin,
    loop_derivatives,
    margin_derivatives,
)
from memfit.model.linear import coefficients, eigenvalues, loop_gain
from memfit.model.parameters import NAMES, Parameters

PAPER = Parameters(R_b=1.0, C_m=1.0, i_c0=10.0, V_T=1.0, V_m=0.05, tau_d=1.0, tau_k=1.0, R_s=0.1)
DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
log_gain = st.floats(np.log(1.0), np.log(1e7))
log_time = st.floats(np.log(1e-6), np.log(1e3))
log_loops = st.tuples(log_gain, log_time, log_time, log_time).map(np.array)


def loop_from(logs):
    """A loop from the logarithms of its quantities."""
    return Loop(*np.exp(logs))


def voltages(p, **options):
    """Hopf voltages of a device."""
    return [p.V_T + p.V_m * float(x) for x in hopf_biases(Loop.of(p), **options)]


def test_hopf_voltages_of_the_paper():
    np.testing.assert_allclose(voltages(PAPER), [0.90002913, 1.15665511], atol=5e-9)
    np.testing.assert_allclose(voltages(PAPER, printed=True), [0.9017, 1.1502], atol=5e-5)


@pytest.mark.parametrize("p", [PAPER, DEVICE])
def test_hopf_voltages_are_where_eigenvalues_cross(p):
    def growth(u):
        return float(eigenvalues(p, u)[0].real)

    middle = p.V_T + p.V_m * float(least_margin_bias(Loop.of(p)))
    low, high = voltages(p)
    assert low == pytest.approx(bisect(growth, middle - 5 * p.V_m, middle, xtol=1e-15), rel=1e-9)
    assert high == pytest.approx(bisect(growth, middle, middle + 9 * p.V_m, xtol=1e-15), rel=1e-9)
    for u, x in zip((low, high), hopf_biases(Loop.of(p)), strict=True):
        pair = eigenvalues(p, u)[:2]
        assert abs(pair[0].real) < 1e-10 * abs(pair[0])
        assert pair[0].imag == pytest.approx(float(hopf_frequency(Loop.of(p), x)), rel=1e-10)


@given(log_loops)
def test_hopf_points_are_roots_of_the_cubic(logs):
    loop = loop_from(logs)
    G, m, d, k = np.exp(logs)
    for x in hopf_biases(loop):
        if np.isnan(x):
            assert least_log_gain_margin(loop) >= 0.0
            continue
        f, rest = 1.0 / (1.0 + np.exp(-x)), 1.0 / (1.0 + np.exp(x))
        left = (m + d) * (d + k * f) * (m + k * f)
        right = G * m * d * k * f * f * rest
        assert left == pytest.approx(right, rel=1e-12 * (1.0 + abs(x)))


@given(log_loops, st.floats(-20.0, 20.0))
def test_margin_is_threshold_over_gain_and_never_below_the_secant_criterion(logs, x):
    loop = loop_from(logs)
    gain = loop.gain * np.exp(x) / (1.0 + np.exp(x)) ** 2
    margin = np.exp(log_gain_margin(loop, x))
    assert margin * gain >= 8.0 * (1.0 - 1e-9)
    assert log_gain_margin(loop, x) >= least_log_gain_margin(loop) - 1e-9
    threshold = np.exp(log_gain_margin(loop, x, printed=True)) * gain
    assert threshold == pytest.approx(margin * gain + 1.0, rel=1e-9)


@given(log_loops.filter(lambda logs: logs[0] < np.log(32.0)))
def test_a_device_with_less_than_32_never_oscillates(logs):
    assert least_log_gain_margin(loop_from(logs)) > 0.0


def test_32_is_sharp():
    # With equal lags at f = 1/2 the threshold is 8; the margin's minimum lies elsewhere, and below.
    equal = Loop(np.array(32.0), np.array(1.0), np.array(1.0), np.array(2.0))
    assert float(log_gain_margin(equal, 0.0)) == pytest.approx(0.0, abs=1e-14)


@given(log_loops, log_loops, st.floats(0.0, 1.0))
def test_the_devices_that_oscillate_form_a_convex_set(first, second, share):
    mixed = least_log_gain_margin(loop_from(share * first + (1.0 - share) * second))
    ends = share * least_log_gain_margin(loop_from(first)) + (1.0 - share) * least_log_gain_margin(
        loop_from(second)
    )
    assert mixed <= ends + 1e-9


@given(log_loops, st.floats(-6.0, 6.0))
def test_the_sign_of_the_margin_is_the_sign_of_the_eigenvalues(logs, x):
    G, m, d, k = np.exp(logs)
    p = Parameters(R_b=1.0, C_m=m, i_c0=G, V_T=0.0, V_m=1.0, tau_d=d, tau_k=k)
    margin = float(log_gain_margin(Loop.of(p), x))
    growth = eigenvalues(p, x)[0].real
    c2, c1, c0, _ = coefficients(p, x)
    assert c2 * c1 / c0 == pytest.approx((np.exp(margin) * loop_gain(p, x) + 1.0) / (1.0 + loop_gain(p, x)))
    if abs(margin) > 1e-6:
        assert np.sign(growth) == -np.sign(margin)


def test_near_tangency_the_two_points_merge_as_a_square_root():
    at_tangency = DEVICE.replace(i_c0=DEVICE.i_c0 * float(np.exp(least_log_gain_margin(Loop.of(DEVICE)))))
    distances = []
    for excess in (1e-6, 1e-8, 1e-10):
        low, high = hopf_biases(Loop.of(at_tangency.replace(i_c0=at_tangency.i_c0 * (1.0 + excess))))
        distances.append(float(high - low))
    np.testing.assert_allclose(np.diff(np.log10(distances)), -1.0, atol=1e-3)
    assert np.all(np.isnan(hopf_biases(Loop.of(at_tangency.replace(i_c0=at_tangency.i_c0 * (1 - 1e-10))))))


def test_many_devices_at_once_are_each_alone():
    rng = np.random.default_rng(1)
    logs = np.log([1e3, 1e-2, 1e-2, 1e-2])[:, None] + rng.normal(0.0, 2.0, (4, 50))
    together = np.array(hopf_biases(loop_from(logs)))
    alone = np.array([hopf_biases(loop_from(column)) for column in logs.T]).T
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    assert 0 < np.isnan(alone).sum() < alone.size


def test_two_lags_cannot_oscillate():
    assert Loop.of(DEVICE).can_oscillate
    assert not Loop.of(DEVICE.replace(tau_k=0.0)).can_oscillate
    assert not Loop.of(DEVICE.replace(tau_d=0.0)).can_oscillate


def central(function, value, step=1e-4):
    """Fourth-order central difference."""
    return (
        8.0 * (function(value + step) - function(value - step))
        - (function(value + 2 * step) - function(value - 2 * step))
    ) / (12.0 * step)


@pytest.mark.parametrize("index", range(4))
def test_derivatives_by_the_loop(index):
    logs = np.log([900.0, 0.01, 0.005, 0.2])
    low, high = hopf_biases(loop_from(logs))

    def moved(shift):
        return loop_from(logs + shift * np.eye(4)[index])

    exact = margin_derivatives(loop_from(logs), 0.7)[index]
    assert exact == pytest.approx(central(lambda s: float(log_gain_margin(moved(s), 0.7)), 0.0), rel=1e-6)
    for which, x in enumerate((low, high)):
        exact = hopf_bias_derivatives(loop_from(logs), x)[index]
        difference = central(lambda s, which=which: float(hopf_biases(moved(s))[which]), 0.0)
        assert exact == pytest.approx(difference, rel=1e-6), LOOP_NAMES[index]


@pytest.mark.parametrize("name", NAMES[:8])
@pytest.mark.parametrize("load", [None, 3e5])
def test_derivatives_by_every_parameter(name, load):
    extra = 2e-8
    value = getattr(DEVICE, name)

    def resistance(p):
        return np.inf if load is None else p.R_s + load

    def moved(shift):
        return DEVICE.replace(**{name: value * (1.0 + shift)})

    def margin(shift):
        p = moved(shift)
        return float(least_log_gain_margin(Loop.of(p, resistance(p), extra)))

    def hopf(shift):
        p = moved(shift)
        return p.V_T + p.V_m * float(hopf_biases(Loop.of(p, resistance(p), extra))[0])

    index = NAMES.index(name)
    r = resistance(DEVICE)
    x = float(hopf_biases(Loop.of(DEVICE, r, extra))[0])
    exact = least_log_gain_margin_derivatives(DEVICE, r, extra)[index] * value
    assert exact == pytest.approx(central(margin, 0.0), rel=1e-6, abs=1e-9)
    exact = hopf_voltage_derivatives(DEVICE, x, r, extra)[index] * value
    assert exact == pytest.approx(central(hopf, 0.0), rel=1e-6, abs=1e-9)


def test_the_loop_does_not_know_the_threshold_voltage():
    assert np.all(loop_derivatives(DEVICE)[:, NAMES.index("V_T")] == 0.0)
