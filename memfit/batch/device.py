"""One device of a batch brought up to date: what a process does with each job.

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

from memfit.batch.jobs import CHECKPOINT, DRAFTS, REPORT, RESULT, Cause, Job, Limits, Makers, Outcome
from memfit.errors import MemfitError, OutputError
from memfit.files import write_whole
from memfit.fitting import SCHEMA as RESULT_SCHEMA
from memfit.loaders.device import files_of

SCHEMA = "memfit/batch-checkpoint/1"

_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST)
_ATTEMPTS = 5


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

        Parameters
        ----------
        job : Job
            What is asked for now.
        inputs : mapping of str to str
            As from `fingerprint`, of the files as they are now.
        """
        if self.inputs != inputs or self.settings != dict(job.settings):
            return False
        return self._failure_stands(job.limits) if self.cause else self._result_stands(job.place)

    def _result_stands(self, place: Path) -> bool:
        """Whether the result is there, unharmed, in today's layout."""
        try:
            found = hashlib.sha256((place / RESULT).read_bytes()).hexdigest()
        except OSError:
            return False
        return found == self.result_sha256 and self.result_schema == RESULT_SCHEMA

    def _failure_stands(self, limits: Limits) -> bool:
        """Whether another attempt would end the same way: the same program, and no wider limit."""
        if self.cause in ("time", "memory"):
            now, then = getattr(limits, self.cause), self.limits.get(self.cause)
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
        Hexadecimal, by path relative to the folder, with slashes.
    """
    return {path.relative_to(folder).as_posix(): _digest(path) for path in files_of(folder)}


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
    except (OSError, ValueError, TypeError):
        return None
    return known if known.schema == SCHEMA and known.cause in get_args(Cause) else None


def _write_checkpoint(draft: Path, checkpoint: Checkpoint) -> None:
    """Write checkpoint.json into a folder."""
    write_whole(draft / CHECKPOINT, json.dumps(asdict(checkpoint), indent=2, allow_nan=False) + "\n")


@contextmanager
def _new_place(job: Job) -> Iterator[Path]:
    """A folder to fill, which becomes the device's own when the block ends without an error.

    Raises
    ------
    OutputError
        OUT cannot be written.
    """
    draft = _new_draft(job.out / DRAFTS)
    try:
        yield draft
        try:
            _publish(draft, job.place)
        except OSError as problem:
            raise _unwritable(job.out, problem) from problem
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _new_draft(drafts: Path) -> Path:
    """An empty folder on the file system of the output."""
    try:
        drafts.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=drafts))
        draft.chmod(drafts.stat().st_mode & 0o777)
    except OSError as problem:
        raise _unwritable(drafts.parent, problem) from problem
    return draft


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
    grave = Path(tempfile.mkdtemp(dir=drafts))
    try:
        place.replace(grave / "old")
    except FileNotFoundError:
        pass  # another process was faster
    finally:
        shutil.rmtree(grave, ignore_errors=True)


_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_NOT_REMEMBERED = ("disk", "start")


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
    """The device as it is if its checkpoint holds, else fitted."""
    inputs = fingerprint(job.folder)
    known = read_checkpoint(job.place)
    if known is not None and known.holds(job, inputs):
        return _as_known(job, known, makers)
    return _fit(job, makers, inputs, begun)


def _as_known(job: Job, known: Checkpoint, makers: Makers) -> Outcome:
    """What the checkpoint says; the report is added where it is wanted and absent."""
    if known.cause:
        return Outcome(key=job.key, state="failed", cause=known.cause, message=known.message)
    if job.reports and not (job.place / REPORT).exists():
        with _new_place(job) as draft:
            for name in (RESULT, CHECKPOINT):
                shutil.copyfile(job.place / name, draft / name)
            makers.report(job, draft)
    return Outcome(key=job.key, state="unchanged", status=known.status)


def _fit(job: Job, makers: Makers, inputs: dict[str, str], begun: float) -> Outcome:
    """Fit and publish."""
    processor = time.process_time()
    with _new_place(job) as draft:
        status = makers.fit(job, draft)
        seconds = round(time.perf_counter() - begun, 3)
        checkpoint = Checkpoint(
            inputs=inputs,
            settings=dict(job.settings),
            memfit_version=version("memfit"),
            seconds=seconds,
            processor_seconds=round(time.process_time() - processor, 3),
            status=status,
            result_schema=RESULT_SCHEMA,
            result_sha256=hashlib.sha256((draft / RESULT).read_bytes()).hexdigest(),
        )
        _write_checkpoint(draft, checkpoint)
    return Outcome(key=job.key, state="fitted", status=status, seconds=seconds)


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
                _write_checkpoint(draft, _failed(job, cause, message, seconds, detail))
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


def _failed(job: Job, cause: Cause, message: str, seconds: float, detail: str) -> Checkpoint:
    """The checkpoint of a device without a result."""
    limits: Limits = job.limits
    return Checkpoint(
        inputs=fingerprint(job.folder),
        settings=dict(job.settings),
        memfit_version=version("memfit"),
        seconds=seconds,
        cause=cause,
        message=message,
        detail=detail,
        limits={"time": limits.time, "memory": limits.memory},
    )
