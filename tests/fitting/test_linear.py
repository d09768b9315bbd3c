"""Triangles, and the fall of chi2 that more unknowns promise, against all rows at once."""

import numpy as np
import pytest

from memfit.fitting.linear import falls_of_chi2, least_squares, triangle


def test_falls_are_those_of_fits_with_each_group():
    generator = np.random.default_rng(2)
    known, r = generator.standard_normal((40, 5)), generator.standard_normal(40)
    known[:, 4] = known[:, 3]  # says nothing new
    groups = [generator.standard_normal((40, n)) for n in (1, 3)] + [known[:, :1]]
    for group, fall in zip(groups, falls_of_chi2(r, known, groups), strict=True):
        columns = np.column_stack([known, group])
        left = r - columns @ np.linalg.lstsq(columns, r, rcond=1e-12)[0]
        assert fall == pytest.approx(r @ r - left @ left, rel=1e-10)


def test_triangle_of_fewer_rows_than_columns_is_square():
    assert triangle(np.ones((2, 5))).shape == (5, 5)


@pytest.mark.parametrize("lost", [False, True])
def test_many_unknowns_are_solved_as_few_are(lost):
    generator = np.random.default_rng(3)
    rows, target = generator.standard_normal((90, 60)), generator.standard_normal(90)
    if lost:
        rows[:, 7] = rows[:, 30]
    expected = np.linalg.lstsq(rows, target, rcond=1e-10)[0]
    assert least_squares(rows, target, 1e-10) == pytest.approx(expected, rel=1e-9)
