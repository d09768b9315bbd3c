"""Rows: the quick way gives what the careful one gives, or leaves them to it; nothing is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memfit.errors import FileFormatError
from memfit.loaders.raw import Source
from memfit.loaders.registry import read_source
from memfit.loaders.tables.layout import Layout
from memfit.loaders.tables.rows import TextTable, _read_lines, _read_plain

numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["0", "-0", "+1.", ".5", "1e5", "2E-3", "007", "-1.50e+02"]),
)


def table(text, fields=3, separator=",", decimal="."):
    layout = Layout(separator, decimal, fields)
    labels = [f"column {number}" for number in range(fields)]
    return TextTable(text=text, start=0, first_line=4, layout=layout, wanted=(2, 0), labels=labels, file="x")


@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=20), st.sampled_from("\t;,"))
def test_the_same_bits(rows, separator):
    text = "".join(separator.join(row) + "\n" for row in rows)
    quick, careful = (read(table(text, separator=separator)) for read in (_read_plain, _read_lines))
    assert quick is not None
    for a, b in zip((*quick.columns, quick.lines), (*careful.columns, careful.lines), strict=True):
        assert a.tobytes() == b.tobytes()
    assert (quick.breaks, quick.notes) == (careful.breaks, careful.notes) == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3\n4,5,6",
        "1,2,3\n\n4,5,6\n",
        "1,2,3\n# a remark\n4,5,6\n",
        "1,2\n",
        "1,2,3,\n",
        "1,2, 3\n",
        "1,nan,3\n",
        "1,2,1e999\n",
        "1,2,1d3\n",
        "1,2,x\n",
        "٣,2,3\n",
        "",
    ],
)
def test_what_is_odd_is_left_to_the_careful_way(text):
    assert _read_plain(table(text)) is None


def test_other_layouts_are_left_to_the_careful_way():
    assert _read_plain(table("1 2 3\n", separator=" ")) is None
    assert _read_plain(table("1;2;3\n", separator=";", decimal=",")) is None


def test_long_tables_that_end_badly_are_refused_at_once():
    """No pattern tries again what it has read."""
    assert _read_plain(table("11111,22222,33333\n" * 20_000 + "1,2,\n")) is None


F = np.geomspace(1e5, 1, 21)
Z = 20 + 1e4 / (1 + 1j * F / 100)
LABELS = "Frequency (Hz),Z_real (ohm),Z_imag (ohm)"


def spectrum(separator=",", head=LABELS, beside=()):
    lines = [[f"{f:.6g}", f"{z.real:.7g}", f"{z.imag:.7g}", *beside] for f, z in zip(F, Z, strict=True)]
    return [separator.join(head.split(",")), *map(separator.join, lines)]


def read(lines):
    return read_source(Source("x.csv", "\n".join([*lines, ""]).encode()))


@pytest.mark.parametrize(
    "error",
    [
        "#NUM!",
        "#N/A",
        "#DIV/0!",
        "#VALUE!",
        "#REF!",
        "#NAME?",
        "#WERT!",
        "#ZAHL!",
        "#NV",
        "#¡DIV/0!",
        "#VALEUR!",
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_error_of_a_spreadsheet_is_told_with_its_place(error, place, separator):
    lines = spectrum(separator)
    for k in (7, 9):
        cells = lines[k].split(separator)
        cells[place] = error
        lines[k] = separator.join(cells)
    with pytest.raises(
        FileFormatError, match=f"line 8, column '{LABELS.split(',')[place][:6]}.*{error[1:3]}"
    ):
        read(lines)


def test_marked_lines_among_the_rows_are_named():
    lines = spectrum()
    lines.insert(8, "# lamp switched off")
    lines[12] = "# " + lines[12]
    (record,) = read(lines)
    assert record.points == 20
    assert "2 lines marked with # were left out among the rows (lines 9, 13)." in record.notes


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("separator", [",", "\t", " "])
@pytest.mark.parametrize("long", [False, True])
def test_a_row_that_lacks_a_cell_is_refused(place, separator, long):
    head = "Frequency(Hz),Z_real(ohm),Z_imag(ohm),GD,Range"
    lines = spectrum(separator, head, beside=("0", "1"))
    lines += lines[1:] * 1500 if long else []
    cells = lines[7].split(separator)
    del cells[place]
    lines[7] = separator.join(cells)
    with pytest.raises(FileFormatError, match="line 8: expected a row of 5 fields"):
        read(lines)


def test_empty_cells_at_the_end_may_be_missing():
    lines = spectrum(head="Frequency (Hz),Z_real (ohm),Z_imag (ohm),Comment", beside=("",))
    lines[5] = lines[5].rstrip(",")
    (record,) = read(lines)
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-6)


def test_every_column_that_is_not_read_is_listed():
    lines = spectrum(head="Frequency (Hz),Z_real (ohm),Z_imag (ohm),GD,Range", beside=("0", "1"))
    (record,) = read(lines)
    assert "Not read: the columns 'GD', 'Range'." in record.notes


def test_a_value_that_stands_in_the_first_row_only_holds_for_those_below():
    lines = spectrum(head="Frequency (Hz),Z_real (ohm),Z_imag (ohm),DC bias (V)", beside=("",))
    lines[1] += "0.5"
    (record,) = read(lines)
    assert record.bias_voltage == 0.5
    assert any("20 empty cells of 'DC bias (V)'" in note for note in record.notes)


def test_rows_without_an_impedance_are_left_out_and_named():
    """The dc rows in front of a spectrum."""
    lines = spectrum(head="Frequency (Hz),Z_real (ohm),Z_imag (ohm),DC bias (V)", beside=("0.4",))
    lines[1:1] = [",,,0.4"] * 4
    (record,) = read(lines)
    assert record.points == 21
    assert any(
        note.startswith("4 rows without numbers were left out (lines 2, 3, 4, 5") for note in record.notes
    )


def test_labels_that_come_again_are_told():
    rows = "0,0\n0.1,1e-6\n0.2,2e-6\n0.3,3e-6\n"
    text = f"Voltage (V),Current (A)\n{rows}Voltage (V),Current (A)\n0.1,1e-6\n"
    (record,) = read_source(Source("iv.csv", text.encode()))
    assert any("labels come again among the rows (line 6)" in note for note in record.notes)


@pytest.mark.parametrize("above", ["Bias: 0.5 V", "Bias,0.5,V", "Bias = 0.5 V,,"])
def test_a_further_table_with_its_own_settings_is_called_so(above):
    block = "Freq (Hz),Z' (ohm),Z'' (ohm)\n" + "".join(f"{2**k},{k + 5},{-k - 1}\n" for k in range(9))
    with pytest.raises(
        FileFormatError, match=r"line 13.*labels come again below it: put each table into a file"
    ):
        read_source(Source("x.csv", f"{above}\n{block}\n{above}\n{block}".encode()))


@pytest.mark.parametrize("cell", ["100,000.5", "100.000,5", "1'000.5"])
def test_marks_between_thousands_are_called_so(cell):
    text = "Freq (Hz);Z' (ohm);Z'' (ohm)\n" + f"{cell};5;-5\n" * 9
    with pytest.raises(FileFormatError, match="without marks between thousands"):
        read_source(Source("x.csv", text.encode()))
