"""`memfit report`: the report of a stored result, with its curves where the data are at hand."""

from argparse import Namespace
from pathlib import Path

from memfit.cli.console import Console
from memfit.cli.main import USABLE
from memfit.errors import InputError
from memfit.reporting.content import DOCUMENTS, ReportOptions
from memfit.workflow.reports import remake_report


def run(given: Namespace) -> int:
    """Read, look for the data, draw, write."""
    console = Console(given.quiet, given.verbose)
    options = options_of(given)
    out, notes = remake_report(
        given.result,
        given.out,
        given.data or (),
        formats=options.formats,
        look=options,
        overwrite=given.overwrite,
    )
    for note in notes:
        console.say(note)
    console.say_written(out)
    return USABLE


def options_of(given: Namespace) -> ReportOptions:
    """What is to be written beside the result, from lists such as "html,pdf".

    Raises
    ------
    InputError
        A format is unknown, or the report has none.
    """
    style = Path(given.style) if given.style else None
    formats = _words(given.format)
    if not formats:
        raise InputError(f"Expected formats out of {', '.join(DOCUMENTS)}; found {given.format!r}.")
    figures = _words(given.figures)
    return ReportOptions(formats=formats, figures=figures, width=given.width, style=style)


def _words(text: str) -> tuple[str, ...]:
    """The words between commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())
