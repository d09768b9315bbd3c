"""Transients as they are drawn, and the numbers behind them."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from memfit.datasets import SynapticCurve
from memfit.fitting import FittedRecord
from memfit.protocols import Drive, pulse_train
from memfit.reporting.figures.time import (
    jumps,
    polygon,
    transient_data,
    transient_figure,
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


@pytest.mark.parametrize(
    ("kind", "label", "up", "log"),
    [
        ("potentiation", "Pulse number", "G (µS)", False),
        ("retention", "Time after the pulse (s)", "R (kΩ)", True),
        ("paired_pulse", "Interval (s)", "A₂/A₁", True),
    ],
)
def test_reads_are_drawn_against_what_they_are_told_by(kind, label, up, log):
    against = np.array([1.0, 100.0, 10.0])
    drive = Drive("voltage", [0.0, 400.0], [0.5, 0.5])
    time = np.array([1.0, 100.0, 300.0])
    current = np.array([1e-6, 4e-6, 2e-6])
    shared = {
        "name": "reads",
        "kind": kind,
        "time": time,
        "drive": drive,
        "against": against,
        "voltage": None,
    }
    if kind == "paired_pulse":
        response = {"current": None, "ratio": current * 1e6, "first": time - 1}
    else:
        response = {"current": current}
    curve = SynapticCurve(**shared, **response)
    predicted = 1.1 * curve.response
    item = FittedRecord(record=curve, predicted=predicted, sigma=predicted, used=np.ones(3, dtype=bool))
    figure = Figure(figsize=(4, 3))
    transient_figure(figure, item)
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == (label, up)
    assert (axes.get_xscale() == "log") is log
    model = next(line for line in axes.lines if len(line.get_xdata()) == 3 and line.get_linestyle() == "-")
    assert list(model.get_xdata()) == [1.0, 10.0, 100.0]
    expected = {"potentiation": [2.2, 4.4, 8.8], "retention": [500 / 1.1, 250 / 1.1, 125 / 1.1]}
    assert model.get_ydata() == pytest.approx(expected.get(kind, [1.1, 2.2, 4.4]))
    assert transient_data(item)[label].tolist() == against.tolist()
