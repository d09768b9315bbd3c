"""Which part do the data ask for? The fall of chi2 that each part promises, without a refit.

At the minimum of a model, one more part with a small amplitude changes what the model says along a direction
d. With the residuals r and the directions J of all unknowns taken out of both, the fall of chi2 that the
linearised problem promises is (d r)^2/(d d): the score test (Rao, Proc. Camb. Phil. Soc. 1948, 44, 50). Parts
that vanish with an amplitude but keep a shape (a time constant, a voltage) are tried at a number of shapes.
Where the residuals are many times the noise a linear promise ranks the parts, but is no measure of them.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import ImpedanceSpectrum, PulseTransient, Record
from memfit.errors import ParameterError
from memfit.fitting.minimum.least_squares import SETTINGS as STEPS
from memfit.fitting.minimum.linear import UNSEEN
from memfit.fitting.minimum.problem import FitState
from memfit.fitting.plan import KINDS
from memfit.fitting.prediction.instrument import Instrument
from memfit.fitting.prediction.predict import Predictor, bias_of
from memfit.fitting.results.findings import Diagnosis
from memfit.model import EXTENSIONS, PARAMETERS, Parameters
from memfit.model.directions import SHAPES, Direction
from memfit.units import format_quantity, two_digits


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the promises."""

    small: float = 1e-3
    """Amplitude of a part that is tried, on the scale of the rest of the device."""
    bent: float = 0.03
    """The same of the exponent of dispersion."""
    times: int = 16
    """Time constants of an ionic branch that are tried ..."""
    voltages: int = 8
    """... voltages by which a leak or a capacitance grows ..."""
    thresholds: int = 6
    """... and thresholds of the other polarity, each with two widths."""
    most: float = 3e3
    """Multiple of that amplitude up to which anything is promised."""
    negative: float = 0.1
    """Of the largest voltage: what has to be measured below 0 V for anything to be said of the other
    polarity."""


SETTINGS = Settings()

ASKS: Mapping[str, str] = {
    "branch": "a second capacitive arc, an ionic branch, near {at}",
    "dispersion": "an arc that is depressed: a membrane capacitance with dispersion",
    "capacitance": "a capacitance that grows with voltage, e times by {at}",
    "leak": "a leak that grows with voltage, with {at} as its scale",
    "photocurrent": "a constant current at 0 V: light, or a zero error of the source",
    "second_polarity": "a channel of the other polarity, with a threshold near {at}",
    "conductance": "a channel that conducts, and vanishes at 0 V, in place of one that is a current",
    "activation_time": "an activation time that follows the voltage in another way",
}
"""What the data ask for, where they ask for a part."""
_SHAPE = {"capacitance": ("V_c", 1.0), "leak": ("V_l", 1.0), "second_polarity": ("V_Tn", -1.0)}
"""The voltage that is named with a part, and its sign at the terminals."""


def asked_for(part: str, values: Mapping[str, float]) -> str:
    """A part in words, with its shape: "a second capacitive arc, an ionic branch, near 40 Hz".

    Parameters
    ----------
    part : str
    values : mapping of str to float
        Its parameters, SI.
    """
    at = ""
    if part == "branch":
        at = format_quantity(1.0 / (2 * np.pi * values["R_1"] * values["C_1"]), "Hz", digits=2)
    elif part in _SHAPE:
        name, sign = _SHAPE[part]
        at = format_quantity(sign * values[name], "V", digits=2)
    return ASKS[part].format(at=at)


@dataclass(frozen=True)
class Promise:
    """What the best shape of one part promises."""

    part: str
    fall: float
    """Of -2 log likelihood, with the scale of the residuals unknown: of chi2, where a model is near."""
    per_point: tuple[float, float]
    """Mean square over the noise seen without a model, now and with the part, where most is asked."""
    kind: str
    """Which kind that is."""
    values: Mapping[str, float]
    """Its parameters, SI, by the linearised problem."""

    @property
    def asks(self) -> str:
        """What is asked for, in words."""
        return asked_for(self.part, self.values)

    @property
    def sentence(self) -> str:
        """In words."""
        now, then = map(two_digits, self.per_point)
        return f"The {KINDS[self.kind]} ask for {self.asks}: chi2 would fall from {now} to {then} a point."

    def found(self) -> Diagnosis:
        """As a result keeps it."""
        return Diagnosis(
            part=self.part, chi2_fall=self.fall, per_point=self.per_point, sentence=self.sentence
        )


