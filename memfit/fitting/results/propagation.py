"""From what is known of the parameters to the interval of whatever follows from them: the only place.

The covariance of a fit is that of its inner coordinates: the logarithm of positive parameters, the others as
they are. A quantity f(p) is followed along the principal axes of the covariance, one standard deviation
either way (central differences: the delta method). Where its course along them bends, so that a straight line
is no picture of it, and where a posterior or a bootstrap was drawn, its interval is read from a sample of
devices. Where the data leave parameters open it includes what devices far away do that describe them as well.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import BoolArray, FloatArray
from memfit.confidence import TAILS, Z
from memfit.errors import InputError, MemfitError, ParameterError
from memfit.model import NAMES, PARAMETERS, Parameters


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the propagation."""

    largest_step: float = 1.0
    """Along an axis, of a logarithm: beyond, a standard deviation is no small step."""
    straight: float = 0.2
    """Bend over one standard deviation, relative to the standard error, up to which a course is straight."""
    sample: int = 200
    """Devices drawn where it is not: ends of intervals to a tenth of a standard error."""
    seed: int = 0
    lost: float = 0.05
    """Share of the sample without a value, from which there is no interval."""
    largest_log: float = 100.0
    """Step of a logarithm in a sample: an undetermined parameter must not overflow."""


SETTINGS = Settings()

Method = Literal["linear", "sample of the covariance", "posterior", "bootstrap", "none"]
"""How an interval was made."""


@dataclass(frozen=True, kw_only=True)
class Uncertainty:
    """Covariance of the fitted parameters of a device."""

    names: tuple[str, ...]
    covariance: FloatArray
    """(n, n), of the natural logarithm for all but `additive` ones."""
    additive: frozenset[str]
    """Parameters whose covariance is that of the value: the linear ones, unless fitted in the logarithm."""

    def moved(self, p: Parameters, step: FloatArray) -> Parameters:
        """A device so far from another in the inner coordinates, kept where parameters make sense.

        Parameters
        ----------
        p : Parameters
        step : (n,) array
            One entry a name.
        """
        return p.replace(
            **{n: float(v[0]) for n, v in moved_values(p, self, step[None, :]).items() if n in self.names}
        )


def uncertainty_of(
    p: Parameters, covariance: ArrayLike, names: Sequence[str], logarithmic: Collection[str]
) -> Uncertainty:
    """The covariance of the model's parameters among the fitted quantities, in logarithms where positive.

    Parameters
    ----------
    p : Parameters
        The fitted values, which turn standard errors of values into those of logarithms.
    covariance : (n, n) array
    names : sequence of n str
        Fitted quantities; those that are no parameters of the model are left out.
    logarithmic : collection of str
        Those whose covariance is that of the natural logarithm.

    Raises
    ------
    ParameterError
        The covariance is not a finite n x n matrix.
    """
    matrix = np.asarray(covariance, dtype=np.float64)
    if matrix.shape != (len(names), len(names)) or not np.all(np.isfinite(matrix)):
        raise ParameterError(
            f"Expected a finite {len(names)} x {len(names)} covariance for the fitted quantities "
            f"{', '.join(names)}, found shape {matrix.shape}."
        )
    kept = [index for index, name in enumerate(names) if name in PARAMETERS]
    ours = tuple(names[index] for index in kept)
    additive = frozenset(
        name
        for name in ours
        if name not in logarithmic and (not PARAMETERS[name].logarithmic or getattr(p, name) <= 0.0)
    )
    scale = [1.0 if name in logarithmic or name in additive else 1.0 / getattr(p, name) for name in ours]
    part = matrix[np.ix_(kept, kept)] * np.outer(scale, scale)
    return Uncertainty(names=ours, covariance=0.5 * (part + part.T), additive=additive)


def uncertainty_of_draws(draws: Mapping[str, ArrayLike]) -> Uncertainty:
    """Covariance of draws, of the logarithm of all but the linear parameters.

    Parameters
    ----------
    draws : mapping of str to (n,) array
        Values by name, SI; what does not vary is left out.
    """
    names = tuple(name for name in NAMES if name in draws and np.ptp(np.asarray(draws[name])) > 0.0)
    additive = frozenset(name for name in names if not PARAMETERS[name].logarithmic)
    values = [np.asarray(draws[name], dtype=np.float64) for name in names]
    steps = [v if name in additive else np.log(v) for name, v in zip(names, values, strict=True)]
    covariance = np.atleast_2d(np.cov(np.array(steps))) if names else np.zeros((0, 0))
    return Uncertainty(names=names, covariance=covariance, additive=additive)


