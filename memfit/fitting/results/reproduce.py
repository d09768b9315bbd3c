"""A stored result taken up again without fitting: recovered, put beside its data, compared with a repetition.

`recover` reads what is sound of a result that is cut short, was edited by hand, or is of a newer layout.
Nothing is guessed: a part that is missing or damaged is left out and named; without parameters, model and
status there is no result. `reevaluate` computes the model once more beside the records of the fit, which
`match_records` finds among others. `compare_repetition` says what differs after the same plan was run again.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from memfit.datasets import Device, ImpedanceSpectrum, Record, content_digest, in_session
from memfit.errors import InputError
from memfit.fitting.plan import Term
from memfit.fitting.prediction.drives import as_staircase, begins_anywhere
from memfit.fitting.prediction.instrument import instrument_of
from memfit.fitting.prediction.predict import Predictor, modulus
from memfit.fitting.results.result import (
    EDITED,
    SCHEMA,
    SCHEMA_OF_ANY_AGE,
    FitResult,
    FittedRecord,
    Goodness,
    is_as_written,
    parse_result,
)
from memfit.fitting.results.soundness import faults_of
from memfit.fitting.serialise import field_from_plain
from memfit.model import NAMES, Parameters
from memfit.noise_estimate import NoiseLevel

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
    """The records of a fit among others: those of its names, or of its numbers under another name.

    Parameters
    ----------
    result : FitResult
    records : sequence of Record
    """
    by_name = {record.name: record for record in records}
    by_content = {content_digest(record): record for record in records}
    matched: dict[int, Record] = {}
    faults: dict[str, str] = {}
    for number, item in enumerate(result.inputs):
        same, named = by_content.get(item.content_sha256), by_name.get(item.file)
        fault = ""
        if named is not None:
            same_file = bool(item.sha256) and named.origin.sha256 == item.sha256
            if item.content_sha256:
                differs = content_digest(named) != item.content_sha256
            else:  # results of older versions know only the file
                same_file = named.origin.sha256 == item.sha256
                differs = not same_file or named.points != item.points
            fault = (READ_DIFFERENTLY if same_file else CHANGED) if differs else ""
        if named is not None and not fault:
            matched[number] = named
        elif same is not None:
            matched[number] = replace(same, name=item.file)
        elif named is not None:
            faults[item.file] = fault
    return Match(matched, faults)


def check_same(result: FitResult, device: Device) -> Mapping[int, Record]:
    """The records of a device by their number in a fit, which had the same numbers.

    Parameters
    ----------
    result : FitResult
    device : Device

    Raises
    ------
    InputError
        The device holds other records, or other numbers, than the fit had.
    """
    drifts = "d_i" in result.parameters
    match = match_records(result, (in_session(device) if drifts else device).records)
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


def as_fitted(result: FitResult, number: int, record: Record) -> Record:
    """A record with the drive of the fit: a staircase, or a state at the start that was fitted.

    Parameters
    ----------
    result : FitResult
    number : int
        Place of the record among `result.inputs`, from 0.
    record : Record
    """
    driven = as_staircase(record) if result.inputs[number].drive == "staircase" else record
    return begins_anywhere(driven) if Term("f_0", number).name in result.nuisance else driven


def noise_of(result: FitResult) -> dict[str, NoiseLevel]:
    """The noise that the fit found in each record, by its name.

    Parameters
    ----------
    result : FitResult

    Returns
    -------
    dict of str to NoiseLevel
        The floor in ohm, A or V, as the record has it; zero where the result says none.
    """
    return {
        item.file: NoiseLevel(item.noise.get("relative", 0.0), item.noise.get("floor", 0.0))
        for item in result.goodness.datasets
    }


def reevaluate(result: FitResult, records: Mapping[int, Record] | Device) -> tuple[FittedRecord, ...]:
    """The records of a fit beside the model with the values of its result.

    Parameters
    ----------
    result : FitResult
    records : mapping of int to Record, or Device
        Those at hand, by their number in the fit; or a device that has to have them all.

    Returns
    -------
    tuple of FittedRecord
        Empty where the result leaves a parameter undetermined and does not say where its minimum lies.

    Raises
    ------
    InputError
        The device holds other records, or other numbers, than the fit had.
    """
    at_hand = check_same(result, records) if isinstance(records, Device) else records
    noise = noise_of(result)
    driven = {k: as_fitted(result, k, r) for k, r in sorted(at_hand.items()) if r.name in noise}
    if result.fitted_values:
        p = Parameters.from_mapping({n: v for n, v in result.fitted_values.items() if n in NAMES})
    elif any(estimate.value is None for estimate in result.parameters.values()):
        return ()
    else:  # results of older versions do not say where the minimum lies
        p = result.values()
    if not driven:
        return ()
    place = {number: k for k, number in enumerate(driven)}
    terms = {}
    values = {name: e.value for name, e in result.nuisance.items() if e.value is not None}
    for name, value in {**values, **result.fitted_values}.items():
        term = Term.from_name(name)
        if term is not None and term.record is None:
            terms[term] = value
        elif term is not None and term.record in place:
            terms[replace(term, record=place[term.record])] = value
    predictor = Predictor(tuple(driven.values()))
    model = predictor(p, instrument_of(terms, [record.kind for record in driven.values()])).values
    fitted = []
    for record, here in zip(predictor.records, predictor.slices, strict=True):
        curve, n = model[here], record.points
        sigma = noise[record.name].sigma(modulus(record, np.where(np.isfinite(curve), curve, 0.0)))[:n]
        used = np.ones(n, dtype=np.bool_)
        used[[one.index for one in result.excluded if one.file == record.name and one.index < n]] = False
        predicted = curve[:n] + 1j * curve[n:] if isinstance(record, ImpedanceSpectrum) else curve
        fitted.append(FittedRecord(record=record, predicted=predicted, sigma=sigma, used=used))
    return tuple(fitted)


_NEEDED = ("model", "status", "parameters")
_EXPECTED = (
    *("device", "inputs", "plan", "derived", "nuisance", "covariance", "goodness"),
    *("alternatives", "excluded", "warnings", "environment"),
)
"""Parts that every memfit has written; what came later may be missing."""
_MEMBER = re.compile(r'\s*("(?:[^"\\]|\\.)*")\s*:\s*')
_COMMA = re.compile(r"\s*,")
_NO_GOODNESS = Goodness(chi2=0.0, dof=0, chi2_reduced=0.0, aic=0.0, bic=0.0)


@dataclass(frozen=True)
class Recovered:
    """A result as far as it can be read."""

    result: FitResult
    notes: tuple[str, ...] = ()
    """What is wrong with it, a sentence each; empty for a sound result."""

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.notes


def recover(text: str) -> Recovered:
    """Read as much of a result.json as can be.

    Parameters
    ----------
    text : str
        Of the file.

    Raises
    ------
    InputError
        Not even parameters, model and status can be read, or it is no fit result.
    """
    notes = []
    try:
        data = parse_result(text)
    except InputError as problem:
        data = {}  # whole members of the object, up to the first that is not
        decoder, place = json.JSONDecoder(), text.find("{") + 1
        while place and (key := _MEMBER.match(text, place)):
            try:
                data[json.loads(key[1])], end = decoder.raw_decode(text, key.end())
            except (ValueError, RecursionError):
                break
            comma = _COMMA.match(text, end)
            place = comma.end() if comma else 0
        if not all(name in data for name in ("schema", *_NEEDED)):
            raise
        notes.append(f"The result is damaged; what stands before the fault is shown. {problem}")
    schema = data.get("schema")
    if not isinstance(schema, str) or not SCHEMA_OF_ANY_AGE.fullmatch(schema):
        raise InputError(
            f'Expected a fit result with "schema": "{SCHEMA}", found {schema!r}. This is no fit result.'
        )
    if schema != SCHEMA:
        known = {one.name for one in fields(FitResult)} | {"schema", "correlation", "digest"}
        unknown = ", ".join(name for name in data if name not in known)
        aside = f" Parts this version does not know and leaves out: {unknown}." if unknown else ""
        newer = f"The result has the layout {schema} of a newer memfit; this version knows {SCHEMA}."
        notes.append(f"{newer} It may be misread; update memfit.{aside}")
    result, faults = _sound(data)
    missing = [name for name in _EXPECTED if name not in data]
    if missing:
        notes.append(f"Missing in the result and left out here: {', '.join(missing)}.")
    notes += [f"Damaged in the result and left out here: {fault}." for fault in faults]
    if not notes and not is_as_written(data):
        notes.append(EDITED)
    return Recovered(result, tuple(notes))


def _sound(data: Mapping[str, Any]) -> tuple[FitResult, list[str]]:
    """The result of the parts that are sound, and what is wrong with the others, which are left out.

    Raises
    ------
    InputError
        A part that is needed is missing or damaged, or a parameter is out of range.
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
    result = FitResult(**values)
    for part, fault in faults_of(result).items():
        if part in _NEEDED:
            raise InputError(f"{fault}. Without it there is no result; run the fit again.")
        faults.append(fault)
        without = (
            {"device": {"name": str(result.device.get("name") or "")}} if part == "device" else {part: {}}
        )
        result = replace(result, **_WITHOUT.get(part, without))
    if all(estimate.value is not None for estimate in result.parameters.values()):
        result.values()  # raises where a parameter is missing
    return result, faults


