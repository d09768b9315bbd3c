"""What to measure next: which experiment would shrink the worst interval most, and to what.

The Fisher information of a fit (its root R, stored with the result) and that of an experiment add up. The
experiment is simulated with the exact sensitivities of the model and the noise found in the fit, at the
minimum and at the other places that the data allow, whose spread stands for what is not known. The bounds of
the plan are a weak prior. Where two places remain that an experiment could not tell apart, what differs
between them stays open.

What an experiment would buy: forecasts, what to measure next, and both in words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from memfit.analysis.design.candidates import Experiment, Measured, Proposals, Subject, combined, propose
from memfit.arrays import FloatArray
from memfit.datasets.device import Device, extent_of
from memfit.datasets.records import ImpedanceSpectrum, Kind
from memfit.errors import InputError
from memfit.fitting.findings import MinimumFound, Place
from memfit.fitting.identifiability import percent_of
from memfit.fitting.plan import unit_of_length
from memfit.fitting.predict import Predictor
from memfit.fitting.problem import triangle
from memfit.fitting.result import FitResult
from memfit.model.parameters import NAMES, PARAMETERS, Parameters
from memfit.units import format_quantity

SETTLED = 0.2
"""Standard error of the logarithm (of V_T in units of 2 V_m) up to which a parameter is determined."""
OPEN = 10.0
"""Standard error, in the logarithm, of what is not known at all."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """One experiment, and what it would buy."""

    subject: Subject
    text: str
    """The experiment in words."""
    settings: Mapping[str, float | str]
    """The same for a program, SI."""
    assumed: bool
    """Whether its noise is assumed, because none of its kind was measured."""
    worst: str
    """The parameter that would then be known least."""
    stderr: Mapping[str, float]
    """Standard errors of the parameters then, SI, if the device is as at the minimum."""
    relative: Mapping[str, float]
    """The same of the logarithm; of V_T in units of V_m."""
    typical: Mapping[str, float]
    """Median of the latter over the places that the data allow."""
    range: Mapping[str, tuple[float, float]]
    """Smallest and largest over these places."""
    unsettled: float
    """How far all parameters together would be from settled, mean over these places; 0 if all are settled."""
    settles: tuple[str, ...] = ()
    """Parameters that are not determined now, and would be at three quarters of these places."""


@dataclass(frozen=True, kw_only=True)
class NextMeasurements:
    """What to measure next."""

    now: Mapping[str, float]
    """Standard errors of the logarithm now (of V_T in units of V_m); at most 10, which is nothing known."""
    values: Mapping[str, float]
    """Parameters at the minimum, SI, on which the forecasts rest."""
    worst: str
    """The parameter known least now."""
    undetermined: tuple[str, ...]
    forecasts: tuple[Forecast, ...]
    """The best first."""
    then: Forecast | None = None
    """A second experiment after the first, where one does not settle everything."""
    settled_by: Mapping[str, str | None] = field(default_factory=dict)
    """For each undetermined parameter an experiment that settles it; None if no single one does."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Numbers of candidates that were not considered, by reason."""
    assumed_noise: tuple[str, ...] = ()
    """Kinds of data without a measured noise."""
    sentences: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "now": dict(self.now),
            "values": dict(self.values),
            "worst": self.worst,
            "undetermined": list(self.undetermined),
            "forecasts": [_plain(f) for f in self.forecasts],
            "then": None if self.then is None else _plain(self.then),
            "settled_by": dict(self.settled_by),
            "left_out": dict(self.left_out),
            "assumed_noise": list(self.assumed_noise),
            "sentences": list(self.sentences),
        }


def weighed(name: str, error: float) -> float:
    """A standard error on the scale on which parameters are compared: V_T in units of 2 V_m."""
    return 0.5 * error if name == "V_T" else error


def is_unsettled(forecast: Forecast) -> bool:
    """Whether a parameter would still not be determined."""
    return any(weighed(n, error) > SETTLED for n, error in forecast.typical.items())


