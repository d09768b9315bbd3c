"""Files that hold the reads of a programme of pulses only: a row for each pulse, or for each time.

    # pulse_voltage: 1 V            (or `protocol` in device.toml)
    # pulse_width: 10 ms
    # read_voltage: 0.1 V
    # delay_between: 1 s
    Pulse,Conductance (uS)

What was applied stands in `protocol` of device.toml, or in the lines above the table as pulse tools of the
2450 and the 4200 write it. Conductances and resistances become currents at the read voltage.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import Origin, PulseTransient
from memfit.datasets.programmes import PulseProgramme, play
from memfit.errors import FileFormatError, InputError, UnitError
from memfit.loaders.raw import FileSettings
from memfit.loaders.settings_file import Checker
from memfit.loaders.source import Source
from memfit.loaders.tables import Column, read_block, understand
from memfit.loaders.tables.header import split_labels
from memfit.units import find_unit, parse_quantity, split_label

if TYPE_CHECKING:
    from memfit.protocols import Control

_HEAD_LINES = 200
_OF_READS = ("y_real", "z_real", "z_modulus")
_VALUES = ("current", "voltage", *_OF_READS)
"""Roles of what a read can be written as."""
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
_RATIO = re.compile(r"(?<![a-z])(?:ppf|ppd|paired[ _-]?pulse)(?![a-z])", re.IGNORECASE)
_SAME_READ = 0.05
"""Relative difference up to which a recorded voltage is that of the read."""
_NEEDED = ("pulse", "width", "read")
_EXAMPLE = 'protocol = { pulse = "1 V", width = "10 ms", read = "0.1 V", period = "1 s" }'


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


def stated_programme(source: Source) -> PulseProgramme | None:
    """The programme that the lines above a table state; None where they state none.

    Parameters
    ----------
    source : Source

    Raises
    ------
    FileFormatError
        They state one that cannot be understood.
    """
    if not source.is_text or "read" not in source.head.lower():
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
    if not all(key in found for key in _NEEDED):
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
        count = (int(float(found["count"])),) if "count" in found else ()
        return PulseProgramme(pulse=(pulse,), width=(width,), count=count, **read)
    except (InputError, ValueError) as error:
        raise source.error(
            f"expected a programme of pulses above the table that can be understood, found another: {error}; "
            f"say it in device.toml, as in {_EXAMPLE}."
        ) from error


def read_programme(source: Source, programme: PulseProgramme, settings: FileSettings) -> PulseTransient:
    """The record of a file of reads.

    Parameters
    ----------
    source : Source
    programme : PulseProgramme
    settings : FileSettings

    Raises
    ------
    FileFormatError
        There is no column of reads, or it does not fit the programme.
    """
    labels, columns, at = _find_columns(source, settings)
    block = read_block(source, columns, labels, at + 1)
    values = dict(block.columns)
    time = values.pop("time", None)
    held = "voltage" if programme.control == "voltage" else "current"
    measured = "current" if held == "voltage" else "voltage"
    applied = values.pop(held, None)
    if applied is not None and not _at_the_read(applied, programme):
        odd = applied[np.argmax(np.abs(applied - programme.read))]
        raise source.error(
            f"the protocol reads at {programme.read:g} {'V' if held == 'voltage' else 'A'}, and the column "
            f"of the {held} says {odd:g}: the file holds more than the reads, or the protocol is another one."
        )
    response, note = _response(values, measured, programme.read, source)
    try:
        played = play(programme, response.size, time, initial=settings.initial or "rest")
    except InputError as error:
        raise FileFormatError(f"{str(error).rstrip('.')}.", file=source.name) from error
    pulses = len(programme.pulses(response.size))
    kind = "retention" if pulses <= 1 else "potentiation"
    clock = played.time + settings.time_offset
    drive = replace(played.drive, time=played.drive.time + settings.time_offset)
    what = f"{pulses} {'pulse' if pulses == 1 else 'pulses'} and {response.size} reads"
    return PulseTransient(
        name=settings.name or source.name,
        origin=Origin(
            file=source.name, sha256=source.sha256, part="", format="reads of a programme of pulses"
        ),
        metadata=settings.added_to({"technique": kind}),
        notes=(
            f"The drive is the programme of {what}; the samples are the reads.",
            *note,
            *played.said,
            *block.notes,
        ),
        time=clock,
        voltage=response if measured == "voltage" else None,
        current=response if measured == "current" else None,
        drive=drive,
    )


def _find_columns(source: Source, settings: FileSettings) -> tuple[list[str], list[Column], int]:
    """Labels, the columns to read and the index of the line of labels."""
    lines = source.lines
    for at, line in enumerate(lines[:_HEAD_LINES]):
        below = next((text for text in lines[at + 1 :] if text.strip()), "")
        if not re.match(r"[\s\"']*[-+]?\.?\d", below):
            continue
        for labels in split_labels(line.lstrip("#%! \t")):
            chosen = _chosen(labels, settings)
            if chosen and len(re.split(r"[,;\t]|\s+", below.strip())) >= len(labels):
                problem = next((column for column in chosen if column.unit is None or column.problem), None)
                if problem is not None:
                    raise source.error(
                        f"expected a unit in the header, as in Conductance (S), found {problem.label!r}.",
                        line=at + 1,
                    )
                return list(labels), chosen, at
    raise source.error(
        "expected a column of reads, such as Conductance (S), Resistance (ohm) or Current (A), found none."
    )


def _chosen(labels: tuple[str, ...], settings: FileSettings) -> list[Column]:
    """Columns of the reads: one of what was measured, the time and the voltage where they are there."""
    found: dict[str, Column] = {}
    for index, label in enumerate(labels):
        column = understand(label, index)
        if column is not None:
            found.setdefault(column.role, column)
    if isinstance(settings.columns, Mapping):
        for role, label in settings.columns.items():
            if label in labels:
                unit = find_unit(settings.units[role]) if role in settings.units else _unit_of(label)
                found[role] = Column(labels.index(label), label, role, unit)
    wanted = [role for role in _VALUES if role in found]
    if not set(wanted) - {"voltage"}:
        return []
    if "current" in wanted:
        wanted = [role for role in wanted if role in ("current", "voltage")]
    kept = [found[role] for role in (*wanted, "time") if role in found]
    return sorted(kept, key=lambda column: column.index)


def _unit_of(label: str) -> Any:
    """The unit in a label; None without one."""
    unit = split_label(label)[1]
    return None if unit is None else find_unit(unit)


_AT_READ: Mapping[tuple[str, str], Callable[[FloatArray, float], FloatArray]] = {
    ("y_real", "current"): lambda value, read: value * read,
    ("y_real", "voltage"): lambda value, read: read / value,
    ("z_real", "current"): lambda value, read: read / value,
    ("z_real", "voltage"): lambda value, read: value * read,
    ("z_modulus", "current"): lambda value, read: read / value,
    ("z_modulus", "voltage"): lambda value, read: value * read,
}
"""What was measured at a read (V or A), from a conductance or a resistance."""


def _response(
    values: Mapping[str, FloatArray], measured: str, read: float, source: Source
) -> tuple[FloatArray, tuple[str, ...]]:
    """What was measured at the reads, A or V, and a note of what it is from."""
    if measured in values:
        return values[measured], ()
    role = next((role for role in _VALUES if (role, measured) in _AT_READ and role in values), None)
    if role is None:
        raise source.error(
            f"expected a column of the {measured}, the conductance or the resistance, found none."
        )
    if np.any(values[role] == 0.0) and role != "y_real":
        raise source.error("expected resistances other than 0.")
    word = "conductances" if role == "y_real" else "resistances"
    note = f"The {measured}s follow from the {word} and the read of {read:g}."
    return _AT_READ[role, measured](values[role], read), (note,)


def _at_the_read(applied: FloatArray, programme: PulseProgramme) -> bool:
    """Whether all that was applied, as recorded, is the read."""
    return bool(np.all(np.abs(applied - programme.read) <= _SAME_READ * abs(programme.read)))


def _holds_reads_only(source: Source, programme: PulseProgramme, settings: FileSettings) -> bool:
    """Whether a file that states a programme recorded its reads and not the pulses too."""
    try:
        labels, columns, at = _find_columns(source, settings)
        values = read_block(source, columns, labels, at + 1).columns
    except FileFormatError:
        return False
    applied = values.get(programme.control)
    return applied is None or _at_the_read(applied, programme)


def programmes_of(source: Source, settings: FileSettings) -> Iterator[PulseTransient]:
    """The record of a file whose programme is stated, in device.toml or by the file; nothing for others.

    Parameters
    ----------
    source : Source
    settings : FileSettings
    """
    programme = settings.protocol
    if programme is None:
        programme = stated_programme(source)
        if programme is None or not _holds_reads_only(source, programme, settings):
            return
    yield read_programme(source, programme, settings)


def question_of_reads(source: Source) -> str:
    """What to ask of a table of conductances or resistances without what was applied; "" for other files.

    Parameters
    ----------
    source : Source
    """
    for line in source.head.split("\n")[:_HEAD_LINES] if source.is_text else ():
        found = [
            (labels, {column.role for column in map(understand, labels) if column is not None})
            for labels in split_labels(line.lstrip("#%! \t"))
        ]
        if any(_RATIO.search(label) for labels, _ in found for label in labels):
            return (
                "expected currents, conductances or resistances of reads, found ratios of paired pulses, "
                "which are no current; give the reads themselves, and in device.toml what was applied, as in "
                f"{_EXAMPLE}."
            )
        roles = max((roles for _, roles in found), key=len, default=set())
        if roles & set(_OF_READS) and roles <= {*_OF_READS, "time"} and any(len(x) > 1 for x, _ in found):
            beside = "columns of the voltage and the current beside the time, or " if "time" in roles else ""
            return (
                f"expected {beside}what was applied, found reads alone (conductances or resistances against "
                f"the number of the pulse or the time); say it in device.toml, as in {_EXAMPLE}."
            )
    return ""
