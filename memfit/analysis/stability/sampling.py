"""From the covariance of a fit to the spread of what depends on it, by a seeded sample of devices.

The smallest log gain margin is smooth but curved, and Hopf voltages have a square-root singularity where the
two merge: linear propagation is wrong just where the question is interesting. All of it is closed form for
many devices at once, so a sample of thousands costs milliseconds. It comes in opposite pairs and is scaled to
have the mean and the covariance exactly.

What follows from it: the probability that a device oscillates at some bias, and `stability_at` one bias. The
latter is that of the device (its terminal voltage, or its current); the circuit decides whether the steady
state there is stable.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from memfit.analysis.stability.circuit import KINDS, Circuit, operating_points_at
from memfit.arrays import FloatArray, Interval
from memfit.confidence import TAILS, Z, probability_below_0
from memfit.errors import ParameterError
from memfit.fitting.results.propagation import (
    Uncertainty,
    draw_values,
    error_by_steps,
    lowest_value,
    uncertainty_of_draws,
)
from memfit.model import (
    NAMES,
    PARAMETERS,
    Loop,
    Parameters,
    junction_voltage,
    least_log_gain_margin,
    least_log_gain_margin_derivatives,
    log_gain_margin,
)
from memfit.model.stability import gain_margins
from memfit.protocols import Control


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the sampling."""

    samples: int = 4096
    """Devices in a sample: probabilities to 0.008, limits of intervals to 4 % of a standard error."""
    fewest_draws: int = 100
    """Draws of a posterior or a bootstrap without which they say too little."""
    least_resistance: float = 1e-12
    """Of R_b: below it a source pins the voltage and nothing oscillates."""
    largest_bias: float = 1e3
    """V or A: more is a mistake of the unit."""
    largest_log: float = 700.0
    """Margins beyond its exponential are no numbers."""
    bisections: int = 80
    """To the last digit of a voltage."""


