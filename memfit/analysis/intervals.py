"""Intervals beyond the linear ones, for a result and its data: profiles, bootstrap, draws from the posterior.

Each call gives a new result that holds what was found, its stability included.
"""

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from memfit.analysis.stability import analyse_result
from memfit.analysis.targets import stability_targets, with_profiled_stability
from memfit.datasets.device import Device
from memfit.errors import InputError
from memfit.fitting import bootstrap as resampling
from memfit.fitting import posterior as sampling
from memfit.fitting import profiles as profiling
from memfit.fitting.adopt import with_profiles
from memfit.fitting.bootstrap import BootstrapKind
from memfit.fitting.checkpoint import Checkpoint
from memfit.fitting.intervals import SampleSet
from memfit.fitting.progress import Progress, silent
from memfit.fitting.restore import state_of
from memfit.fitting.result import FitResult
from memfit.fitting.targets import Target


def profile(
    result: FitResult,
    device: Device,
    *,
    progress: Progress = silent,
    checkpoint: Checkpoint | None = None,
) -> FitResult:
    """The result with the profile likelihood of every parameter, Hopf voltage and gain margin.

    The 95 % intervals of the parameters become those of the profiles.

    Parameters
    ----------
    result : FitResult
    device : Device
        The data of the fit.
    progress : callable, optional
        Told how many of how many profiles are done.
    checkpoint : Checkpoint, optional
        Where finished ones are kept.

    Raises
    ------
    InputError
        The device is not that of the fit.
    """
    found = profiling.profile(
        state_of(result, device), _targets(result), progress=progress, checkpoint=checkpoint
    )
    return _analysed(with_profiles(result, device, found))


def bootstrap(
    result: FitResult,
    device: Device,
    count: int = 1000,
    *,
    kind: BootstrapKind = "residual",
    seed: int | None = None,
    workers: int = 1,
    progress: Progress = silent,
    checkpoint: Checkpoint | None = None,
) -> FitResult:
    """The result with a bootstrap: refits of data made anew from the fit.

    Parameters
    ----------
    result : FitResult
    device : Device
        The data of the fit.
    count : int
        Refits, at least 2.
    kind : {"residual", "parametric"}
        Noise drawn from the residuals, in blocks where they follow each other; or normal noise.
    seed : int, optional
        By default that of the fit.
    workers : int
        Threads; the numbers do not depend on it.
    progress : callable, optional
    checkpoint : Checkpoint, optional

    Raises
    ------
    InputError
        The device is not that of the fit, or the settings make no sense.
    """
    if count < 2 or kind not in ("residual", "parametric"):
        raise InputError(
            'A bootstrap takes at least 2 refits of kind "residual" or "parametric"; '
            f"found {count} of kind {kind!r}."
        )
    found = resampling.bootstrap(
        state_of(result, device),
        count,
        kind=kind,
        seed=_seed(result, seed),
        workers=workers,
        progress=progress,
        checkpoint=checkpoint,
    )
    return _analysed(_with_word(replace(result, bootstrap=found), "Bootstrap", found))


def sample_posterior(
    result: FitResult,
    device: Device,
    *,
    steps: int = sampling.MOST_STEPS,
    seed: int | None = None,
    progress: Progress = silent,
    checkpoint: Checkpoint | None = None,
) -> FitResult:
    """The result with draws from the posterior, by emcee (extra `mcmc`).

    Parameters
    ----------
    result : FitResult
    device : Device
        The data of the fit.
    steps : int
        Of each walker, at most; the chain ends when it has converged.
    seed : int, optional
        By default that of the fit.
    progress : callable, optional
    checkpoint : Checkpoint, optional

    Raises
    ------
    InputError
        The device is not that of the fit, or emcee is not installed.
    """
    found = sampling.sample_posterior(
        state_of(result, device),
        seed=_seed(result, seed),
        steps=steps,
        progress=progress,
        checkpoint=checkpoint,
    )
    return _analysed(_with_word(replace(result, posterior=found), "Posterior", found))


def checkpoint_for(result: FitResult, path: Path | None) -> Checkpoint:
    """Where the work on a result is kept: it goes on with the same data, plan, outcome and program only."""
    return Checkpoint(
        path,
        {
            "memfit": version("memfit"),
            "inputs": {item.file: item.sha256 for item in result.inputs},
            "plan": result.to_dict()["plan"],
            "fitted": list(result.covariance_names),
            "chi2": f"{result.goodness.chi2:.6g}",
        },
    )


def _targets(result: FitResult) -> Mapping[str, Target]:
    """What the stability report says; nothing where a parameter is not determined."""
    if any(estimate.value is None for estimate in result.parameters.values()):
        return {}
    return stability_targets(result.values())


def _analysed(result: FitResult) -> FitResult:
    """The result with the stability that follows from all it holds."""
    stability: Mapping[str, Any] = analyse_result(result)
    return with_profiled_stability(replace(result, stability=stability))


def _with_word(result: FitResult, kind: str, found: SampleSet) -> FitResult:
    """The result with a warning where the sample cannot be trusted, and none of an earlier one."""
    others = tuple(said for said in result.warnings if not said.startswith(f"{kind}: "))
    return replace(result, warnings=others if found.status == "ok" else (*others, f"{kind}: {found.message}"))


def _seed(result: FitResult, seed: int | None) -> int:
    """A seed, by default that of the fit."""
    return int(result.plan.get("seed") or 0) if seed is None else seed