_WITHOUT: Mapping[str, Mapping[str, Any]] = {
    "covariance": {"covariance": (), "covariance_names": (), "logarithmic": ()},
    "goodness": {"goodness": _NO_GOODNESS},
    "alternatives": {"alternatives": ()},
    "minimum": {"minimum": None},
    "inputs": {"inputs": ()},
}
"""What stands in for a part that is damaged, where it is no mapping."""


SAME = 1e-9
"""Relative difference at which a repeated number is the same."""
_VERSIONS = ("memfit", "python", "platform")


@dataclass(frozen=True)
class Change:
    """Something that was one thing then and is another now."""

    what: str
    then: str
    now: str


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """How a fit that was run again compares with the first."""

    largest: float
    """Largest relative difference of a value, of its standard error or of chi2."""
    where: str
    """Name of the quantity with the largest difference."""
    count: int
    """Numbers compared."""
    lost: tuple[str, ...] = ()
    """Quantities that only one of the two has."""
    inputs: tuple[Change, ...] = ()
    """Files whose bytes differ, by SHA-256."""
    versions: tuple[Change, ...] = ()
    plan: tuple[Change, ...] = ()
    edited: bool = False
    """Whether the first was edited after it was written."""

    @property
    def same(self) -> bool:
        """Whether all numbers are the same to `SAME`."""
        return self.largest <= SAME and not self.lost


