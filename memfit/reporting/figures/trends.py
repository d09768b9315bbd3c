"""Quantities against what is known of the devices, against each other, and curves of many devices.

The curves are steady currents, and impedances at equal (u - V_T)/V_m over the dc resistance, where devices of
one shape fall on one curve.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.analysis.comparison import Comparison
from memfit.arrays import FloatArray
from memfit.model import Parameters, activation_time, admittance, dc_resistance, eigenvalues, steady_current
from memfit.reporting.figures.marks import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    SKY,
    VERMILLION,
    Margins,
    curve,
    dots,
    graded_colour,
    key,
    limits,
    place_axes,
)
from memfit.reporting.figures.population import NARROW, Scale, drawn_name, short_names
from memfit.reporting.figures.ticks import linear_axis, log_axis

MOST_CURVES = 60
"""Devices drawn one by one; of more, as many evenly through the ranking."""
MOST_ELLIPSES = 60
"""Devices whose errors are drawn one by one."""
BIASES = (-2.0, 0.0, 2.0)
"""(u - V_T)/V_m at which spectra are compared."""
_POINTS = 121
_ABOVE, _FROM = 6.0, 0.1  # currents are drawn from 0.1 of the lowest V_T to 6 V_m above V_T
_BESIDE = 1e3  # ratio by which frequencies reach beyond the rates of a device
_MOST_KEYS, _KEY_LETTERS, _MOST_WORDS = 8, 12, 10
_WIDE = 40.0  # ratio of the ends of a logarithmic axis up to which it has ticks between the decades
_DASHED: Any = (0, (4, 2))
_OSCILLATES = "#f6d6b8"
_VERDICT_COLOURS = {"oscillates": VERMILLION, "near": ORANGE, "stable": BLUE, "undetermined": GREY}
_SECANT = 8.0  # least loop gain of three lags that oscillate
_SHOWN = 0.75  # share of the devices that must fit into a Nyquist plot

Ranked = tuple[int, float, Parameters]
"""A device: its place among the devices, its rank from 0 (most eager to oscillate) to 1, its parameters."""
Outline = tuple[FloatArray, FloatArray]
"""Points of a closed curve, across and up."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceCurve:
    """One device in a figure."""

    device: int
    """Its place among the devices."""
    rank: float
    """0 (most eager to oscillate) to 1."""
    x: FloatArray
    y: FloatArray


def chosen(comparison: Comparison) -> list[Ranked]:
    """Devices to draw with their place in the ranking under current control, the most eager last."""
    order = [one.device for one in comparison.ranking if one.circuit == "current"]
    known = [(i, comparison.devices[i].values) for i in order or range(len(comparison.devices))]
    ranked = [(i, p) for i, p in known if p is not None]
    last = max(len(ranked) - 1, 1)
    evenly = np.linspace(0, len(ranked) - 1, min(len(ranked), MOST_CURVES))
    return [(ranked[k][0], k / last, ranked[k][1]) for k in sorted({round(k) for k in evenly}, reverse=True)]


def steady_curves(comparison: Comparison, devices: Sequence[Ranked], *, per_area: bool) -> list[DeviceCurve]:
    """Steady current (A, or A/m^2) against terminal voltage (V).

    Parameters
    ----------
    comparison : Comparison
    devices : sequence of Ranked
        Those to draw.
    per_area : bool
        Whether currents are divided by the area of their device.
    """
    lowest = _FROM * min((p.V_T for _, _, p in devices), default=1.0)
    curves = []
    for device, rank, p in devices:
        top = p.V_T + _ABOVE * p.V_m
        u = np.linspace(max(lowest, 1e-3 * top), top, _POINTS)
        current = steady_current(p, u)
        share = (comparison.devices[device].area or 1.0) if per_area else 1.0
        curves.append(DeviceCurve(device=device, rank=rank, x=u + p.R_s * current, y=current / share))
    return curves


