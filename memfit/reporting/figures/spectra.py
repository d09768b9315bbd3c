"""Impedance spectra as they are drawn beside the model, with their biases, and modulus and phase.

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
    INK,
    MODEL,
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
    spectrum_of,
)
from memfit.reporting.numbers import quantity, series


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


def bias_key(axes: Axes, spectra: Sequence[Spectrum]) -> None:
    """Which colour is which bias.

    Parameters
    ----------
    axes : Axes
    spectra : sequence of Spectrum
    """
    chosen = [spectra[i] for i in few(len(spectra), 12)]
    key(axes, [(spectrum.colour, spectrum.label) for spectrum in chosen], title="Bias")


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
    bias_key(modulus, spectra)


def modulus_figure(figure: Figure, spectra: Sequence[Spectrum]) -> None:
    """Modulus of all spectra against frequency: the impedance in the overview."""
    (axes,) = place_axes(figure, [1], Margins(right=17))
    draw_modulus(axes, spectra)
    axes.set_xlabel("Frequency (Hz)")
    bias_key(axes, spectra)


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
