"""The joint fit: one set of parameters for everything measured on a device.

First values from the data; polish on spectra and steady curve; fit of everything from several distinct
starts; noise of each record from its residuals, isolated outliers out; terms of the instruments where the
data ask for them; errors, verdict, result.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np

from memfit.datasets.device import Device
from memfit.datasets.records import ImpedanceSpectrum
from memfit.errors import InputError
from memfit.fitting.ambiguity import with_unordered_pair
from memfit.fitting.conflict import conflicts_between_kinds, with_conflicts
from memfit.fitting.initial import begun_alike
from memfit.fitting.instruments import add_needed_terms
from memfit.fitting.plan import FitPlan, plan_for
from memfit.fitting.predict import bias_of
from memfit.fitting.result import Alternative, FitResult, FittedRecord
from memfit.fitting.screening import find_outliers
from memfit.fitting.starts import find_minima
from memfit.fitting.state import Problem, State, solve_again
from memfit.fitting.summary import fitted_records, summarise
from memfit.model.parameters import NAMES

log = logging.getLogger(__name__)

_ROUNDS = 6
_SETTLED = 0.02
"""Change of every record's noise, relative, at which noise and fit agree."""


@dataclass(frozen=True)
class JointFit:
    """A result, and every record beside the model."""

    result: FitResult
    fitted: tuple[FittedRecord, ...]


def fit(device: Device, plan: FitPlan | None = None) -> JointFit:
    """Fit the model to all records of a device.

    Parameters
    ----------
    device : Device
    plan : FitPlan, optional
        What to fit and how; by default what the device's own settings ask for.

    Returns
    -------
    JointFit
        A numerical failure is a status of the result, with a sentence.

    Raises
    ------
    InputError
        There is nothing to fit, or a spectrum has no bias.
    """
    plan = plan or plan_for(device)
    if not device.records:
        raise InputError(f"{device.name}: there is no record to fit; expected spectra, sweeps or transients.")
    for record in device.records:
        if isinstance(record, ImpedanceSpectrum):
            bias_of(record)
    if plan.model != "auto":
        return _fit_model(device, plan, plan.model)
    return _choose_model(device, plan)


def _choose_model(device: Device, plan: FitPlan) -> JointFit:
    """Fit the 2D and the 3D model and keep the one with the lower BIC."""
    full = _fit_model(device, plan, "3d")
    fits = {"3d": full, "2d": _fit_model(device, plan, "2d", thorough=False)}
    bic = {model: joint.result.goodness.bic for model, joint in fits.items()}
    best, other = sorted(fits, key=lambda model: bic[model])
    said = (
        f"The {best.upper()} model was chosen: its BIC is lower by {bic[other] - bic[best]:.1f} than that of "
        f"the {other.upper()} model."
    )
    alternative = Alternative(
        parameters={n: e.value for n, e in fits[other].result.parameters.items() if e.value is not None},
        chi2=fits[other].result.goodness.chi2,
        note=f"the {other.upper()} model",
    )
    chosen = fits[best]
    result = replace(
        chosen.result,
        warnings=(*chosen.result.warnings, said),
        alternatives=(*chosen.result.alternatives, alternative),
    )
    return JointFit(result, chosen.fitted)


def _fit_model(device: Device, plan: FitPlan, model: str, *, thorough: bool = True) -> JointFit:
    """The joint fit of one model; without additional starts where it is only to be compared."""
    names = _free_names(model)
    problem = Problem.prepare(device.records, plan.robust)
    minima, first = find_minima(problem, plan, names, thorough=thorough)
    settled = settle(replace(minima[0], problem=begun_alike(problem, minima[0].problem)), plan)
    settled = settle(add_needed_terms(settled, plan), plan)
    conflicts = conflicts_between_kinds(settled) if plan.conflict_test else ()
    result = summarise(device, plan, names, [settled, *minima[1:]], first)
    result = with_unordered_pair(with_conflicts(result, conflicts), settled)
    return JointFit(result, fitted_records(settled))


def settle(state: State, plan: FitPlan) -> State:
    """Bring the fit, the noise of every record and the list of outliers into agreement."""
    for _ in range(_ROUNDS):
        problem = state.problem.with_noise_of(state)
        judged = replace(state, problem=problem)
        outliers = find_outliers(judged) if plan.screen else ~problem.keep
        changed = np.any(outliers & problem.keep)
        ratio = problem.sigma / state.problem.sigma
        problem = replace(problem, keep=problem.keep & ~outliers)
        state = solve_again(state, problem)
        if not changed and np.max(np.abs(np.log(ratio))) < _SETTLED:
            break
    return state


def _free_names(model: str) -> list[str]:
    """Physical parameters of a model that are free from the start.

    R_s always: data that hardly see it hardly know V_T and V_m either, and their intervals must say so.
    """
    left_out = ("L_s", "tau_k") if model == "2d" else ("L_s",)
    return [name for name in NAMES if name not in left_out]
