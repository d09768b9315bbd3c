"""Files and folders that appear whole or not at all, and what memfit wrote into a folder.

What is written goes to a temporary sibling first and takes its name in one step of the file system, so
that an interruption leaves either what was there or the new one. The list of what memfit wrote stands in the
folder itself, `written.json`: {"about": what they are about, "files": {name: digest}}; a later run takes away
those that are out of date. Only a file that is in the list and still has its digest is ever removed.
"""

import ctypes
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePath, PurePosixPath
from secrets import token_hex
from typing import Any

from memfit.errors import OutputError
from memfit.locks import held

WRITTEN = "written.json"


def is_file(path: Path) -> bool:
    """Whether there is a file of this name, which may be too long or otherwise impossible.

    Parameters
    ----------
    path : Path
    """
    return os.path.isfile(path)  # noqa: PTH113 - `Path.is_file` stops at names that cannot be


def printable(name: str) -> str:
    """A name of a file or folder as text: bytes that are no UTF-8 as backslash and number.

    Parameters
    ----------
    name : str
        As the operating system gives it.
    """
    return name.encode("utf-8", "backslashreplace").decode()


def is_draft(name: str) -> bool:
    """Whether a name is one that memfit gives what is not finished.

    Parameters
    ----------
    name : str
        Of a file or folder, or a way that leads through one.
    """
    return any(part.startswith(".") and part.endswith(".part") for part in PurePath(name).parts)


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
    except (OSError, ValueError, RecursionError):
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


def _remove_unchanged(folder: Path, names: list[str]) -> None:
    """Remove files that are still as they are listed, and the folders that are empty then."""
    listing = read_listing(folder) or Listing()
    for name in names:
        path = folder / name
        if not _is_unchanged(path, listing.files.get(name)):
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


_LONGEST_NAME = 100
"""Bytes of a name that come again in the name of its draft."""
_OLD = "-old.part"
"""End of the name of a folder that is being replaced, where that takes two steps."""
_GLANCE = 0.1
"""Seconds between two looks at drafts that are held."""
UNFINISHED = "unfinished.json"
"""Where an interrupted command keeps what is done; a folder that has it may be written to, to go on."""


def check_free(out: Path, *, overwrite: bool) -> None:
    """Refuse a place that is taken or cannot be written, before any work is done for it.

    Raises
    ------
    OutputError
        There is a file of this name, or a folder that is not empty and may not be overwritten, or nothing can
        be written there.
    """
    with _told_of(out, "folder"):
        if out.exists() and not out.is_dir():
            raise OutputError(f"{out}: expected a folder to write to, found a file. Choose another name.")
        going_on = (out / UNFINISHED).is_file()
        if out.is_dir() and not overwrite and not going_on and any(out.iterdir()):
            raise OutputError(
                f"{out}: the folder is there and not empty. Choose another, or add --overwrite."
            )
        place = _place_of(out)
        near = next(folder for folder in place.parents if folder.exists())
        with draft_beside(near / place.name, Path.mkdir):
            pass  # it can be made


def _place_of(out: Path) -> Path:
    """The absolute path of a folder, which has a name of its own."""
    place = out.resolve() if out.name in ("", "..") else out.absolute()
    if not place.name:
        raise OutputError(f"{out}: expected a folder to write to, found the root of all. Choose another.")
    return place


@contextmanager
def _told_of(place: Path, what: str) -> Iterator[None]:
    """Turn an error of the operating system into a sentence about what is to be written."""
    try:
        yield
    except OSError as problem:
        raise OutputError(
            f"{place}: cannot be written ({problem.strerror or problem}). Choose another {what}."
        ) from problem


@contextmanager
def whole_folder(out: Path, *, overwrite: bool, about: str | None = None) -> Iterator[Path]:
    """A folder to fill, which becomes `out` when the block ends without an error.

    Where `out` exists, the new files replace those of the same names, all at once: whoever looks, and
    whenever it is killed, there is the old one or the new. Of the others those go that memfit listed as
    its own (see `listing`), that are about something else and that nobody has changed. A working folder is
    filled file by file, since whoever is in it would be left in the old one.

    Parameters
    ----------
    out : Path
    overwrite : bool
        Whether a folder that is not empty may be written to.
    about : str, optional
        What the files are about; "" is the same as nothing before. Without it no list is made; where there is
        one the new files join it.

    Raises
    ------
    OutputError
        As `check_free`, or the folder cannot be written.
    """
    check_free(out, overwrite=overwrite)
    with _told_of(out, "folder"):
        place = _place_of(out)
        place.parent.mkdir(parents=True, exist_ok=True)
        with draft_beside(place, Path.mkdir) as draft, told_as(draft, out):
            yield draft
            _publish(draft, out, about)


@contextmanager
def told_as(draft: Path, place: Path) -> Iterator[None]:
    """Where something in a draft cannot be written, name the place that it would have had."""
    try:
        yield
    except OutputError as problem:
        raise OutputError(str(problem).replace(str(draft), str(place))) from problem


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, text in UTF-8, that appears whole or not at all.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    with whole_file(path) as draft:
        draft.write_bytes(printable(content).encode() if isinstance(content, str) else content)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """An empty file to fill, which becomes `path` when the block ends without an error.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OutputError
        It cannot be written.
    """
    with (
        _told_of(path, "name"),
        draft_beside(path, partial(Path.touch, exist_ok=False)) as draft,
    ):
        yield draft
        draft.replace(path)


