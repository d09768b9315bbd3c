"""BioLogic EC-Lab and BT-Lab: text (.mpt, or .txt) and binary (.mpr), which hold the same columns.

Text: "EC-Lab ASCII FILE", "Nb header lines : N", settings, then line N with labels separated by tabs, then
rows; decimal point or comma after the machine's locale. Impedance: freq/Hz, Re(Z)/Ohm, -Im(Z)/Ohm,
<Ewe>/V (the bias), <I>/mA, cycle number; rows of frequency 0 are the dc waiting periods. Time domain:
time/s (a clock of the whole experiment), control/V or control/mA (what was set), Ewe/V, I/mA.

Binary: 52 bytes "BIO-LOGIC MODULAR FILE", then modules: "MODULE", a name of 10 and a title of 25 bytes, the
length (behind 0xFFFFFFFF in files since EC-Lab 11.50), version, date. The module "VMP data" holds the
number of rows, the number of columns, a number for each column, and rows without gaps at an offset
that its version fixes. Numbers of columns and their sizes are as described publicly (yadg, galvani);
here they are checked: the rows must fill the module exactly, and |Z| must be the modulus of Z.
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Context
from itertools import pairwise

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import Kind
from memfit.errors import UnitError
from memfit.loaders.raw import FileSettings, RawTable, Reader, Source, Stated
from memfit.loaders.tables import Column, Field, find_fields, labels_of, need, read_block
from memfit.protocols import Control
from memfit.units import parse_quantity

_FIELDS = (
    Field("frequency", ("freq/Hz",), "Hz"),
    Field("z_real", ("Re(Z)/Ohm",), "ohm"),
    Field("z_imag", ("-Im(Z)/Ohm",), "ohm", -1.0),
    Field("z_imag", ("Im(Z)/Ohm",), "ohm"),
    Field("time", ("time/s",), "s"),
    Field("voltage", ("<Ewe>/V", "Ewe/V", "<Ewe/V>", "Ecell/V", "<Ecell>/V", "Ewe-Ece/V"), "V"),
    Field("current", ("<I>/mA", "I/mA"), "mA"),
    Field("applied_voltage", ("control/V",), "V"),
    Field("applied_current", ("control/mA",), "mA"),
    Field("cycle", ("cycle number",)),
)
"""Columns that memfit reads, of text and binary files alike."""

_TECHNIQUES: tuple[tuple[str, Kind, Control], ...] = (
    ("galvano electrochemical impedance", "impedance", "current"),
    ("electrochemical impedance", "impedance", "voltage"),
    ("cyclic voltammetry", "iv", "voltage"),
    ("linear sweep voltammetry", "iv", "voltage"),
    ("linear scan voltammetry", "iv", "voltage"),
    ("chronoamperometry", "transient", "voltage"),
    ("chronopotentiometry", "transient", "current"),
    ("constant voltage", "transient", "voltage"),
    ("constant current", "transient", "current"),
)
_COMPANION = re.compile(r"\s*(EC|BT)-?Lab (LOG|SETTING) FILE", re.IGNORECASE)
"""First line of the files that EC-Lab writes beside a measurement (.mpl, .mps)."""
_SETTING_WIDTH = 20
"""Settings of a technique stand in columns of 20 characters."""

_MAGIC = b"BIO-LOGIC MODULAR FILE\x1a"
_FIRST_MODULE = 52
_MAX_ROWS = 5_000_000
_ROUND_BELOW = 200_000
"""Rows up to which numbers are rounded to the digits that EC-Lab prints, so that text and binary agree."""
_DATA_OFFSET = {0: 100, 2: 405, 3: 406, 10: 1007, 11: 1007}
"""Offset of the rows in the data module by its version."""
_MODE = 0x03
_FLAGS = frozenset({1, 2, 3, 21, 31, 65})
"""Columns that share the first byte of a row; the first of them, the mode, are its lowest two bits."""
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
_TECHNIQUE_BYTES = {
    0x06: "Cyclic Voltammetry", 0x33: "Cyclic Voltammetry Advanced", 0x6C: "Linear Sweep Voltammetry",
    0x18: "Chronoamperometry / Chronocoulometry", 0x19: "Chronopotentiometry",
    0x1D: "Potentio Electrochemical Impedance Spectroscopy",
    0x1E: "Galvano Electrochemical Impedance Spectroscopy",
}  # fmt: skip
"""Names of techniques by the first byte of the settings."""


@dataclass(frozen=True, kw_only=True)
class _Recording:
    """The rows of a file, text or binary, and what it says beside them."""

    columns: Mapping[str, FloatArray]
    """SI columns by role."""
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Cells of the columns that are not read, by label."""
    technique: str
    metadata: Mapping[str, str]
    notes: tuple[str, ...] = ()
    mode: FloatArray | None = None
    """1 galvanostatic, 2 potentiostatic, 3 at rest: a file of several techniques changes between them."""


