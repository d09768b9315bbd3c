"""`memfit batch`: a folder of devices in; a result for each, an index and an overview out."""

import sys
import time
from argparse import Namespace
from dataclasses import dataclass

from memfit.batch.run import Progress
from memfit.batch.summary import BatchSummary
from memfit.cli.console import Console, columns, print_json
from memfit.cli.main import NOT_USABLE, USABLE
from memfit.cli.options import plan_changes
from memfit.model.transient import kernel_is_compiled
from memfit.reporting.numbers import quantity_digits
from memfit.reporting.text import CAUSES, STATUS_OF_FIT, counted
from memfit.workflow.batch import OVERVIEW_FILE, fit_many

_ON_TERMINAL, _IN_LOG = 0.2, 15.0
"""Seconds between two words on progress."""
_MOST_FAILURES = 20
_CLEAR = "\r\x1b[K"


def run(given: Namespace) -> int:
    """Fit what is not finished, index, tell."""
    console = Console(given.quiet, given.verbose)
    console.follow_log()
    if not kernel_is_compiled() and given.scheduler is None:
        console.say(
            "The integrator is compiled now, once after installation; this takes about half a minute."
        )
    meter = Meter(console)
    try:
        summary = fit_many(
            given.root,
            given.out,
            workers=given.workers,
            scheduler=given.scheduler,
            reports=given.reports,
            time_limit=given.time_limit,
            memory_limit=given.memory_limit,
            progress=meter.show,
            say=console.say,
            **plan_changes(given),
        )
    except BaseException:
        meter.stop()
        raise
    meter.finish()
    if given.json:
        print_json(summary.to_dict())
    else:
        print(summary_text(summary))
    for note in summary.notes:
        console.say(note)
    console.say(f"Written to {summary.out}: {OVERVIEW_FILE}, index.sqlite, devices/")
    return USABLE if summary.usable else NOT_USABLE


@dataclass
class Meter:
    """Progress on stderr: one line that changes on a terminal, now and then a line elsewhere."""

    console: Console
    shown: float = 0.0
    last: Progress | None = None

    def show(self, progress: Progress) -> None:
        """After each device."""
        self.last = progress
        if progress.last.state == "failed":
            self._write(f"{progress.last.key}: {progress.last.message}\n")
        pause = _ON_TERMINAL if sys.stderr.isatty() else _IN_LOG
        if time.monotonic() - self.shown >= pause:
            self.shown = time.monotonic()
            self._write(progress_text(progress) + ("" if sys.stderr.isatty() else "\n"))

    def finish(self) -> None:
        """The last state, once."""
        if self.last is not None:
            self._write(progress_text(self.last) + "\n")

    def stop(self) -> None:
        """What is finished when the command ends before its time."""
        if self.last is not None:
            finished = f"{self.last.done} of {counted(self.last.total, 'device')} are finished"
            self._write(f"{finished}; give the same command again to go on.\n")

    def _write(self, text: str) -> None:
        """To stderr, over the line that changes."""
        if not self.console.quiet:
            print(f"{_CLEAR if sys.stderr.isatty() else ''}{text}", end="", file=sys.stderr, flush=True)


def progress_text(progress: Progress) -> str:
    """How far, how fast, how long: "412 of 1000, 2.8 a second, 3 min 30 s left; 3 failed"."""
    parts = [f"{progress.done} of {counted(progress.total, 'device')}"]
    if progress.rate and progress.seconds_left is not None and progress.done < progress.total:
        parts.append(f"{quantity_digits(progress.rate, '1', 2)} a second")
        parts.append(f"{duration_text(progress.seconds_left)} left")
    tail = [
        f"{number} {word}"
        for number, word in ((progress.unchanged, "unchanged"), (progress.failed, "failed"))
        if number
    ]
    return ", ".join(parts) + (f"; {', '.join(tail)}" if tail else "")


def duration_text(seconds: float) -> str:
    """A duration to be read at a glance: "45 s", "3 min 30 s", "2 h 5 min"."""
    whole = max(round(seconds), 1)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def summary_text(summary: BatchSummary) -> str:
    """The end of a batch in words and columns."""
    parts = [
        f"{summary.usable} usable",
        f"{summary.fitted} fitted now",
        f"{summary.unchanged} unchanged",
        f"{len(summary.failures)} without a result",
    ]
    lines = [f"{counted(summary.devices, 'device')}: {', '.join(parts)}; {duration_text(summary.seconds)}"]
    rows = [(STATUS_OF_FIT.get(status, status), str(number)) for status, number in summary.statuses.items()]
    if rows:
        lines.append(columns(rows))
    if summary.failures:
        lines += ["without a result:", columns(_failures(summary))]
    return "\n".join(lines)


def _failures(summary: BatchSummary) -> list[tuple[str, str, str]]:
    """The first of the failures, and where to find the others."""
    rows = [(f.device, CAUSES.get(f.cause, f.cause), f.message) for f in summary.failures[:_MOST_FAILURES]]
    more = len(summary.failures) - len(rows)
    if more:
        rows.append(("...", "", f"and {more} more: memfit query {summary.out} 'state != \"fitted\"'"))
    return rows
