"""What is made of stored results.

`memfit report` writes the report of one again, `memfit plan` says what to measure next, `memfit compare` sets
many devices side by side.
"""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from memfit.cli.console import (
    USABLE,
    Command,
    Console,
    Parser,
    add_data,
    add_json,
    add_look,
    add_overwrite,
    add_result,
    print_json,
)
from memfit.cli.merit_options import add_conditions, add_merits, conditions_of, merit_names
from memfit.errors import InputError

if TYPE_CHECKING:
    from memfit.analysis.comparison import Comparison
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
    edited = console.warn_of_edits(result)
    plan = plan_next(result, device)
    if given.json:
        print_json({**plan.to_dict(), **edited})
    else:
        print(report_text(plan_report(plan, result)))
    values = ", ".join(f"{name} = {value:.4g}" for name, value in plan.values.items())
    if values:
        console.detail(f"Forecasts rest on {values} (SI), where the fit ended.")
    return USABLE


_MOST_SAID = 20
"""Results left out that are told one by one."""


def _add_compare_options(parser: Parser) -> None:
    parser.add_argument(
        "results",
        nargs="+",
        metavar="RESULT",
        help="result.json, the folder it is in, or a folder that holds such folders",
    )
    parser.add_argument("-o", "--out", metavar="OUT", help="folder for page, tables and figures")
    add_merits(parser)
    add_conditions(parser)
    add_overwrite(parser)
    add_json(parser)


def _compare(given: Namespace) -> int:
    """Read, compare, say what takes no part, write, tell."""
    from memfit.files import check_free
    from memfit.workflow.comparison import compare, write_comparison

    console = Console(given.quiet, given.verbose)
    out = Path(given.out) if given.out is not None else None
    if out is not None:
        check_free(out, overwrite=given.overwrite)
    comparison = compare(list(given.results), merits=merit_names(given), conditions=conditions_of(given))
    whole = [one for one in comparison.omitted if not one.what]
    for one in whole[:_MOST_SAID]:
        console.say(f"Left out: {one.label}: {one.reason}.")
    if len(whole) > _MOST_SAID:
        console.say(f"Left out: {len(whole) - _MOST_SAID} more.")
    for note in (*comparison.notes, *comparison.confounded)[:_MOST_SAID]:
        console.say(note)
    for one in comparison.omitted:
        if one.what:
            console.detail(f"Left out: {one.label}, {one.what}: {one.reason}.")
    if out is not None:
        write_comparison(comparison, out, overwrite=given.overwrite)
    if given.json:
        print_json(comparison.to_dict())
    else:
        print(_comparison_text(comparison))
    if out is not None:
        console.say_written(out)
    return USABLE


def _comparison_text(comparison: "Comparison") -> str:
    """The three answers, then the ranking, the spreads and the trends, for a terminal."""
    from memfit.cli.text_output import filled, table_text
    from memfit.reporting.comparison.page import answers
    from memfit.reporting.comparison.tables import merits_table, pooled_table, ranking_table, trends_tables
    from memfit.reporting.content import counted

    parts = [counted(len(comparison.devices), "device")]
    parts += [
        "\n".join([f"{answer.question} {answer.headline}", *map(filled, answer.sentences)])
        for answer in answers(comparison)
    ]
    circuits = list(dict.fromkeys(one.circuit for one in comparison.ranking))
    tables = [ranking_table(comparison, circuit) for circuit in circuits[:1]]
    tables += [pooled_table("pooled", comparison.sample, comparison.pooled), *trends_tables(comparison)]
    merits = merits_table(comparison)
    tables += [merits] if merits is not None else []
    return "\n\n".join([*parts, *(table_text(table) for table in tables if table.rows)])


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
COMPARE = Command(
    summary="Compare devices: which differ, what drives it, which will spike.",
    details="Writes comparison.html, the tables as CSV and as sheets of comparison.xlsx, comparison.json "
    "and\nfigures. What cannot be read is named and left out, as long as two devices remain. Areas,\n"
    "temperatures and attributes of device.toml are looked at for trends.",
    add_options=_add_compare_options,
    run=_compare,
)
