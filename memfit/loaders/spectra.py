"""Tables of impedance into spectra: impedance from its parts, one record per sweep, the bias of each.

The bias is taken from device.toml, then from the file (metadata, then a column), then from the file's
name, and a note names the source; where name and content disagree the content holds and a note warns.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from memfit.arrays import ComplexArray, FloatArray, IntArray
from memfit.datasets.records import ImpedanceSpectrum
from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, RawTable, Reading, Stated
from memfit.loaders.tables.shapes import WORDS, pair_of
from memfit.loaders.tables.shapes import impedance as impedance_of

_MIN_POINTS = 3
_BIAS_AGREES = 0.005
"""Volt: name and content may differ this much before a note warns."""

_SHORT_RUN, _LONG_RUN, _FEW_TURNS = 4, 10, 3
"""Steps of a sweep back: where a spectrum turns at most so often, and else."""

_BIAS_COLUMNS = (
    ("bias_voltage", "dc voltage"),
    ("voltage", "voltage"),
    ("applied_voltage", "set voltage"),
)
"""Columns that hold the bias, the best first, and their names."""

_NAME_BIAS = re.compile(
    r"(?:^|[_ =(\[,])(?P<value>[-+]?\d+(?:[.,]\d+)?|[-+]?\d+p\d+|[-+]?[.]\d+)[ _]?(?P<unit>mV|V)"
    r"(?=$|[_ )\].,-]|dc|bias|DC)(?![_ ]?(?:ac|amp|ampl|amplitude|rms|pp|pk|sine?)(?![a-z]))",
    re.IGNORECASE,
)


_AMPLITUDE = re.compile(r"(?:^|[_ -])(?:ac|amp|ampl|amplitude|vac|perturbation)[_ =]?$", re.IGNORECASE)
"""What stands before a voltage in a name that is no bias."""


@dataclass(frozen=True)
class _Segment:
    """Rows of one sweep."""

    part: str
    keep: IntArray


def make_spectra(reading: Reading) -> Iterator[ImpedanceSpectrum]:
    """Spectra of a table, one per sweep of the frequency.

    Raises
    ------
    FileFormatError
        A column is missing, or no frequency is above zero.
    """
    table, settings = reading.table, reading.settings
    impedance, notes = _impedance(reading)
    frequency = table.columns["frequency"]
    if np.any(frequency < 0):
        row = int(np.flatnonzero(frequency < 0)[0]) + 1
        raise reading.error(f"expected frequencies above 0 Hz, found {frequency[row - 1]:g} Hz in row {row}.")
    wanted = frequency > 0
    dropped = int(np.count_nonzero(~wanted))
    if dropped:
        notes.append(f"{dropped} rows with frequency 0 are dc data and were left out of the spectra.")
    if np.count_nonzero(wanted) < _MIN_POINTS:
        raise reading.error(
            f"expected at least {_MIN_POINTS} impedance points, found {np.count_nonzero(wanted)}."
        )
    sweeps = _segments(table, np.flatnonzero(wanted))
    segments = [part for sweep in sweeps for part in _by_bias(table, sweep)]
    for segment in segments:
        rows, copied = _without_copies(segment.keep, frequency, impedance)
        bias, bias_notes = _bias(reading, rows)
        current = _bias_current(table, rows, settings)
        spectrum = ImpedanceSpectrum(
            name=reading.record_name,
            origin=reading.origin(segment.part if len(segments) > 1 else ""),
            metadata=dict(table.metadata),
            notes=(*table.notes, *notes, *copied, *bias_notes, *_order_notes(frequency[rows])),
            frequency=frequency[rows],
            impedance=impedance[rows],
            bias_voltage=bias,
            bias_current=current,
            control=settings.control or table.control or "voltage",
            amplitude=settings.amplitude if settings.amplitude is not None else table.amplitude,
        )
        yield _selected(spectrum, settings)


def _impedance(reading: Reading) -> tuple[ComplexArray, list[str]]:
    """Complex impedance, ohm, from whichever parts the table has."""
    table = reading.table
    columns = dict(table.columns)
    notes: list[str] = []
    if table.per_area:
        area = reading.area
        if area is None:
            raise reading.error(
                "expected an area to turn ohm cm^2 into ohm; add `area` to device.toml or a line "
                "`# area: 0.04 cm^2`."
            )
        for role in table.per_area:
            columns[role] = columns[role] / area
        notes.append(f"The impedance per area was divided by {area * 1e4:g} cm^2.")
    found = impedance_of(columns)
    if found is None:
        raise reading.error(
            f"expected the columns {WORDS} beside the frequency; found {', '.join(sorted(columns))}."
        )
    if not np.isfinite(found[columns["frequency"] > 0]).all():
        raise reading.error("expected an admittance other than 0 in every row, and a finite impedance.")
    if not {"z_real", "z_imag"} <= columns.keys():
        pair = pair_of(set(columns))
        if pair is not None and not {"phase", "y_imag", "y_phase"} & set(pair):
            notes.append(
                f"The impedance is computed from {' and '.join(role.replace('_', ' ') for role in pair)}."
            )
    return found, notes


def _segments(table: RawTable, rows: IntArray) -> Iterator[_Segment]:
    """Rows of each sweep: a new one starts with a new cycle or where the frequency starts again."""
    breaks: set[int] = set()
    label = "sweep"
    cycle = table.columns.get("cycle")
    if cycle is not None:
        changes = np.flatnonzero(np.diff(cycle[rows]) != 0) + 1
        if changes.size and changes.size < rows.size // _MIN_POINTS:
            breaks.update(int(i) for i in changes)
            label = "cycle"
    if not breaks:
        breaks = set(frequency_breaks(table.columns["frequency"][rows]))
    edges = [0, *sorted(breaks), rows.size]
    for number, (first, last) in enumerate(pairwise(edges), start=1):
        if last - first < _MIN_POINTS:
            continue
        yield _Segment(f"{label} {number}", rows[first:last])


def frequency_breaks(frequency: FloatArray) -> list[int]:
    """Indices at which a sweep of the frequency starts again or turns round.

    A jump against the direction of the sweep over more than half a decade and over more than five usual
    steps is a restart; a long run in the other direction is a sweep back. Less is scatter.
    """
    steps = np.diff(np.log10(frequency))
    moving = steps[steps != 0]
    if moving.size < 2 * _MIN_POINTS:
        return []
    direction = np.sign(np.median(np.sign(moving))) or np.sign(moving[0])
    usual = float(np.median(np.abs(moving)))
    against = steps * direction < 0
    jumps = against & (np.abs(steps) > max(0.5, 5 * usual))
    if jumps.any() and np.count_nonzero(against) <= 2 * np.count_nonzero(jumps) + 2:
        found = [int(i) + 1 for i in np.flatnonzero(jumps)]
        edges = [0, *found, frequency.size]
        return found if min(np.diff(edges)) >= _MIN_POINTS else []
    turns = _turning_points(steps, float(direction))
    return turns if len(turns) <= 20 else []


def _turning_points(steps: FloatArray, direction: float) -> list[int]:
    """Where a sweep turns round for at least ten steps, or for four where it turns rarely.

    The point at the end belongs to the sweep before; where it is measured twice, once to each.
    """
    against = steps * direction < 0
    edges = np.flatnonzero(np.diff(against.astype(np.int8))) + 1
    runs = np.diff([0, *edges, against.size])
    if edges.size == 0 or runs.min() < (_SHORT_RUN if edges.size <= _FEW_TURNS else _LONG_RUN):
        return []
    return [int(edge) if steps[edge - 1] == 0 else int(edge) + 1 for edge in edges]


def _by_bias(table: RawTable, segment: _Segment) -> list[_Segment]:
    """A sweep apart by its biases, where a column of the dc voltage stands on several levels.

    The levels are told apart by gaps that are wide beside the spread within; rows of a level need not be
    neighbours.
    """
    column = next((table.columns[role] for role, _ in _BIAS_COLUMNS if role in table.columns), None)
    if column is None:
        return [segment]
    values = column[segment.keep]
    ranked = np.sort(values)
    gaps = np.diff(ranked)
    divides = np.flatnonzero(gaps > max(_BIAS_AGREES, 0.05 * float(np.ptp(values))))
    if divides.size == 0:
        return [segment]
    groups = np.split(ranked, divides + 1)
    spread = max(float(np.ptp(group)) for group in groups)
    if min(map(len, groups)) < _MIN_POINTS or spread > 0.2 * float(gaps[divides].min()):
        return [segment]
    level = np.searchsorted(ranked[divides], values)
    return [
        _Segment(f"{segment.part} at {np.mean(group):.4g} V", segment.keep[level == number])
        for number, group in enumerate(groups)
    ]


def _without_copies(
    rows: IntArray, frequency: FloatArray, impedance: ComplexArray
) -> tuple[IntArray, list[str]]:
    """Rows without those that repeat a row to the last digit, and a note: nothing is measured so twice."""
    seen: set[tuple[float, complex]] = set()
    kept = []
    for row in rows.tolist():
        key = (float(frequency[row]), complex(impedance[row]))
        if key not in seen:
            seen.add(key)
            kept.append(row)
    copies = rows.size - len(kept)
    if copies == 0 or len(kept) < _MIN_POINTS:
        return rows, []
    return np.array(kept), [f"{copies} rows that repeat another to the last digit were left out."]


def _bias(reading: Reading, rows: IntArray) -> tuple[float | None, list[str]]:
    """Terminal dc voltage (V) and notes on where it comes from."""
    table, source, settings = reading.table, reading.source, reading.settings
    if settings.bias is not None:
        return settings.bias, ["The bias is the one that device.toml states."]
    named = bias_from_name(table.part) or bias_from_name(source.name)
    stated = table.bias or _column_bias(table, rows)
    if stated is None:
        if named is None:
            return None, ["No dc bias is stated; give `bias` in device.toml."]
        return named.value, [f"The bias {named.value:g} V is taken from {named.source}."]
    notes = [f"The bias {stated.value:.6g} V is taken from {stated.source}."]
    if named is not None and abs(named.value - stated.value) > _BIAS_AGREES:
        notes.append(
            f"The {named.source.removeprefix('the ')} says {named.value:g} V but the content says "
            f"{stated.value:.6g} V; the content holds."
        )
    return stated.value, notes


def _column_bias(table: RawTable, rows: IntArray) -> Stated | None:
    """Mean of a column with the dc voltage."""
    for role, words in _BIAS_COLUMNS:
        column = table.columns.get(role)
        if column is not None:
            spread = float(np.ptp(column[rows]))
            mean = float(np.mean(column[rows])) if spread > 0 else float(column[rows[0]])
            drift = f" (it moves by {spread:.3g} V)" if spread > max(0.005, 0.02 * abs(mean)) else ""
            return Stated(mean, f"the column of the {words}{drift}")
    return None


def _bias_current(table: RawTable, rows: IntArray, settings: FileSettings) -> float | None:
    """Terminal dc current (A), if known."""
    if settings.bias_current is not None:
        return settings.bias_current
    if table.bias_current is not None:
        return table.bias_current.value
    column = table.columns.get("bias_current", table.columns.get("current"))
    if column is None:
        return None
    return float(np.mean(column[rows])) if np.ptp(column[rows]) > 0 else float(column[rows[0]])


def bias_from_name(name: str) -> Stated | None:
    """The dc bias that a file's or a sheet's name states: "eis_0.80V.csv", "000_mvdc.ism"."""
    found = [match for match in _NAME_BIAS.finditer(name) if not _AMPLITUDE.search(name[: match.start() + 1])]
    if len(found) != 1:
        return None
    value = float(found[0]["value"].lower().replace("p", ".").replace(",", "."))
    scale = 1e-3 if found[0]["unit"].lower() == "mv" else 1.0
    return Stated(value / 1000 if scale != 1.0 else value, f"the file name {name!r}")


def _order_notes(frequency: FloatArray) -> list[str]:
    """A word where the frequencies are not in order."""
    steps = np.sign(np.diff(frequency))
    if steps.size and not (np.all(steps <= 0) or np.all(steps >= 0)):
        return ["The frequencies are not in order."]
    return []


def _selected(spectrum: ImpedanceSpectrum, settings: FileSettings) -> ImpedanceSpectrum:
    """Only the points that device.toml asks for."""
    limits = settings.use.get("frequency")
    if limits is None:
        return spectrum
    keep = (spectrum.frequency >= limits[0]) & (spectrum.frequency <= limits[1])
    if not keep.any():
        raise FileFormatError(
            f"expected points between {limits[0]:g} and {limits[1]:g} Hz as device.toml asks; the spectrum "
            f"goes from {spectrum.frequency.min():g} to {spectrum.frequency.max():g} Hz.",
            file=spectrum.origin.file,
        )
    left_out = int(np.count_nonzero(~keep))
    note = f"{left_out} points outside {limits[0]:g} to {limits[1]:g} Hz were left out as device.toml asks."
    return spectrum.select(keep, note) if left_out else spectrum