def nyquist_curves(devices: Sequence[Ranked], bias: float) -> list[DeviceCurve]:
    """Impedance of the junction over its dc resistance, Re and -Im, over all frequencies at which it changes.

    Parameters
    ----------
    devices : sequence of Ranked
    bias : float
        (u - V_T)/V_m.
    """
    curves = []
    for device, rank, p in devices:
        u = np.array(p.V_T + bias * p.V_m)
        rates = [1.0 / p.tau_m, *(1.0 / t for t in (p.tau_d, float(activation_time(p, u))) if t > 0.0)]
        omega = np.geomspace(min(rates) / _BESIDE, max(rates) * _BESIDE, _POINTS)
        for pole in eigenvalues(p, u):  # even steps of the phase around each pole, however sharp it is
            near = abs(pole.imag) + abs(pole.real) * np.tan(np.linspace(-1.5, 1.5, _POINTS))
            omega = np.concatenate([omega, near[near > omega[0]]])
        Z = 1.0 / admittance(p, np.unique(omega) / (2.0 * np.pi), u) / float(dc_resistance(p, u))
        curves.append(DeviceCurve(device=device, rank=rank, x=Z.real, y=-Z.imag))
    return curves


def trend_figure(
    figure: Figure,
    *,
    x: FloatArray,
    y: FloatArray,
    low: FloatArray,
    high: FloatArray,
    line: tuple[FloatArray, ...],
    expected: Outline | None,
    title: str,
    across: Scale,
    up: Scale,
) -> None:
    """Devices with their intervals, the fitted line with its band, and the line expected.

    Parameters
    ----------
    figure : Figure
        Empty.
    x, y, low, high : (k,) array
        Devices, with the ends of their 95 % intervals, in the units of the axes.
    line : four (m,) array
        Places, lower limit, line, upper limit.
    expected : two (m,) array, optional
        The line of a uniform junction.
    title : str
    across, up : Scale
        The axes.
    """
    (axes,) = place_axes(figure, [1], Margins(top=5.5))
    _axis(axes, "x", across, x)
    _axis(axes, "y", up, low, high, y)
    places, lower, middle, upper = line
    axes.fill_between(places, lower, upper, color=PALE, linewidth=0, zorder=-1)
    curve(axes, places, middle, INK)
    if expected is not None:
        curve(axes, *expected, VERMILLION, linestyle=_DASHED)
    if x.size <= MOST_ELLIPSES:
        axes.vlines(x, low, high, color=BLUE, linewidth=0.7)
    dots(axes, x, y, BLUE, 3.0 if x.size <= MOST_ELLIPSES else 1.5)
    axes.set_title(title, pad=3, parse_math=False)


