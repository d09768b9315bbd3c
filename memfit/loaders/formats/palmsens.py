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
from memfit.datasets import Kind
from memfit.loaders.raw import FileSettings, RawTable, Reader, Source
from memfit.loaders.tables import (
    Column,
    Field,
    find_fields,
    header_values,
    read_block,
    read_fields,
    split_fields,
)
from memfit.protocols import Control
from memfit.units import find_unit

_KINDS: Mapping[str, tuple[Kind, Control]] = {
    "Cyclic Voltammetry": ("iv", "voltage"),
    "Linear Sweep Voltammetry": ("iv", "voltage"),
    "Chronoamperometry": ("transient", "voltage"),
    "Chronopotentiometry": ("transient", "current"),
    "Impedance Spectroscopy": ("impedance", "voltage"),
    "Amperometric Detection": ("transient", "voltage"),
    "Potentiometry": ("transient", "current"),
}
_TITLE = re.compile(rf"^({'|'.join(_KINDS)})\b.*", re.MULTILINE)
_IMPEDANCE = (
    Field("frequency", ("freq/Hz", "Frequency/Hz"), "Hz"),
    Field("z_real", ("Z'/Ohm", "Z'/Ω"), "ohm"),
    Field("z_imag", ("-Z''/Ohm", "-Z''/Ω"), "ohm", -1.0),
    Field("z_imag", ("Z''/Ohm", "Z''/Ω"), "ohm"),
    Field("bias_current", ("Idc/uA", "Idc/µA"), "uA"),
)
_SPECTRUM_ROLES: Mapping[str, str] = {
    "Frequency": "frequency", "ZRe": "z_real", "ZIm": "z_imag", "mEdc": "bias_voltage", "Idc": "bias_current",
}  # fmt: skip
_CURVE_ROLES: Mapping[str, str] = {
    "time": "time", "potential": "voltage", "applied potential": "applied_voltage", "current": "current",
}  # fmt: skip
_UNIT_TYPES: Mapping[str, float] = {
    "Volt": 1.0, "MilliVolt": 1e-3, "Ampere": 1.0, "MilliAmpere": 1e-3, "MicroAmpere": 1e-6,
    "NanoAmpere": 1e-9,
    "PicoAmpere": 1e-12, "Hertz": 1.0, "ZRe": 1.0, "ZIm": 1.0, "Time": 1.0,
}  # fmt: skip


def _recognises_text(source: Source) -> bool:
    """True for the export of PSTrace."""
    return "Date and time" in source.head[:200] and _TITLE.search(source.head) is not None


def _read_text(source: Source, settings: FileSettings) -> list[RawTable]:
    """Curves of a text export."""
    lines = source.lines
    title = _TITLE.search(source.head)
    technique = title[1] if title else ""
    kind, control = _KINDS[technique]

    def is_head(fields: Sequence[str]) -> bool:
        if kind == "impedance":
            return len(find_fields(fields, _IMPEDANCE)) >= 3
        return len(fields) >= 2 and all(find_unit(field) is not None for field in fields)

    heads = ((i, split_fields(line.rstrip(","), ",")) for i, line in enumerate(lines[:200]))
    at, labels = next(((i, fields) for i, fields in heads if is_head(fields)), (-1, []))
    if at < 0:
        raise source.error("expected a line of units such as V,µA; found none.")
    named = {"technique": technique}
    metadata = named | header_values(lines[:at], ":", " ,") | named
    if kind == "impedance":
        block = read_fields(source, labels, _IMPEDANCE, at + 1, needed=("frequency", "z_real", "z_imag"))
        return [
            RawTable(
                columns=block.columns,
                others=block.others,
                kind=kind,
                control=control,
                metadata=metadata,
                notes=block.notes,
            )
        ]
    tables = []
    pairs = len(labels) // 2
    for pair in range(pairs):
        columns = []
        for index in (2 * pair, 2 * pair + 1):
            unit = find_unit(labels[index])
            role = next(
                (r for r in ("voltage", "current", "time") if unit is not None and unit.is_a(r)), None
            )
            if role is None:
                raise source.error(
                    f"expected a unit of voltage, current or time, found {labels[index]!r}.", line=at + 1
                )
            columns.append(Column(index, labels[index], role, unit))
        roles = {column.role for column in columns}
        if roles not in ({"voltage", "current"}, {"time", "current"}, {"time", "voltage"}):
            raise source.error(
                f"expected a pair of units such as V,µA, found {labels[2 * pair]},{labels[2 * pair + 1]}.",
                line=at + 1,
            )
        block = read_block(source, columns, labels, at + 1, also=range(2 * pairs))
        part = f"curve {pair + 1}" if pairs > 1 else ""
        table = RawTable(
            columns=block.columns,
            others=block.others,
            kind=kind,
            control=control,
            part=part,
            metadata=metadata,
            notes=block.notes,
        )
        tables.append(table)
    return tables


