"""Figures: that what is drawn is what was measured and fitted, and that decimation hides nothing."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN
from matplotlib.text import Annotation

from memfit.datasets.records import ImpedanceSpectrum
from memfit.fitting.result import FittedRecord
from memfit.model.parameters import Parameters
from memfit.model.smallsignal import impedance
from memfit.protocols import Drive, pulse_train
from memfit.reporting.content import Panel
from memfit.reporting.figures.marks import (
    close_log_axis,
    dots,
    few,
    hide_tick_labels,
    key,
    limits,
    linear_axis,
    log_axis,
    on_axis,
    place_axes,
    thinned,
    without_mathematics,
)
from memfit.reporting.figures.records import ROW, WIDTH, autocorrelation, records_figure, strip_of
from memfit.reporting.figures.spectra import draw_nyquist, spectra_of
from memfit.reporting.figures.time import draw_direction, jumps, model_points, polygon, transient_of
from memfit.reporting.fit.curves import model_curve
from memfit.reporting.writers.folder import draw_panels

P = Parameters(R_b=12e3, C_m=1.1e-6, i_c0=0.9e-3, V_T=0.95, V_m=0.055, tau_d=0.012, tau_k=0.025, R_s=0.0)


@pytest.fixture
def axes():
    figure = Figure(figsize=(3, 3))
    FigureCanvasAgg(figure)
    return figure.add_axes((0.1, 0.1, 0.8, 0.8))


def fitted_spectrum(bias, frequency, predicted=None):
    Z = impedance(P, frequency, bias)
    record = ImpedanceSpectrum(name=f"{bias} V", frequency=frequency, impedance=Z, bias_voltage=bias)
    return FittedRecord(
        record=record,
        predicted=Z if predicted is None else predicted,
        sigma=np.abs(Z),
        used=np.ones(frequency.size, dtype=bool),
    )


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


@pytest.mark.parametrize(
    ("bounds", "labels"), [((0.5, 2e3), ["10⁰", "10¹", "10²", "10³"]), ((1.5, 6.0), ["2", "5"])]
)
def test_decades_are_labelled(axes, bounds, labels):
    log_axis(axes, "x", bounds)
    axes.get_figure().canvas.draw()
    assert [text.get_text() for text in axes.texts] == labels


def test_keys_write_symbols_with_their_index(axes):
    texts = key(axes, [("black", "R_a"), ("black", "plain")], title="What")
    assert [text.get_text() for text in texts] == ["What", "R", "plain"]
    assert "a" in [text.get_text() for text in axes.texts]


def test_few_keeps_the_ends():
    assert few(3) == [0, 1, 2]
    assert few(100, 5) == [0, 25, 50, 74, 99]


def test_an_ohm_is_as_long_upward_as_to_the_right(axes):
    frequency = np.logspace(-1, 5, 40)
    draw_nyquist(axes, spectra_of([fitted_spectrum(0.6, frequency), fitted_spectrum(0.9, frequency)], P))
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    assert (x1 - x0) == pytest.approx(y1 - y0)
    Z = impedance(P, frequency, 0.6) / 1e3
    assert x0 < Z.real.min() < Z.real.max() < x1
    assert y0 < (-Z.imag).min() < (-Z.imag).max() < y1


def test_a_resonance_between_two_frequencies_does_not_shrink_the_data(axes):
    frequency = np.logspace(-1, 5, 7)
    spectra = spectra_of([fitted_spectrum(0.8215, frequency)], P)
    draw_nyquist(axes, spectra)
    largest = np.abs(spectra[0].record.impedance).max()
    assert np.abs(spectra[0].model[1]).max() > 5.0 * largest
    assert axes.get_xlim()[1] - axes.get_xlim()[0] < 3.5 * largest / 1e3


def test_the_model_is_drawn_in_closed_form_where_it_is_what_was_fitted():
    frequency = np.logspace(-1, 5, 20)
    finer, Z = model_curve(fitted_spectrum(0.9, frequency), P)
    assert finer.size > 4 * frequency.size
    assert pytest.approx(impedance(P, finer, 0.9)) == Z
    assert np.abs(np.diff(Z)).max() < 0.07 * np.abs(Z).max()
    other = fitted_spectrum(0.9, frequency, impedance(P, frequency, 0.9) + 2j * np.pi * frequency * 1e-6)
    assert np.array_equal(model_curve(other, P)[1], other.predicted)
    assert model_curve(fitted_spectrum(0.9, frequency))[0].size == frequency.size


def test_spectra_stand_in_order_of_bias():
    frequency = np.logspace(0, 2, 5)
    spectra = spectra_of([fitted_spectrum(b, frequency) for b in (1.2, 0.85)], P)
    assert [spectrum.label for spectrum in spectra] == ["0.85 V", "1.20 V"]


def test_residuals_of_used_points_only(fitted):
    strip = strip_of(fitted[0], "0.68 V")
    assert strip.coordinate.size == fitted[0].record.points - 1
    assert [name for name, _ in strip.parts] == ["Z′", "Z″"]


def test_autocorrelation_of_a_known_series(rng):
    white = rng.standard_normal(4000)
    smooth = np.convolve(white, [1.0, 1.0], "valid")
    assert autocorrelation(smooth)[0] == pytest.approx(0.5, abs=0.03)
    assert np.abs(autocorrelation(white)).max() < 0.07
    assert autocorrelation(np.ones(5)).size == 0
    assert autocorrelation(np.zeros(0)).size == 0


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


def test_a_sweep_under_current_control_has_its_model_in_voltage(of_kind):
    item = of_kind["iv"]
    record = replace(item.record, control="current")
    turned = FittedRecord(record=record, predicted=record.voltage + 1.0, sigma=item.sigma, used=item.used)
    voltage, current = model_points(turned)
    assert np.array_equal(voltage, record.voltage + 1.0)
    assert np.array_equal(current, record.current)


def test_arrows_point_along_the_course(axes):
    linear_axis(axes, "x", (0.0, 1.0))
    linear_axis(axes, "y", (0.0, 1.0))
    draw_direction(axes, np.linspace(0, 1, 50), np.zeros(50))
    arrows = [text for text in axes.texts if isinstance(text, Annotation)]
    assert len(arrows) == 4
    assert all(arrow.xy[0] > arrow.xyann[0] for arrow in arrows)
    draw_direction(axes, np.zeros(50), np.zeros(50))
    draw_direction(axes, np.zeros(3), np.zeros(3))
    assert sum(isinstance(text, Annotation) for text in axes.texts) == 4


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


def test_each_kind_of_record_is_asked_for_by_its_own_functions(of_kind):
    with pytest.raises(TypeError, match="expected a transient"):
        transient_of(of_kind["iv"])
    assert mpl.rcParams["svg.hashsalt"] is None


@pytest.mark.parametrize(
    ("bounds", "few_of_them"), [((3.2, 21.0), ("5", "7", "15")), ((0.4, 8.0), ("0.5", "2", "5"))]
)
def test_a_short_logarithmic_axis_has_each_number_once(axes, bounds, few_of_them):
    close_log_axis(axes, "x", bounds)
    axes.figure.canvas.draw()
    drawn = [text.get_text() for text in axes.texts]
    drawn += [text.get_text() for text in axes.get_xticklabels(which="both")]
    shown = [text for text in drawn if text]
    assert len(shown) == len(set(shown))
    assert set(few_of_them) <= set(shown)


def test_labels_of_decades_stand_outside_the_curve_and_inside_the_axes(axes):
    frequency = np.geomspace(1e5, 0.1, 31)
    (spectrum,) = spectra_of([fitted_spectrum(0.9, frequency)], P)
    draw_nyquist(axes, [spectrum], label_decades=True)
    axes.figure.canvas.draw()
    labels = [text for text in axes.texts if isinstance(text, Annotation)]
    frame = axes.get_window_extent()
    assert labels
    for label in labels:
        box = label.get_window_extent()
        assert frame.x0 < 0.5 * (box.x0 + box.x1) < frame.x1
        assert frame.y0 < 0.5 * (box.y0 + box.y1) < frame.y1


def test_symbols_on_axes_are_plain_for_the_pointer():
    assert on_axis("tau_d") == "$τ_{d}$"
    assert without_mathematics(f"{on_axis('V_m')} (mV)") == "Vm (mV)"
    assert without_mathematics("anneal_time {1} (min)") == "anneal_time {1} (min)"
    assert without_mathematics(r"cost_per_cm2 (\$)") == "cost_per_cm2 ($)"


def test_labels_of_records_stand_clear_of_the_numbers():
    seen = []

    def draw(figure):
        records_figure(figure, [fitted_spectrum(0.9, np.geomspace(0.1, 1e6, 40)).record], {})
        seen.append(figure)

    draw_panels([Panel(key="records", draw=draw, caption="", alt="", width=WIDTH, height=ROW)], {"png"})
    FigureCanvasAgg(seen[0]).draw()  # at one resolution, as all extents are asked for
    for axes in seen[0].axes:
        numbers = [text.get_window_extent() for text in axes.texts if text.get_text()]
        assert len(numbers) > 5
        for label in (axes.xaxis.label, axes.yaxis.label):
            assert not any(label.get_window_extent().overlaps(box) for box in numbers), label.get_text()
