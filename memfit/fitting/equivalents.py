"""How far a parameter can go while the others make up for it: what a Jacobian at the minimum may not see.

Where data say nothing about a parameter, the minimiser ends where it fits a trace of the noise, and there
the Jacobian looks fine. So a doubtful parameter is moved a factor e, and further while that costs little, and
everything else is fitted again (a few points of its profile likelihood). The exact symmetry of one spectrum,
tau_d <-> f tau_k, is tried as well (Eqs. 13 and 14 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13,
3789), and so are the other minima of the search.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.records import ImpedanceSpectrum
from memfit.fitting.minimise import minimise
from memfit.fitting.predict import Predictor, bias_of
from memfit.fitting.state import Problem, State, solve_again
from memfit.fitting.uncertainty import Covariance
from memfit.fitting.unknowns import Unknown, Unknowns
from memfit.model.equations import activation, inverse_resistance_a
from memfit.model.parameters import NAMES, Parameters
from memfit.model.steady import junction_voltage
from memfit.protocols import Control

CORE = NAMES[:7]
ALLOWED = 16.0
"""Rise of chi2, on independent points, that chance and the search for the lowest place explain together: so
that a parameter is open where it can go four units of length far, which is a standard error of one."""
_ALLOWED_ORDER = 9.0
"""The same between two minima of which one is the truth: three standard errors."""
_STEPS = (1.0, 2.0, 3.0, 4.0)
"""Distances of a parameter, in the logarithm; V_T in units of 2 V_m."""
_UNSEEN = 1e-30
"""Length of a column of the Jacobian below which nothing in the data depends on the unknown."""
_NEAR_LIMIT = 2.0
"""Largest such distance at which a rise of chi2 is taken for a limit of the data, not of the search."""
_DOUBTFUL = 0.1
"""Standard error of linear theory, in the same units, from which it is not believed: noise that is taken for
a signal has a significance of a few standard errors."""
_ON_BOUND = 1e-3
"""Distance, in the same units, at which there is no room to move."""
_PRIOR = 5.0
"""Standard deviation in the same units beyond which nothing is believed."""
_PATIENT = 1e-8
"""Tolerance of a search that must not stop early."""
_EVALUATIONS, _FIRST_LOOK = 25, 10
_HOPELESS = 300.0
"""Rise of chi2 after a first look at which another minimum is given up."""
_BETTER = 1.0
"""Fall of chi2 that makes another place the better minimum."""
_DIFFERENT = 0.1
"""Distance of two times, in the logarithm, below which it does not matter which is which."""


@dataclass(frozen=True)
class Excursion:
    """One parameter moved from the minimum, everything else fitted again."""

    name: str
    upward: bool
    x: FloatArray
    """(m,) where it got to within `ALLOWED`; the minimum itself where it could not move."""
    far: bool
    """Whether it got all the way, or to its bound."""
    limit: float | None
    """Where chi2 stopped it, in its own unit; None if nothing did, or only far away."""
    chi2: float
    """There, if lower than at the minimum."""


@dataclass(frozen=True)
class Exploration:
    """Places that the data allow as well as the minimum."""

    excursions: tuple[Excursion, ...]
    others: tuple[FloatArray, ...]
    """Other minima that are as good."""
    swap: FloatArray | None
    """The minimum with tau_d and f tau_k exchanged, where the data allow it."""
    better: State | None
    """A lower minimum, where one was found on the way."""

    @property
    def points(self) -> list[FloatArray]:
        """All places away from the minimum."""
        swapped = [] if self.swap is None else [self.swap]
        return [*swapped, *self.others, *(e.x for e in self.excursions)]


def explore(state: State, covariance: Covariance, rivals: Sequence[State] = ()) -> Exploration:
    """Move every parameter of the model, and try the other minima.

    Parameters
    ----------
    state : State
        The settled fit.
    covariance : Covariance
        Of it; says how many points of each record are independent.
    rivals : sequence of State
        Other minima of the search for the same data.
    """
    base = _on_independent_points(state, covariance)
    carried = [_second_minimum(base, _carried(base, rival)) for rival in rivals]
    others = [found for found in carried if found is not None]
    swap = _second_minimum(base, exchanged(base)) if _spectra_allow_exchange(base) else None
    if swap is not None and not _other_order(base, swap):
        others, swap = [*others, swap], None
    better = _lower(state, base, [(s.minimum.chi2, s.x) for s in (*others, swap) if s is not None])
    if better is not None:
        return Exploration((), (), None, better)
    excursions = _excursions(base)
    return Exploration(
        excursions=tuple(excursions),
        others=tuple(other.x for other in others),
        swap=None if swap is None else swap.x,
        better=_lower(state, base, [(e.chi2, e.x) for e in excursions]),
    )


def _lower(state: State, base: State, found: Sequence[tuple[float, FloatArray]]) -> State | None:
    """The fit begun again from the lowest place, if that is lower than the minimum."""
    chi2, x = min(found, key=lambda item: item[0], default=(np.inf, base.x))
    if chi2 > base.minimum.chi2 - _BETTER:
        return None
    return solve_again(replace(state, minimum=replace(state.minimum, x=x)), state.problem)


def _excursions(base: State) -> list[Excursion]:
    """Those of doubtful parameters, and if one of them goes far, those of all."""
    errors, follow = _linear_theory(base)
    core = [j for j, unknown in enumerate(base.unknowns.free) if unknown.name in CORE]
    doubtful = [
        j for j in core if errors[j] > _DOUBTFUL or base.unknowns.free[j].name in base.minimum.at_bound
    ]
    excursions = [_excursion(base, follow, j, side, patient=True) for j in doubtful for side in (-1.0, 1.0)]
    if any(e.far for e in excursions):
        rest = [j for j in core if j not in doubtful]
        excursions += [_excursion(base, follow, j, side) for j in rest for side in (-1.0, 1.0)]
    return excursions


def independent_share(state: State, covariance: Covariance) -> FloatArray:
    """(n,) how much of an independent point every point is worth."""
    predictor = state.problem.predictor
    share = np.ones(predictor.size)
    for here, effective in zip(predictor.slices, covariance.effective, strict=True):
        share[here] = effective / max(int(np.count_nonzero(state.problem.keep[here])), 1)
    return np.maximum(share, 1e-6)


def telling_bias(state: State) -> tuple[Control, float] | None:
    """Terminal bias of the spectrum that sees most of the channel; None without spectra."""
    p = state.unknowns.parameters(state.x)
    biases = [bias_of(r) for r in state.problem.predictor.records if isinstance(r, ImpedanceSpectrum)]
    return max(biases, key=lambda bias: float(inverse_resistance_a(p, junction_at(p, bias))), default=None)


def junction_at(p: Parameters, bias: tuple[Control, float]) -> float:
    """Voltage across the junction, V, at a terminal bias."""
    control, value = bias
    return float(junction_voltage(p, control, [value])[0])


def unit_of_length(unknown: Unknown, V_m: float) -> float:
    """What counts as a factor e: 1 in the logarithm, 2 V_m for V_T."""
    return 2.0 * V_m if unknown.name == "V_T" else 1.0


def exchanged(state: State) -> FloatArray | None:
    """The minimum with tau_d and f tau_k exchanged at the most telling bias, or at half activation."""
    names = state.unknowns.names
    if "tau_d" not in names or "tau_k" not in names:
        return None
    p = state.unknowns.parameters(state.x)
    bias = telling_bias(state)
    f = 0.5 if bias is None else max(float(activation(p, junction_at(p, bias))), 1e-12)
    x = state.x.copy()
    for name, value in (("tau_d", f * p.tau_k), ("tau_k", p.tau_d / f)):
        j = names.index(name)
        x[j] = state.unknowns.free[j].inner(value)
    return x


def _on_independent_points(state: State, covariance: Covariance) -> State:
    """The fit with every point weighted by its share of an independent one."""
    share = independent_share(state, covariance)
    if np.all(share > 0.99):
        return state
    problem = replace(state.problem, sigma=state.problem.sigma / np.sqrt(share))
    return _minimised(problem, state.unknowns, state.x)


def _minimised(
    problem: Problem,
    unknowns: Unknowns,
    x: FloatArray,
    most: int = _EVALUATIONS,
    tolerance: float | None = None,
) -> State:
    """Minimise to a small part of what chi2 may rise, or to a tolerance."""
    residuals = problem.residuals(unknowns)
    r = residuals.residuals(x)
    if tolerance is None:
        tolerance = float(np.clip(0.02 * ALLOWED / max(float(r @ r), 1e-300), 1e-10, 1e-3))
    minimum = minimise(residuals, unknowns.free, x, tolerance=tolerance, max_evaluations=most)
    return State(problem, unknowns, minimum, residuals.failures)


def _carried(base: State, rival: State) -> FloatArray:
    """The vector of another minimum in the unknowns of this one."""
    x = base.x.copy()
    for name, value in zip(rival.unknowns.names, rival.x, strict=True):
        if name in base.unknowns.names:
            x[base.unknowns.names.index(name)] = value
    return x


def _second_minimum(base: State, start: FloatArray | None) -> State | None:
    """The minimum near a start, if it is another one and as good."""
    if start is None or _near(base, start):
        return None
    found = _minimised(base.problem, base.unknowns, start, _FIRST_LOOK)
    if found.minimum.chi2 > base.minimum.chi2 + _HOPELESS:
        return None
    found = _minimised(base.problem, base.unknowns, found.x, 2 * _EVALUATIONS)
    if found.minimum.chi2 > base.minimum.chi2 + ALLOWED or _near(base, found.x):
        return None
    return found


def _spectra_allow_exchange(base: State) -> bool:
    """Whether the spectra alone, which cost nothing, allow tau_d and f tau_k to be exchanged."""
    predictor = base.problem.predictor
    here = [k for k, r in enumerate(predictor.records) if isinstance(r, ImpedanceSpectrum)]
    start = exchanged(base)
    if not here or start is None:
        return True
    points = np.isin(predictor.record_of_point, here)
    problem = Problem(
        Predictor([predictor.records[k] for k in here]),
        tuple(base.problem.noise[k] for k in here),
        base.problem.sigma[points],
        base.problem.keep[points],
    )
    free = [u for u in base.unknowns.free if u.name in NAMES]
    columns = [base.unknowns.names.index(u.name) for u in free]
    unknowns = Unknowns(free, base.unknowns.base, problem.kinds)
    r = problem.residuals(unknowns).residuals(base.x[columns])
    found = _minimised(problem, unknowns, start[columns], 2 * _EVALUATIONS)
    return found.minimum.chi2 <= float(r @ r) + _HOPELESS


def _other_order(base: State, found: State) -> bool:
    """Whether tau_d is another one, at a cost that leaves the choice open."""
    j = base.unknowns.names.index("tau_d")
    moved = abs(found.x[j] - base.x[j]) > _DIFFERENT
    return bool(moved and found.minimum.chi2 < base.minimum.chi2 + _ALLOWED_ORDER)


def _near(base: State, x: FloatArray) -> bool:
    """Whether no parameter of the model differs enough to matter."""
    V_m = base.unknowns.parameters(base.x).V_m
    return all(
        abs(x[j] - base.x[j]) < _DIFFERENT * unit_of_length(u, V_m)
        for j, u in enumerate(base.unknowns.free)
        if u.name in CORE
    )


def _linear_theory(base: State) -> tuple[FloatArray, FloatArray]:
    """Standard errors, and in row j of (m, m) how all unknowns follow when unknown j is moved by one.

    In units of length for the parameters of the model; a weak prior makes what is open finite.
    """
    _, jacobian = base.linearised()
    V_m = base.unknowns.parameters(base.x).V_m
    length = np.linalg.norm(jacobian, axis=0)
    spread = np.array(
        [
            _PRIOR * unit_of_length(u, V_m)
            if u.name in CORE
            else 1e3 / float(size)
            if size > _UNSEEN
            else 1.0
            for u, size in zip(base.unknowns.free, length, strict=True)
        ]
    )
    scaled = np.vstack([jacobian * spread, np.eye(spread.size)])
    _, singular, directions = np.linalg.svd(scaled, full_matrices=False)
    covariance = spread[:, None] * ((directions.T / singular**2) @ directions) * spread
    variance = np.diag(covariance)
    lengths = np.array([unit_of_length(u, V_m) for u in base.unknowns.free])
    return np.sqrt(variance) / lengths, covariance / variance[:, None]


def _excursion(
    base: State, follow: FloatArray, j: int, direction: float, *, patient: bool = False
) -> Excursion:
    """Move one unknown step by step, everything else following; a patient search tries harder."""
    unknown = base.unknowns.free[j]
    low, high = unknown.inner_bounds
    length = unit_of_length(unknown, base.unknowns.parameters(base.x).V_m)
    allowed = base.minimum.chi2 + ALLOWED
    here, slope = base.x, follow[j]
    for step in _STEPS:
        target = float(np.clip(base.x[j] + direction * step * length, low, high))
        if abs(target - here[j]) < _ON_BOUND * length:
            break
        chi2, x = _moved(base, j, target, here, slope)
        if chi2 > allowed and patient:
            _, halfway = _moved(base, j, 0.5 * (target + here[j]), here, slope)
            way = (halfway - here) / (halfway[j] - here[j])
            chi2, x = _moved(base, j, target, halfway, way, tolerance=_PATIENT)
        if chi2 > allowed:
            limit = unknown.outer(target) if step <= _NEAR_LIMIT else None
            return Excursion(unknown.name, direction > 0, here, False, limit, base.minimum.chi2)
        if chi2 < base.minimum.chi2 - _BETTER:
            return Excursion(unknown.name, direction > 0, x, True, None, chi2)
        here, slope = x, (x - here) / (target - here[j])
    far = bool(abs(here[j] - base.x[j]) > 0.99 * _STEPS[0] * length)
    return Excursion(unknown.name, direction > 0, here, far, None, base.minimum.chi2)


def _moved(
    base: State, j: int, value: float, here: FloatArray, slope: FloatArray, *, tolerance: float | None = None
) -> tuple[float, FloatArray]:
    """chi2 and vector with unknown j moved to a value and everything else fitted, from the better guess.

    Everything else follows along `slope`, or stays.
    """
    held = base.unknowns.free[j]
    free = [u for k, u in enumerate(base.unknowns.free) if k != j]
    anchor = base.unknowns.base.replace(**{held.name: held.outer(value)})
    unknowns = Unknowns(free, anchor, base.problem.kinds)
    low, high = (np.array(ends) for ends in zip(*(u.inner_bounds for u in free), strict=True))
    guesses = (here + (value - here[j]) * slope, here)
    starts = [np.clip(np.delete(x, j), low, high) for x in guesses]
    residuals = base.problem.residuals(unknowns)
    squares = [float(np.sum(residuals.residuals(x) ** 2)) for x in starts]
    best = starts[int(np.argmin(squares))]
    found = _minimised(base.problem, unknowns, best, tolerance=tolerance)
    return found.minimum.chi2, np.insert(found.x, j, value)
