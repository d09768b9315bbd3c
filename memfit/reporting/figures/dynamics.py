"""What a device does in a circuit: bifurcation diagram, frequency, maps of regions and of the gain margin."""

from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.analysis.regions import RegionMap
from memfit.arrays import BoolArray, FloatArray
from memfit.reporting.dynamics import Dynamics, GainMap, attracts
from memfit.reporting.figures.marks import (
    GREY,
    INK,
    VERMILLION,
    Margins,
    curve,
    key,
    limits,
    place_axes,
)
from memfit.reporting.figures.ticks import linear_axis, log_axis
from memfit.reporting.numbers import scale_for
from memfit.reporting.smoothing import smooth_line
from memfit.reporting.words import SYMBOLS

_DASHED: Any = (0, (3, 2))
_OSCILLATES, _RINGS = "#f6d6b8", "#d5e6f3"
_LOG_MARGINS = np.log([1.0, 1.25, 2.0, 5.0, 10.0, 100.0])
_MARGIN_COLOURS = ("#efb681", "#fbeee2", "#e6f0f8", "#c4dcee", "#93bfe0", "#5b9fd0", "#3a7fb5")
_MARGIN_WORDS = ("below 1", "1 to 1.25", "1.25 to 2", "2 to 5", "5 to 10", "10 to 100", "above 100")
_LARGEST_LOG = 50.0
_FINER, _FEWEST_SMOOTH = 8, 5
_NARROW = 6.0  # ratio of the ends of an axis below which it is linear
_UNITS = {"C_m": "F", "C_external": "F", "i_c0": "A", "V_m": "V", "tau_d": "s", "tau_k": "s"}


def bifurcation_figure(figure: Figure, found: Dynamics) -> None:
    """Steady junction voltage and extremes of the limit cycles against the source; unstable is dashed."""
    (axes,) = place_axes(figure, [1], Margins(right=22))
    scale = _source_axis(axes, found)
    cycles = found.diagram.cycles
    lows, highs = (np.array([cycle.u[end] for cycle in cycles]) for end in (0, 1))
    linear_axis(axes, "y", limits(found.steady.u, lows, highs))
    unstable = found.steady.kind >= 2
    for pick, style in ((~unstable, "-"), (unstable, _DASHED)):
        curve(axes, found.steady.source * scale, _where(pick, found.steady.u), INK, linestyle=style)
    source, stable = _cycle_sources(found) * scale, _stable(found)
    for ends in (lows, highs):
        _branch(axes, source, ends, stable)
    key(axes, [(INK, "steady state"), (VERMILLION, "limit cycle")])
    axes.set_ylabel("u (V)")


def frequency_figure(figure: Figure, found: Dynamics) -> None:
    """Frequency of the limit cycles, and of the ringing about the steady state, against the source."""
    (axes,) = place_axes(figure, [1], Margins(right=22))
    scale = _source_axis(axes, found)
    ringing = np.where(found.steady.frequency_Hz > 0.0, found.steady.frequency_Hz, np.nan)
    frequency = np.array([cycle.frequency_Hz for cycle in found.diagram.cycles])
    linear_axis(axes, "y", limits(ringing, frequency, np.array([0.0]), pad=0.03))
    curve(axes, found.steady.source * scale, ringing, GREY, linewidth=0.7)
    _branch(axes, _cycle_sources(found) * scale, frequency, _stable(found))
    key(axes, [(VERMILLION, "limit cycle"), (GREY, "eigenvalue")])
    axes.set_ylabel("Frequency (Hz)")


def load_map_figure(figure: Figure, regions: RegionMap) -> None:
    """What the device does over bias and load of a voltage source."""
    (axes,) = place_axes(figure, [1], Margins(right=22))
    linear_axis(axes, "x", (float(regions.x[0]), float(regions.x[-1])), 5)
    log_axis(axes, "y", (float(regions.y[0]), float(regions.y[-1])), 6)
    rings, margin = (regions.region >= 1).astype(np.float64), _bounded(regions)
    entries = []
    if np.ptp(rings) > 0.0:
        axes.contourf(regions.x, regions.y, rings, levels=[0.5, 1.5], colors=[_RINGS])
        entries.append((_RINGS, "rings"))
    if margin.min() < 0.0:
        axes.contourf(regions.x, regions.y, margin, levels=[-_LARGEST_LOG, 0.0], colors=[_OSCILLATES])
        axes.contour(regions.x, regions.y, margin, levels=[0.0], colors=[VERMILLION], linewidths=0.9)
        entries.append((_OSCILLATES, "oscillates"))
    key(axes, entries)
    axes.set_xlabel("u (V)")
    axes.set_ylabel("Load (Ω)")


