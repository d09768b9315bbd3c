"""Zurich Instruments LabOne (MFIA, MFLI): the CSV that the Sweeper saves.

A first line "chunk;timestamp;size;fieldname", then a line for each quantity of each sweep: its number, a time
stamp, the number of values, the name of the field, the values ("0;0;100;frequency;1000;891.2;..."),
separated by semicolons or commas. Fields are `frequency` (or `grid`), `realz` and `imagz` or `absz` and
`phasez` (radian), `bias` (V), all SI and of true sign; points that the sweep did not reach are nan.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.loaders.raw import FileSettings, RawTable, Reader, Source
from memfit.loaders.tables import Layout, end_notes, judge_last, number

_HEADER = ("chunk", "timestamp", "size", "fieldname")
_FIELDS = ("frequency", "grid", "realz", "imagz", "absz", "phasez", "bias")
_PAIRS = ((("realz", "imagz"), ("z_real", "z_imag")), (("absz", "phasez"), ("z_modulus", "phase")))


def _recognises(source: Source) -> bool:
    """True for the first line that LabOne writes."""
    first = source.head.split("\n", 1)[0].lower().replace('"', "")
    return any(tuple(word.strip() for word in first.split(mark)[:4]) == _HEADER for mark in ";,")


def _read(source: Source, settings: FileSettings) -> list[RawTable]:
    """A table for each sweep."""
    mark = ";" if ";" in source.lines[0] else ","
    sweeps: dict[str, dict[str, FloatArray]] = {}
    notes: list[str] = []
    nameless = 0
    for line, text in enumerate(source.lines[1:], start=2):
        words = [word.strip(' "') for word in text.split(mark)]
        if len(words) < 4 or words[3].lower() not in _FIELDS:
            nameless += bool(text.strip()) and (len(words) < 4 or number(words[3]) is not None)
            continue
        if not (words[0].isascii() and words[0].isdecimal()):
            raise source.error(
                f"expected the number of a sweep, found {words[0][:20]!r}.", line=line, column="chunk"
            )
        size = words[2]
        count = int(size) if size.isascii() and size.isdecimal() and len(size) < 9 else -1
        if count < 1:
            raise source.error(
                f"expected the number of values, found {size[:20]!r}.", line=line, column="size"
            )
        values = [number(word) for word in words[4 : 4 + count]]
        if None in values or len(values) < count:
            what = f"{len(values)} of {count} values" if None not in values else "something that is no number"
            raise source.error(f"expected {count} numbers, found {what}.", line=line)
        sweeps.setdefault(words[0], {})[words[3].lower()] = np.array(values, dtype=np.float64)
        if line == len(source.lines):  # without a line end its last value may be half
            judged = judge_last(words[-1], words[4:-1], Layout(";"))
            if judged == "half":
                raise source.error(
                    f"expected a line end behind the last value, found {words[-1][:20]!r}: the file is cut.",
                    line=line,
                )
            notes = end_notes(judged, line)
    if nameless:
        notes = [*notes, f"{nameless} lines without the name of a field were left out."]
    if not sweeps:
        raise source.error(
            "expected lines of frequency and of realz and imagz (or absz and phasez), found none."
        )
    parts = [f"sweep {place}" if len(sweeps) > 1 else "" for place in range(1, len(sweeps) + 1)]
    tables = [_table(fields, part, source) for fields, part in zip(sweeps.values(), parts, strict=True)]
    return [*tables[:-1], replace(tables[-1], notes=(*tables[-1].notes, *notes))]


def _table(fields: Mapping[str, FloatArray], part: str, source: Source) -> RawTable:
    """One sweep."""
    frequency = fields.get("frequency", fields.get("grid"))
    pair, roles = next(((p, r) for p, r in _PAIRS if set(p) <= fields.keys()), ((), ()))
    if frequency is None or not pair:
        raise source.error(
            "expected frequency with realz and imagz (or absz and phasez) in every sweep; found "
            f"{', '.join(fields)}."
        )
    columns = {"frequency": frequency}
    columns |= {role: fields[name] for role, name in zip(roles, pair, strict=True)}
    if "bias" in fields:
        columns["bias_voltage"] = fields["bias"]
    if len({values.size for values in columns.values()}) != 1:
        raise source.error("expected equally many values of each field of a sweep.")
    good = np.all([np.isfinite(values) for values in columns.values()], axis=0)
    left_out = int(np.count_nonzero(~good))
    return RawTable(
        columns={role: values[good] for role, values in columns.items()},
        kind="impedance",
        part=part,
        metadata={"instrument": "Zurich Instruments LabOne"},
        notes=(f"{left_out} points that the sweep did not reach were left out.",) if left_out else (),
    )


READER = Reader("LabOne sweeper CSV", _recognises, _read)
