"""Data sets of an HDF5 file, read in a process of its own: the library ends it on some damaged files.

Run as a script it takes the file from the standard input and gives the arrays, packed by numpy, to the
standard output; it imports next to nothing of memfit, so that it starts at once.
"""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from memfit.isolation import isolated

_START = f"import runpy; runpy.run_path({__file__!r}, run_name='__main__')"
_SECONDS = 120.0
_MOST_BYTES = 256 * 1024**2
_ABSENT = 3
"""Exit code where h5py is not installed."""


def arrays_of(data: bytes) -> Iterator[tuple[str, Any, str]]:
    """Path, values and unit of every data set of numbers.

    Parameters
    ----------
    data : bytes
        Of the file.

    Raises
    ------
    ImportError
        h5py is not installed.
    ValueError
        The file is damaged.
    """
    try:
        ran = subprocess.run(  # noqa: S603 - this file, by this Python
            isolated(_START), input=data, capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"it could not be read within {_SECONDS:g} s") from error
    if ran.returncode == _ABSENT:
        raise ImportError("h5py")
    if ran.returncode != 0:
        said = ran.stderr.decode("utf-8", errors="replace").strip().splitlines()
        raise ValueError(said[-1][:200] if said and ran.returncode == 1 else "the HDF5 library gave up")
    with np.load(io.BytesIO(ran.stdout), allow_pickle=False) as packed:
        names = json.loads(str(packed["names"]))
        found = [(path, packed[f"array_{k}"], unit) for k, (path, unit) in enumerate(names)]
    yield from found


def _main() -> int:
    """The script."""
    try:
        import h5py  # noqa: PLC0415 - optional
    except ImportError:
        return _ABSENT
    names: list[tuple[str, str]] = []
    arrays: dict[str, Any] = {}

    def keep(path: str, item: object) -> None:
        if not isinstance(item, h5py.Dataset) or item.size is None or item.nbytes > _MOST_BYTES:
            return
        if item.dtype.kind not in "fiuc" and not item.dtype.names:
            return
        stated = [item.attrs.get(key) for key in ("unit", "units", "Unit", "Units")]
        unit = next((text for text in stated if isinstance(text, str | bytes)), "")
        arrays[f"array_{len(names)}"] = item[()]
        names.append((path, unit.decode("utf-8") if isinstance(unit, bytes) else str(unit)))

    try:
        with h5py.File(io.BytesIO(sys.stdin.buffer.read()), "r") as file:
            file.visititems(keep)
    except Exception as problem:
        sys.stderr.write(f"{type(problem).__name__}: {problem}\n")
        return 1
    np.savez(sys.stdout.buffer, names=np.array(json.dumps(names)), **arrays)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
