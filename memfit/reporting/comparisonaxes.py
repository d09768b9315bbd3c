"""What the figures of a comparison share: a panel from its words, axes of quantities, names of files."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from memfit.analysis.comparison_sample import Quantity
from memfit.arrays import FloatArray
from memfit.reporting.comparisoncells import shown_unit
from memfit.reporting.comparisonwords import FIGURES
from memfit.reporting.content import Panel
from memfit.reporting.figures.marks import on_axis
from memfit.reporting.figures.population import drawn_name
from memfit.reporting.numbers import scale_for
from memfit.reporting.words import SYMBOLS

Z95 = 1.959963984540054
_HEIGHT = 62.0


def panel_of(key: str, name: str, draw: Callable[[Figure], None], **more: Any) -> Panel:
    """A figure with the words its name stands for; `data` are the numbers behind it, `height` is in mm."""
    words = FIGURES[name]
    data: Mapping[str, FloatArray] = more.pop("data", {})
    height: float = more.pop("height", _HEIGHT)
    return Panel(
        key=key,
        draw=draw,
        caption=words.caption.format(**more),
        alt=words.alt.format(**more),
        height=height,
        data=data,
    )


def spoken(name: str) -> str:
    """A quantity on an axis."""
    return on_axis(name) if name in SYMBOLS else escaped(name)


def escaped(words: str) -> str:
    """Words of a user on an axis: no mathematics."""
    return drawn_name(words).replace("$", r"\$")


def scaling(one: Quantity, values: FloatArray) -> tuple[float, str]:
    """Factor from SI to the unit of an axis, and its title."""
    known = np.abs(values[np.isfinite(values)])
    unit, factor = shown_unit(one.unit)
    if unit == (one.unit or "1"):
        factor, unit = scale_for(float(np.median(known)) if known.size else 1.0, one.unit)
    return factor, f"{spoken(one.name)} ({unit})" if unit else spoken(one.name)


def outer(one: Quantity, x: FloatArray) -> FloatArray:
    """From the scale of the fit to SI."""
    return np.exp(np.clip(x, -700.0, 700.0)) if one.logarithmic else np.asarray(x, dtype=np.float64)


def stem(name: str) -> str:
    """A name as part of a file's name."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)[:40]
