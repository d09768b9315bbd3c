"""From results of fits to the devices that are compared: each once, in the order of their names.

What was fitted twice counts once, with the newer fit; equal names are told apart.

From results of fits to arrays over devices: values in the scale of the comparison, covariances.

What a fit held fixed, did not determine or left at a bound is no measurement: it is named with the reason
and takes no part.

Whether a stored result can be compared: its numbers are numbers, its covariance fits its names.

A result.json that was edited or damaged may have the right layout and still hold a word in the place of a
number. Such a result is left out with its reason, so that the others are not lost with it.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np

from memfit.analysis.comparison.ranking import ComparedDevice, Omitted, Quantity, Sample
from memfit.arrays import FloatArray
from memfit.errors import InputError
from memfit.fitting.result import Estimate, EstimateStatus, FitResult, StatusCode
from memfit.model.parameters import NAMES, UNITS, Parameters

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


def fault_of(result: FitResult) -> str:
    """What is wrong with a result, in a few words; empty where nothing is."""
    if result.status.code not in get_args(StatusCode):
        return f"its status is {result.status.code!r}, which is none"
    for name, estimate in {**result.parameters, **result.derived}.items():
        fault = _fault_of_estimate(estimate)
        if fault:
            return f"{name}: {fault}"
    return _fault_of_covariance(result) or _fault_of_device(result.device) or _fault_of_stability(result)


def _fault_of_estimate(estimate: Estimate) -> str:
    """Values that are no numbers, or a status that is none."""
    if estimate.status not in get_args(EstimateStatus):
        return f"expected a status such as 'determined', found {estimate.status!r}"
    for what, value in (("value", estimate.value), ("stderr", estimate.stderr), *_ends(estimate)):
        if value is not None and not _is_number(value):
            return f"expected a finite number as {what}, found {value!r}"
    return ""


def _ends(estimate: Estimate) -> tuple[tuple[str, Any], ...]:
    """The ends of an interval."""
    return tuple(("ci95", end) for end in estimate.ci95 or ())


def _fault_of_covariance(result: FitResult) -> str:
    """A covariance that is not square, not finite, or of other names."""
    count = len(result.covariance_names)
    if not result.covariance and not count:
        return ""
    if any(len(row) != count for row in result.covariance) or len(result.covariance) != count:
        return f"expected a {count} x {count} covariance for its {count} names"
    if not all(_is_number(value) for row in result.covariance for value in row):
        return "its covariance holds what is no finite number"
    if min(result.covariance[k][k] for k in range(count)) < 0.0:
        return "its covariance has a negative variance"
    return ""


def _fault_of_device(device: Mapping[str, Any]) -> str:
    """Area, temperature or attributes that are of the wrong kind."""
    if not isinstance(device, Mapping):
        return f"expected a table as device, found {device!r}"
    for name in ("area_m2", "temperature_K"):
        value = device.get(name)
        if value is not None and not (_is_number(value) and value > 0.0):
            return f"expected a number above 0 as {name}, found {value!r}"
    attributes = device.get("attributes") or {}
    if not isinstance(attributes, Mapping):
        return f"expected a table as attributes, found {attributes!r}"
    wrong = [name for name, value in attributes.items() if not isinstance(value, (str, int, float))]
    return f"expected a word or a number as attribute {wrong[0]}" if wrong else ""


def _fault_of_stability(result: FitResult) -> str:
    """Verdicts of the wrong kind."""
    stored: Any = result.stability  # whatever a caller may have put there
    if not isinstance(stored, Mapping):
        return "expected a table as stability"
    for circuit, block in stored.items():
        if not isinstance(block, Mapping) or not isinstance(block.get("verdict"), str):
            return f"expected a verdict for {circuit}"
        numbers = [block.get(key) for key in ("gain_margin_min", "probability_oscillates", "at_u")]
        interval = block.get("gain_margin_ci95")
        if interval is not None and not (isinstance(interval, (list, tuple)) and len(interval) == 2):
            return f"expected two numbers as gain_margin_ci95 for {circuit}"
        points = block.get("hopf_points") or ()
        if not all(isinstance(point, Mapping) for point in points):
            return f"expected tables as hopf_points for {circuit}"
        numbers += [
            *(interval or ()),
            *(point.get(key, "") for point in points for key in ("V", "frequency_Hz")),
        ]
        if not all(value is None or _is_number(value) for value in numbers):
            return f"expected numbers in the stability for {circuit}"
    return ""


def _is_number(value: Any) -> bool:
    """Whether a value is a finite number, and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))


_DIGITS = re.compile(r"(\d+)")


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sorting key by which "device 2" stands before "device 10"."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part.casefold())
        for part in _DIGITS.split(text)
        if part
    )


