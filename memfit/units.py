"""SI inside, units only at the edges: numbers, units, quantities and column labels as people write them.

A unit is read as a product of factors ("mA/cm^2", "kOhm·cm²", "V s-1"), each an SI prefix and a symbol,
into a scale and the exponents of volt, ampere, second, metre, kelvin and radian; every unit of an
electrical measurement is a product of those. What was expected is always stated, so that an ohm is
never taken for a second. The symbols, their names and prefixes are in `units.toml`, after BIPM, The
International System of Units (SI), 9th edition, 2019.
"""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from memfit.arrays import FloatArray
from memfit.errors import UnitError, shown

Exponents = tuple[int, int, int, int, int, int]
"""Powers of V, A, s, m, K, rad."""

_LONGEST = 80
"""Characters of a unit."""
_ZERO_CELSIUS = 273.15

_TABLE: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("units.toml").read_text(encoding="utf-8"))
_SYMBOLS: Mapping[str, tuple[float, Exponents]] = {
    name: (scale, (volt, ampere, second, metre, kelvin, radian))
    for name, (scale, volt, ampere, second, metre, kelvin, radian) in _TABLE["symbols"].items()
}
_NAMES = {name: symbol for symbol, names in _TABLE["names"].items() for name in names}
_PREFIXES: Mapping[str, float] = _TABLE["prefixes"]["letters"]
_LETTER_OF = {round(math.log10(size) / 3): letter for letter, size in _PREFIXES.items() if letter != "c"}

_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_FULL_WIDTH = str.maketrans("（）［］／", "()[]/")
_REFERENCE = re.compile(r"\s*[(\[]?\s*\bvs\b\.?.*$", re.IGNORECASE)  # "V vs. Ref", "V (vs RHE)"
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
_FACTOR = re.compile(r"(?P<operator>[*/·. ]*)(?P<symbol>[^\d\s*/·.^+\-]+|1(?!\d))\^?(?P<power>[+-]?\d+)?")
_GLUED = re.compile(r"(?P<ohm>.?(?:[Oo]hm|OHM|Ω))(?P<length>[cm]?m)")
"""As some instruments write "ohm cm": "Ohmcm2"."""


@dataclass(frozen=True)
class Unit:
    """A unit: SI value = scale * value + offset, in the given powers of V, A, s, m, K, rad."""

    text: str
    scale: float
    exponents: Exponents
    offset: float = 0.0
    angular: bool = False
    """True for a unit with rad/s in it, which is a frequency only after division by 2 pi."""

    def is_a(self, dimension: str) -> bool:
        """True if a quantity of this unit is a `dimension` (a key of `DIMENSIONS`)."""
        return self.exponents == DIMENSIONS[dimension][0]

    def to_si(self, values: FloatArray) -> FloatArray:
        """`values` of this unit in SI; dividing by 1000 rounds better than multiplying by 0.001."""
        inverse = _inverse(self.scale)
        scaled: FloatArray = values / inverse if inverse else values * self.scale
        return scaled + self.offset if self.offset else scaled


class Dimension(NamedTuple):
    """What a quantity is."""

    exponents: Exponents
    unit: str
    """Of the SI."""
    spellings: str
    """Of its units, to show to a user."""


def accepted(dimension: str) -> str:
    """Spellings of the units of a dimension, to show in a message."""
    return DIMENSIONS[dimension].spellings


def parse_number(text: str) -> float:
    """A finite number with a decimal point or a decimal comma.

    Parameters
    ----------
    text : str

    Raises
    ------
    UnitError
        It is no number, or has both a point and a comma.
    """
    cleaned = text.strip().replace("−", "-").replace("\N{NO-BREAK SPACE}", "")
    if not _NUMBER.fullmatch(cleaned):
        raise UnitError(f"Expected a number such as 0.8, 0,8 or 8e-1; found {shown(text)}.")
    value = float(cleaned.replace(",", "."))
    if not math.isfinite(value):
        raise UnitError(f"Expected a finite number; found {shown(text)}.")
    return value


