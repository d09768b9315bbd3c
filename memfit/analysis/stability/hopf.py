"""One device at one bias: what kind of steady state it is, how near to the boundary, how surely.

The bias is that of the device (its terminal voltage, or its current); the circuit decides whether the steady
state there is stable. In a sample of devices each has its own junction voltage at that bias.

Hopf points: the biases at which self-sustained oscillation is born, and how.

Their places are exact (`memfit.model.hopf_boundary`). Whether the oscillation grows from nothing
(supercritical) or jumps to a finite size with hysteresis (subcritical) is the sign of the first Lyapunov
coefficient,

    l1 = Re[<p, C(q,q,q*)> - 2 <p, B(q, J^-1 B(q,q*))> + <p, B(q*, (2 i omega - J)^-1 B(q,q))>]/(2 omega)

(Kuznetsov, Elements of Applied Bifurcation Theory, Eq. 5.39). Only df/dt is nonlinear, and only in u and f,
so that all of it is a closed form of the loop's transfer function. With the activation as the one coordinate
that is pushed, q = (voltage(i), 1), and <p, force> = force/(derivative of the stiffness by the frequency).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from memfit.analysis.stability.circuit import KINDS, Circuit, operating_points_at
from memfit.analysis.stability.sampling import Interval, Uncertainty, draw, interval95, sample_of
from memfit.arrays import ComplexArray, FloatArray
from memfit.errors import ParameterError
from memfit.model.equations import activation, steady_current
from memfit.model.hopf_boundary import Loop, hopf_biases, hopf_frequency, log_gain_margin
from memfit.model.parameters import Parameters
from memfit.model.steady import junction_voltage
from memfit.protocols import Control

_Number = float | ComplexArray
Criticality = Literal["supercritical", "subcritical"]


@dataclass(frozen=True, kw_only=True)
class HopfPoint:
    """A bias at which a pair of eigenvalues is purely imaginary."""

    u: float
    """Voltage across the junction, V."""
    V: float
    """Terminal voltage u + R_s I, V."""
    I: float  # noqa: E741 - the field's symbol
    """Steady current of the device, A."""
    f: float
    """Activation."""
    omega: float
    """Angular frequency of the oscillation at its birth, rad/s."""
    frequency_Hz: float
    """The same in hertz."""
    criticality: Criticality
    """Whether the oscillation grows from nothing or appears at a finite size."""
    first_lyapunov: float
    """First Lyapunov coefficient of the model in the units V_m, i_c0, 1 and time 1/omega."""


def find_hopf_points(p: Parameters, circuit: Circuit) -> tuple[HopfPoint, ...]:
    """The Hopf points of a device in a circuit, the lower voltage first: two, or none.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
        What drives the device.
    """
    if circuit.pins_voltage(p):
        return ()
    loop = Loop.of(circuit.effective(p))
    if not loop.can_oscillate:
        return ()
    return tuple(_hopf_point(p, loop, float(x)) for x in hopf_biases(loop) if np.isfinite(x))


def first_lyapunov_coefficient(loop: Loop, x: ArrayLike) -> FloatArray:
    """First Lyapunov coefficient at Hopf points: negative is supercritical, positive subcritical.

    Parameters
    ----------
    loop : Loop
        With three lags.
    x : array
        (u - V_T)/V_m of Hopf points, broadcast against the fields of `loop`.

    Returns
    -------
    array
        For u in units of V_m, i_c of i_c0, and time of 1/omega; the sign does not depend on the units.
    """
    bias = np.asarray(x, dtype=np.float64)
    omega = hopf_frequency(loop, bias)
    m, d, k = omega * loop.tau_m, omega * loop.tau_d, omega * loop.tau_k
    rest, fall = expit(-bias), np.exp(-bias)

    def voltage(s: complex) -> ComplexArray:
        """Change of (u - V_T)/V_m that follows the activation 1 at the frequency s."""
        result: ComplexArray = (-loop.gain + 0j) / ((1.0 + s * m) * (1.0 + s * d))
        return result

    def stiffness(s: complex) -> ComplexArray:
        """Force on k df/dt = 1 - f - exp(-x) f that moves the activation by 1 at the frequency s."""
        result: ComplexArray = s * k + 1.0 + fall - rest * voltage(s)
        return result

    def bilinear(a: ComplexArray, v: _Number, b: ComplexArray, w: _Number) -> ComplexArray:
        """B of the voltages a, b and activations v, w: second derivatives of -exp(-x) f."""
        result: ComplexArray = -rest * a * b + fall * (a * w + b * v)
        return result

    q = voltage(1j)
    still = bilinear(q, 1.0, q.conj(), 1.0) / stiffness(0.0)
    double = bilinear(q, 1.0, q, 1.0) / stiffness(2j)
    trilinear = rest * q * q * q.conj() - fall * (q * q + 2.0 * q * q.conj())
    force = (
        trilinear
        + 2.0 * bilinear(q, 1.0, voltage(0.0) * still, still)
        + bilinear(q.conj(), 1.0, voltage(2j) * double, double)
    )
    slope = k + rest * q * (m / (1.0 + 1j * m) + d / (1.0 + 1j * d))
    result: FloatArray = 0.5 * np.real(force / slope)
    return result


def _hopf_point(p: Parameters, loop: Loop, x: float) -> HopfPoint:
    """The Hopf point at (u - V_T)/V_m = x."""
    u = p.V_T + p.V_m * x
    current = float(steady_current(p, u))
    omega = float(hopf_frequency(loop, x))
    coefficient = float(first_lyapunov_coefficient(loop, x))
    return HopfPoint(
        u=u,
        V=u + p.R_s * current,
        I=current,
        f=float(activation(p, u)),
        omega=omega,
        frequency_Hz=omega / (2.0 * np.pi),
        criticality="supercritical" if coefficient < 0.0 else "subcritical",
        first_lyapunov=coefficient,
    )


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
    """One of `memfit.analysis.stability.circuit.KINDS`."""
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
