"""LeCroy .trc: the waveform template LECROY_2_3 (public in LeCroy's remote-control manual).

Perhaps "#9000020746" before it, then a block WAVEDESC: names of 16 bytes, lengths of the blocks, gain and
offset of the vertical axis, interval and offset of the horizontal one; then text, trigger times and the
samples of 8 or 16 bits. Value = gain * sample - offset; time = offset + interval * number.
"""

import math
import re
import struct

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source

NAME = "LeCroy trc"

_TEMPLATE = b"LECROY_2_3"
_DESCRIPTOR = 346
"""Length of the descriptor block of this template."""


def recognises(source: Source) -> bool:
    """True for a WAVEDESC block near the beginning."""
    return source.data[:60].find(b"WAVEDESC") >= 0


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The channel of the file, a table for each segment.

    Raises
    ------
    FileFormatError
        The file is cut, or of another template.
    """
    data = source.data[source.data[:60].find(b"WAVEDESC") :]
    if len(data) < _DESCRIPTOR or not data[16:32].startswith(_TEMPLATE):
        raise FileFormatError(
            "expected a whole WAVEDESC of the template LECROY_2_3, found a part or another.", file=source.name
        )
    order = "<" if struct.unpack("<H", data[34:36])[0] == 1 else ">"
    raw, times = _samples(source, data, order)
    gain, zero = struct.unpack(order + "2f", data[156:164])
    (interval,) = struct.unpack(order + "f", data[176:180])
    (origin,) = struct.unpack(order + "d", data[180:188])
    unit, across = (data[i : i + 48].split(b"\x00")[0].decode("latin-1") for i in (196, 244))
    with np.errstate(all="ignore"):
        values = gain * raw.astype(np.float64) - zero
    sound = np.isfinite(values).all() and math.isfinite(origin) and interval > 0 and math.isfinite(interval)
    if unit not in ("V", "A") or across != "S" or not sound:
        raise FileFormatError(
            f"expected finite samples in V or A against S, found {unit!r} against {across!r}: the file "
            "is damaged.",
            file=source.name,
        )
    metadata = {
        "instrument": re.sub(r"[^ -~]", "", data[76:92].split(b"\x00")[0].decode("latin-1")),
        "unit": unit,
        "interval": f"{interval:.8g} s",
    }
    channel = _channel(data, order)
    segments = max(times.size // 2, 1)
    length = values.size // segments
    found = []
    for i in range(segments):
        start = times[2 * i + 1] if times.size else origin
        time = start + interval * np.arange(length)
        part = f"segment {i + 1} of {segments}" if segments > 1 else ""
        trigger = {"trigger_time": f"{times[2 * i]:.12g} s"} if times.size else {}
        columns = {"time": time, channel: values[i * length : (i + 1) * length]}
        found.append(RawTable(columns=columns, channels=True, part=part, metadata={**metadata, **trigger}))
    return found


def _samples(source: Source, data: bytes, order: str) -> tuple[np.ndarray, FloatArray]:
    """Raw samples, and trigger times and offsets (s) of a sequence of segments."""
    (wide,) = struct.unpack(order + "H", data[32:34])
    descriptor, text, reserved, trigger, ris, reserved_2, size = struct.unpack(order + "7i", data[36:64])
    (count,) = struct.unpack(order + "i", data[144:148])
    offset = descriptor + text + reserved + trigger + ris + reserved_2
    sizes = (text, reserved, trigger, ris, reserved_2, size)
    width = 2 if wide == 1 else 1
    if (
        wide not in (0, 1)
        or descriptor < _DESCRIPTOR
        or min(sizes) < 0
        or offset + size > len(data)
        or size < width
    ):
        raise FileFormatError(
            f"expected {size} bytes of samples behind byte {offset}, found {len(data)} bytes: the file is "
            "cut or damaged.", file=source.name,
        )  # fmt: skip
    raw = np.frombuffer(data, dtype=f"{order}i{width}", count=size // width, offset=offset)
    if trigger == 0:
        return raw, np.empty(0)
    start = descriptor + text + reserved
    times = np.frombuffer(data, dtype=f"{order}f8", count=trigger // 8, offset=start).astype(np.float64)
    if trigger % 16 or times.size // 2 != count or raw.size % count or not np.isfinite(times).all():
        raise FileFormatError(
            f"expected {count} segments with a trigger time each, found {times.size / 2:g}: the file "
            "is damaged.",
            file=source.name,
        )
    return raw, times


def _channel(data: bytes, order: str) -> str:
    """Name of the channel: WAVE_SOURCE counts from 0."""
    (number,) = struct.unpack(order + "H", data[344:346])
    return f"C{number + 1}" if number < 4 else "C1"
