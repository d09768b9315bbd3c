"""Is the probability of oscillation calibrated? 1000 synthetic devices near the boundary.

    python benchmarks/oscillation_probability.py > benchmarks/oscillation_probability.md

A device is drawn from a wide, flat distribution of log parameters (typical SI ranges), a covariance with
random axes and errors of 2-30 % is made for it, and its estimate is the truth plus a normal error of that
covariance. Kept are devices whose estimated gain margin lies within three standard errors of 1. What is given
as probability is compared with how many of the true devices oscillate.
"""

import sys

import numpy as np
from scipy.stats import beta

from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.sampling import draw, probability_of_oscillation
from memfit.fitting.results.propagation import uncertainty_of
from memfit.model import (
    NAMES,
    Loop,
    Parameters,
    least_log_gain_margin,
    least_log_gain_margin_derivatives,
)

FITTED = ("R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k")
LOW = np.log([1e2, 1e-9, 1e-9, 0.015, 1e-6, 1e-6])
HIGH = np.log([1e8, 1e-2, 1e-1, 0.4, 1e3, 1e3])
DEVICES = 1000
CIRCUIT = Circuit()


def device(logs):
    """Parameters from the logarithms of the fitted ones."""
    return Parameters(V_T=1.0, **dict(zip(FITTED, np.exp(logs).tolist(), strict=True)))


def margin(p):
    """Smallest log gain margin."""
    return float(least_log_gain_margin(Loop.of(p)))


def trial(rng):
    """Given probability and whether the true device oscillates; None far from the boundary."""
    truth = rng.uniform(LOW, HIGH)
    root = rng.standard_normal((6, 6)) * np.exp(rng.uniform(np.log(0.02), np.log(0.3))) / np.sqrt(6.0)
    covariance = root @ root.T
    estimate = device(truth + root @ rng.standard_normal(6))
    slopes = least_log_gain_margin_derivatives(estimate)
    by_log = np.array([slopes[NAMES.index(name)] * getattr(estimate, name) for name in FITTED])
    if abs(margin(estimate)) > 3.0 * np.sqrt(by_log @ covariance @ by_log):
        return None
    uncertainty = uncertainty_of(estimate, covariance, FITTED, FITTED)
    sample = draw(estimate, CIRCUIT, uncertainty, seed=0)
    return probability_of_oscillation(estimate, CIRCUIT, uncertainty, sample), margin(device(truth)) < 0.0


def main():
    """The table of deciles."""
    rng = np.random.default_rng(2022)
    found = []
    while len(found) < DEVICES:
        one = trial(rng)
        if one is not None:
            found.append(one)
            if len(found) % 100 == 0:
                print(f"{len(found)} devices", file=sys.stderr)
    given, oscillates = np.array(found).T
    print("# Probability of oscillation, 1000 synthetic devices near the boundary\n")
    print(
        "Made by `python benchmarks/oscillation_probability.py` (seed 2022); "
        "95 % limits are Clopper-Pearson.\n"
    )
    print("| given | devices | mean given | oscillate | 95 % limits |")
    print("|---|---|---|---|---|")
    for low in np.arange(10) / 10.0:
        inside = (given >= low) & ((given < low + 0.1) | (low == 0.9))
        n, k = int(inside.sum()), int(oscillates[inside].sum())
        limits = beta.ppf(0.025, k, n - k + 1) if k else 0.0, beta.ppf(0.975, k + 1, n - k) if k < n else 1.0
        print(
            f"| {100 * low:.0f}-{100 * low + 10:.0f} % | {n} | {100 * given[inside].mean():.1f} % "
            f"| {100 * k / n:.1f} % | {100 * limits[0]:.0f}-{100 * limits[1]:.0f} % |"
        )
    print(f"\nMean given {100 * given.mean():.1f} %, oscillate {100 * oscillates.mean():.1f} %; ", end="")
    score, ideal = np.mean((given - oscillates) ** 2), np.mean(given * (1 - given))
    print(f"Brier score {score:.3f}, of a calibrated forecast {ideal:.3f}.")


if __name__ == "__main__":
    main()
