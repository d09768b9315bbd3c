"""The photocurrent: a constant current that drives the junction up.

i = -I_ph across the junction, Y = 0: at u = 0 the terminal current is -I_ph. A zero error of the source is
the same term.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import COLUMN, Parameters
from memfit.model.terms import Number, Terms

PART = "photocurrent"


def steady_current(p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
    """-I_ph, A; with a resistance (ohm) the voltage that drops across it, V."""
    return np.full(np.shape(u), -resistance * p.I_ph)


def conductance(p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
    """None."""
    return np.zeros(np.shape(u))


def limits(p: Parameters) -> tuple[float, float]:
    """Least and most steady current, A."""
    return -p.I_ph, -p.I_ph


def is_bounded(p: Parameters) -> bool:
    """It stays between its limits."""
    return True


def least_conductance(p: Parameters) -> float:
    """It does not fall."""
    return 0.0


def add_current_derivatives(p: Parameters, u: FloatArray, by: FloatArray) -> None:
    """Add to (n, p) the derivatives of the steady current by the parameters at fixed u (n,)."""
    by[:, COLUMN["I_ph"]] -= 1.0


def admittance(p: Parameters, s: ComplexArray, u: ArrayLike) -> float:
    """None."""
    return 0.0


def add_admittance(
    p: Parameters, s: ComplexArray, u: FloatArray, u_by_p: FloatArray, k: np.ndarray, by: ComplexArray
) -> float:
    """None."""
    return 0.0


def current(p: Parameters, state: Mapping[str, FloatArray]) -> FloatArray:
    """-I_ph, A."""
    return np.full(np.shape(state["u"]), -p.I_ph)


def current_slopes(p: Parameters, state: Mapping[str, FloatArray]) -> dict[str, float]:
    """Derivatives of the current by u and the states."""
    return {}


def in_time(p: Parameters, terms: Terms) -> None:
    """Add -I_ph to what answers at once."""
    terms.constant += Number(-p.I_ph, {"I_ph": -1.0})
