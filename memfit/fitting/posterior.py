"""Draws from the posterior with emcee (Foreman-Mackey et al., PASP 2013, 125, 306; extra `mcmc`).

The prior is flat inside the bounds in what the minimiser sees: log-uniform for what must be positive, uniform
for the rest. The likelihood is normal, each record counting as many points as are independent. Half of the
moves propose afresh from the normal approximation at the minimum with heavier tails (a multivariate t cut off
at the bounds), which a posterior of many data nearly is, so that chains forget within a few steps; the others
are moves of differential evolution (ter Braak, Stat. Comput. 2006, 16, 239), which need no such luck.
"""

import numpy as np

from memfit.fitting.chain import CHUNK, R_HAT, Chain, Judgement, judge, sampler_of
from memfit.fitting.checkpoint import Checkpoint, nothing_kept
from memfit.fitting.density import Density
from memfit.fitting.intervals import Convergence, SampleSet
from memfit.fitting.progress import Progress, silent
from memfit.fitting.proposal import Proposal
from memfit.fitting.samples import rounded, sample_estimates
from memfit.fitting.state import State

MOST_STEPS = 5000
_KEPT = 1000
"""Draws that are kept."""
_FEWEST_WALKERS = 32


def sample_posterior(
    state: State,
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
    state : State
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
    m = len(state.unknowns.free)
    count = walkers or max(_FEWEST_WALKERS, 2 * m + 2)
    density = Density(state)
    kept = checkpoint or nothing_kept()
    stage = f"posterior {seed} {count}"
    chain = Chain.resumed(kept.get(stage)) or Chain.begun(state, density, count, seed)
    sampler = sampler_of(density, Proposal.at(state), count)
    while True:
        found = judge(chain)
        progress("posterior", chain.steps, min(max(found.needed, chain.steps), steps))
        if found.converged or chain.steps >= steps:
            break
        chain = chain.continued(sampler, min(CHUNK, steps - chain.steps), density)
        kept.put(stage, chain.plain)
    kept.put(stage, chain.plain, now=True)
    return _sample_set(state, seed, chain, found)


def _sample_set(state: State, seed: int, chain: Chain, found: Judgement) -> SampleSet:
    """The chain as one record: its start thrown away, thinned evenly."""
    names = state.unknowns.names
    flat = chain.x[found.burn :].reshape(-1, len(names))
    pick = np.unique(np.linspace(0, len(flat) - 1, min(_KEPT, len(flat))).round().astype(int))
    samples = rounded(state.unknowns, flat[pick])
    convergence = {
        name: Convergence(
            autocorrelation_time=float(time), r_hat=float(r_hat), effective_samples=len(flat) / float(time)
        )
        for name, time, r_hat in zip(names, found.times, found.r_hat, strict=True)
        if np.isfinite(time)
    }
    walkers = chain.last.shape[0]
    return SampleSet(
        kind="posterior",
        status="ok" if found.converged else "not_converged",
        message=_sentence(chain, found, walkers),
        seed=seed,
        requested=chain.steps,
        failed=chain.failures,
        names=names,
        samples=samples,
        estimates=sample_estimates(names, rounded(state.unknowns, flat)),
        convergence=convergence,
        walkers=walkers,
        acceptance=chain.accepted / max(chain.steps * walkers, 1),
    )


def _sentence(chain: Chain, found: Judgement, walkers: int) -> str:
    """How the chain was made and whether to trust it."""
    said = f"{walkers} walkers of {chain.steps} steps, the first {found.burn} thrown away"
    if found.converged:
        return f"{said}; the chain has converged."
    return (
        f"{said}; the chain has not converged: it would need some {found.needed} steps and R-hat below "
        f"{R_HAT:g}. Give more steps, or fix what the data do not determine."
    )
