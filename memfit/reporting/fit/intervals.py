"""What a repeated fit found, in words.

Intervals by every method side by side, and how far the chains of a posterior have converged.

The section of intervals beyond the linear ones: how they were made, side by side, the profiles drawn.

What the data can and cannot tell, and which model was chosen, as blocks of a report.
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from memfit.fitting.findings import Combination, Direction, Identifiability, ModelChoice, Profile, SampleSet
from memfit.fitting.reproduce import SAME, Change, Repetition
from memfit.fitting.result import FitResult
from memfit.reporting.content import Block, Bullets, Cell, Column, Panel, Panels, Paragraph, Table
from memfit.reporting.figures.profiles import linear_curve, profile_curve, profile_figure
from memfit.reporting.numbers import MISSING, fixed, interval, percent, quantity, quantity_digits
from memfit.reporting.text import (
    COLUMNS,
    FIGURE_WORDS,
    METHODS,
    MODEL,
    PROFILE_CLASS,
    PROFILE_TITLES,
    PROFILED,
    REPETITION,
    SENTENCES,
    SYMBOLS,
    TABLE_CAPTIONS,
    capitalised,
    counted,
    listed,
)

_METHODS = ("linear", "profile", "bootstrap", "posterior")


def quantity_label(name: str) -> str:
    """What a profiled quantity is called: a parameter by its name, the rest in words."""
    circuit, _, what = name.partition(".")
    return PROFILED[what].format(circuit=circuit) if what in PROFILED else name


def intervals_table(result: FitResult) -> Table | None:
    """95 % intervals of every fitted quantity by each method; None where only the linear one was used."""
    samples = {"bootstrap": result.bootstrap, "posterior": result.posterior}
    used = ["linear", *(["profile"] if result.profiles else []), *(m for m, s in samples.items() if s)]
    if len(used) == 1:
        return None
    estimates = {**result.parameters, **result.nuisance}
    names = dict.fromkeys([*(n for n, e in estimates.items() if e.status != "fixed"), *result.profiles])
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        found = _intervals(result, name, samples)
        unit = found.pop("unit", "1") or "1"
        cells = [interval(found.get(method), unit) for method in used]  # type: ignore[arg-type]
        verdict = PROFILE_CLASS[result.profiles[name].kind] if name in result.profiles else MISSING
        rows.append((quantity_label(name), *cells, *([verdict] if result.profiles else [])))
    columns = [Column(COLUMNS["symbol"], "symbol"), *(Column(METHODS[m], "number") for m in used)]
    if result.profiles:
        columns.append(Column(COLUMNS["profile_says"], "text"))
    return Table("intervals", TABLE_CAPTIONS["intervals"], tuple(columns), tuple(rows))


def _intervals(result: FitResult, name: str, samples: Mapping[str, SampleSet | None]) -> dict[str, object]:
    """Unit and intervals of one quantity, by method."""
    found: dict[str, object] = {}
    estimate = {**result.parameters, **result.nuisance}.get(name)
    if estimate is not None:
        found |= {"unit": estimate.unit, "linear": estimate.ci95}
    if name in result.profiles:
        profile = result.profiles[name]
        known = estimate is None or estimate.status != "undetermined"
        found |= {"unit": profile.unit, "linear": profile.linear_ci95 if known else None}
        found["profile"] = profile.ci95
    unknown = estimate is not None and estimate.status == "undetermined"
    for method, sample in samples.items():
        if method == "bootstrap" and unknown:  # refits stay near where they start
            continue
        if sample and name in sample.estimates:
            found[method] = sample.estimates[name].ci95
    return found


def convergence_table(sample: SampleSet | None) -> Table | None:
    """Autocorrelation, agreement and effective samples of a chain; None where there is none."""
    if sample is None or not sample.convergence:
        return None
    rows = tuple(
        (
            name,
            quantity_digits(item.autocorrelation_time, "1", 2),
            fixed(item.r_hat, 3),
            fixed(item.effective_samples, 0),
        )
        for name, item in sample.convergence.items()
    )
    columns = (
        Column(COLUMNS["symbol"], "symbol"),
        Column(COLUMNS["autocorrelation_time"], "number"),
        Column(COLUMNS["r_hat"], "number"),
        Column(COLUMNS["effective_samples"], "number"),
    )
    return Table("convergence", TABLE_CAPTIONS["convergence"], columns, rows)


_SIZE = (44.0, 40.0)
"""Width and height of a profile, mm."""


def interval_blocks(result: FitResult) -> tuple[Block | None, ...]:
    """What profiles and samples say; nothing where there are none."""
    if not (result.profiles or result.bootstrap or result.posterior):
        return ()
    return (
        Bullets(tuple(_sentences(result))),
        intervals_table(result),
        Paragraph(SENTENCES["profiles"]) if result.profiles else None,
        profile_panels(result),
        convergence_table(result.posterior),
    )


def _sentences(result: FitResult) -> list[str]:
    """How each kind of interval was made."""
    said = []
    if result.profiles:
        differ = [quantity_label(n) for n, p in result.profiles.items() if not p.agrees]
        said.append(
            f"{counted(len(result.profiles), 'profile')}"
            + (
                f"; the linear interval says otherwise of {listed(differ)}."
                if differ
                else ", all as the linear interval says."
            )
        )
    if result.bootstrap:
        said.append(f"Bootstrap: {result.bootstrap.message}")
    if result.posterior:
        accepted = percent(result.posterior.acceptance or 0.0)
        said.append(f"Posterior: {result.posterior.message} {accepted} of the proposals were taken.")
    return said


def profile_panels(result: FitResult) -> Panels:
    """A small figure of each profile."""
    return Panels(tuple(_panel(name, profile) for name, profile in result.profiles.items()))


def _panel(name: str, profile: Profile) -> Panel:
    """One profile."""
    words = FIGURE_WORDS["profile"]
    what = quantity_label(name)
    value, rise = profile_curve(profile)
    parabola = linear_curve(profile, value)
    return Panel(
        key=f"profile_{name.replace('.', '_')}",
        draw=partial(profile_figure, profile=profile, label=_title(name)),
        caption=words.caption.format(
            what=what if name in SYMBOLS else capitalised(what),
            says=profile.message[:1].lower() + profile.message[1:].rstrip("."),
        ),
        alt=words.alt.format(what=what),
        width=_SIZE[0],
        height=_SIZE[1],
        data={
            "value": value,
            "chi2_rise": rise,
            **({} if parabola is None else {"linear_rise": parabola}),
            "computed_value": np.array(profile.value),
            "computed_rise": np.array(profile.rise),
            "threshold": np.array([profile.threshold]),
        },
    )


def _title(name: str) -> str:
    """The head of a figure: the name of a parameter, which is drawn as its symbol, or a few words."""
    circuit, _, what = name.partition(".")
    if what in PROFILE_TITLES:
        return f"{PROFILE_TITLES[what]}, {circuit}"
    return name


NOTHING = 5.0
"""Standard error of a logarithm from which nothing is known."""
_MAIN = 0.3
"""Size of a component, relative to the largest, from which it is named."""


def knowledge_blocks(result: FitResult) -> tuple[Block, ...]:
    """Sentences and tables; none for results of older versions."""
    found: list[Block] = []
    if result.model_choice is not None:
        found += [Paragraph(result.model_choice.sentence), models_table(result.model_choice)]
    if result.identifiability is not None:
        known = result.identifiability
        found += [Bullets(known.sentences), combinations_table(known), directions_table(known)]
    return tuple(found)


def directions_table(known: Identifiability) -> Table:
    """The singular vectors, best known first."""
    rows = tuple(
        (str(k + 1), made_of(direction), error_text(direction.stderr))
        for k, direction in enumerate(known.directions)
    )
    columns = (
        Column("", "number"),
        Column(COLUMNS["direction"], "prose"),
        Column(COLUMNS["known_to"], "number"),
    )
    return Table("directions", TABLE_CAPTIONS["directions"], columns, rows)


def made_of(direction: Direction) -> str:
    """The main parameters of a direction with their exponents: "tau_d, tau_k^−0.9".

    Exponents are relative to the largest, which is 1.
    """
    parts = sorted(direction.weights.items(), key=lambda item: -abs(item[1]))
    largest = parts[0][1]
    named = [(name, w / largest) for name, w in parts if abs(w) > _MAIN * abs(largest)]
    return ", ".join(name if w > 0.995 else f"{name} ({fixed(w, 1)})" for name, w in named)


def error_text(stderr: float) -> str:
    """A standard error of a logarithm: per cent, a factor, or nothing."""
    if stderr >= NOTHING:
        return MISSING
    if stderr < 0.5:
        return f"{quantity_digits(100.0 * stderr, '1', 2)} %"
    return f"× {quantity_digits(math.exp(stderr), '1', 2)}"


def combinations_table(known: Identifiability) -> Table:
    """What is known although its parts are not."""
    rows = tuple(
        (
            item.text,
            quantity(item.value, item.unit or "1", item.value * item.stderr),
            error_text(item.stderr),
            _open_parts(item, known),
        )
        for item in known.combinations
    )
    columns = (
        Column(COLUMNS["combination"], "prose"),
        Column(COLUMNS["estimate"], "number"),
        Column(COLUMNS["known_to"], "number"),
        Column(COLUMNS["not_alone"], "prose"),
    )
    return Table("combinations", TABLE_CAPTIONS["combinations"], columns, rows)


def _open_parts(item: Combination, known: Identifiability) -> str:
    """The parameters of a combination that stay open."""
    return ", ".join(name for name in item.parameters if name in known.open)


def models_table(choice: ModelChoice) -> Table:
    """The models that were compared."""
    lowest = min(candidate.chi2 for candidate in choice.candidates)
    least = {key: min(getattr(c, key) for c in choice.candidates) for key in ("aic", "bic")}
    rows = tuple(
        (
            MODEL.get(c.model, c.model),
            str(c.free),
            quantity_digits(c.chi2 - lowest, "1", 3),
            MISSING if c.probability is None else percent(c.probability),
            quantity_digits(c.aic - least["aic"], "1", 3),
            quantity_digits(c.bic - least["bic"], "1", 3),
        )
        for c in choice.candidates
    )
    columns = (
        Column(COLUMNS["model"], "prose"),
        Column(COLUMNS["free"], "number"),
        Column(f"χ², {COLUMNS['rise'].lower()}", "number"),
        Column(COLUMNS["chance"], "number"),
        Column(f"AIC, {COLUMNS['rise'].lower()}", "number"),
        Column(f"BIC, {COLUMNS['rise'].lower()}", "number"),
    )
    return Table("models", TABLE_CAPTIONS["models"], columns, rows)


_DIGEST_SHOWN = 12
_MOST_NAMED = 5


def repetition_sentences(found: Repetition) -> tuple[str, ...]:
    """Whether the numbers are the same, and what else differs; a sentence each."""
    sentences = [_numbers_sentence(found)]
    sentences += [REPETITION["input"].format(**_change(c, _DIGEST_SHOWN)) for c in found.inputs]
    sentences += [REPETITION["version"].format(**_change(c)) for c in found.versions]
    sentences += [REPETITION["plan"].format(**_change(c)) for c in found.plan]
    if not (found.same or found.inputs or found.versions or found.plan):
        sentences.append(REPETITION["unexplained"])
    return tuple(sentences)


def _numbers_sentence(found: Repetition) -> str:
    """The numbers themselves."""
    limit = quantity_digits(SAME, "1", 1)
    if found.same:
        return REPETITION["same"].format(count=found.count, limit=limit)
    parts = []
    if found.largest > SAME:
        largest = quantity_digits(found.largest, "1", 2)
        parts.append(REPETITION["differs"].format(largest=largest, where=found.where, limit=limit))
    if found.lost:
        parts.append(REPETITION["lost"].format(names=_few(found.lost)))
    return " ".join(parts)


def _few(names: Sequence[str]) -> str:
    """Names as in a sentence, a long list cut short."""
    more = len(names) - _MOST_NAMED
    return listed([*names[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])])


def _change(change: Change, shown: int | None = None) -> dict[str, str]:
    """The words of a change; nothing is written as such."""
    return {
        "what": change.what,
        "then": change.then[:shown] or REPETITION["nothing"],
        "now": change.now[:shown] or REPETITION["nothing"],
    }
