"""How an oscillation sets in at a Hopf point of any member: the first Lyapunov coefficient.

With the terms of `memfit.model.terms` each nonlinear equation of a device is a rate that depends on u times a
balance that vanishes in the steady state and is linear in all but u,

    u:  w = 1/C(u),      balance = I - u/R - j(u) - sum_l (alpha_l + beta_l u) y_l
    f:  w = 1/tau_f(u),  balance = f_ss(u) - f

so that second and third derivatives are products of those of functions of u alone, and every linear system
of the coefficient is one equation for u. Source: Kuznetsov, Elements of Applied Bifurcation Theory, Eq. 5.39.
A member with dispersion is followed by its ladder around the frequency of the Hopf point.
"""

from dataclasses import dataclass

import numpy as np

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import Parameters
from memfit.model.parts import terms_in_time
from memfit.model.terms import AT_VOLTAGE, Number, Terms

_BAND = 1e3
"""How far from the Hopf frequency, either way, a ladder follows dispersion."""


@dataclass(frozen=True)
class _Rate:
    """A rate w(u) times a balance, at a steady state: derivatives by u."""

    w: FloatArray
    """(3,) rate and its first two derivatives."""
    n: FloatArray
    """(3,) first three derivatives of the balance by u."""

    @property
    def second(self) -> float:
        """Second derivative of the product."""
        return float(2.0 * self.w[1] * self.n[0] + self.w[0] * self.n[1])

    @property
    def third(self) -> float:
        """Third derivative of the product."""
        return float(3.0 * (self.w[2] * self.n[0] + self.w[1] * self.n[1]) + self.w[0] * self.n[2])


def first_lyapunov_coefficient(
    p: Parameters, u: float, omega: float, resistance: float = np.inf, capacitance: float = 0.0
) -> float:
    """Negative where an oscillation grows from nothing (supercritical), positive where it jumps.

    For u in units of V_m, i_c of i_c0 and time of 1/omega; the sign does not depend on the units.

    Parameters
    ----------
    p : Parameters
    u : float, V, across the junction
        Of a Hopf point.
    omega : float, rad/s
        Its frequency.
    resistance : float, ohm
        Between a voltage source and the junction.
    capacitance : float, F
        Across the junction, beside that of the device.
    """
    terms = terms_in_time(p, (omega / _BAND, omega * _BAND))
    terms.capacitance += Number(capacitance)
    device = _Expanded(terms, u, 1.0 / resistance)
    return device.coefficient(omega)


