"""The steady state under voltage or current control, and its exact derivatives by every parameter.

Voltage control solves V = u + R_s I(u), current control I = I(u), with I(u) the sum of the steady currents of
the parts: u/R_b + i_c0 f_ss(u) (Eqs. 5 and 10 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789).
I(u) of the plainest device rises everywhere, so there is exactly one solution; Newton's method finds it
inside a bracket that shrinks at every step. Where a part lets I(u) fall there can be several:
`steady_voltages` finds all, and `junction_voltage` takes those on the path of the drive.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import FloatArray
from memfit.model.parameters import COLUMN, NAMES, Parameters
from memfit.model.parts import CAPACITORS, CONDUCTORS, OHMIC, VOLTAGE_DEPENDENT, VoltageDependent, present
from memfit.protocols import Control

_MAX_ITERATIONS = 200  # bisection alone needs about 60
_RELATIVE_STEP = 4e-16
_SMALL_STEP = 1e-9
_SCAN = 400  # voltages at which folds are looked for, over all and around each threshold


def steady_current(p: Parameters, u: ArrayLike) -> FloatArray:
    """I(u) = u/R_b + i_c0 f_ss(u), A, Eq. 5.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    total = np.zeros(np.shape(u))
    for part in present(p, CONDUCTORS):
        total = total + part.steady_current(p, u)
    return total


