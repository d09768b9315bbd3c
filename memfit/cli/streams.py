"""Standard output and error as they may be: closed, full, or a pipe that nobody reads any more.

Results that cannot be written are an error; talk that cannot be written is left out.
"""

import os
import signal
import sys
import threading
from contextlib import suppress
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
