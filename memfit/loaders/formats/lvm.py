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

from memfit.errors import FileFormatError, UnitError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import read_lines
from memfit.loaders.tables.labels import Column, understand
from memfit.units import find_unit, parse_number

NAME = "LabVIEW measurement"

_END = "***End_of_Header***"
_SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";"}
_MAX_SEGMENTS = 1000


def recognises(source: Source) -> bool:
    """True for the first words of the file."""
    return re.match(r"\s{0,8}LabVIEW Measurement\s", source.head) is not None


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The segments of the file.

    Raises
    ------
    FileFormatError
        A header is missing or cut, or the rows are no functions of time.
    """
    ends = [i for i, line in enumerate(source.lines) if line.strip().startswith(_END)]
    if len(ends) < 2:
        raise FileFormatError(
            f"expected a header of the file and one of a segment, each ended by {_END}; found {len(ends)}: "
            "the file is cut or holds no data.",
            file=source.name,
        )
    if len(ends) > _MAX_SEGMENTS:
        raise FileFormatError(f"expected at most {_MAX_SEGMENTS} segments, found more.", file=source.name)
    separator = _separator(source.lines[: ends[0]])
    metadata = _pairs(source.lines[: ends[0]], separator)
    segments = list(_segments(source, ends, separator))
    return [
        _table(source, segment, metadata, f"segment {number}" if len(segments) > 1 else "")
        for number, segment in enumerate(segments, start=1)
    ]


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


def _separator(lines: Sequence[str]) -> str:
    """What parts the fields: "Separator<tab>Tab"."""
    found = next(
        (re.match(r"Separator[\t,;]\s*(\w+)", line) for line in lines if line[:9] == "Separator"), None
    )
    return _SEPARATORS.get(found[1].lower(), "\t") if found else "\t"


def _pairs(lines: Sequence[str], separator: str) -> dict[str, str]:
    """Settings of the file."""
    split = (line.split(separator) for line in lines[1:])
    return {words[0].strip(): words[1].strip() for words in split if len(words) > 1 and words[1].strip()}


def _segments(source: Source, ends: Sequence[int], separator: str) -> Iterator[_Segment]:
    """Each header of a segment with its rows, which end at a blank line or at the end of the file."""
    lines = source.lines
    before = ends[0]
    for end in ends[1:]:
        words = [line.split(separator) for line in lines[before + 1 : end]]
        settings = {row[0].strip(): [text.strip() for text in row[1:]] for row in words if row[0].strip()}
        at = end + 1
        stop = at + 1
        while stop < len(lines) and lines[stop].strip():
            stop += 1
        if at >= len(lines) or stop == at + 1:
            raise FileFormatError("expected labels and rows behind the header, found none.",
                                  file=source.name, line=end + 1)  # fmt: skip
        yield _Segment(settings, at, stop, separator)
        before = stop


def _table(source: Source, segment: _Segment, metadata: Mapping[str, str], part: str) -> RawTable:
    """One segment in SI units."""
    labels = [label.strip() for label in source.lines[segment.at].split(segment.separator)]
    while labels and labels[-1] in ("", "Comment"):
        labels.pop()
    names = labels[1:]
    repeated = metadata.get("X_Columns", "One").lower() == "multi" or labels.count("X_Value") > 1
    if labels[:1] != ["X_Value"] or repeated or not names:
        raise FileFormatError(
            "expected one column X_Value and the channels behind it; save with `One column only` for X, or "
            "export the channels as a table.",
            file=source.name,
            line=segment.at + 1,
        )
    if segment.of("X_Dimension", 0).lower() not in ("time", ""):
        raise FileFormatError(
            f"expected a function of time, found X_Dimension {segment.of('X_Dimension', 0)!r}.",
            file=source.name,
        )
    columns, notes = _columns(names, segment)
    counted = metadata.get("X_Columns", "One").lower() == "no"
    time = [] if counted else [Column(0, "X_Value", "time", find_unit("s"))]
    parted = (
        line.split(segment.separator)[: len(labels)] for line in source.lines[segment.at + 1 : segment.end]
    )
    lines = [segment.separator.join(fields) for fields in parted]
    whole = segment.end < len(source.lines)
    block = read_lines(source, [*time, *columns], labels, lines, segment.at + 1, ended=whole)
    found = dict(block.columns)
    if counted:
        found = {"time": _counted(source, segment, block.rows), **found}
    channels = {"voltage", "current"} - {column.role for column in columns} != set()
    return RawTable(
        columns=found, kind=None, part=part, metadata=dict(metadata), channels=channels,
        notes=(*block.notes, *notes),
    )  # fmt: skip


def _columns(names: Sequence[str], segment: _Segment) -> tuple[list[Column], list[str]]:
    """The channels: a voltage and a current where names and units say so, else by their names."""
    units = [find_unit(segment.of("Y_Unit_Label", i)) if segment.of("Y_Unit_Label", i) else None
             for i in range(len(names))]  # fmt: skip
    roles: dict[str, int] = {}
    for i, (name, unit) in enumerate(zip(names, units, strict=True)):
        column = understand(re.sub(r"[ _]\d+$", "", name))
        role = column.role if column is not None else ""
        if unit is not None and role in ("voltage", "current") and unit.is_a(role) and role not in roles:
            roles[role] = i
    if len(roles) == 2:
        return [Column(i + 1, names[i], role, units[i]) for role, i in roles.items()], []
    notes = []
    if any(unit is None or not (unit.is_a("voltage") or unit.is_a("current")) for unit in units):
        notes.append("Channels without a unit are taken as volts.")
        units = [unit if unit and unit.is_a("current") else find_unit("V") for unit in units]
    return [
        Column(i + 1, name, name, unit) for i, (name, unit) in enumerate(zip(names, units, strict=True))
    ], notes


def _counted(source: Source, segment: _Segment, count: int) -> np.ndarray:
    """Times from X0 and Delta_X."""
    try:
        start, step = parse_number(segment.of("X0", 0)), parse_number(segment.of("Delta_X", 0))
    except UnitError as error:
        raise FileFormatError("expected X0 and Delta_X, because the file has no column of X.",
                              file=source.name) from error  # fmt: skip
    return start + step * np.arange(count)
