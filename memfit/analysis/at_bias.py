"""One device at one bias: what kind of steady state it is, how near to the boundary, how surely.

The bias is that of the device (its terminal voltage, or its current); the circuit decides whether the steady
state there is stable. In a sample of devices each has its own junction voltage at that bias.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from memfit.analysis.circuit import Circuit
from memfit.analysis.operating import KINDS, operating_points_at
from memfit.analysis.spread import Interval, Uncertainty, draw, interval95, sample_of
from memfit.arrays import FloatArray
from memfit.errors import ParameterError
from memfit.model.boundary import log_gain_margin
from memfit.model.parameters import Parameters
from memfit.model.steady import junction_voltage
from memfit.protocols import Control

LARGEST_BIAS = 1e3
"""V or A: more is a mistake of the unit."""
_LARGEST_LOG = 700.0
_BISECTIONS = 80


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
    """One of `memfit.analysis.operating.KINDS`."""
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
        return {
            "u": self.u,
            "V": self.V,
            "I": self.I,
            "kind": self.kind,
            "eigenvalues": [[value.real, value.imag] for value in self.eigenvalues],
            "damping_ratio": self.damping_ratio,
            "frequency_Hz": self.frequency_Hz,
            "gain_margin": self.gain_margin,
            "gain_margin_ci95": list(self.gain_margin_ci95) if self.gain_margin_ci95 else None,
            "phase_margin_degrees": self.phase_margin,
            "probability_unstable": self.probability_unstable,
        }


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
    if not abs(bias) <= LARGEST_BIAS:
        raise ParameterError(
            f"Expected a bias of at most {LARGEST_BIAS:g} {'V' if quantity == 'voltage' else 'A'}, "
            f"found {bias:g}."
        )
    u = float(junction_voltage(p, quantity, np.array([bias]))[0])
    with np.errstate(over="ignore"):  # far from V_T the margin is beyond any number
        point = operating_points_at(p, circuit, u)
    margin, phase = float(point.gain_margin[0]), float(point.phase_margin[0])
    probability, interval = None, None
    if np.isfinite(margin) and (uncertainty is not None or draws is not None):
        sample = (
            sample_of(p, circuit, draws) if draws is not None else draw(p, circuit, uncertainty, seed=seed)  # type: ignore[arg-type] # one of the two is there
        )
        at = _junction_voltages(sample.values, bias, quantity)
        margins = log_gain_margin(sample.loop, (at - sample.values["V_T"]) / sample.values["V_m"])
        probability = float(np.mean(margins < 0.0))
        low, high = interval95(margins)
        interval = (float(np.exp(low)), float(np.exp(high))) if high < _LARGEST_LOG else None
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


def _junction_voltages(values: Mapping[str, FloatArray], bias: float, quantity: Control) -> FloatArray:
    """(n,) junction voltage of each device of a sample, by bisection: the steady curve rises."""
    largest = np.abs(bias) / values["R_b"] + values["i_c0"]
    if quantity == "voltage":
        low, high = bias - values["R_s"] * largest, bias + values["R_s"] * largest
    else:
        low, high = (bias - values["i_c0"]) * values["R_b"], bias * values["R_b"]
    for _ in range(_BISECTIONS):
        u = 0.5 * (low + high)
        x = np.clip((u - values["V_T"]) / values["V_m"], -700.0, 700.0)
        current = u / values["R_b"] + values["i_c0"] / (1.0 + np.exp(-x))
        excess = (u + values["R_s"] * current if quantity == "voltage" else current) > bias
        low, high = np.where(excess, low, u), np.where(excess, u, high)
    result: FloatArray = 0.5 * (low + high)
    return result
