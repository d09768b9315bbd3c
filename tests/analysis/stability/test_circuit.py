"""Steady states along the bias: margins against the loop itself, kinds against eigenvalues."""

from dataclasses import replace

import numpy as np
import pytest
from member_equations import MEMBERS, Equations

from memfit.analysis.stability import assess
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
from memfit.analysis.stability.hopf import find_hopf_points, values_to_hopf
from memfit.errors import InputError, ParameterError
from memfit.model import Loop, Parameters

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


def test_a_load_in_series_with_a_current_source_is_refused():
    with pytest.raises(ParameterError, match="voltage source behind that resistance"):
        Circuit(control="current", load=1e4)
    assert Circuit(control="current").added == ("R_shunt", "C_external")
    assert set(values_to_hopf(DEVICE, Circuit(control="current"))) == {"R_shunt", "C_external"}
    assert set(values_to_hopf(DEVICE, Circuit(control="voltage"))) == {"R_load", "C_external"}


def test_texts_with_units_are_as_good_as_numbers():
    stated = Circuit(control="voltage", load="10 kohm", external_capacitance="3 nF")
    assert (stated.load, stated.external_capacitance) == (pytest.approx(1e4), pytest.approx(3e-9))
    with pytest.raises(InputError, match="Expected a unit of resistance"):
        Circuit(control="voltage", load="10 V")


AROUND = [
    Circuit(),
    Circuit(external_capacitance=3e-8),
    Circuit(control="voltage", load=7e5),
    Circuit(control="voltage", load=2e6, external_capacitance=2e-8),
]


@pytest.mark.parametrize("circuit", AROUND, ids=[circuit.name for circuit in AROUND])
@pytest.mark.parametrize("name", [name for name in MEMBERS if name != "dispersion"])
def test_eigenvalues_and_hopf_points_of_members_against_a_dense_jacobian(name, circuit):
    p = DEVICE.replace(**MEMBERS[name][0])
    u = np.linspace(0.45, 0.9, 10)
    points = operating_points_at(p, circuit, u)
    for k, values in enumerate(points.eigenvalues):
        J = Equations(p, circuit, points.source[k]).jacobian(u[k])
        dense = np.linalg.eigvals(J)
        slow = 1 / np.linalg.eigvals(np.linalg.inv(J))  # which the fastest would drown
        for value in values:
            assert min(np.min(abs(dense - value)), np.min(abs(slow - value))) < 1e-8 * abs(value)
        assert (points.gain_margin[k] < 1.0) == (slow.real.max() > 0.0)

    def det(u, omega):
        """Of J - i omega, each row as large as its diagonal."""
        J = Equations(p, circuit, float(circuit.source(p, u))).jacobian(u)
        J = J - 1j * omega * np.eye(len(J))
        return np.linalg.det(J / np.diag(J)[:, None])

    for point in find_hopf_points(p, circuit):
        step = 1e-5 * p.V_m
        slope = (det(point.u + step, point.omega) - det(point.u - step, point.omega)) / (2 * step)
        assert abs(det(point.u, point.omega)) < 1e-12 * abs(slope) * abs(point.u)


@pytest.mark.parametrize("circuit", AROUND[2:], ids=[circuit.name for circuit in AROUND[2:]])
def test_a_capacitor_across_a_device_with_dispersion_is_plain(circuit):
    p = DEVICE.replace(n=0.97)
    points = find_hopf_points(p, circuit)
    assert len(points) == 2
    for point in points:
        f = 1 / (1 + np.exp(-(point.u - p.V_T) / p.V_m))
        s, w = 1j * point.omega, 2e3 * np.pi
        element = p.C_m * w * (s / w) ** p.n + s * circuit.external_capacitance
        loop = p.i_c0 * f * (1 - f) / p.V_m / ((1 + s * p.tau_d) * (1 + s * p.tau_k * f))
        outside = 1 / (p.R_s + circuit.load)
        assert abs(element + 1 / p.R_b + loop + outside) < 1e-12 * abs(element)
    u = np.array([points[0].u - 1e-3, points[0].u + 1e-3])
    np.testing.assert_array_equal(operating_points_at(p, circuit, u).gain_margin < 1.0, [False, True])
    growing = operating_points_at(p, circuit, u).eigenvalues[:, 0].real > 0.0  # with a ladder: nearly
    np.testing.assert_array_equal(growing, [False, True])


@pytest.mark.parametrize("circuit", AROUND, ids=[circuit.name for circuit in AROUND])
def test_a_member_with_a_part_of_no_size_has_the_numbers_of_the_plainest(circuit):
    u = np.linspace(0.4, 0.95, 12)
    plain, member = (operating_points_at(p, circuit, u) for p in (DEVICE, DEVICE.replace(I_ph=1e-30)))
    for name in ("eigenvalues", "damping_ratio", "frequency_Hz", "loop_gain", "gain_margin", "phase_margin"):
        np.testing.assert_allclose(getattr(member, name), getattr(plain, name), rtol=1e-8, err_msg=name)
    np.testing.assert_array_equal(member.kind, plain.kind)
    for one, other in zip(
        *(find_hopf_points(p, circuit) for p in (DEVICE, DEVICE.replace(I_ph=1e-30))), strict=True
    ):
        assert one.u == pytest.approx(other.u, rel=1e-12)
        assert one.omega == pytest.approx(other.omega, rel=1e-12)
        assert one.first_lyapunov == pytest.approx(other.first_lyapunov, rel=1e-6)


def test_what_is_soldered_in_brings_a_member_to_the_boundary():
    for circuit in (Circuit(), Circuit(control="voltage", load=1e6, external_capacitance=2e-8)):
        p = DEVICE.replace(R_1=3e5, C_1=1e-7, kappa=0.02)
        block = assess(p, circuit)
        for name, value in block.values_to_hopf.items():
            moved = replace(circuit, external_capacitance=value)
            if name != "C_external":
                moved = replace(circuit, control="voltage", load=value)
            at = assess(p, moved)
            assert at.gain_margin_min == pytest.approx(1.0, rel=1e-6)
    plain, member = (assess(p, Circuit()).values_to_hopf for p in (DEVICE, DEVICE.replace(I_ph=1e-30)))
    assert member == pytest.approx(plain, rel=1e-6)
