"""Tidy CSV: one record a file, with all that memfit knows of it, read back to the identical record.

    # memfit: record 1
    # technique: transient
    # name: "pulse_1.csv"
    # control: current
    # drive: 0.0 0.0; 0.1 0.0; 0.1 0.001; 0.3 0.001        (s and A, or V)
    # instrument: ...                                       (any metadata)
    Time (s),Voltage (V),Current (A)
    0.0,0.0,0.0

It is also a generic table: another program that skips lines with # reads it. Numbers are written with the
fewest digits that give the same float64. The origin of the record that was written is kept in the line
`origin`; the origin of the record that is read is the tidy file. A record that is read so is whole already:
what device.toml says of its file is applied to it, not to a table.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import (
    LABELS,
    ImpedanceSpectrum,
    IVSweep,
    Origin,
    PulseTransient,
    Record,
    SynapticCurve,
)
from memfit.datasets.programmes import AXES, COLUMNS
from memfit.errors import FileFormatError, OutputError, UnitError
from memfit.files import write_whole
from memfit.loaders.curves import repeated_rows
from memfit.loaders.raw import CONTROLS, INITIALS, NO_SETTINGS, TECHNIQUES, FileSettings, Source, select_used
from memfit.loaders.tables import Layout, TextTable, read_rows
from memfit.protocols import Control, Drive, drive_from_samples
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
_FREQUENCY, _REAL, _IMAG = LABELS["frequency"], LABELS["real"], LABELS["imag"]
_TIME, _VOLTAGE, _CURRENT = LABELS["time"], LABELS["voltage"], LABELS["current"]


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
    write_whole(path, format_record(record))


def format_record(record: Record) -> str:
    """The text of a record's tidy file.

    Parameters
    ----------
    record : Record
    """
    lines = [MARK, f"# technique: {record.kind}", f"# name: {_json(record.name)}"]
    origin = record.origin
    if origin.file or origin.sha256:
        lines.append(f"# origin: {_json([origin.file, origin.part, origin.format, origin.sha256])}")
    lines.append(f"# control: {record.control}")
    unit = "V" if record.control == "voltage" else "A"
    drive = None
    if isinstance(record, ImpedanceSpectrum):
        quantities = (
            ("bias", record.bias_voltage, "V"),
            ("bias_current", record.bias_current, "A"),
            ("amplitude", record.amplitude, unit),
        )
        lines += [f"# {key}: {value!r} {si}" for key, value, si in quantities if value is not None]
    else:
        drive = record.drive
    if isinstance(record, IVSweep) and record.scan_rate is not None:
        lines.append(f"# scan_rate: {float(record.scan_rate)!r} {unit}/s")
    if drive is not None:
        vertices = zip(drive.time.tolist(), drive.value.tolist(), strict=True)
        lines.append(f"# initial: {drive.initial}")
        lines.append(f"# drive: {'; '.join(f'{t!r} {v!r}' for t, v in vertices)}")
    lines += [f"# note: {_json(note)}" for note in record.notes]
    for key, value in record.metadata.items():
        plain = _PLAIN_KEY.fullmatch(key) and key.lower() not in _RESERVED and key == key.strip()
        simple = value == value.strip() and value.isprintable() and value != ""
        lines.append(f"# {key}: {value}" if plain and simple else f"# metadata: {_json([key, value])}")
    columns = record.columns
    lines.append(",".join(columns))
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return "\n".join([*lines, *(",".join(map(repr, row)) for row in rows), ""])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x85", "\\u0085").replace("\ufeff", "\\ufeff")


@dataclass
class _Front:
    """The lines above the rows, as they are read."""

    settings: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    lines: int = 0
    """Number of lines up to the header, the header included."""
    offset: int = 0
    """Offset of the first row in the text."""

    def quantity(self, key: str, dimension: str) -> float | None:
        """A setting in SI units."""
        stated = self.settings.get(key)
        return None if stated is None else parse_quantity(stated, dimension, unit_required=True)


def recognises(source: Source) -> bool:
    """True for a tidy file."""
    return source.head.startswith(MARK)


def read_record(source: Source) -> Record:
    """The record of a tidy file.

    Parameters
    ----------
    source : Source

    Raises
    ------
    FileFormatError
        The file is damaged.
    """
    front = _read_front(source)
    rows = read_rows(
        TextTable(
            text=source.text, start=front.offset, first_line=front.lines + 1,
            layout=Layout(",", ".", len(front.labels)), wanted=range(len(front.labels)),
            labels=front.labels, file=source.name,
        )
    )  # fmt: skip
    front.notes += rows.notes
    label = ",".join(front.labels)
    for again, line in enumerate(source.text[front.offset :].split("\n"), start=front.lines + 1):
        if line.strip() == label:
            raise FileFormatError(
                "expected one table, found its header again: put each record into a file of its own.",
                file=source.name,
                line=again,
            )
    copied = repeated_rows(*rows.columns) if front.settings.get("technique") == "impedance" else 0
    if copied:
        raise FileFormatError(
            f"expected each point once; {copied} rows repeat earlier ones to the last digit: remove them.",
            file=source.name,
        )
    try:
        return _build(source, front, dict(zip(front.labels, rows.columns, strict=True)))
    except (KeyError, ValueError, TypeError, UnitError) as error:
        raise FileFormatError(
            f"expected a whole memfit table; found a damaged one ({error}).", file=source.name
        ) from error


def _read_front(source: Source) -> _Front:
    """Settings, notes, metadata and header labels."""
    front, text = _Front(), source.text
    while front.offset < len(text):
        end = text.find("\n", front.offset)
        end = len(text) if end < 0 else end
        line = text[front.offset : end]
        front.offset, front.lines = end + 1, front.lines + 1
        if not line.startswith("#"):
            front.labels = tuple(label.strip() for label in line.split(","))
            known = (_FREQUENCY, _REAL, _IMAG, _TIME, _VOLTAGE, _CURRENT, *COLUMNS)
            distinct = len(front.labels) >= 2 and len(set(front.labels)) == len(front.labels)
            if not distinct or not set(front.labels) <= set(known):
                raise FileFormatError(
                    f"expected a header with some of {', '.join(known)}; found {line[:80]!r}.",
                    file=source.name,
                    line=front.lines,
                )
            return front
        key, value = (part.strip() for part in line[1:].partition(":")[::2])
        try:
            if key == "note":
                front.notes.append(str(json.loads(value)))
            elif key == "metadata":
                name, content = json.loads(value)
                front.metadata[str(name)] = str(content)
            else:
                (front.settings if key in _RESERVED else front.metadata)[key] = value
        except (ValueError, TypeError) as error:
            raise FileFormatError(
                f"expected a JSON value after {key!r}, found {line[1:].partition(':')[2][:40]!r}.",
                file=source.name,
                line=front.lines,
            ) from error
    raise FileFormatError("expected a header line below the lines with #, found none.", file=source.name)


def _build(source: Source, front: _Front, columns: Mapping[str, FloatArray]) -> Record:
    """The record of a kind."""
    settings = front.settings
    name = json.loads(settings["name"])
    if not isinstance(name, str):
        raise TypeError("the name is no text")
    form, part = NAME, ""
    if "origin" in settings:  # what the record was made from stands in the name of the format
        file, part, form, digest = (str(word) for word in json.loads(settings["origin"]))
        if not form.startswith(f"{NAME} from "):
            form = f"{NAME} from {file} ({form}, sha256 {digest})"
    origin = Origin(file=source.name, sha256=source.sha256, part=part, format=form)
    control = CONTROLS[settings["control"]]
    technique, metadata, notes = settings["technique"], front.metadata, tuple(front.notes)
    if technique == "impedance":
        frequency = columns[_FREQUENCY]
        impedance = np.empty(columns[_REAL].size, dtype=np.complex128)  # a sum would lose the sign of a zero
        impedance.real, impedance.imag = columns[_REAL], columns[_IMAG]
        return ImpedanceSpectrum(
            name=name, origin=origin, metadata=metadata, notes=notes,
            frequency=frequency, impedance=impedance, control=control,
            bias_voltage=front.quantity("bias", "voltage"),
            bias_current=front.quantity("bias_current", "current"),
            amplitude=front.quantity("amplitude", control),
        )  # fmt: skip
    if technique == "iv":
        return IVSweep(
            name=name, origin=origin, metadata=metadata, notes=notes,
            voltage=columns[_VOLTAGE], current=columns[_CURRENT], time=columns.get(_TIME),
            drive=_drive(settings, control), control=control,
            scan_rate=front.quantity("scan_rate", f"{control}_rate"),
        )  # fmt: skip
    drive, known = _drive(settings, control), (*AXES, "transient")
    if technique not in known or drive is None:
        raise ValueError("a transient needs a drive" if technique in known else f"technique {technique!r}")
    if technique != "transient":
        return SynapticCurve.of_columns(
            TECHNIQUES[technique], columns, drive=drive,
            name=name, origin=origin, metadata=metadata, notes=notes,
        )  # fmt: skip
    return PulseTransient(
        name=name, origin=origin, metadata=metadata, notes=notes, time=columns[_TIME],
        voltage=columns.get(_VOLTAGE), current=columns.get(_CURRENT), drive=drive,
    )  # fmt: skip


def _drive(settings: Mapping[str, str], control: Control) -> Drive | None:
    """The drive's vertices."""
    if "drive" not in settings:
        return None
    vertices = np.array([[float(word) for word in pair.split()] for pair in settings["drive"].split(";")])
    if vertices.ndim != 2 or vertices.shape[1] != 2:
        raise ValueError("the drive is no list of times and values")
    return Drive(control, vertices[:, 0], vertices[:, 1], INITIALS[settings["initial"]])


