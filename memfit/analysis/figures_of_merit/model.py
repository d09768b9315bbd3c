"""The figures of merit of a device by its model: one vector of numbers for one set of parameters.

All drives, those of records and those of protocols, are followed in one compiled call. The layout of the
vector is fixed when it is planned, so that neighbouring devices can be compared number by number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.polynomial.chebyshev import chebpts2
from scipy.optimize import brentq

from memfit.analysis.figures_of_merit import loops
from memfit.analysis.figures_of_merit.conditions import Stated
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT, rows_of
from memfit.analysis.figures_of_merit.spiking import NOTHING, SPIKES, Spiking, threshold_current
from memfit.analysis.figures_of_merit.subjects import Subject, of_protocol
from memfit.arrays import BoolArray, ComplexArray, FloatArray
from memfit.datasets.standard_protocols import SETTINGS as SAMPLES
from memfit.errors import ParameterError
from memfit.model import Parameters, activation_time, impedance, junction_voltage
from memfit.model.transient import DriveSet
from memfit.protocols import Control


@dataclass(frozen=True)
class Settings:
    """Which curves are drawn, and how exactly."""

    tolerance: float = 1e-8
    """Of the integrator."""
    charged: float = 10.0
    """Times to the first sample of a pulse, in which R_s charges C_m at the fastest,"""
    negligible: float = 1e-8
    """unless that asks for more than this part of R_b."""
    rates: int = 14
    """Of the curve of the area,"""
    slowest: float = 3e-3
    """from the amplitude in so many of the slowest times"""
    fastest: float = 1e4
    """to this."""
    intervals: int = 13
    """Of the curve of facilitation,"""
    shortest: float = 0.02
    """from so many slowest times"""
    longest: float = 10.0
    """to this."""
    between: int = 9
    """Loops between two rates, of the polynomial whose root is the turnover."""
    digits: float = 1e-6
    """Relative, of the rate and of the frequency at which hysteresis vanishes."""
    frequencies: float = 5.5
    """Width of the straight lines through Im Y, in distances of neighbouring frequencies."""
    near: int = 5
    """Frequencies of the polynomial through a crossing,"""
    real: float = 1e-9
    """and imaginary part of its root, in widths, up to which it is one."""


SETTINGS = Settings()

_Numbers = TypeVar("_Numbers", FloatArray, BoolArray)
OF_ITSELF = -1
"""Number of what is the device's own, under a constant current, among what records and protocols have."""
Course = tuple[FloatArray, FloatArray]
"""(n,) voltage (V) and current (A) at the samples of a subject."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A figure against what it depends on."""

    key: str
    x: FloatArray
    unit: str


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """Where Im Y is looked at."""

    control: Control
    bias: float
    frequency: FloatArray


def _that_samples_can_follow(p: Parameters, width: float) -> Parameters:
    """A device whose R_s, where it is as good as none, charges C_m no faster than samples of a pulse show."""
    least = SETTINGS.charged * SAMPLES.soonest * width / p.C_m
    return p.replace(R_s=max(p.R_s, min(least, SETTINGS.negligible * p.R_b)))


def turnover_frequency(frequency: FloatArray, impedance_: ComplexArray) -> float:
    """Highest frequency (Hz) at which Im Y turns from inductive to capacitive; NaN where it does not.

    Where it turns straight lines over a few frequencies say, so that noise does not decide; the root is that
    of the quartic through the five frequencies around it: a cubic that only passes near them is off by half a
    per cent with ten frequencies a decade.

    Parameters
    ----------
    frequency : (n,) array, Hz
    impedance_ : (n,) array, ohm
    """
    order = np.argsort(frequency)
    x, susceptance = np.log(frequency[order]), (1.0 / impedance_[order]).imag
    if x.size <= SETTINGS.frequencies:
        return np.nan
    width = SETTINGS.frequencies * float(np.median(np.diff(x)))
    at = np.linspace(x[0] + 0.5 * width, x[-1] - 0.5 * width, loops.SETTINGS.grid)
    smooth = loops.straight_lines(x, susceptance, at, width)[0]
    up = np.flatnonzero((smooth[:-1] < 0.0) & (smooth[1:] >= 0.0))
    if not up.size:
        return np.nan
    k = int(up[-1])
    middle = 0.5 * (at[k] + at[k + 1])
    near = np.argsort(np.abs(x - middle))[: SETTINGS.near]
    scaled = susceptance[near] / np.max(np.abs(susceptance[near]))
    roots = np.roots(np.polyfit(x[near] - middle, scaled, SETTINGS.near - 1))
    real = roots.real[np.abs(roots.imag) < SETTINGS.real * width]
    if not real.size or np.min(np.abs(real)) > width:
        return np.nan
    return float(np.exp(middle + real[np.argmin(np.abs(real))]))


