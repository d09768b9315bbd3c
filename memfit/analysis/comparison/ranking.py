"""Which device is nearest to self-sustained oscillation, and where every device stands on one map.

At the bias of its smallest gain margin a device has the loop gain A = R_b/R_a, and oscillation takes B =
(tau_m + tau_d)(tau_d + p)(p + tau_m)/(tau_m tau_d p) with p = f tau_k, at least 8. In the plane of A and B
the boundary is the diagonal for every device, whatever its parameters, and the gain margin is B/A.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from memfit.analysis.comparison.devices import ComparedDevice, Sample
from memfit.arrays import FloatArray, IntArray, Interval
from memfit.model import LOOP_NAMES, LOOP_POWERS, Loop, least_margin_bias, log_gain_margin

_STEP = 1e-4  # of a logarithm


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
    """All devices in each circuit, the smallest gain margin first, what is not known last.

    Parameters
    ----------
    devices : sequence of ComparedDevice
    """

    def eagerness(place: int) -> tuple[bool, float, float, int]:
        """By gain margin, then by probability; what cannot oscillate, what is not known last."""
        known = devices[place].stability[circuit]
        margin = np.inf if known.gain_margin_min is None else known.gain_margin_min
        return known.verdict == "undetermined", margin, -(known.probability_oscillates or 0.0), place

    ranked: list[Ranked] = []
    for circuit in dict.fromkeys(name for device in devices for name in device.stability):
        there = [place for place, device in enumerate(devices) if circuit in device.stability]
        for rank, place in enumerate(sorted(there, key=eagerness), start=1):
            one = devices[place].stability[circuit]
            ranked.append(
                Ranked(
                    rank=rank,
                    device=place,
                    circuit=circuit,
                    verdict=one.verdict,
                    gain_margin=one.gain_margin_min,
                    gain_margin_ci95=one.gain_margin_ci95,
                    probability_oscillates=one.probability_oscillates,
                    at_u=one.at_u,
                    hopf_V=tuple(point.V for point in one.hopf_points),
                    hopf_frequency_Hz=tuple(point.frequency_Hz for point in one.hopf_points),
                )
            )
    return tuple(ranked)


def stability_plane(sample: Sample) -> StabilityPlane:
    """Where the devices stand in the plane of loop gains.

    The covariance is that of the fits, propagated linearly.

    Parameters
    ----------
    sample : Sample
    """
    known = [(i, device.values) for i, device in enumerate(sample.devices) if device.values is not None]
    lagging = [(i, p) for i, p in known if Loop.of(p).can_oscillate]
    there = np.array([i for i, _ in lagging], dtype=np.intp)
    values = {
        name: np.array([getattr(p, name) for _, p in lagging], dtype=np.float64) for name in LOOP_POWERS
    }
    loops = Loop.from_values(values, np.array(np.inf), np.array(0.0))
    logs = np.log([getattr(loops, name) for name in LOOP_NAMES])

    def place(logs: FloatArray) -> FloatArray:
        """(2, m) log A and log B from the (4, m) logarithms of `LOOP_NAMES`."""
        if logs.size == 0:
            return np.zeros((2, *logs.shape[1:]))
        loop = Loop(*np.exp(logs))
        x = least_margin_bias(loop)
        log_A = logs[0] + np.log(expit(x)) + np.log(expit(-x))
        return np.stack([log_A, log_A + log_gain_margin(loop, x)])

    log_A, log_B = place(logs)
    names = sample.names[: sample.fitted]
    used = np.array([k for k, name in enumerate(names) if name in LOOP_POWERS], dtype=np.intp)
    powers = np.array([LOOP_POWERS[names[k]] for k in used], dtype=np.float64).reshape(-1, len(LOOP_NAMES)).T
    slopes = np.empty((len(there), 2, len(LOOP_NAMES)))
    for row, step in enumerate(_STEP * np.eye(len(LOOP_NAMES))[:, :, None]):
        slopes[..., row] = ((place(logs + step) - place(logs - step)) / (2.0 * _STEP)).T
    gradient = slopes @ powers
    own = sample.covariance[np.ix_(there, used, used)]
    covariance: FloatArray = gradient @ own @ np.swapaxes(gradient, 1, 2)
    return StabilityPlane(device=there, loop_gain=np.exp(log_A), needed=np.exp(log_B), covariance=covariance)
