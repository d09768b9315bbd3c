"""Which column is which: header labels to quantities, units and signs.

The header alone decides the sign ("-Z''", "-Im(Z)", "-phase"); the data never do. A unit that is stated
must be the quantity's; a header without units is read only where it is the known habit of a program
that always writes SI (`UNITLESS`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import FileFormatError
from memfit.loaders.raw import ROLES
from memfit.units import Unit, accepted, find_unit, split_label

_NAMES: tuple[tuple[str, str], ...] = (
    (
        "frequency",
        r"""
        f freq frequency frequenz frq frequencies freqs fr[ée]quence frecuencia frequenza messfrequenz
        """,
    ),
    (
        "omega",
        r"""
        omega ω w angularfrequency kreisfrequenz
        """,
    ),
    (
        "z_real",
        r"""
        z' zs' zre zreal zr re re[({|]z[)}|] rez real real\(z\) realz realpart realpartz zprime
        realimpedance impedancereal zrealpart r resistance realteil realteil(z|derimpedanz) zrealteil
        wirkwiderstand
        """,
    ),
    (
        "z_imag",
        r"""
        z'' zs'' zim zimg zimag zi im im[({|]z[)}|] imz imag imag\(z\) imagz imaginary imaginarypart imagpart
        zimaginary imagimpedance imaginaryimpedance impedanceimag impedanceimaginary zdoubleprime x
        reactance imagin[äa]e?rteil imagin[äa]e?rteil(z|derimpedanz) zimagin[äa]e?rteil blindwiderstand xs
        """,
    ),
    (
        "y_real",
        r"""
        y' yre yreal re\(y\) rey real\(y\) realy conductance g gp
        """,
    ),
    (
        "y_imag",
        r"""
        y'' yim yimag im\(y\) imy imag\(y\) imagy susceptance b bp
        """,
    ),
    (
        "z_modulus",
        r"""
        \|z\| z zmod zmodulus abs\(z\) absz zabs mag\(z\) zmag mod\(z\) modz modulus magnitude impedance
        impedancemodulus impedancemagnitude \|impedance\| betrag betrag(z|\(z\)|derimpedanz|impedanz)
        scheinwiderstand impedanzbetrag impedanz
        """,
    ),
    (
        "phase",
        r"""
        phase phase\(z\) phasez zphase theta θ theta\(z\) ztheta phi φ ϕ zphi zphz phz arg arg\(z\) argz
        angle phaseangle phaseofz impedancephase phase\(\) phasenwinkel thetaz θz
        """,
    ),
    (
        "y_modulus",
        r"""
        \|y\| ymod abs\(y\) ymag
        """,
    ),
    (
        "y_phase",
        r"""
        phase\(y\) yphase phasey theta\(y\) thetay θy ytheta
        """,
    ),
    (
        "capacitance_parallel",
        r"""
        cp cparallel parallelcapacitance
        """,
    ),
    (
        "capacitance_series",
        r"""
        cs cseries seriescapacitance
        """,
    ),
    (
        "capacitance",
        r"""
        c capacitance kapazität capacité
        """,
    ),
    (
        "resistance_parallel",
        r"""
        rp rparallel parallelresistance
        """,
    ),
    (
        "resistance_series",
        r"""
        rs rseries seriesresistance
        """,
    ),
    (
        "inductance_series",
        r"""
        ls lseries seriesinductance
        """,
    ),
    (
        "dissipation",
        r"""
        d df tand tanδ tandelta tan\(δ\) tan\(delta\) dissipation dissipationfactor losstangent
        """,
    ),
    (
        "time",
        r"""
        t time elapsedtime timestamp zeit messzeit temps tiempo tempo testtime relativetime
        relativetimestamp correctedtime datetime date/time dateandtime zeitstempel uhrzeit
        """,
    ),
    (
        "applied_voltage",
        r"""
        (applied|set|source|sourced|programmed|command|control|stimulus|drive|nominal)(v|voltage|potential)
        (v|voltage|potential)(applied|set|source|sourced|command) ectrl econtrol smu1v\(source\) vapp
        """,
    ),
    (
        "applied_current",
        r"""
        (applied|set|source|sourced|programmed|command|control|stimulus|drive|nominal)(i|current)
        (i|current)(applied|set|source|sourced|command)
        """,
    ),
    (
        "bias_voltage",
        r"""
        (dc)?bias(voltage|potential|v)? vbias ubias ebias [vue]dc dc(v|voltage|potential)
        (voltage|potential)dc (voltage|potential)\(dc\)
        """,
    ),
    (
        "bias_current",
        r"""
        idc dc(i|current) biascurrent currentdc ibias current\(dc\)
        """,
    ),
    (
        "voltage",
        r"""
        v u e ewe vf volt volts voltage potential spannung tension voltaje tensione klemmenspannung
        vmeas vmeasured voltagemeas voltagemeasured
        measured(v|voltage|potential) (terminal|device|cell|sample|output|smu)voltage vdut ecell ewe-ece
        uwe averagevoltage gatevoltage vdevice potentialapplied vds vsd
        """,
    ),
    (
        "current",
        r"""
        i im current strom courant corriente corrente messstrom imeas imeasured currentmeas currentmeasured
        measured(i|current) idut ci
        (device|cell|sample|smu|drain)current averagecurrent idevice amperage ids isd
        """,
    ),
    (
        "current_density",
        r"""
        j currentdensity jdensity stromdichte
        """,
    ),
    (
        "cycle",
        r"""
        cycle cyclenumber cycleno loop loopnumber scan scannumber sweep sweepnumber segment repeat
        spectrum
        """,
    ),
    (
        "temperature",
        r"""
        temperature temp sampletemperature
        """,
    ),
)
"""Regular expressions of normalised names by role, the first that fits holds."""

_COMPILED = tuple((role, re.compile("|".join(names.split()))) for role, names in _NAMES)
_MINUS = re.compile(
    r"^\s*(?:\(\s*[-\u2212\u2013]\s*\)|[-\u2212\u2013]\s*1\s*[*·×]|[-\u2212\u2013]"
    r"|neg(?:ative|\.)?[\s_]+|minus[\s_]+)\s*(?=\D)",
    re.IGNORECASE,
)
_INDEX_PREFIX = re.compile(r"^(?:we\(\d\)\.|data:|ch\d+[ :._]|smu-?\d+[ _.:]|smu[a-d][ _.:])", re.IGNORECASE)

_TRACE = re.compile(r"-(?:data|mem)\s*$", re.IGNORECASE)
"""What impedance analysers of Keysight put behind a label: "|Z|(Ohm)-data"."""

_NEEDS_UNIT = frozenset(
    {
        "capacitance", "capacitance_parallel", "capacitance_series", "resistance_parallel",
        "resistance_series", "inductance_series",
    }
)  # fmt: skip
"""Roles whose names are too short to be believed without their unit."""

PER_AREA = "per area"
"""The problem of an impedance times area, which an area solves."""

_SIGNED = frozenset({"z_imag", "phase", "y_imag", "y_phase"})
"""Roles that are often written with the sign reversed."""

UNITLESS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"f", "z'", "z''"}), "the f, Z', Z'' tables of impedance programs"),
    (frozenset({"f", "z'", "-z''"}), "the f, Z', -Z'' tables of impedance programs"),
    (frozenset({"freq", "zre", "zim"}), "the freq, Zre, Zim tables of impedance programs"),
    (frozenset({"freq", "zre", "-zim"}), "the freq, Zre, -Zim tables of impedance programs"),
    (frozenset({"freq", "z'", "z''"}), "the freq, Z', Z'' tables of impedance programs"),
    (frozenset({"freq", "z'", "-z''"}), "the freq, Z', -Z'' tables of impedance programs"),
    (frozenset({"freq", "re(z)", "im(z)"}), "the freq, Re(Z), Im(Z) tables of impedance programs"),
    (frozenset({"freq", "re(z)", "-im(z)"}), "the freq, Re(Z), -Im(Z) tables of impedance programs"),
    (frozenset({"freq", "real", "imag"}), "the freq, real, imag tables of ImpedanceFitter"),
    (frozenset({"frequency", "real", "imaginary"}), "the frequency, real, imaginary tables of pyimpspec"),
    (frozenset({"frequency", "|z|", "-phase"}), "the frequency, |Z|, -phase tables of pyimpspec"),
    (frozenset({"freq", "realz", "imagz"}), "the tables of Zurich Instruments' LabOne"),
    (frozenset({"frequency", "realz", "imagz"}), "the tables of Zurich Instruments' LabOne"),
)
"""Labels (in lower case) of programs that write SI units without saying so."""


UNITLESS_ALONE: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"frequency", "zre", "zimg"}), "the tables of PowerSuite"),
)
"""As `UNITLESS`, where the table has no other column: others write these labels over other units."""

UNITLESS_ORDERED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("timestamp", "current", "voltage"), "the buffers of Keithley instruments"),
    (("time", "current", "voltage"), "the buffers of Keithley instruments and of battery cyclers"),
)
"""As `UNITLESS`, where the order of the columns is part of the habit."""


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
        """Values of the column in SI with the sign of its role."""
        si = values if self.unit is None else self.unit.to_si(values)
        return -si if self.sign < 0 else si


_QUOTES = str.maketrans(
    {**dict.fromkeys("’′´`‘ʹ", "'"), **dict.fromkeys('″”“"', "''"), "\u2212": "-", "\u2013": "-"}
)


def normalise(name: str) -> str:
    """A quantity's name without what varies: case, blanks, underscores, kinds of quotes."""
    text = _INDEX_PREFIX.sub("", name.strip().lower().translate(_QUOTES))
    text = re.sub(r"\s*\bvs\b.*$", "", text)
    text = text[1:-1] if re.fullmatch(r"\([^()]*\)", text) else text
    return re.sub(r"[\s_<>.:]+", "", text)


