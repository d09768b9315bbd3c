"""The key `protocol` of a settings file, and the lines above a table that state the same.

protocol = { pulse = "1 V", width = "10 ms", read = "0.1 V", period = "1 s", count = 100 }
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.programmes import MOST_PULSES, PulseProgramme
from memfit.errors import InputError, UnitError
from memfit.loaders.settings_file import Checker
from memfit.loaders.source import Source
from memfit.loaders.tables import Block
from memfit.units import parse_quantity, split_label

if TYPE_CHECKING:
    from memfit.protocols import Control

_HEAD_LINES = 200
NEEDED = ("pulse", "width", "read")
"""Keys without which nothing is stated above a table; paired pulses need no read."""
EXAMPLE = 'protocol = { pulse = "1 V", width = "10 ms", read = "0.1 V", period = "1 s" }'
_KEYS: Mapping[str, str] = {
    "pulse": "control", "width": "time", "read": "control", "period": "time", "count": "", "delay": "time",
    "read_width": "time", "base": "control",
}  # fmt: skip
"""Of `protocol`, and their dimensions."""
_STATED: Mapping[str, re.Pattern[str]] = {
    "pulse": re.compile(r"pulse_?(?:voltage|amplitude|level|v)"),
    "width": re.compile(r"pulse_?(?:width|duration|length)"),
    "read": re.compile(r"read_?(?:voltage|level|v)"),
    "read_width": re.compile(r"read_?(?:width|duration)"),
    "delay_between": re.compile(r"delay_?between(?:_?(?:pulses|reads|cycles))?|inter_?pulse_?delay"),
    "period": re.compile(r"(?:pulse_?)?period"),
    "count": re.compile(r"(?:num|number_?of|n)_?(?:pulses|cycles)|count"),
}
"""Keys above a table, by what they say."""

_COUNTED = re.compile(
    r"(?:pulse|cycle|read|measurement|sample)?[ _-]*(?:#|n|no\.?|nr\.?|num(?:ber)?|index|count)|pulses?",
    re.IGNORECASE,
)
"""Labels of a column that counts the pulses."""


def read_protocol(check: Checker, value: object, place: str) -> PulseProgramme | None:
    """The key `protocol` of a [[measurement]].

    Parameters
    ----------
    check : Checker
    value : object
        Of the key.
    place : str
        Of the key, for messages.
    """
    table = check.table(value, place, tuple(_KEYS))
    if not table:
        return None
    several = {"pulse", "width", "count"}
    listed = {key: item if isinstance(item, list) else [item] for key, item in table.items()}
    if any(len(items) > 1 and key not in several for key, items in listed.items()):
        check.mistake(place, f"expected one value, not a list, for all but {', '.join(sorted(several))}")
        return None
    first = next((item for key in ("pulse", "read") for item in listed.get(key, ())), "")
    control: Control = "current" if isinstance(first, str) and _is_current(first) else "voltage"
    read: dict[str, Any] = {"control": control}
    for key, items in listed.items():
        if key == "count":
            if not all(isinstance(item, int) and not isinstance(item, bool) and item > 0 for item in items):
                check.mistake(place, f"expected whole numbers above 0 as count, found {table[key]!r}")
                return None
            read[key] = tuple(items)
            continue
        dimension = control if _KEYS[key] == "control" else _KEYS[key]
        numbers = [check.quantity(item, f"{place}, {key}", dimension) for item in items]
        if None in numbers:
            return None
        read[key] = tuple(numbers) if key in several else numbers[0]
    try:
        return PulseProgramme(**read)
    except InputError as error:
        check.mistake(place, str(error))
        return None


def _is_current(text: str) -> bool:
    """Whether a text is a current with its unit."""
    try:
        parse_quantity(text, "current", unit_required=True)
    except UnitError:
        return False
    return True


def stated_programme(source: Source, needed: tuple[str, ...] = NEEDED) -> PulseProgramme | None:
    """The programme that the lines above a table state; None where they state none.

    Parameters
    ----------
    source : Source
    needed : tuple of str
        Keys without which they state none.

    Raises
    ------
    FileFormatError
        They state one that cannot be understood.
    """
    if not source.is_text or "pulse" not in source.head.lower():
        return None
    found: dict[str, str] = {}
    for line in source.head.split("\n")[:_HEAD_LINES]:
        pair = re.match(
            r"\s*[#%!/]*\s*(?P<key>[A-Za-z][\w ()\[\]-]{2,40}?)\s*[:=,\t]\s*(?P<value>[^,;\t]+)", line
        )
        if pair is None:
            continue
        name, unit = split_label(pair["key"].strip())
        plain = re.sub(r"[\s-]+", "_", name.strip().lower())
        key = next((key for key, pattern in _STATED.items() if pattern.fullmatch(plain)), None)
        if key is not None and key not in found:
            found[key] = f"{pair['value'].strip()}{f' {unit}' if unit else ''}"
    if not all(key in found for key in needed):
        return None
    try:
        read: dict[str, Any] = {
            key: parse_quantity(text, "voltage" if key in ("pulse", "read") else "time")
            for key, text in found.items()
            if key != "count"
        }
        between = read.pop("delay_between", None)
        width, pulse = read.pop("width"), read.pop("pulse")
        if between is not None and "period" not in read:  # pulse, pause, read, pause
            read["period"] = width + 2 * between + read.get("read_width", width)
            read |= {"delay": between, "read_width": read.get("read_width", width)}
        count = (int(parse_quantity(found["count"], "ratio")),) if "count" in found else ()
        return PulseProgramme(pulse=(pulse,), width=(width,), count=count, **read)
    except (InputError, ValueError) as error:
        raise source.error(
            f"expected a programme of pulses above the table that can be understood, found another: {error}; "
            f"say it in device.toml, as in {EXAMPLE}."
        ) from error


def pulse_numbers(block: Block, programme: PulseProgramme, source: Source) -> tuple[str, FloatArray]:
    """Label and cells of the column that counts the pulses; nothing where there is none.

    Parameters
    ----------
    block : Block
    programme : PulseProgramme
        What was applied.
    source : Source
        For messages.

    Raises
    ------
    FileFormatError
        It starts again where the programme has no other pulse, or counts more pulses than can be.
    """
    for label, cells in block.others.items():
        if _COUNTED.fullmatch(split_label(label)[0].strip()) and all(map(str.isdigit, cells)):
            after = np.array(cells, dtype=np.float64)
            if np.max(after, initial=0.0) > MOST_PULSES:
                raise source.error(
                    f"expected at most {MOST_PULSES} pulses, found the number {np.max(after):g} in "
                    f"{label!r}: the file is damaged, or that column counts something else; mend it."
                )
            if np.all(np.diff(after) > 0):
                return label, after
            again = np.flatnonzero(np.diff(after) < 0) + 1
            counts = np.count_nonzero(np.diff(after) == 1) == after.size - 1 - again.size > again.size
            if again.size and counts and len(programme.pulse) < 2:
                raise source.error(
                    f"expected reads of one course; {label!r} starts again in row {again[0] + 1}: write each "
                    "course into a file of its own, or leave that column out if the pulses went on."
                )
    return "", np.zeros(0)
