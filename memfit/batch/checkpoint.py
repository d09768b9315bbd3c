"""The checkpoint: one folder for each device, which appears whole or not at all.

Beside result.json lies checkpoint.json: digests of every file the fit depends on, what the batch asked for,
the digest of the result, or the reason why there is none. A device is finished when all of that still holds.
"""

import errno
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

from memfit.batch.jobs import CHECKPOINT, DRAFTS, RESULT, Cause, Job, Limits
from memfit.errors import OutputError
from memfit.files import write_whole
from memfit.fitting.result import SCHEMA as RESULT_SCHEMA
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
        """Whether the device need not be fitted again."""
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
    """SHA-256 by name of every file that the fit of a device depends on; "" of what cannot be read."""
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
    """The checkpoint of a device; None where there is none that can be understood."""
    try:
        data = json.loads((place / CHECKPOINT).read_text(encoding="utf-8"))
        known = Checkpoint(**data)
    except (OSError, ValueError, TypeError):
        return None
    return known if known.schema == SCHEMA and known.cause in get_args(Cause) else None


def write_checkpoint(draft: Path, checkpoint: Checkpoint) -> None:
    """Write checkpoint.json into a folder."""
    write_whole(draft / CHECKPOINT, json.dumps(asdict(checkpoint), indent=2, allow_nan=False) + "\n")


@contextmanager
def new_place(job: Job) -> Iterator[Path]:
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