def conductance(p: Parameters, u: ArrayLike) -> FloatArray:
    """dI/du = 1/R_b + 1/R_a, S, Eq. 9.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    total = np.zeros(np.shape(u))
    for part in present(p, CONDUCTORS):
        total = total + part.conductance(p, u)
    return total


def ohmic_resistance(p: Parameters) -> float:
    """R_b, ohm: the ohmic parts in parallel.

    Parameters
    ----------
    p : Parameters
    """
    first, *others = (part.resistance(p) for part in present(p, OHMIC))
    return 1.0 / sum((1.0 / R for R in others), 1.0 / first) if others else first


def junction_capacitance(p: Parameters, u: ArrayLike) -> FloatArray | float:
    """C_m, F: dQ/du of the junction.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    """
    first, *others = (part.capacitance(p, u) for part in present(p, CAPACITORS))
    for other in others:
        first = first + other
    return first


def junction_voltage(p: Parameters, control: Control, drive: ArrayLike) -> FloatArray:
    """Steady voltage u across the junction.

    Parameters
    ----------
    p : Parameters
    control : {"current", "voltage"}
    drive : (n,) array, A or V
        Terminal current or terminal voltage.

    Returns
    -------
    (n,) array, V
    """
    drive = np.asarray(drive, dtype=np.float64)
    if control == "voltage" and p.R_s == 0.0:
        return drive.copy()
    balance = Balance.of(p, control)
    if balance.rises:
        return balance.root(balance.factor * drive)
    return balance.along(balance.factor * drive)


@dataclass(frozen=True)
class Balance:
    """The steady state as an equation: slope u + resistance (current that depends on u) = source."""

    p: Parameters
    parts: tuple[VoltageDependent, ...]
    slope: float
    resistance: float
    """Ohm."""
    factor: float
    """Of the drive, to make the source of it."""

    @classmethod
    def of(cls, p: Parameters, control: Control) -> "Balance":
        """That of a device, with R_s under voltage control."""
        R = ohmic_resistance(p)
        parts = tuple(present(p, VOLTAGE_DEPENDENT))
        if control == "voltage":
            return cls(p, parts, 1.0 + p.R_s / R, p.R_s, 1.0)
        return cls(p, parts, 1.0, R, R)

    @property
    def rises(self) -> bool:
        """Whether its left side certainly rises with u, so that there is one solution."""
        return self.slope + self.resistance * sum(part.least_conductance(self.p) for part in self.parts) > 0.0

    def bracket(self, source: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Voltages between which all solutions lie."""
        limits = [part.limits(self.p) for part in self.parts]
        least, most = sum(low for low, _ in limits), sum(high for _, high in limits)
        high = (source - self.resistance * least) / self.slope
        low = (source - self.resistance * most) / self.slope
        if all(part.is_bounded(self.p) for part in self.parts):
            return low, high
        return np.minimum(low, 0.0), np.maximum(high, 0.0)

    def left(self, u: FloatArray) -> FloatArray:
        """Slope u + current resistance, V."""
        total = self.slope * u
        for part in self.parts:
            total += part.steady_current(self.p, u, self.resistance)
        return total

    def rise(self, u: FloatArray) -> FloatArray:
        """Derivative of `left`."""
        total = np.full_like(u, self.slope)
        for part in self.parts:
            total += part.conductance(self.p, u, self.resistance)
        return total

    def root(self, source: FloatArray, bracket: tuple[FloatArray, FloatArray] | None = None) -> FloatArray:
        """The solution within a bracket inside which `left` rises; by default within all of it."""
        low, high = bracket or self.bracket(source)
        u = high.copy()
        last = high - low
        for _ in range(_MAX_ITERATIONS):
            excess = self.left(u)
            rise = self.rise(u)
            excess -= source
            high = np.where(excess > 0, u, high)
            low = np.where(excess > 0, low, u)
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                step = u - excess / rise
            # Where Newton's step is neither small nor half the last one, it may run in circles: bisect.
            shrinks = np.abs(step - u) <= 0.5 * last + _SMALL_STEP * np.maximum(np.abs(u), self.p.V_m)
            newton = (step >= low) & (step <= high) & shrinks
            new = np.where(newton, step, 0.5 * (low + high))
            done = np.abs(new - u) <= _RELATIVE_STEP * np.maximum(np.abs(new), self.p.V_m)
            last = np.abs(new - u)
            u = new
            if np.all(done):
                break
        return u

    def folds(self, source: FloatArray) -> FloatArray:
        """(k,) voltages at which `left` turns, rising; up and down by turns, from a maximum on."""
        low, high = self.bracket(source)
        reach = max(float(np.max(high, initial=0.0)), -float(np.min(low, initial=0.0))) + self.p.V_m
        nodes = np.concatenate(
            [
                np.linspace(-reach, reach, _SCAN),
                self.p.V_T + self.p.V_m * np.linspace(-45.0, 45.0, _SCAN),
                -self.p.V_T + self.p.V_m * np.linspace(-45.0, 45.0, _SCAN),
            ]
        )
        if np.isfinite(self.p.V_Tn):
            nodes = np.append(nodes, -self.p.V_Tn + self.p.V_mn * np.linspace(-45.0, 45.0, _SCAN))
        nodes = np.unique(nodes[np.abs(nodes) <= reach])
        sign = np.sign(self.rise(nodes))
        turns = np.flatnonzero(sign[:-1] * sign[1:] < 0.0)
        low, high = nodes[turns], nodes[turns + 1]
        for _ in range(_MAX_ITERATIONS):
            middle = 0.5 * (low + high)
            same = np.sign(self.rise(middle)) == sign[turns]
            low, high = np.where(same, middle, low), np.where(same, high, middle)
            if np.all(high - low <= _RELATIVE_STEP * np.maximum(np.abs(high), self.p.V_m)):
                break
        return 0.5 * (low + high)

    def along(self, source: FloatArray) -> FloatArray:
        """(n,) solutions on the path of a drive: a branch is left where it ends, for the next stable one.

        Before the first value the drive has risen (or fallen) to it from nothing.
        """
        folds = self.folds(source)
        if (
            folds.size % 2 or folds.size == 0
        ):  # of a pair that lies beyond what is looked at one may be missing
            return self.root(source)
        edges = np.concatenate([[-np.inf], folds, [np.inf]])
        starts, ends = edges[0::2], edges[1::2]  # of the branches on which `left` rises
        first, last = (self.left(np.where(np.isfinite(e), e, 0.0)) for e in (starts, ends))
        first, last = np.where(np.isfinite(starts), first, -np.inf), np.where(np.isfinite(ends), last, np.inf)
        branch = self._first_branch(first, last)
        low, high = self.bracket(source)
        lows, highs = low.copy(), high.copy()
        for j, aim in enumerate(source):
            while aim > last[branch]:
                branch += 1
            while aim < first[branch]:
                branch -= 1
            lows[j], highs[j] = max(low[j], starts[branch]), min(high[j], ends[branch])
        return self.root(source, (lows, highs))

    def _first_branch(self, first: FloatArray, last: FloatArray) -> int:
        """The branch at rest, without a drive: the first that reaches it."""
        return int(np.argmin(np.maximum(first, 0.0) + np.maximum(-last, 0.0)))

    def roots(self, source: float) -> FloatArray:
        """(k,) all solutions, rising; every other one, from the first, on a branch where `left` rises."""
        at = np.array([source])
        folds = self.folds(at)
        if folds.size == 0:
            return self.root(at)
        low, high = (float(end[0]) for end in self.bracket(at))
        edges = np.array([low - 1.0, *folds, high + 1.0])
        found = []
        for k, (a, b) in enumerate(itertools.pairwise(edges)):
            rising = k % 2 == 0
            values = self.left(np.array([a, b]))
            if min(values) <= source <= max(values):
                found.append(self._between(a, b, source, rising))
        return np.array(found)

    def _between(self, low: float, high: float, source: float, rising: bool) -> float:
        """The solution between two folds, by bisection."""
        for _ in range(_MAX_ITERATIONS):
            middle = 0.5 * (low + high)
            if middle in (low, high):
                break
            above = bool(self.left(np.array([middle]))[0] > source)
            low, high = (low, middle) if above == rising else (middle, high)
        return 0.5 * (low + high)


