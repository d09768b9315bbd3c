"""What the stability report says, as quantities whose profile likelihood can be followed.

The smallest gain margin is an explicit function of the parameters. A Hopf voltage is where the margin is 1:
said as a condition at a given voltage it is smooth even where the two Hopf points merge, which their own
formula is not.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from memfit.analysis.circuit import Circuit
from memfit.analysis.stability import DEFAULT_CIRCUITS
from memfit.fitting.intervals import Profile
from memfit.fitting.result import FitResult
from memfit.fitting.targets import Slopes, Target
from memfit.model.boundary import (
    Loop,
    hopf_biases,
    least_log_gain_margin,
    least_log_gain_margin_derivatives,
    log_gain_margin,
    log_gain_margin_slope,
    loop_derivatives,
    margin_derivatives,
)
from memfit.model.parameters import NAMES, Parameters

MARGIN = "gain_margin"
HOPF = ("u_low", "u_high")


def stability_targets(p: Parameters, circuits: Mapping[str, Circuit] | None = None) -> dict[str, Target]:
    """Gain margin and Hopf voltages of a device, by "CIRCUIT.QUANTITY"; nothing where no gain is enough.

    Parameters
    ----------
    p : Parameters
    circuits : mapping of str to Circuit, optional
        By default a current source and a voltage source.
    """
    wanted = DEFAULT_CIRCUITS if circuits is None else circuits
    found: dict[str, Target] = {}
    for name, circuit in wanted.items():
        if circuit.pins_voltage(p) or not Loop.of(circuit.effective(p)).can_oscillate:
            continue
        found[f"{name}.{MARGIN}"] = Target(
            unit="",
            best=partial(_margin, circuit),
            condition=partial(_margin_condition, circuit),
            logarithmic=True,
        )
        for place, label in enumerate(HOPF):
            found[f"{name}.{label}"] = Target(
                unit="V",
                best=partial(_hopf_voltage, circuit, place),
                condition=partial(_hopf_condition, circuit),
                twin=partial(_hopf_voltage, circuit, 1 - place),
            )
    return found


def with_profiled_stability(result: FitResult) -> FitResult:
    """The result whose stability has the intervals of its profiles, where they are closed."""
    blocks = {name: _profiled(name, block, result.profiles) for name, block in result.stability.items()}
    return replace(result, stability=blocks)


def _profiled(name: str, block: Any, profiles: Mapping[str, Profile]) -> Any:
    """The stability in one circuit with the intervals of its profiles."""
    if not isinstance(block, Mapping) or "verdict" not in block:
        return block
    changed = dict(block)
    margin = _closed(profiles.get(f"{name}.{MARGIN}"))
    if margin and block.get("gain_margin_ci95"):
        changed |= {"gain_margin_ci95": margin, "gain_margin_by": "profile"}
    points = []
    for label, point in zip(HOPF, block.get("hopf_points") or (), strict=False):
        interval = _closed(profiles.get(f"{name}.{label}"))
        points.append({**point, "u_ci95": interval, "u_by": "profile"} if interval else point)
    if points:
        changed["hopf_points"] = points
    return changed


def _closed(profile: Profile | None) -> list[float] | None:
    """Ends of a profile that has both."""
    if profile is None or profile.ci95[0] is None or profile.ci95[1] is None:
        return None
    return [profile.ci95[0], profile.ci95[1]]


def _loop(circuit: Circuit, p: Parameters) -> Loop:
    """The loop of a device in a circuit."""
    return Loop.of(p, circuit.resistance(p), circuit.external_capacitance)


def _margin(circuit: Circuit, p: Parameters) -> float:
    """Smallest gain margin."""
    return float(np.exp(least_log_gain_margin(_loop(circuit, p))))


def _margin_condition(circuit: Circuit, p: Parameters, c: float) -> Slopes:
    """The smallest log gain margin is c."""
    slopes = least_log_gain_margin_derivatives(p, circuit.resistance(p), circuit.external_capacitance)
    return float(least_log_gain_margin(_loop(circuit, p))) - c, slopes, -1.0


def _hopf_voltage(circuit: Circuit, place: int, p: Parameters) -> float | None:
    """A Hopf voltage u (V); None where there is none."""
    x = float(hopf_biases(_loop(circuit, p))[place])
    return p.V_T + p.V_m * x if np.isfinite(x) else None


def _hopf_condition(circuit: Circuit, p: Parameters, c: float) -> Slopes:
    """The gain margin at the voltage c is 1."""
    loop, x = _loop(circuit, p), (c - p.V_T) / p.V_m
    by_x = float(log_gain_margin_slope(loop, x))
    by_loop = loop_derivatives(p, circuit.resistance(p), circuit.external_capacitance)
    slopes = margin_derivatives(loop, x) @ by_loop
    slopes[NAMES.index("V_T")] -= by_x / p.V_m
    slopes[NAMES.index("V_m")] -= by_x * x / p.V_m
    return float(log_gain_margin(loop, x)), slopes, by_x / p.V_m
