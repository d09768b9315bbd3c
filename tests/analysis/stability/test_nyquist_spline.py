"""The spline between measured frequencies, against scipy's."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from memfit.analysis.stability.nyquist import finer_spline


@pytest.mark.parametrize("n", [4, 5, 31])
def test_it_is_the_not_a_knot_spline(n):
    generator = np.random.default_rng(n)
    x = np.cumsum(generator.uniform(0.1, 2.0, n))
    y = generator.standard_normal((3, n)) + 1j * generator.standard_normal((3, n))
    at = np.interp(np.arange(7 * (n - 1) + 1) / 7, np.arange(n), x)
    found = finer_spline(x, y, 7)
    assert found == pytest.approx(CubicSpline(x, y, axis=1)(at), rel=1e-10, abs=1e-10)
    assert found[:, ::7] == pytest.approx(y, rel=1e-14)


def test_a_cubic_is_itself():
    x = np.array([0.0, 0.3, 1.1, 1.5, 4.0])
    cubic = np.polynomial.Polynomial([1.0, -2.0, 0.5, 0.25])
    at = np.interp(np.arange(13) / 3, np.arange(5), x)
    assert finer_spline(x, cubic(x)[None, :], 3)[0] == pytest.approx(cubic(at), rel=1e-12)
