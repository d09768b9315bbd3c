"""Keithley source-measure units: buffers of the 2450 (and 2460, 2461, DMM) and of the 2600 as text.

A comment line, a header "Time,Current,Voltage" or "Timestamp;Current;Voltage" (SI, no units), rows with
date-times "02/07/2021 17:08:26.823659080"; several sweeps follow each other, with "TSP>" between them.
In a sweep the first of the two quantities was sourced. The front panel and KickStart write a header with
units ("Relative Time,Reading,Unit,...", "Voltage (V),Current (A)"); those with units are generic tables.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.records import Kind
from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import Field, find_fields, need, read_lines
from memfit.loaders.tables.parse import SEPARATORS, split_fields
from memfit.loaders.tables.shapes import relative_noise, turning_points
from memfit.protocols import Control

NAME = "Keithley buffer"

_FIELDS = (
    Field("time", ("Time", "Timestamp", "Date Time"), "s"),
    Field("current", ("Current", "Curr"), "A"),
    Field("voltage", ("Voltage", "Volt"), "V"),
)
_HEADER = re.compile(
    r"^\s*(time|timestamp)\s*[,;\t]\s*(current|voltage)\s*[,;\t]\s*(current|voltage)[\s,;]*$", re.IGNORECASE
)
_STAMP = re.compile(r"^\s*\d\d/\d\d/\d{4} \d\d:\d\d:\d\d\.\d+\s*[,;\t]")
_COMMENT = re.compile(r"^(source delay|TSP>|sweep)", re.IGNORECASE)


def recognises(source: Source) -> bool:
    """True for rows that begin with a Keithley date-time."""
    lines = [line for line in source.head.split("\n")[:12] if line.strip()]
    return any(_STAMP.match(line) for line in lines)


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """A table for each sweep.

    Raises
    ------
    FileFormatError
        There is no header, or a row is broken.
    """
    lines = source.lines
    at = next((i for i, line in enumerate(lines[:50]) if _HEADER.match(line)), None)
    first = next(i for i, line in enumerate(lines) if _STAMP.match(line))
    separator = next(mark for mark in SEPARATORS if mark in lines[first].partition(":")[2])
    if at is None:
        labels = list(settings.columns) if isinstance(settings.columns, tuple) and settings.columns else []
        if not labels and "source delay" in source.head[:300].lower():
            labels = [
                "Time",
                "Current",
                "Voltage",
            ]  # the script that writes this comment writes these columns
        if not labels:
            raise FileFormatError(
                "expected a header such as Time,Current,Voltage above the rows, found none; give `columns` "
                "in device.toml.", file=source.name, line=first + 1,
            )  # fmt: skip
    else:
        labels = split_fields(lines[at], separator)
    columns = find_fields(labels, _FIELDS)
    need(columns, ("time", "current", "voltage"), labels, source, first)
    blocks = list(_blocks(lines))
    found = []
    for number, (start, stop) in enumerate(blocks, start=1):
        block = read_lines(source, columns, labels, _unbroken(lines[start:stop]), start)
        values = dict(block.columns)
        origin = values["time"][0]
        values["time"] = values["time"] - origin
        part = f"sweep {number} of {len(blocks)}" if len(blocks) > 1 else ""
        control, note = _sourced(labels, values["voltage"], values["current"])
        notes = (
            ()
            if at is not None
            else ("The file has no header: Time, Current, Voltage were taken, as its script writes.",)
        )
        found.append(
            RawTable(
                columns=values,
                kind=_kind(values["voltage"], values["current"], control),
                control=control,
                part=part,
                metadata=_comment(lines, start),
                notes=(*notes, note, *block.notes),
            )
        )
    return found


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last line of each run of rows; comments and headers divide them."""
    start = None
    for i, line in enumerate(lines):
        divides = not line.strip() or _COMMENT.match(line) is not None or _HEADER.match(line) is not None
        if start is None and _STAMP.match(line):
            start = i
        elif start is not None and divides:
            yield start, i
            start = None
    if start is not None:
        yield start, len(lines)


def _unbroken(rows: Sequence[str]) -> list[str]:
    """Rows without blanks at their ends."""
    return [row.strip() for row in rows]


def _sourced(labels: Sequence[str], voltage: FloatArray, current: FloatArray) -> tuple[Control, str]:
    """The sourced quantity: the cleaner one where that is plain, else the one that stands first."""
    noise_v, noise_i = relative_noise(voltage), relative_noise(current)
    if max(noise_v, noise_i) > 10 * max(min(noise_v, noise_i), 1e-6):
        control: Control = "voltage" if noise_v < noise_i else "current"
        return control, f"Taken as {control}-controlled, because the {control} is the cleaner quantity."
    names = [label.lower()[:4] for label in labels]
    control = "current" if names.index("curr") < names.index("volt") else "voltage"
    return control, f"Taken as {control}-controlled, because the {control} stands first."


def _kind(voltage: FloatArray, current: FloatArray, control: Control) -> Kind:
    """A sweep goes one way or in straight lines between turns; anything else is a course in time."""
    driven = current if control == "current" else voltage
    span = float(np.ptp(driven))
    steps = np.diff(driven)
    if span == 0 or np.count_nonzero(steps) < 0.5 * steps.size:
        return "transient"
    if np.all(steps >= 0) or np.all(steps <= 0):
        return "iv"
    turns = turning_points(driven, 0.05 * span)
    straight = np.interp(np.arange(driven.size), turns, driven[turns])
    return "iv" if float(np.max(np.abs(driven - straight))) < 0.05 * span else "transient"


def _comment(lines: Sequence[str], start: int) -> dict[str, str]:
    """The comment line above a block: "source delay: 0 - Sweep delay: 0.001 - NPLC: 1"."""
    above = next((line for line in reversed(lines[max(0, start - 3) : start]) if ":" in line), "")
    pairs = re.findall(r"([A-Za-z][\w ]*?):\s*([-\d.eE]+)", above)
    return {"instrument": "Keithley", **{key.strip(): value for key, value in pairs}}
