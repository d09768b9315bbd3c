"""What would have to change for a device to reach the boundary of oscillation, one quantity at a time.

The smallest log gain margin is a convex function of the logarithms of the loop's quantities
(`memfit.model.hopf_boundary`), so that along any line there are at most two crossings, and Newton's method
finds each of them from outside without overshooting: when it runs out of reach there is no crossing.

The nearest point of the boundary of oscillation when all parameters may change together.

In logarithmic parameters, with distance measured in decades or in standard errors of the fit. For a stable
device the boundary encloses a convex set (`memfit.model.hopf_boundary`), so that the nearest point is the
only one where the boundary is perpendicular to the way there. For a device that oscillates there can be
several; the best of those reached by setting out along each axis is kept. In standard errors the length is
the reliability index of Hasofer and Lind (J. Eng. Mech. 1974, 100, 111); the method is Newton's on the
Lagrange equations.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.sampling import Uncertainty
from memfit.arrays import FloatArray
from memfit.model.hopf_boundary import (
    LOOP_NAMES,
    Loop,
    least_log_gain_margin,
    least_margin_bias,
    log_gain_margin,
    margin_derivatives,
)
from memfit.model.parameters import Parameters

LARGEST_FACTOR = 1e12
"""A change by more than this counts as no change that does it."""

CHANGEABLE = ("R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k")
"""Parameters on which the margin depends; V_T only moves the bias."""

_DIRECTIONS: Mapping[str, tuple[float, float, float, float]] = MappingProxyType(
    {  # of the logarithms of gain, tau_m, tau_d, tau_k; R_b and C_m as they are in the circuit
        "R_b": (1.0, 1.0, 0.0, 0.0),
        "C_m": (0.0, 1.0, 0.0, 0.0),
        "i_c0": (1.0, 0.0, 0.0, 0.0),
        "V_m": (-1.0, 0.0, 0.0, 0.0),
        "tau_d": (0.0, 0.0, 1.0, 0.0),
        "tau_k": (0.0, 0.0, 0.0, 1.0),
    }
)
_MOST_ITERATIONS = 100


def changes_to_hopf(p: Parameters, circuit: Circuit) -> dict[str, float | None]:
    """Factor on each quantity alone that makes the smallest gain margin 1; None where no factor does.

    Where two factors do, the one nearer to 1 (as a ratio). `R_load` and `C_external` are among them where the
    circuit has them; `values_to_hopf` gives them as values, also where it has none.
    """
    names = list(CHANGEABLE)
    if circuit.control == "voltage" and circuit.load > 0.0:
        names.append("R_load")
    if circuit.external_capacitance > 0.0:
        names.append("C_external")
    if circuit.pins_voltage(p) or not Loop.of(circuit.effective(p)).can_oscillate:
        return dict.fromkeys(names)
    device = circuit.effective(p)
    found = _crossing_factors(Loop.of(device))
    others = 1.0 / circuit.resistance(p)
    conversions: dict[str, Callable[[float], float]] = {
        "R_b": lambda factor: _parallel_rest(device.R_b * factor, others) / p.R_b,
        "C_m": lambda factor: (device.C_m * factor - circuit.external_capacitance) / p.C_m,
        "R_load": lambda factor: (
            (_parallel_rest(device.R_b * factor, 1.0 / p.R_b) - p.R_s) / (circuit.load or np.nan)
        ),
        "C_external": lambda factor: (device.C_m * factor - p.C_m) / (circuit.external_capacitance or np.nan),
    }
    sources = {"R_load": "R_b", "C_external": "C_m"}
    return {
        name: _nearest_to_one(map(conversions.get(name, float), found[sources.get(name, name)]))
        for name in names
    }


def values_to_hopf(p: Parameters, circuit: Circuit) -> dict[str, float | None]:
    """What can be soldered: load (ohm) and parallel capacitance (F) at which the smallest gain margin is 1.

    `R_load` is in series with a voltage source, or across the terminals under a current source, which is the
    same (Norton and Thevenin): above it the device oscillates, below it not. None where no value does. Where
    two capacitances do, the one nearer to that of the circuit.
    """
    return {"R_load": _load_to_hopf(p, circuit), "C_external": _capacitance_to_hopf(p, circuit)}


def crossings(loop: Loop, directions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where lines through a loop cross the boundary, to either side.

    Parameters
    ----------
    loop : Loop
        One loop of three lags.
    directions : (n, 4) array
        Of the logarithms of `LOOP_NAMES`.

    Returns
    -------
    two (n,) arrays
        Nearest t < 0 and nearest t > 0 at which the smallest gain margin of exp(log loop + t direction) is 1;
        NaN where there is none within `LARGEST_FACTOR`.
    """
    return -_crossing(loop, -directions), _crossing(loop, directions)


