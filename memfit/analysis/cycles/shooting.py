"""The branch of periodic orbits between two Hopf points, by pseudo-arclength continuation.

It starts at a Hopf point as a small ellipse in the plane of the critical eigenvector. Where relaxation
oscillations explode within a hair's breadth of that point, shooting cannot follow; then the branch is taken
up where the device settles in the middle of the window, and followed from there to both sides.
Source: Kuznetsov, Elements of Applied Bifurcation Theory, chapter 10.

One periodic orbit of the device under a constant source, by single shooting.

Every orbit crosses the steady voltage u* (else i_c would drift), so its phase is set there, where u falls.
The unknowns are z = ((u* - V_T)/V_m, logit(i_c/i_c0), logit f, ln T) with logit f = ln(f/(1 - f)): the source
is that of the steady state u*, and the first number is what is followed from Hopf point to Hopf point. In
these coordinates the steady state is (x, x, x). The state after a period comes from the compiled integrator
(`memfit.model.transient`), its derivatives from central differences over tight tolerances, all in one call.
The circuit enters through the effective device (`memfit.analysis.stability.circuit`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from memfit.arrays import FloatArray
from memfit.model.equations import steady_current, vector_field
from memfit.model.hopf_boundary import Loop, least_margin_bias
from memfit.model.parameters import Parameters
from memfit.model.transient import DriveSet
from memfit.protocols import Drive

TOLERANCE = 1e-11
"""Of the integrator."""

SAMPLES = 1024
"""Points of an orbit from which its extremes and energy are taken."""

_DIFFERENCE = 1e-4  # of each unknown
_CONVERGED = 1e-9
_NOISE = 1e-6  # steps that no longer shrink below this are the integrator's error, seen at a steep crossing
_MOST_ITERATIONS = 8
_LARGEST_STEP = 1.0


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
        drives = [
            Drive("current", np.array([0.0]), np.array([current]), initial="free") for current in currents
        ]
        response = DriveSet(drives, times).respond(self.p, initial=starts, states=True, tolerance=TOLERANCE)
        return response.states if response.ok and np.all(np.isfinite(response.states)) else None

    def residual(self, z: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """What misses to periodicity, (3,), and its (3, 4) derivatives; None where the integrator fails."""
        steps = _DIFFERENCE * np.eye(4)[:3]
        trials = np.concatenate([z[None, :], z + steps, z - steps])
        starts = self.state(trials)
        periods = [np.array([np.exp(z[3])])] * len(trials)
        ends = self.run(starts, self.steady(trials)[1], periods)
        if ends is None or not self._inside(ends):
            return None
        misses = self._coordinates(ends) - self._coordinates(starts)
        by_start = (misses[1:4] - misses[4:7]).T / (2.0 * _DIFFERENCE)
        return misses[0], np.column_stack([by_start, self._velocity(ends[0], z)])

    def returns(self, z: FloatArray, count: int) -> FloatArray | None:
        """(count + 1, 3) derivatives of u/V_m after 0, 1, 2, ... periods by the starting coordinates."""
        period = float(np.exp(z[3]))
        drive = Drive("current", np.array([0.0]), np.array([float(self.steady(z)[1])]), initial="free")
        runs = DriveSet([drive], [period * np.arange(count + 1)])
        start = self.state(z)
        response = runs.respond(self.p, initial=start[None, :], sensitivities=True, tolerance=TOLERANCE)
        if not response.ok:
            return None
        result: FloatArray = response.by_initial * self._scale(start) / self.p.V_m
        result[0] = 1.0, 0.0, 0.0
        return result

    def _inside(self, states: FloatArray) -> bool:
        """Whether i_c/i_c0 and f are between 0 and 1."""
        shares = states[:, 1:] / np.array([self.p.i_c0, 1.0])
        return bool(np.all((shares > 0.0) & (shares < 1.0)))

    def _coordinates(self, states: FloatArray) -> FloatArray:
        """(..., 3) (u - V_T)/V_m, logit(i_c/i_c0), logit f."""
        x = (states[..., 0] - self.p.V_T) / self.p.V_m
        return np.stack([x, logit(states[..., 1] / self.p.i_c0), logit(states[..., 2])], axis=-1)

    def _velocity(self, state: FloatArray, z: FloatArray) -> FloatArray:
        """(3,) derivative of the coordinates at the end by ln T."""
        rate = vector_field(self.p, state, self.steady(z)[1])
        result: FloatArray = np.exp(z[3]) * rate / self._scale(state)
        return result

    def _scale(self, state: FloatArray) -> FloatArray:
        """(3,) derivative of u, i_c, f by the coordinates."""
        _, i_c, f = state
        return np.array([self.p.V_m, i_c * (1.0 - i_c / self.p.i_c0), f * (1.0 - f)])


def correct(
    orbits: Orbits, guess: FloatArray, direction: FloatArray, length: float
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

    Returns
    -------
    (4,) array and the number of iterations, or None where it does not converge.
    """
    z, last = guess.copy(), np.inf
    for iteration in range(1, _MOST_ITERATIONS + 1):
        found = orbits.residual(z)
        if found is None:
            return None
        miss, by_z = found
        system = np.vstack([by_z, direction])
        right = -np.append(miss, direction @ (z - guess))
        try:
            step = np.linalg.solve(system, right)
        except np.linalg.LinAlgError:
            return None
        if np.linalg.norm(z + step - guess) > _LARGEST_STEP + length:
            return None
        z = z + step
        size = float(np.linalg.norm(step))
        if size < _CONVERGED or (size < _NOISE and size > 0.3 * last):
            return z, iteration
        last = size
    return None


