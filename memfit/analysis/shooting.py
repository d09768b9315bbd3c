"""Limit cycles by shooting, and the branch of them between two Hopf points by pseudo-arclength continuation.

Every orbit crosses the steady voltage u* (else i_c would drift), so its phase is set there, where u falls.
The unknowns are z = ((u* - V_T)/V_m, logit(i_c/i_c0), logit f, ln T), further states of a member before the
last (`memfit.analysis.orbits`): the source is that of the steady state u*, and the first number is what is
followed from Hopf point to Hopf point. The plainest device's steady state is (x, x, x). The state after a
period comes from the compiled integrators, its derivatives from central differences over tight tolerances,
all in one call.

The branch starts at a Hopf point as a small ellipse in the plane of the critical eigenvector. Where
relaxation oscillations explode within a hair's breadth of that point, shooting cannot follow; then the branch
is taken up where the device settles in the middle of the window, and followed from there to both sides.
Source: Kuznetsov, Elements of Applied Bifurcation Theory, chapter 10.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from memfit.arrays import FloatArray
from memfit.model import Parameters


class Orbits(Protocol):
    """What is asked of a device under constant currents: `memfit.analysis.orbits.Orbits`."""

    @property
    def p(self) -> Parameters:
        """The effective device."""

    @property
    def size(self) -> int:
        """How many states there are."""

    def steady(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Voltage (V) and source current (A)."""

    def at_rest(self, x: float) -> FloatArray:
        """(n,) coordinates of the steady state."""

    def direction(self, x: float, omega: float) -> FloatArray:
        """(n,) of the coordinates about the steady state where u falls."""

    def loop_direction(self, x: float, omega: float) -> FloatArray:
        """(n,) of it what the channel that drives has."""

    def state(self, z: FloatArray) -> FloatArray:
        """(..., n) states of unknowns."""

    def coordinates(self, states: FloatArray) -> FloatArray:
        """(..., n) of states."""

    def rates(self, states: FloatArray, current: FloatArray) -> FloatArray:
        """(..., n) time derivatives of states."""

    def run(self, starts: FloatArray, currents: FloatArray, times: list[FloatArray]) -> FloatArray | None:
        """States at the times of each start, end to end; None where the integrator fails."""

    def miss(self, z: FloatArray) -> FloatArray | None:
        """(n,) what misses to periodicity."""

    def residual(self, z: FloatArray, difference: float = ...) -> tuple[FloatArray, FloatArray] | None:
        """The same with its (n, n + 1) derivatives."""


@dataclass(frozen=True)
class Settings:
    """Numbers that steer shooting and continuation; lengths are those of the coordinates."""

    samples: int = 1024
    """Points of an orbit from which its energy is taken, and where its extremes are,"""
    finer: int = 32
    """and of each of the steps beside an extreme."""
    difference: float = 1e-4
    """Of each coordinate, and twice that, for the multipliers."""
    converged: float = 1e-9
    """Length of a step of Newton's method after which it ends,"""
    noise: float = 1e-6
    """or one that no longer shrinks: below this it is the integrator's error, seen at a steep crossing."""
    most_iterations: int = 8
    """Of Newton's method, which takes 3 to 5."""
    largest_correction: float = 1.0
    """Beyond the last step of the branch: farther away is another orbit."""
    most_points: int = 160
    """Orbits of one stretch; a whole branch usually has 40 to 80."""
    first_step: float = 0.05
    """Along the branch,"""
    smallest_step: float = 1e-3
    """below which it is given up,"""
    largest_step: float = 0.4
    """and the longest one."""
    easy_iterations: int = 5
    """Up to so many the next step is longer."""
    sharp_bend: float = 0.15
    """Radian between steps, beyond which the next is shorter: folds are to be seen."""
    at_the_end: float = 0.2
    """Distance from the other Hopf point at which the branch has arrived."""
    smallest_orbit: float = 1e-3
    """Size of an orbit that is a point."""
    settling_periods: int = 60
    """Time in which a device settles on its orbit,"""
    settling_samples: int = 60_000
    """and points of that course."""
    first_push: float = 0.01
    """Off the steady state, in V_m."""


SETTINGS = Settings()
PLAINEST = 3
"""States of the plainest device."""


def _along(orbits: Orbits) -> FloatArray:
    """(n + 1,) the direction in which the bias changes."""
    direction: FloatArray = np.eye(orbits.size + 1)[0]
    return direction


