"""IviumSoft (.idf): `key=value` lines with some bytes between them, then blocks "primary_data".

Behind "primary_data": the number of columns, the number of rows, then the rows. The method says what
the columns are: for impedance Z', Z'' (true sign, ohm) and frequency in that order, for voltammetry
potential and current, for transients time and current (V, A, s).
"""

import re
from itertools import takewhile

from memfit.datasets import Kind
from memfit.loaders.raw import FileSettings, RawTable, Reader, Source, Stated
from memfit.loaders.tables import Column, count_note, optional_number, read_block
from memfit.units import find_unit

_LAYOUTS: tuple[tuple[tuple[str, ...], Kind, tuple[tuple[str, str, str], ...]], ...] = (
    (
        ("impedance",),
        "impedance",
        (("z_real", "Z'", "ohm"), ("z_imag", "Z''", "ohm"), ("frequency", "f", "Hz")),
    ),
    (("cyclic", "linear"), "iv", (("voltage", "E", "V"), ("current", "I", "A"))),
    (("transient", "chrono"), "transient", (("time", "t", "s"), ("current", "I", "A"))),
)
"""Words of the method, kind, and the first columns: role, label and unit. Further ones are not read."""


def _read(source: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of the blocks."""
    lines = re.split(r"\r\n|\r|\n", source.data.decode("latin-1").replace("\x00", " "))
    stated: dict[str, str] = {}
    for line in takewhile(lambda line: line.strip() != "primary_data", lines):
        key, mark, value = line.partition("=")
        if mark and value.strip() and key.strip().isprintable() and not key.startswith("timing."):
            stated.setdefault(key.strip(), value.strip())
    metadata = {key: value for key, value in stated.items() if value.isprintable() and len(value) < 200}
    starts = [i for i, line in enumerate(lines) if line.strip() == "primary_data"]
    tables = [
        _block(source, lines, start, metadata, f"block {number}" if len(starts) > 1 else "")
        for number, start in enumerate(starts, start=1)
        if start + 3 < len(lines) and lines[start + 2].strip() not in ("", "0")
    ]
    if not tables:
        raise source.error("expected a block `primary_data` with rows, found none.")
    return tables


def _block(source: Source, lines: list[str], start: int, metadata: dict[str, str], part: str) -> RawTable:
    """The rows of one block."""
    try:
        width, count = int(lines[start + 1]), int(lines[start + 2])
    except ValueError as error:
        raise source.error(
            "expected the numbers of columns and rows below `primary_data`.", line=start + 2
        ) from error
    method = metadata.get("Method", "").lower()
    layouts = (
        (kind, columns)
        for words, kind, columns in _LAYOUTS
        if any(word in method for word in words) and (width == 3 if kind == "impedance" else width >= 2)
    )
    kind, fields = next(layouts, (None, ()))
    if kind is None:
        raise source.error(
            f"expected the method Impedance, CyclicVoltammetry, LinearSweep or Transients, found "
            f"{method or 'none'!r} with {width} columns; export the data as text from IviumSoft."
        )
    rows = lines[start + 3 : start + 3 + count]
    if len(rows) < count:
        raise source.error(f"expected {count} rows, found {len(rows)}: the file is cut.", line=start + 3)
    columns = [Column(i, label, role, find_unit(unit)) for i, (role, label, unit) in enumerate(fields)]
    labels = [*(label for _, label, _ in fields), *(f"column {i}" for i in range(len(fields) + 1, width + 1))]
    ended = start + 3 + count < len(lines)
    block = read_block(source, columns, labels, start + 3, lines=rows, ended=ended)
    galvanostatic = "constant i" in metadata.get("Technique", "").lower()
    bias = optional_number(metadata.get("E start")) if kind == "impedance" and not galvanostatic else None
    announces = "The block announces {announced} rows and has {counted}."
    return RawTable(
        columns=block.columns, others=block.others, kind=kind, part=part, metadata=metadata,
        control=("current" if galvanostatic else "voltage") if kind != "transient" else None,
        bias=None if bias is None else Stated(bias, "E start of the file's header"),
        notes=(*block.notes, *count_note(announces, count, block.rows)),
    )  # fmt: skip


READER = Reader(
    "Ivium idf",
    lambda s: b"primary_data" in s.data and (b"Method=" in s.data or s.suffix == ".idf"),
    _read,
    frozenset({".idf"}),
)
