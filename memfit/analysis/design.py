"""What to measure next: which experiment would shrink the worst interval most, and to what.

The Fisher information of a fit (its root R, stored with the result) and that of an experiment add up. The
experiment is simulated with the exact sensitivities of the model and the noise found in the fit, at the
minimum and at the other places that the data allow, whose spread stands for what is not known. The bounds of
the plan are a weak prior. Where two places remain that an experiment could not tell apart, what differs
between them stays open. Errors are of logarithms, of V_T in units of V_m.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from memfit.above import Shown
from memfit.analysis.experiments import Experiment, Measured, Subject, propose
from memfit.arrays import FloatArray
from memfit.datasets import Device, ImpedanceSpectrum, Kind, extent_of
from memfit.errors import InputError
from memfit.fitting import CORE, FitResult, MinimumFound, to_plain, unit_of_length
from memfit.fitting.minimum.linear import triangle
from memfit.fitting.own import refuse_own
from memfit.fitting.prediction.predict import Predictor
from memfit.fitting.uncertainty.identifiability import percent_of
from memfit.fitting.uncertainty.tied import refuse_ties
from memfit.model import NAMES, PARAMETERS, Parameters
from memfit.units import format_quantity

KINDS: Mapping[Kind, str] = {"impedance": "spectra", "iv": "loops", "transient": "pulses"}


@dataclass(frozen=True)
class Settings:
    """Numbers behind the forecasts; errors are those of logarithms."""

    settled: float = 0.2
    """Standard error up to which a parameter is determined, as in `memfit.fitting.uncertainty`."""
    open: float = 10.0
    """Standard error of what is not known at all."""
    mostly: float = 0.75
    """Share of the places at which a parameter must be settled to be called so."""
    confused: float = 25.0
    """Difference of chi2 below which two places could still be taken for each other."""
    allowed: float = 16.0
    """Of the same, that places allowed by the data may have, as in `fitting.uncertainty.identifiability`."""
    most: int = 8
    """Forecasts that are listed."""
    wide: float = 1.5
    """Ratio of the largest to the smallest forecast from which both are said."""
    vague: float = 5.0
    """Standard error from which a parameter is not known at all, in words."""
    usual_noise: Mapping[Kind, tuple[float, float]] = field(
        default_factory=lambda: {"impedance": (0.01, 0.0), "iv": (0.01, 1e-3), "transient": (0.0, 5e-3)}
    )
    """Relative noise, and floor as a part of the largest value, of kinds that were not measured."""


SETTINGS = Settings()
_WHERE_THE_MODEL_FAILS: Mapping[str, str] = {
    "impedance": "Measure spectra at two more biases, one well below the threshold: a second arc or a "
    "constant phase element stays the same at every bias, the channel and its times change with it.",
    "iv": "Repeat the sweep ten times slower and ten times faster, and once through 0 V into the other "
    "polarity: a leak or a rectifying contact stays, what has a time moves with the rate.",
    "transient": "Repeat the pulse at half its height and at twice its length: times that depend on the "
    "voltage change with the height, a slow second process shows in the length.",
}
_PULSES = _WHERE_THE_MODEL_FAILS["transient"]
"""Measurements that show which part of the model is wrong, by the kind of data that it misses."""


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

    @property
    def leaves_open(self) -> bool:
        """Whether a parameter would still not be determined."""
        return max(self.typical.values()) > SETTINGS.settled


@dataclass(frozen=True, kw_only=True)
class NextMeasurements(Shown):
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
    assumed_noise: tuple[Kind, ...] = ()
    """Kinds of data without a measured noise."""
    sentences: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return dict(to_plain(self))


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
    found = _plan_next(result, device)
    return replace(found, sentences=(*result.measured, *found.sentences))


def _plan_next(result: FitResult, device: Device | None) -> NextMeasurements:
    """As the model has it, where it holds."""
    if result.misfit is not None and result.misfit.large:
        return _without_model(result)
    refuse_ties(result, "Plans of measurements")
    refuse_own(result.plan, "Plans of measurements")
    if result.minimum is None:
        raise InputError(
            "This result was made by a version of memfit that did not keep what planning needs; "
            "run `memfit fit` again."
        )
    if device is not None:
        extents = [(r.kind, r.control, extent_of(r), r.points) for r in device.records]
    elif all(item.covers for item in result.inputs):
        extents = [(i.kind, i.control, i.covers, i.points) for i in result.inputs]  # type: ignore[misc] # words of result.json
    else:
        raise InputError("This result does not say what its data cover; add --data with their folder.")
    spots = _spots(result, result.minimum)
    first = spots[0]
    experiments, left_out = propose(Measured(extents=extents), first.parameters)
    if not experiments:
        raise InputError("No experiment can be proposed: all candidates had to be left out.")
    noise = _noise(result)
    assumed = tuple(kind for kind in KINDS if kind not in noise)
    predictor = Predictor(tuple(replace(e.record, name=f"candidate {k}") for k, e in enumerate(experiments)))
    gains = [_simulated(spot, predictor, experiments, noise) for spot in spots]
    undetermined = tuple(n for n, e in result.parameters.items() if n in CORE and e.status == "undetermined")

    def badness(forecast: Forecast) -> tuple[float, bool, float, float]:
        """How far from settled all are together, then the worst error, then the mean of all in the logarithm.

        Where something is to be settled, kinds of data whose noise is known come before others.
        """
        errors = np.array(list(forecast.typical.values()))
        guessed = bool(undetermined) and forecast.assumed
        return forecast.unsettled, guessed, float(errors.max()), float(np.mean(np.log(errors)))

    forecasts = [
        _forecast(experiment, spots, [gain[k] for gain in gains], undetermined, assumed)
        for k, experiment in enumerate(experiments)
    ]
    order = sorted(range(len(forecasts)), key=lambda k: badness(forecasts[k]))
    best_first = [forecasts[k] for k in order]
    second = None
    if best_first[0].leaves_open:
        both = []
        for k, experiment in enumerate(experiments):
            if k != order[0]:
                pairs = [(gain[order[0]], gain[k]) for gain in gains]
                joined = [
                    _Gain(np.vstack([a.jacobian, b.jacobian]), np.concatenate([a.values, b.values]))
                    for a, b in pairs
                ]
                both.append(_forecast(experiment, spots, joined, undetermined, assumed))
        second = min(both, key=badness)
    errors = dict(zip(first.names, _errors(first.root), strict=True))
    now = {
        name: SETTINGS.open if name in undetermined else float(min(errors[name], SETTINGS.open))
        for name in first.names
        if name in CORE
    }
    # Listed are the best, and the best of each subject.
    listed = best_first[: SETTINGS.most // 2]
    for subject in dict.fromkeys(f.subject for f in best_first):
        listed += [f for f in best_first if f.subject == subject and f not in listed][:1]
    listed += [f for f in best_first if f not in listed][: max(SETTINGS.most - len(listed), 0)]
    plan = NextMeasurements(
        now=now,
        values={name: float(getattr(first.parameters, name)) for name in (*first.names, "V_m")},
        worst=max(now, key=lambda name: now[name]),
        undetermined=undetermined,
        forecasts=tuple(f for f in best_first if f in listed),
        then=second,
        settled_by={n: next((f.text for f in best_first if n in f.settles), None) for n in undetermined},
        left_out=left_out,
        assumed_noise=assumed,
    )
    return replace(plan, sentences=tuple(_sentences(plan)))


def _without_model(result: FitResult) -> NextMeasurements:
    """What would show which part of the model is wrong, where it does not describe the device."""
    missed = [item for item in result.goodness.datasets if item.where]
    worst = max(missed, key=lambda item: item.misfit_percent or 0.0)
    what = result.misfit.sentence if result.misfit else ""
    first = f"The model does not describe this device (it {what}): what it forecasts would mean nothing."
    if result.misfit and result.misfit.mistake:
        first = f"{result.misfit.mistake} Before that is settled no forecast means anything."
    again = (
        f"Measure {worst.file} again, unchanged: what differs between the two is drift or another state of "
        "the device, what stays is a part that the model does not have."
    )
    sentences = [first, again]
    sentences += list(dict.fromkeys(_WHERE_THE_MODEL_FAILS.get(item.kind, _PULSES) for item in missed))
    undetermined = tuple(n for n, e in result.parameters.items() if n in CORE and e.status == "undetermined")
    return NextMeasurements(
        now={}, values={}, worst="", undetermined=undetermined, forecasts=(), sentences=tuple(sentences)
    )


def _spots(result: FitResult, minimum: MinimumFound) -> list[_Spot]:
    """The places that may be a halide perovskite; the minimum first, if it is one, or if there is no other.

    Asked of the memory alone: leak and capacitance of any size are met. What the data leave open is taken
    within its usual range, for at the bound of a search it says nothing of a device. The bounds of the plan
    are a prior.
    """
    rows = [PARAMETERS[name] for name in minimum.names]
    memory = [row for row in rows if row.part in ("channel", "activation")]
    plausible = [
        place
        for place in minimum.places
        if all(row.usual[0] <= place.values[row.name] <= row.usual[1] for row in memory)
    ]
    stored, spots = result.plan.get("bounds", {}), []
    lost = {name for name, e in result.parameters.items() if e.status == "undetermined"}
    for place in plausible or minimum.places[:1]:
        usual = {
            r.name: min(max(place.values[r.name], r.usual[0]), r.usual[1]) for r in rows if r.name in lost
        }
        p = Parameters.from_mapping({**place.values, **usual})
        scale, per_unit, at, prior = [], [], [], []
        for row in rows:
            value, (low, high) = getattr(p, row.name), stored.get(row.name, row.bounds)
            unit = max(float(value), 1e-30) if row.logarithmic else unit_of_length(row.name, p.V_m)
            width = float(np.log(high / low)) if row.logarithmic else (high - low) / unit
            scale.append(unit)
            per_unit.append(1.0 if row.logarithmic else unit)
            at.append(np.log(value) if row.logarithmic else value / unit)
            prior.append(width / 4.0 if row.scale == "linear" else min(width / 4.0, SETTINGS.open))
        root = np.vstack([np.array(place.information) * np.array(per_unit), np.diag(1.0 / np.array(prior))])
        spots.append(_Spot(minimum.names, p, triangle(root), np.array(scale), np.array(at)))
    return spots


def _noise(result: FitResult) -> dict[Kind, tuple[float, float, float]]:
    """By kind that was measured: relative noise, floor, share of independent points."""
    noise: dict[Kind, tuple[float, float, float]] = {}
    for kind in KINDS:
        items = [item for item in result.goodness.datasets if item.kind == kind]
        if items:
            points = [item.points * (2 if kind == "impedance" else 1) for item in items]
            shares = [i.effective_points / max(n, 1) for i, n in zip(items, points, strict=True)]
            relative, floor = ([item.noise[part] for item in items] for part in ("relative", "floor"))
            share = min(np.median(shares), 1.0)
            noise[kind] = float(np.median(relative)), float(np.median(floor)), float(share)
    return noise


def _simulated(
    spot: _Spot,
    predictor: Predictor,
    experiments: Sequence[Experiment],
    noise: Mapping[Kind, tuple[float, float, float]],
) -> list[_Gain]:
    """Every experiment at one place; each point stands for those that would really be taken."""
    prediction = predictor(spot.parameters)
    slopes = prediction.derivatives[:, [NAMES.index(n) for n in spot.names]] * spot.scale
    gains = []
    for experiment, here in zip(experiments, predictor.slices, strict=True):
        values, jacobian = prediction.values[here], slopes[here]
        known = np.isfinite(values) & np.isfinite(jacobian).all(axis=1)
        size = np.abs(values)
        if isinstance(experiment.record, ImpedanceSpectrum):
            size = np.tile(np.hypot(*np.split(values, 2)), 2)
        largest = float(np.nanmax(size, initial=1e-300))
        if experiment.kind in noise:
            relative, floor, share = noise[experiment.kind]
        else:
            relative, part = SETTINGS.usual_noise[experiment.kind]
            floor, share = part * largest, 1.0
        sigma = np.hypot(relative * size, max(floor, 1e-9 * largest)) / np.sqrt(share * experiment.share)
        jacobian = np.where(known[:, None], jacobian / sigma[:, None], 0.0)
        gains.append(_Gain(jacobian, np.where(known, values / sigma, 0.0)))
    return gains


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
    first = spots[0]
    # What differs stays open where the experiment could not tell another place from the minimum; linearised:
    # the other place may adapt, within what the data so far allow.
    doubt = np.zeros(len(first.names))
    for spot, gain in zip(spots[1:], gains[1:], strict=True):
        told = np.column_stack([gain.jacobian, gain.values - gains[0].values])
        rows = np.vstack([told, np.column_stack([spot.root, np.zeros(len(spot.root))])])
        if float(triangle(rows)[-1, -1] ** 2) < SETTINGS.confused:
            doubt = np.maximum(doubt, np.abs(spot.at - first.at) / np.sqrt(SETTINGS.allowed))
    each = np.array([_errors(np.vstack([s.root, g.jacobian])) for s, g in zip(spots, gains, strict=True)])
    each = np.minimum(np.maximum(each, doubt), 1e6)
    columns = {name: each[:, k] for k, name in enumerate(first.names) if name in CORE}
    units = dict(zip(first.names, first.scale, strict=True))
    typical = {name: float(np.median(errors)) for name, errors in columns.items()}
    excess = np.maximum(np.log(np.column_stack(list(columns.values())) / SETTINGS.settled), 0.0)
    mostly = {name: float(np.quantile(errors, SETTINGS.mostly)) for name, errors in columns.items()}
    return Forecast(
        subject=experiment.subject,
        text=experiment.text,
        settings=experiment.settings,
        assumed=experiment.kind in assumed,
        worst=max(typical, key=lambda name: typical[name]),
        stderr={name: float(errors[0] * units[name]) for name, errors in columns.items()},
        relative={name: float(errors[0]) for name, errors in columns.items()},
        typical=typical,
        range={name: (float(errors.min()), float(errors.max())) for name, errors in columns.items()},
        unsettled=float(np.mean(np.sum(excess, axis=1))),  # factors e from settled
        settles=tuple(n for n in undetermined if n in mostly and mostly[n] <= SETTINGS.settled),
    )


def _sentences(plan: NextMeasurements) -> list[str]:
    """The plan in words."""
    best, then = plan.forecasts[0], plan.then
    settles = f"; it settles {', '.join(best.settles)}" if best.settles else ""
    said = [f"Measure {best.text}: {_change(plan, plan.worst, best)}{settles}."]
    if then is not None:
        said.append(f"Then measure {then.text}: {_change(plan, best.worst, then, after=best)}.")
    alone = [name for name, text in plan.settled_by.items() if text is None]
    if alone:
        # Raising the voltage slowly is the advice where that is what is missing.
        limited = any("largest voltage" in reason for reason in plan.left_out)
        advice = (
            " The voltages so far may be too low to tell: raise them in small steps, fit, and plan again."
        )
        needed = then is not None and then.leaves_open and limited
        said.append(f"No single measurement considered settles {', '.join(alone)}.{advice if needed else ''}")
    said += [f"Left out ({count}): what {reason}." for reason, count in plan.left_out.items()]
    if plan.assumed_noise:
        kinds = ", ".join(KINDS[kind] for kind in plan.assumed_noise)
        said.append(f"The noise of {kinds} is assumed, 1 % or 5 mV, because none was measured.")
    return said


def _change(plan: NextMeasurements, name: str, then: Forecast, after: Forecast | None = None) -> str:
    """From what to what an interval would shrink."""

    def known(error: float) -> str:
        """A standard error in words: in volt for V_T, else in per cent or as a factor."""
        if error >= SETTINGS.vague:
            return "not at all"
        if PARAMETERS[name].scale == "in V_m":
            return format_quantity(error * plan.values["V_m"], "V", digits=2)
        return percent_of(error) if error < 0.5 else f"a factor of {np.exp(error):.2g}"

    before = plan.now[name] if after is None else after.typical[name]
    nothing = SETTINGS.open / 2.0
    start = "not determined" if before >= nothing else f"known to {known(before)}"
    change = f"{name}, {'now' if after is None else 'then'} {start},"
    if then.typical[name] >= nothing:
        return f"{change} would still be open"
    low, high = then.range[name]
    between = ""
    if high > SETTINGS.wide * low:
        between = f" ({known(low)} to {known(high)}, depending on what is not known yet)"
    return f"{change} would be known to {known(then.typical[name])}{between}"
