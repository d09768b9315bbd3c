"""`memfit inspect`: what was read from files, record by record."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from memfit import workflow
from memfit.cli.console import print_json
from memfit.cli.main import USABLE
from memfit.datasets.records import ImpedanceSpectrum, Record
from memfit.reporting.numbers import quantity_digits
from memfit.reporting.words import KIND

_UNITS = {"frequency": "Hz", "modulus": "ohm", "time": "s", "voltage": "V", "current": "A"}


def run(given: Namespace) -> int:
    """Read and tell."""
    device = workflow.load([Path(path) for path in given.files])
    if given.json:
        print_json({"records": [summary(record) for record in device.records], "notes": list(device.notes)})
        return USABLE
    print("\n\n".join(_text(record) for record in device.records))
    for note in device.notes:
        print(f"\n{note}")
    return USABLE


def summary(record: Record) -> dict[str, Any]:
    """What is known of a record, as plain data in SI units."""
    spectrum = isinstance(record, ImpedanceSpectrum)
    return {
        "name": record.name,
        "kind": record.kind,
        "points": record.points,
        "format": record.origin.format,
        "sha256": record.origin.sha256,
        "control": record.control,
        "bias_V": record.bias_voltage if isinstance(record, ImpedanceSpectrum) else None,
        "bias_A": record.bias_current if isinstance(record, ImpedanceSpectrum) else None,
        "scan_rate": None if spectrum else getattr(record, "scan_rate", None),
        "initial": None
        if isinstance(record, ImpedanceSpectrum) or record.drive is None
        else record.drive.initial,
        "ranges": _ranges(record),
        "warnings": list(record.notes),
    }


def _ranges(record: Record) -> dict[str, list[float]]:
    """Lowest and highest value of what was measured."""
    if isinstance(record, ImpedanceSpectrum):
        arrays = {"frequency": record.frequency, "modulus": np.abs(record.impedance)}
    else:
        given = {"time": record.time, "voltage": record.voltage, "current": record.current}
        arrays = {name: values for name, values in given.items() if values is not None}
    return {name: [float(values.min()), float(values.max())] for name, values in arrays.items()}


def _text(record: Record) -> str:
    """A record in a few lines."""
    known = summary(record)
    lines = [f"{record.name}: {KIND[record.kind]}, {record.points} points, {record.control} control"]
    lines[0] += f" ({record.origin.format})" if record.origin.format else ""
    if isinstance(record, ImpedanceSpectrum):
        bias, unit = (known["bias_V"], "V") if known["bias_A"] is None else (known["bias_A"], "A")
        lines.append(f"  bias: {quantity_digits(bias, unit, 4) if bias is not None else 'unknown'}")
    if known["scan_rate"] is not None:
        unit = "V/s" if record.control == "voltage" else "A/s"
        lines.append(f"  scan rate: {quantity_digits(known['scan_rate'], unit, 4)}")
    lines += [f"  {name}: {_range(ends, _UNITS[name])}" for name, ends in known["ranges"].items()]
    lines += [f"  note: {note}" for note in record.notes]
    return "\n".join(lines)


def _range(ends: list[float], unit: str) -> str:
    """Both ends, each with its own prefix: they may lie decades apart."""
    low, high = (quantity_digits(end, unit) for end in ends)
    return f"{low} to {high}"
