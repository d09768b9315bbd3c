"""Workbooks: hidden sheets and rows, sheets of words, and numbers that are texts."""

import io

import numpy as np
import openpyxl
import pytest

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, Source
from memfit.loaders.registry import read_source


def workbook(hidden=(), hidden_rows=(), more=()):
    book = openpyxl.Workbook()
    book.remove(book.active)
    f = np.geomspace(1e5, 1, 21)
    for number, title in enumerate(("data", "old trial")):
        sheet = book.create_sheet(title)
        z = (1 + number) * (20 + 1e4 / (1 + 1j * f / 100))
        sheet.append(["Frequency (Hz)", "Z_real (ohm)", "Z_imag (ohm)"])
        for row in zip(f.tolist(), z.real.tolist(), z.imag.tolist(), strict=True):
            sheet.append(row)
        sheet.sheet_state = "hidden" if title in hidden else "visible"
        for row in hidden_rows:
            sheet.row_dimensions[row].hidden = True
    for title, cells in more:
        sheet = book.create_sheet(title, 0)
        for row in cells:
            sheet.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return Source("book.xlsx", packed.getvalue())


def test_sheets_that_are_hidden_are_named_and_can_be_chosen():
    (record,) = read_source(workbook(hidden=["old trial"]))
    assert any("The sheet 'old trial' is hidden and was left out" in note for note in record.notes)
    assert len(read_source(workbook())) == 2
    (old,) = read_source(workbook(hidden=["old trial"]), FileSettings(sheet=("old trial",)))
    np.testing.assert_allclose(old.impedance, 2 * record.impedance)
    with pytest.raises(FileFormatError, match=r"expected the sheet 'new'.*'data', 'old trial'"):
        read_source(workbook(), FileSettings(sheet=("new",)))


def test_rows_that_are_hidden_are_named():
    records = read_source(workbook(hidden_rows=[5, 6]))
    assert all("2 rows of the sheet are hidden (row 5, 6); they are read." in r.notes for r in records)


WORDS = [["Device 7B, made on a Monday"], ["contact", "silver paste"], ["Area", 0.04, "cm2"]]


def test_a_sheet_of_words_is_left_out_and_named():
    records = read_source(workbook(more=[("Notes", WORDS)]))
    assert [record.points for record in records] == [21, 21]
    said = "The sheet 'Notes' has no table of numbers and was left out."
    assert all(said in record.notes for record in records)
    records = read_source(workbook(more=[("Notes", WORDS), ("Log", WORDS[:1]), ("Sheet1", [])]))
    assert "The sheets 'Log', 'Notes' have no table of numbers and were left out." in records[0].notes


def test_a_workbook_of_words_is_called_so():
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    for row in WORDS:
        book.active.append(row)
    packed = io.BytesIO()
    book.save(packed)
    with pytest.raises(FileFormatError, match=r"book\.xlsx: expected .*found words only in 'Notes'\."):
        read_source(Source("book.xlsx", packed.getvalue()))


@pytest.mark.parametrize("cells", [["1,5", "2,5"], ["1.5", "2.5"], [1.5, 2.5]])
def test_a_sheet_of_numbers_that_cannot_be_read_is_no_sheet_of_words(cells):
    with pytest.raises(FileFormatError, match=r"sheet 'odd'.*To leave this sheet out"):
        read_source(workbook(more=[("odd", [["foo", "bar"], *[cells] * 5])]))