def sentences_of(plan: NextMeasurements) -> list[str]:
    """The plan in words."""
    best = plan.forecasts[0]
    said = [
        f"Measure {best.text}: {_change(plan, plan.worst, best)}"
        + (f"; it settles {', '.join(best.settles)}." if best.settles else ".")
    ]
    if plan.then is not None:
        said.append(f"Then measure {plan.then.text}: {_change(plan, best.worst, plan.then, after=best)}.")
    alone = [n for n, text in plan.settled_by.items() if text is None]
    if alone:
        said.append(f"No single measurement considered settles {', '.join(alone)}.{_higher(plan)}")
    said += [f"Left out ({count}): what {reason}." for reason, count in plan.left_out.items()]
    if plan.assumed_noise:
        said.append(
            f"The noise of {', '.join(_KINDS[k] for k in plan.assumed_noise)} is assumed, 1 % or 5 mV, "
            "because none was measured."
        )
    return said


def _higher(plan: NextMeasurements) -> str:
    """The advice to go up slowly, where that is what is missing."""
    if (
        plan.then is None
        or not is_unsettled(plan.then)
        or not any("largest voltage" in w for w in plan.left_out)
    ):
        return ""
    return " The voltages so far may be too low to tell: raise them in small steps, fit, and plan again."


_KINDS = {"impedance": "spectra", "iv": "loops", "transient": "pulses"}


def _change(plan: NextMeasurements, name: str, then: Forecast, after: Forecast | None = None) -> str:
    """From what to what an interval would shrink."""
    before = plan.now[name] if after is None else after.typical[name]
    start = "not determined" if before >= OPEN / 2.0 else f"known to {error_text(plan, name, before)}"
    low, high = then.range[name]
    between = ""
    if high > 1.5 * low:
        ends = " to ".join(error_text(plan, name, end) for end in (low, high))
        between = f" ({ends}, depending on what is not known yet)"
    word, reached = "now" if after is None else "then", error_text(plan, name, then.typical[name])
    if then.typical[name] >= OPEN / 2.0:
        return f"{name}, {word} {start}, would still be open"
    return f"{name}, {word} {start}, would be known to {reached}{between}"


def error_text(plan: NextMeasurements, name: str, error: float) -> str:
    """A standard error in words: in volt for V_T, else in per cent or as a factor."""
    if name == "V_T":
        return format_quantity(error * plan.values["V_m"], "V", digits=2) if error < 5.0 else "not at all"
    if error < 0.5:
        return percent_of(error)
    return f"a factor of {np.exp(error):.2g}" if error < 5.0 else "not at all"


def _plain(forecast: Forecast) -> dict[str, Any]:
    """A forecast as plain data."""
    return {
        "subject": forecast.subject,
        "text": forecast.text,
        "settings": dict(forecast.settings),
        "assumed": forecast.assumed,
        "worst": forecast.worst,
        "stderr": dict(forecast.stderr),
        "relative": dict(forecast.relative),
        "typical": dict(forecast.typical),
        "range": {n: list(pair) for n, pair in forecast.range.items()},
        "unsettled": forecast.unsettled,
        "settles": list(forecast.settles),
    }


CORE = NAMES[:7]
_MOSTLY = 0.75
"""Share of the places at which a parameter must be settled to be called so."""
_CONFUSED = 25.0
"""Difference of chi2 below which two places could still be taken for each other."""
_ALLOWED = 16.0
"""Of the same, that places allowed by the data may have; as in `memfit.fitting.identifiability.explore`."""
_MOST = 8
_PLAUSIBLE = {
    "i_c0": (1e-9, 1e-1),
    "V_T": (0.0, 3.0),
    "V_m": (0.015, 0.4),
    "tau_d": (1e-6, 1e3),
    "tau_k": (1e-6, 1e3),
}
"""SI, as of halide perovskites; places outside are not taken for the device unless there is no other."""
_USUAL_NOISE: Mapping[Kind, tuple[float, float]] = {
    "impedance": (0.01, 0.0),
    "iv": (0.01, 1e-3),
    "transient": (0.0, 5e-3),
}
"""Relative noise, and floor as a part of the largest value, of kinds that were not measured."""


def plan_next(result: FitResult, device: Device | None = None) -> NextMeasurements:
    """Which measurement would shrink the worst interval most, and to what.

    Parameters
    ----------
    result : FitResult
        Also one that is not identifiable.
    device : Device, optional
        The data of the fit; needed for results of older versions only, which do not say what they cover.

    Raises
    ------
    InputError
        The result does not hold what is needed, or nothing can be proposed.
    """
    if result.minimum is None:
        raise InputError(
            "This result was made by a version of memfit that did not keep what planning needs; "
            "run `memfit fit` again."
        )
    measured = _measured(result, device)
    spots = [_spot(result, result.minimum, place) for place in _plausible(result.minimum)]
    proposals = propose(measured, spots[0].parameters)
    if not proposals.experiments:
        raise InputError("No experiment can be proposed: all candidates had to be left out.")
    noise, assumed = _noise(result)
    gains = [_simulated(spot, proposals, noise) for spot in spots]
    return _judge(result, spots, proposals, gains, assumed)


