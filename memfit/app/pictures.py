"""Figures of the page as plain data for plotly, with the look that all share.

What is drawn comes as arrays, from `live` or from the curves of `memfit.reporting`; units and numbers in
titles and labels are those of `memfit.reporting.numbers`.
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
from plotly.colors import sample_colorscale

from memfit.app.live import Live, Trace, label_of
from memfit.app.words import KINDS
from memfit.arrays import FloatArray
from memfit.datasets import ImpedanceSpectrum, IVSweep, Record
from memfit.reporting.numbers import scale_for, unit_symbol

Figure = dict[str, Any]

GREY, INK, ACCENT, WARNING = "#b3b3b3", "#1f2430", "#0b5cad", "#b3261e"
_GRID = "#e6e8ee"
_FONT = {"family": "system-ui, sans-serif", "size": 12, "color": INK}
PANEL_TITLES = ("Impedance", "Phase", "Current and voltage", "Response in time")
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "responsive": True,
    "modeBarButtonsToRemove": ["toImage", "autoScale2d", "zoomIn2d", "zoomOut2d"],
}
"""Of every figure: nothing leads to another site."""
_IN_TIME = 2
"""The first panel of records in time."""


def axis(title: str, *, log: bool = False, bounds: tuple[float, float] | None = None) -> dict[str, Any]:
    """An axis.

    Parameters
    ----------
    title : str
    log : bool
    bounds : (low, high), optional
        In the unit shown; of a logarithmic axis positive. A margin is added.
    """
    made: dict[str, Any] = {
        "title": {"text": title, "standoff": 6},
        "gridcolor": _GRID,
        "zerolinecolor": "#c9cdd6",
        "linecolor": "#8a90a0",
        "ticks": "outside",
        "ticklen": 4,
        "automargin": True,
        "exponentformat": "power",
    }
    if log:
        made |= {"type": "log", "dtick": 1}
    if bounds is not None and np.all(np.isfinite(bounds)):
        low, high = np.log10(bounds) if log else bounds
        room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
        made["range"] = [float(low - room), float(high + room)]
        if log and high - low > 6.0:
            made["dtick"] = 2
        elif log and high - low < 1.5:
            # each twice the one before: digits within a decade, as plotly has them, say not which decade
            made |= {"dtick": float(np.log10(2.0)), "exponentformat": "none"}
    return made


def figure(traces: list[dict[str, Any]], x: dict[str, Any], y: dict[str, Any], **layout: Any) -> Figure:
    """A figure with one pair of axes.

    Parameters
    ----------
    traces : list of dict
        Of plotly.
    x, y : dict
        As `axis` makes them.
    **layout
        Whatever else plotly's layout has.
    """
    return {
        "data": traces,
        "layout": {
            "xaxis": x,
            "yaxis": y,
            "font": _FONT,
            "margin": {"l": 54, "r": 10, "t": 10, "b": 40},
            "paper_bgcolor": "white",
            "plot_bgcolor": "white",
            "showlegend": False,
            "hovermode": "closest",
            "dragmode": "zoom",
            "uirevision": "kept",
            **layout,
        },
    }


def plain(values: FloatArray) -> list[float | None]:
    """Numbers for JSON, which knows no NaN; six digits are more than a screen shows."""
    return [None if not np.isfinite(v) else float(f"{v:.6g}") for v in np.asarray(values, dtype=float)]


def colours_of(records: Sequence[Record]) -> list[str]:
    """A colour a record, in order of bias, rate or pulse within its kind.

    Parameters
    ----------
    records : sequence of Record
    """
    colours = [INK] * len(records)
    for kind in KINDS:
        places = [k for k, record in enumerate(records) if record.kind == kind]
        if places:
            scale = sample_colorscale("Viridis", list(np.linspace(0.0, 0.88, max(len(places), 2))))
            for k, colour in zip(places, scale, strict=False):
                colours[k] = colour
    return colours


def overview(
    live: Live,
    shown: Sequence[Trace],
    model: Sequence[Trace],
    other: Sequence[Trace],
    spectra: str,
    current: str,
) -> list[Figure]:
    """All data of a device with the model, a figure a panel.

    Parameters
    ----------
    live : Live
    shown, model, other : sequences of Trace
        What was measured, what the sliders say, and what another fit says.
    spectra, current : str
        As `Live.traces` takes them.
    """
    colours = colours_of(live.records)
    figures = []
    for panel in range(4):
        points = [one for one in shown if one.panel == panel]
        lines = [one for one in model if one.panel == panel]
        dashed = [one for one in other if one.panel == panel]
        records = [live.records[one.record] for one in points]
        x, y, fx, fy = _axes(panel, points, records, spectra, current)
        traces = [
            _dots(one, label_of(record), colours[one.record], fx, fy)
            for one, record in zip(points, records, strict=True)
        ]
        traces += [_line(one, GREY, fx, fy, dash="dot") for one in dashed]
        traces += [_line(one, colours[one.record], fx, fy) for one in lines]
        figures.append(figure(traces, x, y))
    return figures


def scales_of(
    panel: int, points: Sequence[Trace], records: Sequence[Record], spectra: str
) -> tuple[float, float]:
    """Factors from SI to what the axes of a panel show.

    Parameters
    ----------
    panel : int
    points : sequence of Trace
        What was measured.
    records : sequence of Record
        Of each.
    spectra : {"modulus", "nyquist"}
    """
    x, y, _, _ = _units(panel, points, records, spectra)
    return x, y


def _units(
    panel: int, points: Sequence[Trace], records: Sequence[Record], spectra: str
) -> tuple[float, float, str, str]:
    """Factors and symbols of the units of both axes."""
    if not points:
        return 1.0, 1.0, "", ""
    most = max(float(np.max(np.abs(one.y))) for one in points)
    if panel == 0 and spectra == "nyquist":
        factor, unit = scale_for(most, "ohm")
        return factor, factor, unit, unit
    if panel == 0:
        return 1.0, 1.0, "Hz", unit_symbol("ohm")
    if panel == 1:
        return 1.0, 1.0, "Hz", "°"
    if panel == 2:
        factor, unit = scale_for(most, "A")
        return 1.0, factor, "V", unit
    controls = {record.control for record in records}
    factor, unit = scale_for(most, "A" if controls == {"voltage"} else "V")
    per_second, time = scale_for(max(float(np.max(one.x)) for one in points), "s")
    return per_second, factor, time, unit


def _axes(
    panel: int, points: Sequence[Trace], records: Sequence[Record], spectra: str, current: str
) -> tuple[dict[str, Any], dict[str, Any], float, float]:
    """Both axes of a panel, and the factors from SI to what they show."""
    fx, fy, ux, uy = _units(panel, points, records, spectra)
    nyquist = panel == 0 and spectra == "nyquist"
    log_x = panel in (0, 1) and not nyquist
    log_y = (panel == 0 and not nyquist) or (panel == 2 and current == "log")
    names = {
        0: ("Z′", "−Z″") if nyquist else ("Frequency", "|Z|"),
        1: ("Frequency", "−Phase"),
        2: ("Voltage", "|Current|" if current == "log" else "Current"),
        3: ("Time", "Current" if uy.endswith("A") else "Voltage"),
    }[panel]
    bounds = []
    for values, log in (([fx * one.x for one in points], log_x), ([fy * one.y for one in points], log_y)):
        every = np.concatenate(values) if values else np.zeros(0)
        every = every[every > 0] if log else every
        bounds.append((float(every.min()), float(every.max())) if every.size else None)
    x = axis(f"{names[0]} ({ux})" if ux else names[0], log=log_x, bounds=bounds[0])
    y = axis(f"{names[1]} ({uy})" if uy else names[1], log=log_y, bounds=bounds[1])
    return x, y, fx, fy


def _dots(one: Trace, label: str, colour: str, fx: float, fy: float) -> dict[str, Any]:
    """What was measured, masked points in grey: dots of a spectrum, a broad pale line in time.

    A browser draws every dot by itself, and all again while a slider moves; a line is one thing.
    """
    made: dict[str, Any] = {
        "type": "scatter",
        "x": plain(fx * one.x),
        "y": plain(fy * one.y),
        "name": label,
        "meta": "measured",
        "hovertemplate": f"{label}<br>%{{x:.4g}}, %{{y:.4g}}<extra></extra>",
    }
    if one.panel >= _IN_TIME and one.kept.all():
        return {**made, "mode": "lines", "opacity": 0.35, "line": {"width": 5, "color": colour}}
    colours: Any = colour if one.kept.all() else [colour if kept else GREY for kept in one.kept]
    return {**made, "mode": "markers", "marker": {"size": 3.5, "color": colours, "opacity": 0.55}}


def _line(one: Trace, colour: str, fx: float, fy: float, dash: str = "solid") -> dict[str, Any]:
    """The model."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": plain(fx * one.x),
        "y": plain(fy * one.y),
        "line": {"width": 1.7, "color": colour, "dash": dash},
        "meta": "model" if dash == "solid" else "other",
        "hoverinfo": "skip",
    }


def thumbnail(record: Record) -> str:
    """A record at a glance: an address of a small picture, which carries the picture itself.

    Parameters
    ----------
    record : Record
    """
    if isinstance(record, ImpedanceSpectrum):
        x, y = record.impedance.real, -record.impedance.imag
    elif isinstance(record, IVSweep):
        x, y = record.voltage, record.current
    else:
        x, y = record.time, record.response
    places = np.unique(np.linspace(0, x.size - 1, 70).round().astype(int))
    across, up = (
        (v[places] - np.min(v)) / (np.ptp(v) or 1.0) for v in (np.asarray(x, float), np.asarray(y, float))
    )
    points = " ".join(f"{2 + 60 * a:.1f},{30 - 28 * b:.1f}" for a, b in zip(across, up, strict=True))
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="32" viewBox="0 0 64 32">'
        f'<polyline points="{points}" fill="none" stroke="{ACCENT}" stroke-width="1.3"/></svg>'
    )
    return "data:image/svg+xml;base64," + b64encode(svg.encode()).decode()
