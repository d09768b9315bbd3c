"""XLSX workbooks (ECMA-376): each sheet is a generic table.

A workbook is a zip of XML; before anything is unpacked its size, its compression and its XML heads are
looked at, so that a bomb is refused and not opened. A sheet then goes the way of a text file with tabs.
"""

import contextlib
import io
import math
import warnings
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from memfit.errors import DependencyError, FileFormatError
from memfit.loaders.formats import keithley_4200
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import DAMAGE, Source
from memfit.loaders.tables.read import read_text_tables

NAME = "XLSX workbook"

MAX_UNPACKED = 64 * 1024**2
"""Largest sum of the unpacked parts, in bytes."""
MAX_RATIO = 200
"""Most a part of more than a megabyte may grow when unpacked."""
MAX_SHEETS = 200
MAX_CELLS = 2_000_000

_DAMAGED = (
    "expected a workbook, found a damaged one that cannot be read; copy the file again, or open it in a "
    "spreadsheet program and save it as XLSX or CSV."
)
_FEW = 6
"""Cells of a column beside a table that are notes."""
_SEEN = 10_000
"""Rows in which notes are looked for."""


@dataclass(frozen=True)
class Sheet:
    """The cells of one sheet."""

    title: str
    rows: list[tuple[object, ...]]

    def as_source(self, book: Source) -> Source:
        """The sheet as a text with tabs; row numbers stay what they are."""
        beside = self.beside
        lines = [
            "\t".join(_cell_text(cell) for i, cell in enumerate(row) if i not in beside) for row in self.rows
        ]
        name = f"{book.name}, sheet {self.title!r}"
        return Source(name, ("\n".join(lines) + "\n").encode("utf-8", errors="replace"), book.companions)

    @cached_property
    def beside(self) -> frozenset[int]:
        """Columns of a few words right of the table: notes that somebody wrote beside it."""
        cells = [
            (i, cell) for row in self.rows[:_SEEN] for i, cell in enumerate(row) if cell not in (None, "")
        ]
        numbers = Counter(i for i, cell in cells if isinstance(cell, int | float))
        filled = Counter(i for i, _ in cells)
        last = max((i for i, count in numbers.items() if count > _FEW), default=None)
        if last is None:
            return frozenset()
        right = [i for i in filled if i > last]
        if not right or max(filled[i] for i in right) > _FEW or min(right) < last + 2:
            return frozenset()
        return frozenset(range(last + 1, max(right) + 1))


def recognises(source: Source) -> bool:
    """True for a zip that has a workbook inside."""
    return source.data.startswith(b"PK\x03\x04") and (b"xl/" in source.data or source.suffix == ".xlsx")


def recognises_old(source: Source) -> bool:
    """True for the compound files of Excel before 2007 (.xls), as the Keithley 4200 writes them."""
    return source.data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


