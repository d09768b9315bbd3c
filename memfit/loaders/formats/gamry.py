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
from dataclasses import dataclass, replace

import numpy as np

from memfit.datasets import Kind
from memfit.loaders.curves import repeated_rows
from memfit.loaders.raw import FileSettings, RawTable, Reader, Source, Stated
from memfit.loaders.tables import Block, Field, count_note, find_fields, need, optional_number, read_block
from memfit.protocols import Control, Drive
from memfit.units import find_unit

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
_BOTH_WAVES = frozenset(label for _, *labels in _SQUARE_WAVE for label in labels)
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
class _Table:
    """One table of a file, as text."""

    name: str
    declared: int | None
    """Number of rows that the file announces."""
    remarks: tuple[tuple[int, str], ...]
    """Lines (from 1) between the rows that are none."""
    labels: tuple[str, ...]
    units: tuple[str, ...]
    rows: tuple[str, ...]
    """Rows, their fields joined by tabs."""
    first: int
    """Index (from 0) of the first row's line."""


def _read(source: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of a DTA file."""
    keys: dict[str, str] = {}
    tables: list[_Table] = []
    lines, i = source.lines, 0
    while i < len(lines):
        fields = lines[i].split("\t")
        key, kind = fields[0].strip(), fields[1].strip() if len(fields) > 1 else None
        if key and kind == "TABLE":
            table, i = _read_table(source, i)
            tables.append(table)
            continue
        if key and kind is not None:  # its type and values, or one value, with empty fields of a spreadsheet
            typed = len(fields) > 2 and (kind in _TYPES or any(map(str.strip, fields[2:])))
            keys.setdefault(key, fields[2] if typed else kind)
        i += 1
    wanted = [table for table in tables if not _UNREAD.fullmatch(table.name)]
    if not wanted:
        raise source.error(
            f"expected a table ZCURVE or CURVE, found {', '.join(t.name for t in tables) or 'none'}."
        )
    aborted = keys.get("EXPERIMENTABORTED", "").strip() == "T"
    metadata = {key: value for key, value in keys.items() if value.strip()}
    raw = []
    for table in wanted:
        counted = sum(bool(row.strip()) for row in table.rows)
        sentence = f"The table {table.name} announces {{announced}} rows and has {{counted}}."
        notes = (
            *(("The experiment was aborted.",) if aborted else ()),
            *count_note(sentence, table.declared, counted),
            *(f"Line {line} is no row and was left out: {text[:80]!r}." for line, text in table.remarks),
        )
        raw += [
            replace(
                made, part=made.part or (table.name if len(wanted) > 1 else ""), metadata=metadata,
                notes=(*notes, *made.notes),
            )
            for made in _tables(source, table, keys)
        ]  # fmt: skip
    return raw


def _read_table(source: Source, start: int) -> tuple[_Table, int]:
    """The table that begins at a line, and the index of the line behind it."""
    lines = source.lines
    head = lines[start].split("\t")
    if start + 2 >= len(lines):
        raise source.error("expected names and units below TABLE: the file is cut.", line=start + 1)
    labels, units = (tuple(map(str.strip, lines[start + i].strip().split("\t"))) for i in (1, 2))
    rows: list[str] = []
    remarks: list[tuple[int, str]] = []
    end = start + 3
    while end < len(lines) and not _begins_key(lines[end]):
        begins = lines[end].split()[:1]
        if begins and lines[end][0] not in " \t" and optional_number(begins[0]) is None:
            remarks.append((end + 1, lines[end].strip()))
            rows.append("")
            end += 1
            continue
        words = lines[end].rstrip().split("\t")
        empty = not lines[end].strip() and "\t" in lines[end]  # a row without content
        if words and not words[0].strip():
            words = words[1:]
        if empty:
            words = [""] * max(len(labels), 2)
        elif len(words) != len(labels):  # some programs write blanks between the fields
            words = lines[end].split()
        rows.append("\t".join(words))
        end += 1
    declared = int(head[2]) if len(head) > 2 and re.fullmatch(r" *[0-9]{1,9} *", head[2]) else None
    while remarks and not any(map(str.strip, rows[remarks[-1][0] - start - 4 :])):
        if remarks[-1][1].count("\t") + 1 >= len(labels) - 1:  # a row whose first cell is no number
            break
        remarks.pop()  # behind the last row
    return _Table(head[0].strip(), declared, tuple(remarks), labels, units, tuple(rows), start + 3), end


def _begins_key(line: str) -> bool:
    """True for a line of a KEY and what it says: it ends the rows of the table before."""
    return re.match(r"[A-Z][A-Z0-9_]*\t[^\t]*[A-Za-z]|[A-Z][A-Z0-9_]{2,}\t", line) is not None


def _tables(source: Source, table: _Table, keys: Mapping[str, str]) -> Iterator[RawTable]:
    """A table in SI units, by what its columns are."""
    tag = keys.get("TAG", "").upper()
    if "Freq" in table.labels:
        block = _read_columns(source, table, _IMPEDANCE, ("frequency", "z_real", "z_imag"))
        drift = "The file also has drift-corrected values (ZrealDrCor, ...): the measured ones were taken."
        galvanostatic = tag.startswith("GALV")
        rms = optional_number(keys.get("IAC" if galvanostatic else "VAC"))  # A or mV
        yield RawTable(
            columns=block.columns, others=block.others, kind="impedance",
            control="current" if galvanostatic else "voltage",
            amplitude=None if rms is None else rms * math.sqrt(2) * (1.0 if galvanostatic else 1e-3),
            notes=(*((drift,) if "ZrealDrCor" in table.labels else ()), *block.notes),
        )  # fmt: skip
        return
    if "Vfwd" in table.labels:
        yield from _square_wave(source, table, keys)
        return
    kind, control = _TAGS.get(tag, (None, None))
    convention = keys.get("CONVENTION", "")
    notes: tuple[str, ...] = ()
    if convention.strip() and convention != "1":
        notes = (
            f"The sign of the current is kept as printed; CONVENTION {convention} of the header is not 1.",
        )
    if "T" in table.labels or "Time" in table.labels:
        block = _read_columns(source, table, _COURSE, ("time", "voltage", "current"))
        columns = dict(block.columns)
    else:
        block = _read_columns(source, table, _COURSE, ("voltage", "current"))
        if "FREQ" not in keys:
            raise source.error(
                f"expected a column T or the sampling frequency FREQ for the table {table.name}."
            )
        gap = next((i for i, row in enumerate(table.rows[: block.rows]) if not row.strip()), None)
        if gap is not None:  # the times are counted
            raise source.error("expected a row, found an empty line.", line=table.first + gap + 1)
        columns = {"time": np.arange(block.rows) / _positive(source, keys, "FREQ"), **block.columns}
        copied = repeated_rows(block.columns["voltage"], block.columns["current"])
        if copied:
            notes = (*notes, f"{copied} rows repeat earlier ones to the last digit: were they pasted twice?")
        kind, control = "transient", control or "voltage"
        notes = (*notes, "The times are the row numbers over FREQ of the header.")
    rate = optional_number(keys.get("SCANRATE")) if kind == "iv" else None
    yield RawTable(
        columns=columns, others=block.others, kind=kind, control=control, notes=(*notes, *block.notes),
        scan_rate=Stated(rate / 1000, "the file's header") if rate else None,
    )  # fmt: skip


def _square_wave(source: Source, table: _Table, keys: Mapping[str, str]) -> Iterator[RawTable]:
    """Square-wave voltammetry: a sample at the end of each half period, the drive from both."""
    half = 0.5 / _positive(source, keys, "FREQUENCY")
    blocks = []
    for _, voltage, current in _SQUARE_WAVE:
        fields = (_COURSE[0], Field("voltage", (voltage,), "V"), Field("current", (current,), "A"))
        beside = [i for i, label in enumerate(table.labels) if label in _BOTH_WAVES]
        blocks.append(_read_columns(source, table, fields, ("time", "voltage", "current"), beside))
    time = blocks[0].columns["time"]
    levels = np.column_stack([block.columns["voltage"] for block in blocks]).ravel()
    starts = np.column_stack([time - 2 * half, time - half]).ravel()
    ends = np.append(starts[1:], time[-1])
    drive = Drive("voltage", np.column_stack([starts, ends]).ravel(), np.repeat(levels, 2))
    for (part, _, _), block, delay in zip(_SQUARE_WAVE, blocks, (half, 0.0), strict=True):
        yield RawTable(
            columns={**block.columns, "time": time - delay}, kind="transient", control="voltage", part=part,
            drive=drive, notes=block.notes,
        )  # fmt: skip


def _read_columns(
    source: Source, table: _Table, fields: Sequence[Field], needed: Sequence[str], also: Sequence[int] = ()
) -> Block:
    """Columns of a table, whose row of units must agree with what is known of them."""
    columns = find_fields(table.labels, fields)
    need(columns, needed, table.labels, source, table.first)
    stated = []
    for column in columns:
        text = table.units[column.index] if column.index < len(table.units) else ""
        unit = find_unit(text) if text else None
        if unit is None or column.unit is None or unit.exponents != column.unit.exponents:
            raise source.error(
                f"expected the unit {column.unit.text if column.unit else '?'} below {column.label!r}, found "
                f"{text!r}.",
                line=table.first,
                column=column.label,
            )
        stated.append(replace(column, unit=unit, sign=1.0))
    return read_block(source, stated, table.labels, table.first, lines=table.rows, also=also)


def _positive(source: Source, keys: Mapping[str, str], key: str) -> float:
    """A number of the header above zero."""
    value = optional_number(keys.get(key))
    if value is None:
        raise source.error(f"expected a number for {key} in the header.")
    if value <= 0:
        raise source.error(f"expected {key} above 0, found {value:g}.")
    return value


READER = Reader(
    "Gamry DTA", lambda s: re.search(r"^TAG\t", s.head, re.MULTILINE) is not None, _read, frozenset({".dta"})
)
