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
from memfit.loaders.raw import PAIRS_IN_WORDS, ROLES, ROLES_OF_PAIRS, FileSettings, RawTable, Source, pair_of
from memfit.loaders.tables.header import (
    Group,
    Header,
    Known,
    apply_metadata,
    find_header,
    groups_of,
    is_setting,
    read_metadata,
    split_labels,
)
from memfit.loaders.tables.labels import PER_AREA, Column, check_units, understand, understand_header
from memfit.loaders.tables.layout import SAMPLE, Layout, find_layout, seconds, settled, split_fields
from memfit.loaders.tables.rows import Rows, TextTable, read_rows
from memfit.units import find_unit, split_label

_HEADER_LINES = 600
"""How far down a header is looked for."""
_POLAR_ROWS, _POLAR_LEAST = 100, 3
"""Rows in which |Z| and phase are held against Z' and Z'', and how many must speak."""
_SUMMARY_ROWS = 2
"""Most rows behind a blank line at the end that are taken for a summary."""
_BESIDE_SPECTRUM = ("bias_voltage", "bias_current", "voltage", "current", "applied_voltage", "cycle")
_CURRENTS = ("current", "applied_current", "current_density")
_TIME_DOMAIN = ("time", "voltage", "applied_voltage", *_CURRENTS, "cycle")


@dataclass(frozen=True)
class _Above:
    """What stands above the rows of a table."""

    metadata: Mapping[str, str]
    known: Mapping[str, Known]
    group: Group | None = None
    """The measurement among several side by side."""


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
        first = _first_rows(top, len(given))
        if first is None:
            raise FileFormatError(
                f"expected rows of {len(given)} numbers, as `columns` in device.toml says; found none.",
                file=source.name,
            )
        header = Header(given, 0, first[0] + 1, first[1])
    else:
        header = find_header(top, named) or _headerless(top, source)
    metadata, known = read_metadata(top[: max(header.line - 1, 0)], source.name)
    titles = []
    if header.line >= 2 and not is_setting(top[header.line - 2]):
        titles = split_fields(top[header.line - 2].lstrip("#% "), header.layout.separator)
    groups = [] if settings.columns else groups_of(header.labels, titles)
    if not groups:
        columns = _understand_all(header.labels, settings)
        return _read_columns(source, header, columns, settings, _Above(metadata, known))
    return [
        part
        for group in groups
        for part in _read_columns(source, header, group.columns, settings, _Above(metadata, known, group))
    ]


def _first_rows(lines: Sequence[str], fields: int | None = None) -> tuple[int, Layout] | None:
    """Index and layout of the first rows of numbers."""
    for i, line in enumerate(lines):
        rows = [row for row in lines[i : i + SAMPLE] if row.strip()]
        if line.strip() and len(rows) >= min(3, len([row for row in lines[i:] if row.strip()])):
            layout = find_layout(rows, fields)
            if layout is not None:
                return i, settled(layout, lines[i:])
    return None


def _headerless(lines: Sequence[str], source: Source) -> Header:
    """Three columns without a header, which may be a spectrum; anything else is refused."""
    first = _first_rows(lines)
    if first is None:
        for i, line in enumerate(lines[:200]):  # labels that say too little, where rows have words, too
            rows = [row for row in lines[i + 1 : i + 5] if row.strip()]
            if len(rows) < 3 or len(line) > 2000:
                continue
            for labels in split_labels(line):
                words = [text for text in labels if re.search(r"[A-Za-z]", text)]
                if len(words) == len(labels) and find_layout(rows, len(labels)) is not None:
                    raise _unknown_labels(labels, source, i + 1)
        raise FileFormatError(
            "expected a table: a header such as Time (s), Voltage (V), Current (A) and rows of "
            "numbers; found text without rows of two numbers or more.",
            file=source.name,
            line=1,
        )
    index, layout = first
    above = next((i for i in range(index - 1, -1, -1) if lines[i].strip(" \t,;")), None)
    if above is not None and not lines[above].lstrip().startswith("#"):
        labels = tuple(split_fields(lines[above], layout.separator))
        if layout.separator == " " or len(labels) < 2:  # the split by which most labels are understood
            splits = split_labels(lines[above]) or [(lines[above].strip(),)]
            labels = max(splits, key=lambda split: (len(understand_header(split)), len(split)))
        if any(re.search(r"[A-Za-z]", label) for label in labels):
            _choose_columns(understand_header(labels), labels, source.name, above + 1)
            if len(labels) == layout.fields:
                raise _unknown_labels(labels, source, above + 1)
            raise FileFormatError(
                f"expected a header with one label for each of the {layout.fields} columns of the rows; "
                f"found {len(labels)}: {_listed(labels)}.",
                file=source.name,
                line=above + 1,
            )
    if layout.fields != 3:
        raise FileFormatError(
            f"expected a header line that names the quantities and units of the {layout.fields} columns, "
            'found none; add one, or give `columns = ["Voltage (V)", ...]` in device.toml.',
            file=source.name,
            line=index + 1,
        )
    return Header(("Frequency (Hz)", "Z' (ohm)", "Z'' (ohm)"), 0, index + 1, layout)


