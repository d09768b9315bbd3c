"""Files and folders that appear whole or not at all.

What is written goes to a temporary sibling first and takes its name in one step of the file system, so
that an interruption leaves either the old state or the new one.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memfit.errors import OutputError
from memfit.listing import WRITTEN, listing_after, remove_unchanged

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

    Where `out` exists, the new files replace those of the same names, one by one. Of the others those go that
    memfit listed as its own (see `listing`), that are about something else and that nobody has changed.

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
    draft = _draft_beside(out)
    try:
        yield draft
        _publish(draft, out, about)
    except OSError as problem:
        raise OutputError(
            f"{out}: cannot be written ({problem.strerror or problem}). Choose another folder."
        ) from problem
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, text in UTF-8, that appears whole or not at all.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)
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


def _draft_beside(out: Path) -> Path:
    """An empty folder on the same file system as `out`."""
    parent = out.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=parent))
        draft.chmod(0o777 & ~_umask())
    except OSError as problem:
        raise OutputError(
            f"{out}: cannot be written ({problem.strerror or problem}). Choose another folder."
        ) from problem
    return draft


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
    for source in sorted(path for path in draft.rglob("*") if path.is_file()):
        target = out / source.relative_to(draft)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    if listing is not None:
        remove_unchanged(out, outdated)
        write_whole(out / WRITTEN, listing.to_json())
