"""How much each point counts: the noise of its record.

Noise of impedance is a fraction of |Z|; of sweeps and currents under pulses, which span decades, a fraction
of the value plus a floor; of voltages under pulses constant. The first estimate needs no model
(`memfit.noise_estimate`). After a fit the level is set so that each record's own chi2 per degree of freedom
is 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets import ImpedanceSpectrum, IVSweep, Record, SynapticCurve, kramers_kronig
from memfit.fit_options import Engine
from memfit.fitting.minimum.effort import Effort
from memfit.fitting.minimum.problem import FitState, Problem
from memfit.fitting.own import Part
from memfit.fitting.prediction.predict import Predictor, measured, modulus
from memfit.noise_estimate import TO_SIGMA, NoiseLevel, distance_from_neighbours, relative_distances, typical
from memfit.units import format_quantity

_SEEN: WeakKeyDictionary[Record, NoiseLevel] = WeakKeyDictionary()
"""Noise of records that never change, as long as they live: every judge of a fit asks for it."""
_TINY = 1e-150
"""Smallest size whose square is a number."""


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the estimates."""

    smallest: float = 1e-6
    """Of the largest value of a record: no noise is taken to be below, so that exact data can be fitted
    too."""
    least_sigma: float = 1e-12
    """Of the largest value of a record: no point has less, where the model could not be computed."""
    clip: float = 3.5
    """Standard deviations beyond which a residual counts no more for the level."""
    iterations: int = 30
    """Of the fit of fraction and floor, at most."""
    first_floor: float = 0.02
    """Of the relative noise at the largest current: the least floor assumed before there is a model. Often
    the only currents near zero are the first and the last, where no neighbours show the floor."""
    tell_floor: int = 8
    """Points near zero that tell the floor; with fewer the least one is kept."""
    fewest: int = 3
    """Distances that make a first estimate, and points that make a level."""
    largest_ratio: float = 1e12
    """Of a residual to the noise, or to the span: beyond it nothing more is said."""
    most_of_it: float = 0.6
    """Share of the misfit of a record that the place which is named holds."""
    of_span: float = 0.05
    """Of the span of a sweep or a transient: what a relative misfit is at least relative to."""
    largest_misfit: float = 10.0
    bisections: int = 40
    rounding: float = 1e-9
    """Of the largest frequency, voltage or time: a place that is 0."""


SETTINGS = Settings()


@dataclass(frozen=True)
class RecordMisfit:
    """How one record is missed."""

    noise: NoiseLevel
    """Without the model."""
    ratio: float
    """Root mean square of the residuals over that noise."""
    percent: float
    """What is left of it without the noise, in per cent of |Z| or of the span of the response."""
    certain: bool
    where: str
    """Where most of it sits, ", most between 12 Hz and 340 Hz"; empty where there is none."""


def prepare(
    records: Sequence[Record],
    *,
    robust: bool = False,
    engine: Engine = "memfit",
    effort: Effort | None = None,
    own: Sequence[Part] = (),
) -> Problem:
    """Records prepared for fitting: all points kept, the noise as seen without a model.

    Parameters
    ----------
    records : sequence of Record
    robust, engine
        As of `FitPlan`.
    effort : Effort, optional
        Of which this fit is a part.
    own : sequence of Part
        Residual terms beside those of the records.
    """
    predictor = Predictor(records)
    noise = tuple(first_noise(record) for record in predictor.records)
    sigma = sigma_as_measured(predictor.records, noise)
    every, counted = np.ones(predictor.size, dtype=bool), effort or Effort(predictor.size)
    return Problem(predictor, noise, sigma, every, robust, engine, counted, tuple(own))


