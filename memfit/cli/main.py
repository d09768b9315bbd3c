"""The root of the command line: understands the words, hands over, turns errors into exit codes.

0 a usable result; 1 a MemfitError, told in one line on stderr; 2 a mistake in usage (argparse);
3 the fit ended without a usable result; 130 interrupted, 143 told to end.
"""

import argparse
import gc
import sys
import traceback
from collections.abc import Sequence

from memfit import __version__
from memfit.cli import app, batch, completion, datasheet, fit, init, inspect, report, simulate, stability
from memfit.cli.console import FAILED, INTERRUPTED, USABLE, Command, Parser
from memfit.cli.streams import (
    TERMINATED,
    ToldToEndError,
    flush_results,
    heed_termination,
    open_streams,
    silence,
    silence_full_streams,
    tell,
)
from memfit.errors import MemfitError, meant
from memfit.files import is_draft

_NEW_OBJECTS, _YOUNG, _OLD = 50_000, 20, 100
"""When cyclic garbage is looked for. A command lives for seconds and makes many small objects that stay: to
look as often as Python does by itself takes a seventh of the time of a report."""

_MOST_SAID = 300
"""Letters of the message of an unforeseen error."""

COMMANDS: dict[str, Command] = {
    "fit": fit.FIT,
    "init": init.INIT,
    "inspect": inspect.INSPECT,
    "convert": inspect.CONVERT,
    "simulate": simulate.SIMULATE,
    "stability": stability.STABILITY,
    "report": report.REPORT,
    "datasheet": datasheet.DATASHEET,
    "batch": batch.BATCH,
    "index": batch.INDEX,
    "query": batch.QUERY,
    "compare": report.COMPARE,
    "plan": report.PLAN,
    "completion": completion.COMPLETION,
    "app": app.APP,
}

_DESCRIPTION = """\
Fit a halide-perovskite memristor model jointly to impedance spectra, I-V sweeps and pulses, and say how near
the device is to self-sustained oscillation."""

_EPILOG = """\
exit codes: 0 usable result; 1 an input or output cannot be used (one line says why); 2 usage; 3 the fit ended
without a usable result; 130 interrupted.

memfit COMMAND --help tells more of each."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        The exit code.
    """
    open_streams()
    gc.set_threshold(_NEW_OBJECTS, _YOUNG, _OLD)
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        given = parse(words)
        given.words = words
        given.whole_parser = lambda: build_parser()[0]
        return _run(given)
    except BrokenPipeError:  # the reader of stdout, such as `head`, has seen enough
        silence(sys.stdout)
        return USABLE
    finally:
        silence_full_streams()


def _run(given: argparse.Namespace) -> int:
    """Do a command; an error is a line on stderr and an exit code."""
    try:
        heed_termination()
        code = COMMANDS[given.command].run(given)
        flush_results()
    except MemfitError as problem:
        tell(f"memfit {given.command}: {' '.join(str(problem).split())}")
        return FAILED
    except KeyboardInterrupt as end:
        tell(f"memfit {given.command}: interrupted; no file is half-written.")
        return TERMINATED if isinstance(end, ToldToEndError) else INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as problem:
        tell(f"memfit {given.command}: {_unforeseen(problem)}")
        if given.verbose:
            tell(traceback.format_exc())
        return FAILED
    return code


def _unforeseen(problem: Exception) -> str:
    """A sentence for what no room of memfit foresaw: an operating system that refuses, or a fault in here."""
    if isinstance(problem, OSError) and problem.errno is not None:
        name = problem.filename if isinstance(problem.filename, str) else ""
        if not name or is_draft(name):  # a name that nobody but memfit knows
            return f"the output cannot be written ({problem.strerror}). Make room, or choose another place."
        return f"{name}: {problem.strerror}. Look at the name, the permissions and the space on the disk."
    if isinstance(problem, MemoryError):
        return "there is not enough memory."
    said = " ".join(f"{type(problem).__name__}: {problem}".split())[:_MOST_SAID]
    return f"memfit itself stumbled ({said}). No file is half-written; -v shows where. Please report it."


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The words of a command line, understood; mistakes in usage end the program.

    Parameters
    ----------
    words : sequence of str
        Without the name of the program.
    """
    parser, commands = build_parser(next((word for word in words if word in COMMANDS), ""))
    if words and not words[0].startswith("-") and words[0] not in commands:
        parser.error(f"unknown command {words[0]!r}; {meant(words[0], list(commands))}")
    given, unknown = parser.parse_known_args(words)
    commands[given.command].refuse_unknown(unknown)
    COMMANDS[given.command].check(commands[given.command], given)
    return given


def build_parser(wanted: str | None = None) -> tuple[Parser, dict[str, Parser]]:
    """The parser of `memfit`, and those of its commands by name.

    Parameters
    ----------
    wanted : str, optional
        Only this command gets its options, which takes a part of the time; by default all do.
    """
    parser = Parser(prog="memfit", usage="memfit [-h] [--version] COMMAND ...")
    parser.add_argument("--version", action="version", version=f"memfit {__version__}")
    added = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", prog="memfit", help=argparse.SUPPRESS
    )
    for name, command in COMMANDS.items():
        one = added.add_parser(name, description=command.summary, details=command.details)
        talk = one.add_mutually_exclusive_group()
        talk.add_argument("--quiet", action="store_true", help="say nothing on stderr but errors")
        talk.add_argument("-v", "--verbose", action="store_true", help="say more")
        if wanted in (None, name):
            command.add_options(one)
    listed = "\n".join(f"  {name:11}{command.summary}" for name, command in COMMANDS.items())
    parser.description = f"{_DESCRIPTION}\n\ncommands:\n{listed}"
    parser.epilog = _EPILOG
    return parser, dict(added.choices)
