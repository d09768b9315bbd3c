"""Names fit to be drawn, and the height of a forest plot."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from memfit.reporting.figures.population import (
    MOST_ROWS,
    Population,
    Scale,
    drawn_name,
    forest_height,
    population_figure,
    short_names,
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
