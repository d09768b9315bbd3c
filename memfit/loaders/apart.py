"""Which rows of one table are one measurement: sweeps of the frequency, levels of the bias, other conditions.

Sweeps may stand one below the other or take turns. A new one begins with a new cycle or where the frequency
starts again; rows of one sweep are parted by the levels of the bias, and by every other column (temperature,
sample, amplitude, light, direction) that has a level of its own for each time that a frequency comes.

Levels are clusters: the gaps between them are wide beside the spread within, whatever their distances. A
column that merely goes with the frequency (a range), or takes a few values at random (a digit of noise), has
not every level at nearly every frequency, and tells nothing apart.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from memfit.arrays import FloatArray, IntArray
from memfit.loaders.raw import RawTable, Stated
from memfit.loaders.tables import normalise, number, understand, words_of_headers
from memfit.units import find_unit, split_label

MIN_POINTS = 3
"""Rows below which a sweep is no measurement."""
SAME_BIAS = 0.005
"""Volt: levels that are closer are told apart only where the frequencies show that they are two."""
_SHORT_RUN, _LONG_RUN, _FEW_TURNS = 4, 10, 3
"""Steps of a sweep back: where a spectrum turns at most so often, and else."""
_SAME_FREQUENCY = 1e-3
"""Relative."""
_CLEAR = 3.0
"""Least ratio of the gap between two levels to the largest gap, or to the spread, within."""
_NEARLY_ALL, _COVERED = 0.9, 0.8
"""Share of the frequencies at which a column keeps to its levels; and of those that a level has."""
_LEAST_GAP, _LEAST_KELVIN = 0.005, 0.5
"""Relative, and of a temperature: a condition beside a sweep or pulse that differs by less merely drifts."""
_MOST_COLUMNS = 300
"""Columns without a role that are looked at."""

BIAS_COLUMNS = (
    ("bias_voltage", "dc voltage"),
    ("voltage", "voltage"),
    ("applied_voltage", "set voltage"),
)
"""Columns that hold the bias, the best first, and their names."""


@dataclass(frozen=True)
class Sweep:
    """Rows of one measurement."""

    part: str
    rows: IntArray
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What columns without a role say of it, where they say another thing of other sweeps."""


def sweeps_of(table: RawTable, wanted: IntArray, least: int = MIN_POINTS) -> tuple[list[Sweep], list[str]]:
    """The sweeps of a table of impedance, in the order of their first rows, and what is to be said of them.

    Parameters
    ----------
    table : RawTable
    wanted : (n,) array of int
        Rows that count.
    least : int
        Points of a sweep; with one, every value of the bias is a level.
    """
    frequency = table.columns["frequency"]
    number_of = _numbers_of(frequency)
    conditions = list(_conditions(table))
    found: list[Sweep] = []
    for sweep in _one_below_the_other(table, wanted):
        parts = [sweep]
        for name, levels in conditions:
            parts = [small for part in parts for small in _by_level(part, name, levels, number_of, least)]
        found += parts
    aborted = [sweep for sweep in found if sweep.rows.size < least]
    kept = sorted((s for s in found if s.rows.size >= least), key=lambda sweep: int(sweep.rows[0]))
    notes = [
        f"{sweep.part[:1].upper() + sweep.part[1:]} has {sweep.rows.size} "
        f"{'point' if sweep.rows.size == 1 else 'points'} only and was left out."
        for sweep in aborted
    ]
    attributes = differing(table, [sweep.rows for sweep in kept])
    labels = [repr(label) for label in (attributes[0] if attributes else {}) if label in table.others]
    if labels:
        notes.append(f"Kept with each sweep, since it differs: {', '.join(labels)}.")
    return [replace(s, attributes=a) for s, a in zip(kept, attributes, strict=True)], notes


def _numbers_of(frequency: FloatArray) -> IntArray:
    """(n,) the place of each row's frequency among the different ones, from the lowest."""
    order = np.argsort(frequency, kind="stable")
    ranked = frequency[order]
    new = np.diff(ranked) > _SAME_FREQUENCY * np.abs(ranked[1:])
    places = np.empty(frequency.size, dtype=np.intp)
    places[order] = np.concatenate([[0], np.cumsum(new)])
    return places


def count_frequencies(frequency: FloatArray) -> int:
    """How many different frequencies there are.

    Parameters
    ----------
    frequency : (n,) array, Hz
    """
    return int(_numbers_of(frequency).max(initial=-1)) + 1


