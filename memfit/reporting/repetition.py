"""What a repeated fit found, in words."""

from collections.abc import Sequence

from memfit.fitting.repetition import SAME, Change, Repetition
from memfit.reporting.numbers import quantity_digits
from memfit.reporting.words import REPETITION, listed

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
