"""A sentence in pieces: plain words, names of quantities, which become symbols, and names that users gave."""

import re
from collections.abc import Iterator
from functools import lru_cache

from memfit.fitting import TERM_NAMES, Term
from memfit.model import PARAMETERS
from memfit.reporting.content import GAIN_INDEX, SYMBOLS, TERMS, Given, Symbol

_ALONE = frozenset(name for name in PARAMETERS if len(name) == 1)
"""Names of one letter: a symbol where they stand alone in a cell, a letter in a sentence."""
_NAMES = sorted(set(SYMBOLS) - _ALONE, key=len, reverse=True)
_NAME = re.compile(r"(?<![\w.])(" + "|".join([TERM_NAMES, *_NAMES]) + r")(?![\w]|\.\w)")


@lru_cache(maxsize=8)
def _given(names: frozenset[str]) -> re.Pattern[str]:
    """Where one of these names stands as a word of its own, the longest first."""
    words = "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))
    return re.compile(rf"(?<!\w)({words})(?!\w)")


def split_symbols(text: str, names: frozenset[str] = frozenset()) -> Iterator[tuple[str, Symbol | None]]:
    """Pieces of a sentence in order: plain text with None, and names of quantities with their symbol.

    Parameters
    ----------
    text : str
    names : frozenset of str
        That users gave to devices, files and attributes: such a piece is a `Given`, whatever it looks like.
    """
    if text in _ALONE and text not in names:
        yield text, SYMBOLS[text]
        return
    for turn, part in enumerate(_given(names).split(text) if names else [text]):
        if turn % 2:
            yield Given(part), None
            continue
        for place, piece in enumerate(_NAME.split(part)):
            if piece:
                yield piece, _symbol_of(piece) if place % 2 else None


def _symbol_of(name: str) -> Symbol | None:
    """The symbol of a quantity; those of the instruments' terms carry the number of their record, from 1."""
    if name in SYMBOLS:
        return SYMBOLS[name]
    term = Term.from_name(name)
    if term is None:
        return None
    if term.instrument:
        return Symbol(TERMS[term.kind][0], GAIN_INDEX.get(term.instrument, name), "")
    from_one = [str(number + 1) for number in (term.record, term.index) if number is not None]
    first = ["0"] if term.kind.endswith("_0") else []
    return Symbol(TERMS[term.kind][0], ",".join([*first, *from_one]), "")
