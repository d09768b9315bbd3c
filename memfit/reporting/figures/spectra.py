"""Impedance spectra beside the model: Nyquist with equal axes and decade marks, and Bode.

-Z'' points upward; inductive points, below the axis, are kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.arrays import ComplexArray, FloatArray
from memfit.datasets import ImpedanceSpectrum
from memfit.fitting import FittedRecord
from memfit.model import Parameters
from memfit.reporting.content import SENTENCES, Columns, distinct
from memfit.reporting.figures.marks import (
    BAND,
    BAND_ALPHA,
    INK,
    MODEL,
    SEEN,
    Margins,
    crosses,
    curve,
    dots,
    few,
    graded_colour,
    kept,
    key,
    limits,
    place_axes,
    shade_band,
)
from memfit.reporting.figures.ticks import hide_tick_labels, linear_axis, log_axis
from memfit.reporting.fit.curves import (
    ModelCurve,
    band_ends,
    bias_of,
    by_frequency,
    model_curve,
    nyquist_band,
    spectrum_of,
)
from memfit.reporting.numbers import power_of_ten, quantity, scale_for, series

_REACH = 1.6
"""Model curves are shown whole up to this many times the largest |Z| measured."""
_MOST = 85.0
"""Per cent of the points of one spectrum that its frame holds in any case."""
_FAR, _SHOWN = 6.0, 1.5
"""A frame holds everything up to the first many times what is typical, else up to the second many times."""
_LABEL_AWAY = 7.0
"""Distance of the label of a decade from its ring, points."""
_LABEL_ROOM = 0.09
"""Share of the width of the axes that a label of a decade needs."""
_ON_A_DECADE = 0.06
"""Distance in decades at which a frequency still counts as a whole power of ten."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A spectrum as it is drawn."""

    fitted: FittedRecord
    model: ModelCurve
    label: str
    """Bias."""
    grade: float
    """Place in the series, from 0 to 1; gives the colour of the data."""

    @property
    def colour(self) -> Any:
        """Of the data, in the style in force."""
        return graded_colour(self.grade)

    @property
    def record(self) -> ImpedanceSpectrum:
        """What was measured."""
        return spectrum_of(self.fitted)


def spectra_of(fitted: Sequence[FittedRecord], p: Parameters | None) -> tuple[Spectrum, ...]:
    """Spectra in order of bias, with labels of one unit and graded colours.

    Parameters
    ----------
    fitted : sequence of FittedRecord
        Spectra.
    p : Parameters, optional
        Of the fitted model.
    """
    ordered = sorted(fitted, key=lambda item: bias_of(spectrum_of(item))[0] or 0.0)
    biases = [bias_of(spectrum_of(item)) for item in ordered]
    known = [value for value, _ in biases if value is not None]
    units = {unit for _, unit in biases}
    if len(known) == len(biases) and len(units) == 1:
        labels = distinct(series(known, units.pop()))
    else:
        labels = distinct(
            [quantity(value, unit) if value is not None else SENTENCES["no_bias"] for value, unit in biases]
        )
    grades = np.linspace(0.0, 1.0, len(ordered)).tolist()
    return tuple(
        Spectrum(item, model_curve(item, p), label, grade)
        for item, label, grade in zip(ordered, labels, grades, strict=True)
    )