def _crossing_factors(loop: Loop) -> dict[str, list[float]]:
    """Factors on each quantity of the effective device that bring it to the boundary, at most two each."""
    below, above = np.exp(crossings(loop, np.array(list(_DIRECTIONS.values()))))
    return {
        name: [float(factor) for factor in pair if np.isfinite(factor)]
        for name, *pair in zip(_DIRECTIONS, below, above, strict=True)
    }


def _crossing(loop: Loop, directions: FloatArray) -> FloatArray:
    """(n,) nearest t > 0 on the boundary, NaN where none."""
    reach = np.log(LARGEST_FACTOR)
    t = np.zeros(len(directions))
    value, slope = _along(loop, directions, t)
    if value[0] < 0.0:  # inside the region of oscillation: first leave it
        t += 1.0
        while np.any(inside := (_along(loop, directions, t)[0] < 0.0) & (t < reach)):
            t = np.where(inside, 2.0 * t, t)
        value, slope = _along(loop, directions, t)
        open_end = value < 0.0
    else:  # outside: there is a crossing ahead only downhill
        open_end = slope >= 0.0
    entering = slope < 0.0
    for _ in range(_MOST_ITERATIONS):
        step = value / np.where(open_end, np.inf, slope)
        t = t - step
        open_end = open_end | (t > reach) | (t < 0.0)
        t = np.where(open_end, 0.0, t)
        value, slope = _along(loop, directions, t)
        open_end = open_end | ((slope < 0.0) != entering)
        if np.all(open_end | (np.abs(step) <= 1e-14 * (1.0 + t))):
            break
    return np.where(open_end, np.nan, t)


