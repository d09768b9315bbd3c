"""From the covariance of a fit to the spread of what depends on it, by a seeded sample.

The smallest log gain margin is smooth but curved, and Hopf voltages have a square-root singularity where the
two merge: linear propagation is wrong just where the question is interesting. All of it is closed form for
many devices at once, so a sample of thousands costs milliseconds. It comes in opposite pairs and is scaled to
have the mean and the covariance exactly.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from memfit.analysis.stability.circuit import Circuit
from memfit.arrays import FloatArray
from memfit.confidence import TAILS
from memfit.errors import ParameterError
from memfit.model.hopf_boundary import (
    Loop,
    least_log_gain_margin,
    least_log_gain_margin_derivatives,
    log_gain_margin,
)
from memfit.model.parameters import NAMES, Parameters

SAMPLES = 4096
"""Devices in a sample: probabilities to 0.008, 95 % limits to 4 % of a standard error."""

FEWEST_DRAWS = 100

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Uncertainty:
    """Covariance of the fitted parameters of a device."""

    names: tuple[str, ...]
    covariance: FloatArray
    """(n, n), of the natural logarithm for all but `additive` ones."""
    additive: frozenset[str]
    """Parameters whose covariance is that of the value: V_T and R_s, unless fitted in the logarithm."""


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
    kept = [index for index, name in enumerate(names) if name in NAMES]
    ours = tuple(names[index] for index in kept)
    additive = frozenset(
        name
        for name in ours
        if name not in logarithmic and (name in ("V_T", "R_s", "L_s") or getattr(p, name) <= 0.0)
    )
    scale = np.array(
        [1.0 if name in logarithmic or name in additive else 1.0 / getattr(p, name) for name in ours]
    )
    part = matrix[np.ix_(kept, kept)] * np.outer(scale, scale)
    return Uncertainty(names=ours, covariance=0.5 * (part + part.T), additive=additive)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Devices drawn from the uncertainty of one, as arrays."""

    values: dict[str, FloatArray]
    """Parameters by name, SI."""
    loop: Loop
    """Their loops in the circuit."""


def draw(
    p: Parameters, circuit: Circuit, uncertainty: Uncertainty, *, seed: int, size: int = SAMPLES
) -> Sample:
    """Devices that the data allow, as seen by a circuit which does not pin the voltage."""
    steps = _normal_steps(uncertainty.covariance, size, seed)
    values = {name: np.full(size, getattr(p, name)) for name in NAMES}
    for name, step in zip(uncertainty.names, steps.T, strict=True):
        if name in uncertainty.additive:
            lowest = -np.inf if name == "V_T" else 0.0
            values[name] = np.maximum(values[name] + step, lowest)
        else:
            values[name] = values[name] * np.exp(np.clip(step, -_LARGEST_STEP, _LARGEST_STEP))
    return Sample(values=values, loop=_loops(circuit, values))


def _loops(circuit: Circuit, values: Mapping[str, FloatArray]) -> Loop:
    """The loops of many devices in a circuit."""
    resistance = (
        np.array(np.inf)
        if circuit.control == "current"
        else np.maximum(values["R_s"] + circuit.load, _LEAST_RESISTANCE * values["R_b"])
    )
    return Loop.from_values(
        **{name: values[name] for name in ("R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k")},
        resistance=resistance,
        capacitance=np.array(circuit.external_capacitance),
    )


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
    sizes = {values.shape for values in ours.values()}
    if len(sizes) != 1 or len(next(iter(sizes))) != 1 or next(iter(sizes))[0] < FEWEST_DRAWS:
        there = ", ".join(f"{name} {values.shape}" for name, values in ours.items()) or "none"
        raise ParameterError(
            f"Expected at least {FEWEST_DRAWS} draws, equally many of each parameter among "
            f"{', '.join(NAMES)}; found {there}."
        )
    for name, drawn in ours.items():
        within = (
            drawn > 0.0 if name not in ("V_T", "R_s", "L_s") else drawn >= (0.0 if name != "V_T" else -np.inf)
        )
        if not np.all(np.isfinite(drawn) & within):
            raise ParameterError(f"Expected finite draws of {name} within its range, found others.")
    size = next(iter(sizes))[0]
    values = {name: ours.get(name, np.full(size, getattr(p, name))) for name in NAMES}
    return Sample(values=values, loop=_loops(circuit, values))


