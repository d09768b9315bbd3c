"""Whether the numbers of a stored result can be what a fit found; anybody may have edited the file.

Types are the matter of `memfit.fitting.serialise`. Here every value is held against the table of parameters,
what counts or spreads must not be negative, and names must be known. All faults are found at once.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from memfit.errors import MemfitError, shown
from memfit.fitting.plan import FitPlan
from memfit.model import LEFT_OUT, NEEDED, PARAMETERS
from memfit.model.limits import PART_NAMES, beyond

DEEPEST = 12
"""Levels of free parts, such as the attributes of a device."""
_MOST_CORRELATED = 1.0 + 1e-6
_MOST_POINTS, _MOST_COVERED = 10**9, 1e15
"""Of a record: points, and the size of what was measured."""
_NUMBERS = {"area_m2": (1e-18, 1e2), "temperature_K": (1.0, 3000.0)}


def faults_of(result: Any) -> dict[str, str]:
    """What is wrong with a result, a sentence by the part that it is in; empty for a sound one.

    Parameters
    ----------
    result : FitResult
        Its parts are of the right types. (That module imports this one.)
    """
    found = {
        "parameters": _parameters(result.parameters),
        "derived": _estimates("derived", result.derived),
        "nuisance": _estimates("nuisance", result.nuisance),
        "covariance": _covariance(result),
        "goodness": _goodness(result),
        "fitted_values": _values("fitted_values", result.fitted_values),
        "alternatives": _alternatives(result),
        "members": _members(result),
        "minimum": _minimum(result),
        "inputs": _counts(result),
        "device": _device(result.device),
        "plan": _plan(result.plan),
        "environment": _environment(result.environment),
        "data": _free("data", result.data),
    }
    told = {part: "; ".join(sentences) for part, sentences in found.items()}
    return {part: text for part, text in told.items() if text}


def _parameters(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Names, values and errors of the physical parameters."""
    for name, estimate in parameters.items():
        if name not in PARAMETERS:
            yield f"parameters: unknown parameter {shown(name)}"
        elif estimate.value is not None:
            yield from _value("parameters", name, estimate.value)
    yield from _estimates("parameters", parameters)


def _estimates(part: str, estimates: Mapping[str, Any]) -> Iterator[str]:
    """Errors and intervals."""
    for name, estimate in estimates.items():
        low, high = estimate.ci95 or (None, None)
        if estimate.stderr is not None and estimate.stderr < 0:
            yield f"{part}.{name}.stderr: expected 0 or above, found {estimate.stderr:g}"
        if low is not None and high is not None and low > high:
            yield f"{part}.{name}.ci95: expected the lower value first, found {low:g} and {high:g}"


def _value(part: str, name: str, value: float) -> Iterator[str]:
    """One value of a parameter."""
    wrong = beyond(PARAMETERS[name], value, wide=True)
    if wrong:
        yield f"{part}: {wrong}"


def _values(part: str, values: Mapping[str, float]) -> Iterator[str]:
    """Values by name; those of terms of the instruments have no bounds."""
    for name, value in values.items():
        if name in PARAMETERS:
            yield from _value(part, name, value)


def _alternatives(result: Any) -> Iterator[str]:
    """Other minima."""
    for one in result.alternatives:
        yield from _values("alternatives", one.parameters)


def _minimum(result: Any) -> Iterator[str]:
    """Where the fit ended, for planning."""
    if result.minimum is None:
        return
    yield from _unknown("minimum.names", result.minimum.names, PARAMETERS)
    open_ones = [name for name, one in result.parameters.items() if one.status == "undetermined"]
    if lost := [name for name in open_ones if name not in result.minimum.names]:
        yield f"minimum.names: {', '.join(lost)} is missing, which parameters say was fitted"
    n = len(result.minimum.names)
    for place in result.minimum.places:
        yield from _values("minimum.places", place.values)
        needed = {*NEEDED}.difference(LEFT_OUT.values()).union(result.minimum.names)
        missing = needed.difference(place.values)
        if missing:
            yield f"minimum.places: {', '.join(sorted(missing))} is missing"
        if len(place.information) != n or any(len(row) != n for row in place.information):
            yield f"minimum.places: expected an information of {n} rows and columns"


def _unknown(place: str, names: Sequence[str], known: Collection[str]) -> Iterator[str]:
    """Names that nothing in the result has, and names that come twice."""
    unknown = [name for name in names if name not in known]
    if unknown:
        yield f"{place}: unknown name {shown(unknown[0])}"
    if len(set(names)) < len(names):
        yield f"{place}: a name comes twice"


def _covariance(result: Any) -> Iterator[str]:
    """That of the fitted quantities."""
    known = {**result.parameters, **result.nuisance}
    yield from _matrix("covariance", result.covariance_names, result.covariance, result.logarithmic, known)


