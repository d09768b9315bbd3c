"""Of a stored result: `memfit report` writes its report again, `memfit plan` says what to measure next."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from memfit.cli.console import Console, print_json
from memfit.cli.options import (
    USABLE,
    Command,
    Parser,
    add_data,
    add_json,
    add_look,
    add_overwrite,
    add_result,
)
from memfit.errors import InputError

if TYPE_CHECKING:
    from memfit.reporting.content import ReportOptions


def _add_report_options(parser: Parser) -> None:
    add_result(parser)
    parser.add_argument("-o", "--out", metavar="OUT", help="folder; default: that of the result")
    add_data(parser, "the measurements, if elsewhere")
    add_look(parser)
    add_overwrite(parser)


def _report(given: Namespace) -> int:
    """Read, look for the data, draw, write."""
    from memfit.workflow.reports import remake_report

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


def options_of(given: Namespace) -> "ReportOptions":
    """What is to be written beside the result, from lists such as "html,pdf".

    Parameters
    ----------
    given : Namespace
        Parsed arguments with `format`, `figures`, `width` and `style`.

    Raises
    ------
    InputError
        A format is unknown, or the report has none.
    """
    from memfit.reporting.content import DOCUMENTS, ReportOptions

    formats, figures = (
        tuple(word.strip() for word in text.split(",") if word.strip())
        for text in (given.format, given.figures)
    )
    if not formats:
        raise InputError(f"Expected formats out of {', '.join(DOCUMENTS)}; found {given.format!r}.")
    style = Path(given.style) if given.style else None
    return ReportOptions(formats=formats, figures=figures, width=given.width, style=style)


def _add_plan_options(parser: Parser) -> None:
    add_result(parser)
    add_data(parser, "the measurements of the fit; for results of older versions")
    add_json(parser)


def _plan(given: Namespace) -> int:
    """Read, simulate, tell."""
    from memfit.cli.text_output import report_text
    from memfit.reporting.fit.intervals import plan_report
    from memfit.workflow.reading import load, read_result
    from memfit.workflow.stability import plan_next

    console = Console(given.quiet, given.verbose)
    result = read_result(Path(given.result))
    device = load([Path(path) for path in given.data]) if given.data else None
    plan = plan_next(result, device)
    if given.json:
        print_json(plan.to_dict())
    else:
        print(report_text(plan_report(result, plan)))
    values = ", ".join(f"{name} = {value:.4g}" for name, value in plan.values.items())
    console.detail(f"Forecasts rest on {values} (SI), where the fit ended.")
    return USABLE


REPORT = Command(
    summary="Write the report of a stored result again.",
    details="Nothing is fitted. The measurements are looked for where the result says, then next to it; "
    "what is\ngone or has changed is left out of the report and named.",
    add_options=_add_report_options,
    run=_report,
)
PLAN = Command(
    summary="Say what to measure next, and what it would buy.",
    details="Other biases, frequencies, scan rates and pulses are simulated with the noise of this\n"
    "fit; listed is what each would leave of the intervals, the best first.",
    add_options=_add_plan_options,
    run=_plan,
)
