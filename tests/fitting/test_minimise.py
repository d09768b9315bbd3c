"""The minimiser on problems whose answer is certified.

NIST Statistical Reference Datasets, nonlinear regression. Data, starting values and certified values:
https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml (public domain).
"""

from types import SimpleNamespace

import numpy as np
import pytest
from nist import HARD, MODELS, Certified

from memfit.fitting.lmfit_engine import minimise
from memfit.fitting.residuals import triangle
from memfit.fitting.uncertainty.covariance import covariance_of
from memfit.fitting.unknowns import Unknown


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


# fmt: off
PROBLEMS = [
    Certified(
        "Misra1a",
        x=[77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0],
        y=[10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78],
        starts=((500, 0.0001), (250, 0.0005)),
        values=(2.3894212918e02, 5.5015643181e-04),
        deviations=(2.7070075241e00, 7.2668688436e-06),
        sum_of_squares=1.2455138894e-01,
    ),
    Certified(
        "Thurber",
        x=[-3.067, -2.981, -2.921, -2.912, -2.840, -2.797, -2.702, -2.699, -2.633, -2.481,
           -2.363, -2.322, -1.501, -1.460, -1.274, -1.212, -1.100, -1.046, -0.915, -0.714,
           -0.566, -0.545, -0.400, -0.309, -0.109, -0.103, 0.010, 0.119, 0.377, 0.790, 0.963,
           1.006, 1.115, 1.572, 1.841, 2.047, 2.200],
        y=[80.574, 84.248, 87.264, 87.195, 89.076, 89.608, 89.868, 90.101, 92.405, 95.854,
           100.696, 101.060, 401.672, 390.724, 567.534, 635.316, 733.054, 759.087, 894.206,
           990.785, 1090.109, 1080.914, 1122.643, 1178.351, 1260.531, 1273.514, 1288.339,
           1327.543, 1353.863, 1414.509, 1425.208, 1421.384, 1442.962, 1464.350, 1468.705,
           1447.894, 1457.628],
        starts=((1000, 1000, 400, 40, 0.7, 0.3, 0.03), (1300, 1500, 500, 75, 1, 0.4, 0.05)),
        values=(1.2881396800e03, 1.4910792535e03, 5.8323836877e02, 7.5416644291e01, 9.6629502864e-01,
                3.9797285797e-01, 4.9727297349e-02),
        deviations=(4.6647963344e00, 3.9571156086e01, 2.8698696102e01, 5.5675370270e00, 3.1333340687e-02,
                    1.4984928198e-02, 6.5842344623e-03),
        sum_of_squares=5.6427082397e03,
    ),
    Certified(
        "MGH09",
        x=[4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625],
        y=[0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246],
        starts=((25, 39, 41.5, 39), (0.25, 0.39, 0.415, 0.39)),
        values=(1.9280693458e-01, 1.9128232873e-01, 1.2305650693e-01, 1.3606233068e-01),
        deviations=(1.1435312227e-02, 1.9633220911e-01, 8.0842031232e-02, 9.0025542308e-02),
        sum_of_squares=3.0750560385e-04,
    ),
    Certified(
        "Rat43",
        x=[float(k) for k in range(1, 16)],
        y=[16.08, 33.83, 65.80, 97.20, 191.55, 326.20, 386.87, 520.53, 590.03, 651.92, 724.93, 699.56, 689.96,
           637.56, 717.41],
        starts=((100, 10, 1, 1), (700, 5, 0.75, 1.3)),
        values=(6.9964151270e02, 5.2771253025e00, 7.5962938329e-01, 1.2792483859e00),
        deviations=(1.6302297817e01, 2.0828735829e00, 1.9566123451e-01, 6.8761936385e-01),
        sum_of_squares=8.7864049080e03,
    ),
    Certified(
        "Roszman1",
        x=[-4868.68, -4868.09, -4867.41, -3375.19, -3373.14, -3372.03, -2473.74, -2472.35, -2469.45, -1894.65,
           -1893.40, -1497.24, -1495.85, -1493.41, -1208.68, -1206.18, -1206.04, -997.92, -996.61, -996.31,
           -834.94, -834.66, -710.03, -530.16, -464.17],
        y=[0.252429, 0.252141, 0.251809, 0.297989, 0.296257, 0.295319, 0.339603, 0.337731, 0.333820, 0.389510,
           0.386998, 0.438864, 0.434887, 0.427893, 0.471568, 0.461699, 0.461144, 0.513532, 0.506641, 0.505062,
           0.535648, 0.533726, 0.568064, 0.612886, 0.624169],
        starts=((0.1, -0.00001, 1000, -100), (0.2, -0.000005, 1200, -150)),
        values=(2.0196866396e-01, -6.1953516256e-06, 1.2044556708e03, -1.8134269537e02),
        deviations=(1.9172666023e-02, 3.2058931691e-06, 7.4050983057e01, 4.9573513849e01),
        sum_of_squares=4.9484847331e-04,
    ),
]
# fmt: on
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


@pytest.mark.parametrize(("problem", "start"), CASES, ids=NAMES)
def test_certified_values_and_deviations(problem, start):
    log, rows = problem.logarithmic, Rows(problem)
    unknowns = [Unknown(f"b{k}", log, 1e-9 if log else -1e7, 1e7) for k in range(len(start))]
    x = np.array([u.inner(float(value)) for u, value in zip(unknowns, start, strict=True)])
    found = minimise(rows, unknowns, x, tolerance=1e-14, max_evaluations=3000)
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
        predictor=SimpleNamespace(record_of_point=np.zeros(points, dtype=int), records=[None]),
        keep=np.ones(points, dtype=bool),
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
    found = minimise(Line(np.array([2.0])), [Unknown("V_T", False, -1.0, 1.0)], np.array([0.0]))
    assert found.at_bound == ("V_T",)
    assert found.x[0] == pytest.approx(1.0, abs=1e-5)


def test_minimum_inside_bounds_is_not_called_a_bound():
    found = minimise(Line(np.array([0.5])), [Unknown("V_T", False, -1.0, 1.0)], np.array([0.0]))
    assert found.at_bound == ()
    assert found.x[0] == pytest.approx(0.5, abs=1e-9)


def test_too_few_evaluations_are_told():
    problem = PROBLEMS[1]
    unknowns = [Unknown(f"b{k}", False, -1e7, 1e7) for k in range(7)]
    found = minimise(Rows(problem), unknowns, np.array(problem.starts[0], dtype=float), max_evaluations=3)
    assert not found.converged
    assert found.evaluations <= 4
