"""The parts and the words of a report without any format, and the options by which it is written.

Sections of paragraphs, tables and figures: HTML, Markdown and typst are written from the same parts, so that
they cannot differ in a word or a digit. Words stand in `text.toml`; sentences hold plain names of quantities
(`R_b`, `tau_d`), which the writer of each format sets as symbols: those of the tables in `memfit.model`.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT
from memfit.arrays import FloatArray
from memfit.errors import InputError
from memfit.fitting import Term
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
    **{n: Symbol(*row.symbol, row.definition) for n, row in FIGURES_OF_MERIT.items() if "_" in n},
}
KIND: Words = _TEXT["kind"]
KINDS: Words = _TEXT["kinds"]
"""Plural."""
CIRCUIT: Words = _TEXT["circuit"]
MODEL: Words = _TEXT["model"]
PART: Words = _TEXT["part"]
"""Parts that the plainest device does without."""
QUESTIONS: Words = _TEXT["question"]
QUALIFIED: Words = _TEXT["qualified"]
TRUST: Words = _TEXT["trust"]
TONE: Words = _TEXT["tone"]
VERDICT: Words = _TEXT["verdict"]
STATUS_OF_ESTIMATE: Words = _TEXT["status_of_estimate"]
HEADINGS: Words = _TEXT["heading"]
COLUMNS: Words = _TEXT["column"]
COLUMN_KINDS: Mapping[str, "ColumnKind"] = _TEXT["column_kind"]
"""Of the columns that are not numbers."""
TABLE_CAPTIONS: Words = _TEXT["table_caption"]
METHODS: Words = _TEXT["method"]
PROFILE_CLASS: Words = _TEXT["profile_class"]
PROFILED: Words = _TEXT["profiled"]
PROFILE_TITLES: Words = _TEXT["profile_title"]
SENTENCES: Words = _TEXT["sentence"]
TEXT_OF_METHODS: Words = _TEXT["methods"]
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
TERMS: Mapping[str, tuple[str, str]] = _TEXT["instrument_terms"]
"""Symbol and meaning of the terms of the instruments."""
GAIN_INDEX: Words = _TEXT["gain_index"]


def meaning(name: str, records: Sequence[str] = ()) -> str:
    """What a quantity is; empty for a name that has no entry.

    Parameters
    ----------
    name : str
        Of a parameter, or of a quantity of an instrument: `gain_KIND`, `drive_gain_KIND`, `edge_K_J` (jump J
        of record K), `u_0_K`, `i_0_K`, `f_0_K`.
    records : sequence of str
        Names of the records, by the number K.
    """
    if name in SYMBOLS:
        return SYMBOLS[name].meaning
    term = Term.from_name(name)
    if term is None:
        return ""
    if term.record is None:
        known = term.instrument in KINDS
        return TERMS[term.kind][1].format(kinds=KINDS[term.instrument]) if known else ""
    if term.record >= len(records):
        return ""
    return TERMS[term.kind][1].format(record=records[term.record], jump=(term.index or 0) + 1)


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


def composition(parts: Sequence[str]) -> str:
    """The parts of a device beside those of the plainest in words; empty without any.

    Parameters
    ----------
    parts : sequence of str
    """
    return listed([PART.get(part, part) for part in parts])


def on_axis(name: str) -> str:
    """The symbol of a quantity for the title of an axis, in matplotlib's mathematics: "$V_{m}$"."""
    symbol = SYMBOLS[name]
    return f"${symbol.base}_{{{symbol.index}}}$" if symbol.index else symbol.base


def without_mathematics(title: str) -> str:
    """A title of `on_axis` as plain text: "Vm"."""
    return _MATHEMATICS.sub(lambda match: re.sub(r"[$_{}]", "", match[0]), title).replace("\\$", "$")


Width = Literal["single", "double"]
DOCUMENTS = ("html", "pdf", "md", "tex", "csv")
"""Formats of the report itself; tex and csv are its tables."""
FIGURES = ("svg", "png", "pdf")
"""Formats of the figures beside a report."""
WIDTHS: dict[str, float] = {"single": 85.0, "double": 175.0}
"""A journal's column, and its page, mm."""
SMALLEST_COLUMN = 50.0
"""Width of a figure, mm, below which two of them fit into a journal's column."""


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """What is written of a fit beside its result, and how its figures look. Public as `memfit.Look`.

    Raises
    ------
    InputError
        A format or a width is unknown.
    """

    formats: Sequence[str] = ("html",)
    """Of the report, out of `DOCUMENTS`: html, pdf (extra `pdf`), md, and its tables as tex and csv."""
    figures: tuple[str, ...] = ("svg",)
    """Formats of the figures beside it, out of `FIGURES`."""
    width: Width = "single"
    """Of the files in `figures/`: 8.5 cm or 17.5 cm. The report itself is always drawn in single columns."""
    style: Path | None = None
    """A matplotlib style file laid over memfit's own."""

    def __post_init__(self) -> None:
        """Check the words."""
        for what, words, known in (
            ("formats of figures", self.figures, FIGURES),
            ("formats", self.formats, DOCUMENTS),
        ):
            unknown = ", ".join(repr(word) for word in words if word not in known)
            if unknown:
                raise InputError(f"Expected {what} out of {', '.join(known)}; found {unknown}.")
        if self.width not in WIDTHS:
            raise InputError(f"Expected a width out of {', '.join(WIDTHS)}; found {self.width!r}.")


