"""Measurements side by side in one table, told apart by its labels.

Either the same labels come again ("f, Z', Z'', f, Z', Z''", perhaps under a row of titles), or each label
carries the name of its measurement ("Frequency (Hz), Z' 0 V (ohm), Z'' 0 V (ohm), Z' 0.5 V (ohm), ...";
"Voltage (V), Current 0.1 V/s (A), Current 0.5 V/s (A)"). Other columns that share a role stay an error: V and
I of two terminals are no two measurements.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from memfit.loaders.raw import ROLES_OF_PAIRS, Stated, pair_of
from memfit.loaders.tables.labels import Column, normalise, understand
from memfit.units import find_unit, parse_number, split_label

MOST_TAGGED = 300
"""Labels of a header in which names of measurements are looked for."""
_AXES = ("frequency", "time", "voltage", "applied_voltage", "current", "applied_current")
"""Roles that can be the first of a measurement."""
_TIME_DOMAIN = frozenset({"time", "voltage", "applied_voltage", "current", "current_density"})
_WAY = re.compile(
    r"fw|fwd|forward|vorw[äa]rts|rv|rev|reverse|bw|bwd|backward|r[üu]ckw[äa]rts|up|down|light|dark|hell|dunkel"
    r"|(?:device|dev|pixel|px|cell|sample|dut)[\s_-]*\w{1,8}"
    r"|(?:cycle|sweep|scan|loop|run|measurement|zyklus|messung)[\s_-]*(?:no\.?|nr\.?|#)?[\s_-]*\d{1,5}",
    re.IGNORECASE,
)
"""Names of sweeps of one device or of several; a letter or number alone may be a terminal."""
_CONDITION = re.compile(r"(?P<value>[-+]?\d+(?:[.,]\d+)?)\s*(?P<unit>[A-Za-z°/²^2]{1,8})")
_SUNS = frozenset({"sun", "suns"})
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
        stated = _BIAS.fullmatch(self.title.strip())
        if stated is None:
            return None
        scale = 1e3 if stated["unit"].lower() == "mv" else 1.0
        return Stated(
            parse_number(stated["value"]) / scale, f"the heading {self.title.strip()!r} of its columns"
        )

    @property
    def scan_rate(self) -> Stated | None:
        """The rate that the title is, V/s, if it is one."""
        stated = _CONDITION.fullmatch(self.title.strip())
        unit = find_unit(stated["unit"], "voltage_rate") if stated else None
        if stated is None or unit is None:
            return None
        rate = parse_number(stated["value"]) * unit.scale
        return Stated(rate, f"the heading {self.title.strip()!r} of its columns")


def groups_of(labels: Sequence[str], titles: Sequence[str] = ()) -> list[Group]:
    """The measurements that stand side by side in a table; none where the table is one measurement.

    Parameters
    ----------
    labels : sequence of str
        Of all columns.
    titles : sequence of str
        Fields of the line above, which may name the measurements; empty if there is none.
    """
    known = set(labels)  # pandas and others put a number behind a label that comes again (".1")
    stripped = [re.sub(r"\s*\.\d{1,3}$", "", label) for label in labels]
    plain = [short if short in known else label for short, label in zip(stripped, labels, strict=True)]
    understood = (understand(text, i) for i, text in enumerate(plain))
    columns = [column for column in understood if column is not None]
    return _repeated(columns, titles) or _tagged(plain, columns)


def _repeated(columns: Sequence[Column], titles: Sequence[str]) -> list[Group]:
    """Groups whose labels are the same, in the same order, each with its axis or all with one before them."""
    names = [(column.role, normalise(split_label(column.label)[0]), column.sign) for column in columns]
    for shared in (0, 1):
        own, axis, rest = names[shared:], columns[:shared], columns[shared:]
        sizes = (n for n in range(2 - shared, len(own) // 2 + 1) if len(own) % n == 0)
        size = next((n for n in sizes if own == own[:n] * (len(own) // n)), 0)
        roles = [column.role for column in (*axis, *rest[:size])]
        if not size or len(set(roles)) < len(roles) or not _is_measurement(set(roles)):
            continue
        starts = [rest[i].index for i in range(0, len(rest), size)]
        ends = [*starts[1:], len(titles)]
        named = [
            next((text.strip() for text in titles[start:end] if text.strip()), "")
            for start, end in zip(starts, ends, strict=True)
        ]
        distinct = all(named) and len(set(named)) == len(named)
        if any(_NO_MEASUREMENT.search(name) for name in named) or (shared and not distinct):
            return []
        if not distinct:
            named = [
                f"{name} {i}".strip() if name else f"columns {i}" for i, name in enumerate(named, start=1)
            ]
        return [Group(name, (*axis, *rest[i * size : (i + 1) * size])) for i, name in enumerate(named)]
    return []


def _is_measurement(roles: set[str]) -> bool:
    """True if these roles make a spectrum, a sweep or a transient."""
    if "frequency" in roles:
        return pair_of(roles) is not None
    return bool(roles & {"voltage", "applied_voltage"}) and bool(roles & {"current", "current_density"})


def _tagged(labels: Sequence[str], columns: Sequence[Column]) -> list[Group]:
    """Groups whose labels carry the name of the measurement."""
    understood = {column.index for column in columns}
    tagged: dict[str, list[Column]] = {}
    for index, label in enumerate(labels):
        if index in understood or len(label) > 80:
            continue
        tag, column = next(_named_columns(label, index), ("", None))
        if column is not None:
            tagged.setdefault(tag, []).append(column)
    if len(tagged) < 2 or any(_NO_MEASUREMENT.search(tag) for tag in tagged):
        return []
    groups = []
    for tag, own in tagged.items():
        have = {column.role for column in own}
        shared = [column for column in columns if column.role in _AXES and column.role not in have]
        roles = Counter(column.role for column in (*shared, *own))
        if not _is_measurement(set(roles)) or max(roles.values()) > 1:
            return []
        groups.append(Group(tag, (*shared, *own)))
    return [] if _is_measurement({column.role for column in columns}) else groups


def _named_columns(label: str, index: int) -> Iterator[tuple[str, Column]]:
    """(name of the measurement, column) for each way to part a label into a known one and a name."""
    name, unit = split_label(label)
    words = re.split(r"([\s_,;:@]+)", name)
    for cut in range(1, len(words), 2):
        first, last = "".join(words[:cut]), "".join(words[cut + 1 :])
        for head, tag in ((first, last.strip("()[] ")), (last, first.strip("()[] "))):
            column = understand(f"{head} ({unit})" if unit else head, index) if head and tag else None
            if column is None or column.unit is None:
                continue
            way = column.role in _TIME_DOMAIN and _is_name(tag)
            if way or column.role in ROLES_OF_PAIRS:
                yield tag, replace(column, label=label)
    flow = find_unit(unit, "current") if unit and _is_name(name.strip()) else None
    if flow is not None:  # "Cycle 1 (A)"
        yield name.strip(), Column(index, label, "current", flow)


def _is_name(tag: str) -> bool:
    """Whether a word names a sweep, a device, or a condition: a scan rate, a temperature, light."""
    if _WAY.fullmatch(tag) is not None:
        return True
    stated = _CONDITION.fullmatch(tag)
    return stated is not None and (
        stated["unit"].lower() in _SUNS
        or any(find_unit(stated["unit"], kind) is not None for kind in ("voltage_rate", "temperature"))
    )
