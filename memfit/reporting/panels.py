"""The figures of a report: which there are for a fit, of what size, with which words and numbers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from memfit.arrays import FloatArray
from memfit.datasets.records import ImpedanceSpectrum
from memfit.fitting.result import FittedRecord
from memfit.model.parameters import Parameters
from memfit.model.steady import junction_voltage
from memfit.reporting.captions import FIGURE_WORDS
from memfit.reporting.content import Panel, Panels
from memfit.reporting.figuredata import (
    autocorrelation_data,
    coefficients_data,
    margins_data,
    spectra_data,
    steady_data,
    strips_data,
    sweeps_data,
    transient_data,
)
from memfit.reporting.figures.residuals import Strip, autocorrelation_figure, residuals_figure, strip_of
from memfit.reporting.figures.spectra import (
    Spectrum,
    bias_of,
    bode_figure,
    modulus_figure,
    nyquist_figure,
    points_beyond,
    small_nyquist_figure,
)
from memfit.reporting.figures.sweeps import (
    overview_sweeps_figure,
    rate_label,
    sweep_figure,
    sweep_of,
    sweep_title,
)
from memfit.reporting.figures.transients import (
    drive_label,
    jumps,
    log_time_figure,
    peak_label,
    transient_figure,
    transient_of,
)
from memfit.reporting.figures.voltage import (
    coefficients_figure,
    gain_margin_figure,
    resistances_figure,
    steady_figure,
)
from memfit.reporting.material import Material
from memfit.reporting.words import BAND, BEYOND, CROSSES, KINDS, counted, distinct

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
    return "" if all(item.used.all() for item in fitted) else CROSSES


def _beyond(spectra: Sequence[Spectrum], *, whole: bool) -> str:
    """What a caption says of points outside the frame; nothing where there are none."""
    number = points_beyond(spectra, whole=whole)
    if not number:
        return ""
    return BEYOND.format(points=counted(number, "point"), lie="lies" if number == 1 else "lie")


def _marks(fitted: Sequence[FittedRecord]) -> str:
    """What a caption says of points left out and of bands; nothing where there are none."""
    return _crosses(fitted) + (BAND if any(item.curves is not None for item in fitted) else "")


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
