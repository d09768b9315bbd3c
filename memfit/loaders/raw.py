"""What readers take and give: a file's bytes and text, tables in SI units, and a file's settings.

A reader of a format turns the bytes of a `Source` into `RawTable`s and knows nothing of records; `spectra`,
`sweeps` and `transients` turn `RawTable`s into records and know nothing of formats. The words for techniques,
controls and first states are those of files and of device.toml alike.

Encodings: UTF-8 and UTF-16 with or without byte-order mark, else Windows-1252 (a superset of the
printable part of latin-1). Line ends CR LF, CR CR LF, CR and LF all become LF.
"""

import codecs
import hashlib
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree as ET

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import Kind, Origin, Record
from memfit.errors import FileFormatError
from memfit.protocols import Control, Drive, Initial

DAMAGE: tuple[type[Exception], ...] = (
    ValueError, LookupError, ArithmeticError, TypeError, AttributeError, OSError, EOFError, RecursionError,
    NotImplementedError, MemoryError, SyntaxError, tokenize.TokenError, struct.error, zlib.error,
    zipfile.BadZipFile, ET.ParseError,
)  # fmt: skip
"""What parsers raise when bytes are damaged: caught in one place each, and told as a FileFormatError."""


MAX_BYTES = 128 * 1024**2
"""Largest file that is read: some 4 million rows. More is a recording to be cut or thinned first."""

MAX_LINES = 5_000_000
"""Most lines of a text file."""

_LINE_ENDS = re.compile("\r+\n|\r")


@dataclass(frozen=True)
class Source:
    """The bytes of one file and the name to use for it in messages."""

    name: str
    data: bytes
    companions: Sequence[str] = ()
    """Names of the folders above, the nearest last; some instruments write the conditions there."""

    @cached_property
    def sha256(self) -> str:
        """Digest of the bytes."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def suffix(self) -> str:
        """Extension in lower case, with its dot."""
        return Path(self.name).suffix.lower()

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Names that may state a condition, the nearest first, and what each is the name of."""
        *above, own = self.name.split("/")
        folders = above or list(self.companions[-1:])
        return (own, "file name"), *((name, "folder name") for name in reversed(folders))

    @property
    def is_text(self) -> bool:
        """False if the bytes are those of a binary format."""
        return _encoding(self.data) is not None

    @cached_property
    def text(self) -> str:
        """The decoded text with LF line ends, no byte-order marks and no NULs behind its end.

        Raises
        ------
        FileFormatError
            The file is empty, binary or has too many lines.
        """
        if not self.data.strip(b"\x00 \t\r\n\x1a\xff\xfe\xef\xbb\xbf"):
            raise self.error("expected measurements, found an empty file.")
        encoding = _encoding(self.data)
        if encoding is None:
            raise self.error(
                "expected text or a binary format that memfit knows, found other binary data; "
                "export the file as CSV from the instrument's software."
            )
        if self.data.count(b"\n") + self.data.count(b"\r") > 2 * MAX_LINES:
            raise self.error(f"expected at most {MAX_LINES} lines, found more.")
        decoded = self.data.decode(encoding, errors="replace").replace("\ufeff", "").rstrip("\x00\x1a")
        return _LINE_ENDS.sub("\n", decoded) if "\r" in decoded else decoded

    @cached_property
    def head(self) -> str:
        """The first few thousand characters of the text, "" if the file is binary: for recognising."""
        encoding = _encoding(self.data)
        if encoding is None:
            return ""
        decoded = self.data[:16384].decode(encoding, errors="replace").replace("\ufeff", "")
        return _LINE_ENDS.sub("\n", decoded)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text, without line ends."""
        return self.text.split("\n")

    def error(
        self, message: str, *, line: int | None = None, column: str | int | None = None
    ) -> FileFormatError:
        """An error that names the file, and the place in it where that is known.

        Parameters
        ----------
        message : str
            What was expected, what was found, what to do.
        line, column : optional
            Counted from 1; a column's number or name.
        """
        return FileFormatError(message, file=self.name, line=line, column=column)


def open_source(path: Path, name: str | None = None) -> Source:
    """Read a file's bytes, refusing what is too large.

    Parameters
    ----------
    path : Path
    name : str, optional
        For messages and records, by default the file's.

    Raises
    ------
    FileFormatError
        There is no such file, it cannot be read, or it is larger than `MAX_BYTES`.
    """
    shown = name or path.name
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise FileFormatError(
                f"expected at most {MAX_BYTES // 1024**2} MB, found {size / 1024**2:.0f} MB; "
                "cut or thin the recording first.",
                file=shown,
            )
        if not path.is_file():
            raise FileFormatError("expected a file.", file=shown)
        data = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"the file cannot be read: {error.strerror or error}.", file=shown) from error
    return Source(
        shown, data, tuple(part.name for part in reversed(path.resolve().parents) if part.name)[-2:]
    )


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def _encoding(data: bytes) -> str | None:
    """Name of the codec for these bytes; None if they are no text."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return codec
    sample = data[:8192]
    if b"\x00" in sample.rstrip(b"\x00"):  # UTF-16 without a mark shows as a zero in every other byte
        even, odd, half = sample[0::2].count(0), sample[1::2].count(0), len(sample) / 2
        if odd > 0.7 * half and even < 0.1 * half:
            return "utf-16-le"
        return "utf-16-be" if even > 0.7 * half and odd < 0.1 * half else None
    sample = sample.rstrip(b"\x00")  # blocks of a disk that were never written
    controls = sum(sample.count(code) for code in range(32) if code not in (9, 10, 11, 12, 13, 26))
    if controls > 0.01 * len(sample):
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        open_in_cp1252 = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")  # bytes that it leaves undefined
        return "latin-1" if any(code in data for code in open_in_cp1252) else "cp1252"
    return "utf-8"


