"""The engine that follows a profile where it is known: closed forms, NIST, and likelihoods that stay open."""

import numpy as np
import pytest
from nist import PROBLEMS
from scipy.optimize import brentq

from memfit.confidence import CHI2_1, Z
from memfit.fitting.minimum.least_squares import Box, Point, Surface
from memfit.fitting.uncertainty.profile_likelihood import Constraint, DeeperMinimum, Origin, follow


def held(m, j=0, best=0.0, low=-np.inf, high=np.inf, longest=np.inf):
    """One coordinate of a vector of m."""
    e = np.eye(m)[j]
    return Constraint(
        name=f"x{j}",
        unit="",
        best=best,
        surface=lambda x, c: (Surface(float(x[j]) - c, e), -1.0),
        logarithmic=False,
        lower=low,
        upper=high,
        longest=longest,
    )


def wide(m):
    return Box(np.full(m, -1e6), np.full(m, 1e6), np.full(m, np.inf))


def ends(evaluate, x, target, error, m=1, threshold=CHI2_1):
    origin = Origin(evaluate(x), evaluate(x).chi2, threshold, error)
    return [follow(evaluate, wide(m), target, origin, side) for side in (-1, 1)]


@pytest.mark.parametrize("weight", [4.0, 10.0])
def test_an_asymmetric_likelihood(weight):
    """Chi2 = w^2 (e^x - 1)^2 has the interval ln(1 -+ z/w); a second unknown follows exactly."""

    def evaluate(x):
        r = np.array([weight * (np.exp(x[0]) - 1.0), x[1] - x[0] ** 2])
        return Point(x, r, np.array([[weight * np.exp(x[0]), 0.0], [-2.0 * x[0], 1.0]]))

    low, high = ends(evaluate, np.zeros(2), held(2), 1.0 / weight, m=2)
    assert low.limit == pytest.approx(np.log(1.0 - Z / weight), rel=1e-4)
    assert high.limit == pytest.approx(np.log(1.0 + Z / weight), rel=1e-4)
    for point in (*low.refits, *high.refits):
        assert point.rise == pytest.approx(weight**2 * (np.exp(point.c) - 1.0) ** 2, abs=1e-3)


def test_a_likelihood_that_levels_off_is_open_on_that_side():
    """With w = 1.5 < z chi2 rises to w^2 only, however far x falls."""

    def evaluate(x):
        return Point(x, 1.5 * (np.exp(x) - 1.0), np.array([1.5 * np.exp(x)]))

    low, high = ends(evaluate, np.zeros(1), held(1, longest=2.3), 1.0 / 1.5)
    assert (low.limit, low.ending) == (None, "level")
    assert high.limit == pytest.approx(np.log(1.0 + Z / 1.5), rel=1e-4)


def test_a_bound_before_the_threshold_leaves_the_side_open():
    def evaluate(x):
        return Point(x, x.copy(), np.eye(1))

    low, high = ends(evaluate, np.zeros(1), held(1, low=-1.0, high=3.0), 1.0)
    assert (low.limit, low.ending) == (None, "bound")
    assert low.refits[0].c == -1.0
    assert high.limit == pytest.approx(Z)


def test_a_deeper_minimum_is_told():
    """Two wells, the left one shallow: the profile from there comes upon the right one."""

    def evaluate(x):
        r = np.array([x[0] ** 2 - 1.0, 0.5 * (x[0] - 1.0)])
        return Point(x, r, np.array([[2.0 * x[0]], [0.5]]))

    start = np.array([min(np.roots([4.0, 0.0, -3.5, -0.5]).real)])
    with pytest.raises(DeeperMinimum) as found:
        ends(evaluate, start, held(1, best=float(start[0]), longest=0.5), 0.5)
    assert found.value.chi2 < evaluate(start).chi2


