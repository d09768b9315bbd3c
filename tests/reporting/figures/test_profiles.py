"""Profiles as curves: through the computed points with their slopes, never beyond what they say."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from memfit.confidence import CHI2_1
from memfit.fitting import Profile
from memfit.reporting.figures.profiles import linear_curve, profile_curve, profile_figure

COMPUTED = slice(None, None, 39)


def profile(value, rise, slope, **more):
    given = {
        "unit": "ohm",
        "best": 2.0,
        "ci95": (1.0, None),
        "linear_ci95": None,
        "kind": "bounded_below",
        "threshold": CHI2_1,
        "logarithmic": False,
        "linear_error": 0.5,
        "complete": True,
        "agrees": True,
        "message": "",
    }
    return Profile(value=tuple(value), rise=tuple(rise), slope=tuple(slope), **{**given, **more})


@pytest.mark.parametrize("logarithmic", [False, True])
def test_the_curve_goes_through_the_computed_points(logarithmic):
    c = np.array([-1.0, 0.0, 0.4, 1.0])
    value = np.exp(c) if logarithmic else c
    x, y = profile_curve(profile(value, c**2, 2 * c, logarithmic=logarithmic))
    np.testing.assert_allclose(x[COMPUTED], value)
    np.testing.assert_allclose(y[COMPUTED], c**2, atol=1e-12)
    inner = np.log(x) if logarithmic else x
    np.testing.assert_allclose(y, inner**2, atol=1e-12)


def test_a_cubic_that_would_overshoot_is_a_straight_line():
    x, y = profile_curve(profile([0.0, 1.0, 2.0], [0.0, 1.0, 0.0], [90.0, 0.0, -1.0]))
    np.testing.assert_allclose(y[:40], x[:40], atol=1e-12)
    assert not np.allclose(y[40:], 2.0 - x[40:])


def test_the_parabola_of_the_linear_fit_meets_the_threshold_at_its_interval():
    one = profile([1.0, 2.0, 3.0], [4.0, 0.0, 4.0], [-8.0, 0.0, 8.0])
    ends = np.array([2.0 - 1.96 * 0.5, 2.0 + 1.96 * 0.5])
    np.testing.assert_allclose(linear_curve(one, ends), CHI2_1, rtol=1e-4)
    assert linear_curve(profile([1.0, 2.0], [1.0, 0.0], [0.0, 0.0], linear_error=None), ends) is None


def test_an_open_interval_is_shaded_to_the_edge():
    figure = Figure()
    profile_figure(figure, profile([1.0, 2.0, 3.0], [4.0, 0.0, 1.0], [-8.0, 0.0, 0.1]), "R_b")
    (axes,) = figure.axes
    (shade,) = axes.collections
    box = shade.get_paths()[0].get_extents()
    scale = axes.get_xlim()[1] / 3.0
    assert (box.x0, box.x1) == pytest.approx((1.0 * scale, axes.get_xlim()[1]))