def draw_nyquist(axes: Axes, spectra: Sequence[Spectrum], *, label_decades: bool = False) -> str:
    """Data as dots, model as lines, rings at whole decades of frequency; equal axes.

    The limits hold the data and the model but where they run far beyond: near a Hopf point a resonance would
    leave the rest a speck.

    Parameters
    ----------
    axes : Axes
    spectra : sequence of Spectrum
    label_decades : bool
        Whether each ring has its frequency.

    Returns
    -------
    str
        Symbol of the unit of both axes.
    """
    data = [kept(spectrum.record.impedance, spectrum.fitted.used) for spectrum in spectra]
    reach = _reach(data, whole=not label_decades)
    factor, unit = scale_for(min(reach, max(float(np.abs(Z).max()) for Z in data)), "ohm")
    zero = np.array([0.0])
    models = [
        _within(spectrum.model[1], min(reach, _REACH * float(np.abs(Z).max())))
        for spectrum, Z in zip(spectra, data, strict=True)
    ]
    everything = np.concatenate([*(_within(Z, reach) for Z in data), *models]) * factor
    _equal_limits(axes, limits(everything.real, zero), limits(-everything.imag, zero))
    axes.axhline(0.0, color=INK, linewidth=0.4, zorder=0)
    for spectrum in spectra:
        Z, Z_model, shown = spectrum.record.impedance, spectrum.model[1], spectrum.fitted.used
        band = nyquist_band(spectrum.fitted, *spectrum.model)
        if band and factor * np.max(np.abs(band[1] - band[0])) > SEEN * np.ptp(axes.get_ylim()):
            outline = np.concatenate([band[0], band[1][::-1]]) * factor
            axes.fill(outline.real, -outline.imag, color=BAND, linewidth=0, alpha=BAND_ALPHA, zorder=0.5)
        curve(axes, Z_model.real * factor, -Z_model.imag * factor, MODEL, linewidth=0.6, zorder=1)
        dots(axes, Z.real[shown] * factor, -Z.imag[shown] * factor, spectrum.colour, 2.4)
        if not shown.all():
            crosses(axes, Z.real[~shown] * factor, -Z.imag[~shown] * factor)
        _decade_marks(axes, spectrum.record, factor, label_decades)
    return unit


def _reach(data: Sequence[ComplexArray], *, whole: bool) -> float:
    """Largest |Z| (ohm) that the frame must hold: all of it, but for a few points far beyond the others.

    One spectrum by itself is shown whole, or its bulk.
    """
    if len(data) == 1 and whole:
        return float(np.abs(data[0]).max())
    if len(data) > 1:
        typical = float(np.median([np.abs(Z).max() for Z in data]))
    else:
        typical = float(np.percentile(np.abs(data[0]), _MOST))
    largest = max(float(np.abs(Z).max()) for Z in data)
    return largest if largest <= _FAR * typical else _SHOWN * typical


def points_beyond(spectra: Sequence[Spectrum], *, whole: bool) -> int:
    """Number of points that lie outside the frame of a Nyquist plot of these spectra.

    Parameters
    ----------
    spectra : sequence of Spectrum
    whole : bool
        Whether one spectrum by itself is shown whole: True for `nyquist_figure`.
    """
    data = [kept(spectrum.record.impedance, spectrum.fitted.used) for spectrum in spectra]
    return int(sum(np.count_nonzero(np.abs(Z) > _reach(data, whole=whole)) for Z in data))


def _within(Z: ComplexArray, reach: float) -> ComplexArray:
    """The points that the frame must hold."""
    reached: ComplexArray = Z[np.abs(Z) <= reach]
    return reached


def _equal_limits(axes: Axes, x: tuple[float, float], y: tuple[float, float]) -> None:
    """Set limits so that an ohm is as long upward as it is to the right, with the data inside."""
    box = axes.get_position()
    width, height = axes.get_figure().get_size_inches()  # type: ignore[union-attr]
    across, up = box.width * width, box.height * height
    per_inch = max((x[1] - x[0]) / across, (y[1] - y[0]) / up)
    spare_x, spare_y = per_inch * across - (x[1] - x[0]), per_inch * up - (y[1] - y[0])
    linear_axis(axes, "x", (x[0] - 0.5 * spare_x, x[1] + 0.5 * spare_x), 4)
    linear_axis(axes, "y", (y[0] - 0.3 * spare_y, y[1] + 0.7 * spare_y), 4)


