"""What a file holds, in plain words and as JSON: the content of `memfit inspect`.

Everything that loading decided is told: format, kind, segments, bias and its source, control, order of
times and frequencies, what is missing for a fit, the noise, the Kramers-Kronig verdict.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import (
    ImpedanceSpectrum,
    IVSweep,
    PulseTransient,
    SynapticCurve,
    estimate_noise,
    kramers_kronig,
)
from memfit.datasets.programmes import AXES
from memfit.errors import InputError
from memfit.loaders import tidy
from memfit.loaders.pulses import find_pulses
from memfit.loaders.raw import NO_SETTINGS, FileSettings, RawTable, Source, open_source
from memfit.loaders.registry import read_source, read_tables
from memfit.units import format_quantity

_SIGN = "current into the device positive; Z = Z' + i Z'', capacitance has negative Z''"
_MOST_PULSES = 6
"""Pulses that are listed."""
_MAX_CHECKED = 200
"""Spectra of one file that are tested; more would take seconds."""


@dataclass(frozen=True, kw_only=True)
class RecordReport:
    """One record of a file. Quantities are SI; None: not known."""

    name: str
    kind: str
    part: str
    points: int
    control: str
    bias_V: float | None = None
    bias_A: float | None = None
    bias_source: str = ""
    """The sentence of the loader on where the bias is from; "" for other kinds than impedance."""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Lowest and highest value by quantity, with the unit in the key."""
    order: str = ""
    """Order of the frequencies or times."""
    scan_rate: float | None = None
    drive_vertices: int | None = None
    pulses: tuple[tuple[float, float, float], ...] = ()
    """Start (s), end (s) and level (A or V) of each pulse of a transient."""
    noise: float | None = None
    noise_unit: str = ""
    kramers_kronig: str = ""
    """consistent, noisy, inconsistent, too few points; "" for other kinds than impedance."""
    kramers_kronig_text: str = ""
    kramers_kronig_residual: float | None = None
    usable_Hz: tuple[float, float] | None = None
    suspect_points: int | None = None
    missing: tuple[str, ...] = ()
    """What a fit would need and the file does not say."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FileReport:
    """One file."""

    file: str
    sha256: str
    format: str
    instrument: str
    technique: str
    segments: int
    """Number of records, or of recordings of an oscilloscope."""
    sign_convention: str
    metadata: Mapping[str, str]
    records: tuple[RecordReport, ...]
    missing: tuple[str, ...] = ()
    """Why there are no records: what device.toml has to say."""

    def to_dict(self) -> dict[str, object]:
        """Everything as plain values for JSON; no NaN."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The report in words, a line for each thing."""
        count = f"{self.segments} {'record' if self.segments == 1 else 'records'}"
        stated = {"instrument": self.instrument, "technique": self.technique, "signs": self.sign_convention}
        return [
            f"{self.file}: {self.format}, {count}",
            *(f"  {word}: {text}" for word, text in stated.items() if text),
            *(f"  missing: {text}" for text in self.missing),
            *(f"  {line}" for record in self.records for line in _record_lines(record)),
        ]


def inspect_file(path: Path, settings: FileSettings | None = None, name: str | None = None) -> FileReport:
    """What a file holds.

    Parameters
    ----------
    path : Path
    settings : FileSettings, optional
        What device.toml says of the file.
    name : str, optional
        To call it by, as its place in a folder; by default the file's.

    Raises
    ------
    FileFormatError
        The file cannot be read.
    """
    return inspect_source(open_source(path, name), settings or NO_SETTINGS)


def inspect_source(source: Source, settings: FileSettings = NO_SETTINGS) -> FileReport:
    """As `inspect_file`, for bytes in memory.

    A file that was read but needs a word of device.toml before it becomes records is no error.

    Parameters
    ----------
    source : Source
    settings : FileSettings
        What device.toml says of the file.

    Raises
    ------
    FileFormatError
        The bytes cannot be read.
    """
    try:
        records = read_source(source, settings)
    except InputError as error:
        if tidy.recognises(source):
            raise
        try:
            reader, tables = read_tables(source, settings)
        except InputError:
            raise error from None
        if not any(table.channels or "current_density" in table.columns for table in tables):
            raise
        return FileReport(
            file=source.name,
            sha256=source.sha256,
            format=reader.name,
            instrument=_entry(tables[0].metadata, "instrument", "Model"),
            technique="recording of an oscilloscope" if tables[0].channels else "",
            segments=len(tables),
            sign_convention="",
            metadata=dict(tables[0].metadata),
            records=tuple(_table_report(source, table) for table in tables),
            missing=(str(error),),
        )
    first = records[0].metadata
    return FileReport(
        file=source.name,
        sha256=source.sha256,
        format=records[0].origin.format,
        instrument=_entry(first, "instrument", "Device", "Instrument Model", "PSTAT", "DeviceSerial", "Type"),
        technique=_entry(first, "technique", "TAG", "Technique", "Method", "Experiment Type"),
        segments=len(records),
        sign_convention=_SIGN,
        metadata=dict(first),
        records=tuple(
            _spectrum_report(record, tested=number < _MAX_CHECKED)
            if isinstance(record, ImpedanceSpectrum)
            else _course_report(record)
            for number, record in enumerate(records)
        ),
    )


def _entry(metadata: Mapping[str, str], *keys: str) -> str:
    """The first of some metadata."""
    return next((metadata[key] for key in keys if metadata.get(key)), "")


