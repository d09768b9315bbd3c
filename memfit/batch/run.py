"""A batch from ROOT to OUT: find devices, settle those that are not finished, index, summarise.

Only one batch at a time writes to OUT. After each device `Progress` says how far it is and how fast it goes;
`BatchSummary` says at the end how many results can be used, and what became of the others.
"""

import json
import os
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from memfit.batch.columns import Row
from memfit.batch.device import CHECKPOINT, DEVICES, DRAFTS, RESULT, Job, Makers, Outcome
from memfit.batch.limits import Limits
from memfit.batch.store import build_index, each_row
from memfit.errors import DependencyError, InputError, OutputError
from memfit.files import clear_drafts, write_whole
from memfit.loaders.folders import MANIFEST, is_part, look_below
from memfit.loaders.registry import is_measurement
from memfit.locks import locked

_NOT_DEVICES = (RESULT, CHECKPOINT)


def find_devices(root: Path, out: Path) -> tuple[dict[str, Path], list[str]]:
    """Every device folder under `root`, and what should be known about the search.

    A folder with a device.toml is a device, whatever lies below it. Without one, a folder of measurements is
    a device, with its parts below ("EIS", "IV"), if no device lies deeper. Hidden folders, folders that hold
    results and the output of the batch itself are passed over.

    Parameters
    ----------
    root : Path
        Searched at any depth; links are followed, but no folder is entered twice.
    out : Path
        Folder of the output, which is not searched.

    Returns
    -------
    dict of str to Path
        By path relative to `root`, with slashes, in order; by its name where `root` itself is the device.
    list of str
        Sentences.

    Raises
    ------
    InputError
        There is no such folder, or no device in it.
    """
    if not root.is_dir():
        raise InputError(f"{root}: expected a folder with a folder for each device, found no such folder.")
    root, out = root.resolve(), out.resolve()
    seen: set[tuple[int, int]] = set()
    notes: list[str] = []

    def is_new(folder: Path) -> bool:
        info = folder.stat()
        place = (info.st_dev, info.st_ino)
        if place in seen or folder.resolve() == out:
            return False
        seen.add(place)
        return True

    def search(folder: Path) -> Iterator[Path]:
        names, below = set(), []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    names.add(entry.name)
                    if entry.is_dir() and not entry.name.startswith(".") and is_new(Path(entry.path)):
                        below.append(Path(entry.path))
        except OSError as problem:
            notes.append(f"{folder}: the folder cannot be read: {problem.strerror or problem}.")
        if MANIFEST in names:
            yield folder
            return
        if names.intersection(_NOT_DEVICES):
            return
        here = look_below(folder, is_measurement)
        parts = set(here.parts)
        deeper = [device for sub in sorted(below) if sub not in parts for device in search(sub)]
        if here.measured and not deeper:
            yield folder
        elif here.measured:
            beside = f" and {', '.join(part.name for part in here.parts)}" if parts else ""
            notes.append(f"{folder}: files{beside} beside the folders of devices were not read.")
        yield from deeper

    folders = {
        (path.name or "device") if path == root else path.relative_to(root).as_posix(): path
        for path in search(root)
    }
    if not folders:
        raise InputError(
            f"{root}: expected folders with measurements or a {MANIFEST}, one for each device; found none."
        )
    return dict(sorted(folders.items())), [*notes, *_parted_devices(folders)]


