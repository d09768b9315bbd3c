"""The stability report by itself: one section a circuit, then what the data say without the model.

What the data say about oscillation by themselves, beside the model: spectra and pulses.

Spectra by the winding of the admittance (`memfit.analysis.stability.nyquist`), pulses by the period and the
extremes of what oscillates while the drive stands still (`memfit.analysis.cycles`).

Tables and warnings of what the data say about oscillation without the model, beside the model.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

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
    Uncertainty,
    check_spectrum,
    disagreement,
    operating_points_at,
)
from memfit.arrays import BoolArray, FloatArray
from memfit.datasets.records import ImpedanceSpectrum, PulseTransient
from memfit.errors import InputError
from memfit.model.hopf_boundary import Loop
from memfit.model.parameters import Parameters
from memfit.model.steady import junction_voltage
from memfit.model.transient import simulate
from memfit.reporting.content import Block, Bullets, Column, ColumnKind, Paragraph, Report, Section, Table
from memfit.reporting.numbers import MISSING, interval, quantity, quantity_digits, series, span
from memfit.reporting.stability.curves import stable_cycle
from memfit.reporting.stability.tables import circuit_blocks
from memfit.reporting.text import COLUMNS, HEADINGS, SENTENCES, TABLE_CAPTIONS, capitalised

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


_SIGMAS, _SAME_PERIOD = 4.0, 0.05
"""Standard errors, and share of the period, by which periods must differ to be called different."""


def spectra_evidence_table(items: Sequence[SpectrumEvidence]) -> Table:
    """The verdict of each spectrum beside that of the model."""
    rows = tuple(
        (
            item.record,
            bias,
            _says(unstable=item.model_unstable),
            quantity_digits(item.model_gain_margin),
            MISSING if item.found.unstable_poles is None else _says(unstable=item.found.unstable_poles > 0),
            quantity_digits(item.found.crossing_frequency_Hz, "Hz"),
            quantity(item.found.resistance_at_crossing, "ohm", item.found.resistance_stderr),
            interval(item.found.gain_margin_ci95),
        )
        for item, bias in zip(items, _biases(items), strict=True)
    )
    columns = _columns(
        ("record", "file"),
        ("bias", "number"),
        ("model", "text"),
        ("model_margin", "number"),
        ("spectrum", "text"),
        ("crossing", "number"),
        ("resistance", "number"),
        ("margin", "number"),
    )
    return Table("spectra_evidence", TABLE_CAPTIONS["spectra_evidence"], columns, rows)


def _biases(items: Sequence[SpectrumEvidence]) -> list[str]:
    """The biases, with as many decimals everywhere where they are of one unit."""
    units = {item.bias_unit for item in items}
    if len(units) == 1:
        return series([item.bias for item in items], units.pop())
    return [quantity(item.bias, item.bias_unit) for item in items]


def pulses_evidence_table(items: Sequence[PulseEvidence]) -> Table:
    """Periods and extremes, measured and predicted."""
    rows = []
    for item in items:
        source, measured = ("A", "V") if item.control == "current" else ("V", "A")
        predicted, ends, modelled = item.predicted, predicted_range(item), item.modelled
        rows.append(
            (
                item.record,
                quantity_digits(item.source, source),
                quantity(item.found.period, "s", item.found.period_stderr),
                MISSING if modelled is None else quantity_digits(modelled.period, "s", 4),
                "none" if predicted is None else quantity_digits(predicted.period, "s", 4),
                span(item.found.low, item.found.high, measured),
                MISSING if modelled is None else span(modelled.low, modelled.high, measured),
                "none" if ends is None else span(*ends, measured),
            )
        )
    columns = _columns(
        ("record", "file"),
        ("source", "number"),
        ("period", "number"),
        ("period_trace", "number"),
        ("period_model", "number"),
        ("range", "number"),
        ("range_trace", "number"),
        ("range_model", "number"),
    )
    return Table("pulses_evidence", TABLE_CAPTIONS["pulses_evidence"], columns, tuple(rows))


def evidence_warnings(spectra: Sequence[SpectrumEvidence], pulses: Sequence[PulseEvidence]) -> Bullets:
    """A sentence for each record that contradicts the model."""
    found = [f"{item.record}: {item.warning}" for item in spectra if item.warning is not None]
    found += [
        f"{item.record}: it oscillates at a source of "
        f"{quantity_digits(item.source, 'A' if item.control == 'current' else 'V')}, "
        "where the fitted model has no stable limit cycle."
        for item in pulses
        if item.predicted is None
    ]
    found += [text for item in pulses if (text := _other_period(item))]
    return Bullets(tuple(found), "care")


def _other_period(item: PulseEvidence) -> str:
    """A sentence where the period of a trace is not that of the model's trace; else nothing."""
    if item.modelled is None:
        return ""
    apart = abs(item.found.period - item.modelled.period)
    if apart < max(_SIGMAS * item.found.period_stderr, _SAME_PERIOD * item.modelled.period):
        return ""
    return (
        f"{item.record}: its period is {quantity_digits(item.found.period, 's', 3)}, that of the fitted "
        f"model under the same drive {quantity_digits(item.modelled.period, 's', 3)}."
    )


