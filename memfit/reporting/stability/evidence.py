"""What the data say about oscillation by themselves, beside the model.

Spectra speak by the winding of their admittance (`memfit.analysis.stability.nyquist`), pulses by the period
and the extremes of what oscillates while the drive stands still (`memfit.analysis.cycles`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from memfit.analysis.cycles import (
    BifurcationDiagram,
    LimitCycle,
    MeasuredOscillation,
    bifurcation_diagram,
    find_oscillation,
)
from memfit.analysis.stability import (
    Circuit,
    MeasuredStability,
    check_spectrum,
    disagreement,
    operating_points_at,
)
from memfit.arrays import BoolArray
from memfit.datasets import ImpedanceSpectrum, PulseTransient
from memfit.errors import InputError
from memfit.model import Parameters, junction_voltage
from memfit.model.transient import simulate
from memfit.reporting.content import Block, Bullets, Table, table_of
from memfit.reporting.numbers import MISSING, interval, quantity, quantity_digits, series, span
from memfit.reporting.stability.curves import stable_cycle

Spectra = Sequence[tuple[ImpedanceSpectrum, BoolArray | None]]
"""Measured spectra with the points that were used; None is all of them."""


@dataclass(frozen=True)
class Settings:
    """How records are read, and when they contradict the model."""

    replicas: int = 1000
    """Of all spectra together, for the intervals of their margins; so many for each:"""
    least_replicas: int = 40
    most_replicas: int = 100
    fewest_points: int = 16
    """Of a stretch of a pulse."""
    smallest_change: float = 1e-9
    """Of the drive's span: less is a constant source."""
    sigmas: float = 4.0
    """Standard errors, and ..."""
    same_period: float = 0.05
    """... share of the period, by which periods must differ to be called different."""


SETTINGS = Settings()


@dataclass(frozen=True, kw_only=True, eq=False)
class SpectrumEvidence:
    """A measured spectrum beside the model, both under current control at its bias."""

    record: str
    bias: float
    """V, or A where only the current is known."""
    bias_unit: str
    measured: MeasuredStability
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
    measured: MeasuredOscillation
    predicted: LimitCycle | None
    """The stable limit cycle at this source; None where the model has none."""
    modelled: MeasuredOscillation | None
    """What the model's own trace under the same drive shows, read in the same way: unlike the limit cycle it
    remembers the start. None where it does not oscillate, or its start is unknown."""

    @property
    def units(self) -> tuple[str, str]:
        """Of the source, and of what was measured."""
        return ("A", "V") if self.control == "current" else ("V", "A")

    @property
    def predicted_range(self) -> tuple[float, float] | None:
        """Extremes of what was measured, as predicted: voltage (V) of a current source, or current (A)."""
        if self.predicted is None:
            return None
        return self.predicted.V if self.control == "current" else self.predicted.I


def spectra_evidence(p: Parameters, spectra: Spectra) -> tuple[SpectrumEvidence, ...]:
    """What each spectrum says, for those with a bias and points enough.

    Parameters
    ----------
    p : Parameters
        Of the model.
    spectra : sequence of (ImpedanceSpectrum, mask)
        With the points that were used; None is all of them.
    """
    share = SETTINGS.replicas // max(len(spectra), 1)
    replicas = int(np.clip(share, SETTINGS.least_replicas, SETTINGS.most_replicas))
    evidence = []
    for spectrum, used in spectra:
        bias, unit = spectrum.bias_voltage, "V"
        if bias is None:
            bias, unit = spectrum.bias_current, "A"
        if bias is None:
            continue
        pick = slice(None) if used is None else used
        frequency, Z = spectrum.frequency[pick], spectrum.impedance[pick]
        try:
            measured = check_spectrum(frequency, Z, series_resistance=p.R_s, replicas=replicas)
        except InputError:  # too few points left, or a frequency twice: the fit says so where it matters
            continue
        u = junction_voltage(p, "voltage" if unit == "V" else "current", np.array([bias]))
        model = operating_points_at(p, Circuit(control="current"), u)
        unstable, margin = bool(model.eigenvalues[0, 0].real > 0.0), float(model.gain_margin[0])
        evidence.append(
            SpectrumEvidence(
                record=spectrum.name,
                bias=float(bias),
                bias_unit=unit,
                measured=measured,
                model_unstable=unstable,
                model_gain_margin=margin if np.isfinite(margin) else None,
                warning=disagreement(measured, unstable),
            )
        )
    return tuple(evidence)


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
        for source, measured, modelled in _oscillations(p, transient):
            if control not in diagrams:
                circuit = Circuit(control=control)
                diagrams[control] = bifurcation_diagram(p, circuit) if circuit.can_oscillate(p) else None
            diagram = diagrams[control]
            evidence.append(
                PulseEvidence(
                    record=transient.name,
                    source=source,
                    control=control,
                    measured=measured,
                    predicted=None if diagram is None else stable_cycle(p, diagram, source),
                    modelled=modelled,
                )
            )
    return tuple(evidence)


