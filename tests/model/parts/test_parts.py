"""Each part against differences of its own formulas, and that the assembly knows no part by name."""

import numpy as np
import pytest

from memfit.model import smallsignal, steady
from memfit.model.equations import activation, steady_state
from memfit.model.parameters import COLUMN, NAMES, PARAMETERS, Parameters, names_where
from memfit.model.parts import BRANCHES, CONDUCTORS, KINETIC, VOLTAGE_DEPENDENT, states

PLAIN = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0, L_s=1e-6)
DEVICE = PLAIN.replace(
    R_1=2e5, C_1=1e-6, n=0.93, C_0=1e-9, V_c=0.3, I_l=2e-6, V_l=0.4, I_ph=3e-6,
    i_c0n=5e-5, V_Tn=0.2, V_mn=0.2, kappa=0.4, p_k=0.7, q_k=0.2,
)  # fmt: skip
"""With every part there is but drift, which belongs to a series of records."""
U = np.array([0.2, 0.65, 0.7, 0.9])
S = 2j * np.pi * np.geomspace(0.1, 1e5, 4)
PARTS = {part.PART: part for part in (*BRANCHES, *KINETIC)}
STATE = {
    "u": np.array(0.66), "i_c": np.array(3e-5), "f": np.array(0.4), "v": np.array(0.5),
    "i_cn": np.array(2e-6), "f_n": np.array(0.1),
}  # fmt: skip
SHARED = {
    "channel": ("activation", "conductance", "activation_time"),
    "second_polarity": ("activation", "channel", "conductance", "activation_time"),
    "dispersion": ("membrane",),
}
"""Parts on whose parameters others depend."""


def by_differences(function, name):
    """Derivative by a parameter, from central differences."""
    value = getattr(DEVICE, name)
    step = 1e-6 * max(abs(value), 1e-9)
    up, down = (function(DEVICE.replace(**{name: value + sign * step})) for sign in (1.0, -1.0))
    return (np.asarray(up) - np.asarray(down)) / (2.0 * step)


def own_parameters(part):
    """What a part depends on: its rows, and those of the activation where it follows it."""
    parts = {part.PART, *SHARED.get(part.PART, ())}
    return names_where(lambda row: row.part in parts)


def test_every_part_has_its_rows_in_the_table():
    assert set(PARTS) <= {row.part for row in PARAMETERS.values()}


def test_every_state_has_one_part_that_moves_it():
    assert states(PLAIN) == ("u", "i_c", "f")
    assert states(DEVICE) == ("u", "i_c", "f", "v", "i_cn", "f_n")
    assert set(STATE) == set(states(DEVICE))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", BRANCHES, ids=lambda part: part.PART)
def test_admittance_and_its_derivatives_at_a_fixed_bias(part, name):
    by = np.zeros((S.size, len(NAMES)), dtype=complex)
    Y = part.add_admittance(DEVICE, S, U, np.zeros((U.size, len(NAMES))), np.arange(U.size), by)
    np.testing.assert_allclose(Y, part.admittance(DEVICE, S, U), rtol=1e-13)
    numeric = by_differences(lambda p: part.admittance(p, S, U), name)
    scale = np.maximum(np.abs(Y), 1e-12) / max(abs(getattr(DEVICE, name)), 1e-9)
    np.testing.assert_allclose(by[:, COLUMN[name]] / scale, numeric / scale, atol=1e-7)
    if name not in own_parameters(part):
        assert not by[:, COLUMN[name]].any()


