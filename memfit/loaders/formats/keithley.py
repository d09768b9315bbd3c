"""Keithley source-measure units as text: buffers and saved readings.

Buffers of the 2450 (2460, 2461, DMM) and of the 2600: a comment line, a header "Time,Current,Voltage" or
"Timestamp;Current;Voltage" (SI, no units), rows with date-times "02/07/2021 17:08:26.823659080"; several
sweeps follow each other, with "TSP>" between them. In a sweep the first of the two quantities was sourced.
The front panel and KickStart write headers with units ("Voltage (V),Current (A)"): those are generic
tables.

Readings as a 2450, 2460, 2461 or 2470 saves them to a USB drive: lines about the instrument, then a header
in which every value is followed by its unit, whose words stand in the rows:
"Index,Reading,Unit,...,Value,Unit,..., Date,Time,Fractional Seconds" above "1,1.2E-9,Amp DC,...,0.1,Volt
DC,...". Reading is what was measured, Value (Source Value) what was sourced. The time is relative, or
seconds and their fraction, or date, time and fraction.

The capacitance unit of a 4200 (CVU) names its columns after the terminals A and B: "Cp_AB", "Gp_AB" (or Z
and Theta, R and jX, Cs and Rs, D), "F_AB", "DCV_AB" the dc bias. SI units and degrees; what else stands
beside them ("CVU1S", a status) is no measurement.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import Kind
from memfit.loaders.curves import relative_noise, turning_points
from memfit.loaders.raw import FileSettings, RawTable, Reader, Source
from memfit.loaders.tables import (
    SEPARATORS,
    Field,
    find_fields,
    need,
    number,
    read_block,
    read_text_tables,
    relabelled,
    split_fields,
)
from memfit.protocols import Control

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

_READING = re.compile(r"(.*[,;\t])?\s*\"?reading\"?\s*[,;\t]\s*\"?unit\"?\s*([,;\t].*)?", re.IGNORECASE)
_HEAD_LINES = 60
_TIMES = (
    ("relative time",),
    ("relative",),
    ("seconds", "fractional seconds"),
    ("date", "time", "fractional seconds"),
)
"""Columns that tell the time together, the plainest first."""
_QUANTITIES: tuple[tuple[str, Control, str], ...] = (("amp", "current", "A"), ("volt", "voltage", "V"))
"""How the words of a unit begin, what they are the unit of, the unit itself."""


def _read_buffer(source: Source, settings: FileSettings) -> list[RawTable]:
    """A table for each sweep."""
    lines = source.lines
    at = next((i for i, line in enumerate(lines[:50]) if _HEADER.match(line)), None)
    first = next(i for i, line in enumerate(lines) if _STAMP.match(line))
    separator = next(mark for mark in SEPARATORS if mark in lines[first].partition(":")[2])
    assumed: tuple[str, ...] = ()
    if at is not None:
        labels = split_fields(lines[at], separator)
    else:
        assumed = ("The file has no header: Time, Current, Voltage were taken, as its script writes.",)
        labels = list(settings.columns) if isinstance(settings.columns, tuple) and settings.columns else []
        if not labels and "source delay" in source.head[:300].lower():  # the comment of a known script
            labels = ["Time", "Current", "Voltage"]
        if not labels:
            raise source.error(
                "expected a header such as Time,Current,Voltage above the rows, found none; give `columns` "
                "in device.toml.",
                line=first + 1,
            )
    columns = find_fields(labels, _FIELDS)
    need(columns, ("time", "current", "voltage"), labels, source, first)
    blocks = list(_blocks(lines))
    _check_stamped(source, blocks, separator, len(labels))
    blank = [start for start, _ in blocks[1:] if not lines[start - 1].strip()]
    parted = f"Told apart by blank lines: a sweep begins in line {str([i + 1 for i in blank[:5]])[1:-1]}."
    tables = []
    for count, (start, stop) in enumerate(blocks, start=1):
        rows = [row.strip() for row in lines[start:stop]]
        block = read_block(source, columns, labels, start, lines=rows)
        values = {**block.columns, "time": block.columns["time"] - block.columns["time"][0]}
        control, note = _sourced(labels, values["voltage"], values["current"])
        # "source delay: 0 - Sweep delay: 0.001 - NPLC: 1"
        above = next((line for line in reversed(lines[max(0, start - 3) : start]) if ":" in line), "")
        pairs = re.findall(r"([A-Za-z][\w ]*?):\s*([-\d.eE]+)", above)
        table = RawTable(
            columns=values,
            others=block.others,
            kind=_kind(values[control]),
            control=control,
            part=f"sweep {count} of {len(blocks)}" if len(blocks) > 1 else "",
            metadata={"instrument": "Keithley", **{key.strip(): value for key, value in pairs}},
            notes=(*assumed, note, *block.notes, *([parted] if blank else [])),
        )
        tables.append(table)
    return tables


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last line of each run of rows; comments and headers divide them."""
    start = None
    for i, line in enumerate(lines):
        if start is None and _STAMP.match(line):
            start = i
        elif start is not None and (not line.strip() or _COMMENT.match(line) or _HEADER.match(line)):
            yield start, i
            start = None
    if start is not None:
        yield start, len(lines)


