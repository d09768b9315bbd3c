"""Oscilloscopes as CSV: Rigol, Tektronix, Keysight/Agilent, LeCroy, Siglent, R&S, PicoScope, Digilent.

All channels are voltages; which is the device's voltage and which its current (over a resistor) only
device.toml can say, except where one of two is in V and the other, of a current probe, in A. The time axis
is a column in seconds, or a row number with Start and Increment (Rigol: "X,CH1,CH2,Start,Increment" above
"Sequence,Volt,Volt,-1.4e-3,2e-6"), or is counted from "Sample Interval" and "Horizontal Offset" (Tektronix,
Siglent). Units may stand in a second line ("(ms),(V)" of PicoScope) or in the label ("C1 in V" of R&S).
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from memfit.errors import FileFormatError, UnitError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import read_lines
from memfit.loaders.tables.labels import Column, understand
from memfit.loaders.tables.parse import number, split_fields
from memfit.units import find_unit, parse_number, split_label

NAME = "oscilloscope CSV"

_RIGOL = re.compile(r"^X,(CH\d|MATH|REF)", re.IGNORECASE)
_OLD_RIGOL = re.compile(r'^"?Number of Data points\s*="?', re.IGNORECASE)
_OLD_TEKTRONIX = re.compile(r'^"?Record Length"?,"?[\d.eE+]+"?,[^,\n]*,\s*[-+\d.]')
_TIMED = re.compile(
    r"^[ \t]*\"?(?:TIME|Time|Source|second|x-axis|Second)(?:\s*\([^)]*\))?\"?\s*,"
    r"(?:\s*\"?(?:CH|C|Channel |Ampl|Volt|[1-8]\b)[^,\n]*)+",
    re.MULTILINE,
)
_CHANNELS = re.compile(
    r"^[# \t]*\"?(?:time|zeit|temps|tiempo|tempo|in s\b|x)[^,;\t\n]{0,12}"
    r"(?:[,;\t][ \t]*\"?(?:c|ch|chan|channel|kanal|canal|voie)[ _]?[1-8A-H]"
    r"(?:[ \t]*(?:\([^)\n]{0,8}\)|\[[^]\n]{0,8}\]|in \w{1,3}))?\"?[ \t]*){1,8}[,;\t ]*$",
    re.MULTILINE | re.IGNORECASE,
)
"""A time and channels by their numbers or letters, whoever made the oscilloscope."""

_MAKERS = (
    "tektronix",
    "lecroy",
    "siglent",
    "agilent",
    "keysight",
    "rigol",
    "record length",
    "sample interval",
    "x-axis",
)


def recognises(source: Source) -> bool:
    """True for the heads that the makers write."""
    head = source.head[:4000]
    if _RIGOL.match(head) or _OLD_RIGOL.match(head) or _OLD_TEKTRONIX.match(head):
        return True
    if _CHANNELS.search(head):
        return True
    return any(word in head.lower() for word in _MAKERS) and _TIMED.search(head) is not None


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The channels of a recording.

    Raises
    ------
    FileFormatError
        The labels or the time axis are missing, or a row is broken.
    """
    lines = source.lines
    if _RIGOL.match(source.head):
        return [_rigol(source)]
    if _OLD_TEKTRONIX.match(source.head):
        return [_old_tektronix(source)]
    at = _header_line(lines)
    if at is None:
        raise FileFormatError(
            "expected labels such as TIME,CH1,CH2 above the rows, found none.", file=source.name
        )
    mark = _mark(lines[at])
    labels = _names(split_fields(lines[at].lstrip("#% ").rstrip(mark + " "), mark))
    first = at + 1
    units = split_fields(lines[first].rstrip(mark + " "), mark) if first < len(lines) else []
    if len(units) > 1 and not any(re.match(r"\s*[-+]?[.,]?\d", unit) for unit in units):
        units = [unit.strip("()[] ") for unit in units]
        first += 1
    else:
        units = []
    metadata = _metadata(lines[:at])
    if not units and "Vertical Units" in metadata:
        units = [metadata.get("Horizontal Units", "s"), *metadata["Vertical Units"].split(", ")]
    columns = [_column(label, index, units, source, at) for index, label in enumerate(labels)]
    table = _channels(source, columns, labels, first, metadata, mark=mark)
    return [table if settings.columns else _with_probe(table, columns)]


def _with_probe(table: RawTable, columns: Sequence[Column]) -> RawTable:
    """A transient where one channel is a voltage and the other one, of a probe, a current."""
    found = {
        role: column.role
        for column in columns[1:]
        for role in ("voltage", "current")
        if column.unit is not None and column.unit.is_a(role)
    }
    if len(columns) != 3 or len(found) != 2:
        return table
    note = f"{found['voltage']} is the voltage and {found['current']} the current, as their units say."
    named = {"time": table.columns["time"], **{role: table.columns[name] for role, name in found.items()}}
    return replace(table, columns=named, channels=False, kind="transient", notes=(*table.notes, note))


def _mark(line: str) -> str:
    """What parts the labels."""
    return next((mark for mark in ("\t", ";") if mark in line), ",")


def _header_line(lines: Sequence[str]) -> int | None:
    """The last line above the rows that is no number."""
    for i, line in enumerate(lines[:200]):
        mark = _mark(line)
        fields = split_fields(line.rstrip(mark + " "), mark)
        if len(fields) >= 2 and all(_is_number(field, mark) for field in fields):
            above = [j for j in range(max(0, i - 4), i) if lines[j].strip(" ,;\t")][-2:]
            named = [j for j in above if _names_time(lines[j])]
            return named[0] if named else None
    return None


