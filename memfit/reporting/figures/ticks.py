"""Ticks with their numbers, drawn by hand: one line of marks an axis and a text a number.

matplotlib makes three lines and two texts for every tick, which is a third of the time that a report takes.
Sizes, colours and direction are those of the style in force. The numbers are written by `numbers`.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN, TICKLEFT, TICKRIGHT, TICKUP
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation

from memfit.arrays import FloatArray
from memfit.reporting.numbers import power_of_ten, tick_labels

_FEW_STEPS = 10.0
"""Ratio of the ends of a logarithmic axis from which it has few ticks between the decades."""
_STEPS = [1, 2, 2.5, 5, 10]
_MARKERS: dict[str, dict[str, Any]] = {
    "in": {"x": TICKUP, "y": TICKRIGHT},
    "out": {"x": TICKDOWN, "y": TICKLEFT},
    "inout": {"x": "|", "y": "_"},
}
_POINTS_PER_INCH = 72.0


def linear_axis(axes: Axes, which: str, bounds: tuple[float, float], ticks: int = 5) -> None:
    """A linear axis ("x" or "y") with few round ticks."""
    getattr(axes, f"set_{which}lim")(*bounds)
    found = np.asarray(MaxNLocator(ticks, steps=_STEPS).tick_values(*bounds))
    shown = _inside(found, bounds)
    draw_ticks(axes, which, shown, tick_labels(shown.tolist()))


def log_axis(axes: Axes, which: str, bounds: tuple[float, float], most: int = 7) -> None:
    """A logarithmic axis ("x" or "y") with ticks at whole decades, not more than `most`."""
    getattr(axes, f"set_{which}scale")("log")
    getattr(axes, f"set_{which}lim")(*bounds)
    first, last = int(np.ceil(np.log10(bounds[0]))), int(np.floor(np.log10(bounds[1])))
    if last - first < 1:
        found = np.array([m * 10.0**e for e in range(first - 1, last + 1) for m in (1, 2, 5)])
        shown = _inside(found, bounds)
        draw_ticks(axes, which, shown, [tick_labels([value])[0] for value in shown.tolist()])
        return
    decades = range(first, last + 1, -(-(last - first + 1) // most))
    draw_ticks(axes, which, [10.0**e for e in decades], [power_of_ten(e) for e in decades])


def close_log_axis(axes: Axes, which: str, bounds: tuple[float, float]) -> None:
    """A logarithmic axis over few decades, with ticks between them."""
    log_axis(axes, which, bounds)
    steps = (1, 2, 5) if bounds[1] > _FEW_STEPS * bounds[0] else (1, 1.5, 2, 3, 5, 7)
    first, last = int(np.floor(np.log10(bounds[0]))), int(np.ceil(np.log10(bounds[1])))
    shown = _inside(np.array([m * 10.0**e for e in range(first, last + 1) for m in steps]), bounds)
    draw_ticks(axes, which, shown, [tick_labels([value])[0] for value in shown.tolist()])


def even_axis(axes: Axes, which: str, bounds: tuple[float, float], step: float) -> None:
    """A linear axis with a tick at every multiple of a step, such as 90 degrees."""
    getattr(axes, f"set_{which}lim")(*bounds)
    multiples = np.arange(np.ceil(bounds[0] / step), np.floor(bounds[1] / step) + 1) * step
    draw_ticks(axes, which, multiples, tick_labels(multiples.tolist()))


def hide_tick_labels(axes: Axes) -> None:
    """No numbers on the horizontal axis: the axes below carries them."""
    for text in _drawn(axes, "x"):
        if isinstance(text, Text):
            text.remove()


def draw_ticks(
    axes: Axes, which: str, places: Sequence[float] | FloatArray, labels: Sequence[str], *, marks: bool = True
) -> None:
    """Marks and words along the lower ("x") or the left ("y") edge, instead of those there.

    Parameters
    ----------
    axes : Axes
        With limits and scale set.
    which : {"x", "y"}
    places : sequence of float
        In data coordinates.
    labels : sequence of str
    marks : bool
        Whether there are marks, or words alone.
    """
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(NullLocator())
    axis.set_minor_locator(NullLocator())
    for artist in _drawn(axes, which):
        artist.remove()
    if marks:
        _draw_marks(axes, which, places)
    for place, label in zip(places, labels, strict=True):
        _draw_label(axes, which, float(place), label)


def _inside(values: FloatArray, bounds: tuple[float, float]) -> FloatArray:
    """The values between two bounds, rounding of floats forgiven."""
    room = 1e-9 * (bounds[1] - bounds[0])
    kept: FloatArray = values[(values >= bounds[0] - room) & (values <= bounds[1] + room)]
    return kept


def _name(which: str) -> str:
    """By which the artists of an axis are known; the underscore keeps them out of legends."""
    return f"_{which}ticks"


def _drawn(axes: Axes, which: str) -> list[Any]:
    """What was drawn for an axis."""
    return [artist for artist in axes.get_children() if artist.get_label() == _name(which)]


def _style(which: str, key: str) -> Any:
    """A setting of the style for the ticks of an axis."""
    settings: Any = mpl.rcParams
    return settings[f"{which}tick.{key}"]


def _draw_marks(axes: Axes, which: str, places: Sequence[float] | FloatArray) -> None:
    """All marks of an axis as one line of markers."""
    marker = _MARKERS[_style(which, "direction")][which]
    zero = np.zeros(len(places))
    x, y = (places, zero) if which == "x" else (zero, places)
    axes.add_artist(
        Line2D(
            x,
            y,
            linestyle="none",
            marker=marker,
            markersize=_style(which, "major.size"),
            markeredgewidth=_style(which, "major.width"),
            color=_style(which, "color"),
            transform=_edge(axes, which),
            clip_on=False,
            label=_name(which),
        )
    )


def _draw_label(axes: Axes, which: str, place: float, label: str) -> None:
    """The word of a tick, beside its mark."""
    outside = {"in": 0.0, "out": 1.0, "inout": 0.5}[_style(which, "direction")]
    away = (_style(which, "major.pad") + outside * _style(which, "major.size")) / _POINTS_PER_INCH
    figure = axes.get_figure()
    across, up = (0.0, -away) if which == "x" else (-away, 0.0)
    shift = ScaledTranslation(across, up, figure.dpi_scale_trans)  # type: ignore[union-attr]
    colour = _style(which, "labelcolor")
    at, alignment = ((place, 0.0), ("center", "top")) if which == "x" else ((0.0, place), ("right", "center"))
    axes.text(
        *at,
        label,
        transform=_edge(axes, which) + shift,
        ha=alignment[0],
        va=alignment[1],
        fontsize=_style(which, "labelsize"),
        color=_style(which, "color") if colour == "inherit" else colour,
        label=_name(which),
    )


def _edge(axes: Axes, which: str) -> Any:
    """Data coordinates along the edge, axes coordinates across."""
    return axes.get_xaxis_transform() if which == "x" else axes.get_yaxis_transform()
