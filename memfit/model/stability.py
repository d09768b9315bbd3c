"""Linear stability of any member of the family, about its steady states.

With the terms of `memfit.model.terms` the linearised device is E dx/dt = A x, x = (u, activations, lags):

    C du/dt     = -(dj/du + sum_l beta_l y_l + 1/R) u - sum_l (alpha_l + beta_l u) y_l
    tau_f df/dt = f_ss'(u) u - f,          tau_l dy_l/dt = g_l s_l - y_l

Far from a threshold 1/tau_f passes 1e16 and the eigenvalues of E^-1 A drown in its rounding; those of A^-1 E,
whose reciprocals they are, keep the slow ones, and lose the fast ones instead. Between the thresholds of two
polarities it passes 1e32, where neither is left: then f follows at once, f = f_ss(u) there. The frequency
response says the same without eigenvalues, and for dispersion too, which has no finite Jacobian: with
Y = Y_0 + L, L what answers late (the loops), the factor on L that brings an eigenvalue to i omega is a real
positive value of -(Y_0 + 1/R)/L. A Hopf point is Y(i omega, u) + 1/R = 0.

R is the whole resistance between a voltage source and the junction, infinite under current control.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.errors import ParameterError
from memfit.model.parameters import Parameters
from memfit.model.parts import LOOPS, junction_admittance, present, terms_in_time
from memfit.model.steady import conductance, junction_capacitance
from memfit.model.terms import AT_VOLTAGE

_GRID = 121
"""Voltages around each threshold at which crossings are looked for."""
_REACH = 24.0
"""Of a threshold, in widths."""
_FREQUENCIES = 200
_SPREAD = 1e2  # beyond the slowest and the fastest rate
_BISECTIONS = 50
_SPACING = 0.05
"""Of the voltages of a parabola, in V_m."""
_MOST_STEPS = 40
_DIP = 1.5
"""Margins between which the grid may have missed 1."""
_AT_ONCE = 1e-12
"""Time of a state over that of the fastest other, below which it follows at once."""
_FASTEST = 1e14  # of the fastest rate to the slowest that is looked at


@dataclass(frozen=True)
class HopfPoint:
    """A steady state with a pair of eigenvalues on the imaginary axis."""

    u: float
    """V, across the junction."""
    omega: float
    """rad/s."""


@dataclass(frozen=True)
class LeastMargin:
    """The steady state that is nearest to the boundary, or farthest beyond it."""

    margin: float
    """Factor on the loops that reaches the boundary; below 1 the steady state is unstable."""
    u: float
    """V."""
    omega: float
    """rad/s, of the oscillation on the boundary."""


def member_eigenvalues(
    p: Parameters,
    u: float,
    resistance: float = np.inf,
    capacitance: float = 0.0,
    band: tuple[float, float] | None = None,
) -> ComplexArray:
    """(n,) eigenvalues at one steady state, 1/s, by falling real part.

    Parameters
    ----------
    p : Parameters
    u : float, V, across the junction
    resistance : float, ohm
        Between a voltage source and the junction.
    capacitance : float, F
        Across the junction, beside that of the device.
    band : (float, float), rad/s, optional
        Between which dispersion is followed by a ladder; then the eigenvalues are those with the ladder.

    Raises
    ------
    ParameterError
        Of a device with dispersion, without a band.
    """
    if "dispersion" in p.parts and band is None:
        raise ParameterError(
            "A device with dispersion has no eigenvalues: ask for its Hopf points or its gain margin instead."
        )
    values = _spectrum(*_linearised(p, u, resistance, capacitance, band or (1.0, 1.0)))
    return values[np.lexsort((-values.imag, -values.real))]


def _spectrum(E: FloatArray, A: FloatArray) -> ComplexArray:
    """Eigenvalues of E dx/dt = A x; a state of which E is 0 has none.

    States that are very much faster than all others follow those at once, and have rates of their own.
    """
    order = 1 + np.argsort(E[1:])
    at_once = int(np.count_nonzero(E == 0.0))
    for count in range(int(np.count_nonzero(E[1:] <= _AT_ONCE * E[1:].max())), -1, -1):
        fast, slow = order[:count], np.setdiff1d(np.arange(E.size), order[:count])
        inner = np.linalg.solve(A[np.ix_(fast, fast)], A[np.ix_(fast, slow)])
        rest = _merged(E[slow], A[np.ix_(slow, slow)] - A[np.ix_(slow, fast)] @ inner)
        if count <= at_once or E[fast[-1]] * np.max(np.abs(rest)) < _AT_ONCE:
            break
    timed = fast[at_once:]
    return np.concatenate([rest, A[timed, timed] / E[timed]])


def _merged(E: FloatArray, A: FloatArray) -> ComplexArray:
    """Eigenvalues of E dx/dt = A x, of A^-1 E where they are slow and of E^-1 A where they are fast."""
    with np.errstate(divide="ignore", invalid="ignore"):  # of the fastest, rounding may leave nothing
        slow_first = 1.0 / np.linalg.eigvals(np.linalg.solve(A, np.diag(E))).astype(np.complex128)
    fast_first = np.linalg.eigvals(A / E[:, None]).astype(np.complex128)
    slow_first, fast_first = (found[np.argsort(np.abs(found))] for found in (slow_first, fast_first))
    # The one loses digits as |lambda|/|least|, the other as |largest|/|lambda|.
    middle = np.sqrt(np.abs(slow_first[0])) * np.sqrt(np.abs(fast_first[-1]))
    return np.asarray(np.where(np.abs(slow_first) < middle, slow_first, fast_first), dtype=np.complex128)


def _linearised(
    p: Parameters, u: float, resistance: float, capacitance: float, band: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """(n,) diagonal of E and (n, n) A."""
    terms = terms_in_time(p, band)
    activations, size = len(terms.activations), 1 + len(terms.activations) + len(terms.lags)
    E, A = np.zeros(size), np.zeros((size, size))
    E[0] = terms.capacitance.value + capacitance
    for amplitude, width in terms.growing_capacitances:
        E[0] += amplitude.value * np.exp(u / width.value)
    A[0, 0] = -terms.conductance.value - 1.0 / resistance
    for amplitude, width in terms.growing_currents:
        A[0, 0] -= amplitude.value / width.value * np.exp(u / width.value)
    source = [u]
    for k, (sign, numbers) in enumerate(terms.activations, start=1):
        V_T, V_m, tau_k, power, rest_power = (number.value for number in numbers)
        z = (sign * u - V_T) / V_m
        log_f, log_rest = -np.logaddexp(0.0, -z), -np.logaddexp(0.0, z)
        E[k] = tau_k * np.exp(power * log_f + rest_power * log_rest)
        A[k, k], A[k, 0] = -1.0, sign * np.exp(log_f + log_rest) / V_m
        source.append(float(np.exp(log_f)))
    for k, (where, numbers) in enumerate(terms.lags, start=1 + activations):
        tau, gain, alpha, beta = (number.value for number in numbers)
        of = 0 if where == AT_VOLTAGE else 1 + where
        E[k] = tau
        A[k, k], A[k, of] = -1.0, gain
        A[0, k] = -(alpha + beta * u)
        A[0, 0] -= beta * gain * source[of]
    return E, A


def _response(
    p: Parameters, omega: FloatArray, u: FloatArray, resistance: float, capacitance: float
) -> ComplexArray:
    """-(Y_0 + 1/R)/L, broadcast over omega and u."""
    s = np.asarray(1j * omega, dtype=np.complex128)
    total = junction_admittance(p, s, u) + 1.0 / resistance + s * capacitance
    loops = np.zeros(total.shape, dtype=np.complex128)
    for part in present(p, LOOPS):
        loops = loops + part.loop_admittance(p, s, u)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        result: ComplexArray = 1.0 - total / loops
    return result


def _frequencies(p: Parameters, resistance: float, capacitance: float, u: FloatArray) -> FloatArray:
    """(m, w) rad/s at each voltage (m,) among which crossings are looked for."""
    G = np.abs(conductance(p, u)) + 1.0 / resistance
    terms = terms_in_time(p, (1.0, 1.0))
    named = [terms.lags[k][1][0].value for kind, k in terms.names.values() if kind == "lag"]
    rates = [G / (junction_capacitance(p, u) + capacitance)]
    rates += [np.full_like(u, 1.0 / tau) for tau in named if tau > 0.0]
    for sign, numbers in terms.activations:
        V_T, V_m, tau_k, power, rest_power = (number.value for number in numbers)
        z = (sign * u - V_T) / V_m
        with np.errstate(over="ignore"):
            rates.append(np.exp(power * np.logaddexp(0.0, -z) + rest_power * np.logaddexp(0.0, z)) / tau_k)
    low = np.min(rates, axis=0) / _SPREAD
    high = np.minimum(np.max(rates, axis=0), low * _FASTEST) * _SPREAD
    return np.geomspace(low, high, _FREQUENCIES, axis=-1)


def gain_margins(
    p: Parameters, u: ArrayLike, resistance: float = np.inf, capacitance: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Least factor on the loops that brings a pair of eigenvalues to the imaginary axis, and their frequency.

    Below 1 the steady state is unstable; infinite (and the frequency NaN) where no factor does it.

    Parameters
    ----------
    p : Parameters
    u : (m,) array, V, across the junction
    resistance : float, ohm
        Between a voltage source and the junction.
    capacitance : float, F
        Across the junction, beside that of the device.

    Returns
    -------
    margin : (m,) array
    omega : (m,) array, rad/s
    """
    u = np.atleast_1d(np.asarray(u, dtype=np.float64))
    best, at = np.full(u.size, np.inf), np.full(u.size, np.nan)
    if p.tau_d == 0.0 or p.tau_k == 0.0:
        return best, at  # two lags at most: no factor is enough
    row, crossing, values = _crossings(p, u, resistance, capacitance, np.imag)
    for k, found, where in zip(row, values.real, crossing, strict=True):
        if 0.0 < found < best[k]:
            best[k], at[k] = found, where
    return best, at


