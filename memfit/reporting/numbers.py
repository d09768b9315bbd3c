"""How numbers become text: the one place where a report decides on digits, prefixes and signs.

The standard error sets the digits: two digits of it are shown, in parentheses behind the value, and
count in units of the value's last digits, as in 1.234(56) kΩ (BIPM, SI brochure, 9th edition, 5.4.5 and
GUM 7.2.2). Rounding is decimal and half away from zero. Signs are the typographic minus.
"""

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal

MISSING = "–"
"""Stands where there is no number."""

_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
_SYMBOLS = {"ohm": "Ω", "V/s": "V/s", "A/s": "A/s", "S": "S", "1/s": "s⁻¹", "1": "", "rad/s": "rad/s"}
_PREFIXABLE = ("ohm", "W", "J", "F", "A", "V", "s", "H", "Hz", "S", "V/s", "A/s")
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PLAIN_FROM, _PLAIN_TO = -3, 5
"""Decades within which a number without prefix is written without a power of ten."""
_NO_UNCERTAINTY_DIGITS = 4
_ROUNDING = 1e-14
"""Relative size below which a standard error is the rounding of floats."""
_SERIES_ROUNDING = Decimal("0.005")
"""Relative error that rounding may make in the labels of a series."""
_MOST_DECIMALS = 8
_TICK_ROUNDING = 1e-6
"""Of the largest number of an axis: what its numbers may be rounded by."""
_QUOTED = set(',"\n\r')
"""Characters for which CSV quotes a field."""
_WIDE = Context(prec=800)
"""Holds any float to any decimal place."""

_FAR_APART = 100.0
"""Factor between the ends of an interval beyond which the digits of one say nothing of the other."""


def power_of_ten(exponent: int) -> str:
    """10 to a power, in Unicode: "10⁻³"."""
    return "10" + str(exponent).translate(_SUPERSCRIPTS)


def unit_symbol(unit: str, prefix: str = "") -> str:
    """The symbol of a unit as printed: "kΩ" for "ohm" with prefix "k".

    Parameters
    ----------
    unit : str
        SI unit as in results.
    prefix : str
    """
    return prefix + _SYMBOLS.get(unit, unit)


def scale_for(magnitude: float, unit: str) -> tuple[float, str]:
    """Factor and unit symbol that bring `magnitude` (SI) between 1 and 1000, for the axis of a figure.

    Parameters
    ----------
    magnitude : float
        The largest of the axis, SI.
    unit : str

    Returns
    -------
    factor : float
        Multiply SI values by it.
    symbol : str
        Unit with prefix; for units that take none, the plain symbol and a factor of 1.
    """
    if unit not in _PREFIXABLE or not math.isfinite(magnitude) or magnitude == 0.0:
        return 1.0, unit_symbol(unit)
    exponent = _prefix_exponent(_decimal(abs(magnitude)).adjusted(), unit)
    return 10.0**-exponent, unit_symbol(unit, _PREFIXES[exponent])


def quantity(value: float | None, unit: str = "1", stderr: float | None = None) -> str:
    """A value with its unit, and its standard error in parentheses: "1.234(56) kΩ".

    Parameters
    ----------
    value : float or None
        SI; None or a number that is not finite becomes a dash.
    unit : str
        SI unit as in results ("ohm"), "1" or "" for a pure number.
    stderr : float, optional
        Standard error, SI. Without a positive finite one, four significant digits are shown.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    number = _decimal(value)
    if stderr is None or not _sets_digits(stderr, value):
        return _with_unit(_significant(number, _NO_UNCERTAINTY_DIGITS), None, unit, strip=True)
    error = _two_digits(stderr)
    return _with_unit(_rounded(number, _exponent_of(error)), error, unit)


def rounded_to_error(value: float | None, unit: str = "1", stderr: float | None = None) -> str:
    """A value with the digits that its standard error sets, without the error itself: "1.234 kΩ".

    Parameters
    ----------
    value : float or None
        SI.
    unit : str
    stderr : float, optional
        Standard error, SI.
    """
    if value is None or not math.isfinite(value) or stderr is None or not _sets_digits(stderr, value):
        return quantity(value, unit)
    error = _two_digits(stderr)
    number = _rounded(_decimal(value), _exponent_of(error))
    exponent, tail = _scale(max(abs(number), error), unit)
    return _digits(number.scaleb(-exponent, context=_WIDE)) + tail


def interval(
    bounds: tuple[float | None, float | None] | None, unit: str = "1", stderr: float | None = None
) -> str:
    """An interval in one unit: "1.12 to 1.34 kΩ"; an open end as "above 1.12 kΩ" or "below ...".

    Ends of very different size have a unit each: "2.0 kΩ to 1.6 MΩ".

    Parameters
    ----------
    bounds : (low, high) or None
        SI; None at an open end.
    unit : str
    stderr : float, optional
        Standard error, SI; sets the digits as in `quantity`. By default a quarter of the width.
    """
    low, high = (_finite(bound) for bound in (bounds or (None, None)))
    if low is None and high is None:
        return MISSING
    if low is None or high is None:
        end = high if low is None else low
        return f"{'below' if low is None else 'above'} {quantity_digits(end, unit, 3)}"
    largest, least = max(abs(low), abs(high)), min(abs(low), abs(high))
    if low * high > 0.0 and largest > _FAR_APART * least:
        return " to ".join(quantity_digits(end, unit, 2) for end in (low, high))
    if stderr is None or not _sets_digits(stderr, largest):
        stderr = abs(high - low) / 4
    if not _sets_digits(stderr, largest):
        return f"{quantity(low, unit)} to {quantity(high, unit)}"
    last = _exponent_of(_two_digits(stderr))
    ends = [_rounded(_decimal(end), last) for end in (low, high)]
    return _range(ends, *_scale(max(ends, key=abs), unit))


def quantity_digits(value: float | None, unit: str = "1", digits: int = 3) -> str:
    """A value with a stated number of significant digits and its unit, for text: "4.37 Hz".

    Parameters
    ----------
    value : float or None
        SI.
    unit : str
    digits : int
        Significant ones.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    return _with_unit(_significant(_decimal(value), digits), None, unit)


