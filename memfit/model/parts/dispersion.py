"""Dispersion of the constant capacitance: a constant phase element in its place.

Y = C_m w_r (s/w_r)^n,  w_r = 2 pi 1 kHz;  this part is what that has more than s C_m

At 1 kHz |Y| is that of C_m whatever n is; n = 1 is the plain capacitance.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import COLUMN, Parameters
from memfit.model.terms import AT_VOLTAGE, Number, Terms

PART = "dispersion"
REFERENCE = 2.0 * math.pi * 1e3
"""w_r, rad/s."""


def _ratio(s: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """s/w_r and its logarithm; a steady signal has none."""
    x = np.asarray(s, dtype=np.complex128) / REFERENCE
    return x, np.log(np.where(x == 0.0, 1.0, x))


def admittance(p: Parameters, s: ComplexArray, u: ArrayLike) -> ComplexArray:
    """C_m (w_r (s/w_r)^n - s), S."""
    x, log = _ratio(s)
    power = np.where(x == 0.0, 0.0, np.exp(p.n * log))
    return np.asarray(p.C_m * REFERENCE * (power - x), dtype=np.complex128)


def add_admittance(
    p: Parameters, s: ComplexArray, u: FloatArray, u_by_p: FloatArray, k: np.ndarray, by: ComplexArray
) -> ComplexArray:
    """Y at s (n,); adds to `by` (n, p) its derivatives by the parameters."""
    _, log = _ratio(s)
    Y = admittance(p, s, u)
    by[:, COLUMN["C_m"]] += Y / p.C_m
    by[:, COLUMN["n"]] += (Y + p.C_m * s) * log
    return Y


_STEP = 1.2  # of ln(rate) from rung to rung: s^n is followed to exp(-pi^2/step)
_BELOW, _ABOVE = 10.0, 30.0  # how far the ladder goes beyond the band
_LEAST = 1e-6  # exponent that a ladder follows: of 0, a mere conductance, the slowest branch never ends


def in_time(p: Parameters, terms: Terms) -> None:
    """Add a ladder of branches R and C in series, with rates from below to above the band.

    s^n = (sin(n pi)/pi) int s/(s + r) r^(n-1) dr, summed over ln r in equal steps. What lies above the ladder
    is a capacitance, what lies below it one branch at its mean rate.
    """
    n, step = max(p.n, _LEAST), _STEP
    first = math.floor(math.log(terms.band[0] / _BELOW) / step)
    last = math.ceil(math.log(terms.band[1] * _ABOVE) / step)
    power = REFERENCE ** (1.0 - n)
    sine, cosine = math.sin((1.0 - n) * math.pi), -math.cos((1.0 - n) * math.pi)  # of n pi, also near n = 1
    share = power * sine / math.pi * step
    share_by_n = power * step * (cosine - math.log(REFERENCE) * sine / math.pi)
    for k in range(first, last + 1):
        log, weight = k * step, math.exp(n * k * step)
        _add_rung(p, terms, Number(math.exp(-log)), share * weight, (share_by_n + share * log) * weight)
    above = math.exp((n - 1.0) * (last + 1) * step)
    lost = -math.expm1((n - 1.0) * step)
    kept = share * above / lost
    kept_by_n = (share_by_n + share * ((last + 1) * step + step * (1.0 - lost) / lost)) * above / lost
    terms.capacitance += Number(p.C_m * (kept - 1.0), {"C_m": kept - 1.0, "n": p.C_m * kept_by_n})
    below = math.exp(n * (first - 1) * step)
    low, high = -math.expm1(-n * step), -math.expm1(-(n + 1.0) * step)
    sum_by_n = (first - 1) * step - step * (1.0 - low) / low
    tau = math.exp(-(first - 1) * step) * high / low
    tau_by_n = tau * step * ((1.0 - high) / high - (1.0 - low) / low)
    weight = share * below / low
    _add_rung(p, terms, Number(tau, {"n": tau_by_n}), weight, (share_by_n / share + sum_by_n) * weight)


def _add_rung(p: Parameters, terms: Terms, tau: Number, weight: float, weight_by_n: float) -> None:
    """A branch with the conductance C_m weight."""
    by = {"C_m": weight, "n": p.C_m * weight_by_n}
    terms.conductance += Number(p.C_m * weight, by)
    opposite = Number(-p.C_m * weight, {name: -value for name, value in by.items()})
    terms.add_lag("", AT_VOLTAGE, tau, Number(1.0), opposite, Number(0.0))
