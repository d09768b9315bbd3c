"""Keithley 4200 parameter analysers: sheets as text, in volt, ampere and second by the instrument's habit.

A first line of terminals' names, "AV,AI,Time" or "AnodeI,AnodeV", then rows; several sweeps stand side by
side with their number behind each name, "Time(1),AI(1),AV(1),Time(2),...".
"""

import re
from collections.abc import Sequence

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import Field, find_fields, read_lines
from memfit.loaders.tables.labels import Column
from memfit.loaders.tables.parse import SEPARATORS, split_fields

NAME = "Keithley 4200"

_NAMES = re.compile(r"(?P<terminal>[A-Za-z]\w*?)(?P<quantity>[VI])")
_NUMBERED = re.compile(r"(?P<name>[A-Za-z]\w*)\((?P<number>\d+)\)")
_FORMULA = re.compile(r"[A-Z][A-Z0-9_]*")
_TERMINALS = ("A", "B", "C", "D", "Anode", "Cathode")


def recognises(source: Source) -> bool:
    """True for a first line of terminals' names, such as "AV,AI,Time" or "AI(1),AV(1),AI(2),...".

    Names in capitals may stand beside Time and terminals of the usual names: the formulas of the
    user, whose cells are empty or "#REF" in most rows.
    """
    return bool(_sweeps(_labels(source)))


def _labels(source: Source) -> list[str]:
    first = source.head.split("\n", 1)[0]
    labels = split_fields(first.strip(), _separator(first))
    while labels and not labels[-1]:
        labels.pop()
    return labels


def _separator(line: str) -> str:
    return next((mark for mark in SEPARATORS[:3] if mark in line), ",")


def _sweeps(labels: Sequence[str]) -> list[tuple[Field, ...]]:
    """The columns of each sweep: one sweep, or several with their number behind each name."""
    numbered = [match for label in labels if (match := _NUMBERED.fullmatch(label))]
    if not numbered or len(numbered) < len(labels):
        return _one_sweep(labels, "")
    by_number: dict[str, list[str]] = {}
    for match in numbered:
        by_number.setdefault(match["number"], []).append(match["name"])
    found = [_one_sweep(names, f"({number})") for number, names in by_number.items()]
    return [sweep for sweeps in found for sweep in sweeps] if all(found) else []


def _one_sweep(labels: Sequence[str], suffix: str) -> list[tuple[Field, ...]]:
    """Time, voltage and current of the one terminal that has both; nothing if it is no such file."""
    names = {label for label in labels if label != "Time"}
    pairs = [(name, f"{name[:-1]}I") for name in labels if name.endswith("V") and f"{name[:-1]}I" in names]
    if len(names) < 2 or len(pairs) != 1:
        return []
    voltage, current = pairs[0]
    formulas = [label for label in names if not _NAMES.fullmatch(label)]
    usual = "Time" in labels and voltage[:-1] in _TERMINALS
    if formulas and not (usual and all(_FORMULA.fullmatch(label) for label in formulas)):
        return []
    fields = (("voltage", voltage, "V"), ("current", current, "A"), ("time", "Time", "s"))
    return [tuple(Field(role, (name + suffix,), unit) for role, name, unit in fields)]


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The sweeps of a 4200: volt, ampere and second by the instrument's habit.

    Raises
    ------
    FileFormatError
        A row is broken.
    """
    labels = _labels(source)
    sweeps = _sweeps(labels)
    if not sweeps:
        raise FileFormatError(
            "expected names such as AV,AI,Time in the first line.", file=source.name, line=1
        )
    return [_table(source, labels, sweeps, number) for number in range(len(sweeps))]


def _table(
    source: Source, labels: Sequence[str], sweeps: Sequence[tuple[Field, ...]], number: int
) -> RawTable:
    """One of the sweeps, as far as it goes: beside a longer one its cells are empty at the end."""
    columns = find_fields(labels, sweeps[number])
    lines = source.lines[1:]
    if len(sweeps) > 1:
        separator = _separator(source.lines[0])
        lines = [line if _holds(split_fields(line, separator), columns) else "" for line in lines]
    block = read_lines(source, columns, labels, lines, 1)
    read = {spelling for sweep in sweeps for field in sweep for spelling in field.labels}
    others = [label for label in labels if label not in read]
    left = (f"Not read: the columns {', '.join(others)}.",) if others else ()
    voltage, current = (field.labels[0] for field in sweeps[number][:2])
    return RawTable(
        columns=block.columns,
        part=f"sweep {number + 1} of {len(sweeps)}" if len(sweeps) > 1 else "",
        metadata={"instrument": "Keithley 4200"},
        notes=(
            f"{voltage} and {current} are taken as V and A, as the 4200 writes them.",
            *left,
            *block.notes,
        ),
    )


def _holds(fields: Sequence[str], columns: Sequence[Column]) -> bool:
    """Whether a row has anything in some columns."""
    return any(column.index < len(fields) and fields[column.index] for column in columns)
