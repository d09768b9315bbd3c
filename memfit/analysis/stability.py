"""How near a device is to self-sustained oscillation, in a stated circuit and with its uncertainty.

The verdict rests on the gain margin (threshold of the loop gain over the loop gain, `memfit.model.boundary`)
at its smallest over all biases:

oscillates    it is below 1, and so is its 95 % interval where there is one
near          otherwise, if the interval contains 1 or the margin is below 1.25
stable        otherwise
undetermined  the data leave it open by more than four decades, or leave out a parameter
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from memfit.analysis.circuit import Circuit
from memfit.analysis.hopf import HopfPoint, find_hopf_points
from memfit.analysis.recipe import CHANGEABLE, changes_to_hopf, values_to_hopf
from memfit.analysis.spread import (
    Interval,
    Sample,
    Uncertainty,
    draw,
    interval95,
    probability_of_oscillation,
    uncertainty_of,
)
from memfit.errors import InputError
from memfit.fitting.result import FitResult
from memfit.model.boundary import Loop, hopf_biases, least_log_gain_margin, least_margin_bias
from memfit.model.linear import eigenvalues
from memfit.model.parameters import Parameters

Verdict = Literal["oscillates", "near", "stable", "undetermined"]

NEAR_MARGIN = 1.25
"""Gain margins from 1 to this are "near": within 2 dB of the boundary."""

OPEN_RATIO = 1e4
"""An interval that contains 1 and spans more than this ratio says nothing."""

LEAST_SHARE = 0.05
"""A Hopf interval needs at least this share of the sample to have a Hopf point."""

DEFAULT_CIRCUITS: Mapping[str, Circuit] = {
    "current": Circuit(control="current"),
    "voltage": Circuit(control="voltage"),
}
"""A current source, and a voltage source through the series resistance of the measurement alone."""


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
    hopf_u_ci95: tuple[Interval | None, ...] = ()
    """95 % interval of the voltage of each, V, given that it exists; None where unknown."""
    gain_margin_min: float | None = None
    """Smallest gain margin over all biases; None where the loop cannot oscillate at any gain."""
    gain_margin_ci95: Interval | None = None
    at_u: float | None = None
    """Voltage across the junction at which the gain margin is smallest, V."""
    changes_to_hopf: Mapping[str, float | None] = field(default_factory=dict)
    """Factor on each quantity alone that makes the smallest gain margin 1; None where none does."""
    values_to_hopf: Mapping[str, float | None] = field(default_factory=dict)
    """Load (ohm) and external capacitance (F) that do; None where none does."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data in the layout of `stability` in result.json."""
        intervals = self.hopf_u_ci95 or (None,) * len(self.hopf_points)
        return {
            "verdict": self.verdict,
            "message": self.message,
            "probability_oscillates": self.probability_oscillates,
            "hopf_points": [
                {
                    **{key: getattr(point, key) for key in _HOPF_KEYS},
                    "u_ci95": None if interval is None else list(interval),
                }
                for point, interval in zip(self.hopf_points, intervals, strict=True)
            ],
            "gain_margin_min": self.gain_margin_min,
            "gain_margin_ci95": None if self.gain_margin_ci95 is None else list(self.gain_margin_ci95),
            "at_u": self.at_u,
            "changes_to_hopf": dict(self.changes_to_hopf),
            "values_to_hopf": dict(self.values_to_hopf),
        }


_STATES = {
    "oscillates": "oscillates",
    "near": "is near self-sustained oscillation",
    "stable": "is stable at every bias",
}
_HOPF_KEYS = ("u", "V", "I", "omega", "frequency_Hz", "criticality")


