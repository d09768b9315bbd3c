"""What a fit knows besides its estimates: frozen records that go to JSON and back unchanged.

What the data can and cannot tell (`Identifiability`), where the fit ended (`MinimumFound`), which models were
compared (`ModelChoice`), profile likelihoods (`Profile`), refits and draws (`SampleSet`), and how near the
device is to self-sustained oscillation in a circuit (`CircuitStability`), with the meaning and unit of each.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from memfit.arrays import FloatArray, frozen_floats
from memfit.fitting.serialise import SPARSE, to_plain

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


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What a part that was not fitted promises."""

    part: str
    chi2_fall: float
    """By the linearised problem, counted in independent points."""
    per_point: tuple[float, float]
    """chi2 a point without and with the part, of the kind of data that asks most for it."""
    sentence: str

    @property
    def shows(self) -> bool:
        """Whether chi2 a point would fall by more than a hundredth: two digits show it."""
        return self.per_point[1] < 0.99 * self.per_point[0]


@dataclass(frozen=True, kw_only=True)
class PartFound:
    """A part that the data asked for, and what it changed."""

    part: str
    bic_fall: float
    """Of BIC on effective points, when it was added."""
    misfit: tuple[float, float]
    """Per cent by which the worst record was missed before, and with it."""
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Member:
    """A model of the family that the data allow, fitted."""

    parts: tuple[str, ...]
    """Beside those of the plainest model."""
    bic: float
    """On effective points; only differences matter."""
    weight: float
    """Share of the probability among the members listed."""
    status: str
    """"ok", or "poor_fit" where it misses the data by much."""
    probability_oscillates: float | None = None
    """Under a current source; None where it is not known."""
    parameters: Mapping[str, float] = field(default_factory=dict)
    """Its values, SI."""
    covariance_names: tuple[str, ...] = ()
    covariance: tuple[tuple[float, ...], ...] = ()
    """Of its fitted quantities, of the logarithm where `logarithmic` lists them."""
    logarithmic: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Excluded:
    """A point that was left out of the fit."""

    file: str
    index: int
    """Row of the record, from 0."""
    at: str
    """Where, as text: "f = 50 Hz", "t = 1.2 s"."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """Another minimum, or the same data explained by another model."""

    parameters: Mapping[str, float]
    chi2: float
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A parameter that moves too far when one kind of data is left out."""

    left_out: str
    """Kind of data: "impedance", "iv", "transient", ..."""
    parameter: str
    shift: float
    """Value from all data minus value without this kind, in standard errors of the difference."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A quantity that the data determine although they do not determine what it is made of."""

    expression: str
    """As written: "R_b + R_s", "tau_d tau_k"."""
    value: float
    """SI."""
    unit: str
    stderr: float
    """Standard error, SI."""
    sentence: str


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """The same fit without a part of the data."""

    left_out: str
    """Name of a record, or a kind of data: "impedance", "iv", "transient", ..."""
    values: Mapping[str, float]
    """Fitted physical parameters, SI."""


@dataclass(frozen=True, kw_only=True)
class MisfitFound:
    """How far the model misses the data, and what follows for its parameters."""

    certain: bool
    """Whether noise alone is ruled out."""
    large: bool
    """Whether the model does not describe the device: then its parameters are conditional."""
    probability: float
    """Of residuals with so much structure under noise alone."""
    widening: float
    """Factor by which the standard errors were enlarged, apart from what `without` adds."""
    sentence: str
    """Size and place in words; empty where there is none."""
    mistake: str = field(default="", metadata=SPARSE)
    """Which records the others contradict, and what would bring them into line; a sentence."""
    without: tuple[LeftOut, ...] = ()
    """What leaving out each record and each kind of data does; empty where there is no misfit."""


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
        """(n,) one quantity over the sample, SI.

        Parameters
        ----------
        name : str
            One of `names`.
        """
        k = self.names.index(name)
        return frozen_floats([row[k] for row in self.samples])


