"""Tables of pandas are read as files are, and what becomes a table comes back."""

import numpy as np
import pandas as pd
import pytest
from devices import device

from memfit.datasets import content_digest
from memfit.errors import InputError
from memfit.loaders.frames import device_from_frames, record_from_frame


@pytest.fixture(scope="module")
def measured():
    return device()


def assert_same(again, record):
    """Equal to the last digit; the ramp of a sweep is found in its samples again, to rounding."""
    if record.kind == "iv":
        assert again.columns.keys() == record.columns.keys()
        for label, values in record.columns.items():
            assert np.array_equal(again.columns[label], values)
        assert np.array_equal(again.drive.time, record.drive.time)
        assert again.drive.value == pytest.approx(record.drive.value, abs=1e-12)
    else:
        assert content_digest(again) == content_digest(record)


def test_every_record_there_and_back(measured):
    for record in measured:
        again = record_from_frame(record.to_frame())
        assert_same(again, record)
        assert again.name == record.name
        assert again.origin.format == "table of pandas"


def test_a_whole_device_there_and_back(measured):
    table = measured.to_frame()
    assert list(table.columns[:2]) == ["record", "kind"]
    assert len(table) == sum(record.points for record in measured)
    again = device_from_frames(table, area="4 mm^2", temperature="295 K", attributes={"batch": 7})
    for one, record in zip(again, measured, strict=True):
        assert_same(one, record)
    assert (again.name, again.area, again.temperature) == (measured.name, pytest.approx(4e-6), 295.0)
    by_name = device_from_frames({record.name: record.to_frame() for record in measured}, "mine")
    for one, record in zip(by_name, measured, strict=True):
        assert_same(one, record)
    assert by_name.name == "mine"


def test_labels_and_units_as_in_files():
    frame = pd.DataFrame(
        {"Freq. (kHz)": [1.0, 0.1, 0.01], "Z' (kOhm)": [1.0, 2.0, 3.0], "-Z'' (kOhm)": [0.5, 1.0, 0.2]}
    )
    record = record_from_frame(frame, "mine", bias="800 mV")
    assert np.allclose(record.frequency, [1000.0, 100.0, 10.0])
    assert np.allclose(record.impedance, [1000 - 500j, 2000 - 1000j, 3000 - 200j])
    assert record.bias_voltage == pytest.approx(0.8)
    assert not any("device.toml" in note for note in record.notes)


def test_mistakes_are_told(measured):
    frame = measured.records[0].to_frame()
    with pytest.raises(InputError, match="did you mean 'bias'"):
        record_from_frame(frame, biass="0.8 V")
    with pytest.raises(InputError, match="Expected a unit of voltage"):
        record_from_frame(frame, bias="0.8 kg")
    with pytest.raises(InputError, match="areaa"):
        device_from_frames({"a": frame}, areaa=1.0)
    with pytest.raises(InputError, match='a column "record"'):
        device_from_frames(frame)
    with pytest.raises(InputError, match="found none"):
        device_from_frames({})
    with pytest.raises(InputError):
        record_from_frame(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]}))
