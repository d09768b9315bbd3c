"""Write the report of a fit: the page, tables for programs, figures (made here and nowhere else)."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from memfit.errors import InputError, OutputError
from memfit.files import write_whole
from memfit.fitting.result import FitResult, FittedRecord
from memfit.reporting.content import SMALLEST_COLUMN, Panel, Report
from memfit.reporting.figures.marks import MILLIMETRE, without_mathematics
from memfit.reporting.fit.csv import (
    columns_csv,
    estimates_csv,
    interval_csvs,
    residuals_csv,
    table_csv,
)
from memfit.reporting.fit.sections import report_of
from memfit.reporting.options import PLAIN_EDITION, WIDTHS, Edition
from memfit.reporting.writers.html import inline, render_html, standalone
from memfit.reporting.writers.pdf import render_pdf
from memfit.reporting.writers.text import render_latex, render_markdown

_TALLER = 1.3
"""Height of a figure over the whole page, of that in a column."""

_STYLE = Path(__file__).parents[1] / "figures" / "memfit.mplstyle"
_UNDATED: Mapping[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None}},
    "pdf": {"metadata": {"CreationDate": None}},
    "png": {"metadata": {"Software": None}},
}


@dataclass(frozen=True)
class Drawing:
    """A figure that was drawn."""

    files: Mapping[str, bytes]
    """By format."""
    frames: tuple[Mapping[str, Any], ...]
    """Place, limits, scales and labels of its axes, for values under the pointer."""


def write_report(
    result: FitResult,
    fitted: Sequence[FittedRecord],
    out: Path,
    edition: Edition = PLAIN_EDITION,
    *,
    notes: Sequence[str] = (),
) -> list[Path]:
    """Write report, parameters.csv, residuals.csv and figures/ into a folder.

    Everything is made before the first file is written, and each file appears whole or not at all.

    Parameters
    ----------
    result : FitResult
    fitted : sequence of FittedRecord
        The records beside the model; may be empty where the data are gone.
    out : Path
        Folder; made if absent.
    edition : Edition
        Formats of the report and of its figures.
    notes : sequence of str
        What is missing in this report, a sentence each.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        A style file that cannot be used.
    OutputError
        The folder cannot be written.
    """
    look = edition.look
    report = report_of(result, fitted, notes)
    single = look.width == "single"
    drawn = draw_panels(report.panels, {"svg", *(look.figures if single else ())}, look.style)
    beside = drawn if single else draw_panels(map(_widened, report.panels), set(look.figures), look.style)
    files = {**_documents(report, drawn, edition), **_for_programs(result, fitted, report)}
    for key, drawing in beside.items():
        for kind in look.figures:
            files[f"figures/{key}.{kind}"] = drawing.files[kind]
    return _write(out, files)


def _widened(panel: Panel) -> Panel:
    """A figure of a column's width over the whole page; a small one over a column."""
    wide = WIDTHS["single"] if panel.width < SMALLEST_COLUMN else WIDTHS["double"]
    return replace(panel, width=wide, height=panel.height * _TALLER)


def write_page(report: Report, out: Path, name: str, style: Path | None = None) -> list[Path]:
    """Write one HTML page, its figures as SVG, and the numbers behind them into a folder.

    Parameters
    ----------
    report : Report
    out : Path
        Folder; made if absent.
    name : str
        Of the page, such as "stability.html".
    style : Path, optional
        A matplotlib style file laid over memfit's own.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        A style file that cannot be used.
    OutputError
        The folder cannot be written.
    """
    drawn = draw_panels(report.panels, {"svg"}, style)
    inlined = {panel.key: _inline(panel, drawn[panel.key]) for panel in report.panels}
    files = {name: render_html(report, inlined).encode()}
    files |= {f"figures/{key}.svg": drawing.files["svg"] for key, drawing in drawn.items()}
    files |= {f"figures/data/{panel.key}.csv": columns_csv(panel.data).encode() for panel in report.panels}
    return _write(out, files)


