"""Which column is which: header labels to quantities, units and signs.

The header alone decides the sign ("-Z''", "-Im(Z)", "-phase"); the data never do. A unit that is stated
must be the quantity's; a header without units is read only where it is the known habit of a program
that always writes SI. What people call a quantity, and those programs, stand in `headers.toml`.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import FileFormatError
from memfit.loaders.raw import ROLES, Source
from memfit.units import Unit, accepted, find_unit, split_label, stated_unit

PER_AREA = "per area"
"""The problem of an impedance times area, which an area solves."""

_MINUS = re.compile(
    r"^\s*(?:\(\s*[-\u2212\u2013]\s*\)|[-\u2212\u2013]\s*1\s*[*·×]|[-\u2212\u2013]"
    r"|neg(?:ative|\.)?[\s_]+|minus[\s_]+)\s*(?=\D)",
    re.IGNORECASE,
)
_INDEX_PREFIX = re.compile(r"^(?:we\(\d\)\.|data:|ch\d+[ :._]|smu-?\d+[ _.:]|smu[a-d][ _.:])", re.IGNORECASE)
_SCATTERING = re.compile(r"S ?_?\(?[1-4],?[1-4]\)?", re.IGNORECASE)
_DECIBEL = re.compile(r"dB\w{0,3}", re.IGNORECASE)
_BEHIND_UNIT = re.compile(
    r"(?P<name>.*\S)\s*(?P<unit>[(\[][^()\[\]]+[)\]])\s*[(\[]?(?P<word>dc|mean|avg|average|offset|bias)[)\]]?",
    re.IGNORECASE,
)
"""What is said of a voltage behind its unit: "Ewe (V) dc"."""
_TRACE = re.compile(r"-(?:data|mem)\s*$", re.IGNORECASE)
"""What impedance analysers of Keysight put behind a label: "|Z|(Ohm)-data"."""
_QUOTES = str.maketrans(
    {**dict.fromkeys("’′´`‘ʹ", "'"), **dict.fromkeys('″”“"', "''"), "\u2212": "-", "\u2013": "-"}
)
_TEX = (("$", ""), ("\\mathrm", ""), ("\\Omega", "Ω"), ("\\mu", "µ"), ("\\ ", " "), ("{", ""), ("}", ""))


@dataclass(frozen=True)
class Column:
    """A column whose label was understood."""

    index: int
    label: str
    role: str
    unit: Unit | None
    sign: float = 1.0
    problem: str = ""
    """Why the unit cannot be used; "" if it can."""

    def to_si(self, values: FloatArray) -> FloatArray:
        """Values of the column in SI with the sign of its role.

        Parameters
        ----------
        values : (n,) array
            In the unit of the label.

        Returns
        -------
        (n,) array, SI
        """
        si = values if self.unit is None else self.unit.to_si(values)
        return -si if self.sign < 0 else si


@dataclass(frozen=True)
class Field:
    """A column that a format is known to have."""

    role: str
    labels: tuple[str, ...]
    """Spellings, compared without blanks and case."""
    unit: str = ""
    sign: float = 1.0


@lru_cache(maxsize=1)
def words_of_headers() -> Mapping[str, Any]:
    """The content of headers.toml."""
    return tomllib.loads(Path(__file__).with_name("headers.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _names() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Patterns of normalised names by role."""
    return tuple(
        (role, re.compile("|".join(names.split()))) for role, names in words_of_headers()["names"].items()
    )


def _role(name: str) -> str | None:
    """The role whose names have this one."""
    return next((role for role, pattern in _names() if pattern.fullmatch(name)), None)


_UNIT_NAMES = {"volts": "V", "amps": "A"}
"""Labels that are units, of cyclers."""
_CLOCKS = ("test", "step")
"""Clocks of cyclers, where their unit is one of time: "Test (Sec)"."""
_CLOCK = re.compile(r"h{1,2}:m(?:m|in)?:s{1,2}(?:[.:](?:f+|m?s+|0+))?", re.IGNORECASE)


