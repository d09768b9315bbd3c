"""Which device is nearest to self-sustained oscillation, and where every device stands on one map.

At the bias of its smallest gain margin a device has the loop gain A = R_b/R_a, and oscillation takes B =
(tau_m + tau_d)(tau_d + p)(p + tau_m)/(tau_m tau_d p) with p = f tau_k, at least 8. In the plane of A and B
the boundary is the diagonal for every device, whatever its parameters, and the gain margin is B/A.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from memfit.analysis.comparison_pooling import Interval
from memfit.analysis.comparison_sample import ComparedDevice, Sample
from memfit.arrays import FloatArray, IntArray
from memfit.model.boundary import LOOP_NAMES, Loop, least_margin_bias, log_gain_margin

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
