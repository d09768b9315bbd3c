"""From a minimum to a result: estimates, derived quantities, goodness, verdict in words."""

from collections.abc import Mapping, Sequence

import numpy as np

from memfit.arrays import FloatArray
from memfit.confidence import Z
from memfit.datasets.device import Device, extent_of
from memfit.datasets.records import ImpedanceSpectrum, Record, content_digest
from memfit.fitting.initial_state import is_staircase
from memfit.fitting.noise import first_noise
from memfit.fitting.outliers import describe_outliers
from memfit.fitting.plan import FitPlan, model_of
from memfit.fitting.predict import modulus
from memfit.fitting.problem import FitState
from memfit.fitting.result import (
    Alternative,
    Estimate,
    EstimateStatus,
    FitResult,
    FittedRecord,
    Goodness,
    InputSummary,
    RecordGoodness,
    Status,
)
from memfit.fitting.starting_values.closed_form import Candidate
from memfit.fitting.uncertainty.covariance import Covariance, covariance_of, estimates
from memfit.model.parameters import NAMES, UNITS

_STRUCTURED = 0.5
"""Lag-1 autocorrelation of a record's residuals that says: the model misses something."""
_MISFIT = 1.5
"""Residuals with structure must be this many times the noise seen without a model."""
_FAR = 6.0
"""Residuals this many times that noise are no noise, whatever their structure."""
_CORE = NAMES[:7]


def summarise(
    device: Device,
    plan: FitPlan,
    names: Sequence[str],
    minima: Sequence[FitState],
    first: Candidate,
) -> FitResult:
    """The result of a fit whose best minimum is `minima[0]`."""
    state = minima[0]
    covariance = covariance_of(state)
    found = estimates(state, covariance, first.values)
    parameters = _physical(state, found, names, first)
    goodness = _goodness(state, covariance)
    poor = _poorly_described(state, covariance)
    status = _status(state, parameters, poor)
    return FitResult(
        model=model_of(names),
        status=status,
        parameters=parameters,
        derived=_derived(state, covariance),
        nuisance={n: e for n, e in found.items() if n not in NAMES},
        covariance_names=state.unknowns.names,
        covariance=tuple(tuple(float(v) for v in row) for row in covariance.matrix),
        logarithmic=tuple(u.name for u in state.unknowns.free if u.logarithmic),
        goodness=goodness,
        alternatives=tuple(_alternative(other) for other in minima[1:]),
        excluded=describe_outliers(state),
        warnings=(*_unsaid_misfit(status, poor), *_warnings(state, covariance)),
        device={
            "name": device.name,
            "area_m2": device.area,
            "temperature_K": device.temperature,
            "attributes": dict(device.attributes),
        },
        inputs=tuple(_input(state, k, record) for k, record in enumerate(device.records)),
        plan=plan.to_dict(),
        fitted_values={**state.unknowns.parameters(state.x).as_dict(), **state.unknowns.values(state.x)},
        data={"paths": list(device.paths)} if device.paths else {},
    )


def fitted_records(state: FitState) -> tuple[FittedRecord, ...]:
    """Every record beside the model."""
    values = state.model_values()
    result = []
    for record, here in zip(state.problem.predictor.records, state.problem.predictor.slices, strict=True):
        n = record.points
        predicted, sigma, used = values[here], state.problem.sigma[here], state.problem.keep[here]
        if isinstance(record, ImpedanceSpectrum):
            predicted = predicted[:n] + 1j * predicted[n:]
        result.append(FittedRecord(record=record, predicted=predicted, sigma=sigma[:n], used=used[:n]))
    return tuple(result)


def _physical(
    state: FitState, found: Mapping[str, Estimate], names: Sequence[str], first: Candidate
) -> dict[str, Estimate]:
    """Estimates of the physical parameters in their order, fixed ones among them."""
    base = state.unknowns.base.as_dict()
    result = {}
    for name in [*names, *(n for n in ("R_s", "L_s") if n in found and n not in names)]:
        if name in found:
            estimate = found[name]
            result[name] = Estimate(
                value=estimate.value,
                unit=estimate.unit,
                stderr=estimate.stderr,
                ci95=estimate.ci95,
                status=estimate.status,
                start=estimate.start,
                reason=first.reasons.get(name, ""),
            )
        else:
            result[name] = Estimate(value=base[name], unit=UNITS[name], status="fixed", reason="fixed")
    return result


