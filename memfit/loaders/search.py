"""The measurements of a stored result: where they were, relative to it or absolutely, or next to it."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from memfit.loaders.manifest import MANIFEST

_PART = re.compile(r" \[.*\]$| \(.*\)$")
_DATA_FOLDER = "data"


def places_of(stored: Mapping[str, Any], folder: Path, names: Sequence[str]) -> Iterator[list[Path]]:
    """Places where the measurements may be, the likeliest first; each as `load_device` takes it.

    Parameters
    ----------
    stored : mapping
        The `data` of a result: "relative" and "paths".
    folder : Path
        Of the result.
    names : sequence of str
        Of the records.
    """
    seen = set()
    for place in _all_places(stored, folder, names):
        paths = [Path(os.path.normpath(path)) for path in place]
        if any(path.exists() for path in paths) and tuple(paths) not in seen:
            seen.add(tuple(paths))
            yield paths


def _all_places(stored: Mapping[str, Any], folder: Path, names: Sequence[str]) -> Iterator[list[Path]]:
    """Where they were, then the folder of the result, its `data`, and the folder above."""
    yield [folder / path for path in _texts(stored.get("relative"))]
    yield [Path(path) for path in _texts(stored.get("paths"))]
    files = list(dict.fromkeys(_PART.sub("", name) for name in names))
    for near in (folder, folder / _DATA_FOLDER, folder.absolute().parent):
        there = [near / name for name in files if (near / name).is_file()]
        if there and (near / MANIFEST).is_file():
            yield [near / MANIFEST]
        yield there


def _texts(value: Any) -> list[str]:
    """The texts in a list; nothing where it is no list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def located(paths: Sequence[str], folder: Path) -> dict[str, list[str]]:
    """The `data` of a result that is written to a folder.

    Parameters
    ----------
    paths : sequence of str
        Absolute.
    folder : Path
        That result.json will stand in.
    """
    try:
        relative = [Path(os.path.relpath(path, folder.absolute())).as_posix() for path in paths]
    except ValueError:  # another drive of Windows
        relative = []
    return {"paths": list(paths), "relative": relative}
