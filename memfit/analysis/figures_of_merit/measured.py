"""Figures of merit as a record has them, with the interval that its noise leaves.

The noise is what is left beside the model where that describes the record (`goodness.datasets[].noise` of
the fit; of pulses in samples of like size), else that seen without a model. It is drawn again and again on
top of a curve, the model's where that describes the record, else the record itself, and the spread of the
figure is its standard error. What the noise shifts by more than half of that is shifted back. Noise that
follows its neighbours counts for more, as the fit found it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from zlib import crc32

import numpy as np
from scipy.special import stdtrit

from memfit.analysis.figures_of_merit import loops
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT
from memfit.analysis.figures_of_merit.sheet import Value
from memfit.analysis.figures_of_merit.subjects import Subject
from memfit.arrays import FloatArray
from memfit.confidence import TAILS, Z
from memfit.datasets import ImpedanceSpectrum, PulseTransient, Record
from memfit.fitting import FitResult
from memfit.noise_estimate import distance_from_neighbours, relative_distances, typical, typical_by_size


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the redrawing."""

    redraws: int = 64
    """Standard errors to 12 %."""
    inner: tuple[float, float] = (0.1587, 0.8413)
    """Quantiles one standard deviation of a normal variable from its middle."""
    seed: int = 0
    shifted: float = 0.5
    """Shift of a figure by noise alone, in standard errors, from which it is taken off."""
    lost: float = 0.05
    """Share of the redraws without a value, from which there is no interval."""
    misfit: float = 3.0
    """Misfit over noise from which the model is no curve to redraw the noise on."""
    fewest_cycles: int = 3
    alike: int = 51
    """Samples of like size that show the noise of a transient, at least,"""
    parts: int = 20
    """and one in so many of all."""


SETTINGS = Settings()


@dataclass(frozen=True)
class NoiseOfRecord:
    """Standard deviation of each number of a record's response."""

    relative: float
    floor: float
    stretch: float
    """Factor for correlated noise: root of points over independent points."""
    described: bool = False
    """Whether the model of the fit describes the record, so that it is a curve to redraw the noise on."""

    @classmethod
    def of(cls, result: FitResult | None, record: Record) -> "NoiseOfRecord":
        """As the fit found it, else as the record shows it.

        Parameters
        ----------
        result : FitResult or None
        record : Record
        """
        measured = result.goodness.datasets if result is not None else ()
        item = next((one for one in measured if one.file == record.name), None)
        if item is not None and item.noise_model_free:
            described = item.misfit is not None and item.misfit < SETTINGS.misfit
            seen = item.noise if described else item.noise_model_free
            independent = item.effective_points if described else item.points
            stretch = float(np.sqrt(max(1.0, item.points / max(independent, 1.0))))
            return cls(seen.get("relative", 0.0), seen.get("floor", 0.0), stretch, described)
        if isinstance(record, ImpedanceSpectrum):
            return cls(typical(relative_distances(record.frequency, record.impedance)), 0.0, 1.0)
        return cls(0.0, typical(distance_from_neighbours(record.response, record.time)), 1.0)

    def sigma(self, response: FloatArray) -> FloatArray:
        """(n,) standard deviations.

        Parameters
        ----------
        response : (n,) array
            A or V; of an impedance its modulus, ohm.
        """
        result: FloatArray = self.stretch * np.hypot(self.relative * response, self.floor)
        return result


def in_record(subject: Subject, noise: NoiseOfRecord, model: FloatArray | None) -> dict[str, Value | None]:
    """The figures of a measured record; None where its samples give no number.

    Parameters
    ----------
    subject : Subject
        With its record.
    noise : NoiseOfRecord
    model : (n,) array, optional
        The model at the samples of the record, where it describes it.
    """
    record = subject.record
    if record is None or isinstance(record, ImpedanceSpectrum):
        return {}
    held = subject.held
    voltage = subject.drive.control == "voltage"
    base = record.response if model is None else model
    sigma = noise.sigma(base)
    if model is not None and isinstance(record, PulseTransient):
        sigma = _left_beside(record, noise, model)
    reads = [(piece.start <= subject.time) & (subject.time < piece.end) for piece in subject.train.reads]
    at_reads = sigma[np.any(reads, axis=0)] if reads else sigma[:0]
    subject = replace(subject, read_noise=float(np.median(at_reads)) if at_reads.size else noise.floor)

    def figures(response: FloatArray) -> Mapping[str, float]:
        return subject.evaluate(held, response) if voltage else subject.evaluate(response, held)

    return with_noise(figures, record.response, base, sigma)