def _check_stamped(source: Source, blocks: Sequence[tuple[int, int]], separator: str, fields: int) -> None:
    """Refuse a row outside of the runs of rows: it has no time stamp."""
    inside = {i for start, stop in blocks for i in range(start, stop)}
    for i, line in enumerate(source.lines):
        bare = i not in inside and not (_HEADER.match(line) or _COMMENT.match(line))
        if bare and line.count(separator) >= fields - 1:
            raise source.error(
                f"expected a time stamp in front of every row, found {line.strip()[:40]!r}; mend the line.",
                line=i + 1,
            )


def _sourced(labels: Sequence[str], voltage: FloatArray, current: FloatArray) -> tuple[Control, str]:
    """The sourced quantity: the cleaner one where that is plain, else the one that stands first."""
    noise_v, noise_i = relative_noise(voltage), relative_noise(current)
    control: Control
    if max(noise_v, noise_i) > 10 * max(min(noise_v, noise_i), 1e-6):
        control, reason = "voltage" if noise_v < noise_i else "current", "is the cleaner quantity"
    else:
        names = [label.lower()[:4] for label in labels]
        control = "current" if names.index("curr") < names.index("volt") else "voltage"
        reason = "stands first"
    return control, f"Taken as {control}-controlled, because the {control} {reason}."


def _kind(driven: FloatArray) -> Kind:
    """A sweep goes one way or in straight lines between turns; anything else is a course in time."""
    span = float(np.ptp(driven))
    steps = np.diff(driven)
    if span == 0 or np.count_nonzero(steps) < 0.5 * steps.size:
        return "transient"
    if np.all(steps >= 0) or np.all(steps <= 0):
        return "iv"
    turns = turning_points(driven, 0.05 * span)
    straight = np.interp(np.arange(driven.size), turns, driven[turns])
    return "iv" if float(np.max(np.abs(driven - straight))) < 0.05 * span else "transient"


def _reading_line(lines: Sequence[str]) -> int | None:
    """Index of the header in which Reading is followed by Unit."""
    return next((i for i, line in enumerate(lines[:_HEAD_LINES]) if _READING.fullmatch(line.strip())), None)


