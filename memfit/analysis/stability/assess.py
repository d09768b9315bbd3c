"""How near a device is to self-sustained oscillation, in a stated circuit and with its uncertainty.

What is exact comes from `memfit.model.hopf_boundary`; the covariance of a fit is carried along by a seeded
sample (`memfit.analysis.stability.sampling`); the rule of the verdict is in
`memfit.analysis.stability.assess`.

The verdict on one device in one circuit, its rule, and how it is said.

The rule goes by the gain margin (threshold of the loop gain over the loop gain, `memfit.model.hopf_boundary`)
at its smallest over all biases:

oscillates    it is below 1, and so is its 95 % interval where there is one
near          otherwise, if the interval contains 1 or the margin is below 1.25
stable        otherwise
undetermined  the data leave it open by more than four decades, or leave out a parameter
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.distance import (
    CHANGEABLE,
    NearestBoundary,
    changes_to_hopf,
    nearest_in_decades,
    nearest_in_errors,
    values_to_hopf,
)
from memfit.analysis.stability.hopf import HopfPoint, find_hopf_points
from memfit.analysis.stability.sampling import (
    FEWEST_DRAWS,
    Interval,
    Sample,
    Uncertainty,
    draw,
    interval95,
    probability_of_oscillation,
    sample_of,
    uncertainty_of,
    uncertainty_of_draws,
)
from memfit.arrays import FloatArray
from memfit.errors import InputError
from memfit.fitting import findings
from memfit.fitting.result import FitResult
from memfit.fitting.serialise import from_plain
from memfit.model.hopf_boundary import (
    Loop,
    hopf_biases,
    hopf_frequency,
    least_log_gain_margin,
    least_margin_bias,
)
from memfit.model.linear import eigenvalues
from memfit.model.parameters import NAMES, Parameters

Verdict = Literal["oscillates", "near", "stable", "undetermined"]

NEAR_MARGIN = 1.25
"""Gain margins from 1 to this are "near": within 2 dB of the boundary."""

OPEN_RATIO = 1e4
"""An interval that contains 1 and spans more than this ratio says nothing."""

_HOPF_KEYS = ("u", "V", "I", "omega", "frequency_Hz", "criticality")
_STATES = {
    "oscillates": "oscillates",
    "near": "is near self-sustained oscillation",
    "stable": "is stable at every bias",
}


@dataclass(frozen=True, kw_only=True)
class HopfIntervals:
    """95 % intervals of a Hopf point, given that it exists."""

    u: Interval
    """V."""
    frequency_Hz: Interval


@dataclass(frozen=True, kw_only=True)
class CircuitStability:
    """The stability of one device in one circuit."""

    circuit: Circuit
    verdict: Verdict
    message: str
    """The verdict in a sentence."""
    probability_oscillates: float | None = None
    """Probability that some bias is unstable; None without a covariance."""
    hopf_points: tuple[HopfPoint, ...] = ()
    """The lower voltage first."""
    hopf_intervals: tuple[HopfIntervals | None, ...] = ()
    """Of each Hopf point; None where unknown."""
    window_ci95: Interval | None = None
    """95 % interval of the distance between the Hopf points, V across the junction, given that they exist."""
    gain_margin_min: float | None = None
    """Smallest gain margin over all biases; None where the loop cannot oscillate at any gain."""
    gain_margin_ci95: Interval | None = None
    at_u: float | None = None
    """Voltage across the junction at which the gain margin is smallest, V."""
    changes_to_hopf: Mapping[str, float | None] = field(default_factory=dict)
    """Factor on each quantity alone that makes the smallest gain margin 1; None where none does."""
    values_to_hopf: Mapping[str, float | None] = field(default_factory=dict)
    """Load (ohm) and external capacitance (F) that do; None where none does."""
    nearest_in_decades: NearestBoundary | None = None
    """Nearest boundary where a decade of each parameter counts alike."""
    nearest_in_errors: NearestBoundary | None = None
    """Nearest boundary in standard errors of the fit; None without a covariance."""

    def record(self, uncertainty_from: str | None = "") -> findings.CircuitStability:
        """The record that results keep."""
        plain = {**self.to_dict(), "uncertainty_from": uncertainty_from}
        record: findings.CircuitStability = from_plain(findings.CircuitStability, plain)
        return record

    def to_dict(self) -> dict[str, Any]:
        """Plain data in the layout of `stability` in result.json."""
        return {
            "verdict": self.verdict,
            "message": self.message,
            "probability_oscillates": self.probability_oscillates,
            "hopf_points": self._points(),
            "window_u": self.hopf_points[1].u - self.hopf_points[0].u if self.hopf_points else None,
            "window_u_ci95": _listed(self.window_ci95),
            "gain_margin_min": self.gain_margin_min,
            "gain_margin_ci95": _listed(self.gain_margin_ci95),
            "at_u": self.at_u,
            "changes_to_hopf": dict(self.changes_to_hopf),
            "values_to_hopf": dict(self.values_to_hopf),
            "nearest_boundary": {
                "decades": _way(self.nearest_in_decades),
                "standard_errors": _way(self.nearest_in_errors),
            },
        }

    def _points(self) -> list[dict[str, Any]]:
        """The Hopf points with their intervals."""
        intervals = self.hopf_intervals or (None,) * len(self.hopf_points)
        return [
            {
                **{key: getattr(point, key) for key in _HOPF_KEYS},
                "u_ci95": _listed(interval.u if interval else None),
                "frequency_ci95_Hz": _listed(interval.frequency_Hz if interval else None),
            }
            for point, interval in zip(self.hopf_points, intervals, strict=True)
        ]


def verdict_of(margin: float, interval: Interval | None) -> Verdict:
    """The rule of the module's docstring."""
    low, high = interval or (margin, margin)
    if low < 1.0 < high and high > OPEN_RATIO * low:
        return "undetermined"
    if margin < 1.0 and high < 1.0:
        return "oscillates"
    if low <= 1.0 or margin < NEAR_MARGIN:
        return "near"
    return "stable"


