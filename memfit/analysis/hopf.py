"""Hopf points: the biases at which self-sustained oscillation is born, and how.

Their places are exact (`memfit.model.boundary`). Whether the oscillation grows from nothing (supercritical)
or jumps to a finite size with hysteresis (subcritical) is the sign of the first Lyapunov coefficient,

    l1 = Re[<p, C(q,q,q*)> - 2 <p, B(q, J^-1 B(q,q*))> + <p, B(q*, (2 i omega - J)^-1 B(q,q))>]/(2 omega)

(Kuznetsov, Elements of Applied Bifurcation Theory, Eq. 5.39). Only df/dt is nonlinear, and only in u and f,
so that all of it is a closed form of the loop's transfer function. With the activation as the one coordinate
that is pushed, q = (voltage(i), 1), and <p, force> = force/(derivative of the stiffness by the frequency).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from memfit.analysis.circuit import Circuit
from memfit.arrays import ComplexArray, FloatArray
from memfit.model.boundary import Loop, hopf_biases, hopf_frequency
from memfit.model.equations import activation, steady_current
from memfit.model.parameters import Parameters

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
