"""95 % bands of model curves, from curves that the data allow."""

import numpy as np

from memfit.arrays import ComplexArray, FloatArray
from memfit.datasets.records import ImpedanceSpectrum
from memfit.fitting.result import FittedRecord

_TAILS = (0.025, 0.975)

Band = tuple[FloatArray, FloatArray]
"""Lower and upper end at every point."""


def band_of(fitted: FittedRecord) -> Band | None:
    """The band of the response of a record in time, A or V; None where nothing is known."""
    return None if fitted.curves is None else ends(np.asarray(fitted.curves, dtype=np.float64))


def ends(curves: FloatArray) -> Band:
    """Central 95 % of curves (k, n) at every point."""
    low, high = np.quantile(curves, _TAILS, axis=0)
    return low, high


def nyquist_band(
    fitted: FittedRecord, frequency: FloatArray, Z: ComplexArray
) -> tuple[ComplexArray, ComplexArray] | None:
    """The band of a spectrum in the plane of Z (ohm), measured across the curve; None where nothing is known.

    Parameters
    ----------
    fitted : FittedRecord
        The spectrum.
    frequency, Z : (k,) arrays
        The model curve to lay the band around, Hz (rising) and ohm; finer than the data.
    """
    measured = by_frequency(fitted)
    if measured is None or frequency.size < 2:
        return None
    at, predicted, curves = measured
    normal = _across(frequency, Z)
    near = np.interp(np.log(at), np.log(frequency), np.arange(frequency.size)).round().astype(int)
    low, high = ends(np.real((curves - predicted) * np.conj(normal[near])))
    where = np.log(frequency), np.log(at)
    return Z + np.interp(*where, low) * normal, Z + np.interp(*where, high) * normal


def by_frequency(fitted: FittedRecord) -> tuple[FloatArray, ComplexArray, ComplexArray] | None:
    """Frequencies (Hz, rising), prediction (n,) and curves (k, n) of a spectrum; None without curves."""
    record = fitted.record
    if fitted.curves is None or not isinstance(record, ImpedanceSpectrum):
        return None
    at, first = np.unique(record.frequency, return_index=True)
    predicted = np.asarray(fitted.predicted, dtype=np.complex128)
    return at, predicted[first], np.asarray(fitted.curves, dtype=np.complex128)[:, first]


def _across(frequency: FloatArray, Z: ComplexArray) -> ComplexArray:
    """Unit vectors across a curve."""
    way = np.gradient(Z, np.log(frequency))
    result: ComplexArray = 1j * way / np.maximum(np.abs(way), 1e-300)
    return result
