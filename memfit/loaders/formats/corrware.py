"""CorrWare and Corrtest (.cor, and the text of CS Studio): potential, current density and time.

"CORRW ASCII", settings (among them "Surface Area:", cm^2, and "Scan Rate(mV/s):10"), a line of labels such as
"E(V)  i(A/cm^2)  T(s)", "End Comments", then rows; the last row of a cycle ends with its number and "CYCLE".
CS Studio puts all settings, packed with gzip and written in base64, behind "CSStudioFile,ID_CV," in the first
line, and the labels into the second.
"""

import base64
import binascii
import re
import zlib

from memfit.datasets import Kind
from memfit.loaders.raw import FileSettings, RawTable, Reader, Stated
from memfit.loaders.source import Source
from memfit.loaders.tables import Field, find_fields, need, optional_number, read_block
from memfit.units import parse_quantity

_FIELDS = (
    Field("voltage", ("E(V)", "E(Volts)", "Potential(V)"), "V"),
    Field("current_density", ("i(A/cm^2)", "i(A/cm2)", "i(A/cm²)", "I(Amps/cm2)", "I(A/cm²)"), "A/cm^2"),
    Field("current", ("i(A)", "I(Amps)"), "A"),
    Field("time", ("T(s)", "T(Seconds)", "Time(s)"), "s"),
)
_KINDS: dict[str, Kind] = {
    "ID_CV": "iv", "ID_LSV": "iv", "ID_POTENTIODYNAMIC": "iv", "ID_POTENTIOSTATIC": "transient",
    "ID_GALVANOSTATIC": "transient",
}  # fmt: skip
_LARGEST = 10_000_000
"""Bytes of the settings when unpacked."""
_ORDER = 'columns = ["E (V)", "I (A/cm^2)", "T (s)"]'


def _settings(source: Source) -> str:
    """The text of all settings."""
    first = source.lines[0]
    if not first.startswith("CSStudioFile"):
        return "\n".join(source.lines[: _end(source)])
    try:
        packed = base64.b64decode(first.split(",")[-1], validate=True)
        unpacked = zlib.decompressobj(wbits=31).decompress(packed, _LARGEST)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise source.error(f"expected packed settings in the first line, found damage ({error}).") from error
    return f"{first.split(',')[1]}\n{unpacked.decode('utf-8', errors='replace')}"


def _end(source: Source) -> int:
    """Index of the line "End Comments"."""
    at = next((i for i, line in enumerate(source.lines) if line.strip() == "End Comments"), None)
    if at is None:
        raise source.error("expected a line `End Comments` above the rows, found none: the file is cut.")
    return at


def _read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The curve of the file."""
    text, lines = _settings(source), source.lines
    packed = lines[0].startswith("CSStudioFile")
    end = 1 if packed else _end(source)
    at = end if packed else next((i for i in range(end - 1, 0, -1) if lines[i].strip()), 0)
    labels = re.split(r"\s{2,}|\t+", lines[at].strip()) if at < len(lines) else []
    if isinstance(settings.columns, tuple) and settings.columns:
        labels = list(settings.columns)
    labels = [re.sub(r"\s+(?=\()", "", label) for label in labels]
    columns = find_fields(labels, _FIELDS)
    if not columns:
        raise source.error(
            f"expected labels such as E(V), i(A/cm^2), T(s) above the rows, found none; say in device.toml "
            f"what they are, as in {_ORDER}.",
            line=end + 1,
        )
    need(columns, ("voltage",), labels, source, at + 1)
    rows = [re.sub(r"\s+\d+\s+CYCLE\s*$", "", line) for line in lines[end + 1 :]]
    block = read_block(source, columns, labels, end + 1, lines=rows)
    area = re.search(r"(?:Surface Area|CellParam=Area)\s*[:=]\s*([-+\d.eE]+)", text)
    rate = re.search(r"Scan Rate\s*\(mV/s\)\s*[:=]\s*([-+\d.eE]+)", text)
    area_cm2 = optional_number(area[1]) if area else None
    technique = next((name for name in _KINDS if re.search(rf"\b{name}\b", text)), "")
    scan = parse_quantity(f"{rate[1]} mV/s", "voltage_rate") if rate else 0.0
    return [
        RawTable(
            columns=block.columns,
            kind=_KINDS.get(technique),
            control="current" if technique == "ID_GALVANOSTATIC" else "voltage",
            area=area_cm2 * 1e-4 if area_cm2 else None,
            scan_rate=Stated(scan, "the file's settings") if scan and _KINDS.get(technique) == "iv" else None,
            metadata={"technique": technique} if technique else {},
            notes=block.notes,
        )
    ]


READER = Reader(
    "CorrWare or Corrtest",
    lambda s: s.head.lstrip().startswith(("CORRW ASCII", "CSStudioFile,")),
    _read,
    frozenset({".cor"}),
)
