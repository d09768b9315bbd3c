"""The numbers behind the figures are those that were drawn."""

from dataclasses import replace

import numpy as np
import pytest

from memfit.fitting.result import FittedRecord
from memfit.reporting.figures.records import autocorrelation_data, strip_of, strips_data
from memfit.reporting.figures.spectra import spectra_data, spectra_of
from memfit.reporting.figures.time import sweeps_data, transient_data
from memfit.reporting.fit.report import report_of


def test_every_figure_has_its_numbers(result, fitted):
    panels = report_of(result, fitted).panels
    assert all(panel.data for panel in panels)
    assert len({panel.key for panel in panels}) == len(panels)


def test_spectra_stand_end_to_end_with_their_bias(fitted):
    two = [item for item in fitted if item.record.kind == "impedance"][:2]
    unbiased = replace(two[1].record, bias_voltage=None)
    spectra = spectra_of([two[0], replace(two[1], record=unbiased)], None)
    columns = spectra_data(spectra)
    assert {values.size for values in columns.values()} == {two[0].record.points + two[1].record.points}
    known = columns["bias"][~np.isnan(columns["bias"])]
    assert np.array_equal(known, np.full(two[0].record.points, two[0].record.bias_voltage))


def test_sweeps_of_one_rate_are_told_apart(of_kind):
    item = of_kind["iv"]
    assert list(sweeps_data([item])) == ["voltage_V", "current_A", "model_voltage_V", "model_current_A"]
    twice = sweeps_data([item, item])
    assert len(twice) == 8
    assert "current_A (50 mV/s #2)" in twice


def test_a_transient_holds_drive_and_response(of_kind):
    item = of_kind["transient"]
    columns = transient_data(item)
    assert list(columns) == ["time_s", "drive_A", "response_V", "model_V"]
    assert np.array_equal(columns["model_V"], item.predicted)


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
