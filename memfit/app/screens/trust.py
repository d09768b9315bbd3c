"""What can be believed of a fit: intervals with pictures, what the data cannot tell, what to measure next."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update

from memfit.app.blocks import blocks, pictures, sentences, symbol, words
from memfit.app.live import Live
from memfit.app.pictures import CONFIG, overview
from memfit.app.words import WORDS
from memfit.errors import InputError
from memfit.fitting import FitResult
from memfit.model import PARAMETERS, Parameters

if TYPE_CHECKING:
    from memfit.app.desk import Desk
    from memfit.app.session import Session

OpenSession = Callable[[str | None, str | None], "Session"]
TITLE = "Trust"
_MISSED = 3.0
"""Misfit of a spectrum, in noise, from which a second arc is offered."""


def layout(session: "Session") -> Any:
    """Answers first, then what they stand on.

    Parameters
    ----------
    session : Session
    """
    result = session.result()
    if result is None:
        return html.P(WORDS["no_fit"])
    from memfit.reporting.fit.intervals import interval_blocks, knowledge_blocks
    from memfit.reporting.fit.summary import answers
    from memfit.reporting.fit.tables import estimates_table, goodness_table

    intervals = interval_blocks(result)
    return html.Div(
        [
            html.Div(
                [
                    html.H1(f"{WORDS['trust_title']}: {session.shown}"),
                    html.Button("Profile", id="profile", n_clicks=0, title=WORDS["profile"]),
                    html.Button("Bootstrap", id="bootstrap", n_clicks=0, title=WORDS["bootstrap"]),
                    html.Button("What to measure next", id="plan-next", n_clicks=0),
                    html.Button(
                        WORDS["second_arc"],
                        id="second-arc",
                        n_clicks=0,
                        className="primary" if asks_for_arc(result) else "absent",
                    ),
                ],
                className="tools",
            ),
            html.Div(
                [
                    html.Section(
                        [
                            html.H2(answer.question),
                            html.P(words(answer.headline), className=f"headline {answer.tone}"),
                            html.P(
                                [
                                    html.Span([symbol(name), f" = {value}"], className="fact")
                                    for name, value in answer.facts
                                ]
                            ),
                            sentences(answer.sentences),
                        ],
                        className="card",
                    )
                    for answer in answers(result)
                ],
                className="cards",
            ),
            html.Div(id="planned", role="status"),
            *blocks([estimates_table("parameters", result.parameters)]),
            *blocks(intervals),
            html.Div(pictures(intervals), className="pictures"),
            html.H2(WORDS["cannot_tell"]),
            *blocks(knowledge_blocks(result)),
            html.H2(WORDS["described"]),
            *blocks([goodness_table(result)]),
            sentences(result.warnings, "care"),
        ]
    )


def asks_for_arc(result: FitResult) -> bool:
    """Whether the spectra are missed and have no ionic branch yet.

    Parameters
    ----------
    result : FitResult
    """
    missed = [
        one for one in result.goodness.datasets if one.kind == "impedance" and (one.misfit or 0) > _MISSED
    ]
    return bool(missed) and "branch" not in result.parts


def register(app: Dash, open_session: OpenSession, desk: "Desk") -> None:  # noqa: ARG001 - as all screens
    """Intervals, a second arc, the plan.

    Parameters
    ----------
    app : Dash
    open_session : callable
    desk : Desk
    """

    @app.callback(
        Output("beat", "disabled", allow_duplicate=True),
        Input("profile", "n_clicks"),
        Input("bootstrap", "n_clicks"),
        Input("second-arc", "n_clicks"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def begin(profiles: int, bootstraps: int, arcs: int, tab: str, pathname: str) -> Any:
        if not (profiles or bootstraps or arcs):
            return no_update
        session = open_session(tab, pathname)
        if ctx.triggered_id == "second-arc":
            choice = session.choice
            session.change("a second arc", choice=replace(choice, parts=(*choice.parts, "branch")))
            session.start_fit()
        else:
            session.start_intervals(str(ctx.triggered_id))
        return False

    @app.callback(
        Output("planned", "children"),
        Input("plan-next", "n_clicks"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def plan(clicks: int, tab: str, pathname: str) -> Any:
        if not clicks:
            return no_update
        session = open_session(tab, pathname)
        result = session.result()
        if result is None:
            raise InputError(WORDS["no_fit"])
        from memfit.reporting.fit.intervals import plan_report
        from memfit.workflow.stability import plan_next

        found = plan_next(result)
        report = plan_report(found, result)
        made = [block for section in report.sections for block in blocks(section.blocks)]
        names = [forecast.text for forecast in found.forecasts]
        simulate = html.Div(
            [
                html.Label(
                    [html.Span(WORDS["simulate"]), dcc.Dropdown(names, id="experiment", placeholder="none")]
                ),
                html.Div(id="simulated"),
            ],
            className="line",
        )
        return html.Section([html.H2(WORDS["next"]), *made, simulate if names else None], className="card")

    @app.callback(
        Output("simulated", "children"),
        Input("experiment", "value"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def simulate(text: str | None, tab: str, pathname: str) -> Any:
        result = open_session(tab, pathname).result()
        if not text or result is None:
            return ""
        return _simulated(result, text)


def _simulated(result: FitResult, text: str) -> Any:
    """What the device of a fit would show in an experiment."""
    from memfit.analysis.experiments import Measured, propose

    values = {name: value for name, value in result.fitted_values.items() if name in PARAMETERS}
    p = Parameters.from_mapping(values) if values else result.values()
    extents: Any = [(item.kind, item.control, item.covers, item.points) for item in result.inputs]
    experiments, _ = propose(Measured(extents=extents), p)
    experiment = next((one for one in experiments if one.text == text), None)
    if experiment is None:
        return ""
    record = experiment.record
    live = Live([record], [np.ones(record.points, dtype=bool)])
    model = live.traces(live.model(p), "nyquist", "linear")
    figures = overview(live, [], model, [], "nyquist", "linear")
    shown = [figure for figure in figures if figure["data"]]
    return html.Div(
        [dcc.Graph(figure=figure, config=CONFIG, style={"height": "260px"}) for figure in shown],
        className="four",
    )