def steady_voltages(p: Parameters, control: Control, drive: float) -> FloatArray:
    """(k,) all steady voltages u across the junction at one value of the drive, V, rising.

    There are several where I(u) folds; then every second one lies where the slope of the balance is negative
    and is unstable whatever the times are.

    Parameters
    ----------
    p : Parameters
    control : {"current", "voltage"}
    drive : float, A or V
        Terminal current or terminal voltage.
    """
    if control == "voltage" and p.R_s == 0.0:
        return np.array([float(drive)])
    balance = Balance.of(p, control)
    return balance.roots(balance.factor * float(drive))


def falling_between(p: Parameters) -> list[tuple[float, float]]:
    """Junction voltages (V) between which the steady current falls: negative differential resistance.

    Parameters
    ----------
    p : Parameters
    """
    balance = Balance.of(p, "current")
    if balance.rises:
        return []
    reach = np.array([max(abs(p.V_T), abs(p.V_Tn) if np.isfinite(p.V_Tn) else 0.0) + 30.0 * p.V_m])
    folds = balance.folds(balance.left(reach))
    return [(float(low), float(high)) for low, high in itertools.pairwise(folds)][::2]


def junction_voltage_derivatives(p: Parameters, control: Control, u: ArrayLike) -> FloatArray:
    """Derivatives of the steady u by the parameters.

    From the implicit equation: du/dp = -(dF/dp)/(dF/du) with F = u + R_s I(u) - V or F = I(u) - I.

    Parameters
    ----------
    p : Parameters
    control : {"current", "voltage"}
    u : (n,) array, V

    Returns
    -------
    (n, p) array
        V per SI unit, in the order of `NAMES`.
    """
    u = np.asarray(u, dtype=np.float64)
    by_parameter = current_derivatives(p, u)
    slope = conductance(p, u)
    if control == "current":
        return -by_parameter / slope[:, None]
    by_parameter *= p.R_s
    by_parameter[:, COLUMN["R_s"]] = steady_current(p, u)
    return -by_parameter / (1.0 + p.R_s * slope)[:, None]


def current_derivatives(p: Parameters, u: ArrayLike) -> FloatArray:
    """(n, p) derivatives of I(u) (A) by the parameters at fixed u (n,), in the order of `NAMES`.

    Parameters
    ----------
    p : Parameters
    u : (n,) array, V, across the junction
    """
    u = np.asarray(u, dtype=np.float64)
    result = np.zeros((u.size, len(NAMES)))
    for part in present(p, CONDUCTORS):
        part.add_current_derivatives(p, u, result)
    return result


def steady_response(p: Parameters, control: Control, drive: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Quasi-steady response to a drive, and its derivatives.

    Parameters
    ----------
    p : Parameters
    control : {"current", "voltage"}
    drive : (n,) array, A or V

    Returns
    -------
    response : (n,) array
        Current (A) under voltage control, terminal voltage (V) under current control.
    derivatives : (n, p) array
        By the parameters, in the order of `NAMES`.
    """
    drive = np.asarray(drive, dtype=np.float64)
    return response_at(p, control, drive, junction_voltage(p, control, drive))


def response_at(
    p: Parameters, control: Control, drive: FloatArray, u: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """As `steady_response`, with the junction voltages known.

    Parameters
    ----------
    p : Parameters
    control : {"current", "voltage"}
    drive, u : (n,) array
        Of the terminal, A or V; of the junction, V.
    """
    u_by_p = junction_voltage_derivatives(p, control, u)
    if control == "current":
        u_by_p[:, COLUMN["R_s"]] += drive
        return u + p.R_s * drive, u_by_p
    return steady_current(p, u), current_derivatives(p, u) + conductance(p, u)[:, None] * u_by_p
