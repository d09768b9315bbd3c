"""Oscilloscopes: CSV of many makers, LeCroy .trc, other binary files through RigolWFM (the extra `scope`).

All channels are voltages; which is the device's voltage and which its current (over a resistor) only
device.toml can say, except where one of two is in V and the other, of a current probe, in A.

CSV of Rigol, Tektronix, Keysight/Agilent, LeCroy, Siglent, R&S, PicoScope, Digilent. The time axis is a
column in seconds, or a row number with Start and Increment (Rigol: "X,CH1,CH2,Start,Increment" above
"Sequence,Volt,Volt,-1.4e-3,2e-6"), or is counted from "Sample Interval" and "Horizontal Offset" (Tektronix,
Siglent). Units may stand in a second line ("(ms),(V)" of PicoScope) or in the label ("C1 in V" of R&S).

LeCroy: the waveform template LECROY_2_3 (public in LeCroy's remote-control manual). Perhaps "#9000020746"
before it, then a block WAVEDESC: names of 16 bytes, lengths of the blocks, gain and offset of the vertical
axis, interval and offset of the horizontal one; then text, trigger times and the samples of 8 or 16 bits.
Value = gain * sample - offset; time = offset + interval * number.

Other binary files are known by their first bytes: Rigol .wfm and .bin, Tektronix .wfm (":WFM#", "LLWFM")
and .isf (":CURV"), Agilent/Keysight .bin ("AG"), Yokogawa .wfm; Siglent and Rohde & Schwarz .bin by the
extension. The library reads from a path and prints: it gets a copy and no screen, and what it returns is
checked.
"""

import contextlib
import gc
import io
import math
import re
import struct
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import DependencyError
from memfit.loaders.raw import FileSettings, RawTable, Reader, Source
from memfit.loaders.tables import Column, number, optional_number, read_block, split_fields, understand
from memfit.units import Unit, find_unit, split_label

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
_LETTERED = re.compile(r"(?:ch|chan|channel|kanal|canal|voie)[ _]?[A-H]", re.IGNORECASE)
_MAKERS = (
    "tektronix", "lecroy", "siglent", "agilent", "keysight", "rigol", "record length", "sample interval",
    "x-axis",
)  # fmt: skip
_UNIT_WORDS = {"second": "s", "volt": "V", "volts": "V", "ampere": "A"}

_TEMPLATE = b"LECROY_2_3"
_DESCRIPTOR = 346
"""Length of the descriptor block of this template."""

_SUFFIXES = frozenset({".wfm", ".isf", ".bin"})
_MAGIC = (
    b"\xa5\xa5\xa4\x01", b"\xa1\xa5\x00\x00", b"\xa5\xa5\x00\x00", b"\xa5\xa5\x38\x00", b"\x01\xff\xff\xff",
    b"RG01", b"RG03", b"AG01", b"AG03", b"AG10",
)  # fmt: skip


def _recognises_text(source: Source) -> bool:
    """True for the heads that the makers write."""
    head = source.head[:4000]
    if _RIGOL.match(head) or _OLD_RIGOL.match(head) or _OLD_TEKTRONIX.match(head) or _CHANNELS.search(head):
        return True
    return any(word in head.lower() for word in _MAKERS) and _TIMED.search(head) is not None


def _read_text(source: Source, settings: FileSettings) -> list[RawTable]:
    """The channels of a recording."""
    lines = source.lines
    if _RIGOL.match(source.head):
        return [_rigol(source)]
    if _OLD_TEKTRONIX.match(source.head):
        return [_old_tektronix(source)]
    at = _header_line(lines)
    if at is None:
        raise source.error("expected labels such as TIME,CH1,CH2 above the rows, found none.")
    mark = _mark(lines[at])
    cells = split_fields(lines[at].lstrip("#% ").rstrip(mark + " "), mark)
    labels = cells[: max((i for i, cell in enumerate(cells, start=1) if cell), default=0)]
    if len(set(labels[1:])) < len(labels[1:]):  # a second "Voltage (V)" becomes CH2
        labels[1:] = [f"CH{i}" for i in range(1, len(labels))]
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
    probes = {
        role: c.role for c in columns[1:] for role in ("voltage", "current") if c.unit and c.unit.is_a(role)
    }
    if settings.columns or len(columns) != 3 or len(probes) != 2:
        return [table]
    note = f"{probes['voltage']} is the voltage and {probes['current']} the current, as their units say."
    named = {"time": table.columns["time"], **{role: table.columns[name] for role, name in probes.items()}}
    return [replace(table, columns=named, channels=False, kind="transient", notes=(*table.notes, note))]