def sentence(found: CircuitStability) -> str:
    """The verdict in words."""
    text = f"Under {found.circuit.name} the device {_STATES[found.verdict]}"
    if found.hopf_points:
        low, high = found.hopf_points
        text += (
            f", unstable from V = {low.V:.4g} V (where it starts at {low.frequency_Hz:.3g} Hz) "
            f"to {high.V:.4g} V ({high.frequency_Hz:.3g} Hz)"
        )
    text += f"; the smallest gain margin is {found.gain_margin_min:.{_digits(found.gain_margin_ci95)}g}"
    text += f" (95 % interval {between(found.gain_margin_ci95)})" if found.gain_margin_ci95 else ""
    text += f" at u = {found.at_u:.4g} V"
    if found.probability_oscillates is not None:
        text += f"; it oscillates with a probability {_chance(found.probability_oscillates)}"
    return f"{text}."


def between(interval: Interval | None) -> str:
    """An interval in words, with as many digits as tell its ends apart."""
    if interval is None:
        return "no limits"
    digits = _digits(interval)
    return f"{interval[0]:.{digits}g} to {interval[1]:.{digits}g}"


def _digits(interval: Interval | None) -> int:
    """Digits in which the ends of an interval differ by two places, 3 to 6."""
    if interval is None or interval[1] <= interval[0]:
        return 3
    ratio = abs(interval[1]) / (interval[1] - interval[0])
    return min(6, max(3, 2 + math.ceil(math.log10(ratio)))) if 0.0 < ratio < math.inf else 3


def _chance(probability: float) -> str:
    """A probability in words; a thousandth is as far as a model is to be believed."""
    if probability < 1e-3:
        return "below 0.001"
    return "above 0.999" if probability > 0.999 else f"of {probability:.3g}"


def _listed(interval: Interval | None) -> list[float] | None:
    """An interval as JSON has it."""
    return None if interval is None else list(interval)


def _way(found: NearestBoundary | None) -> dict[str, Any] | None:
    """The way to the boundary as JSON has it."""
    return None if found is None else {"distance": found.distance, "factors": dict(found.factors)}


