"""In which file formats a synthetic measurement can be written.

"generic" is a table with units in its header; the others are those of instruments, each for one kind of
measurement. `memfit.synthetic.instruments` writes them.
"""

from collections.abc import Mapping
from typing import Literal

from memfit.datasets.records import Kind

Format = Literal["generic", "ec-lab", "nova", "keithley", "oscilloscope"]
Style = Literal["generic", "instrument"]
"""What a whole device is written in: generic tables, or for each kind what its instruments write."""

STYLES: Mapping[str, Style] = {"generic": "generic", "instrument": "instrument"}

FORMATS: Mapping[Kind, Mapping[str, Format]] = {
    "impedance": {"generic": "generic", "ec-lab": "ec-lab", "nova": "nova"},
    "iv": {"generic": "generic", "keithley": "keithley"},
    "transient": {"generic": "generic", "oscilloscope": "oscilloscope"},
}
"""Names of the formats that a kind of measurement can have."""

SUFFIXES: Mapping[Format, str] = {
    "generic": ".csv",
    "ec-lab": ".mpt",
    "nova": ".txt",
    "keithley": ".csv",
    "oscilloscope": ".csv",
}


def usual_format(kind: Kind, style: Style, number: int) -> Format:
    """The format of the measurement `number` (from 0) of its kind: instruments of one kind take turns."""
    if style == "generic":
        return "generic"
    instruments = [name for name in FORMATS[kind].values() if name != "generic"]
    return instruments[number % len(instruments)]
