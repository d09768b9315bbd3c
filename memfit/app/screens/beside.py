"""Figures, curves and misfits of all data beside the model, as the sliders stand."""

from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from dash import html

from memfit.app.choice import Choice
from memfit.app.live import CurrentView, Live, SpectraView, label_of
from memfit.app.pictures import Figure, overview, scales_of
from memfit.app.words import WORDS
from memfit.errors import ParameterError
from memfit.reporting.numbers import quantity_digits

if TYPE_CHECKING:
    from memfit.app.session import Session
    from memfit.fit_options import Model

_GOOD, _CARE = 1.3, 3.0
"""Misfit, in noise, up to which a record is described, and up to which nearly."""


def misfits(session: "Session", choice: Choice, values: Any = None) -> list[Any]:
    """How well each record is described, in its noise."""
    live = session.live()
    if values is None:
        try:
            values = live.model(choice.parameters())
        except ParameterError:
            return []
    made = []
    for record, ratio in zip(live.records, live.misfits(values), strict=True):
        tone = "good" if ratio < _GOOD else "care" if ratio < _CARE else "bad"
        said = quantity_digits(ratio, "1", 2)
        made.append(
            html.Span(
                [label_of(record), html.B(said)], className=tone, title=f"{record.name}: {said} × noise"
            )
        )
    return [html.Span(WORDS["misfit"], className="head"), *made]


def figures_of(
    session: "Session", spectra: SpectraView = "modulus", current: CurrentView = "linear"
) -> list[Figure]:
    """The four panels as they are now.

    Parameters
    ----------
    session : Session
    spectra, current : str
        As `Live.traces` takes them.
    """
    live = session.live()
    shown = live.measured_traces(spectra, current)
    model = live.traces(live.model(session.choice.parameters()), spectra, current)
    other = []
    result = session.result(session.beside) if session.beside else None
    if result is not None:
        from memfit.app.session import with_result

        parts = replace(session.choice, parts=result.parts, model=cast("Model", result.model), values={})
        other = live.traces(live.model(with_result(parts, result).parameters()), spectra, current)
    return overview(live, shown, model, other, spectra, current)


def curves_of(live: Live, values: Any, spectra: SpectraView, current: CurrentView) -> dict[str, Any]:
    """Model curves for the page: numbers of all lines of all panels end to end, and how many of each.

    Parameters
    ----------
    live : Live
    values : (n,) array
        As from `Live.model`.
    spectra, current : str
        As `Live.traces` takes them.
    """
    measured = live.measured_traces(spectra, current)
    factors = []
    for panel in range(4):
        points = [one for one in measured if one.panel == panel]
        factors.append(scales_of(panel, points, [live.records[one.record] for one in points], spectra))
    traces = live.traces(values, spectra, current)
    x = np.concatenate([factors[one.panel][0] * one.x for one in traces] or [np.zeros(0)])
    y = np.concatenate([factors[one.panel][1] * one.y for one in traces] or [np.zeros(0)])
    return {
        "x": b64encode(x.astype("<f4").tobytes()).decode(),
        "y": b64encode(y.astype("<f4").tobytes()).decode(),
        "sizes": [[one.y.size for one in traces if one.panel == panel] for panel in range(4)],
    }
