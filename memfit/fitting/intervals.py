"""What is kept of a profile and of a sample of fits: frozen records that go to JSON and back unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from memfit.arrays import FloatArray, frozen_floats

ProfileClass = Literal["determined", "bounded_below", "bounded_above", "flat"]
SampleKind = Literal["residual", "parametric", "posterior"]

Ends = tuple[float | None, float | None]
"""Ends of an interval, SI; None where it is open."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Profile likelihood of one quantity: the least chi2 for each of its values."""

    unit: str
    best: float
    """Value at the minimum, SI; a place to look from, even where the data do not determine it."""
    ci95: Ends
    """95 % interval, SI; None at an open end."""
    linear_ci95: Ends | None
    """The interval by the covariance, beside it; None where there is none."""
    kind: ProfileClass
    """Closed on both sides, on one, or on none."""
    threshold: float
    """Rise of chi2 at the ends: 3.84 for independent residuals, more where they follow each other."""
    logarithmic: bool
    """Whether the profile was followed in the logarithm."""
    value: tuple[float, ...]
    """Values on the curve, SI, rising."""
    rise: tuple[float, ...]
    """chi2 less its minimum, there."""
    slope: tuple[float, ...]
    """Derivative of the rise, there: by the value, or by its natural logarithm where `logarithmic`."""
    linear_error: float | None
    """Standard error (of the logarithm where `logarithmic`) by the covariance; None where there is none."""
    complete: bool
    """Whether every open end is one of the data, and not one at which the search had to end."""
    agrees: bool
    """Whether the linear interval says the same."""
    message: str
    """A sentence: what the profile says, and how it differs from the linear interval."""


@dataclass(frozen=True, kw_only=True)
class SampleEstimate:
    """One quantity over a sample."""

    unit: str
    median: float
    stderr: float
    """Standard deviation over the sample, SI."""
    ci95: tuple[float, float]
    """Central 95 %."""


@dataclass(frozen=True, kw_only=True)
class Convergence:
    """How well a chain of samples explored one quantity."""

    autocorrelation_time: float
    """Steps after which samples forget where they were."""
    r_hat: float
    """Spread between the halves of all walkers over the spread within; 1 when they agree."""
    effective_samples: float


@dataclass(frozen=True, kw_only=True)
class SampleSet:
    """Fitted quantities as the data allow them: refits of resampled data, or draws from the posterior."""

    kind: SampleKind
    status: Literal["ok", "not_converged"]
    message: str
    """A sentence: how it was made and whether to trust it."""
    seed: int
    requested: int
    """Refits, or steps of each walker."""
    failed: int
    """Refits that did not converge, or proposals that could not be integrated."""
    names: tuple[str, ...]
    """Columns of the samples."""
    samples: tuple[tuple[float, ...], ...]
    """One row a sample, SI."""
    estimates: Mapping[str, SampleEstimate]
    convergence: Mapping[str, Convergence] = field(default_factory=dict)
    """By quantity, of a chain."""
    walkers: int | None = None
    acceptance: float | None = None
    """Fraction of the proposals of a chain that were taken."""

    def column(self, name: str) -> FloatArray:
        """(n,) one quantity over the sample, SI."""
        k = self.names.index(name)
        return frozen_floats([row[k] for row in self.samples])


def profile_from(data: Mapping[str, Any]) -> Profile:
    """A profile from plain data."""
    kept = dict(data)
    kept["ci95"] = tuple(data["ci95"])
    kept["linear_ci95"] = tuple(data["linear_ci95"]) if data["linear_ci95"] else None
    for key in ("value", "rise", "slope"):
        kept[key] = tuple(data[key])
    return Profile(**kept)
