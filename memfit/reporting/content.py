"""The parts a report is made of, without any format, and the options by which it is written.

Sections of paragraphs, tables and figures: HTML, Markdown and typst are written from the same parts, so that
they cannot differ in a word or a digit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from memfit.arrays import FloatArray
from memfit.errors import InputError

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
