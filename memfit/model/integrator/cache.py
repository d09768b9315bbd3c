"""Machine code on disk: kept in a folder that only its user can write, and made again where it is damaged.

Numba reads its files as pickles, which can execute anything and end in any error: what others may
write is not read, and a file is read only if it still has the digest that was noted when it was compiled.
Another process compiles, once for each kind of processor, while all others wait for it; none of these writes.
"""

import contextlib
import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numba
from llvmlite import binding as llvm

from memfit.errors import OutputError
from memfit.files import write_whole
from memfit.isolation import isolated
from memfit.locks import locked

_log = logging.getLogger(__name__)
_PRIVATE = 0o700
_WRITABLE_BY_OTHERS = 0o022
_NOTED = "digests.json"
_LOCK = "lock"
_lock = threading.Lock()
_prepared: set[str] = set()


def compile_entry(function: Callable[..., Any]) -> Any:
    """Compile the function that Python calls; machine code stays on disk where a folder is safe.

    Parameters
    ----------
    function : callable
    """
    settings: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    folder = private_folder()
    if folder is None:
        return numba.njit(**settings)(function)
    config: Any = numba.config
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder / _machine())
    try:
        return numba.njit(cache=True, **settings)(function)
    except RuntimeError:  # the folder cannot be written
        return numba.njit(**settings)(function)
    finally:
        config.CACHE_DIR = before


def private_folder() -> Path | None:
    """The folder for machine code, of which only this user can write; None where there can be none."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or _usual_folder() / "memfit")
    try:
        folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        known = folder.stat()
    except OSError:
        return None
    if hasattr(os, "getuid") and (known.st_uid != os.getuid() or known.st_mode & _WRITABLE_BY_OTHERS):
        _log.warning(
            "%s: others can write this folder, so that no machine code is kept there and each start compiles "
            "anew. Take the permission away: chmod 700 %s",
            folder,
            folder,
        )
        return None
    return folder


def _machine() -> str:
    """A name for what machine code depends on beside its sources: several machines may share a home."""
    config: Any = numba.config
    known = (llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), config.CPU_NAME)
    how = (config.CPU_FEATURES, config.OPT, sys.flags.optimize, numba.__version__)
    return hashlib.sha256(repr((*known, *how)).encode()).hexdigest()[:16]


def _usual_folder() -> Path:
    """Where programs of this user keep what can be made again."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def is_compiled(entry: Any, sources: Sequence[Path]) -> bool:
    """Whether sound machine code of an entry is on disk, so that the first call will not have to compile.

    Parameters
    ----------
    entry : compiled function
    sources : sequence of Path
        Files that its machine code is made of.
    """
    if not hasattr(entry, "stats"):  # compilation is off
        return True
    folder = _folder_of(entry)
    if folder is None:  # nothing is kept
        return False
    newest = max(source.stat().st_mtime for source in sources)
    indices = [file for file in _files(entry, folder) if file.suffix == ".nbi"]
    return _is_sound(entry, folder) and any(index.stat().st_mtime >= newest for index in indices)


def prepare(entry: Any, sources: Sequence[Path]) -> None:
    """Have an entry compiled by another process, if it never was: by `call_once` of its module.

    Code that this process compiles rounds otherwise, in the last digit, than the same code read from the
    disk. All processes shall do the latter, so that a fit gives the same numbers after the first time too.

    Parameters
    ----------
    entry : compiled function
    sources : sequence of Path
        Files that its machine code is made of.
    """
    module = entry.__module__
    if module in _prepared:
        return
    folder = _folder_of(entry)
    with _lock:
        if module not in _prepared and folder is not None and hasattr(entry, "stats"):
            with contextlib.suppress(OSError, OutputError), _alone(folder):
                if not is_compiled(entry, sources):
                    _compile(entry, folder)
            entry._cache.save_overload = _write_nothing  # it would not be noted, and the disk may be full
        _prepared.add(module)


def _write_nothing(*_: object) -> None:
    """What a process does with code that it had to compile itself."""


def _compile(entry: Any, folder: Path) -> None:
    """Let another process compile, and note what it wrote."""
    if _files(entry, folder) and not _is_sound(entry, folder):
        _log.warning("%s: machine code there is damaged or not memfit's; it is made again.", folder)
    for file in _files(entry, folder):
        file.unlink()
    program = f"from importlib import import_module; import_module({entry.__module__!r}).call_once()"
    try:
        subprocess.run(isolated(program), check=True, capture_output=True)  # noqa: S603 - this very Python
    except subprocess.SubprocessError:  # then this process compiles, for itself
        for file in _files(entry, folder):
            file.unlink()
        return
    for file in _files(entry, folder):
        file.touch()  # newer than sources that were only copied, whose code was there already
    noted = {**_noted(folder), **_digests(_files(entry, folder))}
    there = {name: digest for name, digest in noted.items() if (folder / name).exists()}
    write_whole(folder / _NOTED, json.dumps(there, indent=1))


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process compiles."""
    folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        locked(lock, wait=True)
        yield


def _is_sound(entry: Any, folder: Path) -> bool:
    """Whether there are files of an entry, all as they were when they were compiled."""
    found = _digests(_files(entry, folder))
    noted = _noted(folder)
    return bool(found) and all(noted.get(name) == digest for name, digest in found.items())


def _noted(folder: Path) -> dict[str, Any]:
    """Digests by name of the file."""
    try:
        noted = json.loads((folder / _NOTED).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _digests(files: Sequence[Path]) -> dict[str, str]:
    """SHA-256 by name."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _files(entry: Any, folder: Path) -> list[Path]:
    """What numba keeps of an entry, index and machine code; it names them by the module."""
    file = entry.__module__.rpartition(".")[2]
    return sorted(path for path in folder.glob(f"{file}.*{entry.__name__}-*.nb[ic]") if path.is_file())


def _folder_of(entry: Any) -> Path | None:
    """Where machine code is kept; None where compilation is off or nothing can be written."""
    path = getattr(getattr(entry, "stats", None), "cache_path", None)
    return Path(path) if path else None
