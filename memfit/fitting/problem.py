"""A fit under way: records prepared for fitting, how much each point is trusted, where the minimum is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets.records import Record
from memfit.fitting.lmfit_engine import Minimum, minimise
from memfit.fitting.noise import Noise, first_noise, fit_noise
from memfit.fitting.predict import Predictor, measured, modulus
from memfit.fitting.residuals import JointResiduals
from memfit.fitting.unknowns import Unknowns

_LEAST_SIGMA = 1e-12
"""Of the largest value of the record: no point has less, where the model could not be computed."""
_MEDIAN_SQUARE = 0.4549
"""Median of the square of a standard normal variable."""
_ROUGHLY = 0.5
"""Distance from the data, in units of their spread, that terms of the instruments may still explain."""


@dataclass(frozen=True)
class Problem:
    """Records prepared for fitting, with the standard deviation of every point."""

    predictor: Predictor
    noise: tuple[Noise, ...]
    """Of each record."""
    sigma: FloatArray
    """(n,) of every point, end to end."""
    keep: BoolArray
    """(n,) points that count."""
    robust: bool = False

    @classmethod
    def prepare(cls, records: Sequence[Record], robust: bool = False) -> "Problem":
        """All points kept, the noise as seen without a model."""
        predictor = Predictor(records)
        noise = tuple(first_noise(record) for record in predictor.records)
        sizes = [modulus(r, measured(r)) for r in predictor.records]
        sigma = np.concatenate([n.sigma(size) for n, size in zip(noise, sizes, strict=True)])
        return cls(predictor, noise, sigma, np.ones(predictor.size, dtype=bool), robust)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kind of each record."""
        return tuple(record.kind for record in self.predictor.records)

    def residuals(self, unknowns: Unknowns) -> JointResiduals:
        """The residual vector for a choice of unknowns."""
        return JointResiduals(self.predictor, unknowns, self.sigma, self.keep, robust=self.robust)

    def with_noise_of(self, state: "FitState") -> "Problem":
        """The same problem with the noise that the residuals of a fit show."""
        model = state.model_values()
        residual = self.predictor.data() - model
        share = 1.0 - len(state.unknowns.free) / max(int(np.count_nonzero(self.keep)), 1)
        noise, sigma = [], np.empty_like(self.sigma)
        for record, here in zip(self.predictor.records, self.predictor.slices, strict=True):
            keep = self.keep[here] & np.isfinite(model[here])
            if np.count_nonzero(keep) < 3:
                keep = np.isfinite(model[here])
            dof = max(share, 0.1) * np.count_nonzero(keep)
            level = fit_noise(record, residual[here], keep, model[here], dof)
            noise.append(level)
            size = modulus(record, np.where(np.isfinite(model[here]), model[here], 0.0))
            sigma[here] = np.maximum(level.sigma(size), _LEAST_SIGMA * float(np.max(size, initial=1e-300)))
        return replace(self, noise=tuple(noise), sigma=sigma)


@dataclass(frozen=True)
class FitState:
    """A problem, its unknowns and a minimum."""

    problem: Problem
    unknowns: Unknowns
    minimum: Minimum
    failures: int = 0
    """Trials that could not be integrated, so far."""

    @property
    def x(self) -> FloatArray:
        """The vector at the minimum."""
        return self.minimum.x

    @property
    def points(self) -> int:
        """Points that count."""
        return int(np.count_nonzero(self.problem.keep))

    @property
    def reduced_chi2(self) -> float:
        """chi2 per degree of freedom."""
        return self.minimum.chi2 / max(self.points - len(self.unknowns.free), 1)

    def typical_misfit(self) -> float:
        """Median squared residual of the worst record, 1 for normal noise: blind to outliers only."""
        r, _ = self.linearised()
        record = self.problem.predictor.record_of_point[self.problem.keep]
        return max(float(np.median(r[record == k] ** 2)) / _MEDIAN_SQUARE for k in np.unique(record))

    def resembles_data(self) -> bool:
        """Whether the model runs through every record at least roughly, gains and the like left aside."""
        data, model = self.problem.predictor.data(), self.model_values()
        for here in self.problem.predictor.slices:
            spread = np.median(np.abs(data[here] - np.median(data[here])))
            if not np.median(np.abs(model[here] - data[here])) <= _ROUGHLY * max(spread, 1e-300):
                return False
        return True

    def model_values(self) -> FloatArray:
        """(n,) the model at every point."""
        return self.problem.residuals(self.unknowns).prediction(self.x).values

    def linearised(self) -> tuple[FloatArray, FloatArray]:
        """Residuals (k,) and their Jacobian (k, m) at the minimum."""
        return self.problem.residuals(self.unknowns).all_rows(self.x)


def solve(problem: Problem, unknowns: Unknowns, start: FloatArray, *, tolerance: float = 1e-10) -> FitState:
    """Minimise from one start."""
    residuals = problem.residuals(unknowns)
    minimum = minimise(residuals, unknowns.free, start, tolerance=tolerance)
    return FitState(problem, unknowns, minimum, residuals.failures)
