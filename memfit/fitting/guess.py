"""First values from the data alone, each with its reason.

The steady state gives V_T, V_m, R_b and i_c0; the spectra, or else the records in time, give the rest.
Pulses alone show too little of the steady state for that.
"""

from collections.abc import Mapping, Sequence

from memfit.datasets.records import ImpedanceSpectrum, PulseTransient, Record
from memfit.fitting.candidates import Candidate, distinct
from memfit.fitting.guess_pulses import candidates_from_pulses
from memfit.fitting.guess_spectra import candidates_from_spectra
from memfit.fitting.guess_steady import (
    SteadyCurve,
    rough_curve,
    series_resistances,
    steady_curves,
    steady_rows,
)
from memfit.fitting.guess_time import candidates_from_time


def guess(records: Sequence[Record], fix: Mapping[str, float], count: int = 12) -> list[Candidate]:
    """Distinct first values for a joint fit, the most promising first.

    Parameters
    ----------
    records : sequence of Record
    fix : mapping
        Parameters that are known (SI).
    count : int
        How many candidates at most.
    """
    if all(isinstance(r, PulseTransient) for r in records) and (
        drawn := candidates_from_pulses(records, fix)
    ):
        return drawn[:count]
    spectra = [r for r in records if isinstance(r, ImpedanceSpectrum)]
    steady = [
        (curve, fix.get("R_s", series.value), series.reason)
        for series in series_resistances(records)
        for curve in _fixed_curves(_curves(records, fix.get("R_s", series.value)), fix)
    ]
    found = (
        [candidates_from_spectra(spectra, curve, R_s, fix) for curve, R_s, _ in steady]
        if spectra
        else candidates_from_time(records, [(curve, R_s) for curve, R_s, _ in steady], fix)
    )
    candidates = [
        Candidate({**c.values, **fix}, c.misfit, {**c.reasons, "R_s": reason, **dict.fromkeys(fix, "fixed")})
        for (_, _, reason), some in zip(steady, found, strict=True)
        for c in some
    ]
    candidates.sort(key=lambda c: c.misfit)
    return distinct(candidates, count)


def _curves(records: Sequence[Record], R_s: float) -> Sequence[SteadyCurve]:
    """Steady curves that the records show, or a rough one."""
    return steady_curves(steady_rows(records, R_s)) or [rough_curve(records)]


def _fixed_curves(curves: Sequence[SteadyCurve], fix: Mapping[str, float]) -> list[SteadyCurve]:
    """The same curves with known values put in."""
    return [
        SteadyCurve(
            fix.get("V_T", c.V_T),
            fix.get("V_m", c.V_m),
            fix.get("R_b", c.R_b),
            fix.get("i_c0", c.i_c0),
            c.misfit,
            c.source,
        )
        for c in curves
    ]
