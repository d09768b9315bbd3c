"""CH Instruments text.

A date, the technique ("A.C. Impedance", "Cyclic Voltammetry", ...), "Instrument Model: CHI660E",
settings `key = value`, a line of labels with units behind a slash (Freq/Hz, Z'/ohm and a Z with a double
quote for Z'', of true sign; Potential/V, Current/A; Time/sec, Current/A), rows with commas. The bias is
"Init E (V)". The potential of a step experiment stands in its settings only: from Init E to High E and Low E
in turn, a pulse width each. CHI counts cathodic currents as positive by default: the sign is kept as printed
and a note says so.
"""

import re

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import Kind
from memfit.loaders.raw import FileSettings, RawTable, Reader, Source, Stated
from memfit.loaders.tables import Field, find_fields, optional_number, read_fields
from memfit.protocols import Control, Drive

_FIELDS = (
    Field("frequency", ("Freq/Hz", "Frequency/Hz"), "Hz"),
    Field("z_real", ("Z'/ohm",), "ohm"),
    Field("z_imag", ('Z"/ohm', "Z''/ohm"), "ohm"),
    Field("z_imag", ('-Z"/ohm', "-Z''/ohm"), "ohm", -1.0),
    Field("time", ("Time/sec", "Time/s"), "s"),
    Field("voltage", ("Potential/V",), "V"),
    Field("current", ("Current/A", "i/A", "i1/A"), "A"),
)
_TECHNIQUES: tuple[tuple[str, Kind, Control], ...] = (
    ("impedance", "impedance", "voltage"),
    ("voltammetry", "iv", "voltage"),
    ("chronoamperometry", "transient", "voltage"),
    ("i - t", "transient", "voltage"),
    ("i-t", "transient", "voltage"),
    ("chronopotentiometry", "transient", "current"),
)
_STEPS = ("Init E (V)", "High E (V)", "Low E (V)")
"""Potentials of a step experiment; where they are equal the potential was constant."""
_MOST_STEPS = 1000


def _read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The table of a CHI file."""
    lines = source.lines
    rows = ([label.strip() for label in line.split(",")] for line in lines[:1000])
    at, labels = next(
        ((i, row) for i, row in enumerate(rows) if len(find_fields(row, _FIELDS)) >= 2), (-1, [])
    )
    if at < 0:
        raise source.error("expected a line of labels such as Freq/Hz, Z'/ohm, Z\"/ohm; found none.")
    metadata: dict[str, str] = {}
    for line in lines[1:at]:  # the first one is the date; spreadsheets add empty fields
        pair = re.match(r"\s*(?P<key>[^=:]{1,60}?)\s*[=:]\s*(?P<value>.*\S)\s*$", line.rstrip(" \t,"))
        if pair:
            metadata.setdefault(pair["key"], pair["value"])
    technique = metadata["technique"] = lines[1].strip(" \t,") if len(lines) > 1 else ""
    kind, control = next(((k, c) for word, k, c in _TECHNIQUES if word in technique.lower()), (None, None))
    roles = {column.role for column in find_fields(labels, _FIELDS)}
    spectrum = roles & {"z_real", "z_imag", "frequency"}
    needed = ("frequency", "z_real", "z_imag") if spectrum else ()
    block = read_fields(source, labels, _FIELDS, at + 1, needed=needed)
    columns, notes, drive = dict(block.columns), block.notes, None
    start = optional_number(metadata.get("Init E (V)"))
    if "current" in columns:
        sign = "The sign of the current is kept as printed; CHI's default counts cathodic as positive."
        notes = (*notes, sign)
    if kind == "transient" and control == "voltage" and "voltage" not in columns and start is not None:
        drive = _steps(metadata, start, columns["time"]) if "time" in columns else None
        if drive is not None:
            columns["voltage"] = drive.at(columns["time"])
        elif len({metadata[key] for key in _STEPS if key in metadata}) == 1:
            columns["voltage"] = np.full(block.rows, start)
    rate = optional_number(metadata.get("Scan Rate (V/s)"))
    table = RawTable(
        columns=columns, others=block.others, kind=kind, control=control, metadata=metadata, notes=notes,
        drive=drive,
        bias=Stated(start, "Init E of the file's header") if start is not None else None,
        amplitude=optional_number(metadata.get("Amplitude (V)")) if kind == "impedance" else None,
        scan_rate=Stated(rate, "the file's header") if rate else None,
    )  # fmt: skip
    return [table]


def _steps(metadata: dict[str, str], start: float, time: FloatArray) -> Drive | None:
    """The potential of a step experiment: High E and Low E in turn, the first by the initial polarity."""
    high, low, width = (
        optional_number(metadata.get(key)) for key in ("High E (V)", "Low E (V)", "Pulse Width (sec)")
    )
    first = metadata.get("Init P/N", "")[:1].upper()
    if high is None or low is None or not width or width <= 0 or first not in ("P", "N"):
        return None
    widths = np.max(time, initial=0.0) / width
    if not np.isfinite(widths) or widths > _MOST_STEPS:
        return None
    count = max(int(np.ceil(widths - 1e-6)), 1)
    turns = [high, low] if first == "P" else [low, high]
    levels = [start, *(turns[k % 2] for k in range(count))]
    edges = width * np.repeat(np.arange(count + 1, dtype=np.float64), 2)[:-1]
    return Drive("voltage", edges, np.repeat(levels, 2)[1:])


READER = Reader(
    "CH Instruments",
    lambda s: re.search(r"^Instrument Model:\s*CHI", s.head, re.MULTILINE) is not None,
    _read,
)
