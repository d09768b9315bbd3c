"""LeCroy .trc: the waveform template LECROY_2_3 (public in LeCroy's remote-control manual).

Perhaps "#9000020746" before it, then a block WAVEDESC: names of 16 bytes, lengths of the blocks, gain and
offset of the vertical axis, interval and offset of the horizontal one; then text, trigger times and the
samples of 8 or 16 bits. Value = gain * sample - offset; time = offset + interval * number.
"""

import re
import struct

import numpy as np

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source

NAME = "LeCroy trc"

_TEMPLATE = b"LECROY_2_3"
_MAX_SAMPLES = 50_000_000


def recognises(source: Source) -> bool:
    """True for a WAVEDESC block near the beginning."""
    return source.data[:60].find(b"WAVEDESC") >= 0


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The channel of the file.

    Raises
    ------
    FileFormatError
        The file is cut, or of another template.
    """
    start = source.data[:60].find(b"WAVEDESC")
    data = source.data[start:]
    if len(data) < 346 or not data[16:32].startswith(_TEMPLATE):
        raise FileFormatError(
            "expected a whole WAVEDESC of the template LECROY_2_3, found a part or another.", file=source.name
        )
    order = "<" if struct.unpack("<H", data[34:36])[0] == 1 else ">"
    (wide,) = struct.unpack(order + "H", data[32:34])
    if wide not in (0, 1):
        raise FileFormatError(f"expected samples of 8 or 16 bits, found the type {wide}.", file=source.name)
    lengths = struct.unpack(order + "8i", data[36:68])
    samples = lengths[6] if len(lengths) > 6 else 0
    descriptor, text, _, trigger, ristime, _, first = (
        lengths[0],
        lengths[1],
        lengths[2],
        lengths[3],
        lengths[4],
        lengths[5],
        lengths[6],
    )
    samples = first
    offset = descriptor + text + max(trigger, 0) + max(ristime, 0)
    if descriptor < 346 or min(text, samples) < 0 or samples > _MAX_SAMPLES or offset + samples > len(data):
        raise FileFormatError(
            f"expected {samples} bytes of samples behind byte {offset}, found {len(data)} bytes: the file is cut or damaged.",
            file=source.name,
        )
    gain, zero = struct.unpack(order + "2f", data[156:164])
    (interval,) = struct.unpack(order + "f", data[176:180])
    (origin,) = struct.unpack(order + "d", data[180:188])
    (count,) = struct.unpack(order + "i", data[144:148])
    raw = np.frombuffer(
        data, dtype=f"{order}i2" if wide else "i1", count=samples // (2 if wide else 1), offset=offset
    )
    if count > 1:
        raise FileFormatError(
            f"expected one segment, found a sequence of {count}; export the segments one by one.",
            file=source.name,
        )
    unit = data[196:244].split(b"\x00")[0].decode("latin-1")
    across = data[244:292].split(b"\x00")[0].decode("latin-1")
    values = gain * raw.astype(np.float64) - zero
    time = origin + interval * np.arange(raw.size)
    if (
        unit not in ("V", "A")
        or across != "S"
        or raw.size == 0
        or not (np.isfinite(values).all() and np.isfinite(time).all())
    ):
        raise FileFormatError(
            f"expected samples in V or A against S, found {unit!r} against {across!r}: the file is damaged.",
            file=source.name,
        )
    if not interval > 0:
        raise FileFormatError(
            f"expected a sampling interval above 0, found {interval:g} s.", file=source.name
        )
    instrument = re.sub(r"[^ -~]", "", data[76:92].split(b"\x00")[0].decode("latin-1"))
    channel = _channel(source, data, order)
    metadata = {"instrument": instrument, "unit": unit, "interval": f"{interval:.8g} s"}
    return [RawTable(columns={"time": time, channel: values}, channels=True, metadata=metadata)]


def _channel(source: Source, data: bytes, order: str) -> str:
    """Name of the channel: WAVE_SOURCE counts from 0."""
    (number,) = struct.unpack(order + "H", data[344:346])
    return f"C{number + 1}" if number < 4 else "C1"