def _names_time(line: str) -> bool:
    """True for a line of labels: the first one is a time."""
    first = split_fields(line, _mark(line))[0]
    return understand(first) is not None or (
        re.match(r'[#% ]*"?(x-axis|source|time|zeit|in s)', line, re.IGNORECASE) is not None
    )


def _is_number(text: str, mark: str) -> bool:
    return bool(text) and number(text if mark == "," else text.replace(",", ".")) is not None


def _names(labels: Sequence[str]) -> list[str]:
    """Labels that tell the channels apart: a second "Voltage (V)" becomes CH2."""
    names = [label.strip() for label in labels]
    while names and not names[-1]:
        names.pop()
    twice = len(set(names[1:])) < len(names[1:])
    return [names[0], *(f"CH{i}" if twice else name for i, name in enumerate(names[1:], start=1))]


def _column(label: str, index: int, units: Sequence[str], source: Source, line: int) -> Column:
    """Time or a channel in volts (or ampere, for a current probe)."""
    name, unit_text = _split(label)
    if index < len(units) and units[index]:
        unit_text = units[index]
    unit_text = {"second": "s", "volt": "V", "volts": "V", "ampere": "A"}.get(
        (unit_text or "").lower(), unit_text
    )
    if index == 0:
        return Column(0, "time", "time", find_unit(unit_text or "s", "time") or find_unit("s"))
    unit = find_unit(unit_text or "V")
    if unit is None or not (unit.is_a("voltage") or unit.is_a("current")):
        raise FileFormatError(
            f"expected a unit of voltage or current for {label!r}, found {unit_text!r}.",
            file=source.name,
            line=line + 1,
        )
    return Column(index, name, name, unit)


def _split(label: str) -> tuple[str, str | None]:
    """Name and unit of a label; the letter of "Channel A" is no ampere."""
    if label.lower().startswith("in "):
        return "time", label[3:]
    if re.fullmatch(r"(?:ch|chan|channel|kanal|canal|voie)[ _]?[A-H]", label, re.IGNORECASE):
        return label, None
    return split_label(label)


def _channels(
    source: Source,
    columns: Sequence[Column],
    labels: Sequence[str],
    first: int,
    metadata: dict[str, str],
    *,
    mark: str = ",",
) -> RawTable:
    """Time and channels in SI units."""
    rows = _rows(source.lines[first:], len(labels), mark)
    block = read_lines(source, columns, labels, rows, first)
    if np.any(np.diff(block.columns["time"]) < 0):
        raise FileFormatError("expected times that run forward.", file=source.name, line=first + 1)
    return RawTable(columns=block.columns, channels=True, metadata=metadata, notes=block.notes)


def _rows(lines: Sequence[str], fields: int, mark: str = ",") -> list[str]:
    """Rows without the separators at their ends."""
    return [line.rstrip(mark + " ") if line.count(mark) >= fields else line for line in lines]


def _rigol(source: Source) -> RawTable:
    """X in seconds, or a row number with Start and Increment in the second line."""
    lines = source.lines
    labels = [label.strip() for label in lines[0].split(",")]
    second = [word.strip() for word in lines[1].split(",")] if len(lines) > 1 else []
    names = [label for label in labels if re.match(r"(X|CH\d|MATH|REF)", label, re.IGNORECASE)]
    if not second:
        raise FileFormatError(
            "expected a second line of units, found none: the file is cut.", file=source.name
        )
    columns = [Column(0, "time", "time", None)]
    for index, name in enumerate(names[1:], start=1):
        unit = find_unit(second[index].lower(), None) if index < len(second) else None
        if unit is None or not (unit.is_a("voltage") or unit.is_a("current")):
            raise FileFormatError(
                f"expected Volt below {name}, found {second[index] if index < len(second) else 'nothing'!r}.",
                file=source.name, line=2,
            )  # fmt: skip
        columns.append(Column(index, name, name, unit))
    table = _channels(source, columns, names, 2, {})
    if second[0].lower().startswith("sequence"):
        try:
            start = parse_number(second[[label.lower() for label in labels].index("start")])
            step = parse_number(second[[label.lower() for label in labels].index("increment")])
        except (ValueError, IndexError, UnitError) as error:
            raise FileFormatError(
                "expected Start and Increment in the second line.", file=source.name, line=2
            ) from error
        found = {**table.columns, "time": start + step * table.columns["time"]}
        return RawTable(
            columns=found, channels=True, metadata={"increment": f"{step!r} s"}, notes=table.notes
        )
    if not second[0].lower().startswith("s"):
        raise FileFormatError(
            f"expected Second or Sequence below X, found {second[0]!r}.", file=source.name, line=2
        )
    return table


def _old_tektronix(source: Source) -> RawTable:
    """TDS: settings in the first three columns of the first rows, time and volts in the fourth and fifth."""
    lines = source.lines
    metadata = _metadata([",".join(line.split(",")[:2]) for line in lines[:40]])
    name = metadata.get("Source", "CH1")
    units = [metadata.get("Horizontal Units", "s"), metadata.get("Vertical Units", "V")]
    labels = ["time", name]
    columns = [_column("time", 0, units, source, 0), _column(name, 1, units, source, 0)]
    rows = [",".join(line.split(",")[3:5]) for line in lines]
    block = read_lines(source, columns, labels, rows, 0)
    return RawTable(columns=block.columns, channels=True, metadata=metadata, notes=block.notes)


def _metadata(lines: Sequence[str]) -> dict[str, str]:
    """The block above the labels."""
    found: dict[str, str] = {}
    for line in lines:
        words = [word.strip(' "=') for word in line.split(",")]
        values = [word for word in words[1:] if word]
        if words and words[0] and values:
            found.setdefault(words[0], ", ".join(values))
    return found
