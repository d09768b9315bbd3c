"""A result with what its profiles say: intervals from the profile, verdicts that follow, a deeper minimum."""

from collections.abc import Mapping
from dataclasses import replace

from memfit.datasets.device import Device
from memfit.fitting.candidates import Candidate
from memfit.fitting.equivalents import explore
from memfit.fitting.identifiability import with_identifiability
from memfit.fitting.intervals import Profile
from memfit.fitting.plan import FitPlan, free_parameters
from memfit.fitting.profiles import Profiled
from memfit.fitting.result import Alternative, Estimate, FitResult, Status
from memfit.fitting.state import State
from memfit.fitting.summary import summarise
from memfit.fitting.uncertainty import covariance_of
from memfit.model.parameters import NAMES

_CORE = NAMES[:7]


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
    parameters = {
        name: _told_by(profiled.profiles[name], e) if name in profiled.profiles else e
        for name, e in result.parameters.items()
    }
    differ = [
        name for name, p in profiled.profiles.items() if not p.agrees and name in parameters and p.linear_ci95
    ]
    warnings = result.warnings
    if differ:
        said = f"Profile and linear interval of {', '.join(differ)} differ; the profiles' are given."
        warnings = (*warnings, said)
    return replace(
        result,
        parameters=parameters,
        profiles=dict(profiled.profiles),
        status=_status(result.status, parameters),
        warnings=warnings,
    )


def _told_by(profile: Profile, e: Estimate) -> Estimate:
    """An estimate with the interval of its profile, and the verdict that follows.

    What the linear verdict calls undetermined keeps no value, but may have limits.
    """
    if profile.kind == "flat" and profile.complete:
        return replace(e, value=None, stderr=None, ci95=None, status="undetermined")
    if e.status in ("undetermined", "at_bound"):
        return replace(e, ci95=profile.ci95)
    one_sided = profile.kind != "determined"
    return replace(e, ci95=profile.ci95, status="weak" if one_sided else e.status)


def _status(status: Status, parameters: Mapping[str, Estimate]) -> Status:
    """The verdict on the fit, once the profiles have found what is not determined."""
    lost = [name for name in _CORE if name in parameters and parameters[name].status == "undetermined"]
    if not lost or status.code in ("not_identifiable", "not_converged"):
        return status
    return Status(
        code="not_identifiable",
        message=f"By their profiles the data do not determine {', '.join(lost)}; the others hold as far as "
        "their intervals say. Add a spectrum at another bias, a sweep through V_T or a longer pulse, or fix "
        "what is known.",
    )


def _at_deeper_minimum(result: FitResult, device: Device, state: State) -> FitResult:
    """The result at the minimum that a profile came upon; the old one becomes an alternative."""
    order = {item.file: k for k, item in enumerate(result.inputs)}
    sorted_device = replace(device, records=tuple(sorted(device.records, key=lambda r: order[r.name])))
    first = Candidate(
        {n: e.start for n, e in result.parameters.items() if e.start is not None},
        0.0,
        {n: e.reason for n, e in result.parameters.items()},
    )
    plan = FitPlan.from_dict(result.plan)
    new = summarise(sorted_device, plan, free_parameters(result.model), [state], first)
    covariance = covariance_of(state)
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
