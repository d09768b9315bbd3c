"""The report as Markdown, LaTeX and PDF: the same words, harmless text, and the same bytes twice."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from memfit.errors import DependencyError
from memfit.reporting.content import (
    Answer,
    Bullets,
    Column,
    Graded,
    Panel,
    Panels,
    Paragraph,
    Report,
    Section,
    Table,
)
from memfit.reporting.fit.report import report_of
from memfit.reporting.writers.text import (
    escape_latex,
    harmless,
    render_latex,
    render_markdown,
    render_pdf,
    typst_source,
)

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 5"><path d="M0 0h10"/></svg>'
NASTY = '#evil[*x*] "quoted" \\n $1$ | <b> _a_ `c` 100 % ~ ^ & {}'
TABLE = Table(
    "parameters",
    "Values of R_b.",
    (Column("Symbol", "symbol"), Column("Value", "number"), Column("File", "file"), Column("", "code")),
    (("tau_d", "−1.2(3)×10⁻⁵ Ω", NASTY, "ab" * 32), ("R_b", Graded("0.93", 4), "−", "")),
)
PANEL = Panel(key="iv_1", draw=lambda figure: None, caption="R_b at 5 V/s.", alt="A *curve*.", record=NASTY)


def report(title=NASTY):
    sections = (
        Section("a", "Overview", (Paragraph("- R_b is 1. not a list"), Bullets((NASTY, "1. two")), TABLE)),
        Section("b", "Figures", (Panels((PANEL,)),)),
    )
    answer = Answer("What?", "Yes.", ("R_b is known.",), "good", (("R_b", "12.0(1) kΩ"),))
    return Report(title, "", (answer,), sections, "memfit 0.1.0")


@pytest.mark.parametrize(("write", "golden"), [(render_markdown, "golden.md"), (render_latex, "golden.tex")])
def test_text_word_by_word(write, golden):
    assert write(report()) == (Path(__file__).parent / golden).read_text(encoding="utf-8")


def test_latex_has_nothing_left_to_be_executed():
    assert escape_latex("a_b\\input{x}%") == "a\\_b\\textbackslash{}input\\{x\\}\\%"


def test_control_characters_are_made_visible():
    assert harmless("a\x00b\u202ec\nd\te") == "a\ufffdb\ufffdc d e"


def test_typst_gets_all_text_as_strings():
    source = typst_source(report())
    body = source[source.index("#head(") :]
    without_strings = re.sub(r'"(?:[^"\\]|\\.)*"', "", body)
    assert "evil" not in without_strings
    assert "quoted" not in without_strings
    assert '#quantity("R", "b")' in body


def test_long_tables_move_to_the_end():
    rows = tuple((f"{i}", "1", "f", "c") for i in range(40))
    long = Table("inputs", "Many.", TABLE.columns, rows)
    moved = Report("t", "", (), (Section("a", "Inputs", (long,)),), "")
    source = typst_source(moved)
    assert source.index("#set page(columns: 1)") < source.index("#long(")
    assert "#tabular(" not in source[source.index("= #") :]


def test_pdf_is_the_same_twice_whatever_the_text():
    pytest.importorskip("typst")
    first = render_pdf(report(), {"iv_1": SVG})
    assert first.startswith(b"%PDF")
    assert render_pdf(report(), {"iv_1": SVG}) == first


def test_a_real_report_sets_in_every_format(result):
    pytest.importorskip("typst")
    whole = report_of(result, [])
    pages = render_pdf(whole, {panel.key: SVG for panel in whole.panels})
    assert pages.startswith(b"%PDF")
    assert render_markdown(whole).count("\n## ") == len(whole.sections)
    assert render_latex(whole).count("\\begin{table}") == len(whole.tables)


def test_without_typst_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(DependencyError, match=r'pip install "memfit\[pdf\]"'):
        render_pdf(report(), {})


def test_a_word_too_long_for_a_line_can_break_in_typst():
    answer = Answer("Which?", "", ("ж" * 200, "ю" * 20), "plain")
    source = typst_source(replace(report(), answers=(answer,)))
    pieces = re.findall("ж+", source)
    assert sum(map(len, pieces)) == 200
    assert max(map(len, pieces)) < 40
    assert "ю" * 20 in source