def group_figure(
    figure: Figure,
    *,
    words: Sequence[str],
    place: FloatArray,
    y: FloatArray,
    mean: FloatArray,
    low: FloatArray,
    high: FloatArray,
    title: str,
    up: Scale,
) -> None:
    """Devices by words, side by side, with the mean of each word and its interval.

    Parameters
    ----------
    figure : Figure
        Empty.
    words : w str
    place, y : (k,) array
        Devices: the number of their word, and their value in the unit of the axis.
    mean, low, high : (w,) array
        Of each word.
    title : str
    up : Scale
        The axis of values.
    """
    (axes,) = place_axes(figure, [1], Margins(top=5.5))
    count = len(words)
    axes.set_xlim(-0.6, count - 0.4)
    _axis(axes, "y", up, y, low, high)
    beside = np.zeros_like(place)  # so that the devices of one word do not hide each other
    for one in np.unique(place):
        here = np.flatnonzero(place == one)
        beside[here] = np.linspace(-0.12, 0.4, here.size) if here.size > 1 else 0.0
    dots(axes, place + beside, y, BLUE, 2.6 if y.size <= MOST_ELLIPSES else 1.4)
    places = np.arange(count, dtype=np.float64)
    axes.vlines(places - 0.3, low, high, color=INK, linewidth=0.9)
    dots(axes, places - 0.3, mean, INK, 3.4)
    axes.set_xticks(places if count <= _MOST_WORDS else [])
    if count <= _MOST_WORDS:
        axes.set_xticklabels([drawn_name(word, max(6, 44 // count)) for word in words], parse_math=False)
    axes.tick_params(axis="x", length=0)
    axes.set_title(title, pad=3, parse_math=False)


def pair_figure(
    figure: Figure,
    *,
    x: FloatArray,
    y: FloatArray,
    errors: Sequence[Outline],
    spread: Outline,
    title: str,
    across: Scale,
    up: Scale,
) -> None:
    """Two quantities: devices as dots, errors of their fits as blue outlines, their spread dashed.

    Parameters
    ----------
    figure : Figure
        Empty.
    x, y : (k,) array
        Devices, in the units of the axes.
    errors : sequence of Outline
        The 95 % region of each fit.
    spread : Outline
        The 95 % region of the devices, free of the errors.
    title : str
    across, up : Scale
        The axes.
    """
    (axes,) = place_axes(figure, [1], Margins(top=5.5))
    _axis(axes, "x", across, x, *(outline[0] for outline in (*errors, spread)))
    _axis(axes, "y", up, y, *(outline[1] for outline in (*errors, spread)))
    curve(axes, *spread, GREY, linestyle=_DASHED)
    for outline in errors:
        curve(axes, *outline, SKY, linewidth=0.6)
    dots(axes, x, y, BLUE, 2.4 if x.size <= MOST_ELLIPSES else 1.3)
    axes.set_title(title, pad=3, parse_math=False)


def plane_figure(
    figure: Figure,
    *,
    labels: Sequence[str],
    verdicts: Sequence[str],
    loop_gain: FloatArray,
    needed: FloatArray,
    outlines: Sequence[Outline],
) -> None:
    """Loop gain needed against loop gain there is; below the diagonal a device oscillates.

    Parameters
    ----------
    figure : Figure
        Empty.
    labels, verdicts : n str
    loop_gain, needed : (n,) array
    outlines : sequence of Outline
        The 95 % region of each fit, where they are drawn.
    """
    (axes,) = place_axes(figure, [1], Margins(right=21))
    left, right = limits(loop_gain, *(outline[0] for outline in outlines), log=True)
    up = limits(needed, *(outline[1] for outline in outlines), np.array([_SECANT]), log=True)
    left, right = min(left, up[0]), max(right, 1.5 * up[0])
    _log_axis(axes, "x", (left, right))
    _log_axis(axes, "y", up)
    edge = np.geomspace(left, right, 60)
    axes.fill_between(edge, np.full_like(edge, up[0]), np.clip(edge, *up), color=_OSCILLATES, linewidth=0)
    curve(axes, edge, edge, VERMILLION)
    axes.axhline(_SECANT, color=GREY, linewidth=0.6, linestyle=_DASHED)
    for outline in outlines:
        curve(axes, *outline, INK, linewidth=0.4)
    entries: list[tuple[Any, str]] = []
    for verdict, colour in _VERDICT_COLOURS.items():
        pick = np.array([one == verdict for one in verdicts], dtype=bool)
        if pick.any():
            dots(axes, loop_gain[pick], needed[pick], colour, 3.4 if pick.size <= MOST_ELLIPSES else 1.8)
            entries.append((colour, verdict))
    key(axes, [*entries, (_OSCILLATES, "unstable")])
    names = short_names(labels, _KEY_LETTERS) if len(labels) <= _MOST_KEYS else []
    style: dict[str, Any] = {
        "textcoords": "offset points",
        "fontsize": 5.2,
        "color": INK,
        "parse_math": False,
    }
    for name, x, y in zip(names, loop_gain, needed, strict=False):
        axes.annotate(name, (x, y), (3.0, 2.5), **style)
    axes.set_xlabel("Loop gain A at its most critical bias")
    axes.set_ylabel("Loop gain needed to oscillate")


def currents_figure(figure: Figure, curves: Sequence[DeviceCurve], labels: Sequence[str], axis: str) -> None:
    """Steady current against voltage, from dark (most eager to oscillate) to light.

    Parameters
    ----------
    figure : Figure
        Empty.
    curves : sequence of DeviceCurve
        As from `steady_curves`: x in V, y in A or A/m^2.
    labels : sequence of str
        Of all devices, by place.
    axis : str
        Title of the axis of the current, with its unit.
    """
    (axes,) = place_axes(figure, [1], Margins(right=21))
    linear_axis(axes, "x", limits(*(one.x for one in curves), pad=0.01), 6)
    log_axis(axes, "y", limits(*(one.y for one in curves), log=True), 6)
    _lines(axes, curves, labels)
    axes.set_xlabel("V (V)")
    axes.set_ylabel(axis, parse_math=False)


def nyquist_overlay_figure(
    figure: Figure, curves: Sequence[DeviceCurve], labels: Sequence[str], bias: float
) -> None:
    """Impedance over dc resistance at one (u - V_T)/V_m; a unit is as long on both axes."""
    (axes,) = place_axes(figure, [1], Margins(right=21, top=5.5))
    box, bounds = axes.get_window_extent(), []
    for values in ([one.x for one in curves], [one.y for one in curves]):  # most of the devices, and the axis
        low = min(float(np.quantile([value.min() for value in values], 1.0 - _SHOWN)), 0.0)
        high = max(float(np.quantile([value.max() for value in values], _SHOWN)), 0.0)
        bounds.append(limits(np.array([low, high])))
    sizes = (box.width, box.height)
    scale = max((high - low) / size for (low, high), size in zip(bounds, sizes, strict=True))
    for which, (low, high), size in zip("xy", bounds, sizes, strict=True):
        middle, span = 0.5 * (low + high), scale * size
        linear_axis(axes, which, (middle - 0.5 * span, middle + 0.5 * span), 5)
    axes.axhline(0.0, color=INK, linewidth=0.4, zorder=0)
    axes.axvline(0.0, color=INK, linewidth=0.4, zorder=0)
    _lines(axes, curves, labels)
    axes.set_xlabel("Re Z / $R_{dc}$")
    axes.set_ylabel("−Im Z / $R_{dc}$")
    sign = "−" if bias < 0.0 else ""
    axes.set_title(f"(u − $V_{{T}}$)/$V_{{m}}$ = {sign}{abs(bias):g}", pad=3, parse_math=True)


def _lines(axes: Axes, curves: Sequence[DeviceCurve], labels: Sequence[str]) -> None:
    """One line a device, graded by rank; names where there are few."""
    few = len(curves) <= _MOST_KEYS
    colours = [graded_colour(one.rank) for one in curves]
    for one, colour in zip(curves, colours, strict=True):
        curve(axes, one.x, one.y, colour, linewidth=0.9 if few else 0.5)
    words = short_names([labels[one.device] for one in curves], _KEY_LETTERS)[::-1]
    entries = list(zip(colours[::-1], words, strict=True))
    if not few:
        ends = (colours[-1], colours[-1 - len(colours) // 2], colours[0])
        entries = list(zip(ends, ("smallest", "median", "largest"), strict=True))
    for text in key(axes, entries, title="" if few else "Gain margin"):
        text.set_parse_math(False)


def _axis(axes: Axes, which: str, scale: Scale, *values: FloatArray) -> None:
    """An axis that holds the values, logarithmic where it pays, linear elsewhere."""
    bounds = limits(*values, log=scale.logarithmic)
    if scale.logarithmic and bounds[0] > 0.0 and bounds[1] > NARROW * bounds[0]:
        _log_axis(axes, which, bounds)
    else:
        linear_axis(axes, which, limits(*values), 5)
    getattr(axes, f"set_{which}label")(scale.title)


def _log_axis(axes: Axes, which: str, bounds: tuple[float, float]) -> None:
    """A logarithmic axis, with ticks between the decades where it spans few of them."""
    if bounds[1] > _WIDE * bounds[0]:
        log_axis(axes, which, bounds, 6)
    else:
        log_axis(axes, which, bounds, close=True)
