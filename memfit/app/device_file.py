"""device.toml as the page edits it: every file of the folder in a table of its own, unused ones kept aside.

The text is a value: each edit gives a new one, checked as the command line checks it before anything is
written. Comments and order of a file that was there stay; patterns become the files they stand for.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import AoT, Table

from memfit.errors import InputError
from memfit.files import write_whole
from memfit.fitting import plan_for
from memfit.loaders.draft import draft_manifest
from memfit.loaders.folders import MANIFEST
from memfit.loaders.manifest import FileEntry, Manifest, read_manifest

_KEPT = "device.toml.bak"
"""The device.toml that was there before the page changed it."""


@dataclass(frozen=True)
class DeviceFile:
    """The text of a device.toml, and which of its measurements are left out."""

    text: str
    unused: frozenset[int] = frozenset()
    """Places, in the list of measurements, of those that are not used."""

    @property
    def written(self) -> str:
        """The text with the measurements that are used: what stands in the folder."""
        document = tomlkit.parse(self.text)
        listed = _measurements(document)
        for place in sorted(self.unused, reverse=True):
            if place < len(listed):
                del listed[place]
        return tomlkit.dumps(document)

    def entries(self) -> tuple[FileEntry, ...]:
        """Every measurement, used or not, in SI.

        Raises
        ------
        ManifestError
            Lists all mistakes.
        """
        return checked(self.text).measurements

    def with_measurement(self, place: int, key: str, value: Any) -> "DeviceFile":
        """With another value of a key of one measurement.

        Parameters
        ----------
        place : int
        key : str
        value : str, list, mapping or None
            None: without the key.

        Raises
        ------
        ManifestError
            The value cannot be.
        """
        document = tomlkit.parse(self.text)
        _put(_measurements(document)[place], key, value)
        return self._with(document)

    def with_table(self, table: str, values: Mapping[str, Any]) -> "DeviceFile":
        """With other values in [device] or [fit].

        Parameters
        ----------
        table : {"device", "fit"}
        values : mapping
            By key; None or an empty one: without the key.

        Raises
        ------
        ManifestError, ParameterError
            A value cannot be.
        """
        document = tomlkit.parse(self.text)
        if table not in document:
            document[table] = tomlkit.table()
        for key, value in values.items():
            _put(document[table], key, value)
        return self._with(document)

    def with_file(self, file: str) -> "DeviceFile":
        """With one more file in the list.

        Parameters
        ----------
        file : str
            With slashes, relative to the folder.
        """
        document = tomlkit.parse(self.text)
        entry = tomlkit.table()
        entry["file"] = file
        _measurements(document).append(entry)
        return self._with(document)

    def listing(self, file: str, place: int | None) -> tuple["DeviceFile", int]:
        """With a file in the list, if it is not there yet; and its place.

        Parameters
        ----------
        file : str
            With slashes, relative to the folder.
        place : int or None
            Where it stands, if it does.
        """
        if place is not None:
            return self, place
        more = self.with_file(file)
        return more, len(more.entries()) - 1

    def using(self, place: int, used: bool) -> "DeviceFile":
        """With a measurement used, or kept aside."""
        return replace(self, unused=self.unused - {place} if used else self.unused | {place})

    def _with(self, document: tomlkit.TOMLDocument) -> "DeviceFile":
        """Another text, if it is sound."""
        text = tomlkit.dumps(document)
        plan_for(checked(text).fit)
        return replace(self, text=text)


def checked(text: str) -> Manifest:
    """What a text says, read as `memfit fit` reads it.

    Parameters
    ----------
    text : str
        Of a device.toml; its files need not be there.

    Raises
    ------
    ManifestError
        Lists all mistakes.
    """
    return read_manifest(_NOWHERE / MANIFEST, whole=False, text=text)


_NOWHERE = Path(os.devnull)
"""A folder in which no pattern finds a file."""


def device_file_of(folder: Path) -> DeviceFile:
    """The device.toml of a folder with every file that it lists or finds; made anew where there is none.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    InputError
        device.toml has mistakes, or the folder holds no measurements.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return DeviceFile(_own_lines(draft_manifest(folder).text))
    text = path.read_text(encoding="utf-8")
    manifest = read_manifest(path, whole=False)
    document = tomlkit.parse(text)
    if not manifest.measurements:
        drafted = tomlkit.parse(_own_lines(draft_manifest(folder, subfolders=manifest.subfolders).text))
        document["measurement"] = drafted.get("measurement", tomlkit.aot())
        return DeviceFile(tomlkit.dumps(document))
    if any(entry.pattern for entry in manifest.measurements):
        listed = list(_measurements(document))
        expanded = tomlkit.aot()
        for item in listed:
            names = [e.file for e in manifest.measurements if e.pattern and e.pattern == item["file"]]
            for name in names or [item["file"]]:
                expanded.append(_copy(item, name))
        document["measurement"] = expanded
    return DeviceFile(tomlkit.dumps(document))


def _own_lines(draft: str) -> str:
    """A draft without the lines that tell how to complete it by hand: the page shows what is missing."""
    lines = draft.split("\n")
    kept = [line for line in lines if not line.startswith("#")]
    text = "\n".join(["# Written by `memfit app`.", *kept]).rstrip("\n") + "\n"
    return re.sub(r"\n{3,}", "\n\n", text)


def _copy(item: Table, name: str) -> Table:
    """A measurement for another file."""
    table = tomlkit.table()
    for key, value in item.items():
        table[key] = name if key == "file" else value
    return table


def _measurements(document: tomlkit.TOMLDocument) -> AoT:
    """The list of measurements."""
    if "measurement" not in document:
        document["measurement"] = tomlkit.aot()
    listed = document["measurement"]
    if not isinstance(listed, AoT):
        raise InputError(f"{MANIFEST}: expected [[measurement]] with two brackets for each file.")
    return listed


def _put(table: Any, key: str, value: Any) -> None:
    """Set a key, or remove it."""
    if value is None or value in ("", {}, [], ()):
        table.pop(key, None)
    elif isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        inline.update(dict(value))
        table[key] = inline
    else:
        table[key] = list(value) if isinstance(value, tuple) else value


def write_device_file(folder: Path, file: DeviceFile, last_seen: str | None) -> str:
    """Write device.toml; the one that was there before stays as device.toml.bak.

    Parameters
    ----------
    folder : Path
    file : DeviceFile
    last_seen : str or None
        What stood there when it was last read or written; None: nothing.

    Returns
    -------
    str
        What stands there now.

    Raises
    ------
    InputError
        Somebody else has changed it meanwhile.
    OutputError
        It cannot be written.
    """
    path, text = folder / MANIFEST, file.written
    there = path.read_text(encoding="utf-8") if path.is_file() else None
    if there == text:
        return text
    if there != last_seen:
        raise InputError(
            f"{MANIFEST} was changed by another tab or program; reload the page to take it as it is now."
        )
    if there is not None and not (folder / _KEPT).exists() and "`memfit app`" not in there:
        write_whole(folder / _KEPT, there)
    write_whole(path, text)
    return text
