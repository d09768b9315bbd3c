"""Which files belong to a device: those of its folder, and of the folders below that are parts of it.

A folder is part of the device above where its name says nothing but what was measured in it or how ("EIS",
"IV curves", "Pulse", "raw data", "0.5 V"). Folders of other names may be other devices: whether they are is
asked, and `subfolders` in device.toml answers. A folder with a device.toml of its own, one that holds
results, and a hidden one are never parts.
"""

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from memfit.errors import InputError

MANIFEST = "device.toml"
RESULTS = frozenset({"result.json", "checkpoint.json"})
"""Files by which a folder is one of results."""
_OTHER_SUFFIXES = frozenset(
    {
        ".md", ".rst", ".toml", ".json", ".html", ".htm", ".pdf", ".png", ".jpg", ".jpeg", ".gif", ".svg",
        ".tif", ".tiff", ".py", ".ipynb", ".tex", ".docx", ".doc", ".pptx", ".zip", ".gz", ".log", ".yaml",
        ".yml", ".ini", ".tmp", ".bak", ".lock", ".m", ".opj", ".opju",
    }
)  # fmt: skip
_OTHER_NAMES = re.compile(
    r"(readme|licen[cs]e|notes?|truth|changelog|parameters|residuals|results?|report|index|manifest)(\b|_).*",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    r"(?<![A-Za-z\d.,])[-+m]?\d+(?:[.,p]\d+)?[ _]?[munpkµ]?(?:V|A|Hz|s)(?:[ _]?(?:/|per|p)?[ _]?s)?"
    r"(?![A-Za-z\d])",
    re.IGNORECASE,
)
_DIGITS = "0123456789"
_DEEPEST = 8
"""Folders below one another that are searched."""


@dataclass(frozen=True)
class Below:
    """What lies in a folder and in those below."""

    files: tuple[Path, ...]
    """Files of the folder itself and of its parts, README and pictures included."""
    parts: tuple[Path, ...] = ()
    """Folders right below that are parts of the device and hold measurements."""
    strangers: tuple[Path, ...] = ()
    """Folders right below that hold measurements and may be devices of their own."""
    measured: bool = False
    """Whether there are measurements in the folder or its parts."""

    @property
    def samples(self) -> tuple[str, ...]:
        """Names of samples that come again in several parts, where there are at least two such names."""
        found: dict[str, set[Path]] = {}
        for path in self.files:
            part = next((part for part in self.parts if part in path.parents), None)
            if part is not None and not is_other(path):
                for word in _unknown_words(path.stem, part.parent.name):
                    found.setdefault(word, set()).add(part)
        again = sorted(word for word, parts in found.items() if len(parts) > 1)
        return tuple(again) if len(again) > 1 else ()


@cache
def _words() -> frozenset[str]:
    """Words that name a part."""
    lists = tomllib.loads((Path(__file__).parent / "folders.toml").read_text(encoding="utf-8"))
    return frozenset(word for text in lists.values() for word in text.split())


def _unknown_words(name: str, above: str) -> list[str]:
    """Words of a name, in small letters: no technique, no quantity, none of the name above."""
    rest = _parted(_QUANTITY.sub(" ", name))
    given = {word.lower() for word in re.findall(r"[^\W_]+", above)}
    unknown = []
    for word in re.findall(r"[^\W_]+", rest.lower()):
        plain = word.strip(_DIGITS)
        if word in given or not plain or (plain in _words() and len(word) - len(plain) <= 3):
            continue
        unknown.append(word)
    return unknown


def is_part(name: str, above: str) -> bool:
    """Whether the name of a folder says only what was measured in it, or how.

    Parameters
    ----------
    name, above : str
        Of the folder, and of the one above, whose words may come again ("7B/7B_EIS").
    """
    if _unknown_words(name, above):
        return False
    words = {word.strip(_DIGITS) for word in re.findall(r"[^\W_]+", _parted(name).lower())}
    return bool(words & _words()) or _QUANTITY.search(name) is not None


def _parted(name: str) -> str:
    """A name with blanks where small and capital letters meet ("EISdata", "rawData"), and "I-V" as "IV"."""
    name = re.sub(r"(?<![^\W_])([ijcIJC])[-_ ]([vV])(?![^\W_])", r"\1\2", name)
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z]{2})(?=[a-z]{3})", " ", name)


def look_below(folder: Path, is_measurement: Callable[[Path], bool], subfolders: bool | None = None) -> Below:
    """What belongs to the device of a folder, and what may not.

    Parameters
    ----------
    folder : Path
    is_measurement : callable
        Whether a file is meant as a measurement: `registry.is_measurement`.
    subfolders : bool, optional
        As device.toml says: True, everything below is of this device; False, nothing.

    Raises
    ------
    InputError
        The folder cannot be read.
    """
    return _look(folder, is_measurement, subfolders, frozenset())


def _look(
    folder: Path, is_measurement: Callable[[Path], bool], subfolders: bool | None, above: frozenset[Path]
) -> Below:
    """As `look_below`; `above` are the folders that it lies in, which a link may lead back to."""
    files, below = list_folder(folder)
    above |= {folder.resolve()}
    measured = any(not is_other(path) and is_measurement(path) for path in files)
    if subfolders is False or len(above) > _DEEPEST:
        return Below(tuple(files), measured=measured)
    parts, strangers = [], []
    for sub in below:
        if sub.resolve() in above or _OTHER_NAMES.fullmatch(sub.name):
            continue
        try:
            inside = _look(sub, is_measurement, subfolders, above)
        except InputError:  # it may not be read
            continue
        names = {path.name for path in inside.files if path.parent == sub}
        if names & RESULTS or not (inside.strangers or inside.measured):
            continue
        known = is_part(sub.name, folder.name) and not inside.strangers
        if MANIFEST not in names and (subfolders or known):
            parts.append(sub)
            files += inside.files
            measured = measured or inside.measured
        else:
            strangers.append(sub)
    return Below(tuple(files), tuple(parts), tuple(strangers), measured)


def list_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files and folders in a folder that are not hidden, by name.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    InputError
        The folder cannot be read.
    """
    try:
        there = sorted(p for p in folder.iterdir() if not p.name.startswith((".", "~$")))
        return [p for p in there if p.is_file()], [p for p in there if p.is_dir()]
    except OSError as error:
        raise InputError(f"{folder}: the folder cannot be read: {error.strerror or error}.") from error


def question(folder: Path, strangers: Iterable[Path], why: str = "") -> str:
    """What to ask where folders may be parts of one device or devices of their own.

    Parameters
    ----------
    folder : Path
    strangers : iterable of Path
    why : str
        What makes it unclear.
    """
    names = [path.name for path in strangers]
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return (
        f"{folder}: expected the measurements of one device, found {why or 'folders of devices:'} {shown}. "
        f"If they are one device, write {MANIFEST} there with the lines [device] and subfolders = true "
        "(`memfit init FOLDER --subfolders` does); if they are several, give one of them, or fit all with "
        "`memfit batch ROOT -o OUT`."
    )


def is_other(path: Path) -> bool:
    """True for files that nobody means as a measurement.

    Parameters
    ----------
    path : Path
    """
    return path.suffix.lower() in _OTHER_SUFFIXES or _OTHER_NAMES.fullmatch(path.stem) is not None
