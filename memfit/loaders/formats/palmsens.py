"""PalmSens: PSTrace text (.csv, UTF-16) and sessions (.pssession, JSON in UTF-16).

Text: a date, notes, then for each curve a title line "Cyclic Voltammetry: ...", a line "Date and time
measurement:", a line of units (V,uA) with a pair of columns for each curve, rows. Impedance text has a
line of labels with units ("freq / Hz", "neg. Phase / Degrees", "Idc / uA", "Z' / Ohm", "-Z'' / Ohm").
Session: Measurements / EISDataList / DataSet / Values, each an array with Description, Unit and
DataValues; "ZIm" is -Z''. Currents are in microampere as their units say.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.records import Kind
from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import Field, find_fields, need, read_block
from memfit.loaders.tables.labels import Column
from memfit.loaders.tables.parse import split_fields
from memfit.protocols import Control
from memfit.units import find_unit

NAME_TEXT = "PalmSens text"
NAME_SESSION = "PalmSens session"

_TITLE = re.compile(
    r"^(Cyclic Voltammetry|Linear Sweep Voltammetry|Chronoamperometry|Chronopotentiometry|"
    r"Impedance Spectroscopy|Amperometric Detection|Potentiometry)\b.*",
    re.MULTILINE,
)
_KINDS: Mapping[str, tuple[Kind, Control]] = {
    "Cyclic Voltammetry": ("iv", "voltage"),
    "Linear Sweep Voltammetry": ("iv", "voltage"),
    "Chronoamperometry": ("transient", "voltage"),
    "Amperometric Detection": ("transient", "voltage"),
    "Chronopotentiometry": ("transient", "current"),
    "Potentiometry": ("transient", "current"),
    "Impedance Spectroscopy": ("impedance", "voltage"),
}
_IMPEDANCE = (
    Field("frequency", ("freq/Hz", "Frequency/Hz"), "Hz"),
    Field("z_real", ("Z'/Ohm", "Z'/Ω"), "ohm"),
    Field("z_imag", ("-Z''/Ohm", "-Z''/Ω"), "ohm", -1.0),
    Field("z_imag", ("Z''/Ohm", "Z''/Ω"), "ohm"),
    Field("bias_current", ("Idc/uA", "Idc/µA"), "uA"),
)
_SESSION_ROLES: Mapping[str, tuple[str, float]] = {
    "Frequency": ("frequency", 1.0), "ZRe": ("z_real", 1.0), "ZIm": ("z_imag", -1.0),
    "mEdc": ("bias_voltage", 1.0),
    "Idc": ("bias_current", 1.0),
}  # fmt: skip
_CURVE_ROLES: Mapping[str, str] = {
    "time": "time", "potential": "voltage", "applied potential": "applied_voltage", "current": "current",
    "charge": "",
}  # fmt: skip
_UNIT_TYPES: Mapping[str, float] = {
    "Volt": 1.0, "MilliVolt": 1e-3, "Ampere": 1.0, "MilliAmpere": 1e-3, "MicroAmpere": 1e-6,
    "NanoAmpere": 1e-9,
    "PicoAmpere": 1e-12, "Hertz": 1.0, "ZRe": 1.0, "ZIm": 1.0, "Time": 1.0,
}  # fmt: skip


def recognises_text(source: Source) -> bool:
    """True for the export of PSTrace."""
    return "Date and time" in source.head[:200] and _TITLE.search(source.head) is not None


def read_text(source: Source, settings: FileSettings) -> list[RawTable]:
    """Curves of a text export.

    Raises
    ------
    FileFormatError
        The units or the rows are missing.
    """
    lines = source.lines
    title = _TITLE.search(source.head)
    technique = title[1] if title else ""
    kind, control = _KINDS[technique]
    at = next((i for i, line in enumerate(lines[:200]) if _is_units(line, kind)), None)
    if at is None:
        raise FileFormatError("expected a line of units such as V,µA; found none.", file=source.name)
    labels = split_fields(lines[at].rstrip(","), ",")
    metadata = {"technique": technique}
    for line in lines[:at]:
        key, mark, value = line.partition(":")
        if mark and value.strip(" ,"):
            metadata.setdefault(key.strip(), value.strip(" ,"))
    if kind == "impedance":
        columns = find_fields(labels, _IMPEDANCE)
        need(columns, ("frequency", "z_real", "z_imag"), labels, source, at + 1)
        block = read_block(source, columns, labels, at + 1)
        return [
            RawTable(columns=block.columns, kind=kind, control=control, metadata=metadata, notes=block.notes)
        ]
    return list(_curves(source, labels, at, (kind, control), metadata))


def _is_units(line: str, kind: Kind) -> bool:
    fields = split_fields(line.rstrip(","), ",")
    if kind == "impedance":
        return len(find_fields(fields, _IMPEDANCE)) >= 3
    return len(fields) >= 2 and all(find_unit(field) is not None for field in fields)


def _curves(
    source: Source, units: Sequence[str], at: int, what: tuple[Kind, Control], metadata: Mapping[str, str]
) -> Iterator[RawTable]:
    """A table for each pair of columns."""
    kind, control = what
    pairs = len(units) // 2
    for pair in range(pairs):
        columns = []
        for index in (2 * pair, 2 * pair + 1):
            role = _role(units[index])
            if role is None:
                raise FileFormatError(
                    f"expected a unit of voltage, current or time, found {units[index]!r}.",
                    file=source.name,
                    line=at + 1,
                )
            columns.append(Column(index, units[index], role, find_unit(units[index])))
        if {column.role for column in columns} not in (
            {"voltage", "current"},
            {"time", "current"},
            {"time", "voltage"},
        ):
            raise FileFormatError(
                f"expected a pair of units such as V,µA, found {units[2 * pair]},{units[2 * pair + 1]}.",
                file=source.name, line=at + 1,
            )  # fmt: skip
        block = read_block(source, columns, units, at + 1)
        part = f"curve {pair + 1}" if pairs > 1 else ""
        yield RawTable(
            columns=block.columns, kind=kind, control=control, part=part, metadata=metadata, notes=block.notes
        )


def _role(unit_text: str) -> str | None:
    """What a column is, by its unit alone."""
    unit = find_unit(unit_text)
    if unit is None:
        return None
    return next((role for role in ("voltage", "current", "time") if unit.is_a(role)), None)


def recognises_session(source: Source) -> bool:
    """True for a session of PSTrace."""
    return '"PalmSens.' in source.head[:400] or (source.suffix == ".pssession" and source.is_text)


def read_session(source: Source, settings: FileSettings) -> list[RawTable]:
    """Measurements of a session.

    Raises
    ------
    FileFormatError
        It is no JSON, or has no measurement that memfit reads.
    """
    try:
        content = json.loads(source.text.strip().strip("\x00"))
    except json.JSONDecodeError as error:
        raise FileFormatError(
            f"expected JSON, found a fault at character {error.pos}: the file is cut or damaged.",
            file=source.name,
        ) from error
    measurements = content.get("Measurements") or content.get("measurements") or []
    found: list[RawTable] = []
    for measurement in measurements:
        found += _measurement(source, measurement, len(measurements) > 1)
    if not found:
        raise FileFormatError(
            "expected impedance or voltammetry in the session, found none.", file=source.name
        )
    return found


def _measurement(source: Source, measurement: Mapping[str, Any], several: bool) -> Iterator[RawTable]:
    """Tables of one measurement: its spectra, else its curves."""
    title = str(measurement.get("Title", ""))
    spectra = measurement.get("EISDataList") or []
    metadata = {"title": title} if title else {}
    for key in ("DeviceSerial", "DeviceFW"):
        if measurement.get(key):
            metadata[key] = str(measurement[key])
    for number, spectrum in enumerate(spectra, start=1):
        arrays = (spectrum.get("DataSet") or {}).get("Values") or []
        columns = _arrays(source, arrays, {name: role for name, (role, _) in _SESSION_ROLES.items()})
        if not {"frequency", "z_real", "z_imag"} <= columns.keys():
            continue
        columns["z_imag"] = -columns["z_imag"]
        part = ", ".join(
            word
            for word in (title if several else "", f"spectrum {number}" if len(spectra) > 1 else "")
            if word
        )
        yield RawTable(columns=columns, kind="impedance", part=part, metadata=metadata)
    if spectra:
        return
    arrays = (measurement.get("DataSet") or {}).get("Values") or []
    columns = _arrays(source, arrays, _CURVE_ROLES)
    if {"voltage", "current"} <= columns.keys():
        yield RawTable(columns=columns, part=title if several else "", metadata=metadata)


def _arrays(
    source: Source, arrays: Sequence[Mapping[str, Any]], roles: Mapping[str, str]
) -> dict[str, FloatArray]:
    """Arrays in SI units by role."""
    found: dict[str, FloatArray] = {}
    for array in arrays:
        role = roles.get(str(array.get("Description")), "")
        if not role or role in found:
            continue
        unit = str((array.get("Unit") or {}).get("Type", "")).rpartition(".")[2]
        if unit not in _UNIT_TYPES:
            raise FileFormatError(
                f"expected one of the units {', '.join(_UNIT_TYPES)} for {role.replace('_', ' ')}, "
                f"found {unit!r}.",
                file=source.name,
            )
        found[role] = _values(source, array, role) * _UNIT_TYPES[unit]
    return found


def _values(source: Source, array: Mapping[str, Any], role: str) -> FloatArray:
    """The numbers of an array, each of them the V of an entry of its DataValues."""
    try:
        return np.array([float(value["V"]) for value in array["DataValues"]])
    except (LookupError, TypeError, ValueError) as error:
        raise FileFormatError(
            f"expected DataValues with a number V each for the {role.replace('_', ' ')}, found something "
            "else: the file is damaged; export the session again from PSTrace.",
            file=source.name,
        ) from error
