"""Are there devices whose oscillation is born with a jump? A scan of the typical SI ranges.

    python benchmarks/subcritical_scan.py > benchmarks/subcritical_scan.md

A million devices, flat in the logarithms of R_b 1e2..1e8 ohm, C_m 1e-9..1e-2 F, i_c0 1e-9..1e-1 A,
V_m 0.015..0.4 V, tau_d and tau_k 1e-6..1e3 s, under current control. The criticality is the sign of the first
Lyapunov coefficient in closed form; G = R_b i_c0/V_m.
"""

from itertools import pairwise

import numpy as np

from memfit.analysis.stability.hopf import first_lyapunov_coefficient
from memfit.model import LOOP_NAMES, Loop, hopf_biases, least_log_gain_margin

DEVICES = 1_000_000
EDGES = [32, 100, 300, 1e3, 3e3, 1e4, 1e5, 1e7, np.inf]


def main():
    """The table."""
    rng = np.random.default_rng(2022)
    low = np.log([1e2, 1e-9, 1e-9, 0.015, 1e-6, 1e-6])
    high = np.log([1e8, 1e-2, 1e-1, 0.4, 1e3, 1e3])
    R_b, C_m, i_c0, V_m, tau_d, tau_k = np.exp(rng.uniform(low, high, (DEVICES, 6))).T
    loop = Loop(R_b * i_c0 / V_m, R_b * C_m, tau_d, tau_k)
    oscillates = least_log_gain_margin(loop) < 0.0
    loop = Loop(*(getattr(loop, name)[oscillates] for name in LOOP_NAMES))
    lower, upper = (first_lyapunov_coefficient(loop, x) > 0.0 for x in hopf_biases(loop))
    print("# Subcritical Hopf points in the typical ranges\n")
    print(f"Made by `python benchmarks/subcritical_scan.py` (seed 2022, {DEVICES} devices).\n")
    print(f"{oscillates.sum()} devices ({100 * oscillates.mean():.1f} %) oscillate under current control.")
    print(f"Subcritical at the lower Hopf point: {lower.sum()}; at the upper: {upper.sum()}.")
    if lower.any():
        print(f"Smallest G of a subcritical one: {loop.gain[lower].min():.0f}.")
    print("\n| G | oscillate | subcritical at the lower Hopf point |")
    print("|---|---|---|")
    for first, last in pairwise(EDGES):
        inside = (loop.gain >= first) & (loop.gain < last)
        share = 100 * lower[inside].mean() if inside.any() else 0.0
        print(f"| {first:g} to {last:g} | {inside.sum()} | {share:.1f} % |")


if __name__ == "__main__":
    main()