SETTINGS = Settings()


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Devices drawn from the uncertainty of one, as arrays."""

    values: dict[str, FloatArray]
    """Parameters by name, SI."""
    loop: Loop
    """Their loops in the circuit."""


def draw(
    p: Parameters, circuit: Circuit, uncertainty: Uncertainty, *, seed: int, size: int = SETTINGS.samples
) -> Sample:
    """Devices that the data allow, as seen by a circuit which does not pin the voltage.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    uncertainty : Uncertainty
    seed : int
    size : int
        Number of devices, even.
    """
    values = draw_values(p, uncertainty, seed=seed, size=size)
    return Sample(values=values, loop=_loops(circuit, values))


def sample_of(p: Parameters, circuit: Circuit, draws: Mapping[str, ArrayLike]) -> Sample:
    """Devices that someone else drew, such as the chain of a posterior, as seen by a circuit.

    Parameters
    ----------
    p : Parameters
        Values of what was not drawn.
    circuit : Circuit
        One that does not pin the voltage.
    draws : mapping of str to (n,) array
        Values in SI units by name; names that are no parameters do not matter.

    Raises
    ------
    ParameterError
        Nothing that matters was drawn, lengths differ, or a value is out of range.
    """
    ours = {name: np.asarray(values, dtype=np.float64) for name, values in draws.items() if name in NAMES}
    shapes = {values.shape for values in ours.values()}
    shape = next(iter(shapes), ())
    if len(shapes) != 1 or len(shape) != 1 or shape[0] < SETTINGS.fewest_draws:
        there = ", ".join(f"{name} {values.shape}" for name, values in ours.items()) or "none"
        raise ParameterError(
            f"Expected at least {SETTINGS.fewest_draws} draws, equally many of each parameter among "
            f"{', '.join(NAMES)}; found {there}."
        )
    for name, drawn in ours.items():
        within = drawn > 0.0 if PARAMETERS[name].logarithmic else drawn >= lowest_value(name)
        if not np.all(np.isfinite(drawn) & within):
            raise ParameterError(f"Expected finite draws of {name} within its range, found others.")
    values = {name: ours.get(name, np.full(shape, getattr(p, name))) for name in NAMES}
    return Sample(values=values, loop=_loops(circuit, values))


def _loops(circuit: Circuit, values: Mapping[str, FloatArray]) -> Loop:
    """The loops of many devices in a circuit."""
    resistance = np.array(np.inf)
    if circuit.control == "voltage":
        least = SETTINGS.least_resistance * values["R_b"]
        resistance = np.maximum(values["R_s"] + circuit.load, least)
    return Loop.from_values(values, resistance, np.array(circuit.external_capacitance))


def interval95(values: FloatArray) -> Interval:
    """Central 95 % of a sample (`memfit.confidence.TAILS`)."""
    low, high = np.quantile(values, TAILS)
    return float(low), float(high)


def probability_of_oscillation(
    p: Parameters, circuit: Circuit, uncertainty: Uncertainty, sample: Sample
) -> float:
    """Probability that the smallest gain margin is below 1.

    The fraction of the sample; where it is none or all of it, the tail of the linear propagation, Phi(-m/s)
    for the log margin m and its standard error s, kept beyond what the sample can see.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    uncertainty : Uncertainty
    sample : Sample
        Drawn from it.
    """
    fraction = float(np.mean(least_log_gain_margin(sample.loop) < 0.0))
    if 0.0 < fraction < 1.0:
        return fraction
    slopes = least_log_gain_margin_derivatives(p, circuit.resistance(p), circuit.external_capacitance)
    unit = [1.0 if name in uncertainty.additive else getattr(p, name) for name in uncertainty.names]
    by_fitted = slopes[[NAMES.index(name) for name in uncertainty.names]] * np.array(unit)
    variance = float(by_fitted @ uncertainty.covariance @ by_fitted)
    margin = float(least_log_gain_margin(circuit.loop(p)))
    tail = float(ndtr(-margin / np.sqrt(variance))) if variance > 0.0 else float(margin < 0.0)
    resolution = 0.5 / sample.loop.gain.size
    return min(tail, resolution) if fraction == 0.0 else max(tail, 1.0 - resolution)


@dataclass(frozen=True, kw_only=True)
class BiasStability:
    """One device at one bias in one circuit."""

    circuit: Circuit
    u: float
    """Voltage across the junction, V."""
    V: float
    """Terminal voltage, V."""
    I: float  # noqa: E741 - the field's symbol
    """Current, A."""
    kind: str
    """As in `memfit.analysis.stability.circuit.KINDS`."""
    eigenvalues: tuple[complex, ...]
    """1/s, the least stable first."""
    damping_ratio: float
    frequency_Hz: float
    """Of the oscillating pair of eigenvalues; 0 where there is none."""
    gain_margin: float | None
    """Threshold over loop gain; None for a model of two lags, and far from V_T, beyond numbers."""
    gain_margin_ci95: Interval | None = None
    phase_margin: float | None = None
    """Degrees; None where the loop gain is below 1."""
    probability_unstable: float | None = None
    """None without a covariance or draws."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        kept = ("u", "V", "I", "kind", "eigenvalues", "damping_ratio", "frequency_Hz", "gain_margin")
        return {
            **{name: getattr(self, name) for name in kept},
            "eigenvalues": [[value.real, value.imag] for value in self.eigenvalues],
            "gain_margin_ci95": list(self.gain_margin_ci95) if self.gain_margin_ci95 else None,
            "phase_margin_degrees": self.phase_margin,
            "probability_unstable": self.probability_unstable,
        }


def spread_of(sample: Sample, draws: Mapping[str, ArrayLike]) -> Uncertainty:
    """The covariance of what was drawn.

    Parameters
    ----------
    sample : Sample
        Made of the draws.
    draws : mapping of str to (n,) array
    """
    return uncertainty_of_draws({name: sample.values[name] for name in draws if name in NAMES})


def _of_member(
    p: Parameters, circuit: Circuit, bias: float, quantity: Control, uncertainty: Uncertainty | None
) -> tuple[float | None, Interval | None]:
    """Probability that a member is unstable at a bias, and the interval of its gain margin, both linear."""

    def log_margin(moved: Parameters) -> float | None:
        """At the same bias, of a device like this."""
        u = junction_voltage(moved, quantity, np.array([bias]))
        margin = float(gain_margins(moved, u, circuit.resistance(moved), circuit.external_capacitance)[0][0])
        return math.log(margin) if 0.0 < margin < math.inf else None

    here = log_margin(p)
    error = error_by_steps(p, uncertainty, log_margin) if uncertainty is not None else None
    if here is None or error is None:
        return None, None
    low, high = here - Z * error, here + Z * error
    interval = (math.exp(low), math.exp(high)) if high < SETTINGS.largest_log else None
    return probability_below_0(here, error), interval


