"""A device.toml to be completed by hand: every file of a folder, what was read of it, and what is missing.

As written it leads to the same records as the folder without it. What is missing stands in lines with `#`,
ready to be completed; a file that cannot be read, with what is wrong.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from memfit.datasets import ImpedanceSpectrum, PulseTransient, Record, extent_of
from memfit.datasets.duplicates import copies
from memfit.errors import InputError
from memfit.loaders.folders import MANIFEST, is_other, look_below, question
from memfit.loaders.raw import FileSettings
from memfit.loaders.registry import is_measurement, read_file
from memfit.units import format_quantity

_PROPOSED = re.compile(
    r"(?<![\w`])(?P<key>bias|scan_rate|sense_resistance|columns|area|control|protocol|kind|sheet) = "
    r"(?:\{(?:[^{}]|\{[^{}]*\})*\}|\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\]|\"[^\"]*\"|'[^']*')"
)
"""A line of device.toml in a sentence."""
_MOST_LISTED = 5
"""Records of a file that get a line each."""
_HINTS: Mapping[str, str] = {
    "bias": 'bias = "0.50 V"',
    "scan_rate": 'scan_rate = "50 mV/s"',
    "sense_resistance": 'sense_resistance = "50 ohm"',
    "columns": 'columns = { voltage = "CH1", current = "CH2" }',
    "area": 'area = "0.04 cm^2"',
    "control": 'control = "voltage"',
}
"""Lines to be completed, by the key that a sentence of the readers names."""


@dataclass(frozen=True)
class Draft:
    """The text of a device.toml, and what it leaves open."""

    text: str
    files: int
    """That are listed and can be read."""
    missing: tuple[str, ...]
    """A sentence for each file with something missing."""


def draft_manifest(folder: Path, *, subfolders: bool | None = None) -> Draft:
    """Write down what a folder holds.

    Parameters
    ----------
    folder : Path
    subfolders : bool, optional
        True: everything below is of this device; None: what is named by a technique or a bias.

    Raises
    ------
    InputError
        The folder cannot be read, holds no file that may be a measurement, or it is unclear whether those
        below are of one device.
    """
    below = look_below(folder, is_measurement, subfolders)
    files = [path for path in below.files if path.name != MANIFEST and not is_other(path)]
    if subfolders is None and below.samples:
        raise InputError(question(folder, below.parts, f"files of {', '.join(below.samples)} in each of"))
    if not files:
        if below.strangers:
            raise InputError(question(folder, below.strangers))
        raise InputError(f"{folder}: expected files of measurements, found none.")
    read: dict[Path, tuple[Record, ...]] = {}
    faults: dict[Path, str] = {}
    for path in files:
        try:
            read[path] = read_file(path, FileSettings(), name=path.relative_to(folder).as_posix())
        except InputError as error:
            faults[path] = str(error)
    originals = _originals(read, folder)
    stated = {r.metadata["device"] for records in read.values() for r in records if r.metadata.get("device")}
    called = stated.pop() if len(stated) == 1 else folder.resolve().name or "device"
    head = [
        f"# Made by `memfit init`: {len(files)} files, {len(read)} of them read.",
        "# Complete the lines with #, then: memfit fit FOLDER",
        "[device]",
        f"name = {_text(called)}",
        '# area = "0.04 cm^2"',
        '# temperature = "298 K"',
        *(["subfolders = true"] if subfolders else []),
    ]
    missing: list[str] = []
    blocks = []
    for path in files:
        name = path.relative_to(folder).as_posix()
        if path in originals:
            same = f"the same numbers as {originals[path]}, which counts"
            blocks.append(_commented(name, [same], []))
        elif path in faults:
            if is_measurement(path):
                missing.append(faults[path])
            blocks.append(_commented(name, [faults[path]], _hints(faults[path])))
        else:
            lacking = [key for key in ("bias", "scan_rate") if any(lacks(r, key) for r in read[path])]
            missing += [f"{name}: {_MISSING[key]}." for key in lacking]
            blocks.append(_listed(name, read[path], lacking))
    text = "\n".join([*head, *(line for block in blocks for line in ("", *block)), ""])
    return Draft(text, len(read) - len(originals), tuple(missing))


_MISSING = {
    "bias": "its dc bias is missing, without which a spectrum cannot be fitted",
    "scan_rate": "it has no times and no scan rate, and is taken as quasi-steady",
}


def lacks(record: Record, key: str) -> bool:
    """Whether a record lacks what the key of device.toml would give."""
    if isinstance(record, ImpedanceSpectrum):
        return key == "bias" and record.bias_voltage is None and record.bias_current is None
    return key == "scan_rate" and record.time is None


def _originals(read: Mapping[Path, Sequence[Record]], folder: Path) -> dict[Path, str]:
    """Files that hold nothing but copies, and the file they are copies of."""
    owners = [path for path, records in read.items() for _ in records]
    found = copies([record for records in read.values() for record in records])
    originals = {}
    for path, records in read.items():
        places = [place for place, owner in enumerate(owners) if owner == path]
        if records and all(place in found and owners[found[place]] != path for place in places):
            originals[path] = owners[found[places[0]]].relative_to(folder).as_posix()
    return originals


def _listed(name: str, records: Sequence[Record], lacking: Sequence[str]) -> list[str]:
    """The lines of a file that was read."""
    shown = [f"# {_plain(_described(record))}" for record in records[:_MOST_LISTED]]
    more = [f"# and {len(records) - len(shown)} more"] if len(records) > len(shown) else []
    wanted = [line for key in lacking for line in (f"# missing: {_MISSING[key]}", f"# {_HINTS[key]}")]
    return ["[[measurement]]", f"file = {_text(name)}", *shown, *more, *wanted]


def _commented(name: str, reasons: Sequence[str], hints: Iterable[str]) -> list[str]:
    """The lines of a file that is not read as it is."""
    return [
        *(f"# {_plain(reason)}" for reason in reasons),
        "# [[measurement]]",
        f"# file = {_text(name)}",
        *(f"# {hint}" for hint in hints),
    ]


def _hints(sentence: str) -> Iterator[str]:
    """Lines for the keys that a sentence names: as it proposes them, else to be completed."""
    proposed = {match["key"]: match[0] for match in reversed(list(_PROPOSED.finditer(sentence)))}
    for key in dict.fromkeys([*_HINTS, *proposed]):
        if key in proposed and "..." not in proposed[key]:
            yield proposed[key]
        elif key in _HINTS and (f"`{key}`" in sentence or f"{key} =" in sentence):
            yield _HINTS[key]


def _described(record: Record) -> str:
    """A record in a line: kind, points, and what it covers."""
    extent = extent_of(record)
    words = [
        record.kind + (f" [{record.origin.part}]" if record.origin.part else ""),
        f"{record.points} points",
    ]
    if isinstance(record, ImpedanceSpectrum):
        low, high = extent["frequency"]
        words.append(f"{format_quantity(low, 'Hz')} to {format_quantity(high, 'Hz')}")
        for value, unit in ((record.bias_voltage, "V"), (record.bias_current, "A")):
            words += [] if value is None else [f"bias {format_quantity(value, unit)}"]
        return ", ".join(words)
    for key, unit in (("voltage", "V"), ("current", "A")):
        if key in extent:
            low, high = extent[key]
            words.append(f"{format_quantity(low, unit)} to {format_quantity(high, unit)}")
    if isinstance(record, PulseTransient):
        words.append(
            f"{format_quantity(float(record.time[-1] - record.time[0]), 's')}, {record.control} control"
        )
    elif "scan_rate" in extent:
        words.append(
            f"{format_quantity(extent['scan_rate'][0], 'V/s' if record.control == 'voltage' else 'A/s')}"
        )
    return ", ".join(words)


def _text(value: str) -> str:
    """A TOML string."""
    return json.dumps(value.encode("utf-8", "replace").decode("utf-8"), ensure_ascii=False)


def _plain(value: str) -> str:
    """A comment of one line."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in value).split())
