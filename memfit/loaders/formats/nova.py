"""Autolab NOVA: ASCII export of a frequency scan or of a voltammogram.

"Index;Frequency (Hz);Z' (Ω);-Z'' (Ω);Z (Ω);-Phase (°);Time (s)", or columns such as "WE(1).Current (A)" and
"WE(1).Potential (V)", separated by semicolons or tabs. The labels state units and signs, so it is read as a
table; the dc bias stands in a column only if one was added to the export.
"""

import re

from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.read import read_text_tables

NAME = "Autolab NOVA text"

_LABELS = re.compile(
    r"Frequency \(Hz\)[\t;,]Z' \([^)\n]{1,5}\)[\t;,]-Z'' \(|(?:^|[\t;,])\"?WE\(\d\)\.", re.MULTILINE
)


def recognises(source: Source) -> bool:
    """True for the labels of NOVA's signals."""
    return _LABELS.search(source.head[:4000]) is not None


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The table of the file.

    Raises
    ------
    FileFormatError
        A row is broken or a unit cannot be read.
    """
    return read_text_tables(source, settings)
