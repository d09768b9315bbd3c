"""Gamry Framework (.DTA).

Lines of KEY, type, value, description separated by tabs; tables begin with "NAME  TABLE  [rows]", a line
of names and one of units, then rows that begin with a tab. Decimal point or comma. Impedance stands in
ZCURVE (Zimag has the true sign; the bias is the column Vdc, because VDC in the header may be against
the open circuit), time courses in CURVE, CURVE1, ... OCVCURVE is the open circuit before, FRACURVE the
raw waves behind: neither is read. Temp -327 means that no probe was there.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.records import Kind
from memfit.errors import FileFormatError, UnitError
from memfit.loaders.raw import FileSettings, RawTable, Stated
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import Block, Field, find_fields, need, read_lines
from memfit.protocols import Control, Drive
from memfit.units import find_unit, parse_number

NAME = "Gamry DTA"

_IMPEDANCE = (
    Field("frequency", ("Freq",), "Hz"),
    Field("z_real", ("Zreal",), "ohm"),
    Field("z_imag", ("Zimag",), "ohm"),
    Field("bias_voltage", ("Vdc",), "V"),
    Field("bias_current", ("Idc",), "A"),
)
_COURSE = (
    Field("time", ("T", "Time"), "s"),
    Field("voltage", ("Vf", "V", "Voltage"), "V"),
    Field("current", ("Im", "I", "Current"), "A"),
)
_SQUARE_WAVE = (("forward", "Vfwd", "Ifwd"), ("reverse", "Vrev", "Irev"))

_TAGS: Mapping[str, tuple[Kind, Control | None]] = {
    "CV": ("iv", "voltage"), "CVA": ("iv", "voltage"), "LSV": ("iv", "voltage"),
    "POTENTIODYNAMIC": ("iv", "voltage"),
    "CYCPOL": ("iv", "voltage"), "CHRONOA": ("transient", "voltage"), "CHRONOP": ("transient", "current"),
    "CHRONOC": ("transient", "voltage"), "POTENTIOSTATIC": ("transient", "voltage"),
    "GALVANOSTATIC": ("transient", "current"), "SQUARE_WAVE": ("transient", "voltage"),
}  # fmt: skip
_TYPES = frozenset({
    "DROPDOWN", "IQUANT", "LABEL", "NOTES", "ONEPARAM", "POTEN", "PSTAT", "QUANT", "SELECTOR", "TOGGLE",
    "TWOPARAM",
})  # fmt: skip
"""Words between a key and its values."""
_UNREAD = re.compile(r"(OCV|FRA|RFRA|VFRA|IFRA|NOISE|STAB).*CURVE\d*", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """One table of a file, as text."""

    name: str
    declared: int | None
    """Number of rows that the file announces."""
    labels: tuple[str, ...]
    units: tuple[str, ...]
    rows: tuple[str, ...]
    """Rows, their fields joined by tabs."""
    first: int
    """Index (from 0) of the first row's line."""


