"""A folder, a device.toml or some files to a `Device`; and where the measurements of a stored result are.

With a list of [[measurement]]s in device.toml exactly those files are read. Without one every file of
the folder and of its parts below (see `folders`) is tried: what is plainly no measurement (README, pictures,
results) is left out with a note, a table that cannot be read is an error. The measurements of a result are
looked for where they were, relative to it or absolutely, then next to it.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from memfit.datasets import Device, Record, without_copies
from memfit.errors import FileFormatError, InputError, ManifestError
from memfit.files import printable
from memfit.loaders.folders import MANIFEST, Below, is_other, look_below, question
from memfit.loaders.manifest import Manifest, read_manifest
from memfit.loaders.raw import FileSettings
from memfit.loaders.registry import is_measurement, read_file

_PART = re.compile(r" \[.*\]$| \(.*\)$")
_DATA_FOLDER = "data"

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
    missing = [path for path in given if not os.path.exists(path)]  # noqa: PTH110 - names may be impossible
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
    manifest, settings = folder / MANIFEST, Manifest()
    with suppress(ManifestError):
        settings = read_manifest(manifest) if manifest.is_file() else settings
    if settings.measurements:
        return (manifest, *dict.fromkeys(folder / entry.file for entry in settings.measurements))
    below = look_below(folder, is_measurement, settings.subfolders)
    return tuple(path for path in below.files if path == manifest or not is_other(path))


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
    manifest, folder = read_manifest(path, whole=faults is None), path.parent
    if not manifest.measurements:
        return _discover(folder, manifest, faults)
    records: list[Record] = []
    notes: list[str] = []
    for entry in manifest.measurements:
        settings = replace(entry.settings, device_area=manifest.area)
        try:
            records += _read(folder / entry.file, settings, entry.file, faults)
        except FileFormatError as error:
            if not entry.pattern or is_measurement(folder / entry.file):
                raise
            notes.append(f"Left out: {error}")
    listed = {os.path.normpath(folder / entry.file) for entry in manifest.measurements}
    others = [p for p in look_below(folder, is_measurement, manifest.subfolders).files if not is_other(p)]
    unlisted = [p.relative_to(folder).as_posix() for p in others if os.path.normpath(p) not in listed]
    notes += [f"{name} is not listed in {path.name} and was not read." for name in unlisted]
    return _make(manifest, path.resolve().parent.name, records, notes, ordered=True)


def _discover(folder: Path, manifest: Manifest, faults: Faults) -> Device:
    """Every file that holds measurements, of a folder and of the parts below it.

    Raises
    ------
    InputError
        There is none, or it is unclear whether those below are of one device.
    """
    records: list[Record] = []
    notes: list[str] = []
    settings = FileSettings(device_area=manifest.area)
    below = look_below(folder, is_measurement, manifest.subfolders)
    files = [path for path in below.files if path.name != MANIFEST]  # its settings are in the manifest
    for path in files:
        name = path.relative_to(folder).as_posix()
        if is_other(path):
            notes.append(f"{name} is no measurement and was left out.")
            continue
        try:
            records += read_file(path, settings, name=name)
        except FileFormatError as error:
            if is_measurement(path) and faults is None:
                if len(files) == 1 or MANIFEST in str(error):
                    raise
                more = f"To leave the file out list the others in {MANIFEST}, as `memfit init FOLDER` does."
                raise FileFormatError(f"{error} {more}") from error
            if faults is not None:
                faults[name] = str(error)
            notes.append(f"Left out: {error}")
    if not records and not below.strangers:
        names = ", ".join(path.name for path in files[:8]) + (", ..." if len(files) > 8 else "")
        raise InputError(
            f"{folder}: expected measurements (tables such as CSV with a header, or instrument files) or a "
            f"{MANIFEST}; found {names or 'no files'}."
        )
    if manifest.subfolders is None and faults is None:
        notes += _judge_parts(folder, below, records)
    return _make(manifest, folder.resolve().name, records, notes)


def _judge_parts(folder: Path, below: Below, records: Sequence[Record]) -> list[str]:
    """What to say of the folders below that were not read.

    Raises
    ------
    InputError
        It is unclear whether what lies below is of one device.
    """
    stated = sorted({record.metadata["device"] for record in records if record.metadata.get("device")})
    if not records:
        raise InputError(question(folder, below.strangers))
    if below.samples:
        raise InputError(question(folder, below.parts, f"files of {', '.join(below.samples)} in each of"))
    if len(stated) > 1 and below.parts:
        raise InputError(question(folder, below.parts, f"files of {' and '.join(stated)} in"))
    if not below.strangers:
        return []
    names = ", ".join(path.name for path in below.strangers)
    answer = f"If they are of this device, say subfolders = true in the [device] of {MANIFEST}, else false."
    return [f"The folders below were not read: {names}. {answer}"]


def _make(
    manifest: Manifest,
    folder: str,
    records: Sequence[Record],
    notes: Sequence[str],
    *,
    ordered: bool = False,
) -> Device:
    """The device, named by device.toml, else by its files, else by its folder."""
    kept, said = without_copies(records)
    stated = {record.metadata["device"] for record in records if record.metadata.get("device")}
    name = printable(manifest.name or (stated.pop() if len(stated) == 1 else "") or folder or "device")
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
            ordered=ordered,
        )
    except InputError as error:
        raise ManifestError(str(error)) from error