def phase_margins(
    p: Parameters, u: ArrayLike, resistance: float = np.inf, capacitance: float = 0.0
) -> FloatArray:
    """(m,) degrees to 180 where the gain of the loops falls to 1; infinite where it is never above.

    Parameters
    ----------
    p : Parameters
    u : (m,) array, V, across the junction
    resistance : float, ohm
        Between a voltage source and the junction.
    capacitance : float, F
        Across the junction, beside that of the device.
    """
    u = np.atleast_1d(np.asarray(u, dtype=np.float64))
    margin, last = np.full(u.size, np.inf), np.zeros(u.size)

    def excess(response: ComplexArray) -> FloatArray:
        """Above 0 where the gain is below 1."""
        result: FloatArray = np.log(np.abs(response))
        return result

    row, crossing, values = _crossings(p, u, resistance, capacitance, excess)
    for k, where, found in zip(row, crossing, values, strict=True):
        if where > last[k]:
            margin[k], last[k] = -np.degrees(np.angle(found)), where
    return margin


def loop_gains(
    p: Parameters, u: ArrayLike, resistance: float = np.inf, capacitance: float = 0.0
) -> FloatArray:
    """(m,) steady gain of the loops: what answers late over all that answers at once.

    Parameters
    ----------
    p : Parameters
    u : (m,) array, V, across the junction
    resistance, capacitance : float, ohm and F
        As for `phase_margins`.
    """
    u = np.atleast_1d(np.asarray(u, dtype=np.float64))
    with np.errstate(divide="ignore"):
        result: FloatArray = -1.0 / _response(p, np.zeros(u.size), u, resistance, capacitance).real
    return result


