"""Figures of merit over many devices: cumulative distributions, and maps where positions are known.

The same for a comparison and for the overview of a batch.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from memfit.analysis.figures_of_merit.conditions import Stated
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT
from memfit.arrays import FloatArray
from memfit.datasets.positions import positions_of
from memfit.reporting.content import FIGURE_WORDS, SYMBOLS, Panel, on_axis
from memfit.reporting.figures.population import Population, Scale, distribution_figure, wafer_figure
from memfit.reporting.numbers import quantity, scale_for

_FEWEST = 3
"""Devices from which there is a distribution."""
_HEIGHT = 62.0
Spread = tuple[FloatArray, FloatArray, FloatArray]
"""(n,) values of n devices and the ends of their intervals, SI; NaN where they are not known."""


def conditions_words(full: Stated) -> str:
    """The conditions of figures of merit of many devices in words.

    Parameters
    ----------
    full : Stated
    """
    said = {
        "amplitude": quantity(full.amplitude, "V"),
        "read at": quantity(full.read, "V"),
        "scan rate": quantity(full.rate, "V/s"),
        "pulses of": quantity(full.width, "s"),
        "intervals of": quantity(full.interval, "s"),
    }
    return ", ".join(f"{name} {value}" for name, value in said.items())


def distribution_panels(
    figures: Mapping[str, Spread], attributes: Sequence[Mapping[str, str | float]], conditions: str
) -> Iterator[Panel]:
    """A distribution for each figure of merit, and a map where attributes say where devices lie.

    Parameters
    ----------
    figures : mapping of str to (value, low, high)
        By name, over n devices.
    attributes : sequence of mapping
        Of each of them.
    conditions : str
        At which the figures are.
    """
    at = positions_of(attributes)
    for name, (value, low, high) in figures.items():
        row, known = FIGURES_OF_MERIT[name], np.isfinite(value)
        if np.count_nonzero(known) < _FEWEST:
            continue
        factor, unit = scale_for(float(np.median(np.abs(value[known]))), row.unit)
        title = on_axis(name) if name in SYMBOLS else name
        none = np.full(value.size, False)
        found = Population(
            labels=("",) * value.size,
            value=value * factor,
            low=np.where(np.isfinite(low), low, value) * factor,
            high=np.where(np.isfinite(high), high, value) * factor,
            outlying=none,
            remarks=(),
            scale=Scale(f"{title} ({unit})" if unit else title, logarithmic=row.positive),
        )
        data = {"value": value, "ci95_low": low, "ci95_high": high}
        words = {"count": int(np.count_nonzero(known)), "conditions": conditions}
        yield _panel("distribution", partial(distribution_figure, found=found), data, name, **words)
        if at is not None:
            places = {"x": at.x, "y": at.y, "value": value}
            draw = partial(wafer_figure, found=found, at=at)
            yield _panel("wafer", draw, places, name, **words)


def _panel(
    kind: str, draw: partial[None], data: Mapping[str, FloatArray], name: str, **words: object
) -> Panel:
    """A figure with its words."""
    said = FIGURE_WORDS[kind]
    return Panel(
        key=f"{kind}_{name}",
        draw=draw,
        caption=said.caption.format(name=name, **words).rstrip(),
        alt=said.alt.format(name=name, **words),
        height=_HEIGHT,
        data=data,
    )
