"""How noisy each record is, estimated from the record and then from its residuals.

Impedance: a fraction of |Z|. Sweeps and currents under pulses, which span decades: a fraction of the value
plus a floor. Voltages under pulses: constant. The first estimate needs no model: the distance of every point
from the cubic through its two neighbours on either side. After a fit the level is set so that each record's
own chi2 per degree of freedom is 1.
"""

from dataclasses import dataclass

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, PulseTransient, Record
from memfit.fitting.predict import measured, modulus
from memfit.noise_estimate import TO_SIGMA, distance_from_neighbours

SMALLEST_RELATIVE = 1e-6
"""Of the largest value of a record: no noise is taken to be below, so that exact data can be fitted too."""
_CLIP = 3.5
_ITERATIONS = 30
_FIRST_FLOOR = 0.02
"""Of the relative noise at the largest current: the least floor assumed before there is a model.

Often the only currents near zero are the first and the last, where no neighbours show the floor.
"""
_TELL_FLOOR = 8
"""Points near zero that tell the floor; with fewer the least one is kept."""
_FEWEST = 3
"""Distances that make a first estimate."""
_TINY = 1e-150
"""Smallest size whose square is a number."""


@dataclass(frozen=True)
class Noise:
    """Standard deviation sqrt((relative |y|)^2 + floor^2)."""

    relative: float
    floor: float

    def sigma(self, sizes: FloatArray) -> FloatArray:
        """(n,) standard deviations for values of the given sizes."""
        result: FloatArray = np.hypot(self.relative * sizes, self.floor)
        return result

    def scaled(self, factor: float) -> "Noise":
        """The same shape, another level."""
        return Noise(self.relative * factor, self.floor * factor)


def first_noise(record: Record) -> Noise:
    """Noise of a record seen without any model."""
    if isinstance(record, ImpedanceSpectrum):
        return Noise(max(_relative_noise(record), SMALLEST_RELATIVE), 0.0)
    values = measured(record)
    distance = local_distances(record)
    known = np.isfinite(distance)
    if np.count_nonzero(known) < _FEWEST:
        distance, known = np.where(known, distance, 0.0), np.ones(values.size, dtype=bool)
    seen = fit_noise(record, distance, known, values, float(np.count_nonzero(known)))
    hidden = _FIRST_FLOOR * seen.relative * float(np.max(np.abs(values)))
    return Noise(seen.relative, max(seen.floor, hidden)) if _spans_decades(record) else seen


def _spans_decades(record: IVSweep | PulseTransient) -> bool:
    """Whether the noise may follow the value: sweeps, and currents, which begin with that of C_m."""
    return isinstance(record, IVSweep) or record.control == "voltage"


def _relative_noise(spectrum: ImpedanceSpectrum) -> float:
    """Noise as a fraction of |Z|: the typical distance of log |Z| and of the phase, smooth over decades.

    By the median, because a sharp resonance between few points is no noise.
    """
    at = np.log(spectrum.frequency)
    order = np.argsort(at)
    Z = spectrum.impedance[order]
    logs = np.log(np.maximum(np.abs(Z), _TINY)), np.unwrap(np.angle(Z))
    distance = np.concatenate([distance_from_neighbours(at[order], part) for part in logs])
    known = np.abs(distance[np.isfinite(distance)])
    return TO_SIGMA * float(np.median(known)) if known.size >= _FEWEST else 0.0


def local_distances(record: IVSweep | PulseTransient) -> FloatArray:
    """(n,) distance of each value from the cubic through its neighbours, scaled to one point's noise.

    NaN where there are no neighbours on both sides, or too unevenly spaced ones.
    """
    at = record.time if record.time is not None else np.arange(record.points, dtype=float)
    return distance_from_neighbours(at, record.response)


def fit_noise(record: Record, residual: FloatArray, keep: BoolArray, model: FloatArray, dof: float) -> Noise:
    """Noise that makes the residuals (in units of the data) typical.

    Parameters
    ----------
    record : Record
    residual, model : (n,) arrays
        Data minus model, and the model (ohm, A or V).
    keep : (n,) array of bool
        Points that count.
    dof : float
        Degrees of freedom of this record.
    """
    sizes = modulus(record, model)[keep]
    squares = residual[keep] ** 2
    count = max(sizes.size, 1)
    least = SMALLEST_RELATIVE * float(np.max(modulus(record, measured(record))[keep], initial=1e-30))
    share = count / max(dof, 1.0)
    if isinstance(record, ImpedanceSpectrum):
        scale = _clipped_mean(squares / np.maximum(sizes, _TINY) ** 2) * share
        return Noise(max(float(np.sqrt(scale)), SMALLEST_RELATIVE), 0.0)
    if _spans_decades(record):
        relative, floor = _relative_and_floor(squares * share, sizes, least)
        largest = float(np.max(sizes, initial=0.0))
        if np.count_nonzero(sizes < _FIRST_FLOOR * largest) < _TELL_FLOOR:  # a few may be small by chance
            floor = max(floor, _FIRST_FLOOR * relative * largest)
        return Noise(relative, floor)
    return Noise(0.0, max(float(np.sqrt(_clipped_mean(squares) * share)), least))


def _clipped_mean(squares: FloatArray) -> float:
    """Mean of squares in which a few wild ones do not count."""
    typical = TO_SIGMA**2 * float(np.median(squares))
    if typical == 0.0:
        return float(np.mean(squares))
    for _ in range(3):
        typical = float(np.mean(np.minimum(squares, _CLIP**2 * typical)))
    return typical


def _relative_and_floor(squares: FloatArray, sizes: FloatArray, least: float) -> tuple[float, float]:
    """Maximum likelihood of squares ~ a size^2 + b by reweighted linear least squares, a and b >= 0."""
    largest = float(np.max(sizes))
    if largest <= least:  # nothing but noise
        return 0.0, max(float(np.sqrt(_clipped_mean(squares))), least)
    m = (sizes / largest) ** 2
    s = squares / largest**2
    low = (least / largest) ** 2
    a, b = 0.5 * _clipped_mean(s / np.maximum(m, 1e-6)), max(0.1 * _clipped_mean(s), low)
    for _ in range(_ITERATIONS):
        variance = np.maximum(a * m + b, low)
        weight = 1.0 / variance**2
        target = np.minimum(s, _CLIP**2 * variance)
        mm, m1, ones = float(weight @ m**2), float(weight @ m), float(weight.sum())
        ty, t1 = float(weight @ (m * target)), float(weight @ target)
        determinant = mm * ones - m1**2
        if determinant <= 1e-12 * mm * ones:
            a, b = 0.0, t1 / ones
            break
        new_a, new_b = (ty * ones - t1 * m1) / determinant, (t1 * mm - ty * m1) / determinant
        if new_a < 0:
            new_a, new_b = 0.0, t1 / ones
        elif new_b < low:
            new_a, new_b = ty / mm, low
        done = abs(new_a - a) + abs(new_b - b) <= 1e-6 * (a + b)
        a, b = new_a, new_b
        if done:
            break
    return float(np.sqrt(a)), max(float(np.sqrt(b)) * largest, least)
