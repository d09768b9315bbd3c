"""What a batch came to: how many results can be used, and what became of the others."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from memfit.batch.columns import Row
from memfit.batch.jobs import DEVICES

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
        plain = asdict(self)
        return {**plain, "out": str(self.out), "failures": [asdict(failure) for failure in self.failures]}


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
    seen = _Seen()
    for row in rows:
        if _key(row) in keys:
            seen.note(row)
        else:
            seen.strangers += 1
    duplicates = {name: tuple(found) for name, found in seen.folders.items() if len(found) > 1}
    return BatchSummary(
        out=out,
        devices=len(keys),
        fitted=counts.get("fitted", 0),
        unchanged=counts.get("unchanged", 0),
        seconds=round(seconds, 3),
        statuses=dict(seen.statuses.most_common()),
        usable=seen.usable,
        failures=tuple(seen.failures),
        duplicates=duplicates,
        notes=(*notes, *_same_names(duplicates), *_strangers(seen.strangers), *_versions(seen.versions)),
    )


@dataclass
class _Seen:
    """What is kept of rows that come one by one."""

    usable: int = 0
    strangers: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    folders: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    versions: set[str] = field(default_factory=set)

    def note(self, row: Row) -> None:
        """One more device."""
        if row["state"] != "fitted":
            self.failures.append(_failure(row))
            return
        self.usable += bool(row["usable"])
        self.statuses[str(row["status"])] += 1
        self.folders[str(row["device"])].append(_key(row))
        self.versions.add(str(row["memfit_version"]))


def _failure(row: Row) -> Failure:
    """A row without a result."""
    return Failure(
        device=_key(row), cause=str(row["cause"] or row["state"]), message=str(row["message"] or "")
    )


def _key(row: Row) -> str:
    """The device's folder, relative to ROOT."""
    return str(row["folder"]).removeprefix(f"{DEVICES}/")


def _same_names(duplicates: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence for each name that several devices have; beyond a few, how many more there are."""
    more = len(duplicates) - _MOST_NAMES
    return [_same_name(name, duplicates[name]) for name in list(duplicates)[:_MOST_NAMES]] + (
        [f"{more} more names are shared by several devices."] if more > 0 else []
    )


def _same_name(name: str, keys: Sequence[str]) -> str:
    """A sentence on a name that several devices have."""
    return (
        f"{len(keys)} devices are called {name!r}: {', '.join(keys[:4])}{', ...' if len(keys) > 4 else ''}; "
        "they are told apart by their folders."
    )


def _strangers(count: int) -> list[str]:
    """A sentence on results whose device is not under ROOT."""
    if not count:
        return []
    return [
        f"{count} more in OUT belong to devices that are not under ROOT (any more); they were left alone."
    ]


def _versions(found: Collection[str]) -> list[str]:
    """A sentence where results come from several versions of memfit."""
    if len(found) < 2:
        return []
    makers = " and ".join(sorted(found))
    return [f"The results were made by memfit {makers}; choose another OUT to fit all of them anew."]