@lru_cache(maxsize=4096)
def find_unit(text: str, dimension: str | None = None) -> Unit | None:
    """The unit that `text` spells, or None if nobody knows it.

    Parameters
    ----------
    text : str
        "mA/cm^2", "kΩ", "deg", "V s-1", ...
    dimension : str, optional
        A key of `DIMENSIONS`: the unit must be of it. It also settles what has two readings
        ("C" is a coulomb, or a degree Celsius where a temperature is expected).
    """
    if len(text) > _LONGEST:
        return None
    cleaned = _REFERENCE.sub("", text.strip().translate(_SUPERSCRIPT)).strip()
    for old, new in _TABLE["spellings"].items():
        cleaned = cleaned.replace(old, new)
    word, degrees = cleaned.lower(), None
    if word in _TABLE["degrees"]["celsius"]:
        degrees = Unit(cleaned, 1.0, DIMENSIONS["temperature"][0], _ZERO_CELSIUS)
    elif word in _TABLE["degrees"]["fahrenheit"]:
        degrees = Unit(cleaned, 5 / 9, DIMENSIONS["temperature"][0], _ZERO_CELSIUS - 32 * 5 / 9)
    if dimension == "temperature" and degrees is not None:
        return degrees
    unit = _product(cleaned)
    if dimension is None:
        return degrees if unit is None and word != "c" else unit
    if unit is not None and dimension == "frequency" and unit.angular:
        return Unit(text, unit.scale / (2 * math.pi), DIMENSIONS["frequency"][0])
    return unit if unit is not None and unit.is_a(dimension) else None


def stated_unit(text: str, dimension: str | None = None) -> Unit | None:
    """As `find_unit`, also of a multiple: "35 uS" is what 1 in a column without a unit stands for.

    Parameters
    ----------
    text : str
    dimension : str, optional
        A key of `DIMENSIONS`.
    """
    unit, number = find_unit(text, dimension), _NUMBER.match(text.strip())
    if unit is not None or number is None:
        return unit
    unit, size = find_unit(text.strip()[number.end() :].strip(), dimension), parse_number(number.group())
    if unit is None or unit.offset or size <= 0:
        return None
    return replace(unit, text=text.strip(), scale=_times(size, unit.scale))


def read_unit(text: str, dimension: str) -> Unit:
    """As `find_unit`, but an unknown unit is an error that lists the accepted spellings.

    Parameters
    ----------
    text : str
    dimension : str
        A key of `DIMENSIONS`.

    Raises
    ------
    UnitError
        Nobody knows the unit, or it is the unit of something else.
    """
    unit = find_unit(text, dimension)
    if unit is None:
        word = dimension.replace("_", " ")
        raise UnitError(f"Expected a unit of {word} ({accepted(dimension)}); found {shown(text.strip())}.")
    return unit


def parse_quantity(value: str | float, dimension: str, *, unit_required: bool = False) -> float:
    """A quantity in SI units.

    Parameters
    ----------
    value : str or float
        "0.80 V", "50 mV/s", "0,04 cm²", "25 degC"; a number, or a string without unit, is SI.
    dimension : str
        What is expected: a key of `DIMENSIONS`.
    unit_required : bool
        Refuse a string without unit.

    Raises
    ------
    UnitError
        The number or the unit cannot be read, or the unit is of another dimension.

    Examples
    --------
    >>> parse_quantity("50 mV/s", "voltage_rate")
    0.05
    """
    word, si = dimension.replace("_", " "), DIMENSIONS[dimension].unit
    if not isinstance(value, str) and not isinstance(value, bool) and isinstance(value, int | float):
        return _finite(value, value, word, si)
    text = value.strip().replace("−", "-") if isinstance(value, str) else ""
    number = _NUMBER.match(text)
    if number is None:
        raise UnitError(f'Expected a {word} such as "1 {si}"; found {shown(value)}.')
    size, rest = parse_number(number.group()), text[number.end() :].strip()
    if rest:
        unit = read_unit(rest, dimension)
        return _finite(_times(size, unit.scale) + unit.offset, value, word, si)
    if unit_required:
        known = accepted(dimension)
        raise UnitError(f"Expected a value of {word} with its unit ({known}); found {shown(value)}.")
    return size


