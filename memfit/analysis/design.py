"""What to measure next: which experiment would shrink the worst interval most, and to what.

The Fisher information of a fit and that of an experiment add up. The experiment is simulated with the exact
sensitivities of the model and the noise found in the fit, at the minimum and at the other places that the
data allow, whose spread stands for what is not known. Where two places remain that an experiment could not
tell apart, what differs between them stays open. Other models that the data allow have their say by their
probability, and it is said what would tell them apart. Errors are of logarithms, of V_T in units of V_m.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from memfit.above import Shown
from memfit.analysis.experiments import Experiment, Measured, Subject, propose
from memfit.analysis.places import SETTINGS as PLACES
from memfit.analysis.places import (
    Gain,
    Place,
    measured_noise,
    places_allowed,
    places_of,
    simulated,
    told_apart,
)
from memfit.arrays import FloatArray
from memfit.datasets import Device, Kind, extent_of
from memfit.errors import InputError
from memfit.fitting import CORE, FitResult, to_plain
from memfit.fitting.choice.diagnosis import asked_for
from memfit.fitting.own import refuse_own
from memfit.fitting.prediction.predict import Predictor
from memfit.fitting.results.findings import Member
from memfit.fitting.uncertainty.identifiability import percent_of
from memfit.fitting.uncertainty.tied import refuse_ties
from memfit.model import PARAMETERS
from memfit.units import format_quantity, two_digits

KINDS: Mapping[Kind, str] = {"impedance": "spectra", "iv": "loops", "transient": "pulses"}


@dataclass(frozen=True)
class Settings:
    """Numbers behind the forecasts; errors are those of logarithms."""

    settled: float = 0.2
    """Standard error up to which a parameter is determined, as in `memfit.fitting.uncertainty`."""
    mostly: float = 0.75
    """Share of the places at which a parameter must be settled to be called so."""
    allowed: float = 16.0
    """Of the same, that places allowed by the data may have, as in `fitting.uncertainty.identifiability`."""
    most: int = 8
    """Forecasts that are listed."""
    wide: float = 1.5
    """Ratio of the largest to the smallest forecast from which both are said."""
    vague: float = 5.0
    """Standard error from which a parameter is not known at all, in words."""


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
    """How far all parameters together would be from settled, 0 if all are; mean over these places, and over
    the models that the data allow by their shares of the probability."""
    settles: tuple[str, ...] = ()
    """Parameters that are not determined now, and would be at three quarters of these places."""

    @property
    def leaves_open(self) -> bool:
        """Whether a parameter would still not be determined."""
        return max(self.typical.values()) > SETTINGS.settled


@dataclass(frozen=True, kw_only=True)
class Separation:
    """What would tell the chosen model from another one that the data allow."""

    parts: tuple[str, ...]
    """Of the other model, beside those of the plainest."""
    values: Mapping[str, float]
    """Its parameters, SI."""
    weight: float
    """Its share of the probability now."""
    text: str
    """The experiment that tells most, in words."""
    settings: Mapping[str, float | str]
    """The same for a program, SI."""
    chi2: float
    """By which either model would then at least miss what the other predicts, its parameters adapted."""

    @property
    def decides(self) -> bool:
        """Whether nothing of the doubt would be left."""
        return self.chi2 >= PLACES.confused


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
    separations: tuple[Separation, ...] = ()
    """What would tell other models apart that the data allow, the likeliest first."""
    sentences: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return dict(to_plain(self))


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
    places = places_allowed(result, result.minimum)
    first = places[0]
    experiments, left_out = propose(Measured(extents=extents), first.parameters)
    if not experiments:
        raise InputError("No experiment can be proposed: all candidates had to be left out.")
    noise = measured_noise(result)
    assumed = tuple(kind for kind in KINDS if kind not in noise)
    predictor = Predictor(tuple(replace(e.record, name=f"candidate {k}") for k, e in enumerate(experiments)))
    gains = [simulated(place, predictor, experiments, noise) for place in places]
    undetermined = tuple(n for n, e in result.parameters.items() if n in CORE and e.status == "undetermined")

    def badness(forecast: Forecast) -> tuple[float, bool, float, float]:
        """How far from settled all are together, then the worst error, then the mean of all in the logarithm.

        Where something is to be settled, kinds of data whose noise is known come before others.
        """
        errors = np.array(list(forecast.typical.values()))
        guessed = bool(undetermined) and forecast.assumed
        return forecast.unsettled, guessed, float(errors.max()), float(np.mean(np.log(errors)))

    others = [
        (member, place, simulated(place, predictor, experiments, noise))
        for member, place in places_of(result)
    ]
    weights = [result.members[0].weight, *(member.weight for member, *_ in others)] if others else [1.0]
    forecasts = []
    for k, experiment in enumerate(experiments):
        here = _forecast(experiment, places, [gain[k] for gain in gains], undetermined, assumed)
        there = [_forecast(experiment, [place], [gain[k]], (), assumed) for _, place, gain in others]
        mean = np.average([here.unsettled, *(one.unsettled for one in there)], weights=weights)
        forecasts.append(replace(here, unsettled=float(mean)))
    order = sorted(range(len(forecasts)), key=lambda k: badness(forecasts[k]))
    best_first = [forecasts[k] for k in order]
    second = None
    if best_first[0].leaves_open:
        both = []
        for k, experiment in enumerate(experiments):
            if k != order[0]:
                joined = [gain[order[0]].with_more(gain[k]) for gain in gains]
                both.append(_forecast(experiment, places, joined, undetermined, assumed))
        second = min(both, key=badness)
    errors = dict(zip(first.names, _errors(first.root), strict=True))
    now = {
        name: PLACES.open if name in undetermined else float(min(errors[name], PLACES.open))
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
        separations=tuple(
            _separation(member, experiments, [(places[0], gains[0]), (place, gain)])
            for member, place, gain in others
        ),
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


def _errors(root: FloatArray) -> FloatArray:
    """(n,) standard errors from the root of an information."""
    length = np.maximum(np.linalg.norm(root, axis=0), 1e-300)
    _, singular, vectors = np.linalg.svd(root / length)
    inverse = 1.0 / np.maximum(singular, 1e-14 * singular[0])
    result: FloatArray = np.linalg.norm(vectors.T * inverse, axis=1) / length
    return result


def _forecast(
    experiment: Experiment,
    places: Sequence[Place],
    gains: Sequence[Gain],
    undetermined: Sequence[str],
    assumed: Sequence[str],
) -> Forecast:
    """What one experiment would leave open."""
    first = places[0]
    # What differs stays open where the experiment could not tell another place from the minimum.
    doubt = np.zeros(len(first.names))
    for place, gain in zip(places[1:], gains[1:], strict=True):
        if told_apart(place, gain, gains[0]) < PLACES.confused:
            doubt = np.maximum(doubt, np.abs(place.at - first.at) / np.sqrt(SETTINGS.allowed))
    each = np.array([_errors(np.vstack([s.root, g.jacobian])) for s, g in zip(places, gains, strict=True)])
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


def _separation(
    member: Member, experiments: Sequence[Experiment], models: Sequence[tuple[Place, Sequence[Gain]]]
) -> Separation:
    """The experiment by which the chosen model and another one tell each other apart best."""
    (one, here), (other, there) = models
    told = [min(told_apart(one, a, b), told_apart(other, b, a)) for a, b in zip(here, there, strict=True)]
    best = int(np.argmax(told))
    return Separation(
        parts=member.parts,
        values=member.parameters,
        weight=member.weight,
        text=experiments[best].text,
        settings=experiments[best].settings,
        chi2=told[best],
    )


def _told_of(one: Separation) -> str:
    """What tells two models apart, in words."""
    parts = [asked_for(part, one.values) for part in one.parts]
    with_them = f"a device with {', and '.join(parts)}" if parts else "the plainest device"
    first = f"The data allow {with_them} too ({percent_of(one.weight)} of the probability)"
    if not one.decides:
        return f"{first}; no measurement considered tells it apart."
    return f"{first}; {one.text} tells it apart: chi2 would differ by {two_digits(one.chi2)}."


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
    said += [_told_of(one) for one in plan.separations]
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
    nothing = PLACES.open / 2.0
    start = "not determined" if before >= nothing else f"known to {known(before)}"
    change = f"{name}, {'now' if after is None else 'then'} {start},"
    if then.typical[name] >= nothing:
        return f"{change} would still be open"
    low, high = then.range[name]
    between = ""
    if high > SETTINGS.wide * low:
        between = f" ({known(low)} to {known(high)}, depending on what is not known yet)"
    return f"{change} would be known to {known(then.typical[name])}{between}"