def draw_values(p: Parameters, uncertainty: Uncertainty, *, seed: int, size: int) -> dict[str, FloatArray]:
    """Parameters of devices that the data allow, with exactly the mean and the covariance of the fit.

    Parameters
    ----------
    p : Parameters
    uncertainty : Uncertainty
    seed : int
    size : int
        Number of devices, even: they come in opposite pairs.
    """
    n = len(uncertainty.names)
    half = np.random.default_rng(seed).standard_normal((size // 2, n))
    unit = np.concatenate([half, -half])
    variances, axes = np.zeros(0), np.zeros((0, 0))
    if n:
        unit = np.linalg.solve(np.linalg.cholesky(unit.T @ unit / size), unit.T).T
        variances, axes = np.linalg.eigh(uncertainty.covariance)
    return moved_values(p, uncertainty, unit @ (axes * np.sqrt(np.maximum(variances, 0.0))).T)


def moved_values(p: Parameters, uncertainty: Uncertainty, steps: FloatArray) -> dict[str, FloatArray]:
    """All parameters of devices that lie some steps from one, in the inner coordinates.

    Parameters
    ----------
    p : Parameters
    uncertainty : Uncertainty
        Whose names and coordinates the steps have.
    steps : (k, n) array
    """
    values = {name: np.full(len(steps), getattr(p, name)) for name in NAMES}
    most = SETTINGS.largest_log
    for name, step in zip(uncertainty.names, steps.T, strict=True):
        if name in uncertainty.additive:
            highest = 1.0 if PARAMETERS[name].domain == "fraction" else np.inf
            values[name] = np.clip(values[name] + step, lowest_value(name), highest)
        else:
            values[name] = values[name] * np.exp(np.clip(step, -most, most))
    return values


def lowest_value(name: str) -> float:
    """Least value of a linear parameter that makes sense."""
    return -np.inf if PARAMETERS[name].domain == "any" else 0.0


class Fitted(Protocol):
    """What is read of a fit result."""

    @property
    def covariance(self) -> tuple[tuple[float, ...], ...]:
        """Of the fitted quantities."""

    @property
    def covariance_names(self) -> tuple[str, ...]:
        """Their names."""

    @property
    def logarithmic(self) -> tuple[str, ...]:
        """Those whose covariance is that of the logarithm."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Estimates by name."""

    @property
    def fitted_values(self) -> Mapping[str, float]:
        """Where the fit ended."""

    @property
    def minimum(self) -> Any:
        """Where the fit ended and places that are as good, or None."""

    @property
    def status(self) -> Any:
        """How the fit ended."""

    @property
    def posterior(self) -> Any:
        """Draws, or None."""

    @property
    def bootstrap(self) -> Any:
        """Refits, or None."""

    def values(self) -> Parameters:
        """The fitted parameters."""


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """What is known of a device: the best parameters and how far they may be off."""

    best: Parameters
    uncertainty: Uncertainty | None = None
    """None where nothing is known of it."""
    draws: tuple[Parameters, ...] = ()
    """Of a posterior or a bootstrap."""
    source: Method = "none"
    """"linear" for a covariance; "posterior", "bootstrap" or "none"."""
    conditional: bool = False
    """Whether the model misses the data, so that all that follows holds for the model only."""
    open: tuple[str, ...] = ()
    """Parameters that the data do not determine: the best values are one point of many."""
    places: tuple[Parameters, ...] = ()
    """Others of them, far apart, that describe the data as well."""


def _drawn_as(kind: str) -> Method:
    """What a sample of a result is called here."""
    return "posterior" if kind == "posterior" else "bootstrap"


def knowledge_of(result: Fitted | Parameters) -> Knowledge:
    """What a fit knows of its device; of bare parameters, that nothing is known of their errors.

    Parameters
    ----------
    result : FitResult or Parameters

    Raises
    ------
    InputError
        It is neither; or parameters are undetermined, and it does not say where its minimum lies.
    """
    if isinstance(result, Parameters):
        return Knowledge(best=result)
    if not hasattr(result, "fitted_values"):
        raise InputError(f"Expected a result of a fit, or parameters, found {result!r}.")
    left_open = tuple(name for name, estimate in result.parameters.items() if estimate.value is None)
    ours = {name: value for name, value in result.fitted_values.items() if name in PARAMETERS}
    best = Parameters.from_mapping(ours) if left_open and ours else result.values()
    shared: dict[str, Any] = {"conditional": "poor_fit" in (result.status.code, *result.status.also)}
    sample = next((s for s in (result.posterior, result.bootstrap) if s and s.status == "ok"), None)
    if sample is not None:
        rows = np.unique(np.linspace(0, len(sample.samples) - 1, SETTINGS.sample).round().astype(int))
        kept = [(k, name) for k, name in enumerate(sample.names) if name in PARAMETERS]
        draws = [best.replace(**{name: sample.samples[row][k] for k, name in kept}) for row in rows]
        return Knowledge(
            best=best, draws=tuple(draws), source=_drawn_as(sample.kind), open=left_open, **shared
        )
    if not result.covariance:
        return Knowledge(best=best, open=left_open, **shared)
    known = uncertainty_of(best, result.covariance, result.covariance_names, result.logarithmic)
    found = result.minimum.places if left_open and result.minimum is not None else ()
    places = (best.replace(**{n: v for n, v in place.values.items() if n in PARAMETERS}) for place in found)
    return Knowledge(
        best=best, uncertainty=known, source="linear", open=left_open, places=tuple(places), **shared
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Propagated:
    """Quantities that follow from the parameters, with their intervals."""

    value: FloatArray
    """(m,) at the best parameters; NaN where they give none."""
    stderr: FloatArray
    """(m,) NaN where nothing is known."""
    low: FloatArray
    high: FloatArray
    """(m,) ends of the intervals, at `memfit.confidence.LEVEL`."""
    methods: tuple[Method, ...]
    """(m,) how each interval was made."""


def propagate(
    known: Knowledge,
    quantities: Callable[[Parameters], FloatArray],
    *,
    logarithmic: BoolArray | None = None,
    together: bool = False,
    some: Callable[[Parameters, BoolArray], FloatArray] | None = None,
) -> Propagated:
    """Quantities of a device with the intervals that follow from what is known of its parameters.

    Parameters
    ----------
    known : Knowledge
    quantities : callable
        Gives (m,) numbers of a set of parameters; NaN where it has none.
    logarithmic : (m,) array of bool, optional
        Positive quantities, whose logarithm is taken for normal; none by default.
    together : bool
        Whether all belong to one curve: then its intervals are made in one way.
    some : callable, optional
        As `quantities`, of which it gives those that an array of bool asks for, where that costs less.
    """
    value = np.asarray(quantities(known.best), dtype=np.float64)
    m = value.size
    logs = np.zeros(m, dtype=bool) if logarithmic is None else logarithmic & (value > 0.0)
    nothing = np.full(m, np.nan)
    methods: list[Method] = [known.source] * m
    if known.source == "none":
        return Propagated(value=value, stderr=nothing, low=nothing, high=nothing, methods=tuple(methods))
    if known.draws:
        sample = np.array([_tried(quantities, p, m) for p in known.draws])
        stderr, low, high = _of_sample(value, sample)
        return Propagated(value=value, stderr=stderr, low=low, high=high, methods=tuple(methods))
    stderr, bend = _along_axes(known, quantities, value, logs)
    with np.errstate(over="ignore", invalid="ignore"):
        low = np.where(logs, value * np.exp(-Z * stderr), value - Z * stderr)
        high = np.where(logs, value * np.exp(Z * stderr), value + Z * stderr)
        bent = ~(bend <= SETTINGS.straight * (np.nanmax(stderr, initial=0.0) if together else stderr))
    bent &= np.isfinite(value)
    stderr = np.where(logs, np.abs(value) * stderr, stderr)
    if known.uncertainty is not None and np.any(bent):
        chosen = np.full(m, True) if together else bent

        def drawn(p: Parameters) -> FloatArray:
            return quantities(p) if some is None else some(p, chosen)

        sample = np.array([_tried(drawn, p, m) for p in devices_of(known)])
        found = _of_sample(value, sample)
        stderr, low, high = (
            np.where(chosen, new, old) for new, old in zip(found, (stderr, low, high), strict=True)
        )
        methods = ["sample of the covariance" if c else "linear" for c in chosen]
    if known.places:
        others = np.array([_tried(quantities, place, m) for place in known.places])
        said = np.isfinite(others)
        low = np.minimum(low, np.min(np.where(said, others, np.inf), axis=0))
        high = np.maximum(high, np.max(np.where(said, others, -np.inf), axis=0))
        stderr = np.maximum(stderr, (high - low) / (2.0 * Z))
    return Propagated(value=value, stderr=stderr, low=low, high=high, methods=tuple(methods))


def devices_of(known: Knowledge, size: int = SETTINGS.sample) -> tuple[Parameters, ...]:
    """Devices that what is known allows: the draws there are, else drawn from the covariance.

    Parameters
    ----------
    known : Knowledge
    size : int
        Number of devices that are drawn, even.
    """
    if known.uncertainty is None:
        return known.draws
    drawn = draw_values(known.best, known.uncertainty, seed=SETTINGS.seed, size=size)
    return tuple(known.best.replace(**_row(drawn, k, known.uncertainty.names)) for k in range(size))


def _row(values: Mapping[str, FloatArray], k: int, names: Sequence[str]) -> dict[str, float]:
    """One device of a sample, within the bounds outside of which nothing was ever measured."""
    return {name: float(np.clip(values[name][k], *PARAMETERS[name].bounds)) for name in names}


def _tried(quantities: Callable[[Parameters], FloatArray], p: Parameters, m: int) -> FloatArray:
    """Quantities of a device of the sample; NaN where it cannot be followed."""
    try:
        return np.asarray(quantities(p), dtype=np.float64)
    except MemfitError:
        return np.full(m, np.nan)


def _along_axes(
    known: Knowledge, quantities: Callable[[Parameters], FloatArray], value: FloatArray, logs: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """(m,) standard errors, of the logarithm where `logs`, and how far the course along the axes bends."""
    if known.uncertainty is None:
        return np.full(value.size, np.nan), np.zeros(value.size)

    def coordinates(values: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            result: FloatArray = np.where(logs, np.log(np.where(logs, values, 1.0)), values)
        return result

    variances, axes = np.linalg.eigh(known.uncertainty.covariance)
    middle, variance, bend = coordinates(value), np.zeros(value.size), np.zeros(value.size)
    for deviation, axis in zip(np.sqrt(np.maximum(variances, 0.0)), axes.T, strict=True):
        if deviation == 0.0:
            continue
        share = min(1.0, SETTINGS.largest_step / deviation)
        up, down = (
            coordinates(_tried(quantities, known.uncertainty.moved(known.best, sign * axis), value.size))
            for sign in (share * deviation, -share * deviation)
        )
        variance += (0.5 * (up - down) / share) ** 2
        bend += np.abs(0.5 * (up + down) - middle) / share**2
    return np.sqrt(variance), bend


def _of_sample(value: FloatArray, sample: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Standard errors and ends of intervals; NaN where too many devices of the sample have no value."""
    known = np.isfinite(sample)
    kept = np.isfinite(value) & (np.mean(known, axis=0) >= 1.0 - SETTINGS.lost)
    stderr, low, high = np.full((3, value.size), np.nan)
    if np.any(kept):
        stderr[kept] = np.nanstd(sample[:, kept], axis=0)
        low[kept], high[kept] = np.nanquantile(sample[:, kept], TAILS, axis=0)
    return stderr, low, high


_SHORT = 1e-4
"""Of a parameter: a step by which a quantity is followed."""


def error_by_steps(
    p: Parameters, uncertainty: Uncertainty, quantity: Callable[[Parameters], float | None]
) -> float | None:
    """Standard error of a quantity, from one step of each fitted parameter; None where it is lost.

    Parameters
    ----------
    p : Parameters
    uncertainty : Uncertainty
    quantity : callable
        Of a device that differs little; None where it has none.
    """
    slopes, here = [], quantity(p)
    for name in uncertainty.names:
        value = getattr(p, name)
        additive = name in uncertainty.additive
        step = _SHORT * (p.V_m if PARAMETERS[name].scale == "in V_m" else abs(value) or 1.0)
        complaint = PARAMETERS[name].complaint(value + step)
        step = -step if complaint else step
        there = quantity(p.replace(**{name: value + step}))
        if here is None or there is None:
            return None
        slopes.append((there - here) / step * (1.0 if additive else value))
    variance = float(np.array(slopes) @ uncertainty.covariance @ np.array(slopes))
    return math.sqrt(variance) if math.isfinite(variance) and variance >= 0.0 else None
