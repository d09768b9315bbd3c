"""ASCII files of the 4294A and 4395A: traces one below the other."""

import numpy as np
import pytest

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings
from memfit.loaders.registry import read_source
from memfit.loaders.source import Source

FREQUENCY = np.geomspace(40, 1e6, 25)
Z = 50 + 1e4 / (1 + 2j * np.pi * FREQUENCY * 1e-5)
NOTHING = np.zeros(25)


def block(trace, labels, *columns):
    head = "\t".join(f'"{label}"' for label in ("Frequency", *labels))
    rows = "".join("\t".join(f"{x:.6e}" for x in row) + "\n" for row in zip(FREQUENCY, *columns, strict=True))
    return f'"TRACE: {trace}"\n"FORMAT: ?"\n\n{head}\n{rows}\n'


SHOWN = ("Data Trace Real", "Data Trace Imag")
TRACES = block("A", SHOWN, np.abs(Z), NOTHING) + block("B", SHOWN, np.angle(Z, deg=True), NOTHING)


def read(text, *labels):
    return read_source(Source("z.txt", f'"4294A"\n{text}'.encode()), FileSettings(columns=labels))


def test_the_data_array_is_resistance_and_reactance():
    both = ("Data Real", "Data Imag", *SHOWN)
    text = block("A", both, Z.real, Z.imag, np.abs(Z), NOTHING) + block(
        "B", both, Z.real, Z.imag, Z.imag, NOTHING
    )
    (record,) = read(text)
    assert record.origin.format == "Agilent 4294A/4395A ASCII"
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-6)
    np.testing.assert_allclose(record.frequency, FREQUENCY, rtol=1e-6)


def test_what_the_traces_showed_is_asked_and_then_read():
    with pytest.raises(FileFormatError, match="trace A and trace B"):
        read(TRACES)
    (record,) = read(TRACES, "Frequency (Hz)", "|Z| (ohm)", "Phase (deg)")
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-5)


def test_a_complex_trace_has_both_parts():
    (record,) = read(block("A", SHOWN, Z.real, Z.imag), "Frequency (Hz)", "Z_real (ohm)", "Z_imag (ohm)")
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "labels", "words"),
    [
        (TRACES, ("Frequency (Hz)", "|Z|", "Phase (deg)"), "labels with units"),
        (TRACES.replace("TRACE: B", "TRACE: A"), (), "twice"),
        (block("A", SHOWN, Z.real, NOTHING), ("f (Hz)", "|Z| (ohm)", "Phase (deg)"), "two traces"),
        (block("A", ("Memory Real",), Z.real), (), "Data Trace Real"),
        (TRACES.replace("4.000000e+01\t", "4.1e+01\t", 1), ("f (Hz)", "|Z| (ohm)", "Phase (deg)"), "same f"),
    ],
)
def test_damaged_traces_are_refused(text, labels, words):
    with pytest.raises(FileFormatError, match=words):
        read(text, *labels)


def test_rows_that_are_empty_are_counted():
    text = block("A", ("Data Real", "Data Imag"), Z.real, Z.imag)
    lines = text.split("\n")
    lines[9] = "\t\t"
    (record,) = read("\n".join(lines))
    assert record.points == 24
    assert any("1 empty row was left out" in note for note in record.notes)
