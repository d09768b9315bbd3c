"""What a record covers: frequencies, voltages, currents, times, scan rate. For planning what comes next."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from memfit.datasets.records import ImpedanceSpectrum, IVSweep, Record

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
        found: dict[str, Any] = {
            "frequency": record.frequency,
            "voltage": record.bias_voltage,
            "current": record.bias_current,
        }
    else:
        found = {"voltage": record.voltage, "current": record.current, "time": record.time}
        if isinstance(record, IVSweep):
            found["scan_rate"] = record.scan_rate or _mean_rate(record)
        else:
            found[record.control] = record.drive.value
    return {
        key: (float(np.min(values)), float(np.max(values)))
        for key, values in found.items()
        if values is not None
    }


def _mean_rate(sweep: IVSweep) -> float | None:
    """Way over time, V/s or A/s; None without a time."""
    if sweep.time is None or sweep.time[-1] <= sweep.time[0]:
        return None
    driven = sweep.voltage if sweep.control == "voltage" else sweep.current
    return float(np.sum(np.abs(np.diff(driven))) / (sweep.time[-1] - sweep.time[0]))
