"""Impedance in closed form, with exact derivatives by every parameter through the bias point.

Y = C_m s + 1/R_b + 1/(R_a (1 + s tau_d)(1 + s f tau_k)),  Z = R_s + s L_s + 1/Y,  s = i omega

(Eqs. 13 and 14 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789; tau_k = 0 gives Y_2D, Eq. 6). Y
is the sum of the admittances of the parts, which are each in a file of `memfit.model.parts`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import COLUMN, NAMES, Parameters
from memfit.model.parts import BRANCHES, junction_admittance, present
from memfit.model.steady import junction_voltage, junction_voltage_derivatives
from memfit.protocols import Control


def admittance(p: Parameters, frequency: ArrayLike, u: ArrayLike) -> ComplexArray:
    """Junction admittance (S), without R_s and L_s.

    Parameters
    ----------
    p : Parameters
    frequency : array, Hz
    u : array, V
        Steady junction voltage; broadcast against `frequency`.
    """
    return junction_admittance(p, _s(frequency), u)


def impedance(p: Parameters, frequency: ArrayLike, u: ArrayLike) -> ComplexArray:
    """Terminal impedance Z = R_s + s L_s + 1/Y, ohm.

    Parameters
    ----------
    p : Parameters
    frequency : array, Hz
    u : array, V
        Steady junction voltage; broadcast against `frequency`.
    """
    s = _s(frequency)
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

    Parameters
    ----------
    p : Parameters
    grid : BiasGrid

    Returns
    -------
    Z : (n,) array, ohm
    dZ : (n, p) array
        By the parameters in the order of `NAMES`, the motion of the bias point u(V) included.
    """
    return impedance_at(p, grid, junction_voltage(p, grid.control, grid.bias))


def impedance_at(p: Parameters, grid: BiasGrid, u: FloatArray) -> tuple[ComplexArray, ComplexArray]:
    """As `impedance_with_derivatives`, with the junction voltages known.

    Parameters
    ----------
    p : Parameters
    grid : BiasGrid
    u : (k,) array, V
        At the biases.
    """
    u_by_p = junction_voltage_derivatives(p, grid.control, u)
    s = _s(grid.frequency)
    Y = np.zeros(s.size, dtype=np.complex128)
    by_p = np.zeros((s.size, len(NAMES)), dtype=np.complex128)
    for part in present(p, BRANCHES):
        Y += part.add_admittance(p, s, u, u_by_p, grid.spectrum, by_p)
    Z_junction = 1.0 / Y
    np.multiply(-(Z_junction**2)[:, None], by_p, out=by_p)
    by_p[:, COLUMN["R_s"]] += 1.0
    by_p[:, COLUMN["L_s"]] += s
    return p.R_s + s * p.L_s + Z_junction, by_p


def _s(frequency: ArrayLike) -> ComplexArray:
    """S = i omega, rad/s."""
    return np.asarray(2j * np.pi * np.asarray(frequency, dtype=np.float64), dtype=np.complex128)
