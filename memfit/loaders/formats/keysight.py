"""Keysight and Agilent: parameter analysers (B1500 EasyEXPERT, 4155/4156) and impedance analysers (E4990A).

EasyEXPERT (.csv): lines "SetupTitle, ...", "PrimitiveTest, I/V Sweep", "TestParameter, key, values", ...,
then "DataName, V1, I1, ..." and lines "DataValue, 0, 1e-9, ...". Names beginning with V and I are volts and
amperes; "Time" is seconds. A second DataName begins another sweep. 4155/4156 files ("Vg, Id, ...") too.
Exports of the plain table put measurements side by side, "V1,I1,,V1,I1", without units, which are asked.

Impedance: CSV with a block for each channel: "!Agilent Technologies,E4990A,...", "!Date: ...", "BEGIN
CH1_DATA", labels such as "Frequency(Hz), |Z|(Ohm)-data, theta-z(deg)-data" (or R and X, |Y| and theta-y, Cp
and G, ...), rows, "END". The labels state the units, so that each block is read as a table; the bias is not
in the file.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from memfit.loaders.raw import FileSettings, RawTable, Reader, Source
from memfit.loaders.tables import Column, number, read_block, read_text_tables, split_fields
from memfit.units import find_unit

_QUANTITIES = (("voltage", r"V\w*", "V"), ("current", r"I\w*", "A"), ("time", r"Time\w*", "s"))
"""Roles, what their names look like, and the unit that EasyEXPERT writes."""
_BEGIN = re.compile(r"^BEGIN (CH\d+_DATA)\s*$", re.MULTILINE)
_MAX_BLOCKS = 100


def _read_sweeps(source: Source, settings: FileSettings) -> list[RawTable]:
    """A table for each DataName."""
    lines = source.lines
    heads = [i for i, line in enumerate(lines) if line.lstrip(' "').startswith("DataName")]
    if not heads:
        raise source.error("expected a line `DataName` above the values, found none: the file is cut.")
    chosen = settings.columns if not isinstance(settings.columns, tuple) else {}
    metadata: dict[str, str] = {}
    tables = []
    above = 0
    for count, (start, stop) in enumerate(zip(heads, [*heads[1:], len(lines)], strict=True), start=1):
        labels = [word.strip(' "') for word in lines[start].split(",")][1:]
        while labels and not labels[-1]:
            labels.pop()
        columns = []
        for role, pattern, unit in _QUANTITIES:
            names = [
                label
                for label in labels
                if re.fullmatch(pattern, label, re.IGNORECASE) and not label.lower().startswith("index")
            ]
            if role in chosen:
                names = [label for label in labels if label == chosen[role]]
            if not names and role == "time":
                continue
            if len(names) != 1:
                raise source.error(
                    f"expected one column of the {role}, found {', '.join(names) or 'none'}; say which in "
                    f"device.toml: columns = {{ {role} = ... }}.",
                    line=start + 1,
                )
            columns.append(Column(labels.index(names[0]), names[0], role, find_unit(unit)))
        rows = [
            line.partition(",")[2] if line.lstrip(' "').startswith("DataValue") else ""
            for line in lines[start + 1 : stop]
        ]
        strange = _strange_line(rows, lines[start + 1 : stop])
        if strange is not None:
            raise source.error(
                f"expected a line DataValue, found {lines[start + 1 + strange].strip()[:40]!r}; mend or "
                "remove it.",
                line=start + 2 + strange,
            )
        columns.sort(key=lambda column: column.index)
        block = read_block(source, columns, labels, start + 1, lines=rows)
        for line in lines[above:start]:
            words = [word.strip(' "') for word in line.split(",")]
            longer = words[0] in ("TestParameter", "MetaData", "AnalysisSetup") and len(words) >= 2
            value = ", ".join(word for word in words[2 if longer else 1 :] if word)
            if words[0] and value:
                metadata.setdefault(f"{words[0]} {words[1]}" if longer else words[0], value)
        above = start
        part = f"sweep {count} of {len(heads)}" if len(heads) > 1 else ""
        tables.append(
            RawTable(
                columns=block.columns,
                others=block.others,
                part=part,
                metadata=dict(metadata),
                notes=block.notes,
            )
        )
    return tables


def _strange_line(rows: Sequence[str], lines: Sequence[str]) -> int | None:
    """Index of a line among the values that is none of them."""
    last = max((i for i, row in enumerate(rows) if row), default=-1)
    return next(
        (
            i
            for i, line in enumerate(lines)
            if not rows[i] and line.strip() and (i < last or None not in map(number, line.split(",")))
        ),
        None,
    )


def _read_impedance(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of each block."""
    lines = source.lines
    metadata: dict[str, str] = {}
    for line in lines[:10]:
        if line.startswith("!Date:"):
            metadata["date"] = line[6:].strip()
        elif line.startswith("!") and line.count(",") >= 2:
            metadata["instrument"] = " ".join(word.strip() for word in line[1:].split(",")[:2])
    begins = [i for i, line in enumerate(lines) if _BEGIN.match(line)]
    if len(begins) > _MAX_BLOCKS:
        raise source.error(f"expected at most {_MAX_BLOCKS} blocks, found more.")
    tables = []
    for begin in begins:
        end = next((i for i in range(begin, len(lines)) if lines[i].strip() == "END"), None)
        rows = "\n".join(lines[begin + 1 : end]) + ("" if end is None else "\n")
        block = replace(source, data=("\n" * (begin + 1) + rows).encode())
        cut = () if end is not None else ("The block has no line END: the file is cut.",)
        part = lines[begin].split()[1].removesuffix("_DATA") if len(begins) > 1 else ""
        tables += [
            replace(table, part=part, metadata=metadata, notes=(*cut, *table.notes))
            for table in read_text_tables(block, settings)
        ]
    return tables


