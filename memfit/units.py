"""SI inside, units only at the edges: numbers, units, quantities and column labels as people write them.

A unit is read as a product of factors ("mA/cm^2", "kOhm·cm²", "V s-1"), each an SI prefix and a symbol,
into a scale and the exponents of volt, ampere, second, metre, kelvin and radian; every unit of an
electrical measurement is a product of those. What was expected is always stated, so that an ohm is
never taken for a second. Symbols: BIPM, The International System of Units (SI), 9th edition, 2019.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from memfit.arrays import FloatArray
from memfit.errors import UnitError

Exponents = tuple[int, int, int, int, int, int]
"""Powers of V, A, s, m, K, rad."""

DIMENSIONS: MappingProxyType[str, tuple[Exponents, str, str]] = MappingProxyType(
    {
        "voltage": ((1, 0, 0, 0, 0, 0), "V", "V, mV, uV (µV), kV, volt"),
        "current": ((0, 1, 0, 0, 0, 0), "A", "A, mA, uA (µA), nA, pA, ampere"),
        "resistance": ((1, -1, 0, 0, 0, 0), "ohm", "ohm (Ohm, Ω), mohm, kohm (kΩ), Mohm, Gohm, V/A"),
        "conductance": ((-1, 1, 0, 0, 0, 0), "S", "S, mS, uS (µS), nS, mho, 1/ohm"),
        "capacitance": ((-1, 1, 1, 0, 0, 0), "F", "F, mF, uF (µF), nF, pF"),
        "inductance": ((1, -1, 1, 0, 0, 0), "H", "H, mH, uH (µH), nH"),
        "time": ((0, 0, 1, 0, 0, 0), "s", "s (sec), ms, us (µs), ns, min, h, d"),
        "frequency": ((0, 0, -1, 0, 0, 0), "Hz", "Hz, mHz, kHz, MHz, GHz, 1/s, rad/s"),
        "length": ((0, 0, 0, 1, 0, 0), "m", "m, cm, mm, um (µm), nm"),
        "area": ((0, 0, 0, 2, 0, 0), "m^2", "m^2, cm^2 (cm2, cm²), mm^2, um^2"),
        "temperature": ((0, 0, 0, 0, 1, 0), "K", "K, mK, degC (°C, C, celsius)"),
        "angle": ((0, 0, 0, 0, 0, 1), "rad", "rad, mrad, deg (°, degree)"),
        "voltage_rate": ((1, 0, -1, 0, 0, 0), "V/s", "V/s, mV/s, V s^-1, mV/min"),
        "current_rate": ((0, 1, -1, 0, 0, 0), "A/s", "A/s, mA/s, uA/s"),
        "current_density": ((0, 1, 0, -2, 0, 0), "A/m^2", "A/m^2, mA/cm^2 (mA/cm2, mA cm-2), A/cm^2"),
        "area_resistance": ((1, -1, 0, 2, 0, 0), "ohm m^2", "ohm m^2, ohm cm^2 (Ω·cm²), kohm cm^2"),
        "charge": ((0, 1, 1, 0, 0, 0), "C", "C, mC, uC, Ah, mAh"),
        "power": ((1, 1, 0, 0, 0, 0), "W", "W, mW, uW"),
        "power_density": ((1, 1, 0, -2, 0, 0), "W/m^2", "W/m^2, mW/cm^2"),
        "ratio": ((0, 0, 0, 0, 0, 0), "1", "1, %, ppm"),
    }
)
"""Name of each dimension: exponents, SI unit, spellings to show to a user."""

_SYMBOLS: dict[str, tuple[float, Exponents]] = {
    "V": (1.0, (1, 0, 0, 0, 0, 0)),
    "A": (1.0, (0, 1, 0, 0, 0, 0)),
    "s": (1.0, (0, 0, 1, 0, 0, 0)),
    "m": (1.0, (0, 0, 0, 1, 0, 0)),
    "K": (1.0, (0, 0, 0, 0, 1, 0)),
    "rad": (1.0, (0, 0, 0, 0, 0, 1)),
    "ohm": (1.0, (1, -1, 0, 0, 0, 0)),
    "S": (1.0, (-1, 1, 0, 0, 0, 0)),
    "F": (1.0, (-1, 1, 1, 0, 0, 0)),
    "H": (1.0, (1, -1, 1, 0, 0, 0)),
    "Hz": (1.0, (0, 0, -1, 0, 0, 0)),
    "C": (1.0, (0, 1, 1, 0, 0, 0)),
    "Ah": (3600.0, (0, 1, 1, 0, 0, 0)),
    "W": (1.0, (1, 1, 0, 0, 0, 0)),
    "J": (1.0, (1, 1, 1, 0, 0, 0)),
    "min": (60.0, (0, 0, 1, 0, 0, 0)),
    "h": (3600.0, (0, 0, 1, 0, 0, 0)),
    "d": (86400.0, (0, 0, 1, 0, 0, 0)),
    "deg": (math.pi / 180, (0, 0, 0, 0, 0, 1)),
    "%": (0.01, (0, 0, 0, 0, 0, 0)),
    "ppm": (1e-6, (0, 0, 0, 0, 0, 0)),
    "1": (1.0, (0, 0, 0, 0, 0, 0)),
}
_WITHOUT_PREFIX = frozenset({"min", "h", "d", "deg", "%", "ppm", "1"})

# Names of units, read in any case.
_WORDS = {
    "volt": "V", "volts": "V", "v": "V",
    "amp": "A", "amps": "A", "ampere": "A", "amperes": "A", "ampère": "A", "a": "A",
    "ohm": "ohm", "ohms": "ohm", "ω": "ohm",
    "siemens": "S", "mho": "S", "℧": "S",
    "farad": "F", "henry": "H", "coulomb": "C", "watt": "W", "watts": "W",
    "hz": "Hz", "hertz": "Hz",
    "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "mins": "min", "minute": "min", "minutes": "min",
    "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "day": "d", "days": "d",
    "kelvin": "K", "metre": "m", "meter": "m",
    "°": "deg", "deg": "deg", "degree": "deg", "degrees": "deg", "radian": "rad", "radians": "rad",
}  # fmt: skip

_PREFIXES = {
    "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2,
    "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
}  # fmt: skip
_PREFIX_WORDS = {"nano": 1e-9, "micro": 1e-6, "milli": 1e-3, "kilo": 1e3, "mega": 1e6, "giga": 1e9}

_LONGEST = 80
"""Characters of a unit."""

_CELSIUS = frozenset({"degc", "°c", "c", "celsius", "deg c", "oc", "'c", "degreec", "ºc", "℃", "° c"})
_FAHRENHEIT = frozenset({"degf", "°f", "f", "fahrenheit"})
_ZERO_CELSIUS = 273.15

_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_REFERENCE = re.compile(r"\s*[(\[]?\s*\bvs\b\.?.*$", re.IGNORECASE)  # "V vs. Ref", "V (vs RHE)"
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
_FACTOR = re.compile(r"(?P<operator>[*/·. ]*)(?P<symbol>[^\d\s*/·.^+\-]+|1(?!\d))\^?(?P<power>[+-]?\d+)?")


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


def accepted(dimension: str) -> str:
    """Spellings of the units of a dimension, to show in a message."""
    return DIMENSIONS[dimension][2]


def parse_number(text: str) -> float:
    """A finite number with a decimal point or a decimal comma.

    Raises
    ------
    UnitError
        It is no number, or has both a point and a comma.
    """
    cleaned = text.strip().replace("−", "-").replace("\N{NO-BREAK SPACE}", "")
    if not _NUMBER.fullmatch(cleaned):
        raise UnitError(f"Expected a number such as 0.8, 0,8 or 8e-1; found {text!r}.")
    value = float(cleaned.replace(",", "."))
    if not math.isfinite(value):
        raise UnitError(f"Expected a finite number; found {text!r}.")
    return value


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
    return _find_unit(text, dimension)


@lru_cache(maxsize=4096)
def _find_unit(text: str, dimension: str | None) -> Unit | None:
    if len(text) > _LONGEST:
        return None
    cleaned = _clean(text)
    if dimension == "temperature":
        special = _temperature(cleaned)
        if special is not None:
            return special
    unit = _product(cleaned)
    if dimension is None:
        return _temperature(cleaned) if unit is None and cleaned.lower() != "c" else unit
    if unit is not None and dimension == "frequency" and unit.angular:
        return Unit(text, unit.scale / (2 * math.pi), DIMENSIONS["frequency"][0])
    return unit if unit is not None and unit.is_a(dimension) else None


def read_unit(text: str, dimension: str) -> Unit:
    """As `find_unit`, but an unknown unit is an error that lists the accepted spellings.

    Raises
    ------
    UnitError
        Nobody knows the unit, or it is the unit of something else.
    """
    unit = find_unit(text, dimension)
    if unit is None:
        word = dimension.replace("_", " ")
        raise UnitError(f"Expected a unit of {word} ({accepted(dimension)}); found {text.strip()!r}.")
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
    si = DIMENSIONS[dimension][1]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UnitError(f'Expected a {dimension.replace("_", " ")} such as "1 {si}"; found {value!r}.')
    if not isinstance(value, str):
        if not math.isfinite(value):
            raise UnitError(f"Expected a finite {dimension.replace('_', ' ')} in {si}; found {value}.")
        return float(value)
    text = value.strip().replace("−", "-")
    number = _NUMBER.match(text)
    if number is None:
        raise UnitError(f'Expected a {dimension.replace("_", " ")} such as "1 {si}"; found {value!r}.')
    size, rest = parse_number(number.group()), text[number.end() :].strip()
    if not rest:
        if unit_required:
            raise UnitError(
                f"Expected a value of {dimension.replace('_', ' ')} with its unit ({accepted(dimension)}); "
                f"found {value!r}."
            )
        return size
    unit = read_unit(rest, dimension)
    return _times(size, unit.scale) + unit.offset


def format_quantity(value: float, unit: str, *, digits: int = 4) -> str:
    """A number with an SI prefix: 0.00123 and "A" give "1.23 mA".

    A unit that is a quotient or a power ("V/s", "cm^2") takes no prefix unless its first factor stands
    in the first power ("mV/s").
    """
    if not math.isfinite(value):
        return f"{value} {unit}"
    prefixed = re.match(r"(?:[A-Za-zΩ]+)(?:/|$)", unit) is not None and unit not in ("K", "rad", "deg", "1")
    if value == 0 or not prefixed:
        return f"{_rounded(value, digits)} {unit}"
    power = min(4, max(-5, math.floor(math.log10(abs(value)) / 3)))
    if abs(float(f"{value / 1e3**power:.{digits}g}")) >= 1000 and power < 4:
        power += 1
    prefix = {-5: "f", -4: "p", -3: "n", -2: "u", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T"}[power]
    return f"{_rounded(value / 1e3**power, digits)} {prefix}{unit}"


def _rounded(value: float, digits: int) -> str:
    """A number with some digits; up to 999 without an exponent, however few they are."""
    return f"{float(f'{value:.{digits}g}'):.{max(digits, 3)}g}"


def split_label(label: str) -> tuple[str, str | None]:
    """A column label split into the name of the quantity and its unit (None where none is stated).

    "Frequency (Hz)", "freq/Hz", "I [mA]", "-Z'' / ohm", "Z_imag (kΩ)", "J (mA/cm2)", "time_s", "Time, s",
    "C1 in V".
    Brackets that hold an argument ("Re(Z)", "Phase(Z)/deg") stay in the name.
    """
    text = label.strip().strip("\ufeff").strip()
    text = re.sub(r"\s*[(\[]\s*vs\b[^()\[\]]*[)\]]$", "", text, flags=re.IGNORECASE)
    bracket = re.fullmatch(r"(?P<name>.*\S)\s*[(\[{](?P<unit>[^()\[\]{}]*)[)\]}]", text)
    if bracket:
        name, unit = bracket["name"].strip(), bracket["unit"].strip()
        if not _is_argument(name, unit):
            return name, unit or None
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter in "([{<") - (letter in ")]}>")
        if letter == "/" and depth <= 0 and i > 0 and text[i + 1 :].strip():
            return text[:i].strip(), text[i + 1 :].strip().strip("()[]")
    for mark in (" in ", ",", "_", " "):
        name, found, unit = text.rpartition(mark)
        known = find_unit(unit.strip()) if found and unit.strip() else None
        if known is not None and name.strip() and unit.strip() != "1" and _states_a_unit(mark, unit.strip()):
            return name.strip(), unit.strip()
    return text, None


def _is_argument(name: str, inside: str) -> bool:
    """True for the Z of "Re(Z)" and the like: an argument, not a unit."""
    function = name.replace("-", "").strip().lower()
    functions = {"re", "im", "real", "imag", "abs", "mag", "phase", "arg", "theta", "phi", "|z|"}
    return inside.strip("|").lower() in {"z", "y"} and function in functions


def _states_a_unit(mark: str, unit: str) -> bool:
    """True if what follows the mark is a unit and not an index ("V_m", "Z_m" are names)."""
    return mark in (",", " in ") or len(unit) > 1 or unit in ("V", "A", "s")


def _clean(text: str) -> str:
    """One spelling for micro, ohm, minus, powers and products."""
    text = _REFERENCE.sub("", text.strip().translate(_SUPERSCRIPT)).strip()
    for old, new in (
        ("µ", "u"), ("μ", "u"), ("Ω", "Ω"), ("−", "-"), ("–", "-"), ("**", "^"), ("⋅", "·"), ("×", "·"),
        ("∙", "·"), ("•", "·"), ("{", ""), ("}", ""),
    ):  # fmt: skip
        text = text.replace(old, new)
    return text


def _temperature(text: str) -> Unit | None:
    """Degrees Celsius and Fahrenheit, which have an offset."""
    word = text.lower()
    if word in _CELSIUS:
        return Unit(text, 1.0, DIMENSIONS["temperature"][0], _ZERO_CELSIUS)
    if word in _FAHRENHEIT:
        return Unit(text, 5 / 9, DIMENSIONS["temperature"][0], _ZERO_CELSIUS - 32 * 5 / 9)
    return None


def _product(text: str) -> Unit | None:
    """A product of powers of prefixed symbols; None if a factor is unknown."""
    scale, exponents, angular = 1.0, [0] * 6, False
    position, dividing = 0, False
    text = text.replace("(", "").replace(")", "") if "/(" in text.replace(" ", "") else text
    if not text or len(text) > 60:
        return None
    while position < len(text):
        factor = _FACTOR.match(text, position)
        if factor is None:
            return None
        dividing = dividing or "/" in factor["operator"]
        if factor["operator"].count("/") > 1:
            return None
        found = _split_ohm(factor["symbol"])
        if found is None:
            return None
        power = int(factor["power"] or 1) * (-1 if dividing else 1)
        if abs(power) > 9:
            return None
        last = len(found) - 1
        for i, (size, dims) in enumerate(found):
            each = power if i == last else (-1 if dividing else 1)
            scale = _times(scale, size**each) if each > 0 else scale / size**-each
            exponents = [have + each * new for have, new in zip(exponents, dims, strict=True)]
        position = factor.end()
    if exponents[5] and exponents[2] == -1:
        angular = exponents == [0, 0, -1, 0, 0, 1]
    a, b, c, d, e, f = exponents
    return Unit(text, scale, (a, b, c, d, e, f), angular=angular)


def _split_ohm(symbol: str) -> list[tuple[float, Exponents]] | None:
    """The factors of a symbol: one, or two where an instrument glues "Ohm" and "cm2" together."""
    single = _symbol(symbol)
    if single is not None:
        return [single]
    glued = re.fullmatch(r"(?P<ohm>.?(?:[Oo]hm|OHM|Ω))(?P<length>[cm]?m)", symbol)
    if glued:
        both = (_symbol(glued["ohm"]), _symbol(glued["length"]))
        if both[0] is not None and both[1] is not None:
            return [both[0], both[1]]
    return None


def _symbol(symbol: str) -> tuple[float, Exponents] | None:
    """Scale and exponents of a symbol, with or without prefix."""
    plain = symbol if symbol in _SYMBOLS else _WORDS.get(symbol.lower())
    if plain is not None:
        return _SYMBOLS[plain]
    for word, factor in _PREFIX_WORDS.items():
        if symbol.lower().startswith(word) and symbol.lower()[len(word) :] in _WORDS:
            size, dims = _SYMBOLS[_WORDS[symbol.lower()[len(word) :]]]
            return _times(factor, size), dims
    prefix, rest = symbol[:1], symbol[1:]
    if prefix == "K":  # written for kilo before everything but nothing
        prefix = "k"
    base = rest if rest in _SYMBOLS else _WORDS.get(rest.lower())
    if (
        prefix not in _PREFIXES
        or base is None
        or base in _WITHOUT_PREFIX
        or (base == "Ah" and prefix not in "mk")
    ):
        return None
    if prefix == "c" and base != "m":
        return None
    size, dims = _SYMBOLS[base]
    return _times(_PREFIXES[prefix], size), dims


def _times(a: float, b: float) -> float:
    """Product; by division where b is an inverse whole number, which rounds better (20 mV is 0.02 V)."""
    inverse = _inverse(b)
    return a / inverse if inverse else a * b


def _inverse(scale: float) -> int:
    """The whole number whose inverse `scale` is, or 0."""
    inverse = round(1 / scale) if 0 < scale < 1 else 0
    return inverse if inverse and 1 / inverse == scale else 0
