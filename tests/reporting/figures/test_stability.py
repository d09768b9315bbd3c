"""The device in a circuit as figures: branches pass through the cycles, axes have units of the table."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from memfit.analysis.stability import Circuit
from memfit.model import Parameters
from memfit.reporting.figures.stability import (
    bifurcation_figure,
    coefficients_figure,
    gain_map_figure,
    gain_margin_figure,
    resistances_figure,
    root_locus_figure,
    steady_figure,
    time_courses_figure,
    window_spectra_figure,
)
from memfit.reporting.fit.curves import stability_curves, voltage_curves
from memfit.reporting.stability.curves import dynamics_of, gain_map, window_curves

P = Parameters(R_b=12e3, C_m=1.1e-6, i_c0=0.9e-3, V_T=0.95, V_m=0.055, tau_d=0.012, tau_k=0.025, R_s=22.0)
BOUNDS = (0.5, 1.4)


@pytest.fixture(scope="module")
def dynamics():
    return dynamics_of(P, Circuit())


def drawn(draw, *given):
    figure = Figure()
    draw(figure, *given)
    return figure.axes


def test_branches_pass_through_the_cycles_computed(dynamics):
    (axes,) = drawn(bifurcation_figure, dynamics)
    cycles = dynamics.diagram.cycles
    source, lows = np.array([cycle.source for cycle in cycles]), np.array([cycle.u[0] for cycle in cycles])
    lines = [line for line in axes.get_lines() if len(line.get_xdata()) == 8 * (len(cycles) - 1) + 1]
    x, y = lines[0].get_data()
    scale = x[0] / source[0]
    assert x[::8] == pytest.approx(source * scale)
    assert y[::8] == pytest.approx(lows)
    between = (np.maximum(y[:-8:8], y[8::8]), np.minimum(y[:-8:8], y[8::8]))
    assert np.all(y[4::8] <= between[0] + 0.1 * np.ptp(lows))
    assert np.all(y[4::8] >= between[1] - 0.1 * np.ptp(lows))


def test_limit_cycles_are_drawn_without_kinks(dynamics):
    """No two pieces of a branch meet at more than some degrees, as it is seen."""
    (axes,) = drawn(bifurcation_figure, dynamics)
    to_picture = axes.transData + axes.transAxes.inverted()

    def sharpest(points):
        pieces = np.diff(to_picture.transform(points), axis=0)
        directions = np.unwrap(np.arctan2(pieces[:, 1], pieces[:, 0]))
        return float(np.degrees(np.abs(np.diff(directions)).max()))

    finer = 8 * (len(dynamics.diagram.cycles) - 1) + 1
    branches = [line.get_xydata() for line in axes.get_lines() if len(line.get_xydata()) == finer]
    branches = [points for points in branches if np.isfinite(points).all()]
    assert len(branches) == 2
    for points in branches:
        assert sharpest(points) < 20.0
    assert max(sharpest(points[::8]) for points in branches) > 40.0, "straight lines from cycle to cycle"


@pytest.mark.parametrize(
    ("names", "titles"),
    [
        (
            ("tau_d", "C_external"),
            ("Relaxation time of the channel current (s)", "Capacitance added across"),
        ),
        (
            ("R_load", "V_m"),
            ("Resistance added in series with the device", "Width of the activation in voltage"),
        ),
    ],
)
def test_axes_of_a_map_have_meaning_and_unit(names, titles):
    circuit = Circuit(control="voltage", load=1e6)
    (axes,) = drawn(gain_map_figure, gain_map(P, circuit, None, names))
    assert axes.get_xlabel().startswith(titles[0])
    assert axes.get_ylabel().startswith(titles[1])


def test_panels_above_each_other_share_the_voltage():
    biases = np.array([0.9, 1.0])
    for draw in (steady_figure, resistances_figure):
        top, bottom = drawn(draw, voltage_curves(P, BOUNDS), biases)
        assert top.get_xlim() == bottom.get_xlim() == pytest.approx(BOUNDS)
        assert bottom.get_xlabel() == "u (V)"
        assert bottom.get_ylabel()
    top, bottom = drawn(coefficients_figure, stability_curves(P, BOUNDS))
    assert bottom.get_ylim()[0] < 0.0  # unstable inside the window


def test_the_margin_is_below_one_between_the_hopf_lines(dynamics):
    curves = stability_curves(P, BOUNDS)
    drawn(gain_margin_figure, curves)
    low, high = (point.u for point in dynamics.diagram.hopf_points)
    inside = (curves.u > low) & (curves.u < high)
    assert np.array_equal(curves.margins["current"] < 1.0, inside)


def test_figures_of_the_window(dynamics):
    curves = window_curves(dynamics)
    (axes,) = drawn(window_spectra_figure, curves)
    assert "--" in {line.get_linestyle() for line in axes.get_lines()}
    (axes,) = drawn(root_locus_figure, curves)
    assert axes.get_xlim()[0] < 0.0 < axes.get_xlim()[1]
    (axes,) = drawn(time_courses_figure, curves)
    assert len(axes.get_lines()) >= len(curves.courses) == 3