def _unknown_labels(labels: Sequence[str], source: Source, line: int) -> FileFormatError:
    return FileFormatError(
        "expected labels that name the quantities with their units, such as Time (s), Voltage (V), "
        f"Current (A); found {_listed(labels)}. Rename them, or say in device.toml which is which, as in "
        "columns = { voltage = ..., current = ... }.",
        file=source.name,
        line=line,
    )


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(repr(label) for label in labels[:12] if label)
    return (shown + (", ..." if len(labels) > 12 else "")) or "none"


def _understand_all(labels: Sequence[str], settings: FileSettings) -> tuple[Column, ...]:
    """Columns of a header; where device.toml names a column for a role, that one has it."""
    columns = list(understand_header(labels))
    if isinstance(settings.columns, tuple):
        return tuple(columns)
    for role, label in settings.columns.items():
        index = next((i for i, text in enumerate(labels) if text.strip() == label.strip()), None)
        if index is None:
            raise FileFormatError(
                f"expected the column {label!r} that device.toml names as {role}; found "
                f"{', '.join(map(repr, labels))}."
            )
        chosen = understand(labels[index], index)
        if chosen is None or chosen.role != role:
            unit_text = split_label(labels[index])[1]
            chosen = Column(
                index, labels[index], role, find_unit(unit_text, ROLES[role]) if unit_text else None
            )
        columns = [column for column in columns if column.role != role and column.index != index]
        columns.append(chosen)
    return tuple(columns)


def _choose_columns(
    columns: Sequence[Column], labels: Sequence[str], file: str, line: int | None
) -> tuple[Column, ...]:
    """The columns a record needs, one for each role.

    Raises
    ------
    FileFormatError
        A column is missing, or two have the same role.
    """
    roles = {column.role for column in columns}
    # an LCR meter measures C with Rp or G in parallel, or with Rs in series; beside D it may be either
    parallel = bool(roles & {"resistance_parallel", "y_real"})
    if "capacitance" in roles and parallel != ("resistance_series" in roles):
        role = "capacitance_parallel" if parallel else "capacitance_series"
        columns = [
            replace(column, role=role) if column.role == "capacitance" else column for column in columns
        ]
        roles = {column.role for column in columns}
    impedance = roles & ROLES_OF_PAIRS
    electrical = roles & {"voltage", "applied_voltage"} and roles.intersection(_CURRENTS)
    message = ""
    wanted: tuple[str, ...] = _TIME_DOMAIN
    if "frequency" in roles and impedance:
        pair = pair_of(roles)
        if pair is None:
            message = f"expected {PAIRS_IN_WORDS} beside the frequency; found the columns {_listed(labels)}."
        else:
            wanted = ("frequency", *pair, *_BESIDE_SPECTRUM)
    elif electrical or "time" in roles:
        pass
    elif impedance:
        message = (
            "expected a column of the frequency beside the impedance (Frequency (Hz), f/Hz, freq); found the "
            f"columns {_listed(labels)}. Without frequencies a spectrum cannot be fitted."
        )
    else:
        message = (
            "expected columns such as Frequency (Hz), Z_real (ohm), Z_imag (ohm) or Time (s), Voltage (V), "
            f"Current (A); found {_listed(labels)}{_hint(labels, columns)}."
        )
    if message:
        raise FileFormatError(message, file=file, line=line or None)
    return _one_per_role([column for column in columns if column.role in wanted], file, line)


def _hint(labels: Sequence[str], columns: Sequence[Column]) -> str:
    """How to name a column whose unit tells what it is, where its label does not."""
    understood = {column.index for column in columns}
    for index, label in enumerate(labels):
        unit = find_unit(split_label(label)[1] or "") if index not in understood else None
        role = next((role for role in ("current", "voltage") if unit is not None and unit.is_a(role)), None)
        if role is not None and len(label) < 60:
            return f"; say which is the {role} in device.toml: columns = {{ {role} = {label!r} }}"
    return ""


