"""The data sheet: a table of figures of merit at stated conditions, the curves of the field, the definitions.

Made from the `FiguresOfMerit` of a device; the terminal, the page, the PDF and the LaTeX tables are written
from the same report.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np

from memfit.analysis.figures_of_merit.assemble import NO_DATA, NOT_MEASURED
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT
from memfit.analysis.figures_of_merit.sheet import Entry, FigureCurve, FiguresOfMerit, Value
from memfit.datasets import IVSweep
from memfit.reporting.content import (
    Answer,
    Block,
    Bullets,
    Column,
    Panel,
    Panels,
    Report,
    ReportOptions,
    Section,
    Table,
    Tone,
    sections_of,
)
from memfit.reporting.figures.memristor import Against, LoopCurves, against_figure, loop_figure
from memfit.reporting.numbers import MISSING, fixed, interval, quantity, quantity_digits
from memfit.reporting.writers.folder import report_files, write_files

_TEXT = tomllib.loads((files("memfit.reporting.datasheet") / "text.toml").read_text(encoding="utf-8"))
_HEIGHT = 62.0
STEM = "datasheet"
"""Of the files."""
_AXES: Mapping[str, tuple[str, str, str]] = {
    "area": ("scan rate", "loop area", "W"),
    "ppf": ("interval", "A2/A1", ""),
    "train": ("pulse", "G", "S"),
    "retention": ("time after the pulse", "G", "S"),
    "frequency": ("current", "frequency", "Hz"),
}
"""Titles of the axes and unit of each curve."""
_LINEAR = ("train", "frequency")


def write_datasheet(
    sheet: FiguresOfMerit, out: Path, options: ReportOptions, *, footer: str = ""
) -> list[Path]:
    """Write the data sheet in every format asked for, its figures and the numbers behind them.

    Parameters
    ----------
    sheet : FiguresOfMerit
    out : Path
        Folder; made if absent.
    options : ReportOptions
    footer : str

    Returns
    -------
    list of Path
        The files written.
    """
    made = report_files(datasheet(sheet, footer=footer), options)
    names = {"tables.tex": f"{STEM}.tex"}
    named = {
        names.get(name, name.replace("report.", f"{STEM}.", 1)): content for name, content in made.items()
    }
    return write_files(out, named)


def datasheet(sheet: FiguresOfMerit, *, footer: str = "") -> Report:
    """The data sheet of a device.

    Parameters
    ----------
    sheet : FiguresOfMerit
    footer : str
    """
    blocks: dict[str, Sequence[Block | None]] = {
        "figures": [main_table(sheet), _reasons(sheet)],
        "curves": [Panels(tuple(_panels(sheet)))],
        "records": [_records(sheet)],
        "definitions": [_definitions()],
    }
    return Report(
        title=sheet.device or "Device",
        subtitle=_TEXT["subtitle"],
        answers=_answers(sheet),
        sections=sections_of(blocks, _TEXT["headings"]),
        footer=footer,
        names=frozenset(filter(None, [sheet.device, *(e.record for e in sheet.entries)])),
    )


def in_words(sheet: FiguresOfMerit) -> Report:
    """The same without figures and definitions, for a terminal.

    Parameters
    ----------
    sheet : FiguresOfMerit
    """
    whole = datasheet(sheet)
    said = Section("conditions", _TEXT["questions"]["conditions"], (Bullets(whole.answers[0].sentences),))
    return replace(whole, sections=(said, *(s for s in whole.sections if s.key in ("figures", "records"))))


def merit_blocks(sheet: FiguresOfMerit) -> list[Block]:
    """What the report of a fit says of them.

    Parameters
    ----------
    sheet : FiguresOfMerit
    """
    return [Bullets((*sheet.notes, *_answers(sheet)[0].sentences)), main_table(sheet)]


def _answers(sheet: FiguresOfMerit) -> tuple[Answer, ...]:
    """Conditions, and on what all of it rests."""
    full, words = sheet.conditions, _TEXT["sentences"]
    stated = words["conditions"].format(
        amplitude=quantity(full.amplitude, "V"),
        rate=quantity(full.rate, "V/s"),
        read=quantity(full.read, "V"),
        width=quantity(full.width, "s"),
        period=quantity(full.period, "s"),
        depression=quantity(full.depression, "V"),
        base=quantity(full.base, "V"),
        count=str(full.count),
        duration=quantity(full.duration, "s"),
    )
    trust = words["trust"].format(method=_TEXT["methods"][sheet.known.source])
    kept = words["members"].format(duration=quantity(full.duration, "s"))
    tone: Tone = "care" if sheet.notes else "good"
    return (
        Answer(_TEXT["questions"]["conditions"], "", (stated, kept), "plain"),
        Answer(_TEXT["questions"]["trust"], "", (trust, *sheet.notes), tone),
    )


def conditions_text(conditions: Mapping[str, float], names: Sequence[str] = ()) -> str:
    """Conditions as words: "100 mV/s, to 0.85 V, read at 0.42 V".

    Parameters
    ----------
    conditions : mapping of str to float
        SI.
    names : sequence of str
        Those to be said; all by default.
    """
    said = [
        _TEXT["words"][name].format(value=quantity_digits(value, _TEXT["units"][name], 3))
        if _TEXT["units"][name]
        else _TEXT["words"][name].format(value=str(int(value)))
        for name, value in conditions.items()
        if not names or name in names
    ]
    return ", ".join(said)


def _column(key: str, kind: str = "number") -> Column:
    return Column(_TEXT["columns"][key], kind)  # type: ignore[arg-type]


def main_table(sheet: FiguresOfMerit) -> Table:
    """All figures, a row each.

    Parameters
    ----------
    sheet : FiguresOfMerit
    """
    rows = []
    for entry in sheet.main:
        named = _TEXT["names"][entry.name]
        at = conditions_text(
            entry.conditions, ("rate", "bias", "bias_current", "current", "interval", "width")
        )
        rows.append((named, at, *_cells(entry.measured, entry), *_cells(entry.predicted, entry)))
    keys = ("measured", "measured_ci95", "predicted", "predicted_ci95")
    columns = (_column("figure", "prose"), _column("conditions", "text"), *(_column(key) for key in keys))
    return Table("figures_of_merit", _TEXT["captions"]["figures"], columns, tuple(rows))


def _cells(value: Value | None, entry: Entry) -> tuple[str, str]:
    """A value and its interval."""
    if value is None:
        return MISSING, MISSING
    unit = entry.row.unit or "1"
    return quantity(value.value, unit, value.stderr), interval(value.ci95, unit, value.stderr)


def _reasons(sheet: FiguresOfMerit) -> Table:
    """Why there are dashes; that no record holds what is predicted needs no reason."""
    rows, main = [], {id(entry) for entry in sheet.main}
    for entry in (*sheet.main, *(e for e in _of_records(sheet) if id(e) not in main)):
        plain = entry.predicted is not None and entry.measured_reason in (NOT_MEASURED, NO_DATA)
        reasons = ("" if plain else entry.measured_reason, entry.predicted_reason)
        named = _TEXT["names"][entry.name] + (f", {entry.record}" if id(entry) not in main else "")
        if any(reasons):
            rows.append((named, *(said or MISSING for said in reasons)))
    columns = (_column("figure", "prose"), _column("measured", "prose"), _column("predicted", "prose"))
    return Table("reasons", _TEXT["captions"]["reasons"], columns, tuple(rows))


def _of_records(sheet: FiguresOfMerit) -> list[Entry]:
    """What has a row among the records."""
    return [e for e in sheet.entries if e.record and (e.measured or e.predicted)]


def _records(sheet: FiguresOfMerit) -> Table:
    """What every record holds, beside the model."""
    rows = [
        (
            _TEXT["names"][e.name],
            e.record,
            conditions_text(
                e.conditions, ("rate", "bias", "bias_current", "current", "width", "amplitude_current")
            ),
            _cells(e.measured, e)[0],
            _cells(e.predicted, e)[0],
            fixed(e.difference, 1),
        )
        for e in _of_records(sheet)
    ]
    columns = (
        _column("figure", "prose"),
        Column("Record", "file"),
        _column("conditions", "text"),
        *(_column(key) for key in ("measured", "predicted", "difference")),
    )
    return Table("figures_of_records", _TEXT["captions"]["records"], columns, tuple(rows))


def _definitions() -> Table:
    """What the figures are."""
    rows = [(_TEXT["names"][r.name], r.definition, r.source or MISSING) for r in FIGURES_OF_MERIT.values()]
    columns = (_column("figure", "prose"), _column("definition", "prose"), _column("source", "text"))
    return Table("definitions", _TEXT["captions"]["definitions"], columns, tuple(rows))


def _panels(sheet: FiguresOfMerit) -> Iterator[Panel]:
    """The loop, then a panel a curve."""
    loop, conditions = _loop(sheet)
    columns = {"voltage_V": loop.voltage, "current_A": loop.current}
    yield _panel("loop", partial(loop_figure, loop=loop), columns, conditions=conditions)
    for one in sheet.curves:
        data = _against(one)
        numbers = {f"{one.key}_x": one.x, "value": one.value, "low": one.low, "high": one.high}
        yield _panel(one.key, partial(against_figure, data=data), numbers)


def _panel(key: str, draw: partial[None], data: Mapping[str, np.ndarray], **words: str) -> Panel:
    text = _TEXT["figure"][key]
    return Panel(
        key=f"merit_{key}",
        draw=draw,
        caption=text["caption"].format(**words),
        alt=text["alt"],
        height=_HEIGHT,
        data=data,
    )


def _loop(sheet: FiguresOfMerit) -> tuple[LoopCurves, str]:
    """The loop at the conditions asked for: that of a record, else that of the protocol."""
    subjects = sheet.model.subjects
    asked = next(k for k, one in enumerate(subjects) if one.group == "loop")
    wanted = next((e for e in sheet.main if e.name == "V_set"), None)
    chosen = next(
        (k for k, one in enumerate(subjects) if wanted and wanted.record and one.name == wanted.record), asked
    )
    subject = subjects[chosen]
    voltage, current = sheet.model.courses(sheet.known.best)[chosen]
    record = subject.record if isinstance(subject.record, IVSweep) else None
    marks = []
    for name, marker in (("V_set", "^"), ("V_reset", "v")):
        entry = next((e for e in sheet.entries if e.name == name and e.record == subject.name), None)
        if entry is not None and entry.predicted is not None:
            marks.append((entry.predicted.value, marker))
    curves = LoopCurves(
        voltage=voltage,
        current=current,
        data=None if record is None else (record.voltage, record.current),
        marks=marks,
    )
    return curves, conditions_text(subject.conditions)


def _against(one: FigureCurve) -> Against:
    """A curve as it is drawn."""
    x_title, y_title, unit = _AXES[one.key]
    return Against(
        x=one.x,
        x_unit=one.x_unit,
        x_title=x_title,
        y_unit=unit,
        y_title=y_title,
        value=one.value,
        low=one.low,
        high=one.high,
        points=[(x, v.value, *(v.ci95 or (v.value, v.value))) for x, v in one.measured],
        x_log=one.key not in _LINEAR,
        steps=one.key in ("train", "retention"),
        signed=one.key == "area",
    )
