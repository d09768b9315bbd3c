"""A picture of what was read from files, for `memfit inspect --plot`."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from memfit.arrays import FloatArray
from memfit.datasets.kramers_kronig import kramers_kronig
from memfit.datasets.records import ImpedanceSpectrum, Record
from memfit.errors import InputError, OutputError
from memfit.files import write_whole
from memfit.reporting.content import Panel
from memfit.reporting.figures.records import (
    ROW,
    WIDTH,
    Suspects,
    channels_figure,
    records_figure,
    row_count,
)
from memfit.reporting.options import FIGURES
from memfit.reporting.writers.folder import draw_panels

_MOST_TESTED = 200


def check_picture(path: Path, *, overwrite: bool) -> str:
    """The format of a picture by its name.

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
    """Draw records, or the bare columns where there are none, into one file.

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
    draw = (
        partial(records_figure, records=records, suspects=_suspects(records))
        if records
        else partial(channels_figure, columns=columns)
    )
    panel = Panel(
        key="records", draw=draw, caption="", alt="", width=WIDTH, height=ROW * max(row_count(records), 1)
    )
    write_whole(path, draw_panels([panel], {kind})["records"].files[kind])


def _suspects(records: Sequence[Record]) -> Suspects:
    """Points that the Kramers-Kronig test proposes to leave out, by place of the spectrum."""
    spectra = [(i, r) for i, r in enumerate(records) if isinstance(r, ImpedanceSpectrum)]
    return {i: kramers_kronig(spectrum).suspect for i, spectrum in spectra[:_MOST_TESTED]}