def _matrix(
    part: str,
    names: Sequence[str],
    matrix: Sequence[Sequence[float]],
    logarithmic: Sequence[str],
    known: Collection[str],
) -> Iterator[str]:
    """Rows and columns by name; no negative variance, no correlation beyond 1; logarithms as in the table."""
    n = len(names)
    if any(len(row) != n for row in matrix) or (matrix and len(matrix) != n):
        yield f"{part} has not {n} rows and columns, one for each of covariance_names"
        return
    yield from _unknown("covariance_names", names, known)
    logs = [name for name in names if name in PARAMETERS and PARAMETERS[name].logarithmic]
    if logs != [name for name in logarithmic if name in PARAMETERS] or not set(logarithmic) <= set(names):
        yield f"{part}: expected {', '.join(logs) or 'none'} in logarithmic, found others"
    for i, row in enumerate(matrix):
        if row[i] < 0:
            yield f"{part}: expected no negative variance, found {row[i]:g} of {names[i]}"
        for j in range(i):
            most = _MOST_CORRELATED * math.sqrt(abs(row[i])) * math.sqrt(abs(matrix[j][j]))
            if abs(row[j]) > most or abs(matrix[j][i]) > most:
                yield f"{part}: {names[i]} and {names[j]} are correlated by more than 1"


def _members(result: Any) -> Iterator[str]:
    """Other models that the data allow."""
    for one in result.members:
        yield from _values("members", one.parameters)
        yield from _unknown("members.parts", one.parts, PART_NAMES)
        yield from _matrix(
            "members", one.covariance_names, one.covariance, one.logarithmic, one.covariance_names
        )
        if not 0.0 <= one.weight <= _MOST_CORRELATED:
            yield f"members.weight: expected 0 to 1, found {one.weight:g}"


def _goodness(result: Any) -> Iterator[str]:
    """Sums of squares, counts and noise."""
    good = result.goodness
    for name in ("chi2", "dof", "chi2_reduced"):
        if getattr(good, name) < 0:
            yield f"goodness.{name}: expected 0 or above, found {getattr(good, name):g}"
    for item in good.datasets:
        if not {"relative", "floor"} <= set(item.noise):
            yield f"goodness.datasets: expected relative and floor in the noise of {shown(item.file)}"
        if any(value < 0 for value in item.noise.values()) or item.points < 0:
            yield f"goodness.datasets: expected no negative noise or number of points of {shown(item.file)}"


def _counts(result: Any) -> Iterator[str]:
    """Points of the records, and what these cover."""
    for item in result.inputs:
        if not 0 <= item.used <= item.points <= _MOST_POINTS:
            yield f"inputs: {shown(item.file)} used {item.used} of {item.points} points"
        for quantity, (low, high) in item.covers.items():
            least = 0.0 if quantity == "frequency" else -_MOST_COVERED
            if not (low <= high and least < low and high < _MOST_COVERED):
                yield f"inputs: {shown(item.file)} covers {low:g} to {high:g} of {shown(quantity)}"


def _device(device: Mapping[str, Any]) -> Iterator[str]:
    """What device.toml said of the device."""
    if not isinstance(device.get("name", ""), str | None):
        yield "device.name: expected a text"
    for key, (low, high) in _NUMBERS.items():
        value = device.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"device.{key}: expected a number, found {shown(value)}"
        elif not low <= value <= high:
            yield f"device.{key}: expected {low:g} to {high:g}, found {shown(value)}"
    attributes = device.get("attributes") or {}
    if not isinstance(attributes, Mapping):
        yield "device.attributes: expected an object"
    elif any(isinstance(item, Mapping | list) for item in attributes.values()):
        yield "device.attributes: expected texts and numbers"
    yield from _free("device", device)


def _plan(plan: Mapping[str, Any]) -> Iterator[str]:
    """How it was fitted: what a plan takes."""
    deep = list(_free("plan", plan))
    yield from deep
    if not deep:
        try:
            FitPlan.from_dict(plan)
        except MemfitError as problem:
            yield f"plan: {str(problem).removesuffix('.')}"


def _environment(environment: Mapping[str, Any]) -> Iterator[str]:
    """How the result was made."""
    seconds = environment.get("seconds", 0.0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
        yield f"environment.seconds: expected a number of 0 or above, found {shown(seconds)}"
    yield from _free("environment", environment)


def _free(part: str, value: object) -> Iterator[str]:
    """Depth and numbers of a part that may hold anything."""
    level = [value]
    for _ in range(DEEPEST):
        if any(isinstance(one, int | float) and not math.isfinite(_float(one)) for one in level):
            yield f"{part}: a number in it is too large"
            return
        inner = [one for one in level if isinstance(one, Mapping | list | tuple)]
        level = [item for one in inner for item in (one.values() if isinstance(one, Mapping) else one)]
        if not level:
            return
    yield f"{part}: it is nested too deep"


def _float(number: float) -> float:
    """A number as the computer has it; infinity where it is a whole one of hundreds of digits."""
    try:
        return float(number)
    except OverflowError:
        return math.inf
