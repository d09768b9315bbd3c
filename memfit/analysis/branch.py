"""The branch of periodic orbits between two Hopf points, by pseudo-arclength continuation.

It starts at a Hopf point as a small ellipse in the plane of the critical eigenvector. Where relaxation
oscillations explode within a hair's breadth of that point, shooting cannot follow; then the branch is taken
up where the device settles in the middle of the window, and followed from there to both sides.
Source: Kuznetsov, Elements of Applied Bifurcation Theory, chapter 10.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from memfit.analysis.orbit import Orbits, correct, small_orbit
from memfit.arrays import FloatArray
from memfit.model.boundary import Loop, least_margin_bias

MOST_POINTS = 160
"""Orbits of one stretch; a whole branch usually has 40 to 80."""

_FIRST_STEP, _SMALLEST_STEP, _LARGEST_STEP = 0.05, 1e-3, 0.4
_EASY_ITERATIONS = 5
_SHARP_BEND = 0.15  # radian between steps: folds are to be seen
_AT_THE_END = 0.2  # of the coordinates
_SMALLEST_ORBIT = 1e-3

_SETTLING_PERIODS = 60
_SETTLING_SAMPLES = 60_000
_FIRST_PUSH = 0.01  # of V_m


@dataclass(frozen=True)
class Branch:
    """Orbits along a branch, as unknowns of `memfit.analysis.orbit`."""

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
            step = min(1.6 * step, _LARGEST_STEP)
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
