"""The chemical inductor as elements of impedance.py, for those who fit circuits with that package.

    import memfit as mf
    from impedance.models.circuits import CustomCircuit
    mf.register_impedance_elements()
    circuit = CustomCircuit("R0-p(C1,R1,ChemLK1)", initial_guess=[...])

The memory channel is the admittance 1/(R_a (1 + s tau_d)(1 + s tau_f)), s = i omega, in parallel to C_m and
R_b (Eqs. 6, 13 and 14 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789). As an impedance it is

    ChemL   R_a (1 + s tau_d)                  two parameters; the inductor L_d = tau_d R_a in series with R_a
    ChemLK  R_a (1 + s tau_d)(1 + s tau_f)     three parameters; with L_k = tau_f R_a and tau_f = f tau_k

Names of elements must not contain digits or the letter p, which impedance.py reads as part of the circuit.
The package is imported when it is needed: it brings altair and pyplot with it.
"""

from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray
from memfit.errors import DependencyError
from memfit.model import Parameters, activation_time, inverse_resistance_a, junction_voltage
from memfit.protocols import Control

_Element = Callable[[Sequence[float], ArrayLike], ComplexArray]


def ChemL(p: Sequence[float], f: ArrayLike) -> ComplexArray:
    """Chemical inductor of the 2D model, R_a (1 + i omega tau_d), ohm.

    Parameters
    ----------
    p : sequence of 2 floats
        R_a (ohm), tau_d (s).
    f : (n,) array, Hz
    """
    R_a, tau_d = p
    s = 2j * np.pi * np.asarray(f, dtype=np.float64)
    return np.asarray(R_a * (1.0 + s * tau_d), dtype=np.complex128)


def ChemLK(p: Sequence[float], f: ArrayLike) -> ComplexArray:
    """Chemical inductors of the 3D model, R_a (1 + i omega tau_d)(1 + i omega tau_f), ohm.

    Exactly symmetric under exchange of the two times: one spectrum does not say which is which.

    Parameters
    ----------
    p : sequence of 3 floats
        R_a (ohm), tau_d (s), tau_f = f tau_k (s).
    f : (n,) array, Hz
    """
    R_a, tau_d, tau_f = p
    s = 2j * np.pi * np.asarray(f, dtype=np.float64)
    return np.asarray(R_a * (1.0 + s * tau_d) * (1.0 + s * tau_f), dtype=np.complex128)


_ELEMENTS: tuple[tuple[_Element, tuple[str, ...]], ...] = (
    (ChemL, ("Ohm", "sec")),
    (ChemLK, ("Ohm", "sec", "sec")),
)


def register_impedance_elements() -> tuple[str, ...]:
    """Make `ChemL` and `ChemLK` known to impedance.py, so that they can stand in a circuit string.

    To call it again changes nothing.

    Returns
    -------
    tuple of str
        The names.

    Raises
    ------
    DependencyError
        impedance.py is not installed, or has changed so much that it cannot be told.
    """
    package = _impedance_elements()
    for function, units in _ELEMENTS:
        package.element(num_params=len(units), units=list(units), overwrite=True)(function)
    return tuple(function.__name__ for function, _ in _ELEMENTS)


def impedance_circuit(
    parameters: Parameters, bias: float, *, control: Control = "voltage"
) -> tuple[str, list[float]]:
    """A device at a bias as a circuit of impedance.py, and the values of its elements.

    The circuit is R0-p(C1,R1,ChemLK1), with ChemL1 for the 2D model and L0 in front where there is an L_s.

    Parameters
    ----------
    parameters : Parameters
    bias : float, V or A
        Terminal voltage, or current under current control.
    control : {"voltage", "current"}

    Returns
    -------
    circuit : str
        For `CustomCircuit`, once `register_impedance_elements` was called.
    values : list of float
        In the order of the circuit: R_s, C_m, R_b, R_a, tau_d and f tau_k, in SI units.
    """
    u = junction_voltage(parameters, control, np.array([bias]))
    channel = [1.0 / float(inverse_resistance_a(parameters, u)[0]), parameters.tau_d]
    name = "ChemL1"
    if parameters.model == "3d":
        name = "ChemLK1"
        channel.append(float(activation_time(parameters, u)[0]))
    circuit = f"R0-p(C1,R1,{name})"
    values = [parameters.R_s, parameters.C_m, parameters.R_b, *channel]
    if parameters.L_s > 0.0:
        return f"L0-{circuit}", [parameters.L_s, *values]
    return circuit, values


def _impedance_elements() -> ModuleType:
    """The module of impedance.py that keeps its elements."""
    try:
        from impedance.models.circuits import elements  # noqa: PLC0415 - slow, and not always wanted
    except ImportError as problem:
        raise DependencyError(
            "Circuit elements need the package impedance, 1.7.1 or newer, with "
            f"impedance.models.circuits.elements; importing it failed: {problem}."
        ) from problem
    module: ModuleType = elements
    return module
