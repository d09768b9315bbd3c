"""The first screen of a report: what are the parameters, can I trust them, will it spike, in words.

Also how one estimate is written, and what a repeated fit found.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from memfit.confidence import Z
from memfit.fitting import Estimate, FitResult
from memfit.model import PARAMETERS
from memfit.reporting.content import (
    CIRCUIT,
    KIND,
    KINDS,
    MODEL,
    QUALIFIED,
    QUESTIONS,
    SYMBOLS,
    TONE,
    TRUST,
    VERDICT,
    Answer,
    Tone,
    capitalised,
    composition,
    counted,
    listed,
)
from memfit.reporting.numbers import (
    MISSING,
    interval,
    percent,
    quantity,
    quantity_digits,
    rounded_to_error,
    span,
)

_ORDER = ("oscillates", "near", "undetermined", "stable")
"""Verdicts from the most to the least eager to spike."""
_FAR = 10.0
"""Gain margin from which its digits are no news."""
_SMALLEST_ERROR = 1e-4
"""Relative standard error below which its size is no news."""
_CERTAIN = 10.0
"""Standard errors beyond which their number says no more."""
_MICRO = re.compile(r"(?<=\d )u(?=(?:A|V|F|H|s|m)\b)")
"""The prefix as terminals write it."""
_MANY_OUT = 0.02
"""Share of points that are left out, of which a reader is told in the headline."""
_ASKS = "Measure "
"""How a sentence of a plan that asks for a measurement begins."""
_MOST_NEXT = 1
"""Further sentences on what to measure next, on the first screen."""
_MOST_ASKED = 3
"""Parts that the data ask for, told on the first screen."""
_MOST_WARNINGS = 3
"""Warnings on the first screen; all of them stand with the inputs."""


def given_names(result: FitResult) -> frozenset[str]:
    """What users call the device, its files and its attributes."""
    attributes = result.device.get("attributes") or {}
    texts = [value for value in (*attributes, *attributes.values()) if isinstance(value, str)]
    files = [item.file for item in result.inputs]
    return frozenset({str(result.device.get("name") or ""), *files, *texts} - {""})


def value_text(e: Estimate) -> str:
    """The value with its standard error; at a bound without, where a linear approximation means nothing."""
    low, high = e.ci95 or (None, None)
    if low == 0.0 and high and e.value is not None and 0.0 <= e.value <= (e.stderr or 0.0):
        return f"< {quantity_digits(high, e.unit or '1', 2)}"  # a limit is what is known
    if e.status == "at_bound" and e.value is not None and (e.stderr or 0.0) > abs(e.value):
        return quantity_digits(e.value, e.unit or "1", 2)  # the bound itself
    write = rounded_to_error if e.status == "at_bound" else quantity
    return write(e.value, e.unit or "1", e.stderr)


def interval_text(e: Estimate) -> str:
    """The 95 % interval; a dash at a bound."""
    return MISSING if e.status == "at_bound" else interval(e.ci95, e.unit or "1", e.stderr)


def error_of(ci95: Sequence[float | None] | None) -> float | None:
    """Standard error from the 95 % interval of a normal distribution; None if an end is open.

    Parameters
    ----------
    ci95 : (low, high), optional
        None at an open end.
    """
    low, high = ci95 or (None, None)
    return None if low is None or high is None else (high - low) / (2.0 * Z)


def answers(result: FitResult, following: Sequence[str] = ()) -> tuple[Answer, ...]:
    """The three answers, and what to measure next; what speaks against model or verdict comes first.

    Parameters
    ----------
    result : FitResult
    following : sequence of str
        What to measure next, the most useful first.
    """
    said = [sentence for sentence in following if sentence not in result.measured]  # the first answer says it
    if result.misfit is not None and result.misfit.large and not result.misfit.mistake:
        said.sort(key=lambda sentence: not sentence.startswith(_ASKS))  # why is what another answer says
    after = (next_answer(said),) if said else ()
    parameters, trust, spiking = parameters_answer(result), trust_answer(result), spiking_answer(result)
    if result.measured:
        return spiking, trust, parameters, *after
    if result.status.code == "poor_fit":
        return trust, parameters, spiking, *after
    return parameters, trust, spiking, *after


def next_answer(sentences: Sequence[str]) -> Answer:
    """What to measure next.

    Parameters
    ----------
    sentences : sequence of str
        Of a plan, the most useful first.
    """
    first, *rest = (_MICRO.sub("µ", sentence) for sentence in sentences)
    head, _, why = first.partition(": ")
    named = re.match(r"\w+", why)
    said = [why if named and named[0] in SYMBOLS else capitalised(why)] if why else []
    said += rest[:_MOST_NEXT]
    headline = f"{head}." if why else first
    return Answer(QUESTIONS["next"], headline, tuple(said), "plain")


def records_of(result: FitResult) -> str:
    """The records of a fit, counted in words: "4 impedance spectra and 1 I-V sweep"; empty without any.

    Parameters
    ----------
    result : FitResult
    """
    counts = {kind: sum(item.kind == kind for item in result.inputs) for kind in KINDS}
    return listed([counted(number, KIND[kind], KINDS[kind]) for kind, number in counts.items() if number])


def parameters_answer(result: FitResult) -> Answer:
    """What the parameters are, and what was fitted with which model."""
    source = f" to {records}" if (records := records_of(result)) else ""
    made = f" with {composition(result.parts)}" if result.parts else ""
    sentences = [f"Joint fit of the {MODEL.get(result.model, result.model)}{made}{source}."]
    sentences += [found.sentence for found in result.parts_found]
    for status, words in QUALIFIED.items():
        names = [name for name, e in result.parameters.items() if e.status == status]
        if names:
            others = status == "conditional" and result.left_out
            sentences.append(f"{QUALIFIED['without'] if others else words}: {listed(names)}.")
    known = {name: e for name, e in result.parameters.items() if e.value is not None}
    facts = tuple((name, value_text(e)) for name, e in known.items())
    headline = "" if known else "None is determined."
    return Answer(QUESTIONS["parameters"], headline, tuple(sentences), "plain" if known else "bad", facts)


def trust_answer(result: FitResult) -> Answer:
    """Whether the parameters can be trusted, and what stands in the way."""
    code, warnings = result.status.code, result.warnings
    sentences = [result.status.message, _precision(result.parameters)]
    if result.excluded:
        sentences.append(_left_out(result))
    sentences += [one.sentence for one in result.diagnosis if one.shows][:_MOST_ASKED]
    sentences += warnings[:_MOST_WARNINGS]
    if len(warnings) > _MOST_WARNINGS:
        sentences.append(f"{counted(len(warnings) - _MOST_WARNINGS, 'more warning')} with the inputs.")
    tone = cast(Tone, TONE[code])
    doubtful = [e for e in result.parameters.values() if e.status in ("weak", "undetermined", "at_bound")]
    many = len(result.excluded) > _MANY_OUT * sum(item.points for item in result.inputs)
    if tone == "good" and (warnings or doubtful or many):
        tone = "care"
    headline = TRUST["reserved" if tone == "care" and code == "ok" else code]
    if code == "poor_fit" and result.misfit is not None and result.misfit.mistake:
        headline = TRUST["mistake"]
    return Answer(QUESTIONS["trust"], headline, tuple(s for s in sentences if s), tone)


def _left_out(result: FitResult) -> str:
    """How many points were left out, of which record most."""
    points, files = len(result.excluded), Counter(one.file for one in result.excluded)
    (file, most), *others = files.most_common()
    share = percent(points / max(sum(item.points for item in result.inputs), 1))
    of = f"up to {most} of a record ({file})" if others else f"all of {file}"
    return f"{counted(points, 'point')} left out as outliers ({share}), {of}: see the inputs."


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
    low, high = (
        f"below {quantity_digits(100 * _SMALLEST_ERROR, '1', 1)} %"
        if relative[name] < _SMALLEST_ERROR
        else f"{quantity_digits(100 * relative[name], '1', 2)} %"
        for name in (best, worst)
    )
    if best == worst:
        return f"The relative standard error of {best} is {low}."
    return f"Relative standard errors run from {low} ({best}) to {high} ({worst})."


def spiking_answer(result: FitResult) -> Answer:
    """Whether the device oscillates by itself, under which circuit, where, and how sure that is."""
    circuits = result.stability
    if not circuits:
        return Answer(QUESTIONS["spiking"], VERDICT[""], ("The fit has no stability analysis.",), "plain")
    verdicts = {name: block["verdict"] for name, block in circuits.items()}
    eager = min(verdicts, key=lambda name: (*_ORDER, verdicts[name]).index(verdicts[name]))
    sentences = once(circuit_sentence(name, block) for name, block in circuits.items())
    word = verdicts[eager]
    if result.measured:
        word = {"oscillates": "measured", "undetermined": "contradicted"}.get(word, word)
    headline = VERDICT.get(word, VERDICT[""]).format(circuit=CIRCUIT.get(eager, eager))
    tone: Tone = "plain" if verdicts[eager] == "stable" else "care"
    return Answer(QUESTIONS["spiking"], headline, sentences, tone)


def once(sentences: Iterable[str]) -> tuple[str, ...]:
    """Each sentence once, also where another one holds it.

    Parameters
    ----------
    sentences : iterable of str
        May be empty texts, which go.
    """
    each = dict.fromkeys(sentence for sentence in sentences if sentence)
    return tuple(one for one in each if not any(one in other for other in each if other != one))


def circuit_sentence(name: str, block: Mapping[str, Any]) -> str:
    """The verdict for one circuit in a sentence or two.

    Parameters
    ----------
    name : str
        Of the circuit: "current", "voltage".
    block : mapping
        Its part of the stability of a result.
    """
    circuit = capitalised(CIRCUIT.get(name, name))
    chance, message = block.get("probability_oscillates"), block.get("message")
    certainty = (
        "" if chance is None else f" Probability that it oscillates, given the errors: {percent(chance)}."
    )
    if block.get("probability_reason"):
        return f"{circuit}: {message}"
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
        return str(message or VERDICT["undetermined"])
    margin, where = block.get("gain_margin_min"), block.get("at_u")
    if margin is None:
        return f"{circuit}: {message or block['verdict'] + '.'}{certainty}"
    far = margin >= _FAR  # in round figures then, else with its error
    times = (
        quantity_digits(margin, "1", 2)
        if far
        else quantity(margin, "1", error_of(block.get("gain_margin_ci95")))
    )
    place = f" (at u = {quantity_digits(where, 'V')})" if where is not None else ""
    return (
        f"{circuit}: stable at every bias; the loop gain would have to grow {times} times to "
        f"oscillate{place}.{certainty}"
    )


def nearness_sentence(name: str, block: Mapping[str, Any]) -> str:
    """How far the threshold is when all parameters change together; empty where unknown.

    Parameters
    ----------
    name : str
        Of the circuit: "current", "voltage".
    block : mapping
        Its part of the stability of a result.
    """
    ways = block.get("nearest_boundary") or {}
    decades, errors = ((ways.get(way) or {}).get("distance") for way in ("decades", "standard_errors"))
    parts = []
    if decades is not None:
        factor = quantity_digits(10.0**decades, "1", 3 if decades < 1.0 else 2)
        away = quantity_digits(decades, "1", 2)
        parts.append(f"{away} decades away, all parameters together (a factor of {factor}, were it only one)")
    if errors is not None and errors > _CERTAIN:
        parts.append("far more than the errors of the fit allow")
    elif errors is not None:
        parts.append(f"{quantity_digits(errors, '1', 2)} standard errors of the fit away")
    if not parts:
        return ""
    return f"Under {CIRCUIT.get(name, name)} the nearest point of the threshold is {', '.join(parts)}."
