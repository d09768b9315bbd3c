"""Two small text formats of memristor I-V loops that state no units.

Knowm Memristor Discovery: one period of a sine, two columns V and uA without header, recognised by the file
name ("..._Memristor.csv", "Memristor.csv", "Resistor+Memristor.csv") and two columns of numbers. The unit of
the current is known from the program's plot only, and a note says so.

"Voltage Current Time": a header of names with blanks between them and rows with tabs between the numbers, in
V, A and s. Where the times are seconds since 1970 in four digits they are all equal: the sweep then has none.
"""

import re

from memfit.loaders.raw import FileSettings, RawTable, Reader, Source
from memfit.loaders.tables import Field, Layout, read_fields

_KNOWM = (Field("voltage", ("Voltage",), "V"), Field("current", ("Current",), "uA"))
_NAME = re.compile(r"(?:^|[_-])(resistor(?:\+|plus))?memristor\.csv$", re.IGNORECASE)
_LOOPS = (
    Field("voltage", ("Voltage",), "V"),
    Field("current", ("Current",), "A"),
    Field("time", ("Time",), "s"),
)
_HEADER = re.compile(r"^\ufeff?voltage current( time)?[ \t]*\n[-+\d.eE]+\t", re.IGNORECASE)


def _recognises_knowm(source: Source) -> bool:
    """True by the name and two columns of numbers from the first line on."""
    if _NAME.search(source.name) is None:
        return False
    first = next((line for line in source.head.split("\n") if line.strip()), "")
    fields = Layout(",").split(first)
    return len(fields) == 2 and all(Layout(",").number(field) is not None for field in fields)


def _read_knowm(source: Source, settings: FileSettings) -> list[RawTable]:
    """The loop of the file."""
    block = read_fields(source, ("Voltage", "Current"), _KNOWM, 0)
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
    return [
        RawTable(
            columns=block.columns,
            others=block.others,
            kind="iv",
            control="voltage",
            metadata=metadata,
            notes=notes,
        )
    ]


def _read_loops(source: Source, settings: FileSettings) -> list[RawTable]:
    """The loops of the file."""
    labels = source.lines[0].split()
    block = read_fields(source, labels, _LOOPS, 1, needed=("voltage", "current"))
    notes = (
        "The header states no units; V, A and s were taken, as in the loops of this program.",
        *block.notes,
    )
    return [RawTable(columns=block.columns, others=block.others, kind="iv", control="voltage", notes=notes)]


LOOPS = Reader("memristor I-V loops (text)", lambda s: _HEADER.match(s.head) is not None, _read_loops)
KNOWM = Reader("Knowm Memristor Discovery", _recognises_knowm, _read_knowm)