def _recognises_session(source: Source) -> bool:
    """True for a session of PSTrace."""
    return '"PalmSens.' in source.head[:400] or (source.suffix == ".pssession" and source.is_text)


def _read_session(source: Source, settings: FileSettings) -> list[RawTable]:
    """Measurements of a session."""
    try:
        content = json.loads(source.text.strip().strip("\x00"))
    except json.JSONDecodeError as error:
        raise source.error(
            f"expected JSON, found a fault at character {error.pos}: the file is cut or damaged."
        ) from error
    measurements = content.get("Measurements") or content.get("measurements") or []
    tables = [
        table
        for measurement in measurements
        for table in _measurement(source, measurement, len(measurements) > 1)
    ]
    if not tables:
        raise source.error("expected impedance or voltammetry in the session, found none.")
    return tables


def _measurement(source: Source, measurement: Mapping[str, Any], several: bool) -> Iterator[RawTable]:
    """Tables of one measurement: its spectra, else its curves."""
    title = str(measurement.get("Title", ""))
    spectra = measurement.get("EISDataList") or []
    metadata = {"title": title} if title else {}
    metadata |= {key: str(measurement[key]) for key in ("DeviceSerial", "DeviceFW") if measurement.get(key)}
    for number, spectrum in enumerate(spectra, start=1):
        columns = _arrays(source, spectrum, _SPECTRUM_ROLES)
        if not {"frequency", "z_real", "z_imag"} <= columns.keys():
            continue
        columns["z_imag"] = -columns["z_imag"]
        words = (title if several else "", f"spectrum {number}" if len(spectra) > 1 else "")
        yield RawTable(
            columns=columns, kind="impedance", part=", ".join(filter(None, words)), metadata=metadata
        )
    if spectra:
        return
    columns = _arrays(source, measurement, _CURVE_ROLES)
    if {"voltage", "current"} <= columns.keys():
        yield RawTable(columns=columns, part=title if several else "", metadata=metadata)


def _arrays(source: Source, holder: Mapping[str, Any], roles: Mapping[str, str]) -> dict[str, FloatArray]:
    """The arrays of a DataSet in SI units by role, each number the V of an entry of its DataValues."""
    columns: dict[str, FloatArray] = {}
    for array in (holder.get("DataSet") or {}).get("Values") or []:
        role = roles.get(str(array.get("Description")), "")
        if not role or role in columns:
            continue
        word = role.replace("_", " ")
        unit = str((array.get("Unit") or {}).get("Type", "")).rpartition(".")[2]
        if unit not in _UNIT_TYPES:
            raise source.error(
                f"expected one of the units {', '.join(_UNIT_TYPES)} for {word}, found {unit!r}."
            )
        try:
            values = np.array([float(value["V"]) for value in array["DataValues"]])
        except (LookupError, TypeError, ValueError) as error:
            raise source.error(
                f"expected DataValues with a number V each for the {word}, found something "
                "else: the file is damaged; export the session again from PSTrace."
            ) from error
        columns[role] = values * _UNIT_TYPES[unit]
    return columns


READERS = (
    Reader("PalmSens text", _recognises_text, _read_text),
    Reader("PalmSens session", _recognises_session, _read_session, frozenset({".pssession"})),
)