ROLES: Mapping[str, str] = MappingProxyType(
    {
        "frequency": "frequency",
        "z_real": "resistance",
        "z_imag": "resistance",
        "z_modulus": "resistance",
        "phase": "angle",
        "y_real": "conductance",
        "y_imag": "conductance",
        "y_modulus": "conductance",
        "y_phase": "angle",
        "capacitance": "capacitance",
        "capacitance_parallel": "capacitance",
        "capacitance_series": "capacitance",
        "resistance_parallel": "resistance",
        "resistance_series": "resistance",
        "inductance_series": "inductance",
        "dissipation": "ratio",
        "time": "time",
        "voltage": "voltage",
        "current": "current",
        "current_density": "current_density",
        "bias_voltage": "voltage",
        "bias_current": "current",
        "applied_voltage": "voltage",
        "applied_current": "current",
        "cycle": "ratio",
        "temperature": "temperature",
    }
)
"""What a column can be, and the dimension of its unit (`memfit.units.DIMENSIONS`)."""

PAIRS: tuple[tuple[str, str], ...] = (
    ("z_real", "z_imag"),
    ("z_modulus", "phase"),
    ("y_real", "y_imag"),
    ("resistance_series", "z_imag"),
    ("y_modulus", "y_phase"),
    ("capacitance_parallel", "y_real"),
    ("capacitance_parallel", "resistance_parallel"),
    ("capacitance_parallel", "dissipation"),
    ("capacitance_series", "resistance_series"),
    ("capacitance_series", "dissipation"),
    ("inductance_series", "resistance_series"),
)
"""Pairs of roles that determine an impedance; the first that a table has is taken."""

PAIRS_IN_WORDS = "Z' and Z'' (or |Z| and phase, Y' and Y'', Cp and G, Rp or D, Cs and Rs or D)"

ROLES_OF_PAIRS = frozenset(role for pair in PAIRS for role in pair)

TECHNIQUES: Mapping[str, Kind] = {
    "impedance": "impedance", "eis": "impedance", "peis": "impedance", "geis": "impedance",
    "iv": "iv", "jv": "iv", "cv": "iv", "sweep": "iv", "i-v": "iv", "j-v": "iv",
    "transient": "transient", "pulse": "transient", "ca": "transient", "cp": "transient", "step": "transient",
}  # fmt: skip
"""Words for the kinds of measurement."""

CONTROLS: Mapping[str, Control] = {
    "current": "current", "galvanostatic": "current", "i": "current",
    "voltage": "voltage", "potentiostatic": "voltage", "v": "voltage", "potential": "voltage",
}  # fmt: skip
INITIALS: Mapping[str, Initial] = {"steady": "steady", "rest": "rest", "free": "free"}


def pair_of(roles: Set[str]) -> tuple[str, str] | None:
    """The first pair of `PAIRS` that these columns have.

    Parameters
    ----------
    roles : set of str
        Of the columns of a table.
    """
    return next((pair for pair in PAIRS if set(pair) <= roles), None)


@dataclass(frozen=True)
class Stated:
    """A number (SI) with the words for where it was found."""

    value: float
    source: str


