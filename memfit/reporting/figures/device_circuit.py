"""The circuit of a device, drawn with the parts that it has."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon, Rectangle

from memfit.reporting.figures.marks import BLUE, GREY, INK, MILLIMETRE, VERMILLION
from memfit.reporting.figures.ticks import BareAxes

_TOP, _BOTTOM = 34.0, 6.0  # mm, heights of the rails
_MIDDLE = 0.5 * (_TOP + _BOTTOM)
_FIRST, _STEP, _LABEL = 34.0, 24.0, 20.0  # mm, place of the first column, step, room of a label
_SIZE, _SMALL = 6.2, 4.7  # points, of letters and of an index
_LETTER, _SPACE = 0.66, 0.35  # usual width of a letter, and between words, of the size of letters
_WIDTHS = {"i": 0.28, "f": 0.35, "L": 0.56, "m": 0.97}
_HALF, _LOWERED = 0.36, 0.22  # of the size: half a capital letter, and how far below the line an index stands


@dataclass(frozen=True)
class Label:
    """A quantity beside an element."""

    base: str
    index: str = ""
    """The subscript."""
    value: str = ""
    """With its unit; empty where it is not known."""


@dataclass(frozen=True)
class Element:
    """One column between the rails."""

    symbol: str
    """"resistor", "capacitor", "constant phase", "source", "memory", "memory conductance", "diode", "light"
    or "series"."""
    labels: tuple[Label, ...]
    """Beside it, from the top."""


def device_circuit_figure(figure: Figure, series: Label, elements: Sequence[Element]) -> None:
    """Draw a device: its series resistance, and its elements between two rails.

    Parameters
    ----------
    figure : Figure
    series : Label
        Of the series resistance.
    elements : sequence of Element
    """
    width, height = (25.4 * float(size) for size in figure.get_size_inches())
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0), axes_class=BareAxes)
    axes.set_axis_off()
    last = _FIRST + _STEP * (len(elements) - 1)
    axes.set_xlim(0.0, max(width, last + _LABEL))
    axes.set_ylim(
        -2.0, max(_TOP + 6.0, height * (last + _LABEL) / width if last + _LABEL > width else height)
    )
    _line(axes, (4.0, _TOP), (11.0, _TOP))
    _box(axes, 15.0, _TOP, upright=False)
    unit = float(np.ptp(axes.get_xlim())) / width * _SIZE / 72.0 / MILLIMETRE
    _label(axes, 15.0, _TOP - 4.2, series, unit, centred=True)
    _line(axes, (19.0, _TOP), (last, _TOP))
    _line(axes, (4.0, _BOTTOM), (last, _BOTTOM))
    for y, sign in ((_TOP, "V"), (_BOTTOM, "0")):
        axes.add_patch(Circle((3.4, y), 0.6, fill=False, edgecolor=INK, linewidth=0.8))
        _text(axes, 1.4, y + 2.0, sign, "center")
    _text(axes, 25.0, _TOP + 1.6, "u", "center")
    for k, element in enumerate(elements):
        x = _FIRST + k * _STEP
        _SYMBOLS[element.symbol](axes, x)
        step = 3.4
        first = _MIDDLE + 0.5 * step * (len(element.labels) - 1)
        for j, label in enumerate(element.labels):
            _label(axes, x + 4.2, first - j * step, label, unit)


def _resistor(axes: Axes, x: float) -> None:
    _leads(axes, x, 4.0)
    _box(axes, x, _MIDDLE)


def _capacitor(axes: Axes, x: float) -> None:
    _leads(axes, x, 0.8)
    for y in (_MIDDLE - 0.8, _MIDDLE + 0.8):
        _line(axes, (x - 2.6, y), (x + 2.6, y), width=1.2)


def _constant_phase(axes: Axes, x: float) -> None:
    _leads(axes, x, 1.4)
    for y in (_MIDDLE - 1.4, _MIDDLE + 0.2):
        axes.plot([x - 2.6, x, x + 2.6], [y, y + 1.2, y], color=INK, linewidth=1.0)


def _source(axes: Axes, x: float, colour: str = INK) -> None:
    _leads(axes, x, 3.0)
    axes.add_patch(Circle((x, _MIDDLE), 3.0, facecolor="white", edgecolor=colour, linewidth=0.9))
    axes.annotate(
        "",
        xy=(x, _MIDDLE - 2.2),
        xytext=(x, _MIDDLE + 2.2),
        arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 0.9, "mutation_scale": 6},
    )


def _memory(axes: Axes, x: float) -> None:
    _source(axes, x, VERMILLION)


def _memory_conductance(axes: Axes, x: float) -> None:
    _leads(axes, x, 4.0)
    _box(axes, x, _MIDDLE, colour=VERMILLION)
    axes.add_patch(Rectangle((x - 1.7, _MIDDLE - 4.0), 3.4, 1.4, color=VERMILLION))


def _light(axes: Axes, x: float) -> None:
    _leads(axes, x, 3.0)
    axes.add_patch(Circle((x, _MIDDLE), 3.0, facecolor="white", edgecolor=BLUE, linewidth=0.9))
    axes.annotate(
        "",
        xy=(x, _MIDDLE + 2.2),
        xytext=(x, _MIDDLE - 2.2),
        arrowprops={"arrowstyle": "-|>", "color": BLUE, "linewidth": 0.9, "mutation_scale": 6},
    )


def _diode(axes: Axes, x: float) -> None:
    _leads(axes, x, 1.9)
    up = [(x - 2.2, _MIDDLE - 1.9), (x + 2.2, _MIDDLE - 1.9), (x, _MIDDLE + 1.9)]
    down = [(a, 2 * _MIDDLE - b) for a, b in up]
    for corners in (up, down):
        axes.add_patch(Polygon(corners, fill=False, edgecolor=INK, linewidth=0.8))


def _series(axes: Axes, x: float) -> None:
    """A resistance and a capacitance one after the other."""
    upper, lower = _MIDDLE + 5.0, _MIDDLE - 5.6
    _line(axes, (x, _TOP), (x, upper + 4.0))
    _box(axes, x, upper)
    _line(axes, (x, upper - 4.0), (x, lower + 0.8))
    for y in (lower - 0.8, lower + 0.8):
        _line(axes, (x - 2.6, y), (x + 2.6, y), width=1.2)
    _line(axes, (x, lower - 0.8), (x, _BOTTOM))


_SYMBOLS: Mapping[str, Callable[[Axes, float], None]] = {
    "resistor": _resistor,
    "capacitor": _capacitor,
    "constant phase": _constant_phase,
    "source": _source,
    "memory": _memory,
    "memory conductance": _memory_conductance,
    "diode": _diode,
    "light": _light,
    "series": _series,
}


def _leads(axes: Axes, x: float, half: float) -> None:
    """Wires from both rails to an element of a half height."""
    _line(axes, (x, _TOP), (x, _MIDDLE + half))
    _line(axes, (x, _MIDDLE - half), (x, _BOTTOM))


def _line(axes: Axes, a: tuple[float, float], b: tuple[float, float], width: float = 0.8) -> None:
    axes.plot([a[0], b[0]], [a[1], b[1]], color=INK, linewidth=width, solid_capstyle="round")


def _box(axes: Axes, x: float, y: float, *, upright: bool = True, colour: str = INK) -> None:
    """A resistor."""
    w, h = (3.4, 8.0) if upright else (8.0, 3.4)
    corner = (x - 0.5 * w, y - 0.5 * h)
    axes.add_patch(Rectangle(corner, w, h, facecolor="white", edgecolor=colour, linewidth=0.9))


def _text(axes: Axes, x: float, y: float, words: str, side: str) -> None:
    axes.text(x, y, words, ha=side, va="center", fontsize=_SIZE, color=INK if words != "0" else GREY)


def _length(words: str) -> float:
    """About, in sizes of its letters."""
    return sum(_WIDTHS.get(letter, _LETTER) for letter in words)


def _label(axes: Axes, x: float, y: float, label: Label, unit: float, *, centred: bool = False) -> None:
    """A label from x on, or around it, with the size of its letters in data coordinates.

    By hand: the first use of matplotlib's mathematics costs a tenth of a second.
    """
    index = _length(label.base)
    value = index + _length(label.index) * _SMALL / _SIZE + _SPACE
    if centred:
        x -= 0.5 * (value + _length(label.value)) * unit
    for words, right, down, size in (
        (label.base, 0.0, _HALF, _SIZE),
        (label.index, index, _HALF + _LOWERED, _SMALL),
        (label.value, value, _HALF, _SIZE),
    ):
        if words:
            axes.text(x + right * unit, y - down * unit, words, va="baseline", fontsize=size, color=INK)