def _mark(line: str) -> str:
    """What parts the labels."""
    return next((mark for mark in ("\t", ";") if mark in line), ",")


def _header_line(lines: Sequence[str]) -> int | None:
    """The line above the rows whose first label is a time, the last but one rather than the last."""
    for i, line in enumerate(lines[:200]):
        mark = _mark(line)
        cells = [
            cell if mark == "," else cell.replace(",", ".")
            for cell in split_fields(line.rstrip(mark + " "), mark)
        ]
        if len(cells) < 2 or not all(cell and number(cell) is not None for cell in cells):
            continue
        above = [j for j in range(max(0, i - 4), i) if lines[j].strip(" ,;\t")][-2:]
        for j in above:
            label = split_fields(lines[j], _mark(lines[j]))[0]
            time = re.match(r'[#% ]*"?(x-axis|source|time|zeit|in s)', lines[j], re.IGNORECASE)
            if understand(label) is not None or time:
                return j
        return None
    return None


def _electrical(unit: Unit | None) -> bool:
    return unit is not None and (unit.is_a("voltage") or unit.is_a("current"))


def _column(label: str, index: int, units: Sequence[str], source: Source, line: int) -> Column:
    """Time or a channel in volts (or ampere, for a current probe)."""
    name: str = label
    unit_text: str | None = None
    if label.lower().startswith("in "):
        name, unit_text = "time", label[3:]
    elif not _LETTERED.fullmatch(label):  # the letter of "Channel A" is no ampere
        name, unit_text = split_label(label)
    if index < len(units) and units[index]:
        unit_text = units[index]
    unit_text = _UNIT_WORDS.get((unit_text or "").lower(), unit_text)
    if index == 0:
        return Column(0, "time", "time", find_unit(unit_text or "s", "time") or find_unit("s"))
    unit = find_unit(unit_text or "V")
    if not _electrical(unit):
        raise source.error(
            f"expected a unit of voltage or current for {label!r}, found {unit_text!r}.", line=line + 1
        )
    return Column(index, name, name, unit)


def _channels(
    source: Source,
    columns: Sequence[Column],
    labels: Sequence[str],
    first: int,
    metadata: dict[str, str],
    *,
    mark: str = ",",
) -> RawTable:
    """Time and channels in SI units, from rows without the separators at their ends."""
    rows = [
        (line.rstrip(mark + " ") or line) if line.count(mark) >= len(labels) else line
        for line in source.lines[first:]
    ]
    block = read_block(source, columns, labels, first, lines=rows)
    if np.any(np.diff(block.columns["time"]) < 0):
        raise source.error("expected times that run forward.", line=first + 1)
    return RawTable(
        columns=block.columns, others=block.others, channels=True, metadata=metadata, notes=block.notes
    )


def _rigol(source: Source) -> RawTable:
    """X in seconds, or a row number with Start and Increment in the second line."""
    lines = source.lines
    labels = [label.strip() for label in lines[0].split(",")]
    if len(lines) < 2:
        raise source.error("expected a second line of units, found none: the file is cut.")
    second = [word.strip() for word in lines[1].split(",")]
    names = [label for label in labels if re.match(r"(X|CH\d|MATH|REF)", label, re.IGNORECASE)]
    columns = [Column(0, "time", "time", None)]
    for index, name in enumerate(names[1:], start=1):
        word = second[index] if index < len(second) else "nothing"
        unit = find_unit(word.lower()) if index < len(second) else None
        if not _electrical(unit):
            raise source.error(f"expected Volt below {name}, found {word!r}.", line=2)
        columns.append(Column(index, name, name, unit))
    table = _channels(source, columns, names, 2, {})
    if second[0].lower().startswith("sequence"):
        stated: dict[str, str] = {}
        for label, word in zip(labels, second, strict=False):
            stated.setdefault(label.lower(), word)
        start, step = optional_number(stated.get("start")), optional_number(stated.get("increment"))
        if start is None or step is None:
            raise source.error("expected Start and Increment in the second line.", line=2)
        counted = {**table.columns, "time": start + step * table.columns["time"]}
        return replace(table, columns=counted, metadata={"increment": f"{step!r} s"})
    if not second[0].lower().startswith("s"):
        raise source.error(f"expected Second or Sequence below X, found {second[0]!r}.", line=2)
    return table


