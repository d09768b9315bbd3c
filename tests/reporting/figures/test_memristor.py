"""The figures of the field: what is drawn where."""

import numpy as np
from matplotlib.figure import Figure

from memfit.reporting.figures.memristor import Against, LoopCurves, against_figure, loop_figure

X = np.geomspace(0.01, 10.0, 12)


def data(value, **more):
    return Against(
        x=X,
        x_unit="s",
        x_title="interval",
        y_unit="",
        y_title="A2/A1",
        value=value,
        low=value,
        high=value,
        **more,
    )


def test_a_loop_with_its_marks():
    V = np.concatenate([np.linspace(0, 1, 50), np.linspace(1, 0, 50)])
    figure = Figure(figsize=(3, 2))
    loop_figure(
        figure, LoopCurves(voltage=V, current=1e-6 * V**2, data=(V, 1e-6 * V), marks=[(0.5, "^"), (0.4, "v")])
    )
    (axes,) = figure.axes
    marks = [line for line in axes.lines if line.get_marker() in ("^", "v")]
    assert [line.get_xdata()[0] for line in marks] == [0.5, 0.4]
    assert np.isclose(marks[0].get_ydata()[0], 0.25e-6, rtol=0.05)
    assert axes.get_yscale() == "log"


def test_a_curve_with_what_was_measured():
    figure = Figure(figsize=(3, 2))
    against_figure(figure, data(1.0 + np.exp(-X), points=[(0.1, 1.8, 1.7, 1.9)]))
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    assert any(list(line.get_ydata()) == [1.7, 1.9] for line in axes.lines)
    assert axes.get_xlabel() == "interval (s)"


def test_signs_have_colours():
    figure = Figure(figsize=(3, 2))
    against_figure(
        figure, data(np.where(X < 1, -1.0, 2.0) * X, signed=True, points=[(0.1, -0.1, -0.2, -0.05)])
    )
    (axes,) = figure.axes
    curves = [line for line in axes.lines if len(line.get_xdata()) == X.size]
    assert np.isnan(curves[0].get_ydata()[-1])
    assert np.isnan(curves[1].get_ydata()[0])
    assert curves[0].get_color() != curves[1].get_color()
