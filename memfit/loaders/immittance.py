"""Impedance from any pair of columns that determines it, as impedance analysers and LCR meters write them.

Z' and Z'', |Z| and phase, Y' and Y'', |Y| and phase, or an equivalent circuit of two elements: parallel (Cp
with G, Rp or the dissipation factor D) or series (Cs or Ls with Rs, Cs with D). In Y = G + i omega C and
Z = R + 1/(i omega C) the capacitance is of the whole device, so nothing is assumed of it.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from memfit.arrays import ComplexArray, FloatArray

Columns: TypeAlias = Mapping[str, FloatArray]


def _omega(columns: Columns) -> FloatArray:
    omega: FloatArray = 2 * np.pi * columns["frequency"]
    return omega


def _polar(columns: Columns, modulus: str, phase: str) -> ComplexArray:
    polar: ComplexArray = columns[modulus] * np.exp(1j * columns[phase])
    return polar


def _parallel(columns: Columns, conductance: FloatArray) -> ComplexArray:
    """Admittance of a conductance beside the parallel capacitance."""
    admittance: ComplexArray = conductance + 1j * _omega(columns) * columns["capacitance_parallel"]
    return admittance


def _series(columns: Columns, resistance: FloatArray) -> ComplexArray:
    """Impedance of a resistance behind the series capacitance."""
    impedance: ComplexArray = resistance + 1 / (1j * _omega(columns) * columns["capacitance_series"])
    return impedance


_IMPEDANCES: Mapping[tuple[str, str], Callable[[Columns], ComplexArray]] = {
    ("z_real", "z_imag"): lambda c: c["z_real"] + 1j * c["z_imag"],
    ("z_modulus", "phase"): lambda c: _polar(c, "z_modulus", "phase"),
    ("resistance_series", "z_imag"): lambda c: c["resistance_series"] + 1j * c["z_imag"],
    ("capacitance_series", "resistance_series"): lambda c: _series(c, c["resistance_series"]),
    ("capacitance_series", "dissipation"): lambda c: _series(
        c, c["dissipation"] / (_omega(c) * c["capacitance_series"])
    ),
    ("inductance_series", "resistance_series"): lambda c: (
        c["resistance_series"] + 1j * _omega(c) * c["inductance_series"]
    ),
}
_ADMITTANCES: Mapping[tuple[str, str], Callable[[Columns], ComplexArray]] = {
    ("y_real", "y_imag"): lambda c: c["y_real"] + 1j * c["y_imag"],
    ("y_modulus", "y_phase"): lambda c: _polar(c, "y_modulus", "y_phase"),
    ("capacitance_parallel", "y_real"): lambda c: _parallel(c, c["y_real"]),
    ("capacitance_parallel", "resistance_parallel"): lambda c: _parallel(c, 1 / c["resistance_parallel"]),
    ("capacitance_parallel", "dissipation"): lambda c: _parallel(
        c, _omega(c) * c["capacitance_parallel"] * c["dissipation"]
    ),
}
PAIRS: tuple[tuple[str, str], ...] = (
    ("z_real", "z_imag"),
    ("z_modulus", "phase"),
    ("y_real", "y_imag"),
    ("resistance_series", "z_imag"),
    ("y_modulus", "y_phase"),
    ("capacitance_parallel", "y_real"),
    ("capacitance_parallel", "resistance_parallel"),
    ("capacitance_parallel", "dissipation"),
    ("capacitance_series", "resistance_series"),
    ("capacitance_series", "dissipation"),
    ("inductance_series", "resistance_series"),
)
"""Pairs of roles that determine an impedance, the first that a table has is taken."""

ROLES_OF_PAIRS = frozenset(role for pair in PAIRS for role in pair)

WORDS = "Z' and Z'' (or |Z| and phase, Y' and Y'', Cp and G, Rp or D, Cs and Rs or D)"
"""The pairs in a message."""


def pair_of(roles: frozenset[str] | set[str]) -> tuple[str, str] | None:
    """The first pair that these columns have."""
    return next((pair for pair in PAIRS if set(pair) <= roles), None)


def impedance(columns: Columns) -> ComplexArray | None:
    """Complex impedance, ohm; not finite where an admittance is 0. None if no pair is there.

    Parameters
    ----------
    columns : mapping of str to array
        In SI units by role, with the frequency.
    """
    pair = pair_of(set(columns))
    if pair is None:
        return None
    with np.errstate(all="ignore"):
        if pair in _IMPEDANCES:
            return _IMPEDANCES[pair](columns)
        found = _ADMITTANCES[pair](columns)
        inverse: ComplexArray = np.where(np.abs(found) < 1e-18, np.inf, np.reciprocal(found))
        return inverse
