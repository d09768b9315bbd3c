"""The memristor and what departs from it, written from the equations alone; nothing is imported from memfit.

    C(u) du/dt    = I_j + I_ph - leak(u) - i_c (1 - kappa + kappa u/V_T) - sum_k g_k (u - v_k)
                    + i_cn (1 - kappa - kappa u/V_Tn),   C(u) = C_m + C_0 exp(u/V_c)
    tau_d di_c/dt = i_c0 f - i_c
    df/dt         = m (f_s - f)/tau_f(u),   tau_f = tau_k f_0^p_k (1 - f_0)^q_k
    f_0           = 1/(1 + exp(-(u - V_T)/V_m))
    dv_k/dt       = x_k (u - v_k)              branches of g_k and C_k = g_k/x_k in series
    V             = u + R_s I_j,   I = I_j + C_g dV/dt
    i_cn, f_n     as i_c and f, seen from -u, with i_c0n, V_Tn and V_mn

With p_k = 1, q_k = 0, kappa = 0, C_g = 0, no branch, an ohmic leak, m = 1 and f_s = f_0 these are equations
(1, 10, 11, 12) of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789. Rise and fall of f differ by m
= exp(-rise tanh x) and f_s = f_0(u - shift tanh(x)^3), x = (f_0 - f)/0.02: both vanish for a small signal.

Time courses are by Radau IIA of order 5 with the exact Jacobian at every stage, piece by piece between the
kinks of the drive, of V - u where the voltage is applied (the measured current is a small difference of two
voltages); scipy's Radau, a hundred times slower, is there to compare with. The constant phase element is a
ladder of branches, 2.5 a decade.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import cosh, exp, log, log1p, pi, sin, sinh, tanh
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

FAR = 36.0
"""|u - V_T|/V_m beyond which the activation no longer changes: f is 2e-16, below rounding."""
NEAR = 0.02
"""Distance of f from its steady state from which rise and fall differ."""
REFERENCE = 2 * pi * 1e3
"""rad/s at which a constant phase element has the capacitance C_m."""
LADDER = log(10) / 2.5
"""Spacing of the rates; a third of it would change the impedance by 4e-5."""


class Constants(NamedTuple):
    """What the compiled equations need of a device."""

    R_b: float
    C: float
    i_c0: float
    V_T: float
    V_m: float
    tau_d: float
    tau_k: float
    R_s: float
    kappa: float
    p_k: float
    q_k: float
    I_l: float
    V_l: float
    C_g: float
    reverse: float
    rise: float
    shift: float
    I_ph: float
    C_0: float
    V_c: float
    i_c0n: float
    V_Tn: float
    V_mn: float


@njit(cache=True)
def logistic(z):
    """1/(1 + exp(-z)), z clipped."""
    return 1 / (1 + exp(-min(max(z, -FAR), FAR)))


@njit(cache=True)
def gate(p, u):
    """Part of i_c that flows."""
    return 1 - p.kappa + p.kappa * u / p.V_T


@njit(cache=True)
def leak(p, u):
    """Current beside channel and branches, and its slope."""
    current, G = u / p.R_b, 1 / p.R_b
    if p.reverse != 1:
        less, width = 1 / p.reverse, 5e-4  # V; the slope never turns negative
        z = u / width
        soft = width * (max(z, 0.0) + log1p(exp(-abs(z))) - log1p(1.0))
        G *= less + (1 - less) * logistic(z)
        current = (less * u + (1 - less) * soft) / p.R_b
    if p.I_l > 0:
        current += p.I_l * sinh(u / p.V_l)
        G += p.I_l / p.V_l * cosh(u / p.V_l)
    return current - p.I_ph, G


@njit(cache=True)
def capacitance(p, u):
    """C(u)."""
    return p.C + (p.C_0 * exp(min(u / p.V_c, 300.0)) if p.C_0 > 0 else 0.0)


@njit(cache=True)
def rate(p, u, f):
    """df/dt, and its derivatives by u and f."""
    return _rate(p, p.V_T, p.V_m, u, f)


@njit(cache=True)
def _rate(p, V_T, V_m, u, f):
    """Of an activation with this threshold and width."""
    z = (u - V_T) / V_m
    f0 = logistic(z)
    held = min(max(z, -FAR), FAR)
    inverse = exp(p.p_k * log1p(exp(-held)) + p.q_k * log1p(exp(held))) / p.tau_k
    inside = abs(z) < FAR
    slope = f0 * (1 - f0) if inside else 0.0
    change = (p.q_k * f0 - p.p_k * (1 - f0)) if inside else 0.0
    if p.rise == 0 and p.shift == 0:
        r = (f0 - f) * inverse
        return r, (slope * inverse + change * r) / V_m, -inverse
    T = tanh((f0 - f) / NEAR)
    by_x = 1 - T * T
    m = exp(-p.rise * T)
    zs = z - p.shift / V_m * T**3
    fs = logistic(zs)
    slope_s = fs * (1 - fs) if abs(zs) < FAR else 0.0
    r = m * (fs - f) * inverse
    r_x = -p.rise * by_x * r - m * inverse * slope_s * p.shift / V_m * 3 * T * T * by_x
    r_z = (m * inverse * slope_s if inside else 0.0) + change * r + r_x * slope / NEAR
    return r, r_z / V_m, -m * inverse - r_x / NEAR


@njit(cache=True)
def jacobian(p, g, x, voltage, extra, u, y):
    """Of the state y of `Memristor.simulate`; of a capacitance that grows, with its present value."""
    n, two = len(g), 2 if p.i_c0n > 0 else 0
    size = 3 + n + two + extra
    J = np.zeros((size, size))
    C = capacitance(p, u)
    G = leak(p, u)[1] + p.kappa * y[1] / p.V_T + g.sum() + (1 / p.R_s if voltage else 0.0)
    if two:
        G += p.kappa * y[3 + n] / p.V_Tn
        J[0, 3 + n] = (1 - p.kappa - p.kappa * u / p.V_Tn) / C
        J[3 + n, 3 + n], J[3 + n, 4 + n] = -1 / p.tau_d, p.i_c0n / p.tau_d
        _, by_u, J[4 + n, 4 + n] = _rate(p, p.V_Tn, p.V_mn, -u, y[4 + n])
        J[4 + n, 0] = -by_u
    J[0, 0], J[0, 1] = -G / C, -gate(p, u) / C
    J[1, 1], J[1, 2] = -1 / p.tau_d, p.i_c0 / p.tau_d
    _, J[2, 0], J[2, 2] = rate(p, u, y[2])
    for k in range(n):
        J[0, 3 + k], J[3 + k, 0], J[3 + k, 3 + k] = g[k] / C, x[k], -x[k]
    if voltage:  # of w = V - u
        J[0, 1:] *= -1
        J[1:, 0] *= -1
    if extra:  # w = V - u beside u
        J[0, -1] = 1 / (p.R_s * p.C)
        J[-1] = -J[0]
        J[-1, -1] -= 1 / (p.R_s * p.C_g)
    return J


@njit(cache=True)
def field(p, g, x, voltage, extra, drive, slope, y):
    """dy/dt, and u."""
    out = np.empty(len(y))
    u = drive - y[0] if voltage else y[0]
    I_j = y[0] / p.R_s if voltage else (y[-1] / p.R_s if extra else drive)
    branches = 0.0
    for k in range(len(g)):
        branches += g[k] * (u - y[3 + k])
        out[3 + k] = x[k] * (u - y[3 + k])
    if p.i_c0n > 0:
        n = 3 + len(g)
        branches -= y[n] * (1 - p.kappa - p.kappa * u / p.V_Tn)
        out[n] = (p.i_c0n * y[n + 1] - y[n]) / p.tau_d
        out[n + 1] = _rate(p, p.V_Tn, p.V_mn, -u, y[n + 1])[0]
    du = (I_j - leak(p, u)[0] - y[1] * gate(p, u) - branches) / capacitance(p, u)
    out[0] = slope - du if voltage else du
    out[1] = (p.i_c0 * y[2] - y[1]) / p.tau_d
    out[2] = rate(p, u, y[2])[0]
    if extra:
        out[-1] = (drive - I_j) / p.C_g - du
    return out, u


@dataclass(frozen=True, kw_only=True)
class Memristor:
    """A device; SI units. What is not named is as in the plain model."""

    R_b: float
    C_m: float
    i_c0: float
    V_T: float
    V_m: float
    tau_d: float
    tau_k: float
    R_s: float
    kappa: float = 0.0
    p_k: float = 1.0
    q_k: float = 0.0
    I_l: float = 0.0
    V_l: float = 1.0
    R_1: float = 0.0
    """Of an ionic branch, with C_1; 0 is none."""
    C_1: float = 0.0
    n: float = 1.0
    """Exponent of a constant phase element in the place of C_m."""
    C_g: float = 0.0
    """Across the terminals."""
    reverse: float = 1.0
    """The ohmic leak is R_b for u > 0 and R_b times this for u < 0."""
    rise: float = 0.0
    shift: float = 0.0
    I_ph: float = 0.0
    C_0: float = 0.0
    V_c: float = 1.0
    i_c0n: float = 0.0
    V_Tn: float = 1.0
    V_mn: float = 1.0
    ladder: tuple[float, float] = (1e-5, 1e9)
    """rad/s, range in which it is a power law."""

    @cached_property
    def plain(self):
        """(plain capacitance, conductances g_k, rates x_k)."""
        g, x = [], []
        C = self.C_m
        if self.n < 1:
            a = 1 - self.n
            rates = np.exp(np.arange(log(self.ladder[0]), log(self.ladder[1]), LADDER))
            weight = self.C_m * REFERENCE**a * sin(a * pi) / pi * LADDER
            g.extend(weight * rates**self.n)
            x.extend(rates)
            C = weight / LADDER * rates[-1] ** -a * exp(-a * LADDER / 2) / a
        if self.R_1 > 0:
            g.append(1 / self.R_1)
            x.append(1 / (self.R_1 * self.C_1))
        return C, np.array(g), np.array(x)

    @cached_property
    def constants(self):
        """For the compiled equations."""
        rest = {name: getattr(self, name) for name in Constants._fields if name != "C"}
        return Constants(C=self.plain[0], **{name: float(value) for name, value in rest.items()})

    def steady_current(self, u):
        """I_j at rest."""
        p = self.constants
        second = 0.0
        if p.i_c0n > 0:
            second = p.i_c0n * logistic((-u - p.V_Tn) / p.V_mn) * (1 - p.kappa - p.kappa * u / p.V_Tn)
        return leak(p, u)[0] + p.i_c0 * logistic((u - p.V_T) / p.V_m) * gate(p, u) - second

    def junction(self, V):
        """U at rest under the terminal voltage V."""
        reach = abs(V) + 0.5
        return brentq(
            lambda u: u + self.R_s * self.steady_current(u) - V, -reach, reach, xtol=1e-15, rtol=1e-15
        )

    def impedance(self, frequency, u):
        """Z at junction voltages u (one, or one a frequency)."""
        us = np.broadcast_to(u, np.shape(frequency))
        return np.array([self._impedance(2j * pi * w, float(v)) for w, v in zip(frequency, us, strict=True)])

    def _impedance(self, s, u):
        f = logistic((u - self.V_T) / self.V_m)
        C, g, x = self.plain
        G = leak(self.constants, u)[1] + self.kappa * self.i_c0 * f / self.V_T
        tau_f = -1 / rate(self.constants, u, f)[2]
        channel = self.i_c0 * f * (1 - f) / self.V_m * gate(self.constants, u)
        if self.i_c0n > 0:
            f_n = logistic((-u - self.V_Tn) / self.V_mn)
            G += self.kappa * self.i_c0n * f_n / self.V_Tn
            gain = self.i_c0n * f_n * (1 - f_n) / self.V_mn * (1 - self.kappa - self.kappa * u / self.V_Tn)
            tau_n = -1 / _rate(self.constants, self.V_Tn, self.V_mn, -u, f_n)[2]
            G += gain / ((1 + s * self.tau_d) * (1 + s * tau_n))
        C = C - self.plain[0] + capacitance(self.constants, u)
        Y = s * C + G + channel / ((1 + s * self.tau_d) * (1 + s * tau_f)) + np.sum(g * s / (s + x))
        return 1 / (s * self.C_g + 1 / (self.R_s + 1 / Y))

    def growth(self, u):
        """Largest real part of an eigenvalue in 1/s under current control, in the steady state at u."""
        times = np.linalg.eigvals(
            np.linalg.inv(self._jacobian_at_rest(u))
        )  # the fast ones, drowned in rounding, become the least
        return float(np.max((1 / times[abs(times) > 1e-12 * np.max(abs(times))]).real))

    def unstable(self, points=400):
        """(lowest, highest) junction voltage of a steady state that is not stable, or None."""
        us = np.linspace(self.V_T - 14 * self.V_m, self.V_T + 14 * self.V_m, points)
        found = us[[self.growth(u) > 0 for u in us]]
        return (float(found[0]), float(found[-1])) if len(found) else None

    def oscillates(self, points=2000):
        """Whether a pair of eigenvalues is unstable in a steady state under current control."""
        reach = max(self.V_T + 14 * self.V_m, self.V_Tn + 14 * self.V_mn if self.i_c0n > 0 else 0.0)
        for u in np.linspace(-reach, reach, points):
            times = np.linalg.eigvals(np.linalg.inv(self._jacobian_at_rest(u)))
            slow = times[abs(times) > 1e-12 * np.max(abs(times))]
            if np.any((slow.real > 0) & (abs(slow.imag) > 1e-6 * abs(slow.real))):
                return True
        return False

    def _jacobian_at_rest(self, u):
        """Under current control."""
        extra = self.C_g > 0
        return jacobian(self.constants, *self.plain[1:], False, extra, u, self._rest(u, False, extra))

    def course(self, control, knots, time):
        """As `simulate`, with tolerances tightened until two agree within a twentieth of a standard error.

        One alone is not enough: long steps take the interpolation between them off.
        """
        previous = self.simulate(control, knots, time, 1e-8)
        for rtol in (1e-9, 1e-10, 1e-11, 1e-12):
            now = self.simulate(control, knots, time, rtol)
            size = np.max(np.abs(now))
            close = np.hypot(1e-2 * now, 2e-5 * size) if control == "voltage" else 3e-3 * np.ptp(now)
            apart = float(np.linalg.norm((now - previous) / close))
            if apart < 0.05:
                return now
            previous = now
        if not apart < 1:  # one sample at the kink of a rectifying leak may stay off by less than that
            raise RuntimeError("no two tolerances agree")
        return now

    def simulate(self, control, knots, time, rtol=1e-8, method=None):
        """The measured quantity at `time`.

        Parameters
        ----------
        control : "voltage" (a sweep without jumps) or "current"
        knots : times and values of the drive, linear in between; a repeated time is a jump
        time : (n,) array, s
        method : "scipy" for its Radau instead of the compiled one

        Returns
        -------
        (n,) array, A under voltage control, V under current control
        """
        voltage = control == "voltage"
        extra = self.C_g > 0 and not voltage
        span = max(abs(value) for _, value in knots)
        current = max(abs(self.steady_current(span)), 1e-15) if voltage else span
        y = self._start(knots[0][1], voltage, extra)
        atol = np.full(len(y), 0.1 * rtol)
        atol[1], atol[2] = 0.1 * rtol * self.i_c0, 0.01 * rtol
        atol[0 if voltage else -1] = 0.1 * rtol * self.R_s * current if voltage or extra else atol[-1]
        integrate = _by_scipy if method == "scipy" else radau
        out = np.full(len(time), np.nan)
        for (t0, a), (t1, b) in pairwise(knots):
            if t1 == t0:
                continue
            slope = (b - a) / (t1 - t0)
            here = (time >= t0) & ((time <= t1) if t1 == knots[-1][0] else (time < t1))
            t = np.ascontiguousarray(time[here] - t0)
            equations = (self.constants, *self.plain[1:], voltage, extra)
            states, y = integrate(equations, y, a, slope, t1 - t0, t, rtol, atol)
            if voltage:
                out[here] = states[:, 0] / self.R_s + self.C_g * slope
            else:
                out[here] = states[:, 0] + (states[:, -1] if extra else self.R_s * (a + slope * t))
        return out

    def _start(self, first, voltage, extra):
        """The steady state of the first value of the drive."""
        reach = 10 + abs(first) * self.R_b
        u = (
            self.junction(first)
            if voltage
            else brentq(lambda v: self.steady_current(v) - first, -reach, reach, xtol=1e-15)
        )
        return self._rest(u, voltage, extra)

    def _rest(self, u, voltage, extra):
        """The state in equilibrium at u."""
        w, f = self.R_s * self.steady_current(u), logistic((u - self.V_T) / self.V_m)
        y = [w if voltage else u, self.i_c0 * f, f, *np.full(len(self.plain[1]), u)]
        if self.i_c0n > 0:
            f_n = logistic((-u - self.V_Tn) / self.V_mn)
            y += [self.i_c0n * f_n, f_n]
        return np.array([*y, w] if extra else y)


ROOT = 6**0.5
C_RADAU = np.array([(4 - ROOT) / 10, (4 + ROOT) / 10, 1.0])
A_RADAU = np.array(
    [
        [(88 - 7 * ROOT) / 360, (296 - 169 * ROOT) / 1800, (-2 + 3 * ROOT) / 225],
        [(296 + 169 * ROOT) / 1800, (88 + 7 * ROOT) / 360, (-2 - 3 * ROOT) / 225],
        [(16 - ROOT) / 36, (16 + ROOT) / 36, 1 / 9],
    ]
)
E_RADAU = np.array([-13 - 7 * ROOT, -13 + 7 * ROOT, -1]) / 3
"""Of the error estimate, with the real eigenvalue of the inverse of A."""
MU_RADAU = 3 + 3 ** (2 / 3) - 3 ** (1 / 3)


@njit(cache=True)
def _stages(equations, y, a, slope, t, h, scale):
    """Increments at the stages of a step by Newton's method with exact Jacobians; whether it converged."""
    p, g, x, voltage, extra = equations
    n = len(y)
    Z = np.zeros((3, n))
    M, r = np.empty((3 * n, 3 * n)), np.empty(3 * n)
    F = np.empty((3, n))
    for _ in range(12):
        for j in range(3):
            state = y + Z[j]
            F[j], u = field(p, g, x, voltage, extra, a + slope * (t + C_RADAU[j] * h), slope, state)
            J = jacobian(p, g, x, voltage, extra, u, state)
            for i in range(3):
                M[i * n : (i + 1) * n, j * n : (j + 1) * n] = -h * A_RADAU[i, j] * J
        for i in range(3):
            r[i * n : (i + 1) * n] = -Z[i]
            for j in range(3):
                r[i * n : (i + 1) * n] += h * A_RADAU[i, j] * F[j]
        for k in range(3 * n):
            M[k, k] += 1
        change = np.linalg.solve(M, r).reshape(3, n)
        Z += change
        largest = np.max(np.abs(change / scale))
        if not np.isfinite(largest):
            return Z, False
        if largest < 1e-3:
            return Z, True
    return Z, False


