"""A file's bytes and its text.

Encodings: UTF-8 and UTF-16 with or without byte-order mark; an East Asian code page where only that makes
words of measurements of the bytes; else Windows-1252 (a superset of the printable part of latin-1). Line
ends CR LF, CR CR LF, CR and LF all become LF.
"""

import codecs
import hashlib
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree as ET

from memfit.errors import FileFormatError

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
                f"expected text or a binary format that memfit knows, found {_kind_of_bytes(self.data)}; "
                "export the measurement as CSV from the program that wrote it."
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


_KINDS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (0, b"MATLAB 5.0 MAT-file", "a MAT file of MATLAB"),
    (0, b"\x93NUMPY", "an array of NumPy (.npy)"),
    (0, b"TDSm", "a TDMS file of LabVIEW"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89PNG", "a picture (PNG)"),
    (0, b"\xff\xd8\xff", "a picture (JPEG)"),
    (0, b"GIF8", "a picture (GIF)"),
    (0, b"II*\x00", "a picture (TIFF)"),
    (0, b"MM\x00*", "a picture (TIFF)"),
    (0, b"CPYA", "a project of Origin"),
    (0, b"CPYUA", "a project of Origin"),
    (0, b"SQLite format 3", "a database (SQLite)"),
    (0, b"PK\x03\x04", "an archive (ZIP)"),
    (0, b"\x1f\x8b", "a packed file (gzip)"),
    (0, b"BZh", "a packed file (bzip2)"),
    (0, b"7z\xbc\xaf", "an archive (7-Zip)"),
    (0, b"Rar!", "an archive (RAR)"),
    (0, b"\xd0\xcf\x11\xe0", "a document of an old Office program"),
    (0, b"\x80\x04\x95", "a pickle of Python"),
    (0, b"CDF", "a NetCDF file"),
    (257, b"ustar", "an archive (tar)"),
)
"""Where the first bytes of a format are, what they are, and what it is called."""


_NO_TEXT = (b"\x89PNG", b"\xff\xd8\xff", b"SQLite format 3\x00")
"""Beginnings of files that blocks of zeros may follow, as they may follow a text."""


def _kind_of_bytes(data: bytes) -> str:
    """What a binary file is, by its first bytes."""
    known = (name for place, mark, name in _KINDS if data[place : place + len(mark)] == mark)
    return next(known, "other binary data")


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


_EAST_ASIAN = ("gb18030", "cp932", "big5", "cp949")
_WORDS_THERE = re.compile(
    "频率|阻抗|实部|虚部|相位|电压|电流|时间|頻率|實部|虛部|電壓|電流|時間|周波数|実部|虚部|電圧"
    "|주파수|임피던스|위상|전압|전류|시간|[(\\[/_（［／][μmkMn]?[ΩμΩ]"
)
"""Words of quantities in the languages of those code pages, and units whose letters ASCII lacks."""


def _east_asian(data: bytes) -> str | None:
    """The one East Asian code page in which the first lines have words of quantities; None without one."""
    top = data[:16384]
    top = top[: top.rfind(b"\n") + 1] or top
    fitting = []
    for codec in _EAST_ASIAN:
        try:
            if _WORDS_THERE.search(top.decode(codec)):
                data.decode(codec)
                fitting.append(codec)
        except UnicodeDecodeError:
            continue
    return fitting[0] if len(fitting) == 1 else None


def _encoding(data: bytes) -> str | None:
    """Name of the codec for these bytes; None if they are no text."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return codec
    if data.startswith(_NO_TEXT):
        return None
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
        east_asian = _east_asian(data)
        if east_asian is not None:
            return east_asian
        open_in_cp1252 = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")  # bytes that it leaves undefined
        return "latin-1" if any(code in data for code in open_in_cp1252) else "cp1252"
    return "utf-8"
