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
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import Origin, SynapticCurve
from memfit.datasets.programmes import Played, PulseProgramme, play, play_pairs
from memfit.errors import FileFormatError, InputError
from memfit.loaders.protocol_setting import EXAMPLE, NEEDED, pulse_numbers, stated_programme
from memfit.loaders.raw import NO_SETTINGS, ROLES, FileSettings, select_used
from memfit.loaders.source import Source
from memfit.loaders.tables import Block, Column, read_block, understand
from memfit.loaders.tables.header import split_labels
from memfit.protocols import Control
from memfit.units import Unit, accepted, find_unit, split_label

_HEAD_LINES = 200
_LONGEST = 5000
"""Letters of a line of labels."""
_OF_READS = ("y_real", "z_real", "z_modulus")
_VALUES = ("current", "voltage", *_OF_READS)
"""Roles of what a read can be written as."""
_PAIRED = re.compile(r"(?<![a-z])(?:pp[fdr]|paired[ _-]?pulse)(?![a-z])", re.IGNORECASE)
_DIFFERENCE = re.compile(r"[a-z]*2[-−–][a-z]*1\)?/")
_CHANGE = re.compile(r"change|increase|enhancement")
_QUOTIENT = re.compile(r"[a-z]*2\)?/\(?[a-z]*1|(?<![a-z])ratio(?![a-z])")
_INTERVAL = re.compile(r"(?:.*[ _-])?(?:interval|spacing)|isi|ipi|(?:delta|[δ∆])[ _-]?t|dt", re.IGNORECASE)
_OF_PAIR = re.compile(r"(?:[aigy]|ep?sc|ipsc|peak|pulse|current|conductance)[ _-]?([12])", re.IGNORECASE)
_RATIOS = ("ratio", "ratio_change")
_LEAST_PERCENT = 10.0
"""Smallest ratio of two responses, all through a table, that is a number of per cent."""
_HALVES = (
    re.compile(r"[ _-]*(?<![a-z])(?:ltp|potentiation|pot)(?![a-z])[ _-]*", re.IGNORECASE),
    re.compile(r"[ _-]*(?<![a-z])(?:ltd|depression|dep)(?![a-z])[ _-]*", re.IGNORECASE),
)
"""Words of columns of the reads of potentiation, and of those of depression beside it."""
_STATES = re.compile(r"(?<![a-z])(?:HRS|LRS)(?![a-z])", re.IGNORECASE)
_FALLING = "depression "
_BY_UNIT = (("Conductance", "conductance"), ("Resistance", "resistance"), ("Current", "current"))
"""What a column is whose label is "LTP (uS)", and the dimension that says so."""
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
    pairs = _find_pairs(source, settings)
    if pairs is not None:
        interval, ratio, notes = _ratios(source, pairs)
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
    notes = (said, *note, *played.said, *_notes(block, number))
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


@dataclass(frozen=True)
class _Pairs:
    """Where the columns of paired pulses are."""

    labels: tuple[str, ...]
    at: int
    """Index of the line of labels."""
    columns: tuple[Column, ...]
    """The interval, and the ratio, its change less 1, or both responses."""
    asked: str = ""
    """What the label leaves open."""


def _find_pairs(source: Source, settings: FileSettings) -> _Pairs | None:
    """The columns of a table of paired pulses; None for other tables."""
    for at, line in enumerate(source.lines[:_HEAD_LINES]):
        for labels in _splits(line):
            found = _pairs_of(labels, at, settings) if len(labels) > 1 else None
            if found is not None:
                return found
    return None


def _splits(line: str) -> list[tuple[str, ...]]:
    """A line of labels split in every way; nothing of a line that is too long to be one of reads."""
    return split_labels(line.lstrip("#%! \t")) if len(line) < _LONGEST else []


def _pairs_of(labels: tuple[str, ...], at: int, settings: FileSettings) -> _Pairs | None:
    """The columns of paired pulses among some labels."""
    named = settings.columns if isinstance(settings.columns, Mapping) else {}
    roles = {label: role for role, label in named.items() if role in ("interval", *_RATIOS)}
    columns: dict[str, Column] = {}
    asked = ""
    for index, label in enumerate(labels):
        name, unit = split_label(label)
        plain = re.sub(r"[\s_]+", " ", label.lower())
        tight = plain.replace(" ", "")
        change, difference = _CHANGE.search(plain), _DIFFERENCE.search(tight)
        quotient = _QUOTIENT.search(tight) or _QUOTIENT.search(plain)
        role, pair = roles.get(label), _OF_PAIR.fullmatch(name.strip())
        if role is None and _INTERVAL.fullmatch(name.strip()):
            role = "interval"
        elif role is None and (_PAIRED.search(plain) or quotient or difference):
            role = "ratio_change" if change or difference else "ratio"
            asked = asked if change or difference or quotient or set(_RATIOS) & named.keys() else label
        elif role is None and pair is not None:
            role = ("first", "second")[int(pair[1]) - 1]
        if role is None:
            continue
        dimension = "time" if role == "interval" else "ratio" if role in _RATIOS else None
        stated = settings.units.get(role, "%" if plain.endswith("%") else unit)
        known = find_unit(stated, dimension) if stated else None
        columns.setdefault(role, Column(index, label, role, known))
    if "interval" not in columns:
        understood = (understand(label, index) for index, label in enumerate(labels))
        clock = next((column for column in understood if column and column.role == "time"), None)
        if clock is not None and set(_RATIOS) & columns.keys():
            columns["interval"] = replace(clock, role="interval")
    wanted = [role for role in _RATIOS if role in columns][:1] or ["first", "second"]
    if asked and {"first", "second"} <= columns.keys():
        wanted, asked = ["first", "second"], ""
    if not all(role in columns for role in ("interval", *wanted)):
        return None
    chosen = sorted((columns[role] for role in ("interval", *wanted)), key=lambda column: column.index)
    return _Pairs(labels, at, tuple(chosen), asked)