def _says(*, unstable: bool) -> str:
    """A verdict in a word."""
    return "unstable" if unstable else "stable"


def _columns(*keys: tuple[str, ColumnKind]) -> tuple[Column, ...]:
    """Columns by the key of their title."""
    return tuple(Column(COLUMNS[key], kind) for key, kind in keys)


Spectra = Sequence[tuple[ImpedanceSpectrum, BoolArray | None]]


def stability_report(
    title: str,
    blocks: Mapping[str, Mapping[str, Any]],
    circuits: Mapping[str, Circuit],
    p: Parameters | None,
    known: Uncertainty | None = None,
    *,
    spectra: Spectra = (),
    transients: Sequence[PulseTransient] = (),
    axes: tuple[str, str] | None = None,
    footer: str = "",
) -> Report:
    """The parts of the stability report.

    Parameters
    ----------
    title : str
        Name of the device.
    blocks : mapping
        The `stability` block, one entry a circuit.
    circuits : mapping of str to Circuit
        Those of the blocks.
    p : Parameters or None
        None where the data do not determine them all.
    known : Uncertainty, optional
        The covariance of the fit.
    spectra : sequence of (ImpedanceSpectrum, mask)
        Measured spectra with the points used, None for all.
    transients : sequence of PulseTransient
        Measured pulses.
    axes : two str, optional
        Of the map over parameters; by default the two that matter most.
    footer : str
        Made by what.
    """
    sections = [Section("verdict", HEADINGS["verdict"], _verdicts(blocks, circuits))]
    sections += [
        Section(
            name,
            capitalised(circuit.name),
            circuit_blocks(name, blocks[name], circuit, p, known, with_loads=place == 0, axes=axes),
        )
        for place, (name, circuit) in enumerate(circuits.items())
    ]
    evidence = evidence_blocks(p, spectra, transients) if p is not None else ()
    if evidence:
        sections.append(Section("evidence", HEADINGS["evidence"], evidence))
    return Report(
        title=title,
        subtitle=HEADINGS["stability"],
        answers=(),
        sections=tuple(section for section in sections if section.blocks),
        footer=footer,
    )


def _verdicts(blocks: Mapping[str, Mapping[str, Any]], circuits: Mapping[str, Circuit]) -> tuple[Block, ...]:
    """A sentence a circuit, and one more where intervals are missing for want of a covariance."""
    said = [_verdict(block, circuits[name]) for name, block in blocks.items()]
    wanting = any(
        block["gain_margin_min"] is not None and block["probability_oscillates"] is None
        for block in blocks.values()
    )
    sentences = Bullets(tuple(dict.fromkeys(said)))
    return (sentences, Paragraph(SENTENCES["no_covariance"])) if wanting else (sentences,)


def _verdict(block: Mapping[str, Any], circuit: Circuit) -> str:
    """The sentence of one circuit; the reason where it is left open."""
    message = str(block["message"])
    return f"{capitalised(circuit.name)}: {message}" if block["verdict"] == "undetermined" else message


def evidence_blocks(
    p: Parameters, spectra: Spectra, transients: Sequence[PulseTransient]
) -> tuple[Block, ...]:
    """Tables of what the data say by themselves, each only where it has rows; warnings first."""
    of_spectra, of_pulses = spectra_evidence(p, spectra), pulses_evidence(p, transients)
    blocks: tuple[Bullets | Table, ...] = (
        evidence_warnings(of_spectra, of_pulses),
        spectra_evidence_table(of_spectra),
        pulses_evidence_table(of_pulses),
    )
    return tuple(block for block in blocks if (block.items if isinstance(block, Bullets) else block.rows))
