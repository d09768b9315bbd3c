"""What the data can and cannot tell, and which model was chosen, as blocks of a report."""

import math

from memfit.fitting.knowledge import Combination, Direction, Identifiability, ModelChoice
from memfit.fitting.result import FitResult
from memfit.reporting.content import Block, Bullets, Column, Paragraph, Table
from memfit.reporting.numbers import MISSING, fixed, percent, quantity, quantity_digits
from memfit.reporting.words import COLUMNS, MODEL, TABLE_CAPTIONS

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