def _recognises_text(source: Source) -> bool:
    """True for EC-Lab text, with or without its settings."""
    first = source.head.split("\n", 1)[0].strip()
    labels = first.split("\t")
    bare = labels[:2] in (["freq/Hz", "Re(Z)/Ohm"], ["mode", "ox/red"]) or (
        len(labels) > 1 and "time/s" in labels and ("/mA" in first or "/V" in first)
    )
    return bare or re.match(r"(EC|BT)-?Lab (ASCII|LOG|SETTING) FILE", first, re.IGNORECASE) is not None


def _read_text(source: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of an EC-Lab text file."""
    companion = _COMPANION.match(source.head)
    if companion:
        raise source.error(
            f"expected measurements, found EC-Lab's {companion[2].lower()} file, which holds none: export "
            "the .mpr as text (.mpt), or give the .mpr."
        )
    at, technique, metadata = _read_settings(source)
    labels = labels_of(source.lines[at], "\t")
    columns = _checked(labels, source, at + 1)
    place = next((i for i, label in enumerate(labels) if "".join(label.split()).lower() == "mode"), None)
    block = read_block(source, columns, labels, at + 1, also=() if place is None else (place,))
    mode = None
    if place is not None and all(column.role != "frequency" for column in columns):
        modes = [Column(place, labels[place], "cycle", None)]
        mode = read_block(source, modes, labels, at + 1).columns["cycle"]
        if mode.size != block.rows:
            raise source.error("expected a mode in every row, found an empty cell.", column=labels[place])
    recording = _Recording(
        columns=block.columns,
        others=block.others,
        technique=technique,
        metadata=metadata,
        notes=block.notes,
        mode=mode,
    )
    return list(_make_tables(recording, settings))


def _checked(labels: Sequence[str], source: Source, line: int) -> list[Column]:
    """The columns of a file, which must be those of a spectrum or of a course in time."""
    columns = find_fields(labels, _FIELDS)
    spectrum = {"z_real", "z_imag"} & {column.role for column in columns}
    need(columns, ("frequency", "z_real", "z_imag") if spectrum else ("time",), labels, source, line)
    return columns


def _read_settings(source: Source) -> tuple[int, str, dict[str, str]]:
    """Index (from 0) of the line of labels, the technique, and what else stands above it."""
    lines = source.lines
    declared = re.match(r"Nb header lines\s*:\s*(\d+)", lines[1]) if len(lines) > 1 else None
    if declared is None:
        return 0, "", {}

    def is_labels(line: str) -> bool:
        return "\t" in line and len(find_fields(labels_of(line, "\t"), _FIELDS)) >= 2

    count = int(declared[1])
    at: int | None = count - 1
    if not (2 < count <= len(lines) and is_labels(lines[count - 1])):
        at = next((i for i, line in enumerate(lines[:2000]) if is_labels(line)), None)
    if at is None:
        raise source.error(
            f"expected the column labels in line {count}, as `Nb header lines` says; found no labels.",
            line=min(count, len(lines)),
        )
    technique = next((line.strip() for line in lines[2:at] if line.strip()), "")
    metadata = {"technique": technique}
    stated: dict[str, str] = {}
    for line in lines[3:at]:
        key, mark, value = line.strip().partition(" : ")
        if mark and value.strip():
            stated.setdefault(key.strip(), value.strip())
        elif re.match(rf"[^\t ].{{{_SETTING_WIDTH - 2}}} .", line):
            stated.setdefault(line[:_SETTING_WIDTH].strip(), " ".join(line[_SETTING_WIDTH:].split()))
    return at, technique, {**metadata, **stated}


def _make_tables(recording: _Recording, settings: FileSettings) -> Iterator[RawTable]:
    """Tables of a recording: one, or one for each run of one control."""
    name = recording.technique.lower()
    kind, control = next(((kind, held) for words, kind, held in _TECHNIQUES if words in name), (None, None))
    columns, notes, metadata = dict(recording.columns), recording.notes, recording.metadata
    if "frequency" in columns:
        unknown = "The technique is not known; the spectrum is taken as measured at constant voltage."
        amplitude = _setting(metadata, "Va (mV)", "", "mV", "voltage") or _setting(
            metadata, "Ia", "unit  Ia", "mA", "current"
        )
        yield RawTable(
            columns=columns, others=recording.others, kind="impedance", control=control or "voltage",
            metadata=metadata,
            notes=notes if control else (*notes, unknown), amplitude=amplitude,
        )  # fmt: skip
        return
    origin = columns["time"][0]
    columns["time"] = columns["time"] - origin
    if origin != 0:
        notes = (*notes, f"Times are counted from the first sample, which the file puts at {origin:.10g} s.")
    if kind is None and recording.mode is not None and settings.control is None:
        yield from _by_mode(replace(recording, columns=columns, notes=notes), recording.mode != 2)
        return
    if kind != "iv":
        columns.pop("cycle", None)
    applied: Control | None = "current" if "applied_current" in columns else None
    applied = "voltage" if "applied_voltage" in columns else applied
    rate = _setting(metadata, "dE/dt", "dE/dt unit", "mV/s", "voltage_rate") if kind == "iv" else None
    yield RawTable(
        columns=columns, others=recording.others, kind=kind, control=control or applied, metadata=metadata,
        notes=notes,
        scan_rate=Stated(rate, "the file's settings") if rate else None,
    )  # fmt: skip


def _by_mode(recording: _Recording, galvanostatic: np.ndarray) -> Iterator[RawTable]:
    """A table for each run of one control; a rest is a run at zero current."""
    edges = [0, *(np.flatnonzero(np.diff(galvanostatic)) + 1).tolist(), galvanostatic.size]
    for number, (first, last) in enumerate(pairwise(edges), start=1):
        if last - first < 3:
            continue
        control: Control = "current" if galvanostatic[first] else "voltage"
        left_out = ("cycle", "applied_voltage" if control == "current" else "applied_current")
        # in a file without its header the curve tells what was done at constant voltage
        unknown = not recording.technique and control == "voltage"
        yield RawTable(
            columns={r: v[first:last] for r, v in recording.columns.items() if r not in left_out},
            others={label: cells[first:last] for label, cells in recording.others.items()},
            kind=None if unknown else "transient", control=control, metadata=recording.metadata,
            notes=recording.notes, part=f"step {number}" if len(edges) > 2 else "",
        )  # fmt: skip


def _setting(metadata: Mapping[str, str], key: str, unit_key: str, unit: str, dimension: str) -> float | None:
    """First value of a setting in SI units; None if it is absent or no number."""
    value = metadata.get(key, "").split()[:1]
    units = metadata.get(unit_key, unit).split()[:1] if unit_key else [unit]
    try:
        return parse_quantity(f"{value[0]} {units[0]}", dimension)
    except (UnitError, IndexError):
        return None


def _read_binary(source: Source, settings: FileSettings) -> list[RawTable]:
    """Tables of an .mpr file."""
    data, position = source.data, _FIRST_MODULE
    modules: dict[str, tuple[int, str, bytes]] = {}  # version, date and content; of two of a name the first
    while position < len(data):
        if data[position : position + 6] != b"MODULE":
            raise source.error(
                f"expected a module at byte {position}, found something else: the file is damaged."
            )
        head = data[position + 6 : position + 65]
        if len(head) < 59:
            raise source.error("expected a whole module, found a part: the file is cut.")
        first, second, third, fourth = struct.unpack("<4I", head[35:51])
        length, version, when, start = first, second, head[43:51], position + 57
        if first == 0xFFFFFFFF:
            length, version, when, start = second, fourth, head[51:59], position + 65
        if length > len(data) - start:
            raise source.error(
                f"expected {length} bytes in a module, found {len(data) - start}: the file is cut."
            )
        position = start + length
        name = head[:10].decode("latin-1").strip()
        content = (version or third, when.decode("latin-1").strip("\x00 "), data[start:position])
        modules.setdefault(name, content)
    if "VMP data" not in modules:
        raise source.error("expected a module `VMP data`, found none: the file is cut.")
    version, date, rows = modules["VMP data"]
    setup = modules.get("VMP Set", (0, "", b""))[2]
    technique = _TECHNIQUE_BYTES.get(setup[0], "") if setup else ""
    table, labels = _rows(source, version, rows)
    columns = _checked(labels, source, 1)
    values = {column.role: column.to_si(_decimal(table[f"c{column.index}"])) for column in columns}
    if "frequency" in values and "|Z|/Ohm" in labels:
        with np.errstate(all="ignore"):  # anything may stand in a damaged file; it does not agree then
            stated = table[f"c{labels.index('|Z|/Ohm')}"].astype(np.float64)
            modulus = np.hypot(values["z_real"], values["z_imag"])
            agree = np.abs(stated - modulus) <= 1e-3 * np.abs(stated) + 1e-30
        if not np.all(agree):
            raise source.error("expected |Z| to be the modulus of Z, which it is not: the file is damaged.")
    metadata = {"technique": technique, "date": date} if technique else {"date": date}
    flags = table["flags"] if "flags" in (table.dtype.names or ()) else None
    mode = None if flags is None else (flags & _MODE).astype(np.float64)
    recording = _Recording(columns=values, technique=technique, metadata=metadata, mode=mode)
    return list(_make_tables(recording, settings))


def _rows(source: Source, version: int, content: bytes) -> tuple[np.ndarray, list[str]]:
    """Rows as a structured array with fields c0, c1, ... (and flags, a byte), and the labels."""
    offset = _DATA_OFFSET.get(version)
    if offset is None or len(content) < offset:
        raise source.error(
            f"expected data of version {', '.join(map(str, _DATA_OFFSET))}, found version {version} in "
            f"{len(content)} bytes; export the file as text from EC-Lab."
        )
    count, number = struct.unpack("<IB", content[:5])
    start, width = 6 if version >= 10 else 5, 1 if version == 0 else 2
    places = range(start, start + width * number, width)
    identities = [int.from_bytes(content[i : i + width], "little") for i in places]
    if count == 0 or number == 0 or count > _MAX_ROWS:
        raise source.error(f"expected rows and columns, found {count} and {number}.")
    body = content[offset:]
    if len(body) % count:
        raise source.error(
            f"expected {count} whole rows, found {len(body)} bytes: the file is cut or damaged."
        )
    own = [identity for identity in identities if identity not in _FLAGS]
    known = [_COLUMNS.get(identity, (f"column {identity}", "<f4")) for identity in own]
    types = [("flags", "u1")] if len(own) < len(identities) else []
    types += [(f"c{i}", kind) for i, (_, kind) in enumerate(known)]
    size, row = np.dtype(types).itemsize if types else 0, len(body) // count
    if size != row:  # unknown columns have four bytes if that fills the row
        unknown = ", ".join(str(identity) for identity in own if identity not in _COLUMNS)
        words = f" (unknown columns: {unknown})" if unknown else ""
        raise source.error(
            f"expected rows of {size} bytes, found {row}{words}; export the file as text from EC-Lab."
        )
    return np.frombuffer(body, dtype=np.dtype(types), count=count), [label for label, _ in known]


def _decimal(values: np.ndarray) -> FloatArray:
    """Numbers rounded as EC-Lab prints them: to 8 digits for four bytes, 16 for eight, halves away from 0."""
    with np.errstate(invalid="ignore"):  # signalling NaN of a damaged file; refused when records are made
        whole: FloatArray = values.astype(np.float64)
    if values.dtype.kind != "f" or values.size > _ROUND_BELOW:
        return whole
    context = Context(prec=8 if values.dtype.itemsize == 4 else 16, rounding=ROUND_HALF_UP)
    return np.array([float(context.create_decimal_from_float(value)) for value in whole.tolist()])


READERS = (
    Reader("BioLogic EC-Lab text", _recognises_text, _read_text, frozenset({".mpt"})),
    Reader("BioLogic EC-Lab binary", lambda s: s.data.startswith(_MAGIC), _read_binary, frozenset({".mpr"})),
)