def _crossings(
    p: Parameters,
    u: FloatArray,
    resistance: float,
    capacitance: float,
    quantity: Callable[[ComplexArray], FloatArray],
) -> tuple[np.ndarray, FloatArray, ComplexArray]:
    """Where a quantity of the response changes sign along the frequencies: voltage, rad/s, response."""
    omega = _frequencies(p, resistance, capacitance, u)
    values = quantity(_response(p, omega, u[:, None], resistance, capacitance))
    row, column = np.nonzero(np.sign(values[:, :-1]) * np.sign(values[:, 1:]) < 0.0)
    low, high = np.log(omega[row, column]), np.log(omega[row, column + 1])
    below = np.sign(values[row, column])
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        response = _response(p, np.exp(middle), u[row], resistance, capacitance)
        same = np.sign(quantity(response)) == below
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    crossing = np.exp(0.5 * (low + high))
    return row, crossing, _response(p, crossing, u[row], resistance, capacitance)


def _voltages(p: Parameters) -> FloatArray:
    """Where the loops have a gain: around each threshold."""
    around = [
        sign * numbers[0].value + numbers[1].value * np.linspace(-_REACH, _REACH, _GRID)
        for sign, numbers in terms_in_time(p, (1.0, 1.0)).activations
    ]
    return np.unique(np.concatenate(around))


