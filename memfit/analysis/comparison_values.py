"""From results of fits to arrays over devices: values in the scale of the comparison, covariances.

What a fit held fixed, did not determine or left at a bound is no measurement: it is named with the reason
and takes no part.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from memfit.analysis.comparison_sample import ComparedDevice, Omitted, Quantity, Sample
from memfit.arrays import FloatArray
from memfit.errors import InputError
from memfit.fitting.result import Estimate, FitResult
from memfit.model.parameters import NAMES, UNITS

_LINEAR = ("V_T", "R_s", "L_s")
"""Parameters compared as they are; all others in the logarithm."""
_DERIVED: Mapping[str, tuple[str, Mapping[str, int], float]] = {
    "tau_m": ("s", {"R_b": 1, "C_m": 1}, 1.0),
    "A_max": ("", {"R_b": 1, "i_c0": 1, "V_m": -1}, 0.25),
}
"""Unit, powers and factor of what follows from the parameters."""


def sample_of(devices: Sequence[ComparedDevice], results: Sequence[FitResult]) -> Sample:
    """Arrays over devices, from their results in the same order.

    Raises
    ------
    InputError
        No parameter was measured in any of them.
    """
    names = [name for name in NAMES if any(name in result.parameters for result in results)]
    names += sorted({name for result in results for name in result.parameters} - set(names))
    quantities = [_quantity(name, results) for name in names]
    derived = [
        Quantity(name=name, unit=unit, logarithmic=True)
        for name, (unit, powers, _) in _DERIVED.items()
        if set(powers) <= set(names)
    ]
    n, q = len(devices), len(names)
    x, covariance = np.full((n, q), np.nan), np.full((n, q, q), np.nan)
    omitted: list[Omitted] = []
    for i, (device, result) in enumerate(zip(devices, results, strict=True)):
        if result.status.code == "not_converged":
            omitted.append(Omitted(label=device.label, what="", reason="its fit did not converge"))
            continue
        x[i], covariance[i], missing = _measured(result, quantities)
        omitted += [Omitted(label=device.label, what=name, reason=why) for name, why in missing.items()]
    seen = np.isfinite(x).any(axis=0)
    if not seen.any():
        raise InputError(
            "None of the results has a parameter with a standard error; there is nothing to compare. "
            "Fit parameters instead of fixing them."
        )
    x, covariance = x[:, seen], covariance[:, seen][:, :, seen]
    quantities = [quantity for quantity, is_seen in zip(quantities, seen, strict=True) if is_seen]
    derived = [one for one in derived if set(_DERIVED[one.name][1]) <= {item.name for item in quantities}]
    x, covariance = _with_derived(x, covariance, [item.name for item in quantities], derived)
    return Sample(
        devices=tuple(devices),
        quantities=(*quantities, *derived),
        fitted=len(quantities),
        x=x,
        covariance=covariance,
        omitted=tuple(omitted),
    )


def _quantity(name: str, results: Sequence[FitResult]) -> Quantity:
    """How a parameter is compared."""
    unit = UNITS.get(name) or next(r.parameters[name].unit for r in results if name in r.parameters)
    known = name in NAMES
    logarithmic = name not in _LINEAR if known else any(name in result.logarithmic for result in results)
    return Quantity(name=name, unit=unit, logarithmic=logarithmic)


def _measured(
    result: FitResult, quantities: Sequence[Quantity]
) -> tuple[FloatArray, FloatArray, dict[str, str]]:
    """Values and covariance of one result in the scale of the comparison, and what is missing and why."""
    q = len(quantities)
    x, covariance = np.full(q, np.nan), np.full((q, q), np.nan)
    missing, kept, scale, deviation = {}, [], [], []
    place = {name: k for k, name in enumerate(result.covariance_names)}
    for k, one in enumerate(quantities):
        reason = _why_not(result.parameters.get(one.name), one, result.model)
        if reason:
            missing[one.name] = reason
            continue
        estimate = result.parameters[one.name]
        value = float(estimate.value or 0.0)
        if one.name in place:
            deviation.append(float(np.sqrt(max(result.covariance[place[one.name]][place[one.name]], 0.0))))
            scale.append(_scale(one, value, is_log=one.name in result.logarithmic))
        else:
            deviation.append(float(estimate.stderr or 0.0))
            scale.append(1.0 / value if one.logarithmic else 1.0)
        if not (np.isfinite(deviation[-1]) and deviation[-1] > 0.0):
            missing[one.name] = "no standard error"
            del deviation[-1], scale[-1]
            continue
        x[k] = np.log(value) if one.logarithmic else value
        kept.append(k)
    covariance[np.ix_(kept, kept)] = _block(result, [quantities[k].name for k in kept], scale, deviation)
    return x, covariance, missing


def _block(
    result: FitResult, names: Sequence[str], scale: Sequence[float], deviation: Sequence[float]
) -> FloatArray:
    """Covariance of the parameters measured; what the fit's covariance does not hold is independent."""
    block = np.diag(np.square(np.array(deviation)))
    place = {name: k for k, name in enumerate(result.covariance_names)}
    ours = [k for k, name in enumerate(names) if name in place]
    if ours:
        theirs = [place[names[k]] for k in ours]
        block[np.ix_(ours, ours)] = np.array(result.covariance)[np.ix_(theirs, theirs)]
    factor = np.array(scale)
    result_block: FloatArray = 0.5 * (block + block.T) * np.outer(factor, factor)
    return result_block


def _scale(quantity: Quantity, value: float, *, is_log: bool) -> float:
    """Factor on a standard deviation from the scale of the fit to that of the comparison."""
    if quantity.logarithmic == is_log:
        return 1.0
    return 1.0 / value if quantity.logarithmic else value


def _why_not(estimate: Estimate | None, quantity: Quantity, model: str) -> str:
    """Why a parameter is no measurement; empty where it is one."""
    if estimate is None:
        return f"not in its model ({model})"
    if estimate.status == "fixed":
        return "held fixed"
    if estimate.value is None or estimate.status == "undetermined":
        return "not determined"
    if estimate.status == "at_bound":
        return "at its bound"
    if quantity.logarithmic and estimate.value <= 0.0:
        return "not positive"
    return ""


def _with_derived(
    x: FloatArray, covariance: FloatArray, names: Sequence[str], derived: Sequence[Quantity]
) -> tuple[FloatArray, FloatArray]:
    """The arrays with what follows from the parameters: sums of logarithms."""
    q = len(names)
    A = np.zeros((q + len(derived), q))
    A[:q] = np.eye(q)
    shift = np.zeros(q + len(derived))
    for row, one in enumerate(derived, start=q):
        _, powers, factor = _DERIVED[one.name]
        shift[row] = np.log(factor)
        for name, power in powers.items():
            A[row, names.index(name)] = power
    missing = ~np.isfinite(x)
    wanted = (np.abs(A) > 0.0) @ missing.T > 0  # (rows, n): a part is missing
    values = np.where(missing, 0.0, x) @ A.T + shift
    known = np.where(missing[:, :, None] | missing[:, None, :], 0.0, covariance)
    spread = A @ known @ A.T
    gone = wanted.T
    values[gone] = np.nan
    spread[gone[:, :, None] | gone[:, None, :]] = np.nan
    return values, spread
