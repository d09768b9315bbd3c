"""How near a device is to self-sustained oscillation, in a stated circuit and with its uncertainty.

What is exact comes from `memfit.model.hopf_boundary`; the covariance of a fit, or draws in its place, are
carried along by a sample of devices. The verdict goes by the gain margin (threshold of the loop gain over the
loop gain) at its smallest over all biases:

oscillates    it is below 1, and so is its 95 % interval where there is one
near          otherwise, if the interval contains 1 or the margin is below 1.25
stable        otherwise
undetermined  the data leave it open by more than four decades, or leave out a parameter
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from memfit.analysis.stability import sampling
from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.hopf import (
    CHANGEABLE,
    changes_to_hopf,
    nearest_in_decades,
    nearest_in_errors,
    values_to_hopf,
)
from memfit.analysis.stability.member import assess_member, hopf_estimates, margin_left_open
from memfit.analysis.stability.members import averaged, parameters_of
from memfit.analysis.stability.sampling import (
    Sample,
    draw,
    interval95,
    probability_of_oscillation,
    sample_of,
)
from memfit.arrays import Interval
from memfit.errors import InputError
from memfit.fitting import CircuitStability, FitResult, NearestBoundary
from memfit.fitting.results.findings import Member
from memfit.fitting.results.propagation import Uncertainty, uncertainty_of
from memfit.model import (
    NAMES,
    Parameters,
    eigenvalues,
    hopf_biases,
    hopf_frequency,
    least_log_gain_margin,
    least_margin_bias,
)

Verdict = Literal["oscillates", "near", "stable", "undetermined"]


@dataclass(frozen=True)
class Settings:
    """Numbers behind the verdict."""

    near_margin: float = 1.25
    """Gain margins from 1 to this are "near": within 2 dB of the boundary."""
    open_ratio: float = 1e4
    """An interval that contains 1 and spans more than this ratio says nothing."""
    least_share: float = 0.05
    """A Hopf interval needs at least this share of the sample to have a Hopf point."""


SETTINGS = Settings()

DEFAULT_CIRCUITS: Mapping[str, Circuit] = {
    "current": Circuit(control="current"),
    "voltage": Circuit(control="voltage"),
}
"""A current source, and a voltage source through the series resistance of the measurement alone."""

_MOST_SPECTRA = 2
"""Told one by one where they go before the model."""
_PREDICATES = {
    "oscillates": "oscillates",
    "near": "is near self-sustained oscillation",
    "stable": "is stable at every bias",
}


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
        The covariance does not fit the names, or the draws cannot be used.
    """
    uncertainty, sample = None, None
    if draws is not None:
        sample = sample_of(p, circuit, draws)
        uncertainty = sampling.spread_of(sample, draws)
    elif covariance is not None and names:
        uncertainty = uncertainty_of(p, covariance, names, logarithmic or ())
    if p.parts:
        return assess_member(p, circuit, uncertainty)
    if not circuit.can_oscillate(p):
        return _without_oscillation(p, circuit, known=uncertainty is not None)
    loop = circuit.loop(p)
    margin = float(np.exp(least_log_gain_margin(loop)))
    points = hopf_estimates(p, circuit)
    known = CircuitStability(
        verdict=_verdict(margin, None),
        hopf_points=points,
        window_u=points[1].u - points[0].u if points else None,
        gain_margin_min=margin,
        at_u=p.V_T + p.V_m * float(least_margin_bias(loop)),
        changes_to_hopf=changes_to_hopf(p, circuit),
        values_to_hopf=values_to_hopf(p, circuit),
        nearest_boundary=NearestBoundary(decades=nearest_in_decades(p, circuit)),
    )
    if uncertainty is not None:
        sample = sample or draw(p, circuit, uncertainty, seed=seed)
        known = _with_uncertainty(known, p, circuit, uncertainty, sample)
    if known.verdict == "undetermined":
        return known
    return replace(known, message=_sentence(known, circuit))


def analyse_result(
    result: FitResult,
    circuits: Mapping[str, Circuit] | None = None,
    *,
    draws: Mapping[str, ArrayLike] | None = None,
) -> dict[str, CircuitStability]:
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
    p, reason = None, "The fit did not converge; its values say nothing about stability."
    try:
        p = result.values()
    except InputError as problem:
        reason = str(problem)
    if p is None or result.status.code == "not_converged":
        open_ = {name: _undetermined(reason, circuit) for name, circuit in wanted.items()}
        return {name: _after_spectra(one, wanted[name], result) for name, one in open_.items()}
    source = "draws"
    if draws is None:
        source, enough = "covariance", sampling.SETTINGS.fewest_draws
        for kind, drawn in (("bootstrap", result.bootstrap), ("posterior", result.posterior)):
            if drawn is not None and drawn.status == "ok" and len(drawn.samples) >= enough:
                source, draws = kind, {name: drawn.column(name) for name in drawn.names if name in NAMES}
    if result.misfit is not None and result.misfit.certain and source in ("bootstrap", "posterior"):
        source, draws = "covariance", None  # resampled noise knows nothing of a misfit
    by = source if result.covariance or draws else None
    names, seed = result.covariance_names, int(result.plan.get("seed") or 0)
    assessed = {
        name: assess(p, circuit, result.covariance or None, names, result.logarithmic, seed=seed, draws=draws)
        for name, circuit in wanted.items()
    }
    assessed = {name: replace(one, uncertainty_from=by) for name, one in assessed.items()}
    assessed = {name: _as_sure_as_the_model(one, wanted[name], p, result) for name, one in assessed.items()}
    assessed = averaged(assessed, result, wanted, assess_one)
    return {name: _after_spectra(one, wanted[name], result) for name, one in assessed.items()}


