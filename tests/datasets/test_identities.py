"""Identities between loops and spectra, on devices whose records are simulated."""

import numpy as np
import pytest

from memfit.datasets import ImpedanceSpectrum, IVSweep
from memfit.datasets.identities import identities
from memfit.model import Parameters, junction_voltage, steady_current
from memfit.model.smallsignal import impedance
from memfit.model.transient import simulate
from memfit.protocols import Drive

P = Parameters(R_b=1e5, C_m=1e-7, i_c0=2e-5, V_T=0.7, V_m=0.07, tau_d=0.03, tau_k=0.1, R_s=50.0)


def spectrum(bias, lowest=1e-3, p=P):
    frequency = np.geomspace(1e5, lowest, 81)
    u = junction_voltage(p, "voltage", np.array([bias]))[0]
    return ImpedanceSpectrum(
        name=f"eis_{bias:g}", frequency=frequency, impedance=impedance(p, frequency, u), bias_voltage=bias
    )


def loop(middle, amplitude, period, p=P, settled=20):
    """A period of a triangle about a bias, after others in which the device has settled."""
    knots = np.arange(4 * settled + 5) * period / 4
    level = middle + amplitude * np.tile([0, 1, 0, -1], settled + 2)[: knots.size]
    begins = settled * period
    drive, time = Drive("voltage", knots, level), np.linspace(begins, begins + period, 801)
    current = simulate(p, drive, time).current
    shifted = Drive("voltage", knots[-5:] - begins, level[-5:])
    return IVSweep(name="loop", voltage=drive.at(time), current=current, time=time - begins, drive=shifted)


def test_z_at_dc_is_the_slope_of_the_slow_loop():
    voltage = np.r_[np.linspace(0, 1.2, 241), np.linspace(1.2, 0, 241)]
    current = steady_current(P, junction_voltage(P, "voltage", voltage))
    steady = IVSweep(name="slow", voltage=voltage, current=current)
    found = identities([steady, *(spectrum(bias) for bias in (0.3, 0.7, 0.9))])
    assert [one.bias for one in found] == [0.3, 0.7, 0.9]
    for one in found:
        assert one.quantity == "Z(0)"
        assert one.by_impedance == pytest.approx(one.by_loop, rel=0.05)
        assert one.agrees
        assert "they agree" in one.sentence
    (wrong,) = identities([IVSweep(name="mA", voltage=voltage, current=1e3 * current), spectrum(0.7)])
    assert not wrong.agrees
    assert "they differ" in wrong.sentence


def test_a_spectrum_that_ends_early_and_a_fast_loop_say_nothing():
    voltage = np.r_[np.linspace(0, 1.2, 241), np.linspace(1.2, 0, 241)]
    current = steady_current(P, junction_voltage(P, "voltage", voltage))
    steady = IVSweep(name="slow", voltage=voltage, current=current)
    assert identities([steady, spectrum(0.7, lowest=20.0)]) == ()
    assert identities([steady, spectrum(1.5)]) == ()
    assert identities([loop(0.7, 0.4, 0.2), spectrum(0.7)]) == ()


@pytest.mark.parametrize("period", [0.05, 0.3, 30.0])
def test_the_area_of_a_small_loop_is_that_of_im_y(period):
    (one,) = identities([loop(0.7, 0.003, period), spectrum(0.7)])
    assert one.quantity == "loop area"
    assert one.by_loop == pytest.approx(one.by_impedance, rel=0.03)
    assert one.agrees
    assert (one.by_loop > 0.0) == (period == 0.05)  # capacitive where it is fast, inductive where it is slow
    other = identities([loop(0.7, 0.003, period, P.replace(tau_d=0.3, C_m=1e-6)), spectrum(0.7)])
    assert not other[0].agrees


def test_a_small_loop_elsewhere_or_open_says_nothing():
    assert identities([loop(0.7, 0.003, 0.3), spectrum(0.5)]) == ()
    whole = loop(0.7, 0.003, 0.3)
    assert identities([whole.select(np.arange(whole.points) < 300), spectrum(0.7)]) == ()