def apply_settings(record: Record, settings: FileSettings) -> Record:
    """The record of a tidy table with everything that device.toml states of its file.

    Parameters
    ----------
    record : Record
    settings : FileSettings

    Raises
    ------
    FileFormatError
        The kind is another one, or `use` leaves no point.
    """
    if replace(settings, device_area=None) == NO_SETTINGS:
        return record
    if settings.kind is not None and settings.kind != record.kind:
        raise FileFormatError(
            f"expected the kind {settings.kind!r} that device.toml states; the table holds {record.kind!r}.",
            file=record.origin.file,
        )
    record = replace(record, name=settings.name or record.name, metadata=settings.added_to(record.metadata))
    control = settings.control or record.control
    if isinstance(record, ImpedanceSpectrum):
        stated = settings.bias is not None or settings.bias_current is not None
        note = ("The bias is the one that device.toml states.",) if stated else ()
        spectrum = replace(
            record,
            bias_voltage=record.bias_voltage if settings.bias is None else settings.bias,
            bias_current=record.bias_current if settings.bias_current is None else settings.bias_current,
            control=control,
            amplitude=record.amplitude if settings.amplitude is None else settings.amplitude,
            notes=(*record.notes, *note),
        )
        return select_used(spectrum, settings)
    if isinstance(record, IVSweep):
        record = replace(record, control=control, scan_rate=settings.scan_rate or record.scan_rate)
    if record.time is None or record.drive is None:
        return select_used(record, settings)
    drive = record.drive
    if settings.waveform:
        at, value = np.array(settings.waveform, dtype=np.float64).T
        drive = Drive(control, at, value, drive.initial)
    elif control != drive.control:
        driven = record.voltage if control == "voltage" else record.current
        if driven is None:
            raise FileFormatError(
                f"expected a column of the {control}, which device.toml says was applied.",
                file=record.origin.file,
            )
        drive = drive_from_samples(control, record.time, driven, initial=drive.initial)
    initial = settings.initial or drive.initial
    drive = Drive(drive.control, drive.time + settings.time_offset, drive.value, initial)
    moved: dict[str, Any] = {"time": record.time + settings.time_offset}
    if isinstance(record, SynapticCurve) and record.first is not None:
        moved["first"] = record.first + settings.time_offset
    return select_used(replace(record, **moved, drive=drive), settings)
