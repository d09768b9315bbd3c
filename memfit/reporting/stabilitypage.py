"""The stability report by itself: one section a circuit, then what the data say without the model."""

from collections.abc import Mapping, Sequence
from typing import Any

from memfit.analysis.circuit import Circuit
from memfit.analysis.spread import Uncertainty
from memfit.arrays import BoolArray
from memfit.datasets.records import ImpedanceSpectrum, PulseTransient
from memfit.model.parameters import Parameters
from memfit.reporting.circuits import circuit_blocks
from memfit.reporting.content import Block, Bullets, Paragraph, Report, Section, Table
from memfit.reporting.evidence import pulses_evidence, spectra_evidence
from memfit.reporting.evidencetables import (
    evidence_warnings,
    pulses_evidence_table,
    spectra_evidence_table,
)
from memfit.reporting.words import HEADINGS, SENTENCES, capitalised

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
