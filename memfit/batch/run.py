"""A batch from ROOT to OUT: find devices, settle those that are not finished, index, summarise.

Only one batch at a time writes to OUT. After each device `Progress` says how far it is and how fast it goes;
`BatchSummary` says at the end how many results can be used, and what became of the others.
"""

import json
import shutil
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from memfit.batch.columns import Row
from memfit.batch.jobs import DEVICES, DRAFTS, Job, Limits, Makers, Outcome, find_devices
from memfit.batch.store import build_index, each_row
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
        """One more device is done.

        Parameters
        ----------
        outcome : Outcome
            How that device ended.

        Returns
        -------
        Progress
            Counts of all so far; the rate is devices a second over the last ones only.
        """
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


_MOST_NAMES = 5
"""Shared names that are told one by one."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A device without a result."""

    device: str
    """Its folder, relative to ROOT."""
    cause: str
    """input, time, memory, died or error; unreadable where the result is damaged."""
    message: str


@dataclass(frozen=True, kw_only=True)
class BatchSummary:
    """The end of a batch."""

    out: Path
    devices: int
    """Under ROOT."""
    fitted: int
    """In this run."""
    unchanged: int
    """Finished before."""
    seconds: float
    """Of this run."""
    statuses: Mapping[str, int]
    """Number of results by the code of their status."""
    usable: int
    failures: tuple[Failure, ...] = ()
    duplicates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Folders of devices that share a name, by that name."""
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "out": str(self.out), "failures": [asdict(one) for one in self.failures]}


def summarise(
    out: Path,
    keys: Collection[str],
    rows: Iterable[Row],
    counts: Mapping[str, int],
    *,
    seconds: float,
    notes: Sequence[str] = (),
) -> BatchSummary:
    """The summary of a batch from the rows of its index.

    Parameters
    ----------
    out : Path
    keys : collection of str
        Devices under ROOT.
    rows : iterable of Row
        Of all results in `out`; taken once, one by one.
    counts : mapping
        Devices by what this run did with them.
    seconds : float
        Duration of this run, s.
    notes : sequence of str
        Of the search for devices.
    """
    seen = _Seen()
    for row in rows:
        if _key(row) in keys:
            seen.note(row)
        else:
            seen.strangers += 1
    duplicates = {name: tuple(found) for name, found in seen.folders.items() if len(found) > 1}
    return BatchSummary(
        out=out,
        devices=len(keys),
        fitted=counts.get("fitted", 0),
        unchanged=counts.get("unchanged", 0),
        seconds=round(seconds, 3),
        statuses=dict(seen.statuses.most_common()),
        usable=seen.usable,
        failures=tuple(seen.failures),
        duplicates=duplicates,
        notes=(*notes, *_notes(seen, duplicates)),
    )


@dataclass
class _Seen:
    """What is kept of rows that come one by one."""

    usable: int = 0
    strangers: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    folders: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    versions: set[str] = field(default_factory=set)

    def note(self, row: Row) -> None:
        """One more device."""
        if row["state"] != "fitted":
            cause, message = str(row["cause"] or row["state"]), str(row["message"] or "")
            self.failures.append(Failure(device=_key(row), cause=cause, message=message))
            return
        self.usable += bool(row["usable"])
        self.statuses[str(row["status"])] += 1
        self.folders[str(row["device"])].append(_key(row))
        self.versions.add(str(row["memfit_version"]))


def _key(row: Row) -> str:
    """The device's folder, relative to ROOT."""
    return str(row["folder"]).removeprefix(f"{DEVICES}/")


def _notes(seen: _Seen, duplicates: Mapping[str, Sequence[str]]) -> list[str]:
    """Sentences on names that several devices share, results of devices not under ROOT, several versions."""
    notes = [
        f"{len(keys)} devices are called {name!r}: {', '.join(keys[:4])}{', ...' if len(keys) > 4 else ''}; "
        "they are told apart by their folders."
        for name, keys in list(duplicates.items())[:_MOST_NAMES]
    ]
    more = len(duplicates) - _MOST_NAMES
    if more > 0:
        notes.append(f"{more} more names are shared by several devices.")
    if seen.strangers:
        notes.append(
            f"{seen.strangers} more in OUT belong to devices that are not under ROOT (any more); they were "
            "left alone."
        )
    if len(seen.versions) > 1:
        makers = " and ".join(sorted(seen.versions))
        notes.append(f"The results were made by memfit {makers}; choose another OUT to fit all of them anew.")
    return notes


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
