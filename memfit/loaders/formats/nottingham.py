"""Current-voltage loops of memristors as text ("Voltage Current Time").

A header of names with blanks between them and rows with tabs between the numbers, in V, A and s without
units. Where the times are seconds since 1970 in four digits they are all equal: the sweep then has none.
"""

import re

from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import Field, find_fields, need, read_block

NAME = "memristor I-V loops (text)"

_FIELDS = (
    Field("voltage", ("Voltage",), "V"),
    Field("current", ("Current",), "A"),
    Field("time", ("Time",), "s"),
)
_HEADER = re.compile(r"^\ufeff?voltage current( time)?[ \t]*\n[-+\d.eE]+\t", re.IGNORECASE)


def recognises(source: Source) -> bool:
    """True for the header with blanks above rows with tabs."""
    return _HEADER.match(source.head) is not None


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The loops of the file.

    Raises
    ------
    FileFormatError
        A row is broken.
    """
    labels = source.lines[0].split()
    columns = find_fields(labels, _FIELDS)
    need(columns, ("voltage", "current"), labels, source, 1)
    block = read_block(source, columns, labels, 1)
    notes = (
        "The header states no units; V, A and s were taken, as in the loops of this program.",
        *block.notes,
    )
    return [RawTable(columns=block.columns, kind="iv", control="voltage", notes=notes)]