def with_noise_of(state: FitState) -> Problem:
    """The problem of a fit with the noise that its residuals show.

    Parameters
    ----------
    state : FitState
        The fit whose residuals are looked at.

    Returns
    -------
    Problem
        The same records, with new `noise` and `sigma`.
    """
    problem, model = state.problem, state.model_values()
    residual = problem.predictor.data() - model
    share = 1.0 - len(state.unknowns.free) / max(state.points, 1)
    noise = []
    for record, here in zip(problem.predictor.records, problem.predictor.slices, strict=True):
        keep = problem.keep[here] & np.isfinite(model[here])
        if np.count_nonzero(keep) < SETTINGS.fewest:
            keep = np.isfinite(model[here])
        if not keep.any():  # the model could not be computed anywhere
            noise.append(first_noise(record))
            continue
        dof = max(share, 0.1) * np.count_nonzero(keep)
        noise.append(fit_noise(record, residual[here], keep, model[here], dof))
    return replace(problem, noise=tuple(noise), sigma=sigma_of(problem.predictor, noise, model))


def with_common_misfit(state: FitState) -> Problem:
    """The problem of a fit that fails, with one relative misfit for all records of a kind.

    Noise by the residuals of each record would let those count least that the model misses most, and a search
    end where it describes a few records and no other.

    Parameters
    ----------
    state : FitState
    """
    problem, predictor = state.problem, state.problem.predictor
    seen = [noise_without_model(record) for record in predictor.records]
    floors = [
        0.0 if r.kind == "impedance" else SETTINGS.of_span * float(np.ptp(measured(r)))
        for r in predictor.records
    ]
    least, scale = (
        sigma_as_measured(predictor.records, levels)
        for levels in (seen, [NoiseLevel(1.0, floor) for floor in floors])
    )
    difference = predictor.data() - state.model_values()
    far = SETTINGS.largest_misfit * scale
    squares = np.where(np.isfinite(difference), np.minimum(np.abs(difference), far), far) ** 2
    kinds = np.array(problem.kinds)[predictor.record_of_point]
    misfit = {}
    for kind in dict.fromkeys(problem.kinds):
        here = (kinds == kind) & (scale > 0.0)
        low, high = 0.0, SETTINGS.largest_misfit
        for _ in range(SETTINGS.bisections):
            middle = 0.5 * (low + high)
            variance = least[here] ** 2 + (middle * scale[here]) ** 2
            over = clipped_mean(squares[here] / np.maximum(variance, _TINY)) > 1.0
            low, high = (middle, high) if over else (low, middle)
        misfit[kind] = high
    noise = tuple(
        NoiseLevel(float(np.hypot(n.relative, misfit[k])), float(np.hypot(n.floor, misfit[k] * floor)))
        for n, k, floor in zip(seen, problem.kinds, floors, strict=True)
    )
    sigma = sigma_as_measured(predictor.records, noise)
    out = [not problem.keep[here].any() for here in predictor.slices]
    keep = ~np.array(out)[predictor.record_of_point]  # what a wrong model leaves out may be its own misfit
    return replace(problem, noise=noise, sigma=np.maximum(sigma, _TINY), keep=keep)


def sigma_as_measured(records: Sequence[Record], noise: Sequence[NoiseLevel]) -> FloatArray:
    """(n,) standard deviation of every point, by the size of what was measured.

    Parameters
    ----------
    records : sequence of Record
    noise : sequence of NoiseLevel
        Of each record.
    """
    sizes = [modulus(record, measured(record)) for record in records]
    return np.concatenate([level.sigma(size) for level, size in zip(noise, sizes, strict=True)])


def sigma_of(predictor: Predictor, noise: Sequence[NoiseLevel], model: FloatArray) -> FloatArray:
    """(n,) standard deviation of every point.

    Parameters
    ----------
    predictor : Predictor
    noise : sequence of NoiseLevel
        Of each record.
    model : (n,) array
        Values of the model, ohm, A or V; NaN where it could not be computed.
    """
    sigma = np.empty(predictor.size)
    for record, here, level in zip(predictor.records, predictor.slices, noise, strict=True):
        size = modulus(record, np.where(np.isfinite(model[here]), model[here], 0.0))
        least = SETTINGS.least_sigma * float(np.max(size, initial=1e-300))
        sigma[here] = np.maximum(level.sigma(size), least)
    return sigma


