"""The figures of a comparison: many devices in order, missing values with their reasons, all drawn."""

from dataclasses import replace

import numpy as np
import pytest
from comparing import MIDDLE, result_of, wafer
from matplotlib.figure import Figure

from memfit.analysis.comparison import compare_results
from memfit.fitting import Estimate
from memfit.reporting.comparison.figures import (
    curve_panels,
    forest_panels,
    margin_panels,
    overview_panels,
    pair_panels,
    trend_panels,
)
from memfit.reporting.figures.population import MOST_ROWS
from memfit.reporting.figures.trends import MOST_CURVES, chosen
from memfit.reporting.writers.folder import draw_panels


@pytest.mark.parametrize(
    "panels_of",
    [curve_panels, forest_panels, margin_panels, overview_panels, pair_panels, trend_panels],
)
def test_every_figure_is_drawn_with_its_numbers_and_words(comparison, panels_of):
    panels = panels_of(comparison).items
    assert panels
    keys = [panel.key for panel in panels]
    assert len(keys) == len(set(keys))
    drawn = draw_panels(panels[:2], {"svg"})
    for panel in panels[:2]:
        assert drawn[panel.key].files["svg"].startswith(b"<?xml")
        assert "{" not in panel.caption + panel.alt
        assert all(column.size for column in panel.data.values())


def test_trends_of_area_and_temperature_are_always_drawn(comparison):
    keys = [panel.key.split("_", 2)[2] for panel in trend_panels(comparison).items]
    assert keys[:3] == ["area_R_b", "area_C_m", "area_i_c0"]
    assert {"temperature_tau_d", "temperature_tau_k"} <= set(keys)


def test_a_forest_has_the_values_and_intervals_of_the_fits(comparison):
    panel = forest_panels(comparison).items[0]
    fitted = [device.parameters["R_b"] for device in comparison.devices]
    assert panel.data["value"] == pytest.approx([e.value for e in fitted])
    assert panel.data["ci95_low"] == pytest.approx([e.ci95[0] for e in fitted], rel=1e-4)
    assert np.all(panel.data["ci95_low"] < panel.data["ci95_high"])


def test_a_caption_names_a_mean_where_one_is_drawn(comparison):
    two = compare_results([result_of(name, stability=True) for name in ("one", "two")])
    many = [result_of(f"{k}", stability=True) for k in range(MOST_ROWS + 1)]
    nothing = {"R_b": Estimate(value=None, unit="ohm", status="undetermined")}
    unknown = [replace(one, parameters={**one.parameters, **nothing}) for one in many[2:]]
    for found, mean in ((comparison, True), (two, False), (compare_results([*many[:2], *unknown]), False)):
        panel = next(one for one in forest_panels(found).items if one.key == "forest_R_b")
        assert ("pooled" in panel.caption) == mean
        assert ("diamond" in panel.alt or "dashed" in panel.alt) == mean
    figure = Figure()
    forest_panels(two).items[0].draw(figure)
    assert "pooled mean" not in [text.get_text() for text in figure.axes[0].texts]


def test_many_devices_are_drawn_in_order_and_evenly():
    results = [
        result_of(f"{k}", MIDDLE.replace(V_m=0.05 + 1e-4 * k), stability=True) for k in range(MOST_ROWS + 5)
    ]
    found = compare_results(results)
    assert len(chosen(found)) == MOST_CURVES
    ranks = [rank for _, rank, _ in chosen(found)]
    assert (ranks[0], ranks[-1]) == (1.0, 0.0)
    panel = forest_panels(found).items[0]
    assert panel.height < 70
    assert "65 devices in the order" in panel.caption
    drawn = draw_panels(forest_panels(found).items[:1], {"svg"})
    assert drawn[panel.key].files["svg"].startswith(b"<?xml")


def test_missing_values_say_why(comparison):
    results = wafer(4, 3)
    open_one = replace(
        results[1].parameters["tau_k"], value=None, stderr=None, ci95=None, status="undetermined"
    )
    results[1] = replace(results[1], parameters={**results[1].parameters, "tau_k": open_one})
    panels = {panel.key: panel for panel in forest_panels(compare_results(results)).items}
    svg = draw_panels([panels["forest_tau_k"]], {"svg"})["forest_tau_k"].files["svg"].decode()
    assert "not determined" in svg
