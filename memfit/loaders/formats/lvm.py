"""LabVIEW measurement files (.lvm), as the express VI "Write To Measurement File" writes them.

Lines `key<separator>value` of the file, a line ***End_of_Header***, then for each segment lines with a value
for each channel (Samples, Y_Unit_Label, X_Dimension, X0, Delta_X), ***End_of_Header***, a line of labels
(X_Value, the channels, Comment) and rows. The separator and the decimal mark are stated in the file. X is a
time; X_Columns "No" means that it is counted from X0 and Delta_X.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memfit.loaders.raw import FileSettings, RawTable, Reader, Source
from memfit.loaders.tables import Column, optional_number, read_block, understand
from memfit.units import find_unit

_END = "***End_of_Header***"
_SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";"}
_MAX_SEGMENTS = 1000


@dataclass(frozen=True)
class _Segment:
    """A segment: the settings of its channels, the line of its labels, the line behind its rows."""

    settings: Mapping[str, Sequence[str]]
    at: int
    end: int
    separator: str

    def of(self, key: str, channel: int) -> str:
        """What a setting says of a channel, counted from 0."""
        values = self.settings.get(key, ())
        return values[channel] if channel < len(values) else ""


def _read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The segments of the file."""
    ends = [i for i, line in enumerate(source.lines) if line.strip().startswith(_END)]
    if len(ends) < 2:
        raise source.error(
            f"expected a header of the file and one of a segment, each ended by {_END}; found {len(ends)}: "
            "the file is cut or holds no data."
        )
    if len(ends) > _MAX_SEGMENTS:
        raise source.error(f"expected at most {_MAX_SEGMENTS} segments, found more.")
    head = source.lines[: ends[0]]
    stated = next(
        (re.match(r"Separator[\t,;]\s*(\w+)", line) for line in head if line[:9] == "Separator"), None
    )
    separator = _SEPARATORS.get(stated[1].lower(), "\t") if stated else "\t"
    split = [line.split(separator) for line in head[1:]]
    metadata = {words[0].strip(): words[1].strip() for words in split if len(words) > 1 and words[1].strip()}
    segments = list(_segments(source, ends, separator))
    return [
        _table(source, segment, metadata, f"segment {number}" if len(segments) > 1 else "")
        for number, segment in enumerate(segments, start=1)
    ]


def _segments(source: Source, ends: Sequence[int], separator: str) -> Iterator[_Segment]:
    """Each header of a segment with its rows, which end where the next one begins or the file ends."""
    lines = source.lines
    before = ends[0]
    for end in ends[1:]:
        words = [line.split(separator) for line in lines[before + 1 : end]]
        settings = {row[0].strip(): [text.strip() for text in row[1:]] for row in words if row[0].strip()}
        stop = _end_of_rows(lines, end + 2, separator)
        if stop <= end + 2:
            raise source.error("expected labels and rows behind the header, found none.", line=end + 1)
        yield _Segment(settings, end + 1, stop, separator)
        before = stop


def _end_of_rows(lines: Sequence[str], first: int, separator: str) -> int:
    """Index of the blank line behind the last row; blank lines among the rows end nothing."""
    stop = first
    for i in range(first, len(lines)):
        if lines[i].strip() and optional_number(lines[i].split(separator)[0] or lines[i].strip()) is None:
            break
        empty = lines[i].count(separator) == lines[first].count(separator) > 0
        if lines[i].strip() or empty:
            stop = i + 1
    blank = stop < len(lines) and not lines[stop].strip()
    return (
        stop
        if blank or stop == len(lines)
        else next((i for i in range(stop, len(lines)) if not lines[i].strip()), len(lines))
    )


def _table(source: Source, segment: _Segment, metadata: Mapping[str, str], part: str) -> RawTable:
    """One segment in SI units."""
    labels = [label.strip() for label in source.lines[segment.at].split(segment.separator)]
    while labels and labels[-1] in ("", "Comment"):
        labels.pop()
    names = labels[1:]
    x_columns = metadata.get("X_Columns", "One").lower()
    if labels[:1] != ["X_Value"] or x_columns == "multi" or labels.count("X_Value") > 1 or not names:
        raise source.error(
            "expected one column X_Value and the channels behind it; save with `One column only` for X, or "
            "export the channels as a table.",
            line=segment.at + 1,
        )
    if segment.of("X_Dimension", 0).lower() not in ("time", ""):
        raise source.error(
            f"expected a function of time, found X_Dimension {segment.of('X_Dimension', 0)!r}."
        )
    columns, notes = _columns(names, segment)
    time = [] if x_columns == "no" else [Column(0, "X_Value", "time", find_unit("s"))]
    cells = (
        line.split(segment.separator)[: len(labels)] for line in source.lines[segment.at + 1 : segment.end]
    )
    lines = [segment.separator.join(row) for row in cells]
    whole = segment.end < len(source.lines)
    block = read_block(source, [*time, *columns], labels, segment.at + 1, lines=lines, ended=whole)
    values = dict(block.columns)
    if not time:
        start, step = (optional_number(segment.of(key, 0)) for key in ("X0", "Delta_X"))
        if start is None or step is None:
            raise source.error("expected X0 and Delta_X, because the file has no column of X.")
        values = {"time": start + step * np.arange(block.rows, dtype=np.float64), **values}
    return RawTable(
        columns=values, part=part, metadata=dict(metadata), notes=(*block.notes, *notes),
        channels=not {"voltage", "current"} <= {column.role for column in columns},
    )  # fmt: skip


def _columns(names: Sequence[str], segment: _Segment) -> tuple[list[Column], list[str]]:
    """The channels: a voltage and a current where names and units say so, else by their names."""
    stated = [segment.of("Y_Unit_Label", i) for i in range(len(names))]
    units = [find_unit(text) if text else None for text in stated]
    roles: dict[str, int] = {}
    for i, (name, unit) in enumerate(zip(names, units, strict=True)):
        column = understand(re.sub(r"[ _]\d+$", "", name))
        role = column.role if column is not None else ""
        if unit is not None and role in ("voltage", "current") and unit.is_a(role):
            roles.setdefault(role, i)
    if len(roles) == 2:
        return [Column(i + 1, names[i], role, units[i]) for role, i in roles.items()], []
    notes = []
    if any(unit is None or not (unit.is_a("voltage") or unit.is_a("current")) for unit in units):
        notes.append("Channels without a unit are taken as volts.")
        units = [unit if unit and unit.is_a("current") else find_unit("V") for unit in units]
    return [
        Column(i, name, name, unit) for i, (name, unit) in enumerate(zip(names, units, strict=True), start=1)
    ], notes


READER = Reader(
    "LabVIEW measurement",
    lambda s: re.match(r"\s{0,8}LabVIEW Measurement\s", s.head) is not None,
    _read,
    frozenset({".lvm"}),
)
