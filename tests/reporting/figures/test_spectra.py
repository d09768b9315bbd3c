"""Spectra as they are drawn: the frame, the order, the labels, and the numbers behind them."""

from dataclasses import replace

import numpy as np
import pytest
from drawing import P, fitted_spectrum
from matplotlib.text import Annotation

from memfit.model import impedance
from memfit.reporting.figures.spectra import draw_nyquist, spectra_data, spectra_of


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


def test_spectra_stand_in_order_of_bias():
    frequency = np.logspace(0, 2, 5)
    spectra = spectra_of([fitted_spectrum(b, frequency) for b in (1.2, 0.85)], P)
    assert [spectrum.label for spectrum in spectra] == ["0.85 V", "1.20 V"]


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


def test_spectra_stand_end_to_end_with_their_bias(fitted):
    two = [item for item in fitted if item.record.kind == "impedance"][:2]
    unbiased = replace(two[1].record, bias_voltage=None)
    spectra = spectra_of([two[0], replace(two[1], record=unbiased)], None)
    columns = spectra_data(spectra)
    assert {values.size for values in columns.values()} == {two[0].record.points + two[1].record.points}
    known = columns["bias"][~np.isnan(columns["bias"])]
    assert np.array_equal(known, np.full(two[0].record.points, two[0].record.bias_voltage))
