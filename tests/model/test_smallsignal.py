"""Impedance: reference values, limits, derivatives, and a small sine integrated in time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memfit.model.parameters import COLUMN, Parameters
from memfit.model.smallsignal import BiasGrid, admittance, impedance, impedance_with_derivatives
from memfit.model.steady import junction_voltage, steady_response
from memfit.model.transient import simulate
from memfit.protocols import Drive

DEVICE = Parameters(
    R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0, L_s=1e-6
)
FREQUENCY = np.geomspace(1e-2, 1e6, 33)
BIASES = np.array([0.2, 0.55, 0.7, 0.9])


def test_reference_values(reference):
    p, values = reference
    for spectrum in values["impedance"]:
        model = p if spectrum["model"] == "3d" else p.replace(tau_k=0.0)
        Z = impedance(model, spectrum["frequency"], spectrum["u"])
        expected = np.array(spectrum["Z_real"]) + 1j * np.array(spectrum["Z_imag"])
        assert np.abs(Z / expected - 1.0).max() < 1e-9


@pytest.mark.parametrize("R_s", [0.0, 50.0])
def test_dc_limit_is_the_slope_of_the_steady_curve(R_s):
    p = DEVICE.replace(R_s=R_s)
    h = 1e-5
    for V in BIASES:
        current, _ = steady_response(p, "voltage", [V - h, V, V + h])
        u = junction_voltage(p, "voltage", [V])
        assert impedance(p, [0.0], u).real == pytest.approx([2 * h / (current[2] - current[0])], rel=1e-6)


def test_high_frequency_limit_is_the_wire():
    p = DEVICE.replace(L_s=0.0)
    Z = impedance(p, [1e12], 0.7)
    assert Z.real == pytest.approx([p.R_s], rel=1e-9)
    assert impedance(DEVICE, [1e12], 0.7).imag == pytest.approx([2 * np.pi * 1e12 * DEVICE.L_s], rel=1e-6)


def test_2d_is_the_limit_of_a_short_kinetic_time():
    for tau_k, distance in ((1e-6, 1e-3), (1e-9, 1e-6)):
        near = admittance(DEVICE.replace(tau_k=tau_k), FREQUENCY[:17], 0.7)
        limit = admittance(DEVICE.replace(tau_k=0.0), FREQUENCY[:17], 0.7)
        assert np.abs(near / limit - 1.0).max() < distance


@given(st.floats(1e-3, 1e6), st.floats(-1.0, 3.0))
def test_a_real_system_answers_a_mirrored_frequency_with_its_conjugate(frequency, u):
    Z = impedance(DEVICE, [frequency, -frequency], u)
    assert Z[1] == Z[0].conjugate()


@pytest.mark.parametrize("control", ["voltage", "current"])
@pytest.mark.parametrize("model", ["3d", "2d"])
def test_derivatives_against_differences(control, model):
    p = DEVICE if model == "3d" else DEVICE.replace(tau_k=0.0)
    bias = BIASES if control == "voltage" else steady_response(p, "voltage", BIASES)[0]
    spectrum = np.repeat(np.arange(BIASES.size), FREQUENCY.size)
    grid = BiasGrid(control, bias, np.tile(FREQUENCY, BIASES.size), spectrum)
    Z, dZ = impedance_with_derivatives(p, grid)
    assert np.allclose(
        Z, impedance(p, grid.frequency, junction_voltage(p, control, bias)[spectrum]), rtol=1e-13
    )
    for name, value in p.as_dict().items():
        k = COLUMN[name]
        if value == 0.0:
            continue
        step = 1e-4 * value

        def shifted(factor, name=name, value=value, step=step):
            return impedance_with_derivatives(p.replace(**{name: value + factor * step}), grid)[0]

        found = (8 * (shifted(1) - shifted(-1)) - (shifted(2) - shifted(-2))) / (12 * step)
        for i in range(BIASES.size):
            here = spectrum == i
            assert np.abs(found - dZ[:, k])[here].max() <= 1e-6 * np.abs(found[here]).max()


@pytest.mark.parametrize("control", ["voltage", "current"])
@pytest.mark.parametrize("model", ["3d", "2d"])
@pytest.mark.parametrize("frequency", [0.3, 10.0, 300.0])
def test_a_small_sine_integrated_in_time(control, model, frequency):
    p = DEVICE.replace(L_s=0.0, R_s=1.0, tau_k=0.05 if model == "3d" else 0.0)
    u = 0.5  # stable under both controls
    bias_current = float(u / p.R_b + p.i_c0 / (1 + np.exp((p.V_T - u) / p.V_m)))
    bias = u + p.R_s * bias_current if control == "voltage" else bias_current
    amplitude = 1e-4 if control == "voltage" else 1e-4 / abs(impedance(p, [frequency], u)[0])
    decay = int(np.ceil(2.0 * frequency)) + 2  # periods until the start is forgotten
    per_period = 240
    corners = np.arange((decay + 1) * per_period + 1) / (per_period * frequency)
    drive = Drive(control, corners, bias + amplitude * np.sin(2 * np.pi * frequency * corners))
    time = 0.5 * (corners[1:] + corners[:-1])  # where the polygon has the slope of the sine
    course = simulate(p, drive, time, tolerance=1e-10)
    assert course.outcome.ok
    last = slice(-per_period, None)
    weight = np.exp(-2j * np.pi * frequency * time[last])
    voltage, current = ((q[last] - q[last].mean()) @ weight for q in (course.voltage, course.current))
    assert voltage / current == pytest.approx(impedance(p, [frequency], u)[0], rel=1e-3)