def gather(
    results: Sequence[FitResult], sources: Sequence[str], stability: Sequence[Mapping[str, Any]]
) -> tuple[tuple[ComparedDevice, ...], tuple[Omitted, ...], tuple[FitResult, ...]]:
    """Devices in the order of their names, each once; what was fitted twice counts once.

    Returns
    -------
    devices : tuple of ComparedDevice
    omitted : tuple of Omitted
        Older results of the same measurements.
    results : tuple of FitResult
        Those of the devices, in their order.
    """
    order = sorted(range(len(results)), key=lambda i: _rank(results[i], sources[i]))
    kept: list[int] = []
    omitted: list[Omitted] = []
    first: dict[tuple[str, frozenset[str]], int] = {}
    for i in order:
        identity = _identity(results[i])
        if identity is not None and identity in first:
            other = sources[first[identity]] or "another result"
            reason = f"the same measurements as in {other}, which is the newer fit; a device counts once"
            omitted.append(Omitted(label=sources[i] or _name(results[i]), what="", reason=reason))
            continue
        if identity is not None:
            first[identity] = i
        kept.append(i)
    labels = _labels([results[i] for i in kept], [sources[i] for i in kept])
    devices = [
        _device(results[i], label, sources[i], stability[i]) for i, label in zip(kept, labels, strict=True)
    ]
    again = sorted(range(len(kept)), key=lambda k: natural(devices[k].label))
    return (
        tuple(devices[k] for k in again),
        tuple(omitted),
        tuple(results[kept[k]] for k in again),
    )


def repeated_names(results: Sequence[FitResult]) -> tuple[str, ...]:
    """Names that several results bear."""
    return tuple(sorted(name for name, count in Counter(map(_name, results)).items() if count > 1))


def _rank(result: FitResult, source: str) -> tuple[Any, ...]:
    """By name; of one name the newest first, and then by what does not depend on the order given."""
    values = tuple((name, repr(e.value)) for name, e in sorted(result.parameters.items()))
    age = tuple(-ord(letter) for letter in str(result.environment.get("started") or ""))
    return natural(_name(result)), age, natural(source), values


def _identity(result: FitResult) -> tuple[str, frozenset[str]] | None:
    """Name and digests of the measurements; None where they are not all known."""
    digests = [item.sha256 for item in result.inputs]
    return (_name(result), frozenset(digests)) if digests and all(digests) else None


def _name(result: FitResult) -> str:
    """Of the device."""
    return str(result.device.get("name") or "device")


def _labels(results: Sequence[FitResult], sources: Sequence[str]) -> list[str]:
    """Names made distinct: by their folder, or else numbered."""
    names = [_name(result) for result in results]
    often = Counter(names)
    labels = [
        f"{name} ({_folder(source)})" if often[name] > 1 and source else name
        for name, source in zip(names, sources, strict=True)
    ]
    twice = Counter(labels)
    return [
        f"{label} #{labels[: k + 1].count(label)}" if twice[label] > 1 else label
        for k, label in enumerate(labels)
    ]


def _folder(source: str) -> str:
    """The folder of a result, by which a reader knows it."""
    parts = source.replace("\\", "/").split("/")
    return (parts[-2] if len(parts) > 1 and parts[-1].endswith(".json") else parts[-1]) or source


def _device(result: FitResult, label: str, source: str, stability: Mapping[str, Any]) -> ComparedDevice:
    """What is known of one device."""
    known = result.device
    return ComparedDevice(
        label=label,
        source=source,
        status=result.status,
        model=result.model,
        area=_positive(known.get("area_m2")),
        temperature=_positive(known.get("temperature_K")),
        attributes=dict(known.get("attributes") or {}),
        parameters=result.parameters,
        derived=result.derived,
        stability=stability,
        values=_values(result),
        correlation=_correlations(result),
    )


def _positive(value: Any) -> float | None:
    """A number above zero, or None."""
    return float(value) if isinstance(value, (int, float)) and 0.0 < value < np.inf else None


def _values(result: FitResult) -> Parameters | None:
    """The parameters, where all are known and mean something."""
    if result.status.code == "not_converged":
        return None
    try:
        return result.values()
    except InputError:
        return None


def _correlations(result: FitResult) -> Mapping[tuple[str, str], float]:
    """Correlations of the errors of the parameters, by pair of names."""
    places = [(k, name) for k, name in enumerate(result.covariance_names) if name in result.parameters]
    matrix = result.correlation
    return {(a, b): float(matrix[i, j]) for i, a in places for j, b in places if i != j}