@dataclass(frozen=True)
class Reach:
    """What was applied: voltages at the terminals, V, and angular frequencies, rad/s."""

    low: float
    high: float
    slow: float
    fast: float
    current: bool
    """Whether a current was measured, not only how it changes."""

    @classmethod
    def of(cls, records: Sequence[Record]) -> "Reach":
        """That of some records.

        Parameters
        ----------
        records : sequence of Record
        """
        voltages, omegas = [0.0], []
        for record in records:
            if isinstance(record, ImpedanceSpectrum):
                control, bias = bias_of(record)
                voltages.append(bias if control == "voltage" else bias * float(np.max(record.impedance.real)))
                omegas += [2 * np.pi * float(end(record.frequency)) for end in (np.min, np.max)]
                continue
            if record.kind == "paired_pulse" and record.control == "current":
                continue
            seen = record.voltage if record.voltage is not None else record.response
            if isinstance(record, PulseTransient):
                seen = record.drive.value if record.control == "voltage" else record.response
            voltages += [float(np.min(seen)), float(np.max(seen))]
            if record.time is not None and record.points > 2 and record.time[-1] > record.time[0]:
                omegas += [1.0 / float(record.time[-1] - record.time[0])]
                omegas += [1.0 / max(float(np.median(np.diff(record.time))), 1e-300)]
        slow, fast = (min(omegas), max(omegas)) if omegas else (1.0, 1.0)
        current = any(not isinstance(r, ImpedanceSpectrum) for r in records)
        return cls(min(voltages), max(voltages), slow, fast, current)

    @property
    def size(self) -> float:
        """Largest voltage either way, V."""
        return max(-self.low, self.high, 1e-6)


Way = tuple[str, tuple[tuple[str, float], ...]]
"""A parameter that a part appears by, and the constants that have to be chosen for it."""


@dataclass(frozen=True)
class Probe:
    """One shape of a part, with an amplitude that is small on the scale of the rest of the device."""

    values: Mapping[str, float]
    """Its parameters, SI."""
    most: float
    """Multiple of the amplitude up to which it may go."""

    @property
    def amounts(self) -> dict[Way, float]:
        """How far it goes along each direction in which its part appears."""
        result: dict[Way, float] = {}
        for name, value in self.values.items():
            if name not in SHAPES:
                continue
            null = PARAMETERS[name].null or 0.0
            amount = 1.0 / value if name == "R_1" else null - value if name == "n" else value - null
            constants = {"tau_1": self.values["R_1"] * self.values["C_1"]} if name == "R_1" else self.values
            result[name, tuple((key, constants[key]) for key in SHAPES[name])] = amount
        return result


def direction_of(way: Way) -> Direction:
    """The direction that a parameter and its constants name."""
    name, shape = way
    return Direction(name, dict(shape))


def scaled(values: Mapping[str, float], factor: float) -> dict[str, float]:
    """A part with a multiple of its amplitude, and the same shape.

    Parameters
    ----------
    values : mapping of str to float
        Its parameters, SI.
    factor : float
    """
    result = {}
    for name, value in values.items():
        null = PARAMETERS[name].null
        if null is None or math.isinf(null):  # a shape; but a resistance is large where a part is small
            result[name] = value / factor if PARAMETERS[name].unit == "ohm" else value
        else:
            low, high = PARAMETERS[name].bounds
            result[name] = min(max(null + factor * (value - null), low), high)
    return result


def _branches(p: Parameters, reach: Reach) -> Iterator[Probe]:
    """Arcs over the times that were measured."""
    if reach.fast <= reach.slow:
        return
    junction = 1.0 / (1.0 / p.R_b + p.i_c0 / max(abs(p.V_T), reach.size))
    R_1 = junction / SETTINGS.small
    for tau in np.geomspace(0.3 / reach.fast, 3.0 / reach.slow, SETTINGS.times):
        yield Probe({"R_1": R_1, "C_1": float(tau) / R_1}, 1e3 * SETTINGS.most)


