"""The stability of a device with parts that the plainest model does without, in a circuit.

Hopf points and gain margins come from the frequency response of the exact elements
(`memfit.model.stability`), so that dispersion is no exception. The probability is that of a normal log gain
margin whose standard error follows from the covariance by its derivatives.
"""

import math
from typing import Literal

import numpy as np

from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.hopf import CHANGEABLE
from memfit.confidence import Z
from memfit.fitting import CircuitStability, HopfEstimate
from memfit.fitting.uncertainty.propagation import Uncertainty
from memfit.model import Parameters, steady_current
from memfit.model.parameters import PARAMETERS
from memfit.model.stability import HopfPoint, LeastMargin, hopf_points, least_gain_margin

_STEP = 1e-4
_NEAR = 1.25  # as in `memfit.analysis.stability.assess`


def assess_member(
    p: Parameters, circuit: Circuit, uncertainty: Uncertainty | None = None
) -> CircuitStability:
    """The stability of a device in a circuit, with a probability where a covariance is given.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    uncertainty : Uncertainty, optional
    """
    nothing: dict[str, float | None] = dict.fromkeys(CHANGEABLE)
    values: dict[str, float | None] = dict.fromkeys(circuit.added)
    if circuit.resistance(p) == 0.0:
        message = "A voltage source without any resistance holds the voltage across the junction."
        return CircuitStability(
            verdict="stable", message=message, changes_to_hopf=nothing, values_to_hopf=values
        )
    resistance, loaded = circuit.resistance(p), p.replace(C_m=p.C_m + circuit.external_capacitance)
    least = least_gain_margin(loaded, resistance)
    if least is None:
        message = f"Under {circuit.name} no gain of the memory makes the device oscillate at any bias."
        return CircuitStability(
            verdict="stable", message=message, changes_to_hopf=nothing, values_to_hopf=values
        )
    points = tuple(_terminal(p, point) for point in hopf_points(loaded, resistance))
    error = _log_margin_error(loaded, circuit, least, uncertainty) if uncertainty is not None else None
    log = math.log(least.margin)
    reach = Z * error if error is not None else 0.0
    low, high = math.exp(log - reach), math.exp(log + reach)
    verdict: Literal["oscillates", "near", "stable"] = "stable"
    if high < 1.0:
        verdict = "oscillates"
    elif low <= 1.0 or least.margin < _NEAR:
        verdict = "near"
    return CircuitStability(
        verdict=verdict,
        message=_sentence(circuit, least, points, verdict),
        probability_oscillates=_probability(log, error) if error is not None else None,
        hopf_points=points,
        gain_margin_min=least.margin,
        gain_margin_ci95=(low, high) if error is not None else None,
        at_u=least.u,
        changes_to_hopf=nothing,
        values_to_hopf=values,
    )


def _terminal(p: Parameters, point: HopfPoint) -> HopfEstimate:
    """A Hopf point as the terminal sees it; its criticality is not known for members."""
    current = float(steady_current(p, np.array(point.u)))
    return HopfEstimate(
        u=point.u,
        V=point.u + p.R_s * current,
        I=current,
        omega=point.omega,
        frequency_Hz=point.omega / (2.0 * math.pi),
        criticality="",
    )


def _log_margin_error(
    p: Parameters, circuit: Circuit, least: LeastMargin, uncertainty: Uncertainty
) -> float | None:
    """Standard error of the least log gain margin, from one step of each fitted parameter."""
    slopes = []
    for name in uncertainty.names:
        value = getattr(p, name)
        additive = name in uncertainty.additive
        step = _STEP * (p.V_m if PARAMETERS[name].scale == "in V_m" else abs(value) or 1.0)
        complaint = PARAMETERS[name].complaint(value + step)
        step = -step if complaint else step
        moved = p.replace(**{name: value + step})
        there = least_gain_margin(moved, circuit.resistance(moved))
        if there is None:
            return None
        slopes.append((math.log(there.margin) - math.log(least.margin)) / step * (1.0 if additive else value))
    variance = float(np.array(slopes) @ uncertainty.covariance @ np.array(slopes))
    return math.sqrt(variance) if math.isfinite(variance) and variance >= 0.0 else None


def _probability(log_margin: float, error: float) -> float:
    """That the log gain margin is below 0."""
    if error == 0.0:
        return float(log_margin < 0.0)
    return 0.5 * math.erfc(log_margin / (math.sqrt(2.0) * error))


def _sentence(circuit: Circuit, least: LeastMargin, points: tuple[HopfEstimate, ...], verdict: str) -> str:
    """The verdict in words."""
    does = {"oscillates": "oscillates", "near": "is near self-sustained oscillation"}
    text = f"Under {circuit.name} the device {does.get(verdict, 'is stable at every bias')}"
    if points:
        text += "; Hopf points at V = " + ", ".join(
            f"{point.V:.4g} V ({point.frequency_Hz:.3g} Hz)" for point in points
        )
    return f"{text}; the smallest gain margin is {least.margin:.3g} at u = {least.u:.4g} V."
