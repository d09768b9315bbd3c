"""A fit as numbers: the vector of unknowns, the residuals of all records with their Jacobian, a minimum.

The vector holds the free parameters of the model, in the logarithm where they must be positive, and terms of
the instruments. Each residual is (model - data)/sigma. The minimiser gets residuals and exact Jacobian after
an orthogonal reduction: with [J r] = Q [R_J R_r] the short R_J (m + 1, m) and R_r (m + 1) have the same sum
of squares, gradient and singular values as the thousands of rows of J and r. A trial that cannot be
integrated gets a finite penalty of the right length, and is counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets import ImpedanceSpectrum
from memfit.fit_options import Engine
from memfit.fitting.minimum.effort import Effort
from memfit.fitting.minimum.elimination import MANY, parts_of, reduced_by_records
from memfit.fitting.minimum.elimination import Part as RecordPart
from memfit.fitting.minimum.linear import divided_by_sigma, soften, triangle
from memfit.fitting.minimum.unknowns import Unknown, Unknowns
from memfit.fitting.own import Part, rows_of_parts
from memfit.fitting.prediction.predict import Prediction, Predictor, bias_of, junction_at
from memfit.model import NAMES, Parameters, inverse_resistance_a
from memfit.noise_estimate import NoiseLevel
from memfit.protocols import Control

_ROWS = 98_304
"""Rows of the Jacobian that are made and reduced at a time."""
_BOUND_MARGIN = 1e-6
"""Of the range of an unknown: distance from a bound that is none."""
_ROUGHLY = 0.5
"""Distance from the data, in units of their spread, that terms of the instruments may still explain."""


class JointResiduals:
    """(model - data)/sigma of the points kept of a problem, as a function of the vector of unknowns.

    Parameters
    ----------
    problem : Problem
    unknowns : Unknowns
    """

    def __init__(self, problem: "Problem", unknowns: Unknowns) -> None:
        self.predictor = problem.predictor
        self.effort = problem.effort
        self.unknowns = unknowns
        self.failures = 0
        """Trials in which a record could not be integrated."""
        self._robust, self._own = problem.robust, problem.own
        self._kept = np.flatnonzero(problem.keep)
        self._data = problem.predictor.data()[self._kept]
        self._weight = 1.0 / problem.sigma[self._kept]
        self._expected = [j for j, u in enumerate(unknowns.free) if np.isfinite(u.prior)]
        self._last_x: FloatArray | None = None
        self._reduced = np.empty((0, 0))
        self._parts: list[tuple[RecordPart, Unknowns]] = []

    def prediction(self, x: FloatArray) -> Prediction:
        """The model at all points."""
        prediction = self.predictor(self.unknowns.parameters(x), self.unknowns.instrument(x))
        self.effort.count(prediction.work)
        return prediction

    def all_rows(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Residuals (k,) of the points kept and their derivatives (k, m), not softened."""
        r, j, lost = self._rows(x, self.prediction(x), slice(None))
        self.failures += lost
        return r, j

    def _rows(self, x: FloatArray, known: Prediction, some: slice) -> tuple[FloatArray, FloatArray, bool]:
        """These rows of some points, and whether there are such as could not be computed."""
        first, *_ = place = some.indices(known.values.size)
        rows = slice(*np.searchsorted(self._kept, place[:2]))
        kept, weight = self._kept[rows], self._weight[rows]
        r = (known.values[kept] - self._data[rows]) * weight
        j = self.unknowns.jacobian(x, known.at(some), self.predictor.record_of_point[some])
        j = j if kept.size == j.shape[0] else j[kept - first]
        return r, j, divided_by_sigma(r, j, weight)

    def _stacked(self, r: FloatArray, j: FloatArray) -> FloatArray:
        """(k, m + 1) rows of [J r], softened where they are to be."""
        if self._robust:
            r, slope = soften(r)
            j *= slope[:, None]
        return np.column_stack([j, r])

    def _by_records(self, x: FloatArray) -> FloatArray:
        """The same as `_reduce`, the terms of each record eliminated with it."""
        prediction, owner = self.prediction(x), self.predictor.record_of_point
        if not self._parts:
            parts = parts_of([u.term for u in self.unknowns.free], self.unknowns.kinds, owner, self._kept)
            self._parts = [(part, self.unknowns.some(part.columns[0])) for part in parts]
        unknowns, failed = {id(part): some for part, some in self._parts}, []

        def rows_of(part: RecordPart) -> FloatArray:
            """Records that are alike as if all were the first of them."""
            there = part.points.ravel() >= 0
            points, places = part.points.ravel()[there], part.rows.ravel()[there]
            owners = np.full(points.size, owner[points[0]]) if part.own and points.size else owner[points]
            weight = self._weight[places]
            r = (prediction.values[points] - self._data[places]) * weight
            j = unknowns[id(part)].jacobian(x[part.columns[0]], prediction.at(points), owners)
            failed.append(divided_by_sigma(r, j, weight))
            rows = np.zeros((there.size, j.shape[1] + 1))
            rows[there] = self._stacked(r, j)
            return rows.reshape(*part.points.shape, rows.shape[1])

        reduced = reduced_by_records([part for part, _ in self._parts], rows_of, self._prior_rows(x))
        self.failures += any(failed)
        return reduced

    def residuals(self, x: FloatArray) -> FloatArray:
        """(m + 1,) reduced residuals."""
        return self._reduce(x)[:, -1]

    def jacobian(self, x: FloatArray) -> FloatArray:
        """(m + 1, m) reduced Jacobian."""
        return self._reduce(x)[:, :-1]

    def _prior_rows(self, x: FloatArray) -> FloatArray:
        """(k, m + 1) rows of [J r] for what is expected without the data, then those of own parts."""
        rows = np.zeros((len(self._expected), x.size + 1))
        for row, j in zip(rows, self._expected, strict=True):
            unknown = self.unknowns.free[j]
            row[j], row[-1] = 1.0 / unknown.prior, (x[j] - unknown.inner(unknown.start)) / unknown.prior
        return np.concatenate([rows, self.own_rows(x)])

    def own_rows(self, x: FloatArray) -> FloatArray:
        """(k, m + 1) rows of [J r] for the own parts; none without any."""
        rows = np.zeros((0, x.size + 1))
        if self._own:
            r, slopes = rows_of_parts(self._own, self.unknowns.parameters(x))
            rows = np.column_stack([self.unknowns.of_parameters(x, slopes), r])
        return rows

    def _reduce(self, x: FloatArray) -> FloatArray:
        """(m + 1, m + 1) triangle of [J r], kept until the vector changes."""
        if self._last_x is None or not np.array_equal(x, self._last_x):
            if x.size > MANY:
                self._last_x, self._reduced = x.copy(), self._by_records(x)
                return self._reduced
            prediction, found, failed = self.prediction(x), [], False
            for first in range(0, prediction.values.size, _ROWS):
                r, j, lost = self._rows(x, prediction, slice(first, first + _ROWS))
                rows = self._stacked(r, j)
                found.append(rows if prediction.values.size <= _ROWS else triangle(rows))
                failed |= lost
            if self._expected or self._own or len(found) > 1:
                rows = np.concatenate([*found, self._prior_rows(x)])
            self.failures += failed
            self._last_x, self._reduced = x.copy(), triangle(rows)
        return self._reduced