def _dispersions(_: Parameters, __: Reach) -> Iterator[Probe]:
    """A depressed arc."""
    lowest = PARAMETERS["n"].bounds[0]
    yield Probe({"n": 1.0 - SETTINGS.bent}, (1.0 - lowest) / SETTINGS.bent)


def _capacitances(p: Parameters, reach: Reach) -> Iterator[Probe]:
    """Capacitances that grow within the voltages that were applied."""
    for V_c in np.geomspace(0.04, 2.0, SETTINGS.voltages) * reach.size:
        C_0 = SETTINGS.small * p.C_m * math.exp(-max(reach.high, 0.0) / V_c)
        yield Probe({"C_0": C_0, "V_c": float(V_c)}, 1e2 * SETTINGS.most)


def _leaks(p: Parameters, reach: Reach) -> Iterator[Probe]:
    """Leaks that grow within the voltages that were applied."""
    for V_l in np.geomspace(0.06, 1.0, SETTINGS.voltages) * reach.size:
        I_l = SETTINGS.small * _current(p, reach) / math.sinh(reach.size / V_l)
        yield Probe({"I_l": I_l, "V_l": float(V_l)}, SETTINGS.most)


def _photocurrents(p: Parameters, reach: Reach) -> Iterator[Probe]:
    """Both signs, where a current was measured: in spectra it only moves the bias of the junction by R_s."""
    for sign in (1.0, -1.0) if reach.current else ():
        yield Probe({"I_ph": sign * SETTINGS.small * _current(p, reach)}, SETTINGS.most)


def _second_polarities(p: Parameters, reach: Reach) -> Iterator[Probe]:
    """Thresholds within the negative voltages that were applied, or a little beyond."""
    if -reach.low <= SETTINGS.negative * reach.size:
        return
    for V_Tn in np.linspace(0.15, 1.2, SETTINGS.thresholds) * -reach.low:
        for V_mn in (0.06 * -reach.low, 0.2 * -reach.low):
            amplitude = SETTINGS.small * _current(p, reach)
            values = dict(zip(EXTENSIONS["second_polarity"], (amplitude, float(V_Tn), V_mn), strict=True))
            yield Probe(values, SETTINGS.most)


def _conductances(p: Parameters, _: Reach) -> Iterator[Probe]:
    """A channel with a threshold above 0 V can conduct as u/V_T."""
    if min(p.V_T, p.V_Tn) > 0.0:
        yield Probe({"kappa": SETTINGS.small}, 1.0 / SETTINGS.small)


def _activation_times(_: Parameters, __: Reach) -> Iterator[Probe]:
    """Towards a constant, a bell, both powers, and a steeper law."""
    for down, up in ((1.0, 0.0), (0.5, 0.5), (0.0, 1.0), (-1.0, 0.0)):
        values = {"p_k": 1.0 - down * SETTINGS.small, "q_k": up * SETTINGS.small}
        yield Probe(values, 1.0 / SETTINGS.small)


def _current(p: Parameters, reach: Reach) -> float:
    """Scale of the current of a device, A."""
    return reach.size / p.R_b + p.i_c0


PROBES: Mapping[str, Callable[[Parameters, Reach], Iterator[Probe]]] = {
    "branch": _branches,
    "dispersion": _dispersions,
    "capacitance": _capacitances,
    "leak": _leaks,
    "photocurrent": _photocurrents,
    "second_polarity": _second_polarities,
    "conductance": _conductances,
    "activation_time": _activation_times,
}
"""Shapes of each part that are worth a try on a device; none where what was applied cannot show it."""


