"""BioLogic EC-Lab binary (.mpr): modules of settings, data and log.

52 bytes "BIO-LOGIC MODULAR FILE", then modules: "MODULE", a name of 10 and a title of 25 bytes, the
length (behind 0xFFFFFFFF in files since EC-Lab 11.50), version, date. The module "VMP data" holds the
number of rows, the number of columns, a number for each column, and rows without gaps at an offset
that its version fixes. Numbers of columns and their sizes are as described publicly (yadg, galvani);
here they are checked: the rows must fill the module exactly, and |Z| must be the modulus of Z.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import FileFormatError
from memfit.loaders.formats.biologic import FIELDS, Recording, make_tables
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import find_fields, need

NAME = "BioLogic EC-Lab binary"
MAGIC = b"BIO-LOGIC MODULAR FILE\x1a"

_FIRST_MODULE = 52
_MAX_ROWS = 5_000_000
_ROUND_BELOW = 200_000
"""Rows up to which numbers are rounded to the digits that EC-Lab prints, so that text and binary agree."""

_DATA_OFFSET = {0: 100, 2: 405, 3: 406, 10: 1007, 11: 1007}
"""Offset of the rows in the data module by its version."""

_FLAGS = {1: 0x03, 2: 0x04, 3: 0x08, 21: 0x10, 31: 0x20, 65: 0x80}
"""Columns that share the first byte of a row, and their bits."""

_COLUMNS: dict[int, tuple[str, str]] = {
    4: ("time/s", "<f8"), 5: ("control/V/mA", "<f4"), 6: ("Ewe/V", "<f4"), 7: ("dQ/mA.h", "<f8"),
    8: ("I/mA", "<f4"),
    9: ("Ece/V", "<f4"), 11: ("<I>/mA", "<f8"), 13: ("(Q-Qo)/mA.h", "<f8"),
    16: ("Analog IN 1/V", "<f4"),
    17: ("Analog IN 2/V", "<f4"), 18: ("Analog IN 3/V", "<f4"),
    19: ("control/V", "<f4"), 20: ("control/mA", "<f4"),
    23: ("dQ/mA.h", "<f8"), 24: ("cycle number", "<f8"), 26: ("Rapp/Ohm", "<f4"), 27: ("Ewe-Ece/V", "<f4"),
    32: ("freq/Hz", "<f4"), 33: ("|Ewe|/V", "<f4"), 34: ("|I|/A", "<f4"), 35: ("Phase(Z)/deg", "<f4"),
    36: ("|Z|/Ohm", "<f4"), 37: ("Re(Z)/Ohm", "<f4"), 38: ("-Im(Z)/Ohm", "<f4"), 39: ("I Range", "<u2"),
    69: ("R/Ohm", "<f4"), 70: ("P/W", "<f4"), 74: ("|Energy|/W.h", "<f8"), 75: ("Analog OUT/V", "<f4"),
    76: ("<I>/mA", "<f4"), 77: ("<Ewe>/V", "<f4"), 78: ("Cs-2/uF-2", "<f4"), 96: ("|Ece|/V", "<f4"),
    98: ("Phase(Zce)/deg", "<f4"), 99: ("|Zce|/Ohm", "<f4"), 100: ("Re(Zce)/Ohm", "<f4"),
    101: ("-Im(Zce)/Ohm", "<f4"), 123: ("Energy charge/W.h", "<f8"), 124: ("Energy discharge/W.h", "<f8"),
    125: ("Capacitance charge/uF", "<f8"), 126: ("Capacitance discharge/uF", "<f8"), 131: ("Ns", "<u2"),
    163: ("|Estack|/V", "<f4"), 168: ("Rcmp/Ohm", "<f4"), 169: ("Cs/uF", "<f4"), 172: ("Cp/uF", "<f4"),
    173: ("Cp-2/uF-2", "<f4"), 174: ("<Ewe>/V", "<f4"), 178: ("(Q-Qo)/C", "<f4"), 179: ("dQ/C", "<f4"),
    182: ("step time/s", "<f8"), 185: ("<Ece>/V", "<f4"), 211: ("Q charge or discharge/C", "<f8"),
    212: ("half cycle", "<u4"), 213: ("z cycle", "<u4"), 430: ("Phase(Zwe-ce)/deg", "<f4"),
    431: ("|Zwe-ce|/Ohm", "<f4"), 432: ("Re(Zwe-ce)/Ohm", "<f4"), 433: ("-Im(Zwe-ce)/Ohm", "<f4"),
    434: ("(Q-Qo)/C", "<f4"), 435: ("dQ/C", "<f4"), 441: ("<Ece>/V", "<f4"), 462: ("Temperature/C", "<f4"),
    467: ("Q charge or discharge/mA.h", "<f8"), 468: ("half cycle", "<u4"), 469: ("z cycle", "<u4"),
    471: ("<Ece>/V", "<f4"),
}  # fmt: skip
"""Label and type by number, for the columns of other types than four bytes and those that are read."""

_TECHNIQUES = {
    0x06: "Cyclic Voltammetry", 0x33: "Cyclic Voltammetry Advanced", 0x6C: "Linear Sweep Voltammetry",
    0x18: "Chronoamperometry / Chronocoulometry", 0x19: "Chronopotentiometry",
    0x1D: "Potentio Electrochemical Impedance Spectroscopy",
    0x1E: "Galvano Electrochemical Impedance Spectroscopy",
}  # fmt: skip
"""Names of techniques by the first byte of the settings."""


@dataclass(frozen=True)
class Module:
    """One module: its name, version and content."""

    name: str
    version: int
    date: str
    content: bytes


def recognises(source: Source) -> bool:
    """True for an .mpr file."""
    return source.data.startswith(MAGIC)


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of an .mpr file.

    Raises
    ------
    FileFormatError
        The file is cut or damaged, or of a version that is not known.
    """
    modules = list(_modules(source))
    data = next((module for module in modules if module.name == "VMP data"), None)
    if data is None:
        raise FileFormatError("expected a module `VMP data`, found none: the file is cut.", file=source.name)
    setup = next((module for module in modules if module.name == "VMP Set"), None)
    technique = _TECHNIQUES.get(setup.content[0], "") if setup is not None and setup.content else ""
    table, labels, flags = _rows(source, data)
    columns = find_fields(labels, FIELDS)
    roles = {column.role for column in columns}
    if roles & {"z_real", "z_imag"}:
        need(columns, ("frequency", "z_real", "z_imag"), labels, source, 1)
    else:
        need(columns, ("time",), labels, source, 1)
    values = {column.role: column.to_si(_decimal(table[f"c{column.index}"])) for column in columns}
    if "frequency" in values:
        _check_modulus(table, labels, values, source)
    metadata = {"technique": technique, "date": data.date} if technique else {"date": data.date}
    mode = (flags & _FLAGS[1]).astype(np.float64) if flags is not None else None
    recording = Recording(columns=values, technique=technique, metadata=metadata, mode=mode)
    return list(make_tables(recording, settings))