def normalise(name: str) -> str:
    """A quantity's name without what varies: case, blanks, underscores, kinds of quotes.

    Parameters
    ----------
    name : str
        A label without its unit.
    """
    text = _INDEX_PREFIX.sub("", name.strip().lower().translate(_QUOTES))
    text = re.sub(r"\s*\bvs\b.*$", "", text)
    text = text[1:-1] if re.fullmatch(r"\([^()]*\)", text) else text
    return re.sub(r"[\s_<>.:]+", "", text)


def reverses_sign(label: str, role: str) -> bool:
    """Whether a label says that a quantity is written with its sign reversed: "-Z''".

    Parameters
    ----------
    label : str
    role : str
    """
    return _MINUS.match(label) is not None and role in words_of_headers()["roles"]["signed"]


@lru_cache(maxsize=4096)
def understand(label: str, index: int = 0) -> Column | None:
    """What a label says, or None if it names no quantity that memfit reads.

    Parameters
    ----------
    label : str
    index : int
        Of the column, from 0.
    """
    text = _TRACE.sub("", label)
    if "$" in text or "\\" in text:
        for mark, plain in _TEX:
            text = text.replace(mark, plain)
    behind = _BEHIND_UNIT.fullmatch(text.strip())
    if behind is not None and find_unit(behind["unit"][1:-1]) is not None:
        text = f"{behind['name']} {behind['word']} {behind['unit']}"
    name, unit_text = split_label(text)
    if unit_text is None and find_unit(name, "frequency") is not None:  # "Hz": the unit says it all
        return _with_unit(Column(index, label.strip(), "frequency", None), "frequency", name)
    if unit_text is None and (meant := _UNIT_NAMES.get(name.strip().lower())) is not None:
        unit_text = meant
    if unit_text is not None and _CLOCK.fullmatch(unit_text):
        unit_text = "s"  # the cells are read as times of day
    if unit_text is not None and (_SCATTERING.fullmatch(unit_text) or _DECIBEL.fullmatch(unit_text)):
        return None  # Re(S11), a ratio in dB
    sign = -1.0 if _MINUS.match(name) else 1.0
    plain = normalise(_MINUS.sub("", name))
    role = _role(plain) or _role(re.sub(r"(?<=\w)-(?=\w)", "", plain))  # "theta-z", "Z-mag"
    kinds = words_of_headers()["roles"]
    if role is None and plain in _CLOCKS and unit_text is not None and find_unit(unit_text, "time"):
        role = "time"
    if role is None or (sign < 0 and role not in kinds["signed"]):
        return None
    if unit_text is None and role in kinds["need_unit"]:
        return None
    column = Column(index, label.strip(), role, None, sign)
    if unit_text is None:
        return replace(column, role="frequency" if role == "omega" else role)
    return _with_unit(column, plain, unit_text)


