"""Knowm Memristor Discovery: one period of a sine, two columns V and uA without header.

Recognised by the file name ("..._Memristor.csv", "Memristor.csv", "Resistor+Memristor.csv") and two
columns of numbers. The unit of the current is known from the program's plot only, and a note says so.
"""

import re

from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import Field, find_fields, read_block
from memfit.loaders.tables.parse import Layout

NAME = "Knowm Memristor Discovery"

_LABELS = ("Voltage", "Current")
_FIELDS = (Field("voltage", ("Voltage",), "V"), Field("current", ("Current",), "uA"))
_NAME = re.compile(r"(?:^|[_-])(resistor(?:\+|plus))?memristor\.csv$", re.IGNORECASE)


def recognises(source: Source) -> bool:
    """True by the name and two columns of numbers from the first line on."""
    if _NAME.search(source.name) is None:
        return False
    first = next((line for line in source.head.split("\n") if line.strip()), "")
    fields = Layout(",").split(first)
    return len(fields) == 2 and all(Layout(",").number(field) is not None for field in fields)


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The loop of the file.

    Raises
    ------
    FileFormatError
        A row is broken.
    """
    block = read_block(source, find_fields(_LABELS, _FIELDS), _LABELS, 0)
    notes = (
        "The file has no header: V and uA were taken, the units of Memristor Discovery, by the file name.",
        *block.notes,
    )
    frequency = re.search(
        r"(?:^|_)(\d+(?:\.\d+)?)Hz(?:_|$)", " ".join([source.name, *source.companions]).replace(" ", "_")
    )
    metadata = {"waveform": "one period of a sine"}
    if frequency:
        metadata["frequency"] = f"{frequency[1]} Hz"
        notes = (*notes, f"The name says one period at {frequency[1]} Hz; the samples have no times.")
    return [RawTable(columns=block.columns, kind="iv", control="voltage", metadata=metadata, notes=notes)]
