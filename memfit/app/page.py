"""The page: a head with the screens, the screen that an address names, and a line for what went wrong.

An address is /TOKEN/DEVICE/SCREEN. Each screen is a module of `screens` with `layout(session)` and
`register(app, open_session)`; nothing here knows what they show.
"""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.types import WSGIApplication

import dash
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update

from memfit.app.pictures import CONFIG
from memfit.app.screens import SCREENS, start
from memfit.app.session import Session
from memfit.app.words import WORDS
from memfit.errors import InputError, MemfitError

if TYPE_CHECKING:
    from memfit.app.desk import Desk, Opened

_WITH_MODEL = ("record", "fit", "spike")
"""Screens that compute the model."""
_PATIENCE = 2.0
"""s that a screen waits for it to be compiled before it says so."""
_BEAT = 250
"""ms between two looks at work that runs."""

_INDEX = """<!DOCTYPE html>
<html lang="en"><head>{%metas%}<title>{%title%}</title><link rel="icon" href="data:,">{%css%}</head>
<body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body></html>"""


@dataclass(frozen=True)
class Page:
    """What a server needs."""

    application: WSGIApplication
    script_hashes: list[str]
    close: Callable[[], None]


def opened(given: Path) -> "Opened":
    """What was asked for: a folder, or the folder of the data of a result.

    Parameters
    ----------
    given : Path

    Raises
    ------
    InputError
        The data of a result cannot be found.
    """
    from memfit.app.desk import Opened
    from memfit.workflow.reading import RESULT_FILE, find_data, read_result, result_file

    if given.is_dir() and not (given / RESULT_FILE).is_file():
        return Opened(given)
    file = result_file(given).resolve()
    found = find_data(read_result(file), file.parent).paths
    folders = {path if path.is_dir() else path.parent for path in map(Path, found)}
    if len(folders) != 1:
        raise InputError(f"{given}: the data of this fit are not in one folder; open the folder of the data.")
    return Opened(folders.pop(), file)


def make_page(given: Path, prefix: str) -> Page:
    """The whole application.

    Parameters
    ----------
    given : Path
        A folder, or a stored result.
    prefix : str
        Beginning of every way, with the token.

    Raises
    ------
    InputError
        What was given cannot be opened.
    """
    from memfit.app.desk import Desk

    desk = Desk(opened(given))
    app = Dash(
        "memfit.app",
        assets_folder=str(Path(__file__).parent / "assets"),
        requests_pathname_prefix=prefix,
        routes_pathname_prefix=prefix,
        serve_locally=True,
        suppress_callback_exceptions=True,
        title="memfit",
        index_string=_INDEX,
        update_title="",
        on_error=_tell,
        websocket_callbacks=False,
        enable_mcp=False,
    )
    app.layout = _layout

    def open_session(tab: str | None, pathname: str | None) -> Session:
        """The device of an address."""
        key = (pathname or "").removeprefix(prefix).split("/")[0]
        session = desk.session(tab or "", key)
        if session is None:
            raise InputError("There is no such device in the opened folder; go back to the list.")
        return session

    compiled = threading.Event()
    threading.Thread(target=_compile, args=(compiled,), daemon=True).start()
    _register(app, desk, prefix, open_session, compiled)
    start.register(app, desk, prefix)
    for screen in SCREENS.values():
        screen.register(app, open_session, desk)
    return Page(app.server.wsgi_app, app.csp_hashes(), desk.close)


def _compile(done: threading.Event) -> None:
    """Have the compiled model at hand before the first figure asks for it."""
    from memfit.model import Parameters
    from memfit.protocols import pulse
    from memfit.workflow.stability import simulate

    plain = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-5, V_T=0.6, V_m=0.06, tau_d=1e-2, tau_k=1e-2, R_s=10.0)
    try:
        simulate(plain, pulse("current", 1e-6, on=0.0, off=1e-3, end=2e-3), [0.0, 1e-3])
    finally:
        done.set()


def _tell(problem: Exception) -> Any:
    """Show what went wrong in a line on the page."""
    said = str(problem) if isinstance(problem, MemfitError) else ""
    if not said:
        said = f"memfit itself stumbled ({type(problem).__name__}: {problem}). Please report it."
    dash.set_props("banner", {"children": said, "className": "banner shown"})
    return no_update


