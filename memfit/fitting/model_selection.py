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
from memfit.fitting.least_squares import minimise
from memfit.fitting.plan import FitPlan, Model
from memfit.fitting.predict import junction_at
from memfit.fitting.problem import FitState, Problem, Unknowns
from memfit.fitting.result import Alternative
from memfit.fitting.uncertainty.covariance import Covariance
from memfit.model import LEFT_OUT, NAMES, activation

NESTED = tuple(model for model in get_args(Model) if model in LEFT_OUT)
_TITLES = {"3d": "3D model", "2d": "2D model", "2d-mirror": "mirror 2D model"}


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the choice."""

    rare: float = 1e-3
    """Probability below which the third time is there."""
    hint: float = 0.05
    """Probability below which it may be."""
    apart: float = 10.0
    """Difference of chi2 at which one of two models with as many parameters is ruled out."""
    nothing: float = 0.01
    """Fall of chi2 that is none."""
    tolerance: float = 1e-8
    most: int = 60
    """Evaluations of each search."""


SETTINGS = Settings()


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
    share = state.independent_share(covariance.effective)
    problem = replace(state.problem, sigma=state.problem.sigma / np.sqrt(share))
    points = float(np.sum(share[state.problem.keep]))
    full = _lowest(problem, state.unknowns, [state.x])
    nested = {
        model: _nested(problem, full, LEFT_OUT[model]) for model in NESTED if LEFT_OUT[model] not in plan.fix
    }
    lowest = min(fit.minimum.chi2 for fit in (full, *nested.values()))
    candidates = []
    for model, fit in {"3d": full, **nested}.items():
        chi2, free = fit.minimum.chi2, len(fit.unknowns.free)
        candidates.append(
            ModelCandidate(
                model=model,
                chi2=chi2,
                free=free,
                aic=chi2 + 2.0 * free,
                bic=chi2 + free * float(np.log(max(points, 2.0))),
                probability=None if model == "3d" else probability(chi2 - min(full.minimum.chi2, lowest)),
            )
        )
    return Comparison(choose(candidates), nested)


def _nested(problem: Problem, full: FitState, left_out: str) -> FitState:
    """The best fit without one of the two times, begun with either or their sum in place of the other."""
    unknowns = full.unknowns.without([left_out], **{left_out: 0.0})
    p, bias = full.parameters, full.telling_bias()
    f = 0.5 if bias is None else max(float(activation(p, junction_at(p, bias))), 1e-12)
    values = full.unknowns.values(full.x)
    times = (p.tau_d, f * p.tau_k, p.tau_d + f * p.tau_k)
    kept, scale = ("tau_d", 1.0) if left_out == "tau_k" else ("tau_k", f)
    return _lowest(problem, unknowns, [unknowns.encode({**values, kept: t / scale}) for t in times])


def _lowest(problem: Problem, unknowns: Unknowns, starts: Sequence[FloatArray]) -> FitState:
    """The lowest minimum from some starts, with all trials that failed on the way."""
    fits = [
        minimise(problem, unknowns, x, near=False, tolerance=SETTINGS.tolerance, most=SETTINGS.most)
        for x in starts
    ]
    lowest = min(fits, key=lambda fit: fit.minimum.chi2)
    return replace(lowest, failures=sum(fit.failures for fit in fits))


def probability(rise: float) -> float:
    """Of a rise of chi2 at least this large by leaving out a time that is not there (chi-bar-square).

    Parameters
    ----------
    rise : float
    """
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
    rivals = [c for c in nested if c.chi2 < best.chi2 + SETTINGS.apart]
    simple = rivals[0] if len(rivals) > 1 and rivals[0].chi2 < best.chi2 + 0.6 * SETTINGS.apart else best
    needed = _chance(simple) < SETTINGS.rare and full.bic < simple.bic
    chosen = full if needed else simple
    certain = needed or (len(rivals) == 1 and _chance(simple) > SETTINGS.hint)
    return ModelChoice(
        chosen=chosen.model,
        certain=certain,
        sentence=_sentence(chosen, full, simple, nested),
        candidates=tuple(candidates),
    )


def alternatives_of(comparison: Comparison, full: FitState) -> tuple[Alternative, ...]:
    """The models that were not chosen, with their parameters.

    Parameters
    ----------
    comparison : Comparison
    full : FitState
        The settled fit of the 3D model.
    """
    others = []
    for model, state in {"3d": full, **comparison.nested}.items():
        if model != comparison.choice.chosen:
            p = state.parameters.as_dict()
            values = {name: p[name] for name in NAMES if name in state.unknowns.names}
            chi2 = next(c.chi2 for c in comparison.choice.candidates if c.model == model)
            others.append(Alternative(parameters=values, chi2=chi2, note=f"the {_TITLES[model]}"))
    return tuple(others)


def _chance(candidate: ModelCandidate) -> float:
    """Probability of its rise of chi2 by chance."""
    return 1.0 if candidate.probability is None else candidate.probability


def _sentence(
    chosen: ModelCandidate, full: ModelCandidate, simple: ModelCandidate, nested: Sequence[ModelCandidate]
) -> str:
    """Why this model, and whether that is sure."""

    def rise(candidate: ModelCandidate) -> str:
        return f"{max(candidate.chi2 - full.chi2, 0.0):.3g}"

    if chosen is full:
        rises = " and ".join(f"by {rise(c)} without {LEFT_OUT[c.model]}" for c in nested)
        return f"The 3D model was chosen: chi2 rises {rises}, more than chance explains."
    time, chance = LEFT_OUT[chosen.model], 100.0 * _chance(chosen)
    gain = f"{time} lowers chi2 by {rise(chosen)}, which chance alone does in {chance:.2g} % of cases"
    if chosen.chi2 - full.chi2 < SETTINGS.nothing:
        gain = f"{time} does not lower chi2"
    said = (
        f"The {_TITLES[chosen.model]} was chosen: {gain}; AIC and BIC differ by "
        f"{chosen.aic - full.aic:+.3g} and {chosen.bic - full.bic:+.3g} from those of the 3D model."
    )
    for other in (c for c in nested if c is not chosen):
        higher, title = other.chi2 - chosen.chi2, _TITLES[other.model]
        if higher < SETTINGS.apart:
            said += f" The data do not rule out the {title} (chi2 {higher:+.2g})."
        else:
            said += f" The {title} is ruled out (chi2 higher by {higher:.3g})."
    if _chance(simple) <= SETTINGS.hint:
        said += f" The 3D model may still be true: {time} is at the edge of what the data show."
    return said
