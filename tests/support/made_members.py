"""Devices with one part more than the plainest, by small-signal and steady equations written here."""

import numpy as np

from memfit.datasets import Device, ImpedanceSpectrum, IVSweep

PLAIN = {
    "R_b": 5e4,
    "C_m": 2e-7,
    "i_c0": 2e-5,
    "V_T": 0.6,
    "V_m": 0.07,
    "tau_d": 0.03,
    "tau_k": 0.02,
}
FREQUENCY = np.geomspace(0.1, 1e5, 40)
BIASES = (0.1, 0.3, 0.45, 0.55, 0.6, 0.65, 0.75, 0.9)


def impedance(u, *, kappa=0.0, R_1=np.inf, C_1=0.0, C_0=0.0, V_c=1.0, I_l=0.0, V_l=1.0, p_k=1.0, q_k=0.0):
    """Z (ohm) across the junction about u, by the small-signal equations."""
    p = PLAIN
    s = 2j * np.pi * FREQUENCY
    f = 1.0 / (1.0 + np.exp(-(u - p["V_T"]) / p["V_m"]))
    slope = f * (1.0 - f) / p["V_m"]
    tau_f = p["tau_k"] * f**p_k * (1.0 - f) ** q_k
    gate = 1.0 - kappa + kappa * u / p["V_T"]
    Y = s * (p["C_m"] + C_0 * np.exp(u / V_c)) + 1.0 / p["R_b"] + I_l / V_l * np.cosh(u / V_l)
    Y = Y + p["i_c0"] * slope * gate / ((1.0 + s * p["tau_d"]) * (1.0 + s * tau_f))
    Y = Y + kappa * p["i_c0"] * f / p["V_T"]
    if np.isfinite(R_1):
        Y = Y + s * C_1 / (1.0 + s * R_1 * C_1)
    return 1.0 / Y


def device(seed=3, noise=0.01, **part):
    """Spectra at eight biases, and a steady curve, with noise."""
    rng = np.random.default_rng(seed)
    records = []
    for u in BIASES:
        Z = impedance(u, **part)
        both = rng.standard_normal((2, Z.size)) * noise * np.abs(Z)
        records.append(
            ImpedanceSpectrum(
                name=f"eis_{u}.csv", frequency=FREQUENCY, impedance=Z + both[0] + 1j * both[1], bias_voltage=u
            )
        )
    u, p = np.linspace(0.0, 0.9, 61), PLAIN
    f = 1.0 / (1.0 + np.exp(-(u - p["V_T"]) / p["V_m"]))
    kappa = part.get("kappa", 0.0)
    current = u / p["R_b"] + p["i_c0"] * f * (1.0 - kappa + kappa * u / p["V_T"])
    current += part.get("I_l", 0.0) * np.sinh(u / part.get("V_l", 1.0))
    current *= 1.0 + noise * rng.standard_normal(u.size)
    records.append(IVSweep(name="steady.csv", voltage=u, current=current))
    return Device(name="made", records=tuple(records))


PARTS = {
    "branch": {"R_1": 1.5e4, "C_1": 2e-6},
    "conductance": {"kappa": 0.8},
    "capacitance": {"C_0": 1e-8, "V_c": 0.25},
    "leak": {"I_l": 5e-7, "V_l": 0.2},
    "activation_time": {"p_k": 0.5, "q_k": 0.5},
}
