"""The equations of the model: states u (V), i_c (A), f (0..1), and those of the parts a device has.

C_m du/dt     = I - u/R_b - i_c                       (1)
tau_d di_c/dt = i_c0 f - i_c                          (11)
tau_k df/dt   = (1 - f) - exp(-(u - V_T)/V_m) f       (12)
V             = u + R_s I                             (10)
f_ss(u)       = 1/(1 + exp(-(u - V_T)/V_m))           (4)

Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789; equation numbers are theirs. Current into the device
is positive. Each term is in the file of its part (`memfit.model.parts`); here they come together.
"""

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import FloatArray
from memfit.model.parameters import Parameters
from memfit.model.parts import CONDUCTORS, KINETIC, VOLTAGE_DEPENDENT, present, states
from memfit.model.parts.activation import activation, activation_slope, activation_time
from memfit.model.steady import conductance, junction_capacitance, steady_current

__all__ = [
    "activation",
    "activation_slope",
    "activation_time",
    "dc_resistance",
    "inverse_resistance_a",
    "jacobian",
    "steady_current",
    "vector_field",
]


def inverse_resistance_a(p: Parameters, u: ArrayLike) -> FloatArray:
    """1/R_a = i_c0 f_ss (1 - f_ss)/V_m, S, Eq. 7: what the memory adds to the slope of the steady current.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    total = np.zeros(np.shape(u))
    for part in present(p, VOLTAGE_DEPENDENT):
        total = total + part.conductance(p, u)
    return total


def dc_resistance(p: Parameters, u: ArrayLike) -> FloatArray:
    """Differential resistance R_dc = (1/R_b + 1/R_a)^-1, ohm, Eq. 9 (without R_s).

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    return 1.0 / conductance(p, u)


def vector_field(p: Parameters, state: ArrayLike, current: ArrayLike) -> FloatArray:
    """Time derivatives of the states at a terminal current, Eqs. 1, 11, 12.

    Parameters
    ----------
    p : Parameters
        Its times greater than 0, without dispersion.
    state : (n, ...) array
        u (V), i_c (A), f and so on, as `states`.
    current : array, A

    Returns
    -------
    (n, ...) array
        du/dt (V/s), di_c/dt (A/s), df/dt (1/s) and so on.
    """
    named = dict(zip(states(p), np.asarray(state, dtype=np.float64), strict=True))
    charging = np.asarray(current, dtype=np.float64)
    for part in present(p, CONDUCTORS):
        charging = charging - part.current(p, named)
    u_dot = charging / junction_capacitance(p, named["u"])
    return np.stack(np.broadcast_arrays(u_dot, *(part.rate(p, named) for part in present(p, KINETIC))))


def jacobian(p: Parameters, state: ArrayLike, resistance: float = np.inf) -> FloatArray:
    """(n, n) derivative of the vector field by the states.

    Parameters
    ----------
    p : Parameters
        Its times greater than 0, without dispersion.
    state : (n,) array
        u (V), i_c (A), f and so on, as `states`.
    resistance : float, ohm
        Resistance through which a voltage source drives the device; infinite is current control.
    """
    names = states(p)
    named = dict(zip(names, np.asarray(state, dtype=np.float64), strict=True))
    result = np.zeros((len(names), len(names)))
    for part in present(p, CONDUCTORS):
        for name, slope in part.current_slopes(p, named).items():
            result[0, names.index(name)] += slope
    result[0, 0] += 1.0 / resistance
    result[0] /= -1.0 * junction_capacitance(p, named["u"])
    for row, kinetic in enumerate(present(p, KINETIC), start=1):
        for name, slope in kinetic.rate_slopes(p, named).items():
            result[row, names.index(name)] = slope
    return result


def steady_state(p: Parameters, u: ArrayLike) -> FloatArray:
    """(n, ...) states, as `states`, in the steady state at a junction voltage.

    Parameters
    ----------
    p : Parameters
    u : array, V
    """
    voltage = np.asarray(u, dtype=np.float64)
    return np.stack([voltage, *(part.rest(p, voltage) for part in present(p, KINETIC))])
