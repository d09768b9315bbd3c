"""What commands have in common: their options and mistakes in usage; results, talk and progress of work.

Results go to stdout; talk and the progress of long work to stderr, as asked for.
"""

import argparse
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias

from memfit.cli.streams import tell
from memfit.errors import UnitError, meant

if TYPE_CHECKING:
    from memfit.fitting import FitResult

USABLE, FAILED, NOT_USABLE, INTERRUPTED = 0, 1, 3, 130
"""Exit codes; argparse has 2 for mistakes in usage."""

Group: TypeAlias = argparse._ActionsContainer


class Parser(argparse.ArgumentParser):
    """A parser that tells a mistake in one line.

    Parameters
    ----------
    details : str or callable
        What stands below the options; a callable makes it only when it is asked for.
    """

    def __init__(self, details: str | Callable[[], str] = "", **settings: Any) -> None:
        layout = partial(argparse.RawDescriptionHelpFormatter, max_help_position=30)
        super().__init__(**{"formatter_class": layout, **settings})
        self._details = details

        for kind in (None, "store"):
            self.register("action", kind, _Once)

    def format_help(self) -> str:
        """The whole help."""
        if self._details:
            self.epilog = self._details if isinstance(self._details, str) else self._details()
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """End the program with what was expected, what was found and where more is said."""
        end = "" if message.endswith(("?", ".")) else ";"
        self.exit(2, f"{self.prog}: {message}{end} `{self.prog} --help` tells more.\n")

    def refuse_unknown(self, words: Sequence[str]) -> None:
        """End the program if words are left over that no option and no argument takes.

        Parameters
        ----------
        words : sequence of str
            What `parse_known_args` left over.
        """
        known = [word for action in self._actions for word in action.option_strings]
        for word in words:
            name = word.partition("=")[0]
            if name.startswith("-"):
                options = [option for option in known if option.startswith("--")]
                self.error(f"unknown option {name!r}; {meant(name, options, 'there is none like it.')}")
        if words:
            self.error(f"{words[0]!r} is one word too many; texts with blanks need quotes")


class _Once(argparse._StoreAction):
    """An option that is given once: of two values one would be lost without a word."""

    def __call__(
        self, parser: Any, namespace: Namespace, values: Any, option_string: str | None = None
    ) -> None:
        """Keep the value, and that it was given."""
        seen: frozenset[str] = getattr(namespace, "once", frozenset())
        if option_string is not None and self.dest in seen:
            raise argparse.ArgumentError(self, "given twice; once is enough")
        namespace.once = seen | {self.dest}
        super().__call__(parser, namespace, values, option_string)


class Command(NamedTuple):
    """A command of `memfit`."""

    summary: str
    """A line of `memfit --help`."""
    details: str | Callable[[], str]
    """What stands below its options."""
    add_options: Callable[[Parser], None]
    run: Callable[[Namespace], int]
    """Does it; returns the exit code."""
    check: Callable[[Parser, Namespace], None] = lambda parser, given: None  # noqa: ARG005 - nothing to check
    """Ends the program where options do not go together."""


def add_json(parser: Group) -> None:
    """The result for programs."""
    parser.add_argument(
        "--json", action="store_true", help="print the result as JSON, and nothing else, on stdout"
    )


def add_overwrite(parser: Group) -> None:
    """Leave to write where something is."""
    parser.add_argument("--overwrite", action="store_true", help="replace files that are already there")


def add_files(parser: Group) -> None:
    """Measurements that need not be of one device."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="measurement files, or a device folder")


def add_result(parser: Group) -> None:
    """One stored fit."""
    parser.add_argument("result", metavar="RESULT", help="result.json, or the folder it is in")


def add_data(parser: Group, summary: str) -> None:
    """Where the measurements of a stored fit are."""
    parser.add_argument("--data", nargs="+", metavar="PATH", help=summary)


def add_look(parser: Group) -> None:
    """How a report and its figures are written."""
    parser.add_argument(
        "--format", default="html", metavar="LIST", help="of the report: html,pdf,md,tex,csv; default html"
    )
    parser.add_argument(
        "--figures", default="svg", metavar="LIST", help="of the figures beside it: svg,pdf,png; default svg"
    )
    parser.add_argument(
        "--width",
        choices=("single", "double"),
        default="single",
        help="of the figures: a journal's column (8.5 cm) or page (17.5 cm)",
    )
    parser.add_argument("--style", metavar="FILE", help="matplotlib style laid over memfit's own")


def names_listed(text: str) -> tuple[str, ...]:
    """The `type` of an argument that is a list of names with commas between them.

    Parameters
    ----------
    text : str
    """
    return tuple(name.strip() for name in text.split(",") if name.strip())


def whole(least: int) -> Callable[[str], int]:
    """The `type` of an argument that is a whole number.

    Parameters
    ----------
    least : int
        The smallest number that is taken.
    """

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, found {text!r}")
        return number

    return read


def option_quantity(option: str, text: str, dimension: str) -> float:
    """A quantity in SI units.

    Parameters
    ----------
    option : str
        As the user knows it, such as "--load".
    text : str
        With its unit, or an SI number.
    dimension : str
        A key of `memfit.units.DIMENSIONS`.

    Raises
    ------
    UnitError
        It cannot be read.
    """
    from memfit.units import parse_quantity

    try:
        return parse_quantity(text, dimension)
    except UnitError as problem:
        said = str(problem)
        raise UnitError(f"{option}: {said[:1].lower()}{said[1:]}") from problem


_MOST_NAMED = 5


class Console(NamedTuple):
    """How talkative a command is."""

    quiet: bool = False
    verbose: bool = False

    def say(self, text: str) -> None:
        """Whatever is worth knowing, unless --quiet.

        Parameters
        ----------
        text : str
            A line, without its end.
        """
        if not self.quiet:
            tell(text)

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

    def warn_of_edits(self, result: "FitResult") -> dict[str, list[str]]:
        """Say that a stored result was edited since it was written, if it was.

        Parameters
        ----------
        result : FitResult
            As it was read.

        Returns
        -------
        dict
            The same for output as JSON: {"warnings": [...]}, or nothing.
        """
        from memfit.fitting import EDITED

        if EDITED not in result.warnings:
            return {}
        self.say(EDITED)
        return {"warnings": [EDITED]}

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
            tell(text)

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
        if finished:
            left = f", {duration(now - self._began)}"
        elif done <= self._first:
            left = f" from an interrupted run, {total - done} left" if done else ""
        else:
            seconds = (now - self._began) * (total - done) / (done - self._first)
            left = f", about {duration(seconds)} left"
        line = f"  {what}: {done} of {total}{left}"
        if self._screen:
            tell(f"\r{line:<60}", end="\n" if finished else "")
        else:
            tell(line)


def duration(seconds: float) -> str:
    """A time in words: "8 s", "3 min 20 s", "2 h 5 min".

    Parameters
    ----------
    seconds : float, s
        Rounded to whole ones; below zero counts as zero.
    """
    minutes, rest = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
