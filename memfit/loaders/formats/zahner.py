"""Zahner Thales impedance (.ism): big-endian binary.

Six bytes of version, six bytes with the number of points minus one, then as many doubles of frequency
(Hz), |Z| (ohm), phase (rad) and time (s), 16-bit significances, then texts, each behind its length in
two bytes: date, system, potential, current, temperature, time, comments. In the texts upper and lower
case are exchanged ("0.0255v, aMPL: 10Mv" is 0.0255 V, Ampl: 10 mV). Layout after Zahner's published importer.
"""

import re
import struct
from collections.abc import Iterator

import numpy as np

from memfit.errors import FileFormatError, UnitError
from memfit.loaders.raw import FileSettings, RawTable, Stated
from memfit.loaders.source import Source
from memfit.units import parse_quantity

NAME = "Zahner ism"

_HEAD = 12
_MAX_POINTS = 100_000
_TEXTS = (
    "date",
    "system",
    "potential",
    "current",
    "temperature",
    "time",
    "comment 1",
    "comment 2",
    "comment 3",
)


def recognises(source: Source) -> bool:
    """True by the first bytes and by a number of points that the file can hold."""
    head = source.data[:_HEAD]
    if len(head) < _HEAD or head[:2] != b"\x00\x00" or head[2:5] != b"\xff\xff\xff":
        return False
    return source.suffix == ".ism" or _HEAD + 34 * _points(source) <= len(source.data)


def _points(source: Source) -> int:
    return int.from_bytes(source.data[6:_HEAD], "big") + 1


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of an .ism file.

    Raises
    ------
    FileFormatError
        The file is cut or damaged.
    """
    count = _points(source)
    if (
        source.data[:2] != b"\x00\x00"
        or not 0 < count <= _MAX_POINTS
        or len(source.data) < _HEAD + 34 * count
    ):
        raise FileFormatError(
            f"expected {count} points, found {len(source.data)} bytes: the file is cut or damaged.",
            file=source.name,
        )
    frequency, modulus, phase, time = (
        np.frombuffer(source.data, dtype=">f8", count=count, offset=_HEAD + 8 * count * i).astype(np.float64)
        for i in range(4)
    )
    if not all(np.isfinite(values).all() for values in (frequency, modulus, phase)) or np.any(modulus <= 0):
        raise FileFormatError(
            "expected finite frequencies and moduli, found others: the file is damaged.", file=source.name
        )
    metadata = dict(_texts(source, _HEAD + 34 * count))
    order = (
        np.argsort(time, kind="stable") if np.isfinite(time).all() and np.ptp(time) > 0 else np.arange(count)
    )
    columns = {"frequency": frequency[order], "z_modulus": modulus[order], "phase": phase[order]}
    bias = _quantity(metadata.get("potential", ""), "voltage")
    current = _quantity(metadata.get("current", ""), "current")
    ampl = re.search(r"Ampl:\s*(\S+)", metadata.get("potential", ""), re.IGNORECASE)
    return [
        RawTable(
            columns=columns, kind="impedance", metadata=metadata,
            bias=Stated(bias, "the comment in the file") if bias is not None else None,
            bias_current=Stated(current, "the comment in the file") if current is not None else None,
            amplitude=_quantity(ampl[1], "voltage") if ampl else None,
        )
    ]  # fmt: skip


def _texts(source: Source, start: int) -> Iterator[tuple[str, str]]:
    """The texts behind the numbers, as far as they go."""
    position = start
    for name in _TEXTS:
        if position + 2 > len(source.data):
            return
        (length,) = struct.unpack(">H", source.data[position : position + 2])
        text = source.data[position + 2 : position + 2 + length]
        if length > 200 or len(text) < length:
            return
        position += 2 + length
        word = text.decode("latin-1").swapcase().strip()
        if word and word.isprintable():
            yield name, word


def _quantity(text: str, dimension: str) -> float | None:
    """The quantity at the beginning of a text."""
    found = re.match(r"\s*(?P<value>[-+]?[\d.]+(?:e[-+]?\d+)?)\s*(?P<unit>[a-zA-Zµ]*[VA])\b", text)
    if found is None:
        return None
    try:
        return parse_quantity(f"{found['value']} {found['unit']}", dimension)
    except UnitError:
        return None
