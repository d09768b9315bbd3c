"""What a device does: its course, its impedance, its distance to self-sustained oscillation.

And what to measure next, to know it better.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from memfit.above import Shown
from memfit.analysis import design
from memfit.analysis.design import NextMeasurements
from memfit.analysis.stability import (
    DEFAULT_CIRCUITS,
    Circuit,
    analyse_result,
    assess,
    stability_at,
    uncertainty_of,
)
from memfit.arrays import ComplexArray
from memfit.datasets import Device
from memfit.errors import InputError
from memfit.fitting import CircuitStability, FitResult
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


def plan_next(result: FitResult, device: Device | None = None) -> NextMeasurements:
    """What to measure next: which experiment would shrink the worst interval most, and to what.

    Parameters
    ----------
    result : FitResult
        Also one whose status is not_identifiable.
    device : Device, optional
        The data of the fit; needed only for results that do not say what their data cover.

    Raises
    ------
    InputError
        The result does not hold what is needed, or nothing can be proposed.
    """
    return design.plan_next(result, device)


class Verdicts(dict[str, dict[str, Any]], Shown):
    """Stability by circuit as plain data, which a notebook shows as the tables of the report."""


def stability(
    subject: FitResult | Parameters,
    circuits: Mapping[str, Circuit] | None = None,
    *,
    at: float | None = None,
    at_quantity: Control = "voltage",
    draws: Mapping[str, ArrayLike] | None = None,
) -> Verdicts:
    """How near a device is to self-sustained oscillation, by circuit, as plain data.

    Parameters
    ----------
    subject : FitResult or Parameters
        Parameters alone have no covariance: what needs one is None.
    circuits : mapping of str to Circuit, optional
        By default a current source and a voltage source.
    at : float, V or A, optional
        A bias of the device to ask for as well: then each entry has `at`, with the kind of the steady state
        there, its margins and the probability that it is unstable.
    at_quantity : {"voltage", "current"}
        Whether `at` is the terminal voltage or the current.
    draws : mapping of str to (n,) array, optional
        Parameters drawn from a posterior, SI: they replace the covariance of the fit.

    Raises
    ------
    ParameterError
        The draws cannot be used.
    """
    records = stability_records(subject, circuits, at=at, at_quantity=at_quantity, draws=draws)
    return Verdicts({name: record.to_dict() for name, record in records.items()})


def stability_records(
    subject: FitResult | Parameters,
    circuits: Mapping[str, Circuit] | None = None,
    *,
    at: float | None = None,
    at_quantity: Control = "voltage",
    draws: Mapping[str, ArrayLike] | None = None,
) -> dict[str, CircuitStability]:
    """As `stability`, with the same arguments, in records; `at` is None where it cannot be said.

    That is where the data leave the parameters open, or the source holds the junction.

    Parameters
    ----------
    subject : FitResult or Parameters
    circuits : mapping of str to Circuit, optional
    at : float, V or A, optional
    at_quantity : {"voltage", "current"}
    draws : mapping of str to (n,) array, optional
    """
    wanted = DEFAULT_CIRCUITS if circuits is None else circuits
    known, p = None, None if isinstance(subject, FitResult) else subject
    if isinstance(subject, FitResult):
        blocks = analyse_result(subject, wanted, draws=draws)
    else:
        blocks = {name: assess(subject, circuit, draws=draws) for name, circuit in wanted.items()}
    if at is None:
        return blocks
    if isinstance(subject, FitResult):
        try:
            p = subject.values()
        except InputError:
            p = None
        if p is not None and subject.covariance:
            known = uncertainty_of(p, subject.covariance, subject.covariance_names, subject.logarithmic)
    for name, circuit in wanted.items():
        there = None
        if p is not None and not circuit.pins_voltage(p):
            there = stability_at(p, circuit, at, at_quantity, uncertainty=known, draws=draws).to_dict()
        blocks[name] = replace(blocks[name], at=there)
    return blocks
