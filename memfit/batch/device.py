"""One device of a batch: what is to be done with it, within what limits, and how a process does it.

The folder of a device appears whole or not at all. Beside result.json lies checkpoint.json: digests of every
file the fit depends on, what the batch asked for, the digest of the result, or the reason why there is none.
A device is finished when all of that still holds.
"""

import errno
import hashlib
import json
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

from memfit.batch.limits import Limits
from memfit.errors import InputError, MemfitError, OutputError
from memfit.files import draft_beside, told_as, write_whole
from memfit.fitting import SCHEMA as RESULT_SCHEMA
from memfit.loaders.device import files_of

DEVICES = "devices"
"""Folder of a batch's output that holds one folder for each device."""
DRAFTS = ".drafts"
"""Folder of a batch's output that holds what is not finished; of no value once nobody holds it."""
RESULT, REPORT, CHECKPOINT = "result.json", "report.html", "checkpoint.json"
MERITS = "figures_of_merit.json"
"""What was asked for, as `Job.merits` has it, and the figures."""

State = Literal["fitted", "unchanged", "failed", "stopped"]
Cause = Literal["", "input", "time", "memory", "died", "error", "disk", "start"]
"""Why there is no result: the data cannot be used, a limit was passed, the process died, memfit itself
stumbled; OUT cannot be written, no process can be started (these two end the run)."""


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
    merits: Mapping[str, Any] = field(default_factory=dict)
    """Figures of merit that are wanted, "names" and "conditions", as plain data; empty for none."""
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
    merits: Callable[[Job, Path], None]
    """Write the figures of merit of the result in a folder beside it."""
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


SCHEMA = "memfit/batch-checkpoint/1"

_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST)
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_ATTEMPTS = 5
_CHANGED = "Its files changed while it was fitted; give the same command again once nothing writes there."
_NOT_REMEMBERED = ("disk", "start")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What is known of a finished device."""

    inputs: Mapping[str, str]
    """SHA-256 by name of every file the fit depends on."""
    settings: Mapping[str, Any]
    memfit_version: str
    seconds: float
    processor_seconds: float = 0.0
    """Of the process that fitted, user and system; 0 where that did not live to tell."""
    status: str = ""
    """Code of the fit's status; empty without a result."""
    result_schema: str = ""
    result_sha256: str = ""
    cause: Cause = ""
    message: str = ""
    """Why there is no result."""
    detail: str = ""
    limits: Mapping[str, float | None] = field(default_factory=dict)
    """Those that held when it failed."""
    schema: str = SCHEMA

    def holds(self, job: Job, inputs: Mapping[str, str]) -> bool:
        """Whether the device need not be fitted again.

        Its result is there, unharmed, in today's layout; or another attempt would fail the same way: the same
        program, and no wider limit.

        Parameters
        ----------
        job : Job
            What is asked for now.
        inputs : mapping of str to str
            As from `fingerprint`, of the files as they are now.
        """
        if self.inputs != inputs or self.settings != dict(job.settings):
            return False
        if not self.cause:
            found = _digest(job.place / RESULT)
            return bool(found) and found == self.result_sha256 and self.result_schema == RESULT_SCHEMA
        if self.cause in ("time", "memory"):
            now, then = getattr(job.limits, self.cause), self.limits.get(self.cause)
            return now is not None and then is not None and now <= then
        return self.cause in ("input", "error") and self.memfit_version == version("memfit")


def fingerprint(folder: Path) -> dict[str, str]:
    """SHA-256 by name of every file that the fit of a device depends on; "" of what cannot be read.

    Parameters
    ----------
    folder : Path
        Of the device's measurements.

    Returns
    -------
    dict of str to str
        By path relative to the folder, with slashes.
    """
    return {path.relative_to(folder).as_posix(): _digest(path) for path in files_of(folder)}


def _fingerprint_if_there(folder: Path) -> dict[str, str]:
    """As `fingerprint`; nothing of a folder that is gone or may not be read."""
    try:
        return fingerprint(folder)
    except (MemfitError, OSError):
        return {}


def _digest(path: Path) -> str:
    """SHA-256 of a regular file."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def read_checkpoint(place: Path) -> Checkpoint | None:
    """The checkpoint of a device; None where there is none that can be understood.

    Parameters
    ----------
    place : Path
        Folder of the device's result.
    """
    try:
        data = json.loads((place / CHECKPOINT).read_text(encoding="utf-8"))
        known = Checkpoint(**data)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return known if known.schema == SCHEMA and known.cause in get_args(Cause) else None


def _write_checkpoint(draft: Path, job: Job, **known: Any) -> None:
    """Write checkpoint.json into a folder."""
    checkpoint = Checkpoint(settings=dict(job.settings), memfit_version=version("memfit"), **known)
    write_whole(draft / CHECKPOINT, json.dumps(asdict(checkpoint), indent=2, allow_nan=False) + "\n")


@contextmanager
def _new_place(job: Job) -> Iterator[Path]:
    """A folder to fill, which becomes the device's own when the block ends without an error."""
    with ExitStack() as stack:
        try:
            (job.out / DRAFTS).mkdir(parents=True, exist_ok=True)
            draft = stack.enter_context(draft_beside(job.out / DRAFTS / "device", Path.mkdir))
        except OSError as problem:
            raise _unwritable(job.out, problem) from problem
        with told_as(draft, job.place):
            yield draft
        try:
            _publish(draft, job.place)
        except OSError as problem:
            raise _unwritable(job.out, problem) from problem