def uncertainty_of_draws(draws: Mapping[str, ArrayLike]) -> Uncertainty:
    """Covariance of draws, of the logarithm for all but V_T and R_s."""
    names = tuple(name for name in NAMES if name in draws and np.ptp(np.asarray(draws[name])) > 0.0)
    additive = frozenset({"V_T", "R_s", "L_s"} & set(names))
    steps = [
        np.asarray(draws[name], dtype=np.float64) if name in additive else np.log(np.asarray(draws[name]))
        for name in names
    ]
    covariance = np.atleast_2d(np.cov(np.array(steps))) if names else np.zeros((0, 0))
    return Uncertainty(names=names, covariance=covariance, additive=additive)


def interval95(values: FloatArray) -> Interval:
    """Central 95 % of a sample."""
    low, high = np.quantile(values, TAILS)
    return float(low), float(high)


def probability_of_oscillation(
    p: Parameters, circuit: Circuit, uncertainty: Uncertainty, sample: Sample
) -> float:
    """Probability that the smallest gain margin is below 1.

    The fraction of the sample; where it is none or all of it, the tail of the linear propagation, kept beyond
    what the sample can see.
    """
    fraction = float(np.mean(least_log_gain_margin(sample.loop) < 0.0))
    if 0.0 < fraction < 1.0:
        return fraction
    resolution = 0.5 / sample.loop.gain.size
    tail = _linear_probability(p, circuit, uncertainty)
    return min(tail, resolution) if fraction == 0.0 else max(tail, 1.0 - resolution)


def probability_of_instability(sample: Sample, u: ArrayLike) -> FloatArray:
    """(n,) probability that the steady state at each voltage across the junction (V) is unstable."""
    voltage = np.atleast_1d(np.asarray(u, dtype=np.float64))
    result = [
        np.mean(log_gain_margin(sample.loop, (v - sample.values["V_T"]) / sample.values["V_m"]) < 0.0)
        for v in voltage
    ]
    return np.array(result)


_LARGEST_STEP = 100.0  # of a logarithm: an undetermined parameter must not overflow
_LEAST_RESISTANCE = 1e-12  # of R_b: below it a source pins the voltage and nothing oscillates


def _linear_probability(p: Parameters, circuit: Circuit, uncertainty: Uncertainty) -> float:
    """Phi(-m/s) for the log margin m and its standard error s."""
    resistance = circuit.resistance(p)
    gradient = least_log_gain_margin_derivatives(p, resistance, circuit.external_capacitance)
    by_fitted = np.array(
        [
            gradient[NAMES.index(name)] * (1.0 if name in uncertainty.additive else getattr(p, name))
            for name in uncertainty.names
        ]
    )
    variance = float(by_fitted @ uncertainty.covariance @ by_fitted)
    margin = float(least_log_gain_margin(Loop.of(circuit.effective(p))))
    if variance <= 0.0:
        return float(margin < 0.0)
    return float(ndtr(-margin / np.sqrt(variance)))


def _normal_steps(covariance: FloatArray, size: int, seed: int) -> FloatArray:
    """(size, n) normal deviations in opposite pairs, with exactly this covariance."""
    n = len(covariance)
    half = np.random.default_rng(seed).standard_normal((size // 2, n))
    pairs = np.concatenate([half, -half])
    unit = np.linalg.solve(np.linalg.cholesky(pairs.T @ pairs / size), pairs.T).T if n else pairs
    variances, axes = np.linalg.eigh(covariance) if n else (np.zeros(0), np.zeros((0, 0)))
    result: FloatArray = unit @ (axes * np.sqrt(np.maximum(variances, 0.0))).T
    return result