def span(low: float, high: float, unit: str, digits: int = 3) -> str:
    """A range with one unit and one number of decimals: "0.82 to 1.12 V".

    Parameters
    ----------
    low, high : float
        SI.
    unit : str
    digits : int
        Significant ones of the larger.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return MISSING
    return _range(*_aligned([low, high], unit, digits))


def series(values: Sequence[float], unit: str, digits: int = 4) -> list[str]:
    """Labels of a series with one unit, and no more decimals than tell its members apart.

    Parameters
    ----------
    values : sequence of float
        SI, finite.
    unit : str
    digits : int
        Most significant digits of the largest.
    """
    exact = [_decimal(value) for value in values]
    rounded, exponent, tail = exact, 0, ""
    for fewer in range(2, digits + 1):
        rounded, exponent, tail = _aligned(values, unit, fewer)
        apart = len(set(rounded)) == len(set(exact))
        if apart and all(
            abs(r - v) <= abs(v) * _SERIES_ROUNDING for r, v in zip(rounded, exact, strict=True)
        ):
            break
    return [_digits(number.scaleb(-exponent, context=_WIDE)) + tail for number in rounded]


def percent(fraction: float | None) -> str:
    """A fraction as per cent without false certainty: "< 1 %", "37 %", "> 99 %".

    Parameters
    ----------
    fraction : float or None
        0 to 1.
    """
    if fraction is None or not math.isfinite(fraction):
        return MISSING
    if fraction < 0.01:
        return "< 1 %"
    if fraction > 0.99:
        return "> 99 %"
    return f"{_digits(_rounded(_decimal(fraction) * 100, 0))} %"


def fixed(value: float | None, decimals: int) -> str:
    """A pure number with a stated number of decimals, for columns of like numbers: "−0.08".

    Parameters
    ----------
    value : float or None
    decimals : int
    """
    if value is None or not math.isfinite(value):
        return MISSING
    return _digits(_rounded(_decimal(value), -decimals))


def plain(value: float | None, digits: int = 6) -> str:
    """A number for a program: digits as asked, ASCII, SI; empty where there is none.

    Parameters
    ----------
    value : float or None
        SI.
    digits : int
        Significant ones.
    """
    return "" if value is None or not math.isfinite(value) else f"{value:.{digits}g}"


def csv_numbers(values: Sequence[float | None], digits: int = 9) -> list[str]:
    """Numbers of a column for a program; empty where there is none.

    Parameters
    ----------
    values : sequence of float or None
        SI.
    digits : int
        Significant ones.
    """
    return [plain(value, digits) for value in values]


def csv_field(text: str) -> str:
    """A field as CSV has it: quoted where a comma, a quote or an end of a line is in it."""
    return '"' + text.replace('"', '""') + '"' if _QUOTED & set(text) else text


def tick_labels(values: Sequence[float]) -> list[str]:
    """Numbers along an axis, with no more decimals than they need, or as powers of ten."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest and not 10.0**_PLAIN_FROM <= largest < 10.0**_PLAIN_TO:
        return [quantity(value) for value in values]
    for decimals in range(_MOST_DECIMALS):
        if all(abs(round(value, decimals) - value) <= _TICK_ROUNDING * largest for value in values):
            break
    return [fixed(value, decimals) for value in values]


