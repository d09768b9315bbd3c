"""A device: its records, what is known of it, and what its device.toml asks of the fit.

What a record covers: frequencies, voltages, currents, times, scan rate. For planning what comes next.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from memfit.above import PICTURE, Shown, from_above
from memfit.datasets.records import (
    ImpedanceSpectrum,
    IVSweep,
    Kind,
    PulseTransient,
    Record,
    content_digest,
)
from memfit.errors import InputError, meant
from memfit.fit_options import FitSettings
from memfit.units import texts_in_si

if TYPE_CHECKING:
    import pandas as pd


ORDER = "order of measuring"
"""Key of the metadata of a record: its number in the order of measuring, where that was told."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Device(Shown):
    """Everything measured on one device.

    Raises
    ------
    InputError
        Two records have the same name, or a unit is of something else.
    """

    name: str
    records: tuple[Record, ...]
    area: float | None = None
    """m^2, or a text with its unit."""
    temperature: float | None = None
    """K, or a text with its unit."""
    attributes: Mapping[str, str | float] = field(default_factory=dict)
    """Anything else that tells devices apart: composition, batch, ..."""
    settings: FitSettings = field(default_factory=FitSettings)
    notes: tuple[str, ...] = ()
    """Files that were left out, and why; a sentence each."""
    paths: tuple[str, ...] = ()
    """What it was loaded from: a folder, a device.toml or files, absolute; empty if made in memory."""
    ordered: bool = True
    """Whether the records are in the order in which they were measured."""

    def __post_init__(self) -> None:
        """Names must tell records apart; texts with units become SI."""
        texts_in_si(self, area="area", temperature="temperature")
        twice = [name for name, count in Counter(record.name for record in self.records).items() if count > 1]
        if twice:
            raise InputError(f"{self.name}: two records are called {twice[0]!r}; give each its own name.")

    def __repr__(self) -> str:
        """Its name and its records, one a line."""
        return "\n  ".join([f"<Device {self.name!r}:", *map(repr, self.records)]) + ">"

    @property
    def spectra(self) -> tuple[ImpedanceSpectrum, ...]:
        """The impedance spectra."""
        return tuple(record for record in self.records if isinstance(record, ImpedanceSpectrum))

    @property
    def sweeps(self) -> tuple[IVSweep, ...]:
        """The current-voltage sweeps."""
        return tuple(record for record in self.records if isinstance(record, IVSweep))

    @property
    def transients(self) -> tuple[PulseTransient, ...]:
        """The pulse transients."""
        return tuple(record for record in self.records if isinstance(record, PulseTransient))

    def __getitem__(self, name: str) -> Record:
        """The record of a name.

        Raises
        ------
        InputError
            There is none.
        """
        self._check_names([name])
        return next(record for record in self.records if record.name == name)

    def __iter__(self) -> Iterator[Record]:
        """The records, in order."""
        return iter(self.records)

    def only(self, *names: str, kind: Kind | None = None) -> "Device":
        """The same device with some of its records.

        Parameters
        ----------
        *names : str
            Of the records to keep; all, where none is given.
        kind : {"impedance", "iv", "transient", "potentiation", "retention", "paired_pulse"}, optional
            Of the records to keep.

        Raises
        ------
        InputError
            There is no record of this name or kind.
        """
        if kind is not None and kind not in get_args(Kind):
            raise InputError(f"{self.name}: unknown kind {kind!r}; {meant(str(kind), get_args(Kind))}")
        self._check_names(names)
        kept = [r for r in self.records if r.name in (names or (r.name,)) and kind in (None, r.kind)]
        if not kept:
            there = ", ".join(sorted({record.kind for record in self.records}))
            raise InputError(f"{self.name}: no record of the kind {kind!r} is among these; found {there}.")
        return replace(self, records=tuple(kept))

    def without(self, *names: str) -> "Device":
        """The same device without some of its records.

        Parameters
        ----------
        *names : str
            Of the records to leave out.

        Raises
        ------
        InputError
            There is no record of this name, or none would be left.
        """
        self._check_names(names)
        kept = tuple(record for record in self.records if record.name not in names)
        if not kept:
            raise InputError(f"{self.name}: no record would be left.")
        return replace(self, records=kept)

    def replaced(self, *records: Record) -> "Device":
        """The same device with some records in place of those of the same names.

        Parameters
        ----------
        *records : Record
            As `record.masked` makes them.

        Raises
        ------
        InputError
            There is no record of this name.
        """
        new = {record.name: record for record in records}
        self._check_names(tuple(new))
        return replace(self, records=tuple(new.get(record.name, record) for record in self.records))

    def _check_names(self, names: "tuple[str, ...] | list[str]") -> None:
        """Every name is that of a record."""
        known = [record.name for record in self.records]
        for name in names:
            if name not in known:
                raise InputError(f"{self.name}: there is no record {name!r}; {meant(str(name), known)}")

    def plot(self) -> Any:
        """Draw everything that was measured, a row a kind, in a new figure of pyplot; its axes come back.

        `memfit.plot` has each picture by itself, on axes of your own.
        """
        return from_above(PICTURE, self)

    def to_frame(self) -> "pd.DataFrame":
        """All points of all records below each other, with the columns "record" and "kind" in front.

        `device.to_frame().groupby("record")` takes them apart again; a quantity that a record does not have
        is NaN in its rows. How each was measured is in its `attrs`, from which `memfit.device_from_frames`
        makes the device again.
        """
        import pandas as pd  # noqa: PLC0415 - half a second that a fit need not wait

        frames = [record.to_frame() for record in self.records]
        stated = {record.name: frame.attrs for record, frame in zip(self.records, frames, strict=True)}
        for record, frame in zip(self.records, frames, strict=True):
            frame.attrs = {}
            frame.insert(0, "kind", record.kind)
            frame.insert(0, "record", record.name)
        together = pd.concat(frames, ignore_index=True)
        together.attrs = {"name": self.name, "records": stated}
        return together


