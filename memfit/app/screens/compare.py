"""Every fit below the opened folder, a row a fit, to be sorted and opened."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dash import ALL, Dash, Input, Output, State, ctx, html, no_update

from memfit.app.autosave import STATE_FOLDER, Fit
from memfit.app.blocks import symbol
from memfit.app.words import WORDS
from memfit.errors import InputError, MemfitError
from memfit.fitting import FitResult
from memfit.model import PARAMETERS
from memfit.reporting.fit.summary import interval_text
from memfit.reporting.numbers import quantity, quantity_digits

if TYPE_CHECKING:
    from memfit.app.desk import Desk
    from memfit.app.session import Session

OpenSession = Callable[[str | None, str | None], "Session"]
TITLE = "Compare"
_MOST = 500
"""Fits that are listed."""


@dataclass(frozen=True)
class Found:
    """A stored fit, or why it cannot be read."""

    path: Path
    result: FitResult | None
    fault: str = ""


def layout(session: "Session") -> Any:  # noqa: ARG001 - as all screens
    """A place for the table, which takes a moment.

    Parameters
    ----------
    session : Session
    """
    return html.Div(
        [
            html.H1(WORDS["compare_title"]),
            html.P(WORDS["compare_hint"], className="hint"),
            html.Div(id="compared", className="scroll"),
        ]
    )


def found_below(desk: "Desk") -> list[Found]:
    """Every fit below the opened folder.

    Parameters
    ----------
    desk : Desk
    """
    from memfit.workflow.reading import read_result

    found = []
    for path in desk.results()[:_MOST]:
        try:
            found.append(Found(path, read_result(path)))
        except MemfitError as problem:
            found.append(Found(path, None, str(problem)))
    return found


def sort_value(found: Found, key: str) -> Any:
    """What a column is sorted by; what is not known comes last.

    Parameters
    ----------
    found : Found
    key : str
        "device", "file", "status", "margin" or the name of a parameter.
    """
    result = found.result
    if result is None:
        return (2, 0.0, "")
    if key in ("device", "file", "status"):
        texts = {
            "device": str(result.device.get("name")),
            "file": str(found.path),
            "status": result.status.code,
        }
        return (0, 0.0, texts[key])
    e = result.parameters.get(key)
    value = margin_of(result) if key == "margin" else None if e is None else e.value
    return (1, 0.0, "") if value is None else (0, value, "")


def margin_of(result: FitResult) -> float | None:
    """The smallest gain margin under current control.

    Parameters
    ----------
    result : FitResult
    """
    block = result.stability.get("current")
    return None if block is None else block.to_dict().get("gain_margin_min")


def table_of(desk: "Desk", found: Sequence[Found], key: str, *, falling: bool) -> Any:
    """The table, sorted.

    Parameters
    ----------
    desk : Desk
    found : sequence of Found
    key : str
    falling : bool
    """
    if not found:
        return html.P(WORDS["compare_none"])
    known = {name for one in found if one.result is not None for name in one.result.parameters}
    names = [name for name in PARAMETERS if name in known]
    keys = ["device", "file", "status", *names, "margin"]
    order = sorted(range(len(found)), key=lambda k: sort_value(found[k], key), reverse=falling)
    heads = [
        html.Th(
            html.Button(
                [
                    symbol(one) if one in PARAMETERS else one.replace("margin", "gain margin"),
                    _arrow(one, key, falling),
                ],
                id={"type": "sort", "key": one},
                n_clicks=0,
                className="sort",
            ),
            scope="col",
        )
        for one in keys
    ]
    return html.Table(
        [html.Thead(html.Tr(heads)), html.Tbody([_row(desk, k, found[k], names) for k in order])]
    )


def _arrow(one: str, key: str, falling: bool) -> str:
    return "" if one != key else " ▼" if falling else " ▲"


def _row(desk: "Desk", k: int, found: Found, names: Sequence[str]) -> Any:
    """A fit."""
    where = found.path.relative_to(desk.root).as_posix()
    result = found.result
    if result is None:
        return html.Tr(
            [html.Td("–"), html.Td(where), html.Td(found.fault, colSpan=len(names) + 2, className="fault")]
        )
    cells = []
    for name in names:
        e = result.parameters.get(name)
        text = "" if e is None else quantity(e.value, e.unit or "1", e.stderr)
        cells.append(html.Td(text or "–", title="" if e is None else interval_text(e)))
    name = str(result.device.get("name") or "device")
    return html.Tr(
        [
            html.Td(html.Button(name, id={"type": "open-fit", "row": k}, n_clicks=0, className="link")),
            html.Td(where),
            html.Td(result.status.code, className="good" if result.status.code == "ok" else "care"),
            *cells,
            html.Td(quantity_digits(margin_of(result), "1", 3)),
        ]
    )


def folder_of(desk: "Desk", found: Found) -> Path:
    """The folder of the data of a fit, below the opened one.

    Parameters
    ----------
    desk : Desk
    found : Found

    Raises
    ------
    InputError
        The data are not there.
    """
    from memfit.workflow.reading import find_data

    if found.path.parent.name == STATE_FOLDER:
        return found.path.parent.parent
    if found.result is not None:
        for path in map(Path, find_data(found.result, found.path.parent).paths):
            folder = (path if path.is_dir() else path.parent).resolve()
            if folder.is_relative_to(desk.root):
                return folder
    raise InputError(f"{found.path.name}: the data of this fit are not below the opened folder.")


def register(app: Dash, open_session: OpenSession, desk: "Desk") -> None:  # noqa: ARG001 - as all screens
    """Sort and open.

    Parameters
    ----------
    app : Dash
    open_session : callable
    desk : Desk
    """

    @app.callback(
        Output("compared", "children"),
        Input("compared", "id"),
        Input({"type": "sort", "key": ALL}, "n_clicks"),
    )
    def show(_there: Any, clicks: Sequence[int]) -> Any:
        what = ctx.triggered_id
        if not isinstance(what, dict):
            return table_of(desk, found_below(desk), "device", falling=False)
        number = next((one["value"] for one in ctx.triggered), 0)
        if not number or not any(clicks):
            return no_update
        return table_of(desk, found_below(desk), what["key"], falling=number % 2 == 0)

    @app.callback(
        Output("url", "pathname", allow_duplicate=True),
        Input({"type": "open-fit", "row": ALL}, "n_clicks"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def open_fit(clicks: Sequence[int], tab: str, pathname: str) -> Any:
        what = ctx.triggered_id
        if not isinstance(what, dict) or not any(clicks):
            return no_update
        found = found_below(desk)[what["row"]]
        folder = folder_of(desk, found)
        session = desk.session(tab, desk.key_of(folder))
        if session is None:
            raise InputError(f"{found.path.name}: its device cannot be opened.")
        known = next((fit for fit in session.fits if fit.path.resolve() == found.path.resolve()), None)
        session.add_fit(known or Fit(found.path.relative_to(desk.root).as_posix(), found.path))
        return "/".join([*pathname.rstrip("/").split("/")[:2], desk.key_of(folder), "trust"])
