"""Rows of text into columns of numbers, with the line and the column of whatever is wrong.

Small tables are read line by line, so that an error can name its line and column. Tables of many lines
go through pandas' compiled parser first and come back here only if it finds something odd.
"""

import io
import math
import re
import warnings
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import FileFormatError
from memfit.loaders.tables.layout import End, Layout, end_notes, judge_last, seconds

_BIG = 20_000
"""Lines from which the compiled parser is worth its import."""
_SEEN_FOR_END = 20
"""Rows by which a last line without line end is judged."""
_SEEN_FOR_THOUSANDS = 500
"""Rows that are looked at for thousands separators."""
SETTLING = 2000
"""Rows in which the decimal mark is looked for."""
_MOST_CELLS = 200_000
"""Cells of columns that are not read up to which they are kept, to tell measurements apart."""
_MOST_NAMED = 40
"""Columns that a note lists."""
_ERROR_CELL = re.compile(r"#¡?[^\W\d_a-z][^\Wa-z]*(?:/[0A-Z])?[!?]?")
"""What a spreadsheet writes where a formula fails, in any language: #NUM!, #N/A, #DIV/0!, #WERT!."""
_PLAIN = r"[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """Where the rows of a table are in a text, and how they are written."""

    text: str
    start: int
    """Offset of the first row in the text."""
    first_line: int
    """Number of the first row's line, from 1."""
    layout: Layout
    wanted: Sequence[int]
    """Indices of the fields to read."""
    labels: Sequence[str]
    """Header labels of all fields, for messages."""
    file: str
    needed: Sequence[int] = ()
    """Indices of fields that make a row: where all of them are empty it is none. By default all wanted."""

    carried: Sequence[int] = ()
    """Indices of fields whose empty cells are those above: written in the first of several rows only."""

    def error(self, message: str, line: int, index: int | None = None) -> FileFormatError:
        """An error that names the file, the line and the field by its label, else by its number."""
        column: str | int | None = None if index is None else index + 1
        if index is not None and index < len(self.labels) and self.labels[index]:
            column = self.labels[index]
        return FileFormatError(message, file=self.file, line=line, column=column)


_LINES_ABOVE = 20
"""Lines of settings that may stand above the labels of a further table."""
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d+)?")
_MOST_FIELDS = 500
"""Fields of a row that one pattern holds: a pattern of many takes longer than the rows."""


@dataclass
class Rows:
    """Columns as they are collected."""

    columns: list[FloatArray]
    """One array per wanted field."""
    lines: FloatArray
    """Line number (from 1) of each row."""
    breaks: list[int] = field(default_factory=list)
    """Indices of rows that follow a blank line or a repeated header."""
    notes: list[str] = field(default_factory=list)


def read_rows(table: TextTable) -> Rows:
    """Read the rows of a table until the end of the text.

    Parameters
    ----------
    table : TextTable

    Raises
    ------
    FileFormatError
        A row is broken, a number is missing or not finite.
    """
    _check_thousands(table)
    if table.text.count("\n", table.start) > _BIG:
        rows = _read_fast(table)
        if rows is not None:
            rows.lines = table.first_line + np.arange(rows.columns[0].size, dtype=np.float64)
            return rows
    return _read_plain(table) or _read_lines(table)


def _read_plain(table: TextTable) -> Rows | None:
    """All rows at once where every line holds its numbers and nothing else; None where one does not.

    What it reads, `_read_lines` reads to the same bits; a device of fifteen files waits half as long.
    """
    separator = table.layout.separator
    body = table.text[table.start :]
    fields = table.layout.fields
    if table.layout.decimal != "." or separator == " " or not max(table.wanted) < fields <= _MOST_FIELDS:
        return None
    if _plain_rows(separator, fields).fullmatch(body) is None:
        return None
    values = np.array([float(text) for text in body[:-1].replace("\n", separator).split(separator)])
    columns = values.reshape(-1, fields)[:, list(table.wanted)].T.copy()
    if not np.isfinite(columns).all():
        return None
    return Rows(list(columns), table.first_line + np.arange(columns.shape[1], dtype=np.float64))