def _decade_marks(axes: Axes, spectrum: ImpedanceSpectrum, factor: float, label: bool) -> None:
    """Rings where the frequency is a whole power of ten, labelled by it if wanted.

    A label stands outside the curve, inside the axes, and not where it would cover those at the ends.
    """
    decades = np.log10(spectrum.frequency)
    whole = np.arange(np.ceil(decades.min() - _ON_A_DECADE), np.floor(decades.max() + _ON_A_DECADE) + 1)
    nearest = np.argmin(np.abs(decades[:, None] - whole), axis=0)
    there = np.abs(decades[nearest] - whole) <= _ON_A_DECADE
    Z = spectrum.impedance * factor
    rings = Z[nearest[there]]
    style: dict[str, Any] = {"markersize": 3.4, "mfc": "none", "markeredgecolor": INK, "markeredgewidth": 0.4}
    axes.plot(rings.real, -rings.imag, "o", **style)
    if not label:
        return
    ends = Z[[np.argmin(spectrum.frequency), np.argmax(spectrum.frequency)]]
    middle = np.array([0.5 * (part.min() + part.max()) for part in (Z.real, -Z.imag)])
    box = np.array([axes.get_xlim(), axes.get_ylim()])
    size = np.diff(box)[:, 0]
    for decade, ring in zip(whole[there], rings, strict=True):
        if np.any(np.abs(ring - ends) <= _LABEL_ROOM * size[0]):
            continue
        at = np.array([ring.real, -ring.imag])
        away = (at - middle) / (np.hypot(*(at - middle)) or 1.0)
        share = (at - box[:, 0]) / size + _LABEL_ROOM * away
        inside = np.all((share > 0.5 * _LABEL_ROOM) & (share < 1.0 - 0.5 * _LABEL_ROOM))
        axes.annotate(
            power_of_ten(int(decade)),
            tuple(at),
            tuple(_LABEL_AWAY * (away if inside else -away)),
            textcoords="offset points",
            fontsize=5.5,
            ha="center",
            va="center",
            annotation_clip=False,
        )


def nyquist_figure(figure: Figure, spectra: Sequence[Spectrum]) -> None:
    """All spectra in one Nyquist plot, graded by bias.

    Parameters
    ----------
    figure : Figure
        Empty.
    spectra : sequence of Spectrum
        As from `spectra_of`.
    """
    (axes,) = place_axes(figure, [1], Margins(right=17))
    unit = draw_nyquist(axes, spectra)
    axes.set_xlabel(f"Z′ ({unit})")
    axes.set_ylabel(f"−Z″ ({unit})")
    _bias_key(axes, spectra)


def _bias_key(axes: Axes, spectra: Sequence[Spectrum]) -> None:
    """Which colour is which bias."""
    chosen = [spectra[i] for i in few(len(spectra), 12)]
    key(axes, [(spectrum.colour, spectrum.label) for spectrum in chosen], title="Bias")


def small_nyquist_figure(figure: Figure, spectrum: Spectrum) -> None:
    """One spectrum, with labelled decades.

    Parameters
    ----------
    figure : Figure
        Empty.
    spectrum : Spectrum
    """
    (axes,) = place_axes(figure, [1], Margins(left=11.5, right=1.5, top=4.5, bottom=7.6))
    unit = draw_nyquist(axes, [spectrum], label_decades=True)
    axes.set_title(spectrum.label, pad=2.5)
    axes.set_xlabel(f"Z′ ({unit})", labelpad=1)
    axes.set_ylabel(f"−Z″ ({unit})", labelpad=1)


def bode_figure(figure: Figure, spectra: Sequence[Spectrum]) -> None:
    """Modulus and phase of all spectra against frequency, graded by bias.

    Parameters
    ----------
    figure : Figure
        Empty.
    spectra : sequence of Spectrum
        As from `spectra_of`.
    """
    modulus, phase = place_axes(figure, [1, 1], Margins(right=17))
    draw_modulus(modulus, spectra)
    hide_tick_labels(modulus)
    draw_phase(phase, spectra)
    phase.set_xlabel("Frequency (Hz)")
    _bias_key(modulus, spectra)


def modulus_figure(figure: Figure, spectra: Sequence[Spectrum]) -> None:
    """Modulus of all spectra against frequency: the impedance in the overview."""
    (axes,) = place_axes(figure, [1], Margins(right=17))
    draw_modulus(axes, spectra)
    axes.set_xlabel("Frequency (Hz)")
    _bias_key(axes, spectra)


def draw_modulus(axes: Axes, spectra: Sequence[Spectrum]) -> None:
    """|Z| (ohm) against frequency, both logarithmic.

    Parameters
    ----------
    axes : Axes
    spectra : sequence of Spectrum
    """
    moduli = [np.abs(spectrum.record.impedance) for spectrum in spectra]
    shown = [kept(modulus, s.fitted.used) for modulus, s in zip(moduli, spectra, strict=True)]
    log_axis(axes, "y", limits(*shown, log=True), 6)
    axes.set_ylabel("|Z| (Ω)")
    _draw_against_frequency(axes, spectra, moduli, lambda _, Z: np.abs(Z))


