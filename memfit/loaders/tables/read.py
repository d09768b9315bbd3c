"""Generic tables as text: a few `# key: value` lines, a header with quantities and units, rows.

Found by structure: the first line whose fields name quantities and that is followed by rows of numbers
is the header; a second line of units may follow it. What stands above is metadata.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import ComplexArray, FloatArray
from memfit.errors import FileFormatError
from memfit.loaders.raw import ROLES, FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import Group, groups_of
from memfit.loaders.tables.labels import (
    PER_AREA,
    Column,
    check_units,
    understand,
    understand_header,
)
from memfit.loaders.tables.metadata import Known, apply_metadata, is_setting, read_metadata
from memfit.loaders.tables.parse import (
    SEPARATORS,
    Layout,
    Rows,
    TextTable,
    find_layout,
    read_rows,
    seconds,
    settled,
    split_fields,
)
from memfit.loaders.tables.shapes import ROLES_OF_PAIRS, WORDS, pair_of
from memfit.units import find_unit, split_label

NAME = "table"

_HEADER_LINES = 600
"""How far down a header is looked for."""
_SAMPLE = 5
"""Rows that must agree on how numbers are written."""

_MOST_TAGGED = 300
"""Labels of a header in which names of measurements are looked for."""

_POLAR_ROWS, _POLAR_LEAST = 100, 3
"""Rows in which |Z| and phase are held against Z' and Z'', and how many must speak."""

_MOST_WORDS = 2
"""Lines of words between labels and rows."""

_SUMMARY_ROWS = 2
"""Most rows behind a blank line at the end that are taken for a summary."""

_BESIDE_SPECTRUM = ("bias_voltage", "bias_current", "voltage", "current", "applied_voltage", "cycle")
_TIME_DOMAIN = (
    "time",
    "voltage",
    "current",
    "current_density",
    "applied_voltage",
    "applied_current",
    "cycle",
)


@dataclass(frozen=True)
class Header:
    """A header line and where its rows begin."""

    labels: tuple[str, ...]
    line: int
    """From 1; 0 if the labels were given by device.toml."""
    first_row: int
    """Number of the first row's line, from 1."""
    layout: Layout
    words: int = 0
    """Lines of words between the labels and the rows: Origin's comments."""


def read_text_tables(source: Source, settings: FileSettings) -> list[RawTable]:
    """The table of a text file; several if it has blocks.

    Raises
    ------
    FileFormatError
        There is no table, no header, no usable unit, or a broken row.
    """
    top = source.text[: 400 * _HEADER_LINES].split("\n")[:_HEADER_LINES]
    named = () if isinstance(settings.columns, tuple) else tuple(settings.columns.values())
    header = _given_header(top, settings, source) or find_header(top, named) or _headerless(top, source)
    metadata, known = read_metadata(top[: max(header.line - 1, 0)], source.name)
    groups = [] if settings.columns else groups_of(header.labels, _titles(top, header))
    if groups:
        return [
            part
            for group in groups
            for part in _read_columns(source, header, group.columns, settings, _Above(metadata, known, group))
        ]
    columns = understand_all(header.labels, settings)
    return _read_columns(source, header, columns, settings, _Above(metadata, known))


@dataclass(frozen=True)
class _Above:
    """What stands above the rows of a table."""

    metadata: Mapping[str, str]
    known: Mapping[str, Known]
    group: Group | None = None
    """The measurement among several side by side."""


def _with_clock(source: Source, header: Header, columns: Sequence[Column]) -> Sequence[Column]:
    """A time without a unit whose cells are dates or times of day is in seconds once it is read."""
    bare = [column for column in columns if column.unit is None and ROLES[column.role] != "ratio"]
    if len(bare) != 1 or bare[0].role != "time" or bare[0].problem or len(columns) < 2:
        return columns
    start = offset_of_line(source.text, header.first_row)
    cells = header.layout.split(source.text[start : start + 4000].split("\n", 1)[0])
    cell = cells[bare[0].index] if bare[0].index < len(cells) else ""
    if header.layout.number(cell) is not None or seconds(cell) is None:
        return columns
    return [replace(column, unit=find_unit("s")) if column is bare[0] else column for column in columns]


