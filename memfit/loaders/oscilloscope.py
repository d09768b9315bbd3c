"""Oscilloscopes as CSV: Rigol, Tektronix, Keysight/Agilent, LeCroy, Siglent.

All channels are voltages; which is the device's voltage and which its current (over a resistor) only
device.toml can say. The time axis is a column in seconds, or a row number with Start and Increment
(Rigol: "X,CH1,CH2,Start,Increment" above "Sequence,Volt,Volt,-1.4e-3,2e-6"), or is counted from
"Sample Interval" and "Horizontal Offset" (Tektronix, Siglent).
"""

import re
from collections.abc import Sequence

import numpy as np

from memfit.errors import FileFormatError, UnitError
from memfit.loaders.delimited import read_lines
from memfit.loaders.grid import number, split_fields
from memfit.loaders.labels import Column, understand
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
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
    labels = _names(split_fields(lines[at].rstrip(","), ","))
    first = at + 1
    units = split_fields(lines[first].rstrip(","), ",") if first < len(lines) else []
    if units and not any(number(unit) is not None and unit for unit in units):
        first += 1
    else:
        units = []
    metadata = _metadata(lines[:at])
    if not units and "Vertical Units" in metadata:
        units = [metadata.get("Horizontal Units", "s"), *metadata["Vertical Units"].split(", ")]
    columns = [_column(label, index, units, source, at) for index, label in enumerate(labels)]
    return [_channels(source, columns, labels, first, metadata)]


def _header_line(lines: Sequence[str]) -> int | None:
    """The last line above the rows that is no number."""
    for i, line in enumerate(lines[:200]):
        fields = split_fields(line.rstrip(", "), ",")
        if len(fields) >= 2 and all(number(field) is not None and field for field in fields):
            above = [j for j in range(max(0, i - 2), i) if lines[j].strip(" ,")]
            named = [j for j in above if understand(split_fields(lines[j], ",")[0]) is not None or
                     re.match(r'\s*"?(x-axis|source|time)', lines[j], re.IGNORECASE)]  # fmt: skip
            return named[0] if named else None
    return None


def _names(labels: Sequence[str]) -> list[str]:
    """Labels that tell the channels apart: a second "Voltage (V)" becomes CH2."""
    names = [label.strip() for label in labels]
    while names and not names[-1]:
        names.pop()
    twice = len(set(names[1:])) < len(names[1:])
    return [names[0], *(f"CH{i}" if twice else name for i, name in enumerate(names[1:], start=1))]


def _column(label: str, index: int, units: Sequence[str], source: Source, line: int) -> Column:
    """Time or a channel in volts (or ampere, for a current probe)."""
    name, unit_text = split_label(label)
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


def _channels(
    source: Source, columns: Sequence[Column], labels: Sequence[str], first: int, metadata: dict[str, str]
) -> RawTable:
    """Time and channels in SI units."""
    block = read_lines(source, columns, labels, _rows(source.lines[first:], len(labels)), first)
    if np.any(np.diff(block.columns["time"]) < 0):
        raise FileFormatError("expected times that run forward.", file=source.name, line=first + 1)
    return RawTable(columns=block.columns, channels=True, metadata=metadata, notes=block.notes)


def _rows(lines: Sequence[str], fields: int) -> list[str]:
    """Rows without the separators at their ends."""
    return [line.rstrip(", ") if line.count(",") >= fields else line for line in lines]


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
