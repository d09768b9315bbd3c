"""A row a parameter, all data beside the model while a slider moves, and the fit itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update

from memfit.app.blocks import symbol
from memfit.app.live import CurrentView, SpectraView
from memfit.app.pictures import CONFIG
from memfit.app.screens.beside import curves_of, figures_of, misfits
from memfit.app.screens.sliders import (
    PARTS,
    labelled,
    meaning_of,
    off_slider,
    parameter_row,
    parsed,
    value_text,
    with_end,
)
from memfit.app.words import WORDS
from memfit.fit_options import MODELS
from memfit.model import PARAMETERS
from memfit.reporting.numbers import quantity

if TYPE_CHECKING:
    from memfit.app.desk import Desk
    from memfit.app.session import Session

OpenSession = Callable[[str | None, str | None], "Session"]
TITLE = "Fit"
_GRAPHS = tuple(f"fit-{k}" for k in range(4))


def layout(session: "Session") -> Any:
    """Parameters at the left, data at the right.

    Parameters
    ----------
    session : Session
    """
    session.worker.warm()
    choice = session.choice
    if not session.used():
        return html.P(WORDS["fit_nothing"])
    return html.Div(
        [
            dcc.Store(id="curves"),
            dcc.Store(id="drawn"),
            dcc.Store(id="stepped"),
            dcc.Store(id="let-go"),
            html.Section(
                [
                    html.Div(
                        [
                            html.Button("Guess", id="guess", n_clicks=0, title=WORDS["guess"]),
                            html.Button(
                                "Fit", id="fit", n_clicks=0, className="primary", title=WORDS["fit"]
                            ),
                            dcc.Checklist(
                                [{"label": "begin here", "value": "here"}],
                                ["here"] if choice.from_here else [],
                                id="from-here",
                            ),
                            labelled("model", dcc.Dropdown(
                                list(MODELS), choice.model, id="model", clearable=False, searchable=False
                            )),
                        ],
                        className="tools",
                    ),
                    html.H1(WORDS["fit_title"], className="unseen"),
                    html.Div([parameter_row(choice, name) for name in choice.names], className="parameters"),
                    html.Details(
                        [
                            html.Summary(WORDS["parts"]),
                            dcc.Checklist(
                                [
                                    {
                                        "label": html.Span(part.replace("_", " "), title=meaning_of(part)),
                                        "value": part,
                                    }
                                    for part in PARTS
                                ],
                                list(choice.parts),
                                id="parts",
                            ),
                        ],
                        open=bool(choice.parts),
                        className="parts",
                    ),
                    _history(session),
                    _fits(session),
                ],
                className="panel",
            ),
            html.Section(
                [
                    html.Div(
                        [
                            dcc.RadioItems(
                                {"modulus": "|Z|", "nyquist": "Nyquist"}, "modulus", id="spectra-view",
                                inline=True, persistence=True, persistence_type="session",
                            ),
                            dcc.RadioItems(
                                {"linear": "I linear", "log": "I log"}, "linear", id="current-view",
                                inline=True, persistence=True, persistence_type="session",
                            ),
                            html.Div(misfits(session, choice), id="misfits", className="misfits"),
                        ],
                        className="tools",
                    ),
                    html.Div(
                        [
                            dcc.Graph(id=graph, figure=figure, config=CONFIG, style={"height": "306px"})
                            for graph, figure in zip(_GRAPHS, figures_of(session), strict=True)
                        ],
                        className="four",
                    ),
                ],
                className="wide",
            ),
        ],
        className="columns",
    )  # fmt: skip


def _history(session: "Session") -> Any:
    """Steps to go back to, and a name for this one."""
    options = [{"label": step.name, "value": k} for k, step in enumerate(session.steps)]
    return html.Div(
        [
            html.Span("history"),
            labelled("go to a step", dcc.Dropdown(options[::-1], session.at, id="history", clearable=False)),
            labelled("name of this step", dcc.Input(id="step-name", placeholder="name it", debounce=True)),
        ],
        className="line",
    )


def _fits(session: "Session") -> Any:
    """Fits, and two of them side by side."""
    names = [fit.name for fit in session.fits]
    shown, beside = session.result(), session.result(session.beside) if session.beside else None
    said = [html.P(shown.status.message, className=shown.status.code)] if shown is not None else []
    return html.Div(
        [
            html.Div(
                [
                    html.Span("fit"),
                    labelled(
                        "fit", dcc.Dropdown(names, session.shown or None, id="shown-fit", clearable=False)
                    ),
                    labelled("another name", dcc.Input(id="fit-name", placeholder="name it", debounce=True)),
                ],
                className="line",
            ),
            html.Div(
                [
                    html.Span("beside"),
                    labelled(
                        "fit beside it",
                        dcc.Dropdown(
                            [name for name in names if name != session.shown],
                            session.beside or None,
                            id="beside-fit",
                            placeholder="none",
                        ),
                    ),
                ],
                className="line",
            ),
            *said,
            _side_by_side(shown, beside),
        ],
        className="fits" if names else "fits absent",
    )


def _side_by_side(shown: Any, beside: Any) -> Any:
    """Values of one fit, or of two."""
    if shown is None:
        return None
    found = [one for one in (shown, beside) if one is not None]
    names = [name for name in PARAMETERS if any(name in one.parameters for one in found)]

    def cell(one: Any, name: str) -> str:
        e = one.parameters.get(name)
        return "" if e is None else quantity(e.value, e.unit or "1", e.stderr)

    rows = [html.Tr([html.Td(symbol(name)), *[html.Td(cell(one, name)) for one in found]]) for name in names]
    heads = [html.Th("quantity"), html.Th("fit"), *([html.Th("beside")] if len(found) > 1 else [])]
    return html.Table([html.Thead(html.Tr(heads)), html.Tbody(rows)], className="values")


def _values(ids: Sequence[Mapping[str, str]], places: Sequence[float | None]) -> dict[str, float]:
    """Values by parameter; sliders that were not touched say nothing."""
    return {
        one["name"]: off_slider(one["name"], at)
        for one, at in zip(ids, places, strict=True)
        if at is not None
    }


def register(app: Dash, open_session: OpenSession, desk: "Desk") -> None:  # noqa: ARG001 - as all screens
    """Sliders, switches, buttons.

    Parameters
    ----------
    app : Dash
    open_session : callable
    desk : Desk
    """
    _register_sliders(app, open_session)
    _register_edits(app, open_session)
    _register_choices(app, open_session)
    _register_work(app, open_session)


def _register_sliders(app: Dash, open_session: OpenSession) -> None:
    """Curves while one is dragged, and the step when it is let go."""

    @app.callback(
        Output("curves", "data"),
        Output("misfits", "children"),
        Output({"type": "value", "name": ALL}, "value"),
        Input({"type": "slider", "name": ALL}, "drag_value"),
        State({"type": "slider", "name": ALL}, "id"),
        State("spectra-view", "value"),
        State("current-view", "value"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def drag(
        _places: Any, ids: Any, spectra: SpectraView, current: CurrentView, tab: str, pathname: str
    ) -> Any:
        if not isinstance(ctx.triggered_id, dict) or len(ctx.triggered) != 1:
            return no_update, no_update, [no_update] * len(ids)
        name, at = ctx.triggered_id["name"], ctx.triggered[0]["value"]
        session = open_session(tab, pathname)
        if at is None:
            return no_update, no_update, [no_update] * len(ids)
        choice = session.drag({name: off_slider(name, at)})
        live = session.live()
        values = live.model(choice.parameters())
        texts = [value_text(name, choice.value(name)) if one["name"] == name else no_update for one in ids]
        return curves_of(live, values, spectra, current), misfits(session, choice, values), texts

    app.clientside_callback(
        ClientsideFunction("memfit", "draw"),
        Output("drawn", "data"),
        Input("curves", "data"),
        prevent_initial_call=True,
    )

    app.clientside_callback(
        ClientsideFunction("memfit", "letGo"),
        Output("drawn", "modified_timestamp"),
        Input({"type": "slider", "name": ALL}, "value"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("stepped", "data"),
        Output("history", "options"),
        Output("history", "value"),
        Input("let-go", "data"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def let_go(told: Any, tab: str, pathname: str) -> Any:
        if not told or told["path"] != pathname:
            return no_update, no_update, no_update
        session = open_session(tab, pathname)
        if not session.drop():
            return no_update, no_update, no_update
        options = [{"label": step.name, "value": k} for k, step in enumerate(session.steps)]
        return session.at, options[::-1], session.at

    @app.callback(
        [Output(graph, "figure") for graph in _GRAPHS],
        Input("spectra-view", "value"),
        Input("current-view", "value"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def look(spectra: SpectraView, current: CurrentView, tab: str, pathname: str) -> Any:
        return figures_of(open_session(tab, pathname), spectra, current)


def _register_edits(app: Dash, open_session: OpenSession) -> None:
    """What is held, ends, parts, model, values that are typed, names."""

    @app.callback(
        Output("changed", "data", allow_duplicate=True),
        Output("beat", "disabled", allow_duplicate=True),
        Input({"type": "fix", "name": ALL}, "value"),
        Input({"type": "end", "name": ALL, "end": ALL}, "value"),
        Input({"type": "value", "name": ALL}, "n_submit"),
        Input("from-here", "value"),
        Input("model", "value"),
        Input("parts", "value"),
        State({"type": "value", "name": ALL}, "value"),
        State({"type": "value", "name": ALL}, "id"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def edit(
        _fixed: Any, _ends: Any, _entered: Any, here: Any, model: Any, parts: Any,
        typed: Any, ids: Any, tab: str, pathname: str,
    ) -> Any:  # fmt: skip
        what = ctx.triggered_id
        if what is None or len(ctx.triggered) != 1 or ctx.triggered[0]["value"] is None:
            return no_update, no_update
        session, value = open_session(tab, pathname), ctx.triggered[0]["value"]
        choice = session.choice
        if what == "from-here":
            name, choice = "begin here", replace(choice, from_here=bool(here))
        elif what == "model":
            name, choice = f"model {model}", replace(choice, model=model)
        elif what == "parts":
            chosen = tuple(part for part in PARTS if part in parts)
            if chosen != choice.parts:
                session.start_parts(replace(choice, parts=chosen))
                return no_update, False
            return no_update, no_update
        elif what["type"] == "fix":
            name, one = f"fix {what['name']}", {what["name"]}
            choice = replace(choice, fixed=choice.fixed | one if value else choice.fixed - one)
        elif what["type"] == "end":
            name, choice = f"{what['end']} of {what['name']}", with_end(choice, what, value)
        else:
            name = what["name"]
            text = next(t for t, one in zip(typed, ids, strict=True) if one["name"] == name)
            if text == value_text(name, choice.value(name)):
                return no_update, no_update
            choice = choice.moved(name, parsed(name, text))
            name = f"{name} typed"
        if choice == session.step.choice:
            return no_update, no_update
        session.change(name, choice=choice)
        return f"fit {session.at} {id(session.step)}", no_update


def _register_choices(app: Dash, open_session: OpenSession) -> None:
    """Steps and fits to look at, and their names."""

    @app.callback(
        Output("changed", "data", allow_duplicate=True),
        Input("history", "value"),
        Input("step-name", "value"),
        Input("shown-fit", "value"),
        Input("beside-fit", "value"),
        Input("fit-name", "value"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def choose(at: Any, _name: Any, shown: Any, beside: Any, _fit: Any, tab: str, pathname: str) -> Any:
        session, what = open_session(tab, pathname), ctx.triggered_id
        value = ctx.triggered[0]["value"] if len(ctx.triggered) == 1 else None
        if what == "history" and value is not None and at != session.at:
            session.go_to(int(at))
        elif what == "step-name" and value:
            session.change(str(value)[:60])
        elif what == "shown-fit" and value and shown != session.shown:
            fit = session.fit_named(shown)
            if fit is not None:
                session.add_fit(fit)
        elif what == "beside-fit" and (beside or "") != session.beside:
            session.beside = beside or ""
        elif what == "fit-name" and value:
            session.rename_fit(session.shown, str(value))
        else:
            return no_update
        return f"chosen {session.at} {session.shown} {session.beside}"


def _register_work(app: Dash, open_session: OpenSession) -> None:
    """Guess and fit."""

    @app.callback(
        Output("beat", "disabled", allow_duplicate=True),
        Input("guess", "n_clicks"),
        Input("fit", "n_clicks"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def begin(guesses: int, fits: int, tab: str, pathname: str) -> Any:
        if not (guesses or fits):
            return no_update
        session = open_session(tab, pathname)
        session.drop()
        if ctx.triggered_id == "fit":
            session.start_fit()
        else:
            session.start_guess()
        return False
