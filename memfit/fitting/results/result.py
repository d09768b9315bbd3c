"""The result of a fit, as frozen records that go to JSON and come back identical.

The layout is the contract `memfit/fit-result/1`. What is not determined is None with a status, never a
number that means nothing; NaN cannot be written.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from math import isfinite
from typing import Any, Literal, Self

from memfit.arrays import BoolArray, ComplexArray, FloatArray
from memfit.datasets import Record
from memfit.errors import InputError, shown
from memfit.fitting.results.findings import (
    Alternative,
    CircuitStability,
    Conflict,
    Diagnosis,
    Excluded,
    Identifiability,
    Known,
    Member,
    MinimumFound,
    MisfitFound,
    ModelChoice,
    PartFound,
    Profile,
    SampleSet,
)
from memfit.fitting.results.handed import Handed
from memfit.fitting.results.soundness import faults_of
from memfit.fitting.serialise import SPARSE, field_from_plain, to_plain
from memfit.model import LEFT_OUT, Parameters

SCHEMA = "memfit/fit-result/1"
EDITED = (
    "The result was edited after memfit wrote it: its digest does not fit its content. What follows from the "
    "parameters follows from them as they stand now."
)
SCHEMA_OF_ANY_AGE = re.compile(r"memfit/fit-result/(\d+)")

StatusCode = Literal["ok", "at_bound", "not_identifiable", "not_converged", "poor_fit"]
EstimateStatus = Literal["determined", "weak", "undetermined", "fixed", "at_bound", "conditional"]


@dataclass(frozen=True, kw_only=True)
class Status:
    """How the fit ended."""

    code: StatusCode
    """"ok", or what stands in the way of trusting the values."""
    message: str
    """A sentence: what happened and what to do."""
    also: tuple[StatusCode, ...] = field(default=(), metadata=SPARSE)
    """Further codes that hold, less grave than the first."""

    @property
    def usable(self) -> bool:
        """Whether the parameters mean something."""
        return self.code in ("ok", "at_bound", "poor_fit")


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One number with its uncertainty."""

    value: float | None
    """SI; None if undetermined."""
    unit: str
    stderr: float | None = None
    """Standard error, SI, by linear propagation; beside open parameters what their excursions suggest too."""
    ci95: tuple[float | None, float | None] | None = None
    """95 % interval; None at an open end."""
    status: EstimateStatus = "determined"
    start: float | None = None
    """First value of the fit."""
    reason: str = ""
    """Where the first value came from."""


@dataclass(frozen=True, kw_only=True)
class RecordGoodness:
    """How well one record is described."""

    file: str
    """Name of the record."""
    kind: str
    points: int
    """Number of points used."""
    chi2_reduced: float
    noise: Mapping[str, float]
    """Estimated noise: "relative" (fraction of the modulus) and "floor" (ohm, A or V)."""
    lag1_autocorrelation: float
    effective_points: float
    """Points that carry independent information, given the correlation of the residuals."""
    noise_model_free: Mapping[str, float] = field(default_factory=dict)
    """Noise as seen without the model, "relative" and "floor" as in `noise`; empty in older results."""
    misfit: float | None = None
    """Root mean square of the residuals over that noise: 1 for a model that describes the record."""
    misfit_percent: float | None = None
    """What the model misses beyond that noise, per cent of |Z| or of the span of the response."""
    where: str = ""
    """A sentence: how far and where the record is missed; empty where it is not."""


@dataclass(frozen=True, kw_only=True)
class SpectrumAlone:
    """What a measured spectrum says by itself, for certain, of the device under current control."""

    file: str
    unstable: bool
    model_unstable: bool
    """Whether the fitted model is, at this bias and as far as the same frequencies show it."""
    gain_margin: float | None
    """Of the loop, read off the spectrum; None where it cannot be."""
    gain_margin_ci95: tuple[float, float] | None
    sentence: str
    """With bias, and the model beside it."""

    @property
    def contradicts(self) -> bool:
        """Whether the model says the opposite."""
        return self.unstable != self.model_unstable


@dataclass(frozen=True, kw_only=True)
class Goodness:
    """How well everything is described."""

    chi2: float
    dof: int
    chi2_reduced: float
    aic: float
    bic: float
    datasets: tuple[RecordGoodness, ...] = ()
    chi2_reduced_model_free: float | None = None
    """Mean square of all residuals over the noise seen without the model; None in older results."""


