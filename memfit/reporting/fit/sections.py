"""From a fit to the parts of its report: which words, tables and figures stand where.

What a report is made from: the records by kind, and the fitted model's curves, computed once.

The figures of a report: which there are for a fit, of what size, with which words and numbers.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from memfit.analysis.stability import Circuit
from memfit.arrays import FloatArray
from memfit.datasets.records import ImpedanceSpectrum
from memfit.fitting.result import FitResult, FittedRecord
from memfit.fitting.uncertainty.bands import with_bands
from memfit.model.parameters import Parameters
from memfit.model.steady import junction_voltage
from memfit.reporting.content import Block, Bullets, Panel, Panels, Paragraph, Report, Section, Table
from memfit.reporting.figures.records import (
    Strip,
    autocorrelation_figure,
    residuals_figure,
    strip_of,
)
from memfit.reporting.figures.spectra import (
    Spectrum,
    bias_of,
    bode_figure,
    modulus_figure,
    nyquist_figure,
    points_beyond,
    small_nyquist_figure,
    spectra_of,
)
from memfit.reporting.figures.stability import (
    coefficients_figure,
    gain_margin_figure,
    resistances_figure,
    steady_figure,
)
from memfit.reporting.figures.time import (
    drive_label,
    jumps,
    log_time_figure,
    overview_sweeps_figure,
    peak_label,
    rate_label,
    sweep_figure,
    sweep_of,
    sweep_title,
    transient_figure,
    transient_of,
)
from memfit.reporting.fit.csv import (
    autocorrelation_data,
    coefficients_data,
    margins_data,
    spectra_data,
    steady_data,
    strips_data,
    sweeps_data,
    transient_data,
)
from memfit.reporting.fit.curves import (
    StabilityCurves,
    VoltageCurves,
    parameters_of,
    stability_curves,
    voltage_curves,
    voltage_range,
)
from memfit.reporting.fit.intervals import interval_blocks, knowledge_blocks
from memfit.reporting.fit.summary import answers, circuit_sentence, nearness_sentence
from memfit.reporting.fit.tables import (
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
from memfit.reporting.numbers import quantity
from memfit.reporting.stability.curves import dynamics_of, known_uncertainty
from memfit.reporting.stability.page import evidence_blocks
from memfit.reporting.stability.tables import branch_panels, map_panels
from memfit.reporting.text import (
    FIGURE_WORDS,
    HEADINGS,
    KINDS,
    MARKS,
    SENTENCES,
    counted,
    distinct,
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


_STRIPS = 12
"""Records on one sheet of residuals."""
Draw = Callable[[Figure], None]
"""Draws into an empty figure."""
_SMALL = 44.0
"""Width of a small figure, mm."""


def _panel(
    name: str,
    draw: Draw,
    height: float,
    data: Mapping[str, FloatArray] | None = None,
    **words: str,
) -> Panel:
    """A figure with the caption and the description its name stands for."""
    figure_words = FIGURE_WORDS[name]
    return Panel(
        key=name,
        draw=draw,
        caption=figure_words.caption.format(**words),
        alt=figure_words.alt.format(**words),
        height=height,
        data=data or {},
    )


def _crosses(fitted: Iterable[FittedRecord]) -> str:
    """What a caption says of points left out; nothing where there are none."""
    return "" if all(item.used.all() for item in fitted) else MARKS["crosses"]


def _beyond(spectra: Sequence[Spectrum], *, whole: bool) -> str:
    """What a caption says of points outside the frame; nothing where there are none."""
    number = points_beyond(spectra, whole=whole)
    if not number:
        return ""
    return MARKS["beyond"].format(points=counted(number, "point"), lie="lies" if number == 1 else "lie")


def _marks(fitted: Sequence[FittedRecord]) -> str:
    """What a caption says of points left out and of bands; nothing where there are none."""
    return _crosses(fitted) + (MARKS["band"] if any(item.curves is not None for item in fitted) else "")


def _numbered(panel: Panel, place: int, record: str) -> Panel:
    """The figure of one record among several."""
    return replace(panel, key=f"{panel.key}_{place + 1}", record=record)


def overview_panels(m: Material) -> Panels:
    """One picture: impedance, current and stability side by side."""
    panels = []
    if m.spectra:
        draw: Draw = partial(modulus_figure, spectra=m.spectra)
        crosses = _marks([spectrum.fitted for spectrum in m.spectra])
        panels.append(_panel("overview_impedance", draw, 58, spectra_data(m.spectra), crosses=crosses))
    if m.sweeps or m.steady:
        draw = partial(overview_sweeps_figure, sweeps=m.sweeps, steady=m.steady, stability=m.stability)
        data = {**sweeps_data(m.sweeps), **(steady_data(m.steady) if m.steady else {})}
        panels.append(_panel("overview_iv", draw, 58, data, crosses=_crosses(m.sweeps)))
    if m.stability:
        draw = partial(gain_margin_figure, curves=m.stability)
        panels.append(_panel("overview_gain_margin", draw, 58, margins_data(m.stability)))
    return Panels(tuple(panels))


def spectra_panels(m: Material) -> tuple[Panels, Panels]:
    """All spectra together, and each by itself."""
    if not m.spectra:
        return Panels(()), Panels(())
    data, crosses = spectra_data(m.spectra), _marks([spectrum.fitted for spectrum in m.spectra])
    around = crosses + _beyond(m.spectra, whole=True)
    together = (
        _panel("nyquist", partial(nyquist_figure, spectra=m.spectra), 80, data, crosses=around),
        _panel("bode", partial(bode_figure, spectra=m.spectra), 80, data, crosses=crosses),
    )
    each = (
        _numbered(
            _panel(
                "nyquist_each",
                partial(small_nyquist_figure, spectrum=spectrum),
                44,
                spectra_data([spectrum]),
                bias=spectrum.label,
                crosses=_crosses([spectrum.fitted]) + _beyond([spectrum], whole=False),
            ),
            place,
            spectrum.record.name,
        )
        for place, spectrum in enumerate(m.spectra)
    )
    return Panels(together), Panels(tuple(replace(panel, width=_SMALL) for panel in each))


def sweep_panels(m: Material) -> Panels:
    """Each sweep, linear and semilogarithmic."""
    panels = []
    for place, fitted in enumerate(m.sweeps):
        sweep = sweep_of(fitted)
        draw = partial(sweep_figure, fitted=fitted)
        words = {"what": sweep_title(sweep), "crosses": _marks([fitted])}
        panel = _panel("iv", draw, 85, sweeps_data([fitted]), **words)
        panels.append(_numbered(panel, place, sweep.name))
    return Panels(tuple(panels))


def transient_panels(m: Material) -> tuple[Panels, Panels]:
    """Each transient with its drive, and each against the logarithm of the time after its jumps."""
    with_drive, after_jumps = [], []
    for place, fitted in enumerate(m.transients):
        transient = transient_of(fitted)
        data = transient_data(fitted)
        what, crosses = drive_label(transient), _marks([fitted])
        draw = partial(transient_figure, fitted=fitted)
        panel = _panel("transient", draw, 68, data, what=what, crosses=crosses)
        with_drive.append(_numbered(panel, place, transient.name))
        if jumps(transient):
            draw = partial(log_time_figure, fitted=fitted)
            panel = _panel("transient_log", draw, 68, data, what=what)
            after_jumps.append(_numbered(panel, place, transient.name))
    if len(m.transients) == 1:  # side by side
        return Panels((*with_drive, *after_jumps)), Panels(())
    return Panels(tuple(with_drive)), Panels(tuple(after_jumps))


def residual_panels(m: Material) -> list[Panels]:
    """Residuals beside their autocorrelation, kind by kind."""
    strips = {
        "impedance": [strip_of(spectrum.fitted, spectrum.label) for spectrum in m.spectra],
        "iv": _strips(m.sweeps, [rate_label(sweep_of(item)) for item in m.sweeps]),
        "transient": _strips(m.transients, [peak_label(transient_of(item)) for item in m.transients]),
    }
    return [Panels(tuple(_strip_panels(kind, found))) for kind, found in strips.items()]


def _strips(fitted: Sequence[FittedRecord], labels: Sequence[str]) -> list[Strip]:
    """One strip a record, labels made distinct."""
    return [strip_of(item, label) for item, label in zip(fitted, distinct(labels), strict=True)]


def _strip_panels(kind: str, strips: Sequence[Strip]) -> list[Panel]:
    """Residuals and autocorrelation of one kind, a few records a sheet."""
    panels = []
    for sheet, first in enumerate(range(0, len(strips), _STRIPS)):
        part = strips[first : first + _STRIPS]
        height = 18.0 + 9.5 * max(len(part), 2)
        number = f"_{sheet + 1}" if len(strips) > _STRIPS else ""
        residuals: Draw = partial(residuals_figure, strips=part, kind=kind)
        correlations: Draw = partial(autocorrelation_figure, strips=part)
        for name, draw, data in (
            ("residuals", residuals, strips_data(part)),
            ("autocorrelation", correlations, autocorrelation_data(part)),
        ):
            panel = _panel(name, draw, height, data, kind=KINDS[kind])
            panels.append(replace(panel, key=f"{name}_{kind}{number}"))
    return panels


def voltage_panels(m: Material) -> Panels:
    """Steady state and impedance parameters against voltage."""
    if m.steady is None or m.parameters is None:
        return Panels(())
    curves = m.steady
    data = steady_data(curves)
    biases = measured_biases(m.parameters, [spectrum.record for spectrum in m.spectra])
    return Panels(
        (
            _panel("steady", partial(steady_figure, curves=curves, biases=biases), 85, data),
            _panel("resistances", partial(resistances_figure, curves=curves, biases=biases), 85, data),
        )
    )


def measured_biases(p: Parameters, spectra: Sequence[ImpedanceSpectrum]) -> FloatArray:
    """Junction voltages (V) at which spectra were taken, by the fitted model."""
    found = []
    for spectrum in spectra:
        value, unit = bias_of(spectrum)
        if value is not None:
            found.append(float(junction_voltage(p, "voltage" if unit == "V" else "current", [value])[0]))
    return np.array(found)


def stability_panels(m: Material) -> Panels:
    """Coefficients, determinant and gain margin against voltage."""
    curves = m.stability
    if curves is None:
        return Panels(())
    return Panels(
        (
            _panel(
                "coefficients", partial(coefficients_figure, curves=curves), 85, coefficients_data(curves)
            ),
            _panel("gain_margin", partial(gain_margin_figure, curves=curves), 85, margins_data(curves)),
        )
    )


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
    verdicts = [write(*item) for item in block.items() for write in (circuit_sentence, nearness_sentence)]
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
            Paragraph(SENTENCES["warnings"] if warnings else SENTENCES["no_warnings"]),
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
