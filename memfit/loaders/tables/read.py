"""Generic tables as text: a few `# key: value` lines, a header with quantities and units, rows.

What stands above the rows is found by `header`, the rows are read by `rows`; here the columns that a record
needs are chosen, held against each other, and become tables in SI units. Whatever would need a guess is
refused with a word on how to say it in device.toml.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from memfit.errors import FileFormatError
from memfit.loaders.raw import ROLES, FileSettings, RawTable, Source, pair_of
from memfit.loaders.tables.choice import ELECTRICAL, choose_columns, understand_all
from memfit.loaders.tables.header import (
    Header,
    Known,
    apply_metadata,
    find_header,
    is_setting,
    read_metadata,
)
from memfit.loaders.tables.headerless import check_headerless, first_rows, headerless_header
from memfit.loaders.tables.labels import PER_AREA, Column, check_units, contradicted, understand_header
from memfit.loaders.tables.layout import seconds, split_fields
from memfit.loaders.tables.rows import Rows, TextTable, read_rows, unread
from memfit.loaders.tables.side_by_side import Group, groups_of
from memfit.units import find_unit

_HEADER_LINES = 600
"""How far down a header is looked for."""
_POLAR_ROWS, _POLAR_LEAST = 100, 3
"""Rows in which |Z| and phase are held against Z' and Z'', and how many must speak."""
_SUMMARY_ROWS = 2
"""Most rows behind a blank line at the end that are taken for a summary."""
_SAME_STEP = 1.5
"""Largest ratio of two steps of a sweep that goes on."""
_OPEN_CIRCUIT = re.compile(r"(?<![a-z])(?:oc[vp]|[ev]_?oc|open[ -]?circuit)(?![a-z])", re.IGNORECASE)
"""What a voltage may be an offset from."""
_CARRIED = frozenset({"bias_voltage", "bias_current", "cycle"})
"""Roles of columns beside a spectrum whose cells may stand in the first of several rows only."""


@dataclass(frozen=True)
class _Above:
    """What stands above the rows of a table."""

    metadata: Mapping[str, str]
    known: Mapping[str, Known]
    group: Group | None = None
    """The measurement among several side by side."""
    read: frozenset[int] = frozenset()
    """Columns of all of them."""


def read_text_tables(source: Source, settings: FileSettings) -> list[RawTable]:
    """The table of a text file; several if it has blocks.

    Parameters
    ----------
    source : Source
    settings : FileSettings
        What device.toml says: labels by role, or a header for a table without one.

    Raises
    ------
    FileFormatError
        There is no table, no header, no usable unit, or a broken row.
    """
    top = source.text[: 400 * _HEADER_LINES].split("\n")[:_HEADER_LINES]
    given = settings.columns if isinstance(settings.columns, tuple) else ()
    named = () if isinstance(settings.columns, tuple) else tuple(settings.columns.values())
    header: Header | None
    if given:
        first = first_rows(top, len(given))
        if first is None:
            raise FileFormatError(
                f"expected rows of {len(given)} numbers, as `columns` in device.toml says; found none.",
                file=source.name,
            )
        header = Header(given, 0, first[0] + 1, first[1])
    else:
        header = find_header(top, named) or headerless_header(top, source)
    metadata, known = read_metadata(top[: max(header.line - 1, 0)], source.name)
    titles = []
    if header.line >= 2 and not is_setting(top[header.line - 2]):
        titles = split_fields(top[header.line - 2].lstrip("#% "), header.layout.separator)
    groups = [] if settings.columns else groups_of(header.labels, titles)
    if not groups:
        columns = understand_all(header.labels, settings, source.name)
        return _read_columns(source, header, columns, settings, _Above(metadata, known))
    read = frozenset(column.index for group in groups for column in group.columns)
    return [
        part
        for group in groups
        for part in _read_columns(
            source, header, group.columns, settings, _Above(metadata, known, group, read)
        )
    ]


