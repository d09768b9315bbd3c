"""Tidy CSV: one record a file, with all that memfit knows of it, read back to the identical record.

    # memfit: record 1
    # technique: transient
    # name: "pulse_1.csv"
    # control: current
    # drive: 0.0 0.0; 0.1 0.0; 0.1 0.001; 0.3 0.001        (s and A, or V)
    # instrument: ...                                       (any metadata)
    Time (s),Voltage (V),Current (A)
    0.0,0.0,0.0

It is also a generic table: another program that skips lines with # reads it. Numbers are written with
the fewest digits that give the same float64. The origin of the record that was written is kept in the
line `origin`; the origin of the record that is read is the tidy file.
"""

import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from memfit.arrays import ComplexArray, FloatArray
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, Origin, PulseTransient, Record
from memfit.errors import FileFormatError, OutputError, UnitError
from memfit.loaders.source import Source
from memfit.loaders.tables.metadata import CONTROLS, INITIALS
from memfit.loaders.tables.parse import Layout, TextTable, read_rows
from memfit.protocols import Control, Drive
from memfit.units import parse_quantity

NAME = "memfit table"
MARK = "# memfit: record 1"

_PLAIN_KEY = re.compile(r"[A-Za-z][\w .-]*")
_RESERVED = frozenset(
    {
        "memfit", "technique", "name", "origin", "control", "bias", "bias_current", "amplitude", "scan_rate",
        "initial", "drive", "note", "metadata",
    }
)  # fmt: skip
_FREQUENCY, _REAL, _IMAG = "Frequency (Hz)", "Z_real (ohm)", "Z_imag (ohm)"
_TIME, _VOLTAGE, _CURRENT = "Time (s)", "Voltage (V)", "Current (A)"
_UNIT = {"voltage": "V", "current": "A"}


def write_record(record: Record, path: Path, *, overwrite: bool = True) -> None:
    """Write a record as tidy CSV, atomically: the file is there whole or not at all.

    Parameters
    ----------
    record : Record
    path : Path
        The file to write; its folder must exist.
    overwrite : bool
        False: an existing file is an error.

    Raises
    ------
    OutputError
        The file exists, or cannot be written.
    """
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already; choose another name or allow overwriting.")
    text = format_record(record)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error


def format_record(record: Record) -> str:
    """The text of a record's tidy file."""
    lines = [MARK, f"# technique: {record.kind}", f"# name: {_json(record.name)}"]
    origin = record.origin
    if origin.file or origin.sha256:
        lines.append(f"# origin: {_json([origin.file, origin.part, origin.format, origin.sha256])}")
    lines += [f"# {key}: {value}" for key, value in _settings(record)]
    lines += [f"# note: {_json(note)}" for note in record.notes]
    lines += [_metadata_line(key, value) for key, value in record.metadata.items()]
    columns = _columns(record)
    lines.append(",".join(columns))
    values = [column.tolist() for column in columns.values()]
    rows = (",".join(map(repr, row)) for row in zip(*values, strict=True))
    return "\n".join([*lines, *rows, ""])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x85", "\\u0085").replace("\ufeff", "\\ufeff")


def _columns(record: Record) -> dict[str, FloatArray]:
    """Columns by label."""
    if isinstance(record, ImpedanceSpectrum):
        return {_FREQUENCY: record.frequency, _REAL: record.impedance.real, _IMAG: record.impedance.imag}
    if isinstance(record, IVSweep):
        columns = {_VOLTAGE: record.voltage, _CURRENT: record.current}
        return columns if record.time is None else {**columns, _TIME: record.time}
    found = {_TIME: record.time}
    if record.voltage is not None:
        found[_VOLTAGE] = record.voltage
    if record.current is not None:
        found[_CURRENT] = record.current
    return found


def _settings(record: Record) -> list[tuple[str, str]]:
    """Everything beside the columns and the metadata."""
    found = [("control", str(record.control))]
    unit = _UNIT[record.control]
    if isinstance(record, ImpedanceSpectrum):
        quantities = (
            ("bias", record.bias_voltage, "V"),
            ("bias_current", record.bias_current, "A"),
            ("amplitude", record.amplitude, unit),
        )
        found += [(key, f"{value!r} {unit}") for key, value, unit in quantities if value is not None]
    if isinstance(record, IVSweep) and record.scan_rate is not None:
        found.append(("scan_rate", f"{float(record.scan_rate)!r} {unit}/s"))
    drive = None if isinstance(record, ImpedanceSpectrum) else record.drive
    if drive is not None:
        vertices = zip(drive.time.tolist(), drive.value.tolist(), strict=True)
        found += [("initial", drive.initial), ("drive", "; ".join(f"{t!r} {v!r}" for t, v in vertices))]
    return found


def _metadata_line(key: str, value: str) -> str:
    """One metadata entry, as `key: value` where that is unambiguous."""
    plain = _PLAIN_KEY.fullmatch(key) and key.lower() not in _RESERVED and key == key.strip()
    simple = value == value.strip() and value.isprintable() and value != ""
    if plain and simple:
        return f"# {key}: {value}"
    return f"# metadata: {_json([key, value])}"


@dataclass(frozen=True)
class _Front:
    """The lines above the rows."""

    settings: Mapping[str, str]
    notes: tuple[str, ...]
    metadata: Mapping[str, str]
    labels: tuple[str, ...]
    lines: int
    """Number of lines up to the header, the header included."""
    offset: int
    """Offset of the first row in the text."""


def recognises(source: Source) -> bool:
    """True for a tidy file."""
    return source.head.startswith(MARK)


