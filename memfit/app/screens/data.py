"""Everything in the folder, a row a file: what it is, what is missing, what raises doubts, what is used."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update

from memfit.app.pictures import thumbnail
from memfit.app.words import KINDS, LIGHTS, WORDS
from memfit.datasets import ImpedanceSpectrum, IVSweep, Record, estimate_noise, extent_of
from memfit.reporting.numbers import quantity_digits, span
from memfit.units import format_quantity

if TYPE_CHECKING:
    from memfit.app.desk import Desk
    from memfit.app.rows import Row
    from memfit.app.session import Session

OpenSession = Callable[[str | None, str | None], "Session"]
TITLE = "Data"

_HEADS = (
    "use",
    "looks",
    "file",
    "kind",
    "bias or rate",
    "set",
    "covers",
    "noise",
    "Kramers-Kronig",
    "doubts",
)
_DIGITS = 6
"""Of a value that can be edited."""


def layout(session: "Session") -> Any:
    """The table, and device.toml beside it.

    Parameters
    ----------
    session : Session
    """
    rows = session.rows()
    table = html.Table(
        [
            html.Thead(html.Tr([html.Th(head, scope="col") for head in _HEADS])),
            html.Tbody([_row(k, row) for k, row in enumerate(rows) if not row.junk]),
        ],
        className="rows",
    )
    junk = [row for row in rows if row.junk]
    manifest = session.manifest
    written = (session.folder / "device.toml").is_file()
    return html.Div(
        [
            dcc.Interval(id="look-at-spectra", interval=50, max_intervals=1),
            html.Section(
                [
                    html.H1(WORDS["data_title"]),
                    html.P(WORDS["data_hint"], className="hint"),
                    html.Div(table, className="scroll"),
                    html.Details(
                        [
                            html.Summary(f"{WORDS['data_other']} ({len(junk)})"),
                            html.Ul([html.Li(f"{row.file}: {row.fault}") for row in junk]),
                        ],
                        className="junk",
                    )
                    if junk
                    else None,
                ],
                className="wide",
            ),
            html.Section(
                [
                    html.H2("The device"),
                    _field("name", manifest.name or session.name),
                    _field("area", "" if manifest.area is None else f"{manifest.area * 1e4:.6g} cm^2"),
                    _field("temperature", _or_nothing(manifest.temperature, "K")),
                    html.H2(WORDS["device_toml"]),
                    html.P("" if written else WORDS["not_written"], className="hint"),
                    html.Pre(session.step.file.written, id="device-toml", tabIndex=0),
                ],
                className="side",
            ),
        ],
        className="columns",
    )


def _or_nothing(value: float | None, unit: str) -> str:
    """A quantity to edit."""
    return "" if value is None else format_quantity(value, unit, digits=_DIGITS)


def _field(key: str, value: str) -> Any:
    """A value of [device]."""
    return html.Label(
        [html.Span(key), dcc.Input(id={"type": "device", "key": key}, value=value, debounce=True)],
        className="field",
    )


def _row(k: int, row: "Row") -> Any:
    """A file."""
    record = row.records[0] if row.records else None
    head = [
        html.Td(
            dcc.Checklist(
                [{"label": html.Span(f"use {row.file}", className="unseen"), "value": "use"}],
                ["use"] if row.used else [],
                id={"type": "use", "row": k},
            )
        ),
        html.Td(html.Img(src=thumbnail(record), alt="") if record is not None else ""),
        html.Td([row.file, _more(row)]),
    ]
    if record is None:
        fault = [
            html.Td(_kind(k, None)),
            html.Td(row.fault, colSpan=len(_HEADS) - len(head) - 1, className="fault"),
        ]
        return html.Tr([*head, *fault], className="faulty")
    noise = estimate_noise(record)
    percent = noise.unit == "relative"
    cells = [
        html.Td(_kind(k, record)),
        html.Td(
            _labelled(
                f"{_key(record).replace('_', ' ')} of {row.file}",
                dcc.Input(
                    id={"type": "cell", "key": _key(record), "row": k},
                    value=shown_value(record),
                    debounce=True,
                    placeholder="missing" if row.missing else "",
                    className="missing" if row.missing else "",
                ),
            )
            if _key(record)
            else ""
        ),
        html.Td(
            dcc.Dropdown(
                ["voltage", "current"],
                record.control,
                id={"type": "cell", "key": "control", "row": k},
                clearable=False,
                searchable=False,
            )
        ),
        html.Td(_covers(record)),
        html.Td(f"{100 * noise.level:.2g} %" if percent else quantity_digits(noise.level, noise.unit, 2)),
        html.Td("", id={"type": "light", "row": k}),
        html.Td(_doubts(row), className="doubts"),
    ]
    return html.Tr([*head, *cells], className="" if row.used else "unused")


def _labelled(words: str, component: Any) -> Any:
    """A component with a name for those who cannot see where it stands."""
    return html.Label([html.Span(words, className="unseen"), component])


def _more(row: "Row") -> Any:
    """How many records a file holds, and how many of its points are masked."""
    said = []
    if len(row.records) > 1:
        said.append(f"{len(row.records)} records")
    masked = sum(int((~row.keep(record)).sum()) for record in row.records)
    if masked:
        said.append(f"{masked} masked")
    return html.Small(", ".join(said)) if said else None


def _kind(k: int, record: Record | None) -> Any:
    """The kind, to be changed."""
    return dcc.Dropdown(
        [{"label": label, "value": kind} for kind, label in KINDS.items()],
        record.kind if record is not None else None,
        id={"type": "cell", "key": "kind", "row": k},
        clearable=False,
        searchable=False,
    )


def _key(record: Record) -> str:
    """The key of device.toml that places a record among its like."""
    if isinstance(record, ImpedanceSpectrum):
        return "bias"
    return "scan_rate" if isinstance(record, IVSweep) else ""


def shown_value(record: Record) -> str:
    """The bias or scan rate as it stands in its cell.

    Parameters
    ----------
    record : Record
    """
    if isinstance(record, ImpedanceSpectrum):
        values = ((record.bias_voltage, "V"), (record.bias_current, "A"))
        ordered = values if record.control == "voltage" else values[::-1]
        value, unit = next((pair for pair in ordered if pair[0] is not None), (None, ""))
        return _or_nothing(value, unit)
    if isinstance(record, IVSweep) and record.scan_rate is not None:
        return format_quantity(
            record.scan_rate, "V/s" if record.control == "voltage" else "A/s", digits=_DIGITS
        )
    return ""


def _covers(record: Record) -> str:
    """What a record covers, in its unit."""
    extent, of = extent_of(record), "frequency"
    unit = "Hz"
    if not isinstance(record, ImpedanceSpectrum):
        of = "current" if record.control == "voltage" else "voltage"
        unit = "A" if of == "current" else "V"
    if of not in extent:
        return f"{record.points} points"
    low, high = extent[of]
    if unit == "Hz":
        return f"{quantity_digits(low, unit, 2)} to {quantity_digits(high, unit, 2)}"
    return span(low, high, unit)


def _doubts(row: "Row") -> Any:
    """Alarms first, then what the reader of the file noted."""
    notes = [note for record in row.records for note in record.notes]
    notes = list(dict.fromkeys(notes))
    if not row.alarms and not notes:
        return ""
    return html.Details(
        [
            html.Summary(
                row.alarms[0] if row.alarms else f"{len(notes)} notes" if len(notes) > 1 else "1 note"
            ),
            html.Ul([html.Li(said) for said in (*row.alarms[1:], *notes)]),
        ],
        className="alarm" if row.alarms else "",
    )


def register(app: Dash, open_session: OpenSession, desk: "Desk") -> None:  # noqa: ARG001 - as all screens
    """Edits, and the lights of the Kramers-Kronig test, which come a moment later.

    Parameters
    ----------
    app : Dash
    open_session : callable
    desk : Desk
    """

    @app.callback(
        Output({"type": "light", "row": ALL}, "children"),
        Input("look-at-spectra", "n_intervals"),
        State({"type": "light", "row": ALL}, "id"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def look(_beats: int, ids: Sequence[dict[str, Any]], tab: str, pathname: str) -> Any:
        session = open_session(tab, pathname)
        rows = session.rows()
        return [_light(session, rows[one["row"]]) if one["row"] < len(rows) else "" for one in ids]

    @app.callback(
        Output("changed", "data", allow_duplicate=True),
        Input({"type": "cell", "key": ALL, "row": ALL}, "value"),
        Input({"type": "use", "row": ALL}, "value"),
        Input({"type": "device", "key": ALL}, "value"),
        State("tab", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    def edit(_cells: Any, _uses: Any, _device: Any, tab: str, pathname: str) -> Any:
        what = ctx.triggered_id
        if not isinstance(what, dict) or len(ctx.triggered) != 1:
            return no_update  # the table has just come
        session, value = open_session(tab, pathname), ctx.triggered[0]["value"]
        before = session.at
        if what["type"] == "device":
            _edit_device(session, what["key"], value)
        else:
            rows = session.rows()
            if what["row"] >= len(rows):
                return no_update
            row = rows[what["row"]]
            if what["type"] == "use":
                use(session, row, used=bool(value))
            else:
                edit_cell(session, row, what["key"], value)
        return no_update if session.at == before else f"data {session.at} {id(session.step)}"


def _light(session: "Session", row: "Row") -> Any:
    """The verdict on the spectra of a row, the worst first."""
    verdicts = [
        session.verdict(record) for record in row.records[:5] if isinstance(record, ImpedanceSpectrum)
    ]
    if not verdicts:
        return ""
    order = list(LIGHTS)
    worst = max(verdicts, key=lambda verdict: order.index(verdict.status))
    return html.Span(LIGHTS[worst.status], className=f"light {worst.status.split()[0]}", title=worst.sentence)


def use(session: "Session", row: "Row", *, used: bool) -> None:
    """Use a file, or leave it out.

    Parameters
    ----------
    session : Session
    row : Row
    used : bool
    """
    if used == row.used:
        return
    file, place = session.step.file.listing(row.file, row.place)
    session.change(f"{'use' if used else 'leave out'} {row.file}", file.using(place, used))


def edit_cell(session: "Session", row: "Row", key: str, value: Any) -> None:
    """Take another value of a key of a file; the value that is shown changes nothing.

    Parameters
    ----------
    session : Session
    row : Row
    key : str
        Of a [[measurement]].
    value : str or None

    Raises
    ------
    ManifestError
        It cannot be.
    """
    record = row.records[0] if row.records else None
    now = ""
    if record is not None:
        now = getattr(record, key) if key in ("kind", "control") else shown_value(record)
    if (value or "") == (now or ""):
        return
    file, place = session.step.file.listing(row.file, row.place)
    if key == "bias" and value and row.records and _is_current(value):
        file = file.with_measurement(place, "control", "current")
    file = file.with_measurement(place, key, value or None)
    session.change(f"{key} of {row.file}", file.using(place, used=True) if row.fault else file)


def _is_current(value: str) -> bool:
    """Whether a bias is written as a current."""
    return value.strip().endswith("A")


def _edit_device(session: "Session", key: str, value: Any) -> None:
    """Take another value of [device]."""
    manifest = session.manifest
    shown = {
        "name": manifest.name or session.name,
        "area": "" if manifest.area is None else f"{manifest.area * 1e4:.6g} cm^2",
        "temperature": _or_nothing(manifest.temperature, "K"),
    }[key]
    if (value or "") != shown:
        session.change(f"{key} of the device", session.step.file.with_table("device", {key: value or None}))
