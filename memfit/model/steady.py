"""The steady state under voltage or current control, and its exact derivatives by every parameter.

Voltage control solves V = u + R_s I(u), current control I = I(u), with I(u) the sum of the steady currents of
the parts: u/R_b + i_c0 f_ss(u) (Eqs. 5 and 10 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789).
I(u) rises everywhere, so there is exactly one solution; Newton's method finds it inside a bracket that
shrinks at every step.
"""

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import FloatArray
from memfit.model.parameters import COLUMN, NAMES, Parameters
from memfit.model.parts import CAPACITORS, CONDUCTORS, OHMIC, VOLTAGE_DEPENDENT
from memfit.protocols import Control

_MAX_ITERATIONS = 200  # bisection alone needs about 60
_RELATIVE_STEP = 4e-16
_SMALL_STEP = 1e-9


def steady_current(p: Parameters, u: ArrayLike) -> FloatArray:
    """I(u) = u/R_b + i_c0 f_ss(u), A, Eq. 5.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    total = np.zeros(np.shape(u))
    for part in CONDUCTORS:
        total = total + part.steady_current(p, u)
    return total


def conductance(p: Parameters, u: ArrayLike) -> FloatArray:
    """dI/du = 1/R_b + 1/R_a, S, Eq. 9.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    total = np.zeros(np.shape(u))
    for part in CONDUCTORS:
        total = total + part.conductance(p, u)
    return total


def ohmic_resistance(p: Parameters) -> float:
    """R_b, ohm: the ohmic parts in parallel.

    Parameters
    ----------
    p : Parameters
    """
    first, *others = (part.resistance(p) for part in OHMIC)
    return 1.0 / sum((1.0 / R for R in others), 1.0 / first) if others else first


def junction_capacitance(p: Parameters, u: ArrayLike) -> FloatArray | float:
    """C_m, F: dQ/du of the junction.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    first, *others = (part.capacitance(p, u) for part in CAPACITORS)
    for other in others:
        first = first + other
    return first


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
    # slope u + (current of the voltage-dependent parts) resistance = source
    R = ohmic_resistance(p)
    if control == "voltage":
        slope, resistance, source = 1.0 + p.R_s / R, p.R_s, drive
    else:
        slope, resistance, source = 1.0, R, drive * R
    limits = [part.limits(p) for part in VOLTAGE_DEPENDENT]
    least, most = sum(low for low, _ in limits), sum(high for _, high in limits)
    high = (source - resistance * least) / slope
    low = (source - resistance * most) / slope
    u = high.copy()
    last = high - low
    for _ in range(_MAX_ITERATIONS):
        excess, rise = slope * u, np.full_like(u, slope)
        for part in VOLTAGE_DEPENDENT:
            excess += part.steady_current(p, u, resistance)
            rise += part.conductance(p, u, resistance)
        excess -= source
        high = np.where(excess > 0, u, high)
        low = np.where(excess > 0, low, u)
        step = u - excess / rise
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


def junction_voltage_derivatives(p: Parameters, control: Control, u: ArrayLike) -> FloatArray:
    """Derivatives of the steady u by the parameters.

    From the implicit equation: du/dp = -(dF/dp)/(dF/du) with F = u + R_s I(u) - V or F = I(u) - I.

    Parameters
    ----------
    p : Parameters
    control : {"current", "voltage"}
    u : (n,) array, V

    Returns
    -------
    (n, p) array
        V per SI unit, in the order of `NAMES`.
    """
    u = np.asarray(u, dtype=np.float64)
    by_parameter = current_derivatives(p, u)
    slope = conductance(p, u)
    if control == "current":
        return -by_parameter / slope[:, None]
    by_parameter *= p.R_s
    by_parameter[:, COLUMN["R_s"]] = steady_current(p, u)
    return -by_parameter / (1.0 + p.R_s * slope)[:, None]


def current_derivatives(p: Parameters, u: ArrayLike) -> FloatArray:
    """(n, p) derivatives of I(u) (A) by the parameters at fixed u (n,), in the order of `NAMES`.

    Parameters
    ----------
    p : Parameters
    u : (n,) array, V, across the junction
    """
    u = np.asarray(u, dtype=np.float64)
    result = np.zeros((u.size, len(NAMES)))
    for part in CONDUCTORS:
        part.add_current_derivatives(p, u, result)
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
    derivatives : (n, p) array
        By the parameters, in the order of `NAMES`.
    """
    drive = np.asarray(drive, dtype=np.float64)
    u = junction_voltage(p, control, drive)
    u_by_p = junction_voltage_derivatives(p, control, u)
    if control == "current":
        u_by_p[:, COLUMN["R_s"]] += drive
        return u + p.R_s * drive, u_by_p
    return steady_current(p, u), current_derivatives(p, u) + conductance(p, u)[:, None] * u_by_p
