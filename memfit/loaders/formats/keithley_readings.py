"""Reading buffers as a Keithley 2450, 2460, 2461 or 2470 saves them to a USB drive, and tables alike.

Lines about the instrument, then a header in which every value is followed by its unit, whose words stand in
the rows: "Index,Reading,Unit,...,Value,Unit,...,Date,Time,Fractional Seconds" above "1,1.2E-9,Amp DC,...,
0.1,Volt DC,...". Reading is what was measured, Value (Source Value) what was sourced. The time is relative,
or seconds and their fraction, or date, time and fraction.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import Field, find_fields, read_lines
from memfit.loaders.tables.parse import SEPARATORS, number, split_fields
from memfit.protocols import Control

NAME = "Keithley readings"

_HEADER = re.compile(r"(.*[,;\t])?\s*\"?reading\"?\s*[,;\t]\s*\"?unit\"?\s*([,;\t].*)?", re.IGNORECASE)
_HEAD_LINES = 60
_SOURCED = ("source value", "value")
_TIMES = (
    ("relative time",),
    ("relative",),
    ("seconds", "fractional seconds"),
    ("date", "time", "fractional seconds"),
)
"""Columns that tell the time together, the plainest first."""
_QUANTITIES: tuple[tuple[str, Control, str], ...] = (("amp", "current", "A"), ("volt", "voltage", "V"))
"""How the words of a unit begin, what they are the unit of, the unit itself."""


@dataclass(frozen=True)
class _Quantity:
    """A column of values with the unit that its rows name."""

    column: int
    role: Control
    unit: str


def recognises(source: Source) -> bool:
    """True for a header in which Reading is followed by Unit."""
    return _header(source.head.split("\n")) is not None


def _header(lines: Sequence[str]) -> int | None:
    return next((i for i, line in enumerate(lines[:_HEAD_LINES]) if _HEADER.fullmatch(line.strip())), None)


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The table of a buffer.

    Raises
    ------
    FileFormatError
        A row is broken, or what was measured or sourced is neither a current nor a voltage.
    """
    lines = source.lines
    at = _header(lines)
    head = lines[at] if at is not None else ""
    separator = max(SEPARATORS[:3], key=head.count)
    labels = [label.lower() for label in split_fields(head, separator)]
    if at is None or "reading" not in labels:
        raise FileFormatError("expected a header with Reading,Unit; found none.", file=source.name)
    rows = [split_fields(line, separator) if line.strip(" \t,;") else [] for line in lines[at + 1 :]]
    sourced = next((label for label in _SOURCED if label in labels), None)
    values = ["reading"] if sourced is None else ["reading", sourced]
    quantities = [_quantity(source, labels, rows, label, at + 2) for label in values]
    time = next((names for names in _TIMES if all(name in labels for name in names)), ())
    places = [labels.index(name) for name in time]
    names = [*(q.role for q in quantities), *(["time"] if time else [])]
    fields = [*(Field(q.role, (q.role,), q.unit) for q in quantities), Field("time", ("time",), "s")]
    short = [_shortened(row, [q.column for q in quantities], places) for row in rows]
    block = read_lines(source, find_fields(names, fields), names, short, at + 1)
    columns = dict(block.columns)
    if "time" in columns:
        columns["time"] = columns["time"] - columns["time"][0]
    return [
        RawTable(
            columns=columns,
            control=quantities[-1].role if sourced else None,
            metadata={"instrument": "Keithley"},
            notes=block.notes,
        )
    ]


def _quantity(
    source: Source, labels: Sequence[str], rows: Sequence[Sequence[str]], label: str, first: int
) -> _Quantity:
    """A column and what it holds, by the words in the column of units behind it."""
    column = labels.index(label)
    found = None
    for line, row in enumerate(rows, start=first):
        word = row[column + 1] if len(row) > column + 1 else ""
        if not word:
            continue
        meant = next((q for q in _QUANTITIES if word.lower().startswith(q[0])), None)
        if meant is None or found not in (None, meant):
            raise FileFormatError(
                f"expected a unit such as Amp DC or Volt DC, the same in all rows, found {word!r}.",
                file=source.name, line=line, column=f"unit behind {label}",
            )  # fmt: skip
        found = meant
    if found is None:
        raise FileFormatError(
            f"expected a unit such as Amp DC behind {label!r}, found none.", file=source.name, line=first
        )
    return _Quantity(column, found[1], found[2])


def _shortened(row: Sequence[str], values: Sequence[int], time: Sequence[int]) -> str:
    """The fields of a row that count; what is missing is left out, so that the row shows as broken."""
    if not row:
        return ""
    kept = [row[k] for k in values if k < len(row)]
    when = [row[k] for k in time if k < len(row)]
    fraction = number(when[-1]) if len(when) > 1 else None
    if fraction is not None and 0.0 <= fraction < 1.0:
        when = [" ".join(when[:-1]) + f"{fraction:.9f}"[1:]]
    return "\t".join([*kept, *when])
