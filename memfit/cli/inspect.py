"""`memfit inspect`: what a file holds, and all that reading it decided."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from memfit import workflow
from memfit.cli.console import print_json
from memfit.cli.main import USABLE
from memfit.loaders.inspection import inspect_file
from memfit.loaders.manifest import MANIFEST, read_manifest
from memfit.loaders.raw import FileSettings


def run(given: Namespace) -> int:
    """Read and tell."""
    reports = [
        inspect_file(path, settings) for source in given.files for path, settings in _files(Path(source))
    ]
    if given.json:
        print_json({"files": [report.to_dict() for report in reports]})
    else:
        print("\n\n".join("\n".join(report.lines()) for report in reports))
    return USABLE


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
    for name in dict.fromkeys(record.origin.file for record in workflow.load(path).records):
        yield path / name, None
