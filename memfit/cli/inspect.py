"""`memfit inspect`: what a file holds, and all that reading it decided."""

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from memfit.cli.console import Console, print_json
from memfit.cli.main import USABLE
from memfit.errors import InputError
from memfit.loaders.device import load_device
from memfit.loaders.inspection import inspect_file
from memfit.loaders.manifest import MANIFEST, read_manifest
from memfit.loaders.raw import NO_SETTINGS, FileSettings
from memfit.loaders.registry import read_file, read_tables
from memfit.loaders.source import open_source

if TYPE_CHECKING:
    from memfit.arrays import FloatArray
    from memfit.datasets.records import Record


def run(given: Namespace) -> int:
    """Read and tell, and draw where asked."""
    picture = Path(given.plot) if given.plot is not None else None
    if picture is not None:
        _check_name(picture, overwrite=given.overwrite)
    files = [pair for source in given.files for pair in _files(Path(source))]
    reports = [inspect_file(path, settings) for path, settings in files]
    if given.json:
        print_json({"files": [report.to_dict() for report in reports]})
    else:
        print("\n\n".join("\n".join(report.lines()) for report in reports))
    if picture is not None:
        _draw(picture, files, overwrite=given.overwrite)
        Console(given.quiet, given.verbose).say(f"Drawn to {picture}")
    return USABLE


def _check_name(picture: Path, *, overwrite: bool) -> None:
    """Refuse a name before anything is read."""
    from memfit.reporting.picture import check_picture  # noqa: PLC0415 - matplotlib, which a listing can spare

    check_picture(picture, overwrite=overwrite)


def _draw(picture: Path, files: Sequence[tuple[Path, FileSettings | None]], *, overwrite: bool) -> None:
    """One picture of all records; of a file that is no record yet, its columns."""
    from memfit.reporting.picture import write_picture  # noqa: PLC0415 - matplotlib, which a listing can spare

    records: list[Record] = []
    columns: Mapping[str, FloatArray] = {}
    for path, settings in files:
        try:
            records += read_file(path, settings)
        except InputError:  # a recording that waits for a word of device.toml: inspect_file has said so
            columns = columns or read_tables(open_source(path), settings or NO_SETTINGS)[1][0].columns
    write_picture(picture, records, columns, overwrite=overwrite)


def _files(path: Path) -> Iterator[tuple[Path, FileSettings | None]]:
    """A file, or the measurements of a folder with what its device.toml says of each."""
    if not path.is_dir():
        yield path, None
        return
    manifest = read_manifest(path / MANIFEST) if (path / MANIFEST).is_file() else None
    if manifest is not None and manifest.measurements:
        for entry in manifest.measurements:
            yield path / entry.file, replace(entry.settings, device_area=manifest.area)
        return
    for name in dict.fromkeys(record.origin.file for record in load_device(path).records):
        yield path / name, None