def _old_tektronix(source: Source) -> RawTable:
    """TDS: settings in the first three columns of the first rows, time and volts in the fourth and fifth."""
    lines = source.lines
    metadata = _metadata([",".join(line.split(",")[:2]) for line in lines[:40]])
    labels = ["time", metadata.get("Source", "CH1")]
    units = [metadata.get("Horizontal Units", "s"), metadata.get("Vertical Units", "V")]
    columns = [_column(label, index, units, source, 0) for index, label in enumerate(labels)]
    rows = [",".join(line.split(",")[3:5]) for line in lines]
    block = read_block(source, columns, labels, 0, lines=rows)
    return RawTable(
        columns=block.columns, others=block.others, channels=True, metadata=metadata, notes=block.notes
    )


def _metadata(lines: Sequence[str]) -> dict[str, str]:
    """The block above the labels."""
    stated: dict[str, str] = {}
    for line in lines:
        words = [word.strip(' "=') for word in line.split(",")]
        values = [word for word in words[1:] if word]
        if words[0] and values:
            stated.setdefault(words[0], ", ".join(values))
    return stated


def _read_lecroy(source: Source, settings: FileSettings) -> list[RawTable]:
    """The channel of a .trc, a table for each segment."""
    data = source.data[source.data[:60].find(b"WAVEDESC") :]
    if len(data) < _DESCRIPTOR or not data[16:32].startswith(_TEMPLATE):
        raise source.error("expected a whole WAVEDESC of the template LECROY_2_3, found a part or another.")
    order = "<" if struct.unpack("<H", data[34:36])[0] == 1 else ">"
    raw, times = _samples(source, data, order)
    gain, zero = struct.unpack(order + "2f", data[156:164])
    interval, origin = struct.unpack(order + "fd", data[176:188])
    (channel,) = struct.unpack(order + "H", data[344:346])  # counted from 0
    unit, across = (data[i : i + 48].split(b"\x00")[0].decode("latin-1") for i in (196, 244))
    with np.errstate(all="ignore"):
        values = gain * raw.astype(np.float64) - zero
    sound = np.isfinite(values).all() and math.isfinite(origin) and interval > 0 and math.isfinite(interval)
    if unit not in ("V", "A") or across != "S" or not sound:
        raise source.error(
            f"expected finite samples in V or A against S, found {unit!r} against {across!r}: the file "
            "is damaged."
        )
    metadata = {
        "instrument": re.sub(r"[^ -~]", "", data[76:92].split(b"\x00")[0].decode("latin-1")),
        "unit": unit,
        "interval": f"{interval:.8g} s",
    }
    segments = max(times.size // 2, 1)
    length = values.size // segments
    tables = []
    for i in range(segments):
        start = times[2 * i + 1] if times.size else origin
        trigger = {"trigger_time": f"{times[2 * i]:.12g} s"} if times.size else {}
        columns = {
            "time": start + interval * np.arange(length),
            f"C{channel + 1}" if channel < 4 else "C1": values[i * length : (i + 1) * length],
        }
        part = f"segment {i + 1} of {segments}" if segments > 1 else ""
        tables.append(RawTable(columns=columns, channels=True, part=part, metadata={**metadata, **trigger}))
    return tables


def _samples(source: Source, data: bytes, order: str) -> tuple[np.ndarray, FloatArray]:
    """Raw samples, and trigger times and offsets (s) of a sequence of segments."""
    (wide,) = struct.unpack(order + "H", data[32:34])
    descriptor, text, reserved, trigger, ris, reserved_2, size = struct.unpack(order + "7i", data[36:64])
    (count,) = struct.unpack(order + "i", data[144:148])
    offset = descriptor + text + reserved + trigger + ris + reserved_2
    width = 2 if wide == 1 else 1
    whole = min(text, reserved, trigger, ris, reserved_2, size) >= 0 and width <= size <= len(data) - offset
    if wide not in (0, 1) or descriptor < _DESCRIPTOR or not whole:
        raise source.error(
            f"expected {size} bytes of samples behind byte {offset}, found {len(data)} bytes: the file is "
            "cut or damaged."
        )
    raw = np.frombuffer(data, dtype=f"{order}i{width}", count=size // width, offset=offset)
    if trigger == 0:
        return raw, np.empty(0)
    start = descriptor + text + reserved
    times = np.frombuffer(data, dtype=f"{order}f8", count=trigger // 8, offset=start).astype(np.float64)
    if trigger % 16 or times.size // 2 != count or raw.size % count or not np.isfinite(times).all():
        raise source.error(
            f"expected {count} segments with a trigger time each, found {times.size / 2:g}: the file "
            "is damaged."
        )
    return raw, times


def _recognises_binary(source: Source) -> bool:
    """True for the first bytes of a maker's binary format."""
    data = source.data
    if data.startswith(_MAGIC) or b"LLWFM" in data[:8] or data[3:7] == b"WFM#" or data[2:7] == b":WFM#":
        return True
    return re.search(rb":CURVE? ?#\d", data[:8192]) is not None


def _read_binary(source: Source, settings: FileSettings) -> list[RawTable]:
    """The channels of a recording."""
    try:
        library = import_module("RigolWFM.wfm")
    except ImportError as error:
        raise DependencyError(
            f"{source.name}: reading binary files of oscilloscopes needs RigolWFM (pip install "
            "'memfit[scope]'); or save the recording as CSV."
        ) from error
    recording = _parse(library, source)
    channels = {f"CH{channel.channel_number}": channel for channel in recording.channels}
    if not channels:
        raise source.error("expected a recording with a channel, found none.")
    times = {name: np.asarray(channel.times, dtype=np.float64) for name, channel in channels.items()}
    time = next(iter(times.values()))
    values: dict[str, FloatArray] = {"time": time}
    for name, channel in channels.items():
        if str(getattr(channel.unit, "name", "")).lower() not in ("v", "a"):
            raise source.error(f"expected a channel in V or A, found {name} in another unit.")
        values[name] = np.asarray(channel.volts, dtype=np.float64)
        sound = (
            times[name].shape == time.shape == values[name].shape
            and time.ndim == 1
            and time.size >= 3
            and np.isfinite(time).all()
            and np.isfinite(values[name]).all()
            and np.all(np.diff(time) > 0)
            and np.array_equal(times[name], time)
        )
        if not sound:
            raise source.error(
                f"expected finite samples of {name} at rising times that all channels share; the file is "
                "damaged."
            )
    instrument = re.sub(r"[^ -~]", "", str(recording.header_name or "")).strip()
    metadata = {"instrument": instrument, "points": str(time.size)}
    return [RawTable(columns=values, channels=True, metadata=metadata, notes=("Read by RigolWFM.",))]


def _parse(library: Any, source: Source) -> Any:
    """The library's view of the file, read from a copy, without a word on the screen."""
    recording, reason = None, ""
    silence = io.StringIO()
    with (
        tempfile.TemporaryDirectory(prefix="memfit-") as folder,
        warnings.catch_warnings(),
        contextlib.redirect_stdout(silence),
        contextlib.redirect_stderr(silence),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        path = Path(folder) / f"recording{source.suffix if source.suffix in _SUFFIXES else ''}"
        path.write_bytes(source.data)
        try:
            recording = library.Wfm.from_file(str(path))
        except Exception as error:  # a foreign parser: whatever it raises means a damaged or unknown file
            reason = type(error).__name__
        if recording is None:
            gc.collect()  # the library leaves the copy open when it fails
    if recording is None:
        raise source.error(
            "expected a recording of an oscilloscope that RigolWFM reads; found a damaged or another one "
            f"({reason})."
        )
    return recording


LECROY = Reader("LeCroy trc", lambda s: s.data[:60].find(b"WAVEDESC") >= 0, _read_lecroy, frozenset({".trc"}))
BINARY = Reader("oscilloscope binary", _recognises_binary, _read_binary, _SUFFIXES)
TEXT = Reader("oscilloscope CSV", _recognises_text, _read_text)
