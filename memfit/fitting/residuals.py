"""Residuals of all records, each point divided by its standard deviation, with the exact Jacobian.

The minimiser gets them after an orthogonal reduction: with [J r] = Q [R_J R_r] the short R_J (m + 1, m) and
R_r (m + 1) have the same sum of squares, gradient and singular values as the thousands of rows of J and r.
A trial that cannot be integrated gets a finite penalty of the right length, and is counted.
"""

from collections.abc import Sequence

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.fitting.predict import Prediction, Predictor
from memfit.fitting.unknowns import Unknowns

UNSEEN = 1e-30
"""Length of a column of the Jacobian below which nothing in the data depends on the unknown."""
PENALTY = 1e3
"""Residual, in standard deviations, of a point that could not be computed."""
_BLOCK = 96
"""Rows factored at a time; more than any number of unknowns."""


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
    robust : bool
        Replace every residual r by `soften(r)`.
    """

    def __init__(
        self,
        predictor: Predictor,
        unknowns: Unknowns,
        sigma: FloatArray,
        keep: BoolArray,
        *,
        robust: bool = False,
    ) -> None:
        self.predictor = predictor
        self.unknowns = unknowns
        self.failures = 0
        """Trials in which a record could not be integrated."""
        self.evaluations = 0
        self._robust = robust
        self._kept = np.flatnonzero(keep)
        self._data = predictor.data()[self._kept]
        self._weight = 1.0 / sigma[self._kept]
        self._record = predictor.record_of_point
        self._last_x: FloatArray | None = None
        self._reduced = np.empty((0, 0))

    def prediction(self, x: FloatArray) -> Prediction:
        """The model at all points."""
        return self.predictor(self.unknowns.parameters(x), self.unknowns.instrument(x))

    def all_rows(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Residuals (k,) of the points kept and their derivatives (k, m), not softened."""
        self.evaluations += 1
        prediction = self.prediction(x)
        r = (prediction.values[self._kept] - self._data) * self._weight
        j = self.unknowns.jacobian(x, prediction, self._record)[self._kept]
        j *= self._weight[:, None]
        lost = ~(np.isfinite(r) & np.isfinite(j).all(axis=1))
        if lost.any():
            self.failures += 1
            r[lost], j[lost] = PENALTY, 0.0
        return r, j

    def residuals(self, x: FloatArray) -> FloatArray:
        """(m + 1,) reduced residuals."""
        return self._reduce(x)[:, -1]

    def jacobian(self, x: FloatArray) -> FloatArray:
        """(m + 1, m) reduced Jacobian."""
        return self._reduce(x)[:, :-1]

    def _reduce(self, x: FloatArray) -> FloatArray:
        """(m + 1, m + 1) triangle of [J r], kept until the vector changes."""
        if self._last_x is None or not np.array_equal(x, self._last_x):
            r, j = self.all_rows(x)
            if self._robust:
                r, slope = soften(r)
                j *= slope[:, None]
            both = np.column_stack([j, r])
            self._last_x, self._reduced = x.copy(), triangle(both)
        return self._reduced


def soften(r: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Residuals whose squares are the soft L1 loss 2 (sqrt(1 + r^2) - 1), and their slopes.

    Small residuals stay as they are; the square of a large one grows only linearly.
    """
    root = np.sqrt(1.0 + r**2)
    soft = r * np.sqrt(2.0 / (1.0 + root))
    slope = np.sqrt(0.5 * (1.0 + root)) / root
    return soft, slope


def marginal_root(jacobian: FloatArray, wanted: Sequence[int]) -> FloatArray:
    """(n, n) triangular root of the information on some unknowns, all others marginalised.

    With [A B] = Q [R11 R12; 0 R22] for the unwanted columns A and the wanted ones B, the information on the
    wanted ones is R22^T R22.

    Parameters
    ----------
    jacobian : (k, m) array
    wanted : sequence of int
        n columns, in the order of the root.
    """
    rest = [j for j in range(jacobian.shape[1]) if j not in wanted]
    length = np.linalg.norm(jacobian, axis=0)
    scaled = jacobian / np.where(length > 0, length, 1.0)
    root = triangle(scaled[:, [*rest, *wanted]])[len(rest) :, len(rest) :]
    result: FloatArray = root * length[list(wanted)]
    return result


def triangle(rows: FloatArray) -> FloatArray:
    """(k, k) triangular factor R of rows (n, k) = Q R, without Q.

    The rows are factored block by block, the triangles stacked and factored again (Demmel et al., SIAM J.
    Sci. Comput. 2012, 34, A206): small blocks stay in the cache and wake no threads.
    """
    k = rows.shape[1]
    while rows.shape[0] > 2 * _BLOCK:
        missing = -rows.shape[0] % _BLOCK
        padded = np.concatenate([rows, np.zeros((missing, k))])
        rows = np.asarray(np.linalg.qr(padded.reshape(-1, _BLOCK, k), mode="r")).reshape(-1, k)
    missing = max(k - rows.shape[0], 0)
    return np.asarray(np.linalg.qr(np.concatenate([rows, np.zeros((missing, k))]), mode="r"))
