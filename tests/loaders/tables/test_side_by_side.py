"""Measurements side by side: which labels name them, and which are no measurements."""

import numpy as np
import pytest

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings
from memfit.loaders.registry import read_source
from memfit.loaders.source import Source
from memfit.loaders.tables.side_by_side import groups_of

V = np.concatenate([np.linspace(0, 1, 11), np.linspace(0.9, 0, 10)])


def table(*labels):
    columns = [V, *(k * 1e-6 * V for k in range(1, len(labels)))]
    rows = "".join(",".join(f"{x:.6g}" for x in row) + "\n" for row in zip(*columns, strict=True))
    return ",".join(labels) + "\n" + rows


def read(text, **settings):
    return read_source(Source("iv.csv", text.encode()), FileSettings(**settings))


@pytest.mark.parametrize(
    ("labels", "parts"),
    [
        (("Cycle 1 (A)", "Cycle 2 (A)"), ("Cycle 1", "Cycle 2")),
        (("Current dark (A)", "Current light (A)"), ("dark", "light")),
        (("Current 300 K (A)", "Current 320 K (A)"), ("300 K", "320 K")),
        (("I scan 1 (A)", "I scan 2 (A)", "I scan 3 (A)"), ("scan 1", "scan 2", "scan 3")),
    ],
)
def test_currents_beside_one_voltage(labels, parts):
    records = read(table("Voltage (V)", *labels))
    assert [record.origin.part for record in records] == list(parts)
    for k, record in enumerate(records, start=1):
        np.testing.assert_allclose(record.voltage, V, atol=1e-12)
        np.testing.assert_allclose(record.current, k * 1e-6 * V, atol=1e-15)


def test_scan_rates_in_the_labels_are_those_of_the_sweeps():
    slow, fast = read(table("Voltage (V)", "Current 0.1 V/s (A)", "Current 500 mV/s (A)"))
    assert (slow.scan_rate, fast.scan_rate) == (pytest.approx(0.1), pytest.approx(0.5))
    assert slow.time[-1] == pytest.approx(20.0)


def test_currents_that_may_be_terminals_are_asked_for():
    text = table("Voltage (V)", "I_1 (A)", "I_2 (A)")
    with pytest.raises(FileFormatError, match=r"I_1 \(A\).*each with its own name"):
        read(text)
    (record,) = read(text, columns={"current": "I_2 (A)"})
    np.testing.assert_allclose(record.current, 2e-6 * V, atol=1e-15)
    assert any("I_1 (A)" in note for note in record.notes)


def test_a_title_that_is_a_voltage_is_the_bias():
    labels = ("Frequency (Hz)", "Z' 0.3 V (ohm)", "Z'' 0.3 V (ohm)", "Z' 50 mV (ohm)", "Z'' 50 mV (ohm)")
    assert [group.bias.value for group in groups_of(labels)] == [0.3, 0.05]
    assert (
        groups_of(("Frequency (Hz)", "Z' data (ohm)", "Z'' data (ohm)", "Z' fit (ohm)", "Z'' fit (ohm)"))
        == []
    )
