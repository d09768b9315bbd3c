"""One quantity over many devices: a forest plot, or the devices in order where rows would be too many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from memfit.arrays import BoolArray, FloatArray
from memfit.reporting.content import Given
from memfit.reporting.figures.marks import (
    BLUE,
    GREY,
    INK,
    PALE,
    VERMILLION,
    Margins,
    dots,
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
