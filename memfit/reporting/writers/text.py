"""The tables of a report for a paper in LaTeX: plain `tabular` with booktabs rules, one after the other.

What all writers but HTML share: text made harmless before it is put between the signs of a markup.

The report as Markdown (CommonMark with pipe tables), with the figures beside it.
"""

import re
from collections.abc import Callable, Iterator

from memfit.reporting.content import (
    Answer,
    Block,
    Bullets,
    Cell,
    Column,
    Graded,
    Paragraph,
    Report,
    Table,
)
from memfit.reporting.text import Symbol, split_symbols

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def harmless(text: str) -> str:
    """Text on one line, without control characters and without those that turn the direction of writing."""
    return _CONTROLS.sub("\ufffd", text.replace("\n", " ").replace("\t", " "))


def with_symbols(text: str, escape: Callable[[str], str], write: Callable[[Symbol], str]) -> str:
    """A sentence with its plain parts escaped and the names of quantities written as symbols."""
    return "".join(
        escape(piece) if symbol is None else write(symbol) for piece, symbol in split_symbols(harmless(text))
    )


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


_CHARACTERS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "Ω": r"$\Omega$",
    "µ": r"$\mu$",
    "χ": r"$\chi$",
    "τ": r"$\tau$",
    "ω": r"$\omega$",
    "−": "$-$",
    "–": "--",
    "×": r"$\times$",
    "±": r"$\pm$",
}
_SUPERSCRIPTS = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
_RAISED = re.compile(f"[{_SUPERSCRIPTS}]+")
_LOWERED = str.maketrans(_SUPERSCRIPTS, "-0123456789")
_LETTERS_LATEX = {"τ": r"\tau", "ω": r"\omega", "δ": r"\delta", "Δ": r"\Delta"}
_HEAD = "% Tables of a memfit report; needs \\usepackage{booktabs} and, for file names, T1 fonts.\n"


def render_latex(report: Report) -> str:
    """The text of tables.tex."""
    return _HEAD + "\n".join(_table_latex(table) for table in report.tables)


def _table_latex(table: Table) -> str:
    """One table with its caption and a label `tab:KEY`."""
    rows = [
        " & ".join(_cell_latex(value, column) for value, column in zip(row, table.columns, strict=True))
        for row in table.rows
    ]
    body = " \\\\\n".join(rows)
    return (
        "\\begin{table}\n"
        f"\\caption{{{_prose_latex(table.caption)}}}\n"
        f"\\label{{tab:{table.key}}}\n"
        f"\\begin{{tabular}}{{{'l' * len(table.columns)}}}\n"
        "\\toprule\n"
        f"{' & '.join(_prose_latex(column.title) for column in table.columns)} \\\\\n"
        "\\midrule\n"
        f"{body} \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
        "\\end{table}\n"
    )


def _cell_latex(value: Cell, column: Column) -> str:
    """What stands in a cell."""
    text = value.text if isinstance(value, Graded) else value
    return _prose_latex(text) if column.kind in ("symbol", "prose") else escape(text)


def _prose_latex(text: str) -> str:
    """A sentence with symbols."""
    return with_symbols(text, escape, _symbol_latex)


def _symbol_latex(symbol: Symbol) -> str:
    """A symbol as mathematics."""
    index = f"_{{\\mathrm{{{symbol.index}}}}}" if symbol.index else ""
    return f"${_LETTERS_LATEX.get(symbol.base, symbol.base)}{index}$"


def escape(text: str) -> str:
    """Plain text that LaTeX sets as such."""
    escaped = "".join(_CHARACTERS.get(character, character) for character in harmless(text))
    return _RAISED.sub(lambda match: f"$^{{{match[0].translate(_LOWERED)}}}$", escaped)
