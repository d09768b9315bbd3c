"""One record at a time: what was measured, what the model says, and points to be left out."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update

from memfit.app.live import Live, label_of
from memfit.app.pictures import ACCENT, CONFIG, INK, Figure, axis, figure, plain
from memfit.app.words import WORDS
from memfit.arrays import BoolArray, FloatArray
from memfit.datasets import QUANTITIES, ImpedanceSpectrum, IVSweep, Record, SynapticCurve
from memfit.datasets.programmes import AXES
from memfit.errors import MemfitError
from memfit.fitting import FittedRecord
from memfit.reporting.fit.curves import model_curve
from memfit.reporting.numbers import scale_for, unit_symbol

if TYPE_CHECKING:
    from memfit.app.desk import Desk
    from memfit.app.rows import Row
    from memfit.app.session import Session

OpenSession = Callable[[str | None, str | None], "Session"]
TITLE = "Record"
_GRAPHS = 4
_MASKED = "#808692"
_SAME_FREQUENCY = 0.01
"""Relative distance at which a mask is copied to the point of another spectrum."""


def layout(session: "Session") -> Any:
    """A list of records, and figures of the chosen one.

    Parameters
    ----------
    session : Session
    """
    names = [record.name for row in session.rows() for record in row.records]
    if not names:
        return html.P(WORDS["record_none"])
    return html.Div(
        [
            html.Div(
                [
                    html.H1(WORDS["record_title"]),
                    dcc.Dropdown(
                        names,
                        names[0],
                        id="which-record",
                        clearable=False,
                        persistence=str(session.folder),
                        persistence_type="session",
                        className="which",
                    ),
                    dcc.RadioItems({"mask": "mask", "unmask": "unmask"}, "mask", id="mask-mode", inline=True),
                    html.Button(WORDS["mask_copy"], id="mask-copy", n_clicks=0),
                    html.Button(WORDS["mask_clear"], id="mask-clear", n_clicks=0),
                    html.Span(id="mask-said", role="status"),
                ],
                className="tools",
            ),
            html.P(WORDS["record_hint"], className="hint"),
            dcc.Store(id="masked"),
            html.Div(
                [
                    html.Div(
                        dcc.Graph(
                            id=f"record-{k}",
                            config={**CONFIG, "modeBarButtonsToAdd": ["select2d", "lasso2d"]},
                        ),
                        id=f"record-box-{k}",
                    )
                    for k in range(_GRAPHS)
                ],
                className="record-figures",
            ),
        ]
    )


def _found(session: "Session", name: str) -> "tuple[Row, Record] | None":
    """A record by its name, and its row."""
    return next(
        ((row, record) for row in session.rows() for record in row.records if record.name == name), None
    )


def register(app: Dash, open_session: OpenSession, desk: "Desk") -> None:  # noqa: ARG001 - as all screens
    """Draw the chosen record; mask by click, box and lasso.

    Parameters
    ----------
    app : Dash
    open_session : callable
    desk : Desk
    """
    graphs = [f"record-{k}" for k in range(_GRAPHS)]

    @app.callback(
        [Output(graph, "figure") for graph in graphs],
        [Output(f"record-box-{k}", "className") for k in range(_GRAPHS)],
        Output("mask-said", "children"),
        Input("which-record", "value"),
        Input("masked", "data"),
        State("tab", "data"),
        State("url", "pathname"),
    )
    def draw(name: str, _masked: Any, tab: str, pathname: str) -> Any:
        session = open_session(tab, pathname)
        found = _found(session, name)
        figures = figures_of(session, *found) if found is not None else []
        kinds = ["figure" if k < len(figures) - 1 else "strip" for k in range(len(figures))]
        missing = _GRAPHS - len(figures)
        masked = int((~found[0].keep(found[1])).sum()) if found is not None else 0
        said = f"{masked} of {found[1].points} points masked" if found is not None else ""
        shown = [*figures[:-1], *[{"data": [], "layout": {}}] * missing, *figures[-1:]]
        return *shown, *kinds[:-1], *["absent"] * missing, *kinds[-1:], said

    @app.callback(
        Output("masked", "data"),
        inputs={
            "selected": [Input(graph, "selectedData") for graph in graphs],
            "clicked": [Input(graph, "clickData") for graph in graphs],
            "buttons": [Input("mask-copy", "n_clicks"), Input("mask-clear", "n_clicks")],
            "name": State("which-record", "value"),
            "mode": State("mask-mode", "value"),
            "tab": State("tab", "data"),
            "pathname": State("url", "pathname"),
        },
        prevent_initial_call=True,
    )
    def mask(
        selected: Any,  # noqa: ARG001 - what was triggered is asked for
        clicked: Any,  # noqa: ARG001 - likewise
        buttons: Any,  # noqa: ARG001 - likewise
        name: str,
        mode: str,
        tab: str,
        pathname: str,
    ) -> Any:
        if not ctx.triggered or ctx.triggered[0]["value"] in (None, 0):
            return no_update
        session = open_session(tab, pathname)
        found = _found(session, name)
        if found is None:
            return no_update
        row, record = found
        before = session.at
        if ctx.triggered_id == "mask-copy":
            copy_mask(session, row, record)
        elif ctx.triggered_id == "mask-clear":
            put_mask(session, row, record, np.ones(record.points, dtype=bool))
        else:
            numbers = _points(ctx.triggered[0]["value"])
            keep = row.keep(record)
            keep[[number for number in numbers if number < record.points]] = mode == "unmask"
            put_mask(session, row, record, keep)
        return no_update if session.at == before else session.at


def _points(event: Mapping[str, Any]) -> list[int]:
    """Places of the points of an event of plotly."""
    found = []
    for point in event.get("points", ()):
        number = point.get("customdata")
        number = number[0] if isinstance(number, list) else number
        if isinstance(number, int) and number >= 0:
            found.append(number)
    return sorted(set(found))


def put_mask(session: "Session", row: "Row", record: Record, keep: BoolArray) -> None:
    """Leave points of a record out, and no others of it.

    Parameters
    ----------
    session : Session
    row : Row
    record : Record
    keep : (n,) array of bool
        Points that stay.

    Raises
    ------
    InputError
        device.toml cannot be written.
    """
    if np.array_equal(keep, row.keep(record)):
        return
    file, place = session.step.file.listing(row.file, row.place)
    session.change(
        f"mask of {record.name}", file.with_measurement(place, "leave_out", _said(row, record, keep))
    )


def _said(row: "Row", record: Record, keep: BoolArray) -> Any:
    """The value of `leave_out` with another mask of one record of the file."""
    numbers = {one.origin.part: _numbers(row.keep(one)) for one in row.records}
    numbers[record.origin.part] = _numbers(keep)
    if len(row.records) == 1:
        return numbers[record.origin.part]
    return {part: left for part, left in numbers.items() if left}


def _numbers(keep: BoolArray) -> list[int]:
    """Numbers of the points that do not stay, 1 being the first."""
    return [int(place) + 1 for place in np.flatnonzero(~keep)]


def copy_mask(session: "Session", row: "Row", record: Record) -> None:
    """Leave the like points of all records of the same kind out.

    Spectra are compared by frequency, others by number where they have as many points.

    Parameters
    ----------
    session : Session
    row : Row
    record : Record
    """
    file, left_out = session.step.file, ~row.keep(record)
    for other in session.rows():
        for one in other.records:
            if one is record or one.kind != record.kind:
                continue
            keep = other.keep(one)
            if isinstance(record, ImpedanceSpectrum) and isinstance(one, ImpedanceSpectrum):
                wanted = record.frequency[left_out]
                near = np.abs(np.log(one.frequency[:, None] / wanted[None, :])) < _SAME_FREQUENCY
                keep &= ~near.any(axis=1)
            elif one.points == record.points:
                keep &= ~left_out
            if keep.any() and not np.array_equal(keep, other.keep(one)):
                file, place = file.listing(other.file, other.place)
                file = file.with_measurement(place, "leave_out", _said(other, one, keep))
    if file != session.step.file:
        session.change(f"mask of {record.name} copied", file)


def figures_of(session: "Session", row: "Row", record: Record) -> list[Figure]:
    """Figures of a record, the strip of residuals last.

    Parameters
    ----------
    session : Session
    row : Row
    record : Record
    """
    keep = row.keep(record)
    model, residual = _beside(session, record)
    if isinstance(record, ImpedanceSpectrum):
        Z, f = record.impedance, record.frequency
        factor, unit = scale_for(float(np.max(np.abs(Z))), "ohm")
        fine, M = _fine(session, record, model, keep)
        ohm = unit_symbol("ohm")
        figures = [
            _figure(session, factor * Z.real, -factor * Z.imag, keep, f"Z′ ({unit})", f"−Z″ ({unit})",
                    None if M is None else (factor * M.real, -factor * M.imag), words=f"{label_of(record)}"),
            _figure(session, f, np.abs(Z), keep, "Frequency (Hz)", f"|Z| ({ohm})",
                    None if M is None else (fine, np.abs(M)), log=(True, True)),
            _figure(session, f, -np.angle(Z, deg=True), keep, "Frequency (Hz)", "−Phase (°)",
                    None if M is None else (fine, -np.angle(M, deg=True)), log=(True, False)),
        ]  # fmt: skip
        return [
            *figures,
            _strip(session, np.tile(f, 2), residual, np.tile(keep, 2), "Frequency (Hz)", log=True),
        ]
    unit = record.response_unit
    factor, symbol = scale_for(float(np.max(np.abs(record.response))), unit)
    word = QUANTITIES[unit].capitalize()
    up = f"{word} ({symbol})" if symbol else word
    response = factor * record.response
    modelled = None if model is None else factor * model
    if isinstance(record, IVSweep):
        x = record.voltage if unit == "A" else record.current
        along = "Voltage (V)" if unit == "A" else "Current (A)"
        pair = None if modelled is None else (x, modelled)
        positive = None if modelled is None else (x, np.abs(modelled))
        return [
            _figure(session, x, response, keep, along, f"{word} ({symbol})", pair, words=label_of(record)),
            _figure(
                session,
                x,
                np.abs(response),
                keep,
                along,
                f"|{word}| ({symbol})",
                positive,
                log=(False, True),
            ),
            _strip(session, x, residual, keep, along),
        ]
    per_second, time = scale_for(float(np.max(record.time)), "s")
    at, applied = record.time, record.drive.at(record.time)
    x, along = per_second * at, f"Time ({time})"
    if isinstance(record, SynapticCurve):
        at, applied = record.drive.time, record.drive.value
        x, along = record.against, AXES[record.kind]
    pair = None if modelled is None else (x, modelled)
    driven, drive_unit = scale_for(
        float(np.max(np.abs(record.drive.value))), "V" if record.control == "voltage" else "A"
    )
    return [
        _figure(session, x, response, keep, along, up, pair, words=label_of(record)),
        figure(
            [
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": plain(per_second * at),
                    "y": plain(driven * applied),
                    "line": {"color": INK, "width": 1.3},
                }
            ],
            axis(f"Time ({time})"),
            axis(f"Applied ({drive_unit})"),
        ),
        _strip(session, x, residual, keep, along),
    ]


def _fine(
    session: "Session", record: ImpedanceSpectrum, model: FloatArray | None, keep: BoolArray
) -> tuple[FloatArray, Any]:
    """The model of a spectrum as the report draws it; None without one."""
    if model is None:
        return record.frequency, None
    Z = model[: record.points] + 1j * model[record.points :]
    fitted = FittedRecord(record=record, predicted=Z, sigma=np.ones(record.points), used=keep)
    return model_curve(fitted, session.choice.parameters())


def _beside(session: "Session", record: Record) -> tuple[FloatArray | None, FloatArray | None]:
    """The model at the points of a record where the sliders stand, and the residuals; None without them."""
    try:
        live: Live = session.live()
        place = next((k for k, one in enumerate(live.records) if one is record), None)
        if place is None or not session.choice.values:
            return None, None
        values = live.model(session.choice.parameters())
    except MemfitError:
        return None, None
    return live.of_record(place, values)


def _figure(
    session: "Session",
    x: FloatArray,
    y: FloatArray,
    keep: BoolArray,
    across: str,
    up: str,
    model: tuple[FloatArray, FloatArray] | None,
    *,
    log: tuple[bool, bool] = (False, False),
    words: str = "",
) -> Figure:
    """Points that can be chosen, and the model."""
    numbers = np.arange(x.size)
    traces: list[dict[str, Any]] = []
    for chosen, colour, name in ((keep, ACCENT, "measured"), (~keep, _MASKED, "masked")):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": plain(x[chosen]),
                "y": plain(y[chosen]),
                "customdata": numbers[chosen].tolist(),
                "marker": {"size": 5, "color": colour}
                if name == "measured"
                else {"size": 8, "color": colour, "symbol": "x"},
                "hovertemplate": f"%{{x:.5g}}, %{{y:.5g}}<br>{name}, point %{{customdata}}<extra></extra>",
            }
        )
    if model is not None:
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": plain(model[0]),
                "y": plain(model[1]),
                "line": {"color": INK, "width": 1.5},
                "hoverinfo": "skip",
            }
        )
    made = figure(
        traces,
        axis(across, log=log[0], bounds=_bounds(x, log=log[0])),
        axis(up, log=log[1], bounds=_bounds(y, log=log[1])),
        selectionrevision=session.at,
        selections=[],
        uirevision=f"{across} {x.size}",
    )
    if words:
        made["layout"]["annotations"] = [
            {"text": words, "xref": "paper", "yref": "paper", "x": 0.01, "y": 0.99, "showarrow": False}
        ]
    return made


def _bounds(values: FloatArray, *, log: bool) -> tuple[float, float] | None:
    """Ends of an axis."""
    shown = values[values > 0] if log else values
    return (float(shown.min()), float(shown.max())) if shown.size else None


def _strip(
    session: "Session",
    x: FloatArray,
    residual: FloatArray | None,
    keep: BoolArray,
    across: str,
    *,
    log: bool = False,
) -> Figure:
    """Residuals in standard deviations, or an empty strip without a model."""
    traces = []
    if residual is not None:
        half = residual.size // 2 if log else residual.size
        parts: Sequence[slice] = (slice(0, half), slice(half, None)) if log else (slice(None),)
        for here, colour in zip(parts, (ACCENT, "#d55e00"), strict=False):
            shown = keep[here]
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "x": plain(x[here][shown]),
                    "y": plain(residual[here][shown]),
                    "customdata": np.flatnonzero(shown).tolist(),
                    "marker": {"size": 3.5, "color": colour},
                    "hovertemplate": "%{x:.4g}: %{y:.3g}<extra></extra>",
                }
            )
    return figure(
        traces,
        axis(across, log=log, bounds=_bounds(x, log=log)),
        axis(WORDS["residual"]),
        selectionrevision=session.at,
        margin={"l": 54, "r": 10, "t": 6, "b": 40},
    )
