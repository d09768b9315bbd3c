"""Workbooks and parquet files: each sheet is a generic table, which goes the way of a text file with tabs.

XLSX (ECMA-376) is a zip of XML; before anything is unpacked its size, its compression and its XML heads are
looked at, so that a bomb is refused and not opened. Old .xls needs xlrd, parquet needs pyarrow; both are
optional.

Sheets of a Keithley 4200, in workbooks or as text, are in volt, ampere and second by the instrument's
habit: a first line of terminals' names, "AV,AI,Time" or "AnodeI,AnodeV", then rows; several sweeps stand
side by side with their number behind each name, "Time(1),AI(1),AV(1),Time(2),...".
"""

import contextlib
import io
import math
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from memfit.errors import DependencyError, FileFormatError
from memfit.loaders.raw import DAMAGE, MAX_LINES, FileSettings, RawTable, Reader, Source
from memfit.loaders.tables import SEPARATORS, Column, number, read_block, read_text_tables, split_fields
from memfit.units import find_unit

_CONDITION = re.compile(r"\d ?m?V(?![A-Za-z])", re.IGNORECASE)
"""A bias or a scan rate in the title of a sheet."""


@dataclass(frozen=True)
class Settings:
    """Limits of a workbook."""

    unpacked: int = 64 * 1024**2
    """Largest sum of the unpacked parts, in bytes."""
    ratio: int = 200
    """Most a part of more than a megabyte may grow when unpacked."""
    parts: int = 5000
    sheets: int = 200
    cells: int = 2_000_000
    few: int = 6
    """Cells of a column beside a table that are notes."""
    seen: int = 10_000
    """Rows in which notes are looked for."""


SETTINGS = Settings()

_NAMES = re.compile(r"[A-Za-z]\w*?[VI]")
_NUMBERED = re.compile(r"(?P<name>[A-Za-z]\w*)\((?P<number>\d+)\)")
_FORMULA = re.compile(r"[A-Z][A-Z0-9_]*")
_TERMINALS = ("A", "B", "C", "D", "Anode", "Cathode")

_DAMAGED = (
    "expected a workbook, found a damaged one that cannot be read; copy the file again, or open it in a "
    "spreadsheet program and save it as XLSX or CSV."
)


@dataclass(frozen=True)
class Sheet:
    """The cells of one sheet."""

    title: str
    rows: list[tuple[object, ...]]
    hidden: bool = False
    hidden_rows: tuple[int, ...] = ()
    """Numbers of rows that are not shown, from 1."""

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
        rows = self.rows[: SETTINGS.seen]
        cells = [(i, cell) for row in rows for i, cell in enumerate(row) if cell not in (None, "")]
        numbers = Counter(i for i, cell in cells if isinstance(cell, int | float))
        filled = Counter(i for i, _ in cells)
        last = max((i for i, count in numbers.items() if count > SETTINGS.few), default=None)
        right = [i for i in filled if last is not None and i > last]
        if last is None or not right or max(filled[i] for i in right) > SETTINGS.few or min(right) < last + 2:
            return frozenset()
        return frozenset(range(last + 1, max(right) + 1))


def _cell_text(cell: object) -> str:
    """A cell as a field of a text table."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return "nan" if math.isnan(cell) else repr(cell)
    return " ".join(str(cell).split())


def _read_xlsx(source: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of all sheets that have one."""
    _check_zip(source)
    import openpyxl  # noqa: PLC0415 - a heavy library, needed for workbooks only

    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # styles and extensions that openpyxl leaves out
            book = openpyxl.load_workbook(
                io.BytesIO(source.data), read_only=True, data_only=True, keep_links=False
            )
            sheets = [
                Sheet(
                    sheet.title,
                    _limited(sheet.iter_rows(values_only=True)),
                    sheet.sheet_state != "visible",
                    _hidden_rows(source, str(getattr(sheet, "_worksheet_path", ""))),
                )
                for sheet in book.worksheets
            ]
    except DAMAGE as error:
        raise source.error(_DAMAGED) from error
    if sum(len(row) for sheet in sheets for row in sheet.rows) > SETTINGS.cells:
        raise source.error(f"expected at most {SETTINGS.cells} cells, found more.")
    filled = [sheet for sheet in sheets if any(cell is not None for row in sheet.rows for cell in row)]
    return _tables(source, filled, settings)


