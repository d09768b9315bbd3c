"""The first screen: devices below the opened folder, files to drop, a folder to open."""

from typing import TYPE_CHECKING, Any

from dash import Dash, Input, Output, State, dcc, html, no_update

from memfit.app import uploads
from memfit.app.words import WORDS
from memfit.errors import InputError

if TYPE_CHECKING:
    from memfit.app.desk import Desk


def layout(desk: "Desk", prefix: str) -> Any:
    """Devices to choose from.

    Parameters
    ----------
    desk : Desk
    prefix : str
        Beginning of every way.
    """
    folders = desk.folders()
    listed = [
        html.Li(dcc.Link(name, href=f"{prefix}{desk.key_of(path)}/data")) for name, path in folders.items()
    ]
    return html.Div(
        [
            html.H1(WORDS["start_title"]),
            html.Ul(listed, className="devices")
            if listed
            else html.P(WORDS["start_none"].format(root=desk.root)),
            dcc.Upload(
                html.Div([html.Strong(WORDS["start_drop"]), html.P(WORDS["start_drop_note"])]),
                id="drop",
                multiple=True,
                max_size=uploads.SETTINGS.one,
                className="drop",
            ),
            html.Div(
                [
                    html.Label(WORDS["start_path"].format(root=desk.root), htmlFor="path"),
                    dcc.Input(id="path", type="text", debounce=True, placeholder="folder"),
                    html.Button("Open", id="open", n_clicks=0),
                ],
                className="open-path",
            ),
            html.Div(id="dropped", role="status"),
        ],
        className="start",
    )


def register(app: Dash, desk: "Desk", prefix: str) -> None:
    """Drop files, open a folder.

    Parameters
    ----------
    app : Dash
    desk : Desk
    prefix : str
        Beginning of every way.
    """

    @app.callback(
        Output("url", "pathname", allow_duplicate=True),
        Output("dropped", "children"),
        Input("drop", "contents"),
        State("drop", "filename"),
        prevent_initial_call=True,
    )
    def drop(contents: list[str] | None, names: list[str] | None) -> Any:
        if not contents:
            return no_update, no_update
        folder, left_out = uploads.store(desk.root, names or [], contents)
        said = html.Ul([html.Li(sentence) for sentence in left_out])
        return f"{prefix}{desk.key_of(folder)}/data", said

    @app.callback(
        Output("url", "pathname", allow_duplicate=True),
        Input("open", "n_clicks"),
        Input("path", "n_submit"),
        State("path", "value"),
        prevent_initial_call=True,
    )
    def open_path(clicks: int | None, entered: int | None, words: str | None) -> Any:
        if not (clicks or entered):
            return no_update
        if not words:
            raise InputError("Expected the name of a folder.")
        folder = desk.folder_named(words)
        return f"{prefix}{desk.key_of(folder)}/data"
