"""A folder, a device.toml or some files to a `Device`; and where the measurements of a stored result are.

With a list of [[measurement]]s in device.toml exactly those files are read. Without one every file of
the folder is tried: what is plainly no measurement (README, pictures, results) is left out with a note,
a table that cannot be read is an error. The measurements of a result are looked for where they were, relative
to it or absolutely, then next to it.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from memfit.datasets import Device, Record, without_copies
from memfit.errors import FileFormatError, InputError, ManifestError
from memfit.loaders.formats import READERS
from memfit.loaders.manifest import MANIFEST, Manifest, read_manifest
from memfit.loaders.raw import FileSettings
from memfit.loaders.registry import plugged_in, read_file

_PART = re.compile(r" \[.*\]$| \(.*\)$")
_DATA_FOLDER = "data"
_OTHER_SUFFIXES = frozenset(
    [
        ".md",
        ".rst",
        ".toml",
        ".json",
        ".html",
        ".htm",
        ".pdf",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".svg",
        ".tif",
        ".tiff",
        ".py",
        ".ipynb",
        ".tex",
        ".docx",
        ".doc",
        ".pptx",
        ".zip",
        ".gz",
        ".log",
        ".yaml",
        ".yml",
        ".ini",
        ".tmp",
        ".bak",
        ".lock",
        ".m",
        ".opj",
        ".opju",
    ]
)
_OTHER_NAMES = re.compile(
    r"(readme|licen[cs]e|notes?|truth|changelog|parameters|residuals|result|report|index|manifest)(\b|_).*",
    re.IGNORECASE,
)
_DATA_SUFFIXES = frozenset({".csv", ".tsv", ".xlsx"})

Faults = dict[str, str] | None
"""Where faults are collected by file, or None where the first one is an error."""


def places_of(stored: Mapping[str, Any], folder: Path, names: Sequence[str]) -> Iterator[list[Path]]:
    """Places where the measurements may be, the likeliest first; each as `load_device` takes it.

    Where they were, then the folder of the result, its `data`, and the folder above.

    Parameters
    ----------
    stored : mapping
        The `data` of a result: "relative" and "paths".
    folder : Path
        Of the result.
    names : sequence of str
        Of the records.
    """
    places = [
        [root / text for text in texts if isinstance(text, str)]
        for root, texts in ((folder, stored.get("relative")), (Path(), stored.get("paths")))
        if isinstance(texts, list)
    ]
    files = list(dict.fromkeys(_PART.sub("", name) for name in names))
    for near in (folder, folder / _DATA_FOLDER, folder.absolute().parent):
        there = [near / name for name in files if (near / name).is_file()]
        if there and (near / MANIFEST).is_file():
            places.append([near / MANIFEST])
        places.append(there)
    seen = set()
    for place in places:
        paths = [Path(os.path.normpath(path)) for path in place]
        if any(path.exists() for path in paths) and tuple(paths) not in seen:
            seen.add(tuple(paths))
            yield paths


def located(paths: Sequence[str], folder: Path) -> dict[str, list[str]]:
    """The `data` of a result that is written to a folder.

    Parameters
    ----------
    paths : sequence of str
        Absolute.
    folder : Path
        That result.json will stand in.
    """
    try:
        relative = [Path(os.path.relpath(path, folder.absolute())).as_posix() for path in paths]
    except ValueError:  # another drive of Windows
        relative = []
    return {"paths": list(paths), "relative": relative}


def load_device(paths: Path | str | Sequence[Path | str]) -> Device:
    """Everything measured on one device.

    Parameters
    ----------
    paths : path, or sequence of paths
        A folder, a device.toml, or the files.

    Raises
    ------
    InputError
        Nothing there is usable, a file cannot be read, device.toml has mistakes.
    """
    given = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    if not given:
        raise InputError("Expected a folder, a device.toml or files; found nothing.")
    missing = [path for path in given if not path.exists()]
    if missing:
        raise InputError(f"{missing[0]}: expected a folder or a file, found nothing of this name.")
    return replace(_load(given), paths=tuple(os.path.abspath(path) for path in given))  # noqa: PTH100 - without symlinks resolved


def load_readable(paths: Sequence[Path]) -> tuple[tuple[Record, ...], Mapping[str, str]]:
    """Records of a device of which parts may be gone or damaged.

    Parameters
    ----------
    paths : sequence of Path
        As for `load_device`.

    Returns
    -------
    records : tuple of Record
        Those that can be read.
    faults : mapping of str to str
        What is wrong with the others, by name of the file.
    """
    there = [path for path in paths if path.exists()]
    faults = {path.name: "it is not there" for path in paths if path not in there}
    if not there:
        return (), faults
    try:
        return _load(there, faults).records, faults
    except InputError as error:
        return (), {**faults, there[0].name: str(error)}


def _load(paths: Sequence[Path], faults: Faults = None) -> Device:
    """The device of a folder, a device.toml or files that exist."""
    if len(paths) == 1 and paths[0].is_dir():
        manifest = paths[0] / MANIFEST
        if manifest.is_file():
            return _load_manifest(manifest, faults)
        return _discover(paths[0], Manifest(), faults)
    if len(paths) == 1 and paths[0].suffix.lower() == ".toml":
        return _load_manifest(paths[0], faults)
    wrong = [path for path in paths if path.is_dir() or path.suffix.lower() == ".toml"]
    if wrong:
        raise InputError(
            f"{wrong[0]}: expected files only, or one folder, or one device.toml; found a mixture."
        )
    records: list[Record] = []
    ordered = sorted(dict.fromkeys(paths), key=lambda path: (path.name, str(path)))
    twice = len({path.name for path in ordered}) < len(ordered)
    for path in ordered:
        records += _read(path, None, f"{path.parent.name}/{path.name}" if twice else None, faults)
    folder = ordered[0].resolve().parent.name
    return _make(Manifest(), ordered[0].stem if len(ordered) == 1 else folder, records, [])


def files_of(folder: Path) -> tuple[Path, ...]:
    """Every file that the device of a folder depends on, device.toml included; for digests.

    A device.toml with mistakes stands together with everything else in the folder.

    Parameters
    ----------
    folder : Path
    """
    manifest = folder / MANIFEST
    candidates = [path for path in _files(folder) if path.name == MANIFEST or not _is_other(path)]
    if not manifest.is_file():
        return tuple(candidates)
    try:
        listed = read_manifest(manifest).measurements
    except ManifestError:
        return tuple(candidates)
    if not listed:
        return tuple(candidates)
    return (manifest, *dict.fromkeys(folder / entry.file for entry in listed))


def holds_measurements(folder: Path) -> bool:
    """Whether a folder without a device.toml has files that are meant as measurements.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    InputError
        The folder cannot be read.
    """
    return any(not _is_other(path) and _is_measurement(path) for path in _files(folder))


def _read(path: Path, settings: FileSettings | None, name: str | None, faults: Faults) -> Sequence[Record]:
    """The records of a file; none, and the fault noted, where faults are collected."""
    try:
        return read_file(path, settings, name=name)
    except InputError as error:
        if faults is None:
            raise
        faults[name or path.name] = str(error)
        return ()


def _load_manifest(path: Path, faults: Faults) -> Device:
    """The device of a device.toml."""
    manifest = read_manifest(path, whole=faults is None)
    if not manifest.measurements:
        return _discover(path.parent, manifest, faults)
    records: list[Record] = []
    for entry in manifest.measurements:
        settings = replace(entry.settings, device_area=manifest.area)
        records += _read(path.parent / entry.file, settings, entry.file, faults)
    listed = {entry.file for entry in manifest.measurements}
    others = [p.name for p in _files(path.parent) if p.name not in listed and not _is_other(p)]
    notes = [f"{name} is not listed in {path.name} and was not read." for name in others]
    return _make(manifest, path.resolve().parent.name, records, notes)


def _discover(folder: Path, manifest: Manifest, faults: Faults) -> Device:
    """Every file of a folder that holds measurements."""
    records: list[Record] = []
    notes: list[str] = []
    settings = FileSettings(device_area=manifest.area)
    files = [path for path in _files(folder) if path.name != MANIFEST]  # its settings are in the manifest
    for path in files:
        if _is_other(path):
            notes.append(f"{path.name} is no measurement and was left out.")
            continue
        try:
            records += read_file(path, settings)
        except FileFormatError as error:
            if _is_measurement(path) and faults is None:
                raise
            if faults is not None:
                faults[path.name] = str(error)
            notes.append(f"Left out: {error}")
    if not records:
        names = ", ".join(path.name for path in files[:8]) + (", ..." if len(files) > 8 else "")
        raise InputError(
            f"{folder}: expected measurements (tables such as CSV with a header, or instrument files) or a "
            f"{MANIFEST}; found {names or 'no files'}."
        )
    return _make(manifest, folder.resolve().name, records, notes)


def _make(manifest: Manifest, folder: str, records: Sequence[Record], notes: Sequence[str]) -> Device:
    """The device, named by device.toml, else by its files, else by its folder."""
    kept, said = without_copies(records)
    stated = {record.metadata["device"] for record in records if record.metadata.get("device")}
    name = manifest.name or (stated.pop() if len(stated) == 1 else "") or folder or "device"
    names = [record.name for record in kept]  # tidy files carry that of their record
    try:
        return Device(
            name=name,
            records=tuple(
                replace(record, name=f"{record.name} ({record.origin.file})")
                if names.count(record.name) > 1
                and record.origin.file
                and record.origin.file not in record.name
                else record
                for record in kept
            ),
            area=manifest.area,
            temperature=manifest.temperature,
            attributes=manifest.attributes,
            settings=manifest.fit,
            notes=(*notes, *said),
        )
    except InputError as error:
        raise ManifestError(str(error)) from error


def _files(folder: Path) -> list[Path]:
    """Files of a folder that are not hidden, by name."""
    try:
        return sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith((".", "~$")))
    except OSError as error:
        raise InputError(f"{folder}: the folder cannot be read: {error.strerror or error}.") from error


def _is_other(path: Path) -> bool:
    """True for files that nobody means as a measurement."""
    return path.suffix.lower() in _OTHER_SUFFIXES or _OTHER_NAMES.fullmatch(path.stem) is not None


def _is_measurement(path: Path) -> bool:
    """True for files that are meant as measurements, so that a fault in them must not pass.

    Those with the extension of a table or of an instrument, and texts with rows of numbers.
    """
    known = _DATA_SUFFIXES.union(*(reader.suffixes for reader in (*plugged_in(), *READERS)))
    if path.suffix.lower() in known:
        return True
    text = path.read_bytes()[:20_000].decode("latin-1")
    numeric = [
        line
        for line in text.splitlines()
        if re.match(r"\s*[-+]?[\d.]+([eE][-+]?\d+)?[\s,;]+[-+]?[\d.]", line)
    ]
    return len(numeric) >= 3
