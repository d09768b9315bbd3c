"""Intervals beyond the linear ones, for a result and its data: profiles, bootstrap, draws from the posterior.

Each call gives a new result that holds what was found, its stability included. What the stability report says
can be profiled too: the smallest gain margin is an explicit function of the parameters; a Hopf voltage is
where the margin is 1, which said as a condition at a given voltage is smooth even where the two Hopf points
merge, which their own formula is not.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from memfit.analysis.stability import DEFAULT_CIRCUITS, Circuit, analyse_result
from memfit.datasets import Device
from memfit.errors import InputError
from memfit.fitting import (
    CORE,
    Alternative,
    FitPlan,
    FitResult,
    SampleSet,
    Status,
    free_parameters,
)
from memfit.fitting.minimum.problem import FitState
from memfit.fitting.starts.starting_values import StartingValues
from memfit.fitting.summary import summarise
from memfit.fitting.uncertainty import bootstrap as resampling
from memfit.fitting.uncertainty import mcmc as sampling
from memfit.fitting.uncertainty import profiles as profiling
from memfit.fitting.uncertainty.bootstrap import BootstrapKind
from memfit.fitting.uncertainty.covariance import covariance_of
from memfit.fitting.uncertainty.exploration import explore
from memfit.fitting.uncertainty.identifiability import with_identifiability
from memfit.fitting.uncertainty.profile_likelihood import Slopes, Target
from memfit.fitting.uncertainty.profiles import Profiled
from memfit.fitting.uncertainty.refit import Checkpoint, rebuild_problem
from memfit.model import (
    NAMES,
    Loop,
    Parameters,
    hopf_biases,
    least_log_gain_margin,
    least_log_gain_margin_derivatives,
    log_gain_margin,
    log_gain_margin_slope,
    loop_derivatives,
    margin_derivatives,
)
from memfit.progress import Progress, silent

MARGIN = "gain_margin"
HOPF = ("u_low", "u_high")


def stability_targets(p: Parameters, circuits: Mapping[str, Circuit] | None = None) -> dict[str, Target]:
    """Gain margin and Hopf voltages of a device, by "CIRCUIT.QUANTITY"; nothing where no gain is enough.

    Parameters
    ----------
    p : Parameters
    circuits : mapping of str to Circuit, optional
        By default a current source and a voltage source.
    """
    wanted = DEFAULT_CIRCUITS if circuits is None else circuits
    targets: dict[str, Target] = {}
    for name, circuit in wanted.items():
        if circuit.can_oscillate(p):
            targets[f"{name}.{MARGIN}"] = _margin_target(circuit)
            targets |= {f"{name}.{label}": _hopf_target(circuit, k) for k, label in enumerate(HOPF)}
    return targets


def _margin_target(circuit: Circuit) -> Target:
    """The smallest gain margin in a circuit, and the condition that its logarithm is c."""

    def least(p: Parameters) -> float:
        return float(least_log_gain_margin(_loop(circuit, p)))

    def condition(p: Parameters, c: float) -> Slopes:
        slopes = least_log_gain_margin_derivatives(p, circuit.resistance(p), circuit.external_capacitance)
        return least(p) - c, slopes, -1.0

    return Target(unit="", best=lambda p: float(np.exp(least(p))), condition=condition, logarithmic=True)


def _hopf_target(circuit: Circuit, place: int) -> Target:
    """A Hopf voltage u (V) in a circuit, and the condition that the gain margin at the voltage c is 1."""

    def voltage(place: int, p: Parameters) -> float | None:
        x = float(hopf_biases(_loop(circuit, p))[place])
        return p.V_T + p.V_m * x if np.isfinite(x) else None

    def condition(p: Parameters, c: float) -> Slopes:
        loop, x = _loop(circuit, p), (c - p.V_T) / p.V_m
        by_x = float(log_gain_margin_slope(loop, x))
        by_loop = loop_derivatives(p, circuit.resistance(p), circuit.external_capacitance)
        slopes = margin_derivatives(loop, x) @ by_loop
        slopes[NAMES.index("V_T")] -= by_x / p.V_m
        slopes[NAMES.index("V_m")] -= by_x * x / p.V_m
        return float(log_gain_margin(loop, x)), slopes, by_x / p.V_m

    best, twin = partial(voltage, place), partial(voltage, 1 - place)
    return Target(unit="V", best=best, condition=condition, twin=twin)


def _loop(circuit: Circuit, p: Parameters) -> Loop:
    """The loop of a device in a circuit."""
    return Loop.of(p, circuit.resistance(p), circuit.external_capacitance)


def _analysed(result: FitResult) -> FitResult:
    """The result with the stability that follows from all it holds, its profiles where they are closed."""

    def closed(name: str) -> tuple[float, float] | None:
        low, high = result.profiles[name].ci95 if name in result.profiles else (None, None)
        return None if low is None or high is None else (low, high)

    blocks = {}
    for name, known in analyse_result(result).items():
        points = []
        for label, point in zip(HOPF, known.hopf_points, strict=False):
            interval = closed(f"{name}.{label}")
            points.append(replace(point, u_ci95=interval, u_by="profile") if interval else point)
        blocks[name] = replace(known, hopf_points=tuple(points))
        margin = closed(f"{name}.{MARGIN}")
        if margin and known.gain_margin_ci95:
            blocks[name] = replace(blocks[name], gain_margin_ci95=margin, gain_margin_by="profile")
    return replace(result, stability=blocks)


def profile(
    result: FitResult, device: Device, *, progress: Progress = silent, checkpoint: Checkpoint | None = None
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
    determined = all(estimate.value is not None for estimate in result.parameters.values())
    targets = stability_targets(result.values()) if determined else {}
    problem = rebuild_problem(result, device)
    found = profiling.profile(problem, targets, progress=progress, checkpoint=checkpoint)
    return _analysed(with_profiles(result, device, found))


def with_profiles(result: FitResult, device: Device, profiled: Profiled) -> FitResult:
    """The result with its profiles, and with their ends as the 95 % intervals of the parameters.

    Parameters
    ----------
    result : FitResult
    device : Device
        The data of the fit.
    profiled : Profiled
    """
    if profiled.deeper:
        result = _at_deeper_minimum(result, device, profiled.state)
    profiles, parameters = profiled.profiles, dict(result.parameters)
    for name, e in result.parameters.items():
        if name not in profiles:
            continue
        found = profiles[name]
        if found.kind == "flat" and found.complete:
            parameters[name] = replace(e, value=None, stderr=None, ci95=None, status="undetermined")
        elif e.status in ("undetermined", "at_bound"):  # keeps no value, but may have limits
            parameters[name] = replace(e, ci95=found.ci95)
        else:
            status = e.status if found.kind == "determined" else "weak"
            parameters[name] = replace(e, ci95=found.ci95, status=status)
    differ = [
        name for name, one in profiles.items() if not one.agrees and name in parameters and one.linear_ci95
    ]
    warnings, status_of_fit = result.warnings, result.status
    if differ:
        said = f"Profile and linear interval of {', '.join(differ)} differ; the profiles' are given."
        warnings = (*warnings, said)
    undetermined = [n for n in CORE if n in parameters and parameters[n].status == "undetermined"]
    if undetermined and status_of_fit.code not in ("not_identifiable", "not_converged"):
        status_of_fit = Status(
            code="not_identifiable",
            message=f"By their profiles the data do not determine {', '.join(undetermined)}; the others hold "
            "as far as their intervals say. Add a spectrum at another bias, a sweep through V_T or a longer "
            "pulse, or fix what is known.",
        )
    return replace(
        result,
        parameters=parameters,
        profiles=dict(profiles),
        status=status_of_fit,
        warnings=warnings,
    )


def _at_deeper_minimum(result: FitResult, device: Device, state: FitState) -> FitResult:
    """The result at the minimum that a profile came upon; the old one becomes an alternative."""
    order = {item.file: k for k, item in enumerate(result.inputs)}
    sorted_device = replace(device, records=tuple(sorted(device.records, key=lambda r: order[r.name])))
    first = StartingValues(
        {n: e.start for n, e in result.parameters.items() if e.start is not None},
        0.0,
        {n: e.reason for n, e in result.parameters.items()},
    )
    plan = FitPlan.from_dict(result.plan)
    covariance = covariance_of(state)
    new = summarise(
        sorted_device, plan, free_parameters(result.model, plan.asked), [state], first, covariance=covariance
    )
    new = with_identifiability(new, state, covariance, explore(state, covariance))
    old = Alternative(
        parameters={n: e.value for n, e in result.parameters.items() if e.value is not None},
        chi2=result.goodness.chi2,
        note="the minimum at which the fit had ended",
    )
    fall = result.goodness.chi2 - state.minimum.chi2
    said = f"A profile came upon a deeper minimum, chi2 lower by {fall:.3g}; everything starts from there."
    return replace(
        new,
        alternatives=(old, *result.alternatives),
        conflicts=result.conflicts,
        warnings=(*result.warnings, said),
        stability=result.stability,
        environment=result.environment,
        memfit_version=result.memfit_version,
    )


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
        rebuild_problem(result, device),
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
        rebuild_problem(result, device),
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


def _with_word(result: FitResult, kind: str, found: SampleSet) -> FitResult:
    """The result with a warning where the sample cannot be trusted, and none of an earlier one."""
    others = tuple(said for said in result.warnings if not said.startswith(f"{kind}: "))
    return replace(result, warnings=others if found.status == "ok" else (*others, f"{kind}: {found.message}"))


def _seed(result: FitResult, seed: int | None) -> int:
    """A seed, by default that of the fit."""
    return int(result.plan.get("seed") or 0) if seed is None else seed