def _unwritable(out: Path, problem: OSError) -> OutputError:
    """The error of an output folder that is full or forbidden."""
    return OutputError(f"{out}: cannot be written ({problem.strerror or problem}).")


def _publish(draft: Path, place: Path) -> None:
    """Give a finished folder its name; what had the name goes as a whole."""
    place.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(_ATTEMPTS):
        if place.exists():
            _put_away(place, draft.parent)
        try:
            draft.replace(place)
        except OSError as problem:
            if problem.errno not in _OCCUPIED:  # another process was faster, with the same bytes
                raise
        else:
            return
    raise OutputError(f"{place}: another program writes here all the time.")


def _put_away(place: Path, drafts: Path) -> None:
    """Remove a folder in one step, as seen from outside."""
    with (
        tempfile.TemporaryDirectory(dir=drafts, ignore_cleanup_errors=True) as grave,
        suppress(FileNotFoundError),  # another process was faster
    ):
        place.replace(Path(grave, "old"))


def bring_up_to_date(job: Job, makers: Makers) -> Outcome:
    """Fit a device unless its checkpoint holds; whatever goes wrong is an outcome.

    Parameters
    ----------
    job : Job
    makers : Makers
    """
    begun = time.perf_counter()
    try:
        return _up_to_date(job, makers, begun)
    except OutputError as problem:
        return Outcome(key=job.key, state="stopped", cause="disk", message=str(problem))
    except MemfitError as problem:
        return record_failure(job, "input", str(problem), begun=begun)
    except MemoryError:
        return record_failure(job, "memory", "There was not enough memory.", begun=begun)
    except Exception as problem:
        if isinstance(problem, OSError) and problem.errno in _DISK:
            return Outcome(
                key=job.key, state="stopped", cause="disk", message=f"{job.out}: {problem.strerror}."
            )
        message = f"memfit stumbled over this device ({type(problem).__name__}: {problem})."
        return record_failure(job, "error", message, begun=begun, detail=traceback.format_exc())


def _up_to_date(job: Job, makers: Makers, begun: float) -> Outcome:
    """The device fitted, or as its checkpoint says, with its report where that is wanted and absent."""
    inputs = fingerprint(job.folder)
    known = read_checkpoint(job.place)
    if known is None or not known.holds(job, inputs):
        processor = time.process_time()
        with _new_place(job) as draft:
            status = makers.fit(job, draft)
            if job.merits:
                makers.merits(job, draft)
            if fingerprint(job.folder) != inputs:
                raise InputError(_CHANGED)
            seconds = round(time.perf_counter() - begun, 3)
            _write_checkpoint(
                draft,
                job,
                inputs=inputs,
                seconds=seconds,
                processor_seconds=round(time.process_time() - processor, 3),
                status=status,
                result_schema=RESULT_SCHEMA,
                result_sha256=hashlib.sha256((draft / RESULT).read_bytes()).hexdigest(),
            )
        return Outcome(key=job.key, state="fitted", status=status, seconds=seconds)
    if known.cause:
        return Outcome(key=job.key, state="failed", cause=known.cause, message=known.message)
    if job.reports and not (job.place / REPORT).exists():
        with _new_place(job) as draft:
            for name in (RESULT, CHECKPOINT, MERITS):
                if (job.place / name).exists():
                    shutil.copyfile(job.place / name, draft / name)
            makers.report(job, draft)
    if job.merits and read_merits(job.place).get("asked") != dict(job.merits):
        with _new_place(job) as draft:
            shutil.copytree(job.place, draft, dirs_exist_ok=True)
            makers.merits(job, draft)
    return Outcome(key=job.key, state="unchanged", status=known.status)


def read_merits(place: Path) -> dict[str, Any]:
    """The figures of merit of a device as plain data; empty where there are none that can be read.

    Parameters
    ----------
    place : Path
        Folder of the device's result.
    """
    try:
        data = json.loads((place / MERITS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def record_failure(job: Job, cause: Cause, message: str, *, begun: float, detail: str = "") -> Outcome:
    """Leave the reason in the device's folder, in place of a result.

    Parameters
    ----------
    job : Job
    cause : Cause
    message : str
        A sentence.
    begun : float, s
        When the attempt began, by `time.perf_counter`.
    detail : str
        A traceback.
    """
    seconds = round(time.perf_counter() - begun, 3)
    if cause not in _NOT_REMEMBERED:
        try:
            with _new_place(job) as draft:
                _write_checkpoint(
                    draft,
                    job,
                    inputs=_fingerprint_if_there(job.folder),
                    seconds=seconds,
                    cause=cause,
                    message=message,
                    detail=detail,
                    limits=asdict(job.limits),
                )
        except OutputError as problem:
            cause, message = "disk", str(problem)
    return Outcome(
        key=job.key,
        state="stopped" if cause in _NOT_REMEMBERED else "failed",
        cause=cause,
        message=message,
        seconds=seconds,
        detail=detail,
    )
