"""How near a device is to self-sustained oscillation, and what to measure next."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike

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
from memfit.datasets import Device
from memfit.errors import InputError
from memfit.fitting import CircuitStability, FitResult
from memfit.model import Parameters
from memfit.protocols import Control


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


def stability(
    subject: FitResult | Parameters,
    circuits: Mapping[str, Circuit] | None = None,
    *,
    at: float | None = None,
    at_quantity: Control = "voltage",
    draws: Mapping[str, ArrayLike] | None = None,
) -> dict[str, dict[str, Any]]:
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
    return {name: record.to_dict() for name, record in records.items()}


def stability_records(
    subject: FitResult | Parameters,
    circuits: Mapping[str, Circuit] | None = None,
    *,
    at: float | None = None,
    at_quantity: Control = "voltage",
    draws: Mapping[str, ArrayLike] | None = None,
) -> dict[str, CircuitStability]:
    """As `stability`, in records.

    Parameters
    ----------
    subject : FitResult or Parameters
    circuits : mapping of str to Circuit, optional
        By default a current source and a voltage source.
    at : float, V or A, optional
        A bias of the device to ask for as well.
    at_quantity : {"voltage", "current"}
        Whether `at` is the terminal voltage or the current.
    draws : mapping of str to (n,) array, optional
        Parameters drawn from a posterior, SI: they replace the covariance of the fit.
    """
    wanted = DEFAULT_CIRCUITS if circuits is None else circuits
    if isinstance(subject, FitResult):
        blocks = analyse_result(subject, wanted, draws=draws)
    else:
        blocks = {name: assess(subject, circuit, draws=draws) for name, circuit in wanted.items()}
    if at is not None:
        for name, circuit in wanted.items():
            there = _stability_at(subject, circuit, at, at_quantity, draws)
            blocks[name] = replace(blocks[name], at=there)
    return blocks


def _stability_at(
    subject: FitResult | Parameters,
    circuit: Circuit,
    at: float,
    quantity: Control,
    draws: Mapping[str, ArrayLike] | None,
) -> dict[str, Any] | None:
    """The steady state at a bias; None where the data leave it open or the source holds the junction."""
    known, p = None, subject
    if isinstance(subject, FitResult):
        try:
            p = subject.values()
        except InputError:
            return None
        if subject.covariance:
            known = uncertainty_of(p, subject.covariance, subject.covariance_names, subject.logarithmic)
    if not isinstance(p, Parameters) or circuit.pins_voltage(p):
        return None
    return stability_at(p, circuit, at, quantity, uncertainty=known, draws=draws).to_dict()
