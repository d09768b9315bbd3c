"""Bootstrap: the fit repeated on data made anew from it, to see how far its values scatter.

Parametric data are the model plus normal noise of the estimated level, correlated as the residuals are.
Residual data are the model plus the fit's own residuals, drawn with replacement in each record; where
residuals follow each other, in blocks that run around the end (Politis & Romano 1992), whose length grows
with the correlation (Carlstein, Ann. Stat. 1986, 14, 1171). Both parts of an impedance are drawn together.
The residuals are centred and widened by the degrees of freedom that the fit took.

Every refit starts from the best fit, with the Gauss-Newton step that costs no evaluation of the model. Refit
number k has a random generator of its own, so that the result depends on the seed alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import ImpedanceSpectrum
from memfit.fitting.minimum.least_squares import Box, Point, gauss_newton
from memfit.fitting.minimum.linear import soften, triangle
from memfit.fitting.minimum.problem import FitState
from memfit.fitting.results.findings import SampleSet
from memfit.fitting.uncertainty.covariance import correlations_of, rounded, sample_estimates
from memfit.fitting.uncertainty.refit import Checkpoint
from memfit.progress import Progress, shared, silent

BootstrapKind = Literal["residual", "parametric"]


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the refits."""

    enough: float = 0.01
    """Fall of chi2 at which a refit ends: a tenth of a standard error squared."""
    most: int = 25
    """Evaluations of one refit."""
    fewest: float = 0.9
    """Share of refits that must succeed for the sample to be trusted."""


SETTINGS = Settings()
_WORDS: Mapping[BootstrapKind, str] = {
    "residual": "resampled residuals",
    "parametric": "normal noise of the estimated level",
}


