"""The one room that knows dask: jobs go to workers, outcomes come back, in no order.

By default the scheduler and one worker with a thread for each process live in this process; with the address
of a scheduler they are wherever its workers are. A worker itself computes nothing: each of its threads waits
for a `Fitter`, so that a device can cost a fitter but never a worker.
"""

import asyncio
import logging
import math
import pickle
import queue
import re
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import dask
import distributed.batched
from distributed import (
    Client,
    Future,
    LocalCluster,
    Reschedule,
    Security,
    Worker,
    WorkerPlugin,
    as_completed,
    get_worker,
    rpc,
)
from distributed.scheduler import KilledWorker
from tornado.ioloop import IOLoop

from memfit.batch.device import Job, Makers, Outcome, bring_up_to_date, record_failure
from memfit.batch.limits import Limits
from memfit.batch.worker_process import Fitter, Trouble
from memfit.errors import InputError, OutputError, shown

_ATTEMPTS = 3
"""How often a device is tried whose process died: an outsider may have ended it. As often again when all
others are through; a process that dies while it starts counts by itself."""
_AHEAD = 3
"""Jobs sent for each thread, so that none waits for the client."""
_LEAST_AHEAD = 8
_CONNECT_SECONDS = 10.0
_ADDRESS = re.compile(
    r"(?:(?:tcp|tls|ws|wss|ucx)://)?(?P<host>[\w.:-]+|\[[\w.:%]+\]):(?P<port>\d{1,5})/?", re.ASCII
)
_END_SECONDS = 10.0
_LOOK_SECONDS = 5.0
"""Time between two looks at how many workers there are."""
_SETTINGS: Mapping[str, Any] = {
    "distributed.admin.tick.limit": "1h",  # who waits for a fitter is not stuck
    "distributed.scheduler.worker-ttl": None,  # nor gone, where the clock is put forward
    "distributed.scheduler.http.routes": [],  # nobody outside has to see anything
    "distributed.worker.http.routes": [],
}
_LOUD = ("worker", "scheduler", "core", "client", "nanny", "utils", "comm", "batched")
"""What of dask tells on stderr what a `MemfitError` tells better."""


class Fitters(WorkerPlugin):
    """The fitters of one worker, one for each of its threads; they end with the worker."""

    def __init__(self, name: str, prepare: Callable[[], None], limits: Limits) -> None:
        self.name = name
        self._prepare, self._limits = prepare, limits

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 - the interface of dask
        """Begin with none; each is made when a thread needs it."""
        self._lock = threading.Lock()
        self._idle: list[Fitter] = []
        self._all: list[Fitter] = []
        self._closed = False

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - the interface of dask
        """End them all."""
        with self._lock:
            self._closed = True
            for fitter in self._all:
                fitter.retire()

    def settle(self, job: Job, call: bytes) -> Outcome:
        """The outcome of a job, whatever it does to its process."""
        begun = time.perf_counter()
        with self._lock:
            if not self._idle:
                self._idle.append(Fitter(self._prepare, self._limits))
                self._all.append(self._idle[-1])
            fitter = self._idle.pop()
            if self._closed:
                fitter.retire()
        tries: Counter[str] = Counter()
        try:
            while True:  # again where its process died, at work or while it started
                answer = fitter.run(call)
                if not isinstance(answer, Trouble) or fitter.is_retired():
                    break
                tries[answer.cause] += 1
                if answer.cause not in ("died", "start") or tries[answer.cause] >= _ATTEMPTS:
                    break
        finally:
            with self._lock:
                self._idle.append(fitter)
        if isinstance(answer, Outcome):
            return answer
        if fitter.is_retired():
            raise Reschedule  # the worker goes; another one takes the job
        times = f" {_ATTEMPTS} times" if answer.cause == "died" and _ATTEMPTS > 1 else ""
        return record_failure(job, answer.cause, f"{answer.message[:-1]}{times}.", begun=begun)


def settle(plugin: str, job: Job, call: bytes) -> Outcome:
    """The task that dask sees."""
    fitters: Fitters = get_worker().plugins[plugin]
    return fitters.settle(job, call)


