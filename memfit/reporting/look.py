"""How the figures of a report are written: formats, width, style."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from memfit.errors import InputError

Width = Literal["single", "double"]
FIGURES = ("svg", "png", "pdf")
"""Formats of the figures beside a report."""
WIDTHS: dict[str, float] = {"single": 85.0, "double": 175.0}
"""A journal's column, and its page, mm."""


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
        unknown = [name for name in self.figures if name not in FIGURES]
        if unknown:
            raise InputError(
                f"Expected formats of figures out of {', '.join(FIGURES)}; "
                f"found {', '.join(map(repr, unknown))}."
            )
        if self.width not in WIDTHS:
            raise InputError(f"Expected a width out of {', '.join(WIDTHS)}; found {self.width!r}.")


PLAIN_LOOK = Look()
"""SVG, one column wide, in memfit's own style."""