Look = ReportOptions
PLAIN = ReportOptions()
"""A page with figures as SVG, one column wide, in memfit's own style."""


Columns = Mapping[str, FloatArray]
"""The numbers behind a figure, SI, by column title; columns may differ in length."""
Tone = Literal["good", "care", "bad", "plain"]
ColumnKind = Literal["symbol", "text", "prose", "number", "file", "code"]
"""How cells are set: a quantity's name, words, words with quantities, digits, a file name, code."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    title: str
    kind: ColumnKind = "text"


@dataclass(frozen=True)
class Graded:
    """A number whose size is also shown by shading."""

    text: str
    level: int
    """-4 (strongly negative) to 4 (strongly positive)."""


class Given(str):
    """A name that a user gave: to be written letter by letter."""

    __slots__ = ()


class Link(str):
    """Words that lead to another file; plain words in every format but HTML."""

    __slots__ = ("href",)

    def __new__(cls, text: str, href: str) -> Self:
        """Words, and a path relative to the page, percent-encoded."""
        made = super().__new__(cls, text)
        made.href = href
        return made

    href: str


Cell = str | Graded


@dataclass(frozen=True)
class Table:
    """A table whose numbers are already text."""

    key: str
    """Stem of the file the table is written to."""
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Paragraph:
    """Sentences; names of quantities are set as symbols."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Bullets:
    """Sentences, one a line."""

    items: tuple[str, ...]
    tone: Tone = "plain"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One figure of a journal column's width."""

    key: str
    """Stem of its files."""
    draw: Callable[[Any], None]
    """Draws into an empty matplotlib Figure of the size asked for."""
    caption: str
    alt: str
    """What the figure shows, for those who cannot see it."""
    record: str = ""
    """Name of the record shown, as its file is called."""
    width: float = 85.0
    """mm; by default a journal's column."""
    height: float = 60.0
    """mm."""
    data: Columns = field(default_factory=dict)
    """The numbers behind the figure."""


@dataclass(frozen=True)
class Panels:
    """Figures that stand side by side where there is room."""

    items: tuple[Panel, ...]

    @property
    def small(self) -> bool:
        """Whether two of them fit into a journal's column."""
        return all(panel.width < SMALLEST_COLUMN for panel in self.items)


Block = Paragraph | Bullets | Table | Panels


@dataclass(frozen=True)
class Section:
    """A part of the report under a heading."""

    key: str
    title: str
    blocks: tuple[Block, ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Its figures, in order."""
        return tuple(panel for block in self.blocks if isinstance(block, Panels) for panel in block.items)


@dataclass(frozen=True)
class Answer:
    """A question of the reader, answered in words."""

    question: str
    headline: str
    sentences: tuple[str, ...]
    tone: Tone
    facts: tuple[tuple[str, str], ...] = ()
    """Names of quantities with their values, shown as a list."""


@dataclass(frozen=True)
class Report:
    """A whole report."""

    title: str
    subtitle: str
    answers: tuple[Answer, ...]
    sections: tuple[Section, ...]
    footer: str
    names: frozenset[str] = frozenset()
    """Of devices, files and attributes, as their owners call them: never mathematics, never markup."""

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All figures, in order."""
        return tuple(panel for section in self.sections for panel in section.panels)

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables, in order."""
        return tuple(
            block for section in self.sections for block in section.blocks if isinstance(block, Table)
        )


def table_of(
    key: str,
    columns: Iterable[str | Column],
    rows: Iterable[tuple[Cell, ...]],
    *,
    name: str = "",
    caption: str = "",
) -> Table:
    """A table whose columns and caption are those of `text.toml`, where they are not given.

    Parameters
    ----------
    key : str
        Of the caption.
    columns : iterable of str or Column
        Keys of columns, which stand for their titles and kinds.
    rows : iterable of tuple of Cell
    name : str
        Stem of the file, where it is not the key.
    caption : str
    """
    made = (
        Column(COLUMNS[one], COLUMN_KINDS.get(one, "number")) if isinstance(one, str) else one
        for one in columns
    )
    return Table(name or key, caption or TABLE_CAPTIONS[key], tuple(made), tuple(rows))


def says_something(block: Block) -> bool:
    """Whether a part has rows, items or words."""
    if isinstance(block, Table):
        return bool(block.rows)
    return bool(block.text if isinstance(block, Paragraph) else block.items)


def sections_of(
    blocks: Mapping[str, Iterable[Block | None]], titles: Mapping[str, str]
) -> tuple[Section, ...]:
    """Sections of what has something to say: rows, items or words; those that have nothing are left out.

    Parameters
    ----------
    blocks : mapping of str to iterable of Block or None
        By the key of their section.
    titles : mapping of str to str
        By the same keys.
    """
    sections = []
    for key, those in blocks.items():
        full = tuple(one for one in those if one is not None and says_something(one))
        if full:
            sections.append(Section(key, titles[key], full))
    return tuple(sections)
