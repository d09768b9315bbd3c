"""The posterior of a fit as a density: flat inside the bounds, normal around the data.

Each record counts as many points as are independent.
"""

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.descent import Box
from memfit.fitting.residuals import soften
from memfit.fitting.restore import row_weights
from memfit.fitting.state import State
from memfit.fitting.uncertainty import covariance_of


class Density:
    """Logarithm of the posterior at a vector, up to a constant."""

    def __init__(self, state: State) -> None:
        problem = state.problem
        self.unknowns, self.predictor, self.robust = state.unknowns, problem.predictor, problem.robust
        self.kept = np.flatnonzero(problem.keep)
        self.data = problem.predictor.data()[self.kept]
        self.scale = row_weights(state, covariance_of(state).effective) / problem.sigma[self.kept]
        self.softer = np.ones(self.kept.size)
        if self.robust:
            self.softer = self.scale * problem.sigma[self.kept]
            self.scale = 1.0 / problem.sigma[self.kept]
        self.box = Box.of(state)
        self.failures = 0

    def __call__(self, x: FloatArray) -> float:
        """-chi2/2 inside the bounds, minus infinity outside and where a record cannot be integrated."""
        if np.any(x < self.box.low) or np.any(x > self.box.high):
            return -np.inf
        p, terms = self.unknowns.parameters(x), self.unknowns.instrument(x)
        values = self.predictor(p, terms, slopes_in_time=False).values[self.kept]
        r = (values - self.data) * self.scale
        if not np.all(np.isfinite(r)):
            self.failures += 1
            return -np.inf
        if self.robust:
            r = soften(r)[0] * self.softer
        return -0.5 * float(r @ r)