def _read_columns(
    source: Source, header: Header, columns: Sequence[Column], settings: FileSettings, above: _Above
) -> list[RawTable]:
    """One measurement of a table; several if it has blocks."""
    start = _offset_of_line(source.text, header.first_row)
    columns = choose_columns(columns, header.labels, source.name, header.line)
    bare = [column for column in columns if column.unit is None and ROLES[column.role] != "ratio"]
    if len(bare) == 1 and bare[0].role == "time" and not bare[0].problem and len(columns) >= 2:
        cells = header.layout.split(source.text[start : start + 4000].split("\n", 1)[0])
        cell = cells[bare[0].index] if bare[0].index < len(cells) else ""
        if header.layout.number(cell) is None and seconds(cell) is not None:  # dates become seconds
            columns = tuple(replace(c, unit=find_unit("s")) if c is bare[0] else c for c in columns)
    columns, note = check_units(columns, source.name, header.line or None, len(header.labels))
    pair = pair_of({column.role for column in columns}) or ()
    spectrum = bool(pair) and any(column.role == "frequency" for column in columns)
    makes = {"frequency", *pair} if spectrum else set(ELECTRICAL)
    text = TextTable(
        text=source.text, start=start, first_line=header.first_row, layout=header.layout,
        wanted=[column.index for column in columns], labels=header.labels if header.line else (),
        file=source.name, needed=[column.index for column in columns if column.role in makes],
        carried=[column.index for column in columns if spectrum and column.role in _CARRIED],
    )  # fmt: skip
    rows = read_rows(text)
    if not rows.columns[0].size:
        raise FileFormatError(
            "expected rows of numbers below the header, found none.", file=source.name, line=header.line
        )
    _check_settings_below(source, header.first_row, start, above.known)
    if not settings.columns:
        _check_against_polar(source, header, start, columns, rows)
    rows = _without_summary(rows)
    others, left = unread(text, rows, {*text.wanted, *above.read})
    if header.line == 0 and not settings.columns:
        check_headerless(rows, source)
        note = (
            "The file has no header: read as frequency (Hz), Z' and Z'' (ohm, negative Z'' = capacitive), "
            "because the first column is a sweep of frequencies."
        )
    if header.words:
        lines = (
            "line of words below the labels was"
            if header.words == 1
            else "lines of words below the labels were"
        )
        note = " ".join(part for part in (note, f"{header.words} {lines} left out.") if part)
    offsets = [
        f"{column.label!r} counts from the open circuit: read as the voltage of the device, which it is "
        "where that of the open circuit is 0."
        for column in columns
        if ROLES[column.role] == "voltage" and _OPEN_CIRCUIT.search(column.label)
    ]
    signs = [f"{column.label!r} is read with its sign reversed." for column in columns if column.sign < 0]
    units = [said for column in columns if (said := contradicted(column, settings.units.get(column.role)))]
    table = RawTable(
        columns={column.role: column.to_si(raw) for column, raw in zip(columns, rows.columns, strict=True)},
        per_area=frozenset(column.role for column in columns if column.problem == PER_AREA),
        others=others,
        metadata=above.metadata,
        notes=(*(word for word in (note, *rows.notes, left) if word), *signs, *offsets, *units),
    )
    table, group = apply_metadata(table, above.known), above.group
    if group is not None:
        beside = "The table has several measurements side by side; this one is " + repr(group.title) + "."
        table = replace(
            table,
            part=group.title,
            bias=group.bias or table.bias,
            scan_rate=group.scan_rate or table.scan_rate,
            notes=(beside, *table.notes),
        )
    breaks = [at for at in rows.breaks if not _goes_on(table, at)]
    edges = [0, *breaks, table.rows]  # sweeps without times are told apart by what stands between them
    if not breaks or {"time", "frequency"} & table.columns.keys() or np.diff(edges).min() < 3:
        return [table]
    lines = ", ".join(f"{rows.lines[at]:.0f}" for at in breaks[:5])
    said = f"Told apart by what stands between the rows: a new measurement begins in line {lines}."
    table = replace(table, notes=(*table.notes, said))
    return [
        table.part_of(np.arange(a, b), f"block {number}")
        for number, (a, b) in enumerate(pairwise(edges), start=1)
    ]


def _goes_on(table: RawTable, at: int) -> bool:
    """Whether a sweep goes on over a blank line as before, by steps of the same sign and size."""
    for role in ("voltage", "current"):
        column = table.columns.get(role, table.columns.get(f"applied_{role}"))
        if column is None or not 2 <= at <= table.rows - 2:
            continue
        before, over, after = np.diff(column[at - 2 : at + 2])
        if before * over > 0 and over * after > 0 and max(before / over, over / before) < _SAME_STEP:
            return True
    return False


