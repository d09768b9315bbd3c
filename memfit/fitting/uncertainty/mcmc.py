"""Draws from the posterior with emcee (Foreman-Mackey et al., PASP 2013, 125, 306; extra `mcmc`).

The prior is flat inside the bounds in what the minimiser sees: log-uniform for what must be positive, uniform
for the rest. The likelihood is normal, each record counting as many points as are independent. Half of the
moves propose afresh from the normal approximation at the minimum with heavier tails (a multivariate t cut off
at the bounds), which a posterior of many data nearly is, so that chains forget within a few steps; the others
are moves of differential evolution (ter Braak, Stat. Comput. 2006, 16, 239), which need no such luck.

A chain is kept as plain data, from which an interrupted run goes on to the same bytes.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import InputError
from memfit.fitting.minimum.least_squares import Box, evaluator, gauss_newton
from memfit.fitting.minimum.linear import soften
from memfit.fitting.minimum.problem import FitState
from memfit.fitting.plan import CORE, unit_of_length
from memfit.fitting.results.findings import Convergence, SampleSet
from memfit.fitting.uncertainty.covariance import (
    NormalApproximation,
    covariance_of,
    rounded,
    row_weights,
    sample_estimates,
)
from memfit.fitting.uncertainty.refit import Checkpoint
from memfit.progress import Progress, silent

MOST_STEPS = 5000
"""Of each walker, unless told otherwise."""


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the chain."""

    tails: float = 6.0
    """Degrees of freedom of the proposal."""
    softest: tuple[float, ...] = (1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    """Shares of the largest singular value below which none is taken, until the proposal is narrow enough."""
    widest: float = 1.0
    """Widest standard deviation of the proposal for a logarithm, and for V_T in units of V_m."""
    tries: int = 200
    """Draws until one lies within the bounds."""
    chunk: int = 25
    """Steps between two looks at the chain."""
    fewest_steps: int = 100
    lengths: float = 50.0
    """Autocorrelation times that a chain must be long (the rule of emcee's documentation)."""
    r_hat: float = 1.02
    """Gelman-Rubin statistic that counts as agreement. Each half of each walker is a chain: between so many
    short ones of k independent draws it is about 1 + 1/k even when nothing is amiss."""
    effective: float = 1000.0
    """Least number of effective samples."""
    burn_times: float = 5.0
    """Start of the chain that is thrown away, in autocorrelation times ..."""
    burn_share: float = 0.1
    """... and at least, of the chain."""
    kept: int = 1000
    """Draws that are kept."""
    fewest_walkers: int = 32


SETTINGS = Settings()


class Density:
    """Logarithm of the posterior at a vector, up to a constant."""

    def __init__(self, state: FitState) -> None:
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


@dataclass(frozen=True)
class Proposal:
    """A multivariate t inside the bounds, proposed without regard to where a walker is."""

    centre: FloatArray
    root: FloatArray
    """(m, m) with root root^T the scale matrix."""
    box: Box

    @classmethod
    def at(cls, state: FitState) -> "Proposal":
        """The normal approximation at the minimum; narrower where the data leave a direction open."""
        weight = row_weights(state, covariance_of(state).effective)
        box = Box.of(state)
        found = gauss_newton(evaluator(state, weight), state.x, box)
        jacobian, r = found.point.jacobian, found.point.r
        normal, limit = NormalApproximation.of(jacobian), widest(state, box)
        for softest in SETTINGS.softest:
            root = normal.root(softest)
            if np.all(np.linalg.norm(root, axis=1) <= limit):
                break
        centre = found.point.x - root @ (root.T @ (jacobian.T @ r))
        return cls(centre, root, box)

    def draw(self, count: int, random: np.random.RandomState) -> FloatArray:
        """(count, m) vectors inside the bounds."""
        x = np.empty((count, self.centre.size))
        missing = np.arange(count)
        for _ in range(SETTINGS.tries):
            normal = random.standard_normal((missing.size, self.centre.size))
            chi2 = random.chisquare(SETTINGS.tails, size=missing.size) / SETTINGS.tails
            x[missing] = self.centre + (normal / np.sqrt(chi2)[:, None]) @ self.root.T
            outside = np.any((x[missing] < self.box.low) | (x[missing] > self.box.high), axis=1)
            missing = missing[outside]
            if missing.size == 0:
                break
        x[missing] = np.nan  # no place inside was met: a proposal that is refused
        return x

    def log_density(self, x: FloatArray) -> FloatArray:
        """(k,) up to a constant, inside the bounds."""
        z = np.linalg.solve(self.root, (x - self.centre).T)
        result: FloatArray = (
            -0.5 * (SETTINGS.tails + self.centre.size) * np.log1p(np.sum(z**2, axis=0) / SETTINGS.tails)
        )
        return result

    def __call__(self, x: FloatArray, random: Any) -> tuple[FloatArray, FloatArray]:
        """New places for the walkers, and the logarithm of how much likelier the way back is."""
        new = self.draw(len(x), random)
        lost = np.any(np.isnan(new), axis=1)
        new[lost] = x[lost]
        return new, self.log_density(x) - self.log_density(new)


def widest(state: FitState, box: Box) -> FloatArray:
    """(m,) widest standard deviations of the proposal.

    Parameters
    ----------
    state : FitState
    box : Box
        Its bounds.
    """
    V_m = state.parameters.V_m
    length = [unit_of_length(u.name, V_m) if u.name in CORE else np.inf for u in state.unknowns.free]
    result: FloatArray = np.minimum(0.25 * (box.high - box.low), SETTINGS.widest * np.array(length))
    return result


@dataclass(frozen=True)
class Chain:
    """What has been sampled."""

    x: FloatArray
    """(steps, walkers, m)."""
    last: FloatArray
    """(walkers, m), the start of what follows."""
    log_density: FloatArray
    """(walkers,) there."""
    random: tuple[Any, ...]
    """State of the generator."""
    accepted: int
    failures: int

    @property
    def steps(self) -> int:
        """Of each walker."""
        return int(self.x.shape[0])

    @classmethod
    def begun(cls, state: FitState, density: Density, count: int, seed: int) -> "Chain":
        """Walkers drawn from the covariance."""
        random = np.random.RandomState(seed)
        start = Proposal.at(state).draw(count, random)
        lost = np.any(np.isnan(start), axis=1)
        box = density.box
        spread = 1e-3 * widest(state, box)
        start[lost] = box.clip(state.x + spread * random.standard_normal((int(lost.sum()), start.shape[1])))
        values = np.array([density(x) for x in start])
        return cls(
            np.empty((0, *start.shape)),
            start,
            values,
            tuple(random.get_state(legacy=True)),
            0,
            density.failures,
        )

    @classmethod
    def resumed(cls, data: Any) -> "Chain | None":
        """The chain of an interrupted run."""
        if not data:
            return None
        name, keys, *rest = data["random"]
        return cls(
            np.array(data["x"]),
            np.array(data["last"]),
            np.array([-np.inf if v is None else v for v in data["log_density"]]),
            (name, np.array(keys, dtype=np.uint32), *rest),
            int(data["accepted"]),
            int(data["failures"]),
        )

    def plain(self) -> dict[str, Any]:
        """Plain data, from which the chain goes on to the same bytes."""
        name, keys, position, has_normal, normal = self.random
        return {
            "x": self.x.tolist(),
            "last": self.last.tolist(),
            "log_density": [v if np.isfinite(v) else None for v in self.log_density.tolist()],
            "random": [name, keys.tolist(), int(position), int(has_normal), float(normal)],
            "accepted": self.accepted,
            "failures": self.failures,
        }

    def continued(self, sampler: Any, steps: int, density: Density) -> "Chain":
        """The chain with some steps more."""
        start = require_emcee().State(self.last, log_prob=self.log_density, random_state=self.random)
        density.failures = 0
        found, accepted, last = [], 0, self.last
        for state in sampler.sample(start, iterations=steps, store=False, skip_initial_state_check=True):
            accepted += int(np.count_nonzero(np.any(state.coords != last, axis=1)))
            last = state.coords.copy()
            found.append(last)
            after = state
        return Chain(
            np.concatenate([self.x, np.array(found)]),
            last,
            after.log_prob.copy(),
            after.random_state,
            self.accepted + accepted,
            self.failures + density.failures,
        )


@dataclass(frozen=True)
class Judgement:
    """Whether a chain has converged."""

    burn: int
    times: FloatArray
    """(m,) autocorrelation times, steps; NaN for a short chain."""
    r_hat: FloatArray
    """(m,)."""
    needed: int
    """Steps that are expected to be enough."""
    converged: bool


def judge(chain: Chain) -> Judgement:
    """Autocorrelation and agreement of the walkers."""
    m = chain.last.shape[1]
    if chain.steps < 2 * SETTINGS.chunk:
        return Judgement(0, np.full(m, np.nan), np.full(m, np.nan), SETTINGS.fewest_steps, False)
    times = np.asarray(require_emcee().autocorr.integrated_time(chain.x, tol=0, quiet=True))
    times = np.where(np.isfinite(times), np.maximum(times, 1.0), 1.0)
    longest = float(np.max(times))
    burn = min(
        int(np.ceil(max(SETTINGS.burn_times * longest, SETTINGS.burn_share * chain.steps))), chain.steps // 2
    )
    r_hat = split_r_hat(chain.x[burn:])
    needed = int(np.ceil(max(SETTINGS.lengths * longest, SETTINGS.fewest_steps)))
    effective = (chain.steps - burn) * chain.last.shape[0] / longest
    agree = bool(np.all(r_hat <= SETTINGS.r_hat)) and effective >= SETTINGS.effective
    converged = chain.steps >= needed and agree
    needed = needed if converged or chain.steps < needed else chain.steps + 2 * SETTINGS.chunk
    return Judgement(burn, times, r_hat, needed, converged)


def split_r_hat(x: FloatArray) -> FloatArray:
    """(m,) Gelman-Rubin statistic of a chain (steps, walkers, m) whose walkers are cut in halves.

    Parameters
    ----------
    x : (steps, walkers, m) array
    """
    half = x.shape[0] // 2
    parts = np.concatenate([x[:half], x[half : 2 * half]], axis=1)
    within = np.mean(np.var(parts, axis=0, ddof=1), axis=0)
    between = np.var(np.mean(parts, axis=0), axis=0, ddof=1)
    safe = np.where(within > 0.0, within, 1.0)
    result: FloatArray = np.where(within > 0.0, np.sqrt((half - 1) / half + between / safe), 1.0)
    return result


def require_emcee() -> Any:
    """The library emcee, which few need.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        return import_module("emcee")
    except ImportError as problem:
        raise InputError(
            "Sampling the posterior needs the package emcee, which is not installed; "
            'install it with pip install "memfit[mcmc]".'
        ) from problem


def sample_posterior(
    state: FitState,
    *,
    seed: int = 0,
    steps: int = MOST_STEPS,
    walkers: int | None = None,
    progress: Progress = silent,
    checkpoint: Checkpoint | None = None,
) -> SampleSet:
    """Draws from the posterior of a fit, until the chain has converged.

    Parameters
    ----------
    state : FitState
        A fit at its minimum.
    seed : int
    steps : int
        At most, of each walker.
    walkers : int, optional
        By default 32, or twice the number of unknowns and two where that is more.
    progress : callable
    checkpoint : Checkpoint, optional
        Where the chain is kept.

    Returns
    -------
    SampleSet
        With status "not_converged" where the chain is too short.

    Raises
    ------
    InputError
        emcee is not installed.
    """
    names = state.unknowns.names
    count = walkers or max(SETTINGS.fewest_walkers, 2 * len(names) + 2)
    density = Density(state)
    kept = checkpoint or Checkpoint()
    stage = f"posterior {seed} {count}"
    chain = Chain.resumed(kept.get(stage)) or Chain.begun(state, density, count, seed)
    emcee = require_emcee()
    moves = [
        (emcee.moves.MHMove(Proposal.at(state)), 0.5),
        (emcee.moves.DEMove(), 0.4),
        (emcee.moves.DESnookerMove(), 0.1),
    ]
    sampler = emcee.EnsembleSampler(count, len(names), density, moves=moves)
    while True:
        found = judge(chain)
        progress("posterior", chain.steps, min(max(found.needed, chain.steps), steps))
        if found.converged or chain.steps >= steps:
            break
        chain = chain.continued(sampler, min(SETTINGS.chunk, steps - chain.steps), density)
        kept.put(stage, chain.plain)
    kept.put(stage, chain.plain, now=True)
    message = f"{count} walkers of {chain.steps} steps, the first {found.burn} thrown away; the chain has "
    if found.converged:
        message += "converged."
    else:
        message += (
            f"not converged: it would need some {found.needed} steps and R-hat below {SETTINGS.r_hat:g}. "
            "Give more steps, or fix what the data do not determine."
        )
    flat = chain.x[found.burn :].reshape(-1, len(names))
    pick = np.unique(np.linspace(0, len(flat) - 1, min(SETTINGS.kept, len(flat))).round().astype(int))
    samples = rounded(state.unknowns, flat[pick])
    convergence = {
        name: Convergence(
            autocorrelation_time=float(time), r_hat=float(r_hat), effective_samples=len(flat) / float(time)
        )
        for name, time, r_hat in zip(names, found.times, found.r_hat, strict=True)
        if np.isfinite(time)
    }
    return SampleSet(
        kind="posterior",
        status="ok" if found.converged else "not_converged",
        message=message,
        seed=seed,
        requested=chain.steps,
        failed=chain.failures,
        names=names,
        samples=samples,
        estimates=sample_estimates(state.unknowns, flat),
        convergence=convergence,
        walkers=count,
        acceptance=chain.accepted / max(chain.steps * count, 1),
    )