@lru_cache(maxsize=64)
def _plain_rows(separator: str, fields: int) -> re.Pattern[str]:
    """One line or more of so many plain numbers; never tried twice at one place."""
    row = re.escape(separator).join([rf"(?>{_PLAIN})"] * fields)
    return re.compile(rf"(?:(?>{row}\n))++")


def _check_thousands(table: TextTable) -> None:
    """Refuse columns whose decimal mark groups thousands: 1.234 beside 562 in a column of whole numbers.

    Raises
    ------
    FileFormatError
        Every entry is a whole number below 1000 or has exactly three digits behind its mark, both occurring.
    """
    mark = re.escape(table.layout.decimal)
    grouped, whole = re.compile(rf"[+-]?[1-9]\d{{0,2}}{mark}\d{{3}}"), re.compile(r"[+-]?\d{1,3}")
    first: dict[int, tuple[int, str]] = {}
    plain: set[int] = set()
    open_columns = set(table.wanted)
    for line, row, _ in islice(_numbered_lines(table), _SEEN_FOR_THOUSANDS):
        if not open_columns:
            return
        if table.layout.decimal not in row and not first and line > table.first_line + 50:
            return
        fields = table.layout.split(row)
        for index in tuple(open_columns):
            text = fields[index] if index < len(fields) else ""
            if grouped.fullmatch(text):
                first.setdefault(index, (line, text))
            elif whole.fullmatch(text):
                plain.add(index)
            elif text:
                open_columns.discard(index)
    for index in sorted(open_columns & plain & first.keys()):
        line, text = first[index]
        raise table.error(
            f"expected numbers without marks between thousands; {text!r} stands in a column of whole numbers "
            "and may be one or a thousand times as much: export the table without thousands separators.",
            line,
            index,
        )


