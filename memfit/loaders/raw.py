"""What readers take and give: a file's source, tables in SI units, and a file's settings.

A reader of a format turns the bytes of a `Source` into `RawTable`s and knows nothing of records; `spectra`,
`sweeps` and `transients` turn `RawTable`s into records and know nothing of formats. The words for techniques,
controls and first states are those of files and of device.toml alike.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import numpy as np

from memfit.arrays import FloatArray, IntArray
from memfit.datasets import Kind, Origin, Record
from memfit.errors import FileFormatError
from memfit.loaders.source import DAMAGE, MAX_BYTES, MAX_LINES, Source, open_source
from memfit.protocols import Control, Drive, Initial

if TYPE_CHECKING:
    from memfit.datasets.programmes import PulseProgramme

__all__ = [
    "CONTROLS", "DAMAGE", "INITIALS", "MAX_BYTES", "MAX_LINES", "NO_SETTINGS", "PAIRS", "PAIRS_IN_WORDS",
    "ROLES", "ROLES_OF_PAIRS", "TECHNIQUES", "FileSettings", "RawTable", "Reader", "Reading", "Source",
    "Stated", "open_source", "pair_of", "select_used",
]  # fmt: skip

ROLES: Mapping[str, str] = MappingProxyType(
    {
        "frequency": "frequency",
        "z_real": "resistance",
        "z_imag": "resistance",
        "z_modulus": "resistance",
        "phase": "angle",
        "y_real": "conductance",
        "y_imag": "conductance",
        "y_modulus": "conductance",
        "y_phase": "angle",
        "capacitance": "capacitance",
        "capacitance_parallel": "capacitance",
        "capacitance_series": "capacitance",
        "resistance_parallel": "resistance",
        "resistance_series": "resistance",
        "inductance_series": "inductance",
        "dissipation": "ratio",
        "time": "time",
        "voltage": "voltage",
        "current": "current",
        "current_density": "current_density",
        "bias_voltage": "voltage",
        "bias_current": "current",
        "applied_voltage": "voltage",
        "applied_current": "current",
        "cycle": "ratio",
        "temperature": "temperature",
        "interval": "time",
        "ratio": "ratio",
        "ratio_change": "ratio",
    }
)
"""What a column can be, and the dimension of its unit (`memfit.units.DIMENSIONS`)."""

PAIRS: tuple[tuple[str, str], ...] = (
    ("z_real", "z_imag"),
    ("z_modulus", "phase"),
    ("y_real", "y_imag"),
    ("resistance_series", "z_imag"),
    ("y_modulus", "y_phase"),
    ("capacitance_parallel", "y_real"),
    ("capacitance_parallel", "resistance_parallel"),
    ("capacitance_parallel", "dissipation"),
    ("capacitance_series", "resistance_series"),
    ("capacitance_series", "dissipation"),
    ("inductance_series", "resistance_series"),
)
"""Pairs of roles that determine an impedance; the first that a table has is taken."""

PAIRS_IN_WORDS = "Z' and Z'' (or |Z| and phase, Y' and Y'', Cp and G, Rp or D, Cs and Rs or D)"

ROLES_OF_PAIRS = frozenset(role for pair in PAIRS for role in pair)

TECHNIQUES: Mapping[str, Kind] = {
    "impedance": "impedance", "eis": "impedance", "peis": "impedance", "geis": "impedance",
    "iv": "iv", "jv": "iv", "cv": "iv", "sweep": "iv", "i-v": "iv", "j-v": "iv",
    "transient": "transient", "pulse": "transient", "ca": "transient", "cp": "transient", "step": "transient",
    "potentiation": "potentiation", "depression": "potentiation", "retention": "retention",
    "paired_pulse": "paired_pulse", "paired_pulses": "paired_pulse", "ppf": "paired_pulse",
    "ppd": "paired_pulse",
}  # fmt: skip
"""Words for the kinds of measurement."""

CONTROLS: Mapping[str, Control] = {
    "current": "current", "galvanostatic": "current", "i": "current",
    "voltage": "voltage", "potentiostatic": "voltage", "v": "voltage", "potential": "voltage",
}  # fmt: skip
INITIALS: Mapping[str, Initial] = {"steady": "steady", "rest": "rest", "free": "free"}


def pair_of(roles: Set[str]) -> tuple[str, str] | None:
    """The first pair of `PAIRS` that these columns have.

    Parameters
    ----------
    roles : set of str
        Of the columns of a table.
    """
    return next((pair for pair in PAIRS if set(pair) <= roles), None)


@dataclass(frozen=True)
class Stated:
    """A number (SI) with the words for where it was found."""

    value: float
    source: str


@dataclass(frozen=True, kw_only=True, eq=False)
class RawTable:
    """One table of a file: SI columns by role, and what the file said beside them."""

    columns: Mapping[str, FloatArray]
    """Equally long arrays by role (a key of `ROLES`), or by channel name in a `channels` table."""
    kind: Kind | None = None
    """What it is, where the format tells."""
    part: str = ""
    """Sheet, cycle or segment in the file; "" if the file has one table."""
    control: Control | None = None
    bias: Stated | None = None
    """Terminal dc voltage, V."""
    bias_current: Stated | None = None
    amplitude: float | None = None
    """Amplitude of the sine, V or A."""
    scan_rate: Stated | None = None
    area: float | None = None
    """m^2; divides nothing unless a column is per area."""
    drive: Drive | None = None
    """What the instrument applied, where the file says so exactly."""
    initial: Initial | None = None
    compliance: float | None = None
    """Limit of the measured quantity, A (voltage control) or V."""
    per_area: frozenset[str] = frozenset()
    """Roles whose values are ohm m^2 and wait for an area."""
    channels: bool = False
    """True: waveforms of an oscilloscope; `device.toml` has to say which is voltage and which current."""
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Cells of columns that no role has, row by row, by label: they may tell measurements apart."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return next((column.size for column in self.columns.values()), 0)

    def part_of(self, rows: IntArray, part: str) -> Self:
        """Some rows of the table, in the order given.

        Parameters
        ----------
        rows : (n,) array of int
        part : str
            What to add to the name of its part; "" for nothing.
        """
        return replace(
            self,
            columns={role: values[rows] for role, values in self.columns.items()},
            others={label: tuple(cells[i] for i in rows) for label, cells in self.others.items()},
            part=", ".join(word for word in (self.part, part) if word),
        )


@dataclass(frozen=True, kw_only=True)
class FileSettings:
    """What device.toml says of one file, in SI units; None: let the file say it."""

    kind: Kind | None = None
    bias: float | None = None
    """V."""
    bias_current: float | None = None
    """A."""
    control: Control | None = None
    initial: Initial | None = None
    use: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Lowest and highest frequency, time, voltage or current of the points to keep."""
    leave_out: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Numbers of points to leave out, 1 being the first that `use` keeps, by part of the file; those of ""
    are left out of every record."""
    scan_rate: float | None = None
    """V/s."""
    amplitude: float | None = None
    area: float | None = None
    """m^2, said of this file."""
    device_area: float | None = None
    """m^2, said of the device: used where neither `area` nor the file says one."""
    time_offset: float = 0.0
    """Added to the times, s."""
    series_resistance: float | None = None
    """ohm, of the circuit."""
    temperature: float | None = None
    """K."""
    waveform: tuple[tuple[float, float], ...] = ()
    """(time, value) vertices of what was applied, s and V or A."""
    protocol: "PulseProgramme | None" = None
    """The pulses and reads that were applied, where the file holds the reads only."""
    columns: Mapping[str, str] | tuple[str, ...] = ()
    """Labels by role ({"current": "CH2"}), or a header for a table without one."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Units by role of the columns that `columns` names, where the labels lack them."""
    sense_resistance: float | None = None
    """ohm: the current is the column's voltage over this."""
    sheet: tuple[str, ...] = ()
    """Sheets of a workbook to read, hidden ones too; by default all that are shown."""
    compliance: float | None = None
    """Limit of the measured quantity, A (voltage control) or V: points at it are left out."""
    split: bool | None = None
    """False: keep the loops of a sweep program in one record; True: part a pulse program as well."""
    name: str = ""
    """Name of the record instead of the file's."""

    def added_to(self, metadata: Mapping[str, str]) -> dict[str, str]:
        """A file's metadata with what device.toml adds.

        Parameters
        ----------
        metadata : mapping of str to str
            As the file states it.

        Returns
        -------
        dict of str to str
            A copy; `series_resistance` in ohm and `temperature` in K are set where they are known.
        """
        added = dict(metadata)
        if self.series_resistance is not None:
            added["series_resistance"] = f"{self.series_resistance!r} ohm"
        if self.temperature is not None:
            added["temperature"] = f"{self.temperature!r} K"
        return added


