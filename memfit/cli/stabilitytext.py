"""The stability report for a terminal: the same words and tables as its page, in columns, without figures."""

from textwrap import fill

from memfit.cli.console import columns
from memfit.reporting.content import Block, Bullets, Graded, Panels, Paragraph, Report, Section, Table

_WIDTH = 100


def report_text(report: Report) -> str:
    """All sections of a report as plain text."""
    return "\n\n".join(_section(section) for section in report.sections)


def _section(section: Section) -> str:
    """A heading and what stands under it."""
    parts = [_block(block) for block in section.blocks if not isinstance(block, Panels)]
    return "\n".join([section.title, "-" * len(section.title), "\n\n".join(parts)])


def _block(block: Block) -> str:
    """One part of a section."""
    if isinstance(block, Paragraph):
        return filled(block.text)
    if isinstance(block, Bullets):
        mark = "! " if block.tone == "care" else "- "
        return "\n".join(filled(item, mark) for item in block.items)
    return table_text(block) if isinstance(block, Table) else ""


def table_text(table: Table) -> str:
    """A table under its caption."""
    rows = [tuple(cell.text if isinstance(cell, Graded) else cell for cell in row) for row in table.rows]
    head = tuple(column.title for column in table.columns)
    return "\n".join([filled(table.caption), columns([head, *rows], indent="    ")])


def filled(text: str, mark: str = "") -> str:
    """Text broken into lines, set in by two blanks."""
    return fill(
        text,
        _WIDTH,
        initial_indent=f"  {mark}",
        subsequent_indent=" " * (2 + len(mark)),
        break_on_hyphens=False,
    )