def test_nist_misra1a():
    """Of b2 in y = b1 (1 - exp(-b2 x)) the profile has a closed form, since b1 is linear."""
    data = PROBLEMS[0]
    x, y = np.array(data.x), np.array(data.y)
    variance = data.sum_of_squares / (y.size - 2)
    best = np.array(data.values) / [1.0, 1e-4]  # b2 in units of 1e-4

    def shape(b2):
        return 1.0 - np.exp(-1e-4 * b2 * x)

    def evaluate(b):
        g = shape(b[1])
        J = np.column_stack([g, b[0] * 1e-4 * x * np.exp(-1e-4 * b[1] * x)])
        return Point(b, (b[0] * g - y) / np.sqrt(variance), J / np.sqrt(variance))

    def rise(b2):
        g = shape(b2)
        return float(np.sum((g * (g @ y) / (g @ g) - y) ** 2) - data.sum_of_squares) / variance

    error = data.deviations[1] / 1e-4
    low, high = ends(evaluate, best, held(2, j=1, best=best[1]), error, m=2)
    for side, far in ((low, best[1] - 4 * error), (high, best[1] + 4 * error)):
        exact = brentq(lambda b: rise(b) - CHI2_1, best[1], far)
        assert side.limit == pytest.approx(exact, rel=1e-6)


def counted(evaluate):
    """The same, and how often it was called."""
    calls = []

    def counting(x):
        calls.append(x)
        return evaluate(x)

    return counting, calls


def parabola(x):
    """chi2 = (x0 + x1)^2 + x1^2, whose profile of x0 is x0^2/2."""
    J = np.array([[1.0, 1.0], [0.0, 1.0]])
    return Point(x, J @ x, J)


def test_a_straight_profile_takes_few_evaluations():
    """Marks at half the threshold and at the limit, one beyond for the picture: one evaluation each."""
    counting, calls = counted(parabola)
    origin = Origin(parabola(np.zeros(2)), 0.0, CHI2_1, np.sqrt(2.0))
    side = follow(counting, wide(2), held(2), origin, 1, picture=True)
    assert side.limit == pytest.approx(np.sqrt(2.0) * Z, rel=1e-6)
    assert side.ending == "closed"
    assert len(calls) <= 4


def test_strides_stop_where_chi2_is_too_high_and_go_on_where_it_is_not():
    counting, calls = counted(parabola)
    origin = Origin(parabola(np.zeros(2)), 0.0, 16.0, 0.0, stride=1.0)
    stopped = follow(counting, wide(2), held(2, high=10.0), origin, 1)
    assert (stopped.ending, stopped.limit) == ("closed", 7.0)  # after 1 and 3
    assert stopped.last[0] == pytest.approx(3.0)
    free = follow(counting, wide(2), held(2, high=4.0), origin, 1)
    assert (free.ending, free.limit) == ("bound", None)
    assert free.last[0] == pytest.approx(4.0)
    assert len(calls) < 30


def test_a_ridge_goes_on_from_a_place_that_is_not_the_minimum():
    """From half-way up the rise still counts from the minimum."""
    x = np.array([1.5, -0.75])
    origin = Origin(parabola(x), 0.0, CHI2_1, np.sqrt(2.0), rise=1.125)
    side = follow(parabola, wide(2), held(2, best=1.5), origin, 1)
    assert side.limit == pytest.approx(np.sqrt(2.0) * Z, rel=1e-6)


def test_what_the_data_do_not_see_stays():
    """A third unknown whose column is numerical noise keeps its value on the way."""

    def evaluate(x):
        point = parabola(x[:2])
        jacobian = np.column_stack([point.jacobian, [1e-9, -1e-9]])
        return Point(x, point.r, jacobian)

    box = Box(np.full(3, -1e6), np.full(3, 1e6), np.array([np.inf, np.inf, 2.0]))
    x = np.array([0.0, 0.0, 7.0])
    side = follow(evaluate, box, held(3), Origin(evaluate(x), 0.0, CHI2_1, np.sqrt(2.0)), -1)
    assert side.limit == pytest.approx(-np.sqrt(2.0) * Z, rel=1e-6)
    assert {refit.solution.x[2] for refit in side.refits} == {7.0}
