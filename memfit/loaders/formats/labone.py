"""Zurich Instruments LabOne (MFIA, MFLI): the CSV that the Sweeper saves.

A first line "chunk;timestamp;size;fieldname", then a line for each quantity of each sweep: its number, a time
stamp, the number of values, the name of the field, the values ("0;0;100;frequency;1000;891.2;..."),
separated by semicolons or commas. Fields are `frequency` (or `grid`), `realz` and `imagz` or `absz` and
`phasez` (radian), `bias` (V), all SI and of true sign; points that the sweep did not reach are nan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.parse import Layout, end_notes, judge_last, number

NAME = "LabOne sweeper CSV"

_HEADER = ("chunk", "timestamp", "size", "fieldname")
_FIELDS = ("frequency", "grid", "realz", "imagz", "absz", "phasez", "bias")


def recognises(source: Source) -> bool:
    """True for the first line that LabOne writes."""
    first = source.head.split("\n", 1)[0].lower().replace('"', "")
    return any(tuple(word.strip() for word in first.split(mark)[:4]) == _HEADER for mark in ";,")


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """A table for each sweep.

    Raises
    ------
    FileFormatError
        A line is broken, or a sweep lacks its frequencies or its impedance.
    """
    mark = ";" if ";" in source.lines[0] else ","
    sweeps: dict[str, dict[str, FloatArray]] = {}
    notes: tuple[str, ...] = ()
    for line, text in enumerate(source.lines[1:], start=2):
        words = [word.strip(' "') for word in text.split(mark)]
        if len(words) < 4 or words[3].lower() not in _FIELDS:
            continue
        fields = sweeps.setdefault(words[0], {})
        fields[words[3].lower()] = _values(words[4:], words[2], source, line)
        if line == len(source.lines):
            notes = _end_note(words[4:], source, line)
    if not sweeps:
        raise FileFormatError(
            "expected lines of frequency and of realz and imagz (or absz and phasez), found none.",
            file=source.name,
        )
    parts = [f"sweep {place}" if len(sweeps) > 1 else "" for place in range(1, len(sweeps) + 1)]
    found = [_table(fields, part, source) for fields, part in zip(sweeps.values(), parts, strict=True)]
    return [*found[:-1], replace(found[-1], notes=(*found[-1].notes, *notes))]


def _end_note(words: Sequence[str], source: Source, line: int) -> tuple[str, ...]:
    """What is said of a last line without line end, whose last value may be half.

    Raises
    ------
    FileFormatError
        It is shorter than all others of the line.
    """
    judged = judge_last(words[-1], words[:-1], Layout(";"))
    if judged == "half":
        raise FileFormatError(
            f"expected a line end behind the last value, found {words[-1][:20]!r}: the file is cut.",
            file=source.name,
            line=line,
        )
    return tuple(end_notes(judged, line))


def _values(words: list[str], size: str, source: Source, line: int) -> FloatArray:
    """The values of a line, as many as it announces; what is missing is nan."""
    count = int(size) if size.isascii() and size.isdecimal() and len(size) < 9 else -1
    if count < 1:
        raise FileFormatError(
            f"expected the number of values, found {size[:20]!r}.", file=source.name, line=line, column="size"
        )
    values = [number(word) for word in words[:count]]
    if None in values or len(values) < count:
        what = f"{len(values)} of {count} values" if None not in values else "something that is no number"
        raise FileFormatError(f"expected {count} numbers, found {what}.", file=source.name, line=line)
    return np.array(values, dtype=np.float64)


def _table(fields: Mapping[str, FloatArray], part: str, source: Source) -> RawTable:
    """One sweep."""
    frequency = fields.get("frequency", fields.get("grid"))
    pair = next((p for p in (("realz", "imagz"), ("absz", "phasez")) if set(p) <= fields.keys()), None)
    if frequency is None or pair is None:
        raise FileFormatError(
            "expected frequency with realz and imagz (or absz and phasez) in every sweep; found "
            f"{', '.join(fields)}.",
            file=source.name,
        )
    roles = dict(
        zip(("z_real", "z_imag") if pair[0] == "realz" else ("z_modulus", "phase"), pair, strict=True)
    )
    columns = {"frequency": frequency, **{role: fields[name] for role, name in roles.items()}}
    if "bias" in fields:
        columns["bias_voltage"] = fields["bias"]
    if len({values.size for values in columns.values()}) != 1:
        raise FileFormatError("expected equally many values of each field of a sweep.", file=source.name)
    good = np.all([np.isfinite(values) for values in columns.values()], axis=0)
    left_out = int(np.count_nonzero(~good))
    notes = (f"{left_out} points that the sweep did not reach were left out.",) if left_out else ()
    return RawTable(
        columns={role: values[good] for role, values in columns.items()},
        kind="impedance",
        part=part,
        metadata={"instrument": "Zurich Instruments LabOne"},
        notes=notes,
    )
