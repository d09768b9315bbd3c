"""The report as PDF in the layout of a journal, typeset by typst (extra `pdf`).

All text goes to typst as string literals, so that nothing in it is read as markup. Fonts are those typst
brings along and matplotlib's, never the machine's: the same report gives the same file.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl

from memfit.errors import DependencyError, OutputError
from memfit.reporting.content import (
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
    Table,
)
from memfit.reporting.text import HEADINGS, Symbol
from memfit.reporting.writers.text import harmless, with_symbols

_LONG = 28
"""Rows from which a table is set over whole pages at the end, where it can break."""
_WIDE = 4
"""Columns above which a table spans both columns of text."""
_NO_BREAK = "\u00a0"
_CHUNK = 16
"""A line may break after so many characters of code, or of a word that is too long for a line."""
_MAY_BREAK = "\u200b"
_LONG_WORD = re.compile(r"\S{36,}")
_PREAMBLE = (Path(__file__).parents[1] / "templates" / "report.typ").read_text(encoding="utf-8")


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
    """The report in typst's markup."""
    late = [table for table in report.tables if len(table.rows) >= _LONG]
    parts = [
        _PREAMBLE,
        f"#head({_string(report.title)}, [{_prose(report.subtitle)}], ({''.join(_answers(report))}))",
        *(line for section in report.sections for line in _section(section)),
        f"#finish({_string(report.footer)})",
    ]
    if late:
        parts += ["#set page(columns: 1)", f"= #{_string(HEADINGS['late'])}", *map(_table_body, late)]
    return "\n".join(parts) + "\n"


def _answers(report: Report) -> Iterator[str]:
    """Arguments of the boxes on the first page."""
    for answer in report.answers:
        title, tone = _string(answer.question), _string(answer.tone)
        yield f"(title: {title}, tone: {tone}, body: [{_answer(answer)}]), "


def _answer(answer: Answer) -> str:
    """What a box says."""
    facts = ", ".join(f'{_prose(name)}#" = "{_literal(value)}' for name, value in answer.facts)
    facts += "." if facts else ""
    headline = f"#strong[{_prose(answer.headline)}]" if answer.headline else ""
    return " ".join(part for part in (headline, facts, *map(_prose, answer.sentences)) if part)


def _section(section: Section) -> Iterator[str]:
    """A section under its heading; the overview as one picture over both columns of the first page."""
    if section.key == "overview" and section.panels:
        yield "#across(" + "".join(f"{_figure(panel)}, " for panel in section.panels) + ")"
        yield from _blocks([block for block in section.blocks if not isinstance(block, Panels)])
        return
    yield f"= #{_string(section.title)}"
    yield _references(section.blocks)
    yield from _blocks(section.blocks)


def _references(blocks: Sequence[Block]) -> str:
    """Where the tables of a section stand that float to the top or the bottom of a page."""
    floating = [b for b in blocks if isinstance(b, Table) and _is_wide(b) and len(b.rows) < _LONG]
    places = ", ".join(f"#ref(label({_string(_label(table))}))" for table in floating)
    return f"\n#emph[See {places}.]\n" if floating else ""


def _label(table: Table) -> str:
    """By which a table is known to the text."""
    return f"table-{table.key}"


def _is_wide(table: Table) -> bool:
    """Whether a table spans both columns of text."""
    return len(table.columns) > _WIDE


def _blocks(blocks: Sequence[Block]) -> Iterator[str]:
    """What stands in a section."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield f"\n{_prose(block.text)}\n"
        elif isinstance(block, Bullets):
            yield "#list(" + "".join(f"[{_prose(item)}], " for item in block.items) + ")"
        elif isinstance(block, Table):
            if len(block.rows) < _LONG:
                yield _table(block)
        elif block.small:
            yield "#pair(" + "".join(f"{_figure(panel)}, " for panel in block.items) + ")"
        else:
            yield from (f"#{_figure(panel)}" for panel in block.items)


def _figure(panel: Panel) -> str:
    """A figure with its caption."""
    record = f'#strong[{_literal(panel.record)}#"."] ' if panel.record else ""
    return f"drawing({_string(panel.key + '.svg')}, {_string(panel.alt)}, [{record}{_prose(panel.caption)}])"


def _table(table: Table) -> str:
    """A table in its place: in the column, or over both."""
    wide = _string(_label(table)) if _is_wide(table) else "none"
    return f"#tabular({wide}, [{_prose(table.caption)}], {_cells(table)})"


def _table_body(table: Table) -> str:
    """A long table, which may break over pages."""
    return f"#long([{_prose(table.caption)}], {_cells(table)})"


def _cells(table: Table) -> str:
    """Headers and rows as arguments."""
    heads = "".join(f"[{_prose(column.title)}], " for column in table.columns)
    cells = "".join(
        f"[{_cell(value, column)}], "
        for row in table.rows
        for value, column in zip(row, table.columns, strict=True)
    )
    return f"({heads}), ({cells})"


def _cell(value: Cell, column: Column) -> str:
    """What stands in a cell."""
    if isinstance(value, Graded):
        return _literal(value.text)
    if column.kind in ("symbol", "prose"):
        return _prose(value)
    if column.kind == "number":
        return _literal(value.replace(" ", _NO_BREAK))
    if column.kind in ("code", "file"):
        return f"#code({_string(_breakable(value))})"
    return _literal(value)


def _prose(text: str) -> str:
    """A sentence with symbols, as content."""
    return with_symbols(text, _literal, _symbol)


def _symbol(symbol: Symbol) -> str:
    """A symbol, as content."""
    return f"#quantity({_string(symbol.base)}, {_string(symbol.index)})"


def _literal(text: str) -> str:
    """Plain text, as content; a word too long for a line can break."""
    return f"#{_string(_LONG_WORD.sub(lambda word: _breakable(word[0]), text))}" if text else ""


def _breakable(text: str) -> str:
    """Text without blanks that can break all the same."""
    return _MAY_BREAK.join(text[i : i + _CHUNK] for i in range(0, len(text), _CHUNK))


def _string(text: str) -> str:
    """Plain text, as a string of code."""
    return '"' + harmless(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