@dataclass(frozen=True, kw_only=True, eq=False)
class RawTable:
    """One table of a file: SI columns by role, and what the file said beside them."""

    columns: Mapping[str, FloatArray]
    """Equally long arrays by role (a key of `ROLES`), or by channel name in a `channels` table."""
    kind: Kind | None = None
    """What it is, where the format tells."""
    part: str = ""
    """Sheet, cycle or segment in the file; "" if the file has one table."""
    control: Control | None = None
    bias: Stated | None = None
    """Terminal dc voltage, V."""
    bias_current: Stated | None = None
    amplitude: float | None = None
    """Amplitude of the sine, V or A."""
    scan_rate: Stated | None = None
    area: float | None = None
    """m^2; divides nothing unless a column is per area."""
    drive: Drive | None = None
    """What the instrument applied, where the file says so exactly."""
    initial: Initial | None = None
    compliance: float | None = None
    """Limit of the measured quantity, A (voltage control) or V."""
    per_area: frozenset[str] = frozenset()
    """Roles whose values are ohm m^2 and wait for an area."""
    channels: bool = False
    """True: waveforms of an oscilloscope; `device.toml` has to say which is voltage and which current."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return next((column.size for column in self.columns.values()), 0)


@dataclass(frozen=True, kw_only=True)
class FileSettings:
    """What device.toml says of one file, in SI units; None: let the file say it."""

    kind: Kind | None = None
    bias: float | None = None
    """V."""
    bias_current: float | None = None
    """A."""
    control: Control | None = None
    initial: Initial | None = None
    use: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Lowest and highest frequency, time, voltage or current of the points to keep."""
    scan_rate: float | None = None
    """V/s."""
    amplitude: float | None = None
    area: float | None = None
    """m^2, said of this file."""
    device_area: float | None = None
    """m^2, said of the device: used where neither `area` nor the file says one."""
    time_offset: float = 0.0
    """Added to the times, s."""
    series_resistance: float | None = None
    """ohm, of the circuit."""
    temperature: float | None = None
    """K."""
    waveform: tuple[tuple[float, float], ...] = ()
    """(time, value) vertices of what was applied, s and V or A."""
    columns: Mapping[str, str] | tuple[str, ...] = ()
    """Labels by role ({"current": "CH2"}), or a header for a table without one."""
    sense_resistance: float | None = None
    """ohm: the current is the column's voltage over this."""
    compliance: float | None = None
    """Limit of the measured quantity, A (voltage control) or V: points at it are left out."""
    split: bool | None = None
    """False: keep the loops of a sweep program in one record; True: part a pulse program as well."""
    name: str = ""
    """Name of the record instead of the file's."""

    def added_to(self, metadata: Mapping[str, str]) -> dict[str, str]:
        """A file's metadata with what device.toml adds.

        Parameters
        ----------
        metadata : mapping of str to str
            As the file states it.

        Returns
        -------
        dict of str to str
            A copy; `series_resistance` in ohm and `temperature` in K are set where they are known.
        """
        added = dict(metadata)
        if self.series_resistance is not None:
            added["series_resistance"] = f"{self.series_resistance!r} ohm"
        if self.temperature is not None:
            added["temperature"] = f"{self.temperature!r} K"
        return added


NO_SETTINGS = FileSettings()


@dataclass(frozen=True)
class Reader:
    """How one format is recognised and read."""

    name: str
    """Shown to users: "BioLogic EC-Lab text"."""
    recognises: Callable[[Source], bool]
    """True if the bytes are of this format."""
    read: Callable[[Source, FileSettings], list[RawTable]]
    """Tables of the file."""
    suffixes: frozenset[str] = frozenset()
    """Extensions (".mpt") by which a file is taken for this format if no reader recognises it."""


@dataclass(frozen=True)
class Reading:
    """A table on its way to records: with its source, its settings and the name of its format."""

    table: RawTable
    source: Source
    settings: FileSettings
    format_name: str

    def origin(self, *parts: str) -> Origin:
        """Where a record of this table came from; empty parts do not count."""
        part = ", ".join(word for word in (self.table.part, *parts) if word)
        return Origin(file=self.source.name, sha256=self.source.sha256, part=part, format=self.format_name)

    @property
    def area(self) -> float | None:
        """Area (m^2): said of the file in device.toml, by the file, or of the device in device.toml."""
        settings = self.settings
        return settings.area or self.table.area or settings.device_area

    @property
    def record_name(self) -> str:
        """Name of the record before parts are told apart."""
        return self.settings.name or self.source.name

    def error(self, message: str) -> FileFormatError:
        """An error that names the file."""
        return self.source.error(message)


def select_used(record: Record, settings: FileSettings, what: str = "record") -> Record:
    """Only the points that `use` in device.toml asks for, by frequency, time, voltage or current.

    Parameters
    ----------
    record : Record
    settings : FileSettings
    what : str
        Word for the record in the message.

    Raises
    ------
    FileFormatError
        No point is left.
    """
    keep = np.ones(record.points, dtype=bool)
    for role, (low, high) in settings.use.items():
        values: FloatArray | None = getattr(record, role, None)
        if values is not None:
            keep &= (values >= low) & (values <= high)
    if keep.all():
        return record
    if not keep.any():
        raise FileFormatError(
            f"`use` in device.toml leaves no point of this {what}.", file=record.origin.file
        )
    return record.select(
        keep, f"{np.count_nonzero(~keep)} points were left out as `use` in device.toml asks."
    )
