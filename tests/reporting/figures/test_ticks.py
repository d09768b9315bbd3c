"""Ticks and their numbers follow the style, and give way to matplotlib's own on axes of somebody else."""

import matplotlib as mpl
import pytest
from matplotlib.axes import Axes
from matplotlib.axis import Tick
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN

from memfit.reporting.figures.ticks import BareAxes, hide_tick_labels, linear_axis, log_axis, native_ticks


@pytest.mark.parametrize(
    ("bounds", "labels"), [((0.5, 2e3), ["10⁰", "10¹", "10²", "10³"]), ((1.5, 6.0), ["2", "5"])]
)
def test_decades_are_labelled(axes, bounds, labels):
    log_axis(axes, "x", bounds)
    axes.get_figure().canvas.draw()
    assert [text.get_text() for text in axes.texts] == labels


def test_ticks_are_drawn_once_and_follow_the_style(axes):
    with mpl.rc_context({"xtick.direction": "out", "xtick.labelcolor": "#ff0000"}):
        linear_axis(axes, "x", (0.0, 2.0))
        linear_axis(axes, "x", (-0.1, 0.1))
    assert [text.get_text() for text in axes.texts] == ["−0.10", "−0.05", "0.00", "0.05", "0.10"]
    assert {text.get_color() for text in axes.texts} == {"#ff0000"}
    (marks,) = [line for line in axes.get_children() if isinstance(line, Line2D)]
    assert marks.get_marker() == TICKDOWN
    assert len(marks.get_xdata()) == 5
    hide_tick_labels(axes)
    assert len(axes.texts) == 0


@pytest.mark.parametrize(
    ("bounds", "few_of_them"), [((3.2, 21.0), ("5", "7", "15")), ((0.4, 8.0), ("0.5", "2", "5"))]
)
def test_a_short_logarithmic_axis_has_each_number_once(axes, bounds, few_of_them):
    log_axis(axes, "x", bounds, close=True)
    axes.figure.canvas.draw()
    drawn = [text.get_text() for text in axes.texts]
    drawn += [text.get_text() for text in axes.get_xticklabels(which="both")]
    shown = [text for text in drawn if text]
    assert len(shown) == len(set(shown))
    assert set(few_of_them) <= set(shown)


def test_native_ticks_follow_limits_that_change(axes):
    linear_axis(axes, "x", (0.0, 1.0))
    log_axis(axes, "y", (1.0, 1e3))
    native_ticks(axes)
    assert axes.get_xlim() == (0.0, 1.0)
    assert axes.get_ylim() == (1.0, 1e3)
    assert not [one for one in axes.get_children() if str(one.get_label()).endswith("ticks")]
    axes.set_xlim(0.0, 50.0)
    axes.figure.canvas.draw()
    assert "40" in [label.get_text() for label in axes.get_xticklabels()]
    assert len(axes.get_yticks()) >= 3


def test_bare_axes_make_no_ticks_of_their_own_and_look_the_same(monkeypatch):
    made, drawn, begun = [], [], Tick.__init__

    def counted(self, *given, **named):
        made.append(self)
        begun(self, *given, **named)

    monkeypatch.setattr(Tick, "__init__", counted)
    for kind in (Axes, BareAxes):
        figure, count = Figure(), len(made)
        canvas = FigureCanvasAgg(figure)
        figure.add_axes((0.1, 0.1, 0.8, 0.8), axes_class=kind)
        (axes,) = figure.axes
        linear_axis(axes, "x", (0.0, 2.0))
        log_axis(axes, "y", (1.0, 1e3))
        axes.plot([0.0, 2.0], [1.0, 1e3])
        axes.set_title("above")  # whose place is looked for among the ticks
        canvas.draw()
        drawn.append((bytes(canvas.buffer_rgba()), len(made) - count))
    assert drawn[0][0] == drawn[1][0]
    assert drawn[0][1] > drawn[1][1] == 0