@dataclass(frozen=True)
class Problem:
    """Records prepared for fitting, with the standard deviation of every point."""

    predictor: Predictor
    noise: tuple[NoiseLevel, ...]
    """Of each record."""
    sigma: FloatArray
    """(n,) of every point, end to end."""
    keep: BoolArray
    """(n,) points that count."""
    robust: bool = False
    """Whether every residual r is replaced by `soften(r)`."""
    engine: Engine = "memfit"
    effort: Effort = field(default_factory=Effort, compare=False)
    """What the evaluations are counted on, and what may end a search."""
    own: tuple[Part, ...] = ()
    """Residual terms beside those of the records."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kind of each record."""
        return tuple(record.kind for record in self.predictor.records)

    @property
    def record_of_row(self) -> np.ndarray:
        """(k,) record of every point that counts."""
        return self.predictor.record_of_point[self.keep]

    def residuals(self, unknowns: Unknowns) -> JointResiduals:
        """The residual vector for a choice of unknowns."""
        return JointResiduals(self, unknowns)


@dataclass(frozen=True)
class Minimum:
    """Where a minimiser stopped."""

    x: FloatArray
    """(m,) the vector."""
    chi2: float
    """Sum of squared residuals."""
    converged: bool
    message: str
    evaluations: int
    at_bound: tuple[str, ...]
    """Names of unknowns that ended on a bound."""

    @classmethod
    def at(cls, x: FloatArray, unknowns: Sequence[Unknown]) -> "Minimum":
        """A place that nothing is known of but which unknowns lie on a bound."""
        on_bound = []
        for unknown, value in zip(unknowns, x, strict=True):
            low, high = unknown.inner_bounds
            if min(float(value) - low, high - float(value)) <= _BOUND_MARGIN * (high - low):
                on_bound.append(unknown.name)
        return cls(x, np.nan, False, "", 0, tuple(on_bound))


