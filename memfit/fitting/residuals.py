"""Residuals of all records, each point divided by its standard deviation, laid end to end, with the exact Jacobian.

A trial that cannot be integrated gets a finite penalty of the right length, and is counted.
"""

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.fitting.predict import Prediction, Predictor
from memfit.fitting.unknowns import Unknowns

PENALTY = 1e3
"""Residual, in standard deviations, of a point that could not be computed."""


class JointResiduals:
    """(model - data)/sigma of the points kept, as a function of the vector of unknowns.

    Parameters
    ----------
    predictor : Predictor
    unknowns : Unknowns
    sigma : (n,) array
        Standard deviation of every point.
    keep : (n,) array of bool
        Points that count.
    """

    def __init__(self, predictor: Predictor, unknowns: Unknowns, sigma: FloatArray, keep: BoolArray) -> None:
        self.predictor = predictor
        self.unknowns = unknowns
        self.failures = 0
        """Trials in which a record could not be integrated."""
        self.evaluations = 0
        self._kept = np.flatnonzero(keep)
        self._data = predictor.data()[self._kept]
        self._weight = 1.0 / sigma[self._kept]
        self._record = predictor.record_of_point
        self._last_x: FloatArray | None = None
        self._last_r = self._last_j = np.empty(0)

    def prediction(self, x: FloatArray) -> Prediction:
        """The model at all points."""
        return self.predictor(self.unknowns.parameters(x), self.unknowns.instrument(x))

    def residuals(self, x: FloatArray) -> FloatArray:
        """(k,) residuals of the points kept."""
        self._evaluate(x)
        return self._last_r

    def jacobian(self, x: FloatArray) -> FloatArray:
        """(k, m) derivatives of the residuals."""
        self._evaluate(x)
        return self._last_j

    def _evaluate(self, x: FloatArray) -> None:
        """Residuals and Jacobian in one go, kept until the vector changes."""
        if self._last_x is not None and np.array_equal(x, self._last_x):
            return
        self.evaluations += 1
        prediction = self.prediction(x)
        r = (prediction.values[self._kept] - self._data) * self._weight
        j = self.unknowns.jacobian(x, prediction, self._record)[self._kept]
        j *= self._weight[:, None]
        lost = ~np.isfinite(r)
        lost |= ~np.isfinite(j).all(axis=1)
        if lost.any():
            self.failures += 1
            r[lost], j[lost] = PENALTY, 0.0
        self._last_x, self._last_r, self._last_j = x.copy(), r, j
