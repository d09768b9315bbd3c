"""Sweeps and transients as they are drawn, and the numbers behind them."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.text import Annotation

from memfit.fitting import FittedRecord
from memfit.protocols import Drive, pulse_train
from memfit.reporting.figures.marks import (
    linear_axis,
)
from memfit.reporting.figures.time import (
    draw_direction,
    jumps,
    model_points,
    polygon,
    sweeps_data,
    transient_data,
    transient_of,
)


def test_a_drive_is_drawn_with_upright_jumps():
    drive = pulse_train("current", 1e-3, on=1.0, width=1.0, period=0.0, count=1, end=4.0)
    time, value = polygon(drive, 0.0, 3.0)
    assert list(time) == [0.0, 1.0, 1.0, 2.0, 2.0, 3.0]
    assert list(value) == [0.0, 0.0, 1e-3, 1e-3, 0.0, 0.0]


def test_jumps_are_the_largest_with_points_behind_them(of_kind):
    transient = transient_of(of_kind["transient"])
    found = jumps(transient)
    assert len(found) == 2
    assert all(start < end for start, end in found)
    assert [start for start, _ in found] == sorted(start for start, _ in found)
    flat = Drive("current", [0.0, 1.0], [1e-6, 1e-6])
    assert jumps(replace(transient, drive=flat)) == []


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


def test_each_kind_of_record_is_asked_for_by_its_own_functions(of_kind):
    with pytest.raises(TypeError, match="expected a transient"):
        transient_of(of_kind["iv"])
    assert mpl.rcParams["svg.hashsalt"] is None


def test_sweeps_of_one_rate_are_told_apart(of_kind):
    item = of_kind["iv"]
    assert list(sweeps_data([item])) == ["voltage_V", "current_A", "model_voltage_V", "model_current_A"]
    twice = sweeps_data([item, item])
    assert len(twice) == 8
    assert "current_A (50 mV/s #2)" in twice


def test_a_transient_holds_drive_and_response(of_kind):
    item = of_kind["transient"]
    columns = transient_data(item)
    assert list(columns) == ["time_s", "drive_A", "response_V", "model_V"]
    assert np.array_equal(columns["model_V"], item.predicted)
