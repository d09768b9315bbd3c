"""What is compared: devices, quantities, and both as arrays; the same for devices of unit area.

Positive parameters are compared in the natural logarithm, the others (V_T, R_s, L_s) as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from memfit.arrays import FloatArray, IntArray
from memfit.fitting.result import Estimate, Status
from memfit.model.parameters import Parameters

AREA_EXPONENTS: Mapping[str, int] = {"R_b": -1, "C_m": 1, "i_c0": 1, "tau_m": 0, "A_max": 0}
"""Powers of the area by which a uniform junction scales."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """What is compared."""

    name: str
    unit: str
    logarithmic: bool
    """Whether its values and variances are those of the natural logarithm."""

    def outer(self, value: float) -> float:
        """From the scale of the fit to SI."""
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
    stability: Mapping[str, Any]
    """By circuit, as in result.json."""
    values: Parameters | None
    """None where the data do not determine them all."""
    correlation: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Correlation of the errors of two parameters in this fit."""


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
    """(n, q) in the scale of the fit; NaN where there is no measurement."""
    covariance: FloatArray
    """(n, q, q) of each device; NaN where there is no measurement."""
    omitted: tuple[Omitted, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the quantities."""
        return tuple(quantity.name for quantity in self.quantities)

    def column(self, name: str) -> tuple[IntArray, FloatArray, FloatArray]:
        """Places of the devices that have a quantity, its values and its variances."""
        place = self.names.index(name)
        there = np.flatnonzero(np.isfinite(self.x[:, place]))
        return there, self.x[there, place], self.covariance[there, place, place]


def normalised(sample: Sample) -> Sample | None:
    """The devices with an area, scaled to one square metre; None where fewer than two have one.

    R_b becomes R_b times area, C_m and i_c0 those of unit area; what does not scale is left out.
    """
    there = [i for i, device in enumerate(sample.devices) if device.area]
    places = [k for k, one in enumerate(sample.quantities) if AREA_EXPONENTS.get(one.name)]
    if len(there) < 2 or not places:
        return None
    log_area = np.log([sample.devices[i].area or 1.0 for i in there])
    power = np.array([AREA_EXPONENTS[sample.quantities[k].name] for k in places])
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
