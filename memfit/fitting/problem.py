"""A fit as numbers: the vector of unknowns, the residuals of all records with their Jacobian, a minimum.

The vector holds the free parameters of the model, in the logarithm where they must be positive, and terms of
the instruments. Each residual is (model - data)/sigma. The minimiser gets residuals and exact Jacobian after
an orthogonal reduction: with [J r] = Q [R_J R_r] the short R_J (m + 1, m) and R_r (m + 1) have the same sum
of squares, gradient and singular values as the thousands of rows of J and r. A trial that cannot be
integrated gets a finite penalty of the right length, and is counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets import ImpedanceSpectrum
from memfit.fit_options import Engine
from memfit.fitting.effort import Effort
from memfit.fitting.elimination import MANY, Part, parts_of, reduced_by_records
from memfit.fitting.instrument import INITIAL, Instrument, by_drive, instrument_of
from memfit.fitting.linear import divided_by_sigma, soften, triangle
from memfit.fitting.plan import FitPlan, Term
from memfit.fitting.predict import Prediction, Predictor, bias_of, junction_at
from memfit.fitting.ties import UNTIED, Ties
from memfit.model import NAMES, PARAMETERS, Parameters, inverse_resistance_a
from memfit.noise_estimate import NoiseLevel
from memfit.protocols import Control

UNSEEN = 1e-30
"""Length of a column of the Jacobian below which nothing in the data depends on the unknown."""
_ROWS = 98_304
"""Rows of the Jacobian that are made and reduced at a time."""
_BOUND_MARGIN = 1e-6
"""Of the range of an unknown: distance from a bound that is none."""
_LEAST_THRESHOLD = 2e-3
"""V, of a channel that conducts as u/V_T."""
_ROUGHLY = 0.5
"""Distance from the data, in units of their spread, that terms of the instruments may still explain."""


@dataclass(frozen=True)
class Unknown:
    """One free quantity; `lower` and `upper` are in its own unit."""

    name: str
    logarithmic: bool
    lower: float
    upper: float
    term: Term | None = None
    """What it is of an instrument; None for a parameter of the model."""
    start: float = 0.0
    """First value, where nothing else says."""
    prior: float = np.inf
    """Standard deviation, about the first value, that is expected without the data."""

    @property
    def record(self) -> int | None:
        """Which record it belongs to, if to one."""
        return self.term.record if self.term else None

    @property
    def unit(self) -> str:
        """SI unit, "" for a number."""
        return self.term.unit if self.term else PARAMETERS[self.name].unit

    def inner(self, value: float) -> float:
        """The value as the minimiser sees it."""
        clipped = min(max(value, self.lower), self.upper)
        return float(np.log(clipped)) if self.logarithmic else clipped

    def outer(self, x: float) -> float:
        """The value in its own unit."""
        return float(np.exp(x)) if self.logarithmic else x

    @property
    def inner_bounds(self) -> tuple[float, float]:
        """Bounds as the minimiser sees them."""
        bounds = (self.lower, self.upper)
        return (float(np.log(self.lower)), float(np.log(self.upper))) if self.logarithmic else bounds


def physical_unknowns(plan: FitPlan, names: Sequence[str]) -> list[Unknown]:
    """Free physical parameters with the plan's bounds, without those the plan fixes or ties.

    Parameters
    ----------
    plan : FitPlan
    names : sequence of str
        Of parameters of the model.
    """
    rows = [PARAMETERS[name] for name in names if name not in plan.fix and name not in plan.ties]
    free = [Unknown(row.name, row.logarithmic, *plan.bounds.get(row.name, row.bounds)) for row in rows]
    if "kappa" in plan.asked:
        least = least_thresholds(u.name for u in free)
        free = [replace(u, lower=max(u.lower, least.get(u.name, u.lower))) for u in free]
    return free


def least_thresholds(names: Iterable[str]) -> dict[str, float]:
    """Least values, V, of the thresholds among some parameters, where the channel conducts as u/V_T."""
    return {name: _LEAST_THRESHOLD for name in names if name in ("V_T", "V_Tn")}


def term_unknown(term: Term, reach: float = 0.0) -> Unknown:
    """A term of the instruments within its bounds.

    Parameters
    ----------
    term : Term
    reach : float
        s. A record is shifted by so much either way at most; an edge lies so long at most, a sampling
        interval, before the first sample that shows it.
    """
    lower, upper, start = {
        "gain": (0.8, 1.25, 1.0),
        "drive_gain": (0.8, 1.25, 1.0),
        "delay": (-reach, reach, 0.0),
        "edge": (-reach, 0.0, -0.5 * reach),
        "f_0": (0.0, 1.0, 0.0),
    }.get(term.kind, (-1e6, 1e6, 0.0))
    return Unknown(term.name, False, lower, upper, term, start)


class Unknowns:
    """A fixed order of free quantities, on top of values that stay.

    Parameters
    ----------
    free : sequence of Unknown
    base : Parameters
        Values of the parameters that are not free.
    kinds : sequence of str
        Kind of each record, for the gains.
    ties : Ties
        Parameters that follow from others.
    """

    def __init__(
        self, free: Sequence[Unknown], base: Parameters, kinds: Sequence[str], ties: Ties = UNTIED
    ) -> None:
        self.free = tuple(free)
        self.base = base
        self.ties = ties
        self.kinds = tuple(kinds)
        self.names = tuple(unknown.name for unknown in self.free)
        self._columns = [j for j, u in enumerate(self.free) if u.term is None]
        self._sources = [NAMES.index(self.names[j]) for j in self._columns]

    def plus(self, terms: Sequence[Unknown]) -> "Unknowns":
        """These and more."""
        return Unknowns([*self.free, *terms], self.base, self.kinds, self.ties)

    def some(self, columns: Sequence[int]) -> "Unknowns":
        """Those of some columns alone, the others at the values of `base`."""
        return Unknowns([self.free[j] for j in columns], self.base, self.kinds, self.ties)

    def without(self, names: Sequence[str], **held: float) -> "Unknowns":
        """These but some, parameters among them `held` at a value (SI)."""
        free = [unknown for unknown in self.free if unknown.name not in names]
        return Unknowns(free, self.base.replace(**held), self.kinds, self.ties)

    def above(self, least: Mapping[str, float]) -> "Unknowns":
        """These, some of them with a higher lower bound (SI)."""
        free = [replace(u, lower=max(u.lower, least[u.name])) if u.name in least else u for u in self.free]
        return Unknowns(free, self.base, self.kinds, self.ties)

    def encode(self, values: Mapping[str, float]) -> FloatArray:
        """Vector of the named values; what is not named starts where its unknown says."""
        start = {**self.base.as_dict(), **values}
        return np.array([u.inner(start.get(u.name, u.start)) for u in self.free])

    def values(self, x: FloatArray) -> dict[str, float]:
        """Names and values in their own units."""
        return {u.name: u.outer(float(v)) for u, v in zip(self.free, x, strict=True)}

    def parameters(self, x: FloatArray) -> Parameters:
        """The parameter set, fixed values included."""
        free = {self.names[j]: self.free[j].outer(float(x[j])) for j in self._columns}
        return self.ties.applied(self.base.replace(**free))

    def instrument(self, x: FloatArray) -> Instrument:
        """Gains, edges, delays and initial states."""
        return instrument_of({u.term: v for u, v in zip(self.free, x, strict=True) if u.term}, self.kinds)

    def jacobian(self, x: FloatArray, prediction: Prediction, record_of_point: np.ndarray) -> FloatArray:
        """(n, m) derivatives of the predicted values by the vector.

        Parameters
        ----------
        x : (m,) array
        prediction : Prediction
            At this vector.
        record_of_point : (n,) array of int
        """
        result = np.zeros((prediction.values.size, len(self.free)))
        derivatives = prediction.derivatives
        if self.ties:
            derivatives = self.ties.chained(derivatives, self.parameters(x))
        result[:, self._columns] = derivatives[:, self._sources]
        own = {unknown.term for unknown in self.free}
        for j, unknown in enumerate(self.free):
            term = unknown.term
            if term is None:
                if unknown.logarithmic:
                    result[:, j] *= unknown.outer(float(x[j]))
            elif term.kind == "gain":
                here = np.array([kind == term.instrument for kind in self.kinds])[record_of_point]
                result[here, j] = prediction.bare[here]
            elif term.kind == "drive_gain":
                here = np.array([kind == term.instrument for kind in self.kinds])[record_of_point]
                slopes = by_drive(self.parameters(x), prediction.derivatives[here])
                began = self.instrument(x).initial[record_of_point[here], 1] * prediction.by_initial[here, 1]
                result[here, j] = (slopes - np.where(np.isfinite(began), began, 0.0)) / float(x[j])
            else:
                here = record_of_point == term.record
                if term.kind == "offset":
                    result[here, j] = 1.0
                    if Term("i_0", term.record) in own and Term("u_0", term.record) not in own:
                        # The first sample, offset included, tells u at the start.
                        gain = self.instrument(x).gain[term.record]
                        R_s = self.parameters(x).R_s
                        result[here, j] += R_s / gain * prediction.by_initial[here, 0]
                elif term.kind == "delay":
                    result[here, j] = -prediction.by_time[here]
                elif term.kind == "edge":
                    result[here, j] = prediction.by_edge[here, term.index]
                else:
                    result[here, j] = prediction.by_initial[here, INITIAL.index(term.kind)]
        return result


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
        self._robust = problem.robust
        self._kept = np.flatnonzero(problem.keep)
        self._data = problem.predictor.data()[self._kept]
        self._weight = 1.0 / problem.sigma[self._kept]
        self._expected = [j for j, u in enumerate(unknowns.free) if np.isfinite(u.prior)]
        self._last_x: FloatArray | None = None
        self._reduced = np.empty((0, 0))
        self._parts: list[tuple[Part, Unknowns]] = []

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

        def rows_of(part: Part) -> FloatArray:
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
        """(k, m + 1) rows of [J r] for what is expected without the data."""
        rows = np.zeros((len(self._expected), x.size + 1))
        for row, j in zip(rows, self._expected, strict=True):
            unknown = self.unknowns.free[j]
            row[j], row[-1] = 1.0 / unknown.prior, (x[j] - unknown.inner(unknown.start)) / unknown.prior
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
            rows = np.concatenate([*found, self._prior_rows(x)]) if self._expected or len(found) > 1 else rows
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