@dataclass(frozen=True, eq=False)
class _Spot:
    """A place with the information there, in logarithms and V_T in units of V_m."""

    names: tuple[str, ...]
    parameters: Parameters
    root: FloatArray
    """Of the data, prior included."""
    scale: FloatArray
    """What a unit of each coordinate is, in SI."""
    at: FloatArray
    """The coordinates."""


@dataclass(frozen=True, eq=False)
class _Gain:
    """What one experiment says at one place."""

    jacobian: FloatArray
    """(k, n) in standard deviations."""
    values: FloatArray
    """(k,) what would be measured, in standard deviations at the minimum."""


def _measured(result: FitResult, device: Device | None) -> Measured:
    """What was measured, from the result or else from the data."""
    if device is not None:
        return Measured(extents=[(r.kind, r.control, extent_of(r), r.points) for r in device.records])
    if not all(item.covers for item in result.inputs):
        raise InputError("This result does not say what its data cover; add --data with their folder.")
    extents: list[Any] = [(i.kind, i.control, i.covers, i.points) for i in result.inputs]
    return Measured(extents=extents)


def _plausible(minimum: MinimumFound) -> list[Place]:
    """The places that may be the device; the minimum first, if it is one."""
    good = [
        place
        for place in minimum.places
        if all(
            low <= place.values[name] <= high
            for name, (low, high) in _PLAUSIBLE.items()
            if name in minimum.names
        )
    ]
    return good or [minimum.places[0]]


def _spot(result: FitResult, minimum: MinimumFound, place: Place) -> _Spot:
    """A place in scaled coordinates, with the bounds of the plan as a prior."""
    p = Parameters.from_mapping(place.values)
    names = minimum.names
    scale = np.array([_unit(name, p) for name in names])
    per_unit = np.array([1.0 if PARAMETERS[n].logarithmic else s for n, s in zip(names, scale, strict=True)])
    bounds = {**{n: PARAMETERS[n].bounds for n in names}, **result.plan.get("bounds", {})}
    prior = np.diag([1.0 / _prior(name, bounds[name], s) for name, s in zip(names, scale, strict=True)])
    root = triangle(np.vstack([np.array(place.information) * per_unit, prior]))
    at = np.array(
        [
            np.log(place.values[n]) if PARAMETERS[n].logarithmic else place.values[n] / s
            for n, s in zip(names, scale, strict=True)
        ]
    )
    return _Spot(names, p, root, scale, at)


def _unit(name: str, p: Parameters) -> float:
    """SI value of a unit of a coordinate: the parameter itself, V_m for V_T."""
    if PARAMETERS[name].logarithmic:
        return max(float(getattr(p, name)), 1e-30)
    return unit_of_length(name, p.V_m)


def _prior(name: str, bounds: Sequence[float], unit: float) -> float:
    """Standard deviation of a coordinate that its bounds leave, at most `OPEN` in the logarithm."""
    low, high = bounds
    if PARAMETERS[name].logarithmic:
        return min(float(np.log(high / low)) / 4.0, OPEN)
    return (
        min((high - low) / 4.0 / unit, OPEN)
        if PARAMETERS[name].scale == "in V_m"
        else (high - low) / 4.0 / unit
    )


def _noise(result: FitResult) -> tuple[dict[Kind, tuple[float, float, float]], tuple[str, ...]]:
    """By kind: relative noise, floor, share of independent points; and the kinds that were not measured."""
    found: dict[Kind, tuple[float, float, float]] = {}
    kinds: tuple[Kind, ...] = ("impedance", "iv", "transient")
    for kind in kinds:
        items = [item for item in result.goodness.datasets if item.kind == kind]
        if items:
            points = [item.points * (2 if kind == "impedance" else 1) for item in items]
            shares = [i.effective_points / max(n, 1) for i, n in zip(items, points, strict=True)]
            found[kind] = (
                float(np.median([item.noise["relative"] for item in items])),
                float(np.median([item.noise["floor"] for item in items])),
                float(min(np.median(shares), 1.0)),
            )
    return found, tuple(kind for kind in kinds if kind not in found)


