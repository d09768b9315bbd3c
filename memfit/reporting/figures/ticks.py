"""Axes with their ticks and numbers, for all figures.

Where ticks stand is for matplotlib to say; their numbers are written by `numbers`. They are drawn as one line
of marks an axis and a text a number: a tick of matplotlib's own is three lines and two texts, with which a
report takes a fifth longer. On axes that belong to somebody else, `native_ticks` gives matplotlib's own back.
"""

from collections.abc import Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN, TICKLEFT, TICKRIGHT, TICKUP
from matplotlib.text import Text
from matplotlib.ticker import (
    AutoLocator,
    LogLocator,
    MaxNLocator,
    MultipleLocator,
    NullLocator,
    ScalarFormatter,
)

from memfit.arrays import FloatArray
from memfit.reporting.numbers import power_of_ten, tick_labels

_FEW_STEPS = 10.0
"""Ratio of the ends of a logarithmic axis from which it has few ticks between the decades."""
_STYLED = ("direction", "major.size", "major.width", "major.pad", "color", "labelcolor", "labelsize")
"""What a style says of ticks."""
_MARKERS: dict[str, dict[str, Any]] = {
    "in": {"x": TICKUP, "y": TICKRIGHT},
    "out": {"x": TICKDOWN, "y": TICKLEFT},
    "inout": {"x": "|", "y": "_"},
}


class _WithoutTicks:
    """Of an axis."""

    def reset_ticks(self) -> None:
        """Begin with none, instead of with one of each kind."""
        self.majorTicks: list[Any] = []
        self.minorTicks: list[Any] = []


class _BareX(_WithoutTicks, XAxis):
    def get_ticks_position(self) -> Literal["bottom"]:
        """Where they would be: to place a title matplotlib looks at the first one, before 3.9 in any case."""
        return "bottom"


class _BareY(_WithoutTicks, YAxis):
    pass


class BareAxes(Axes):
    """Axes that begin without ticks: of matplotlib's own four are made with every axes, and none is drawn."""

    def clear(self) -> None:
        """Begin anew, with the frame in its place, which else the first tick brings it to."""
        super().clear()
        for side in ("bottom", "top", "left", "right"):
            self.spines[side].set_position(("outward", 0.0))

    def _init_axis(self) -> None:
        self.xaxis, self.yaxis = _BareX(self, clear=False), _BareY(self, clear=False)
        for axis, sides in ((self.xaxis, ("bottom", "top")), (self.yaxis, ("left", "right"))):
            for side in sides:
                self.spines[side].register_axis(axis)


def linear_axis(
    axes: Axes, which: str, bounds: tuple[float, float], ticks: int = 5, *, step: float | None = None
) -> None:
    """A linear axis with few round ticks, or with one at every multiple of a step.

    Parameters
    ----------
    axes : Axes
    which : {"x", "y"}
    bounds : (low, high)
        Limits, in the unit shown.
    ticks : int
        Most intervals between ticks.
    step : float, optional
        Such as 90 degrees.
    """
    getattr(axes, f"set_{which}lim")(*bounds)
    locator = MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]) if step is None else MultipleLocator(step)
    places = _inside(locator.tick_values(*bounds), bounds)
    draw_ticks(axes, which, places, tick_labels(places))


def log_axis(
    axes: Axes, which: str, bounds: tuple[float, float], most: int = 7, *, close: bool = False
) -> None:
    """A logarithmic axis with ticks at whole decades, or between them where there is only one.

    Parameters
    ----------
    axes : Axes
    which : {"x", "y"}
    bounds : (low, high)
        Limits, positive, in the unit shown.
    most : int
        Most decades with a number.
    close : bool
        Whether there are ticks between decades in any case, and more of them within one decade.
    """
    getattr(axes, f"set_{which}scale")("log")
    getattr(axes, f"set_{which}lim")(*bounds)
    first, last = int(np.ceil(np.log10(bounds[0]))), int(np.floor(np.log10(bounds[1])))
    if last > first and not close:
        decades = range(first, last + 1, -(-(last - first + 1) // most))
        draw_ticks(axes, which, [10.0**e for e in decades], [power_of_ten(e) for e in decades])
        return
    many = close and bounds[1] <= _FEW_STEPS * bounds[0]
    steps = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if many else (1.0, 2.0, 5.0)
    places = _inside(LogLocator(subs=steps, numticks=1000).tick_values(*bounds), bounds)
    draw_ticks(axes, which, places, [tick_labels([value])[0] for value in places])


def _inside(values: Sequence[float] | FloatArray, bounds: tuple[float, float]) -> list[float]:
    """The values between two bounds, rounding of floats forgiven."""
    room = 1e-9 * (bounds[1] - bounds[0])
    return [float(value) for value in values if bounds[0] - room <= value <= bounds[1] + room]


def draw_ticks(
    axes: Axes, which: str, places: Sequence[float], labels: Sequence[str], *, marks: bool = True
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
    axis, across = getattr(axes, f"{which}axis"), which == "x"
    axis.set_major_locator(NullLocator())
    axis.set_minor_locator(NullLocator())
    for artist in _ticks_of(axes, which):
        artist.remove()
    settings: Any = mpl.rcParams
    style = {name: settings[f"{which}tick.{name}"] for name in _STYLED}
    if marks:
        zeros = np.zeros(len(places))
        line = Line2D(
            *((places, zeros) if across else (zeros, places)),
            linestyle="none",
            marker=_MARKERS[style["direction"]][which],
            markersize=style["major.size"],
            markeredgewidth=style["major.width"],
            color=style["color"],
            transform=getattr(axes, f"get_{which}axis_transform")(),
            clip_on=False,
            label=f"_{which}ticks",
        )
        axes.add_artist(line)
    outside = {"in": 0.0, "out": 1.0, "inout": 0.5}[style["direction"]] * style["major.size"]
    transform, *_ = getattr(axes, f"get_{which}axis_text1_transform")(style["major.pad"] + outside)
    colour = style["color"] if style["labelcolor"] == "inherit" else style["labelcolor"]
    for place, label in zip(places, labels, strict=True):
        axes.text(
            *((place, 0.0) if across else (0.0, place)),
            label,
            transform=transform,
            ha="center" if across else "right",
            va="top" if across else "center",
            fontsize=style["labelsize"],
            color=colour,
            label=f"_{which}ticks",
        )


def native_ticks(axes: Axes) -> None:
    """Matplotlib's own ticks in place of those drawn here: for axes whose limits their owner may change.

    Parameters
    ----------
    axes : Axes
        Drawn in by functions of these modules.
    """
    for which in ("x", "y"):
        for artist in _ticks_of(axes, which):
            artist.remove()
        axis, scale = getattr(axes, f"{which}axis"), getattr(axes, f"get_{which}scale")()
        bounds = getattr(axes, f"get_{which}lim")()
        getattr(axes, f"set_{which}scale")(scale)  # which brings the locators of the scale back
        if scale == "linear":
            axis.set_major_locator(AutoLocator())
            axis.set_major_formatter(ScalarFormatter())
        getattr(axes, f"set_{which}lim")(*bounds)


def hide_tick_labels(axes: Axes) -> None:
    """No numbers on the horizontal axis: the axes below carries them."""
    for artist in _ticks_of(axes, "x"):
        if isinstance(artist, Text):
            artist.remove()


def _ticks_of(axes: Axes, which: str) -> list[Any]:
    """What was drawn for an axis; the underscore of its label keeps it out of legends."""
    return [artist for artist in axes.get_children() if artist.get_label() == f"_{which}ticks"]