def _parted_devices(folders: Collection[str]) -> Iterator[str]:
    """A question for each name that comes again below folders of techniques: "EIS/7B", "IV/7B"."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for folder in sorted(folders):
        names = folder.split("/")
        alike[tuple(name for name in names if not is_part(name, ""))].append(folder)
    for device, found in alike.items():
        if device and len(found) > 1:
            yield f"{' and '.join(found)} may be one device: put them into one folder {device[-1]}."


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
        """One more device is done; the rate is over the last ones only.

        Parameters
        ----------
        outcome : Outcome
            How that device ended.
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
    usable, strangers = 0, 0
    statuses: Counter[str] = Counter()
    failures: list[Failure] = []
    folders: defaultdict[str, list[str]] = defaultdict(list)
    versions: set[str] = set()
    for row in rows:
        key = str(row["folder"]).removeprefix(f"{DEVICES}/")
        if key not in keys:
            strangers += 1
        elif row["state"] != "fitted":
            cause, message = str(row["cause"] or row["state"]), str(row["message"] or "")
            failures.append(Failure(device=key, cause=cause, message=message))
        else:
            usable += bool(row["usable"])
            statuses[str(row["status"])] += 1
            folders[str(row["device"])].append(key)
            versions.add(str(row["memfit_version"]))
    shared = {name: tuple(found) for name, found in folders.items() if len(found) > 1}
    said = [
        f"{len(ones)} devices are called {name!r}: {', '.join(ones[:4])}{', ...' if len(ones) > 4 else ''}; "
        "they are told apart by their folders."
        for name, ones in list(shared.items())[:_MOST_NAMES]
    ]
    if len(shared) > _MOST_NAMES:
        said.append(f"{len(shared) - _MOST_NAMES} more names are shared by several devices.")
    if strangers:
        said.append(
            f"{strangers} more in OUT belong to devices that are not under ROOT (any more); they were "
            "left alone."
        )
    if len(versions) > 1:
        makers = " and ".join(sorted(versions))
        said.append(f"The results were made by memfit {makers}; choose another OUT to fit all of them anew.")
    return BatchSummary(
        out=out,
        devices=len(keys),
        fitted=counts.get("fitted", 0),
        unchanged=counts.get("unchanged", 0),
        seconds=round(seconds, 3),
        statuses=dict(statuses.most_common()),
        usable=usable,
        failures=tuple(failures),
        duplicates=shared,
        notes=(*notes, *said),
    )


SCHEMA = "memfit/batch/1"

_MARK, _LOCK = "batch.json", ".lock"
_LAST_SECONDS = 5.0
"""How long the end waits for processes elsewhere whose work went to others; what they leave goes with the
next run."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is asked of a batch."""

    workers: int = 1
    """Processes on this machine."""
    scheduler: str | None = None
    """Address of a dask scheduler to use instead."""
    reports: bool = True
    merits: Mapping[str, Any] = field(default_factory=dict)
    """As of a `Job`."""
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
    try:
        from memfit.batch.dask_executor import run_jobs  # noqa: PLC0415 - dask is an extra
    except ModuleNotFoundError as problem:
        if problem.name is not None and problem.name.startswith("memfit"):
            raise
        raise DependencyError(
            f"A batch needs the package {problem.name}, which is not installed; "
            'install it with: pip install "memfit[cluster]".'
        ) from problem
    begun = time.monotonic()
    folders, notes = find_devices(root, out)
    for note in notes:
        say(note)
    about = {
        "schema": SCHEMA,
        "memfit_version": version("memfit"),
        "root": str(root.absolute()),
        "settings": dict(order.settings),
        "limits": {"time_s": order.limits.time, "memory_B": order.limits.memory},
    }
    with _only_one(out):
        clear_drafts(out / DRAFTS)  # what a killed run left
        write_whole(out / _MARK, json.dumps(about, indent=2, ensure_ascii=False) + "\n")
        (out / DEVICES).mkdir(exist_ok=True)
        asked: dict[str, Any] = {
            "out": out.absolute(),  # paths hold wherever a job is done
            "settings": dict(order.settings),
            "reports": order.reports,
            "merits": dict(order.merits),
            "limits": order.limits,
        }
        jobs = (Job(key=key, folder=folder.absolute(), **asked) for key, folder in folders.items())
        pace = Pace(len(folders))
        say(f"{len(folders)} devices under {root}.")
        where: dict[str, Any] = {"workers": order.workers, "scheduler": order.scheduler}
        try:
            with closing(
                run_jobs(jobs, makers, order.limits, **where, scratch=asked["out"] / DRAFTS, say=say)
            ) as outcomes:
                for outcome in outcomes:
                    progress(pace.note(outcome))
        finally:
            clear_drafts(out / DRAFTS, patience=_LAST_SECONDS)
        build_index(out)
    seconds = time.monotonic() - begun
    return summarise(out, folders, each_row(out), pace.counts, seconds=seconds, notes=notes)


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
        if not locked(lock):
            raise OutputError(
                f"{out}: another batch writes here. Wait for its end, or choose another folder."
            )
        yield
