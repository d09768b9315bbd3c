"""The root of the command line: understands the words, hands over, turns errors into exit codes.

0 a usable result; 1 a MemfitError, told in one line on stderr; 2 a mistake in usage (argparse);
3 the fit ended without a usable result; 130 interrupted.
"""

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from memfit.cli.parser import parse
from memfit.errors import MemfitError

_NEW_OBJECTS, _YOUNG, _OLD = 50_000, 20, 100
"""When cyclic garbage is looked for. A command lives for seconds and makes many small objects that stay: to
look as often as Python does by itself takes a seventh of the time of a report."""
USABLE, FAILED, NOT_USABLE, INTERRUPTED = 0, 1, 3, 130


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
    _write_any_letter()
    gc.set_threshold(_NEW_OBJECTS, _YOUNG, _OLD)
    given = parse(arguments)
    given.words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code: int = import_module(f"memfit.cli.{given.command}").run(given)
        sys.stdout.flush()
    except MemfitError as problem:
        print(f"memfit {given.command}: {_one_line(problem)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"memfit {given.command}: interrupted; no file is half-written.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of stdout, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return USABLE
    return code


def _one_line(problem: MemfitError) -> str:
    """The message without line breaks."""
    return " ".join(str(problem).split())


def _write_any_letter() -> None:
    """Where a terminal has no Ω, a question mark stands for it, instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
