"""`memfit report`: the report of a stored result, with its curves where the data are at hand."""

from argparse import Namespace
from pathlib import Path

from memfit import workflow
from memfit.cli.console import Console
from memfit.cli.main import USABLE
from memfit.reporting.look import Look


def run(given: Namespace) -> int:
    """Read, look for the data, draw, write."""
    console = Console(given.quiet, given.verbose)
    formats = workflow.report_formats(given.format)
    out, notes = workflow.remake_report(
        given.result,
        given.out,
        given.data or (),
        formats=formats,
        look=look_of(given),
        overwrite=given.overwrite,
    )
    for note in notes:
        console.say(note)
    console.say(f"Written to {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")
    return USABLE


def look_of(given: Namespace) -> Look:
    """How the figures are to be written.

    Raises
    ------
    InputError
        A format is unknown.
    """
    figures = tuple(word.strip() for word in given.figures.split(",") if word.strip())
    return Look(figures=figures, width=given.width, style=Path(given.style) if given.style else None)
