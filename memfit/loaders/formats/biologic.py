"""BioLogic EC-Lab and BT-Lab text (.mpt, or .txt).

"EC-Lab ASCII FILE", "Nb header lines : N", settings, then line N with labels separated by tabs, then
rows; decimal point or comma after the machine's locale. Impedance: freq/Hz, Re(Z)/Ohm, -Im(Z)/Ohm,
<Ewe>/V (the bias), <I>/mA, cycle number; rows of frequency 0 are the dc waiting periods. Time domain:
time/s (a clock of the whole experiment), control/V or control/mA (what was set), Ewe/V, I/mA.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.records import Kind
from memfit.errors import FileFormatError, UnitError
from memfit.loaders.raw import FileSettings, RawTable, Stated
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import Field, find_fields, need, read_block, subset
from memfit.protocols import Control
from memfit.units import parse_quantity

NAME = "BioLogic EC-Lab text"

FIELDS = (
    Field("frequency", ("freq/Hz",), "Hz"),
    Field("z_real", ("Re(Z)/Ohm",), "ohm"),
    Field("z_imag", ("-Im(Z)/Ohm",), "ohm", -1.0),
    Field("z_imag", ("Im(Z)/Ohm",), "ohm"),
    Field("time", ("time/s",), "s"),
    Field("voltage", ("<Ewe>/V", "Ewe/V", "<Ewe/V>", "Ecell/V", "<Ecell>/V", "Ewe-Ece/V"), "V"),
    Field("current", ("<I>/mA", "I/mA"), "mA"),
    Field("applied_voltage", ("control/V",), "V"),
    Field("applied_current", ("control/mA",), "mA"),
    Field("cycle", ("cycle number",)),
)
"""Columns that memfit reads, of text and binary files alike."""

_TECHNIQUES: tuple[tuple[str, Kind, Control], ...] = (
    ("galvano electrochemical impedance", "impedance", "current"),
    ("electrochemical impedance", "impedance", "voltage"),
    ("cyclic voltammetry", "iv", "voltage"),
    ("linear sweep voltammetry", "iv", "voltage"),
    ("linear scan voltammetry", "iv", "voltage"),
    ("chronoamperometry", "transient", "voltage"),
    ("chronopotentiometry", "transient", "current"),
    ("constant voltage", "transient", "voltage"),
    ("constant current", "transient", "current"),
)
_COMPANION = re.compile(r"\s*(EC|BT)-?Lab (LOG|SETTING) FILE", re.IGNORECASE)
"""First line of the files that EC-Lab writes beside a measurement (.mpl, .mps)."""

_SETTING_WIDTH = 20
"""Settings of a technique stand in columns of 20 characters."""


@dataclass(frozen=True)
class Header:
    """What stands above the rows."""

    labels: tuple[str, ...]
    first_row: int
    """Index (from 0) of the first row's line."""
    technique: str
    metadata: Mapping[str, str]


def recognises(source: Source) -> bool:
    """True for EC-Lab text, with or without its settings."""
    first = source.head.split("\n", 1)[0].strip()
    if _COMPANION.match(first):
        return True
    labels = first.split("\t")
    bare = labels[:2] in (["freq/Hz", "Re(Z)/Ohm"], ["mode", "ox/red"]) or (
        len(labels) > 1 and "time/s" in labels and ("/mA" in first or "/V" in first)
    )
    return bare or re.match(r"(EC|BT)-?Lab ASCII FILE", first, re.IGNORECASE) is not None


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of an EC-Lab text file.

    Raises
    ------
    FileFormatError
        The labels are missing, or a column that the technique needs.
    """
    companion = _COMPANION.match(source.head)
    if companion:
        raise FileFormatError(
            f"expected measurements, found EC-Lab's {companion[2].lower()} file, which holds none: export "
            "the .mpr as text (.mpt), or give the .mpr.",
            file=source.name,
        )
    header = _read_header(source)
    columns = find_fields(header.labels, FIELDS)
    line = header.first_row
    roles = {column.role for column in columns}
    if roles & {"z_real", "z_imag"}:
        need(columns, ("frequency", "z_real", "z_imag"), header.labels, source, line)
    else:
        need(columns, ("time",), header.labels, source, line)
    block = read_block(source, columns, header.labels, header.first_row)
    mode = _modes(source, header) if "frequency" not in roles else None
    recording = Recording(
        columns=block.columns,
        technique=header.technique,
        metadata=header.metadata,
        notes=block.notes,
        mode=mode,
    )
    return list(make_tables(recording, settings))


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The rows of a file, text or binary, and what it says beside them."""

    columns: Mapping[str, FloatArray]
    """SI columns by role."""
    technique: str
    metadata: Mapping[str, str]
    notes: tuple[str, ...] = ()
    mode: FloatArray | None = None
    """1 galvanostatic, 2 potentiostatic, 3 at rest: a file of several techniques changes between them."""


