"""The model beside all data while a slider moves: prepared once, then milliseconds.

A trace is one curve of one record in one of four panels. Long records are thinned evenly for the screen; the
misfit is that of all points that are not masked, against the noise seen without the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets import ImpedanceSpectrum, IVSweep, Record
from memfit.fitting.noise import clipped_mean, noise_without_model
from memfit.fitting.prediction.predict import Predictor, bias_of, measured, modulus
from memfit.model import Parameters
from memfit.reporting.numbers import quantity_digits

SpectraView = Literal["modulus", "nyquist"]
CurrentView = Literal["linear", "log"]


@dataclass(frozen=True)
class Settings:
    """What the screen shows."""

    tolerance: float = 1e-5
    """Of the integrator: a pixel is a thousandth."""
    points: int = 160
    """Of a curve in time."""
    largest: float = 1e6
    """Standard deviations that a point may be away."""


SETTINGS = Settings()


@dataclass(frozen=True, eq=False)
class Trace:
    """A curve of a record in a panel."""

    panel: int
    """0 modulus or Nyquist, 1 phase, 2 current and voltage, 3 response in time."""
    record: int
    x: FloatArray
    y: FloatArray
    kept: BoolArray
    """Points that are not masked."""


class Live:
    """The records of a device, prepared for curves.

    Parameters
    ----------
    records : sequence of Record
        With all their points.
    keeps : sequence of (n,) arrays of bool
        Points of each that are not masked.
    """

    def __init__(self, records: Sequence[Record], keeps: Sequence[BoolArray]) -> None:
        self.records = tuple(records)
        self._predictor = Predictor(self.records, SETTINGS.tolerance)
        self._keeps = tuple(keeps)
        self._data = self._predictor.data()
        both = [
            np.tile(keep, 2) if isinstance(r, ImpedanceSpectrum) else keep
            for r, keep in zip(self.records, keeps, strict=True)
        ]
        self._used = np.concatenate(both) if both else np.zeros(0, dtype=bool)
        sigma = []
        for record in self.records:
            values = measured(record)
            sigma.append(np.maximum(noise_without_model(record).sigma(modulus(record, values)), 1e-300))
        self._sigma = np.concatenate(sigma) if sigma else np.zeros(0)
        self._thin = tuple(_thin(record) for record in self.records)

    def model(self, p: Parameters) -> FloatArray:
        """(n,) the model at every point of every record, end to end; NaN where it could not be computed.

        Parameters
        ----------
        p : Parameters
        """
        return self._predictor(p, slopes_in_time=False).values

    def measured_traces(self, spectra: SpectraView, current: CurrentView) -> list[Trace]:
        """The data as traces.

        Parameters
        ----------
        spectra : {"modulus", "nyquist"}
        current : {"linear", "log"}
        """
        return self.traces(self._data, spectra, current)

    def traces(self, values: FloatArray, spectra: SpectraView, current: CurrentView) -> list[Trace]:
        """Values at all points as traces, in the order of the panels.

        Parameters
        ----------
        values : (n,) array
            As from `model`.
        spectra : {"modulus", "nyquist"}
        current : {"linear", "log"}
        """
        found = []
        for k, (record, here, thin) in enumerate(
            zip(self.records, self._predictor.slices, self._thin, strict=True)
        ):
            part, kept = values[here], self._keeps[k][thin]
            if isinstance(record, ImpedanceSpectrum):
                Z = part[: record.points] + 1j * part[record.points :]
                f, Z = record.frequency[thin], Z[thin]
                xy = (Z.real, -Z.imag) if spectra == "nyquist" else (f, np.abs(Z))
                found.append(Trace(0, k, *xy, kept))
                found.append(Trace(1, k, f, -np.angle(Z, deg=True), kept))
            elif isinstance(record, IVSweep):
                voltage, amperes = (
                    (record.voltage, part) if record.control == "voltage" else (part, record.current)
                )
                amperes = np.abs(amperes) if current == "log" else amperes
                found.append(Trace(2, k, voltage[thin], amperes[thin], kept))
            elif record.response_unit != "1":  # a ratio has no axis there
                found.append(Trace(3, k, record.time[thin], part[thin], kept))
        return sorted(found, key=lambda trace: trace.panel)

    def of_record(self, k: int, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The model at the points of one record, and (data - model) over the noise.

        Parameters
        ----------
        k : int
        values : (n,) array
            As from `model`.
        """
        here = self._predictor.slices[k]
        return values[here], (self._data[here] - values[here]) / self._sigma[here]

    def misfits(self, values: FloatArray) -> list[float]:
        """Root mean square distance of each record from the model over its noise: 1 where all is described.

        Parameters
        ----------
        values : (n,) array
            As from `model`.
        """
        ratio = np.minimum(np.abs((self._data - values) / self._sigma), SETTINGS.largest)
        squares = np.where(np.isfinite(ratio), ratio, SETTINGS.largest) ** 2
        return [
            float(np.sqrt(clipped_mean(squares[here][self._used[here]]))) if self._used[here].any() else 0.0
            for here in self._predictor.slices
        ]


def _thin(record: Record) -> np.ndarray:
    """Places of the points of a record that are shown."""
    if record.points <= SETTINGS.points or isinstance(record, ImpedanceSpectrum):
        return np.arange(record.points)
    return np.unique(np.linspace(0, record.points - 1, SETTINGS.points).round().astype(int))


def label_of(record: Record) -> str:
    """What tells a record apart: bias, scan rate, or the largest of what was applied.

    Parameters
    ----------
    record : Record
    """
    if isinstance(record, ImpedanceSpectrum):
        if record.bias_voltage is None and record.bias_current is None:
            return "bias missing"
        control, bias = bias_of(record)
        return quantity_digits(bias, "V" if control == "voltage" else "A", 3)
    if isinstance(record, IVSweep):
        if record.scan_rate is None:
            return "quasi-steady" if record.time is None else record.name
        return quantity_digits(record.scan_rate, "V/s" if record.control == "voltage" else "A/s", 3)
    most = float(record.drive.value[np.argmax(np.abs(record.drive.value))])
    return quantity_digits(most, "V" if record.control == "voltage" else "A", 3)


def can_be_computed(record: Record) -> bool:
    """Whether a record says where on its curve the model stands: a spectrum needs its bias.

    Parameters
    ----------
    record : Record
    """
    if isinstance(record, ImpedanceSpectrum):
        return record.bias_voltage is not None or record.bias_current is not None
    return True
