"""How numbers and fields are written: numbers, layouts, clocks, lines that were cut, values of a header."""

import math
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memfit.loaders.tables.layout import (
    Layout,
    count_note,
    find_layout,
    header_values,
    judge_last,
    labels_of,
    number,
    optional_number,
    seconds,
    settled,
    split_fields,
)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_to_the_last_bit(value):
    assert number(repr(value)) == value
    assert Layout(";", ",").number(repr(value).replace(".", ",")) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5D-3", 1.5e-3),
        ("\u22122", -2.0),
        (" .5 ", 0.5),
        ("-1.#INF", math.inf),
        ("1,5", None),
        ("0x1", None),
    ],
)
def test_numbers_of_other_programs(text, value):
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "NaN", "n/a", "1.#QNAN", "None"])
def test_empty_cells(text):
    assert math.isnan(number(text))


def test_a_point_in_a_file_of_decimal_commas_is_no_number():
    assert Layout(";", ",").number("1.234") is None
    assert Layout(";", ",").number("1.234,5") is None


@pytest.mark.parametrize("separator", ["\t", ";", ",", " "])
@pytest.mark.parametrize("decimal", [".", ","])
def test_the_layout_is_the_one_with_the_most_numbers(separator, decimal):
    if separator == decimal:
        return
    rows = [separator.join(("1.5", "-2.25e-3", "0.1")).replace(".", decimal)] * 3
    assert find_layout(rows) == Layout(separator, decimal, 3)


def test_later_rows_tell_the_decimal_mark_of_whole_numbers():
    layout = find_layout(["1;2", "3;4"])
    assert layout == Layout(";", ".", 2)
    assert settled(layout, ["1;2", "3;4", "5;6,5"]).decimal == ","
    assert settled(layout, ["1;2", "3;4.5", "5;6,5"]).decimal == "."


def test_a_separator_inside_quotes_does_not_count():
    assert split_fields('1,"2,5",x', ",") == ["1", "2,5", "x"]


@pytest.mark.parametrize(
    "text",
    ["2024-05-06 14:31:07.5", "05/06/2024 14:31:07.5", "06.05.2024 14:31:07.5", "2024-05-06T14:31:07.5"],
)
def test_dates_are_seconds_since_1970(text):
    assert seconds(text) == (datetime(2024, 5, 6, 14, 31, 7) - datetime(1970, 1, 1)).total_seconds() + 0.5


def test_times_of_day_are_seconds_since_midnight():
    assert seconds("01:00:02.25") == 3602.25
    assert seconds("05/06/2024 02:31:07 PM") == seconds("05/06/2024 14:31:07")
    assert seconds("tomorrow") is None


@pytest.mark.parametrize(
    ("text", "others", "judged"),
    [
        ("1.25", ["1.50", "2.25", "3.75", "4.00", "5.25"], "whole"),
        ("1.2", ["1.50", "2.25", "3.75", "4.00", "5.25"], "half"),
        ("1.2e-0", ["1.2e-05"] * 5, "half"),
        ("1.2e-05", ["3.4e-05"] * 5, "whole"),
        ("12", ["12", "3", "450", "6"], "doubt"),
        ("1", [], "doubt"),
        ("", ["1", "2"], "half"),
        ("14:31:0", ["14:31:05"] * 5, "half"),
        ("14:31:07", ["14:31:05"] * 5, "whole"),
    ],
)
def test_a_last_number_is_compared_with_those_above(text, others, judged):
    assert judge_last(text, others, Layout(";")) == judged


def test_values_of_a_header():
    lines = ["a: 1", "b : 2 : 3", "a: 9", "c:", "no mark"]
    assert header_values(lines, ":") == {"a": "1", "b": "2 : 3"}
    assert labels_of("f/Hz\t Z' \t\t", "\t") == ["f/Hz", "Z'"]
    assert (optional_number("0,5"), optional_number("x"), optional_number(None)) == (0.5, None, None)
    assert count_note("{announced} and {counted}", 3, 2) == ("3 and 2",)
    assert count_note("{announced} and {counted}", 3, 3) == count_note("", None, 3) == ()