def as_si(value: float | str, dimension: str) -> float:
    """A number as it is, a text with its unit in SI: what takes numbers takes texts as device.toml does.

    Parameters
    ----------
    value : float or str
    dimension : str
        A key of `DIMENSIONS`.

    Raises
    ------
    UnitError
        As for `parse_quantity`.
    """
    return parse_quantity(value, dimension) if isinstance(value, str) else value


def texts_in_si(value: object, **dimensions: str) -> None:
    """Make SI numbers of the fields of a new frozen value that are texts with units.

    Parameters
    ----------
    value : dataclass
        In its `__post_init__`.
    **dimensions : str
        Of its fields, keys of `DIMENSIONS`.

    Raises
    ------
    UnitError
        As for `parse_quantity`.
    """
    for name, dimension in dimensions.items():
        object.__setattr__(value, name, as_si(getattr(value, name), dimension))


def _finite(number: float, value: object, word: str, unit: str) -> float:
    """A number that a computer can hold; `value` is what the user wrote."""
    try:
        size = float(number)
    except OverflowError:  # a whole number of hundreds of digits
        size = math.inf
    if not math.isfinite(size):
        raise UnitError(f"Expected a finite {word} in {unit}; found {shown(value)}.")
    return size


def format_quantity(value: float, unit: str, *, digits: int = 4) -> str:
    """A number with an SI prefix: 0.00123 and "A" give "1.23 mA".

    Parameters
    ----------
    value : float
        In `unit`.
    unit : str
        A quotient or a power ("V/s", "cm^2") takes no prefix unless its first factor stands in the first
        power ("mV/s").
    digits : int
        Significant ones.
    """
    if not math.isfinite(value):
        return f"{value} {unit}"
    power = 0
    if value and re.match(r"(?:[A-Za-zΩ]+)(?:/|$)", unit) and unit not in ("K", "rad", "deg", "1"):
        power = min(4, max(-5, math.floor(math.log10(abs(value)) / 3)))
        if abs(float(f"{value / 1e3**power:.{digits}g}")) >= 1000 and power < 4:
            power += 1
    rounded = f"{value / 1e3**power if power else value:.{digits}g}"
    # up to 999 without an exponent, however few digits there are
    return f"{float(rounded):.{max(digits, 3)}g} {_LETTER_OF.get(power, '')}{unit}"


@lru_cache(maxsize=4096)
def split_label(label: str) -> tuple[str, str | None]:
    """A column label split into the name of the quantity and its unit (None where none is stated).

    "Frequency (Hz)", "freq/Hz", "I [mA]", "-Z'' / ohm", "Z_imag (kΩ)", "J (mA/cm2)", "time_s", "Time, s",
    "C1 in V".
    Brackets that hold an argument ("Re(Z)", "Phase(Z)/deg") stay in the name.

    Parameters
    ----------
    label : str
    """
    text = label.translate(_FULL_WIDTH).strip().strip("\ufeff").strip()
    text = re.sub(r"\s*[(\[]\s*vs\b[^()\[\]]*[)\]]$", "", text, flags=re.IGNORECASE)
    bracket = re.fullmatch(r"(?P<name>.*\S)\s*[(\[{](?P<unit>[^()\[\]{}]*)[)\]}]", text)
    if bracket:
        name, unit = bracket["name"].strip(), bracket["unit"].strip()
        functions = ("re", "im", "real", "imag", "abs", "mag", "phase", "arg", "theta", "phi", "|z|")
        is_function = name.replace("-", "").strip().lower() in functions
        if not (is_function and unit.strip("|").lower() in ("z", "y")):
            return name, unit or None
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter in "([{<") - (letter in ")]}>")
        if letter == "/" and depth <= 0 and i > 0 and text[i + 1 :].strip():
            return text[:i].strip(), text[i + 1 :].strip().strip("()[]")
    for mark in (" in ", ",", "_", " "):
        name, found, unit = (part if part == mark else part.strip() for part in text.rpartition(mark))
        if not found or not unit or not name or unit == "1" or find_unit(unit) is None:
            continue
        if mark in (",", " in ") or len(unit) > 1 or unit in ("V", "A", "s"):  # "V_m", "Z_m" are names
            return name, unit
    return text, None


