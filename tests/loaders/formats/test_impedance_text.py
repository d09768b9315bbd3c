"""Small text formats: NOVA's exports are known by their labels, the others by how they begin."""

import numpy as np
import pytest

from memfit.errors import FileFormatError
from memfit.loaders.raw import Source
from memfit.loaders.registry import read_source

F = np.geomspace(1e5, 1.0, 12)
Z = 35.0 + 1e5 / (1.0 + 2j * np.pi * F * 1e-3)
LABELS = ("Index", "Frequency (Hz)", "Z' (Ω)", "-Z'' (Ω)", "Z (Ω)", "-Phase (°)")


def scan(separator: str, decimal: str) -> str:
    columns = zip(np.arange(1, 13), F, Z.real, -Z.imag, abs(Z), -np.degrees(np.angle(Z)), strict=True)
    rows = [separator.join(f"{value:.12g}".replace(".", decimal) for value in row) for row in columns]
    return "\r\n".join([separator.join(LABELS), *rows, ""])


@pytest.mark.parametrize(
    ("separator", "decimal"), [(";", "."), (";", ","), ("\t", "."), ("\t", ","), (",", ".")]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_frequency_scan(separator, decimal, encoding):
    (record,) = read_source(Source("scan_0.5V.txt", scan(separator, decimal).encode(encoding)))
    assert record.origin.format == "Autolab NOVA text"
    assert record.bias_voltage == 0.5
    assert record.frequency == pytest.approx(F, rel=1e-11)
    assert record.impedance == pytest.approx(Z, rel=1e-10)


def test_a_voltammogram():
    text = "Potential applied (V);Time (s);WE(1).Current (A);WE(1).Potential (V)\n"
    text += "".join(f"{v};{t};{1e-3 * v};{v}\n" for t, v in enumerate([0.0, 0.1, 0.2, 0.3, 0.2, 0.1, 0.0]))
    (record,) = read_source(Source("cv.txt", text.encode()))
    assert (record.origin.format, record.kind, record.points) == ("Autolab NOVA text", "iv", 7)


def test_other_tables_are_not_taken_for_it():
    text = scan(";", ".").replace("Z' (Ω);-Z''", "Z_real (ohm);-Z''")
    (record,) = read_source(Source("scan.txt", text.encode()))
    assert record.origin.format == "table"
    assert record.impedance == pytest.approx(Z, rel=1e-10)


def points(separator: str = "\t") -> str:
    return "".join(
        f"{f:.10g}{separator}{z.real:.10g}{separator}{z.imag:.10g}\n" for f, z in zip(F, Z, strict=True)
    )


ZPLOT = "ZPLOT2 ASCII\nData Points: {count}\n  Freq(Hz)\tZ'(a)\tZ''(b)\nEnd Comments\n"
RELAXIS = "RelaxIS 3.0 Spectrum export\nData: Frequency\tData: Z'\tData: Z''\nDC=-0.08, TM=33.7\tDC=-0.08\t\n"
P00 = "title\n\n\n f/Hz Z'/Ohm Z''/Ohm\n{count}\n"


@pytest.mark.parametrize(
    ("name", "head", "form", "bias"),
    [
        ("a.z", ZPLOT.format(count=12), "ZPlot/ZView", None),
        ("a.z", "Z60W Data File\n" + ZPLOT.format(count=12), "Autolab Z60W", None),
        ("a.txt", RELAXIS, "RelaxIS text", -0.08),
        ("a.i2b", "a sample\n\n12\n", "Elchemea i2b", None),
        ("a.p00", P00.format(count=12), "EIS P00", None),
    ],
)
def test_spectra_below_a_line_of_labels(name, head, form, bias):
    (record,) = read_source(Source(name, (head + points()).encode()))
    assert (record.origin.format, record.bias_voltage) == (form, bias)
    assert record.frequency == pytest.approx(F, rel=1e-9)
    assert record.impedance == pytest.approx(Z, rel=1e-9)
    assert not any("announces" in note for note in record.notes)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.z", ZPLOT.format(count=48)),
        ("a.i2b", "a sample\n\n48\n"),
        ("a.p00", P00.format(count=48)),
    ],
)
def test_fewer_points_than_announced_are_told(name, head):
    (record,) = read_source(Source(name, (head + points()).encode()))
    assert "The header announces 48 points and the file has 12." in record.notes


def test_nine_numbers_a_point_each_on_its_line():
    numbers = [x for f, z in zip(F, Z, strict=True) for x in (f, z.real, -z.imag, *[0.0] * 6)]
    text = "VERSION8.0\n12\n0\n" + "".join(f"{x:.10g}\n" for x in numbers)
    (record,) = read_source(Source("a.dfr", text.encode()))
    assert record.impedance == pytest.approx(Z, rel=1e-9)
    (cut,) = read_source(Source("a.dfr", text[: text.rindex("0\n0\n")].encode()))
    assert "12 points and the file has 11: it is cut." in cut.notes[0]
    with pytest.raises(FileFormatError, match="line 5: expected one number, found 'x'"):
        read_source(Source("a.dfr", text.replace("\n0\n", "\n0\n1\nx\n", 1).encode()))


def dfr_lines():
    points = zip(F, Z.real, -Z.imag, strict=True)
    return ["VERSION8.0", "12", "1", *(f"{x:.10g}" for point in points for x in (*point, *[0.0] * 6))]


@pytest.mark.parametrize("at", [3, 4, 5, 40, 100])
@pytest.mark.parametrize("left", [None, ""])
def test_a_lost_number_shifts_no_others(at, left):
    lines = dfr_lines()
    lines[at : at + 1] = [] if left is None else [left]
    with pytest.raises(FileFormatError, match=r"a line is lost|empty line|expected one number"):
        read_source(Source("a.dfr", ("\n".join(lines) + "\n").encode()))


def test_the_bias_with_its_unit_beside_it():
    rows = "".join(f"{f:.10g},0.2,{z.real:.10g},{z.imag:.10g}\n" for f, z in zip(F, Z, strict=True))
    (record,) = read_source(Source("a.csv", f"Freq(Hz),Bias(V),Z'(a),Z''(b)\n{rows}".encode()))
    assert record.bias_voltage == 0.2


def test_empty_rows_at_the_top_are_counted():
    (record,) = read_source(Source("a.txt", f"{RELAXIS}\t\t\n{points()}".encode()))
    assert record.points == 12
    assert "1 empty row was left out." in record.notes


@pytest.mark.parametrize(("name", "bias"), [("eis_0V5.csv", 0.5), ("-0V15.csv", -0.15), ("A0V5B.csv", None)])
def test_a_volt_sign_in_place_of_the_point(name, bias):
    (record,) = read_source(Source(name, f"f (Hz)\tZ' (ohm)\tZ'' (ohm)\n{points()}".encode()))
    assert record.bias_voltage == bias
