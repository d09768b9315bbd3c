"""Standard output and error as they may be: closed, full, or a pipe that nobody reads any more.

Results that cannot be written are an error; talk that cannot be written is left out.
"""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from memfit.errors import OutputError

TERMINATED = 143
"""Exit code of a command that was told to end."""


class ToldToEndError(KeyboardInterrupt):
    """The operating system, or a scheduler of jobs, wants the command to end: as if it was interrupted."""


def heed_termination() -> None:
    """End as after an interruption when told to, so that nothing half-written is left."""
    default = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if default and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)


def _end(*_: object) -> None:
    """What a signal does."""
    raise ToldToEndError


@contextmanager
def interruption() -> Iterator[Callable[[], str]]:
    """While this lasts, the first Ctrl-C is a reason to end, which the function gives; the next ends all."""
    reasons: list[str] = []

    def note(*_: object) -> None:
        if reasons:
            raise KeyboardInterrupt
        reasons.append("interrupted")
        tell("  Ending with the best so far; Ctrl-C again leaves at once.")

    if threading.current_thread() is not threading.main_thread():
        yield str
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: "".join(reasons)
    finally:
        signal.signal(signal.SIGINT, before)


def open_streams() -> None:
    """Have both: nowhere where they are closed; a question mark where a terminal has no Ω."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell: `>&-`
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the whole process
            setattr(sys, name, nowhere)
        reconfigure = getattr(getattr(sys, name), "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def flush_results() -> None:
    """Have the results on standard output.

    Raises
    ------
    OutputError
        It cannot be written.
    BrokenPipeError
        Nobody reads it.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        silence(sys.stdout)
        raise OutputError(f"The standard output cannot be written ({problem.strerror}).") from problem


def tell(text: str, end: str = "\n") -> None:
    """Talk, on standard error; in vain where that cannot be written.

    Parameters
    ----------
    text : str
    end : str
        What follows it.
    """
    with suppress(OSError, ValueError):
        print(text, end=end, file=sys.stderr, flush=True)


def silence(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere, so that Python can end without a complaint.

    Parameters
    ----------
    stream : text stream
    """
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def silence_full_streams() -> None:
    """The same for those that cannot be written."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            silence(stream)


_COLOURS = {"good": "32", "care": "33", "bad": "31", "plain": "1"}
"""Of a headline, by its tone: codes of ANSI terminals."""
_WIDTH, _NARROWEST, _WIDEST = 100, 40, 120


def text_width() -> int:
    """Letters of a line of text on standard output: those of the terminal, within reason."""
    if not _is_terminal():
        return _WIDTH
    return min(max(shutil.get_terminal_size((_WIDTH, 24)).columns - 1, _NARROWEST), _WIDEST)


def coloured(text: str, tone: str) -> str:
    """Text in the colour of its tone where a terminal shows colours (see no-color.org), else as it is.

    Parameters
    ----------
    text : str
    tone : {"good", "care", "bad", "plain"}
    """
    wanted = bool(os.environ.get("FORCE_COLOR")) or (_is_terminal() and os.environ.get("TERM") != "dumb")
    if not text or not wanted or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{_COLOURS[tone]}m{text}\033[0m"


def _is_terminal() -> bool:
    """Whether a person reads standard output."""
    return bool(sys.stdout is not None and sys.stdout.isatty())
