"""Positions on a wafer out of attributes, as people write them."""

import numpy as np
import pytest

from memfit.datasets.positions import positions_of


def pairs(first, second, *values):
    return [{first: one, second: other} for one, other in values]


def words(name, *values):
    return [{name: value} for value in values]


LETTERS = ("column", "row, A is 1")
PLACES = [
    (pairs("x", "y", (1.0, 4.0), (2.0, 5.0), (3.0, 6.0)), [1, 2, 3], [4, 5, 6], ("x", "y")),
    (
        pairs("wafer_x", "wafer_y", ("1 cm", "2 mm"), ("2 cm", "3 mm"), ("0 mm", "0 mm")),
        [10, 20, 0], [2, 3, 0], ("x (mm)", "y (mm)"),
    ),
    (pairs("x_um", "y_um", (500, 0), (1500, 0), (0, 250)), [0.5, 1.5, 0], [0, 0, 0.25], ("x (mm)", "y (mm)")),
    (pairs("Row", "Col", (1, 7), (2, 8), (3, 9)), [7, 8, 9], [1, 2, 3], ("col", "row")),
    (words("position", "A1", "B2", "C-3"), [1, 2, 3], [1, 2, 3], LETTERS),
    (words("die", "R2C5", "R3C6", "r4 c7"), [5, 6, 7], [2, 3, 4], ("column", "row")),
    (words("site", "(3, 4)", "x5y6", "7;8"), [3, 5, 7], [4, 6, 8], ("column", "row")),
]  # fmt: skip


@pytest.mark.parametrize(("attributes", "x", "y", "titles"), PLACES)
def test_positions(attributes, x, y, titles):
    found = positions_of([*attributes, {"batch": "7"}])
    np.testing.assert_allclose(found.x, [*x, np.nan])
    np.testing.assert_allclose(found.y, [*y, np.nan])
    assert found.titles == titles
    assert found.downward == titles[1].startswith("row")


@pytest.mark.parametrize(
    "attributes",
    [
        pairs("x", "y", *[(1.0, 1.0)] * 5),
        pairs("x", "y", (1.0, 1.0), (2.0, 1.0)),
        words("x", 1.0, 2.0, 3.0),
        words("batch", "A1", "B1", "C1"),
        pairs("x", "y", ("left", "up"), ("right", "down"), ("a", "b")),
        [],
    ],
)
def test_no_positions(attributes):
    assert positions_of(attributes) is None
