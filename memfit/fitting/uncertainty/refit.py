"""A fit under way again, from its stored result and its data: what profiles and samples start from.

`rebuild_problem` makes the problem, with the noise and the points left out that the fit found, and takes the
last steps to its minimum. Work that takes minutes goes on where it was interrupted: `Checkpoint` keeps what
is done in a file, written whole, at most every few seconds and at every stop. `with_bands` says how far the
model curve itself may be off: curves that the data allow, from the draws of the posterior or the refits of a
bootstrap where there are some, else from the covariance, by the linearised model. The noise of the
measurement is not part of it.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import Device, ImpedanceSpectrum
from memfit.errors import InputError
from memfit.files import make_folder, write_whole
from memfit.fitting.instrument_terms import delay_terms, drive_gain_terms, gain_term
from memfit.fitting.minimum.least_squares import settled
from memfit.fitting.minimum.problem import FitState, Minimum, Problem
from memfit.fitting.minimum.unknowns import (
    Unknown,
    Unknowns,
    initial_unknowns,
    physical_unknowns,
    term_unknown,
)
from memfit.fitting.noise import sigma_of
from memfit.fitting.own import refuse_own
from memfit.fitting.plan import FitPlan, Term
from memfit.fitting.prediction.drives import drive_of, drive_of_timed, sample_before
from memfit.fitting.prediction.predict import Predictor
from memfit.fitting.results.reproduce import as_fitted, check_same, noise_of
from memfit.fitting.results.result import FitResult, FittedRecord
from memfit.fitting.uncertainty.tied import refuse_ties
from memfit.model import LEFT_OUT, NAMES, Parameters


def rebuild_problem(result: FitResult, device: Device) -> FitState:
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
    refuse_ties(result, "Profiles, refits and draws")
    refuse_own(result.plan, "Profiles, refits and draws")
    matched = check_same(result, device)
    if not result.covariance_names:
        raise InputError("The result has no fitted quantities: everything was held fixed, or the fit failed.")
    plan = FitPlan.from_dict(result.plan)
    records = tuple(as_fitted(result, k, record) for k, record in sorted(matched.items()))
    predictor, levels = Predictor(records), noise_of(result)
    noise = tuple(levels[record.name] for record in records)
    keep = np.ones(predictor.size, dtype=bool)
    used = {item.file: item.used for item in result.inputs}
    for record, here in zip(records, predictor.slices, strict=True):
        if used.get(record.name) == 0:
            keep[here] = False
        index = np.array([e.index for e in result.excluded if e.file == record.name], dtype=int)
        keep[here.start + index] = False
        if isinstance(record, ImpedanceSpectrum):
            keep[here.start + record.points + index] = False
    ideal = Problem(predictor, noise, np.ones(predictor.size), keep, robust=plan.robust, engine=plan.engine)
    free = [_unknown(name, plan, ideal) for name in result.covariance_names]
    estimates = {**result.parameters, **result.nuisance}
    offered = ((n, e.start if e.value is None else e.value) for n, e in estimates.items())
    values = {n: v for n, v in offered if v is not None}
    without = {time: 0.0 for model, time in LEFT_OUT.items() if model == result.model}
    base = {**{u.name: u.start or u.outer(0.0) for u in free}, **without, **values}
    physical = {name: value for name, value in base.items() if name in NAMES}
    unknowns = Unknowns(free, Parameters.from_mapping(physical), ideal.kinds)
    place = result.minimum.places[0].values if result.minimum is not None else {}  # older results have none
    x = unknowns.encode({**values, **place})
    model = predictor(unknowns.parameters(x), unknowns.instrument(x)).values
    sigma = sigma_of(predictor, noise, model)
    state = FitState(replace(ideal, sigma=sigma), unknowns, Minimum(x, np.inf, True, "restored", 0, ()))
    return settled(state)


def _unknown(name: str, plan: FitPlan, problem: Problem) -> Unknown:
    """One fitted quantity by its name."""
    if name in NAMES:
        return physical_unknowns(replace(plan, fix={}), [name])[0]
    term, records = Term.from_name(name), problem.predictor.records
    if term is not None and term.kind == "gain":
        return gain_term(term.instrument)
    if term is not None and term.kind == "drive_gain":
        return drive_gain_terms(problem)[0]
    if term is not None and term.kind == "offset":
        return term_unknown(term)
    if term is not None and term.record is not None and term.index is not None:
        record = records[term.record]
        jump = float(drive_of_timed(record).jumps[term.index])
        return term_unknown(term, sample_before(record, jump))
    offered = {u.name: u for u in delay_terms(problem)}
    timed = [(k, drive) for k, drive in enumerate(map(drive_of, records)) if drive is not None]
    offered |= {u.name: u for k, drive in timed for u in initial_unknowns(k, drive.control)}
    if name not in offered:
        raise InputError(f"The result has a fitted quantity {name!r} that this program does not know.")
    return offered[name]


_EVERY = 5.0
"""Seconds between two writings."""
_SHARE = 20.0
"""How much longer the pause is than the writing."""


class Checkpoint:
    """The finished parts of one run, by stage; what belongs to other data or settings is not used.

    Parameters
    ----------
    path : Path, optional
        The file; without one nothing is kept.
    belongs_to : mapping
        What the parts depend on (data, plan, settings, program), as plain data.
    """

    def __init__(self, path: Path | None = None, belongs_to: Mapping[str, Any] | None = None) -> None:
        text = json.dumps(belongs_to or {}, sort_keys=True, allow_nan=False)
        self._path = path
        self._key = sha256(text.encode()).hexdigest()
        self._stages: dict[str, Any] = {}
        if path is not None:
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
                if kept["belongs_to"] == self._key and isinstance(kept["stages"], dict):
                    self._stages = kept["stages"]
            except (OSError, ValueError, KeyError, TypeError, RecursionError):  # none yet, or a damaged file
                pass
        self._written, self._pause = time.monotonic(), _EVERY
        self.resumed = bool(self._stages)
        """Whether something was there to go on from."""

    def get(self, stage: str) -> Any:
        """What was kept of a stage; None where there is nothing."""
        return self._stages.get(stage)

    def put(self, stage: str, make: Callable[[], Any], *, now: bool = False) -> None:
        """Keep a stage, if it is time to write.

        Parameters
        ----------
        stage : str
        make : callable
            Gives what is done as plain data.
        now : bool
            Write whatever the time.
        """
        if self._path is None or not (now or time.monotonic() - self._written > self._pause):
            return
        self._stages[stage] = make()
        began = time.monotonic()
        text = json.dumps({"belongs_to": self._key, "stages": self._stages}, allow_nan=False)
        make_folder(self._path.parent)
        write_whole(self._path, text)
        self._written = time.monotonic()
        self._pause = max(_EVERY, _SHARE * (self._written - began))

    def remove(self) -> None:
        """The work is done: the file goes."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


