"""The device in a circuit: gain margin, limit cycles, maps, the course after the source is switched on."""

from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from dash import Dash, Input, Output, State, dcc, html, no_update

from memfit.app.pictures import ACCENT, CONFIG, GREY, INK, Figure, axis, figure
from memfit.app.screens.maps import curve, load_map, margin_map, nothing
from memfit.app.words import WORDS
from memfit.errors import MemfitError
from memfit.model import Parameters
from memfit.reporting.numbers import quantity_digits, scale_for

if TYPE_CHECKING:
    from memfit.app.desk import Desk
    from memfit.app.session import Session
    from memfit.reporting.figures.stability import Dynamics

OpenSession = Callable[[str | None, str | None], "Session"]
TITLE = "Spike"
_CYCLE = "#d55e00"
_LOADS, _CAPACITANCES = (-3.0, 3.0), (-3.0, 3.0)
"""Decades about R_b and about C_m, of the sliders; their lower ends stand for none."""
_PERIODS, _POINTS = 20.0, 1500
"""Of a course in time."""


def layout(session: "Session") -> Any:
    """Circuit at the left, what follows at the right.

    Parameters
    ----------
    session : Session
    """
    at = f"the fit “{session.shown}”" if session.shown else "the sliders of the Fit screen"
    return html.Div(
        [
            html.Section(
                [
                    html.H1(WORDS["spike_title"]),
                    html.P(f"Parameters: {at}.", className="hint"),
                    dcc.RadioItems(
                        {"current": "current source", "voltage": "voltage source"},
                        "current",
                        id="control",
                        persistence=True,
                        persistence_type="session",
                    ),
                    html.Div(id="circuit"),
                    html.Label("load, in decades about R_b", id="load-label"),
                    dcc.Slider(
                        *_LOADS, step=0.05, value=_LOADS[0], id="load", marks=None, allow_direct_input=False
                    ),
                    html.Label("capacitance across, in decades about C_m", id="capacitance-label"),
                    dcc.Slider(
                        *_CAPACITANCES, step=0.05, value=_CAPACITANCES[0], id="capacitance", marks=None,
                        allow_direct_input=False,
                    ),
                    html.Div(id="verdict", role="status", className="card"),
                    html.P(WORDS["spike_hint"], className="hint"),
                ],
                className="panel",
            ),
            html.Section(
                html.Div(
                    [
                        dcc.Graph(id=f"spike-{k}", config=CONFIG, style={"height": "335px"})
                        for k in range(5)
                    ],
                    className="four",
                ),
                className="wide",
            ),
        ],
        className="columns",
    )  # fmt: skip


def parameters_of(session: "Session") -> Parameters:
    """Of the fit that is looked at, where it knows them all, else where the sliders stand.

    Parameters
    ----------
    session : Session
    """
    result = session.result()
    if result is not None and all(e.value is not None for e in result.parameters.values()):
        return result.values()
    return session.choice.parameters()


@lru_cache(maxsize=8)
def _dynamics(p: Parameters, circuit: Any) -> "Dynamics | None":
    """Steady states and limit cycles."""
    from memfit.reporting.stability.curves import dynamics_of

    return dynamics_of(p, circuit)


def _circuit(p: Parameters, control: Any, load: float, capacitance: float) -> Any:
    """The circuit of the sliders; at their lower ends there is neither load nor capacitance."""
    from memfit.analysis.stability import Circuit

    ohm = 0.0 if load <= _LOADS[0] or control == "current" else p.R_b * 10.0**load
    farad = 0.0 if capacitance <= _CAPACITANCES[0] else p.C_m * 10.0**capacitance
    return Circuit(control=control, load=ohm, external_capacitance=farad)


