"""The devices that are compared: each once, in the order of their names, and their values as arrays.

Positive parameters are compared in the natural logarithm, the linear ones (`memfit.model.parameters`) as they
are. What was fitted twice counts once, with the newer fit; equal names are told apart. What a fit held fixed,
did not determine or left at a bound is no measurement: it is named with the reason and takes no part. So is a
result whose numbers are none, so that the others are not lost with it.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from types import MappingProxyType
from typing import Any

import numpy as np

from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT
from memfit.arrays import FloatArray, IntArray
from memfit.errors import InputError
from memfit.fitting import CircuitStability, Estimate, FitResult, Status, field_from_plain, to_plain
from memfit.model import DERIVED, PARAMETERS, Derived, Parameter, Parameters

_ROWS: tuple[Parameter | Derived, ...] = (*PARAMETERS.values(), *DERIVED.values())
AREA_EXPONENTS: Mapping[str, int] = MappingProxyType(
    {row.name: row.area_exponent for row in _ROWS if row.area_exponent}
)
"""Powers of the area by which quantities of a uniform junction scale; those that do not are absent."""

_DIGITS = re.compile(r"(\d+)")
_CHECKED = ("status", "parameters", "derived", "covariance_names", "covariance", "stability")
"""Fields of a result that a comparison looks at."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """What is compared."""

    name: str
    unit: str
    logarithmic: bool
    """Whether its values and variances are those of the natural logarithm."""

    def outer(self, value: float) -> float:
        """From the scale of the comparison to SI."""
        return float(np.exp(np.clip(value, -700.0, 700.0))) if self.logarithmic else float(value)


@dataclass(frozen=True, kw_only=True)
class ComparedDevice:
    """One device with what its fit says."""

    label: str
    """Its name, made distinct."""
    source: str
    """Where its result came from; empty where it was made here."""
    status: Status
    model: str
    area: float | None
    """m^2."""
    temperature: float | None
    """K."""
    attributes: Mapping[str, str | float]
    parameters: Mapping[str, Estimate]
    derived: Mapping[str, Estimate]
    merits: Mapping[str, Estimate] = field(default_factory=dict)
    """Figures of merit, at the conditions of the comparison."""
    stability: Mapping[str, CircuitStability]
    """By circuit."""
    values: Parameters | None
    """None where the data do not determine them all."""
    correlation: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Correlation of the errors of two parameters in this fit."""

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Parameters, what follows from them, and figures of merit."""
        return {**self.parameters, **self.derived, **self.merits}


@dataclass(frozen=True, kw_only=True)
class Omitted:
    """Something that takes no part, and why."""

    label: str
    """Device, or file of a result."""
    what: str
    """Name of the parameter; empty for all of it."""
    reason: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """Devices as arrays: n devices, q quantities."""

    devices: tuple[ComparedDevice, ...]
    quantities: tuple[Quantity, ...]
    """Parameters first, then what follows from them."""
    fitted: int
    """How many of the quantities are parameters."""
    x: FloatArray
    """(n, q) in the scale of the comparison; NaN where there is no measurement."""
    covariance: FloatArray
    """(n, q, q) of each device; NaN where there is no measurement."""
    omitted: tuple[Omitted, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the quantities."""
        return tuple(quantity.name for quantity in self.quantities)

    def quantity(self, name: str) -> Quantity:
        """A quantity by its name."""
        return self.quantities[self.names.index(name)]

    def without_merits(self) -> "Sample":
        """Without figures of merit, which follow from the rest and would only be tested twice."""
        q = len([name for name in self.names if name not in FIGURES_OF_MERIT])
        return replace(
            self, quantities=self.quantities[:q], x=self.x[:, :q], covariance=self.covariance[:, :q, :q]
        )

    def column(self, name: str) -> tuple[IntArray, FloatArray, FloatArray]:
        """Places of the devices that have a quantity, its values and its variances."""
        place = self.names.index(name)
        there = np.flatnonzero(np.isfinite(self.x[:, place]))
        return there, self.x[there, place], self.covariance[there, place, place]


