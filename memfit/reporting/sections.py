"""From a fit to the parts of its report: which words, tables and figures stand where."""

from collections.abc import Iterable, Mapping, Sequence

from memfit.analysis.circuit import Circuit
from memfit.fitting.result import FitResult, FittedRecord
from memfit.reporting.answers import answers, circuit_sentence, nearness_sentence
from memfit.reporting.circuits import branch_panels, map_panels
from memfit.reporting.content import Block, Bullets, Panels, Paragraph, Report, Section, Table
from memfit.reporting.dynamics import dynamics_of, known_uncertainty
from memfit.reporting.figures.transients import transient_of
from memfit.reporting.intervalsection import interval_blocks
from memfit.reporting.knowledge import knowledge_blocks
from memfit.reporting.material import Material, gather
from memfit.reporting.numbers import quantity
from memfit.reporting.panels import (
    overview_panels,
    residual_panels,
    spectra_panels,
    stability_panels,
    sweep_panels,
    transient_panels,
    voltage_panels,
)
from memfit.reporting.stabilitypage import evidence_blocks
from memfit.reporting.tables import (
    alternatives_table,
    changes_table,
    conflicts_table,
    correlation_table,
    estimates_table,
    excluded_table,
    goodness_table,
    hopf_table,
    inputs_table,
    mapping_table,
    starts_table,
)
from memfit.reporting.words import HEADINGS, NO_WARNINGS, SENTENCES, counted


def report_of(result: FitResult, fitted: Sequence[FittedRecord], notes: Sequence[str] = ()) -> Report:
    """The whole report of one fit; `notes` say what is missing in it."""
    material = gather(result, fitted)
    sections = (
        _section("overview", [Bullets(tuple(notes), "care"), overview_panels(material)]),
        parameters(result),
        _section("intervals", interval_blocks(result)),
        _section("impedance", spectra_panels(material)),
        _section("iv", [sweep_panels(material)]),
        _section("transients", transient_panels(material)),
        _section("residuals", [goodness_table(result), *residual_panels(material)]),
        _section("identifiability", knowledge_blocks(result)),
        _section("correlation", [correlation_table(result)]),
        _section("voltage", [voltage_panels(material)]),
        stability(material),
        _section("starts", [starts_table(result), alternatives_table(result)]),
        inputs(result),
        provenance(result),
    )
    return Report(
        title=str(result.device.get("name") or "Device"),
        subtitle=_subtitle(result),
        answers=answers(result),
        sections=tuple(section for section in sections if section.blocks),
        footer=_footer(result),
    )


def _subtitle(result: FitResult) -> str:
    """Area, temperature and attributes of the device."""
    device = result.device
    area, temperature = device.get("area_m2"), device.get("temperature_K")
    parts = [
        quantity(area * 1e4, "cm²") if area else "",
        quantity(temperature, "K") if temperature else "",
        *(f"{name}: {value}" for name, value in (device.get("attributes") or {}).items()),
    ]
    return ", ".join(part for part in parts if part)


def _footer(result: FitResult) -> str:
    """Made by what and when."""
    started = result.environment.get("started")
    return f"memfit {result.memfit_version}" + (f", fit started {started}" if started else "")


def _section(key: str, blocks: Iterable[Block | None]) -> Section:
    """A section of the blocks that have something to say."""
    return Section(key, HEADINGS[key], tuple(b for b in blocks if b is not None and not _is_empty(b)))


def _is_empty(block: Block) -> bool:
    """Whether a table has no rows, or a group no items."""
    if isinstance(block, Table):
        return not block.rows
    return isinstance(block, (Panels, Bullets)) and not block.items


def parameters(result: FitResult) -> Section:
    """Estimates with intervals."""
    groups = {"parameters": result.parameters, "derived": result.derived, "nuisance": result.nuisance}
    records = [item.file for item in result.inputs]
    tables = [estimates_table(key, group, records) for key, group in groups.items()]
    return _section("parameters", [*tables, conflicts_table(result)])


def stability(m: Material) -> Section:
    """Verdicts, Hopf points, what would change them, and the curves behind them."""
    block = m.result.stability
    circuits = {name: part for name, part in block.items() if isinstance(part, Mapping) and "verdict" in part}
    verdicts = [write(*item) for item in circuits.items() for write in (circuit_sentence, nearness_sentence)]
    explained = "stability" if m.stability else "two_lags" if m.parameters else ""
    return _section(
        "stability",
        [
            Bullets(tuple(sentence for sentence in verdicts if sentence)),
            Paragraph(SENTENCES[explained]) if explained else None,
            hopf_table(block),
            changes_table(block),
            Panels((*stability_panels(m).items, *_dynamics_panels(m).items)),
            *_evidence(m),
        ],
    )


def _dynamics_panels(m: Material) -> Panels:
    """Limit cycles where the device oscillates, and maps, under current control."""
    p, circuit = m.parameters, Circuit(control="current")
    if p is None or m.stability is None:
        return Panels(())
    found = dynamics_of(p, circuit)
    branch = branch_panels(found) if found else ()
    return Panels((*branch, *map_panels(p, circuit, known_uncertainty(m.result))))


def _evidence(m: Material) -> tuple[Block, ...]:
    """What spectra and pulses say by themselves, next to the model."""
    if m.parameters is None:
        return ()
    spectra = [(spectrum.record, spectrum.fitted.used) for spectrum in m.spectra]
    return evidence_blocks(m.parameters, spectra, [transient_of(item) for item in m.transients])


def inputs(result: FitResult) -> Section:
    """Records, digests, warnings, points left out."""
    warnings = tuple(result.warnings)
    return _section(
        "inputs",
        [
            inputs_table(result),
            excluded_table(result),
            Paragraph(SENTENCES["warnings"] if warnings else NO_WARNINGS),
            Bullets(warnings),
        ],
    )


def provenance(result: FitResult) -> Section:
    """Plan, versions, command."""
    environment = {"memfit": result.memfit_version, **result.environment}
    count = counted(len(result.inputs), "record")
    return _section(
        "provenance",
        [
            Paragraph(SENTENCES["provenance"].format(count=count)),
            mapping_table("plan", result.plan),
            mapping_table("environment", environment),
        ],
    )
