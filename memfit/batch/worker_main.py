"""The process that fits: takes jobs from its standard input, gives answers on its standard output.

Messages are pickles with their length in front. What libraries print goes to standard error. When the
input ends, because whoever started it is gone, it ends too, also in the middle of a fit; should compiled
code hold it up then, an alarm of the operating system ends it.
"""

import faulthandler
import os
import pickle
import queue
import signal
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

_HEAD = struct.Struct(">Q")


def write_message(stream: BinaryIO, content: bytes) -> None:
    """Send one message."""
    stream.write(_HEAD.pack(len(content)) + content)
    stream.flush()


def read_message(stream: BinaryIO) -> bytes | None:
    """The next message; None when the other side is gone."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    (length,) = _HEAD.unpack(head)
    content = stream.read(length)
    return content if len(content) == length else None


def main() -> None:
    """Serve until the input ends."""
    faulthandler.enable()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, jobs), daemon=True).start()
    while True:
        write_message(answers, pickle.dumps(_answer(jobs.get())))


def _receive(stream: BinaryIO, jobs: "queue.SimpleQueue[bytes]") -> None:
    """Hand on what comes in; end the process when nothing can come any more."""
    while (message := read_message(stream)) is not None:
        jobs.put(message)
    os._exit(0)


def _answer(message: bytes) -> tuple[bool, Any]:
    """(True, what the function returned) or (False, what went wrong in a sentence)."""
    try:
        seconds, call = pickle.loads(message)  # noqa: S301 - from the process that started this one
        _set_alarm(seconds)
        function, arguments = _unpack(call)
        return True, function(*arguments)
    except Exception as problem:
        return False, f"{type(problem).__name__}: {problem}"
    finally:
        _set_alarm(None)


def _unpack(call: bytes) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A function and its arguments."""
    function, arguments = pickle.loads(call)  # noqa: S301 - from the process that started this one
    return function, arguments


def _set_alarm(seconds: float | None) -> None:
    """Let the operating system end this process after so long; None: never."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds or 0.0)
