"""First values from the data alone, each with its reason.

The steady state gives V_T, V_m, R_b and i_c0; the spectra, or else the records in time, give the rest.
"""

from collections.abc import Mapping, Sequence

from memfit.datasets.records import ImpedanceSpectrum, Record
from memfit.fitting.candidates import Candidate, distinct
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
    spectra = [r for r in records if isinstance(r, ImpedanceSpectrum)]
    candidates: list[Candidate] = []
    for series in series_resistances(records):
        R_s = fix.get("R_s", series.value)
        curves = steady_curves(steady_rows(records, R_s)) or [rough_curve(records)]
        for curve in _fixed_curves(curves, fix):
            found = (
                candidates_from_spectra(spectra, curve, R_s, fix)
                if spectra
                else candidates_from_time(records, curve, R_s, fix)
            )
            reasons = {"R_s": series.reason, **dict.fromkeys(fix, "fixed")}
            candidates += [Candidate({**c.values, **fix}, c.misfit, {**c.reasons, **reasons}) for c in found]
    candidates.sort(key=lambda c: c.misfit)
    return distinct(candidates, count)


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
