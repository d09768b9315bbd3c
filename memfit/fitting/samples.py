"""Samples of fitted quantities: from vectors to values, medians and intervals."""

from collections.abc import Sequence

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.intervals import SampleEstimate
from memfit.fitting.uncertainty import unit_of
from memfit.fitting.unknowns import Unknowns

_DIGITS = 10
"""Significant digits that are kept of every sampled value."""
_TAILS = (0.025, 0.5, 0.975)


def rounded(unknowns: Unknowns, vectors: FloatArray) -> tuple[tuple[float, ...], ...]:
    """Vectors (k, m) of the minimiser as values, SI, with as many digits as mean something."""
    logarithmic = np.array([u.logarithmic for u in unknowns.free], dtype=bool)
    values = np.where(logarithmic, np.exp(np.where(logarithmic, vectors, 0.0)), vectors)
    return tuple(tuple(float(f"{v:.{_DIGITS}g}") for v in row) for row in values.tolist())


def sample_estimates(
    names: Sequence[str], samples: Sequence[Sequence[float]], units: Sequence[str] | None = None
) -> dict[str, SampleEstimate]:
    """Median, standard deviation and central 95 % of every column; nothing where there are no two rows."""
    if len(samples) < 2:
        return {}
    columns = np.array(samples).T
    found = {}
    for k, (name, column) in enumerate(zip(names, columns, strict=True)):
        low, median, high = (float(v) for v in np.quantile(column, _TAILS))
        found[name] = SampleEstimate(
            unit=units[k] if units else unit_of(name),
            median=median,
            stderr=float(np.std(column, ddof=1)),
            ci95=(low, high),
        )
    return found
