"""A fit run again from the plan in its result: what is the same, and what differs.

Work that takes minutes goes on where it was interrupted: what is done stands in a file.

The file holds the finished parts by stage, and what they belong to (data, plan, settings, program); what
belongs to something else is not used. It is written whole, at most every few seconds and at every stop.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from memfit.files import make_folder, write_whole
from memfit.fitting.plan import FitPlan
from memfit.fitting.result import FitResult

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


SAME = 1e-9
"""Relative difference at which a repeated number is the same."""
_VERSIONS = ("memfit", "python", "platform")


@dataclass(frozen=True)
class Change:
    """Something that was one thing then and is another now."""

    what: str
    then: str
    now: str


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """How a fit that was run again compares with the first."""

    largest: float
    """Largest relative difference of a value, of its standard error or of chi2."""
    where: str
    """Name of the quantity with the largest difference."""
    count: int
    """Numbers compared."""
    lost: tuple[str, ...] = ()
    """Quantities that only one of the two has."""
    inputs: tuple[Change, ...] = ()
    """Files whose bytes differ, by SHA-256."""
    versions: tuple[Change, ...] = ()
    plan: tuple[Change, ...] = ()

    @property
    def same(self) -> bool:
        """Whether all numbers are the same to `SAME`."""
        return self.largest <= SAME and not self.lost


def compare_repetition(then: FitResult, now: FitResult) -> Repetition:
    """Compare a result with that of the same plan run again.

    Parameters
    ----------
    then, now : FitResult
    """
    old, new = dict(_numbers(then)), dict(_numbers(now))
    common = [name for name in old if name in new]
    differences = {name: _relative(old[name], new[name]) for name in common}
    where = max(differences, key=lambda name: differences[name], default="")
    return Repetition(
        largest=differences.get(where, 0.0),
        where=where,
        count=len(common),
        lost=tuple(sorted(set(old) ^ set(new))),
        inputs=_changes(_digests(then), _digests(now)),
        versions=_changes(_versions(then), _versions(now)),
        plan=_changes(_plan(then), _plan(now)),
    )


def plan_of(result: FitResult) -> FitPlan:
    """The plan of a result.

    Raises
    ------
    ParameterError
        It was edited to something that is no plan.
    """
    return FitPlan.from_dict(result.plan)


def _numbers(result: FitResult) -> Iterator[tuple[str, tuple[float, float]]]:
    """Name, value and size of every number that a repetition must give again."""
    for name, e in {**result.parameters, **result.derived, **result.nuisance}.items():
        if e.value is None:
            continue
        error = e.stderr or 0.0
        yield name, (e.value, max(abs(e.value), error))
        if error:
            yield f"standard error of {name}", (error, error)
    yield "chi2", (result.goodness.chi2, result.goodness.chi2)


def _relative(then: tuple[float, float], now: tuple[float, float]) -> float:
    """Difference relative to the size."""
    return abs(now[0] - then[0]) / (max(then[1], now[1]) or 1.0)


def _digests(result: FitResult) -> dict[str, str]:
    """SHA-256 of each input, of its numbers where it came from no file."""
    return {item.file: item.sha256 or item.content_sha256 for item in result.inputs}


def _versions(result: FitResult) -> dict[str, str]:
    """Versions of everything the numbers may depend on."""
    environment = {"memfit": result.memfit_version, **result.environment}
    packages = environment.get("packages")
    known = {name: str(environment[name]) for name in _VERSIONS if environment.get(name)}
    return {**known, **({n: str(v) for n, v in packages.items()} if isinstance(packages, Mapping) else {})}


def _plan(result: FitResult) -> dict[str, str]:
    """Settings as text, nested ones by their path."""
    return {name: str(value) for name, value in _flat(result.plan)}


def _flat(values: Mapping[str, Any], head: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested mappings with their paths."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{head}{name}.")
        else:
            yield f"{head}{name}", list(value) if isinstance(value, tuple) else value


def _changes(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[Change, ...]:
    """What differs; what only one side has is empty on the other."""
    names = [*then, *(name for name in now if name not in then)]
    return tuple(
        Change(name, then.get(name, ""), now.get(name, ""))
        for name in names
        if then.get(name, "") != now.get(name, "")
    )
