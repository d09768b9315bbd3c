"""The minimiser on problems whose answer is certified.

NIST Statistical Reference Datasets, nonlinear regression. Data, starting values and certified values:
https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml (public domain).
"""

from types import SimpleNamespace

import numpy as np
import pytest
from nist import HARD, MODELS, PROBLEMS

from memfit.fitting.least_squares import minimise
from memfit.fitting.problem import Unknown, triangle
from memfit.fitting.uncertainty.covariance import covariance_of


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
NAMES = [f"{problem.name}-{1 + k % 2}" for k, (problem, _) in enumerate(CASES)]


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


def _minimum(rows, free, start, **settings):
    """Where the patient search ends on given residuals."""
    rows.failures = 0
    problem = SimpleNamespace(engine="lmfit", residuals=lambda unknowns: rows)
    names = tuple(unknown.name for unknown in free)
    return minimise(problem, SimpleNamespace(free=free, names=names), start, **settings).minimum


@pytest.mark.parametrize(("problem", "start"), CASES, ids=NAMES)
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