@dataclass(frozen=True, kw_only=True)
class InputSummary:
    """One record that went in."""

    file: str
    sha256: str
    kind: str
    points: int
    used: int
    bias_V: float | None
    control: str
    warnings: tuple[str, ...] = ()
    content_sha256: str = ""
    """Digest of the numbers the fit saw, as `datasets.digest` makes it."""
    drive: str = "as read"
    """"staircase" where a sweep was taken for one, though its file does not say so."""
    covers: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Lowest and highest "frequency" (Hz), "voltage" (V), "current" (A), "time" (s) of the record."""


@dataclass(frozen=True, kw_only=True, repr=False)
class FitResult(Handed):
    """Everything a fit found, and how it was made."""

    model: str
    """"3d", "2d" or "2d-mirror"."""
    parts: tuple[str, ...] = field(default=(), metadata=SPARSE)
    """Parts that were fitted beside those of the plainest model."""
    status: Status
    parameters: Mapping[str, Estimate]
    """The physical parameters by name, R_s included where the data see it."""
    derived: Mapping[str, Estimate] = field(default_factory=dict)
    """tau_m (s), A_max (largest R_b/R_a)."""
    nuisance: Mapping[str, Estimate] = field(default_factory=dict)
    """Quantities of the instruments: gains, delays, initial states."""
    covariance_names: tuple[str, ...] = ()
    """Names of the fitted quantities, in the order of the covariance."""
    covariance: tuple[tuple[float, ...], ...] = ()
    """Covariance of the fitted quantities; of the logarithm for those listed in `logarithmic`."""
    logarithmic: tuple[str, ...] = ()
    """Fitted quantities whose covariance is that of the natural logarithm."""
    goodness: Goodness
    alternatives: tuple[Alternative, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    """Parameters on which the kinds of data disagree; empty where they agree."""
    warnings: tuple[str, ...] = ()
    """Sentences for the reader: conflicts between kinds of data, correlated residuals, ..."""
    device: Mapping[str, Any] = field(default_factory=dict)
    """name, area_m2, temperature_K, attributes."""
    inputs: tuple[InputSummary, ...] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
    """Everything needed to run the same fit again, seed included."""
    stability: Mapping[str, CircuitStability] = field(default_factory=dict)
    """Verdicts by circuit ("current", "voltage"); empty until analysed."""
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    """Profile likelihoods by parameter, and of Hopf voltages and gain margins ("current.gain_margin")."""
    bootstrap: SampleSet | None = None
    """Refits of resampled data."""
    posterior: SampleSet | None = None
    """Draws from the posterior."""
    identifiability: Identifiability | None = None
    """What the data can and cannot tell; None in results of older versions."""
    known: tuple[Known, ...] = ()
    """Combinations that are determined although their parts are not."""
    minimum: MinimumFound | None = None
    """Where the fit ended, with numbers also for what is undetermined: for planning, not for quoting."""
    misfit: MisfitFound | None = None
    """How far the model misses the data; None in results of older versions."""
    model_choice: ModelChoice | None = None
    """Which models were compared; None where the model was given."""
    parts_found: tuple[PartFound, ...] = field(default=(), metadata=SPARSE)
    """Parts that the data asked for, in the order in which they were found; empty where they were given."""
    diagnosis: tuple[Diagnosis, ...] = field(default=(), metadata=SPARSE)
    """What parts that were not fitted promise, the largest first."""
    members: tuple[Member, ...] = field(default=(), metadata=SPARSE)
    """Models of the family that the data allow, the best first; empty where the parts were given."""
    spectra_alone: tuple[SpectrumAlone, ...] = field(default=(), metadata=SPARSE)
    """Measured spectra that are unstable by themselves, or contradict the model's stability at their bias."""
    environment: Mapping[str, Any] = field(default_factory=dict)
    """python, packages, platform, started, seconds."""
    memfit_version: str = ""
    fitted_values: Mapping[str, float] = field(default_factory=dict)
    """Everything the curves are drawn with, SI: parameters and terms of the instruments at the minimum. No
    estimates: along what the data leave open, it is one point of many."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Where the data were: "paths" (absolute) and "relative" (to the folder of result.json)."""

    def __repr__(self) -> str:
        """Device, model, status and parameters; `to_frame` has them with their intervals."""
        known = [
            f"{name} = {e.value:.6g} {e.unit}" for name, e in self.parameters.items() if e.value is not None
        ]
        head = f"<FitResult of {self.device.get('name') or 'a device'}: {self.model}, {self.status.code}"
        return "; ".join([head, *known]) + ">"

    def values(self) -> Parameters:
        """The fitted parameters as the model takes them.

        Raises
        ------
        InputError
            A parameter is undetermined.
        """
        open_ones = [name for name, estimate in self.parameters.items() if estimate.value is None]
        if open_ones:
            raise InputError(
                f"The data do not determine {', '.join(open_ones)}; there is no parameter set to use."
            )
        without = {time: 0.0 for model, time in LEFT_OUT.items() if model == self.model}
        known = {k: e.value for k, e in self.parameters.items() if e.value is not None}
        return Parameters.from_mapping({**without, **known})

    @property
    def measured(self) -> tuple[str, ...]:
        """What measured spectra say by themselves, where that goes before the model's stability."""
        said = [block.get("measured") for block in self.stability.values()]
        return tuple(dict.fromkeys(text for text in said if text))

    @property
    def left_out(self) -> tuple[str, ...]:
        """Records that contradict the others, and were left out as a whole."""
        return tuple(item.file for item in self.inputs if not item.used)

    def to_dict(self) -> dict[str, Any]:
        """Plain data in the layout of the contract."""
        plain: dict[str, Any] = to_plain(self)
        plain["correlation"] = {
            "names": list(self.covariance_names),
            "matrix": to_plain(self.correlation.tolist()),
        }
        head = ("memfit_version", "device", "inputs", "plan", "model", "status", "parameters", "derived")
        order = [*head, *(key for key in plain if key not in head)]
        data = {"schema": SCHEMA, **{key: plain[key] for key in order}}
        return {**data, "digest": digest_of(data)}

    def to_json(self) -> str:
        """The text of result.json."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """A result from plain data; the inverse of `to_dict`.

        Parameters
        ----------
        data : mapping
            As from `to_dict`, or from result.json.

        Raises
        ------
        InputError
            Another schema, or a part is missing or of the wrong kind.
        """
        check_schema(data)
        try:
            result = cls(**{f.name: field_from_plain(cls, f.name, data) for f in fields(cls)})
            faults = faults_of(result)
            if faults:
                raise InputError("; ".join(faults.values()))  # noqa: TRY301 - told as the others are
            if not is_as_written(data) and EDITED not in result.warnings:
                return replace(result, warnings=(*result.warnings, EDITED))
        except InputError as problem:
            raise InputError(
                f"The fit result does not have the layout {SCHEMA}: {problem}. "
                "It was edited or damaged; run the fit again."
            ) from problem
        return result

    @classmethod
    def from_json(cls, text: str) -> Self:
        """A result from the text of result.json.

        Parameters
        ----------
        text : str

        Raises
        ------
        InputError
            The text is not JSON, is cut short, or has another schema.
        """
        return cls.from_dict(parse_result(text))


def check_schema(data: Mapping[str, Any]) -> None:
    """Refuse what is not a fit result of this layout.

    Raises
    ------
    InputError
        Another schema.
    """
    found = data.get("schema")
    if found == SCHEMA:
        return
    newer = isinstance(found, str) and SCHEMA_OF_ANY_AGE.fullmatch(found)
    advice = "It was written by a newer memfit; update this one." if newer else "This is no fit result."
    raise InputError(f'Expected a fit result with "schema": "{SCHEMA}", found {shown(found)}. {advice}')


def parse_result(text: str) -> dict[str, Any]:
    """The JSON object in a text; NaN and infinity are no numbers.

    Parameters
    ----------
    text : str

    Raises
    ------
    InputError
        The text is not JSON, is cut short, or is no object.
    """

    def refuse(word: str) -> Any:
        raise InputError(
            f"Expected JSON, found {word}, which it does not have. Mend the file or run the fit again."
        )

    def number(word: str) -> float:
        value = float(word)
        return value if isfinite(value) else refuse(f"the number {word[:20]}")

    try:
        data = json.loads(text, parse_constant=refuse, parse_float=number)
    except RecursionError as problem:
        raise InputError("Expected a fit result, found JSON nested too deep; this is none.") from problem
    except json.JSONDecodeError as problem:
        raise InputError(
            f"Expected JSON, found a fault at line {problem.lineno}, column {problem.colno} "
            f"({problem.msg}). The file is cut short or was edited; run the fit again."
        ) from problem
    except ValueError as problem:  # Python reads no number of thousands of digits
        raise InputError(
            "Expected a fit result, found a number of thousands of digits; this is none."
        ) from problem
    if not isinstance(data, dict):
        raise InputError(f"Expected a JSON object, found a {type(data).__name__}; this is no fit result.")
    return data


def is_as_written(data: Mapping[str, Any]) -> bool:
    """Whether a result's data have their digest; True where they have none, as those of early versions.

    Parameters
    ----------
    data : mapping
        As `parse_result` gives it.
    """
    return "digest" not in data or data["digest"] == digest_of(data)


def digest_of(data: Mapping[str, Any]) -> str:
    """SHA-256 (hexadecimal) of a result's data without its own digest: tells whether they were edited.

    Parameters
    ----------
    data : mapping
        As from `FitResult.to_dict`.
    """
    rest = {key: value for key, value in data.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedRecord:
    """One record beside the model: what reports draw."""

    record: Record
    predicted: FloatArray | ComplexArray
    """(n,) model at the points of the record: impedance (ohm), or its response (A or V)."""
    sigma: FloatArray
    """(n,) standard deviation of each point (of Z' and Z'' each)."""
    used: BoolArray
    """(n,) False where the point was left out of the fit."""
    curves: FloatArray | ComplexArray | None = None
    """(k, n) predictions that the data allow, for bands; None where they were not computed."""

    @property
    def residuals(self) -> FloatArray | ComplexArray:
        """(n,) data minus model, in standard deviations."""
        data = self.record.impedance if self.record.kind == "impedance" else self.record.response  # type: ignore[union-attr]
        result: FloatArray | ComplexArray = (data - self.predicted) / self.sigma
        return result