LEAST_SHARE = 0.05
"""A Hopf interval needs at least this share of the sample to have a Hopf point."""

DEFAULT_CIRCUITS: Mapping[str, Circuit] = {
    "current": Circuit(control="current"),
    "voltage": Circuit(control="voltage"),
}
"""A current source, and a voltage source through the series resistance of the measurement alone."""


def assess(
    p: Parameters,
    circuit: Circuit,
    covariance: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    logarithmic: Collection[str] | None = None,
    *,
    seed: int = 0,
    draws: Mapping[str, ArrayLike] | None = None,
) -> CircuitStability:
    """The stability of a device in a circuit, with intervals where a covariance is given.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    covariance : (n, n) array, optional
        Of the fitted quantities.
    names : sequence of n str, optional
        Their names; those that are no parameters of the model do not matter.
    logarithmic : collection of str, optional
        Those whose covariance is that of the natural logarithm.
    seed : int
        Of the sample that carries the uncertainty.
    draws : mapping of str to (n,) array, optional
        Parameters drawn from a posterior, SI, by name: they replace the covariance.

    Raises
    ------
    ParameterError
        The covariance does not fit the names.
    """
    uncertainty = None
    if covariance is not None and names:
        uncertainty = uncertainty_of(p, covariance, names, logarithmic or ())
    if draws is not None:
        checked = sample_of(p, circuit, draws)
        uncertainty = uncertainty_of_draws({name: checked.values[name] for name in draws if name in NAMES})
    if circuit.pins_voltage(p) or not Loop.of(circuit.effective(p)).can_oscillate:
        return _without_oscillation(p, circuit, known=uncertainty is not None)
    sample = None
    if draws is not None:
        sample = sample_of(p, circuit, draws)
    elif uncertainty is not None:
        sample = draw(p, circuit, uncertainty, seed=seed)
    return _assess_loop(p, circuit, uncertainty, sample)


def analyse_result(
    result: FitResult,
    circuits: Mapping[str, Circuit] | None = None,
    *,
    draws: Mapping[str, ArrayLike] | None = None,
) -> dict[str, findings.CircuitStability]:
    """The `stability` of a fit: one entry a circuit.

    Parameters
    ----------
    result : FitResult
    circuits : mapping of str to Circuit, optional
        By default `DEFAULT_CIRCUITS`.
    draws : mapping of str to (n,) array, optional
        Parameters drawn from a posterior, in place of the covariance.
    """
    wanted = DEFAULT_CIRCUITS if circuits is None else circuits
    seed = result.plan.get("seed") or 0
    try:
        p = result.values()
    except InputError as problem:
        return {name: _undetermined(circuit, str(problem)).record() for name, circuit in wanted.items()}
    if result.status.code == "not_converged":
        reason = "The fit did not converge; its values say nothing about stability."
        return {name: _undetermined(circuit, reason).record() for name, circuit in wanted.items()}
    covariance = result.covariance or None
    source = "draws"
    if draws is None:
        source, draws = sample_in(result)
    return {
        name: assess(
            p,
            circuit,
            covariance,
            result.covariance_names,
            result.logarithmic,
            seed=int(seed),
            draws=draws,
        ).record(source if covariance or draws else None)
        for name, circuit in wanted.items()
    }


def sample_in(result: FitResult) -> tuple[str, Mapping[str, FloatArray] | None]:
    """Where the uncertainty of a result is taken from, and its sample: posterior, bootstrap, covariance."""
    for source, found in (("posterior", result.posterior), ("bootstrap", result.bootstrap)):
        if found is not None and found.status == "ok" and len(found.samples) >= FEWEST_DRAWS:
            return source, {name: found.column(name) for name in found.names if name in NAMES}
    return "covariance", None