def _modules(source: Source) -> Iterator[Module]:
    """The modules of a file, one behind the other."""
    data, position = source.data, _FIRST_MODULE
    while position < len(data):
        if data[position : position + 6] != b"MODULE":
            raise FileFormatError(
                f"expected a module at byte {position}, found something else: the file is damaged.",
                file=source.name,
            )
        head = data[position + 6 : position + 65]
        if len(head) < 59:
            raise FileFormatError("expected a whole module, found a part: the file is cut.", file=source.name)
        first, second, third, fourth = struct.unpack("<4I", head[35:51])
        if first == 0xFFFFFFFF:
            length, version, date, start = second, fourth, head[51:59], position + 65
        else:
            length, version, date, start = first, second, head[43:51], position + 57
        if length > len(data) - start:
            raise FileFormatError(
                f"expected {length} bytes in a module, found {len(data) - start}: the file is cut.",
                file=source.name,
            )
        name = head[:10].decode("latin-1").strip()
        yield Module(
            name, version or third, date.decode("latin-1").strip("\x00 "), data[start : start + length]
        )
        position = start + length


def _rows(source: Source, data: Module) -> tuple[np.ndarray, list[str], np.ndarray | None]:
    """Rows as a structured array with fields c0, c1, ..., their labels, and the byte of flags."""
    content = data.content
    offset = _DATA_OFFSET.get(data.version)
    if offset is None or len(content) < offset:
        raise FileFormatError(
            f"expected data of version {', '.join(map(str, _DATA_OFFSET))}, found version {data.version} in "
            f"{len(content)} bytes; export the file as text from EC-Lab.", file=source.name,
        )  # fmt: skip
    count, number = struct.unpack("<IB", content[:5])
    start = 6 if data.version >= 10 else 5
    width = 1 if data.version == 0 else 2
    identities = [
        int.from_bytes(content[start + width * i : start + width * (i + 1)], "little") for i in range(number)
    ]
    if count == 0 or number == 0 or count > _MAX_ROWS:
        raise FileFormatError(f"expected rows and columns, found {count} and {number}.", file=source.name)
    body = content[offset:]
    if len(body) % count:
        raise FileFormatError(
            f"expected {count} whole rows, found {len(body)} bytes: the file is cut or damaged.",
            file=source.name,
        )
    types, labels = _types(source, identities, len(body) // count)
    table = np.frombuffer(body, dtype=np.dtype(types), count=count)
    return table, labels, table["flags"] if types and types[0][0] == "flags" else None


def _types(source: Source, identities: Sequence[int], row: int) -> tuple[list[tuple[str, str]], list[str]]:
    """Fields of a row and their labels; unknown columns have four bytes if that fills the row."""
    types: list[tuple[str, str]] = []
    labels: list[str] = []
    if any(identity in _FLAGS for identity in identities):
        types.append(("flags", "u1"))
    unknown = []
    for identity in identities:
        if identity in _FLAGS:
            continue
        if identity not in _COLUMNS:
            unknown.append(identity)
        label, kind = _COLUMNS.get(identity, (f"column {identity}", "<f4"))
        types.append((f"c{len(labels)}", kind))
        labels.append(label)
    size = np.dtype(types).itemsize if types else 0
    if size != row:
        words = f" (unknown columns: {', '.join(map(str, unknown))})" if unknown else ""
        raise FileFormatError(
            f"expected rows of {size} bytes, found {row}{words}; export the file as text from EC-Lab.",
            file=source.name,
        )
    return types, labels


def _decimal(values: np.ndarray) -> FloatArray:
    """Numbers rounded as EC-Lab prints them: to 8 digits for four bytes, 16 for eight, halves away from 0."""
    with np.errstate(invalid="ignore"):  # signalling NaN of a damaged file; refused when records are made
        whole: FloatArray = values.astype(np.float64)
    if values.dtype.kind != "f" or values.size > _ROUND_BELOW:
        return whole
    context = Context(prec=8 if values.dtype.itemsize == 4 else 16, rounding=ROUND_HALF_UP)
    return np.array([float(context.create_decimal_from_float(value)) for value in whole.tolist()])


def _check_modulus(
    table: np.ndarray, labels: Sequence[str], values: dict[str, FloatArray], source: Source
) -> None:
    """|Z| stands beside Z' and Z'': the three must agree, or the columns were misread."""
    if "|Z|/Ohm" not in labels:
        return
    with np.errstate(all="ignore"):  # anything may stand in a damaged file; it does not agree then
        stated = table[f"c{list(labels).index('|Z|/Ohm')}"].astype(np.float64)
        found = np.hypot(values["z_real"], values["z_imag"])
        agree = np.abs(stated - found) <= 1e-3 * np.abs(stated) + 1e-30
    if not np.all(agree):
        raise FileFormatError(
            "expected |Z| to be the modulus of Z, which it is not: the file is damaged.", file=source.name
        )