@pytest.mark.parametrize("part", BRANCHES, ids=lambda part: part.PART)
def test_derivatives_through_the_bias_are_the_slope_by_the_voltage(part):
    step = 1e-6
    by, fixed = np.zeros((2, S.size, len(NAMES)), dtype=complex)
    moving = np.zeros((U.size, len(NAMES)))
    moving[:, COLUMN["R_s"]] = 1.0  # as if the bias moved by 1 V per ohm
    part.add_admittance(DEVICE, S, U, moving, np.arange(U.size), by)
    part.add_admittance(DEVICE, S, U, 0.0 * moving, np.arange(U.size), fixed)
    slope = (part.admittance(DEVICE, S, U + step) - part.admittance(DEVICE, S, U - step)) / (2.0 * step)
    np.testing.assert_allclose((by - fixed)[:, COLUMN["R_s"]], slope + 0.0 * S, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", CONDUCTORS, ids=lambda part: part.PART)
def test_steady_current_has_its_derivatives_and_is_that_at_rest(part, name):
    by = np.zeros((U.size, len(NAMES)))
    part.add_current_derivatives(DEVICE, U, by)
    numeric = by_differences(lambda p: part.steady_current(p, U), name)
    np.testing.assert_allclose(by[:, COLUMN[name]], numeric, rtol=1e-6, atol=1e-12)
    step = 1e-6
    slope = (part.steady_current(DEVICE, U + step) - part.steady_current(DEVICE, U - step)) / (2.0 * step)
    np.testing.assert_allclose(np.broadcast_to(part.conductance(DEVICE, U), U.shape), slope, rtol=1e-6)
    np.testing.assert_allclose(part.admittance(DEVICE, 0j, U).real, slope, rtol=1e-6)
    at_rest = dict(zip(states(DEVICE), steady_state(DEVICE, U), strict=True))
    np.testing.assert_allclose(part.current(DEVICE, at_rest), part.steady_current(DEVICE, U), rtol=1e-14)


@pytest.mark.parametrize("part", VOLTAGE_DEPENDENT, ids=lambda part: part.PART)
def test_voltage_dependent_currents_stay_within_their_limits(part):
    voltage = np.linspace(-10.0, 10.0, 101)
    for device in (DEVICE, DEVICE.replace(kappa=0.0)):
        least, most = part.limits(device)
        bounded = part.is_bounded(device)
        current = part.steady_current(device, voltage)
        assert np.all(current[bounded | (voltage >= 0.0)] >= least)
        assert np.all(current[bounded | (voltage <= 0.0)] <= most)
        assert np.all(part.conductance(device, voltage) >= part.least_conductance(device))
    np.testing.assert_allclose(part.steady_current(DEVICE, U, 50.0), 50.0 * part.steady_current(DEVICE, U))


@pytest.mark.parametrize("name", states(DEVICE))
@pytest.mark.parametrize("part", KINETIC, ids=lambda part: part.PART)
def test_rates_have_their_slopes(part, name):
    step = 1e-6 * float(STATE[name])
    up, down = (float(part.rate(DEVICE, {**STATE, name: STATE[name] + d})) for d in (step, -step))
    slope = float(part.rate_slopes(DEVICE, STATE).get(name, 0.0))
    assert slope == pytest.approx((up - down) / (2.0 * step), rel=1e-6, abs=1e-9)


class Photocurrent:
    """A part that the assembly has never seen: a constant current out of the device."""

    PART = "unheard of"
    I_ph = 3e-5

    def is_bounded(self, p):
        return True

    def least_conductance(self, p):
        return 0.0

    def steady_current(self, p, u, resistance=1.0):
        return np.full(np.shape(u), -resistance * self.I_ph)

    def conductance(self, p, u, resistance=1.0):
        return np.zeros(np.shape(u))

    def limits(self, p):
        return -self.I_ph, -self.I_ph

    def add_current_derivatives(self, p, u, by):
        """No parameter of the table."""

    def admittance(self, p, s, u):
        return 0.0

    def add_admittance(self, p, s, u, u_by_p, k, by):
        return 0.0


@pytest.mark.parametrize("control", ["voltage", "current"])
def test_steady_state_and_impedance_take_up_a_part_they_have_never_seen(control, monkeypatch):
    light = Photocurrent()
    monkeypatch.setattr(steady, "VOLTAGE_DEPENDENT", (*VOLTAGE_DEPENDENT, light))
    monkeypatch.setattr(steady, "CONDUCTORS", (*CONDUCTORS, light))
    monkeypatch.setattr(smallsignal, "BRANCHES", (*BRANCHES, light))
    drive = np.linspace(0.1, 1.2, 7) if control == "voltage" else np.linspace(-2e-5, 2e-4, 7)
    u = steady.junction_voltage(PLAIN, control, drive)
    current = u / PLAIN.R_b + PLAIN.i_c0 * activation(PLAIN, u) - light.I_ph
    found = u + PLAIN.R_s * current if control == "voltage" else current
    np.testing.assert_allclose(found, drive, rtol=1e-12, atol=1e-16)
    step = 1e-5 * np.abs(drive)
    up, down = (steady.steady_response(PLAIN, control, drive + d)[0] for d in (step, -step))
    slope = (up - down) / (2.0 * step)
    Z = smallsignal.impedance(PLAIN, 0.0, u).real
    np.testing.assert_allclose(1.0 / slope if control == "voltage" else slope, Z, rtol=1e-5)
