"""Many devices: `memfit batch` fits them, `memfit index` and `memfit query` look at the results."""

import sys
import time
from argparse import BooleanOptionalAction, Namespace
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from memfit.cli.console import (
    NOT_USABLE,
    USABLE,
    Command,
    Console,
    Parser,
    add_json,
    columns,
    duration,
    print_json,
    whole,
)
from memfit.cli.merit_options import add_conditions, add_merits, conditions_of, merit_names
from memfit.cli.plan_options import add_plan, plan_changes
from memfit.cli.streams import tell

if TYPE_CHECKING:
    from memfit.batch.run import BatchSummary, Progress

_ON_TERMINAL, _IN_LOG = 0.2, 15.0
"""Seconds between two words on progress."""
_MOST_FAILURES = 20
_CLEAR = "\r\x1b[K"
_ALWAYS = ("folder", "device", "status", "gain_margin_min", "probability_oscillates")
"""Columns that every answer to a query shows."""


_BATCH_DETAILS = """\
OUT/devices/ gets a folder for each device, as `memfit fit` makes it; OUT/ gets
index.sqlite and overview.html. The command can be given again at any time: a
device is fitted only if its files or the settings changed, or if it has no
result yet. A device that cannot be fitted costs nothing but itself.

Reports take about 2 s and 3 MB each: for thousands of devices, --no-reports.
They can be added later by giving the command again with --reports.
"""

_QUERY_DETAILS = """\
  memfit query OUT 'gain_margin_min < 1 and area > "1 mm^2"'
  memfit query OUT 'R_b > "10 kohm" and tau_d_status == "determined"'
  memfit query OUT 'batch == "7" and not usable' --json
  memfit query OUT 'on_off > 3 and V_set < "0.7 V"' --merit on_off,V_set
  memfit compare $(memfit query OUT 'status == "ok"' --paths) -o compared

EXPRESSION has comparisons (< <= > >= == != in, not in, is None), and, or, not,
+ - * / **, abs, log10, sqrt and contains(device, "7B"). Numbers are SI; a text
may carry a unit. What is not determined fulfils no comparison.

names of EXPRESSION:
{estimates}
{stability}
    under current control; with voltage_ in front under voltage control
{merits}
  status usable chi2_reduced points records model seconds message
    state (fitted, failed, unreadable) and cause (input, time, memory, died, ...)
  device folder area temperature and every attribute of device.toml;
    attributes["any name"] where the name is no plain word or is taken
"""


def _add_batch_options(parser: Parser) -> None:
    parser.add_argument(
        "root", metavar="ROOT", help="folder that holds a folder for each device, at any depth"
    )
    parser.add_argument("-o", "--out", metavar="OUT", required=True, help="folder for the results")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=whole(1), metavar="N", help="processes on this machine; default: one a core"
    )
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="a dask scheduler to use instead, as in tcp://10.0.0.1:8786"
    )
    parser.add_argument(
        "--reports",
        action=BooleanOptionalAction,
        default=True,
        help="a report for each device; default: yes",
    )
    parser.add_argument(
        "--time-limit", default="10 min", metavar="TIME", help='of each device; default "10 min"; or none'
    )
    parser.add_argument(
        "--memory-limit", default="2 GB", metavar="SIZE", help='of each device; default "2 GB"; or none'
    )
    add_plan(parser)
    add_merits(parser)
    add_conditions(parser)
    add_json(parser)


