"""How work that takes minutes says how far it is, and how it is shared among threads."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[str, int, int], None]
"""What is done, how many steps of it, and of how many."""


def silent(what: str, done: int, total: int) -> None:
    """Say nothing."""


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