def _oscillations(
    p: Parameters, transient: PulseTransient
) -> Iterator[tuple[float, MeasuredOscillation, MeasuredOscillation | None]]:
    """The source and the oscillation, measured and of the model, of every stretch that oscillates."""
    drive, trace = transient.drive, None
    least = SETTINGS.smallest_change * (float(np.ptp(drive.value)) or 1.0)
    after = np.append(drive.value[1:], drive.value[-1])
    for k, (start, end) in enumerate(pairwise([*drive.time, np.inf])):
        if end <= start or abs(after[k] - drive.value[k]) > least:
            continue
        inside = (transient.time > start) & (transient.time < end) & np.isfinite(transient.response)
        time = transient.time[inside]
        if time.size < SETTINGS.fewest_points or not np.all(np.diff(time) > 0.0):
            continue
        measured, modelled = find_oscillation(time, transient.response[inside]), None
        if measured is None:
            continue
        if drive.initial != "free":  # else where the model starts is not known
            trace = simulate(p, drive, transient.time) if trace is None else trace
            response = (trace.voltage if transient.control == "current" else trace.current)[inside]
            modelled = find_oscillation(time, response) if np.all(np.isfinite(response)) else None
        yield float(drive.value[k]), measured, modelled


def spectra_evidence_table(items: Sequence[SpectrumEvidence]) -> Table:
    """The verdict of each spectrum beside that of the model.

    Parameters
    ----------
    items : sequence of SpectrumEvidence
    """
    biases = [quantity(item.bias, item.bias_unit) for item in items]
    if len(units := {item.bias_unit for item in items}) == 1:  # with as many decimals everywhere
        biases = series([item.bias for item in items], units.pop())
    words = {True: "unstable", False: "stable"}
    rows = []
    for item, bias in zip(items, biases, strict=True):
        poles = item.measured.unstable_poles
        rows.append(
            (
                item.record,
                bias,
                words[item.model_unstable],
                quantity_digits(item.model_gain_margin),
                MISSING if poles is None else words[poles > 0],
                quantity_digits(item.measured.crossing_frequency_Hz, "Hz"),
                quantity(item.measured.resistance_at_crossing, "ohm", item.measured.resistance_stderr),
                interval(item.measured.gain_margin_ci95),
            )
        )
    alone = ("spectrum", "crossing", "resistance", "margin")
    return table_of("spectra_evidence", ("record", "bias", "model", "model_margin", *alone), rows)


def pulses_evidence_table(items: Sequence[PulseEvidence]) -> Table:
    """Periods and extremes, measured and predicted.

    Parameters
    ----------
    items : sequence of PulseEvidence
    """
    rows = []
    for item in items:
        (source, unit), measured, modelled = item.units, item.measured, item.modelled
        cycle, ends = item.predicted, item.predicted_range
        rows.append(
            (
                item.record,
                quantity_digits(item.source, source),
                quantity(measured.period, "s", measured.period_stderr),
                MISSING if modelled is None else quantity_digits(modelled.period, "s", 4),
                "none" if cycle is None else quantity_digits(cycle.period, "s", 4),
                span(measured.low, measured.high, unit),
                MISSING if modelled is None else span(modelled.low, modelled.high, unit),
                "none" if ends is None else span(*ends, unit),
            )
        )
    periods, ranges = ("period", "period_trace", "period_model"), ("range", "range_trace", "range_model")
    return table_of("pulses_evidence", ("record", "source", *periods, *ranges), rows)


def evidence_warnings(spectra: Sequence[SpectrumEvidence], pulses: Sequence[PulseEvidence]) -> Bullets:
    """A sentence for each record that contradicts the model.

    Parameters
    ----------
    spectra : sequence of SpectrumEvidence
    pulses : sequence of PulseEvidence
    """
    warnings = [f"{item.record}: {item.warning}" for item in spectra if item.warning is not None]
    warnings += [
        f"{item.record}: it oscillates at a source of {quantity_digits(item.source, item.units[0])}, "
        "where the fitted model has no stable limit cycle."
        for item in pulses
        if item.predicted is None and item.modelled is None  # ringing of the model may outlast the pulse
    ]
    for item in pulses:
        if item.modelled is None:
            continue
        period, stderr, model = item.measured.period, item.measured.period_stderr, item.modelled.period
        if abs(period - model) >= max(SETTINGS.sigmas * stderr, SETTINGS.same_period * model):
            warnings.append(
                f"{item.record}: its period is {quantity_digits(period, 's', 3)}, that of the fitted model "
                f"under the same drive {quantity_digits(model, 's', 3)}."
            )
    return Bullets(tuple(warnings), "care")


def evidence_blocks(
    p: Parameters, spectra: Spectra, transients: Sequence[PulseTransient]
) -> tuple[Block, ...]:
    """Tables of what the data say by themselves, each only where it has rows; warnings first.

    Parameters
    ----------
    p : Parameters
    spectra : sequence of (ImpedanceSpectrum, mask)
    transients : sequence of PulseTransient
    """
    of_spectra, of_pulses = spectra_evidence(p, spectra), pulses_evidence(p, transients)
    warnings = evidence_warnings(of_spectra, of_pulses)
    tables = (spectra_evidence_table(of_spectra), pulses_evidence_table(of_pulses))
    return (*([warnings] if warnings.items else []), *(table for table in tables if table.rows))