def floquet_multipliers(orbits: Orbits, z: FloatArray) -> tuple[complex, complex] | None:
    """The two nontrivial multipliers, the larger first; None where the integrator fails.

    With the monodromy matrix M, r_k = e_1 M^k are the exact derivatives of u after k periods. Their
    differences d_k = r_(k+1) - r_k are free of the trivial multiplier 1, so that d_(k+2) = s d_(k+1) - q d_k
    with the sum s and the product q of the other two.
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
    """(n,) times (s) and (n, 3) states u, i_c, f of one period, both ends included; None where it fails."""
    time = np.linspace(0.0, float(np.exp(z[3])), SAMPLES + 1)
    states = orbits.run(orbits.state(z)[None, :], np.atleast_1d(orbits.steady(z)[1]), [time])
    return None if states is None else (time, states)


def extremes(orbits: Orbits, z: FloatArray, time: FloatArray, states: FloatArray) -> FloatArray:
    """(3, 2) least and greatest u, i_c and f between the samples, from the cubics that match their slopes."""
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
        share = _turning_share(a[turns], b[turns], da[turns], db[turns])
        value = _hermite(a[turns], b[turns], da[turns], db[turns], share)
        if value.size:
            result[i] = min(result[i, 0], value.min()), max(result[i, 1], value.max())
    return result


def small_orbit(p: Parameters, x: float, omega: float) -> tuple[FloatArray, FloatArray]:
    """Unknowns (4,) at a Hopf point of the effective device, and the direction in which orbits grow there."""
    m, d = omega * p.tau_m, omega * p.tau_d
    gain = p.R_b * p.i_c0 / p.V_m
    q_u, q_i = -gain / ((1.0 + 1j * m) * (1.0 + 1j * d)), 1.0 / (1.0 + 1j * d)
    phase = 1j * abs(q_u) / q_u  # where the voltage falls through its steady value
    direction = np.array([0.0, (q_i * phase).real, phase.real, 0.0])
    hopf = np.array([x, x, x, np.log(2.0 * np.pi / omega)])
    return hopf, direction / np.linalg.norm(direction)


def _turning_share(a: FloatArray, b: FloatArray, da: FloatArray, db: FloatArray) -> FloatArray:
    """Where between two samples the cubic with these values and slopes turns, as a share of the way."""
    c2, c1 = 3.0 * (da + db + 2.0 * (a - b)), 2.0 * (3.0 * (b - a) - 2.0 * da - db)
    root = np.sqrt(np.maximum(c1 * c1 - 4.0 * c2 * da, 0.0))
    # The slope c2 s^2 + c1 s + da changes sign once in (0, 1); this form does not lose it when c2 vanishes.
    shares = [2.0 * da / (-c1 + sign * root + 1e-300) for sign in (-1.0, 1.0)]
    inside = (shares[0] >= 0.0) & (shares[0] <= 1.0)
    return np.clip(np.where(inside, shares[0], shares[1]), 0.0, 1.0)


def _hermite(a: FloatArray, b: FloatArray, da: FloatArray, db: FloatArray, s: FloatArray) -> FloatArray:
    """The cubic with values a, b and slopes da, db at the ends, at the share s of the way."""
    return a + s * (da + s * (3.0 * (b - a) - 2.0 * da - db + s * (da + db + 2.0 * (a - b))))


MOST_POINTS = 160
"""Orbits of one stretch; a whole branch usually has 40 to 80."""

_FIRST_STEP, _SMALLEST_STEP, _LARGEST_STEP_BRANCH = 0.05, 1e-3, 0.4
_EASY_ITERATIONS = 5
_SHARP_BEND = 0.15  # radian between steps: folds are to be seen
_AT_THE_END = 0.2  # of the coordinates
_SMALLEST_ORBIT = 1e-3

_SETTLING_PERIODS = 60
_SETTLING_SAMPLES = 60_000
_FIRST_PUSH = 0.01  # of V_m


@dataclass(frozen=True)
class Branch:
    """Orbits along a branch, as unknowns of `memfit.analysis.cycles.shooting`."""

    unknowns: tuple[FloatArray, ...]
    """(4,) each, from the lower to the upper Hopf point."""
    complete: bool
    """Whether it was followed all the way."""
    message: str


def follow_branch(orbits: Orbits, hopf: tuple[float, float], omega: tuple[float, float]) -> Branch:
    """The orbits between two Hopf points.

    Parameters
    ----------
    orbits : Orbits
    hopf : two floats
        (u - V_T)/V_m of the Hopf points, the lower first.
    omega : two floats, rad/s
        Angular frequencies there.
    """
    up, arrived = _from_hopf(orbits, hopf, omega[0])
    if arrived:
        return _whole(up)
    down, arrived = _from_hopf(orbits, hopf[::-1], omega[1])
    if arrived:
        return _whole(down[::-1])
    settled = _settled(orbits, hopf, max(2.0 * np.pi / part for part in omega))
    if settled is None:
        return Branch((*up, *down[::-1]), False, "The middle of the branch was not found.")
    back, found_low = _continue(orbits, settled, np.array([-1.0, 0.0, 0.0, 0.0]), hopf[0])
    onward, found_high = _continue(orbits, settled, np.array([1.0, 0.0, 0.0, 0.0]), hopf[1])
    orbits_found = (
        *(() if found_low else up),
        *back[::-1],
        settled,
        *onward,
        *(() if found_high else down[::-1]),
    )
    if found_low and found_high:
        return _whole(orbits_found)
    missing = " and ".join(name for name, found in (("lower", found_low), ("upper", found_high)) if not found)
    return Branch(
        orbits_found, False, f"The branch has a gap near the {missing} Hopf point, where the orbits explode."
    )


def _whole(unknowns: Sequence[FloatArray]) -> Branch:
    """A branch without gaps."""
    return Branch(tuple(unknowns), True, "The branch was followed from the lower to the upper Hopf point.")


def _from_hopf(orbits: Orbits, hopf: tuple[float, float], omega: float) -> tuple[list[FloatArray], bool]:
    """The orbits from the first Hopf point on, and whether they reach the second."""
    start, tangent = small_orbit(orbits.p, hopf[0], omega)
    return _continue(orbits, start, tangent if tangent[1] > 0.0 else -tangent, hopf[1])


def _continue(
    orbits: Orbits, start: FloatArray, tangent: FloatArray, end: float
) -> tuple[list[FloatArray], bool]:
    """The orbits after `start` along the tangent, and whether they shrink to a point at `end`."""
    last, step, found = start, _FIRST_STEP, list[FloatArray]()
    while len(found) < MOST_POINTS:
        corrected = correct(orbits, last + step * tangent, tangent, step)
        if corrected is None or _past_the_end(corrected[0]):
            step *= 0.5
            if step < _SMALLEST_STEP:
                break
            continue
        z, iterations = corrected
        way = (z - last) / np.linalg.norm(z - last)
        bend = float(np.arccos(np.clip(way @ tangent, -1.0, 1.0)))
        last, tangent = z, way
        found.append(z)
        if bend > _SHARP_BEND:
            step = max(0.6 * step, _FIRST_STEP)
        elif iterations <= _EASY_ITERATIONS:
            step = min(1.6 * step, _LARGEST_STEP_BRANCH)
    return found, bool(np.linalg.norm(last[:3] - end) < _AT_THE_END)


def _past_the_end(z: FloatArray) -> bool:
    """Whether the orbit has shrunk to a point, or further: turned inside out."""
    return bool(z[1] <= z[0] or np.linalg.norm(z[1:3] - z[0]) < _SMALLEST_ORBIT)


def _settled(orbits: Orbits, hopf: tuple[float, float], period: float) -> FloatArray | None:
    """The orbit on which the device settles by itself at the bias of the smallest gain margin."""
    p = orbits.p
    x = float(least_margin_bias(Loop.of(p)))
    if not hopf[0] < x < hopf[1]:
        return None
    steady = np.array([x, x, x, 0.0])
    start = orbits.state(steady) + np.array([_FIRST_PUSH * p.V_m, 0.0, 0.0])
    slowest = max(period, p.tau_m, p.tau_d, p.tau_k)
    time = np.linspace(0.0, _SETTLING_PERIODS * slowest, _SETTLING_SAMPLES)
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
    corrected = correct(orbits, guess, np.array([1.0, 0.0, 0.0, 0.0]), 1.0)
    return None if corrected is None else corrected[0]
