"""Numeric arrays of a MAT file of MATLAB, version 5 to 7, those inside structures too.

128 bytes of header end with a version and "IM" or "MI" for the order of bytes. Then elements: type and length
in eight bytes (or, of up to four bytes, both in the first four), data, gaps to a multiple of eight. Type 15
is an element packed by zlib, type 14 an array: flags with its class, sizes, name, then numbers, or for a
structure the names of its fields and their arrays. Columns come first, as MathWorks describes the format;
text, cells and sparse arrays are passed over. (The reader of scipy ends the process on some damaged files.)
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Order = Literal["<", ">"]
"""Little bytes first, or big ones."""
_HEAD = 128
_TYPES = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_MATRIX, _PACKED = 14, 15
_STRUCTURE = 2
_NUMBERS = range(6, 16)
"""Classes of numeric arrays."""
_COMPLEX = 0x0800
_MOST_BYTES = 256 * 1024**2
_MOST_FIELDS, _DEEPEST = 1000, 5


@dataclass(frozen=True)
class _Element:
    """A type with its data."""

    kind: int
    data: bytes


def _elements(data: bytes, order: Order) -> Iterator[_Element]:
    """The elements of a file or of an array."""
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, at)
        if kind >> 16:
            kind, size, begin, step = kind & 0xFFFF, kind >> 16, at + 4, 8
        else:
            begin, step = at + 8, 8 + (size if kind == _PACKED else -(-size // 8) * 8)
        if begin + size > len(data):
            raise ValueError("an element is longer than the file")
        yield _Element(kind, data[begin : begin + size])
        at += step


def _numbers(element: _Element, order: Order) -> Any:
    """The numbers of an element."""
    if element.kind not in _TYPES:
        raise ValueError(f"numbers of an unknown type {element.kind}")
    return np.frombuffer(element.data, dtype=np.dtype(_TYPES[element.kind]).newbyteorder(order))


def _array(data: bytes, order: Order, above: str, depth: int) -> Iterator[tuple[str, Any]]:
    """An array, or those of a structure, by path."""
    parts = list(_elements(data, order))
    if len(parts) < 3 or depth > _DEEPEST:
        return
    flags, sizes, given = _numbers(parts[0], order), _numbers(parts[1], order).tolist(), parts[2].data
    kind, name = int(flags[0]) & 0xFF, f"{above}{given.decode('latin-1')}"
    if kind in _NUMBERS and len(parts) > 3:
        values = _numbers(parts[3], order).astype(np.float64)
        if int(flags[0]) & _COMPLEX and len(parts) > 4:
            values = values + 1j * _numbers(parts[4], order).astype(np.float64)
        if any(size < 0 for size in sizes) or int(np.prod(sizes, dtype=object)) != values.size:
            raise ValueError(f"{values.size} numbers for an array of {' x '.join(map(str, sizes))}")
        yield name, values.reshape(sizes, order="F")
    elif kind == _STRUCTURE and len(parts) > 4:
        length = int(_numbers(parts[3], order)[0])
        words = parts[4].data
        count = len(words) // length if length > 0 else 0
        if count > _MOST_FIELDS:
            raise ValueError(f"a structure of {count} fields")
        for k, field in zip(range(count), parts[5:], strict=False):
            word = words[k * length : (k + 1) * length].split(b"\x00")[0].decode("latin-1")
            if field.kind == _MATRIX:
                for path, values in _array(field.data, order, "", depth + 1):
                    yield "/".join(filter(None, (name, word, path.strip("/")))), values


def arrays_of(data: bytes) -> Iterator[tuple[str, Any]]:
    """Path and values of every numeric array.

    Parameters
    ----------
    data : bytes
        Of the file.

    Raises
    ------
    ValueError, zlib.error, struct.error, IndexError
        The file is damaged.
    """
    orders: dict[bytes, Order] = {b"IM": "<", b"MI": ">"}
    order = orders.get(data[_HEAD - 2 : _HEAD])
    if order is None:
        raise ValueError("the header says no order of bytes")
    for element in _elements(data[_HEAD:], order):
        inner = [element]
        if element.kind == _PACKED:
            unpacker = zlib.decompressobj()
            content = unpacker.decompress(element.data, _MOST_BYTES)
            if unpacker.unconsumed_tail or not unpacker.eof:
                raise ValueError("a packed array is damaged or too large")
            inner = list(_elements(content, order))
        for one in inner:
            if one.kind == _MATRIX:
                yield from _array(one.data, order, "", 0)
