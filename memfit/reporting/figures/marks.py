"""Marks that all figures share: dots, model curves, bands, keys, places of axes, and the palette.

Colours are those of the style: by default Okabe and Ito's (distinguishable with any colour vision), and
"viridis" for series in bias. Axes are placed in millimetres and get their limits from the data, which is
several times faster than matplotlib's automatic layout. No text that comes from a file is ever drawn: `$`
would be read as mathematics, and fonts lack letters.

The dots of a record are one path: as markers they would double the size of a page, which then had an element
for each point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.text import Text

from memfit.arrays import BoolArray, ComplexArray, FloatArray
from memfit.reporting.content import SYMBOLS, Given
from memfit.reporting.figures.ticks import BareAxes

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = (f"C{place}" for place in range(6))
"""The colours of the style's cycle, by their names in memfit's own style."""
INK, GREY, PALE = "#1a1a1a", "#767676", "#dddddd"
DATA, MODEL, LEFT_OUT, ARROW = SKY, INK, VERMILLION, VERMILLION
BAND = BLUE
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)

Values = TypeVar("Values", FloatArray, ComplexArray)

MILLIMETRE = 1 / 25.4
"""Inch."""
_PALEST = 0.88
"""Part of a map of colours that is seen on white."""
_LABEL_EDGE = 3.0
"""Distance of the inner edge of an axis label from the figure's edge, mm; fixed, so that labels align."""
_GRID = 700
"""Dots nearer than one part in this of the axes are one dot."""
_DOT_LENGTH = 1e-5
"""Length of the line that is drawn as a dot, of the width of the axes."""
_WORTH_THINNING = 300
SEEN = 2e-3
"""Width of a band, of the height of the axes, from which it is drawn."""
BAND_ALPHA = 0.3
_INDEX_RIGHT, _INDEX_DOWN = 4.2, -2.6
"""Where the index of a symbol of 6 points stands, in points."""
_NARROW_LETTERS = {"i": 1.9, "f": 2.4}
"""How far right it stands beside narrow letters."""


@dataclass(frozen=True)
class Margins:
    """Room around the axes of a figure, mm."""

    left: float = 13.0
    right: float = 3.0
    bottom: float = 8.2
    top: float = 3.0


def place_axes(
    figure: Figure, heights: Sequence[float], margins: Margins | None = None, gap: float = 3.0
) -> list[Axes]:
    """Axes one above the other, the first on top, heights in the given proportions, `gap` mm between.

    Parameters
    ----------
    figure : Figure
    heights : sequence of float
        Proportions, the first on top.
    margins : Margins, optional
    gap : float
        mm.
    """
    room = margins or Margins()
    width, height = (size / MILLIMETRE for size in figure.get_size_inches())
    free = height - room.bottom - room.top - gap * (len(heights) - 1)
    unit = free / sum(heights)
    axes, top = [], height - room.top
    for share in heights:
        bottom = top - share * unit
        inside = width - room.left - room.right
        rectangle = (room.left / width, bottom / height, inside / width, share * unit / height)
        axes.append(figure.add_axes(rectangle, axes_class=BareAxes))
        place_labels(axes[-1], inside, share * unit, room)
        top = bottom - gap
    return axes


def place_labels(axes: Axes, width: float, height: float, room: Margins) -> None:
    """Labels of both axes in the margin, clear of the numbers; width and height of the axes in mm."""
    axes.xaxis.set_label_coords(0.5, (_LABEL_EDGE - room.bottom) / height)
    axes.yaxis.set_label_coords((_LABEL_EDGE - room.left) / width, 0.5)


