"""What an experiment would buy: forecasts, what to measure next, and both in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from memfit.analysis.experiments import Subject
from memfit.fitting.sentences import percent_of
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
