"""Figures of the page are plain data with the numbers of the records."""

import json

import numpy as np
import pytest

from memfit.app.live import Live
from memfit.app.pictures import axis, colours_of, overview, plain, thumbnail
from memfit.loaders.device import load_device


@pytest.fixture(scope="module")
def live(sample_data):
    records = load_device(sample_data / "mapbi3_c").records
    return Live(records, [np.ones(record.points, dtype=bool) for record in records])


@pytest.mark.parametrize("spectra", ["modulus", "nyquist"])
@pytest.mark.parametrize("current", ["linear", "log"])
def test_all_data_are_in_four_panels(live, spectra, current):
    shown = live.measured_traces(spectra, current)
    figures = overview(live, shown, shown, [], spectra, current)
    assert [len(figure["data"]) for figure in figures] == [16, 16, 6, 6]
    text = json.dumps(figures)
    assert "NaN" not in text
    assert "Infinity" not in text
    first = live.records[0]
    if spectra == "modulus":
        assert figures[0]["data"][0]["y"] == pytest.approx(np.abs(first.impedance), rel=1e-5)
        assert figures[0]["layout"]["xaxis"]["type"] == "log"
    assert figures[2]["layout"]["yaxis"]["title"]["text"].endswith("Current (µA)") or current == "log"


def test_what_is_no_number_is_none():
    assert plain(np.array([1.0, np.nan, np.inf, 1234567.0])) == [1.0, None, None, 1234570.0]
    assert axis("x", log=True, bounds=(1.0, 100.0))["range"] == pytest.approx([-0.12, 2.12])


def test_a_picture_carries_itself(live):
    assert {thumbnail(record)[:26] for record in live.records} == {"data:image/svg+xml;base64,"}
    assert len(set(colours_of(live.records)[:8])) == 8
