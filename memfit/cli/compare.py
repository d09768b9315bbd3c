"""`memfit compare`: many devices side by side, from the results of their fits."""

from argparse import Namespace
from pathlib import Path

from memfit.analysis.comparison import Comparison
from memfit.cli.console import Console, print_json
from memfit.cli.main import USABLE
from memfit.cli.text_output import filled, table_text
from memfit.files import check_free
from memfit.reporting.comparison.page import answers
from memfit.reporting.comparison.tables import pooled_table, ranking_table, trends_tables
from memfit.reporting.text import counted
from memfit.workflow.comparison import compare, write_comparison

_MOST_SAID = 20
"""Results left out that are told one by one."""


def run(given: Namespace) -> int:
    """Read, compare, write, tell."""
    console = Console(given.quiet, given.verbose)
    out = Path(given.out) if given.out is not None else None
    if out is not None:
        check_free(out, overwrite=given.overwrite)
    found = compare(list(given.results))
    _tell_left_out(console, found)
    if out is not None:
        write_comparison(found, out, overwrite=given.overwrite)
    if given.json:
        print_json(found.to_dict())
    else:
        print(comparison_text(found))
    if out is not None:
        console.say_written(out)
    return USABLE


def comparison_text(found: Comparison) -> str:
    """The three answers, then the ranking, the spreads and the trends, for a terminal."""
    parts = [f"{counted(len(found.devices), 'device')}"]
    parts += [
        "\n".join([f"{answer.question} {answer.headline}", *map(filled, answer.sentences)])
        for answer in answers(found)
    ]
    circuits = list(dict.fromkeys(one.circuit for one in found.ranking))
    tables = [ranking_table(found, circuit) for circuit in circuits[:1]]
    tables += [pooled_table("pooled", found.sample, found.pooled), *trends_tables(found)]
    return "\n\n".join([*parts, *(table_text(table) for table in tables if table.rows)])


def _tell_left_out(console: Console, found: Comparison) -> None:
    """What takes no part, on stderr: results one by one, parameters with -v."""
    whole = [one for one in found.omitted if not one.what]
    for one in whole[:_MOST_SAID]:
        console.say(f"Left out: {one.label}: {one.reason}.")
    if len(whole) > _MOST_SAID:
        console.say(f"Left out: {len(whole) - _MOST_SAID} more.")
    for note in (*found.notes, *found.confounded)[:_MOST_SAID]:
        console.say(note)
    for one in found.omitted:
        if one.what:
            console.detail(f"Left out: {one.label}, {one.what}: {one.reason}.")