def checked_result(result: FitResult) -> FitResult:
    """The result as it can be compared: numbers are numbers, the covariance fits its names.

    Parameters
    ----------
    result : FitResult
        As a caller made it, or as it was read.

    Raises
    ------
    InputError
        What is of the wrong kind, with its place.
    """
    plain = {name: to_plain(getattr(result, name)) for name in _CHECKED}
    result = replace(result, **{name: field_from_plain(FitResult, name, plain) for name in _CHECKED})
    covariance, count = result.covariance, len(result.covariance_names)
    if (covariance or count) and [len(row) for row in covariance] != [count] * count:
        raise InputError(f"covariance: expected {count} x {count} numbers for its {count} names")
    if any(row[k] < 0.0 for k, row in enumerate(covariance)):
        raise InputError("covariance: expected variances of at least 0, found a negative one")
    device: Any = result.device
    if not isinstance(device, Mapping) or not isinstance(device.get("attributes") or {}, Mapping):
        raise InputError(f"device: expected a table, and a table of attributes in it, found {device!r}")
    for name in ("area_m2", "temperature_K"):
        value = device.get(name)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is not None and not (number and isfinite(value) and value > 0.0):
            raise InputError(f"device.{name}: expected a number above 0, found {value!r}")
    for name, value in (device.get("attributes") or {}).items():
        if not isinstance(value, (str, int, float)):
            raise InputError(f"device.attributes.{name}: expected a word or a number, found {value!r}")
    return result


def gather(
    results: Sequence[FitResult], sources: Sequence[str]
) -> tuple[tuple[ComparedDevice, ...], tuple[Omitted, ...], tuple[FitResult, ...]]:
    """Devices in the order of their names, each once; what was fitted twice counts once.

    Parameters
    ----------
    results : sequence of FitResult
    sources : sequence of str
        Where each came from, "" where that is not known.

    Returns
    -------
    devices : tuple of ComparedDevice
    omitted : tuple of Omitted
        Older results of the same measurements.
    results : tuple of FitResult
        Those of the devices, in their order.
    """

    def rank(i: int) -> tuple[Any, ...]:
        """By name; of one name the newest first, and then by what does not depend on the order given."""
        values = tuple((name, repr(e.value)) for name, e in sorted(results[i].parameters.items()))
        age = tuple(-ord(letter) for letter in str(results[i].environment.get("started") or ""))
        return natural(device_name(results[i])), age, natural(sources[i]), values

    kept: list[int] = []
    omitted: list[Omitted] = []
    first: dict[tuple[str, frozenset[str]], int] = {}
    for i in sorted(range(len(results)), key=rank):
        digests = frozenset(item.sha256 for item in results[i].inputs)
        identity = (device_name(results[i]), digests)
        known = bool(digests) and all(digests)  # of what was fitted
        if known and identity in first:
            other = sources[first[identity]] or "another result"
            reason = f"the same measurements as in {other}, which is the newer fit; a device counts once"
            omitted.append(Omitted(label=sources[i] or identity[0], what="", reason=reason))
            continue
        if known:
            first[identity] = i
        kept.append(i)
    # Equal names are told apart by the folders of their results, or else numbered.
    often, labels = Counter(device_name(results[i]) for i in kept), []
    for i in kept:
        name, source = device_name(results[i]), sources[i]
        parts = source.replace("\\", "/").split("/")
        folder = (parts[-2] if len(parts) > 1 and parts[-1].endswith(".json") else parts[-1]) or source
        labels.append(f"{name} ({folder})" if often[name] > 1 and source else name)
    twice, devices = Counter(labels), []
    for k, label in enumerate(labels):
        distinct = f"{label} #{labels[: k + 1].count(label)}" if twice[label] > 1 else label
        devices.append(_device(results[kept[k]], distinct, sources[kept[k]]))
    again = sorted(range(len(kept)), key=lambda k: natural(devices[k].label))
    return tuple(devices[k] for k in again), tuple(omitted), tuple(results[kept[k]] for k in again)


def device_name(result: FitResult) -> str:
    """Name of the device that was fitted."""
    return str(result.device.get("name") or "device")


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sorting key by which "device 2" stands before "device 10"."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part.casefold())
        for part in _DIGITS.split(text)
        if part
    )


