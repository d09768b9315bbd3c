"""What device.toml says of a record that is whole already, because it comes from a tidy table."""

from dataclasses import replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, PulseTransient, Record
from memfit.errors import FileFormatError
from memfit.loaders.raw import NO_SETTINGS, FileSettings
from memfit.protocols import Control, Drive, drive_from_samples


def apply_settings(record: Record, settings: FileSettings) -> Record:
    """The record with everything that device.toml states of its file.

    Raises
    ------
    FileFormatError
        The kind is another one, or `use` leaves no point.
    """
    if replace(settings, device_area=None) == NO_SETTINGS:
        return record
    if settings.kind is not None and settings.kind != record.kind:
        raise FileFormatError(
            f"expected the kind {settings.kind!r} that device.toml states; the table holds {record.kind!r}.",
            file=record.origin.file,
        )
    metadata = dict(record.metadata)
    if settings.series_resistance is not None:
        metadata["series_resistance"] = f"{settings.series_resistance!r} ohm"
    if settings.temperature is not None:
        metadata["temperature"] = f"{settings.temperature!r} K"
    named = replace(record, name=settings.name or record.name, metadata=metadata)
    if isinstance(named, ImpedanceSpectrum):
        return _select(_spectrum(named, settings), settings)
    return _select(_course(named, settings), settings)


def _spectrum(record: ImpedanceSpectrum, settings: FileSettings) -> ImpedanceSpectrum:
    """Bias, control and amplitude."""
    stated = settings.bias is not None or settings.bias_current is not None
    note = ("The bias is the one that device.toml states.",) if stated else ()
    return replace(
        record,
        bias_voltage=record.bias_voltage if settings.bias is None else settings.bias,
        bias_current=record.bias_current if settings.bias_current is None else settings.bias_current,
        control=settings.control or record.control,
        amplitude=record.amplitude if settings.amplitude is None else settings.amplitude,
        notes=(*record.notes, *note),
    )


def _course(record: IVSweep | PulseTransient, settings: FileSettings) -> IVSweep | PulseTransient:
    """Control, drive, first state and times."""
    control = settings.control or record.control
    if record.time is None or record.drive is None:
        if isinstance(record, IVSweep):
            return replace(record, control=control, scan_rate=settings.scan_rate or record.scan_rate)
        return record
    drive = record.drive
    if settings.waveform:
        at, value = np.array(settings.waveform, dtype=np.float64).T
        drive = Drive(control, at, value, drive.initial)
    elif control != drive.control:
        drive = _from_samples(record, record.time, control, drive)
    initial = settings.initial or drive.initial
    drive = Drive(drive.control, drive.time + settings.time_offset, drive.value, initial)
    time = record.time + settings.time_offset
    if isinstance(record, IVSweep):
        rate = settings.scan_rate or record.scan_rate
        return replace(record, control=control, time=time, drive=drive, scan_rate=rate)
    return replace(record, time=time, drive=drive)


def _from_samples(
    record: IVSweep | PulseTransient, time: FloatArray, control: Control, drive: Drive
) -> Drive:
    """The drive of the other quantity, from its samples."""
    driven = record.voltage if control == "voltage" else record.current
    if driven is None:
        raise FileFormatError(
            f"expected a column of the {control}, which device.toml says was applied.",
            file=record.origin.file,
        )
    return drive_from_samples(control, time, driven, initial=drive.initial)


def _select(record: Record, settings: FileSettings) -> Record:
    """Only the points that `use` asks for."""
    columns: dict[str, FloatArray | None]
    if isinstance(record, ImpedanceSpectrum):
        columns = {"frequency": record.frequency}
    else:
        columns = {"time": record.time, "voltage": record.voltage, "current": record.current}
    keep = np.ones(record.points, dtype=bool)
    for role, (low, high) in settings.use.items():
        values = columns.get(role)
        if values is not None:
            keep &= (values >= low) & (values <= high)
    if keep.all():
        return record
    if not keep.any():
        raise FileFormatError("`use` in device.toml leaves no point of this record.", file=record.origin.file)
    return record.select(
        keep, f"{np.count_nonzero(~keep)} points were left out as `use` in device.toml asks."
    )
