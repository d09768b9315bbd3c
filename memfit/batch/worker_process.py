"""A process beside this one that fits devices one by one, and that is killed when one costs too much.

It is started once and kept, because starting takes seconds; it is started again after it was killed, has
died or has grown. Nothing of it outlives the process that holds it.

Why not loky or pebble: loky cannot end one job (a killed worker breaks the whole pool) and has no limits;
pebble ends one on time but not on memory, and says nothing of what a dead worker wrote on standard error.
Neither ends a worker that is in compiled code when the process that started it is gone.

The other side is `serve`: it takes calls from its standard input and gives answers on its standard output, as
pickles with their length in front; what libraries print goes to standard error. When the input ends, because
whoever started it is gone, it ends too, also in the middle of a fit; should compiled code hold it up then, an
alarm of the operating system ends it.
"""

import contextlib
import faulthandler
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

import psutil

from memfit.batch.device import Cause
from memfit.batch.limits import Limits, size_text, time_text
from memfit.isolation import isolated

_START = "from memfit.batch.worker_process import serve; serve()"
_START_SECONDS = 600.0
"""A first start compiles the integrator."""
_GLANCE = 0.1
"""Seconds between two looks at the memory of a process at work."""
_GROWN = 0.5
"""Part of the memory limit at which an idle process is replaced."""
_ALARM = (1.5, 60.0)
"""Times the time limit, and seconds more, after which a process without its master ends itself."""
_ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


@dataclass(frozen=True)
class Trouble:
    """Why there was no answer."""

    cause: Cause
    message: str


_TOLD_TO_END = Trouble("died", "It was told to end.")


class Fitter:
    """Runs functions in a process that can be killed.

    Parameters
    ----------
    prepare : callable
        What the process does first, with its arguments none.
    limits : Limits
        Of each call.
    """

    def __init__(self, prepare: Callable[[], None], limits: Limits) -> None:
        self._prepare, self._limits = prepare, limits
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._errors: IO[bytes] | None = None
        self._over = threading.Event()

    @property
    def pid(self) -> int | None:
        """Of the process, if there is one."""
        return self._process.pid if self._process is not None else None

    def is_retired(self) -> bool:
        """Whether it was told to end for good."""
        return self._over.is_set()

    def run(self, call: bytes) -> Any:
        """The answer to a pickled (function, arguments), or a `Trouble`.

        Parameters
        ----------
        call : bytes
            Pickle of a function and the tuple of its arguments.
        """
        if self.is_retired():
            return _TOLD_TO_END
        if self._process is None:
            trouble = self._start()
            if trouble is not None:
                return trouble
        answer = _TOLD_TO_END if self.is_retired() else self._ask(call, self._limits)
        limit, pid = self._limits.memory, self.pid  # an idle process should not start the next device grown
        if self.is_retired() or (limit is not None and pid is not None and _memory(pid) > _GROWN * limit):
            self.close()
        return answer

    def retire(self) -> None:
        """End the process for good, from any thread, whatever it is doing."""
        self._over.set()
        self.close()

    def close(self) -> None:
        """End the process and what it started, whatever it is doing."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._errors = None

    def _start(self) -> Trouble | None:
        """Start the process and let it prepare itself."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this very Python
                isolated(_START),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env={**os.environ, **_ONE_THREAD},
                start_new_session=True,
            )
        except OSError as problem:
            self._errors.close()
            return Trouble("start", f"No process can be started ({problem.strerror or problem}).")
        self._answers = queue.SimpleQueue()
        stream = self._process.stdout
        threading.Thread(target=_hand_on, args=(stream, self._answers), daemon=True).start()
        answer = self._ask(pickle.dumps((self._prepare, ())), Limits(time=_START_SECONDS, memory=None))
        if isinstance(answer, Trouble):
            self.close()
            return Trouble("start", f"The process that fits could not be started. {answer.message}")
        return None

    def _ask(self, call: bytes, limits: Limits) -> Any:
        """Send a call and wait for its answer within the limits."""
        process, errors = self._process, self._errors
        if process is None or process.stdin is None:
            return Trouble("died", "Its process was closed.")
        if errors is not None:
            errors.seek(0)
            errors.truncate()
        alarm = None if limits.time is None else _ALARM[0] * limits.time + _ALARM[1]
        try:
            _write_message(process.stdin, pickle.dumps((alarm, call)))  # type: ignore[arg-type]
        except OSError:
            return self._dead()
        begun = time.monotonic()
        while True:
            try:
                message = self._answers.get(timeout=_GLANCE)
            except queue.Empty:
                trouble = None
                if limits.time is not None and time.monotonic() - begun > limits.time:
                    passed = time_text(limits.time)
                    trouble = Trouble("time", f"It was not done within the time limit of {passed}.")
                elif limits.memory is not None and (used := _memory(process.pid)) > limits.memory:
                    took, most = size_text(used), size_text(limits.memory)
                    trouble = Trouble("memory", f"It took {took} of memory; the limit is {most}.")
                if trouble is not None:
                    self.close()
                    return trouble
                continue
            if message is None:
                return self._dead()
            good, value = pickle.loads(message)  # noqa: S301 - from the process we started
            return value if good else Trouble("start", str(value))

    def _dead(self) -> Trouble:
        """What the process left behind when it died: how it ended, and the line that says why."""
        process, errors, said = self._process, self._errors, ""  # another thread may close them meanwhile
        if errors is not None and not errors.closed:
            errors.seek(0)
            text = errors.read().decode(errors="replace")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            fatal = [line for line in lines if line.startswith("Fatal Python error")]
            said = (fatal or lines or [""])[-1][:200]
        code = process.wait() if process is not None else 0
        self.close()
        ended = f"ended with code {code}"
        if code < 0:
            known = {item.value: item.name for item in signal.Signals}
            ended = f"was ended by {known.get(-code, f'signal {-code}')}"
        return Trouble("died", f"Its process {ended}{f' ({said})' if said else ''}.")


