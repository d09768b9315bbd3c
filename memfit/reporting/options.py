"""How a report is written: its formats, and formats, width and style of its figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from memfit.errors import InputError

Width = Literal["single", "double"]
DOCUMENTS = ("html", "pdf", "md", "tex", "csv")
"""Formats of the report itself; tex and csv are its tables."""
FIGURES = ("svg", "png", "pdf")
"""Formats of the figures beside a report."""
WIDTHS: dict[str, float] = {"single": 85.0, "double": 175.0}
"""A journal's column, and its page, mm."""


def _check(what: str, words: Sequence[str], known: Sequence[str]) -> None:
    """Refuse words that are not known.

    Raises
    ------
    InputError
        One is unknown.
    """
    unknown = [word for word in words if word not in known]
    if unknown:
        found = ", ".join(map(repr, unknown))
        raise InputError(f"Expected {what} out of {', '.join(known)}; found {found}.")


@dataclass(frozen=True, kw_only=True)
class Look:
    """Settings of the figures beside a report.

    Raises
    ------
    InputError
        A format or a width is unknown.
    """

    figures: tuple[str, ...] = ("svg",)
    """Formats, out of `FIGURES`."""
    width: Width = "single"
    """Of the files in `figures/`: 8.5 cm or 17.5 cm. The report itself is always drawn in single columns."""
    style: Path | None = None
    """A matplotlib style file laid over memfit's own."""

    def __post_init__(self) -> None:
        """Check the words."""
        _check("formats of figures", self.figures, FIGURES)
        if self.width not in WIDTHS:
            raise InputError(f"Expected a width out of {', '.join(WIDTHS)}; found {self.width!r}.")


PLAIN_LOOK = Look()
"""SVG, one column wide, in memfit's own style."""


@dataclass(frozen=True, kw_only=True)
class Edition:
    """What is written of a fit beside its result.

    Raises
    ------
    InputError
        A format is unknown.
    """

    formats: Sequence[str] = ("html",)
    """Of the report, out of `DOCUMENTS`: html, pdf (extra `pdf`), md, and its tables as tex and csv."""
    look: Look = PLAIN_LOOK
    """Formats, width and style of the figures."""

    def __post_init__(self) -> None:
        """Check the words."""
        _check("formats", self.formats, DOCUMENTS)


PLAIN_EDITION = Edition()
"""A page with figures in the plain look."""