def _check_against_polar(source: Source, header: Header, columns: Sequence[Column], rows: Rows) -> None:
    """Refuse Z' and Z'' that |Z| and the phase beside them contradict: a sign or a unit is not what it says.

    Raises
    ------
    FileFormatError
        Names the two columns.
    """
    values = {c.role: (c, c.to_si(raw)) for c, raw in zip(columns, rows.columns, strict=True)}
    if not {"z_real", "z_imag"} <= values.keys() or any(c.problem for c in columns):
        return
    lines = source.text[offset_of_line(source.text, header.first_row) :].split("\n", _POLAR_ROWS)[
        :_POLAR_ROWS
    ]
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
        if _contradicts(other, other.to_si(numbers), impedance):
            raise FileFormatError(
                f"expected columns that say the same impedance; {other.label!r} contradicts "
                f"{values['z_imag'][0].label!r}: a sign or a unit in the header is not that of the numbers. "
                f"Mend the label, or say which holds in device.toml: columns = "
                f"{{ z_imag = {values['z_imag'][0].label!r} }}.",
                file=source.name,
                line=header.line or None,
            )


def _contradicts(column: Column, values: FloatArray, impedance: ComplexArray) -> bool:
    """True if a modulus is another one, or a phase has the other sign, in nearly all rows."""
    if column.role == "z_modulus":
        sizes = np.abs(values[impedance != 0]) / np.abs(impedance[impedance != 0])
        return bool(sizes.size >= _POLAR_LEAST and not 0.8 < np.median(sizes) < 1.25)
    sine = np.sin(values)  # 315 degrees are -45
    clear = (np.abs(sine) > 0.03) & (np.abs(impedance.imag) > 0.03 * np.abs(impedance))
    opposite = np.sign(sine[clear]) != np.sign(impedance.imag[clear])
    return bool(opposite.size >= _POLAR_LEAST and opposite.mean() > 0.9)


def _titles(lines: Sequence[str], header: Header) -> list[str]:
    """Fields of the line above the labels, which may name measurements side by side."""
    if header.line < 2 or is_setting(lines[header.line - 2]):
        return []
    return split_fields(lines[header.line - 2].lstrip("#% "), header.layout.separator)


def _read_columns(
    source: Source, header: Header, columns: Sequence[Column], settings: FileSettings, above: _Above
) -> list[RawTable]:
    """One measurement of a table; several if it has blocks."""
    metadata, known, group = above.metadata, above.known, above.group
    columns = _with_clock(source, header, choose_columns(columns, header.labels, source.name, header.line))
    columns, note = check_units(columns, source.name, header.line or None, len(header.labels))
    rows = read_rows(
        TextTable(
            text=source.text,
            start=offset_of_line(source.text, header.first_row),
            first_line=header.first_row,
            layout=header.layout,
            wanted=[column.index for column in columns],
            labels=header.labels if header.line else (),
            file=source.name,
        )
    )
    if not rows.columns[0].size:
        raise FileFormatError(
            "expected rows of numbers below the header, found none.", file=source.name, line=header.line
        )
    _check_settings_below(source, header.first_row, known)
    if not settings.columns:
        _check_against_polar(source, header, columns, rows)
    rows = _without_summary(rows)
    if header.line == 0 and not settings.columns:
        _check_headerless(rows, source)
        note = (
            "The file has no header: read as frequency (Hz), Z' and Z'' (ohm, negative Z'' = capacitive), "
            "because the first column is a sweep of frequencies."
        )
    if header.words:
        skipped = (
            "line of words below the labels was"
            if header.words == 1
            else "lines of words below the labels were"
        )
        note = " ".join(part for part in (note, f"{header.words} {skipped} left out.") if part)
    table = table_of(columns, rows, tuple(note for note in (note, *rows.notes) if note))
    table = apply_metadata(replace(table, metadata=metadata), known)
    if group is not None:
        beside = "The table has several measurements side by side; this one is " + repr(group.title) + "."
        table = replace(table, part=group.title, bias=group.bias or table.bias, notes=(beside, *table.notes))
    return _blocks(table, rows)


