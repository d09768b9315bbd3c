"""`memfit report`: the report of a stored result, with its curves where the data are at hand."""

from argparse import Namespace
from pathlib import Path

from memfit.cli.console import Console
from memfit.cli.main import USABLE
from memfit.errors import InputError
from memfit.reporting.options import DOCUMENTS, Edition, Look
from memfit.workflow.reports import remake_report


def run(given: Namespace) -> int:
    """Read, look for the data, draw, write."""
    console = Console(given.quiet, given.verbose)
    edition = edition_of(given)
    out, notes = remake_report(
        given.result,
        given.out,
        given.data or (),
        formats=edition.formats,
        look=edition.look,
        overwrite=given.overwrite,
    )
    for note in notes:
        console.say(note)
    console.say_written(out)
    return USABLE


def edition_of(given: Namespace) -> Edition:
    """What is to be written beside the result, from lists such as "html,pdf".

    Raises
    ------
    InputError
        A format is unknown, or the report has none.
    """
    style = Path(given.style) if given.style else None
    look = Look(figures=_words(given.figures), width=given.width, style=style)
    formats = _words(given.format)
    if not formats:
        raise InputError(f"Expected formats out of {', '.join(DOCUMENTS)}; found {given.format!r}.")
    return Edition(formats=formats, look=look)


def _words(text: str) -> tuple[str, ...]:
    """The words between commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())
