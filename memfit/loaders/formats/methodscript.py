"""Output of a MethodSCRIPT (EmStat Pico, EmStat4, Sensit and others of PalmSens), as text.

Each point is a line "P" and variables parted by ";": two letters for what it is, seven hexadecimal digits
(the number plus 2^27) with the letter of an SI prefix, then metadata behind commas, whose first digit 1
stands before a status (1 timing error, 2 overload, 4 underload). "*", "+" and "-" end a measurement, a loop,
a scan. After PalmSens' published example code; Z_imag has the sign of Z'' (a capacitance is negative).
"""

import re

import numpy as np

from memfit.loaders.raw import FileSettings, RawTable, Reader
from memfit.loaders.source import Source

_ROLES = {
    "dc": "frequency", "cc": "z_real", "cd": "z_imag", "cb": "z_modulus", "ca": "phase", "ci": "bias_voltage",
    "ck": "bias_current", "da": "applied_voltage", "db": "applied_current", "ab": "voltage", "ag": "voltage",
    "ba": "current", "eb": "time",
}  # fmt: skip
"""What the letters of a variable mean."""
_PREFIXES = {
    "a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, " ": 1.0, "i": 1.0, "k": 1e3,
    "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
}  # fmt: skip
_OFFSET = 2**27
_VARIABLE = re.compile(
    r"(?P<name>[a-z]{2})(?P<digits>[0-9A-Fa-f]{7}|     na)(?P<prefix>.)(?P<more>(?:,[^;,]*)*)"
)
_PACKAGE = re.compile(r"^P[a-z]{2}(?:[0-9A-Fa-f]{7}[afpnumkMGTPEi ]|     nan)", re.MULTILINE)
_LOST = re.compile(r"(?:^|;)[a-z]{2}[0-9A-F]{7}[afpnumkMGTPEi ](?:[,;]|$)")
"""A variable in a line that is no point."""
_MARK = re.compile(r"[eLMCST!][0-9A-Fa-f]{0,8}|T.*|!.*")
"""Lines that begin a measurement, a loop or a scan, or that the script sent as text."""
_ENDS = "*+-"
_WRONG = 0x7
"""Status bits of a point that cannot be believed; an overload that is only near (8) can."""
_FEWEST = 3


def _variables(line: str, number: int, source: Source) -> tuple[dict[str, float], bool]:
    """The variables of a line by role, and whether the instrument says that they cannot be believed."""
    values: dict[str, float] = {}
    doubtful = False
    for text in line[1:].split(";"):
        found = _VARIABLE.fullmatch(text)
        if found is None or (found["digits"] != "     na" and found["prefix"] not in _PREFIXES):
            raise source.error(
                f"expected two letters, seven hexadecimal digits and a prefix, found {text[:30]!r}; mend or "
                "remove the line.",
                line=number,
            )
        status = re.search(r",1([0-9A-Fa-f])(?:,|$)", found["more"])
        doubtful |= bool(status and int(status[1], 16) & _WRONG)
        role = _ROLES.get(found["name"])
        if role is not None and role not in values:
            exact = found["digits"] != "     na"
            raw = int(found["digits"], 16) - _OFFSET if exact else np.nan
            scale = _PREFIXES[found["prefix"]] if exact else 1.0
            values[role] = raw * scale if scale >= 1.0 else raw / round(1.0 / scale)
    return values, doubtful


def _curves(source: Source) -> tuple[list[list[dict[str, float]]], list[str]]:
    """The points of each scan, by role, and what is to be said of lines that are none."""
    curves: list[list[dict[str, float]]] = [[]]
    left_out = 0
    odd: list[int] = []
    for number, line in enumerate(source.lines, start=1):
        if line[:1] in _ENDS and line[:1]:
            curves.append([])
        elif line.startswith("P") and len(line) > 1:
            values, doubtful = _variables(line.rstrip(), number, source)
            before = curves[-1][-1].keys() if curves[-1] else values.keys()
            if values.keys() < before or values.keys() > before:
                raise source.error(
                    f"expected the variables {', '.join(before)} as in the line before, found "
                    f"{', '.join(values) or 'none'}; mend or remove the line.",
                    line=number,
                )
            if values.keys() != before:
                curves.append([])
            if doubtful or not np.isfinite(list(values.values())).all():
                left_out += 1
            elif values:
                curves[-1].append(values)
        elif _LOST.search(line):
            raise source.error(
                f"expected P before the variables of a point, found {line[:30]!r}; mend or remove the line.",
                line=number,
            )
        elif line.strip() and not _MARK.fullmatch(line.strip()):
            odd.append(number)
    notes = []
    if left_out:
        points = "1 point was" if left_out == 1 else f"{left_out} points were"
        notes.append(f"{points} left out: an overload, a timing error or no number, as the instrument says.")
    if odd:
        notes.append(f"No points, left out: line{'' if len(odd) == 1 else 's'} {str(odd[:5])[1:-1]}.")
    short = sum(len(rows) for rows in curves if 0 < len(rows) < _FEWEST)
    if short:
        notes.append(f"{short} points of scans shorter than {_FEWEST} were left out.")
    return curves, notes


def _read(source: Source, settings: FileSettings) -> list[RawTable]:
    """A table for each scan."""
    curves, notes = _curves(source)
    whole = [rows for rows in curves if len(rows) >= _FEWEST]
    tables = []
    for number, rows in enumerate(whole, start=1):
        columns = {role: np.array([row[role] for row in rows]) for role in rows[0]}
        if "phase" in columns:
            columns["phase"] = np.radians(columns["phase"])
        if "z_real" in columns and "z_imag" in columns:
            columns = {r: v for r, v in columns.items() if r not in ("z_modulus", "phase")}
        spectrum = "frequency" in columns and len(columns) > 1
        part = f"scan {number} of {len(whole)}" if len(whole) > 1 else ""
        tables.append(
            RawTable(
                columns=columns, kind="impedance" if spectrum else None, part=part,
                control="current" if "applied_current" in columns else "voltage",
                metadata={"instrument": "PalmSens MethodSCRIPT"}, notes=tuple(notes),
            )
        )  # fmt: skip
    return tables


READER = Reader("PalmSens MethodSCRIPT", lambda s: _PACKAGE.search(s.head) is not None, _read)
