"""One piece of work at a time beside the page, in a process that is killed when it is stopped."""

import json
import pickle
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from memfit.app.work import prepare
from memfit.batch.limits import Limits
from memfit.batch.worker_process import Fitter, Trouble
from memfit.errors import InputError
from memfit.files import draft_beside

Answer = Mapping[str, Any]
_PATIENCE = 30.0
"""s that a process which is being started may take to notice that it is not wanted."""


@dataclass
class Job:
    """A piece of work and how far it is."""

    name: str
    """What it is, as a button says."""
    progress: Path
    begun: float = field(default_factory=time.monotonic)
    ended: float | None = None
    answer: Answer | None = None
    """What the function returned; None while it runs and where it was stopped."""
    stopped: bool = False

    @property
    def running(self) -> bool:
        """Whether it is not done yet."""
        return self.ended is None

    @property
    def seconds(self) -> float:
        """How long it runs, or ran."""
        return (self.ended or time.monotonic()) - self.begun

    def told(self) -> tuple[str, int, int]:
        """What it does, how many steps of it, and of how many."""
        with suppress(OSError, ValueError, KeyError):
            said = json.loads(self.progress.read_text(encoding="utf-8"))
            return str(said["what"]), int(said["done"]), int(said["total"])
        return "Starting.", 0, 0


@dataclass
class _Helper:
    """A process and whose turn it is to ask it."""

    fitter: Fitter
    turn: threading.Lock = field(default_factory=threading.Lock)

    def run(self, call: bytes) -> Any:
        """The answer to a pickled (function, arguments)."""
        with self.turn:
            return self.fitter.run(call)


class Worker:
    """Does one thing at a time.

    A process is started before it is needed, and again after it was stopped: starting takes seconds.
    """

    def __init__(self) -> None:
        self._open = ExitStack()
        self._place: Path | None = None
        self._lock = threading.Lock()
        self._helper: _Helper | None = None
        self.job: Job | None = None

    def warm(self) -> None:
        """Start the process in the background, if there is none."""
        with self._lock:
            if self._helper is None or self._helper.fitter.is_retired():
                self._helper = _Helper(Fitter(prepare, Limits(time=None, memory=None)))
                nothing = pickle.dumps((dict, ()))
                threading.Thread(target=self._helper.run, args=(nothing,), daemon=True).start()

    def start(
        self,
        name: str,
        function: Callable[..., Answer],
        arguments: tuple[Any, ...],
        done: Callable[[Job], None],
    ) -> Job:
        """Begin a piece of work.

        Parameters
        ----------
        name : str
            What it is.
        function : callable
            Of `work`; it is given the file to tell in as its last argument.
        arguments : tuple
        done : callable
            What to do with the job when there is an answer; not where it was stopped.

        Raises
        ------
        InputError
            Something else is being done.
        """
        self.warm()
        with self._lock:
            if self.job is not None and self.job.running:
                raise InputError(f"{self.job.name} is still running; stop it first, or wait for it.")
            if self._place is None:
                place = Path(tempfile.gettempdir()) / "memfit-app"
                self._place = self._open.enter_context(draft_beside(place, partial(Path.mkdir, mode=0o700)))
            job = Job(name, self._place / f"{time.monotonic_ns()}.json")
            self.job, helper = job, self._helper
        call = pickle.dumps((function, (*arguments, str(job.progress))))
        threading.Thread(target=self._run, args=(job, helper, call, done), daemon=True).start()
        return job

    def _run(self, job: Job, helper: "_Helper | None", call: bytes, done: Callable[[Job], None]) -> None:
        """Wait for the answer and hand it on."""
        if helper is None:
            return
        answer = helper.run(call)
        if job.stopped:
            return
        job.answer = {"fault": answer.message} if isinstance(answer, Trouble) else answer
        try:
            done(job)
        finally:
            job.ended = time.monotonic()

    def stop(self) -> None:
        """Kill what is being done."""
        with self._lock:
            job, helper = self.job, self._helper
            if job is None or not job.running:
                return
            job.stopped, job.ended = True, time.monotonic()
            self._helper = None
        if helper is not None:
            helper.fitter.retire()
        self.warm()

    def close(self) -> None:
        """End the process for good."""
        with self._lock:
            helper, self._helper = self._helper, None
        if helper is not None:
            helper.fitter.retire()
            if helper.turn.acquire(timeout=_PATIENCE):  # it may just have been starting
                helper.turn.release()
        self._place = None
        self._open.close()