def assess(
    p: Parameters,
    circuit: Circuit,
    covariance: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    logarithmic: Collection[str] | None = None,
    *,
    seed: int = 0,
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

    Raises
    ------
    ParameterError
        The covariance does not fit the names.
    """
    uncertainty = None
    if covariance is not None and names:
        uncertainty = uncertainty_of(p, covariance, names, logarithmic or ())
    if circuit.pins_voltage(p) or not Loop.of(circuit.effective(p)).can_oscillate:
        return _without_oscillation(p, circuit, known=uncertainty is not None)
    return _assess_loop(p, circuit, uncertainty, seed)


def analyse_result(
    result: FitResult, circuits: Mapping[str, Circuit] | None = None
) -> dict[str, dict[str, Any]]:
    """The `stability` block of a fit: one entry a circuit, ready for JSON.

    Parameters
    ----------
    result : FitResult
    circuits : mapping of str to Circuit, optional
        By default `DEFAULT_CIRCUITS`.
    """
    wanted = DEFAULT_CIRCUITS if circuits is None else circuits
    seed = result.plan.get("seed") or 0
    try:
        p = result.values()
    except InputError as problem:
        return {name: _undetermined(circuit, str(problem)).to_dict() for name, circuit in wanted.items()}
    if result.status.code == "not_converged":
        reason = "The fit did not converge; its values say nothing about stability."
        return {name: _undetermined(circuit, reason).to_dict() for name, circuit in wanted.items()}
    covariance = result.covariance or None
    return {
        name: assess(
            p, circuit, covariance, result.covariance_names, result.logarithmic, seed=int(seed)
        ).to_dict()
        for name, circuit in wanted.items()
    }


def _assess_loop(
    p: Parameters, circuit: Circuit, uncertainty: Uncertainty | None, seed: int
) -> CircuitStability:
    """The stability of a loop of three lags."""
    loop = Loop.of(circuit.effective(p))
    margin = float(np.exp(least_log_gain_margin(loop)))
    points = find_hopf_points(p, circuit)
    interval, probability = None, None
    hopf_intervals: tuple[Interval | None, ...] = (None,) * len(points)
    if uncertainty is not None:
        sample = draw(p, circuit, uncertainty, seed=seed)
        low, high = interval95(least_log_gain_margin(sample.loop))
        interval = (float(np.exp(low)), float(np.exp(high)))
        probability = probability_of_oscillation(p, circuit, uncertainty, sample)
        if points:
            hopf_intervals = _hopf_intervals(sample)
    verdict = _verdict(margin, interval)
    if verdict == "undetermined":
        return _undetermined(
            circuit, f"The data leave the gain margin open between {_between(interval)}, both sides of 1."
        )
    found = CircuitStability(
        circuit=circuit,
        verdict=verdict,
        message="",
        probability_oscillates=probability,
        hopf_points=points,
        hopf_u_ci95=hopf_intervals,
        gain_margin_min=margin,
        gain_margin_ci95=interval,
        at_u=p.V_T + p.V_m * float(least_margin_bias(loop)),
        changes_to_hopf=changes_to_hopf(p, circuit),
        values_to_hopf=values_to_hopf(p, circuit),
    )
    return replace(found, message=_sentence(found))


def _verdict(margin: float, interval: Interval | None) -> Verdict:
    """The rule of the module's docstring."""
    low, high = interval or (margin, margin)
    if low < 1.0 < high and high > OPEN_RATIO * low:
        return "undetermined"
    if margin < 1.0 and high < 1.0:
        return "oscillates"
    if low <= 1.0 or margin < NEAR_MARGIN:
        return "near"
    return "stable"


def _hopf_intervals(sample: Sample) -> tuple[Interval | None, ...]:
    """95 % intervals of both Hopf voltages over those devices of the sample that have them."""
    intervals: list[Interval | None] = []
    for x in hopf_biases(sample.loop):
        there = np.isfinite(x)
        u = sample.values["V_T"][there] + sample.values["V_m"][there] * x[there]
        intervals.append(interval95(u) if np.mean(there) >= LEAST_SHARE else None)
    return tuple(intervals)


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


def _sentence(found: CircuitStability) -> str:
    """The verdict in words."""
    text = f"Under {found.circuit.name} the device {_STATES[found.verdict]}"
    if found.hopf_points:
        low, high = found.hopf_points
        text += (
            f", unstable from V = {low.V:.4g} V (where it starts at {low.frequency_Hz:.3g} Hz) "
            f"to {high.V:.4g} V ({high.frequency_Hz:.3g} Hz)"
        )
    text += f"; the smallest gain margin is {found.gain_margin_min:.3g}"
    text += f" (95 % interval {_between(found.gain_margin_ci95)})" if found.gain_margin_ci95 else ""
    text += f" at u = {found.at_u:.4g} V"
    if found.probability_oscillates is not None:
        text += f"; it oscillates with a probability {_chance(found.probability_oscillates)}"
    return f"{text}."


def _chance(probability: float) -> str:
    """A probability in words; a thousandth is as far as a model is to be believed."""
    if probability < 1e-3:
        return "below 0.001"
    return "above 0.999" if probability > 0.999 else f"of {probability:.3g}"


def _between(interval: Interval | None) -> str:
    """An interval in words."""
    return "no limits" if interval is None else f"{interval[0]:.3g} to {interval[1]:.3g}"