def _one_below_the_other(table: RawTable, rows: IntArray) -> Iterator[Sweep]:
    """Rows of each sweep: a new one starts with a new cycle or where the frequency starts again."""
    breaks: list[int] = []
    label = "sweep"
    cycle = table.columns.get("cycle")
    if cycle is not None:
        changes = np.flatnonzero(np.diff(cycle[rows]) != 0) + 1
        if changes.size and changes.size < rows.size // MIN_POINTS:
            breaks, label = changes.tolist(), "cycle"
    breaks = breaks or _frequency_breaks(table.columns["frequency"][rows])
    for count, (first, last) in enumerate(pairwise([0, *breaks, rows.size]), start=1):
        yield Sweep(f"{label} {count}" if breaks else "", rows[first:last])


def _frequency_breaks(frequency: FloatArray) -> list[int]:
    """Indices at which a sweep of the frequency starts again or turns round.

    A jump against the direction of the sweep over more than half a decade and over more than five usual
    steps, or over nearly the whole range, is a restart. A run in the other direction of ten steps, or of four
    where the sweep turns rarely, is a sweep back; the point at the end belongs to the sweep before, where it
    is measured twice once to each. Less is scatter, but for the last run, which may have been aborted.
    """
    steps = np.diff(np.log10(frequency))
    moving = steps[steps != 0]
    if moving.size < MIN_POINTS:
        return []
    direction = np.sign(np.median(np.sign(moving))) or np.sign(moving[0])
    usual = float(np.median(np.abs(moving)))
    whole = float(np.ptp(np.log10(frequency)))
    against = steps * direction < 0
    jumps = against & (np.abs(steps) > min(max(0.5, 5 * usual), max(0.8 * whole, 1.5 * usual)))
    if jumps.any() and np.count_nonzero(against) <= 2 * np.count_nonzero(jumps) + 2:
        starts = [int(i) + 1 for i in np.flatnonzero(jumps)]
        short = np.count_nonzero(np.diff([0, *starts, frequency.size]) < MIN_POINTS)
        return starts if short <= 1 + len(starts) // 4 else []
    edges = np.flatnonzero(np.diff(against.astype(np.int8))) + 1
    runs = np.diff([0, *edges, against.size])
    least = _SHORT_RUN if edges.size <= _FEW_TURNS else _LONG_RUN
    if edges.size == 0 or runs[:-1].min() < least or (edges.size == 1 and runs[-1] < least):
        return []
    return [int(edge) if steps[edge - 1] == 0 else int(edge) + 1 for edge in edges]


def _conditions(table: RawTable) -> Iterator[tuple[str, FloatArray | Sequence[str]]]:
    """Columns that may tell measurements apart: the bias as "", then the others by their labels."""
    bias = next((table.columns[role] for role, _ in BIAS_COLUMNS if role in table.columns), None)
    if bias is not None:
        yield "", bias
    if "bias_current" in table.columns:
        yield "current", table.columns["bias_current"]
    if "cycle" in table.columns:
        yield "cycle", table.columns["cycle"]
    for label, cells in list(table.others.items())[:_MOST_COLUMNS]:
        values = _as_numbers(cells)
        yield label, cells if values is None else values


def _as_numbers(cells: Sequence[str]) -> FloatArray | None:
    """Cells as numbers; None where one is none."""
    values = [number(cell.replace(",", ".")) for cell in cells]
    known = [value for value in values if value is not None]
    return np.array(known) if len(known) == len(values) and np.isfinite(known).all() else None


def _by_level(
    sweep: Sweep, name: str, column: FloatArray | Sequence[str], number_of: IntArray, least: int
) -> list[Sweep]:
    """A sweep apart by the levels of a column, where it has some."""
    rows, is_bias = sweep.rows, name == ""
    places = number_of[rows]
    if isinstance(column, np.ndarray):
        values = column[rows]
        level = (
            np.unique(values, return_inverse=True)[1]
            if is_bias and least == 1
            else _levels(values, places, by_gap=is_bias)
        )
        if not level.any():
            return [sweep]
        texts = [f"{np.mean(values[level == k]):.4g}" for k in range(int(level.max()) + 1)]
    else:
        own = [column[i] for i in rows]
        texts = list(dict.fromkeys(own))
        if not 2 <= len(texts) <= rows.size // 2:
            return [sweep]
        level = np.array([texts.index(text) for text in own])
        if not _each_has_its_level(places, level):
            return [sweep]
    words = [f"at {text} V" if is_bias else f"{name} {text or 'empty'}" for text in texts]
    before = sweep.part or ("sweep 1" if is_bias else "")
    return [
        Sweep(f"{before} {word}" if is_bias else ", ".join(filter(None, (before, word))), rows[level == k])
        for k, word in enumerate(words)
    ]