def promises(state: FitState, share: FloatArray, noise: FloatArray, parts: Sequence[str]) -> list[Promise]:
    """What each of some parts promises, the largest fall first.

    Parameters
    ----------
    state : FitState
        At its minimum.
    share : (n,) array
        How much of an independent point every point is worth.
    noise : (n,) array
        Standard deviation of every point as seen without a model.
    parts : sequence of str
        That the device does not have.
    """
    problem, unknowns = state.problem, state.unknowns
    residuals = problem.residuals(unknowns)
    prediction = residuals.prediction(state.x)
    kept = problem.keep
    weight = np.sqrt(share[kept]) / problem.sigma[kept]
    r = (prediction.values - problem.predictor.data())[kept] * weight
    jacobian = unknowns.jacobian(state.x, prediction, problem.predictor.record_of_point)[kept]
    jacobian *= weight[:, None]
    usable = np.isfinite(r) & np.isfinite(jacobian).all(axis=1)
    r = np.where(usable, r, 0.0)
    known = _basis(np.where(usable[:, None], jacobian, 0.0))
    r_left = r - known @ (known.T @ r)
    p, instrument = unknowns.parameters(state.x), unknowns.instrument(state.x)
    reach = Reach.of(problem.predictor.records)
    kinds, present = np.array(problem.kinds)[problem.record_of_row], list(dict.fromkeys(problem.kinds))
    free = np.maximum(noise[kept], 1e-300)
    found = []
    tried = [(part, probe) for part in parts for probe in PROBES[part](p, reach)]
    amounts = [probe.amounts for _, probe in tried]
    ways = list(dict.fromkeys(key for one in amounts for key in one))
    columns = _along(problem.predictor, p, ways, instrument)[kept]
    columns = np.where(usable[:, None] & np.isfinite(columns), columns * weight[:, None], 0.0)
    columns -= known @ (known.T @ columns)
    for part in parts:
        best: tuple[float, Probe, float, FloatArray] | None = None
        for (own, probe), amount in zip(tried, amounts, strict=True):
            if own != part:
                continue
            d = columns[:, [ways.index(way) for way in amount]] @ np.array([*amount.values()])
            with np.errstate(over="ignore"):
                length = float(d @ d)
            if not UNSEEN < length < np.inf:
                continue
            amplitude = float(np.clip(-(d @ r_left) / length, 0.0, probe.most))
            fall = -(2.0 * amplitude * float(d @ r_left) + amplitude**2 * length)
            if best is None or fall > best[0]:
                best = (fall, probe, amplitude, d)
        if best is None or best[0] <= 0.0:
            continue
        _, probe, amplitude, d = best
        after = r_left + amplitude * d
        points = [_squares(r_left, after, share[kept], kinds == kind) for kind in present]
        falls = [n * math.log(max(before, 1e-300) / max(then, 1e-300)) for n, before, then in points]
        asks = int(np.argmax(falls))
        of_noise = (after / weight / free, r_left / weight / free)
        then, now = (float(np.mean(rows[kinds == present[asks]] ** 2)) for rows in of_noise)
        values = scaled(probe.values, max(amplitude, 1.0))
        found.append(Promise(part, sum(falls), (now, then), present[asks], values))
    return sorted(found, key=lambda promise: -promise.fall)


def _along(predictor: Predictor, p: Parameters, ways: Sequence[Way], instrument: Instrument) -> FloatArray:
    """(n, k) derivatives along some directions; 0 along those that records or device do not allow."""
    try:
        return predictor.along(p, [direction_of(way) for way in ways], instrument)
    except ParameterError:
        if len(ways) == 1:
            return np.zeros((predictor.size, 1))
    return np.column_stack([_along(predictor, p, [way], instrument) for way in ways])


def _squares(
    before: FloatArray, after: FloatArray, share: FloatArray, here: np.ndarray
) -> tuple[float, float, float]:
    """Independent points, and chi2 before and after, of some rows."""
    return float(np.sum(share[here])), float(before[here] @ before[here]), float(after[here] @ after[here])


def _basis(jacobian: FloatArray) -> FloatArray:
    """(k, j) orthonormal columns that span those of a Jacobian (k, m)."""
    length = np.linalg.norm(jacobian, axis=0)
    seen = length > UNSEEN
    if not np.any(seen):
        return np.zeros((jacobian.shape[0], 0))
    left, singular, _ = np.linalg.svd(jacobian[:, seen] / length[seen], full_matrices=False)
    result: FloatArray = left[:, singular > STEPS.rank**0.5 * singular[0]]
    return result
