"""Residuals whose reduction keeps what the minimiser needs."""

from dataclasses import replace

import numpy as np
import pytest
from devices import TRUTH, device, everything, exact, pulses, sweeps
from hypothesis import given
from hypothesis import strategies as st

from memfit.fitting.minimum.linear import PENALTY, soften, triangle
from memfit.fitting.minimum.problem import JointResiduals
from memfit.fitting.minimum.unknowns import Unknowns, physical_unknowns, term_unknown
from memfit.fitting.noise import prepare
from memfit.fitting.plan import FitPlan, Term
from memfit.fitting.prediction.predict import Predictor
from memfit.model import NAMES

GAIN = term_unknown(Term("gain", instrument="iv"))


def test_gain_column_is_the_bare_prediction_of_its_kind():
    records = exact([*sweeps(), *pulses()]).records
    predictor = Predictor(records)
    unknowns = Unknowns(
        [term_unknown(Term("gain", instrument="transient"))], TRUTH, [r.kind for r in records]
    )
    x = unknowns.encode({"gain_transient": 0.9})
    prediction = predictor(TRUTH, unknowns.instrument(x))
    column = unknowns.jacobian(x, prediction, predictor.record_of_point)[:, 0]
    sweep_points = predictor.slices[1].stop
    assert not np.any(column[:sweep_points])
    np.testing.assert_allclose(0.9 * column[sweep_points:], prediction.values[sweep_points:], rtol=1e-12)


@given(st.integers(1, 700), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_triangle_keeps_squares_gradient_and_singular_values(rows, columns, seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((rows, columns)) * 10.0 ** rng.uniform(-6, 6, columns)
    R = triangle(A)
    assert R.shape == (columns, columns)
    scale = np.linalg.norm(A, axis=0)
    np.testing.assert_allclose(R.T @ R, A.T @ A, atol=1e-12 * np.max(np.outer(scale, scale)), rtol=1e-9)
    expected = np.zeros(columns)
    expected[: min(rows, columns)] = np.linalg.svd(A / scale, compute_uv=False)
    np.testing.assert_allclose(np.linalg.svd(R / scale, compute_uv=False), expected, atol=1e-12 * rows)


@given(st.floats(-1e6, 1e6))
def test_soft_residual_squares_to_the_soft_loss(r):
    soft, _ = soften(np.array([r]))
    assert soft[0] ** 2 == pytest.approx(2 * (np.sqrt(1 + r**2) - 1), rel=1e-9, abs=1e-15)
    assert abs(soft[0]) <= abs(r) or soft[0] == r


@given(st.floats(-1e4, 1e4))
def test_slope_of_softening_against_differences(r):
    step = 1e-5 * max(abs(r), 1.0)
    up, down = soften(np.array([r + step]))[0], soften(np.array([r - step]))[0]
    assert soften(np.array([r]))[1][0] == pytest.approx(
        float((up - down)[0]) / (2 * step), rel=1e-6, abs=1e-7
    )


def _residuals(robust=False):
    """Residuals of a small device with gains and a delay, at a point that is not the truth."""
    records = device(everything()).records
    problem = replace(prepare(records, robust=robust), predictor=Predictor(records, tolerance=1e-11))
    free = [
        *physical_unknowns(FitPlan(model="3d"), NAMES[:9]),
        term_unknown(Term("gain", instrument="iv")),
        term_unknown(Term("delay", 6), 0.01),
    ]
    unknowns = Unknowns(free, TRUTH, problem.kinds)
    x = unknowns.encode({**TRUTH.as_dict(), "L_s": 1e-6, "gain_iv": 1.02, "delay_6": 0.0007})
    off = np.array([0.01 if u.logarithmic else 0.0 for u in free])
    return problem.residuals(unknowns), x + off


@pytest.mark.parametrize("robust", [False, True])
def test_reduced_rows_have_the_sum_of_squares_and_gradient_of_all_rows(robust):
    residuals, x = _residuals(robust)
    r, j = residuals.all_rows(x)
    if robust:
        r, slope = soften(r)
        j = j * slope[:, None]
    short, reduced = residuals.residuals(x), residuals.jacobian(x)
    assert short.size == x.size + 1
    assert short @ short == pytest.approx(r @ r, rel=1e-12)
    np.testing.assert_allclose(reduced.T @ short, j.T @ r, rtol=1e-8, atol=1e-10 * np.abs(j.T @ r).max())


def test_jacobian_against_differences():
    residuals, x = _residuals()
    _, j = residuals.all_rows(x)
    for k in range(x.size):
        step = np.zeros(x.size)
        step[k] = 1e-4 if residuals.unknowns.free[k].logarithmic else 1e-4 * max(abs(x[k]), 1e-2)
        if residuals.unknowns.names[k] == "R_s":
            step[k] = 0.1
        if residuals.unknowns.names[k] == "L_s":
            step[k] = 1e-8
        slope = (residuals.all_rows(x + step)[0] - residuals.all_rows(x - step)[0]) / (2 * step[k])
        size = np.abs(slope).max()
        np.testing.assert_allclose(j[:, k], slope, atol=3e-4 * size, err_msg=residuals.unknowns.names[k])


def test_truth_leaves_nothing_where_there_is_no_noise():
    records = exact().records
    problem = prepare(records)
    unknowns = Unknowns(physical_unknowns(FitPlan(model="3d"), NAMES[:8]), TRUTH, problem.kinds)
    prediction = problem.residuals(unknowns).prediction(unknowns.encode(TRUTH.as_dict()))
    data = problem.predictor.data()
    for here in problem.predictor.slices:
        span = np.ptp(data[here])
        np.testing.assert_allclose(prediction.values[here], data[here], atol=1e-6 * span)


class _Broken:
    """A predictor that cannot finish the second record."""

    def __init__(self, predictor):
        self._whole = predictor
        self.record_of_point, self.slices = predictor.record_of_point, predictor.slices

    def data(self):
        return self._whole.data()

    def __call__(self, p, instrument=None):
        prediction = self._whole(p, instrument)
        prediction.values[self.slices[1]] = np.nan
        return prediction


def test_record_that_cannot_be_integrated_gets_a_finite_penalty_and_is_counted():
    problem = prepare(device(pulses()).records)
    unknowns = Unknowns(physical_unknowns(FitPlan(model="3d"), NAMES[:8]), TRUTH, problem.kinds)
    broken = _Broken(problem.predictor)
    residuals = JointResiduals(replace(problem, predictor=broken), unknowns)
    r, j = residuals.all_rows(unknowns.encode(TRUTH.as_dict()))
    lost = problem.predictor.slices[1]
    assert np.all(r[lost] == PENALTY)
    assert np.all(j[lost] == 0.0)
    assert np.all(np.abs(r[problem.predictor.slices[0]]) < 10)
    assert residuals.failures == 1
