"""A fit under way again, from its stored result and its data: what profiles and samples start from."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from memfit.arrays import BoolArray, FloatArray
from memfit.datasets.device import Device
from memfit.datasets.records import ImpedanceSpectrum, Record
from memfit.errors import InputError
from memfit.fitting.descent import Box, descend, evaluator
from memfit.fitting.instruments import delay_terms
from memfit.fitting.minimise import Minimum
from memfit.fitting.noise import Noise
from memfit.fitting.plan import LEFT_OUT, FitPlan
from memfit.fitting.predict import Predictor, drive_of, drive_of_timed, modulus, sample_before
from memfit.fitting.result import FitResult
from memfit.fitting.revisit import as_fitted, check_same
from memfit.fitting.state import Problem, State
from memfit.fitting.unknowns import (
    Unknown,
    Unknowns,
    edge_number,
    edge_unknown,
    gain_unknown,
    initial_unknowns,
    physical_unknowns,
)
from memfit.model.parameters import NAMES, Parameters

_LEAST_SIGMA = 1e-12
"""Of the largest value of a record: no point has less."""
_EXACTLY = 1e-3
"""Fall of chi2 at which the minimum counts as found again."""


def state_of(result: FitResult, device: Device) -> State:
    """The fit of a result at its minimum, with the noise and the points left out that it found.

    Parameters
    ----------
    result : FitResult
    device : Device
        The data of the fit.

    Raises
    ------
    InputError
        The device holds other records, or other bytes, than the fit had, or nothing was fitted.
    """
    matched = check_same(result, device)
    if not result.covariance_names:
        raise InputError("The result has no fitted quantities: everything was held fixed, or the fit failed.")
    plan = FitPlan.from_dict(result.plan)
    records = tuple(as_fitted(result, k, record) for k, record in sorted(matched.items()))
    predictor = Predictor(records)
    keep = _kept(result, predictor)
    noise = _noise(result, records)
    ideal = Problem(predictor, noise, np.ones(predictor.size), keep, robust=plan.robust)
    unknowns = _unknowns(result, plan, ideal)
    x = _vector(result, unknowns)
    model = predictor(unknowns.parameters(x), unknowns.instrument(x)).values
    problem = replace(ideal, sigma=_sigma(records, predictor, noise, model))
    return settled(State(problem, unknowns, Minimum(x, np.inf, True, "restored", 0, ())))


def settled(state: State) -> State:
    """The fit at its minimum, found by Gauss-Newton steps from where it is."""
    found = descend(evaluator(state), state.x, Box.of(state), tolerance=_EXACTLY)
    minimum = replace(
        state.minimum, x=found.x, chi2=found.chi2, converged=found.converged, evaluations=found.evaluations
    )
    return replace(state, minimum=minimum)


def row_weights(state: State, effective: Sequence[float]) -> FloatArray:
    """(k,) factors on the rows of the points kept: a record counts as many points as are independent."""
    record = state.problem.predictor.record_of_point[state.problem.keep]
    count = np.bincount(record, minlength=len(effective))
    share = np.asarray(effective) / np.maximum(count, 1)
    return np.sqrt(share)[record]


def _kept(result: FitResult, predictor: Predictor) -> BoolArray:
    """(n,) points that counted."""
    keep = np.ones(predictor.size, dtype=bool)
    for record, here in zip(predictor.records, predictor.slices, strict=True):
        index = np.array([e.index for e in result.excluded if e.file == record.name], dtype=int)
        keep[here.start + index] = False
        if isinstance(record, ImpedanceSpectrum):
            keep[here.start + record.points + index] = False
    return keep


def _noise(result: FitResult, records: Sequence[Record]) -> tuple[Noise, ...]:
    """The noise that the fit found in each record."""
    found = {item.file: item.noise for item in result.goodness.datasets}
    return tuple(Noise(found[r.name]["relative"], found[r.name]["floor"]) for r in records)


def _sigma(
    records: Sequence[Record], predictor: Predictor, noise: Sequence[Noise], model: FloatArray
) -> FloatArray:
    """(n,) standard deviation of every point."""
    sigma = np.empty(predictor.size)
    for record, here, level in zip(records, predictor.slices, noise, strict=True):
        size = modulus(record, np.where(np.isfinite(model[here]), model[here], 0.0))
        sigma[here] = np.maximum(level.sigma(size), _LEAST_SIGMA * float(np.max(size, initial=1e-300)))
    return sigma


def _unknowns(result: FitResult, plan: FitPlan, problem: Problem) -> Unknowns:
    """The fitted quantities by their names."""
    free = [_unknown(name, plan, problem) for name in result.covariance_names]
    base = {LEFT_OUT[result.model]: 0.0} if result.model in LEFT_OUT else {}
    known = {n: e.value for n, e in result.parameters.items() if e.value is not None}
    first = {n: e.start for n, e in result.parameters.items() if e.value is None and e.start is not None}
    values = {**{u.name: u.start or u.outer(0.0) for u in free if u.name in NAMES}, **base, **first, **known}
    return Unknowns(free, Parameters.from_mapping(values), problem.kinds)


def _unknown(name: str, plan: FitPlan, problem: Problem) -> Unknown:
    """One fitted quantity by its name."""
    if name in NAMES:
        return physical_unknowns(replace(plan, fix={}), [name])[0]
    head, _, tail = name.rpartition("_")
    if head == "gain":
        return gain_unknown(tail)
    records = problem.predictor.records
    if head.startswith("edge_"):
        k = int(head.removeprefix("edge_"))
        jump = float(drive_of_timed(records[k]).jumps[edge_number(name)])
        return edge_unknown(k, edge_number(name), sample_before(records[k], jump))
    offered = {u.name: u for u in delay_terms(problem)}
    timed = [(k, drive) for k, drive in enumerate(map(drive_of, records)) if drive is not None]
    offered |= {u.name: u for k, drive in timed for u in initial_unknowns(k, drive.control)}
    if name not in offered:
        raise InputError(f"The result has a fitted quantity {name!r} that this program does not know.")
    return offered[name]


def _vector(result: FitResult, unknowns: Unknowns) -> FloatArray:
    """The vector at the minimum; from values and first values where an older program wrote the result."""
    estimates = {**result.parameters, **result.nuisance}
    values = {n: e.start if e.value is None else e.value for n, e in estimates.items()}
    place = result.minimum.places[0].values if result.minimum is not None else {}
    return unknowns.encode({**{n: v for n, v in values.items() if v is not None}, **place})
