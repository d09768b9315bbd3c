"""Curves of many devices to lay over each other: steady current, and impedance at equal (V - V_T)/V_m."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memfit.analysis.comparison_record import Comparison
from memfit.arrays import ComplexArray, FloatArray
from memfit.model.equations import activation_time, dc_resistance, steady_current
from memfit.model.linear import eigenvalues
from memfit.model.parameters import Parameters
from memfit.model.smallsignal import admittance

MOST_CURVES = 60
"""Devices drawn one by one; of more, as many evenly through the ranking."""
BIASES = (-2.0, 0.0, 2.0)
"""(u - V_T)/V_m at which spectra are compared."""
_POINTS = 121
_ABOVE = 6.0  # widths V_m above V_T that are drawn
_FROM = 0.1  # of the lowest V_T: where currents are drawn from
_BESIDE = 1e3  # ratio by which frequencies reach beyond the rates of a device


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceCurve:
    """One device in a figure."""

    device: int
    """Its place among the devices."""
    rank: float
    """0 (most eager to oscillate) to 1."""
    x: FloatArray
    y: FloatArray


def chosen(found: Comparison) -> list[tuple[int, float, Parameters]]:
    """Devices to draw with their place in the ranking under current control, the most eager last."""
    order = [one.device for one in found.ranking if one.circuit == "current"] or list(
        range(len(found.devices))
    )
    known = [(i, found.devices[i].values) for i in order]
    ranked = [(i, p) for i, p in known if p is not None]
    last = max(len(ranked) - 1, 1)
    if len(ranked) > MOST_CURVES:
        places = sorted({round(k) for k in np.linspace(0, len(ranked) - 1, MOST_CURVES)})
    else:
        places = list(range(len(ranked)))
    return [(ranked[k][0], k / last, ranked[k][1]) for k in reversed(places)]


def steady_curves(
    found: Comparison, devices: Sequence[tuple[int, float, Parameters]], *, per_area: bool
) -> list[DeviceCurve]:
    """Steady current (A, or A/m^2) against terminal voltage (V)."""
    lowest = _FROM * min((p.V_T for _, _, p in devices), default=1.0)
    curves = []
    for device, rank, p in devices:
        top = p.V_T + _ABOVE * p.V_m
        u = np.linspace(max(lowest, 1e-3 * top), top, _POINTS)
        current = steady_current(p, u)
        share = (found.devices[device].area or 1.0) if per_area else 1.0
        curves.append(DeviceCurve(device=device, rank=rank, x=u + p.R_s * current, y=current / share))
    return curves


def nyquist_curves(devices: Sequence[tuple[int, float, Parameters]], bias: float) -> list[DeviceCurve]:
    """Impedance of the junction over its dc resistance, Re and -Im, at (u - V_T)/V_m = `bias`."""
    curves = []
    for device, rank, p in devices:
        Z = _relative_impedance(p, p.V_T + bias * p.V_m)
        curves.append(DeviceCurve(device=device, rank=rank, x=Z.real, y=-Z.imag))
    return curves


def _relative_impedance(p: Parameters, u: float) -> ComplexArray:
    """Z/R_dc over all frequencies at which it changes."""
    at = np.array(u)
    rates = [1.0 / p.tau_m, *(1.0 / t for t in (p.tau_d, float(activation_time(p, at))) if t > 0.0)]
    omega = np.geomspace(min(rates) / _BESIDE, max(rates) * _BESIDE, _POINTS)
    for pole in eigenvalues(p, at):  # even steps of the phase around each pole, however sharp it is
        near = abs(pole.imag) + abs(pole.real) * np.tan(np.linspace(-1.5, 1.5, _POINTS))
        omega = np.concatenate([omega, near[near > omega[0]]])
    omega = np.unique(omega)
    Z = 1.0 / admittance(p, omega / (2.0 * np.pi), at)
    return np.asarray(Z / float(dc_resistance(p, at)), dtype=np.complex128)
