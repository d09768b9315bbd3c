"""The model linearised about a steady state: loop gain, characteristic polynomial, eigenvalues.

Y = C_m s + 1/R_b + 1/(R_a (1 + s tau_d)(1 + s p)) with p = f_ss(u) tau_k is a loop of three lags with the
gain A = R_b/R_a. Under current control its poles are the roots of lambda^3 + c2 lambda^2 + c1 lambda + c0
(Eqs. 18-20 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789; c0 as printed lacks the "1 +").

A voltage source behind a resistance R (series and load together) makes the same loop with R_b R/(R_b + R) in
the place of R_b, and a capacitance across the junction adds to C_m. So the functions take `resistance` (ohm,
infinite under current control) and `capacitance` (F). The voltage `u` across the junction is in V, any shape.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import Parameters
from memfit.model.parts import FEEDBACK, refuse_parts
from memfit.model.steady import junction_capacitance, ohmic_resistance

LARGEST_EXPONENT = 300.0
"""Of (V_T - u)/V_m; beyond, p = f tau_k would leave the range of numbers and no pole of interest moves."""

_MOST_ITERATIONS = 100  # bisection alone needs 60; Newton takes 5 to 10


class Coefficients(NamedTuple):
    """Coefficients of the characteristic polynomial, each with the shape of u."""

    c2: FloatArray
    """1/s."""
    c1: FloatArray
    """1/s^2."""
    c0: FloatArray
    """1/s^3."""
    printed_c0: FloatArray
    """1/s^3; Eq. 20 as printed, without the "1 +": for comparison with the paper's Fig. 5a only."""


def effective_parameters(p: Parameters, resistance: float = np.inf, capacitance: float = 0.0) -> Parameters:
    """The device that, under current control, does what this one does in its circuit.

    C_m du/dt = (V - u)/R - u/R_b - i_c is Eq. 1 with the current V/R and the leakage R_b R/(R_b + R).

    Parameters
    ----------
    p : Parameters
    resistance : float, ohm, > 0
        Total resistance between a voltage source and the junction; infinite is current control.
    capacitance : float, F
        Added across the junction.
    """
    return p.replace(R_b=p.R_b * resistance_share(p, resistance), C_m=p.C_m + capacitance)


def loop_gain(p: Parameters, u: ArrayLike, resistance: float = np.inf) -> FloatArray:
    """A = R_b/R_a = R_b i_c0 f (1 - f)/V_m, R_b taken in parallel with `resistance`.

    Parameters
    ----------
    p : Parameters
    u : array, V, across the junction
    resistance : float, ohm
        Between a voltage source and the junction; infinite is current control.
    """
    return FEEDBACK.loop_gain(p, u, ohmic_resistance(p) * resistance_share(p, resistance))


def coefficients(
    p: Parameters, u: ArrayLike, *, resistance: float = np.inf, capacitance: float = 0.0
) -> Coefficients:
    """c2, c1, c0 of the characteristic polynomial of the 3D model, and c0 as printed.

    c2 = 1/tau_m + 1/tau_d + 1/p
    c1 = 1/(tau_d p) + 1/(tau_m p) + 1/(tau_d tau_m)
    c0 = (1 + A)/(tau_m tau_d p)

    Parameters
    ----------
    p : Parameters
        tau_d and tau_k greater than 0.
    u : array, V
    resistance, capacitance : float, ohm and F
        The circuit.
    """
    m, d, k = _rates(p, u, resistance, capacitance)
    gain = loop_gain(p, u, resistance)
    return Coefficients(m + d + k, d * k + m * k + d * m, (1.0 + gain) * m * d * k, gain * m * d * k)


def eigenvalues(
    p: Parameters, u: ArrayLike, *, resistance: float = np.inf, capacitance: float = 0.0
) -> ComplexArray:
    """Eigenvalues of the linearised model at its steady states, 1/s.

    Parameters
    ----------
    p : Parameters
        The 2D model where tau_k = 0, its mirror image where tau_d = 0, one lag where both are.
    u : array, V
    resistance, capacitance : float, ohm and F
        The circuit.

    Returns
    -------
    (..., n) array
        n = 3, 2 or 1; sorted by real part, falling, and of a pair the one with positive frequency first.
    """
    gain = loop_gain(p, u, resistance)
    m, d, k = _rates(p, u, resistance, capacitance)
    fast = np.isinf(np.array([d, np.max(k, initial=0.0)]))
    if not fast.any():
        return _cubic_roots(*coefficients(p, u, resistance=resistance, capacitance=capacitance)[:3])
    if fast.all():
        return _sorted_roots(-(1.0 + gain) * m)
    other = k if fast[0] else d + np.zeros_like(gain)
    return _sorted_roots(*_quadratic_roots(m + other, (1.0 + gain) * m * other))