def _layout() -> Any:
    """What every address begins with."""
    return html.Div(
        [
            dcc.Location(id="url", refresh="callback-nav"),
            dcc.Store(id="tab", storage_type="session"),
            dcc.Store(id="changed"),
            dcc.Interval(id="beat", interval=_BEAT, disabled=True),
            html.Header(
                [
                    dcc.Link("memfit", href="./", id="home", className="brand"),
                    html.Span(id="device-name", className="device-name"),
                    html.Nav(id="nav"),
                    html.Div(id="job", role="status"),
                    html.Button("Stop", id="stop", n_clicks=0, className="stop", disabled=True),
                    html.Div(
                        [
                            html.Button("Undo", id="undo", n_clicks=0, title=WORDS["undo"]),
                            html.Button("Redo", id="redo", n_clicks=0, title=WORDS["redo"]),
                        ],
                        className="undo",
                    ),
                ]
            ),
            html.Div(id="banner", className="banner", role="alert"),
            html.Main(html.P(WORDS["loading"]), id="screen"),
            # the library of figures is large: it is read while the first screen is looked at
            html.Div(
                dcc.Graph(id="first-graph", config=CONFIG), className="absent", **{"aria-hidden": "true"}
            ),
        ]
    )


def _register(
    app: Dash,
    desk: "Desk",
    prefix: str,
    open_session: Callable[[str | None, str | None], Session],
    compiled: threading.Event,
) -> None:
    """From an address to a screen; undo and redo."""

    @app.callback(
        Output("tab", "data"), Input("url", "pathname"), State("tab", "data"), prevent_initial_call=False
    )
    def name_tab(_pathname: str, tab: str | None) -> Any:
        return tab or uuid.uuid4().hex

    @app.callback(
        Output("screen", "children"),
        Output("nav", "children"),
        Output("device-name", "children"),
        Output("banner", "children"),
        Output("banner", "className"),
        Output("home", "href"),
        Output("beat", "disabled"),
        Input("url", "pathname"),
        Input("tab", "data"),
        Input("changed", "data"),
    )
    def show(pathname: str, tab: str | None, _changed: Any) -> Any:
        if not tab:
            return (no_update,) * 7
        way = (pathname or "").removeprefix(prefix).strip("/").split("/")
        if way == [""]:
            return start.layout(desk, prefix), [], "", "", "banner", prefix, True
        chosen = way[1] if len(way) > 1 and way[1] in SCREENS else "data"
        nav = [
            dcc.Link(
                screen.TITLE,
                href=f"{prefix}{way[0]}/{name}",
                className="here" if name == chosen else "",
            )
            for name, screen in SCREENS.items()
        ]
        try:
            session = open_session(tab, pathname)
            waiting = chosen in _WITH_MODEL and not compiled.wait(_PATIENCE)
            content = html.P(WORDS["compiling"]) if waiting else SCREENS[chosen].layout(session)
            name = session.name
            said = session.message if session.fault else ""
        except MemfitError as problem:
            content, name, said, nav = start.layout(desk, prefix), "", str(problem), []
            return content, nav, name, said, "banner shown", prefix, True
        running = session.worker.job is not None and session.worker.job.running
        return (
            content,
            nav,
            name,
            said,
            "banner shown" if said else "banner",
            prefix,
            not (running or waiting),
        )

    @app.callback(
        Output("job", "children"),
        Output("stop", "disabled"),
        Output("beat", "disabled", allow_duplicate=True),
        Output("changed", "data", allow_duplicate=True),
        Input("beat", "n_intervals"),
        Input("stop", "n_clicks"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def follow(_beats: int, stops: int, tab: str, pathname: str) -> Any:
        session = open_session(tab, pathname)
        if stops and any(one["prop_id"].startswith("stop.") for one in ctx.triggered):
            session.message = WORDS["stopped"]
            session.worker.stop()
        job = session.worker.job
        if job is None or not job.running:
            name = "" if job is None else f"{job.name} {job.begun}"
            return (
                "" if session.fault else session.message,
                True,
                True,
                f"done {name} {session.at} {time.monotonic()}",
            )
        what, done, total = job.told()
        count = f" {done} of {total}" if total else ""
        return f"{job.name}: {what.rstrip('.')}{count} ({job.seconds:.0f} s)", False, False, no_update

    @app.callback(
        Output("changed", "data", allow_duplicate=True),
        Input("undo", "n_clicks"),
        Input("redo", "n_clicks"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def go(undo: int, redo: int, tab: str, pathname: str) -> Any:
        session = open_session(tab, pathname)
        session.drop()
        session.go_to(session.at + (1 if ctx.triggered_id == "redo" else -1))
        return undo + redo
