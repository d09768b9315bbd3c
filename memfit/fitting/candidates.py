"""Sets of first values, and when two of them are worth trying both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_DISTINCT = 0.9
"""Least distance, in the logarithm, between two candidates worth polishing."""


@dataclass(frozen=True)
class Candidate:
    """One set of first values."""

    values: Mapping[str, float]
    misfit: float
    """Of the scan that found it; smaller is better, comparable within one scan only."""
    reasons: Mapping[str, str]


def distinct(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """The first candidates that differ from each other by more than the fit would repair by itself."""
    chosen: list[Candidate] = []
    for candidate in candidates:
        if all(_separation(candidate.values, other.values) > _DISTINCT for other in chosen):
            chosen.append(candidate)
        if len(chosen) == count:
            break
    return chosen


def swapped(values: Mapping[str, float]) -> dict[str, float]:
    """The same device with the two time constants exchanged, as one spectrum cannot tell apart.

    At half activation, where most spectra are informative, tau_d and f tau_k change places.
    """
    return {**values, "tau_d": 0.5 * values["tau_k"], "tau_k": 2.0 * values["tau_d"]}


def _separation(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """Distance between two sets of first values: logarithms, and V_T in units of V_m."""
    names = ("R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k")
    logs = sum(abs(np.log(max(a[n], 1e-30) / max(b[n], 1e-30))) for n in names)
    return float(logs + abs(a["V_T"] - b["V_T"]) / max(a["V_m"], b["V_m"]))