def least_gain_margin(
    p: Parameters, resistance: float = np.inf, capacitance: float = 0.0
) -> LeastMargin | None:
    """The least gain margin over all biases; None where no factor reaches the boundary at any.

    Parameters
    ----------
    p : Parameters
    resistance : float, ohm
        Between a voltage source and the junction.
    capacitance : float, F
        Across the junction, beside that of the device.
    """
    u = _voltages(p)
    margin, _ = gain_margins(p, u, resistance, capacitance)
    if not np.isfinite(margin).any():
        return None
    k = int(np.argmin(margin))
    return least_margin_between(p, u[max(k - 1, 0)], u[min(k + 1, u.size - 1)], resistance, capacitance)


def least_margin_between(
    p: Parameters, low: float, high: float, resistance: float = np.inf, capacitance: float = 0.0
) -> LeastMargin:
    """The least gain margin between two voltages where there is one minimum.

    Parameters
    ----------
    p : Parameters
    low, high : float, V, across the junction
    resistance, capacitance : float, ohm and F
        As for `least_gain_margin`.
    """
    for _ in range(9):  # each time a fifth
        inside = np.linspace(low, high, 11)
        values, omega = gain_margins(p, inside, resistance, capacitance)
        k = int(np.argmin(values))
        low, high = inside[max(k - 1, 0)], inside[min(k + 1, inside.size - 1)]
    return LeastMargin(float(values[k]), float(inside[k]), float(omega[k]))


def follow_least_margin(
    p: Parameters, known: LeastMargin, resistance: float = np.inf, capacitance: float = 0.0
) -> LeastMargin | None:
    """The least gain margin near that of a device that differs little; None where it is lost.

    Newton's method on the frequency, at three voltages at a time, and a parabola through their margins: some
    milliseconds, where the search over all biases takes a hundred times as long.

    Parameters
    ----------
    p : Parameters
    known : LeastMargin
        Of the device that differs little.
    resistance : float, ohm
        Between a voltage source and the junction.
    capacitance : float, F
        Across the junction, beside that of the device.
    """
    u, log_omega = known.u, np.full(3, np.log(known.omega))
    spacing = _SPACING * p.V_m
    for _ in range(_MOST_STEPS):
        at = u + spacing * np.array([-1.0, 0.0, 1.0])
        for _ in range(_MOST_STEPS):
            around = log_omega[:, None] + 1e-4 * np.array([-1.0, 0.0, 1.0])
            values = _response(p, np.exp(around), at[:, None], resistance, capacitance)
            with np.errstate(divide="ignore", invalid="ignore"):
                step = -values.imag[:, 1] * 2e-4 / (values.imag[:, 2] - values.imag[:, 0])
            if not np.all(np.isfinite(step)):
                return None
            log_omega = log_omega + np.clip(step, -0.5, 0.5)
            if np.max(np.abs(step)) < 1e-9:
                break
        margin = _response(p, np.exp(log_omega), at, resistance, capacitance).real
        if not np.all(margin > 0.0):
            return None
        log = np.log(margin)
        bend = log[0] - 2.0 * log[1] + log[2]
        move = 0.5 * (log[0] - log[2]) / bend if bend > 0.0 else float(np.sign(log[0] - log[2]))
        u += spacing * float(np.clip(move, -8.0, 8.0))
        if abs(move) < 1e-3:
            return LeastMargin(float(margin[1]), float(at[1]), float(np.exp(log_omega[1])))
    return None


