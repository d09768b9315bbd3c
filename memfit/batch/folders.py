"""Which folders under ROOT hold a device.

A folder with a device.toml is a device, whatever lies below it. Without one, a folder of measurements is a
device if no device lies deeper. Hidden folders, folders that hold results and the output of the batch
itself are passed over.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from memfit.batch.jobs import CHECKPOINT, RESULT
from memfit.errors import InputError
from memfit.loaders.device import holds_measurements
from memfit.loaders.manifest import MANIFEST

_NOT_DEVICES = (RESULT, CHECKPOINT)


@dataclass(frozen=True)
class Found:
    """Device folders, and what should be known about the search."""

    folders: Mapping[str, Path]
    """By path relative to ROOT, with slashes, in order; by its name where ROOT itself is the device."""
    notes: tuple[str, ...] = ()


def find_devices(root: Path, out: Path) -> Found:
    """Every device folder under `root`.

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
