"""Derivatives by the amplitude of a part that a device does not have, at the null value where it vanishes.

What the data could gain from a part follows from these (score test) without fitting it. The amplitude is
the quantity that grows from 0 as the part appears:

    branch 1/R_1 (R_1 C_1 = tau_1 kept), dispersion 1 - n, capacitance C_0, leak I_l, photocurrent I_ph,
    second_polarity i_c0n, conductance kappa, activation_time p_k - 1 and q_k

A constant that has no meaning without the part (tau_1, V_c, V_l, V_Tn and V_mn) is chosen beforehand. The
derivatives are those of the parts' own formulas at a device whose part is smaller than rounding shows, so
that they are as exact as any other. In time all directions are columns of one integration of the device
itself: each brings its terms, with an amplitude of zero.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar, cast

import numpy as np

from memfit.arrays import ComplexArray, FloatArray
from memfit.errors import ParameterError
from memfit.model.parameters import COLUMN, EXTENSIONS, PARAMETERS, Parameters
from memfit.model.parts import TIMED, terms_in_time
from memfit.model.terms import Number, Terms

_NOTHING = 1e-12
"""An amplitude, relative to what it is beside, that rounding does not show."""
_TINY = 1e-200
"""An amplitude beside 0."""
_NO_DISPERSION = 1e-8
"""Of 1 - n: less would drown the derivative in the rounding of n, more would be seen."""

Array = TypeVar("Array", FloatArray, ComplexArray)


def _shapes() -> dict[str, tuple[str, ...]]:
    """Of each parameter whose null value is finite, those of its part that have no meaning without it."""
    result: dict[str, tuple[str, ...]] = {}
    for part, names in EXTENSIONS.items():
        shape = tuple(name for name in names if PARAMETERS[name].null == math.inf)
        result |= {name: shape for name in names if part not in ("branch", "drift") and name not in shape}
    return result


SHAPES: Mapping[str, tuple[str, ...]] = MappingProxyType({"R_1": ("tau_1",), **_shapes()})
"""Parameters by which a part appears, and the constants that have to be chosen for it."""


@dataclass(frozen=True)
class Direction:
    """The way in which a part appears.

    Parameters
    ----------
    parameter : str
        The one of the part's parameters that has its amplitude, of `SHAPES`.
    shape : mapping of str to float
        Its constants: tau_1 = R_1 C_1 (s), V_c, V_l, V_Tn, V_mn (V).

    Raises
    ------
    ParameterError
        The parameter has no such direction, or its constants are not those it needs.
    """

    parameter: str
    shape: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the names."""
        if self.parameter not in SHAPES:
            raise ParameterError(
                f"Expected one of {', '.join(SHAPES)} as the amplitude of a part; found {self.parameter}."
            )
        if set(self.shape) != set(SHAPES[self.parameter]):
            raise ParameterError(
                f"The direction of {self.parameter} needs {', '.join(SHAPES[self.parameter]) or 'no shape'}; "
                f"found {', '.join(self.shape) or 'none'}."
            )

    @property
    def part(self) -> str:
        """Name of the part."""
        return PARAMETERS[self.parameter].part

    def device(self, p: Parameters) -> Parameters:
        """The device with as little of the part as rounding does not show.

        Parameters
        ----------
        p : Parameters

        Raises
        ------
        ParameterError
            The device has the part already, or cannot have it.
        """
        if self.part in p.parts:
            raise ParameterError(
                f"The device has the part {self.part} already; its derivatives are those by "
                f"{' and '.join(EXTENSIONS[self.part])}."
            )
        name = self.parameter
        if name == "kappa" and not p.V_T > 0.0:
            raise ParameterError(f"A channel that conducts as u/V_T needs V_T above 0 V; found {p.V_T:g}.")
        if name == "R_1":
            R_1 = p.R_b / _NOTHING
            return p.replace(R_1=R_1, C_1=self.shape["tau_1"] / R_1)
        least = 1.0 + _NOTHING if PARAMETERS[name].null == 1.0 else _TINY
        return p.replace(**self.shape, **{name: 1.0 - _NO_DISPERSION if name == "n" else least})

    def chain(self, q: Parameters) -> dict[str, float]:
        """Derivatives of parameters by the amplitude.

        Parameters
        ----------
        q : Parameters
            From `device`.
        """
        if self.parameter == "R_1":
            return {"R_1": -(q.R_1**2), "C_1": q.R_1 * q.C_1}
        return {self.parameter: -1.0 if self.parameter == "n" else 1.0}

    def along(self, q: Parameters, by: Array) -> Array:
        """(n,) derivative by the amplitude, from those by the parameters of the device q.

        Parameters
        ----------
        q : Parameters
            From `device`.
        by : (n, p) array
            In the order of `NAMES`.
        """
        slopes: dict[str, float] = self.chain(q)
        result: Array = by[:, [COLUMN[name] for name in slopes]] @ np.array([*slopes.values()])
        return result