def limits(*arrays: FloatArray, log: bool = False, pad: float = 0.05) -> tuple[float, float]:
    """Range of all finite values with some room; on a logarithmic axis of the positive ones.

    Parameters
    ----------
    *arrays : arrays
    log : bool
        Whether the axis is logarithmic.
    pad : float
        Room on each side, of the range.
    """
    values = np.concatenate([np.ravel(a) for a in arrays]) if arrays else np.array([])
    values = values[np.isfinite(values) & ((values > 0) if log else True)]
    if values.size == 0:
        return (0.1, 10.0) if log else (-1.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if log:
        room = max(pad * np.log10(high / low), 0.15)
        return low * 10.0**-room, high * 10.0**room
    room = pad * (high - low) or 0.5 * abs(high) or 1.0
    return low - room, high + room


def kept(values: Values, used: BoolArray) -> Values:
    """The values that were fitted, which set the limits of axes; all of them where none was."""
    return values[used] if used.any() else values


def thinned(
    x: FloatArray, y: FloatArray, axes: Axes, width: int = _GRID, height: int = _GRID
) -> tuple[FloatArray, FloatArray]:
    """The points without those that would be drawn on top of another, at the limits and scales of `axes`.

    Parameters
    ----------
    x, y : (n,) arrays
        In the units shown.
    axes : Axes
        With limits and scale set.
    width, height : int
        Cells across and up, of which each holds one point.
    """
    if x.size < _WORTH_THINNING:
        return x, y
    column = _cells(x, axes.get_xlim(), axes.get_xscale() == "log", width)
    row = _cells(y, axes.get_ylim(), axes.get_yscale() == "log", height)
    _, first = np.unique(column * (height + 2) + row, return_index=True)
    keep = np.sort(first)
    return x[keep], y[keep]


def _cells(values: FloatArray, bounds: tuple[float, float], log: bool, count: int) -> FloatArray:
    """Number of the cell each value falls into, of `count` across the axis; outside counts as the edge."""
    if log:
        values, bounds = np.log10(np.maximum(values, 1e-300)), (np.log10(bounds[0]), np.log10(bounds[1]))
    share = (values - bounds[0]) / (bounds[1] - bounds[0])
    return np.floor(np.clip(share, 0.0, 1.0) * count)


def dots(
    axes: Axes, x: FloatArray, y: FloatArray, colour: Any = DATA, size: float = 1.8, **style: Any
) -> PathPatch:
    """Round dots as one path of short lines with round ends; what would be covered is drawn once.

    Parameters
    ----------
    axes : Axes
        With limits and scale set.
    x, y : (n,) arrays
        In the units shown; what is not finite, or not positive on a logarithmic axis, is left out.
    colour
        Of matplotlib.
    size : float
        Points across.
    **style
        Further properties of the patch.
    """
    inside = np.isfinite(x) & np.isfinite(y)
    for values, scale in ((x, axes.get_xscale()), (y, axes.get_yscale())):
        inside &= (np.asarray(values) > 0) | (scale != "log")
    x, y = thinned(np.asarray(x)[inside], np.asarray(y)[inside], axes)
    low, high = axes.get_xlim()
    log = axes.get_xscale() == "log"  # some renderers drop lines of no length
    end = x * (high / low) ** _DOT_LENGTH if log else x + _DOT_LENGTH * (high - low)
    path = Path(np.stack([x, y, end, y], axis=-1).reshape(-1, 2), np.tile([Path.MOVETO, Path.LINETO], x.size))
    path.should_simplify = False  # which would drop lines of hardly any length
    patch = PathPatch(
        path, fill=False, edgecolor=colour, linewidth=size, capstyle="round", snap=False, **style
    )
    axes.add_artist(patch)
    return patch


def curve(axes: Axes, x: FloatArray, y: FloatArray, colour: Any = MODEL, **style: Any) -> Any:
    """A thin line: the model, unless another colour says otherwise."""
    return axes.plot(x, y, color=colour, **{"linewidth": 0.9, **style})[0]


def shade_band(axes: Axes, x: FloatArray, low: FloatArray, high: FloatArray) -> None:
    """A band around a curve, where it is wide enough to be seen; set the limits of the axes first.

    Parameters
    ----------
    axes : Axes
    x, low, high : (n,) arrays
        In the units shown.
    """
    bottom, top = axes.get_ylim()
    if axes.get_yscale() == "log":
        seen = np.log(np.maximum(high, bottom) / np.maximum(low, bottom)) / np.log(top / bottom)
    else:
        seen = (high - low) / (top - bottom)
    if np.nanmax(seen, initial=0.0) > SEEN:
        axes.fill_between(x, low, high, color=BAND, linewidth=0, alpha=BAND_ALPHA, zorder=0.5)


def crosses(axes: Axes, x: FloatArray, y: FloatArray) -> Any:
    """Points that were left out of the fit."""
    return axes.plot(
        x, y, linestyle="none", marker="x", markersize=3.2, markeredgewidth=0.7, color=LEFT_OUT, zorder=3
    )[0]


def graded_colours(count: int) -> list[Any]:
    """Colours from dark to light for a series."""
    return [graded_colour(float(grade)) for grade in np.linspace(0.0, 1.0, count)]


def graded_colour(grade: float) -> Any:
    """Colour, from dark at 0 to light at 1, in a series; the pale end of the map is left out."""
    return mpl.colormaps[mpl.rcParams["image.cmap"]](_PALEST * grade)


def key(
    axes: Axes,
    entries: Sequence[tuple[Any, str]],
    *,
    title: str = "",
    at: tuple[float, float] = (1.02, 1.0),
    step: float = 3.2,
) -> list[Text]:
    """Coloured marks with words, in axes coordinates from `at` downward, `step` mm a line.

    Parameters
    ----------
    axes : Axes
    entries : sequence of (colour, str)
    title : str
    at : (x, y)
        In axes coordinates.
    step : float
        Height of a line, mm.
    """
    figure = axes.get_figure()
    box = axes.get_position()
    width, height = (size / MILLIMETRE for size in figure.get_size_inches())  # type: ignore[union-attr]
    dx, dy = 1 / (box.width * width), step / (box.height * height)
    x, y = at
    texts = []
    if title:
        texts.append(write(axes, x, y, title))
        y -= dy
    for colour, words in entries:
        line = {"color": colour, "linewidth": 2, "transform": axes.transAxes, "clip_on": False}
        axes.add_artist(Line2D([x, x + 2.2 * dx], [y - 0.4 * dy] * 2, **line))
        texts.append(write(axes, x + 3 * dx, y, words))
        y -= dy
    return texts


def write(axes: Axes, x: float, y: float, words: str) -> Text:
    """Words in axes coordinates; the name of a quantity with its index lowered.

    Done by hand: the first use of matplotlib's mathematics costs a fifth of a second.
    """
    symbol = None if isinstance(words, Given) else SYMBOLS.get(words)
    text = axes.text(
        x, y, symbol.base if symbol else words, transform=axes.transAxes, va="top", fontsize=6, color=INK
    )
    if symbol and symbol.index:
        axes.annotate(
            symbol.index,
            (x, y),
            (_NARROW_LETTERS.get(symbol.base, _INDEX_RIGHT), _INDEX_DOWN),
            xycoords=axes.transAxes,
            va="top",
            textcoords="offset points",
            fontsize=4.5,
            color=INK,
            annotation_clip=False,
        )
    return text


def few(count: int, most: int = 9) -> list[int]:
    """Indices of at most `most` of `count` items, evenly chosen, first and last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(i) for i in np.linspace(0, count - 1, most)})