@dataclass(frozen=True)
class FitState:
    """A problem, its unknowns and a minimum."""

    problem: Problem
    unknowns: Unknowns
    minimum: Minimum
    failures: int = 0
    """Trials that could not be integrated, so far."""

    @property
    def x(self) -> FloatArray:
        """The vector at the minimum."""
        return self.minimum.x

    @property
    def parameters(self) -> Parameters:
        """The parameters at the minimum."""
        return self.unknowns.parameters(self.x)

    @property
    def fitted_values(self) -> dict[str, float]:
        """Fitted parameters of the device by name, SI, also where their part has no size."""
        p = self.parameters
        return {name: float(getattr(p, name)) for name in NAMES if name in self.unknowns.names}

    @property
    def points(self) -> int:
        """Points that count."""
        return int(np.count_nonzero(self.problem.keep))

    def model_values(self) -> FloatArray:
        """(n,) the model at every point."""
        return self.problem.residuals(self.unknowns).prediction(self.x).values

    def scaled_distances(self) -> FloatArray:
        """(n,) data minus model in standard deviations, not finite where the model could not be computed."""
        return (self.problem.predictor.data() - self.model_values()) / self.problem.sigma

    def linearised(self) -> tuple[FloatArray, FloatArray]:
        """Residuals (k,) and their Jacobian (k, m) at the minimum."""
        return self.problem.residuals(self.unknowns).all_rows(self.x)

    def resembles_data(self) -> bool:
        """Whether the model runs through every record at least roughly, gains and the like left aside."""
        data, model = self.problem.predictor.data(), self.model_values()
        for here in self.problem.predictor.slices:
            spread = np.median(np.abs(data[here] - np.median(data[here])))
            if not np.median(np.abs(model[here] - data[here])) <= _ROUGHLY * max(spread, 1e-300):
                return False
        return True

    def independent_share(self, effective: Sequence[float]) -> FloatArray:
        """(n,) how much of an independent point every point is worth.

        Parameters
        ----------
        effective : sequence of float
            Independent points of each record.
        """
        share = np.ones(self.problem.predictor.size)
        for here, count in zip(self.problem.predictor.slices, effective, strict=True):
            share[here] = count / max(int(np.count_nonzero(self.problem.keep[here])), 1)
        return np.maximum(share, 1e-6)

    def telling_bias(self) -> tuple[Control, float] | None:
        """Terminal bias of the spectrum that sees most of the channel; None without spectra."""
        p = self.parameters
        biases = [bias_of(r) for r in self.problem.predictor.records if isinstance(r, ImpedanceSpectrum)]
        return max(
            biases, key=lambda bias: float(inverse_resistance_a(p, junction_at(p, bias))), default=None
        )
