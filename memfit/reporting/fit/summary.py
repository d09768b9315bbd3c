"""The first screen of a report: what are the parameters, can I trust them, will it spike, in words."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from memfit.confidence import Z
from memfit.fitting.result import Estimate, FitResult
from memfit.model.parameters import PARAMETERS
from memfit.reporting.content import Answer, Tone, value_text
from memfit.reporting.numbers import percent, quantity, quantity_digits, span
from memfit.reporting.text import (
    CIRCUIT,
    KINDS,
    MODEL,
    QUALIFIED,
    QUESTIONS,
    TONE,
    TRUST,
    VERDICT,
    capitalised,
    counted,
    listed,
)

_ORDER = ("oscillates", "near", "undetermined", "stable")
"""Verdicts from the most to the least eager to spike."""
_FAR = 10.0
"""Gain margin from which its digits are no news."""
_SMALLEST_ERROR = 1e-4
"""Relative standard error below which its size is no news."""
_MOST_WARNINGS = 3
"""Warnings on the first screen; all of them stand with the inputs."""


def answers(result: FitResult) -> tuple[Answer, Answer, Answer]:
    """The three answers."""
    return parameters_answer(result), trust_answer(result), spiking_answer(result)


def parameters_answer(result: FitResult) -> Answer:
    """What the parameters are."""
    known = {name: e for name, e in result.parameters.items() if e.value is not None}
    facts = tuple((name, value_text(e)) for name, e in known.items())
    sentences = [_weighed(result)]
    for status, words in QUALIFIED.items():
        names = [name for name, e in result.parameters.items() if e.status == status]
        if names:
            sentences.append(f"{words}: {listed(names)}.")
    headline = "" if known else "None is determined."
    return Answer(QUESTIONS["parameters"], headline, tuple(sentences), "plain" if known else "bad", facts)


def _weighed(result: FitResult) -> str:
    """What was fitted with which model."""
    counts = {kind: sum(item.kind == kind for item in result.inputs) for kind in KINDS}
    parts = [
        counted(number, KINDS[kind][:-1] if kind != "impedance" else "impedance spectrum", KINDS[kind])
        for kind, number in counts.items()
        if number
    ]
    source = f" to {listed(parts)}" if parts else ""
    return f"Joint fit of the {MODEL.get(result.model, result.model)}{source}."


def trust_answer(result: FitResult) -> Answer:
    """Whether the parameters can be trusted, and what stands in the way."""
    tone = cast(Tone, TONE[result.status.code])
    sentences = [result.status.message, _precision(result.parameters)]
    if result.excluded:
        points = counted(len(result.excluded), "point")
        sentences.append(f"{points} left out of the fit, listed with the inputs.")
    sentences += result.warnings[:_MOST_WARNINGS]
    if len(result.warnings) > _MOST_WARNINGS:
        sentences.append(f"{counted(len(result.warnings) - _MOST_WARNINGS, 'more warning')} with the inputs.")
    if tone == "good" and (result.warnings or _open(result.parameters)):
        tone = "care"
    headline = (
        TRUST[result.status.code] if tone != "care" or result.status.code != "ok" else TRUST["reserved"]
    )
    return Answer(QUESTIONS["trust"], headline, tuple(s for s in sentences if s), tone)


def _open(estimates: Mapping[str, Estimate]) -> list[str]:
    """Names of what was fitted but is not determined."""
    return [name for name, e in estimates.items() if e.status in ("weak", "undetermined", "at_bound")]


def _precision(estimates: Mapping[str, Estimate]) -> str:
    """How well the parameters are determined, in one sentence."""
    relative = {
        name: e.stderr / abs(e.value)
        for name, e in estimates.items()
        if e.status in ("determined", "weak") and e.stderr is not None and e.value
        if (name in PARAMETERS and PARAMETERS[name].logarithmic) or e.stderr < abs(e.value)
    }
    if not relative:
        return ""
    best, worst = min(relative, key=relative.__getitem__), max(relative, key=relative.__getitem__)
    if best == worst:
        return f"The relative standard error of {best} is {_percent_error(relative[best])}."
    return (
        f"Relative standard errors run from {_percent_error(relative[best])} ({best}) to "
        f"{_percent_error(relative[worst])} ({worst})."
    )


def _percent_error(fraction: float) -> str:
    """A relative error in per cent with two digits."""
    if fraction < _SMALLEST_ERROR:
        return f"below {quantity_digits(100 * _SMALLEST_ERROR, '1', 1)} %"
    return f"{quantity_digits(100 * fraction, '1', 2)} %"


def spiking_answer(result: FitResult) -> Answer:
    """Whether the device oscillates by itself, under which circuit, where, and how sure that is."""
    circuits = result.stability
    if not circuits:
        return Answer(QUESTIONS["spiking"], VERDICT[""], ("The fit has no stability analysis.",), "plain")
    eager = min(circuits, key=lambda name: _rank(circuits[name]["verdict"]))
    verdict = circuits[eager]["verdict"]
    sentences = dict.fromkeys(circuit_sentence(name, block) for name, block in circuits.items())
    headline = VERDICT.get(verdict, VERDICT[""]).format(circuit=CIRCUIT.get(eager, eager))
    tone: Tone = "plain" if verdict == "stable" else "care"
    return Answer(QUESTIONS["spiking"], headline, tuple(sentences), tone)


def _rank(verdict: str) -> int:
    """Place of a verdict among all, the most eager first."""
    return _ORDER.index(verdict) if verdict in _ORDER else len(_ORDER)


def circuit_sentence(name: str, block: Mapping[str, Any]) -> str:
    """The verdict for one circuit in a sentence or two."""
    circuit = capitalised(CIRCUIT.get(name, name))
    chance = block.get("probability_oscillates")
    certainty = (
        f" Probability that it oscillates, given the errors: {percent(chance)}." if chance is not None else ""
    )
    points = list(block.get("hopf_points") or [])
    if len(points) >= 2:
        low, high = points[0], points[-1]
        frequencies = sorted(point["frequency_Hz"] for point in (low, high))
        onset = low.get("criticality")
        kind = f" The onset is {onset}." if onset else ""
        return (
            f"{circuit}: the steady state is unstable from u = {span(low['u'], high['u'], 'V', 4)} "
            f"(I = {span(low['I'], high['I'], 'A')}); the oscillation is born with "
            f"{span(frequencies[0], frequencies[1], 'Hz')}.{kind}{certainty}"
        )
    if block["verdict"] == "undetermined":
        return str(block.get("message") or VERDICT["undetermined"])
    margin = block.get("gain_margin_min")
    if margin is None:
        return f"{circuit}: {block.get('message') or block['verdict'] + '.'}{certainty}"
    where = block.get("at_u")
    place = f" (at u = {quantity_digits(where, 'V')})" if where is not None else ""
    return (
        f"{circuit}: stable at every bias; the loop gain would have to grow "
        f"{_margin_text(margin, block)} times to oscillate{place}.{certainty}"
    )


def nearness_sentence(name: str, block: Mapping[str, Any]) -> str:
    """How far the threshold is when all parameters change together; empty where unknown."""
    ways = block.get("nearest_boundary") or {}
    errors, decades = ways.get("standard_errors"), ways.get("decades")
    parts = [
        f"{quantity_digits(errors['distance'], '1', 2)} standard errors of the fit" if errors else "",
        f"{quantity_digits(decades['distance'], '1', 2)} decades" if decades else "",
    ]
    distance = ", or ".join(part for part in parts if part)
    circuit = CIRCUIT.get(name, name)
    return (
        f"Under {circuit} the threshold is nearest at {distance}, all parameters together."
        if distance
        else ""
    )


def _margin_text(margin: float, block: Mapping[str, Any]) -> str:
    """The gain margin: with its error where it is near the threshold, in round figures where it is far."""
    if margin >= _FAR:
        return quantity_digits(margin, "1", 2)
    return quantity(margin, "1", _margin_error(block))


def _margin_error(block: Mapping[str, Any]) -> float | None:
    """Standard error of the gain margin, from its 95 % interval."""
    return error_of(block.get("gain_margin_ci95"))


def error_of(ci95: Sequence[float | None] | None) -> float | None:
    """Standard error from the 95 % interval of a normal distribution; None if an end is open."""
    low, high = ci95 or (None, None)
    return None if low is None or high is None else (high - low) / (2.0 * Z)