def _assess_loop(
    p: Parameters, circuit: Circuit, uncertainty: Uncertainty | None, sample: Sample | None
) -> CircuitStability:
    """The stability of a loop of three lags."""
    loop = Loop.of(circuit.effective(p))
    margin = float(np.exp(least_log_gain_margin(loop)))
    found = CircuitStability(
        circuit=circuit,
        verdict=verdict_of(margin, None),
        message="",
        hopf_points=find_hopf_points(p, circuit),
        gain_margin_min=margin,
        at_u=p.V_T + p.V_m * float(least_margin_bias(loop)),
        changes_to_hopf=changes_to_hopf(p, circuit),
        values_to_hopf=values_to_hopf(p, circuit),
        nearest_in_decades=nearest_in_decades(p, circuit),
    )
    if uncertainty is not None and sample is not None:
        found = _with_uncertainty(found, p, uncertainty, sample)
    return replace(found, message=sentence(found)) if found.verdict != "undetermined" else found


def _with_uncertainty(
    found: CircuitStability, p: Parameters, uncertainty: Uncertainty, sample: Sample
) -> CircuitStability:
    """The same with intervals, probability and the verdict that follows from them."""
    circuit = found.circuit
    low, high = np.exp(interval95(least_log_gain_margin(sample.loop)))
    interval = (float(low), float(high))
    verdict = verdict_of(found.gain_margin_min or np.inf, interval)
    if verdict == "undetermined":
        reason = f"The data leave the gain margin open from {between(interval)}, on both sides of 1."
        return _undetermined(circuit, reason)
    found = replace(
        found,
        verdict=verdict,
        gain_margin_ci95=interval,
        probability_oscillates=probability_of_oscillation(p, circuit, uncertainty, sample),
        nearest_in_errors=nearest_in_errors(p, circuit, uncertainty),
    )
    return _with_hopf_intervals(found, sample) if found.hopf_points else found


def _with_hopf_intervals(found: CircuitStability, sample: Sample) -> CircuitStability:
    """The same with intervals of the Hopf points, over those devices of the sample that have them."""
    low, high = hopf_biases(sample.loop)
    there = np.isfinite(low)
    if np.mean(there) < LEAST_SHARE:
        return found
    intervals = []
    for x in (low, high):
        u = sample.values["V_T"] + sample.values["V_m"] * x
        frequency = hopf_frequency(sample.loop, x) / (2.0 * np.pi)
        intervals.append(HopfIntervals(u=interval95(u[there]), frequency_Hz=interval95(frequency[there])))
    width = (sample.values["V_m"] * (high - low))[there]
    return replace(found, hopf_intervals=tuple(intervals), window_ci95=interval95(width))


def _without_oscillation(p: Parameters, circuit: Circuit, *, known: bool) -> CircuitStability:
    """The stability where no gain makes the loop oscillate: a pinned voltage or fewer than three lags."""
    if circuit.pins_voltage(p):
        message = (
            "A voltage source without any resistance holds the voltage across the junction: "
            "the device cannot oscillate in this circuit. Give a load or a series resistance to ask for one."
        )
    else:
        message = (
            f"The {p.model.upper()} model has two lags at most and cannot oscillate. {_ringing(p, circuit)}"
        )
    return CircuitStability(
        circuit=circuit,
        verdict="stable",
        message=message,
        probability_oscillates=0.0 if known else None,
        changes_to_hopf=changes_to_hopf(p, circuit),
        values_to_hopf=values_to_hopf(p, circuit),
    )


def _ringing(p: Parameters, circuit: Circuit) -> str:
    """How a device of two lags answers a step at V_T, where its gain is largest."""
    device = circuit.effective(p)
    slowest = eigenvalues(device, np.array(p.V_T))[0]
    if slowest.imag == 0.0:
        return f"At u = V_T it relaxes without ringing, in {-1.0 / slowest.real:.3g} s."
    damping = -slowest.real / abs(slowest)
    return (
        f"At u = V_T it rings at {slowest.imag / (2.0 * np.pi):.3g} Hz "
        f"with the damping ratio {damping:.3g} (1 = no overshoot)."
    )


def _undetermined(circuit: Circuit, reason: str) -> CircuitStability:
    """No verdict, with the reason."""
    return CircuitStability(
        circuit=circuit,
        verdict="undetermined",
        message=reason,
        changes_to_hopf=dict.fromkeys(CHANGEABLE),
        values_to_hopf=dict.fromkeys(("R_load", "C_external")),
    )
