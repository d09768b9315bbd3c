"""How well a device conducts in each record, seen without a model: what units and signs are judged by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets import ImpedanceSpectrum, IVSweep, PulseTransient, Record


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the comparison."""

    neighbours: int = 5
    """Other records, the nearest in voltage, that a conductance is compared with ..."""
    few_points: int = 40
    """... at so many points, ..."""
    beside: float = 0.1
    """... those that are so near, as part of the largest voltage, where there are any."""
    witnesses: int = 2
    """Other records that have such points, without which no unit is judged by conductance alone."""


SETTINGS = Settings()


def distances(records: Sequence[Record]) -> tuple[FloatArray, BoolArray]:
    """Decades by which the conductance of each record is above that of others at nearly the same voltages.

    Parameters
    ----------
    records : sequence of Record

    Returns
    -------
    (r,) array
    (r,) bool array
        Whether several others have points so near in voltage that no device explains decades.
    """
    seen = [conductances(record) for record in records]
    away, told = np.zeros(len(records)), np.zeros(len(records), dtype=bool)
    for k, (voltage, level) in enumerate(seen):
        others = [pair for j, pair in enumerate(seen) if j != k and pair[0].size]
        if not others or not voltage.size:
            continue
        gaps = [np.abs(voltage[:, None] - v) for v, _ in others]
        gap = np.array([np.min(one, axis=1) for one in gaps])
        there = np.array([g[np.argmin(one, axis=1)] for (_, g), one in zip(others, gaps, strict=True)])
        order = np.argsort(gap, axis=0, kind="stable")[: SETTINGS.neighbours]
        reference = np.median(np.take_along_axis(there, order, axis=0), axis=0)
        beside = np.min(gap, axis=0)
        within = SETTINGS.beside * float(np.max(np.abs(voltage)))
        near = beside <= max(within, float(np.min(beside)))
        away[k] = float(np.median((level - reference)[near]))
        told[k] = np.count_nonzero(np.any(gap <= within, axis=1)) >= SETTINGS.witnesses
    return away, told


def conductances(record: Record) -> tuple[FloatArray, FloatArray]:
    """(k,) voltages, V, and the decimal logarithm of the conductance, S, there: a few points of a record.

    Parameters
    ----------
    record : Record
    """
    if isinstance(record, ImpedanceSpectrum):
        level = conductance_level(record)
        bias = record.bias_voltage
        volts = bias if bias is not None else (record.bias_current or 0.0) * 10.0**-level
        return np.array([volts]), np.array([level])
    if record.response_unit == "1":  # a ratio says nothing of it
        return np.empty(0), np.empty(0)
    current, voltage = _current_and_voltage(record)
    size = np.abs(voltage)
    there = np.flatnonzero((size > 0.2 * size.max(initial=0.0)) & (current != 0.0))
    there = there[:: max(1, there.size // SETTINGS.few_points)]
    return voltage[there], np.log10(np.abs(current[there] / voltage[there]))


def conductance_level(record: Record) -> float:
    """Decimal logarithm of the typical conductance, S, of a record: of all its points away from zero.

    Parameters
    ----------
    record : Record

    Returns
    -------
    float
        NaN of a ratio, which says nothing of it.
    """
    if isinstance(record, ImpedanceSpectrum):
        return -float(np.log10(np.abs(record.impedance[np.argmin(record.frequency)]) + 1e-300))
    if record.response_unit == "1":
        return np.nan
    current, voltage = np.abs(_current_and_voltage(record))
    there = (voltage > 0.2 * voltage.max(initial=0.0)) & (current > 0.0)
    return float(np.median(np.log10(current[there] / voltage[there]))) if there.any() else 0.0


def _current_and_voltage(record: IVSweep | PulseTransient) -> FloatArray:
    """(2, n) current, A, and voltage, V; what was not recorded is read off the drive."""
    if isinstance(record, IVSweep):
        return np.array([record.current, record.voltage])
    source = record.drive.at(record.time)
    pair = [source, record.response] if record.control == "current" else [record.response, source]
    return np.array(pair)
