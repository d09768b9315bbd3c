"""A device: its records, what is known of it, and what its device.toml asks of the fit.

What a record covers: frequencies, voltages, currents, times, scan rate. For planning what comes next.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from memfit.datasets.records import ImpedanceSpectrum, IVSweep, PulseTransient, Record
from memfit.errors import InputError
from memfit.fit_options import FitSettings


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Device:
    """Everything measured on one device.

    Raises
    ------
    InputError
        Two records have the same name.
    """

    name: str
    records: tuple[Record, ...]
    area: float | None = None
    """m^2."""
    temperature: float | None = None
    """K."""
    attributes: Mapping[str, str | float] = field(default_factory=dict)
    """Anything else that tells devices apart: composition, batch, ..."""
    settings: FitSettings = field(default_factory=FitSettings)
    notes: tuple[str, ...] = ()
    """Files that were left out, and why; a sentence each."""
    paths: tuple[str, ...] = ()
    """What it was loaded from: a folder, a device.toml or files, absolute; empty if made in memory."""

    def __post_init__(self) -> None:
        """Names must tell records apart."""
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
