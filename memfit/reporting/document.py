"""Write the report of a fit: the page, tables for programs, figures (made here and nowhere else)."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from memfit.errors import InputError, OutputError
from memfit.files import write_whole
from memfit.fitting.result import FitResult, FittedRecord
from memfit.reporting.content import Panel, Report
from memfit.reporting.figures.marks import MILLIMETRE
from memfit.reporting.frames import columns_csv, interval_frames, residuals_frame, table_csv
from memfit.reporting.html import render_html
from memfit.reporting.latex import render_latex
from memfit.reporting.markdown import render_markdown
from memfit.reporting.pdf import render_pdf
from memfit.reporting.sections import report_of
from memfit.reporting.svg import inline, standalone

DOCUMENTS = ("html", "pdf", "md", "tex", "csv")
"""Formats of the report itself; tex and csv are its tables."""
FIGURES = ("svg", "png", "pdf")
"""Formats of the figures beside it."""

_STYLE = Path(__file__).parent / "figures" / "memfit.mplstyle"
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
    formats: Sequence[str] = ("html",),
    *,
    figure_formats: Sequence[str] = ("svg",),
    style: Path | None = None,
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
    formats : sequence of str
        Of the report, out of `DOCUMENTS`: html, pdf (extra `pdf`), md, and its tables as tex and csv.
    figure_formats : sequence of str
        Of the figures, out of `FIGURES`.
    style : Path, optional
        A matplotlib style file laid over memfit's own.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        An unknown format, or a style file that cannot be used.
    OutputError
        The folder cannot be written.
    """
    _check(formats, DOCUMENTS)
    _check(figure_formats, FIGURES)
    report = report_of(result, fitted)
    drawn = draw_panels(report.panels, {"svg", *figure_formats}, style)
    files = {**_documents(report, drawn, formats, figure_formats), **_for_programs(result, fitted, report)}
    for key, drawing in drawn.items():
        for kind in figure_formats:
            files[f"figures/{key}.{kind}"] = drawing.files[kind]
    return _write(out, files)


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


def _documents(
    report: Report, drawn: Mapping[str, Drawing], formats: Sequence[str], figure_formats: Sequence[str]
) -> dict[str, bytes]:
    """The report in each format, by file name."""
    files: dict[str, bytes] = {}
    if "html" in formats:
        inlined = {panel.key: _inline(panel, drawn[panel.key]) for panel in report.panels}
        files["report.html"] = render_html(report, inlined).encode()
    if "pdf" in formats:
        files["report.pdf"] = render_pdf(
            report, {key: drawing.files["svg"] for key, drawing in drawn.items()}
        )
    if "md" in formats:
        files["report.md"] = render_markdown(report, next(iter(figure_formats), "svg")).encode()
    if "tex" in formats:
        files["tables.tex"] = render_latex(report).encode()
    if "csv" in formats:
        files |= {f"tables/{table.key}.csv": table_csv(table).encode() for table in report.tables}
    return files


def _for_programs(result: FitResult, fitted: Sequence[FittedRecord], report: Report) -> dict[str, bytes]:
    """Tables of numbers in full: parameters, residuals, and what stands behind each figure."""
    frames = {"parameters.csv": result.to_frame().reset_index(), "residuals.csv": residuals_frame(fitted)}
    frames |= interval_frames(result)
    texts = {
        name: frame.to_csv(index=False, lineterminator="\n", float_format="%.9g")
        for name, frame in frames.items()
    }
    texts |= {f"figures/data/{panel.key}.csv": columns_csv(panel.data) for panel in report.panels}
    return {name: text.encode() for name, text in texts.items()}


def _check(formats: Sequence[str], known: Sequence[str]) -> None:
    """All formats are known."""
    unknown = [name for name in formats if name not in known]
    if unknown:
        raise InputError(
            f"Expected formats out of {', '.join(known)}; found {', '.join(map(repr, unknown))}."
        )


def draw_panels(panels: Sequence[Panel], formats: set[str], style: Path | None = None) -> dict[str, Drawing]:
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
        "x": axes.get_xlabel(),
        "y": axes.get_ylabel(),
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
