"""What to fit and how: a plan is a value that can be printed, stored and run again.

The settings besides the parameters' are those of `FitOptions`; device.toml, the command line and result.json
read its fields. What a fit may add to the parameters of the model are `Term`s of the instruments.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, Literal, cast

from memfit.errors import ParameterError, meant
from memfit.fit_options import MODELS, FitOptions, FitSettings, Model, option_faults
from memfit.fitting.own import Part
from memfit.fitting.serialise import from_plain, to_plain
from memfit.fitting.ties import names_in, tie_faults
from memfit.model import EXTENSIONS, LEFT_OUT, NAMES, PARAMETERS, PART_NAMES, names_where
from memfit.model.limits import SYMMETRIC, SYMMETRIC_TIES, in_si, setting_faults

WIRING = names_where(lambda row: row.part == "wiring")
"""Parameters of the wiring, which a fit adds where the spectra ask for them."""

CORE = names_where(lambda row: row.scale != "linear")
"""Parameters of the device itself, which have a length of their own; what may be zero has none."""

KINDS: Mapping[str, str] = {
    "impedance": "spectra", "iv": "sweeps", "transient": "transients",
    "potentiation": "potentiations", "retention": "retentions", "paired_pulse": "paired pulses",
}  # fmt: skip
"""Kinds of data in words."""

TermKind = Literal["gain", "drive_gain", "offset", "delay", "edge", "u_0", "i_0", "f_0"]


TERM_NAMES = r"(?:drive_)?gain_[a-z]+|edge_\d+_\d+|(?:offset|delay|u_0|i_0|f_0)_\d+"
"""Pattern of the names that terms have in result.json."""


@dataclass(frozen=True)
class Term:
    """A quantity of an instrument, or of the start of a record, that a fit may add to the parameters."""

    kind: TermKind
    """Factor of what an instrument measured, or of the current that it applied, constant added to a record's
    response, shift of a record, time of a jump, or u, i_c, f at the start of a record."""
    record: int | None = None
    """Which record, where it belongs to one."""
    index: int | None = None
    """Which jump of its drive, for an edge."""
    instrument: str = ""
    """Kind of data, a key of `KINDS`, for a gain."""

    @property
    def name(self) -> str:
        """As in result.json: `gain_iv`, `drive_gain_transient`, `delay_2`, `edge_3_1`, `u_0_1`."""
        parts = (self.kind, self.instrument or None, self.record, self.index)
        return "_".join(str(part) for part in parts if part is not None)

    @classmethod
    def from_name(cls, name: str) -> "Term | None":
        """The term of a name in result.json; None for any other name.

        Parameters
        ----------
        name : str
        """
        match = re.fullmatch(r"((?:drive_)?gain)_([a-z]+)|(edge|offset|delay|[uif]_0)_(\d+)(?:_(\d+))?", name)
        if match is None or not re.fullmatch(TERM_NAMES, name):
            return None
        factor, instrument, kind, record, jump = match.groups()
        if instrument:
            return cls(cast("TermKind", factor), instrument=instrument)
        return cls(cast("TermKind", kind), int(record), None if jump is None else int(jump))

    @property
    def unit(self) -> str:
        """SI unit, "" for a number."""
        return {"delay": "s", "offset": "A", "edge": "s", "u_0": "V", "i_0": "A"}.get(self.kind, "")


@dataclass(frozen=True, kw_only=True)
class FitPlan(FitOptions):
    """Everything a fit depends on besides the data.

    Raises
    ------
    ParameterError
        A name is unknown, a value is out of range, or bounds are the wrong way round.
    """

    model: Model = "auto"
    fix: Mapping[str, float] = field(default_factory=dict)
    """Parameters held at a value, SI."""
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Lowest and highest value, SI, where narrower than those of the table of parameters."""
    start: Mapping[str, float] = field(default_factory=dict)
    """First values, SI; what is missing is guessed from the data."""
    own: Sequence[Part] = ()
    """Residual terms of one's own; programs, of which a stored plan keeps the names."""

    def __post_init__(self) -> None:
        """Check names and values, all at once."""
        wrong = []
        given: Sequence[object] = self.own
        strange = [one for one in given if not isinstance(one, Part)]
        wrong += [f"own: expected parts as memfit.Part makes them, found {one!r}" for one in strange]
        if self.model not in MODELS:
            known = ", ".join(f'"{name}"' for name in MODELS)
            wrong.append(f"the model is one of {known}; found {self.model!r}")
        wrong += option_faults(vars(self))
        for group in ("fix", "bounds", "start"):
            unknown = sorted(set(getattr(self, group)) - set(NAMES), key=str)
            wrong += [_unknown(f"{group}: unknown parameter", name, NAMES) for name in unknown]
            values, unread = in_si(group, getattr(self, group))  # texts with units are as good as numbers
            object.__setattr__(self, group, values)
            wrong += unread
        given_parts: object = self.parts
        if isinstance(given_parts, str):  # as on the command line
            object.__setattr__(self, "parts", tuple(part.strip() for part in given_parts.split(",")))
        elif not isinstance(given_parts, Collection):
            wrong.append(f"parts: expected names of parts, found {given_parts!r}")
            object.__setattr__(self, "parts", ())
        unknown = sorted(set(self.parts) - set(PART_NAMES), key=str)
        wrong += [_unknown("parts: unknown part", part, PART_NAMES) for part in unknown]
        if SYMMETRIC in self.parts:
            object.__setattr__(self, "ties", {**SYMMETRIC_TIES, **self.ties})
            if "second_polarity" in self.parts:
                wrong.append("parts: symmetric is second_polarity with the values of the first; take one")
        of_time = {*EXTENSIONS["activation_time"]} & {*self.fix, *self.bounds, *self.start, *self.ties}
        if self.model == "2d" and ("activation_time" in self.parts or of_time):
            wrong.append("parts: activation_time is a law of tau_k, which the model 2d is without; take 3d")
        faults = setting_faults(self.fix, self.bounds, self.start)
        wrong += [f"{place.replace(', ', ' of ')}: {said}" for place, said in faults]
        ties = tie_faults(self.ties, {**self.fix, **self.bounds, **self.start})
        wrong += ties or [_of_no_part(*one) for one in self._tied_to_no_part()]
        gone = [time for model, time in LEFT_OUT.items() if self.model in (model, "simplest")]
        wrong += [f"ties of {n}: the model {self.model!r} may be without it" for n in gone if n in self.ties]
        both = sorted(set(self.fix) & set(self.bounds))
        if both:
            wrong.append(f"{', '.join(both)}: either fixed or bounded, not both")
        if wrong:
            raise ParameterError("; ".join(wrong) + ("" if wrong[-1].endswith("?") else "."))

    def _tied_to_no_part(self) -> Sequence[tuple[str, str]]:
        """Parameters that follow from one of a part that the plan does not name, and that one."""
        named = {*self.asked, *names_where(lambda row: not row.extension)}
        return [(name, other) for name, text in self.ties.items() for other in sorted(names_in(text) - named)]

    @property
    def asked(self) -> tuple[str, ...]:
        """Optional parameters of the device that the plan names; those of the wiring come as data ask."""
        given = {
            *self.bounds,
            *self.start,
            *self.fix,
            *self.ties,
            *(n for part in self.parts for n in EXTENSIONS.get(part, ())),
        }
        return names_where(lambda row: row.optional and row.name in given and row.name not in WIRING)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for result.json: what the plan was before an option came is left out at its default."""
        plain: dict[str, Any] = to_plain(replace(self, own=()))
        del plain["own"]
        if self.own:
            plain["own"] = [part.name for part in self.own]
        for option in fields(FitOptions):
            unset = {} if option.default is MISSING else to_plain(option.default)
            if option.metadata.get("new") and plain[option.name] == unset:
                del plain[option.name]
        return {name: plain.pop(name) for name in ("model", "fix", "bounds", "start")} | plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "FitPlan":
        """The inverse of `to_dict`; unknown keys are ignored, so that older programs read newer plans.

        Parameters
        ----------
        data : mapping

        Raises
        ------
        InputError
            A value is of another kind than a plan has there.
        ParameterError
            As for a new plan.
        """
        stored = dict(data)
        stored.pop("own", None)  # names of programs
        plan: FitPlan = from_plain(cls, stored, "plan")
        return plan


def _unknown(head: str, name: str, known: Sequence[str]) -> str:
    """A sentence on a name that is none, without its full stop."""
    return f"{head} {name}; {meant(str(name), known).removesuffix('.')}"


def _of_no_part(name: str, other: str) -> str:
    """A sentence on a tie, without its full stop."""
    return (
        f"ties of {name}: {other} belongs to the part {PARAMETERS[other].part}, which the plan does not name"
    )


def free_parameters(model: str, asked: Collection[str] = ()) -> list[str]:
    """Physical parameters of a model that are free from the start: all but its missing time and the optional.

    R_s always: data that hardly see it hardly know V_T and V_m either, and their intervals must say so.

    Parameters
    ----------
    model : str
        "3d", "2d" or "2d-mirror".
    asked : collection of str
        Optional parameters that are wanted (`FitPlan.asked`).
    """
    free = names_where(lambda row: not row.optional or row.name in asked)
    return [name for name in free if name != LEFT_OUT.get(model)]


def model_of(names: Collection[str]) -> str:
    """Name of the model that has these parameters.

    Parameters
    ----------
    names : collection of str
    """
    return next((model for model, time in LEFT_OUT.items() if time not in names), "3d")


def unit_of_length(name: str, V_m: float) -> float:
    """What a distance of a fitted quantity is counted in: a factor e, V_m, or its own unit.

    Parameters
    ----------
    name : str
        Of a parameter or a term of the instruments.
    V_m : float
        Width of the activation, V.
    """
    return V_m if name in PARAMETERS and PARAMETERS[name].scale == "in V_m" else 1.0


def unit_of(name: str) -> str:
    """SI unit of a fitted quantity, a parameter or a term of the instruments; "" for a number."""
    term = Term.from_name(name)
    return PARAMETERS[name].unit if name in PARAMETERS else term.unit if term else ""


def plan_for(settings: FitSettings, **overrides: Any) -> FitPlan:
    """The plan that the settings of a device ask for, changed by `overrides`.

    `fix`, `bounds` and `start` are merged with those of the device; everything else replaces.

    Parameters
    ----------
    settings : FitSettings
        Of the device's device.toml.
    **overrides
        Fields of `FitPlan`.

    Raises
    ------
    ParameterError
        A field is unknown, or as for a plan.
    """
    known = [one.name for one in fields(FitPlan)]
    unknown = [name for name in overrides if name not in known]
    if unknown:
        raise ParameterError("; ".join(f"unknown setting {n!r}: {meant(n, known)}" for n in unknown))
    fix = {**settings.fix, **overrides.pop("fix", {})}
    bounds = {**settings.bounds, **overrides.pop("bounds", {})}
    bounds = {name: pair for name, pair in bounds.items() if name not in fix}
    start = {**settings.start, **overrides.pop("start", {})}
    model: Any = overrides.pop("model", None) or settings.model or "auto"  # checked by the plan
    return FitPlan(model=model, fix=fix, bounds=bounds, start=start, **{**settings.options, **overrides})