def _derived(state: FitState, covariance: Covariance) -> dict[str, Estimate]:
    """tau_m = R_b C_m and A_max = R_b i_c0/(4 V_m), with intervals propagated in the logarithm."""
    recipes = {
        "tau_m": ({"R_b": 1, "C_m": 1}, 1.0, "s"),
        "A_max": ({"R_b": 1, "i_c0": 1, "V_m": -1}, 0.25, ""),
    }
    p = state.unknowns.parameters(state.x).as_dict()
    result = {}
    for name, (powers, factor, unit) in recipes.items():
        value = factor * float(np.prod([p[k] ** power for k, power in powers.items()]))
        gradient = np.array([float(powers.get(u.name, 0)) for u in state.unknowns.free])
        error = float(np.sqrt(max(gradient @ covariance.matrix @ gradient, 0.0)))
        status = _combined_status(gradient, covariance, error)
        if status == "undetermined":
            result[name] = Estimate(value=None, unit=unit, status=status)
            continue
        half = float(np.exp(min(Z * error, 600.0)))
        result[name] = Estimate(
            value=value, unit=unit, stderr=value * error, ci95=(value / half, value * half), status=status
        )
    return result


def _combined_status(gradient: FloatArray, covariance: Covariance, error: float) -> EstimateStatus:
    """Verdict on a product of powers."""
    used = gradient != 0
    if np.any(np.abs(covariance.open_directions[:, used]) > 0.1) or error > 1.0:
        return "undetermined"
    return "weak" if error > 0.2 else "determined"


def _goodness(state: FitState, covariance: Covariance) -> Goodness:
    """chi2 and its companions, over all and record by record."""
    predictor = state.problem.predictor
    scaled = (predictor.data() - state.model_values()) / state.problem.sigma
    share = 1.0 - len(state.unknowns.free) / max(state.points, 1)
    datasets = []
    for k, (record, here) in enumerate(zip(predictor.records, predictor.slices, strict=True)):
        keep = state.problem.keep[here] & np.isfinite(scaled[here])
        count = int(np.count_nonzero(keep))
        chi2 = float(np.sum(scaled[here][keep] ** 2))
        noise = state.problem.noise[k]
        datasets.append(
            RecordGoodness(
                file=record.name,
                kind=record.kind,
                points=count // 2 if isinstance(record, ImpedanceSpectrum) else count,
                chi2_reduced=chi2 / max(share * count, 1e-9),
                noise={"relative": noise.relative, "floor": noise.floor},
                lag1_autocorrelation=covariance.lag1[k],
                effective_points=covariance.effective[k],
            )
        )
    free = len(state.unknowns.free)
    sigma = state.problem.sigma[state.problem.keep]
    log_likelihood = -0.5 * (state.minimum.chi2 + float(np.sum(np.log(2 * np.pi * sigma**2))))
    return Goodness(
        chi2=state.minimum.chi2,
        dof=max(state.points - free, 0),
        chi2_reduced=state.reduced_chi2,
        aic=2 * free - 2 * log_likelihood,
        bic=free * float(np.log(max(state.points, 1))) - 2 * log_likelihood,
        datasets=tuple(datasets),
    )


def _poorly_described(state: FitState, covariance: Covariance) -> list[str]:
    """Records whose residuals have structure that is not noise."""
    poor = []
    for k, record in enumerate(state.problem.predictor.records):
        excess = _excess_over_local_noise(state, k)
        if excess > _FAR or (covariance.lag1[k] > _STRUCTURED and excess > _MISFIT):
            poor.append(record.name)
    return poor


def _excess_over_local_noise(state: FitState, k: int) -> float:
    """A record's residuals in units of the noise seen without a model."""
    predictor = state.problem.predictor
    record, here = predictor.records[k], predictor.slices[k]
    local, used = first_noise(record), state.problem.noise[k]
    sizes = modulus(record, predictor.data()[here])
    return float(np.median(used.sigma(sizes)) / max(np.median(local.sigma(sizes)), 1e-300))


