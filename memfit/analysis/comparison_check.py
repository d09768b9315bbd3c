"""Whether a stored result can be compared: its numbers are numbers, its covariance fits its names.

A result.json that was edited or damaged may have the right layout and still hold a word in the place of a
number. Such a result is left out with its reason, so that the others are not lost with it.
"""

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from memfit.fitting.result import Estimate, EstimateStatus, FitResult, StatusCode


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
    if not isinstance(result.stability, Mapping):
        return "expected a table as stability"
    for circuit, block in result.stability.items():
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
