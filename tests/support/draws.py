"""Random devices over the ranges of the design (SI), each with a drive that keeps voltages within volts."""

import numpy as np

from memfit.model import Parameters
from memfit.protocols import Drive, pulse

SAMPLES = 400


def log_uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def random_device(rng):
    """R_b i_c0 of 0.05 to 20 V, everything else anywhere; one in seven is 2D, half have no R_s."""
    R_b = log_uniform(rng, 1e2, 1e8)
    return Parameters(
        R_b=R_b,
        C_m=log_uniform(rng, 1e-9, 1e-2),
        i_c0=float(np.clip(log_uniform(rng, 0.05, 20.0) / R_b, 1e-9, 1e-1)),
        V_T=rng.uniform(0.02, 3.0),
        V_m=log_uniform(rng, 0.015, 0.4),
        tau_d=log_uniform(rng, 1e-6, 1e3),
        tau_k=0.0 if rng.random() < 1 / 7 else log_uniform(rng, 1e-6, 1e3),
        R_s=0.0 if rng.random() < 0.5 else log_uniform(rng, 1e-2, 1e3),
    )


def random_drive(rng, p):
    """A current pulse, voltage pulse or voltage loop around V_T, 0.1 to 10 slow time constants long."""
    length = max(p.tau_d, p.tau_k) * log_uniform(rng, 0.1, 10.0)
    u = float(np.clip(p.V_T + rng.uniform(-4.0, 4.0) * p.V_m, 0.1, 5.0))
    kind = rng.integers(3)
    if kind == 0:
        current = min(u / p.R_b + p.i_c0 / (1.0 + np.exp(-(u - p.V_T) / p.V_m)), 5.0 / p.R_b)
        drive = pulse("current", current, on=0.1 * length, off=0.6 * length, end=length)
    elif kind == 1:
        drive = pulse("voltage", u, on=0.1 * length, off=0.6 * length, end=length)
    else:
        drive = Drive("voltage", np.array([0.0, 0.25, 0.75, 1.0]) * length, [0.0, u, -u, 0.0])
    return drive, np.linspace(0.0, length, SAMPLES)
