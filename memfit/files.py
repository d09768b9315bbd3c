"""Files and folders that appear whole or not at all, and what memfit wrote into a folder.

What is written goes to a temporary sibling first and takes its name in one step of the file system, so
that an interruption leaves either what was there or the new one. The list of what memfit wrote stands in the
folder itself, `written.json`: {"about": what they are about, "files": {name: digest}}; a later run takes away
those that are out of date. Only a file that is in the list and still has its digest is ever removed.
"""

import ctypes
import glob
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Any

from memfit.errors import OutputError

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
"""Letters of a folder's name that come again in the name of its draft."""
_OLD = "-old.part"
"""End of the name of a folder that is being replaced, where that takes two steps."""
UNFINISHED = "unfinished.json"
"""Where an interrupted command keeps what is done; a folder that has it may be written to, to go on."""


def check_free(out: Path, *, overwrite: bool) -> None:
    """Refuse a place that is taken, before any work is done for it.

    Raises
    ------
    OutputError
        There is a file of this name, or a folder that is not empty and may not be overwritten.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: expected a folder to write to, found a file. Choose another name.")
    if (out / UNFINISHED).is_file():
        return
    if out.is_dir() and not overwrite and any(out.iterdir()):
        raise OutputError(f"{out}: the folder exists and is not empty. Choose another, or add --overwrite.")


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
    with _draft_beside(out) as draft:
        try:
            yield draft
            _publish(draft, out, about)
        except OSError as problem:
            raise OutputError(
                f"{out}: cannot be written ({problem.strerror or problem}). Choose another folder."
            ) from problem


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, text in UTF-8, that appears whole or not at all.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    draft = path.with_name(f".{path.name[:_LONGEST_NAME]}.{os.getpid()}.part")
    try:
        draft.write_bytes(printable(content).encode() if isinstance(content, str) else content)
        draft.replace(path)
    except OSError as problem:
        draft.unlink(missing_ok=True)
        raise OutputError(
            f"{path}: cannot be written ({problem.strerror or problem}). Choose another name."
        ) from problem


def make_folder(path: Path) -> None:
    """A folder, if there is none.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(
            f"{path}: cannot be written ({problem.strerror or problem}). Choose another folder."
        ) from problem


@contextmanager
def _draft_beside(out: Path) -> Iterator[Path]:
    """An empty folder on the same file system as `out`, gone in the end; with it those of killed runs."""
    parent, shown = out.absolute().parent, out.name[:_LONGEST_NAME]
    try:
        parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".new.", suffix=".part", dir=parent))
        made.chmod(0o777 & ~_umask())
    except OSError as problem:
        raise OutputError(
            f"{out}: cannot be written ({problem.strerror or problem}). Choose another folder."
        ) from problem
    draft = parent / f".{shown}.{made.name.removeprefix('.new.')}"
    with _held(made):
        made.rename(draft)
        for left in parent.glob(f".{glob.escape(shown)}.*.part"):
            if left != draft and left.is_dir() and not left.is_symlink():
                with _held(left) as ours:
                    if ours and left.name.endswith(_OLD) and not out.exists():
                        left.rename(out)  # it was killed between the two steps
                    elif ours:
                        shutil.rmtree(left, ignore_errors=True)
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """A folder locked by this process; False where another one has it, or where folders cannot be locked."""
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows
        yield False
        return
    try:
        yield locked(number)
    finally:
        os.close(number)


def _umask() -> int:
    """The permissions that new files are denied; it can only be read by setting it."""
    current = os.umask(0o022)
    os.umask(current)
    return current


def _publish(draft: Path, out: Path, about: str | None) -> None:
    """Give the finished folder its name, or move its files into the folder that has it."""
    listing, outdated = listing_after(out, draft, about)
    if not out.exists():
        if listing is not None:
            write_whole(draft / WRITTEN, listing.to_json())
        draft.replace(out)
        return
    if _may_be_swapped(out) and _carry_over(out, draft, outdated):
        if listing is not None:
            write_whole(draft / WRITTEN, listing.to_json())
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
        names = os.fsencode(draft), os.fsencode(out.absolute())
        if not exchange(_AT_WORKING_FOLDER, names[0], _AT_WORKING_FOLDER, names[1], _EXCHANGE):
            return
    except (OSError, AttributeError, TypeError):  # not Linux
        pass
    old = draft.with_name(f"{draft.name.removesuffix('.part')}{_OLD}")
    out.replace(old)
    try:
        draft.replace(out)
    except OSError:
        old.replace(out)
        raise
    old.replace(draft)


def locked(lock: IO[Any] | int, *, wait: bool = False) -> bool:
    """Take a lock of the operating system, which goes with the process, however that ends.

    Parameters
    ----------
    lock : open file, or its number
        Locked until it is closed.
    wait : bool
        Until whoever has it gives it back.

    Returns
    -------
    bool
        False where another process has it. A file system without locks has none to give.
    """
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - there is none elsewhere

        number = lock if isinstance(lock, int) else lock.fileno()
        try:
            msvcrt.locking(number, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl  # noqa: PLC0415 - there is none on Windows

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