def register(app: Dash, open_session: OpenSession, desk: "Desk") -> None:  # noqa: ARG001 - as all screens
    """What follows from the circuit.

    Parameters
    ----------
    app : Dash
    open_session : callable
    desk : Desk
    """
    circuit_state = [
        State("control", "value"),
        State("load", "value"),
        State("capacitance", "value"),
        State("tab", "data"),
        State("url", "pathname"),
    ]

    @app.callback(
        Output("verdict", "children"),
        Output("circuit", "children"),
        Output("load-label", "children"),
        Output("capacitance-label", "children"),
        *[Output(f"spike-{k}", "figure") for k in range(3)],
        Input("control", "value"),
        Input("load", "value"),
        Input("capacitance", "value"),
        State("tab", "data"),
        State("url", "pathname"),
    )
    def follow(control: str, load: float, capacitance: float, tab: str, pathname: str) -> Any:
        session = open_session(tab, pathname)
        p = parameters_of(session)
        circuit = _circuit(p, control, load, capacitance)
        labels = (
            f"load: {quantity_digits(circuit.load, 'ohm', 3) if circuit.load else 'none'}",
            "capacitance across: "
            + (
                quantity_digits(circuit.external_capacitance, "F", 3)
                if circuit.external_capacitance
                else "none"
            ),
        )
        said = verdict(session, p, circuit)
        drawn = html.Img(
            src=_drawing(control, circuit.load > 0, circuit.external_capacitance > 0), alt=circuit.name
        )
        return said, drawn, *labels, *figures_of(p, circuit)

    @app.callback(Output("spike-4", "figure"), Input("spike-0", "figure"), *circuit_state)
    def margins(_figure: Any, control: str, load: float, capacitance: float, tab: str, pathname: str) -> Any:
        if _figure is None:
            return no_update
        session = open_session(tab, pathname)
        p = parameters_of(session)
        result = session.result()
        own = result if result is not None and p == parameters_of(session) else None
        return margin_map(own, p, _circuit(p, control, load, capacitance))

    @app.callback(
        Output("spike-3", "figure"),
        Input("spike-0", "clickData"),
        Input("spike-0", "figure"),
        *circuit_state,
    )
    def course(
        click: Any, _figure: Any, control: str, load: float, capacitance: float, tab: str, pathname: str
    ) -> Any:
        if _figure is None:
            return no_update
        p = parameters_of(open_session(tab, pathname))
        circuit = _circuit(p, control, load, capacitance)
        dynamics = _dynamics(p, circuit)
        if dynamics is None:
            return nothing()
        source = float(dynamics.critical.source[0])
        point = (click or {}).get("points", [{}])[0]
        if "x" in point:
            source = (
                float(point["x"])
                / scale_for(float(np.max(np.abs(dynamics.steady.source))), dynamics.source_unit)[0]
            )
        return course_of(p, dynamics, source)


def verdict(session: "Session", p: Parameters, circuit: Any) -> Any:
    """The verdict of the report in this circuit, with its uncertainty where a fit is looked at.

    Parameters
    ----------
    session : Session
    p : Parameters
    circuit : Circuit
    """
    from memfit.workflow.stability import stability_records

    result = session.result()
    subject = result if result is not None and p == parameters_of(session) else p
    try:
        block = stability_records(subject, {"here": circuit})["here"]
    except MemfitError as problem:
        return str(problem)
    tone = {"oscillates": "bad", "near": "care", "stable": "good"}.get(block.verdict, "")
    margin = block.to_dict().get("gain_margin_min")
    return [
        html.P(block.verdict, className=f"headline {tone}"),
        html.P(f"smallest gain margin: {quantity_digits(margin, '1', 3)}" if margin is not None else ""),
        html.P(block.message),
    ]


