"""The steady state against reference values, against itself and against differences."""

import numpy as np
import pytest

from memfit.model.equations import activation, inverse_resistance_a, steady_current
from memfit.model.parameters import COLUMN, NAMES, Parameters
from memfit.model.steady import (
    current_derivatives,
    junction_voltage,
    junction_voltage_derivatives,
    steady_response,
)

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
VOLTAGES = np.array([-2.0, 0.0, 0.3, 0.55, 0.7, 0.9, 2.0])


def test_reference_values(reference):
    p, values = reference
    steady = values["steady"]
    u = np.array(steady["u"])
    assert activation(p, u) == pytest.approx(np.array(steady["f"]), rel=1e-9)
    assert steady_current(p, u) == pytest.approx(np.array(steady["I"]), rel=1e-9)
    assert 1.0 / inverse_resistance_a(p, u) == pytest.approx(np.array(steady["R_a"]), rel=1e-9)


def test_reference_operating_points(reference):
    p, values = reference
    for spectrum in values["impedance"]:
        u = junction_voltage(p, "voltage", [spectrum["V_applied"]])
        assert u == pytest.approx([spectrum["u"]], rel=1e-12)


@pytest.mark.parametrize("R_s", [0.0, 50.0, 1e5])
def test_both_controls_agree(R_s):
    p = DEVICE.replace(R_s=R_s)
    current, _ = steady_response(p, "voltage", VOLTAGES)
    voltage, _ = steady_response(p, "current", current)
    assert voltage == pytest.approx(VOLTAGES, abs=1e-12)


def test_ohm_s_law_far_outside():
    for control, drive in (("voltage", 1e6), ("current", 1e3)):
        u = junction_voltage(DEVICE, control, [drive, -drive])
        total = steady_current(DEVICE, u)
        expected = u + DEVICE.R_s * total if control == "voltage" else total
        assert expected == pytest.approx([drive, -drive], rel=1e-12)


@pytest.mark.parametrize("control", ["voltage", "current"])
@pytest.mark.parametrize("R_s", [0.0, 50.0, 1e5])
def test_derivatives_against_differences(control, R_s):
    p = DEVICE.replace(R_s=R_s)
    drive = VOLTAGES if control == "voltage" else steady_current(p, VOLTAGES)
    response, derivatives = steady_response(p, control, drive)
    u = junction_voltage(p, control, drive)
    u_by_p = junction_voltage_derivatives(p, control, u)
    for k, name in enumerate(NAMES[:8]):
        value = getattr(p, name)
        step = 1e-4 * value if value else 1e-3
        up = p.replace(**{name: value + step})
        down = p.replace(**{name: value - step}) if value else p
        width = 2 * step if value else step
        accuracy = 1e-6 if value else 1e-3
        for found, exact in (
            (
                (steady_response(up, control, drive)[0] - steady_response(down, control, drive)[0]) / width,
                derivatives[:, k],
            ),
            (
                (junction_voltage(up, control, drive) - junction_voltage(down, control, drive)) / width,
                u_by_p[:, k],
            ),
        ):
            scale = np.abs(found).max() + 1e-9 * np.ptp(response) / max(abs(value), 1.0)
            assert exact == pytest.approx(found, abs=accuracy * scale)


def test_current_derivatives_at_fixed_voltage():
    by_parameter = current_derivatives(DEVICE, VOLTAGES)
    for name, value in DEVICE.as_dict().items():
        k = COLUMN[name]
        step = 1e-5 * (value or 1.0)
        up, down = (DEVICE.replace(**{name: max(value + s, 0.0)}) for s in (step, -step))
        width = getattr(up, name) - getattr(down, name)
        found = (steady_current(up, VOLTAGES) - steady_current(down, VOLTAGES)) / width
        assert by_parameter[:, k] == pytest.approx(found, abs=1e-8 * (np.abs(found).max() + 1e-15))