EASYEXPERT = Reader(
    "Keysight EasyEXPERT",
    lambda s: re.match(r'\s*"?(SetupTitle|PrimitiveTest|TestParameter|DataName)\b', s.head) is not None,
    _read_sweeps,
)
IMPEDANCE = Reader(
    "Keysight impedance analyser",
    lambda s: s.head.startswith("!") and _BEGIN.search(s.head[:4000]) is not None,
    _read_impedance,
)


_NAME = re.compile(r"(?:[VIT]\d{0,2}|Time\d{0,2}|[VI][A-Z][a-z]{0,6})")


def _side_by_side(source: Source) -> tuple[list[str], str] | None:
    """Names in the first line that come again without units ("V1,I1,,V1,I1"), and what parts them."""
    line = source.head.split("\n", 1)[0]
    separator = next((mark for mark in ("\t", ";", ",") if mark in line), ",")
    names = split_fields(line, separator)
    there = [name for name in names if name]
    again = len(set(there)) < len(there) >= 4
    kinds = {name[0] for name in there if _NAME.fullmatch(name)}
    return (names, separator) if again and {"V", "I"} <= kinds and all(map(_NAME.fullmatch, there)) else None


def _read_side_by_side(source: Source, settings: FileSettings) -> list[RawTable]:
    """The measurements that stand side by side; device.toml says what the names are."""
    found = _side_by_side(source)
    if found is None:
        raise source.error("expected names such as V1,I1,,V1,I1 in the first line.", line=1)
    names, separator = found
    if not isinstance(settings.columns, Mapping) or not settings.columns:
        voltage, current = (next(name for name in names if name.startswith(kind)) for kind in "VI")
        raise source.error(
            f"expected units beside the names {', '.join(filter(None, names[:6]))}, found none; say "
            f'them in device.toml, as in columns = {{ voltage = {{ name = "{voltage}", unit = "V" }}, '
            f'current = {{ name = "{current}", unit = "A" }} }}.',
            line=1,
        )
    groups: list[list[int]] = [[]]
    for index, name in enumerate(names):
        if name and name in {names[i] for i in groups[-1]}:
            groups.append([])
        if name:
            groups[-1].append(index)
    tables = []
    rows = [split_fields(line, separator) for line in source.lines[1:]]
    for place, group in enumerate(groups, start=1):
        cells = [[row[i] if i < len(row) else "" for i in group] for row in rows]
        filled = [at for at, row in enumerate(cells) if any(row)]
        last = filled[-1] + 1 if filled else 0  # a shorter measurement ends in empty cells
        written = [at for at, row in enumerate(rows) if at >= last and not any(row)]
        written = [at for at in written if source.lines[at + 1].strip()]  # empty for all measurements
        empty = last - len(filled) + len(written)
        notes = [f"{empty} empty {'row was' if empty == 1 else 'rows were'} left out."] if empty else []
        lines = [separator.join(cells[at]) for at in filled]
        # a cut last line is judged where it ends: in the measurement of its last cell
        cut = bool(rows and source.lines[-1]) and last == len(rows) and len(rows[-1]) <= group[-1] + 1
        if cut:
            lines[-1] = separator.join(rows[-1][group[0] :])
        text = "\n".join([separator.join(names[i] for i in group), *lines, *([] if cut else [""])])
        part = replace(source, data=text.encode("utf-8", errors="replace"))
        tables += [
            replace(table, part=f"measurement {place} of {len(groups)}", notes=(*table.notes, *notes))
            for table in read_text_tables(part, settings)
        ]
    return tables


SIDE_BY_SIDE = Reader("EasyEXPERT side by side", lambda s: _side_by_side(s) is not None, _read_side_by_side)
