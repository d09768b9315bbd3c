"""One quantity over many devices: forest plot, devices in order, distribution, map of a wafer."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets.positions import Positions
from memfit.reporting.content import Given
from memfit.reporting.figures.marks import (
    BLUE,
    GREY,
    INK,
    MILLIMETRE,
    PALE,
    VERMILLION,
    Margins,
    dots,
    graded_colour,
    key,
    limits,
    place_axes,
)
from memfit.reporting.figures.ticks import linear_axis, log_axis

MOST_ROWS = 60
"""Devices that have a row of their own."""
NARROW = 6.0
"""Ratio of the ends of an axis below which it is linear."""
_LONGEST, _MOST_NAMED = 22, 6  # letters of a name; outlying devices named
_LETTER, _ROW = 1.12, 3.3  # mm
_DIAMOND = 0.32  # half height, in rows
_BAND = "#d5e6f3"
_BAR = 24.0  # mm beside a map for its scale
_MOST_PLACES = 12  # up to which each has its number


@dataclass(frozen=True)
class Scale:
    """An axis: its title, and whether it is logarithmic where that pays."""

    title: str
    logarithmic: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Population:
    """One quantity over n devices, in the unit of its axis."""

    labels: tuple[str, ...]
    value: FloatArray
    """(n,) NaN where there is none."""
    low: FloatArray
    """(n,) lower ends of the 95 % intervals."""
    high: FloatArray
    outlying: BoolArray
    """(n,)."""
    remarks: tuple[str, ...]
    """Why a device has no value."""
    scale: Scale
    mean: float | None = None
    """Pooled mean."""
    mean_ci95: Sequence[float] | FloatArray = ()
    """Its interval; empty without a mean, as are those below."""
    predicted95: Sequence[float] | FloatArray = ()
    """Range predicted for another device."""
    threshold: float | None = None
    """A value that matters by itself."""


def forest_height(count: int) -> float:
    """Height of the figure of `count` devices, mm."""
    return 62.0 if count > MOST_ROWS else 17.0 + _ROW * (count + 1.5)


def drawn_name(text: str, longest: int = _LONGEST) -> Given:
    """A name made fit to be drawn: letters that the font has, no mathematics, the middle left out if long.

    Parameters
    ----------
    text : str
    longest : int
        Letters.
    """

    def can_draw(letter: str) -> bool:
        """Whether the font has a letter, and no figure takes it for a command."""
        code = ord(letter)
        if code < 0x80:
            return letter.isalnum() or letter in " -_.,:;()[]+/#=%'"
        known = code < 0x250 or 0x370 <= code < 0x500  # Latin, Greek and Cyrillic
        return letter in "µ°²³·…–₀₁₂₃₄₅₆₇₈₉" or (letter.isalpha() and known)

    safe = "".join(letter if can_draw(letter) else "·" for letter in text)
    head = (longest - 1) // 2
    return Given(safe if len(safe) <= longest else f"{safe[:head]}…{safe[-(longest - 1 - head) :]}")


def short_names(labels: Sequence[str], longest: int) -> list[str]:
    """Names for little room: without the words that all of them begin or end with, where one is too long.

    Parameters
    ----------
    labels : sequence of str
    longest : int
        Letters.
    """
    words = [label.split() for label in labels]
    if all(len(label) <= longest for label in labels):
        return [drawn_name(label, longest) for label in labels]
    while all(len(part) > 1 for part in words) and len({part[0] for part in words}) == 1:
        words = [part[1:] for part in words]
    while all(len(part) > 1 for part in words) and len({part[-1] for part in words}) == 1:
        words = [part[:-1] for part in words]
    return [drawn_name(" ".join(part), longest) for part in words]


def population_figure(figure: Figure, found: Population) -> None:
    """A forest plot, or the devices in order where they are more than `MOST_ROWS`.

    Parameters
    ----------
    figure : Figure
        Empty.
    found : Population
    """
    (_ordered if len(found.labels) > MOST_ROWS else _forest)(figure, found)


def _forest(figure: Figure, found: Population) -> None:
    """A row a device, the pooled mean as a diamond below, the range predicted for another as a band."""
    names = short_names(found.labels, _LONGEST)
    left = 4.0 + _LETTER * max(map(len, [*names, "pooled mean"]))
    (axes,) = place_axes(figure, [1], Margins(left=left, right=4.0))
    rows = np.arange(len(names), dtype=np.float64)
    _value_axis(axes, found)
    axes.set_ylim(len(names) + (0.9 if found.mean is not None else -0.1), -0.8)
    axes.set_yticks([])
    _background(axes, found)
    for outlying, colour in ((False, BLUE), (True, VERMILLION)):
        pick = (found.outlying == outlying) & np.isfinite(found.value)
        axes.hlines(rows[pick], found.low[pick], found.high[pick], color=colour, linewidth=0.9)
        dots(axes, found.value[pick], rows[pick], colour, 3.4)
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center", "parse_math": False}
    for row, remark in zip(rows, found.remarks, strict=True):
        if remark:  # in the place of the value, over any line that runs there
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
            axes.text(0.5, row, remark, ha="center", fontsize=5.5, color=GREY, bbox=box, **beside)
    for row, name in zip(rows, names, strict=True):
        axes.text(-0.015, row, name, ha="right", fontsize=5.8, color=INK, **beside)
    if found.mean is not None:
        at, (low, high) = len(names) + 0.1, found.mean_ci95
        corners = [(low, at), (found.mean, at - _DIAMOND), (high, at), (found.mean, at + _DIAMOND)]
        axes.add_patch(Polygon(corners, closed=True, facecolor=INK, edgecolor=INK, linewidth=0.4))
        axes.text(-0.015, at, "pooled mean", ha="right", fontsize=5.8, **beside)


def _ordered(figure: Figure, found: Population) -> None:
    """Devices in the order of their values: dots, their intervals as a band, the outlying ones in red."""
    (axes,) = place_axes(figure, [1], Margins(right=21))
    _value_axis(axes, found)
    there = np.flatnonzero(np.isfinite(found.value))
    order = there[np.argsort(found.value[there], kind="stable")]
    place = np.arange(order.size, dtype=np.float64)
    axes.set_ylim(-0.03 * order.size, 1.03 * order.size)
    _background(axes, found)
    axes.fill_betweenx(place, found.low[order], found.high[order], color=PALE, linewidth=0)
    for outlying, colour in ((False, BLUE), (True, VERMILLION)):
        pick = found.outlying[order] == outlying
        dots(axes, found.value[order][pick], place[pick], colour, 1.6)
    entries: list[tuple[Any, str]] = [(BLUE, "device"), (PALE, "95 % interval")]
    if len(found.predicted95):
        entries.append((_BAND, "predicted"))
    outlying_ones = [int(i) for i in order if found.outlying[i]]
    if outlying_ones:
        entries.append((VERMILLION, "outlying"))
    for text in key(axes, entries):
        text.set_parse_math(False)
    style: dict[str, Any] = {"fontsize": 5.5, "color": VERMILLION, "va": "top", "parse_math": False}
    for line, device in enumerate(outlying_ones[:_MOST_NAMED]):
        name = drawn_name(found.labels[device], 16)
        axes.text(1.02, 0.62 - 0.075 * line, name, transform=axes.transAxes, **style)
    axes.set_ylabel("Devices, in order")


def _value_axis(axes: Axes, found: Population) -> None:
    """The horizontal axis, linear where a logarithmic one would show less than a decade.

    The range predicted for another device may widen it threefold, and no more.
    """
    own = [found.value, found.low, found.high]
    threshold = [] if found.threshold is None else [found.threshold]
    parts = [
        *own,
        *(np.array(part, dtype=np.float64) for part in (found.mean_ci95, found.predicted95, threshold)),
    ]
    values = np.concatenate(own)
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (-np.inf, np.inf)

    def bounds(*, log: bool) -> tuple[float, float]:
        first, last = limits(*parts, log=log)
        if log and low > 0.0:
            reach = max(high / low, 1.05) ** 1.5
            return max(first, low / reach), min(last, high * reach)
        reach = 1.5 * max(high - low, 0.05 * abs(high)) if values.size else np.inf
        return max(first, low - reach), min(last, high + reach)

    first, last = bounds(log=found.scale.logarithmic)
    if found.scale.logarithmic and first > 0.0 and last > NARROW * first:
        log_axis(axes, "x", (first, last), 6)
    else:
        linear_axis(axes, "x", bounds(log=False), 5)
    axes.set_xlabel(found.scale.title)


def _background(axes: Axes, found: Population) -> None:
    """The range predicted for another device, the pooled mean, and what matters by itself."""
    if len(found.predicted95):
        axes.axvspan(*found.predicted95, color=_BAND, linewidth=0, zorder=-2)
    if found.mean is not None:
        axes.axvline(found.mean, color=GREY, linewidth=0.6, linestyle=(0, (4, 2)), zorder=-1)
    if found.threshold is not None:
        axes.axvline(found.threshold, color=VERMILLION, linewidth=0.7, zorder=-1)


def distribution_figure(figure: Figure, found: Population) -> None:
    """The cumulative distribution over devices: which share has at most a value, with the intervals of each.

    Parameters
    ----------
    figure : Figure
        Empty.
    found : Population
    """
    (axes,) = place_axes(figure, [1], Margins())
    _value_axis(axes, found)
    order = np.argsort(found.value, kind="stable")[: np.count_nonzero(np.isfinite(found.value))]
    count = order.size
    share = 100.0 * (np.arange(count) + 0.5) / max(count, 1)
    linear_axis(axes, "y", (0.0, 100.0), 5)
    axes.hlines(share, found.low[order], found.high[order], color=PALE, linewidth=1.2, zorder=1)
    edges = np.concatenate([found.value[order], found.value[order][-1:]])
    axes.step(edges, 100.0 * np.arange(count + 1) / max(count, 1), where="pre", color=BLUE, linewidth=0.8)
    dots(axes, found.value[order], share, BLUE, 2.6 if count <= MOST_ROWS else 1.4)
    axes.set_ylabel("Devices with at most this (%)")


def wafer_figure(figure: Figure, found: Population, at: Positions) -> None:
    """A square a device where it lies, shaded by its value; hollow where that is not known.

    Parameters
    ----------
    figure : Figure
        Empty.
    found : Population
    at : Positions
    """
    (axes,) = place_axes(figure, [1], Margins(right=_BAR))
    known = np.isfinite(found.value) & np.isfinite(at.x + at.y)
    placed = np.isfinite(at.x + at.y)
    steps = [_step(at.x[placed]), _step(at.y[placed])]
    for which, v, step in zip("xy", (at.x[placed], at.y[placed]), steps, strict=True):
        bounds = (float(v.min() - 0.6 * step), float(v.max() + 0.6 * step))
        whole = bool(np.all(v == np.round(v))) and bounds[1] - bounds[0] < _MOST_PLACES
        linear_axis(axes, which, bounds, 6, step=1.0 if whole else None)
    if at.downward:
        axes.invert_yaxis()
    values = found.value[known]
    positive = bool(np.all(values > 0.0)) and values.size > 0
    logarithmic = found.scale.logarithmic and positive and values.max() > NARROW * values.min()
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if not high > low:
        low, high = low - 0.05 * abs(low) - 1e-300, high + 0.05 * abs(high) + 1e-300
    ends = np.log([low, high]) if logarithmic else np.array([low, high])
    for k in np.flatnonzero(placed):
        colour: Any = "none"
        if known[k]:
            value = np.log(found.value[k]) if logarithmic else found.value[k]
            colour = graded_colour(float((value - ends[0]) / (ends[1] - ends[0])))
        corner = (at.x[k] - 0.45 * steps[0], at.y[k] - 0.45 * steps[1])
        size = (0.9 * steps[0], 0.9 * steps[1])
        axes.add_patch(Rectangle(corner, *size, facecolor=colour, edgecolor=GREY, linewidth=0.4))
    axes.set_xlabel(at.titles[0])
    axes.set_ylabel(at.titles[1])
    box = axes.get_position()
    millimetre = MILLIMETRE / figure.get_figwidth()
    bar = figure.add_axes((box.x1 + 13.0 * millimetre, box.y0, 3.0 * millimetre, box.height))
    (log_axis if logarithmic else linear_axis)(bar, "y", (low, high), 5)
    edges = np.geomspace(low, high, 65) if logarithmic else np.linspace(low, high, 65)
    for part, (a, b) in enumerate(pairwise(edges)):
        bar.axhspan(a, b, color=graded_colour((part + 0.5) / 64.0), linewidth=0.3)
    bar.set_xticks([])
    bar.text(1.6, 0.5, found.scale.title, rotation=90, ha="left", va="center", transform=bar.transAxes)


def _step(values: FloatArray) -> float:
    """Least distance between places along one axis; 1 where there is one."""
    apart = np.diff(np.unique(values))
    return float(apart.min()) if apart.size else 1.0
