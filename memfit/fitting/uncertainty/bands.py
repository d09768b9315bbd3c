"""How far the model curve itself may be off: curves that the data allow, for the 95 % bands of figures.

From the draws of the posterior or the refits of a bootstrap where there are some; else from the covariance,
by the linearised model. The noise of the measurement is not part of it.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.device import Device
from memfit.datasets.records import ImpedanceSpectrum
from memfit.errors import InputError
from memfit.fitting.findings import SampleSet
from memfit.fitting.problem import FitState
from memfit.fitting.refit import rebuild_problem
from memfit.fitting.result import FitResult, FittedRecord

_CURVES = 200
"""Curves for a band: its ends are then good to a tenth of its width."""
_FEWEST = 40
"""With fewer there is no band: its ends would be the curves furthest out."""


def with_bands(result: FitResult, fitted: Sequence[FittedRecord]) -> tuple[FittedRecord, ...]:
    """The records with curves that the data allow; as they are where nothing is known.

    Parameters
    ----------
    result : FitResult
    fitted : sequence of FittedRecord
        All records of the fit.
    """
    if not fitted or not result.covariance:
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
    sample = next((s for s in (result.posterior, result.bootstrap) if s and s.status == "ok"), None)
    return _linear_curves(state, np.array(result.covariance)) if sample is None else _drawn(state, sample)


def _linear_curves(state: FitState, covariance: FloatArray) -> FloatArray:
    """Curves of the linearised model, whose spread is exactly that of the covariance."""
    x, unknowns, predictor = state.x, state.unknowns, state.problem.predictor
    prediction = predictor(unknowns.parameters(x), unknowns.instrument(x))
    jacobian = unknowns.jacobian(x, prediction, predictor.record_of_point)
    variances, axes = np.linalg.eigh(covariance)
    root = axes * np.sqrt(np.maximum(variances, 0.0))
    half = np.random.default_rng(0).standard_normal((_CURVES // 2, x.size))
    pairs = np.concatenate([half, -half])
    unit = np.linalg.solve(np.linalg.cholesky(pairs.T @ pairs / _CURVES), pairs.T).T
    result: FloatArray = prediction.values + unit @ (jacobian @ root).T
    return result


def _drawn(state: FitState, sample: SampleSet) -> FloatArray:
    """Curves of evenly chosen members of a sample."""
    rows = np.unique(np.linspace(0, len(sample.samples) - 1, _CURVES).round().astype(int))
    unknowns, predictor = state.unknowns, state.problem.predictor
    curves = []
    for row in rows:
        x = unknowns.encode(dict(zip(sample.names, sample.samples[row], strict=True)))
        found = predictor(unknowns.parameters(x), unknowns.instrument(x), slopes_in_time=False)
        curves.append(found.values)
    return np.array(curves)
