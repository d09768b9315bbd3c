"""The vector field, its Jacobian and the closed forms against each other."""

import numpy as np
import pytest

from memfit.model.equations import (
    activation,
    activation_slope,
    activation_time,
    dc_resistance,
    inverse_resistance_a,
    jacobian,
    steady_current,
    vector_field,
)
from memfit.model.parameters import Parameters

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)


def test_the_field_vanishes_at_the_steady_state():
    for u in (-0.5, 0.5, 0.7, 1.3):
        f = float(activation(DEVICE, u))
        rest = vector_field(DEVICE, [u, DEVICE.i_c0 * f, f], float(steady_current(DEVICE, u)))
        assert rest == pytest.approx(np.zeros(3), abs=1e-9)


@pytest.mark.parametrize("resistance", [np.inf, 50.0])
def test_jacobian_is_the_derivative_of_the_field(resistance):
    state = np.array([0.72, 3e-5, 0.4])
    V = 0.8

    def field(y):
        return vector_field(DEVICE, y, 6e-5 if np.isinf(resistance) else (V - y[0]) / resistance)

    numeric = np.column_stack(
        [
            (field(state + step) - field(state - step)) / (2 * step[k])
            for k, step in enumerate(np.diag([1e-5, 1e-9, 1e-5]))
        ]
    )
    assert jacobian(DEVICE, state, resistance) == pytest.approx(numeric, rel=1e-6, abs=1e-6)


def test_slopes_and_resistances():
    u = np.linspace(-1.0, 2.0, 31)
    h = 1e-6
    slope = (activation(DEVICE, u + h) - activation(DEVICE, u - h)) / (2 * h)
    assert activation_slope(DEVICE, u) == pytest.approx(slope, abs=1e-7)
    conductance = (steady_current(DEVICE, u + h) - steady_current(DEVICE, u - h)) / (2 * h)
    assert 1.0 / dc_resistance(DEVICE, u) == pytest.approx(conductance, rel=1e-6)
    assert inverse_resistance_a(DEVICE, u) == pytest.approx(DEVICE.i_c0 * slope, rel=1e-4, abs=1e-12)
    assert activation_time(DEVICE, u) == pytest.approx(DEVICE.tau_k * activation(DEVICE, u))


def test_far_below_threshold_nothing_overflows():
    u = DEVICE.V_T - 1e4 * DEVICE.V_m
    assert float(activation(DEVICE, u)) == 0.0
    assert np.all(np.isfinite(vector_field(DEVICE, [u, 0.0, 0.1], 0.0)))
    assert np.all(np.isfinite(jacobian(DEVICE, [u, 0.0, 0.1])))
