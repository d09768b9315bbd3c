"""Which files of a folder memfit wrote there, so that a later run can take away those that are out of date.

The list stands in the folder itself, `written.json`: {"about": what they are about, "files": {name: digest}}.
Only a file that is in the list and still has its digest is ever removed; whatever else is there stays.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

WRITTEN = "written.json"


@dataclass(frozen=True)
class Listing:
    """What memfit wrote into a folder."""

    about: str = ""
    """Of what; files about the same thing belong together, and "" is never the same."""
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 (hexadecimal) by name, relative to the folder, with slashes."""

    def to_json(self) -> str:
        """The text of the list."""
        return json.dumps({"about": self.about, "files": dict(sorted(self.files.items()))}, indent=1) + "\n"


def read_listing(folder: Path) -> Listing | None:
    """The list in a folder; None where there is none, or where it cannot be understood."""
    try:
        data = json.loads((folder / WRITTEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    files: Any = data.get("files") if isinstance(data, dict) else None
    if not isinstance(files, dict):
        return None
    known = {name: digest for name, digest in files.items() if isinstance(digest, str) and _is_below(name)}
    return Listing(str(data.get("about", "")), known)


def _is_below(name: str) -> bool:
    """Whether a name leads to a place inside its folder."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\\" not in name


def file_names(folder: Path) -> list[str]:
    """Files at any depth, relative to the folder, with slashes."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    """SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()


def listing_after(folder: Path, draft: Path, about: str | None) -> tuple[Listing | None, list[str]]:
    """The list of a folder once the files of a draft are in it, and the names that are out of date then.

    Parameters
    ----------
    folder : Path
        As it is now; may be absent.
    draft : Path
        The files to come.
    about : str, optional
        What these are about; without it they join what is listed, if anything is.
    """
    earlier = read_listing(folder)
    new = {name: _digest(draft / name) for name in file_names(draft)}
    if about is None:
        return (None if earlier is None else Listing(earlier.about, {**earlier.files, **new})), []
    if earlier is None:
        return Listing(about, new), []
    if about and earlier.about == about:
        return Listing(about, {**earlier.files, **new}), []
    return Listing(about, new), [name for name in earlier.files if name not in new]


def remove_unchanged(folder: Path, names: list[str]) -> None:
    """Remove files that are still as they are listed, and the folders that are empty then."""
    listing = read_listing(folder) or Listing()
    for name in names:
        path = folder / name
        if path.is_symlink() or not path.is_file() or _digest(path) != listing.files.get(name):
            continue
        path.unlink()
        for parent in path.relative_to(folder).parents[:-1]:
            if any((folder / parent).iterdir()):
                break
            (folder / parent).rmdir()


def others(folder: Path) -> list[str]:
    """Files in a folder that memfit has not listed there."""
    listing = read_listing(folder) or Listing()
    return [name for name in file_names(folder) if name not in listing.files and name != WRITTEN]
