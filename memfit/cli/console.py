"""What a command says: results on stdout; talk and the progress of long work on stderr, as asked for."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MOST_NAMED = 5


@dataclass(frozen=True)
class Console:
    """How talkative a command is."""

    quiet: bool = False
    verbose: bool = False

    def say(self, text: str) -> None:
        """Progress and whatever is worth knowing, unless --quiet.

        Parameters
        ----------
        text : str
            A line, without its end.
        """
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def say_written(self, out: Path) -> None:
        """What a command wrote into a folder, and what it left there.

        Parameters
        ----------
        out : Path
            The folder, after it was written.
        """
        from memfit.files import Listing, others, read_listing

        listing = read_listing(out) or Listing()
        self.say(f"Written to {out}: {', '.join(sorted({name.split('/')[0] for name in listing.files}))}")
        left = others(out)
        if left:
            more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
            named = f"{', '.join(left[:_MOST_NAMED])}{more}"
            self.say(f"Left there as it was, since no list says that memfit wrote it: {named}")

    def announce_compilation(self, indent: str = "") -> None:
        """The one wait after installation, if it is to come."""
        from memfit.model.transient import kernel_is_compiled

        if not kernel_is_compiled():
            self.say(
                f"{indent}The integrator is compiled now, once after installation; this takes about half a "
                "minute."
            )

    def detail(self, text: str) -> None:
        """What only -v shows.

        Parameters
        ----------
        text : str
            A line, without its end.
        """
        if self.verbose:
            print(text, file=sys.stderr, flush=True)

    def follow_log(self) -> None:
        """With -v, show what the rooms of memfit log while they work."""
        import logging

        log = logging.getLogger("memfit")
        log.handlers = [logging.StreamHandler(sys.stderr)] if self.verbose else []
        log.setLevel(logging.INFO if self.verbose else logging.WARNING)
        for handler in log.handlers:
            handler.setFormatter(logging.Formatter("  %(message)s"))


def print_json(data: Mapping[str, Any] | Sequence[Any]) -> None:
    """A result as JSON on stdout; NaN cannot be written.

    Parameters
    ----------
    data : mapping or sequence
        Plain data, as JSON has them.
    """
    import json

    print(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def columns(rows: Sequence[Sequence[str]], *, indent: str = "  ") -> str:
    """Rows of text in columns, flush left, two blanks between them.

    Parameters
    ----------
    rows : sequence of sequence of str
        All of one length.
    indent : str
        At the head of every line.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


_EVERY_SCREEN, _EVERY_LINE = 0.2, 10.0
"""Seconds between two messages: on a terminal, where one line is written over, and in a file."""


class Meter:
    """Tells the progress of one stage after the other.

    Parameters
    ----------
    quiet : bool
        Say nothing.
    clock : callable
        Seconds.
    """

    def __init__(self, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._quiet, self._clock = quiet, clock
        self._screen = sys.stderr.isatty()
        self._stage, self._began, self._first, self._shown = "", 0.0, 0, -float("inf")

    def __call__(self, what: str, done: int, total: int) -> None:
        """Note that so much of a stage is done."""
        now = self._clock()
        if what != self._stage:
            self._stage, self._began, self._first, self._shown = what, now, done, -float("inf")
        if self._quiet:
            return
        every = _EVERY_SCREEN if self._screen else _EVERY_LINE
        finished = done >= total
        if not finished and now - self._shown < every:
            return
        self._shown = now
        line = f"  {what}: {done} of {total}{self._left(now, done, total)}"
        if self._screen:
            print(f"\r{line:<60}", end="\n" if finished else "", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def _left(self, now: float, done: int, total: int) -> str:
        """Time left, from the time taken so far; or the time it took."""
        if done >= total:
            return f", {duration(now - self._began)}"
        if done <= self._first:
            return f" from an interrupted run, {total - done} left" if done else ""
        left = (now - self._began) * (total - done) / (done - self._first)
        return f", about {duration(left)} left"


def duration(seconds: float) -> str:
    """A time in words: "8 s", "3 min 20 s", "2 h 5 min".

    Parameters
    ----------
    seconds : float, s
        Rounded to whole ones; below zero counts as zero.
    """
    whole = max(round(seconds), 0)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
