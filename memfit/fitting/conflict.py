"""Do the kinds of data agree? The fit is repeated without each kind, and the parameters are compared.

An estimate from part of the data and one from all of it differ with covariance C_part - C_all if both see the
same device (Hausman, Econometrica 1978, 46, 1251). Shifts beyond that say that the kinds disagree.
"""

from dataclasses import replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.result import Conflict, FitResult
from memfit.fitting.state import State, solve_again
from memfit.fitting.uncertainty import covariance_of
from memfit.model.parameters import NAMES

_ALARM = 5.0
"""Shift, in its standard errors, of a parameter that counts as a disagreement."""
_KNOWN = 0.5
"""Largest standard error (of the logarithm) of a parameter whose shift is worth a look."""
_LEAST_SHIFT = 0.01
"""Smallest shift (of the logarithm, or of V_T in units of V_m) that matters to anyone."""
_LEAST_GAIN = 0.05
"""Share of the variance that a kind of data is taken to remove at least: rounding must not make alarms."""


def conflicts_between_kinds(state: State) -> tuple[Conflict, ...]:
    """Shifts of the physical parameters when one kind of data is left out, largest first.

    Only shifts that are too large for chance are listed.
    """
    kinds = list(dict.fromkeys(state.problem.kinds))
    if len(kinds) < 2:
        return ()
    everything = covariance_of(state).matrix
    found = [conflict for kind in kinds for conflict in _without(state, everything, kind)]
    return tuple(sorted(found, key=lambda c: -abs(c.shift)))


def _without(state: State, everything: FloatArray, kind: str) -> list[Conflict]:
    """Conflicts that show when one kind is left out."""
    records = state.problem.predictor.record_of_point
    left_out = np.array([k == kind for k in state.problem.kinds])[records]
    kept = state.problem.keep & ~left_out
    if np.count_nonzero(kept) < 2 * len(state.unknowns.free):
        return []
    part = solve_again(state, replace(state.problem, keep=kept))
    covariance = covariance_of(part)
    result = []
    for j, name in enumerate(part.unknowns.names):
        if name not in NAMES or name in ("R_s", "L_s"):
            continue
        i = state.unknowns.names.index(name)
        opened = bool(np.any(np.abs(covariance.open_directions[:, j]) > 0.1))
        unit = state.unknowns.parameters(state.x).V_m if name == "V_T" else 1.0
        error = float(np.sqrt(max(covariance.matrix[j, j], 0.0)))
        variance = covariance.matrix[j, j]
        spread = float(np.sqrt(max(variance - everything[i, i], _LEAST_GAIN * variance, 1e-30)))
        shift = float(state.x[i] - part.x[j])
        told = not opened and error < _KNOWN * unit
        if told and abs(shift) > max(_LEAST_SHIFT * unit, _ALARM * spread):
            result.append(Conflict(left_out=kind, parameter=name, shift=float(shift / spread)))
    return result


def with_conflicts(result: FitResult, conflicts: tuple[Conflict, ...]) -> FitResult:
    """The result with its conflicts, and a sentence for each kind of data that disagrees."""
    said = []
    for kind in dict.fromkeys(c.left_out for c in conflicts):
        moved = [c for c in conflicts if c.left_out == kind]
        shifts = ", ".join(f"{c.parameter} by {c.shift:+.1f}" for c in moved[:4])
        said.append(
            f"The {_WORDS[kind]} disagree with the rest: they move {shifts} standard errors. Check that they "
            "were taken on the same device in the same state."
        )
    return replace(result, conflicts=conflicts, warnings=(*result.warnings, *said))


_WORDS = {"impedance": "spectra", "iv": "sweeps", "transient": "transients"}
