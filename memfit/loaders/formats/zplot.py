"""ZPlot / ZView (.z) and the same table as Autolab writes it ("Z60W Data File").

Lines of settings, a line of labels "Freq(Hz) Ampl Bias Time(Sec) Z'(a) Z''(b) GD Err Range", perhaps
"End Comments", rows with tabs or commas. Z'' has the true sign, a and b are no units (ohm). The number
of points that the header announces may be more than were measured.
"""

import re

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import Field, find_fields, need, read_block

NAME = "ZPlot/ZView"
NAME_AUTOLAB = "Autolab Z60W"

_FIELDS = (
    Field("frequency", ("Freq(Hz)", "Frequency(Hz)"), "Hz"),
    Field("z_real", ("Z'(a)",), "ohm"),
    Field("z_imag", ("Z''(b)",), "ohm"),
    Field("bias_voltage", ("Bias",)),
)
_LABELS = re.compile(
    r"""^[ \t"]{0,20}Freq(?:uency)?[ \t]*\(Hz\)[^\n]*Z'[ \t]*\(a\)[^\n]*Z''[ \t]*\(b\)""",
    re.MULTILINE | re.IGNORECASE,
)
_LABEL = re.compile(r"[A-Za-z|][A-Za-z|']*(?:\s*\([^)]*\))?")


def recognises(source: Source) -> bool:
    """True for a table of ZPlot."""
    return _LABELS.search(source.head) is not None and "Z60W" not in source.head


def recognises_autolab(source: Source) -> bool:
    """True for the table as Autolab writes it."""
    return _LABELS.search(source.head) is not None and "Z60W" in source.head


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of the file.

    Raises
    ------
    FileFormatError
        A column is missing or a row is broken.
    """
    lines = source.lines
    at = next((i for i, line in enumerate(lines[:5000]) if _LABELS.match(line)), None)
    if at is None:
        raise FileFormatError(
            "expected a line of labels Freq(Hz) ... Z'(a) Z''(b), found none.", file=source.name
        )
    labels = [label.strip() for label in _LABEL.findall(lines[at].strip().strip('"'))]
    columns = find_fields(labels, _FIELDS)
    need(columns, ("frequency", "z_real", "z_imag"), labels, source, at + 1)
    first = at + 2 if at + 1 < len(lines) and lines[at + 1].strip().startswith("End Comments") else at + 1
    block = read_block(source, columns, labels, first)
    metadata = _metadata(lines[:at])
    galvanostatic = (
        re.search(r"control:?\s*current", " ".join(lines[: min(at, 20)]), re.IGNORECASE) is not None
    )
    found = dict(block.columns)
    if galvanostatic and "bias_voltage" in found:  # the column is in the unit of what was controlled
        found["bias_current"] = found.pop("bias_voltage")
    notes = block.notes
    announced = _announced(lines[:at])
    if announced is not None and announced != block.rows:
        notes = (*notes, f"The header announces {announced} points and the file has {block.rows}.")
    return [
        RawTable(
            columns=found,
            kind="impedance",
            control="current" if galvanostatic else "voltage",
            metadata=metadata,
            notes=notes,
        )
    ]


def _metadata(lines: list[str]) -> dict[str, str]:
    """`key: value` lines of the header."""
    found: dict[str, str] = {}
    for line in lines:
        key, mark, value = line.strip().strip('"').partition(":")
        if mark and key.strip() and value.strip() and len(key) < 60:
            found.setdefault(key.strip(), value.strip())
    return found


def _announced(lines: list[str]) -> int | None:
    """Number of points that the header announces: "Data Points: 48", or a line with one number."""
    for line in reversed(lines[-6:]):
        found = re.fullmatch(r'\s*"?(?:Data Points:)?\s*([0-9]{1,9})\s*"?', line)
        if found:
            return int(found[1])
    return None
