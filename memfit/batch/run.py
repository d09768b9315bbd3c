"""A batch from ROOT to OUT: find devices, settle those that are not finished, index, summarise.

Only one batch at a time writes to OUT. After each device `Progress` says how far it is and how fast it goes.
"""

import json
import shutil
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from memfit.batch.jobs import DEVICES, DRAFTS, Job, Limits, Makers, Outcome, find_devices
from memfit.batch.store import build_index, each_row
from memfit.batch.summary import BatchSummary, summarise
from memfit.errors import DependencyError, OutputError
from memfit.files import write_whole

_REMEMBERED = 512
"""Outcomes whose times give the rate."""
_WINDOW = 60.0
"""Seconds that the rate is taken over."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The state of a batch after one more device."""

    done: int
    total: int
    fitted: int
    unchanged: int
    failed: int
    rate: float | None
    """Devices per second of late; None at the beginning."""
    seconds_left: float | None
    last: Outcome


@dataclass
class Pace:
    """Counts outcomes as they come."""

    total: int
    counts: Counter[str] = field(default_factory=Counter)
    _times: deque[float] = field(default_factory=lambda: deque([time.monotonic()], _REMEMBERED))

    def note(self, outcome: Outcome) -> Progress:
        """One more device is done."""
        self.counts[outcome.state] += 1
        self._times.append(time.monotonic())
        while self._times[-1] - self._times[0] > _WINDOW and len(self._times) > 2:
            self._times.popleft()
        done, span = self.counts.total(), self._times[-1] - self._times[0]
        rate = (len(self._times) - 1) / span if span > 0 else None
        return Progress(
            done=done,
            total=self.total,
            fitted=self.counts["fitted"],
            unchanged=self.counts["unchanged"],
            failed=self.counts["failed"],
            rate=rate,
            seconds_left=(self.total - done) / rate if rate else None,
            last=outcome,
        )


SCHEMA = "memfit/batch/1"

_MARK, _LOCK = "batch.json", ".lock"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is asked of a batch."""

    workers: int = 1
    """Processes on this machine."""
    scheduler: str | None = None
    """Address of a dask scheduler to use instead."""
    reports: bool = True
    limits: Limits = field(default_factory=Limits)
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What to change in the plan of every device, as plain data."""


def run_batch(
    root: Path,
    out: Path,
    makers: Makers,
    order: Order,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> BatchSummary:
    """Bring every device under `root` up to date in `out`.

    Parameters
    ----------
    root, out : Path
    makers : Makers
        What is done with each device.
    order : Order
    progress : callable
        Told after each device.
    say : callable
        Takes sentences for the user.

    Raises
    ------
    InputError
        There is no device, or the scheduler cannot be used.
    OutputError
        OUT is something else, is in use, or cannot be written. What is finished stays in each case.
    DependencyError
        dask is not installed.
    """
    run_jobs = _dask()
    begun = time.monotonic()
    found = find_devices(root, out)
    for note in found.notes:
        say(note)
    with _only_one(out):
        _mark(root, out, order)
        jobs = (_job(key, folder, out, order) for key, folder in found.folders.items())
        pace = Pace(len(found.folders))
        say(f"{len(found.folders)} devices under {root}.")
        outcomes = run_jobs(
            jobs, makers, order.limits, workers=order.workers, scheduler=order.scheduler, say=say
        )
        for outcome in outcomes:
            progress(pace.note(outcome))
        shutil.rmtree(out / DRAFTS, ignore_errors=True)
        build_index(out)
    seconds = time.monotonic() - begun
    return summarise(out, found.folders, each_row(out), pace.counts, seconds=seconds, notes=found.notes)


def _job(key: str, folder: Path, out: Path, order: Order) -> Job:
    """The job of one device; its paths hold wherever it is done."""
    return Job(
        key=key,
        folder=folder.absolute(),
        out=out.absolute(),
        settings=dict(order.settings),
        reports=order.reports,
        limits=order.limits,
    )


def _dask() -> Any:
    """The function that runs jobs, from the room that needs dask."""
    try:
        from memfit.batch.dask_executor import run_jobs  # noqa: PLC0415 - dask is an extra
    except ModuleNotFoundError as problem:
        if problem.name is not None and problem.name.startswith("memfit"):
            raise
        raise DependencyError(
            f"A batch needs the package {problem.name}, which is not installed; "
            'install it with: pip install "memfit[cluster]".'
        ) from problem
    return run_jobs


def _mark(root: Path, out: Path, order: Order) -> None:
    """Say in OUT what it is, and clear away what a killed run left."""
    about = {
        "schema": SCHEMA,
        "memfit_version": version("memfit"),
        "root": str(root.absolute()),
        "settings": dict(order.settings),
        "limits": {"time_s": order.limits.time, "memory_B": order.limits.memory},
    }
    shutil.rmtree(out / DRAFTS, ignore_errors=True)
    write_whole(out / _MARK, json.dumps(about, indent=2, ensure_ascii=False) + "\n")
    (out / DEVICES).mkdir(exist_ok=True)


@contextmanager
def _only_one(out: Path) -> Iterator[None]:
    """Make OUT, or take it again; no second batch can meanwhile.

    The lock is one of the operating system, which goes with the process, however that ends.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: expected a folder to write to, found a file. Choose another name.")
    if out.is_dir() and not (out / _MARK).exists() and any(p.name != _LOCK for p in out.iterdir()):
        raise OutputError(f"{out}: the folder is not empty and is no output of a batch. Choose another.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / _LOCK).open("w")
    except OSError as problem:
        raise OutputError(f"{out}: cannot be written ({problem.strerror or problem}).") from problem
    with lock:
        if not _locked(lock):
            raise OutputError(
                f"{out}: another batch writes here. Wait for its end, or choose another folder."
            )
        yield


def _locked(lock: IO[str]) -> bool:
    """Take a lock; False where another process has it. A file system without locks has none to give."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - there is none elsewhere

        try:
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl  # noqa: PLC0415 - there is none on Windows

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
