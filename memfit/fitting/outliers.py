"""Points left out of a fit: isolated ones, improbable for their record while their neighbours are ordinary.

A run of large residuals is structure that the model misses, and stays in, to be seen; and a point that
follows its neighbours in the data is no outlier, whatever the model says.
"""

from dataclasses import dataclass

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets import ImpedanceSpectrum, Record
from memfit.fitting.minimum.problem import FitState
from memfit.fitting.prediction.predict import modulus
from memfit.fitting.results.findings import Excluded
from memfit.noise_estimate import distance_from_neighbours, relative_distances


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the screening."""

    outlier: float = 5.0
    """Standard deviations of an outlier; about one good point in two million lies beyond."""
    stray: float = 3.0
    """Distance from the curve through its neighbours in the data, in standard deviations, of an outlier."""
    neighbour: float = 3.5
    """A neighbour beyond this, on the same side, makes it a run; a point left out that is nearer counts
    again."""
    largest_share: float = 0.1
    """Of a record's points that may be outliers; more than that is not isolated."""


SETTINGS = Settings()


def find_outliers(state: FitState) -> BoolArray:
    """(n,) True for points to leave out, given the noise estimated from the residuals.

    A point that an earlier fit left out counts again where this fit passes by it as by its neighbours; a
    record that was left out as a whole does not.

    Parameters
    ----------
    state : FitState
    """
    predictor = state.problem.predictor
    scaled = state.scaled_distances()
    scaled = np.where(np.isfinite(scaled), scaled, 0.0)
    out = np.zeros(predictor.size, dtype=bool)
    for record, here in zip(predictor.records, predictor.slices, strict=True):
        parts = np.split(scaled[here], 2) if isinstance(record, ImpedanceSpectrum) else [scaled[here]]
        bad = np.zeros(record.points, dtype=bool)
        for part in parts:  # large residuals with an ordinary neighbour on both sides
            padded, sign, size = np.concatenate([[0.0], part, [0.0]]), np.sign(part), np.abs(part)
            run = (sign * padded[:-2] > SETTINGS.neighbour) | (sign * padded[2:] > SETTINGS.neighbour)
            bad |= (size > SETTINGS.outlier) & ~(run & (size < 4 * SETTINGS.outlier))
        bad &= _strays(record, predictor.data()[here], state.problem.sigma[here]) & ~_beside_jumps(record)
        if np.count_nonzero(bad) > max(1, SETTINGS.largest_share * bad.size):
            bad[:] = False
        far = np.logical_or.reduce([np.abs(part) > SETTINGS.neighbour for part in parts])
        before = ~state.problem.keep[here][: record.points]
        out[here] = np.tile(bad | (before & far), len(parts)) | before.all()
    return out


def _strays(record: Record, values: FloatArray, sigma: FloatArray) -> BoolArray:
    """(n,) Whether a point is away from its neighbours in the data too; True where none can tell.

    Where a model misses a record, points that follow their neighbours are not isolated.
    """
    if isinstance(record, ImpedanceSpectrum):
        parts = np.split(relative_distances(record.frequency, record.impedance), 2)
        order = np.argsort(np.log(record.frequency))
        relative = np.split(sigma / modulus(record, values), 2)[0]
        away = [np.empty(record.points) for _ in parts]
        for unordered, part in zip(away, parts, strict=True):
            unordered[order] = part
        away = [part / relative for part in away]
    else:
        away = [distance_from_neighbours(values, getattr(record, "time", None)) / sigma]
    result: BoolArray = np.logical_or.reduce([~(np.abs(part) < SETTINGS.stray) for part in away])
    return result


def _beside_jumps(record: Record) -> BoolArray:
    """(n,) Samples right before and after a jump of the drive: when it happened is only known to a sample."""
    beside = np.zeros(record.points, dtype=bool)
    drive, time = getattr(record, "drive", None), getattr(record, "time", None)
    if drive is not None and time is not None:
        after = np.searchsorted(time, drive.jumps)
        for shift in (-1, 0, 1):
            beside[np.clip(after + shift, 0, record.points - 1)] = True
    return beside


def describe_outliers(state: FitState) -> tuple[Excluded, ...]:
    """The points left out, with place and reason.

    Parameters
    ----------
    state : FitState
    """
    predictor = state.problem.predictor
    scaled = np.abs(state.scaled_distances())
    described = []
    for record, here in zip(predictor.records, predictor.slices, strict=True):
        distance = scaled[here]
        if not state.problem.keep[here].any():
            continue  # as a whole: the inputs say so
        for i in map(int, np.flatnonzero(~state.problem.keep[here][: record.points])):
            size = max(distance[i], distance[i + record.points] if distance.size > record.points else 0.0)
            if isinstance(record, ImpedanceSpectrum):
                at = f"f = {record.frequency[i]:.6g} Hz"
            elif record.time is not None:
                at = f"t = {record.time[i]:.6g} s"
            else:
                at = f"V = {record.voltage[i]:.6g} V"
            reason = f"isolated: {size:.1f} standard deviations from the fit, its neighbours are not"
            described.append(Excluded(file=record.name, index=i, at=at, reason=reason))
    return tuple(described)