@njit(cache=True)
def radau(equations, y, a, slope, T, times, rtol, atol):
    """Radau IIA of three stages (Hairer & Wanner II, IV.8) from 0 to T; states at `times` and at the end."""
    p, g, x, voltage, extra = equations
    n, t, h, done = len(y), 0.0, 1e-8 * T, 0
    out = np.empty((len(times), n))
    while done < len(times) and times[done] <= 0:
        out[done] = y
        done += 1
    while t < T:
        h = min(h, T - t)
        scale = atol + rtol * np.abs(y)
        Z, good = _stages(equations, y, a, slope, t, h, scale)
        error = 0.0
        if good:
            f, u = field(p, g, x, voltage, extra, a + slope * t, slope, y)
            M = -jacobian(p, g, x, voltage, extra, u, y)
            for k in range(n):
                M[k, k] += MU_RADAU / h
            weighted = (E_RADAU[0] * Z[0] + E_RADAU[1] * Z[1] + E_RADAU[2] * Z[2]) / h
            scale = atol + rtol * np.maximum(np.abs(y), np.abs(y + Z[2]))
            estimate = np.linalg.solve(M, f + weighted)
            error = np.sqrt(np.mean((estimate / scale) ** 2))
            if error > 1:
                f, u = field(p, g, x, voltage, extra, a + slope * t, slope, y + estimate)
                error = np.sqrt(np.mean((np.linalg.solve(M, f + weighted) / scale) ** 2))
        if not good or error > 1:
            h *= 0.3 if not good else max(0.2, 0.9 * error**-0.25)
            if h < 1e-16 * T:
                break
            continue
        end = T if t + h >= T * (1 - 1e-15) else t + h
        while done < len(times) and times[done] <= end:
            s = (times[done] - t) / h
            c1, c2 = C_RADAU[0], C_RADAU[1]
            l1 = s * (s - c2) * (s - 1) / (c1 * (c1 - c2) * (c1 - 1))
            l2 = s * (s - c1) * (s - 1) / (c2 * (c2 - c1) * (c2 - 1))
            l3 = s * (s - c1) * (s - c2) / ((1 - c1) * (1 - c2))
            out[done] = y + l1 * Z[0] + l2 * Z[1] + l3 * Z[2]
            done += 1
        y = y + Z[2]
        t = end
        h *= min(6.0, 0.9 * max(error, 1e-8) ** -0.25)
    out[done:] = np.nan
    return out, y


def _by_scipy(equations, y, a, slope, T, times, rtol, atol):
    """As `radau`."""

    def fun(t, y):
        return field(*equations, a + slope * t, slope, y)[0]

    def jac(t, y):
        u = a + slope * t - y[0] if equations[3] else y[0]
        return jacobian(*equations, u, y)

    every = np.unique(np.append(times, T))
    found = solve_ivp(fun, (0, T), y, "Radau", every, jac=jac, rtol=rtol, atol=atol, first_step=1e-8 * T)
    return found.y[:, : len(times)].T, found.y[:, -1]