def correct(
    orbits: Orbits, guess: FloatArray, direction: FloatArray, length: float, *, differences: bool = True
) -> tuple[FloatArray, int] | None:
    """The orbit near `guess` in the plane through it that is normal to `direction`, by Newton's method.

    Parameters
    ----------
    orbits : Orbits
    guess : (n + 1,) array
    direction : (n + 1,) array
        Normal of the plane.
    length : float
        Size of the last step of the guess, which limits the correction.
    differences : bool
        Whether every iteration takes derivatives anew; else they are those of the first, kept true along
        each step by Broyden's update: one course an iteration instead of 2n + 1, and one iteration more.

    Returns
    -------
    (n + 1,) array and the number of iterations, or None where it does not converge.
    """
    z, last = guess.copy(), np.inf
    n = orbits.size
    step: FloatArray = np.zeros(n + 1)
    system: FloatArray = np.zeros((n + 1, n + 1))
    for iteration in range(1, SETTINGS.most_iterations + 1):
        if differences or iteration == 1:
            residual = orbits.residual(z)
            if residual is None:
                return None
            miss, system[:n], system[n] = *residual, direction
        else:
            missed = orbits.miss(z[None, :])
            if missed is None:
                return None
            miss = missed[0]
            system[:n] += miss[:, None] * step / (step @ step)
        right = -np.append(miss, direction @ (z - guess))
        try:
            step = np.asarray(np.linalg.solve(system, right), dtype=np.float64)
        except np.linalg.LinAlgError:
            return None
        if np.linalg.norm(z + step - guess) > SETTINGS.largest_correction + length:
            return None
        z = z + step
        size = float(np.linalg.norm(step))
        if size < SETTINGS.converged or (size < SETTINGS.noise and size > 0.3 * last):
            return z, iteration
        last = size
    return None


def follow(orbits: Orbits, guesses: FloatArray, by_z: FloatArray) -> FloatArray:
    """Orbits of a device that is nearly one whose orbits are known, each at its first unknown.

    Newton's method with the derivatives of the known orbits takes a step more and a sixth of the orbits.

    Parameters
    ----------
    orbits : Orbits
        Of the device.
    guesses : (m, n + 1) array
        The known orbits, with the first unknowns of the device.
    by_z : (m, n, n + 1) array
        Derivatives at the known orbits (`Orbits.residual`).

    Returns
    -------
    (m, n + 1) array, NaN where it does not converge, or to the steady state: the devices differ too much.
    """
    z, last = guesses.copy(), np.full(len(guesses), np.inf)
    system = np.concatenate([by_z, np.broadcast_to(_along(orbits), (len(z), 1, orbits.size + 1))], axis=1)
    going = np.arange(len(z))
    for _ in range(SETTINGS.most_iterations):
        miss = orbits.miss(z[going]) if going.size else None
        if miss is None:
            break
        right = -np.column_stack([miss, np.zeros(going.size)])
        step = np.linalg.solve(system[going], right[:, :, None])[:, :, 0]
        size = np.linalg.norm(step, axis=1)
        nearer = (size < SETTINGS.largest_correction) & (size <= last[going])
        z[going] += step
        last[going] = np.where(nearer, size, np.inf)
        going = going[nearer & (size >= SETTINGS.converged)]
    z[(last >= SETTINGS.noise) | [is_point(orbits, one) for one in z]] = np.nan
    return z


def is_point(orbits: Orbits, z: FloatArray) -> bool:
    """Whether an orbit is the steady state itself, which returns after any time and has no period.

    Parameters
    ----------
    orbits : Orbits
    z : (n + 1,) array
        Unknowns of the orbit.
    """
    away = z[: orbits.size] - orbits.at_rest(float(z[0]))
    return bool(np.linalg.norm(away) < SETTINGS.smallest_orbit)


def floquet_multipliers(orbits: Orbits, z: FloatArray) -> tuple[complex, ...] | None:
    """The n - 1 nontrivial Floquet multipliers, the largest first; None where the integrator fails.

    They are those of the return map to u = u*: of the monodromy matrix without the direction of the flow, in
    which the multiplier is 1.

    Parameters
    ----------
    orbits : Orbits
    z : (n + 1,) array
        Unknowns of the orbit.
    """
    near, far = (orbits.residual(z, step) for step in (SETTINGS.difference, 2.0 * SETTINGS.difference))
    if near is None or far is None:
        return None
    by_z = (4.0 * near[1] - far[1]) / 3.0
    monodromy = by_z[:, 1:-1] + np.eye(orbits.size)[:, 1:]
    returning = monodromy[1:] - np.outer(by_z[1:, -1] / by_z[0, -1], monodromy[0])
    values = np.linalg.eigvals(returning).astype(np.complex128)
    return tuple(complex(value) for value in values[np.lexsort((-values.imag, -np.abs(values)))])


