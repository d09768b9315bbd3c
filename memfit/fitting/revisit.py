"""A stored result beside its data once more, without fitting again: what a report made later draws."""

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.device import Device
from memfit.datasets.records import ImpedanceSpectrum, Record
from memfit.errors import InputError
from memfit.fitting.initial import begins_anywhere
from memfit.fitting.noise import Noise
from memfit.fitting.predict import Instrument, Predictor, modulus
from memfit.fitting.result import FitResult, FittedRecord
from memfit.fitting.staircase import as_staircase

_INITIAL = ("u_0", "i_0", "f_0")


def fitted_again(result: FitResult, device: Device) -> tuple[FittedRecord, ...]:
    """The records of a device beside the model with the values of a result.

    Parameters
    ----------
    result : FitResult
    device : Device
        The data of the fit.

    Returns
    -------
    tuple of FittedRecord
        Empty where the result leaves a parameter undetermined: then there is no curve to draw.

    Raises
    ------
    InputError
        The device holds other records, or other bytes, than the fit had.
    """
    check_same(result, device)
    if any(estimate.value is None for estimate in result.parameters.values()):
        return ()
    predictor = Predictor(as_fitted(result, device.records))
    model = predictor(result.values(), _instrument(result, device.records)).values
    noise = {
        item.file: Noise(item.noise["relative"], item.noise["floor"]) for item in result.goodness.datasets
    }
    return tuple(
        _beside(record, model[here], noise[record.name], result)
        for record, here in zip(predictor.records, predictor.slices, strict=True)
    )


def check_same(result: FitResult, device: Device) -> None:
    """The records are those of the fit, byte for byte."""
    had = {item.file: item.sha256 for item in result.inputs}
    found = {record.name: record.origin.sha256 for record in device.records}
    for name in [*had, *found]:
        if name not in found or name not in had:
            where = "the data" if name in had else "the fit"
            raise InputError(
                f"{name} is missing from {where}: expected the data of this fit. Give their folder."
            )
        if had[name] != found[name]:
            raise InputError(f"{name} has changed since the fit; run the fit again.")


def as_fitted(result: FitResult, records: tuple[Record, ...]) -> tuple[Record, ...]:
    """The records with the drives of the fit: staircases, and states at the start that were fitted."""
    stepped = {item.file for item in result.inputs if item.drive == "staircase"}
    driven = [as_staircase(record) if record.name in stepped else record for record in records]
    return tuple(begins_anywhere(r) if f"f_0_{k}" in result.nuisance else r for k, r in enumerate(driven))


def _instrument(result: FitResult, records: tuple[Record, ...]) -> Instrument:
    """Gains, delays and initial states by the names they have in a result."""
    edges = [int(name.rsplit("_", 1)[1]) for name in result.nuisance if name.startswith("edge_")]
    terms = Instrument.ideal(len(records), max(edges) + 1 if edges else 0)
    for name, estimate in result.nuisance.items():
        if estimate.value is None:
            continue
        head, _, tail = name.rpartition("_")
        if head == "gain":
            terms.gain[[record.kind == tail for record in records]] = estimate.value
        elif head.startswith("edge_"):
            terms.edge[int(head.removeprefix("edge_")), int(tail)] = estimate.value
        elif head == "delay":
            terms.delay[int(tail)] = estimate.value
        elif head in _INITIAL:
            terms.initial[int(tail), _INITIAL.index(head)] = estimate.value
    return terms


def _beside(record: Record, model: FloatArray, noise: Noise, result: FitResult) -> FittedRecord:
    """One record beside its part of the model."""
    n = record.points
    sigma = noise.sigma(modulus(record, model))[:n]
    used = np.ones(n, dtype=np.bool_)
    used[[item.index for item in result.excluded if item.file == record.name]] = False
    predicted = model[:n] + 1j * model[n:] if isinstance(record, ImpedanceSpectrum) else model
    return FittedRecord(record=record, predicted=predicted, sigma=sigma, used=used)
