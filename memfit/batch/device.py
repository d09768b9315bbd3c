"""Bring one device up to date: what a process does with each job."""

import errno
import hashlib
import shutil
import time
import traceback
from importlib.metadata import version

from memfit.batch.checkpoint import (
    Checkpoint,
    fingerprint,
    new_place,
    read_checkpoint,
    write_checkpoint,
)
from memfit.batch.jobs import CHECKPOINT, REPORT, RESULT, Cause, Job, Limits, Makers, Outcome
from memfit.errors import MemfitError, OutputError
from memfit.fitting.result import SCHEMA as RESULT_SCHEMA

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
        with new_place(job) as draft:
            for name in (RESULT, CHECKPOINT):
                shutil.copyfile(job.place / name, draft / name)
            makers.report(job, draft)
    return Outcome(key=job.key, state="unchanged", status=known.status)


def _fit(job: Job, makers: Makers, inputs: dict[str, str], begun: float) -> Outcome:
    """Fit and publish."""
    processor = time.process_time()
    with new_place(job) as draft:
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
        write_checkpoint(draft, checkpoint)
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
            with new_place(job) as draft:
                write_checkpoint(draft, _failed(job, cause, message, seconds, detail))
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
