"""VersaStudio (.par): sections like XML, of which <Segment1>, <Segment2>, ... hold rows.

In a segment the line "Definition=Segment #, Point #, E(V), I(A), ..." names the columns, "Type=" and
rows with commas follow. E(V) and I(A) are dc; Z Real and Z Imag (true sign, ohm) with Frequency(Hz) are
the impedance. Rows without a frequency are a time course.
"""

import re
from itertools import takewhile

import numpy as np

from memfit.loaders.raw import FileSettings, RawTable, Reader, Source
from memfit.loaders.tables import Field, find_fields, header_values, need, read_block, read_fields

_DC = (Field("voltage", ("E(V)",), "V"), Field("current", ("I(A)",), "A"))
_IMPEDANCE = (
    Field("frequency", ("Frequency(Hz)",), "Hz"),
    Field("z_real", ("Z Real",), "ohm"),
    Field("z_imag", ("Z Imag",), "ohm"),
    *_DC,
)
_COURSE = (Field("time", ("Elapsed Time(s)",), "s"), *_DC)
_KEPT = frozenset(
    {
        "Type", "SN", "Version", "TimeAcquired", "DateAcquired", "Potential (V),Value",
        "Potential (V),Versus", "Comment",
    }
)  # fmt: skip
"""Instrument, date and what was done."""


def _read(source: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of the segments."""
    lines = source.lines
    above = header_values(takewhile(lambda line: not line.startswith("<Segment"), lines), "=")
    metadata = {key: value for key, value in above.items() if key in _KEPT}
    starts = [i for i, line in enumerate(lines) if re.fullmatch(r"\s*<Segment\d+>\s*", line)]
    tables = []
    for start in starts:
        name = lines[start].strip()[1:-1]
        stop = next((i for i in range(start, len(lines)) if lines[i].strip() == f"</{name}>"), None)
        end = len(lines) if stop is None else stop
        at = next((i for i in range(start, end) if lines[i].startswith("Definition=")), None)
        if at is None:
            raise source.error("expected `Definition=` in the segment, found none.", line=start + 1)
        labels = [label.strip() for label in lines[at].removeprefix("Definition=").split(",")]
        while labels and labels[-1].isdecimal():  # a number at the end of the line is no column
            labels.pop()
        first = next((i for i in range(at + 1, end) if re.match(r"[^=,]*,", lines[i])), end)
        if first == end:
            continue
        columns = find_fields(labels, _IMPEDANCE)
        need(columns, ("voltage", "current"), labels, source, at + 1)
        spectrum = {"frequency", "z_real", "z_imag"} <= {column.role for column in columns}
        block = read_block(source, columns, labels, first, end) if spectrum else None
        if block is None or not np.any(block.columns["frequency"] > 0):
            spectrum = False
            block = read_fields(source, labels, _COURSE, first, end, needed=("time",), line=at + 1)
        cut = () if stop is not None else (f"The section {name} has no end: the file is cut.",)
        table = RawTable(
            columns=block.columns,
            others=block.others,
            kind="impedance" if spectrum else None,
            part=name if len(starts) > 1 else "",
            metadata=metadata,
            notes=(*block.notes, *cut),
        )
        tables.append(table)
    if not tables:
        raise source.error("expected a section <Segment1> with rows, found none: the file is cut.")
    return tables


READER = Reader(
    "VersaStudio par",
    lambda s: s.head.startswith("<Application>") and "VersaS" in s.head,
    _read,
    frozenset({".par"}),
)
