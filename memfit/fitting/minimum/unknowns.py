"""The unknowns of a fit: parameters of the model and terms of the instruments, as one vector.

What must be positive is in the logarithm. Every unknown has its bounds and, where the data alone would leave
it to mean anything, what is expected of it beforehand.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.plan import FitPlan, Term
from memfit.fitting.prediction.instrument import INITIAL, Instrument, by_drive, instrument_of
from memfit.fitting.ties import UNTIED, Ties
from memfit.model import NAMES, PARAMETERS, Parameters
from memfit.protocols import Control

if TYPE_CHECKING:  # a prediction is told in words of the unknowns as well
    from memfit.fitting.prediction.predict import Prediction

_LEAST_THRESHOLD = 2e-3
"""V, of a channel that conducts as u/V_T."""


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


def initial_unknowns(record: int, control: Control) -> list[Unknown]:
    """The state at the start of one record; under voltage control its first sample tells u.

    Parameters
    ----------
    record : int
        Its number.
    control : {"current", "voltage"}
    """
    return [term_unknown(Term(kind, record)) for kind in (INITIAL[1:] if control == "voltage" else INITIAL)]


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

    def of_parameters(self, x: FloatArray, derivatives: FloatArray) -> FloatArray:
        """(n, m) derivatives by the vector from those (n, `NAMES`) by the parameters; 0 by the terms."""
        result = np.zeros((len(derivatives), len(self.free)))
        if self.ties:
            derivatives = self.ties.chained(derivatives, self.parameters(x))
        result[:, self._columns] = derivatives[:, self._sources]
        for j, unknown in enumerate(self.free):
            if unknown.term is None and unknown.logarithmic:
                result[:, j] *= unknown.outer(float(x[j]))
        return result

    def jacobian(self, x: FloatArray, prediction: "Prediction", record_of_point: np.ndarray) -> FloatArray:
        """(n, m) derivatives of the predicted values by the vector.

        Parameters
        ----------
        x : (m,) array
        prediction : Prediction
            At this vector.
        record_of_point : (n,) array of int
        """
        result = self.of_parameters(x, prediction.derivatives)
        own = {unknown.term for unknown in self.free}
        for j, unknown in enumerate(self.free):
            term = unknown.term
            if term is None:
                continue
            if term.kind == "gain":
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
