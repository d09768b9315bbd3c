"""`memfit inspect`: what files hold, and all that reading them decided; `memfit convert`: that as CSV."""

import re
from argparse import Namespace
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from memfit.cli.console import (
    FAILED,
    USABLE,
    Command,
    Console,
    Parser,
    add_files,
    add_json,
    add_overwrite,
    print_json,
)
from memfit.cli.streams import tell
from memfit.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memfit.arrays import FloatArray
    from memfit.datasets import Record
    from memfit.loaders.inspection import FileReport
    from memfit.loaders.raw import FileSettings

    FileToRead = tuple[Path, FileSettings | None, str]


def _add_inspect_options(parser: Parser) -> None:
    add_files(parser)
    parser.add_argument(
        "--plot", metavar="PICTURE", help="draw what was read into this file (.svg, .png or .pdf)"
    )
    add_overwrite(parser)
    add_json(parser)


def _inspect(given: Namespace) -> int:
    """Read and tell, and draw where asked."""
    from memfit.datasets import identities
    from memfit.loaders.device import load_device
    from memfit.loaders.inspection import inspect_file

    console = Console(given.quiet, given.verbose)
    picture = Path(given.plot) if given.plot is not None else None
    if picture is not None:
        from memfit.reporting.writers.folder import check_picture  # matplotlib, which a listing can spare

        check_picture(picture, overwrite=given.overwrite)
    sources = [Path(source) for source in given.files]
    files = [pair for source in sources for pair in _files(source)]
    reports: list[FileReport] = []
    faults: list[InputError] = []
    for path, settings, name in files:
        try:
            reports.append(inspect_file(path, settings, name))
        except InputError as problem:
            faults.append(problem)
    if faults and not reports:
        raise faults[0]
    shared = identities(_records(files)[0]) if len(files) > 1 else ()
    if given.json:
        plain = {"identities": [asdict(one) for one in shared]} if shared else {}
        print_json(
            {"files": [report.to_dict() for report in reports], "faults": list(map(str, faults)), **plain}
        )
    else:
        between = ["\n".join(["Between the records:", *(f"  {one.sentence}" for one in shared)])]
        told = ["\n".join(report.lines()) for report in reports]
        print("\n\n".join([*told, *(between if shared else [])]))
    if picture is not None:
        _draw(picture, files, overwrite=given.overwrite)
        console.say(f"Drawn to {picture}")
    stops = any(not source.is_dir() for source in sources)  # whether a fit would stop at what was not read
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
        tell(f"memfit inspect: {fault}")
    console.say("A fit would stop here: mend the files, move them away, or list the others in device.toml.")
    return FAILED


def _records(
    files: "Sequence[FileToRead]",
) -> "tuple[list[Record], Mapping[str, FloatArray]]":
    """All records; of a file that is no record yet, its columns."""
    from memfit.loaders.raw import NO_SETTINGS, open_source
    from memfit.loaders.registry import read_file, read_tables

    records: list[Record] = []
    columns: Mapping[str, FloatArray] = {}
    for path, settings, name in files:
        try:
            records += read_file(path, settings, name=name)
        except InputError:  # inspect_file has said so; a recording may wait for a word of device.toml
            with suppress(InputError):
                columns = columns or read_tables(open_source(path), settings or NO_SETTINGS)[1][0].columns
    return records, columns


def _draw(picture: Path, files: "Sequence[FileToRead]", *, overwrite: bool) -> None:
    """One picture of all records; of a file that is no record yet, its columns."""
    from memfit.reporting.writers.folder import write_picture

    write_picture(picture, *_records(files), overwrite=overwrite)


def _files(path: Path) -> "list[FileToRead]":
    """A file, or those of a folder with what its device.toml says of each, called by their places in it."""
    from dataclasses import replace

    from memfit.loaders.device import files_of, load_device
    from memfit.loaders.folders import MANIFEST
    from memfit.loaders.manifest import Manifest, read_manifest
    from memfit.loaders.raw import FileSettings

    if not path.is_dir():
        return [(path, None, path.name)]
    manifest = read_manifest(path / MANIFEST) if (path / MANIFEST).is_file() else Manifest()
    if manifest.measurements:
        return [
            (path / entry.file, replace(entry.settings, device_area=manifest.area), entry.file)
            for entry in manifest.measurements
        ]
    files = [file for file in files_of(path) if file.name != MANIFEST]
    if not files:
        load_device(path)  # which says what is missing
    settings = FileSettings(device_area=manifest.area)
    return [(file, settings, file.relative_to(path).as_posix()) for file in files]


def _add_convert_options(parser: Parser) -> None:
    add_files(parser)
    parser.add_argument("-o", "--out", metavar="DIR", required=True, help="folder for the CSV files")
    add_overwrite(parser)


def _convert(given: Namespace) -> int:
    """Read all, then write all."""
    from memfit.files import whole_folder
    from memfit.loaders.device import load_device
    from memfit.loaders.tidy import write_record
    from memfit.reporting.content import counted

    console = Console(given.quiet, given.verbose)
    out = Path(given.out)
    device = load_device([Path(path) for path in given.files])
    targets: dict[str, Record] = {}
    for record in device.records:  # named as they are, fit for every file system, and no two the same
        suffix = Path(record.origin.file).suffix
        stem = record.name.replace(suffix, "") if suffix else record.name
        plain = re.sub(r"[^\w.+=-]+", "_", stem).strip("_.") or "record"
        name, number = f"{plain}.csv", 2
        while name.lower() in map(str.lower, targets):
            name, number = f"{plain}_{number}.csv", number + 1
        targets[name] = record
    taken = [name for name in targets if (out / name).exists()]
    if taken and not given.overwrite:
        raise OutputError(f"{out / taken[0]} is there already; choose another folder, or add --overwrite.")
    with whole_folder(out, overwrite=True) as draft:
        for name, record in targets.items():
            write_record(record, draft / name)
    for note in device.notes:
        console.say(note)
    for name, record in targets.items():
        for note in record.notes:
            console.detail(f"{record.name}: {note}")
        print(out / name)
    console.say(f"{counted(len(targets), 'record')} converted.")
    return USABLE


INSPECT = Command(
    summary="Say what was read from files.",
    details="For each record: kind, points, ranges, bias and its source, control, order, noise,\n"
    "Kramers-Kronig verdict and whatever was decided on the way.",
    add_options=_add_inspect_options,
    run=_inspect,
)
CONVERT = Command(
    summary="Convert any supported file to tidy CSV.",
    details="One CSV a record, SI units, read back without loss.",
    add_options=_add_convert_options,
    run=_convert,
)