@dataclass(frozen=True, kw_only=True, eq=False)
class FiguresOfModel:
    """All figures of merit of a device by its model."""

    full: Stated
    subjects: Sequence[Subject]
    """Driven in time; those whose record begins anywhere have none."""
    spectra: Sequence[Spectrum]
    spiking: Spiking
    currents: Sequence[float]
    """At which the device may spike, A: one, or none."""
    curves: Sequence[Curve]
    slowest: float
    _runs: dict[tuple[bool, ...], DriveSet] = field(init=False, default_factory=dict)
    """By what is followed."""
    _between: dict[int, tuple[tuple[Subject, ...], DriveSet]] = field(init=False, default_factory=dict)
    """Loops between two rates of the curve of the area, by the number of the lower."""
    _loops: tuple[Subject, ...] = field(init=False)
    _pairs: tuple[Subject, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the drives of subjects and curves."""
        full, x = self.full, {curve.key: curve.x for curve in self.curves}
        pulses = {"amplitude": full.amplitude, "width": full.width, "base": full.base}
        pairs = [
            of_protocol("pair", "paired_pulses", {**pulses, "interval": interval}, full.read)
            for interval in x.get("ppf", np.empty(0)).tolist()
        ]
        object.__setattr__(self, "_loops", self._loops_at(x.get("area", np.empty(0))))
        object.__setattr__(self, "_pairs", tuple(pairs))

    def _loops_at(self, rates: FloatArray) -> tuple[Subject, ...]:
        """Loops of the curve of the area."""
        full = self.full
        return tuple(
            of_protocol("loop", "triangle", {"amplitude": full.amplitude, "rate": rate}, full.read)
            for rate in rates.tolist()
        )

    @property
    def names(self) -> tuple[tuple[str, int], ...]:
        """Names of the scalar figures, each with the number of its subject or spectrum, as in the vector."""
        own = [(name, k) for k, subject in enumerate(self.subjects) for name in subject.figures]
        own += [("turnover_rate", 0)]
        own += [("turnover_frequency", k) for k in range(len(self.spectra))]
        own += [(row.name, 0) for row in rows_of("device")]
        own += [("threshold_current", 0)]
        return (*own, *((name, OF_ITSELF) for _ in self.currents for name in SPIKES))

    @property
    def logarithmic(self) -> BoolArray:
        """(m,) whether the logarithm of each number is taken for normal."""
        scalars = [FIGURES_OF_MERIT[name].positive for name, _ in self.names]
        return np.array([*scalars, *np.repeat([c.key != "area" for c in self.curves], self._sizes)])

    @property
    def _sizes(self) -> list[int]:
        return [curve.x.size for curve in self.curves]

    def split(self, numbers: _Numbers) -> tuple[_Numbers, dict[str, _Numbers]]:
        """The scalars of a vector, and its curves by key."""
        parts = np.split(numbers, np.cumsum([len(self.names), *self._sizes])[:-1])
        return parts[0], {curve.key: part for curve, part in zip(self.curves, parts[1:], strict=True)}

    def __call__(self, p: Parameters) -> FloatArray:
        """The vector of a device: scalars in the order of `names`, then the curves."""
        return self.some(p, np.ones(len(self.names) + sum(self._sizes), dtype=bool))

    def some(self, p: Parameters, wanted: BoolArray) -> FloatArray:
        """Some numbers of the vector, for which only what they are read from is followed; NaN for the others.

        Parameters
        ----------
        p : Parameters
        wanted : (m,) array of bool
        """
        scalars, on_curves = self.split(wanted)
        sizes = [len(subject.figures) for subject in self.subjects]
        ends = np.cumsum([*sizes, 1, len(self.spectra), len(rows_of("device")) + 1])
        *of_subjects, of_rate, of_spectra, of_device, of_spikes = np.split(scalars, ends)
        asked = {key: bool(np.any(here)) for key, here in on_curves.items()}
        by_area = bool(of_rate[0]) or asked.get("area", False)
        followed = [
            *(
                bool(np.any(here)) or (one.record is None and asked.get(one.group, False))
                for one, here in zip(self.subjects, of_subjects, strict=True)
            ),
            *(by_area for _ in self._loops),
            *(asked.get("ppf", False) for _ in self._pairs),
        ]
        courses = self._courses(p, tuple(followed))
        n, m = len(self.subjects), len(self._loops)
        found: list[float] = []
        for subject, course in zip(self.subjects, courses, strict=False):
            read = subject.evaluate(*course) if course and np.all(np.isfinite(course[0] + course[1])) else {}
            found += [read.get(name, np.nan) for name in subject.figures]
        areas = np.array(
            [
                self._area(one, *course) if course else np.nan
                for one, course in zip(self._loops, courses[n : n + m], strict=True)
            ]
        )
        found.append(self._turnover(p, areas) if by_area else np.nan)
        found += [
            self._turnover_of(p, spectrum) if here else np.nan
            for spectrum, here in zip(self.spectra, of_spectra, strict=True)
        ]
        u = float(junction_voltage(p, "voltage", np.array([self.full.base]))[0])
        found += [p.tau_d or np.nan, float(activation_time(p, np.array(u))) if p.tau_k else np.nan]
        found.append(threshold_current(p) if of_device[-1] else np.nan)
        for source in self.currents:
            found += self.spiking.at(p, source) if np.any(of_spikes) else NOTHING
        curves: list[FloatArray] = []
        for curve in self.curves:
            here = on_curves[curve.key]
            if not asked[curve.key]:
                curves.append(np.full(curve.x.size, np.nan))
            elif curve.key == "area":
                curves.append(areas)
            elif curve.key == "ppf":
                pairs = zip(self._pairs, courses[n + m :], strict=True)
                curves.append(np.array([one.evaluate(*course)["PPF"] for one, course in pairs if course]))
            elif curve.key == "frequency":
                frequencies = np.full(curve.x.size, np.nan)
                frequencies[here] = self.spiking.frequencies(p, curve.x[here])
                curves.append(frequencies)
            else:  # conductances of a subject, by its group
                own = next(
                    (one, course)
                    for one, course in zip(self.subjects, courses, strict=False)
                    if one.record is None and one.group == curve.key
                )
                curves.append(own[0].conductances(*own[1])[1] if own[1] else np.full(curve.x.size, np.nan))
        return np.concatenate([found, *curves])

    def courses(self, p: Parameters) -> list[Course]:
        """Voltage and current of all subjects, then of the loops and pairs of the curves."""
        count = len(self.subjects) + len(self._loops) + len(self._pairs)
        return [course for course in self._courses(p, (True,) * count) if course]

    def _courses(self, p: Parameters, followed: tuple[bool, ...]) -> list[Course | None]:
        """The same of some; None for the others."""
        p = _that_samples_can_follow(p, self.full.width)
        every = [*self.subjects, *self._loops, *self._pairs]
        kept = [one for one, here in zip(every, followed, strict=True) if here]
        if not kept:
            return [None] * len(every)
        if followed not in self._runs:
            self._runs[followed] = DriveSet([one.drive for one in kept], [one.time for one in kept])
        answers = iter(self._answers(p, kept, self._runs[followed]))
        courses: list[Course | None] = []
        for one, here in zip(every, followed, strict=True):
            if not here:
                courses.append(None)
                continue
            answer = next(answers)
            courses.append((one.held, answer) if one.drive.control == "voltage" else (answer, one.held))
        return courses

    @staticmethod
    def _answers(p: Parameters, every: Sequence[Subject], runs: DriveSet) -> list[FloatArray]:
        """What is measured under each drive; dispersion goes drive by drive, each with its own ladder."""
        if p.n == 1.0:
            response = runs.respond(p, tolerance=SETTINGS.tolerance)
            return np.split(response.values, runs.offsets[1:-1])
        answers = []
        for one in every:
            try:
                alone = DriveSet([one.drive], [one.time]).respond(p, tolerance=SETTINGS.tolerance)
                answers.append(alone.values)
            except ParameterError:  # its ladder would need more branches than there are
                answers.append(np.full(one.time.size, np.nan))
        return answers

    @staticmethod
    def _area(subject: Subject, voltage: FloatArray, current: FloatArray) -> float:
        loop = loops.split(subject.time, voltage, current)
        return loops.area(loop) if loop is not None and np.all(np.isfinite(current)) else np.nan

    def _turnover(self, p: Parameters, areas: FloatArray) -> float:
        """Largest rate at which the area turns from inductive to capacitive: root of a polynomial."""
        if not areas.size:
            return np.nan
        rates = next(curve.x for curve in self.curves if curve.key == "area")
        up = np.flatnonzero((areas[:-1] < 0.0) & (areas[1:] >= 0.0))
        if not up.size:
            return np.nan
        place = int(up[-1])
        if place not in self._between:
            at = np.exp(chebpts2(SETTINGS.between) * 0.5 * np.log(rates[place + 1] / rates[place]))
            every = self._loops_at(at * np.sqrt(rates[place] * rates[place + 1]))
            self._between[place] = every, DriveSet([one.drive for one in every], [one.time for one in every])
        every, runs = self._between[place]
        x = np.log([one.conditions["rate"] for one in every])
        relative = [
            self._area(one, one.held, answer) * float(np.exp(-at))
            for one, answer, at in zip(every, self._answers(p, every, runs), x, strict=True)
        ]
        if not relative[0] < 0.0 < relative[-1]:  # an area of nothing but rounding
            return np.nan
        law = Chebyshev.fit(x, relative, x.size - 1)
        return float(np.exp(brentq(law, x[0], x[-1], xtol=SETTINGS.digits)))

    @staticmethod
    def _turnover_of(p: Parameters, spectrum: Spectrum) -> float:
        """Highest frequency of the spectrum at which Im Y rises through zero, by a root of the model."""
        u = float(junction_voltage(p, spectrum.control, np.array([spectrum.bias]))[0])

        def susceptance(x: FloatArray) -> FloatArray:
            return (1.0 / impedance(p, np.exp(x), u)).imag

        at = np.sort(np.log(spectrum.frequency))
        values = susceptance(at)
        up = np.flatnonzero((values[:-1] < 0.0) & (values[1:] >= 0.0))
        if not up.size:
            return np.nan
        low, high = at[up[-1]], at[up[-1] + 1]
        root = brentq(lambda x: float(susceptance(np.array([x]))[0]), low, high, xtol=SETTINGS.digits)
        return float(np.exp(root))


def planned_curves(
    full: Stated, slowest: float, spiking: Spiking, standard: dict[str, Subject]
) -> list[Curve]:
    """The curves that the field draws.

    Parameters
    ----------
    full : Stated
    slowest : float, s
        Slowest time of the memory.
    spiking : Spiking
    standard : dict of str to Subject
        The standard protocols, for the places of reads.
    """
    s = SETTINGS
    unit = abs(full.amplitude) / slowest
    curves = [
        Curve(key="area", x=np.geomspace(s.slowest * unit, s.fastest * unit, s.rates), unit="V/s"),
        Curve(key="ppf", x=np.geomspace(s.shortest * slowest, s.longest * slowest, s.intervals), unit="s"),
    ]
    train, kept = standard["train"], standard["retention"]
    curves.append(Curve(key="train", x=np.arange(1.0, len(train.pieces) + 1.0), unit=""))
    after = np.array([piece.end for piece in kept.pieces]) - kept.train.pulses[0].end
    curves.append(Curve(key="retention", x=after, unit="s"))
    currents = spiking.currents()
    if currents.size:
        curves.append(Curve(key="frequency", x=currents, unit="A"))
    return curves