def _along(loop: Loop, directions: FloatArray, t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Smallest log gain margin at t on each line, and its derivative by t."""
    shifted = Loop(*(getattr(loop, name) * np.exp(directions[:, j] * t) for j, name in enumerate(LOOP_NAMES)))
    x = least_margin_bias(shifted)
    slope = np.einsum("jn,nj->n", margin_derivatives(shifted, x), directions)
    return log_gain_margin(shifted, x), slope


def _load_to_hopf(p: Parameters, circuit: Circuit) -> float | None:
    """Load at which oscillation starts, ohm; the margin falls with every ohm, so there is at most one."""
    free = Loop.of(Circuit(external_capacitance=circuit.external_capacitance).effective(p))
    if not free.can_oscillate or least_log_gain_margin(free) >= 0.0:
        return None
    factor = float(np.exp(crossings(free, np.array([_DIRECTIONS["R_b"]]))[0][0]))
    load = _parallel_rest(p.R_b * factor, 1.0 / p.R_b) - p.R_s
    return load if np.isfinite(load) and load >= 0.0 else None


def _capacitance_to_hopf(p: Parameters, circuit: Circuit) -> float | None:
    """External capacitance at the boundary, F, nearest to the present one."""
    if circuit.pins_voltage(p):
        return None
    device = circuit.effective(p)
    loop = Loop.of(device)
    if not loop.can_oscillate:
        return None
    values = [device.C_m * factor - p.C_m for factor in _crossing_factors(loop)["C_m"]]
    possible = [value for value in values if value >= 0.0]
    return min(possible, key=lambda c: abs(c - circuit.external_capacitance), default=None)


def _parallel_rest(total: float, other: float) -> float:
    """Resistance that with the conductance `other` in parallel makes `total`, ohm; NaN where none does."""
    conductance = 1.0 / total - other
    return 1.0 / conductance if conductance > 0.0 else np.nan


def _nearest_to_one(factors: "map[float]") -> float | None:
    """Of the positive ones, the factor nearest to 1 as a ratio."""
    return min((f for f in factors if f > 0.0), key=lambda f: abs(np.log(f)), default=None)


_MOST_ITERATIONS_NEAREST = 100
_TOLERANCE = 1e-8
_DIFFERENCE = 1e-5
_FARTHEST = 30.0  # of a logarithm: 13 decades


@dataclass(frozen=True, kw_only=True)
class NearestBoundary:
    """A point of the boundary of oscillation."""

    distance: float
    """Length of the way there, in decades or in standard errors."""
    factors: Mapping[str, float]
    """What each parameter is multiplied by."""


def nearest_in_decades(p: Parameters, circuit: Circuit) -> NearestBoundary | None:
    """Nearest boundary where a decade of each parameter counts alike; None where there is none.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    """
    return _nearest(p, circuit, np.log(10.0) * np.eye(len(CHANGEABLE)))


def nearest_in_errors(p: Parameters, circuit: Circuit, uncertainty: Uncertainty) -> NearestBoundary | None:
    """Nearest boundary in standard errors of the fit, correlations included; None where there is none.

    Parameters that were not fitted stay as they are.
    """
    covariance = np.zeros((len(CHANGEABLE), len(CHANGEABLE)))
    kept = [name for name in CHANGEABLE if name in uncertainty.names]
    rows = [CHANGEABLE.index(name) for name in kept]
    columns = [uncertainty.names.index(name) for name in kept]
    covariance[np.ix_(rows, rows)] = uncertainty.covariance[np.ix_(columns, columns)]
    variances, axes = np.linalg.eigh(covariance)
    return _nearest(p, circuit, axes * np.sqrt(np.maximum(variances, 0.0)))


@dataclass(frozen=True)
class _Margin:
    """The smallest log gain margin over steps z, where the logarithms of `CHANGEABLE` change by `root` z."""

    p: Parameters
    circuit: Circuit
    root: FloatArray

    def factors(self, z: FloatArray) -> FloatArray:
        """(..., 6) what each parameter is multiplied by."""
        result: FloatArray = np.exp(np.clip(z @ self.root.T, -_FARTHEST, _FARTHEST))
        return result

    def at(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(...) values and (..., 6) gradients by z."""
        present = np.array([getattr(self.p, name) for name in CHANGEABLE])
        R_b, C_m, i_c0, V_m, tau_d, tau_k = np.moveaxis(present * self.factors(z), -1, 0)
        resistance, extra = self.circuit.resistance(self.p), self.circuit.external_capacitance
        loop = Loop.from_values(
            R_b=R_b,
            C_m=C_m,
            i_c0=i_c0,
            V_m=V_m,
            tau_d=tau_d,
            tau_k=tau_k,
            resistance=np.array(resistance),
            capacitance=np.array(extra),
        )
        x = least_margin_bias(loop)
        gain, m, d, k = margin_derivatives(loop, x)
        by_log = [(gain + m) / (1.0 + R_b / resistance), m * C_m / (C_m + extra), gain, -gain, d, k]
        return log_gain_margin(loop, x), np.stack(by_log, axis=-1) @ self.root

    def curvature(self, z: FloatArray) -> FloatArray:
        """(6, 6) second derivatives by z, from differences of gradients."""
        steps = _DIFFERENCE * np.eye(len(z))
        ahead, behind = self.at(np.stack([z + steps, z - steps]))[1]
        slopes = (ahead - behind) / (2.0 * _DIFFERENCE)
        result: FloatArray = 0.5 * (slopes + slopes.T)
        return result


def _nearest(p: Parameters, circuit: Circuit, root: FloatArray) -> NearestBoundary | None:
    """The nearest boundary in the norm of z, where the logarithms change by `root` z."""
    if circuit.pins_voltage(p) or not Loop.of(circuit.effective(p)).can_oscillate:
        return None
    margin = _Margin(p, circuit, root)
    origin = np.zeros(len(root))
    value, gradient = margin.at(origin)
    if not np.any(gradient):
        return None
    starts = [origin]
    if value < 0.0:
        reach = np.abs(value) / np.maximum(np.abs(gradient), 0.1 * np.abs(gradient).max())
        starts += [*np.diag(reach), *np.diag(-reach)]
    found = [z for z in (_design_point(margin, start) for start in starts) if z is not None]
    if not found:
        return None
    best = min(found, key=lambda z: float(np.linalg.norm(z)))
    factors = dict(zip(CHANGEABLE, margin.factors(best).tolist(), strict=True))
    return NearestBoundary(distance=float(np.linalg.norm(best)), factors=factors)


def _design_point(margin: _Margin, start: FloatArray) -> FloatArray | None:
    """The point of the boundary nearest to z = 0 that Newton's method reaches from `start`.

    There z + mu grad g = 0 and g = 0; each step solves their linearisation and is shortened until the length
    and the violation of g = 0 together have fallen.
    """
    z, multiplier = start, 0.0
    value, gradient = margin.at(z)
    for _ in range(_MOST_ITERATIONS_NEAREST):
        step, multiplier = _newton_step(margin, z, multiplier, float(value), gradient)
        if np.linalg.norm(step) <= _TOLERANCE * (1.0 + np.linalg.norm(z)):
            return z if abs(value) < 1e-6 else None
        penalty = 2.0 * abs(multiplier) + 1.0
        shares = 0.5 ** np.arange(14)
        trials = z + shares[:, None] * step
        values, gradients = margin.at(trials)
        merits = 0.5 * np.sum(trials**2, axis=1) + penalty * np.abs(values)
        better = merits < 0.5 * z @ z + penalty * abs(value)
        taken = int(np.argmax(better)) if better.any() else len(shares) - 1
        z, value, gradient = trials[taken], values[taken], gradients[taken]
    return None


def _newton_step(
    margin: _Margin, z: FloatArray, multiplier: float, value: float, gradient: FloatArray
) -> tuple[FloatArray, float]:
    """Step of z and the new multiplier; with a flat margin where the curved problem has no minimum."""
    n = len(z)
    hessian = np.eye(n) + multiplier * margin.curvature(z) if multiplier else np.eye(n)
    if np.linalg.eigvalsh(hessian)[0] < 1e-3:
        hessian = np.eye(n)
    system = np.block([[hessian, gradient[:, None]], [gradient[None, :], np.zeros((1, 1))]])
    solution = np.linalg.lstsq(system, np.append(-z, -value), rcond=None)[0]
    return solution[:n], float(solution[n])
