"""Curves of many devices against the model: spectra end at the dc resistance, currents are steady states."""

import numpy as np
import pytest
from comparing import wafer

from memfit.analysis.comparison import compare_results
from memfit.model import junction_voltage
from memfit.reporting.figures.trends import chosen, nyquist_curves, steady_curves


@pytest.fixture(scope="module")
def comparison():
    return compare_results(wafer(5, 7, stability=True))


def test_spectra_end_at_the_dc_resistance_and_are_smooth(comparison):
    for bias in (-2.0, 0.0, 2.0):
        for curve in nyquist_curves(chosen(comparison), bias):
            assert curve.x[0] == pytest.approx(1.0, abs=1e-3)
            assert abs(curve.y[0]) < 1e-2
            step = np.hypot(np.diff(curve.x), np.diff(curve.y))
            size = np.hypot(np.ptp(curve.x), np.ptp(curve.y))
            assert step.max() < 0.1 * size


def test_currents_are_those_of_the_steady_state(comparison):
    devices = chosen(comparison)
    for (device, _, p), curve, density in zip(
        devices,
        steady_curves(comparison, devices, per_area=False),
        steady_curves(comparison, devices, per_area=True),
        strict=True,
    ):
        u = junction_voltage(p, "voltage", curve.x)
        assert (curve.x - u) / p.R_s == pytest.approx(curve.y, rel=1e-6)
        assert density.y * comparison.devices[device].area == pytest.approx(curve.y)


def test_the_most_eager_device_is_drawn_last(comparison):
    first = next(one.device for one in comparison.ranking if one.circuit == "current")
    assert chosen(comparison)[-1][0] == first
