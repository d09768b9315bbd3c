"""Residuals strip by strip, and records as they were read."""

from dataclasses import replace

import numpy as np
import pytest
from drawing import fitted_spectrum
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from memfit.datasets import ImpedanceSpectrum
from memfit.fitting import FittedRecord
from memfit.reporting.content import Panel
from memfit.reporting.figures.records import (
    ROW,
    WIDTH,
    autocorrelation,
    autocorrelation_data,
    records_figure,
    strip_of,
    strips_data,
)
from memfit.reporting.writers.folder import draw_panels


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


def test_residuals_and_their_autocorrelation(of_kind):
    item = of_kind["iv"]
    alternating = np.where(np.arange(item.record.points) % 2 == 0, 1.0, -1.0)
    item = FittedRecord(
        record=item.record,
        predicted=item.record.current - alternating,
        sigma=np.ones_like(alternating),
        used=item.used,
    )
    strip = strip_of(item, "50 mV/s")
    assert strips_data([strip])["residual (50 mV/s)"] == pytest.approx(alternating)
    assert autocorrelation_data([strip])["autocorrelation (50 mV/s)"][0] == pytest.approx(-1.0, abs=0.01)


def test_a_resonance_does_not_shrink_the_other_spectra():
    frequency = np.geomspace(1e4, 0.1, 30)
    Z = 1e3 / (1 + 0.01j * frequency)
    calm = ImpedanceSpectrum(name="a", frequency=frequency, impedance=Z, bias_voltage=0.1)
    sharp = calm.impedance.copy()
    sharp[10] *= 500.0
    figure = Figure(figsize=(8, 4))
    resonant = replace(calm, name="b", impedance=sharp)
    records_figure(figure, [calm, replace(calm, name="c"), resonant], {})
    nyquist = figure.axes[0]
    assert np.ptp(nyquist.get_xlim()) < 3000.0, "ohm or kiloohm, but not the resonance"
    assert "1 point far beyond the others outside" in [text.get_text() for text in nyquist.texts]
