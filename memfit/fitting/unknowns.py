"""The quantities a fit is free to change, as one vector, and the way from it to parameters and instruments.

Besides the physical parameters: `gain_iv`, `gain_transient`, `gain_impedance` (one factor for each kind of
instrument but the reference), `edge_K_J` (s, time of jump J of record K, counted from the
first sample after it: 0 or less), `delay_K` (s, shift of record K) and `u_0_K`, `i_0_K`, `f_0_K` (the state
at the start of record K).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.plan import DEFAULT_BOUNDS, LOGARITHMIC, FitPlan
from memfit.fitting.predict import Instrument, Prediction
from memfit.model.parameters import NAMES, Parameters
from memfit.protocols import Control

_GAIN_BOUNDS = (0.2, 5.0)
_INITIAL = ("u_0", "i_0", "f_0")


@dataclass(frozen=True)
class Unknown:
    """One free quantity; `lower` and `upper` are in its own unit."""

    name: str
    logarithmic: bool
    lower: float
    upper: float
    record: int | None = None
    """Which record it belongs to, if to one."""
    start: float = 0.0
    """First value, where nothing else says."""

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
        return (
            (float(np.log(self.lower)), float(np.log(self.upper)))
            if self.logarithmic
            else (self.lower, self.upper)
        )


class Unknowns:
    """A fixed order of free quantities, on top of values that stay.

    Parameters
    ----------
    free : sequence of Unknown
    base : Parameters
        Values of the parameters that are not free.
    kinds : sequence of str
        Kind of each record, for the gains.
    """

    def __init__(self, free: Sequence[Unknown], base: Parameters, kinds: Sequence[str]) -> None:
        self.free = tuple(free)
        self.base = base
        self.kinds = tuple(kinds)
        self.names = tuple(unknown.name for unknown in self.free)
        self._physical = [(j, NAMES.index(u.name)) for j, u in enumerate(self.free) if u.name in NAMES]
        self._columns = [j for j, _ in self._physical]
        self._sources = [k for _, k in self._physical]
        edges = [edge_number(name) for name in self.names if name.startswith("edge_")]
        self._edges = max(edges) + 1 if edges else 0

    def encode(self, values: Mapping[str, float]) -> FloatArray:
        """Vector of the named values; what is not named starts where its unknown says."""
        start = {**self.base.as_dict(), **values}
        return np.array([u.inner(start.get(u.name, u.start)) for u in self.free])

    def values(self, x: FloatArray) -> dict[str, float]:
        """Names and values in their own units."""
        return {u.name: u.outer(float(v)) for u, v in zip(self.free, x, strict=True)}

    def parameters(self, x: FloatArray) -> Parameters:
        """The parameter set, fixed values included."""
        values = self.values(x)
        return self.base.replace(**{name: value for name, value in values.items() if name in NAMES})

    def instrument(self, x: FloatArray) -> Instrument:
        """Gains, edges, delays and initial states."""
        terms = Instrument.ideal(len(self.kinds), self._edges)
        for unknown, value in zip(self.free, x, strict=True):
            if unknown.name.startswith("gain_"):
                for k, kind in enumerate(self.kinds):
                    if kind == unknown.name.removeprefix("gain_"):
                        terms.gain[k] = value
            elif unknown.record is not None and unknown.name.startswith("edge_"):
                terms.edge[unknown.record, edge_number(unknown.name)] = value
            elif unknown.record is not None and unknown.name.startswith("delay_"):
                terms.delay[unknown.record] = value
            elif unknown.record is not None:
                terms.initial[unknown.record, _INITIAL.index(unknown.name[:3])] = value
        return terms

    def jacobian(self, x: FloatArray, prediction: Prediction, record_of_point: np.ndarray) -> FloatArray:
        """(n, m) derivatives of the predicted values by the vector."""
        result = np.zeros((prediction.values.size, len(self.free)))
        result[:, self._columns] = prediction.derivatives[:, self._sources]
        kinds = np.array(self.kinds)
        for j, unknown in enumerate(self.free):
            if unknown.logarithmic:
                result[:, j] *= unknown.outer(float(x[j]))
            if unknown.name.startswith("gain_"):
                here = (kinds == unknown.name.removeprefix("gain_"))[record_of_point]
                result[here, j] = prediction.bare[here]
            elif unknown.record is not None:
                here = record_of_point == unknown.record
                if unknown.name.startswith("delay_"):
                    result[here, j] = -prediction.by_time[here]
                elif unknown.name.startswith("edge_"):
                    result[here, j] = prediction.by_edge[here, edge_number(unknown.name)]
                else:
                    result[here, j] = prediction.by_initial[here, _INITIAL.index(unknown.name[:3])]
        return result


def physical_unknowns(plan: FitPlan, names: Sequence[str]) -> list[Unknown]:
    """Free physical parameters with the plan's bounds, without those the plan fixes."""
    result = []
    for name in names:
        if name not in plan.fix:
            low, high = plan.bounds.get(name, DEFAULT_BOUNDS[name])
            result.append(Unknown(name, name in LOGARITHMIC, low, high))
    return result


def gain_unknown(kind: str) -> Unknown:
    """A factor on everything measured with one kind of instrument."""
    return Unknown(f"gain_{kind}", False, *_GAIN_BOUNDS, start=1.0)


def delay_unknown(record: int, largest: float) -> Unknown:
    """A shift of one record by at most `largest` seconds either way."""
    return Unknown(f"delay_{record}", False, -largest, largest, record)


def edge_unknown(record: int, jump: int, sample: float) -> Unknown:
    """When a jump happened: at most one sampling interval (s) before the first sample that shows it."""
    return Unknown(f"edge_{record}_{jump}", False, -sample, 0.0, record, -0.5 * sample)


def edge_number(name: str) -> int:
    """J of `edge_K_J`."""
    return int(name.rsplit("_", 1)[1])


def initial_unknowns(record: int, control: Control) -> list[Unknown]:
    """The state at the start of one record; under voltage control its first sample tells u."""
    limit = 1e6
    names = ("i_0", "f_0") if control == "voltage" else _INITIAL
    bounds = {"u_0": (-limit, limit), "i_0": (-limit, limit), "f_0": (0.0, 1.0)}
    return [Unknown(f"{name}_{record}", False, *bounds[name], record) for name in names]
