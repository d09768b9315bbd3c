"""Marks and places of axes: limits hold the data, dots hide nothing."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from memfit.reporting.figures.marks import (
    dots,
    few,
    key,
    limits,
    place_axes,
    thinned,
)
from memfit.reporting.figures.ticks import linear_axis, log_axis


def test_limits_hold_all_finite_values():
    assert limits(np.array([0.0, 10.0, np.nan])) == (-0.5, 10.5)
    assert limits(np.array([3.0])) == (1.5, 4.5)
    assert limits(np.array([0.0])) == (-1.0, 1.0)
    assert limits() == (-1.0, 1.0)
    low, high = limits(np.array([-1.0, 0.0, 1.0, 100.0]), log=True)
    assert low < 1.0 < 100.0 < high
    assert limits(np.array([-1.0]), log=True) == (0.1, 10.0)


def test_axes_stand_above_each_other_without_touching():
    figure = Figure(figsize=(3, 3))
    top, bottom = place_axes(figure, [2, 1])
    assert top.get_position().height == pytest.approx(2 * bottom.get_position().height)
    assert top.get_position().y0 > bottom.get_position().y1


def test_thinning_drops_only_what_would_be_covered(axes, rng):
    linear_axis(axes, "x", (0.0, 1.0))
    log_axis(axes, "y", (1.0, 1e3))
    x, y = rng.random(20000), 10 ** (3 * rng.random(20000))
    kept_x, kept_y = thinned(x, y, axes, 50, 50)
    assert 2000 < kept_x.size <= 2500
    places = np.column_stack([np.round(kept_x, 12), np.round(kept_y, 9)]).tolist()
    for i in range(0, 20000, 997):
        near = np.hypot(kept_x - x[i], (np.log10(kept_y) - np.log10(y[i])) / 3).min()
        assert near <= np.sqrt(2) / 50
    assert places == sorted(places, key=places.index)
    assert thinned(x[:100], y[:100], axes)[0].size == 100


def test_dots_survive_in_the_svg_however_many(axes, tmp_path, rng):
    linear_axis(axes, "x", (0.0, 1.0))
    linear_axis(axes, "y", (0.0, 1.0))
    patch = dots(axes, rng.random(500), rng.random(500))
    assert len(patch.get_path().vertices) == 1000
    path = tmp_path / "dots.svg"
    axes.get_figure().savefig(path, format="svg")
    longest = max(path.read_text().split('d="')[1:], key=lambda d: d.index('"'))
    assert longest[: longest.index('"')].count("M ") == 500


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_dot_is_seen_in_pixels_too(axes, scale):
    if scale == "log":
        log_axis(axes, "x", (1.0, 100.0))
    else:
        linear_axis(axes, "x", (0.0, 20.0))
    linear_axis(axes, "y", (0.0, 1.0))
    dots(axes, np.array([10.0]), np.array([0.5]), "#ff0000", 6.0)
    axes.get_figure().canvas.draw()
    pixels = np.asarray(axes.get_figure().canvas.buffer_rgba())
    red = (pixels[..., 0] > 200) & (pixels[..., 1] < 80)
    assert 30 < np.count_nonzero(red) < 100


def test_dots_of_what_cannot_be_drawn_are_left_out(axes):
    log_axis(axes, "y", (1.0, 10.0))
    patch = dots(axes, np.array([0.5, 0.6, np.nan]), np.array([2.0, -1.0, 3.0]))
    assert len(patch.get_path().vertices) == 2
    assert len(dots(axes, np.zeros(0), np.zeros(0)).get_path().vertices) == 0


def test_keys_write_symbols_with_their_index(axes):
    texts = key(axes, [("black", "R_a"), ("black", "plain")], title="What")
    assert [text.get_text() for text in texts] == ["What", "R", "plain"]
    assert "a" in [text.get_text() for text in axes.texts]


def test_few_keeps_the_ends():
    assert few(3) == [0, 1, 2]
    assert few(100, 5) == [0, 25, 50, 74, 99]
