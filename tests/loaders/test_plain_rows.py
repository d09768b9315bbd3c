"""The quick way to read plain rows gives what the careful one gives, and leaves to it whatever is odd."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memfit.loaders.tables.layout import Layout
from memfit.loaders.tables.rows import TextTable, _read_lines, _read_plain

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
