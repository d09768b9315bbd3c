"""95 % bands of model curves, from curves that the data allow."""

import numpy as np

from memfit.arrays import ComplexArray, FloatArray
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


def nyquist_band(fitted: FittedRecord) -> tuple[ComplexArray, ComplexArray] | None:
    """The band of a spectrum in the plane of Z (ohm), measured across the curve."""
    if fitted.curves is None or fitted.record.points < 2:
        return None
    Z = np.asarray(fitted.predicted, dtype=np.complex128)
    way = np.gradient(Z)
    across = 1j * way / np.maximum(np.abs(way), 1e-300)
    off = np.real((np.asarray(fitted.curves) - Z) * np.conj(across))
    low, high = ends(off)
    return Z + low * across, Z + high * across


def has_band(fitted: FittedRecord) -> bool:
    """Whether curves are known."""
    return fitted.curves is not None