_CURVES = 200
"""Curves for a band: its ends are then good to a tenth of its width."""
_FEWEST = 40
"""With fewer there is no band: its ends would be the curves furthest out."""


def with_bands(result: FitResult, fitted: Sequence[FittedRecord]) -> tuple[FittedRecord, ...]:
    """The records with curves that the data allow; as they are where nothing is known, or the model fails.

    Parameters
    ----------
    result : FitResult
    fitted : sequence of FittedRecord
        All records of the fit.
    """
    if not fitted or not result.covariance or result.status.code == "poor_fit":
        return tuple(fitted)
    try:
        state = rebuild_problem(result, Device(name="", records=tuple(item.record for item in fitted)))
    except InputError:  # the records are not those of the result: then there are no bands
        return tuple(fitted)
    curves = model_curves(state, result)
    curves = curves[np.all(np.isfinite(curves), axis=1)]
    if len(curves) < _FEWEST:
        return tuple(fitted)
    place = {record.name: k for k, record in enumerate(state.problem.predictor.records)}
    found = []
    for item in fitted:
        part = curves[:, state.problem.predictor.slices[place[item.record.name]]]
        n = item.record.points
        spectrum = isinstance(item.record, ImpedanceSpectrum)
        found.append(replace(item, curves=part[:, :n] + 1j * part[:, n:] if spectrum else part))
    return tuple(found)


def model_curves(state: FitState, result: FitResult) -> FloatArray:
    """(k, n) predictions at all points, end to end.

    Parameters
    ----------
    state : FitState
    result : FitResult
        Of the same fit, with its covariance.

    Returns
    -------
    (k, n) array
        In the units of the records: of a spectrum all Z', then all Z'', ohm.
    """
    x, unknowns, predictor = state.x, state.unknowns, state.problem.predictor
    sample = next((s for s in (result.posterior, result.bootstrap) if s and s.status == "ok"), None)
    if sample is not None:
        rows, curves = np.linspace(0, len(sample.samples) - 1, _CURVES).round().astype(int), []
        for row in np.unique(rows):
            x = unknowns.encode(dict(zip(sample.names, sample.samples[row], strict=True)))
            p, terms = unknowns.parameters(x), unknowns.instrument(x)
            curves.append(predictor(p, terms, slopes_in_time=False).values)
        return np.array(curves)
    # curves of the linearised model, whose spread is that of the covariance, and with few unknowns exactly
    prediction = predictor(unknowns.parameters(x), unknowns.instrument(x))
    jacobian = unknowns.jacobian(x, prediction, predictor.record_of_point)
    variances, axes = np.linalg.eigh(np.array(result.covariance))
    root = axes * np.sqrt(np.maximum(variances, 0.0))
    half = np.random.default_rng(0).standard_normal((_CURVES // 2, x.size))
    pairs = np.concatenate([half, -half])
    unit = pairs
    if x.size <= _CURVES // 4:  # with more unknowns than curves chance alone makes the spread
        unit = np.linalg.solve(np.linalg.cholesky(pairs.T @ pairs / _CURVES), pairs.T).T
    spread: FloatArray = prediction.values + unit @ (jacobian @ root).T
    return spread
