"""From a file to records: the reader by content, then by extension; the kind of each table; its records.

A laboratory plugs its own reader in through the entry-point group `memfit.readers`: each entry is a
`Reader`. Plug-ins are asked first, in the order of their names, the generic table last.

The kind of a table is what device.toml, the format or the metadata say; else the columns decide (a frequency
makes a spectrum, no time makes a sweep), then the shape of the curves, then the file's name, then whether the
time stands before the voltage (a transient) or behind (a sweep).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np

from memfit.datasets import Kind, Record, copies, silent
from memfit.datasets.programmes import AXES
from memfit.errors import DependencyError, FileFormatError, InputError
from memfit.loaders import tidy
from memfit.loaders.apart import blocks_of
from memfit.loaders.curves import is_sweep, time_fault
from memfit.loaders.formats import READERS
from memfit.loaders.programmes import programmes_of, question_of_reads
from memfit.loaders.raw import (
    DAMAGE,
    NO_SETTINGS,
    FileSettings,
    RawTable,
    Reader,
    Reading,
    Source,
    check_offset,
    open_source,
    without_points,
)
from memfit.loaders.spectra import make_spectra
from memfit.loaders.sweeps import make_sweeps
from memfit.loaders.tables import question_of_layout, read_text_tables, with_named
from memfit.loaders.transients import make_transients, with_sign
from memfit.units import format_quantity

__all__ = ["Reader", "find_reader", "is_measurement", "plugged_in", "read_file", "read_source", "read_tables"]

ENTRY_POINTS = "memfit.readers"
_DATA_SUFFIXES = frozenset({".csv", ".tsv", ".xlsx"})

GENERIC = Reader("table", lambda source: source.is_text, read_text_tables)

_NAMES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("impedance", re.compile(r"(?<![a-z])(p?eis|geis|speis|impedance)(?![a-z])")),
    ("iv", re.compile(r"(?<![a-z])(iv|jv|i-v|j-v|cv|cva|sweep|loop|hysteresis)(?![a-z])")),
    ("transient", re.compile(r"(?<![a-z])(pulse|pulses|transient|step|ca|cp|chrono\w*|mppt)(?![a-z])")),
)
"""What the name of a file may say: "eis_0.80V.csv", "iv_50mVs.txt", "pulse_1.csv"."""
_MOST_COMPARED = 300
"""Records of a file among which copies are looked for."""
_WORD = {"impedance": "an impedance spectrum", "iv": "a sweep", "transient": "a transient"}
_VOLTAGES = ("voltage", "applied_voltage")
_CURRENTS = ("current", "applied_current", "current_density")
_LARGEST = {
    "frequency": 1e13, "z_real": 1e16, "z_imag": 1e16, "z_modulus": 1e16, "phase": 4 * np.pi, "y_real": 1e12,
    "y_imag": 1e12, "y_modulus": 1e12, "y_phase": 4 * np.pi,
    "capacitance_parallel": 1e6, "capacitance_series": 1e6,
    "time": 1e11, "voltage": 1e6, "current": 1e6, "current_density": 1e12,
    "bias_voltage": 1e6,
    "bias_current": 1e6, "applied_voltage": 1e6, "applied_current": 1e6,
}  # fmt: skip
"""Largest modulus by role in SI: beyond it nothing was measured; the file is damaged or its unit wrong."""


@lru_cache(maxsize=1)
def plugged_in() -> tuple[Reader, ...]:
    """Readers that other packages registered.

    Raises
    ------
    DependencyError
        An entry of the group cannot be imported or is no `Reader`.
    """
    readers = []
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        try:
            reader = entry.load()
        except (ImportError, AttributeError) as error:
            raise DependencyError(
                f"The plug-in {entry.name!r} of {ENTRY_POINTS} cannot be loaded: {error}."
            ) from error
        if not isinstance(reader, Reader):
            raise DependencyError(
                f"The plug-in {entry.name!r} of {ENTRY_POINTS} is no memfit.loaders.registry.Reader."
            )
        readers.append(reader)
    return tuple(readers)


def find_reader(source: Source) -> Reader:
    """The reader of a file; the generic table if no format knows it.

    Parameters
    ----------
    source : Source
    """
    known = (*plugged_in(), *READERS)
    by_content = next((reader for reader in known if reader.recognises(source)), None)
    return by_content or next((reader for reader in known if source.suffix in reader.suffixes), GENERIC)


def is_measurement(path: Path) -> bool:
    """True for files that are meant as measurements, so that a fault in them must not pass.

    Those with the extension of a table or of an instrument, and texts with rows of numbers.

    Parameters
    ----------
    path : Path
    """
    known = _DATA_SUFFIXES.union(*(reader.suffixes for reader in (*plugged_in(), *READERS)))
    if path.suffix.lower() in known:
        return True
    text = path.read_bytes()[:20_000].decode("latin-1")
    numeric = [
        line
        for line in text.splitlines()
        if re.match(r"\s*[-+]?[\d.]+([eE][-+]?\d+)?[\s,;]+[-+]?[\d.]", line)
    ]
    return len(numeric) >= 3


def read_tables(source: Source, settings: FileSettings = NO_SETTINGS) -> tuple[Reader, list[RawTable]]:
    """The reader of a file and the tables that it finds, in SI units.

    Parameters
    ----------
    source : Source
    settings : FileSettings
        What device.toml says of the file.

    Raises
    ------
    FileFormatError
        The file cannot be read.
    """
    reader = find_reader(source)
    try:
        tables = reader.read(source, settings)
    except InputError:
        raise
    except DAMAGE as error:
        raise FileFormatError(
            f"expected a file of the format {reader.name!r}; found a damaged or a different one "
            f"({type(error).__name__}: {error}).",
            file=source.name,
        ) from error
    if not tables:
        raise FileFormatError(
            f"expected measurements in this {reader.name} file, found none.", file=source.name
        )
    for table in tables:
        sizes = {role: values.size for role, values in table.columns.items()}
        if len(set(sizes.values())) > 1:
            fewest, most = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
            raise source.error(
                f"expected as many values of the {fewest.replace('_', ' ')} as of the "
                f"{most.replace('_', ' ')}, found {sizes[fewest]} and {sizes[most]}: the file is cut or "
                "damaged; export it again."
            )
    return reader, tables


def read_source(source: Source, settings: FileSettings = NO_SETTINGS) -> tuple[Record, ...]:
    """All records of a file that is in memory.

    Parameters
    ----------
    source : Source
    settings : FileSettings
        What device.toml says of the file.

    Raises
    ------
    FileFormatError
        The file cannot be read as measurements.
    """
    records = _records_of(source, settings)
    for record in records:
        check_offset(record, settings)
    return tuple(without_points(_with_unused(record, settings), settings) for record in records)


_SAYS_NOTHING: Mapping[Kind, tuple[str, ...]] = {
    "impedance": ("scan_rate", "compliance", "waveform", "time_offset"),
    "iv": ("bias", "bias_current", "amplitude"),
    "transient": ("bias", "bias_current", "amplitude", "scan_rate"),
}
"""Keys of device.toml that say nothing of a kind."""


def _with_unused(record: Record, settings: FileSettings) -> Record:
    """The record with a note of what device.toml says of it in vain."""
    keys = _SAYS_NOTHING.get(record.kind, ())
    given = [key for key in keys if getattr(settings, key) != getattr(NO_SETTINGS, key)]
    if not given:
        return record
    named = " and ".join(f"`{key.removesuffix('_current')}`" for key in given)
    what = _WORD[record.kind]
    note = f"{named} in device.toml {'says' if len(given) == 1 else 'say'} nothing of {what}: not used."
    return replace(record, notes=(*record.notes, note))


def _records_of(source: Source, settings: FileSettings) -> tuple[Record, ...]:
    """All records of a file with all their points."""
    start = source.data[:200].lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        raise FileFormatError(
            "expected measurements, found a pointer of Git LFS, which stands for the file: fetch the file "
            "itself (`git lfs pull`).",
            file=source.name,
        )
    if start.startswith((b"{", b"[")) and find_reader(source) is GENERIC and _is_json(source):
        raise FileFormatError(
            "expected a table, found JSON: write its measured columns as a CSV file with a header such as "
            "Time (s), Voltage (V), Current (A).",
            file=source.name,
        )
    if start.startswith((b"<!doctype html", b"<html")):
        raise FileFormatError(
            "expected measurements, found a web page: download the file itself (the raw file).",
            file=source.name,
        )
    if tidy.recognises(source):
        return (tidy.apply_settings(tidy.read_record(source), settings),)
    programme = tuple(programmes_of(source, settings))
    if programme:
        for one in programme:
            _check_measured(one)
        return programme
    try:
        reader, tables = read_tables(source, settings)
        records = [
            record
            for table in tables
            for record in _make_records(Reading(table, source, settings, reader.name))
        ]
    except FileFormatError as error:
        generic = source.is_text and find_reader(source) is GENERIC
        question = question_of_reads(source) or question_of_layout(source) if generic else ""
        if question:
            raise source.error(question) from error
        raise
    for record in records:
        _check_measured(record)
    counts, seen = Counter(record.name for record in records), Counter[str]()
    for i, record in enumerate(records):
        if counts[record.name] > 1:  # the part tells records of one file apart
            name = f"{record.name} [{record.origin.part or 'part'}]"
            seen[name] += 1
            records[i] = replace(record, name=name if seen[name] == 1 else f"{name[:-1]} ({seen[name]})]")
    for copy, first in copies(records).items() if len(records) <= _MOST_COMPARED else ():
        note = f"It holds the same numbers as {records[first].name}: a device counts it once."
        records[copy] = replace(records[copy], notes=(*records[copy].notes, note))
    return tuple(records)


def _check_measured(record: Record) -> None:
    """Refuse a record in which nothing was measured.

    Raises
    ------
    FileFormatError
        Names what is zero, and how to read another column.
    """
    nothing = silent(record)
    if not nothing:
        return
    part = f" ({record.origin.part})" if record.origin.part else ""
    unread = next((note for note in record.notes if note.startswith("Not read:")), "")
    role = "z_real" if record.kind == "impedance" else "current" if record.control == "voltage" else "voltage"
    raise FileFormatError(
        f"{nothing}{part}: an open contact, or a column that the export left empty. Leave the file out, or "
        f"name another column in device.toml: columns = {{ {role} = ... }}.{f' {unread}' if unread else ''}",
        file=record.origin.file,
    )


def _is_json(source: Source) -> bool:
    """Whether a text is JSON, whole or cut, rather than a table whose first label begins with a bracket."""
    begins = r"[\[{]\s*(?:$|[\]}]|\"[^\"\n]*\"\s*[:,\]]|[\[{]|-?\d[\d.eE+-]*\s*[,\]])"
    return re.match(begins, source.head.strip()) is not None


def read_file(
    path: Path, settings: FileSettings | None = None, *, name: str | None = None
) -> tuple[Record, ...]:
    """All records of a file.

    Parameters
    ----------
    path : Path
    settings : FileSettings, optional
        What device.toml says of the file.
    name : str, optional
        The name for the records and for messages, by default the file's.

    Raises
    ------
    FileFormatError
        The file cannot be read as measurements.
    """
    return read_source(open_source(path, name), settings or NO_SETTINGS)


def _make_records(reading: Reading) -> Iterator[Record]:
    """The records of a table.

    Raises
    ------
    FileFormatError
        The table lacks what its kind needs, or holds what no instrument measures.
    """
    if reading.table.channels:
        reading = replace(reading, table=_from_channels(reading))
    reading = replace(reading, table=with_named(reading.table, reading.settings, reading.source.name))
    table, settings = reading.table, reading.settings
    kind, notes = settings.kind or table.kind, table.notes
    if kind is None:
        text = reading.source.name.lower().replace("_", " ")
        suggested = [key for key, pattern in _NAMES if pattern.search(text)]
        named = suggested[0] if len(suggested) == 1 else None
        kind = _find_kind(table, named)
        if named not in (None, kind):
            content = _WORD[kind]
            notes = (*notes, f"The file name suggests {_WORD[named or kind]}, but the content is {content}.")
    if kind in AXES:  # all that was applied was recorded
        kind = "transient"
    table = replace(table, notes=notes, metadata=settings.added_to(table.metadata))
    reading = replace(reading, table=table)
    bad = [role for role, values in table.columns.items() if not np.isfinite(values).all()]
    if bad:
        raise reading.error(
            f"expected finite numbers; the {bad[0].replace('_', ' ')} has values that are not."
        )
    for role, values in table.columns.items():
        largest = float(np.max(np.abs(values))) if values.size else 0.0
        if largest > _LARGEST.get(role, np.inf):
            degrees = f'columns = {{ {role} = {{ name = ..., unit = "deg" }} }}' if "phase" in role else ""
            raise reading.error(
                f"expected a {role.replace('_', ' ')} that can be measured, found {largest:.3g} in SI units: "
                f"the file is damaged or a unit is wrong"
                f"{degrees and f'; of degrees say in device.toml {degrees}'}."
            )
        positive = values[values > 0]
        if role == "frequency" and positive.size and positive.min() < 1e-9:
            raise reading.error(f"expected frequencies above 1 nHz, found {positive.min():.3g} Hz.")
    if kind == "impedance":
        yield from make_spectra(reading)
        return
    for block in blocks_of(with_sign(table)):
        one = replace(reading, table=block)
        yield from make_sweeps(one) if kind == "iv" else make_transients(one)


def _find_kind(table: RawTable, named: Kind | None) -> Kind:
    """The kind of a table of which nothing is stated but perhaps suggested by the file's name."""
    columns = table.columns
    if "frequency" in columns:
        return "impedance"
    voltage = next((columns[role] for role in _VOLTAGES if role in columns), None)
    current = next((columns[role] for role in _CURRENTS if role in columns), None)
    time = columns.get("time")
    if voltage is None or current is None:
        return "iv" if time is None or time_fault(time) else "transient"
    if time is None:
        return "iv"
    swept = is_sweep(voltage, current)
    if time_fault(time) and swept is not False:
        return "iv"
    if swept is not None:
        return "iv" if swept else "transient"
    order = [role for role in columns if role != "cycle"]
    return named or ("transient" if order.index("time") == 0 else "iv")


