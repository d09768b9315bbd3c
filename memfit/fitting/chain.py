"""Chains of emcee (Foreman-Mackey et al., PASP 2013, 125, 306): how they go on and when they have converged.

A chain is kept as plain data, from which it goes on to the same bytes.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import InputError
from memfit.fitting.density import Density
from memfit.fitting.proposal import Proposal, widest
from memfit.fitting.state import State

CHUNK = 25
"""Steps between two looks at the chain."""
_FEWEST_STEPS = 100
_LENGTHS = 50.0
"""Autocorrelation times that a chain must be long (the rule of emcee's documentation)."""
R_HAT = 1.02
"""Gelman-Rubin statistic that counts as agreement. Each half of each walker is a chain: between so many short
ones of k independent draws it is about 1 + 1/k even when nothing is amiss."""
_EFFECTIVE = 1000.0
"""Least number of effective samples."""
_BURN_TIMES, _BURN_SHARE = 5.0, 0.1
"""Start of the chain that is thrown away: in autocorrelation times, and at least this share."""


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
    def begun(cls, state: State, density: Density, count: int, seed: int) -> "Chain":
        """Walkers drawn from the covariance."""
        random = np.random.RandomState(seed)
        start = Proposal.at(state).draw(count, random)
        lost = np.any(np.isnan(start), axis=1)
        box = density.box
        spread = 1e-3 * widest(state, box)
        start[lost] = box.clip(state.x + spread * random.standard_normal((int(lost.sum()), start.shape[1])))
        values = np.array([density(x) for x in start])
        return cls(np.empty((0, *start.shape)), start, values, _state_of(random), 0, density.failures)

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
        start = _emcee().State(self.last, log_prob=self.log_density, random_state=self.random)
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


def sampler_of(density: Density, proposal: Proposal, walkers: int) -> Any:
    """The ensemble sampler of emcee."""
    emcee = _emcee()
    moves = [
        (emcee.moves.MHMove(proposal), 0.5),
        (emcee.moves.DEMove(), 0.4),
        (emcee.moves.DESnookerMove(), 0.1),
    ]
    return emcee.EnsembleSampler(walkers, proposal.centre.size, density, moves=moves)


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
    if chain.steps < 2 * CHUNK:
        return Judgement(0, np.full(m, np.nan), np.full(m, np.nan), _FEWEST_STEPS, False)
    times = np.asarray(_emcee().autocorr.integrated_time(chain.x, tol=0, quiet=True))
    times = np.where(np.isfinite(times), np.maximum(times, 1.0), 1.0)
    longest = float(np.max(times))
    burn = min(int(np.ceil(max(_BURN_TIMES * longest, _BURN_SHARE * chain.steps))), chain.steps // 2)
    r_hat = split_r_hat(chain.x[burn:])
    needed = int(np.ceil(max(_LENGTHS * longest, _FEWEST_STEPS)))
    effective = (chain.steps - burn) * chain.last.shape[0] / longest
    agree = bool(np.all(r_hat <= R_HAT)) and effective >= _EFFECTIVE
    converged = chain.steps >= needed and agree
    needed = needed if converged or chain.steps < needed else chain.steps + 2 * CHUNK
    return Judgement(burn, times, r_hat, needed, converged)


def split_r_hat(x: FloatArray) -> FloatArray:
    """(m,) Gelman-Rubin statistic of a chain (steps, walkers, m) whose walkers are cut in halves."""
    half = x.shape[0] // 2
    parts = np.concatenate([x[:half], x[half : 2 * half]], axis=1)
    within = np.mean(np.var(parts, axis=0, ddof=1), axis=0)
    between = np.var(np.mean(parts, axis=0), axis=0, ddof=1)
    safe = np.where(within > 0.0, within, 1.0)
    result: FloatArray = np.where(within > 0.0, np.sqrt((half - 1) / half + between / safe), 1.0)
    return result


def check_emcee() -> None:
    """Refuse to begin without emcee.

    Raises
    ------
    InputError
        It is not installed.
    """
    _emcee()


def _state_of(random: np.random.RandomState) -> tuple[Any, ...]:
    """State of a generator as emcee passes it on."""
    return tuple(random.get_state(legacy=True))


def _emcee() -> Any:
    """The library, which few need.

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
