"""`memfit convert`: any supported file to tidy CSV, one file a record."""

import re
from argparse import Namespace
from pathlib import Path

from memfit.cli.console import Console
from memfit.cli.main import USABLE
from memfit.datasets.records import Record
from memfit.errors import OutputError
from memfit.files import whole_folder
from memfit.loaders.device import load_device
from memfit.loaders.tidy import write_record
from memfit.reporting.text import counted


def run(given: Namespace) -> int:
    """Read all, then write all."""
    console = Console(given.quiet, given.verbose)
    out = Path(given.out)
    device = load_device([Path(path) for path in given.files])
    targets = _targets(device.records)
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


def _targets(records: tuple[Record, ...]) -> dict[str, Record]:
    """A file name for each record: its own, fit for every file system, and no two the same."""
    targets: dict[str, Record] = {}
    for record in records:
        suffix = Path(record.origin.file).suffix
        stem = record.name.replace(suffix, "") if suffix else record.name
        plain = re.sub(r"[^\w.+=-]+", "_", stem).strip("_.") or "record"
        name, number = f"{plain}.csv", 2
        while name.lower() in (taken.lower() for taken in targets):
            name, number = f"{plain}_{number}.csv", number + 1
        targets[name] = record
    return targets