def _offset_of_line(text: str, line: int) -> int:
    """Offset in the text of a line's first character, lines counted from 1."""
    position = 0
    for _ in range(line - 1):
        position = text.find("\n", position) + 1
        if position == 0:
            return len(text)
    return position


def _check_settings_below(source: Source, first_row: int, start: int, known: Mapping[str, Known]) -> None:
    """Refuse a setting between the rows that says something else than those above the header."""
    if source.text.find("\n#") < 0:
        return
    position, line = start, first_row
    while (mark := source.text.find("\n#", position)) >= 0:
        line += source.text.count("\n", position, mark + 1)
        position = mark + 1
        end = source.text.find("\n", position)
        text = source.text[position : end if end >= 0 else None]
        other = read_metadata([text], source.name, line)[1] if is_setting(text) else {}
        for key, setting in other.items():
            if known.get(key) != setting:
                raise FileFormatError(
                    f"expected one table with its settings above the header; found another `{key}` between "
                    "the rows: put each table into a file of its own.",
                    file=source.name,
                    line=line,
                )


def _check_against_polar(
    source: Source, header: Header, start: int, columns: Sequence[Column], rows: Rows
) -> None:
    """Refuse Z' and Z'' that |Z| and the phase beside them contradict: a sign or a unit is not what it says.

    A modulus is another one, or a phase has the other sign, in nearly all rows.

    Raises
    ------
    FileFormatError
        Names the two columns.
    """
    values = {c.role: (c, c.to_si(raw)) for c, raw in zip(columns, rows.columns, strict=True)}
    if not {"z_real", "z_imag"} <= values.keys() or any(c.problem for c in columns):
        return
    lines = source.text[start:].split("\n", _POLAR_ROWS)[:_POLAR_ROWS]
    cells = [header.layout.split(line) for line in lines if line.strip()]
    count = min(len(cells), rows.lines.size)
    if count < _POLAR_LEAST or not np.array_equal(rows.lines[:count], header.first_row + np.arange(count)):
        return
    impedance = values["z_real"][1][:count] + 1j * values["z_imag"][1][:count]
    for other in understand_header(header.labels):
        if other.role not in ("z_modulus", "phase") or other.unit is None or other.problem:
            continue
        texts = [row[other.index] if other.index < len(row) else "" for row in cells[:count]]
        numbers = np.array([header.layout.number(text) for text in texts], dtype=np.float64)
        if not np.isfinite(numbers).all():
            continue
        stated = other.to_si(numbers)
        if other.role == "z_modulus":
            sizes = np.abs(stated[impedance != 0]) / np.abs(impedance[impedance != 0])
            contradicts = sizes.size >= _POLAR_LEAST and not 0.8 < np.median(sizes) < 1.25
        else:
            sine = np.sin(stated)  # 315 degrees are -45
            clear = (np.abs(sine) > 0.03) & (np.abs(impedance.imag) > 0.03 * np.abs(impedance))
            opposite = np.sign(sine[clear]) != np.sign(impedance.imag[clear])
            contradicts = opposite.size >= _POLAR_LEAST and opposite.mean() > 0.9
        if contradicts:
            label = values["z_imag"][0].label
            raise FileFormatError(
                f"expected columns that say the same impedance; {other.label!r} contradicts "
                f"{label!r}: a sign or a unit in the header is not that of the numbers. "
                f"Mend the label, or say which holds in device.toml: columns = {{ z_imag = {label!r} }}.",
                file=source.name,
                line=header.line or None,
            )


def _without_summary(rows: Rows) -> Rows:
    """Without one or two rows behind a blank line at the end: means or totals, no measurement."""
    size = rows.columns[0].size
    behind = size - rows.breaks[-1] if rows.breaks else 0
    if not 0 < behind <= _SUMMARY_ROWS or size - behind < 5 * _SUMMARY_ROWS:
        return rows
    end = rows.breaks[-1]
    note = (
        f"{behind} {'row' if behind == 1 else 'rows'} behind a blank line at the end (line "
        f"{rows.lines[end]:.0f}) look like a summary and were left out."
    )
    columns = [column[:end] for column in rows.columns]
    return Rows(columns, rows.lines[:end], rows.breaks[:-1], [*rows.notes, note])
