"""A report as files: its figures drawn (here and nowhere else), its documents, the numbers behind it as CSV.

Everything is made before the first file is written, and each file appears whole or not at all.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from memfit.arrays import FloatArray
from memfit.datasets import ImpedanceSpectrum, Record, kramers_kronig
from memfit.errors import InputError, OutputError
from memfit.files import printable, write_whole
from memfit.reporting.content import (
    FIGURES,
    PLAIN,
    SMALLEST_COLUMN,
    WIDTHS,
    Graded,
    Panel,
    Report,
    ReportOptions,
    Table,
    without_mathematics,
)
from memfit.reporting.figures.marks import MILLIMETRE
from memfit.reporting.figures.records import ROW, WIDTH, channels_figure, records_figure
from memfit.reporting.numbers import csv_field, csv_numbers
from memfit.reporting.writers.html import inline, render_html, standalone
from memfit.reporting.writers.text import render_latex, render_markdown, render_pdf

_TALLER = 1.3
"""Height of a figure over the whole page, of that in a column."""
_STYLE = Path(__file__).parents[1] / "figures" / "memfit.mplstyle"
_UNDATED: Mapping[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None}},
    "pdf": {"metadata": {"CreationDate": None}},
    "png": {"metadata": {"Software": None}},
}
_MOST_TESTED = 200
"""Spectra of a picture that are tested for points to leave out."""


@dataclass(frozen=True)
class Drawing:
    """A figure that was drawn."""

    files: Mapping[str, bytes]
    """By format."""
    frames: tuple[Mapping[str, Any], ...]
    """Place, limits, scales and labels of its axes, for values under the pointer."""


def draw_panels(panels: Iterable[Panel], formats: set[str], style: Path | None = None) -> dict[str, Drawing]:
    """All figures by key; the same input gives the same bytes.

    Parameters
    ----------
    panels : iterable of Panel
    formats : set of str
        Out of `FIGURES`.
    style : Path, optional
        A matplotlib style file laid over memfit's own.

    Raises
    ------
    InputError
        The style file is absent or not understood.
    """
    with mpl.rc_context():
        mpl.rcParams.update(mpl.rc_params_from_file(_STYLE, use_default_template=False))
        if style is not None:
            try:
                mpl.rcParams.update(mpl.rc_params_from_file(style, use_default_template=False))
            except (OSError, ValueError, UnicodeDecodeError) as problem:
                raise InputError(
                    f"{style}: expected a matplotlib style file; {problem}. Mend it or leave it out."
                ) from problem
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
    frames = tuple(
        {
            "box": [round(float(edge), 5) for edge in axes.get_position().extents],
            "x": without_mathematics(axes.get_xlabel()),
            "y": without_mathematics(axes.get_ylabel()),
            "xlim": [float(f"{limit:.6g}") for limit in axes.get_xlim()],
            "ylim": [float(f"{limit:.6g}") for limit in axes.get_ylim()],
            "xlog": axes.get_xscale() == "log",
            "ylog": axes.get_yscale() == "log",
        }
        for axes in figure.axes
        if axes.get_xlabel() or axes.get_ylabel()
    )
    return Drawing(files, frames)


def report_files(report: Report, options: ReportOptions = PLAIN) -> dict[str, bytes]:
    """A report in every format asked for, its figures and the numbers behind them.

    Parameters
    ----------
    report : Report
    options : ReportOptions

    Returns
    -------
    dict of str to bytes
        By the name of the file in its folder.

    Raises
    ------
    InputError
        A style file that cannot be used.
    """
    single = options.width == "single"
    drawn = draw_panels(report.panels, {"svg", *(options.figures if single else ())}, options.style)
    beside = drawn
    if not single:
        wide = [
            replace(
                panel,
                width=WIDTHS["single" if panel.width < SMALLEST_COLUMN else "double"],
                height=panel.height * _TALLER,
            )
            for panel in report.panels
        ]
        beside = draw_panels(wide, set(options.figures), options.style)
    files: dict[str, bytes] = {}
    if "html" in options.formats:
        files["report.html"] = _page(report, drawn)
    if "pdf" in options.formats:
        files["report.pdf"] = render_pdf(report, {key: item.files["svg"] for key, item in drawn.items()})
    if "md" in options.formats:
        files["report.md"] = printable(render_markdown(report, next(iter(options.figures), "svg"))).encode()
    if "tex" in options.formats:
        files["tables.tex"] = printable(render_latex(report)).encode()
    if "csv" in options.formats:
        files |= {f"tables/{table.key}.csv": printable(table_csv(table)).encode() for table in report.tables}
    for key, drawing in beside.items():
        files |= {f"figures/{key}.{kind}": drawing.files[kind] for kind in options.figures}
    return {**files, **_figure_data(report)}


def _page(report: Report, drawn: Mapping[str, Drawing]) -> bytes:
    """The report as one HTML file."""
    inlined = {
        panel.key: inline(
            drawn[panel.key].files["svg"].decode(), panel.key, panel.alt, drawn[panel.key].frames
        )
        for panel in report.panels
    }
    return printable(render_html(report, inlined)).encode()


def _figure_data(report: Report) -> dict[str, bytes]:
    """The numbers behind the figures."""
    return {f"figures/data/{panel.key}.csv": columns_csv(panel.data).encode() for panel in report.panels}


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
    figures = {f"figures/{key}.svg": drawing.files["svg"] for key, drawing in drawn.items()}
    return write_files(out, {name: _page(report, drawn), **figures, **_figure_data(report)})


def write_files(out: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder, which is made if absent.

    Parameters
    ----------
    out : Path
        The folder.
    files : mapping of str to bytes
        By name.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
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


def columns_csv(columns: Mapping[str, FloatArray]) -> str:
    """Columns side by side as CSV, shorter ones empty below; what is not a number is empty.

    Written by hand, without DataFrames: for the many small files of a report that is several times faster.

    Parameters
    ----------
    columns : mapping of str to (n,) array
        By title; SI.
    """
    texts = [csv_numbers(column.tolist()) for column in columns.values()]
    rows = [",".join(row) for row in zip_longest(*texts, fillvalue="")]
    return "\n".join([",".join(map(csv_field, columns)), *rows]) + "\n"


def table_csv(table: Table) -> str:
    """A table for people as CSV: numbers as they are printed in the report.

    Parameters
    ----------
    table : Table
    """
    rows = [[value.text if isinstance(value, Graded) else value for value in row] for row in table.rows]
    head = [column.title for column in table.columns]
    return "".join(",".join(map(csv_field, row)) + "\n" for row in [head, *rows])


def check_picture(path: Path, *, overwrite: bool) -> str:
    """The format of a picture by its name.

    Parameters
    ----------
    path : Path
    overwrite : bool
        Whether the file may be there already.

    Raises
    ------
    InputError
        The name ends in none of the formats.
    OutputError
        The file is there and may not be overwritten.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FIGURES:
        raise InputError(f"{path}: expected the name of a picture that ends in .{', .'.join(FIGURES)}.")
    if path.exists() and not overwrite:
        raise OutputError(f"{path}: exists already. Choose another name, or add --overwrite.")
    return kind


def write_picture(
    path: Path, records: Sequence[Record], columns: Mapping[str, FloatArray], *, overwrite: bool
) -> None:
    """Draw records as they were read, or the bare columns where there are none, into one file.

    Parameters
    ----------
    path : Path
        Ends in .svg, .png or .pdf.
    records : sequence of Record
    columns : mapping of str to array
        What to draw where there are no records.
    overwrite : bool

    Raises
    ------
    InputError, OutputError
        As `check_picture`, or nothing can be drawn.
    """
    kind = check_picture(path, overwrite=overwrite)
    if not records and not columns:
        raise InputError(f"{path}: expected measurements to draw, found none.")
    spectra = [(i, r) for i, r in enumerate(records) if isinstance(r, ImpedanceSpectrum)]
    suspects = {i: kramers_kronig(spectrum).suspect for i, spectrum in spectra[:_MOST_TESTED]}
    draw = (
        partial(records_figure, records=records, suspects=suspects)
        if records
        else partial(channels_figure, columns=columns)
    )
    rows = max(len({record.kind for record in records}), 1)
    panel = Panel(key="records", draw=draw, caption="", alt="", width=WIDTH, height=ROW * rows)
    write_whole(path, draw_panels([panel], {kind})["records"].files[kind])