def assess_one(one: Member, circuit: Circuit) -> CircuitStability:
    """The stability of a member that a fit listed.

    Parameters
    ----------
    one : Member
    circuit : Circuit
    """
    return assess(parameters_of(one), circuit, one.covariance or None, one.covariance_names, one.logarithmic)


def _as_sure_as_the_model(
    known: CircuitStability, circuit: Circuit, p: Parameters, result: FitResult
) -> CircuitStability:
    """The stability without a probability where the model fails, or where parts of the data contradict it."""
    misfit = result.misfit
    if misfit is None or not misfit.certain or known.verdict == "undetermined":
        return known
    if misfit.large:
        reason = "The model does not describe this device: what it says of oscillation is no verdict."
        if misfit.mistake:
            reason = "The records do not go together: before that is settled there is no verdict."
    else:
        unstable = (known.gain_margin_min or np.inf) < 1.0
        against = []
        for part in misfit.without:
            other = p.replace(**part.values)
            if (beyond := _is_unstable(other, circuit)) is not None and beyond != unstable:
                against.append(part.left_out)
        if not against:
            return known
        reason = f"Without {against[0]} the same fit says the opposite."
    margin = known.gain_margin_min
    as_fitted = f" As fitted, the smallest gain margin is {margin:.3g}." if margin is not None else ""
    return replace(
        known,
        verdict="undetermined",
        probability_oscillates=None,
        probability_reason=reason,
        message=f"{reason}{as_fitted}",
    )


def _after_spectra(known: CircuitStability, circuit: Circuit, result: FitResult) -> CircuitStability:
    """The stability where measured spectra go before it: they say so of a current source and no capacitor."""
    if circuit.control != "current" or circuit.external_capacitance:
        return known
    unstable = [one for one in result.spectra_alone if one.unstable]
    against = [one for one in result.spectra_alone if one.contradicts]
    if unstable and (known.verdict == "undetermined" or any(one.contradicts for one in unstable)):
        chosen = [one for one in unstable if one.contradicts] or unstable
        if result.misfit is not None and result.misfit.mistake:  # of which device is it?
            return replace(known, message=f"{known.message} {chosen[0].sentence}")
        verdict: Verdict = "oscillates"
    elif against and known.verdict != "stable":
        chosen, verdict = against, "undetermined"
    else:
        return known
    margins = [one for one in chosen if one.unstable and one.gain_margin is not None]
    least = min(margins, key=lambda one: one.gain_margin or 0.0, default=None)
    said = " ".join(one.sentence for one in chosen[:_MOST_SPECTRA])
    if len(chosen) > _MOST_SPECTRA:
        said += f" So it is with {len(chosen) - _MOST_SPECTRA} more."
    return replace(
        known,
        verdict=verdict,
        measured=said,
        message=f"{said} {known.message}".strip() if known.verdict == "undetermined" else said,
        probability_oscillates=None,
        probability_reason=said,
        probability_range=(),
        hopf_points=(),
        window_u=None,
        window_u_ci95=None,
        gain_margin_min=least.gain_margin if least else None,
        gain_margin_ci95=least.gain_margin_ci95 if least else None,
        gain_margin_by="spectrum" if least else "",
        at_u=None,
        changes_to_hopf=dict.fromkeys(known.changes_to_hopf),
        values_to_hopf=dict.fromkeys(known.values_to_hopf),
        nearest_boundary=NearestBoundary(),
    )


def _is_unstable(p: Parameters, circuit: Circuit) -> bool | None:
    """Whether some bias is unstable; None where nothing makes the device oscillate."""
    if p.parts:
        margin = assess_member(p, circuit).gain_margin_min
        return None if margin is None else margin < 1.0
    return bool(least_log_gain_margin(circuit.loop(p)) < 0.0) if circuit.can_oscillate(p) else None


def _verdict(margin: float, interval: Interval | None) -> Verdict:
    """The rule of the module's docstring, by the smallest gain margin and its 95 % interval."""
    low, high = interval or (margin, margin)
    if low < 1.0 < high and high > SETTINGS.open_ratio * low:
        return "undetermined"
    if margin < 1.0 and high < 1.0:
        return "oscillates"
    if low <= 1.0 or margin < SETTINGS.near_margin:
        return "near"
    return "stable"


