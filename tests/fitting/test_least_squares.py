"""Gauss-Newton steps inside bounds and along a condition, against what is known in closed form."""

import numpy as np
import pytest

from memfit.fitting.least_squares import Box, Point, Surface, gauss_newton

OPEN = np.full(3, np.inf)


def box(low=-OPEN, high=OPEN, longest=OPEN):
    return Box(np.asarray(low, dtype=float), np.asarray(high, dtype=float), longest)


@pytest.fixture
def linear(rng):
    J, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
    return J, y, lambda x: Point(x, J @ x - y, J)


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def test_a_linear_problem_takes_one_evaluation(linear):
    J, y, evaluate = linear
    best = np.linalg.lstsq(J, y, rcond=None)[0]
    found = gauss_newton(evaluate, best + 1e-4, box())
    np.testing.assert_allclose(found.x, best, atol=1e-6)
    assert found.converged
    assert found.evaluations == 1


def test_a_held_unknown_and_the_slope_of_the_profile(linear):
    """The multiplier is the derivative of the least chi2 (envelope theorem)."""
    J, y, evaluate = linear

    def least(c):
        rest = np.linalg.lstsq(J[:, 1:], y - J[:, 0] * c, rcond=None)[0]
        return np.array([c, *rest]), float(np.sum((J @ [c, *rest] - y) ** 2))

    e = np.array([1.0, 0.0, 0.0])
    found = gauss_newton(evaluate, np.zeros(3), box(), lambda x: Surface(x[0] - 0.7, e), tolerance=1e-12)
    x, chi2 = least(0.7)
    np.testing.assert_allclose(found.x, x, atol=1e-5)
    assert found.chi2 == pytest.approx(chi2, rel=1e-9)
    slope = (least(0.7 + 1e-5)[1] - least(0.7 - 1e-5)[1]) / 2e-5
    assert found.multiplier == pytest.approx(slope, rel=1e-5)


def test_bounds_hold(linear):
    J, y, evaluate = linear
    free = np.linalg.lstsq(J, y, rcond=None)[0]
    high = free + np.array([1.0, -0.3, 1.0])
    found = gauss_newton(evaluate, np.minimum(free, high), box(high=high), tolerance=1e-10)
    rest = np.linalg.lstsq(J[:, [0, 2]], y - J[:, 1] * high[1], rcond=None)[0]
    np.testing.assert_allclose(found.x, [rest[0], high[1], rest[1]], atol=1e-5)


def test_a_curved_valley_with_a_curved_condition():
    """Rosenbrock's function on the circle x^2 + y^2 = 1/2, against a fine scan of the circle."""

    def evaluate(x):
        r = np.array([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])
        return Point(x, r, np.array([[-20.0 * x[0], 10.0], [-1.0, 0.0]]))

    def circle(x):
        return Surface(float(x @ x) - 0.5, 2.0 * x)

    angle = np.linspace(0, 2 * np.pi, 2_000_001)
    at = np.sqrt(0.5) * np.stack([np.cos(angle), np.sin(angle)])
    scan = np.min(100 * (at[1] - at[0] ** 2) ** 2 + (1 - at[0]) ** 2)
    wide = Box(np.full(2, -5.0), np.full(2, 5.0), np.full(2, np.inf))
    found = gauss_newton(evaluate, np.array([0.1, 0.9]), wide, circle, tolerance=1e-9)
    assert found.converged
    assert found.chi2 == pytest.approx(scan, abs=1e-6)
    assert found.x @ found.x == pytest.approx(0.5, abs=1e-6)


def test_a_direction_without_information_is_left_alone():
    J = np.array([[1.0, 1.0], [2.0, 2.0], [1.0, 1.0]])
    y = np.array([1.0, 2.1, 0.9])
    wide = Box(np.full(2, -50.0), np.full(2, 50.0), np.full(2, np.inf))
    found = gauss_newton(lambda x: Point(x, J @ x - y, J), np.array([3.0, -3.0]), wide)
    assert found.converged
    assert np.all(np.abs(found.x - [3.0, -3.0]) < 1.0)


def test_what_cannot_be_computed_is_not_entered():
    """Beyond x = 1 the model fails: the search comes near, and says that it did not converge."""

    def evaluate(x):
        failed = bool(x[0] > 1.0)
        return Point(
            x, np.array([1e3 if failed else x[0] - 2.0]), np.array([[0.0 if failed else 1.0]]), failed
        )

    wide = Box(np.array([-5.0]), np.array([5.0]), np.array([np.inf]))
    found = gauss_newton(evaluate, np.array([0.0]), wide)
    assert not found.converged
    assert not found.failed
    assert found.x[0] <= 1.0
