"""How near a device is to self-sustained oscillation, in a stated circuit and with its uncertainty.

What is exact comes from `memfit.model.boundary`; the covariance of a fit is carried along by a seeded sample
(`memfit.analysis.spread`); the rule of the verdict is in `memfit.analysis.verdict`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from memfit.analysis.circuit import Circuit
from memfit.analysis.hopf import find_hopf_points
from memfit.analysis.nearest import nearest_in_decades, nearest_in_errors
from memfit.analysis.recipe import CHANGEABLE, changes_to_hopf, values_to_hopf
from memfit.analysis.spread import (
    FEWEST_DRAWS,
    Sample,
    Uncertainty,
    draw,
    interval95,
    probability_of_oscillation,
    sample_of,
    uncertainty_of,
    uncertainty_of_draws,
)
from memfit.analysis.verdict import CircuitStability, HopfIntervals, between, sentence, verdict_of
from memfit.arrays import FloatArray
from memfit.errors import InputError
from memfit.fitting.result import FitResult
from memfit.model.boundary import (
    Loop,
    hopf_biases,
    hopf_frequency,
    least_log_gain_margin,
    least_margin_bias,
)
from memfit.model.linear import eigenvalues
from memfit.model.parameters import NAMES, Parameters

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
) -> dict[str, dict[str, Any]]:
    """The `stability` block of a fit: one entry a circuit, ready for JSON.

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
        return {name: _undetermined(circuit, str(problem)).to_dict() for name, circuit in wanted.items()}
    if result.status.code == "not_converged":
        reason = "The fit did not converge; its values say nothing about stability."
        return {name: _undetermined(circuit, reason).to_dict() for name, circuit in wanted.items()}
    covariance = result.covariance or None
    source = "draws"
    if draws is None:
        source, draws = sample_in(result)
    return {
        name: {
            **assess(
                p,
                circuit,
                covariance,
                result.covariance_names,
                result.logarithmic,
                seed=int(seed),
                draws=draws,
            ).to_dict(),
            "uncertainty_from": source if covariance or draws else None,
        }
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