def read_old(source: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of an old workbook, where xlrd is installed.

    Raises
    ------
    DependencyError
        xlrd is not installed.
    FileFormatError
        The workbook is damaged or has no table.
    """
    try:
        import xlrd  # noqa: PLC0415 - optional
    except ImportError as error:
        raise DependencyError(
            f"{source.name}: reading old Excel files (.xls) needs xlrd (pip install 'memfit[excel]'); "
            "or save the file as XLSX or CSV."
        ) from error
    try:
        book = xlrd.open_workbook(
            file_contents=source.data, logfile=io.StringIO(), on_demand=True, ragged_rows=True
        )
        count = min(int(book.nsheets), MAX_SHEETS + 1)
        sheets = [_old_sheet(book.sheet_by_index(i), book.datemode, source) for i in range(count)]
    except (*DAMAGE, xlrd.XLRDError, xlrd.compdoc.CompDocError, AssertionError) as error:
        raise FileFormatError(_DAMAGED, file=source.name) from error
    if len(sheets) > MAX_SHEETS:
        raise FileFormatError(f"expected at most {MAX_SHEETS} sheets, found more.", file=source.name)
    return _tables(source, sheets, settings)


def _old_sheet(sheet: Any, datemode: int, source: Source) -> Sheet:
    """A sheet of an old workbook; numbers stay numbers, dates become dates, errors become words."""
    import xlrd  # noqa: PLC0415 - optional

    def cell(value: object, kind: int) -> object:
        if kind in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_TEXT):
            return value
        if kind == xlrd.XL_CELL_DATE and isinstance(value, float):
            return xlrd.xldate_as_datetime(value, datemode)
        if kind == xlrd.XL_CELL_ERROR:
            return "#ERROR"
        return None if kind in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK) else str(bool(value))

    width = max((sheet.row_len(i) for i in range(sheet.nrows)), default=0)
    if width * sheet.nrows > MAX_CELLS:
        raise FileFormatError(
            f"expected at most {MAX_CELLS} cells in a sheet, found {sheet.nrows} rows of {width}; export the "
            "sheet as CSV.",
            file=source.name,
        )
    rows = [tuple(map(cell, sheet.row_values(i), sheet.row_types(i))) for i in range(sheet.nrows)]
    return Sheet(sheet.name, [row + (None,) * (width - len(row)) for row in rows])


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of all sheets that have one.

    Raises
    ------
    FileFormatError
        No sheet has a table, or the workbook is damaged.
    """
    return _tables(source, open_sheets(source), settings)


def _tables(source: Source, sheets: Sequence[Sheet], settings: FileSettings) -> list[RawTable]:
    """Tables of the sheets; a sheet of numbers that cannot be read is an error, one of words is not."""
    tables: list[RawTable] = []
    refused: list[tuple[Sheet, FileFormatError]] = []
    for sheet in sheets:
        try:
            found = _sheet_tables(sheet.as_source(source), settings)
        except FileFormatError as error:
            refused.append((sheet, error))
            continue
        part = f"sheet {sheet.title}" if len(sheets) > 1 else ""
        notes = ("Cells beside the table were left out.",) if sheet.beside else ()
        tables += [
            replace(t, part=", ".join(word for word in (part, t.part) if word), notes=(*t.notes, *notes))
            for t in found
        ]
    numeric = [error for sheet, error in refused if _has_numbers(sheet.rows)]
    if numeric:
        raise numeric[0]
    if not tables:
        raise FileFormatError(
            "expected a sheet with a header and rows of numbers, found none.", file=source.name
        )
    return tables


def _sheet_tables(sheet: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of a sheet: of a Keithley 4200 by the names in its first row, else a table with units."""
    if keithley_4200.recognises(sheet):
        return keithley_4200.read(sheet, settings)
    return read_text_tables(sheet, settings)


def open_sheets(source: Source) -> list[Sheet]:
    """The sheets of a workbook that have cells.

    Raises
    ------
    FileFormatError
        The file is damaged, or too large when unpacked.
    """
    _check_zip(source)
    import openpyxl  # noqa: PLC0415 - a heavy library, needed for workbooks only

    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # styles and extensions that openpyxl leaves out
            book = openpyxl.load_workbook(
                io.BytesIO(source.data), read_only=True, data_only=True, keep_links=False
            )
            sheets = [
                Sheet(sheet.title, _rows(sheet.iter_rows(values_only=True))) for sheet in book.worksheets
            ]
    except DAMAGE as error:
        raise FileFormatError(_DAMAGED, file=source.name) from error
    if sum(len(row) for sheet in sheets for row in sheet.rows) > MAX_CELLS:
        raise FileFormatError(f"expected at most {MAX_CELLS} cells, found more.", file=source.name)
    return [sheet for sheet in sheets if any(cell is not None for row in sheet.rows for cell in row)]


def _rows(cells: object) -> list[tuple[object, ...]]:
    """Rows until the limit of cells; one cell more than allowed is enough to refuse."""
    rows: list[tuple[object, ...]] = []
    count = 0
    for row in cells:  # type: ignore[attr-defined]
        rows.append(row)
        count += len(row)
        if count > MAX_CELLS:
            break
    return rows


def _check_zip(source: Source) -> None:
    """Refuse what would unpack to too much, or declares entities."""
    try:
        with zipfile.ZipFile(io.BytesIO(source.data)) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            grown = [
                p for p in parts if p.file_size > 2**20 and p.file_size > MAX_RATIO * max(p.compress_size, 1)
            ]
            if unpacked > MAX_UNPACKED or grown or len(parts) > 5000:
                raise FileFormatError(
                    f"expected a workbook of at most {MAX_UNPACKED // 2**20} MB unpacked; found "
                    f"{unpacked / 2**20:.0f} MB in {len(parts)} parts. Export the sheet as CSV.",
                    file=source.name,
                )
            if sum(part.filename.startswith("xl/worksheets/sheet") for part in parts) > MAX_SHEETS:
                raise FileFormatError(f"expected at most {MAX_SHEETS} sheets, found more.", file=source.name)
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as stream:
                        if b"<!DOCTYPE" in stream.read(4096).upper():
                            raise FileFormatError(
                                "expected a workbook without document types (DOCTYPE).", file=source.name
                            )
    except DAMAGE as error:
        raise FileFormatError(_DAMAGED, file=source.name) from error


def _cell_text(cell: object) -> str:
    """A cell as a field of a text table."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return "nan" if math.isnan(cell) else repr(cell)
    return " ".join(str(cell).split())


def _has_numbers(rows: Sequence[tuple[object, ...]]) -> bool:
    """True if a sheet has at least three rows with two numbers, so that it may be a table."""
    numeric = sum(
        sum(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in row) >= 2
        for row in rows[:200]
    )
    return numeric >= 3