def hopf_points(p: Parameters, resistance: float = np.inf, capacitance: float = 0.0) -> tuple[HopfPoint, ...]:
    """All Hopf points, by rising voltage, refined on Y(i omega, u) + 1/R = 0.

    Parameters
    ----------
    p : Parameters
    resistance : float, ohm
        Between a voltage source and the junction.
    capacitance : float, F
        Across the junction, beside that of the device.
    """
    u = _voltages(p)
    margin, omega = gain_margins(p, u, resistance, capacitance)
    dips = np.flatnonzero((margin[1:-1] < margin[:-2]) & (margin[1:-1] <= margin[2:])) + 1
    for k in dips[(margin[dips] > 1.0) & (margin[dips] < _DIP)]:  # a window narrower than the grid
        least = least_margin_between(p, u[k - 1], u[k + 1], resistance, capacitance)
        u, margin = np.append(u, least.u), np.append(margin, least.margin)
        omega = np.append(omega, least.omega)
    order = np.argsort(u)
    u, margin, omega = u[order], margin[order], omega[order]
    with np.errstate(divide="ignore"):
        log = np.log(np.minimum(margin, 1e300))
    found = []
    for k in np.flatnonzero(np.sign(log[:-1]) * np.sign(log[1:]) < 0.0):
        nearer = k if abs(log[k]) < abs(log[k + 1]) else k + 1
        found.append(_refined(p, (resistance, capacitance), (u[k], u[k + 1]), omega[nearer], log[k] > 0.0))
    return tuple(found)


def _refined(
    p: Parameters, around: tuple[float, float], bracket: tuple[float, float], omega: float, enters: bool
) -> HopfPoint:
    """One Hopf point between two voltages: bisection of the margin, then Newton's method on Y + 1/R."""
    low, high = bracket
    for _ in range(4):
        inside = np.linspace(low, high, 17)
        margin, at = gain_margins(p, inside, *around)
        unstable = (margin < 1.0) == enters
        k = max(int(np.argmax(unstable)), 1)
        low, high, omega = inside[k - 1], inside[k], at[k] if np.isfinite(at[k]) else omega
    u = 0.5 * (low + high)

    def balance(by_u: float = 0.0, by_omega: float = 0.0) -> complex:
        """Y(i omega, u) + 1/R, S."""
        s, (resistance, capacitance) = np.array(1j * (omega + by_omega)), around
        return complex(junction_admittance(p, s, u + by_u) + 1.0 / resistance + s * capacitance)

    for _ in range(12):
        a, b = 1e-7 * p.V_m, 1e-7 * omega
        centre = balance()
        by_u, by_omega = (
            (balance(a) - balance(-a)) / (2.0 * a),
            (balance(0.0, b) - balance(0.0, -b)) / (2.0 * b),
        )
        matrix = np.array([[by_u.real, by_omega.real], [by_u.imag, by_omega.imag]])
        change = np.linalg.solve(matrix, [centre.real, centre.imag])
        u, omega = u - float(change[0]), omega - float(change[1])
        if abs(change[0]) < 1e-14 * p.V_m and abs(change[1]) < 1e-14 * omega:
            break
    return HopfPoint(float(u), float(omega))
