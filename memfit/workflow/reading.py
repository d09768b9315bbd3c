"""Read what was measured and what a fit found, and find the measurements of a stored result again."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from memfit.datasets import Device, Record
from memfit.errors import InputError
from memfit.fitting import FitResult
from memfit.fitting.results.reproduce import match_records
from memfit.loaders.device import load_device, load_readable, places_of
from memfit.reporting.content import SENTENCES, counted

RESULT_FILE = "result.json"
_MOST_NAMED = 12


@dataclass(frozen=True)
class FoundData:
    """Records by their number in the fit."""

    same: Mapping[int, Record] = field(default_factory=dict)
    """Those that hold the numbers of the fit."""
    other: Mapping[int, Record] = field(default_factory=dict)
    """Those of the same name that hold other numbers."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """Why a record is not among the same, by its name."""
    paths: tuple[str, ...] = ()
    """Where they were found, absolute, as the loader takes it."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a report must say of the records it cannot show; empty where all are there."""
        if not self.faults:
            return ()
        by_reason: dict[str, list[str]] = {}
        for name, reason in self.faults.items():
            by_reason.setdefault(reason.removeprefix(f"{name}: ").rstrip("."), []).append(name)
        total = counted(len(self.faults) + len(self.same), "record")
        head = SENTENCES["not_at_hand"].format(missing=len(self.faults), total=total)
        notes = [head]
        for reason, names in by_reason.items():
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            notes.append(f"{', '.join(names[:_MOST_NAMED])}{more}: {reason}.")
        return tuple(notes)


def find_data(result: FitResult, folder: Path, given: Sequence[Path] = ()) -> FoundData:
    """Look for the records of a result.

    Parameters
    ----------
    result : FitResult
    folder : Path
        Of result.json, where the search begins.
    given : sequence of Path, optional
        Where to look instead.

    Raises
    ------
    InputError
        The place given is not there, or has not one record of the fit.
    """
    same: dict[int, Record] = {}
    other: dict[int, Record] = {}
    faults: dict[str, str] = {}
    paths: tuple[str, ...] = ()
    missing = [path for path in given if not path.exists()]
    if missing:
        raise InputError(f"{missing[0]}: expected a folder or a file, found nothing of this name.")
    files = [item.file for item in result.inputs]
    for place in [given] if given else places_of(result.data, folder, files):
        records, unreadable = load_readable(place)
        match = match_records(result, records)
        if not paths and match.records:
            paths = tuple(os.path.abspath(path) for path in place)  # noqa: PTH100 - symlinks stay
        same = {**match.records, **same}
        named = {record.name: record for record in records}
        other = {**{k: named[i.file] for k, i in enumerate(result.inputs) if i.file in named}, **other}
        faults = {**unreadable, **match.faults, **faults}
        if len(same) == len(result.inputs):
            break
    gone = {
        item.file: faults.get(item.file, SENTENCES["gone"])
        for k, item in enumerate(result.inputs)
        if k not in same
    }
    if given and gone and not same and not other:
        raise InputError(f"{given[0]}: expected the data of this fit, found none of its records.")
    return FoundData(same, {k: r for k, r in other.items() if k not in same}, gone, paths)


def load(paths: Path | str | Sequence[Path | str]) -> Device:
    """Everything measured on one device.

    Parameters
    ----------
    paths : path, or sequence of paths
        A folder, a device.toml, or the files.

    Raises
    ------
    InputError
        Nothing there is usable, or a file cannot be read.
    """
    return load_device(paths)


def read_result(path: Path | str) -> FitResult:
    """A stored result.

    Parameters
    ----------
    path : path
        A result.json, or the folder it is in.

    Raises
    ------
    InputError
        There is none, it cannot be read or has another layout.
    """
    file = result_file(path)
    text = read_text(file)
    try:
        return FitResult.from_json(text)
    except InputError as problem:
        raise InputError(f"{file}: {problem}") from problem


def result_file(path: Path | str) -> Path:
    """The file, where its folder was given.

    Parameters
    ----------
    path : path
        Of a result.json, or of the folder it is in.
    """
    given = Path(path)
    return given / RESULT_FILE if given.is_dir() else given


def read_text(file: Path) -> str:
    """The text of a result.json.

    Parameters
    ----------
    file : Path
        Read as UTF-8.

    Raises
    ------
    InputError
        It cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        why = "it is no text in UTF-8"
        if isinstance(problem, OSError):
            why = (problem.strerror or str(problem)).lower()
        raise InputError(f"{file}: expected a {RESULT_FILE} of `memfit fit`; {why}.") from problem