@dataclass(frozen=True)
class _Resampler:
    """Noise, in standard deviations, as one record may have had it."""

    kind: BootstrapKind
    rows: tuple[np.ndarray, ...]
    """Indices of the points kept, one array a part: Re and Im of a spectrum."""
    residuals: FloatArray
    """(parts, n) centred and widened."""
    lag1: float
    """Correlation of neighbours; 0 where it is within the scatter of none."""

    def draw(self, generator: np.random.Generator) -> FloatArray:
        """(parts, n) noise."""
        parts, n = self.residuals.shape
        if self.kind == "parametric":
            return _autoregression(generator.standard_normal((parts, n)), self.lag1)
        length = block_length(n, self.lag1)
        starts = generator.integers(0, n, size=-(-n // length))
        index = (starts[:, None] + np.arange(length)).ravel()[:n] % n
        return self.residuals[:, index]


def bootstrap(
    state: FitState,
    count: int,
    *,
    kind: BootstrapKind = "residual",
    seed: int = 0,
    workers: int = 1,
    progress: Progress = silent,
    checkpoint: Checkpoint | None = None,
) -> SampleSet:
    """Refits of resampled data.

    Parameters
    ----------
    state : FitState
        A fit at its minimum.
    count : int
        Refits.
    kind : {"residual", "parametric"}
    seed : int
    workers : int
        Threads; the result does not depend on it.
    progress : callable
        Told after every refit.
    checkpoint : Checkpoint, optional
        Where finished refits are kept.
    """
    kept = checkpoint or Checkpoint()
    stage = f"bootstrap {kind} {count} {seed}"
    done: dict[int, list[float] | None] = {int(k): row for k, row in (kept.get(stage) or {}).items()}
    refit = _Refit(state, kind, seed)
    progress("bootstrap", len(done), count)
    try:
        for k, row in shared(refit, (k for k in range(count) if k not in done), workers):
            done[k] = row
            progress("bootstrap", len(done), count)
            kept.put(stage, lambda: {str(n): values for n, values in done.items()})
    except KeyboardInterrupt:
        kept.put(stage, lambda: {str(n): values for n, values in done.items()}, now=True)
        raise
    kept.put(stage, lambda: {str(n): values for n, values in done.items()}, now=True)
    rows = [row for k in range(count) if (row := done[k]) is not None]
    vectors = np.array(rows).reshape(-1, len(state.unknowns.free))
    samples, failed = rounded(state.unknowns, vectors), count - len(rows)
    enough = len(samples) >= max(SETTINGS.fewest * count, 2)
    message = (
        f"{len(samples)} refits of data made from the best fit with {_WORDS[kind]}"
        + (f"; {failed} more did not converge" if failed else "")
        + ("." if enough else ": too few to be trusted.")
    )
    return SampleSet(
        kind=kind,
        status="ok" if enough else "not_converged",
        message=message,
        seed=seed,
        requested=count,
        failed=failed,
        names=state.unknowns.names,
        samples=samples,
        estimates=sample_estimates(state.unknowns, vectors),
    )


def block_length(n: int, lag1: float) -> int:
    """Length of blocks for neighbours correlated by rho: (2 rho/(1 - rho^2))^(2/3) n^(1/3), 1 for none.

    Parameters
    ----------
    n : int
        Number of residuals.
    lag1 : float
        Their correlation at lag 1.

    Returns
    -------
    int
        At most n/4, but at least 2 where they are correlated.
    """
    if lag1 <= 0.0:
        return 1
    best = (2.0 * lag1 / (1.0 - lag1**2)) ** (2.0 / 3.0) * n ** (1.0 / 3.0)
    return int(np.clip(round(best), 2, max(n // 4, 2)))


class _Refit:
    """One refit by its number: the vector at its minimum, or None where it does not converge."""

    def __init__(self, state: FitState, kind: BootstrapKind, seed: int) -> None:
        self.state, self.seed, self.box = state, seed, Box.of(state)
        self.at_best, self.jacobian = r, _ = state.problem.residuals(state.unknowns).all_rows(state.x)
        correlations, record = correlations_of(state, r), state.problem.record_of_row
        widen = np.sqrt(r.size / max(r.size - len(state.unknowns.free), 1))
        self.resamplers = []
        for k, data in enumerate(state.problem.predictor.records):
            rows = np.flatnonzero(record == k)
            if rows.size == 0:
                continue
            halves = isinstance(data, ImpedanceSpectrum) and rows.size % 2 == 0
            parts = tuple(np.split(rows, 2)) if halves else (rows,)
            centred = np.array([-(r[part] - r[part].mean()) * widen for part in parts])
            rho, points = correlations[k]
            lag1 = rho if points < rows.size else 0.0
            self.resamplers.append(_Resampler(kind, parts, centred, lag1))

    def __call__(self, k: int) -> list[float] | None:
        """The refit of data number k: the model of the best fit plus noise."""
        generator = np.random.default_rng([self.seed, k])
        noise = np.empty(self.at_best.size)
        for resampler in self.resamplers:
            for rows, part in zip(resampler.rows, resampler.draw(generator), strict=True):
                noise[rows] = part
        residuals = self.state.problem.residuals(self.state.unknowns)

        def reduced(x: FloatArray, r: FloatArray, jacobian: FloatArray, failed: bool) -> Point:
            if self.state.problem.robust:
                r, slope = soften(r)
                jacobian = jacobian * slope[:, None]
            rows = triangle(np.column_stack([jacobian, r]))
            return Point(x, rows[:, -1], rows[:, :-1], failed)

        def evaluate(x: FloatArray) -> Point:
            before = residuals.failures
            r, jacobian = residuals.all_rows(x)  # (model - data)/sigma
            return reduced(x, r - self.at_best - noise, jacobian, residuals.failures > before)

        x = self.state.x
        first = reduced(x, -noise, self.jacobian, failed=False)
        found = gauss_newton(
            evaluate, x, self.box, tolerance=SETTINGS.enough, most=SETTINGS.most, first=first
        )
        if not found.converged or found.failed:
            return None
        return [float(v) for v in self.box.clip(found.x)]


def _autoregression(white: FloatArray, lag1: float) -> FloatArray:
    """(parts, n) noise of unit variance whose neighbours are correlated by `lag1`."""
    noise, fresh = white.copy(), np.sqrt(1.0 - lag1**2)
    for k in range(1, white.shape[1] if lag1 else 0):
        noise[:, k] = lag1 * noise[:, k - 1] + fresh * white[:, k]
    return noise