def _limited(cells: Iterable[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Rows until the limit of cells; one cell more than allowed is enough to refuse."""
    rows: list[tuple[object, ...]] = []
    count = 0
    for row in cells:
        rows.append(row)
        count += len(row)
        if count > SETTINGS.cells:
            break
    return rows


_HIDDEN_ROW = re.compile(rb"""<row\b(?=[^>]*\bhidden=["'](?:1|true)["'])[^>]*?\br=["'](\d{1,9})["']""")


def _hidden_rows(source: Source, part: str) -> tuple[int, ...]:
    """Numbers of the rows of a sheet that are hidden, which openpyxl does not say when it only reads."""
    with zipfile.ZipFile(io.BytesIO(source.data)) as archive:
        if part not in archive.namelist():
            return ()
        return tuple(int(row) for row in _HIDDEN_ROW.findall(archive.read(part)))


def _check_zip(source: Source) -> None:
    """Refuse what would unpack to too much, or declares entities."""
    try:
        with zipfile.ZipFile(io.BytesIO(source.data)) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            grown = any(
                p.file_size > 2**20 and p.file_size > SETTINGS.ratio * max(p.compress_size, 1) for p in parts
            )
            if unpacked > SETTINGS.unpacked or grown or len(parts) > SETTINGS.parts:
                raise source.error(
                    f"expected a workbook of at most {SETTINGS.unpacked // 2**20} MB unpacked; found "
                    f"{unpacked / 2**20:.0f} MB in {len(parts)} parts. Export the sheet as CSV."
                )
            if sum(part.filename.startswith("xl/worksheets/sheet") for part in parts) > SETTINGS.sheets:
                raise source.error(f"expected at most {SETTINGS.sheets} sheets, found more.")
            for part in parts:
                if not part.filename.endswith((".xml", ".rels")):
                    continue
                with archive.open(part) as stream:
                    if b"<!DOCTYPE" in stream.read(4096).upper():
                        raise source.error("expected a workbook without document types (DOCTYPE).")
    except DAMAGE as error:
        raise source.error(_DAMAGED) from error


def _read_xls(source: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of an old workbook, as the Keithley 4200 writes them, where xlrd is installed."""
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
        count = min(int(book.nsheets), SETTINGS.sheets + 1)
        sheets = [_old_sheet(book.sheet_by_index(i), book.datemode, source) for i in range(count)]
    except (*DAMAGE, xlrd.XLRDError, xlrd.compdoc.CompDocError, AssertionError) as error:
        raise source.error(_DAMAGED) from error
    if len(sheets) > SETTINGS.sheets:
        raise source.error(f"expected at most {SETTINGS.sheets} sheets, found more.")
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
    if width * sheet.nrows > SETTINGS.cells:
        raise source.error(
            f"expected at most {SETTINGS.cells} cells in a sheet, found {sheet.nrows} rows of {width}; "
            "export the sheet as CSV."
        )
    rows = [tuple(map(cell, sheet.row_values(i), sheet.row_types(i))) for i in range(sheet.nrows)]
    return Sheet(sheet.name, [row + (None,) * (width - len(row)) for row in rows], bool(sheet.visibility))


def _tables(source: Source, sheets: Sequence[Sheet], settings: FileSettings) -> list[RawTable]:
    """Tables of the sheets; a sheet of numbers that cannot be read is an error, one of words is not.

    A sheet of a Keithley 4200 is read by the names in its first row. Three rows with two numbers may be a
    table.
    """
    tables: list[RawTable] = []
    refused: FileFormatError | None = None
    several, words = len(sheets) > 1, list[str]()
    sheets, left_out = _chosen(source, sheets, settings)
    for sheet in sheets:
        text = sheet.as_source(source)
        try:
            read = (
                _read_sheet(text, settings) if _recognises_sheet(text) else read_text_tables(text, settings)
            )
        except FileFormatError as error:
            if not _has_numbers(sheet.rows):
                words.append(repr(sheet.title))
            elif refused is None:
                refused = error
                others = [other.title for other in sheets if other is not sheet]
                if others:
                    refused = FileFormatError(
                        f"{error} To leave this sheet out say which to read in device.toml: "
                        f'sheet = "{others[0]}".'
                    )
            continue
        told = several or _CONDITION.search(sheet.title)
        part = f"sheet {sheet.title}" if told else ""
        notes = [*left_out, *(["Cells beside the table were left out."] if sheet.beside else [])]
        if sheet.hidden_rows:
            shown = ", ".join(map(str, sheet.hidden_rows[:8])) + (
                ", ..." if len(sheet.hidden_rows) > 8 else ""
            )
            notes.append(
                f"{len(sheet.hidden_rows)} rows of the sheet are hidden (row {shown}); they are read."
            )
        tables += [
            replace(t, part=", ".join(filter(None, (part, t.part))), notes=(*t.notes, *notes)) for t in read
        ]
    if refused is not None:
        raise refused
    if not tables:
        found = f"words only in {', '.join(words)}" if words else "none"
        raise source.error(f"expected a sheet with a header and rows of numbers, found {found}.")
    if words:
        which = f"sheet {words[0]} has" if len(words) == 1 else f"sheets {', '.join(words)} have"
        said = f"The {which} no table of numbers and {'was' if len(words) == 1 else 'were'} left out."
        tables = [replace(table, notes=(*table.notes, said)) for table in tables]
    return tables


def _chosen(source: Source, sheets: Sequence[Sheet], settings: FileSettings) -> tuple[list[Sheet], list[str]]:
    """The sheets that device.toml names, else those that are shown; and what is left out."""
    if settings.sheet:
        titles = [sheet.title for sheet in sheets]
        missing = [title for title in settings.sheet if title not in titles]
        if missing:
            raise source.error(
                f"expected the sheet {missing[0]!r} that device.toml names; found "
                f"{', '.join(map(repr, titles[:12])) or 'none'}."
            )
        return [sheet for sheet in sheets if sheet.title in settings.sheet], []
    shown = [sheet for sheet in sheets if not sheet.hidden]
    notes = [
        f"The sheet {sheet.title!r} is hidden and was left out; `sheet` in device.toml chooses it."
        for sheet in sheets
        if sheet.hidden and _has_numbers(sheet.rows)
    ]
    if not shown and notes:
        named = next(sheet.title for sheet in sheets if _has_numbers(sheet.rows))
        raise source.error(
            f'expected a sheet that is shown; say sheet = "{named}" in device.toml to read it.'
        )
    return shown, notes


def _has_numbers(rows: Sequence[tuple[object, ...]]) -> bool:
    """True if a sheet has at least three rows with two numbers, so that it may be a table.

    Numbers may be texts, as in a sheet that was pasted or that another language wrote.
    """

    def a_number(cell: object) -> bool:
        if isinstance(cell, str):
            value = number(cell.replace(",", "."))
            return value is not None and math.isfinite(value)
        return isinstance(cell, int | float) and not isinstance(cell, bool)

    return sum(sum(map(a_number, row)) >= 2 for row in rows[:200]) >= 3


def _names_of_sheet(line: str) -> tuple[list[str], str]:
    """Names in the first line of a 4200's sheet, and what parts them."""
    separator = next((mark for mark in SEPARATORS[:3] if mark in line), ",")
    names = split_fields(line.strip(), separator)
    while names and not names[-1]:
        names.pop()
    return names, separator


def _sweeps(names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Names of voltage, current and time of each sweep of a 4200; nothing if it is no such sheet.

    One sweep, or several with their number behind each name. Of the terminals one has both a voltage and a
    current. Names in capitals may stand beside Time and terminals of the usual names: the formulas of the
    user, whose cells are empty or "#REF" in most rows.
    """
    numbered = [match for label in names if (match := _NUMBERED.fullmatch(label))]
    by_number: dict[str, list[str]] = {}
    for match in numbered if len(numbered) == len(names) else ():
        by_number.setdefault(f"({match['number']})", []).append(match["name"])
    sweeps = []
    for suffix, own in (by_number or {"": list(names)}).items():
        others = {name for name in own if name != "Time"}
        pairs = [name for name in own if name.endswith("V") and f"{name[:-1]}I" in others]
        if len(others) < 2 or len(pairs) != 1:
            return []
        terminal = pairs[0][:-1]
        formulas = [name for name in others if not _NAMES.fullmatch(name)]
        usual = "Time" in own and terminal in _TERMINALS
        if formulas and not (usual and all(map(_FORMULA.fullmatch, formulas))):
            return []
        sweeps.append((f"{terminal}V{suffix}", f"{terminal}I{suffix}", f"Time{suffix}"))
    return sweeps


def _recognises_sheet(source: Source) -> bool:
    """True for a first line of terminals' names, such as "AV,AI,Time" or "AI(1),AV(1),AI(2),..."."""
    return bool(_sweeps(_names_of_sheet(source.head.split("\n", 1)[0])[0]))


def _read_sheet(source: Source, settings: FileSettings) -> list[RawTable]:
    """The sweeps of a 4200, as text or as the sheet of a workbook."""
    names, separator = _names_of_sheet(source.head.split("\n", 1)[0])
    sweeps = _sweeps(names)
    if not sweeps:
        raise source.error("expected names such as AV,AI,Time in the first line.", line=1)
    read = {name for sweep in sweeps for name in sweep}
    known = [i for i, name in enumerate(names) if name in read]
    plain = [name.lower() for name in names]
    tables = []
    for count, (voltage, current, time) in enumerate(sweeps, start=1):
        columns = [
            Column(plain.index(name.lower()), name, role, find_unit(unit))
            for role, name, unit in (
                ("voltage", voltage, "V"),
                ("current", current, "A"),
                ("time", time, "s"),
            )
            if name.lower() in plain
        ]
        columns.sort(key=lambda column: column.index)
        lines: Sequence[str] = source.lines[1:]
        if len(sweeps) > 1:  # beside a longer sweep the cells of a shorter one are empty at the end
            cells = [split_fields(line, separator) for line in lines]
            filled = [any(c.index < len(row) and row[c.index] for c in columns) for row in cells]
            end = max((i for i, is_full in enumerate(filled, start=1) if is_full), default=0)
            some = [any(row) for row in cells]  # a row that is empty in all of them is told
            lines = [
                *lines[:end],
                *("" if is_full else line for line, is_full in zip(lines[end:], some[end:], strict=True)),
            ]
        block = read_block(source, columns, names, 1, lines=lines, also=known)
        habit = f"{voltage} and {current} are taken as V and A, as the 4200 writes them."
        table = RawTable(
            columns=block.columns,
            others=block.others,
            part=f"sweep {count} of {len(sweeps)}" if len(sweeps) > 1 else "",
            metadata={"instrument": "Keithley 4200"},
            notes=(habit, *block.notes),
        )
        tables.append(table)
    return tables


def _read_parquet(source: Source, settings: FileSettings) -> list[RawTable]:
    """The table of a parquet file, by the names of its columns ("Voltage (V)")."""
    try:
        import pyarrow.parquet  # noqa: PLC0415 - optional and heavy
    except ImportError as error:
        raise DependencyError(
            f"{source.name}: reading parquet needs pyarrow (pip install pyarrow); or save the table as CSV."
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = pyarrow.parquet.ParquetFile(io.BytesIO(source.data))
            if file.metadata.num_rows > MAX_LINES:
                raise source.error(f"expected at most {MAX_LINES} rows, found more.")
            table = file.read()
            columns = [table.column(name).to_pylist() for name in table.column_names]
    except (*DAMAGE, pyarrow.lib.ArrowException) as error:
        raise source.error(f"the parquet file is damaged ({error}).") from error
    rows = [tuple(table.column_names), *zip(*columns, strict=True)]
    return read_text_tables(Sheet("table", rows).as_source(source), settings)


SHEET = Reader("Keithley 4200", _recognises_sheet, _read_sheet)
PARQUET = Reader(
    "parquet table", lambda s: s.data.startswith(b"PAR1"), _read_parquet, frozenset({".parquet"})
)
XLS = Reader(
    "XLS workbook",
    lambda s: s.data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    _read_xls,
    frozenset({".xls"}),
)
XLSX = Reader(
    "XLSX workbook",
    lambda s: s.data.startswith(b"PK\x03\x04") and (b"xl/" in s.data or s.suffix == ".xlsx"),
    _read_xlsx,
    frozenset({".xlsx", ".xlsm"}),
)
