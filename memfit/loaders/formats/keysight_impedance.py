"""Impedance analysers of Keysight and Agilent (E4990A): CSV with a block for each channel.

"!Agilent Technologies,E4990A,...", "!Date: ...", "BEGIN CH1_DATA", labels such as
"Frequency(Hz), |Z|(Ohm)-data, theta-z(deg)-data" (or R and X, |Y| and theta-y, Cp and G, ...), rows, "END".
The labels state the units, so that each block is read as a table; the bias is not in the file.
"""

import re
from dataclasses import replace

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.read import read_text_tables

NAME = "Keysight impedance analyser"

_BEGIN = re.compile(r"^BEGIN (CH\d+_DATA)\s*$", re.MULTILINE)
_MAX_BLOCKS = 100


def recognises(source: Source) -> bool:
    """True for a comment of the maker and the beginning of a block."""
    return source.head.startswith("!") and _BEGIN.search(source.head[:4000]) is not None


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of each block.

    Raises
    ------
    FileFormatError
        A block has no pair of columns that makes an impedance, or a broken row.
    """
    lines = source.lines
    metadata = _metadata(lines[:10])
    begins = [i for i, line in enumerate(lines) if _BEGIN.match(line)]
    if len(begins) > _MAX_BLOCKS:
        raise FileFormatError(f"expected at most {_MAX_BLOCKS} blocks, found more.", file=source.name)
    tables = []
    for begin in begins:
        end = next((i for i in range(begin, len(lines)) if lines[i].strip() == "END"), None)
        rows = "\n".join(lines[begin + 1 : end]) + ("" if end is None else "\n")
        block = replace(source, data=("\n" * (begin + 1) + rows).encode())
        cut = () if end is not None else ("The block has no line END: the file is cut.",)
        part = lines[begin].split()[1].removesuffix("_DATA") if len(begins) > 1 else ""
        tables += [
            replace(table, part=part, metadata=metadata, notes=(*cut, *table.notes))
            for table in read_text_tables(block, settings)
        ]
    return tables


def _metadata(lines: list[str]) -> dict[str, str]:
    """Maker, instrument and date."""
    found: dict[str, str] = {}
    for line in lines:
        if line.startswith("!Date:"):
            found["date"] = line[6:].strip()
        elif line.startswith("!") and line.count(",") >= 2:
            found["instrument"] = " ".join(word.strip() for word in line[1:].split(",")[:2])
    return found
