"""Files that were dropped on the page: names without ways, of kinds that are measurements, not too many.

A browser hands over names and contents. They become a new folder below the opened one; a name is never a
path, and nothing that is there is replaced.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from memfit.errors import InputError
from memfit.files import make_folder, write_whole
from memfit.loaders.folders import MANIFEST, is_other

_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"|?*]')
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Settings:
    """What may be dropped."""

    files: int = 500
    """At once."""
    one: int = 50 * 2**20
    """Bytes of a file."""
    all: int = 140 * 2**20
    """Bytes of all files."""
    longest_name: int = 150


SETTINGS = Settings()


def plain_name(name: str) -> str:
    """The name of a dropped file, of which a browser may give the way as well.

    Parameters
    ----------
    name : str

    Raises
    ------
    InputError
        It is none that a file can have everywhere.
    """
    own = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if (
        not own
        or own.startswith((".", "~"))
        or _FORBIDDEN.search(own)
        or _WINDOWS_DEVICES.fullmatch(own)
        or len(own.encode()) > SETTINGS.longest_name
    ):
        raise InputError(f"{name[:80]!r}: expected the name of a file; hidden and odd names are not taken.")
    return own


def contents_of(text: str, name: str) -> bytes:
    """The bytes of a dropped file.

    Parameters
    ----------
    text : str
        As the browser sends it: "data:...;base64,...".
    name : str

    Raises
    ------
    InputError
        It is too large, or it is not that.
    """
    head, comma, body = text.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        raise InputError(f"{name}: expected a file, found something else.")
    if len(body) > SETTINGS.one * 4 // 3 + 4:
        raise InputError(f"{name}: expected at most {SETTINGS.one // 2**20} MB, found more.")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise InputError(f"{name}: it did not arrive whole; drop it again.") from problem


def store(root: Path, names: Sequence[str], texts: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """Put dropped files into a new folder.

    Parameters
    ----------
    root : Path
        The opened folder.
    names, texts : sequences of str
        As the browser sends them.

    Returns
    -------
    Path
        The new folder.
    tuple of str
        What was left out, and why; a sentence each.

    Raises
    ------
    InputError
        There are too many, they are too large, or none can be taken.
    OutputError
        The folder cannot be written.
    """
    if len(names) > SETTINGS.files:
        raise InputError(f"Expected at most {SETTINGS.files} files at once, found {len(names)}.")
    taken: dict[str, bytes] = {}
    left_out: list[str] = []
    for name, text in zip(names, texts, strict=True):
        try:
            own = plain_name(name)
            if own in taken:
                raise InputError(f"{own}: two files have this name; the first is taken.")  # noqa: TRY301
            if own != MANIFEST and is_other(Path(own)):
                raise InputError(f"{own}: this is no measurement and was left out.")  # noqa: TRY301
            taken[own] = contents_of(text, own)
        except InputError as problem:
            left_out.append(str(problem))
    if sum(map(len, taken.values())) > SETTINGS.all:
        raise InputError(f"Expected at most {SETTINGS.all // 2**20} MB at once, found more.")
    if not set(taken) - {MANIFEST}:
        raise InputError(f"None of these can be measurements. {' '.join(left_out[:3])}".strip())
    number = 1
    while (folder := root / f"dropped-{number}").exists():
        number += 1
    make_folder(folder)
    for own, content in taken.items():
        write_whole(folder / own, content)
    return folder, tuple(left_out)