def _product(text: str) -> Unit | None:
    """A product of powers of prefixed symbols; None if a factor is unknown."""
    scale, exponents = 1.0, [0] * 6
    position, dividing = 0, False
    text = text.replace("(", "").replace(")", "") if "/(" in text.replace(" ", "") else text
    if not text or len(text) > 60:
        return None
    while position < len(text):
        factor = _FACTOR.match(text, position)
        if factor is None or factor["operator"].count("/") > 1:
            return None
        dividing = dividing or "/" in factor["operator"]
        symbols = [_symbol(factor["symbol"])]
        if symbols == [None] and (glued := _GLUED.fullmatch(factor["symbol"])):
            symbols = [_symbol(glued["ohm"]), _symbol(glued["length"])]
        sign, power = -1 if dividing else 1, int(factor["power"] or 1)
        if abs(power) > 9:
            return None
        powers = [sign] * (len(symbols) - 1) + [sign * power]
        for symbol, each in zip(symbols, powers, strict=True):
            if symbol is None:
                return None
            scale = _times(scale, symbol[0] ** each) if each > 0 else scale / symbol[0] ** -each
            exponents = [have + each * new for have, new in zip(exponents, symbol[1], strict=True)]
        position = factor.end()
    a, b, c, d, e, f = exponents
    return Unit(text, scale, (a, b, c, d, e, f), angular=exponents == [0, 0, -1, 0, 0, 1])


def _symbol(symbol: str) -> tuple[float, Exponents] | None:
    """Scale and exponents of a symbol, with or without prefix; None if nobody knows it."""
    plain = symbol if symbol in _SYMBOLS else _NAMES.get(symbol.lower())
    if plain is not None:
        return _SYMBOLS[plain]
    for word, factor in _TABLE["prefixes"]["words"].items():
        if symbol.lower().startswith(word) and symbol.lower()[len(word) :] in _NAMES:
            size, powers = _SYMBOLS[_NAMES[symbol.lower()[len(word) :]]]
            return _times(factor, size), powers
    prefix, rest = "k" if symbol[:1] == "K" else symbol[:1], symbol[1:]  # K is written for kilo
    base = rest if rest in _SYMBOLS else _NAMES.get(rest.lower())
    if prefix not in _PREFIXES or base is None or base in _TABLE["prefixes"]["never"]:
        return None
    if (base == "Ah" and prefix not in "mk") or (prefix == "c" and base != "m"):
        return None
    size, powers = _SYMBOLS[base]
    return _times(_PREFIXES[prefix], size), powers


def _times(a: float, b: float) -> float:
    """Product; by division where b is an inverse whole number, which rounds better (20 mV is 0.02 V)."""
    inverse = _inverse(b)
    return a / inverse if inverse else a * b


def _inverse(scale: float) -> int:
    """The whole number whose inverse `scale` is, or 0."""
    inverse = round(1 / scale) if 0 < scale < 1 else 0
    return inverse if inverse and 1 / inverse == scale else 0


def _dimension(unit: str, spellings: str) -> Dimension:
    product = _product(unit)
    if product is None:
        raise UnitError(f"units.toml: {unit!r} is no product of its symbols.")
    return Dimension(product.exponents, unit, spellings)


DIMENSIONS: Mapping[str, Dimension] = MappingProxyType(
    {name: _dimension(*words) for name, words in _TABLE["dimensions"].items()}
)
"""Exponents, SI unit and spellings to show, by the name of a dimension."""


def two_digits(value: float) -> str:
    """A number in two digits, without an exponent.

    Parameters
    ----------
    value : float
    """
    return f"{float(f'{value:.2g}'):.15g}"
