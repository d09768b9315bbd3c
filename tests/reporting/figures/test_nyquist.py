"""Nyquist plots: equal axes, decade marks, and an inset where the frame holds a part."""

import numpy as np
import pytest
from drawing import P, fitted_spectrum
from matplotlib.text import Annotation

from memfit.model import impedance
from memfit.reporting.figures.nyquist import (
    curves_beyond,
    draw_nyquist,
    points_beyond,
)
from memfit.reporting.figures.spectra import (
    spectra_of,
)


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


def test_labels_of_decades_cover_neither_points_nor_each_other(axes):
    """Near the resonance too, where the frame holds a part of the spectrum."""
    for bias in (0.5, 0.8, 0.82, 0.84, 0.9, 1.0):
        axes.clear()
        spectra = spectra_of([fitted_spectrum(bias, np.geomspace(1e5, 0.1, 41))], P)
        draw_nyquist(axes, spectra, label_decades=True)
        axes.figure.canvas.draw()
        boxes = [text.get_window_extent() for text in axes.texts]
        assert boxes, bias
        unit = 1e3 if "k" in draw_nyquist(axes, spectra) else 1.0
        Z = spectra[0].record.impedance / unit
        dots = axes.transData.transform(np.column_stack([Z.real, -Z.imag]))
        for box in boxes:
            assert not any(box.contains(*dot) for dot in dots), bias
            assert sum(box.overlaps(other) for other in boxes) == 1, bias


def test_an_inset_shows_what_lies_outside_the_frame(axes):
    near_hopf = P.V_T - 1.62 * P.V_m
    biases = near_hopf + P.V_m * np.linspace(-1.0, 1.0, 21)
    frequency = np.geomspace(1e4, 0.1, 60)
    sharpest = max(biases, key=lambda u: float(np.abs(impedance(P, frequency, u)).max()))
    spectra = spectra_of([fitted_spectrum(sharpest, frequency)], P)
    assert points_beyond(spectra, whole=False) > 0
    draw_nyquist(axes, spectra, label_decades=True)
    (inset,) = axes.child_axes
    assert np.ptp(inset.get_xlim()) > 2.0 * np.ptp(axes.get_xlim())
    (words,) = [text.get_text() for text in inset.texts]
    assert words.startswith("to ")
    assert words.endswith("Ω")
    outline = max((line.get_xydata() for line in inset.get_lines()), key=len)
    for values, bounds in zip(outline.T, (inset.get_xlim(), inset.get_ylim()), strict=True):
        assert bounds[0] < values.min() < values.max() < bounds[1], "the whole arc"


def inside(axes, Z):
    """Whether a curve (kohm) lies in the frame."""
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    return bool(np.all((Z.real > x0) & (Z.real < x1) & (-Z.imag > y0) & (-Z.imag < y1)))


@pytest.mark.parametrize("label_decades", [False, True])
def test_the_arc_between_the_points_is_in_the_frame(axes, label_decades):
    """The largest |Z| lies between two frequencies, a third above what was measured."""
    frequency = np.geomspace(1e5, 0.1, 31)
    spectra = spectra_of([fitted_spectrum(0.89, frequency)], P)
    largest, model = np.abs(spectra[0].record.impedance).max(), spectra[0].model[1]
    assert 1.1 * largest < np.abs(model).max() < 1.6 * largest
    draw_nyquist(axes, spectra, label_decades=label_decades)
    assert inside(axes, model / 1e3)
    assert axes.child_axes == []
    assert not curves_beyond(spectra, whole=not label_decades)


def test_an_inset_shows_a_resonance_between_two_frequencies(axes):
    spectra = spectra_of([fitted_spectrum(0.8215, np.logspace(-1, 5, 7))], P)
    assert points_beyond(spectra, whole=True) == 0
    assert curves_beyond(spectra, whole=True)
    draw_nyquist(axes, spectra)
    (inset,) = axes.child_axes
    outline = max((line.get_xydata() for line in inset.get_lines()), key=len)
    assert inside(inset, outline[:, 0] - 1j * outline[:, 1])


def test_no_inset_where_the_frame_holds_all(axes):
    spectra = spectra_of([fitted_spectrum(0.5, np.geomspace(1e4, 0.1, 60))], P)
    assert points_beyond(spectra, whole=False) == 0
    draw_nyquist(axes, spectra, label_decades=True)
    assert axes.child_axes == []
