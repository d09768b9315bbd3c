"""Small text formats of one impedance spectrum, and NOVA's exports: a line of labels fixes the columns.

ZPlot / ZView (.z), and the same table as Autolab writes it ("Z60W Data File"): lines of settings, a line of
labels "Freq(Hz) Ampl Bias Time(Sec) Z'(a) Z''(b) GD Err Range", perhaps "End Comments", rows with tabs or
commas. Z'' has the true sign, a and b are no units (ohm). The number of points announced may be more than
were measured.

RelaxIS 3: "RelaxIS 3.0 Spectrum export", a date, labels with tabs ("Data: Frequency", "Data: Z'", "Data:
Z''" with the true sign), a second line of labels that holds the conditions ("DC=-0.080042, TM=33.74"), rows
in Hz and ohm.

Autolab .dfr: a version line, the number of points, a line, then nine numbers for each point, one on each
line: frequency, Z', -Z'', and six more. Elchemea .i2b: lines of text, an empty one, the number of points,
rows of frequency, Z', Z''. EIS .P00: four lines of text, labels with units ("-Z''/Ohm", "Edc/V", "Idc/A"),
the number of points, rows. All in Hz and ohm.

Autolab NOVA, ASCII export of a frequency scan or of a voltammogram: "Index;Frequency (Hz);Z' (Ω);-Z'' (Ω);Z
(Ω); -Phase (°);Time (s)", or columns such as "WE(1).Current (A)". The labels state units and signs, so it
is read as a generic table; the dc bias stands in a column only if one was added to the export.
"""

import re

import numpy as np

from memfit.loaders.raw import FileSettings, RawTable, Reader, Source, Stated
from memfit.loaders.tables import Field, count_note, number, optional_number, read_fields, read_text_tables

_ZPLOT = (
    Field("frequency", ("Freq(Hz)", "Frequency(Hz)"), "Hz"),
    Field("z_real", ("Z'(a)",), "ohm"),
    Field("z_imag", ("Z''(b)",), "ohm"),
    Field("bias_voltage", ("Bias", "Bias(V)"), "V"),
)
_RELAXIS = (
    Field("frequency", ("Data: Frequency",), "Hz"),
    Field("z_real", ("Data: Z'",), "ohm"),
    Field("z_imag", ("Data: Z''",), "ohm"),
    Field("z_imag", ("Data: -Z''",), "ohm", -1.0),
)
_P00 = (
    Field("frequency", ("f/Hz",), "Hz"),
    Field("z_real", ("Z'/Ohm",), "ohm"),
    Field("z_imag", ("-Z''/Ohm",), "ohm", -1.0),
    Field("z_imag", ("Z''/Ohm",), "ohm"),
    Field("bias_voltage", ("Edc/V",), "V"),
    Field("bias_current", ("Idc/A",), "A"),
)
_I2B = (Field("frequency", ("f",), "Hz"), Field("z_real", ("Z'",), "ohm"), Field("z_imag", ("Z''",), "ohm"))
_NEEDED = ("frequency", "z_real", "z_imag")
_ANNOUNCED = "The header announces {announced} points and the file has {counted}."

_ZPLOT_LABELS = re.compile(
    r"""^[ \t"]{0,20}Freq(?:uency)?[ \t]*\(Hz\)[^\n]*Z'[ \t]*\(a\)[^\n]*Z''[ \t]*\(b\)""",
    re.MULTILINE | re.IGNORECASE,
)
_ZPLOT_LABEL = re.compile(r"[A-Za-z|][A-Za-z|']*(?:\s*\([^)]*\))?")
_RELAXIS_START = re.compile(r"\s*RelaxIS [\d.]+ Spectrum export")
_DFR_START = re.compile(r"VERSION[\d.]+[ \t]*\n[ \t]*\d+[ \t]*\n")
_I2B_COUNT = re.compile(r"^[ \t]*\d+[ \t]*$", re.MULTILINE)
_P00_LABELS = re.compile(r"^[ \t]*f/Hz\s[^\n]*Z'/Ohm[^\n]*\n[ \t]*\d+[ \t]*$", re.MULTILINE)
_NOVA_LABELS = re.compile(
    r"Frequency \(Hz\)[\t;,]Z' \([^)\n]{1,5}\)[\t;,]-Z'' \(|(?:^|[\t;,])\"?WE\(\d\)\.", re.MULTILINE
)
_DFR_NUMBERS = 9
"""For each point."""
_MAX_POINTS = 1_000_000


