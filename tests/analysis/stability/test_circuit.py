"""Steady states along the bias: margins against the loop itself, kinds against eigenvalues."""

import numpy as np
import pytest

from memfit.analysis.stability.circuit import (
    FOCUS,
    KINDS,
    NODE,
    UNSTABLE_FOCUS,
    UNSTABLE_NODE,
    Circuit,
    kinds,
    operating_points,
    operating_points_at,
    phase_margin,
)
from memfit.analysis.stability.hopf import find_hopf_points
from memfit.errors import InputError
from memfit.model.hopf_boundary import Loop
from memfit.model.parameters import Parameters

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)


def test_a_source_sets_the_steady_state():
    current = np.linspace(0.0, 1e-4, 11)
    points = operating_points(DEVICE, Circuit(), current)
    np.testing.assert_allclose(points.I, current, atol=1e-16)
    np.testing.assert_allclose(points.V, points.u + 50.0 * current, rtol=1e-12)
    loaded = Circuit(control="voltage", load=2e4)
    volts = np.linspace(0.1, 4.0, 11)
    points = operating_points(DEVICE, loaded, volts)
    np.testing.assert_allclose(points.u + 20050.0 * points.I, volts, rtol=1e-12)
    np.testing.assert_allclose(operating_points_at(DEVICE, loaded, points.u).source, volts, rtol=1e-12)


def test_margins_are_those_of_the_loop():
    points = operating_points_at(DEVICE, Circuit(), np.linspace(0.45, 0.95, 26))
    for A, f, gain, phase in zip(
        points.loop_gain, points.f, points.gain_margin, points.phase_margin, strict=True
    ):
        omega = np.geomspace(1e-1, 1e6, 400_001)
        lags = 1j * np.outer([DEVICE.tau_m, DEVICE.tau_d, f * DEVICE.tau_k], omega)
        loop = A / np.prod(1.0 + lags, axis=0)
        angle = np.unwrap(np.angle(loop))
        crossover = np.argmax(angle < -np.pi)
        assert gain == pytest.approx(1.0 / abs(loop[crossover]), rel=1e-3)
        if A > 1.0:
            at_one = np.argmax(np.abs(loop) < 1.0)
            assert phase == pytest.approx(180.0 + np.degrees(angle[at_one]), abs=0.02)
        else:
            assert phase == np.inf


def test_all_signs_change_at_the_hopf_points():
    low, high = (point.u for point in find_hopf_points(DEVICE, Circuit()))
    for u, unstable in ((low - 1e-6, False), (low + 1e-6, True), (high - 1e-6, True), (high + 1e-6, False)):
        point = operating_points_at(DEVICE, Circuit(), u)
        assert (point.kind[0] == UNSTABLE_FOCUS) == unstable
        assert (point.damping_ratio[0] < 0.0) == unstable
        assert (point.gain_margin[0] < 1.0) == unstable
        assert (point.phase_margin[0] < 0.0) == unstable


def test_kinds():
    values = np.array(
        [[-1, -2, -3], [-1 + 1j, -1 - 1j, -3], [1 + 1j, 1 - 1j, -3], [1, -2, -3], [-1, -2 + 1j, -2 - 1j]]
    )
    assert kinds(values.astype(complex)).tolist() == [NODE, FOCUS, UNSTABLE_FOCUS, UNSTABLE_NODE, FOCUS]
    assert len(KINDS) == 4


def test_a_node_has_no_frequency():
    far = operating_points_at(DEVICE, Circuit(), DEVICE.V_T - 40 * DEVICE.V_m)
    assert far.kind[0] == NODE
    assert far.damping_ratio[0] == 1.0
    assert far.frequency_Hz[0] == 0.0


def test_the_2d_model_has_no_gain_margin():
    points = operating_points_at(DEVICE.replace(tau_k=0.0), Circuit(), [0.6, 0.7])
    assert np.all(np.isinf(points.gain_margin))
    assert points.eigenvalues.shape == (2, 2)
    assert np.all(points.phase_margin > 0.0)


def test_a_phase_margin_just_above_a_gain_of_one():
    loop = Loop(np.array(4.0 * (1.0 + 1e-9)), np.array(1.0), np.array(1e-3), np.array(1e3))
    assert phase_margin(loop, 0.5) == pytest.approx(180.0, abs=0.1)


def test_a_pinned_voltage_is_an_error():
    with pytest.raises(InputError, match="Give a load greater than 0 ohm"):
        operating_points(DEVICE.replace(R_s=0.0), Circuit(control="voltage"), 0.7)
