"""`memfit inspect`: what a file holds, and all that reading it decided."""

import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from memfit.arrays import FloatArray
from memfit.cli.console import Console, print_json
from memfit.cli.main import FAILED, USABLE
from memfit.errors import InputError
from memfit.loaders.device import files_of, load_device
from memfit.loaders.inspection import FileReport, inspect_file
from memfit.loaders.manifest import MANIFEST, Manifest, read_manifest
from memfit.loaders.raw import NO_SETTINGS, FileSettings
from memfit.loaders.registry import read_file, read_tables
from memfit.loaders.source import open_source

if TYPE_CHECKING:
    from memfit.datasets.records import Record


def run(given: Namespace) -> int:
    """Read and tell, and draw where asked."""
    console = Console(given.quiet, given.verbose)
    picture = Path(given.plot) if given.plot is not None else None
    if picture is not None:
        _check_name(picture, overwrite=given.overwrite)
    sources = [Path(source) for source in given.files]
    files = [pair for source in sources for pair in _files(source)]
    reports, faults = _inspected(files)
    if given.json:
        print_json({"files": [report.to_dict() for report in reports], "faults": list(map(str, faults))})
    else:
        print("\n\n".join("\n".join(report.lines()) for report in reports))
    if picture is not None:
        _draw(picture, files, overwrite=given.overwrite)
        console.say(f"Drawn to {picture}")
    return _told(console, sources, faults)


def _inspected(
    files: Sequence[tuple[Path, FileSettings | None]],
) -> tuple[list[FileReport], list[InputError]]:
    """What the files hold, and what is wrong with those that cannot be read.

    Raises
    ------
    InputError
        None of them can be read.
    """
    reports: list[FileReport] = []
    faults: list[InputError] = []
    for path, settings in files:
        try:
            reports.append(inspect_file(path, settings))
        except InputError as problem:
            faults.append(problem)
    if faults and not reports:
        raise faults[0]
    return reports, faults


def _told(console: Console, sources: Sequence[Path], faults: Sequence[InputError]) -> int:
    """Say which files were not read, and whether a fit would stop at them."""
    stops = any(not source.is_dir() for source in sources)
    for folder in (source for source in sources if source.is_dir()):
        try:
            notes = load_device(folder).notes
        except InputError:
            stops = True
            continue
        for note in notes:
            console.say(note)
    if not (faults and stops):
        return USABLE
    for fault in faults:
        print(f"memfit inspect: {fault}", file=sys.stderr)
    console.say("A fit would stop here: mend the files, move them away, or list the others in device.toml.")
    return FAILED


def _check_name(picture: Path, *, overwrite: bool) -> None:
    """Refuse a name before anything is read."""
    from memfit.reporting.writers.folder import check_picture  # noqa: PLC0415 - matplotlib, which a listing can spare

    check_picture(picture, overwrite=overwrite)


def _draw(picture: Path, files: Sequence[tuple[Path, FileSettings | None]], *, overwrite: bool) -> None:
    """One picture of all records; of a file that is no record yet, its columns."""
    from memfit.reporting.writers.folder import write_picture  # noqa: PLC0415 - matplotlib, which a listing can spare

    records: list[Record] = []
    columns: Mapping[str, FloatArray] = {}
    for path, settings in files:
        try:
            records += read_file(path, settings)
        except InputError:  # inspect_file has said so; a recording may wait for a word of device.toml
            columns = columns or _columns(path, settings)
    write_picture(picture, records, columns, overwrite=overwrite)


def _columns(path: Path, settings: FileSettings | None) -> Mapping[str, FloatArray]:
    """Columns of a table that is no record; none where it is no table."""
    try:
        return read_tables(open_source(path), settings or NO_SETTINGS)[1][0].columns
    except InputError:
        return {}


def _files(path: Path) -> list[tuple[Path, FileSettings | None]]:
    """A file, or those of a folder with what its device.toml says of each."""
    if not path.is_dir():
        return [(path, None)]
    manifest = read_manifest(path / MANIFEST) if (path / MANIFEST).is_file() else Manifest()
    if manifest.measurements:
        return [
            (path / entry.file, replace(entry.settings, device_area=manifest.area))
            for entry in manifest.measurements
        ]
    files = [file for file in files_of(path) if file.name != MANIFEST]
    if not files:
        load_device(path)  # which says what is missing
    return [(file, FileSettings(device_area=manifest.area)) for file in files]
