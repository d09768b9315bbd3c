"""Records and devices from tables of pandas, read as files are: the same labels, units, settings and checks.

A table goes through the same reader as a CSV file, so that "Freq. (kHz)" means there what it means here, and
every keyword is a key of [[measurement]] in device.toml, with the same values: texts with units, or SI.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from memfit.datasets import Device, Origin, Record, SynapticCurve
from memfit.datasets.programmes import AXES, COLUMNS
from memfit.errors import InputError, ManifestError
from memfit.loaders.manifest import DEVICE, MEASUREMENT, read_settings
from memfit.loaders.raw import FileSettings
from memfit.loaders.registry import read_source
from memfit.loaders.settings_file import Checker
from memfit.loaders.source import Source
from memfit.protocols import Drive

if TYPE_CHECKING:
    import pandas as pd

_KEYS = tuple(key for key in MEASUREMENT if key not in ("file", "sheet"))


def record_from_frame(frame: "pd.DataFrame", name: str = "", **settings: Any) -> Record:
    """One record from a table.

    Parameters
    ----------
    frame : DataFrame
        Its labels say quantity and unit as headers of a file do ("Freq. (Hz)", "V (mV)"). What its `attrs`
        say, as those that `to_frame` makes, stands for settings that are not given.
    name : str
        Of the record.
    **settings
        Keys of [[measurement]] in device.toml: kind="impedance", bias="0.8 V", scan_rate="50 mV/s",
        waveform=[[0, "0 A"], ...], columns={...}, ...

    Raises
    ------
    InputError
        It is no table of one measurement, or a setting is wrong.
    """
    stated = {key: value for key, value in frame.attrs.items() if key in _KEYS and key != "name"}
    label = name or str(settings.pop("name", "") or frame.attrs.get("name", "") or "table")
    records = _records(frame, label, {**stated, **settings})
    if len(records) > 1:
        raise InputError(
            f"{label}: expected one measurement, found {len(records)} in the table; "
            "device_from_frames takes them all, split=False keeps loops together."
        )
    return records[0]


def device_from_frames(
    frames: "Mapping[str, pd.DataFrame] | pd.DataFrame", name: str = "", **about: Any
) -> Device:
    """A device from tables.

    Parameters
    ----------
    frames : mapping of str to DataFrame, or DataFrame
        A table a measurement, by its name; or one table whose column "record" tells them apart, as
        `Device.to_frame` makes it. Labels and `attrs` as for `record_from_frame`.
    name : str
        Of the device.
    **about
        Keys of [device] in device.toml: area="4 mm^2", temperature="295 K", attributes={...}.

    Raises
    ------
    InputError
        A table cannot be read, or a key is wrong.
    """
    tables = frames if isinstance(frames, Mapping) else _taken_apart(frames)
    name = name or str(getattr(frames, "attrs", {}).get("name", "device"))
    check = Checker(f"device {name!r}")
    known = check.keys(check.table(about, "device", tuple(DEVICE)), "device", DEVICE)
    check.finish()
    records: list[Record] = []
    for label, frame in tables.items():
        stated = {key: value for key, value in frame.attrs.items() if key in _KEYS and key != "name"}
        records += _records(frame, str(label), stated, known.get("area"))
    if not records:
        raise InputError(f"{name}: expected tables of measurements, found none.")
    return Device(**{"name": name, **known, "records": tuple(records)})


def _taken_apart(frame: "pd.DataFrame") -> "dict[str, pd.DataFrame]":
    """The tables of one in which the column "record" tells them apart; columns that one lacks are gone."""
    if "record" not in frame.columns:
        raise InputError(
            'Expected a table a measurement, by its name, or a column "record" that tells them apart; found '
            f"the columns {', '.join(map(str, frame.columns))}."
        )
    tables = {}
    stated = frame.attrs.get("records", {})
    for name, part in frame.groupby("record", sort=False):
        table = part.drop(columns=["record", "kind"], errors="ignore").dropna(axis="columns", how="all")
        kinds = set(part["kind"]) if "kind" in part.columns else set()
        table.attrs = stated.get(str(name)) or ({"kind": kinds.pop()} if len(kinds) == 1 else {})
        tables[str(name)] = table
    return tables


def _records(
    frame: "pd.DataFrame", name: str, settings: Mapping[str, Any], area: float | None = None
) -> tuple[Record, ...]:
    """The records of a table, as of a file of this name."""
    unknown = sorted(set(settings) - set(_KEYS))
    check = Checker(name)
    read: FileSettings | None = read_settings(check, dict(settings), "settings") if not unknown else None
    if unknown:
        check.table(dict(settings), "settings", _KEYS)
    try:
        check.finish()
    except ManifestError as problem:
        raise InputError(str(problem)) from problem
    if read is not None and read.kind in AXES and set(frame.columns) & set(COLUMNS) and read.waveform:
        return (_reads(frame, name, read),)
    source = Source(name, frame.to_csv(index=False, float_format="%.17g").encode())
    records = read_source(source, replace(read or FileSettings(), device_area=area))
    memory = {"file": "", "sha256": "", "format": "table of pandas"}
    return tuple(
        replace(
            record,
            origin=replace(record.origin, **memory),
            notes=tuple(note.replace("device.toml states", "was given") for note in record.notes),
        )
        for record in records
    )


def _reads(frame: "pd.DataFrame", name: str, settings: FileSettings) -> SynapticCurve:
    """The record of reads of pulses whose columns are those of `to_frame`."""
    if settings.kind is None or settings.control is None:
        raise InputError(f"{name}: expected the control of the pulses.")
    at, value = np.array(settings.waveform, dtype=np.float64).T
    drive = Drive(settings.control, at, value, settings.initial or "rest")
    columns = {str(label): np.asarray(frame[label], dtype=np.float64) for label in frame.columns}
    try:
        return SynapticCurve.of_columns(
            settings.kind,
            columns,
            name=settings.name or name,
            origin=Origin(file="", format="table of pandas"),
            metadata=settings.added_to({}),
            drive=drive,
        )
    except KeyError as missing:
        raise InputError(f"{name}: expected a column {missing}, found none.") from missing