def course(orbits: Orbits, z: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """One period, both ends included; None where the integrator fails.

    Parameters
    ----------
    orbits : Orbits
    z : (n + 1,) array
        Unknowns of the orbit.

    Returns
    -------
    (m,) array, s, and (m, n) array
        Times and states u (V), i_c (A), f and so on.
    """
    time = np.linspace(0.0, float(np.exp(z[-1])), SETTINGS.samples + 1)
    states = orbits.run(orbits.state(z)[None, :], np.atleast_1d(orbits.steady(z)[1]), [time])
    return None if states is None else (time, states)


def extremes(orbits: Orbits, z: FloatArray, time: FloatArray, states: FloatArray) -> FloatArray:
    """Least and greatest values of u, i_c and f between the samples too, where finer ones are taken.

    Parameters
    ----------
    orbits : Orbits
    z : (n + 1,) array
        Unknowns of the orbit.
    time : (m,) array, s
    states : (m, n) array
        u (V), i_c (A), f and so on over one period.

    Returns
    -------
    (3, 2) array
    """
    result = _turns(orbits, z, time, states)
    ends = np.ravel([(np.argmin(one), np.argmax(one)) for one in states.T[:3]])
    steps = np.unique(np.clip(np.r_[ends - 1, ends], 0, time.size - 2))
    share = np.arange(SETTINGS.finer + 1) / SETTINGS.finer
    finer = np.unique(time[steps][:, None] + share * (time[steps + 1] - time[steps])[:, None])
    found = orbits.run(states[:1], np.atleast_1d(orbits.steady(z)[1]), [finer])
    if found is not None:
        other = _turns(orbits, z, finer, found, 2.0 * float(time[1] - time[0]) / SETTINGS.finer)
        result = np.column_stack([np.minimum(result, other)[:, 0], np.maximum(result, other)[:, 1]])
    return result


def _turns(
    orbits: Orbits, z: FloatArray, time: FloatArray, states: FloatArray, longest: float = np.inf
) -> FloatArray:
    """(3, 2) extremes of the samples, and of the cubics that match their slopes over steps not longer."""
    slopes = orbits.rates(states, orbits.steady(z)[1]).T
    states = states[:, :3]
    result = np.column_stack([states.min(axis=0), states.max(axis=0)])
    h = np.diff(time)
    for i in range(3):
        a, b = states[:-1, i], states[1:, i]
        da, db = slopes[i, :-1] * h, slopes[i, 1:] * h
        # In a layer thinner than the samples the slope is that of a rounding error: no cubic turns there.
        resolved = (np.maximum(np.abs(da), np.abs(db)) <= result[i, 1] - result[i, 0]) & (h <= longest)
        turns = np.flatnonzero(resolved & (np.sign(da) * np.sign(db) < 0.0))
        a, b, da, db = a[turns], b[turns], da[turns], db[turns]
        # The cubic a + da s + c s^2 + d s^3 on the share s of the way has the slope da + 2 c s + 3 d s^2,
        # which changes sign once in (0, 1); this form of its root does not lose it when d vanishes.
        c, d = 3.0 * (b - a) - 2.0 * da - db, da + db + 2.0 * (a - b)
        c2, c1 = 3.0 * d, 2.0 * c
        root = np.sqrt(np.maximum(c1 * c1 - 4.0 * c2 * da, 0.0))
        first, second = (2.0 * da / (-c1 + sign * root + 1e-300) for sign in (-1.0, 1.0))
        s = np.clip(np.where((first >= 0.0) & (first <= 1.0), first, second), 0.0, 1.0)
        value = a + s * (da + s * (c + s * d))
        if value.size:
            result[i] = min(result[i, 0], value.min()), max(result[i, 1], value.max())
    return result


def small_orbit(orbits: Orbits, x: float, omega: float) -> tuple[FloatArray, FloatArray]:
    """The orbit of no size at a Hopf point, and the direction in which orbits grow there.

    Parameters
    ----------
    orbits : Orbits
    x : float
        (u - V_T)/V_m of the Hopf point.
    omega : float, rad/s

    Returns
    -------
    two (n + 1,) arrays
        Unknowns, and a unit vector.
    """
    direction = np.append(orbits.direction(x, omega), 0.0)
    direction[0] = 0.0  # where the voltage is its steady value
    hopf = np.append(orbits.at_rest(x), np.log(2.0 * np.pi / omega))
    return hopf, direction / np.linalg.norm(direction)


def follow_branch(
    orbits: Orbits, hopf: tuple[float, float], omega: tuple[float, float], middle: float
) -> tuple[list[FloatArray], bool, str]:
    """The orbits between two Hopf points.

    Parameters
    ----------
    orbits : Orbits
    hopf : two floats
        (u - V_T)/V_m of the Hopf points, the lower first.
    omega : two floats, rad/s
        Angular frequencies there.
    middle : float
        The same of the smallest gain margin.

    Returns
    -------
    unknowns : list of (n + 1,) arrays
        From the lower to the upper Hopf point.
    complete : bool
        Whether the branch was followed all the way.
    message : str
    """
    whole = "The branch was followed from the lower to the upper Hopf point."
    ends, way = [], orbits.loop_direction(hopf[0], omega[0])
    for begin, end in ((0, 1), (1, 0)):
        start, tangent = small_orbit(orbits, hopf[begin], omega[begin])
        branch, arrived = _continue(orbits, start, tangent, hopf[end], way)
        ends.append(branch if begin == 0 else branch[::-1])
        if arrived:
            return ends[-1], True, whole
    up, down = ends
    settled = _settled(orbits, middle, max(2.0 * np.pi / part for part in omega))
    if settled is None:
        return [*up, *down], False, "The middle of the branch was not found."
    back, low_reached = _continue(orbits, settled, -_along(orbits), hopf[0], way)
    onward, high_reached = _continue(orbits, settled, _along(orbits), hopf[1], way)
    found = [*back[::-1], settled, *onward]
    missing = [name for name, end in (("lower", low_reached), ("upper", high_reached)) if not end]
    if not missing:
        return found, True, whole
    gap = f"The branch has a gap near the {' and '.join(missing)} Hopf point, where the orbits explode."
    return [*([] if low_reached else up), *found, *([] if high_reached else down)], False, gap


def _continue(
    orbits: Orbits, start: FloatArray, tangent: FloatArray, end: float, loop: FloatArray
) -> tuple[list[FloatArray], bool]:
    """The orbits after `start` along the tangent, and whether they shrink to a point at `end`.

    The channel that drives them is where u falls on the side of the steady state that `loop` points to.
    """
    last, step, branch, n = start, SETTINGS.first_step, list[FloatArray](), orbits.size
    each = n == PLAINEST  # derivatives cost little
    while len(branch) < SETTINGS.most_points:
        corrected = correct(orbits, last + step * tangent, tangent, step, differences=each)
        z, iterations = corrected or (last, 0)
        away = z[:n] - orbits.at_rest(float(z[0]))
        shrunk = away @ loop <= 0.0 or is_point(orbits, z)
        if corrected is None or shrunk:  # to a point, or further: turned inside out
            step *= 0.5
            if step < SETTINGS.smallest_step:
                break
            continue
        way = (z - last) / np.linalg.norm(z - last)
        bend = float(np.arccos(np.clip(way @ tangent, -1.0, 1.0)))
        last, tangent = z, way
        branch.append(z)
        if bend > SETTINGS.sharp_bend:
            step = max(0.6 * step, SETTINGS.first_step)
        elif iterations <= SETTINGS.easy_iterations + (not each):
            step = min(1.6 * step, SETTINGS.largest_step)
    return branch, bool(np.linalg.norm(last[:n] - orbits.at_rest(end)) < SETTINGS.at_the_end)


def _settled(orbits: Orbits, x: float, period: float) -> FloatArray | None:
    """The orbit on which the device settles by itself at a bias."""
    p, rest = orbits.p, orbits.at_rest(x)
    push = np.zeros(orbits.size)
    push[0] = SETTINGS.first_push * p.V_m
    start = orbits.state(rest) + push
    slowest = max(period, p.tau_m, p.tau_d, p.tau_k)
    time = np.linspace(0.0, SETTINGS.settling_periods * slowest, SETTINGS.settling_samples)
    u_steady, current = orbits.steady(rest)
    states = orbits.run(start[None, :], np.atleast_1d(current), [time])
    if states is None:
        return None
    above = states[:, 0] - u_steady
    falls = np.flatnonzero((above[:-1] > 0.0) & (above[1:] <= 0.0))
    if falls.size < 3:
        return None
    share = above[falls] / (above[falls] - above[falls + 1])
    at = time[falls] + share * (time[1] - time[0])
    state = states[falls[-1]] + share[-1] * (states[falls[-1] + 1] - states[falls[-1]])
    guess = np.append(orbits.coordinates(state), np.log(at[-1] - at[-2]))
    guess[0] = x
    corrected = correct(orbits, guess, _along(orbits), 1.0)
    return None if corrected is None else corrected[0]