def _with_unit(column: Column, plain: str, unit_text: str) -> Column | None:
    """The column with its unit, in the role that the unit allows."""
    anything = find_unit(unit_text)
    if column.role == "omega":
        unit = find_unit(unit_text, "frequency")
        if unit is None and len(plain) == 1 and anything is not None:
            return None  # w (mm)
        if unit is not None and not (anything or unit).angular:
            unit = replace(unit, scale=unit.scale / (2 * np.pi))
        problem = "" if unit else _unknown_unit(unit_text, "frequency")
        return replace(column, role="frequency", unit=unit, problem=problem)
    # all letters large, or all small, so that the prefix says nothing: "CURRENT (MA)", "frequency (mhz)";
    # never "Z' (MΩ)" or "I (mA)", and nobody measures megaampere or megavolt
    shown = unit_text.strip()
    if shown in ("MA", "MV", "mhz", "MHZ", "MOHM") or (
        shown == "mohm" and column.label == column.label.lower()
    ):
        return replace(
            column,
            problem=f"expected a prefix that can be told, found {unit_text!r}, which may be milli or mega; "
            f"write m or M and the unit with its own letters (mA, MHz, mohm, Mohm in {column.label!r})",
        )
    roles = [column.role]  # the unit chooses: "Im (A)" is a current, "Im (ohm)" an imaginary part
    if (column.role, plain) == ("z_imag", "im"):
        roles.append("current")
    elif (column.role, plain) == ("z_imag", "x"):  # the axis of an oscilloscope
        roles.append("time")
    elif column.role == "current":
        roles.append("current_density")
    elif (column.role, plain) == ("time", "t"):
        roles.append("temperature")
    elif column.role in ("bias_voltage", "applied_voltage") and not re.search(
        "volt|potential|span|^[vue]", plain
    ):
        roles.append(column.role.replace("voltage", "current"))
    for role in roles:
        unit = find_unit(unit_text, ROLES[role])
        if unit is not None:
            return replace(column, role=role, unit=unit)
    per_area = column.role.startswith("z_") and find_unit(unit_text, "area_resistance")
    if per_area:
        return replace(column, unit=per_area, problem=PER_AREA)
    if (len(plain) <= 2 or plain == "xaxis") and anything is not None:
        return None  # a letter with the unit of something else: R (mm), T (K)
    return replace(column, problem=_unknown_unit(unit_text, ROLES[column.role]))


def _unknown_unit(unit_text: str, dimension: str) -> str:
    word = dimension.replace("_", " ")
    return f"expected a unit of {word} ({accepted(dimension)}), found {unit_text!r}"


def understand_header(labels: Sequence[str]) -> tuple[Column, ...]:
    """The columns of a header that were understood, in their order.

    Parameters
    ----------
    labels : sequence of str
        Of all columns, in order.
    """
    columns = (understand(label, index) for index, label in enumerate(labels) if len(label) < 80)
    return tuple(column for column in columns if column is not None)


def check_units(
    columns: Sequence[Column], file: str, line: int | None, labels_of_table: int | None = None
) -> tuple[tuple[Column, ...], str]:
    """Refuse columns without a usable unit, or supply it where a known program's habit is to omit it.

    Parameters
    ----------
    columns : sequence of Column
    file, line : str, int or None
        For messages.
    labels_of_table : int, optional
        How many labels the header has; by default those of `columns`.

    Returns
    -------
    columns : tuple of Column
    note : str
        Says whose habit supplied the units; "" if the header states them.

    Raises
    ------
    FileFormatError
        A unit is missing or unknown; the message lists the accepted spellings.
    """
    for column in columns:
        if column.problem and column.problem != PER_AREA:
            raise FileFormatError(
                f"{column.problem}{_way_out(column, columns)}.", file=file, line=line, column=column.label
            )
    measured = [column for column in columns if ROLES[column.role] != "ratio"]
    bare = [column for column in measured if column.unit is None]
    if not bare:
        return tuple(columns), ""
    labels = [normalise(column.label) for column in columns]
    alone = (labels_of_table or len(labels)) == len(labels)
    habit = next(
        (known["program"] for known in words_of_headers()["unitless"] if _is_habit(labels, known, alone)),
        None,
    )
    if habit is None or len(bare) < len(measured):
        first = bare[0]
        angular = _role(normalise(first.label)) == "omega"
        usual = "rad/s" if angular else accepted(ROLES[first.role]).split(",")[0].split(" ")[0]
        raise FileFormatError(
            f"expected a unit in the header, as in {f'{first.label} ({usual})'!r} "
            f"(accepted: {accepted(ROLES[first.role])}); found {first.label!r}. Or state it in device.toml: "
            f"{_stated(columns)}.",
            file=file,
            line=line,
            column=first.label,
        )
    degree = find_unit("deg")
    supplied = tuple(replace(c, unit=degree) if c.role in ("phase", "y_phase") else c for c in columns)
    return supplied, f"The header states no units; SI units (and degrees) were taken, as in {habit}."