def _simulated(
    spot: _Spot, proposals: Proposals, noise: Mapping[Kind, tuple[float, float, float]]
) -> list[_Gain]:
    """Every experiment at one place."""
    predictor = Predictor(combined(proposals.experiments))
    prediction = predictor(spot.parameters)
    columns = [NAMES.index(n) for n in spot.names]
    slopes = prediction.derivatives[:, columns] * spot.scale
    gains = []
    for experiment, here in zip(proposals.experiments, predictor.slices, strict=True):
        values, jacobian = prediction.values[here], slopes[here]
        known = np.isfinite(values) & np.isfinite(jacobian).all(axis=1)
        sigma = _sigma(experiment, values, noise)
        jacobian = np.where(known[:, None], jacobian / sigma[:, None], 0.0)
        gains.append(_Gain(jacobian, np.where(known, values / sigma, 0.0)))
    return gains


def _sigma(
    experiment: Experiment, values: FloatArray, noise: Mapping[Kind, tuple[float, float, float]]
) -> FloatArray:
    """Standard deviations of the points, as if each stood for those that would really be taken."""
    size = np.abs(values)
    if isinstance(experiment.record, ImpedanceSpectrum):
        half = np.hypot(*np.split(values, 2))
        size = np.concatenate([half, half])
    largest = float(np.nanmax(size, initial=1e-300))
    if experiment.kind in noise:
        relative, floor, share = noise[experiment.kind]
    else:
        relative, part = _USUAL_NOISE[experiment.kind]
        floor, share = part * largest, 1.0
    sigma: FloatArray = np.hypot(relative * size, max(floor, 1e-9 * largest))
    sigma /= np.sqrt(share * experiment.share)
    return sigma


def _judge(
    result: FitResult,
    spots: Sequence[_Spot],
    proposals: Proposals,
    gains: Sequence[Sequence[_Gain]],
    assumed: tuple[str, ...],
) -> NextMeasurements:
    """Forecasts of all experiments, the best first, with what they settle."""
    undetermined = tuple(n for n, e in result.parameters.items() if n in CORE and e.status == "undetermined")
    now = _now(spots, undetermined)
    core = [n for n in spots[0].names if n in CORE]
    forecasts = [
        _forecast(e, spots, [g[k] for g in gains], undetermined, assumed)
        for k, e in enumerate(proposals.experiments)
    ]
    order = sorted(range(len(forecasts)), key=lambda k: _badness(forecasts[k], undetermined))
    best = forecasts[order[0]]
    plan = NextMeasurements(
        now=now,
        values={n: float(getattr(spots[0].parameters, n)) for n in spots[0].names},
        worst=max(core, key=lambda n: now[n]),
        undetermined=undetermined,
        forecasts=_varied([forecasts[k] for k in order]),
        then=_second(proposals, spots, gains, order[0], undetermined=undetermined, assumed=assumed)
        if is_unsettled(best)
        else None,
        settled_by={n: _settler(n, [forecasts[k] for k in order]) for n in undetermined},
        left_out=proposals.left_out,
        assumed_noise=assumed,
    )
    return replace(plan, sentences=tuple(sentences_of(plan)))


def _now(spots: Sequence[_Spot], undetermined: Sequence[str]) -> dict[str, float]:
    """Standard errors now; what is undetermined is at least as open as the places are apart."""
    errors = _errors(spots[0].root)
    found = {}
    for k, name in enumerate(spots[0].names):
        if name in CORE:
            found[name] = OPEN if name in undetermined else float(min(errors[k], OPEN))
    return found


def _errors(root: FloatArray) -> FloatArray:
    """(n,) standard errors from the root of an information."""
    length = np.maximum(np.linalg.norm(root, axis=0), 1e-300)
    _, singular, vectors = np.linalg.svd(root / length)
    inverse = 1.0 / np.maximum(singular, 1e-14 * singular[0])
    result: FloatArray = np.linalg.norm(vectors.T * inverse, axis=1) / length
    return result