def _plain_text(label: str) -> str:
    """A label without the marks of TeX: dollars, braces, the name of a letter."""
    if "$" not in label and "\\" not in label:
        return label
    text = label.replace("$", "").replace("\\mathrm", "").replace("\\Omega", "Ω").replace("\\mu", "µ")
    return text.replace("\\ ", " ").replace("{", "").replace("}", "")


def _role(plain: str) -> str | None:
    """The role whose names have this one."""
    return next((role for role, pattern in _COMPILED if pattern.fullmatch(plain)), None)


@lru_cache(maxsize=4096)
def understand(label: str, index: int = 0) -> Column | None:
    """What a label says, or None if it names no quantity that memfit reads."""
    name, unit_text = split_label(_plain_text(_TRACE.sub("", label)))
    if unit_text is None and find_unit(name, "frequency") is not None:  # "Hz": the unit says it all
        return _with_unit(Column(index, label.strip(), "frequency", None), "frequency", name)
    sign = -1.0 if _MINUS.match(name) else 1.0
    plain = normalise(_MINUS.sub("", name))
    role = _role(plain) or _role(re.sub(r"(?<=\w)-(?=\w)", "", plain))  # "theta-z", "Z-mag"
    if role is None or (sign < 0 and role not in _SIGNED) or (role in _NEEDS_UNIT and unit_text is None):
        return None
    column = Column(index, label.strip(), role, None, sign)
    if unit_text is None:
        return replace(column, role="frequency" if role == "omega" else role)
    return _with_unit(column, plain, unit_text)


