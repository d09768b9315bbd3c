"""Triangles, and the fall of chi2 that more unknowns promise, against all rows at once."""

import numpy as np
import pytest

from memfit.fitting.minimum.linear import divided_by_sigma, falls_of_chi2, least_squares, soften, triangle


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


def test_a_residual_whose_square_is_no_number_is_cut():
    r, j = np.array([1e220, -1e180, 2.0]), np.array([[1e250, -1e190], [1.0, 1e300], [3.0, 4.0]])
    assert not divided_by_sigma(r, j, np.ones(3))
    assert np.isfinite(soften(r)).all()
    assert np.isfinite(np.column_stack([j, r]).T @ np.column_stack([j, r])).all()
    assert r[0] > 0.0 > r[1]
    assert (r[2], *j[2]) == (2.0, 3.0, 4.0)
