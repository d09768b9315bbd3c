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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import FileFormatError
from memfit.loaders.raw import Source, open_source
from memfit.loaders.tables.labels import Column, Field, find_fields, need
from memfit.loaders.tables.layout import (
    SAMPLE,
    End,
    Layout,
    end_notes,
    find_layout,
    judge_last,
    seconds,
    settled,
    split_fields,
)

_BIG = 20_000
"""Lines from which the compiled parser is worth its import."""
_SEEN_FOR_END = 20
"""Rows by which a last line without line end is judged."""
_SEEN_FOR_THOUSANDS = 500
"""Rows that are looked at for thousands separators."""
_SETTLING = 2000
"""Rows in which the decimal mark is looked for."""
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

    def error(self, message: str, line: int, index: int | None = None) -> FileFormatError:
        """An error that names the file, the line and the field by its label, else by its number."""
        column: str | int | None = None if index is None else index + 1
        if index is not None and index < len(self.labels) and self.labels[index]:
            column = self.labels[index]
        return FileFormatError(message, file=self.file, line=line, column=column)


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
    if table.layout.decimal != "." or separator == " " or table.layout.fields <= max(table.wanted):
        return None
    if _plain_rows(separator, table.layout.fields).fullmatch(body) is None:
        return None
    values = np.array([float(text) for text in body[:-1].replace("\n", separator).split(separator)])
    columns = values.reshape(-1, table.layout.fields)[:, list(table.wanted)].T.copy()
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
    if frame.shape[1] != layout.fields:
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
    empty, pending = 0, False
    recent: deque[str] = deque(maxlen=_SEEN_FOR_END)
    header = [label.strip().lower() for label in table.labels]
    for line, row, ended in _numbered_lines(table):
        if not row.strip(" \t,;\x00\x1a") or row.lstrip().startswith("#"):
            pending = bool(numbers) and (pending or not row.strip(" \t\x00\x1a"))
            empty += bool(row.strip(" \t\x00\x1a")) and not row.lstrip().startswith("#")
            continue
        if not ended:
            judged = _judge_line(row, recent, table)
            rows.notes += end_notes(judged, line)
            if judged == "half":
                break
        fields = table.layout.split(row)
        if header and [name.lower() for name in fields[: len(header)]] == header:
            pending = bool(numbers)
            continue
        values = _row_values(fields, table, line)
        if values is None:
            empty += 1
            continue
        if pending:
            rows.breaks.append(len(numbers))
            pending = False
        for column, value in zip(columns, values, strict=True):
            column.append(value)
        numbers.append(line)
        recent.append(row)
    if empty:
        rows.notes.append(f"{empty} empty {'row was' if empty == 1 else 'rows were'} left out.")
    rows.columns = [np.array(column, dtype=np.float64) for column in columns]
    rows.lines = np.array(numbers, dtype=np.float64)
    return rows


def _row_values(fields: list[str], table: TextTable, line: int) -> list[float] | None:
    """The wanted fields of one row as finite floats; None if all of them are empty."""

    def short(text: str) -> str:
        return text if len(text) <= 40 else text[:37] + "..."

    layout = table.layout
    while len(fields) > layout.fields and not fields[-1]:
        fields.pop()
    if len(fields) > layout.fields or len(fields) <= max(table.wanted):
        raise table.error(
            f"expected a row of {layout.fields} fields as in the rows before, found {len(fields)} "
            f"({short(layout.separator.join(fields))!r}); mend or remove the line.",
            line,
        )
    values = []
    for index in table.wanted:
        value = layout.number(fields[index])
        if value is None:
            value = seconds(fields[index])
        if value is None:
            raise table.error(
                f"expected a number, found {short(fields[index])!r}; mend or remove the line.", line, index
            )
        values.append(value)
    if all(map(math.isnan, values)):
        return None
    for value, index in zip(values, table.wanted, strict=True):
        if not math.isfinite(value):
            what = "an empty cell or NaN" if math.isnan(value) else "infinity"
            raise table.error(
                f"expected a finite number, found {what}; mend the value or remove the row.", line, index
            )
    return values


@dataclass(frozen=True)
class Block:
    """Columns of a block of rows in SI units, by role."""

    columns: Mapping[str, FloatArray]
    notes: tuple[str, ...]
    rows: int