def _left_beside(record: PulseTransient, noise: NoiseOfRecord, model: FloatArray) -> FloatArray:
    """(n,) standard deviations by what is left beside a model that describes the record."""
    # samples crowd at the edges, where a current is a thousand times what it is at the reads
    window = max(SETTINGS.alike, model.size // SETTINGS.parts)
    return noise.stretch * typical_by_size(record.response - model, np.abs(model), window)


def with_noise(
    figures: Callable[[FloatArray], Mapping[str, float]],
    data: FloatArray,
    base: FloatArray,
    sigma: FloatArray,
) -> dict[str, Value | None]:
    """Figures of data, with the spread that noise gives them.

    Parameters
    ----------
    figures : callable
        Of (n,) numbers.
    data : (n,) array
    base : (n,) array
        What the noise is drawn on.
    sigma : (n,) array
    """
    found = figures(data)
    # draws of its own: else all records of one length would share them, and an error of each standard error
    rng = np.random.default_rng([SETTINGS.seed, crc32(data.tobytes())])
    drawn = [figures(base + sigma * rng.standard_normal(sigma.size)) for _ in range(SETTINGS.redraws)]
    plain = found if base is data else figures(base)
    return {
        name: _value(name, value, plain[name], [one[name] for one in drawn]) for name, value in found.items()
    }


def _value(name: str, value: float, plain: float, redrawn: Sequence[float]) -> Value | None:
    """A measured figure, less what noise alone does to it: the largest of many noisy reads is too large."""
    if not np.isfinite(value):
        return None
    known = np.array([v for v in redrawn if np.isfinite(v)])
    if FIGURES_OF_MERIT[name].unit == "" and name in ("lobes", "levels"):
        return Value(value=value, method="noise of the record")
    if known.size < (1.0 - SETTINGS.lost) * len(redrawn):
        return Value(value=value)
    # a few redraws far out count no more than others
    low, middle, high = np.quantile(known, (SETTINGS.inner[0], 0.5, SETTINGS.inner[1])).tolist()
    stderr, shift = 0.5 * (high - low), middle - plain
    if np.isfinite(shift) and abs(shift) > SETTINGS.shifted * stderr:
        value -= shift
    if FIGURES_OF_MERIT[name].positive and value <= 0.0:
        return None
    return normal(name, value, stderr, "noise of the record")


def normal(
    name: str, value: float, stderr: float, method: Literal["noise of the record", "scatter of the cycles"]
) -> Value:
    """A value with the interval of a normal error, of its logarithm where the figure is positive.

    Parameters
    ----------
    name : str
    value, stderr : float
    method : str
    """
    reach = Z * stderr
    low, high = value - reach, value + reach
    if FIGURES_OF_MERIT[name].positive:
        low, high = value * np.exp(-reach / value), value * np.exp(reach / value)
    return Value(value=value, stderr=stderr, ci95=(float(low), float(high)), method=method)


def of_cycles(subjects: Sequence[Subject], read: float) -> dict[str, Value | None]:
    """Spread from cycle to cycle and endurance, over loops that repeat one drive.

    Parameters
    ----------
    subjects : sequence of Subject
        Measured loops with the same conditions, in order.
    read : float, V
    """
    every = _loops_of(subjects)
    if len(every) < SETTINGS.fewest_cycles:
        return {}
    sets = np.array([loops.steepest(loop, falling=False) for loop in every])
    sets = sets[np.isfinite(sets)]
    spread: Value | None = None
    if sets.size >= SETTINGS.fewest_cycles:
        cv = float(np.std(sets, ddof=1) / abs(np.mean(sets)))
        spread = normal("cycle_to_cycle", cv, cv / np.sqrt(2.0 * (sets.size - 1.0)), "scatter of the cycles")
    ratios = []
    for loop in every:
        at = np.array([read * loop.sign])
        up, down = (float(loops.currents_at(loop, at, falling=f)[0]) for f in (False, True))
        ratios.append(down / up if up else np.nan)
    ratio = ratios[-1] / ratios[0]
    endurance = Value(value=float(ratio)) if np.isfinite(ratio) and ratio > 0.0 else None
    return {"cycle_to_cycle": spread, "endurance": endurance}


def of_forming(subjects: Sequence[Subject]) -> Value | None:
    """How far the first loop of all sets above those after it (V); None where that cannot be said.

    Parameters
    ----------
    subjects : sequence of Subject
        Measured loops at one rate, in order.
    """
    every = _loops_of(subjects)
    if len(every) < SETTINGS.fewest_cycles:
        return None
    first, *later = [loop.sign * loops.steepest(loop, falling=False) for loop in every]
    kept = np.array([one for one in later if np.isfinite(one)])
    if not np.isfinite(first) or kept.size < SETTINGS.fewest_cycles - 1:
        return None
    spread = float(np.std(kept, ddof=1) * np.sqrt(1.0 + 1.0 / kept.size))
    reach = float(stdtrit(kept.size - 1, TAILS[1])) * spread
    above = float(first - np.mean(kept))
    return Value(
        value=above, stderr=spread, ci95=(above - reach, above + reach), method="scatter of the cycles"
    )


def _loops_of(subjects: Sequence[Subject]) -> list[loops.Loop]:
    """The loops of records, in order."""
    return [
        loop
        for one in subjects
        if one.record is not None and not isinstance(one.record, ImpedanceSpectrum)
        for loop in loops.cycles(one.time, one.drive.at(one.time), one.record.response)
    ]
