"""What the field draws of a memristor: the loop with set and reset; figures against what they depend on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.arrays import FloatArray
from memfit.reporting.figures.marks import (
    BLUE,
    INK,
    VERMILLION,
    Margins,
    curve,
    dots,
    key,
    limits,
    place_axes,
    shade_band,
)
from memfit.reporting.figures.ticks import linear_axis, log_axis
from memfit.reporting.numbers import scale_for

_DECADES = 5.0
"""Of |I| that are shown at most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LoopCurves:
    """One loop: model, data where there are some, set and reset of the model."""

    voltage: FloatArray
    current: FloatArray
    """(n,) V and A, of the model."""
    data: tuple[FloatArray, FloatArray] | None
    marks: Sequence[tuple[float, str]]
    """Voltage (V) and marker."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Against:
    """A figure against what it depends on, SI."""

    x: FloatArray
    x_unit: str
    x_title: str
    y_unit: str
    y_title: str
    value: FloatArray
    low: FloatArray
    high: FloatArray
    points: Sequence[tuple[float, float, float, float]] = ()
    """Measured: place, value and the ends of its interval."""
    x_log: bool = True
    steps: bool = False
    """Whether the places are single reads."""
    signed: bool = False
    """Whether moduli are drawn on a logarithmic axis, negative values in another colour."""


def loop_figure(figure: Figure, loop: LoopCurves) -> None:
    """|I| against V on a logarithmic scale, with set and reset marked.

    Parameters
    ----------
    figure : Figure
        Empty.
    loop : LoopCurves
    """
    (axes,) = place_axes(figure, [1.0], Margins())
    V, modulus = loop.voltage, np.abs(loop.current)
    shown = modulus if loop.data is None else np.concatenate([modulus, np.abs(loop.data[1])])
    high = float(np.max(shown)) * 2.0
    low = max(float(np.percentile(shown[shown > 0.0], 2)) * 0.5, high * 10.0**-_DECADES)
    linear_axis(axes, "x", limits(V), 6)
    log_axis(axes, "y", (low, high), 6)
    if loop.data is not None:
        dots(axes, loop.data[0], np.abs(loop.data[1]))
    curve(axes, V, np.maximum(modulus, 0.1 * low))
    top = int(np.argmax(np.abs(V)))
    for voltage, marker in loop.marks:
        branch = slice(0, top + 1) if marker == "^" else slice(top, None)
        order = np.argsort(V[branch])
        height = float(np.interp(voltage, V[branch][order], modulus[branch][order]))
        axes.plot(
            [voltage], [height], linestyle="none", marker=marker, markersize=5, color=VERMILLION, zorder=4
        )
    axes.set_xlabel("V (V)")
    axes.set_ylabel("|I| (A)")


def against_figure(figure: Figure, data: Against) -> None:
    """A predicted figure with its band, and what was measured of it.

    Parameters
    ----------
    figure : Figure
        Empty.
    data : Against
    """
    (axes,) = place_axes(figure, [1.0], Margins(left=15.0))
    points = np.array(data.points).reshape(-1, 4)
    if data.signed:
        _signed_curve(axes, data, points)
        return
    largest = float(np.nanmax(np.abs(np.concatenate([data.value, points[:, 1]]))))
    factor, unit = scale_for(largest, data.y_unit)
    across, x_unit = (1.0, data.x_unit) if data.x_log else scale_for(float(np.max(data.x)), data.x_unit)
    x = data.x * across
    if data.x_log:
        log_axis(axes, "x", limits(x, points[:, 0], log=True), 6)
    else:
        linear_axis(axes, "x", limits(x, points[:, 0] * across), 6)
    within = (points[:, 0] >= data.x.min()) & (points[:, 0] <= data.x.max())
    linear_axis(axes, "y", limits(data.value * factor, points[within, 1] * factor), 5)
    if np.nanmin(data.value) < 0.0 < np.nanmax(data.value):
        axes.axhline(0.0, color=INK, linewidth=0.4, zorder=0)
    if np.any(np.isfinite(data.low)):
        shade_band(axes, x, data.low * factor, data.high * factor)
    curve(axes, x, data.value * factor)
    if data.steps:
        dots(axes, x, data.value * factor, size=2.2)
    for place, value, low, high in points:
        axes.plot([place * across] * 2, [low * factor, high * factor], color=INK, linewidth=0.7, zorder=3)
        dots(axes, np.array([place * across]), np.array([value * factor]), size=3.0)
    axes.set_xlabel(f"{data.x_title} ({x_unit})" if x_unit else data.x_title)
    axes.set_ylabel(f"{data.y_title} ({unit})" if unit else data.y_title)


def _signed_curve(axes: Axes, data: Against, points: FloatArray) -> None:
    """Moduli on a logarithmic axis; what is negative in another colour."""
    shown = np.abs(np.concatenate([data.value, points[:, 1]]))
    log_axis(axes, "x", limits(data.x, points[:, 0], log=True), 6)
    log_axis(axes, "y", limits(shown, log=True), 6)
    negative = data.value < 0.0
    for sign, colour in ((negative, BLUE), (~negative, INK)):
        curve(axes, data.x, np.where(sign, np.abs(data.value), np.nan), colour)
        dots(axes, data.x[sign], np.abs(data.value[sign]), colour, 2.0)
    for place, value, low, high in points:
        colour = BLUE if value < 0.0 else INK
        axes.plot([place] * 2, np.abs([low, high]), color=colour, linewidth=0.7, zorder=3)
        axes.plot([place], [abs(value)], linestyle="none", marker="s", markersize=3.0, color=colour, zorder=4)
    key(axes, [(BLUE, "negative: inductive"), (INK, "positive: capacitive")], at=(0.05, 0.96))
    axes.set_xlabel(f"{data.x_title} ({data.x_unit})")
    axes.set_ylabel(f"|{data.y_title}| ({data.y_unit})")