def _run_batch(given: Namespace) -> int:
    """Fit what is not finished, index, tell."""
    from memfit.analysis.figures_of_merit.conditions import Conditions
    from memfit.workflow.batch import OVERVIEW_FILE, fit_many

    conditions = conditions_of(given)
    console = Console(given.quiet, given.verbose)
    console.follow_log()
    if given.scheduler is None:
        console.announce_compilation()
    meter = BatchMeter(console)
    try:
        summary = fit_many(
            given.root,
            given.out,
            workers=given.workers,
            scheduler=given.scheduler,
            reports=given.reports,
            merits=merit_names(given),
            conditions=conditions if conditions != Conditions() else None,
            time_limit=given.time_limit,
            memory_limit=given.memory_limit,
            progress=meter.show,
            say=console.say,
            **plan_changes(given),
        )
    except BaseException:
        meter.finish(whole=False)
        raise
    meter.finish()
    if given.json:
        print_json(summary.to_dict())
    else:
        print(_summary_text(summary))
    for note in summary.notes:
        console.say(note)
    console.say(f"Written to {summary.out}: {OVERVIEW_FILE}, index.sqlite, devices/")
    return USABLE if summary.usable else NOT_USABLE


class BatchMeter:
    """Progress on stderr: one line that changes on a terminal, now and then a line elsewhere."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.shown = 0.0
        self.last: Progress | None = None

    def show(self, progress: "Progress") -> None:
        """After each device.

        Parameters
        ----------
        progress : Progress
            After the device that ended last.
        """
        self.last = progress
        if progress.last.state == "failed":
            self._write(f"{progress.last.key}: {progress.last.message}\n")
        terminal = sys.stderr.isatty()
        if time.monotonic() - self.shown >= (_ON_TERMINAL if terminal else _IN_LOG):
            self.shown = time.monotonic()
            self._write(_progress_text(progress) + ("" if terminal else "\n"))

    def finish(self, *, whole: bool = True) -> None:
        """The last state, once; what is finished, where the command ends before its time.

        Parameters
        ----------
        whole : bool
            Whether all is done.
        """
        from memfit.reporting.content import counted

        if self.last is None:
            return
        finished = f"{self.last.done} of {counted(self.last.total, 'device')} are finished"
        again = f"{finished}; give the same command again to go on."
        self._write((_progress_text(self.last) if whole else again) + "\n")

    def _write(self, text: str) -> None:
        """To stderr, over the line that changes."""
        if not self.console.quiet:
            tell(f"{_CLEAR if sys.stderr.isatty() else ''}{text}", end="")


def _progress_text(progress: "Progress") -> str:
    """How far, how fast, how long: "412 of 1000, 2.8 a second, 3 min 30 s left; 3 failed"."""
    from memfit.reporting.content import counted
    from memfit.reporting.numbers import quantity_digits

    parts = [f"{progress.done} of {counted(progress.total, 'device')}"]
    if progress.rate and progress.seconds_left is not None and progress.done < progress.total:
        parts.append(f"{quantity_digits(progress.rate, '1', 2)} a second")
        parts.append(f"{duration(max(progress.seconds_left, 1.0))} left")
    counts = {"unchanged": progress.unchanged, "failed": progress.failed}
    tail = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    return ", ".join(parts) + (f"; {tail}" if tail else "")


def _summary_text(summary: "BatchSummary") -> str:
    """The end of a batch in words and columns; of the failures the first, and where to find the others."""
    from memfit.reporting.content import CAUSES, STATUS_OF_FIT, counted

    head = (
        f"{counted(summary.devices, 'device')}: {summary.usable} usable, {summary.fitted} fitted now, "
        f"{summary.unchanged} unchanged, {len(summary.failures)} without a result; "
    )
    lines = [head + duration(max(summary.seconds, 1.0))]
    rows = [(STATUS_OF_FIT.get(status, status), str(number)) for status, number in summary.statuses.items()]
    if rows:
        lines.append(columns(rows))
    if summary.failures:
        first = summary.failures[:_MOST_FAILURES]
        failures = [(f.device, CAUSES.get(f.cause, f.cause), f.message) for f in first]
        more = len(summary.failures) - len(first)
        if more:
            failures.append(("...", "", f"and {more} more: memfit query {summary.out} 'state != \"fitted\"'"))
        lines += ["without a result:", columns(failures)]
    return "\n".join(lines)


def _add_index_options(parser: Parser) -> None:
    parser.add_argument("out", metavar="OUT", help="output of `memfit batch`, or any folder of results")


def _run_index(given: Namespace) -> int:
    """Read, write, tell."""
    from memfit.batch.store import build_index
    from memfit.reporting.content import counted

    console = Console(given.quiet, given.verbose)
    indexed = build_index(Path(given.out))
    for sentence in (*indexed.unreadable, *indexed.edited):
        console.say(sentence)
    console.detail(f"{indexed.read} read now, {indexed.rows - indexed.read} known from the index before.")
    console.say(f"{counted(indexed.rows, 'result')} in {indexed.path}")
    return USABLE


def _add_query_options(parser: Parser) -> None:
    parser.add_argument("out", metavar="OUT", help="output of `memfit batch`, or any folder with an index")
    parser.add_argument(
        "expression", metavar="EXPRESSION", nargs="?", default="", help="default: all devices"
    )
    form = parser.add_mutually_exclusive_group()
    add_json(form)
    add_merits(parser)
    form.add_argument("--paths", action="store_true", help="print the result folders, one a line")


def _query_details() -> str:
    """What an expression may say; the names of parameters and derived quantities are those of the tables."""
    from memfit.batch.columns import CONDITIONS, ESTIMATES, MERITS, STABILITY

    estimates = (
        f"{' '.join(ESTIMATES)}, each also with _stderr, _low and _high (95 % interval) and _status "
        "(determined, weak, ...)"
    )
    merits = (
        f"{' '.join(MERITS)}: figures of merit as predicted, each also with _stderr, _low and _high, "
        f"_measured and _measured_stderr; {' '.join(f'at_{name}' for name in CONDITIONS)}"
    )
    names = {"estimates": estimates, "stability": " ".join(STABILITY), "merits": merits}
    filled = {
        key: fill(text, 81, initial_indent="  ", subsequent_indent="    ") for key, text in names.items()
    }
    return _QUERY_DETAILS.format(**filled)


def _run_query(given: Namespace) -> int:
    """Ask, print."""
    from memfit.analysis.figures_of_merit.rows import chosen
    from memfit.batch.columns import flat_row
    from memfit.batch.store import select
    from memfit.reporting.content import counted

    console = Console(given.quiet, given.verbose)
    out = Path(given.out)
    rows, names = select(out, given.expression)
    if given.json:
        print_json([flat_row(row) for row in rows])
    elif given.paths:
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:  # a path is the bytes that the file system has
            reconfigure(errors="surrogateescape")
        for row in rows:
            print(out / row["folder"])
    elif rows:
        merits = [row.name for row in chosen(merit_names(given))]
        merits = [name for name in merits if any(row[name] is not None for row in rows)]
        shown = list(dict.fromkeys((*_ALWAYS, *merits, *names)))
        flat = [flat_row(row) for row in rows]
        table = [tuple(shown), *(tuple(_cell(name, row.get(name)) for name in shown) for row in flat)]
        print(columns(table, indent=""))
    console.say(f"{counted(len(rows), 'device')}.")
    return USABLE


def _cell(name: str, value: object) -> str:
    """A value with its unit."""
    from memfit.batch.columns import COLUMNS
    from memfit.reporting.numbers import MISSING, percent, quantity_digits
    from memfit.units import DIMENSIONS

    if value is None or value == "":
        return MISSING
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value) if not isinstance(value, bool) else ("yes" if value else "no")
    if "probability" in name:
        return percent(value)
    dimension = COLUMNS[name].dimension if name in COLUMNS else ""
    return quantity_digits(value, DIMENSIONS[dimension][1] if dimension else "1", 4)


BATCH = Command(
    summary="Fit every device under a folder.",
    details=_BATCH_DETAILS,
    add_options=_add_batch_options,
    run=_run_batch,
)
INDEX = Command(
    summary="Make the index of results again.",
    details="OUT/index.sqlite is made from the results under OUT, which stay as they are.",
    add_options=_add_index_options,
    run=_run_index,
)
QUERY = Command(
    summary="List devices for which an expression holds.",
    details=_query_details,
    add_options=_add_query_options,
    run=_run_query,
)