def _write(out: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files by name into a folder, which is made if absent."""
    paths = [out / name for name in files]
    try:
        for folder in dict.fromkeys(path.parent for path in paths):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(
            f"{out}: cannot be written ({problem.strerror or problem}). Choose another folder."
        ) from problem
    for path, content in zip(paths, files.values(), strict=True):
        write_whole(path, content)
    return paths


def _documents(report: Report, drawn: Mapping[str, Drawing], edition: Edition) -> dict[str, bytes]:
    """The report in each format, by file name."""
    files: dict[str, bytes] = {}
    formats = edition.formats
    if "html" in formats:
        inlined = {panel.key: _inline(panel, drawn[panel.key]) for panel in report.panels}
        files["report.html"] = render_html(report, inlined).encode()
    if "pdf" in formats:
        files["report.pdf"] = render_pdf(
            report, {key: drawing.files["svg"] for key, drawing in drawn.items()}
        )
    if "md" in formats:
        files["report.md"] = render_markdown(report, next(iter(edition.look.figures), "svg")).encode()
    if "tex" in formats:
        files["tables.tex"] = render_latex(report).encode()
    if "csv" in formats:
        files |= {f"tables/{table.key}.csv": table_csv(table).encode() for table in report.tables}
    return files


def _for_programs(result: FitResult, fitted: Sequence[FittedRecord], report: Report) -> dict[str, bytes]:
    """Tables of numbers in full: parameters, residuals, and what stands behind each figure."""
    texts = {"parameters.csv": estimates_csv(result), "residuals.csv": residuals_csv(fitted)}
    texts |= interval_csvs(result)
    texts |= {f"figures/data/{panel.key}.csv": columns_csv(panel.data) for panel in report.panels}
    return {name: text.encode() for name, text in texts.items()}


def draw_panels(panels: Iterable[Panel], formats: set[str], style: Path | None = None) -> dict[str, Drawing]:
    """All figures by key; the same input gives the same bytes.

    Raises
    ------
    InputError
        The style file is absent or not understood.
    """
    with mpl.rc_context():
        _apply_style(style)
        return {panel.key: _draw_panel(panel, formats) for panel in panels}


def _draw_panel(panel: Panel, formats: set[str]) -> Drawing:
    """One figure in all formats."""
    figure = Figure(figsize=(panel.width * MILLIMETRE, panel.height * MILLIMETRE))
    FigureCanvasAgg(figure)
    panel.draw(figure)
    files = {}
    for kind in sorted(formats):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, **_UNDATED[kind])
        files[kind] = buffer.getvalue()
    if "svg" in files:
        files["svg"] = standalone(files["svg"].decode()).encode()
    return Drawing(
        files, tuple(_frame(axes) for axes in figure.axes if axes.get_xlabel() or axes.get_ylabel())
    )


def _inline(panel: Panel, drawing: Drawing) -> str:
    """A figure as it stands in the page."""
    return inline(drawing.files["svg"].decode(), panel.key, panel.alt, drawing.frames)


def _frame(axes: Axes) -> Mapping[str, Any]:
    """Where axes stand in the figure, and what they show."""
    return {
        "box": [round(float(edge), 5) for edge in axes.get_position().extents],
        "x": without_mathematics(axes.get_xlabel()),
        "y": without_mathematics(axes.get_ylabel()),
        "xlim": [float(f"{limit:.6g}") for limit in axes.get_xlim()],
        "ylim": [float(f"{limit:.6g}") for limit in axes.get_ylim()],
        "xlog": axes.get_xscale() == "log",
        "ylog": axes.get_yscale() == "log",
    }


def _apply_style(style: Path | None) -> None:
    """Memfit's style, then the user's."""
    mpl.rcParams.update(_own_style())
    if style is None:
        return
    try:
        mpl.rcParams.update(mpl.rc_params_from_file(style, use_default_template=False))
    except (OSError, ValueError, UnicodeDecodeError) as problem:
        raise InputError(
            f"{style}: expected a matplotlib style file; {problem}. Mend it or leave it out."
        ) from problem


def _own_style() -> mpl.RcParams:
    """The style file of this package."""
    return mpl.rc_params_from_file(_STYLE, use_default_template=False)