def _status(state: FitState, parameters: Mapping[str, Estimate], poor: Sequence[str]) -> Status:
    """The verdict, with what to do."""
    undetermined = [n for n in _CORE if n in parameters and parameters[n].status == "undetermined"]
    at_bound = [n for n in parameters if n in _CORE and parameters[n].status == "at_bound"]
    if not np.all(np.isfinite(state.x)) or not np.isfinite(state.minimum.chi2):
        return Status(code="not_converged", message="The fit left the range of numbers; give bounds.")
    if not state.minimum.converged:
        return Status(
            code="not_converged",
            message=f"The fit stopped before it converged ({state.minimum.message}); "
            "check the data for records of another device, give start values, or try another model.",
        )
    if undetermined:
        return Status(
            code="not_identifiable",
            message=f"The data do not determine {', '.join(undetermined)}; the others hold only as far as "
            "their intervals say. Add a spectrum at another bias, a sweep through V_T or a longer pulse, "
            "or fix what is known.",
        )
    if at_bound:
        return Status(
            code="at_bound",
            message=f"{', '.join(at_bound)} ended at a bound; widen it, or the data do not fit this model.",
        )
    if poor:
        return Status(
            code="poor_fit",
            message=f"{_misfit(poor)} Look at the residuals, and leave out what is not this device.",
        )
    return Status(code="ok", message="The model describes all records within their noise.")


def _misfit(poor: Sequence[str]) -> str:
    """What is wrong with records that the model does not describe."""
    return (
        f"The residuals of {', '.join(poor[:4])}{' and others' if len(poor) > 4 else ''} have structure "
        "beyond the noise: the model misses something there."
    )


def _unsaid_misfit(status: Status, poor: Sequence[str]) -> list[str]:
    """The same where another verdict comes first, which a wrong model or fixed value may have caused."""
    if not poor or status.code == "poor_fit":
        return []
    return [f"{_misfit(poor)} What is fixed may be wrong, or a record of another device."]


def _warnings(state: FitState, covariance: Covariance) -> list[str]:
    """What a careful reader should know."""
    said = []
    correlated = [
        r.name for r, rho, n in _correlations(state, covariance) if rho > 0.3 and n < 0.6 * r.points
    ]
    if correlated:
        said.append(
            f"Residuals of {', '.join(correlated[:5])} follow each other; their points were counted as fewer "
            "(effective points), which widens the intervals."
        )
    if state.failures:
        said.append(
            f"{state.failures} trials of the minimiser could not be integrated and were turned away; "
            "the result is not affected."
        )
    stepped = [record.name for record in state.problem.predictor.records if is_staircase(record)]
    if stepped:
        said.append(
            f"{', '.join(stepped[:5])}: the source seems to step and to measure at the end of each step, "
            "which describes these sweeps far better than a ramp."
        )
    for name, instrument in (("gain_iv", "sweeps"), ("gain_transient", "transients")):
        if name in state.unknowns.names:
            value = float(state.x[state.unknowns.names.index(name)])
            said.append(
                f"The instrument of the {instrument} reads {100 * abs(value - 1):.1f} % "
                f"{'more' if value > 1 else 'less'} than the reference instrument; a gain factor was fitted."
            )
    return said


def _correlations(state: FitState, covariance: Covariance) -> list[tuple[Record, float, float]]:
    """Record, lag-1 autocorrelation, effective points."""
    return list(zip(state.problem.predictor.records, covariance.lag1, covariance.effective, strict=True))


def _alternative(state: FitState) -> Alternative:
    """Another minimum, in words."""
    p = state.unknowns.parameters(state.x)
    values = {name: getattr(p, name) for name in NAMES if name in state.unknowns.names}
    return Alternative(parameters=values, chi2=state.minimum.chi2, note="another minimum of the same fit")


def _input(state: FitState, k: int, as_read: Record) -> InputSummary:
    """One record that went in."""
    record = state.problem.predictor.records[k]
    here = state.problem.predictor.slices[k]
    spectrum = isinstance(record, ImpedanceSpectrum)
    used = int(np.count_nonzero(state.problem.keep[here]))
    return InputSummary(
        file=record.name,
        sha256=record.origin.sha256,
        kind=record.kind,
        points=record.points,
        used=used // 2 if spectrum else used,
        bias_V=record.bias_voltage if isinstance(record, ImpedanceSpectrum) else None,
        control=record.control,
        warnings=record.notes,
        content_sha256=content_digest(as_read),
        drive="staircase" if is_staircase(record) else "as read",
        covers=extent_of(record),
    )