def _forecast(
    experiment: Experiment,
    spots: Sequence[_Spot],
    gains: Sequence[_Gain],
    undetermined: Sequence[str],
    assumed: Sequence[str],
) -> Forecast:
    """What one experiment would leave open."""
    names = spots[0].names
    each = np.array([_errors(np.vstack([s.root, g.jacobian])) for s, g in zip(spots, gains, strict=True)])
    doubt = _confusion(spots, gains)
    each = np.minimum(np.maximum(each, doubt), 1e6)
    relative = {n: float(each[0, k]) for k, n in enumerate(names) if n in CORE}
    typical = {n: float(np.median(each[:, k])) for k, n in enumerate(names) if n in CORE}
    worst = max(typical, key=lambda n: weighed(n, typical[n]))
    return Forecast(
        subject=experiment.subject,
        text=experiment.text,
        settings=experiment.settings,
        assumed=experiment.kind in assumed,
        worst=worst,
        stderr={n: float(each[0, k] * spots[0].scale[k]) for k, n in enumerate(names) if n in CORE},
        relative=relative,
        typical=typical,
        range={
            n: (float(each[:, k].min()), float(each[:, k].max())) for k, n in enumerate(names) if n in CORE
        },
        unsettled=_unsettledness(names, each),
        settles=tuple(
            n
            for n in undetermined
            if n in names and weighed(n, float(np.quantile(each[:, names.index(n)], _MOSTLY))) <= SETTLED
        ),
    )


def _confusion(spots: Sequence[_Spot], gains: Sequence[_Gain]) -> FloatArray:
    """(n,) error that remains because an experiment could not tell another place from the minimum.

    Linearised: the other place may adapt, within what the data so far allow.
    """
    first = spots[0]
    found = np.zeros(len(first.names))
    for spot, gain in zip(spots[1:], gains[1:], strict=True):
        apart = gain.values - gains[0].values
        rows = np.vstack(
            [np.column_stack([gain.jacobian, apart]), np.column_stack([spot.root, np.zeros(len(spot.root))])]
        )
        distance = float(triangle(rows)[-1, -1] ** 2)
        if distance < _CONFUSED:
            found = np.maximum(found, np.abs(spot.at - first.at) / np.sqrt(_ALLOWED))
    return found


def _unsettledness(names: Sequence[str], errors: FloatArray) -> float:
    """Sum over the parameters of how many factors e each is from settled, mean over places (k, n)."""
    scaled = np.column_stack([weighed(n, 1.0) * errors[:, k] for k, n in enumerate(names) if n in CORE])
    return float(np.mean(np.sum(np.maximum(np.log(scaled / SETTLED), 0.0), axis=1)))


def _badness(forecast: Forecast, undetermined: Sequence[str]) -> tuple[float, bool, float, float]:
    """How far from settled all are together, then the worst error, then the mean of all in the logarithm.

    Where something is to be settled, kinds of data whose noise is known come before others that do as well.
    """
    errors = np.array([weighed(n, error) for n, error in forecast.typical.items()])
    guessed = bool(undetermined) and forecast.assumed
    return forecast.unsettled, guessed, float(errors.max()), float(np.mean(np.log(errors)))


def _varied(forecasts: Sequence[Forecast]) -> tuple[Forecast, ...]:
    """The best, and the best of each subject, in order."""
    chosen = list(forecasts[: _MOST // 2])
    for subject in dict.fromkeys(f.subject for f in forecasts):
        chosen += [f for f in forecasts if f.subject == subject and f not in chosen][:1]
    for forecast in forecasts:
        if len(chosen) < _MOST and forecast not in chosen:
            chosen.append(forecast)
    return tuple(f for f in forecasts if f in chosen)


def _second(
    proposals: Proposals,
    spots: Sequence[_Spot],
    gains: Sequence[Sequence[_Gain]],
    first: int,
    *,
    undetermined: Sequence[str],
    assumed: Sequence[str],
) -> Forecast:
    """The best second experiment after the first."""
    forecasts = []
    for k, experiment in enumerate(proposals.experiments):
        both = [
            _Gain(
                np.vstack([g[first].jacobian, g[k].jacobian]), np.concatenate([g[first].values, g[k].values])
            )
            for g in gains
        ]
        if k != first:
            forecasts.append(_forecast(experiment, spots, both, undetermined, assumed))
    return min(forecasts, key=lambda forecast: _badness(forecast, undetermined))


def _settler(name: str, forecasts: Sequence[Forecast]) -> str | None:
    """The best experiment that settles a parameter."""
    return next((f.text for f in forecasts if name in f.settles), None)
