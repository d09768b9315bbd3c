"""Report, tables, figures, result and device.toml as files; and the lines that do the same."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update

from memfit.app.words import WORDS
from memfit.errors import InputError
from memfit.files import file_names
from memfit.reporting.content import DOCUMENTS, FIGURES

if TYPE_CHECKING:
    from memfit.app.desk import Desk
    from memfit.app.session import Session

OpenSession = Callable[[str | None, str | None], "Session"]
TITLE = "Export"
_SINGLE = ("report.html", "report.pdf", "datasheet.html", "datasheet.pdf", "parameters.csv", "residuals.csv")
"""Files that are offered one by one."""


def layout(session: "Session") -> Any:
    """What can be written, and what was.

    Parameters
    ----------
    session : Session
    """
    if session.result() is None:
        return html.P(WORDS["no_fit"])
    return html.Div(
        [
            dcc.Download(id="download"),
            html.H1(WORDS["export_title"]),
            html.Div(
                [
                    html.Section(
                        [
                            html.H2("Report"),
                            dcc.Checklist(list(DOCUMENTS), ["html"], id="formats", inline=True),
                            html.H2("Figures"),
                            dcc.Checklist(list(FIGURES), ["svg"], id="figures", inline=True),
                            html.P(f"Into a new folder of {session.folder}.", className="hint"),
                            html.Button(WORDS["export_write"], id="write", n_clicks=0, className="primary"),
                            html.Button(WORDS["export_sheet"], id="write-sheet", n_clicks=0),
                            html.H2("Written"),
                            html.Ul([_written(folder) for folder in written_in(session.folder)]),
                            html.H2("Single files"),
                            html.Button("result.json", id={"type": "take", "what": "result"}, n_clicks=0),
                            html.Button("device.toml", id={"type": "take", "what": "device"}, n_clicks=0),
                        ],
                        className="card",
                    ),
                    html.Section(
                        [
                            html.H2(WORDS["export_same"]),
                            html.Pre(command_of(session), tabIndex=0),
                            html.Pre(python_of(session), tabIndex=0),
                        ],
                        className="card",
                    ),
                ],
                className="cards",
            ),
        ]
    )


def _written(folder: Path) -> Any:
    """A folder that was written, with what can be taken from it."""
    there = [name for name in _SINGLE if (folder / name).is_file()]
    buttons = [
        html.Button(name, id={"type": "take", "what": f"{folder.name}/{name}"}, n_clicks=0) for name in there
    ]
    whole = html.Button("all as zip", id={"type": "take", "what": folder.name}, n_clicks=0)
    return html.Li([html.Code(folder.name), " ", *buttons, whole])


def written_in(folder: Path) -> list[Path]:
    """Folders that were written beside the data.

    Parameters
    ----------
    folder : Path
    """
    return sorted(path for path in folder.glob("results-*") if path.is_dir() and not path.is_symlink())


def command_of(session: "Session") -> str:
    """The command line that fits as the page does.

    Parameters
    ----------
    session : Session
    """
    import shlex

    return f"memfit fit {shlex.quote(str(session.folder))} -o results"


def python_of(session: "Session") -> str:
    """The Python that fits as the page does.

    Parameters
    ----------
    session : Session
    """
    return (
        "import memfit as mf\n\n"
        f"device = mf.load({str(session.folder)!r})\n"
        "result = mf.fit(device)\n"
        'mf.write_report(result, "results", device)'
    )


def taken(session: "Session", what: str) -> Any:
    """A file for the browser.

    Parameters
    ----------
    session : Session
    what : str
        "result", "device", the name of a folder that was written, or of a file in it.

    Raises
    ------
    InputError
        There is none.
    """
    if what == "device":
        return dcc.send_string(session.step.file.written, "device.toml")
    fit = session.fit_named(session.shown)
    if what == "result" and fit is not None:
        return dcc.send_bytes(fit.path.read_bytes(), "result.json")
    folder, _, name = what.partition("/")
    known = next((path for path in written_in(session.folder) if path.name == folder), None)
    files = [] if known is None else file_names(known)
    if known is None or (name and name not in files):
        raise InputError("There is no such file.")
    if name:
        return dcc.send_bytes((known / name).read_bytes(), name)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in files:
            archive.writestr(f"{folder}/{one}", (known / one).read_bytes())
    return dcc.send_bytes(packed.getvalue(), f"{folder}.zip")


def register(app: Dash, open_session: OpenSession, desk: "Desk") -> None:  # noqa: ARG001 - as all screens
    """Write, and hand over.

    Parameters
    ----------
    app : Dash
    open_session : callable
    desk : Desk
    """

    @app.callback(
        Output("beat", "disabled", allow_duplicate=True),
        Input("write", "n_clicks"),
        Input("write-sheet", "n_clicks"),
        State("formats", "value"),
        State("figures", "value"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def write(
        clicks: int, sheets: int, formats: list[str], figures: list[str], tab: str, pathname: str
    ) -> Any:
        if not (clicks or sheets):
            return no_update
        if not formats:
            raise InputError("Expected a format of the report, found none chosen.")
        kind = "results-datasheet" if ctx.triggered_id == "write-sheet" else "results"
        open_session(tab, pathname).start_report(kind, formats, figures)
        return False

    @app.callback(
        Output("download", "data"),
        Input({"type": "take", "what": ALL}, "n_clicks"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def take(clicks: list[int], tab: str, pathname: str) -> Any:
        what = ctx.triggered_id
        if not isinstance(what, dict) or not any(clicks):
            return no_update
        return taken(open_session(tab, pathname), what["what"])