def _with_unit(column: Column, plain: str, unit_text: str) -> Column | None:
    """The column with its unit, in the role that the unit allows."""
    if column.role == "omega":
        return _angular(column, plain, unit_text)
    if _milli_or_mega(column.label, unit_text):
        return replace(
            column,
            problem=f"expected a prefix that can be told, found {unit_text!r}, which may be milli or mega; "
            f"write m or M and the unit with its own letters (mA, MHz, mohm, Mohm in {column.label!r})",
        )
    for role in _roles_by_unit(column.role, plain):
        unit = find_unit(unit_text, ROLES[role])
        if unit is not None:
            return replace(column, role=role, unit=unit)
    per_area = column.role.startswith("z_") and find_unit(unit_text, "area_resistance")
    if per_area:
        return replace(column, unit=per_area, problem=PER_AREA)
    if len(plain) <= 2 and find_unit(unit_text) is not None:
        return None  # a letter with the unit of something else: R (mm), T (K)
    return replace(column, problem=_problem(unit_text, ROLES[column.role]))


def _angular(column: Column, plain: str, unit_text: str) -> Column | None:
    """A column of the angular frequency as one of the frequency."""
    unit = find_unit(unit_text, "frequency")
    if unit is None and len(plain) == 1 and find_unit(unit_text) is not None:
        return None  # w (mm)
    if unit is not None and not (find_unit(unit_text) or unit).angular:
        unit = replace(unit, scale=unit.scale / (2 * np.pi))
    problem = "" if unit else _problem(unit_text, "frequency")
    return replace(column, role="frequency", unit=unit, problem=problem)