def stability_at(
    p: Parameters,
    circuit: Circuit,
    bias: float,
    quantity: Control = "voltage",
    *,
    uncertainty: Uncertainty | None = None,
    draws: Mapping[str, ArrayLike] | None = None,
    seed: int = 0,
) -> BiasStability:
    """The steady state of a device at a bias, with the probability that it is unstable in the circuit.

    In a sample of devices each has its own junction voltage at that bias.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
        One that leaves the junction free to move.
    bias : float, V or A
        Terminal voltage of the device, or its current.
    quantity : {"voltage", "current"}
        Which of the two `bias` is.
    uncertainty : Uncertainty, optional
        The covariance of a fit.
    draws : mapping of str to (n,) array, optional
        Parameters drawn from a posterior, in its place.
    seed : int

    Raises
    ------
    InputError
        The circuit pins the voltage.
    ParameterError
        The bias is absurd, or the draws cannot be used.
    """
    if not abs(bias) <= SETTINGS.largest_bias:
        raise ParameterError(
            f"Expected a bias of at most {SETTINGS.largest_bias:g} {'V' if quantity == 'voltage' else 'A'}, "
            f"found {bias:g}."
        )
    u = float(junction_voltage(p, quantity, np.array([bias]))[0])
    with np.errstate(over="ignore"):  # far from V_T the margin is beyond any number
        point = operating_points_at(p, circuit, u)
    margin, phase = float(point.gain_margin[0]), float(point.phase_margin[0])
    sample, probability, interval = None, None, None
    if p.parts:
        known = spread_of(sample_of(p, circuit, draws), draws) if draws is not None else uncertainty
        probability, interval = _of_member(p, circuit, bias, quantity, known)
    elif np.isfinite(margin) and draws is not None:
        sample = sample_of(p, circuit, draws)
    elif np.isfinite(margin) and uncertainty is not None:
        sample = draw(p, circuit, uncertainty, seed=seed)
    if sample is not None:
        margins = log_gain_margin(sample.loop, _bias_coordinates(sample.values, bias, quantity))
        probability = float(np.mean(margins < 0.0))
        low, high = interval95(margins)
        interval = (float(np.exp(low)), float(np.exp(high))) if high < SETTINGS.largest_log else None
    return BiasStability(
        circuit=circuit,
        u=u,
        V=float(point.V[0]),
        I=float(point.I[0]),
        kind=KINDS[int(point.kind[0])],
        eigenvalues=tuple(complex(value) for value in point.eigenvalues[0]),
        damping_ratio=float(point.damping_ratio[0]),
        frequency_Hz=float(point.frequency_Hz[0]),
        gain_margin=margin if np.isfinite(margin) else None,
        gain_margin_ci95=interval,
        phase_margin=phase if np.isfinite(phase) else None,
        probability_unstable=probability,
    )


def _bias_coordinates(values: Mapping[str, FloatArray], bias: float, quantity: Control) -> FloatArray:
    """(n,) steady (u - V_T)/V_m of each device of a sample, by bisection: the steady curve rises."""
    largest = np.abs(bias) / values["R_b"] + values["i_c0"]
    if quantity == "voltage":
        low, high = bias - values["R_s"] * largest, bias + values["R_s"] * largest
    else:
        low, high = (bias - values["i_c0"]) * values["R_b"], bias * values["R_b"]
    for _ in range(SETTINGS.bisections):
        u = 0.5 * (low + high)
        x = np.clip((u - values["V_T"]) / values["V_m"], -SETTINGS.largest_log, SETTINGS.largest_log)
        current = u / values["R_b"] + values["i_c0"] / (1.0 + np.exp(-x))
        excess = (u + values["R_s"] * current if quantity == "voltage" else current) > bias
        low, high = np.where(excess, low, u), np.where(excess, u, high)
    return np.asarray((0.5 * (low + high) - values["V_T"]) / values["V_m"])
