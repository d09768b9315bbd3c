"""What a report is made from: the records by kind, and the fitted model's curves, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass

from memfit.fitting.bands import with_bands
from memfit.fitting.result import FitResult, FittedRecord
from memfit.model.parameters import Parameters
from memfit.reporting.curves import (
    StabilityCurves,
    VoltageCurves,
    parameters_of,
    stability_curves,
    voltage_curves,
    voltage_range,
)
from memfit.reporting.figures.spectra import Spectrum, spectra_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """What the sections are made from."""

    result: FitResult
    spectra: tuple[Spectrum, ...]
    """In order of bias."""
    sweeps: tuple[FittedRecord, ...]
    transients: tuple[FittedRecord, ...]
    parameters: Parameters | None
    """None where the data do not determine them all."""
    steady: VoltageCurves | None
    stability: StabilityCurves | None


def gather(result: FitResult, fitted: Sequence[FittedRecord]) -> Material:
    """Sort the records by kind and compute the model's curves."""
    fitted = with_bands(result, fitted)
    by_kind = {
        kind: tuple(item for item in fitted if item.record.kind == kind)
        for kind in ("impedance", "iv", "transient")
    }
    p = parameters_of(result)
    bounds = voltage_range(p, [item.record for item in fitted]) if p else None
    return Material(
        result=result,
        spectra=spectra_of(by_kind["impedance"], p),
        sweeps=by_kind["iv"],
        transients=by_kind["transient"],
        parameters=p,
        steady=voltage_curves(p, bounds) if p and bounds else None,
        stability=stability_curves(p, bounds) if p and bounds else None,
    )