def figures_of(p: Parameters, circuit: Any) -> list[Figure]:
    """Bifurcation diagram, gain margin, map over bias and load.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    """
    dynamics = _dynamics(p, circuit)
    if dynamics is None:
        return [nothing(), nothing(), load_map(p, circuit, None)]
    from memfit.reporting.figures.stability import attracts

    steady, cycles, unit = dynamics.steady, dynamics.diagram.cycles, dynamics.source_unit
    factor, symbol = scale_for(float(np.max(np.abs(steady.source))), unit)
    x = factor * steady.source
    across = axis(f"Source ({symbol})")
    traces = [
        curve(x, np.where(steady.kind < 2, steady.u, np.nan), INK, "steady, stable"),
        curve(x, np.where(steady.kind >= 2, steady.u, np.nan), INK, "steady, unstable", "dash"),
    ]
    if cycles:
        sources = factor * np.array([cycle.source for cycle in cycles])
        good = np.array([attracts(cycle) for cycle in cycles])
        for end in (0, 1):
            u = np.array([cycle.u[end] for cycle in cycles])
            traces.append(curve(sources, np.where(good, u, np.nan), _CYCLE, "limit cycle"))
            traces.append(curve(sources, np.where(good, np.nan, u), _CYCLE, "unstable cycle", "dash"))
    margin = [
        curve(x, steady.gain_margin, ACCENT, "gain margin"),
        curve(x[[0, -1]], np.ones(2), GREY, "boundary of oscillation", "dot"),
    ]
    finite = steady.gain_margin[np.isfinite(steady.gain_margin)]
    bounds = (min(0.5, float(finite.min())), max(2.0, float(min(finite.max(), 1e3)))) if finite.size else None
    return [
        figure(traces, across, axis("u (V)")),
        figure(margin, across, axis("Gain margin", log=True, bounds=bounds)),
        load_map(p, circuit, dynamics),
    ]


def course_of(p: Parameters, dynamics: "Dynamics", source: float) -> Figure:
    """The voltage across the junction after the source is switched on.

    Parameters
    ----------
    p : Parameters
    dynamics : Dynamics
    source : float
        A or V.
    """
    from memfit.analysis.cycles import from_rest

    turning = float(dynamics.critical.frequency_Hz[0])
    period = 1.0 / turning if turning > 0 else 10.0 * max(p.tau_m, p.tau_d, p.tau_k)
    time, u = from_rest(p, dynamics.circuit, source, _PERIODS * period, _POINTS)
    per_second, symbol = scale_for(float(time[-1]), "s")
    said = quantity_digits(source, dynamics.source_unit, 3)
    traces = [] if u is None else [curve(per_second * time, u, _CYCLE, f"source {said}")]
    made = figure(traces, axis(f"Time ({symbol})"), axis("u (V)"))
    made["layout"]["annotations"] = [
        {"text": f"source {said}", "xref": "paper", "yref": "paper", "x": 0.98, "y": 0.98, "showarrow": False}
    ]
    return made


def _drawing(control: str, load: bool, capacitance: bool) -> str:
    """The circuit as a picture: source, load, device, capacitance."""
    source = "I" if control == "current" else "V"
    shape = ["M40 60 V20 H90", "M150 20 H260 V40", "M260 90 V110 H40 V100"]
    shape.append("M90 20 l6 -8 l10 16 l10 -16 l10 16 l10 -16 l8 8 H150" if load else "M90 20 H150")
    if capacitance:
        shape += ["M200 20 V58", "M186 58 H214", "M186 68 H214", "M200 68 V110"]
    word = '<text x="108" y="48">load</text>' if load else ""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="340" height="130" viewBox="0 0 340 130" fill="none" '
        'stroke="#1f2430" stroke-width="2" font-family="sans-serif" font-size="14">'
        f'<path d="{" ".join(shape)}"/><circle cx="40" cy="80" r="20"/>'
        '<rect x="240" y="40" width="40" height="50" fill="#dbe7f5"/><g fill="#1f2430" stroke="none">'
        f'<text x="35" y="85">{source}</text><text x="286" y="70">device</text>'
        f"{word}</g></svg>"
    )
    return "data:image/svg+xml;base64," + b64encode(svg.encode()).decode()
