"""Blocks of a file whose columns the format fixes, and tables of draws."""

import numpy as np
import pytest

from memfit.errors import FileFormatError
from memfit.loaders.raw import Source
from memfit.loaders.tables.blocks import read_draws, read_fields
from memfit.loaders.tables.labels import Field

FIELDS = (Field("time", ("t/ms",), "ms"), Field("current", ("I / uA", "I/uA"), "uA", -1.0))


def test_columns_that_a_format_fixes_are_in_si_with_their_sign():
    source = Source("x.txt", b"I/uA;x;t/ms\n1;9;5\n2;9;6\n3;9;7\n")
    block = read_fields(source, ["I/uA", "x", "t/ms"], FIELDS, 1, needed=("time", "current"))
    assert list(block.columns) == ["current", "time"]
    np.testing.assert_allclose(block.columns["current"], [-1e-6, -2e-6, -3e-6])
    np.testing.assert_allclose(block.columns["time"], [5e-3, 6e-3, 7e-3])
    assert (block.rows, block.notes) == (3, ("Not read: the column 'x'.",))
    assert block.others == {"x": ("9", "9", "9")}


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