NO_SETTINGS = FileSettings()


@dataclass(frozen=True)
class Reader:
    """How one format is recognised and read."""

    name: str
    """Shown to users: "BioLogic EC-Lab text"."""
    recognises: Callable[[Source], bool]
    """True if the bytes are of this format."""
    read: Callable[[Source, FileSettings], list[RawTable]]
    """Tables of the file."""
    suffixes: frozenset[str] = frozenset()
    """Extensions (".mpt") by which a file is taken for this format if no reader recognises it."""


@dataclass(frozen=True)
class Reading:
    """A table on its way to records: with its source, its settings and the name of its format."""

    table: RawTable
    source: Source
    settings: FileSettings
    format_name: str

    def origin(self, *parts: str) -> Origin:
        """Where a record of this table came from; empty parts do not count."""
        part = ", ".join(word for word in (self.table.part, *parts) if word)
        return Origin(file=self.source.name, sha256=self.source.sha256, part=part, format=self.format_name)

    @property
    def area(self) -> float | None:
        """Area (m^2): said of the file in device.toml, by the file, or of the device in device.toml."""
        settings = self.settings
        return settings.area or self.table.area or settings.device_area

    @property
    def record_name(self) -> str:
        """Name of the record before parts are told apart."""
        return self.settings.name or self.source.name

    def error(self, message: str) -> FileFormatError:
        """An error that names the file."""
        return self.source.error(message)


