"""The build of the compiled integrator: how functions are compiled, where machine code is kept, who makes it.

Machine code is kept beside the file of the entry or, where that cannot be written, in the user's cache
folder; importing compiles nothing. Numba looks for changes in the file of the entry only: `edition` is a
number that stands for the other sources, and the entry has to close over it.
"""

import contextlib
import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numba

SOURCES = tuple(sorted(Path(__file__).parent.glob("*.py")))
"""Files that the machine code is made of."""

_lock = threading.Lock()
_prepared: set[str] = set()


def compile_part(function: Any) -> Any:
    """Compile as part of an entry, which alone is kept on disk.

    Division is NumPy's (no exception), multiplication and addition may fuse; NaN and infinity keep their
    meaning.

    Parameters
    ----------
    function : function
    """
    return numba.njit(nogil=True, error_model="numpy", fastmath={"contract"})(function)


def inline_part(function: Any) -> Any:
    """Compile into the body of its one caller, so that the whole is not optimised again at every level.

    Parameters
    ----------
    function : function
    """
    return numba.njit(nogil=True, error_model="numpy", fastmath={"contract"}, inline="always")(function)


def compile_entry(function: Callable[..., Any]) -> Any:
    """Compile the function that Python calls; machine code stays on disk where a folder can be written.

    Parameters
    ----------
    function : function
    """
    settings: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **settings)(function)
    except RuntimeError:  # no folder at all can be written
        return numba.njit(**settings)(function)


def edition(names: Sequence[str]) -> int:
    """A number that changes with any of the sources, or with the names that give arrays their sizes.

    Parameters
    ----------
    names : sequence of str
        Of the parameters that the machine code is given.
    """
    digest = hashlib.sha256(
        b"".join(path.read_bytes() for path in SOURCES) + " ".join(names).encode()
    ).digest()
    return int.from_bytes(digest[:7], "big")


def is_compiled(entry: Any) -> bool:
    """Whether machine code of an entry is on disk, so that the first call will not have to compile.

    Parameters
    ----------
    entry : compiled function
        From `compile_entry`.
    """
    if not hasattr(entry, "stats"):  # compilation is off
        return True
    folder = _cache_folder(entry)
    if folder is None:  # nothing is kept
        return False
    newest = max(source.stat().st_mtime for source in SOURCES)
    return any(index.stat().st_mtime >= newest for index in folder.glob(_indices(entry)))


def prepare(entry: Any) -> None:
    """Have an entry compiled by another process, if it never was: by `call_once` of its module.

    Code that this process compiles rounds otherwise, in the last digit, than the same code read from the
    disk. All processes shall do the latter, so that a fit gives the same numbers after the first time too.

    Parameters
    ----------
    entry : compiled function
        From `compile_entry`.
    """
    module = entry.__module__
    if module in _prepared:
        return
    folder = _cache_folder(entry)
    with _lock:
        if folder is not None and not is_compiled(entry):
            program = (
                f"import sys; sys.path[:] = {sys.path!r}; "
                f"from importlib import import_module; import_module({module!r}).call_once()"
            )
            with contextlib.suppress(OSError, subprocess.SubprocessError):  # then this process compiles
                subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)  # noqa: S603
                for index in folder.glob(_indices(entry)):
                    index.touch()  # newer than sources that were only copied, whose code was there already
        _prepared.add(module)


def _indices(entry: Any) -> str:
    """Files that say which machine code of an entry is on disk; numba names them by its file."""
    file = entry.__module__.rpartition(".")[2]
    return f"{file}.*{entry.__name__}-*.nbi"


def _cache_folder(entry: Any) -> Path | None:
    """Where machine code is kept; None where compilation is off or nothing can be written."""
    path = getattr(getattr(entry, "stats", None), "cache_path", None)
    return Path(path) if path else None
