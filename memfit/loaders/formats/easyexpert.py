"""Keysight/Agilent B1500 EasyEXPERT (.csv).

Lines "SetupTitle, ...", "PrimitiveTest, I/V Sweep", "TestParameter, key, values", ..., then
"DataName, V1, I1, ..." and lines "DataValue, 0, 1e-9, ...". Names beginning with V and I are volts and
amperes; "Time" is seconds. A second DataName begins another sweep. 4155/4156 files ("Vg, Id, ...") too.
"""

import re
from collections.abc import Sequence

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import read_lines
from memfit.loaders.tables.labels import Column
from memfit.units import find_unit

NAME = "Keysight EasyEXPERT"


def recognises(source: Source) -> bool:
    """True for the heads of EasyEXPERT."""
    return re.match(r'\s*"?(SetupTitle|PrimitiveTest|TestParameter|DataName)\b', source.head) is not None


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """A table for each DataName.

    Raises
    ------
    FileFormatError
        There are no data, or it is not plain which columns are voltage and current.
    """
    lines = source.lines
    heads = [i for i, line in enumerate(lines) if line.lstrip(' "').startswith("DataName")]
    if not heads:
        raise FileFormatError(
            "expected a line `DataName` above the values, found none: the file is cut.", file=source.name
        )
    tables = []
    for number, (start, stop) in enumerate(zip(heads, [*heads[1:], len(lines)], strict=True), start=1):
        labels = [word.strip(' "') for word in lines[start].split(",")][1:]
        while labels and not labels[-1]:
            labels.pop()
        columns = _columns(labels, settings, source, start)
        rows = [
            line.partition(",")[2] if line.lstrip(' "').startswith("DataValue") else ""
            for line in lines[start + 1 : stop]
        ]
        block = read_lines(source, columns, labels, rows, start + 1)
        metadata = _metadata(lines[:start])
        part = f"sweep {number} of {len(heads)}" if len(heads) > 1 else ""
        tables.append(
            RawTable(columns=block.columns, control=None, part=part, metadata=metadata, notes=block.notes)
        )
    return tables


def _columns(labels: Sequence[str], settings: FileSettings, source: Source, line: int) -> list[Column]:
    """Voltage, current and time; where there are several device.toml has to say which."""
    chosen = settings.columns if not isinstance(settings.columns, tuple) else {}
    found = []
    for role, pattern, unit in (
        ("voltage", r"V\w*", "V"),
        ("current", r"I\w*", "A"),
        ("time", r"Time\w*", "s"),
    ):
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
            raise FileFormatError(
                f"expected one column of the {role}, found {', '.join(names) or 'none'}; say which in "
                f"device.toml: "
                f"columns = {{ {role} = ... }}.", file=source.name, line=line + 1,
            )  # fmt: skip
        found.append(Column(labels.index(names[0]), names[0], role, find_unit(unit)))
    return sorted(found, key=lambda column: column.index)


def _metadata(lines: Sequence[str]) -> dict[str, str]:
    """The settings above the values."""
    found: dict[str, str] = {}
    for line in lines:
        words = [word.strip(' "') for word in line.split(",")]
        if len(words) >= 2 and words[0]:
            key = (
                f"{words[0]} {words[1]}"
                if words[0] in ("TestParameter", "MetaData", "AnalysisSetup")
                else words[0]
            )
            value = ", ".join(word for word in (words[2:] if key != words[0] else words[1:]) if word)
            if value:
                found.setdefault(key, value)
    return found
