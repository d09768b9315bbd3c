"""Tables of instrument files whose labels and units are known from the format, not from the header."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import FileFormatError
from memfit.loaders.grid import TextTable, find_layout, read_rows, settled
from memfit.loaders.labels import Column
from memfit.loaders.raw import ROLES
from memfit.loaders.source import Source
from memfit.units import find_unit

_SAMPLE = 5
_SETTLING = 2000
"""Rows in which the decimal mark is looked for."""


@dataclass(frozen=True)
class Field:
    """A column that a format is known to have."""

    role: str
    labels: tuple[str, ...]
    """Spellings, compared without blanks and case."""
    unit: str = ""
    sign: float = 1.0

    def find(self, labels: Sequence[str]) -> Column | None:
        """The first column of one of these spellings."""
        plain = ["".join(label.split()).lower() for label in labels]
        for spelling in self.labels:
            wanted = "".join(spelling.split()).lower()
            if wanted in plain:
                index = plain.index(wanted)
                unit = find_unit(self.unit, ROLES[self.role]) if self.unit else None
                return Column(index, labels[index], self.role, unit, self.sign)
        return None


@dataclass(frozen=True)
class Block:
    """Columns of a block of rows in SI units, by role."""

    columns: Mapping[str, FloatArray]
    notes: tuple[str, ...]
    lines: FloatArray
    """Line number (from 1) of each row."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.lines.size


def find_fields(labels: Sequence[str], fields: Sequence[Field]) -> list[Column]:
    """Columns of the fields that a header has; of several spellings of a role the first field wins."""
    found: dict[str, Column] = {}
    for field in fields:
        column = field.find(labels)
        if column is not None and field.role not in found:
            found[field.role] = column
    return sorted(found.values(), key=lambda column: column.index)


def need(
    columns: Sequence[Column], roles: Sequence[str], labels: Sequence[str], source: Source, line: int
) -> None:
    """Refuse a table that lacks a column.

    Raises
    ------
    FileFormatError
        Names what is missing and what is there.
    """
    there = {column.role for column in columns}
    missing = [role.replace("_", " ") for role in roles if role not in there]
    if missing:
        shown = ", ".join(repr(label) for label in labels[:8]) + (", ..." if len(labels) > 8 else "")
        raise FileFormatError(
            f"expected a column of the {' and of the '.join(missing)}; found {shown}.",
            file=source.name,
            line=line,
        )


def read_block(
    source: Source, columns: Sequence[Column], labels: Sequence[str], first: int, last: int | None = None
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

    Raises
    ------
    FileFormatError
        There are no rows, or a broken one.
    """
    return read_lines(source, columns, labels, source.lines[first:last], first)


def read_lines(
    source: Source,
    columns: Sequence[Column],
    labels: Sequence[str],
    lines: Sequence[str],
    first: int,
    *,
    ended: bool | None = None,
) -> Block:
    """As `read_block`, with the lines given: those of the file from `first` (from 0) on, perhaps shortened.

    Where they reach to the end of a file without a line end there, the last one may be cut; `ended` says
    whether they do where the lines are not those of `source`.
    """
    if ended is None:
        ended = first + len(lines) < len(source.lines)
    rows = [line for line in lines if line.strip()][:_SAMPLE]
    fewer = [find_layout(rows[:count], len(labels)) for count in (len(rows), 1) if rows]
    layout = next((found for found in fewer if found is not None), None)
    if layout is None:
        shown = repr(rows[0].strip()[:40]) if rows else "none: the file holds no measured values"
        raise FileFormatError(
            f"expected rows of {len(labels)} numbers, found {shown}.", file=source.name, line=first + 1
        )
    layout = settled(layout, lines[:_SETTLING])
    found = read_rows(
        TextTable(
            text="\n".join(lines) + ("\n" if ended else ""),
            start=0,
            first_line=first + 1,
            layout=layout,
            wanted=[column.index for column in columns],
            labels=labels,
            file=source.name,
        )
    )
    if not found.lines.size:
        raise FileFormatError("expected rows of numbers, found none.", file=source.name, line=first + 1)
    values = {column.role: column.to_si(raw) for column, raw in zip(columns, found.columns, strict=True)}
    return Block(values, tuple(found.notes), np.asarray(found.lines))


def subset(columns: Mapping[str, FloatArray], rows: slice) -> dict[str, FloatArray]:
    """Some rows of all columns."""
    return {role: values[rows] for role, values in columns.items()}
