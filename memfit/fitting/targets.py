"""Quantities whose profile can be followed: a fitted quantity itself, or any function of the parameters.

A target says when it has the value c by a condition h(x; c) = 0. For a fitted quantity h is x_j - c, for a
function g it is g(x) - c; what is defined implicitly, such as a Hopf voltage, has a condition of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.descent import Surface
from memfit.fitting.unknowns import Unknowns
from memfit.model.parameters import NAMES, Parameters

_TOWARD_TWIN = 0.25
"""Longest step, of the distance to the twin: none must lead across what parts them."""

Slopes = tuple[float, FloatArray, float]
"""h, its (9,) derivatives by the values of `NAMES`, and its derivative by c."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A function of the parameters to follow.

    `condition` takes the parameters and c; c is the value, or its natural logarithm where `logarithmic`.
    """

    unit: str
    best: Callable[[Parameters], float | None]
    """Value for a set of parameters, SI; None where it does not exist."""
    condition: Callable[[Parameters, float], Slopes]
    logarithmic: bool = False
    twin: Callable[[Parameters], float | None] | None = None
    """Value of a twin that it may meet, and vanish: the profile ends where it falls again, or at the twin."""


@dataclass(frozen=True, kw_only=True)
class Followed:
    """A target as the search sees it: in the vector of unknowns."""

    name: str
    unit: str
    best: float
    """c at the minimum."""
    surface: Callable[[FloatArray, float], tuple[Surface, float]]
    """h with its gradient by the vector, and its derivative by c."""
    logarithmic: bool
    lower: float
    upper: float
    """Bounds of c."""
    longest: float
    """First limit to a step of c."""
    may_merge: bool = False

    def outer(self, c: float) -> float:
        """The value, SI."""
        return float(np.exp(c) if self.logarithmic else c)


def follow_unknown(unknowns: Unknowns, name: str, x: FloatArray) -> Followed:
    """A fitted quantity."""
    j = unknowns.names.index(name)
    unknown = unknowns.free[j]
    gradient = np.zeros(len(unknowns.free))
    gradient[j] = 1.0
    low, high = unknown.inner_bounds
    if unknown.logarithmic:
        longest = float(np.log(10.0))
    else:
        longest = 2.0 * unknowns.parameters(x).V_m if name == "V_T" else np.inf
    return Followed(
        name=name,
        unit="",
        best=float(x[j]),
        surface=lambda x, c: (Surface(float(x[j]) - c, gradient), -1.0),
        logarithmic=unknown.logarithmic,
        lower=low,
        upper=high,
        longest=longest,
    )


def follow_function(unknowns: Unknowns, name: str, target: Target, x: FloatArray) -> Followed | None:
    """A function of the parameters; None where it does not exist at the minimum."""
    value = target.best(unknowns.parameters(x))
    if value is None:
        return None

    def surface(x: FloatArray, c: float) -> tuple[Surface, float]:
        h, slopes, by_c = target.condition(unknowns.parameters(x), c)
        return Surface(h, by_vector(unknowns, slopes, x)), by_c

    twin = target.twin(unknowns.parameters(x)) if target.twin else None
    longest = float(np.log(10.0)) if target.logarithmic else np.inf
    return Followed(
        name=name,
        unit=target.unit,
        best=float(np.log(value)) if target.logarithmic else value,
        surface=surface,
        logarithmic=target.logarithmic,
        lower=twin if twin is not None and twin < value else -np.inf,
        upper=twin if twin is not None and twin > value else np.inf,
        longest=longest if twin is None else _TOWARD_TWIN * abs(twin - value),
        may_merge=twin is not None,
    )


def by_vector(unknowns: Unknowns, slopes: FloatArray, x: FloatArray) -> FloatArray:
    """(m,) derivatives by the vector of unknowns, from (9,) derivatives by the values of `NAMES`."""
    return np.array(
        [
            slopes[NAMES.index(u.name)] * (u.outer(float(v)) if u.logarithmic else 1.0)
            if u.name in NAMES
            else 0.0
            for u, v in zip(unknowns.free, x, strict=True)
        ]
    )