def _way_out(column: Column, columns: Sequence[Column]) -> str:
    """What to say in device.toml of a column whose unit cannot be used: never a unit against that printed."""
    unit = find_unit(split_label(column.label)[1] or "")
    if "can be told" in column.problem:
        return ""
    quoted = f"'{column.label}'" if '"' in column.label else f'"{column.label}"'
    if unit is None:
        return f"; or state it in device.toml: {_stated(columns)}"
    if ROLES[column.role] == "current" and unit.is_a("voltage"):
        return (
            f"; if it was measured over a resistor say so in device.toml, as in columns = {{ {column.role} = "
            f'{quoted} }} and sense_resistance = "1 kohm"'
        )
    return f"; or name the column that holds it in device.toml, as in columns = {{ {column.role} = ... }}"


def _stated(columns: Sequence[Column]) -> str:
    """What device.toml would say of the columns whose unit is not known."""
    lack = [c for c in columns if (c.unit is None or c.problem) and c.problem != PER_AREA]
    units = [
        (c, accepted(ROLES[c.role]).split(",")[0].split(" ")[0]) for c in lack if ROLES[c.role] != "ratio"
    ]
    named = (
        f"""{c.role} = {{ name = {f"'{c.label}'" if '"' in c.label else f'"{c.label}"'}, unit = "{unit}" }}"""
        for c, unit in units
    )
    return f"columns = {{ {', '.join(named)} }}"


def _is_habit(labels: Sequence[str], known: Mapping[str, Any], alone: bool) -> bool:
    """Whether these are the labels of a program that writes SI units without saying so."""
    if "order" in known:
        return bool(known["labels"] == labels)
    if "alone" in known:
        return alone and set(known["labels"]) == set(labels)
    return set(known["labels"]) <= set(labels)


def contradicted(column: Column, stated: str | None) -> str:
    """A sentence where device.toml states another unit than the label itself; "" where it does not.

    Parameters
    ----------
    column : Column
        As it is read.
    stated : str or None
        The unit in device.toml.
    """
    if stated is None:
        return ""
    own, unit = split_label(column.label)[1] or "", stated_unit(stated)
    printed = find_unit(own, ROLES[column.role]) or find_unit(own)
    if unit is None or printed is None or replace(printed, text=unit.text) == unit:
        return ""
    return f"The label {column.label!r} says {own}, device.toml says {stated}: read in {stated}."


def find_fields(labels: Sequence[str], fields: Sequence[Field]) -> list[Column]:
    """Columns of the fields that a header has, in its order; of several fields of a role the first wins.

    Parameters
    ----------
    labels : sequence of str
        Of all columns.
    fields : sequence of Field
        What the format may have.
    """
    plain = ["".join(label.split()).lower() for label in labels]
    columns: dict[str, Column] = {}
    for known in fields:
        spellings = ("".join(spelling.split()).lower() for spelling in known.labels)
        index = next((plain.index(spelling) for spelling in spellings if spelling in plain), None)
        if index is not None and known.role not in columns:
            unit = find_unit(known.unit, ROLES[known.role]) if known.unit else None
            columns[known.role] = Column(index, labels[index], known.role, unit, known.sign)
    return sorted(columns.values(), key=lambda column: column.index)


def need(
    columns: Sequence[Column], roles: Sequence[str], labels: Sequence[str], source: Source, line: int
) -> None:
    """Refuse a table that lacks a column.

    Parameters
    ----------
    columns : sequence of Column
        Those that are there.
    roles : sequence of str
        Those that must be.
    labels : sequence of str
        Of the table.
    source : Source
    line : int
        Number of the line of labels, from 1.

    Raises
    ------
    FileFormatError
        Names what is missing and what is there.
    """
    there = {column.role for column in columns}
    missing = [role.replace("_", " ") for role in roles if role not in there]
    if missing:
        shown = ", ".join(repr(label) for label in labels[:8]) + (", ..." if len(labels) > 8 else "")
        raise FileFormatError(
            f"expected a column of the {' and of the '.join(missing)}; found {shown}.",
            file=source.name,
            line=line,
        )
