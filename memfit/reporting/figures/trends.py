"""Quantities against what is known of the devices, against each other, and the map of stability.

Curves of many devices to lay over each other: steady current, and impedance at equal (V - V_T)/V_m.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.analysis.comparison.record import Comparison
from memfit.arrays import ComplexArray, FloatArray
from memfit.model.equations import activation_time, dc_resistance, steady_current
from memfit.model.linear import eigenvalues
from memfit.model.parameters import Parameters
from memfit.model.smallsignal import admittance
from memfit.reporting.figures.marks import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SKY,
    VERMILLION,
    Margins,
    close_log_axis,
    curve,
    dots,
    key,
    limits,
    linear_axis,
    log_axis,
    place_axes,
)
from memfit.reporting.figures.population import drawn_name, mean_line, short_names

MOST_CURVES = 60
"""Devices drawn one by one; of more, as many evenly through the ranking."""
BIASES = (-2.0, 0.0, 2.0)
"""(u - V_T)/V_m at which spectra are compared."""
_POINTS = 121
_ABOVE = 6.0  # widths V_m above V_T that are drawn
_FROM = 0.1  # of the lowest V_T: where currents are drawn from
_BESIDE = 1e3  # ratio by which frequencies reach beyond the rates of a device


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceCurve:
    """One device in a figure."""

    device: int
    """Its place among the devices."""
    rank: float
    """0 (most eager to oscillate) to 1."""
    x: FloatArray
    y: FloatArray


def chosen(found: Comparison) -> list[tuple[int, float, Parameters]]:
    """Devices to draw with their place in the ranking under current control, the most eager last."""
    order = [one.device for one in found.ranking if one.circuit == "current"] or list(
        range(len(found.devices))
    )
    known = [(i, found.devices[i].values) for i in order]
    ranked = [(i, p) for i, p in known if p is not None]
    last = max(len(ranked) - 1, 1)
    if len(ranked) > MOST_CURVES:
        places = sorted({round(k) for k in np.linspace(0, len(ranked) - 1, MOST_CURVES)})
    else:
        places = list(range(len(ranked)))
    return [(ranked[k][0], k / last, ranked[k][1]) for k in reversed(places)]


def steady_curves(
    found: Comparison, devices: Sequence[tuple[int, float, Parameters]], *, per_area: bool
) -> list[DeviceCurve]:
    """Steady current (A, or A/m^2) against terminal voltage (V)."""
    lowest = _FROM * min((p.V_T for _, _, p in devices), default=1.0)
    curves = []
    for device, rank, p in devices:
        top = p.V_T + _ABOVE * p.V_m
        u = np.linspace(max(lowest, 1e-3 * top), top, _POINTS)
        current = steady_current(p, u)
        share = (found.devices[device].area or 1.0) if per_area else 1.0
        curves.append(DeviceCurve(device=device, rank=rank, x=u + p.R_s * current, y=current / share))
    return curves


def nyquist_curves(devices: Sequence[tuple[int, float, Parameters]], bias: float) -> list[DeviceCurve]:
    """Impedance of the junction over its dc resistance, Re and -Im, at (u - V_T)/V_m = `bias`."""
    curves = []
    for device, rank, p in devices:
        Z = _relative_impedance(p, p.V_T + bias * p.V_m)
        curves.append(DeviceCurve(device=device, rank=rank, x=Z.real, y=-Z.imag))
    return curves


def _relative_impedance(p: Parameters, u: float) -> ComplexArray:
    """Z/R_dc over all frequencies at which it changes."""
    at = np.array(u)
    rates = [1.0 / p.tau_m, *(1.0 / t for t in (p.tau_d, float(activation_time(p, at))) if t > 0.0)]
    omega = np.geomspace(min(rates) / _BESIDE, max(rates) * _BESIDE, _POINTS)
    for pole in eigenvalues(p, at):  # even steps of the phase around each pole, however sharp it is
        near = abs(pole.imag) + abs(pole.real) * np.tan(np.linspace(-1.5, 1.5, _POINTS))
        omega = np.concatenate([omega, near[near > omega[0]]])
    omega = np.unique(omega)
    Z = 1.0 / admittance(p, omega / (2.0 * np.pi), at)
    return np.asarray(Z / float(dc_resistance(p, at)), dtype=np.complex128)


MOST_ELLIPSES = 60
"""Devices whose errors are drawn one by one."""
_MOST_KEYS = 8
_KEY_LETTERS = 12
_MOST_WORDS = 10
_NARROW = 6.0  # ratio of the ends of an axis below which it is linear
_WIDE = 40.0  # ratio of the ends of a logarithmic axis up to which it has ticks between the decades
_DASHED: Any = (0, (4, 2))
_OSCILLATES = "#f6d6b8"
VERDICT_COLOURS = {"oscillates": VERMILLION, "near": ORANGE, "stable": BLUE, "undetermined": GREY}
_SECANT = 8.0  # least loop gain of three lags that oscillate
_SHOWN = 0.75  # share of the devices that must fit into a Nyquist plot


@dataclass(frozen=True, kw_only=True, eq=False)
class TrendPicture:
    """A quantity against an attribute, in the units of the axes."""

    x: FloatArray
    """(k,)."""
    y: FloatArray
    low: FloatArray
    """(k,) lower ends of the 95 % intervals."""
    high: FloatArray
    line: FloatArray
    """(m, 4) of x, lower limit, line, upper limit."""
    expected: FloatArray | None
    """(m, 2) the line of a uniform junction."""
    title: str
    x_axis: str
    y_axis: str
    x_logarithmic: bool
    y_logarithmic: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupPicture:
    """A quantity by words, in the unit of the axis."""

    words: tuple[str, ...]
    place: FloatArray
    """(k,) number of the word of each device."""
    y: FloatArray
    mean: FloatArray
    """(w,) of each word."""
    low: FloatArray
    high: FloatArray
    title: str
    y_axis: str
    y_logarithmic: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class PairPicture:
    """Two quantities over the devices, in the units of the axes."""

    x: FloatArray
    y: FloatArray
    errors: tuple[tuple[FloatArray, FloatArray], ...]
    """Outline of the 95 % region of each fit."""
    spread: tuple[FloatArray, FloatArray] | None
    """Outline of the 95 % region of the devices, free of the errors."""
    title: str
    x_axis: str
    y_axis: str
    x_logarithmic: bool
    y_logarithmic: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class PlanePicture:
    """Every device in the plane of loop gains."""

    labels: tuple[str, ...]
    verdicts: tuple[str, ...]
    loop_gain: FloatArray
    needed: FloatArray
    outlines: tuple[tuple[FloatArray, FloatArray], ...]


def trend_figure(figure: Figure, found: TrendPicture) -> None:
    """Devices with their intervals, the fitted line with its band, and the line expected."""
    (axes,) = place_axes(figure, [1], Margins(top=5.5))
    _axis(axes, "x", found.x, log=found.x_logarithmic)
    _axis(axes, "y", found.low, found.high, found.y, log=found.y_logarithmic)
    x, low, middle, high = found.line.T
    mean_line(axes, x, low, middle, high)
    if found.expected is not None:
        curve(axes, found.expected[:, 0], found.expected[:, 1], VERMILLION, linestyle=_DASHED)
    if found.x.size <= MOST_ELLIPSES:
        axes.vlines(found.x, found.low, found.high, color=BLUE, linewidth=0.7)
    dots(axes, found.x, found.y, BLUE, 3.0 if found.x.size <= MOST_ELLIPSES else 1.5)
    _titles(axes, found.title, found.x_axis, found.y_axis)


def group_figure(figure: Figure, found: GroupPicture) -> None:
    """Devices by words, side by side, with the mean of each word and its interval."""
    (axes,) = place_axes(figure, [1], Margins(top=5.5))
    count = len(found.words)
    axes.set_xlim(-0.6, count - 0.4)
    _axis(axes, "y", found.y, found.low, found.high, log=found.y_logarithmic)
    beside = _beside(found.place)
    dots(axes, found.place + beside, found.y, BLUE, 2.6 if found.y.size <= MOST_ELLIPSES else 1.4)
    places = np.arange(count, dtype=np.float64)
    axes.vlines(places - 0.3, found.low, found.high, color=INK, linewidth=0.9)
    dots(axes, places - 0.3, found.mean, INK, 3.4)
    shown = [drawn_name(word, max(6, 44 // count)) for word in found.words]
    axes.set_xticks(places if count <= _MOST_WORDS else [])
    if count <= _MOST_WORDS:
        axes.set_xticklabels(shown, parse_math=False)
    axes.tick_params(axis="x", length=0)
    _titles(axes, found.title, "", found.y_axis)


def pair_figure(figure: Figure, found: PairPicture) -> None:
    """Two quantities: devices as dots, errors of their fits as blue outlines, their spread dashed."""
    (axes,) = place_axes(figure, [1], Margins(top=5.5))
    outlines = [*found.errors, *([found.spread] if found.spread is not None else [])]
    for which, values, k, log in (
        ("x", found.x, 0, found.x_logarithmic),
        ("y", found.y, 1, found.y_logarithmic),
    ):
        _axis(axes, which, values, *(outline[k] for outline in outlines), log=log)
    if found.spread is not None:
        curve(axes, *found.spread, GREY, linestyle=_DASHED)
    for outline in found.errors:
        curve(axes, *outline, SKY, linewidth=0.6)
    dots(axes, found.x, found.y, BLUE, 2.4 if found.x.size <= MOST_ELLIPSES else 1.3)
    _titles(axes, found.title, found.x_axis, found.y_axis)


def plane_figure(figure: Figure, found: PlanePicture) -> None:
    """Loop gain needed against loop gain there is; below the diagonal a device oscillates."""
    (axes,) = place_axes(figure, [1], Margins(right=21))
    ends = [part for outline in found.outlines for part in outline]
    across = limits(found.loop_gain, *ends[::2], log=True)
    up = limits(found.needed, *ends[1::2], np.array([_SECANT]), log=True)
    across = (min(across[0], up[0]), max(across[1], 1.5 * up[0]))
    for which, bounds in (("x", across), ("y", up)):
        _log_axis(axes, which, bounds)
    edge = np.geomspace(*across, 60)
    axes.fill_between(edge, np.full_like(edge, up[0]), np.clip(edge, *up), color=_OSCILLATES, linewidth=0)
    curve(axes, edge, edge, VERMILLION)
    axes.axhline(_SECANT, color=GREY, linewidth=0.6, linestyle=_DASHED)
    for outline in found.outlines:
        curve(axes, *outline, INK, linewidth=0.4)
    entries: list[tuple[Any, str]] = []
    for verdict, colour in VERDICT_COLOURS.items():
        pick = np.array([one == verdict for one in found.verdicts], dtype=bool)
        if pick.any():
            size = 3.4 if pick.size <= MOST_ELLIPSES else 1.8
            dots(axes, found.loop_gain[pick], found.needed[pick], colour, size)
            entries.append((colour, verdict))
    key(axes, [*entries, (_OSCILLATES, "unstable")])
    _name_points(axes, found)
    axes.set_xlabel("Loop gain A at its most critical bias")
    axes.set_ylabel("Loop gain needed to oscillate")


def _name_points(axes: Axes, found: PlanePicture) -> None:
    """Names beside the points, where there are few."""
    if len(found.labels) > _MOST_KEYS:
        return
    names = short_names(found.labels, _KEY_LETTERS)
    for name, x, y in zip(names, found.loop_gain, found.needed, strict=True):
        axes.annotate(
            name,
            (x, y),
            (3.0, 2.5),
            textcoords="offset points",
            fontsize=5.2,
            color=INK,
            parse_math=False,
        )


def currents_figure(figure: Figure, curves: Sequence[DeviceCurve], labels: Sequence[str], axis: str) -> None:
    """Steady current against voltage, from dark (most eager to oscillate) to light."""
    (axes,) = place_axes(figure, [1], Margins(right=21))
    linear_axis(axes, "x", limits(*(one.x for one in curves), pad=0.01), 6)
    log_axis(axes, "y", limits(*(one.y for one in curves), log=True), 6)
    _lines(axes, curves, labels)
    axes.set_xlabel("V (V)")
    axes.set_ylabel(axis, parse_math=False)


def nyquist_overlay_figure(
    figure: Figure, curves: Sequence[DeviceCurve], labels: Sequence[str], bias: float
) -> None:
    """Impedance over dc resistance at one (u - V_T)/V_m."""
    (axes,) = place_axes(figure, [1], Margins(right=21, top=5.5))
    bounds = [_range(curves, which) for which in ("x", "y")]
    for which, ends in zip("xy", _equal(bounds, axes), strict=True):
        linear_axis(axes, which, ends, 5)
    axes.axhline(0.0, color=INK, linewidth=0.4, zorder=0)
    axes.axvline(0.0, color=INK, linewidth=0.4, zorder=0)
    _lines(axes, curves, labels)
    sign = "−" if bias < 0.0 else ""
    _titles(axes, "", "Re Z / $R_{dc}$", "−Im Z / $R_{dc}$")
    axes.set_title(f"(u − $V_{{T}}$)/$V_{{m}}$ = {sign}{abs(bias):g}", pad=3, parse_math=True)


def _lines(axes: Axes, curves: Sequence[DeviceCurve], labels: Sequence[str]) -> None:
    """One line a device, graded by rank; names where there are few."""
    width = 0.9 if len(curves) <= _MOST_KEYS else 0.5
    colours = [mpl.colormaps["viridis"](0.88 * one.rank) for one in curves]
    for one, colour in zip(curves, colours, strict=True):
        curve(axes, one.x, one.y, colour, linewidth=width)
    pairs = list(zip(curves, colours, strict=True))[::-1]
    if len(curves) <= _MOST_KEYS:
        names = short_names([labels[one.device] for one, _ in pairs], _KEY_LETTERS)
        entries = [(colour, name) for (_, colour), name in zip(pairs, names, strict=True)]
    else:
        ends = (pairs[0], pairs[len(pairs) // 2], pairs[-1])
        entries = [(c, word) for (_, c), word in zip(ends, ("smallest", "median", "largest"), strict=True)]
    texts = key(axes, entries, title="" if len(curves) <= _MOST_KEYS else "Gain margin")
    for text in texts:
        text.set_parse_math(False)


def _range(curves: Sequence[DeviceCurve], which: str) -> tuple[float, float]:
    """Limits that hold most of the devices whole, and the axis."""
    lows, highs = zip(
        *((float(getattr(c, which).min()), float(getattr(c, which).max())) for c in curves), strict=True
    )
    low, high = float(np.quantile(lows, 1.0 - _SHOWN)), float(np.quantile(highs, _SHOWN))
    return limits(np.array([min(low, 0.0), max(high, 0.0)]))


def _equal(bounds: Sequence[tuple[float, float]], axes: Axes) -> list[tuple[float, float]]:
    """Limits widened so that a unit is as long on both axes."""
    box = axes.get_window_extent()
    scale = max(
        (high - low) / size for (low, high), size in zip(bounds, (box.width, box.height), strict=True)
    )
    spans = [scale * size for size in (box.width, box.height)]
    middles = [0.5 * (low + high) for low, high in bounds]
    return [(middle - 0.5 * span, middle + 0.5 * span) for middle, span in zip(middles, spans, strict=True)]


def _beside(place: FloatArray) -> FloatArray:
    """Even steps beside the middle, so that the devices of one word do not hide each other."""
    shift = np.zeros_like(place)
    for one in np.unique(place):
        here = np.flatnonzero(place == one)
        shift[here] = np.linspace(-0.12, 0.4, here.size) if here.size > 1 else 0.0
    return shift


def _axis(axes: Axes, which: str, *values: FloatArray, log: bool) -> None:
    """An axis that holds the values, logarithmic where it pays, linear elsewhere."""
    bounds = limits(*values, log=log)
    if log and bounds[0] > 0.0 and bounds[1] > _NARROW * bounds[0]:
        _log_axis(axes, which, bounds)
    else:
        linear_axis(axes, which, limits(*values), 5)


def _log_axis(axes: Axes, which: str, bounds: tuple[float, float]) -> None:
    """A logarithmic axis, with ticks between the decades where it spans few of them."""
    if bounds[1] > _WIDE * bounds[0]:
        log_axis(axes, which, bounds, 6)
    else:
        close_log_axis(axes, which, bounds)


def _titles(axes: Axes, title: str, x_axis: str, y_axis: str) -> None:
    """Words above, which are no mathematics, and beside the axes."""
    axes.set_title(title, pad=3, parse_math=False)
    axes.set_xlabel(x_axis)
    axes.set_ylabel(y_axis)
