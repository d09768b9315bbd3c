"""A row a file: what was read of it, what is missing, what raises doubts, and which points are masked.

Whatever the command line would refuse stands at the row in the same words, and the rest goes on.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from memfit.arrays import BoolArray
from memfit.datasets import ImpedanceSpectrum, Record, copies, silent
from memfit.errors import InputError
from memfit.fitting.checks.levels import conductance_level
from memfit.fitting.checks.mistakes import SETTINGS as OUT_OF_LINE
from memfit.loaders.draft import lacks
from memfit.loaders.folders import MANIFEST, is_other, look_below
from memfit.loaders.raw import FileSettings
from memfit.loaders.registry import is_measurement, read_file
from memfit.reporting.numbers import quantity_digits

if TYPE_CHECKING:
    from memfit.app.device_file import DeviceFile

Cache = MutableMapping[tuple[str, int, str], tuple[tuple[Record, ...], str]]
"""Records and fault of a file as it was read last: by name, time of its last change, and settings."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A file of the folder, as one measurement of device.toml or as none."""

    file: str
    """With slashes, relative to the folder."""
    place: int | None
    """In the list of measurements; None where it is not listed."""
    used: bool
    records: tuple[Record, ...] = ()
    """With all their points."""
    fault: str = ""
    """Why nothing was read; the sentence of the command line."""
    junk: bool = False
    """Whether nobody means it as a measurement."""
    alarms: tuple[str, ...] = ()
    masked: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Numbers of points that are left out, by part of the file."""

    @property
    def missing(self) -> str:
        """The key of device.toml that a record lacks: "bias", "scan_rate", or "" for none."""
        keys = [key for key in ("bias", "scan_rate") if any(lacks(record, key) for record in self.records)]
        return keys[0] if keys else ""

    def keep(self, record: Record) -> BoolArray:
        """(n,) which points of a record are not masked.

        Parameters
        ----------
        record : Record
            One of this row.
        """
        keep = np.ones(record.points, dtype=bool)
        for part in ("", record.origin.part):
            numbers = np.array(self.masked.get(part, ()), dtype=int)
            keep[numbers[numbers <= record.points] - 1] = False
        return keep


def read_rows(folder: Path, file: "DeviceFile", known: Cache) -> tuple[Row, ...]:
    """Every file of a folder: the measurements of device.toml in their order, then all others by name.

    Parameters
    ----------
    folder : Path
    file : DeviceFile
    known : mutable mapping
        What was read before, which is added to.

    Raises
    ------
    InputError
        The folder cannot be read.
    """
    rows = []
    for place, entry in enumerate(file.entries()):
        settings = replace(entry.settings, leave_out={})
        records, fault = _read(folder, entry.file, settings, known)
        row = Row(
            file=entry.file,
            place=place,
            used=place not in file.unused and not fault,
            records=records,
            fault=fault,
            masked=entry.settings.leave_out,
        )
        rows.append(row)
    listed = {row.file for row in rows}
    for path in look_below(folder, is_measurement).files:
        name = path.relative_to(folder).as_posix()
        if name in listed or path.name == MANIFEST:
            continue
        if is_other(path):
            rows.append(Row(file=name, place=None, used=False, fault="no measurement", junk=True))
            continue
        records, fault = _read(folder, name, FileSettings(), known)
        junk = bool(fault) and not is_measurement(path)
        rows.append(Row(file=name, place=None, used=False, records=records, fault=fault, junk=junk))
    return _with_alarms(rows)


def _read(folder: Path, name: str, settings: FileSettings, known: Cache) -> tuple[tuple[Record, ...], str]:
    """Records of a file, or why there are none."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        return (), f"{name}: it lies outside of the opened folder and was not read."
    if not path.is_file():
        return (), f"{name}: there is no such file."
    key = (name, path.stat().st_mtime_ns, repr(settings))
    if key not in known:
        try:
            known[key] = read_file(path, settings, name=name), ""
        except InputError as problem:
            known[key] = (), str(problem)
    return known[key]


def _with_alarms(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows with what raises doubts: copies, and conductances far from those of all others."""
    owners = [(k, record) for k, row in enumerate(rows) for record in row.records]
    alarms: dict[int, list[str]] = {}
    for later, first in copies([record for _, record in owners]).items():
        k, original = owners[later][0], rows[owners[first][0]].file
        if original != rows[k].file:
            alarms.setdefault(k, []).append(f"The same numbers as {original}: they count once.")
    audible = [(k, record) for k, record in owners if rows[k].used and not silent(record)]
    levels = np.array([conductance_level(record) for _, record in audible])
    audible = [pair for pair, level in zip(audible, levels, strict=True) if np.isfinite(level)]
    levels = levels[np.isfinite(levels)]
    if len(levels) > 2:
        away = levels - np.median(levels)
        for (k, record), distance in zip(audible, away, strict=True):
            if abs(distance) > _alarming(record):
                factor = quantity_digits(10.0 ** abs(float(distance)), "1", 1)
                word = "more" if distance > 0 else "less"
                alarms.setdefault(k, []).append(
                    f"It conducts {factor} times {word} than most others: is its unit right?"
                )
    return tuple(replace(row, alarms=tuple(dict.fromkeys(alarms.get(k, ())))) for k, row in enumerate(rows))


def _alarming(record: Record) -> float:
    """Decades by which a conductance may differ: a spectrum is taken at one bias, a curve at all."""
    return 4.0 * OUT_OF_LINE.decades if isinstance(record, ImpedanceSpectrum) else 3.0 * OUT_OF_LINE.decades
