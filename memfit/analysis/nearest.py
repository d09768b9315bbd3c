"""The nearest point of the boundary of oscillation when all parameters may change together.

In logarithmic parameters, with distance measured in decades or in standard errors of the fit. For a stable
device the boundary encloses a convex set (`memfit.model.boundary`), so that the nearest point is the only one
where the boundary is perpendicular to the way there. For a device that oscillates there can be several; the
best of those reached by setting out along each axis is kept. In standard errors the length is the reliability
index of Hasofer and Lind (J. Eng. Mech. 1974, 100, 111); the method is Newton's on the Lagrange equations.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from memfit.analysis.circuit import Circuit
from memfit.analysis.recipe import CHANGEABLE
from memfit.analysis.spread import Uncertainty
from memfit.arrays import FloatArray
from memfit.model.boundary import Loop, least_margin_bias, log_gain_margin, margin_derivatives
from memfit.model.parameters import Parameters

_MOST_ITERATIONS = 100
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
    for _ in range(_MOST_ITERATIONS):
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
