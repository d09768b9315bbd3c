"""Digilent WaveForms, impedance analyser (.csv).

"#Digilent WaveForms Impedance Analyzer", lines "#Key: value" (among them "#Amplitude: 50 mV" and "#Offset:
300 mV", the dc bias), then labels such as "Frequency (Hz),Trace th (deg),Trace |Z| (Ohm),Trace Rs (Ohm),
Trace Xs (Ohm)" or "Trace Cs (F),Trace Cp (F)", then rows. Rs + i Xs is the impedance, with its sign.
"""

import re
from dataclasses import replace

from memfit.loaders.raw import FileSettings, RawTable, Reader
from memfit.loaders.source import Source
from memfit.loaders.tables import header_values, read_text_tables, relabelled

_HEAD = "#Digilent WaveForms Impedance Analyzer"
_NAMES = {"th": "Phase", "θ": "Phase", "theta": "Phase"}
"""Names of traces in the words of other programs."""
_STATED = {"Offset": "bias", "Amplitude": "amplitude"}


def _label(text: str) -> str:
    """A label without the word for its trace, its quantity in words that are understood."""
    label = re.sub(r"^Trace\s+(?:\d+\s+)?", "", text.strip(' "'))
    name, blank, unit = label.partition(" ")
    return f"{_NAMES.get(name, name)}{blank}{unit}"


def _read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum."""
    lines = source.lines
    at = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if at is None:
        raise source.error("expected rows below the settings of WaveForms, found none.")
    metadata = header_values((line[1:] for line in lines[:at] if line.startswith("#")), ":")
    separator = next((mark for mark in ("\t", ";", ",") if mark in lines[at]), ",")
    labels = [_label(text) for text in lines[at].split(separator)]
    if len(set(labels)) < len(labels):  # a reference trace beside the first one
        raise source.error("expected one trace, found several: export them one by one.", line=at + 1)
    stated = {ours: metadata[theirs] for theirs, ours in _STATED.items() if theirs in metadata}
    tables = read_text_tables(relabelled(source, at, labels, separator, stated), settings)
    known = {"instrument": f"Digilent {metadata.get('Device Name', 'WaveForms')}", **metadata}
    return [replace(table, kind="impedance", control="voltage", metadata=known) for table in tables]


READER = Reader("Digilent WaveForms impedance", lambda s: s.head.lstrip().startswith(_HEAD), _read)
