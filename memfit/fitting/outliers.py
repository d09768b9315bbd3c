"""Isolated outliers: single points that no model within reach explains (mains hum, range changes, spikes).

A point is left out when its residual is improbable for its record while its neighbours are ordinary; a run of
large residuals is structure that the model misses, and stays in, to be seen.
"""

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets.records import ImpedanceSpectrum, Record
from memfit.fitting.problem import FitState
from memfit.fitting.result import Excluded

_LIMIT = 5.0
"""Standard deviations; about one good point in two million lies beyond."""
_NEIGHBOUR = 3.5
"""A neighbour beyond this, on the same side, makes it a run; a point left out that is nearer counts again."""
_LARGEST_SHARE = 0.1
"""Of a record's points; more than that is not isolated."""


def find_outliers(state: FitState) -> BoolArray:
    """(n,) True for points to leave out, given the noise estimated from the residuals.

    A point that an earlier fit left out counts again where this fit passes by it as by its neighbours.
    """
    predictor = state.problem.predictor
    scaled = (predictor.data() - state.model_values()) / state.problem.sigma
    scaled = np.where(np.isfinite(scaled), scaled, 0.0)
    out = np.zeros(predictor.size, dtype=bool)
    for record, here in zip(predictor.records, predictor.slices, strict=True):
        parts = np.split(scaled[here], 2) if isinstance(record, ImpedanceSpectrum) else [scaled[here]]
        bad = np.logical_or.reduce([_isolated(part) for part in parts])
        if np.count_nonzero(bad) > max(1, _LARGEST_SHARE * bad.size):
            bad[:] = False
        far = np.logical_or.reduce([np.abs(part) > _NEIGHBOUR for part in parts])
        before = ~state.problem.keep[here][: record.points]
        out[here] = np.tile(bad | (before & far), len(parts))
    return out


def _isolated(scaled: FloatArray) -> BoolArray:
    """Large residuals with an ordinary neighbour on both sides."""
    padded = np.concatenate([[0.0], scaled, [0.0]])
    sign = np.sign(scaled)
    run = (sign * padded[:-2] > _NEIGHBOUR) | (sign * padded[2:] > _NEIGHBOUR)
    result: BoolArray = (np.abs(scaled) > _LIMIT) & ~(run & (np.abs(scaled) < 4 * _LIMIT))
    return result


def describe_outliers(state: FitState) -> tuple[Excluded, ...]:
    """The points left out, with place and reason."""
    predictor = state.problem.predictor
    scaled = np.abs((predictor.data() - state.model_values()) / state.problem.sigma)
    described = []
    for record, here in zip(predictor.records, predictor.slices, strict=True):
        left_out = ~state.problem.keep[here][: record.points]
        distance = scaled[here]
        for i in np.flatnonzero(left_out):
            size = max(distance[i], distance[i + record.points] if distance.size > record.points else 0.0)
            reason = f"isolated: {size:.1f} standard deviations from the fit, its neighbours are not"
            described.append(
                Excluded(file=record.name, index=int(i), at=_place(record, int(i)), reason=reason)
            )
    return tuple(described)


def _place(record: Record, i: int) -> str:
    """Where a point is, in words."""
    if isinstance(record, ImpedanceSpectrum):
        return f"f = {record.frequency[i]:.6g} Hz"
    if record.time is not None:
        return f"t = {record.time[i]:.6g} s"
    return f"V = {record.voltage[i]:.6g} V"