Extent = Mapping[str, tuple[float, float]]


def extent_of(record: Record) -> Extent:
    """Lowest and highest value of each quantity of a record.

    Parameters
    ----------
    record : Record

    Returns
    -------
    mapping
        "frequency" (Hz), "voltage" (V, terminal), "current" (A), "time" (s), "scan_rate" (V/s or A/s): those
        the record has.
    """
    if isinstance(record, ImpedanceSpectrum):
        quantities: dict[str, Any] = {
            "frequency": record.frequency,
            "voltage": record.bias_voltage,
            "current": record.bias_current,
        }
    else:
        quantities = {"voltage": record.voltage, "current": record.current, "time": record.time}
        if isinstance(record, IVSweep):
            quantities["scan_rate"] = record.scan_rate or _mean_rate(record)
        else:
            quantities[record.control] = record.drive.value
    return {
        key: (float(np.min(values)), float(np.max(values)))
        for key, values in quantities.items()
        if values is not None
    }


def _mean_rate(sweep: IVSweep) -> float | None:
    """Way over time, V/s or A/s; None without a time."""
    if sweep.time is None or sweep.time[-1] <= sweep.time[0]:
        return None
    driven = sweep.voltage if sweep.control == "voltage" else sweep.current
    return float(np.sum(np.abs(np.diff(driven))) / (sweep.time[-1] - sweep.time[0]))


def ranked(device: Device) -> Device:
    """The device with its records in an order that neither names of files nor their order change.

    By kind, then by bias, scan rate or largest drive; what is alike in that goes by the content of the file,
    and records of one file as they stand in it. A fit then gives the same bytes. An order of measuring is
    kept with the records, for a drift goes by it.

    Parameters
    ----------
    device : Device
    """
    records = device.records
    if device.ordered:
        numbers = map(str, range(len(records)))
        records = tuple(
            replace(record, metadata={ORDER: number, **record.metadata})
            for record, number in zip(records, numbers, strict=True)
        )
    return replace(device, records=tuple(sorted(records, key=_rank)))


def _rank(record: Record) -> tuple[str, str, float, str]:
    """Kind, control, what was applied, and a digest."""
    applied = 0.0
    if isinstance(record, ImpedanceSpectrum):
        applied = record.bias_voltage if record.bias_voltage is not None else record.bias_current or 0.0
    elif isinstance(record, IVSweep):
        applied = record.scan_rate or 0.0
    elif record.drive.value.size:
        applied = float(abs(record.drive.value).max())
    return record.kind, record.control, applied, record.origin.sha256 or content_digest(record)