def make_folder(path: Path) -> None:
    """A folder, if there is none.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    with _told_of(path, "folder"):
        path.mkdir(parents=True, exist_ok=True)


@contextmanager
def draft_beside(place: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """Something empty beside what it may become, gone in the end; what killed processes left goes at once.

    Parameters
    ----------
    place : Path
        What it may become; the draft has a hidden name beside it.
    make : callable
        Makes a file or a folder of a name.
    """
    shown = os.fsencode(place.name)[:_LONGEST_NAME].decode(errors="ignore")
    left = re.compile(rf"\.{re.escape(shown)}\.[^.]+\.part")
    while True:
        draft = place.with_name(f".{shown}.{token_hex(4)}.part")
        try:
            make(draft)
            with held(draft) as ours:
                if ours is False or not draft.exists():
                    continue  # somebody took it for one that was left
                for beside in draft.parent.iterdir():
                    if left.fullmatch(beside.name) and not beside.is_symlink():
                        _take_away(beside, place)
                yield draft
                return
        finally:
            try:
                _remove(draft)
            except KeyboardInterrupt:  # just now
                _remove(draft)
                raise


def clear_drafts(folder: Path, *, patience: float = 0.0) -> None:
    """Remove a folder of drafts, but for those that a process holds.

    Parameters
    ----------
    folder : Path
        May be absent.
    patience : float, s
        How long to wait for processes that are about to end.
    """
    end = time.monotonic() + patience
    while True:
        kept = False
        with suppress(OSError):
            for draft in folder.iterdir():
                with held(draft) as ours:
                    kept = kept or (ours is False and os.path.lexists(draft))
                    if ours is not False:
                        _remove(draft)
        if not kept or time.monotonic() >= end:
            break
        time.sleep(_GLANCE)
    with suppress(OSError):
        folder.rmdir()


def _take_away(left: Path, place: Path) -> None:
    """Remove what a killed process left of something, if nobody holds it."""
    with held(left) as ours:
        if ours and left.name.endswith(_OLD) and not place.exists():
            left.rename(place)  # it was killed between the two steps
        elif ours:
            _remove(left)


def _remove(path: Path) -> None:
    """Remove a file or a folder, as far as that is possible."""
    with suppress(OSError):
        path.unlink()
        return
    shutil.rmtree(path, ignore_errors=True)


def _publish(draft: Path, out: Path, about: str | None) -> None:
    """Give the finished folder its name, or move its files into the folder that has it."""
    listing, outdated = listing_after(out, draft, about)
    there = out.exists()
    if not there or (_may_be_swapped(out) and _carry_over(out, draft, outdated)):
        if listing is not None:
            write_whole(draft / WRITTEN, listing.to_json())
        if not there:
            draft.replace(out)
            return
        _swap(draft, out)
        _carry_over(draft, out, [*outdated, WRITTEN])  # what somebody wrote meanwhile
        return
    for source in sorted(path for path in draft.rglob("*") if path.is_file()):
        target = out / source.relative_to(draft)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    if listing is not None:
        _remove_unchanged(out, outdated)
        write_whole(out / WRITTEN, listing.to_json())


def _may_be_swapped(out: Path) -> bool:
    """Whether a folder can be replaced as a whole: nobody is in it, and it is no place of its own."""
    try:
        here = Path.cwd().resolve()
    except OSError:
        return False
    place = out.resolve()
    return not (out.is_symlink() or os.path.ismount(out) or here == place or place in here.parents)


def _carry_over(source: Path, target: Path, outdated: list[str]) -> bool:
    """Link into a folder what another one has more, but for what is out of date and unchanged.

    Returns
    -------
    bool
        False where something cannot be linked.
    """
    files = (read_listing(source) or Listing()).files
    gone = {name for name in outdated if _is_unchanged(source / name, files.get(name))}
    try:
        for path in sorted(source.rglob("*")):
            name = path.relative_to(source)
            there = target / name
            if os.path.lexists(there) or name.as_posix() in gone:
                continue
            if path.is_dir() and not path.is_symlink():
                inside = [one.relative_to(source).as_posix() for one in path.rglob("*") if not one.is_dir()]
                if not inside or not gone.issuperset(inside):
                    there.mkdir(parents=True)
                    shutil.copystat(path, there)
            else:
                os.link(path, there, follow_symlinks=False)
    except (OSError, NotImplementedError):
        return False
    return True


def _is_unchanged(path: Path, digest: str | None) -> bool:
    """Whether a file is still as it is listed."""
    return path.is_file() and not path.is_symlink() and _digest(path) == digest


_AT_WORKING_FOLDER, _EXCHANGE = -100, 2


def _swap(draft: Path, out: Path) -> None:
    """Exchange two folders in one step, where the system has one."""
    try:
        exchange = ctypes.CDLL(None, use_errno=True).renameat2
        new, old = os.fsencode(draft), os.fsencode(out.absolute())
        if not exchange(_AT_WORKING_FOLDER, new, _AT_WORKING_FOLDER, old, _EXCHANGE):
            return
    except (OSError, AttributeError, TypeError):  # not Linux
        pass
    away = draft.with_name(f"{draft.name.removesuffix('.part')}{_OLD}")
    out.replace(away)
    try:
        draft.replace(out)
    except OSError:
        away.replace(out)
        raise
    away.replace(draft)
