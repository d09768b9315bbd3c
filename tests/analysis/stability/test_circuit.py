"""Steady states along the bias and maps: margins against the loop itself, kinds against eigenvalues."""

import numpy as np
import pytest

from memfit.analysis.stability.circuit import (
    AXES,
    FOCUS,
    KINDS,
    NODE,
    UNSTABLE_FOCUS,
    UNSTABLE_NODE,
    Circuit,
    kinds,
    map_over_bias_and_load,
    map_over_parameters,
    operating_points,
    operating_points_at,
    phase_margin,
)
from memfit.analysis.stability.hopf import find_hopf_points, values_to_hopf
from memfit.errors import InputError, ParameterError
from memfit.model import Loop, Parameters, eigenvalues, least_log_gain_margin

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


@pytest.mark.parametrize("p", [DEVICE, DEVICE.replace(tau_k=0.0), DEVICE.replace(tau_d=0.0)])
def test_bias_and_load(p):
    u, load = np.linspace(0.4, 0.9, 21), np.geomspace(1e2, 1e7, 15)
    found = map_over_bias_and_load(p, u, load)
    for row, margins, value in zip(found.region, found.log_gain_margin, load, strict=True):
        kind = kinds(eigenvalues(p, u, resistance=p.R_s + value))
        np.testing.assert_array_equal(row, np.select([kind >= UNSTABLE_FOCUS, kind == FOCUS], [2, 1], 0))
        np.testing.assert_array_equal(margins < 0.0, row == 2)
    assert set(np.unique(found.region)) == ({0, 1, 2} if p == DEVICE else {0, 1})


def test_the_load_where_oscillation_starts_is_where_the_map_says():
    load = values_to_hopf(DEVICE, Circuit(control="voltage"))["R_load"]
    found = map_over_bias_and_load(DEVICE, np.linspace(0.4, 0.9, 2001), [0.98 * load, 1.02 * load])
    assert 2 not in found.region[0]
    assert 2 in found.region[1]


def test_two_parameters():
    C_m, tau_d = np.geomspace(1e-9, 1e-5, 9), np.geomspace(1e-5, 10.0, 7)
    found = map_over_parameters(DEVICE, Circuit(), ("C_m", C_m), ("tau_d", tau_d))
    assert found.region.shape == (7, 9)
    for i, second in enumerate(tau_d):
        for j, first in enumerate(C_m):
            p = DEVICE.replace(C_m=first, tau_d=second)
            margin = float(least_log_gain_margin(Loop.of(p)))
            assert found.log_gain_margin[i, j] == pytest.approx(margin, rel=1e-12)
            turning = eigenvalues(p, p.V_T + p.V_m * np.linspace(-10, 10, 81)).imag.any()
            assert found.region[i, j] == (2 if margin < 0.0 else int(turning))


def test_axes_of_the_circuit():
    circuit = Circuit(control="voltage", load=1e6)
    found = map_over_parameters(
        DEVICE.replace(R_s=0.0), circuit, ("C_external", [0.0, 1e-5]), ("R_load", [0.0, 1e6])
    )
    np.testing.assert_array_equal(found.region, [[0, 0], [2, 1]])
    assert np.all(np.isinf(found.log_gain_margin[0]))
    weak = map_over_parameters(DEVICE, Circuit(), ("i_c0", [1e-12, 1e-4]), ("R_s", [0.0, 10.0]))
    np.testing.assert_array_equal(weak.region, [[0, 2], [0, 2]])


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        (("V_T", [1.0]), f"Expected an axis among {', '.join(AXES)}; found 'V_T'"),
        (("C_m", [1.0]), "two different axes"),
        (("R_b", [-1.0, 1.0]), "R_b must be greater than 0 ohm, found -1"),
        (("R_load", [-5.0]), "load must be a finite number of at least 0 ohm"),
        (("C_external", [np.inf]), "external capacitance"),
        (("tau_k", [0.0, 1.0]), "tau_k of a map must be greater than 0 s, found 0"),
        (("R_b", []), "needs at least one value"),
    ],
)
def test_bad_axes_are_named(axis, said):
    with pytest.raises(ParameterError, match=said):
        map_over_parameters(DEVICE, Circuit(), ("C_m", [1e-7]), axis)


def test_a_load_in_series_with_a_current_source_is_refused():
    with pytest.raises(ParameterError, match="voltage source behind that resistance"):
        Circuit(control="current", load=1e4)
    assert Circuit(control="current").added == ("R_shunt", "C_external")
    assert set(values_to_hopf(DEVICE, Circuit(control="current"))) == {"R_shunt", "C_external"}
    assert set(values_to_hopf(DEVICE, Circuit(control="voltage"))) == {"R_load", "C_external"}