def gain_map_figure(figure: Figure, found: GainMap) -> None:
    """Smallest gain margin over two parameters, the device with its 95 % ellipse on it."""
    (axes,) = place_axes(figure, [1], Margins(right=22))
    regions, margin = found.map, _bounded(found.map)
    x_factor = _map_axis(axes, "x", regions.x_name, regions.x)
    y_factor = _map_axis(axes, "y", regions.y_name, regions.y)
    x, y = regions.x * x_factor, regions.y * y_factor
    levels = [-_LARGEST_LOG, *_LOG_MARGINS, 2.0 * _LARGEST_LOG]
    axes.contourf(x, y, margin, levels=levels, colors=_MARGIN_COLOURS)
    if margin.min() < 0.0 < margin.max():
        axes.contour(x, y, margin, levels=[0.0], colors=[VERMILLION], linewidths=0.9)
    rings = (regions.region >= 1).astype(np.float64)
    if 0.0 < rings.mean() < 1.0:
        axes.contour(x, y, rings, levels=[0.5], colors=[INK], linewidths=0.6, linestyles=[_DASHED])
    if found.ellipse is not None:
        curve(axes, found.ellipse[0] * x_factor, found.ellipse[1] * y_factor, INK)
    _mark_device(axes, found.device[0] * x_factor, found.device[1] * y_factor)
    bands = zip(_MARGIN_COLOURS, _MARGIN_WORDS, levels[:-1], levels[1:], strict=True)
    shown = [
        (colour, words) for colour, words, low, high in bands if np.any((margin >= low) & (margin < high))
    ]
    key(axes, shown, title="Gain margin")


def _map_axis(axes: Axes, which: Literal["x", "y"], name: str, values: FloatArray) -> float:
    """An axis of a map; gives the factor from SI to its unit."""
    factor, unit = scale_for(float(values[-1]), _UNITS.get(name, "ohm"))
    ends = float(values[0]) * factor, float(values[-1]) * factor
    (linear_axis if ends[1] < _NARROW * ends[0] else log_axis)(axes, which, ends, 5)
    meaning = SYMBOLS[name].meaning
    getattr(axes, f"set_{which}label")(f"{meaning[0].upper()}{meaning[1:]} ({unit})")
    return factor


def _mark_device(axes: Axes, x: float, y: float) -> None:
    """A ring where the device is."""
    axes.plot(x, y, "o", markerfacecolor="white", markeredgecolor=INK, markeredgewidth=0.9, markersize=4.5)
    axes.annotate("device", (x, y), (4, 4), textcoords="offset points", fontsize=6, color=INK)


def _source_axis(axes: Axes, found: Dynamics) -> float:
    """The horizontal axis: what the source holds; gives the factor from SI to its unit."""
    control = found.circuit.control
    source = found.steady.source
    scale, unit = scale_for(float(np.abs(source).max()), "A" if control == "current" else "V")
    linear_axis(axes, "x", (float(source[0]) * scale, float(source[-1]) * scale), 6)
    axes.set_xlabel(f"Source {control} ({unit})")
    return scale


def _branch(axes: Axes, source: FloatArray, values: FloatArray, stable: BoolArray) -> None:
    """A branch of limit cycles, smooth between those computed: stable parts solid, unstable ones dashed."""
    if source.size >= _FEWEST_SMOOTH:
        stable = stable[np.rint(np.arange(_FINER * (source.size - 1) + 1) / _FINER).astype(np.int64)]
        source, values = smooth_line(source, _FINER), smooth_line(values, _FINER)
    for pick, style in ((stable, "-"), (~stable, _DASHED)):
        curve(axes, source, _where(pick, values), VERMILLION, linestyle=style)


def _cycle_sources(found: Dynamics) -> FloatArray:
    """What the source holds on the branch, SI."""
    return np.array([cycle.source for cycle in found.diagram.cycles])


def _stable(found: Dynamics) -> BoolArray:
    """Which cycles of the branch are stable."""
    return np.array([attracts(cycle) for cycle in found.diagram.cycles], dtype=bool)


def _where(pick: BoolArray, values: FloatArray) -> FloatArray:
    """The values picked; NaN, which breaks a line, elsewhere."""
    return np.where(pick, values, np.nan)


def _bounded(regions: RegionMap) -> FloatArray:
    """The logarithm of the gain margin within what can be drawn."""
    return np.clip(regions.log_gain_margin, 0.99 * -_LARGEST_LOG, _LARGEST_LOG)
