"""Locks of the operating system, which go with the process that has them, however that ends."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


def locked(lock: IO[Any] | int, *, wait: bool = False) -> bool:
    """Take a lock.

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
    return _lock(lock, wait=wait) is not False


def _lock(lock: IO[Any] | int, *, wait: bool = False) -> bool | None:
    """As `locked`, but None where the file system has no locks."""
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
        return None
    return True


@contextmanager
def held(path: Path) -> Iterator[bool | None]:
    """Lock a file or folder while this lasts: False where another process has it, None where nobody can tell.

    Parameters
    ----------
    path : Path
    """
    if sys.platform == "win32":  # what is open cannot be renamed
        yield None
        return
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        yield False
        return
    try:
        yield _lock(number)
    finally:
        os.close(number)