def first_noise(record: Record) -> NoiseLevel:
    """Noise of a record seen without any model.

    Parameters
    ----------
    record : Record

    Returns
    -------
    NoiseLevel
        Relative to |Z| alone for a spectrum; else with a floor in the unit of the response, A or V.
    """
    if isinstance(record, ImpedanceSpectrum):
        distance = relative_distances(record.frequency, record.impedance)
        seen = typical(distance) if np.count_nonzero(np.isfinite(distance)) >= SETTINGS.fewest else 0.0
        return NoiseLevel(max(seen, SETTINGS.smallest), 0.0)
    values = measured(record)
    at = record.against if isinstance(record, SynapticCurve) else record.time
    distance = distance_from_neighbours(values, at)
    known = np.isfinite(distance)
    if np.count_nonzero(known) < SETTINGS.fewest:
        distance, known = np.where(known, distance, 0.0), np.ones(values.size, dtype=bool)
    level = fit_noise(record, distance, known, values, float(np.count_nonzero(known)))
    if not _spans_decades(record):
        return level
    hidden = SETTINGS.first_floor * level.relative * float(np.max(np.abs(values)))
    return NoiseLevel(level.relative, max(level.floor, hidden))


def noise_without_model(record: Record) -> NoiseLevel:
    """The best estimate of a record's noise that needs no model of the device.

    Of a spectrum the lower of two: the distance from neighbours, which sharp arcs between few points enlarge,
    and what no relaxations can follow (Kramers-Kronig), which drift enlarges.

    Parameters
    ----------
    record : Record
    """
    if record not in _SEEN:
        _SEEN[record] = _without_model(record)
    return _SEEN[record]


def _without_model(record: Record) -> NoiseLevel:
    """The estimate itself."""
    level = first_noise(record)
    if not isinstance(record, ImpedanceSpectrum):
        return level
    test = kramers_kronig(record)
    freedom = 2 * record.points - test.elements - 3
    if test.elements == 0 or freedom < SETTINGS.fewest:
        return level
    left = test.rms * float(np.sqrt(2 * record.points / freedom))
    return NoiseLevel(max(min(level.relative, left), SETTINGS.smallest), 0.0)


def record_misfit(record: Record, difference: FloatArray, used: np.ndarray) -> RecordMisfit:
    """Size and place of the differences between data and model of one record.

    Parameters
    ----------
    record : Record
    difference : (n,) array
        Data minus model, ohm, A or V; of a spectrum all Z', then all Z''.
    used : (n,) array of bool
        Points that count.
    """
    noise = noise_without_model(record)
    values = measured(record)
    sizes = modulus(record, values)
    sigma = np.maximum(noise.sigma(sizes), 1e-300)
    if not used.any():
        return RecordMisfit(noise, 0.0, 0.0, False, "")
    squares = np.minimum(np.abs(difference[used] / sigma[used]), SETTINGS.largest_ratio) ** 2
    ratio = float(np.sqrt(clipped_mean(squares)))
    span = np.ptp(values) or np.max(sizes)
    scale = np.maximum(sizes if isinstance(record, ImpedanceSpectrum) else span, 1e-300)
    of_scale = np.minimum(np.abs(difference / scale)[used], SETTINGS.largest_ratio) ** 2
    left = clipped_mean(of_scale) * max(1.0 - 1.0 / max(ratio, 1e-9) ** 2, 0.0)
    bounded = np.clip(difference / sigma, -SETTINGS.largest_ratio, SETTINGS.largest_ratio)
    return RecordMisfit(noise, ratio, 100.0 * float(np.sqrt(left)), False, _place(record, bounded))


def _place(record: Record, residual: FloatArray) -> str:
    """The shortest stretch of the record that holds most of the misfit."""
    if isinstance(record, ImpedanceSpectrum):
        at, unit = record.frequency, "Hz"
        squares = np.sum(np.split(residual**2, 2), axis=0)
    else:
        at, unit = (record.voltage, "V") if isinstance(record, IVSweep) else (record.time, "s")
        squares = residual**2
    order = np.argsort(at, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(squares[order])])
    wanted = SETTINGS.most_of_it * below[-1]
    last = np.searchsorted(below, below[:-1] + wanted, side="left")
    possible = np.flatnonzero(last < below.size)
    if not possible.size or not wanted > 0.0:
        return ""
    first = possible[np.argmin(last[possible] - possible)]
    stretch = at[order][[first, last[first] - 1]]
    stretch = np.where(np.abs(stretch) < SETTINGS.rounding * np.max(np.abs(at)), 0.0, stretch)
    if last[first] - first > SETTINGS.most_of_it * at.size:
        return ", everywhere"
    low, high = (format_quantity(float(v), unit, digits=2) for v in stretch)
    return f", most between {low} and {high}" if low != high else f", most at {low}"