def _device(result: FitResult, label: str, source: str) -> ComparedDevice:
    """What is known of one device."""
    known, matrix = result.device, result.correlation
    complete = all(e.value is not None for e in result.parameters.values())
    places = [(k, name) for k, name in enumerate(result.covariance_names) if name in result.parameters]
    return ComparedDevice(
        label=label,
        source=source,
        status=result.status,
        model=result.model,
        area=float(known["area_m2"]) if known.get("area_m2") else None,
        temperature=float(known["temperature_K"]) if known.get("temperature_K") else None,
        attributes=dict(known.get("attributes") or {}),
        parameters=result.parameters,
        derived=result.derived,
        stability=result.stability,
        values=result.values() if complete and result.status.code != "not_converged" else None,
        correlation={(a, b): float(matrix[i, j]) for i, a in places for j, b in places if i != j},
    )


def sample_of(devices: Sequence[ComparedDevice], results: Sequence[FitResult]) -> Sample:
    """Arrays over devices.

    Parameters
    ----------
    devices : sequence of ComparedDevice
    results : sequence of FitResult
        Of the devices, in the same order.

    Raises
    ------
    InputError
        No parameter was measured in any of them.
    """
    units = {name: e.unit for result in reversed(results) for name, e in result.parameters.items()}
    logs = {name for result in results for name in result.logarithmic}
    names = [name for name in PARAMETERS if name in units]
    quantities = [
        Quantity(name=row.name, unit=row.unit, logarithmic=row.logarithmic)
        for row in map(PARAMETERS.__getitem__, names)
    ]
    quantities += [  # what the model does not have is as in its fit
        Quantity(name=name, unit=units[name], logarithmic=name in logs)
        for name in sorted(set(units) - set(names))
    ]
    n, q = len(devices), len(quantities)
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
    quantities = [quantity for quantity, is_seen in zip(quantities, seen, strict=True) if is_seen]
    x, covariance = x[:, seen], covariance[:, seen][:, :, seen]
    # What follows from the parameters is a sum of powers times logarithms; missing where a part is.
    derived = [row for row in DERIVED.values() if set(row.exponents) <= {one.name for one in quantities}]
    powers = [[float(row.exponents.get(one.name, 0)) for one in quantities] for row in derived]
    A = np.vstack([np.eye(len(quantities)), *powers])
    missed = ~np.isfinite(x)
    gone = ((np.abs(A) > 0.0) @ missed.T > 0).T  # (n, rows)
    values = np.where(missed, 0.0, x) @ A.T + np.log(
        [1.0] * len(quantities) + [row.factor for row in derived]
    )
    spread = A @ np.where(missed[:, :, None] | missed[:, None, :], 0.0, covariance) @ A.T
    values[gone] = np.nan
    spread[gone[:, :, None] | gone[:, None, :]] = np.nan
    following = [Quantity(name=row.name, unit=row.unit, logarithmic=True) for row in derived]
    merits, figures, variances = _merits(devices)
    whole = np.full((n, len(values[0]) + len(merits), len(values[0]) + len(merits)), np.nan)
    whole[:, : values.shape[1], : values.shape[1]] = spread
    places = values.shape[1] + np.arange(len(merits))
    whole[:, places, places] = variances
    return Sample(
        devices=tuple(devices),
        quantities=(*quantities, *following, *merits),
        fitted=len(quantities),
        x=np.column_stack([values, figures]),
        covariance=whole,
        omitted=tuple(omitted),
    )


def _merits(devices: Sequence[ComparedDevice]) -> tuple[list[Quantity], FloatArray, FloatArray]:
    """Figures of merit: m quantities, (n, m) values and variances in the scale of the comparison."""
    names = dict.fromkeys(name for device in devices for name in device.merits)
    of = [
        Quantity(name=name, unit=FIGURES_OF_MERIT[name].unit, logarithmic=FIGURES_OF_MERIT[name].positive)
        for name in names
    ]
    x, variance = np.full((2, len(devices), len(of)), np.nan)
    for i, device in enumerate(devices):
        for k, one in enumerate(of):
            e = device.merits.get(one.name)
            if e is not None and e.value is not None and e.stderr:
                x[i, k] = np.log(e.value) if one.logarithmic else e.value
                variance[i, k] = (e.stderr / e.value if one.logarithmic else e.stderr) ** 2
    return of, x, variance


