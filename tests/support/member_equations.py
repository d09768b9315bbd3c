"""Devices with parts that oscillate, and their equations in time, written once more from docs/physics.md.

Of memfit only the rungs of the ladder that stands for dispersion are taken: it defines the device in time.
"""

import numpy as np

from memfit.analysis.cycles import orbits_of
from memfit.analysis.stability import Circuit
from memfit.model import Parameters
from memfit.model.parts import terms_in_time

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
CURRENT, LOADED = Circuit(), Circuit(control="voltage", load=5e5, external_capacitance=2e-8)
MEMBERS = {
    "leak": ({"I_l": 1e-9, "V_l": 0.1}, CURRENT),
    "photocurrent": ({"I_ph": 1e-6}, LOADED),
    "capacitance": ({"C_0": 1e-9, "V_c": 0.3}, LOADED),
    "conductance": ({"kappa": 0.1}, CURRENT),
    "activation time": ({"p_k": 0.5, "q_k": 0.5}, CURRENT),
    "branch": ({"R_1": 3e5, "C_1": 1e-7}, CURRENT),
    "second polarity": ({"i_c0n": 0.8e-4, "V_Tn": 0.6, "V_mn": 0.05}, CURRENT),
    "dispersion": ({"n": 0.97}, LOADED),
    "drift": ({"d_i": 1e-3, "I_ph": 1e-7}, CURRENT),
    "several": (
        {"R_1": 1e6, "C_1": 5e-8, "kappa": 0.03, "p_k": 0.8, "q_k": 0.2, "C_0": 1e-10, "V_c": 0.2},
        CURRENT,
    ),
}


def ladder(p, circuit):
    """(r,) conductances and rates of the rungs of the constant phase element, and what is left of C_m."""
    if p.n == 1.0:
        return np.empty(0), np.empty(0), p.C_m
    terms = terms_in_time(p.replace(R_1=np.inf, C_1=0.0), orbits_of(p, circuit).band)
    rungs = [own for where, own in terms.lags if where < 0]
    return (
        np.array([-o[2].value for o in rungs]),
        np.array([1 / o[0].value for o in rungs]),
        (terms.capacitance.value),
    )


class Equations:
    """The device in its circuit: states u, i_c, f, then v, rungs, i_cn, f_n where there are any."""

    def __init__(self, p, circuit, source):
        self.p, self.circuit, self.source = p, circuit, source
        self.g, self.rates, self.C = ladder(p, circuit)
        if np.isfinite(p.R_1):
            self.g = np.append(1 / p.R_1, self.g)
            self.rates = np.append(1 / (p.R_1 * p.C_1), self.rates)
        self.two = p.i_c0n > 0

    def activation(self, u, f, V_T, V_m):
        z = (u - V_T) / V_m
        f0 = 1 / (1 + np.exp(-np.clip(z, -600, 600)))
        held = np.clip(z, -36, 36)
        rate = np.exp(self.p.p_k * np.log1p(np.exp(-held)) + self.p.q_k * np.log1p(np.exp(held)))
        return (f0 - f) * rate / self.p.tau_k

    def __call__(self, _, y):
        p, n = self.p, self.g.size
        u, i_c, f = y[:3]
        leaving = u / p.R_b + p.I_l * np.sinh(u / p.V_l) if p.I_l else u / p.R_b
        leaving = leaving - p.I_ph + i_c * (1 - p.kappa + p.kappa * u / p.V_T) + self.g @ (u - y[3 : 3 + n])
        C = self.C + self.circuit.external_capacitance + (p.C_0 * np.exp(u / p.V_c) if p.C_0 else 0.0)
        result = np.zeros_like(y)
        if self.two:
            leaving -= y[-2] * (1 - p.kappa - p.kappa * u / p.V_Tn)
            result[-2] = (p.i_c0n * y[-1] - y[-2]) / p.tau_d
            result[-1] = self.activation(-u, y[-1], p.V_Tn, p.V_mn)
        supplied = self.source
        if self.circuit.control == "voltage":
            supplied = (self.source - u) / (p.R_s + self.circuit.load)
        result[0] = (supplied - leaving) / C
        result[1] = (p.i_c0 * f - i_c) / p.tau_d
        result[2] = self.activation(u, f, p.V_T, p.V_m)
        result[3 : 3 + n] = self.rates * (u - y[3 : 3 + n])
        return result

    def at_rest(self, u):
        """The steady state at a junction voltage."""
        p = self.p
        f, second = 1 / (1 + np.exp(-(u - p.V_T) / p.V_m)), []
        if self.two:
            f_n = 1 / (1 + np.exp((u + p.V_Tn) / p.V_mn))
            second = [p.i_c0n * f_n, f_n]
        return np.array([u, p.i_c0 * f, f, *[u] * self.g.size, *second])

    def jacobian(self, u):
        """At a steady state, by complex steps."""
        start = self.at_rest(u).astype(complex)
        return np.array([self(0.0, start + 1e-30j * e).imag / 1e-30 for e in np.eye(start.size)]).T
