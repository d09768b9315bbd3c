"""Gauss-Newton steps against what is known in closed form, the patient search on certified problems.

NIST Statistical Reference Datasets, nonlinear regression. Data, starting values and certified values:
https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml (public domain).
"""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest
from devices import TRUTH, device, pulses, spectra, sweeps
from nist import HARD, MODELS, PROBLEMS

from memfit.fitting.joint import fit
from memfit.fitting.minimum.effort import Effort
from memfit.fitting.minimum.least_squares import Box, Point, Surface, again, gauss_newton, minimise
from memfit.fitting.minimum.linear import triangle
from memfit.fitting.minimum.unknowns import Unknown, Unknowns, physical_unknowns
from memfit.fitting.noise import prepare
from memfit.fitting.plan import FitPlan
from memfit.fitting.uncertainty.covariance import covariance_of
from memfit.model import NAMES
from memfit.noise_estimate import NoiseLevel

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


@pytest.mark.parametrize("planned", [spectra(), [*spectra(), *sweeps()], [*sweeps(), *pulses()]])
def test_lmfit_alone_reaches_the_same_minimum(planned):
    measured = device(planned)
    own, other = (fit(measured, FitPlan(model="3d", engine=engine)).result for engine in ("memfit", "lmfit"))
    assert other.plan["engine"] == "lmfit"
    assert "engine" not in own.plan
    assert other.goodness.chi2 == pytest.approx(own.goodness.chi2, abs=1e-3)
    assert other.covariance_names == own.covariance_names
    for name, estimate in own.parameters.items():
        if estimate.value is not None and estimate.stderr:
            assert abs(other.parameters[name].value - estimate.value) < 0.01 * estimate.stderr


def test_from_afar_the_patient_search_takes_over():
    problem = prepare(device([*spectra(), *sweeps()]).records)
    unknowns = Unknowns(physical_unknowns(FitPlan(model="3d"), NAMES[:8]), TRUTH, problem.kinds)
    truth = minimise(problem, unknowns, unknowns.encode(TRUTH.as_dict()))
    far = unknowns.encode(TRUTH.replace(C_m=1e-6, tau_d=0.3).as_dict())
    found = minimise(problem, unknowns, far, failures=3)
    assert found.minimum.converged
    assert found.minimum.chi2 == pytest.approx(truth.minimum.chi2, abs=0.01)
    assert found.failures >= 3


def test_a_changed_problem_is_minimised_from_the_old_minimum():
    problem = prepare(device([*spectra(), *sweeps()]).records)
    unknowns = Unknowns(physical_unknowns(FitPlan(model="3d"), NAMES[:8]), TRUTH, problem.kinds)
    state = minimise(problem, unknowns, unknowns.encode(TRUTH.as_dict()))
    doubled = again(state, replace(problem, sigma=2.0 * problem.sigma))
    assert doubled.minimum.chi2 == pytest.approx(state.minimum.chi2 / 4.0, rel=1e-5)
    held = again(state, unknowns=unknowns.without(["tau_k"], tau_k=TRUTH.tau_k))
    assert held.minimum.chi2 >= state.minimum.chi2 - 1e-6
    assert "tau_k" not in held.unknowns.names


def _rational(x, b1, b2, b3, b4, b5, b6, b7):
    return (b1 + b2 * x + b3 * x**2 + b4 * x**3) / (1 + b5 * x + b6 * x**2 + b7 * x**3)


MODELS.update(
    {
        "Misra1a": lambda x, b1, b2: b1 * (1 - np.exp(-b2 * x)),
        "Thurber": _rational,
        "MGH09": lambda x, b1, b2, b3, b4: b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4),
        "Rat43": lambda x, b1, b2, b3, b4: b1 / (1 + np.exp(b2 - b3 * x)) ** (1 / b4),
        "Roszman1": lambda x, b1, b2, b3, b4: b1 - b2 * x - np.arctan(b3 / (x - b4)) / np.pi,
    }
)

CASES = [(problem, start) for problem in (*PROBLEMS, *HARD) for start in problem.starts]
IDS = [f"{problem.name}-{1 + k % 2}" for k, (problem, _) in enumerate(CASES)]


