"""The verdict on one device in one circuit, its rule, and how it is said.

The rule goes by the gain margin (threshold of the loop gain over the loop gain, `memfit.model.boundary`) at
its smallest over all biases:

oscillates    it is below 1, and so is its 95 % interval where there is one
near          otherwise, if the interval contains 1 or the margin is below 1.25
stable        otherwise
undetermined  the data leave it open by more than four decades, or leave out a parameter
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from memfit.analysis.circuit import Circuit
from memfit.analysis.hopf import HopfPoint
from memfit.analysis.nearest import NearestBoundary
from memfit.analysis.spread import Interval

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
