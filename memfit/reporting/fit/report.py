"""The report of a fit: which words, tables and figures stand where, and the files that it is written to.

Nothing is fitted here: bands are drawn from the curves that stand in the records.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from memfit.analysis.stability import Circuit
from memfit.datasets import IVSweep, PulseTransient, SynapticCurve, identities
from memfit.fitting import FitResult, FittedRecord
from memfit.model import Parameters
from memfit.reporting.content import (
    FIGURE_WORDS,
    HEADINGS,
    KIND,
    KINDS,
    MARKS,
    PLAIN,
    SENTENCES,
    Block,
    Bullets,
    Columns,
    Panel,
    Panels,
    Paragraph,
    Report,
    ReportOptions,
    counted,
    distinct,
    sections_of,
)
from memfit.reporting.figures.nyquist import nyquist_figure, outside_words, small_nyquist_figure
from memfit.reporting.figures.records import (
    Strip,
    autocorrelation_data,
    autocorrelation_figure,
    residuals_figure,
    strip_of,
    strips_data,
)
from memfit.reporting.figures.spectra import (
    Spectrum,
    bode_figure,
    modulus_figure,
    spectra_data,
    spectra_of,
)
from memfit.reporting.figures.stability import (
    coefficients_figure,
    gain_margin_figure,
    resistances_figure,
    steady_figure,
)
from memfit.reporting.figures.sweeps import (
    overview_sweeps_figure,
    rate_label,
    sweep_figure,
    sweep_of,
    sweep_title,
    sweeps_data,
)
from memfit.reporting.figures.time import (
    drive_label,
    jumps,
    log_time_figure,
    peak_label,
    transient_data,
    transient_figure,
    transient_of,
)
from memfit.reporting.fit.curves import (
    StabilityCurves,
    VoltageCurves,
    coefficients_data,
    junction_bias,
    margins_data,
    parameters_of,
    stability_curves,
    steady_data,
    voltage_curves,
    voltage_range,
    where_it_ended,
)
from memfit.reporting.fit.device import device_blocks
from memfit.reporting.fit.intervals import interval_blocks, knowledge_blocks
from memfit.reporting.fit.methods import methods_text
from memfit.reporting.fit.summary import (
    answers,
    circuit_sentence,
    given_names,
    nearness_sentence,
    once,
)
from memfit.reporting.fit.tables import (
    alternatives_table,
    changes_table,
    conflicts_table,
    correlation_table,
    csv_files,
    estimates_table,
    excluded_table,
    goodness_table,
    hopf_table,
    inputs_table,
    mapping_table,
    starts_table,
)
from memfit.reporting.numbers import quantity
from memfit.reporting.stability.curves import dynamics_of, known_uncertainty
from memfit.reporting.stability.evidence import evidence_blocks
from memfit.reporting.stability.page import branch_panels, map_panels
from memfit.reporting.writers.folder import report_files, write_files

_STRIPS = 12
"""Records on one sheet of residuals."""
_SMALL = 44.0
"""Width of a small figure, mm."""
Draw = Callable[[Figure], None]
"""Draws into an empty figure."""


def write_report(
    result: FitResult,
    fitted: Sequence[FittedRecord],
    out: Path,
    options: ReportOptions = PLAIN,
    *,
    notes: Sequence[str] = (),
    following: Sequence[str] = (),
    merits: Sequence[Block] = (),
) -> list[Path]:
    """Write report, parameters.csv, residuals.csv and figures/ into a folder.

    Parameters
    ----------
    result : FitResult
    fitted : sequence of FittedRecord
        The records beside the model; may be empty where the data are gone.
    out : Path
        Folder; made if absent.
    options : ReportOptions
        Formats of the report and of its figures.
    notes, following, merits : sequences
        As `report_of` takes them.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        A style file that cannot be used.
    OutputError
        The folder cannot be written.
    """
    files = report_files(report_of(result, fitted, notes, following, merits), options)
    return write_files(out, files | {name: text.encode() for name, text in csv_files(result, fitted).items()})


def report_of(
    result: FitResult,
    fitted: Sequence[FittedRecord],
    notes: Sequence[str] = (),
    following: Sequence[str] = (),
    merits: Sequence[Block] = (),
) -> Report:
    """The whole report of one fit.

    Parameters
    ----------
    result : FitResult
    fitted : sequence of FittedRecord
        The records beside the model; may be empty.
    notes, following : sequence of str
        What is missing in it, and what to measure next, a sentence each.
    merits : sequence of Block
        The figures of merit of the device.
    """
    m, device = gather(result, fitted), result.device
    area, temperature = device.get("area_m2"), device.get("temperature_K")
    about = [
        quantity(area * 1e4, "cm²") if area else "",
        quantity(temperature, "K") if temperature else "",
        *(f"{name}: {value}" for name, value in (device.get("attributes") or {}).items()),
    ]
    started = result.environment.get("started")
    groups = {"parameters": result.parameters, "derived": result.derived, "nuisance": result.nuisance}
    records = [item.file for item in result.inputs]
    shared = [one.sentence for one in identities([item.record for item in fitted])]
    environment = {"memfit": result.memfit_version, **result.environment}
    blocks: dict[str, Iterable[Block | None]] = {
        "overview": [Bullets(tuple(notes), "care"), _overview_panels(m)],
        "device": device_blocks(result),
        "parameters": [
            *(estimates_table(key, group, records) for key, group in groups.items()),
            conflicts_table(result),
        ],
        "intervals": interval_blocks(result),
        "impedance": _spectra_panels(m),
        "iv": [_sweep_panels(m)],
        "transients": _transient_panels(m),
        "residuals": [goodness_table(result), *_residual_panels(m)],
        "identifiability": knowledge_blocks(result),
        "correlation": [correlation_table(result)],
        "voltage": [Bullets(tuple(shared)), _voltage_panels(m)],
        "stability": _stability_blocks(m),
        "merits": merits,
        "starts": [starts_table(result), alternatives_table(result)],
        "inputs": [
            inputs_table(result),
            excluded_table(result),
            Paragraph(SENTENCES["warnings" if result.warnings else "no_warnings"]),
            Bullets(tuple(result.warnings)),
        ],
        "methods": [Paragraph(methods_text(result))],
        "provenance": [
            Paragraph(SENTENCES["provenance"].format(count=counted(len(records), "record"))),
            mapping_table("plan", result.plan),
            mapping_table("environment", environment),
        ],
    }
    if result.status.code == "poor_fit":  # what is wrong comes before what was found
        blocks = {name: blocks[name] for name in ("overview", "residuals")} | blocks
    return Report(
        title=str(device.get("name") or "Device"),
        subtitle=", ".join(part for part in about if part),
        answers=answers(result, following),
        sections=sections_of(blocks, HEADINGS),
        footer=f"memfit {result.memfit_version}" + (f", fit started {started}" if started else ""),
        names=given_names(result),
    )


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
    """Sort the records by kind and compute the model's curves.

    Parameters
    ----------
    result : FitResult
    fitted : sequence of FittedRecord
        The records beside the model; may be empty.
    """
    p = parameters_of(result)
    bounds = voltage_range(p, [item.record for item in fitted]) if p else None
    spectra = [item for item in fitted if item.record.kind == "impedance"]
    return Material(
        result=result,
        spectra=spectra_of(spectra, p or where_it_ended(result)),
        sweeps=tuple(item for item in fitted if isinstance(item.record, IVSweep)),
        transients=tuple(item for item in fitted if isinstance(item.record, PulseTransient)),
        parameters=p,
        steady=voltage_curves(p, bounds) if p and bounds else None,
        stability=stability_curves(p, bounds) if p and bounds else None,
    )


def _panel(
    name: str, draw: Draw, height: float, data: Columns, *, place: int | None = None, **words: str
) -> Panel:
    """A figure with the words that its name stands for; with the place of its record where each has one."""
    caption, alt = (text.format(**words) for text in (FIGURE_WORDS[name].caption, FIGURE_WORDS[name].alt))
    key = name if place is None else f"{name}_{place + 1}"
    return Panel(key=key, draw=draw, caption=caption, alt=alt, height=height, data=data)


def _marks(
    fitted: Sequence[FittedRecord],
    *,
    bands: bool = True,
    spectra: Sequence[Spectrum] = (),
    whole: bool = True,
) -> str:
    """What a caption says of points left out, of bands, and of what spectra have outside the frame."""
    crosses = "" if all(item.used.all() for item in fitted) else MARKS["crosses"]
    band = MARKS["band"] if bands and any(item.curves is not None for item in fitted) else ""
    return crosses + band + (outside_words(spectra, whole=whole) if spectra else "")


def _overview_panels(m: Material) -> Panels:
    """One picture: impedance, current and stability side by side."""
    panels = []
    if m.spectra:
        draw: Draw = partial(modulus_figure, spectra=m.spectra)
        crosses = _marks([spectrum.fitted for spectrum in m.spectra])
        panels.append(_panel("overview_impedance", draw, 58, spectra_data(m.spectra), crosses=crosses))
    if m.sweeps or m.steady:
        draw = partial(overview_sweeps_figure, sweeps=m.sweeps, steady=m.steady, stability=m.stability)
        data = {**sweeps_data(m.sweeps), **(steady_data(m.steady) if m.steady else {})}
        name = "overview_iv" if m.sweeps else "overview_steady"
        panels.append(_panel(name, draw, 58, data, crosses=_marks(m.sweeps, bands=False)))
    if m.stability:
        draw = partial(gain_margin_figure, curves=m.stability)
        panels.append(_panel("overview_gain_margin", draw, 58, margins_data(m.stability)))
    return Panels(tuple(panels))


def _spectra_panels(m: Material) -> tuple[Panels, Panels]:
    """All spectra together, and each by itself."""
    if not m.spectra:
        return Panels(()), Panels(())
    data, fitted = spectra_data(m.spectra), [spectrum.fitted for spectrum in m.spectra]
    around = _marks(fitted, spectra=m.spectra)
    together = (
        _panel("nyquist", partial(nyquist_figure, spectra=m.spectra), 80, data, crosses=around),
        _panel("bode", partial(bode_figure, spectra=m.spectra), 80, data, crosses=_marks(fitted)),
    )
    each = []
    for place, spectrum in enumerate(m.spectra):
        crosses = _marks([spectrum.fitted], bands=False, spectra=[spectrum], whole=False)
        words = {"bias": spectrum.label, "crosses": crosses}
        draw: Draw = partial(small_nyquist_figure, spectrum=spectrum)
        panel = _panel("nyquist_each", draw, 44, spectra_data([spectrum]), place=place, **words)
        each.append(replace(panel, width=_SMALL, record=spectrum.record.name))
    return Panels(together), Panels(tuple(each))


def _sweep_panels(m: Material) -> Panels:
    """Each sweep, linear and semilogarithmic."""
    panels = []
    for place, fitted in enumerate(m.sweeps):
        words = {"what": sweep_title(sweep_of(fitted)), "crosses": _marks([fitted])}
        draw = partial(sweep_figure, fitted=fitted)
        panel = _panel("iv", draw, 85, sweeps_data([fitted]), place=place, **words)
        panels.append(replace(panel, record=fitted.record.name))
    return Panels(tuple(panels))


def _transient_panels(m: Material) -> tuple[Panels, Panels]:
    """Each transient with its drive, and each against the logarithm of the time after its jumps."""
    with_drive, after_jumps = [], []
    for place, fitted in enumerate(m.transients):
        transient, data = transient_of(fitted), transient_data(fitted)
        words = {"what": drive_label(transient), "crosses": _marks([fitted]), "kind": KIND[transient.kind]}
        name = "reads" if isinstance(transient, SynapticCurve) else "transient"
        panel = _panel(name, partial(transient_figure, fitted=fitted), 68, data, place=place, **words)
        with_drive.append(replace(panel, record=transient.name))
        if name == "transient" and jumps(transient):
            draw = partial(log_time_figure, fitted=fitted)
            panel = _panel("transient_log", draw, 68, data, place=place, **words)
            after_jumps.append(replace(panel, record=transient.name))
    if len(m.transients) == 1:  # side by side
        return Panels((*with_drive, *after_jumps)), Panels(())
    return Panels(tuple(with_drive)), Panels(tuple(after_jumps))


def _residual_panels(m: Material) -> list[Panels]:
    """Residuals beside their autocorrelation, kind by kind."""
    sweeps = distinct([rate_label(sweep_of(item)) for item in m.sweeps])
    transients = distinct([peak_label(transient_of(item)) for item in m.transients])
    strips = {
        "impedance": [strip_of(spectrum.fitted, spectrum.label) for spectrum in m.spectra],
        "iv": [strip_of(item, label) for item, label in zip(m.sweeps, sweeps, strict=True)],
    }
    for item, label in zip(m.transients, transients, strict=True):
        strips.setdefault(item.record.kind, []).append(strip_of(item, label))
    return [
        Panels(
            tuple(
                panel
                for first in range(0, len(some), _STRIPS)
                for panel in _sheet(kind, some[first : first + _STRIPS], first // _STRIPS + 1, len(some))
            )
        )
        for kind, some in strips.items()
    ]


def _sheet(kind: str, strips: Sequence[Strip], sheet: int, count: int) -> Iterator[Panel]:
    """Residuals and autocorrelation of some of the `count` records of a kind."""
    height, number = 18.0 + 9.5 * max(len(strips), 2), f"_{sheet}" if count > _STRIPS else ""
    draws: dict[str, tuple[Draw, Columns]] = {
        "residuals": (partial(residuals_figure, strips=strips, kind=kind), strips_data(strips)),
        "autocorrelation": (partial(autocorrelation_figure, strips=strips), autocorrelation_data(strips)),
    }
    for name, (draw, data) in draws.items():
        yield replace(_panel(name, draw, height, data, kind=KINDS[kind]), key=f"{name}_{kind}{number}")


def _voltage_panels(m: Material) -> Panels:
    """Steady state and impedance parameters against voltage."""
    if m.steady is None or m.parameters is None:
        return Panels(())
    curves = m.steady
    data = steady_data(curves)
    known = [junction_bias(m.parameters, spectrum.record) for spectrum in m.spectra]
    biases = np.array([u for u in known if u is not None])
    return Panels(
        (
            _panel("steady", partial(steady_figure, curves=curves, biases=biases), 85, data),
            _panel("resistances", partial(resistances_figure, curves=curves, biases=biases), 85, data),
        )
    )


def _stability_blocks(m: Material) -> tuple[Block | None, ...]:
    """Verdicts, Hopf points, what would change them, the curves behind them, and what the data say alone.

    Limit cycles, where the device oscillates, and maps are those under current control.
    """
    block, p, curves = m.result.stability, m.parameters, m.stability
    verdicts = [write(*item) for item in block.items() for write in (circuit_sentence, nearness_sentence)]
    explained = "stability" if curves else "with_parts" if p and p.parts else "two_lags" if p else ""
    panels: list[Panel] = []
    if curves is not None:
        draw: Draw = partial(coefficients_figure, curves=curves)
        panels.append(_panel("coefficients", draw, 85, coefficients_data(curves)))
        draw = partial(gain_margin_figure, curves=curves)
        panels.append(_panel("gain_margin", draw, 85, margins_data(curves)))
    if p is not None and (curves is not None or p.parts):
        circuit = Circuit(control="current")
        dynamics = dynamics_of(p, circuit)
        panels += branch_panels(dynamics) if dynamics else ()
        panels += map_panels(p, circuit, known_uncertainty(m.result))
    evidence: tuple[Block, ...] = ()
    if p is not None:
        spectra = [(spectrum.record, spectrum.fitted.used) for spectrum in m.spectra]
        evidence = evidence_blocks(p, spectra, [transient_of(item) for item in m.transients])
    return (
        Bullets(once(verdicts)),
        Paragraph(SENTENCES[explained]) if explained else None,
        hopf_table(block),
        changes_table(block),
        Panels(tuple(panels)),
        *evidence,
    )
