"""Numbers as text: golden values, nasty ones, and that nothing is lost in rounding."""

import math
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memfit.reporting.numbers import (
    interval,
    percent,
    plain,
    power_of_ten,
    quantity,
    quantity_digits,
    scale_for,
    series,
    span,
)

PREFIX = {"f": -15, "p": -12, "n": -9, "µ": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12}
PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


def golden():
    lines = (Path(__file__).parent / "numbers.txt").read_text(encoding="utf-8").splitlines()
    return [[part.strip() for part in line.split("|")] for line in lines if not line.startswith("#")]


def number(text):
    return None if text == "none" else float(text)


@pytest.mark.parametrize(("value", "stderr", "unit", "text"), golden())
def test_a_quantity_reads_as_it_should(value, stderr, unit, text):
    assert quantity(number(value), unit, number(stderr)) == text


def read_back(text, symbol):
    """Value and uncertainty of a text, in SI, as exact decimals."""
    pattern = rf"(−?[\d.]+)(?:\((\d+)\))?(?:×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))? ?([fpnµmkMGT]?){symbol}"
    digits, error, power, prefix = re.fullmatch(pattern, text).groups()
    exponent = int(power.translate(PLAIN)) if power else PREFIX[prefix]
    value = Decimal(digits.translate(PLAIN))
    last = value.as_tuple().exponent
    return value.scaleb(exponent), Decimal(error or 0).scaleb(last + exponent)


values = st.floats(min_value=1e-20, max_value=1e15) | st.floats(min_value=-1e15, max_value=-1e-20)


@given(values, st.floats(min_value=1e-10, max_value=10.0))
def test_what_is_shown_is_within_the_rounding_of_what_is_meant(value, relative):
    stderr = abs(value) * relative
    shown, error = read_back(quantity(value, "ohm", stderr), "Ω")
    assert float(error) == pytest.approx(stderr, rel=0.051)
    assert abs(float(shown) - value) <= 0.051 * stderr + 1e-15 * abs(value)


@given(values)
def test_without_an_error_four_digits_are_kept(value):
    shown, _ = read_back(quantity(value, "1"), "")
    assert float(shown) == pytest.approx(value, rel=5.1e-4)


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True, allow_infinity=True))
def test_no_pair_of_floats_raises_or_prints_nan(value, stderr):
    for unit in ("ohm", "s", "V", "1", "V/s"):
        text = quantity(value, unit, stderr)
        assert text
        assert "nan" not in text.lower()
        assert "inf" not in text.lower()


@pytest.mark.parametrize(
    ("bounds", "unit", "text"),
    [
        ((1120.0, 1340.0), "ohm", "1.120 to 1.340 kΩ"),
        ((0.9479, 0.9521), "V", "0.9479 to 0.9521 V"),
        ((None, 4e3), "ohm", "below 4.00 kΩ"),
        ((4e3, None), "ohm", "above 4.00 kΩ"),
        ((None, None), "ohm", "–"),
        (None, "ohm", "–"),
        ((math.nan, 2.0), "V", "below 2.00 V"),
        ((-1.0, 1.0), "V", "−1.00 to 1.00 V"),
        ((2.0, 2.0), "V", "2 V to 2 V"),
        ((0.0, 1e-9), "s", "0.00 to 1.00 ns"),
        ((5e4, 1.2e6), "1", "(0.05 to 1.20)×10⁶"),
    ],
)
def test_an_interval_has_one_unit(bounds, unit, text):
    assert interval(bounds, unit) == text


def test_ends_far_apart_have_a_unit_each():
    assert interval((1997.8, 1584889.7), "ohm", 1.3e5) == "2.0 kΩ to 1.6 MΩ"
    assert interval((1e4, 1.2e6)) == "10000 to 1.2×10⁶"
    assert interval((-1.0, 1584889.7), "ohm", 1.3e5) == "0.00 to 1.58 MΩ"


def test_an_interval_takes_its_digits_from_the_error_where_there_is_one():
    assert interval((11.9e3, 12.1e3), "ohm", 51.0) == "11.900 to 12.100 kΩ"


@pytest.mark.parametrize(
    ("low", "high", "unit", "text"),
    [
        (0.8215, 1.115, "V", "0.82 to 1.12 V"),
        (-0.3, 1.25, "V", "−0.30 to 1.25 V"),
        (148e-6, 950e-6, "A", "148 to 950 µA"),
        (0.0, 0.0, "V", "0 to 0 V"),
        (math.nan, 1.0, "V", "–"),
    ],
)
def test_a_span_has_one_unit(low, high, unit, text):
    assert span(low, high, unit) == text


@pytest.mark.parametrize(
    ("given_values", "unit", "texts"),
    [
        ([0.85, 1.2], "V", ["0.85 V", "1.20 V"]),
        ([0.5, 0.6428, 1.2], "V", ["0.50 V", "0.64 V", "1.20 V"]),
        ([-1.0, 0.0, 1.0], "V", ["−1.0 V", "0.0 V", "1.0 V"]),
        ([1e-6, 1.0001e-6], "A", ["1.000 µA", "1.000 µA"]),
        ([], "V", []),
    ],
)
def test_a_series_has_one_unit_and_just_enough_digits(given_values, unit, texts):
    assert series(given_values, unit) == texts


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0.0, "< 1 %"), (0.0099, "< 1 %"), (0.125, "13 %"), (0.985, "99 %"), (0.999, "> 99 %"), (None, "–")],
)
def test_a_probability_is_not_surer_than_it_is(fraction, text):
    assert percent(fraction) == text


def test_axes_take_the_prefix_of_their_largest_value():
    assert scale_for(2.3e-5, "A") == (pytest.approx(1e6), "µA")
    assert scale_for(0.4, "V") == (1.0, "V")
    assert scale_for(0.0, "A") == (1.0, "A")
    assert scale_for(math.inf, "A") == (1.0, "A")
    assert scale_for(5.0, "1") == (1.0, "")


def test_other_texts():
    assert power_of_ten(-12) == "10⁻¹²"
    assert quantity_digits(4.3666, "Hz") == "4.37 Hz"
    assert quantity_digits(None, "Hz") == "–"
    assert plain(1 / 3) == "0.333333"
    assert plain(None) == ""
    assert plain(math.nan) == ""
