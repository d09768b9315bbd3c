"""A fit whose model is linear in the logarithms of two parameters: everything about it is known exactly."""

from types import SimpleNamespace

import numpy as np

from memfit.fitting import FitPlan
from memfit.fitting.minimum.problem import FitState, Minimum, Problem
from memfit.fitting.minimum.unknowns import Unknowns, physical_unknowns
from memfit.fitting.prediction.predict import Prediction
from memfit.model import NAMES, Parameters
from memfit.noise_estimate import NoiseLevel

BASE = Parameters(R_b=1.0, C_m=1.0, i_c0=1.0, V_T=1.0, V_m=0.1, tau_d=1.0, tau_k=1.0, R_s=0.0)
FREE = ("R_b", "C_m")


class LinearPredictor:
    """values = A (ln R_b, ln C_m)."""

    def __init__(self, A, y):
        self.A, self._y = A, y
        self.records = (SimpleNamespace(kind="transient", points=y.size),)
        self.slices = (slice(0, y.size),)
        self.record_of_point = np.zeros(y.size, dtype=int)
        self.size = y.size

    def data(self):
        return self._y

    def __call__(self, p, instrument=None, *, slopes_in_time=True):
        n = self.size
        values = self.A @ np.log([p.R_b, p.C_m])
        derivatives = np.zeros((n, len(NAMES)))
        derivatives[:, 0], derivatives[:, 1] = self.A[:, 0] / p.R_b, self.A[:, 1] / p.C_m
        return Prediction(values, derivatives, values, np.zeros(n), np.zeros((n, 3)), np.zeros((n, 0)))


def linear_state(sigma=0.3, seed=3, n=40, slope=0.6, bounds=None):
    """A fit at its exact minimum, and its exact covariance (2, 2)."""
    t = np.linspace(-1.0, 1.0, n)
    A = np.column_stack([np.ones(n), t + slope])
    y = A @ [0.4, -0.7] + sigma * np.random.default_rng(seed).standard_normal(n)
    problem = Problem(
        LinearPredictor(A, y), (NoiseLevel(0.0, sigma),), np.full(n, sigma), np.ones(n, dtype=bool)
    )
    plan = FitPlan(bounds=bounds or {})
    unknowns = Unknowns(physical_unknowns(plan, FREE), BASE, ("transient",))
    x = np.linalg.lstsq(A, y, rcond=None)[0]
    chi2 = float(np.sum((A @ x - y) ** 2)) / sigma**2
    covariance = sigma**2 * np.linalg.inv(A.T @ A)
    return FitState(problem, unknowns, Minimum(x, chi2, True, "", 1, ())), covariance
