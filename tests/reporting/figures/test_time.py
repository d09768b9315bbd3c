"""Transients as they are drawn, and the numbers behind them."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest

from memfit.protocols import Drive, pulse_train
from memfit.reporting.figures.time import (
    jumps,
    polygon,
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


def test_each_kind_of_record_is_asked_for_by_its_own_functions(of_kind):
    with pytest.raises(TypeError, match="expected a transient"):
        transient_of(of_kind["iv"])
    assert mpl.rcParams["svg.hashsalt"] is None


def test_a_transient_holds_drive_and_response(of_kind):
    item = of_kind["transient"]
    columns = transient_data(item)
    assert list(columns) == ["time_s", "drive_A", "response_V", "model_V"]
    assert np.array_equal(columns["model_V"], item.predicted)