def _read_zplot(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of a ZPlot table."""
    lines = source.lines
    at = next((i for i, line in enumerate(lines[:5000]) if _ZPLOT_LABELS.match(line)), None)
    if at is None:
        raise source.error("expected a line of labels Freq(Hz) ... Z'(a) Z''(b), found none.")
    labels = [label.strip() for label in _ZPLOT_LABEL.findall(lines[at].strip().strip('"'))]
    first = at + 2 if at + 1 < len(lines) and lines[at + 1].strip().startswith("End Comments") else at + 1
    block = read_fields(source, labels, _ZPLOT, first, needed=_NEEDED, line=at + 1)
    metadata: dict[str, str] = {}
    for line in lines[:at]:
        key, _, value = line.strip().strip('"').partition(":")
        if key.strip() and value.strip() and len(key) < 60:
            metadata.setdefault(key.strip(), value.strip())
    head = " ".join(lines[: min(at, 20)])
    galvanostatic = re.search(r"control:?\s*current", head, re.IGNORECASE) is not None
    columns = dict(block.columns)
    if galvanostatic and "bias_voltage" in columns:  # the column is in the unit of what was controlled
        columns["bias_current"] = columns.pop("bias_voltage")
    count = r'\s*"?(?:Data Points:)?\s*([0-9]{1,9})\s*"?'
    announced = next((int(m[1]) for line in lines[:at][:-7:-1] if (m := re.fullmatch(count, line))), None)
    return [
        RawTable(
            columns=columns,
            others=block.others,
            kind="impedance",
            control="current" if galvanostatic else "voltage",
            metadata=metadata,
            notes=(*block.notes, *count_note(_ANNOUNCED, announced, block.rows)),
        )
    ]


def _is_row(line: str) -> bool:
    """True for cells of which one is a number at least."""
    return any(text.strip() and number(text.replace(",", ".")) is not None for text in line.split("\t"))


def _read_relaxis(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of a RelaxIS export."""
    lines = source.lines
    at = next((i for i, line in enumerate(lines[:100]) if "Data: Frequency" in line), None)
    if at is None:
        raise source.error("expected a line of labels with `Data: Frequency`, found none.")
    labels = [label.strip() for label in lines[at].split("\t")]
    rows = (i for i in range(at + 1, len(lines)) if _is_row(lines[i]) or re.fullmatch(r" *\t\s*", lines[i]))
    first = next(rows, len(lines))
    block = read_fields(source, labels, _RELAXIS, first, needed=_NEEDED, line=at + 1)
    conditions = " ".join(lines[at + 1 : first])
    stated = re.findall(r"(?<![\w-])([A-Z][A-Z0-9]{0,5})=([-+\d.eE]+,?)", conditions)
    pairs = {key: value.rstrip(",") for key, value in stated}
    bias = optional_number(pairs.get("DC"))
    return [
        RawTable(
            columns=block.columns,
            others=block.others,
            kind="impedance",
            notes=block.notes,
            metadata={**pairs, "spectrum": conditions.strip()},
            bias=None if bias is None else Stated(bias, "DC of the file's header"),
        )
    ]


def _read_dfr(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of a .dfr file."""
    lines = source.lines
    stated = lines[1].strip() if len(lines) >= 4 else ""
    if not (stated.isascii() and stated.isdecimal() and 0 < int(stated[:9]) < _MAX_POINTS):
        raise source.error("expected the number of points in the second line.", line=2)
    count = int(stated)
    values: list[float] = []
    gap = 0
    for line, text in enumerate(lines[3:], start=4):
        if not text.strip():
            gap = gap or line
            continue
        if gap:
            raise source.error("expected one number, found an empty line among the points.", line=gap)
        value = number(text)
        if value is None or not np.isfinite(value):
            raise source.error(f"expected one number, found {text.strip()[:40]!r}.", line=line)
        values.append(value)
        if len(values) == count * _DFR_NUMBERS:
            break
    whole = len(values) // _DFR_NUMBERS
    if whole < min(count, 3):
        raise source.error(f"expected {count} points of {_DFR_NUMBERS} numbers, found {len(values)} numbers.")
    table = np.array(values[: whole * _DFR_NUMBERS]).reshape(whole, _DFR_NUMBERS)
    in_order = abs(int(np.sum(np.sign(np.diff(table[:, 0]))))) == whole - 1
    one_lost = len(values) == count * _DFR_NUMBERS - 1
    if one_lost or (len(values) % _DFR_NUMBERS and not in_order):
        raise source.error(
            f"expected {_DFR_NUMBERS} numbers for each of {count} points, found {len(values)} numbers: a "
            "line is lost; export the spectrum anew."
        )
    return [
        RawTable(
            columns={"frequency": table[:, 0], "z_real": table[:, 1], "z_imag": -table[:, 2]},
            kind="impedance",
            metadata={"version": lines[0].strip()},
            notes=count_note(f"{_ANNOUNCED[:-1]}: it is cut.", count, whole),
        )
    ]


def _read_i2b(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of an .i2b file."""
    lines = source.lines
    at = next(
        (i for i, line in enumerate(lines[:200]) if re.fullmatch(r"[ \t]*[0-9]{1,9}[ \t]*", line)), None
    )
    if at is None:
        raise source.error("expected a line with the number of points, found none.")
    block = read_fields(source, ("f", "Z'", "Z''"), _I2B, at + 1)
    comment = " ".join(line.strip() for line in lines[:at] if line.strip())
    return [
        RawTable(
            columns=block.columns,
            others=block.others,
            kind="impedance",
            metadata={"comment": comment} if comment else {},
            notes=(*block.notes, *count_note(_ANNOUNCED, int(lines[at]), block.rows)),
        )
    ]


def _read_p00(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of a .P00 file."""
    lines = source.lines
    at = next((i for i, line in enumerate(lines[:200]) if re.match(r"\s*f/Hz\s", line)), None)
    if at is None or at + 1 >= len(lines):
        raise source.error("expected a line of labels f/Hz, Z'/Ohm, -Z''/Ohm, found none.")
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", lines[at + 1]):
        raise source.error("expected the number of points below the labels.", line=at + 2)
    block = read_fields(source, lines[at].split(), _P00, at + 2, needed=_NEEDED, line=at + 1)
    return [
        RawTable(
            columns=block.columns,
            others=block.others,
            kind="impedance",
            metadata={"title": lines[0].strip()} if lines[0].strip() else {},
            notes=(*block.notes, *count_note(_ANNOUNCED, int(lines[at + 1].strip()), block.rows)),
        )
    ]


def _is_zplot(source: Source, *, autolab: bool) -> bool:
    return _ZPLOT_LABELS.search(source.head) is not None and ("Z60W" in source.head) == autolab


ZPLOT = Reader("ZPlot/ZView", lambda s: _is_zplot(s, autolab=False), _read_zplot, frozenset({".z"}))
Z60W = Reader("Autolab Z60W", lambda s: _is_zplot(s, autolab=True), _read_zplot)
NOVA = Reader("Autolab NOVA text", lambda s: bool(_NOVA_LABELS.search(s.head[:4000])), read_text_tables)
DFR = Reader("Autolab dfr", lambda s: bool(_DFR_START.match(s.head)), _read_dfr, frozenset({".dfr"}))
I2B = Reader(
    "Elchemea i2b",
    lambda s: s.suffix == ".i2b" and bool(_I2B_COUNT.search(s.head)),
    _read_i2b,
    frozenset({".i2b"}),
)
P00 = Reader("EIS P00", lambda s: bool(_P00_LABELS.search(s.head)), _read_p00, frozenset({".p00"}))
RELAXIS = Reader("RelaxIS text", lambda s: bool(_RELAXIS_START.match(s.head)), _read_relaxis)