def by_amplitudes(p: Parameters, directions: Sequence[Direction], by: Callable[[Parameters], Array]) -> Array:
    """(n, k) derivatives by the amplitudes of anything of which there are derivatives by the parameters.

    Parameters
    ----------
    p : Parameters
    directions : sequence of Direction
        One at least.
    by : callable
        Derivatives (n, p) in the order of `NAMES`, of a device.
    """
    columns = []
    for direction in directions:
        q = direction.device(p)
        columns.append(direction.along(q, by(q)))
    return cast("Array", np.stack(columns, axis=1))


def terms_along(
    p: Parameters, band: tuple[float, float], directions: Sequence[Direction]
) -> tuple[Terms, tuple[str, ...]]:
    """The numbers of a device in time, with the terms of parts of no amplitude beside them.

    Parameters
    ----------
    p : Parameters
    band : (float, float), rad/s
        Frequencies between which dispersion is followed.
    directions : sequence of Direction

    Returns
    -------
    terms : Terms
    names : tuple of str
        By which its numbers have the derivatives along the directions.
    """
    terms = terms_in_time(p, band)
    names = tuple(f"amplitude {k}" for k in range(len(directions)))
    added = []
    for name, direction in zip(names, directions, strict=True):
        q = direction.device(p)
        chain = direction.chain(q)
        own = [part for part in TIMED if direction.part == part.PART]
        beside = Terms(band) if own else terms_in_time(q, band)
        for part in own:
            part.in_time(q, beside)
        if own:
            added.append(beside.changed(_renamed(name, chain)))
        else:  # the part changes the numbers of others
            terms = terms.changed(_merged(name, chain, beside.numbers()))
    for beside in added:
        terms.extend(beside)
    return terms, names


def _renamed(name: str, chain: Mapping[str, float]) -> Callable[[Number], Number]:
    """From a number to the same with its derivative along a direction alone."""
    return lambda number: Number(number.value, {name: number.along(chain)})


def _merged(name: str, chain: Mapping[str, float], others: Iterator[Number]) -> Callable[[Number], Number]:
    """From a number to the same with the derivative that its counterpart has along a direction."""
    return lambda number: Number(number.value, {**number.by, name: next(others).along(chain)})


def in_groups(
    p: Parameters,
    band: tuple[float, float],
    directions: Sequence[Direction],
    fits: Callable[[np.ndarray, int], bool],
) -> Iterator[tuple[Terms, tuple[str, ...], slice]]:
    """Terms of as many directions at a time as one integration takes, their names and places.

    Parameters
    ----------
    p : Parameters
    band : (float, float), rad/s
    directions : sequence of Direction
    fits : callable
        Whether one integration takes so many terms (`Terms.shape`) and derivatives.

    Raises
    ------
    ParameterError
        A direction alone needs more than there is.
    """
    own = terms_in_time(p, band).shape
    first, size = 0, own
    for k, direction in enumerate(directions):
        needed = terms_along(p, band, [direction])[0].shape - own
        if not fits(own + needed, 1):
            raise ParameterError(
                f"The part {direction.part} needs {needed[-1]} branches for these records, too many beside "
                "those of the device; shorten the records or leave it out."
            )
        if not fits(size + needed, k + 1 - first):
            yield (*terms_along(p, band, directions[first:k]), slice(first, k))
            first, size = k, own
        size = size + needed
    if directions:
        yield (*terms_along(p, band, directions[first:]), slice(first, len(directions)))