def _levels(values: FloatArray, places: IntArray, *, by_gap: bool) -> IntArray:
    """(n,) the level of each value; all 0 where nothing tells them apart.

    By the plan of the frequencies; by wide gaps alone if these are biases.
    """
    for level, gap, ratio in clusterings(values):
        apart = by_gap and gap > SAME_BIAS and ratio > _CLEAR and int(np.bincount(level).min()) >= MIN_POINTS
        if apart or _each_has_its_level(places, level):
            return level
    return np.zeros(values.size, dtype=np.intp)


def clusterings(values: FloatArray) -> Iterator[tuple[IntArray, float, float]]:
    """Ways to part values into levels, the most levels first.

    Each is (n,) the level of each value, the least gap between levels, and its ratio to the largest spread.

    In each the least gap between two levels is wide beside the largest gap within one, and nearly all
    levels have `MIN_POINTS` values or more.

    Parameters
    ----------
    values : (n,) array
    """
    order = np.argsort(values, kind="stable")
    gaps = np.diff(values[order])
    least = 1e-9 * float(np.max(np.abs(values), initial=0.0))
    sizes = np.unique(np.where(gaps > least, gaps, 0.0))
    for below, above in pairwise([0.0, *sizes[sizes > 0]]):
        if below > 0 and above <= _CLEAR * below:
            continue
        divides = gaps > (below + above) / 2
        level = np.empty(values.size, dtype=np.intp)
        level[order] = np.concatenate([[0], np.cumsum(divides)])
        edges = np.concatenate([[0], np.flatnonzero(divides) + 1, [values.size]])
        ranked = values[order]
        spread = float(np.max(ranked[edges[1:] - 1] - ranked[edges[:-1]]))
        ratio = above / spread if spread > 0 else np.inf
        few = int(np.count_nonzero(np.diff(edges) < MIN_POINTS))
        if few <= (edges.size - 1) // 5 + 1 and few < edges.size - 1:
            yield level, above, ratio


def _each_has_its_level(places: IntArray, level: IntArray) -> bool:
    """Whether a column has another level each time that a frequency comes, in an even plan.

    Parameters
    ----------
    places : (n,) array of int
        Place of each row's frequency among the different ones.
    level : (n,) array of int
    """
    _, places = np.unique(places, return_inverse=True)
    table = np.zeros((int(places.max()) + 1, int(level.max()) + 1), dtype=np.intp)
    np.add.at(table, (places, level), 1)
    repeated = table[table.sum(axis=1) > 1]
    if not len(repeated):
        return False
    usual = np.array([np.bincount(column[column > 0]).argmax() if column.any() else 0 for column in table.T])
    regular = np.all((repeated == 0) | (repeated == usual), axis=1)
    has_two = np.count_nonzero(repeated, axis=1) > 1
    covered = np.count_nonzero(table, axis=0) >= _COVERED * len(repeated)
    return bool(
        regular.mean() >= _NEARLY_ALL
        and has_two.mean() >= _NEARLY_ALL
        and np.count_nonzero(~covered) <= max(1, covered.size // 5)
    )


def blocks_of(table: RawTable) -> list[RawTable]:
    """The measurements of a table that sweeps no frequency, by columns of samples, temperatures and the like.

    Rows of a level need not be neighbours. A level that a few rows only have is left out and named.

    Parameters
    ----------
    table : RawTable
    """
    names = re.compile("|".join(words_of_headers()["conditions"]["names"].split()))
    labels = list(table.others)[:_MOST_COLUMNS]
    rates = {label: rate for label in labels if (rate := _scan_rates(table, label)) is not None}
    parts = [("", np.arange(table.rows))]
    for label, cells in list(table.others.items())[:_MOST_COLUMNS]:
        if all(":" in cell for cell in cells):  # a clock goes on within every measurement
            continue
        known = understand(label)
        warm = known is not None and known.role == "temperature"
        if warm or label in rates or names.fullmatch(normalise(split_label(label)[0])):
            parts = [
                (", ".join(filter(None, (before, f"{label} {text}"))), rows[level == k])
                for before, rows in parts
                for texts, level in [_block_levels([cells[i] for i in rows], warm=warm)]
                for k, text in enumerate(texts)
            ]
    if len(parts) == 1:
        return [_with_scan_rate(table, rates, parts[0][1])]
    parts = _without_gaps(parts, table.columns.get("time"))
    kept = [(name, rows) for name, rows in parts if rows.size >= MIN_POINTS]
    short = [f"{name}: {rows.size} rows only, left out." for name, rows in parts if rows.size < MIN_POINTS]
    attributes = differing(table, [rows for _, rows in kept])
    return [
        replace(
            (block := _with_scan_rate(table.part_of(rows, name), rates, rows)),
            metadata={**table.metadata, **own},
            notes=(*block.notes, f"One of {len(kept)} measurements of the table, by its columns.", *short),
        )
        for (name, rows), own in zip(kept, attributes, strict=True)
    ]


def _scan_rates(table: RawTable, label: str) -> FloatArray | None:
    """(n,) scan rates that a column of the table states for each row, V/s; None if it is no such column."""
    name, unit = split_label(label)
    known = find_unit(unit or "", "voltage_rate")
    if known is None or not re.fullmatch(words_of_headers()["settings"]["scan_rate"], name.strip().lower()):
        return None
    values = _as_numbers(table.others[label])
    return None if values is None or np.min(values) <= 0 else known.to_si(values)


def _with_scan_rate(table: RawTable, rates: Mapping[str, FloatArray], rows: IntArray) -> RawTable:
    """The rows of a table with the scan rate that a column of it states for all of them."""
    for label, rate in rates.items() if table.scan_rate is None else ():
        if np.ptp(rate[rows]) == 0:
            read = (f"Not read: the column {label!r}.", f" {label!r},", f", {label!r}")
            notes = [note for note in table.notes if note != read[0]]
            notes = [
                note.replace(read[1], "").replace(read[2], "") if note.startswith("Not read:") else note
                for note in notes
            ]
            stated = Stated(float(rate[rows][0]), f"the column {label!r}")
            return replace(table, scan_rate=stated, notes=tuple(notes))
    return table


def _without_gaps(parts: list[tuple[str, IntArray]], time: FloatArray | None) -> list[tuple[str, IntArray]]:
    """Rows of each measurement; one clock runs over all of them and a level comes again: each stretch is one.

    By turns, row by row, they are those of two devices.
    """
    if time is None or np.any(np.diff(time) < 0):
        return parts
    stretches = [np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) for _, rows in parts]
    if min(piece.size for pieces in stretches for piece in pieces) < MIN_POINTS:
        return parts
    named = [
        (f"{name}, stretch {k}" if len(pieces) > 1 else name, piece)
        for (name, _), pieces in zip(parts, stretches, strict=True)
        for k, piece in enumerate(pieces, start=1)
    ]
    return sorted(named, key=lambda part: int(part[1][0]))


