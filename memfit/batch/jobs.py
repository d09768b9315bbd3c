"""What is to be done with one device, with what limits, and how it ended; and which folders hold a device.

A folder with a device.toml is a device, whatever lies below it. Without one, a folder of measurements is a
device if no device lies deeper. Hidden folders, folders that hold results and the output of the batch
itself are passed over.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from memfit.errors import InputError, ParameterError
from memfit.loaders.device import holds_measurements
from memfit.loaders.manifest import MANIFEST
from memfit.units import format_quantity, parse_quantity

DEVICES = "devices"
"""Folder of a batch's output that holds one folder for each device."""
DRAFTS = ".drafts"
"""Folder of a batch's output that holds what is not finished; of no value once nothing runs."""
RESULT, REPORT, CHECKPOINT = "result.json", "report.html", "checkpoint.json"

State = Literal["fitted", "unchanged", "failed", "stopped"]
Cause = Literal["", "input", "time", "memory", "died", "error", "disk", "start"]
"""Why there is no result: the data cannot be used, a limit was passed, the process died, memfit itself
stumbled; OUT cannot be written, no process can be started (these two end the run)."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one device may cost."""

    time: float | None = 600.0
    """s; None: any time."""
    memory: float | None = 2e9
    """Bytes of the process that fits; None: any amount."""

    @classmethod
    def read(cls, time: str | float | None, memory: str | float | None) -> "Limits":
        """From texts such as "10 min" and "2 GB"; "none" or None for no limit.

        Parameters
        ----------
        time : str, float or None
            s where no unit is given.
        memory : str, float or None
            Bytes where no unit is given.

        Raises
        ------
        ParameterError, UnitError
            A text cannot be read, or a limit is not above zero.
        """
        seconds = None if _is_none(time) else parse_quantity(time or 0.0, "time")
        size = None if _is_none(memory) else parse_bytes(memory or 0.0)
        if (seconds is not None and seconds <= 0) or (size is not None and size <= 0):
            raise ParameterError(f"Limits must be above 0; found {time!r} and {memory!r}. Say none for none.")
        return cls(time=seconds, memory=size)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One device to bring up to date."""

    key: str
    """Path of its folder relative to ROOT, with slashes: its name in the output."""
    folder: Path
    """Its measurements."""
    out: Path
    """Output folder of the whole batch."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the batch changes in the plan of every device, as plain data."""
    reports: bool = False
    limits: Limits = field(default_factory=Limits)

    @property
    def place(self) -> Path:
        """Folder of its result."""
        return self.out / DEVICES / self.key


@dataclass(frozen=True, kw_only=True)
class Makers:
    """What the floors above do with one device; functions that can be named from another process."""

    fit: Callable[[Job, Path], str]
    """Fit, write result.json (and the report, if asked for) into an empty folder; return the status."""
    report: Callable[[Job, Path], None]
    """Write the report of the finished result into a folder."""
    prepare: Callable[[], None]
    """Import and compile, once a process."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one device ended."""

    key: str
    state: State
    status: str = ""
    """Code of the fit's status, where there is a result."""
    cause: Cause = ""
    message: str = ""
    """A sentence, where there is no result."""
    seconds: float = 0.0
    detail: str = ""
    """A traceback, where memfit itself stumbled."""


_BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def parse_bytes(value: str | float) -> float:
    """A size of memory: "2 GB", "512MiB", or a number of bytes.

    Parameters
    ----------
    value : str or float
        "kB" is 1000 bytes, "kiB" 1024.

    Returns
    -------
    float
        Bytes.

    Raises
    ------
    ParameterError
        It cannot be read.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)(?:[eE]\+?(\d+))?\s*([kKmMgGtT]?)(i?)[bB]?\s*", str(value))
    if found is None:
        raise ParameterError(f'Expected a size of memory such as "2 GB" or "512 MiB"; found {value!r}.')
    number, exponent, prefix, binary = found.groups()
    return float(f"{number}e{exponent or 0}") * (_BINARY if binary else _BYTES)[prefix.lower()]


def size_text(size: float) -> str:
    """A size of memory for a sentence: "2 GB".

    Parameters
    ----------
    size : float, bytes
    """
    return format_quantity(size, "B", digits=3)


def time_text(seconds: float) -> str:
    """A limit of time for a sentence: "90 s", "10 min".

    Parameters
    ----------
    seconds : float, s
    """
    if seconds >= 120:
        return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"
    return f"{seconds:.3g} s"


def _is_none(value: object) -> bool:
    """Whether no limit is asked for."""
    return value is None or (isinstance(value, str) and value.strip().lower() == "none")


_NOT_DEVICES = (RESULT, CHECKPOINT)


@dataclass(frozen=True)
class Found:
    """Device folders, and what should be known about the search."""

    folders: Mapping[str, Path]
    """By path relative to ROOT, with slashes, in order; by its name where ROOT itself is the device."""
    notes: tuple[str, ...] = ()


def find_devices(root: Path, out: Path) -> Found:
    """Every device folder under `root`.

    Parameters
    ----------
    root : Path
        Searched at any depth; links are followed, hidden folders passed over.
    out : Path
        Folder of the output, which is not searched.

    Raises
    ------
    InputError
        There is no such folder, or no device in it.
    """
    if not root.is_dir():
        raise InputError(f"{root}: expected a folder with a folder for each device, found no such folder.")
    search = _Search(out.resolve())
    root = root.resolve()
    folders = {_key(path, root): path for path in search.devices(root)}
    if not folders:
        raise InputError(
            f"{root}: expected folders with measurements or a {MANIFEST}, one for each device; found none."
        )
    return Found(dict(sorted(folders.items())), tuple(search.notes))


def _key(folder: Path, root: Path) -> str:
    """Name of a device in the output."""
    return (folder.name or "device") if folder == root else folder.relative_to(root).as_posix()


@dataclass
class _Search:
    """A walk that follows links but enters no folder twice."""

    out: Path
    seen: set[tuple[int, int]] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def devices(self, folder: Path) -> Iterator[Path]:
        """Device folders at or below a folder."""
        names, below = self._look(folder)
        if MANIFEST in names:
            yield folder
            return
        if any(name in names for name in _NOT_DEVICES):
            return
        deeper = [device for sub in below for device in self.devices(sub)]
        measured = holds_measurements(folder)
        if measured and not deeper:
            yield folder
        elif measured:
            self.notes.append(f"{folder}: files beside the folders of devices were not read.")
        yield from deeper

    def _look(self, folder: Path) -> tuple[set[str], list[Path]]:
        """Names in a folder, and the folders in it that are to be searched."""
        names, below = set(), []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    names.add(entry.name)
                    if entry.is_dir() and not entry.name.startswith(".") and self._is_new(Path(entry.path)):
                        below.append(Path(entry.path))
        except OSError as problem:
            self.notes.append(f"{folder}: the folder cannot be read: {problem.strerror or problem}.")
        return names, sorted(below)

    def _is_new(self, folder: Path) -> bool:
        """Whether a folder was not entered yet and is not the output."""
        info = folder.stat()
        place = (info.st_dev, info.st_ino)
        if place in self.seen or folder.resolve() == self.out:
            return False
        self.seen.add(place)
        return True
