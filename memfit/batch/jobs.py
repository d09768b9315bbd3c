"""What is to be done with one device, with what limits, and how it ended."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from memfit.errors import ParameterError
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
    """A size of memory for a sentence: "2 GB"."""
    return format_quantity(size, "B", digits=3)


def time_text(seconds: float) -> str:
    """A limit of time for a sentence: "90 s", "10 min"."""
    if seconds >= 120:
        return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"
    return f"{seconds:.3g} s"


def _is_none(value: object) -> bool:
    """Whether no limit is asked for."""
    return value is None or (isinstance(value, str) and value.strip().lower() == "none")
