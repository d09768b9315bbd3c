"""Files that hold the reads of a programme of pulses only: a row for each pulse, or for each time.

    # pulse_voltage: 1 V            (or `protocol` in device.toml)
    # pulse_width: 10 ms
    # read_voltage: 0.1 V
    # delay_between: 1 s
    Pulse,Conductance (uS)          (or Time (s),Resistance (ohm); or Interval (ms),A2/A1)

What was applied stands in `protocol` of device.toml, or in the lines above the table as pulse tools of the
2450 and the 4200 write it. Conductances and resistances become currents at the read voltage. Of paired
pulses the ratio of both responses is kept; a header has to say which ratio it is.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import Origin, SynapticCurve
from memfit.datasets.programmes import Played, PulseProgramme, play, play_pairs
from memfit.errors import FileFormatError, InputError
from memfit.loaders.pairs import HEAD_LINES, find_pairs, ratios, splits
from memfit.loaders.protocol_setting import EXAMPLE, NEEDED, pulse_numbers, stated_programme
from memfit.loaders.raw import NO_SETTINGS, ROLES, FileSettings, select_used
from memfit.loaders.source import Source
from memfit.loaders.tables import Block, Column, contradicted, place_of, read_block, understand
from memfit.protocols import Control
from memfit.units import Unit, accepted, find_unit, split_label, stated_unit

_OF_READS = ("y_real", "z_real", "z_modulus")
_VALUES = ("current", "voltage", *_OF_READS)
"""Roles of what a read can be written as."""
_HALVES = (
    re.compile(r"[ _-]*(?<![a-z])(?:ltp|potentiation|pot)(?![a-z])[ _-]*", re.IGNORECASE),
    re.compile(r"[ _-]*(?<![a-z])(?:ltd|depression|dep)(?![a-z])[ _-]*", re.IGNORECASE),
)
"""Words of columns of the reads of potentiation, and of those of depression beside it."""
_STATES = re.compile(r"(?<![a-z])(?:HRS|LRS)(?![a-z])", re.IGNORECASE)
_FALLING = "depression "
_BY_UNIT = (("Conductance", "conductance"), ("Resistance", "resistance"), ("Current", "current"))
"""What a column is whose label is "LTP (uS)", and the dimension that says so."""
_RELATIVE = re.compile(r"weight|normali[sz]ed|relative", re.IGNORECASE)
"""Conductances over one of them."""
_WEIGHT_CHANGE = re.compile(
    r"(?:weight|conductance)[ _-]*(?:change|difference)"
    r"|(?:change|difference) (?:in|of) (?:the )?(?:synaptic )?(?:weight|conductance)"
    r"|(?:delta[ _-]?|[δ∆Δ] ?)(?:w|weight|g|conductance)(?![a-z])",
    re.IGNORECASE,
)
_SAME_READ = 0.05
"""Relative difference up to which a recorded voltage is that of the read."""
_EXAMPLE = "Conductance (S)"
_OF_PAIRS = 'protocol = { pulse = "1 V", width = "10 ms" }'


def read_programme(source: Source, programme: PulseProgramme, settings: FileSettings) -> SynapticCurve:
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
    pairs = find_pairs(source, settings)
    if pairs is not None:
        interval, ratio, notes = ratios(source, pairs)
        played = _played(source, settings, lambda: play_pairs(programme, interval))
        what, response = f"{ratio.size} pairs of pulses", {"voltage": None, "current": None, "ratio": ratio}
        said = f"The drive is the programme of {what}; the samples are the ratios of both responses."
        return _record(source, settings, played, response, (said, *notes, *played.said))
    labels, columns, at = _find_columns(source, settings, programme)
    block = read_block(source, columns, labels, at + 1)
    values = dict(block.columns)
    falling = {role: values.pop(f"{_FALLING}{role}") for role in _VALUES if f"{_FALLING}{role}" in values}
    if falling:  # potentiation and depression side by side: one after the other
        values = {role: np.concatenate([values[role], part]) for role, part in falling.items()}
        if len(programme.pulse) != 2:
            raise source.error(
                "expected two pulses for columns of potentiation and depression side by side, as in "
                f'pulse = ["1 V", "-1 V"]; found {len(programme.pulse)}.'
            )
        programme = replace(programme, count=programme.count or (block.rows, block.rows))
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
    reads, note = _response(values, measured, programme.read, source)
    start, (number, after) = settings.initial or "rest", pulse_numbers(block, programme, source)
    lost = next((note for note in block.notes if "left out" in note), "")
    if time is None and lost and not after.size:
        raise source.error(
            f"expected a read in every row: {lost} Nothing tells after which pulses the others were made; "
            "add a column that counts the pulses, or one of the time."
        )
    gaps = time is None and after.size == reads.size and np.any(np.diff(after) > 1)
    rows = int(after[-1]) + (after[0] == 0) if gaps else reads.size
    played = _played(source, settings, lambda: play(programme, rows, time, initial=start))
    if gaps:
        kept = (after - (after[0] != 0)).astype(int)
        more = f"There was a read after each of {rows} pulses; {number!r} says which of them the file holds."
        played = replace(
            played, time=played.time[kept], against=played.against[kept], said=(*played.said, more)
        )
    pulses = len(programme.pulses(rows))
    what = f"{pulses} {'pulse' if pulses == 1 else 'pulses'} and {reads.size} reads"
    said = f"The drive is the programme of {what}; the samples are the reads."
    units = filter(None, (contradicted(column, settings.units.get(column.role)) for column in columns))
    notes = (said, *note, *played.said, *units, *_notes(block, number))
    return _record(source, settings, played, {held: None, measured: reads}, notes)


def _notes(block: Block, number: str) -> Iterator[str]:
    """Notes of the rows, but not that the column which counts the pulses is not read."""
    for note in block.notes:
        if not (number and note == f"Not read: the column {number!r}."):
            yield note


def _played(source: Source, settings: FileSettings, play_it: Callable[[], Played]) -> Played:
    """A programme as it was played, of the kind that device.toml states."""
    try:
        played = play_it()
    except InputError as error:
        raise FileFormatError(f"{str(error).rstrip('.')}.", file=source.name) from error
    if settings.kind not in (None, "transient", played.kind):
        raise source.error(
            f"expected the kind {settings.kind!r} that device.toml states, found {played.kind!r}, which the "
            "protocol and the columns make: correct one of them."
        )
    return played


def _record(
    source: Source,
    settings: FileSettings,
    played: Played,
    response: Mapping[str, Any],
    notes: tuple[str, ...],
) -> SynapticCurve:
    """The record of a programme as it was played."""
    later = settings.time_offset
    return SynapticCurve(
        name=settings.name or source.name,
        origin=Origin(
            file=source.name, sha256=source.sha256, part="", format="reads of a programme of pulses"
        ),
        metadata=settings.added_to({}),
        notes=notes,
        kind=played.kind,
        time=played.time + later,
        drive=replace(played.drive, time=played.drive.time + later),
        against=played.against,
        first=None if played.first is None else played.first + later,
        **response,
    )


def _find_columns(
    source: Source, settings: FileSettings, programme: PulseProgramme
) -> tuple[list[str], list[Column], int]:
    """Labels, the columns to read and the index of the line of labels."""
    lines, lacking = source.lines, list[FileFormatError]()
    for at, line in enumerate(lines[:HEAD_LINES]):
        below = next((text for text in lines[at + 1 :] if text.strip()), "")
        if not re.match(r"[\s\"']*(?:[-+]?\.?\d|nan\b)", below, re.IGNORECASE):
            continue
        cells = len(re.split(r"[,;\t]|\s+", below.strip()))
        for labels in splits(line):
            if len(labels) > cells:
                continue
            try:
                chosen = _chosen(labels, settings, programme.control, source.name)
            except FileFormatError as error:
                lacking.append(error)
                continue
            if chosen:
                problem = next((column for column in chosen if column.unit is None or column.problem), None)
                if problem is not None:
                    example = _EXAMPLE if problem.role in _OF_READS else "Current (A)"
                    unit = accepted(ROLES[problem.role]).split(",")[0].split(" ")[0]
                    more = ""
                    if _RELATIVE.search(problem.label):
                        unit = "35 uS"
                        more = ", the conductance that 1 in the column stands for"
                    raise source.error(
                        f"expected a unit in the header, as in {example}, found {problem.label!r}; or state "
                        f"it in device.toml: columns = {{ {problem.role} = {{ name = {problem.label!r}, "
                        f'unit = "{unit}" }} }}{more}.',
                        line=at + 1,
                    )
                return list(labels), chosen, at
    if lacking:
        raise lacking[0]
    raise source.error(
        "expected a column of reads, such as Conductance (S), Resistance (ohm) or Current (A), found none."
    )


def _chosen(labels: tuple[str, ...], settings: FileSettings, held: Control, file: str) -> list[Column]:
    """Columns of the reads: one of what was measured, the time and the voltage where they are there.

    What device.toml names as a read is the read.
    """
    found: dict[str, Column] = {}
    for index, label in enumerate(labels):
        rising, falling = (_without(half, label) for half in _HALVES)
        column = understand(label, index) or understand(rising.strip(), index)
        if column is None and falling != label.strip() and (column := understand(falling.strip(), index)):
            column = replace(column, role=f"{_FALLING}{column.role}")
        if column is not None:
            found.setdefault(column.role, replace(column, label=label))
    if isinstance(settings.columns, Mapping):
        for role, given in settings.columns.items():
            index = place_of(given, labels, role, file)
            label = labels[index]
            unit = stated_unit(settings.units[role]) if role in settings.units else _unit_of(label)
            found = {known: column for known, column in found.items() if column.index != index}
            found[role] = Column(index, label, role, unit)
        if named := set(settings.columns) & set(_VALUES) - {held}:
            found = {role: found[role] for role in found if role not in _VALUES or role in {*named, held}}
    wanted = [role for role in _VALUES if role in found]
    if not set(wanted) - {held}:
        return []
    if ({"current", "voltage"} - {held}) & set(wanted):
        wanted = [role for role in wanted if role in ("current", "voltage")]
    halves = [f"{_FALLING}{role}" for role in wanted]
    kept = [found[role] for role in (*wanted, *halves, "time") if role in found]
    return sorted(kept, key=lambda column: column.index)


def _without(half: re.Pattern[str], label: str) -> str:
    """A label without the word for potentiation or depression; the unit tells what such a word alone is."""
    rest = half.sub(" ", label).strip()
    unit = _unit_of(label) if rest.startswith(("(", "[", "/")) else None
    if unit is None:
        return rest
    word = next((word for word, role in _BY_UNIT if unit.is_a(role)), "")
    return f"{word} {rest}"


def _unit_of(label: str) -> Unit | None:
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
    columns: list[Column] = []
    try:
        labels, columns, at = _find_columns(source, settings, programme)
        values = read_block(source, columns, labels, at + 1).columns
    except FileFormatError as error:
        if {column.role for column in columns} & set(_OF_READS) or f"in the header, as in {_EXAMPLE}" in str(
            error
        ):
            raise  # a broken table of reads
        return False
    applied = values.get(programme.control)
    return applied is None or _at_the_read(applied, programme)


def programmes_of(source: Source, settings: FileSettings) -> Iterator[SynapticCurve]:
    """The record of a file whose programme is stated, in device.toml or by the file; nothing for others.

    Parameters
    ----------
    source : Source
    settings : FileSettings
    """
    programme = settings.protocol
    if programme is None and source.is_text and "pulse" in source.head.lower():
        pairs = find_pairs(source, settings)
        programme = stated_programme(source, NEEDED if pairs is None else NEEDED[:2])
        if programme is not None and pairs is None and not _holds_reads_only(source, programme, settings):
            return
    if programme is None:
        return
    record = select_used(read_programme(source, programme, settings), settings)
    if isinstance(record, SynapticCurve):
        yield record


def question_of_reads(source: Source) -> str:
    """What to ask of a table of conductances or resistances without what was applied; "" for other files.

    Parameters
    ----------
    source : Source
    """
    if source.is_text and find_pairs(source, NO_SETTINGS) is not None:
        return (
            "expected what was applied, found ratios of paired pulses alone; say it in device.toml, as in "
            f"{_OF_PAIRS}, with `read` where the responses are those of reads."
        )
    if source.is_text and len(set(map(str.lower, _STATES.findall(source.head[:2000])))) > 1:
        both = EXAMPLE.replace('"1 V"', '["1 V", "-1 V"]', 1)
        return (
            "expected reads of one course, found resistances of two states against the cycle (endurance); "
            "write the reads one below the other in their order, as Resistance (ohm), and say in device.toml "
            f"what was applied, as in {both}."
        )
    for line in source.head.split("\n")[:HEAD_LINES] if source.is_text else ():
        if re.match(r"\s*[-+]?\.?\d", line):  # a row, whose cells are no labels
            continue
        found = [
            (labels, {column.role for column in map(understand, labels) if column is not None})
            for labels in splits(line)
        ]
        tables = (labels for labels, _ in found if len(labels) > 1)
        change = next((label for labels in tables for label in labels if _WEIGHT_CHANGE.search(label)), "")
        if change:
            return (
                f"expected reads, found changes of a weight ({change!r}): write what was read after each "
                f"pulse, as Conductance (uS), and say in device.toml what was applied, as in {EXAMPLE}."
            )
        roles = max((roles for _, roles in found), key=len, default=set())
        if roles & set(_OF_READS) and roles <= {*_OF_READS, "time"} and any(len(x) > 1 for x, _ in found):
            example = EXAMPLE.replace('period = "1 s"', "count = 1") if "time" in roles else EXAMPLE
            beside = "columns of the voltage and the current beside the time, or " if "time" in roles else ""
            return (
                f"expected {beside}what was applied, found reads alone (conductances or resistances against "
                f"the number of the pulse or the time); say it in device.toml, as in {example}."
            )
    return ""
