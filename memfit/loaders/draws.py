"""Draws of parameters from a table, such as the chain of a posterior: a column for each, in SI units."""

from pathlib import Path

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import FileFormatError
from memfit.loaders.source import open_source
from memfit.loaders.tables.parse import TextTable, find_layout, read_rows, split_fields

_SAMPLE = 5


def read_draws(path: Path) -> dict[str, FloatArray]:
    """Columns of a table of numbers, by the names in its first line.

    Parameters
    ----------
    path : Path
        CSV or the like; lines with # above the header are left out.

    Raises
    ------
    FileFormatError
        There is no table, or a value is no number.
    """
    source = open_source(path)
    lines = source.text.split("\n")
    at = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    rows = [line for line in lines[(at or 0) + 1 : 200] if line.strip()][:_SAMPLE]
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
    start = sum(len(line) + 1 for line in lines[: at + 1])
    table = TextTable(
        text=source.text,
        start=start,
        first_line=at + 2,
        layout=layout,
        wanted=range(len(names)),
        labels=names,
        file=source.name,
    )
    columns = read_rows(table).columns
    return {name: np.asarray(values) for name, values in zip(names, columns, strict=True)}