def _check_settings_below(source: Source, first_row: int, known: Mapping[str, Known]) -> None:
    """Refuse a setting between the rows that says something else than those above the header."""
    if source.text.find("\n#") < 0:
        return
    position, line = offset_of_line(source.text, first_row), first_row
    while (mark := source.text.find("\n#", position)) >= 0:
        line += source.text.count("\n", position, mark + 1)
        position = mark + 1
        end = source.text.find("\n", position)
        text = source.text[position : end if end >= 0 else None]
        other = read_metadata([text], source.name, line)[1] if is_setting(text) else {}
        for key, found in other.items():
            if key not in known or (known[key].value, known[key].text) != (found.value, found.text):
                raise FileFormatError(
                    f"expected one table with its settings above the header; found another `{key}` between "
                    "the rows: put each table into a file of its own.",
                    file=source.name,
                    line=line,
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
    return Rows(
        [column[:end] for column in rows.columns], rows.lines[:end], rows.breaks[:-1], [*rows.notes, note]
    )


def offset_of_line(text: str, line: int) -> int:
    """Offset in the text of a line's first character, lines counted from 1."""
    position = 0
    for _ in range(line - 1):
        position = text.find("\n", position) + 1
        if position == 0:
            return len(text)
    return position


def table_of(columns: Sequence[Column], rows: Rows, notes: tuple[str, ...]) -> RawTable:
    """Rows in SI units by role."""
    values = {column.role: column.to_si(raw) for column, raw in zip(columns, rows.columns, strict=True)}
    per_area = frozenset(column.role for column in columns if column.problem == PER_AREA)
    signs = [f"{column.label!r} is read with its sign reversed." for column in columns if column.sign < 0]
    return RawTable(columns=values, per_area=per_area, notes=(*notes, *signs))


def _blocks(table: RawTable, rows: Rows) -> list[RawTable]:
    """Sweeps without times are told apart by the blank lines or headers between them."""
    sizes = np.diff([0, *rows.breaks, table.rows])
    if not rows.breaks or {"time", "frequency"} & table.columns.keys() or sizes.min() < 3:
        return [table]
    parts = zip([0, *rows.breaks], [*rows.breaks, table.rows], strict=True)
    return [
        replace(
            table,
            columns={role: values[a:b] for role, values in table.columns.items()},
            part=", ".join(word for word in (table.part, f"block {number}") if word),
        )
        for number, (a, b) in enumerate(parts, start=1)
    ]


def understand_all(labels: Sequence[str], settings: FileSettings) -> tuple[Column, ...]:
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
        own = understand(labels[index], index)
        chosen = own if own is not None and own.role == role else _forced(labels[index], index, role)
        columns = [column for column in columns if column.role != role and column.index != index]
        columns.append(chosen)
    return tuple(columns)


def _forced(label: str, index: int, role: str) -> Column:
    """A column whose role device.toml states; its unit may stand in the label."""
    unit_text = split_label(label)[1]
    return Column(index, label, role, find_unit(unit_text, ROLES[role]) if unit_text else None)


def choose_columns(
    columns: Sequence[Column], labels: Sequence[str], file: str, line: int | None
) -> tuple[Column, ...]:
    """The columns a record needs, one for each role.

    Raises
    ------
    FileFormatError
        A column is missing, or two have the same role.
    """
    columns = _plain_capacitance(columns)
    roles = {column.role for column in columns}
    impedance = roles & ROLES_OF_PAIRS
    electrical = roles & {"voltage", "applied_voltage"} and roles & {
        "current",
        "applied_current",
        "current_density",
    }
    if "frequency" in roles and impedance:
        pair = pair_of(roles)
        if pair is None:
            raise FileFormatError(
                f"expected {WORDS} beside the frequency; found the columns {_listed(labels)}.",
                file=file,
                line=line or None,
            )
        wanted: tuple[str, ...] = ("frequency", *pair, *_BESIDE_SPECTRUM)
    elif electrical or "time" in roles:
        wanted = _TIME_DOMAIN
    elif impedance:
        raise FileFormatError(
            "expected a column of the frequency beside the impedance (Frequency (Hz), f/Hz, freq); found the "
            f"columns {_listed(labels)}. Without frequencies a spectrum cannot be fitted.",
            file=file,
            line=line or None,
        )
    else:
        raise FileFormatError(
            "expected columns such as Frequency (Hz), Z_real (ohm), Z_imag (ohm) or Time (s), Voltage (V), "
            f"Current (A); found {_listed(labels)}{_hint(labels, columns)}.",
            file=file,
            line=line or None,
        )
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


def _plain_capacitance(columns: Sequence[Column]) -> Sequence[Column]:
    """Columns with a capacitance "C" made that of the circuit whose other element stands beside it.

    An LCR meter measures C with Rp or G in parallel, or with Rs in series; beside D it may be either.
    """
    roles = {column.role for column in columns}
    parallel = bool(roles & {"resistance_parallel", "y_real"})
    if "capacitance" not in roles or parallel == ("resistance_series" in roles):
        return columns
    role = "capacitance_parallel" if parallel else "capacitance_series"
    return [replace(column, role=role) if column.role == "capacitance" else column for column in columns]


def _one_per_role(columns: Sequence[Column], file: str, line: int | None) -> tuple[Column, ...]:
    """Refuse two columns for one role, which would need a guess."""
    chosen: dict[str, Column] = {}
    clocks = [column for column in columns if column.role == "time"]
    timed = [column for column in clocks if column.unit is not None]
    if len(timed) == 1:  # a date beside a time in seconds says nothing more
        columns = [column for column in columns if column.role != "time" or column is timed[0]]
    for column in columns:
        other = chosen.get(column.role)
        if other is None:
            chosen[column.role] = column
        elif column.role not in ("cycle", "bias_voltage", "bias_current"):
            raise FileFormatError(
                f"expected one column of the {column.role.replace('_', ' ')}, found {other.label!r} "
                f"and {column.label!r}; say which in device.toml: "
                f"columns = {{ {column.role} = {column.label!r} }}.",
                file=file,
                line=line or None,
            )
    return tuple(sorted(chosen.values(), key=lambda column: column.index))


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(repr(label) for label in labels[:12] if label)
    return (shown + (", ..." if len(labels) > 12 else "")) or "none"


def find_header(lines: Sequence[str], named: Sequence[str] = ()) -> Header | None:
    """The first line that names at least two quantities and has rows of numbers below.

    Labels that device.toml names (`named`) count as quantities.
    """
    return _search_header(lines, named, strict=True) or _search_header(lines, named, strict=False)


def _search_header(lines: Sequence[str], named: Sequence[str], *, strict: bool) -> Header | None:
    """As `find_header`; not strict: one good row below is enough, so that the bad ones can be named."""
    for i, line in enumerate(lines):
        marked = line.lstrip()[:1] in "#%/!"
        bare = line.lstrip("#%/! \t") if marked else line
        if not bare.strip() or len(bare) > 20_000 or is_setting(line):
            continue
        numbered = (
            _splits(line) if marked and re.match(r"\s*#[\t;,]", line) else []
        )  # "#" names the first column
        for labels in [*_splits(bare), *numbered]:
            known = {column.label for column in understand_header(labels)} | (set(named) & set(labels))
            if len(known) < 2 and not (3 <= len(labels) <= _MOST_TAGGED and groups_of(labels)):
                continue
            header = _header_at(lines, i, labels, strict=strict)
            if header is not None:
                return header
    return None


def _splits(line: str) -> list[tuple[str, ...]]:
    """A header line split at each separator that splits it; blanks last, two or more before one."""
    found = [tuple(split_fields(line, separator)) for separator in SEPARATORS[:3] if separator in line]
    found.append(tuple(re.split(r"\s{2,}|\t", line.strip())))
    found.append(tuple(line.split()))
    bracketed = re.sub(r"[ \t]+(?=[(\[])", "\x00", line)  # "Frequency (Hz) Z' (ohm)": one blank everywhere
    if "\x00" in bracketed:
        found.append(tuple(word.replace("\x00", " ") for word in bracketed.split()))
    trimmed = []
    for fields in found:
        while fields and not fields[-1]:
            fields = fields[:-1]  # noqa: PLW2901 - a separator at the end of the line
        if len(fields) >= 2:
            trimmed.append(fields)
    return trimmed


def _header_at(lines: Sequence[str], index: int, labels: tuple[str, ...], *, strict: bool) -> Header | None:
    """The header with its layout if numbers follow, with a row of units taken in."""
    below = [i for i in range(index + 1, len(lines)) if lines[i].strip(" \t,;")]
    if not below:
        return None
    units = _units_row(lines[below[0]], labels)
    if units is not None:
        labels, below = units, below[1:]
    words = 0
    while words < _MOST_WORDS and below and _is_words(lines[below[0]], labels):
        words, below = words + 1, below[1:]
    rows = [lines[i] for i in below[:_SAMPLE]]
    if not rows:
        return None
    if strict:
        layout = (
            find_layout(rows, len(labels))
            or find_layout(rows[:1], len(labels))
            or _nan_first(rows, len(labels))
        )
    else:
        single = (find_layout([lines[i]], len(labels)) for i in below[: 4 * _SAMPLE])
        layout = next((found for found in single if found is not None), None)
    if layout is None:
        return None
    layout = settled(layout, (lines[i] for i in below))
    return Header(labels, index + 1, below[0] + 1, replace(layout, fields=len(labels)), words)


def _is_words(line: str, labels: Sequence[str]) -> bool:
    """True for a line of comments below the labels: as many fields or fewer, none of them a number."""
    separator = next((mark for mark in SEPARATORS[:3] if line.count(mark) == len(labels) - 1), None)
    if separator is None or re.search(r"(?<![^\W\d])[nN]a[nN]\b", line):
        return False
    fields = [text for text in split_fields(line, separator) if text]
    parts = [part for mark in SEPARATORS[:3] if mark in line for part in split_fields(line, mark)]
    return (
        bool(fields)
        and not any(Layout(separator, decimal).number(text) is not None for text in parts for decimal in ".,")
        and understand_header(fields) == ()
    )


def _nan_first(rows: Sequence[str], fields: int) -> Layout | None:
    """The layout by the rows behind the empty ones, where the table begins with rows of NaN."""
    full = [row for row in rows if not all(word.lower() in ("", "nan") for word in re.split(r"[\s,;]+", row))]
    return find_layout(full, fields) if full and len(full) < len(rows) else None


def _units_row(line: str, labels: tuple[str, ...]) -> tuple[str, ...] | None:
    """Labels with the units of a second header line, or None if the line is not one."""
    for fields in _splits(line.strip("# ")):
        words = [field.strip().strip("()[]").strip() for field in fields]
        if len(fields) > len(labels) or not any(words):
            continue
        known = [
            word in ("", "-", "#") or find_unit(word) is not None or word.lower() == "c" for word in words
        ]
        if all(known) and not any(re.fullmatch(r"[\d.,eE+-]+", word) for word in words if word != "-"):
            padded = [*words, *[""] * (len(labels) - len(words))]
            return tuple(
                f"{label} ({word})" if word and word not in "-#" else label
                for label, word in zip(labels, padded, strict=True)
            )
    return None


def _given_header(lines: Sequence[str], settings: FileSettings, source: Source) -> Header | None:
    """The header that device.toml gives for a table without one."""
    if not isinstance(settings.columns, tuple) or not settings.columns:
        return None
    first = _first_rows(lines, len(settings.columns))
    if first is None:
        raise FileFormatError(
            f"expected rows of {len(settings.columns)} numbers, as `columns` in device.toml says; "
            "found none.",
            file=source.name,
        )
    row, layout = first
    return Header(settings.columns, 0, row + 1, layout)


def _first_rows(lines: Sequence[str], fields: int | None = None) -> tuple[int, Layout] | None:
    """Index and layout of the first rows of numbers."""
    for i, line in enumerate(lines):
        rows = [row for row in lines[i : i + _SAMPLE] if row.strip()]
        if line.strip() and len(rows) >= min(3, len([row for row in lines[i:] if row.strip()])):
            layout = find_layout(rows, fields)
            if layout is not None:
                return i, settled(layout, lines[i:])
    return None


def _headerless(lines: Sequence[str], source: Source) -> Header:
    """Three columns without a header, which may be a spectrum; anything else is refused."""
    first = _first_rows(lines)
    if first is None:
        _refuse_labels(lines, source)
        raise FileFormatError(
            "expected a table: a header such as Time (s), Voltage (V), Current (A) and rows of "
            "numbers; found text without rows of two numbers or more.",
            file=source.name,
            line=1,
        )
    index, layout = first
    above = next((i for i in range(index - 1, -1, -1) if lines[i].strip(" \t,;")), None)
    if above is not None and not lines[above].lstrip().startswith("#"):
        labels = _likely_labels(lines[above], layout)
        if any(re.search(r"[A-Za-z]", label) for label in labels):
            choose_columns(understand_header(labels), labels, source.name, above + 1)
            if len(labels) == layout.fields:
                raise FileFormatError(_unknown_labels(labels), file=source.name, line=above + 1)
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


def _refuse_labels(lines: Sequence[str], source: Source) -> None:
    """Refuse a table whose labels say too little, where its rows have words beside the numbers."""
    for i, line in enumerate(lines[:200]):
        rows = [row for row in lines[i + 1 : i + 5] if row.strip()]
        if len(rows) < 3 or len(line) > 2000:
            continue
        for labels in _splits(line):
            words = [text for text in labels if re.search(r"[A-Za-z]", text)]
            if len(words) == len(labels) and find_layout(rows, len(labels)) is not None:
                raise FileFormatError(_unknown_labels(labels), file=source.name, line=i + 1)


def _unknown_labels(labels: Sequence[str]) -> str:
    return (
        "expected labels that name the quantities with their units, such as Time (s), Voltage (V), "
        f"Current (A); found {_listed(labels)}. Rename them, or say in device.toml which is which, as in "
        "columns = { voltage = ..., current = ... }."
    )


def _likely_labels(line: str, layout: Layout) -> tuple[str, ...]:
    """A header line split as the rows are, or else as most of its labels are understood."""
    splits = _splits(line)
    own = tuple(split_fields(line, layout.separator))
    if layout.separator != " " and len(own) >= 2:
        return own
    return max(splits or [(line.strip(),)], key=lambda labels: (len(understand_header(labels)), len(labels)))


def _check_headerless(rows: Rows, source: Source) -> None:
    """Without a header the first column must be an ordered sweep of frequencies over a decade or more.

    Equal steps in the logarithm, or a span of two decades, cannot be a time or a voltage by accident.
    """
    frequency = rows.columns[0]
    ordered = (
        frequency.size >= 5
        and np.all(frequency > 0)
        and abs(np.sign(np.diff(frequency)).sum()) == frequency.size - 1
    )
    steps = np.diff(np.log10(frequency)) if ordered else np.zeros(1)
    even = ordered and np.ptp(steps) < 0.5 * abs(np.median(steps))
    if not (even and abs(steps.sum()) >= 1.0):
        raise FileFormatError(
            "expected a header line that names the quantities and units of the 3 columns, found none, and "
            "the first column is no sweep of frequencies; add one, or give "
            '`columns = ["Time (s)", ...]` in device.toml.',
            file=source.name,
            line=int(rows.lines[0]) if rows.lines.size else 1,
        )
