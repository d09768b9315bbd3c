"""The smooth line of a branch, against scipy's."""

import numpy as np
import pytest
from scipy.interpolate import Akima1DInterpolator

from memfit.reporting.figures.stability import smooth_line


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(1).standard_normal(12),
        np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
        np.arange(5.0) ** 2,
        np.array([3.0, 1.0, 2.0]),
    ],
)
def test_it_is_the_line_of_akima(values):
    at = np.arange(8 * (values.size - 1) + 1) / 8
    assert smooth_line(values, 8) == pytest.approx(
        Akima1DInterpolator(np.arange(values.size), values)(at), abs=1e-12
    )