def _ratios(source: Source, pairs: _Pairs) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Intervals (s), second response over the first, and notes."""
    if pairs.asked:
        raise source.error(
            f"expected a label that says which ratio it is, A2/A1 or (A2-A1)/A1, found {pairs.asked!r}; say "
            f"in device.toml columns = {{ ratio = {pairs.asked!r} }} for A2/A1, or "
            f"columns = {{ ratio_change = {pairs.asked!r} }} for (A2-A1)/A1.",
            line=pairs.at + 1,
        )
    for column in pairs.columns:
        if column.unit is None and column.role == "interval":
            raise source.error(
                f"expected a unit of time in the header, as in Interval (ms), found {column.label!r}.",
                line=pairs.at + 1,
            )
    block = read_block(source, pairs.columns, pairs.labels, pairs.at + 1)
    values = block.columns
    units = {column.role: column.unit for column in pairs.columns}
    if "second" in values:
        if np.any(values["first"] == 0.0) or units["first"] != units["second"]:
            raise source.error("expected both responses in one unit, and none of the first that is 0.")
        return values["interval"], values["second"] / values["first"], block.notes
    role = "ratio" if "ratio" in values else "ratio_change"
    if units[role] is None and np.min(np.abs(values[role])) > _LEAST_PERCENT:
        label = next(column.label for column in pairs.columns if column.role == role)
        raise source.error(
            f"expected ratios of responses, found {values[role][0]:g} in {label!r}, which may be per cent; "
            f'say in device.toml columns = {{ {role} = {{ name = {label!r}, unit = "%" }} }}, or unit = "1".',
            line=pairs.at + 1,
        )
    return values["interval"], values[role] + (role == "ratio_change"), block.notes


def _find_columns(
    source: Source, settings: FileSettings, programme: PulseProgramme
) -> tuple[list[str], list[Column], int]:
    """Labels, the columns to read and the index of the line of labels."""
    lines = source.lines
    for at, line in enumerate(lines[:_HEAD_LINES]):
        below = next((text for text in lines[at + 1 :] if text.strip()), "")
        if not re.match(r"[\s\"']*(?:[-+]?\.?\d|nan\b)", below, re.IGNORECASE):
            continue
        for labels in _splits(line):
            chosen = _chosen(labels, settings, programme.control)
            if chosen and len(re.split(r"[,;\t]|\s+", below.strip())) >= len(labels):
                problem = next((column for column in chosen if column.unit is None or column.problem), None)
                if problem is not None:
                    example = _EXAMPLE if problem.role in _OF_READS else "Current (A)"
                    raise source.error(
                        f"expected a unit in the header, as in {example}, found {problem.label!r}; or state "
                        f"it in device.toml: columns = {{ {problem.role} = {{ name = {problem.label!r}, "
                        f'unit = "{accepted(ROLES[problem.role]).split(",")[0].split(" ")[0]}" }} }}.',
                        line=at + 1,
                    )
                return list(labels), chosen, at
    raise source.error(
        "expected a column of reads, such as Conductance (S), Resistance (ohm) or Current (A), found none."
    )


def _chosen(labels: tuple[str, ...], settings: FileSettings, held: Control) -> list[Column]:
    """Columns of the reads: one of what was measured, the time and the voltage where they are there."""
    found: dict[str, Column] = {}
    for index, label in enumerate(labels):
        rising, falling = (_without(half, label) for half in _HALVES)
        column = understand(label, index) or understand(rising.strip(), index)
        if column is None and falling != label.strip() and (column := understand(falling.strip(), index)):
            column = replace(column, role=f"{_FALLING}{column.role}")
        if column is not None:
            found.setdefault(column.role, replace(column, label=label))
    if isinstance(settings.columns, Mapping):
        for role, label in settings.columns.items():
            if label in labels:
                unit = find_unit(settings.units[role]) if role in settings.units else _unit_of(label)
                found[role] = Column(labels.index(label), label, role, unit)
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
        pairs = _find_pairs(source, settings)
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
    if source.is_text and _find_pairs(source, NO_SETTINGS) is not None:
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
    for line in source.head.split("\n")[:_HEAD_LINES] if source.is_text else ():
        if re.match(r"\s*[-+]?\.?\d", line):  # a row, whose cells are no labels
            continue
        found = [
            (labels, {column.role for column in map(understand, labels) if column is not None})
            for labels in _splits(line)
        ]
        roles = max((roles for _, roles in found), key=len, default=set())
        if roles & set(_OF_READS) and roles <= {*_OF_READS, "time"} and any(len(x) > 1 for x, _ in found):
            example = EXAMPLE.replace('period = "1 s"', "count = 1") if "time" in roles else EXAMPLE
            beside = "columns of the voltage and the current beside the time, or " if "time" in roles else ""
            return (
                f"expected {beside}what was applied, found reads alone (conductances or resistances against "
                f"the number of the pulse or the time); say it in device.toml, as in {example}."
            )
    return ""
