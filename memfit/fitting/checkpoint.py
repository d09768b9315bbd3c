"""Work that takes minutes goes on where it was interrupted: what is done stands in a file.

The file holds the finished parts by stage, and what they belong to (data, plan, settings, program); what
belongs to something else is not used. It is written whole, at most every few seconds and at every stop.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from memfit.files import make_folder, write_whole

_EVERY = 5.0
"""Seconds between two writings."""
_SHARE = 20.0
"""How much longer the pause is than the writing."""


class Checkpoint:
    """The finished parts of one run.

    Parameters
    ----------
    path : Path, optional
        The file; without one nothing is kept.
    belongs_to : mapping
        What the parts depend on, as plain data.
    """

    def __init__(self, path: Path | None, belongs_to: Mapping[str, Any]) -> None:
        text = json.dumps(belongs_to, sort_keys=True, allow_nan=False)
        self._path = path
        self._key = sha256(text.encode()).hexdigest()
        self._stages: dict[str, Any] = _read(path, self._key) if path else {}
        self._written, self._pause = time.monotonic(), _EVERY
        self.resumed = bool(self._stages)
        """Whether something was there to go on from."""

    def get(self, stage: str) -> Any:
        """What was kept of a stage; None where there is nothing."""
        return self._stages.get(stage)

    def put(self, stage: str, make: Callable[[], Any], *, now: bool = False) -> None:
        """Keep a stage: plain data made by `make`, if it is time to write."""
        if self._path is None or not (now or time.monotonic() - self._written > self._pause):
            return
        self._stages[stage] = make()
        began = time.monotonic()
        text = json.dumps({"belongs_to": self._key, "stages": self._stages}, allow_nan=False)
        make_folder(self._path.parent)
        write_whole(self._path, text)
        self._written = time.monotonic()
        self._pause = max(_EVERY, _SHARE * (self._written - began))

    def remove(self) -> None:
        """The work is done: the file goes."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def plain(value: Any) -> Any:
    """Frozen records as plain data."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def nothing_kept() -> Checkpoint:
    """A checkpoint without a file."""
    return Checkpoint(None, {})


def _read(path: Path, key: str) -> dict[str, Any]:
    """Stages of an earlier run of the same work; nothing where there is none, or a damaged file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        stages = found["stages"] if found["belongs_to"] == key else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return stages if isinstance(stages, dict) else {}
