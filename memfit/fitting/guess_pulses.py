"""First values where all that is known of the steady state is a few plateaus of pulses: everything is drawn.

A few plateaus, perhaps of an oscillation, leave V_T, V_m, R_b and i_c0 open; whoever solves for them gets
values of any size. So the steady state is drawn together with the times, on the scale that the largest
plateau sets: R_b is not below the largest ratio of voltage to current, for the channel only adds to the
current, and i_c0 is what the largest current leaves to the channel.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import expit

from memfit.arrays import FloatArray
from memfit.datasets.records import PulseTransient, Record
from memfit.fitting.candidates import Candidate, distinct
from memfit.fitting.guess_steady import SteadyRows, plateaus
from memfit.fitting.guess_time import scan_of

_TRIALS = 2048
_KEPT = 8
_R_B = (0.7, 30.0)
"""Of the largest ratio of voltage to current."""
_V_M = (0.02, 0.3)
"""Of the largest voltage."""
_ABOVE = (-4.0, 4.0)
"""Units of V_m that the largest voltage lies above V_T."""
_LEAST_SHARE = 0.05
"""Of the largest current that is left to the channel at least."""
_REASON = "drawn on the scale of the plateaus, and simulated"


def candidates_from_pulses(records: Sequence[Record], fix: Mapping[str, float]) -> list[Candidate]:
    """Candidates from transients alone, the most promising first.

    Parameters
    ----------
    records : sequence of Record
    fix : mapping
        Parameters that are known (SI).
    """
    timed = [r for r in records if isinstance(r, PulseTransient)]
    ends = plateaus(records, fix.get("R_s", 0.0))
    if ends is None or not np.any(ends.u * ends.value > 0):
        return []
    scan, drawn = scan_of(timed, _TRIALS, 3)
    found = []
    for times, share in zip(scan.times, drawn, strict=True):
        values = {**_steady_state(ends, share), **fix}
        tau_m, tau_d, tau_k = (float(t) for t in times)
        values = {"C_m": tau_m / values["R_b"], "tau_d": tau_d, "tau_k": tau_k, **values}
        misfit = scan.misfit(values)
        if np.isfinite(misfit):
            found.append(Candidate(values, misfit, dict.fromkeys(values, _REASON)))
    return distinct(sorted(found, key=lambda c: c.misfit), _KEPT)


def _steady_state(ends: SteadyRows, share: FloatArray) -> dict[str, float]:
    """V_T, V_m, R_b and i_c0 for three numbers between 0 and 1."""
    k = int(np.argmax(np.abs(ends.value)))
    u, current = abs(float(ends.u[k])), abs(float(ends.value[k]))
    ratio = float(np.max(np.abs(ends.u / ends.value)))
    R_b = ratio * _between(_R_B, share[0])
    V_m = u * _between(_V_M, share[1])
    above = _ABOVE[0] + (_ABOVE[1] - _ABOVE[0]) * float(share[2])
    left = max(current - u / R_b, _LEAST_SHARE * current)
    return {
        "R_b": R_b,
        "i_c0": left / float(expit(above)),
        "V_T": u - above * V_m,
        "V_m": V_m,
        "R_s": 0.0,
    }


def _between(ends: tuple[float, float], share: float) -> float:
    """A share of the way between two ends, in the logarithm."""
    low, high = ends
    return float(low * (high / low) ** share)
