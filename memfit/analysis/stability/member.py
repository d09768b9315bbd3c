"""The stability of a device with parts that the plainest model does without, in a circuit.

Hopf points and gain margins come from the frequency response of the exact elements
(`memfit.model.stability`), so that dispersion is no exception. The probability is that of a normal log gain
margin whose standard error follows from the covariance by its derivatives.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.hopf import CHANGEABLE, find_hopf_points
from memfit.arrays import Interval
from memfit.confidence import Z, probability_below_0
from memfit.fitting import CircuitStability, HopfEstimate
from memfit.fitting.results.propagation import Uncertainty, error_by_steps
from memfit.model import PARAMETERS, Parameters
from memfit.model.stability import LeastMargin, follow_least_margin, least_gain_margin
from memfit.model.steady import falling_between

_STRIDE, _FARTHEST = 0.4, 9.2  # of the search for the boundary, in a logarithm: a change by more is none
_MOST_STEPS, _REACHED = 40, 1e-9  # of the log margin
_TRIED, _FAR = 13, math.log(1e3)  # values of what can be soldered in, among which a crossing is looked for
_NEAR, _OPEN = 1.25, 1e4  # as in `memfit.analysis.stability.assess`
_NO_NUMBER = 1e9
"""Margins that are not told: nothing is known."""
_LARGEST_LOG = 700.0
"""Margins beyond its exponential are no numbers."""


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
    around = circuit.resistance(p), circuit.external_capacitance
    held = around[0] == 0.0
    least = None if held else least_gain_margin(p, *around)
    if least is None:
        message = f"Under {circuit.name} no gain of the memory makes the device oscillate at any bias."
        if held:
            message = "A voltage source without any resistance holds the voltage across the junction."
        return CircuitStability(
            verdict="stable",
            message=message,
            probability_oscillates=0.0 if uncertainty is not None else None,
            changes_to_hopf=nothing,
            values_to_hopf=values,
        )
    points = hopf_estimates(p, circuit)

    def log_margin(moved: Parameters) -> float | None:
        """The least one, of a device like this."""
        found = _nearby(moved, circuit, least)
        return None if found is None else math.log(found.margin)

    error = None if uncertainty is None else error_by_steps(p, uncertainty, log_margin)
    log = math.log(least.margin)
    reach = Z * error if error is not None else 0.0
    low, high = (math.exp(min(max(end, -_LARGEST_LOG), _LARGEST_LOG)) for end in (log - reach, log + reach))
    if low < 1.0 < high and high > _OPEN * low:
        message = margin_left_open((low, high), f"{low:.3g} to {high:.3g}")
        return CircuitStability(
            verdict="undetermined", message=message, changes_to_hopf=nothing, values_to_hopf=values
        )
    verdict: Literal["oscillates", "near", "stable"] = "stable"
    if high < 1.0:
        verdict = "oscillates"
    elif low <= 1.0 or least.margin < _NEAR:
        verdict = "near"
    return CircuitStability(
        verdict=verdict,
        message=_sentence(circuit, least, points, verdict) + _folds(p),
        probability_oscillates=probability_below_0(log, error) if error is not None else None,
        hopf_points=points,
        gain_margin_min=least.margin,
        gain_margin_ci95=(low, high) if error is not None else None,
        at_u=least.u,
        changes_to_hopf=nothing | _changes(p, circuit, least),
        values_to_hopf={name: _value(p, circuit, name) for name in circuit.added},
    )


def hopf_estimates(p: Parameters, circuit: Circuit) -> tuple[HopfEstimate, ...]:
    """The Hopf points of any device in a circuit, as a result has them; their errors are not known yet.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    """
    return tuple(
        HopfEstimate(
            u=point.u,
            V=point.V,
            I=point.I,
            omega=point.omega,
            frequency_Hz=point.frequency_Hz,
            criticality=point.criticality,
        )
        for point in find_hopf_points(p, circuit)
    )


def margin_left_open(interval: Interval, text: str) -> str:
    """That the data leave the gain margin open, with its interval where that is made of numbers.

    Parameters
    ----------
    interval : (low, high)
    text : str
        The same in words.
    """
    low, high = interval
    told = f" from {text}" if low > 1.0 / _NO_NUMBER and high < _NO_NUMBER else ""
    return f"The data leave the gain margin open{told}, on both sides of 1."


def _nearby(p: Parameters, circuit: Circuit, known: LeastMargin) -> LeastMargin | None:
    """The least margin of a device that differs little, searched for everywhere where it is lost."""
    around = circuit.resistance(p), circuit.external_capacitance
    return follow_least_margin(p, known, *around) or least_gain_margin(p, *around)


def _changes(p: Parameters, circuit: Circuit, least: LeastMargin) -> dict[str, float | None]:
    """Factors by which one parameter at a time brings the least margin to 1; None where none does it.

    The least margin is followed from that of the device, both ways.
    """
    names = [n for n, row in PARAMETERS.items() if row.logarithmic and 0.0 < getattr(p, n) < math.inf]
    names += [name for name, value in _soldered(circuit).items() if value > 0.0]
    return {name: _change(p, circuit, least, name) for name in names}


def _soldered(circuit: Circuit) -> dict[str, float]:
    """What the circuit has of what can be soldered in, ohm and F, by name; a shunt makes a voltage source."""
    return dict(zip(circuit.added, (circuit.load, circuit.external_capacitance), strict=True))


def _with(p: Parameters, circuit: Circuit, name: str, value: float) -> tuple[Parameters, float, float]:
    """Device, resistance and capacitance around it after a change of one quantity."""
    if name == "C_external":
        circuit = replace(circuit, external_capacitance=value)
    elif name in circuit.added:
        circuit = replace(circuit, control="voltage", load=value)
    else:
        p = p.replace(**{name: value})
    return p, circuit.resistance(p), circuit.external_capacitance


def _value(p: Parameters, circuit: Circuit, name: str) -> float | None:
    """Resistance (ohm) or capacitance (F) at which the least margin is 1; of several that nearest to what is.

    None where none does it between a thousandth and a thousand times R_b, or C_m.
    """
    unit, now = (p.C_m, circuit.external_capacitance) if name == "C_external" else (p.R_b, circuit.load)

    def at(place: float, near: LeastMargin | None) -> LeastMargin | None:
        moved, *around = _with(p, circuit, name, math.exp(place))
        known = follow_least_margin(moved, near, *around) if near else None
        return known or least_gain_margin(moved, *around)

    roots, last, near = list[float | None](), math.nan, None
    for place in np.log(unit) + np.linspace(-_FAR, _FAR, _TRIED):
        other = at(place, near)
        if near is not None and other is not None and (near.margin < 1.0) != (other.margin < 1.0):
            roots.append(_between(at, (last, near), (place, other)))
        last, near = place, other
    possible = [root for root in roots if root is not None]
    return min(possible, key=lambda root: abs(root - now), default=None)


def _change(p: Parameters, circuit: Circuit, least: LeastMargin, name: str) -> float | None:
    """That of one parameter, the nearer one of both ways."""
    now = {**p.as_dict(), **_soldered(circuit)}[name]

    def at(place: float, near: LeastMargin) -> LeastMargin | None:
        moved, *around = _with(p, circuit, name, now * math.exp(place))
        return follow_least_margin(moved, near, *around)

    reached: dict[float, LeastMargin | None] = {-1.0: least, 1.0: least}
    for k in range(1, round(_FARTHEST / _STRIDE) + 1):
        for way, here in reached.items():
            there = at(way * k * _STRIDE, here) if here is not None else None
            reached[way] = there
            if here is not None and there is not None and (here.margin < 1.0) != (there.margin < 1.0):
                return _between(at, (way * (k - 1) * _STRIDE, here), (way * k * _STRIDE, there))
    return None


def _between(
    at: Callable[[float, LeastMargin], LeastMargin | None],
    first: tuple[float, LeastMargin],
    second: tuple[float, LeastMargin],
) -> float | None:
    """The factor at which the margin is 1, between two logarithms: false position that does not get stuck."""
    (low, near), (high, other) = first, second
    below, above = math.log(near.margin), math.log(other.margin)
    for _ in range(_MOST_STEPS):
        place = (low * above - high * below) / (above - below)
        found = at(place, near)
        if found is None:
            return None
        value = math.log(found.margin)
        if abs(value) < _REACHED:
            break
        if value * above < 0.0:
            low, below = high, above
        else:
            below *= 0.5
        high, above, near = place, value, found
    return math.exp(place)


def _folds(p: Parameters) -> str:
    """Where the steady current falls, in words."""
    found = [f"{low:.4g} and {high:.4g} V" for low, high in falling_between(p)]
    if not found:
        return ""
    return (
        f" The steady current falls between u = {' and between '.join(found)} (negative differential "
        "resistance): there it can also jump, which is another route than the one tested, a pair of "
        "eigenvalues on the imaginary axis."
    )


def _sentence(circuit: Circuit, least: LeastMargin, points: tuple[HopfEstimate, ...], verdict: str) -> str:
    """The verdict in words."""
    does = {"oscillates": "oscillates", "near": "is near self-sustained oscillation"}
    text = f"Under {circuit.name} the device {does.get(verdict, 'is stable at every bias')}"
    if points:
        text += "; Hopf points at V = " + ", ".join(
            f"{point.V:.4g} V ({point.frequency_Hz:.3g} Hz)" for point in points
        )
    return f"{text}; the smallest gain margin is {least.margin:.3g} at u = {least.u:.4g} V."
