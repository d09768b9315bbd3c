"""Long transients with fewer samples, for the search: the minimum is found on thousands, settled on all.

The noise of every point stays that of the whole record.
"""

from dataclasses import replace

import numpy as np

from memfit.datasets.records import PulseTransient, Record
from memfit.fitting.predict import Predictor
from memfit.fitting.state import Problem

_LONG, _KEPT = 6000, 2500
"""Samples beyond which a record is long, and how many of them are kept, evenly spaced."""
_JUMPS, _AFTER, _BESIDE = 40, 120, 8
"""Jumps looked after, samples kept after each of them (ever wider apart), and all those next to it."""


def thinned(problem: Problem) -> Problem:
    """The same problem with the telling samples of its long transients."""
    predictor = problem.predictor
    masks = [_telling(record) for record in predictor.records]
    if all(mask.all() for mask in masks):
        return problem
    chosen = np.concatenate(
        [np.tile(m, 2) if r.kind == "impedance" else m for r, m in zip(predictor.records, masks, strict=True)]
    )
    records = [
        r if m.all() else r.select(m, "thinned for the search")
        for r, m in zip(predictor.records, masks, strict=True)
    ]
    return replace(
        problem,
        predictor=Predictor(records, predictor.tolerance),
        sigma=problem.sigma[chosen],
        keep=problem.keep[chosen],
    )


def _telling(record: Record) -> np.ndarray:
    """(n,) bool, the samples to keep."""
    n = record.points
    if n <= _LONG or not isinstance(record, PulseTransient):  # the samples of a sweep may be its drive
        return np.ones(n, dtype=bool)
    mask = np.zeros(n, dtype=bool)
    mask[np.linspace(0, n - 1, _KEPT).astype(int)] = True
    for jump in record.drive.jumps[:_JUMPS]:
        first = int(np.searchsorted(record.time, jump))
        mask[max(first - _BESIDE, 0) : first + _BESIDE] = True
        if first < n:
            mask[first + np.geomspace(1, n - first, _AFTER).astype(int) - 1] = True
    return mask