def _milli_or_mega(label: str, unit_text: str) -> bool:
    """True where the letters of a label are all large or all small, so that its prefix M says nothing.

    "CURRENT (MA)", "frequency (mhz)"; never "Z' (MΩ)" or "I (mA)". Nobody measures megaampere or megavolt.
    """
    unit = unit_text.strip()
    if unit in ("MA", "MV", "mhz", "MHZ", "MOHM"):
        return True
    return unit == "mohm" and label == label.lower()


def _roles_by_unit(role: str, plain: str) -> tuple[str, ...]:
    """Roles a name can have; its unit chooses ("Im (A)" is a current, "Im (ohm)" an imaginary part)."""
    if role == "z_imag" and plain == "im":
        return ("z_imag", "current")
    if role == "current":
        return ("current", "current_density")
    if role == "time" and plain == "t":
        return ("time", "temperature")
    return (role,)


def _problem(unit_text: str, dimension: str) -> str:
    word = dimension.replace("_", " ")
    return f"expected a unit of {word} ({accepted(dimension)}), found {unit_text!r}"


def understand_header(labels: Sequence[str]) -> tuple[Column, ...]:
    """The columns of a header that were understood, in their order."""
    found = (understand(label, index) for index, label in enumerate(labels) if len(label) < 80)
    return tuple(column for column in found if column is not None)


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
            raise FileFormatError(f"{column.problem}.", file=file, line=line, column=column.label)
    measured = [column for column in columns if ROLES[column.role] != "ratio"]
    bare = [column for column in measured if column.unit is None]
    if not bare:
        return tuple(columns), ""
    labels = tuple(normalise(column.label) for column in columns)
    habit = next((words for known, words in UNITLESS if known <= set(labels)), None)
    habit = habit or next((words for known, words in UNITLESS_ORDERED if known == labels), None)
    if habit is None and (labels_of_table or len(labels)) == len(labels):
        habit = next((words for known, words in UNITLESS_ALONE if known == set(labels)), None)
    if habit is None or len(bare) < len(measured):
        first = bare[0]
        angular = _role(normalise(first.label)) == "omega"
        example = f"{first.label} ({'rad/s' if angular else _example(first.role)})"
        raise FileFormatError(
            f"expected a unit in the header, as in {example!r} "
            f"(accepted: {accepted(ROLES[first.role])}); found {first.label!r}.",
            file=file,
            line=line,
            column=first.label,
        )
    degree = find_unit("deg")
    supplied = tuple(replace(c, unit=degree) if c.role in ("phase", "y_phase") else c for c in columns)
    return supplied, f"The header states no units; SI units (and degrees) were taken, as in {habit}."


def _example(role: str) -> str:
    """The first accepted spelling of a role's unit."""
    return accepted(ROLES[role]).split(",")[0].split(" ")[0]
