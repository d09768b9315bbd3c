"""Tables of paired pulses: the interval of each pair, and the second response over the first.

A label says which ratio it is, A2/A1 or (A2-A1)/A1; else device.toml does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.loaders.raw import FileSettings
from memfit.loaders.source import Source
from memfit.loaders.tables import Column, read_block, understand
from memfit.loaders.tables.layout import split_labels
from memfit.units import split_label, stated_unit

HEAD_LINES = 200
_LONGEST = 5000
"""Letters of a line of labels."""
_IN_LABELS = re.compile(r"[^\W\dEe_]")
"""What a row of numbers has not."""
_PAIRED = re.compile(r"(?<![a-z])(?:pp[fdr]|paired[ _-]?pulse)(?![a-z])", re.IGNORECASE)
_DIFFERENCE = re.compile(r"[a-z]*2[-−–][a-z]*1\)?/")
_CHANGE = re.compile(r"change|increase|enhancement")
_QUOTIENT = re.compile(r"[a-z]*2\)?/\(?[a-z]*1|(?<![a-z])ratio(?![a-z])")
_INTERVAL = re.compile(r"(?:.*[ _-])?(?:interval|spacing)|isi|ipi|(?:delta|[δ∆])[ _-]?t|dt", re.IGNORECASE)
_OF_PAIR = re.compile(r"(?:[aigy]|ep?sc|ipsc|peak|pulse|current|conductance)[ _-]?([12])", re.IGNORECASE)
_RATIOS = ("ratio", "ratio_change")
_LEAST_PERCENT = 10.0
"""Smallest ratio of two responses, all through a table, that is a number of per cent."""


@dataclass(frozen=True)
class Pairs:
    """Where the columns of paired pulses are."""

    labels: tuple[str, ...]
    at: int
    """Index of the line of labels."""
    columns: tuple[Column, ...]
    """The interval, and the ratio, its change less 1, or both responses."""
    asked: str = ""
    """What the label leaves open."""


def find_pairs(source: Source, settings: FileSettings) -> Pairs | None:
    """The columns of a table of paired pulses; None for other tables.

    Parameters
    ----------
    source : Source
    settings : FileSettings
    """
    for at, line in enumerate(source.lines[:HEAD_LINES]):
        for labels in splits(line) if _IN_LABELS.search(line) else ():
            found = _pairs_of(labels, at, settings) if len(labels) > 1 else None
            if found is not None:
                return found
    return None


def splits(line: str) -> list[tuple[str, ...]]:
    """A line of labels split in every way; nothing of a line that is too long to be one of reads.

    Parameters
    ----------
    line : str
    """
    return split_labels(line.lstrip("#%! \t")) if len(line) < _LONGEST else []


def _pairs_of(labels: tuple[str, ...], at: int, settings: FileSettings) -> Pairs | None:
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
        known = stated_unit(stated, dimension) if stated else None
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
    return Pairs(labels, at, tuple(chosen), asked)


def ratios(source: Source, pairs: Pairs) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Intervals (s), second response over the first, and notes.

    Parameters
    ----------
    source : Source
    pairs : Pairs

    Raises
    ------
    FileFormatError
        A label leaves open which ratio it is, or which unit.
    """
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
