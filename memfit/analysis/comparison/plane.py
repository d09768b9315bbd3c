"""Devices on one map of stability, under current control.

At the bias of its smallest gain margin a device has the loop gain A = R_b/R_a, and oscillation takes B =
(tau_m + tau_d)(tau_d + p)(p + tau_m)/(tau_m tau_d p) with p = f tau_k, at least 8. In the plane of A and B
the boundary is the diagonal for every device, whatever its parameters, and the gain margin is B/A.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from memfit.analysis.comparison.devices import Sample
from memfit.arrays import FloatArray, IntArray
from memfit.model import LOOP_NAMES, LOOP_POWERS, Loop, least_margin_bias, log_gain_margin


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


def stability_plane(sample: Sample) -> StabilityPlane:
    """Where the devices stand in the plane of loop gains; covariances propagate linearly.

    Parameters
    ----------
    sample : Sample
    """
    devices = [(i, device.values) for i, device in enumerate(sample.devices)]
    lagging = [(i, p) for i, p in devices if p is not None and Loop.of(p).can_oscillate]
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
    small = 1e-4  # of a logarithm
    slopes = np.empty((len(there), 2, len(LOOP_NAMES)))
    for row, step in enumerate(small * np.eye(len(LOOP_NAMES))[:, :, None]):
        slopes[..., row] = ((place(logs + step) - place(logs - step)) / (2.0 * small)).T
    gradient = slopes @ powers
    own = sample.covariance[np.ix_(there, used, used)]
    covariance: FloatArray = gradient @ own @ np.swapaxes(gradient, 1, 2)
    return StabilityPlane(device=there, loop_gain=np.exp(log_A), needed=np.exp(log_B), covariance=covariance)