def _finite(value: float | None) -> float | None:
    """The value, or None if it is not a finite number."""
    return value if value is not None and math.isfinite(value) else None


def _exponent_of(number: Decimal) -> int:
    """Power of ten of the last digit."""
    return int(number.as_tuple().exponent)


def _decimal(value: float) -> Decimal:
    """The shortest decimal number that reads back as this float."""
    return Decimal(repr(float(value)))


def _rounded(number: Decimal, last: int) -> Decimal:
    """The number with its last digit at 10**last; never minus zero."""
    rounded = number.quantize(Decimal(1).scaleb(last), rounding=ROUND_HALF_UP, context=_WIDE)
    return rounded if rounded else rounded.copy_abs()


def _significant(number: Decimal, digits: int) -> Decimal:
    """The number rounded to `digits` significant digits (9.96 to two digits is 10, not 10.0)."""
    if number == 0:
        return Decimal(0)
    rounded = _rounded(number, number.adjusted() - digits + 1)
    return _rounded(rounded, rounded.adjusted() - digits + 1)


def _two_digits(stderr: float) -> Decimal:
    """A standard error as it is shown."""
    return _significant(_decimal(stderr), 2)


def _sets_digits(stderr: float | None, value: float) -> bool:
    """Whether a standard error can set the digits of a value: positive, finite, above float rounding."""
    return stderr is not None and math.isfinite(stderr) and stderr > _ROUNDING * abs(value)


def _aligned(values: Sequence[float], unit: str, digits: int) -> tuple[list[Decimal], int, str]:
    """Values with the decimals that give the largest one `digits` digits, and their common scale."""
    numbers = [_decimal(value) for value in values]
    largest = max((_significant(number, digits) for number in numbers), key=abs, default=Decimal(0))
    last = largest.adjusted() - digits + 1 if largest else 0
    return [_rounded(number, last) for number in numbers], *_scale(largest, unit)


def _range(ends: Sequence[Decimal], exponent: int, tail: str) -> str:
    """Two values "from to" on a common scale."""
    low, high = (_digits(end.scaleb(-exponent, context=_WIDE)) for end in ends)
    return f"({low} to {high}){tail}" if tail.startswith("×") else f"{low} to {high}{tail}"


def _prefix_exponent(decade: int, unit: str) -> int:
    """The multiple of three among the prefixes that suits a number of that decade."""
    if unit == "V" and decade == -1:  # 0.95 V, not 950 mV
        return 0
    return min(max(3 * (decade // 3), min(_PREFIXES)), max(_PREFIXES))


def _scale(largest: Decimal, unit: str) -> tuple[int, str]:
    """Power of ten to take out of a number, and what then stands behind it: 10^n or prefix, and unit."""
    decade = largest.adjusted() if largest else 0
    seconds = unit == "s" and decade >= 0  # nobody reads kiloseconds
    if unit in _PREFIXABLE and not seconds and min(_PREFIXES) - 3 <= decade < max(_PREFIXES) + 3:
        exponent = _prefix_exponent(decade, unit)
        return exponent, f" {unit_symbol(unit, _PREFIXES[exponent])}"
    exponent = 0 if _PLAIN_FROM <= decade < _PLAIN_TO else decade
    factor = f"×{power_of_ten(exponent)}" if exponent else ""
    symbol = unit_symbol(unit)
    return exponent, f"{factor} {symbol}" if symbol else factor


def _digits(number: Decimal) -> str:
    """All digits, without exponent, with the typographic minus."""
    return f"{number:f}".replace("-", "−")


def _with_unit(number: Decimal, error: Decimal | None, unit: str, *, strip: bool = False) -> str:
    """Number, error in parentheses, power of ten or prefix, unit."""
    exponent, tail = _scale(max(number, error or Decimal(0), key=abs), unit)
    text = _digits(number.scaleb(-exponent, context=_WIDE))
    if strip and "." in text:
        text = text.rstrip("0").rstrip(".")
    if error is not None:
        text += f"({_parenthesised(error.scaleb(-exponent))})"
    return text + tail


def _parenthesised(error: Decimal) -> str:
    """The error in units of the last digit; in full where the last digit lies before the point."""
    last = _exponent_of(error)
    return f"{error:f}" if last >= 0 else str(int(error.scaleb(-last)))