class _Expanded:
    """A device about a steady state; vectors are (u, activations, lags)."""

    def __init__(self, terms: Terms, u: float, conductance: float) -> None:
        self.activations = len(terms.activations)
        self.rates = [self._balance(terms, u, conductance)]
        self.rates += [_activation(sign, [n.value for n in own], u) for sign, own in terms.activations]
        lags = np.array([[n.value for n in own] for _, own in terms.lags])
        self.tau, self.gain, alpha, beta = lags.T
        self.sources = np.array([0 if k == AT_VOLTAGE else 1 + k for k, _ in terms.lags])
        w, weight = self.rates[0].w, alpha + beta * u
        self.coupling = -np.array(
            [w[0] * weight, w[1] * weight + w[0] * beta, w[2] * weight + 2 * w[1] * beta]
        )
        """(3, l) derivative of du/dt by the lags, and its derivatives by u."""

    def _balance(self, terms: Terms, u: float, conductance: float) -> _Rate:
        """The junction."""
        n = np.array([-terms.conductance.value - conductance, 0.0, 0.0])
        for amplitude, width in terms.growing_currents:
            growing = amplitude.value * np.exp(u / width.value)
            n -= growing / width.value ** np.arange(1.0, 4.0)
        C = np.array([terms.capacitance.value, 0.0, 0.0])
        for amplitude, width in terms.growing_capacitances:
            C += amplitude.value * np.exp(u / width.value) / width.value ** np.arange(3.0)
        at_rest = [
            u,
            *(1.0 / (1.0 + np.exp(-(s * u - o[0].value) / o[1].value)) for s, o in terms.activations),
        ]
        for source, (_, gain, _, beta) in terms.lags:
            n[0] -= beta.value * gain.value * at_rest[0 if source == AT_VOLTAGE else 1 + source]
        w = np.array([1.0 / C[0], -C[1] / C[0] ** 2, 2.0 * C[1] ** 2 / C[0] ** 3 - C[2] / C[0] ** 2])
        return _Rate(w, n)

    def respond(self, s: complex, force: ComplexArray) -> ComplexArray:
        """The x of s x = J x + force; no force on the lags."""
        own, stiffness = force[0], s - self.rates[0].w[0] * self.rates[0].n[0]
        alone, by_u = np.zeros_like(force), np.ones_like(force)
        alone[0] = 0.0
        for k, rate in enumerate(self.rates[1:], start=1):
            lag = 1.0 + s / rate.w[0]
            alone[k], by_u[k] = force[k] / rate.w[0] / lag, rate.n[0] / lag
        for j, (source, k) in enumerate(
            zip(self.sources, range(1 + self.activations, force.size), strict=True)
        ):
            share = self.gain[j] / (1.0 + s * self.tau[j])
            alone[k], by_u[k] = share * alone[source], share * by_u[source]
        behind = slice(1 + self.activations, None)
        own += self.coupling[0] @ alone[behind]
        stiffness -= self.coupling[0] @ by_u[behind]
        result: ComplexArray = alone + own / stiffness * by_u
        return result

    def modes(self, omega: float) -> tuple[ComplexArray, ComplexArray]:
        """Right and left eigenvectors at i omega, the product 1, the activation that moves most 1."""
        s, size = 1j * omega, 1 + self.activations + self.tau.size
        q, p = np.ones(size, dtype=np.complex128), np.ones(size, dtype=np.complex128)
        behind = slice(1 + self.activations, None)
        for k, rate in enumerate(self.rates[1:], start=1):
            q[k] = rate.n[0] / (1.0 + s / rate.w[0])
        q[behind] = self.gain / (1.0 + s * self.tau) * q[self.sources]
        late = self.coupling[0] / (1.0 + s * self.tau)
        p[behind] = late * self.tau
        for k, rate in enumerate(self.rates[1:], start=1):
            driven = np.sum((late * self.gain)[self.sources == k])
            p[k] = driven / rate.w[0] / (1.0 + s / rate.w[0])
        q /= max(q[1 : 1 + self.activations], key=abs)
        return q, p / (p @ q)

    def bilinear(self, a: ComplexArray, b: ComplexArray) -> ComplexArray:
        """B(a, b): second derivatives of the rates."""
        result = np.zeros_like(a)
        behind = slice(1 + self.activations, None)
        for k, rate in enumerate(self.rates):
            result[k] = rate.second * a[0] * b[0]
            if k:
                result[k] -= rate.w[1] * (a[0] * b[k] + a[k] * b[0])
        result[0] += self.coupling[1] @ (a[0] * b[behind] + a[behind] * b[0])
        return result

    def trilinear(self, a: ComplexArray) -> ComplexArray:
        """C(a, a, a*): third derivatives of the rates."""
        result, c = np.zeros_like(a), a.conj()
        behind = slice(1 + self.activations, None)

        def mixed(k: int | slice) -> ComplexArray:
            """Products with two of u and one of k."""
            product: ComplexArray = 2.0 * a[k] * a[0] * c[0] + c[k] * a[0] * a[0]
            return product

        for k, rate in enumerate(self.rates):
            result[k] = rate.third * a[0] * a[0] * c[0]
            if k:
                result[k] -= rate.w[2] * mixed(k)
        result[0] += self.coupling[2] @ mixed(behind)
        return result

    def coefficient(self, omega: float) -> float:
        """The first Lyapunov coefficient."""
        q, p = self.modes(omega)
        still = self.respond(0.0, self.bilinear(q, q.conj()))
        double = self.respond(2j * omega, self.bilinear(q, q))
        force = self.trilinear(q) + 2.0 * self.bilinear(q, still) + self.bilinear(q.conj(), double)
        return float(np.real(p @ force)) / (2.0 * omega)


def _activation(sign: float, numbers: list[float], u: float) -> _Rate:
    """An activation: (f_ss(u) - f)/tau_f(u)."""
    V_T, V_m, tau_k, power, rest_power = numbers
    z = (sign * u - V_T) / V_m
    log_f, log_rest = -np.logaddexp(0.0, -z), -np.logaddexp(0.0, z)
    f, rest = np.exp(log_f), np.exp(log_rest)
    scale = (sign / V_m) ** np.arange(1.0, 4.0)
    n = f * rest * np.array([1.0, rest - f, 1.0 - 6.0 * f * rest]) * scale
    rate = np.exp(-power * log_f - rest_power * log_rest) / tau_k
    slope = rest_power * f - power * rest  # of ln(1/tau) by z
    w = rate * np.array([1.0, slope, slope**2 + (power + rest_power) * f * rest])
    return _Rate(w * np.array([1.0, scale[0], scale[1]]), n)