def _range(values: FloatArray) -> tuple[float, float]:
    return float(np.min(values)), float(np.max(values))


def _table_report(source: Source, table: RawTable) -> RecordReport:
    """Columns of a table that is no record yet."""
    return RecordReport(
        name=source.name,
        kind="waveform" if table.channels else (table.kind or "unknown"),
        part=table.part,
        points=table.rows,
        control=table.control or "unknown",
        ranges={name: _range(values) for name, values in table.columns.items()},
        notes=table.notes,
    )


def _course_report(record: IVSweep | PulseTransient) -> RecordReport:
    """A sweep or a transient."""
    noise, time = estimate_noise(record), record.time
    columns = {"time (s)": time, "voltage (V)": record.voltage, "current (A)": record.current}
    if isinstance(record, SynapticCurve):
        columns |= {AXES[record.kind]: record.against, "A2/A1": record.ratio}
    order = "no times"
    if time is not None:
        steps = np.diff(time)
        usual = float(np.median(steps)) if steps.size else 0.0
        order = "one sample"
        if usual > 0 and float(np.ptp(steps)) < 0.01 * usual:
            order = f"rising time, every {format_quantity(usual, 's')}"
        elif steps.size:
            least, most = (format_quantity(float(step), "s") for step in (steps.min(), steps.max()))
            order = f"rising time, {least} to {most} apart"
    pulses = find_pulses(record.drive) if isinstance(record, PulseTransient) else ()
    return RecordReport(
        name=record.name,
        kind=record.kind,
        part=record.origin.part,
        points=record.points,
        control=record.control,
        ranges={name: _range(values) for name, values in columns.items() if values is not None},
        order=order,
        scan_rate=record.scan_rate if isinstance(record, IVSweep) else None,
        drive_vertices=None if record.drive is None else int(record.drive.time.size),
        pulses=tuple((pulse.start, pulse.end, pulse.level) for pulse in pulses),
        noise=noise.level,
        noise_unit=noise.unit if noise.unit != "1" else "",
        missing=("times or a scan rate",) if time is None else (),
        notes=record.notes,
    )


def _spectrum_report(record: ImpedanceSpectrum, *, tested: bool) -> RecordReport:
    noise = estimate_noise(record)
    steps = np.diff(record.frequency)
    order = "falling" if np.all(steps <= 0) else "rising" if np.all(steps >= 0) else "mixed"
    verdict = kramers_kronig(record) if tested else None
    impedance = record.impedance
    return RecordReport(
        name=record.name,
        kind=record.kind,
        part=record.origin.part,
        points=record.points,
        control=record.control,
        bias_V=record.bias_voltage,
        bias_A=record.bias_current,
        bias_source=next((note for note in record.notes if "bias" in note.lower()), ""),
        ranges={
            "frequency (Hz)": _range(record.frequency),
            "Z_real (ohm)": _range(impedance.real),
            "Z_imag (ohm)": _range(impedance.imag),
        },
        order=f"{order} frequency",
        noise=noise.level,
        noise_unit=noise.unit,
        kramers_kronig=verdict.status if verdict else "",
        kramers_kronig_text=verdict.sentence if verdict else "",
        kramers_kronig_residual=verdict.rms if verdict else None,
        usable_Hz=verdict.usable if verdict else None,
        suspect_points=int(np.count_nonzero(verdict.suspect)) if verdict else None,
        missing=("the dc bias",) if record.bias_voltage is None and record.bias_current is None else (),
        notes=record.notes,
    )


def _record_lines(record: RecordReport) -> list[str]:
    """A record in words."""
    unit = "V" if record.control == "voltage" else "A"
    part = f" [{record.part}]" if record.part else ""
    lines = [f"{record.kind}{part}: {record.points} points, {record.control} control"]
    values = ((record.bias_V, "V"), (record.bias_A, "A"))
    biases = [format_quantity(value, si) for value, si in values if value is not None]
    if biases:
        source = re.search(r"is taken from (?P<where>.*?)\.?$", record.bias_source)
        where = f"from {source['where']}" if source else record.bias_source
        lines.append(f"  bias: {', '.join(biases)}{f' ({where})' if where else ''}")
    lines += [f"  {name}: {low:.5g} to {high:.5g}" for name, (low, high) in record.ranges.items()]
    if record.order:
        lines.append(f"  order: {record.order}")
    if record.scan_rate is not None:
        lines.append(f"  scan rate: {record.scan_rate:.4g} {unit}/s")
    if record.noise is not None:
        percent = f"{100 * record.noise:.2g} %"
        relative = record.noise_unit == "relative"
        lines.append(
            f"  noise: {percent if relative else format_quantity(record.noise, record.noise_unit, digits=2)}"
        )
    if record.kramers_kronig_text:
        lines.append(f"  {record.kramers_kronig_text}")
    shown = [
        f"{format_quantity(level, unit)} from {format_quantity(start, 's')} to {format_quantity(end, 's')}"
        for start, end, level in record.pulses[:_MOST_PULSES]
    ]
    if shown:
        more = len(record.pulses) - len(shown)
        lines.append(f"  pulses: {', '.join(shown)}{f' and {more} more' if more else ''}")
    lines += [f"  missing: {text}" for text in record.missing]
    return [*lines, *(f"  note: {note}" for note in record.notes)]