def read_record(source: Source) -> Record:
    """The record of a tidy file.

    Raises
    ------
    FileFormatError
        The file is damaged.
    """
    front = _read_front(source)
    layout = Layout(",", ".", len(front.labels))
    rows = read_rows(
        TextTable(
            text=source.text,
            start=front.offset,
            first_line=front.lines + 1,
            layout=layout,
            wanted=range(len(front.labels)),
            labels=front.labels,
            file=source.name,
        )
    )
    columns = dict(zip(front.labels, rows.columns, strict=True))
    front_notes = (*front.notes, *rows.notes)
    try:
        return _build(source, front, columns, front_notes)
    except (KeyError, ValueError, TypeError, UnitError) as error:
        raise FileFormatError(
            f"expected a whole memfit table; found a damaged one ({error}).", file=source.name
        ) from error


def _complex(real: FloatArray, imaginary: FloatArray) -> ComplexArray:
    """A complex array bit by bit: a sum would lose the sign of a zero."""
    result = np.empty(real.size, dtype=np.complex128)
    result.real, result.imag = real, imaginary
    return result


def _build(
    source: Source, front: _Front, columns: Mapping[str, FloatArray], notes: tuple[str, ...]
) -> Record:
    """The record of a kind."""
    settings = front.settings
    name = json.loads(settings["name"])
    if not isinstance(name, str):
        raise TypeError("the name is no text")
    origin = _origin(source, settings.get("origin"))
    control = CONTROLS[settings["control"]]
    technique = settings["technique"]
    metadata = dict(front.metadata)
    if technique == "impedance":
        return ImpedanceSpectrum(
            name=name, origin=origin, metadata=metadata, notes=notes,
            frequency=columns[_FREQUENCY], impedance=_complex(columns[_REAL], columns[_IMAG]),
            bias_voltage=_quantity(settings, "bias", "voltage"),
            bias_current=_quantity(settings, "bias_current", "current"),
            control=control, amplitude=_quantity(settings, "amplitude", control),
        )  # fmt: skip
    if technique == "iv":
        return IVSweep(
            name=name, origin=origin, metadata=metadata, notes=notes,
            voltage=columns[_VOLTAGE], current=columns[_CURRENT], time=columns.get(_TIME),
            drive=_drive(settings, control), control=control,
            scan_rate=_quantity(settings, "scan_rate", f"{control}_rate"),
        )  # fmt: skip
    drive = _drive(settings, control)
    if technique != "transient" or drive is None:
        raise ValueError(
            "a transient needs a drive" if technique == "transient" else f"technique {technique!r}"
        )
    return PulseTransient(
        name=name, origin=origin, metadata=metadata, notes=notes, time=columns[_TIME],
        voltage=columns.get(_VOLTAGE), current=columns.get(_CURRENT), drive=drive,
    )  # fmt: skip


def _origin(source: Source, stated: str | None) -> Origin:
    """The tidy file, with the file it was made from in the name of the format."""
    if stated is None:
        return Origin(file=source.name, sha256=source.sha256, format=NAME)
    file, part, form, digest = (str(word) for word in json.loads(stated))
    if form.startswith(f"{NAME} from "):
        return Origin(file=source.name, sha256=source.sha256, part=part, format=form)
    made_from = f"{NAME} from {file} ({form}, sha256 {digest})"
    return Origin(file=source.name, sha256=source.sha256, part=part, format=made_from)


def _quantity(settings: Mapping[str, str], key: str, dimension: str) -> float | None:
    return parse_quantity(settings[key], dimension, unit_required=True) if key in settings else None


def _drive(settings: Mapping[str, str], control: Control) -> Drive | None:
    """The drive's vertices."""
    if "drive" not in settings:
        return None
    vertices = np.array([[float(word) for word in pair.split()] for pair in settings["drive"].split(";")])
    if vertices.ndim != 2 or vertices.shape[1] != 2:
        raise ValueError("the drive is no list of times and values")
    return Drive(control, vertices[:, 0], vertices[:, 1], INITIALS[settings["initial"]])


@dataclass
class _Draft:
    """What the lines above the header say, as they are read."""

    settings: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)


def _read_front(source: Source) -> _Front:
    """Settings, notes, metadata and header labels."""
    draft = _Draft()
    position, number, text = 0, 0, source.text
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        line = text[position:end]
        position, number = end + 1, number + 1
        if not line.startswith("#"):
            labels = _labels(line, source, number)
            return _Front(draft.settings, tuple(draft.notes), draft.metadata, labels, number, position)
        key, _, value = line[1:].partition(":")
        try:
            _take(key.strip(), value.strip(), draft)
        except (ValueError, TypeError) as error:
            raise FileFormatError(
                f"expected a JSON value after {key.strip()!r}, found {value[:40]!r}.",
                file=source.name,
                line=number,
            ) from error
    raise FileFormatError("expected a header line below the lines with #, found none.", file=source.name)


def _take(key: str, value: str, front: _Draft) -> None:
    """Sort one line into settings, notes or metadata."""
    if key == "note":
        front.notes.append(str(json.loads(value)))
    elif key == "metadata":
        name, content = json.loads(value)
        front.metadata[str(name)] = str(content)
    elif key in _RESERVED:
        front.settings[key] = value
    else:
        front.metadata[key] = value


def _labels(line: str, source: Source, number: int) -> tuple[str, ...]:
    """Header labels, all of which must be known."""
    labels = tuple(label.strip() for label in line.split(","))
    known: Sequence[str] = (_FREQUENCY, _REAL, _IMAG, _TIME, _VOLTAGE, _CURRENT)
    if len(labels) < 2 or any(label not in known for label in labels) or len(set(labels)) < len(labels):
        raise FileFormatError(
            f"expected a header with some of {', '.join(known)}; found {line[:80]!r}.",
            file=source.name,
            line=number,
        )
    return labels
