"""Names fit to be drawn, and the height of a forest plot."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from memfit.datasets.positions import positions_of
from memfit.reporting.figures.population import (
    MOST_ROWS,
    Population,
    Scale,
    distribution_figure,
    drawn_name,
    forest_height,
    population_figure,
    short_names,
    wafer_figure,
)


def test_names_that_are_drawn():
    assert drawn_name("MAPbI₃ α-7 µ") == "MAPbI₃ α-7 µ"
    assert drawn_name("$\\x$\n名") == "··x···"
    assert len(drawn_name("x" * 99)) == 22
    assert short_names(["MAPbI3 A (synthetic)", "MAPbI3 BB (synthetic)"], 12) == ["A", "BB"]
    assert short_names(["A", "BB"], 12) == ["A", "BB"]
    assert short_names(["same " * 5] * 2, 12) == ["same", "same"]


def population(value, **more):
    value = np.asarray(value, dtype=np.float64)
    return Population(
        labels=tuple(f"device {k}" for k in range(value.size)),
        value=value,
        low=0.9 * value,
        high=1.1 * value,
        outlying=np.zeros(value.size, dtype=bool),
        remarks=tuple("" if np.isfinite(v) else "held fixed" for v in value),
        scale=Scale("R_b (ohm)", logarithmic=True),
        **more,
    )


@pytest.mark.parametrize(("value", "scale"), [([1.0, 100.0], "log"), ([1.0, 1.5], "linear")])
def test_an_axis_is_logarithmic_where_it_pays(value, scale):
    figure = Figure()
    population_figure(figure, population(value))
    assert figure.axes[0].get_xscale() == scale


def test_a_wide_prediction_widens_the_axis_threefold_at_most():
    figure = Figure()
    found = population([1.0, 4.0], mean=2.0, mean_ci95=(1.0, 4.0), predicted95=(1e-6, 1e6))
    population_figure(figure, found)
    low, high = figure.axes[0].get_xlim()
    reach = (4.0 * 1.1 / 0.9) ** 1.5
    assert (low, high) == pytest.approx((0.9 / reach, 4.4 * reach))


def test_a_device_without_a_value_has_a_remark():
    figure = Figure()
    population_figure(figure, population([1.0, np.nan]))
    assert "held fixed" in [text.get_text() for text in figure.axes[0].texts]


def test_many_devices_have_no_rows_of_their_own():
    assert forest_height(MOST_ROWS) > forest_height(MOST_ROWS + 1) == forest_height(1000)
    figure = Figure()
    population_figure(figure, population(np.linspace(1.0, 2.0, MOST_ROWS + 1)))
    assert figure.axes[0].get_ylabel() == "Devices, in order"


def test_a_distribution_counts_devices():
    figure = Figure(figsize=(3.3, 2.4))
    distribution_figure(figure, population([3e5, np.nan, 1e5, 2e5]))
    (axes,) = figure.axes
    (line,) = [line for line in axes.lines if line.get_drawstyle() == "steps-pre"]
    np.testing.assert_allclose(line.get_xdata(), [1e5, 2e5, 3e5, 3e5])
    np.testing.assert_allclose(line.get_ydata(), [0.0, 100 / 3, 200 / 3, 100.0])


def test_a_map_has_a_square_for_each_device_that_lies_somewhere():
    figure = Figure(figsize=(3.3, 2.4))
    at = positions_of([{"position": place} for place in ("A1", "A2", "B1", "B2", "nowhere")])
    wafer_figure(figure, population([1e5, 2e5, np.nan, 3e5, 4e5]), at)
    axes, bar = figure.axes
    colours = [patch.get_facecolor() for patch in axes.patches]
    assert len(colours) == 4
    assert [colour[3] for colour in colours] == [1.0, 1.0, 0.0, 1.0]
    assert axes.yaxis_inverted()
    assert bar.get_ylim() == (1e5, 3e5)


def test_a_map_of_one_value():
    figure = Figure(figsize=(3.3, 2.4))
    at = positions_of([{"x": 1.0, "y": 0.0}, {"x": 2.0, "y": 0.0}, {"x": 3.0, "y": 0.0}])
    wafer_figure(figure, population([-2.0, -2.0, -2.0]), at)
    assert len(figure.axes[0].patches) == 3