def _read_readings(source: Source, settings: FileSettings) -> list[RawTable]:
    """The table of saved readings."""
    lines = source.lines
    at = _reading_line(lines)
    head = lines[at] if at is not None else ""
    separator = max(SEPARATORS[:3], key=head.count)
    labels = [label.lower() for label in split_fields(head, separator)]
    if at is None or "reading" not in labels:
        raise source.error("expected a header with Reading,Unit; found none.")
    rows = [split_fields(line, separator) if line.strip() else [] for line in lines[at + 1 :]]
    for number_of, row in enumerate(rows, start=at + 2):
        if row and len(row) != len(labels) and any(row):
            raise source.error(
                f"expected a row of {len(labels)} fields, found {len(row)}; mend or remove the line.",
                line=number_of,
            )
    sourced = next((label for label in ("source value", "value") if label in labels), None)
    values = [labels.index(label) for label in ("reading", sourced) if label is not None]
    quantities = [_quantity(source, rows, place, labels[place], at + 2) for place in values]
    time = next((names for names in _TIMES if all(name in labels for name in names)), ())
    places = [labels.index(name) for name in time]
    if time:
        quantities.append(("time", "s"))
    short = []  # the fields that count; what is missing is left out, so that the row shows as broken
    for row in rows:
        when = [row[k] for k in places if k < len(row)]
        fraction = number(when[-1]) if len(when) > 1 else None
        if fraction is not None and 0.0 <= fraction < 1.0:
            when = [" ".join(when[:-1]) + f"{fraction:.9f}"[1:]]
        short.append("\t".join([*(row[k] for k in values if k < len(row)), *when]))
    names = [role for role, _ in quantities]
    fields = [Field(role, (role,), unit) for role, unit in quantities]
    block = read_block(source, find_fields(names, fields), names, at + 1, lines=short)
    columns = dict(block.columns)
    if "time" in columns:
        columns["time"] = columns["time"] - columns["time"][0]
    control: Control | None = None
    if sourced:
        control = "current" if names[1] == "current" else "voltage"
    metadata = {"instrument": "Keithley"}
    return [RawTable(columns=columns, control=control, metadata=metadata, notes=block.notes)]


def _quantity(
    source: Source, rows: Sequence[Sequence[str]], place: int, label: str, first: int
) -> tuple[str, str]:
    """Role and unit of a column, by the words in the column of units behind it."""
    known = None
    for line, row in enumerate(rows, start=first):
        word = row[place + 1] if len(row) > place + 1 else ""
        if not word:
            continue
        meant = next((q for q in _QUANTITIES if word.lower().startswith(q[0])), None)
        if meant is None or known not in (None, meant):
            raise source.error(
                f"expected a unit such as Amp DC or Volt DC, the same in all rows, found {word!r}.",
                line=line,
                column=f"unit behind {label}",
            )
        known = meant
    if known is None:
        raise source.error(f"expected a unit such as Amp DC behind {label!r}, found none.", line=first)
    return known[1], known[2]


BUFFER = Reader(
    "Keithley buffer",
    lambda s: any(_STAMP.match(line) for line in s.head.split("\n")[:12] if line.strip()),
    _read_buffer,
)
READINGS = Reader(
    "Keithley readings", lambda s: _reading_line(s.head.split("\n")) is not None, _read_readings
)


_CVU = {
    "cp": "Cp (F)", "gp": "Gp (S)", "cs": "Cs (F)", "rs": "Rs (ohm)", "d": "D", "z": "|Z| (ohm)",
    "theta": "Phase (deg)", "r": "Z_real (ohm)", "jx": "Z_imag (ohm)", "f": "Frequency (Hz)",
    "dcv": "DC bias (V)", "time": "Time (s)",
}  # fmt: skip
"""What the names of a CVU mean, by what stands before the terminals."""
_CVU_NAME = re.compile(r"(?P<name>[A-Za-z]+)_(?:AB|BA|GB|GND|\w{1,3})", re.IGNORECASE)


def _cvu_labels(source: Source) -> tuple[list[str], str] | None:
    """Labels of a CVU's columns in usual words, and what parts them; None for another file."""
    line = source.head.split("\n", 1)[0]
    separator = next((mark for mark in SEPARATORS[:3] if mark in line), ",")
    names = split_fields(line.strip(), separator)
    found = [_CVU_NAME.fullmatch(name) for name in names]
    meant = [
        _CVU.get(match["name"].lower(), name) if match else (_CVU["time"] if name == "Time" else name)
        for match, name in zip(found, names, strict=True)
    ]
    known = {label for label in meant if label in _CVU.values()}
    return (meant, separator) if "Frequency (Hz)" in known and len(known) >= 3 else None


def _read_cvu(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectra of a CVU."""
    found = _cvu_labels(source)
    if found is None:
        raise source.error("expected names such as Cp_AB, Gp_AB, F_AB in the first line.", line=1)
    return read_text_tables(relabelled(source, 0, *found, {}), settings)


CVU = Reader("Keithley 4200 CVU", lambda s: _cvu_labels(s) is not None, _read_cvu)
