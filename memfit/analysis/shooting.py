"""Limit cycles by shooting, and the branch of them between two Hopf points by pseudo-arclength continuation.

Every orbit crosses the steady voltage u* (else i_c would drift), so its phase is set there, where u falls.
The unknowns are z = ((u* - V_T)/V_m, logit(i_c/i_c0), logit f, ln T) with logit f = ln(f/(1 - f)): the source
is that of the steady state u*, and the first number is what is followed from Hopf point to Hopf point. In
these coordinates the steady state is (x, x, x). The state after a period comes from the compiled integrator
(`memfit.model.transient`), its derivatives from central differences over tight tolerances, all in one call.
The circuit enters through the effective device (`memfit.analysis.stability.circuit`).

The branch starts at a Hopf point as a small ellipse in the plane of the critical eigenvector. Where
relaxation oscillations explode within a hair's breadth of that point, shooting cannot follow; then the branch
is taken up where the device settles in the middle of the window, and followed from there to both sides.
Source: Kuznetsov, Elements of Applied Bifurcation Theory, chapter 10.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import expit, logit

from memfit.arrays import FloatArray
from memfit.model import Loop, Parameters, least_margin_bias, steady_current, vector_field
from memfit.model.transient import DriveSet
from memfit.protocols import Drive


@dataclass(frozen=True)
class Settings:
    """Numbers that steer shooting and continuation; lengths are those of the coordinates."""

    tolerance: float = 1e-11
    """Of the integrator."""
    samples: int = 1024
    """Points of an orbit from which its extremes and energy are taken."""
    difference: float = 1e-4
    """Of each unknown, for derivatives."""
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

_ALONG = np.array([1.0, 0.0, 0.0, 0.0])
"""The direction in which the bias changes."""


@dataclass(frozen=True)
class Orbits:
    """Ends of orbits after one period each, from several starts of one device under current control."""

    p: Parameters
    """The effective device; tau_d and tau_k greater than 0."""

    def steady(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Voltage u* (V) and source current (A) of unknowns (..., 4)."""
        u = self.p.V_T + self.p.V_m * z[..., 0]
        return u, steady_current(self.p, u)

    def state(self, z: FloatArray) -> FloatArray:
        """(..., 3) u, i_c, f of unknowns (..., 4) or coordinates (..., 3)."""
        u = self.p.V_T + self.p.V_m * z[..., 0]
        return np.stack([u, self.p.i_c0 * expit(z[..., 1]), expit(z[..., 2])], axis=-1)

    def run(self, starts: FloatArray, currents: FloatArray, times: list[FloatArray]) -> FloatArray | None:
        """States u, i_c, f at the times of each start, laid end to end; None where one does not get there."""
        runs = _held(tuple(time.size for time in times)).held_at(currents, times)
        response = runs.respond(self.p, initial=starts, states=True, tolerance=SETTINGS.tolerance)
        return response.states if response.ok and np.all(np.isfinite(response.states)) else None

    def miss(self, z: FloatArray) -> FloatArray | None:
        """(3,) what misses to periodicity, without its derivatives; None where the integrator fails."""
        start = self.state(z)[None, :]
        ends = self.run(start, np.atleast_1d(self.steady(z)[1]), [np.exp(z[3:])])
        return None if ends is None or not self._inside(ends) else self._missing(ends, start)[0]

    def residual(self, z: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """What misses to periodicity, (3,), and its (3, 4) derivatives; None where the integrator fails."""
        steps = SETTINGS.difference * np.eye(4)[:3]
        trials = np.concatenate([z[None, :], z + steps, z - steps])
        starts = self.state(trials)
        periods = [np.array([np.exp(z[3])])] * len(trials)
        ends = self.run(starts, self.steady(trials)[1], periods)
        if ends is None or not self._inside(ends):
            return None
        misses = self._missing(ends, starts)
        by_start = (misses[1:4] - misses[4:7]).T / (2.0 * SETTINGS.difference)
        rate = vector_field(self.p, ends[0], self.steady(z)[1])
        by_period = np.exp(z[3]) * rate / self._scale(ends[0])  # by ln T
        return misses[0], np.column_stack([by_start, by_period])

    def returns(self, z: FloatArray, count: int) -> FloatArray | None:
        """(count + 1, 3) derivatives of u/V_m after 0, 1, 2, ... periods by the starting coordinates."""
        times: FloatArray = float(np.exp(z[3])) * np.arange(count + 1.0)
        runs = _held((count + 1,)).held_at(np.atleast_1d(self.steady(z)[1]), [times])
        start = self.state(z)
        response = runs.respond(
            self.p, initial=start[None, :], sensitivities=True, tolerance=SETTINGS.tolerance
        )
        if not response.ok:
            return None
        result: FloatArray = response.by_initial * self._scale(start) / self.p.V_m
        result[0] = 1.0, 0.0, 0.0
        return result

    def _inside(self, states: FloatArray) -> bool:
        """Whether all states have coordinates."""
        shares = states[:, 1:] / np.array([self.p.i_c0, 1.0])
        return bool(np.all((shares > 0.0) & (shares < 1.0)))

    def _missing(self, ends: FloatArray, starts: FloatArray) -> FloatArray:
        """(n, 3) from starts to ends, in the coordinates."""
        return self._coordinates(ends) - self._coordinates(starts)

    def _coordinates(self, states: FloatArray) -> FloatArray:
        """(..., 3) (u - V_T)/V_m, logit(i_c/i_c0), logit f."""
        x = (states[..., 0] - self.p.V_T) / self.p.V_m
        return np.stack([x, logit(states[..., 1] / self.p.i_c0), logit(states[..., 2])], axis=-1)

    def _scale(self, state: FloatArray) -> FloatArray:
        """(3,) derivative of u, i_c, f by the coordinates."""
        _, i_c, f = state
        return np.array([self.p.V_m, i_c * (1.0 - i_c / self.p.i_c0), f * (1.0 - f)])


@lru_cache(maxsize=8)
def _held(samples: tuple[int, ...]) -> DriveSet:
    """Constant currents, of each so many samples, to be set by `DriveSet.held_at`."""
    drive = Drive("current", np.zeros(1), np.zeros(1), initial="free")
    return DriveSet([drive] * len(samples), [np.arange(1.0, count + 1.0) for count in samples])


def correct(
    orbits: Orbits, guess: FloatArray, direction: FloatArray, length: float, *, differences: bool = True
) -> tuple[FloatArray, int] | None:
    """The orbit near `guess` in the plane through it that is normal to `direction`, by Newton's method.

    Parameters
    ----------
    orbits : Orbits
    guess : (4,) array
    direction : (4,) array
        Normal of the plane.
    length : float
        Size of the last step of the guess, which limits the correction.
    differences : bool
        Whether every iteration takes derivatives anew; else they are those of the first, kept true along
        each step by Broyden's update: one course an iteration instead of seven, and one iteration more.

    Returns
    -------
    (4,) array and the number of iterations, or None where it does not converge.
    """
    z, last = guess.copy(), np.inf
    step: FloatArray = np.zeros(4)
    system: FloatArray = np.zeros((4, 4))
    for iteration in range(1, SETTINGS.most_iterations + 1):
        if differences or iteration == 1:
            residual = orbits.residual(z)
            if residual is None:
                return None
            miss, system[:3], system[3] = *residual, direction
        else:
            missed = orbits.miss(z)
            if missed is None:
                return None
            miss = missed
            system[:3] += missed[:, None] * step / (step @ step)
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


def follow(orbits: Orbits, guess: FloatArray, by_z: FloatArray) -> FloatArray | None:
    """The orbit of a device that is nearly one whose orbit is known, at the same first unknown.

    Newton's method with the derivatives of the known orbit takes a step more and a sixth of the orbits.

    Parameters
    ----------
    orbits : Orbits
        Of the device.
    guess : (4,) array
        The known orbit, with the first unknown of the device.
    by_z : (3, 4) array
        Derivatives at the known orbit (`Orbits.residual`).

    Returns
    -------
    (4,) array, or None where it does not converge: the devices differ too much.
    """
    z, last, system = guess.copy(), np.inf, np.vstack([by_z, _ALONG])
    for _ in range(SETTINGS.most_iterations):
        miss = orbits.miss(z)
        if miss is None:
            return None
        step = np.linalg.solve(system, -np.append(miss, 0.0))
        size = float(np.linalg.norm(step))
        if not size < SETTINGS.largest_correction or size > last:
            return None
        z, last = z + step, size
        if size < SETTINGS.converged:
            return z
    return z if last < SETTINGS.noise else None


def floquet_multipliers(orbits: Orbits, z: FloatArray) -> tuple[complex, complex] | None:
    """The two nontrivial Floquet multipliers, the larger first; None where the integrator fails.

    With the monodromy matrix M, r_k = e_1 M^k are the exact derivatives of u after k periods. Their
    differences d_k = r_(k+1) - r_k are free of the trivial multiplier 1, so that d_(k+2) = s d_(k+1) - q d_k
    with the sum s and the product q of the other two.

    Parameters
    ----------
    orbits : Orbits
    z : (4,) array
        Unknowns of the orbit.
    """
    rows = orbits.returns(z, 4)
    if rows is None:
        return None
    d = np.diff(rows, axis=0)
    scale = np.maximum(np.linalg.norm(d[1:3], axis=1), np.finfo(float).tiny)[:, None]
    known = np.column_stack([(d[1:3] / scale).ravel(), -(d[0:2] / scale).ravel()])
    total, product = np.linalg.lstsq(known, (d[2:4] / scale).ravel(), rcond=None)[0]
    root = np.sqrt(complex(0.25 * total * total - product))
    first, second = sorted((0.5 * total + root, 0.5 * total - root), key=abs, reverse=True)
    return complex(first), complex(second)


def course(orbits: Orbits, z: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """One period, both ends included; None where the integrator fails.

    Parameters
    ----------
    orbits : Orbits
    z : (4,) array
        Unknowns of the orbit.

    Returns
    -------
    (n,) array, s, and (n, 3) array
        Times and states u (V), i_c (A), f.
    """
    time = np.linspace(0.0, float(np.exp(z[3])), SETTINGS.samples + 1)
    states = orbits.run(orbits.state(z)[None, :], np.atleast_1d(orbits.steady(z)[1]), [time])
    return None if states is None else (time, states)


def extremes(orbits: Orbits, z: FloatArray, time: FloatArray, states: FloatArray) -> FloatArray:
    """Least and greatest values between the samples too, from the cubics that match their slopes.

    Parameters
    ----------
    orbits : Orbits
    z : (4,) array
        Unknowns of the orbit.
    time : (n,) array, s
    states : (n, 3) array
        u (V), i_c (A), f over one period.

    Returns
    -------
    (3, 2) array
    """
    p, current = orbits.p, orbits.steady(z)[1]
    slopes = vector_field(p, states.T, current)
    result = np.column_stack([states.min(axis=0), states.max(axis=0)])
    h = np.diff(time)
    for i in range(3):
        a, b = states[:-1, i], states[1:, i]
        da, db = slopes[i, :-1] * h, slopes[i, 1:] * h
        # In a layer thinner than the samples the slope is that of a rounding error: no cubic turns there.
        resolved = np.maximum(np.abs(da), np.abs(db)) <= result[i, 1] - result[i, 0]
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


def small_orbit(p: Parameters, x: float, omega: float) -> tuple[FloatArray, FloatArray]:
    """The orbit of no size at a Hopf point, and the direction in which orbits grow there.

    Parameters
    ----------
    p : Parameters
        The effective device.
    x : float
        (u - V_T)/V_m of the Hopf point.
    omega : float, rad/s

    Returns
    -------
    two (4,) arrays
        Unknowns, and a unit vector.
    """
    m, d = omega * p.tau_m, omega * p.tau_d
    gain = float(Loop.of(p).gain)
    q_u, q_i = -gain / ((1.0 + 1j * m) * (1.0 + 1j * d)), 1.0 / (1.0 + 1j * d)
    phase = 1j * abs(q_u) / q_u  # where the voltage falls through its steady value
    direction = np.array([0.0, (q_i * phase).real, phase.real, 0.0])
    hopf = np.array([x, x, x, np.log(2.0 * np.pi / omega)])
    return hopf, direction / np.linalg.norm(direction)


def follow_branch(
    orbits: Orbits, hopf: tuple[float, float], omega: tuple[float, float]
) -> tuple[list[FloatArray], bool, str]:
    """The orbits between two Hopf points.

    Parameters
    ----------
    orbits : Orbits
    hopf : two floats
        (u - V_T)/V_m of the Hopf points, the lower first.
    omega : two floats, rad/s
        Angular frequencies there.

    Returns
    -------
    unknowns : list of (4,) arrays
        From the lower to the upper Hopf point.
    complete : bool
        Whether the branch was followed all the way.
    message : str
    """
    whole = "The branch was followed from the lower to the upper Hopf point."
    ends = []
    for begin, end in ((0, 1), (1, 0)):
        start, tangent = small_orbit(orbits.p, hopf[begin], omega[begin])
        tangent = tangent if tangent[1] > 0.0 else -tangent
        branch, arrived = _continue(orbits, start, tangent, hopf[end])
        ends.append(branch if begin == 0 else branch[::-1])
        if arrived:
            return ends[-1], True, whole
    up, down = ends
    settled = _settled(orbits, hopf, max(2.0 * np.pi / part for part in omega))
    if settled is None:
        return [*up, *down], False, "The middle of the branch was not found."
    back, low_reached = _continue(orbits, settled, -_ALONG, hopf[0])
    onward, high_reached = _continue(orbits, settled, _ALONG, hopf[1])
    middle = [*back[::-1], settled, *onward]
    missing = [name for name, end in (("lower", low_reached), ("upper", high_reached)) if not end]
    if not missing:
        return middle, True, whole
    gap = f"The branch has a gap near the {' and '.join(missing)} Hopf point, where the orbits explode."
    return [*([] if low_reached else up), *middle, *([] if high_reached else down)], False, gap


def _continue(
    orbits: Orbits, start: FloatArray, tangent: FloatArray, end: float
) -> tuple[list[FloatArray], bool]:
    """The orbits after `start` along the tangent, and whether they shrink to a point at `end`."""
    last, step, branch = start, SETTINGS.first_step, list[FloatArray]()
    while len(branch) < SETTINGS.most_points:
        corrected = correct(orbits, last + step * tangent, tangent, step)
        z, iterations = corrected or (last, 0)
        shrunk = z[1] <= z[0] or np.linalg.norm(z[1:3] - z[0]) < SETTINGS.smallest_orbit
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
        elif iterations <= SETTINGS.easy_iterations:
            step = min(1.6 * step, SETTINGS.largest_step)
    return branch, bool(np.linalg.norm(last[:3] - end) < SETTINGS.at_the_end)


def _settled(orbits: Orbits, hopf: tuple[float, float], period: float) -> FloatArray | None:
    """The orbit on which the device settles by itself at the bias of the smallest gain margin."""
    p = orbits.p
    x = float(least_margin_bias(Loop.of(p)))
    if not hopf[0] < x < hopf[1]:
        return None
    steady = np.array([x, x, x, 0.0])
    start = orbits.state(steady) + np.array([SETTINGS.first_push * p.V_m, 0.0, 0.0])
    slowest = max(period, p.tau_m, p.tau_d, p.tau_k)
    time = np.linspace(0.0, SETTINGS.settling_periods * slowest, SETTINGS.settling_samples)
    u_steady, current = orbits.steady(steady)
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
    guess = np.array([x, logit(state[1] / p.i_c0), logit(state[2]), np.log(at[-1] - at[-2])])
    corrected = correct(orbits, guess, _ALONG, 1.0)
    return None if corrected is None else corrected[0]
