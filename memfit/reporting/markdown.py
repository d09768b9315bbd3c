"""The report as Markdown (CommonMark with pipe tables), with the figures beside it."""

import re
from collections.abc import Iterator

from memfit.reporting.content import Answer, Block, Bullets, Cell, Column, Graded, Paragraph, Report, Table
from memfit.reporting.plaintext import harmless, with_symbols
from memfit.reporting.words import Symbol

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&!])")
_STARTS_A_BLOCK = re.compile(r"^\s*(?:(?=[-+=])|(\d+)(?=[.)]\s))")


def render_markdown(report: Report, figure_format: str = "svg") -> str:
    """The text of report.md; figures are looked for in `figures/`, as files of `figure_format`."""
    return "\n".join([*_head(report), *_body(report, figure_format), f"---\n\n{_escape(report.footer)}\n"])


def _head(report: Report) -> Iterator[str]:
    """Title and answers."""
    yield f"# {_escape(report.title)}\n"
    if report.subtitle:
        yield f"{_prose(report.subtitle)}\n"
    for answer in report.answers:
        yield from _answer(answer)


def _answer(answer: Answer) -> Iterator[str]:
    """A question with what there is to say."""
    yield f"**{_escape(answer.question)}**\n"
    if answer.headline:
        yield f"{_prose(answer.headline)}\n"
    if answer.facts:
        yield ", ".join(f"{_prose(name)} = {_escape(value)}" for name, value in answer.facts) + "\n"
    if answer.sentences:
        yield " ".join(_prose(sentence) for sentence in answer.sentences) + "\n"


def _body(report: Report, figure_format: str) -> Iterator[str]:
    """Sections."""
    for section in report.sections:
        yield f"## {_escape(section.title)}\n"
        for block in section.blocks:
            yield from _block(block, figure_format)


def _block(block: Block, figure_format: str) -> Iterator[str]:
    """One part of a section."""
    if isinstance(block, Paragraph):
        yield f"{_prose(block.text)}\n"
    elif isinstance(block, Bullets):
        yield "".join(f"- {_prose(item)}\n" for item in block.items)
    elif isinstance(block, Table):
        yield _table(block)
    else:
        for panel in block.items:
            record = f"**{_escape(panel.record)}.** " if panel.record else ""
            yield f"![{_escape(panel.alt)}](figures/{panel.key}.{figure_format})\n"
            yield f"{record}{_prose(panel.caption)}\n"


def _table(table: Table) -> str:
    """A pipe table under its caption."""
    head = "| " + " | ".join(_prose(column.title) for column in table.columns) + " |"
    rule = "|" + "|".join("---:" if column.kind == "number" else "---" for column in table.columns) + "|"
    rows = [
        "| " + " | ".join(_cell(v, column) for v, column in zip(row, table.columns, strict=True)) + " |"
        for row in table.rows
    ]
    return "\n".join([f"{_prose(table.caption)}\n", head, rule, *rows]) + "\n"


def _cell(value: Cell, column: Column) -> str:
    """What stands in a cell."""
    text = value.text if isinstance(value, Graded) else value
    return _prose(text) if column.kind in ("symbol", "prose") else _escape(text)


def _prose(text: str) -> str:
    """A sentence with symbols, which begins no list, heading or rule."""
    return _STARTS_A_BLOCK.sub(lambda match: f"{match[1] or ''}\\", with_symbols(text, _escape, _symbol))


def _symbol(symbol: Symbol) -> str:
    """A symbol as mathematics, which GitHub and most editors typeset."""
    index = f"_{{\\mathrm{{{symbol.index}}}}}" if symbol.index else ""
    return f"${_LETTERS.get(symbol.base, symbol.base)}{index}$"


_LETTERS = {"τ": r"\tau", "ω": r"\omega", "δ": r"\delta", "Δ": r"\Delta"}


def _escape(text: str) -> str:
    """Plain text that Markdown takes as such."""
    return _SPECIAL.sub(r"\\\1", harmless(text))
