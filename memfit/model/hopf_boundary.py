"""The boundary of self-sustained oscillation, in closed form and for many devices at once.

With x = (u - V_T)/V_m, f = 1/(1 + exp(-x)), p = f tau_k and G = R_b i_c0/V_m, the steady state is unstable
under current control where the loop gain A = G f (1 - f) exceeds (tau_m + tau_d)(tau_d + p)(p + tau_m)/
(tau_m tau_d p), by Routh and Hurwitz. The ratio of threshold and gain is the gain margin

    M(x) = (k2/f^2 + k1/f + k0)/(1 - f),    and M = 1 is a cubic in f: k2 + k1 f + k0 f^2 = f^2 (1 - f).

Since 1/f = 1 + exp(-x) and 1/(1 - f) = 1 + exp(x), M is a sum of positive monomials in exp(x), 1/G and the
time constants: log M is convex in x and in the logarithms of the parameters, jointly. So M has one minimum
over the bias, the cubic has two roots in (0, 1) or none, the devices that oscillate form a convex set in
logarithmic parameters, and Newton's method finds each root from outside, without a search.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import FloatArray
from memfit.model.linear import resistance_share
from memfit.model.parameters import COLUMN, NAMES, Parameters
from memfit.model.parts import refuse_parts

LOOP_NAMES = ("gain", "tau_m", "tau_d", "tau_k")
"""What the boundary depends on; the order of derivatives by their logarithms."""

LOOP_POWERS: Mapping[str, tuple[int, int, int, int]] = MappingProxyType(
    {
        "R_b": (1, 1, 0, 0),
        "C_m": (0, 1, 0, 0),
        "i_c0": (1, 0, 0, 0),
        "V_m": (-1, 0, 0, 0),
        "tau_d": (0, 0, 1, 0),
        "tau_k": (0, 0, 0, 1),
    }
)
"""Parameters of a device on which its loop depends, with their powers in `LOOP_NAMES`; R_b and C_m are those
in the circuit. V_T only moves the bias."""

_MOST_ITERATIONS = 60  # Newton takes 5 to 10, and 50 where time constants are 18 decades apart
_TOLERANCE = 8.0 * np.finfo(float).eps


@dataclass(frozen=True)
class Loop:
    """Loops of three lags and a sigmoid, one or many: fields are broadcast against each other."""

    gain: FloatArray
    """G = R_b i_c0/V_m; the largest loop gain is G/4."""
    tau_m: FloatArray
    """Charging time, s."""
    tau_d: FloatArray
    """Relaxation time of the channel current, s."""
    tau_k: FloatArray
    """Kinetic time of the activation, s."""

    @classmethod
    def of(cls, p: Parameters, resistance: float = np.inf, capacitance: float = 0.0) -> "Loop":
        """The loop of one device.

        Parameters
        ----------
        p : Parameters
        resistance : float, ohm
            Between a voltage source and the junction; infinite for a current source.
        capacitance : float, F
            Across the junction, besides C_m.
        """
        refuse_parts(p, "The boundary of oscillation")
        values = {name: np.array(getattr(p, name)) for name in LOOP_POWERS}
        return cls.from_values(values, np.array(resistance), np.array(capacitance))

    @classmethod
    def from_values(
        cls, values: Mapping[str, FloatArray], resistance: FloatArray, capacitance: FloatArray
    ) -> "Loop":
        """Loops of many devices: `of` with arrays that are broadcast against each other.

        Parameters
        ----------
        values : mapping of str to array
            Parameters by name, SI; others than those of `LOOP_POWERS` do not matter.
        resistance : array, ohm
        capacitance : array, F
        """
        R_b = values["R_b"] / (1.0 + values["R_b"] / resistance)
        gain, tau_m = R_b * values["i_c0"] / values["V_m"], R_b * (values["C_m"] + capacitance)
        parts = np.broadcast_arrays(gain, tau_m, values["tau_d"], values["tau_k"])
        return cls(*(np.asarray(part, dtype=np.float64) for part in parts))

    @property
    def can_oscillate(self) -> bool:
        """Whether there are three lags; with two (tau_d or tau_k zero) no gain is enough."""
        return bool(np.all((self.tau_d > 0.0) & (self.tau_k > 0.0)))


def log_gain_margin(loop: Loop, x: ArrayLike, *, printed: bool = False) -> FloatArray:
    """Natural logarithm of the gain margin M at x = (u - V_T)/V_m; negative where the bias is unstable.

    Parameters
    ----------
    loop : Loop
        With three lags.
    x : array
        Broadcast against the fields of `loop`.
    printed : bool
        With Eq. 20 as printed, whose threshold is larger by one (only to compare with the paper).
    """
    return _margin(_log_terms(loop, printed), np.asarray(x, dtype=np.float64))[0]


def log_gain_margin_slope(loop: Loop, x: ArrayLike) -> FloatArray:
    """Derivative of the log gain margin by x = (u - V_T)/V_m.

    Parameters
    ----------
    loop : Loop
    x : array, (u - V_T)/V_m
    """
    return _margin(_log_terms(loop, printed=False), np.asarray(x, dtype=np.float64))[1]


def least_margin_bias(loop: Loop, *, printed: bool = False) -> FloatArray:
    """The x = (u - V_T)/V_m at which the gain margin is smallest.

    M' = 0 is k0 f^3 + 2 k1 f^2 + (3 k2 - k1) f - 2 k2 = 0, convex with one positive root, which is below 2/3.

    Parameters
    ----------
    loop : Loop
    printed : bool
        With Eq. 20 as printed (only to compare with the paper).
    """
    terms = _log_terms(loop, printed)
    k2, k1, k0 = np.exp(terms - terms.max(axis=0))
    f = np.full_like(k2, 2.0 / 3.0)
    for _ in range(_MOST_ITERATIONS):
        value = ((k0 * f + 2.0 * k1) * f + 3.0 * k2 - k1) * f - 2.0 * k2
        slope = (3.0 * k0 * f + 4.0 * k1) * f + 3.0 * k2 - k1
        step = value / slope
        f = f - step
        if np.all(np.abs(step) <= 1e-13 * f):  # enough: the margin is stationary there
            break
    result: FloatArray = np.log(f) - np.log1p(-f)
    return result


def least_log_gain_margin(loop: Loop) -> FloatArray:
    """Logarithm of the smallest gain margin over all biases; the device oscillates where it is negative.

    Parameters
    ----------
    loop : Loop
    """
    return log_gain_margin(loop, least_margin_bias(loop))


def hopf_biases(loop: Loop, *, printed: bool = False) -> tuple[FloatArray, FloatArray]:
    """The two x = (u - V_T)/V_m at which the gain margin is 1, the lower first; NaN where there are none.

    Parameters
    ----------
    loop : Loop
    printed : bool
        With Eq. 20 as printed (only to compare with the paper).
    """
    terms = _log_terms(loop, printed)
    middle = least_margin_bias(loop, printed=printed)
    least, _, curvature = _margin(terms, middle)
    exists = least < 0.0
    reach = np.sqrt(2.0 * np.where(exists, -least, 1.0) / curvature)
    low, high = _outward_root(terms, middle - reach), _outward_root(terms, middle + reach)
    return np.where(exists, low, np.nan), np.where(exists, high, np.nan)


def hopf_frequency(loop: Loop, x: ArrayLike) -> FloatArray:
    """omega_H = sqrt(c1) = sqrt(1/(tau_d p) + 1/(tau_m p) + 1/(tau_d tau_m)), rad/s, at a Hopf point x.

    Parameters
    ----------
    loop : Loop
    x : array, (u - V_T)/V_m
    """
    p = loop.tau_k * np.exp(_log_activation(np.asarray(x, dtype=np.float64)))
    result: FloatArray = np.sqrt((1.0 / loop.tau_d + 1.0 / loop.tau_m) / p + 1.0 / (loop.tau_d * loop.tau_m))
    return result


def margin_derivatives(loop: Loop, x: ArrayLike) -> FloatArray:
    """(4, ...) derivatives of the log gain margin at fixed x by the logarithms of `LOOP_NAMES`.

    At the smallest margin they are also those of the smallest log margin, since its bias is stationary.

    Parameters
    ----------
    loop : Loop
    x : array, (u - V_T)/V_m
    """
    m, d = loop.tau_m, loop.tau_d
    p = loop.tau_k * np.exp(_log_activation(np.asarray(x, dtype=np.float64)))
    return np.stack(
        np.broadcast_arrays(
            np.full_like(p, -1.0),
            m / (m + d) + m / (p + m) - 1.0,
            d / (m + d) + d / (p + d) - 1.0,
            p / (d + p) + p / (p + m) - 1.0,
        )
    )


def hopf_bias_derivatives(loop: Loop, x: ArrayLike) -> FloatArray:
    """(4, ...) derivatives of a Hopf bias x by the logarithms of `LOOP_NAMES`.

    From log M(x, q) = 0: dx/dq = -(d log M/dq)/(d log M/dx); they diverge where the two Hopf points merge.

    Parameters
    ----------
    loop : Loop
    x : array, (u - V_T)/V_m
    """
    slope = _margin(_log_terms(loop, printed=False), np.asarray(x, dtype=np.float64))[1]
    return -margin_derivatives(loop, x) / slope


def loop_derivatives(p: Parameters, resistance: float = np.inf, capacitance: float = 0.0) -> FloatArray:
    """(4, 9) derivatives of the logarithms of `LOOP_NAMES` by the values of `NAMES`.

    R_s is taken as part of a finite `resistance`. Times the parameter's value: by its logarithm.

    Parameters
    ----------
    p : Parameters
    resistance : float, ohm
        Between a voltage source and the junction; infinite is current control.
    capacitance : float, F
        Added across the junction.
    """
    result = np.zeros((4, len(NAMES)))
    share = resistance_share(p, resistance)
    for name, powers in LOOP_POWERS.items():
        value, part = getattr(p, name), share if name == "R_b" else 1.0
        result[:, COLUMN[name]] = np.array(powers) * (
            part / (value + capacitance if name == "C_m" else value)
        )
    result[:2, COLUMN["R_s"]] = (1.0 - share) / resistance
    return result


def least_log_gain_margin_derivatives(
    p: Parameters, resistance: float = np.inf, capacitance: float = 0.0
) -> FloatArray:
    """(9,) derivatives of the smallest log gain margin by the values of `NAMES`.

    Parameters
    ----------
    p : Parameters
    resistance : float, ohm
        Between a voltage source and the junction; infinite is current control.
    capacitance : float, F
        Added across the junction.
    """
    loop = Loop.of(p, resistance, capacitance)
    by_loop = margin_derivatives(loop, least_margin_bias(loop))
    return by_loop @ loop_derivatives(p, resistance, capacitance)


def hopf_voltage_derivatives(
    p: Parameters, x: float, resistance: float = np.inf, capacitance: float = 0.0
) -> FloatArray:
    """(9,) derivatives of a Hopf voltage u = V_T + V_m x by the values of `NAMES`, V per SI unit.

    Parameters
    ----------
    p : Parameters
    x : float
        (u - V_T)/V_m of the Hopf point.
    resistance : float, ohm
        Between a voltage source and the junction; infinite is current control.
    capacitance : float, F
        Added across the junction.
    """
    loop = Loop.of(p, resistance, capacitance)
    by_loop = hopf_bias_derivatives(loop, x)
    result: FloatArray = p.V_m * (by_loop @ loop_derivatives(p, resistance, capacitance))
    result[COLUMN["V_T"]] += 1.0
    result[COLUMN["V_m"]] += x
    return result


def _log_activation(x: FloatArray) -> FloatArray:
    """Log f = -log(1 + exp(-x)), without overflow; NaN where there is no bias."""
    with np.errstate(invalid="ignore"):
        result: FloatArray = -np.logaddexp(0.0, -x)
    return result


def _log_terms(loop: Loop, printed: bool) -> FloatArray:
    """(3, ...) logarithms of k2, k1, k0.

    k2 = (tau_m + tau_d)/(G tau_k)
    k1 = (tau_m + tau_d)^2/(G tau_m tau_d), and 1/G more with the printed c0
    k0 = (tau_m + tau_d) tau_k/(G tau_m tau_d)
    """
    m, d, k = loop.tau_m, loop.tau_d, loop.tau_k
    both = m + d
    k1 = (both / m) * (both / d) + (1.0 if printed else 0.0)
    terms = np.stack(np.broadcast_arrays(both / k, k1, (both / m) * (k / d)))
    result: FloatArray = np.log(terms) - np.log(loop.gain)
    return result


def _margin(terms: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log M and its first and second derivatives by x."""
    log_f, log_rest = _log_activation(x), _log_activation(-x)
    powers = np.stack([terms[0] - 2.0 * log_f, terms[1] - log_f, terms[2] + 0.0 * log_f])
    largest = powers.max(axis=0)
    weights = np.exp(powers - largest)
    total = weights.sum(axis=0)
    w2, w1 = weights[0] / total, weights[1] / total
    mean = 2.0 * w2 + w1
    variance = 4.0 * w2 + w1 - mean * mean
    f, rest = np.exp(log_f), np.exp(log_rest)
    value = largest + np.log(total) - log_rest
    return value, f - rest * mean, f * rest * (1.0 + mean) + rest * rest * variance


def _outward_root(terms: FloatArray, x: FloatArray) -> FloatArray:
    """Newton's method for the root of log M on x's side of the minimum; safe since log M is convex."""
    for _ in range(_MOST_ITERATIONS):
        value, slope, _ = _margin(terms, x)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = value / slope
        x = x - step
        if not np.any(np.abs(step) > _TOLERANCE * (1.0 + np.abs(x))):
            break
    return x
