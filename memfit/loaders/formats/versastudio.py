"""VersaStudio (.par): sections like XML, of which <Segment1>, <Segment2>, ... hold rows.

In a segment the line "Definition=Segment #, Point #, E(V), I(A), ..." names the columns, "Type=" and
rows with commas follow. E(V) and I(A) are dc; Z Real and Z Imag (true sign, ohm) with Frequency(Hz) are
the impedance. Rows without a frequency are a time course.
"""

import re
from collections.abc import Iterator

import numpy as np

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import Field, find_fields, need, read_block

NAME = "VersaStudio par"

_IMPEDANCE = (
    Field("frequency", ("Frequency(Hz)",), "Hz"),
    Field("z_real", ("Z Real",), "ohm"),
    Field("z_imag", ("Z Imag",), "ohm"),
    Field("voltage", ("E(V)",), "V"),
    Field("current", ("I(A)",), "A"),
)
_COURSE = (
    Field("time", ("Elapsed Time(s)",), "s"),
    Field("voltage", ("E(V)",), "V"),
    Field("current", ("I(A)",), "A"),
)


def recognises(source: Source) -> bool:
    """True for the first section of a .par file."""
    return source.head.startswith("<Application>") and "VersaS" in source.head


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of the segments.

    Raises
    ------
    FileFormatError
        There is no segment with rows.
    """
    metadata = _metadata(source.lines)
    found = list(_segments(source, metadata))
    if not found:
        raise FileFormatError(
            "expected a section <Segment1> with rows, found none: the file is cut.", file=source.name
        )
    return found


def _segments(source: Source, metadata: dict[str, str]) -> Iterator[RawTable]:
    """One table for each segment."""
    lines = source.lines
    starts = [i for i, line in enumerate(lines) if re.fullmatch(r"\s*<Segment\d+>\s*", line)]
    for start in starts:
        name = lines[start].strip()[1:-1]
        stop = next((i for i in range(start, len(lines)) if lines[i].strip() == f"</{name}>"), None)
        end = len(lines) if stop is None else stop
        at = next((i for i in range(start, end) if lines[i].startswith("Definition=")), None)
        if at is None:
            raise FileFormatError(
                "expected `Definition=` in the segment, found none.", file=source.name, line=start + 1
            )
        labels = [label.strip() for label in lines[at].removeprefix("Definition=").split(",")]
        while labels and labels[-1].isdecimal():  # a number at the end of the line is no column
            labels.pop()
        first = next((i for i in range(at + 1, end) if re.match(r"\s*[-\d]", lines[i])), end)
        if first == end:
            continue
        columns = find_fields(labels, _IMPEDANCE)
        need(columns, ("voltage", "current"), labels, source, at + 1)
        part = name if len(starts) > 1 else ""
        cut = () if stop is not None else (f"The section {name} has no end: the file is cut.",)
        spectrum = {"frequency", "z_real", "z_imag"} <= {column.role for column in columns}
        block = read_block(source, columns, labels, first, end) if spectrum else None
        if block is not None and np.any(block.columns["frequency"] > 0):
            yield RawTable(
                columns=block.columns,
                kind="impedance",
                part=part,
                metadata=metadata,
                notes=(*block.notes, *cut),
            )
            continue
        columns = find_fields(labels, _COURSE)
        need(columns, ("time",), labels, source, at + 1)
        course = read_block(source, columns, labels, first, end)
        yield RawTable(columns=course.columns, part=part, metadata=metadata, notes=(*course.notes, *cut))


def _metadata(lines: list[str]) -> dict[str, str]:
    """Instrument, date and what was done."""
    found: dict[str, str] = {}
    for line in lines:
        if line.startswith("<Segment"):
            break
        key, mark, value = line.partition("=")
        if mark and value.strip() and key.strip() in _KEPT:
            found.setdefault(key.strip(), value.strip())
    return found


_KEPT = frozenset(
    {
        "Type",
        "SN",
        "Version",
        "TimeAcquired",
        "DateAcquired",
        "Potential (V),Value",
        "Potential (V),Versus",
        "Comment",
    }
)