def resistance_share(p: Parameters, resistance: float) -> float:
    """Derivative R/(R_b + R) of ln R_eff by ln R_b, where R_eff = R_b R/(R_b + R).

    Parameters
    ----------
    p : Parameters
    resistance : float, ohm
        Between a voltage source and the junction; infinite is current control.
    """
    return 1.0 / (1.0 + ohmic_resistance(p) / resistance)


def _rates(
    p: Parameters, u: ArrayLike, resistance: float, capacitance: float
) -> tuple[FloatArray | float, float, FloatArray]:
    """1/tau_m, 1/tau_d (floats) and 1/p (shape of u), 1/s; infinite where the time constant is zero."""
    refuse_parts(p, "Stability")
    lowest = p.V_T - LARGEST_EXPONENT * p.V_m
    voltage = np.maximum(np.asarray(u, dtype=np.float64), lowest)
    tau_d, tau_f = FEEDBACK.lags(p, voltage)
    tau_m = (
        ohmic_resistance(p)
        * resistance_share(p, resistance)
        * (junction_capacitance(p, voltage) + capacitance)
    )
    slow_activation = np.full_like(tau_f, np.inf) if p.tau_k == 0.0 else 1.0 / tau_f
    return 1.0 / tau_m, 1.0 / tau_d if tau_d > 0.0 else np.inf, slow_activation


def _cubic_roots(c2: FloatArray, c1: FloatArray, c0: FloatArray) -> ComplexArray:
    """(..., 3) roots of lambda^3 + c2 lambda^2 + c1 lambda + c0, all coefficients positive.

    One real root -mu lies between c2 and c0/c1, which always enclose one: Newton in log mu, kept inside. The
    other two solve the quadratic that is left. Each keeps its relative accuracy however far apart the time
    constants are.
    """
    low, high = np.minimum(c2, c0 / c1), np.maximum(c2, c0 / c1)
    mu = np.where(c0 / c1 < c2, high, low)
    for _ in range(_MOST_ITERATIONS):
        value = (mu - c2) + (c1 - c0 / mu) / mu
        low, high = np.where(value < 0.0, mu, low), np.where(value > 0.0, mu, high)
        slope = mu - (c1 - 2.0 * c0 / mu) / mu
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            trial = mu * np.exp(np.clip(-value / slope, -50.0, 50.0))
        trial = np.where((trial > low) & (trial < high), trial, np.sqrt(low) * np.sqrt(high))
        trial = np.where(value == 0.0, mu, trial)
        last, mu = mu, trial
        if np.all(np.abs(mu - last) <= 4.0 * np.finfo(float).eps * last):
            break
    # The sum of the other two roots follows from c2 or from c1: take the one that loses less to rounding.
    total = np.where(c2 < c1 / mu, c2 - mu, (c1 - c0 / mu) / mu)
    return _sorted_roots(-mu, *_quadratic_roots(total, c0 / mu))


def _quadratic_roots(b: FloatArray, c: FloatArray) -> tuple[ComplexArray, ComplexArray]:
    """Both roots of lambda^2 + b lambda + c with c > 0, without cancellation."""
    half = -0.5 * b
    discriminant = half * half - c
    root = np.sqrt(np.abs(discriminant))
    pair = half + 1j * root
    larger = half + np.where(half < 0.0, -root, root)
    oscillating = discriminant < 0.0
    smaller = c / np.where(oscillating, 1.0, larger)
    return np.where(oscillating, pair, larger), np.where(oscillating, pair.conj(), smaller)


def _sorted_roots(*roots: FloatArray | ComplexArray) -> ComplexArray:
    """(..., n) roots by falling real part, then falling imaginary part."""
    stacked = np.stack(np.broadcast_arrays(*roots), axis=-1).astype(np.complex128)
    order = np.lexsort((-stacked.imag, -stacked.real), axis=-1)
    result: ComplexArray = np.take_along_axis(stacked, order, axis=-1)
    return result