def _block_levels(cells: Sequence[str], *, warm: bool) -> tuple[list[str], IntArray]:
    """The levels of a column as texts, in the order in which they come, and (n,) the level of each row."""
    values = _as_numbers(cells)
    one = [""], np.zeros(len(cells), dtype=np.intp)
    if values is None:
        texts = list(dict.fromkeys(cells))
        if len(texts) > max(1, len(cells) // MIN_POINTS) or not all(texts):
            return one
        return texts, np.array([texts.index(cell) for cell in cells])
    least = _LEAST_GAP * float(np.max(np.abs(values), initial=0.0))
    for level, gap, ratio in clusterings(values):
        if ratio > _CLEAR and gap > (max(least, _LEAST_KELVIN) if warm else least):
            order = list(dict.fromkeys(level.tolist()))
            means = [f"{np.mean(values[level == k]):.6g}" for k in order]
            return means, np.array([order.index(k) for k in level])
    return one


def differing(table: RawTable, parts: Sequence[IntArray]) -> list[dict[str, str]]:
    """What the columns without a role say of each part of a table, where they say different things.

    Parameters
    ----------
    table : RawTable
    parts : sequence of (n,) arrays of int
        Rows of each.
    """
    attributes: list[dict[str, str]] = [{} for _ in parts]
    for label, cells in list(table.others.items())[:_MOST_COLUMNS] if len(parts) > 1 else ():
        texts = _one_text_each(cells, parts)
        if len(set(texts)) < 2 or not all(texts):
            continue
        known = understand(label)
        for own, text in zip(attributes, texts, strict=True):
            own[label] = text
            if known is not None and known.role == "temperature" and known.unit is not None:
                kelvin = known.to_si(np.array([float(text.replace(",", "."))]))[0]
                own["temperature"] = f"{round(float(kelvin), 6)!r} K"
    return attributes


def _one_text_each(cells: Sequence[str], parts: Sequence[IntArray]) -> list[str]:
    """The text of each part, or the mean where numbers scatter little beside their differences; else ""."""
    texts = [{cells[i] for i in rows} - {""} for rows in parts]
    if all(len(own) == 1 for own in texts):
        return [next(iter(own)) for own in texts]
    values = _as_numbers(cells)
    if values is None:
        return [""]
    means = np.array([float(np.mean(values[rows])) for rows in parts])
    spread = max(float(np.ptp(values[rows])) for rows in parts)
    return [f"{mean:.6g}" for mean in means] if float(np.ptp(means)) > _CLEAR * spread else [""]
