"""Zahner Thales impedance (.ism): big-endian binary.

Six bytes of version, six bytes with the number of points minus one, then as many doubles of frequency
(Hz), |Z| (ohm), phase (rad) and time (s), 16-bit significances, then texts, each behind its length in
two bytes: date, system, potential, current, temperature, time, comments. In the texts upper and lower
case are exchanged ("0.0255v, aMPL: 10Mv" is 0.0255 V, Ampl: 10 mV). Layout after Zahner's published importer.
"""

import re
import struct

import numpy as np

from memfit.errors import UnitError
from memfit.loaders.raw import FileSettings, RawTable, Reader, Source, Stated
from memfit.units import format_quantity, parse_quantity

_HEAD = 12
_PER_POINT = 34
"""Bytes."""
_MAX_POINTS = 100_000
_SMALLEST_BIAS = 5e-3
"""V: below it offsets of the instrument make the current."""
_FAR = 30.0
"""Ratio of two currents from which they contradict each other: the lowest frequency is not dc."""
_TEXTS = (
    "date", "system", "potential", "current", "temperature", "time", "comment 1", "comment 2", "comment 3",
)  # fmt: skip


def _points(source: Source) -> int:
    return int.from_bytes(source.data[6:_HEAD], "big") + 1


def _recognises(source: Source) -> bool:
    """True by the first bytes and by a number of points that the file can hold."""
    head = source.data[:_HEAD]
    if len(head) < _HEAD or head[:2] != b"\x00\x00" or head[2:5] != b"\xff\xff\xff":
        return False
    return source.suffix == ".ism" or _HEAD + _PER_POINT * _points(source) <= len(source.data)


def _read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of an .ism file."""
    data, count = source.data, _points(source)
    position = _HEAD + _PER_POINT * count
    if data[:2] != b"\x00\x00" or not 0 < count <= _MAX_POINTS or len(data) < position:
        raise source.error(f"expected {count} points, found {len(data)} bytes: the file is cut or damaged.")
    frequency, modulus, phase, time = (
        np.frombuffer(data, dtype=">f8", count=count, offset=_HEAD + 8 * count * i).astype(np.float64)
        for i in range(4)
    )
    if not all(np.isfinite(values).all() for values in (frequency, modulus, phase)) or np.any(modulus <= 0):
        raise source.error("expected finite frequencies and moduli, found others: the file is damaged.")
    metadata: dict[str, str] = {}
    for name in _TEXTS:  # behind the numbers, as far as they go
        if position + 2 > len(data):
            break
        (length,) = struct.unpack(">H", data[position : position + 2])
        text = data[position + 2 : position + 2 + length]
        if length > 200 or len(text) < length:
            break
        position += 2 + length
        word = text.decode("latin-1").swapcase().strip()
        if word and word.isprintable():
            metadata[name] = word
    clock = np.isfinite(time).all() and np.ptp(time) > 0
    order = np.argsort(time, kind="stable") if clock else np.arange(count)
    bias = _quantity(metadata.get("potential", ""), "voltage")
    current = _quantity(metadata.get("current", ""), "current")
    ampl = re.search(r"Ampl:\s*(\S+)", metadata.get("potential", ""), re.IGNORECASE)
    lowest = int(np.argmin(frequency))
    table = RawTable(
        notes=_contradiction(bias, current, float(modulus[lowest] * np.cos(phase[lowest]))),
        columns={"frequency": frequency[order], "z_modulus": modulus[order], "phase": phase[order]},
        kind="impedance", metadata=metadata,
        bias=Stated(bias, "the comment in the file") if bias is not None else None,
        bias_current=Stated(current, "the comment in the file") if current is not None else None,
        amplitude=_quantity(ampl[1], "voltage") if ampl else None,
    )  # fmt: skip
    return [table]


def _contradiction(bias: float | None, current: float | None, resistance: float) -> tuple[str, ...]:
    """A warning where the dc current is not that of the bias over the resistance at the lowest frequency."""
    if bias is None or current is None or abs(bias) < _SMALLEST_BIAS or resistance <= 0:
        return ()
    expected = bias / resistance
    if 1 / _FAR <= current / expected <= _FAR:
        return ()
    shown = (format_quantity(current, "A"), format_quantity(bias, "V"), format_quantity(resistance, "ohm"))
    text = (
        "The dc current of {} does not go with the bias of {} over {}, the resistance at the lowest "
        "frequency: check the bias; `bias` in device.toml overrides it."
    )
    return (text.format(*shown),)


def _quantity(text: str, dimension: str) -> float | None:
    """The quantity at the beginning of a text."""
    stated = re.match(r"\s*(?P<value>[-+]?[\d.]+(?:e[-+]?\d+)?)\s*(?P<unit>[a-zA-Zµ]*[VA])\b", text)
    try:
        return parse_quantity(f"{stated['value']} {stated['unit']}", dimension) if stated else None
    except UnitError:
        return None


READER = Reader("Zahner ism", _recognises, _read, frozenset({".ism"}))
