"""Which model: 3D, 2D (tau_k -> 0) or its mirror image (tau_d -> 0).

Both 2D models are the 3D one with a time on the edge of its range, where the fall of chi2 by the third time
is zero in half of all cases and chi-square with one degree of freedom in the other half (chi-bar-square; Self
and Liang, J. Am. Stat. Assoc. 1987, 82, 605). All are fitted to the same points with the same weights;
correlated residuals count as the fewer independent points they are worth, in chi2, AIC and BIC alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import erfc

from memfit.arrays import FloatArray
from memfit.fitting.minimum.least_squares import minimise
from memfit.fitting.minimum.problem import FitState, Problem
from memfit.fitting.minimum.unknowns import Unknowns
from memfit.fitting.plan import FitPlan
from memfit.fitting.prediction.predict import junction_at
from memfit.fitting.results.findings import Alternative, ModelCandidate, ModelChoice
from memfit.fitting.uncertainty.covariance import Covariance
from memfit.model import LEFT_OUT, activation

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
    """Of the search for a model's minimum ..."""
    most: int = 60
    """... and its evaluations, at most."""


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
    p, bias = full.parameters, full.telling_bias()
    f = 0.5 if bias is None else max(float(activation(p, junction_at(p, bias))), 1e-12)
    nested = {}
    for model, left_out in LEFT_OUT.items():
        if left_out not in plan.fix:  # begun with either time or their sum in place of the one that stays
            unknowns = full.unknowns.without([left_out], **{left_out: 0.0})
            kept, scale = ("tau_d", 1.0) if left_out == "tau_k" else ("tau_k", f)
            times = [time / scale for time in (p.tau_d, f * p.tau_k, p.tau_d + f * p.tau_k)]
            values = full.unknowns.values(full.x)
            starts = [unknowns.encode({**values, kept: time}) for time in times]
            nested[model] = _lowest(problem, unknowns, starts)
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
        sentence = "A fixed time leaves only the 3D model."
        return ModelChoice(chosen=full.model, certain=True, sentence=sentence, candidates=(full,))
    best = min(nested, key=lambda c: c.chi2)
    rivals = [c for c in nested if c.chi2 < best.chi2 + SETTINGS.apart]
    simple = rivals[0] if len(rivals) > 1 and rivals[0].chi2 < best.chi2 + 0.6 * SETTINGS.apart else best
    chance, time = 1.0 if simple.probability is None else simple.probability, LEFT_OUT[simple.model]
    rises = {c.model: f"{max(c.chi2 - full.chi2, 0.0):.3g}" for c in nested}
    if chance < SETTINGS.rare and full.bic < simple.bic:
        without = " and ".join(f"by {rises[c.model]} without {LEFT_OUT[c.model]}" for c in nested)
        said = f"The 3D model was chosen: chi2 rises {without}, more than chance explains."
        return ModelChoice(chosen=full.model, certain=True, sentence=said, candidates=tuple(candidates))
    gain = f"{time} does not lower chi2"
    if simple.chi2 - full.chi2 >= SETTINGS.nothing:
        often = f"{100.0 * chance:.2g} % of cases"
        gain = f"{time} lowers chi2 by {rises[simple.model]}, which chance alone does in {often}"
    said = (
        f"The {_TITLES[simple.model]} was chosen: {gain}; AIC and BIC differ by "
        f"{simple.aic - full.aic:+.3g} and {simple.bic - full.bic:+.3g} from those of the 3D model."
    )
    for other in (c for c in nested if c is not simple):
        higher, title = other.chi2 - simple.chi2, _TITLES[other.model]
        if higher < SETTINGS.apart:
            said += f" The data do not rule out the {title} (chi2 {higher:+.2g})."
        else:
            said += f" The {title} is ruled out (chi2 higher by {higher:.3g})."
    if chance <= SETTINGS.hint:
        said += f" The 3D model may still be true: {time} is at the edge of what the data show."
    certain = len(rivals) == 1 and chance > SETTINGS.hint
    return ModelChoice(chosen=simple.model, certain=certain, sentence=said, candidates=tuple(candidates))


def alternatives(comparison: Comparison, full: FitState) -> list[Alternative]:
    """The models that were not chosen, with their parameters.

    Parameters
    ----------
    comparison : Comparison
    full : FitState
        The fit of the 3D model.
    """
    others = []
    for model, state in {"3d": full, **comparison.nested}.items():
        if model != comparison.choice.chosen:
            chi2 = next(c.chi2 for c in comparison.choice.candidates if c.model == model)
            others.append(
                Alternative(parameters=state.fitted_values, chi2=chi2, note=f"the {_TITLES[model]}")
            )
    return others
