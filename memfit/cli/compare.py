"""`memfit compare`: many devices side by side, from the results of their fits."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from memfit.cli.console import Console, print_json
from memfit.cli.options import USABLE, Command, Parser, add_json, add_overwrite

if TYPE_CHECKING:
    from memfit.analysis.comparison import Comparison

_MOST_SAID = 20
"""Results left out that are told one by one."""


def _add_options(parser: Parser) -> None:
    parser.add_argument(
        "results",
        nargs="+",
        metavar="RESULT",
        help="result.json, the folder it is in, or a folder that holds such folders",
    )
    parser.add_argument("-o", "--out", metavar="OUT", help="folder for page, tables and figures")
    add_overwrite(parser)
    add_json(parser)


def _run(given: Namespace) -> int:
    """Read, compare, write, tell."""
    from memfit.files import check_free
    from memfit.workflow.comparison import compare, write_comparison

    console = Console(given.quiet, given.verbose)
    out = Path(given.out) if given.out is not None else None
    if out is not None:
        check_free(out, overwrite=given.overwrite)
    comparison = compare(list(given.results))
    _tell_left_out(console, comparison)
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
    from memfit.reporting.comparison.tables import pooled_table, ranking_table, trends_tables
    from memfit.reporting.content import counted

    parts = [f"{counted(len(comparison.devices), 'device')}"]
    parts += [
        "\n".join([f"{answer.question} {answer.headline}", *map(filled, answer.sentences)])
        for answer in answers(comparison)
    ]
    circuits = list(dict.fromkeys(one.circuit for one in comparison.ranking))
    tables = [ranking_table(comparison, circuit) for circuit in circuits[:1]]
    tables += [pooled_table("pooled", comparison.sample, comparison.pooled), *trends_tables(comparison)]
    return "\n\n".join([*parts, *(table_text(table) for table in tables if table.rows)])


def _tell_left_out(console: Console, comparison: "Comparison") -> None:
    """What takes no part, on stderr: results one by one, parameters with -v."""
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


COMPARE = Command(
    summary="Compare devices: which differ, what drives it, which will spike.",
    details="Writes comparison.html, the tables as CSV and as sheets of comparison.xlsx, comparison.json "
    "and\nfigures. What cannot be read is named and left out, as long as two devices remain. Areas,\n"
    "temperatures and attributes of device.toml are looked at for trends.",
    add_options=_add_options,
    run=_run,
)
