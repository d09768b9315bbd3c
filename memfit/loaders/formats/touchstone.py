"""Touchstone (.s1p) of network analysers: one port, scattering parameters or Z or Y.

Lines with ! are comments. The option line "# GHz S MA R 50" states, in any order and any case, the unit of
the frequency, the parameter, the form of the numbers (DB: 20 log10 of the modulus and degrees; MA: modulus
and degrees; RI: real and imaginary part) and the reference resistance; what is absent is as here. Version 2
adds lines of keywords in brackets. Z = R (1 + S) / (1 - S); Z and Y of version 1 are relative to R and 1/R,
those of version 2 are not (Touchstone File Format Specification, versions 1.1 and 2.0). More than one port is
no impedance of one device, and refused.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from memfit.arrays import ComplexArray, FloatArray
from memfit.loaders.raw import FileSettings, RawTable, Reader, Source
from memfit.loaders.tables import Field, header_values, number, read_fields

_HERTZ = {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9}
_FORMS: Mapping[str, Callable[[FloatArray, FloatArray], ComplexArray]] = {
    "ri": lambda x, y: np.asarray(x + 1j * y, dtype=np.complex128),
    "ma": lambda x, y: np.asarray(x * np.exp(1j * np.deg2rad(y)), dtype=np.complex128),
    "db": lambda x, y: np.asarray(10 ** (x / 20) * np.exp(1j * np.deg2rad(y)), dtype=np.complex128),
}
_PARAMETERS = ("s", "y", "z", "g", "h")
_SUFFIX = re.compile(r"\.s(\d{1,3})p")
_FAILED = re.compile(r"\s*#\S*(?:\s+[-+]?\.?\d\S*){2}")
"""A row whose first cell is an error such as #NUM!; no option line has two numbers."""
_WORDS = frozenset({*_HERTZ, *_FORMS, *_PARAMETERS, "r"})
_FIELDS = (Field("frequency", ("f",)), Field("y_real", ("x",)), Field("y_imag", ("y",)))
"""The three numbers of a row; the second and third are what the option line says."""


@dataclass(frozen=True)
class _Options:
    """What the option line states."""

    hertz: float
    parameter: str
    form: str
    resistance: float
    """ohm."""


def _option_line(source: Source) -> tuple[int, list[str]] | None:
    """Index (from 0) and words of the option line; None where the first line with # is none."""
    for i, line in enumerate(source.head.split("\n")[:200]):
        if line.lstrip().startswith("#"):
            words = line.strip("# \t").lower().split()
            known = [word for word in words if word in _WORDS]
            numbers = [word for word in words if number(word) is not None]
            whole = len(known) + len(numbers) == len(words) and len(numbers) <= 1
            named = any(word in _FORMS for word in known) or _SUFFIX.fullmatch(source.suffix) is not None
            return (i, words) if whole and named else None
        if line.strip() and not re.match(r"\s*[!\[]", line):
            return None
    return None


def _recognises(source: Source) -> bool:
    return _SUFFIX.fullmatch(source.suffix) is not None or _option_line(source) is not None


def _options(source: Source) -> tuple[int, _Options]:
    """Index of the first line behind the option line, and what it states."""
    found = _option_line(source)
    if found is None:
        marked = (i + 1 for i, line in enumerate(source.lines[:200]) if line.lstrip().startswith("#"))
        raise source.error(
            "expected an option line such as `# GHz S MA R 50` (Hz, kHz, MHz or GHz; S, Y, Z; DB, MA, RI).",
            line=next(marked, 1),
        )
    at, words = found
    after_r = words[words.index("r") + 1 :] if "r" in words else ["50"]
    resistance = number(after_r[0]) if after_r else None
    if resistance is None or not 0 < resistance < np.inf:
        raise source.error("expected a resistance above 0 behind R in the option line.", line=at + 1)
    return at + 1, _Options(
        hertz=next((scale for word, scale in _HERTZ.items() if word in words), 1e9),
        parameter=next((word for word in words if word in _PARAMETERS), "s"),
        form=next((word for word in words if word in _FORMS), "ma"),
        resistance=resistance,
    )


def _read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of a one-port file."""
    first, options = _options(source)
    failed = next((i for i, line in enumerate(source.lines[first:]) if _FAILED.match(line)), None)
    if failed is not None:
        raise source.error(
            "expected a frequency and two numbers, found the error of a spreadsheet; mend the line.",
            line=first + failed + 1,
        )
    lines = [re.sub(r"!.*", "", line) for line in source.lines]
    keywords = {
        match[1].strip().lower(): match[2].strip()
        for line in lines
        if (match := re.match(r"\s*\[([^\]]+)\](.*)", line))
    }
    rows = ["" if re.match(r"\s*[\[#]", line) else line for line in lines[first:]]
    widths = {len(row.split()) for row in rows if row.strip()}
    suffix = _SUFFIX.fullmatch(source.suffix)
    ports = keywords.get("number of ports") or (suffix[1] if suffix else "1")
    if ports != "1" or (widths and min(widths) > 3):
        raise source.error(
            f"expected one port, found {ports if ports != '1' else 'more'}: a device is measured at one; "
            "export its reflection (S11) alone as .s1p."
        )
    if options.parameter in ("g", "h"):
        raise source.error(
            f"expected S, Y or Z of one port, found {options.parameter.upper()}: export S.", line=first
        )
    block = read_fields(source, ("f", "x", "y"), _FIELDS, first, lines=rows, needed=("frequency", "y_imag"))
    values = _FORMS[options.form](block.columns["y_real"], block.columns["y_imag"])
    impedance = _impedance(source, values, options, relative=not keywords.get("version", "1").startswith("2"))
    note = (
        f"Touchstone: {options.parameter.upper()} in the form {options.form.upper()}, reference "
        f"{options.resistance:g} ohm; Z is computed from it."
    )
    frequency = block.columns["frequency"] * options.hertz
    return [
        RawTable(
            columns={"frequency": frequency, "z_real": impedance.real, "z_imag": impedance.imag},
            kind="impedance",
            metadata=header_values([line.lstrip("! ") for line in source.lines[:first] if "!" in line], ":"),
            notes=(note, *block.notes),
        )
    ]


def _impedance(source: Source, values: ComplexArray, options: _Options, *, relative: bool) -> ComplexArray:
    """Z (ohm) of the parameter."""
    scale = options.resistance if relative else 1.0
    if options.parameter == "z":
        return values * scale
    divisor = 1 - values if options.parameter == "s" else values
    if np.any(divisor == 0):
        found = f"{options.parameter.upper()} = {1 if options.parameter == 's' else 0}"
        row = int(np.argmin(np.abs(divisor))) + 1
        raise source.error(f"expected a finite impedance, found {found} in row {row}: an open port.")
    if options.parameter == "s":
        reflected: ComplexArray = options.resistance * (1 + values) / divisor
        return reflected
    return scale / divisor


READER = Reader("Touchstone", _recognises, _read)
