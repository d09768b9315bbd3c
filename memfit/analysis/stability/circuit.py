"""A device along its bias in a circuit: equilibria, eigenvalues, damping, margins and the kind of each point.

With the loop L(s) = A/((1 + s tau_m)(1 + s tau_d)(1 + s p)) of `memfit.model.linear`, the gain margin is the
factor on A that reaches the boundary, and the phase margin what is left of 180 degrees where |L| = 1.

The circuit a device works in: stability is always stated for one.

A current source leaves the device to itself. A voltage source acts through the series resistance of the
device and a load; a capacitance can stand in parallel. Both are exactly the current-controlled device with
another leakage and another capacitance (`memfit.model.linear.effective_parameters`), whose current is V/R.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.errors import InputError, ParameterError
from memfit.model.equations import activation, steady_current
from memfit.model.hopf_boundary import Loop, log_gain_margin
from memfit.model.linear import effective_parameters, eigenvalues, loop_gain
from memfit.model.parameters import Parameters
from memfit.model.steady import junction_voltage
from memfit.units import format_quantity


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """What drives the device.

    Raises
    ------
    ParameterError
        An unknown control, or a load or capacitance that is negative or not finite.
    """

    control: Literal["current", "voltage"] = "current"
    """What the source holds."""
    load: float = 0.0
    """Resistance between a voltage source and the device, ohm; adds to R_s. No matter to a current source."""
    external_capacitance: float = 0.0
    """Capacitance soldered across the device, F; taken as across the junction, which holds while its charging
    time through R_s is short beside the oscillation."""

    def __post_init__(self) -> None:
        """Check the values, once."""
        if self.control not in ("current", "voltage"):
            raise ParameterError(f'Expected the control "current" or "voltage", found {self.control!r}.')
        for name, value, unit in (
            ("load", self.load, "ohm"),
            ("external capacitance", self.external_capacitance, "F"),
        ):
            if not (np.isfinite(value) and value >= 0.0):
                raise ParameterError(
                    f"The {name} must be a finite number of at least 0 {unit}, found {value:g}."
                )

    @property
    def name(self) -> str:
        """How a sentence calls it."""
        parts = [f"{self.control} control"]
        if self.control == "voltage" and self.load > 0.0:
            parts.append(f"through {format_quantity(self.load, 'ohm')}")
        if self.external_capacitance > 0.0:
            parts.append(f"with {format_quantity(self.external_capacitance, 'F')} in parallel")
        return " ".join(parts)

    def resistance(self, p: Parameters) -> float:
        """Total resistance between the source and the junction, ohm: infinite for a current source."""
        return np.inf if self.control == "current" else p.R_s + self.load

    def pins_voltage(self, p: Parameters) -> bool:
        """Whether nothing lies between a voltage source and the junction, so that u cannot move by itself."""
        return self.resistance(p) == 0.0

    def effective(self, p: Parameters) -> Parameters:
        """The device that does the same under current control; not for a pinned voltage."""
        return effective_parameters(p, self.resistance(p), self.external_capacitance)

    def source(self, p: Parameters, u: ArrayLike) -> FloatArray:
        """What the source supplies at the steady state u (V): current (A) or voltage (V)."""
        current = steady_current(p, u)
        if self.control == "current":
            return current
        return np.asarray(u, dtype=np.float64) + self.resistance(p) * current


KINDS = ("stable node", "stable focus", "unstable focus", "unstable node")
"""What a bias can be: relaxes, rings, oscillates, runs away from the steady state without turning."""

NODE, FOCUS, UNSTABLE_FOCUS, UNSTABLE_NODE = range(4)

_BISECTIONS = 100


@dataclass(frozen=True, kw_only=True)
class OperatingPoints:
    """Steady states of one device in one circuit; arrays of the same length."""

    source: FloatArray
    """(n,) what the source holds: current (A) or voltage (V)."""
    u: FloatArray
    """(n,) voltage across the junction, V."""
    V: FloatArray
    """(n,) terminal voltage of the device, V."""
    I: FloatArray  # noqa: E741 - the field's symbol
    """(n,) current of the device, A."""
    f: FloatArray
    """(n,) activation."""
    eigenvalues: ComplexArray
    """(n, 3) or, for the 2D model, (n, 2), 1/s; the least stable first."""
    kind: np.ndarray
    """(n,) index into `KINDS`."""
    damping_ratio: FloatArray
    """(n,) -Re/|.| of the oscillating pair; 1 where there is none, negative where it grows."""
    frequency_Hz: FloatArray
    """(n,) frequency of the oscillating pair; 0 where there is none."""
    loop_gain: FloatArray
    """(n,) A = R_b/R_a in the circuit."""
    gain_margin: FloatArray
    """(n,) threshold over loop gain; infinite for the 2D model."""
    phase_margin: FloatArray
    """(n,) degrees; infinite where the loop gain is below 1."""


def operating_points(p: Parameters, circuit: Circuit, source: ArrayLike) -> OperatingPoints:
    """Steady states at given settings of the source.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
        Must leave the junction free to move: a voltage source needs a resistance.
    source : (n,) array, A or V
        Current of a current source, voltage of a voltage source.

    Raises
    ------
    InputError
        The circuit pins the voltage, so there is nothing that could move.
    """
    _require_freedom(p, circuit)
    setting = np.atleast_1d(np.asarray(source, dtype=np.float64))
    with_load = p if circuit.control == "current" else p.replace(R_s=circuit.resistance(p))
    return _at(p, circuit, setting, junction_voltage(with_load, circuit.control, setting))


def operating_points_at(p: Parameters, circuit: Circuit, u: ArrayLike) -> OperatingPoints:
    """Steady states at given voltages across the junction, (n,) V; else as `operating_points`."""
    _require_freedom(p, circuit)
    voltage = np.atleast_1d(np.asarray(u, dtype=np.float64))
    return _at(p, circuit, circuit.source(p, voltage), voltage)


def phase_margin(loop: Loop, f: ArrayLike) -> FloatArray:
    """Degrees to 180 where the loop gain falls to 1, at the activation `f`; infinite where it is never above.

    Parameters
    ----------
    loop : Loop
        Fields and `f` are broadcast against each other.
    f : array
    """
    activation_now = np.asarray(f, dtype=np.float64)
    A = loop.gain * activation_now * (1.0 - activation_now)
    lags = np.stack(np.broadcast_arrays(loop.tau_m, loop.tau_d, activation_now * loop.tau_k))
    crosses = A > 1.0
    # |L| falls from A to below 1 somewhere before the slowest lag alone has brought it there.
    slowest = lags.max(axis=0)
    high = np.log(np.where(crosses, A, 2.0) / slowest)
    low = np.log(np.sqrt(np.cbrt(np.where(crosses, A, 2.0)) ** 2 - 1.0) / slowest)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        excess = np.where(crosses, A, 2.0) ** 2 / np.prod(1.0 + (np.exp(middle) * lags) ** 2, axis=0) > 1.0
        low, high = np.where(excess, middle, low), np.where(excess, high, middle)
    margin = 180.0 - np.degrees(np.sum(np.arctan(np.exp(middle) * lags), axis=0))
    return np.where(crosses, margin, np.inf)


def kinds(values: ComplexArray) -> np.ndarray:
    """Index into `KINDS` from (..., n) eigenvalues, the least stable first."""
    unstable = values[..., 0].real > 0.0
    turning = np.any(values.imag != 0.0, axis=-1)
    growing = unstable & (values[..., 0].imag != 0.0)
    return np.select([growing, unstable, turning], [UNSTABLE_FOCUS, UNSTABLE_NODE, FOCUS], NODE)


def _require_freedom(p: Parameters, circuit: Circuit) -> None:
    """An error where a source holds the junction itself."""
    if circuit.pins_voltage(p):
        raise InputError(
            "A voltage source without any resistance holds the junction: there is no loop to analyse. "
            "Give a load greater than 0 ohm, a device with R_s, or current control."
        )


def _at(p: Parameters, circuit: Circuit, source: FloatArray, u: FloatArray) -> OperatingPoints:
    """Everything about the steady states u."""
    device = circuit.effective(p)
    loop = Loop.of(device)
    values = eigenvalues(device, u)
    current = steady_current(p, u)
    pair = np.argmax(values.imag, axis=-1)[:, None]
    oscillating = np.take_along_axis(values, pair, axis=-1)[:, 0]
    there = oscillating.imag > 0.0
    f = activation(p, u)
    margin = (
        np.exp(log_gain_margin(loop, (u - p.V_T) / p.V_m)) if loop.can_oscillate else np.full_like(u, np.inf)
    )
    return OperatingPoints(
        source=source,
        u=u,
        V=u + p.R_s * current,
        I=current,
        f=f,
        eigenvalues=values,
        kind=kinds(values),
        damping_ratio=np.where(there, -oscillating.real / np.abs(oscillating), 1.0),
        frequency_Hz=np.where(there, oscillating.imag, 0.0) / (2.0 * np.pi),
        loop_gain=loop_gain(device, u),
        gain_margin=margin,
        phase_margin=phase_margin(loop, f),
    )
