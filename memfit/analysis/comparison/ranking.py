"""Which device is nearest to self-sustained oscillation, and where every device stands on one map.

At the bias of its smallest gain margin a device has the loop gain A = R_b/R_a, and oscillation takes B =
(tau_m + tau_d)(tau_d + p)(p + tau_m)/(tau_m tau_d p) with p = f tau_k, at least 8. In the plane of A and B
the boundary is the diagonal for every device, whatever its parameters, and the gain margin is B/A.

What is compared: devices, quantities, and both as arrays; the same for devices of unit area.

Positive parameters are compared in the natural logarithm, the others (V_T, R_s, L_s) as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.special import expit

from memfit.analysis.comparison.pooling import Interval
from memfit.arrays import FloatArray, IntArray
from memfit.fitting.result import Estimate, Status
from memfit.model.hopf_boundary import LOOP_NAMES, Loop, least_margin_bias, log_gain_margin
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


_POWERS: Mapping[str, Mapping[str, int]] = {
    "gain": {"R_b": 1, "i_c0": 1, "V_m": -1},
    "tau_m": {"R_b": 1, "C_m": 1},
    "tau_d": {"tau_d": 1},
    "tau_k": {"tau_k": 1},
}
"""The loop of a device under current control, as powers of its parameters."""
_STEP = 1e-4  # of a logarithm
_NEVER = float("inf")


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A device in the order of its gain margin, in one circuit."""

    rank: int
    """1 is the most eager to oscillate."""
    device: int
    """Its place among the devices."""
    circuit: str
    verdict: str
    gain_margin: float | None
    """Smallest over all biases; below 1 it oscillates; None where it cannot, or where it is not known."""
    gain_margin_ci95: Interval | None
    probability_oscillates: float | None
    at_u: float | None
    """V."""
    hopf_V: tuple[float, ...] = ()
    """Terminal voltages of the Hopf points, V."""
    hopf_frequency_Hz: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class StabilityPlane:
    """Every device that has three lags, in the plane of loop gains under current control."""

    device: IntArray
    """(m,) places among the devices."""
    loop_gain: FloatArray
    """(m,) A, the loop gain there is at the bias of the smallest gain margin."""
    needed: FloatArray
    """(m,) B, the loop gain that oscillation takes there."""
    covariance: FloatArray
    """(m, 2, 2) of log A and log B; NaN where a fit does not give all of it."""

    @property
    def gain_margin(self) -> FloatArray:
        """(m,) B/A."""
        return self.needed / self.loop_gain


def rank_devices(devices: Sequence[ComparedDevice]) -> tuple[Ranked, ...]:
    """All devices in each circuit, the smallest gain margin first, what is not known last."""
    circuits = list(dict.fromkeys(name for device in devices for name in device.stability))
    ranked: list[Ranked] = []
    for circuit in circuits:
        blocks = [(i, device.stability.get(circuit) or {}) for i, device in enumerate(devices)]
        order = sorted((item for item in blocks if item[1]), key=_eagerness)
        ranked += [_ranked(place, i, circuit, block) for place, (i, block) in enumerate(order, start=1)]
    return tuple(ranked)


def stability_plane(sample: Sample) -> StabilityPlane:
    """Where the devices of a sample stand."""
    there = [
        i
        for i, device in enumerate(sample.devices)
        if device.values is not None and device.values.tau_d > 0.0 and device.values.tau_k > 0.0
    ]
    values = {
        name: np.array([getattr(sample.devices[i].values, name) for i in there], dtype=np.float64)
        for name in ("R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k")
    }
    logs = np.log(
        [
            values["R_b"] * values["i_c0"] / values["V_m"],
            values["R_b"] * values["C_m"],
            values["tau_d"],
            values["tau_k"],
        ]
    )
    place = _place(logs)
    return StabilityPlane(
        device=np.array(there, dtype=np.intp),
        loop_gain=np.exp(place[0]),
        needed=np.exp(place[1]),
        covariance=_spread(sample, there, logs),
    )


def _ranked(rank: int, device: int, circuit: str, block: Mapping[str, Any]) -> Ranked:
    """One entry from the block of result.json."""
    interval, points = block.get("gain_margin_ci95"), block.get("hopf_points") or ()
    return Ranked(
        rank=rank,
        device=device,
        circuit=circuit,
        verdict=str(block.get("verdict") or "undetermined"),
        gain_margin=block.get("gain_margin_min"),
        gain_margin_ci95=None if interval is None else (float(interval[0]), float(interval[1])),
        probability_oscillates=block.get("probability_oscillates"),
        at_u=block.get("at_u"),
        hopf_V=tuple(float(point["V"]) for point in points),
        hopf_frequency_Hz=tuple(float(point["frequency_Hz"]) for point in points),
    )


def _eagerness(item: tuple[int, Mapping[str, Any]]) -> tuple[int, float, float, int]:
    """Sorting key: by gain margin, then by probability; what cannot oscillate, what is not known last."""
    i, block = item
    margin, chance = block.get("gain_margin_min"), block.get("probability_oscillates")
    unknown = block.get("verdict") == "undetermined"
    return int(unknown), _NEVER if margin is None else float(margin), -float(chance or 0.0), i


def _place(logs: FloatArray) -> FloatArray:
    """(2, ...) log A and log B from the (4, ...) logarithms of `LOOP_NAMES`."""
    loop = Loop(*np.exp(logs))
    if logs.size == 0:
        return np.zeros((2, *logs.shape[1:]))
    x = least_margin_bias(loop)
    log_A = logs[0] + np.log(expit(x)) + np.log(expit(-x))
    return np.stack([log_A, log_A + log_gain_margin(loop, x)])


def _spread(sample: Sample, there: Sequence[int], logs: FloatArray) -> FloatArray:
    """(m, 2, 2) covariance of log A and log B, propagated linearly from those of the fits."""
    names = sample.names[: sample.fitted]
    powers = np.zeros((len(LOOP_NAMES), len(names)))
    for row, part in enumerate(LOOP_NAMES):
        for name, power in _POWERS[part].items():
            if name in names:
                powers[row, names.index(name)] = power
    used = np.abs(powers).sum(axis=0) > 0.0
    slopes = np.empty((logs.shape[1], 2, len(LOOP_NAMES)))
    for row in range(len(LOOP_NAMES)):
        step = np.zeros_like(logs)
        step[row] = _STEP
        slopes[..., row] = ((_place(logs + step) - _place(logs - step)) / (2.0 * _STEP)).T
    gradient = slopes @ powers[:, used]
    own = np.array(there, dtype=np.intp)
    covariance = sample.covariance[np.ix_(own, np.flatnonzero(used), np.flatnonzero(used))]
    result: FloatArray = gradient @ covariance @ np.swapaxes(gradient, 1, 2)
    return result