class Rows:
    """Residuals with derivatives by the complex step, reduced to a triangle as the joint fit does."""

    def __init__(self, problem):
        self.problem = problem

    def outer(self, b):
        return np.exp(b) if self.problem.logarithmic else b

    def rows(self, b):
        r = self.problem.model(self.outer(b)) - np.array(self.problem.y)
        columns = []
        for k in range(len(b)):
            step = np.zeros(len(b))
            step[k] = 1e-30
            columns.append(np.imag(self.problem.model(self.outer(b + 1j * step))) / 1e-30)
        return np.column_stack([*columns, r])

    def residuals(self, b):
        return triangle(self.rows(b))[:, -1]

    def jacobian(self, b):
        return triangle(self.rows(b))[:, :-1]


@dataclass(frozen=True)
class Given:
    """A problem of such rows."""

    rows: Rows
    engine: str = "lmfit"
    effort: Effort = field(default_factory=Effort)

    def residuals(self, unknowns):
        return self.rows


def _minimum(rows, free, start, **settings):
    """Where the patient search ends on given residuals."""
    rows.failures = 0
    names = tuple(unknown.name for unknown in free)
    return minimise(Given(rows), SimpleNamespace(free=free, names=names), start, **settings).minimum


@pytest.mark.parametrize(("problem", "start"), CASES, ids=IDS)
def test_certified_values_and_deviations(problem, start):
    log, rows = problem.logarithmic, Rows(problem)
    unknowns = [Unknown(f"b{k}", log, 1e-9 if log else -1e7, 1e7) for k in range(len(start))]
    x = np.array([u.inner(float(value)) for u, value in zip(unknowns, start, strict=True)])
    found = _minimum(rows, unknowns, x, tolerance=1e-14, most=3000)
    assert found.converged
    assert found.at_bound == ()
    values = rows.outer(found.x)
    np.testing.assert_allclose(values, problem.values, rtol=1e-6)
    np.testing.assert_allclose(found.chi2, problem.sum_of_squares, rtol=1e-9)
    deviations = _deviations(rows, found) * (values if log else 1.0)
    np.testing.assert_allclose(deviations, problem.deviations, rtol=1e-4)


def _deviations(rows, found):
    """Standard deviations through the room of the covariance, as for one record of uncorrelated points."""
    whole = rows.rows(found.x)
    points = len(whole)
    problem = SimpleNamespace(
        predictor=SimpleNamespace(records=[None]),
        record_of_row=np.zeros(points, dtype=int),
        noise=[NoiseLevel(1.0, 0.0)],
        sigma=np.ones(points),
        keep=np.ones(points, dtype=bool),
        residuals=lambda _: SimpleNamespace(own_rows=lambda x: np.empty((0, x.size + 1))),
    )
    free = [Unknown(f"b{j}", False, -np.inf, np.inf) for j in range(found.x.size)]
    state = SimpleNamespace(
        problem=problem,
        unknowns=SimpleNamespace(free=free),
        x=found.x,
        linearised=lambda: (whole[:, -1], whole[:, :-1]),
    )
    covariance = covariance_of(state)
    independent = covariance.effective[0] / points  # which the certified deviations take for 1
    variance = found.chi2 / (points - found.x.size)
    return np.sqrt(variance * independent * np.diag(covariance.matrix))


class Line:
    """Residuals of one unknown: x - target."""

    def __init__(self, target):
        self.target = target

    def residuals(self, x):
        return x - self.target

    def jacobian(self, x):
        return np.eye(x.size)


def test_bound_is_kept_and_named():
    found = _minimum(Line(np.array([2.0])), [Unknown("V_T", False, -1.0, 1.0)], np.array([0.0]))
    assert found.at_bound == ("V_T",)
    assert found.x[0] == pytest.approx(1.0, abs=1e-5)


def test_minimum_inside_bounds_is_not_called_a_bound():
    found = _minimum(Line(np.array([0.5])), [Unknown("V_T", False, -1.0, 1.0)], np.array([0.0]))
    assert found.at_bound == ()
    assert found.x[0] == pytest.approx(0.5, abs=1e-9)


def test_too_few_evaluations_are_told():
    problem = PROBLEMS[1]
    unknowns = [Unknown(f"b{k}", False, -1e7, 1e7) for k in range(7)]
    found = _minimum(Rows(problem), unknowns, np.array(problem.starts[0], dtype=float), most=3)
    assert not found.converged
    assert found.evaluations <= 4