def run_jobs(
    jobs: Iterable[Job],
    makers: Makers,
    limits: Limits,
    *,
    workers: int,
    scheduler: str | None = None,
    scratch: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Generator[Outcome, None, None]:
    """Settle all jobs; the outcomes as they come.

    Parameters
    ----------
    jobs : iterable of Job
        Taken as they are needed, so that there may be millions.
    makers : Makers
    limits : Limits
        Of each device.
    workers : int
        Processes on this machine; without meaning where `scheduler` is given.
    scheduler : str, optional
        Address of a dask scheduler, such as "tcp://10.0.0.1:8786".
    scratch : Path, optional
        Folder for what dask puts down on this machine; without it, that of temporary files.
    say : callable
        Takes what a user should know meanwhile.

    Raises
    ------
    InputError
        There is no scheduler at that address, its workers cannot do the work, or it went away.
    OutputError
        OUT cannot be written; what is finished stays.
    """
    with _client(workers, scheduler, scratch) as client:
        plugin = Fitters(f"memfit-{uuid.uuid4().hex}", makers.prepare, limits)
        client.register_plugin(plugin)
        try:
            if not client.nthreads():
                say(f"{scheduler} has no workers yet; waiting for them.")
            yield from _outcomes(client, plugin.name, iter(jobs), makers)
        finally:
            if client.status == "running":
                try:
                    client.unregister_worker_plugin(plugin.name)
                except (OSError, ValueError, KeyError):
                    logging.getLogger(__name__).info("The workers are gone with their fitters.")


@contextmanager
def _client(workers: int, scheduler: str | None, scratch: Path | None) -> Iterator[Client]:
    """A client of the scheduler that is named, or of one in this process; nothing from dask on stderr."""
    names = (*(f"distributed.{name}" for name in _LOUD), "distributed", "asyncio", "tornado.application")
    logs = [logging.getLogger(name) for name in names]
    levels = [log.level for log in logs]
    with ExitStack() as stack:
        for log, level in zip(logs, levels, strict=True):
            stack.callback(log.setLevel, level)
            log.setLevel(logging.CRITICAL)
        below = {} if scratch is None else {"temporary-directory": str(scratch)}
        stack.enter_context(dask.config.set({**_SETTINGS, **below}))
        loop = stack.enter_context(_event_loop())
        if scheduler is None:
            address: Any = stack.enter_context(
                LocalCluster(
                    loop=loop,
                    n_workers=1,
                    threads_per_worker=workers,
                    processes=False,
                    dashboard_address=None,
                    scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                    worker_dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                    silence_logs=logging.CRITICAL,
                )
            )
            yield stack.enter_context(Client(address, set_as_default=False))
            return
        yield stack.enter_context(_connected(scheduler, loop))


def _connected(scheduler: str, loop: IOLoop) -> Client:
    """A client of the scheduler at an address, which may be anything."""
    found = _ADDRESS.fullmatch(scheduler)
    if found is None or not 0 < int(found["port"]) < 2**16:
        raise InputError(
            f"--scheduler: expected the address of a dask scheduler, such as tcp://10.0.0.1:8786; found "
            f"{shown(scheduler)}."
        )

    async def answers() -> None:
        arguments = Security().get_connection_args("client")
        async with rpc(scheduler, timeout=_CONNECT_SECONDS, connection_args=arguments) as there:
            await asyncio.wait_for(there.identity(), _CONNECT_SECONDS)  # a client waits for ever

    try:
        loop_of_thread = loop.asyncio_loop  # type: ignore[attr-defined]
        asyncio.run_coroutine_threadsafe(answers(), loop_of_thread).result()
        return Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False, loop=loop)
    except Exception as problem:  # whatever is listening there may answer anything
        raise InputError(
            f"--scheduler: {scheduler}: expected a dask scheduler, found none that answers within "
            f"{_CONNECT_SECONDS:g} s. Start one with `dask scheduler`, or leave --scheduler out."
        ) from problem


_BEGUN = time.time() - time.monotonic()


def _steady() -> float:
    """The time of day by a clock that nobody sets, s."""
    return _BEGUN + time.monotonic()


distributed.batched.time = _steady  # what is sent waits by it


@contextmanager
def _event_loop() -> Iterator[IOLoop]:
    """A running event loop in a thread of its own, however long that takes to start.

    dask starts one by itself, but on a machine that stands still for ten seconds it stops at an assertion;
    and it waits until a time of day, so that a clock which is set back by an hour would stop it for an hour.
    """
    running: queue.SimpleQueue[tuple[IOLoop, asyncio.Event]] = queue.SimpleQueue()

    async def wait_for_the_end() -> None:
        over, here = asyncio.Event(), IOLoop.current()
        setattr(here, "time", _steady)  # noqa: B010 - a method
        running.put((here, over))
        await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(wait_for_the_end()), daemon=True, name="dask loop")
    thread.start()
    loop, over = running.get()
    try:
        yield loop
    finally:
        loop.add_callback(over.set)
        thread.join(_END_SECONDS)


def _outcomes(client: Client, plugin: str, jobs: Iterator[Job], makers: Makers) -> Iterator[Outcome]:
    """Keep every thread busy and hand on what comes."""
    pending: dict[str, Job] = {}
    died: set[str] = set()
    waiting: deque[Job] = deque()
    futures = as_completed(loop=client.loop)
    size, looked = 0, -math.inf

    def send() -> None:
        nonlocal size, looked
        if time.monotonic() - looked > _LOOK_SECONDS:  # how many threads there are may change
            size, looked = max(_LEAST_AHEAD, _AHEAD * sum(client.nthreads().values())), time.monotonic()
        fresh = list(islice(jobs, max(size - len(pending), 0)))  # below 0 where workers have gone
        if not fresh and not pending:
            fresh = list(waiting)
            waiting.clear()
        for job in fresh:
            call = pickle.dumps((bring_up_to_date, (job, makers)))
            future = client.submit(settle, plugin, job, call, key=f"memfit-{uuid.uuid4().hex}", pure=False)
            pending[future.key] = job
            futures.add(future)

    send()
    for future in futures:
        job = pending.pop(future.key)
        outcome = _outcome(future, job)
        future.release()
        if outcome.state == "stopped":
            message = outcome.message
            if outcome.cause != "disk":
                raise InputError(message)
            raise OutputError(
                f"{message} Nothing that is finished is lost: make room, or allow writing, and give "
                "the same command again."
            )
        second_chance = outcome.cause == "died" and job.key not in died
        if second_chance:
            died.add(job.key)
            waiting.append(job)
        send()
        if not second_chance:
            yield outcome


def _outcome(future: Future, job: Job) -> Outcome:
    """What became of a job, also where its worker did not live to tell."""
    if future.status == "finished":
        outcome: Outcome = future.result()
        return outcome
    if future.status != "error":
        raise InputError("The dask scheduler went away. What is finished stays; give the same command again.")
    problem: Any = future.exception()
    if isinstance(problem, KilledWorker):
        message = "Every worker that took it died."
        return record_failure(job, "died", message, begun=time.perf_counter())
    raise InputError(
        f"The dask workers cannot do the work ({type(problem).__name__}: {problem}). Install the same memfit "
        "there as here, and start them where ROOT and OUT have the same paths."
    )
