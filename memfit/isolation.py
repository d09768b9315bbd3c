"""Python processes that import nothing from the folder they are started in.

Beside measurements there may be anything, also a json.py or a sitecustomize.py.
"""

import os
import sys
from pathlib import Path

_HOME = str(Path(__file__).resolve().parents[1])
"""The folder that the package is in."""


def isolated(program: str) -> list[str]:
    """The command by which another Python does something, with this very memfit.

    It compiles as and where this one does (optimised, nowhere, to another place), which `-I` alone forgets.

    Parameters
    ----------
    program : str
        A line of Python, which may import from memfit.
    """
    first = f"import sys; sys.path.insert(0, {_HOME!r}); import memfit; sys.path[:] = {search_path()!r}"
    options = ["-I", *(["-B"] if sys.dont_write_bytecode else []), *["-O"] * sys.flags.optimize]
    if sys.pycache_prefix is not None:
        options += ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    return [sys.executable, *options, "-c", f"{first}; {program}"]


def search_path() -> list[str]:
    """Where modules are looked for, but for the working folder."""
    try:
        here = os.path.realpath(Path.cwd())
    except OSError:  # it was removed
        here = ""
    return [entry for entry in sys.path if entry and os.path.realpath(entry) != here]


def leave_working_folder() -> None:
    """Take the working folder, which `python -m` puts first, off the search path of this process.

    memfit itself is found by then, and whatever it imports is looked for elsewhere.
    """
    sys.path[:] = search_path()