def compare_repetition(then: FitResult, now: FitResult) -> Repetition:
    """Compare a result with that of the same plan run again.

    Parameters
    ----------
    then, now : FitResult
    """
    old, new = dict(_numbers(then)), dict(_numbers(now))
    common = [name for name in old if name in new]
    differences = {  # relative to the size
        name: abs(new[name][0] - old[name][0]) / (max(old[name][1], new[name][1]) or 1.0) for name in common
    }
    where = max(differences, key=lambda name: differences[name], default="")
    return Repetition(
        largest=differences.get(where, 0.0),
        where=where,
        count=len(common),
        lost=tuple(sorted(set(old) ^ set(new))),
        inputs=_changes(*({i.file: i.sha256 or i.content_sha256 for i in r.inputs} for r in (then, now))),
        versions=_changes(_versions(then), _versions(now)),
        plan=_changes(dict(_settings(then.plan)), dict(_settings(now.plan))),
        edited=EDITED in then.warnings,
    )


def _numbers(result: FitResult) -> Iterator[tuple[str, tuple[float, float]]]:
    """Name, value and size of every number that a repetition must give again."""
    for name, e in {**result.parameters, **result.derived, **result.nuisance}.items():
        if e.value is None:
            continue
        error = e.stderr or 0.0
        yield name, (e.value, max(abs(e.value), error))
        if error:
            yield f"standard error of {name}", (error, error)
    yield "chi2", (result.goodness.chi2, result.goodness.chi2)


def _versions(result: FitResult) -> dict[str, str]:
    """Versions of everything the numbers may depend on."""
    environment = {"memfit": result.memfit_version, **result.environment}
    packages = environment.get("packages")
    known = {name: str(environment[name]) for name in _VERSIONS if environment.get(name)}
    return {**known, **({n: str(v) for n, v in packages.items()} if isinstance(packages, Mapping) else {})}


def _settings(values: Mapping[str, Any], head: str = "") -> Iterator[tuple[str, str]]:
    """Settings of a plan as text, nested ones by their path."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _settings(value, f"{head}{name}.")
        else:
            yield f"{head}{name}", str(list(value) if isinstance(value, tuple) else value)


def _changes(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[Change, ...]:
    """What differs; what only one side has is empty on the other."""
    pairs = {name: (then.get(name, ""), now.get(name, "")) for name in {**then, **now}}
    return tuple(Change(name, *pair) for name, pair in pairs.items() if pair[0] != pair[1])
