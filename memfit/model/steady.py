"""The steady state under voltage or current control, and its exact derivatives by every parameter.

Voltage control solves V = u + R_s I(u), current control I = I(u), with I(u) = u/R_b + i_c0 f_ss(u) (Eqs. 5
and 10 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789). I(u) rises everywhere, so there is
exactly one solution; Newton's method finds it inside a bracket that shrinks at every step.
"""

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import FloatArray
from memfit.model.equations import activation, activation_slope, steady_current
from memfit.model.parameters import NAMES, Parameters
from memfit.protocols import Control

_MAX_ITERATIONS = 200  # bisection alone needs about 60
_RELATIVE_STEP = 4e-16
_SMALL_STEP = 1e-9


def junction_voltage(p: Parameters, control: Control, drive: ArrayLike) -> FloatArray:
    """Steady voltage u across the junction.

    Parameters
    ----------
    p : Parameters
    control : {"current", "voltage"}
    drive : (n,) array, A or V
        Terminal current or terminal voltage.

    Returns
    -------
    (n,) array, V
    """
    drive = np.asarray(drive, dtype=np.float64)
    if control == "voltage" and p.R_s == 0.0:
        return drive.copy()
    # slope u + weight i_c0 f_ss(u) = source
    if control == "voltage":
        slope, weight, source = 1.0 + p.R_s / p.R_b, p.R_s, drive
    else:
        slope, weight, source = 1.0, p.R_b, drive * p.R_b
    high = source / slope
    low = (source - weight * p.i_c0) / slope
    u = high.copy()
    last = high - low
    for _ in range(_MAX_ITERATIONS):
        excess = slope * u + weight * p.i_c0 * activation(p, u) - source
        high = np.where(excess > 0, u, high)
        low = np.where(excess > 0, low, u)
        step = u - excess / (slope + weight * p.i_c0 * activation_slope(p, u))
        # Where Newton's step is neither small nor half the last one, it may run in circles: bisect.
        shrinks = np.abs(step - u) <= 0.5 * last + _SMALL_STEP * np.maximum(np.abs(u), p.V_m)
        newton = (step >= low) & (step <= high) & shrinks
        new = np.where(newton, step, 0.5 * (low + high))
        done = np.abs(new - u) <= _RELATIVE_STEP * np.maximum(np.abs(new), p.V_m)
        last = np.abs(new - u)
        u = new
        if np.all(done):
            break
    return u


def junction_voltage_derivatives(
    p: Parameters, control: Control, drive: ArrayLike, u: ArrayLike
) -> FloatArray:
    """(n, 9) derivatives of the steady u (V) by the parameters, in the order of `NAMES`.

    From the implicit equation: du/dp = -(dF/dp)/(dF/du) with F = u + R_s I(u) - V or F = I(u) - I.
    """
    u = np.asarray(u, dtype=np.float64)
    drive = np.asarray(drive, dtype=np.float64)
    by_parameter = current_derivatives(p, u)
    slope = 1.0 / p.R_b + p.i_c0 * activation_slope(p, u)
    if control == "current":
        return -by_parameter / slope[:, None]
    by_parameter *= p.R_s
    by_parameter[:, NAMES.index("R_s")] = steady_current(p, u)
    return -by_parameter / (1.0 + p.R_s * slope)[:, None]


def current_derivatives(p: Parameters, u: ArrayLike) -> FloatArray:
    """(n, 9) derivatives of I(u) = u/R_b + i_c0 f_ss(u) (A) by the parameters at fixed u."""
    u = np.asarray(u, dtype=np.float64)
    slope = p.i_c0 * activation_slope(p, u)
    result = np.zeros((u.size, len(NAMES)))
    result[:, NAMES.index("R_b")] = -u / p.R_b**2
    result[:, NAMES.index("i_c0")] = activation(p, u)
    result[:, NAMES.index("V_T")] = -slope
    result[:, NAMES.index("V_m")] = -slope * (u - p.V_T) / p.V_m
    return result


def steady_response(p: Parameters, control: Control, drive: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Quasi-steady response to a drive, and its derivatives.

    Parameters
    ----------
    p : Parameters
    control : {"current", "voltage"}
    drive : (n,) array, A or V

    Returns
    -------
    response : (n,) array
        Current (A) under voltage control, terminal voltage (V) under current control.
    derivatives : (n, 9) array
        By the parameters, in the order of `NAMES`.
    """
    drive = np.asarray(drive, dtype=np.float64)
    u = junction_voltage(p, control, drive)
    u_by_p = junction_voltage_derivatives(p, control, drive, u)
    if control == "current":
        u_by_p[:, NAMES.index("R_s")] += drive
        return u + p.R_s * drive, u_by_p
    slope = 1.0 / p.R_b + p.i_c0 * activation_slope(p, u)
    return steady_current(p, u), current_derivatives(p, u) + slope[:, None] * u_by_p
