"""The parts that a device is made of, each in its file with its equation, and how they come together.

    C du/dt = I - sum of the currents of the conductors           junction
    Y       = sum of the admittances of the branches              small signal, s = i omega

A part states its parameters (rows of the table whose `part` is its name), its state if it has one, its steady
current and its admittance with their exact derivatives, and its equation in time. `steady`, `smallsignal`,
`linear` and `equations` are assembled from the lists below and know no part by name. A new part is a file
with the functions of the protocols it takes part in, its rows in the table, and its place in the lists.

Parts are across the junction; what lies in series (R_s, L_s) is the terminal's, V = u + R_s I. `u` is the
junction voltage, V; `by` holds derivatives by the parameters on its last axis, as `NAMES`, and each part adds
to its own columns.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import Parameters
from memfit.model.parts import activation, capacitance, channel, leak

State = Mapping[str, FloatArray]
"""u (V) and the states of the parts, by name."""


class Branch(Protocol):
    """What a small signal sees across the junction."""

    PART: str

    def admittance(self, p: Parameters, s: ComplexArray, u: ArrayLike) -> ComplexArray | float:
        """Y (S) at s = i omega (rad/s) about the steady state u."""

    def add_admittance(
        self,
        p: Parameters,
        s: ComplexArray,
        u: FloatArray,
        u_by_p: FloatArray,
        k: np.ndarray,
        by: ComplexArray,
    ) -> ComplexArray | float:
        """Y (S) at s (n,) about the biases u (m,)[k], and its derivatives added to `by` (n, p).

        `u_by_p` (m, p) is how the biases move with the parameters.
        """


class Conductor(Branch, Protocol):
    """What carries a steady current across the junction."""

    def steady_current(self, p: Parameters, u: ArrayLike) -> FloatArray:
        """Current (A) out of the junction in a steady state."""

    def conductance(self, p: Parameters, u: ArrayLike) -> FloatArray | float:
        """Derivative of the steady current by u, S."""

    def add_current_derivatives(self, p: Parameters, u: FloatArray, by: FloatArray) -> None:
        """Derivatives of the steady current at fixed u (n,) added to `by` (n, p)."""

    def current(self, p: Parameters, state: State) -> FloatArray:
        """Current (A) out of the junction at any state."""

    def current_slopes(self, p: Parameters, state: State) -> Mapping[str, FloatArray | float]:
        """Its derivatives by u and the states, by name; what is missing is 0."""


class Ohmic(Conductor, Protocol):
    """A conductor that is a resistance."""

    def resistance(self, p: Parameters) -> float:
        """Ohm."""


class VoltageDependent(Conductor, Protocol):
    """A conductor whose steady current is no multiple of the voltage, but between limits."""

    def steady_current(self, p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
        """Current (A), or the voltage (V) that it drops across a resistance (ohm)."""

    def conductance(self, p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
        """Derivative of `steady_current` by u."""

    def limits(self, p: Parameters) -> tuple[float, float]:
        """Least and most steady current, A."""


class Capacitor(Branch, Protocol):
    """What the charge of the junction sits on."""

    def capacitance(self, p: Parameters, u: ArrayLike) -> FloatArray | float:
        """dQ/du, F."""


class Kinetic(Protocol):
    """What has a state of its own."""

    PART: str
    STATE: str

    def rate(self, p: Parameters, state: State) -> FloatArray:
        """Time derivative of the state."""

    def rate_slopes(self, p: Parameters, state: State) -> Mapping[str, FloatArray | float]:
        """Its derivatives by u and the states, by name; what is missing is 0."""


class Feedback(Protocol):
    """A conductor that answers late: with the charging of the junction a loop of three lags."""

    def loop_gain(self, p: Parameters, u: ArrayLike, resistance: float) -> FloatArray:
        """Its conductance times the resistance (ohm) of all others."""

    def lags(self, p: Parameters, u: ArrayLike) -> tuple[float, FloatArray]:
        """Its two delays, s."""


OHMIC: tuple[Ohmic, ...] = (leak,)
VOLTAGE_DEPENDENT: tuple[VoltageDependent, ...] = (channel,)
CAPACITORS: tuple[Capacitor, ...] = (capacitance,)
KINETIC: tuple[Kinetic, ...] = (channel, activation)
FEEDBACK: Feedback = channel
"""The one loop of the model: `linear` and `hopf_boundary` are in closed form for one."""

CONDUCTORS: tuple[Conductor, ...] = (*OHMIC, *VOLTAGE_DEPENDENT)
BRANCHES: tuple[Branch, ...] = (*VOLTAGE_DEPENDENT, *OHMIC, *CAPACITORS)
STATES = ("u", *(part.STATE for part in KINETIC))
"""Names of the states, in the order of the vector field."""
