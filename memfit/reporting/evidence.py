"""What the data say about oscillation by themselves, beside the model: spectra and pulses.

Spectra by the winding of the admittance (`memfit.analysis.measured`), pulses by the period and the extremes
of what oscillates while the drive stands still (`memfit.analysis.oscillation`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from memfit.analysis.circuit import Circuit
from memfit.analysis.cycles import BifurcationDiagram, LimitCycle, bifurcation_diagram
from memfit.analysis.measured import MeasuredStability, check_spectrum, disagreement
from memfit.analysis.operating import operating_points_at
from memfit.analysis.oscillation import MeasuredOscillation, find_oscillation
from memfit.arrays import BoolArray, FloatArray
from memfit.datasets.records import ImpedanceSpectrum, PulseTransient
from memfit.errors import InputError
from memfit.model.boundary import Loop
from memfit.model.parameters import Parameters
from memfit.model.steady import junction_voltage
from memfit.model.transient import simulate
from memfit.reporting.dynamics import stable_cycle

_CURRENT = Circuit(control="current")
_MOST_REPLICAS, _LEAST_REPLICAS, _ALL_REPLICAS = 100, 40, 1000
_FEWEST_POINTS = 16
_SMALLEST_CHANGE = 1e-9  # of the drive's span: less is a constant source


@dataclass(frozen=True, kw_only=True, eq=False)
class SpectrumEvidence:
    """A measured spectrum beside the model, both under current control at its bias."""

    record: str
    bias: float
    """V, or A where only the current is known."""
    bias_unit: str
    found: MeasuredStability
    model_unstable: bool
    model_gain_margin: float | None
    """None for a model of two lags."""
    warning: str | None
    """Where the two disagree."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PulseEvidence:
    """An oscillation in a trace beside the limit cycle predicted."""

    record: str
    source: float
    control: str
    found: MeasuredOscillation
    predicted: LimitCycle | None
    """The stable limit cycle at this source; None where the model has none."""
    modelled: MeasuredOscillation | None
    """What the model's own trace under the same drive shows, read in the same way: unlike the limit cycle it
    remembers the start. None where it does not oscillate, or its start is unknown."""


def spectra_evidence(
    p: Parameters, spectra: Sequence[tuple[ImpedanceSpectrum, BoolArray | None]]
) -> tuple[SpectrumEvidence, ...]:
    """What each spectrum says, for those with a bias and points enough.

    Parameters
    ----------
    p : Parameters
        Of the model.
    spectra : sequence of (ImpedanceSpectrum, mask)
        With the points that were used; None is all of them.
    """
    replicas = int(np.clip(_ALL_REPLICAS // max(len(spectra), 1), _LEAST_REPLICAS, _MOST_REPLICAS))
    found = (_spectrum(p, spectrum, used, replicas) for spectrum, used in spectra)
    return tuple(item for item in found if item is not None)


def pulses_evidence(p: Parameters, transients: Sequence[PulseTransient]) -> tuple[PulseEvidence, ...]:
    """Every oscillation in the traces, beside the prediction.

    Parameters
    ----------
    p : Parameters
    transients : sequence of PulseTransient
    """
    diagrams: dict[str, BifurcationDiagram | None] = {}
    evidence = []
    for transient in transients:
        control = transient.drive.control
        for source, found, modelled in _oscillations(p, transient):
            if control not in diagrams:
                diagrams[control] = _diagram(p, Circuit(control=control))
            diagram = diagrams[control]
            cycle = None if diagram is None else stable_cycle(p, diagram, source)
            evidence.append(
                PulseEvidence(
                    record=transient.name,
                    source=source,
                    control=control,
                    found=found,
                    predicted=cycle,
                    modelled=modelled,
                )
            )
    return tuple(evidence)


def predicted_range(item: PulseEvidence) -> tuple[float, float] | None:
    """Extremes of what was measured, as predicted: voltage (V) of a current source, or current (A)."""
    if item.predicted is None:
        return None
    return item.predicted.V if item.control == "current" else item.predicted.I


def _spectrum(
    p: Parameters, spectrum: ImpedanceSpectrum, used: BoolArray | None, replicas: int
) -> SpectrumEvidence | None:
    """One spectrum; None without a bias, or where it cannot be read by itself."""
    bias, unit = spectrum.bias_voltage, "V"
    if bias is None:
        bias, unit = spectrum.bias_current, "A"
    if bias is None:
        return None
    pick = slice(None) if used is None else used
    try:
        found = check_spectrum(
            spectrum.frequency[pick],
            spectrum.impedance[pick],
            series_resistance=p.R_s,
            replicas=replicas,
        )
    except InputError:  # too few points left, or a frequency twice: the fit says so where it matters
        return None
    u = junction_voltage(p, "voltage" if unit == "V" else "current", np.array([bias]))
    model = operating_points_at(p, _CURRENT, u)
    unstable = bool(model.eigenvalues[0, 0].real > 0.0)
    margin = float(model.gain_margin[0])
    return SpectrumEvidence(
        record=spectrum.name,
        bias=float(bias),
        bias_unit=unit,
        found=found,
        model_unstable=unstable,
        model_gain_margin=margin if np.isfinite(margin) else None,
        warning=disagreement(found, unstable),
    )


def _oscillations(
    p: Parameters, transient: PulseTransient
) -> Iterator[tuple[float, MeasuredOscillation, MeasuredOscillation | None]]:
    """The source and the oscillation, measured and of the model, of every stretch that oscillates."""
    drive = transient.drive
    trace = None
    span = float(np.ptp(drive.value)) or 1.0
    for k, (start, end) in enumerate(pairwise([*drive.time, np.inf])):
        after = drive.value[k + 1] if k + 1 < drive.value.size else drive.value[k]
        if end <= start or abs(after - drive.value[k]) > _SMALLEST_CHANGE * span:
            continue
        inside = (transient.time > start) & (transient.time < end) & np.isfinite(transient.response)
        time, response = transient.time[inside], transient.response[inside]
        if time.size < _FEWEST_POINTS or not np.all(np.diff(time) > 0.0):
            continue
        found = find_oscillation(time, response)
        if found is None:
            continue
        trace = _model_trace(p, transient) if trace is None else trace
        modelled = find_oscillation(time, trace[inside]) if np.all(np.isfinite(trace[inside])) else None
        yield float(drive.value[k]), found, modelled


def _model_trace(p: Parameters, transient: PulseTransient) -> FloatArray:
    """The response of the model to the drive of a transient at its times; NaN where it is not known."""
    if transient.drive.initial == "free":
        return np.full(transient.points, np.nan)
    found = simulate(p, transient.drive, transient.time)
    return found.voltage if transient.control == "current" else found.current


def _diagram(p: Parameters, circuit: Circuit) -> BifurcationDiagram | None:
    """The limit cycles in a circuit; None where nothing there can oscillate."""
    if circuit.pins_voltage(p) or not Loop.of(circuit.effective(p)).can_oscillate:
        return None
    return bifurcation_diagram(p, circuit)
