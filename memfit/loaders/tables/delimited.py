"""Several measurements side by side in one table: which columns belong together, and what each is called.

Either the same labels come again ("f, Z', Z'', f, Z', Z''", perhaps under a row of titles), or each label
carries the name of its measurement ("Frequency (Hz), Z' 0 V (ohm), Z'' 0 V (ohm), Z' 0.5 V (ohm), ...").
Other columns that share a role stay an error: V and I of two terminals are no two measurements.

Tables of instrument files whose labels and units are known from the format, not from the header.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import FileFormatError
from memfit.loaders.raw import ROLES, Stated
from memfit.loaders.source import Source
from memfit.loaders.tables.labels import Column, normalise, understand
from memfit.loaders.tables.parse import TextTable, find_layout, read_rows, settled
from memfit.loaders.tables.shapes import ROLES_OF_PAIRS, pair_of
from memfit.units import find_unit, parse_number, split_label

_SAMPLE = 5
_SETTLING = 2000
"""Rows in which the decimal mark is looked for."""


@dataclass(frozen=True)
class Field:
    """A column that a format is known to have."""

    role: str
    labels: tuple[str, ...]
    """Spellings, compared without blanks and case."""
    unit: str = ""
    sign: float = 1.0

    def find(self, labels: Sequence[str]) -> Column | None:
        """The first column of one of these spellings."""
        plain = ["".join(label.split()).lower() for label in labels]
        for spelling in self.labels:
            wanted = "".join(spelling.split()).lower()
            if wanted in plain:
                index = plain.index(wanted)
                unit = find_unit(self.unit, ROLES[self.role]) if self.unit else None
                return Column(index, labels[index], self.role, unit, self.sign)
        return None


@dataclass(frozen=True)
class Block:
    """Columns of a block of rows in SI units, by role."""

    columns: Mapping[str, FloatArray]
    notes: tuple[str, ...]
    lines: FloatArray
    """Line number (from 1) of each row."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.lines.size


def find_fields(labels: Sequence[str], fields: Sequence[Field]) -> list[Column]:
    """Columns of the fields that a header has; of several spellings of a role the first field wins."""
    found: dict[str, Column] = {}
    for field in fields:
        column = field.find(labels)
        if column is not None and field.role not in found:
            found[field.role] = column
    return sorted(found.values(), key=lambda column: column.index)


def need(
    columns: Sequence[Column], roles: Sequence[str], labels: Sequence[str], source: Source, line: int
) -> None:
    """Refuse a table that lacks a column.

    Raises
    ------
    FileFormatError
        Names what is missing and what is there.
    """
    there = {column.role for column in columns}
    missing = [role.replace("_", " ") for role in roles if role not in there]
    if missing:
        shown = ", ".join(repr(label) for label in labels[:8]) + (", ..." if len(labels) > 8 else "")
        raise FileFormatError(
            f"expected a column of the {' and of the '.join(missing)}; found {shown}.",
            file=source.name,
            line=line,
        )


def read_block(
    source: Source, columns: Sequence[Column], labels: Sequence[str], first: int, last: int | None = None
) -> Block:
    """Rows of some lines of a file.

    Parameters
    ----------
    source : Source
    columns : sequence of Column
        What to read.
    labels : sequence of str
        All labels of the table.
    first, last : int
        Indices (from 0) of the first line and of the line behind the last one.

    Raises
    ------
    FileFormatError
        There are no rows, or a broken one.
    """
    return read_lines(source, columns, labels, source.lines[first:last], first)