def select_used(record: Record, settings: FileSettings, what: str = "record") -> Record:
    """Only the points that `use` in device.toml asks for, by frequency, time, voltage or current.

    Parameters
    ----------
    record : Record
    settings : FileSettings
    what : str
        Word for the record in the message.

    Raises
    ------
    FileFormatError
        No point is left.
    """
    keep = np.ones(record.points, dtype=bool)
    for role, (low, high) in settings.use.items():
        values: FloatArray | None = getattr(record, role, None)
        if values is not None:
            keep &= (values >= low) & (values <= high)
    if keep.all():
        return record
    if not keep.any():
        raise FileFormatError(
            f"`use` in device.toml leaves no point of this {what}.", file=record.origin.file
        )
    return record.select(
        keep, f"{np.count_nonzero(~keep)} points were left out as `use` in device.toml asks."
    )


_FARTHEST = 10.0
"""Times that an offset may be longer than the record: it moves the clock to that of another record."""


def check_offset(record: Record, settings: FileSettings) -> None:
    """Refuse a `time_offset` that takes the times of a record where they never were.

    Parameters
    ----------
    record : Record
        With the offset in its times.
    settings : FileSettings

    Raises
    ------
    FileFormatError
        The offset is far longer than the record is, or is away from 0.
    """
    time, offset = getattr(record, "time", None), settings.time_offset
    if time is None or offset == 0.0:
        return
    first, last = time[0] - offset, time[-1] - offset
    if abs(offset) > _FARTHEST * max(abs(first), abs(last)):
        raise FileFormatError(
            f"`time_offset` in device.toml is {offset:g} s, and the times of this record go from {first:g} "
            f"to {last:g} s: expected an offset of that size.",
            file=record.origin.file,
        )


def without_points(record: Record, settings: FileSettings) -> Record:
    """The record without the points that `leave_out` in device.toml names.

    Parameters
    ----------
    record : Record
    settings : FileSettings

    Raises
    ------
    FileFormatError
        It has no such point, or none is left.
    """
    wanted = {*settings.leave_out.get("", ()), *settings.leave_out.get(record.origin.part, ())}
    if not wanted:
        return record
    file = record.origin.file or record.name
    if max(wanted) > record.points:
        raise FileFormatError(
            f"`leave_out` in device.toml names point {max(wanted)}; this record has {record.points}.",
            file=file,
        )
    keep = np.ones(record.points, dtype=bool)
    keep[[number - 1 for number in wanted]] = False
    if not keep.any():
        raise FileFormatError("`leave_out` in device.toml leaves no point of this record.", file=file)
    return record.select(keep, f"{len(wanted)} points were left out as `leave_out` in device.toml asks.")
