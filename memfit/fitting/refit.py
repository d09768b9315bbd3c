"""What can be read of a result that is cut short, was edited by hand, or is of a newer layout.

Nothing is guessed: a part that is missing or damaged is left out and named. The parameters, the model and the
status must be there; without them there is no result.

A stored result beside its data once more, without fitting again: what a report made later draws.

A fit under way again, from its stored result and its data: what profiles and samples start from.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets.device import Device
from memfit.datasets.records import ImpedanceSpectrum, Record, content_digest
from memfit.errors import InputError
from memfit.fitting.initial_state import as_staircase, begins_anywhere
from memfit.fitting.instrument_terms import delay_terms
from memfit.fitting.least_squares import Box, evaluator, gauss_newton
from memfit.fitting.lmfit_engine import Minimum
from memfit.fitting.noise import Noise
from memfit.fitting.plan import LEFT_OUT, FitPlan
from memfit.fitting.predict import Instrument, Predictor, drive_of, drive_of_timed, modulus, sample_before
from memfit.fitting.problem import FitState, Problem
from memfit.fitting.result import (
    SCHEMA,
    FitResult,
    FittedRecord,
    Goodness,
    InputSummary,
    digest_of,
    parse_result,
)
from memfit.fitting.serialise import field_from_plain
from memfit.fitting.unknowns import (
    Unknown,
    Unknowns,
    edge_number,
    edge_unknown,
    gain_unknown,
    initial_unknowns,
    physical_unknowns,
)
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


_LEAST_SIGMA = 1e-12
"""Of the largest value of a record: no point has less."""
_EXACTLY = 1e-3
"""Fall of chi2 at which the minimum counts as found again."""


def state_of(result: FitResult, device: Device) -> FitState:
    """The fit of a result at its minimum, with the noise and the points left out that it found.

    Parameters
    ----------
    result : FitResult
    device : Device
        The data of the fit.

    Raises
    ------
    InputError
        The device holds other records, or other bytes, than the fit had, or nothing was fitted.
    """
    matched = check_same(result, device)
    if not result.covariance_names:
        raise InputError("The result has no fitted quantities: everything was held fixed, or the fit failed.")
    plan = FitPlan.from_dict(result.plan)
    records = tuple(as_fitted(result, k, record) for k, record in sorted(matched.items()))
    predictor = Predictor(records)
    keep = _kept(result, predictor)
    noise = _noise(result, records)
    ideal = Problem(predictor, noise, np.ones(predictor.size), keep, robust=plan.robust)
    unknowns = _unknowns(result, plan, ideal)
    x = _vector(result, unknowns)
    model = predictor(unknowns.parameters(x), unknowns.instrument(x)).values
    problem = replace(ideal, sigma=_sigma(records, predictor, noise, model))
    return settled(FitState(problem, unknowns, Minimum(x, np.inf, True, "restored", 0, ())))


def settled(state: FitState) -> FitState:
    """The fit at its minimum, found by Gauss-Newton steps from where it is."""
    found = gauss_newton(evaluator(state), state.x, Box.of(state), tolerance=_EXACTLY)
    minimum = replace(
        state.minimum, x=found.x, chi2=found.chi2, converged=found.converged, evaluations=found.evaluations
    )
    return replace(state, minimum=minimum)


def row_weights(state: FitState, effective: Sequence[float]) -> FloatArray:
    """(k,) factors on the rows of the points kept: a record counts as many points as are independent."""
    record = state.problem.predictor.record_of_point[state.problem.keep]
    count = np.bincount(record, minlength=len(effective))
    share = np.asarray(effective) / np.maximum(count, 1)
    return np.sqrt(share)[record]


def _kept(result: FitResult, predictor: Predictor) -> BoolArray:
    """(n,) points that counted."""
    keep = np.ones(predictor.size, dtype=bool)
    for record, here in zip(predictor.records, predictor.slices, strict=True):
        index = np.array([e.index for e in result.excluded if e.file == record.name], dtype=int)
        keep[here.start + index] = False
        if isinstance(record, ImpedanceSpectrum):
            keep[here.start + record.points + index] = False
    return keep


def _noise(result: FitResult, records: Sequence[Record]) -> tuple[Noise, ...]:
    """The noise that the fit found in each record."""
    found = {item.file: item.noise for item in result.goodness.datasets}
    return tuple(Noise(found[r.name]["relative"], found[r.name]["floor"]) for r in records)


def _sigma(
    records: Sequence[Record], predictor: Predictor, noise: Sequence[Noise], model: FloatArray
) -> FloatArray:
    """(n,) standard deviation of every point."""
    sigma = np.empty(predictor.size)
    for record, here, level in zip(records, predictor.slices, noise, strict=True):
        size = modulus(record, np.where(np.isfinite(model[here]), model[here], 0.0))
        sigma[here] = np.maximum(level.sigma(size), _LEAST_SIGMA * float(np.max(size, initial=1e-300)))
    return sigma


def _unknowns(result: FitResult, plan: FitPlan, problem: Problem) -> Unknowns:
    """The fitted quantities by their names."""
    free = [_unknown(name, plan, problem) for name in result.covariance_names]
    base = {LEFT_OUT[result.model]: 0.0} if result.model in LEFT_OUT else {}
    known = {n: e.value for n, e in result.parameters.items() if e.value is not None}
    first = {n: e.start for n, e in result.parameters.items() if e.value is None and e.start is not None}
    values = {**{u.name: u.start or u.outer(0.0) for u in free if u.name in NAMES}, **base, **first, **known}
    return Unknowns(free, Parameters.from_mapping(values), problem.kinds)


def _unknown(name: str, plan: FitPlan, problem: Problem) -> Unknown:
    """One fitted quantity by its name."""
    if name in NAMES:
        return physical_unknowns(replace(plan, fix={}), [name])[0]
    head, _, tail = name.rpartition("_")
    if head == "gain":
        return gain_unknown(tail)
    records = problem.predictor.records
    if head.startswith("edge_"):
        k = int(head.removeprefix("edge_"))
        jump = float(drive_of_timed(records[k]).jumps[edge_number(name)])
        return edge_unknown(k, edge_number(name), sample_before(records[k], jump))
    offered = {u.name: u for u in delay_terms(problem)}
    timed = [(k, drive) for k, drive in enumerate(map(drive_of, records)) if drive is not None]
    offered |= {u.name: u for k, drive in timed for u in initial_unknowns(k, drive.control)}
    if name not in offered:
        raise InputError(f"The result has a fitted quantity {name!r} that this program does not know.")
    return offered[name]


def _vector(result: FitResult, unknowns: Unknowns) -> FloatArray:
    """The vector at the minimum; from values and first values where an older program wrote the result."""
    estimates = {**result.parameters, **result.nuisance}
    values = {n: e.start if e.value is None else e.value for n, e in estimates.items()}
    place = result.minimum.places[0].values if result.minimum is not None else {}
    return unknowns.encode({**{n: v for n, v in values.items() if v is not None}, **place})


_NEEDED = ("model", "status", "parameters")
_EXPECTED = (
    "device",
    "inputs",
    "plan",
    "derived",
    "nuisance",
    "covariance",
    "goodness",
    "alternatives",
    "excluded",
    "warnings",
    "environment",
)
"""Parts that every memfit has written; what came later may be missing."""
_MEMBER = re.compile(r'\s*("(?:[^"\\]|\\.)*")\s*:\s*')
_NO_GOODNESS = Goodness(chi2=0.0, dof=0, chi2_reduced=0.0, aic=0.0, bic=0.0)
_SCHEMA = re.compile(r"memfit/fit-result/(\d+)")


@dataclass(frozen=True)
class Salvaged:
    """A result as far as it can be read."""

    result: FitResult
    notes: tuple[str, ...] = ()
    """What is wrong with it, a sentence each; empty for a sound result."""

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.notes


def salvage(text: str) -> Salvaged:
    """Read as much of a result.json as can be.

    Raises
    ------
    InputError
        Not even parameters, model and status can be read, or it is no fit result.
    """
    data, notes = _parsed(text)
    notes += _schema_notes(data)
    result, faults = _revived(data)
    missing = [name for name in _EXPECTED if name not in data]
    if missing:
        notes.append(f"Missing in the result and left out here: {', '.join(missing)}.")
    notes += [f"Damaged in the result and left out here: {fault}." for fault in faults]
    if not notes and "digest" in data and data["digest"] != digest_of(data):
        notes.append(
            "The result was edited after memfit wrote it: its digest does not fit its content. The stability "
            "shown here follows from the parameters as they stand now."
        )
    return Salvaged(result, tuple(notes))


def _parsed(text: str) -> tuple[dict[str, Any], list[str]]:
    """The object in a text, or its members up to the fault."""
    try:
        return parse_result(text), []
    except InputError as problem:
        data = _members(text)
        if not all(name in data for name in ("schema", *_NEEDED)):
            raise
        return data, [f"The result is damaged; what stands before the fault is shown. {problem}"]


def _members(text: str) -> dict[str, Any]:
    """Whole members of a JSON object, up to the first that is not."""
    data: dict[str, Any] = {}
    decoder = json.JSONDecoder()
    place = text.find("{") + 1
    while place and (key := _MEMBER.match(text, place)):
        try:
            data[json.loads(key[1])], end = decoder.raw_decode(text, key.end())
        except json.JSONDecodeError:
            break
        comma = re.compile(r"\s*,").match(text, end)
        place = comma.end() if comma else 0
    return data


def _schema_notes(data: Mapping[str, Any]) -> list[str]:
    """What to say of a newer layout.

    Raises
    ------
    InputError
        It is no fit result.
    """
    schema = data.get("schema")
    if schema == SCHEMA:
        return []
    if not isinstance(schema, str) or not _SCHEMA.fullmatch(schema):
        raise InputError(
            f'Expected a fit result with "schema": "{SCHEMA}", found {schema!r}. This is no fit result.'
        )
    known = {field.name for field in fields(FitResult)} | {"schema", "correlation", "digest"}
    unknown = [name for name in data if name not in known]
    aside = f" Parts this version does not know and leaves out: {', '.join(unknown)}." if unknown else ""
    newer = f"The result has the layout {schema} of a newer memfit; this version knows {SCHEMA}."
    return [f"{newer} It may be misread; update memfit.{aside}"]


def _revived(data: Mapping[str, Any]) -> tuple[FitResult, list[str]]:
    """The result of the parts that are sound, and what is wrong with the others.

    Raises
    ------
    InputError
        A part that is needed is missing or damaged.
    """
    values: dict[str, Any] = {"goodness": _NO_GOODNESS}
    faults = []
    for one in fields(FitResult):
        if one.name in data or one.name in _NEEDED:
            try:
                values[one.name] = field_from_plain(FitResult, one.name, data)
            except InputError as problem:
                if one.name in _NEEDED:
                    raise InputError(
                        f"{problem}. Without it there is no result; run the fit again."
                    ) from problem
                faults.append(str(problem))
    n = len(values.get("covariance_names", ()))
    matrix = values.get("covariance", ())
    if len(matrix) != n or any(len(row) != n for row in matrix):
        values["covariance"], values["covariance_names"] = (), ()
        if matrix:
            faults.append(f"covariance has not {n} rows and columns")
    faults += [*_unphysical(values), *_wrong_device(values)]
    result = FitResult(**values)
    if all(estimate.value is not None for estimate in result.parameters.values()):
        result.values()  # raises where a parameter is out of range
    return result, faults


def _wrong_device(values: dict[str, Any]) -> list[str]:
    """What is wrong with the description of the device, which is then left out."""
    device = values.get("device") or {}
    numbers = {key: device.get(key) for key in ("area_m2", "temperature_K")}
    wrong = [
        f"device.{key}: expected a number"
        for key, value in numbers.items()
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)))
    ]
    if not isinstance(device.get("attributes") or {}, Mapping):
        wrong.append("device.attributes: expected an object")
    if wrong:
        values["device"] = {"name": str(device.get("name") or "")}
    return wrong


def _unphysical(values: dict[str, Any]) -> list[str]:
    """What is wrong with the values of the curves, which are then left out."""
    curves: Mapping[str, float] = values.get("fitted_values") or {}
    try:
        if curves:
            Parameters.from_mapping({name: value for name, value in curves.items() if name in NAMES})
    except InputError as problem:
        values["fitted_values"] = {}
        return [f"fitted_values: {str(problem).rstrip('.')}"]
    return []
