"""The course and the impedance of a device whose parameters are given."""

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray
from memfit.model import Parameters, junction_voltage, smallsignal, transient
from memfit.model.transient import Trajectory
from memfit.protocols import Control, Drive

_COURSE_POINTS = 1001


def simulate(parameters: Parameters, protocol: Drive, time: ArrayLike | None = None) -> Trajectory:
    """The course of a device under a drive of current or voltage.

    Parameters
    ----------
    parameters : Parameters
    protocol : Drive
        As made by `pulse`, `pulse_train`, `sweep`, `staircase` or from any polygon.
    time : (n,) array, s, optional
        Non-decreasing; by default 1001 even times over the drive.

    Raises
    ------
    InputError
        Times run backward or are not finite.
    """
    if time is None:
        time = np.linspace(protocol.time[0], protocol.time[-1], _COURSE_POINTS)
    return transient.simulate(parameters, protocol, time)


def impedance(
    parameters: Parameters, frequency: ArrayLike, bias: float, *, control: Control = "voltage"
) -> ComplexArray:
    """Impedance (ohm) at a dc bias.

    Parameters
    ----------
    parameters : Parameters
    frequency : (n,) array, Hz
    bias : float, V or A
        Terminal voltage, or current under current control.
    control : {"current", "voltage"}
    """
    u = float(junction_voltage(parameters, control, np.array([bias]))[0])
    return smallsignal.impedance(parameters, frequency, u)
