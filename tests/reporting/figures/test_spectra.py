"""Spectra as they are drawn: the frame, the order, the labels, and the numbers behind them."""

from dataclasses import replace

import numpy as np
from drawing import P, fitted_spectrum

from memfit.reporting.figures.spectra import (
    spectra_data,
    spectra_of,
)


def test_spectra_stand_in_order_of_bias():
    frequency = np.logspace(0, 2, 5)
    spectra = spectra_of([fitted_spectrum(b, frequency) for b in (1.2, 0.85)], P)
    assert [spectrum.label for spectrum in spectra] == ["0.85 V", "1.20 V"]


def test_spectra_stand_end_to_end_with_their_bias(fitted):
    two = [item for item in fitted if item.record.kind == "impedance"][:2]
    unbiased = replace(two[1].record, bias_voltage=None)
    spectra = spectra_of([two[0], replace(two[1], record=unbiased)], None)
    columns = spectra_data(spectra)
    assert {values.size for values in columns.values()} == {two[0].record.points + two[1].record.points}
    known = columns["bias"][~np.isnan(columns["bias"])]
    assert np.array_equal(known, np.full(two[0].record.points, two[0].record.bias_voltage))
