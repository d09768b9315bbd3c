"""Blocks of rows of a file whose labels and units its format fixes, in SI units by role."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import FileFormatError
from memfit.loaders.raw import Source, open_source
from memfit.loaders.tables.labels import Column, Field, find_fields, need
from memfit.loaders.tables.layout import SAMPLE, find_layout, settled, split_fields
from memfit.loaders.tables.rows import SETTLING, TextTable, read_rows, unread


@dataclass(frozen=True)
class Block:
    """Columns of a block of rows in SI units, by role."""

    columns: Mapping[str, FloatArray]
    notes: tuple[str, ...]
    rows: int
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Cells of the columns that are not read, by label."""


def read_block(
    source: Source,
    columns: Sequence[Column],
    labels: Sequence[str],
    first: int,
    last: int | None = None,
    *,
    lines: Sequence[str] | None = None,
    ended: bool | None = None,
    also: Iterable[int] = (),
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
    also : iterable of int
        Indices of further columns that are read, in other blocks of the same rows.

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
    table = TextTable(
        text="\n".join(lines) + ("\n" if ended else ""), start=0, first_line=first + 1,
        layout=settled(layout, lines[:SETTLING]), wanted=[column.index for column in columns],
        labels=labels, file=source.name,
    )  # fmt: skip
    read = read_rows(table)
    if not read.lines.size:
        raise FileFormatError("expected rows of numbers, found none.", file=source.name, line=first + 1)
    values = {column.role: column.to_si(raw) for column, raw in zip(columns, read.columns, strict=True)}
    others, note = unread(table, read, (*table.wanted, *also))
    return Block(values, (*read.notes, *([note] if note else [])), read.lines.size, others)


def read_fields(
    source: Source,
    labels: Sequence[str],
    fields: Sequence[Field],
    first: int,
    last: int | None = None,
    *,
    needed: Sequence[str] = (),
    line: int | None = None,
    lines: Sequence[str] | None = None,
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
    lines : sequence of str, optional
        What to read instead of these lines of the file.

    Raises
    ------
    FileFormatError
        A column is missing, there are no rows, or a broken one.
    """
    columns = find_fields(labels, fields)
    need(columns, needed, labels, source, first if line is None else line)
    return read_block(source, columns, labels, first, last, lines=lines)


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
