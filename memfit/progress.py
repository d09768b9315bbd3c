"""How work that takes minutes says how far it is, and how it is shared among threads."""

import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from multiprocessing import parent_process
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[str, int, int], None]
"""What is done, how many steps of it, and of how many."""


def silent(what: str, done: int, total: int) -> None:
    """Say nothing."""


_LISTENER: ContextVar[Progress] = ContextVar("listener", default=silent)
"""Whom `told` tells, of this thread's work alone. A fit is many functions deep; none has to pass it on."""


def bar() -> Progress:
    """A bar of tqdm for one stage after the other, in a notebook or on a terminal; lines without tqdm."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without ipywidgets it draws with letters, and complains
            from tqdm.auto import tqdm  # noqa: PLC0415 - an optional package
    except ImportError:
        return lambda what, done, total: print(f"{what}: {done} of {total}", file=sys.stderr)  # noqa: T201
    shown: dict[str, Any] = {}

    def show(what: str, done: int, total: int) -> None:
        if what not in shown:
            for other in shown.values():
                other.close()
            shown[what] = tqdm(total=total, desc=what)
        shown[what].total = total
        shown[what].update(done - shown[what].n)
        if done >= total:
            shown[what].refresh()

    return show


_STOP: ContextVar[Callable[[], str]] = ContextVar("stop", default=str)
"""Says why the work of this thread is to end with the best it has; "" while it may go on."""


@contextmanager
def heard_by(progress: Progress | bool) -> Iterator[None]:
    """While this lasts, what `told` says of the work inside goes to `progress`.

    Parameters
    ----------
    progress : callable or bool
        True for a bar, False for nothing.
    """
    if isinstance(progress, bool):
        progress = bar() if progress else silent
    token = _LISTENER.set(progress)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def told(what: str, done: int, total: int) -> None:
    """Say how far the work is, to whoever listens; of no work there is nothing to say."""
    if total:
        _LISTENER.get()(what, done, total)


@contextmanager
def ended_by(stop: Callable[[], str]) -> Iterator[None]:
    """While this lasts, a fit inside ends with the best it has as soon as there is a reason.

    Parameters
    ----------
    stop : callable
        Gives the reason in a few words, "" while there is none; asked at every evaluation.
    """
    token = _STOP.set(stop)
    try:
        yield
    finally:
        _STOP.reset(token)


def time_limit(seconds: float, clock: Callable[[], float] = time.monotonic) -> Callable[[], str]:
    """A reason to end so long from now.

    Parameters
    ----------
    seconds : float
    clock : callable
        Seconds.
    """
    until = clock() + seconds
    return lambda: f"time limit of {seconds:g} s" if clock() > until else ""


def stopped() -> str:
    """Why the work is to end; "" while it may go on."""
    return _STOP.get()()


def free_cores() -> int:
    """Cores that a computation may use; one where it is itself one of several, in a thread or a process."""
    if threading.current_thread() is not threading.main_thread() or parent_process() is not None:
        return 1
    available = getattr(os, "sched_getaffinity", None)  # not every system knows what a process may use
    return len(available(0)) if available is not None else os.cpu_count() or 1


def shared(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[tuple[T, R]]:
    """Items with what the work made of them, as they are ready; an interruption waits for none of the rest.

    Threads, not processes: the integrator releases the interpreter's lock, and nothing has to be started.
    """
    if workers <= 1:
        for item in items:
            yield item, work(item)
        return
    waiting = iter(items)
    with ThreadPoolExecutor(workers) as pool:
        running: dict[Future[R], T] = {}
        try:
            while True:
                for item in islice(waiting, 2 * workers - len(running)):
                    running[pool.submit(work, item)] = item
                if not running:
                    return
                ready, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ready:
                    yield running.pop(future), future.result()
        finally:
            for future in running:
                future.cancel()
