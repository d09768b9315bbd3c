"""The figures of merit of a device by its model: one vector of numbers for one set of parameters.

All drives, those of records and those of protocols, are followed in one compiled call. The layout of the
vector is fixed when it is planned, so that neighbouring devices can be compared number by number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq

from memfit.analysis.figures_of_merit import loops
from memfit.analysis.figures_of_merit.conditions import Stated
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT, rows_of
from memfit.analysis.figures_of_merit.spiking import SPIKES, Spiking, threshold_current
from memfit.analysis.figures_of_merit.subjects import Subject, of_protocol
from memfit.arrays import BoolArray, ComplexArray, FloatArray
from memfit.errors import ParameterError
from memfit.model import Parameters, activation_time, impedance, junction_voltage
from memfit.model.transient import DriveSet
from memfit.protocols import Control


@dataclass(frozen=True)
class Settings:
    """Which curves are drawn, and how exactly."""

    tolerance: float = 1e-8
    """Of the integrator."""
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
    rate_digits: float = 1e-6
    """Relative, of the rate at which the area vanishes."""
    frequencies: float = 5.5
    """Width of the straight lines through Im Y, in distances of neighbouring frequencies."""
    near: int = 5
    """Frequencies of the cubic around a crossing,"""
    real: float = 1e-9
    """and imaginary part of its root, in widths, up to which it is one."""


SETTINGS = Settings()

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


def turnover_frequency(frequency: FloatArray, impedance_: ComplexArray) -> float:
    """Highest frequency (Hz) at which Im Y turns from inductive to capacitive; NaN where it does not.

    Where it turns straight lines over a few frequencies say, so that noise does not decide; the root is that
    of the cubic through the frequencies around it.

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
    # the cubic through the frequencies around the crossing: a straight line would be bent off it
    middle = 0.5 * (at[k] + at[k + 1])
    near = np.argsort(np.abs(x - middle))[: SETTINGS.near]
    roots = np.roots(np.polyfit(x[near] - middle, susceptance[near] / np.max(np.abs(susceptance[near])), 3))
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
    _runs: DriveSet = field(init=False)
    _loops: tuple[Subject, ...] = field(init=False)
    _pairs: tuple[Subject, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the drives of subjects and curves."""
        full, x = self.full, {curve.key: curve.x for curve in self.curves}
        pulses = {"amplitude": full.amplitude, "width": full.width, "base": full.base}
        rates = [
            of_protocol("loop", "triangle", {"amplitude": full.amplitude, "rate": rate}, full.read)
            for rate in x.get("area", np.empty(0)).tolist()
        ]
        pairs = [
            of_protocol("pair", "paired_pulses", {**pulses, "interval": interval}, full.read)
            for interval in x.get("ppf", np.empty(0)).tolist()
        ]
        every = [*self.subjects, *rates, *pairs]
        object.__setattr__(self, "_loops", tuple(rates))
        object.__setattr__(self, "_pairs", tuple(pairs))
        object.__setattr__(self, "_runs", DriveSet([one.drive for one in every], [one.time for one in every]))

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

    def split(self, numbers: FloatArray) -> tuple[FloatArray, dict[str, FloatArray]]:
        """The scalars of a vector, and its curves by key."""
        parts = np.split(numbers, np.cumsum([len(self.names), *self._sizes])[:-1])
        return parts[0], {curve.key: part for curve, part in zip(self.curves, parts[1:], strict=True)}

    def __call__(self, p: Parameters) -> FloatArray:
        """The vector of a device: scalars in the order of `names`, then the curves."""
        courses = self.courses(p)
        scalars: list[float] = []
        for subject, (V, current) in zip(self.subjects, courses, strict=False):
            found = subject.evaluate(V, current) if np.all(np.isfinite(V + current)) else {}
            scalars += [found.get(name, np.nan) for name in subject.figures]
        n, m = len(self.subjects), len(self._loops)
        areas = np.array(
            [self._area(one, *course) for one, course in zip(self._loops, courses[n : n + m], strict=True)]
        )
        scalars.append(self._turnover(p, areas))
        scalars += self._turnovers(p)
        u = float(junction_voltage(p, "voltage", np.array([self.full.base]))[0])
        scalars += [p.tau_d or np.nan, float(activation_time(p, np.array(u))) if p.tau_k else np.nan]
        scalars.append(threshold_current(p))
        for source in self.currents:
            scalars += self.spiking.at(p, source)
        curves: list[FloatArray] = []
        for curve in self.curves:
            if curve.key == "area":
                curves.append(areas)
            elif curve.key == "ppf":
                curves.append(
                    np.array(
                        [
                            one.evaluate(*course)["PPF"]
                            for one, course in zip(self._pairs, courses[n + m :], strict=True)
                        ]
                    )
                )
            elif curve.key == "frequency":
                curves.append(np.array([self.spiking.frequency(p, current) for current in curve.x.tolist()]))
            else:  # conductances of a subject, by its group
                k = next(
                    k for k, one in enumerate(self.subjects) if one.record is None and one.group == curve.key
                )
                curves.append(self.subjects[k].conductances(*courses[k])[1])
        return np.concatenate([scalars, *curves])

    def courses(self, p: Parameters) -> list[Course]:
        """Voltage and current of all subjects, then of the loops and pairs of the curves."""
        every = [*self.subjects, *self._loops, *self._pairs]
        answers = self._answers(p, every)
        courses: list[Course] = []
        for one, answer in zip(every, answers, strict=True):
            held = one.drive.at(one.time)
            courses.append((held, answer) if one.drive.control == "voltage" else (answer, held))
        return courses

    def _answers(self, p: Parameters, every: Sequence[Subject]) -> list[FloatArray]:
        """What is measured under each drive; dispersion goes drive by drive, each with its own ladder."""
        if not every:
            return []
        if p.n == 1.0:
            response = self._runs.respond(p, tolerance=SETTINGS.tolerance)
            return np.split(response.values, self._runs.offsets[1:-1])
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
        """Largest rate at which the area turns from inductive to capacitive, by a root of the model."""
        if not areas.size:
            return np.nan
        rates = next(curve.x for curve in self.curves if curve.key == "area")
        up = np.flatnonzero((areas[:-1] < 0.0) & (areas[1:] >= 0.0))
        if not up.size:
            return np.nan
        low, high = np.log(rates[up[-1] : up[-1] + 2])

        def relative(log_rate: float) -> float:
            rate = float(np.exp(log_rate))
            one = of_protocol(
                "loop", "triangle", {"amplitude": self.full.amplitude, "rate": rate}, self.full.read
            )
            answer = DriveSet([one.drive], [one.time]).respond(p, tolerance=SETTINGS.tolerance)
            return self._area(one, one.drive.at(one.time), answer.values) / rate

        if relative(low) * relative(high) > 0.0:  # an area of nothing but rounding
            return np.nan
        return float(np.exp(brentq(relative, low, high, xtol=SETTINGS.rate_digits)))

    def _turnovers(self, p: Parameters) -> list[float]:
        """Frequency (Hz) at which Im Y changes its sign, of each spectrum."""
        u = np.full(len(self.spectra), np.nan)
        controls: tuple[Control, ...] = ("voltage", "current")
        for control in controls:
            own = [k for k, spectrum in enumerate(self.spectra) if spectrum.control == control]
            if own:
                u[own] = junction_voltage(p, control, np.array([self.spectra[k].bias for k in own]))
        return [
            turnover_frequency(spectrum.frequency, impedance(p, spectrum.frequency, bias))
            for spectrum, bias in zip(self.spectra, u.tolist(), strict=True)
        ]


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