def _one_per_role(columns: Sequence[Column], file: str, line: int | None) -> tuple[Column, ...]:
    """Refuse two columns for one role, which would need a guess."""
    chosen: dict[str, Column] = {}
    timed = [column for column in columns if column.role == "time" and column.unit is not None]
    for column in columns:
        if column.role == "time" and len(timed) == 1 and column is not timed[0]:
            continue  # a date beside a time in seconds says nothing more
        other = chosen.setdefault(column.role, column)
        if other is not column and column.role not in ("cycle", "bias_voltage", "bias_current"):
            raise FileFormatError(
                f"expected one column of the {column.role.replace('_', ' ')}, found {other.label!r} "
                f"and {column.label!r}; say which in device.toml: "
                f"columns = {{ {column.role} = {column.label!r} }}.",
                file=file,
                line=line or None,
            )
    return tuple(sorted(chosen.values(), key=lambda column: column.index))


def _read_columns(
    source: Source, header: Header, columns: Sequence[Column], settings: FileSettings, above: _Above
) -> list[RawTable]:
    """One measurement of a table; several if it has blocks."""
    start = _offset_of_line(source.text, header.first_row)
    columns = _choose_columns(columns, header.labels, source.name, header.line)
    bare = [column for column in columns if column.unit is None and ROLES[column.role] != "ratio"]
    if len(bare) == 1 and bare[0].role == "time" and not bare[0].problem and len(columns) >= 2:
        cells = header.layout.split(source.text[start : start + 4000].split("\n", 1)[0])
        cell = cells[bare[0].index] if bare[0].index < len(cells) else ""
        if header.layout.number(cell) is None and seconds(cell) is not None:  # dates become seconds
            columns = tuple(replace(c, unit=find_unit("s")) if c is bare[0] else c for c in columns)
    columns, note = check_units(columns, source.name, header.line or None, len(header.labels))
    rows = read_rows(
        TextTable(
            text=source.text, start=start, first_line=header.first_row, layout=header.layout,
            wanted=[column.index for column in columns], labels=header.labels if header.line else (),
            file=source.name,
        )
    )  # fmt: skip
    if not rows.columns[0].size:
        raise FileFormatError(
            "expected rows of numbers below the header, found none.", file=source.name, line=header.line
        )
    _check_settings_below(source, header.first_row, start, above.known)
    if not settings.columns:
        _check_against_polar(source, header, start, columns, rows)
    rows = _without_summary(rows)
    if header.line == 0 and not settings.columns:
        _check_headerless(rows, source)
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
    signs = [f"{column.label!r} is read with its sign reversed." for column in columns if column.sign < 0]
    table = RawTable(
        columns={column.role: column.to_si(raw) for column, raw in zip(columns, rows.columns, strict=True)},
        per_area=frozenset(column.role for column in columns if column.problem == PER_AREA),
        metadata=above.metadata,
        notes=(*(text for text in (note, *rows.notes) if text), *signs),
    )
    table, group = apply_metadata(table, above.known), above.group
    if group is not None:
        beside = "The table has several measurements side by side; this one is " + repr(group.title) + "."
        table = replace(table, part=group.title, bias=group.bias or table.bias, notes=(beside, *table.notes))
    edges = [0, *rows.breaks, table.rows]  # sweeps without times are told apart by what stands between them
    if not rows.breaks or {"time", "frequency"} & table.columns.keys() or np.diff(edges).min() < 3:
        return [table]
    return [
        replace(
            table,
            columns={role: values[a:b] for role, values in table.columns.items()},
            part=", ".join(word for word in (table.part, f"block {number}") if word),
        )
        for number, (a, b) in enumerate(pairwise(edges), start=1)
    ]


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


def _check_headerless(rows: Rows, source: Source) -> None:
    """Without a header the first column must be an ordered sweep of frequencies over a decade or more.

    Equal steps in the logarithm, or a span of two decades, cannot be a time or a voltage by accident.
    """
    frequency = rows.columns[0]
    steps = np.zeros(1)
    if frequency.size >= 5 and np.all(frequency > 0):
        signs = np.sign(np.diff(frequency))
        if abs(signs.sum()) == frequency.size - 1:
            steps = np.diff(np.log10(frequency))
    if not (np.ptp(steps) < 0.5 * abs(np.median(steps)) and abs(steps.sum()) >= 1.0):
        raise FileFormatError(
            "expected a header line that names the quantities and units of the 3 columns, found none, and "
            "the first column is no sweep of frequencies; add one, or give "
            '`columns = ["Time (s)", ...]` in device.toml.',
            file=source.name,
            line=int(rows.lines[0]) if rows.lines.size else 1,
        )
