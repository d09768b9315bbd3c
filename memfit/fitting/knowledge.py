"""What a fit knows besides its values: the records of `identifiability`, `minimum` and `model_choice`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Reach = Literal["both sides", "below", "above", "other minimum"]
"""Where a parameter that is not determined can go: far either way, far down, far up, or to a second place."""


@dataclass(frozen=True, kw_only=True)
class Direction:
    """A singular vector of the Jacobian scaled to logarithms (V_T in units of V_m)."""

    stderr: float
    """Standard error of the logarithm along the direction; the inverse of the singular value."""
    weights: Mapping[str, float]
    """Components by parameter; their squares add up to 1."""


@dataclass(frozen=True, kw_only=True)
class Combination:
    """A quantity made of parameters that the data determine although they do not determine its parts."""

    text: str
    """As written: "tau_d tau_k", "i_c0/V_m", "1/R_a at u = 0.8 V"."""
    parameters: tuple[str, ...]
    """What it is made of."""
    value: float
    """At the minimum, SI."""
    unit: str
    stderr: float
    """Standard error, relative."""
    other: str = ""
    """The combination of the same parameters that stays open; empty where it has no simple name."""


@dataclass(frozen=True, kw_only=True)
class OpenParameter:
    """A parameter that the data do not determine."""

    reach: Reach
    known: tuple[float | None, float | None] = (None, None)
    """Lower and upper limit, SI, where there is one."""


@dataclass(frozen=True, kw_only=True)
class Identifiability:
    """What the data can and cannot tell."""

    rank: int
    """Combinations of parameters known better than to a factor e."""
    size: int
    """Parameters that were fitted."""
    directions: tuple[Direction, ...]
    """Best known first."""
    combinations: tuple[Combination, ...] = ()
    open: Mapping[str, OpenParameter] = field(default_factory=dict)
    """What is undetermined, by name."""
    unordered_pair: tuple[float, float] | None = None
    """Two times, s, of which the data do not tell which is tau_d and which is f tau_k."""
    sentences: tuple[str, ...] = ()
    """The same in words."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of plain data."""
        return cls(
            **{
                **data,
                "directions": tuple(Direction(**item) for item in data["directions"]),
                "combinations": tuple(
                    Combination(**{**item, "parameters": tuple(item["parameters"])})
                    for item in data["combinations"]
                ),
                "open": {
                    name: OpenParameter(reach=item["reach"], known=tuple(item["known"]))
                    for name, item in data["open"].items()
                },
                "unordered_pair": tuple(data["unordered_pair"]) if data["unordered_pair"] else None,
                "sentences": tuple(data["sentences"]),
            }
        )


@dataclass(frozen=True, kw_only=True)
class Place:
    """A set of parameters that the data allow, and what they know there."""

    values: Mapping[str, float]
    """All physical parameters, SI, fixed ones included; numbers also of what is undetermined."""
    information: tuple[tuple[float, ...], ...]
    """(n, n) root R of the Fisher information R^T R of the parameters in `names`, all else marginalised; of
    the logarithm where the result lists them in `logarithmic`."""


@dataclass(frozen=True, kw_only=True)
class MinimumFound:
    """Where the fit ended, whether or not its values mean something, and places that are as good."""

    names: tuple[str, ...]
    """Fitted physical parameters, in the order of the information."""
    places: tuple[Place, ...]
    """The minimum first."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of plain data."""
        return cls(
            names=tuple(data["names"]),
            places=tuple(
                Place(
                    values=dict(item["values"]),
                    information=tuple(tuple(row) for row in item["information"]),
                )
                for item in data["places"]
            ),
        )


@dataclass(frozen=True, kw_only=True)
class ModelCandidate:
    """One model, fitted to the same points with the same weights as the others."""

    model: str
    """"3d", "2d" or "2d-mirror"."""
    chi2: float
    """Of the points weighted as independent ones."""
    free: int
    """Fitted quantities."""
    aic: float
    """On effective points; only differences matter."""
    bic: float
    probability: float | None = None
    """Of a chi2 this far above that of the 3D model by chance, if this model is true; None for the latter."""


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """Which model was chosen, out of which, and why."""

    chosen: str
    certain: bool
    """Whether the data rule the others out, or at least do not ask for more."""
    sentence: str
    candidates: tuple[ModelCandidate, ...]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of plain data."""
        return cls(**{**data, "candidates": tuple(ModelCandidate(**item) for item in data["candidates"])})
