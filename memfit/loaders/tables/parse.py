"""Rows of text into columns of numbers: separators, decimal marks, half lines, empty rows.

Small tables are read line by line, so that an error can name its line and column. Tables of many lines
go through pandas' compiled parser first and come back here only if it finds something odd.
"""

import csv
import io
import math
import re
import warnings
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Literal

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import FileFormatError

SEPARATORS = ("\t", ";", ",", " ")
"""In the order tried; " " stands for any white space."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?")
_PLAIN = r"[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+")
"""In a file with decimal commas this is a number of thousands, or is not: nobody can tell."""
_EMPTY = frozenset(
    {"", "nan", "-nan", "+nan", "na", "n/a", "none", "null", "nan(ind)", "-nan(ind)", "1.#qnan", "-1.#ind"}
)
_BIG = 20_000
"""Lines from which the compiled parser is worth its import."""

_SEEN_FOR_END = 20
"""Rows by which a last line without line end is judged."""
_ENOUGH = 4
"""Fewest numbers that show how the last one ought to look."""
_ZERO_PADDED = 2
"""Digits of an exponent from which it is written with a fixed number of them: e-05, not e-5."""

_SEEN_FOR_THOUSANDS = 500
"""Rows that are looked at for thousands separators."""

_TIME_FORMATS = (
    "%m/%d/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%H:%M:%S",
)  # fmt: skip


End = Literal["whole", "half", "doubt"]
"""What is known of a last line without line end."""


@dataclass(frozen=True)
class Layout:
    """How the fields of a row are written."""

    separator: str
    decimal: str = "."
    fields: int = 0

    def split(self, line: str) -> list[str]:
        """Fields of a line, without quotes and blanks."""
        return split_fields(line, self.separator)

    def number(self, text: str) -> float | None:
        """A field as a float: NaN if it is empty, None if it is no number."""
        if self.decimal == ",":
            if ("." in text and "," in text) or _GROUPED.fullmatch(text.strip()):
                return None
            text = text.replace(",", ".")
        return number(text)


def split_fields(line: str, separator: str) -> list[str]:
    """Fields of a line; quotes are taken off, a separator inside them does not count."""
    if separator == " ":
        return line.split()
    if '"' in line and line.count('"') % 2 == 0 and re.search(r'(^|[\t;,])\s*"', line):
        try:
            fields = next(csv.reader([line.strip("\n")], delimiter=separator, skipinitialspace=True))
        except (csv.Error, StopIteration):
            fields = line.split(separator)
        return [field.strip() for field in fields]
    return [field.strip() for field in line.split(separator)]


def number(text: str) -> float | None:
    """A float written with a decimal point: NaN if empty, None if it is no number."""
    text = text.strip()
    if "\u2212" in text:  # the typographic minus of some programs
        text = text.replace("\u2212", "-")
    if _NUMBER.fullmatch(text):
        return float(text.replace("d", "e").replace("D", "e"))
    if text.lower() in _EMPTY:
        return math.nan
    if text.lower().lstrip("+-") in {"inf", "infinity", "1.#inf"}:
        return math.inf
    return None


def find_layout(rows: Sequence[str], fields: int | None = None) -> Layout | None:
    """The layout in which some rows hold the most numbers, equally many fields in each, or None.

    Parameters
    ----------
    rows : sequence of str
        A few data lines.
    fields : int, optional
        Number of fields that the header has; rows may lack or add empty ones at the end.
    """
    best: tuple[int, Layout] | None = None
    for separator in SEPARATORS:
        for decimal in ".,":
            if decimal == separator:
                continue
            layout = Layout(separator, decimal)
            counts = [_count_fields(layout, row, fields) for row in rows]
            sizes = {size for size, _ in counts}
            if len(sizes) != 1 or 0 in sizes:
                continue
            numbers = sum(count for _, count in counts)
            if best is None or numbers > best[0]:
                best = numbers, Layout(separator, decimal, sizes.pop())
    return best[1] if best else None


def settled(layout: Layout, lines: Iterable[str]) -> Layout:
    """The layout with the decimal mark that later rows show, where the first ones have whole numbers only.

    Parameters
    ----------
    layout : Layout
        Found in the first rows.
    lines : iterable of str
        The rows from the first one on; some thousands are enough.
    """
    if layout.separator == "," or layout.decimal == ",":
        return layout
    for line in lines:
        fields = layout.split(line)
        if any("." in text for text in fields if number(text) is not None):
            return layout
        commas = Layout(layout.separator, ",", layout.fields)
        if any("," in text and commas.number(text) is not None for text in fields):
            return commas
    return layout


def _count_fields(layout: Layout, row: str, wanted: int | None) -> tuple[int, int]:
    """Number of fields and of numbers in a row; (0, 0) if it is no row of numbers in this layout."""
    fields = layout.split(row)
    while fields and not fields[-1] and (wanted is None or len(fields) > wanted):
        fields.pop()
    if len(fields) < 2 or (wanted is not None and len(fields) != wanted):
        return 0, 0
    values = [layout.number(text) for text in fields]
    numbers = sum(value is not None and not math.isnan(value) for value in values)
    enough = numbers >= 2 or (numbers >= 1 and len(fields) == 2 and wanted is not None)
    if not enough or (wanted is None and None in values):
        return 0, 0
    return len(fields), numbers


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

    def label(self, index: int) -> str | int:
        """Name of a field for a message, or its number."""
        return self.labels[index] if index < len(self.labels) and self.labels[index] else index + 1


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
    lines = table.first_line + np.arange(columns.shape[1], dtype=np.float64)
    return Rows(list(columns), lines)


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
    found: dict[int, tuple[int, str]] = {}
    plain: set[int] = set()
    open_columns = set(table.wanted)
    for line, row, _ in islice(
        _numbered_lines(table.text, table.start, table.first_line), _SEEN_FOR_THOUSANDS
    ):
        if not open_columns:
            return
        if table.layout.decimal not in row and not found and line > table.first_line + 50:
            return
        fields = table.layout.split(row)
        for index in tuple(open_columns):
            text = fields[index] if index < len(fields) else ""
            if grouped.fullmatch(text):
                found.setdefault(index, (line, text))
            elif whole.fullmatch(text):
                plain.add(index)
            elif text:
                open_columns.discard(index)
    for index in sorted(open_columns & plain & found.keys()):
        line, text = found[index]
        raise FileFormatError(
            f"expected numbers without marks between thousands; {text!r} stands in a column of whole numbers "
            "and may be one or a thousand times as much: export the table without thousands separators.",
            file=table.file,
            line=line,
            column=table.label(index),
        )


def _read_fast(table: TextTable) -> Rows | None:
    """All rows by pandas; None if there is anything but clean numbers."""
    import pandas as pd  # noqa: PLC0415 - half a second that small files need not wait

    exact = (
        {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
    )
    layout = table.layout
    separator = r"\s+" if layout.separator == " " else layout.separator
    end, notes = _end_of_rows(table)
    body = io.BytesIO(table.text[table.start : end].encode("utf-8"))
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


def _end_of_rows(table: TextTable) -> tuple[int, list[str]]:
    """Offset behind the last row that is taken, and what there is to say about it."""
    text = table.text
    last = text.rfind("\n") + 1
    if last == len(text):
        return last, []
    recent = text[max(table.start, last - 20_000) : last].split("\n")[-1 - _SEEN_FOR_END : -1]
    judged = _judge_line(text[last:], recent, table)
    line = table.first_line + text.count("\n", table.start)
    return (last if judged == "half" else len(text)), end_notes(judged, line)


def end_notes(judged: End, line: int) -> list[str]:
    """What is said of a last line without line end."""
    return {
        "whole": [],
        "half": [f"The last line ({line}) has no line end and looks incomplete; it was left out."],
        "doubt": [
            f"The last line ({line}) has no line end; if the file was cut, its last number may be cut, too."
        ],
    }[judged]


def _judge_line(line: str, before: Iterable[str], table: TextTable) -> End:
    """Whether a line without line end is whole, judged by the lines before it.

    A cut leaves fewer fields, or a last number that is shorter than all others are. What follows the last
    field that is wanted does not matter.
    """
    layout = table.layout
    rows = [row for row in before if row.strip()]
    fields, others = layout.split(line), [layout.split(row) for row in rows]
    fewest = min(map(len, others), default=0)
    if len(fields) <= max(table.wanted) or len(fields) < fewest:
        return "half"
    index = len(fields) - 1
    if index not in table.wanted or line != line.rstrip(" \t"):
        return "whole"
    if rows and all(row != row.rstrip(" \t") for row in rows):
        return "half"
    return judge_last(fields[-1], [other[index] for other in others if len(other) > index], layout)


def judge_last(text: str, others: Sequence[str], layout: Layout) -> End:
    """Whether the last field of a file is whole, judged by others of its kind."""
    if not text:
        return "half" if all(others) else "whole"
    value = layout.number(text)
    if value is None:
        return _judge_clock(text, others)
    if math.isnan(value):
        return "whole"
    numbers = [other for other in others if layout.number(other) is not None]
    if len(numbers) < _ENOUGH:
        return "doubt"
    if text.endswith(layout.decimal) and not any(other.endswith(layout.decimal) for other in numbers):
        return "half"
    parts = [_number_parts(other, layout.decimal) for other in numbers]
    largest = max(abs(layout.number(other) or 0.0) for other in numbers)
    return _judge_number(_number_parts(text, layout.decimal), parts, outlying=abs(value) > 100 * largest)


def _judge_clock(text: str, others: Sequence[str]) -> End:
    """Times of day are equally long."""
    if seconds(text) is None or len(text) < min(map(len, others), default=0):
        return "half"
    return "whole" if len(others) >= _ENOUGH and len({len(text), *map(len, others)}) == 1 else "doubt"


def _judge_number(
    own: tuple[int, int, int], others: Sequence[tuple[int, int, int]], *, outlying: bool
) -> End:
    """Significant digits, decimals and digits of the exponent, compared with those of other numbers.

    Numbers with the same count of decimals, or with exponents of two digits or more, cannot be cut and
    keep their form; of others it is in doubt unless there is too little of them.
    """
    digits, decimals, exponent = own
    exponents = {size for _, _, size in others if size}
    if exponents or exponent:
        if exponent < min(exponents, default=_ZERO_PADDED) or outlying:
            return "half"
        return "whole" if exponents == {exponent} and exponent >= _ZERO_PADDED else "doubt"
    places = {places for _, places, _ in others}
    if len(places) == 1 and len(others) > _ENOUGH and max(places) > 0:
        return "half" if decimals < max(places) else ("whole" if decimals == max(places) else "doubt")
    return "half" if digits < min(count for count, _, _ in others) else "doubt"


def _number_parts(text: str, mark: str) -> tuple[int, int, int]:
    """Counts of significant digits, of decimals and of digits of the exponent."""
    mantissa, _, exponent = text.lower().replace("d", "e").partition("e")
    digits = "".join(letter for letter in mantissa if letter.isdigit()).lstrip("0")
    return len(digits), len(mantissa.partition(mark)[2]), len(exponent.lstrip("+-"))


def _numbered_lines(text: str, start: int, first_line: int) -> Iterator[tuple[int, str, bool]]:
    """(line number, line, has a line end) without a list of all lines."""
    position, line = start, first_line
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
    for line, row, ended in _numbered_lines(table.text, table.start, table.first_line):
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
        if all(math.isnan(value) for value in values):
            empty += 1
            continue
        _check_row(values, table, line)
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


def _row_values(fields: list[str], table: TextTable, line: int) -> list[float]:
    """The wanted fields of one row as floats."""
    layout = table.layout
    while len(fields) > layout.fields and not fields[-1]:
        fields.pop()
    if len(fields) > layout.fields or len(fields) <= max(table.wanted):
        raise FileFormatError(
            f"expected a row of {layout.fields} fields as in the rows before, found {len(fields)} "
            f"({_short(layout.separator.join(fields))!r}); mend or remove the line.",
            file=table.file,
            line=line,
        )
    values = []
    for index in table.wanted:
        value = layout.number(fields[index])
        if value is None:
            value = seconds(fields[index])
        if value is None:
            raise FileFormatError(
                f"expected a number, found {_short(fields[index])!r}; mend or remove the line.",
                file=table.file,
                line=line,
                column=table.label(index),
            )
        values.append(value)
    return values


def _check_row(values: Sequence[float], table: TextTable, line: int) -> None:
    """Every cell of a row that is not empty must be finite."""
    for value, index in zip(values, table.wanted, strict=True):
        if not math.isfinite(value):
            what = "an empty cell or NaN" if math.isnan(value) else "infinity"
            raise FileFormatError(
                f"expected a finite number, found {what}; mend the value or remove the row.",
                file=table.file,
                line=line,
                column=table.label(index),
            )


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def seconds(text: str) -> float | None:
    """A date and time, or a time of day, in seconds since 1970 or midnight (no time zone)."""
    main, mark, fraction = text.strip().partition(".")
    suffix = ""
    if mark and main.count(".") == 0 and ":" not in main:  # 24.12.2024 10:00:00[.5]
        head, _, tail = text.strip().rpartition(" ")
        main, mark, fraction = tail.partition(".")
        main = f"{head} {main}"
    if mark and not fraction.isdecimal():
        digits, _, suffix = fraction.partition(" ")
        if not digits.isdecimal():
            return None
        fraction, suffix = digits, f" {suffix}"
    for pattern in _TIME_FORMATS:
        try:
            moment = datetime.strptime(main + suffix, pattern)
        except ValueError:
            continue
        origin = datetime(1900, 1, 1) if pattern == "%H:%M:%S" else datetime(1970, 1, 1)
        return (moment - origin).total_seconds() + (float(f"0.{fraction}") if fraction else 0.0)
    return None
