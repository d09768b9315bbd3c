"""The parts that a device is made of, each in its file with its equation, and how they come together.

    C du/dt = I - sum of the currents of the conductors           junction
    Y       = sum of the admittances of the branches              small signal, s = i omega

A part states its parameters (rows of the table whose `part` is its name), its state if it has one, its steady
current and its admittance with their exact derivatives, and its equation in time. `steady`, `smallsignal`,
`linear` and `equations` are assembled from those of the lists below that a device has, and know no part by
name. A new part is a file with the functions of the protocols it takes part in, its rows in the table, and
its place in the lists. `conductance` and `activation_time` change the formulas of channel and activation.

Parts are across the junction; what lies in series (R_s, L_s) is the terminal's, V = u + R_s I. `u` is the
junction voltage, V; `by` holds derivatives by the parameters on its last axis, as `NAMES`, and each part adds
to its own columns.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.errors import ParameterError
from memfit.model.parameters import EXTENSIONS, Parameters
from memfit.model.parts import (
    activation,
    branch,
    capacitance,
    channel,
    dispersion,
    leak,
    membrane,
    photocurrent,
    resistance,
    second_polarity,
)
from memfit.model.terms import Number, Terms

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


class Timed(Protocol):
    """What takes part in the response in time."""

    PART: str

    def in_time(self, p: Parameters, terms: Terms) -> None:
        """Add its numbers to those of the general step."""


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
    """A conductor whose steady current is no multiple of the voltage."""

    def steady_current(self, p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
        """Current (A), or the voltage (V) that it drops across a resistance (ohm)."""

    def conductance(self, p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
        """Derivative of `steady_current` by u."""

    def limits(self, p: Parameters) -> tuple[float, float]:
        """Least and most steady current, A; where it is not bounded, least for u >= 0 and most for u <= 0."""

    def is_bounded(self, p: Parameters) -> bool:
        """Whether it stays between its limits whatever the voltage."""

    def least_conductance(self, p: Parameters) -> float:
        """What its conductance, S, is at no voltage below; 0 where it never falls."""


class Capacitor(Branch, Protocol):
    """What the charge of the junction sits on."""

    def capacitance(self, p: Parameters, u: ArrayLike) -> FloatArray | float:
        """dQ/du, F."""


class Kinetic(Protocol):
    """What has a state of its own."""

    PART: str
    STATE: str

    def rest(self, p: Parameters, u: ArrayLike) -> FloatArray:
        """The state in equilibrium at u."""

    def rate(self, p: Parameters, state: State) -> FloatArray:
        """Time derivative of the state."""

    def rate_slopes(self, p: Parameters, state: State) -> Mapping[str, FloatArray | float]:
        """Its derivatives by u and the states, by name; what is missing is 0."""


class Loop(Protocol):
    """A conductor that answers late."""

    PART: str

    def loop_admittance(self, p: Parameters, s: ComplexArray, u: ArrayLike) -> ComplexArray:
        """What of its admittance (S) answers late."""


class Feedback(Loop, Protocol):
    """With the charging of the junction a loop of three lags."""

    def loop_gain(self, p: Parameters, u: ArrayLike, resistance: float) -> FloatArray:
        """Its conductance times the resistance (ohm) of all others."""

    def lags(self, p: Parameters, u: ArrayLike) -> tuple[float, FloatArray]:
        """Its two delays, s."""


OHMIC: tuple[Ohmic, ...] = (resistance,)
VOLTAGE_DEPENDENT: tuple[VoltageDependent, ...] = (channel, leak, photocurrent, second_polarity, branch)
CAPACITORS: tuple[Capacitor, ...] = (membrane, capacitance)
KINETIC: tuple[Kinetic, ...] = (channel, activation, branch, second_polarity, second_polarity.ACTIVATION)
LOOPS: tuple[Loop, ...] = (channel, second_polarity)
FEEDBACK: Feedback = channel
"""The one loop of the plainest device: `linear` and `hopf_boundary` are in closed form for one."""

CONDUCTORS: tuple[Conductor, ...] = (*OHMIC, *VOLTAGE_DEPENDENT)
BRANCHES: tuple[Branch, ...] = (*VOLTAGE_DEPENDENT, *OHMIC, *CAPACITORS, dispersion)

TIMED: tuple[Timed, ...] = (
    channel,
    resistance,
    membrane,
    capacitance,
    leak,
    photocurrent,
    second_polarity,
    branch,
    dispersion,
)
"""The channel first: its activation and its current are those of which a record can begin with any."""

P = TypeVar("P", Branch, Capacitor, Conductor, Kinetic, Loop, Ohmic, Timed, VoltageDependent)


def present(p: Parameters, parts: Sequence[P]) -> list[P]:
    """Those of some parts that a device has.

    Parameters
    ----------
    p : Parameters
    parts : sequence of parts
    """
    absent = EXTENSIONS.keys() - p.parts
    return [part for part in parts if part.PART not in absent]


def junction_admittance(p: Parameters, s: ComplexArray, u: ArrayLike) -> ComplexArray:
    """Y, S: the sum of the admittances of the branches that a device has.

    Parameters
    ----------
    p : Parameters
    s : array, rad/s
        i omega.
    u : array, V
        Steady junction voltage; broadcast against `s`.
    """
    Y = np.zeros(np.broadcast_shapes(np.shape(s), np.shape(u)), dtype=np.complex128)
    for part in present(p, BRANCHES):
        Y = Y + part.admittance(p, s, u)
    return Y


def states(p: Parameters) -> tuple[str, ...]:
    """Names of the states of a device, in the order of the vector field; (u, i_c, f) of the plainest.

    Parameters
    ----------
    p : Parameters
    """
    return ("u", *(part.STATE for part in present(p, KINETIC)))


def terms_in_time(p: Parameters, band: tuple[float, float]) -> Terms:
    """The numbers of a device that the general step integrates.

    Parameters
    ----------
    p : Parameters
    band : (float, float), rad/s
        Frequencies between which dispersion is followed.
    """
    terms = Terms(band, series=Number(p.R_s, {"R_s": 1.0}))
    for part in present(p, TIMED):
        part.in_time(p, terms)
    return terms


def refuse_parts(p: Parameters, answer: str) -> None:
    """Refuse an answer that exists for the plainest device only.

    Parameters
    ----------
    p : Parameters
    answer : str
        What is asked, as the beginning of a sentence.

    Raises
    ------
    ParameterError
        It has other parts.
    """
    if p.parts:
        raise ParameterError(
            f"{answer} is known for the plainest model only; found {', '.join(p.parts)}. "
            "Leave their parameters out."
        )
