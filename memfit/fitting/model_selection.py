"""Which model: 3D, 2D (tau_k -> 0) or its mirror image (tau_d -> 0), and how sure that is.

Both 2D models are the 3D one with a time on the edge of its range, where the fall of chi2 by the third time
is zero in half of all cases and chi-square with one degree of freedom in the other half (chi-bar-square; Self
and Liang, J. Am. Stat. Assoc. 1987, 82, 605). All are fitted to the same points with the same weights;
correlated residuals count as the fewer independent points they are worth, in chi2, AIC and BIC alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from scipy.special import erfc

from memfit.arrays import FloatArray
from memfit.fitting.findings import ModelCandidate, ModelChoice
from memfit.fitting.identifiability.explore import independent_share, telling_bias
from memfit.fitting.lmfit_engine import minimise
from memfit.fitting.plan import LEFT_OUT, FitPlan, Model
from memfit.fitting.predict import junction_at
from memfit.fitting.problem import FitState, Problem
from memfit.fitting.result import Alternative
from memfit.fitting.uncertainty.covariance import Covariance
from memfit.fitting.unknowns import Unknowns
from memfit.model.equations import activation
from memfit.model.parameters import NAMES

NESTED = tuple(model for model in get_args(Model) if model in LEFT_OUT)
_RARE, _HINT = 1e-3, 0.05
"""Probabilities below which the third time is there, and below which it may be."""
_APART = 10.0
"""Difference of chi2 at which one of two models with as many parameters is ruled out."""
_NOTHING = 0.01
"""Fall of chi2 that is none."""
_EVALUATIONS = 60
_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Comparison:
    """The choice, and the fits behind it."""

    choice: ModelChoice
    nested: Mapping[str, FitState]
    """Fits of the 2D models, weighted as independent points."""


def compare_models(state: FitState, covariance: Covariance, plan: FitPlan) -> Comparison:
    """Fit the 2D models to the data of a settled 3D fit, and choose.

    Parameters
    ----------
    state : FitState
        The settled fit of the 3D model.
    covariance : Covariance
        Of it; says how many points of each record are independent.
    plan : FitPlan
        A time that it fixes is not left out.
    """
    share = independent_share(state, covariance)
    problem = replace(state.problem, sigma=state.problem.sigma / np.sqrt(share))
    points = float(np.sum(share[state.problem.keep]))
    full = _minimised(problem, state.unknowns, [state.x])
    nested = {
        model: _nested(problem, full, LEFT_OUT[model]) for model in NESTED if LEFT_OUT[model] not in plan.fix
    }
    lowest = min(found.minimum.chi2 for found in (full, *nested.values()))
    candidates = [_candidate("3d", full, points, None)]
    for model, found in nested.items():
        rise = found.minimum.chi2 - min(full.minimum.chi2, lowest)
        candidates.append(_candidate(model, found, points, probability(rise)))
    return Comparison(choose(candidates), nested)


def probability(rise: float) -> float:
    """Of a rise of chi2 at least this large by leaving out a time that is not there (chi-bar-square)."""
    return float(0.5 * erfc(np.sqrt(0.5 * rise))) if rise > 0.0 else 1.0


def choose(candidates: Sequence[ModelCandidate]) -> ModelChoice:
    """The simplest model that the data do not contradict.

    Parameters
    ----------
    candidates : sequence of ModelCandidate
        The 3D model first.
    """
    full, *nested = candidates
    if not nested:
        return ModelChoice(
            chosen=full.model,
            certain=True,
            sentence="A fixed time leaves only the 3D model.",
            candidates=(full,),
        )
    best = min(nested, key=lambda c: c.chi2)
    rivals = [c for c in nested if c.chi2 < best.chi2 + _APART]
    simple = rivals[0] if len(rivals) > 1 and rivals[0].chi2 < best.chi2 + 0.6 * _APART else best
    needed = _chance(simple) < _RARE and full.bic < simple.bic
    chosen = full if needed else simple
    certain = needed or (len(rivals) == 1 and _chance(simple) > _HINT)
    return ModelChoice(
        chosen=chosen.model,
        certain=certain,
        sentence=_sentence(chosen, full, simple, nested),
        candidates=tuple(candidates),
    )


def alternatives_of(comparison: Comparison, full: FitState) -> tuple[Alternative, ...]:
    """The models that were not chosen, with their parameters."""
    fits = {"3d": full, **comparison.nested}
    found = []
    for model, state in fits.items():
        if model != comparison.choice.chosen:
            p = state.unknowns.parameters(state.x).as_dict()
            values = {n: p[n] for n in NAMES if n in state.unknowns.names}
            chi2 = next(c.chi2 for c in comparison.choice.candidates if c.model == model)
            found.append(Alternative(parameters=values, chi2=chi2, note=f"the {_NAMES[model]}"))
    return tuple(found)


def _chance(candidate: ModelCandidate) -> float:
    """Probability of its rise of chi2 by chance."""
    return 1.0 if candidate.probability is None else candidate.probability


def _candidate(model: str, state: FitState, points: float, chance: float | None) -> ModelCandidate:
    """One model with its criteria."""
    chi2, free = state.minimum.chi2, len(state.unknowns.free)
    return ModelCandidate(
        model=model,
        chi2=chi2,
        free=free,
        aic=chi2 + 2.0 * free,
        bic=chi2 + free * float(np.log(max(points, 2.0))),
        probability=chance,
    )


def _nested(problem: Problem, full: FitState, left_out: str) -> FitState:
    """The best fit without one of the two times, begun with either or their sum in place of the other."""
    free = [u for u in full.unknowns.free if u.name != left_out]
    unknowns = Unknowns(free, full.unknowns.base.replace(**{left_out: 0.0}), problem.kinds)
    p = full.unknowns.parameters(full.x)
    bias = telling_bias(full)
    f = 0.5 if bias is None else max(float(activation(p, junction_at(p, bias))), 1e-12)
    values = full.unknowns.values(full.x)
    times = (p.tau_d, f * p.tau_k, p.tau_d + f * p.tau_k)
    kept, scale = ("tau_d", 1.0) if left_out == "tau_k" else ("tau_k", f)
    return _minimised(problem, unknowns, [unknowns.encode({**values, kept: t / scale}) for t in times])


def _minimised(problem: Problem, unknowns: Unknowns, starts: Sequence[FloatArray]) -> FitState:
    """The lowest minimum from some starts."""
    residuals = problem.residuals(unknowns)
    found = [
        minimise(residuals, unknowns.free, x, tolerance=_TOLERANCE, max_evaluations=_EVALUATIONS)
        for x in starts
    ]
    return FitState(problem, unknowns, min(found, key=lambda m: m.chi2), residuals.failures)


_NAMES = {"3d": "3D model", "2d": "2D model", "2d-mirror": "mirror 2D model"}
_TIMES = {"2d": "tau_k", "2d-mirror": "tau_d"}


def _sentence(
    chosen: ModelCandidate, full: ModelCandidate, simple: ModelCandidate, nested: Sequence[ModelCandidate]
) -> str:
    """Why this model, and whether that is sure."""
    if chosen is full:
        rises = " and ".join(f"by {_rise(c, full)} without {_TIMES[c.model]}" for c in nested)
        return f"The 3D model was chosen: chi2 rises {rises}, more than chance explains."
    said = (
        f"The {_NAMES[chosen.model]} was chosen: {_gain(chosen, full)}; AIC and BIC differ by "
        f"{chosen.aic - full.aic:+.3g} and {chosen.bic - full.bic:+.3g} from those of the 3D model."
    )
    others = [c for c in nested if c is not chosen]
    for other in others:
        if other.chi2 < chosen.chi2 + _APART:
            said += (
                f" The data do not rule out the {_NAMES[other.model]} (chi2 {other.chi2 - chosen.chi2:+.2g})."
            )
        else:
            said += (
                f" The {_NAMES[other.model]} is ruled out (chi2 higher by {other.chi2 - chosen.chi2:.3g})."
            )
    if _chance(simple) <= _HINT:
        said += (
            f" The 3D model may still be true: {_TIMES[chosen.model]} is at the edge of what the data show."
        )
    return said


def _gain(chosen: ModelCandidate, full: ModelCandidate) -> str:
    """What the time that was left out would buy."""
    time = _TIMES[chosen.model]
    if chosen.chi2 - full.chi2 < _NOTHING:
        return f"{time} does not lower chi2"
    chance = 100.0 * _chance(chosen)
    return f"{time} lowers chi2 by {_rise(chosen, full)}, which chance alone does in {chance:.2g} % of cases"


def _rise(candidate: ModelCandidate, full: ModelCandidate) -> str:
    """How much higher chi2 is without a time."""
    return f"{max(candidate.chi2 - full.chi2, 0.0):.3g}"
