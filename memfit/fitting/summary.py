"""From a minimum to a result: estimates, derived quantities, goodness, verdict in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.confidence import Z
from memfit.datasets import Device, ImpedanceSpectrum, content_digest, extent_of
from memfit.fitting.minimum.problem import FitState
from memfit.fitting.outliers import describe_outliers
from memfit.fitting.plan import CORE, KINDS, FitPlan, model_of
from memfit.fitting.prediction.drives import is_staircase
from memfit.fitting.results.findings import Alternative, Conflict
from memfit.fitting.results.result import (
    Estimate,
    FitResult,
    FittedRecord,
    Goodness,
    InputSummary,
    RecordGoodness,
    Status,
)
from memfit.fitting.starts.starting_values import StartingValues
from memfit.fitting.uncertainty.covariance import SETTINGS as NORMAL
from memfit.fitting.uncertainty.covariance import Covariance, estimates
from memfit.model import DERIVED, EXTENSIONS, NAMES, PARAMETERS
from memfit.model.limits import SYMMETRIC, SYMMETRIC_TIES
from memfit.units import format_quantity


@dataclass(frozen=True)
class Settings:
    """Numbers on which a verdict turns."""

    follow: float = 0.3
    """Lag-1 autocorrelation of which a reader should know, where points count less than `worth`."""
    worth: float = 0.6
    large_gain: float = 0.1
    """Distance of a gain from 1 that is a question to the user."""


SETTINGS = Settings()


def summarise(
    device: Device,
    plan: FitPlan,
    names: Sequence[str],
    minima: Sequence[FitState],
    first: StartingValues,
    *,
    covariance: Covariance,
    conflicts: tuple[Conflict, ...] = (),
) -> FitResult:
    """The result of a fit whose best minimum is `minima[0]`.

    Parameters
    ----------
    device : Device
    plan : FitPlan
    names : sequence of str
        Physical parameters of the model that may be free from the start.
    minima : sequence of FitState
        The best first; the others become alternatives.
    first : StartingValues
        That led to the best.
    covariance : Covariance
        At the best minimum.
    conflicts : tuple of Conflict
        Between kinds of data.
    """
    state = minima[0]
    problem = state.problem
    estimated = estimates(state, covariance, first.values)
    parameters = {}
    for name in [*names, *(n for n in NAMES if n in estimated and n not in names)]:
        if name in estimated:
            parameters[name] = replace(estimated[name], reason=first.reasons.get(name, ""))
        else:
            value, unit = float(getattr(state.parameters, name)), PARAMETERS[name].unit
            reason = "fixed" if name in plan.fix else "describes the records best, which do not tell it"
            parameters[name] = Estimate(value=value, unit=unit, status="fixed", reason=reason)
    warnings = _warnings(state, covariance, conflicts)
    alternatives = []
    for other in minima[1:]:
        note = "another minimum of the same fit"
        alternatives.append(Alternative(parameters=other.fitted_values, chi2=other.minimum.chi2, note=note))
    inputs = []
    for record, here, as_read in zip(
        problem.predictor.records, problem.predictor.slices, device.records, strict=True
    ):
        inputs.append(
            InputSummary(
                file=record.name,
                sha256=record.origin.sha256,
                kind=record.kind,
                points=record.points,
                used=int(np.count_nonzero(problem.keep[here][: record.points])),
                bias_V=record.bias_voltage if isinstance(record, ImpedanceSpectrum) else None,
                control=record.control,
                warnings=record.notes,
                content_sha256=content_digest(as_read),
                drive="staircase" if is_staircase(record) else "as read",
                covers=extent_of(record),
            )
        )
    ties = dict(state.unknowns.ties.expressions)
    tied = SYMMETRIC_TIES.items() <= ties.items()
    return FitResult(
        model=model_of(names),
        parts=tuple(
            SYMMETRIC if part == "second_polarity" and tied else part
            for part, own in EXTENSIONS.items()
            if set(own) & set(names)
        ),
        status=_status(state, parameters),
        parameters=parameters,
        derived=_derived(state, covariance),
        nuisance={n: e for n, e in estimated.items() if n not in NAMES},
        covariance_names=state.unknowns.names,
        covariance=tuple(tuple(float(v) for v in row) for row in covariance.matrix),
        logarithmic=tuple(u.name for u in state.unknowns.free if u.logarithmic),
        goodness=_goodness(state, covariance),
        alternatives=tuple(alternatives),
        conflicts=conflicts,
        excluded=describe_outliers(state),
        warnings=tuple(warnings),
        device={
            "name": device.name,
            "area_m2": device.area,
            "temperature_K": device.temperature,
            "attributes": dict(device.attributes),
        },
        inputs=tuple(inputs),
        plan=plan.to_dict(),
        fitted_values={**state.parameters.as_dict(), **state.unknowns.values(state.x)},
        data={"paths": list(device.paths)} if device.paths else {},
    )


def fitted_records(state: FitState) -> tuple[FittedRecord, ...]:
    """Every record beside the model.

    Parameters
    ----------
    state : FitState
    """
    values = state.model_values()
    result = []
    for record, here in zip(state.problem.predictor.records, state.problem.predictor.slices, strict=True):
        n = record.points
        predicted, sigma, used = values[here], state.problem.sigma[here], state.problem.keep[here]
        if isinstance(record, ImpedanceSpectrum):
            predicted = predicted[:n] + 1j * predicted[n:]
        result.append(FittedRecord(record=record, predicted=predicted, sigma=sigma[:n], used=used[:n]))
    return tuple(result)


def _derived(state: FitState, covariance: Covariance) -> dict[str, Estimate]:
    """Derived quantities, products of powers, with intervals propagated in the logarithm."""
    result = {}
    for name, row in DERIVED.items():
        value = row.value(state.parameters)
        gradient = np.array([float(row.exponents.get(u.name, 0)) for u in state.unknowns.free])
        error = float(np.sqrt(max(gradient @ covariance.matrix @ gradient, 0.0)))
        opened = any(covariance.is_open(int(j)) for j in np.flatnonzero(gradient))
        if opened or error > NORMAL.undetermined:
            result[name] = Estimate(value=None, unit=row.unit, status="undetermined")
            continue
        half = float(np.exp(min(Z * error, 600.0)))
        result[name] = Estimate(
            value=value,
            unit=row.unit,
            stderr=value * error,
            ci95=(value / half, value * half),
            status="weak" if error > NORMAL.weak else "determined",
        )
    return result


def _goodness(state: FitState, covariance: Covariance) -> Goodness:
    """chi2 and its companions, over all and record by record."""
    predictor, scaled = state.problem.predictor, state.scaled_distances()
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
        chi2_reduced=state.minimum.chi2 / max(state.points - free, 1),
        aic=2 * free - 2 * log_likelihood,
        bic=free * float(np.log(max(state.points, 1))) - 2 * log_likelihood,
        datasets=tuple(datasets),
    )


def _status(state: FitState, parameters: Mapping[str, Estimate]) -> Status:
    """The verdict as far as the model is true, with what to do."""
    undetermined = [n for n in CORE if n in parameters and parameters[n].status == "undetermined"]
    at_bound = [n for n in parameters if n in CORE and parameters[n].status == "at_bound"]
    if not np.all(np.isfinite(state.x)) or not np.isfinite(state.minimum.chi2):
        return Status(code="not_converged", message="The fit left the range of numbers; give bounds.")
    if stopped := state.problem.effort.stopped:
        return Status(
            code="not_converged",
            message=f"The fit was stopped ({stopped}): these are the best values so far, not those of a fit "
            "that ended.",
        )
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
    return Status(code="ok", message="The model describes all records within their noise.")


def _warnings(state: FitState, covariance: Covariance, conflicts: Sequence[Conflict]) -> list[str]:
    """What a careful reader should know."""
    said = []
    records = state.problem.predictor.records
    correlated = [
        r.name
        for r, rho, count in zip(records, covariance.lag1, covariance.effective, strict=True)
        if rho > SETTINGS.follow and count < SETTINGS.worth * r.points
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
    stepped = [record.name for record in records if is_staircase(record)]
    if stepped:
        said.append(
            f"{', '.join(stepped[:5])}: the source seems to step and to measure at the end of each step, "
            "which describes these sweeps far better than a ramp."
        )
    for unknown, value in zip(state.unknowns.free, state.x, strict=True):
        if unknown.term and unknown.term.kind == "gain":
            size, way = f"{100 * abs(value - 1):.1f} %", "more" if value > 1 else "less"
            what = f"The instrument of the {KINDS[unknown.term.instrument]}"
            said.append(
                f"{what} reads {size} {way} than the reference instrument; a gain factor was fitted."
                if abs(value - 1) < SETTINGS.large_gain
                else f"{what} would have to read {size} {way} than the reference instrument to bring the "
                "records together: are range, calibration and area right? A gain factor was fitted."
            )
        elif unknown.term and unknown.term.kind == "drive_gain":
            size, way = f"{100 * abs(value - 1):.1f} %", "more" if value > 1 else "less"
            said.append(
                f"The source of the {KINDS[unknown.term.instrument]} gives {size} {way} current than the "
                "files say; a gain of the drive was fitted."
                if abs(value - 1) < SETTINGS.large_gain
                else f"The source of the {KINDS[unknown.term.instrument]} would have to give {size} {way} "
                "current than the files say to bring the records together: are range, calibration and area "
                "right? A gain of the drive was fitted."
            )
        elif unknown.term and unknown.term.kind == "offset" and unknown.term.record is not None:
            name, shift = records[unknown.term.record].name, format_quantity(value, unknown.unit, digits=3)
            said.append(
                f"{name}: a constant {shift} was found in all its currents and fitted: a zero error of the "
                "instrument, or light on the device?"
            )
    for kind in dict.fromkeys(c.left_out for c in conflicts):
        moved = [c for c in conflicts if c.left_out == kind]
        shifts = ", ".join(f"{c.parameter} by {c.shift:+.1f}" for c in moved[:4])
        said.append(
            f"The {KINDS[kind]} disagree with the rest: they move {shifts} standard errors. Check that they "
            "were taken on the same device in the same state."
        )
    return said
