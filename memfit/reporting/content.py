"""The parts a report is made of, without any format: sections of paragraphs, tables and figures.

HTML, Markdown and typst are written from the same parts, so that they cannot differ in a word or a digit.

An estimate as text: the one place that decides when its error and its interval mean something.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from memfit.arrays import FloatArray
from memfit.fitting.result import Estimate
from memfit.reporting.numbers import MISSING, interval, quantity, rounded_to_error

SMALLEST_COLUMN = 50.0
"""Width of a figure, mm, below which two of them fit into a journal's column."""
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
    row_heads: bool = True
    """Whether the first column names its row."""


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
    data: Mapping[str, FloatArray] = field(default_factory=dict)
    """The numbers behind the figure, SI, by column title; columns may differ in length."""


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


def value_text(e: Estimate) -> str:
    """The value with its standard error; at a bound without, where a linear approximation means nothing."""
    write = rounded_to_error if e.status == "at_bound" else quantity
    return write(e.value, e.unit or "1", e.stderr)


def interval_text(e: Estimate) -> str:
    """The 95 % interval; a dash at a bound."""
    return MISSING if e.status == "at_bound" else interval(e.ci95, e.unit or "1", e.stderr)
