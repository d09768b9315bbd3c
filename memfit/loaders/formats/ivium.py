"""IviumSoft (.idf): `key=value` lines with some bytes between them, then blocks "primary_data".

Behind "primary_data": the number of columns, the number of rows, then the rows. The method says what
the columns are: for impedance Z', Z'' (true sign, ohm) and frequency in that order, for voltammetry
potential and current, for transients time and current (V, A, s).
"""

import re
from collections.abc import Iterator, Mapping

from memfit.datasets.records import Kind
from memfit.errors import FileFormatError, UnitError
from memfit.loaders.raw import FileSettings, RawTable, Stated
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import Field, find_fields, read_lines
from memfit.units import parse_number

NAME = "Ivium idf"

_SPECTRUM = (
    ("Z'", "Z''", "f"),
    (Field("z_real", ("Z'",), "ohm"), Field("z_imag", ("Z''",), "ohm"), Field("frequency", ("f",), "Hz")),
)
_SWEEP = (("E", "I"), (Field("voltage", ("E",), "V"), Field("current", ("I",), "A")))
_COURSE = (("t", "I"), (Field("time", ("t",), "s"), Field("current", ("I",), "A")))


def recognises(source: Source) -> bool:
    """True for bytes with the block of an .idf file."""
    return b"primary_data" in source.data and (b"Method=" in source.data or source.suffix == ".idf")


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of the blocks.

    Raises
    ------
    FileFormatError
        The method is not known, or a block is cut.
    """
    text = source.data.decode("latin-1").replace("\x00", " ")
    lines = re.split(r"\r\n|\r|\n", text)
    metadata = _metadata(lines)
    starts = [i for i, line in enumerate(lines) if line.strip() == "primary_data"]
    found = [
        _block(source, lines, start, metadata, f"block {number}" if len(starts) > 1 else "")
        for number, start in enumerate(starts, start=1)
        if _has_rows(lines, start)
    ]
    if not found:
        raise FileFormatError("expected a block `primary_data` with rows, found none.", file=source.name)
    return found


def _has_rows(lines: list[str], start: int) -> bool:
    return start + 3 < len(lines) and lines[start + 2].strip() not in ("", "0")


def _block(source: Source, lines: list[str], start: int, metadata: Mapping[str, str], part: str) -> RawTable:
    """The rows of one block."""
    try:
        width, count = int(lines[start + 1]), int(lines[start + 2])
    except ValueError as error:
        raise FileFormatError(
            "expected the numbers of columns and rows below `primary_data`.", file=source.name, line=start + 2
        ) from error
    method = metadata.get("Method", "").lower()
    kind, (labels, fields) = _layout(method, width, source)
    rows = lines[start + 3 : start + 3 + count]
    if len(rows) < count:
        raise FileFormatError(
            f"expected {count} rows, found {len(rows)}: the file is cut.", file=source.name, line=start + 3
        )
    block = read_lines(
        source, find_fields(labels, fields), labels, rows, start + 3, ended=start + 3 + count < len(lines)
    )
    galvanostatic = "constant i" in metadata.get("Technique", "").lower()
    return RawTable(
        columns=block.columns, kind=kind, part=part,
        control=("current" if galvanostatic else "voltage") if kind != "transient" else None,
        bias=_bias(metadata) if kind == "impedance" and not galvanostatic else None, metadata=metadata,
        notes=(*block.notes, *_count_note(count, block.rows)),
    )  # fmt: skip


def _layout(
    method: str, width: int, source: Source
) -> tuple[Kind, tuple[tuple[str, ...], tuple[Field, ...]]]:
    """Kind and columns by the method."""
    if "impedance" in method and width == 3:
        return "impedance", _SPECTRUM
    if ("cyclic" in method or "linear" in method) and width >= 2:
        return "iv", _extended(_SWEEP, width)
    if ("transient" in method or "chrono" in method) and width >= 2:
        return "transient", _extended(_COURSE, width)
    raise FileFormatError(
        f"expected the method Impedance, CyclicVoltammetry, LinearSweep or Transients, found "
        f"{method or 'none'!r} with {width} columns; export the data as text from IviumSoft.",
        file=source.name,
    )


def _extended(
    layout: tuple[tuple[str, ...], tuple[Field, ...]], width: int
) -> tuple[tuple[str, ...], tuple[Field, ...]]:
    """Further columns are there and not read."""
    labels, fields = layout
    return (*labels, *(f"column {i}" for i in range(len(labels) + 1, width + 1))), fields


def _metadata(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _before_data(lines):
        key, mark, value = line.partition("=")
        if mark and value.strip() and key.strip().isprintable() and not key.startswith("timing."):
            found.setdefault(key.strip(), value.strip())
    return {key: value for key, value in found.items() if value.isprintable() and len(value) < 200}


def _before_data(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if line.strip() == "primary_data":
            return
        yield line


def _bias(metadata: Mapping[str, str]) -> Stated | None:
    try:
        return Stated(parse_number(metadata["E start"]), "E start of the file's header")
    except (KeyError, UnitError):
        return None


def _count_note(announced: int, rows: int) -> tuple[str, ...]:
    return () if announced == rows else (f"The block announces {announced} rows and has {rows}.",)
