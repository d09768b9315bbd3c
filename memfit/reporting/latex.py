"""The tables of a report for a paper in LaTeX: plain `tabular` with booktabs rules, one after the other."""

import re

from memfit.reporting.content import Cell, Column, Graded, Report, Table
from memfit.reporting.plaintext import harmless, with_symbols
from memfit.reporting.words import Symbol

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
_LETTERS = {"τ": r"\tau", "ω": r"\omega", "δ": r"\delta", "Δ": r"\Delta"}
_HEAD = "% Tables of a memfit report; needs \\usepackage{booktabs} and, for file names, T1 fonts.\n"


def render_latex(report: Report) -> str:
    """The text of tables.tex."""
    return _HEAD + "\n".join(_table(table) for table in report.tables)


def _table(table: Table) -> str:
    """One table with its caption and a label `tab:KEY`."""
    rows = [
        " & ".join(_cell(value, column) for value, column in zip(row, table.columns, strict=True))
        for row in table.rows
    ]
    body = " \\\\\n".join(rows)
    return (
        "\\begin{table}\n"
        f"\\caption{{{_prose(table.caption)}}}\n"
        f"\\label{{tab:{table.key}}}\n"
        f"\\begin{{tabular}}{{{'l' * len(table.columns)}}}\n"
        "\\toprule\n"
        f"{' & '.join(_prose(column.title) for column in table.columns)} \\\\\n"
        "\\midrule\n"
        f"{body} \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
        "\\end{table}\n"
    )


def _cell(value: Cell, column: Column) -> str:
    """What stands in a cell."""
    text = value.text if isinstance(value, Graded) else value
    return _prose(text) if column.kind in ("symbol", "prose") else escape(text)


def _prose(text: str) -> str:
    """A sentence with symbols."""
    return with_symbols(text, escape, _symbol)


def _symbol(symbol: Symbol) -> str:
    """A symbol as mathematics."""
    index = f"_{{\\mathrm{{{symbol.index}}}}}" if symbol.index else ""
    return f"${_LETTERS.get(symbol.base, symbol.base)}{index}$"


def escape(text: str) -> str:
    """Plain text that LaTeX sets as such."""
    escaped = "".join(_CHARACTERS.get(character, character) for character in harmless(text))
    return _RAISED.sub(lambda match: f"$^{{{match[0].translate(_LOWERED)}}}$", escaped)