def draw_phase(axes: Axes, spectra: Sequence[Spectrum]) -> None:
    """-arg Z (degrees) against frequency, on the turn nearest to the model: data jump near a resonance.

    Parameters
    ----------
    axes : Axes
    spectra : sequence of Spectrum
    """
    phases = []
    for spectrum in spectra:
        frequency, (finer, model) = spectrum.record.frequency, spectrum.model
        near = np.interp(np.log(frequency), np.log(finer), _minus_phase(finer, model))
        phase = _minus_phase(frequency, spectrum.record.impedance)
        phases.append(phase + 360.0 * np.round((near - phase) / 360.0))
    values = limits(*(kept(phase, s.fitted.used) for phase, s in zip(phases, spectra, strict=True)))
    linear_axis(axes, "y", values, step=90.0 if values[1] - values[0] > 200.0 else 30.0)
    axes.axhline(0.0, color=INK, linewidth=0.4, zorder=0)
    axes.set_ylabel("−arg Z (°)")
    _draw_against_frequency(axes, spectra, phases, _minus_phase)


def _minus_phase(frequency: FloatArray, Z: ComplexArray) -> FloatArray:
    """-arg Z (degrees) along the last axis, without jumps of 360 as the frequency falls from its high end."""
    falling = np.argsort(-frequency, kind="stable")
    phase = np.empty(Z.shape)
    phase[..., falling] = -np.degrees(np.unwrap(np.angle(Z[..., falling])))
    return phase


def _draw_against_frequency(
    axes: Axes,
    spectra: Sequence[Spectrum],
    data: Sequence[FloatArray],
    model_of: Callable[[FloatArray, ComplexArray], FloatArray],
) -> None:
    """Dots and model curves of one quantity of Z."""
    log_axis(axes, "x", limits(*(spectrum.record.frequency for spectrum in spectra), log=True, pad=0.02), 9)
    for spectrum, values in zip(spectra, data, strict=True):
        frequency, shown = spectrum.record.frequency, spectrum.fitted.used
        finer, Z = spectrum.model
        curve(axes, finer, model_of(finer, Z), MODEL, linewidth=0.5, zorder=1)
        measured = by_frequency(spectrum.fitted)
        if measured:
            at, predicted, curves = measured
            away = model_of(at, curves) - model_of(at, predicted)
            share = away / model_of(at, predicted) if axes.get_yscale() == "log" else away
            low, high = (np.interp(np.log(finer), np.log(at), end) for end in band_ends(share))
            middle = model_of(finer, Z)
            around = middle if axes.get_yscale() == "log" else 1.0
            shade_band(axes, finer, middle + around * low, middle + around * high)
        dots(axes, frequency[shown], values[shown], spectrum.colour, 2.2)
        if not shown.all():
            crosses(axes, frequency[~shown], values[~shown])


def spectra_data(spectra: Sequence[Spectrum]) -> Columns:
    """Data and model of spectra, end to end, with the ends of the bands of Z' and Z'' where all are known.

    Parameters
    ----------
    spectra : sequence of Spectrum
    """
    records = [spectrum.record for spectrum in spectra]
    model = np.concatenate([np.asarray(spectrum.fitted.predicted) for spectrum in spectra])
    Z = np.concatenate([record.impedance for record in records])
    biases = [bias_of(record)[0] for record in records]
    columns = {
        "bias": np.repeat(
            [np.nan if value is None else value for value in biases], [r.points for r in records]
        ),
        "frequency_Hz": np.concatenate([record.frequency for record in records]),
        "Z_real_ohm": Z.real,
        "Z_imag_ohm": Z.imag,
        "model_Z_real_ohm": model.real,
        "model_Z_imag_ohm": model.imag,
    }
    curves = [np.asarray(s.fitted.curves) for s in spectra if s.fitted.curves is not None]
    if len(curves) == len(spectra):
        for name, part in (("real", np.real), ("imag", np.imag)):
            bands = [band_ends(part(some)) for some in curves]
            columns[f"model_Z_{name}_low_ohm"] = np.concatenate([low for low, _ in bands])
            columns[f"model_Z_{name}_high_ohm"] = np.concatenate([high for _, high in bands])
    return columns