def make_tables(recording: Recording, settings: FileSettings) -> Iterator[RawTable]:
    """Tables of a recording: one, or one for each run of one control."""
    kind, control = find_technique(recording.technique)
    columns, notes, metadata = recording.columns, recording.notes, recording.metadata
    if "frequency" in columns:
        if control is None:
            notes = (
                *notes,
                "The technique is not known; the spectrum is taken as measured at constant voltage.",
            )
        yield RawTable(
            columns=columns, kind="impedance", control=control or "voltage", metadata=metadata, notes=notes,
            amplitude=_amplitude(metadata),
        )  # fmt: skip
        return
    time = columns["time"]
    shifted = {**columns, "time": time - time[0]}
    if time[0] != 0:
        notes = (*notes, f"Times are counted from the first sample, which the file puts at {time[0]:.10g} s.")
    if kind is None and recording.mode is not None and settings.control is None:
        yield from _by_mode(replace(recording, columns=shifted, notes=notes))
        return
    if kind != "iv":
        shifted.pop("cycle", None)
    yield RawTable(
        columns=shifted, kind=kind, control=control or _applied(columns), metadata=metadata, notes=notes,
        scan_rate=_scan_rate(metadata) if kind == "iv" else None,
    )  # fmt: skip


def find_technique(technique: str) -> tuple[Kind | None, Control | None]:
    """Kind of measurement and control of a technique; (None, None) if its name does not tell."""
    name = technique.lower()
    return next(((kind, control) for words, kind, control in _TECHNIQUES if words in name), (None, None))


def _applied(columns: Mapping[str, FloatArray]) -> Control | None:
    """Control by the column of what was set."""
    if "applied_voltage" in columns:
        return "voltage"
    return "current" if "applied_current" in columns else None


def _by_mode(recording: Recording) -> Iterator[RawTable]:
    """A table for each run of one control; a rest is a run at zero current."""
    if recording.mode is None:
        return
    galvanostatic = recording.mode != 2
    edges = [0, *(np.flatnonzero(np.diff(galvanostatic)) + 1).tolist(), galvanostatic.size]
    for number, (first, last) in enumerate(pairwise(edges), start=1):
        if last - first < 3:
            continue
        part = subset(recording.columns, slice(first, last))
        part.pop("cycle", None)
        control: Control = "current" if galvanostatic[first] else "voltage"
        part.pop("applied_voltage" if control == "current" else "applied_current", None)
        unknown = (
            not recording.technique and control == "voltage"
        )  # a file without its header: the curve tells
        yield RawTable(
            columns=part, kind=None if unknown else "transient", control=control, metadata=recording.metadata,
            notes=recording.notes, part=f"step {number}" if len(edges) > 2 else "",
        )  # fmt: skip


def _read_header(source: Source) -> Header:
    """Settings and labels."""
    lines = source.lines
    metadata: dict[str, str] = {}
    declared = re.match(r"Nb header lines\s*:\s*(\d+)", lines[1]) if len(lines) > 1 else None
    if declared is None:
        return Header(_labels(lines[0]), 1, "", metadata)
    count = int(declared[1])
    at = count - 1 if 2 < count <= len(lines) and _is_labels(lines[count - 1]) else None
    if at is None:
        at = next((i for i, line in enumerate(lines[:2000]) if _is_labels(line)), None)
    if at is None:
        raise FileFormatError(
            f"expected the column labels in line {count}, as `Nb header lines` says; found no labels.",
            file=source.name, line=min(count, len(lines)),
        )  # fmt: skip
    technique = next((line.strip() for line in lines[2:at] if line.strip()), "")
    for line in lines[3:at]:
        key, mark, value = line.strip().partition(" : ")
        if mark and value.strip():
            metadata.setdefault(key.strip(), value.strip())
        elif re.match(rf"[^\t ].{{{_SETTING_WIDTH - 2}}} .", line):
            metadata.setdefault(line[:_SETTING_WIDTH].strip(), " ".join(line[_SETTING_WIDTH:].split()))
    return Header(_labels(lines[at]), at + 1, technique, {"technique": technique, **metadata})


def _is_labels(line: str) -> bool:
    return "\t" in line and len(find_fields(_labels(line), FIELDS)) >= 2


def _labels(line: str) -> tuple[str, ...]:
    labels = [label.strip() for label in line.split("\t")]
    while labels and not labels[-1]:
        labels.pop()
    return tuple(labels)


def _modes(source: Source, header: Header) -> FloatArray | None:
    """The column "mode", where there is one."""
    column = Field("cycle", ("mode",)).find(header.labels)
    if column is None:
        return None
    return read_block(source, [column], header.labels, header.first_row).columns["cycle"]


def _setting(metadata: Mapping[str, str], key: str, unit_key: str, unit: str, dimension: str) -> float | None:
    """First value of a setting in SI units; None if it is absent or no number."""
    if key not in metadata:
        return None
    value = metadata[key].split()[:1]
    units = metadata.get(unit_key, unit).split()[:1] if unit_key else [unit]
    try:
        return parse_quantity(f"{value[0]} {units[0]}", dimension)
    except (UnitError, IndexError):
        return None


def _amplitude(metadata: Mapping[str, str]) -> float | None:
    """Amplitude of the sine, V or A."""
    return _setting(metadata, "Va (mV)", "", "mV", "voltage") or _setting(
        metadata, "Ia", "unit  Ia", "mA", "current"
    )


def _scan_rate(metadata: Mapping[str, str]) -> Stated | None:
    """Scan rate of a voltammogram."""
    rate = _setting(metadata, "dE/dt", "dE/dt unit", "mV/s", "voltage_rate")
    return Stated(rate, "the file's settings") if rate else None
