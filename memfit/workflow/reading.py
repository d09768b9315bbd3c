"""Read what was measured, and what a fit found."""

from collections.abc import Sequence
from pathlib import Path

from memfit.datasets.device import Device
from memfit.errors import InputError
from memfit.fitting.result import FitResult
from memfit.loaders.device import load_device

RESULT_FILE = "result.json"


def load(paths: Path | str | Sequence[Path | str]) -> Device:
    """Everything measured on one device.

    Parameters
    ----------
    paths : path, or sequence of paths
        A folder, a device.toml, or the files.

    Raises
    ------
    InputError
        Nothing there is usable, or a file cannot be read.
    """
    return load_device(paths)


def read_result(path: Path | str) -> FitResult:
    """A stored result.

    Parameters
    ----------
    path : path
        A result.json, or the folder it is in.

    Raises
    ------
    InputError
        There is none, it cannot be read or has another layout.
    """
    file = result_file(path)
    text = read_text(file)
    try:
        return FitResult.from_json(text)
    except InputError as problem:
        raise InputError(f"{file}: {problem}") from problem


def result_file(path: Path | str) -> Path:
    """The file, where its folder was given."""
    given = Path(path)
    return given / RESULT_FILE if given.is_dir() else given


def read_text(file: Path) -> str:
    """The text of a result.json.

    Raises
    ------
    InputError
        It cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"{file}: expected a {RESULT_FILE} of `memfit fit`; {_why(problem)}.") from problem


def _why(problem: OSError | UnicodeDecodeError) -> str:
    """A cause in a few words."""
    if isinstance(problem, OSError):
        return (problem.strerror or str(problem)).lower()
    return "it is no text in UTF-8"