def _read_fast(table: TextTable) -> Rows | None:
    """All rows by pandas; None if there is anything but clean numbers."""
    import pandas as pd  # noqa: PLC0415 - half a second that small files need not wait

    exact = (
        {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
    )
    layout, text, notes = table.layout, table.text, list[str]()
    end = text.rfind("\n") + 1
    if end < len(text):
        recent = text[max(table.start, end - 20_000) : end].split("\n")[-1 - _SEEN_FOR_END : -1]
        judged = _judge_line(text[end:], recent, table)
        notes = end_notes(judged, table.first_line + text.count("\n", table.start))
        end = end if judged == "half" else len(text)
    body = io.BytesIO(text[table.start : end].encode("utf-8"))
    separator = r"\s+" if layout.separator == " " else layout.separator
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            frame = pd.read_csv(  # type: ignore[call-overload]
                body, sep=separator, decimal=layout.decimal, header=None, skip_blank_lines=False,
                na_values=[], keep_default_na=False, index_col=False, dtype=np.float64, **exact,
            )  # fmt: skip
    except (ValueError, TypeError, OverflowError, Warning):
        return None
    if frame.shape[1] != layout.fields or frame.isna().to_numpy().any():  # a row with fewer fields
        return None
    columns = [np.ascontiguousarray(frame[index].to_numpy()) for index in table.wanted]
    if any(not np.isfinite(column).all() for column in columns):
        return None
    return Rows(columns, np.empty(0), notes=notes)


def _judge_line(line: str, before: Iterable[str], table: TextTable) -> End:
    """Whether a line without line end is whole, judged by the lines before it.

    A cut leaves fewer fields, or a last number that is shorter than all others are. What follows the last
    field that is wanted does not matter.
    """
    layout = table.layout
    rows = [row for row in before if row.strip()]
    fields, others = layout.split(line), [layout.split(row) for row in rows]
    if len(fields) <= max(table.wanted) or len(fields) < min(map(len, others), default=0):
        return "half"
    index = len(fields) - 1
    if index not in table.wanted or line != line.rstrip(" \t"):
        return "whole"
    if rows and all(row != row.rstrip(" \t") for row in rows):
        return "half"
    return judge_last(fields[-1], [other[index] for other in others if len(other) > index], layout)


def _numbered_lines(table: TextTable) -> Iterator[tuple[int, str, bool]]:
    """(line number, line, has a line end) without a list of all lines."""
    text, position, line = table.text, table.start, table.first_line
    while position < len(text):
        end = text.find("\n", position)
        if end < 0:
            yield line, text[position:], False
            return
        yield line, text[position:end], True
        position, line = end + 1, line + 1


def _read_lines(table: TextTable) -> Rows:
    """All rows in Python, with the line and the column of whatever is wrong."""
    columns = [array("d") for _ in table.wanted]
    numbers = array("d")
    rows = Rows([], np.empty(0))
    empty, blank, pending = 0, 0, False
    marked: list[int] = []
    again: list[int] = []
    without: list[int] = []
    recent: deque[str] = deque(maxlen=_SEEN_FOR_END)
    header = [label.strip().lower() for label in table.labels]
    for line, row, ended in _numbered_lines(table):
        comment = row.lstrip().startswith("#") and not is_failed_row(row, table.layout)
        if not row.strip(" \t,;\x00\x1a") or comment:
            pending = bool(numbers) and (pending or not row.strip(" \t\x00\x1a"))
            written = bool(row.strip(" \t\x00\x1a"))
            empty += written and not comment
            blank += not written and "\t" in row
            marked += [line] if comment and numbers else []
            continue
        if not ended:
            judged = _judge_line(row, recent, table)
            rows.notes += end_notes(judged, line)
            if judged == "half":
                break
        fields = table.layout.split(row)
        if header and [name.lower() for name in fields[: len(header)]] == header:
            pending = bool(numbers)
            again += [line] if numbers else []
            continue
        values = _row_values(fields, table, line, recent[-1] if recent else "")
        if values is None:
            numbers_in = (table.layout.number(fields[i]) for i in table.wanted)
            if any(value is not None and not math.isnan(value) for value in numbers_in):
                without.append(line)
            else:
                empty += 1
            continue
        empty, blank = empty + blank, 0  # tabs alone are a row where rows follow
        if pending:
            rows.breaks.append(len(numbers))
            pending = False
        for column, value in zip(columns, values, strict=True):
            column.append(value)
        numbers.append(line)
        recent.append(row)
    empty += blank
    if empty:
        rows.notes.append(f"{empty} empty {'row was' if empty == 1 else 'rows were'} left out.")
    if without:
        names = ", ".join(
            repr(table.labels[i]) for i in table.needed or table.wanted if i < len(table.labels)
        )
        what = "row without numbers was" if len(without) == 1 else "rows without numbers were"
        rows.notes.append(f"{len(without)} {what} left out ({_lines(without)}; of {names}).")
    if again:
        rows.notes.append(f"The labels come again among the rows ({_lines(again)}).")
    if marked:
        what = "line marked with # was" if len(marked) == 1 else "lines marked with # were"
        rows.notes.append(f"{len(marked)} {what} left out among the rows ({_lines(marked)}).")
    rows.lines = np.array(numbers, dtype=np.float64)
    rows.columns = [
        _carried_down(np.array(column, dtype=np.float64), table, index, rows)
        for column, index in zip(columns, table.wanted, strict=True)
    ]
    return rows


def _carried_down(values: FloatArray, table: TextTable, index: int, rows: Rows) -> FloatArray:
    """A column whose empty cells repeat the one above."""
    empty = np.isnan(values)
    if not empty.any():
        return values
    if empty[0]:
        raise table.error(
            "expected a finite number, found an empty cell or NaN; mend the value or remove the row.",
            int(rows.lines[0]),
            index,
        )
    last = np.maximum.accumulate(np.where(empty, 0, np.arange(values.size)))
    count = int(np.count_nonzero(empty))
    rows.notes.append(f"{count} empty cells of {table.labels[index]!r} are read as the one above them.")
    return values[last]


def _lines(numbers: Sequence[int]) -> str:
    """Numbers of lines, to show."""
    shown = ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")
    return f"line{'' if len(numbers) == 1 else 's'} {shown}"


def is_failed_row(line: str, layout: Layout) -> bool:
    """Whether a line that begins with # is a row of a spreadsheet whose first cell is an error.

    Parameters
    ----------
    line : str
    layout : Layout
        Of the rows.
    """
    fields = layout.split(line)
    return (
        _ERROR_CELL.fullmatch(fields[0]) is not None
        and len(fields) >= max(layout.fields, 2)
        and any(layout.number(text) is not None and text != "" for text in fields[1:])
    )


def _mend(table: TextTable, line: int, cell: str = "") -> str:
    """What to do about a line that is no row: another table may begin there, or thousands be grouped."""
    below = table.text.split("\n", line + _LINES_ABOVE)[line : line + _LINES_ABOVE]
    if table.labels and any(table.layout.split(text) == list(table.labels) for text in below):
        return "the labels come again below it: put each table into a file of its own"
    if _GROUPED.fullmatch(cell):
        return "write numbers without marks between thousands"
    return "mend or remove the line"


def _row_values(fields: list[str], table: TextTable, line: int, before: str) -> list[float] | None:
    """The wanted fields of one row as finite floats; None if those that make a row are empty.

    A row with fewer fields than those before lacks a cell, nobody knows which; only cells at the end that the
    row before has empty may be missing.
    """

    def short(text: str) -> str:
        return text if len(text) <= 40 else text[:37] + "..."

    layout = table.layout
    while len(fields) > layout.fields and not fields[-1]:
        fields.pop()
    lacking = layout.split(before)[len(fields) :] if before and layout.separator != " " else [""]
    lacks = len(fields) < layout.fields and (any(lacking) or not before or layout.separator == " ")
    if len(fields) > layout.fields or len(fields) <= max(table.wanted) or lacks:
        raise table.error(
            f"expected a row of {layout.fields} fields as in the rows before, found {len(fields)} "
            f"({short(layout.separator.join(fields))!r}); {_mend(table, line)}.",
            line,
        )
    values = []
    for index in table.wanted:
        value = layout.number(fields[index])
        if value is None:
            value = seconds(fields[index])
        if value is None:
            raise table.error(
                f"expected a number, found {short(fields[index])!r}; {_mend(table, line, fields[index])}.",
                line,
                index,
            )
        values.append(value)
    needed = set(table.needed or table.wanted)
    if all(math.isnan(value) for value, index in zip(values, table.wanted, strict=True) if index in needed):
        return None
    for value, index in zip(values, table.wanted, strict=True):
        if not math.isfinite(value) and not (math.isnan(value) and index in table.carried):
            what = "an empty cell or NaN" if math.isnan(value) else "infinity"
            raise table.error(
                f"expected a finite number, found {what}; mend the value or remove the row.", line, index
            )
    return values


def unread(table: TextTable, rows: Rows, used: Iterable[int]) -> tuple[dict[str, tuple[str, ...]], str]:
    """The columns of a table that nobody reads: their cells by label, row by row, and a note that lists them.

    Parameters
    ----------
    table : TextTable
    rows : Rows
        As read from the table.
    used : iterable of int
        Indices of the fields that are read, by this record or another.

    Returns
    -------
    cells : dict of str to tuple of str
        Empty where there are too many cells to keep.
    note : str
        "" if every column with a label is read.
    """
    taken = set(used)
    left = [i for i, label in enumerate(table.labels) if label and i not in taken]
    if not left:
        return {}, ""
    named = ", ".join(repr(table.labels[i]) for i in left[:_MOST_NAMED])
    more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
    note = f"Not read: the {'column' if len(left) == 1 else 'columns'} {named}{more}."
    if len(left) * rows.lines.size > _MOST_CELLS:
        return {}, note
    wanted = set(rows.lines.astype(int).tolist())
    split = [table.layout.split(text) for line, text, _ in _numbered_lines(table) if line in wanted]
    cells = {table.labels[i]: tuple(fields[i] if i < len(fields) else "" for fields in split) for i in left}
    return cells, note
