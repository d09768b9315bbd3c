"""The data sheet of a stored or fresh result, and the exports of its device."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.analysis.figures_of_merit.conditions import Conditions
from memfit.analysis.figures_of_merit.sheet import FiguresOfMerit
from memfit.datasets import Device
from memfit.files import whole_folder
from memfit.fitting import FitResult
from memfit.reporting.content import PLAIN, ReportOptions
from memfit.reporting.datasheet.page import write_datasheet
from memfit.workflow.reading import find_data, read_result, result_file


def sheet_of(
    source: Path | str, data: Sequence[Path | str] = (), conditions: Conditions | None = None
) -> tuple[FiguresOfMerit, FitResult, tuple[str, ...]]:
    """The figures of merit of a stored result, with its data where they are at hand.

    Parameters
    ----------
    source : path
        A result.json, or the folder it is in.
    data : sequence of paths, optional
        Where the data are, if elsewhere.
    conditions : Conditions, optional

    Returns
    -------
    FiguresOfMerit
    FitResult
    tuple of str
        What is missing, a sentence each.
    """
    result = read_result(source)
    found = find_data(result, result_file(source).parent, [Path(path) for path in data])
    records = tuple(found.same.values())
    device = Device(name=str(result.device.get("name") or ""), records=records) if records else None
    return figures_of_merit(result, device, conditions), result, found.notes


def write_sheet(
    sheet: FiguresOfMerit,
    out: Path | str,
    *,
    formats: Sequence[str] = ("html",),
    look: ReportOptions = PLAIN,
    overwrite: bool = False,
    footer: str = "",
) -> Path:
    """Write the data sheet into a folder that appears whole or not at all.

    Parameters
    ----------
    sheet : FiguresOfMerit
    out : path
        The folder.
    formats : sequence of str
        html, pdf, md, tex, csv.
    look : Look
    overwrite : bool
    footer : str
        Last line of the page.

    Returns
    -------
    Path
        The folder.
    """
    place = Path(out)
    with whole_folder(place, overwrite=overwrite) as draft:
        write_datasheet(sheet, draft, replace(look, formats=tuple(formats)), footer=footer)
    return place
