"""Impedance in closed form, with exact derivatives by every parameter through the bias point.

Y_3D = C_m s + 1/R_b + 1/(R_a (1 + s tau_d)(1 + s f tau_k)),  Z = R_s + s L_s + 1/Y,  s = i omega
(Eqs. 13 and 14 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789; tau_k = 0 gives Y_2D, Eq. 6),
with 1/R_a = i_c0 f (1 - f)/V_m (Eq. 7). The inductors are L_d = tau_d R_a (8) and L_k = f tau_k R_a (15).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.equations import (
    activation,
    activation_slope,
    activation_time,
    inverse_resistance_a,
)
from memfit.model.parameters import NAMES, Parameters
from memfit.model.steady import junction_voltage, junction_voltage_derivatives
from memfit.protocols import Control


def admittance(p: Parameters, frequency: ArrayLike, u: ArrayLike) -> ComplexArray:
    """Junction admittance (S), without R_s and L_s, at equilibrium `u` (V); arrays broadcast."""
    s = 2j * np.pi * np.asarray(frequency, dtype=np.float64)
    lag = (1.0 + s * p.tau_d) * (1.0 + s * activation_time(p, u))
    return np.asarray(p.C_m * s + 1.0 / p.R_b + inverse_resistance_a(p, u) / lag, dtype=np.complex128)


def impedance(p: Parameters, frequency: ArrayLike, u: ArrayLike) -> ComplexArray:
    """Terminal impedance Z = R_s + s L_s + 1/Y (ohm) at `frequency` (Hz) and equilibrium `u` (V)."""
    s = 2j * np.pi * np.asarray(frequency, dtype=np.float64)
    return p.R_s + s * p.L_s + 1.0 / admittance(p, frequency, u)


@dataclass(frozen=True)
class BiasGrid:
    """Impedance points at several biases, laid end to end.

    Parameters
    ----------
    control : {"current", "voltage"}
        What `bias` is.
    bias : (k,) array, A or V
        Terminal bias of each spectrum.
    frequency : (n,) array, Hz
    spectrum : (n,) array of int
        Which bias each point belongs to.
    """

    control: Control
    bias: FloatArray
    frequency: FloatArray
    spectrum: np.ndarray


def impedance_with_derivatives(p: Parameters, grid: BiasGrid) -> tuple[ComplexArray, ComplexArray]:
    """Impedance of all points of a grid, and its derivatives.

    Returns
    -------
    Z : (n,) array, ohm
    dZ : (n, 9) array
        By the parameters in the order of `NAMES`, the motion of the bias point u(V) included.
    """
    u = junction_voltage(p, grid.control, grid.bias)
    u_by_p = junction_voltage_derivatives(p, grid.control, grid.bias, u)
    f = activation(p, u)
    slope = activation_slope(p, u)
    f_by_p = slope[:, None] * u_by_p
    f_by_p[:, _V_T] -= slope
    f_by_p[:, _V_m] -= slope * (u - p.V_T) / p.V_m
    g = p.i_c0 * slope  # 1/R_a
    g_by_p = (p.i_c0 * (1.0 - 2.0 * f) / p.V_m)[:, None] * f_by_p
    g_by_p[:, _i_c0] += slope
    g_by_p[:, _V_m] -= g / p.V_m

    k = grid.spectrum
    s = 2j * np.pi * grid.frequency
    lag_d = 1.0 / (1.0 + s * p.tau_d)
    lag_k = 1.0 / (1.0 + s * (p.tau_k * f)[k])
    branch = g[k] * lag_d * lag_k
    Z_junction = 1.0 / (s * p.C_m + 1.0 / p.R_b + branch)
    slowing = branch * lag_k * s  # -d(branch)/d(f tau_k)
    Y_by_p = (lag_d * lag_k)[:, None] * g_by_p[k] - (slowing * p.tau_k)[:, None] * f_by_p[k]
    Y_by_p[:, _R_b] -= 1.0 / p.R_b**2
    Y_by_p[:, _C_m] += s
    Y_by_p[:, _tau_d] -= branch * lag_d * s
    Y_by_p[:, _tau_k] -= slowing * f[k]
    Z_by_p = -(Z_junction**2)[:, None] * Y_by_p
    Z_by_p[:, _R_s] += 1.0
    Z_by_p[:, _L_s] += s
    return p.R_s + s * p.L_s + Z_junction, Z_by_p


_R_b, _C_m, _i_c0, _V_T, _V_m, _tau_d, _tau_k, _R_s, _L_s = range(len(NAMES))
