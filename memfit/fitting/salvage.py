"""What can be read of a result that is cut short, was edited by hand, or is of a newer layout.

Nothing is guessed: a part that is missing or damaged is left out and named. The parameters, the model and the
status must be there; without them there is no result.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from memfit.errors import InputError
from memfit.fitting.layout import revive_field
from memfit.fitting.result import SCHEMA, FitResult, Goodness, digest_of, parse_result
from memfit.model.parameters import NAMES, Parameters

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
    for field in fields(FitResult):
        if field.name in data or field.name in _NEEDED:
            try:
                values[field.name] = revive_field(FitResult, field.name, data)
            except InputError as problem:
                if field.name in _NEEDED:
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