def _memory(pid: int) -> float:
    """Resident memory of a process, bytes; 0 if it is gone."""
    try:
        return float(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0.0


_HEAD = struct.Struct(">Q")


def _write_message(stream: BinaryIO, content: bytes) -> None:
    """Send one message."""
    stream.write(_HEAD.pack(len(content)) + content)
    stream.flush()


def _read_message(stream: BinaryIO) -> bytes | None:
    """The next message; None when the other side is gone."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    (length,) = _HEAD.unpack(head)
    content = stream.read(length)
    return content if len(content) == length else None


def _hand_on(stream: BinaryIO, messages: "queue.SimpleQueue[bytes | None]") -> None:
    """Hand on messages until there can be no more; then None."""
    message: bytes | None = b""
    while message is not None:
        try:
            message = _read_message(stream)
        except (OSError, ValueError):  # closed under our hands
            message = None
        messages.put(message)


def serve() -> None:
    """Serve until the input ends, and end with it, also in the middle of a call."""
    faulthandler.enable()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def receive() -> None:
        while (message := _read_message(sys.stdin.buffer)) is not None:
            jobs.put(message)
        os._exit(0)

    threading.Thread(target=receive, daemon=True).start()
    while True:
        _write_message(answers, pickle.dumps(_answer(jobs.get())))


def _answer(message: bytes) -> tuple[bool, Any]:
    """(True, what the function returned) or (False, what went wrong in a sentence)."""
    try:
        seconds, call = pickle.loads(message)  # noqa: S301 - from the process that started this one
        _set_alarm(seconds)
        function, arguments = pickle.loads(call)  # noqa: S301 - likewise
        return True, function(*arguments)
    except Exception as problem:
        return False, f"{type(problem).__name__}: {str(problem).removesuffix('.')}."
    finally:
        _set_alarm(None)


def _set_alarm(seconds: float | None) -> None:
    """Let the operating system end this process after so long; None: never."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds or 0.0)