def _measured(
    result: FitResult, quantities: Sequence[Quantity]
) -> tuple[FloatArray, FloatArray, dict[str, str]]:
    """Values and covariance of one result in the scale of the comparison, and what is missing and why.

    What the covariance of the fit does not hold is independent.
    """
    q = len(quantities)
    x, deviation, scale = np.full(q, np.nan), np.zeros(q), np.zeros(q)
    place = {name: k for k, name in enumerate(result.covariance_names)}
    missing = {}
    for k, one in enumerate(quantities):
        estimate, reason = result.parameters.get(one.name), ""
        if estimate is None:
            reason = f"not in its model ({result.model})"
        elif estimate.status == "fixed":
            reason = "held fixed"
        elif estimate.value is None or estimate.status == "undetermined":
            reason = "not determined"
        elif estimate.status == "at_bound":
            reason = "at its bound"
        elif one.logarithmic and estimate.value <= 0.0:
            reason = "not positive"
        else:
            value, own = float(estimate.value), place.get(one.name)
            is_log = own is not None and one.name in result.logarithmic
            deviation[k] = estimate.stderr or 0.0 if own is None else np.sqrt(result.covariance[own][own])
            scale[k] = 1.0 if one.logarithmic == is_log else 1.0 / value if one.logarithmic else value
            x[k] = np.log(value) if one.logarithmic else value
            if not deviation[k] > 0.0:
                reason, x[k] = "no standard error", np.nan
        if reason:
            missing[one.name] = reason
    kept = np.flatnonzero(np.isfinite(x)).tolist()
    block = np.diag(np.square(deviation[kept]))
    ours = [j for j, k in enumerate(kept) if quantities[k].name in place]
    if ours:
        theirs = [place[quantities[kept[j]].name] for j in ours]
        block[np.ix_(ours, ours)] = np.array(result.covariance)[np.ix_(theirs, theirs)]
    covariance = np.full((q, q), np.nan)
    covariance[np.ix_(kept, kept)] = 0.5 * (block + block.T) * np.outer(scale[kept], scale[kept])
    return x, covariance, missing


def normalised(sample: Sample) -> Sample | None:
    """The devices with an area, scaled to one square metre; None where fewer than two have one.

    R_b becomes R_b times area, C_m and i_c0 those of unit area; what does not scale is left out.

    Parameters
    ----------
    sample : Sample
    """
    there = [i for i, device in enumerate(sample.devices) if device.area]
    places = [k for k, name in enumerate(sample.names) if name in AREA_EXPONENTS]
    if len(there) < 2 or not places:
        return None
    log_area = np.log([sample.devices[i].area or 1.0 for i in there])
    power = np.array([AREA_EXPONENTS[sample.names[k]] for k in places])
    return Sample(
        devices=tuple(sample.devices[i] for i in there),
        quantities=tuple(_per_area(sample.quantities[k]) for k in places),
        fitted=len(places),
        x=sample.x[np.ix_(there, places)] - power * log_area[:, None],
        covariance=sample.covariance[np.ix_(there, places, places)],
        omitted=(),
    )


def of_equal_area(sample: Sample) -> Sample:
    """The same devices with R_b, C_m and i_c0 of unit area, where all areas are known and they differ.

    Devices of different areas differ trivially in these: what is left is what sets them apart.

    Parameters
    ----------
    sample : Sample
    """
    areas = [device.area for device in sample.devices]
    if any(area is None for area in areas) or len(set(areas)) < 2:
        return sample
    power = np.array([AREA_EXPONENTS.get(name, 0) for name in sample.names])
    log_area = np.log(np.array(areas, dtype=np.float64))
    quantities = tuple(map(_per_area, sample.quantities))
    return replace(sample, quantities=quantities, x=sample.x - power * log_area[:, None])


def _per_area(one: Quantity) -> Quantity:
    """A quantity of one square metre; what does not scale with the area stays."""
    power = AREA_EXPONENTS.get(one.name, 0)
    if not power:
        return one
    return replace(one, unit=f"{one.unit} m²" if power < 0 else f"{one.unit}/m²")
