"""A stored result beside its data once more, without fitting again: what a report made later draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.device import Device
from memfit.datasets.digest import content_digest
from memfit.datasets.records import ImpedanceSpectrum, Record
from memfit.errors import InputError
from memfit.fitting.initial import begins_anywhere
from memfit.fitting.noise import Noise
from memfit.fitting.predict import Instrument, Predictor, modulus
from memfit.fitting.result import FitResult, FittedRecord, InputSummary
from memfit.fitting.staircase import as_staircase
from memfit.model.parameters import NAMES, Parameters

_INITIAL = ("u_0", "i_0", "f_0")
CHANGED = "it has changed since the fit"
READ_DIFFERENTLY = "the same file now gives other numbers: device.toml or memfit has changed"


@dataclass(frozen=True)
class Match:
    """Which records of a fit are at hand."""

    records: Mapping[int, Record] = field(default_factory=dict)
    """By their number in the fit."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """Names of records that are there, but not those of the fit, with what is wrong."""


def match_records(result: FitResult, records: Sequence[Record]) -> Match:
    """The records of a fit among others: those of its names, or of its numbers under another name."""
    by_name = {record.name: record for record in records}
    by_content = {content_digest(record): record for record in records}
    found: dict[int, Record] = {}
    faults: dict[str, str] = {}
    for number, item in enumerate(result.inputs):
        same = by_content.get(item.content_sha256)
        named = by_name.get(item.file)
        if named is not None and not (fault := _difference(item, named)):
            found[number] = named
        elif same is not None:
            found[number] = replace(same, name=item.file)
        elif named is not None:
            faults[item.file] = fault
    return Match(found, faults)


def _difference(item: InputSummary, record: Record) -> str:
    """What keeps a record from being that of the fit; empty where it is."""
    if item.content_sha256:
        if content_digest(record) == item.content_sha256:
            return ""
        same_file = item.sha256 and record.origin.sha256 == item.sha256
        return READ_DIFFERENTLY if same_file else CHANGED
    if record.origin.sha256 != item.sha256:
        return CHANGED
    return READ_DIFFERENTLY if record.points != item.points else ""


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
        Empty where the result leaves a parameter undetermined and does not say where its minimum lies.

    Raises
    ------
    InputError
        The device holds other records, or other numbers, than the fit had.
    """
    return fitted_records_again(result, check_same(result, device))


def check_same(result: FitResult, device: Device) -> Mapping[int, Record]:
    """The records of a device by their number in a fit, which had the same numbers.

    Raises
    ------
    InputError
        The device holds other records, or other numbers, than the fit had.
    """
    match = match_records(result, device.records)
    names = {item.file for item in result.inputs}
    for number, item in enumerate(result.inputs):
        if item.file in match.faults:
            raise InputError(f"{item.file}: {match.faults[item.file]}; run the fit again.")
        if number not in match.records:
            raise InputError(f"{item.file} is missing from the data: expected the data of this fit.")
    if len(device.records) > len(result.inputs):
        extra = next(record.name for record in device.records if record.name not in names)
        raise InputError(f"{extra} is missing from the fit: expected the data of this fit.")
    return match.records


def fitted_records_again(result: FitResult, records: Mapping[int, Record]) -> tuple[FittedRecord, ...]:
    """As `fitted_again`, for the records at hand, by their number in the fit."""
    p = _parameters(result)
    noise = {
        item.file: Noise(item.noise.get("relative", 0.0), item.noise.get("floor", 0.0))
        for item in result.goodness.datasets
    }
    at_hand = {k: as_fitted(result, k, r) for k, r in sorted(records.items()) if r.name in noise}
    if p is None or not at_hand:
        return ()
    predictor = Predictor(tuple(at_hand.values()))
    model = predictor(p, _instrument(result, at_hand)).values
    return tuple(
        _beside(record, model[here], noise[record.name], result)
        for record, here in zip(predictor.records, predictor.slices, strict=True)
    )


def as_fitted(result: FitResult, number: int, record: Record) -> Record:
    """A record with the drive of the fit: a staircase, or a state at the start that was fitted."""
    driven = as_staircase(record) if result.inputs[number].drive == "staircase" else record
    return begins_anywhere(driven) if f"f_0_{number}" in result.nuisance else driven


def _parameters(result: FitResult) -> Parameters | None:
    """Where the minimum lies; in results that do not say, the estimates, if all are determined."""
    if result.fitted_values:
        return Parameters.from_mapping({n: v for n, v in result.fitted_values.items() if n in NAMES})
    if any(estimate.value is None for estimate in result.parameters.values()):
        return None
    return result.values()


def _instrument(result: FitResult, records: Mapping[int, Record]) -> Instrument:
    """Gains, edges, delays and initial states of some records, by the names they have in a result."""
    values = {name: e.value for name, e in result.nuisance.items() if e.value is not None}
    values |= {name: value for name, value in result.fitted_values.items() if name not in NAMES}
    place = {number: k for k, number in enumerate(records)}
    edges = [int(name.rsplit("_", 1)[1]) for name in values if name.startswith("edge_")]
    terms = Instrument.ideal(len(records), max(edges) + 1 if edges else 0)
    for name, value in values.items():
        head, _, tail = name.rpartition("_")
        if head == "gain":
            terms.gain[[record.kind == tail for record in records.values()]] = value
            continue
        of_edge = head.startswith("edge_")
        k = place.get(int(head.removeprefix("edge_")) if of_edge else int(tail))
        if k is None:
            continue
        if of_edge:
            terms.edge[k, int(tail)] = value
        elif head == "delay":
            terms.delay[k] = value
        elif head in _INITIAL:
            terms.initial[k, _INITIAL.index(head)] = value
    return terms


def _beside(record: Record, model: FloatArray, noise: Noise, result: FitResult) -> FittedRecord:
    """One record beside its part of the model."""
    n = record.points
    sigma = noise.sigma(modulus(record, np.where(np.isfinite(model), model, 0.0)))[:n]
    used = np.ones(n, dtype=np.bool_)
    used[[item.index for item in result.excluded if item.file == record.name and item.index < n]] = False
    predicted = model[:n] + 1j * model[n:] if isinstance(record, ImpedanceSpectrum) else model
    return FittedRecord(record=record, predicted=predicted, sigma=sigma, used=used)