def read_lines(
    source: Source,
    columns: Sequence[Column],
    labels: Sequence[str],
    lines: Sequence[str],
    first: int,
    *,
    ended: bool | None = None,
) -> Block:
    """As `read_block`, with the lines given: those of the file from `first` (from 0) on, perhaps shortened.

    Where they reach to the end of a file without a line end there, the last one may be cut; `ended` says
    whether they do where the lines are not those of `source`.
    """
    if ended is None:
        ended = first + len(lines) < len(source.lines)
    rows = [line for line in lines if line.strip()][:_SAMPLE]
    fewer = [find_layout(rows[:count], len(labels)) for count in (len(rows), 1) if rows]
    layout = next((found for found in fewer if found is not None), None)
    if layout is None:
        shown = repr(rows[0].strip()[:40]) if rows else "none: the file holds no measured values"
        raise FileFormatError(
            f"expected rows of {len(labels)} numbers, found {shown}.", file=source.name, line=first + 1
        )
    layout = settled(layout, lines[:_SETTLING])
    found = read_rows(
        TextTable(
            text="\n".join(lines) + ("\n" if ended else ""),
            start=0,
            first_line=first + 1,
            layout=layout,
            wanted=[column.index for column in columns],
            labels=labels,
            file=source.name,
        )
    )
    if not found.lines.size:
        raise FileFormatError("expected rows of numbers, found none.", file=source.name, line=first + 1)
    values = {column.role: column.to_si(raw) for column, raw in zip(columns, found.columns, strict=True)}
    return Block(values, tuple(found.notes), np.asarray(found.lines))


def subset(columns: Mapping[str, FloatArray], rows: slice) -> dict[str, FloatArray]:
    """Some rows of all columns."""
    return {role: values[rows] for role, values in columns.items()}


_AXES = ("frequency", "time", "voltage", "applied_voltage", "current", "applied_current")
"""Roles that can be the first of a measurement."""

_TIME_DOMAIN = frozenset({"time", "voltage", "applied_voltage", "current", "current_density"})
_WAY = re.compile(
    r"fw|fwd|forward|vorw[äa]rts|rv|rev|reverse|bw|bwd|backward|r[üu]ckw[äa]rts|up|down|light|dark|hell|dunkel"
    r"|(?:device|dev|pixel|px|cell|sample|dut)[\s_-]*\w{1,8}",
    re.IGNORECASE,
)
"""Names of sweeps of one device or of several; a letter or number alone may be a terminal."""

