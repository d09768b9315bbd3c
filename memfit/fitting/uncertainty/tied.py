"""A result whose tied parameters have their errors: what follows from others moves with them.

The covariance of a fit is that of its unknowns. Here it is enlarged by the tied parameters, to first order:
whatever is said of the device (predictions, stability, comparison) lets them move together.
"""

from dataclasses import replace

import numpy as np

from memfit.confidence import Z
from memfit.errors import InputError
from memfit.fitting.results.result import Estimate, EstimateStatus, FitResult
from memfit.fitting.ties import Ties
from memfit.fitting.uncertainty.covariance import SETTINGS as NORMAL
from memfit.model import DERIVED, PARAMETERS, Parameters


def with_ties(result: FitResult) -> FitResult:
    """The result with the errors of its tied parameters, and of what is derived from them.

    Parameters
    ----------
    result : FitResult
        As the fit of a plan with ties gives it: its covariance is that of the unknowns.
    """
    ties = Ties(result.plan.get("ties") or {})
    if not ties or not result.covariance:
        return result
    p = Parameters.from_mapping({n: v for n, v in result.fitted_values.items() if n in PARAMETERS})
    names, estimates = result.covariance_names, dict(result.parameters)
    rows, log = [np.eye(len(names))], set(result.logarithmic)
    for name, (value, slopes) in ties.values(p).items():
        logarithmic = PARAMETERS[name].logarithmic
        row = np.zeros(len(names))
        for k, other in enumerate(names):
            slope = slopes.get(other, 0.0) * (getattr(p, other) if other in log else 1.0)
            row[k] = slope / value if logarithmic else slope
        rows.append(row[None, :])
        if logarithmic:
            log.add(name)
        variance = float(row @ np.array(result.covariance) @ row)
        lost = any(o in estimates and estimates[o].value is None for o in slopes)
        reason = f"tied: {ties.expressions[name]}"
        estimates[name] = (
            Estimate(value=None, unit=PARAMETERS[name].unit, status="undetermined", reason=reason)
            if lost
            else _estimate(name, value, variance, reason)
        )
    whole = np.concatenate(rows)
    matrix = whole @ np.array(result.covariance) @ whole.T
    every = (*names, *ties.expressions)
    derived = dict(result.derived)
    for name, quantity in DERIVED.items():
        if name not in derived or not set(quantity.exponents) & set(ties.expressions):
            continue
        gradient = np.array([float(quantity.exponents.get(n, 0)) for n in every])
        error = float(np.sqrt(max(gradient @ matrix @ gradient, 0.0)))
        value, half = quantity.value(p), float(np.exp(min(Z * error, 600.0)))
        known = derived[name].value is not None and error <= NORMAL.undetermined
        derived[name] = replace(
            derived[name],
            value=value if known else None,
            stderr=value * error if known else None,
            ci95=(value / half, value * half) if known else None,
        )
    return replace(
        result,
        parameters=estimates,
        derived=derived,
        covariance_names=every,
        covariance=tuple(tuple(float(v) for v in row) for row in matrix),
        logarithmic=tuple(name for name in every if name in log),
    )


def _estimate(name: str, value: float, variance: float, reason: str) -> Estimate:
    """A tied parameter with its error: of the logarithm, where that is what is fitted."""
    error = float(np.sqrt(max(variance, 0.0)))
    status: EstimateStatus = "determined"
    low, high, stderr = value - Z * error, value + Z * error, error
    if PARAMETERS[name].logarithmic:
        half = min(Z * error, 600.0)
        low, high, stderr = value * float(np.exp(-half)), value * float(np.exp(half)), value * error
        status = "weak" if error > NORMAL.weak else "determined"
    return Estimate(
        value=value,
        unit=PARAMETERS[name].unit,
        stderr=stderr,
        ci95=(low, high),
        status=status,
        reason=reason,
    )


def refuse_ties(result: FitResult, what: str) -> None:
    """Refuse what is worked out for independent unknowns only.

    Parameters
    ----------
    result : FitResult
    what : str
        "Profiles, bootstrap and posterior", as the head of a sentence.

    Raises
    ------
    InputError
        Parameters are tied.
    """
    tied = result.plan.get("ties") or {}
    if tied:
        raise InputError(
            f"{what} are not made where parameters are tied ({', '.join(tied)}); the intervals of the result "
            "are those of the linear theory."
        )
