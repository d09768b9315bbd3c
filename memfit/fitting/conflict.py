"""Do the kinds of data agree? The fit is repeated without each kind, and the parameters are compared.

An estimate from part of the data and one from all of it differ with covariance C_part - C_all if both see the
same device (Hausman, Econometrica 1978, 46, 1251). Shifts beyond that say that the kinds disagree.
"""

from dataclasses import replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.least_squares import solve_again
from memfit.fitting.problem import FitState
from memfit.fitting.residuals import triangle
from memfit.fitting.result import Conflict, FitResult
from memfit.fitting.uncertainty.covariance import covariance_of
from memfit.model.parameters import NAMES

_ALARM = 5.0
"""Shift, in its standard errors, of a parameter that counts as a disagreement."""
_KNOWN = 0.5
"""Largest standard error (of the logarithm) of a parameter whose shift is worth a look."""
_LEAST_SHIFT = 0.01
"""Smallest shift (of the logarithm, or of V_T in units of V_m) that matters to anyone."""
_LEAST_GAIN = 0.05
"""Share of the variance that a kind of data is taken to remove at least: rounding must not make alarms."""


def conflicts_between_kinds(state: FitState) -> tuple[Conflict, ...]:
    """Shifts of the physical parameters when one kind of data is left out, largest first.

    Only shifts that are too large for chance are listed.
    """
    kinds = list(dict.fromkeys(state.problem.kinds))
    if len(kinds) < 2:
        return ()
    everything = covariance_of(state).matrix
    found = [conflict for kind in kinds for conflict in _without(state, everything, kind)]
    return tuple(sorted(found, key=lambda c: -abs(c.shift)))


def _without(state: FitState, everything: FloatArray, kind: str) -> list[Conflict]:
    """Conflicts that show when one kind is left out; refitted where the linearised fit raises an alarm."""
    left_out = np.array([k == kind for k in state.problem.kinds])[state.problem.predictor.record_of_point]
    kept = state.problem.keep & ~left_out
    if np.count_nonzero(kept) < 2 * len(state.unknowns.free):
        return []
    part = replace(state, problem=replace(state.problem, keep=kept))
    r, jacobian = part.linearised()
    scale = np.maximum(np.linalg.norm(jacobian, axis=0), 1e-300)
    reduced = triangle(np.column_stack([jacobian / scale, r]))
    step = -np.linalg.lstsq(reduced[:, :-1], reduced[:, -1], rcond=1e-9)[0] / scale
    if not _alarms(state, everything, part, step, kind):
        return []
    part = solve_again(state, part.problem)
    return _alarms(state, everything, part, part.x - state.x, kind)


def _alarms(
    state: FitState, everything: FloatArray, part: FitState, step: FloatArray, kind: str
) -> list[Conflict]:
    """Parameters that move by `step` further than chance allows."""
    covariance = covariance_of(part)
    V_m = state.unknowns.parameters(state.x).V_m
    result = []
    for j, name in enumerate(state.unknowns.names):
        if name not in NAMES or name in ("R_s", "L_s"):
            continue
        unit = V_m if name == "V_T" else 1.0
        variance = covariance.matrix[j, j]
        opened = bool(np.any(np.abs(covariance.open_directions[:, j]) > 0.1))
        if opened or variance > (_KNOWN * unit) ** 2:
            continue
        spread = float(np.sqrt(max(variance - everything[j, j], _LEAST_GAIN * variance, 1e-30)))
        if abs(step[j]) > max(_LEAST_SHIFT * unit, _ALARM * spread):
            result.append(Conflict(left_out=kind, parameter=name, shift=float(-step[j] / spread)))
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
