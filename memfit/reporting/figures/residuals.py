"""Normalised residuals, one strip a record, and their autocorrelation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.arrays import FloatArray
from memfit.fitting.result import FittedRecord
from memfit.reporting.figures.marks import (
    BLUE,
    INK,
    PALE,
    VERMILLION,
    Margins,
    dots,
    key,
    limits,
    place_axes,
)
from memfit.reporting.figures.ticks import draw_ticks, linear_axis, log_axis
from memfit.reporting.numbers import scale_for

_STRIP = 9.0
"""Height of a strip in standard deviations."""
_CLIP = 4.2
"""Residuals beyond are drawn at the edge of their strip."""
LAGS = 25
_LARGEST_CORRELATION = 0.65
"""Half the height of a strip of autocorrelation; what lies beyond is drawn at its edge."""


@dataclass(frozen=True)
class Strip:
    """Residuals of one record along a coordinate."""

    label: str
    coordinate: FloatArray
    """(n,) frequency (Hz), time (s) or index."""
    parts: tuple[tuple[str, FloatArray], ...]
    """Name and (n,) residuals in standard deviations, of the points used."""


def strip_of(fitted: FittedRecord, label: str) -> Strip:
    """The strip of a fitted record: against frequency, time or place in the sweep; used points only."""
    record, used = fitted.record, fitted.used
    residuals = fitted.residuals[used]
    if record.kind == "impedance":
        frequency = record.frequency[used]  # type: ignore[union-attr]
        return Strip(label, frequency, (("Z′", residuals.real), ("Z″", residuals.imag)))
    time = record.time  # type: ignore[union-attr]
    coordinate = np.linspace(0.0, 1.0, record.points) if time is None else time
    if record.kind == "iv":
        coordinate = (coordinate - coordinate[0]) / (float(np.ptp(coordinate)) or 1.0)
    return Strip(label, coordinate[used], (("", np.asarray(residuals, dtype=np.float64)),))


def autocorrelation(residuals: FloatArray, lags: int = LAGS) -> FloatArray:
    """(m,) correlation of residuals with themselves, 1 to `lags` points later."""
    centred = residuals - residuals.mean() if residuals.size else residuals
    power = float(centred @ centred)
    most = min(lags, residuals.size - 1)
    if power == 0.0 or most < 1:
        return np.zeros(0)
    return np.array([float(centred[lag:] @ centred[:-lag]) / power for lag in range(1, most + 1)])


def residuals_figure(figure: Figure, strips: Sequence[Strip], kind: str) -> None:
    """Residuals in standard deviations, one strip a record, with a band of ±2."""
    (axes,) = place_axes(figure, [1], Margins(left=17, top=6))
    _strip_axes(axes, strips)
    coordinates = [strip.coordinate for strip in strips]
    factor = 1.0
    if kind == "impedance":
        log_axis(axes, "x", limits(*coordinates, log=True, pad=0.02), 9)
        axes.set_xlabel("Frequency (Hz)")
    elif kind == "iv":
        linear_axis(axes, "x", (-0.01, 1.01))
        axes.set_xlabel("Part of the sweep")
    else:
        longest = max(float(np.ptp(c)) for c in coordinates)
        factor, unit = scale_for(longest, "s")
        linear_axis(axes, "x", limits(*(c * factor for c in coordinates), pad=0.02))
        axes.set_xlabel(f"Time ({unit})")
    colours = (BLUE, VERMILLION)
    for place, strip in enumerate(strips):
        base = -_STRIP * place
        for (_, residuals), colour in zip(strip.parts, colours, strict=False):
            dots(axes, strip.coordinate * factor, base + np.clip(residuals, -_CLIP, _CLIP), colour, 1.5)
    names = [name for name, _ in strips[0].parts if name]
    for place, (name, colour) in enumerate(zip(names, colours, strict=False)):
        key(axes, [(colour, name)], at=(0.12 * place, 1.0 + 4.2 / _inner_height(axes)))


def _strip_axes(axes: Axes, strips: Sequence[Strip]) -> None:
    """Bands, zero lines and labels of the strips."""
    bases = [-_STRIP * place for place in range(len(strips))]
    axes.set_ylim(bases[-1] - _STRIP / 2, _STRIP / 2)
    for base in bases:
        axes.axhspan(base - 2.0, base + 2.0, color=PALE, alpha=0.6, linewidth=0, zorder=-2)
    axes.hlines(bases, 0, 1, transform=axes.get_yaxis_transform(), color=INK, linewidth=0.4)
    draw_ticks(axes, "y", bases, [strip.label for strip in strips], marks=False)


def _inner_height(axes: Axes) -> float:
    """Height of the axes, mm."""
    figure = axes.get_figure()
    return float(axes.get_position().height * figure.get_size_inches()[1] * 25.4)  # type: ignore[union-attr]


def autocorrelation_figure(figure: Figure, strips: Sequence[Strip]) -> None:
    """Autocorrelation of the residuals at lags of 1 to 25 points; the band holds 95 % of white residuals."""
    (axes,) = place_axes(figure, [1], Margins(left=17))
    scale = _STRIP / (2 * _LARGEST_CORRELATION)
    _autocorrelation_bands(axes, strips, scale)
    for place, strip in enumerate(strips):
        base = -_STRIP * place
        for part, colour in zip(range(len(strip.parts)), (BLUE, VERMILLION), strict=False):
            values = autocorrelation(strip.parts[part][1])
            lag = np.arange(1, values.size + 1) + 0.25 * part
            shown = np.clip(values, -_LARGEST_CORRELATION, _LARGEST_CORRELATION)
            axes.vlines(lag, base, base + scale * shown, color=colour, linewidth=1.1)
    linear_axis(axes, "x", (0, LAGS + 1))
    axes.set_xlabel("Lag (points)")


def _autocorrelation_bands(axes: Axes, strips: Sequence[Strip], scale: float) -> None:
    """Zero lines, labels, and the band of white noise of each strip."""
    bases = [-_STRIP * place for place in range(len(strips))]
    axes.set_ylim(bases[-1] - _STRIP / 2, _STRIP / 2)
    for base, strip in zip(bases, strips, strict=True):
        white = scale * 1.96 / np.sqrt(max(strip.coordinate.size, 1))
        axes.axhspan(base - white, base + white, color=PALE, linewidth=0, zorder=-2)
    axes.hlines(bases, 0, 1, transform=axes.get_yaxis_transform(), color=INK, linewidth=0.4)
    draw_ticks(axes, "y", bases, [strip.label for strip in strips], marks=False)