def read_block(
    source: Source,
    columns: Sequence[Column],
    labels: Sequence[str],
    first: int,
    last: int | None = None,
    *,
    lines: Sequence[str] | None = None,
    ended: bool | None = None,
) -> Block:
    """Rows of some lines of a file.

    Parameters
    ----------
    source : Source
    columns : sequence of Column
        What to read.
    labels : sequence of str
        All labels of the table.
    first, last : int
        Indices (from 0) of the first line and of the line behind the last one.
    lines : sequence of str, optional
        What to read instead of these lines of the file, such as shortened ones.
    ended : bool, optional
        Whether the last line has a line end: by default if it is not the last of the file. Without one it
        may be cut.

    Raises
    ------
    FileFormatError
        There are no rows, or a broken one.
    """
    lines = source.lines[first:last] if lines is None else lines
    if ended is None:
        ended = first + len(lines) < len(source.lines)
    rows = [line for line in lines if line.strip()][:SAMPLE]
    fewer = [find_layout(rows[:count], len(labels)) for count in (len(rows), 1) if rows]
    layout = next((known for known in fewer if known is not None), None)
    if layout is None:
        shown = repr(rows[0].strip()[:40]) if rows else "none: the file holds no measured values"
        raise FileFormatError(
            f"expected rows of {len(labels)} numbers, found {shown}.", file=source.name, line=first + 1
        )
    read = read_rows(
        TextTable(
            text="\n".join(lines) + ("\n" if ended else ""), start=0, first_line=first + 1,
            layout=settled(layout, lines[:_SETTLING]), wanted=[column.index for column in columns],
            labels=labels, file=source.name,
        )
    )  # fmt: skip
    if not read.lines.size:
        raise FileFormatError("expected rows of numbers, found none.", file=source.name, line=first + 1)
    values = {column.role: column.to_si(raw) for column, raw in zip(columns, read.columns, strict=True)}
    return Block(values, tuple(read.notes), read.lines.size)


def read_fields(
    source: Source,
    labels: Sequence[str],
    fields: Sequence[Field],
    first: int,
    last: int | None = None,
    *,
    needed: Sequence[str] = (),
    line: int | None = None,
) -> Block:
    """Rows of a table whose labels and units the format fixes.

    Parameters
    ----------
    source : Source
    labels : sequence of str
        All labels of the table.
    fields : sequence of Field
        What the format may have.
    first, last : int
        Indices (from 0) of the first line and of the line behind the last one.
    needed : sequence of str
        Roles that must be there.
    line : int, optional
        Number (from 1) of the line of labels, by default the one above the first row.

    Raises
    ------
    FileFormatError
        A column is missing, there are no rows, or a broken one.
    """
    columns = find_fields(labels, fields)
    need(columns, needed, labels, source, first if line is None else line)
    return read_block(source, columns, labels, first, last)


def read_draws(path: Path) -> dict[str, FloatArray]:
    """Draws of parameters, such as the chain of a posterior, in SI units by the names in the first line.

    Parameters
    ----------
    path : Path
        CSV or the like, a column for each parameter; lines with # above the header are left out.

    Raises
    ------
    FileFormatError
        There is no table, or a value is no number.
    """
    source = open_source(path)
    lines = source.text.split("\n")
    at = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    rows = [line for line in lines[(at or 0) + 1 : 200] if line.strip()][:SAMPLE]
    layout = find_layout(rows) if at is not None and rows else None
    if at is None or layout is None:
        raise FileFormatError(
            "expected names of parameters in the first line and a row of numbers for each draw.",
            file=source.name,
        )
    names = split_fields(lines[at], layout.separator)
    if len(names) != layout.fields or len(set(names)) != len(names):
        raise FileFormatError(
            f"expected a name of its own for each of {layout.fields} columns, found {len(names)}: "
            f"{', '.join(names[:12])}.",
            file=source.name,
            line=at + 1,
        )
    table = TextTable(
        text=source.text, start=sum(len(line) + 1 for line in lines[: at + 1]), first_line=at + 2,
        layout=layout, wanted=range(len(names)), labels=names, file=source.name,
    )  # fmt: skip
    columns = read_rows(table).columns
    return {name: np.asarray(values) for name, values in zip(names, columns, strict=True)}
