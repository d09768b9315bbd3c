"""Curves against voltage: their range, and that they agree with the model they stand for."""

from dataclasses import replace

import numpy as np
import pytest
from drawing import P as DRAWN
from drawing import fitted_spectrum

from memfit.datasets import ImpedanceSpectrum
from memfit.fitting import Estimate
from memfit.model import Parameters, eigenvalues, impedance
from memfit.reporting.fit.curves import (
    model_curve,
    parameters_of,
    stability_curves,
    voltage_curves,
    voltage_range,
)

P = Parameters(R_b=1.0, C_m=1.0, i_c0=10.0, V_T=1.0, V_m=0.05, tau_d=1.0, tau_k=1.0, R_s=0.1)


def spectrum(bias):
    return ImpedanceSpectrum(name="s", frequency=[1.0], impedance=[1.0 + 0j], bias_voltage=bias)


def test_the_range_holds_what_was_measured_and_the_threshold():
    assert voltage_range(P, []) == pytest.approx((0.4, 1.3))
    assert voltage_range(P, [spectrum(0.8), spectrum(None)]) == pytest.approx((0.7, 1.3))
    assert voltage_range(P, [spectrum(-5.0), spectrum(5.0)]) == pytest.approx((0.4, 1.6))


def test_the_slope_of_the_steady_curve_is_the_dc_conductance():
    curves = voltage_curves(P, (0.7, 1.3))
    slope = np.gradient(curves.current, curves.u)
    assert slope[1:-1] == pytest.approx(1 / curves.R_dc[1:-1], rel=2e-3)
    assert curves.terminal == pytest.approx(curves.u + 0.1 * curves.current)


def test_stability_changes_sign_at_the_hopf_points_of_the_paper():
    curves = stability_curves(P, (0.7, 1.3))
    assert curves.hopf["current"] == pytest.approx([0.90002913, 1.15665511], abs=1e-8)
    unstable = eigenvalues(P, curves.u)[..., 0].real > 0
    assert np.array_equal(curves.hurwitz < 0, unstable)
    assert np.array_equal(curves.margins["current"] < 1, unstable)
    assert set(curves.margins) == {"current", "voltage"}


def test_a_model_of_two_lags_has_no_stability_curves():
    assert stability_curves(P.replace(tau_k=0.0), (0.7, 1.3)) is None
    assert set(stability_curves(P.replace(R_s=0.0), (0.7, 1.3)).margins) == {"current"}


def test_open_parameters_leave_no_curves(result):
    assert parameters_of(result) == result.values()
    parameters = {**result.parameters, "tau_k": Estimate(value=None, unit="s", status="undetermined")}
    assert parameters_of(replace(result, parameters=parameters)) is None


def test_the_model_is_drawn_in_closed_form_where_it_is_what_was_fitted():
    frequency = np.logspace(-1, 5, 20)
    finer, Z = model_curve(fitted_spectrum(0.9, frequency), DRAWN)
    assert finer.size > 4 * frequency.size
    assert pytest.approx(impedance(DRAWN, finer, 0.9)) == Z
    assert np.abs(np.diff(Z)).max() < 0.07 * np.abs(Z).max()
    other = fitted_spectrum(0.9, frequency, impedance(DRAWN, frequency, 0.9) + 2j * np.pi * frequency * 1e-6)
    assert np.array_equal(model_curve(other, DRAWN)[1], other.predicted)
    assert model_curve(fitted_spectrum(0.9, frequency))[0].size == frequency.size