Interval = tuple[float, float]
"""95 % interval, SI."""


class JsonRecord(Mapping[str, Any]):
    """A record that can also be read by, and is equal to, the keys and values it has in JSON."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    def __getitem__(self, key: str) -> Any:
        """A value as JSON has it."""
        return self.to_dict()[key]

    def __iter__(self) -> Iterator[str]:
        """The keys in JSON."""
        return iter(self.to_dict())

    def __len__(self) -> int:
        """How many keys there are in JSON."""
        return len(self.to_dict())


@dataclass(frozen=True, kw_only=True, eq=False)
class HopfEstimate(JsonRecord):
    """A bias at which a pair of eigenvalues crosses the imaginary axis, with its uncertainty."""

    u: float
    """Voltage across the junction, V."""
    V: float
    """Terminal voltage, V."""
    I: float  # noqa: E741 - the field's symbol
    """Current, A."""
    omega: float
    """Of the oscillation that begins there, rad/s."""
    frequency_Hz: float
    criticality: str
    """"supercritical": the oscillation begins small; "subcritical": it begins with a jump."""
    u_ci95: Interval | None = None
    """Given that the point exists."""
    frequency_ci95_Hz: Interval | None = None
    u_by: str = field(default="", metadata=SPARSE)
    """"profile" where the interval of u is that of a profile likelihood."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BoundaryDistance(JsonRecord):
    """The shortest way to the boundary of oscillation in the space of the parameters."""

    distance: float
    factors: Mapping[str, float]
    """On each parameter, at the nearest point of the boundary."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NearestBoundary(JsonRecord):
    """Distances to the boundary by two measures."""

    decades: BoundaryDistance | None = None
    """A decade of each parameter counts alike."""
    standard_errors: BoundaryDistance | None = None
    """In standard errors of the fit; None without a covariance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CircuitStability(JsonRecord):
    """How near a device is to self-sustained oscillation in one circuit."""

    verdict: Literal["oscillates", "near", "stable", "undetermined"]
    message: str = ""
    """The verdict in a sentence."""
    probability_oscillates: float | None = None
    """Probability that some bias is unstable; None without a covariance, or where it would mislead."""
    probability_reason: str = field(default="", metadata=SPARSE)
    """Why no probability is given although there is a covariance; a sentence."""
    measured: str = field(default="", metadata=SPARSE)
    """What measured spectra say by themselves, where that goes before the model; sentences."""
    probability_range: tuple[float, ...] = field(default=(), metadata=SPARSE)
    """Least and largest probability by any of the models that the data allow; empty where there is one."""
    hopf_points: tuple[HopfEstimate, ...] = ()
    """The lower voltage first."""
    window_u: float | None = None
    """Distance between the Hopf points, V across the junction."""
    window_u_ci95: Interval | None = None
    gain_margin_min: float | None = None
    """Smallest gain margin over all biases; None where the loop cannot oscillate at any gain."""
    gain_margin_ci95: Interval | None = None
    at_u: float | None = None
    """Voltage across the junction at which the gain margin is smallest, V."""
    changes_to_hopf: Mapping[str, float | None] = field(default_factory=dict)
    """Factor on each quantity alone that makes the smallest gain margin 1; None where none does."""
    values_to_hopf: Mapping[str, float | None] = field(default_factory=dict)
    """Load (ohm) and external capacitance (F) that do; None where none does."""
    nearest_boundary: NearestBoundary = field(default_factory=NearestBoundary)
    uncertainty_from: str | None = field(default="", metadata=SPARSE)
    """"posterior", "bootstrap", "covariance" or "draws"; None without one, empty where it is not said."""
    gain_margin_by: str = field(default="", metadata=SPARSE)
    """"profile" where the interval of the gain margin is that of a profile likelihood."""
    at: Mapping[str, Any] | None = field(default_factory=dict, metadata=SPARSE)
    """The steady state at a bias; None where the data leave it open, empty where none was asked for."""
