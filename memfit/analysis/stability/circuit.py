"""The circuit a device works in, and its steady states there.

Stability is always stated for a circuit. A current source leaves the device to itself. A voltage source acts
through the series resistance of the device and a load; a capacitance can stand in parallel. Both are exactly
the current-controlled device with another leakage and another capacitance
(`memfit.model.linear.effective_parameters`), whose current is V/R.

With the loop L(s) = A/((1 + s tau_m)(1 + s tau_d)(1 + s p)) of `memfit.model.linear`, the gain margin is the
factor on A that reaches the boundary, and the phase margin what is left of 180 degrees where |L| = 1. Those
of a member of the family are read from its frequency response (`memfit.model.stability`).
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.errors import InputError, ParameterError
from memfit.model import (
    Loop,
    Parameters,
    activation,
    effective_parameters,
    eigenvalues,
    junction_voltage,
    least_margin_bias,
    log_gain_margin,
    loop_gain,
    steady_current,
)
from memfit.model.stability import (
    gain_margins,
    least_gain_margin,
    least_margin_between,
    loop_gains,
    member_eigenvalues,
    phase_margins,
)
from memfit.units import format_quantity, texts_in_si


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
    """Resistance between a voltage source and the device, ohm or a text with its unit; adds to R_s. In series
    with a current source it changes nothing, and is refused; one across the device makes of that a voltage
    source behind it."""
    external_capacitance: float = 0.0
    """Capacitance soldered across the device, F; taken as across the junction, which holds while its charging
    time through R_s is short beside the oscillation."""

    def __post_init__(self) -> None:
        """Check the values, once."""
        texts_in_si(self, load="resistance", external_capacitance="capacitance")
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

        if self.control == "current" and self.load > 0.0:
            raise ParameterError(
                "A load in series with a current source changes nothing. A resistance across the device "
                'makes of it a voltage source behind that resistance: Circuit(control="voltage", load=...).'
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

    @property
    def added(self) -> tuple[str, str]:
        """What can be soldered in, by name: a resistance and a capacitance.

        The resistance is in series with a voltage source, or across the device under a current source.
        """
        return "R_load" if self.control == "voltage" else "R_shunt", "C_external"

    def resistance(self, p: Parameters) -> float:
        """Total resistance between the source and the junction, ohm: infinite for a current source."""
        return np.inf if self.control == "current" else p.R_s + self.load

    def pins_voltage(self, p: Parameters) -> bool:
        """Whether nothing lies between a voltage source and the junction, so that u cannot move by itself."""
        return self.resistance(p) == 0.0

    def effective(self, p: Parameters) -> Parameters:
        """The device that does the same under current control; not for a pinned voltage."""
        return effective_parameters(p, self.resistance(p), self.external_capacitance)

    def loop(self, p: Parameters) -> Loop:
        """The loop of the device in this circuit; not for a pinned voltage."""
        return Loop.of(self.effective(p))

    def can_oscillate(self, p: Parameters) -> bool:
        """Whether some gain makes the device oscillate: u is free to move and there are three lags."""
        return not self.pins_voltage(p) and p.tau_d > 0.0 and p.tau_k > 0.0

    def most_critical(self, p: Parameters, between: tuple[float, float] | None = None) -> float:
        """Junction voltage (V) of the least gain margin, of a member between two; V_T where there is none."""
        if not p.parts:
            return p.V_T + p.V_m * float(least_margin_bias(self.loop(p)))
        resistance, capacitance = self.resistance(p), self.external_capacitance
        if between is not None:
            return least_margin_between(p, *between, resistance, capacitance).u
        least = least_gain_margin(p, resistance, capacitance)
        return p.V_T if least is None else least.u

    def junction_voltage(self, p: Parameters, source: ArrayLike) -> FloatArray:
        """(n,) voltage across the junction (V) in the steady states at settings of the source (A or V)."""
        through = p if self.control == "current" else p.replace(R_s=self.resistance(p))
        return junction_voltage(through, self.control, np.atleast_1d(np.asarray(source, dtype=np.float64)))

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
_LADDER = 1e3  # how far from the frequency of the loop, either way, dispersion is followed


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
    """(n, 3), for the 2D model (n, 2), of a member as many as it has states, 1/s; the least stable first."""
    kind: np.ndarray
    """(n,) index into `KINDS`."""
    damping_ratio: FloatArray
    """(n,) -Re/|.| of the oscillating pair, the least stable one; 1 without any, negative where it grows."""
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
    setting = np.atleast_1d(np.asarray(source, dtype=np.float64))
    return replace(operating_points_at(p, circuit, circuit.junction_voltage(p, setting)), source=setting)


def operating_points_at(p: Parameters, circuit: Circuit, u: ArrayLike) -> OperatingPoints:
    """Steady states at given voltages across the junction; else as `operating_points`.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    u : (n,) array, V
    """
    u = np.atleast_1d(np.asarray(u, dtype=np.float64))
    if circuit.pins_voltage(p):
        raise InputError(
            "A voltage source without any resistance holds the junction: there is no loop to analyse. "
            "Give a load greater than 0 ohm, a device with R_s, or current control."
        )
    current, f = steady_current(p, u), activation(p, u)
    values, gain, margin, phase = (_of_member if p.parts else _of_plainest)(p, circuit, u)
    pair = np.argmax(values.imag > 0.0, axis=-1)[:, None]  # the least stable
    oscillating = np.take_along_axis(values, pair, axis=-1)[:, 0]
    there = oscillating.imag > 0.0
    return OperatingPoints(
        source=circuit.source(p, u),
        u=u,
        V=u + p.R_s * current,
        I=current,
        f=f,
        eigenvalues=values,
        kind=kinds(values),
        damping_ratio=np.where(there, -oscillating.real / np.abs(oscillating), 1.0),
        frequency_Hz=np.where(there, oscillating.imag, 0.0) / (2.0 * np.pi),
        loop_gain=gain,
        gain_margin=margin,
        phase_margin=phase,
    )


def _of_plainest(
    p: Parameters, circuit: Circuit, u: FloatArray
) -> tuple[ComplexArray, FloatArray, FloatArray, FloatArray]:
    """Eigenvalues, loop gain, gain and phase margin of the plainest device."""
    device = circuit.effective(p)
    loop, margin = Loop.of(device), np.full_like(u, np.inf)
    if loop.can_oscillate:
        margin = np.exp(log_gain_margin(loop, (u - p.V_T) / p.V_m))
    return eigenvalues(device, u), loop_gain(device, u), margin, phase_margin(loop, activation(p, u))


def _of_member(
    p: Parameters, circuit: Circuit, u: FloatArray
) -> tuple[ComplexArray, FloatArray, FloatArray, FloatArray]:
    """The same of a member; dispersion has eigenvalues of a ladder around where its loop turns."""
    around = circuit.resistance(p), circuit.external_capacitance
    margin, omega = gain_margins(p, u, *around)
    turning = float(omega[np.argmin(margin)]) if np.isfinite(margin).any() else 1.0 / (p.tau_d or p.tau_m)
    band = turning / _LADDER, turning * _LADDER
    values = np.array([member_eigenvalues(p, float(one), *around, band) for one in u])
    return values, loop_gains(p, u, *around), margin, phase_margins(p, u, *around)


def phase_margin(loop: Loop, f: ArrayLike) -> FloatArray:
    """Degrees to 180 where the loop gain falls to 1, at the activation `f`; infinite where it is never above.

    Parameters
    ----------
    loop : Loop
        Fields and `f` are broadcast against each other.
    f : array
    """
    f = np.asarray(f, dtype=np.float64)
    A = loop.gain * f * (1.0 - f)
    lags = np.stack(np.broadcast_arrays(loop.tau_m, loop.tau_d, f * loop.tau_k))
    crosses = A > 1.0
    A = np.where(crosses, A, 2.0)
    # |L| falls from A to below 1 somewhere before the slowest lag alone has brought it there.
    slowest = lags.max(axis=0)
    low, high = np.log(np.sqrt(np.cbrt(A) ** 2 - 1.0) / slowest), np.log(A / slowest)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        excess = A**2 / np.prod(1.0 + (np.exp(middle) * lags) ** 2, axis=0) > 1.0
        low, high = np.where(excess, middle, low), np.where(excess, high, middle)
    margin = 180.0 - np.degrees(np.sum(np.arctan(np.exp(middle) * lags), axis=0))
    return np.where(crosses, margin, np.inf)


def kinds(values: ComplexArray) -> np.ndarray:
    """Indices into `KINDS` of steady states with these eigenvalues.

    Parameters
    ----------
    values : (..., n) array, 1/s
        The least stable first.
    """
    unstable = values[..., 0].real > 0.0
    turning = np.any(values.imag != 0.0, axis=-1)
    growing = unstable & (values[..., 0].imag != 0.0)
    return np.select([growing, unstable, turning], [UNSTABLE_FOCUS, UNSTABLE_NODE, FOCUS], NODE)
