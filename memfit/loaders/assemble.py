"""Tables to records: decides the kind of a table and hands it to the maker of that kind.

The kind is what device.toml, the format or the metadata say; else the columns decide (a frequency makes
a spectrum, no time makes a sweep), then the shape of the curves, then the file's name, then whether the
time stands before the voltage (a transient) or behind (a sweep).
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from memfit.datasets.records import Kind, Record
from memfit.loaders.raw import RawTable, Reading
from memfit.loaders.spectra import make_spectra
from memfit.loaders.sweeps import make_sweeps
from memfit.loaders.tables.shapes import is_sweep, time_fault
from memfit.loaders.transients import make_transients
from memfit.units import format_quantity

_NAMES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("impedance", re.compile(r"(?<![a-z])(p?eis|geis|speis|impedance)(?![a-z])")),
    ("iv", re.compile(r"(?<![a-z])(iv|jv|i-v|j-v|cv|cva|sweep|loop|hysteresis)(?![a-z])")),
    ("transient", re.compile(r"(?<![a-z])(pulse|pulses|transient|step|ca|cp|chrono\w*|mppt)(?![a-z])")),
)
_WORD = {"impedance": "an impedance spectrum", "iv": "a sweep", "transient": "a transient"}


def make_records(reading: Reading) -> Iterator[Record]:
    """The records of a table.

    Raises
    ------
    FileFormatError
        The table lacks what its kind needs.
    """
    if reading.table.channels:
        reading = replace(reading, table=_from_channels(reading))
    kind, notes = find_kind(reading)
    table = replace(reading.table, notes=(*reading.table.notes, *notes), metadata=_metadata(reading))
    reading = replace(reading, table=table)
    bad = [role for role, values in table.columns.items() if not np.isfinite(values).all()]
    if bad:
        raise reading.error(
            f"expected finite numbers; the {bad[0].replace('_', ' ')} has values that are not."
        )
    _check_sizes(reading)
    if kind == "impedance":
        if "frequency" not in table.columns:
            raise reading.error("expected a column of the frequency for an impedance spectrum, found none.")
        yield from make_spectra(reading)
    elif kind == "iv":
        yield from make_sweeps(reading)
    else:
        yield from make_transients(reading)


_LARGEST = {
    "frequency": 1e13, "z_real": 1e16, "z_imag": 1e16, "z_modulus": 1e16, "phase": 1e4, "y_real": 1e12,
    "y_imag": 1e12, "y_modulus": 1e12, "y_phase": 1e4, "capacitance_parallel": 1e6, "capacitance_series": 1e6,
    "time": 1e11, "voltage": 1e6, "current": 1e6, "current_density": 1e12,
    "bias_voltage": 1e6,
    "bias_current": 1e6, "applied_voltage": 1e6, "applied_current": 1e6,
}  # fmt: skip
"""Largest modulus by role in SI: beyond it nothing was measured; the file is damaged or its unit wrong."""


def _check_sizes(reading: Reading) -> None:
    """Refuse values that no instrument measures."""
    for role, values in reading.table.columns.items():
        largest = float(np.max(np.abs(values))) if values.size else 0.0
        if largest > _LARGEST.get(role, np.inf):
            raise reading.error(
                f"expected a {role.replace('_', ' ')} that can be measured, found {largest:.3g} in SI units: "
                "the file is damaged or a unit is wrong."
            )
        positive = values[values > 0]
        if role == "frequency" and positive.size and positive.min() < 1e-9:
            raise reading.error(f"expected frequencies above 1 nHz, found {positive.min():.3g} Hz.")


def find_kind(reading: Reading) -> tuple[Kind, list[str]]:
    """The kind of a table, and notes where the name says something else."""
    table, stated = reading.table, reading.settings.kind or reading.table.kind
    if stated is not None:
        return stated, []
    named = kind_from_name(reading.source.name)
    kind = _kind_by_columns(table) or _kind_by_shape(table) or named or _kind_by_order(table)
    if named is not None and named != kind:
        return kind, [f"The file name suggests {_WORD[named]}, but the content is {_WORD[kind]}."]
    return kind, []


def kind_from_name(name: str) -> Kind | None:
    """The kind that a file name suggests: "eis_0.80V.csv", "iv_50mVs.txt", "pulse_1.csv"."""
    text = name.lower().replace("_", " ")
    found = {kind for kind, pattern in _NAMES if pattern.search(text)}
    return found.pop() if len(found) == 1 else None


def _kind_by_columns(table: RawTable) -> Kind | None:
    if "frequency" in table.columns:
        return "impedance"
    time = table.columns.get("time")
    electrical = {"voltage", "applied_voltage"} & table.columns.keys()
    currents = {"current", "applied_current", "current_density"} & table.columns.keys()
    both = bool(electrical and currents)
    if time is None or (time_fault(time) and not (both and _kind_by_shape(table) == "transient")):
        return "iv"
    return None if both else "transient"


def _kind_by_shape(table: RawTable) -> Kind | None:
    """A sweep or a transient, by how the voltage and the current move."""
    columns = table.columns
    voltage = next(columns[role] for role in ("voltage", "applied_voltage") if role in columns)
    current = next(columns[r] for r in ("current", "applied_current", "current_density") if r in columns)
    swept = is_sweep(voltage, current)
    return None if swept is None else ("iv" if swept else "transient")


def _kind_by_order(table: RawTable) -> Kind:
    order = list(table.columns)
    electrical = [role for role in order if role not in ("time", "cycle")]
    return "transient" if order.index("time") < order.index(electrical[0]) else "iv"


def _metadata(reading: Reading) -> dict[str, str]:
    """The file's metadata with what device.toml adds."""
    metadata = dict(reading.table.metadata)
    settings = reading.settings
    if settings.series_resistance is not None:
        metadata["series_resistance"] = f"{settings.series_resistance!r} ohm"
    if settings.temperature is not None:
        metadata["temperature"] = f"{settings.temperature!r} K"
    return metadata


def _from_channels(reading: Reading) -> RawTable:
    """A transient from the channels that device.toml names."""
    table, settings = reading.table, reading.settings
    chosen = settings.columns if not isinstance(settings.columns, tuple) else {}
    if not chosen:
        raise reading.error(_waveform_message(table))
    columns = {"time": table.columns["time"]}
    for role, name in chosen.items():
        if name not in table.columns:
            names = ", ".join(key for key in table.columns if key != "time")
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


def _waveform_message(table: RawTable) -> str:
    """What is needed to make a record of an oscilloscope's channels."""
    time = table.columns["time"]
    names = [name for name in table.columns if name != "time"]
    step = format_quantity(float(np.ptp(time)) / max(time.size - 1, 1), "s")
    return (
        f"found {time.size} samples of the channels {', '.join(names)} at {step}, all of them voltages: say "
        'in device.toml which is which, as in columns = { voltage = "CH1", current = "CH2" } and '
        'sense_resistance = "50 ohm" for a current measured over a resistor.'
    )
