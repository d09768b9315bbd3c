"""Small text formats of one spectrum: Autolab .dfr, Elchemea .i2b, EIS .P00.

.dfr: a version line, the number of points, a line, then nine numbers for each point, one on each line:
frequency, Z', -Z'', and six more. .i2b: lines of text, an empty one, the number of points, rows of
frequency, Z', Z''. .P00: four lines of text, labels with units ("-Z''/Ohm", "Edc/V", "Idc/A"), the number of
points, rows. All in Hz and ohm.
"""

import re

import numpy as np

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import Field, find_fields, need, read_block
from memfit.loaders.tables.parse import number

NAME_DFR = "Autolab dfr"
NAME_I2B = "Elchemea i2b"
NAME_P00 = "EIS P00"

_PER_POINT = 9
_MAX_POINTS = 1_000_000
_P00 = (
    Field("frequency", ("f/Hz",), "Hz"),
    Field("z_real", ("Z'/Ohm",), "ohm"),
    Field("z_imag", ("-Z''/Ohm",), "ohm", -1.0),
    Field("z_imag", ("Z''/Ohm",), "ohm"),
    Field("bias_voltage", ("Edc/V",), "V"),
    Field("bias_current", ("Idc/A",), "A"),
)
_I2B = (
    Field("frequency", ("f",), "Hz"),
    Field("z_real", ("Z'",), "ohm"),
    Field("z_imag", ("Z''",), "ohm"),
)


def recognises_dfr(source: Source) -> bool:
    """True for "VERSION8.0", a count, and one number on each line."""
    return re.match(r"VERSION[\d.]+[ \t]*\n[ \t]*\d+[ \t]*\n", source.head) is not None


def read_dfr(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of a .dfr file.

    Raises
    ------
    FileFormatError
        There are fewer numbers than points ask for, or something that is no number.
    """
    lines = source.lines
    stated = lines[1].strip() if len(lines) >= 4 else ""
    if not (stated.isascii() and stated.isdecimal() and 0 < int(stated[:9]) < _MAX_POINTS):
        raise FileFormatError("expected the number of points in the second line.", file=source.name, line=2)
    count = int(stated)
    values = []
    for line, text in enumerate(lines[3:], start=4):
        if not text.strip():
            continue
        value = number(text)
        if value is None or not np.isfinite(value):
            raise FileFormatError(
                f"expected one number, found {text.strip()[:40]!r}.", file=source.name, line=line
            )
        values.append(value)
        if len(values) == count * _PER_POINT:
            break
    whole = len(values) // _PER_POINT
    if whole < min(count, 3):
        raise FileFormatError(
            f"expected {count} points of {_PER_POINT} numbers, found {len(values)} numbers.", file=source.name
        )
    table = np.array(values[: whole * _PER_POINT]).reshape(whole, _PER_POINT)
    notes = (
        ()
        if whole == count
        else (f"The header announces {count} points and the file has {whole}: it is cut.",)
    )
    columns = {"frequency": table[:, 0], "z_real": table[:, 1], "z_imag": -table[:, 2]}
    return [RawTable(columns=columns, kind="impedance", metadata={"version": lines[0].strip()}, notes=notes)]


def recognises_i2b(source: Source) -> bool:
    """True by the extension and a line with the number of points."""
    return source.suffix == ".i2b" and re.search(r"^[ \t]*\d+[ \t]*$", source.head, re.MULTILINE) is not None


def read_i2b(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of an .i2b file.

    Raises
    ------
    FileFormatError
        The count or the rows are missing.
    """
    lines = source.lines
    at = next(
        (i for i, line in enumerate(lines[:200]) if re.fullmatch(r"[ \t]*[0-9]{1,9}[ \t]*", line)), None
    )
    if at is None:
        raise FileFormatError("expected a line with the number of points, found none.", file=source.name)
    labels = ("f", "Z'", "Z''")
    block = read_block(source, find_fields(labels, _I2B), labels, at + 1)
    comment = " ".join(line.strip() for line in lines[:at] if line.strip())
    notes = (*block.notes, *_count_note(int(lines[at]), block.rows))
    return [
        RawTable(
            columns=block.columns,
            kind="impedance",
            metadata={"comment": comment} if comment else {},
            notes=notes,
        )
    ]


def recognises_p00(source: Source) -> bool:
    """True for a line of labels with f/Hz and Z'/Ohm, and the number of points below."""
    return (
        re.search(r"^[ \t]*f/Hz\s[^\n]*Z'/Ohm[^\n]*\n[ \t]*\d+[ \t]*$", source.head, re.MULTILINE) is not None
    )


def read_p00(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of a .P00 file.

    Raises
    ------
    FileFormatError
        A column is missing or a row is broken.
    """
    lines = source.lines
    at = next((i for i, line in enumerate(lines[:200]) if re.match(r"\s*f/Hz\s", line)), None)
    if at is None or at + 1 >= len(lines):
        raise FileFormatError(
            "expected a line of labels f/Hz, Z'/Ohm, -Z''/Ohm, found none.", file=source.name
        )
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", lines[at + 1]):
        raise FileFormatError(
            "expected the number of points below the labels.", file=source.name, line=at + 2
        )
    labels = lines[at].split()
    columns = find_fields(labels, _P00)
    need(columns, ("frequency", "z_real", "z_imag"), labels, source, at + 1)
    block = read_block(source, columns, labels, at + 2)
    metadata = {"title": lines[0].strip()} if lines[0].strip() else {}
    notes = (*block.notes, *_count_note(int(lines[at + 1].strip()), block.rows))
    return [RawTable(columns=block.columns, kind="impedance", metadata=metadata, notes=notes)]


def _count_note(announced: int, rows: int) -> tuple[str, ...]:
    if announced == rows:
        return ()
    return (f"The header announces {announced} points and the file has {rows}.",)