def recognises(source: Source) -> bool:
    """True for a DTA file: a TAG line near the top and a table."""
    return re.search(r"^TAG\t", source.head, re.MULTILINE) is not None


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of a DTA file.

    Raises
    ------
    FileFormatError
        There is no table that memfit reads, or a broken row.
    """
    keys, tables, aborted = _read_file(source)
    notes = ("The experiment was aborted.",) if aborted else ()
    wanted = [table for table in tables if not _UNREAD.fullmatch(table.name)]
    if not wanted:
        raise FileFormatError(
            f"expected a table ZCURVE or CURVE, found {', '.join(t.name for t in tables) or 'none'}.",
            file=source.name,
        )
    found: list[RawTable] = []
    for table in wanted:
        part = table.name if len(wanted) > 1 else ""
        found += list(_tables(source, table, keys, part, (*notes, *_count_note(table))))
    return found


def _tables(
    source: Source, table: Table, keys: Mapping[str, tuple[str, ...]], part: str, notes: tuple[str, ...]
) -> Iterator[RawTable]:
    """A table in SI units, by what its columns are."""
    metadata = {key: values[0] for key, values in keys.items() if values and values[0].strip()}
    if "Freq" in table.labels:
        block = _read(source, table, _IMPEDANCE, ("frequency", "z_real", "z_imag"))
        if "ZrealDrCor" in table.labels:
            notes = (
                *notes,
                "The file also has drift-corrected values (ZrealDrCor, ...): the measured ones were taken.",
            )
        galvanostatic = keys.get("TAG", ("",))[0].upper().startswith("GALV")
        yield RawTable(
            columns=block.columns, kind="impedance", part=part,
            control="current" if galvanostatic else "voltage",
            amplitude=_amplitude(keys, galvanostatic=galvanostatic), metadata=metadata,
            notes=(*notes, *block.notes),
        )  # fmt: skip
        return
    tag = keys.get("TAG", ("",))[0].upper()
    kind, control = _TAGS.get(tag, (None, None))
    if "Vfwd" in table.labels:
        yield from _square_wave(source, table, keys, metadata, notes)
        return
    if metadata.get("CONVENTION", "1") != "1":
        stated = metadata["CONVENTION"]
        notes = (
            *notes,
            f"The sign of the current is kept as printed; CONVENTION {stated} of the header is not 1.",
        )
    if "T" not in table.labels and "Time" not in table.labels:
        block = _read(source, table, _COURSE, ("voltage", "current"))
        columns: dict[str, FloatArray] = {"time": _clock(source, table, keys, block.rows), **block.columns}
        kind = "transient"
        control = control or "voltage"
        notes = (*notes, "The times are the row numbers over FREQ of the header.")
    else:
        block = _read(source, table, _COURSE, ("time", "voltage", "current"))
        columns = dict(block.columns)
    yield RawTable(
        columns=columns, kind=kind, control=control, part=part, metadata=metadata,
        notes=(*notes, *block.notes),
        scan_rate=_scan_rate(keys) if kind == "iv" else None,
    )  # fmt: skip


def _square_wave(
    source: Source,
    table: Table,
    keys: Mapping[str, tuple[str, ...]],
    metadata: Mapping[str, str],
    notes: tuple[str, ...],
) -> Iterator[RawTable]:
    """Square-wave voltammetry: a sample at the end of each half period, the drive from both."""
    half = 0.5 / _quantity(source, keys, "FREQUENCY")
    found = []
    for part, voltage, current in _SQUARE_WAVE:
        fields = (_COURSE[0], Field("voltage", (voltage,), "V"), Field("current", (current,), "A"))
        found.append((part, _read(source, table, fields, ("time", "voltage", "current"))))
    time = found[0][1].columns["time"]
    levels = np.column_stack([block.columns["voltage"] for _, block in found]).ravel()
    starts = np.column_stack([time - 2 * half, time - half]).ravel()
    ends = np.append(starts[1:], time[-1])
    drive = Drive("voltage", np.column_stack([starts, ends]).ravel(), np.repeat(levels, 2))
    for (part, block), delay in zip(found, (half, 0.0), strict=True):
        yield RawTable(
            columns={**block.columns, "time": time - delay}, kind="transient", control="voltage", part=part,
            drive=drive, metadata=metadata,
            notes=(*notes, *block.notes),
        )  # fmt: skip


def _read(source: Source, table: Table, fields: Sequence[Field], needed: Sequence[str]) -> Block:
    """Columns of a table, whose row of units must agree with what is known of them."""
    columns = find_fields(table.labels, fields)
    need(columns, needed, table.labels, source, table.first)
    for column in columns:
        stated = table.units[column.index] if column.index < len(table.units) else ""
        unit = find_unit(stated) if stated else None
        if unit is None or column.unit is None or unit.exponents != column.unit.exponents:
            raise FileFormatError(
                f"expected the unit {column.unit.text if column.unit else '?'} below {column.label!r}, found "
                f"{stated!r}.",
                file=source.name, line=table.first, column=column.label,
            )  # fmt: skip
    columns = [
        type(column)(column.index, column.label, column.role, find_unit(table.units[column.index]))
        for column in columns
    ]
    return read_lines(source, columns, table.labels, table.rows, table.first)


def _read_file(source: Source) -> tuple[dict[str, tuple[str, ...]], list[Table], bool]:
    """Keys, tables and whether the experiment was aborted."""
    keys: dict[str, tuple[str, ...]] = {}
    tables: list[Table] = []
    lines = source.lines
    i = 0
    while i < len(lines):
        fields = lines[i].split("\t")
        if len(fields) >= 2 and fields[1].strip() == "TABLE" and fields[0].strip():
            table, i = _read_table(source, i)
            tables.append(table)
            continue
        if len(fields) >= 2 and fields[0].strip():
            keys.setdefault(fields[0].strip(), _values(fields))
        i += 1
    return keys, tables, keys.get("EXPERIMENTABORTED", ("F",))[0].strip() == "T"


def _values(fields: Sequence[str]) -> tuple[str, ...]:
    """What stands behind a key: its type and values, or one value, with empty fields from a spreadsheet."""
    typed = len(fields) > 2 and (fields[1].strip() in _TYPES or any(map(str.strip, fields[2:])))
    return tuple(fields[2:]) if typed else (fields[1].strip(),)


def _read_table(source: Source, start: int) -> tuple[Table, int]:
    """The table that begins at a line, and the index of the line behind it."""
    lines = source.lines
    head = lines[start].split("\t")
    if start + 2 >= len(lines):
        raise FileFormatError(
            "expected names and units below TABLE: the file is cut.", file=source.name, line=start + 1
        )
    labels = tuple(word.strip() for word in lines[start + 1].strip().split("\t"))
    units = tuple(word.strip() for word in lines[start + 2].strip().split("\t"))
    rows: list[str] = []
    i = start + 3
    while i < len(lines) and (not lines[i].strip() or lines[i][0] in " \t"):
        rows.append(_row(lines[i], len(labels)))
        i += 1
    declared = int(head[2]) if len(head) > 2 and re.fullmatch(r" *[0-9]{1,9} *", head[2]) else None
    return Table(head[0].strip(), declared, labels, units, tuple(rows), start + 3), i


def _row(line: str, fields: int) -> str:
    """A row with its fields joined by tabs; some programs write blanks between them."""
    words = line.rstrip().split("\t")
    if words and not words[0].strip():
        words = words[1:]
    if len(words) != fields:
        words = line.split()
    return "\t".join(words)


def _count_note(table: Table) -> tuple[str, ...]:
    rows = sum(bool(row.strip()) for row in table.rows)
    if table.declared is None or table.declared == rows:
        return ()
    return (f"The table {table.name} announces {table.declared} rows and has {rows}.",)


def _quantity(source: Source, keys: Mapping[str, tuple[str, ...]], key: str) -> float:
    """A number of the header above zero."""
    try:
        value = parse_number(keys[key][0])
    except (KeyError, IndexError, UnitError) as error:
        raise FileFormatError(f"expected a number for {key} in the header.", file=source.name) from error
    if value <= 0:
        raise FileFormatError(f"expected {key} above 0, found {value:g}.", file=source.name)
    return value


def _clock(source: Source, table: Table, keys: Mapping[str, tuple[str, ...]], rows: int) -> FloatArray:
    """Times of a table without them: row number over the sampling frequency."""
    if "FREQ" not in keys:
        raise FileFormatError(
            f"expected a column T or the sampling frequency FREQ for the table {table.name}.",
            file=source.name,
        )
    times: FloatArray = np.arange(rows) / _quantity(source, keys, "FREQ")
    return times


def _number(keys: Mapping[str, tuple[str, ...]], key: str) -> float | None:
    try:
        return parse_number(keys[key][0])
    except (KeyError, IndexError, UnitError):
        return None


def _amplitude(keys: Mapping[str, tuple[str, ...]], *, galvanostatic: bool) -> float | None:
    """Amplitude of the sine, V or A, from the rms value that the header gives (mV or A)."""
    rms = _number(keys, "IAC" if galvanostatic else "VAC")
    if rms is None:
        return None
    return rms * math.sqrt(2) * (1.0 if galvanostatic else 1e-3)


def _scan_rate(keys: Mapping[str, tuple[str, ...]]) -> Stated | None:
    rate = _number(keys, "SCANRATE")
    return Stated(rate / 1000, "the file's header") if rate else None