def _with_uncertainty(
    known: CircuitStability, p: Parameters, circuit: Circuit, uncertainty: Uncertainty, sample: Sample
) -> CircuitStability:
    """The same with intervals, probability and the verdict that follows from them.

    Intervals of the Hopf points are over those devices of the sample that have them.
    """
    low, high = np.exp(interval95(least_log_gain_margin(sample.loop)))
    interval = (float(low), float(high))
    verdict = _verdict(known.gain_margin_min or np.inf, interval)
    if verdict == "undetermined":
        return _undetermined(
            margin_left_open(interval, _interval_text(interval)),
            circuit,
        )
    known = replace(
        known,
        verdict=verdict,
        gain_margin_ci95=interval,
        probability_oscillates=probability_of_oscillation(p, circuit, uncertainty, sample),
        nearest_boundary=replace(
            known.nearest_boundary, standard_errors=nearest_in_errors(p, circuit, uncertainty)
        ),
    )
    biases = hopf_biases(sample.loop)
    there = np.isfinite(biases[0])
    if not known.hopf_points or np.mean(there) < SETTINGS.least_share:
        return known
    V_T, V_m = sample.values["V_T"], sample.values["V_m"]
    points = [
        replace(
            point,
            u_ci95=interval95((V_T + V_m * x)[there]),
            frequency_ci95_Hz=interval95((hopf_frequency(sample.loop, x) / (2.0 * np.pi))[there]),
        )
        for point, x in zip(known.hopf_points, biases, strict=True)
    ]
    width = (V_m * (biases[1] - biases[0]))[there]
    return replace(known, hopf_points=tuple(points), window_u_ci95=interval95(width))


def _without_oscillation(p: Parameters, circuit: Circuit, *, known: bool) -> CircuitStability:
    """The stability where no gain makes the loop oscillate: a pinned voltage or fewer than three lags."""
    if circuit.pins_voltage(p):
        message = (
            "A voltage source without any resistance holds the voltage across the junction: "
            "the device cannot oscillate in this circuit. Give a load or a series resistance to ask for one."
        )
    else:
        slowest = eigenvalues(circuit.effective(p), np.array(p.V_T))[0]  # at V_T the gain is largest
        if slowest.imag == 0.0:
            answer = f"relaxes without ringing, in {-1.0 / slowest.real:.3g} s."
        else:
            frequency, damping = slowest.imag / (2.0 * np.pi), -slowest.real / abs(slowest)
            answer = f"rings at {frequency:.3g} Hz with the damping ratio {damping:.3g} (1 = no overshoot)."
        model = p.model.upper()
        message = f"The {model} model has two lags at most and cannot oscillate. At u = V_T it {answer}"
    return CircuitStability(
        verdict="stable",
        message=message,
        probability_oscillates=0.0 if known else None,
        changes_to_hopf=changes_to_hopf(p, circuit),
        values_to_hopf=values_to_hopf(p, circuit),
    )


def _undetermined(reason: str, circuit: Circuit) -> CircuitStability:
    """No verdict, with the reason."""
    return CircuitStability(
        verdict="undetermined",
        message=reason,
        changes_to_hopf=dict.fromkeys(CHANGEABLE),
        values_to_hopf=dict.fromkeys(circuit.added),
    )


def _sentence(known: CircuitStability, circuit: Circuit) -> str:
    """The verdict in words."""
    text = f"Under {circuit.name} the device {_PREDICATES[known.verdict]}"
    if known.hopf_points:
        low, high = known.hopf_points
        text += (
            f", unstable from V = {low.V:.4g} V (where it starts at {low.frequency_Hz:.3g} Hz) "
            f"to {high.V:.4g} V ({high.frequency_Hz:.3g} Hz)"
        )
    interval = known.gain_margin_ci95
    text += f"; the smallest gain margin is {known.gain_margin_min:.{_digits(interval)}g}"
    text += f" (95 % interval {_interval_text(interval)})" if interval else ""
    text += f" at u = {known.at_u:.4g} V"
    chance = known.probability_oscillates
    if chance is not None:  # a thousandth is as far as a model is to be believed
        said = "below 0.001" if chance < 1e-3 else "above 0.999" if chance > 0.999 else f"of {chance:.3g}"
        text += f"; it oscillates with a probability {said}"
    return f"{text}."


def _interval_text(interval: Interval) -> str:
    """An interval in words, with as many digits as tell its ends apart."""
    return " to ".join(f"{end:.{_digits(interval)}g}" for end in interval)


def _digits(interval: Interval | None) -> int:
    """Digits in which the ends of an interval differ by two places, 3 to 6."""
    if interval is None or interval[1] <= interval[0]:
        return 3
    ratio = abs(interval[1]) / (interval[1] - interval[0])
    return min(6, max(3, 2 + math.ceil(math.log10(ratio)))) if 0.0 < ratio < math.inf else 3
