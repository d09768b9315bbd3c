"""The report in markup languages: Markdown, tables in LaTeX, and typst, from which the PDF is set.

All three are written from the same parts and differ in how they escape plain text, set a symbol and lay out a
table: a `Markup` has the first two. Text is made harmless before it is put between the signs of a markup.

The PDF (extra `pdf`) has the layout of a journal. All text goes to typst as string literals, so that nothing
in it is read as markup; fonts are those that typst brings along and matplotlib's, never the machine's: the
same report gives the same file.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import matplotlib as mpl

from memfit.errors import DependencyError, OutputError
from memfit.reporting.content import (
    HEADINGS,
    Answer,
    Block,
    Bullets,
    Cell,
    Column,
    Graded,
    Panel,
    Panels,
    Paragraph,
    Report,
    Section,
    Symbol,
    Table,
)
from memfit.reporting.writers.words import split_symbols

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def harmless(text: str) -> str:
    """Text on one line, without control characters and without those that turn the direction of writing."""
    return _CONTROLS.sub("\ufffd", text.replace("\n", " ").replace("\t", " "))


@dataclass(frozen=True)
class Markup:
    """How a language writes what all of them have."""

    escape: Callable[[str], str]
    """Plain text that is read as such."""
    symbol: Callable[[Symbol], str]
    names: frozenset[str] = frozenset()
    """That users gave, which are no names of quantities."""

    def of(self, report: Report) -> Self:
        """The same for the names of a report."""
        return replace(self, names=frozenset(map(harmless, report.names)))

    def prose(self, text: str) -> str:
        """A sentence with its plain parts escaped and the names of quantities written as symbols.

        Parameters
        ----------
        text : str
            Plain, with names of quantities as in Python: "R_s".
        """
        return "".join(
            self.escape(piece) if symbol is None else self.symbol(symbol)
            for piece, symbol in split_symbols(harmless(text), self.names)
        )

    def cell(self, value: Cell, column: Column) -> str:
        """What stands in a cell.

        Parameters
        ----------
        value : str or Graded
        column : Column
            Its kind says whether names of quantities become symbols.
        """
        text = value.text if isinstance(value, Graded) else value
        if column.kind == "symbol":
            return replace(self, names=frozenset()).prose(text)
        return self.prose(text) if column.kind == "prose" else self.escape(text)

    def rows(self, table: Table) -> Iterator[list[str]]:
        """The cells of a table, row by row."""
        for row in table.rows:
            yield [self.cell(value, column) for value, column in zip(row, table.columns, strict=True)]


_GREEK = {"τ": r"\tau", "ω": r"\omega", "δ": r"\delta", "Δ": r"\Delta"}


def _mathematics(symbol: Symbol) -> str:
    """A symbol between dollars: LaTeX, and what GitHub and most editors of Markdown typeset."""
    index = f"_{{\\mathrm{{{symbol.index}}}}}" if symbol.index else ""
    return f"${_GREEK.get(symbol.base, symbol.base)}{index}$"


# Markdown: CommonMark with pipe tables.

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&!])")
_STARTS_A_BLOCK = re.compile(r"^\s*(?:(?=[-+=])|(\d+)(?=[.)]\s))")


class _Markdown(Markup):
    """Sentences begin no list, heading or rule."""

    def prose(self, text: str) -> str:
        """A sentence with symbols."""
        return _STARTS_A_BLOCK.sub(lambda match: f"{match[1] or ''}\\", super().prose(text))


MARKDOWN = _Markdown(lambda text: _SPECIAL.sub(r"\\\1", harmless(text)), _mathematics)


def render_markdown(report: Report, figure_format: str = "svg") -> str:
    """The text of report.md.

    Parameters
    ----------
    report : Report
    figure_format : str
        Of the files in `figures/` that the text shows.
    """
    markdown = MARKDOWN.of(report)
    prose, escape = markdown.prose, markdown.escape
    lines = [f"# {escape(report.title)}\n"]
    if report.subtitle:
        lines.append(f"{prose(report.subtitle)}\n")
    for answer in report.answers:
        lines.append(f"**{escape(answer.question)}**\n")
        if answer.headline:
            lines.append(f"{prose(answer.headline)}\n")
        if answer.facts:
            lines.append(", ".join(f"{prose(name)} = {escape(value)}" for name, value in answer.facts) + "\n")
        if answer.sentences:
            lines.append(" ".join(map(prose, answer.sentences)) + "\n")
    for section in report.sections:
        lines.append(f"## {escape(section.title)}\n")
        for block in section.blocks:
            lines += _markdown_block(block, figure_format, markdown)
    return "\n".join([*lines, f"---\n\n{escape(report.footer)}\n"])


def _markdown_block(block: Block, figure_format: str, markdown: Markup) -> Iterator[str]:
    """One part of a section."""
    prose, escape = markdown.prose, markdown.escape
    if isinstance(block, Paragraph):
        yield f"{prose(block.text)}\n"
    elif isinstance(block, Bullets):
        yield "".join(f"- {prose(item)}\n" for item in block.items)
    elif isinstance(block, Table):
        yield f"{prose(block.caption)}\n"
        yield "| " + " | ".join(prose(column.title) for column in block.columns) + " |"
        yield "|" + "|".join("---:" if column.kind == "number" else "---" for column in block.columns) + "|"
        yield "".join("| " + " | ".join(row) + " |\n" for row in markdown.rows(block))
    else:
        for panel in block.items:
            record = f"**{escape(panel.record)}.** " if panel.record else ""
            yield f"![{escape(panel.alt)}](figures/{panel.key}.{figure_format})\n"
            yield f"{record}{prose(panel.caption)}\n"


# LaTeX: the tables alone, for a paper; plain `tabular` with booktabs rules, one after the other.

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
_HEAD = "% Tables of a memfit report; needs \\usepackage{booktabs} and, for file names, T1 fonts.\n"


def escape_latex(text: str) -> str:
    """Plain text that LaTeX sets as such."""
    escaped = "".join(_CHARACTERS.get(character, character) for character in harmless(text))
    return _RAISED.sub(lambda match: f"$^{{{match[0].translate(_LOWERED)}}}$", escaped)


LATEX = Markup(escape_latex, _mathematics)


def render_latex(report: Report) -> str:
    """The text of tables.tex; each table has the label `tab:KEY`.

    Parameters
    ----------
    report : Report
    """
    latex = LATEX.of(report)
    return _HEAD + "\n".join(
        "\\begin{table}\n"
        f"\\caption{{{latex.prose(table.caption)}}}\n"
        f"\\label{{tab:{table.key}}}\n"
        f"\\begin{{tabular}}{{{'l' * len(table.columns)}}}\n"
        "\\toprule\n"
        f"{' & '.join(latex.prose(column.title) for column in table.columns)} \\\\\n"
        "\\midrule\n" + " \\\\\n".join(" & ".join(row) for row in latex.rows(table)) + " \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
        "\\end{table}\n"
        for table in report.tables
    )


# typst, and the PDF.

_WIDE = 4
"""Columns above which a table spans both columns of text."""
_LONG = 28
"""Rows from which a table of one column of text is set over whole pages at the end, where it can break,"""
_PAGE = 45
"""and one that spans both, with its short rows."""
_NO_BREAK = "\u00a0"
_CHUNK = 16
"""A line may break after so many characters of code, or of a word that is too long for a line."""
_MAY_BREAK = "\u200b"
_LONG_WORD = re.compile(r"\S{36,}")


def _string(text: str) -> str:
    """Plain text, as a string of typst's code."""
    return '"' + harmless(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _breakable(text: str) -> str:
    """Text without blanks that can break all the same."""
    return _MAY_BREAK.join(text[i : i + _CHUNK] for i in range(0, len(text), _CHUNK))


class _Typst(Markup):
    """Numbers keep together with their units; code and names of files can break anywhere."""

    def cell(self, value: Cell, column: Column) -> str:
        """What stands in a cell."""
        if column.kind in ("code", "file") and isinstance(value, str):
            return f"#code({_string(_breakable(value))})"
        if column.kind == "number" and isinstance(value, str):
            value = value.replace(" ", _NO_BREAK)
        return super().cell(value, column)


TYPST = _Typst(
    lambda text: f"#{_string(_LONG_WORD.sub(lambda word: _breakable(word[0]), text))}" if text else "",
    lambda symbol: f"#quantity({_string(symbol.base)}, {_string(symbol.index)})",
)


def _late(block: Block) -> bool:
    """Whether it is a table for the pages at the end."""
    if not isinstance(block, Table):
        return False
    return len(block.rows) >= (_PAGE if len(block.columns) > _WIDE else _LONG)


def render_pdf(report: Report, drawings: Mapping[str, bytes]) -> bytes:
    """The file report.pdf.

    Parameters
    ----------
    report : Report
    drawings : mapping of str to bytes
        SVG of each panel, by key.

    Raises
    ------
    DependencyError
        typst is not installed.
    OutputError
        typst cannot set the report.
    """
    try:
        import typst  # noqa: PLC0415 - heavy and optional
    except ImportError as problem:
        raise DependencyError(
            'A PDF needs the package typst, which is not installed: pip install "memfit[pdf]".'
        ) from problem
    fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
    with TemporaryDirectory() as folder:
        source = Path(folder) / "report.typ"
        source.write_text(typst_source(report), encoding="utf-8")
        for key, drawing in drawings.items():
            (Path(folder) / f"{key}.svg").write_bytes(drawing)
        try:
            return bytes(typst.compile(source, font_paths=[fonts], ignore_system_fonts=True))
        except typst.TypstError as problem:
            raise OutputError(
                f"report.pdf: typst cannot set it ({problem}). Write HTML instead."
            ) from problem


def typst_source(report: Report) -> str:
    """The report in typst's markup: boxes with the answers, sections, and the long tables at the end.

    Parameters
    ----------
    report : Report
    """
    typst = TYPST.of(report)
    prose = typst.prose
    answers = "".join(
        f"(title: {_string(a.question)}, tone: {_string(a.tone)}, body: [{_typst_answer(a, typst)}]), "
        for a in report.answers
    )
    parts = [
        (files("memfit.reporting") / "templates" / "report.typ").read_text(encoding="utf-8"),
        f"#head({_string(report.title)}, [{prose(report.subtitle)}], ({answers}))",
        *(line for section in report.sections for line in _typst_section(section, typst)),
        f"#finish({_string(report.footer)})",
    ]
    late = [table for table in report.tables if _late(table)]
    if late:
        parts += ["#set page(columns: 1)", f"= #{_string(HEADINGS['late'])}"]
        parts += [f"#long([{prose(table.caption)}], {_typst_cells(table, typst)})" for table in late]
    return "\n".join(parts) + "\n"


def _typst_answer(answer: Answer, typst: Markup) -> str:
    """What a box on the first page says."""
    prose = typst.prose
    facts = ", ".join(f'{prose(name)}#" = "{typst.escape(value)}' for name, value in answer.facts)
    headline = f"#strong[{prose(answer.headline)}]" if answer.headline else ""
    parts = (headline, facts and f"{facts}.", *map(prose, answer.sentences))
    return " ".join(part for part in parts if part)


def _typst_section(section: Section, typst: Markup) -> Iterator[str]:
    """A section under its heading; the overview as one picture over both columns of the first page."""
    if section.key == "overview" and section.panels:
        yield "#across(" + "".join(f"{_typst_figure(panel, typst)}, " for panel in section.panels) + ")"
        yield from _typst_blocks([block for block in section.blocks if not isinstance(block, Panels)], typst)
        return
    if all(map(_late, section.blocks)):
        return
    yield f"= #{_string(section.title)}"
    floating = [
        f"#ref(label({_string(f'table-{block.key}')}))"
        for block in section.blocks
        if isinstance(block, Table) and len(block.columns) > _WIDE and not _late(block)
    ]
    yield f"\n#emph[See {', '.join(floating)}.]\n" if floating else ""
    yield from _typst_blocks(section.blocks, typst)


def _typst_blocks(blocks: Sequence[Block], typst: Markup) -> Iterator[str]:
    """What stands in a section; a table of many columns floats over both columns of text."""
    prose = typst.prose
    for block in blocks:
        if isinstance(block, Paragraph):
            yield f"\n{prose(block.text)}\n"
        elif isinstance(block, Bullets):
            yield "#list(" + "".join(f"[{prose(item)}], " for item in block.items) + ")"
        elif isinstance(block, Table):
            if not _late(block):
                label = _string(f"table-{block.key}") if len(block.columns) > _WIDE else "none"
                yield f"#tabular({label}, [{prose(block.caption)}], {_typst_cells(block, typst)})"
        elif block.small:
            yield "#pair(" + "".join(f"{_typst_figure(panel, typst)}, " for panel in block.items) + ")"
        else:
            yield from (f"#{_typst_figure(panel, typst)}" for panel in block.items)


def _typst_figure(panel: Panel, typst: Markup) -> str:
    """A figure with its caption."""
    record = f'#strong[{typst.escape(panel.record)}#"."] ' if panel.record else ""
    name, alt = _string(f"{panel.key}.svg"), _string(panel.alt)
    return f"drawing({name}, {alt}, [{record}{typst.prose(panel.caption)}])"


def _typst_cells(table: Table, typst: Markup) -> str:
    """Headers and rows as arguments."""
    heads = "".join(f"[{typst.prose(column.title)}], " for column in table.columns)
    cells = "".join(f"[{cell}], " for row in typst.rows(table) for cell in row)
    return f"({heads}), ({cells})"