def _spans_decades(record: Record) -> bool:
    """Whether the noise may follow the value: sweeps, and currents, which begin with that of C_m."""
    return isinstance(record, IVSweep) or record.control == "voltage"


def fit_noise(
    record: Record, residual: FloatArray, keep: BoolArray, model: FloatArray, dof: float
) -> NoiseLevel:
    """Noise that makes the residuals (in units of the data) typical.

    Parameters
    ----------
    record : Record
    residual, model : (n,) arrays
        Data minus model, and the model (ohm, A or V).
    keep : (n,) array of bool
        Points that count.
    dof : float
        Degrees of freedom of this record.
    """
    sizes = modulus(record, model)[keep]
    squares = residual[keep] ** 2
    least = SETTINGS.smallest * float(np.max(modulus(record, measured(record))[keep], initial=1e-30))
    share = max(sizes.size, 1) / max(dof, 1.0)
    if isinstance(record, ImpedanceSpectrum):
        scale = clipped_mean(squares / np.maximum(sizes, _TINY) ** 2) * share
        return NoiseLevel(max(float(np.sqrt(scale)), SETTINGS.smallest), 0.0)
    if _spans_decades(record):
        relative, floor = _relative_and_floor(squares * share, sizes, least)
        largest = float(np.max(sizes, initial=0.0))
        small = np.count_nonzero(sizes < SETTINGS.first_floor * largest)
        if small < SETTINGS.tell_floor:  # a few may be small by chance
            floor = max(floor, SETTINGS.first_floor * relative * largest)
        return NoiseLevel(relative, floor)
    return NoiseLevel(0.0, max(float(np.sqrt(clipped_mean(squares) * share)), least))


def clipped_mean(squares: FloatArray) -> float:
    """Mean of squares in which a few wild ones do not count.

    Parameters
    ----------
    squares : (n,) array
    """
    mean = TO_SIGMA[0.5] ** 2 * float(np.median(squares))
    if mean == 0.0:
        return float(np.mean(squares))
    for _ in range(3):
        mean = float(np.mean(np.minimum(squares, SETTINGS.clip**2 * mean)))
    return mean


def _relative_and_floor(squares: FloatArray, sizes: FloatArray, least: float) -> tuple[float, float]:
    """Maximum likelihood of squares ~ a size^2 + b by reweighted linear least squares, a and b >= 0."""
    largest = float(np.max(sizes))
    if largest <= least:  # nothing but noise
        return 0.0, max(float(np.sqrt(clipped_mean(squares))), least)
    m = (sizes / largest) ** 2
    s = squares / largest**2
    low = (least / largest) ** 2
    a, b = 0.5 * clipped_mean(s / np.maximum(m, 1e-6)), max(0.1 * clipped_mean(s), low)
    for _ in range(SETTINGS.iterations):
        variance = np.maximum(a * m + b, low)
        weight = 1.0 / variance**2
        target = np.minimum(s, SETTINGS.clip**2 * variance)
        mm, m1, ones = float(weight @ m**2), float(weight @ m), float(weight.sum())
        ty, t1 = float(weight @ (m * target)), float(weight @ target)
        determinant = mm * ones - m1**2
        if determinant <= 1e-12 * mm * ones:
            a, b = 0.0, t1 / ones
            break
        new_a, new_b = (ty * ones - t1 * m1) / determinant, (t1 * mm - ty * m1) / determinant
        if new_a < 0:
            new_a, new_b = 0.0, t1 / ones
        elif new_b < low:
            new_a, new_b = ty / mm, low
        done = abs(new_a - a) + abs(new_b - b) <= 1e-6 * (a + b)
        a, b = new_a, new_b
        if done:
            break
    return float(np.sqrt(a)), max(float(np.sqrt(b)) * largest, least)
