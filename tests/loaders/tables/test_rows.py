"""Rows: the quick way gives what the careful one gives, or leaves them to it; known columns; draws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memfit.errors import FileFormatError
from memfit.loaders.raw import Source
from memfit.loaders.tables.labels import Field
from memfit.loaders.tables.layout import Layout
from memfit.loaders.tables.rows import TextTable, _read_lines, _read_plain, read_draws, read_fields

numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["0", "-0", "+1.", ".5", "1e5", "2E-3", "007", "-1.50e+02"]),
)


def table(text, fields=3, separator=",", decimal="."):
    layout = Layout(separator, decimal, fields)
    labels = [f"column {number}" for number in range(fields)]
    return TextTable(text=text, start=0, first_line=4, layout=layout, wanted=(2, 0), labels=labels, file="x")


@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=20), st.sampled_from("\t;,"))
def test_the_same_bits(rows, separator):
    text = "".join(separator.join(row) + "\n" for row in rows)
    quick, careful = (read(table(text, separator=separator)) for read in (_read_plain, _read_lines))
    assert quick is not None
    for a, b in zip((*quick.columns, quick.lines), (*careful.columns, careful.lines), strict=True):
        assert a.tobytes() == b.tobytes()
    assert (quick.breaks, quick.notes) == (careful.breaks, careful.notes) == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3\n4,5,6",
        "1,2,3\n\n4,5,6\n",
        "1,2,3\n# a remark\n4,5,6\n",
        "1,2\n",
        "1,2,3,\n",
        "1,2, 3\n",
        "1,nan,3\n",
        "1,2,1e999\n",
        "1,2,1d3\n",
        "1,2,x\n",
        "٣,2,3\n",
        "",
    ],
)
def test_what_is_odd_is_left_to_the_careful_way(text):
    assert _read_plain(table(text)) is None


def test_other_layouts_are_left_to_the_careful_way():
    assert _read_plain(table("1 2 3\n", separator=" ")) is None
    assert _read_plain(table("1;2;3\n", separator=";", decimal=",")) is None


def test_long_tables_that_end_badly_are_refused_at_once():
    """No pattern tries again what it has read."""
    assert _read_plain(table("11111,22222,33333\n" * 20_000 + "1,2,\n")) is None


FIELDS = (Field("time", ("t/ms",), "ms"), Field("current", ("I / uA", "I/uA"), "uA", -1.0))


def test_columns_that_a_format_fixes_are_in_si_with_their_sign():
    source = Source("x.txt", b"I/uA;x;t/ms\n1;9;5\n2;9;6\n3;9;7\n")
    block = read_fields(source, ["I/uA", "x", "t/ms"], FIELDS, 1, needed=("time", "current"))
    assert list(block.columns) == ["current", "time"]
    np.testing.assert_allclose(block.columns["current"], [-1e-6, -2e-6, -3e-6])
    np.testing.assert_allclose(block.columns["time"], [5e-3, 6e-3, 7e-3])
    assert (block.rows, block.notes) == (3, ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"I/uA;t/ms\n", "none: the file holds no measured values"),
        (b"I/uA;t/ms\na;b\n", "expected rows of 2 numbers, found 'a;b'"),
        (b"I/uA;t/ms\n1;2\n3;x\n4;5\n", "line 3, column 't/ms': expected a number, found 'x'"),
    ],
)
def test_rows_of_a_format_that_cannot_be_read_name_their_line(text, words):
    with pytest.raises(FileFormatError, match=words):
        read_fields(Source("x.txt", text), ["I/uA", "t/ms"], FIELDS, 1)


def test_a_column_that_a_format_needs_is_named():
    with pytest.raises(FileFormatError, match="line 1: expected a column of the current; found 't/ms', 'U'"):
        read_fields(Source("x.txt", b"t/ms;U\n1;2\n"), ["t/ms", "U"], FIELDS, 1, needed=("time", "current"))


def test_draws_of_parameters_stand_in_columns_by_their_names(tmp_path):
    path = tmp_path / "chain.csv"
    path.write_text("# a chain\nR_b,V_m\n1e5,0.04\n2e5,0.05\n")
    draws = read_draws(path)
    assert {name: list(values) for name, values in draws.items()} == {"R_b": [1e5, 2e5], "V_m": [0.04, 0.05]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("R_b,R_b\n1,2\n", "a name of its own for each of 2 columns"),
        ("# nothing\n", "expected names of parameters in the first line"),
    ],
)
def test_draws_without_names_are_refused(tmp_path, text, words):
    path = tmp_path / "chain.csv"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=words):
        read_draws(path)
