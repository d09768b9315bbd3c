"""The words of all reports: symbols, headings, columns, captions, a sentence for every status.

They stand in `text.toml`, read once; what is built from parts (lists, counts) is a function here. Sentences
hold plain names of quantities (`R_b`, `tau_d`), which the writer of each format sets as symbols. Symbols and
meanings of parameters and of what is derived from them are those of the tables in `memfit.model`.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from memfit.fitting import TERM_NAMES, Term
from memfit.model import DERIVED, PARAMETERS


@dataclass(frozen=True)
class Symbol:
    """How a quantity is written, and what it is."""

    base: str
    """The letter, in Unicode."""
    index: str
    """The subscript, upright; may be empty."""
    meaning: str


@dataclass(frozen=True)
class FigureWords:
    """Words of a figure."""

    caption: str
    """Below the figure; names of quantities are set as symbols."""
    alt: str
    """What the figure shows, for those who cannot see it."""


Words = Mapping[str, str]

_TEXT = tomllib.loads((files("memfit.reporting") / "text.toml").read_text(encoding="utf-8"))
SYMBOLS: Mapping[str, Symbol] = {
    **{name: Symbol(*row.symbol, row.meaning) for name, row in PARAMETERS.items()},
    **{name: Symbol(*row.symbol, row.meaning) for name, row in DERIVED.items()},
    **{name: Symbol(*entry) for name, entry in _TEXT["symbols"].items()},
}
KIND: Words = _TEXT["kind"]
KINDS: Words = _TEXT["kinds"]
"""Plural."""
CIRCUIT: Words = _TEXT["circuit"]
MODEL: Words = _TEXT["model"]
QUESTIONS: Words = _TEXT["question"]
QUALIFIED: Words = _TEXT["qualified"]
TRUST: Words = _TEXT["trust"]
TONE: Words = _TEXT["tone"]
VERDICT: Words = _TEXT["verdict"]
STATUS_OF_ESTIMATE: Words = _TEXT["status_of_estimate"]
HEADINGS: Words = _TEXT["heading"]
COLUMNS: Words = _TEXT["column"]
TABLE_CAPTIONS: Words = _TEXT["table_caption"]
METHODS: Words = _TEXT["method"]
PROFILE_CLASS: Words = _TEXT["profile_class"]
PROFILED: Words = _TEXT["profiled"]
PROFILE_TITLES: Words = _TEXT["profile_title"]
SENTENCES: Words = _TEXT["sentence"]
REPETITION: Words = _TEXT["repetition"]
MARKS: Words = _TEXT["mark"]
"""What the caption of a figure adds where points were left out or lie outside, or where there is a band."""
OVERVIEW: Mapping[str, Words] = _TEXT["overview"]
"""Of a batch, by what they are for."""
STATUS_OF_FIT: Words = OVERVIEW["status"]
CAUSES: Words = OVERVIEW["cause"]
"""Why a device has no result."""
FIGURE_WORDS: Mapping[str, FigureWords] = {
    name: FigureWords(**entry) for name, entry in _TEXT["figure"].items()
}

_MATHEMATICS = re.compile(r"(?<!\\)\$[^$]*\$")
_TERMS: Mapping[str, tuple[str, str]] = _TEXT["instrument_terms"]
_NAME = re.compile(
    r"(?<![\w.])(" + "|".join([TERM_NAMES, *sorted(SYMBOLS, key=len, reverse=True)]) + r")(?![\w]|\.\w)"
)


def split_symbols(text: str) -> Iterator[tuple[str, Symbol | None]]:
    """Pieces of a sentence in order: plain text with None, and names of quantities with their symbol."""
    for place, piece in enumerate(_NAME.split(text)):
        if piece:
            yield piece, _symbol_of(piece) if place % 2 else None


def _symbol_of(name: str) -> Symbol | None:
    """The symbol of a quantity; those of the instruments' terms carry the number of their record, from 1."""
    if name in SYMBOLS:
        return SYMBOLS[name]
    term = Term.from_name(name)
    if term is None:
        return None
    if term.kind == "gain":
        return Symbol(_TERMS["gain"][0], _TEXT["gain_index"].get(term.instrument, name), "")
    from_one = [str(number + 1) for number in (term.record, term.index) if number is not None]
    first = ["0"] if term.kind.endswith("_0") else []
    return Symbol(_TERMS[term.kind][0], ",".join([*first, *from_one]), "")


def meaning(name: str, records: Sequence[str] = ()) -> str:
    """What a quantity is; empty for a name that has no entry.

    Parameters
    ----------
    name : str
        Of a parameter, or of a quantity of an instrument: `gain_KIND`, `edge_K_J` (jump J of record K),
        `u_0_K`, `i_0_K`, `f_0_K`.
    records : sequence of str
        Names of the records, by the number K.
    """
    if name in SYMBOLS:
        return SYMBOLS[name].meaning
    term = Term.from_name(name)
    if term is None:
        return ""
    if term.record is None:
        return _TERMS["gain"][1].format(kinds=KINDS[term.instrument]) if term.instrument in KINDS else ""
    if term.record >= len(records):
        return ""
    return _TERMS[term.kind][1].format(record=records[term.record], jump=(term.index or 0) + 1)


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: "1 spectrum", "8 spectra".

    Parameters
    ----------
    number : int
    noun : str
        Singular.
    plural : str
        Where it is not the singular with an s.
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def capitalised(text: str) -> str:
    """The text with a capital at its head, the rest as it is."""
    return text[:1].upper() + text[1:]


def distinct(labels: Sequence[str]) -> list[str]:
    """Labels that tell their members apart: those that occur more than once are numbered from 1.

    Parameters
    ----------
    labels : sequence of str
    """
    times = Counter(labels)
    return [
        f"{label} #{labels[: place + 1].count(label)}" if times[label] > 1 else label
        for place, label in enumerate(labels)
    ]


def listed(items: Sequence[str], most: int | None = None) -> str:
    """Items as in a sentence: "a, b and c".

    Parameters
    ----------
    items : sequence of str
    most : int, optional
        Of the items named; "... and 3 more" stands for the rest.
    """
    if most is not None and len(items) > most:
        items = [*items[:most], f"{len(items) - most} more"]
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else "".join(items)


def on_axis(name: str) -> str:
    """The symbol of a quantity for the title of an axis, in matplotlib's mathematics: "$V_{m}$"."""
    symbol = SYMBOLS[name]
    return f"${symbol.base}_{{{symbol.index}}}$" if symbol.index else symbol.base


def without_mathematics(title: str) -> str:
    """A title of `on_axis` as plain text: "Vm"."""
    return _MATHEMATICS.sub(lambda match: re.sub(r"[$_{}]", "", match[0]), title).replace("\\$", "$")
