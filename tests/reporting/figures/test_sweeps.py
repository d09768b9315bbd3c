"""Sweeps as they are drawn, and the numbers behind them."""

from dataclasses import replace

import numpy as np
from matplotlib.text import Annotation

from memfit.fitting import FittedRecord
from memfit.reporting.figures.sweeps import (
    draw_direction,
    model_points,
    sweeps_data,
)
from memfit.reporting.figures.ticks import linear_axis


def test_a_sweep_under_current_control_has_its_model_in_voltage(of_kind):
    item = of_kind["iv"]
    record = replace(item.record, control="current")
    turned = FittedRecord(record=record, predicted=record.voltage + 1.0, sigma=item.sigma, used=item.used)
    voltage, current = model_points(turned)
    assert np.array_equal(voltage, record.voltage + 1.0)
    assert np.array_equal(current, record.current)


def test_arrows_point_along_the_course(axes):
    linear_axis(axes, "x", (0.0, 1.0))
    linear_axis(axes, "y", (0.0, 1.0))
    draw_direction(axes, np.linspace(0, 1, 50), np.zeros(50))
    arrows = [text for text in axes.texts if isinstance(text, Annotation)]
    assert len(arrows) == 4
    assert all(arrow.xy[0] > arrow.xyann[0] for arrow in arrows)
    draw_direction(axes, np.zeros(50), np.zeros(50))
    draw_direction(axes, np.zeros(3), np.zeros(3))
    assert sum(isinstance(text, Annotation) for text in axes.texts) == 4


def test_sweeps_of_one_rate_are_told_apart(of_kind):
    item = of_kind["iv"]
    assert list(sweeps_data([item])) == ["voltage_V", "current_A", "model_voltage_V", "model_current_A"]
    twice = sweeps_data([item, item])
    assert len(twice) == 8
    assert "current_A (50 mV/s #2)" in twice