_NO_MEASUREMENT = re.compile(
    r"\b(?:fit\w*|calc\w*|model\w*|sim\w*|kk|err\w*|error|std\w*|sd|dev|resid\w*|theor\w*|norm\w*)\b",
    re.IGNORECASE,
)
_BIAS = re.compile(
    r"(?:bias|dc|vdc|v|u)?\s*[=:]?\s*(?P<value>[-+]?\d+(?:[.,]\d+)?)\s*(?P<unit>m?V)(?:\s*(?:bias|dc))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Group:
    """Columns of one measurement."""

    title: str
    columns: tuple[Column, ...]

    @property
    def bias(self) -> Stated | None:
        """The voltage that the title is, if it is one."""
        found = _BIAS.fullmatch(self.title.strip())
        if found is None:
            return None
        scale = 1e3 if found["unit"].lower() == "mv" else 1.0
        return Stated(
            parse_number(found["value"]) / scale, f"the heading {self.title.strip()!r} of its columns"
        )


def plain_labels(labels: Sequence[str]) -> list[str]:
    """Labels without the number that pandas and others put behind one that comes again (".1")."""
    known = set(labels)
    stripped = [re.sub(r"\s*\.\d{1,3}$", "", label) for label in labels]
    return [short if short in known else label for short, label in zip(stripped, labels, strict=True)]


def groups_of(labels: Sequence[str], titles: Sequence[str] = ()) -> list[Group]:
    """The measurements that stand side by side in a table; none where the table is one measurement.

    Parameters
    ----------
    labels : sequence of str
        Of all columns.
    titles : sequence of str
        Fields of the line above, which may name the measurements; empty if there is none.
    """
    plain = plain_labels(labels)
    columns = [
        column for column in (understand(text, i) for i, text in enumerate(plain)) if column is not None
    ]
    return _repeated(columns, titles) or _tagged(plain, columns)


def _repeated(columns: Sequence[Column], titles: Sequence[str]) -> list[Group]:
    """Groups whose labels are the same, in the same order, each with its axis or all with one before them."""
    names = [(column.role, normalise(split_label(column.label)[0]), column.sign) for column in columns]
    for shared in (0, 1):
        size = _period(names[shared:], least=2 - shared)
        axis, rest = columns[:shared], columns[shared:]
        roles = [column.role for column in (*axis, *rest[:size])]
        if not size or len(set(roles)) < len(roles) or not _is_measurement(set(roles)):
            continue
        starts = [rest[i].index for i in range(0, len(rest), size)]
        ends = [*starts[1:], len(titles)]
        named = [_title(titles, start, end) for start, end in zip(starts, ends, strict=True)]
        distinct = all(named) and len(set(named)) == len(named)
        if any(_NO_MEASUREMENT.search(name) for name in named) or (shared and not distinct):
            return []
        if not distinct:
            named = [
                f"{name} {i}".strip() if name else f"columns {i}" for i, name in enumerate(named, start=1)
            ]
        return [Group(name, (*axis, *rest[i * size : (i + 1) * size])) for i, name in enumerate(named)]
    return []


def _period(names: Sequence[object], least: int) -> int:
    """Length of the shortest sequence that, repeated, makes up the whole; 0 if there is none."""
    sizes = (n for n in range(least, len(names) // 2 + 1) if len(names) % n == 0)
    return next((n for n in sizes if list(names) == list(names[:n]) * (len(names) // n)), 0)


def _is_measurement(roles: set[str]) -> bool:
    """True if these roles make a spectrum, a sweep or a transient."""
    if "frequency" in roles:
        return pair_of(roles) is not None
    return bool(roles & {"voltage", "applied_voltage"}) and bool(roles & {"current", "current_density"})


def _title(titles: Sequence[str], start: int, end: int) -> str:
    """What stands above a group: in its first column, or in one of the others."""
    return next((text.strip() for text in titles[start:end] if text.strip()), "")


def _tagged(labels: Sequence[str], columns: Sequence[Column]) -> list[Group]:
    """Groups whose labels carry the name of the measurement."""
    understood = {column.index for column in columns}
    found: dict[str, list[Column]] = {}
    for index, label in enumerate(labels):
        if index in understood or len(label) > 80:
            continue
        tag, column = next(_splits(label, index), ("", None))
        if column is not None:
            found.setdefault(tag, []).append(column)
    if len(found) < 2 or any(_NO_MEASUREMENT.search(tag) for tag in found):
        return []
    shared = [column for column in columns if column.role in _AXES]
    groups = [Group(tag, (*_missing(shared, own), *own)) for tag, own in found.items()]
    alone = {column.role for column in columns}
    complete = all(_is_one(group.columns) for group in groups)
    return groups if complete and not _is_measurement(alone) else []


def _is_one(columns: Sequence[Column]) -> bool:
    """True if the columns make one measurement, each role once."""
    roles = Counter(column.role for column in columns)
    return _is_measurement(set(roles)) and max(roles.values()) == 1


def _missing(shared: Sequence[Column], own: Sequence[Column]) -> Iterator[Column]:
    """Shared columns of roles that a measurement has not itself."""
    roles = {column.role for column in own}
    return (column for column in shared if column.role not in roles)


def _splits(label: str, index: int) -> Iterator[tuple[str, Column]]:
    """(name of the measurement, column) for each way to part a label into a known one and a name."""
    name, unit = split_label(label)
    words = re.split(r"([\s_,;:@]+)", name)
    for cut in range(1, len(words), 2):
        first, last = "".join(words[:cut]), "".join(words[cut + 1 :])
        for head, tag in ((first, last.strip("()[] ")), (last, first.strip("()[] "))):
            column = understand(f"{head} ({unit})" if unit else head, index) if head and tag else None
            if column is None or column.unit is None:
                continue
            way = column.role in _TIME_DOMAIN and _WAY.fullmatch(tag) is not None
            if way or column.role in ROLES_OF_PAIRS:
                yield tag, replace(column, label=label)
