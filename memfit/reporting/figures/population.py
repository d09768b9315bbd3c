"""One quantity over many devices: a forest plot, or the devices in order where rows would be too many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from memfit.arrays import BoolArray, FloatArray
from memfit.reporting.figures.marks import (
    BLUE,
    GREY,
    INK,
    PALE,
    VERMILLION,
    Margins,
    curve,
    dots,
    key,
    limits,
    linear_axis,
    log_axis,
    place_axes,
)

MOST_ROWS = 60
"""Devices that have a row of their own."""
_NARROW = 6.0  # ratio of the ends of an axis below which it is linear
_LONGEST = 22  # letters of a name
_LETTER = 1.12  # mm a letter
_ROW = 3.3  # mm
_DIAMOND = 0.32  # half height, in rows
_BAND = "#d5e6f3"
_MOST_NAMED = 6


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
    mean: float | None
    """Pooled mean."""
    mean_ci95: tuple[float, float] | None
    predicted95: tuple[float, float] | None
    axis: str
    """Title of the axis."""
    logarithmic: bool
    threshold: float | None = None
    """A value that matters by itself."""


def forest_height(count: int) -> float:
    """Height of the figure of `count` devices, mm."""
    return 62.0 if count > MOST_ROWS else 17.0 + _ROW * (count + 1.5)


def drawn_name(text: str, longest: int = _LONGEST) -> str:
    """A name made fit to be drawn: letters that the font has, no mathematics, the middle left out if long."""
    safe = "".join(letter if _can_draw(letter) else "·" for letter in text)
    if len(safe) <= longest:
        return safe
    head = (longest - 1) // 2
    return f"{safe[:head]}…{safe[-(longest - 1 - head) :]}"


def short_names(labels: Sequence[str], longest: int) -> list[str]:
    """Names for little room: without the words that all of them begin or end with, where one is too long."""
    if all(len(label) <= longest for label in labels):
        return [drawn_name(label, longest) for label in labels]
    words = [label.split() for label in labels]
    while all(len(part) > 1 for part in words) and len({part[0] for part in words}) == 1:
        words = [part[1:] for part in words]
    while all(len(part) > 1 for part in words) and len({part[-1] for part in words}) == 1:
        words = [part[:-1] for part in words]
    return [drawn_name(" ".join(part), longest) for part in words]


def _can_draw(letter: str) -> bool:
    """Whether the font has a letter, and no figure takes it for a command."""
    code = ord(letter)
    if code < 0x80:
        return letter.isalnum() or letter in " -_.,:;()[]+/#=%'"
    return letter in "µ°²³·…–₀₁₂₃₄₅₆₇₈₉" or (letter.isalpha() and (code < 0x250 or 0x370 <= code < 0x500))


def population_figure(figure: Figure, found: Population) -> None:
    """A forest plot, or the devices in order where they are more than `MOST_ROWS`."""
    (_ordered if len(found.labels) > MOST_ROWS else _forest)(figure, found)


def _forest(figure: Figure, found: Population) -> None:
    """A row a device, the pooled mean as a diamond below, the range predicted for another as a band."""
    names = short_names(found.labels, _LONGEST)
    left = 4.0 + _LETTER * max(map(len, [*names, "pooled mean"]))
    (axes,) = place_axes(figure, [1], Margins(left=left, right=4.0))
    rows = np.arange(len(names), dtype=np.float64)
    _value_axis(axes, found)
    bottom = len(names) + (0.9 if found.mean is not None else -0.1)
    axes.set_ylim(bottom, -0.8)
    _background(axes, found)
    for outlying, colour in ((False, BLUE), (True, VERMILLION)):
        pick = (found.outlying == outlying) & np.isfinite(found.value)
        axes.hlines(rows[pick], found.low[pick], found.high[pick], color=colour, linewidth=0.9)
        dots(axes, found.value[pick], rows[pick], colour, 3.4)
    for row, remark in zip(rows, found.remarks, strict=True):
        if remark:
            _words(axes, 0.5, row, remark, GREY)
    _name_rows(axes, rows, names)
    if found.mean is not None and found.mean_ci95 is not None:
        _diamond(axes, found.mean, found.mean_ci95, len(names) + 0.1)


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
    if found.predicted95 is not None:
        entries.append((_BAND, "predicted"))
    outlying_ones = [int(i) for i in order if found.outlying[i]]
    if outlying_ones:
        entries.append((VERMILLION, "outlying"))
    for text in key(axes, entries):
        text.set_parse_math(False)
    _name_outlying(axes, found, outlying_ones)
    axes.set_ylabel("Devices, in order")


def _name_outlying(axes: Axes, found: Population, outlying: Sequence[int]) -> None:
    """The names of a few outlying devices, beside the axes."""
    for line, device in enumerate(outlying[:_MOST_NAMED]):
        axes.text(
            1.02,
            0.62 - 0.075 * line,
            drawn_name(found.labels[device], 16),
            transform=axes.transAxes,
            fontsize=5.5,
            color=VERMILLION,
            va="top",
            parse_math=False,
        )


def _value_axis(axes: Axes, found: Population) -> None:
    """The horizontal axis, linear where a logarithmic one would show less than a decade."""
    parts = [found.value, found.low, found.high]
    parts += [np.array(part) for part in (found.mean_ci95, found.predicted95) if part is not None]
    parts += [np.array([found.threshold])] if found.threshold is not None else []
    own = np.concatenate([np.ravel(part) for part in parts[:3]])
    own = own[np.isfinite(own)]
    bounds = _within(limits(*parts, log=found.logarithmic), own, log=found.logarithmic)
    if found.logarithmic and bounds[0] > 0.0 and bounds[1] > _NARROW * bounds[0]:
        log_axis(axes, "x", bounds, 6)
    else:
        linear_axis(axes, "x", _within(limits(*parts), own, log=False), 5)
    axes.set_xlabel(found.axis)


def _within(bounds: tuple[float, float], values: FloatArray, *, log: bool) -> tuple[float, float]:
    """Limits that the range predicted for another device may widen threefold, and no more."""
    if values.size == 0:
        return bounds
    low, high = float(values.min()), float(values.max())
    if log and low > 0.0:
        reach = max(high / low, 1.05)
        return max(bounds[0], low / reach**1.5), min(bounds[1], high * reach**1.5)
    reach = max(high - low, 0.05 * abs(high))
    return max(bounds[0], low - 1.5 * reach), min(bounds[1], high + 1.5 * reach)


def _background(axes: Axes, found: Population) -> None:
    """The range predicted for another device, the pooled mean, and what matters by itself."""
    if found.predicted95 is not None:
        axes.axvspan(*found.predicted95, color=_BAND, linewidth=0, zorder=-2)
    if found.mean is not None:
        axes.axvline(found.mean, color=GREY, linewidth=0.6, linestyle=(0, (4, 2)), zorder=-1)
    if found.threshold is not None:
        axes.axvline(found.threshold, color=VERMILLION, linewidth=0.7, zorder=-1)


def _diamond(axes: Axes, mean: float, interval: tuple[float, float], row: float) -> None:
    """The pooled mean with its interval."""
    low, high = interval
    corners = [(low, row), (mean, row - _DIAMOND), (high, row), (mean, row + _DIAMOND)]
    axes.add_patch(Polygon(corners, closed=True, facecolor=INK, edgecolor=INK, linewidth=0.4))
    axes.text(
        -0.015,
        row,
        "pooled mean",
        transform=axes.get_yaxis_transform(),
        ha="right",
        va="center",
        fontsize=5.8,
    )


def _name_rows(axes: Axes, rows: FloatArray, names: Sequence[str]) -> None:
    """Names to the left of their rows."""
    axes.set_yticks([])
    for row, name in zip(rows, names, strict=True):
        axes.text(
            -0.015,
            row,
            name,
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=5.8,
            color=INK,
            parse_math=False,
        )


def _words(axes: Axes, x: float, row: float, words: str, colour: str) -> None:
    """Words in the place of a value, over any line that runs there."""
    axes.text(
        x,
        row,
        words,
        transform=axes.get_yaxis_transform(),
        ha="center",
        va="center",
        fontsize=5.5,
        color=colour,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    )


def mean_line(axes: Axes, x: FloatArray, low: FloatArray, middle: FloatArray, high: FloatArray) -> None:
    """A fitted line with its band."""
    axes.fill_between(x, low, high, color=PALE, linewidth=0, zorder=-1)
    curve(axes, x, middle, INK)