def _from_channels(reading: Reading) -> RawTable:
    """A transient from the channels of an oscilloscope that device.toml names."""
    table, settings = reading.table, reading.settings
    chosen = settings.columns if not isinstance(settings.columns, tuple) else {}
    time = table.columns["time"]
    names = ", ".join(name for name in table.columns if name != "time")
    if not chosen:
        channels = [name for name in table.columns if name != "time"] or ["CH1"]
        if len(channels) == 1:
            raise reading.error(
                f"found {time.size} samples of the channel {channels[0]} alone: save that of the voltage and "
                "that of the current into one file; or, if this one lay over a resistor, say in device.toml "
                f'columns = {{ current = "{channels[0]}" }}, sense_resistance = "50 ohm", control = '
                '"voltage" and the `waveform` that was applied.'
            )
        example = f'voltage = "{channels[0]}", current = "{channels[-1]}"'
        step = format_quantity(float(np.ptp(time)) / max(time.size - 1, 1), "s")
        raise reading.error(
            f"found {time.size} samples of the channels {names} at {step}, all of them voltages: say "
            f"in device.toml which is which, as in columns = {{ {example} }} and "
            'sense_resistance = "50 ohm" for a current measured over a resistor.'
        )
    columns = {"time": time}
    for role, name in chosen.items():
        if name not in table.columns:
            raise reading.error(
                f"expected the channel {name!r} that device.toml names as {role}; found {names}."
            )
        values = table.columns[name]
        if role.endswith("current") and settings.sense_resistance is not None:
            values = values / settings.sense_resistance
        columns[role] = values
    if {"current", "applied_current"} & chosen.keys() and settings.sense_resistance is None:
        raise reading.error(
            'expected sense_resistance = "50 ohm" in device.toml to turn the voltage of a channel into a '
            'current; for a current probe that shows ampere give "1 ohm".'
        )
    return replace(table, columns=columns, channels=False, kind=settings.kind or "transient")
